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
expected; the last is what is payable in the parts of the programme's ``Shares``. A case may have a ``period`` of its
own, and a ``book``: the day of one that the county has moved to by a document of its own.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bangfu.conformance import Examples, check_parity, generated
from bangfu.conformance.projects import load_from
from bangfu.programme import Programme, installed


class CaseFile(pytest.File):
    """A ``cases.toml``."""

    def collect(self) -> Iterator[pytest.Item]:
        """One test a case, and one that holds the engines together."""
        raw = tomllib.loads(self.path.read_text(encoding="utf-8"))
        examples = Examples(raw, _programme(raw["programme"], self.path))
        for case in raw.get("case", []):
            yield CaseItem.from_parent(self, name=case["name"], examples=examples, case=case)
        yield ParityItem.from_parent(self, name="plain values and columns agree", examples=examples)


def _programme(code: str, path: Path) -> Programme:
    """The programme of some examples: an installed one, or that of the project in whose folders they lie."""
    found = installed().programmes.get(code)
    if found is not None:
        return found
    for folder in path.parents:
        if (folder / "pyproject.toml").exists():
            loaded = load_from(folder)
            if code not in loaded.programmes and loaded.skipped:
                raise pytest.UsageError("; ".join(f"{name}: {why}" for name, why in loaded.skipped.items()))
            return loaded.programme(code)
    return installed().programme(code)


class CaseItem(pytest.Item):
    """One worked example."""

    def __init__(self, *, examples: Examples, case: Mapping[str, Any], **options: Any) -> None:
        super().__init__(**options)
        self.examples, self.case = examples, case

    def runtest(self) -> None:
        """Decide it twice, hold it against what is expected, and explain it."""
        self.examples.decide(self.case)

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
        held: Counter[Any] = Counter()
        for number, case in enumerate(examples.raw.get("case", [])):
            own = examples.of(case)
            parameters = own.parameters(case.get("parameters", {}))
            check_parity(own.book, [own.facts(case)], parameters)
            held[own.book] += 1
            if held[own.book] <= 3:  # of each book, wherever in the file its cases stand
                check_parity(own.book, generated(own.book, parameters, seed=number), parameters)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where it stands."""
        return self.path, 0, self.name


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> CaseFile | None:
    """Collect every ``cases.toml``."""
    return CaseFile.from_parent(parent, path=file_path) if file_path.name == "cases.toml" else None
