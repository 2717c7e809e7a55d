"""为什么这个月是这个数: what each month of a case came to, by which facts, what became known later and what followed
from it, and how it was paid. Every decision has its receipt, the earlier ones too.

Two questions are kept apart. What was *valid* in a month is what its facts were, whenever they became known; what was
*known* on a day is what the county could have told then. A month can be asked for as it was known at any instant.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, func, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import CHINA, Action, Entered
from bangfu.cases.gather import typed
from bangfu.cases.ground import Ground
from bangfu.cases.months import (
    Payee,
    Result,
    courses,
    decidable,
    deciding_at,
    in_sight,
    payees,
    require_begun,
    stage_of,
)
from bangfu.cases.receipts import Result as Receipt
from bangfu.cases.receipts import Stands, explained, stored
from bangfu.cases.views import Selection
from bangfu.db.bulk import among
from bangfu.errors import Code
from bangfu.models import (
    Entitlement,
    MonthDecision,
    MonthResult,
    PaymentBatch,
    PaymentLine,
    PaymentReturn,
    PaymentSetoff,
    Repayment,
)
from bangfu.payments import Kind
from bangfu.process import Withheld, first_month
from bangfu.rules.book import Determination
from bangfu.text import Text, day, money


@dataclass(frozen=True, slots=True)
class FactChange:
    """A fact that is otherwise than when the month was decided before."""

    title: Text
    was: Text
    now: Text


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision of a month: which one it is, what is due by it in fen, why nothing is although the facts would give
    it (None where that is not so), what explains it, and which facts were otherwise before.

    ``known_at`` is the instant whose knowledge it was made from.
    """

    id: UUID | None
    number: int
    amount_fen: int
    withheld: Withheld | None
    result: Receipt
    changes: tuple[FactChange, ...]
    known_at: datetime

    @property
    def text(self) -> Text:
        """What is due by it, and why nothing is where something stands in the way, in one sentence."""
        if self.withheld:
            why = self.withheld.title_text
            return Text(f"停发({why.zh}):{self.result.summary.zh}", f"Withheld ({why.en}): {self.result.summary.en}")
        return self.result.summary


@dataclass(frozen=True, slots=True)
class Paid:
    """A line of a month: what it is, of how much (fen), when it was written down and why; in which batch it was paid,
    on which day, and what of it was set off; None as long as it is not.

    A recovery is ``set_off_fen`` by what later payments were less for it, and ``repaid_fen`` was paid back of it by
    hand.
    """

    id: UUID
    kind: Kind
    amount_fen: int
    due_on: date
    reason: str
    batch: int | None
    paid_fen: int
    set_off_fen: int
    repaid_fen: int
    paid_on: date | None
    returned: bool

    @property
    def text(self) -> Text:
        """It, in one sentence."""
        fen, title = money(abs(self.amount_fen)), self.kind.title_text
        zh, en = f"{title.zh} {fen.zh}", f"{title.en} {fen.en}"
        off = money(self.set_off_fen)
        if self.kind is Kind.RECOVERY:
            how = Text(f"已抵扣 {off.zh}", f"{off.en} of it set off")
            if self.repaid_fen:
                back = money(self.repaid_fen)
                repaid = Text(f"已退回 {back.zh}", f"{back.en} of it paid back")
                how = Text(f"{how.zh},{repaid.zh}", f"{how.en}, {repaid.en}") if self.set_off_fen else repaid
        elif self.returned:
            how = Text("退票", "sent back by the bank")
        elif self.paid_on is not None:
            on, paid = day(self.paid_on), money(self.paid_fen)
            how = Text(f"{on.zh}拨付 {paid.zh}", f"{paid.en} paid on {on.en}")
            if self.set_off_fen:
                how = Text(f"{how.zh},抵扣 {off.zh}", f"{how.en}, {off.en} set off")
        else:
            how = Text("待拨付", "to be paid")
        return Text(f"{zh}:{how.zh}", f"{en}: {how.en}")


