"""A county to measure in: its divisions and officers by the product's own acts, its rows by statements of its owner."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any

import asyncpg

from bangfu import jobs
from bangfu.access import Entered, create_county, enter
from bangfu.cases.handlers import IMPORTERS
from bangfu.cli.demo import county as made_up
from bangfu.db import Database
from bangfu.db.embedded import OWNER
from bangfu.registry import importing
from bangfu.vault import Vault

REGISTRAR = "X001"
"""Who brings in the divisions and the officers."""


async def county_of(
    database: Database, vault: Vault, code: str, size: made_up.Size, clock: datetime, today: date | None = None
) -> made_up.County:
    """A county with its divisions and officers; what it was made from. It lives on ``today``, if that is stated."""
    made = made_up.Maker(code, size).make()
    async with database.owner() as connection:
        await create_county(connection, code, "演示县", clock, demo_today=today, officer=(REGISTRAR, "管理员"))
    for kind, book in {
        "divisions": made_up.divisions_workbook(made), "officers": made_up.officers_workbook(made)
    }.items():  # fmt: skip
        await bring(database, vault, code, kind, book)
    return made


async def bring(database: Database, vault: Vault, code: str, kind: str, book: bytes) -> None:
    """Import a workbook of a register; fails if a row of it is refused."""
    registrar = await enter(database, code, REGISTRAR)
    job = await importing.ask(database, vault, registrar, IMPORTERS[kind], f"{kind}.xlsx", book)
    done = await jobs.run(database, vault, registrar, job, {kind: importing.handler(IMPORTERS[kind])})
    if done.state != "done":
        raise RuntimeError(done.result)


@asynccontextmanager
async def as_owner(database: Database, who: Entered, tables: str) -> AsyncIterator[Any]:
    """A connection of the owner of the tables, under the walls, in a transaction; after it, the database looks at what
    came into some of them."""
    assert database.server is not None
    connection = await asyncpg.connect(**database.server.connect_arguments(OWNER))
    try:
        async with connection.transaction():
            for name, value in who.scope.settings().items():
                if name.startswith("app."):
                    await connection.execute("select set_config($1, $2, true)", name, value)
            yield connection
        await connection.execute(f"vacuum (analyze) {tables}")
    finally:
        await connection.close()
