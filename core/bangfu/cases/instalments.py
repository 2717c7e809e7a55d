"""The parts of an award 分期 as they stand: what is due, what stands in a batch, and what was paid on which day."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Text, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Entered
from bangfu.db.bulk import among
from bangfu.models import Case, CaseEvent, Entitlement, PaymentBatch, PaymentLine

_LINE = (
    (PaymentLine.tenant_id == Entitlement.tenant_id)
    & (PaymentLine.entitlement_id == Entitlement.id)
    & PaymentLine.voided_at.is_(None)
)
_BATCH = (PaymentBatch.tenant_id == PaymentLine.tenant_id) & (PaymentBatch.id == PaymentLine.batch_id)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of an award that is or was due: its number (from 1), how much in fen, and the determination behind it.

    ``batched`` is whether it stands in a payment batch, ``paid_on`` the day on which that was released.
    """

    case: UUID
    determination: UUID
    number: int
    fen: int
    due_since: datetime
    batched: bool
    paid_on: date | None


async def standing(session: AsyncSession, who: Entered, cases: Collection[UUID]) -> dict[UUID, list[Part]]:
    """The parts that are or were due in some cases, by case and in their order, in one statement."""
    query = (
        select(
            Entitlement.case_id,
            Entitlement.determination_id,
            Entitlement.instalment,
            Entitlement.amount_fen,
            Entitlement.created_at,
            PaymentLine.id.is_not(None),
            _paid_on(who.county.id).label("paid_on"),
        )
        .outerjoin(PaymentLine, _LINE)
        .outerjoin(PaymentBatch, _BATCH)
        .where(
            Entitlement.tenant_id == who.county.id, among(Entitlement.case_id, cases), Entitlement.voided_at.is_(None)
        )
        .order_by(Entitlement.case_id, Entitlement.instalment)
    )
    found: dict[UUID, list[Part]] = {}
    for row in await session.execute(query):
        found.setdefault(row.case_id, []).append(Part(*row))
    return found


def something_paid(tenant: int) -> ColumnElement[bool]:
    """The condition that something of a case was paid: a part of it stands in a batch that was released."""
    paid = (
        select(Entitlement.id)
        .join(PaymentLine, _LINE)
        .outerjoin(PaymentBatch, _BATCH)
        .where(
            Entitlement.tenant_id == tenant,
            Entitlement.case_id == Case.id,
            Entitlement.voided_at.is_(None),
            _paid_on(tenant).is_not(None),
        )
    )
    return paid.correlate(Case).exists()


def _paid_on(tenant: int) -> ColumnElement[date | None]:
    """The day on which the batch of a line was released.

    Only who sees all of its area sees a batch; that it was released stands in what happened to the case as well.
    """
    released = (
        select(func.max(CaseEvent.effective_on))
        .where(
            CaseEvent.tenant_id == tenant,
            CaseEvent.case_id == Entitlement.case_id,
            CaseEvent.act == "release",
            CaseEvent.data["batch"].astext == cast(PaymentLine.batch_id, Text),
        )
        .correlate(Entitlement, PaymentLine)
        .scalar_subquery()
    )
    return func.coalesce(PaymentBatch.released_on, released)
