"""The whole year on the command line, as an officer would type it; and what a refusal looks like there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner
from pypdf import PdfReader

from bangfu.cli import main
from tests.core.conftest import Command
from tests.county import CODE, DIVISIONS, OFFICERS, T1, V1, V3, ledger, roster

P = ("--period", "2021")


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def uuid_in(output: str) -> str:
    found = re.search(r"[0-9a-f]{8}-[0-9a-f-]{27}", output)
    assert found, output
    return found[0]


PLANS = """户编号,计划项目,制定日期,联户干部工号,凭据,逾期原因
H1,小养殖,2021-02-10,L1,表1,
H2,小养殖、小种植,2021-02-10,L1,表2,
H3,小养殖,2021-02-10,L1,表3,
H4,小养殖,2021-02-10,L1,表4,
H5,小买卖,2021-02-10,L2,表5,
H6,小务工,2021-02-20,L2,表6,外出返乡
"""
PLANS_WEST = """户编号,计划项目,制定日期,联户干部工号,凭据
H7,小种植,2021-02-10,L3,表7
H8,小养殖,2021-02-10,L3,表8
"""
PROVISION = """programme = "consolidation"
title = "测试县2021年实施方案"
number = "测政办〔2021〕1号"
issued = 2021-01-10
[[parameters.cohort_exit_years]]
since = 2020-10-01
value = { from = 2016, to = 2019 }
clause = "二(二)1"
"""


def test_a_year_from_the_workbooks_to_the_payment_list(bangfu: Command, home: Path, tmp_path: Path) -> None:
    """One test, because it is one story: every step stands on the one before."""

    def day(value: str) -> None:
        bangfu("R1", "clock", "set", value)

    # The registers.
    bangfu(
        "R1",
        "tenant",
        "create",
        CODE,
        "测试县",
        "--officer",
        "R1",
        "--officer-name",
        "管理员",
        "--demo-day",
        "2021-01-20",
    )
    assert (
        "TENANT_EXISTS"
        in bangfu(
            "R1", "tenant", "create", CODE, "测试县", "--officer", "R1", "--officer-name", "管理员", code=1
        ).stderr
    )
    bangfu("R1", "import", "divisions", written(tmp_path, "区划.csv", DIVISIONS))
    bangfu("R1", "import", "officers", written(tmp_path, "人员.csv", OFFICERS))
    people = written(tmp_path, "花名册.csv", roster())
    assert "dry run, nothing changed" in bangfu("R1", "import", "households", people, "--dry-run").output
    assert re.search(r"household\s+8\s+0\s+0", bangfu("R1", "import", "households", people).output)
    assert re.search(r"person\s+0\s+0\s+16", bangfu("R1", "import", "households", people).output)
    assert "FORBIDDEN" in bangfu("K1", "import", "households", people, code=1).stderr

    # Who is charged with what.
    made = uuid_in(
        bangfu(
            "R1", "officer", "assign", "K2", "township_clerk", T1, "--until", "2021-02-01", "--stands-in-for", "K1",
            "--reason", "休假",
        ).output
    )  # fmt: skip
    shown = bangfu("C1", "officer", "show", "K2").output
    assert re.search(rf"{made}\s.*township clerk\s.*{T1}\s.*2021-01-20\s.*2021-02-01\s.*✓", shown)
    pays = ("officer", "assign", "FI", "registrar", "990201", "--reason", "兼任")
    assert "INCOMPATIBLE_DUTIES" in bangfu("R1", *pays, code=1).stderr
    bangfu("R1", "officer", "assign", "FI", "registrar", "东镇", "--reason", "兼任", code=2)
    assert "FORBIDDEN" in bangfu("C1", "officer", "end", made, "--day", "2021-01-25", "--reason", "返岗", code=1).stderr
    bangfu("R1", "officer", "end", made, "--day", "2021-01-25", "--reason", "返岗")
    assert re.search(r"2021-01-20\s.*2021-01-25\s", bangfu("C1", "officer", "show", "K2").output)
    assert "OFFICER_UNKNOWN" in bangfu("C1", "officer", "show", "X9", code=1).stderr
    assert "SAME_PERSON" in bangfu("R1", "officer", "disable", "R1", "--reason", "试", code=1).stderr
    bangfu("R1", "officer", "disable", "K2", "--reason", "停职")
    assert "PASS_ENDED" in bangfu("K2", "officer", "show", "K2", code=1).stderr
    assert "(disabled)" in bangfu("C1", "officer", "show", "K2").output
    bangfu("R1", "officer", "enable", "K2", "--reason", "复职")
    assert "(disabled)" not in bangfu("K2", "officer", "show", "K2").output

    # A workbook with a problem comes back with it, and nothing of it was imported.
    bad = written(tmp_path, "坏.csv", roster().replace("甲村", "无此村"))
    refused = bangfu("R1", "import", "households", bad, code=1)
    assert "DIVISION_UNKNOWN" in refused.output
    assert "没有行政区划“无此村”" in (tmp_path / "坏-问题.csv").read_text(encoding="utf-8-sig")

    # The programme and its numbers.
    bangfu("C1", "programme", "on", "consolidation")
    assert (
        "PARAMETER_UNSET (parameters.cohort_exit_years)"
        in bangfu("C1", "programme", "open", "consolidation", "2021", code=1).stderr
    )
    draft = uuid_in(bangfu("C1", "provision", "draft", written(tmp_path, "规定.toml", PROVISION)).output)
    assert "SAME_PERSON" in bangfu("C1", "provision", "release", draft, code=1).stderr
    assert "PROVISION_NOT_PREVIEWED" in bangfu("C2", "provision", "release", draft, code=1).stderr
    assert "no open period has to be previewed" in bangfu("C1", "provision", "preview", draft, "--keep").output
    bangfu("C1", "provision", "preview", draft, "--keep", *P)
    bangfu("C2", "provision", "release", draft)
    opened = bangfu("C1", "programme", "open", "consolidation", "2021").output
    assert "2016–2019" in opened
    assert (
        opened.split("\n", 1)[1] == bangfu("A1", "programme", "show", "consolidation", "2021").output.split("\n", 1)[1]
    )
    assert "released" in bangfu("C1", "provision", "list").output
    differs = bangfu("A1", "programme", "show", "consolidation", "2021", "--own").output
    assert re.search(r"2016–2019\s+not said\s+2020-10-01\s+测试县2021年实施方案", differs)
    assert "3,000.00" not in differs
    previewed = bangfu("C1", "provision", "preview", draft, *P).output
    assert re.search(r"years of leaving poverty that are covered\s+not set\s+2016–2019", previewed)
    assert re.search(r"together\s+0\s+0\s+0\s+0\.00 yuan\s+0\.00 yuan\s+0\s+0\s+0", previewed)

    _sets_itself_up(bangfu, tmp_path)

    # Plans, in place, income, accounting, signatures.
    day("2021-02-20")
    bangfu("K1", "import", "plans", written(tmp_path, "计划东.csv", PLANS), *P)
    bangfu("K2", "import", "plans", written(tmp_path, "计划西.csv", PLANS_WEST), *P)
    day("2021-03-20")
    for cadre, homes in (("L1", 4), ("L2", 2), ("L3", 2)):
        assert f"done {homes}, unchanged 0, refused 0" in bangfu(cadre, "case", "sign", "in_place", "--all", *P).output
    day("2021-09-30")
    bangfu("R1", "import", "income", written(tmp_path, "台账.csv", ledger()))
    assert "done 8, unchanged 0, refused 0" in bangfu("C1", "case", "account", "--all", *P).output
    assert "done 0, unchanged 8, refused 0" in bangfu("C1", "case", "account", "--all", *P).output
    for signer in ("L1", "L2", "L3", "W1", "W3", "VC1", "VC2", "VC3", "B1", "A1", "B3"):
        bangfu(signer, "case", "sign", "accounting", "--all", *P)
    wrong = bangfu("C1", "case", "sign", "accounting", "-n", "H1", *P, code=1)
    assert "WRONG_STAGE" in wrong.output

    # Notice, objection, acceptance.
    day("2021-10-11")
    for committee in ("VC1", "VC2", "VC3"):
        bangfu(committee, "case", "post", "--all", "--place", "村务公开栏", *P)
    notice = uuid_in(bangfu("VC1", "notice", "list", *P).output)
    bangfu("VC1", "notice", "export", notice, tmp_path / "公示.xlsx", "--reason", "张贴公示")
    bangfu("VC1", "notice", "poster", notice, tmp_path / "公示.pdf", "--paper", "a3", "--reason", "张贴公示")
    (printed,) = PdfReader(tmp_path / "公示.pdf").pages
    assert "测1户主" in re.sub(r"\s", "", printed.extract_text())
    assert round(float(printed.mediabox.width)) == 842
    assert "missing" in bangfu("VC1", "notice", "list", "--lacking-evidence", *P).output
    photo = tmp_path / "照片.png"
    photo.write_bytes(b"\x89PNG\r\n\x1a\n" + b"x" * 50)
    bangfu("VC1", "notice", "evidence", notice, photo, "--place", "村委会门口")
    assert notice not in bangfu("VC1", "notice", "list", "--lacking-evidence", *P).output
    assert notice in bangfu("VC1", "notice", "list", "--state", "open", *P).output
    assert notice not in bangfu("VC1", "notice", "list", "--state", "closed", *P).output
    assert "12317" in bangfu("C1", "notice", "contact", "县脱贫办 12317").output
    assert "FORBIDDEN" in bangfu("VC1", "notice", "contact", "县脱贫办 12317", code=1).stderr
    assert "FORBIDDEN" in bangfu("VC1", "notice", "objections", code=1).stderr
    assert "receipt" in bangfu("A2", "notice", "objections").output
    assert "NOT_FOUND" in bangfu("A2", "notice", "confirm", "YY-AAAA-AAAA", code=1).stderr
    assert "NOT_FOUND" in bangfu("A2", "notice", "dismiss", "YY-AAAA-AAAA", "--reason", "不实", code=1).stderr
    (sheet,) = openpyxl.load_workbook(tmp_path / "公示.xlsx").worksheets
    assert sheet["A1"].value == "东镇甲村2021年度已脱贫户巩固增收计划公示"
    bangfu("VC1", "case", "object", "H1", "--words", "不实", *P)
    day("2021-10-16")
    assert "done 2, unchanged 0, refused 4" in bangfu("A2", "case", "accept", "--all", *P).output
    bangfu("A3", "case", "accept", "--area", V3, "--without", "H8", *P)
    bangfu("A2", "case", "settle", "H1", "--dismissed", "--finding", "属实", *P)
    bangfu("A2", "case", "accept", "-n", "H1", *P)

    # Sample, budget line, batch, payment list.
    day("2021-10-20")
    drawn = bangfu("C1", "sample", "draw", "--seed", "公开号码", "--seed-source", "开奖公告", *P).output
    assert "1 of 4" in drawn
    bangfu("C2", "sample", "redraw", uuid_in(drawn))
    assert uuid_in(bangfu("C2", "sample", "list", *P).output) == uuid_in(drawn)
    bangfu("C2", "sample", "export", uuid_in(drawn), tmp_path / "抽查.xlsx", "--reason", "入户", *P)
    assert (tmp_path / "抽查.xlsx").stat().st_mode & 0o777 == 0o600
    bangfu("C1", "sample", "check", "--passed", "--all", *P)
    day("2021-10-28")
    where = ("--source", "专项扶贫资金", "--level", "county", "--document", "测财〔2021〕8号")
    when = ("--document-day", "2021-01-15", "--year", 2021)
    line = ("ZX-1", "奖补资金", "--amount", "6720", *where, *when, "--pays", "consolidation")
    assert "FORBIDDEN" in bangfu("FI", "budget", "add", *line, code=1).stderr
    entry = uuid_in(bangfu("FM", "budget", "add", *line).output)
    assert "BUDGET_UNCONFIRMED" in bangfu("C2", "batch", "make", "--line", "ZX-1", *P, code=1).stderr
    bangfu("FI", "budget", "confirm", entry)
    made = bangfu("C2", "batch", "make", "--line", "ZX-1", *P).output
    assert "3 payments, 6,700.00 yuan" in made
    assert "1 payments wait in their order" in made
    bangfu("C2", "batch", "cancel", uuid_in(made), "--reason", "待追加", *P)
    assert re.search(r"1\s+H7\s+ZX-1", bangfu("C2", "budget", "waiting", *P).output)
    more = ("ZX-1", 1000, "--document", "测财〔2021〕60号", "--document-day", "2021-10-27")
    bangfu("FI", "budget", "confirm", uuid_in(bangfu("FM", "budget", "top-up", *more).output))
    batch = uuid_in(bangfu("C2", "batch", "make", "--line", "ZX-1", *P).output)
    bangfu("FM", "batch", "check", batch, *P)
    assert "released, 4 payments, 6,750.00 yuan" in bangfu("FI", "batch", "release", batch, *P).output
    assert "released" in bangfu("FI", "batch", "list", *P).output
    bangfu("FI", "batch", "export", batch, tmp_path / "名册.xlsx", "--reason", "报送银行")
    assert re.search(
        r"ZX-1 .* 7,720.00 yuan\s+0.00 yuan\s+6,750.00 yuan\s+970.00 yuan", bangfu("FM", "budget", "list").output
    )
    columns = ("--column", "position=序号", "--column", "account=账号", "--column", "amount=金额")
    bangfu("FM", "batch", "template", "yikatong", "--column", "nonsense", code=2)
    assert "version 1" in bangfu("FM", "batch", "template", "yikatong", *columns, "--result", "77=returned").output
    bangfu("FI", "batch", "export", batch, tmp_path / "代发", "--text", "--reason", "报送银行")
    rows = (tmp_path / "代发.txt").read_text(encoding="gb18030").splitlines()
    assert rows[:2] == ["序号|账号|金额", "1|990000000001000|3000.00"]
    told = f"序号|账号|金额|处理结果\n{rows[1]}|00\n{rows[2]}|77\n{rows[3]}|?\n"
    (tmp_path / "回盘.txt").write_bytes(told.encode("gb18030"))
    answered = bangfu("FI", "batch", "answers", batch, tmp_path / "回盘.txt", "--return", tmp_path / "odd.csv").output
    assert "3 rows: 1 paid, 1 returned, 0 known before, 1 odd and not counted" in answered
    assert "含义不明" in (tmp_path / "odd.csv").read_text(encoding="utf-8-sig")
    bangfu("FI", "batch", "returned", batch, 4, "--day", "2021-10-28", "--words", "账户冻结", "--evidence", "退汇单")
    corrected = ("H2", "990000000007777", "--holder", "测2户主", "--bank", "测试银行", "--reason", "销户")
    assert "FORBIDDEN" in bangfu("FI", "payment", "account", *corrected, "--evidence", "存折", code=1).stderr
    bangfu("K1", "payment", "account", *corrected, "--evidence", "存折")
    assert re.search(r"sent back by the bank .*77", bangfu("FI", "payment", "trail", "H2").output)
    owed = bangfu("FI", "payment", "outstanding", *P).output
    assert [number for number in ("H1", "H2", "H5", "H7") if f" {number} " in owed] == ["H2", "H7"]
    assert "NOT_FOUND" in bangfu("FI", "payment", "repaid", uuid_in(owed), 5, "--day", "2021-10-28", "--voucher", "1",
                                 code=1).stderr  # fmt: skip
    assert "1 counties, all 14 invariants hold" in bangfu("C1", "doctor").output
    assert "insert" not in bangfu("C1", "doctor", "--sql").output
    assert openpyxl.load_workbook(tmp_path / "名册.xlsx")["汇总"]["C7"].value == 6750

    # What anyone may ask.
    overview = bangfu("C1", "case", "overview", *P).output
    assert re.search(r"total\s+8\s+4\s+3\s+1\s", overview), overview
    receipt = bangfu("VC1", "why", "H1", "--both", *P).output
    assert "符合条件,应发 3,000.00 元" in receipt
    assert "Eligible; 3,000.00 yuan is due" in receipt
    assert "NOT_FOUND" in bangfu("VC1", "why", "H7", *P, code=1).stderr
    whole = bangfu("VC1", "why", "H1", "--year", "2021", "--both").output
    assert "已拨付 3,000.00 元,另有待拨付 0.00 元" in whole
    assert "payment: 3,000.00 yuan, released for payment on 28 October 2021" in whole
    assert "NOT_FOUND" in bangfu("VC1", "why", "H7", "--year", "2021", code=1).stderr
    bangfu("VC1", "why", "H1", "-p", "consolidation", code=2)

    # Who is missed, and whose payment no longer fits.
    left = bangfu("C1", "case", "missed", *P).output
    assert re.search(r"total\s+8\s+5\s+3\s+0\s+0\s+0\s+0\s+0\.00", left), left
    assert "the first 0" in left
    bangfu(
        "R1",
        "import",
        "income",
        written(tmp_path, "更正.csv", "户编号,日期,收入类别,项目,总收入\nH1,2021-03-01,养殖,养殖项目,1\n"),
    )
    differs = bangfu("K1", "case", "overpaid", *P).output
    assert re.search(r"total\s+2\s+1\s+0\s+0\s+399\.80\s+0\.00", differs), differs
    assert "REASON_NEEDED" in bangfu("C1", "case", "overpaid", *P, "--export", tmp_path / "no", code=1).stderr
    bangfu("C1", "case", "overpaid", *P, "--area", V3, "--export", tmp_path / "待核.xlsx", "--reason", "核实")
    assert openpyxl.load_workbook(tmp_path / "待核.xlsx")["已发待核"]["A2"].value.endswith("共 0 户")
    bangfu("C1", "case", "missed", *P, "--export", tmp_path / "应享.xlsx", "--reason", "核实")
    assert (tmp_path / "应享.xlsx").stat().st_mode & 0o777 == 0o600
    bangfu("C1", "case", "missed", *P, "--area", "1", code=2)
    assert "REASON_NEEDED" in bangfu("C1", "register", *P, "-o", tmp_path / "no", code=1).stderr
    # A folder that is not there is told of before anything goes on record.
    nowhere = ("register", *P, "-o", tmp_path / "nowhere" / "a.xlsx", "--reason", "报省备案")
    assert "that can be written to" in bangfu("K1", *nowhere, code=2).stderr
    assert "register/" not in bangfu("C1", "audit", "list", "--limit", 500).output
    bangfu("K1", "register", *P, "-o", tmp_path / "登记册.xlsx", "--reason", "报省备案")
    assert (tmp_path / "登记册.xlsx").stat().st_mode & 0o777 == 0o600
    assert openpyxl.load_workbook(tmp_path / "登记册.xlsx")["登记册"]["A2"].value.endswith("范围:东镇    共 6 户")
    assert "8 agree, 0 do not" in bangfu("C1", "replay", *P).output
    assert "export_payments" in bangfu("C1", "audit", "list").output
    assert "FORBIDDEN" in bangfu("VC1", "audit", "list", code=1).stderr
    by_action = bangfu("C1", "audit", "list", "--action", "export_payments", "--officer", "FI").output
    assert by_action.count("export_payments") == 2
    assert "export_payments" not in bangfu("C1", "audit", "list", "--officer", "C2").output

    # What is on record is sealed, and proves itself.
    assert "0 sealed entries hold" in bangfu("C1", "audit", "verify").output
    assert re.search(rf"^{CODE}: \d\d+ entries sealed", bangfu("C1", "audit", "seal").output)
    (head,) = re.findall(rf"^{CODE} (\d+:[0-9a-f]{{64}})$", bangfu("C1", "audit", "head", "--all").output, re.M)
    assert ", 0 are not sealed yet" in bangfu("C1", "audit", "verify", "--head", head).output
    bangfu("C1", "audit", "export", tmp_path / "audit.jsonl", "--reason", "年度审计")
    assert "FORBIDDEN" in bangfu("VC1", "audit", "export", tmp_path / "no", "--reason", "年度审计", code=1).stderr
    assert "FORBIDDEN" in bangfu("VC1", "audit", "verify", code=1).stderr
    assert not (tmp_path / "no").exists()
    assert "sealed entries hold" in bangfu("C1", "audit", "verify", "--file", tmp_path / "audit.jsonl").output
    lines = (tmp_path / "audit.jsonl").read_text(encoding="utf-8").replace("年度审计", "审计年度")
    altered = written(tmp_path, "altered.jsonl", lines)
    assert "broken at number" in bangfu("C1", "audit", "verify", "--file", altered, code=1).output
    forged = head.split(":")[0] + ":" + "0" * 64
    assert "the chain was made anew" in bangfu("C1", "audit", "verify", "--head", forged, code=1).output
    bangfu("C1", "audit", "verify", "--head", "nonsense", code=2)

    # Keys are renewed; who reads notices nothing.
    assert "version 2" in bangfu("R1", "keyring", "rotate").output
    assert "KEY_IN_USE" in bangfu("R1", "keyring", "retire", 1, code=1).stderr
    assert re.search(r"person.identity\s+1\s+16", bangfu("R1", "keyring", "status").output)
    assert "values sealed anew" in bangfu("R1", "keyring", "reseal").output
    assert re.search(r"person.identity\s+2\s+16", bangfu("R1", "keyring", "status").output)
    bangfu("R1", "keyring", "retire", 1)
    assert "26 indexes made anew" in bangfu("R1", "keyring", "reindex").output
    again = bangfu("R1", "import", "households", written(tmp_path, "again.csv", roster())).output
    assert "same" in again
    bangfu("FI", "batch", "export", batch, tmp_path / "again.xlsx", "--reason", "报送银行")

    listed = bangfu("C1", "case", "list", "--area", V1, *P).output
    assert "not eligible" in listed
    assert "4 households" in listed
    assert "overdue" not in listed


def _sets_itself_up(bangfu: Command, folder: Path) -> None:
    """The county's own document as a workbook, taken back by another; the next year; all that is set up as one text."""
    form = folder / "规定.xlsx"
    bangfu("C1", "provision", "form", "consolidation", form)
    book = openpyxl.load_workbook(form)
    assert book.active is not None
    for row in book.active.iter_rows(min_row=4):
        if row[0].value == "每户奖补上限":
            row[3].value, row[4].value, row[6].value = "2,000.00 元", date(2021, 1, 20), "二"
    book.save(form)
    bangfu("C1", "provision", "draft", form, code=2)
    heading = ("--title", "测试县办法", "--issued", "2021-01-20", "--number")
    draft = uuid_in(bangfu("C1", "provision", "draft", form, *heading, "测政办〔2021〕2号").output)
    shown = bangfu("C1", "provision", "preview", draft, "--keep").output
    assert re.search(r"cap per household\s+3,000\.00 yuan\s+2,000\.00 yuan", shown)
    bangfu("C3", "provision", "release", draft)
    back = ("--since", "2021-01-20", "--clause", "一")
    undone = uuid_in(bangfu("C1", "provision", "take-back", draft, *back, *heading, "测政办〔2021〕3号").output)
    assert "2,000.00 yuan" in bangfu("C1", "provision", "preview", undone, "--keep").output
    bangfu("C3", "provision", "release", undone)
    assert "edition 1" in bangfu("C1", "programme", "open", "consolidation", "2021").output
    assert "PROVISION_STATE" in bangfu(
        "C1", "provision", "take-back", draft, *back, *heading, "测政办〔2021〕4号", code=1
    ).stderr  # fmt: skip

    carry = ("provision", "carry", "consolidation", "2021", "2022", "--clause", "三")
    carried = bangfu("C1", *carry, *heading, "测政办〔2022〕1号").output
    next_year = folder / "规定2022.xlsx"
    bangfu("C1", "provision", "form", "consolidation", next_year, "--carry", "2021", "2022")
    assert "2016—2019年" in {cell.value for row in openpyxl.load_workbook(next_year).active for cell in row}  # type: ignore[union-attr]
    listed = bangfu("C1", "provision", "list").output
    assert (uuid_in(carried) in listed, listed.count("released"), listed.count("draft")) == (True, 3, 1)

    file = folder / "测试县.toml"
    bangfu("C1", "tenant", "export", file)
    assert "nothing differs" in bangfu("C2", "tenant", "diff", file).output
    text = file.read_text(encoding="utf-8")
    assert "测政办〔2021〕1号" in text
    assert "测政办〔2021〕2号" not in text, "taken back"
    file.write_text(f'{text}\n[[calendar]]\nday = 2021-12-31\nworked = false\nnote = "县办通知"\n', encoding="utf-8")
    assert "+ day = 2021-12-31" in bangfu("C1", "tenant", "diff", file).output
    assert "FORBIDDEN (calendar)" in bangfu("C1", "tenant", "apply", file, code=1).stderr
    assert "nothing differs" in bangfu("C1", "tenant", "apply", file, "--only", "rules").output
    assert "1 applied" in bangfu("R1", "tenant", "apply", file, "--only", "calendar").output
    assert "nothing differs" in bangfu("C1", "tenant", "apply", file).output
    file.write_text("bangfu = 2", encoding="utf-8")
    assert "COUNTY_FILE_BAD" in bangfu("C1", "tenant", "apply", file, code=1).stderr


