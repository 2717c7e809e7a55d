"""Money: what a household is due, the batch it is paid in, and the list that goes to the bank.

Amounts are integer fen end to end. A batch is made, checked and released by three persons, and who releases it neither
drew nor checked the sample; once released it never changes. One line pays one instalment of one entitlement, held by a
unique key. A list that is written is read back with another library and compared before it leaves.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from python_calamine import CalamineWorkbook
from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import audit
from bangfu.access import Action, Entered
from bangfu.db import hold
from bangfu.db.bulk import among, insert_rows
from bangfu.disclosure import need_reason, record_export
from bangfu.documents.writing import Sheet, SheetColumn, amount_in_words, workbook
from bangfu.errors import Code, Problem
from bangfu.models import (
    Account,
    Case,
    Entitlement,
    Household,
    Membership,
    PaymentBatch,
    PaymentLine,
    Person,
    new_id,
)
from bangfu.process import Duty, Pay, duty_names
from bangfu.programme import PaymentChannel, Programme
from bangfu.registry.divisions import Places, township_of
from bangfu.registry.history import holds
from bangfu.registry.known import HEAD
from bangfu.text import Text, number, yuan_digits
from bangfu.vault import Vault

DRAFT, CHECKED, RELEASED, CANCELLED = "draft", "checked", "released", "cancelled"
STATES = {
    DRAFT: Text("待复核", "to be checked"),
    CHECKED: Text("待放行", "to be released"),
    RELEASED: Text("已放行", "released"),
    CANCELLED: Text("已作废", "cancelled"),
}


_WORKED = Text("其中申报的办理人", "who planned, signed, accepted or checked one of its cases")


@dataclass(frozen=True, slots=True)
class Due:
    """What a case is due by its determination, in fen: an instalment of the award."""

    case: UUID
    determination: UUID
    division: int
    amount: int
    instalment: int = 1


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as it stands."""

    id: UUID
    number: int
    state: str
    count: int
    total_fen: int


_paying = (PaymentLine.tenant_id == Entitlement.tenant_id) & (PaymentLine.entitlement_id == Entitlement.id)


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
                "amount_fen": item.amount,
                "created_at": who.at.now,
            }
            for item in dues
        ],
    )


async def standing_in_batch(session: AsyncSession, who: Entered, programme: str, cases: Sequence[UUID]) -> set[UUID]:
    """The cases that stand in a batch that is not released. No batch of the programme is made until the transaction
    ends."""
    await _hold_batches(session, programme)
    batch = (PaymentBatch.tenant_id == PaymentLine.tenant_id) & (PaymentBatch.id == PaymentLine.batch_id)
    rows = await session.scalars(
        select(Entitlement.case_id)
        .join(PaymentLine, _paying & PaymentLine.voided_at.is_(None))
        .join(PaymentBatch, batch & PaymentBatch.released_at.is_(None))
        .where(Entitlement.tenant_id == who.county.id, among(Entitlement.case_id, cases))
    )
    return set(rows)


async def void(session: AsyncSession, who: Entered, cases: Sequence[UUID]) -> None:
    """What cases were due and is in no batch is due no more; see :func:`standing_in_batch`, which comes first."""
    in_batch = select(PaymentLine.id).where(_paying, PaymentLine.voided_at.is_(None)).correlate(Entitlement).exists()
    await session.execute(
        update(Entitlement)
        .where(
            Entitlement.tenant_id == who.county.id,
            among(Entitlement.case_id, cases),
            Entitlement.voided_at.is_(None),
            ~in_batch,
        )
        .values(voided_at=who.at.now)
        .execution_options(synchronize_session=False)
    )


async def _hold_batches(session: AsyncSession, programme: str) -> None:
    await hold(session, f"{programme}/batch")


# --- batches --------------------------------------------------------------------------------------------------


