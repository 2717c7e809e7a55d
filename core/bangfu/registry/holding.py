"""What a list or a paper says of a circumstance of a person, held against what is known: nothing new, a change, or a
discrepancy.

Pure reckoning; ``circumstances`` reads and writes. A report speaks of the days from its first one on, and of nothing
later than its own day. The rule is one for all kinds and sources:

* what is known from a *different* source, reported on the same day or later, is not overwritten: where the report
  contradicts it (level, category, class, first day, end), that is a discrepancy for somebody to settle;
* an office's paper never overwrites what an authority of the kind says, however new: it adds what was not known;
* the day of a death is moved by whoever stated it, and by nobody else: a death has no end, and who is known dead on a
  later day than a report's is not another one;
* otherwise the newer report holds from its first day on, also backwards, and an older one of the same source says
  nothing;
* whom a whole list does not name, although it holds for him, is always a discrepancy; so is a name that is not the
  register's: it may be somebody else.

What somebody has settled is not asked again by reports of that day or before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum
from itertools import pairwise
from typing import Any
from uuid import UUID

from bangfu.registry.history import Assertion, held
from bangfu.registry.reported import SAME, Judged, Person, Settled, Verdict, day_of, plain, said_of
from bangfu.text import Text

CERTIFICATE, MINIMUM_LIVING, DEATH = "certificate", "minimum_living", "death"
CUSTODY, MOVED_AWAY = "custody", "moved_away"


class Source(StrEnum):
    """Whose list or paper says so."""

    FEDERATION = "federation"
    CIVIL_AFFAIRS = "civil_affairs"
    DEATH_REGISTER = "death_register"
    OFFICE = "office"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return _SOURCES[self]


_SOURCES = {
    Source.FEDERATION: Text("残联名册", "the disabled persons' federation"),
    Source.CIVIL_AFFAIRS: Text("民政名册", "the civil affairs bureau"),
    Source.DEATH_REGISTER: Text("死亡登记", "the register of deaths"),
    Source.OFFICE: Text("乡镇或县级单位", "an office of a township or the county, by papers"),
}

AUTHORITIES: Mapping[str, frozenset[Source]] = {
    CERTIFICATE: frozenset({Source.FEDERATION}),
    MINIMUM_LIVING: frozenset({Source.CIVIL_AFFAIRS}),
    DEATH: frozenset({Source.CIVIL_AFFAIRS, Source.DEATH_REGISTER}),
}
"""Whose word of a kind no paper of another office overwrites; of custody and moving away there is none."""


class Category(StrEnum):
    """What a certificate of disability is for 残疾类别, by GB/T 26341."""

    VISION = "vision"
    HEARING = "hearing"
    SPEECH = "speech"
    LIMBS = "limbs"
    INTELLECT = "intellect"
    MIND = "mind"
    MULTIPLE = "multiple"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return _CATEGORIES[self]

    @property
    def digit(self) -> str:
        """The digit that stands for it in the number of a certificate."""
        return str(list(Category).index(self) + 1)


_CATEGORIES = {
    Category.VISION: Text("视力", "vision"),
    Category.HEARING: Text("听力", "hearing"),
    Category.SPEECH: Text("言语", "speech"),
    Category.LIMBS: Text("肢体", "limbs"),
    Category.INTELLECT: Text("智力", "intellect"),
    Category.MIND: Text("精神", "mind"),
    Category.MULTIPLE: Text("多重", "several"),
}

STATED = ("level", "category", "generation", "class_name")
"""The columns of a row that a report can contradict."""
_SEALED = ("number", "number_masked")
_SAID_BY = ("source", "reported_on", "evidence")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a source says of one person and one kind of circumstance on a day (``reported_on``).

    ``since`` is the first day of what it says, that of the report unless stated; ``until`` the first day on which it is
    so no more. ``listed`` is false of whom a whole list does not name. What is None or empty is not said. ``number`` is
    the number of a certificate, sealed; a discrepancy does not keep it, and the next list brings it again.
    """

    kind: str
    source: Source
    reported_on: date
    name: str
    since: date | None = None
    until: date | None = None
    listed: bool = True
    level: int | None = None
    category: Category | None = None
    generation: int | None = None
    class_name: str = ""
    number: bytes | None = None
    number_masked: str | None = None
    evidence: str = ""

    @property
    def has_ended(self) -> bool:
        """Whether it says of its own day that it is so no more."""
        return self.until is not None and self.until <= self.reported_on

    def as_json(self) -> dict[str, Any]:
        """It as a discrepancy keeps it, without any number."""
        kept = (own.name for own in fields(self) if own.name not in _SEALED)
        return {name: plain(getattr(self, name)) for name in kept}

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> Report:
        """What a discrepancy kept."""
        days = {name: day_of(kept[name]) for name in ("since", "until")}
        category = kept["category"]
        return cls(**{
            **kept, **days, "source": Source(kept["source"]), "reported_on": date.fromisoformat(kept["reported_on"]),
            "category": None if category is None else Category(category),
        })  # fmt: skip


