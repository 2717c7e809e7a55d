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
a ``StrEnum``       its member               None
``frozenset[E]``    frozenset of members     None (an empty set is known)
==================  =======================  ==================================
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
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
    OTHER = "other"
    """A parameter that rules cannot compute with, such as a deadline."""


class Sensitivity(StrEnum):
    """Who a fact may be shown to. A notice shows public facts only."""

    PUBLIC = "public"
    PERSONAL = "personal"
    SENSITIVE = "sensitive"


@dataclass(frozen=True, slots=True)
class Registry:
    """The fact is an attribute of the household in the registry, as of the period's reference day."""

    attribute: str


@dataclass(frozen=True, slots=True)
class Income:
    """The fact is the household's gross income of a category, summed over the days of a window parameter (both ends
    included).

    A household without lines of the category has an income of 0: the ledger is complete for the window once the
    accounting is made.
    """

    category: str
    window: str


@dataclass(frozen=True, slots=True)
class Stated:
    """The fact is stated by the applicant when the case is opened. Only such facts ever become inputs."""


Source = Registry | Income | Stated


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
    lowest: int = 0,
    largest: int | None = None,
) -> Any:
    """Declare a fact: where it comes from, its two names, its bounds and its sensitivity."""
    return field(metadata={"fact": (source, Text(zh, en), sensitivity, lowest, largest)})


_KINDS = {Fen: Kind.MONEY, Year: Kind.YEAR, int: Kind.NUMBER, bool: Kind.TRUTH}
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
        if kind is Kind.CHOICES and choices is not None and len(choices) > MOST_CHOICES:
            raise PolicyError(f"{facts.__qualname__}.{item.name}: a list is chosen from at most {MOST_CHOICES}")
        bound = _LARGEST.get(kind, 0)
        specs[item.name] = FactSpec(
            item.name, kind, source, title, sensitivity, lowest, bound if largest is None else largest, choices
        )
        if kind is Kind.MONEY and max(abs(lowest), specs[item.name].largest) > LARGEST_FEN:
            raise PolicyError(f"{facts.__qualname__}.{item.name}: an amount is at most {LARGEST_FEN} fen")
    return specs
