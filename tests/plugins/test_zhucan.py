"""残疾人两项补贴 through the real plugin: both subsidies against oracles of their own, their numbers, stages and clauses."""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import zhucan
from bangfu.calendar import DayUnit, Period, WorkingDays
from bangfu.conformance import Examples, on_columns
from bangfu.conformance.child import look_at
from bangfu.errors import Code, Problem, Refused
from bangfu.policy import build
from bangfu.process import (
    Act,
    Begins,
    CountedOn,
    Duty,
    Monthly,
    Move,
    Notice,
    Proceedings,
    RestCause,
    View,
)
from bangfu.programme import (
    CIRCUMSTANCE_FACTS,
    CIRCUMSTANCES,
    Beneficiary,
    ClauseState,
    Programme,
    check,
    clauses_of,
    installed,
)
from bangfu.rules import AsOf, Circumstance, Outcome, RuleBook, Sensitivity
from bangfu.rules.explain import Explainer
from bangfu.text import Text
from zhucan.care.rules import CareSubsidy
from zhucan.care.rules import Facts as CareFacts
from zhucan.living.rules import Facts as LivingFacts
from zhucan.living.rules import LivingSubsidy

LIVING = installed().programme("disability_living")
CARE = installed().programme("disability_care")
HERE = Path(zhucan.__file__).parent
ON_LIVING = Examples({"programme": "disability_living", "period": "2019"})
ON_CARE = Examples({"programme": "disability_care", "period": "2019"})

POOR = LivingFacts(
    certified=True, generation=2, dead=False, moved_away=False, in_custody=False, on_minimum_living=True
)  # fmt: skip
SEVERE = CareFacts(certified=True, generation=2, dead=False, moved_away=False, in_custody=False, level=1)
both = pytest.mark.parametrize("programme", [LIVING, CARE], ids=lambda programme: programme.code)
each = pytest.mark.parametrize("examples", [ON_LIVING, ON_CARE], ids=lambda examples: examples.programme.code)


def paid(book: type[RuleBook[Any, Any]], facts: Any, parameters: Any) -> int:
    """What somebody is due for a month, on which both engines agree."""
    found = book.decide(facts, parameters)
    assert on_columns(book, [facts], parameters) == [found]
    return found.payable


# --- a month, against plain Python --------------------------------------------------------------------------------

TRUTHS = (True, False)
WHOSE: list[dict[str, Any]] = [
    dict(zip(("certified", "generation", "dead", "moved_away", "in_custody"), own, strict=True))
    for own in itertools.product(TRUTHS, (1, 2, 3), TRUTHS, TRUTHS, TRUTHS)
]


def is_there(own: dict[str, Any], custody: bool, moved: bool) -> bool:
    """Whether somebody with such a certificate is paid at all, as the text reads: alive, here and free."""
    gone = own["dead"] or (own["moved_away"] and moved) or (own["in_custody"] and custody)
    return own["certified"] and own["generation"] in (2, 3) and not gone


@pytest.mark.parametrize(("custody", "moved"), list(itertools.product(TRUTHS, TRUTHS)))
@pytest.mark.parametrize("asked", TRUTHS)
@pytest.mark.parametrize(("period", "rate"), [("2018", 8_000), ("2019", 9_000), ("2030", 9_000)])
def test_the_living_subsidy_is_paid_as_the_text_reads(
    period: str, rate: int, asked: bool, custody: bool, moved: bool
) -> None:
    examples = ON_LIVING.of({"period": period})
    settings = {"requires_minimum_living": asked, "excludes_custody": custody, "excludes_moved_away": moved}
    parameters = examples.parameters(settings)
    rows = [(own, poor) for own in WHOSE for poor in TRUTHS]
    persons = [LivingFacts(**own, on_minimum_living=poor) for own, poor in rows]
    found = [LivingSubsidy.decide(person, parameters) for person in persons]
    assert on_columns(LivingSubsidy, persons, parameters) == found
    due = [is_there(own, custody, moved) and (poor or not asked) for own, poor in rows]
    assert [one.outcome is Outcome.ELIGIBLE for one in found] == due
    assert [one.payable for one in found] == [rate if one else 0 for one in due]
    # Of two generations, and of whoever custody, a move and the guarantee do not shut out.
    assert sum(due) == 2 * (1 if custody else 2) * (1 if moved else 2) * (1 if asked else 2)


