"""The life of a case: every step by the right officer on the right day, and every wrong one refused with nothing
changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, timedelta

import pytest

from bangfu.cases import acts, planning
from bangfu.cases.acts import Report
from bangfu.cases.views import Selection, Stated
from bangfu.errors import Refused
from bangfu.process import Duty
from tests.county import (
    ACCEPTED,
    ELIGIBLE,
    FEBRUARY,
    HOMES,
    MARCH,
    POSTED,
    SEPTEMBER,
    V1,
    V2,
    World,
    clean,
    codes,
    only,
)


async def test_every_household_comes_to_what_was_worked_out_by_hand(world: World) -> None:
    await world.until("sample")
    ends = {"eligible": "sample", "refused": "refused", "incomplete": "accounting"}
    assert await world.stages() == {home.number: ends[home.outcome] for home in HOMES}
    cases = await world.cases()
    assert {number: cases[number].payable for number in cases} == {home.number: home.award for home in HOMES}


async def test_every_step_is_on_record_with_who_when_and_in_which_duty(world: World) -> None:
    await world.until("sample")
    rows = await world.rows(
        """select e.act, o.number, e.duty, e.effective_on, e.from_stage, e.to_stage
             from case_event e join officer o on o.tenant_id = e.tenant_id and o.id = e.officer_id
             join case_file c on c.id = e.case_id join household h on h.id = c.household_id
            where h.number = 'H5' order by e.version"""
    )
    assert [tuple(row) for row in rows] == [
        ("plan", "L2", "linked_cadre", FEBRUARY, "plan", "in_place"),
        ("sign:in_place", "L2", "linked_cadre", MARCH, "in_place", "accounting"),
        ("account", "C1", "county_office", SEPTEMBER, "accounting", "accounting"),
        ("sign:accounting", "L2", "linked_cadre", SEPTEMBER, "accounting", "accounting"),
        ("sign:accounting", "VC2", "village_committee", SEPTEMBER, "accounting", "accounting"),
        ("sign:accounting", "A1", "village_cadre", SEPTEMBER, "accounting", "notice"),
        ("post", "VC2", "village_committee", POSTED, "notice", "notice"),
        ("accept", "A2", "township_acceptor", ACCEPTED, "notice", "sample"),
    ]


async def test_in_a_village_that_is_not_poor_the_township_cadre_fills_the_work_teams_place(world: World) -> None:
    await world.until("notice")
    rows = await world.rows(
        """select h.number, s.duty, s.stands_for from signature s join case_file c on c.id = s.case_id
             join household h on h.id = c.household_id where s.stage = 'accounting' and h.number in ('H1', 'H5')
            order by h.number, s.duty"""
    )
    assert [tuple(row) for row in rows] == [
        ("H1", "linked_cadre", ""),
        ("H1", "village_cadre", ""),
        ("H1", "village_committee", ""),
        ("H1", "work_team", ""),
        ("H5", "linked_cadre", ""),
        ("H5", "village_cadre", "work_team"),
        ("H5", "village_committee", ""),
    ]


# --- what is refused, with nothing changed ---------------------------------------------------------------------


async def _refused(world: World, attempt: Callable[[], Awaitable[Report]], code: str) -> None:
    before = await world.snapshot()
    problem = only(await attempt())
    assert problem.code.name == code
    assert await world.snapshot() == before


async def test_a_plan_is_the_linked_cadres_own(world: World) -> None:
    await _refused(world, lambda: world.plan("VC1", "H1"), "NOT_YOUR_DUTY")
    await _refused(world, lambda: world.plan("C1", "H1"), "NOT_YOUR_DUTY")


async def test_a_household_out_of_sight_is_as_unknown_as_one_that_is_none(world: World) -> None:
    outside, none = only(await world.plan("L2", "H1")), only(await world.plan("L2", "H999"))
    assert outside.code.name == none.code.name == "NOT_FOUND"
    assert (outside.message.zh, none.message.zh) == ("找不到:H1", "找不到:H999")
    assert await world.stages() == {}


async def test_a_cadre_acts_for_linked_households_only(world: World) -> None:
    """L1 is a cadre of the village, but since March another one is linked to H2."""
    clean(await world.plan("L1", "H1", "H2"))
    world.today = date(2021, 3, 1)
    from tests.county import roster

    moved = roster().replace("H2,东镇,甲村,一组,已脱贫户,2018,L1", "H2,东镇,甲村,一组,已脱贫户,2018,L2")
    assert (await world.bring("households", moved, "R1")).result["tallies"]["household"]["changed"] == 1
    world.today = MARCH
    report = await world.sign("L1", "in_place", "H1", "H2")
    assert (report.done, codes(report)) == (["H1"], {"H2": "NOT_FOUND"})
    assert (await world.stages())["H2"] == "in_place"
    assert list(await world.cases("L1")) == ["H1"]


@pytest.mark.parametrize(
    ("number", "code"),
    [("C1", "NOT_YOUR_DUTY"), ("K1", "NOT_YOUR_DUTY"), ("B1", "NOT_YOUR_DUTY"), ("VC1", "NOT_YOUR_DUTY")],
)
async def test_only_the_linked_cadre_signs_that_a_project_is_in_place(world: World, number: str, code: str) -> None:
    clean(await world.plan("L1", "H1"))
    world.today = MARCH
    await _refused(world, lambda: world.sign(number, "in_place", "H1"), code)


async def test_nothing_is_signed_out_of_order(world: World) -> None:
    clean(await world.plan("L1", "H1"))
    await _refused(world, lambda: world.sign("L1", "accounting", "H1"), "WRONG_STAGE")
    await _refused(world, lambda: world.act("VC1", acts.post), "WRONG_STAGE")
    await _refused(world, lambda: world.act("A2", acts.accept), "WRONG_STAGE")


async def test_nothing_is_signed_before_it_is_accounted_or_while_facts_are_missing(world: World) -> None:
    await world.until("accounting")
    before = await world.snapshot()
    assert set(codes(await world.sign("L1", "accounting")).values()) == {"NOT_DETERMINED"}
    assert await world.snapshot() == before
    await world.account()
    report = await world.sign("L1", "accounting", "H4")
    assert codes(report) == {"H4": "NOT_DETERMINED"}


async def test_nobody_signs_twice_or_in_two_duties(world: World) -> None:
    await world.until("accounting")
    await world.account()
    clean(await world.sign("L1", "accounting", "H1"))
    await _refused(world, lambda: world.sign("L1", "accounting", "H1"), "ALREADY_SIGNED")
    # Give the committee's officer the work team's duty as well.
    roster = "工号,姓名,职责,负责区划代码,起始日期\nVC1,两委甲,驻村工作队," + f"{V1},2020-01-01\n"
    assert (await world.bring("officers", roster, "R1")).state == "done"
    await world.look()
    await _refused(world, lambda: world.sign("VC1", "accounting", "H1"), "DUTY_AMBIGUOUS")
    clean(await world.sign("VC1", "accounting", "H1", duty=Duty.VILLAGE_COMMITTEE))
    await _refused(world, lambda: world.sign("VC1", "accounting", "H1", duty=Duty.WORK_TEAM), "SAME_SIGNER")


async def test_no_act_is_dated_ahead_or_before_the_step_before_it(world: World) -> None:
    clean(await world.plan("L1", "H1"))
    world.today = MARCH
    later = MARCH + timedelta(days=1)
    await _refused(world, lambda: world.sign("L1", "in_place", "H1", day=later), "DAY_IN_FUTURE")
    earlier = FEBRUARY - timedelta(days=1)
    await _refused(
        world, lambda: world.sign("L1", "in_place", "H1", day=earlier, evidence="纸质件"), "BEFORE_PREVIOUS_STEP"
    )


async def test_paper_of_an_earlier_day_needs_its_evidence_and_keeps_its_day(world: World) -> None:
    clean(await world.plan("L1", "H1"))
    world.today = date(2021, 4, 20)
    signed = date(2021, 3, 31)
    await _refused(world, lambda: world.sign("L1", "in_place", "H1", day=signed), "EVIDENCE_NEEDED")
    clean(await world.sign("L1", "in_place", "H1", day=signed, evidence="到位表001"))
    ((effective, recorded, late, evidence),) = await world.rows(
        "select effective_on, recorded_at, late_days, evidence from case_event where act = 'sign:in_place'"
    )
    assert (effective, late, evidence) == (signed, 0, "到位表001")
    assert recorded.date() == date(2021, 4, 20)


async def test_a_missed_deadline_asks_for_a_reason_and_is_flagged(world: World) -> None:
    late = date(2021, 2, 20)
    await _refused(world, lambda: world.plan("L1", "H1", day=late), "LATE_NEEDS_REASON")
    clean(await world.plan("L1", "H1", day=late, reason="外出务工返乡"))
    rows = await world.rows("select late_days, reason from case_event where act = 'plan'")
    assert [tuple(row) for row in rows] == [(5, "外出务工返乡")]


async def test_a_household_has_one_case_a_period(world: World) -> None:
    clean(await world.plan("L1", "H1"))
    before = await world.snapshot()
    assert (await world.plan("L1", "H1")).unchanged == ["H1"]
    assert await world.snapshot() == before
    twice = await world.plan("L1", "H2", "H2")
    assert (twice.done, codes(twice)) == (["H2"], {"H2": "ALREADY_CLAIMED"})


async def test_only_stated_facts_are_inputs(world: World) -> None:
    who = world.who("L1", FEBRUARY)
    ground = await world.ground(who)
    before = await world.snapshot()
    async with world.database.session(who.scope) as session:
        plans = [planning.PlanStated("H1", {"breeding": 10**9}, Stated())]
        report = await planning.plan(session, who, ground, plans)
    assert only(report).code.name == "STATED_NOT_ALLOWED"
    assert await world.snapshot() == before


async def test_recording_what_somebody_else_did_is_a_permission_and_needs_evidence(world: World) -> None:
    cadre = world.officers["L1"]
    clean(await world.plan("K1", "H1", day=FEBRUARY, signatory=cadre, evidence="计划表001"))
    before = await world.snapshot()
    assert codes(await world.plan("K1", "H2", day=FEBRUARY, signatory=cadre)) == {"H2": "EVIDENCE_NEEDED"}
    with pytest.raises(Refused) as refused:
        await world.plan("VC1", "H2", day=FEBRUARY, signatory=cadre, evidence="计划表002")
    assert refused.value.problems[0].code.name == "FORBIDDEN"
    assert await world.snapshot() == before
    ((officer, recorder),) = await world.rows(
        """select o.number, r.number from case_event e join officer o on o.id = e.officer_id
             join officer r on r.id = e.recorded_by"""
    )
    assert (officer, recorder) == ("L1", "K1")


async def test_a_duty_that_has_ended_allows_nothing_more_and_counts_on_its_days(world: World) -> None:
    clean(await world.plan("L1", "H1"))
    ended = "工号,姓名,职责,负责区划代码,起始日期,截止日期\nL1,联户甲,联户干部," + f"{V1},2020-01-01,2021-03-10\n"
    assert (await world.bring("officers", ended, "R1")).state == "done"
    await world.look()
    world.today = MARCH
    # Out of office, L1 sees nothing any more …
    assert codes(await world.sign("L1", "in_place", "H1")) == {"H1": "NOT_FOUND"}
    # … but what L1 signed while in office can still be typed in by the clerk.
    signatory = world.officers["L1"]
    after = await world.sign("K1", "in_place", "H1", day=MARCH, signatory=signatory, evidence="到位表")
    assert codes(after) == {"H1": "NOT_YOUR_DUTY"}
    clean(await world.sign("K1", "in_place", "H1", day=date(2021, 3, 9), signatory=signatory, evidence="到位表"))


# --- the accounting --------------------------------------------------------------------------------------------


async def test_accounting_again_changes_nothing_while_nothing_changed(world: World) -> None:
    await world.until("notice")
    clean(await world.act("VC1", acts.post, Selection(stages=["notice"])))
    world.today = SEPTEMBER
    before = await world.snapshot()
    status = await world.account()
    assert (status.result["done"], status.result["unchanged"]) == (0, 4)
    assert await world.snapshot() == before


async def test_a_corrected_income_asks_for_new_signatures(world: World) -> None:
    await world.until("accounting")
    await world.account()
    clean(await world.sign("L1", "accounting", "H1", "H2"))
    ledger = "户编号,日期,收入类别,项目,总收入\nH2,2021-03-01,养殖,养殖项目,4000\n"
    assert (await world.bring("income", ledger, "R1")).result["tallies"]["income line"]["changed"] == 1
    status = await world.account()
    assert (status.result["done"], status.result["unchanged"]) == (1, 7)
    cases = await world.cases()
    assert (cases["H2"].payable, cases["H2"].view.signed, cases["H2"].round) == (200_000, {}, 1)
    assert (cases["H1"].payable, set(cases["H1"].view.signed)) == (300_000, {Duty.LINKED_CADRE})


async def test_a_refused_household_can_be_accounted_again_when_its_facts_change(world: World) -> None:
    await world.until("notice")
    assert (await world.stages())["H6"] == "refused"
    world.today = SEPTEMBER
    ledger = "户编号,日期,收入类别,项目,总收入\nH6,2021-05-01,务工,零工,1000\n"
    assert (await world.bring("income", ledger, "R1")).state == "done"
    clean(await world.act("VC2", acts.account, Selection(numbers=["H6"])))
    cases = await world.cases()
    assert (cases["H6"].view.stage, cases["H6"].payable) == ("accounting", 10_000)


async def test_income_outside_the_window_does_not_count(world: World) -> None:
    await world.until("accounting")
    ledger = """户编号,日期,收入类别,项目,总收入
