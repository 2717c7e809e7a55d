"""预算指标: the lines that payments are paid from, what has been put on them, and who waits for them.

What a line holds stands in one view, ``budget_standing``, that everything uses; all in integer fen:

* *granted*: the sum of its confirmed entries;
* *committed*: the totals of its batches that are neither released nor cancelled;
* *spent*: the totals of its released batches, less what came back of them; a payment that is issued again is spent
  again, from the line of the batch that issues it;
* *free*: granted less committed less spent.

What a household pays back goes to the treasury; if it comes back to the line, that is an entry with its document.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Uuid, column, insert, select, table, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import audit
from bangfu.access import Action, Entered
from bangfu.db import hold, ranges
from bangfu.db.bulk import insert_rows
from bangfu.errors import Code, Problem
from bangfu.models import BudgetEntry, BudgetLine, Household, PaymentWait, new_id
from bangfu.text import Text, money

LEVELS = {
    "central": Text("中央", "central"),
    "province": Text("省级", "province"),
    "city": Text("市级", "city"),
    "county": Text("县级", "county"),
}
"""The levels of government that money comes from."""
LARGEST_ENTRY = 10**13
"""In fen; no sum of a county's entries leaves 64 bits."""
_LINE = Text("预算指标", "the budget line")

STANDING = table(
    "budget_standing",
    column("tenant_id", BigInteger),
    column("budget_line_id", Uuid),
    column("granted_fen", BigInteger),
    column("committed_fen", BigInteger),
    column("spent_fen", BigInteger),
    column("free_fen", BigInteger),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineStated:
    """What is said of a new line: its code, which money it is, and whether it is a limit or an estimate."""

    code: str
    title: str
    source: str
    level: str
    document: str
    document_on: date
    year: int
    programmes: Sequence[str]
    binding: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryStated:
    """What is said of a new entry: how much in fen (less than zero takes money off), by which document, why."""

    amount_fen: int
    document: str
    document_on: date
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """A line with what it holds, in fen."""

    id: UUID
    code: str
    title: str
    binding: bool
    programmes: Sequence[str]
    granted_fen: int
    committed_fen: int
    spent_fen: int
    free_fen: int


async def add_line(
    session: AsyncSession, who: Entered, stated: LineStated, entry: EntryStated, known: Collection[str]
) -> tuple[UUID, UUID]:
    """Enter a line with its first entry; it pays nothing before somebody else confirms the entry. Both their ids.

    ``known`` are the codes of the programmes there are. Refuses ``FORBIDDEN``, ``WHOLE_COUNTY_NEEDED``,
    ``MISSING_VALUE``, ``PROGRAMME_UNKNOWN``, ``BAD_VALUE``, and ``BUDGET_CODE_TAKEN``.
    """
    _keeper(who, Action.KEEP_FUNDS)
    _filled(code=stated.code, title=stated.title, source=stated.source, document=stated.document)
    if stated.level not in LEVELS:
        expected = Text("、".join(LEVELS), ", ".join(LEVELS))
        raise Code.BAD_VALUE.refuse("level", field=Text("资金级次", "level"), value=stated.level, expected=expected)
    if not stated.programmes:
        raise Code.MISSING_VALUE.refuse("programmes", field=Text("可支付的项目", "programmes"))
    for programme in stated.programmes:
        if programme not in known:
            raise Code.PROGRAMME_UNKNOWN.refuse("programmes", programme=programme, known=", ".join(sorted(known)))
    await hold(session, "budget/lines")
    taken = await session.scalar(
        select(BudgetLine.id).where(BudgetLine.tenant_id == who.county.id, BudgetLine.code == stated.code.strip())
    )
    if taken is not None:
        raise Code.BUDGET_CODE_TAKEN.refuse("code", line=stated.code.strip())
    line = new_id()
    await session.execute(
        insert(BudgetLine).values(
            tenant_id=who.county.id,
            id=line,
            code=stated.code.strip(),
            title=stated.title.strip(),
            source=stated.source.strip(),
            level=stated.level,
            document=stated.document.strip(),
            document_on=stated.document_on,
            year=stated.year,
            programmes=sorted(set(stated.programmes)),
            binding=stated.binding,
            entered_by=who.actor.id,
            entered_at=who.at.now,
            areas=ranges([who.county.area]),
        )
    )
    data = {"code": stated.code, "binding": stated.binding, "programmes": sorted(set(stated.programmes))}
    await audit.record(session, who.at.now, who.actor.id, "add_budget_line", f"budget/{line}", data)
    return line, await _entry(session, who, line, entry)


async def add_entry(session: AsyncSession, who: Entered, line: UUID, entry: EntryStated) -> UUID:
    """Put money on a line 追加, or take some off 调减; it counts once somebody else confirms it.

    Refuses ``FORBIDDEN``, ``WHOLE_COUNTY_NEEDED``, ``NOT_FOUND``, ``MISSING_VALUE`` and ``BAD_VALUE``.
    """
    _keeper(who, Action.KEEP_FUNDS)
    await line_of(session, who, line)
    return await _entry(session, who, line, entry)


async def _entry(session: AsyncSession, who: Entered, line: UUID, entry: EntryStated) -> UUID:
    _filled(document=entry.document)
    if entry.amount_fen < 0:
        _filled(reason=entry.reason)
    if not 0 < abs(entry.amount_fen) <= LARGEST_ENTRY:
        expected = Text("不为零的金额", "an amount that is not zero")
        raise Code.BAD_VALUE.refuse(
            "amount", field=Text("金额", "amount"), value=money(entry.amount_fen).zh, expected=expected
        )
    made = new_id()
    await session.execute(
        insert(BudgetEntry).values(
            tenant_id=who.county.id,
            id=made,
            budget_line_id=line,
            amount_fen=entry.amount_fen,
            document=entry.document.strip(),
            document_on=entry.document_on,
            reason=entry.reason.strip(),
            entered_by=who.actor.id,
            entered_on=who.at.today,
            entered_at=who.at.now,
            areas=ranges([who.county.area]),
        )
    )
    data = {"amount_fen": entry.amount_fen, "document": entry.document, "entry": str(made)}
    await audit.record(session, who.at.now, who.actor.id, "add_budget_entry", f"budget/{line}", data, entry.reason)
    return made


async def confirm_entry(session: AsyncSession, who: Entered, id: UUID) -> UUID:
    """Confirm an entry, by another person than who entered it; from then on it counts. The id of its line.

    Refuses ``FORBIDDEN``, ``WHOLE_COUNTY_NEEDED``, ``NOT_FOUND``, ``SAME_PERSON``, ``CONFLICT`` for one that is
    confirmed, and ``BUDGET_SHORT`` for taking more off a binding line than is free.
    """
    _keeper(who, Action.CONFIRM_FUNDS)
    row = await session.scalar(select(BudgetEntry).where(BudgetEntry.tenant_id == who.county.id, BudgetEntry.id == id))
    if row is None:
        raise Code.NOT_FOUND.refuse("entry", what=Text("指标明细", "the entry"))
    if row.entered_by == who.actor.id:
        raise Code.SAME_PERSON.refuse("entry", other=Text("录入人", "who entered it"))
    await hold_line(session, row.budget_line_id)
    line = await standing(session, who, row.budget_line_id)
    if row.confirmed_at is None and line.binding and line.free_fen + row.amount_fen < 0:
        raise Code.BUDGET_SHORT.refuse(
            "amount", line=line.code, free=money(line.free_fen), needed=money(-row.amount_fen)
        )
    changed = await session.execute(
        update(BudgetEntry)
        .where(BudgetEntry.tenant_id == who.county.id, BudgetEntry.id == id, BudgetEntry.confirmed_at.is_(None))
        .values(confirmed_by=who.actor.id, confirmed_on=who.at.today, confirmed_at=who.at.now)
        .returning(BudgetEntry.id)
        .execution_options(synchronize_session=False)
    )
    if changed.first() is None:
        raise Code.CONFLICT.refuse("entry")
    data = {"amount_fen": row.amount_fen, "entry": str(id)}
    await audit.record(session, who.at.now, who.actor.id, "confirm_budget_entry", f"budget/{row.budget_line_id}", data)
    return row.budget_line_id


async def line_of(session: AsyncSession, who: Entered, id: UUID) -> BudgetLine:
    """A line; refuses ``NOT_FOUND``."""
    row = await session.scalar(select(BudgetLine).where(BudgetLine.tenant_id == who.county.id, BudgetLine.id == id))
    if row is None:
        raise Code.NOT_FOUND.refuse("line", what=_LINE)
    return row


async def hold_line(session: AsyncSession, id: UUID) -> None:
    """Until the end of the transaction nobody else takes money from a line."""
    await hold(session, f"budget/{id}")


async def standings(session: AsyncSession, who: Entered) -> list[Standing]:
    """The lines in sight with what they hold, by their codes. Refuses ``FORBIDDEN``."""
    who.require(Action.READ_PAYMENTS)
    return await _standings(session, who)


async def standing(session: AsyncSession, who: Entered, id: UUID) -> Standing:
    """A line with what it holds; refuses ``NOT_FOUND``."""
    found = await _standings(session, who, id)
    if not found:
        raise Code.NOT_FOUND.refuse("line", what=_LINE)
    return found[0]


async def _standings(session: AsyncSession, who: Entered, id: UUID | None = None) -> list[Standing]:
    own = (STANDING.c.tenant_id == BudgetLine.tenant_id) & (STANDING.c.budget_line_id == BudgetLine.id)
    query = (
        select(
            BudgetLine.id,
            BudgetLine.code,
            BudgetLine.title,
            BudgetLine.binding,
            BudgetLine.programmes,
            STANDING.c.granted_fen,
            STANDING.c.committed_fen,
            STANDING.c.spent_fen,
            STANDING.c.free_fen,
        )
        .join(STANDING, own)
        .where(BudgetLine.tenant_id == who.county.id)
        .order_by(BudgetLine.code)
    )
    if id is not None:
        query = query.where(BudgetLine.id == id)
    return [Standing(*row) for row in await session.execute(query)]


async def pays(session: AsyncSession, who: Entered, id: UUID | None, programme: str, title: Text) -> Standing:
    """The line that a batch is to be made of, held until the end of the transaction.

    Refuses ``BUDGET_NEEDED``, ``NOT_FOUND``, ``BUDGET_OTHER`` for a line that does not pay the programme, and
    ``BUDGET_UNCONFIRMED``.
    """
    if id is None:
        raise Code.BUDGET_NEEDED.refuse("budget_line")
    await hold_line(session, id)
    line = await standing(session, who, id)
    if programme not in line.programmes:
        raise Code.BUDGET_OTHER.refuse("budget_line", line=line.code, programme=title)
    confirmed = select(BudgetEntry.id).where(
        BudgetEntry.tenant_id == who.county.id,
        BudgetEntry.budget_line_id == id,
        BudgetEntry.confirmed_at.is_not(None),
    )
    if await session.scalar(confirmed.limit(1)) is None:
        raise Code.BUDGET_UNCONFIRMED.refuse("budget_line", line=line.code)
    return line


# --- who waits ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Waiting:
    """A household that waits for money: for how much (fen), due since when, in which place of the line's list."""

    household: str
    division: int
    place: int
    amount_fen: int
    due_on: date
    line: str


async def note_waiting(
    session: AsyncSession,
    who: Entered,
    line: Standing,
    programme: str,
    period: str,
    instalment: int,
    payments: Sequence[Any],
    *,
    whole: bool = False,
) -> None:
    """Replace the list of those who wait for an instalment of a programme by those whom the newest batch could not
    hold, in their order; or the list of all who wait in it (``whole``), where a batch gathers what is left of all."""
    own = (PaymentWait.period == period) & (PaymentWait.instalment == instalment)
    await session.execute(
        update(PaymentWait)
        .where(
            PaymentWait.tenant_id == who.county.id,
            PaymentWait.programme == programme,
            true() if whole else own,
            PaymentWait.ended_at.is_(None),
        )
        .values(ended_at=who.at.now)
        .execution_options(synchronize_session=False)
    )
    await insert_rows(
        session,
        PaymentWait,
        [
            {
                "tenant_id": who.county.id,
                "id": new_id(),
                "budget_line_id": line.id,
                "line_code": line.code,
                "entitlement_id": one.row.entitlement,
                "household_id": one.row.household,
                "division": one.row.division,
                "programme": programme,
                "period": period,
                "instalment": instalment,
                "place": place,
                "amount_fen": one.amount_fen,
                "due_on": one.row.due_on,
                "since": who.at.now,
                "ended_at": None,
            }
            for place, one in enumerate(payments, 1)
        ],
    )


async def waiting(session: AsyncSession, who: Entered, programme: str, period: str) -> list[Waiting]:
    """Who in sight waits for money, for which line, in which place. A village sees its own, with their places in the
    whole county's list. Refuses ``FORBIDDEN``."""
    who.require(Action.READ_PAYMENTS)
    rows = await session.execute(
        select(
            Household.number,
            PaymentWait.division,
            PaymentWait.place,
            PaymentWait.amount_fen,
            PaymentWait.due_on,
            PaymentWait.line_code,
        )
        .join(Household, (Household.tenant_id == PaymentWait.tenant_id) & (Household.id == PaymentWait.household_id))
        .where(
            PaymentWait.tenant_id == who.county.id,
            PaymentWait.programme == programme,
            PaymentWait.period == period,
            PaymentWait.ended_at.is_(None),
        )
        .order_by(PaymentWait.instalment, PaymentWait.place)
    )
    return [Waiting(*row) for row in rows]


def source_of(line: BudgetLine) -> str:
    """Which money it is, as a payment list says it: 中央、测财预〔2021〕8号(指标 ZX-1)."""
    return f"{LEVELS[line.level].zh}{line.source},{line.document}(指标 {line.code})"


def shortage(line: Standing, needed: int, count: int) -> Problem:
    """The problem beside a batch that could not hold everybody, or went beyond an estimate."""
    code = Code.BUDGET_WAITS if line.binding else Code.BUDGET_EXCEEDED
    return code.problem("budget_line", line=line.code, free=money(line.free_fen), needed=money(needed), count=count)


def _keeper(who: Entered, action: Action) -> None:
    who.require(action)
    lo, hi = who.county.area
    if not any(low <= lo and hi <= high for low, high in who.scope.areas):
        raise Code.WHOLE_COUNTY_NEEDED.refuse()


_FIELDS = {
    "code": Text("指标编号", "code"),
    "title": Text("指标名称", "title"),
    "source": Text("资金来源", "source"),
    "document": Text("文号", "document"),
    "reason": Text("事由", "reason"),
}


def _filled(**values: str) -> None:
    for name, value in values.items():
        if not value.strip():
            raise Code.MISSING_VALUE.refuse(name, field=_FIELDS[name])
