"""Killed at any statement of a county's accounting and run again, it ends in the same state with nothing twice."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import sys
import textwrap
from pathlib import Path
from typing import Any

from bangfu.db.embedded import APP, OWNER, EmbeddedServer
from tests.conftest import FULL, connect
from tests.core.test_statements import MORE, larger
from tests.county import MARCH, SEPTEMBER, World, clean
from tests.stories import copy_of

POINTS = 20 if FULL else 3
PART = 40

CHILD = textwrap.dedent("""
    import gc
    gc.disable()  # nothing of what is imported is garbage, and the rest is soon over
    import asyncio, json, os, signal, sys
    from datetime import date
    from pathlib import Path
    from sqlalchemy import event
    from bangfu.cases import batch
    from bangfu.db import Database
    from bangfu.db.session import engine_for
    from bangfu.settings import Settings
    from bangfu.vault import Vault
    sys.path.insert(0, {root!r})
    from tests.county import World

    told = json.loads(sys.argv[1])
    batch.PART = told["part"]
    url = "postgresql+asyncpg://"
    engines = [engine_for(url, told[role]) for role in ("app", "owner")]
    database = Database(Settings(home=Path(told["home"])), None, *engines)
    seen = 0

    @event.listens_for(database.app.sync_engine, "before_cursor_execute")
    def count(*_):
        global seen
        seen += 1
        if seen == told["kill_at"]:
            os.kill(os.getpid(), signal.SIGKILL)

    async def main():
        world = World(database, Vault.parse(told["vault"]), date.fromisoformat(told["today"]))
        await world.look()
        seen_before = seen
        status = await world.account()
        print(json.dumps([seen_before, seen, status.result["done"], status.result["unchanged"]]))
        await database.close()

    asyncio.run(main())
""")


async def run(server: EmbeddedServer, name: str, world: World, home: Path, kill_at: int = 0) -> tuple[int, Any]:
    """Run the accounting in a process of its own, killed at a statement if asked; its exit code and what it printed."""
    told = {
        "app": server.connect_arguments(APP, name),
        "owner": server.connect_arguments(OWNER, name),
        "home": str(home),
        "vault": world.vault.dump(),
        "today": SEPTEMBER.isoformat(),
        "part": PART,
        "kill_at": kill_at,
    }
    script = CHILD.format(root=str(Path(__file__).parents[2]))
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, json.dumps(told), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await child.communicate()
    return child.returncode or 0, json.loads(output) if output else None


async def state(world: World) -> list[tuple[Any, ...]]:
    """What came of every household, by its number, and how many results and events there are of it."""
    rows = await world.rows(
        """select h.number, c.stage, c.round, c.version, d.outcome, d.payable_fen, d.facts::text, d.step_values::text,
                  (select count(*) from determination x where x.case_id = c.id),
                  (select count(*) from case_event e where e.case_id = c.id)
             from case_file c join household h on h.id = c.household_id
             left join determination d on d.case_id = c.id and d.round = c.round order by h.number"""
    )
    return [tuple(row) for row in rows]


async def test_killed_at_any_statement_and_run_again(server: EmbeddedServer, world: World, tmp_path: Path) -> None:
    await larger(world)
    everyone = [home.number for home in MORE]
    clean(await world.plan("L1", "H1", "H2", "H3", "H4", *everyone))
    world.today = MARCH
    clean(await world.sign("L1", "in_place"))
    world.today = SEPTEMBER
    ((name,),) = await world.rows("select current_database()")
    await world.database.app.dispose()

    undisturbed = await _copy(server, name, "undisturbed", world, tmp_path)
    code, (first, last, done, unchanged) = await run(server, "undisturbed", world, tmp_path)
    assert (code, done, unchanged) == (0, 124, 0)
    expected = await state(undisturbed)
    assert [row[-2:] for row in expected] == [(1, 3)] * 124
    await undisturbed.database.close()

    # Every part takes the same statements: the last one of all is killed at, and points chosen at random before it.
    points = sorted({first + 1, last, *random.Random(7).sample(range(first + 2, last), POINTS - 2)})
    for point in points:
        disturbed = await _copy(server, name, f"killed_{point}", world, tmp_path)
        code, _ = await run(server, f"killed_{point}", world, tmp_path, kill_at=point)
        assert code == -signal.SIGKILL, f"at statement {point} of {last}"
        code, (_, _, done, unchanged) = await run(server, f"killed_{point}", world, tmp_path)
        assert (code, done + unchanged) == (0, 124)
        assert await state(disturbed) == expected, f"killed at statement {point} of {last}"
        await disturbed.database.close()


async def _copy(server: EmbeddedServer, template: str, name: str, world: World, home: Path) -> World:
    await copy_of(server, name, template)
    copied = World(connect(server, name, home), world.vault, SEPTEMBER)
    await copied.look()
    return copied
