"""应发: what a case is due, what was adjusted afterwards, and what is still outstanding either way.

An award is written down once for each instalment of a case. When a later determination says another sum, nothing that
was paid is changed: the difference is one more entitlement, arrears that are paid like an award or a recovery that the
household pays back. All amounts are integer fen.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, ScalarSelect, case, cast, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import audit
from bangfu.access import Action, Entered
from bangfu.db import hold, hold_with
from bangfu.db.bulk import Columns, among, insert_columns, insert_new, insert_rows, plainly, update_all
from bangfu.errors import Code
from bangfu.models import (
    Case,
    DeterminationRow,
    Entitlement,
    PaymentBatch,
    PaymentLine,
    PaymentReturn,
    PaymentSetoff,
    Repayment,
    new_id,
    new_ids,
)
from bangfu.text import Text, money


class Kind(StrEnum):
    """What an entitlement is."""

    AWARD = "award"
    ARREARS = "arrears"
    RECOVERY = "recovery"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return _KINDS[self]


_KINDS = {
    Kind.AWARD: Text("应发", "award"),
    Kind.ARREARS: Text("补发", "arrears"),
    Kind.RECOVERY: Text("追回", "recovery"),
}


@dataclass(frozen=True, slots=True)
class Due:
    """What a case is due by its determination, in fen: an instalment of the award."""

    case: UUID
    determination: UUID
    division: int
    amount: int
    instalment: int = 1


async def entitle(session: AsyncSession, who: Entered, dues: Sequence[Due]) -> None:
    """Write down what cases are due once every gate is passed; a case is entitled once to each instalment."""
    await insert_rows(
        session,
        Entitlement,
        [
            {
                "tenant_id": who.county.id,
                "id": new_id(),
                "case_id": item.case,
                "determination_id": item.determination,
                "division": item.division,
                "instalment": item.instalment,
                "kind": Kind.AWARD.value,
                "amount_fen": item.amount,
                "due_on": who.at.today,
                "reason": "",
                "made_by": None,
                "created_at": who.at.now,
            }
            for item in dues
        ],
    )


def standing_line() -> ColumnElement[bool]:
    """The condition that a payment line is of an entitlement and stands."""
    return (
        (PaymentLine.tenant_id == Entitlement.tenant_id)
        & (PaymentLine.entitlement_id == Entitlement.id)
        & PaymentLine.voided_at.is_(None)
    )


async def standing_in_batch(session: AsyncSession, who: Entered, programme: str, cases: Sequence[UUID]) -> set[UUID]:
    """The cases of which a payment stands in a batch that is not released. No batch of the programme is made until the
    transaction ends.

    What was released stays paid: a later instalment may be stopped, and a wrong one is adjusted.
    """
    await hold_batches(session, programme)
    batch = (PaymentBatch.tenant_id == PaymentLine.tenant_id) & (PaymentBatch.id == PaymentLine.batch_id)
    rows = await session.scalars(
        select(Entitlement.case_id)
        .join(PaymentLine, standing_line())
        .join(PaymentBatch, batch & PaymentBatch.released_at.is_(None))
        .where(Entitlement.tenant_id == who.county.id, among(Entitlement.case_id, cases))
    )
    return set(rows)


async def void(session: AsyncSession, who: Entered, cases: Sequence[UUID]) -> None:
    """What cases were due and were not paid is due no more; see :func:`standing_in_batch`, which comes first."""
    await session.execute(
        update(Entitlement)
        .where(
            Entitlement.tenant_id == who.county.id,
            among(Entitlement.case_id, cases),
            Entitlement.kind == Kind.AWARD.value,
            Entitlement.voided_at.is_(None),
            ~select(PaymentLine.id).where(standing_line()).correlate(Entitlement).exists(),
        )
        .values(voided_at=who.at.now)
        .execution_options(synchronize_session=False)
    )


async def hold_batches(session: AsyncSession, programme: str) -> None:
    """Until the end of the transaction nobody else makes a batch of the programme or takes a case back from one."""
    await hold(session, _batches(programme))


def _batches(programme: str) -> str:
    return f"{programme}/batch"


# --- months ------------------------------------------------------------------------------------------------------


class MonthDue(NamedTuple):
    """What a month of a case comes to by a decision, in fen. The month is its instalment."""

    case: UUID
    decision: UUID
    division: int
    month: int
    amount: int


@dataclass(frozen=True, slots=True)
class Settled:
    """What decisions of months came to: what is added beside what was due of a month before, and what is to be paid
    back of it, in fen."""

    arrears_fen: int = 0
    recovery_fen: int = 0


async def settle_months(
    session: AsyncSession, who: Entered, programme: str, fresh: Sequence[MonthDue], again: Sequence[MonthDue], why: str
) -> Settled:
    """Write down what months are due by their decisions: ``fresh`` ones that were never decided before and of which
    something is due, and those that are decided ``again``.

    Of these, what stands in no payment is due no more where it is too much, and so is a recovery of which nothing is
    settled where it takes back too much. What is then missing or too much becomes one line more: arrears, which are
    paid with the next payment, or a recovery, which is set off against it. Nothing that stands in a payment is touched,
    and nobody loses his place in the order in which payments wait. No batch of the programme is made until the
    transaction ends.
    """
    if not (fresh or again):
        return Settled()
    await hold_with(session, _batches(programme))
    columns: Columns = {
        "id": new_ids(len(fresh)),
        "case_id": [one.case for one in fresh],
        "month_decision_id": [one.decision for one in fresh],
        "division": [one.division for one in fresh],
        "instalment": [one.month for one in fresh],
        "amount_fen": [one.amount for one in fresh],
    }
    common = {
        "tenant_id": who.county.id,
        "kind": Kind.AWARD.value,
        "due_on": who.at.today,
        "reason": "",
        "made_by": who.actor.id,
        "created_at": who.at.now,
    }
    await insert_columns(session, Entitlement, columns, common)
    rows: list[dict[str, Any]] = []
    gone: list[UUID] = []
    standing = await _standing_months(session, who, [one.case for one in again])
    for one in again:
        own = standing.get((one.case, one.month), [])
        left = _left(own, one.amount)
        gone += [row.id for row in own if row not in left]
        rows += _made_up(who, one, own, left, why)
    added = await _change(session, who, gone, rows, why)
    return Settled(
        sum(row["amount_fen"] for row in added if row["kind"] == Kind.ARREARS.value),
        -sum(row["amount_fen"] for row in added if row["kind"] == Kind.RECOVERY.value),
    )


async def _change(
    session: AsyncSession, who: Entered, gone: Sequence[UUID], rows: Sequence[dict[str, Any]], why: str
) -> list[dict[str, Any]]:
    """Let some lines of months be due no more, and add others; those of these that stand beside an award."""
    await update_all(session, Entitlement, gone, {"voided_at": who.at.now})
    await insert_rows(session, Entitlement, rows)
    added = [row for row in rows if row["kind"] != Kind.AWARD.value]
    await audit.record_each(
        session,
        who.at.now,
        who.actor.id,
        "adjust",
        [(f"entitlement/{row['id']}", {"kind": row["kind"], "amount_fen": row["amount_fen"]}) for row in added],
        why,
    )
    return added


def _left(own: Sequence[Any], amount: int) -> Sequence[Any]:
    """Which of the lines of a month stay where it comes to an amount: what stands in a payment, recoveries of which
    anything is settled, and of the others those that do not come to too much, or take back too much."""
    left = own
    if _total(left) < amount:
        left = [row for row in left if not _unsettled(row)]
    if _total(left) > amount:
        left = [row for row in left if not _unpaid(row)]
    if _total(left) < amount:
        left = [row for row in left if not _unsettled(row)]
    return left


def _total(rows: Sequence[Any]) -> int:
    return sum(row.amount_fen for row in rows)


def _unpaid(row: Any) -> bool:
    """Whether something is to be paid and stands in no payment."""
    return bool(row.amount_fen > 0 and not row.batched)


def _unsettled(row: Any) -> bool:
    """Whether something is to be paid back of which nothing is, and nothing is set off."""
    return bool(row.amount_fen < 0 and row.open == row.amount_fen)


def _made_up(who: Entered, one: MonthDue, own: Sequence[Any], left: Sequence[Any], why: str) -> list[dict[str, Any]]:
    """What is missing or too much where some of the lines of a month are left, as a row to keep, if anything is. What
    takes the place of something that was to be paid has been due since then."""
    missing = one.amount - _total(left)
    if not missing:
        return []
    awarded = any(row.kind == Kind.AWARD.value for row in left)
    kind = Kind.RECOVERY if missing < 0 else Kind.ARREARS if awarded else Kind.AWARD
    since = [row.due_on for row in own if row not in left and row.amount_fen > 0] if missing > 0 else []
    return [
        {
            "tenant_id": who.county.id,
            "id": new_id(),
            "case_id": one.case,
            "month_decision_id": one.decision,
            "division": one.division,
            "instalment": one.month,
            "kind": kind.value,
            "amount_fen": missing,
            "due_on": min(since, default=who.at.today),
            "reason": "" if kind is Kind.AWARD else why,
            "made_by": who.actor.id,
            "created_at": who.at.now,
        }
    ]


async def _standing_months(
    session: AsyncSession, who: Entered, cases: Collection[UUID]
) -> dict[tuple[UUID, int], list[Any]]:
    """What stands of the months of cases, whether it stands in a payment, and what is open of it, in one statement."""
    if not cases:
        return {}
    batched = select(PaymentLine.id).where(standing_line()).correlate(Entitlement).exists()
    query = select(
        Entitlement.case_id,
        Entitlement.instalment,
        Entitlement.id,
        Entitlement.kind,
        Entitlement.amount_fen,
        Entitlement.due_on,
        Entitlement.reason,
        Entitlement.division,
        Entitlement.month_decision_id,
        Entitlement.created_at,
        batched.label("batched"),
        # Of what is to be paid it is not asked, and is not worked out.
        case((Entitlement.amount_fen < 0, open_amount()), else_=0).label("open"),
    ).where(Entitlement.tenant_id == who.county.id, among(Entitlement.case_id, cases), Entitlement.voided_at.is_(None))
    found: dict[tuple[UUID, int], list[Any]] = {}
    for row in await session.execute(query):
        found.setdefault((row.case_id, row.instalment), []).append(row)
    return found


async def settle_unpaid(session: AsyncSession, who: Entered, cases: Collection[UUID], why: str) -> None:
    """Take what is to be paid back of the months of cases from what is to be paid of the same months, where neither
    stands in a payment any more: what was never paid is not paid back. What is left waits where it waited.

    No batch of the programme may be made meanwhile, and nothing paid back; see :func:`hold_batches`.
    """
    recovered = select(Entitlement.case_id).where(
        Entitlement.tenant_id == who.county.id,
        among(Entitlement.case_id, cases),
        Entitlement.kind == Kind.RECOVERY.value,
        Entitlement.month_decision_id.is_not(None),
        Entitlement.voided_at.is_(None),
    )
    standing = await _standing_months(session, who, set(await session.scalars(recovered)))
    rows: list[dict[str, Any]] = []
    gone: list[UUID] = []
    for (key, month), own in standing.items():
        left = [row for row in own if not _unpaid(row) and not _unsettled(row)]
        back = [row for row in own if _unsettled(row)]
        if not back or not any(_unpaid(row) for row in own):
            continue
        last = max(back, key=lambda row: row.created_at)
        gone += [row.id for row in own if row not in left]
        one = MonthDue(key, last.month_decision_id, last.division, month, _total(own))
        rows += _made_up(who, one, own, left, last.reason)
    await _change(session, who, gone, rows, why)


# --- adjustments ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What a later determination says of a case beside what was due, in fen: arrears if positive, a recovery if
    negative."""

    case: UUID
    determination: UUID
    amount: int

    @property
    def kind(self) -> Kind:
        """What it becomes."""
        return Kind.ARREARS if self.amount > 0 else Kind.RECOVERY


