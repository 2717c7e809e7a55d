"""Rule books: one text, two engines, an oracle that shares nothing with them, and everything a text may not do."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bangfu.cases.gather import raw_stated, typed
from bangfu.conformance import check_parity, generated, on_columns
from bangfu.errors import Code, Refused
from bangfu.policy import LARGEST_FEN, LARGEST_WHOLE, PolicyError, Tier
from bangfu.programme import installed
from bangfu.rules import (
    ALL as EVERY_CATEGORY,
)
from bangfu.rules import (
    Age,
    AsOf,
    AtStage,
    Circumstance,
    Count,
    DaysFrom,
    Determination,
    Fen,
    Income,
    InPeriod,
    Measure,
    NetStablePerPerson,
    Outcome,
    Rate,
    Registry,
    Rounding,
    RuleBook,
    RuleError,
    SameVillage,
    Schooling,
    Shares,
    Signed,
    StandingIn,
    Stated,
    Tiers,
    TrainingMonths,
    Vouched,
    When,
    Year,
    Years,
    among,
    amount,
    choose,
    columns,
    criterion,
    fact,
    greatest,
    least,
    lowest_tier,
    not_,
    overlaps,
    share,
    step,
    tier,
)
from bangfu.rules.explain import Explainer
from bangfu.rules.facts import Kind, facts_of
from bangfu.rules.words import Exact
from bangfu.text import Text


class Standing(StrEnum):
    """A choice."""

    POOR = "poor"
    EXITED = "exited"
    GENERAL = "general"


class Crop(StrEnum):
    """Several of which may hold."""

    HERBS = "herbs"
    SHOOTS = "shoots"
    BEES = "bees"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One fact of every type; farming may end in a loss."""

    standing: Standing = fact(Registry("standing"), zh="户类型", en="standing")
    left: Year = fact(Registry("exit_year"), zh="脱贫年度", en="year of leaving")
    crops: frozenset[Crop] = fact(Stated(), zh="作物", en="crops")
    people: int = fact(Stated(), zh="人数", en="people", largest=12)
    disabled: bool = fact(Stated(), zh="残疾", en="disabled")
    breeding: Fen = fact(Income("breeding", "window"), zh="养殖", en="breeding")
    farm: Fen = fact(Income("planting", "window"), zh="种植", en="farming", lowest=-LARGEST_FEN)
    wage: Fen = fact(Income("labour", "window"), zh="务工", en="wages")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """One parameter of every type that a rule can compute with."""

    covered: Years
    kinds: frozenset[Standing]
    favoured: Standing
    crop_kinds: frozenset[Crop]
    strict: bool
    people_least: int
    base_year: int
    breeding_rate: Rate
    farm_rate: Rate
    wage_rate: Rate
    per_person: Fen
    floor: Fen
    cap: Fen
    tiers: Tiers


# fmt: off
class Rich(RuleBook[Facts, Parameters]):
    """Uses every word and operator there is."""
    @criterion(cites="plan#1")
    def covered(self) -> bool:
        """The year is covered.\n年度在范围内。"""
        return among(self.facts.left, self.p.covered) & (self.facts.left - self.p.base_year + 1 > 0)
    @criterion(cites="plan#1")
    def of_a_kind(self) -> bool:
        """The household is of a kind.\n户类型符合。"""
        return among(self.facts.standing, self.p.kinds) & (self.facts.standing != Standing.GENERAL)
    @criterion(cites="plan#2")
    def grows(self) -> bool:
        """The household grows something or is excused.\n有作物或免除。"""
        return overlaps(self.facts.crops, self.p.crop_kinds) | self.facts.disabled
    @criterion(cites="plan#2")
    def enough(self) -> bool:
        """Enough people.\n人数足够。"""
        f, p = self.facts, self.p
        return (f.people >= p.people_least) & not_((f.standing == p.favoured) & (f.people <= 1) & p.strict)
    @step(cites="plan#3")
    def raw(self) -> int:
        """Shares.\n按比例。"""
        f, p = self.facts, self.p
        return share(f.breeding, p.breeding_rate) + share(f.farm, p.farm_rate) + share(f.wage, p.wage_rate)
    @step(cites="plan#3")
    def by_head(self) -> int:
        """By head.\n按人。"""
        return self.p.per_person * self.facts.people
    @step(cites="plan#3")
    def base(self) -> int:
        """The base.\n基数。"""
        return choose(self.facts.disabled, self.by_head, self.p.floor)
    @step(cites="plan#3")
    def lifted(self) -> int:
        """Above the floor.\n超出部分。"""
        return greatest(self.base - self.p.floor, 0)
    @step(cites="plan#3")
    def beyond(self) -> bool:
        """Beyond the cap.\n超过上限。"""
        return self.raw > self.p.cap
    @step(cites="plan#3")
    def level(self) -> bool:
        """Some comparisons.\n若干比较。"""
        return (self.raw == self.p.floor) | (self.raw < 0) | ((self.by_head != self.p.cap) == self.p.strict)
    @step(cites="plan#3")
    def capped(self) -> int:
        """Capped.\n封顶。"""
        f, p = self.facts, self.p
        return least(self.raw + self.lifted, p.cap, f.wage - share(f.breeding, p.wage_rate))
    @step(cites="plan#3")
    def others(self) -> int:
        """People beside the head.\n其余人数。"""
        return choose(self.facts.people > 1, self.facts.people - 1, 0)
    @step(cites="plan#3")
    def by_tier(self) -> int:
        """By tier.\n按档。"""
        return tier(self.facts.people - 1, self.p.tiers)
    @step(cites="plan#3")
    def on_a_tier(self) -> bool:
        """On some tier.\n达到最低一档。"""
        return self.facts.people - 1 >= lowest_tier(self.p.tiers)
    @step(cites="plan#3")
    def class_of(self) -> Standing:
        """The class.\n类别。"""
        return choose(self.beyond, Standing.POOR, self.facts.standing)
    @step(cites="plan#3")
    def poor_class(self) -> bool:
        """Of the poor class.\n属贫困类。"""
        return self.class_of == Standing.POOR
    @amount(cites="plan#4", rounds=Rounding.HALF_UP)
    def award(self) -> int:
        """The award.\n奖补。"""
        return self.capped
    @amount(cites="plan#4", rounds=Rounding.HALF_UP)
    def half_up(self) -> int:
        """Shares, half up.\n四舍五入。"""
        return self.raw
    @amount(cites="plan#4", rounds=Rounding.DOWN)
    def down(self) -> int:
        """Shares, cut.\n舍去。"""
        return self.raw
    @amount(cites="plan#4", rounds=Rounding.UP)
    def up(self) -> int:
        """Shares, raised.\n进位。"""
        return self.raw
    @amount(cites="plan#4", rounds=Rounding.UP)
    def flat(self) -> int:
        """By head.\n按人发放。"""
        return self.by_head
# fmt: on


ALL = tuple(Facts.__dataclass_fields__)
CRITERIA = ("covered", "of_a_kind", "grows", "enough")
AMOUNTS = ("award", "half_up", "down", "up", "flat")
NEEDS = {
    name: set(facts.split())
    for name, facts in {
        "covered": "left", "of_a_kind": "standing", "grows": "crops disabled", "enough": "people standing",
        "raw": "breeding farm wage", "by_head": "people", "base": "disabled people", "lifted": "disabled people",
        "beyond": "breeding farm wage", "level": "breeding farm wage people",
        "capped": "breeding farm wage disabled people", "others": "people", "by_tier": "people", "on_a_tier": "people",
        "class_of": "breeding farm wage standing", "poor_class": "breeding farm wage standing",
        "award": "breeding farm wage disabled people", "half_up": "breeding farm wage",
        "down": "breeding farm wage", "up": "breeding farm wage", "flat": "people",
    }.items()
}  # fmt: skip
"""Which facts each step reads, directly or through other steps, as a reader of the text finds them."""


def whole(fen: Fraction, rounding: str) -> int:
    """Whole fen of at least 0."""
    decimal = Decimal(fen.numerator) / Decimal(fen.denominator)
    return max(0, int(decimal.quantize(Decimal(1), rounding=rounding)))


