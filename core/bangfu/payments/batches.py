"""拨付批次: what was gathered from one budget line, checked and released by three persons.

Amounts are integer fen end to end. Who releases a batch neither drew nor checked the sample; once released it never
changes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import audit
from bangfu.access import Entered
from bangfu.db import hold
from bangfu.db.bulk import among, plainly
from bangfu.errors import Code
from bangfu.models import (
    Case,
    Circumstance,
    Entitlement,
    PaymentBatch,
    PaymentLine,
    PaymentSetoff,
)
from bangfu.payments.due import Kind, hold_batches, settle_unpaid
from bangfu.process import Duty, Monthly, Pay, duty_names
from bangfu.text import Text, yuan_digits

DRAFT, CHECKED, RELEASED, CANCELLED = "draft", "checked", "released", "cancelled"
STATES = {
    DRAFT: Text("待复核", "to be checked"),
    CHECKED: Text("待放行", "to be released"),
    RELEASED: Text("已放行", "released"),
    CANCELLED: Text("已作废", "cancelled"),
}


_WORKED = Text("其中申报的办理人", "who planned, signed, accepted or checked one of its cases")


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as it stands."""

    id: UUID
    number: int
    state: str
    count: int
    total_fen: int


async def check(
    session: AsyncSession, who: Entered, stage: Pay, id: UUID, cases: Collection[UUID], had_a_hand: bool
) -> Batch:
    """Check a batch: its totals are counted again from its lines.

    ``had_a_hand`` is whether who acts worked on one of its ``cases`` before. Refuses ``NOT_YOUR_DUTY``, ``NOT_FOUND``,
    ``BATCH_STATE``, ``SAME_PERSON``, ``BATCH_HOLDS_DEAD``, ``BATCH_TOTAL`` and ``CONFLICT``.
    """
    require_duty(who, stage, stage.checker)
    await _hold_batch(session, id)
    row = await batch_of(session, who, id)
    must_be(row, DRAFT, Text("复核", "checked"))
    if who.actor.id == row.made_by:
        raise Code.SAME_PERSON.refuse("batch", other=Text("汇总人", "who made it"))
    if had_a_hand:
        raise Code.SAME_PERSON.refuse("batch", other=_WORKED)
    await _nobody_dead(session, who, cases)
    await _totals_agree(session, who, row)
    return await _advance(
        session,
        who,
        row,
        CHECKED,
        {"checked_by": who.actor.id, "checked_on": who.at.today, "checked_at": who.at.now},
        PaymentBatch.checked_at.is_(None),
    )


async def release(
    session: AsyncSession,
    who: Entered,
    stage: Pay,
    id: UUID,
    cases: Collection[UUID],
    samplers: Collection[UUID],
    had_a_hand: bool,
) -> Batch:
    """Release a checked batch of some ``cases``; from then on it never changes.

    ``samplers`` drew or checked the sample and may not release, nor who ``had_a_hand`` in one of its cases. Refuses
    ``NOT_YOUR_DUTY``, ``NOT_FOUND``, ``BATCH_STATE``, ``SAME_PERSON``, ``BUDGET_NEEDED`` for a batch older than the
    budget lines, ``BATCH_HOLDS_DEAD``, ``BATCH_TOTAL`` and ``CONFLICT``.
    """
    require_duty(who, stage, stage.releaser)
    await _hold_batch(session, id)
    row = await batch_of(session, who, id)
    must_be(row, CHECKED, Text("放行", "released"))
    for other, officers in (
        (Text("汇总人", "who made it"), {row.made_by}),
        (Text("复核人", "who checked it"), {row.checked_by}),
        (Text("抽查人", "who drew or checked the sample"), set(samplers)),
    ):
        if who.actor.id in officers:
            raise Code.SAME_PERSON.refuse("batch", other=other)
    if had_a_hand:
        raise Code.SAME_PERSON.refuse("batch", other=_WORKED)
    if row.budget_line_id is None:
        raise Code.BUDGET_NEEDED.refuse("batch")
    await _nobody_dead(session, who, cases)
    await _totals_agree(session, who, row)
    for model in (PaymentLine, PaymentSetoff):
        await session.execute(
            update(model)
            .where(model.tenant_id == who.county.id, model.batch_id == id, model.voided_at.is_(None))
            .values(released_on=who.at.today, released_at=who.at.now)
            .execution_options(synchronize_session=False)
        )
    return await _advance(
        session,
        who,
        row,
        RELEASED,
        {"released_by": who.actor.id, "released_on": who.at.today, "released_at": who.at.now},
        PaymentBatch.checked_at.is_not(None),
    )


