"""What a list says of a person's schooling, held against what is known: nothing new, a change, or a discrepancy.

Pure reckoning; ``schooling`` reads and writes. A report speaks of its day. The rule is one for all sources:

* what is known from a *different* source, reported on the same day or later, is not overwritten: where the report
  contradicts it (school, level, grade, internship, left or not), that is a discrepancy for somebody to settle;
* a family's paper never overwrites what the bureau or a school says, however new: it adds what they left open;
* otherwise the newer report holds from its day on, and an older one of the same source says nothing;
* a name that is not the register's is always a discrepancy: it may be somebody else.

What somebody has settled is not asked again by reports of that day or before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from bangfu.registry.history import Assertion
from bangfu.registry.reported import SAME, Judged, Person, Settled, Verdict, day_of, plain, said_of
from bangfu.text import Text

VALUES = (
    "organization_id", "school", "name", "student_number", "in_county", "level", "grade", "months", "interning",
    "proved",
)  # fmt: skip
"""The columns of a row that a report fills."""


class Source(StrEnum):
    """Whose list or paper says where somebody goes to school."""

    BUREAU = "bureau"
    SCHOOL = "school"
    FAMILY = "family"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return _SOURCES[self]


_SOURCES = {
    Source.BUREAU: Text("教育局学籍库", "the education bureau's list"),
    Source.SCHOOL: Text("学校", "the school"),
    Source.FAMILY: Text("家庭提供", "the family"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a source says of one person on a day (``reported_on``).

    ``since`` is the first day of what it says, that of the report unless stated; ``left_on`` the first day on which he
    is on the roll no more. What is None is not said.
    """

    source: Source
    reported_on: date
    name: str
    school: str
    level: str
    in_county: bool
    proved: bool
    organization_id: UUID | None = None
    student_number: str = ""
    grade: int | None = None
    months: int | None = None
    interning: bool | None = None
    since: date | None = None
    left_on: date | None = None

    def as_json(self) -> dict[str, Any]:
        """It as a discrepancy keeps it."""
        return {name: plain(value) for name, value in asdict(self).items()}

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> Report:
        """What a discrepancy kept."""
        days = {name: day_of(kept[name]) for name in ("since", "left_on")}
        unit = kept["organization_id"]
        return cls(**{
            **kept, **days, "source": Source(kept["source"]), "reported_on": date.fromisoformat(kept["reported_on"]),
            "organization_id": None if unit is None else UUID(unit),
        })  # fmt: skip


