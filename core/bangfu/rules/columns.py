"""The same book over a whole population, as Polars columns.

A column engine must agree with the plain one to the fen. Native null handling does not (the least of null and a
cap is the cap), so a step that reads a fact with any null is masked by the trace: where one of its facts is
unknown, the step is unknown. Steps are computed in layers, each once.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache, reduce
from typing import Any, Literal

import polars as pl

from bangfu.errors import Code, Problem, Refused
from bangfu.policy import Tiers, Years
from bangfu.rules.book import Outcome, Rounding, RuleBook, StepKind, Trace
from bangfu.rules.facts import FactSpec, Kind
from bangfu.rules.trace import EXACT_PER_FEN, Term

OUTCOMES = pl.Enum([outcome.value for outcome in Outcome])
STREAM_FROM = 100_000
"""Rows from which Polars' streaming engine is the faster one; below it, its start-up costs more than the work."""
_AS_WRITTEN = pl.QueryOptFlags.none()
"""The layers already compute each step once: looking for more to save costs more than it saves."""

_DTYPES: dict[Kind, Any] = {
    Kind.MONEY: pl.Int64,
    Kind.NUMBER: pl.Int64,
    Kind.YEAR: pl.Int64,
    Kind.TRUTH: pl.Boolean,
    Kind.DAY: pl.String,  # as it is kept; no rule computes with it
}
_BINARY: dict[str, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "share": operator.mul,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
    "eq": operator.eq,
    "ne": operator.ne,
    "and": operator.and_,
    "or": operator.or_,
}


def dtype(spec: FactSpec) -> Any:
    """The column type of a fact: a list of choices is a number with one bit a choice, in the order of their
    declaration."""
    if spec.kind is Kind.CHOICES:
        return pl.Int64
    return _DTYPES[spec.kind] if spec.choices is None else pl.Enum([member.value for member in spec.choices])


def bits(choices: type[StrEnum], values: Iterable[str]) -> int:
    """A list of choices as one number."""
    order = list(choices)
    return sum(1 << order.index(choices(value)) for value in set(values))


def frame(book: type[RuleBook[Any, Any]], columns: Mapping[str, Sequence[Any]]) -> pl.DataFrame:
    """A frame of facts, one column a fact and one row a household; None is unknown."""
    specs = book.traced().facts
    return pl.DataFrame(
        {name: pl.Series(name, _wire(spec, columns[name]), dtype(spec), strict=True) for name, spec in specs.items()}
    )


def _wire(spec: FactSpec, values: Sequence[Any]) -> Sequence[Any]:
    if spec.kind is not Kind.CHOICES or spec.choices is None:
        return values
    known: dict[tuple[str, ...] | None, int | None] = {None: None}  # few different lists, many households
    keys = [None if value is None else tuple(value) for value in values]
    for key in set(keys) - set(known):
        known[key] = bits(spec.choices, key or ())
    return [known[key] for key in keys]


def out_of_bounds(book: type[RuleBook[Any, Any]], data: pl.DataFrame) -> dict[int, Problem]:
    """The rows that hold a value outside the declared bounds of its fact, each with a ``FACT_OUT_OF_BOUNDS``."""
    found: dict[int, Problem] = {}
    for spec in book.traced().bounded:
        column = data[spec.name]
        low, high = column.min(), column.max()
        if low is None or high is None or (low >= spec.lowest and high <= spec.largest):  # type: ignore[operator]
            continue
        for row in ((column < spec.lowest) | (column > spec.largest)).arg_true():
            found[row] = Code.FACT_OUT_OF_BOUNDS.problem(
                "facts", spec.name, fact=spec.title, value=column[row], low=spec.lowest, high=spec.largest
            )
    return found


def decide_each(
    book: type[RuleBook[Any, Any]], raw: Mapping[str, Sequence[Any]], parameters: Any
) -> tuple[Iterator[tuple[int, dict[str, Any]]], dict[int, Problem]]:
    """What :func:`decide_all` says of each row that can be computed with, by its place, and the problem of each other
    one."""
    data = frame(book, raw)
    faults = out_of_bounds(book, data)
    good = [row for row in range(len(data)) if row not in faults]
    results = decide_all(book, data[good] if faults else data, parameters)
    return zip(good, results.iter_rows(named=True), strict=True), faults


def decide_all(book: type[RuleBook[Any, Any]], data: pl.DataFrame, parameters: Any) -> pl.DataFrame:
    """Every step of the book for every row of ``data``, with ``outcome`` and ``payable`` (fen).

    The columns are named after the steps; null is unknown. Equal to :meth:`RuleBook.decide` row by row. Refuses
    ``FACT_OUT_OF_BOUNDS`` like it.
    """
    trace = book.traced()
    if faults := out_of_bounds(book, data):
        raise Refused(faults.values())
    with_nulls = frozenset(name for name in trace.used_facts if data[name].null_count())
    lazy = data.lazy()
    for layer in _layers(trace, parameters, with_nulls):
        lazy = lazy.with_columns(layer)
    engine: Literal["streaming", "in-memory"] = "streaming" if data.height > STREAM_FROM else "in-memory"
    return lazy.select(*trace.steps, "outcome", "payable").collect(engine=engine, optimizations=_AS_WRITTEN)