def oracle(f: Facts, p: Parameters) -> Determination:
    """What the text above says, in exact fractions of a fen, written without the vocabulary of rules."""

    def part(fen: int, points: int) -> Fraction:
        return Fraction(fen) * Fraction(points, 10_000)

    def raw() -> Fraction:
        return part(f.breeding, p.breeding_rate) + part(f.farm, p.farm_rate) + part(f.wage, p.wage_rate)

    def base() -> int:
        return p.per_person * f.people if f.disabled else p.floor

    def capped() -> Fraction:
        lifted = raw() + max(base() - p.floor, 0)
        return min(lifted, Fraction(p.cap), f.wage - part(f.breeding, p.wage_rate))

    def by_tier() -> int:
        amounts = {tier.start: tier.fen for tier in p.tiers.steps if tier.start <= f.people - 1}
        return amounts[max(amounts)] if amounts else 0

    def class_of() -> Standing:
        return Standing.POOR if raw() > p.cap else f.standing

    text: dict[str, Callable[[], Any]] = {
        "covered": lambda: p.covered.first <= f.left <= p.covered.last and f.left + 1 > p.base_year,
        "of_a_kind": lambda: f.standing in p.kinds and f.standing is not Standing.GENERAL,
        "grows": lambda: bool(f.crops & p.crop_kinds) or f.disabled,
        "enough": lambda: f.people >= p.people_least and (f.standing is not p.favoured or f.people > 1 or not p.strict),
        "raw": lambda: int(raw() * 10_000),
        "by_head": lambda: p.per_person * f.people,
        "base": base,
        "lifted": lambda: max(base() - p.floor, 0),
        "beyond": lambda: raw() > p.cap,
        "level": lambda: raw() == p.floor or raw() < 0 or (p.per_person * f.people != p.cap) is p.strict,
        "capped": lambda: int(capped() * 10_000),
        "others": lambda: max(f.people - 1, 0),
        "by_tier": by_tier,
        "on_a_tier": lambda: f.people - 1 >= min(tier.start for tier in p.tiers.steps),
        "class_of": lambda: class_of().value,
        "poor_class": lambda: class_of() is Standing.POOR,
        "award": lambda: whole(capped(), ROUND_HALF_UP),
        "half_up": lambda: whole(raw(), ROUND_HALF_UP),
        "down": lambda: whole(raw(), ROUND_FLOOR),
        "up": lambda: whole(raw(), ROUND_CEILING),
        "flat": lambda: max(0, p.per_person * f.people),
    }
    missing = tuple(name for name in ALL if getattr(f, name) is None)
    values = {name: None if NEEDS[name] & set(missing) else text[name]() for name in text}
    outcome = Outcome.ELIGIBLE
    if any(values[name] is None for name in (*CRITERIA, *AMOUNTS)):
        outcome = Outcome.INCOMPLETE
    if any(values[name] is False for name in CRITERIA):
        outcome = Outcome.REFUSED
    payable: Any = values["award"] if outcome is Outcome.ELIGIBLE else 0
    return Determination(outcome, values, payable, missing)


def but(one: Facts, **own: Any) -> Facts:
    """The same household but for some facts; None is unknown."""
    return replace(one, **own)


def frame(book: type[RuleBook[Any, Any]], rows: Sequence[Any]) -> Any:
    """The households as columns."""
    values = {name: [raw(getattr(row, name)) for row in rows] for name in book.traced().facts}
    return columns.frame(book, values)


def raw(value: Any) -> Any:
    """A value as a column has it."""
    if isinstance(value, date):
        return value.isoformat()
    return sorted(value) if isinstance(value, frozenset) else value


def in_columns(book: type[RuleBook[Any, Any]], rows: Sequence[Any], parameters: Any) -> list[Determination]:
    """Decide by the column engine."""
    table = columns.decide_all(book, frame(book, rows), parameters).to_dicts()
    return [
        Determination(
            Outcome(line["outcome"]),
            {name: line[name] for name in book.steps()},
            line["payable"],
            tuple(name for name in book.traced().used_facts if getattr(row, name) is None),
        )
        for row, line in zip(rows, table, strict=True)
    ]


# fmt: off
P = Parameters(
    covered=Years(2016, 2019), kinds=frozenset({Standing.EXITED, Standing.POOR}), favoured=Standing.POOR,
    crop_kinds=frozenset({Crop.HERBS, Crop.BEES}), strict=True, people_least=1, base_year=2015,
    breeding_rate=Rate(2000), farm_rate=Rate(1500), wage_rate=Rate(1000),
    per_person=Fen(50_000), floor=Fen(100_000), cap=Fen(300_000),
    tiers=Tiers((Tier(3, 200_000), Tier(5, 300_000))),
)
GOOD = Facts(
    standing=Standing.EXITED, left=Year(2018), crops=frozenset({Crop.BEES, Crop.SHOOTS}), people=4, disabled=True,
    breeding=Fen(123_457), farm=Fen(-3), wage=Fen(700_003),
)
LARGEST = Facts(
    standing=Standing.POOR, left=Year(2999), crops=frozenset(Crop), people=12, disabled=True,
    breeding=Fen(LARGEST_FEN), farm=Fen(LARGEST_FEN), wage=Fen(LARGEST_FEN),
)
LARGEST_P = replace(
    P, breeding_rate=Rate(10_000), farm_rate=Rate(10_000), wage_rate=Rate(10_000), per_person=Fen(LARGEST_FEN),
    floor=Fen(-LARGEST_FEN), cap=Fen(LARGEST_FEN),
)

# --- one text, two engines, one oracle ------------------------------------------------------------------------

_fen = st.integers(0, 1_000_000) | st.sampled_from([0, 1, 5, 300_000, 3_000_000, LARGEST_FEN])
_loss = _fen | st.integers(-1_000_000, -1) | st.just(-LARGEST_FEN)
_rates = st.integers(0, 10_000)
FACTS = st.builds(
    Facts,
    standing=st.none() | st.sampled_from(Standing), crops=st.none() | st.frozensets(st.sampled_from(Crop)),
    left=st.none() | st.sampled_from([0, 2013, 2014, 2015, 2016, 2018, 2019, 2020, 2999]),
    people=st.none() | st.integers(0, 12), disabled=st.none() | st.booleans(),
    breeding=st.none() | _fen, farm=st.none() | _loss, wage=st.none() | _fen,
)
PARAMETERS = st.builds(
    Parameters,
    covered=st.sampled_from([Years(2016, 2019), Years(2018, 2018)]), favoured=st.sampled_from(Standing),
    kinds=st.frozensets(st.sampled_from(Standing), min_size=1),
    crop_kinds=st.frozensets(st.sampled_from(Crop), min_size=1),
    strict=st.booleans(), people_least=st.integers(0, 13), base_year=st.integers(2010, 2022),
    breeding_rate=_rates, farm_rate=_rates, wage_rate=_rates, per_person=_loss, floor=_loss, cap=_loss,
    tiers=st.dictionaries(st.integers(1, 12), st.integers(1, LARGEST_FEN), min_size=1, max_size=4).map(
        lambda steps: Tiers(tuple(map(Tier, sorted(steps), sorted(steps.values()))))
    ),
)
# fmt: on


@settings(max_examples=120, deadline=None)
@given(st.lists(FACTS, min_size=1, max_size=15), PARAMETERS)
@example([GOOD, LARGEST, but(LARGEST, farm=-LARGEST_FEN)], LARGEST_P)
@example([GOOD, but(GOOD, wage=None)], P)
def test_both_engines_say_what_the_text_says(facts: list[Facts], parameters: Parameters) -> None:
    expected = [oracle(one, parameters) for one in facts]
    assert [Rich.decide(one, parameters) for one in facts] == expected
    assert in_columns(Rich, facts, parameters) == expected


def test_a_household_by_hand() -> None:
    # 20 % of 1234.57, 15 % of a loss of 0.03, 10 % of 7000.03: 246.914 - 0.0045 + 700.003 = 946.9125; by head 4 x 500
    found = Rich.decide(GOOD, P)
    assert (found.outcome, found.payable, found.missing) == (Outcome.ELIGIBLE, 194_691, ())
    assert {name: found.values[name] for name in ("raw", "capped", *AMOUNTS)} == {
        "raw": 946_912_500, "capped": 1_946_912_500,
        "award": 194_691, "half_up": 94_691, "down": 94_691, "up": 94_692, "flat": 200_000,
    }  # fmt: skip


def test_the_streaming_engine_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = [GOOD, LARGEST, *(but(GOOD, **{name: None}) for name in ALL)]
    monkeypatch.setattr(columns, "STREAM_FROM", 0)
    assert in_columns(Rich, facts, P) == [oracle(one, P) for one in facts]


