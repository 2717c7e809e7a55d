"""What the documents say: clauses, dated entries with the deviation they permit, a county's own provisions."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from bangfu.errors import Code, Problem, Refused
from bangfu.policy.provisions import (
    Adoptable,
    Provision,
    ProvisionEntry,
    Revocation,
    adoptions_of,
    heading_of,
    in_force,
)
from bangfu.policy.values import Fen, Rate, Shares, Tiers, ValueKind, kind_of, plain
from bangfu.text import Text, join


class PolicyError(Exception):
    """A programme's files contradict themselves; the programme is not loaded. The message says where and what to do."""


@dataclass(frozen=True, slots=True)
class Citation:
    """A place in a document: the document's code and the clause, such as ``fenjin-2021#二(二)3``."""

    document: str
    clause: str

    @classmethod
    def parse(cls, text: str) -> Citation:
        """Read ``document#clause``."""
        document, mark, clause = text.partition("#")
        if not (document and mark and clause):
            raise ValueError(f"cite a clause like document#clause, not {text!r}")
        return cls(document, clause)

    def __str__(self) -> str:
        return f"{self.document}#{self.clause}"


@dataclass(frozen=True, slots=True)
class Document:
    """One policy document: its title and the clauses that state a rule.

    ``left_out`` gives, for each clause that the programme deliberately does not carry out, or not all of, the reason;
    ``missing`` says of which it does not do what yet.
    """

    code: str
    title: str
    clauses: Mapping[str, str]
    left_out: Mapping[str, Text]
    missing: Mapping[str, Text]


@dataclass(frozen=True, slots=True)
class Deviation:
    """How far a county may deviate from the plan: bounds (both included) or a list of allowed values.

    Nothing given at all means: anything of the type, for values that the plan leaves to the county.
    """

    least: Any = None
    most: Any = None
    one_of: tuple[Any, ...] | None = None

    def allows(self, kind: ValueKind[Any], value: Any) -> bool:
        """Whether a value lies within the deviation; of a range or a list every part must."""
        if self.one_of is not None:
            return all(part in self.one_of for part in kind.spread(value))
        return all(
            (self.least is None or part >= self.least) and (self.most is None or part <= self.most)
            for part in kind.spread(value)
        )

    def show(self, kind: ValueKind[Any]) -> Text:
        """The deviation in words."""

        show = kind.of_parts.show
        if self.one_of is not None:
            return join([show(value) for value in self.one_of])
        least = None if self.least is None else show(self.least)
        most = None if self.most is None else show(self.most)
        if least and most:
            return Text(f"{least.zh}至{most.zh}", f"{least.en} to {most.en}")
        if least:
            return Text(f"不低于{least.zh}", f"at least {least.en}")
        if most:
            return Text(f"不高于{most.zh}", f"at most {most.en}")
        return Text("由县自定", "the county decides")


@dataclass(frozen=True, slots=True)
class Entry:
    """What one document says of a parameter from ``since`` to ``until`` (included; None: until another says otherwise).

    ``value`` is None where the source hides it.
    """

    since: date
    until: date | None
    value: Any
    cites: Citation
    varies: Deviation | None

    def leaves(self, kind: ValueKind[Any], own: Any) -> bool:
        """Whether a county's own value from an earlier day goes on beside it: where it is a floor and the value is
        higher. The county may give more than is laid down, and a floor that rises takes nothing of that back."""
        if self.varies is None or self.varies.least is None or self.varies.most is not None:
            return False
        more, least = tuple(kind.spread(own)), tuple(kind.spread(self.value))
        return len(more) == len(least) == 1 and bool(more[0] > least[0])


@dataclass(frozen=True, slots=True)
class Parameter:
    """One number, day or choice of the plan: its names, its unit, and what the document says of it by date.

    ``reading`` states our reading where the source is silent or ambiguous.
    """

    name: str
    title: Text
    unit: str
    kind: ValueKind[Any]
    entries: tuple[Entry, ...]
    reading: Text | None

    def on(self, day: date) -> Entry | None:
        """What the plan says of it on a day, or None where it says nothing for that day."""
        return next((e for e in reversed(self.entries) if e.since <= day and (e.until is None or day <= e.until)), None)


class Whose(StrEnum):
    """Whose value holds."""

    PLAN = "plan"
    COUNTY = "county"


@dataclass(frozen=True, slots=True)
class Resolved:
    """The value of one parameter that holds on a day, and the authority for it."""

    name: str
    value: Any
    since: date
    whose: Whose
    document: str
    clause: str
    provision: str | None


