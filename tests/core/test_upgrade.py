"""A database that holds a county already is brought up to date with all that is in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from bangfu.db import Database
from bangfu.db.embedded import ADMIN, EmbeddedServer
from bangfu.models import WALLS
from tests.conftest import connect
from tests.stories import copy_of, drop

EMPTY: dict[str, Any] = {
    "text": "", "bigint": 0, "integer": 0, "boolean": False, "jsonb": "{}", "date": date(2021, 1, 1), "ARRAY": [],
    "timestamp with time zone": datetime(2021, 1, 1, tzinfo=UTC), "uuid": UUID(int=0), "bytea": b"",
}  # fmt: skip
"""What stands in a column of which the test says nothing."""


class Old:
    """A database as an earlier version left it."""

    def __init__(self, database: Database, admin: Any) -> None:
        self.database, self.admin = database, admin

    async def put(self, table: str, **values: Any) -> None:
        """Add a row; what else may not be null is empty."""
        columns = await self.admin.fetch(
            "select column_name, data_type from information_schema.columns where table_name = $1"
            " and is_nullable = 'NO' and column_default is null",
            table,
        )
        row = {column: EMPTY[kind] for column, kind in columns} | values
        places = ", ".join(f"${number + 1}" for number in range(len(row)))
        await self.admin.execute(f"insert into {table} ({', '.join(row)}) values ({places})", *row.values())

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query finds."""
        return [tuple(row) for row in await self.admin.fetch(query)]


@pytest.fixture
async def old(server: EmbeddedServer, tmp_path: Path) -> AsyncIterator[Old]:
    """A database of the version before cases of persons."""
    name = await copy_of(server, "before_persons", "template1")
    database = connect(server, name, tmp_path)
    await database.migrate("0009")
    admin = await asyncpg.connect(**server.connect_arguments(ADMIN, name))
    await admin.execute("set session_replication_role = replica")  # only what the upgrade reads is put in
    yield Old(database, admin)
    await admin.close()
    await database.close()
    await drop(server, name)


def known(day: int) -> datetime:
    """When something was learned."""
    return datetime(2020, 3, day, tzinfo=UTC)


async def test_persons_and_cases_of_before_are_numbered_by_their_households(old: Old) -> None:
    houses = {number: UUID(int=number) for number in (1, 2, 3)}
    for number, own in houses.items():
        await old.put("household", tenant_id=1 if number < 3 else 2, id=own, number=f"H-00{number % 3}")
    people = {name: UUID(int=100 + place) for place, name in enumerate("abcdef")}
    for name, own in people.items():
        await old.put("person", tenant_id=2 if name == "e" else 1, id=own)
    lived = [("a", 1, 2), ("b", 1, 1), ("c", 2, 1), ("a", 2, 9), ("d", 1, 3), ("d", 1, 4), ("e", 3, 1)]
    moved = {0: date(2020, 1, 9), 4: date(2020, 1, 4)}  # the first of two of the same person
    for place, (name, number, day) in enumerate(lived):
        await old.put(
            "membership", tenant_id=2 if name == "e" else 1, id=UUID(int=200 + place), person_id=people[name],
            household_id=houses[number], known_from=known(day), valid_from=date(2020, 1, day),
            valid_to=moved.get(place),
        )  # fmt: skip
    for number in (1, 2, 3):
        for period in ("2021", "2022"):
            await old.put(
                "case_file", tenant_id=1 if number < 3 else 2, id=UUID(int=300 + 10 * number + int(period) % 2020),
                household_id=houses[number], programme="consolidation", period=period,
            )  # fmt: skip

    await old.database.migrate()

    assert await old.rows("select tenant_id, id, number from person order by tenant_id, number") == [
        (1, people["f"], str(people["f"])),  # of no household, ever
        (1, people["b"], "H-001-01"), (1, people["a"], "H-001-02"), (1, people["d"], "H-001-03"),
        (1, people["c"], "H-002-01"),
        (2, people["e"], "H-000-01"),
    ]  # fmt: skip
    assert await old.rows("select tenant_id, period, number, person_id from case_file order by 1, 2, 3") == [
        (1, "2021", "H-001", None), (1, "2021", "H-002", None),
        (1, "2022", "H-001", None), (1, "2022", "H-002", None),
        (2, "2021", "H-000", None), (2, "2022", "H-000", None),
    ]  # fmt: skip
    await old.database.check(WALLS)
    with pytest.raises(asyncpg.UniqueViolationError, match="uq_case_file_tenant_id_programme_period_number"):
        await old.put("case_file", tenant_id=1, number="H-001", programme="consolidation", period="2021")


async def test_an_upgraded_database_is_what_a_new_one_is(old: Old, migrated: str, server: EmbeddedServer) -> None:
    query = (
        "select table_name, column_name, data_type, is_nullable from information_schema.columns"
        " where table_schema = 'public' order by table_name, column_name"
    )
    grants = (
        "select grantee, table_name, privilege_type from information_schema.role_table_grants"
        " where table_schema = 'public' order by 1, 2, 3"
    )
    await old.put("household", tenant_id=1, id=UUID(int=1), number="H-001")
    await old.put("person", tenant_id=1, id=UUID(int=2))
    await old.database.migrate()
    new = await asyncpg.connect(**server.connect_arguments(ADMIN, migrated))
    try:
        for own in (query, grants):
            assert await old.rows(own) == [tuple(row) for row in await new.fetch(own)] != []
    finally:
        await new.close()
