"""Values that are sealed under an old key are sealed anew under the newest 重新加密, while everybody goes on working.

Which columns those are stands in the walls (``Wall.sealed``). The owner does it, who may change these columns and
nothing else, and sees a county at a time like everybody. A few rows a transaction, so it can be stopped anywhere and
run again; a row that somebody else is changing is passed over and looked at again later, and a value is replaced only
while it is the one that was opened.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Table, case, func, null, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bangfu.db import Database, Kind, Scope, bind
from bangfu.errors import Code
from bangfu.models import WALLS, Base, Officer
from bangfu.vault import Vault, VaultError

PART = 200
LARGE_PART = 4
"""Rows of a transaction, where values are numbers and where they are whole files."""
PASSES = 5
PAUSE = 1.0
PATIENCE = 10
UNREADABLE = -1
"""Stands for the version of a value that is none of the vault's."""


@dataclass(frozen=True, slots=True)
class Place:
    """A column that holds sealed values."""

    table: str
    column: str

    def __str__(self) -> str:
        return f"{self.table}.{self.column}"

    @property
    def of(self) -> Table:
        """The table."""
        return Base.metadata.tables[self.table]

    @property
    def part(self) -> int:
        """How many rows go in one transaction."""
        return LARGE_PART if self.table == "file" else PART


def places() -> Iterator[Place]:
    """Every column that holds sealed values; what ends in ``_index`` is a blind index and opens to nothing."""
    for table, wall in WALLS.items():
        yield from (Place(table, column) for column in wall.sealed if not column.endswith("_index"))


def _version(place: Place) -> ColumnElement[int]:
    """The version of the key that a value is sealed with, read from its first three bytes."""
    first = func.substring(place.of.c[place.column], 1, 3)
    stated = func.get_byte(first, 1) * 256 + func.get_byte(first, 2)
    return case((func.octet_length(first) == 3, stated), else_=UNREADABLE)


async def _counties(database: Database) -> list[int]:
    async with database.owner() as connection:
        return list((await connection.scalars(text("select id from tenant order by id"))).all())


@asynccontextmanager
async def _within(database: Database, tenant: int, officer: UUID | None) -> AsyncIterator[AsyncConnection]:
    """A transaction of the owner in one county."""
    async with database.owner() as connection:
        await bind(connection, Scope.whole(tenant, officer))
        yield connection


async def _whose(database: Database, tenant: int, place: Place) -> list[UUID | None]:
    """As whom a county's values of a column are seen: one by one what is an officer's own."""
    if WALLS[place.table].kind is not Kind.OFFICER:
        return [None]
    async with _within(database, tenant, None) as connection:
        query = select(Officer.id).where(Officer.tenant_id == tenant).order_by(Officer.id)
        return list((await connection.scalars(query)).all())


async def status(database: Database) -> dict[Place, dict[int, int]]:
    """How many values of each column are sealed under which version of the key, over all counties."""
    found: dict[Place, dict[int, int]] = {place: {} for place in places()}
    for tenant in await _counties(database):
        for place, counts in found.items():
            version, sealed = _version(place), place.of.c[place.column]
            query = select(version, func.count()).where(place.of.c.tenant_id == tenant, sealed.is_not(null()))
            for officer in await _whose(database, tenant, place):
                async with _within(database, tenant, officer) as connection:
                    for own, count in (await connection.execute(query.group_by(version))).all():
                        counts[own] = counts.get(own, 0) + count
    return found


@dataclass(frozen=True, slots=True)
class Resealed:
    """What sealing anew came to: how many values were, and those that do not open, by column and county."""

    done: int
    unreadable: tuple[str, ...]


async def reseal(database: Database, vault: Vault, watch: Callable[[int], None] = lambda done: None) -> Resealed:
    """Seal every value anew that is not under the ring's newest key. ``watch`` is told how many have been.

    A value that does not open is left as it is and named. Runs as the owner.
    """
    done = 0
    unreadable: list[str] = []
    for turn in range(PASSES):
        if turn:
            await asyncio.sleep(PAUSE)
        unreadable, passed = [], 0
        for tenant in await _counties(database):
            for place in places():
                for officer in await _whose(database, tenant, place):
                    async for sealed, bad in _resealed(database, vault, place, tenant, officer):
                        done += sealed
                        watch(done)
                        unreadable += bad
        for counts in (await status(database)).values():
            passed += sum(count for version, count in counts.items() if version != vault.newest)
        if passed <= len(unreadable):
            break
    return Resealed(done, tuple(unreadable))


