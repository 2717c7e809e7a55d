"""The awards beside the consolidation on the command line: who takes part, selection, and the ways out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.core.conftest import Command
from tests.core.test_cli import written
from tests.county import CODE, DIVISIONS, OFFICERS
from tests.county import roster as others
from tests.striving import ledger, roster

EXIT = ("-p", "planned_exit", "--period", "2021")
STARS = ("-p", "five_star", "--period", "2021Q1")
LEADING = ("-p", "leading", "--period", "2021")
EXITS = """户编号,计划项目,制定日期,联户干部工号,凭据
P1,小养殖,2021-02-10,L1,表1
P2,小养殖、小种植,2021-02-10,L1,表2
P4,小养殖,2021-02-10,L1,表4
"""
NOMINATED = """户编号,所获星级,制定日期,村两委工号,凭据
P1,洁美星,2021-03-20,VC1,表1
H1,洁美星、孝爱星,2021-03-20,VC1,表2
"""
LED = """户编号,经营主体类型,带动方式,被带动贫困户,制定日期,村两委工号,凭据,逾期原因
G1,普通农户,带动发展种植养殖项目,"P1、P2,{last}",2021-09-20,VC1,表1,{reason}
"""


@pytest.fixture(scope="module")
def county(bangfu: Command, tmp_path_factory: pytest.TempPathFactory) -> Command:
    """The small county with its registers, and the awards open."""
    folder = tmp_path_factory.mktemp("registers")
    first = ("--officer", "R1", "--officer-name", "管理员", "--demo-day", "2021-01-20")
    bangfu("R1", "tenant", "create", CODE, "测试县", *first)
    for kind, text in (("divisions", DIVISIONS), ("officers", OFFICERS)):
        bangfu("R1", "import", kind, written(folder, f"{kind}.csv", text))
    for name, text in (("一.csv", others()), ("二.csv", roster())):
        bangfu("R1", "import", "households", written(folder, name, text))
    for code, period in (("planned_exit", "2021"), ("five_star", "2021Q1"), ("leading", "2021")):
        bangfu("C1", "programme", "on", code)
        bangfu("C1", "programme", "open", code, period)
    return bangfu


def done(count: int) -> str:
    return f"done {count}, unchanged 0, refused 0"


def test_every_way_out_of_the_ordinary_course(county: Command, tmp_path: Path) -> None:
    county("R1", "clock", "set", "2021-02-10")
    county("K1", "import", "plans", written(tmp_path, "计划.csv", EXITS), *EXIT)

    assert "MARKS_NEEDED" in county("L1", "case", "ask-to-correct", "-n", "P1", *EXIT, code=1).output
    county("L1", "case", "ask-to-correct", "-n", "P1", "--mark", "projects", *EXIT, code=2)
    county("L1", "case", "ask-to-correct", "-n", "P1", "--mark", "projects=一", "--mark", "projects=二", *EXIT, code=2)
    strange = ("case", "ask-to-correct", "-n", "P1", "--mark", "standing=不符")
    assert "STATED_NOT_ALLOWED" in county("L1", *strange, *EXIT, code=1).stderr
    marked = ("case", "ask-to-correct", "-n", "P1", "--mark", "projects=应为小种植")
    assert "NOT_YOUR_DUTY" in county("W1", *marked, *EXIT, code=1).output
    assert done(1) in county("L1", *marked, *EXIT).output

    pause = ("case", "pause", "-n", "P2", "--reason", "外出务工")
    assert "NOT_YOUR_DUTY" in county("L1", *pause, *EXIT, code=1).output
    assert done(1) in county("K1", *pause, *EXIT).output
    listed = county("K1", "case", "waiting", "--all", *EXIT).output
    assert re.search(r"东镇\s+3\s+0\s+1\s", listed), listed
    assert re.search(r"P2\s+甲村\s+putting in place \(paused\)\s+2021-02-28\s+经办东 \(K1\), 县办甲 \(C1\)", listed), (
        listed
    )
    assert re.search(r"P4\s+甲村\s+putting in place\s+2021-02-28\s+联户甲 \(L1\)\s", listed), listed
    only = county("K1", "case", "waiting", "--all", "--duty", "township_clerk", *EXIT).output
    assert ("1 households" in only, "P2" in only, "P4" in only) == (True, True, False)
    assert "0 households" in county("K1", "case", "waiting", "--all", "--overdue", *EXIT).output
    assert "CASE_PAUSED" in county("L1", "case", "sign", "in_place", "-n", "P2", *EXIT, code=1).output
    assert "REASON_NEEDED" in county("K1", "case", "resume", "-n", "P2", *EXIT, code=1).output
    assert done(1) in county("K1", "case", "resume", "-n", "P2", "--reason", "返乡", *EXIT).output

    county("R1", "clock", "set", "2021-03-05")
    late = county("K1", "case", "waiting", "--area", "990201101201", "--overdue", *EXIT).output
    assert re.search(r"东镇\s+3\s+3\s+0\s", late), late  # the plan that is to be corrected is late as well
    signed = ("case", "sign", "in_place", "-n", "P2", "--day", "2021-02-26", "--evidence", "签字表")
    assert done(1) in county("L1", *signed, *EXIT).output
    assert "NOT_YOURS_TO_UNDO" in county("K1", "case", "undo", "-n", "P2", "--reason", "误签", *EXIT, code=1).output
    assert done(1) in county("L1", "case", "undo", "-n", "P2", "--reason", "误签", *EXIT).output
    assert done(1) in county("L1", *signed, *EXIT).output
    stop = ("case", "stop", "-n", "P2", "--finding", "项目未实施")
    assert "NOT_YOUR_DUTY" in county("K1", *stop, *EXIT, code=1).output
    assert done(1) in county("W1", *stop, *EXIT).output
    assert "REASON_NEEDED" in county("L1", "case", "withdraw", "-n", "P4", *EXIT, code=1).output
    assert done(1) in county("L1", "case", "withdraw", "-n", "P4", "--reason", "放弃", *EXIT).output
    why = ("policy", "why", "L1", "work_on_cases", *EXIT, "-n", "P4", "--step", "undo")
    assert "✓ Can act at taking back what was done last as cadre linked to the household." in county("C1", *why).output
    assert (
        "MISSING_VALUE" in county("C1", "policy", "why", "L1", "work_on_cases", *EXIT, "--step", "undo", code=1).stderr
    )


def test_a_village_selects_and_its_notice_is_concluded(county: Command, tmp_path: Path) -> None:
    county("R1", "clock", "set", "2021-03-20")
    county("K1", "import", "plans", written(tmp_path, "提名.csv", NOMINATED), *STARS)
    assert done(2) in county("C1", "case", "account", "-n", "P1", "-n", "H1", *STARS).output
    for number in ("VC1", "W1"):
        assert done(2) in county(number, "case", "sign", "assessment", "--all", *STARS).output
    assert "QUOTA_EXCEEDED" in county("VC1", "case", "select", "--all", *STARS, code=1).output
    assert "NOT_YOUR_DUTY" in county("W1", "case", "select", "-n", "P1", *STARS, code=1).output
    assert done(1) in county("VC1", "case", "select", "-n", "P1", *STARS).output
    assert done(1) in county("VC1", "case", "pass-over", "-n", "H1", *STARS).output
    assert done(1) in county("VC1", "case", "post", "-n", "P1", *STARS).output
    assert "NOTICE_OPEN" in county("VC1", "case", "conclude", "-n", "P1", *STARS, code=1).output
    county("R1", "clock", "set", "2021-03-25")
    assert done(1) in county("VC1", "case", "conclude", "-n", "P1", *STARS).output


def test_who_is_led_stands_in_the_sheet_and_answers(county: Command, tmp_path: Path) -> None:
    county("R1", "clock", "set", "2021-09-20")
    wrong = county(
        "K1", "import", "plans", written(tmp_path, "一.csv", LED.format(last="X9", reason="")), *LEADING, code=1
    )
    assert "NOT_FOUND" in wrong.output
    twice = county(
        "K1", "import", "plans", written(tmp_path, "二.csv", LED.format(last="P1", reason="")), *LEADING, code=1
    )
    assert "PARTICIPANTS_NEEDED" in twice.output
    sheet = written(tmp_path, "三.csv", LED.format(last="P3", reason=""))
    assert re.search(r"plan\s+1\s+0\s+0", county("K1", "import", "plans", sheet, *LEADING).output)
    assert re.search(r"plan\s+0\s+0\s+1", county("K1", "import", "plans", sheet, *LEADING).output)
    changed = written(tmp_path, "四.csv", LED.format(last="P6", reason="更正"))
    assert re.search(r"plan\s+0\s+1\s+0", county("K1", "import", "plans", changed, *LEADING).output)

    county("R1", "import", "income", written(tmp_path, "台账.csv", ledger()))
    answer = ("case", "answer", "G1", "P1", "--agreed", "--evidence", "签字表")
    assert "NOT_YOUR_DUTY" in county("L1", *answer, *LEADING, code=1).stderr
    assert (
        "NOT_FOUND"
        in county("VC1", "case", "answer", "G1", "P3", "--agreed", "--evidence", "签字表", *LEADING, code=1).stderr
    )  # it takes part no more
    assert "entered: P1 (in the case of G1)" in county("VC1", *answer, *LEADING).output
    assert "NOT_YOUR_DUTY" in county("VC1", "case", "vouch", "G1", "P1", "--confirmed", *LEADING, code=1).stderr
    for home in ("P1", "P2", "P6"):
        county("VC1", "case", "answer", "G1", home, "--agreed", "--evidence", "签字表", *LEADING)
    for home in ("P1", "P2"):
        county("L1", "case", "vouch", "G1", home, "--confirmed", *LEADING)
    assert "ANSWERS_OPEN" in county("C1", "case", "account", "-n", "G1", *LEADING, code=1).output
    typed = ("case", "vouch", "G1", "P6", "--confirmed", "--for", "L1")
    assert "EVIDENCE_NEEDED" in county("K1", *typed, *LEADING, code=1).stderr
    county("K1", *typed, "--evidence", "核实表", *LEADING)
    assert done(1) in county("C1", "case", "account", "-n", "G1", *LEADING).output
    assert "Eligible; 2,000.00 yuan" in county("VC1", "why", "G1", *LEADING).output
