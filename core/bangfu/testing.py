"""For plugin authors: a pytest plugin that runs the worked examples of ``cases.toml`` and the proof that both engines
agree.

Any ``cases.toml`` below the test paths is collected. Each ``[[case]]`` is one test: decided on plain values and on
columns, which must agree, and held against what is expected; its explanation must exist in both languages. One more
test holds both engines together on generated facts: unknown, zero, one, odd fen, losses where allowed, the values
round every parameter, and the largest.

.. code-block:: toml

    programme = "consolidation"
    period = "2021"

    [county]                # what a county would set, checked like its provisions
    cohort_exit_years = { from = 2016, to = 2019 }

    [facts]                 # what holds unless a case says otherwise; amounts in yuan
    breeding = "0.00"

    [[case]]
    name = "the cap"
    facts = { breeding = "8000.00" }
    unknown = ["exit_year"]
    expect = { outcome = "incomplete", missing = ["exit_year"], award = "1600.00" }

Beside the steps of the book, ``outcome``, ``payable``, ``unmet``, ``missing``, ``missed_by`` and ``instalments`` may be
expected; the last is what is payable in the parts of the programme's ``Shares``.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bangfu.policy import Fen as FenType
from bangfu.policy import Shares, Tiers, Years, build, kind_of
from bangfu.programme import Programme, installed
from bangfu.rules import columns
from bangfu.rules.book import Determination, Outcome, RuleBook
from bangfu.rules.explain import Explainer
from bangfu.rules.facts import FactSpec, Kind
from bangfu.selection import instalments
from bangfu.text import LANGUAGES, parse_yuan, yuan_digits

GENERATED = 400


# --- the two engines ------------------------------------------------------------------------------------------


def on_columns(book: type[RuleBook[Any, Any]], facts: Iterable[Any], parameters: Any) -> list[Determination]:
    """Decide households by the column engine, one determination each."""
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
    return sorted(value) if isinstance(value, frozenset) else value


def check_parity(book: type[RuleBook[Any, Any]], facts: Iterable[Any], parameters: Any) -> None:
    """Fail with the first household on which plain values and columns differ."""
    rows = list(facts)
    for row, by_columns in zip(rows, on_columns(book, rows, parameters), strict=True):
        plain = book.decide(row, parameters)
        assert plain == by_columns, f"the engines differ on {row}:\n  plain   {plain}\n  columns {by_columns}"


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
    low, high = spec.lowest, spec.largest
    candidates = [low, high, 0, 1, -1, 7, 33, chance.randrange(low, high + 1), chance.randrange(2_000_000), *edges]
    fit = [value for value in candidates if low <= value <= high]
    return chance.choice(fit)


# --- cases.toml -----------------------------------------------------------------------------------------------


class CaseFile(pytest.File):
    """A ``cases.toml``."""

    def collect(self) -> Iterator[pytest.Item]:
        """One test a case, and one that holds the engines together."""
        raw = tomllib.loads(self.path.read_text(encoding="utf-8"))
        examples = Examples(raw)
        for case in raw.get("case", []):
            yield CaseItem.from_parent(self, name=case["name"], examples=examples, case=case)
        yield ParityItem.from_parent(self, name="plain values and columns agree", examples=examples)


class Examples:
    """The common part of a ``cases.toml``: programme, period, parameters, facts that hold unless stated otherwise."""

    def __init__(self, raw: Mapping[str, Any], programme: Programme | None = None) -> None:
        self.raw = raw
        self.programme = programme or installed().programme(raw["programme"])
        self.period = self.programme.period.period(raw["period"])
        self.book = self.programme.book(self.period.reference_day).rules

    def parameters(self, own: Mapping[str, Any]) -> Any:
        """The parameters of the period with what the county and the case set, checked like provisions."""
        values = {**self.raw.get("county", {}), **own}
        provisions = []
        if values:
            day = self.period.reference_day
            entries = {name: [{"since": day, "value": value, "clause": "-"}] for name, value in values.items()}
            heading = {"title": "cases.toml", "number": "-", "issued": date(day.year, 1, 1)}
            provisions = [self.programme.policy.read_provision({**heading, "parameters": entries})]
        return build(self.programme.parameters, self.programme.policy.resolve(self.period.reference_day, provisions))

    def facts(self, case: Mapping[str, Any]) -> Any:
        """The facts of a case."""
        stated = {**self.raw.get("facts", {}), **case.get("facts", {})}
        unknown = set(case.get("unknown", ()))
        specs = self.book.traced().facts
        strange = (set(stated) | unknown) - set(specs)
        assert not strange, f"no such facts: {', '.join(sorted(strange))}"
        lacking = set(specs) - set(stated) - unknown
        assert not lacking, f"state these facts or list them as unknown: {', '.join(sorted(lacking))}"
        return self.programme.facts(
            **{name: None if name in unknown else _read(spec, stated[name]) for name, spec in specs.items()}
        )


def _read(spec: FactSpec, raw: Any) -> Any:
    if spec.kind is Kind.MONEY:
        return parse_yuan(raw)
    if spec.kind is Kind.CHOICES and spec.choices is not None:
        return frozenset(spec.choices(item) for item in raw)
    return raw if spec.choices is None else spec.choices(raw)


class CaseItem(pytest.Item):
    """One worked example."""

    def __init__(self, *, examples: Examples, case: Mapping[str, Any], **options: Any) -> None:
        super().__init__(**options)
        self.examples, self.case = examples, case

    def runtest(self) -> None:
        """Decide it twice, hold it against what is expected, and explain it."""
        examples, case = self.examples, self.case
        facts, parameters = examples.facts(case), examples.parameters(case.get("parameters", {}))
        determination = examples.book.decide(facts, parameters)
        check_parity(examples.book, [facts], parameters)
        explainer = Explainer(examples.book, parameters, examples.programme.titles())
        expected = dict(case["expect"])
        found = {key: self._found(key, determination, explainer, facts, parameters) for key in expected}
        assert found == expected
        for line in explainer.lines(facts, determination):
            for language in LANGUAGES:
                assert line.says.in_(language)
                assert line.result.in_(language)

    def _found(self, key: str, determination: Determination, explainer: Explainer, facts: Any, parameters: Any) -> Any:
        """What came out, in the form in which it is expected."""
        book = self.examples.book
        if key == "outcome":
            return determination.outcome.value
        if key == "payable":
            return yuan_digits(determination.payable)
        if key == "instalments":
            (shares,) = (
                value
                for name in parameters.__dataclass_fields__
                if isinstance(value := getattr(parameters, name), Shares)
            )
            return [yuan_digits(part) for part in instalments(determination.payable, shares)]
        if key == "unmet":
            return list(determination.unmet(book))
        if key == "missing":
            return list(determination.missing)
        if key == "missed_by":
            return {
                name: miss.gap.en
                for name in determination.unmet(book)
                for miss in explainer.misses(name, facts, determination.values)
                if miss.gap
            }
        assert key in determination.values, f"{key} is neither a step nor one of the words for a result"
        value = determination.values[key]
        kind = book.traced().steps[key].term.kind
        if kind is Kind.MONEY and isinstance(value, int):
            return kind_of(FenType).dump(value)
        return value

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> str:
        """Why it failed."""
        return f"{self.path}: {self.name}\n{excinfo.getrepr(style='short')}"

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where it stands."""
        return self.path, 0, f"case: {self.name}"


class ParityItem(pytest.Item):
    """Both engines on every case and on generated facts."""

    def __init__(self, *, examples: Examples, **options: Any) -> None:
        super().__init__(**options)
        self.examples = examples

    def runtest(self) -> None:
        """Hold them together under the parameters of every case."""
        examples = self.examples
        for number, case in enumerate(examples.raw.get("case", [])):
            parameters = examples.parameters(case.get("parameters", {}))
            check_parity(examples.book, [examples.facts(case)], parameters)
            if number < 3:
                check_parity(examples.book, generated(examples.book, parameters, seed=number), parameters)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where it stands."""
        return self.path, 0, self.name


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> CaseFile | None:
    """Collect every ``cases.toml``."""
    return CaseFile.from_parent(parent, path=file_path) if file_path.name == "cases.toml" else None
