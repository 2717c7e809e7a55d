"""Whoever dies in the middle of a payment, nothing is lost and nobody is paid twice.

A child makes, checks and releases a batch of a whole county; the child or the whole database server is killed with
SIGKILL at a random moment of it, and everything that always holds is asked for in SQL. Another child goes on from there
and is killed in its turn; the last one of a round comes to its end, and what was paid is compared with what was worked
out by hand.

``make test`` does so at a small size; ``make test-full`` with 100,000 lines, twenty kills.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from bangfu.db import Database
from bangfu.db.embedded import ADMIN, DATABASE, OWNER, EmbeddedServer
from bangfu.models import WALLS
from bangfu.payments import invariants
from bangfu.settings import Settings
from bangfu.vault import Vault
from tests.conftest import FULL
from tests.scale import PAID, Scaled, award

LINES, KILLS, ROUND = (100_000, 20, 4) if FULL else (300, 2, 1)
"""How much is paid, how often somebody is killed, and how often until it is let come to its end."""
KEPT = "kept"
"""The database as it is before anything is paid."""

CHILD = """
import gc
gc.disable()  # while everything is imported, of which nothing is garbage
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.core.test_faults import opened, paid_out

async def main():
    gc.enable()
    async with opened(Path(sys.argv[1])) as county:
        print("begun", flush=True)
        await paid_out(county)
        print("done", flush=True)

asyncio.run(main())
"""


@asynccontextmanager
async def opened(home: Path) -> AsyncIterator[Scaled]:
    """The county of an installation's folder, whose server is started if it does not run."""
    settings = Settings(home=home)
    database = await Database.open(settings, WALLS)
    try:
        county = Scaled(database, Vault.open(settings))
        if (home / "people").exists():
            await county.look()
            county.code, county.today = "planned_exit", PAID
        yield county
    finally:
        await database.close()


async def paid_out(county: Scaled) -> None:
    """From wherever it was left: the batch is made, checked and released, once."""
    rows = await county.rows(
        "select id, checked_at is not null, released_at is not null from payment_batch where cancelled_at is null"
    )
    if not rows:
        made = (await county.gather()).batch
        assert made is not None
        rows = [(made.id, False, False)]
    ((id_, checked, released),) = rows
    if not checked:
        await county.check(id_)
    if not released:
        await county.release(id_)


async def sound(county: Scaled) -> None:
    """Nothing that always holds is broken, and what there is was made whole or not at all."""
    found = await invariants.examine(county.database, [county.tenant.id], county.plugins.programmes, datetime.now(UTC))
    assert [str(one) for one in found] == []
    batches = await county.rows(
        "select b.count, count(l.id), sum(l.amount_fen), b.total_fen from payment_batch b"
        " left join payment_line l on l.batch_id = b.id group by b.id, b.count, b.total_fen"
    )
    assert [tuple(row) for row in batches] in ([], [(LINES, LINES, TOTAL, TOTAL)])


TOTAL = sum(award(index) for index in range(LINES))


async def admin(server: EmbeddedServer, *statements: str) -> None:
    connection = await asyncpg.connect(**server.connect_arguments(ADMIN, "postgres"))
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def begin_again(home: Path) -> None:
    """The database as it was before anything was paid."""
    server = EmbeddedServer.start(home)
    await admin(
        server,
        f"drop database if exists {DATABASE} with (force)",
        f"create database {DATABASE} template {KEPT} owner {OWNER}",
    )
    server.release()


async def started(home: Path) -> asyncio.subprocess.Process:
    """A child at its work."""
    script = CHILD.format(root=str(Path(__file__).parents[2]))
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        script,
        str(home),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert child.stdout is not None
    assert await child.stdout.readline() == b"begun\n", (await child.communicate())[1].decode()
    return child


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="the server's processes are found in /proc")
async def test_killed_at_random_moments(tmp_path: Path, told: list[str]) -> None:
    home = tmp_path / "county"
    home.mkdir()
    try:
        await ready(home)
        await killed(home, told)
    finally:
        EmbeddedServer.stop_left_behind(home)
        EmbeddedServer.remove(home)
        shutil.rmtree(home, ignore_errors=True)


async def ready(home: Path) -> None:
    """The county up to what is due, and nothing paid; kept as it is then."""
    async with opened(home) as county:
        await county.build()
        await county.ready(LINES)
        await county.fund(1_000_000_000)
        (home / "people").write_text("", encoding="utf-8")
    server = EmbeddedServer.start(home)
    await admin(server, f"alter database {DATABASE} rename to {KEPT}")
    server.release()


async def whole(home: Path) -> None:
    """However it was left, it comes to its end, and everybody was paid once."""
    async with opened(home) as county:
        await paid_out(county)
        await sound(county)
        ((count, total),) = await county.rows("select count(*), sum(amount_fen) from payment_line")
        ((closed,),) = await county.rows("select count(*) from case_file where stage = 'continuing'")
        assert (count, total, closed) == (LINES, TOTAL, LINES)


async def killed(home: Path, told: list[str]) -> None:
    """Round by round, until enough were killed: each time somebody else, at a random moment of what is left to do."""
    await begin_again(home)
    child = await started(home)
    begun = time.monotonic()
    output, errors = await child.communicate()
    assert output == b"done\n", errors.decode()
    takes = time.monotonic() - begun
    async with opened(home) as county:
        await sound(county)

    server = EmbeddedServer.start(home)
    chance, died = random.Random(20211001), {"app": 0, "database": 0, "nobody": 0}
    for number in range(4 * KILLS):
        if died["app"] + died["database"] >= KILLS and died["app"] and died["database"]:
            break
        if number % ROUND == 0:
            await whole(home)
            await begin_again(home)
        child = await started(home)
        await asyncio.sleep(takes * chance.uniform(0.02, 0.6))
        victim = "database" if number % 2 else "app"
        if victim == "app":
            with suppress(ProcessLookupError):
                child.kill()
        else:
            await _kill_server(server)
        output, _ = await child.communicate()
        died["nobody" if output == b"done\n" else victim] += 1
        if victim == "database":
            server.release()
            server = EmbeddedServer.start(home)
        async with opened(home) as county:
            await sound(county)
    await whole(home)
    server.release()
    assert died["app"], "no process was interrupted"
    assert died["database"], "no server was interrupted"
    assert died["app"] + died["database"] >= KILLS, died
    told.append(f"killed in the middle of a batch of {LINES:,}: {died}; nothing lost, nothing paid twice")


async def _kill_server(server: EmbeddedServer) -> None:
    """The whole server, as when the machine loses its power: its parent first, then whatever it left."""
    pid = int((server.data / "postmaster.pid").read_text(encoding="utf-8").split("\n", 1)[0])
    children = [int(task.name) for task in Path("/proc").iterdir() if task.name.isdigit() and _parent(task) == pid]
    for process in (pid, *children):
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            continue
    while any(_alive(process) for process in (pid, *children)):  # noqa: ASYNC110 - nobody tells that it is gone
        await asyncio.sleep(0.05)


def _parent(task: Path) -> int:
    try:
        return int((task / "stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[1])
    except (OSError, IndexError):
        return 0


def _alive(process: int) -> bool:
    """Whether a process is more than an entry that nobody has collected."""
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