async def adjust(session: AsyncSession, who: Entered, adjustments: Sequence[Adjustment], reason: str) -> list[UUID]:
    """Add what later determinations say beside what was due; the entitlements, in the order of the adjustments.

    Each is paid with the last instalment that its case was entitled to. Whether who acts may do so is for the caller to
    know. Refuses all of them with ``REASON_NEEDED``, with ``NOT_FOUND`` for a case that was never entitled or a
    determination that is not the case's, ``BAD_VALUE`` for an adjustment of nothing or a recovery of more than was due,
    and ``CONFLICT`` if a determination has adjusted its case already.
    """
    if not reason.strip():
        raise Code.REASON_NEEDED.refuse("reason")
    cases = await _adjustable(session, who, [own.case for own in adjustments])
    justified = await session.execute(
        select(DeterminationRow.id, DeterminationRow.case_id).where(
            DeterminationRow.tenant_id == who.county.id,
            among(DeterminationRow.id, [own.determination for own in adjustments]),
        )
    )
    pairs = {(row.case_id, row.id) for row in justified}
    rows = []
    for own in adjustments:
        case = cases.get(own.case)
        if case is None or (own.case, own.determination) not in pairs:
            raise Code.NOT_FOUND.refuse("case", what=Text("可调整的应发", "an award to adjust"))
        if own.amount == 0 or case.due + own.amount < 0:
            due = money(case.due)
            raise Code.BAD_VALUE.refuse(
                "amount",
                field=Text("调整金额", "adjustment"),
                value=money(own.amount).zh,
                expected=Text(f"不为零,追回不超过 {due.zh}", f"not zero, and at most {due.en} back"),
            )
        rows.append(
            {
                "tenant_id": who.county.id,
                "id": new_id(),
                "case_id": own.case,
                "determination_id": own.determination,
                "division": case.division,
                "instalment": case.instalment,
                "kind": own.kind.value,
                "amount_fen": own.amount,
                "due_on": who.at.today,
                "reason": reason,
                "made_by": who.actor.id,
                "created_at": who.at.now,
            }
        )
    if len(await insert_new(session, Entitlement, rows, "id")) < len(rows):
        raise Code.CONFLICT.refuse("determination")
    made: list[UUID] = [row["id"] for row in rows]
    said = [
        (
            f"entitlement/{key}",
            {"kind": own.kind.value, "amount_fen": own.amount, "determination": str(own.determination)},
        )
        for key, own in zip(made, adjustments, strict=True)
    ]
    await audit.record_each(session, who.at.now, who.actor.id, "adjust", said, reason)
    return made


