"""Days and persons in order: no result signed that facts have overtaken, nothing dated before what it rests on, nobody
judging his own work, and a way back from every stage until the money is released."""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable
from datetime import date
from functools import partial
from typing import Any

import openpyxl
import pytest

from bangfu.cases import acts, paying, planning, receipts, sampling
from bangfu.cases.acts import Report
from bangfu.cases.planning import PlanStated
from bangfu.cases.views import Selection, Stated
from bangfu.errors import Refused
from county_default.vocabulary import Project
from tests.core.test_payments import do, gather, make, ready
from tests.core.test_payments import exported as list_of
from tests.core.test_sampling import draw
from tests.county import ACCEPTED, BASE, FEBRUARY, MARCH, POSTED, SEPTEMBER, T1, Statements, World, clean, only

LATE = date(2021, 10, 20)
LEDGER = "户编号,日期,收入类别,项目,总收入\n"
PAPER = {"evidence": "纸质件7号", "reason": "补录"}


async def unchanged(world: World, act: Callable[[], Awaitable[Report]], code: str) -> None:
    """An act on one household is refused with a code, and nothing changed."""
    before = await world.snapshot()
    assert only(await act()).code.name == code
    assert await world.snapshot() == before


async def earned(world: World, line: str) -> None:
    assert (await world.bring("income", LEDGER + line, "R1")).state == "done"


def on(day: date, **more: Any) -> Stated:
    return Stated(day=day, **{**PAPER, **more})


async def accounted(world: World) -> None:
    """Everything accounted on 30 September, nothing signed."""
    await world.until("accounting")
    await world.account()


# --- what a signature rests on --------------------------------------------------------------------------------


async def test_a_result_that_facts_have_overtaken_is_not_signed(world: World) -> None:
    await accounted(world)
    clean(await world.sign("L2", "accounting", "H5"))
    await earned(world, "H5,2021-03-01,自主经营,自主经营项目,150\n")
    await unchanged(world, lambda: world.sign("VC2", "accounting", "H5"), "FACTS_CHANGED")
    clean(await world.sign("VC1", "accounting", "H1"))  # another household is not concerned
    await world.account()
    for number in ("L2", "VC2", "A1"):
        clean(await world.sign(number, "accounting", "H5"))
    assert (await world.cases())["H5"].payable == 1_500


async def test_a_change_that_does_not_count_stops_nobody(world: World) -> None:
    await accounted(world)
    await earned(world, "H5,2020-09-30,自主经营,窗口之前,900\nH5,2021-03-01,自主经营,自主经营项目,15000\n")
    clean(await world.sign("L2", "accounting", "H5"))


async def test_the_accounting_is_not_signed_before_the_last_income_that_it_counts(world: World) -> None:
    await world.until("accounting")
    await earned(world, "H1,2021-09-20,养殖,中秋出栏,100\nH1,2020-09-02,养殖,窗口之前,100\n")
    await world.account()
    for day, code in ((MARCH, "BEFORE_INCOME"), (date(2021, 9, 19), "BEFORE_INCOME")):
        act = partial(world.sign, "L1", "accounting", "H1", day=day, **PAPER)
        await unchanged(world, act, code)
    clean(await world.sign("L1", "accounting", "H1", day=date(2021, 9, 20), **PAPER))
    ((counted,),) = await world.rows(
        "select counted_to from determination d join case_file c on c.id = d.case_id"
        " join household h on h.id = c.household_id where h.number = 'H1'"
    )
    assert counted == date(2021, 9, 20)


async def test_a_second_result_is_not_signed_with_the_paper_of_the_first(world: World) -> None:
    await accounted(world)
    clean(await world.sign("L2", "accounting", "H5"))
    world.today = LATE
    await earned(world, "H5,2021-03-01,自主经营,自主经营项目,300\n")
    await world.account()
    await unchanged(world, lambda: world.sign("L2", "accounting", "H5", day=SEPTEMBER, **PAPER), "BEFORE_PREVIOUS_STEP")
    await unchanged(world, lambda: world.sign("L2", "accounting", "H5"), "LATE_NEEDS_REASON")
    clean(await world.sign("L2", "accounting", "H5", reason="收入更正"))