P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class Policy:
    """The documents and parameters of one programme, as its ``policy.toml`` states them."""

    documents: Mapping[str, Document]
    parameters: Mapping[str, Parameter]

    @classmethod
    def load(cls, path: Path, parameters: type) -> Policy:
        """Read a ``policy.toml`` and hold it against the programme's ``Parameters`` dataclass.

        Raises :class:`PolicyError` naming every difference: a name on one side only, a float, a value of the wrong
        form, a clause that is cited but not listed.
        """
        try:
            raw = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise PolicyError(f"{path}: {error}") from error
        return _Reader(path.name).policy(raw, get_type_hints(parameters))

    def only(self, name: str) -> Policy:
        """The same documents with one parameter alone."""
        return Policy(self.documents, {name: self.parameters[name]})

    def resolve(self, day: date, provisions: Sequence[Provision] = ()) -> dict[str, Resolved]:
        """The value of every parameter on a day: the latest that is in force, the county's own before the plan's, and
        before a later floor of the plan's that is lower.

        Raises :class:`Refused` with one ``PARAMETER_UNSET`` for each parameter that has no value on that day.
        """
        resolved, problems = self.resolved(day, provisions)
        if problems:
            raise Refused(problems)
        return resolved

    def resolved(
        self, day: date, provisions: Sequence[Provision] = ()
    ) -> tuple[dict[str, Resolved], Sequence[Problem]]:
        """The value of every parameter that has one on a day, and one ``PARAMETER_UNSET`` for each that has none."""
        resolved: dict[str, Resolved] = {}
        problems: list[Problem] = []
        standing = in_force(provisions, day)
        for parameter in self.parameters.values():
            candidates = [
                Resolved(parameter.name, own.value, own.since, Whose.COUNTY, provision.title, own.clause, provision.id)
                for provision in standing
                for own in provision.entries
                if own.parameter == parameter.name and own.since <= day and (own.until is None or day <= own.until)
            ]
            # max keeps the first of equals, so reverse: of the same day the county's latest document holds.
            found = max(reversed(candidates), key=lambda c: c.since, default=None)
            entry = parameter.on(day)
            if (
                entry is not None
                and entry.value is not None
                and (found is None or (found.since < entry.since and not entry.leaves(parameter.kind, found.value)))
            ):
                title = self.documents[entry.cites.document].title
                found = Resolved(parameter.name, entry.value, entry.since, Whose.PLAN, title, entry.cites.clause, None)
            if found is None:
                problems.append(self.unset(parameter.name, day))
            else:
                resolved[parameter.name] = found
        return resolved, problems

    def unset(self, name: str, day: date) -> Problem:
        """The problem of a parameter that nobody has set on a day, with the clause that leaves it open."""
        parameter = self.parameters[name]
        cites = (parameter.on(day) or parameter.entries[-1]).cites
        return Code.PARAMETER_UNSET.problem(
            "parameters",
            name,
            parameter=parameter.title,
            document=self.documents[cites.document].title,
            clause=cites.clause,
        )

    def read_provision(self, raw: Mapping[str, Any], id: str = "", adoptable: Sequence[Adoptable] = ()) -> Provision:
        """Read and check a county's own document: ``title``, ``number``, ``issued``, ``[[parameters.x]]``,
        ``[[book]]``; ``revokes`` is a :class:`Revocation` that the caller has found.

        Raises :class:`Refused` with every problem: an unknown, locked or ill-formed parameter, a value outside the
        deviation that the plan permits on its day, or a rule book that is not among those that may be moved to then.
        """
        heading, problems = heading_of(raw)
        problems += [
            Code.PARAMETER_UNKNOWN.problem(key, parameter=key, known=", ".join(self.parameters))
            for key in sorted(set(raw) - _KNOWN)
        ]
        entries = self._entries(raw.get("parameters", {}), problems)
        adoptions = adoptions_of(raw.get("book", []), adoptable, problems)
        revokes = raw.get("revokes")
        if revokes is not None and not isinstance(revokes, Revocation):
            problems.append(Code.MISSING_VALUE.problem("revokes", field=plain("revokes")))
        if not entries and not adoptions and not revokes and not problems:
            problems.append(Code.MISSING_VALUE.problem("parameters", field=plain("parameters")))
        if problems:
            raise Refused(problems)
        return Provision(id, *heading, tuple(entries), tuple(adoptions), revokes)

    def _entries(self, tables: Any, problems: list[Problem]) -> list[ProvisionEntry]:
        """The values of a county's own document; what is wrong with them goes to the problems."""
        entries: list[ProvisionEntry] = []
        if not isinstance(tables, Mapping):
            problems.append(Code.MISSING_VALUE.problem("parameters", field=plain("parameters")))
            return entries
        for name, items in tables.items():
            for index, item in enumerate(items if isinstance(items, list) else [items]):
                path = ("parameters", name, index)
                checked = self.read_entry(name, item, path)
                if not isinstance(checked, ProvisionEntry):
                    problems.append(checked)
                elif any((one.parameter, one.since) == (name, checked.since) for one in entries):
                    problems.append(self.twice(name, checked.since, path))
                else:
                    entries.append(checked)
        return entries

    def twice(self, name: str, since: date, path: tuple[str | int, ...]) -> Problem:
        """The problem of a parameter to which a document gives two values from one day."""
        title, detail = self.parameters[name].title, "the document gives it two values from that day"
        return Code.PARAMETER_BAD_VALUE.problem(*path, parameter=title, value=since, detail=detail)

    def read_entry(self, name: str, item: Any, path: tuple[str | int, ...]) -> ProvisionEntry | Problem:
        """One value of a county's own document (``since``, ``value``, ``clause``, perhaps ``until``), or what is wrong
        with it."""
        parameter = self.parameters.get(name)
        if parameter is None:
            return Code.PARAMETER_UNKNOWN.problem(*path, parameter=name, known=", ".join(self.parameters))

        def bad(detail: str, value: Any) -> Problem:
            return Code.PARAMETER_BAD_VALUE.problem(*path, parameter=parameter.title, value=value, detail=detail)

        if not isinstance(item, Mapping) or set(item) - {"until"} != {"since", "value", "clause"}:
            return bad("expected since, value and clause (and until)", item)
        since, until, clause = item["since"], item.get("until"), item["clause"]
        if type(until) not in (date, type(None)) or (until is not None and type(since) is date and until < since):
            return bad("until is a day, not before since", item)
        if type(since) is not date or not isinstance(clause, str) or not clause:
            return bad("since is a day and clause names the clause of the county's document", item)
        try:
            value = parameter.kind.parse(item["value"])
        except ValueError as error:
            return bad(str(error), item["value"])
        first, entry = parameter.entries[0], parameter.on(since) or parameter.entries[-1]
        if since < first.since:
            return bad(f"the plan itself begins on {first.since}; a value from an earlier day would never hold", since)
        if parameter.on(since) is None and entry.varies is None:
            # The plan's fixed number has ended and none follows it: the county sets it itself.
            return ProvisionEntry(name, since, until, value, clause)
        document = self.documents[entry.cites.document].title
        if entry.varies is None:
            return Code.PARAMETER_LOCKED.problem(
                *path, parameter=parameter.title, document=document, clause=entry.cites.clause
            )
        if not entry.varies.allows(parameter.kind, value):
            return Code.PARAMETER_OUT_OF_RANGE.problem(
                *path,
                parameter=parameter.title,
                value=parameter.kind.show(value),
                allowed=entry.varies.show(parameter.kind),
                document=document,
                clause=entry.cites.clause,
            )
        return ProvisionEntry(name, since, until, value, clause)


