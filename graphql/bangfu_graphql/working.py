"""The worker: runs the jobs of all counties, one after the other, each as who asked for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from bangfu import jobs
from bangfu.access import enter
from bangfu.cases.handlers import Handlers
from bangfu.db import Database
from bangfu.errors import Refused
from bangfu.programme import Plugins
from bangfu.vault import Vault

log = logging.getLogger("bangfu.worker")
PAUSE = 0.5
"""Seconds between two looks for jobs where none waits."""


async def work_off(database: Database, vault: Vault, plugins: Plugins) -> int:
    """Run every job that waits now; how many were run to an end.

    A job that fails by a fault is left as failed, and the others go on; one that somebody else took, or whose officer
    is gone, is passed over. Who cancels the worker has the job at hand put back in the queue.
    """
    handlers, done = Handlers(plugins), 0
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


async def work_on(database: Database, vault: Vault, plugins: Plugins, ended: Callable[[], bool]) -> None:
    """Run jobs as they come, until it is ended or cancelled. A database that does not answer is waited for."""
    while not ended():
        try:
            done = await work_off(database, vault, plugins)
        except Exception:
            log.exception("the queue cannot be read")
            done = 0
        if not done:
            await asyncio.sleep(PAUSE)