@lru_cache(maxsize=256)
def _layers(trace: Trace, parameters: Any, with_nulls: frozenset[str]) -> tuple[tuple[pl.Expr, ...], ...]:
    """The columns to compute, layer by layer; a book has few sets of parameters, so they are built once."""
    layers = [tuple(_column(trace, name, parameters, with_nulls) for name in layer) for layer in trace.layers]
    unmet, unknown = _unmet(trace), _unknown(trace, with_nulls)
    outcome = pl.when(unmet).then(_code(Outcome.REFUSED)).when(unknown).then(_code(Outcome.INCOMPLETE))
    payable = pl.when(unmet | unknown).then(_literal(0)).otherwise(pl.col("award"))
    result = (outcome.otherwise(_code(Outcome.ELIGIBLE)).cat.to(OUTCOMES).alias("outcome"), payable.alias("payable"))
    return (*layers, result)


def _column(trace: Trace, name: str, parameters: Any, with_nulls: frozenset[str]) -> pl.Expr:
    traced = trace.steps[name]
    value = _expression(traced.term, parameters)
    unknown = sorted(traced.facts & with_nulls)
    if unknown:
        known = reduce(operator.and_, (pl.col(fact).is_not_null() for fact in unknown))
        value = pl.when(known).then(value).otherwise(None)
    return value.alias(name)


def _code(outcome: Outcome) -> pl.Expr:
    """An outcome as its position, which a column of choices stores: a third of the cost of writing words."""
    return pl.lit(list(Outcome).index(outcome), pl.UInt8)


def _unmet(trace: Trace) -> pl.Expr:
    """Whether some criterion fails; an unknown one does not."""
    return _any(pl.col(name).not_().fill_null(False) for name in trace.criteria)


def _unknown(trace: Trace, with_nulls: frozenset[str]) -> pl.Expr:
    """Whether a criterion or an amount is unknown."""
    possible = (
        pl.col(name).is_null()
        for name, traced in trace.steps.items()
        if traced.step.kind is not StepKind.STEP and traced.facts & with_nulls
    )
    return _any(possible)


def _expression(term: Term, parameters: Any) -> pl.Expr:
    if term.op in ("fact", "step"):
        return pl.col(term.data)
    if term.op == "parameter":
        return _literal(getattr(parameters, term.data))
    if term.op == "constant":
        return _literal(term.data)
    if term.op in _BY_PARAMETER:
        return _BY_PARAMETER[term.op](term, parameters)
    args = [_expression(arg, parameters) for arg in term.args]
    if term.op in _BINARY:
        return _BINARY[term.op](args[0], args[1])
    if term.op == "exact":
        return args[0] * _literal(EXACT_PER_FEN)
    if term.op == "least":
        return pl.min_horizontal(args)
    if term.op == "greatest":
        return pl.max_horizontal(args)
    if term.op == "choose":
        return pl.when(args[0]).then(args[1]).otherwise(args[2])
    if term.op == "not":
        return args[0].not_()
    if term.op == "round":
        gained = pl.max_horizontal(args[0], _literal(0))
        if term.args[0].kind is Kind.MONEY:
            return gained
        rounding: Rounding = term.data
        return (gained + _literal(rounding.added)) // _literal(EXACT_PER_FEN)
    raise AssertionError(f"no column form of {term.op}")


def _literal(value: Any) -> pl.Expr:
    """A value of a rule as a column; a number always in 64 bits, for Polars takes a bare one for a smaller type."""
    return pl.lit(value, pl.Int64) if type(value) is int else pl.lit(value)


def _membership(term: Term, parameters: Any) -> pl.Expr:
    value, allowed = _expression(term.args[0], parameters), getattr(parameters, term.args[1].data)
    if isinstance(allowed, Years):
        return (value >= _literal(allowed.first)) & (value <= _literal(allowed.last))
    if term.op == "among":
        return _any(value == member.value for member in sorted(allowed))
    choices = term.args[0].choices
    assert choices is not None
    return (value & _literal(bits(choices, allowed))) != _literal(0)


def _tiered(term: Term, parameters: Any) -> pl.Expr:
    tiers: Tiers = getattr(parameters, term.args[-1].data)
    if term.op == "lowest_tier":
        return _literal(tiers.steps[0].start)
    count, amount = _expression(term.args[0], parameters), _literal(0)
    for step in tiers.steps:
        amount = pl.when(count >= _literal(step.start)).then(_literal(step.fen)).otherwise(amount)
    return amount


_BY_PARAMETER: dict[str, Callable[[Term, Any], pl.Expr]] = {
    "among": _membership,
    "overlaps": _membership,
    "tier": _tiered,
    "lowest_tier": _tiered,
}
"""What is made from the very value of a parameter, and not from a column of it."""


def _any(conditions: Iterable[pl.Expr]) -> pl.Expr:
    """Whether one of several conditions holds; none holds of none."""
    anything: pl.Expr = reduce(operator.or_, conditions, pl.lit(False))
    return anything
