"""拨付: from cases that passed every gate to a released batch; releasing it lets the cases go on, or closes them."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import payments
from bangfu.access import Action, Entered
from bangfu.cases import carrying, exclusions, months
from bangfu.cases.acts import Change, Report, conclude, permitted, write
from bangfu.cases.ground import Ground
from bangfu.cases.sampling import in_frames
from bangfu.cases.views import ACCEPTING, PLANNING, Selection, Stated, look
from bangfu.db.bulk import among
from bangfu.errors import Code, Refused
from bangfu.memory import settled
from bangfu.models import Case, CaseEvent
from bangfu.process import Monthly, Move, Notice, Pay
from bangfu.text import Text
from bangfu.vault import Vault


async def make_batch(
    session: AsyncSession,
    who: Entered,
    vault: Vault,
    ground: Ground,
    line: UUID | None = None,
    stage: str | None = None,
    month: int | None = None,
) -> payments.Gathered:
    """Gather what is due at a stage, the first one that pays unless stated, from a budget line; where something is paid
    every month, what is due up to a ``month`` that has been decided.

    Cases whose notice has stood its time come to the payment first, where nobody has to accept them. A household that
    another award excludes, or that has nobody at its head any more, is left out and named. Refuses what
    :func:`bangfu.payments.make` refuses, ``NOT_ALLOWED_HERE``, ``STAGE_NOT_OPEN`` before the first day of the stage,
    ``NOT_FOUND`` for a stage that does not pay, ``MISSING_VALUE`` without a month where one is needed, ``BAD_VALUE``
    for one that is none, and ``MONTH_NOT_DECIDED``.
    """
    own = _paying(who, ground, stage)
    if isinstance(own, Monthly):
        await months.require_decided(session, who, ground, month)
    elif month is not None:
        expected = Text("不填(本项目不按月发放)", "nothing: the programme does not pay by the month")
        raise Code.BAD_VALUE.refuse("month", field=Text("月份", "month"), value=month, expected=expected)
    if early := ground.latest.proceedings.not_open(own, who.at.today, "stage"):
        raise Refused([early])
    process = ground.programme.process
    notice = process.before(own.code, Notice)
    if notice is not None and process.after(notice.code) == own.code:
        await conclude(session, who, ground, Selection(stages=[notice.code]))
    with settled():
        unpaid = await payments.to_pay(session, who, ground.programme.code, ground.period.key, own, month)
        in_the_way = await exclusions.in_the_way(session, who, ground, unpaid)
        key = ground.period.key
        return await payments.make(session, who, vault, ground.programme, key, own, line, unpaid, in_the_way, month)


async def check_batch(session: AsyncSession, who: Entered, ground: Ground, id: UUID) -> payments.Batch:
    """Check a batch; see :func:`bangfu.payments.check`. Who had a hand in one of its cases does not check it."""
    stage = _paying(who, ground, await payments.stage_of(session, who, id))
    with settled():
        cases = await payments.cases_of(session, who.county.id, id)
        return await payments.check(session, who, stage, id, cases, await had_a_hand(session, who, cases))


async def cancel_batch(
    session: AsyncSession,
    who: Entered,
    ground: Ground,
    id: UUID,
    reason: str,
) -> payments.Batch:
    """Cancel a batch; see :func:`bangfu.payments.cancel`."""
    stage = _paying(who, ground, await payments.stage_of(session, who, id))
    return await payments.cancel(session, who, stage, id, reason)


async def release_batch(session: AsyncSession, who: Entered, ground: Ground, id: UUID) -> payments.Batch:
    """Release a batch and let its cases go on, in one transaction; the last instalment closes them. What is paid again,
    arrears, and what is paid every month move no case.

    Refuses what :func:`bangfu.payments.release` refuses, and ``CONFLICT`` if a case is not where it should be.
    """
    stage = _paying(who, ground, await payments.stage_of(session, who, id))
    with settled():
        paid = frozenset(await payments.cases_of(session, who.county.id, id))
        samplers = await in_frames(session, who, paid)
        hands = await had_a_hand(session, who, paid)
        batch = await payments.release(session, who, stage, id, paid, samplers, hands)
    if isinstance(stage, Monthly):
        return batch
    moved = frozenset(await payments.cases_of(session, who.county.id, id, awards=True))
    numbers = (
        await session.scalars(select(Case.number).where(Case.tenant_id == who.county.id, among(Case.id, moved)))
    ).all()
    cases = await look(session, who, ground, Selection(numbers=numbers, stages=[stage.code]))
    report = Report()
    changes = [
        Change(case, Move(case.rules.proceedings.after(stage.code), stage.releaser), {}, {"batch": str(id)})
        for case in cases
        if case.id in moved
    ]
    await write(session, who, "release", changes, Stated(), report)
    if report.refused or len(report.done) != len(moved):
        raise Code.CONFLICT.refuse("batch")
    return batch


def _paying(who: Entered, ground: Ground, code: str | None = None) -> Pay:
    """A stage of payment, the first unless stated, for whom the county's own rules let act there; refuses
    ``NOT_FOUND`` and ``NOT_ALLOWED_HERE``."""
    stage = next((own for own in ground.programme.process.kind(Pay) if code in (None, own.code)), None)
    if stage is None:
        raise Code.NOT_FOUND.refuse("stage", what=Text("拨付环节", "a stage that pays"))
    if problem := permitted(who, ground, Stated(), stage.code, Action.PAY_CASES):
        raise Refused([problem])
    return stage


async def had_a_hand(session: AsyncSession, who: Entered, cases: Collection[UUID]) -> bool:
    """Whether who acts planned, signed, accepted or checked one of the cases, or typed that in; of a case that was
    carried into a later year, also the one that it was carried on from.

    Maker, checker and releaser are three persons of every case, as they are of every batch (000:33-35).
    """
    cases = await carrying.with_origins(session, who, cases)
    worked = CaseEvent.act.in_((*PLANNING, ACCEPTING, "check")) | CaseEvent.act.startswith("sign:")
    own = (CaseEvent.officer_id == who.actor.id) | (CaseEvent.recorded_by == who.actor.id)
    query = select(CaseEvent.id).where(CaseEvent.tenant_id == who.county.id, among(CaseEvent.case_id, cases), own)
    return (await session.execute(query.where(worked).limit(1))).first() is not None
