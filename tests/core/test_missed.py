"""应享未享: who could have an award and has not applied, against what was worked out by hand for every household."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import openpyxl
import pytest

from bangfu.cases import missed, scanning
from bangfu.cases.missed import Missed, TownshipMissed, Wanting
from bangfu.cases.views import Selection, Stated
from bangfu.errors import Refused
from county_default.five_star.rules import Star
from tests.core.test_statements import MORE
from tests.core.test_striving import assessed
from tests.county import HOMES, JANUARY, SEPTEMBER, T1, T2, V1, V2, Statements, World, clean, roster
from tests.county import ledger as made_ledger
from tests.striving import EXIT, LEADING, STARS, Striving


async def read(world: World, function: Any, number: str = "C1", *more: Any, **options: Any) -> Any:
    who = world.who(number)
    ground = await world.ground(who)
    async with world.database.session(who.scope, reading=True) as session:
        return await function(session, who, ground, *more, **options)


async def listed(world: World, number: str = "C1", **options: Any) -> dict[str, Missed]:
    found = await read(world, missed.page, number, 100, **options)
    assert not found.more
    return {one.number: one for one in found.found}


async def test_the_list_holds_whom_the_rules_would_pay_and_nobody_else(world: World) -> None:
    """By the table of the county: eligible ones with their award, and H4 whose exit year nobody has entered."""
    world.today = SEPTEMBER
    found = await listed(world)
    expected = {home.number: home.award for home in HOMES if home.outcome == "eligible"}
    assert {number: one.fen for number, one in found.items()} == expected | {"H4": 160_000}
    assert {number: one.is_clear for number, one in found.items()} == dict.fromkeys(expected, True) | {"H4": False}
    assert [(lack.fact.name, lack.wanting) for lack in found["H1"].lacks] == [("projects", Wanting.STATED)]
    assert [(lack.fact.name, lack.wanting) for lack in found["H4"].lacks] == [
        ("exit_year", Wanting.REGISTERED),
        ("projects", Wanting.STATED),
    ]
    assert missed.wanted(found["H4"].lacks).zh == "脱贫年度(登记册缺失,须补录);计划项目(申报时填写)"
    assert missed.wanted(found["H1"].lacks).en == "planned projects (to be stated with the plan)"


async def test_who_applies_leaves_the_list_and_comes_back_by_withdrawing(world: World) -> None:
    from bangfu.cases import correcting

    clean(await world.plan("L1", "H1", "H2"))
    world.today = SEPTEMBER
    assert sorted(await listed(world)) == ["H4", "H5", "H7"]
    await world.act("L1", correcting.withdraw, Selection(numbers=["H1"]), stated=Stated(reason="另有打算"))
    found = await listed(world)
    assert sorted(found) == ["H1", "H4", "H5", "H7"]
    assert (found["H1"].ended, found["H1"].fen, found["H1"].lacks) == ("withdrawn", 300_000, ())


async def test_income_that_is_not_over_fails_nobody_and_tells_no_amount(world: World) -> None:
    world.today = JANUARY
    found = await listed(world)
    assert sorted(found) == ["H1", "H2", "H4", "H5", "H6", "H7"], "H6 has no income yet"
    assert {one.fen for one in found.values()} == {None}
    assert {lack.wanting for lack in found["H6"].lacks} == {Wanting.STATED, Wanting.INCOME}


async def test_the_figures_are_those_of_the_list(world: World) -> None:
    clean(await world.plan("L1", "H1"))
    world.today = SEPTEMBER
    found = await read(world, missed.figures)
    assert found == [
        TownshipMissed(T1, "东镇", 6, 1, 0, 0, 2, 3, 1, 0, 220_000 + 160_000 + 150_000),
        TownshipMissed(T2, "西镇", 2, 0, 0, 0, 1, 1, 0, 0, 5_000),
    ]
    for own in found:
        assert own.households == own.applied + own.excluded + own.taken + own.ineligible + own.missed
    assert sum(own.missed for own in found) == len(await listed(world))
    assert await read(world, missed.figures, area=(V2, V2)) == [
        TownshipMissed(T1, "东镇", 2, 0, 0, 0, 1, 1, 0, 0, 150_000)
    ]


async def test_a_page_goes_on_where_the_last_one_ended(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.today = SEPTEMBER
    whole = list(await listed(world))
    for part, first in ((1, 1), (2, 2), (3, 1), (100, 2)):
        monkeypatch.setattr(missed, "PART", part)
        pages, after = [], None
        while True:
            page = await read(world, missed.page, "C1", first, after)
            pages.append([one.number for one in page.found])
            after = page.last
            if not page.more:
                break
        assert [number for own in pages for number in own] == whole
        assert max(map(len, pages)) <= first


async def test_a_page_ends_after_so_many_households(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.today = SEPTEMBER
    monkeypatch.setattr(missed, "PART", 2)
    monkeypatch.setattr(scanning, "MOST_SCANNED", 4)
    page = await read(world, missed.page, "C1", 10)
    assert ([one.number for one in page.found], page.last, page.more) == (["H1", "H2", "H4"], (V1, "H4"), True)
    rest = await read(world, missed.page, "C1", 10, page.last)
    assert ([one.number for one in rest.found], rest.more) == (["H5", "H7"], True)


async def test_everybody_sees_his_own_part_of_it(world: World) -> None:
    await world.invite()
    world.today = SEPTEMBER
    assert sorted(await listed(world, "VC1")) == ["H1", "H2", "H4"]
    assert sorted(await listed(world, "L2")) == ["H5"]
    assert sorted(await listed(world, "HA")) == ["H1"]
    with pytest.raises(Refused, match="FORBIDDEN"):
        await listed(world, "E1")


async def test_the_list_takes_as_many_statements_for_many_as_for_few(world: World) -> None:
    world.today = SEPTEMBER

    async def count() -> tuple[int, int]:
        who = world.who("C1")
        ground = await world.ground(who)
        with Statements(world.database) as statements:
            async with world.database.session(who.scope, reading=True) as session:
                page = await missed.page(session, who, ground, 1_000)
        return len(statements), len(page.found)

    assert await count() == (5, 5)
    homes = (*HOMES, *MORE)
    assert (await world.bring("households", roster(homes).replace("测N", "测新"), "R1")).state == "done"
    assert (await world.bring("income", made_ledger(homes), "R1")).state == "done"
    assert await count() == (5, 125)


async def test_the_workbook_is_the_list_and_on_record(world: World) -> None:
    world.today = SEPTEMBER
    data = await write(world, "K1", "核对应享未享")
    rows = list(openpyxl.load_workbook(io.BytesIO(data))["应享未享"].iter_rows(min_row=2, values_only=True))
    assert [row[0] for row in rows[:2]] == [
        "2021年9月30日    共 4 户",
        "申报由联户干部与农户办理“制定计划”,截止2021年2月15日(已过期限,补办须说明理由)",
    ]
    assert rows[2] == ("序号", "乡镇", "村", "组", "户编号", "户主", "尚缺", "可得金额(元)", "此前申报")
    assert [row[:8] for row in rows[3:]] == [
        (1, "东镇", "甲村", "一组", "H1", "测1户主", "计划项目(申报时填写)", 3000),
        (2, "东镇", "甲村", "一组", "H2", "测2户主", "计划项目(申报时填写)", 2200),
        (3, "东镇", "甲村", "一组", "H4", "测4户主", "脱贫年度(登记册缺失,须补录);计划项目(申报时填写)", 1600),
        (4, "东镇", "乙村", "一组", "H5", "测5户主", "计划项目(申报时填写)", 1500),
    ]
    audited = await world.rows("select object, reason, data from audit_entry where action = 'export_lists'")
    assert [tuple(row) for row in audited] == [
        ("missed/consolidation/2021", "核对应享未享", {"rows": 4, "personal": ["head"]})
    ]


async def write(world: World, number: str, reason: str) -> bytes:
    who = world.who(number)
    ground = await world.ground(who)
    async with world.database.session(who.scope) as session:
        return await missed.sheet(session, who, ground, reason)


@pytest.mark.parametrize(("number", "reason", "code"), [("C1", " ", "REASON_NEEDED"), ("VC1", "核对", "FORBIDDEN")])
async def test_a_workbook_without_a_reason_or_a_right_is_refused(
    world: World, number: str, reason: str, code: str
) -> None:
    before = await world.rows("select count(*) from audit_entry")
    with pytest.raises(Refused, match=code):
        await write(world, number, reason)
    assert await world.rows("select count(*) from audit_entry") == before


# --- several awards -------------------------------------------------------------------------------------------


async def test_who_has_the_other_award_or_had_this_one_is_counted_apart(striving: Striving) -> None:
    striving.on(EXIT, today=date(2021, 2, 10))
    clean(await striving.plan_exit("H1"))
    striving.on("consolidation", today=SEPTEMBER)
    assert sorted(await listed(striving)) == ["H2", "H4", "H5", "H7"]
    east = (await read(striving, missed.figures))[0]
    assert (east.excluded, east.applied, east.taken) == (1, 0, 0)
    await assessed(striving, "P1")
    clean(await striving.select("VC1", "P1"))
    striving.on(STARS, "2021Q2", date(2021, 6, 20))
    found = await listed(striving)
    assert "P1" not in found
    assert "P2" in found
    assert [(lack.fact.name, lack.wanting) for lack in found["P2"].lacks] == [("stars", Wanting.STATED)]
    assert (await read(striving, missed.figures))[0].taken == 1
    await striving.set(award_repeat="every_round")
    assert "P1" in await listed(striving)


async def test_who_was_not_selected_is_not_missed(striving: Striving) -> None:
    await assessed(striving, "P1")
    striving.on(STARS, "2021Q1")
    clean(await striving.nominate("P2", Star.CLEAN))
    clean(await striving.select("VC1", "P1", selected=False))
    found = await listed(striving)
    assert not {"P1", "P2"} & set(found)
    assert {"P3", "P4", "H1"} <= set(found)


async def test_whom_a_household_would_lead_is_to_be_named(striving: Striving) -> None:
    striving.on(LEADING, today=SEPTEMBER)
    found = await listed(striving)
    assert sorted(found) == ["G1", "G2"]
    assert {(lack.fact.name, lack.wanting) for lack in found["G1"].lacks} == {
        ("entity", Wanting.STATED),
        ("modes", Wanting.STATED),
        ("led", Wanting.PARTICIPANTS),
    }
    assert found["G1"].fen is None


async def test_a_refused_household_is_missed_once_the_register_says_otherwise(world: World) -> None:
    await world.until("notice")
    assert "H3" not in await listed(world)
    raw = roster().replace("H3,东镇,甲村,一组,已脱贫户,2015", "H3,东镇,甲村,一组,已脱贫户,2016")
    assert (await world.bring("households", raw, "R1")).state == "done"
    found = await listed(world)
    assert (found["H3"].ended, found["H3"].fen, found["H3"].lacks) == ("refused", 160_000, ())