def test_a_county_without_households_has_no_determinations() -> None:
    result = columns.decide_all(Rich, frame(Rich, []), P)
    assert (result.columns, result.height) == ([*NEEDS, "outcome", "payable"], 0)


# --- unknown is an answer -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("base", [GOOD, LARGEST], ids=["good", "largest"])
def test_a_missing_fact_makes_every_step_that_reads_it_unknown(name: str, base: Facts) -> None:
    without = but(base, **{name: None})
    known = Rich.decide(base, P).values
    expected = {key: None if name in NEEDS[key] else value for key, value in known.items()}
    # A frame of known households must not hide the one that is not.
    for found in (Rich.decide(without, P), in_columns(Rich, [base, without, base], P)[1]):
        assert (found.values, found.missing, found.payable) == (expected, (name,), 0)


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        (but(GOOD, left=None), Outcome.INCOMPLETE),  # an unknown criterion is not met
        (but(GOOD, wage=None), Outcome.INCOMPLETE),  # nor is an unknown amount paid
        (but(GOOD, **dict.fromkeys(ALL)), Outcome.INCOMPLETE),
        (but(GOOD, left=None, standing=Standing.GENERAL), Outcome.REFUSED),  # whatever the year may turn out to be
        (but(GOOD, wage=None, left=2020), Outcome.REFUSED),
    ],
)
def test_unknown_is_never_met_and_refused_beats_incomplete(facts: Facts, outcome: Outcome) -> None:
    for found in (Rich.decide(facts, P), *in_columns(Rich, [facts], P)):
        assert (found.outcome, found.payable) == (outcome, 0)


def test_a_refusal_names_every_criterion_that_is_not_met() -> None:
    nothing = but(GOOD, left=2020, standing=Standing.GENERAL, crops=frozenset(), people=0, disabled=False)
    assert Rich.decide(nothing, P).unmet(Rich) == CRITERIA
    assert Rich.decide(but(nothing, left=None), P).unmet(Rich) == CRITERIA[1:]


# --- exactness ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("incomes", "points", "raw", "rounded"),
    [
        ((2, 3, 4), (2000, 1500, 1000), 12_500, (1, 1, 2)),  # 0.4 + 0.45 + 0.4 fen: rounded once, not three times
        ((0, 0, 5), (2000, 1500, 1000), 5_000, (1, 0, 1)),  # exactly half
        ((0, 0, 4), (2000, 1500, 1000), 4_000, (0, 0, 1)),
        ((0, 0, 25), (2000, 1500, 1000), 25_000, (3, 2, 3)),  # half up, not half to even
        ((1, 0, 0), (1, 0, 0), 1, (0, 0, 1)),
        ((0, 0, 10), (2000, 1500, 1000), 10_000, (1, 1, 1)),
        ((0, 0, 0), (2000, 1500, 1000), 0, (0, 0, 0)),
        ((0, -1, 0), (2000, 5000, 1000), -5_000, (0, 0, 0)),  # an amount is never below zero
        ((0, -3, 0), (2000, 5000, 1000), -15_000, (0, 0, 0)),
        ((0, -1, 10), (2000, 5000, 1000), 5_000, (1, 0, 1)),  # a loss counts against the rest of its household
        ((1_500_001, 0, 0), (2000, 1500, 1000), 3_000_002_000, (300_000, 300_000, 300_001)),
        ((LARGEST_FEN,) * 3, (10_000,) * 3, 3 * 10**17, (3 * 10**13,) * 3),
        ((0, -LARGEST_FEN, 0), (10_000,) * 3, -(10**17), (0, 0, 0)),
    ],
)
def test_a_sum_is_exact_and_rounded_once(
    incomes: tuple[int, ...], points: tuple[int, ...], raw: int, rounded: tuple[int, ...]
) -> None:
    facts = but(GOOD, **dict(zip(("breeding", "farm", "wage"), incomes, strict=True)))
    rates: dict[str, Any] = dict(zip(("breeding_rate", "farm_rate", "wage_rate"), points, strict=True))
    parameters = replace(P, **rates)
    for found in (Rich.decide(facts, parameters), *in_columns(Rich, [facts], parameters)):
        assert tuple(found.values[name] for name in ("raw", "half_up", "down", "up")) == (raw, *rounded)


@pytest.mark.parametrize(
    ("name", "value", "low", "high"),
    [
        ("wage", -1, 0, LARGEST_FEN),
        ("wage", LARGEST_FEN + 1, 0, LARGEST_FEN),
        ("farm", -LARGEST_FEN - 1, -LARGEST_FEN, LARGEST_FEN),
        ("people", 13, 0, 12),
        ("left", 3000, 0, 2999),
    ],
)
def test_a_fact_out_of_bounds_is_refused_by_both_engines(name: str, value: int, low: int, high: int) -> None:
    bad = but(GOOD, **{name: value})
    rows = [GOOD, bad, but(GOOD, **{name: None}), GOOD]
    assert list(columns.out_of_bounds(Rich, frame(Rich, rows))) == [1]
    for decide in (lambda: Rich.decide(bad, P), lambda: in_columns(Rich, rows, P)):
        with pytest.raises(Refused) as refused:
            decide()
        (problem,) = refused.value.problems
        assert (problem.code, problem.path) == (Code.FACT_OUT_OF_BOUNDS, ("facts", name))
        assert [problem.values[key] for key in ("value", "low", "high")] == [value, low, high]


def test_exact_money_keeps_its_units_on_plain_values() -> None:
    exact: Any = Exact(12_500)  # 1.25 fen
    assert exact + 1 == 1 + exact == Exact(22_500)
    assert (exact - 1, 2 - exact, exact - exact) == (Exact(2_500), Exact(7_500), Exact(0))
    assert [exact > 1, exact >= exact, exact < 2, exact <= 1, exact == "1.25"] == [True, True, True, False, False]
    assert (least(exact, 2), greatest(2, exact), hash(exact)) == (exact, 2, hash(Exact(12_500)))


# --- layers ---------------------------------------------------------------------------------------------------

HEAD = """
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from bangfu.rules import *
class Kind(StrEnum):
    A = "a"
    B = "b"
class Other(StrEnum):
    A = "a"
@dataclass(frozen=True, kw_only=True)
class Facts:
    wage: Fen = fact(Income("labour", "window"), zh="务工", en="wages")
    farm: Fen = fact(Income("planting", "window"), zh="种植", en="farming")
    people: int = fact(Stated(), zh="人数", en="people", largest=99)
    year: Year = fact(Registry("exit_year"), zh="年度", en="year")
    kind: Kind = fact(Registry("standing"), zh="类", en="kind")
    other: Other = fact(Registry("standing"), zh="别类", en="other kind")
    kinds: frozenset[Kind] = fact(Stated(), zh="各类", en="kinds")
    extra: Fen = fact(Stated(), zh="余", en="extra", largest=2337203685477)
    score: int = fact(Stated(), zh="分", en="score", largest=92)
    begun: date = fact(Stated(), zh="开始日", en="first day")
    ended: date = fact(Stated(), zh="结束日", en="last day")
    days: int = fact(DaysFrom("begun", "ended"), zh="天数", en="days")
    old: int = fact(Age("begun"), zh="年龄", en="age", largest=150)
    inside: bool = fact(InPeriod("begun"), zh="当年开始", en="begun in the year")
    grade: int = fact(Schooling("grade"), zh="年级", en="grade", largest=99)
@dataclass(frozen=True, kw_only=True)
class Parameters:
    cap: Fen
    rate: Rate
    most: int
    years: Years
    later: Years
    allowed: frozenset[Kind]
    banned: frozenset[Kind]
    tiers: Tiers
    other_tiers: Tiers
    parts: Shares
"""
BODY = '''
class Book(RuleBook[Facts, Parameters]):
    @step(cites="plan#1")
    def tried(self):
        """What is tried.\\n试验。"""
        f, p = self.facts, self.p
        {body}
'''
AWARD = '''
    @amount(cites="plan#1", rounds=Rounding.HALF_UP)
    def award(self):
        """The award.\\n奖补。"""
        return least(self.facts.wage, self.p.cap)
'''


