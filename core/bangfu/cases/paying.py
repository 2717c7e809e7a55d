"""拨付: from cases that passed every gate to a released batch; releasing closes the cases."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import payments
from bangfu.access import Action, Entered
from bangfu.cases.acts import Change, Report, permitted, write
from bangfu.cases.ground import Ground
from bangfu.cases.sampling import in_frames
from bangfu.cases.views import ACCEPTING, PLANNING, Selection, Stated, look
from bangfu.db.bulk import among
from bangfu.errors import Code, Problem, Refused
from bangfu.models import Case, CaseEvent, Household
from bangfu.process import CLOSED, Move, Pay
from bangfu.vault import Vault


async def make_batch(
    session: AsyncSession, who: Entered, vault: Vault, ground: Ground
) -> tuple[payments.Batch, list[tuple[str, Problem]]]:
    """Gather what is due into a batch; see :func:`bangfu.payments.make`."""
    stage = _paying(who, ground)
    return await payments.make(session, who, vault, ground.programme, ground.period.key, stage)


async def check_batch(session: AsyncSession, who: Entered, ground: Ground, id: UUID) -> payments.Batch:
    """Check a batch; see :func:`bangfu.payments.check`. Who had a hand in one of its cases does not check it."""
    stage = _paying(who, ground)
    hands = await had_a_hand(session, who, await payments.cases_of(session, who.county.id, id))
    return await payments.check(session, who, stage, id, hands)


async def cancel_batch(
    session: AsyncSession,
    who: Entered,
    ground: Ground,
    id: UUID,
    reason: str,
) -> payments.Batch:
    """Cancel a batch; see :func:`bangfu.payments.cancel`."""
    return await payments.cancel(session, who, _paying(who, ground), id, reason)


async def release_batch(session: AsyncSession, who: Entered, ground: Ground, id: UUID) -> payments.Batch:
    """Release a batch and close its cases, in one transaction.

    Refuses what :func:`bangfu.payments.release` refuses, and ``CONFLICT`` if a case is not where it should be.
    """
    stage = _paying(who, ground)
    paid = frozenset(await payments.cases_of(session, who.county.id, id))
    samplers = await in_frames(session, who, paid)
    hands = await had_a_hand(session, who, paid)
    batch = await payments.release(session, who, stage, id, samplers, hands)
    rows = await session.execute(
        select(Household.number)
        .join(Case, (Case.tenant_id == Household.tenant_id) & (Case.household_id == Household.id))
        .where(Household.tenant_id == who.county.id, among(Case.id, paid))
    )
    numbers = [row.number for row in rows]
    cases = await look(session, who, ground, Selection(households=numbers, stages=[stage.code]))
    report = Report()
    changes = [Change(case, Move(CLOSED, stage.releaser), {}, {"batch": str(id)}) for case in cases if case.id in paid]
    await write(session, who, "release", changes, Stated(), report)
    if report.refused or len(report.done) != len(paid):
        raise Code.CONFLICT.refuse("batch")
    return batch


def _paying(who: Entered, ground: Ground) -> Pay:
    """The stage of payment, for whom the county's own rules let act there; refuses ``NOT_ALLOWED_HERE``."""
    stage = ground.programme.process.first(Pay)
    if problem := permitted(who, ground, Stated(), stage.code, Action.PAY_CASES):
        raise Refused([problem])
    return stage


async def had_a_hand(session: AsyncSession, who: Entered, cases: Collection[UUID]) -> bool:
    """Whether who acts planned, signed, accepted or checked one of the cases, or typed that in.

    Maker, checker and releaser are three persons of every case, as they are of every batch (000:33-35).
    """
    worked = CaseEvent.act.in_((*PLANNING, ACCEPTING, "check")) | CaseEvent.act.startswith("sign:")
    own = (CaseEvent.officer_id == who.actor.id) | (CaseEvent.recorded_by == who.actor.id)
    query = select(CaseEvent.id).where(CaseEvent.tenant_id == who.county.id, among(CaseEvent.case_id, cases), own)
    return (await session.execute(query.where(worked).limit(1))).first() is not None
