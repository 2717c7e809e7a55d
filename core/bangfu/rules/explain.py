"""Why this decision: each clause with its facts and its arithmetic, in Chinese and English.

Everything is computed again from the stored facts and parameters and the book that decided, so an explanation cannot
drift from the decision it explains.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from bangfu.policy import Tiers, Years, kind_of, title_of
from bangfu.rules.book import Determination, Outcome, Rounding, RuleBook, StepKind, Trace
from bangfu.rules.facts import FactSpec, Kind
from bangfu.rules.trace import EXACT_PER_FEN, Term
from bangfu.text import Text, join, money, number


@dataclass(frozen=True, slots=True)
class Miss:
    """By how much a criterion was missed: what was compared, what it is, what it had to be, and the gap.

    ``by`` is in the unit of ``kind`` (fen, ten-thousandths of a fen, years, a plain number) and ``gap`` the same as a
    person reads it; both are None where there is no distance, as between choices.
    """

    what: Text
    value: Text
    needed: Text
    kind: Kind
    by: int | None
    gap: Text | None


@dataclass(frozen=True, slots=True)
class Line:
    """One step of an explanation: the clause, what it says, how it came out, and the arithmetic in lines."""

    name: str
    kind: StepKind
    cites: str
    says: Text
    result: Text
    met: bool | None
    arithmetic: tuple[Text, ...]
    misses: tuple[Miss, ...]


_OPS: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "share": lambda a, b: a * b,
    "exact": lambda a: a * EXACT_PER_FEN,
    "least": min,
    "greatest": max,
    "choose": lambda c, a, b: a if c else b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "and": lambda a, b: a and b,
    "or": lambda a, b: a or b,
    "not": lambda a: not a,
    "among": lambda a, b: a in b,
    "overlaps": lambda a, b: not frozenset(a).isdisjoint(b),
    "tier": lambda count, tiers: tiers.amount(count),
    "lowest_tier": lambda tiers: tiers.steps[0].start,
}
_COMPARED = {"lt": "<", "le": "≤", "gt": ">", "ge": "≥", "eq": "=", "ne": "≠"}
_SIGNS = {"add": "+", "sub": "−", "mul": "×", "share": "×", **_COMPARED}
_BINDS = {"or": 0, "and": 1, **dict.fromkeys(_COMPARED, 2), "add": 3, "sub": 3, "mul": 4, "share": 4}
"""How strongly each operation holds its sides together."""
_COMPUTED = ("share", "least", "greatest", "choose", "add", "sub", "mul", "round", "tier")
_NEGATED = {"lt": "ge", "le": "gt", "gt": "le", "ge": "lt", "eq": "ne", "ne": "eq"}


class Explainer:
    """Explains determinations of one book under one set of parameters.

    ``titles`` gives the two names of each parameter.
    """

    def __init__(self, book: type[RuleBook[Any, Any]], parameters: Any, titles: Mapping[str, Text]) -> None:
        self.trace: Trace = book.traced()
        self.parameters = parameters
        self.titles = titles

    def lines(self, facts: Any, determination: Determination) -> list[Line]:
        """One line for every step of the book, in the order of its text."""
        return [self._line(name, facts, determination) for name in self.trace.steps]

    def summary(self, determination: Determination) -> Text:
        """The outcome in one sentence."""
        if determination.outcome is Outcome.ELIGIBLE:
            amount = money(determination.payable)
            return Text(f"符合条件,应发 {amount.zh}", f"Eligible; {amount.en} is due")
        if determination.outcome is Outcome.INCOMPLETE:
            missing = join([self.trace.facts[name].title for name in determination.missing])
            return Text(f"资料不全,缺:{missing.zh}", f"Incomplete; missing: {missing.en}")
        unmet = [name for name in self.trace.criteria if determination.values[name] is False]
        says = join([self.trace.steps[name].step.title for name in unmet], ";", "; ")
        return Text(f"不符合条件,未满足:{says.zh}", f"Not eligible; not met: {says.en}")

    def misses(self, name: str, facts: Any, values: Mapping[str, Any]) -> tuple[Miss, ...]:
        """By how much a criterion is missed; empty when it is met or unknown."""
        if values[name] is not False or name not in self.trace.criteria:
            return ()
        return tuple(self._misses(self.trace.steps[name].term, _Values(facts, self.parameters, values), True))

    @staticmethod
    def shown_fact(spec: FactSpec, value: Any) -> Text:
        """A fact's value as a person reads it."""
        return Text("未知", "unknown") if value is None else Explainer._shown(Term.of_fact(spec), value)

    def parameters_read(self) -> frozenset[str]:
        """The parameters that some step of the book reads."""
        return frozenset(name for traced in self.trace.steps.values() for name in traced.term.leaves("parameter"))

    # --- one step ---

    def _line(self, name: str, facts: Any, determination: Determination) -> Line:
        traced = self.trace.steps[name]
        value = determination.values[name]
        arithmetic: tuple[Text, ...] = ()
        if value is None:
            missing = join([self.trace.facts[f].title for f in determination.missing if f in traced.facts])
            result = Text(f"无法判断(缺:{missing.zh})", f"unknown (missing: {missing.en})")
        else:
            at = _Values(facts, self.parameters, determination.values)
            result = self._shown(traced.term, value)
            if traced.step.kind is StepKind.CRITERION:
                result = Text("满足", "met") if value else Text("未满足", "not met")
            arithmetic = tuple(self._arithmetic(traced.term, at))
        return Line(
            name,
            traced.step.kind,
            str(traced.step.cites),
            traced.step.title,
            result,
            bool(value) if traced.step.kind is StepKind.CRITERION and value is not None else None,
            arithmetic,
            self.misses(name, facts, determination.values),
        )

    # --- arithmetic ---

    def _arithmetic(self, term: Term, at: _Values) -> list[Text]:
        """The lines of a sum, from its inner parts outwards; a bare fact or comparison is one line."""
        lines: list[Text] = []
        if term.kind is Kind.TRUTH:
            for part in self._conditions(term):
                yes = at.value(part)
                mark = Text("是", "yes") if yes else Text("否", "no")
                shown = self._inline(part, at)
                lines.append(Text(f"{shown.zh}:{mark.zh}", f"{shown.en}: {mark.en}"))
            return lines
        parts = [] if term.op == "share" else [_bare(arg) for arg in term.args]
        for part in parts:
            if part.op in _COMPUTED and part.kind in (Kind.MONEY, Kind.EXACT):
                inner = self._arithmetic(part, at)
                lines += inner[:-1] if term.op == part.op == "add" else inner
        lines.append(self._sentence(term, at))
        return lines

    def _sentence(self, term: Term, at: _Values) -> Text:
        result = self._shown(term, at.value(term))
        if term.op in ("least", "greatest"):
            parts = join([self._inline_result(arg, at) for arg in term.args], ";", "; ")
            zh, en = ("取较小者", "the smaller of") if term.op == "least" else ("取较大者", "the larger of")
            return Text(f"{zh}:{parts.zh} → {result.zh}", f"{en}: {parts.en} → {result.en}")
        if term.op == "round":
            rounding: Rounding = term.data
            inner = self._shown(term.args[0], at.value(term.args[0]))
            return Text(
                f"{inner.zh},{rounding.title_text.zh} → {result.zh}",
                f"{inner.en}, {rounding.title_text.en} → {result.en}",
            )
        if term.op == "add" and term.kind is Kind.EXACT:
            parts = join([self._shown(arg, at.value(arg)) for arg in _flat(term)], " + ", " + ")
            return Text(f"合计 {parts.zh} = {result.zh}", f"total {parts.en} = {result.en}")
        if term.op == "choose":
            condition = self._inline(term.args[0], at)
            if at.value(term.args[0]):
                return Text(f"因 {condition.zh} → {result.zh}", f"since {condition.en} → {result.en}")
            return Text(f"因不满足 {condition.zh} → {result.zh}", f"since not {condition.en} → {result.en}")
        if term.op == "tier":
            said = self._tiers(term, at)
            return Text(f"{said.zh} → {result.zh}", f"{said.en} → {result.en}")
        inline = self._inline(term, at)
        if not term.args:
            return inline
        return Text(f"{inline.zh} = {result.zh}", f"{inline.en} = {result.en}")

    def _tiers(self, term: Term, at: _Values) -> Text:
        """Which tier a count reaches, and how many it lacks for the next."""
        count, counted = at.value(term.args[0]), self._inline(term.args[0], at)
        tiers: Tiers = at.value(term.args[1])
        reached = tiers.reached(count)

        def named(position: int) -> Text:
            shown = kind_of(Tiers).of_parts.show(tiers.steps[position])
            return Text(f"第{position + 1}档({shown.zh})", f"tier {position + 1} ({shown.en})")

        is_at = Text("未达到任何一档", "reaches no tier")
        if reached:
            is_at = Text(f"达到{named(reached - 1).zh}", f"reaches {named(reached - 1).en}")
        if reached == len(tiers.steps):
            return Text(f"{counted.zh},{is_at.zh},为最高档", f"{counted.en} {is_at.en}, the highest")
        lacking, following = number(tiers.steps[reached].start - count), named(reached)
        return Text(
            f"{counted.zh},{is_at.zh},距{following.zh}还差 {lacking}",
            f"{counted.en} {is_at.en}, {lacking} short of {following.en}",
        )

    def _inline_result(self, term: Term, at: _Values) -> Text:
        if term.op in ("fact", "parameter", "step", "constant", "exact"):
            return self._inline(term, at)
        return self._shown(term, at.value(term))

    def _inline(self, term: Term, at: _Values) -> Text:
        """A term with its names and values, on one line."""
        if term.op == "exact":
            return self._inline(term.args[0], at)
        if term.op == "constant":
            return self._shown(term, term.data)
        if term.op in ("fact", "parameter", "step"):
            title, value = self._title(term), self._shown(term, at.value(term))
            return Text(f"{title.zh} {value.zh}", f"{title.en} {value.en}")
        if term.op in _BINDS:
            return _composed(term, lambda arg: self._inline(arg, at))
        args = [self._inline(arg, at) for arg in term.args]
        if term.op == "not":
            return Text(f"非({args[0].zh})", f"not ({args[0].en})")
        if term.op == "among":
            return Text(f"{args[0].zh} 属于 {args[1].zh}", f"{args[0].en} is among {args[1].en}")
        if term.op == "overlaps":
            return Text(f"{args[0].zh} 至少一项属于 {args[1].zh}", f"{args[0].en} has one of {args[1].en}")
        return self._shown(term, at.value(term))

    def _title(self, term: Term) -> Text:
        if term.op == "fact":
            return self.trace.facts[term.data].title
        if term.op == "parameter":
            return self.titles[term.data]
        return self.trace.steps[term.data].step.title

    @staticmethod
    def _shown(term: Term, value: Any) -> Text:
        if term.kind is Kind.MONEY:
            return money(value)
        if term.kind is Kind.EXACT:
            digits = number((Decimal(value) / EXACT_PER_FEN / 100).normalize(), 2)
            exact = Decimal(value) / EXACT_PER_FEN / 100
            if exact != exact.quantize(Decimal("0.01")):
                digits = f"{exact.normalize():,f}"
            return Text(f"{digits} 元", f"{digits} yuan")
        if term.kind is Kind.TRUTH:
            return Text("是", "yes") if value else Text("否", "no")
        if term.kind is Kind.CHOICES:
            return join([title_of(item) for item in sorted(value)])
        if isinstance(value, StrEnum):
            return title_of(value)
        if term.kind is Kind.CHOICE and term.choices is not None:
            return title_of(term.choices(value))
        if term.kind in (Kind.YEAR, Kind.DAY):
            return Text(str(value), str(value))
        if isinstance(value, Years | Tiers):
            return kind_of(type(value)).show(value)
        if term.kind is Kind.RATE:
            digits = f"{Decimal(value) / 100:f}%"
            return Text(digits, digits)
        return Text(number(value), number(value))

    # --- near misses ---

    def _conditions(self, term: Term) -> list[Term]:
        if term.op == "and":
            return [part for arg in term.args for part in self._conditions(arg)]
        return [term]

    def _misses(self, term: Term, at: _Values, wanted: bool) -> list[Miss]:
        if term.op == "not":
            return self._misses(term.args[0], at, not wanted)
        if term.op in ("and", "or"):
            return [miss for arg in term.args if at.value(arg) is not wanted for miss in self._misses(arg, at, wanted)]
        if term.op in _COMPARED:
            return [self._comparison(term, at, wanted)]
        if term.op in ("among", "overlaps"):
            return [self._outside(term, at, wanted)]
        return []

    def _comparison(self, term: Term, at: _Values, wanted: bool) -> Miss:
        left, right = term.args
        op = term.op if wanted else _NEGATED[term.op]
        a, b = at.value(left), at.value(right)
        by = None
        if left.kind in (Kind.MONEY, Kind.EXACT, Kind.NUMBER, Kind.YEAR):
            by = {"ge": b - a, "gt": b - a + 1, "le": a - b, "lt": a - b + 1, "eq": abs(a - b), "ne": 0}[op]
        bound = self._shown(right, b)
        needed = Text(f"{_SIGNS[op]} {bound.zh}", f"{_SIGNS[op]} {bound.en}")
        return self._miss(left, a, needed, by)

    def _outside(self, term: Term, at: _Values, wanted: bool) -> Miss:
        value, allowed = at.value(term.args[0]), at.value(term.args[1])
        by = None
        if isinstance(allowed, Years) and wanted:
            by = max(allowed.first - value, value - allowed.last)
        shown = self._shown(term.args[1], allowed)
        needed = shown if wanted else Text(f"不属于 {shown.zh}", f"not {shown.en}")
        return self._miss(term.args[0], value, needed, by)

    def _miss(self, term: Term, value: Any, needed: Text, by: int | None) -> Miss:
        gap = None
        if by is not None:
            gap = (
                self._shown(term, by)
                if term.kind is not Kind.YEAR
                else Text(f"{by} 年", f"{by} year{'s' if by != 1 else ''}")
            )
        return Miss(self._name(term), self._shown(term, value), needed, term.kind, by, gap)

    def _name(self, term: Term) -> Text:
        if term.op in ("fact", "parameter", "step"):
            return self._title(term)
        if term.op == "exact":
            return self._name(term.args[0])
        if term.op in _SIGNS and term.op != "share":
            return _composed(term, self._name)
        return Text("计算结果", "the result")