def load(folder: Path, source: str, name: str = "written") -> ModuleType:
    """A module of rules from a file of its own, so that its source is readable."""
    path = folder / f"{name}.py"
    path.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def parameters_of(module: ModuleType, **own: Any) -> Any:
    """Parameters of such a module."""
    kinds = module.Kind
    values = {"cap": 300_000, "rate": 1000, "most": 3, "years": Years(2016, 2019), "later": Years(2020, 2022)}
    sets = {"allowed": frozenset({kinds.A}), "banned": frozenset({kinds.B})}
    tiers = Tiers((Tier(3, 200_000), Tier(5, 300_000)))
    more = {"tiers": tiers, "other_tiers": tiers, "parts": Shares((5000, 5000))}
    return module.Parameters(**{**values, **sets, **more, **own})


def facts_in(module: ModuleType, **own: Any) -> Any:
    """Facts of such a module."""
    values: dict[str, Any] = {"wage": 100, "farm": 200, "people": 2, "year": 2018, "extra": 0, "score": 0}
    values |= {"begun": date(2021, 3, 2), "ended": date(2021, 5, 31), "days": 91, "old": 46, "inside": True, "grade": 1}
    choices = {"kind": module.Kind.A, "other": module.Other.A, "kinds": frozenset({module.Kind.A})}
    return module.Facts(**{**values, **choices, **own})


def test_a_chain_of_steps_is_computed_layer_by_layer(tmp_path: Path) -> None:
    depth = 40
    text = '    @step(cites="plan#1")\n    def s{}(self):\n        """A step.\n        一步。"""\n        return {}\n'
    again = "greatest(least(self.s{0} + self.s{0}, self.p.cap), 0)"
    steps = "".join(text.format(n, again.format(n - 1) if n else "self.facts.wage") for n in range(depth))
    award = AWARD.replace("self.facts.wage", f"self.s{depth - 1}")
    module = load(tmp_path, f"{HEAD}\nclass Book(RuleBook[Facts, Parameters]):\n{steps}{award}")
    trace = module.Book.traced()
    assert trace.layers == (*((f"s{n}",) for n in range(depth)), ("award",))
    # Each step is a handful of nodes that name the step below, however deep the chain is.
    assert {len(list(traced.term.walk())) for name, traced in trace.steps.items() if name != "award"} == {1, 7}
    parameters = parameters_of(module, cap=LARGEST_FEN)
    wages = (0, 1, 7, 20, LARGEST_FEN)
    facts = [facts_in(module, wage=wage) for wage in (*wages, None)]
    expected = [*(min(wage * 2 ** (depth - 1), LARGEST_FEN) for wage in wages), 0]
    assert [found.payable for found in in_columns(module.Book, facts, parameters)] == expected
    assert [module.Book.decide(one, parameters).payable for one in facts] == expected


def test_every_step_reads_only_lower_layers() -> None:
    trace = Rich.traced()
    depth = {name: number for number, layer in enumerate(trace.layers) for name in layer}
    assert sorted(depth) == sorted(NEEDS)
    assert {name: set(traced.facts) for name, traced in trace.steps.items()} == NEEDS
    for name, traced in trace.steps.items():
        read = traced.term.leaves("step")
        assert depth[name] == max((depth[other] + 1 for other in read), default=0)


# --- what a rule text may not do ------------------------------------------------------------------------------

