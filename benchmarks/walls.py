"""What the walls cost: lists of a county at a million households, behind the walls and without them, in one process.

With the walls, a document is answered as the product answers it: as the app's role under row-level security, every
field held against the asker's permissions. Without them, the same document is answered by the same engine in the same
statements, as a role that no policy holds back, and no permission is looked at. Both give the same answer, which is
compared; they are asked in turn, and the ratio of their medians is what is kept. A second county shares the tables.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import UUID

import api  # type: ignore[import-not-found]
import asyncpg

from bangfu.access import Entered, Pass, enter
from bangfu.db import Database
from bangfu.db.embedded import ADMIN, APP, EmbeddedServer
from bangfu.db.session import engine_for
from bangfu.programme import installed
from bangfu.settings import Settings
from bangfu.vault import Vault
from bangfu_graphql.defences import Permissions
from bangfu_graphql.identifiers import encode_cursor
from bangfu_graphql.requests import Request
from bangfu_graphql.schema import schema_of

COUNTY, OTHER = "990102", "990103"
ROUNDS, LINKED, PAIRED = 25, 20, 5

ROW = "number group head { person { name } } cases { version }"
DOCUMENTS = {
    "the first fifty": f"{{ households(first: 50) {{ nodes {{ {ROW} }} }} }}",
    "fifty of a township": "query($place: DivisionCode!) "
    f"{{ households(first: 50, filter: {{division: $place}}) {{ nodes {{ {ROW} }} }} }}",
    "a page in the middle": "query($cursor: String!) "
    f"{{ households(first: 50, after: $cursor) {{ nodes {{ {ROW} }} }} }}",
    "how many": "{ households { totalCount } }",
}
PAIRINGS = {"the pairings": "{ pairings(first: 50) { totalCount nodes { divisionCode } } }"}


@dataclass(frozen=True)
class Role:
    """Somebody who asks: the duty, the area, and what is his own."""

    duty: str
    area: tuple[int, int]
    linked: int = 0
    paired: int = 0


def roles(villages: list[int]) -> dict[str, Role]:
    """One of each reach."""
    base, village = int(COUNTY) * 1_000_000, villages[len(villages) // 2]
    township = village - village % 1000
    return {
        "county office": Role("county_office", (base, base + 999_999)),
        "township clerk": Role("township_clerk", (township, township + 999)),
        "village committee": Role("village_committee", (village, village)),
        "linked cadre": Role("linked_cadre", (village, village), linked=LINKED),
        "enterprise agent": Role("enterprise_agent", (base, base + 999_999), paired=PAIRED),
    }


async def people(
    connection: asyncpg.Connection[Any], tenant: int, made: Mapping[str, Role], villages: list[int]
) -> None:
    """An account for each, as rows."""
    for place, role in enumerate(made.values()):
        key = UUID(int=place + 1)
        await connection.execute(
            "insert into officer (tenant_id, id, number, name) values ($1, $2, $3, $3)", tenant, key, f"B{place}"
        )
        unit = None
        if role.paired:
            unit = key
            await connection.execute(
                "insert into organization (tenant_id, id, credit_code, name, kind)"
                " values ($1, $2, 'B', 'B', 'enterprise')",
                tenant, key,
            )  # fmt: skip
            await connection.execute(
                "insert into pairing (tenant_id, id, organization_id, division, valid_from, known_from) select $1,"
                " gen_random_uuid(), $2, unnest($3::bigint[]), '2020-01-01', now()",
                tenant, key, villages[: role.paired],
            )  # fmt: skip
        await connection.execute(
            "insert into assignment (tenant_id, id, officer_id, duty, area_lo, area_hi, organization_id, valid_from,"
            " known_from) values ($1, $2, $2, $3, $4, $5, $6, '2020-01-01', now())",
            tenant, key, role.duty, *role.area, unit,
        )  # fmt: skip
        if role.linked:
            await connection.execute(
                "insert into household_cadre"
                " (tenant_id, id, household_id, division, officer_id, valid_from, known_from)"
                " select $1, gen_random_uuid(), id, division, $2, '2020-01-01', now() from household"
                " where tenant_id = $1 and division = $3 order by id limit $4", tenant, key, role.area[0], role.linked,
            )  # fmt: skip


class Side:
    """The product over one engine."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self.database, self.vault, self.plugins = database, vault, installed()
        self.schema = schema_of(self.plugins.programmes.values())

    async def ask(self, who: Entered, document: str, variables: Mapping[str, Any]) -> tuple[float, Any]:
        """The answer to a document, and the milliseconds that it took."""
        start = time.perf_counter()
        shown = Pass(COUNTY, who.actor.number)
        request = Request(shown, who, self.database, self.vault, self.plugins, self.plugins.programmes, "en", "")
        request.schema = self.schema
        result = await self.schema.execute(document, context_value=request, variable_values=dict(variables))
        await request.end(keep=False)
        taken = (time.perf_counter() - start) * 1000
        if getattr(result, "errors", None):
            raise RuntimeError(f"{document}: {result.errors}")
        return taken, result.data


