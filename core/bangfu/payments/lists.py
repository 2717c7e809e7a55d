"""发放名册: the list of a released batch, as a workbook to sign and as the text that a bank takes.

Either is read back with another reader and compared with the batch before it leaves; what was read back stays on
record. It carries whole identity and account numbers, so it needs a reason and is audited.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from python_calamine import CalamineWorkbook
from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from bangfu import audit
from bangfu.access import Action, Entered
from bangfu.db import hold
from bangfu.disclosure import need_reason, record_export
from bangfu.documents.writing import Sheet, SheetColumn, amount_in_words, workbook
from bangfu.errors import Code, Refused
from bangfu.models import (
    BankTemplate,
    BudgetLine,
    Case,
    Entitlement,
    Household,
    Membership,
    PaymentBatch,
    PaymentFile,
    PaymentLine,
    PaymentReturn,
    PaymentSetoff,
    Person,
    new_id,
)
from bangfu.payments.batches import RELEASED, batch_of, must_be
from bangfu.payments.budget import line_of, source_of
from bangfu.payments.due import Kind
from bangfu.process import Monthly
from bangfu.programme import PAYMENT_COLUMNS, PaymentChannel, Programme
from bangfu.registry.divisions import Places, township_of
from bangfu.registry.history import holds
from bangfu.registry.known import HEAD
from bangfu.text import Text, number, yuan_digits
from bangfu.vault import Vault

PAGE = 20
"""Households on a printed page, each page with its own total."""
_SHEET = "发放名册"
_PERSONAL = ("head", "identity", "holder", "account")
_KINDS = {"position": "integer", "amount": "money"}


@dataclass(frozen=True)
class _List:
    """A released batch with everything that its list says."""

    batch: PaymentBatch
    source: BudgetLine | None
    lines: Sequence[Any]
    rows: Sequence[Mapping[str, Any]]
    places: Places


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
    found = await _listed(session, who, vault, programme, id, reason)
    rows = [[row[name] for name, _ in channel.columns] for row in found.rows]
    data = workbook(_sheets(who, programme, channel, found, rows))
    _read_back(data, channel, found.batch)
    await _record(session, who, found, [name for name, _ in channel.columns], reason, [_Part(found.rows, data)], None)
    return data


async def _listed(
    session: AsyncSession, who: Entered, vault: Vault, programme: Programme, id: UUID, reason: str
) -> _List:
    who.require(Action.EXPORT_PAYMENTS, programme.code)
    need_reason(reason)
    row = await batch_of(session, who, id)
    who.require(Action.EXPORT_PAYMENTS, programme.code, row.stage)
    must_be(row, RELEASED, Text("导出", "exported"))
    if row.released_on is None or row.released_at is None:
        raise ValueError("a released batch has the day of its release")
    # The list is of the day of the release, whatever has changed in the registers since.
    lines = (await session.execute(_lines(who, id, row.released_on, row.released_at))).all()
    places = await Places.on(session, row.released_on)
    source = await line_of(session, who, row.budget_line_id) if row.budget_line_id else None
    return _List(row, source, lines, [_values(who, vault, programme, row, line, places) for line in lines], places)


def _lines(who: Entered, id: UUID, on: date, known_at: datetime) -> Any:
    tenant = who.county.id
    before, earlier, beneficiary = aliased(PaymentLine), aliased(PaymentBatch), aliased(Person)
    set_off = (
        select(func.sum(PaymentSetoff.amount_fen))
        .where(PaymentSetoff.tenant_id == tenant, PaymentSetoff.line_id == PaymentLine.id)
        .correlate(PaymentLine)
        .scalar_subquery()
    )
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
            beneficiary.name.label("beneficiary"),
            beneficiary.number.label("person_number"),
            Entitlement.kind,
            Entitlement.month_decision_id.is_not(None).label("monthly"),
            Case.period.label("case_period"),
            set_off.label("set_off"),
            before.position.label("returned"),
            earlier.number.label("before"),
        )
        .join(Entitlement, (Entitlement.tenant_id == tenant) & (Entitlement.id == PaymentLine.entitlement_id))
        .outerjoin(PaymentReturn, (PaymentReturn.tenant_id == tenant) & (PaymentReturn.id == PaymentLine.reissues))
        .outerjoin(before, (before.tenant_id == tenant) & (before.id == PaymentReturn.line_id))
        .outerjoin(earlier, (earlier.tenant_id == tenant) & (earlier.id == before.batch_id))
        .join(Household, (Household.tenant_id == tenant) & (Household.id == PaymentLine.household_id))
        .outerjoin(Membership, head)
        .outerjoin(Person, (Person.tenant_id == tenant) & (Person.id == Membership.person_id))
        .join(Case, (Case.tenant_id == tenant) & (Case.id == Entitlement.case_id))
        .outerjoin(beneficiary, (beneficiary.tenant_id == tenant) & (beneficiary.id == Case.person_id))
        .where(PaymentLine.tenant_id == tenant, PaymentLine.batch_id == id, PaymentLine.voided_at.is_(None))
        .order_by(PaymentLine.position)
    )


def _values(
    who: Entered, vault: Vault, programme: Programme, batch: PaymentBatch, row: Any, places: Places
) -> dict[str, Any]:
    """What a row of the list says, by the names of ``PAYMENT_COLUMNS``."""
    line: PaymentLine = row.PaymentLine
    tenant = who.county.id
    return {
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
        "note": _note(row),
    }


def _note(row: Any) -> str:
    """Whom a payment is for where that is a person, of which month it is where something is paid every month, and what
    is unusual about it: whose account it goes to, what it corrects, what was set off against it, what it repeats."""
    notes = []
    month = row.PaymentLine.instalment
    if row.person_number is not None:
        notes.append(f"受益人:{row.beneficiary}({row.person_number})")
    if row.monthly:
        notes.append(f"{row.case_period}-{month:02d}")
    if row.kind == Kind.ARREARS.value:
        notes.append(f"补发{month}月" if row.monthly else "补发")
    if row.set_off:
        notes.append(f"抵扣{yuan_digits(int(row.set_off))}元")
    if row.returned is not None:
        notes.append(f"退票重发(原第{row.before}批第{row.returned}号)")
    if row.head and row.PaymentLine.holder != row.head:
        notes.append("开户人非户主")
    return ";".join(notes)


def _sheets(
    who: Entered, programme: Programme, channel: PaymentChannel, found: _List, rows: Sequence[Sequence[Any]]
) -> list[Sheet]:
    batch = found.batch
    townships: dict[int, list[int]] = {}
    for line in found.lines:
        township = township_of(line.PaymentLine.division)
        townships.setdefault(township, []).append(line.PaymentLine.amount_fen)
    source = f"资金来源:{source_of(found.source)}" if found.source else ""
    # A batch of what is paid every month holds several months of somebody.
    monthly = isinstance(programme.process[batch.stage], Monthly)
    which = f"截至 {batch.instalment} 月" if monthly else f"第 {batch.instalment} 期"
    what = f"环节:{programme.process[batch.stage].title.zh}({which})"
    of = "笔" if monthly else programme.beneficiary.counted.zh
    title = f"{who.county.name}{batch.period}年度{programme.title.zh}"
    cover = Sheet(
        "汇总",
        f"{title}资金拨付汇总表",
        [SheetColumn("乡镇"), SheetColumn(f"{of}数", "count"), SheetColumn("金额(元)", "money")],
        [(found.places.named(code), len(amounts), sum(amounts)) for code, amounts in sorted(townships.items())],
        above=[
            f"批次:第 {batch.number} 批    {what}    发放渠道:{channel.title.zh}    {of}数:{number(batch.count)}",
            source,
        ],
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
    signed = [
        f"合计人民币(大写):{amount_in_words(batch.total_fen)}",
        "",
        "经办人:                    复核人:                    放行人:",
    ]
    listed = Sheet(_SHEET, f"{title}发放名册", columns, rows, below=[source, *signed], total=True, page_rows=PAGE)
    return [cover, listed]


def _read_back(data: bytes, channel: PaymentChannel, batch: PaymentBatch) -> None:
    """Count and add up the written list with another library; refuse ``BATCH_TOTAL`` if it is not the batch."""
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_name(_SHEET)
    names = [name for name, _ in channel.columns]
    position, amount = names.index("position"), names.index("amount")
    found = [row for row in sheet.iter_rows() if isinstance(row[position], float | int)]
    total = sum((Decimal(str(row[amount])) for row in found), Decimal())
    if len(found) != batch.count or total.scaleb(2) != batch.total_fen:
        detail = f"{len(found)}/{batch.count}, {total}/{yuan_digits(batch.total_fen)}"
        raise Code.BATCH_TOTAL.refuse("file", detail=detail)


# --- what is on record of a file ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Part:
    """A file, or a part of one: its rows and its content."""

    rows: Sequence[Mapping[str, Any]]
    data: bytes


async def _record(
    session: AsyncSession,
    who: Entered,
    found: _List,
    columns: Sequence[str],
    reason: str,
    parts: Sequence[_Part],
    template: BankTemplate | None,
) -> None:
    """Keep what was read back of each part, and put the export on record."""
    export, batch = new_id(), found.batch
    digests = [hashlib.sha256(part.data).hexdigest() for part in parts]
    for place, (part, digest) in enumerate(zip(parts, digests, strict=True), 1):
        await session.execute(
            insert(PaymentFile).values(
                tenant_id=who.county.id,
                id=new_id(),
                batch_id=batch.id,
                template_id=template.id if template else None,
                export_id=export,
                part=place,
                count=len(part.rows),
                total_fen=sum(row["amount"] for row in part.rows),
                sha256=digest,
                made_by=who.actor.id,
                made_at=who.at.now,
                areas=batch.areas,
            )
        )
    facts: dict[str, Any] = {"number": batch.number, "count": batch.count, "sha256": digests[0]}
    if template:
        facts |= {"template": template.version, "parts": len(parts), "sha256": digests}
    personal = [name for name in columns if name in _PERSONAL]
    await record_export(
        session, who, Action.EXPORT_PAYMENTS, f"batch/{batch.id}", reason, len(found.rows), personal, **facts
    )


# --- the text that a bank takes -------------------------------------------------------------------------------------

SEPARATORS = {"bar": "|", "bar_mark": "|!", "tab": "\t"}
LINE_ENDS = {"crlf": "\r\n", "lf": "\n"}
ENCODING = "gb18030"
"""What banks' gateways read; it holds every character that a name can have."""
MOST_ROWS = 100_000
ANSWERS = ("paid", "returned")


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateStated:
    """How a bank wants the list of a channel: which of ``PAYMENT_COLUMNS`` under which headers in which order, what
    stands between them, whether the headers come first, the most rows of a file, and what else its answers say."""

    channel: str
    columns: Sequence[tuple[str, str]]
    separator: str = "bar"
    header: bool = True
    rows_per_file: int = 5_000
    line_end: str = "crlf"
    results: Mapping[str, str] | None = None


