"""What may happen next to a case, by whom and by when: the real process of the consolidation award."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import permutations
from typing import Any, TypeAlias

import pytest

from bangfu.calendar import ONE_DAY, DayUnit, SchoolYear, WorkingDays
from bangfu.conformance import Examples
from bangfu.errors import Code, Problem
from bangfu.payments.invariants import graph
from bangfu.policy import MonthDay, PolicyError, Rate
from bangfu.process import (
    CLOSED,
    END_TITLES,
    REFUSED,
    STOPPED,
    WITHDRAWN,
    Accept,
    Act,
    Course,
    Duty,
    Move,
    Notice,
    Pay,
    Plan,
    Proceedings,
    Process,
    Rest,
    RestCause,
    Sample,
    Stage,
    Tier,
    Verify,
    View,
    Way,
    duty_names,
)
from bangfu.programme import installed
from bangfu.text import Text

PROGRAMME = installed().programme("consolidation")
COUNTY = {"programme": "consolidation", "period": "2021", "county": {"cohort_exit_years": {"from": 2016, "to": 2019}}}
EXAMPLES = Examples(COUNTY)
L, W, VC, B, TC, A, C = (
    Duty.LINKED_CADRE, Duty.WORK_TEAM, Duty.VILLAGE_COMMITTEE, Duty.VILLAGE_CADRE, Duty.TOWNSHIP_CLERK,
    Duty.TOWNSHIP_ACCEPTOR, Duty.COUNTY_OFFICE,
)  # fmt: skip
FOUR = (L, W, VC, B)


def proceedings(process: Process = PROGRAMME.process, **own: Any) -> Proceedings:
    """The process of 2021 under what the county sets."""
    return Proceedings(process, EXAMPLES.parameters(own), EXAMPLES.period, WorkingDays())


def view(stage: str, since: date, **more: Any) -> View:
    """A case in a poor village."""
    return View(stage, since, **{"village": Text("甲村", "Jia"), "poor_village": True, **more})


def on(day: date, *duties: Duty, officer: object = "somebody", **more: Any) -> Act:
    """What somebody does on the day it is typed in."""
    return Act(day, day, officer, frozenset(duties), **more)


def signed(*duties: Duty) -> dict[Duty, object]:
    """Signatures, each by another officer."""
    return {duty: f"signer {duty}" for duty in duties}


FEB, MAR, SEP = date(2021, 2, 10), date(2021, 3, 20), date(2021, 9, 28)
FIRST, LAST = date(2021, 10, 11), date(2021, 10, 15)
AFTER, LATER = date(2021, 10, 16), date(2021, 10, 20)
POSTED = view("notice", FIRST, accounted=True, posted=(FIRST, LAST))
OBJECTED = replace(POSTED, open_objections=1)
SAMPLED = view("sample", AFTER, drawn=True)
ACCOUNTED = view("accounting", MAR, accounted=True, signed=signed(L, VC, B))

Call: TypeAlias = Callable[[Proceedings, View, Act], Move | Problem]


@dataclass(frozen=True)
class Right:
    """One act as it should be: what is called, on which case, by whom, what comes of it; and at which stages else."""

    call: Call
    view: View
    act: Act
    move: Move
    may: frozenset[Duty]
    also: frozenset[str] = frozenset()


def right(call: Call, case: View, day: date, duty: Duty, to: str, *others: Duty, also: tuple[str, ...] = ()) -> Right:
    """An act by the officer who should."""
    return Right(call, case, on(day, duty), Move(to, duty), frozenset({duty, *others}), frozenset(also))


ACTS: dict[str, Right] = {
    "plan": right(lambda p, v, a: p.plan(a), view("plan", FEB), FEB, L, "in_place"),
    "amend": right(
        lambda p, v, a: p.amend(v, replace(a, reason="误录")),
        view("in_place", FEB),
        FEB,
        L,
        "in_place",
        also=("plan", "accounting", REFUSED, WITHDRAWN),
    ),
    "put in place": right(lambda p, v, a: p.sign(v, a, "in_place"), view("in_place", FEB), MAR, L, "accounting"),
    "sign": right(lambda p, v, a: p.sign(v, a, "accounting"), ACCOUNTED, SEP, W, "notice", L, VC, B),
    "account": right(Proceedings.account, view("accounting", MAR), SEP, TC, "accounting", *FOUR, C, also=(REFUSED,)),
    "post": right(Proceedings.post, view("notice", SEP), FIRST, VC, "notice"),
    "object": right(Proceedings.object, POSTED, LAST, L, "notice", *Duty),
    "uphold": right(lambda p, v, a: p.settle(v, a, True, "查实"), OBJECTED, LATER, A, "accounting"),
    "dismiss": right(lambda p, v, a: p.settle(v, a, False, "不实"), OBJECTED, LATER, A, "notice"),
    "accept": right(Proceedings.accept, POSTED, AFTER, A, "sample", also=("acceptance",)),
    "send back": right(lambda p, v, a: p.send_back(v, a, "短缺"), POSTED, AFTER, A, "accounting", also=("acceptance",)),
    "pass": right(lambda p, v, a: p.check(v, a, True, ""), SAMPLED, LATER, C, "sample"),
    "draw": right(Proceedings.draw, replace(SAMPLED, drawn=False), LATER, C, "sample"),
    "recall": right(
        lambda p, v, a: p.recall(v, a, "异议属实"),
        replace(SAMPLED, drawn=False),
        LATER,
        C,
        "accounting",
        also=("payment",),
    ),
    "fail": right(lambda p, v, a: p.check(v, a, False, "不符"), SAMPLED, LATER, C, "accounting"),
}
each_act = pytest.mark.parametrize("one", ACTS.values(), ids=ACTS)
without = {name: one for name, one in ACTS.items() if name not in ("plan", "amend", "account", "object")}


def refused(answer: Move | Problem, code: Code, *path: str) -> Problem:
    """The problem, which must be of a code and stand at a field."""
    assert isinstance(answer, Problem), answer
    assert (answer.code, answer.path) == (code, path)
    assert answer.message.zh
    assert answer.remedy.en
    return answer


# --- every act, and everything that is wrong with it ----------------------------------------------------------


@each_act
def test_the_right_act_moves_the_case(one: Right) -> None:
    assert one.call(proceedings(), one.view, one.act) == one.move


@pytest.mark.parametrize(
    ("name", "duty"),
    [(name, duty) for name, one in ACTS.items() for duty in (None, *Duty) if duty not in one.view.signed],
)
def test_nobody_else_may_do_it(name: str, duty: Duty | None) -> None:
    one = ACTS[name]
    answer = one.call(proceedings(), one.view, replace(one.act, duties=frozenset({duty} if duty else ())))
    if duty in one.may:
        assert answer == replace(one.move, duty=duty)
    else:
        problem = refused(answer, Code.NOT_YOUR_DUTY, "duty")
        assert all(held.title_text.zh in problem.message.zh for held in one.may)


@each_act
@pytest.mark.parametrize("duty", [Duty.REGISTRAR, Duty.FINANCE])
def test_a_duty_that_is_claimed_must_be_held(one: Right, duty: Duty) -> None:
    refused(one.call(proceedings(), one.view, replace(one.act, duty=duty)), Code.NOT_YOUR_DUTY, "duty")


@pytest.mark.parametrize("one", list(ACTS.values())[1:], ids=list(ACTS)[1:])
@pytest.mark.parametrize("stage", [*(s.code for s in PROGRAMME.process.stages), *END_TITLES])
def test_no_act_out_of_its_order(one: Right, stage: str) -> None:
    answer = one.call(proceedings(), replace(one.view, stage=stage), one.act)
    if stage == one.view.stage or stage in one.also:
        assert answer == one.move
    else:
        problem = refused(answer, Code.WRONG_STAGE, "stage")
        assert PROGRAMME.process.title("acceptance" if stage == "notice" and one.view.posted else stage).zh in str(
            problem
        )


@each_act
def test_no_act_lies_in_the_future(one: Right) -> None:
    answer = one.call(proceedings(), one.view, replace(one.act, today=one.act.day - ONE_DAY))
    refused(answer, Code.DAY_IN_FUTURE, "day")


@pytest.mark.parametrize("one", without.values(), ids=without)
def test_no_act_lies_before_the_step_before_it(one: Right) -> None:
    assert one.call(proceedings(), replace(one.view, since=one.act.day), one.act) == one.move
    answer = one.call(proceedings(), replace(one.view, since=one.act.day + ONE_DAY), one.act)
    refused(answer, Code.BEFORE_PREVIOUS_STEP, "day")


@pytest.mark.parametrize(
    "one", [one for n, one in ACTS.items() if n != "account"], ids=[n for n in ACTS if n != "account"]
)
def test_an_earlier_day_needs_its_evidence(one: Right) -> None:
    typed_later = replace(one.act, today=one.act.day + timedelta(days=30))
    for evidence in ("", "  "):
        answer = one.call(proceedings(), one.view, replace(typed_later, evidence=evidence))
        refused(answer, Code.EVIDENCE_NEEDED, "evidence")
    assert one.call(proceedings(), one.view, replace(typed_later, evidence="档案3-17")) == one.move


def test_computing_has_no_place_in_the_order_of_days() -> None:
    one = ACTS["account"]
    late = replace(one.act, day=date(2022, 1, 5), today=date(2022, 2, 1))
    assert one.call(proceedings(), replace(one.view, since=date(2022, 3, 1)), late) == one.move


# --- by when --------------------------------------------------------------------------------------------------

DEADLINES = {"plan": date(2021, 2, 15), "put in place": date(2021, 3, 31), "sign": date(2021, 9, 30)}


@pytest.mark.parametrize(("name", "last"), DEADLINES.items())
def test_a_missed_deadline_needs_a_reason_and_is_flagged(name: str, last: date) -> None:
    one = ACTS[name]

    def act(days: int, reason: str = "") -> Move | Problem:
        day = last + timedelta(days=days)
        return one.call(proceedings(), one.view, replace(one.act, day=day, today=day, reason=reason))

    assert act(0) == one.move
    for reason in ("", " "):
        problem = refused(act(1, reason), Code.LATE_NEEDS_REASON, "reason")
        assert f"{last.month}月{last.day}日" in problem.message.zh
    assert act(1, "洪灾") == replace(one.move, late_days=1)
    assert act(40, "洪灾") == replace(one.move, late_days=40)


def test_days_of_grace_move_the_deadline_of_the_accounting_alone() -> None:
    given = proceedings(accounting_grace_days=5)
    stages = PROGRAMME.process.stages
    assert [given.deadline(stage) for stage in stages] == [
        date(2021, 2, 15), date(2021, 3, 31), date(2021, 10, 5), None, None, None, None,
    ]  # fmt: skip
    one = ACTS["sign"]
    last, after = (
        replace(one.act, day=day, today=day, reason="洪灾") for day in (date(2021, 10, 5), date(2021, 10, 6))
    )
    assert one.call(given, one.view, last) == one.move
    assert one.call(given, one.view, after) == replace(one.move, late_days=1)


def test_a_hard_deadline_knows_no_reason() -> None:
    stages = tuple(replace(s, hard=True) if s.deadline else s for s in PROGRAMME.process.stages)
    hard = proceedings(Process(stages))
    for name, last in DEADLINES.items():
        one, late = ACTS[name], last + ONE_DAY
        assert one.call(hard, one.view, replace(one.act, day=last, today=last)) == one.move
        answer = one.call(hard, one.view, replace(one.act, day=late, today=late, reason="洪灾"))
        refused(answer, Code.DEADLINE_PASSED, "day")


# --- signatures -----------------------------------------------------------------------------------------------

OPEN = view("accounting", MAR, accounted=True)


@pytest.mark.parametrize("order", list(permutations(FOUR)))
def test_the_last_of_four_signatures_completes_the_accounting(order: tuple[Duty, ...]) -> None:
    for number, duty in enumerate(order):
        case = replace(OPEN, signed=signed(*order[:number]))
        assert proceedings().sign(case, on(SEP, duty), "accounting") == Move(
            "notice" if number == 3 else "accounting", duty
        )


OTHER_VILLAGE = replace(OPEN, poor_village=False)


@pytest.mark.parametrize(
    ("poor", "own", "required"),
    [
        (True, {}, {L: (), W: (), VC: (), B: ()}),
        (False, {}, {L: (), VC: (), B: (W,)}),
        (False, {"nonpoor_village_substitute": "nobody"}, {L: (), W: (), VC: (), B: ()}),
    ],
)
def test_who_must_sign(poor: bool, own: dict[str, Any], required: dict[Duty, tuple[Duty, ...]]) -> None:
    found = proceedings(**own)
    expected = {duty: frozenset(places) for duty, places in required.items()}
    assert found.signers(PROGRAMME.process.accounting(), poor) == expected
    case = replace(OPEN, poor_village=poor)
    assert found.waits_for(case, SEP) == set(required)
    for duty, places in expected.items():
        done = replace(case, signed=signed(*(required.keys() - {duty})))
        assert found.sign(done, on(SEP, duty), "accounting") == Move("notice", duty, places)
        assert found.waits_for(done, SEP) == {duty}
    for duty in set(Duty) - set(required):
        refused(found.sign(case, on(SEP, duty), "accounting"), Code.NOT_YOUR_DUTY, "duty")


def sign(case: View, act: Act, **own: Any) -> Move | Problem:
    return proceedings(**own).sign(case, act, "accounting")


@pytest.mark.parametrize(
    ("case", "act", "code", "path"),
    [
        (replace(OPEN, accounted=False), on(SEP, L), Code.NOT_DETERMINED, ()),
        (replace(OPEN, poor_village=None), on(SEP, L), Code.VILLAGE_KIND_UNKNOWN, ()),
        (replace(OPEN, signed=signed(L)), on(SEP, L), Code.ALREADY_SIGNED, ("duty",)),
        (replace(OPEN, signed=signed(L, VC)), on(SEP, L, VC), Code.ALREADY_SIGNED, ("duty",)),
        (replace(OPEN, signed={L: "one"}), on(SEP, L, VC, officer="one"), Code.SAME_SIGNER, ("duty",)),
        (replace(OPEN, signed={L: "one"}), on(SEP, VC, officer="one"), Code.SAME_SIGNER, ("duty",)),
        (OPEN, on(SEP, L, VC), Code.DUTY_AMBIGUOUS, ("duty",)),
        (OPEN, on(SEP, L, VC, duty=W), Code.NOT_YOUR_DUTY, ("duty",)),
        (OTHER_VILLAGE, on(SEP, W), Code.NOT_YOUR_DUTY, ("duty",)),
    ],
)
def test_a_signature_that_does_not_count(case: View, act: Act, code: Code, path: tuple[str, ...]) -> None:
    refused(sign(case, act), code, *path)


@pytest.mark.parametrize(
    ("case", "act", "duty"),
    [
        (OPEN, on(SEP, L, VC, duty=VC), VC),
        (OPEN, on(SEP, L, A), L),  # a duty that signs nothing here is not in the way
        (replace(OPEN, signed=signed(L)), on(SEP, L, VC), VC),  # one of the two is signed already, by another
    ],
)
def test_a_duty_that_is_clear_need_not_be_named(case: View, act: Act, duty: Duty) -> None:
    assert sign(case, act) == Move("accounting", duty)


def test_accounting_waits_for_the_kind_of_the_village() -> None:
    case = view("accounting", MAR, poor_village=None)
    refused(proceedings().account(case, on(SEP, C)), Code.VILLAGE_KIND_UNKNOWN)
    assert proceedings().waits_for(case, SEP) == frozenset()


# --- notice, acceptance, sample -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "last"),
    [
        ({}, 15),
        ({"notice_days": 7}, 17),
        ({"notice_unit": "working"}, 15),
        ({"notice_unit": "working", "notice_days": 6}, 18),
    ],
)
def test_a_notice_stands_for_the_days_of_the_county(own: dict[str, Any], last: int) -> None:
    assert proceedings(**own).notice_days(FIRST) == (FIRST, date(2021, 10, last))


def test_a_notice_cannot_be_posted_twice() -> None:
    refused(proceedings().post(POSTED, on(LATER, VC)), Code.WRONG_STAGE, "stage")


@pytest.mark.parametrize("name", ["accept", "send back"])
def test_acceptance_waits_for_the_day_after_the_notice(name: str) -> None:
    one = ACTS[name]
    for day in (FIRST, LAST):
        problem = refused(one.call(proceedings(), one.view, on(day, A)), Code.NOTICE_OPEN, "day")
        assert "2021年10月15日" in problem.message.zh
        assert "16 October 2021" in problem.message.en
    assert one.call(proceedings(), one.view, on(AFTER, A)) == one.move


@pytest.mark.parametrize("name", ["accept", "send back"])
def test_acceptance_waits_for_every_objection(name: str) -> None:
    one = ACTS[name]
    refused(one.call(proceedings(), replace(one.view, open_objections=2), on(LATER, A)), Code.OBJECTION_OPEN)


@pytest.mark.parametrize("name", ["accept", "send back"])
@pytest.mark.parametrize(
    ("duties", "officer", "because"),
    [((A, B), "somebody", "包村干部"), ((A, B, L), "somebody", "包村干部"), ((A,), "signer", "收入核算签字人")],
)
def test_the_acceptor_is_independent(name: str, duties: tuple[Duty, ...], officer: str, because: str) -> None:
    one = ACTS[name]
    case = replace(one.view, verified_by=frozenset({"signer", "another signer"}))
    answer = one.call(proceedings(), case, on(AFTER, *duties, officer=officer, duty=A))
    assert because in refused(answer, Code.NOT_INDEPENDENT, "duty").message.zh
    assert one.call(proceedings(), case, on(AFTER, A, L)) == one.move


@pytest.mark.parametrize("day", [FIRST - ONE_DAY, LAST + ONE_DAY])
def test_an_objection_is_made_while_the_notice_stands(day: date) -> None:
    case = replace(POSTED, since=date(2021, 10, 1))
    refused(proceedings().object(case, on(day, L)), Code.NOTICE_NOT_OPEN, "day")
    for inside in (FIRST, LAST):
        assert proceedings().object(case, on(inside, L)) == Move("notice", L)


@pytest.mark.parametrize(
    "call",
    [
        lambda p, finding: p.settle(OBJECTED, on(LATER, A), True, finding),
        lambda p, finding: p.settle(OBJECTED, on(LATER, A), False, finding),
        lambda p, finding: p.send_back(POSTED, on(LATER, A), finding),
        lambda p, finding: p.check(SAMPLED, on(LATER, C), False, finding),
    ],
)
def test_what_was_found_must_be_stated(call: Callable[[Proceedings, str], Move | Problem]) -> None:
    for finding in ("", " \n"):
        refused(call(proceedings(), finding), Code.FINDING_NEEDED, "finding")
    assert isinstance(call(proceedings(), "查实"), Move)


@pytest.mark.parametrize("passed", [True, False])
def test_only_a_drawn_case_is_checked(passed: bool) -> None:
    case = replace(SAMPLED, drawn=False)
    refused(proceedings().check(case, on(LATER, C), passed, "不符"), Code.NOT_IN_SAMPLE)


@pytest.mark.parametrize(
    ("case", "today", "stage", "who"),
    [
        (view("in_place", FEB), MAR, "in_place", {L}),
        (OPEN, SEP, "accounting", {*FOUR}),
        (replace(OPEN, signed=signed(L, VC)), SEP, "accounting", {W, B}),
        (replace(OTHER_VILLAGE, signed=signed(L, VC)), SEP, "accounting", {B}),
        (view("notice", SEP), LATER, "notice", {VC}),
        (POSTED, LAST, "notice", set()),
        (POSTED, AFTER, "acceptance", {A}),
        (OBJECTED, LAST, "notice", {A}),
        (OBJECTED, LATER, "notice", {A}),
        (view("acceptance", LATER), LATER, "acceptance", {A}),
        (SAMPLED, LATER, "sample", {C}),
        (view("payment", LATER), LATER, "payment", {C}),
        (view(REFUSED, LATER), LATER, REFUSED, set()),
        (view(CLOSED, LATER), LATER, CLOSED, set()),
    ],
)
def test_where_a_case_stands_and_who_holds_it(case: View, today: date, stage: str, who: set[Duty]) -> None:
    assert proceedings().reached(case, today) == stage
    assert proceedings().waits_for(case, today) == who


# --- declarations ---------------------------------------------------------------------------------------------

STAGES = PROGRAMME.process.stages


@pytest.mark.parametrize(
    ("stages", "said"),
    [
        ((*STAGES[:2], STAGES[1], *STAGES[2:]), "stage codes must differ"),
        (
            (STAGES[0], replace(STAGES[1], code=REFUSED), *STAGES[2:]),
            "not be refused, not_selected, withdrawn, stopped, closed",
        ),
        (
            (STAGES[0], replace(STAGES[1], code=CLOSED), *STAGES[2:]),
            "not be refused, not_selected, withdrawn, stopped, closed",
        ),
        (STAGES[1:], "begins with a Plan"),
        (STAGES[:-1], "ends with a Pay"),
        ((*STAGES[:2], *STAGES[3:]), "notice returns to accounting, which is no earlier stage"),
        ((*STAGES[:2], STAGES[4], *STAGES[2:4], *STAGES[5:]), "acceptance returns to accounting"),
        ((), "begins with a Plan"),
    ],
)
def test_a_process_that_contradicts_itself_is_refused(stages: tuple[Stage, ...], said: str) -> None:
    with pytest.raises(PolicyError, match=said):
        Process(stages)


def test_a_process_knows_its_stages() -> None:
    process = PROGRAMME.process
    codes = ["plan", "in_place", "accounting", "notice", "acceptance", "sample", "payment"]
    assert [process.after(code) for code in codes] == [*codes[1:], CLOSED]
    assert [process.title(code).zh for code in (*codes, REFUSED, CLOSED)] == [
        "制定计划", "落实到位", "收入核算", "村级公示", "乡镇验收", "县级抽查", "资金拨付", "不符合条件", "已办结",
    ]  # fmt: skip
    assert process.duties() == {L, VC, A, C, Duty.FUND_MANAGER, Duty.FINANCE}
    assert process.parameters() == {
        "plan_deadline", "in_place_deadline", "accounting_deadline", "accounting_grace_days", "accounting_signers",
        "nonpoor_village_substitute", "notice_days", "notice_unit", "county_sample",
    }  # fmt: skip
    bare = Process((STAGES[0], STAGES[-1]))
    with pytest.raises(PolicyError, match="no Verify stage"):
        bare.first(Verify)
    with pytest.raises(PolicyError, match="no stage that accounts"):
        bare.accounting()
    assert bare.first(Plan) is STAGES[0]


def test_every_duty_has_two_names_and_a_tier() -> None:
    assert len({duty.title_text for duty in Duty}) == len(Duty)
    assert {tier: [duty for duty in Duty if duty.tier is tier] for tier in Tier} == {
        Tier.COUNTY: [
            C,
            Duty.FUND_MANAGER,
            Duty.FINANCE,
            Duty.REGISTRAR,
            Duty.CIVIL_AFFAIRS,
            Duty.DISABLED_FEDERATION,
            Duty.EDUCATION,
            Duty.INDUSTRY_FEDERATION,
            Duty.AUDITOR,
            Duty.SUPERIOR,
        ],
        Tier.TOWNSHIP: [B, TC, A],
        Tier.VILLAGE: [L, W, VC, Duty.HOUSEHOLDER],
        Tier.ENTERPRISE: [Duty.ENTERPRISE_AGENT],
        Tier.PROVIDER: [Duty.SCHOOL_AGENT],
    }
    assert duty_names([B, L]).zh == "联户干部、包村干部"


# --- maker, checker, releaser -----------------------------------------------------------------------------------


def test_who_made_the_plan_is_never_its_only_verifier() -> None:
    """In a programme where one duty signs, the cadre who made the plan still needs somebody else, in another duty."""

    def signing(*duties: Duty) -> Proceedings:
        return proceedings(
            Process(
                tuple(
                    replace(stage, signers=frozenset(duties)) if isinstance(stage, Verify) and stage.accounts else stage
                    for stage in PROGRAMME.process.stages
                )
            )
        )

    alone = signing(L)
    case = replace(ACCOUNTED, signed={}, planned_by=frozenset({"maker"}))
    for officer in ("maker", "another cadre"):
        refused(alone.sign(case, on(SEP, L, officer=officer), "accounting"), Code.MAKER_VERIFIES_ALONE, "duty")
    pair = signing(L, VC)
    assert pair.sign(case, on(SEP, L, officer="maker"), "accounting") == Move("accounting", L)
    half = replace(case, signed={L: "maker"})
    assert pair.sign(half, on(SEP, VC, officer="other"), "accounting") == Move("notice", VC)
    # The maker in another duty is still the maker, whoever signs as the cadre by then.
    maker = replace(case, signed={L: "successor"})
    refused(pair.sign(maker, on(SEP, VC, officer="maker"), "accounting"), Code.MAKER_VERIFIES_ALONE, "duty")
    # Putting in place is the maker's own report and verifies nothing.
    report = view("in_place", FEB, planned_by=frozenset({"maker"}))
    assert alone.sign(report, on(MAR, L, officer="maker"), "in_place") == Move("accounting", L)


@pytest.mark.parametrize("name", ["accept", "send back", "uphold", "dismiss"])
def test_who_made_the_plan_or_typed_it_in_does_not_judge_it(name: str) -> None:
    one = ACTS[name]
    case = replace(one.view, planned_by=frozenset({"maker"}), prepared_by=frozenset({"maker", "typist"}))
    for officer in ("maker", "typist"):
        act = replace(one.act, officer=officer)
        refused(one.call(proceedings(), case, act), Code.SAME_PERSON, "officer")
    assert one.call(proceedings(), case, one.act) == one.move


@pytest.mark.parametrize("hand", ["prepared_by", "verified_by", "accepted_by"])
@pytest.mark.parametrize("passed", [True, False])
def test_who_worked_on_a_case_does_not_check_its_sample(hand: str, passed: bool) -> None:
    busy: dict[str, Any] = {hand: frozenset({"busy"})}
    case = replace(SAMPLED, **busy)
    refused(proceedings().check(case, on(LATER, C, officer="busy"), passed, "不符"), Code.SAME_PERSON, "officer")
    assert isinstance(proceedings().check(case, on(LATER, C), passed, "不符"), Move)
    # The draw is made by its seed, and anyone can make it again.
    assert isinstance(proceedings().draw(replace(case, drawn=False), on(LATER, C, officer="busy")), Move)


def test_a_stage_that_accounts_is_no_mere_report() -> None:
    stages = tuple(
        replace(stage, reports=True) if isinstance(stage, Verify) else stage for stage in PROGRAMME.process.stages
    )
    with pytest.raises(PolicyError, match="accounting accounts"):
        Process(stages)


# --- several stages of a kind -------------------------------------------------------------------------------------

EXIT, STARS, LEADING = (installed().programme(code) for code in ("planned_exit", "five_star", "leading"))


def of(programme: Any, **own: Any) -> Proceedings:
    """Another award's process under what a county sets."""
    examples = Examples({"programme": programme.code, "period": "2021Q1" if programme is STARS else "2021"})
    return Proceedings(programme.process, examples.parameters(own), examples.period, WorkingDays())