async def make(
    session: AsyncSession, who: Entered, vault: Vault, programme: Programme, period: str, stage: Pay
) -> tuple[Batch, list[tuple[str, Problem]]]:
    """Gather everything that is due and not yet in a batch; households without an account are left out and named.

    Refuses ``NOT_YOUR_DUTY`` and ``BATCH_EMPTY``.
    """
    _duty(who, stage, stage.maker)
    tenant = who.county.id
    await _hold_batches(session, programme.code)
    rows = (await session.execute(_unpaid(who, programme.code, period))).all()
    missing = [
        (row.number, Code.ACCOUNT_MISSING.problem("household", row.number)) for row in rows if row.account is None
    ]
    payable = [row for row in rows if row.account is not None]
    if not payable:
        raise Code.BATCH_EMPTY.refuse()
    last = await session.scalar(
        select(func.max(PaymentBatch.number)).where(
            PaymentBatch.tenant_id == tenant, PaymentBatch.programme == programme.code, PaymentBatch.period == period
        )
    )
    batch = new_id()
    made = Batch(batch, (last or 0) + 1, DRAFT, len(payable), sum(row.amount_fen for row in payable))
    await session.execute(
        insert(PaymentBatch).values(
            tenant_id=tenant,
            id=batch,
            programme=programme.code,
            period=period,
            number=made.number,
            channel=stage.channel,
            count=made.count,
            total_fen=made.total_fen,
            digest=_digest((row.entitlement, row.amount_fen) for row in payable),
            made_by=who.actor.id,
            made_on=who.at.today,
            made_at=who.at.now,
            reason="",
            areas=who.areas,
        )
    )
    await insert_rows(
        session,
        PaymentLine,
        [
            {
                "tenant_id": tenant,
                "id": new_id(),
                "batch_id": batch,
                "entitlement_id": row.entitlement,
                "household_id": row.household,
                "division": row.division,
                "instalment": row.instalment,
                "position": position,
                "amount_fen": row.amount_fen,
                "holder": row.holder,
                "bank": row.bank,
                "account": vault.seal(
                    vault.reveal(row.account, "account.number", tenant), "payment_line.account", tenant
                ),
                "account_masked": row.account_masked,
                "voided_at": None,
            }
            for position, row in enumerate(payable, 1)
        ],
    )
    await _audited(session, who, "make_batch", made)
    return made, missing


def _unpaid(who: Entered, programme: str, period: str) -> Any:
    """Entitlements without a line that stands, with the account of today."""
    tenant = who.county.id
    line = (PaymentLine.tenant_id == tenant) & (PaymentLine.entitlement_id == Entitlement.id)
    account = (Account.tenant_id == tenant) & (Account.household_id == Case.household_id) & holds(Account, who.at.today)
    return (
        select(
            Entitlement.id.label("entitlement"),
            Entitlement.instalment,
            Entitlement.amount_fen,
            Household.id.label("household"),
            Household.number,
            Case.division,
            Account.number.label("account"),
            Account.number_masked.label("account_masked"),
            Account.holder,
            Account.bank,
        )
        .join(Case, (Case.tenant_id == tenant) & (Case.id == Entitlement.case_id))
        .join(Household, (Household.tenant_id == tenant) & (Household.id == Case.household_id))
        .outerjoin(Account, account)
        .outerjoin(PaymentLine, line & PaymentLine.voided_at.is_(None))
        .where(
            Entitlement.tenant_id == tenant,
            Entitlement.voided_at.is_(None),
            Case.programme == programme,
            Case.period == period,
            PaymentLine.id.is_(None),
        )
        .order_by(Case.division, Household.number)
    )


