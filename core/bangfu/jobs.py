"""Long work, done in steps that commit one by one, and taken up again where a dead process left it.

A job belongs to the officer who asked for it and runs under that officer's walls. Its handler works in transactions
of its own and reports progress; everything it does must be harmless when done again. A worker holds a job by a lease
that it renews; a lease that ran out is anyone's to take.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import insert, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from bangfu import files
from bangfu.access import Entered
from bangfu.db import Database
from bangfu.errors import Code, Problem, Refused
from bangfu.memory import settled
from bangfu.models import Job, new_id
from bangfu.text import Text
from bangfu.vault import Vault

LEASE = timedelta(minutes=5)
SHOWN_PROBLEMS = 200
log = logging.getLogger(__name__)

Watch: TypeAlias = Callable[[int, int | None], None]
"""Told how far a job has come: done and total."""


@dataclass(frozen=True)
class Work:
    """What a handler is given: where it runs, for whom, with which parameters and file, and how it reports."""

    database: Database
    vault: Vault
    who: Entered
    job: UUID
    parameters: Mapping[str, Any]
    file: files.Content | None
    watch: Watch

    async def progress(self, done: int, total: int | None) -> None:
        """Record how far it has come and renew the lease."""
        self.watch(done, total)
        async with self.database.session(self.who.scope) as session:
            await _set(session, self.who, self.job, done=done, total=total, lease_until=datetime.now(UTC) + LEASE)


@dataclass(frozen=True, slots=True)
class Done:
    """How a job ended: what it has to say, and a file it made."""

    result: Mapping[str, Any]
    file_id: UUID | None = None
    problems: Sequence[Problem] = ()
    """Problems that refused the whole; what they say is kept with the result."""


Handler: TypeAlias = Callable[[Work], Awaitable[Done]]


@dataclass(frozen=True, slots=True)
class Status:
    """A job as it stands."""

    id: UUID
    kind: str
    state: str
    done: int
    total: int | None
    result: Mapping[str, Any]
    result_file_id: UUID | None


async def ask(
    session: AsyncSession, who: Entered, kind: str, parameters: Mapping[str, Any], file_id: UUID | None = None
) -> UUID:
    """Put a job in the queue; it is there once the transaction commits."""
    job = new_id()
    await session.execute(
        insert(Job).values(
            tenant_id=who.county.id,
            id=job,
            kind=kind,
            state="queued",
            parameters=dict(parameters),
            file_id=file_id,
            done=0,
            officer_id=who.actor.id,
            areas=who.areas,
            today=who.at.today,
            created_at=who.at.now,
            attempts=0,
        )
    )
    return job


async def run(
    database: Database,
    vault: Vault,
    who: Entered,
    job: UUID,
    handlers: Mapping[str, Handler],
    watch: Watch = lambda done, total: None,
) -> Status:
    """Run a job of ``who`` to its end, or take up one whose worker died.

    A refusal ends it as ``refused`` with its problems. A bug ends it as ``failed`` and is raised; an interruption puts
    it back in the queue.
    Refuses ``NOT_FOUND`` for a job that is not there, is at its end, or is held by a living worker.
    """
    async with database.session(who.scope) as session:
        row = await _take(session, who, job)
        file = await files.fetch(session, vault, who.county.id, row.file_id) if row.file_id else None
    work = Work(database, vault, who, job, row.parameters, file, watch)
    try:
        with settled():
            done = await handlers[row.kind](work)
    except Refused as refusal:
        done = Done({}, problems=refusal.problems)
    except Exception:
        async with database.session(who.scope) as session:
            await _set(session, who, job, state="failed", finished_at=who.at.now, lease_until=None)
        log.exception("job %s failed", job)
        raise
    except BaseException:
        # Interrupted, not failed: it waits to be taken up, without the lease of a worker that is gone.
        async with database.session(who.scope) as session:
            await _set(session, who, job, state="queued", lease_until=None)
        raise
    result = dict(done.result)
    if done.problems:
        result["problems"] = [told(problem) for problem in done.problems[:SHOWN_PROBLEMS]]
    state = "refused" if done.problems else "done"
    async with database.session(who.scope) as session:
        await _set(
            session,
            who,
            job,
            state=state,
            result=result,
            result_file_id=done.file_id,
            finished_at=who.at.now,
            lease_until=None,
        )
        return await status(session, who, job)


async def status(session: AsyncSession, who: Entered, job: UUID) -> Status:
    """How a job stands; refuses ``NOT_FOUND``."""
    row = await session.scalar(select(Job).where(Job.tenant_id == who.county.id, Job.id == job))
    if row is None:
        raise Code.NOT_FOUND.refuse("job", what=Text("任务", "the job"))
    return Status(row.id, row.kind, row.state, row.done, row.total, row.result or {}, row.result_file_id)


async def overtaken(session: AsyncSession, who: Entered, job: UUID) -> bool:
    """Whether a job that was asked for later (ids sort by time), of the same kind, has been done."""
    later, own = aliased(Job), aliased(Job)
    query = (
        select(later.id)
        .join(own, (own.tenant_id == later.tenant_id) & (own.kind == later.kind) & (own.id < later.id))
        .where(later.tenant_id == who.county.id, own.id == job, later.state == "done")
        .where(later.parameters["dry_run"].as_boolean().is_not(True))
    )
    return await session.scalar(query.limit(1)) is not None


async def unfinished(session: AsyncSession, who: Entered) -> list[UUID]:
    """The actor's jobs that wait for a worker, oldest first: queued, or left by a worker that died."""
    query = select(Job.id).where(Job.tenant_id == who.county.id, Job.officer_id == who.actor.id, _free())
    return list((await session.scalars(query.order_by(Job.created_at))).all())


@dataclass(frozen=True, slots=True)
class Waiting:
    """A job that waits, in whatever county: the county's code, the staff number of who asked for it, its id."""

    tenant: str
    officer: str
    job: UUID


async def waiting(database: Database) -> list[Waiting]:
    """The jobs of all counties that wait for a worker, oldest first: queued, or left by a worker that died."""
    query = text("select tenant, officer, job from jobs_waiting(:at) order by created_at, job")
    async with database.unscoped() as connection:
        rows = await connection.execute(query, {"at": datetime.now(UTC)})
        return [Waiting(*row) for row in rows.all()]


def told(problem: Problem) -> dict[str, Any]:
    """A problem as data, in both languages."""
    return {
        "code": problem.code.name,
        "path": list(problem.path),
        "message": {"zh": problem.message.zh, "en": problem.message.en},
        "remedy": {"zh": problem.remedy.zh, "en": problem.remedy.en},
    }


def _free() -> Any:
    expired = (Job.state == "running") & (Job.lease_until < datetime.now(UTC))
    return or_(Job.state == "queued", expired)


async def _take(session: AsyncSession, who: Entered, job: UUID) -> Job:
    """Hold a job, skipping one that another worker is just taking."""
    held = select(Job.id).where(Job.tenant_id == who.county.id, Job.id == job, Job.officer_id == who.actor.id, _free())
    locked = await session.scalar(held.with_for_update(skip_locked=True))
    if locked is None:
        raise Code.NOT_FOUND.refuse("job", what=Text("待办任务", "a job that waits"))
    await _set(session, who, job, state="running", lease_until=datetime.now(UTC) + LEASE, attempts=Job.attempts + 1)
    return (await session.scalars(select(Job).where(Job.tenant_id == who.county.id, Job.id == job))).one()


async def _set(session: AsyncSession, who: Entered, job: UUID, **values: Any) -> None:
    await session.execute(update(Job).where(Job.tenant_id == who.county.id, Job.id == job).values(**values))