async def cancel(session: AsyncSession, who: Entered, stage: Pay, id: UUID, reason: str) -> Batch:
    """Cancel a batch that has not been released; its lines no longer stand and can be gathered again. What was to be
    paid back of a month that was never paid is taken from what is to be paid of it.

    Refuses ``NOT_YOUR_DUTY``, ``REASON_NEEDED``, ``NOT_FOUND``, ``BATCH_STATE`` and ``CONFLICT``.
    """
    require_duty(who, stage, stage.maker, stage.checker, stage.releaser)
    if not reason.strip():
        raise Code.REASON_NEEDED.refuse("reason")
    await _hold_batch(session, id)
    row = await batch_of(session, who, id)
    if _state(row) in (RELEASED, CANCELLED):
        must_be(row, DRAFT, Text("作废", "cancelled"))
    cases: Collection[UUID] = ()
    if isinstance(stage, Monthly):
        await hold_batches(session, row.programme)
        cases = await cases_of(session, who.county.id, id)
    for model in (PaymentLine, PaymentSetoff):
        await session.execute(
            update(model).where(model.tenant_id == who.county.id, model.batch_id == id).values(voided_at=who.at.now)
        )
    if cases:
        await settle_unpaid(session, who, cases, reason)
    fields = {"cancelled_by": who.actor.id, "cancelled_at": who.at.now, "reason": reason}
    return await _advance(session, who, row, CANCELLED, fields, PaymentBatch.released_at.is_(None))


async def batches(session: AsyncSession, who: Entered, programme: str, period: str) -> list[Batch]:
    """The batches in sight, by number."""
    rows = await session.scalars(
        select(PaymentBatch)
        .where(
            PaymentBatch.tenant_id == who.county.id,
            PaymentBatch.programme == programme,
            PaymentBatch.period == period,
        )
        .order_by(PaymentBatch.number)
    )
    return [Batch(row.id, row.number, _state(row), row.count, row.total_fen) for row in rows]


async def stage_of(session: AsyncSession, who: Entered, id: UUID) -> str | None:
    """The stage that a batch pays at; None if it is not in sight."""
    query = select(PaymentBatch.stage).where(PaymentBatch.tenant_id == who.county.id, PaymentBatch.id == id)
    return await session.scalar(query)


async def cases_of(session: AsyncSession, tenant: int, id: UUID, *, awards: bool = False) -> list[UUID]:
    """The cases that a batch pays; with ``awards``, those that go on by it: what is paid again, and arrears, move no
    case."""
    lines = select(PaymentLine.entitlement_id).where(
        PaymentLine.tenant_id == tenant, PaymentLine.batch_id == id, PaymentLine.voided_at.is_(None)
    )
    query = select(Entitlement.case_id).where(Entitlement.tenant_id == tenant).distinct()
    if awards:
        lines = lines.where(PaymentLine.reissues.is_(None))
        query = query.where(Entitlement.kind == Kind.AWARD.value)
    # Found by their keys and not by a join, which without statistics goes through the batch for each entitlement.
    paid = [entitlement for (entitlement,) in await plainly(session, lines)]
    return [case for (case,) in await plainly(session, query.where(among(Entitlement.id, paid)))]


def state_of(checked_at: datetime | None, released_at: datetime | None, cancelled_at: datetime | None) -> str:
    """Where a batch stands, by what has happened to it."""
    if cancelled_at is not None:
        return CANCELLED
    if released_at is not None:
        return RELEASED
    return CHECKED if checked_at is not None else DRAFT


def _state(row: PaymentBatch) -> str:
    return state_of(row.checked_at, row.released_at, row.cancelled_at)


def require_duty(who: Entered, stage: Pay, *duties: Duty) -> None:
    """Refuse ``NOT_YOUR_DUTY`` to whoever has none of some duties of a stage today."""
    if not who.actor.duties(who.at.today).intersection(duties):
        raise Code.NOT_YOUR_DUTY.refuse("duty", stage=stage.title, duties=duty_names(duties))


