"""雨露计划 through the real plugin: both aids against oracles of their own, their stages on boundary days, their books."""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

import yulu
from bangfu.calendar import WorkingDays
from bangfu.conformance import Check, Examples, examine, on_columns
from bangfu.conformance.child import look_at
from bangfu.errors import Code, Problem, Refused
from bangfu.process import Act, Duty, Move, Notice, Pay, Proceedings, View
from bangfu.programme import (
    EDUCATION_LEVELS,
    STANDINGS,
    Beneficiary,
    ClaimOf,
    ClauseState,
    DatedBook,
    Programme,
    Span,
    check,
    clauses_of,
    installed,
)
from bangfu.rules import (
    Age,
    AsOf,
    AtStage,
    DaysFrom,
    InPeriod,
    Outcome,
    Registry,
    Rounding,
    RuleBook,
    Schooling,
    Stated,
    TrainingMonths,
    amount,
    choose,
)
from bangfu.rules.explain import Explainer
from bangfu.text import Text
from yulu.short_training.rules import FactsWithTheRoll, ShortTraining, ShortTrainingByTheRoll
from yulu.term_aid import LATER
from yulu.term_aid.rules import Facts, LaterGeneration, SchoolTerm, TermAid
from yulu.vocabulary import EducationLevel, HouseholdStanding

AID = installed().programme("term_aid")
TRAINING = installed().programme("short_training")
HERE = Path(yulu.__file__).parent
PILOT = Examples({"programme": "term_aid", "period": "2011-2012"})
LATER_ON = Examples({"programme": "term_aid", "period": "2015-2016", "book": LATER})
COURSES = Examples({"programme": "short_training", "period": "2011"})
FIRST_COURSES = COURSES.of({"book": date(2011, 1, 1)})
BY_1500 = {"amount_autumn": "1500.00", "amount_spring": "1500.00"}

STUDENT = Facts(
    standing=HouseholdStanding.POOR,
    term=SchoolTerm.AUTUMN,
    enrolled=True,
    level=EducationLevel.HIGHER_VOCATIONAL,
    grade=1,
    months=36,
    interning=False,
    proved=True,
)
TRAINEE = FactsWithTheRoll(
    standing=HouseholdStanding.POOR,
    training_from=date(2011, 3, 1),
    training_to=date(2011, 3, 30),
    certified_on=date(2011, 4, 15),
    has_training_certificate=True,
    has_qualification_certificate=True,
    base_sealed=True,
    identity_copied=True,
    age=30,
    began_in_period=True,
    certified_in_period=True,
    days=30,
    days_to_certificate=46,
    months_on_the_roll=0,
)
both = pytest.mark.parametrize("programme", [AID, TRAINING], ids=lambda programme: programme.code)


def paid(book: type[RuleBook[Any, Any]], facts: Any, parameters: Any) -> int:
    """What somebody is due, on which both engines agree."""
    found = book.decide(facts, parameters)
    assert on_columns(book, [facts], parameters) == [found]
    return found.payable


# --- the award, against plain Python ----------------------------------------------------------------------------


def in_the_pilot(f: Facts) -> bool:
    """Whether the pilot aids a student, as its text reads."""
    if f.standing == "general" or not f.enrolled or not f.proved or f.interning:
        return False
    if f.level == "higher_vocational":
        return f.grade in (1, 2, 3)
    if f.level == "secondary_vocational":
        return f.grade in (1, 2)
    return f.level == "skills_training" and f.months >= 12


def in_the_later_generation(f: Facts) -> bool:
    """Whether the later generation aids a student."""
    vocational = f.level in ("higher_vocational", "secondary_vocational")
    return f.standing != "general" and f.enrolled and f.proved and vocational


STUDENTS = [
    Facts(
        standing=standing,
        term=term,
        enrolled=enrolled,
        level=level,
        grade=grade,
        months=months,
        interning=interning,
        proved=proved,
    )
    for standing, term, enrolled, level, grade, months, interning, proved in itertools.product(
        HouseholdStanding,
        SchoolTerm,
        (True, False),
        EducationLevel,
        range(6),
        (11, 12, 36),
        (True, False),
        (True, False),
    )
]


@pytest.mark.parametrize(
    ("examples", "own", "eligible", "terms"),
    [
        (PILOT, {}, in_the_pilot, (70_000, 80_000)),
        (LATER_ON, BY_1500, in_the_later_generation, (150_000, 150_000)),
    ],
    ids=["pilot", "later"],
)
def test_a_student_is_aided_as_the_text_reads(
    examples: Examples, own: dict[str, str], eligible: Callable[[Facts], bool], terms: tuple[int, int]
) -> None:
    book, parameters = examples.book, examples.parameters(own)
    found = [book.decide(facts, parameters) for facts in STUDENTS]
    assert on_columns(book, STUDENTS, parameters) == found
    by_term = {SchoolTerm.AUTUMN: terms[0], SchoolTerm.SPRING: sum(terms)}
    assert [one.payable for one in found] == [by_term[f.term] if eligible(f) else 0 for f in STUDENTS]
    assert [one.outcome is Outcome.ELIGIBLE for one in found] == [eligible(f) for f in STUDENTS]