VOCABULARY = "use the vocabulary of bangfu.rules"
DIVISION = "division", "share(amount, rate)"
PLAINLY = "a rule gives names to values and returns one"
LITERAL = "stands in the rule text", "make it a dated parameter that cites its clause"
UNITS = "do not go together", "bring both sides to the same unit"
REFUSED: dict[str, tuple[str, str, str]] = {
    "and": ("return (f.wage > 0) and (f.farm > 0)", "and / or in a rule", "use & or |"),
    "or": ("return (f.wage > 0) or (f.farm > 0)", "and / or in a rule", "use & or |"),
    "not": ("return not (f.wage > 0)", "not in a rule", "not_(condition)"),
    "if": ("if f.wage > 0: return f.farm", "if in a rule", "choose(condition, value, other value)"),
    "ternary": ("return f.farm if f.wage > 0 else f.wage", "if … else in a rule", "choose(condition"),
    "match": ("match f.wage:\n            case 0: return f.farm", "match in a rule", "choose(condition"),
    "in": ("return f.kind in p.allowed", "in in a rule", "among(value, list)"),
    "not in": ("return f.kind not in p.allowed", "not in in a rule", "not_(among(value, list))"),
    "is": ("return f.wage is None", "is in a rule", "a missing fact makes the step unknown by itself"),
    "is not": ("return (f.wage > 0) & (f.farm is not None)", "is not in a rule", "compare with !="),
    "chained": ("return 0 < f.wage < p.cap", "a chained comparison", "(a <= b) & (b <= c)"),
    "~": ("return ~(f.wage > 0)", "~ in a rule", "not_(condition)"),
    "unary -": ("return -f.wage", "a negative sign", "subtract from an amount instead"),
    "/": ("return f.wage / f.people", *DIVISION),
    "//": ("return f.wage // f.people", *DIVISION),
    "/=": ("x = f.wage; x /= f.people; return x", *DIVISION),
    "divmod": ("return divmod(f.people, f.people)", "divmod() in a rule", "use least, greatest, choose"),
    "%": ("return f.wage % f.people", "% in a rule", "share(amount, rate)"),
    "**": ("return f.people ** f.people", "a power", VOCABULARY),
    "for": ("for x in f.kinds: pass", "a loop", VOCABULARY),
    "while": ("while f.wage > 0: pass", "a loop", VOCABULARY),
    "comprehension": ("return least(*[x for x in (f.wage, f.farm)])", "a comprehension", VOCABULARY),
    "generator": ("return least(*(x for x in (f.wage, f.farm)))", "a comprehension", VOCABULARY),
    "unpacking": ("return least(*f.kinds)", "a loop", VOCABULARY),
    "subscript": ("return f.kinds[0]", "a loop", VOCABULARY),
    "try": ("try: return f.wage\n        except ValueError: pass", "try in a rule", "no errors of its own"),
    "with": ("with f.wage: pass", "with in a rule", "opens nothing"),
    "lambda": ("return (lambda: f.wage)()", "lambda in a rule", "write the expression out"),
    "assert": ("assert f.wage > 0", "assert in a rule", PLAINLY),
    "raise": ("raise f.wage", "raise in a rule", PLAINLY),
    "import": ("import time", "import in a rule", PLAINLY),
    "a function": ("def x(): return x()", "functiondef in a rule", PLAINLY),
    "a name of the module": ("global HEAD", "global in a rule", PLAINLY),
    "an attribute": ("self.facts.wage = f.farm", "something that is set in a rule", PLAINLY),
    "an item": ("HELD = {}; HELD[0] = f.farm; return f.wage", "something that is set in a rule", PLAINLY),
    "a method": ("return f.wage.share(p.rate)", "f.wage.share() in a rule", "use least, greatest, choose"),
    "a class": ("return Kind(f.kind)", "Kind() in a rule", "use least, greatest, choose"),
    "2": ("return f.people * 2", *LITERAL),
    "-1": ("return f.people + -1", *LITERAL),
    "1 fen": ("return f.wage + 1", *LITERAL),
    "1 of exact money": ("return share(f.wage, p.rate) > 1", *LITERAL),
    "float": ("return f.wage * 0.5", "a rule cannot compute with 0.5", "use facts, parameters"),
    "float compared": ("return f.wage > 0.5", "a rule cannot compute with 0.5", "use facts, parameters"),
    "None": ("return f.wage == None", "a rule cannot compute with None", "use facts, parameters"),
    "string": ("return f.kind == 'a'", "a rule cannot compute with 'a'", "use facts, parameters"),
    "money and number": ("return f.wage + f.people", *UNITS),
    "money above number": ("return f.wage > p.most", *UNITS),
    "year and money": ("return f.year - f.wage", *UNITS),
    "money by money": ("return f.wage * f.farm", "money times money", "multiply an amount by a number"),
    "money by rate": ("return f.wage * p.rate", "money times rate", "for a rate use share(amount, rate)"),
    "exact by number": ("return share(f.wage, p.rate) * f.people", "exact times number", "multiply an amount"),
    "rates": ("return p.rate + p.rate", "arithmetic on rate", "only amounts and numbers"),
    "share of people": ("return share(f.people, p.rate)", "share takes an amount and a rate", "write share("),
    "share at a number": ("return share(f.wage, 1000)", "share takes an amount and a rate", "write share("),
    "share of a share": ("return share(share(f.wage, p.rate), p.rate)", "share takes an amount", "write share("),
    "order of choices": ("return f.kind > Kind.A", "> between choices", "only amounts and numbers have an order"),
    "choices added": ("return f.kind + f.kind", "arithmetic on choice", "only amounts and numbers"),
    "another enumeration": ("return f.kind == Other.A", "is not a value of this fact", "its own enumeration"),
    "two enumerations": ("return f.kind == f.other", "different enumerations", "compare like with like"),
    "lists compared": ("return f.kinds == p.allowed", "== on choices", "use among(…) or overlaps(…)"),
    "among literals": ("return among(f.kind, [Kind.A])", "among takes a year", "make the list a parameter"),
    "among a list fact": ("return among(f.kind, f.kinds)", "among takes a year", "make the list a parameter"),
    "among a chosen range": (
        "return among(f.year, choose(f.people > 1, p.years, p.later))", "among takes", "make the list a parameter",
    ),
    "overlaps a fact": ("return overlaps(f.kinds, f.kinds)", "overlaps takes a list fact", "make the list a parameter"),
    "overlaps a chosen list": (
        "return overlaps(f.kinds, choose(f.people > 1, p.allowed, p.banned))", "overlaps takes", "a parameter",
    ),
    "overlaps one": ("return overlaps(f.kind, p.allowed)", "overlaps takes a list fact", "make the list a parameter"),
    "tier of money": ("return tier(f.wage, p.tiers)", "tier takes a number and tiers", "write tier("),
    "tier of a year": ("return tier(f.year, p.tiers)", "tier takes a number and tiers", "write tier("),
    "tier by a number": ("return tier(f.people, p.most)", "tier takes a number and tiers", "write tier("),
    "tier by a literal": ("return tier(f.people, 3)", "tier takes a number and tiers", "write tier("),
    "chosen tiers": (
        "return tier(f.people, choose(f.people > 1, p.tiers, p.other_tiers))", "tier takes a number and tiers", "write",
    ),
    "lowest_tier of chosen tiers": (
        "return f.people > lowest_tier(choose(f.people > 1, p.tiers, p.other_tiers))", "lowest_tier of tiers", "write",
    ),
    "lowest_tier of a number": ("return f.people > lowest_tier(p.most)", "lowest_tier of number", "write lowest_tier("),
    "tiers compared": ("return (f.people > 0) & (p.tiers == p.other_tiers)", "== on tiers", "use among"),
    "tiers added": ("return p.tiers + p.tiers", "arithmetic on tiers", "only amounts and numbers"),
    "shares": ("return tier(f.people, p.parts)", "tier takes a number and tiers", "write tier("),
    "not_ of a number": ("return not_(f.people)", "not_ of number", "negate a condition only"),
    "choose by a number": ("return choose(f.people, f.wage, f.farm)", "choose needs a condition", "write choose("),
    "choose by a constant": ("return choose(True, f.wage, f.farm)", "choose needs a condition", "write choose("),
    "choose between literals": ("return choose(f.wage > 0, 0, 1)", "two literals", "make the values parameters"),
    "choose between units": ("return choose(f.wage > 0, f.wage, f.people)", *UNITS),
    "least of units": ("return least(f.wage, f.people)", *UNITS),
    "unbracketed &": ("return f.wage > 0 & f.people", "& between", "put each comparison in brackets"),
    "unbracketed |": ("return f.people == 0 | f.people", "| between", "(a > b) | (c > d)"),
    "unknown fact": ("return f.wages", "reads the fact 'wages', which is not declared", ""),
    "unknown parameter": ("return least(f.wage, p.caps)", "reads the parameter 'caps', which is not declared", ""),
    "the year of a day": ("return f.begun.year > 2020", "a day has no year", "write the rule with the operations on"),
    "days compared": ("return f.begun == f.ended", "== on a day", "declare what the rule asks of it as a fact: Age, InPeriod or DaysFrom"),
    "days told apart": ("return (f.wage > 0) & (f.begun != f.ended)", "!= on a day", "declare what the rule asks of it as a fact: Age, InPeriod or DaysFrom"),
    "order of days": ("return f.begun <= f.ended", "<= between days", "only amounts and numbers have an order"),
    "day of a number": ("return f.begun == 0", "day and number do not go together", "to the same unit"),
    "number before a day": ("return 1 > f.begun", "day and number do not go together", "to the same unit"),
    "money before a day": ("return f.wage < f.begun", "money and day do not go together", "to the same unit"),
    "days between": ("return f.ended - f.begun", "arithmetic on day", "only amounts and numbers"),
    "the day after": ("return f.begun + 1", *UNITS),
    "the day before": ("return 1 - f.begun", *UNITS),
    "a day twice": ("return f.begun * 1", "day times number", "multiply an amount by a number"),
    "money for a day": ("return f.wage * f.begun", "money times day", "multiply an amount by a number"),
    "share of a day": ("return share(f.begun, p.rate)", "share takes an amount and a rate", "write share("),
    "first of days": ("return least(f.begun, f.ended)", "arithmetic on day", "only amounts and numbers"),
    "last of days": ("return greatest(f.begun, f.ended)", "arithmetic on day", "only amounts and numbers"),
    "day among years": ("return among(f.begun, p.years)", "among takes a year", "make the list a parameter"),
    "day of a list": ("return overlaps(f.begun, p.allowed)", "overlaps takes a list fact", "make the list a parameter"),
    "tier of a day": ("return tier(f.begun, p.tiers)", "tier takes a number and tiers", "write tier("),
    "not_ of a day": ("return not_(f.begun)", "not_ of day", "negate a condition only"),
    "choose by a day": ("return choose(f.begun, f.wage, f.farm)", "choose needs a condition", "write choose("),
    "day or money": ("return choose(f.wage > 0, f.begun, f.wage)", *UNITS),
    "days that both hold": ("return f.begun & f.ended", "& between day and day", "put each comparison in brackets"),
    "a condition or a day": ("return (f.wage > 0) | f.begun", "| between truth and day", "put each comparison in"),
    "a day that is written": ("return f.begun == date(2021, 3, 2)", "date() in a rule", "use least, greatest, choose"),
    "a day in words": ("return f.begun == '2021-03-02'", "a rule cannot compute with '2021-03-02'", "use facts"),
    "a day as text": ("return f.begun.isoformat()", "f.begun.isoformat() in a rule", "use least, greatest, choose"),
    "too large": ("return f.wage * f.people * f.people * f.people", "could exceed 64-bit integers", "lower the largest"),
    **{
        name: (f"return {name}(f.wage, f.farm)", f"{name}() in a rule", "use least, greatest, choose")
        for name in ("min", "max", "int", "bool", "float", "round", "abs", "sum", "len", "any", "all")
    },
}  # fmt: skip


@pytest.mark.parametrize(("body", "what", "remedy"), REFUSED.values(), ids=REFUSED)
def test_a_text_that_means_two_things_is_refused_with_its_line(
    tmp_path: Path, body: str, what: str, remedy: str
) -> None:
    source = HEAD + BODY.format(body=body) + AWARD
    line = source[: source.index(body)].count("\n") + 1
    book = load(tmp_path, source).Book
    with pytest.raises(RuleError) as error:
        book.traced()
    message = str(error.value)
    assert message.startswith(f"{tmp_path / 'written.py'}:{line}: ")
    assert what in message
    assert remedy in message


HIDDEN = [
    "x > 0 and x", "not x", "x if x > y else y", "min(x, y)", "x in (y, x)", "y in x", "y < x < y", "bool(x)", "int(x)",
    "float(x)", "round(x)", "range(x)", "sum(x)", "len(x)", "[one for one in x]", "~(x > y)", "x / y", "x // y", "x % y",
    "x ** y", "-x", "abs(x)", "open(x)", "deeper(x)", "x.share(y)",
]  # fmt: skip


@pytest.mark.parametrize("expression", HIDDEN)
def test_a_helper_outside_the_book_cannot_hide_it(tmp_path: Path, expression: str) -> None:
    helper = f"\n\ndef helper(x, y):\n    return {expression}\n"
    if expression == "deeper(x)":
        helper, expression = f"{helper}\n\ndef deeper(x):\n    return print(x)\n", "print(x)"
    source = HEAD + helper + BODY.format(body="return helper(f.wage, f.farm)") + AWARD
    line = source[: source.index(expression)].count("\n") + 1
    book = load(tmp_path, source).Book
    with pytest.raises(RuleError) as error:
        book.traced()
    assert str(error.value).startswith(f"{tmp_path / 'written.py'}:{line}: ")


