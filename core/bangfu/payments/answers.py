"""代发回盘: what the bank answers to a payment list, line by line, and the account that a household corrects.

An answer that is odd in any way (a code nobody knows, a line that is not ours, another amount, a second answer that
says otherwise) is written beside its row in the file that goes back, and never counted. The same file again changes
nothing.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import audit, files, jobs
from bangfu.access import Action, Entered
from bangfu.db import hold
from bangfu.db.bulk import insert_new
from bangfu.disclosure import need_reason
from bangfu.documents.cells import CellProblem, Column, Row, read_digits, read_fen, read_name, read_quantity, read_text
from bangfu.documents.reading import open_table
from bangfu.documents.returning import with_problems
from bangfu.errors import Code, Problem
from bangfu.models import (
    Account,
    BankTemplate,
    Household,
    Membership,
    PaymentArrival,
    PaymentBatch,
    PaymentLine,
    PaymentReturn,
    Person,
    new_id,
)
from bangfu.payments.batches import RELEASED, batch_of, must_be
from bangfu.payments.lists import read_rows, template_of
from bangfu.registry.history import Assertion, assert_from, holds
from bangfu.registry.identity import read_account
from bangfu.registry.importing import alone
from bangfu.registry.known import HEAD
from bangfu.text import Text, money, printable
from bangfu.vault import Vault, mask_account

KIND = "bank_answers"
PAID, RETURNED = "paid", "returned"
RESULTS: Mapping[str, str] = {
    **dict.fromkeys(("成功", "已入账", "发放成功", "代发成功", "入账成功", "交易成功", "0", "00", "0000", "S"), PAID),
    **dict.fromkeys(("失败", "退票", "退回", "发放失败", "代发失败", "入账失败", "交易失败", "F"), RETURNED),
}
"""What banks' answers mean, beside what a county's template says of its own bank."""

_AMOUNT = ("金额(元)", "交易金额", "发放金额")
_WORDS = ("原因", "退票原因", "返回信息")
_RESULT = ("结果", "状态", "交易状态", "返回码", "结果代码", "成功标志")
_COLUMNS = (
    Column("account", Text("一卡通账号", "account"), read_digits, ("账号", "银行账号", "卡号", "收款账号")),
    Column("result", Text("处理结果", "result"), read_text, _RESULT),
    Column("position", Text("序号", "number on the list"), read_quantity, ("编号", "明细序号"), required=False),
    Column("amount", Text("金额", "amount"), read_fen, _AMOUNT, required=False),
    Column("words", Text("失败原因", "reason"), read_text, _WORDS, required=False),
)


@dataclass(slots=True)
class _Known:
    """What is known of a batch when its answers come: its lines, which of them are answered, and how."""

    batch: UUID
    by_position: dict[int, Any] = field(default_factory=dict)
    by_account: dict[str, list[Any]] = field(default_factory=dict)
    answered: dict[UUID, str] = field(default_factory=dict)
    said: dict[UUID, tuple[int, str]] = field(default_factory=dict)
    """The row of this file in which a line was answered, and what it said."""


async def put(
    session: AsyncSession,
    vault: Vault,
    who: Entered,
    batch: UUID,
    name: str,
    data: bytes,
    largest: int,
    *,
    answered_on: date | None = None,
    matches: Mapping[str, str] | None = None,
) -> UUID:
    """Keep the bank's answers to a batch, and put their reading in the queue.

    The file is XLSX, CSV or TXT (GB 18030, by the template of the channel); ``answered_on`` is the day of the answers,
    today unless stated. Refuses ``FORBIDDEN``, ``NOT_FOUND``, ``BATCH_STATE``, ``DAY_IN_FUTURE`` and
    ``FILE_TOO_LARGE``.
    """
    who.require(Action.RECORD_RETURNS)
    row = await batch_of(session, who, batch)
    must_be(row, RELEASED, Text("登记回盘", "answered"))
    _need_day(who, answered_on, row)
    file = await files.store(session, vault, who, name, data, largest)
    parameters = {
        "batch": str(batch),
        "answered_on": (answered_on or who.at.today).isoformat(),
        "matches": dict(matches or {}),
    }
    return await jobs.ask(session, who, KIND, parameters, file)


def _need_day(who: Entered, day: date | None, batch: PaymentBatch) -> None:
    if day is None:
        return
    if day > who.at.today:
        raise Code.DAY_IN_FUTURE.refuse("day", day=day, today=who.at.today)
    if batch.released_on is not None and day < batch.released_on:
        raise Code.BEFORE_PREVIOUS_STEP.refuse("day", day=day, previous=batch.released_on)


async def handler(work: jobs.Work) -> jobs.Done:
    """The job that reads a bank's answers: whole in one transaction, and harmless when done again."""
    if work.file is None:
        raise ValueError("answers stand in a file")
    who, asked, vault = work.who, work.parameters, work.vault
    who.require(Action.RECORD_RETURNS)
    batch, on = UUID(asked["batch"]), date.fromisoformat(asked["answered_on"])
    await work.progress(0, 1)
    async with work.database.session(who.scope) as session:
        row = await batch_of(session, who, batch)
        template = await template_of(session, who, row.channel)
        name, data = _as_table(work.file.name, work.file.data, template)
        table = open_table(data, name, _COLUMNS, asked["matches"], _headers(template))
        await hold(session, f"answers/{batch}")
        known = await _known(session, vault, who, batch)
        meanings = {**RESULTS, **(template.results if template else {})}
        arrivals, returns, odd, same, count = [], [], {}, 0, 0
        for found in table.rows():
            count += 1
            line, meaning = _judge(found, known, meanings)
            if found.problems:
                odd[found.number] = found.problems
            elif line is None:
                same += 1
            elif meaning == PAID:
                arrivals.append(_arrival(who, line, found, on, work.file.id))
            else:
                returns.append(_return(who, line, found, on, work.file.id))
        await insert_new(session, PaymentArrival, arrivals, "id")
        await insert_new(session, PaymentReturn, returns, "id")
        file = await _sent_back(session, work, table, name, data, odd) if odd else None
        problems = [jobs.told(problem) for each in odd.values() for problem in each]
        figures = {"rows": count, "paid": len(arrivals), "returned": len(returns), "same": same, "odd": len(odd)}
        await audit.record(
            session, who.at.now, who.actor.id, Action.RECORD_RETURNS.value, f"batch/{batch}",
            {**figures, "file": work.file.name},
        )  # fmt: skip
    await work.progress(1, 1)
    return jobs.Done({**figures, "row_problems": problems[: jobs.SHOWN_PROBLEMS]}, file)