def test_the_two_books_differ_where_they_should() -> None:
    assert len(STUDENTS) == 6912
    # Of 2 standings, 2 terms, 3 lengths: 3 + 2 grades without an internship; 6 grades of training of 12 and 36 months.
    assert sum(map(in_the_pilot, STUDENTS)) == 2 * 2 * ((3 + 2) * 3 + 6 * 2) == 108
    # Of the same: 2 levels of 6 grades, with and without an internship.
    assert sum(map(in_the_later_generation, STUDENTS)) == 2 * 2 * 3 * 2 * 6 * 2 == 288


COMBINED: list[tuple[Any, ...]] = list(
    itertools.product(HouseholdStanding, (15, 16, 45, 46), (0, 1, 364, 365), (0, 1), (0, 11, 12), *[(True, False)] * 6)
)
TRAINEES = [
    replace(
        TRAINEE,
        standing=standing,
        age=age,
        days=days,
        days_to_certificate=after,
        months_on_the_roll=months,
        began_in_period=began,
        certified_in_period=certified,
        has_training_certificate=one,
        has_qualification_certificate=other,
        base_sealed=sealed,
        identity_copied=copied,
    )
    for standing, age, days, after, months, began, certified, one, other, sealed, copied in COMBINED
]


@pytest.mark.parametrize("examples", [FIRST_COURSES, COURSES], ids=["first", "by the roll"])
@pytest.mark.parametrize("same_year", [True, False])
def test_a_trainee_is_aided_as_the_text_reads(same_year: bool, examples: Examples) -> None:
    book, parameters = examples.book, examples.parameters({"same_year": same_year})
    by_the_roll = examples is COURSES

    def due(f: FactsWithTheRoll) -> int:
        papers = (f.has_training_certificate, f.has_qualification_certificate, f.base_sealed, f.identity_copied)
        in_year = f.certified_in_period and (f.began_in_period or not same_year)
        covered = f.standing != "general" and f.age in range(16, 46) and f.days in range(1, 365)
        covered = covered and (f.months_on_the_roll < 12 or not by_the_roll)
        return 60_000 if all(papers) and in_year and covered and f.days_to_certificate >= 1 else 0

    expected = [due(f) for f in TRAINEES]
    # Of 2 standings, ages 16 and 45, 1 and 364 days; begun in the year, or whenever; 0 and 11 months on a roll, or 12.
    assert expected.count(60_000) == 2 * 2 * 2 * (1 if same_year else 2) * (2 if by_the_roll else 3)
    assert [book.decide(f, parameters).payable for f in TRAINEES] == expected
    assert [one.payable for one in on_columns(book, TRAINEES, parameters)] == expected


@pytest.mark.parametrize(
    ("examples", "known"),
    [(PILOT, STUDENT), (LATER_ON, STUDENT), (FIRST_COURSES, TRAINEE), (COURSES, TRAINEE)],
    ids=["pilot", "later", "first courses", "courses"],
)
def test_what_is_not_known_is_never_met(examples: Examples, known: Any) -> None:
    book, parameters = examples.book, examples.parameters({})
    for fact in fields(known):
        found = book.decide(replace(known, **{fact.name: None}), parameters)
        if fact.name in book.traced().used_facts:
            assert (found.outcome, found.payable, found.missing) == (Outcome.INCOMPLETE, 0, (fact.name,))
        else:
            assert found.outcome is Outcome.ELIGIBLE
    unread = {fact.name for fact in fields(known)} - set(book.traced().used_facts)
    assert unread == {
        TermAid: set(), LaterGeneration: {"grade", "months", "interning"},
        ShortTraining: {"training_from", "training_to", "certified_on", "months_on_the_roll"},
        ShortTrainingByTheRoll: {"training_from", "training_to", "certified_on"},
    }[book]  # fmt: skip


def test_the_worked_examples_count_their_days_right() -> None:
    raw = tomllib.loads((HERE / "short_training" / "cases.toml").read_text("utf-8"))
    counted = 0
    for case in raw["case"]:
        facts = {**raw["facts"], **case.get("facts", {})}
        unknown = case.get("unknown", [])
        first, last, on = facts["training_from"], facts["training_to"], facts["certified_on"]
        year = int(case.get("period", raw["period"]))
        told = {
            "days": max(0, (last - first).days + 1),
            "days_to_certificate": max(0, (on - first).days + 1),
            "began_in_period": first.year == year,
            "certified_in_period": on.year == year,
        }
        for name, value in told.items():
            if name not in unknown:
                counted += 1
                assert (case["name"], name, facts[name]) == (case["name"], name, value)
    assert counted == 4 * len(raw["case"]) - 5


