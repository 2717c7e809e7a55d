"""全县按月核定: a month is decided for everybody in sight as a job, part by part, and what each run came to is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import audit, jobs, payments
from bangfu.access import Action, Entered
from bangfu.cases.ground import Ground, ground_of
from bangfu.cases.months import (
    decided,
    held_as,
    keep,
    require_begun,
    require_maker,
    runs_of,
    since_of,
    stage_of,
    to_decide,
)
from bangfu.cases.views import Selection
from bangfu.db import Database, hold, hold_with
from bangfu.errors import Problem
from bangfu.models import Case, MonthRun, new_id
from bangfu.programme import Plugins

KIND = "months"
"""The kind of job that decides a month for everybody in sight."""
PART, BESIDE = 10_000, 3
"""How many cases are decided in one transaction, and how many transactions beside each other."""


async def put(session: AsyncSession, who: Entered, ground: Ground, month: int, reason: str, *, whole: bool) -> UUID:
    """Put the deciding of a month for everybody in sight in the queue. With ``whole`` every month up to it is decided
    again of everybody, whether or not anything is known to have changed.

    Refuses what :func:`require_maker` and :func:`require_begun` refuse.
    """
    require_maker(who, ground)
    require_begun(who, ground, month)
    asked = {
        "programme": ground.programme.code,
        "period": ground.period.key,
        "month": month,
        "reason": reason.strip() or f"{ground.period.year}年{month}月核定",
        "whole": whole,
    }
    return await jobs.ask(session, who, KIND, asked)


async def run(database: Database, who: Entered, ground: Ground, asked: Asked, part: Part) -> Totals:
    """Decide a month for a part of a county, in one transaction; whose person is not in sight is left out."""
    async with database.session(who.scope) as session:
        await hold_with(session, held_as(ground))
        cases = await to_decide(session, who, ground, Selection(after=part.after, upto=part.upto))
        found = await decided(session, who, ground, cases, asked.month, asked.since)
        settled = await keep(session, who, ground, found, asked.why, database)
    return Totals(len(found.decisions), len(found.again), found.unchanged, found.refused, settled)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a job is to do: which month, from which instant on changes count, and why."""

    month: int
    since: datetime | None
    why: str


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a county: after one place in the order of villages and numbers, up to another; None without end."""

    after: tuple[int, str] | None
    upto: tuple[int, str] | None


async def parts_of(session: AsyncSession, who: Entered, ground: Ground) -> list[Part]:
    """A county in parts of ``PART`` cases, in one statement."""
    numbered = (
        select(
            Case.division,
            Case.number,
            func.row_number().over(order_by=(Case.division, Case.number)).label("place"),
        )
        .where(
            Case.tenant_id == who.county.id,
            Case.programme == ground.programme.code,
            Case.period == ground.period.key,
            Case.division.between(*who.scope.bounds),
        )
        .subquery()
    )
    query = select(numbered.c.division, numbered.c.number).where(numbered.c.place % PART == 0)
    rows = await session.execute(query.order_by(numbered.c.place))
    ends: list[tuple[int, str] | None] = [(row.division, row.number) for row in rows]
    return [Part(after, upto) for after, upto in zip([None, *ends], [*ends, None], strict=True)]


async def runs(session: AsyncSession, who: Entered, ground: Ground) -> list[MonthRun]:
    """When months were decided for everybody in areas in sight, the last time first. Refuses ``FORBIDDEN``, and
    ``NOT_MONTHLY`` where nothing is paid by the month."""
    who.require(Action.READ_CASES, ground.programme.code)
    stage_of(ground)
    query = select(MonthRun).where(*runs_of(who, ground))
    return list(await session.scalars(query.order_by(MonthRun.recorded_at.desc(), MonthRun.id.desc())))


def handler(plugins: Plugins) -> jobs.Handler:
    """The job that decides a month for a county, part by part, each in one transaction, and harmless to run again; of
    the years before, it decides again what has changed.

    Parts are decided ``BESIDE`` each other; nobody else decides months of the programme meanwhile.
    """

    async def work_on(work: jobs.Work) -> jobs.Done:
        who, parameters = work.who, work.parameters
        programme, month, why = plugins.programme(parameters["programme"]), parameters["month"], parameters["reason"]
        total = Totals()
        async with work.database.session(who.scope) as alone:
            await hold(alone, f"{programme.code}/months/run")
            ground = await ground_of(alone, who.county.id, programme, parameters["period"])
            require_maker(who, ground)
            for own, upto in await years(alone, who, ground, month):
                since = None if parameters["whole"] else await since_of(alone, who, own)
                asked = Asked(upto, since, why)
                found = await _decide_parts(work, own, asked, await parts_of(alone, who, own), total)
                await note_run(alone, who, own, asked, found)
                total.add(found)
        figures = {
            "decided": total.decided,
            "changed": total.changed,
            "unchanged": total.unchanged,
            "refused": len(total.refused),
            "arrears_fen": total.settled.arrears_fen,
            "recovery_fen": total.settled.recovery_fen,
        }
        shown = sorted(total.refused, key=lambda one: one[0])[: jobs.SHOWN_PROBLEMS]
        return jobs.Done(
            {**figures, "first_refused": [{"person": one, **jobs.told(problem)} for one, problem in shown]}
        )

    return work_on


async def _decide_parts(work: jobs.Work, ground: Ground, asked: Asked, parts: Sequence[Part], before: Totals) -> Totals:
    """Decide the parts of a county for a period, some beside each other; ``before`` is what was looked at already."""
    total, waiting = Totals(), asyncio.Semaphore(BESIDE)

    async def decide_part(part: Part) -> None:
        async with waiting:
            total.add(await run(work.database, work.who, ground, asked, part))
            await work.progress(before.looked_at + total.looked_at, None)

    async with asyncio.TaskGroup() as group:
        for part in parts:
            group.create_task(decide_part(part))
    return total


async def years(session: AsyncSession, who: Entered, ground: Ground, month: int) -> list[tuple[Ground, int]]:
    """The years that deciding a month goes over, each with the month up to which: those before of which runs in sight
    have decided months, up to the last one, and then its own. What becomes known later of a year that is past is
    settled with the months of today."""
    query = (
        select(MonthRun.period, func.max(MonthRun.month))
        .where(
            MonthRun.tenant_id == who.county.id,
            MonthRun.programme == ground.programme.code,
            MonthRun.period < ground.period.key,
        )
        .group_by(MonthRun.period)
        .order_by(MonthRun.period)
    )
    earlier = [
        (await ground_of(session, who.county.id, ground.programme, period), last)
        for period, last in (await session.execute(query)).all()
    ]
    return [*earlier, (ground, month)]


@dataclass(slots=True)
class Totals:
    """How many months were decided, changed an earlier decision and stayed as they were, who could not be decided, and
    what was added and taken back."""

    decided: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: list[tuple[str, Problem]] = field(default_factory=list)
    settled: payments.Settled = field(default_factory=payments.Settled)

    @property
    def looked_at(self) -> int:
        """How many months were looked at."""
        return self.decided + self.unchanged + len(self.refused)

    def add(self, part: Totals) -> None:
        """Count what a part came to."""
        self.decided += part.decided
        self.changed += part.changed
        self.unchanged += part.unchanged
        self.refused += part.refused
        self.settled = payments.Settled(
            self.settled.arrears_fen + part.settled.arrears_fen, self.settled.recovery_fen + part.settled.recovery_fen
        )


async def note_run(session: AsyncSession, who: Entered, ground: Ground, asked: Asked, total: Totals) -> None:
    """Write down that a month has been decided for everybody in sight, and what it came to."""
    figures = {
        "decided": total.decided,
        "changed": total.changed,
        "arrears_fen": total.settled.arrears_fen,
        "recovery_fen": total.settled.recovery_fen,
    }
    session.add(
        MonthRun(
            tenant_id=who.county.id,
            id=new_id(),
            programme=ground.programme.code,
            period=ground.period.key,
            month=asked.month,
            reason=asked.why,
            **figures,
            undecided=sorted({number for number, _ in total.refused}),
            known_at=who.at.now,
            officer_id=who.actor.id,
            ran_on=who.at.today,
            recorded_at=who.at.now,
            areas=who.areas,
        )
    )
    await session.flush()
    place = f"months/{ground.programme.code}/{ground.period.key}/{asked.month}"
    await audit.record(session, who.at.now, who.actor.id, "decide_month", place, figures, asked.why)