async def _adjustable(session: AsyncSession, who: Entered, cases: Sequence[UUID]) -> dict[UUID, Any]:
    """Cases that were ever entitled, with what they are due so far and the last instalment; nobody else adjusts them
    until the transaction ends."""
    own = (Case.tenant_id == who.county.id, among(Case.id, cases))
    await session.execute(select(Case.id).where(*own).order_by(Case.id).with_for_update())
    found = await session.execute(
        select(
            Case.id,
            Case.division,
            func.max(Entitlement.instalment).label("instalment"),
            cast(func.sum(Entitlement.amount_fen), BigInteger).label("due"),
        )
        .join(Entitlement, (Entitlement.tenant_id == Case.tenant_id) & (Entitlement.case_id == Case.id))
        .where(*own, Entitlement.voided_at.is_(None))
        .group_by(Case.id, Case.division)
    )
    return {row.id: row for row in found}


async def repay(
    session: AsyncSession, who: Entered, entitlement: UUID, amount_fen: int, day: date, voucher: str
) -> UUID:
    """Write down what a household paid back of a recovery, in fen, on a day, by a voucher.

    Refuses ``FORBIDDEN``, ``NOT_FOUND``, ``DAY_IN_FUTURE``, ``MISSING_VALUE`` without a voucher, ``BAD_VALUE`` for more
    than is outstanding, and ``CONFLICT`` for a voucher that is on record.
    """
    who.require(Action.RECORD_RETURNS)
    if day > who.at.today:
        raise Code.DAY_IN_FUTURE.refuse("day", day=day, today=who.at.today)
    if not voucher.strip():
        raise Code.MISSING_VALUE.refuse("voucher", field=Text("入账凭证", "voucher"))
    programme = await session.scalar(
        select(Case.programme)
        .join(Entitlement, (Entitlement.tenant_id == Case.tenant_id) & (Entitlement.case_id == Case.id))
        .where(Entitlement.tenant_id == who.county.id, Entitlement.id == entitlement)
    )
    if programme is not None:
        await hold_batches(session, programme)  # which may be setting it off just now
    row = (
        await session.execute(
            select(Case.household_id, Case.division, open_amount().label("open"))
            .join(Entitlement, (Entitlement.tenant_id == Case.tenant_id) & (Entitlement.case_id == Case.id))
            .where(
                Entitlement.tenant_id == who.county.id,
                Entitlement.id == entitlement,
                Entitlement.kind == Kind.RECOVERY.value,
                Entitlement.voided_at.is_(None),
            )
        )
    ).first()
    if row is None:
        raise Code.NOT_FOUND.refuse("entitlement", what=Text("追回事项", "the recovery"))
    if not 0 < amount_fen <= -row.open:
        expected = Text(f"大于零,不超过 {money(-row.open).zh}", f"more than zero, and at most {money(-row.open).en}")
        raise Code.BAD_VALUE.refuse(
            "amount", field=Text("入账金额", "amount"), value=money(amount_fen).zh, expected=expected
        )
    known = await session.scalar(
        select(Repayment.id).where(
            Repayment.tenant_id == who.county.id,
            Repayment.entitlement_id == entitlement,
            Repayment.voucher == voucher.strip(),
        )
    )
    if known is not None:
        raise Code.CONFLICT.refuse("voucher")
    made = new_id()
    await session.execute(
        insert(Repayment).values(
            tenant_id=who.county.id,
            id=made,
            entitlement_id=entitlement,
            household_id=row.household_id,
            division=row.division,
            amount_fen=amount_fen,
            repaid_on=day,
            voucher=voucher.strip(),
            recorded_by=who.actor.id,
            recorded_at=who.at.now,
        )
    )
    data = {"amount_fen": amount_fen, "day": day.isoformat(), "voucher": voucher.strip()}
    await audit.record(session, who.at.now, who.actor.id, "repay", f"entitlement/{entitlement}", data)
    return made


