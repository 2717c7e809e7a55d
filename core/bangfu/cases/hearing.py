"""What the public handed in against entries of notices 公众异议: an officer hears it, and confirms or dismisses it.

Until then the case waits as for any objection. Confirmed, it becomes an objection against the case, made on the day it
was handed in; dismissed, it is on record with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import audit
from bangfu.access import Action, Entered
from bangfu.cases import acts
from bangfu.cases.acts import Report
from bangfu.cases.ground import ground_of
from bangfu.cases.views import Stated
from bangfu.db.bulk import update_all
from bangfu.disclosure import need_reason
from bangfu.errors import Code
from bangfu.models import Case, Notice, NoticeEntry, Publication, PublicObjection
from bangfu.programme import Plugins
from bangfu.text import Text
from bangfu.vault import Vault


@dataclass(frozen=True, slots=True)
class Heard:
    """What was handed in, against whom, and what has been decided: None as long as nothing has."""

    id: UUID
    receipt: str
    programme: str
    period: str
    division: int
    position: int
    case: UUID
    household: str
    words: str
    name: str = field(repr=False)
    phone: str
    handed_in_on: date
    handed_in_at: datetime
    confirmed: bool | None
    reason: str


def _query(tenant: int) -> Select[PublicObjection, str, str, UUID, str]:
    return (
        select(PublicObjection, Notice.programme, Notice.period, NoticeEntry.case_id, Case.number.label("household"))
        .join(Publication, (Publication.tenant_id == tenant) & (Publication.id == PublicObjection.publication_id))
        .join(Notice, (Notice.tenant_id == tenant) & (Notice.id == Publication.notice_id))
        .join(
            NoticeEntry,
            (NoticeEntry.tenant_id == tenant)
            & (NoticeEntry.notice_id == Notice.id)
            & (NoticeEntry.position == PublicObjection.position),
        )
        .join(Case, (Case.tenant_id == tenant) & (Case.id == NoticeEntry.case_id))
        .where(PublicObjection.tenant_id == tenant)
    )


async def pending(session: AsyncSession, vault: Vault, who: Entered) -> list[Heard]:
    """What waits for an officer to decide on it, in sight, the oldest first, in one statement; refuses ``FORBIDDEN``.

    A name is for who may know who objects; a telephone is shown masked.
    """
    who.require(Action.HEAR_OBJECTIONS)
    query = _query(who.county.id).where(PublicObjection.decided_at.is_(None))
    rows = await session.execute(query.order_by(PublicObjection.handed_in_at, PublicObjection.id))
    return [_heard(row, vault, who) for row in rows]


def _heard(row: Any, vault: Vault, who: Entered) -> Heard:
    own: PublicObjection = row.PublicObjection
    name = ""
    if own.name is not None and who.may(Action.READ_OBJECTORS):
        name = vault.reveal(own.name, "public_objection.name", who.county.id)
    return Heard(
        own.id,
        own.receipt,
        row.programme,
        row.period,
        own.division,
        own.position,
        row.case_id,
        row.household,
        own.words,
        name,
        own.phone_masked or "",
        own.handed_in_on,
        own.handed_in_at,
        own.confirmed,
        own.reason or "",
    )


async def _one(session: AsyncSession, who: Entered, id: UUID) -> Any:
    """What was handed in, by its id; refuses ``NOT_FOUND``, and ``FORBIDDEN`` where the actor hears no objections."""
    row = (await session.execute(_query(who.county.id).where(PublicObjection.id == id))).first()
    if row is None:
        raise Code.NOT_FOUND.refuse("id", what=Text("公众异议", "the objection of the public"))
    who.require(Action.HEAR_OBJECTIONS, row.programme)
    return row


async def _decide(session: AsyncSession, who: Entered, row: Any, confirmed: bool, reason: str) -> None:
    """Decide once: of two at once the second is refused with ``CONFLICT``."""
    own: PublicObjection = row.PublicObjection
    values = {"confirmed": confirmed, "reason": reason, "decided_by": who.actor.id, "decided_at": who.at.now}
    if own.decided_at is not None or not await update_all(session, PublicObjection, [own.id], values):
        raise Code.CONFLICT.refuse("id")
    about = {"case": str(row.case_id), "receipt": own.receipt, "confirmed": confirmed}
    action = Action.HEAR_OBJECTIONS.value
    await audit.record(session, who.at.now, who.actor.id, action, f"public_objection/{own.id}", about, reason)


async def confirm(session: AsyncSession, who: Entered, plugins: Plugins, id: UUID) -> Report:
    """Make what was handed in an objection against the case, of the day it was handed in; the case waits.

    Refuses ``NOT_FOUND``, ``FORBIDDEN``, ``CONFLICT`` for what is decided already, and whatever taking an objection
    refuses; then it stays pending, and is dismissed with the reason.
    """
    row = await _one(session, who, id)
    own: PublicObjection = row.PublicObjection
    await _decide(session, who, row, True, "")
    ground = await ground_of(session, who.county.id, plugins.programme(row.programme), row.period)
    evidence = f"网上异议 {own.receipt}"
    stated = Stated(day=own.handed_in_on, evidence=evidence)
    report = await acts.object_to(session, who, ground, row.household, own.words, evidence, stated)
    report.only()
    return report


async def dismiss(session: AsyncSession, who: Entered, id: UUID, reason: str) -> None:
    """Put aside what was handed in, such as what says nothing; on record with the reason, which is kept.

    Refuses ``NOT_FOUND``, ``FORBIDDEN``, ``REASON_NEEDED`` and ``CONFLICT``.
    """
    row = await _one(session, who, id)
    await _decide(session, who, row, False, need_reason(reason))


async def by_receipt(session: AsyncSession, who: Entered, receipt: str) -> UUID:
    """The id of what has a receipt, in sight; refuses ``NOT_FOUND``."""
    wanted = PublicObjection.receipt == receipt.strip().upper()
    found: Sequence[UUID] = (
        await session.scalars(select(PublicObjection.id).where(PublicObjection.tenant_id == who.county.id, wanted))
    ).all()
    if not found:
        raise Code.NOT_FOUND.refuse("receipt", what=Text("公众异议", "the objection of the public"))
    return found[0]
