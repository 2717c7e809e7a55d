"""The accounting of a whole county as a job: part by part, each in one transaction, and harmless to run again.

A part that was committed before the process died comes out the same the next time and is left alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import jobs
from bangfu.access import Action, Entered
from bangfu.cases.acts import account_cases
from bangfu.cases.ground import Ground, ground_of
from bangfu.cases.views import Selection, Stated, look
from bangfu.db import Database
from bangfu.models import Case
from bangfu.process import REFUSED
from bangfu.programme import Plugins

KIND = "account"
PART = 2_000


async def ask(
    database: Database,
    who: Entered,
    ground: Ground,
    areas: Sequence[tuple[int, int]] | None = None,
    without: Sequence[str] = (),
) -> UUID:
    """Put an accounting in the queue, in a transaction of its own; see :func:`put`."""
    async with database.session(who.scope) as session:
        return await put(session, who, ground, areas, without)


async def put(
    session: AsyncSession,
    who: Entered,
    ground: Ground,
    areas: Sequence[tuple[int, int]] | None = None,
    without: Sequence[str] = (),
) -> UUID:
    """Put the accounting of everything in sight (or of some areas of it) in the queue, but for some households.

    Refuses ``FORBIDDEN``.
    """
    who.require(Action.WORK_ON_CASES, ground.programme.code, ground.programme.process.accounting().code)
    parameters = {
        "programme": ground.programme.code,
        "period": ground.period.key,
        "areas": [list(area) for area in areas] if areas is not None else None,
        "without": list(without),
    }
    return await jobs.ask(session, who, KIND, parameters)


def handler(plugins: Plugins) -> jobs.Handler:
    """The job that accounts a county; its result counts what was done, unchanged and refused, with the first
    refusals."""

    async def run(work: jobs.Work) -> jobs.Done:
        who, programme = work.who, plugins.programme(work.parameters["programme"])
        stages = (*programme.process.accounts(), REFUSED)
        async with work.database.session(who.scope) as session:
            ground = await ground_of(session, who.county.id, programme, work.parameters["period"])
            at_stage = (Case.programme == programme.code, Case.period == ground.period.key, Case.stage.in_(stages))
            query = select(func.count()).select_from(Case).where(Case.tenant_id == who.county.id, *at_stage)
            total = await session.scalar(query)
        stated_areas = work.parameters["areas"]
        areas = [(lo, hi) for lo, hi in stated_areas] if stated_areas is not None else None
        done, unchanged = 0, 0
        refused: list[dict[str, Any]] = []
        after: tuple[int, str] | None = None
        while True:
            without = work.parameters["without"]
            part = Selection(areas=areas, stages=stages, without=without, after=after, limit=PART)
            async with work.database.session(who.scope) as session:
                views = await look(session, who, ground, part)
                if not views:
                    break
                report = await account_cases(session, who, ground, views, Stated())
            done, unchanged = done + len(report.done), unchanged + len(report.unchanged)
            refused += [{"household": number, **jobs.told(problem)} for number, problem in report.refused]
            after = (views[-1].division, views[-1].number)
            await work.progress(done + unchanged + len(refused), total)
        counts = {"done": done, "unchanged": unchanged, "refused": len(refused)}
        return jobs.Done({**counts, "first_refused": refused[: jobs.SHOWN_PROBLEMS]})

    return run