def test_what_an_instalment_comes_to() -> None:
    """4,800 in parts of 30, 40 and 30 %; what a later result changes is made up for by the next part (000:21-23)."""
    exit_ = of(EXIT)
    one, two, three = EXIT.process.kind(Pay)
    assert exit_.due(one, 480_000, {}) == 144_000
    assert exit_.due(two, 480_000, {1: 144_000}) == 192_000
    assert exit_.due(three, 480_000, {1: 144_000, 2: 192_000}) == 144_000
    # One of four died after the second part, and the county counts at acceptance: 3,600 less 3,360.
    assert exit_.due(three, 360_000, {1: 144_000, 2: 192_000}) == 24_000
    # Paid more than is due by now: nothing more, and nothing is taken back here.
    assert exit_.due(three, 120_000, {1: 144_000, 2: 192_000}) == 0
    # A later part says nothing of an earlier one.
    assert exit_.due(one, 480_000, {2: 192_000}) == 144_000
    whole = next(PROGRAMME.process.kind(Pay))
    assert (proceedings().due(whole, 300_000, {}), proceedings().due(whole, 0, {})) == (300_000, 0)


def test_a_sample_of_nothing_is_passed_by() -> None:
    assert of(LEADING).after("township_summary") == "payment"
    assert of(LEADING, county_sample="5").after("township_summary") == "sample"
    assert proceedings().after("acceptance") == "sample"