@pytest.mark.parametrize(("custody", "moved"), list(itertools.product(TRUTHS, TRUTHS)))
@pytest.mark.parametrize("period", ["2018", "2019", "2030"])
def test_the_care_subsidy_is_paid_as_the_text_reads(period: str, custody: bool, moved: bool) -> None:
    examples = ON_CARE.of({"period": period})
    parameters = examples.parameters({"excludes_custody": custody, "excludes_moved_away": moved})
    rows = [(own, level) for own in WHOSE for level in (1, 2, 3, 4)]
    persons = [CareFacts(**own, level=level) for own, level in rows]
    found = [CareSubsidy.decide(person, parameters) for person in persons]
    assert on_columns(CareSubsidy, persons, parameters) == found
    due = [{1: 10_000, 2: 7_000}.get(level, 0) if is_there(own, custody, moved) else 0 for own, level in rows]
    assert [one.payable for one in found] == due
    assert [one.outcome is Outcome.ELIGIBLE for one in found] == [fen > 0 for fen in due]
    assert sum(due) == 2 * (1 if custody else 2) * (1 if moved else 2) * 17_000


def test_the_rates_are_those_that_the_totals_come_to() -> None:
    """457,600 yuan for 5,720 months of 2018 and 325,710 for 3,619 of 2019 (001:158), and no fen is left over."""
    for period, total, months in (("2018", 45_760_000, 5_720), ("2019", 32_571_000, 3_619)):
        parameters = ON_LIVING.of({"period": period}).parameters({})
        assert months * paid(LivingSubsidy, POOR, parameters) == total


def test_the_rates_of_the_care_subsidy_make_up_its_totals() -> None:
    """702,080 yuan for 8,429 months of 2018 and 552,140 for 6,644 of 2019 are whole months of both levels (001:158)."""
    of_the_first = {}
    for period, total, months in (("2018", 70_208_000, 8_429), ("2019", 55_214_000, 6_644)):
        parameters = ON_CARE.of({"period": period}).parameters({})
        first, second = (paid(CareSubsidy, replace(SEVERE, level=level), parameters) for level in (1, 2))
        of_the_first[period] = divmod(total - second * months, first - second)
    assert of_the_first == {"2018": (3_735, 0), "2019": (2_902, 0)}


def test_who_meets_both_has_both() -> None:
    assert paid(LivingSubsidy, POOR, ON_LIVING.parameters({})) == 9_000
    assert paid(CareSubsidy, SEVERE, ON_CARE.parameters({})) == 10_000
    assert {code: installed().exclusions(code) for code in (LIVING.code, CARE.code)} == {LIVING.code: {}, CARE.code: {}}
    assert {programme.code: [one.programme for one in programme.stacks] for programme in (LIVING, CARE)} == {
        "disability_living": ["disability_care", "health_care_subsidy"],
        "disability_care": ["disability_living", "health_care_subsidy"],
    }
    # What is no programme of ours has a name of its own.
    assert all(
        (one.title is None) == (one.programme in (LIVING.code, CARE.code)) for one in LIVING.stacks + CARE.stacks
    )


@pytest.mark.parametrize(("examples", "known"), [(ON_LIVING, POOR), (ON_CARE, SEVERE)], ids=["living", "care"])
def test_what_is_not_known_is_never_met(examples: Examples, known: Any) -> None:
    book, parameters = examples.book, examples.parameters({})
    assert book.traced().used_facts == tuple(fact.name for fact in fields(known))
    for fact in fields(known):
        found = book.decide(replace(known, **{fact.name: None}), parameters)
        assert (found.outcome, found.payable, found.missing) == (Outcome.INCOMPLETE, 0, (fact.name,))