async def check(session: AsyncSession, who: Entered, stage: Pay, id: UUID, had_a_hand: bool) -> Batch:
    """Check a batch: its totals are counted again from its lines.

    ``had_a_hand`` is whether who acts worked on one of its cases before. Refuses ``NOT_YOUR_DUTY``, ``NOT_FOUND``,
    ``BATCH_STATE``, ``SAME_PERSON``, ``BATCH_TOTAL`` and ``CONFLICT``.
    """
    _duty(who, stage, stage.checker)
    row = await _batch(session, who, id)
    _must_be(row, DRAFT, Text("复核", "checked"))
    if who.actor.id == row.made_by:
        raise Code.SAME_PERSON.refuse("batch", other=Text("汇总人", "who made it"))
    if had_a_hand:
        raise Code.SAME_PERSON.refuse("batch", other=_WORKED)
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
    samplers: Collection[UUID],
    had_a_hand: bool,
) -> Batch:
    """Release a checked batch; from then on it never changes.

    ``samplers`` drew or checked the sample and may not release, nor who ``had_a_hand`` in one of its cases. Refuses
    ``NOT_YOUR_DUTY``, ``NOT_FOUND``, ``BATCH_STATE``, ``SAME_PERSON``, ``BATCH_TOTAL`` and ``CONFLICT``.
    """
    _duty(who, stage, stage.releaser)
    row = await _batch(session, who, id)
    _must_be(row, CHECKED, Text("放行", "released"))
    for other, officers in (
        (Text("汇总人", "who made it"), {row.made_by}),
        (Text("复核人", "who checked it"), {row.checked_by}),
        (Text("抽查人", "who drew or checked the sample"), set(samplers)),
    ):
        if who.actor.id in officers:
            raise Code.SAME_PERSON.refuse("batch", other=other)
    if had_a_hand:
        raise Code.SAME_PERSON.refuse("batch", other=_WORKED)
    await _totals_agree(session, who, row)
    return await _advance(
        session,
        who,
        row,
        RELEASED,
        {"released_by": who.actor.id, "released_on": who.at.today, "released_at": who.at.now},
        PaymentBatch.checked_at.is_not(None),
    )


async def cancel(session: AsyncSession, who: Entered, stage: Pay, id: UUID, reason: str) -> Batch:
    """Cancel a batch that has not been released; its lines no longer stand and can be gathered again.

    Refuses ``NOT_YOUR_DUTY``, ``REASON_NEEDED``, ``NOT_FOUND``, ``BATCH_STATE`` and ``CONFLICT``.
    """
    _duty(who, stage, stage.maker, stage.checker, stage.releaser)
    if not reason.strip():
        raise Code.REASON_NEEDED.refuse("reason")
    row = await _batch(session, who, id)
    if _state(row) in (RELEASED, CANCELLED):
        _must_be(row, DRAFT, Text("作废", "cancelled"))
    await session.execute(
        update(PaymentLine)
        .where(PaymentLine.tenant_id == who.county.id, PaymentLine.batch_id == id)
        .values(voided_at=who.at.now)
    )
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


async def cases_of(session: AsyncSession, tenant: int, id: UUID) -> list[UUID]:
    """The cases that a batch pays."""
    rows = await session.scalars(
        select(Entitlement.case_id)
        .join(
            PaymentLine,
            (PaymentLine.tenant_id == Entitlement.tenant_id) & (PaymentLine.entitlement_id == Entitlement.id),
        )
        .where(Entitlement.tenant_id == tenant, PaymentLine.batch_id == id, PaymentLine.voided_at.is_(None))
    )
    return list(rows)


def state_of(checked_at: datetime | None, released_at: datetime | None, cancelled_at: datetime | None) -> str:
    """Where a batch stands, by what has happened to it."""
    if cancelled_at is not None:
        return CANCELLED
    if released_at is not None:
        return RELEASED
    return CHECKED if checked_at is not None else DRAFT


def _state(row: PaymentBatch) -> str:
    return state_of(row.checked_at, row.released_at, row.cancelled_at)


def _duty(who: Entered, stage: Pay, *duties: Duty) -> None:
    if not who.actor.duties(who.at.today).intersection(duties):
        raise Code.NOT_YOUR_DUTY.refuse("duty", stage=stage.title, duties=duty_names(duties))