def test_what_a_text_may_do_is_not_refused(tmp_path: Path) -> None:
    helper = "\n\ndef helper(x, y):\n    return x + y\n"
    body = "total = helper(f.wage, f.farm); return choose((f.people == 1) | (f.people == 0), 0, total)"
    module = load(tmp_path, HEAD + helper + BODY.format(body=body) + AWARD)
    parameters = parameters_of(module)
    assert module.Book.decide(facts_in(module), parameters).values["tried"] == 300
    assert module.Book.decide(facts_in(module, people=1), parameters).values["tried"] == 0


BOOK = HEAD + BODY.format(body="return f.wage > 0") + AWARD


def edited(*changes: str) -> str:
    """The book with some words replaced, each of which must stand in it."""
    source = BOOK
    for old, new in zip(changes[::2], changes[1::2], strict=True):
        assert old in source
        source = source.replace(old, new)
    return source


LEAST = "least(self.facts.wage, self.p.cap)"
MALFORMED = {
    "two steps read each other": (
        edited("f.wage > 0", "self.award > 0", "(self.facts.wage,", "(self.tried,"), "tried → award → tried goes in a",
    ),
    "no award": (edited("def award", "def prize"), "Book needs an amount named award"),
    "an award that is no amount": (
        edited(", rounds=Rounding.HALF_UP", "", "@amount", "@step"), "Book needs an amount named award",
    ),
    "an amount that is a condition": (edited(LEAST, "self.facts.wage > 0"), "Book.award gives truth"),
    "an amount that counts people": (edited(LEAST, "self.facts.people"), "Book.award gives number"),
    "a criterion that is money": (edited("@step", "@criterion", "f.wage > 0", "f.wage"), "Book.tried gives money"),
    "a step that is a rate": (edited("f.wage > 0", "p.rate"), "Book.tried gives rate"),
    "a step that is a list": (edited("f.wage > 0", "f.kinds"), "Book.tried gives choices"),
    "a step that is a day": (edited("f.wage > 0", "f.begun"), "Book.tried gives day, which is not a result"),
    "a step that is one of two days": (
        edited("f.wage > 0", "choose(f.wage > 0, f.begun, f.ended)"), "Book.tried gives day, which is not a result",
    ),
    "a criterion that is a day": (edited("@step", "@criterion", "f.wage > 0", "f.begun"), "Book.tried gives day"),
    "an amount that is a day": (edited(LEAST, "self.facts.begun"), "Book.award gives day"),
    "a step that is tiers": (edited("f.wage > 0", "choose(f.wage > 0, p.tiers, p.other_tiers)"), "Book.tried gives tiers"),
    "a step that is shares": (edited("f.wage > 0", "choose(f.wage > 0, p.parts, p.parts)"), "Book.tried gives other"),
    "a step of tiers alone": (edited("f.wage > 0", "lowest_tier(p.tiers)"), "Book.tried reads no fact"),
    "a step without a fact": (edited("f.wage > 0", "p.cap"), "Book.tried reads no fact"),
    "a step that is always the same": (edited("f.wage > 0", "True"), "Book.tried is always True"),
    "a step that returns nothing": (edited("return f.wage > 0", "f.wage"), "Book.tried is always None"),
    "no docstring": (edited('"""The award.\\n奖补。"""', ""), "award: the docstring is one line in English"),
    "no Chinese": (edited("\\n奖补。", ""), "award: the docstring is one line in English"),
    "no English": (edited("The award.\\n", ""), "award: the docstring is one line in English"),
    "Chinese first": (edited("The award.\\n奖补。", "奖补。\\nThe award."), "award: the docstring is one line in"),
    "two English lines": (edited("The award.", "The award.\\nOf all."), "award: the docstring is one line in English"),
    "an ill-formed clause": (edited('@step(cites="plan#1")', '@step(cites="plan")'), "document#clause"),
    "a book over nothing": (edited("RuleBook[Facts, Parameters]", "RuleBook"), "declared as RuleBook[Facts"),
}  # fmt: skip


@pytest.mark.parametrize(("source", "said"), MALFORMED.values(), ids=MALFORMED)
def test_a_book_that_cannot_decide_is_refused_by_name(tmp_path: Path, source: str, said: str) -> None:
    with pytest.raises((RuleError, ValueError)) as error:
        load(tmp_path, source).Book.traced()
    assert said in str(error.value)


def test_a_book_whose_source_is_not_readable_is_refused() -> None:
    space: dict[str, Any] = {"__name__": __name__}
    exec(compile(BOOK, "<nowhere>", "exec"), space)
    with pytest.raises(RuleError, match=r"Book\.tried: the source of a rule must be readable"):
        space["Book"].traced()


def test_an_amount_at_the_edge_of_64_bits_is_refused_or_exact(tmp_path: Path) -> None:
    # 92 x 10^13 + extra, in ten-thousandths of a fen, is 2^63 - 5,808: there is no room to round it up.
    award = AWARD.replace("HALF_UP", "UP").replace(
        "least(self.facts.wage, self.p.cap)", "self.facts.wage * self.facts.score + self.facts.extra"
    )
    module = load(tmp_path, HEAD + BODY.format(body="return f.wage > 0") + award)
    facts = [facts_in(module, wage=LARGEST_FEN, score=92, extra=2337203685477)]
    try:
        module.Book.traced()
    except RuleError:
        return
    assert in_columns(module.Book, facts, parameters_of(module))[0].payable == 92 * LARGEST_FEN + 2337203685477


@pytest.mark.parametrize("people", [0, 2, None])
def test_exact_money_is_one_unit_on_both_sides_of_a_choice(tmp_path: Path, people: int | None) -> None:
    module = load(
        tmp_path, HEAD + BODY.format(body="return choose(f.people > 1, p.cap, share(f.wage, p.rate))") + AWARD
    )
    facts, parameters = facts_in(module, people=people), parameters_of(module)
    expected = {0: 100_000, 2: 3_000_000_000, None: None}[people]
    assert module.Book.decide(facts, parameters).values["tried"] == expected
    assert in_columns(module.Book, [facts], parameters)[0].values["tried"] == expected


def bare_facts(annotation: Any, source: Any = Stated(), declared: bool = True, **options: Any) -> type:  # noqa: B008
    """A dataclass of one field."""
    default = {"a": fact(source, zh="甲", en="a", **options)} if declared else {}
    return dataclass(frozen=True)(type("Bare", (), {"__annotations__": {"a": annotation}, **default}))


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (bare_facts(float), "a fact cannot have the type"),
        (bare_facts(str), "a fact cannot have the type"),
        (bare_facts(list[Standing]), "a fact cannot have the type"),
        (bare_facts(Rate), "a fact cannot have the type"),
        (bare_facts(Fen, largest=LARGEST_FEN + 1), "an amount is at most"),
        (bare_facts(Fen, lowest=-LARGEST_FEN - 1), "an amount is at most"),
        (bare_facts(int, declared=False), "is not declared with fact"),
        (bare_facts(int, Income("labour", "window")), "an income is Fen, not <class 'int'>"),
        (bare_facts(int, AtStage()), "a stage is an enumeration of stage codes, not <class 'int'>"),
        (bare_facts(Fen, Count("led")), "a count is int, not"),
        (bare_facts(Tiers), "a fact cannot have the type"),
        (bare_facts(Fen, Income("labour", "window", Measure.NET_STABLE), largest=LARGEST_FEN + 1), "an amount is at"),
        (bare_facts(datetime), "a fact cannot have the type"),
        (bare_facts(date | None), "a fact cannot have the type"),
        (bare_facts(date, Registry("standing")), "a day is stated by the applicant"),
        (bare_facts(date, Schooling("grade")), "a day is stated by the applicant"),
        (bare_facts(date, Circumstance("death")), "a day is stated by the applicant"),
        (bare_facts(date, Age("begun")), "an age is int, not <class 'datetime.date'>"),
        (bare_facts(Year, Age(AsOf.CHECK)), r"an age is int, not bangfu\.rules\.facts\.Year"),
        (bare_facts(Fen, DaysFrom("begun", "ended")), r"a number of days is int, not bangfu\.policy\.\S*Fen"),
        (bare_facts(bool, DaysFrom("begun", "ended")), "a number of days is int, not <class 'bool'>"),
        (
            bare_facts(Year, TrainingMonths("begun", "ended")),
            r"a number of months is int, not bangfu\.rules\.facts\.Year",
        ),
        (bare_facts(date, InPeriod("begun")), "whether a day lies in the period is bool, not <class 'datetime.date'>"),
        (bare_facts(int, InPeriod("begun")), "whether a day lies in the period is bool, not <class 'int'>"),
    ],
)
def test_a_fact_must_be_declared_bounded_and_of_a_known_type(facts: type, said: str) -> None:
    with pytest.raises(PolicyError, match=said):
        facts_of(facts)


