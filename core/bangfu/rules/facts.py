"""What a rule may look at: each fact's names, type, bounds, sensitivity, and where it comes from.

A programme's ``Facts`` is a frozen dataclass whose fields are declared with :func:`fact`. One declaration serves one
household and a whole county alike: the gathering is set-based and reads the same fields.

==================  =======================  ==================================
annotation          value                    unknown
==================  =======================  ==================================
``Fen``             integer fen              None
``Year``            calendar year            None
``int``             whole number             None
``bool``            True or False            None
``date``            a day, not computed with  None
a ``StrEnum``       its member               None
``frozenset[E]``    frozenset of members     None (an empty set is known)
==================  =======================  ==================================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Any, NewType, get_args, get_origin, get_type_hints

from bangfu.policy import LARGEST_FEN, Fen, PolicyError
from bangfu.text import Text

Year = NewType("Year", int)
"""A calendar year."""

LARGEST_NUMBER = 10**6
"""The largest plain number of a fact, unless it declares its own."""


MOST_CHOICES = 62
"""How many choices a list fact may be drawn from: a column holds one bit each."""


class Kind(StrEnum):
    """What a value in a rule is."""

    MONEY = "money"
    EXACT = "exact"
    """Money before rounding, in ten-thousandths of a fen."""
    NUMBER = "number"
    YEAR = "year"
    RATE = "rate"
    TRUTH = "truth"
    CHOICE = "choice"
    CHOICES = "choices"
    YEARS = "years"
    TIERS = "tiers"
    DAY = "day"
    """A day. No rule computes with it; :class:`Age`, :class:`InPeriod` and :class:`DaysFrom` are taken from it."""
    OTHER = "other"
    """A parameter that rules cannot compute with, such as a deadline."""


class Sensitivity(StrEnum):
    """Who a fact may be shown to. A notice shows public facts only."""

    PUBLIC = "public"
    PERSONAL = "personal"
    SENSITIVE = "sensitive"


class _Source:
    """Writes a source as it was declared, without what was left at its default.

    Books are hashed by it: a source that learns something new leaves every released book as it was.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        given = ((item, getattr(self, item.name)) for item in fields(self))  # type: ignore[arg-type]
        told = ", ".join(
            f"{item.name}={_plainly(v)}" for item, v in given if item.default is MISSING or v != item.default
        )
        return f"{type(self).__name__}({told})"


def _plainly(value: Any) -> str:
    """A value as any version of Python writes it."""
    if isinstance(value, tuple):
        return f"({', '.join(map(_plainly, value))})"
    return repr(str(value)) if isinstance(value, StrEnum) else repr(value)


class AsOf(StrEnum):
    """The day on which something of the register is looked at."""

    REFERENCE = "reference"
    """The reference day of the period."""
    PLAN = "plan"
    """The day on which the plan was made."""
    CHECK = "check"
    """The day of the determination."""
    MONTH = "month"
    """The day by which a month is decided, where something is paid every month; before the first one, the day of the
    determination."""


@dataclass(frozen=True, slots=True, repr=False)
class Registry(_Source):
    """The fact is an attribute of the household in the registry, as of the period's reference day or another one."""

    attribute: str
    on: AsOf = AsOf.REFERENCE


ALL = "all"
"""Every category of income, those without a rate of their own included."""


class Measure(StrEnum):
    """What of an income is counted."""

    GROSS = "gross"
    """The gross income 总收入 of every line."""
    NET_STABLE = "net_stable"
    """The stable net income 稳定性纯收入: gross less cost, of the lines that are known to be stable and whose cost is
    known. Other lines do not count, whether they would add to it or take from it: only what is evidenced counts."""


@dataclass(frozen=True, slots=True, repr=False)
class Income(_Source):
    """The fact is the household's income of a category (or of ``ALL``), summed over the days of a window parameter
    (both ends included).

    A household without lines of the category has an income of 0: the ledger is complete for the window once the
    accounting is made. A net income may be a loss; unless the fact says otherwise, it is bounded below as far as
    above.
    """

    category: str
    window: str
    measure: Measure = Measure.GROSS