# --- every number is a parameter ---------------------------------------------------------------------------------


def proceedings(examples: Examples, parameters: Any) -> Proceedings:
    return Proceedings(examples.programme.process, parameters, examples.period, WorkingDays())


def opens(stage: str) -> Callable[[Any], Any]:
    return lambda p: proceedings(PILOT, p).opens(AID.process[stage])


def deadline(stage: str) -> Callable[[Any], Any]:
    return lambda p: proceedings(PILOT, p).deadline(AID.process[stage])


def signers(stage: str) -> Callable[[Any], Any]:
    return lambda p: proceedings(PILOT, p).duties(AID.process[stage])


def aided(**other: Any) -> Callable[[Any], Any]:
    return lambda p: paid(TermAid, replace(STUDENT, **other), p)


def trained(**other: Any) -> Callable[[Any], Any]:
    return lambda p: paid(ShortTrainingByTheRoll, replace(TRAINEE, **other), p)


def posted(examples: Examples, first: date) -> Callable[[Any], Any]:
    return lambda p: proceedings(examples, p).notice_days(first)[1]


EXITED, SECONDARY = HouseholdStanding.EXITED, EducationLevel.SECONDARY_VOCATIONAL
EFFECTS: dict[str, tuple[Any, Callable[[Any], Any], Any, Any]] = {
    "covered_standings": (["poor"], aided(standing=EXITED), 70_000, 0),
    "last_grade_higher": (5, aided(grade=5), 0, 70_000),
    "last_grade_secondary": (3, aided(level=SECONDARY, grade=3), 0, 70_000),
    "exclude_internship": (False, aided(interning=True), 0, 70_000),
    "amount_autumn": ("750.50", aided(), 70_000, 75_050),
    "amount_spring": ("1000.00", aided(term=SchoolTerm.SPRING), 150_000, 170_000),
    "application_opens": ("09-10", opens("application"), date(2011, 9, 1), date(2011, 9, 10)),
    "application_deadline": ("10-15", deadline("application"), date(2011, 9, 30), date(2011, 10, 15)),
    "review_opens": ("10-08", opens("second_review"), date(2011, 10, 1), date(2011, 10, 8)),
    "review_deadline": ("11-15", deadline("notice"), date(2011, 10, 31), date(2011, 11, 15)),
    "autumn_payment_opens": ("12-01", opens("autumn_payment"), date(2011, 11, 1), date(2011, 12, 1)),
    "autumn_payment_deadline": ("02-end", deadline("autumn_payment"), date(2012, 1, 31), date(2012, 2, 29)),
    "spring_opens": ("03-01", opens("recheck"), date(2012, 2, 1), date(2012, 3, 1)),
    "spring_deadline": ("08-end", deadline("spring_payment"), date(2012, 7, 31), date(2012, 8, 31)),
    "recheckers": (
        ["county_office", "township_clerk"], signers("recheck"),
        {Duty.COUNTY_OFFICE}, {Duty.COUNTY_OFFICE, Duty.TOWNSHIP_CLERK},
    ),
    "notice_days": (10, posted(PILOT, date(2011, 10, 20)), date(2011, 10, 26), date(2011, 10, 29)),
    "notice_unit": ("working", posted(PILOT, date(2011, 10, 20)), date(2011, 10, 26), date(2011, 10, 28)),
}  # fmt: skip
LOCKED = {
    "levels": ["skills_training"], "least_training_months": 6,
    "first_reviewers": ["township_clerk"], "second_reviewers": ["county_office"],
}  # fmt: skip
TRAINING_EFFECTS: dict[str, tuple[Any, Callable[[Any], Any], Any, Any]] = {
    "covered_standings": (["poor"], trained(standing=EXITED), 60_000, 0),
    "age_max": (60, trained(age=60), 0, 60_000),
    "same_year": (False, trained(began_in_period=False), 0, 60_000),
    "longest_days": (29, trained(), 60_000, 0),
    "amount": ("800.00", trained(), 60_000, 80_000),
    "notice_days": (7, lambda p: proceedings(COURSES, p).after("finance_recheck"), "payment", "notice"),
}
TRAINING_LOCKED = {"age_min": 15, "least_training_months": 6, "first_reviewers": ["township_clerk"]}
ALL_EFFECTS = [
    *((PILOT, name, *effect) for name, effect in EFFECTS.items()),
    *((COURSES, name, *effect) for name, effect in TRAINING_EFFECTS.items()),
]
ALL_LOCKED = [
    *((PILOT, name, value) for name, value in LOCKED.items()),
    *((COURSES, name, value) for name, value in TRAINING_LOCKED.items()),
]