def open_amount() -> ColumnElement[int]:
    """What is outstanding of an entitlement, in fen: to be paid if positive, to be paid back if negative.

    Of an award or arrears, what was released and did not come back is settled, and what was set off against it; of a
    recovery, what was repaid and what was set off, also in a payment that is still to be released.
    """
    settled = _released() - _returned() + _less() - _repaid() - _set_off()
    left = case((Entitlement.voided_at.is_not(None), 0), else_=Entitlement.amount_fen - settled)
    # A sum of integers is a decimal to PostgreSQL.
    return cast(left, BigInteger)


def _sum(query: Any) -> ScalarSelect[int]:
    return query.correlate(Entitlement).scalar_subquery()  # type: ignore[no-any-return]


def _lines(*columns: Any) -> Any:
    return select(*columns).select_from(PaymentLine).where(standing_line(), PaymentLine.released_at.is_not(None))


def _released() -> Any:
    return func.coalesce(_sum(_lines(func.sum(PaymentLine.amount_fen))), 0)


def _returned() -> Any:
    back = (PaymentReturn.tenant_id == PaymentLine.tenant_id) & (PaymentReturn.line_id == PaymentLine.id)
    return func.coalesce(_sum(_lines(func.sum(PaymentLine.amount_fen)).join(PaymentReturn, back)), 0)


