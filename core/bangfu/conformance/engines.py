"""Both engines on the same households, and households made up to be awkward."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any

from bangfu.policy import Tiers, Years
from bangfu.rules.book import Determination, Outcome, RuleBook
from bangfu.rules.facts import FactSpec, Kind

GENERATED = 400


class Fault(AssertionError):
    """What a programme does not hold, in words for its author."""


def on_columns(book: type[RuleBook[Any, Any]], facts: Iterable[Any], parameters: Any) -> list[Determination]:
    """Decide households by the column engine, one determination each."""
    from bangfu.rules import columns  # a tenth of a second, which most commands can do without

    rows = list(facts)
    specs = book.traced().facts
    raw = {name: [_raw(getattr(row, name)) for row in rows] for name in specs}
    results = columns.decide_all(book, columns.frame(book, raw), parameters)
    used = book.traced().used_facts
    return [
        Determination(
            Outcome(result["outcome"]),
            {name: result[name] for name in book.traced().steps},
            result["payable"],
            tuple(name for name in used if getattr(row, name) is None),
        )
        for row, result in zip(rows, results.iter_rows(named=True), strict=True)
    ]


def _raw(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return sorted(value) if isinstance(value, frozenset) else value


def check_parity(book: type[RuleBook[Any, Any]], facts: Iterable[Any], parameters: Any) -> None:
    """:class:`Fault` with the first household on which plain values and columns differ."""
    rows = list(facts)
    for row, by_columns in zip(rows, on_columns(book, rows, parameters), strict=True):
        plain = book.decide(row, parameters)
        if plain != by_columns:
            raise Fault(f"the engines differ on {row}:\n  plain   {plain}\n  columns {by_columns}")


def generated(book: type[RuleBook[Any, Any]], parameters: Any, count: int = GENERATED, seed: int = 1) -> Iterator[Any]:
    """Households made up to be awkward: unknown facts, boundaries of every parameter, odd fen, losses, largest
    values."""
    chance = random.Random(seed)  # noqa: S311 - repetition, not secrecy
    facts_type, _ = book.types()
    specs = book.traced().facts
    edges = _edges(parameters)
    for _ in range(count):
        yield facts_type(**{name: _awkward(spec, edges, chance) for name, spec in specs.items()})


def _edges(parameters: Any) -> list[int]:
    """The numbers in the parameters and their neighbours."""
    found: set[int] = set()
    for name in parameters.__dataclass_fields__:
        value = getattr(parameters, name)
        if isinstance(value, Years):
            found |= {value.first, value.last}
        elif isinstance(value, Tiers):
            found |= {number for tier in value.steps for number in (tier.start, tier.fen)}
        elif isinstance(value, int) and not isinstance(value, bool):
            found |= {value, value * 5, value * 10}
    return sorted(edge + step for edge in found for step in (-1, 0, 1))


def _awkward(spec: FactSpec, edges: list[int], chance: random.Random) -> Any:
    if chance.random() < 0.08:
        return None
    if spec.choices is not None:
        members = list(spec.choices)
        if spec.kind is Kind.CHOICES:
            return frozenset(chance.sample(members, chance.randrange(len(members) + 1)))
        return chance.choice(members)
    if spec.kind is Kind.TRUTH:
        return chance.random() < 0.5
    if spec.kind is Kind.DAY:
        return date(2000, 2, 29) + timedelta(days=chance.randrange(10_000))
    low, high = spec.lowest, spec.largest
    candidates = [low, high, 0, 1, -1, 7, 33, chance.randrange(low, high + 1), chance.randrange(2_000_000), *edges]
    fit = [value for value in candidates if low <= value <= high]
    return chance.choice(fit)
