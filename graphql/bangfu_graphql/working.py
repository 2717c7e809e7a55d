"""The worker: runs the jobs of all counties, one after the other, each as who asked for it; beside them it seals what
has been put on record."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from datetime import UTC, datetime

from bangfu import jobs
from bangfu.access import enter
from bangfu.audit import chain
from bangfu.cases.handlers import Handlers
from bangfu.db import Database
from bangfu.errors import Refused
from bangfu.handouts import sheets
from bangfu.pairings import exports as papers
from bangfu.programme import Plugins
from bangfu.vault import Vault

log = logging.getLogger("bangfu.worker")
PAUSE = 0.5
"""Seconds between two looks for jobs where none waits."""
SEALING = 10.0
"""Seconds between two looks for entries of the audit record that have no link yet."""


async def work_off(database: Database, vault: Vault, plugins: Plugins) -> int:
    """Run every job that waits now; how many were run to an end.

    A job that fails by a fault is left as failed, and the others go on; one that somebody else took, or whose officer
    is gone, is passed over. Who cancels the worker has the job at hand put back in the queue.
    """
    handlers, done = Handlers(plugins, {**papers.handlers(plugins), **sheets.handlers(plugins)}), 0
    for waiting in await jobs.waiting(database):
        try:
            who = await enter(database, waiting.tenant, waiting.officer)
            await jobs.run(database, vault, who, waiting.job, handlers)
            done += 1
        except Refused as refusal:
            log.info("job %s is passed over: %s", waiting.job, refusal.problems[0].code.name)
        except Exception:
            log.error("job %s failed", waiting.job)  # noqa: TRY400 - the room of jobs has logged the traceback
    return done


async def seal_off(database: Database) -> int:
    """Seal what has been put on record in any county; how many entries. A county that fails leaves the others."""
    sealed = 0
    for tenant in await chain.waiting(database):
        try:
            sealed += await chain.seal(database, tenant, datetime.now(UTC))
        except Exception:
            log.exception("the audit record of county %s is not sealed", tenant)
    return sealed


async def seal_on(database: Database) -> None:
    """Seal the audit record from time to time, until it is cancelled; a long job beside it makes nothing wait."""
    while True:
        try:
            await seal_off(database)
        except Exception:
            log.exception("the audit record is not sealed")
        await asyncio.sleep(SEALING)


async def work_on(database: Database, vault: Vault, plugins: Plugins, ended: Callable[[], bool]) -> None:
    """Run jobs as they come and seal the audit record, until it is ended or cancelled. A database that does not answer
    is waited for."""
    sealing = asyncio.ensure_future(seal_on(database))
    try:
        while not ended():
            try:
                done = await work_off(database, vault, plugins)
            except Exception:
                log.exception("the queue cannot be read")
                done = 0
            if not done:
                await asyncio.sleep(PAUSE)
    finally:
        sealing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sealing
