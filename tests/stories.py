"""Stories that are told once: what came of one on an untouched county is kept, and given to whoever tells it next.

Hundreds of tests begin where a county has come to through the same acts. The acts are carried out once, by the real
code; the database is kept as a template, and the next test gets a copy of it.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import wraps
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import Engine, event, text

from bangfu.db import Database
from bangfu.db.embedded import ADMIN, OWNER, EmbeddedServer

_numbers = itertools.count(1)
_CHANGES = ("insert", "update", "delete", "with")
_STATE = ("today", "code", "period", "tenant", "officers")


_SPARE: defaultdict[tuple[Path, str], list[str]] = defaultdict(list)
"""Copies that nobody has changed anything in, by their server and their template."""


async def copy_of(server: EmbeddedServer, name: str, template: str) -> str:
    """A new database that is a copy of another."""
    if spare := _SPARE[server.data, template]:
        await _administer(server, f"alter database {spare.pop()} rename to {name}")
    else:
        await _administer(server, f"create database {name} template {template} owner {OWNER} strategy file_copy")
    return name


async def drop(server: EmbeddedServer, name: str) -> None:
    """Remove a copy: thousands of tests would fill a disk."""
    await _administer(server, f"drop database {name} with (force)")


def digests(tables: Iterable[str]) -> str:
    """The statement by which each of some tables is told with the number of its rows and a digest of all of them."""
    return " union all ".join(
        f"select '{table}', count(*), md5(string_agg(t::text, '|' order by t::text)) from {table} t" for table in tables
    )


_ADMINS: dict[Path, asyncpg.Connection] = {}
"""Of every server, the connection by which databases are made and removed: four times a test."""


async def _administer(server: EmbeddedServer, statement: str) -> None:
    admin = _ADMINS.get(server.data)
    if admin is None:
        admin = _ADMINS[server.data] = await asyncpg.connect(**server.connect_arguments(ADMIN, "postgres"))
    for left in reversed(range(100)):
        try:
            await admin.execute(statement)
            break
        except asyncpg.ObjectInUseError:  # a connection that was closed takes its time to end
            if not left:
                raise
            await asyncio.sleep(0.02)


async def leave(server: EmbeddedServer) -> None:
    """Close the connection by which databases were made and removed."""
    if (admin := _ADMINS.pop(server.data, None)) is not None:
        await admin.close()


async def set_clock(database: Database, day: date) -> None:
    """Move the clock of every county of a database to a day: they are demo counties for the time of the test."""
    async with database.owner() as connection:
        await connection.execute(
            text("update tenant set demo_today = :day, demo_set_at = :now"), {"day": day, "now": datetime.now(UTC)}
        )


@dataclass(repr=False)
class Kept:
    """The database of one county, as it can be kept and given back: whether anything was changed in it since it was
    copied from its template, and the day that its clock was set to."""

    server: EmbeddedServer
    database: Database
    name: str
    template: str
    touched: bool = False
    clock: date | None = None

    def __enter__(self) -> Kept:
        for engine in self._engines():
            event.listen(engine, "before_cursor_execute", self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for engine in self._engines():
            event.remove(engine, "before_cursor_execute", self._note)

    def _engines(self) -> Iterator[Engine]:
        for engine in (self.database.app, self.database._owner):
            assert engine is not None
            yield engine.sync_engine

    def _note(self, connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        self.touched |= statement.lstrip().lower().startswith(_CHANGES)

    async def keep(self, name: str) -> None:
        """Keep the database under a name."""
        await self.database.app.dispose()
        await copy_of(self.server, name, self.name)

    async def give(self, name: str) -> None:
        """Replace the database by one that was kept; a county that was just copied will do for another test."""
        await self.database.app.dispose()
        if self.clock is None:
            spare = f"spare_{next(_numbers)}"
            await _administer(self.server, f"alter database {self.name} rename to {spare}")
            _SPARE[self.server.data, self.template].append(spare)
        else:
            await drop(self.server, self.name)
        await copy_of(self.server, self.name, name)
        if self.clock is not None:
            await self.set_clock(self.clock)

    async def set_clock(self, day: date) -> None:
        """Move the county's clock to a day; that alone is no story."""
        touched, self.clock = self.touched, day
        await set_clock(self.database, day)
        self.touched = touched


_TOLD: dict[tuple[Any, ...], tuple[str, dict[str, Any]]] = {}


def remembered(tell: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """A story about a county: the first argument, which nothing else has happened to if it is to be remembered."""

    @wraps(tell)
    async def telling(world: Any, *arguments: Any) -> None:
        kept: Kept | None = world.kept
        if kept is None or kept.touched:
            await tell(world, *arguments)
            return
        key = (
            str(kept.server.data), kept.template, type(world), tell.__module__, tell.__qualname__, arguments, world.today,
            world.code, world.period,
        )  # fmt: skip
        if key not in _TOLD:
            await tell(world, *arguments)
            name = f"story_{len(_TOLD)}"
            await kept.keep(name)
            _TOLD[key] = name, {own: getattr(world, own) for own in _STATE}
            return
        name, state = _TOLD[key]
        await kept.give(name)
        for own, value in state.items():
            setattr(world, own, value)
        kept.touched = True

    return telling