def test_a_case_counts_as_early_until_its_first_notice() -> None:
    assert EXIT.process.early() == {"plan", "in_place", "verification"}
    assert STARS.process.early() == {"nomination", "assessment", "selection"}
    assert EXIT.process.accounts() == ("verification", "final")
    assert EXIT.process.accounting("final").code == "final"
    with pytest.raises(PolicyError, match="no stage that accounts"):
        EXIT.process.accounting("continuing")


@pytest.mark.parametrize(
    ("stages", "said"),
    [
        (lambda own: (*own[:-1], replace(own[-1], instalment=2)), "paid in their order"),
        (lambda own: (*own[:4], replace(own[4], shares=None), *own[5:]), "names the same shares"),
        (
            lambda own: (*own[:2], replace(own[2], accounts=False, answers="led"), *own[3:]),
            "only count where something",
        ),
    ],
)
def test_instalments_and_answers_are_declared_without_contradiction(stages: Any, said: str) -> None:
    with pytest.raises(PolicyError, match=said):
        Process(stages(EXIT.process.stages))


def test_a_result_is_made_again_at_the_final_acceptance() -> None:
    final = view("final", SEP, accounted=False, determined_at="verification")
    refused(of(EXIT).sign(final, on(SEP, W), "final"), Code.NOT_DETERMINED)
    assert of(EXIT).account(final, on(SEP, TC)) == Move("final", TC)
    # Refused there, it is made again there.
    assert of(EXIT).account(replace(final, stage=REFUSED, determined_at="final"), on(SEP, TC)) == Move("final", TC)
    assert of(EXIT).account(replace(final, stage=REFUSED), on(SEP, TC)) == Move("verification", TC)
    # What continues is verified, and nothing is computed.
    refused(of(EXIT).account(replace(final, stage="continuing"), on(SEP, TC)), Code.WRONG_STAGE, "stage")


