"""The worker: runs the jobs of all counties, one after the other, each as who asked for it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any

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


async def work_off(database: Database, vault: Vault, plugins: Plugins, stopped: asyncio.Event | None = None) -> int:
    """Run every job that waits now; how many were run to an end.

    A job that fails by a fault is logged and left as failed; one that somebody else took, or whose officer is gone, is
    passed over. When ``stopped`` is set, the job at hand is put back in the queue and nothing more is taken.
    """
    handlers, done = Handlers(plugins), 0
    for waiting in await jobs.waiting(database):
        if stopped is not None and stopped.is_set():
            break
        try:
            who = await enter(database, waiting.tenant, waiting.officer)
            running = asyncio.ensure_future(jobs.run(database, vault, who, waiting.job, handlers))
            await _until(running, stopped)
            done += 1
        except Refused as refusal:
            log.info("job %s is passed over: %s", waiting.job, refusal.problems[0].code.name)
        except asyncio.CancelledError:
            log.info("job %s is put back", waiting.job)
        except Exception:
            log.error("job %s failed", waiting.job)  # noqa: TRY400 - the room of jobs has logged the traceback
    return done


async def _until(running: asyncio.Future[jobs.Status], stopped: asyncio.Event | None) -> None:
    """Wait for a job, or cancel it when the worker is to stop."""
    if stopped is None:
        await running
        return
    stop = asyncio.ensure_future(stopped.wait())
    either: set[asyncio.Future[Any]] = {running, stop}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    if not running.done():
        running.cancel()
    await running


async def work_on(
    database: Database, vault: Vault, plugins: Plugins, stopped: asyncio.Event, ended: Callable[[], bool]
) -> None:
    """Run jobs as they come, until told to stop. A database that does not answer is waited for."""
    while not ended():
        try:
            done = await work_off(database, vault, plugins, stopped)
        except Exception:
            log.exception("the queue cannot be read")
            done = 0
        if not done:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), PAUSE)
