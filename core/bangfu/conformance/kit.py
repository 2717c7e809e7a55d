"""What every programme must hold beyond being loaded, each check with the faults that it found.

The checks look at a programme from outside, by its worked examples and by households that are made up to be awkward.
They cost seconds; what they are for is in :class:`Check`.
"""

from __future__ import annotations

import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

from bangfu.conformance.engines import Fault, check_parity, generated, on_columns
from bangfu.conformance.examples import Examples, check_explained
from bangfu.errors import Refused
from bangfu.process import Notice
from bangfu.programme import NOTICE_COLUMNS, ClauseState, Programme, clauses_of, unanswered
from bangfu.rules.book import Outcome, RuleBook, StepKind
from bangfu.rules.explain import Explainer
from bangfu.rules.facts import Sensitivity
from bangfu.text import Text

PLAIN_SECONDS, COLUMN_SECONDS = 1e-2, 2e-3
"""How long a processor may work for one household, a hundred times what ours take: a county of a hundred thousand is
still decided within minutes."""
HOSTILE: tuple[Any, ...] = (
    None, True, -1, 10**30, 1.5, "", " ", "x" * 10_000, "NaN", "-0.001", "1e9", "９", "\0", [], [[]], {}, {"from": {}},
    date(1, 1, 1), ["x", 1, None],
)  # fmt: skip
"""What somebody might write where a value is expected."""


class Check(StrEnum):
    """What is looked at."""

    CLAUSES = "clauses"
    CASES = "cases"
    PARITY = "parity"
    EXPLANATIONS = "explanations"
    UNKNOWN = "unknown"
    HOSTILE = "hostile"
    NOTICE = "notice"
    COST = "cost"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return _TITLES[self]


_TITLES = {
    Check.CLAUSES: Text("每条条款都有着落", "every clause is answered"),
    Check.CASES: Text("算例成立,且每个条件、每项金额都有算例", "the cases hold, and reach every criterion and amount"),
    Check.PARITY: Text("逐户计算与批量计算一致", "plain values and columns agree"),
    Check.EXPLANATIONS: Text("中英文说明齐全", "explained in both languages"),
    Check.UNKNOWN: Text("资料不明不作符合处理", "what is unknown is never met"),
    Check.HOSTILE: Text("不良输入被拒绝而不出错", "bad input is refused, and nothing breaks"),
    Check.NOTICE: Text("公示不含敏感信息", "no sensitive fact in a notice"),
    Check.COST: Text("计算时间", "how long a household takes"),
}


@dataclass(frozen=True, slots=True)
class Found:
    """What one check of one programme came to: its faults, and what is worth knowing besides."""

    programme: str
    check: Check
    faults: tuple[str, ...]
    note: str = ""


def examine(programme: Programme) -> Iterator[Found]:
    """Look at a programme, check by check; each is told as soon as it is done."""
    kit = _Kit(programme)
    for check in Check:
        faults: list[str] = []
        note = ""
        try:
            note = _CHECKS[check](kit, faults) or ""
        except Fault as fault:
            faults.append(str(fault))
        except Exception as error:
            faults.append(f"{type(error).__name__}: {error}")
        yield Found(programme.code, check, tuple(faults), note)


def cases_file(programme: Programme) -> Path:
    """Where a programme's worked examples are: beside the module of its facts."""
    return Path(str(sys.modules[programme.facts.__module__].__file__)).parent / "cases.toml"