def test_nothing_selected_is_never_everything(bangfu: Command) -> None:
    result = bangfu("C1", "case", "accept", *P, code=2)
    assert "say which cases" in result.stderr


def test_among_several_programmes_a_command_says_which(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BANGFU_PROGRAMME", raising=False)
    environment = {"BANGFU_HOME": str(home), "BANGFU_LANGUAGE": "en"}
    asked = CliRunner(env=environment).invoke(main, ["case", "sign", "nothing", "--all", *P])
    assert asked.exit_code == 2
    assert "--programme (or BANGFU_PROGRAMME) says which programme: consolidation, planned_exit" in asked.stderr
    for stated in (["--programme", "leading", "case", "sign", "x"], ["case", "sign", "x", "-p", "leading"]):
        answer = CliRunner(env=environment).invoke(main, [*stated, "--all", *P])
        assert (answer.exit_code, "the stages that are signed are: verification" in answer.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("case", "sign", "notice", "--all", *P), 2, "in_place, accounting"),
        (("import", "plans", __file__), 2, "plans need --period"),
        (("import", "households", __file__, "--map", "x"), 2, "HEADER=FIELD"),
        (("programme", "show", "none", "2021"), 1, "PROGRAMME_UNKNOWN"),
        (("case", "list", "--all", "--period", "21"), 1, "PERIOD_BAD"),
        (("batch", "check", "00000000-0000-7000-8000-000000000000", *P), 1, "NOT_YOUR_DUTY"),
        (("sample", "redraw", "00000000-0000-7000-8000-000000000000"), 1, "NOT_FOUND"),
        (("clock", "set", "2021-01-01"), 1, "BAD_VALUE"),
        (("clock", "set", "yesterday"), 2, "is not a day"),
    ],
)
def test_a_refusal_says_what_to_do(bangfu: Command, arguments: tuple[str, ...], code: int, said: str) -> None:
    result = bangfu("C1", *arguments, code=code)
    assert said in result.stderr
    if code == 1:
        assert "→" in result.stderr