async def batch_of(session: AsyncSession, who: Entered, id: UUID) -> PaymentBatch:
    """A batch; refuses ``NOT_FOUND``."""
    row = await session.scalar(
        select(PaymentBatch).where(PaymentBatch.tenant_id == who.county.id, PaymentBatch.id == id)
    )
    if row is None:
        raise Code.NOT_FOUND.refuse("batch", what=Text("拨付批次", "the batch"))
    return row


def must_be(row: PaymentBatch, state: str, action: Text) -> None:
    """Refuse ``BATCH_STATE`` unless a batch is in a state."""
    if _state(row) != state:
        raise Code.BATCH_STATE.refuse("batch", state=STATES[_state(row)], action=action)


async def deaths(session: AsyncSession, who: Entered) -> dict[UUID, date]:
    """Everybody whose death is on record, with its day, in one statement."""
    query = select(Circumstance.person_id, Circumstance.valid_from).where(
        Circumstance.tenant_id == who.county.id, Circumstance.kind == "death", Circumstance.known_to.is_(None)
    )
    return {row.person_id: row.valid_from for row in await session.execute(query)}


async def _nobody_dead(session: AsyncSession, who: Entered, cases: Collection[UUID]) -> None:
    """Refuse ``BATCH_HOLDS_DEAD`` where a death has become known of somebody whose case is paid."""
    query = select(Case.number).where(
        Case.tenant_id == who.county.id, among(Case.id, cases), among(Case.person_id, await deaths(session, who))
    )
    if numbers := sorted(await session.scalars(query)):
        raise Code.BATCH_HOLDS_DEAD.refuse("batch", numbers="、".join(numbers))


async def _totals_agree(session: AsyncSession, who: Entered, row: PaymentBatch) -> None:
    query = (
        select(PaymentLine.entitlement_id, PaymentLine.amount_fen)
        .where(PaymentLine.tenant_id == who.county.id, PaymentLine.batch_id == row.id, PaymentLine.voided_at.is_(None))
        .order_by(PaymentLine.position)
    )
    lines = await plainly(session, query)
    total = sum(amount for _, amount in lines)
    digest = digest_of(lines)
    if (len(lines), total, digest) != (row.count, row.total_fen, row.digest):
        detail = f"{len(lines)}/{row.count}, {yuan_digits(total)}/{yuan_digits(row.total_fen)}"
        raise Code.BATCH_TOTAL.refuse("batch", detail=detail)


async def _hold_batch(session: AsyncSession, id: UUID) -> None:
    """One at a time: two who change the lines of a batch, each in an order of his own, would wait for each other."""
    await hold(session, f"batch/{id}")


async def _advance(
    session: AsyncSession, who: Entered, row: PaymentBatch, state: str, fields: dict[str, Any], still: Any
) -> Batch:
    """Move a batch on, if nobody else has meanwhile."""
    moved = await session.execute(
        update(PaymentBatch)
        .where(
            PaymentBatch.tenant_id == who.county.id,
            PaymentBatch.id == row.id,
            PaymentBatch.cancelled_at.is_(None),
            PaymentBatch.released_at.is_(None),
            still,
        )
        .values(**fields)
        .returning(PaymentBatch.id)
        .execution_options(synchronize_session=False)
    )
    if moved.first() is None:
        raise Code.CONFLICT.refuse("batch")
    batch = Batch(row.id, row.number, state, row.count, row.total_fen)
    await audited(session, who, f"batch_{state}", batch)
    return batch


async def audited(session: AsyncSession, who: Entered, action: str, batch: Batch) -> None:
    """Put on record what was done with a batch, with its number, its payments and their total."""
    data = {"number": batch.number, "count": batch.count, "total_fen": batch.total_fen}
    await audit.record(session, who.at.now, who.actor.id, action, f"batch/{batch.id}", data)


def digest_of(lines: Iterable[tuple[UUID, int]]) -> str:
    """What a batch says of its payments, in their order: the hash of what each is of, and of how much in fen."""
    text = "\n".join(f"{entitlement} {amount}" for entitlement, amount in lines)
    return hashlib.sha256(text.encode()).hexdigest()
