"""A hundred counties and ten programmes in one process: memory, what a request takes beside one county, and schemas.

Every county is one of its own on the embedded server, with divisions, its offices and twenty households, and runs the
programmes of a set: all counties the same ten, or each another set. The same requests (who asks, the first households
with their members, the programmes with their periods) are sent through the whole application, one after the other, each
to the first county and then to the next of all, so that both sides meet the same machine. The programmes are bundled
ones and copies of them under names of their own, each with all its types.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
from benchmarks.building import bring, county_of

from bangfu.access import enter
from bangfu.cases import ground as grounds
from bangfu.cli.demo import county as made_up
from bangfu.db import Database
from bangfu.db.embedded import EmbeddedServer
from bangfu.models import WALLS
from bangfu.programme import Plugins, Programme, installed
from bangfu.settings import Settings
from bangfu.vault import Vault
from bangfu_graphql import schema
from bangfu_graphql.http import Service
from bangfu_graphql.schema import SCHEMAS, SHARED, Schemas, _built
from bangfu_graphql.server import application
from bangfu_graphql.tokens import Issuer, Tokens

COUNTIES, PROGRAMMES, ROUNDS = 100, 10, 4
OFFICER = "X002"
SIZE = made_up.Size(townships=1, villages=1, planned=5, planned_persons=15, exited=15, general=0)
REQUESTS = (
    "{ viewer { number programmes } }",
    "{ households(first: 20) { totalCount nodes { number members { person { name } relation } } } }",
    "{ programmes { code title since periods } }",
)


def megabytes() -> float:
    """The memory of this process."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 2**20


def ten() -> Plugins:
    """An installation of ten programmes."""
    plugins = installed()
    own = list(plugins.programmes.values())
    copies = [
        replace(own[place % len(own)], code=f"{own[place % len(own)].code}_{place}", excludes=(), stacks=())
        for place in range(len(own), PROGRAMMES)
    ]
    return replace(plugins, programmes={one.code: one for one in (*own, *copies)})


def sets(plugins: Plugins) -> Iterator[tuple[Programme, ...]]:
    """Sets of programmes, all different, the largest first."""
    own = list(plugins.programmes.values())
    for size in range(len(own), 0, -1):
        yield from itertools.combinations(own, size)


async def build(database: Database, vault: Vault, count: int) -> list[str]:
    """Counties with their offices and households; their codes."""
    now, codes = datetime.now(UTC), []
    for number in range(count):
        code = str(990_300 + number)
        made = await county_of(database, vault, code, SIZE, now)
        await bring(database, vault, code, "households", made_up.roster_workbook(made, faults=False))
        codes.append(code)
    return codes


async def run_sets(
    database: Database, plugins: Plugins, codes: Sequence[str], chosen: Sequence[Sequence[Programme]]
) -> None:
    """Let each county run the programmes of a set, in turn, and no others."""
    for code, wanted in zip(codes, itertools.cycle(chosen), strict=False):
        who = await enter(database, code, OFFICER)
        async with database.session(who.scope) as session:
            running = await grounds.switched_on(session, who.county.id, who.at.today)
            for programme in plugins.programmes.values():
                if programme in wanted and programme.code not in running:
                    await grounds.switch_on(session, who, programme, who.at.today)
                elif programme not in wanted and programme.code in running:
                    await grounds.switch_off(session, who, programme, who.at.today, "另一组")


class Caller:
    """Who sends requests to the application."""

    def __init__(self, service: Service, issuer: Issuer, schemas: Schemas = SHARED) -> None:
        served = application(replace(service, schemas=schemas))
        self.client = httpx2.AsyncClient(transport=httpx2.ASGITransport(served), base_url="http://bench")
        self.issuer = issuer

    async def ask(self, code: str, document: str) -> float:
        """Send one request; the milliseconds that it took."""
        token = self.issuer.issue(code, OFFICER, datetime.now(UTC), timedelta(hours=1))
        begun = time.perf_counter()
        answer = await self.client.post(
            "/graphql", json={"query": document}, headers={"Authorization": f"Bearer {token}"}
        )
        taken = time.perf_counter() - begun
        if "errors" in answer.json():
            raise RuntimeError(answer.text)
        return 1000 * taken

    async def around(self, codes: Sequence[str], times: int) -> tuple[list[float], list[float]]:
        """Every request to every county in turn, so many times, and each time the same to the first one just before;
        the milliseconds of those and of these."""
        alone, together = [], []
        for _ in range(times):
            for document in REQUESTS:
                for code in codes:
                    alone.append(await self.ask(codes[0], document))
                    together.append(await self.ask(code, document))
        return alone, together


def percentiles(taken: Sequence[float]) -> dict[str, float]:
    ordered = sorted(taken)
    return {"p50 ms": round(statistics.median(ordered), 2), "p95 ms": round(ordered[int(len(ordered) * 0.95)], 2)}


def schemas_alone(plugins: Plugins) -> dict[str, Any]:
    """What making a schema takes, by the number of its programmes."""
    own = list(plugins.programmes.values())
    found: dict[str, Any] = {}
    everything: list[Any] = []
    _built(tuple(own))  # what all schemas share is made once
    for size in (1, 5, 10):
        taken = []
        for wanted in itertools.islice(itertools.combinations(own, size), 10):
            begun = time.perf_counter()
            everything.append(_built(tuple(sorted(wanted, key=lambda one: one.code))))
            taken.append(1000 * (time.perf_counter() - begun))
        found[f"{size} programmes"] = {"build ms (median)": round(statistics.median(taken))}
    return found


async def measure(home: Path, count: int) -> dict[str, Any]:
    """All figures."""
    plugins, issuer = ten(), Issuer.new()
    database = await Database.open(Settings(home=home), WALLS)
    try:
        vault = Vault.open(database.settings)
        codes = await build(database, vault, count)
        service = Service(database, vault, plugins, Tokens(issuer))
        every = tuple(plugins.programmes.values())
        found: dict[str, Any] = {"counties": count, "programmes": len(every), "places for schemas": SCHEMAS}
        found["schema"] = schemas_alone(plugins)
        for name, most, chosen in (
            ("one programme everywhere", SCHEMAS, [every[:1]]),
            ("ten programmes everywhere", SCHEMAS, [every]),
            (f"{count} sets", SCHEMAS, list(itertools.islice(sets(plugins), count))),
            (f"{count} sets, {count // 4} kept", count // 4, list(itertools.islice(sets(plugins), count))),
        ):
            await run_sets(database, plugins, codes, chosen)
            caller = Caller(service, issuer, Schemas(_built, most, schema._forget))
            gc.collect()
            before = megabytes()
            await caller.around(codes, 1)
            alone, together = await caller.around(codes, ROUNDS if len(chosen) <= most else 1)
            gc.collect()
            found[name] = {
                "one county": percentiles(alone),
                "all in turn": percentiles(together),
                "ratio of p50": round(statistics.median(together) / statistics.median(alone), 2),
                "MB more for each set": round((megabytes() - before) / len(chosen), 1),
            }
            await caller.client.aclose()
        found["MB at the end"] = round(megabytes())
        return found
    finally:
        await database.close()


async def main() -> None:
    """Print the figures as JSON."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNTIES
    with tempfile.TemporaryDirectory(prefix="bangfu-bench-", ignore_cleanup_errors=True) as folder:
        try:
            found = await measure(Path(folder), count)
        finally:
            EmbeddedServer.remove(Path(folder))
    json.dump(found, sys.stdout, ensure_ascii=False, indent=1)
    print()


if __name__ == "__main__":
    asyncio.run(main())