def test_nobody_is_selected_by_anybody_else() -> None:
    chosen = view("selection", MAR, accounted=True)
    assert of(STARS).select(chosen, on(MAR, VC), True) == Move("notice", VC)
    assert of(STARS).select(chosen, on(MAR, VC), False) == Move("not_selected", VC)
    for duty in set(Duty) - {VC}:
        refused(of(STARS).select(chosen, on(MAR, duty), True), Code.NOT_YOUR_DUTY, "duty")


def test_who_takes_part_answers_before_anything_is_computed() -> None:
    waiting = view("verification", SEP, unanswered=2)
    problem = refused(of(LEADING).account(waiting, on(SEP, TC)), Code.ANSWERS_OPEN)
    assert problem.values["count"] == 2
    assert of(LEADING).account(replace(waiting, unanswered=0), on(SEP, TC)) == Move("verification", TC)


def test_a_notice_before_a_payment_is_concluded_and_one_before_an_acceptance_is_not() -> None:
    assert of(EXIT).conclude(POSTED, on(AFTER, VC)) == Move("payment_1", VC)
    assert of(EXIT).conclude(POSTED, on(AFTER, C)) == Move("payment_1", C)
    refused(of(EXIT).conclude(POSTED, on(LAST, VC)), Code.NOTICE_OPEN, "day")
    refused(of(EXIT).conclude(OBJECTED, on(AFTER, VC)), Code.OBJECTION_OPEN)
    refused(of(EXIT).conclude(replace(POSTED, posted=None), on(AFTER, VC)), Code.WRONG_STAGE, "stage")
    refused(proceedings().conclude(POSTED, on(AFTER, VC)), Code.WRONG_STAGE, "stage")
    assert of(EXIT).reached(POSTED, AFTER) == "payment_1"
    assert of(EXIT).reached(POSTED, LAST) == "notice"