def test_problems_are_told_in_the_callers_language(bangfu: Command) -> None:
    chinese = bangfu("nobody", "case", "list", "--all", *P, code=1, language="zh").stderr
    english = bangfu("nobody", "case", "list", "--all", *P, code=1).stderr
    assert "没有工号为 nobody 的工作人员" in chinese
    assert "There is no officer with the staff number nobody." in english


def test_every_clause_is_listed_for_one_programme_for_all_and_as_a_workbook(bangfu: Command, tmp_path: Path) -> None:
    one = bangfu("", "programme", "clauses", "consolidation").output
    assert "二(二)3" in one
    assert "二(四)3" not in one
    left = bangfu("", "programme", "clauses", "--state", "left_out").output
    assert ("三2" in left, "二(四)3" in left) == (True, False)
    assert (
        "尚未落实"
        not in bangfu("", "programme", "clauses", "consolidation", "--state", "missing", language="zh").output
    )
    assert "written to" in bangfu("", "programme", "clauses", "--export", tmp_path / "条款.xlsx").output
    sheet, yulu, later, *disabled, villages = openpyxl.load_workbook(tmp_path / "条款.xlsx").worksheets
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert rows[0][0] == "2021年脱贫奋进计划实施方案"
    assert rows[1] == ["clause", "heading", "state", "programmes", "by what, or why not"]
    assert rows[2][:4] == ["二(一)1", "实施对象", "carried out", "award for households that are to leave poverty"]
    assert str(rows[2][4]).startswith(
        "criterion: The household was registered as poor when its plan was made. parameter: "
    )
    assert len(rows) == 2 + 26
    assert (yulu["A1"].value, yulu.max_row) == ("“雨露计划”实施方式改革试点工作实施方案", 2 + 20)
    assert (later["A1"].value, later.max_row) == ("县级文件:职业教育扶贫助学补助(后期标准)", 2 + 2)
    assert [(own["A1"].value, own.max_row) for own in disabled] == [
        ("社会保障扶贫自查报告", 2 + 2),
        ("残联2020年上半年工作总结和下半年工作计划", 2 + 9),
        ("2020年脱贫攻坚工作计划", 2 + 2),
        ("打赢脱贫攻坚战实施方案(市级)", 2 + 1),
    ]
    assert (villages["A1"].value, villages.max_row) == ("“万企帮万村”精准扶贫行动方案", 2 + 19)