async def _resealed(
    database: Database, vault: Vault, place: Place, tenant: int, officer: UUID | None
) -> AsyncIterator[tuple[int, list[str]]]:
    """Seal a county's values of one column anew, a part a transaction: how many, and which do not open."""
    table, column = place.of, place.of.c[place.column]
    keys = list(table.primary_key.columns)
    whose = [table.c.tenant_id == tenant]
    if officer is not None:
        whose.append(table.c.officer_id == officer)
    after: Any = None
    while True:
        query = select(*keys, column).where(*whose, column.is_not(null()), _version(place) != vault.newest)
        if after is not None:
            query = query.where(tuple_(*keys) > tuple_(*after))
        done, unreadable = 0, []
        async with _within(database, tenant, officer) as connection:
            locked = query.order_by(*keys).limit(place.part).with_for_update(skip_locked=True)
            rows = (await connection.execute(locked)).all()
            for *key, old in rows:
                same = [own == value for own, value in zip(keys, key, strict=True)]
                try:
                    new = vault.seal(vault.open_bytes(old, str(place), tenant), str(place), tenant)
                except VaultError:
                    unreadable.append(f"{place} {'/'.join(map(str, key))}")
                    continue
                changed = update(table).where(*same, column == old).values({place.column: new})
                done += (await connection.execute(changed)).rowcount
        if rows:
            after = rows[-1][:-1]
            yield done, unreadable
        if len(rows) < place.part:
            return


# --- the blind index ------------------------------------------------------------------------------------------

INDEXES: dict[Place, tuple[Place, str]] = {
    Place("person", "identity_index"): (Place("person", "identity"), "identity"),
    Place("account", "number_index"): (Place("account", "number"), "account"),
}
"""Every blind index, the sealed value that it is of, and the name that it is made under."""


async def reindex(database: Database, vault: Vault) -> int:
    """Make every blind index anew under the ring's key, in one transaction; how many.

    Nobody else works meanwhile: who looked for somebody with the old key would not find him, and register him twice.
    Runs as the owner. Refuses ``STILL_RUNNING`` where anybody else is connected.
    """
    await database.app.dispose()
    for _ in range(PATIENCE):  # connections that were closed just now take a moment to go
        async with database.owner() as connection:
            others = await _others(connection)
        if not others:
            break
        await asyncio.sleep(PAUSE / PATIENCE)
    counties, done = await _counties(database), 0
    async with database.owner() as connection:
        if others or await _others(connection):
            raise Code.STILL_RUNNING.refuse(count=others)
        for tenant in counties:
            await bind(connection, Scope.whole(tenant))
            for place, (source, made_under) in INDEXES.items():
                done += await _reindexed(connection, vault, tenant, place, source, made_under)
    return done


async def _others(connection: AsyncConnection) -> int:
    """How many others are connected to the database."""
    busy = text(
        "select count(*) from pg_stat_activity"
        " where datname = current_database() and usename is not null and pid <> pg_backend_pid()"
    )
    found: int = (await connection.execute(busy)).scalar_one()
    return found


async def _reindexed(
    connection: AsyncConnection, vault: Vault, tenant: int, place: Place, source: Place, made_under: str
) -> int:
    table, done, after = place.of, 0, UUID(int=0)
    while True:
        query = select(table.c.id, table.c[source.column]).where(
            table.c.tenant_id == tenant, table.c.id > after, table.c[source.column].is_not(null())
        )
        rows = (await connection.execute(query.order_by(table.c.id).limit(PART))).all()
        for id_, sealed in rows:
            index = vault.index(vault.reveal(sealed, str(source), tenant), made_under, tenant)
            own = update(table).where(table.c.tenant_id == tenant, table.c.id == id_)
            await connection.execute(own.values({place.column: index}))
        done += len(rows)
        if len(rows) < PART:
            return done
        after = rows[-1].id
