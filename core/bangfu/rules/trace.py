"""The text of a rule as a tree of terms, from which columns, hashes and explanations are made.

When a book is loaded, each rule body is run once on :class:`Term` objects that stand for its facts, parameters and
earlier steps. The tree that results is what every engine but plain Python computes from. What a tree cannot
express exactly (``and``, ``if``, ``min``, floats, division, literal numbers) is refused there and then, with
the line and the remedy.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, NoReturn

from bangfu.policy import LARGEST_FEN, LARGEST_RATE, LARGEST_WHOLE, PolicyError
from bangfu.rules.facts import FactSpec, Kind

LARGEST_INTEGER = 2**63 - 1
EXACT_PER_FEN = 10_000
"""Ten-thousandths of a fen: a rate is in basis points, so a share of integer fen is exact in this unit."""
_HERE = Path(__file__).parent


class RuleError(PolicyError):
    """A rule text uses something that would mean different things on one household and on a column of them."""


def refuse(what: str, remedy: str) -> NoReturn:
    """Refuse the rule text at the line that is being run."""
    frame = sys._getframe(1)
    while frame.f_back is not None and _is_ours(frame.f_code.co_filename):
        frame = frame.f_back
    raise RuleError(f"{frame.f_code.co_filename}:{frame.f_lineno}: {what}; {remedy}")


def _is_ours(file: str) -> bool:
    """Whether a frame is of this room: its files, and what a dataclass makes for itself."""
    return file == "<string>" or Path(file).parent == _HERE


_NUMERIC = {Kind.MONEY, Kind.EXACT, Kind.NUMBER, Kind.YEAR}
_LARGEST = {Kind.MONEY: LARGEST_FEN, Kind.RATE: LARGEST_RATE, Kind.NUMBER: LARGEST_WHOLE, Kind.YEAR: 2999}
_COMPARE = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}


@dataclass(frozen=True, eq=False, slots=True)
class Term:
    """One node of a rule's tree: an operation on terms, or a leaf (fact, parameter, step, constant).

    ``low`` and ``high`` bound its integer value (in fen, ten-thousandths of a fen, or plain), so that no engine's
    64-bit integers can overflow unseen.
    """

    op: str
    kind: Kind
    args: tuple[Term, ...] = ()
    data: Any = None
    low: int = 0
    high: int = 0
    choices: type[StrEnum] | None = None

    def __post_init__(self) -> None:
        if self.kind in _NUMERIC and max(-self.low, self.high) > LARGEST_INTEGER:
            refuse("the result could exceed 64-bit integers", "lower the largest value of the facts it reads")

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):  # what Python itself looks for, and does without
            raise AttributeError(name)
        refuse(f"a {self.kind} has no {name}", "write the rule with the operations on facts, parameters and steps")

    # --- leaves ---

    @classmethod
    def of_fact(cls, spec: FactSpec) -> Term:
        """The term of a fact."""
        return cls("fact", spec.kind, (), spec.name, spec.lowest, spec.largest, spec.choices)

    @classmethod
    def of_parameter(cls, name: str, kind: Kind, choices: type[StrEnum] | None) -> Term:
        """The term of a parameter."""
        high = _LARGEST.get(kind, 0)
        return cls("parameter", kind, (), name, -high if kind is Kind.MONEY else 0, high, choices)

    @classmethod
    def of_step(cls, name: str, body: Term) -> Term:
        """The term of an earlier step, as later steps see it."""
        return cls("step", body.kind, (), name, body.low, body.high, body.choices)

    @classmethod
    def lift(cls, value: Any, beside: Term) -> Term:
        """A literal of the rule text, as the kind of the term that it stands beside."""
        if isinstance(value, Term):
            return value
        if isinstance(value, bool):
            return cls("constant", Kind.TRUTH, (), value)
        if isinstance(value, StrEnum):
            if beside.choices is not type(value):
                refuse(f"{value!r} is not a value of this fact", "compare a fact with members of its own enumeration")
            return cls("constant", Kind.CHOICE, (), value, choices=type(value))
        if isinstance(value, int):
            if value not in (0, 1) or (value and beside.kind in (Kind.MONEY, Kind.EXACT)):
                refuse(f"the number {value} stands in the rule text", "make it a dated parameter that cites its clause")
            kind = beside.kind if beside.kind in _NUMERIC else Kind.NUMBER
            return cls("constant", kind, (), value, value, value)
        refuse(f"a rule cannot compute with {value!r}", "use facts, parameters and the vocabulary of bangfu.rules")

    # --- arithmetic ---

    def _same(self, other: Any) -> tuple[Term, Term]:
        """Both sides in one unit: fen become ten-thousandths of a fen beside exact money."""
        left, right = self, Term.lift(other, self)
        if left.kind is Kind.EXACT and right.kind is Kind.MONEY:
            right = right.exactly()
        elif right.kind is Kind.EXACT and left.kind is Kind.MONEY:
            left = left.exactly()
        if left.kind is not right.kind:
            if {left.kind, right.kind} == {Kind.NUMBER, Kind.YEAR}:
                return left, right
            refuse(f"{left.kind} and {right.kind} do not go together", "bring both sides to the same unit")
        return left, right

    def exactly(self) -> Term:
        """Money in ten-thousandths of a fen."""
        if self.kind is Kind.EXACT:
            return self
        return Term("exact", Kind.EXACT, (self,), None, self.low * EXACT_PER_FEN, self.high * EXACT_PER_FEN)

    def _numeric(self, other: Any) -> tuple[Term, Term]:
        left, right = self._same(other)
        if left.kind not in _NUMERIC:
            refuse(f"arithmetic on {left.kind}", "only amounts and numbers can be added or multiplied")
        return left, right

    def __add__(self, other: Any) -> Term:
        left, right = self._numeric(other)
        return Term("add", left.kind, (left, right), None, left.low + right.low, left.high + right.high)

    def __radd__(self, other: Any) -> Term:
        return Term.lift(other, self) + self

    def __sub__(self, other: Any) -> Term:
        left, right = self._numeric(other)
        return Term("sub", left.kind, (left, right), None, left.low - right.high, left.high - right.low)

    def __rsub__(self, other: Any) -> Term:
        return Term.lift(other, self) - self

    def __mul__(self, other: Any) -> Term:
        right = Term.lift(other, self) if not isinstance(other, Term) else other
        kinds = {self.kind, right.kind}
        if not kinds <= {Kind.MONEY, Kind.NUMBER} or kinds == {Kind.MONEY}:
            refuse(
                f"{self.kind} times {right.kind}", "multiply an amount by a number; for a rate use share(amount, rate)"
            )
        ends = [a * b for a in (self.low, self.high) for b in (right.low, right.high)]
        kind = Kind.MONEY if Kind.MONEY in kinds else Kind.NUMBER
        return Term("mul", kind, (self, right), None, min(ends), max(ends))

    __rmul__ = __mul__

    def share(self, rate: Any) -> Term:
        """A rate of an amount, exact."""
        if self.kind is not Kind.MONEY or not isinstance(rate, Term) or rate.kind is not Kind.RATE:
            refuse("share takes an amount and a rate", "write share(facts.amount, parameters.rate)")
        low, high = self.low * rate.high, self.high * rate.high
        return Term("share", Kind.EXACT, (self, rate), None, min(low, 0), max(high, 0))

    @classmethod
    def extreme(cls, op: str, values: Iterable[Any]) -> Term:
        """The least or the greatest of several."""
        items = list(values)
        beside = next(item for item in items if isinstance(item, Term))
        terms = [Term.lift(item, beside) for item in items]
        if any(term.kind is Kind.EXACT for term in terms):
            terms = [term.exactly() if term.kind is Kind.MONEY else term for term in terms]
        for term in terms[1:]:
            terms[0]._numeric(term)
        pick = min if op == "least" else max
        low, high = pick(t.low for t in terms), pick(t.high for t in terms)
        return cls(op, terms[0].kind, tuple(terms), None, low, high)

    @classmethod
    def choose(cls, when: Any, then: Any, otherwise: Any) -> Term:
        """One of two values by a condition."""
        if not isinstance(when, Term) or when.kind is not Kind.TRUTH:
            refuse("choose needs a condition", "write choose(condition, value, other value)")
        beside = then if isinstance(then, Term) else otherwise
        if not isinstance(beside, Term):
            refuse("choose between two literals", "make the values parameters that cite their clause")
        left, right = Term.lift(then, beside)._same(Term.lift(otherwise, beside))
        low, high = min(left.low, right.low), max(left.high, right.high)
        return cls("choose", left.kind, (when, left, right), None, low, high, left.choices)

    # --- conditions ---

    def _compare(self, op: str, other: Any) -> Term:
        left, right = self._same(other)
        if op not in ("eq", "ne") and left.kind not in _NUMERIC:
            refuse(f"{_COMPARE[op]} between {left.kind}s", "only amounts and numbers have an order")
        if left.kind is Kind.CHOICE and left.choices is not right.choices:
            refuse("choices of different enumerations are compared", "compare like with like")
        if left.kind is Kind.DAY:
            refuse(f"{_COMPARE[op]} on a day", "declare what the rule asks of it as a fact: Age, InPeriod or DaysFrom")
        if left.kind in (Kind.CHOICES, Kind.YEARS, Kind.TIERS, Kind.OTHER, Kind.RATE):
            refuse(f"{_COMPARE[op]} on {left.kind}", "use among(…) or overlaps(…)")
        return Term(op, Kind.TRUTH, (left, right))

    def __lt__(self, other: Any) -> Term:
        return self._compare("lt", other)

    def __le__(self, other: Any) -> Term:
        return self._compare("le", other)

    def __gt__(self, other: Any) -> Term:
        return self._compare("gt", other)

    def __ge__(self, other: Any) -> Term:
        return self._compare("ge", other)

    def __eq__(self, other: object) -> Term:  # type: ignore[override]
        return self._compare("eq", other)

    def __ne__(self, other: object) -> Term:  # type: ignore[override]
        return self._compare("ne", other)

    __hash__ = None  # type: ignore[assignment]

    def among(self, allowed: Any) -> Term:
        """Whether the value is in a range of years or a list of choices, either a parameter."""
        if (
            isinstance(allowed, Term)
            and allowed.op == "parameter"
            and (
                (allowed.kind is Kind.YEARS and self.kind is Kind.YEAR)
                or (allowed.kind is Kind.CHOICES and self.kind is Kind.CHOICE and allowed.choices is self.choices)
            )
        ):
            return Term("among", Kind.TRUTH, (self, allowed))
        refuse("among takes a year and a range of years, or a choice and a list", "make the list a parameter")

    def overlaps(self, allowed: Any) -> Term:
        """Whether one of the values is in a list of choices."""
        listed = isinstance(allowed, Term) and allowed.op == "parameter" and allowed.kind is Kind.CHOICES
        if self.kind is Kind.CHOICES and listed:
            if allowed.choices is not self.choices:
                refuse("choices of different enumerations are compared", "compare like with like")
            return Term("overlaps", Kind.TRUTH, (self, allowed))
        refuse("overlaps takes a list fact and a list parameter", "make the list a parameter")

    def tier(self, tiers: Any) -> Term:
        """The amount of the highest tier that a number reaches."""
        given = isinstance(tiers, Term) and tiers.op == "parameter" and tiers.kind is Kind.TIERS
        if self.kind is Kind.NUMBER and given:
            return Term("tier", Kind.MONEY, (self, tiers), None, 0, LARGEST_FEN)
        refuse("tier takes a number and tiers", "write tier(facts.number, parameters.tiers)")

    def lowest_tier(self) -> Term:
        """From how many on the lowest of some tiers is reached."""
        if self.kind is Kind.TIERS and self.op == "parameter":
            return Term("lowest_tier", Kind.NUMBER, (self,), None, 0, LARGEST_WHOLE)
        refuse(f"lowest_tier of {self.kind}", "write lowest_tier(parameters.tiers)")

    def _both(self, op: str, other: Any) -> Term:
        right = Term.lift(other, self)
        if self.kind is not Kind.TRUTH or right.kind is not Kind.TRUTH:
            sign = "&" if op == "and" else "|"
            refuse(
                f"{sign} between {self.kind} and {right.kind}",
                f"put each comparison in brackets: (a > b) {sign} (c > d)",
            )
        return Term(op, Kind.TRUTH, (self, right))

    def __and__(self, other: Any) -> Term:
        return self._both("and", other)

    def __rand__(self, other: Any) -> Term:
        return Term.lift(other, self)._both("and", self)

    def __or__(self, other: Any) -> Term:
        return self._both("or", other)

    def __ror__(self, other: Any) -> Term:
        return Term.lift(other, self)._both("or", self)

    def negated(self) -> Term:
        """The opposite of a condition."""
        if self.kind is not Kind.TRUTH:
            refuse(f"not_ of {self.kind}", "negate a condition only")
        return Term("not", Kind.TRUTH, (self,))

    # --- what would be silently wrong ---

    def __bool__(self) -> NoReturn:  # noqa: PLE0304 - refusing is the point
        refuse(
            "and, or, not, if, in, min, max, bool() or a chained comparison",
            "use & | not_() choose() among() least() greatest(), and bracket each comparison",
        )

    def __int__(self) -> NoReturn:
        refuse("int() or an index", "amounts are integers already; rounding is stated by the amount")

    __index__ = __float__ = __round__ = __trunc__ = __floor__ = __ceil__ = __int__

    def __invert__(self) -> NoReturn:
        refuse("~ means something else on plain values", "use not_(condition)")

    def __truediv__(self, other: Any) -> NoReturn:
        refuse("division", "use share(amount, rate); compare products instead of quotients")

    __rtruediv__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __divmod__ = __pow__ = __truediv__

    def __neg__(self) -> NoReturn:
        refuse("a negative sign", "subtract from an amount instead")

    __abs__ = __neg__

    def __iter__(self, *_: object) -> NoReturn:
        refuse("a loop, sum() or len() over a value", "use the vocabulary of bangfu.rules")

    __len__ = __contains__ = __getitem__ = __iter__

    # --- reading the tree ---

    def walk(self) -> Iterator[Term]:
        """This term and every term below it."""
        yield self
        for arg in self.args:
            yield from arg.walk()

    def leaves(self, op: str) -> list[str]:
        """The names of the facts, parameters or steps that it reads directly, each once, in the order of the text."""
        return list(dict.fromkeys(term.data for term in self.walk() if term.op == op))

    def canonical(self) -> str:
        """The tree as one line of text: the same meaning gives the same line, whatever the layout of the source."""
        if self.op == "constant":
            return f"{self.data!s}"
        if not self.args:
            return f"{self.op}:{self.data}"
        return f"({self.op} {' '.join(arg.canonical() for arg in self.args)})"
