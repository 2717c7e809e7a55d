"""What is paid every month on the command line: from the first month to the next year."""

from __future__ import annotations

import asyncio
import re
from datetime import date
from pathlib import Path

import pytest

from bangfu.db import Database
from bangfu.models import WALLS
from bangfu.settings import Settings
from bangfu.vault import Vault
from tests.core.conftest import Command
from tests.county import CODE, DIVISIONS, OFFICERS
from tests.subsidies import CARE, Subsidies
from tests.subsidies import OFFICERS as OFFICES

OF = ("-p", CARE, "--period", "2021")
LINE = f"ZX-1-{CARE}"


async def granted(home: Path) -> None:
    """Three persons have passed both reviews of the care subsidy in January, and there is money for it."""
    settings = Settings(home=home)
    database = await Database.open(settings, WALLS)
    try:
        subsidies = Subsidies(database, Vault.open(settings))
        await subsidies.look()
        for kind, data in (("divisions", DIVISIONS), ("officers", OFFICERS), ("officers", OFFICES)):
            assert (await subsidies.bring(kind, data, "R1")).state == "done"
        await subsidies.prepare()
        await subsidies.granted()
        await subsidies.fund()
    finally:
        await database.close()


async def raised(home: Path) -> None:
    """It becomes known on the first of February that D1-02 has been of the first level since January."""
    settings = Settings(home=home)
    database = await Database.open(settings, WALLS)
    try:
        subsidies = Subsidies(database, Vault.open(settings))
        await subsidies.look()
        subsidies.today = date(2021, 2, 1)
        await subsidies.holds("D1-02", "certificate", date(2021, 1, 1), level=1, generation=2)
    finally:
        await database.close()


@pytest.fixture(scope="module")
def county(bangfu: Command, home: Path) -> Command:
    """An installation with the county of the subsidies."""
    first = ("--officer", "R1", "--officer-name", "管理员", "--demo-day", "2021-01-01")
    bangfu("R1", "tenant", "create", CODE, "测试县", *first)
    asyncio.run(granted(home))
    bangfu("R1", "clock", "set", "2021-01-10")
    return bangfu


def squeezed(output: str) -> list[list[str]]:
    """The rows of the tables of an output, cell by cell."""
    rows = [re.split(r"\s{2,}|\s*[│┃|]\s*", line.strip(" │┃|")) for line in output.splitlines()]
    return [row for row in rows if len(row) > 1]


def paid(county: Command, month: int) -> str:
    """Make, check and release a batch of what is due up to a month; what was said of it."""
    made = county("C2", "batch", "make", "--line", LINE, "--month", month, *OF).output
    (batch,) = re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", made)
    county("FM", "batch", "check", batch, *OF)
    return county("FI", "batch", "release", batch, *OF).output