@dataclass(frozen=True, slots=True)
class Month:
    """A month of a case: its decisions, the last one first, and its lines, in the order in which they were made."""

    number: int
    title: Text
    decisions: tuple[Decided, ...]
    lines: tuple[Paid, ...]

    @property
    def due_fen(self) -> int:
        """What is due of it: what its last decision says."""
        return self.decisions[0].amount_fen if self.decisions else 0

    @property
    def paid_fen(self) -> int:
        """What was paid of it and did not come back, with what was set off; that stands although a payment comes back,
        which is paid again without it."""
        return self.received_fen + sum(one.set_off_fen for one in self.lines if one.amount_fen > 0)

    @property
    def received_fen(self) -> int:
        """What was paid of it and did not come back."""
        return sum(one.paid_fen for one in self.lines if not one.returned)

    @property
    def open_fen(self) -> int:
        """What is still to be paid of it; what is to be paid back is no part of that."""
        settled = {one.id for one in self.lines if one.paid_on is not None and not one.returned}
        due = {one.id: one.amount_fen for one in self.lines if one.amount_fen > 0 and one.id not in settled}
        return sum(due.values()) - sum(one.set_off_fen for one in self.lines if one.id in due)

    @property
    def text(self) -> Text:
        """What is due of it and what was paid of it, and why nothing is due where something stands in the way, in one
        sentence."""
        due, paid = money(self.due_fen), money(self.paid_fen)
        zh = f"{self.title.zh}:应发 {due.zh},已发 {paid.zh}"
        en = f"{self.title.en}: {due.en} due, {paid.en} paid"
        if self.decisions and (withheld := self.decisions[0].withheld) is not None:
            why = withheld.title_text
            zh, en = f"{zh},停发:{why.zh}", f"{en}, withheld: {why.en}"
        return Text(zh, en)


async def told(
    session: AsyncSession, who: Entered, ground: Ground, cases: Collection[UUID], known_at: datetime | None = None
) -> dict[UUID, tuple[Month, ...]]:
    """The months of some cases in their order, as they were on record at an instant, now unless stated; in two
    statements whatever their number, and two more where something was paid or is to be paid back."""
    until = known_at or who.at.now
    decisions: dict[tuple[UUID, int], list[tuple[MonthDecision, MonthResult]]] = {}
    query = (
        select(MonthDecision, MonthResult)
        .join(
            MonthResult,
            (MonthResult.tenant_id == MonthDecision.tenant_id) & (MonthResult.id == MonthDecision.result_id),
        )
        .where(
            MonthDecision.tenant_id == who.county.id,
            among(MonthDecision.case_id, cases),
            MonthDecision.recorded_at <= until,
        )
        .order_by(MonthDecision.case_id, MonthDecision.month, MonthDecision.number)
    )
    for decision, result in await session.execute(query):
        decisions.setdefault((decision.case_id, decision.month), []).append((decision, result))
    lines = await _lines(session, who, cases, until)
    found: dict[UUID, list[Month]] = {}
    for (case, number), own in sorted(decisions.items(), key=lambda one: one[0]):
        title = ground.month(number).period.title
        said = [_decided(ground, title, *pair) for pair in own]
        told_ = [
            one if place == 0 else _with_changes(ground, one, own[place - 1][1], own[place][1])
            for place, one in enumerate(said)
        ]
        month = Month(number, title, tuple(reversed(told_)), tuple(lines.get((case, number), ())))
        found.setdefault(case, []).append(month)
    return {case: tuple(own) for case, own in found.items()}


async def told_of(
    session: AsyncSession, who: Entered, ground: Ground, number: str, known_at: datetime | None = None
) -> tuple[Month, ...]:
    """The months of the person of a number, as they were on record at an instant, now unless stated.

    Refuses ``FORBIDDEN``, ``NOT_FOUND`` for who is not paid every month, and ``DAY_IN_FUTURE`` for an instant to come.
    """
    who.require(Action.READ_CASES, ground.programme.code)
    if known_at is not None:
        _require_past(who, known_at)
    case = await _payee(session, who, ground, number)
    return (await told(session, who, ground, [case.id], known_at)).get(case.id, ())