@contextmanager
def without_permissions() -> Iterator[None]:
    """No field is held against what its asker may do."""

    def nothing(self: Permissions) -> Iterator[None]:
        yield

    with patch.object(Permissions, "on_execute", nothing):
        yield


async def timed(walls: Side, none: Side, who: Entered, document: str, variables: Mapping[str, Any], rounds: int) -> Any:
    """The milliseconds of both sides, asked in turn, and their ratio."""
    found: dict[str, list[float]] = {"on": [], "off": []}
    for place in range(rounds + 3):
        answers = {}
        for name in ("on", "off") if place % 2 else ("off", "on"):
            if name == "on":
                taken, answers[name] = await walls.ask(who, document, variables)
            else:
                with without_permissions():
                    taken, answers[name] = await none.ask(who, document, variables)
            if place >= 3:  # the first warm both up
                found[name].append(taken)
        if answers["on"] != answers["off"]:
            raise RuntimeError(f"{who.actor.number}: {document}: the answers differ")
    on, off = (statistics.median(found[name]) for name in ("on", "off"))
    return {"ms with walls": round(on, 2), "ms without": round(off, 2), "ratio": round(on / off, 2)}


async def measure(home: Path, households: int, rounds: int) -> dict[str, Any]:
    """Build both counties, and time every role at every list."""
    built = await api.build(home, households)
    with patch.object(api, "COUNTY", OTHER):
        await api.build(home, max(1000, households // 20))
    server = EmbeddedServer.start(home)
    vault = Vault.open(Settings(home=home))
    arguments = {name: server.connect_arguments(name) for name in (APP, ADMIN)}
    engines = {name: engine_for("postgresql+asyncpg://", own) for name, own in arguments.items()}
    connection = await asyncpg.connect(**arguments[ADMIN])
    try:
        tenant = await connection.fetchval("select id from tenant where code = $1", COUNTY)
        made = roles(built["villages"])
        await people(connection, tenant, made, built["villages"])
        await connection.execute("analyze")
        walls, none = (Side(Database(Settings(home=home), None, engine, None), vault) for engine in engines.values())
        results: dict[str, Any] = {}
        for place, (name, role) in enumerate(made.items()):
            who = await enter(walls.database, COUNTY, f"B{place}")
            low, high = role.area
            middle = await connection.fetchrow(
                "select division, id from household where tenant_id = $1 and division between $2 and $3"
                " order by division, id offset (select count(*) / 2 from household"
                " where tenant_id = $1 and division between $2 and $3) limit 1",
                tenant, low, high,
            )  # fmt: skip
            cursor = encode_cursor("Household.DIVISION", [middle["division"], middle["id"]])
            variables = {"place": str(middle["division"] - middle["division"] % 1000), "cursor": cursor}
            for what, document in (PAIRINGS if role.paired else DOCUMENTS).items():
                wanted = {key: value for key, value in variables.items() if f"${key}" in document}
                results.setdefault(name, {})[what] = await timed(walls, none, who, document, wanted, rounds)
                print(name, what, results[name][what], file=sys.stderr)
        return {"households": households, "rounds": rounds, **results}
    finally:
        await connection.close()
        for engine in engines.values():
            await engine.dispose()
        server.release()


def main() -> None:
    """Print the figures as JSON."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--households", type=int, default=1_000_000)
    asked.add_argument("--rounds", type=int, default=ROUNDS)
    chosen = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="bangfu-bench-", ignore_cleanup_errors=True) as folder:
        home = Path(folder) / "home"
        home.mkdir()
        server = EmbeddedServer.start(home, options=api.BUILDING)
        try:
            result = asyncio.run(measure(home, chosen.households, chosen.rounds))
        finally:
            server.release()
            EmbeddedServer.remove(home)
    json.dump(result, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