async def test_papers_of_one_stage_are_typed_in_any_order(world: World) -> None:
    await accounted(world)
    clean(await world.sign("L2", "accounting", "H5"))
    world.today = date(2021, 10, 5)
    clean(await world.sign("VC2", "accounting", "H5", day=date(2021, 9, 28), **PAPER))
    assert (await world.stages())["H5"] == "accounting"
    clean(await world.sign("A1", "accounting", "H5", day=date(2021, 9, 29), **PAPER))
    case = (await world.cases())["H5"]
    assert (case.view.stage, case.view.since) == ("notice", SEPTEMBER)
    signed = await world.rows("select effective_on, act from case_event where act = 'sign:accounting' order by version")
    assert [row.effective_on.day for row in signed] == [30, 28, 29]


async def test_nothing_is_posted_before_the_day_it_was_worked_out(world: World) -> None:
    await world.until("accounting")
    world.today = LATE
    await world.account()
    for number in ("L2", "VC2", "A1"):
        clean(await world.sign(number, "accounting", "H5", day=SEPTEMBER, **PAPER))
    chosen = Selection(numbers=["H5"])
    early = on(date(2021, 10, 1))
    await unchanged(world, lambda: world.act("VC2", acts.post, chosen, stated=early), "BEFORE_PREVIOUS_STEP")
    clean(await world.act("VC2", acts.post, chosen))


async def test_the_kind_of_village_is_that_of_the_day_of_the_signature(world: World) -> None:
    await accounted(world)
    world.today = LATE
    done = await world.bring("divisions", f"区划代码,名称,是否贫困村,启用日期\n{T1 + 201},甲村,否,2021-10-10\n", "R1")
    assert done.state == "done"
    for number in ("L1", "VC1", "B1"):
        clean(await world.sign(number, "accounting", "H1", day=SEPTEMBER, **PAPER))
    assert (await world.stages())["H1"] == "accounting"  # on 30 September 甲村 was poor: the work team signs as well
    clean(await world.sign("W1", "accounting", "H1", day=SEPTEMBER, **PAPER))
    assert (await world.stages())["H1"] == "notice"


# --- objections -----------------------------------------------------------------------------------------------


async def _object(session: Any, who: Any, ground: Any, _: Selection, *, day: date) -> Report:
    return await acts.object_to(session, who, ground, "H5", "不实", "匿名", Stated(day=day, evidence="来访登记"))


async def _settle(session: Any, who: Any, ground: Any, _: Selection, *, day: date, upheld: bool = False) -> Report:
    stated = Stated(day=day, evidence="核查记录")
    return await acts.settle(session, who, ground, "H5", upheld=upheld, finding="入户核查", stated=stated)


async def test_an_objection_is_settled_after_it_is_made_and_accepted_after_that(world: World) -> None:
    await world.until("acceptance")
    world.today = LATE
    clean(await world.act("K1", _object, day=date(2021, 10, 14)))
    clean(await world.act("K1", _object, day=date(2021, 10, 12)))
    await unchanged(world, lambda: world.act("A2", _settle, day=date(2021, 10, 12)), "BEFORE_PREVIOUS_STEP")
    clean(await world.act("A2", _settle, day=date(2021, 10, 18)))
    chosen = Selection(numbers=["H5"])
    early = on(ACCEPTED)
    await unchanged(world, lambda: world.act("A2", acts.accept, chosen, stated=early), "BEFORE_PREVIOUS_STEP")
    clean(await world.act("A2", acts.accept, chosen, stated=on(date(2021, 10, 18))))


async def test_who_signed_the_accounting_does_not_judge_an_objection_against_it(world: World) -> None:
    await world.until("acceptance")
    clean(await world.act("K1", _object, day=date(2021, 10, 14)))
    await unchanged(world, lambda: world.act("A1", _settle, day=ACCEPTED), "NOT_INDEPENDENT")
    clean(await world.act("A2", _settle, day=ACCEPTED, upheld=True))
    assert (await world.stages())["H5"] == "accounting"