def _less() -> Any:
    """What released payments of an entitlement were less for what was set off against them."""
    own = (PaymentSetoff.tenant_id == PaymentLine.tenant_id) & (PaymentSetoff.line_id == PaymentLine.id)
    return func.coalesce(_sum(_lines(func.sum(PaymentSetoff.amount_fen)).join(PaymentSetoff, own)), 0)


def _set_off() -> Any:
    """What is set off of a recovery."""
    own = (PaymentSetoff.tenant_id == Entitlement.tenant_id) & (PaymentSetoff.entitlement_id == Entitlement.id)
    stands = PaymentSetoff.voided_at.is_(None)
    return func.coalesce(_sum(select(func.sum(PaymentSetoff.amount_fen)).where(own, stands)), 0)


def _repaid() -> Any:
    own = (Repayment.tenant_id == Entitlement.tenant_id) & (Repayment.entitlement_id == Entitlement.id)
    return func.coalesce(_sum(select(func.sum(Repayment.amount_fen)).where(own)), 0)


@dataclass(frozen=True, slots=True)
class Outstanding:
    """Something that is still to be paid, or to be paid back if negative: of which case, since when, why; in fen."""

    id: UUID
    household: str
    kind: Kind
    instalment: int
    amount_fen: int
    open_fen: int
    due_on: date
    reason: str


async def outstanding(session: AsyncSession, who: Entered, programme: str, period: str) -> list[Outstanding]:
    """Everything in sight that is due and not settled, in the order in which it became due.

    Refuses ``FORBIDDEN``.
    """
    who.require(Action.READ_PAYMENTS)
    # Two reads that each find their rows by a key: of a join the database expects a single case, and would go through
    # the entitlements of the county for each that there is.
    own = select(Case.id, Case.number, Case.division).where(
        Case.tenant_id == who.county.id, Case.programme == programme, Case.period == period
    )
    cases = {row.id: row for row in await plainly(session, own)}
    rows = await plainly(
        session,
        select(
            Entitlement.id,
            Entitlement.case_id,
            Entitlement.kind,
            Entitlement.instalment,
            Entitlement.amount_fen,
            Entitlement.due_on,
            Entitlement.reason,
            open_amount().label("open"),
        ).where(
            Entitlement.tenant_id == who.county.id,
            Entitlement.voided_at.is_(None),
            among(Entitlement.case_id, cases),
        ),
    )
    left = [row for row in rows if row.open]
    left.sort(key=lambda row: (row.due_on, cases[row.case_id].division, cases[row.case_id].number, row.id))
    return [
        Outstanding(
            row.id, cases[row.case_id].number, Kind(row.kind), row.instalment, row.amount_fen, row.open, row.due_on,
            row.reason,
        )
        for row in left
    ]  # fmt: skip