async def keep_template(
    session: AsyncSession, who: Entered, stated: TemplateStated, channels: Sequence[str]
) -> BankTemplate:
    """Lay down the next version of a channel's template; files that were made by an older one say so.

    Refuses ``FORBIDDEN`` and ``BAD_VALUE``.
    """
    who.require(Action.KEEP_FUNDS)
    names = [name for name, _ in stated.columns]
    headers = [header.strip() for _, header in stated.columns]
    needed = {"account", "amount"} - set(names)
    for name, value, known in (
        ("channel", stated.channel, channels),
        ("separator", stated.separator, SEPARATORS),
        ("line_end", stated.line_end, LINE_ENDS),
        *(("columns", name, PAYMENT_COLUMNS) for name in names),
        *(("results", answer, ANSWERS) for answer in (stated.results or {}).values()),
    ):
        if value not in known:
            expected = Text("、".join(known), ", ".join(known))
            raise Code.BAD_VALUE.refuse(name, field=Text("代发文件格式", "template"), value=value, expected=expected)
    if needed or len(set(names)) < len(names) or len(set(headers)) < len(headers) or not all(headers):
        expected = Text(
            "含账号和金额、各列和表头不重复的列", "columns with account and amount, none twice, each with its header"
        )
        raise Code.BAD_VALUE.refuse("columns", field=Text("列", "columns"), value=", ".join(names), expected=expected)
    if not 1 <= stated.rows_per_file <= MOST_ROWS:
        expected = Text(f"1 至 {MOST_ROWS}", f"1 to {MOST_ROWS}")
        raise Code.BAD_VALUE.refuse(
            "rows_per_file", field=Text("每份行数", "rows"), value=stated.rows_per_file, expected=expected
        )
    await hold(session, f"template/{stated.channel}")
    last = await template_of(session, who, stated.channel)
    made = BankTemplate(
        tenant_id=who.county.id,
        id=new_id(),
        channel=stated.channel,
        version=last.version + 1 if last else 1,
        columns=[[name, header] for name, header in zip(names, headers, strict=True)],
        separator=stated.separator,
        header=stated.header,
        rows_per_file=stated.rows_per_file,
        line_end=stated.line_end,
        results=dict(stated.results or {}),
        made_by=who.actor.id,
        made_at=who.at.now,
    )
    session.add(made)
    await session.flush()
    data = {"channel": made.channel, "version": made.version}
    await audit.record(session, who.at.now, who.actor.id, "keep_bank_template", f"template/{made.id}", data)
    return made