async def test_who_typed_the_signatures_in_does_not_accept(world: World) -> None:
    await accounted(world)
    both = f"工号,姓名,职责,负责区划代码,起始日期\nK9,经办兼验收,乡镇经办,{T1},2020-01-01\nK9,经办兼验收,乡镇验收,{T1},2020-01-01\n"
    assert (await world.bring("officers", both, "R1")).state == "done"
    await world.look()
    for number in ("L2", "VC2", "A1"):
        clean(await world.sign("K9", "accounting", "H5", signatory=world.officers[number], **PAPER))
    world.today = POSTED
    chosen = Selection(numbers=["H5"])
    clean(await world.act("VC2", acts.post, chosen))
    world.today = ACCEPTED
    await unchanged(world, lambda: world.act("K9", acts.accept, chosen), "NOT_INDEPENDENT")
    clean(await world.act("A2", acts.accept, chosen))


# --- the sample -----------------------------------------------------------------------------------------------


async def test_no_draw_before_the_acceptances_and_no_result_before_the_draw(world: World) -> None:
    await world.until("sample")
    world.today = LATE
    who = world.who("C1")
    ground = await world.ground(who)
    before = await world.snapshot()
    for stated, code in (
        (on(MARCH), "BEFORE_PREVIOUS_STEP"),
        (Stated(day=date(2021, 10, 18)), "EVIDENCE_NEEDED"),
        (Stated(signatory=world.officers["FI"], evidence="x"), "NOT_YOUR_DUTY"),
    ):
        async with world.database.session(who.scope) as session:
            with pytest.raises(Refused) as refused:
                await sampling.draw_sample(session, who, ground, "1", "公告", stated)
        assert refused.value.problems[0].code.name == code
    assert await world.snapshot() == before
    chosen = Selection(numbers=(await draw(world)).households)
    early = on(date(2021, 10, 17))
    await unchanged(
        world, lambda: world.act("C1", sampling.check, chosen, passed=True, stated=early), "BEFORE_PREVIOUS_STEP"
    )


async def test_who_checked_is_who_did_it_and_not_who_typed_it_in(world: World) -> None:
    await world.until("sample")
    world.today = LATE
    chosen = Selection(numbers=(await draw(world)).households)
    clerk = f"工号,姓名,职责,负责区划代码,起始日期\nC2,县办乙,乡镇经办,{T1},2020-01-01\n"
    assert (await world.bring("officers", clerk, "R1")).state == "done"
    await world.look()
    paper = Stated(signatory=world.officers["C3"], evidence="抽查表")
    clean(await world.act("C2", sampling.check, chosen, passed=True, stated=paper))
    ((checked,),) = await world.rows(
        "select o.number from sample_unit u join officer o on o.id = u.checked_by where u.drawn"
    )
    assert checked == "C3"