def build(parameters: type[P], resolved: Mapping[str, Resolved]) -> P:
    """The programme's ``Parameters`` of a day, from its resolved values."""
    return parameters(**{f.name: resolved[f.name].value for f in fields(parameters)})  # type: ignore[arg-type]


_KNOWN = {"title", "number", "issued", "parameters", "programme", "book", "revokes"}
"""What a county's document may say."""
_ANSWERS = ("left_out", "missing")


class _Reader:
    """Reads one policy.toml; every error says where it stands."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.errors: list[str] = []

    def policy(self, raw: dict[str, Any], types: Mapping[str, Any]) -> Policy:
        unknown = set(raw) - {"documents", "parameters"}
        if unknown:
            self.errors.append(f"unknown tables: {', '.join(sorted(unknown))}")
        documents = {code: self.document(code, table) for code, table in raw.get("documents", {}).items()}
        tables = raw.get("parameters", {})
        for name in sorted(set(tables) - set(types)):
            self.errors.append(f"parameters.{name} is not a field of the Parameters dataclass")
        for name in sorted(set(types) - set(tables)):
            self.errors.append(f"the Parameters dataclass has {name}, the file does not")
        parameters = {
            name: self.parameter(name, tables[name], types[name], documents) for name in types if name in tables
        }
        if self.errors:
            raise PolicyError(f"{self.name}: " + "; ".join(self.errors))
        return Policy(documents, {name: p for name, p in parameters.items() if p is not None})

    def document(self, code: str, table: dict[str, Any]) -> Document:
        where, clauses = f"documents.{code}", table.get("clauses", {})
        unknown = set(table) - {"title", "clauses", "left_out", "missing"}
        if unknown:
            self.errors.append(f"{where}: unknown keys: {', '.join(sorted(unknown))}")
        if "title" not in table:
            self.errors.append(f"{where} has no title")
        left_out, missing = (self.reasons(f"{where}.{name}", table.get(name, {}), clauses) for name in _ANSWERS)
        for clause in sorted(set(left_out) & set(missing)):
            self.errors.append(f"{where}: {clause} is left out or missing, not both")
        return Document(code, table.get("title", code), clauses, left_out, missing)

    def reasons(self, where: str, table: dict[str, Any], clauses: Mapping[str, str]) -> dict[str, Text]:
        reasons = {}
        for clause, reason in table.items():
            if clause not in clauses:
                self.errors.append(f"{where} names {clause}, which is not among its clauses")
            if isinstance(reason, dict) and set(reason) == {"zh", "en"}:
                reasons[clause] = Text(reason["zh"], reason["en"])
            else:
                self.errors.append(f"{where} of {clause} gives its reason in zh and en")
        return reasons

    def parameter(self, name: str, items: Any, annotation: Any, documents: Mapping[str, Document]) -> Parameter | None:
        where = f"parameters.{name}"
        try:
            kind = kind_of(annotation)
            if not isinstance(items, list) or not items:
                raise ValueError("expected [[parameters.…]] entries")
            first = items[0]
            entries = []
            for item in items:
                allowed = {"since", "until", "value", "redacted", "cites", "varies", "title", "unit", "reading"}
                if set(item) - allowed:
                    raise ValueError(f"unknown keys: {', '.join(sorted(set(item) - allowed))}")
                if item is not first and {"title", "unit", "reading"} & set(item):
                    raise ValueError("title, unit and reading stand in the first entry only")
                entries.append(self.entry(kind, item, documents))
            if [e.since for e in entries] != sorted({e.since for e in entries}):
                raise ValueError("the entries stand in the order of their days, one a day")
            title = Text(first["title"]["zh"], first["title"]["en"])
            reading = Text(first["reading"]["zh"], first["reading"]["en"]) if "reading" in first else None
            unit = first.get("unit", "")
            of_money, of_rates = annotation in (Fen, Tiers), annotation in (Rate, Shares)
            if of_money != unit.startswith("yuan") or of_rates != (unit == "%"):
                raise ValueError(f"the unit {unit!r} does not belong to the type")
            return Parameter(name, title, unit, kind, tuple(entries), reading)
        except (ValueError, TypeError, KeyError) as error:
            self.errors.append(f"{where}: {error if not isinstance(error, KeyError) else f'{error} is missing'}")
            return None

    def entry(self, kind: ValueKind[Any], item: dict[str, Any], documents: Mapping[str, Document]) -> Entry:
        since = item["since"]
        if type(since) is not date:
            raise ValueError("since is a day like 2020-10-01")
        until = item.get("until")
        if type(until) not in (date, type(None)) or (until is not None and until < since):
            raise ValueError("until is a day, not before since")
        cites = Citation.parse(item["cites"])
        if cites.document not in documents or cites.clause not in documents[cites.document].clauses:
            raise ValueError(f"cites {cites}, which no document lists")
        if item.get("redacted", False) == ("value" in item):
            raise ValueError("an entry has either a value or redacted = true")
        value = None if "value" not in item else kind.parse(item["value"])
        varies = self.deviation(kind, item["varies"]) if "varies" in item else None
        if value is None and varies is None:
            raise ValueError("a redacted value needs varies: the county must be able to set it")
        if value is not None and varies is not None and not varies.allows(kind, value):
            raise ValueError("the plan's own value lies outside what varies allows")
        return Entry(since, until, value, cites, varies)

    def deviation(self, kind: ValueKind[Any], table: dict[str, Any]) -> Deviation:
        given = set(table)
        if given - {"min", "max", "floor", "one_of"} or {"min", "floor"} <= given or {"one_of"} < given:
            raise ValueError("varies takes min and max, or floor, or one_of")

        def part(raw: Any) -> Any:
            return None if raw is None else kind.of_parts.parse(raw)

        return Deviation(
            least=part(table.get("min", table.get("floor"))),
            most=part(table.get("max")),
            one_of=tuple(part(raw) for raw in table["one_of"]) if "one_of" in table else None,
        )
