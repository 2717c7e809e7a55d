"""What lists and papers say of persons, whatever they are about: what a report comes to, what of it has been settled,
and the discrepancies 核对事项 that an import writes down.

``enrolment`` and ``holding`` hold a report against what is known, each in its own way; the words for what comes of it
are these. A person has one open discrepancy of a kind at most: while it is open, what later lists say otherwise waits,
and the import names the task.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, Protocol, TypeAlias
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import CHINA, Entered
from bangfu.db import scope_of
from bangfu.db.bulk import among, insert_new, update_all
from bangfu.models import Discrepancy, new_id
from bangfu.models import Person as PersonRow
from bangfu.registry.history import Assertion, assert_from
from bangfu.registry.importing import EXAMPLES, State, Tally
from bangfu.text import Text

# --- what a report comes to ---------------------------------------------------------------------------------------


class Differing(StrEnum):
    """In what a report can say otherwise than the register."""

    NAME = "name"
    SCHOOL = "school"
    LEVEL = "level"
    GRADE = "grade"
    INTERNING = "interning"
    LEFT_ON = "left_on"
    CATEGORY = "category"
    GENERATION = "generation"
    CLASS_NAME = "class_name"
    SINCE = "since"
    UNTIL = "until"
    LISTED = "listed"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return _DIFFERING[self]


_DIFFERING = {
    Differing.NAME: Text("姓名", "the name"),
    Differing.SCHOOL: Text("学校", "the school"),
    Differing.LEVEL: Text("学段或残疾等级", "the level of schooling, or that of a disability"),
    Differing.GRADE: Text("年级", "the grade"),
    Differing.INTERNING: Text("顶岗实习", "whether on an internship"),
    Differing.LEFT_ON: Text("离校日期", "the day of leaving"),
    Differing.CATEGORY: Text("残疾类别", "the category of a disability"),
    Differing.GENERATION: Text("证件代次", "the generation of a certificate"),
    Differing.CLASS_NAME: Text("低保类别", "the class of the minimum living guarantee"),
    Differing.SINCE: Text("起始日期", "the first day"),
    Differing.UNTIL: Text("终止日期", "the first day on which it is so no more"),
    Differing.LISTED: Text("是否在册", "whether a whole list names him"),
}

Known: TypeAlias = Mapping[str, Any]
"""What is known where a report says otherwise, by the values of :class:`Differing`, as JSON keeps it."""


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a report is of, as the register knows him."""

    id: UUID
    division: int
    number: str
    name: str


class Said(Protocol):
    """A report, whatever it is about."""

    @property
    def reported_on(self) -> date:
        """The day of which it speaks."""

    @property
    def source(self) -> StrEnum:
        """Whose list or paper it is."""

    def as_json(self) -> dict[str, Any]:
        """It as a discrepancy keeps it."""


class Verdict(StrEnum):
    """What a report comes to."""

    SAME = "same"
    NEW = "new"
    CHANGED = "changed"
    DIFFERS = "differs"


@dataclass(frozen=True, slots=True)
class Judged:
    """What a report comes to: what is asserted, which rows are known no more because of it, and what each field was and
    becomes; or, where it is for somebody to settle, what is ``known`` otherwise."""

    verdict: Verdict
    assertion: Assertion | None = None
    ended: tuple[UUID, ...] = ()
    was: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    known: Known = field(default_factory=dict)


SAME = Judged(Verdict.SAME)


@dataclass(frozen=True, slots=True)
class Settled:
    """A discrepancy that somebody has settled: what was known and reported in the fields that differed, which of the
    two holds (``accepted``: what was reported), and the day on which that was said."""

    known: Known
    reported: Known
    accepted: bool
    on: date

    def answers(self, known: Known, reported: Known, reported_on: date) -> bool:
        """Whether a report asks what is settled: the same question, or the same one from the other side."""
        ours = (self.reported, self.known) if self.accepted else (self.known, self.reported)
        return reported_on <= self.on and ours == (known, {name: reported[name] for name in known})


def plain(value: Any) -> Any:
    """A value as JSON keeps it."""
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID | StrEnum) else value


def day_of(kept: str | None) -> date | None:
    """A day that JSON kept."""
    return None if kept is None else date.fromisoformat(kept)


# --- who is meant, and what is known of him -----------------------------------------------------------------------