async def test_a_part_of_the_county_does_not_settle_the_whole_draw(world: World) -> None:
    """A clerk who may type in for others sees one township: the last result there is not the last of all."""
    await world.until("sample")
    world.today = LATE
    made = await draw(world)
    (township,) = {case.division // 1000 for number, case in (await world.cases()).items() if number in made.households}
    paper = Stated(signatory=world.officers["C1"], evidence="抽查表")
    chosen = Selection(numbers=made.households)
    before = await world.snapshot()
    inside, outside = ("K1", "K2") if township == T1 // 1000 else ("K2", "K1")
    assert only(await world.act(outside, sampling.check, chosen, passed=True, stated=paper)).code.name == "NOT_FOUND"
    with pytest.raises(Refused, match="WHOLE_COUNTY_NEEDED"):
        await world.act(inside, sampling.check, chosen, passed=True, stated=paper)
    assert await world.snapshot() == before


async def test_a_duty_of_the_county_is_held_over_the_county(world: World) -> None:
    data = f"工号,姓名,职责,负责区划代码,起始日期\nC9,县办丁,县脱贫办,{T1},2020-01-01\n"
    status = await world.bring("officers", data, "R1")
    (problem,) = [p for p in status.result["problems"] if p["code"] != "ROWS_REFUSED"]
    assert (status.state, problem["code"], problem["path"]) == ("refused", "BAD_VALUE", ["rows", 2, "area"])
    assert (await world.bring("officers", data.replace(str(T1), str(BASE)), "R1")).state == "done"


async def test_who_has_left_a_duty_does_not_act_in_it_by_an_earlier_day(world: World) -> None:
    await accounted(world)
    world.today = LATE
    header = "工号,姓名,职责,负责区划代码,起始日期,截止日期\n"
    left = f"{header}VC2,两委乙,村两委,{T1 + 202},2020-01-01,2021-10-01\nVC2,两委乙,驻村工作队,{T1 + 202},2021-10-01,\n"
    assert (await world.bring("officers", left, "R1")).state == "done"
    await world.look()
    await unchanged(world, lambda: world.sign("VC2", "accounting", "H5", day=SEPTEMBER, **PAPER), "NOT_YOUR_DUTY")
    clean(await world.sign("K1", "accounting", "H5", day=SEPTEMBER, signatory=world.officers["VC2"], **PAPER))


# --- the way back ---------------------------------------------------------------------------------------------


async def test_an_accepted_case_goes_back_and_is_paid_once_for_what_it_comes_to_then(world: World) -> None:
    await ready(world)
    chosen = Selection(numbers=["H5"])
    await unchanged(world, lambda: world.act("A2", acts.send_back, chosen, finding="异议属实"), "NOT_YOUR_DUTY")
    await unchanged(world, lambda: world.act("C1", acts.send_back, chosen, finding=" "), "FINDING_NEEDED")
    draft = await make(world)
    await unchanged(world, lambda: world.act("C1", acts.send_back, chosen, finding="异议属实"), "IN_BATCH")
    await do(world, "C1", paying.cancel_batch, draft.id, "先核查异议")
    clean(await world.act("C1", acts.send_back, chosen, finding="异议属实"))
    assert (await world.stages())["H5"] == "accounting"
    receipt = await why(world, "H5")
    assert receipt.summary.zh.startswith("已退回重新核算,原结果不再有效")
    made = await make(world)
    assert (made.count, made.total_fen) == (3, 300_000 + 220_000 + 5_000)
    await earned(world, "H5,2021-03-01,自主经营,自主经营项目,1500\n")
    await world.account()
    for number in ("L2", "VC2", "A1"):
        clean(await world.sign(number, "accounting", "H5", reason="退回重核"))
    clean(await world.act("VC2", acts.post, chosen))
    world.today = date(2021, 11, 5)
    clean(await world.act("A2", acts.accept, chosen))
    again = await draw(world, seed="第二次")
    clean(await world.act("C1", sampling.check, Selection(numbers=again.households), passed=True))
    due = await world.rows(
        "select e.amount_fen, e.voided_at is null as stands from entitlement e join case_file c on c.id = e.case_id"
        " join household h on h.id = c.household_id where h.number = 'H5' order by e.created_at"
    )
    assert [tuple(row) for row in due] == [(150_000, False), (15_000, True)]
    second = (await do(world, "C2", gather, world.vault, await world.fund())).batch
    assert (second.count, second.total_fen) == (1, 15_000)


async def test_a_drawn_case_goes_back_by_its_check_alone(world: World) -> None:
    await world.until("sample")
    world.today = LATE
    drawn = Selection(numbers=(await draw(world)).households)
    await unchanged(world, lambda: world.act("C1", acts.send_back, drawn, finding="不符"), "WRONG_STAGE")


async def why(world: World, number: str) -> receipts.Receipt:
    who = world.who("C1")
    ground = await world.ground(who)
    async with world.database.session(who.scope) as session:
        return await receipts.why(session, who, ground, number)


async def test_a_receipt_says_how_its_result_stands(world: World) -> None:
    await world.until("in_place")
    receipt = await why(world, "H1")
    assert receipt.summary.zh.startswith("尚未核算,以下按目前登记的情况试算:")
    assert receipt.facts_as_of == date(2021, 1, 20)  # in January nothing is known as of 30 September
    assert (await why(world, "H5")).summary.en.startswith("Not accounted yet")
    world.today = MARCH
    for cadre in ("L1", "L2", "L3"):
        clean(await world.sign(cadre, "in_place"))
    world.today = LATE
    await world.account()
    receipt = await why(world, "H1")
    assert (receipt.summary.zh, receipt.facts_as_of) == ("符合条件,应发 3,000.00 元", SEPTEMBER)


# --- a plan corrected -----------------------------------------------------------------------------------------


async def planned(world: World, number: str, *projects: Project, **stated: Any) -> Report:
    who = world.who(number)
    ground = await world.ground(who)
    plans = [PlanStated("H1", {"projects": frozenset(projects)}, Stated(**stated))]
    async with world.database.session(who.scope) as session:
        return await planning.plan(session, who, ground, plans)


async def test_a_plan_is_corrected_with_a_reason_until_its_result_is_on_notice(world: World) -> None:
    world.today = FEBRUARY
    clean(await planned(world, "L1", Project.OTHER))
    assert (await planned(world, "L1", Project.OTHER)).unchanged == ["H1"]
    world.today = MARCH
    clean(await world.sign("L1", "in_place", "H1"))
    world.today = SEPTEMBER
    await world.account()
    assert (await world.stages())["H1"] == "refused"
    await unchanged(world, lambda: planned(world, "L1", Project.SMALL_BREEDING), "REASON_NEEDED")
    await unchanged(world, lambda: planned(world, "VC1", Project.SMALL_BREEDING, reason="误录"), "NOT_YOUR_DUTY")
    await unchanged(world, lambda: planned(world, "L1", reason="误录"), "MISSING_VALUE")
    clean(await planned(world, "L1", Project.SMALL_BREEDING, reason="误录"))
    case = (await world.cases())["H1"]
    assert (case.view.stage, case.stated, case.round) == ("in_place", {"projects": ["small_breeding"]}, 1)
    events = await world.rows("select act, late_days, data from case_event order by version")
    assert tuple(events[-1]) == ("amend", 227, {"was": {"projects": ["other"]}})
    clean(await world.sign("L1", "in_place", "H1", reason="更正后补签"))
    await world.account()
    assert (await world.cases())["H1"].payable == 300_000


async def test_correcting_many_plans_takes_as_many_statements_as_correcting_one(world: World) -> None:
    world.today = FEBRUARY
    homes = ("H1", "H2", "H3", "H4")
    clean(await world.plan("L1", *homes))
    who = world.who("L1", MARCH)
    ground = await world.ground(who)
    counts = []
    for numbers, project in ((homes[:1], Project.SMALL_TRADE), (homes, Project.SMALL_LABOUR)):
        facts = {"projects": frozenset({project})}
        plans = [PlanStated(number, facts, Stated(reason=f"误录{number}")) for number in numbers]
        with Statements(world.database) as statements:
            async with world.database.session(who.scope) as session:
                assert clean(await planning.plan(session, who, ground, plans)).done == sorted(numbers)
        counts.append(len(statements))
    # H1 has been corrected once already: its version differs, so its update is a statement of its own.
    assert counts[1] - counts[0] == 1
    reasons = await world.rows("select reason from case_event where act = 'amend' order by reason")
    assert [row.reason for row in reasons] == ["误录H1", "误录H1", "误录H2", "误录H3", "误录H4"]


async def test_a_plan_on_notice_is_not_corrected(world: World) -> None:
    await world.until("acceptance")
    await unchanged(world, lambda: planned(world, "L1", Project.SMALL_TRADE, reason="误录"), "WRONG_STAGE")


# --- the list that was released -------------------------------------------------------------------------------


async def test_a_released_list_is_of_the_day_of_its_release(world: World) -> None:
    await ready(world)
    made = await make(world)
    await do(world, "FM", paying.check_batch, made.id)
    await do(world, "FI", paying.release_batch, made.id)
    first = await list_of(world, "FI", made)
    world.today = date(2021, 11, 20)
    header = "户编号,乡镇,行政村,户类型,脱贫年度,姓名,证件号码,与户主关系,离户日期\n"
    members = await world.rows(
        "select p.name from membership m join person p on p.id = m.person_id join household h on h.id = m.household_id"
        " where h.number = 'H1' and m.known_to is null and m.valid_to is null order by m.relation"
    )
    head, spouse = (row.name for row in members)
    rows = f"H1,东镇,甲村,已脱贫户,2017,{head},,户主,2021-11-01\nH1,东镇,甲村,已脱贫户,2017,{spouse},,户主,\n"
    assert (await world.bring("households", header + rows, "R1")).state == "done"
    again = await list_of(world, "FI", made)

    def cells(data: bytes) -> list[Any]:
        return [
            [cell.value for row in sheet.iter_rows() for cell in row]
            for sheet in openpyxl.load_workbook(io.BytesIO(data)).worksheets
        ]

    assert cells(first) == cells(again)
    assert head in cells(again)[1]