def _as_table(name: str, data: bytes, template: BankTemplate | None) -> tuple[str, bytes]:
    """The file as a table with headers: a bank's text becomes CSV, its rows where they were.

    A text without headers has the template's columns, then the result and the reason. Refuses ``FILE_UNREADABLE``.
    """
    if not name.lower().endswith(".txt"):
        return name, data
    if template is None:
        raise Code.TEMPLATE_MISSING.refuse("file", channel="txt")
    try:
        rows = read_rows(data, template.separator)
    except (ValueError, csv.Error) as error:
        raise Code.FILE_UNREADABLE.refuse("file", detail="GB 18030") from error
    if not template.header:
        rows.insert(0, [*(header for _, header in template.columns), "处理结果", "失败原因"])
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return f"{name[:-4]}.csv", text.getvalue().encode("utf-8-sig")


def _headers(template: BankTemplate | None) -> dict[str, str]:
    """The template's own headers, as far as answers repeat them."""
    known = {column.name for column in _COLUMNS}
    return {header: name for name, header in (template.columns if template else ()) if name in known}


async def _known(session: AsyncSession, vault: Vault, who: Entered, batch: UUID) -> _Known:
    tenant = who.county.id
    known = _Known(batch)
    own = (PaymentLine.tenant_id == tenant, PaymentLine.batch_id == batch, PaymentLine.voided_at.is_(None))
    for line in await session.scalars(select(PaymentLine).where(*own)):
        known.by_position[line.position] = line
        account = vault.reveal(line.account, "payment_line.account", tenant)
        known.by_account.setdefault(account, []).append(line)
    for model, meaning in ((PaymentArrival, PAID), (PaymentReturn, RETURNED)):
        line_of = (PaymentLine.tenant_id == tenant) & (PaymentLine.id == model.line_id)
        answered = await session.scalars(select(model.line_id).join(PaymentLine, line_of).where(*own))
        known.answered.update(dict.fromkeys(answered, meaning))
    return known


