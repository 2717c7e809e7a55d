"""A rule book: the clauses of a programme, each written once, deciding for one household or a whole county.

``RuleBook`` is subclassed by a programme::

    class Consolidation(RuleBook[Facts, Parameters]):
        @criterion(cites="fenjin-2021#二(二)1")
        def left_poverty_in_the_cohort(self) -> bool:
            '''The household left poverty in one of the years that the plan covers.
            该户在方案覆盖的年度内脱贫。
            '''
            return among(self.facts.exit_year, self.p.cohort_exit_years)

        @amount(cites="fenjin-2021#二(二)3", rounds=Rounding.HALF_UP)
        def award(self) -> int: ...

Every criterion is always evaluated, so a refusal names every failing clause. A missing fact makes every step that
reads it, directly or through other steps, unknown; unknown never counts as met.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cached_property
from operator import attrgetter
from types import FunctionType
from typing import Any, ClassVar, Generic, TypeVar, cast, get_args, get_type_hints, overload

from bangfu.errors import Code, Problem, Refused
from bangfu.policy import Citation, Rate, Tiers, Years
from bangfu.rules.facts import FactSpec, Kind, facts_of, kind_of_type
from bangfu.rules.trace import EXACT_PER_FEN, LARGEST_INTEGER, RuleError, Term, refuse
from bangfu.rules.words import Exact
from bangfu.text import Text

F = TypeVar("F")
P = TypeVar("P")
V = TypeVar("V")

SEMANTICS = "rules/1"
"""The meaning of the vocabulary. It is part of every book's hash; a change of meaning changes every hash."""


class Rounding(StrEnum):
    """How an amount becomes whole fen, once, at its end. Amounts are never negative: a loss counts as zero."""

    HALF_UP = "half_up"
    DOWN = "down"
    UP = "up"

    @property
    def added(self) -> int:
        """What is added, in ten-thousandths of a fen, before whole fen are cut off."""
        return _ADDED[self]

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return {
            Rounding.HALF_UP: Text("四舍五入到分", "rounded half up to the fen"),
            Rounding.DOWN: Text("舍去不足一分的部分", "cut to whole fen"),
            Rounding.UP: Text("不足一分按一分计", "raised to whole fen"),
        }[self]

    def whole_fen(self, units: int) -> int:
        """An exact amount, in ten-thousandths of a fen, as whole fen of at least 0."""
        return (units + _ADDED[self]) // EXACT_PER_FEN if units > 0 else 0