def test_once_something_was_due_a_plan_is_fixed() -> None:
    paid = view("final", SEP, due={1: 144_000})
    refused(of(EXIT).amend(replace(paid, stage=REFUSED), on(SEP, L, reason="误录")), Code.WRONG_STAGE, "stage")
    refused(of(EXIT).ask_to_correct(paid, on(SEP, W), {"projects": "有误"}), Code.WRONG_STAGE, "stage")
    assert of(EXIT).withdraw(paid, on(SEP, L, reason="外迁")) == Move("withdrawn", L)


# --- a school year: stages that open, a notice of no days, terms, re-checks ------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What the stages below read."""

    applied_from: MonthDay
    applied_to: MonthDay
    reviewed_from: MonthDay
    posted_from: MonthDay
    accepted_from: MonthDay
    sampled_from: MonthDay
    autumn_from: MonthDay
    spring_from: MonthDay
    spring_to: MonthDay
    days: int
    unit: DayUnit
    sampled: Rate


@dataclass(frozen=True, kw_only=True)
class TwoNotices(Terms):
    """With a second notice."""

    again: int


SET: dict[str, Any] = {
    "applied_from": MonthDay(9, 1), "applied_to": MonthDay(9, 31), "reviewed_from": MonthDay(10, 1),
    "posted_from": MonthDay(10, 15), "accepted_from": MonthDay(12, 31), "sampled_from": MonthDay(1, 1),
    "autumn_from": MonthDay(1, 15), "spring_from": MonthDay(2, 31), "spring_to": MonthDay(3, 31),
    "days": 7, "unit": DayUnit.CALENDAR, "sampled": Rate(500),
}  # fmt: skip