@pytest.mark.parametrize(
    ("source", "options", "bounds"),
    [
        (Income("labour", "window"), {}, (0, LARGEST_FEN)),
        (Income("labour", "window", Measure.NET_STABLE), {}, (-LARGEST_FEN, LARGEST_FEN)),
        (Income("labour", "window", Measure.NET_STABLE), {"largest": 500}, (-500, 500)),
        (Income("labour", "window", Measure.NET_STABLE), {"lowest": -7, "largest": 500}, (-7, 500)),
        (Income("labour", "window", Measure.NET_STABLE), {"lowest": 0}, (0, LARGEST_FEN)),
        (Stated(), {}, (0, LARGEST_FEN)),
    ],
)
def test_a_net_income_may_be_a_loss_as_large_as_its_gain(
    source: Any, options: dict[str, Any], bounds: tuple[int, int]
) -> None:
    (spec,) = facts_of(bare_facts(Fen, source, **options)).values()
    assert (spec.lowest, spec.largest) == bounds


# --- where a fact comes from ----------------------------------------------------------------------------------

STRICT = When("strict", False)
WRITTEN: list[tuple[Any, str]] = [
    (Registry("standing"), "Registry(attribute='standing')"),  # as it was before a day could be named
    (Registry("members", AsOf.REFERENCE), "Registry(attribute='members')"),
    (Registry("members", AsOf.CHECK), "Registry(attribute='members', on='check')"),
    (Income("labour", "window"), "Income(category='labour', window='window')"),
    (Income("labour", "window", Measure.GROSS), "Income(category='labour', window='window')"),
    (
        Income(EVERY_CATEGORY, "window", Measure.NET_STABLE),
        "Income(category='all', window='window', measure='net_stable')",
    ),
    (Stated(), "Stated()"),
    (AtStage(), "AtStage()"),
    (Count("led"), "Count(role='led')"),
    (
        Count("led", (Signed(), Vouched(STRICT))),
        "Count(role='led', where=(Signed(), Vouched(unless=When(parameter='strict', value=False))))",
    ),
    (StandingIn(("poor", Standing.EXITED)), "StandingIn(standings=('poor', 'exited'))"),
    (StandingIn("kinds"), "StandingIn(standings='kinds')"),
    (NetStablePerPerson("window", "gate"), "NetStablePerPerson(window='window', at_least='gate')"),
    (SameVillage(When("favoured", Standing.POOR)), "SameVillage(unless=When(parameter='favoured', value='poor'))"),
    (Schooling("grade"), "Schooling(attribute='grade')"),
    (Schooling("grade", AsOf.CHECK), "Schooling(attribute='grade')"),
    (Schooling("grade", AsOf.PLAN), "Schooling(attribute='grade', on='plan')"),
    (Age("begun"), "Age(on='begun')"),
    (Age(AsOf.REFERENCE), "Age(on='reference')"),
    (InPeriod("begun"), "InPeriod(day='begun')"),
    (DaysFrom("begun", "ended"), "DaysFrom(first='begun', last='ended')"),
    (TrainingMonths("begun", "ended"), "TrainingMonths(first='begun', last='ended')"),
    (Circumstance("custody"), "Circumstance(kind='custody')"),
    (Circumstance("custody", "holds", AsOf.MONTH), "Circumstance(kind='custody')"),
    (
        Circumstance("certificate", "level", AsOf.CHECK),
        "Circumstance(kind='certificate', attribute='level', on='check')",
    ),
]


@pytest.mark.parametrize(("source", "written"), WRITTEN)
def test_a_source_is_written_as_it_was_declared(source: Any, written: str) -> None:
    assert repr(source) == written


@pytest.mark.parametrize(
    ("setting", "holds"),
    [
        (When("strict", True), True),
        (When("strict", False), False),
        (When("favoured", Standing.POOR), True),
        (When("favoured", Standing.GENERAL), False),
    ],
)
def test_a_setting_holds_or_does_not(setting: When, holds: bool) -> None:
    assert setting.holds(P) is holds


@pytest.mark.parametrize(
    ("people", "amount", "on_a_tier"),
    [(0, 0, False), (2, 0, False), (3, 20, True), (4, 20, True), (5, 30, True), (12, 30, True)],
)
def test_the_highest_tier_that_is_reached_counts_alone(people: int, amount: int, on_a_tier: bool) -> None:
    parameters = replace(P, tiers=Tiers((Tier(3, 20), Tier(5, 30))))
    assert (tier(people, parameters.tiers), people >= lowest_tier(parameters.tiers)) == (amount, on_a_tier)
    if people < 12:
        facts = but(GOOD, people=people + 1)
        for found in (Rich.decide(facts, parameters), *in_columns(Rich, [facts], parameters)):
            assert (found.values["by_tier"], found.values["on_a_tier"]) == (amount, on_a_tier)


def test_a_tier_is_bounded_so_that_what_is_made_of_it_cannot_overflow() -> None:
    trace = Rich.traced()
    assert [trace.steps["by_tier"].term.low, trace.steps["by_tier"].term.high] == [0, LARGEST_FEN]
    (entry,) = (term for term in trace.steps["on_a_tier"].term.walk() if term.op == "lowest_tier")
    assert (entry.low, entry.high) == (0, LARGEST_WHOLE)


# --- the version of a book ------------------------------------------------------------------------------------

VERSIONED = f'''{HEAD}
def half(x, y):
    return x + y
class Book(RuleBook[Facts, Parameters]):
    @criterion(cites="plan#1")
    def right(self):
        """It is right.\\n正确。"""
        return (self.facts.wage >= self.p.cap) & not_(self.facts.kind == Kind.A)
    @step(cites="plan#2")
    def total(self):
        """The total.\\n合计。"""
        return half(share(self.facts.wage, self.p.rate), share(self.facts.farm, self.p.rate))
    @amount(cites="plan#3", rounds=Rounding.HALF_UP)
    def award(self):
        """The award.\\n奖补。"""
        return least(self.total, self.p.cap)
'''
SAME = {
    "a comment": ("return least", "# the cap\n        return least"),
    "layout": ("least(self.total, self.p.cap)", "least(\n            self.total,\n            self.p.cap,\n        )"),
    "a local name": ("return least(self.total, self.p.cap)", "cap = self.p.cap\n        return least(self.total, cap)"),
    "a docstring": ("The award.\\n奖补。", "What is paid.\\n发放金额。"),
    "the title of a fact": ('zh="务工", en="wages"', 'zh="工资", en="pay"'),
    "the name of a helper": ("half", "both"),
    "another parameter": ("    most: int\n", "    most: int\n    unread: Fen\n"),
    "a name that is no step": ("[Facts, Parameters]):\n", "[Facts, Parameters]):\n    x = 1\n\n"),
}  # fmt: skip
CHANGED = {
    "a comparison": (">= self.p.cap", "> self.p.cap"),
    "a connective": (") & not_", ") | not_"),
    "an operator": ("return x + y", "return x - y"),
    "a word": ("return least", "return greatest"),
    "a negation": ("not_(self.facts.kind == Kind.A)", "(self.facts.kind == Kind.A)"),
    "a choice": ("== Kind.A", "== Kind.B"),
    "a parameter": ("cap", "limit"),
    "a fact": ("share(self.facts.wage", "share(self.facts.extra"),
    "a clause": ('cites="plan#2"', 'cites="plan#4"'),
    "a document": ('cites="plan#3"', 'cites="law#3"'),
    "the rounding": ("Rounding.HALF_UP", "Rounding.DOWN"),
    "the kind of a step": ("@criterion(", "@step("),
    "the name of a step": ("total", "sum_of_shares"),
    "the largest value of a fact": ('en="wages")', 'en="wages", largest=10**9)'),
    "the lowest value of a fact": ('en="wages")', 'en="wages", lowest=-5)'),
    "where a fact comes from": ('Income("labour", "window")', 'Income("self_employment", "window")'),
    "the window of a fact": ('Income("labour", "window")', 'Income("labour", "year_window")'),
    "the type of a fact": ("people: int", "people: Year"),
    "the measure of an income": ('"window"), zh="务工"', '"window", Measure.NET_STABLE), zh="务工", lowest=0'),
    "what of the schooling": ('Schooling("grade")', 'Schooling("months")'),
    "the day of the schooling": ('Schooling("grade")', 'Schooling("grade", AsOf.PLAN)'),
    "the day of an age": ('Age("begun")', 'Age("ended")'),
    "an age on a day of the case": ('Age("begun")', "Age(AsOf.PLAN)"),
    "the day in the period": ('InPeriod("begun")', 'InPeriod("ended")'),
    "which day comes first": ('DaysFrom("begun", "ended")', 'DaysFrom("ended", "begun")'),
    "a day that is a year": ("begun: date", "begun: Year"),
    "the day of the register": ('Registry("exit_year")', 'Registry("exit_year", AsOf.PLAN)'),
}


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [(*words, same) for same, table in ((True, SAME), (False, CHANGED)) for words in table.values()],
    ids=[*SAME, *CHANGED],
)
def test_the_version_is_kept_or_changed_with_the_meaning(tmp_path: Path, old: str, new: str, same: bool) -> None:
    assert old in VERSIONED
    changed = load(tmp_path, VERSIONED.replace(old, new), "changed").Book.traced().version
    assert (changed == load(tmp_path, VERSIONED).Book.traced().version) is same


