"""The worked examples of a ``cases.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from bangfu.conformance.engines import Fault, check_parity
from bangfu.policy import Fen as FenType
from bangfu.policy import Provision, Shares, build, kind_of
from bangfu.programme import DatedBook, Programme, installed
from bangfu.rules.book import Determination
from bangfu.rules.explain import Explainer
from bangfu.rules.facts import FactSpec, Kind
from bangfu.selection import instalments
from bangfu.text import LANGUAGES, parse_yuan, yuan_digits


class Examples:
    """The common part of a ``cases.toml``: programme, period, parameters, facts that hold unless stated otherwise; and
    by its day the ``book``, where the county has moved to one by a document of its own, or where the case was opened
    before a later one took its place.

    A case may have a period and a book of its own; :meth:`of` are the examples as it has them. What a book does not
    look at of the common facts is left aside.
    """

    def __init__(self, raw: Mapping[str, Any], programme: Programme | None = None) -> None:
        self.raw = raw
        self.programme = programme or installed().programme(raw["programme"])
        self.period = self.programme.period.period(raw["period"])
        self.book = self._book().rules

    def _book(self) -> DatedBook:
        """The book of the examples: an earlier one that every county has had stays that of the cases that it decided,
        also where no period begins by it any more."""
        for book in self.programme.books:
            if book.since == self.raw.get("book") and not book.adopted and book.since <= self.period.reference_day:
                return book
        return self.programme.book(self.period.reference_day, self._moved()).book

    def _moved(self) -> list[Provision]:
        """The document by which the county has moved to the book, if it has."""
        if "book" not in self.raw:
            return []
        move = {"adopts": self.raw["book"], "since": self.period.reference_day, "clause": "-"}
        return [self.programme.read_provision({**self._heading(), "book": [move]})]

    def _heading(self) -> dict[str, Any]:
        return {"title": "cases.toml", "number": "-", "issued": date(self.period.reference_day.year, 1, 1)}

    def of(self, case: Mapping[str, Any]) -> Examples:
        """The examples in the period and by the book of a case."""
        own = {key: case[key] for key in ("period", "book") if key in case}
        return Examples({**self.raw, **own}, self.programme) if own else self

    def parameters(self, own: Mapping[str, Any]) -> Any:
        """The parameters of the period with what the county and the case set, checked like provisions."""
        values = {**self.raw.get("county", {}), **own}
        provisions = []
        if values:
            day = self.period.reference_day
            entries = {name: [{"since": day, "value": value, "clause": "-"}] for name, value in values.items()}
            provisions = [self.programme.policy.read_provision({**self._heading(), "parameters": entries})]
        return build(self.programme.parameters, self.programme.policy.resolve(self.period.reference_day, provisions))

    def facts(self, case: Mapping[str, Any]) -> Any:
        """The facts of a case."""
        specs = self.book.traced().facts
        unread = self.programme.specs().keys() - specs.keys()
        common = {name: value for name, value in self.raw.get("facts", {}).items() if name not in unread}
        stated = {**common, **case.get("facts", {})}
        unknown = set(case.get("unknown", ()))
        strange = (set(stated) | unknown) - set(specs)
        if strange:
            raise Fault(f"no such facts: {', '.join(sorted(strange))}")
        lacking = set(specs) - set(stated) - unknown
        if lacking:
            raise Fault(f"state these facts or list them as unknown: {', '.join(sorted(lacking))}")
        facts, _ = self.book.types()
        return facts(**{name: None if name in unknown else _read(spec, stated[name]) for name, spec in specs.items()})

    def decide(self, case: Mapping[str, Any]) -> Determination:
        """Decide a case on both engines, hold it against what it expects, and explain it; :class:`Fault` says what
        differs."""
        return self.of(case)._decide(case)

    def _decide(self, case: Mapping[str, Any]) -> Determination:
        facts, parameters = self.facts(case), self.parameters(case.get("parameters", {}))
        determination = self.book.decide(facts, parameters)
        check_parity(self.book, [facts], parameters)
        explainer = Explainer(self.book, parameters, self.programme.titles())
        expected = dict(case["expect"])
        found = {key: self._found(key, determination, explainer, facts, parameters) for key in expected}
        if found != expected:
            differing = {key: (found[key], expected[key]) for key in expected if found[key] != expected[key]}
            raise Fault("; ".join(f"{key} is {was!r}, not {wanted!r}" for key, (was, wanted) in differing.items()))
        check_explained(explainer, facts, determination)
        return determination

    def _found(self, key: str, determination: Determination, explainer: Explainer, facts: Any, parameters: Any) -> Any:
        """What came out, in the form in which it is expected."""
        book = self.book
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
        if key not in determination.values:
            raise Fault(f"{key} is neither a step nor one of the words for a result")
        value = determination.values[key]
        kind = book.traced().steps[key].term.kind
        if kind is Kind.MONEY and isinstance(value, int):
            return kind_of(FenType).dump(value)
        return value


def check_explained(explainer: Explainer, facts: Any, determination: Determination) -> None:
    """:class:`Fault` where a step says nothing, or leaves a place unfilled, in one of the languages."""
    for line in explainer.lines(facts, determination):
        for said in (line.says, line.result, explainer.summary(determination)):
            for language in LANGUAGES:
                words = said.in_(language)
                if not words.strip() or "{" in words:
                    raise Fault(f"the explanation in {language} is {words!r}")


def _read(spec: FactSpec, raw: Any) -> Any:
    if spec.kind is Kind.MONEY:
        return parse_yuan(raw)
    if spec.kind is Kind.DAY and type(raw) is not date:
        raise Fault(f"{spec.name} is a day, and {raw!r} is none")
    if spec.kind is Kind.CHOICES and spec.choices is not None:
        return frozenset(spec.choices(item) for item in raw)
    return raw if spec.choices is None else spec.choices(raw)
