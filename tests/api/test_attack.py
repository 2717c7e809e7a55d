"""Nobody sees or does what is not theirs: the attack on the real system finds nothing, and finds every fault that is
planted in it."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import pytest

from bangfu.db.embedded import ADMIN, EmbeddedServer
from bangfu.process import Duty
from bangfu.vault import Vault
from tests.api.attack import Attack
from tests.api.conftest import serving
from tests.api.counties import ROLES, make_twin
from tests.api.test_reading import story
from tests.conftest import connect, copy_of, drop
from tests.county import World

LEAST = 10_000
_numbers = itertools.count(1)


def superuser(server: EmbeddedServer, name: str) -> Callable[[], Any]:
    """Opens a connection that no wall holds back."""
    return lambda: asyncpg.connect(**server.connect_arguments(ADMIN, name))


@pytest.fixture(scope="module")
async def attacked(
    server: EmbeddedServer, peopled: str, vault: Vault, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    """The name of a database with the two counties."""
    name = await copy_of(server, "attacked", peopled)
    opened = connect(server, name, tmp_path_factory.mktemp("home"))
    world = World(opened, vault)
    await world.look()
    async with serving(opened, vault, world) as made:
        await story(made)
    await opened.close()
    connection = await superuser(server, name)()
    try:
        await make_twin(connection, vault)
    finally:
        await connection.close()
    yield name
    await drop(server, name)


@pytest.fixture
async def attack(
    server: EmbeddedServer, attacked: str, vault: Vault, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Attack]:
    """An attack on a server over a copy of the two counties."""
    name = await copy_of(server, f"attacked_{next(_numbers)}", attacked)
    opened = connect(server, name, tmp_path_factory.mktemp("home"))
    async with serving(opened, vault, World(opened, vault)) as served:
        made = Attack(served, superuser(server, name))
        await made.prepare()
        yield made
    await opened.close()
    await drop(server, name)


async def test_nobody_sees_or_does_what_is_not_theirs(attack: Attack, told: list[str]) -> None:
    for number in ROLES:
        await attack.as_role(number)
    report = attack.report
    told += [report.line(), *(f"attack: left out {reason}" for reason in sorted(report.excluded))]
    assert report.leaks == []
    assert report.total >= LEAST
    assert {role.duty for role in ROLES.values()} == set(Duty)
    # Whoever asks for what is his own is shown it: a place that never shows anything is not attacked either.
    assert {place for place in report.places if not report.shown[place]} == set()