def label(value: Any) -> str:
    return value.programme.code if isinstance(value, Examples) else str(value) if isinstance(value, str) else "-"


@pytest.mark.parametrize(("examples", "name", "value", "observed", "before", "after"), ALL_EFFECTS, ids=label)
def test_a_provision_changes_the_result_it_should(
    examples: Examples, name: str, value: Any, observed: Callable[[Any], Any], before: Any, after: Any
) -> None:
    found = observed(examples.parameters({})), observed(examples.parameters({name: value}))
    assert found == (before, after)


@pytest.mark.parametrize(("examples", "name", "value"), ALL_LOCKED, ids=label)
def test_what_the_plan_fixes_is_locked(examples: Examples, name: str, value: Any) -> None:
    with pytest.raises(Refused, match="PARAMETER_LOCKED"):
        examples.parameters({name: value})


@pytest.mark.parametrize(
    ("examples", "name", "value"),
    [
        (PILOT, "amount_autumn", "5000.01"),
        (PILOT, "last_grade_higher", 2),
        (PILOT, "last_grade_secondary", 5),
        (PILOT, "application_opens", "08-31"),
        (PILOT, "autumn_payment_deadline", "03-01"),
        (PILOT, "spring_opens", "01-31"),
        (PILOT, "notice_days", 6),
        (PILOT, "recheckers", ["village_committee"]),
        (PILOT, "covered_standings", ["general"]),
        (COURSES, "age_max", 44),
        (COURSES, "longest_days", 365),
        (COURSES, "notice_days", 31),
    ],
)
def test_a_county_deviates_within_bounds(examples: Examples, name: str, value: Any) -> None:
    with pytest.raises(Refused, match="PARAMETER_OUT_OF_RANGE"):
        examples.parameters({name: value})


def test_every_number_is_accounted_for() -> None:
    # The times that are no stages are looked at in the county's calendar.
    times = {name for own in AID.milestones for name in (own.opens, own.closes)}
    assert set(EFFECTS) | set(LOCKED) | times == set(AID.policy.parameters)
    # Which days a notice of the trainees counts is looked at with its days.
    assert set(TRAINING_EFFECTS) | set(TRAINING_LOCKED) | {"notice_unit"} == set(TRAINING.policy.parameters)


def test_a_county_that_posts_the_trainees_counts_days_as_it_says() -> None:
    first = date(2011, 9, 29)
    assert posted(COURSES, first)(COURSES.parameters({"notice_days": 7})) == date(2011, 10, 5)
    working = COURSES.parameters({"notice_days": 7, "notice_unit": "working"})
    assert posted(COURSES, first)(working) == date(2011, 10, 12)


# --- the stages of the aid by terms, day by day -------------------------------------------------------------------

VC, TC, C, F, M = (
    Duty.VILLAGE_COMMITTEE, Duty.TOWNSHIP_CLERK, Duty.COUNTY_OFFICE, Duty.FINANCE, Duty.FUND_MANAGER,
)  # fmt: skip
PARAMETERS = PILOT.parameters({})
TERMS = proceedings(PILOT, PARAMETERS)


def on(day: date, duty: Duty, officer: str = "officer", **more: Any) -> Act:
    return Act(day, day, officer, frozenset({duty}), **more)


def at(stage: str, since: date = date(2011, 9, 1), **more: Any) -> View:
    return View(stage, since, Text("甲村", "Jia"), poor_village=True, planned_by=frozenset({"planner"}), **more)


def signature(stage: str, duty: Duty, *before: Duty, **more: Any) -> Callable[[date, str], Move | Problem]:
    """Signing a stage in a duty after others have signed."""
    signed = {one: f"signer {one}" for one in before}
    view = at(stage, signed=signed, accounted=True, **more)
    return lambda day, reason: TERMS.sign(view, on(day, duty, reason=reason), stage)


Dated = tuple[Callable[[date, str], Move | Problem], date, date, Move]
SEPT, OCT = (date(2011, 9, 1), date(2011, 9, 30)), (date(2011, 10, 1), date(2011, 10, 31))
SPRING = (date(2012, 2, 1), date(2012, 7, 31))
DATED: dict[str, Dated] = {
    "application": (lambda day, reason: TERMS.plan(on(day, VC, reason=reason)), *SEPT, Move("first_review", VC)),
    "first_review": (signature("first_review", TC, VC), *OCT, Move("second_review", TC)),
    "second_review": (signature("second_review", F, C), *OCT, Move("notice", F)),
    "recheck": (signature("recheck", C, rechecked=True), *SPRING, Move("spring_payment", C)),
}