def _bare(term: Term) -> Term:
    """A term without the change of unit round it, which says nothing to a reader."""
    return term.args[0] if term.op == "exact" else term


def _composed(term: Term, say: Callable[[Term], Text]) -> Text:
    """What an operation says of its two sides, in brackets where the usual precedence would read them otherwise."""
    said = []
    for position, arg in enumerate(term.args):
        own, outer, text = _BINDS.get(_bare(arg).op), _BINDS[term.op], say(arg)
        apart = own is not None and (own < outer or (own == outer and position == 1 and term.op == "sub"))
        said.append(Text(f"({text.zh})", f"({text.en})") if apart else text)
    if term.op in ("and", "or"):
        return join(said, "且" if term.op == "and" else "或", f" {term.op} ")
    return join(said, f" {_SIGNS[term.op]} ", f" {_SIGNS[term.op]} ")


def _flat(term: Term) -> list[Term]:
    """The parts of a sum of sums."""
    return [part for arg in term.args for part in (_flat(arg) if arg.op == "add" and arg.kind is Kind.EXACT else [arg])]


class _Values:
    """The value of any term for one household."""

    def __init__(self, facts: Any, parameters: Any, steps: Mapping[str, Any]) -> None:
        self.facts, self.parameters, self.steps = facts, parameters, steps

    def value(self, term: Term) -> Any:
        if term.op == "fact":
            return getattr(self.facts, term.data)
        if term.op == "parameter":
            return getattr(self.parameters, term.data)
        if term.op == "step":
            return self.steps[term.data]
        if term.op == "constant":
            return term.data
        args = [self.value(arg) for arg in term.args]
        if term.op == "round":
            return term.data.whole_fen(args[0]) if term.args[0].kind is Kind.EXACT else max(args[0], 0)
        return _OPS[term.op](*args)