@dataclass(frozen=True, slots=True, repr=False)
class Stated(_Source):
    """The fact is stated by the applicant when the case is opened. Only such facts ever become inputs."""


@dataclass(frozen=True, slots=True, repr=False)
class AtStage(_Source):
    """The fact is the code of the accounting stage at which the determination is made.

    Its annotation is an enumeration of the programme, whose values are the codes of the stages that account.
    """


@dataclass(frozen=True, slots=True, repr=False)
class Schooling(_Source):
    """The fact is an attribute of the person's schooling 学籍 in the register, on the day of the determination unless
    stated.

    ``enrolled`` is whether the person is on a school's roll that day; where he is not, nothing else of it is known.
    """

    attribute: str
    on: AsOf = AsOf.CHECK


HOLDS = "holds"
"""Of a circumstance: whether it is so."""


@dataclass(frozen=True, slots=True, repr=False)
class Circumstance(_Source):
    """The fact is whether something that an office keeps a list of is so of the person 情形, such as that he is in the
    minimum living guarantee 低保, or an attribute of it, such as the level of his certificate 残疾等级.

    It is looked at on the day by which a month is decided, unless stated. Of whom no list says so, it is not so; then
    nothing else of it is known.
    """

    kind: str
    attribute: str = HOLDS
    on: AsOf = AsOf.MONTH


@dataclass(frozen=True, slots=True, repr=False)
class Age(_Source):
    """The fact is the person's age in whole years 周岁 on a day: one that the applicant states, by the name of that
    fact, or a day of the case.

    Who was born on 29 February is a year older on 1 March where there is no 29th.
    """

    on: str | AsOf


@dataclass(frozen=True, slots=True, repr=False)
class InPeriod(_Source):
    """The fact is whether a day that the applicant states lies in the period, its first and last day included."""

    day: str


@dataclass(frozen=True, slots=True, repr=False)
class DaysFrom(_Source):
    """The fact is how many days there are from one stated day to another, both counted; none where the second one comes
    before the first."""

    first: str
    last: str


@dataclass(frozen=True, slots=True, repr=False)
class When(_Source):
    """A setting of the county: a yes-or-no parameter, or one of a list, has a value."""

    parameter: str
    value: bool | StrEnum

    def holds(self, parameters: Any) -> bool:
        """Whether it has that value."""
        return bool(getattr(parameters, self.parameter) == self.value)


@dataclass(frozen=True, slots=True, repr=False)
class SameVillage(_Source):
    """The household is registered in the village of the applicant, on the period's reference day.

    Like every condition, it is not asked for where the county has a setting that switches it off (``unless``).
    """

    unless: When | None = None


@dataclass(frozen=True, slots=True, repr=False)
class StandingIn(_Source):
    """The household's standing in the register on the period's reference day is one of these, or one of a list
    parameter of that name."""

    standings: tuple[str, ...] | str
    unless: When | None = None


@dataclass(frozen=True, slots=True, repr=False)
class NetStablePerPerson(_Source):
    """The household's stable net income of every category over a window parameter is at least an amount parameter for
    each of its members on the period's reference day: income >= members x amount, so nothing is divided."""

    window: str
    at_least: str
    unless: When | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Signed(_Source):
    """The household has agreed with its signature 签字认可."""

    unless: When | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Vouched(_Source):
    """The cadre who is linked to the household has confirmed it 联户干部核实."""

    unless: When | None = None


Condition = SameVillage | StandingIn | NetStablePerPerson | Signed | Vouched


@dataclass(frozen=True, slots=True, repr=False)
class Count(_Source):
    """The fact is how many different households take part in the case in a role and meet every condition.

    A household of which a condition cannot be told does not count.
    """

    role: str
    where: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class TrainingMonths(_Source):
    """The fact is the length in months of the skills training that the person is on a roll for on any day from one
    stated day to another, the longest where there are several; 0 where there is none.

    A training whose length no roll tells makes it unknown.
    """

    first: str
    last: str


Source = (
    Registry | Income | Stated | AtStage | Count | Schooling | Circumstance | Age | InPeriod | DaysFrom | TrainingMonths
)

OF_A_PERSON = (Schooling, Circumstance, Age, TrainingMonths)
"""What is known of a person, and of no household."""