def _judge(row: Row, known: _Known, meanings: Mapping[str, str]) -> tuple[Any, str]:
    """The line that a row answers and what it says of it; no line if that is on record already. What is odd becomes a
    problem of the row."""
    if row.problems:
        return None, ""

    def odd(code: Code, name: str, **values: object) -> tuple[Any, str]:
        row.problems.append(code.problem("rows", row.number, name, **values))
        return None, ""

    meaning = meanings.get(row.values["result"])
    if meaning is None:
        return odd(Code.ANSWER_UNKNOWN, "result", value=printable(row.values["result"]))
    line = _meant(row, known)
    if line is None:
        return odd(Code.ANSWER_NOT_OURS, "account", masked=mask_account(row.values["account"] or "?"))
    amount = row.values.get("amount")
    if amount is not None and amount != line.amount_fen:
        return odd(Code.ANSWER_AMOUNT, "amount", amount=money(amount), ours=money(line.amount_fen))
    if line.id in known.said:
        number, earlier = known.said[line.id]
        if earlier == meaning:
            return odd(Code.DUPLICATE_ROW, "account", row=number)
        return odd(Code.ANSWER_DIFFERS, "result", earlier=_SAYS[earlier], now=_SAYS[meaning])
    known.said[line.id] = row.number, meaning
    if line.id in known.answered:
        if known.answered[line.id] != meaning:
            return odd(Code.ANSWER_DIFFERS, "result", earlier=_SAYS[known.answered[line.id]], now=_SAYS[meaning])
        return None, meaning
    return line, meaning


_SAYS = {PAID: Text("已到账", "paid"), RETURNED: Text("退票", "returned")}


def _meant(row: Row, known: _Known) -> Any:
    """The one line that a row can mean: its number on the list and its account agree, or the account leaves no choice,
    or the amount does not."""
    candidates = known.by_account.get(row.values["account"] or "", [])
    position = row.values.get("position")
    if position is not None:
        candidates = [line for line in candidates if line.position == position]
    elif len(candidates) > 1:
        candidates = [line for line in candidates if line.amount_fen == row.values.get("amount")]
    return candidates[0] if len(candidates) == 1 else None


def _answer(who: Entered, line: Any, file: UUID | None) -> dict[str, Any]:
    return {
        "tenant_id": who.county.id,
        "id": new_id(),
        "line_id": line.id,
        "household_id": line.household_id,
        "division": line.division,
        "file_id": file,
        "recorded_by": who.actor.id,
        "recorded_at": who.at.now,
    }


def _arrival(who: Entered, line: Any, row: Row, on: date, file: UUID) -> dict[str, Any]:
    return {**_answer(who, line, file), "code": row.values["result"], "arrived_on": on}


def _return(who: Entered, line: Any, row: Row, on: date, file: UUID) -> dict[str, Any]:
    words = printable(row.values.get("words") or "")
    own = {"entitlement_id": line.entitlement_id, "code": row.values["result"], "words": words, "returned_on": on}
    return {**_answer(who, line, file), **own, "evidence": ""}


async def _sent_back(
    session: AsyncSession, work: jobs.Work, table: Any, name: str, data: bytes, odd: Mapping[int, Sequence[Problem]]
) -> UUID:
    """The bank's file with what is odd beside its rows."""
    texts = {number: ";".join(f"{p.message.zh}。{p.remedy.zh}" for p in each) for number, each in odd.items()}
    marked = with_problems(data, name, table, texts)
    stem, dot, suffix = name.rpartition(".")
    limit = max(work.database.settings.largest_file, 2 * len(marked))
    return await files.store(session, work.vault, work.who, f"{stem}-问题{dot}{suffix}", marked, limit)