@pytest.mark.parametrize("stage", DATED)
def test_a_stage_is_done_between_its_two_days(stage: str) -> None:
    act, first, last, move = DATED[stage]
    assert (TERMS.opens(AID.process[stage]), TERMS.deadline(AID.process[stage])) == (first, last)
    early = act(first - timedelta(days=1), "")
    assert isinstance(early, Problem)
    assert early.code is Code.STAGE_NOT_OPEN
    assert act(first, "") == act(last, "") == move
    late = act(last + timedelta(days=1), "")
    assert isinstance(late, Problem)
    assert late.code is Code.LATE_NEEDS_REASON
    assert act(last + timedelta(days=1), "外出") == replace(move, late_days=1)


@pytest.mark.parametrize(
    ("stage", "first", "last"),
    [("autumn_payment", date(2011, 11, 1), date(2012, 1, 31)), ("spring_payment", date(2012, 2, 1), date(2012, 7, 31))],
)
def test_a_term_is_paid_from_its_day_on(stage: str, first: date, last: date) -> None:
    assert TERMS.deadline(AID.process[stage]) == last
    early = TERMS.pay(at(stage), on(first - timedelta(days=1), C))
    assert isinstance(early, Problem)
    assert early.code is Code.STAGE_NOT_OPEN
    for duty in (C, M, F):
        assert TERMS.pay(at(stage), on(first, duty)) == Move(stage, duty)
    other = TERMS.pay(at(stage), on(first, TC))
    assert isinstance(other, Problem)
    assert other.code is Code.NOT_YOUR_DUTY


def test_the_stages_are_those_of_the_plan() -> None:
    assert [stage.code for stage in AID.process.stages] == [
        "application", "first_review", "second_review", "notice", "autumn_payment", "recheck", "spring_payment",
    ]  # fmt: skip
    assert AID.process.accounts() == tuple(term.value for term in SchoolTerm) == ("first_review", "recheck")
    assert [stage.code for stage in TRAINING.process.stages] == [
        "application", "first_review", "county_review", "finance_recheck", "notice", "payment",
    ]  # fmt: skip
    assert TRAINING.process.accounts() == ("first_review",)


def test_a_notice_stands_seven_days_and_sends_back_what_is_upheld() -> None:
    first, last = TERMS.notice_days(date(2011, 10, 20))
    assert (first, last) == (date(2011, 10, 20), date(2011, 10, 26))
    assert TERMS.post(at("notice"), on(first, C)) == Move("notice", C)
    view = at("notice", first, posted=(first, last), accounted=True)
    on_the_last = TERMS.conclude(view, on(last, C))
    assert isinstance(on_the_last, Problem)
    assert on_the_last.code is Code.NOTICE_OPEN
    assert TERMS.conclude(view, on(date(2011, 10, 27), C)) == Move("autumn_payment", C)
    objected = replace(view, open_objections=1, verified_by=frozenset({"signer"}))
    day = date(2011, 10, 28)
    assert TERMS.settle(objected, on(day, C), True, "查实") == Move("first_review", C)
    assert TERMS.settle(objected, on(day, C), False, "不实") == Move("notice", C)
    signer = TERMS.settle(objected, on(day, C, "signer"), False, "不实")
    assert isinstance(signer, Problem)
    assert signer.code is Code.NOT_INDEPENDENT


def test_who_took_the_application_does_not_review_it_alone() -> None:
    day = date(2011, 10, 10)
    both_sign = at("first_review", signed={VC: "planner"}, accounted=True)
    assert TERMS.sign(both_sign, on(day, TC, "clerk"), "first_review") == Move("second_review", TC)
    alone = TERMS.sign(at("first_review", signed={VC: "other"}, accounted=True), on(day, TC, "planner"), "first_review")
    assert isinstance(alone, Problem)
    assert alone.code is Code.MAKER_VERIFIES_ALONE


def test_what_is_wrong_before_a_payment_is_determined_again() -> None:
    assert {stage.code: stage.returns_to for stage in AID.process.kind(Pay)} == {
        "autumn_payment": "first_review", "spring_payment": "recheck",
    }  # fmt: skip
    day = date(2012, 3, 1)
    assert TERMS.recall(at("spring_payment"), on(day, C), "已辍学") == Move("recheck", C)
    assert TERMS.account(at("recheck"), on(day, TC)) == Move("recheck", TC)