FI, FM = Duty.FINANCE, Duty.FUND_MANAGER


def _named(code: str, opens: str | None, **more: Any) -> dict[str, Any]:
    return {"code": code, "title": Text(f"“{code}”环节", code), "cites": ("plan#1",), "opens": opens, **more}


def _pay(code: str, opens: str | None, instalment: int, **more: Any) -> Pay:
    paid: dict[str, Any] = {"maker": C, "checker": FM, "releaser": FI, "channel": "card", "instalment": instalment}
    return Pay(**_named(code, opens, **paid, **more))


SCHOOL = Process((
    Plan(**_named("apply", "applied_from", deadline="applied_to", by=VC)),
    Verify(**_named("review", "reviewed_from", signers=frozenset({TC, C}), accounts=True)),
    Notice(**_named(
        "notice", "posted_from", by=C, days="days", unit="unit", columns=(), standard=Text("每人", "each"),
        settled_by=A, returns_to="review",
    )),
    Accept(**_named("accept", "accepted_from", by=A, never=frozenset({B}), returns_to="review")),
    Sample(**_named("sample", "sampled_from", by=C, rate="sampled", returns_to="review")),
    _pay("autumn", "autumn_from", 1),
    Verify(**_named(
        "recheck", "spring_from", deadline="spring_to", signers=frozenset({C}), accounts=True, rechecks=True,
        run_by=frozenset({TC}),
    )),
    _pay("spring", "spring_from", 2),
))  # fmt: skip


def school(process: Process = SCHOOL, **own: Any) -> Proceedings:
    return Proceedings(process, Terms(**{**SET, **own}), SchoolYear().period("2011-2012"), WorkingDays())


def of_the_year(stage: str, **more: Any) -> View:
    """A case that came to its stage before the school year began."""
    return view(stage, date(2011, 8, 1), accounted=True, rechecked=True, **more)


STANDING = (date(2011, 8, 2), date(2011, 8, 8))
OPENS: dict[str, tuple[Call, View, Duty, str, str, date]] = {
    "plan": (lambda p, v, a: p.plan(a), of_the_year("apply"), VC, "review", "apply", date(2011, 9, 1)),
    "amend": (Proceedings.amend, of_the_year("review"), VC, "review", "apply", date(2011, 9, 1)),
    "sign": (
        lambda p, v, a: p.sign(v, a, "review"), of_the_year("review", signed=signed(TC)), C, "notice", "review",
        date(2011, 10, 1),
    ),
    "stop": (lambda p, v, a: p.stop(v, a, "退学"), of_the_year("review"), TC, STOPPED, "review", date(2011, 10, 1)),
    "post": (Proceedings.post, of_the_year("notice"), C, "notice", "notice", date(2011, 10, 15)),
    "settle": (
        lambda p, v, a: p.settle(v, a, True, "查实"), of_the_year("notice", posted=STANDING, open_objections=1), A,
        "review", "notice", date(2011, 10, 15),
    ),
    "accept": (Proceedings.accept, of_the_year("accept"), A, "sample", "accept", date(2011, 12, 31)),
    # From here on the days are of the year after the one in which the school year began.
    "draw": (Proceedings.draw, of_the_year("sample"), C, "sample", "sample", date(2012, 1, 1)),
    "check": (
        lambda p, v, a: p.check(v, a, True, ""), of_the_year("sample", drawn=True), C, "sample", "sample",
        date(2012, 1, 1),
    ),
    "make a batch": (Proceedings.pay, of_the_year("autumn"), C, "autumn", "autumn", date(2012, 1, 15)),
    "check a batch": (Proceedings.pay, of_the_year("autumn"), FM, "autumn", "autumn", date(2012, 1, 15)),
    "release a batch": (Proceedings.pay, of_the_year("autumn"), FI, "autumn", "autumn", date(2012, 1, 15)),
    "re-check": (Proceedings.recheck, of_the_year("recheck"), C, "recheck", "recheck", date(2012, 2, 29)),
    "sign the re-check": (
        lambda p, v, a: p.sign(v, a, "recheck"), of_the_year("recheck"), C, "spring", "recheck", date(2012, 2, 29),
    ),
    "pay the spring": (Proceedings.pay, of_the_year("spring"), C, "spring", "spring", date(2012, 2, 29)),
}  # fmt: skip
each_window = pytest.mark.parametrize(("call", "case", "duty", "to", "stage", "first"), OPENS.values(), ids=OPENS)


@each_window
def test_before_a_stage_opens_nothing_is_done_there(
    call: Call, case: View, duty: Duty, to: str, stage: str, first: date
) -> None:
    assert school().opens(SCHOOL[stage]) == first
    before = on(first - ONE_DAY, duty, reason="提前办理")
    problem = refused(call(school(), case, before), Code.STAGE_NOT_OPEN, "day")
    assert problem.message.zh == f"““{stage}”环节”自 {first.year}年{first.month}月{first.day}日 起办理"
    # What counts is the day on which it was done, and not the day on which it is typed in.
    typed: dict[str, Any] = {"today": date(2012, 8, 31), "evidence": "档案3-17"}
    refused(call(school(), case, replace(before, **typed)), Code.STAGE_NOT_OPEN, "day")
    assert call(school(), case, replace(before, day=first, **typed)) == Move(to, duty)
    assert call(school(), case, on(first, duty, reason="按期")) == Move(to, duty)


@each_window
def test_a_stage_without_a_first_day_is_always_open(
    call: Call, case: View, duty: Duty, to: str, stage: str, first: date
) -> None:
    open_ = school(Process(tuple(replace(one, opens=None) for one in SCHOOL.stages)))
    assert open_.opens(open_.process[stage]) is None
    assert call(open_, case, on(first - ONE_DAY, duty, reason="更正")) == Move(to, duty)


