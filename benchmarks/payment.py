"""From what is known of a county to the bank's file, at a thousand, ten thousand and a hundred thousand payments.

Every size is a county of its own on the embedded server, made by ``tests.scale`` and brought on by the acts that
officers use: determined (facts gathered, decided, kept with receipts), noticed (posted, published, concluded), batched
(made under a budget line, checked, released) and exported (the roster as workbook and the bank's text, each read back).
Each size runs in a process of its own, so that its largest memory is its own. What grows is shown as seconds a payment
beside those of the smallest size: 1.0 is linear, less is better.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from sqlalchemy import event

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.scale import Scaled, award  # noqa: E402

from bangfu import jobs, payments  # noqa: E402
from bangfu.cases import exports  # noqa: E402
from bangfu.cases.handlers import Handlers  # noqa: E402
from bangfu.db import Database  # noqa: E402
from bangfu.db.embedded import EmbeddedServer  # noqa: E402
from bangfu.models import WALLS  # noqa: E402
from bangfu.settings import Settings  # noqa: E402
from bangfu.vault import Vault  # noqa: E402

SIZES = (1_000, 10_000, 100_000)


class Measured:
    """The stages of one size: seconds and SQL statements of each."""

    def __init__(self, county: Scaled) -> None:
        self.county = county
        self.figures: dict[str, dict[str, float]] = {}
        self.statements = 0
        event.listen(county.database.app.sync_engine, "before_cursor_execute", self._count)

    def _count(self, *_: Any) -> None:
        self.statements += 1

    async def stage(self, name: str, work: Callable[[], Awaitable[Any]]) -> Any:
        """Do a part and write down what it took."""
        before, begun = self.statements, time.perf_counter()
        found = await work()
        self.figures[name] = {
            "seconds": round(time.perf_counter() - begun, 2),
            "statements": self.statements - before,
        }
        return found


async def export(county: Scaled, kind: exports.Export, batch: Any) -> None:
    """An export as the job that it is."""
    who = county.who("FI")
    async with county.database.session(who.scope) as session:
        job = await exports.put(session, who, county.code, county.period, kind, batch, "报送代发银行")
    done = await jobs.run(county.database, county.vault, who, job, Handlers(county.plugins))
    if done.state != "done":
        raise RuntimeError(done.result)


async def template(county: Scaled) -> None:
    """How the bank wants its text."""
    who = county.who("FM")
    async with county.database.session(who.scope) as session:
        columns = (("position", "序号"), ("holder", "户名"), ("account", "账号"), ("amount", "金额"))
        stated = payments.TemplateStated(channel="yikatong", columns=columns)
        await payments.keep_template(session, who, stated, list(county.plugins.channels))


async def one(size: int, home: Path) -> dict[str, Any]:
    """The figures of one size."""
    settings = Settings(home=home, largest_file=512 * 1024 * 1024)
    database = await Database.open(settings, WALLS)
    try:
        county = Scaled(database, Vault.open(settings))
        await county.build()
        await county.people(size)
        await county.plans(size)
        taken = Measured(county)
        await taken.stage("determined", county.determine)
        await county.verify(size)
        await taken.stage("noticed", county.notice)
        made = (await taken.stage("batched", county.gather)).batch
        await taken.stage("checked", lambda: county.check(made.id))
        await taken.stage("released", lambda: county.release(made.id))
        if (made.count, made.total_fen) != (size, sum(award(index) for index in range(size))):
            raise RuntimeError(f"the batch is {made}")
        await template(county)
        await taken.stage("exported as workbook", lambda: export(county, exports.Export.PAYMENTS, made.id))
        await taken.stage("exported as bank text", lambda: export(county, exports.Export.BANK_TEXT, made.id))
        return {
            "payments": size,
            "stages": taken.figures,
            "seconds": round(sum(figure["seconds"] for figure in taken.figures.values()), 1),
            "statements": sum(int(figure["statements"]) for figure in taken.figures.values()),
            "largest memory MB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        }
    finally:
        await database.close()


async def main() -> None:
    """Print the figures as JSON; ``one SIZE HOME`` is the child that measures a size."""
    if sys.argv[1:2] == ["one"]:
        json.dump(await one(int(sys.argv[2]), Path(sys.argv[3])), sys.stdout)
        return
    sizes = [int(argument) for argument in sys.argv[1:]] or list(SIZES)
    found = []
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="bangfu-bench-", ignore_cleanup_errors=True) as folder:
            child = await asyncio.create_subprocess_exec(
                sys.executable, __file__, "one", str(size), folder, stdout=asyncio.subprocess.PIPE
            )
            output, _ = await child.communicate()
            EmbeddedServer.remove(Path(folder))
            if child.returncode:
                raise SystemExit(child.returncode)
            found.append(json.loads(output))
            print(f"{size:,}: {found[-1]['seconds']} s", file=sys.stderr, flush=True)
    each = [size_["seconds"] / size_["payments"] for size_ in found]
    growth = {f"{size_['payments']:,}": round(own / each[0], 2) for size_, own in zip(found, each, strict=True)}
    json.dump({"sizes": found, "seconds a payment beside the smallest size": growth}, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    asyncio.run(main())