async def template_of(session: AsyncSession, who: Entered, channel: str) -> BankTemplate | None:
    """The newest template of a channel."""
    own = (BankTemplate.tenant_id == who.county.id, BankTemplate.channel == channel)
    newest = select(func.max(BankTemplate.version)).where(*own).scalar_subquery()
    return await session.scalar(select(BankTemplate).where(*own, BankTemplate.version == newest))


async def bank_text(
    session: AsyncSession, who: Entered, vault: Vault, programme: Programme, id: UUID, reason: str
) -> tuple[str, bytes]:
    """The list of a released batch as the bank takes it, by the newest template of its channel: the name of the file
    and its content, several parts in one archive. What was set off whole goes to no bank.

    Refuses ``FORBIDDEN``, ``REASON_NEEDED``, ``NOT_FOUND``, ``BATCH_STATE``, ``TEMPLATE_MISSING``, ``BANK_FILE_VALUE``
    naming every household with something that the file cannot hold, and ``BATCH_TOTAL``.
    """
    found = await _listed(session, who, vault, programme, id, reason)
    template = await template_of(session, who, found.batch.channel)
    if template is None:
        raise Code.TEMPLATE_MISSING.refuse("batch", channel=found.batch.channel)
    found = replace(found, rows=[row for row in found.rows if row["amount"]])
    columns = [(name, header) for name, header in template.columns]
    texts = [{name: _text(name, row[name]) for name, _ in columns} for row in found.rows]
    separator, end = SEPARATORS[template.separator], LINE_ENDS[template.line_end]
    _need_plain(found, texts, separator)
    parts = []
    for start in range(0, max(1, len(texts)), template.rows_per_file):
        part = texts[start : start + template.rows_per_file]
        lines = [separator.join(header for _, header in columns)] if template.header else []
        lines += [separator.join(row[name] for name, _ in columns) for row in part]
        data = "".join(f"{line}{end}" for line in lines).encode(ENCODING)
        parts.append(_Part(found.rows[start : start + template.rows_per_file], data))
    _read_text_back(found, template, [part.data for part in parts])
    await _record(session, who, found, [name for name, _ in columns], reason, parts, template)
    stem = f"代发-{programme.code}-{found.batch.period}-第{found.batch.number}批"
    if len(parts) == 1:
        return f"{stem}.txt", parts[0].data
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for place, one in enumerate(parts, 1):
            name = zipfile.ZipInfo(f"{stem}-{place:02d}-{len(parts):02d}.txt", who.at.now.timetuple()[:6])
            target.writestr(name, one.data, zipfile.ZIP_DEFLATED)
    return f"{stem}.zip", archive.getvalue()


