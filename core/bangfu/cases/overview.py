"""Where a programme stands: how many applied, were eligible or refused and by which clause, wait where, and what is
due, by township; and who holds each case.

Every total is the sum of its townships, and all figures come from the same statement.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Entered
from bangfu.cases.ground import Ground
from bangfu.cases.views import Selection, look, standing_result
from bangfu.models import (
    Assignment,
    Case,
    DeterminationRow,
    Entitlement,
    Officer,
    PaymentBatch,
    PaymentLine,
    PaymentReturn,
    SampleUnit,
)
from bangfu.process import Duty
from bangfu.registry.divisions import TOWNSHIP_CODES, Places, township_of
from bangfu.registry.history import holds
from bangfu.rules.book import Outcome


@dataclass(frozen=True, slots=True)
class TownshipFigures:
    """The figures of one township. Households are counted once each; amounts are in fen.

    ``unmet`` counts households by the criterion they fail (one that fails two is counted in both), ``flagged`` the
    eligible ones by a yes-or-no step of the book, such as the cap. ``paid_fen`` is what was released and did not come
    back.
    """

    code: int
    name: str
    applied: int
    eligible: int
    refused: int
    incomplete: int
    waiting: int
    unmet: Mapping[str, int]
    flagged: Mapping[str, int]
    sampled: int
    payable_fen: int
    paid_fen: int


async def overview(session: AsyncSession, who: Entered, ground: Ground) -> list[TownshipFigures]:
    """The figures by township, for what the actor sees, in two statements."""
    tenant = who.county.id
    # Of all its books: what was decided by an older one is counted by the clauses of that.
    criteria, flags = ground.programme.criteria(), ground.programme.flags()

    def outcome(which: Outcome) -> Any:
        return func.count().filter(DeterminationRow.outcome == which.value)

    def step(name: str, value: str) -> Any:
        return func.count().filter(DeterminationRow.values_[name].astext == value)

    township = (Case.division - Case.division % TOWNSHIP_CODES).label("township")
    # Summed up by township before it is joined: asked case by case, a county's payments would be gone through for each.
    paid = (
        select(township, func.sum(PaymentLine.amount_fen).label("fen"))
        .select_from(PaymentLine)
        .join(
            PaymentBatch,
            and_(
                PaymentBatch.tenant_id == PaymentLine.tenant_id,
                PaymentBatch.id == PaymentLine.batch_id,
                PaymentBatch.released_at.is_not(None),
            ),
        )
        .join(
            Entitlement,
            and_(Entitlement.tenant_id == PaymentLine.tenant_id, Entitlement.id == PaymentLine.entitlement_id),
        )
        .join(Case, and_(Case.tenant_id == Entitlement.tenant_id, Case.id == Entitlement.case_id))
        .outerjoin(
            PaymentReturn,
            and_(PaymentReturn.tenant_id == PaymentLine.tenant_id, PaymentReturn.line_id == PaymentLine.id),
        )
        .where(
            PaymentLine.tenant_id == tenant,
            PaymentLine.voided_at.is_(None),
            PaymentReturn.id.is_(None),
            # Said of the batch and not of the case: the planner would join every case with every batch.
            PaymentBatch.programme == ground.programme.code,
            PaymentBatch.period == ground.period.key,
        )
        .group_by(township)
        .cte("paid")
    )
    payable: Any = func.sum(DeterminationRow.payable_fen)
    due = None
    if ground.programme.process.monthly is not None:
        # A determination is of one day: what is due is that of all months that are decided.
        due = (
            select(township, func.sum(Entitlement.amount_fen).label("fen"))
            .select_from(Entitlement)
            .join(Case, and_(Case.tenant_id == Entitlement.tenant_id, Case.id == Entitlement.case_id))
            .where(
                Entitlement.tenant_id == tenant,
                Entitlement.voided_at.is_(None),
                Case.programme == ground.programme.code,
                Case.period == ground.period.key,
            )
            .group_by(township)
            .cte("due")
        )
        payable = func.max(due.c.fen)
    ever_drawn = select(1).where(
        SampleUnit.tenant_id == tenant, SampleUnit.case_id == Case.id, SampleUnit.drawn.is_(True)
    )
    drawn = ever_drawn.correlate(Case).exists()
    eligible = DeterminationRow.outcome == Outcome.ELIGIBLE.value
    query = (
        select(
            township,
            func.count().label("applied"),
            outcome(Outcome.ELIGIBLE).label("eligible"),
            outcome(Outcome.REFUSED).label("refused"),
            outcome(Outcome.INCOMPLETE).label("incomplete"),
            func.count().filter(DeterminationRow.id.is_(None)).label("waiting"),
            *(step(name, "false").label(f"unmet_{name}") for name in criteria),
            *(func.count().filter(and_(eligible, DeterminationRow.values_[name].astext == "true")).label(f"flag_{name}")
              for name in flags),
            func.count().filter(drawn).label("sampled"),
            func.coalesce(payable, 0).label("payable"),
            func.coalesce(func.max(paid.c.fen), 0).label("paid"),
        )
        .outerjoin(DeterminationRow, standing_result(tenant))
        .outerjoin(paid, paid.c.township == township)
        .where(Case.tenant_id == tenant, Case.programme == ground.programme.code, Case.period == ground.period.key)
        .group_by(township)
        .order_by(township)
    )  # fmt: skip
    if due is not None:
        query = query.outerjoin(due, due.c.township == township)
    places = await Places.on(session, who.at.today)
    return [
        TownshipFigures(
            row.township,
            places.named(row.township),
            row.applied,
            row.eligible,
            row.refused,
            row.incomplete,
            row.waiting,
            {name: getattr(row, f"unmet_{name}") for name in criteria},
            {name: getattr(row, f"flag_{name}") for name in flags},
            row.sampled,
            int(row.payable),
            int(row.paid),
        )
        for row in await session.execute(query)
    ]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A case and who holds it: its stage, since when, its deadline, the duties it waits for, whether it rests, and the
    cadre who is linked to its household."""

    case: UUID
    number: str
    division: int
    stage: str
    since: date
    deadline: date | None
    overdue: bool
    duties: frozenset[Duty]
    paused: bool
    cadre: UUID | None