def test_each_term_pays_its_own_part() -> None:
    autumn, spring = AID.process.kind(Pay)
    for examples, own, first, second in ((PILOT, {}, 70_000, 80_000), (LATER_ON, BY_1500, 150_000, 150_000)):
        parameters = examples.parameters(own)
        by = proceedings(examples, parameters)
        whole = paid(examples.book, replace(STUDENT, term=SchoolTerm.SPRING), parameters)
        assert by.due(autumn, paid(examples.book, STUDENT, parameters), {}) == first
        assert by.due(spring, whole, {1: first}) == second
        assert by.due(spring, whole, {1: first, 2: second}) == second
    gone = replace(STUDENT, term=SchoolTerm.SPRING, enrolled=False)
    assert TERMS.due(spring, paid(TermAid, gone, PARAMETERS), {1: 70_000}) == 0


# --- the stages of the short courses --------------------------------------------------------------------------------


def test_a_trainee_goes_from_township_to_county_to_finance_to_the_money() -> None:
    plain, with_notice = (proceedings(COURSES, COURSES.parameters(own)) for own in ({}, {"notice_days": 7}))
    day = date(2011, 6, 1)
    assert plain.plan(on(day, TC, "planner")) == Move("first_review", TC)
    acceptor, since = Duty.TOWNSHIP_ACCEPTOR, date(2011, 5, 1)
    signed = plain.sign(at("first_review", since, accounted=True), on(day, acceptor), "first_review")
    assert signed == Move("county_review", acceptor)
    assert plain.sign(at("county_review", since), on(day, C), "county_review") == Move("finance_recheck", C)
    for by, following in ((plain, "payment"), (with_notice, "notice")):
        assert by.sign(at("finance_recheck", since), on(day, F), "finance_recheck") == Move(following, F)
    for officer, duty, code in (("planner", acceptor, Code.MAKER_VERIFIES_ALONE), ("clerk", TC, Code.NOT_YOUR_DUTY)):
        found = plain.sign(at("first_review", since, accounted=True), on(day, duty, officer), "first_review")
        assert isinstance(found, Problem)
        assert found.code is code


def test_a_short_course_is_aided_once_in_a_lifetime() -> None:
    (claim,) = TRAINING.claims
    assert (claim.kind, claim.per, claim.period, claim.unless) == ("short_training", ClaimOf.PERSON, Span.EVER, None)
    assert AID.claims == ()


def test_a_training_base_may_seal_the_card_itself_and_is_shown_days_and_certificates_alone() -> None:
    (seal,) = TRAINING.attested
    assert (seal.fact, seal.by, seal.cites) == ("base_sealed", "training_base", "yulu-2011#二2")
    assert seal.shows == (
        "training_from", "training_to", "certified_on", "has_training_certificate", "has_qualification_certificate",
    )  # fmt: skip
    assert seal.fact in TRAINING.stated()
    assert AID.attested == ()


# --- declarations ----------------------------------------------------------------------------------------------------


def test_the_plugin_brings_two_programmes_for_persons() -> None:
    assert yulu.programmes() == [AID, TRAINING]
    assert installed().brought["yulu"] == ("term_aid", "short_training")
    assert {AID.beneficiary, TRAINING.beneficiary} == {Beneficiary.PERSON}
    assert AID.once_per_period
    assert TRAINING.once_per_period


@both
def test_a_declaration_fits(programme: Programme) -> None:
    check(programme, {"yikatong"})
    assert programme.released == {book.since: book.rules.traced().version for book in programme.books}


def test_the_facts_come_from_where_they_are_known() -> None:
    assert {name: spec.source for name, spec in AID.specs().items()} == {
        "standing": Registry("standing", AsOf.PLAN),
        "term": AtStage(),
        **{name: Schooling(name) for name in ("enrolled", "level", "grade", "months", "interning", "proved")},
    }
    assert {name: spec.source for name, spec in TRAINING.specs().items() if name not in TRAINING.stated()} == {
        "standing": Registry("standing", AsOf.PLAN),
        "age": Age("training_from"),
        "began_in_period": InPeriod("training_from"),
        "certified_in_period": InPeriod("certified_on"),
        "days": DaysFrom("training_from", "training_to"),
        "days_to_certificate": DaysFrom("training_from", "certified_on"),
        "months_on_the_roll": TrainingMonths("training_from", "training_to"),
    }
    assert AID.stated() == {}
    assert list(TRAINING.stated()) == [
        "training_from", "training_to", "certified_on", "has_training_certificate", "has_qualification_certificate",
        "base_sealed", "identity_copied",
    ]  # fmt: skip
    assert {type(spec.source) for spec in TRAINING.stated().values()} == {Stated}


def test_levels_and_standings_are_called_as_the_register_calls_them() -> None:
    assert {str(one): one.title_text for one in EducationLevel} == dict(EDUCATION_LEVELS)
    assert {str(one): one.title_text for one in HouseholdStanding} == dict(STANDINGS)


