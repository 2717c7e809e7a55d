"""Pairings on the command line: what waits, what is said to it, what it comes to, and the papers of a year."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from uuid import UUID

import openpyxl
import pytest
from pypdf import PdfReader

from bangfu.db import Database
from bangfu.models import WALLS
from bangfu.settings import Settings
from bangfu.vault import Vault
from tests.core.conftest import Command
from tests.county import CODE, DIVISIONS, OFFICERS, ONE, OTHER, V1, roster
from tests.pairs import TODAY, Pairs, cash, posts


async def delivered(home: Path) -> list[UUID]:
    """Two enterprises with an agreement each, and what the first has delivered."""
    settings = Settings(home=home)
    database = await Database.open(settings, WALLS)
    try:
        pairs = Pairs(database, Vault.open(settings))
        await pairs.look()
        for kind, data in (("divisions", DIVISIONS), ("officers", OFFICERS), ("households", roster())):
            assert (await pairs.bring(kind, data, "R1")).state == "done"
        await pairs.begin()
        pairs.today = TODAY
        one, _ = await pairs.two()
        return await pairs.log(
            "E1", cash(one, 300, "R-1"), cash(one, 200, "R-2"), cash(one, 40, "R-3"), posts(one, 2, 600, "R-4")
        )
    finally:
        await database.close()


@pytest.fixture(scope="module")
def lines(bangfu: Command, home: Path) -> list[UUID]:
    """The deliveries of an installation with a county of its own."""
    first = ("--officer", "R1", "--officer-name", "管理员", "--demo-day", TODAY.isoformat())
    bangfu("R1", "tenant", "create", CODE, "测试县", *first)
    return asyncio.run(delivered(home))


def test_a_year_of_pairings_on_the_command_line(bangfu: Command, lines: list[UUID], tmp_path: Path) -> None:
    a, b, c, d = lines

    waiting = bangfu("VC1", "pairing", "waiting", "helped").output
    assert all(str(one) in waiting for one in lines)
    assert str(a) not in bangfu("VC3", "pairing", "waiting", "helped").output
    assert "FORBIDDEN" in bangfu("L1", "pairing", "waiting", "helped", code=1).stderr
    listed = bangfu("VC1", "pairing", "deliveries", "--kind", "posts", "--state", "logged").output
    assert str(d) in listed
    assert str(a) not in listed
    assert "600.00" in listed

    bangfu("VC1", "pairing", "confirm", code=2)
    bangfu("VC1", "pairing", "confirm", a, "--area", V1, code=2)
    bangfu("VC1", "pairing", "confirm", a, "--amount", "1.234", code=2)
    bangfu("VC1", "pairing", "deliveries", "--area", "x", code=2)
    assert "FORBIDDEN" in bangfu("E1", "pairing", "confirm", a, code=1).stderr
    assert "NOT_FOUND" in bangfu("VC3", "pairing", "confirm", a, code=1).output
    assert "REASON_NEEDED" in bangfu("VC1", "pairing", "dispute", c, code=1).stderr
    assert "answered 1, refused 0" in bangfu("VC1", "pairing", "dispute", c, "--reason", "没有收到").output
    part = bangfu("VC1", "pairing", "confirm", b, "--amount", "150", "--reason", "只收到一部分").output
    assert "answered 1, refused 0" in part
    assert "answered 2, refused 0" in bangfu("VC1", "pairing", "confirm", "--area", V1).output
    assert str(c) in bangfu("IF", "pairing", "waiting", "county").output

    found = bangfu("C1", "pairing", "figures", "--year", "2021", "--area", V1).output
    assert "enterprises 1, villages 1, agreements 1, persons 0; deliveries 4, of them settled 3" in found
    assert "1140.00" in found
    assert "1050.00" in found
    assert "PROGRAMME_UNKNOWN" in bangfu("C1", "pairing", "figures", "-p", "none", code=1).stderr
    bangfu("C1", "pairing", "figures", "-p", "consolidation", code=2)

    paper = tmp_path / "证书.pdf"
    bangfu("E1", "pairing", "statement", ONE, tmp_path / "情况.pdf", "--year", "2021")
    assert (tmp_path / "情况.pdf").read_bytes().startswith(b"%PDF")
    assert "NOT_FOUND" in bangfu("E1", "pairing", "certificate", OTHER, paper, "--year", "2021", code=1).stderr
    assert "NOTHING_CONFIRMED" in bangfu("E2", "pairing", "certificate", OTHER, paper, "--year", "2021", code=1).stderr
    assert not paper.exists()
    bangfu("E1", "pairing", "certificate", ONE, paper, "--year", "2021")
    said = "".join(PdfReader(io.BytesIO(paper.read_bytes())).pages[0].extract_text().split())
    number = said.split("证书编号Number：")[1][: len("990201-2021-") + 12]
    checked = bangfu("IF", "pairing", "check", number).output
    assert f"{number}: issued on 2021-10-20 to 一号企业 ({ONE}) for 2021, 1050.00 yuan; today 1050.00 yuan" in checked
    assert "everything that it says is still so" in checked
    assert "NOT_FOUND" in bangfu("IF", "pairing", "check", "990201-2021-0", code=1).stderr

    assert "1050.00" in bangfu("C1", "pairing", "honour", "--year", "2021").output
    for name, sheet in (("honour", "光荣榜"), ("summary", "投入明细")):
        file = tmp_path / f"{name}.xlsx"
        assert "FORBIDDEN" in bangfu("E1", "pairing", name, "--year", "2021", "-o", file, code=1).stderr
        assert not file.exists()
        bangfu("K1", "pairing", name, "--year", "2021", "-o", file)
        assert sheet in openpyxl.load_workbook(file).sheetnames