async def record_return(session: AsyncSession, who: Entered, line: UUID, day: date, words: str, evidence: str) -> UUID:
    """Write down by hand that a payment came back 退票, on a day, with the bank's words and the paper that shows it;
    also of one that had arrived.

    Refuses ``FORBIDDEN``, ``NOT_FOUND``, ``BATCH_STATE``, ``DAY_IN_FUTURE``, ``BEFORE_PREVIOUS_STEP``,
    ``EVIDENCE_NEEDED``, ``REASON_NEEDED``, and ``CONFLICT`` for one that has come back already.
    """
    who.require(Action.RECORD_RETURNS)
    if not evidence.strip():
        raise Code.EVIDENCE_NEEDED.refuse("evidence", day=day)
    stated = need_reason(words)
    row = await session.scalar(
        select(PaymentLine).where(
            PaymentLine.tenant_id == who.county.id, PaymentLine.id == line, PaymentLine.voided_at.is_(None)
        )
    )
    if row is None:
        raise Code.NOT_FOUND.refuse("line", what=Text("拨付明细", "the payment"))
    batch = await batch_of(session, who, row.batch_id)
    must_be(batch, RELEASED, Text("登记退票", "returned"))
    _need_day(who, day, batch)
    await hold(session, f"answers/{row.batch_id}")
    made = _answer(who, row, None) | {
        "entitlement_id": row.entitlement_id,
        "code": "",
        "words": stated,
        "returned_on": day,
        "evidence": evidence.strip(),
    }
    if not await insert_new(session, PaymentReturn, [made], "id"):
        raise Code.CONFLICT.refuse("line")
    data = {"line": str(line), "day": day.isoformat(), "evidence": evidence.strip()}
    await audit.record(
        session, who.at.now, who.actor.id, Action.RECORD_RETURNS.value, f"batch/{row.batch_id}", data, stated
    )
    return UUID(str(made["id"]))


async def correct_account(
    session: AsyncSession,
    who: Entered,
    vault: Vault,
    household: str,
    holder: str,
    bank: str,
    number: str,
    reason: str,
    evidence: str,
) -> UUID:
    """Enter the account that a household is paid to from today on, with the reason and the paper that shows it.

    Somebody else than the head of the household may hold it; that this is so stays on record. The same account again
    says that it was looked at and is right, so that a payment that came back can be issued again. Refuses
    ``FORBIDDEN``, ``REASON_NEEDED``, ``EVIDENCE_NEEDED``, ``HOUSEHOLD_UNKNOWN`` and ``BAD_VALUE``.
    """
    who.require(Action.CORRECT_ACCOUNTS)
    stated = need_reason(reason)
    if not evidence.strip():
        raise Code.EVIDENCE_NEEDED.refuse("evidence", day=who.at.today)
    values = {}
    for name, value, title, read in (
        ("holder", holder, Text("开户名", "account holder"), read_name),
        ("bank", bank, Text("开户行", "bank"), read_text),
        ("number", number, Text("一卡通账号", "bank account"), read_account),
    ):
        if not value.strip():
            raise Code.MISSING_VALUE.refuse(name, field=title)
        try:
            values[name] = read(value)
        except CellProblem as problem:
            raise problem.code.refuse(name, **{"field": title, **problem.values}) from problem
    tenant = who.county.id
    head = (
        (Membership.tenant_id == tenant)
        & (Membership.household_id == Household.id)
        & (Membership.relation == HEAD)
        & holds(Membership, who.at.today)
    )
    row = (
        await session.execute(
            select(Household.id, Household.division, Person.name)
            .outerjoin(Membership, head)
            .outerjoin(Person, (Person.tenant_id == tenant) & (Person.id == Membership.person_id))
            .where(Household.tenant_id == tenant, Household.number == household)
        )
    ).first()
    if row is None:
        raise Code.HOUSEHOLD_UNKNOWN.refuse("household", number=household)
    await alone(session, "households")
    said = {
        "division": row.division,
        "holder": values["holder"],
        "bank": values["bank"],
        "number": vault.seal(values["number"], "account.number", tenant),
        "number_index": vault.index(values["number"], "account", tenant),
        "number_masked": mask_account(values["number"]),
    }
    await assert_from(session, Account, [Assertion({"household_id": row.id}, said, who.at.today)], who.at.now)
    made = (
        await session.scalars(
            select(Account.id).where(
                Account.tenant_id == tenant, Account.household_id == row.id, holds(Account, who.at.today)
            )
        )
    ).one()
    data = {
        "account": said["number_masked"],
        "evidence": evidence.strip(),
        "held_by_head": row.name == values["holder"],
    }
    await audit.record(session, who.at.now, who.actor.id, "correct_account", f"household/{row.id}", data, stated)
    return made