def judge(
    person: Person, rows: Iterable[Any], report: Report, settled: Sequence[Settled] = (), *, accepted: bool = False
) -> Judged:
    """What a report comes to, given the rows of its kind that are known now of the person.

    ``accepted`` is a report that somebody has decided for: it is asserted whatever else is known.
    """
    case = _Case.of(person, rows, report, accepted=accepted)
    if accepted:
        return case.outcome()
    spellings = [one.reported["name"] for one in settled if one.accepted and "name" in one.reported]
    name = said_of(person, spellings, report.name)
    otherwise = list(case.otherwise())
    against = {field: said for row, found in otherwise if case.stands_against(row) for field, said in found.items()}
    known = {**name, **against}
    asked = known or {field: said for _, found in otherwise for field, said in found.items()}
    if asked and any(one.answers(asked, report.as_json(), report.reported_on) for one in settled):
        return SAME
    return Judged(Verdict.DIFFERS, known=known) if known else case.outcome()


def confirmed(person: Person, rows: Iterable[Any], report: Report, judged: Judged) -> list[UUID]:
    """The rows of the days of a report that stay as they are by what it comes to, are of its own source, and of which
    no list of its day or later has said so: it says them again."""
    case = _Case.of(person, rows, report)
    if judged.verdict is Verdict.SAME and any(True for _ in case.otherwise()):  # what it says otherwise was settled
        return []
    said = judged.assertion

    def stays(row: Any) -> bool:
        if row.id in judged.ended:
            return False
        ends = said is None or (row.valid_to is not None and row.valid_to <= said.valid_from)
        return ends or (said is not None and said.valid_to is not None and row.valid_from >= said.valid_to)

    return [
        row.id
        for row in case.spoken
        if stays(row) and row.source == report.source and _last_said(row) < report.reported_on
    ]


def _last_said(row: Any) -> date:
    """The day of the last list of its source that has said what a row says."""
    said: date = max(row.reported_on, row.confirmed_on or row.reported_on)
    return said


def is_overtaken(person: Person, rows: Iterable[Any], report: Report) -> bool:
    """Whether the same source has said something of a later day already, of the days of which a report speaks."""
    return _Case.of(person, rows, report).overtaken