class _Kit:
    """A programme with its examples."""

    def __init__(self, programme: Programme) -> None:
        self.programme = programme

    @cached_property
    def examples(self) -> Examples:
        path = cases_file(self.programme)
        if not path.exists():
            raise Fault(f"there is no {path.name} beside {self.programme.facts.__module__}")
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        if raw.get("programme") != self.programme.code:
            raise Fault(f"{path.name} is of {raw.get('programme')!r}, not of {self.programme.code}")
        return Examples(raw, self.programme)

    @cached_property
    def books(self) -> list[tuple[Examples, list[Mapping[str, Any]]]]:
        """Every book with the cases that are decided by it, in the period of the first of them; that of the examples
        has its place without a case too."""
        found: dict[type[RuleBook[Any, Any]], tuple[Examples, list[Mapping[str, Any]]]] = {}
        found[self.examples.book] = self.examples, []
        for case in self.examples.raw.get("case", []):
            own = self.examples.of(case)
            found.setdefault(own.book, (own, []))[1].append(case)
        return list(found.values())

    def decidings(self) -> Iterator[tuple[type[RuleBook[Any, Any]], Any]]:
        """Every book, with parameters of a period in which it decides."""
        return ((examples.book, examples.parameters({})) for examples, _ in self.books)

    # --- the checks ---

    def clauses(self, faults: list[str]) -> str:
        told = clauses_of(self.programme)
        faults += [
            f"{one} is listed, and neither carried out, left out nor missing" for one in unanswered(self.programme)
        ]
        if not told:
            faults.append("no document lists a clause")
        counted = {state: sum(one.state is state for one in told) for state in ClauseState}
        return ", ".join(f"{state.title_text.en} {count}" for state, count in counted.items())

    def worked(self, faults: list[str]) -> str:
        count = 0
        outcomes: set[Outcome] = set()
        for examples, cases in self.books:
            count += len(cases)
            outcomes |= self._worked(examples.book, cases, faults)
        faults += [f"no case is {outcome}" for outcome in Outcome if outcome not in outcomes]
        known = {examples.book for examples, _ in self.books}
        faults += [
            f"no case is decided by the book of {book.since}"
            for book in self.programme.books
            if book.rules not in known
        ]
        return f"{count} cases"

    def _worked(
        self, book: type[RuleBook[Any, Any]], cases: list[Mapping[str, Any]], faults: list[str]
    ) -> set[Outcome]:
        """The outcomes of the cases of one book; what they do not hold or do not reach goes to the faults."""
        unmet: set[str] = set()
        reached: set[str] = set()
        outcomes: set[Outcome] = set()
        for case in cases:
            try:
                determination = self.examples.decide(case)
            except Exception as error:
                said = str(error) if isinstance(error, Fault) else f"{type(error).__name__}: {error}"
                faults.append(f"{case.get('name', 'a case without a name')}: {said}")
                continue
            unmet |= set(determination.unmet(book))
            reached |= {name for name, value in determination.values.items() if value}
            outcomes.add(determination.outcome)
        where = f" by {book.__name__}" if len(self.programme.books) > 1 else ""
        faults += [f"no case misses {name}{where}" for name in book.traced().criteria if name not in unmet]
        faults += [
            f"no case comes to any {name}{where}"
            for name, traced in book.traced().steps.items()
            if traced.step.kind is StepKind.AMOUNT and name not in reached
        ]
        return outcomes

    def parity(self, faults: list[str]) -> str:
        count = 0
        for examples, cases in self.books:
            for number, case in enumerate(cases[:3] or [{}]):
                parameters = self.examples.of(case).parameters(case.get("parameters", {}))
                rows = list(generated(examples.book, parameters, seed=number))
                check_parity(examples.book, rows, parameters)
                count += len(rows)
        return f"{count} generated households"

    def explanations(self, faults: list[str]) -> str:
        count = 0
        for book, parameters in self.decidings():
            explainer = Explainer(book, parameters, self.programme.titles())
            for facts in generated(book, parameters, seed=7):
                check_explained(explainer, facts, book.decide(facts, parameters))
                count += 1
        return f"{count} generated households"

    def unknown(self, faults: list[str]) -> None:
        for book, parameters in self.decidings():
            specs = book.traced().facts
            for name in book.traced().used_facts:
                for facts in generated(book, parameters, 40, seed=3):
                    determination = book.decide(replace(facts, **{name: None}), parameters)
                    if determination.outcome is Outcome.ELIGIBLE or determination.payable:
                        told = {step for step, one in book.traced().steps.items() if name in one.facts}
                        faults.append(f"{name} is unknown, and {', '.join(sorted(told))} came out all the same")
                        break
            facts_type, _ = book.types()
            nothing = book.decide(facts_type(**dict.fromkeys(specs)), parameters)
            if nothing.outcome is not Outcome.INCOMPLETE or nothing.payable:
                faults.append(f"a household of which nothing is known is {nothing.outcome}")

    def hostile(self, faults: list[str]) -> str:
        tried = 0
        for book, parameters in self.decidings():
            sound = next(iter(generated(book, parameters, 1, seed=5)))
            for spec in book.traced().bounded:
                for value in (spec.lowest - 1, spec.largest + 1, -(10**40), 10**40):
                    tried += 1
                    try:
                        book.decide(replace(sound, **{spec.name: value}), parameters)
                    except Refused:
                        continue
                    faults.append(f"{spec.name} may be {value}")
        heading = {"title": "-", "number": "-", "issued": self.examples.period.reference_day}
        for name, parameter in self.programme.policy.parameters.items():
            for value in HOSTILE:
                tried += 1
                entry = {"since": parameter.entries[-1].since, "value": value, "clause": "-"}
                try:
                    read = self.programme.policy.read_provision({**heading, "parameters": {name: [entry]}})
                except Refused:
                    continue
                parameter.kind.show(read.entries[0].value)
        return f"{tried} values"

    def notice(self, faults: list[str]) -> None:
        facts = self.programme.specs()
        for stage in self.programme.process.stages:
            if not isinstance(stage, Notice):
                continue
            faults += [f"{stage.code} shows {column}" for column in stage.columns if column not in NOTICE_COLUMNS]
            shown = facts.get(stage.project) if stage.project else None
            if stage.project and (shown is None or shown.sensitivity is not Sensitivity.PUBLIC):
                faults.append(f"{stage.code} shows {stage.project}, which is not public")
            if "amount" in stage.columns:
                faults += [f"{stage.code} shows an amount, which tells {name}" for name in self._told_by_the_award()]

    def _told_by_the_award(self) -> list[str]:
        """The sensitive facts that an award goes by, whichever book it is of: who sees the amount learns of them."""
        facts = self.programme.specs()
        read = {name for book in self.programme.books for name in book.rules.traced().steps["award"].facts}
        return sorted(name for name in read if facts[name].sensitivity is Sensitivity.SENSITIVE)

    def cost(self, faults: list[str]) -> str:
        told = []
        for book, parameters in self.decidings():
            rows = list(generated(book, parameters, 4_000, seed=11))
            begun = time.process_time()
            for row in rows:
                book.decide(row, parameters)
            between = time.process_time()
            on_columns(book, rows, parameters)
            taken = {
                "plain": (between - begun) / len(rows),
                "columns": (time.process_time() - between) / len(rows),
            }
            faults += [
                f"{what}: {taken[what] * 1e6:.0f} µs a household, at most {most * 1e6:.0f}"
                for what, most in (("plain", PLAIN_SECONDS), ("columns", COLUMN_SECONDS))
                if taken[what] > most
            ]
            told += [f"{what} {seconds * 1e6:.0f} µs" for what, seconds in taken.items()]
        return ", ".join(told)


_CHECKS: Mapping[Check, Callable[[_Kit, list[str]], str | None]] = {
    Check.CLAUSES: _Kit.clauses,
    Check.CASES: _Kit.worked,
    Check.PARITY: _Kit.parity,
    Check.EXPLANATIONS: _Kit.explanations,
    Check.UNKNOWN: _Kit.unknown,
    Check.HOSTILE: _Kit.hostile,
    Check.NOTICE: _Kit.notice,
    Check.COST: _Kit.cost,
}
