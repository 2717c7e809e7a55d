"""汇总: everything that is due, gathered into one batch from one budget line.

What a line cannot hold waits in one order, and nobody is overtaken: by the day on which it became due, then by village,
then by household number. A payment that came back is due again as soon as the account has been corrected.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import case, func, insert, literal, select, true, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from bangfu.access import Entered
from bangfu.db.bulk import Columns, among, each_read_once, insert_columns, insert_rows, plainly
from bangfu.errors import Code, Problem
from bangfu.models import (
    Account,
    Case,
    Entitlement,
    Membership,
    PaymentBatch,
    PaymentLine,
    PaymentReturn,
    PaymentSetoff,
    new_id,
    new_ids,
)
from bangfu.payments import budget
from bangfu.payments.batches import DRAFT, Batch, audited, deaths, digest_of, require_duty
from bangfu.payments.due import Kind, hold_batches, open_amount, standing_line
from bangfu.process import Pay
from bangfu.programme import Programme
from bangfu.registry.history import holds
from bangfu.text import day
from bangfu.vault import Vault


@dataclass(frozen=True, slots=True)
class Gathered:
    """What gathering came to: the batch, if anybody could be paid; who was left out and why; how many wait for money,
    for how much in fen; and what is to be said beside it."""

    batch: Batch | None
    missing: Sequence[tuple[str, Problem]] = ()
    waiting: int = 0
    waiting_fen: int = 0
    warnings: Sequence[Problem] = ()


async def make(
    session: AsyncSession,
    who: Entered,
    vault: Vault,
    programme: Programme,
    period: str,
    stage: Pay,
    line: UUID | None,
    unpaid: Sequence[Unpaid],
    in_the_way: Mapping[UUID, Problem],
    month: int | None = None,
) -> Gathered:
    """Gather what is due at a stage and not yet in a batch (``unpaid``, see :func:`to_pay`): an instalment, arrears,
    and payments that came back.

    Where something is paid every month, that is everything up to a ``month`` of the period, whichever month it is of;
    what is to be paid back is set off 抵扣 against it, and nobody gets less than nothing. Nobody of whom a death is on
    record is in a batch.

    It is paid from one budget line, which is held meanwhile. What a binding line cannot hold waits in its order (see
    above); an estimate warns. Households without an account, or whose own account the bank has refused and nobody has
    corrected since, whose case rests, or has something ``in_the_way`` (by case), are left out and named.

    Refuses ``NOT_YOUR_DUTY``, ``BUDGET_NEEDED``, ``NOT_FOUND``, ``BUDGET_OTHER``, ``BUDGET_UNCONFIRMED`` and
    ``BATCH_EMPTY``.
    """
    require_duty(who, stage, stage.maker)
    instalment = month or stage.instalment
    source = await budget.pays(session, who, line, programme.code, programme.title)
    dead = await deaths(session, who) if programme.is_for_persons else {}
    rests = await _resting(session, who, programme.code) if month is not None else {}
    missing = {
        row.number: problem
        for row in unpaid
        if (
            problem := _death(row, dead)
            or in_the_way.get(row.case)
            or _left_out(row, programme.beneficiary.value, rests.get(row.person) or row.paused_on)
        )
        is not None
    }
    payable = [_Payment(row, row.amount_fen) for row in unpaid if row.number not in missing]
    if not payable:
        raise Code.BATCH_EMPTY.refuse()
    if month is not None:
        _set_off(payable, await _recoveries(session, who, programme.code))
    needed = sum(one.amount_fen for one in payable)
    held = _held(payable, source.free_fen) if source.binding else len(payable)
    rest = payable[held:]
    waits = [one for one in rest if one.amount_fen]
    await budget.note_waiting(session, who, source, programme.code, period, instalment, waits, whole=month is not None)
    warnings = [budget.shortage(source, needed, len(waits))] if needed > source.free_fen else []
    made = None
    if held:
        chosen = sorted(payable[:held], key=lambda one: one.row.place)
        made = await _write(session, who, vault, programme.code, period, stage, instalment, source.id, chosen)
    return Gathered(made, list(missing.items()), len(waits), sum(one.amount_fen for one in waits), warnings)


async def to_pay(
    session: AsyncSession, who: Entered, programme: str, period: str, stage: Pay, month: int | None = None
) -> list[Unpaid]:
    """What :func:`make` would gather at a stage, before anything is left out, in one statement. Nobody else makes a
    batch of the programme until the transaction ends.

    A person is paid where he belongs today; who belongs nowhere, with the household of his case.
    """
    await hold_batches(session, programme)
    async with each_read_once(session):
        rows = await plainly(session, _unpaid(who, programme, period, stage, month))
    places = len(To._fields)
    return [Unpaid(None if row[0] is None else To(*row[:places]), *row[places:]) for row in rows]


class To(NamedTuple):
    """The account of a household, its number sealed, and since when it is known."""

    number: bytes
    number_masked: str
    holder: str
    bank: str
    known_from: datetime


@dataclass(slots=True)
class Unpaid:
    """Something that is due and in no payment that stands: to which account, None where the household has none; of
    whom, how much in fen, since when, and of which payment that came back; when that was, where it came back from the
    household that is paid now."""

    to: To | None
    entitlement: UUID
    case: UUID
    instalment: int
    amount_fen: int
    due_on: date
    household: UUID
    person: UUID | None
    number: str
    division: int
    paused_on: date | None
    place: int
    reissues: UUID | None
    returned_at: datetime | None
    words: str | None


@dataclass(slots=True)
class _Payment:
    """A payment to be made: what is due, how much is left of it to be paid in fen, and of which recoveries the rest is
    set off."""

    row: Unpaid
    amount_fen: int
    setoffs: list[tuple[UUID, int]] = field(default_factory=list)


@dataclass(slots=True)
class _Recovery:
    """Something that a person is still to pay back, in fen."""

    id: UUID
    open_fen: int


def _set_off(payments: Sequence[_Payment], recoveries: Mapping[UUID, Sequence[_Recovery]]) -> None:
    """Take from each person's payments, the oldest first, what that person is to pay back, the oldest first; also from
    what is paid again, of which it may have become known since that it is not due."""
    for one in payments:
        for recovery in recoveries.get(one.row.person, ()) if one.row.person is not None else ():
            fen = min(one.amount_fen, recovery.open_fen)
            if fen:
                one.setoffs.append((recovery.id, fen))
                one.amount_fen -= fen
                recovery.open_fen -= fen


async def _recoveries(session: AsyncSession, who: Entered, programme: str) -> dict[UUID, list[_Recovery]]:
    """What persons are still to pay back in a programme, whichever period it is of, by person, in two statements."""
    query = select(
        Entitlement.case_id,
        Entitlement.id,
        Entitlement.due_on,
        Entitlement.created_at,
        Entitlement.instalment,
        open_amount().label("open"),
    ).where(
        Entitlement.tenant_id == who.county.id,
        Entitlement.kind == Kind.RECOVERY.value,
        Entitlement.voided_at.is_(None),
    )
    rows = [row for row in await plainly(session, query) if row.open < 0]
    whose = select(Case.id, Case.person_id, Case.period).where(
        Case.tenant_id == who.county.id, among(Case.id, {row.case_id for row in rows}), Case.programme == programme
    )
    cases = {row.id: row for row in await plainly(session, whose)}
    theirs = [row for row in rows if row.case_id in cases]
    found: dict[UUID, list[_Recovery]] = {}
    for row in sorted(
        theirs, key=lambda own: (own.due_on, own.created_at, cases[own.case_id].period, own.instalment, own.id)
    ):
        if (person := cases[row.case_id].person_id) is not None:
            found.setdefault(person, []).append(_Recovery(row.id, -row.open))
    return found


async def _resting(session: AsyncSession, who: Entered, programme: str) -> dict[UUID | None, date]:
    """Who is paid every month and rests, with the day since which: whichever year what is due to him is of. One
    statement."""
    query = select(Case.person_id, Case.paused_on).where(
        Case.tenant_id == who.county.id, Case.programme == programme, Case.paused_on.is_not(None)
    )
    return {person: on for person, on in await session.execute(query) if person is not None and on is not None}


def _death(row: Unpaid, dead: Mapping[UUID, date]) -> Problem | None:
    if row.person is None or row.person not in dead:
        return None
    return Code.PERSON_DEAD.problem("person", row.number, number=row.number, day=day(dead[row.person]))


def _held(rows: Sequence[Any], free: int) -> int:
    """How many of the first rows an amount holds: up to the first that does not fit, for nobody is overtaken."""
    count = 0
    for row in rows:
        free -= row.amount_fen
        if free < 0:
            break
        count += 1
    return count


def _left_out(row: Unpaid, whom: str, paused_on: date | None) -> Problem | None:
    if paused_on is not None:
        return Code.CASE_PAUSED.problem(whom, row.number, day=day(paused_on))
    if row.to is None:
        return Code.ACCOUNT_MISSING.problem(whom, row.number)
    if row.returned_at is not None and row.to.known_from <= row.returned_at:
        return Code.ACCOUNT_RETURNED.problem(whom, row.number, words=row.words)
    return None


async def _write(
    session: AsyncSession,
    who: Entered,
    vault: Vault,
    programme: str,
    period: str,
    stage: Pay,
    instalment: int,
    line: UUID,
    payments: Sequence[_Payment],
) -> Batch:
    tenant = who.county.id
    last = await session.scalar(
        select(func.max(PaymentBatch.number)).where(
            PaymentBatch.tenant_id == tenant, PaymentBatch.programme == programme, PaymentBatch.period == period
        )
    )
    batch = new_id()
    made = Batch(batch, (last or 0) + 1, DRAFT, len(payments), sum(one.amount_fen for one in payments))
    await session.execute(
        insert(PaymentBatch).values(
            tenant_id=tenant,
            id=batch,
            programme=programme,
            period=period,
            number=made.number,
            stage=stage.code,
            instalment=instalment,
            budget_line_id=line,
            channel=stage.channel,
            count=made.count,
            total_fen=made.total_fen,
            digest=digest_of((one.row.entitlement, one.amount_fen) for one in payments),
            made_by=who.actor.id,
            made_on=who.at.today,
            made_at=who.at.now,
            reason="",
            areas=who.areas,
        )
    )
    ids = await _insert_lines(session, who, vault.present, batch, payments)
    await insert_rows(
        session,
        PaymentSetoff,
        [
            {
                "tenant_id": tenant,
                "batch_id": batch,
                "household_id": one.row.household,
                "division": one.row.division,
                "id": new_id(),
                "line_id": line,
                "entitlement_id": recovery,
                "amount_fen": fen,
            }
            for line, one in zip(ids, payments, strict=True)
            for recovery, fen in one.setoffs
        ],
    )
    await audited(session, who, "make_batch", made)
    return made


PART = 10_000
"""How many payments are put in at a time."""


async def _insert_lines(
    session: AsyncSession, who: Entered, vault: Vault, batch: UUID, payments: Sequence[_Payment]
) -> list[UUID]:
    """Put the payments of a batch in; their ids. While the database puts one part in, the accounts of the next are
    sealed."""
    ids = new_ids(len(payments))
    common = {
        "tenant_id": who.county.id,
        "batch_id": batch,
        "released_on": None,
        "released_at": None,
        "voided_at": None,
    }
    pending: asyncio.Task[None] | None = None
    try:
        for first in range(0, len(payments), PART):
            part = payments[first : first + PART]
            lines = await asyncio.to_thread(_lines, who.county.id, vault, ids, first, part)
            if pending is not None:
                await pending
            pending = asyncio.create_task(insert_columns(session, PaymentLine, lines, common))
    finally:
        if pending is not None:
            await pending
    return ids


def _lines(tenant: int, vault: Vault, ids: Sequence[UUID], first: int, part: Sequence[_Payment]) -> Columns:
    """Payments as rows to keep, by column, from the one in a ``first`` place on."""
    rows = [one.row for one in part]
    accounts = [row.to for row in rows if row.to is not None]
    return {
        "id": ids[first : first + len(part)],
        "entitlement_id": [row.entitlement for row in rows],
        "household_id": [row.household for row in rows],
        "division": [row.division for row in rows],
        "instalment": [row.instalment for row in rows],
        "position": range(first + 1, first + 1 + len(part)),
        "amount_fen": [one.amount_fen for one in part],
        "holder": [to.holder for to in accounts],
        "bank": [to.bank for to in accounts],
        "account": vault.moved([to.number for to in accounts], "account.number", "payment_line.account", tenant),
        "account_masked": [to.number_masked for to in accounts],
        "reissues": [row.reissues for row in rows],
    }


def _unpaid(who: Entered, programme: str, period: str, stage: Pay, month: int | None = None) -> Any:
    """Entitlements none of whose payments stands, or whose last one came back, in the order in which they wait: what
    :class:`Unpaid` says of each. ``place`` is their order on a list, by village.

    They are those of an instalment of a period or, where something is paid every month, of every month up to one.
    """
    tenant, today = who.county.id, who.at.today
    again, before = aliased(PaymentLine), aliased(PaymentLine)
    due = (
        Entitlement.tenant_id == tenant,
        Entitlement.voided_at.is_(None),
        Entitlement.kind != Kind.RECOVERY.value,
        Entitlement.instalment == stage.instalment if month is None else true(),
    )
    own = (Entitlement.id, Entitlement.case_id, Entitlement.instalment, Entitlement.due_on)
    stands = select(PaymentLine.id).where(standing_line()).correlate(Entitlement)
    # Each half finds its own rows: with an "or" between them, every return would be held against every entitlement.
    returned = (PaymentReturn.recorded_at, PaymentReturn.words, PaymentReturn.household_id.label("came_from"))
    no_return = (literal(None, one.type) for one in (PaymentReturn.id, *returned))
    fresh = select(*own, Entitlement.amount_fen, *no_return).where(*due, ~stands.exists())
    answered = select(again.id).where(
        again.tenant_id == tenant, again.reissues == PaymentReturn.id, again.voided_at.is_(None)
    )
    back = (
        # What is paid again is what came back: less than was due, where something was set off.
        select(*own, before.amount_fen, PaymentReturn.id.label("reissues"), *returned)
        .join(PaymentReturn, (PaymentReturn.tenant_id == tenant) & (PaymentReturn.entitlement_id == Entitlement.id))
        .join(before, (before.tenant_id == tenant) & (before.id == PaymentReturn.line_id))
        .where(*due, ~answered.correlate(PaymentReturn).exists())
    )
    left = union_all(back, fresh).subquery()
    listed = (Case.division, Case.number, Case.period, left.c.instalment, left.c.id)
    household = func.coalesce(Membership.household_id, Case.household_id)
    upto = Case.period == period
    if month is not None:
        upto = (Case.period < period) | (upto & (left.c.instalment <= month))
    return (
        select(
            *(getattr(Account, name) for name in To._fields),
            left.c.id,
            Case.id,
            left.c.instalment,
            left.c.amount_fen,
            left.c.due_on,
            household,
            Case.person_id,
            Case.number,
            Case.division,
            Case.paused_on,
            func.row_number().over(order_by=listed),
            left.c.reissues,
            # The account of another household is none that the bank has refused.
            case((left.c.came_from == household, left.c.recorded_at)),
            left.c.words,
        )
        .join(Case, (Case.tenant_id == tenant) & (Case.id == left.c.case_id))
        .outerjoin(
            Membership,
            (Membership.tenant_id == tenant) & (Membership.person_id == Case.person_id) & holds(Membership, today),
        )
        .outerjoin(Account, (Account.tenant_id == tenant) & (Account.household_id == household) & holds(Account, today))
        .where(Case.programme == programme, upto)
        .order_by(left.c.due_on, *listed)
    )