@dataclass(frozen=True, slots=True)
class _Case:
    """A report beside the rows that are known, the earliest first."""

    person: Person
    rows: list[Any]
    report: Report
    accepted: bool

    @classmethod
    def of(cls, person: Person, rows: Iterable[Any], report: Report, *, accepted: bool = False) -> _Case:
        return cls(person, sorted(rows, key=lambda row: row.valid_from), report, accepted)

    # --- the days of which the report speaks ---

    @property
    def states_death(self) -> bool:
        """Whether it says that he has died; to take that back is not to say so."""
        return self.report.kind == DEATH and self.report.until is None

    @property
    def at(self) -> Any:
        """The row that holds on the day of the report, if any does."""
        return next((row for row in self.rows if held(row, self.report.reported_on)), None)

    @property
    def since(self) -> date:
        """The first day of which the report speaks. Where it says no more than that something has ended, that is the
        first day of what has."""
        report = self.report
        if report.since is not None:
            return report.since
        if report.until is None or not report.has_ended:
            return report.reported_on
        before = [row.valid_from for row in self.rows if row.valid_from < report.until]
        return before[-1] if before else report.until

    @property
    def until(self) -> date | None:
        """The first day on which it is so no more, by the report; where that says nothing of it, as is known. It does
        not know of what began after its own day, which stays. A death that is stated has no end."""
        if self.states_death:
            return None
        said = self.report.until or (self.at.valid_to if self.at is not None else None)
        coming = (row.valid_from for row in self.rows if row.valid_from > self.report.reported_on)
        return min((day for day in (said, next(coming, None)) if day is not None), default=None)

    @property
    def spoken(self) -> list[Any]:
        """The rows that hold on some day of which the report speaks. Of a death that is any: he died but once."""
        if self.states_death:
            return self.rows
        until = self.until
        return [
            row
            for row in self.rows
            if row.valid_from <= self.report.reported_on
            and (row.valid_to is None or row.valid_to > self.since)
            and (until is None or row.valid_from < until)
        ]

    @property
    def later(self) -> list[Any]:
        """Of what has ended by the report, the rows that begin after that and would still hold on its day."""
        report = self.report
        if not report.has_ended or report.until is None:
            return []
        return [row for row in self.rows if row.valid_from >= report.until and held(row, report.reported_on)]

    # --- what the report says otherwise ---

    def stands_against(self, row: Any) -> bool:
        """Whether a report of this source and day may not overwrite a row."""
        report = self.report
        if not report.listed:
            return not self._is_older(row)  # whoever is not named is for somebody to look for
        if row.source == report.source:
            return False
        authorities = AUTHORITIES.get(report.kind, frozenset())
        above = row.source in authorities and report.source not in authorities
        return report.kind == DEATH or above or _last_said(row) >= report.reported_on

    def _is_older(self, row: Any) -> bool:
        """Whether the same source has said something of a later day already."""
        return bool(row.source == self.report.source and _last_said(row) > self.report.reported_on)

    @property
    def overtaken(self) -> bool:
        """Whether the same source has said of a later day what holds on the days of the report."""
        rows = [*self.spoken, *self.later] if self.report.listed else [self.at]
        return any(self._is_older(row) for row in rows if row is not None)

    def otherwise(self) -> Iterator[tuple[Any, dict[str, Any]]]:
        """The rows beside which the report cannot be true, with what they say where it says otherwise."""
        report = self.report
        if not report.listed:
            if self.at is not None:
                yield self.at, {"listed": True}
            return
        spoken = self.spoken
        for place, row in enumerate(spoken):
            found = self._stated_otherwise(row)
            if place == 0 and (row.valid_from > self.since or (report.kind == DEATH and row.valid_from != self.since)):
                found["since"] = plain(row.valid_from)
            following = spoken[place + 1].valid_from if place + 1 < len(spoken) else None
            if self._ends_otherwise(row, following):
                found["until"] = plain(row.valid_to)
            if found:
                yield row, found
        for row in self.later:
            yield row, {"until": plain(row.valid_to)}

    def _stated_otherwise(self, row: Any) -> dict[str, Any]:
        found = {}
        for name in STATED:
            ours, theirs = getattr(self.report, name), getattr(row, name)
            if ours not in (None, "") and theirs not in (None, "") and ours != theirs:
                found[name] = theirs
        return found

    def _ends_otherwise(self, row: Any, following: date | None) -> bool:
        """Whether a row ends on another day than the report says; ``following`` is where the next one begins."""
        if following is not None:
            return bool(row.valid_to != following)
        return bool(row.valid_to != self.until)

    # --- what comes of it ---

    def outcome(self) -> Judged:
        """What is to be asserted."""
        if not self.report.listed:
            return self._not_named(self.at) if self.at is not None else SAME
        if not self.accepted and self.overtaken:
            return SAME
        spoken, later = self.spoken, self.later
        return self._changed(spoken, later) if spoken else self._begun(later)

    def _begun(self, later: Sequence[Any]) -> Judged:
        """Where nothing is known of the days of the report: it begins, or there is nothing that could end but what
        began on the very day."""
        since, until, gone = self.since, self.until, tuple(row.id for row in later)
        if self.report.has_ended and self.report.since is None:
            return Judged(Verdict.CHANGED, ended=gone, was={"until": (later[0].valid_to, until)}) if gone else SAME
        made = self._assertion(self._values(None), since, until)
        return Judged(Verdict.CHANGED if self.rows else Verdict.NEW, made, gone, {"since": (None, since)})

    def _changed(self, spoken: Sequence[Any], later: Sequence[Any]) -> Judged:
        """What becomes of the rows of the days of the report: the fewest days are said anew."""
        since, until, first, last = self.since, self.until, spoken[0], spoken[-1]
        filled = {row.id: self._values(row) for row in spoken}
        unlike = [row for row in spoken if self._differences(row, filled[row.id])]
        was = {name: said for row in unlike for name, said in self._differences(row, filled[row.id]).items()}
        moved = self.report.kind == DEATH and first.valid_from != since
        earlier = moved or first.valid_from > since
        if earlier:
            was["since"] = (first.valid_from, since)
        if last.valid_to != until or later:
            was["until"] = (last.valid_to, until)
        parted = any(one.valid_to != following.valid_from for one, following in pairwise(spoken))
        if not was and not parted:
            return SAME
        gone = tuple(row.id for row in later)
        if moved:  # no day is left on which he was dead already, or not yet
            return Judged(
                Verdict.CHANGED, self._assertion(filled[last.id], since, None), tuple(row.id for row in spoken), was
            )
        if set(was) == {"since"} and not parted:
            return Judged(Verdict.CHANGED, self._assertion(filled[first.id], since, first.valid_from), was=was)
        stays = last.valid_from if not unlike else max(since, unlike[0].valid_from)
        begins = since if earlier or parted else stays
        return Judged(Verdict.CHANGED, self._assertion(filled[last.id], begins, until), gone, was)

    def _differences(self, row: Any, filled: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
        """What of a row is another once the report has filled it; that an authority says it too is something new."""
        names = (*STATED, "number_masked", *(("source",) if self._confirms(row) else ()))
        return {name: (getattr(row, name), filled[name]) for name in names if getattr(row, name) != filled[name]}

    def _confirms(self, row: Any) -> bool:
        """Whether the report is an authority's, and the row an office's."""
        authorities = AUTHORITIES.get(self.report.kind, frozenset())
        return self.report.source in authorities and row.source not in authorities

    def _not_named(self, row: Any) -> Judged:
        """Whom a whole list does not name: it ended on the day before the list's."""
        day = self.report.reported_on
        was = {"until": (row.valid_to, day)}
        if row.valid_from == day:
            return Judged(Verdict.CHANGED, ended=(row.id,), was=was)
        return Judged(Verdict.CHANGED, self._assertion(self._values(row), row.valid_from, day), was=was)

    def _assertion(self, values: Mapping[str, Any], since: date, until: date | None) -> Assertion:
        key = {"person_id": self.person.id, "kind": self.report.kind}
        own = {**values, "division": self.person.division}
        return Assertion(key, own, since, until, self.report.reported_on)

    def _values(self, row: Any) -> dict[str, Any]:
        """The columns of a row as the report fills them: what it leaves out stays as it is known.

        Beside a row that the report may not overwrite, it fills in only what is not known, and the row stays of whoever
        said so.
        """
        report = self.report
        values: dict[str, Any] = {name: getattr(report, name) for name in (*STATED, *_SEALED, *_SAID_BY)}
        values |= {"source": report.source.value, "category": plain(report.category)}
        if row is None:
            return values
        for name in STATED:
            values[name] = getattr(row, name) if values[name] in (None, "") else values[name]
        # The number of a certificate holds its category and level: of another one, the old number says nothing.
        if report.number is None and (row.level, row.category) == (values["level"], values["category"]):
            values |= {name: getattr(row, name) for name in _SEALED}
        if self.stands_against(row) and not self._confirms(row) and not self.accepted:
            values |= {name: getattr(row, name) for name in _SAID_BY}
        return values