DONE, PART, OUT = ClauseState.CARRIED_OUT, ClauseState.IN_PART, ClauseState.LEFT_OUT
CLAUSES = {
    "一(一)": OUT, "一(二)": OUT, "一(三)1": DONE, "一(三)2": DONE, "一(四)1": PART, "一(四)2": PART, "一(四)3": DONE,
    "一(四)4(1)": DONE, "一(四)4(2)": DONE, "一(四)4(3)": PART, "一(四)5": DONE, "一(四)6": DONE, "一(四)7": PART,
    "一(五)1": OUT, "一(五)2": OUT, "一(五)3": DONE, "一(五)4": OUT,
    "二1": PART, "二2": PART, "二3": DONE,
}  # fmt: skip
"""Every clause of the document in its order, and how far it is carried out."""


def test_every_clause_of_the_document_is_answered() -> None:
    told = [one for programme in (AID, TRAINING) for one in clauses_of(programme)]
    assert {one.clause: one.state for one in told if one.document == "yulu-2011"} == CLAUSES
    assert [one.clause for one in told if one.document == "yulu-2011"] == list(CLAUSES)
    assert {one.clause: one.state for one in told if one.document == "yulu-later"} == {"一": DONE, "二": DONE}


@both
def test_a_clause_that_is_left_out_altogether_has_no_number(programme: Programme) -> None:
    out = {clause for clause, state in CLAUSES.items() if state is OUT}
    cited = {entry.cites.clause for parameter in programme.policy.parameters.values() for entry in parameter.entries}
    assert cited & out == set()


def test_where_the_document_is_silent_the_reading_is_said() -> None:
    silent = {
        "term_aid": {"covered_standings", "least_training_months", "amount_autumn", "amount_spring", "recheckers", "notice_unit"},
        "short_training": {"age_min", "same_year", "longest_days", "amount", "notice_days", "first_reviewers"},
    }  # fmt: skip
    for programme in (AID, TRAINING):
        told = {name for name, parameter in programme.policy.parameters.items() if parameter.reading}
        assert told >= silent[programme.code]


def test_a_notice_shows_what_the_plan_asks_for_and_nothing_else() -> None:
    shown: dict[str, tuple[tuple[str, ...], Text]] = {}
    for programme in (AID, TRAINING):
        notice, kept = programme.process.first(Notice), programme.policy.parameters
        values = {name: kept[name].kind.show(kept[name].entries[0].value) for name in notice.standard.places()}
        shown[programme.code] = notice.columns, notice.standard.filled(**values)
    assert shown == {
        "term_aid": (
            ("address", "standing", "beneficiary", "school", "grade", "standard", "amount"),
            Text(
                "秋季学期700.00 元,春季学期800.00 元",
                "700.00 yuan for the autumn term, 800.00 yuan for the spring term",
            ),
        ),
        "short_training": (
            ("address", "standing", "beneficiary", "standard", "amount"),
            Text("每人一次性补助600.00 元", "600.00 yuan a person, once in a lifetime"),
        ),
    }


@both
def test_three_persons_pay_onto_the_card(programme: Programme) -> None:
    pays = list(programme.process.kind(Pay))
    assert {(stage.maker, stage.checker, stage.releaser, stage.channel, stage.shares) for stage in pays} == {
        (Duty.COUNTY_OFFICE, Duty.FUND_MANAGER, Duty.FINANCE, "yikatong", None)
    }
    assert [stage.instalment for stage in pays] == ([1, 2] if programme is AID else [1])


def test_the_two_aids_go_together_and_exclude_nobody() -> None:
    assert {code: installed().exclusions(code) for code in ("term_aid", "short_training")} == {
        "term_aid": {}, "short_training": {},
    }  # fmt: skip
    assert [[one.programme for one in programme.stacks] for programme in (AID, TRAINING)] == [
        ["tuition_waiver", "living_subsidy", "training_preference", "short_training"], ["term_aid"],
    ]  # fmt: skip
    # No course is aided twice: what is long enough for the one is too long for the other, in months and in days.
    short = COURSES.parameters({})
    assert (PARAMETERS.least_training_months, short.least_training_months, short.longest_days) == (12, 12, 364)


def test_a_refusal_says_by_how_much_and_an_award_from_what() -> None:
    fourth = replace(STUDENT, grade=4)
    found = TermAid.decide(fourth, PARAMETERS)
    explainer = Explainer(TermAid, PARAMETERS, AID.titles())
    assert explainer.summary(found).zh == "不符合条件,未满足:职业学校学生所在年级在补助年级之内"
    assert [(miss.what.zh, miss.by) for miss in explainer.misses("grade_is_covered", fourth, found.values)] == [
        ("年级", 1)
    ]
    spring = replace(STUDENT, term=SchoolTerm.SPRING)
    found = TermAid.decide(spring, PARAMETERS)
    lines = {line.name: line for line in explainer.lines(spring, found)}
    assert [text.zh for text in lines["award"].arithmetic] == [
        "秋季学期补助标准 700.00 元 + 春季学期补助标准 800.00 元 = 1,500.00 元",
        "因 已经春季学期复核,两学期均计 是 → 1,500.00 元",
        "1,500.00 元,四舍五入到分 → 1,500.00 元",
    ]