def test_a_stage_that_is_not_open_is_no_way_out_of_a_duty_or_an_order() -> None:
    early = date(2011, 8, 31)
    refused(school().plan(on(early, L)), Code.NOT_YOUR_DUTY, "duty")
    refused(school().plan(replace(on(early, VC), today=early - ONE_DAY)), Code.DAY_IN_FUTURE, "day")
    refused(school().pay(of_the_year("autumn"), on(early, VC)), Code.NOT_YOUR_DUTY, "duty")
    refused(school().post(replace(of_the_year("notice"), since=FIRST), on(early, C)), Code.BEFORE_PREVIOUS_STEP, "day")


def test_what_computes_or_takes_back_has_no_first_day() -> None:
    early = date(2011, 8, 31)
    review = of_the_year("review")
    assert school().account(review, on(early, TC)) == Move("review", TC)
    assert school().withdraw(review, on(early, VC, reason="外迁")) == Move(WITHDRAWN, VC)
    assert school().pause(review, on(early, TC, reason="休学")) == Move("review", TC)
    assert school().ask_to_correct(review, on(early, TC), {"day": "有误"}) == Move("apply", TC)


def test_a_deadline_lies_in_the_school_year_too() -> None:
    last = date(2012, 3, 31)
    assert school().deadline(SCHOOL["recheck"]) == last
    assert school().deadline(SCHOOL["apply"]) == date(2011, 9, 30)
    recheck, after = of_the_year("recheck"), last + ONE_DAY
    assert school().sign(recheck, on(last, C), "recheck") == Move("spring", C)
    refused(school().sign(recheck, on(after, C), "recheck"), Code.LATE_NEEDS_REASON, "reason")
    assert school().sign(recheck, on(after, C, reason="外出"), "recheck") == Move("spring", C, late_days=1)


@pytest.mark.parametrize(
    ("process", "own", "after"),
    [
        (SCHOOL, {}, "notice"),
        (SCHOOL, {"days": 1}, "notice"),
        (SCHOOL, {"days": 0}, "accept"),
        # Without an acceptance, what follows a notice of no days is asked in its turn.
        (Process((*SCHOOL.stages[:3], *SCHOOL.stages[4:])), {"days": 0}, "sample"),
        (Process((*SCHOOL.stages[:3], *SCHOOL.stages[4:])), {"days": 0, "sampled": Rate(0)}, "autumn"),
        (Process((*SCHOOL.stages[:3], *SCHOOL.stages[4:])), {"days": 7, "sampled": Rate(0)}, "notice"),
    ],
)
def test_a_notice_of_no_days_is_passed_by(process: Process, own: dict[str, Any], after: str) -> None:
    found = school(process, **own)
    assert found.after("review") == after
    last = replace(of_the_year("review"), signed=signed(TC))
    assert found.sign(last, on(date(2011, 10, 20), C), "review") == Move(after, C)
    # Where a case stands, nothing but its own stage is asked.
    assert found.after("apply") == "review"


def test_a_notice_that_stands_ends_where_the_next_of_no_days_does() -> None:
    """Two notices, of which the county wants the second for no days."""

    second = replace(SCHOOL.stages[2], code="second", days="again")  # type: ignore[call-arg]
    process = Process((*SCHOOL.stages[:3], second, *SCHOOL.stages[4:]))
    posted = of_the_year("notice", posted=(date(2011, 10, 15), date(2011, 10, 21)))
    for own, to in (({}, "sample"), ({"again": 3}, "second"), ({"sampled": Rate(0)}, "autumn")):
        terms = TwoNotices(**{**SET, "again": 0, **own})
        found = Proceedings(process, terms, SchoolYear().period("2011-2012"), WorkingDays())
        day = date(2011, 10, 22)
        assert (found.reached(posted, day - ONE_DAY), found.reached(posted, day)) == ("notice", to)
        assert found.conclude(posted, on(day, C)) == Move(to, C)


def test_the_graph_lets_a_case_pass_its_notice_by() -> None:
    short = Process((SCHOOL.stages[0], SCHOOL.stages[1], SCHOOL.stages[2], _pay("paid", None, 1, returns_to="review")))
    assert graph(short) == {
        ("apply", "apply"), ("review", "review"), ("notice", "notice"), ("paid", "paid"), (CLOSED, CLOSED),
        ("apply", "review"),
        ("review", "notice"), ("review", "paid"), ("review", CLOSED),  # to a notice, past it, and past a payment of nothing
        ("notice", "paid"), ("notice", CLOSED), ("paid", CLOSED),
        ("notice", "review"), ("paid", "review"), ("review", "apply"),
        ("review", REFUSED), (REFUSED, "review"), (REFUSED, REFUSED), ("review", STOPPED),
        ("apply", WITHDRAWN), ("review", WITHDRAWN), ("notice", WITHDRAWN), ("paid", WITHDRAWN), (WITHDRAWN, "review"),
        (STOPPED, STOPPED), (WITHDRAWN, WITHDRAWN),  # worked out again
    }  # fmt: skip
    # An acceptance is not passed by with the notice before it.
    assert {to for here, to in graph(SCHOOL) if here == "review"} == {
        "apply", "review", "notice", "accept", REFUSED, STOPPED, WITHDRAWN,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("award", "before", "first", "second", "third"),
    [
        (150_000, {}, 150_000, 150_000, 150_000),  # whatever the first one leaves
        (70_000, {1: 70_000}, 70_000, 0, 0),
        (150_000, {1: 70_000}, 150_000, 80_000, 80_000),
        (150_000, {1: 70_000, 2: 80_000}, 150_000, 80_000, 0),
        (230_001, {1: 70_000, 2: 80_000}, 230_001, 160_001, 80_001),
        (150_000, {2: 80_000}, 150_000, 150_000, 70_000),  # a later part says nothing of an earlier one
        (60_000, {1: 70_000}, 60_000, 0, 0),  # less than was paid: nothing more, and nothing back
        (0, {1: 70_000, 2: 80_000}, 0, 0, 0),
    ],
)
def test_payments_without_shares_pay_what_has_come_to_be_due(
    award: int, before: dict[int, int], first: int, second: int, third: int
) -> None:
    process = Process((*SCHOOL.stages, _pay("summer", None, 3)))
    found = [school(process).due(stage, award, before) for stage in process.kind(Pay)]
    assert found == [first, second, third]


RECHECK = of_the_year("recheck")
SPRING = date(2012, 3, 5)


def test_nobody_signs_for_whom_nobody_has_looked() -> None:
    refused(school().sign(replace(RECHECK, rechecked=False), on(SPRING, C), "recheck"), Code.RECHECK_NEEDED)
    assert school().sign(RECHECK, on(SPRING, C), "recheck") == Move("spring", C)
    review = replace(of_the_year("review", signed=signed(TC)), rechecked=False)
    assert school().sign(review, on(date(2011, 10, 1), C), "review") == Move("notice", C)