_ADDED = {Rounding.HALF_UP: EXACT_PER_FEN // 2, Rounding.DOWN: 0, Rounding.UP: EXACT_PER_FEN - 1}


class StepKind(StrEnum):
    """What a named step of a book is for."""

    CRITERION = "criterion"
    STEP = "step"
    AMOUNT = "amount"


class Step(Generic[V]):
    """A named step of a book, read like an attribute; its value is computed once per household."""

    def __init__(self, kind: StepKind, body: Callable[[Any], V], cites: str, rounds: Rounding | None) -> None:
        self.kind = kind
        self.body = body
        self.cites = Citation.parse(cites)
        self.rounds = rounds
        self.name = body.__name__
        self.title = _bilingual(body)

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Step[V]: ...
    @overload
    def __get__(self, instance: RuleBook[Any, Any], owner: type) -> V: ...
    def __get__(self, instance: RuleBook[Any, Any] | None, owner: type) -> V | Step[V]:
        if instance is None:
            return self
        tracer = instance._tracer
        return cast(V, self.value(instance) if tracer is None else tracer.step(self.name))

    def value(self, book: RuleBook[Any, Any]) -> Any:
        """The value of the step for one household, computed once."""
        known, name = book.__dict__, self.name
        if name in known:
            return known[name]
        value: Any = self.body(book)
        if self.rounds is not None:
            value = self.rounds.whole_fen(Exact.units_of(value))
        # Not a data descriptor: the instance's own entry is what the next reading finds.
        known[name] = value
        return value


def criterion(*, cites: str) -> Callable[[Callable[[Any], bool]], Step[bool]]:
    """A condition that the household must meet, with the clause that says so. Its docstring states it in English,
    then Chinese."""
    return lambda body: Step(StepKind.CRITERION, body, cites, None)


def step(*, cites: str) -> Callable[[Callable[[Any], V]], Step[V]]:
    """A named intermediate result that explanations show and other steps read."""
    return lambda body: Step(StepKind.STEP, body, cites, None)


def amount(*, cites: str, rounds: Rounding) -> Callable[[Callable[[Any], int]], Step[int]]:
    """An amount of money in fen, rounded once by the stated rule and never below zero. The one named ``award`` is
    paid."""
    return lambda body: Step(StepKind.AMOUNT, body, cites, rounds)


def _bilingual(body: Callable[[Any], Any]) -> Text:
    lines = [line.strip() for line in (body.__doc__ or "").strip().splitlines() if line.strip()]
    if len(lines) != 2 or not lines[0].isascii() or lines[1].isascii():
        raise RuleError(f"{body.__qualname__}: the docstring is one line in English and one in Chinese")
    return Text(lines[1].rstrip("。"), lines[0].rstrip("."))


class Outcome(StrEnum):
    """What a determination comes to."""

    ELIGIBLE = "eligible"
    REFUSED = "refused"
    INCOMPLETE = "incomplete"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return {
            Outcome.ELIGIBLE: Text("符合条件", "eligible"),
            Outcome.REFUSED: Text("不符合条件", "not eligible"),
            Outcome.INCOMPLETE: Text("资料不全", "incomplete"),
        }[self]


@dataclass(frozen=True, slots=True)
class Determination:
    """What a book says of one household. It is data, not an error, also when it says no.

    ``values`` holds every step by name: criteria as True, False or None (unknown); amounts in fen; exact steps in
    ten-thousandths of a fen. ``payable`` is the award in fen if the household is eligible, else 0. ``missing`` names
    the unknown facts that a step needed. Refused means that some criterion fails whatever the missing facts may turn
    out to be.
    """

    outcome: Outcome
    values: Mapping[str, int | bool | str | None]
    payable: int
    missing: tuple[str, ...]

    def unmet(self, book: type[RuleBook[Any, Any]]) -> tuple[str, ...]:
        """The names of the criteria that are not met."""
        return tuple(name for name in book.traced().criteria if self.values[name] is False)


@dataclass(frozen=True, eq=False)
class TracedStep:
    """One step as the trace found it."""

    step: Step[Any]
    term: Term
    facts: frozenset[str]
    """Every fact that it reads, directly or through other steps."""
    depth: int
    """The layer in which columns compute it: one above the highest step that it reads."""


@dataclass(frozen=True, eq=False)
class PlainForm:
    """What deciding one household goes through, laid out beforehand: it is done a million times."""

    read: Callable[[Any], tuple[Any, ...]]
    """The values of all facts."""
    bounds: tuple[tuple[int, int, int], ...]
    """The position, least and largest value of each fact that has bounds."""
    used: tuple[str | None, ...]
    """The name of each fact, where some step reads it."""
    steps: tuple[tuple[str, Step[Any], frozenset[str], bool], ...]
    """Each step with the facts behind it, and whether it is money before rounding."""


@dataclass(frozen=True, eq=False)
class Trace:
    """A book's text as trees: what columns, hashes and explanations are made from."""

    facts: Mapping[str, FactSpec]
    parameters: Mapping[str, Kind]
    steps: Mapping[str, TracedStep]

    @cached_property
    def criteria(self) -> tuple[str, ...]:
        """The names of the criteria, in the order of the text."""
        return tuple(n for n, s in self.steps.items() if s.step.kind is StepKind.CRITERION)

    @cached_property
    def layers(self) -> tuple[tuple[str, ...], ...]:
        """The steps in layers: every step reads only facts, parameters and steps of lower layers."""
        depth = max(s.depth for s in self.steps.values())
        return tuple(tuple(n for n, s in self.steps.items() if s.depth == d) for d in range(depth + 1))

    @cached_property
    def used_facts(self) -> tuple[str, ...]:
        """The facts that some step reads."""
        return tuple(f for f in self.facts if any(f in s.facts for s in self.steps.values()))

    @cached_property
    def bounded(self) -> tuple[FactSpec, ...]:
        """The facts whose values have bounds."""
        return tuple(s for s in self.facts.values() if s.kind in (Kind.MONEY, Kind.NUMBER, Kind.YEAR))

    @cached_property
    def plain(self) -> PlainForm:
        """The book as plain Python goes through it."""
        return PlainForm(
            attrgetter(*self.facts)
            if len(self.facts) > 1
            else lambda facts: tuple(getattr(facts, n) for n in self.facts),
            tuple((i, s.lowest, s.largest) for i, s in enumerate(self.facts.values()) if s in self.bounded),
            tuple(name if name in self.used_facts else None for name in self.facts),
            tuple((name, s.step, s.facts, s.term.kind is Kind.EXACT) for name, s in self.steps.items()),
        )

    @cached_property
    def version(self) -> str:
        """The hash of what the book means: its trees, rounding, clauses and facts, not its layout or wording."""
        meaning = {
            "semantics": SEMANTICS,
            "facts": {
                name: [spec.kind, repr(spec.source), spec.lowest, spec.largest] for name, spec in self.facts.items()
            },
            "steps": {
                name: [s.step.kind, str(s.step.cites), s.step.rounds, s.term.canonical()]
                for name, s in self.steps.items()
            },
        }
        text = json.dumps(meaning, ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


class _Tracer:
    """Runs each step of a book once on terms."""

    def __init__(self, book: type[RuleBook[Any, Any]], facts: type, parameters: type) -> None:
        self.book = book
        self.declared = book.steps()
        self.fact_specs = facts_of(facts)
        hints = get_type_hints(parameters)
        self.kinds = {f.name: _parameter_kind(hints[f.name]) for f in fields(parameters)}
        self.done: dict[str, TracedStep] = {}
        self.open: list[str] = []
        self.instance = book(
            _Names({n: Term.of_fact(s) for n, s in self.fact_specs.items()}, "fact"),
            _Names({n: Term.of_parameter(n, *k) for n, k in self.kinds.items()}, "parameter"),
        )
        self.instance._tracer = self

    def trace(self) -> Trace:
        for name in self.declared:
            self.step(name)
        ordered = {name: self.done[name] for name in self.declared}
        return Trace(self.fact_specs, {n: k for n, (k, _) in self.kinds.items()}, ordered)

    def step(self, name: str) -> Term:
        if name not in self.done:
            if name in self.open:
                raise RuleError(f"{self.book.__qualname__}: {' → '.join([*self.open, name])} goes in a circle")
            declared = self.declared[name]
            self.open.append(name)
            result = declared.body(self.instance)
            self.open.pop()
            self.done[name] = self._traced(declared, result)
        return Term.of_step(name, self.done[name].term)

    def _traced(self, declared: Step[Any], result: Any) -> TracedStep:
        where = f"{self.book.__qualname__}.{declared.name}"
        if not isinstance(result, Term):
            raise RuleError(f"{where} is always {result!r}: it reads no fact; return a term")
        wanted = {StepKind.CRITERION: (Kind.TRUTH,), StepKind.AMOUNT: (Kind.MONEY, Kind.EXACT)}.get(declared.kind)
        if wanted and result.kind not in wanted:
            raise RuleError(f"{where} gives {result.kind}; a {declared.kind} gives {' or '.join(wanted)}")
        if result.kind in (Kind.OTHER, Kind.DAY, Kind.RATE, Kind.YEARS, Kind.TIERS, Kind.CHOICES):
            raise RuleError(f"{where} gives {result.kind}, which is not a result")
        read = [self.done[name] for name in result.leaves("step")]
        facts = frozenset(result.leaves("fact")).union(*(s.facts for s in read))
        if not facts:
            raise RuleError(f"{where} reads no fact")
        if declared.rounds is not None:
            high = max(0, result.high)
            if result.kind is Kind.EXACT:
                if high + declared.rounds.added > LARGEST_INTEGER:
                    raise RuleError(f"{where} could exceed 64-bit integers; lower the largest value of its facts")
                high = (high + declared.rounds.added) // EXACT_PER_FEN
            result = Term("round", Kind.MONEY, (result,), declared.rounds, 0, high)
        return TracedStep(declared, result, facts, max((s.depth + 1 for s in read), default=0))


class _Names:
    """The facts or parameters of a trace by name; an unknown name is an error of the rule text."""

    def __init__(self, terms: dict[str, Term], what: str) -> None:
        self.__dict__.update(terms)
        self.__dict__["what of"] = what

    def __getattr__(self, name: str) -> Term:
        refuse(f"the rule text reads the {self.__dict__['what of']} {name!r}, which is not declared", "declare it")


def _parameter_kind(annotation: Any) -> tuple[Kind, type[StrEnum] | None]:
    if annotation is Rate:
        return Kind.RATE, None
    if annotation is Years:
        return Kind.YEARS, None
    if annotation is Tiers:
        return Kind.TIERS, None
    return kind_of_type(annotation)


class RuleBook(Generic[F, P]):
    """The clauses of a programme as criteria, steps and amounts over its ``Facts`` and ``Parameters``."""

    facts: F
    p: P
    _tracer: _Tracer | None = None
    _trace: ClassVar[Trace | None] = None

    def __init__(self, facts: F, parameters: P) -> None:
        self.facts = facts
        self.p = parameters

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls._trace = None

    @classmethod
    def steps(cls) -> dict[str, Step[Any]]:
        """Every step by name, in the order of the text."""
        return {
            name: value
            for klass in reversed(cls.__mro__)
            for name, value in vars(klass).items()
            if isinstance(value, Step)
        }

    @classmethod
    def types(cls) -> tuple[type, type]:
        """The ``Facts`` and ``Parameters`` types that the book is written over."""
        for base in getattr(cls, "__orig_bases__", ()):
            if getattr(base, "__origin__", None) is RuleBook:
                facts, parameters = get_args(base)
                return facts, parameters
        raise RuleError(f"{cls.__qualname__} must be declared as RuleBook[Facts, Parameters]")

    @classmethod
    def traced(cls) -> Trace:
        """The book's trace, made once; :class:`RuleError` says what its text may not do, where, and what to do
        instead."""
        if cls._trace is None:
            _check_source(cls)
            if "award" not in cls.steps() or cls.steps()["award"].kind is not StepKind.AMOUNT:
                raise RuleError(f"{cls.__qualname__} needs an amount named award")
            cls._trace = _Tracer(cls, *cls.types()).trace()
        return cls._trace

    @classmethod
    def decide(cls, facts: F, parameters: P) -> Determination:
        """Decide one household on plain values; None is an unknown fact.

        Refuses ``FACT_OUT_OF_BOUNDS`` for a value outside its declared bounds.
        """
        form = cls.traced().plain
        given = form.read(facts)
        for position, low, high in form.bounds:
            value = given[position]
            if value is not None and not low <= value <= high:
                raise Refused(_out_of_bounds(cls.traced(), facts))
        missing: tuple[str, ...] = ()
        if None in given:
            missing = tuple(name for name, value in zip(form.used, given, strict=True) if name and value is None)
        book = cls(facts, parameters)
        values: dict[str, int | bool | str | None] = {}
        unmet = unknown = False
        for name, step, reads, exact in form.steps:
            if missing and not reads.isdisjoint(missing):
                values[name] = None
                unknown = unknown or step.kind is not StepKind.STEP
                continue
            value = step.value(book)
            values[name] = Exact.units_of(value) if exact else value
            if value is False and step.kind is StepKind.CRITERION:
                unmet = True
        outcome = Outcome.REFUSED if unmet else Outcome.INCOMPLETE if unknown else Outcome.ELIGIBLE
        payable = cast(int, values["award"]) if outcome is Outcome.ELIGIBLE else 0
        return Determination(outcome, values, payable, missing)


def _out_of_bounds(trace: Trace, facts: Any) -> list[Problem]:
    """One problem for each fact whose value is outside its declared bounds."""
    return [
        Code.FACT_OUT_OF_BOUNDS.problem(
            "facts", spec.name, fact=spec.title, value=value, low=spec.lowest, high=spec.largest
        )
        for spec in trace.bounded
        if (value := getattr(facts, spec.name)) is not None and not spec.lowest <= value <= spec.largest
    ]


_FORBIDDEN: dict[type[ast.AST], tuple[str, str]] = {
    ast.BoolOp: ("and / or", "use & or | between bracketed comparisons"),
    ast.Not: ("not", "use not_(condition)"),
    ast.Invert: ("~", "use not_(condition)"),
    ast.If: ("if", "use choose(condition, value, other value)"),
    ast.IfExp: ("if … else", "use choose(condition, value, other value)"),
    ast.Match: ("match", "use choose(condition, value, other value)"),
    ast.In: ("in", "use among(value, list)"),
    ast.NotIn: ("not in", "use not_(among(value, list))"),
    ast.Is: ("is", "a missing fact makes the step unknown by itself; compare with =="),
    ast.IsNot: ("is not", "a missing fact makes the step unknown by itself; compare with !="),
    ast.For: ("a loop", "use the vocabulary of bangfu.rules"),
    ast.While: ("a loop", "use the vocabulary of bangfu.rules"),
    ast.comprehension: ("a comprehension", "use the vocabulary of bangfu.rules"),
    ast.Try: ("try", "a rule has no errors of its own"),
    ast.With: ("with", "a rule opens nothing"),
    ast.Lambda: ("lambda", "write the expression out"),
    ast.Div: ("division", "use share(amount, rate); compare products instead of quotients"),
    ast.FloorDiv: ("division", "use share(amount, rate); rounding is stated by the amount"),
    ast.Mod: ("%", "use share(amount, rate)"),
    ast.Pow: ("a power", "use the vocabulary of bangfu.rules"),
}
_STATEMENTS = (ast.Assign, ast.AnnAssign, ast.Return, ast.Expr)
_VOCABULARY = "bangfu.rules.words"


def _check_source(book: type[RuleBook[Any, Any]]) -> None:
    """Refuse what a trace would run through without noticing, such as ``is None``, and whatever could have an effect or
    no end: a rule names values, calls the vocabulary and helpers like itself, and returns."""
    looked_at: set[Any] = set()
    for declared in book.steps().values():
        _check_function(declared.body, looked_at)


def _check_function(body: Any, looked_at: set[Any]) -> None:
    if body in looked_at:
        return
    looked_at.add(body)
    if hasattr(body, "__wrapped__"):
        raise RuleError(f"{body.__qualname__} is wrapped by something else; a rule and its helpers are plain functions")
    try:
        lines, first = inspect.getsourcelines(body)
    except (OSError, TypeError) as error:
        raise RuleError(f"{body.__qualname__}: the source of a rule must be readable") from error
    path = inspect.getsourcefile(body)
    (function,) = ast.parse(textwrap.dedent("".join(lines))).body
    if not isinstance(function, ast.FunctionDef):
        raise RuleError(f"{path}:{first}: {body.__qualname__} is not a plain function; write def")
    for node in (node for statement in function.body for node in ast.walk(statement) if hasattr(node, "lineno")):
        called = body.__globals__.get(getattr(node.func, "id", None)) if isinstance(node, ast.Call) else None
        own = getattr(called, "__module__", None) == _VOCABULARY
        if isinstance(called, FunctionType) and not own:
            _check_function(called, looked_at)
            own = True
        fault = _fault(node, own)
        if fault:
            raise RuleError(f"{path}:{first - 1 + node.lineno}: {fault[0]} in a rule; {fault[1]}")


def _fault(node: Any, may_be_called: bool) -> tuple[str, str] | None:
    """What a part of a rule's text does that a rule may not do, and what to write instead."""
    # An operator carries no line of its own; it stands on the line of its expression.
    for part in (node, *(child for child in ast.iter_child_nodes(node) if not hasattr(child, "lineno"))):
        if type(part) in _FORBIDDEN:
            return _FORBIDDEN[type(part)]
    if isinstance(node, ast.stmt) and not isinstance(node, _STATEMENTS):
        return type(node).__name__.lower(), "a rule gives names to values and returns one"
    if isinstance(node, ast.Attribute | ast.Subscript | ast.Starred) and isinstance(node.ctx, ast.Store):
        return "something that is set", "a rule gives names to values and returns one"
    if isinstance(node, ast.Compare) and len(node.ops) > 1:
        return "a chained comparison", "write (a <= b) & (b <= c)"
    if isinstance(node, ast.Call) and not may_be_called and not isinstance(node.func, ast.Lambda):
        return f"{ast.unparse(node.func)}()", "use least, greatest, choose, among, share or +"
    return None
