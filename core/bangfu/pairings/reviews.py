"""The yearly review 年度检查: what became of an agreement in a year, held against its plan; which villages have left
poverty by the register, and which are put forward as typical ones 典型村."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Entered
from bangfu.cases.charges import Acting, need_text, numbers_on
from bangfu.cases.views import Stated
from bangfu.db import hold
from bangfu.errors import Code
from bangfu.models import Delivery, PairingAgreement, PairingReview, PlanLine, new_id
from bangfu.models import Standing as StandingRow
from bangfu.pairings.agreements import agreement_of, note, wrong_state
from bangfu.pairings.figures import Which, delivered, pledged
from bangfu.programme import PairingAct, PairingProgramme
from bangfu.registry.history import holds
from bangfu.text import Text


class Outcome(StrEnum):
    """How the plan of a year was carried out."""

    MET = "met"
    PARTLY = "partly"
    UNMET = "unmet"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return _OUTCOMES[self]


_OUTCOMES = {
    Outcome.MET: Text("已落实", "carried out"),
    Outcome.PARTLY: Text("部分落实", "carried out in part"),
    Outcome.UNMET: Text("未落实", "not carried out"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a review finds of an agreement in a year; ``nominated`` puts its village forward as a typical one."""

    year: int
    outcome: Outcome
    finding: str
    nominated: bool = False


async def review(
    session: AsyncSession, who: Entered, programme: PairingProgramme, id: UUID, found: Finding, stated: Stated
) -> UUID:
    """Write down the review of an agreement for a year that has begun; looked at anew, the last one counts.

    What was pledged and what stands by then is kept with it, and how many households of the village have left poverty
    in the year by the register. Refuses ``FORBIDDEN``, ``PROGRAMME_OFF``, ``NOT_YOUR_DUTY``, what is wrong with the
    day, ``NOT_FOUND``, ``AGREEMENT_STATE`` for one that was never signed, ``BAD_VALUE`` for a year outside of its term,
    ``MISSING_VALUE``, and ``NOMINATIONS_FULL``.
    """
    acting = await Acting.of(session, who, programme, PairingAct.REVIEW)
    agreement = await agreement_of(session, who, programme, id, alone=True)
    columns = acting.by(stated, organization=agreement.organization_id, division=agreement.division)
    if agreement.signed_on is None:
        raise wrong_state(agreement, columns["effective_on"], PairingAct.REVIEW)
    # An agreement has no day of the year that begins as it ends, and none at all where it ends before it begins.
    end = (agreement.ended_on or agreement.valid_to) - timedelta(days=1)
    last = min(columns["effective_on"], end).year
    if end < agreement.valid_from or not agreement.valid_from.year <= found.year <= last:
        expected = Text(f"{agreement.valid_from.year} 至 {last}", f"{agreement.valid_from.year} to {last}")
        raise Code.BAD_VALUE.refuse("year", field=Text("年度", "year"), value=found.year, expected=expected)
    words = need_text(found.finding, "finding", Text("检查情况", "what was found"))
    if found.nominated:
        limit = (await numbers_on(session, acting, stated))[programme.typical_villages].value
        await _require_room(session, who, programme, agreement, found.year, limit)
    mine = (
        PairingReview.tenant_id == who.county.id,
        PairingReview.agreement_id == id,
        PairingReview.year == found.year,
    )
    number = await session.scalar(select(func.count()).where(*mine)) or 0
    made = new_id()
    await session.execute(
        insert(PairingReview).values(
            tenant_id=who.county.id, id=made, agreement_id=id, organization_id=agreement.organization_id,
            division=agreement.division, year=found.year, number=number + 1, outcome=found.outcome.value, finding=words,
            nominated=found.nominated, exited_households=await exited(session, who, agreement.division, found.year),
            figures=await _against_plan(session, who, programme, agreement, found.year), **columns,
        )
    )  # fmt: skip
    data = {"year": found.year, "outcome": found.outcome.value, "nominated": found.nominated}
    await note(session, who, PairingAct.REVIEW, id, programme, stated.reason, **data)
    return made


async def _require_room(
    session: AsyncSession,
    who: Entered,
    programme: PairingProgramme,
    agreement: PairingAgreement,
    year: int,
    limit: int,
) -> None:
    """Refuse ``NOMINATIONS_FULL`` where as many other villages are nominated for the year as may be."""
    await hold(session, f"{programme.code}/nominations/{year}")
    nominated = await nominations(session, who, programme, year)
    if len(nominated - {agreement.division}) >= limit:
        raise Code.NOMINATIONS_FULL.refuse("nominated", year=year, most=limit)


async def nominations(session: AsyncSession, who: Entered, programme: PairingProgramme, year: int) -> set[int]:
    """The villages that the last review of any of their agreements puts forward for a year, in one statement."""
    last = (
        select(PairingReview.division, PairingReview.nominated)
        .join(
            PairingAgreement,
            (PairingAgreement.tenant_id == PairingReview.tenant_id)
            & (PairingAgreement.id == PairingReview.agreement_id),
        )
        .where(
            PairingReview.tenant_id == who.county.id,
            PairingReview.year == year,
            PairingAgreement.programme == programme.code,
        )
        .ext(distinct_on(PairingReview.agreement_id))
        .order_by(PairingReview.agreement_id, PairingReview.number.desc())
        .subquery()
    )
    return set(await session.scalars(select(last.c.division).where(last.c.nominated)))


async def exited(session: AsyncSession, who: Entered, division: int, year: int) -> int:
    """How many households of a village have left poverty in a year, by the register as it stands today."""
    query = select(func.count()).where(
        StandingRow.tenant_id == who.county.id,
        StandingRow.division == division,
        StandingRow.standing == "exited",
        StandingRow.exit_year == year,
        holds(StandingRow, who.at.today),
    )
    return await session.scalar(query) or 0


async def _against_plan(
    session: AsyncSession, who: Entered, programme: PairingProgramme, agreement: PairingAgreement, year: int
) -> dict[str, Any]:
    """What was pledged for a year and what stands of what was delivered, in fen and in numbers."""
    which = Which(year=year)
    plan = select(func.coalesce(func.sum(PlanLine.amount_fen), 0), func.coalesce(func.sum(PlanLine.quantity), 0)).where(
        *pledged(who, programme, which), PlanLine.agreement_id == agreement.id
    )
    ledger = select(
        func.coalesce(func.sum(Delivery.stands_fen), 0), func.coalesce(func.sum(Delivery.stands_quantity), 0)
    ).where(*delivered(who, programme, which), Delivery.agreement_id == agreement.id)
    names = ("pledged_fen", "pledged_quantity", "stands_fen", "stands_quantity")
    values = (*(await session.execute(plan)).one(), *(await session.execute(ledger)).one())
    return {name: int(value or 0) for name, value in zip(names, values, strict=True)}