@pytest.mark.parametrize("code", installed().programmes)
def test_what_was_released_is_what_is_decided_by(code: str) -> None:
    """Words that are new since leave the hash of every book as it was released."""
    programme = installed().programmes[code]
    assert {book.since: book.rules.traced().version for book in programme.books} == programme.released


# --- days ---------------------------------------------------------------------------------------------------------


class Level(StrEnum):
    """A level of schooling."""

    PRIMARY = "primary"
    TRADE = "trade"


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseFacts:
    """What is stated of a course, and what is taken from it."""

    begun: date = fact(Stated(), zh="开始日", en="first day")
    ended: date = fact(Stated(), zh="结束日", en="last day", largest=5)
    days: int = fact(DaysFrom("begun", "ended"), zh="天数", en="days", largest=999)
    old: int = fact(Age("begun"), zh="年龄", en="age", largest=150)
    inside: bool = fact(InPeriod("begun"), zh="当年开始", en="begun in the year")
    level: Level = fact(Schooling("level"), zh="学段", en="level")


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseParameters:
    """What a course is worth, and for whom."""

    levels: frozenset[Level]
    of_age: int
    most: int
    a_day: Fen


# fmt: off
class Course(RuleBook[CourseFacts, CourseParameters]):
    """Decides by what is taken from days, and never by a day."""
    @criterion(cites="plan#1")
    def is_of_age(self) -> bool:
        """Old enough.\n年龄够。"""
        return self.facts.old >= self.p.of_age
    @criterion(cites="plan#1")
    def is_of_the_year(self) -> bool:
        """Begun in the year.\n当年开始。"""
        return self.facts.inside
    @criterion(cites="plan#1")
    def is_at_school(self) -> bool:
        """At a school.\n在读。"""
        return among(self.facts.level, self.p.levels)
    @amount(cites="plan#2", rounds=Rounding.DOWN)
    def award(self) -> int:
        """By day.\n按天。"""
        return self.p.a_day * least(self.facts.days, self.p.most)
# fmt: on


COURSE = CourseFacts(
    begun=date(2021, 3, 2), ended=date(2021, 5, 31), days=91, old=16, inside=True, level=Level.TRADE,
)  # fmt: skip
COURSE_P = CourseParameters(levels=frozenset({Level.TRADE}), of_age=16, most=90, a_day=Fen(1_000))


def course(**own: Any) -> CourseFacts:
    return replace(COURSE, **own)


@pytest.mark.parametrize(
    ("facts", "outcome", "payable", "missing"),
    [
        (COURSE, Outcome.ELIGIBLE, 90_000, ()),
        (course(days=2, begun=date(1, 1, 1), ended=date(9999, 12, 31)), Outcome.ELIGIBLE, 2_000, ()),
        # Nothing reads a day, so that none is missed for itself: what is taken from it is.
        (course(begun=None, ended=None), Outcome.ELIGIBLE, 90_000, ()),
        (course(begun=None, days=None, old=None, inside=None), Outcome.INCOMPLETE, 0, ("days", "old", "inside")),
        (course(days=0), Outcome.ELIGIBLE, 0, ()),
        (course(old=15), Outcome.REFUSED, 0, ()),
        (course(inside=False, days=None), Outcome.REFUSED, 0, ("days",)),
        (course(level=None), Outcome.INCOMPLETE, 0, ("level",)),
    ],
)
def test_a_day_decides_nothing_by_itself(
    facts: CourseFacts, outcome: Outcome, payable: int, missing: tuple[str, ...]
) -> None:
    for found in (Course.decide(facts, COURSE_P), *on_columns(Course, [facts], COURSE_P)):
        assert (found.outcome, found.payable, found.missing) == (outcome, payable, missing)


def test_a_day_is_a_column_as_it_is_kept_and_of_no_computation() -> None:
    table = frame(Course, [COURSE, course(begun=None)])
    assert table["begun"].to_list() == ["2021-03-02", None]
    assert [table[name].null_count() for name in ("begun", "ended", "days")] == [1, 0, 0]
    trace = Course.traced()
    assert (trace.facts["begun"].kind, trace.facts["begun"].choices) == (Kind.DAY, None)
    assert trace.used_facts == ("days", "old", "inside", "level")
    # A day has no bounds, whatever is declared.
    assert [spec.name for spec in trace.bounded] == ["days", "old"]
    assert list(columns.out_of_bounds(Course, table)) == []


def test_a_day_is_kept_as_it_is_written() -> None:
    kept = raw_stated(Course.traced().facts, {**vars_of(COURSE), "begun": date(2020, 2, 29), "ended": None})
    assert kept == {"begun": "2020-02-29", "ended": None}  # and nothing that is not stated
    rules: Any = SimpleNamespace(book=Course, programme=SimpleNamespace(facts=CourseFacts))
    whole = {"days": 91, "old": 16, "inside": True, "level": "trade", **kept}
    assert typed(rules, whole) == course(begun=date(2020, 2, 29), ended=None)
    with pytest.raises(ValueError, match="Invalid isoformat"):
        typed(rules, {**whole, "begun": "29.2.2020"})


def vars_of(facts: CourseFacts) -> dict[str, Any]:
    return {name: getattr(facts, name) for name in CourseFacts.__dataclass_fields__}


def test_a_day_is_shown_as_it_is_kept() -> None:
    titles = {name: Text(name, name) for name in CourseParameters.__dataclass_fields__}
    explainer = Explainer(Course, COURSE_P, titles)
    spec = Course.traced().facts["begun"]
    shown = [explainer.shown_fact(spec, value) for value in (date(2020, 2, 29), "2020-02-29", None)]
    assert shown == [Text("2020-02-29", "2020-02-29")] * 2 + [Text("未知", "unknown")]
    young = course(old=15, inside=False)
    lines = {line.name: line for line in explainer.lines(young, Course.decide(young, COURSE_P))}
    assert (lines["is_of_age"].met, [miss.gap for miss in lines["is_of_age"].misses]) == (False, [Text("1", "1")])
    assert lines["is_of_the_year"].met is False


def test_days_are_made_up_like_everything_else() -> None:
    rows = list(generated(Course, COURSE_P, seed=7))
    days = [row.begun for row in rows]
    known = {day for day in days if day is not None}
    assert {type(day) for day in days} == {date, type(None)}
    assert (len(rows), len(known) > 300, min(known) >= date(2000, 2, 29)) == (400, True, True)
    assert rows == list(generated(Course, COURSE_P, seed=7))
    check_parity(Course, rows, COURSE_P)