def judge(
    person: Person,
    rows: Iterable[Any],
    report: Report,
    settled: Sequence[Settled] = (),
    *,
    accepted: bool = False,
    witnessed: bool = False,
) -> Judged:
    """What a report comes to, given the rows that are known now of the person.

    ``accepted`` is a report that somebody has decided for: it is asserted whatever else is known. ``witnessed`` puts
    down who says so and when also where nothing else changes.
    """
    case = _Case.of(person, rows, report, accepted=accepted, witnessed=witnessed)
    if accepted:
        return case.outcome()
    name = case.name_differs()
    otherwise = list(case.otherwise())
    known = {**name, **next((said for row, said in otherwise if case.stands_against(row)), {})}
    asked = known or dict(next((said for _, said in otherwise), {}))
    if asked and any(one.answers(asked, report.as_json(), report.reported_on) for one in settled):
        return SAME
    return Judged(Verdict.DIFFERS, known=known) if known else case.outcome()


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
    witnessed: bool

    @classmethod
    def of(
        cls, person: Person, rows: Iterable[Any], report: Report, *, accepted: bool = False, witnessed: bool = False
    ) -> _Case:
        return cls(person, sorted(rows, key=lambda row: row.valid_from), report, accepted, witnessed)

    # --- what is known on the day of the report ---

    @property
    def at(self) -> Any:
        """The row that holds, if any does."""
        return self._on(self.report.reported_on)

    @property
    def last(self) -> Any:
        """Where none holds, the last that did, if that was at the school of the report."""
        day = self.report.reported_on
        ended = [row for row in self.rows if row.valid_to is not None and row.valid_to <= day]
        return ended[-1] if ended and self.at is None and self._same_school(ended[-1]) else None

    @property
    def attended(self) -> Any:
        """Of who is reported to have left, the last row at that school that began before he did."""
        left_on = self.report.left_on
        assert left_on is not None
        found = [row for row in self.rows if row.valid_from < left_on and self._same_school(row)]
        return found[-1] if found else None

    @property
    def begins(self) -> date:
        """The first day of what the report says of who is on the roll."""
        return self.report.since or self.report.reported_on

    def _on(self, day: date) -> Any:
        return next((row for row in self._during(day, day)), None)

    def _during(self, first: date, last: date) -> Iterator[Any]:
        """The rows that hold on some day from one to another, the latest first."""
        for row in reversed(self.rows):
            if row.valid_from <= last and (row.valid_to is None or row.valid_to > first):
                yield row

    def _same_school(self, row: Any) -> bool:
        own, other = self.report.organization_id, row.organization_id
        return bool(own == other if own and other else row.school == self.report.school)

    # --- what the report says otherwise ---

    def stands_against(self, row: Any) -> bool:
        """Whether a report of this source and day may not overwrite a row."""
        report = self.report
        if report.source is Source.SCHOOL and report.left_on is not None and self._ended_before(row, report.left_on):
            return True  # a school does not see where its student has gone since
        return row.source != report.source and (row.reported_on >= report.reported_on or report.source is Source.FAMILY)

    @staticmethod
    def _ended_before(row: Any, day: date) -> bool:
        return row.valid_to is not None and row.valid_to < day

    def name_differs(self) -> dict[str, Any]:
        """The register's name, where the report's is another; a spelling that somebody has accepted is no news."""
        return said_of(self.person, [row.name for row in self.rows], self.report.name)

    def otherwise(self) -> Iterator[tuple[Any, dict[str, Any]]]:
        """The rows beside which the report cannot be true, with what they say where it says otherwise."""
        if self.report.left_on is not None:
            yield from self._left_otherwise(self.report.left_on)
            return
        for row in self._during(self.begins, self.report.reported_on):
            if found := self._of_a_day(row):
                yield row, found
        if self.last is not None:
            yield self.last, {**self._of_a_day(self.last), "left_on": plain(self.last.valid_to)}

    def _of_a_day(self, row: Any) -> dict[str, Any]:
        """What a row says of a day of which the report says otherwise."""
        report, found = self.report, {}
        if not self._same_school(row):
            found["school"] = row.school
        for name in ("level", "grade", "interning"):
            ours, theirs = getattr(report, name), getattr(row, name)
            if ours is not None and theirs is not None and ours != theirs:
                found[name] = theirs
        return found

    def _left_otherwise(self, left_on: date) -> Iterator[tuple[Any, dict[str, Any]]]:
        report = self.report
        for row in self._during(left_on, report.reported_on):
            if self._same_school(row):
                ended = row.valid_to is not None and row.valid_to <= report.reported_on
                yield row, {"left_on": plain(row.valid_to) if ended else None}
        attended = self.attended
        if attended is not None and attended.valid_to is not None and attended.valid_to < left_on:
            yield attended, {"left_on": plain(attended.valid_to)}
        if attended is None and report.since is not None:
            for row in self._during(report.since, _before(left_on)):
                yield row, {"school": row.school}

    # --- what comes of it ---

    def outcome(self) -> Judged:
        """What is to be asserted."""
        return self._enrolled() if self.report.left_on is None else self._leaves(self.report.left_on)

    def _is_older(self, row: Any) -> bool:
        """Whether the same source has said something of a later day already."""
        return bool(row.source == self.report.source and row.reported_on > self.report.reported_on)

    @property
    def overtaken(self) -> bool:
        """Whether the same source has said of a later day what holds on the days of the report."""
        left_on, day = self.report.left_on, self.report.reported_on
        if left_on is None:
            rows = [*self._during(self.begins, day), self.last]
        else:
            rows = [*filter(self._same_school, self._during(left_on, day)), self.attended]
        return any(self._is_older(row) for row in rows if row is not None)

    def _enrolled(self) -> Judged:
        report, at, base = self.report, self.at, self.at or self.last
        if base is not None and self._is_older(base) and not self.accepted:
            return SAME
        values = self._values(base)
        if at is None:
            # Of who had not left after all, nothing is missing in between.
            begins = min(self.begins, self.last.valid_to) if self.accepted and self.last is not None else self.begins
            made = self._assertion(values, begins)
            if not self.rows:
                return Judged(Verdict.NEW, made)
            return Judged(Verdict.CHANGED, made, was={"school": ("", report.school)})
        was = {name: (getattr(at, name), values[name]) for name in VALUES if getattr(at, name) != values[name]}
        if self.witnessed and (at.source, at.reported_on) != (values["source"], values["reported_on"]):
            was["source"] = (at.source, values["source"])
        if was:
            return Judged(Verdict.CHANGED, self._assertion(values, self.begins, at.valid_to), was=was)
        if at.valid_from <= self.begins or self._on(self.begins) is not None:
            return SAME
        earlier = self._assertion(values, self.begins, at.valid_from)
        return Judged(Verdict.CHANGED, earlier, was={"since": (at.valid_from, self.begins)})

    def _leaves(self, left_on: date) -> Judged:
        report, row = self.report, self.attended
        if row is None:
            if report.since is None:
                return SAME  # nothing is known that could end
            made = self._assertion(self._values(None), report.since, left_on)
            return Judged(Verdict.CHANGED if self.rows else Verdict.NEW, made, was={"left_on": (None, left_on)})
        later = [
            one for one in self._during(left_on, report.reported_on) if self._same_school(one) and one is not row
        ]  # fmt: skip
        if row.valid_to == left_on and not later:
            return SAME
        if self._is_older(later[0] if later else row) and not self.accepted:
            return SAME
        values = {**{name: getattr(row, name) for name in VALUES}, **self._said_by()}
        ended = tuple(one.id for one in later)
        was = {"left_on": (None if later else row.valid_to, left_on)}
        return Judged(Verdict.CHANGED, self._assertion(values, row.valid_from, left_on), ended, was)

    def _assertion(self, values: Mapping[str, Any], since: date, until: date | None = None) -> Assertion:
        own = {**values, "division": self.person.division}
        return Assertion({"person_id": self.person.id}, own, since, until, self.report.reported_on)

    def _said_by(self) -> dict[str, Any]:
        return {"source": self.report.source.value, "reported_on": self.report.reported_on}

    def _values(self, row: Any) -> dict[str, Any]:
        """The columns of a row as the report fills them: what it leaves out stays as it is known of the same schooling.

        Beside a row that the report may not overwrite, it fills in only what is not known, and the row stays of whoever
        said so: a family does not come to answer for what the bureau said.
        """
        report = self.report
        values: dict[str, Any] = {name: getattr(report, name) for name in VALUES} | self._said_by()
        if row is None or not self._same_school(row):
            return values
        values["organization_id"] = report.organization_id or row.organization_id
        values["student_number"] = report.student_number or row.student_number
        if row.level != report.level:
            return values
        for name in ("grade", "months", "interning"):
            values[name] = getattr(row, name) if values[name] is None else values[name]
        # A proof is of the school, the level and the grade, and a list that does not tell of it takes it from nobody.
        if not report.proved and row.proved and row.source != report.source and row.grade in (None, values["grade"]):
            values["proved"] = True
        if self.stands_against(row) and not self.accepted:
            kept = {name: getattr(row, name) for name in VALUES if getattr(row, name) not in (None, "")}
            kept["proved"] = values["proved"]
            if not self.witnessed:
                kept |= {"source": row.source, "reported_on": row.reported_on}
            values |= kept
        return values


def _before(day: date) -> date:
    return date.fromordinal(day.toordinal() - 1)