@dataclass(frozen=True, slots=True)
class FactSpec:
    """The declaration of one fact. ``lowest`` and ``largest`` bound a number or an amount (both included)."""

    name: str
    kind: Kind
    source: Source
    title: Text
    sensitivity: Sensitivity
    lowest: int
    largest: int
    choices: type[StrEnum] | None


def fact(
    source: Source,
    *,
    zh: str,
    en: str,
    sensitivity: Sensitivity = Sensitivity.PERSONAL,
    lowest: int | None = None,
    largest: int | None = None,
) -> Any:
    """Declare a fact: where it comes from, its two names, its bounds and its sensitivity.

    Nothing lies below 0, unless it says so or is a net income.
    """
    return field(metadata={"fact": (source, Text(zh, en), sensitivity, lowest, largest)})


_KINDS = {Fen: Kind.MONEY, Year: Kind.YEAR, int: Kind.NUMBER, bool: Kind.TRUTH, date: Kind.DAY}
_SOURCE_KINDS: Mapping[type, tuple[Kind, str]] = {
    Income: (Kind.MONEY, "an income is Fen"),
    AtStage: (Kind.CHOICE, "a stage is an enumeration of stage codes"),
    Count: (Kind.NUMBER, "a count is int"),
    Age: (Kind.NUMBER, "an age is int"),
    DaysFrom: (Kind.NUMBER, "a number of days is int"),
    TrainingMonths: (Kind.NUMBER, "a number of months is int"),
    InPeriod: (Kind.TRUTH, "whether a day lies in the period is bool"),
}
_LARGEST = {Kind.MONEY: LARGEST_FEN, Kind.YEAR: 2999, Kind.NUMBER: LARGEST_NUMBER}


def kind_of_type(annotation: Any) -> tuple[Kind, type[StrEnum] | None]:
    """The kind of an annotation and, for choices, the enumeration; ``OTHER`` for anything rules cannot use."""
    if annotation in _KINDS:
        return _KINDS[annotation], None
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return Kind.CHOICE, annotation
    if get_origin(annotation) is frozenset:
        (item,) = get_args(annotation)
        if isinstance(item, type) and issubclass(item, StrEnum):
            return Kind.CHOICES, item
    return Kind.OTHER, None


@lru_cache(maxsize=256)
def facts_of(facts: type) -> dict[str, FactSpec]:
    """The declarations of a ``Facts`` dataclass by name; :class:`PolicyError` for a field that is not a fact."""
    hints = get_type_hints(facts)
    specs = {}
    for item in fields(facts):
        if "fact" not in item.metadata:
            raise PolicyError(f"{facts.__qualname__}.{item.name} is not declared with fact(…)")
        source, title, sensitivity, lowest, largest = item.metadata["fact"]
        kind, choices = kind_of_type(hints[item.name])
        if kind is Kind.OTHER:
            raise PolicyError(f"{facts.__qualname__}.{item.name}: a fact cannot have the type {hints[item.name]!r}")
        wanted, said = _SOURCE_KINDS.get(type(source), (kind, ""))
        if kind is not wanted:
            raise PolicyError(f"{facts.__qualname__}.{item.name}: {said}, not {hints[item.name]!r}")
        if kind is Kind.DAY and not isinstance(source, Stated):
            raise PolicyError(f"{facts.__qualname__}.{item.name}: a day is stated by the applicant")
        if kind is Kind.CHOICES and choices is not None and len(choices) > MOST_CHOICES:
            raise PolicyError(f"{facts.__qualname__}.{item.name}: a list is chosen from at most {MOST_CHOICES}")
        high = _LARGEST.get(kind, 0) if largest is None else largest
        may_lose = isinstance(source, Income) and source.measure is Measure.NET_STABLE
        low = lowest if lowest is not None else -high if may_lose else 0
        specs[item.name] = FactSpec(item.name, kind, source, title, sensitivity, low, high, choices)
        if kind is Kind.MONEY and max(abs(low), abs(high)) > LARGEST_FEN:
            raise PolicyError(f"{facts.__qualname__}.{item.name}: an amount is at most {LARGEST_FEN} fen")
    return specs