def test_what_needs_no_county(bangfu: Command) -> None:
    assert "consolidation" in bangfu("", "programme", "list").output
    assert "the walls stand" in bangfu("", "db", "check").output
    assert "the walls stand" in bangfu("", "db", "migrate").output
    assert '"keys"' in bangfu("", "keyring", "new").output
    assert "there was nothing to stop" in bangfu("", "db", "stop").output


def test_a_working_day_of_the_countys_own(bangfu: Command) -> None:
    bangfu("R1", "calendar", "set", "2027-01-04", "worked", "--note", "国办发明电〔2026〕1号")
    assert "set_calendar" in bangfu("C1", "audit", "list").output
    assert "FORBIDDEN" in bangfu("A2", "calendar", "set", "2027-01-04", "off", "--note", "x", code=1).stderr
    assert "REASON_NEEDED" in bangfu("R1", "calendar", "set", "2027-01-04", "off", "--note", " ", code=1).stderr


def test_the_countys_own_rules_and_why_somebody_may_not(bangfu: Command) -> None:
    deny = ("policy", "deny", "village_committee", "import_income")
    assert "REASON_NEEDED" in bangfu("C1", *deny, code=1).stderr
    assert "FORBIDDEN" in bangfu("VC1", *deny, "--reason", "试点", code=1).stderr
    rule = uuid_in(bangfu("C1", *deny, "--reason", "试点").output)
    shown = bangfu("C2", "policy", "show").output
    assert rule in shown
    assert "试点" in shown
    why = bangfu("C1", "policy", "why", "VC1", "import_income", code=1).output
    assert "✗ the county: village committee is denied importing the income ledger (县办甲: 试点)" in why
    assert "✓ The account is open." in why
    bangfu("C1", "policy", "why", "VC1", "import_income", "--stage", "plan", code=2)
    bangfu("C2", "policy", "withdraw", rule, "--reason", "试点结束")
    assert rule not in bangfu("C2", "policy", "show").output
    assert "✓" in bangfu("C1", "policy", "why", "VC1", "import_income").output
    above = bangfu("C1", "policy", "allow", "village_committee", "pay_cases", "--reason", "试点", code=1)
    assert "RULE_ABOVE_CEILING" in above.stderr