def _text(name: str, value: Any) -> str:
    return yuan_digits(value) if name == "amount" else str(value)


def _need_plain(found: _List, texts: Sequence[Mapping[str, str]], separator: str) -> None:
    """Refuse ``BANK_FILE_VALUE`` for whatever would break a row, or cannot be written at all."""
    forbidden = re.compile(f"[{re.escape(separator)}\x00-\x1f\x7f\ud800-\udfff]")
    problems = [
        Code.BANK_FILE_VALUE.problem(
            "rows", row["position"], name, household=row["household_number"], column=name, characters=repr(bad[0])
        )
        for row, text in zip(found.rows, texts, strict=True)
        for name, value in text.items()
        if (bad := forbidden.search(value))
    ]
    if problems:
        raise Refused(problems)


def _read_text_back(found: _List, template: BankTemplate, parts: Sequence[bytes]) -> None:
    """Read the written parts as a bank would, and refuse ``BATCH_TOTAL`` unless count, total and accounts agree."""
    names = [name for name, _ in template.columns]
    account, amount = names.index("account"), names.index("amount")
    rows = [row for part in parts for row in read_rows(part, template.separator)[int(template.header) :]]
    total = sum((Decimal(row[amount]) for row in rows), Decimal())
    whole = all(len(row) == len(names) for row in rows)
    accounts = Counter(row[account] for row in rows) == Counter(row["account"] for row in found.rows)
    batch, count = found.batch, len(found.rows)
    if len(rows) != count or total.scaleb(2) != batch.total_fen or not whole or not accounts:
        detail = f"{len(rows)}/{count}, {total}/{yuan_digits(batch.total_fen)}"
        raise Code.BATCH_TOTAL.refuse("file", detail=detail)


def read_rows(data: bytes, separator: str) -> list[list[str]]:
    """The rows of a bank's text file, blank ones left out. ValueError for what is not in GB 18030."""
    text = data.decode(ENCODING)
    if separator == "bar_mark":
        return [line.split("|!") for line in re.split("\r\n|\n|\r", text) if line.strip()]
    reader: Iterator[list[str]] = csv.reader(
        io.StringIO(text, newline=""), delimiter=SEPARATORS[separator], quoting=csv.QUOTE_NONE
    )
    return [row for row in reader if any(cell.strip() for cell in row)]