async def _batch(session: AsyncSession, who: Entered, id: UUID) -> PaymentBatch:
    row = await session.scalar(
        select(PaymentBatch).where(PaymentBatch.tenant_id == who.county.id, PaymentBatch.id == id)
    )
    if row is None:
        raise Code.NOT_FOUND.refuse("batch", what=Text("拨付批次", "the batch"))
    return row


def _must_be(row: PaymentBatch, state: str, action: Text) -> None:
    if _state(row) != state:
        raise Code.BATCH_STATE.refuse("batch", state=STATES[_state(row)], action=action)


async def _totals_agree(session: AsyncSession, who: Entered, row: PaymentBatch) -> None:
    lines = (
        await session.execute(
            select(PaymentLine.entitlement_id, PaymentLine.amount_fen)
            .where(
                PaymentLine.tenant_id == who.county.id,
                PaymentLine.batch_id == row.id,
                PaymentLine.voided_at.is_(None),
            )
            .order_by(PaymentLine.position)
        )
    ).all()
    total = sum(line.amount_fen for line in lines)
    digest = _digest((line.entitlement_id, line.amount_fen) for line in lines)
    if (len(lines), total, digest) != (row.count, row.total_fen, row.digest):
        detail = f"{len(lines)}/{row.count}, {yuan_digits(total)}/{yuan_digits(row.total_fen)}"
        raise Code.BATCH_TOTAL.refuse("batch", detail=detail)


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
    await _audited(session, who, f"batch_{state}", batch)
    return batch


async def _audited(session: AsyncSession, who: Entered, action: str, batch: Batch) -> None:
    data = {"number": batch.number, "count": batch.count, "total_fen": batch.total_fen}
    await audit.record(session, who.at.now, who.actor.id, action, f"batch/{batch.id}", data)


def _digest(lines: Iterable[tuple[UUID, int]]) -> str:
    text = "\n".join(f"{entitlement} {amount}" for entitlement, amount in lines)
    return hashlib.sha256(text.encode()).hexdigest()


# --- the list for the bank ------------------------------------------------------------------------------------


async def payment_list(
    session: AsyncSession,
    who: Entered,
    vault: Vault,
    programme: Programme,
    channel: PaymentChannel,
    id: UUID,
    reason: str,
) -> bytes:
    """The list of a released batch as a workbook: cover with totals by township and signatures, and one row a
    household.

    It carries whole identity and account numbers, so it needs a reason and is audited. The written file is read back
    and its count and total compared with the batch. Refuses ``FORBIDDEN``, ``REASON_NEEDED``, ``NOT_FOUND``,
    ``BATCH_STATE`` and ``BATCH_TOTAL``.
    """
    who.require(Action.EXPORT_PAYMENTS, programme.code, programme.process.first(Pay).code)
    need_reason(reason)
    row = await _batch(session, who, id)
    _must_be(row, RELEASED, Text("导出", "exported"))
    if row.released_on is None or row.released_at is None:
        raise ValueError("a released batch has the day of its release")
    # The list is of the day of the release, whatever has changed in the registers since.
    lines = (await session.execute(_lines(who, id, row.released_on, row.released_at))).all()
    places = await Places.on(session, row.released_on)
    rows = [_listed(who, vault, programme, row, line, places, channel) for line in lines]
    data = workbook(_sheets(who, programme, channel, row, lines, rows, places))
    _read_back(data, channel, row)
    facts = {"number": row.number, "count": row.count, "sha256": hashlib.sha256(data).hexdigest()}
    personal = [name for name, _ in channel.columns if name in _PERSONAL]
    await record_export(session, who, Action.EXPORT_PAYMENTS, f"batch/{id}", reason, len(rows), personal, **facts)
    return data