@pytest.mark.parametrize("duty", Duty)
def test_who_signs_or_computes_writes_down_what_has_become_of_somebody(duty: Duty) -> None:
    answer = school().recheck(RECHECK, on(SPRING, duty))
    if duty in (C, TC):
        assert answer == Move("recheck", duty)
    else:
        refused(answer, Code.NOT_YOUR_DUTY, "duty")


@pytest.mark.parametrize("stage", [*(one.code for one in SCHOOL.stages), *END_TITLES])
def test_a_re_check_is_written_down_where_it_is_made(stage: str) -> None:
    answer = school().recheck(replace(RECHECK, stage=stage), on(SPRING, C))
    if stage == "recheck":
        assert answer == Move("recheck", C)
    else:
        problem = refused(answer, Code.WRONG_STAGE, "stage")
        assert problem.values["act"] == Text("登记复核结果", "re-checking")


def test_a_re_check_moves_nothing_and_is_never_late() -> None:
    later = date(2012, 8, 31)
    assert school().recheck(RECHECK, on(later, C)) == Move("recheck", C)
    # It is the word of who went there: what was signed before, and what the village is, do not matter.
    for other in (
        replace(RECHECK, signed=signed(C)),
        replace(RECHECK, poor_village=None),
        replace(RECHECK, since=later),
    ):
        assert school().recheck(other, on(SPRING, C)) == Move("recheck", C)


def test_the_day_of_a_re_check_is_past_open_and_shown() -> None:
    refused(school().recheck(RECHECK, replace(on(SPRING, C), today=SPRING - ONE_DAY)), Code.DAY_IN_FUTURE, "day")
    refused(school().recheck(RECHECK, replace(on(SPRING, C), today=SPRING + ONE_DAY)), Code.EVIDENCE_NEEDED, "evidence")
    refused(school().recheck(RECHECK, on(date(2012, 2, 28), C)), Code.STAGE_NOT_OPEN, "day")
    shown = replace(on(SPRING, C), today=SPRING + ONE_DAY, evidence="复核表3")
    assert school().recheck(RECHECK, shown) == Move("recheck", C)


def test_only_where_something_is_computed_is_anything_re_checked() -> None:
    stages = list(SCHOOL.stages)
    assert isinstance(stages[6], Verify)
    stages[6] = replace(stages[6], accounts=False)
    with pytest.raises(PolicyError, match="recheck re-checks, which only counts where something is computed"):
        Process(tuple(stages))


# --- how a case went that is paid every month -------------------------------------------------------------------


def went(*acts: tuple[str, date, dict[str, Any]]) -> Course:
    """How a case went whose acts were these, one after the other."""
    return Course.of(reversed([Way(place, *own) for place, own in enumerate(acts, start=1)]))


JANUARY, FEBRUARY, MARCH = date(2021, 1, 10), date(2021, 2, 10), date(2021, 3, 10)
CUSTODY, UNREACHABLE = RestCause.CUSTODY, RestCause.UNREACHABLE
RESTED = ("pause", JANUARY, {"cause": "custody"})


def test_a_case_has_ended_by_what_ended_it_and_was_not_taken_back() -> None:
    for act in ("stop", "withdraw"):
        assert went(RESTED, (act, FEBRUARY, {})) == Course((Rest(CUSTODY, JANUARY, None),), FEBRUARY)
        assert went(RESTED, (act, FEBRUARY, {}), ("undo", MARCH, {"undoes": 2})) == went(RESTED)
        again = went((act, JANUARY, {}), ("undo", MARCH, {"undoes": 1}), (act, FEBRUARY, {}))
        assert again == Course((), FEBRUARY)


def test_who_applies_again_after_an_end_rests_no_more_and_has_not_ended() -> None:
    applied: tuple[str, date, dict[str, Any]] = ("amend", MARCH, {})
    again = MARCH.replace(day=1)  # the month of the application is one of those that it is for
    for ended, until in ((FEBRUARY, FEBRUARY), (JANUARY - ONE_DAY, JANUARY)):
        course = went(RESTED, ("withdraw", ended, {}), applied)
        assert course == Course((Rest(CUSTODY, JANUARY, until),), away=((ended, again),))
        told = [course.withheld(day, list(RestCause)) for day in (ended - ONE_DAY, ended, again - ONE_DAY, again)]
        assert told == ["", "ended", "ended", ""]
    resumed: tuple[str, date, dict[str, Any]] = ("resume", FEBRUARY, {})
    assert went(RESTED, resumed, ("withdraw", MARCH, {}), applied) == went(RESTED, resumed)
    assert went(("withdraw", JANUARY, {}), applied, ("stop", MARCH, {})) == Course((), MARCH, ((JANUARY, again),))
    # A plan that is corrected before anything ended changes nothing, nor does an end that was taken back.
    assert went(RESTED, applied) == went(RESTED)
    assert went(RESTED, ("withdraw", FEBRUARY, {}), ("undo", FEBRUARY, {"undoes": 2}), applied) == went(RESTED)


def test_a_case_that_was_carried_on_begins_with_the_rests_it_was_carried_with() -> None:
    over, lasts = Rest(UNREACHABLE, JANUARY, FEBRUARY), Rest(CUSTODY, MARCH, None)
    carried = ("carry", MARCH, {"from": "old", "rests": [over.kept(), lasts.kept()]})
    assert went(carried) == Course((over, lasts))
    day = MARCH + ONE_DAY
    assert went(carried, ("resume", day, {})) == Course((over, Rest(CUSTODY, MARCH, day)))
    assert went(("carry", MARCH, {"from": "old"})) == Course()
    # As earlier versions kept the one that lasts.
    assert went(("carry", MARCH, {"from": "old", "rest": {"cause": "custody", "since": "2021-03-10"}})) == Course(
        (lasts,)
    )
    # The rests of the old case are its own, and are not counted again.
    acts = [
        ("pause", JANUARY, {"cause": "unreachable"}),
        ("resume", FEBRUARY, {}),
        ("pause", MARCH, {"cause": "custody"}),
    ]
    assert went(*acts, ("carry", MARCH, {"to": "new"}), carried) == Course((over, lasts))


def test_a_rest_reaches_a_day_that_it_lasts_to() -> None:
    rest = Rest(CUSTODY, JANUARY, FEBRUARY)
    assert [rest.reaches(day) for day in (JANUARY - ONE_DAY, FEBRUARY - ONE_DAY, FEBRUARY)] == [True, True, False]
    assert Rest(CUSTODY, JANUARY, None).reaches(MARCH)