def test_from_the_first_month_to_the_next_year(county: Command, home: Path) -> None:
    # January: previewed, which changes nothing; decided; paid.
    shown = county("K1", "month", "decide", 1, "--preview", *OF).output
    assert ["东镇", "2", "2", "0", "0", "170.00", "0.00", "0.00"] in squeezed(shown)
    assert "D1-01" in shown
    assert "D4-01" not in shown
    assert county("C1", "month", "runs", *OF).output.count("2021-01-10") == 0
    assert "MONTH_NOT_BEGUN" in county("C1", "month", "decide", 2, *OF, code=1).stderr
    assert "NOT_YOUR_DUTY" in county("FM", "month", "decide", 1, *OF, code=1).stderr
    assert "decided 3, 0 of them again; unchanged 0, refused 0" in county("C1", "month", "decide", 1, *OF).output
    assert "MISSING_VALUE" in county("C2", "batch", "make", "--line", LINE, *OF, code=1).stderr
    assert "released, 3 payments, 240.00 yuan" in paid(county, 1)

    # February, in which something of January becomes known.
    asyncio.run(raised(home))
    county("R1", "clock", "set", "2021-02-10")
    some = ("month", "decide", 2, "--person", "D1-02", "--person", "D9-99")
    assert "REASON_NEEDED" in county("C1", *some, *OF, code=1).stderr
    said = county("C1", *some, "--reason", "提级", *OF).output
    assert "decided 2, 1 of them again; unchanged 0, refused 1" in said
    assert "D9-99  NOT_FOUND" in said
    assert "decided 2, 0 of them again" in county("C1", "month", "decide", 2, *OF).output
    assert "300.00 yuan" in paid(county, 2)
    runs = squeezed(county("K1", "month", "runs", *OF).output)
    assert not any("2021-02-10" in row for row in runs)
    runs = squeezed(county("C1", "month", "runs", *OF).output)
    assert [row[:4] for row in runs if "2021" in row[1]] == [
        ["2", "2021-02-10", "2", "0"],
        ["1", "2021-01-10", "3", "0"],
    ]

    # The months of somebody, and what was known of them before.
    told = county("L1", "month", "show", "D1-02", *OF).output
    assert "month 1 of 2021: 100.00 yuan due, 100.00 yuan paid" in told
    assert "level of the disability: 2 → 1" in told
    assert "arrears 30.00 yuan: 30.00 yuan paid on" in told
    then = county("L1", "month", "show", "D1-02", "--known-at", "2021-01-31T12:00", *OF).output
    assert "month 1 of 2021: 70.00 yuan due, 70.00 yuan paid" in then
    assert "month 2" not in then
    again = ("month", "show", "D1-02", "--month", 1, "--known-at", "2021-01-31T12:00", *OF)
    assert "FORBIDDEN" in county("L1", *again, code=1).stderr, "who does not read what offices list asks nothing of it"
    one = county("K1", "month", "show", "D1-02", "--month", 1, "--known-at", "2021-01-31T12:00", *OF).output
    assert "by what was known at 2021-01-31 12:00:59: 70.00 yuan due" in one
    both = county("L1", "month", "show", "D1-02", "--month", 1, *OF).output
    assert both.count("clause by clause:") == 2
    # An instant that is shown is asked as it is shown, and gives what was shown with it.
    for instant, yuan in re.findall(r"known at ([0-9-]{10} [0-9:]{8}): ([0-9.]+) yuan", both):
        asked = instant.replace(" ", "T")
        known = county("K1", "month", "show", "D1-02", "--month", 1, "--known-at", asked, *OF).output
        assert f"{yuan} yuan due" in known.split("eligible")[0].split("known at")[1]
    county("L1", "month", "show", "D1-02", "--month", 13, *OF, code=2)
    assert "month 12 has not been decided" in county("L1", "month", "show", "D1-02", "--month", 12, *OF).output
    nobody = county("C1", "month", "decide", 2, "--person", "D9-99", "--reason", "核对", *OF, code=1)
    assert "NOT_FOUND" in nobody.output
    county("L1", "month", "show", "D1-02", "--known-at", "yesterday", *OF, code=2)
    for stranger in ("L2", "K2"):
        assert "NOT_FOUND" in county(stranger, "month", "show", "D1-02", *OF, code=1).stderr

    # A rest says its cause.
    resting = ("case", "pause", "-n", "D4-01", "--reason", "羁押")
    assert "MISSING_VALUE" in county("K2", *resting, *OF, code=1).stderr
    county("K2", *resting, "--cause", "nothing", *OF, code=2)
    assert "done 1" in county("K2", *resting, "--cause", "custody", *OF).output
    county("K2", "case", "resume", "-n", "D4-01", "--reason", "释放", *OF)

    # Verified again in the second half of the year, and carried into the next.
    county("R1", "clock", "set", "2021-08-10")
    left = county("K1", "month", "unverified", *OF).output
    assert ["东镇", "2"] in squeezed(left)
    assert "done 2" in county("K1", "month", "reverify", "--all", "--finding", "健在", *OF).output
    assert "D1-01" not in county("C1", "month", "unverified", "--on", "2021-12-31", *OF).output
    assert "NOT_FOUND" in county("K2", "month", "reverify", "-n", "D1-01", "--finding", "健在", *OF, code=1).output
    county("R1", "clock", "set", "2021-12-20")
    carry = ("month", "carry", "--all", "--into", "2022", *OF)
    assert "PERIOD_NOT_OPEN" in county("C1", *carry, code=1).stderr
    county("C1", "programme", "open", CARE, "2022")
    assert "done 3, unchanged 0, refused 0" in county("C1", *carry).output
    assert "D1-01" in county("C1", "case", "list", "--all", "-p", CARE, "--period", "2022").output