def _lines(who: Entered, id: UUID, on: date, known_at: datetime) -> Any:
    tenant = who.county.id
    head = (
        (Membership.tenant_id == tenant)
        & (Membership.household_id == PaymentLine.household_id)
        & (Membership.relation == HEAD)
        & holds(Membership, on, known_at)
    )
    return (
        select(
            PaymentLine,
            Household.number.label("household_number"),
            Household.group_name,
            Person.name.label("head"),
            Person.identity,
        )
        .join(Household, (Household.tenant_id == tenant) & (Household.id == PaymentLine.household_id))
        .outerjoin(Membership, head)
        .outerjoin(Person, (Person.tenant_id == tenant) & (Person.id == Membership.person_id))
        .where(PaymentLine.tenant_id == tenant, PaymentLine.batch_id == id, PaymentLine.voided_at.is_(None))
        .order_by(PaymentLine.position)
    )


def _listed(
    who: Entered,
    vault: Vault,
    programme: Programme,
    batch: PaymentBatch,
    row: Any,
    places: Places,
    channel: PaymentChannel,
) -> list[Any]:
    line: PaymentLine = row.PaymentLine
    tenant = who.county.id
    values = {
        "position": line.position,
        "township": places.township(line.division),
        "village": places.named(line.division),
        "group": row.group_name,
        "household_number": row.household_number,
        "head": row.head or "",
        "identity": vault.reveal(row.identity, "person.identity", tenant) if row.identity else "",
        "holder": line.holder,
        "bank": line.bank,
        "account": vault.reveal(line.account, "payment_line.account", tenant),
        "programme": programme.title.zh,
        "amount": line.amount_fen,
        "period": batch.period,
        "note": "",
    }
    return [values[name] for name, _ in channel.columns]


_PERSONAL = ("head", "identity", "holder", "account")
_KINDS = {"position": "integer", "amount": "money"}


def _sheets(
    who: Entered,
    programme: Programme,
    channel: PaymentChannel,
    batch: PaymentBatch,
    lines: Sequence[Any],
    rows: Sequence[Sequence[Any]],
    places: Places,
) -> list[Sheet]:
    townships: dict[int, list[int]] = {}
    for line in lines:
        township = township_of(line.PaymentLine.division)
        townships.setdefault(township, []).append(line.PaymentLine.amount_fen)
    title = f"{who.county.name}{batch.period}年度{programme.title.zh}"
    cover = Sheet(
        "汇总",
        f"{title}资金拨付汇总表",
        [SheetColumn("乡镇"), SheetColumn("户数", "count"), SheetColumn("金额(元)", "money")],
        [(places.named(code), len(amounts), sum(amounts)) for code, amounts in sorted(townships.items())],
        above=[f"批次:第 {batch.number} 批    发放渠道:{channel.title.zh}    户数:{number(batch.count)}"],
        below=[
            f"合计人民币(大写):{amount_in_words(batch.total_fen)}",
            "",
            "汇总单位(盖章):            复核单位(盖章):            拨付单位(盖章):",
            "经办人:                    复核人:                    放行人:",
            "日期:     年   月   日      日期:     年   月   日      日期:     年   月   日",
        ],
        total=True,
    )
    columns = [SheetColumn(header, _KINDS.get(name, "text")) for name, header in channel.columns]  # type: ignore[arg-type]
    return [cover, Sheet("发放名册", f"{title}发放名册", columns, rows, total=True)]


def _read_back(data: bytes, channel: PaymentChannel, batch: PaymentBatch) -> None:
    """Count and add up the written list with another library; refuse ``BATCH_TOTAL`` if it is not the batch."""
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_name("发放名册")
    names = [name for name, _ in channel.columns]
    position, amount = names.index("position"), names.index("amount")
    found = [row for row in sheet.iter_rows() if isinstance(row[position], float | int)]
    total = sum((Decimal(str(row[amount])) for row in found), Decimal())
    if len(found) != batch.count or total.scaleb(2) != batch.total_fen:
        detail = f"{len(found)}/{batch.count}, {total}/{yuan_digits(batch.total_fen)}"
        raise Code.BATCH_TOTAL.refuse("file", detail=detail)