def test_the_installed_command_runs_in_a_process_of_its_own(home: Path) -> None:
    environment = {**os.environ, "BANGFU_HOME": str(home), "BANGFU_LANGUAGE": "en"}
    done = subprocess.run(
        [sys.executable, "-c", "from bangfu.cli import main; main()", "--tenant", "999999", "--as", "X", "case", "list",
         "--all", *P], capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert "TENANT_UNKNOWN" in done.stderr


def test_a_lost_key_ring_is_not_replaced_over_data(bangfu: Command, home: Path) -> None:
    ring = home / "keyring.json"
    kept = ring.rename(home / "kept.json")
    try:
        assert "KEYRING_MISSING" in bangfu("C1", "audit", "list", code=1).stderr
        assert not ring.exists()
    finally:
        kept.rename(ring)
    bangfu("C1", "audit", "list")


def test_a_code_with_a_digit_too_few_is_no_area(bangfu: Command) -> None:
    for code in ("99020110120", "9902011012", "甲村"):
        assert "is not a division code" in bangfu("C1", "case", "list", "--area", code, *P, code=2).stderr


def test_an_environment_that_cannot_be_is_said(home: Path) -> None:
    for name, value in (("BANGFU_LARGEST_FILE", "20MB"), ("BANGFU_LANGUAGE", "fr")):
        result = CliRunner(env={"BANGFU_HOME": str(home), name: value}).invoke(main, ["programme", "list"])
        assert (result.exit_code, result.exception.__class__.__name__) == (2, "SystemExit"), result.output


def test_a_county_has_a_name(bangfu: Command) -> None:
    said = bangfu("", "tenant", "create", "610798", " ", "--officer", "R1", "--officer-name", "管理员", code=1)
    assert "MISSING_VALUE" in said.stderr


def test_how_people_and_systems_get_in(bangfu: Command) -> None:
    """An account, a token of a system and a county's own provider, each made, shown and ended."""
    code = bangfu("R1", "account", "enrol", "VC1").output.strip()
    assert re.fullmatch(r"[A-Z0-9]{5}(-[A-Z0-9]{5}){3}", code)
    assert "FORBIDDEN" in bangfu("VC1", "account", "enrol", "VC2", code=1).stderr
    assert "OFFICER_UNKNOWN" in bangfu("R1", "account", "enrol", "nobody", code=1).stderr
    assert "signed out everywhere" in bangfu("R1", "account", "sign-out", "VC1").output
    assert "FORBIDDEN" in bangfu("VC1", "account", "sign-out", "VC2", code=1).stderr
    assert "sign_out" in bangfu("C1", "audit", "list").output

    token = bangfu("R1", "service-token", "issue", "前置机", "--action", "read_cases", "--in-the-name-of", "VC1").output
    assert token.startswith(f"bangfu-{CODE}.")
    listed = bangfu("VC1", "service-token", "list").output
    assert "VC1 前置机" in listed
    assert listed.strip().endswith("read_cases")
    assert bangfu("VC2", "service-token", "list").output == ""
    assert "NOT_FOUND" in bangfu("VC2", "service-token", "revoke", uuid_in(listed), code=1).stderr
    assert "revoked" in bangfu("R1", "service-token", "revoke", uuid_in(listed)).output
    assert bangfu("VC1", "service-token", "list").output.strip().endswith("read_cases -")
    bangfu("R1", "service-token", "issue", "x", "--action", "everything", code=2)

    assert "uses local accounts" in bangfu("", "provider", "show").output
    stated = ("--issuer", "https://id.example.org", "--audience", "urn:x", "--client-id", "bangfu", "--claim", "staff")
    bangfu("", "provider", "set", *stated, "--client-secret", "s3cret", "--algorithm", "ES256")
    told = bangfu("", "provider", "show").output
    assert "claim: staff" in told
    assert "algorithm: ES256" in told
    assert "s3cret" not in told
    bangfu("", "provider", "set", *stated, "--algorithm", "HS256", code=2)
    assert "BAD_VALUE" in bangfu("", "provider", "set", "--issuer", "http://id.example.org", *stated[2:], code=1).stderr
    assert "removed" in bangfu("", "provider", "remove").output
    assert "nothing to remove" in bangfu("", "provider", "remove").output
