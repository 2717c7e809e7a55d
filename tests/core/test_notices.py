"""公示: what is shown and what never is, how long it stands, and objections that stop one household alone."""

from __future__ import annotations

import io
import re
from datetime import date

import pytest
from python_calamine import CalamineWorkbook

from bangfu import notices
from bangfu.cases import acts
from bangfu.cases.views import Selection, Stated
from bangfu.errors import Refused
from tests.county import ACCEPTED, V1, V3, World, clean, codes, only


async def test_a_notice_shows_the_allowed_columns_and_nothing_else(world: World) -> None:
    await world.until("acceptance")
    rows = await world.rows(
        "select n.division, n.first_day, n.last_day, e.position, e.shown from notice_entry e "
        "join notice n on n.id = e.notice_id order by n.division, e.position"
    )
    standard = "养殖业总收入的20%、种植业总收入的15%、务工及自主经营总收入的10%,每户不超过3,000.00 元"
    common = {"project": "小养殖", "standard": standard}
    first, last = date(2021, 10, 11), date(2021, 10, 15)
    assert [tuple(row) for row in rows] == [
        (V1, first, last, 1, {"beneficiary": "测1户主", "amount": 300_000, **common}),
        (V1, first, last, 2, {"beneficiary": "测2户主", "amount": 220_000, **common}),
        (990201101202, first, last, 1, {"beneficiary": "测5户主", "amount": 150_000, **common}),
        (V3, first, last, 1, {"beneficiary": "测7户主", "amount": 5_000, **common}),
    ]


async def test_the_printed_notice_holds_no_number_that_identifies(world: World) -> None:
    await world.until("acceptance")
    who = world.who("VC1")
    async with world.database.session(who.scope) as session:
        (posted,) = await notices.listing(session, who, "consolidation", "2021")
        data = await notices.sheet(session, who, world.programme, posted.id, "张贴公示")
    rows = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python()
    text = "\n".join(str(cell) for row in rows for cell in row)
    assert rows[0][0] == "东镇甲村2021年度已脱贫户巩固增收计划公示"
    assert rows[2] == ["序号", "受益对象", "项目名称", "补助标准", "补助金额"]
    assert [row[1] for row in rows[3:5]] == ["测1户主", "测2户主"]
    assert [row[4] for row in rows[3:5]] == [3000.0, 2200.0]
    assert not re.search(r"\d{11}", text), "an identity, telephone or account number"
    # The planted twin: the same search does find such a number.
    assert re.search(r"\d{11}", text + "990201198001010019")


async def test_a_village_prints_its_own_notice_only(world: World) -> None:
    await world.until("acceptance")
    county = world.who("C1")
    async with world.database.session(county.scope) as session:
        posted = await notices.listing(session, county, "consolidation", "2021")
    foreign = next(notice for notice in posted if notice.division == V3)
    who = world.who("VC1")
    with pytest.raises(Refused) as refused:
        async with world.database.session(who.scope) as session:
            await notices.sheet(session, who, world.programme, foreign.id, "张贴公示")
    assert refused.value.problems[0].code.name == "NOT_FOUND"


async def test_a_notice_is_posted_by_the_village_and_once(world: World) -> None:
    await world.until("notice")
    before = await world.snapshot()
    assert set(codes(await world.act("A2", acts.post, Selection(stages=["notice"]))).values()) == {"NOT_YOUR_DUTY"}
    assert await world.snapshot() == before
    clean(await world.act("VC1", acts.post, Selection(stages=["notice"])))
    before = await world.snapshot()
    assert set(codes(await world.act("VC1", acts.post, Selection(stages=["notice"]))).values()) == {"WRONG_STAGE"}
    assert await world.snapshot() == before


async def test_a_county_may_count_working_days(world: World) -> None:
    """Five working days from Monday 11 October 2021 end on Friday 15 October; from 1 October they end on the 12th."""
    provision = {
        "title": "补充通知", "number": "测政办〔2021〕2号", "issued": date(2021, 9, 1),
        "parameters": {"notice_unit": [{"since": date(2021, 9, 1), "value": "working", "clause": "一"}]},
    }  # fmt: skip
    await world.open_period(provision)
    await world.until("notice")
    world.today = date(2021, 10, 1)
    clean(await world.act("VC3", acts.post, Selection(stages=["notice"])))
    # 1 to 7 October are off; the 8th, Saturday the 9th (a make-up day), the 11th, 12th and 13th are worked.
    assert [tuple(row) for row in await world.rows("select first_day, last_day from notice")] == [
        (date(2021, 10, 1), date(2021, 10, 13))
    ]


async def test_an_objection_stops_its_household_and_no_other(world: World) -> None:
    await world.until("acceptance")
    world.today = date(2021, 10, 13)
    clean(await world.act("VC1", _object, home="H1"))
    world.today = ACCEPTED
    report = await world.act("A2", acts.accept, Selection(stages=["notice"]))
    assert (report.done, codes(report)) == (["H2", "H5"], {"H1": "OBJECTION_OPEN"})
    before = await world.snapshot()
    problem = only(await world.act("VC1", _settle, home="H1", upheld=False, finding="属实"))
    assert problem.code.name == "NOT_YOUR_DUTY"
    problem = only(await world.act("A2", _settle, home="H1", upheld=False, finding=""))
    assert problem.code.name == "FINDING_NEEDED"
    assert await world.snapshot() == before
    clean(await world.act("A2", _settle, home="H1", upheld=False, finding="入户核实,收入属实"))
    assert clean(await world.act("A2", acts.accept, Selection(numbers=["H1"]))).done == ["H1"]


async def test_an_upheld_objection_sends_the_case_back_to_its_accounting(world: World) -> None:
    await world.until("acceptance")
    world.today = date(2021, 10, 13)
    clean(await world.act("VC1", _object, home="H1"))
    clean(await world.act("A2", _settle, home="H1", upheld=True, finding="牛已于年初出售他人名下"))
    cases = await world.cases()
    assert (cases["H1"].view.stage, cases["H1"].digest) == ("accounting", None)
    assert [tuple(row) for row in await world.rows("select upheld, finding from objection")] == [
        (True, "牛已于年初出售他人名下")
    ]
    world.today = ACCEPTED
    assert codes(await world.act("A2", acts.accept, Selection(numbers=["H1"]))) == {"H1": "WRONG_STAGE"}


async def test_an_objection_is_made_while_the_notice_stands(world: World) -> None:
    await world.until("acceptance")
    before = await world.snapshot()
    for day, code in ((date(2021, 10, 16), "NOTICE_NOT_OPEN"), (date(2021, 10, 10), "NOTICE_NOT_OPEN")):
        report = await world.act("VC1", _object, home="H1", stated=Stated(day, evidence="信件"))
        assert only(report).code.name == code
    with pytest.raises(Refused) as refused:
        await world.act("VC1", _object, home="H1", words=" ")
    assert refused.value.problems[0].code.name == "MISSING_VALUE"
    assert await world.snapshot() == before
    # A letter of the last day may be typed in the day after.
    clean(await world.act("VC1", _object, home="H1", stated=Stated(date(2021, 10, 15), evidence="信件")))


async def _object(session, who, ground, selection, home, words="收入与实际不符", stated=None):  # type: ignore[no-untyped-def]
    return await acts.object_to(session, who, ground, home, words, "演示村民", stated)


async def _settle(session, who, ground, selection, home, upheld, finding):  # type: ignore[no-untyped-def]
    return await acts.settle(session, who, ground, home, upheld=upheld, finding=finding)
