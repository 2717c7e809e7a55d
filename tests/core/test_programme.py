"""What a plugin declares, and what is refused of it by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from enum import StrEnum
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType, ModuleType
from typing import Any, cast

import pytest

from bangfu.calendar import DayUnit, SchoolYear
from bangfu.errors import Refused
from bangfu.policy import Document, Fen, MonthDay, Policy, PolicyError, Window
from bangfu.process import Duty, Notice, Pay, Process, RestCause, Sample, Verify
from bangfu.programme import (
    CIRCUMSTANCE_FACTS,
    EDUCATION_LEVELS,
    GROUP,
    INCOME_CATEGORIES,
    NOTICE_COLUMNS,
    SCHOOLING_COLUMNS,
    SCHOOLING_FACTS,
    Beneficiary,
    ClaimOf,
    ClaimSpec,
    ClauseState,
    DatedBook,
    Exclusion,
    Milestone,
    PaymentChannel,
    Plugins,
    Programme,
    Role,
    Span,
    Stacks,
    answered,
    check,
    check_together,
    citations,
    clauses_of,
    hookimpl,
    installed,
    load,
    released,
    unanswered,
)
from bangfu.rules import (
    ALL,
    Age,
    AsOf,
    AtStage,
    Circumstance,
    Count,
    DaysFrom,
    Income,
    InPeriod,
    Measure,
    NetStablePerPerson,
    Registry,
    Rounding,
    RuleBook,
    SameVillage,
    Schooling,
    Sensitivity,
    Signed,
    StandingIn,
    Stated,
    TrainingMonths,
    Vouched,
    When,
    Year,
    amount,
    choose,
    fact,
)
from bangfu.text import Text

BUNDLED = next(point for point in entry_points(group=GROUP) if point.name == "county_default")
AWARD = installed().programme("consolidation")
CARD = installed().channels["yikatong"]
SINCE = AWARD.books[0].since
AWARDS = ["consolidation", "planned_exit", "five_star", "leading"]
OURS = [*AWARDS, "term_aid", "short_training", "disability_living", "disability_care"]


@dataclass
class Point:
    """An entry point of another distribution, or of ours if it is bundled."""

    name: str
    plugin: Any
    bundled: bool = False

    @property
    def dist(self) -> Any:
        return BUNDLED.dist if self.bundled else None

    def load(self) -> Any:
        if isinstance(self.plugin, Exception):
            raise self.plugin
        return self.plugin


def plugin(optional: bool = False, **hooks: Any) -> ModuleType:
    """A plugin with such hooks, each returning such a value."""
    made = ModuleType("plugin")
    for name, value in hooks.items():
        setattr(made, name, hookimpl(optionalhook=optional)(lambda value=value: value() if callable(value) else value))
    return made


def loaded(*points: Point) -> Plugins:
    """What comes of the bundled awards beside others."""
    return load(cast(list[EntryPoint], [*points, BUNDLED]))


def staged(kind: type, **changes: Any) -> Programme:
    """The award with one stage changed."""
    stages = list(AWARD.process.stages)
    place = next(number for number, stage in enumerate(stages) if isinstance(stage, kind))
    stages[place] = replace(stages[place], **changes)
    return replace(AWARD, process=Process(tuple(stages)))


THIRD = replace(AWARD, code="third")
CASH = PaymentChannel("cash", Text("现金", "cash"), (("amount", "金额"),))


# --- loading --------------------------------------------------------------------------------------------------


def test_the_bundled_programmes_come_in_by_the_common_door() -> None:
    found = load()
    assert list(found.programmes) == OURS
    assert (list(found.channels), found.skipped) == (["yikatong"], {})


def test_a_third_party_plugin_brings_programmes_and_channels() -> None:
    found = loaded(Point("third", plugin(programmes=[THIRD], payment_channels=[CASH])))
    assert (list(found.programmes), list(found.channels)) == ([*AWARDS, "third"], ["yikatong", "cash"])
    assert found.skipped == {}


def test_hooks_are_optional_and_those_of_others_may_be() -> None:
    api = plugin(optional=True, graphql_contributions=[])
    assert loaded(Point("empty", plugin()), Point("api", api)).skipped == {}


NO_CHANNEL = replace(staged(Pay, channel="gold"), code="third")
FAULTY: dict[str, tuple[Any, str]] = {
    "does not import": (ImportError("no module named nowhere"), "no module named nowhere"),
    "fails": (plugin(programmes=lambda: 1 // 0), "division"),
    "misspells a hook": (plugin(programme=[THIRD]), "unknown hook 'programme'"),
    "returns text": (plugin(programmes=["consolidation"]), "programmes of faulty returned str, not Programme"),
    "returns a programme as a channel": (plugin(payment_channels=[THIRD]), "returned Programme, not PaymentChannel"),
    "returns one instead of a list": (plugin(programmes=THIRD), "'Programme' object is not iterable"),
    "takes a programme's code": (plugin(programmes=[AWARD]), "the programme consolidation exists already"),
    "takes a channel's code": (plugin(payment_channels=[CARD]), "the channel yikatong exists already"),
    "brings a programme twice": (plugin(programmes=[THIRD, THIRD]), "the programme third exists already"),
    "brings a channel twice": (plugin(payment_channels=[CASH, CASH]), "the channel cash exists already"),
    "contradicts itself": (plugin(programmes=[NO_CHANNEL]), "third: stage payment: there is no payment channel gold"),
}


@pytest.mark.parametrize(("faulty", "said"), FAULTY.values(), ids=FAULTY)
def test_a_third_party_plugin_that_is_broken_is_reported_and_skipped(faulty: Any, said: str) -> None:
    good = Point("zz-good", plugin(programmes=[replace(AWARD, code="fourth")]))
    found = loaded(Point("faulty", faulty), good)
    assert list(found.programmes) == [*AWARDS, "fourth"]
    assert list(found.channels) == ["yikatong"]
    assert list(found.skipped) == ["faulty"]
    assert said in found.skipped["faulty"]


@pytest.mark.parametrize(("faulty", "said"), FAULTY.values(), ids=FAULTY)
def test_a_bundled_plugin_that_is_broken_is_fatal(faulty: Any, said: str) -> None:
    with pytest.raises(PolicyError) as error:
        loaded(Point("faulty", faulty, bundled=True))
    assert str(error.value).startswith("the bundled plugin faulty cannot be loaded: ")
    assert said in str(error.value)


def test_a_plugin_of_a_name_that_is_taken_is_skipped() -> None:
    found = loaded(Point("county_default", plugin(programmes=[THIRD])))
    assert (list(found.programmes), list(found.skipped)) == (AWARDS, ["county_default"])


def test_bundled_plugins_come_first_so_that_no_other_takes_their_codes() -> None:
    found = loaded(Point("a-first-by-name", plugin(programmes=[AWARD])))
    assert found.programmes["consolidation"].policy.documents == AWARD.policy.documents
    assert list(found.skipped) == ["a-first-by-name"]


def test_an_unknown_programme_is_refused_with_those_there_are() -> None:
    with pytest.raises(Refused) as refused:
        installed().programme("nothing")
    (problem,) = refused.value.problems
    assert str(problem) == ("PROGRAMME_UNKNOWN at programme: 没有项目 nothing / There is no programme nothing.")
    assert problem.remedy.en == f"Programmes there are: {', '.join(OURS)}."


# --- what a declaration must hold -----------------------------------------------------------------------------


def policed(**changes: Any) -> Programme:
    """The award with its document changed."""
    document = AWARD.policy.documents["fenjin-2021"]
    return replace(AWARD, policy=replace(AWARD.policy, documents={document.code: replace(document, **changes)}))


@dataclass(frozen=True, kw_only=True)
class Other:
    """Facts that do not exist."""

    phone: int = fact(Registry("telephone"), zh="电话", en="telephone", largest=5)
    fishing: Fen = fact(Income("fishing", "income_window"), zh="捕鱼", en="fishing")
    herbs: Fen = fact(Income("planting", "cap"), zh="药", en="herbs")
    plan: int = fact(Stated(), zh="计划", en="plan", sensitivity=Sensitivity.PERSONAL, largest=5)
    pigs: int = fact(Stated(), zh="猪", en="pigs", sensitivity=Sensitivity.PUBLIC, largest=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking(AWARD.facts):  # type: ignore[misc, name-defined]
    """The facts of the award, and one that is stated."""

    wish: bool = fact(Stated(), zh="愿望", en="wish")


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking(AWARD.facts):  # type: ignore[misc, name-defined]
    """The facts of the award, and one of the register."""

    left_in: Year = fact(Registry("exit_year", AsOf.CHECK), zh="核算时脱贫年度", en="year of leaving, as known then")


@dataclass(frozen=True, kw_only=True)
class OtherParameters:
    """Parameters beside them."""

    income_window: Window
    cap: Fen
    days: int
    unit: DayUnit
    due: MonthDay


class OtherBook(RuleBook[Other, OtherParameters]):
    """Reads them all."""

    @amount(cites="fenjin-2021#二(二)3", rounds=Rounding.DOWN)
    def award(self) -> int:
        """The award.
        奖补。"""
        return (self.facts.fishing + self.facts.herbs) * self.facts.phone * self.facts.plan


CLAUSES = AWARD.policy.documents["fenjin-2021"].clauses
REASONS = AWARD.policy.documents["fenjin-2021"].left_out
TYPE = "is not a parameter of the type"
SURVEY = Milestone(
    code="survey", title=Text("摸底", "survey"), cites=("fenjin-2021#二(二)3",), opens="plan_deadline",
    closes="in_place_deadline",
)  # fmt: skip


def timed(**changes: Any) -> Programme:
    """The award with a time that is no stage."""
    return replace(AWARD, milestones=(replace(SURVEY, **changes),))


# fmt: off
BAD: dict[str, tuple[Programme, str]] = {
    "a released book that changed": (replace(AWARD, released={SINCE: "0"}), "book of 2020-10-01 has changed"),
    "a released book that is gone": (replace(AWARD, released={date(2019, 1, 1): "0"}), "book of 2019-01-01 is gone"),
    "two books of one day": (replace(AWARD, books=AWARD.books * 2), "there is one book a day, and at least one"),
    "no book": (replace(AWARD, books=()), "there is one book a day, and at least one"),
    "a book over other facts": (replace(AWARD, facts=Other), "Consolidation is not written over the programme's Facts"),
    "a later fact that every applicant would be asked for": (
        replace(AWARD, facts=Asking),
        "wish is stated by the applicant, and Consolidation does not know it; a later book adds no such fact",
    ),
    "a book over other parameters": (replace(AWARD, parameters=OtherParameters), "is not written over"),
    "a clause that nobody answers": (policed(clauses={**CLAUSES, "九": "新"}), "fenjin-2021#九 is neither carried"),
    "a clause no longer left out": (policed(left_out={}), "clause fenjin-2021#三1 is neither carried out"),
    "a book that cites no clause": (
        policed(clauses={clause: title for clause, title in CLAUSES.items() if clause != "二(二)2"}),
        "criterion undertakes_a_small_trade, parameter project_kinds cites fenjin-2021#二(二)2, which no",
    ),
    "a stage that cites no clause": (staged(Notice, cites=("law#1",)), "stage notice cites law#1, which no document"),
    "a notice of identity numbers": (staged(Notice, columns=("identity",)), "a notice cannot show identity"),
    "a notice of a gathered fact": (staged(Notice, project="breeding"), "breeding is not a public fact that the"),
    "a notice of no fact": (staged(Notice, project="nothing"), "nothing is not a public fact that the applicant"),
    "a standard without its number": (staged(Notice, standard=Text("{x}", "{x}")), "names x, which is no parameter"),
    "a notice of unknown length": (staged(Notice, days="weeks"), f"stage notice: weeks {TYPE}"),
    "a notice in numbers": (staged(Notice, unit="notice_days"), f"stage notice: notice_days {TYPE}"),
    "a deadline that is none": (staged(Verify, deadline="never"), f"stage in_place: never {TYPE}"),
    "a deadline in money": (staged(Verify, deadline="household_cap"), f"stage in_place: household_cap {TYPE}"),
    "grace in days of the year": (staged(Verify, grace="plan_deadline"), f"stage in_place: plan_deadline {TYPE}"),
    "signers that are projects": (staged(Verify, signers="project_kinds"), f"stage in_place: project_kinds {TYPE}"),
    "an unknown stand-in": (staged(Verify, substitute="notice_unit"), f"stage in_place: notice_unit {TYPE}"),
    "a sample in days": (staged(Sample, rate="notice_days"), f"stage sample: notice_days {TYPE}"),
    "a first day that is none": (staged(Verify, opens="never"), f"stage in_place: never {TYPE}"),
    "a first day in money": (staged(Pay, opens="household_cap"), f"stage payment: household_cap {TYPE}"),
    "a first day in days": (staged(Notice, opens="notice_days"), f"stage notice: notice_days {TYPE}"),
    "a school on the notice of a household": (
        staged(Notice, columns=("beneficiary", "school")), "stage notice: a household goes to no school",
    ),
    "a grade on the notice of a household": (staged(Notice, columns=("grade",)), "notice: a household goes to no school"),
    "a milestone that begins on no day": (timed(opens="never"), f"milestone survey: never {TYPE}"),
    "a milestone that ends in days": (timed(closes="notice_days"), f"milestone survey: notice_days {TYPE}"),
    "a milestone of no code": (timed(code="摸底"), "milestone '摸底' is not lower-case ASCII"),
    "a milestone that cites no clause": (timed(cites=("law#1",)), "milestone survey cites law#1, which no document"),
    "an unknown channel": (staged(Pay, channel="gold"), "stage payment: there is no payment channel gold"),
}
# fmt: on


@pytest.mark.parametrize(("programme", "said"), BAD.values(), ids=BAD)
def test_a_declaration_that_does_not_fit_is_refused(programme: Programme, said: str) -> None:
    with pytest.raises(PolicyError) as error:
        check(programme, {"yikatong"})
    assert str(error.value).startswith("consolidation: ")
    assert said in str(error.value)


def test_a_declaration_that_fits_is_not() -> None:
    check(AWARD, {"yikatong"})
    check(replace(AWARD, released={SINCE: AWARD.books[0].rules.traced().version}), {"yikatong", "cash"})
    check(replace(AWARD, books=(*AWARD.books, DatedBook(date(2022, 10, 1), AWARD.books[0].rules))), {"yikatong"})
    check(staged(Verify, opens="plan_deadline"), {"yikatong"})
    check(timed(), {"yikatong"})
    check(timed(years=1), {"yikatong"})
    check(staged(Notice, project=None), {"yikatong"})  # the programme itself is the project
    check(replace(staged(Notice, columns=(*NOTICE_COLUMNS,)), beneficiary=Beneficiary.PERSON), {"yikatong"})


def test_every_fault_is_named_at_once() -> None:
    document = Document("fenjin-2021", "方案", {"二(二)3": "标准"}, {}, {})
    faulty = replace(
        AWARD, facts=Other, parameters=OtherParameters, books=(DatedBook(SINCE, OtherBook),),
        policy=Policy({document.code: document}, {}),
    )  # fmt: skip
    with pytest.raises(PolicyError) as error:
        check(faulty, {"cash"})
    for said in (
        "fact phone: the registry has no telephone",
        "fact fishing: there is no income category fishing",
        "fact herbs: cap is not a Window parameter",
        "stage plan: plan_deadline is not a parameter of the type",
        "stage accounting: accounting_signers is not a parameter of the type",
        "stage sample: county_sample is not a parameter of the type",
        "stage notice: projects is not a public fact that the applicant states",
        "stage payment: there is no payment channel yikatong",
        "stage acceptance, stage sample, stage payment cites fenjin-2021#二(二)4, which no document lists",
    ):
        assert str(error.value).count(said) == 1
    faulty = replace(faulty, process=staged(Notice, project="plan").process)
    with pytest.raises(PolicyError, match="plan is not a public fact that the applicant states"):
        check(faulty, {"cash"})
    faulty = replace(faulty, process=staged(Notice, project="pigs").process)
    with pytest.raises(PolicyError, match="stage notice: pigs is no list of choices, which is what a notice shows"):
        check(faulty, {"cash"})


# --- who takes part, what can be had once, and what does not go together --------------------------------------


class Stages(StrEnum):
    """Stages, of which one does not account."""

    ACCOUNTING = "accounting"
    IN_PLACE = "in_place"


class Colour(StrEnum):
    """A list that has nothing to do with standings."""

    RED = "red"


@dataclass(frozen=True, kw_only=True)
class PartParameters:
    """What the facts below name."""

    window: Window
    least: Fen
    strict: bool
    unit: DayUnit
    days: int
    colours: frozenset[Colour]


LED = Role(
    code="led", title=Text("被带动户", "led"), cites="fenjin-2021#二(二)1", signs=True, vouched_by=Duty.LINKED_CADRE
)
SILENT = replace(LED, signs=False, vouched_by=None)
GOOD_PARTS = (
    SameVillage(unless=When("strict", False)),
    StandingIn(("poor", "exited")),
    NetStablePerPerson("window", "least"),
    Signed(unless=When("unit", DayUnit.WORKING)),
    Vouched(),
)


def counting(
    source: Any,
    kind: Any = int,
    roles: tuple[Role, ...] = (LED,),
    beside: Mapping[str, tuple[Any, Any]] = MappingProxyType({}),
    **changes: Any,
) -> list[str]:
    """The faults of a programme whose only fact has such a source, and others beside it (source and kind each)."""
    space: dict[str, Any] = {"__annotations__": {"one": kind}, "one": fact(source, zh="一", en="one")}
    for name, (other, other_kind) in beside.items():
        space["__annotations__"][name] = other_kind
        space[name] = fact(other, zh=name, en=name)
    facts: Any = dataclass(frozen=True, kw_only=True)(type("PartFacts", (), space))

    class Book(RuleBook[facts, PartParameters]):
        """Reads it."""

        @amount(cites="fenjin-2021#二(二)3", rounds=Rounding.DOWN)
        def award(self) -> int:
            """The award.
            奖补。"""
            return choose(self.facts.one == self.facts.one, self.p.least, 0)

    made = replace(
        AWARD, facts=facts, parameters=PartParameters, books=(DatedBook(SINCE, Book),), released={}, excludes=(),
        stacks=(), participants=roles, **changes,
    )  # fmt: skip
    with pytest.raises(PolicyError) as error:
        check(made, {"yikatong"})
    said = str(error.value).removeprefix("consolidation: ").split("; ")
    return [fault for fault in said if not fault.startswith(("stage ", "parameter ", "clause "))]


def test_facts_that_fit_have_no_fault() -> None:
    assert counting(Count("led", GOOD_PARTS)) == []
    assert counting(Income(ALL, "window", Measure.NET_STABLE), Fen) == []
    assert counting(Registry("members")) == []


class Level(StrEnum):
    """A level that the register knows, and one that it does not."""

    PRIMARY = "primary"
    NIGHT_SCHOOL = "night_school"


_made: Any = StrEnum
LEVELS = _made("LEVELS", {code.upper(): code for code in EDUCATION_LEVELS})
OF_PERSONS: dict[str, Any] = {"beneficiary": Beneficiary.PERSON}
DAY: Mapping[str, tuple[Any, Any]] = {"begun": (Stated(), date), "ended": (Stated(), date)}
KINDS: Mapping[str, Any] = {
    "enrolled": bool, "level": LEVELS, "grade": int, "months": int, "interning": bool, "in_county": bool,
    "proved": bool,
}  # fmt: skip


@pytest.mark.parametrize("attribute", SCHOOLING_FACTS)
def test_what_the_register_knows_of_schooling_is_known_of_a_person(attribute: str) -> None:
    assert counting(Schooling(attribute), KINDS[attribute], **OF_PERSONS) == []
    assert counting(Schooling(attribute, AsOf.PLAN), KINDS[attribute], **OF_PERSONS) == []
    assert counting(Schooling(attribute), KINDS[attribute]) == [NOT_KNOWN]


CIRCUMSTANCE_KINDS = {
    ("certificate", "holds"): bool, ("certificate", "level"): int, ("certificate", "generation"): int,
    ("minimum_living", "holds"): bool, ("death", "holds"): bool, ("custody", "holds"): bool,
    ("moved_away", "holds"): bool,
}  # fmt: skip


@pytest.mark.parametrize("on", AsOf)
@pytest.mark.parametrize(
    ("kind", "attribute"), [(kind, attribute) for kind, known in CIRCUMSTANCE_FACTS.items() for attribute in known]
)
def test_what_offices_keep_lists_of_is_known_of_a_person(kind: str, attribute: str, on: AsOf) -> None:
    known = CIRCUMSTANCE_KINDS[kind, attribute]
    assert counting(Circumstance(kind, attribute, on), known, **OF_PERSONS) == []
    assert counting(Circumstance(kind, attribute, on), known) == [NOT_KNOWN]


@pytest.mark.parametrize(
    ("source", "kind"),
    [(InPeriod("begun"), bool), (DaysFrom("begun", "ended"), int), (DaysFrom("ended", "ended"), int)],
)
def test_what_is_taken_from_days_is_known_of_households_too(source: Any, kind: Any) -> None:
    assert counting(source, kind, beside=DAY) == []
    assert counting(source, kind, beside=DAY, **OF_PERSONS) == []


@pytest.mark.parametrize("on", ["begun", *AsOf])
def test_an_age_is_known_on_a_stated_day_and_on_those_of_the_case(on: str | AsOf) -> None:
    assert counting(Age(on), beside=DAY, **OF_PERSONS) == []


MONTHLY = installed().programme("disability_living")


def monthly(**changes: Any) -> Programme:
    """What is paid every month, with the stage that pays changed."""
    *before, stage = MONTHLY.process.stages
    return replace(MONTHLY, process=Process((*before, replace(stage, **changes))))


@pytest.mark.parametrize(
    ("programme", "said"),
    [
        (monthly(counted_on="begins"), ["stage monthly_payment: begins is not a CountedOn parameter"]),
        (monthly(begins="counted_on"), ["stage monthly_payment: counted_on is not a Begins parameter"]),
        (
            monthly(back_paid="first_reviewers"),
            [f"stage monthly_payment: first_reviewers is not a {frozenset[RestCause].__name__} parameter"],
        ),
        (monthly(recheck_months="living_rate"), ["stage monthly_payment: living_rate is not a int parameter"]),
        (
            replace(MONTHLY, period=SchoolYear()),
            ["stage monthly_payment: what is paid by the month is divided by plan years"],
        ),
    ],
)
def test_what_is_paid_by_the_month_says_by_which_numbers(programme: Programme, said: list[str]) -> None:
    with pytest.raises(PolicyError) as error:
        check(programme, {"yikatong"})
    assert str(error.value).removeprefix("disability_living: ").split("; ") == said


def test_a_later_book_may_look_at_more_than_an_earlier_one() -> None:
    more = replace(AWARD, facts=Looking)
    check(more, {"yikatong"})
    assert set(more.specs()) - set(AWARD.specs()) == {"left_in"}
    # The hash of a book is that of what it looks at itself.
    assert (
        [book.rules.traced().version for book in more.books]
        == [book.rules.traced().version for book in AWARD.books]
        == list(AWARD.released.values())
    )
    assert more.stated() == AWARD.stated()


def test_who_something_is_for_has_two_names() -> None:
    assert [one.title_text for one in Beneficiary] == [Text("户", "household"), Text("个人", "person")]
    assert (AWARD.is_for_persons, replace(AWARD, beneficiary=Beneficiary.PERSON).is_for_persons) == (False, True)
    assert set(NOTICE_COLUMNS) > SCHOOLING_COLUMNS == {"school", "grade"}


NOT_KNOWN = "fact one: the programme is for households, of which this is not known"
CLAIM = ClaimSpec(kind="once", title=Text("一次", "once"), cites="fenjin-2021#二(二)3")
OF_LED = replace(CLAIM, per=ClaimOf.PARTICIPANT, role="led")
EXCLUDING = Exclusion(programme="other", why=Text("互斥", "apart"), cites="fenjin-2021#二(二)1")
SAME_PERSON = replace(EXCLUDING, same="person")
STACKING = Stacks(programme="other", why=Text("叠加", "together"), cites="fenjin-2021#二(二)1")
# fmt: off
PARTS: dict[str, tuple[list[str], list[str]]] = {
    "a stage that does not account": (counting(AtStage(), Stages), ["fact one: in_place is no stage that accounts"]),
    "a stage that accounts and is not named": (
        counting(AtStage(), Colour), ["fact one: red is no stage that accounts", "fact one: the stage accounting accounts and is not named"],
    ),
    "an income of no category": (counting(Income("fishing", "window"), Fen), ["fact one: there is no income category fishing"]),
    "a window in money": (counting(Income(ALL, "least"), Fen), ["fact one: least is not a Window parameter"]),
    "nobody in the role": (counting(Count("helper")), ["fact one: nobody takes part as helper"]),
    "no condition": (counting(Count("led", (LED,))), [f"fact one: {LED!r} is no condition"]),  # type: ignore[arg-type]
    "an unknown standing": (counting(Count("led", (StandingIn(("poor", "rich")),))), ["fact one: the register has no standing rich"]),
    "a list of something else": (counting(Count("led", (StandingIn("colours"),))), ["fact one: the register has no standing red"]),
    "a standing that is a number": (counting(Count("led", (StandingIn("days"),))), ["fact one: days is not a list parameter"]),
    "income by no window and no amount": (
        counting(Count("led", (NetStablePerPerson("least", "window"),))),
        ["fact one: least is not a Window parameter", "fact one: window is not a Fen parameter"],
    ),
    "who signs nothing": (counting(Count("led", (Signed(),)), roles=(SILENT,)), ["fact one: a household that takes part as led signs nothing"]),
    "nobody to vouch": (counting(Count("led", (Vouched(),)), roles=(SILENT,)), ["fact one: nobody vouches for a household that takes part as led"]),
    "a setting that is a number": (
        counting(Count("led", (SameVillage(unless=When("days", True)),))),
        ["fact one: days is not a parameter that is yes or no, or one of a list"],
    ),
    "a setting that does not exist": (
        counting(Count("led", (SameVillage(unless=When("no", True)),))),
        ["fact one: no is not a parameter that is yes or no, or one of a list"],
    ),
    "a setting of another list": (counting(Count("led", (Signed(unless=When("unit", Colour.RED)),))), ["fact one: unit is never <Colour.RED: 'red'>"]),
    "a setting of another type": (counting(Count("led", (Signed(unless=When("unit", True)),))), ["fact one: unit is never True"]),
    "a role twice": (counting(Count("led"), roles=(LED, LED)), ["role led stands twice"]),
    "a claim twice": (counting(Count("led"), claims=(CLAIM, CLAIM)), ["claim once stands twice"]),
    "a claim of nobody": (counting(Count("led"), claims=(replace(OF_LED, role="helper"),)), ["claim once: nobody takes part as helper"]),
    "a claim of no role": (counting(Count("led"), claims=(replace(OF_LED, role=None),)), ["claim once: nobody takes part as None"]),
    "a claim of two": (counting(Count("led"), claims=(replace(CLAIM, role="led"),)), ["claim once: the applicant has no role led"]),
    "a claim of a person": (
        counting(Count("led"), claims=(replace(CLAIM, per=ClaimOf.PERSON),)),
        ["claim once: the programme is for households, not for a person"],
    ),
    "a claim of a person in a role": (
        counting(Count("led"), claims=(replace(CLAIM, per=ClaimOf.PERSON, role="led"),), **OF_PERSONS),
        ["claim once: the applicant has no role led"],
    ),
    "a claim of a person that fits": (
        counting(Count("led"), claims=(replace(CLAIM, per=ClaimOf.PERSON),), **OF_PERSONS), [],
    ),
    "a claim of a person's household": (counting(Count("led"), claims=(CLAIM,), **OF_PERSONS), []),
    "the age of a household": (counting(Age(AsOf.PLAN)), [NOT_KNOWN]),
    "the age of a household on no day": (
        counting(Age("born")), [NOT_KNOWN, "fact one: born is not a day that the applicant states"],
    ),
    "a day that nobody states": (counting(Age("born"), **OF_PERSONS), ["fact one: born is not a day that the applicant states"]),
    "a day that is a number": (
        counting(Age("born"), beside={"born": (Stated(), int)}, **OF_PERSONS),
        ["fact one: born is not a day that the applicant states"],
    ),
    "a day called as one of the case": (
        counting(Age("check"), beside={"check": (Stated(), date)}, **OF_PERSONS),
        ["fact check: check is how a day of the case is called already"],
    ),
    "a day that is in the register": (
        counting(InPeriod("left"), bool, beside={"left": (Registry("exit_year"), Year)}),
        ["fact one: left is not a day that the applicant states"],
    ),
    "a day of the case, which is not stated": (
        counting(InPeriod("plan"), bool, beside=DAY), ["fact one: plan is not a day that the applicant states"],
    ),
    "a span without its days": (
        counting(DaysFrom("first", "last"), beside=DAY),
        [f"fact one: {name} is not a day that the applicant states" for name in ("first", "last")],
    ),
    "a training without its days": (
        counting(TrainingMonths("first", "ended"), beside=DAY, **OF_PERSONS),
        ["fact one: first is not a day that the applicant states"],
    ),
    "the training of a household": (counting(TrainingMonths("begun", "ended"), beside=DAY), [NOT_KNOWN]),
    "a circumstance of no kind": (
        counting(Circumstance("wealth"), bool, **OF_PERSONS), ["fact one: the register knows no holds of wealth"],
    ),
    "what no list says of it": (
        counting(Circumstance("custody", "level"), **OF_PERSONS), ["fact one: the register knows no level of custody"],
    ),
    "a circumstance of a household": (counting(Circumstance("custody"), bool), [NOT_KNOWN]),
    "what no list says of a household": (
        counting(Circumstance("wealth"), bool), [NOT_KNOWN, "fact one: the register knows no holds of wealth"],
    ),
    "a circumstance in numbers": (
        counting(Circumstance("custody"), **OF_PERSONS), ["fact one: holds is a truth, not a number"],
    ),
    "a level that is yes or no": (
        counting(Circumstance("certificate", "level"), bool, **OF_PERSONS), ["fact one: level is a number, not a truth"],
    ),
    "a span without its last day": (
        counting(DaysFrom("begun", "last"), beside=DAY), ["fact one: last is not a day that the applicant states"],
    ),
    "what the register does not know": (
        counting(Schooling("shoes"), **OF_PERSONS), ["fact one: the register knows no shoes of a person's schooling"],
    ),
    "what it does not know of a household": (
        counting(Schooling("shoes")), [NOT_KNOWN, "fact one: the register knows no shoes of a person's schooling"],
    ),
    "a grade that is yes or no": (
        counting(Schooling("grade"), bool, **OF_PERSONS), ["fact one: grade is a number, not a truth"],
    ),
    "a grade that is a year": (counting(Schooling("grade"), Year, **OF_PERSONS), ["fact one: grade is a number, not a year"]),
    "a roll that is a number": (counting(Schooling("enrolled"), **OF_PERSONS), ["fact one: enrolled is a truth, not a number"]),
    "a level in numbers": (counting(Schooling("level"), **OF_PERSONS), ["fact one: level is a choice, not a number"]),
    "other levels": (
        counting(Schooling("level"), Level, **OF_PERSONS),
        [
            said
            for code in (
                "higher_vocational", "junior_secondary", "night_school", "preschool", "secondary_vocational",
                "senior_secondary", "skills_training", "undergraduate",
            )
            for said in ("fact one: its choices are the levels that the register knows", f"{code} differs")
        ],
    ),
    "a claim with no switch": (
        counting(Count("led"), claims=(replace(CLAIM, unless=When("least", True)),)),
        ["claim once: least is not a parameter that is yes or no, or one of a list"],
    ),
}
# fmt: on


@pytest.mark.parametrize(("found", "said"), PARTS.values(), ids=PARTS)
def test_a_source_or_a_claim_that_does_not_fit_is_named(found: list[str], said: list[str]) -> None:
    assert found == said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"excludes": (EXCLUDING, EXCLUDING)}, "exclusion of other stands twice"),
        ({"stacks": (STACKING, STACKING)}, "stacking with other stands twice"),
        ({"excludes": (SAME_PERSON,)}, "exclusion of other: the programme is for households, not for a person"),
        ({"excludes": (replace(EXCLUDING, programme="consolidation"),)}, "exclusion of consolidation, which is the"),
        ({"stacks": (replace(STACKING, programme="consolidation"),)}, "stacking with consolidation, which is the"),
        ({"excludes": (replace(EXCLUDING, cites="law#1"),)}, "exclusion other cites law#1, which no document lists"),
        ({"claims": (replace(CLAIM, cites="law#1"),)}, "claim once cites law#1, which no document lists"),
        ({"participants": (replace(LED, cites="law#1"),)}, "role led cites law#1, which no document lists"),
    ],
)
def test_what_a_programme_says_of_others_is_held_against_itself(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(PolicyError, match=said):
        check(replace(AWARD, **changes), {"yikatong"})


def test_who_has_something_already_is_a_person_where_it_is_for_persons() -> None:
    for excluding in (EXCLUDING, SAME_PERSON):
        check(replace(AWARD, beneficiary=Beneficiary.PERSON, excludes=(excluding,)), {"yikatong"})


def test_two_programmes_do_not_say_the_opposite() -> None:
    one = replace(AWARD, code="one", excludes=(replace(EXCLUDING, programme="two"),), stacks=())
    two = replace(AWARD, code="two", excludes=(), stacks=(replace(STACKING, programme="one"),))
    check_together([one])  # of a programme that is not installed nothing is asked
    check_together([one, replace(two, stacks=())])
    both = replace(one, stacks=(replace(STACKING, programme="two"),))
    for programmes, said in (
        ((one, two), "one excludes two, and two says that they go together"),
        ((two, one), "one excludes two, and two says that they go together"),
        ((both, replace(two, stacks=())), "one excludes two, and one says that they go together"),
    ):
        with pytest.raises(PolicyError) as error:
            check_together(programmes)
        assert str(error.value) == said
    person = replace(one, beneficiary=Beneficiary.PERSON, excludes=(replace(SAME_PERSON, programme="two"),))
    with pytest.raises(PolicyError) as error:
        check_together((person, replace(two, stacks=())))
    assert str(error.value) == "one excludes two for the same person, and two is for households"
    check_together((person, replace(two, stacks=(), beneficiary=Beneficiary.PERSON)))
    found = loaded(Point("one", plugin(programmes=[one])), Point("two", plugin(programmes=[two])))
    assert list(found.programmes) == [*AWARDS, "one"]
    assert found.skipped == {"two": "PolicyError: one excludes two, and two says that they go together"}


def test_an_exclusion_holds_both_ways_and_only_among_what_is_installed() -> None:
    one = replace(AWARD, code="one", excludes=(EXCLUDING, replace(EXCLUDING, programme="leading")), stacks=())
    found = loaded(Point("one", plugin(programmes=[one])))
    assert found.exclusions("one") == {"leading": one.excludes[1]}
    assert found.exclusions("leading") == {"one": one.excludes[1]}
    assert found.exclusions("five_star") == {}
    own = found.exclusions("planned_exit")
    assert own == {"consolidation": found.programmes["planned_exit"].excludes[0]}
    assert (own["consolidation"].period, own["consolidation"].same) == (Span.YEAR, "household")


def cited_by(programme: Programme) -> dict[str, list[str]]:
    """What carries out each clause, by kind and code."""
    return {str(clause): [str(carrier) for carrier in found] for clause, found in citations(programme).items()}


def test_a_claim_and_a_role_carry_out_a_clause() -> None:
    cited = cited_by(replace(AWARD, participants=(LED,), claims=(CLAIM,), excludes=(EXCLUDING,), stacks=(STACKING,)))
    assert cited["fenjin-2021#二(二)1"][-3:] == ["role led", "exclusion other", "stacking other"]
    assert cited["fenjin-2021#二(二)3"][-1] == "claim once"
    assert "milestone survey" in cited_by(timed())["fenjin-2021#二(二)3"]


# --- what a programme tells of itself -------------------------------------------------------------------------


FIRST, SECOND = date(2020, 10, 1), date(2022, 10, 1)


@pytest.mark.parametrize(("day", "since"), [(FIRST, FIRST), (date(2022, 9, 30), FIRST), (SECOND, SECOND)])
@pytest.mark.parametrize("ordered", [lambda books: books, lambda books: books[::-1]], ids=["in order", "reversed"])
def test_the_book_of_a_day_is_the_latest_until_then(day: date, since: date, ordered: Callable[[Any], Any]) -> None:
    books = (*AWARD.books, DatedBook(SECOND, AWARD.books[0].rules))
    assert replace(AWARD, books=ordered(books)).book(day).book.since == since


def test_there_is_no_book_before_the_first() -> None:
    with pytest.raises(Refused, match="PERIOD_BAD at period"):
        AWARD.book(date(2020, 9, 30))


def test_only_stated_facts_are_inputs() -> None:
    assert list(AWARD.stated()) == ["projects"]
    assert set(AWARD.specs()) == {field.name for field in fields(AWARD.facts)}
    assert AWARD.titles()["household_cap"] == Text("每户奖补上限", "cap per household")


def test_a_clause_leads_to_what_carries_it_out() -> None:
    cited = cited_by(AWARD)
    assert cited["fenjin-2021#二(二)2"] == ["criterion undertakes_a_small_trade", "parameter project_kinds"]
    assert cited["fenjin-2021#四(三)"] == ["stage notice", "stage payment"]
    assert unanswered(policed(clauses={**CLAUSES, "九": "新"})) == ["fenjin-2021#九"]


def test_what_two_books_and_two_entries_carry_out_is_told_once() -> None:
    twice = replace(AWARD, books=(*AWARD.books, DatedBook(SECOND, AWARD.books[0].rules)))
    assert citations(twice) == citations(AWARD)


LATER = Text("明年起", "from next year on")


def test_a_clause_is_carried_out_in_part_left_out_or_missing() -> None:
    told = policed(
        clauses={"二(二)2": "内容", "四(三)": "资金", "二(二)3": "标准", "九": "新", "三1": "来源"},
        missing={"二(二)2": LATER, "九": LATER},
        left_out={"四(三)": LATER, "三1": LATER},
    )
    assert unanswered(told) == []
    assert {one.clause: one.state for one in clauses_of(told)} == {
        "二(二)2": ClauseState.IN_PART, "四(三)": ClauseState.IN_PART, "二(二)3": ClauseState.CARRIED_OUT,
        "九": ClauseState.MISSING, "三1": ClauseState.LEFT_OUT,
    }  # fmt: skip
    says = {one.clause: one.says for one in clauses_of(told)}
    assert says["二(二)2"] == Text(
        "条件:该户计划了至少一项五小产业到户项目;参数:五小产业;尚未落实:明年起",
        "criterion: The household has planned at least one of the five small trades. parameter: the five small trades. "
        "missing: from next year on",
    )
    assert says["三1"] == Text("不纳入:明年起", "left out: from next year on")


def test_clauses_stand_in_the_order_of_their_document() -> None:
    order = [
        "一", "二(一)1", "二(一)1甲", "二(一)2", "二(一)10", "二(二)", "二(十)", "二(十一)", "二(二十一)", "三1", "十", "第十二条(三)", "附件一",
    ]  # fmt: skip
    for mixed in (order, order[::-1], sorted(order)):
        told = policed(clauses=dict.fromkeys(mixed, "内容"), missing=dict.fromkeys(mixed, LATER))
        ((_, found),) = answered([told]).items()
        assert [one.clause for one in found] == order


def test_programmes_that_make_the_same_of_a_clause_answer_together() -> None:
    one = policed(clauses={"二(二)3": "标准", "九": "新"}, left_out={"九": LATER})
    other = replace(
        policed(clauses={"九": "新", "十": "末"}, left_out={"九": LATER}, missing={"十": LATER}), code="other"
    )
    third = replace(policed(clauses={"九": "新"}, missing={"九": LATER}), code="third")
    (found,) = answered([one, other, third]).values()
    assert [(clause.clause, clause.heading) for clause in found] == [("二(二)3", "标准"), ("九", "新"), ("十", "末")]
    assert [
        [([each.code for each in answer.programmes], answer.state) for answer in clause.answers] for clause in found
    ] == [
        [(["consolidation"], ClauseState.CARRIED_OUT)],
        [(["consolidation", "other"], ClauseState.LEFT_OUT), (["third"], ClauseState.MISSING)],
        [(["other"], ClauseState.MISSING)],
    ]


def test_released_hashes_are_read_by_day(tmp_path: Any) -> None:
    (tmp_path / "released.toml").write_text('# a comment\n"2020-10-01" = "abc"\n', encoding="utf-8")
    assert released(tmp_path / "released.toml") == {date(2020, 10, 1): "abc"}


def test_a_notice_can_never_show_an_identity() -> None:
    assert set(NOTICE_COLUMNS) == {
        "beneficiary", "project", "standard", "amount", "address", "standing", "school", "grade",
    }  # fmt: skip
    assert set(INCOME_CATEGORIES) == {"breeding", "planting", "labour", "self_employment"}