# --- the book of the later generation --------------------------------------------------------------------------------


def readme_document() -> dict[str, Any]:
    """The county's own document that the README shows."""
    (block,) = re.findall(r"```toml\n(.+?)```", (HERE / "README.md").read_text("utf-8"), re.DOTALL)
    return tomllib.loads(block)


def test_a_county_moves_by_its_own_document_alone() -> None:
    moved = AID.read_provision(readme_document(), "own")
    before, after = (AID.period.period(key).reference_day for key in ("2014-2015", "2015-2016"))
    assert {AID.book(day).book.rules for day in (before, after, date(2099, 9, 1))} == {TermAid}
    assert (AID.book(before, [moved]).book.rules, AID.book(before, [moved]).by) == (TermAid, None)
    assert (AID.book(after, [moved]).book.rules, AID.book(after, [moved]).by) == (LaterGeneration, moved)
    resolved = AID.policy.resolve(after, [moved])
    assert [resolved[name].value for name in ("amount_autumn", "amount_spring")] == [150_000, 150_000]
    resolved = AID.policy.resolve(before, [moved])
    assert [resolved[name].value for name in ("amount_autumn", "amount_spring")] == [70_000, 80_000]


@pytest.mark.parametrize(
    ("period", "book"), [("2014-2015", LATER), ("2011-2012", LATER), ("2015-2016", date(2015, 9, 2))]
)
def test_examples_cannot_have_a_book_that_the_county_could_not_move_to(period: str, book: date) -> None:
    with pytest.raises(Refused) as refused:
        PILOT.of({"period": period, "book": book})
    assert [problem.code for problem in refused.value.problems] == [Code.BOOK_NOT_ADOPTABLE]


def test_a_case_has_a_period_and_a_book_of_its_own() -> None:
    assert (PILOT.book, LATER_ON.book) == (TermAid, LaterGeneration)
    own = PILOT.of({"period": "2020-2021", "book": LATER})
    assert (own.book, own.period.key, PILOT.period.key) == (LaterGeneration, "2020-2021", "2011-2012")
    assert PILOT.of({"period": "2020-2021"}).book is TermAid
    assert PILOT.of({}) is PILOT


# --- conformance -----------------------------------------------------------------------------------------------------


def test_the_plugin_is_sound_in_a_process_of_its_own() -> None:
    look = look_at("yulu")
    assert [one for one in look.found if one.faults] == []
    assert (look.brought, look.not_loaded, look.ended, look.sound) == (("term_aid", "short_training"), None, None, True)


def faults_of(programme: Programme) -> dict[Check, tuple[str, ...]]:
    return {one.check: one.faults for one in examine(programme) if one.faults}


def test_the_kit_looks_at_every_book() -> None:
    counted = {one.check: one.note for one in examine(AID)}
    cases = tomllib.loads((HERE / "term_aid" / "cases.toml").read_text("utf-8"))["case"]
    assert sum(case.get("book") == LATER for case in cases) == 9
    assert counted[Check.CASES] == f"{len(cases)} cases"
    assert counted[Check.PARITY] == f"{2 * 3 * 400} generated households"


class AutumnAlone(LaterGeneration):
    """A later book that forgets the spring term."""

    @amount(cites="yulu-later#二", rounds=Rounding.HALF_UP)
    def award(self) -> int:
        """The aid of the student for the autumn term.
        该生秋季学期补助金额。
        """
        return choose(self.is_for_both_terms, self.p.amount_autumn, self.p.amount_autumn)


def test_a_fault_of_the_second_book_alone_is_found() -> None:
    first, _ = AID.books
    faults = faults_of(replace(AID, books=(first, DatedBook(LATER, AutumnAlone, adopted=True)), released={}))
    assert faults == {
        Check.CASES: (
            "later: 3000 for the school year: award is '1500.00', not '3000.00'; payable is '1500.00', not '3000.00'",
            "later: the third grade of a secondary school, on an internship: payable is '1500.00', not '3000.00'",
        )
    }


def test_a_book_that_no_case_reaches_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (HERE / "term_aid" / "cases.toml").read_text("utf-8")
    first = tmp_path / "cases.toml"
    first.write_text(text[: text.index("# --- the later generation")], encoding="utf-8")
    monkeypatch.setattr("bangfu.conformance.kit.cases_file", lambda programme: first)
    assert faults_of(AID) == {Check.CASES: ("no case is decided by the book of 2015-09-01",)}
