"""拨付: from cases that passed every gate to a released batch; releasing closes the cases."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import payments
from bangfu.access import Entered
from bangfu.cases.acts import Change, Report, write
from bangfu.cases.ground import Ground
from bangfu.cases.sampling import in_frames
from bangfu.cases.views import Selection, Stated, look
from bangfu.db.bulk import among
from bangfu.errors import Code, Problem
from bangfu.models import Case, Household
from bangfu.process import CLOSED, Move, Pay
from bangfu.vault import Vault


async def make_batch(
    session: AsyncSession, who: Entered, vault: Vault, ground: Ground
) -> tuple[payments.Batch, list[tuple[str, Problem]]]:
    """Gather what is due into a batch; see :func:`bangfu.payments.make`."""
    stage = ground.programme.process.first(Pay)
    return await payments.make(session, who, vault, ground.programme, ground.period.key, stage)


async def check_batch(session: AsyncSession, who: Entered, ground: Ground, id: UUID) -> payments.Batch:
    """Check a batch; see :func:`bangfu.payments.check`."""
    return await payments.check(session, who, ground.programme.process.first(Pay), id)


async def cancel_batch(
    session: AsyncSession,
    who: Entered,
    ground: Ground,
    id: UUID,
    reason: str,
) -> payments.Batch:
    """Cancel a batch; see :func:`bangfu.payments.cancel`."""
    return await payments.cancel(session, who, ground.programme.process.first(Pay), id, reason)


async def release_batch(session: AsyncSession, who: Entered, ground: Ground, id: UUID) -> payments.Batch:
    """Release a batch and close its cases, in one transaction.

    Refuses what :func:`bangfu.payments.release` refuses, and ``CONFLICT`` if a case is not where it should be.
    """
    stage = ground.programme.process.first(Pay)
    paid = frozenset(await payments.cases_of(session, who.county.id, id))
    samplers = await in_frames(session, who, paid)
    batch = await payments.release(session, who, stage, id, samplers)
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
