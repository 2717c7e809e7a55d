"""The vocabulary of rule texts, beside the operators ``& | == != < <= > >= + - *``.

Each word works on plain values and on the terms of a trace; both mean the same, and the conformance kit proves it.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Any, TypeVar, cast

from bangfu.policy import Rate, Tiers, Years
from bangfu.rules.trace import EXACT_PER_FEN, Term

V = TypeVar("V")


class Exact:
    """Money before rounding, in ten-thousandths of a fen: what :func:`share` gives on plain values.

    Adds to, subtracts from and compares with itself and with integer fen; nothing else, so that it can only
    leave a rule through the rounding that its amount states.
    """

    __slots__ = ("units",)

    def __init__(self, units: int) -> None:
        self.units = units

    @staticmethod
    def units_of(value: Exact | int) -> int:
        """The units of exact money or of integer fen."""
        return value.units if isinstance(value, Exact) else value * EXACT_PER_FEN

    def __add__(self, other: Exact | int) -> Exact:
        return Exact(self.units + Exact.units_of(other))

    __radd__ = __add__

    def __sub__(self, other: Exact | int) -> Exact:
        return Exact(self.units - Exact.units_of(other))

    def __rsub__(self, other: int) -> Exact:
        return Exact(other * EXACT_PER_FEN - self.units)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Exact | int) and self.units == Exact.units_of(other)

    def __lt__(self, other: Exact | int) -> bool:
        return self.units < Exact.units_of(other)

    def __le__(self, other: Exact | int) -> bool:
        return self.units <= Exact.units_of(other)

    def __gt__(self, other: Exact | int) -> bool:
        return self.units > Exact.units_of(other)

    def __ge__(self, other: Exact | int) -> bool:
        return self.units >= Exact.units_of(other)

    def __hash__(self) -> int:
        return hash(self.units)

    def __repr__(self) -> str:
        return f"Exact({self.units})"


def share(amount: int, rate: Rate) -> int:
    """A percentage of an amount, exact: it is rounded once, by the amount that it ends in. 按比例"""
    value: Any = amount
    return cast(int, value.share(rate) if type(value) is Term else Exact(value * rate))


def least(first: int, *others: int) -> int:
    """The smallest of several amounts or numbers, for a cap. 取最小"""
    return cast(int, _pick(min, "least", (first, *others)))


def greatest(first: int, *others: int) -> int:
    """The largest of several amounts or numbers, for a floor. 取最大"""
    return cast(int, _pick(max, "greatest", (first, *others)))


def choose(when: bool, then: V, otherwise: V) -> V:
    """One value where a condition holds, another where it does not. 视情形"""
    given: tuple[Any, ...] = (when, then, otherwise)
    if any(isinstance(value, Term) for value in given):
        return cast(V, Term.choose(when, then, otherwise))
    return then if when else otherwise


def among(value: int | StrEnum, allowed: Years | Collection[Any]) -> bool:
    """Whether a value is in a range of years or in a list. 属于"""
    given: Any = value
    return cast(bool, given.among(allowed) if type(given) is Term else given in allowed)


def overlaps(values: Collection[Any], allowed: Collection[Any]) -> bool:
    """Whether at least one of several values is in a list. 至少一项属于"""
    given: Any = values
    return cast(bool, given.overlaps(allowed) if type(given) is Term else not frozenset(given).isdisjoint(allowed))


def tier(count: int, tiers: Tiers) -> int:
    """The amount of the highest tier that a count reaches, 0 below the lowest. 按档"""
    given: Any = count
    return cast(int, given.tier(tiers) if type(given) is Term else tiers.amount(count))


def lowest_tier(tiers: Tiers) -> int:
    """From how many on the lowest tier is reached. 最低档起点"""
    given: Any = tiers
    return cast(int, given.lowest_tier() if type(given) is Term else tiers.steps[0].start)


def not_(condition: bool) -> bool:
    """The opposite of a condition. 非"""
    given: Any = condition
    return cast(bool, given.negated() if isinstance(given, Term) else not given)


def _pick(pick: Any, op: str, values: tuple[Any, ...]) -> Any:
    return Term.extreme(op, values) if Term in map(type, values) else pick(values)