H7,2020-09-30,养殖,窗口前一日,1000
H7,2020-10-01,养殖,窗口首日,100
H7,2021-09-30,养殖,窗口末日,10
"""
    assert (await world.bring("income", ledger, "R1")).state == "done"
    await world.account()
    # 15 % of 333.33 and 20 % of 110, added exactly and rounded once.
    assert (await world.cases())["H7"].payable == 7_200


async def test_an_amount_that_cannot_be_computed_with_stops_its_own_case_only(world: World) -> None:
    await world.until("accounting")
    lines = "".join(f"H1,2021-04-0{n},养殖,巨额{n},100000000000\n" for n in (1, 2))
    assert (await world.bring("income", "户编号,日期,收入类别,项目,总收入\n" + lines, "R1")).state == "done"
    status = await world.account()
    assert (status.result["done"], status.result["refused"]) == (7, 1)
    assert [(f["household"], f["code"]) for f in status.result["first_refused"]] == [("H1", "FACT_OUT_OF_BOUNDS")]


async def test_the_accounting_may_be_run_by_signers_and_their_offices_only(world: World) -> None:
    await world.until("accounting")
    before = await world.snapshot()
    report = await world.act("A3", acts.account)
    assert set(codes(report).values()) == {"NOT_YOUR_DUTY"}
    assert await world.snapshot() == before
    assert (await world.act("K2", acts.account)).done == ["H7", "H8"]


# --- acceptance ------------------------------------------------------------------------------------------------


async def test_acceptance_waits_for_the_day_after_the_notice(world: World) -> None:
    await world.until("acceptance")
    world.today = date(2021, 10, 15)
    before = await world.snapshot()
    assert set(codes(await world.act("A2", acts.accept, Selection(stages=["notice"]))).values()) == {"NOTICE_OPEN"}
    assert await world.snapshot() == before
    world.today = date(2021, 10, 16)
    assert clean(await world.act("A2", acts.accept, Selection(stages=["notice"]))).done == ["H1", "H2", "H5"]


async def test_the_acceptor_is_never_the_villages_own_cadre(world: World) -> None:
    """A1 is an acceptor of the township, and in charge of 乙村."""
    await world.until("acceptance")
    report = await world.act("A1", acts.accept, Selection(stages=["notice"]))
    assert (report.done, codes(report)) == (["H1", "H2"], {"H5": "NOT_INDEPENDENT"})


async def test_who_signed_the_accounting_does_not_accept_even_when_relieved_of_the_village(world: World) -> None:
    await world.until("acceptance")
    ended = "工号,姓名,职责,负责区划代码,起始日期,截止日期\nA1,验收东甲,包村干部," + f"{V2},2020-01-01,2021-10-12\n"
    assert (await world.bring("officers", ended, "R1")).state == "done"
    await world.look()
    assert codes(await world.act("A1", acts.accept, Selection(numbers=["H5"]))) == {"H5": "NOT_INDEPENDENT"}


async def test_a_case_sent_back_begins_anew_and_keeps_its_history(world: World) -> None:
    await world.until("acceptance")
    await _refused(
        world, lambda: world.act("A2", acts.send_back, Selection(numbers=["H1"]), finding=" "), "FINDING_NEEDED"
    )
    clean(await world.act("A2", acts.send_back, Selection(numbers=["H1"]), finding="缺少销售凭据"))
    cases = await world.cases()
    assert (cases["H1"].view.stage, cases["H1"].digest, cases["H1"].view.posted) == ("accounting", None, None)
    ((kept,),) = await world.rows("select count(*) from signature s join case_file c on c.id = s.case_id "
                                  "join household h on h.id = c.household_id where h.number = 'H1'")  # fmt: skip
    assert kept == 5
    await world.account()
    assert (await world.cases())["H1"].payable == 300_000
    for number in ("L1", "W1", "VC1", "B1"):
        reason = "退回后重新核算"
        clean(await world.sign(number, "accounting", "H1", reason=reason))
    clean(await world.act("VC1", acts.post, Selection(numbers=["H1"])))
    world.today = ACCEPTED + timedelta(days=5)
    clean(await world.act("A2", acts.accept, Selection(numbers=["H1"])))
    assert (await world.stages())["H1"] == "sample"


# --- in bulk ---------------------------------------------------------------------------------------------------


async def test_eight_hundred_but_for_three(world: World) -> None:
    await world.until("acceptance")
    report = await world.act("A2", acts.accept, Selection(stages=["notice"], without=["H2"]))
    assert report.done == ["H1", "H5"]
    assert (await world.stages())["H2"] == "notice"


async def test_what_is_asked_for_by_number_and_is_not_there_is_named(world: World) -> None:
    await world.until("acceptance")
    report = await world.act("A2", acts.accept, Selection(numbers=["H1", "H7", "H99"]))
    assert (report.done, codes(report)) == (["H1"], {"H7": "NOT_FOUND", "H99": "NOT_FOUND"})


async def test_a_selection_by_area(world: World) -> None:
    await world.until("acceptance")
    report = await world.act("A2", acts.accept, Selection(areas=[(V1, V1)], stages=["notice"]))
    assert report.done == ["H1", "H2"]
    assert set(ELIGIBLE) - set(report.done) == {"H5", "H7"}