@pytest.mark.parametrize(("examples", "known"), [(ON_LIVING, POOR), (ON_CARE, SEVERE)], ids=["living", "care"])
def test_who_holds_no_certificate_is_refused_though_nothing_else_of_it_is_known(examples: Examples, known: Any) -> None:
    of_it = {name: None for name in ("generation", "level") if hasattr(known, name)}
    found = examples.book.decide(replace(known, certified=False, **of_it), examples.parameters({}))
    assert (found.outcome, found.unmet(examples.book)) == (Outcome.REFUSED, ("holds_a_certificate",))


# --- every number is a parameter ---------------------------------------------------------------------------------


def proceedings(examples: Examples, parameters: Any) -> Proceedings:
    return Proceedings(examples.programme.process, parameters, examples.period, WorkingDays())


def poor(**other: Any) -> Callable[[Any], Any]:
    return lambda p: paid(LivingSubsidy, replace(POOR, **other), p)


def severe(**other: Any) -> Callable[[Any], Any]:
    return lambda p: paid(CareSubsidy, replace(SEVERE, **other), p)


def said(name: str) -> Callable[[Any], Any]:
    """What the stage that pays reads of it."""
    return lambda p: getattr(p, getattr(LIVING.process[MONTHLY], name))


MONTHLY = "monthly_payment"
U, V, A = RestCause.UNREACHABLE, RestCause.UNVERIFIED, RestCause.ACCOUNT
OF_BOTH: dict[str, tuple[Any, Callable[[Any], Any], Any, Any]] = {
    "counted_on": ("last_day", said("counted_on"), CountedOn.FIRST_DAY, CountedOn.LAST_DAY),
    "begins": ("following", said("begins"), Begins.APPLICATION, Begins.FOLLOWING),
    "back_paid": (["unverified", "custody"], said("back_paid"), {U, V, A}, {V, RestCause.CUSTODY}),
    "recheck_months": (3, said("recheck_months"), 6, 3),
    "notice_days": (7, lambda p: proceedings(ON_LIVING, p).after("second_review"), MONTHLY, "notice"),
    "notice_unit": ("working", lambda p: p.notice_unit, DayUnit.CALENDAR, DayUnit.WORKING),
}  # fmt: skip
OF_LIVING: dict[str, tuple[Any, Callable[[Any], Any], Any, Any]] = {
    "living_rate": ("110.50", poor(), 9_000, 11_050),
    "requires_minimum_living": (False, poor(on_minimum_living=False), 0, 9_000),
    "excludes_custody": (False, poor(in_custody=True), 0, 9_000),
    "excludes_moved_away": (False, poor(moved_away=True), 0, 9_000),
}
OF_CARE: dict[str, tuple[Any, Callable[[Any], Any], Any, Any]] = {
    "rate_level1": ("120.00", severe(), 10_000, 12_000),
    "rate_level2": ("75.00", severe(level=2), 7_000, 7_500),
    "excludes_custody": (False, severe(in_custody=True), 0, 10_000),
    "excludes_moved_away": (False, severe(moved_away=True), 0, 10_000),
}
LOCKED = {
    "certificate_generation": 1, "first_reviewers": ["village_committee"], "second_reviewers": ["county_office"],
}  # fmt: skip
CARE_LOCKED = {**LOCKED, "last_level": 3}
ALL_EFFECTS = [
    *((ON_LIVING, name, *effect) for name, effect in {**OF_BOTH, **OF_LIVING}.items()),
    *((ON_CARE, name, *effect) for name, effect in {**OF_BOTH, **OF_CARE}.items()),
]
ALL_LOCKED = [
    *((ON_LIVING, name, value) for name, value in LOCKED.items()),
    *((ON_CARE, name, value) for name, value in CARE_LOCKED.items()),
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
def test_what_the_documents_fix_is_locked(examples: Examples, name: str, value: Any) -> None:
    with pytest.raises(Refused, match="PARAMETER_LOCKED"):
        examples.parameters({name: value})


@pytest.mark.parametrize(
    ("examples", "name", "value"),
    [
        (ON_LIVING, "living_rate", "89.99"),
        (ON_LIVING.of({"period": "2018"}), "living_rate", "79.99"),
        (ON_CARE, "rate_level1", "99.99"),
        (ON_CARE, "rate_level2", "69.99"),
        (ON_CARE, "recheck_months", 0),
        (ON_CARE, "recheck_months", 13),
        (ON_LIVING, "notice_days", 31),
    ],
)
def test_a_county_deviates_within_bounds_and_pays_never_less(examples: Examples, name: str, value: Any) -> None:
    with pytest.raises(Refused, match="PARAMETER_OUT_OF_RANGE"):
        examples.parameters({name: value})


def test_every_number_is_accounted_for() -> None:
    assert {*OF_BOTH, *OF_LIVING, *LOCKED} == set(LIVING.policy.parameters)
    assert {*OF_BOTH, *OF_CARE, *CARE_LOCKED} == set(CARE.policy.parameters)


def readme_document() -> dict[str, Any]:
    """The county's own document that the README shows."""
    (block,) = re.findall(r"```toml\n(.+?)```", (HERE / "README.md").read_text("utf-8"), re.DOTALL)
    return tomllib.loads(block)


def test_a_county_raises_the_rate_from_a_month_on() -> None:
    raised = LIVING.read_provision(readme_document(), "own")

    def rate(month: Period) -> int:
        return paid(LivingSubsidy, POOR, build(LIVING.parameters, LIVING.policy.resolve(month.reference_day, [raised])))

    year = LIVING.period.period("2021")
    assert [rate(year.month(number, 1)) for number in (1, 6, 7, 12)] == [9_000, 9_000, 10_000, 10_000]
    # Decided by the last day, a month in which it was raised is paid by the new rate all the same.
    assert [rate(year.month(number)) for number in (6, 7)] == [9_000, 10_000]


# --- the stages ---------------------------------------------------------------------------------------------------

VC, TC, DF, C, FM, F = (
    Duty.VILLAGE_COMMITTEE, Duty.TOWNSHIP_CLERK, Duty.DISABLED_FEDERATION, Duty.COUNTY_OFFICE, Duty.FUND_MANAGER,
    Duty.FINANCE,
)  # fmt: skip
DAY = date(2019, 3, 4)


def on(duty: Duty, officer: str = "officer", **more: Any) -> Act:
    return Act(DAY, DAY, officer, frozenset({duty}), **more)


def at(stage: str, **more: Any) -> View:
    own = {"planned_by": frozenset({"planner"}), "accounted": True, **more}
    return View(stage, date(2019, 3, 1), Text("甲村", "Jia"), poor_village=False, **own)


def code_of(found: Move | Problem) -> Code:
    assert isinstance(found, Problem)
    return found.code


@both
def test_the_stages_are_those_of_the_text(programme: Programme) -> None:
    assert [stage.code for stage in programme.process.stages] == [
        "application", "first_review", "second_review", "notice", MONTHLY,
    ]  # fmt: skip
    assert programme.process.accounts() == ("first_review",)
    stage = programme.process.monthly
    assert isinstance(stage, Monthly)
    assert (stage.maker, stage.checker, stage.releaser, stage.channel, stage.returns_to) == (
        C, FM, F, "yikatong", "first_review",
    )  # fmt: skip
    assert stage.rechecked_by == {TC, DF}
    assert stage.stopped_by == {TC, DF, C}


@each
def test_a_case_goes_from_village_to_township_to_federation_to_the_money(examples: Examples) -> None:
    plain, posting = (proceedings(examples, examples.parameters(own)) for own in ({}, {"notice_days": 7}))
    assert plain.plan(on(VC, "planner")) == Move("first_review", VC)
    assert code_of(plain.plan(on(TC, "planner"))) is Code.NOT_YOUR_DUTY
    assert {duty: plain.account(at("first_review"), on(duty)) for duty in (TC, DF)} == {
        TC: Move("first_review", TC), DF: Move("first_review", DF),
    }  # fmt: skip
    assert code_of(plain.account(at("first_review"), on(C))) is Code.NOT_YOUR_DUTY
    assert plain.sign(at("first_review"), on(TC), "first_review") == Move("second_review", TC)
    # The federation may have it computed; the first signature is the township's all the same.
    assert code_of(plain.sign(at("first_review"), on(DF), "first_review")) is Code.NOT_YOUR_DUTY
    assert code_of(plain.sign(at("first_review", accounted=False), on(TC), "first_review")) is Code.NOT_DETERMINED
    assert code_of(plain.sign(at("first_review"), on(TC, "planner"), "first_review")) is Code.MAKER_VERIFIES_ALONE
    for by, following in ((plain, MONTHLY), (posting, "notice")):
        assert by.sign(at("second_review"), on(DF), "second_review") == Move(following, DF)
        assert code_of(by.sign(at("second_review"), on(TC), "second_review")) is Code.NOT_YOUR_DUTY
    assert posting.notice_days(DAY) == (DAY, date(2019, 3, 10))


def test_a_notice_tells_no_level_of_a_disability() -> None:
    for programme in (LIVING, CARE):
        assert programme.process.first(Notice).columns == ("address", "beneficiary")
    shown = {}
    for programme in (LIVING, CARE):
        notice, kept = programme.process.first(Notice), programme.policy.parameters
        values = {name: kept[name].kind.show(kept[name].entries[-1].value) for name in notice.standard.places()}
        shown[programme.code] = notice.standard.filled(**values).zh
    assert shown == {
        "disability_living": "每人每月90.00 元",
        "disability_care": "一级每人每月100.00 元,二级每人每月70.00 元",
    }


# --- declarations --------------------------------------------------------------------------------------------------


BROUGHT = ("disability_living", "disability_care", "disabled_bases", "disabled_services")


def test_the_plugin_brings_two_programmes_for_persons() -> None:
    assert zhucan.programmes()[:2] == [LIVING, CARE]
    assert installed().brought["zhucan"] == BROUGHT
    assert {code for code in BROUGHT if code in installed().programmes} == {"disability_living", "disability_care"}
    assert {programme.beneficiary for programme in (LIVING, CARE)} == {Beneficiary.PERSON}
    assert LIVING.once_per_period
    assert CARE.once_per_period


@both
def test_a_declaration_fits(programme: Programme) -> None:
    check(programme, {"yikatong"})
    assert programme.released == {book.since: book.rules.traced().version for book in programme.books}
    assert [book.since for book in programme.books] == [date(2018, 1, 1)]
    assert programme.period.period("2019").reference_day == date(2019, 1, 1)


def test_the_facts_come_from_the_lists_of_offices_on_the_day_of_the_month() -> None:
    shared = {
        "certified": Circumstance("certificate"),
        "generation": Circumstance("certificate", "generation"),
        "dead": Circumstance("death"),
        "moved_away": Circumstance("moved_away"),
        "in_custody": Circumstance("custody"),
    }
    assert {name: spec.source for name, spec in LIVING.specs().items()} == {
        **shared, "on_minimum_living": Circumstance("minimum_living"),
    }  # fmt: skip
    assert {name: spec.source for name, spec in CARE.specs().items()} == {
        **shared, "level": Circumstance("certificate", "level"),
    }  # fmt: skip
    for programme in (LIVING, CARE):
        assert programme.stated() == {}
        sources = [spec.source for spec in programme.specs().values()]
        assert {source.on for source in sources if isinstance(source, Circumstance)} == {AsOf.MONTH}
    # Between them they look at everything that the register knows.
    read = {
        (source.kind, source.attribute)
        for programme in (LIVING, CARE)
        for source in (spec.source for spec in programme.specs().values())
        if isinstance(source, Circumstance)
    }
    assert read == {(kind, attribute) for kind, known in CIRCUMSTANCE_FACTS.items() for attribute in known}
    assert set(CIRCUMSTANCES) == {"certificate", "minimum_living", "death", "custody", "moved_away"}


def test_health_and_custody_are_sensitive() -> None:
    told = {name: spec.sensitivity for programme in (LIVING, CARE) for name, spec in programme.specs().items()}
    sensitive = {name for name, sensitivity in told.items() if sensitivity is Sensitivity.SENSITIVE}
    assert sensitive == {"certified", "generation", "level", "in_custody"}
    assert {told[name] for name in told.keys() - sensitive} == {Sensitivity.PERSONAL}


DONE, PART, OUT = ClauseState.CARRIED_OUT, ClauseState.IN_PART, ClauseState.LEFT_OUT
CLAUSES = {
    ("shebao-2019", "一(三)"): DONE, ("canlian-2020", "一(四)"): PART, ("canlian-2020", "二(三)"): OUT,
    ("tuopin-2020", "7"): PART, ("gongjian-city", "三(七)3"): PART,
}  # fmt: skip
"""Every clause of the documents in its order, and how far it is carried out."""


@both
def test_every_clause_of_the_documents_is_answered(programme: Programme) -> None:
    told = clauses_of(programme)
    assert {(one.document, one.clause): one.state for one in told} == CLAUSES
    assert [(one.document, one.clause) for one in told] == list(CLAUSES)


def test_the_care_service_is_left_out_with_its_reason() -> None:
    (clause,) = (one for one in clauses_of(CARE) if one.document == "tuopin-2020")
    assert clause.left_out is not None
    assert clause.left_out.zh.startswith("“条件许可下为16岁以上有照顾护理需求的贫困重度残疾人提供照护和托养服务”")


@both
def test_where_the_source_is_silent_the_reading_is_said(programme: Programme) -> None:
    told = {name for name, parameter in programme.policy.parameters.items() if parameter.reading}
    # Only who reviews a second time is printed in so many words.
    assert set(programme.policy.parameters) - told == {"second_reviewers"}


def test_a_refusal_says_by_how_much_and_an_award_from_what() -> None:
    third, parameters = replace(SEVERE, level=3), ON_CARE.parameters({})
    found = CareSubsidy.decide(third, parameters)
    explainer = Explainer(CareSubsidy, parameters, CARE.titles())
    assert explainer.summary(found).zh == "不符合条件,未满足:残疾等级为一级或二级"
    assert [(miss.what.zh, miss.by) for miss in explainer.misses("is_severely_disabled", third, found.values)] == [
        ("残疾等级", 1)
    ]
    second = replace(SEVERE, level=2)
    found = CareSubsidy.decide(second, parameters)
    lines = {line.name: line for line in explainer.lines(second, found)}
    assert [text.zh for text in lines["award"].arithmetic] == [
        "因不满足 残疾等级为一级 否 → 70.00 元",
        "70.00 元,四舍五入到分 → 70.00 元",
    ]


def test_the_plugin_is_sound_in_a_process_of_its_own() -> None:
    look = look_at("zhucan")
    assert [one for one in look.found if one.faults] == []
    assert (look.brought, look.not_loaded, look.ended, look.sound) == (BROUGHT, None, None, True)
    assert look.decide == ("disability_living", "disability_care")
    assert {one.programme for one in look.found} == set(look.decide)