async def _payee(
    session: AsyncSession, who: Entered, ground: Ground, number: str, areas: Sequence[tuple[int, int]] | None = None
) -> Payee:
    """The case of a number that is or was paid every month, in some areas if they are given; refuses ``NOT_FOUND``."""
    found = areas is None or len(areas) > 0
    cases = await payees(session, who, ground, Selection(numbers=[number], areas=areas)) if found else []
    seen = await in_sight(session, who, cases)
    if not seen:
        raise Code.NOT_FOUND.refuse("person", what=number)
    return seen[0]


def _require_past(who: Entered, known_at: datetime) -> None:
    """Refuse ``DAY_IN_FUTURE`` for an instant to come."""
    if known_at > who.at.now:
        raise Code.DAY_IN_FUTURE.refuse("known_at", day=known_at.astimezone(CHINA).date(), today=who.at.today)


def _decided(ground: Ground, title: Text, row: MonthDecision, result: MonthResult) -> Decided:
    rules = ground.months[result.edition_id]
    receipt = explained(rules, result.facts, stored(rules, result), row.known_at, title, Stands.HOLDS)
    withheld = Withheld(row.withheld) if row.withheld else None
    return Decided(row.id, row.number, row.amount_fen, withheld, receipt, (), row.known_at)


def _with_changes(ground: Ground, one: Decided, before: MonthResult, now: MonthResult) -> Decided:
    rules = ground.months[now.edition_id]
    was, is_ = typed(ground.months[before.edition_id], before.facts), typed(rules, now.facts)
    changes = tuple(
        FactChange(
            spec.title,
            rules.explainer.shown_fact(spec, getattr(was, name)),
            rules.explainer.shown_fact(spec, getattr(is_, name)),
        )
        for name, spec in rules.explainer.trace.facts.items()
        if before.facts.get(name) != now.facts.get(name)
    )
    return Decided(one.id, one.number, one.amount_fen, one.withheld, one.result, changes, one.known_at)


async def _lines(
    session: AsyncSession, who: Entered, cases: Collection[UUID], until: datetime
) -> dict[tuple[UUID, int], list[Paid]]:
    """The lines of months, with how each was paid, set off or paid back, in three statements."""
    tenant = who.county.id
    line = (
        (PaymentLine.tenant_id == Entitlement.tenant_id)
        & (PaymentLine.entitlement_id == Entitlement.id)
        & PaymentLine.voided_at.is_(None)
        & (PaymentLine.released_at <= until)
    )
    query = (
        select(Entitlement, PaymentLine, PaymentBatch.number, PaymentReturn.id)
        .outerjoin(PaymentLine, line)
        .outerjoin(PaymentBatch, (PaymentBatch.tenant_id == tenant) & (PaymentBatch.id == PaymentLine.batch_id))
        .outerjoin(
            PaymentReturn,
            (PaymentReturn.tenant_id == tenant)
            & (PaymentReturn.line_id == PaymentLine.id)
            & (PaymentReturn.recorded_at <= until),
        )
        .where(
            Entitlement.tenant_id == tenant,
            among(Entitlement.case_id, cases),
            Entitlement.month_decision_id.is_not(None),
            Entitlement.created_at <= until,
            Entitlement.voided_at.is_(None) | (Entitlement.voided_at > until),
        )
        .order_by(Entitlement.instalment, Entitlement.created_at, Entitlement.id, PaymentLine.released_at)
    )
    rows = (await session.execute(query)).all()
    paid_lines: list[Any] = [row.PaymentLine for row in rows]
    made = {line.id for line in paid_lines if line is not None}
    less = await _less(session, who, made, until)
    recovered = {row.Entitlement.id for row in rows if row.Entitlement.kind == Kind.RECOVERY.value}
    settled = await _settled(session, who, recovered, until)
    found: dict[tuple[UUID, int], list[Paid]] = {}
    for due, paid, batch, returned in map(_any, rows):
        off, repaid = (less.get(paid.id, 0), 0) if paid is not None else settled.get(due.id, (0, 0))
        found.setdefault((due.case_id, due.instalment), []).append(
            Paid(
                due.id,
                Kind(due.kind),
                due.amount_fen,
                due.due_on,
                due.reason,
                batch,
                paid.amount_fen if paid is not None else 0,
                off,
                repaid,
                paid.released_on if paid is not None else None,
                returned is not None,
            )
        )
    return found