async def persons_by_index(session: AsyncSession, tenant: int, indexes: Iterable[bytes]) -> dict[bytes, Person]:
    """The persons in sight with some identity numbers, by the blind index of the number, in one statement."""
    found = await session.execute(
        select(PersonRow.identity_index, PersonRow.id, PersonRow.division, PersonRow.number, PersonRow.name).where(
            PersonRow.tenant_id == tenant, among(PersonRow.identity_index, indexes)
        )
    )
    return {row.identity_index: Person(row.id, row.division, row.number, row.name) for row in found}


@dataclass(frozen=True)
class Tasks:
    """The discrepancies of one kind of some persons: the open one of each, and those that are settled."""

    open: dict[UUID, Discrepancy] = field(default_factory=dict)
    settled: dict[UUID, list[Settled]] = field(default_factory=dict)

    @classmethod
    async def read(cls, session: AsyncSession, kind: str, persons: Collection[UUID]) -> Tasks:
        """Read them in one statement."""
        tasks = cls()
        for task in await session.scalars(
            select(Discrepancy).where(
                Discrepancy.tenant_id == scope_of(session).tenant,
                Discrepancy.kind == kind,
                among(Discrepancy.person_id, persons),
            )
        ):
            if task.settled_at is None:
                tasks.open[task.person_id] = task
            else:
                reported = {name: task.reported[name] for name in task.known}
                day = task.settled_at.astimezone(CHINA).date()
                own = Settled(task.known, reported, bool(task.accepted), day)
                tasks.settled.setdefault(task.person_id, []).append(own)
        return tasks


# --- what is written ----------------------------------------------------------------------------------------------


@dataclass
class Changes:
    """What some reports change: what is asserted, which rows are known no more, and what somebody has to settle."""

    assertions: list[Assertion] = field(default_factory=list)
    ended: list[UUID] = field(default_factory=list)
    tasks: list[dict[str, Any]] = field(default_factory=list)
    confirmed: list[UUID] = field(default_factory=list)
    """What is known and said again, by a later list of its source."""

    def add(self, judged: Judged) -> None:
        """What a report comes to that is not for somebody to settle."""
        if judged.assertion is not None:
            self.assertions.append(judged.assertion)
        self.ended += judged.ended

    def differs(
        self, who: Entered, kind: str, person: Person, report: Said, known: Known, by: UUID | None = None
    ) -> UUID:
        """A new task, by its id; ``by`` is the organization that says so itself."""
        id_ = new_id()
        self.tasks.append({
            "tenant_id": who.county.id, "id": id_, "kind": kind, "person_id": person.id,
            "division": person.division, "organization_id": by, "source": report.source.value,
            "reported_on": report.reported_on, "known": dict(known), "reported": report.as_json(),
            "recorded_by": who.actor.id, "recorded_at": who.at.now, "reason": "",
        })  # fmt: skip
        return id_

    async def write(self, session: AsyncSession, model: type[Any], who: Entered) -> None:
        """Carry them out, in a number of statements that does not depend on theirs. Of a task that is open out of the
        actor's sight, nothing more is written."""
        await update_all(session, model, self.ended, {"known_to": who.at.now})
        await assert_from(session, model, self.assertions, who.at.now)
        await insert_new(session, Discrepancy, self.tasks, "id")


def count_task(
    tally: Tally,
    state: State,
    changes: Changes,
    *,
    kind: str,
    person: Person,
    report: Said,
    known: Known,
    open_task: Discrepancy | None,
    what: str,
    by: UUID | None = None,
) -> None:
    """Count a report that somebody has to settle, and write the task down unless one of the person is open: then that
    one is named, if it is another question."""
    reported = report.as_json()
    fields = {name: [str(value), str(reported[name])] for name, value in known.items()}
    if open_task is not None:
        tally.same += 1
        if open_task.known == known and all(open_task.reported[name] == reported[name] for name in known):
            return
        fields = {"waits for": ["discrepancy", str(open_task.id)], **fields}
    else:
        tally.new += 1
        changes.differs(state.who, kind, person, report, known, by)
    if len(tally.examples) < EXAMPLES:
        tally.examples.append({"what": what, "fields": fields})


def said_of(person: Person, names: Sequence[str], said: str) -> dict[str, Any]:
    """The register's name, where a report's is another; ``names`` are spellings that are no news."""
    return {} if said in {person.name, *names} else {Differing.NAME.value: person.name}
