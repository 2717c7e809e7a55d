"""What a document would come to is told before it is released, and is what then comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from bangfu.cases import ground as grounds
from bangfu.cases import overview, provisions
from bangfu.db import Database
from bangfu.errors import Code, Refused
from bangfu.simulate import Change, Figures, Preview, keep_preview, preview
from bangfu.text import Text
from bangfu.vault import Vault
from tests.county import PROVISION, SEPTEMBER, T1, T2, Statements, World

YEARS, CAP = {"from": 2015, "to": 2019}, "2000.00"
DRAFT: dict[str, Any] = {
    "title": "测试县2021年调整办法",
    "number": "测政办〔2021〕9号",
    "issued": date(2021, 9, 1),
    "parameters": {
        "cohort_exit_years": [{"since": date(2020, 10, 2), "value": YEARS, "clause": "一"}],
        "household_cap": [{"since": date(2020, 10, 1), "value": CAP, "clause": "二"}],
    },
}
# H1 and H2 are over the new cap, H3 left poverty in 2015 and earned 8,000 yuan by breeding; H4 lacks its exit year.
EAST = Figures(
    cases=6, eligible_before=3, eligible_after=4, fen_before=300_000 + 220_000 + 150_000,
    fen_after=200_000 + 200_000 + 160_000 + 150_000, gain=1, lose=2, undecided=1,
)  # fmt: skip
WEST = Figures(cases=2, eligible_before=1, eligible_after=1, fen_before=5_000, fen_after=5_000)


async def drafted(world: World, raw: Mapping[str, Any] = DRAFT) -> UUID:
    """A draft of the county's office."""
    return await world.draft(raw, previewed=False)


async def seen(world: World, number: str, draft: UUID, period: str = "2021") -> Preview:
    """What an officer sees of a draft."""
    who = world.who(number)
    async with world.database.session(who.scope, reading=True) as session:
        return await preview(session, who, world.plugins, draft, period)


async def test_every_case_is_decided_by_the_old_numbers_and_the_new_and_nothing_is_written(world: World) -> None:
    await world.until("in_place")
    world.today = SEPTEMBER
    draft, before = await drafted(world), await world.snapshot()
    found = await seen(world, "C2", draft)
    assert found.changes == (
        Change(
            "cohort_exit_years", Text("脱贫年度范围", "years of leaving poverty that are covered"),
            Text("2016—2019年", "2016–2019"), Text("2015—2019年", "2015–2019"),
        ),
        Change(
            "household_cap", Text("每户奖补上限", "cap per household"),
            Text("3,000.00 元", "3,000.00 yuan"), Text("2,000.00 元", "2,000.00 yuan"),
        ),
    )  # fmt: skip
    assert [(one.code, one.name, one.figures) for one in found.townships] == [(T1, "东镇", EAST), (T2, "西镇", WEST)]
    assert found.total == Figures(8, 4, 5, 675_000, 715_000, 1, 2, 1)
    assert await world.snapshot() == before


async def test_it_comes_true_when_the_document_is_released(world: World) -> None:
    await world.until("accounting")
    draft = await drafted(world)
    told = (await seen(world, "C1", draft)).total
    first, second = world.who("C1"), world.who("C2")
    async with world.database.session(first.scope) as session:
        kept = await keep_preview(session, first, world.plugins, draft, "2021")
        assert kept.total == told
    async with world.database.session(second.scope) as session:
        await provisions.release(session, second, world.plugins, draft)
        await grounds.open_period(session, second, world.programme, "2021")
    assert (await world.account()).state == "done"
    async with world.database.session(second.scope) as session:
        figures = await overview.overview(session, second, await world.ground(second))
    came = (sum(own.eligible for own in figures), sum(own.payable_fen for own in figures))
    assert came == (told.eligible_after, told.fen_after) == (5, 715_000)
    # A released document is held against what is in force without it.
    assert (await seen(world, "C1", draft)).total == told


async def test_who_sees_a_township_sees_what_it_comes_to_there(world: World) -> None:
    await world.until("in_place")
    world.today = SEPTEMBER
    draft = await drafted(world)
    assert (await seen(world, "K2", draft)).total == WEST
    assert (await seen(world, "A1", draft)).total == EAST


async def test_it_takes_as_many_statements_for_one_case_as_for_eight(world: World) -> None:
    draft = await drafted(world)
    world.today = date(2021, 2, 20)
    await world.plan("L1", "H1")
    with Statements(world.database) as one:
        assert (await seen(world, "C1", draft)).total.cases == 1
    for cadre, homes in (("L1", ("H2", "H3", "H4")), ("L2", ("H5", "H6")), ("L3", ("H7", "H8"))):
        await world.plan(cadre, *homes)
    with Statements(world.database) as eight:
        assert (await seen(world, "C1", draft)).total.cases == 8
    assert len(one) == len(eight)


@pytest.mark.parametrize("part", [1, 2, 3, 8])
async def test_parts_add_up(world: World, monkeypatch: pytest.MonkeyPatch, part: int) -> None:
    await world.until("in_place")
    world.today = SEPTEMBER
    draft = await drafted(world)
    monkeypatch.setattr("bangfu.simulate.PART", part)
    assert (await seen(world, "C1", draft)).total == EAST + WEST


async def test_what_cannot_be_told_is_refused(world: World) -> None:
    await world.invite()
    draft = await drafted(world)
    for number, wanted, period, code in (
        ("C1", UUID(int=1), "2021", Code.NOT_FOUND),
        ("E1", draft, "2021", Code.FORBIDDEN),
        ("C1", draft, "2021Q1", Code.PERIOD_BAD),
    ):
        with pytest.raises(Refused) as refused:
            await seen(world, number, wanted, period)
        assert {problem.code for problem in refused.value.problems} == {code}


class Unset(World):
    """The county before anybody has set what the print has lost."""

    async def open_period(self, provision: Mapping[str, Any] = PROVISION) -> None:
        first = self.who("C1")
        async with self.database.session(first.scope) as session:
            await grounds.switch_on(session, first, self.programme, self.today)


async def test_where_nothing_was_set_the_first_document_is_held_against_nothing(
    database: Database, vault: Vault
) -> None:
    world = Unset(database, vault)
    await world.build()
    found = await seen(world, "C1", await drafted(world, PROVISION))
    assert found.changes == (
        Change(
            "cohort_exit_years", Text("脱贫年度范围", "years of leaving poverty that are covered"), None,
            Text("2016—2019年", "2016–2019"),
        ),
    )  # fmt: skip
    assert (found.townships, found.total) == ((), Figures())
