"""A county's year where it is heaviest, on the embedded server: the full accounting, and an import of 100,000 rows.

The accounting is the job that a county runs: facts gathered, decided, kept with receipts. The import runs in a
process of its own, so that its largest memory is its own; it validates, compares (the dry run's diff) and applies.
"""

from __future__ import annotations

import asyncio
import io
import json
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from bangfu import jobs
from bangfu.access import Entered, county, create_county, enter
from bangfu.cases import batch
from bangfu.cases.handlers import IMPORTERS
from bangfu.cli.demo import county as made_up
from bangfu.cli.demo.story import Story
from bangfu.db import Database
from bangfu.db.embedded import EmbeddedServer
from bangfu.models import WALLS
from bangfu.programme import installed
from bangfu.registry import importing
from bangfu.settings import Settings
from bangfu.vault import Vault

ROWS = 100_000
HOUSEHOLDS = 28_600
ROUNDS = 3


async def with_database(home: Path, work: Callable[[Database, Vault], Awaitable[Any]]) -> Any:
    """Open the embedded database of a folder, do the work, close it."""
    settings = Settings(home=home, largest_file=64 * 1024 * 1024)
    database = await Database.open(settings, WALLS)
    try:
        return await work(database, Vault.open(settings))
    finally:
        await database.close()


# --- the accounting --------------------------------------------------------------------------------------------


async def accounted(story: Story) -> tuple[float, int]:
    """Tell the story of one award until the ledger is in; then account it: how many seconds, and of how many cases."""
    await story.make_county()
    await story.registers()
    await story.rules()
    await story.left.plan()
    await story.left.in_place()
    await story.left.ledger()
    who = await story.who("X002")
    job = await batch.ask(story.database, who, await story.left.ground(who))
    start = time.perf_counter()
    status = await jobs.run(story.database, story.vault, who, job, story.handlers)
    return time.perf_counter() - start, status.result["done"]


async def accounting(home: Path) -> dict[str, Any]:
    """The county's full accounting, on a fresh county each round."""

    async def work(database: Database, vault: Vault) -> list[tuple[float, int]]:
        found = []
        for _ in range(ROUNDS):
            story = Story(database, vault, installed(), home / "workbooks", Console(file=io.StringIO()))
            found.append(await accounted(story))
        return found

    rounds = await with_database(home, work)
    seconds = statistics.median(seconds for seconds, _ in rounds)
    return {"cases": rounds[-1][1], "seconds": seconds, "cases a second": round(rounds[-1][1] / seconds)}


# --- the import ------------------------------------------------------------------------------------------------


def workbook() -> bytes:
    """A roster of 100,000 persons."""
    size = made_up.Size(townships=40, villages=20, planned=10, planned_persons=30, exited=HOUSEHOLDS, general=0)
    made = made_up.Maker("990101", size).make()
    made.households = made.households[: _households_for(made, ROWS)]
    return made_up.roster_workbook(made, faults=False)


def _households_for(made: made_up.County, rows: int) -> int:
    counted = 0
    for index, household in enumerate(made.households):
        counted += len(household.members)
        if counted >= rows:
            return index + 1
    raise ValueError(f"only {counted} rows")


async def prepare(home: Path) -> None:
    """Everything but the roster, and the roster's file."""
    size = made_up.Size(townships=40, villages=20, planned=10, planned_persons=30, exited=10, general=0)
    made = made_up.Maker("990101", size).make()

    async def work(database: Database, vault: Vault) -> None:

        async with database.owner() as connection:
            now = datetime.now(UTC)
            await create_county(
                connection, "990101", "演示县", now, demo_today=date(2021, 1, 20), officer=("X001", "管理员")
            )
        who = await enter(database, "990101", "X001")
        for kind, data in (
            ("divisions", made_up.divisions_workbook(made)),
            ("officers", made_up.officers_workbook(made)),
        ):
            await bring(database, vault, who, kind, data)

    await with_database(home, work)
    (home / "roster.xlsx").write_bytes(workbook())


async def bring(
    database: Database, vault: Vault, who: Entered, kind: str, data: bytes, **options: Any
) -> tuple[float, jobs.Status]:
    """Import a workbook; the seconds it took."""
    importer = IMPORTERS[kind]
    start = time.perf_counter()
    job = await importing.ask(database, vault, who, importer, f"{kind}.xlsx", data, **options)
    status = await jobs.run(database, vault, who, job, {kind: importing.handler(importer)})
    return time.perf_counter() - start, status


async def import_roster(home: Path) -> dict[str, Any]:
    """The dry run, the import, and the same file again."""
    data = (home / "roster.xlsx").read_bytes()

    async def work(database: Database, vault: Vault) -> dict[str, Any]:
        await county(database, "990101")
        who = await enter(database, "990101", "X001")
        dry, first = await bring(database, vault, who, "households", data, dry_run=True)
        real, status = await bring(database, vault, who, "households", data)
        again, same = await bring(database, vault, who, "households", data)
        tallies = {
            name: s.result["tallies"]["person"] for name, s in (("dry", first), ("real", status), ("again", same))
        }
        return {
            "rows": tallies["real"]["new"],
            "workbook MB": round(len(data) / 1024 / 1024, 1),
            "dry run with diff seconds": dry,
            "import with diff seconds": real,
            "same file again seconds": again,
            "same file again changes": tallies["again"]["new"] + tallies["again"]["changed"],
            "largest memory MB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        }

    result: dict[str, Any] = await with_database(home, work)
    return result


async def main() -> None:
    """Print the figures as JSON; ``import HOME`` is the child that imports."""
    if len(sys.argv) > 2:
        json.dump(await import_roster(Path(sys.argv[2])), sys.stdout)
        return
    with tempfile.TemporaryDirectory(prefix="bangfu-bench-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        counted = await accounting(home / "county")
        (home / "import").mkdir()
        await prepare(home / "import")
        child = await asyncio.create_subprocess_exec(
            sys.executable, __file__, "import", str(home / "import"), stdout=asyncio.subprocess.PIPE
        )
        output, _ = await child.communicate()
        for made in (home / "county", home / "import"):
            EmbeddedServer.remove(made)
        json.dump({"the county's accounting": counted, "the import": json.loads(output)}, sys.stdout, indent=2)
        print()


if __name__ == "__main__":
    asyncio.run(main())
