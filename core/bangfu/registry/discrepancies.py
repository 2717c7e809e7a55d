"""Discrepancies 核对事项: what another bureau's list says of a person otherwise than the register, to be settled.

An import writes them down and changes nothing; whoever settles one says which of the two holds, and why. What is
settled is never changed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import audit
from bangfu.access import Action, Entered
from bangfu.db.bulk import update_each
from bangfu.errors import Code
from bangfu.models import Discrepancy, Person
from bangfu.programme import CIRCUMSTANCES
from bangfu.registry import circumstances, schooling
from bangfu.registry.divisions import area_of, township_of
from bangfu.registry.importing import alone
from bangfu.text import Text

MOST = 100
"""The most of a page."""
Accept: TypeAlias = Callable[[AsyncSession, Entered, Discrepancy], Awaitable[None]]
KINDS: Mapping[str, Accept] = {schooling.KIND: schooling.accept, **dict.fromkeys(CIRCUMSTANCES, circumstances.accept)}
"""By kind, how what was reported is put into the register."""
_TASK = Text("核对事项", "the discrepancy")
Place: TypeAlias = tuple[int, str, str]
"""Where a discrepancy stands in the list: the village, the number of the person, and the kind."""


def seen_by(who: Entered) -> ColumnElement[bool]:
    """The condition that somebody may know of a discrepancy: one about a circumstance of a person tells of it."""
    return true() if who.may(Action.READ_CIRCUMSTANCES) else Discrepancy.kind.not_in(list(CIRCUMSTANCES))


@dataclass(frozen=True, slots=True)
class Task:
    """An open discrepancy: of whom, by whose list of which day, and what differs (known, reported) by field."""

    id: UUID
    kind: str
    division: int
    number: str
    name: str
    source: str
    reported_on: date
    recorded_at: datetime
    differs: Mapping[str, tuple[Any, Any]]

    @property
    def place(self) -> Place:
        """Where it stands in the list, for the page after it."""
        return self.division, self.number, self.kind


async def open_ones(
    session: AsyncSession,
    who: Entered,
    *,
    kind: str | None = None,
    division: int | None = None,
    after: Place | None = None,
    first: int = MOST,
) -> list[Task]:
    """A page of the open ones in sight, by village, the number of the person and the kind, in one statement.

    Refuses ``FORBIDDEN``.
    """
    who.require(Action.READ_REGISTERS)
    query = (
        select(Discrepancy, Person.number, Person.name)
        .join(Person, (Person.tenant_id == Discrepancy.tenant_id) & (Person.id == Discrepancy.person_id))
        .where(Discrepancy.tenant_id == who.county.id, Discrepancy.settled_at.is_(None), seen_by(who))
        .order_by(Discrepancy.division, Person.number, Discrepancy.kind)
        .limit(min(first, MOST))
    )
    if kind is not None:
        query = query.where(Discrepancy.kind == kind)
    if division is not None:
        query = query.where(Discrepancy.division.between(*area_of(division)))
    if after is not None:
        query = query.where(tuple_(Discrepancy.division, Person.number, Discrepancy.kind) > tuple_(*after))
    return [
        Task(
            row.id, row.kind, row.division, number, name, row.source, row.reported_on, row.recorded_at,
            {key: (value, row.reported[key]) for key, value in row.known.items()},
        )
        for row, number, name in await session.execute(query)
    ]  # fmt: skip


async def counts(session: AsyncSession, who: Entered, kind: str | None = None) -> dict[int, int]:
    """How many are open in sight by township, in one statement. Refuses ``FORBIDDEN``."""
    who.require(Action.READ_REGISTERS)
    query = (
        select(Discrepancy.division, func.count())
        .where(Discrepancy.tenant_id == who.county.id, Discrepancy.settled_at.is_(None), seen_by(who))
        .group_by(Discrepancy.division)
    )
    if kind is not None:
        query = query.where(Discrepancy.kind == kind)
    found: dict[int, int] = {}
    for village, count in (await session.execute(query.order_by(Discrepancy.division))).all():
        township = township_of(village)
        found[township] = found.get(township, 0) + count
    return found


async def settle(session: AsyncSession, who: Entered, id: UUID, accept: bool, reason: str) -> None:
    """Settle a discrepancy: accept what was reported, which then stands in the register from its day on, or leave the
    register as it is. Who settled it, when and why is kept; it is never changed again.

    Refuses ``FORBIDDEN``, ``REASON_NEEDED``, ``NOT_FOUND`` for what is not in sight, ``NOT_YOUR_DUTY`` for a
    circumstance whose list is another office's, ``SAME_PERSON`` for accepting what one has brought as an office's
    papers, and ``CONFLICT`` for one that is settled already, and for accepting where something else is known by now
    than what it was decided on.
    """
    who.require(Action.SETTLE_DISCREPANCIES)
    if not reason.strip():
        raise Code.REASON_NEEDED.refuse("reason")
    known = select(Discrepancy).where(Discrepancy.tenant_id == who.county.id, Discrepancy.id == id, seen_by(who))
    task = await session.scalar(known)
    if task is None:
        raise Code.NOT_FOUND.refuse("id", what=_TASK)
    if task.kind in CIRCUMSTANCES:
        circumstances.require_speaker(who, task.kind, "id")
    await alone(session, task.kind)
    # Somebody may have settled it while we waited.
    task = (await session.scalars(known.execution_options(populate_existing=True))).one()
    if task.settled_at is not None:
        raise Code.CONFLICT.refuse("id")
    if accept:
        await KINDS[task.kind](session, who, task)
    settled = {"accepted": accept, "reason": reason, "settled_by": who.actor.id, "settled_at": who.at.now}
    await update_each(session, Discrepancy, [{"id": task.id, **settled}])
    await audit.record(
        session,
        who.at.now,
        who.actor.id,
        Action.SETTLE_DISCREPANCIES.value,
        f"discrepancy/{task.id}",
        {"kind": task.kind, "accepted": accept, "person": str(task.person_id), "fields": sorted(task.known)},
        reason,
    )
