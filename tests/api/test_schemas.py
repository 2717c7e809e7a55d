"""A schema for each set of programmes: made once, not more of them than fit, and nobody waits for another's."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from dataclasses import replace
from functools import cache
from typing import Any

from bangfu.programme import Programme, installed
from bangfu_graphql import schema
from bangfu_graphql.schema import Schemas
from tests.api.conftest import Served
from tests.api.test_defences import ask

ALL = tuple(installed().programmes.values())


@cache
def other(number: int) -> tuple[Programme, ...]:
    """A set of programmes that nobody else runs."""
    return (replace(ALL[0], code=f"{ALL[0].code}_{number}"),)


class Made:
    """A schema as far as it is looked at here."""


async def test_a_set_is_made_once_in_whatever_order_it_is_named() -> None:
    made: list[tuple[str, ...]] = []

    def make(wanted: tuple[Programme, ...]) -> Any:
        made.append(tuple(one.code for one in wanted))
        return Made()

    schemas: Any = Schemas(make)
    first = await schemas.ready(ALL)
    assert await schemas.ready(reversed(ALL)) is schemas.of(ALL) is first
    assert made == [tuple(sorted(one.code for one in ALL))]
    assert await schemas.ready(ALL[1:]) is not first
    # Asked for at once, it is made once.
    found = await asyncio.gather(*(schemas.ready(ALL[:1]) for _ in range(5)))
    assert len({id(one) for one in found}) == 1
    assert len(made) == 3


async def test_of_more_than_there_is_room_for_the_one_longest_not_asked_for_goes() -> None:
    forgotten: list[int] = []
    schemas: Any = Schemas(lambda wanted: Made(), most=2, forget=lambda: forgotten.append(1))  # type: ignore[arg-type,return-value]
    one, two = await schemas.ready(other(1)), await schemas.ready(other(2))
    assert await schemas.ready(other(1)) is one
    assert forgotten == []
    gone = weakref.ref(two)
    del two
    await schemas.ready(other(3))
    gc.collect()
    assert (len(schemas), len(forgotten), gone()) == (2, 1, None)
    assert await schemas.ready(other(1)) is one


async def test_nobody_waits_for_the_schema_of_another() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def make(wanted: tuple[Programme, ...]) -> Any:
        if len(wanted) == 1:
            begun.set()
            assert go_on.wait(30)
        return Made()

    schemas: Any = Schemas(make)
    known = await schemas.ready(ALL)
    waiting = asyncio.ensure_future(schemas.ready(other(1)))
    assert await asyncio.to_thread(begun.wait, 30)
    assert await schemas.ready(ALL) is known
    assert not waiting.done()
    go_on.set()
    assert isinstance(await waiting, Made)


async def test_a_schema_that_was_given_up_is_kept_by_nothing(standing: Served) -> None:
    schemas = Schemas(schema._built, 1, schema._forget)
    before = standing.service.schemas
    object.__setattr__(standing.service, "schemas", schemas)
    try:
        assert (await ask(standing, "{ viewer { number } }")).status_code == 200
    finally:
        object.__setattr__(standing.service, "schemas", before)
    (kept,) = schemas._kept.values()
    gone = weakref.ref(kept)
    del kept
    schemas.of(other(1))
    assert list(schemas._kept) == [other(1)]
    # A connection remembers the last request on it.
    assert (await ask(standing, "{ viewer { number } }")).status_code == 200
    gc.collect()
    assert gone() is None, [type(one) for one in gc.get_referrers(gone())]