async def waiting(session: AsyncSession, who: Entered, ground: Ground, selection: Selection) -> list[Waiting]:
    """Who holds each selected case today, and what is overdue, by village and household number."""
    held = []
    today = who.at.today
    for found in await look(session, who, ground, selection):
        proceedings = found.rules.proceedings
        deadline = found.deadline
        held.append(
            Waiting(
                found.id,
                found.number,
                found.division,
                proceedings.reached(found.view, today),
                found.view.since,
                deadline,
                deadline is not None and today > deadline,
                proceedings.waits_for(found.view, today),
                found.view.paused,
                found.cadre,
            )
        )
    return held


@dataclass(frozen=True, slots=True)
class TownshipWaiting:
    """How many cases of a township wait, and how many of them are overdue, and rest."""

    code: int
    name: str
    waiting: int
    overdue: int
    paused: int


async def by_township(session: AsyncSession, who: Entered, held: Iterable[Waiting]) -> list[TownshipWaiting]:
    """The cases that wait, counted by township, in one statement."""
    townships: dict[int, list[Waiting]] = {}
    for item in held:
        townships.setdefault(township_of(item.division), []).append(item)
    places = await Places.on(session, who.at.today)
    return [
        TownshipWaiting(
            code, places.named(code), len(own), sum(item.overdue for item in own), sum(item.paused for item in own)
        )
        for code, own in sorted(townships.items())
    ]


@dataclass(frozen=True, slots=True)
class Holder:
    """An officer who holds a case today, in a duty."""

    number: str
    name: str
    duty: Duty


async def holders(session: AsyncSession, who: Entered, held: Sequence[Waiting]) -> list[tuple[Holder, ...]]:
    """The officers who hold each case today, in one statement: they have a duty that it waits for over its village.

    Of a cadre it is the one who is linked to the household. Disabled accounts hold nothing.
    """
    wanted = sorted({duty.value for item in held for duty in item.duties})
    if not wanted:
        return [()] * len(held)
    rows = await session.execute(
        select(Assignment.duty, Assignment.area_lo, Assignment.area_hi, Officer.id, Officer.number, Officer.name)
        .join(Officer, and_(Officer.tenant_id == Assignment.tenant_id, Officer.id == Assignment.officer_id))
        .where(
            Assignment.tenant_id == who.county.id,
            Assignment.duty.in_(wanted),
            holds(Assignment, who.at.today),
            Officer.disabled_at.is_(None),
        )
        .order_by(Officer.number)
    )
    charged: dict[str, list[Any]] = {}
    for row in rows:
        charged.setdefault(row.duty, []).append(row)

    @cache
    def over(village: int, duty: Duty, cadre: UUID | None) -> tuple[Holder, ...]:
        return tuple(
            dict.fromkeys(
                Holder(row.number, row.name, duty)
                for row in charged.get(duty.value, ())
                if row.area_lo <= village <= row.area_hi and (duty is not Duty.LINKED_CADRE or row.id == cadre)
            )
        )

    return [
        tuple(
            holder
            for duty in Duty
            if duty in item.duties
            for holder in over(item.division, duty, item.cadre if duty is Duty.LINKED_CADRE else None)
        )
        for item in held
    ]
