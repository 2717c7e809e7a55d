"""Bases and what is handed out on the command line: what they come to, and the sheet that goes out and comes back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import openpyxl
import pytest

from bangfu.db import Database
from bangfu.models import WALLS
from bangfu.settings import Settings
from bangfu.vault import Vault
from tests.core.conftest import Command
from tests.county import CODE, DIVISIONS, OFFICERS, ONE, V1, roster
from tests.federation import TODAY, Federation


async def kept(home: Path) -> None:
    """A base, and goods that are listed for two households."""
    settings = Settings(home=home)
    database = await Database.open(settings, WALLS)
    try:
        federation = Federation(database, Vault.open(settings))
        await federation.look()
        for kind, data in (("divisions", DIVISIONS), ("officers", OFFICERS), ("households", roster())):
            assert (await federation.bring(kind, data, "R1")).state == "done"
        await federation.begin()
        federation.today = TODAY
        await federation.base(ONE)
        await federation.certify("H1", "H2")
        await federation.list(*await federation.need("goods", "H1", "H2"))
        await federation.supply("goods", "票-1", fen=500_000)
    finally:
        await database.close()


@pytest.fixture(scope="module")
def county(bangfu: Command, home: Path) -> None:
    """An installation with a county of its own."""
    first = ("--officer", "R1", "--officer-name", "管理员", "--demo-day", TODAY.isoformat())
    bangfu("R1", "tenant", "create", CODE, "测试县", *first)
    asyncio.run(kept(home))


@pytest.mark.usefixtures("county")
def test_a_sheet_goes_out_and_comes_back_on_the_command_line(bangfu: Command, tmp_path: Path) -> None:
    found = bangfu("DF", "inspection", "figures").output
    assert "total" in found
    assert "rectification notices 0" in found
    assert "FORBIDDEN" in bangfu("VC1", "inspection", "figures", code=1).stderr
    bangfu("DF", "inspection", "figures", "-p", "disabled_services", code=2)

    file = tmp_path / "签收表.xlsx"
    assert "FORBIDDEN" in bangfu("C1", "handout", "sheet", "goods", file, code=1).stderr
    assert "BAD_VALUE" in bangfu("VC1", "handout", "sheet", "cash", file, code=1).stderr
    assert not file.exists()
    bangfu("VC1", "handout", "sheet", "goods", file, "--area", V1)
    book = openpyxl.load_workbook(file)
    sheet = book.active
    assert sheet is not None
    for row in sheet.iter_rows(min_row=3):
        if str(row[2].value).startswith("H"):
            row[7].value, row[8].value, row[9].value = "户主", "2021-06-20", "票-9"
    book.save(file)
    refused = bangfu("VC1", "handout", "signed", file, code=1)
    assert "NOT_FOUND" in refused.output
    assert (tmp_path / "签收表-问题.xlsx").exists()
    for row in sheet.iter_rows(min_row=3):
        if str(row[2].value).startswith("H"):
            row[9].value = "票-1"
    book.save(file)
    bangfu("VC1", "handout", "signed", file, "--dry-run")
    assert "1,000.00 yuan" not in bangfu("DF", "handout", "figures", "--year", 2021).output
    bangfu("VC1", "handout", "signed", file)
    found = bangfu("DF", "handout", "figures", "--year", 2021).output
    assert "4000.00" in found.replace(",", "")
    assert "1,000.00 yuan" in found
    assert "FORBIDDEN" in bangfu("E1", "handout", "figures", code=1).stderr
