"""Thousands of rows at once: however many, they are the same rows, behind the same walls, or none of them."""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bangfu.db.bulk import MANY, insert_new, insert_rows
from bangfu.memory import settled
from bangfu.models import Discrepancy, new_ids
from tests.county import World

NOW = datetime(2021, 3, 1, 8, tzinfo=UTC)
SAID = {"说": ["甲,乙", None, '"'], "\\N": 1.5}


async def tasks(world: World, ids: Sequence[UUID], **values: Any) -> list[dict[str, Any]]:
    """Tasks about somebody, with a value of every kind: of some nothing is known, of others something."""
    person = (await world.rows("select id, division from person order by id"))[0]
    return [
        {
            "tenant_id": world.tenant.id, "id": id_, "kind": f"{place:05}", "person_id": person.id,
            "division": person.division, "organization_id": None, "source": f"第\t{place}\n\\N", "known": SAID,
            "reported": {}, "reported_on": date(2021, 3, 1), "recorded_by": id_, "recorded_at": NOW,
            "accepted": None, "reason": "", "settled_by": None if place % 3 else id_,
            "settled_at": None, **values,
        }
        for place, id_ in enumerate(ids)
    ]  # fmt: skip


async def kept(world: World) -> list[dict[str, Any]]:
    """The rows as they stand, in the order in which they were put in."""
    return [dict(row._mapping) for row in await world.rows("select * from discrepancy order by kind, id")]


@pytest.mark.parametrize("count", [1, MANY - 1, MANY, 2 * MANY])
async def test_what_is_put_in_is_what_was_sent_however_many_rows_there_are(world: World, count: int) -> None:
    rows = await tasks(world, new_ids(count))
    async with world.database.session(world.who("R1").scope) as session:
        await insert_rows(session, Discrepancy, rows)
    found = await kept(world)
    assert len(found) == count
    assert found == rows


@pytest.mark.parametrize("count", [2, MANY])
async def test_what_rows_have_in_common_may_travel_once(world: World, count: int) -> None:
    rows = await tasks(world, new_ids(count))
    shared = ("tenant_id", "person_id", "known", "reported_on", "recorded_at", "organization_id", "reason")
    common = {name: rows[0][name] for name in shared}
    own = [{name: value for name, value in row.items() if name not in common} for row in rows]
    async with world.database.session(world.who("R1").scope) as session:
        await insert_rows(session, Discrepancy, own, common)
    assert await kept(world) == rows


@pytest.mark.parametrize("count", [2, MANY])
async def test_a_row_beyond_the_wall_keeps_all_of_them_out(world: World, count: int) -> None:
    rows = await tasks(world, new_ids(count))
    rows[-1]["division"] = 110_101_001_001
    with pytest.raises(DBAPIError, match="row-level security"):
        async with world.database.session(world.who("R1").scope) as session:
            await insert_rows(session, Discrepancy, rows)
    assert await kept(world) == []


@pytest.mark.parametrize("count", [3, 3 * MANY])
async def test_of_rows_some_of_which_are_there_the_others_are_put_in(world: World, count: int) -> None:
    ids = new_ids(count)
    async with world.database.session(world.who("R1").scope) as session:
        first = await insert_new(session, Discrepancy, await tasks(world, ids[: count // 3]), "id")
        again = await insert_new(session, Discrepancy, await tasks(world, ids, reason="又"), "id")
    assert first == set(ids[: count // 3])
    assert again == set(ids[count // 3 :])
    assert [row["reason"] for row in await kept(world)] == [""] * (count // 3) + ["又"] * (count * 2 // 3)


async def test_nothing_is_left_behind_of_how_rows_were_sent(world: World) -> None:
    async with world.database.session(world.who("R1").scope) as session:
        for source in ("先", "后"):
            rows = await tasks(world, new_ids(MANY))
            own = [{**row, "kind": f"{source}{row['kind']}"} for row in rows]
            await insert_rows(session, Discrepancy, own)
        assert await session.scalar(text("show plan_cache_mode")) == "force_custom_plan"
        assert await session.scalar(text("select count(*) from pg_class where relpersistence = 't'")) == 0
    assert len(await kept(world)) == 2 * MANY


def test_ids_that_are_made_together_differ_and_tell_when() -> None:
    before = time.time_ns() // 1_000_000
    earlier, later = new_ids(5_000), new_ids(1)[0]
    after = time.time_ns() // 1_000_000
    assert len(set(earlier)) == 5_000
    assert {(one.version, one.variant) for one in earlier} == {(7, "specified in RFC 4122")}
    assert all(before <= one.int >> 80 <= after for one in [*earlier, later])
    assert all(a.int >> 80 <= b.int >> 80 for a, b in pairwise([*earlier, later]))
    # What is not the instant, the version or the variant is chance, in every bit.
    chance = (1 << 80) - 1 & ~(0xF << 76 | 0b11 << 62)
    ones = zeros = 0
    for one in earlier:
        ones, zeros = ones | one.int & chance, zeros | ~one.int & chance
    assert ones == zeros == chance


def test_memory_is_looked_through_as_before_once_nothing_large_is_at_hand() -> None:
    before, frozen = gc.get_threshold(), gc.get_freeze_count()
    first, second = settled(), settled()
    first.__enter__()
    assert gc.get_threshold() == (1_000_000, *before[1:])
    assert gc.get_freeze_count() > frozen
    second.__enter__()
    first.__exit__(None, None, None)
    assert gc.get_threshold() == (1_000_000, *before[1:]), "another is at hand"
    with pytest.raises(ZeroDivisionError), settled():
        raise ZeroDivisionError
    assert gc.get_threshold() == (1_000_000, *before[1:])
    second.__exit__(None, None, None)
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == frozen
