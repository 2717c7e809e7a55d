"""Numbers that identify are seen in full by few, one at a time, for a reason, on record; nothing keeps them in clear."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from bangfu import disclosure
from bangfu.audit import chain
from bangfu.disclosure import Number
from bangfu.errors import Refused
from bangfu.models import WALLS
from bangfu.settings import Settings
from tests.county import HOMES, World, identity, roster

MOST = (30, 200)
PHONE = "13900001234"


async def reveal(
    world: World,
    officer: str,
    number: Number,
    id: UUID,
    reason: str = "核对身份",
    most: tuple[int, int] = MOST,
    clock: datetime | None = None,
) -> str:
    who = world.who(officer)
    async with world.database.session(who.scope) as session:
        now = clock or datetime.now(UTC)
        return await disclosure.reveal(session, world.vault, who, number, id, reason, now, most)


async def refused(*arguments: Any, **options: Any) -> str:
    with pytest.raises(Refused) as refusal:
        await reveal(*arguments, **options)
    (problem,) = refusal.value.problems
    return problem.code.name


async def head(world: World, household: str) -> UUID:
    """The head of a household."""
    rows = await world.rows(
        "select m.person_id from membership m join household h on h.id = m.household_id"
        " where h.number = :n and m.relation = 'head' and m.known_to is null",
        n=household,
    )
    found: UUID = rows[0][0]
    return found


async def entries(world: World) -> list[tuple[Any, ...]]:
    rows = await world.rows("select object, reason, data from audit_entry where action = 'unmask' order by id")
    return [tuple(row) for row in rows]


async def plain(world: World) -> set[str]:
    """Every number of the county that identifies, in clear."""
    tenant, found = world.tenant.id, set()
    for place in ("person.identity", "person.phone", "account.number"):
        table, column = place.split(".")
        rows = await world.rows(f"select {column} from {table} where {column} is not null")
        found |= {world.vault.reveal(row[0], place, tenant) for row in rows}
    return found


# --- one number in full ----------------------------------------------------------------------------------------


async def test_a_number_is_shown_once_for_a_reason_and_on_record(world: World) -> None:
    person = await head(world, "H1")
    assert await reveal(world, "K1", Number.IDENTITY, person) == identity(1)
    ((account,),) = await world.rows(
        "select a.id from account a join household h on h.id = a.household_id where h.number = 'H1'"
    )
    assert await reveal(world, "FI", Number.ACCOUNT, account, f"银行退回 {identity(1)}") == "990000000001000"
    assert await entries(world) == [
        (f"person/{person}", "核对身份", {"number": "identity"}),
        (f"account/{account}", "银行退回 990*************" + identity(1)[-2:], {"number": "account"}),
    ]
    assert await refused(world, "K1", Number.PHONE, person) == "NOT_FOUND", "there is none"
    lines = roster().splitlines()
    with_phone = "\n".join([f"{lines[0]},联系电话", f"{lines[1]},{PHONE}", f"{lines[2]},"])
    assert (await world.bring("households", with_phone, "R1")).state == "done"
    assert await reveal(world, "R1", Number.PHONE, person) == PHONE


@pytest.mark.parametrize(
    ("officer", "reason", "code"),
    [
        ("C1", "核对身份", "FORBIDDEN"),
        ("L1", "核对身份", "FORBIDDEN"),
        ("VC1", "核对身份", "FORBIDDEN"),
        ("A2", "核对身份", "FORBIDDEN"),
        ("K1", "", "REASON_NEEDED"),
        ("K1", "  x ", "REASON_NEEDED"),
        ("K2", "核对身份", "NOT_FOUND"),
    ],
)
async def test_who_may_not_sees_nothing_and_nothing_is_on_record(
    world: World, officer: str, reason: str, code: str
) -> None:
    person = await head(world, "H1")
    before = await world.rows("select count(*) from audit_entry")
    assert await refused(world, officer, Number.IDENTITY, person, reason) == code
    assert await world.rows("select count(*) from audit_entry") == before


async def test_another_kind_of_thing_and_a_random_id_answer_alike(world: World) -> None:
    person = await head(world, "H1")
    for own, number in ((uuid4(), Number.IDENTITY), (person, Number.ACCOUNT)):
        assert await refused(world, "R1", number, own) == "NOT_FOUND"
    assert await entries(world) == []


async def test_only_so_many_in_an_hour_and_in_a_day(world: World) -> None:
    person, now = await head(world, "H1"), datetime.now(UTC)
    for _ in range(3):
        await reveal(world, "K1", Number.IDENTITY, person, most=(3, 4))
    before = await entries(world)
    assert await refused(world, "K1", Number.IDENTITY, person, most=(3, 4)) == "TOO_MANY"
    assert await entries(world) == before
    assert await reveal(world, "R1", Number.IDENTITY, person, most=(3, 4)), "another officer's are another's"
    later = now + timedelta(minutes=61)
    assert await reveal(world, "K1", Number.IDENTITY, person, most=(3, 4), clock=later)
    assert await refused(world, "K1", Number.IDENTITY, person, most=(3, 4), clock=later) == "TOO_MANY", "of the day"
    assert await reveal(world, "K1", Number.IDENTITY, person, most=(3, 4), clock=now + timedelta(hours=25))
    assert await refused(world, "K1", Number.IDENTITY, person, most=(0, 10)) == "TOO_MANY"


async def test_of_many_requests_at_once_no_more_get_through(world: World) -> None:
    person = await head(world, "H1")
    asked = [reveal(world, "K1", Number.IDENTITY, person, most=(4, 200)) for _ in range(9)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [answer for answer in answers if isinstance(answer, str)] == [identity(1)] * 4
    assert len([answer for answer in answers if isinstance(answer, Refused)]) == 5
    assert len(await entries(world)) == 4


def test_the_limits_are_settings_within_bounds() -> None:
    found = Settings.from_environment({"BANGFU_HOME": "h"})
    assert (found.unmasked_hourly, found.unmasked_daily) == (30, 200)
    own = {"BANGFU_HOME": "h", "BANGFU_UNMASKED_HOURLY": "0", "BANGFU_UNMASKED_DAILY": "5000"}
    found = Settings.from_environment(own)
    assert (found.unmasked_hourly, found.unmasked_daily, found.home) == (0, 5000, Path("h").absolute())
    for name, value in (("HOURLY", "1001"), ("DAILY", "5001"), ("HOURLY", "-1"), ("DAILY", "many"), ("HOURLY", "٣")):
        with pytest.raises(ValueError, match=f"BANGFU_UNMASKED_{name}"):
            Settings.from_environment({"BANGFU_HOME": "h", f"BANGFU_UNMASKED_{name}": value})


# --- nothing keeps them in clear -------------------------------------------------------------------------------


async def test_no_table_holds_a_number_in_clear(world: World) -> None:
    """After a good import, one with bad rows of every kind, and a number that was seen in full."""
    lines = roster().splitlines()
    head_, good = f"{lines[0]},联系电话", lines[1].split(",")
    broken = [
        [*good[:8], identity(1)[:-1] + ("0" if identity(1)[-1] != "0" else "1"), *good[9:], PHONE],
        [*good[:8], identity(2), *good[9:], "139000012345678901"],
        [*good[:9], identity(3), *good[10:], PHONE],
        [*good[:7], identity(4), *good[8:], PHONE],
        [identity(5), *good[1:], PHONE],
    ]
    with_phone = "\n".join([head_, f"{lines[1]},{PHONE}", f"{lines[2]},13900005678"])
    assert (await world.bring("households", with_phone, "R1")).state == "done"
    changed = with_phone.replace(PHONE, "13700001111").replace("990000000001000", "990000000007777")
    assert (await world.bring("households", changed, "R1")).state == "done"
    for row in broken:
        status = await world.bring("households", "\n".join([head_, ",".join(row)]), "R1", name=f"{uuid4()}.csv")
        assert status.state in ("done", "refused")
    await reveal(world, "R1", Number.IDENTITY, await head(world, "H1"), f"核对 {identity(1)} 和 {PHONE}")
    numbers = {*(await plain(world)), PHONE, "990000000001000", *(identity(index) for index in range(1, 5))}
    assert len(numbers) >= 3 * len(HOMES)
    async with world.database.session(chain.whole(world.tenant.id)) as session:
        for table in WALLS:
            if table in ("tenant", "identity_provider"):
                continue
            rows = (await session.scalars(text(f"select t::text from {table} t"))).all()
            held = {number for number in numbers if any(number in row for row in rows)}
            allowed = {identity(4)} if table == "person" else set()  # a number typed in as somebody's name
            assert held <= allowed, table
