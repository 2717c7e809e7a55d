"""The demo tells its whole story on a small county, and everything it says of it is true."""

from __future__ import annotations

import io
from decimal import Decimal
from pathlib import Path

import openpyxl
from rich.console import Console
from sqlalchemy import func, select

from bangfu.access import enter
from bangfu.cases import receipts
from bangfu.cli.demo import SMALL
from bangfu.cli.demo.county import EXITED, PLANNED_EXIT, Maker, Size
from bangfu.cli.demo.story import Story, Told
from bangfu.db import Database
from bangfu.models import Household, Pairing
from bangfu.process import Duty
from bangfu.programme import installed
from bangfu.registry.identity import read_identity
from bangfu.vault import Vault


async def told(database: Database, vault: Vault, folder: Path) -> tuple[Told, str, Story]:
    out = io.StringIO()
    story = Story(database, vault, installed(), folder, Console(file=out, width=160), SMALL)
    return await story.tell(), out.getvalue(), story


async def test_the_story(database: Database, vault: Vault, tmp_path: Path) -> None:
    result, said, story = await told(database, vault, tmp_path)
    # What must be refused was tried and was refused, for this reason and no other.
    assert result.refusals == [
        "DIGITS_LOST", "PARAMETER_UNSET", "SAME_PERSON", "HEADER_NOT_FOUND", "ROWS_REFUSED", "NOTICE_OPEN",
        "NOT_INDEPENDENT",
    ]  # fmt: skip
    # The figures are those of the made-up county, counted here by hand from what the office's workbooks say.
    plans = [h for h in story.county.households if h.plan_day]
    assert sum(f.applied for f in result.figures) == len(plans)
    unmet = {
        "has_left_poverty": sum(h.standing != "已脱贫户" for h in plans),
        "left_in_a_covered_year": sum(h.exit_year is not None and h.exit_year < 2016 for h in plans),
        "undertakes_a_small_trade": sum(h.projects == ("其他",) for h in plans),
        "earned_in_the_window": sum(_gross(h) == 0 for h in plans),
    }
    assert {name: sum(f.unmet[name] for f in result.figures) for name in unmet} == unmet
    assert result.drawn is not None
    assert result.drawn.size == -(-result.drawn.frame_size // 10)
    assert sum(f.sampled for f in result.figures) == result.drawn.size
    # Money: the batch, the townships and the workbook for the bank say the same.
    assert result.batch is not None
    assert result.batch.state == "released"
    assert sum(f.paid_fen for f in result.figures) == result.batch.total_fen
    assert result.payment_list is not None
    rows = list(openpyxl.load_workbook(result.payment_list)["发放名册"].iter_rows(min_row=3, values_only=True))
    lines = [row for row in rows if isinstance(row[0], int)]
    assert len(lines) == result.batch.count
    assert sum(Decimal(str(row[11])) for row in lines) * 100 == result.batch.total_fen
    awards = {h.number: _award(h) for h in plans}
    assert {str(row[4]): int(Decimal(str(row[11])) * 100) for row in lines}.items() <= awards.items()
    # Three receipts in both languages.
    for title in ("为什么是这个金额?", "为什么没有我?", "我没有申报,会怎样?"):
        assert title in said
    assert "Not eligible; not met: The household left poverty in one of the years that the plan covers" in said
    assert "0 differ" in said
    # Everybody holds an office; who stood in does so no more; an enterprise sees the villages that it helps.
    today = (await enter(database, result.code, "X001")).at.today
    held = {one.duty for one in (*story.county.staff, *story.county.accounts)} | {Duty.REGISTRAR}
    assert held == set(Duty)
    stand_in = story.county.accounts[-1]
    assert f"{stand_in.number} stood in for {stand_in.stands_in_for} in February" in said
    assert (await enter(database, result.code, stand_in.number)).actor.duties(today) == frozenset()
    for enterprise in story.county.enterprises:
        who = await enter(database, result.code, enterprise.agent)
        async with database.session(who.scope) as session:
            villages = list(await session.scalars(select(Pairing.division).order_by(Pairing.division)))
            assert villages == sorted(enterprise.villages)
            assert (await session.scalar(select(func.count()).select_from(Household))) == 0
    who = await enter(database, result.code, "H0001")
    async with database.session(who.scope) as session:
        assert list(await session.scalars(select(Household.number))) == [story.county.households[0].number]


def _gross(household) -> int:  # type: ignore[no-untyped-def]
    return sum(gross for day, _, _, gross, _, _ in household.income if "2020-10-01" <= day.isoformat() <= "2021-09-30")


def _award(household) -> int:  # type: ignore[no-untyped-def]
    """What the household is due, by the plan's words: shares of gross income, capped, rounded once."""
    rates = {"养殖业": Decimal("0.20"), "种植业": Decimal("0.15"), "务工": Decimal("0.10"), "自主经营": Decimal("0.10")}
    total = sum(
        (
            Decimal(gross) * rates[category]
            for day, category, _, gross, _, _ in household.income
            if "2020-10-01" <= day.isoformat() <= "2021-09-30"
        ),
        Decimal(),
    )
    return int(min(total, Decimal(300_000)).quantize(Decimal(1), "ROUND_HALF_UP"))


async def test_the_story_can_be_told_again(database: Database, vault: Vault, tmp_path: Path) -> None:
    first, _, _ = await told(database, vault, tmp_path)
    second, _, _ = await told(database, vault, tmp_path / "again")
    assert (first.code, second.code) == ("990101", "990102")
    who = await enter(database, second.code, "X002")
    async with database.session(who.scope) as session:
        replayed = await receipts.replay(session, who, installed().programme("consolidation"), "2021")
    assert replayed.faults == ()
    assert replayed.same == sum(f.applied for f in second.figures)


def test_the_county_has_the_size_that_the_plan_names_and_nobody_in_it_exists() -> None:
    county = Maker("990101").make()
    planned = [h for h in county.households if h.standing == "计划脱贫户"]
    exited = [h for h in county.households if h.standing == "已脱贫户"]
    assert (len(planned), sum(len(h.members) for h in planned)) == PLANNED_EXIT == (911, 3005)
    assert len(exited) == EXITED == 6806
    persons = [member for h in county.households for member in h.members]
    assert 26_000 < len(persons) < 28_000
    assert {village.poor for village in county.villages} == {True, False}
    identities = [member.identity for member in persons if member.identity]
    assert len(set(identities)) == len(identities)
    assert all(read_identity(number).number[:6] == "990101" for number in identities[:500])
    assert all(name[0] in "演示例样" for name in (member.name for member in persons))


def test_the_same_seed_makes_the_same_county() -> None:
    small = Size(1, 2, 3, 9, 10)
    assert Maker("990101", small).make() == Maker("990101", small).make()
    assert Maker("990101", small, seed=1).make() != Maker("990101", small, seed=2).make()
