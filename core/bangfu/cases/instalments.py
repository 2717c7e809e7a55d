"""The parts of an award 分期 as they stand: what is due, what stands in a batch, and what was paid on which day."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from bangfu.access import Entered
from bangfu.db.bulk import among
from bangfu.models import Case, Entitlement, PaymentLine, PaymentReturn, PaymentSetoff, Repayment
from bangfu.payments import Kind

_STANDS = (
    (PaymentLine.tenant_id == Entitlement.tenant_id)
    & (PaymentLine.entitlement_id == Entitlement.id)
    & PaymentLine.voided_at.is_(None)
    & ~select(PaymentReturn.id)
    .where(PaymentReturn.tenant_id == PaymentLine.tenant_id, PaymentReturn.line_id == PaymentLine.id)
    .correlate(PaymentLine)
    .exists()
)
"""The payment of an entitlement that stands: what came back is not paid, until it is paid again."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of an award that is or was due: its number (from 1), how much in fen, and the determination behind it.

    ``batched`` is whether it stands in a payment batch, ``paid_on`` the day on which that was released; what came back
    is in none.
    """

    case: UUID
    determination: UUID
    number: int
    fen: int
    due_since: datetime
    batched: bool
    paid_on: date | None


async def standing(session: AsyncSession, who: Entered, cases: Collection[UUID]) -> dict[UUID, list[Part]]:
    """The parts that are or were due in some cases, by case and in their order, in one statement. What is due of a
    month is no part of anything."""
    query = (
        select(
            Entitlement.case_id,
            Entitlement.determination_id,
            Entitlement.instalment,
            Entitlement.amount_fen,
            Entitlement.created_at,
            PaymentLine.id.is_not(None),
            PaymentLine.released_on,
        )
        .outerjoin(PaymentLine, _STANDS)
        .where(
            Entitlement.tenant_id == who.county.id,
            among(Entitlement.case_id, cases),
            Entitlement.kind == Kind.AWARD.value,
            Entitlement.determination_id.is_not(None),
            Entitlement.voided_at.is_(None),
        )
        .order_by(Entitlement.case_id, Entitlement.instalment)
    )
    found: dict[UUID, list[Part]] = {}
    for row in await session.execute(query):
        found.setdefault(row.case_id, []).append(Part(*row))  # type: ignore[arg-type]
    return found


async def adjusted(session: AsyncSession, who: Entered, cases: Collection[UUID]) -> dict[UUID, int]:
    """What was added to cases after they were paid, in fen: arrears less recoveries, in one statement."""
    query = (
        select(Entitlement.case_id, func.sum(Entitlement.amount_fen))
        .where(
            Entitlement.tenant_id == who.county.id,
            among(Entitlement.case_id, cases),
            Entitlement.kind != Kind.AWARD.value,
            Entitlement.voided_at.is_(None),
        )
        .group_by(Entitlement.case_id)
    )
    return {row[0]: int(row[1]) for row in await session.execute(query)}


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of a case after its award, in fen: what was due beside it (arrears less recoveries), what was paid of
    arrears and did not come back, and what the household paid back of recoveries."""

    due_fen: int = 0
    paid_fen: int = 0
    repaid_fen: int = 0


async def settled(session: AsyncSession, who: Entered, cases: Collection[UUID]) -> dict[UUID, Settled]:
    """What came of cases after their awards, in one statement; cases of which nothing did are not among them."""
    repaid = (
        select(func.sum(Repayment.amount_fen))
        .where(Repayment.tenant_id == Entitlement.tenant_id, Repayment.entitlement_id == Entitlement.id)
        .correlate(Entitlement)
        .scalar_subquery()
    )
    query = (
        select(
            Entitlement.case_id,
            func.sum(Entitlement.amount_fen),
            func.sum(PaymentLine.amount_fen).filter(PaymentLine.released_on.is_not(None)),
            func.sum(repaid),
        )
        .outerjoin(PaymentLine, _STANDS)
        .where(
            Entitlement.tenant_id == who.county.id,
            among(Entitlement.case_id, cases),
            Entitlement.kind != Kind.AWARD.value,
            Entitlement.voided_at.is_(None),
        )
        .group_by(Entitlement.case_id)
    )
    return {case: Settled(*(int(fen or 0) for fen in sums)) for case, *sums in await session.execute(query)}


@dataclass(frozen=True, slots=True)
class MonthSum:
    """What stands of one month of a case that is paid every month, in fen: what is due of it, what was paid of it and
    what the payment was less for what was to be paid back; ``paid_on`` is the day of its last payment, None where it
    was not paid."""

    month: int
    due_fen: int
    paid_fen: int
    set_off_fen: int
    paid_on: date | None


async def monthly(session: AsyncSession, who: Entered, cases: Collection[UUID]) -> dict[UUID, list[MonthSum]]:
    """What stands of the months of some cases, by case and in their order, in one statement. What was set off stands
    although its payment came back, which is paid again without it."""
    line = aliased(PaymentLine)
    less = (
        select(func.sum(PaymentSetoff.amount_fen))
        .join(line, (line.tenant_id == PaymentSetoff.tenant_id) & (line.id == PaymentSetoff.line_id))
        .where(
            line.tenant_id == Entitlement.tenant_id,
            line.entitlement_id == Entitlement.id,
            PaymentSetoff.voided_at.is_(None),
            PaymentSetoff.released_at.is_not(None),
        )
        .correlate(Entitlement)
        .scalar_subquery()
    )
    released = PaymentLine.released_on.is_not(None)
    query = (
        select(
            Entitlement.case_id,
            Entitlement.instalment,
            func.sum(Entitlement.amount_fen),
            func.sum(PaymentLine.amount_fen).filter(released),
            func.sum(less),
            func.max(PaymentLine.released_on),
        )
        .outerjoin(PaymentLine, _STANDS)
        .where(
            Entitlement.tenant_id == who.county.id,
            among(Entitlement.case_id, cases),
            Entitlement.month_decision_id.is_not(None),
            Entitlement.voided_at.is_(None),
        )
        .group_by(Entitlement.case_id, Entitlement.instalment)
        .order_by(Entitlement.case_id, Entitlement.instalment)
    )
    found: dict[UUID, list[MonthSum]] = {}
    for case, month, due, paid, off, on in await session.execute(query):
        found.setdefault(case, []).append(MonthSum(month, int(due), int(paid or 0), int(off or 0), on))
    return found


def something_paid(tenant: int) -> ColumnElement[bool]:
    """The condition that something of a case was paid and did not come back."""
    paid = (
        select(Entitlement.id)
        .join(PaymentLine, _STANDS)
        .where(
            Entitlement.tenant_id == tenant,
            Entitlement.case_id == Case.id,
            Entitlement.kind == Kind.AWARD.value,
            Entitlement.determination_id.is_not(None),
            Entitlement.voided_at.is_(None),
            PaymentLine.released_on.is_not(None),
        )
    )
    return paid.correlate(Case).exists()
