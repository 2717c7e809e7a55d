"""Circumstances of persons on the command line: a list, a whole list, and one person by hand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.core.conftest import Command
from tests.core.test_circumstances import listed
from tests.core.test_cli import uuid_in, written
from tests.county import CODE, DIVISIONS, GUESTS, OFFICERS, ORGANIZATIONS, T2, roster
from tests.schools import NOBODY


@pytest.fixture(scope="module")
def county(bangfu: Command, tmp_path_factory: pytest.TempPathFactory) -> Command:
    """The small county with its bureaux, in October."""
    folder = tmp_path_factory.mktemp("registers")
    first = ("--officer", "R1", "--officer-name", "管理员", "--demo-day", "2021-10-08")
    bangfu("R1", "tenant", "create", CODE, "测试县", *first)
    for kind, text in (
        ("divisions", DIVISIONS), ("organizations", ORGANIZATIONS), ("officers", OFFICERS), ("households", roster()),
    ):  # fmt: skip
        bangfu("R1", "import", kind, written(folder, f"{kind}.csv", text))
    bangfu("R1", "import", "officers", written(folder, "guests.csv", GUESTS))
    made = written(folder, "低保名册.csv", listed("minimum_living"))
    rest = written(folder, "低保名册7月.csv", listed("minimum_living", {"证件号码": NOBODY}))
    assert "FORBIDDEN" in bangfu("DF", "import", "minimum_living", made, code=1).stderr
    assert "minimum_living" in bangfu("CA", "import", "minimum_living", made, "--as-of", "2021-06-30").output
    whole = ("--as-of", "2021-07-31", "--whole", "--dry-run")
    assert "not on the list" in bangfu("CA", "import", "minimum_living", rest, *whole).output
    assert "BAD_VALUE" in bangfu("CA", "import", "minimum_living", rest, "--whole", "--accept-valid", code=1).stderr
    return bangfu


def test_one_person_is_written_down_and_ended(county: Command) -> None:
    told = ("--reason", "家属告知", "--evidence", "证明 1 号")
    custody = ("circumstance", "record", "H1-01", "custody", "--since", "2021-05-04")
    assert "written down" in county("K1", *custody, *told).output
    assert "the register has it already" in county("K1", *custody, *told).output
    assert "NOT_FOUND" in county("K2", *custody, *told, code=1).stderr
    assert "FORBIDDEN" in county("VC1", *custody, *told, code=1).stderr
    assert "EVIDENCE_NEEDED" in county("K1", *custody, "--reason", "家属告知", code=1).stderr
    over = ("circumstance", "end", "H1-01", "custody", "--on", "2021-09-01")
    assert "written down" in county("C1", *over, *told).output
    certificate = ("circumstance", "record", "H1-01", "certificate", "--since", "2020-01-01", "--generation", "2")
    limbs = ("--category", "limbs", "--level")
    assert "written down" in county("DF", *certificate, *limbs, "2", *told).output
    assert "NOT_YOUR_DUTY" in county("CA", *certificate, *limbs, "1", *told, code=1).stderr
    assert "another office says otherwise: discrepancy" in county("K1", *certificate, *limbs, "1", *told).output
    county("K1", *certificate, *limbs, "5", *told, code=2)


def test_what_lists_say_otherwise_is_listed_and_settled(county: Command, tmp_path: Path) -> None:
    assert "FORBIDDEN" in county("E1", "discrepancy", "list", code=1).stderr
    other = written(tmp_path, "低保名册.csv", listed("minimum_living", 低保类别="C类"))
    assert "discrepancy" in county("K1", "import", "minimum_living", other, "--as-of", "2021-09-01").output
    of = ("discrepancy", "list", "--kind", "minimum_living")
    shown = county("K1", *of).output
    assert re.search(r"H1-01 .* 甲村  minimum living guarantee \(list of 1 September 2021\)", shown), shown
    assert "the class of the minimum living guarantee: A类 → C类" in shown
    assert "1 open in all" in shown
    assert "0 open in all" in county("K2", *of).output
    assert "H1-01" not in county("C1", *of, "--area", T2).output
    task = uuid_in(shown)
    told = ("--accept", "--reason", "与民政核实")
    assert "NOT_YOUR_DUTY" in county("DF", "discrepancy", "settle", task, *told, code=1).stderr
    assert "SAME_PERSON" in county("K1", "discrepancy", "settle", task, *told, code=1).stderr
    assert "accepted" in county("CA", "discrepancy", "settle", task, *told).output
    assert (
        "CONFLICT" in county("CA", "discrepancy", "settle", task, "--reject", "--reason", "与民政核实", code=1).stderr
    )
    assert "0 open in all" in county("K1", *of).output