def _any(row: Any) -> Any:
    """A row whose joined parts may be missing."""
    return row


async def _less(session: AsyncSession, who: Entered, lines: Collection[UUID], until: datetime) -> dict[UUID, int]:
    """What was set off in payments that were released by an instant."""
    own = PaymentSetoff
    query = select(own.line_id, func.sum(own.amount_fen)).where(*_stood(who, until), among(own.line_id, lines))
    return {row[0]: int(row[1]) for row in await session.execute(query.group_by(own.line_id))}


async def _settled(
    session: AsyncSession, who: Entered, recoveries: Collection[UUID], until: datetime
) -> dict[UUID, tuple[int, int]]:
    """What was set off of recoveries, in payments that were released by an instant, and what was paid back by then."""
    off, back, none = PaymentSetoff, Repayment, literal(0, BigInteger)
    both = union_all(
        select(off.entitlement_id.label("of"), off.amount_fen.label("off"), none.label("back")).where(
            *_stood(who, until), among(off.entitlement_id, recoveries)
        ),
        select(back.entitlement_id, none, back.amount_fen).where(
            back.tenant_id == who.county.id, among(back.entitlement_id, recoveries), back.recorded_at <= until
        ),
    ).subquery()
    query = select(both.c.of, func.sum(both.c.off), func.sum(both.c.back)).group_by(both.c.of)
    return {row[0]: (int(row[1]), int(row[2])) for row in await session.execute(query)}


def _stood(who: Entered, until: datetime) -> tuple[ColumnElement[bool], ...]:
    """What tells what was set off in payments that were released by an instant."""
    own = PaymentSetoff
    return own.tenant_id == who.county.id, own.voided_at.is_(None), own.released_at <= until


# --- as it was known ------------------------------------------------------------------------------------------


async def as_known(
    session: AsyncSession, who: Entered, ground: Ground, number: str, month: int, known_at: datetime
) -> Decided:
    """What a month of a person comes to by what was known at an instant, decided anew and kept nowhere; by the rules of
    today. It is for those who may read what offices list: it asks their lists as of any instant.

    Refuses ``FORBIDDEN``, ``NOT_FOUND`` for who is not paid every month, or where not all that offices list is in
    sight (see :func:`bangfu.cases.months.decidable`), ``DAY_IN_FUTURE`` for an instant to come, and of months of which
    nothing could be due ``BAD_VALUE``, ``MONTH_NOT_BEGUN`` and, before the first one of the case,
    ``MONTH_NOT_OF_CASE``.
    """
    who.require(Action.READ_CASES, ground.programme.code)
    who.require(Action.READ_CIRCUMSTANCES)
    monthly = stage_of(ground)
    require_begun(who, ground, month)
    _require_past(who, known_at)
    case = await _payee(session, who, ground, number, decidable(who))
    year, opened = ground.period.year, case.opened_on
    if month < first_month(opened, year, getattr(ground.latest.parameters, monthly.begins)):
        raise Code.MONTH_NOT_OF_CASE.refuse("month", year=year, month=month, number=number, opened=day(opened))
    result = await deciding_at(session, who, ground, case, month, known_at)
    withheld = await _withheld(session, who, ground, case, month, known_at)
    rules = result.rules
    found = Determination(result.outcome, result.values, result.payable, _missing(result))
    receipt = explained(rules, result.facts, found, known_at, rules.period.title, Stands.HOLDS)
    amount = 0 if withheld else result.payable
    return Decided(None, 0, amount, Withheld(withheld) if withheld else None, receipt, (), known_at)


def _missing(result: Result) -> tuple[str, ...]:
    return tuple(name for name in result.rules.book.traced().used_facts if result.facts[name] is None)


async def _withheld(
    session: AsyncSession, who: Entered, ground: Ground, case: Payee, month: int, known_at: datetime
) -> str:
    course = (await courses(session, who, [case], known_at)).get(case.id)
    back_paid = getattr(ground.latest.parameters, stage_of(ground).back_paid)
    return course.withheld(ground.month(month).period.reference_day, back_paid) if course is not None else ""
