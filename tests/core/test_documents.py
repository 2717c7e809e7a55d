"""Workbooks in and out: what an office writes is understood or refused, and what we write into it harms nothing."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from hypothesis import example, given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from bangfu.documents import cells as reading
from bangfu.documents import workbooks
from bangfu.documents.cells import Cell, CellProblem, Column
from bangfu.documents.reading import Table, open_table
from bangfu.documents.returning import HEADING, with_problems
from bangfu.documents.writing import Sheet, SheetColumn, amount_in_words, workbook
from bangfu.errors import Code, Refused
from bangfu.text import Text

COLUMNS = (
    Column("number", Text("户编号", "household number"), reading.read_text, ("户码",)),
    Column("name", Text("姓名", "name"), reading.read_name, ("人员姓名",)),
    Column("identity", Text("证件号码", "identity"), reading.read_digits, ("身份证号",), filled=False),
    Column("day", Text("出生日期", "birth date"), reading.read_day, required=False),
    Column("amount", Text("总收入", "income"), reading.read_fen, required=False),
)
HEADER = ("户编号", "姓名", "证件号码")


def comma(*rows: Sequence[str]) -> bytes:
    """A CSV file."""
    output = io.StringIO(newline="")
    csv.writer(output).writerows(rows)
    return output.getvalue().encode()


def excel(fill: Callable[[Any, Any], None]) -> bytes:
    """A workbook whose only sheet ``表`` is filled by a function of the book and the sheet."""
    output = io.BytesIO()
    book = xlsxwriter.Workbook(output, {"in_memory": True, "strings_to_formulas": False})
    fill(book, book.add_worksheet("表"))
    book.close()
    return output.getvalue()


def grid(*rows: Sequence[Any]) -> bytes:
    """A workbook of rows from the first cell on."""

    def fill(_: Any, sheet: Any) -> None:
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)

    return excel(fill)


def rewritten(data: bytes, change: Callable[[str], str], part: str = "xl/worksheets/sheet1.xml") -> bytes:
    """A workbook with one of its parts changed as text."""
    output = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(output, "w") as target:
        for name in source.namelist():
            text = source.read(name)
            target.writestr(name, change(text.decode()).encode() if name == part else text)
    return output.getvalue()


def read(data: bytes, name: str = "表.csv", **matches: Mapping[str, str]) -> dict[int, dict[str, Any]]:
    """The rows of a file by their numbers; none may have a problem."""
    rows = list(open_table(data, name, COLUMNS, **matches).rows())
    assert [row.problems for row in rows if row.problems] == []
    return {row.number: row.values for row in rows}


def refusal(data: bytes, name: str = "表.csv", **matches: Mapping[str, str]) -> tuple[Code, Mapping[str, object]]:
    """The one problem by which a file is refused."""
    with pytest.raises(Refused) as refused:
        open_table(data, name, COLUMNS, **matches)
    (problem,) = refused.value.problems
    return problem.code, problem.values


def code_of(reader: Callable[[Cell], Any], cell: Cell) -> Code:
    """The code by which a cell is refused."""
    with pytest.raises(CellProblem) as raised:
        reader(cell)
    return raised.value.code


# --- cells ----------------------------------------------------------------------------------------------------

SEPTEMBER = date(2021, 9, 30)
MAY = date(2021, 5, 3)
LATE_IN_MAY = datetime(2021, 5, 3, 23, 59)  # noqa: DTZ001 - a sheet has no zones


UNDERSTOOD: Sequence[tuple[Callable[[Cell], Any], Mapping[Any, Sequence[Cell]]]] = [
    (reading.read_day, {
        SEPTEMBER: ["2021-09-30", "2021.9.30", "2021/9/30", "20210930", 20210930, 20210930.0, "2021年9月30日", "2021年09月30",
                    "２０２１－０９－３０"],
        MAY: [" 2021-5-3\u3000", LATE_IN_MAY, MAY],
        date(2020, 2, 29): ["2020-02-29"]}),
    (reading.read_fen, {  # floats as a sheet stores them mean what the sheet shows
        0: ["0", -0.0], 10: ["0.10"], 30: [0.1 + 0.2], 50: [".5"], 330: [1.1 * 3], 435: [4.35], 1250: ["１２．５", "12.500"], 1200: ["￥ 12"],
        33333: ["333.33"], 123450: ["1,234.50", "¥1，234.5元"], 800000: [8000, 8000.0],
        1234567890123: [12345678901.230003], 9999999999999: [99999999999.99], 10**13: ["100000000000", "0" * 99 + "1" + "0" * 11 + "." + "0" * 99]}),
    (reading.read_quantity, {Decimal("1200.125"): ["1,200.125"], Decimal("0.3"): [0.1 + 0.2], Decimal(0): ["０"]}),
    (reading.read_year, {2016: ["2016", 2016.0, "2016年", "２０１６年度"]}),
    (reading.read_yes_no, {True: [" 是", "√", "Ｙ", True, 1.0], False: ["否", "No", 0]}),
    (reading.read_text, {"12": [12.0], "甲 乙": ["　甲　乙　"]}),
    (reading.one_of({"户主": "head"}), {"head": [" 户主"]}),
    (reading.read_digits, {"622848000001": ["6228 4800-0001"], "12X": ["１２ｘ"], "007": ["007"], "E+17": ["E+17"]}),
    (reading.read_name, {
        "张某": [" 张　某 "], "AB": ["ＡＢ"], "𠮷某": ["𠮷某"], "㛃某": ["㛃某"], "𬱖某": ["𬱖某"], "䶮": ["䶮"],
        "甲" * 50: ["甲" * 50],
        "阿甲\u00b7乙": [f"阿甲{dot}乙" for dot in (*"\u00b7\u2022\u2027\u30fb\u22c5.\uff0e\uff65\u2024\u0387", " · ")]}),
]  # fmt: skip
REFUSED: Sequence[tuple[Callable[[Cell], Any], Code, Sequence[Cell]]] = [
    (reading.read_day, Code.BAD_DATE,
     ["2021-02-29", "2021-13-01", "2021-00-10", "2021年9月31日", "0000-01-01", "2021", "2021-9", "9-30", "30.9.2021", "21-09-30",
      "2021-09-30 08:00", "昨天", 44469.0, 2021.5, True, time(8), timedelta(days=1)]),
    (reading.read_fen, Code.BAD_VALUE,
     ["0.001", 0.001, 1234.565, "-1", -1, -0.01, "100000000000.01", 1e13, "NaN", "Infinity", "", ".", "元", "约500", "1..2",
      "1,5", "1,2345", ",123", "12元50", "1 2", "1.2E+05", "1_000", "9" * 5000, True, MAY, float("nan")]),
    (reading.read_quantity, Code.BAD_VALUE, ["1.0001", 1.0001, "-1", "100000000000", "1E999999", "NaN", "sNaN", float("inf"), True]),
    (reading.read_year, Code.BAD_VALUE, ["16", 2016.5, "1899", "2100"]),
    (reading.read_yes_no, Code.BAD_VALUE, ["也许", "2"]),
    (reading.one_of({"户主": "head"}), Code.BAD_VALUE, ["户"]),
    (reading.read_text, Code.BAD_VALUE, ["a\x00b", "a\ud840b"]),
    (reading.read_name, Code.BAD_VALUE, ["\x00", "1号", 5.0, "甲" * 51]),
    (reading.read_digits, Code.BAD_VALUE, ["13٨٠٠001234", "১২"]),
    (reading.read_digits, Code.DIGITS_LOST,
     [1.1010519491231e17, 110105194912310020, 12, True, "1.1E+17", "1.10105E+17", "6E+18", "1.1e+17", " 1.1E+17 "]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("reader", "cell", "value"),
    [(reader, cell, value) for reader, table in UNDERSTOOD for value, cells in table.items() for cell in cells],
)
def test_a_cell_is_understood(reader: Callable[[Cell], Any], cell: Cell, value: Any) -> None:
    assert reader(cell) == value


@pytest.mark.parametrize(
    ("reader", "code", "cell"), [(reader, code, cell) for reader, code, cells in REFUSED for cell in cells]
)
def test_a_cell_is_refused(reader: Callable[[Cell], Any], code: Code, cell: Cell) -> None:
    assert code_of(reader, cell) is code


@pytest.mark.parametrize("cell", [1e22, 6.2e22, float("inf"), "1E999999", "sNaN"])
def test_an_amount_beyond_all_bounds_is_a_problem_and_no_fault(cell: Cell) -> None:
    assert code_of(reading.read_fen, cell) is Code.BAD_VALUE


@pytest.mark.parametrize(
    ("reader", "cell"), [(reading.read_quantity, "1.0000004"), (reading.read_fen, "100." + "0" * 30 + "1")]
)
def test_no_decimal_of_a_text_is_dropped(reader: Callable[[Cell], Any], cell: str) -> None:
    assert code_of(reader, cell) is Code.BAD_VALUE


@pytest.mark.parametrize("dot", "\u2219\u25cf\u25e6\u2981\u2e31\u2e33\ua78f")
def test_every_dot_separates_names(dot: str) -> None:
    assert reading.read_name(f"阿甲{dot}乙") == "阿甲\u00b7乙"


# --- finding the header ---------------------------------------------------------------------------------------

ONE = {"number": "H1", "name": "甲", "identity": "123"}


@pytest.mark.parametrize(
    ("rows", "found"),
    [([HEADER, ("H1", "甲", "123")], {2: ONE}),
     ([["某县花名册"], ["填报单位:某乡", "", "2021年"], [], HEADER, ("H1", "甲", "123")], {5: ONE}),
     ([("户码", "人员姓名", "身份证号"), ("H1", "甲", "123")], {2: ONE}),
     ([(" 户 编\n号* ", "姓　名", "证件号码（18位）"), ("H1", "甲", "123")], {2: ONE}),
     ([("证件_号码:", "序号", "姓名", "户编号"), ("123", "1", "甲", "H1")], {2: ONE}),
     ([(*HEADER, "总收入（元）"), ("H1", "甲", "123", "1.5")], {2: {**ONE, "amount": 150}}),
     ([(*HEADER, "姓名"), ("H1", "甲", "123", "乙")], {2: ONE}),
     ([["注"]] * 19 + [HEADER, ("H1", "甲", "123")], {21: ONE}),
     ([HEADER, ("H1", "甲")], {2: {**ONE, "identity": None}})],
    ids=["plain", "titles-above", "aliases", "blanks-marks-units", "other-order", "unit", "twice", "row-20", "short"],
)  # fmt: skip
def test_the_header_is_found(rows: Sequence[Sequence[str]], found: dict[int, dict[str, Any]]) -> None:
    assert read(comma(*rows)) == found
    assert read(grid(*rows), "表.xlsx") == found


def merged(book: Any, sheet: Any) -> None:
    """A title, then a header of two rows with merged cells, with formats, widths, a formula and a second sheet."""
    bold = book.add_format({"bold": True, "border": 1})
    sheet.merge_range("B2:F2", "某县花名册", bold)
    sheet.merge_range("B3:B4", "户编号", bold)
    sheet.merge_range("C3:D3", "家庭成员", bold)
    sheet.merge_range("E3:E4", "出生日期", bold)
    sheet.merge_range("F3:F4", "总收入(元)", bold)
    sheet.write_row("C4", ["姓名", "证件号码"], bold)
    for row, (number, name, identity) in enumerate((("H1", "甲", "123"), ("H1", "乙", ""), ("H2", "丙", "=1+1")), 4):
        sheet.write_row(row, 1, [number, name, identity])
        sheet.write_datetime(row, 4, datetime(1980, 1, row), book.add_format({"num_format": "yyyy年m月d日"}))  # noqa: DTZ001
        sheet.write_number(row, 5, 1234.5, book.add_format({"num_format": "#,##0.00", "italic": True}))
    sheet.write_row(8, 1, ["合计", "", ""])
    sheet.write_formula("F9", "=SUM(F5:F7)", bold, 3703.5)
    sheet.set_column("C:C", 33)
    sheet.set_row(5, 40)
    other = book.add_worksheet("说明 <&>")
    other.write_column("A1", ["户编号", "姓名", "=不是公式"])


def test_a_merged_header_of_two_rows() -> None:
    table = open_table(excel(merged), "表.XLSX", COLUMNS)
    assert (table.sheet, table.header_rows, table.width, table.height) == ("表", (2, 3), 6, 9)
    first = {"number": "H1", "name": "甲", "identity": "123", "day": date(1980, 1, 4), "amount": 123450}
    assert [(row.number, row.values) for row in table.rows()] == [
        (5, first),
        (6, {**first, "name": "乙", "identity": None, "day": date(1980, 1, 5)}),
        (7, {**first, "number": "H2", "name": "丙", "identity": "=1+1", "day": date(1980, 1, 6)}),
    ]


def test_the_sheet_with_the_header_is_the_one() -> None:
    def fill(book: Any, sheet: Any) -> None:
        sheet.write_row(0, 0, ["填表说明", "姓名"])
        book.add_worksheet("空")
        book.add_worksheet("花名册").write_row(0, 0, HEADER)

    table = open_table(excel(fill), "表.xlsx", COLUMNS)
    assert (table.sheet, list(table.rows())) == ("花名册", [])


@pytest.mark.parametrize(
    ("rows", "missing"),
    [([("户编号", "姓名"), ("H1", "甲")], Text("证件号码", "identity")),
     ([("编号", "名字")], Text("户编号、姓名、证件号码", "household number, name, identity")),
     ([["注"]] * 20 + [HEADER], Text("户编号、姓名、证件号码", "household number, name, identity")),
     ([], Text("户编号、姓名、证件号码", "household number, name, identity"))],
)  # fmt: skip
def test_a_header_that_is_not_found_names_what_is_missing(rows: Sequence[Sequence[str]], missing: Text) -> None:
    assert refusal(comma(*rows)) == (Code.HEADER_NOT_FOUND, {"columns": missing})


def test_a_header_can_be_stated_and_remembered() -> None:
    data = comma(("家庭 代号(新)", "姓名", "证件号码"), ("H1", "甲", "123"))
    assert refusal(data)[0] is Code.HEADER_NOT_FOUND
    assert read(data, stated={"家庭代号": "number"}) == {2: ONE}
    assert read(data, remembered={"家庭代号": "number"}) == {2: ONE}
    assert read(data, stated={"家庭代号": "number"}, remembered={"家庭代号": "name"}) == {2: ONE}
    assert read(comma(HEADER, ("H1", "甲", "123")), remembered={"家庭代号": "number", "编码": "none"}) == {2: ONE}


@pytest.mark.parametrize("stated", [{"代号": "number"}, {"户编号": "nothing"}])
def test_a_stated_header_must_be_there(stated: dict[str, str]) -> None:
    code, values = refusal(comma(HEADER, ("H1", "甲", "123")), stated=stated)
    assert code is Code.HEADER_UNKNOWN
    ((header, column),) = stated.items()
    assert (values["header"], values["column"]) == (header, column)
    assert values["headers"] == "户编号, 姓名, 证件号码"
    assert values["columns"] == "amount, day, identity, name, number"


def test_a_stated_header_goes_before_a_known_one() -> None:
    data = comma(("户编号", "县内编号", "姓名", "证件号码"), ("旧1", "H1", "甲", "123"))
    assert read(data, stated={"县内编号": "number"}) == {2: ONE}
    assert read(data, remembered={"县内编号": "number"}) == {2: ONE}
    assert read(data, remembered={"县内编号": "number"}, stated={"户编号": "number"}) == {2: {**ONE, "number": "旧1"}}


def test_what_is_stated_is_used_or_refused() -> None:
    def fill(book: Any, sheet: Any) -> None:
        sheet.write_row(0, 0, HEADER)
        sheet.write_row(1, 0, ("旧1", "甲", "123"))
        other = book.add_worksheet("新")
        other.write_row(0, 0, ("县内编号", "姓名", "证件号码"))
        other.write_row(1, 0, ("H1", "甲", "123"))

    # Of two sheets that fit, the one with the stated header is meant.
    assert read(excel(fill), "表.xlsx", stated={"县内编号": "number"}) == {2: ONE}
    title = comma(("县内编号", "", ""), HEADER, ("H1", "甲", "123"))
    code, values = refusal(title, stated={"县内编号": "number"})
    assert (code, values["headers"]) == (Code.HEADER_UNKNOWN, "户编号, 姓名, 证件号码")
    both = comma(("代号", "编码", "姓名", "证件号码"), ("H1", "H2", "甲", "123"))
    code, values = refusal(both, stated={"代号": "number", "编码": "number"})
    assert (code, values["field"], values["value"]) == (Code.BAD_VALUE, "代号", "number")


# --- rows -----------------------------------------------------------------------------------------------------


def test_blank_rows_and_footers_are_no_rows_and_real_rows_are() -> None:
    rows = [
        ("备注", *HEADER), ("", "H1", "甲", "1"), ("", "　", " ", ""), ("合计", "H2", "乙", "2"),
        ("备注:补录", "H3", "丙", "3"),
        ("", "小计", "", "3"), ("合计", "", "共2人", ""), ("填表人:甲", "", "", "审核人:乙"), ("", "制表日期", "", ""),
        ("说明:以上属实", "", "", ""), ("", "H4", "丁", ""),
    ]  # fmt: skip
    found = {number: row["number"] for number, row in read(comma(*rows)).items()}
    assert found == {2: "H1", 4: "H2", 5: "H3", 11: "H4"}


def test_a_full_row_is_a_row_whatever_it_begins_with() -> None:
    """An organization 审批服务局 in a table whose first column is the name."""
    data = comma(
        ("姓名", "户编号", "证件号码"), ("审批服务局", "H1", "1"), ("审批服务局", "H1", ""), ("说明村", "", "1")
    )
    rows = list(open_table(data, "表.csv", COLUMNS).rows())
    assert [(row.number, row.values["name"]) for row in rows] == [(2, "审批服务局"), (3, "审批服务局"), (4, "说明村")]
    assert [[problem.code for problem in row.problems] for row in rows] == [[], [], [Code.MISSING_VALUE]]


@pytest.mark.parametrize("row", [
    ("合　　计", "2", "3"), ("合 计:", "", "3"), ("", "总计", "3"), ("填 表 人:甲", "", "审核:乙"), ("注：以上属实",)])  # fmt: skip
def test_a_footer_is_no_row_however_it_is_spaced(row: Sequence[str]) -> None:
    header = (*HEADER, "出生日期", "总收入")
    assert read(comma(header, ("H1", "甲", "123", "", ""), row)) == {2: {**ONE, "day": None, "amount": None}}


def test_every_bad_cell_is_a_problem_at_its_row_and_column() -> None:
    header = (*HEADER, "出生日期", "总收入")
    rows = (("", "甲", "", "", ""), ("H2", "9", "1.1E+17", "2021-02-30", "1.005"))
    found = list(open_table(comma(header, *rows), "表.csv", COLUMNS).rows())
    assert [[(p.code.name, p.path) for p in row.problems] for row in found] == [
        [("MISSING_VALUE", ("rows", 2, "number"))],
        [("BAD_VALUE", ("rows", 3, "name")), ("DIGITS_LOST", ("rows", 3, "identity")),
         ("BAD_DATE", ("rows", 3, "day")), ("BAD_VALUE", ("rows", 3, "amount"))],
    ]  # fmt: skip
    assert found[1].values == {"number": "H2", "name": None, "identity": None, "day": None, "amount": None}
    assert found[1].problems[1].message.zh == "证件号码被 Excel 存为数字,末几位已丢失"


def test_an_error_cell_is_a_problem() -> None:
    def fill(_: Any, sheet: Any) -> None:
        sheet.write_row(0, 0, (*HEADER, "总收入"))
        sheet.write_row(1, 0, ("H1", "甲", "123"))
        sheet.write_formula(1, 3, "=VLOOKUP(1,Z:Z,1,0)", None, "#N/A")

    (row,) = open_table(excel(fill), "表.xlsx", COLUMNS).rows()
    assert [problem.code for problem in row.problems] == [Code.BAD_VALUE]
    assert row.problems[0].values["value"] == "#N/A"


def errors(*words: str) -> bytes:
    """A workbook whose second row holds formulas that failed with these words."""

    def fill(_: Any, sheet: Any) -> None:
        sheet.write_row(0, 0, HEADER)
        for position, word in enumerate(words):
            sheet.write_formula(1, position, "=1/0", None, word) if word else None
        sheet.write_row(2, 0, ("H1", "甲", "123"))

    return excel(fill)


def in_single_quotes(xml: str) -> str:
    """The same sheet with single quotes around the kinds of cells."""
    return xml.replace('t="e"', "t='e'")


@pytest.mark.parametrize(
    "data",
    [errors("#N/A", "#DIV/0!", "#REF!"), rewritten(errors("#N/A", "#VALUE!", "#NAME?"), in_single_quotes),
     rewritten(errors("#N/A", "#N/A", "#N/A"), lambda xml: xml.replace("<v>#N/A<", "<v>#SPILL!<")),
     comma(HEADER, ("#N/A", "#DIV/0!", "########"), ("H1", "甲", "123"))],
    ids=["excel", "single-quotes", "new-error", "csv"],
)  # fmt: skip
def test_the_word_of_an_error_is_no_value_anywhere(data: bytes) -> None:
    """A row of nothing but errors is no blank row: else a sheet that lost its source would seem to be empty."""
    name = "表.csv" if data.startswith(HEADER[0].encode()) else "表.xlsx"
    broken, good = open_table(data, name, COLUMNS).rows()
    assert [(p.code, p.path) for p in broken.problems] == [
        (Code.BAD_VALUE, ("rows", 2, column)) for column in ("number", "name", "identity")
    ]
    assert (good.number, good.values, good.problems) == (3, ONE, [])
    after = with_problems(data, name, open_table(data, name, COLUMNS), {2: "错"})
    assert [row.problems for row in open_table(after, name, COLUMNS).rows()] == [broken.problems, []]


def test_an_error_in_a_column_that_nobody_reads_harms_nothing() -> None:
    def fill(_: Any, sheet: Any) -> None:
        sheet.write_row(0, 0, (*HEADER, "核对"))
        sheet.write_row(1, 0, ("H1", "甲", "123"))
        sheet.write_formula(1, 3, "=NA()", None, "#N/A")

    assert read(excel(fill), "表.xlsx") == {2: ONE}


# --- files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_csv_file_in_both_encodings(encoding: str) -> None:
    """𠮷 is outside GBK; 户编号 in the first cell would carry the mark of UTF-8."""
    data = comma(HEADER, ("H1", "𠮷某", "123"), ("H2", '"乙"\n', "4,5")).decode().encode(encoding)
    assert read(data) == {
        2: {"number": "H1", "name": "𠮷某", "identity": "123"},
        3: {"number": "H2", "name": '"乙"', "identity": "4,5"},
    }


WHOLE = grid(HEADER, ("H1", "甲", "123"))


def bomb() -> bytes:
    """A workbook that is whole but says that a part of it, which nobody reads, unpacks to more than the limit."""
    output = io.BytesIO(WHOLE)
    with zipfile.ZipFile(output, "a") as archive:
        archive.writestr("docProps/more.xml", "x")
        archive.infolist()[-1].file_size = workbooks.LARGEST_UNPACKED
    return output.getvalue()


def archive_of(**parts: str) -> bytes:
    """A ZIP file that is something else."""
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), text)
    return output.getvalue()


OPEN_DOCUMENT = archive_of(
    mimetype="application/vnd.oasis.opendocument.spreadsheet",
    content_xml='<d xmlns:office="o" xmlns:table="t" xmlns:text="x"><office:spreadsheet><table:table table:name="表">'
    "<table:table-row>"
    + "".join(
        f'<table:table-cell office:value-type="string"><text:p>{title}</text:p></table:table-cell>' for title in HEADER
    )
    + "</table:table-row></table:table></office:spreadsheet></d>",
    **{"META-INF__manifest_xml": '<manifest:manifest xmlns:manifest="m"/>'},
)
"""A sheet that the reader would understand and that could not be given back with its problems."""


def damaged() -> bytes:
    """A workbook of which one byte of the sheet has changed on its way."""
    data = bytearray(WHOLE)
    with zipfile.ZipFile(io.BytesIO(WHOLE)) as archive:
        part = archive.getinfo("xl/worksheets/sheet1.xml")
    data[part.header_offset + 30 + len(part.filename) + part.compress_size // 2] ^= 0xFF
    return bytes(data)


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504
"""How old workbooks begin, and new ones under a password."""


@pytest.mark.parametrize(
    ("data", "name"),
    [(OLE, "表.xls"), (WHOLE, "表.xls"), (WHOLE, "表.et"), (WHOLE, "表"), (OLE, "加密.xlsx"), (b"", "表.xlsx"),
     (b"PK", "表.xlsx"),
     (WHOLE[: len(WHOLE) // 2], "表.xlsx"), (comma(HEADER), "表.xlsx"), (archive_of(a_txt="x"), "表.xlsx"), (OPEN_DOCUMENT, "表.xlsx"),
     (bomb(), "表.xlsx"), (damaged(), "表.xlsx"),
     (rewritten(WHOLE, lambda xml: xml.replace("<sheet ", "<sheet & "), "xl/workbook.xml"), "表.xlsx"),
     (rewritten(WHOLE, lambda xml: xml.replace("officeDocument\"", "image\""), "_rels/.rels"), "表.xlsx"), (b"\xff\xfe\xff", "表.csv"), ("户编号,姓名".encode("utf-16"), "表.csv"),
     ('户编号,"姓名'.encode(), "表.csv")],
)  # fmt: skip
def test_a_file_that_cannot_be_read(data: bytes, name: str) -> None:
    assert refusal(data, name)[0] is Code.FILE_UNREADABLE


def without_sheets(xml: str) -> str:
    """A workbook that names no sheet."""
    return re.sub("<sheets>.*</sheets>", "<sheets/>", xml)


@pytest.mark.parametrize("data", [grid(), rewritten(WHOLE, without_sheets, "xl/workbook.xml")])
def test_an_empty_workbook_has_no_header(data: bytes) -> None:
    missing = Text("户编号、姓名、证件号码", "household number, name, identity")
    assert refusal(data, "表.xlsx") == (Code.HEADER_NOT_FOUND, {"columns": missing})


def test_a_sheet_that_is_a_chart_is_passed_over() -> None:
    def fill(book: Any, sheet: Any) -> None:
        chart = book.add_chart({"type": "line"})
        chart.add_series({"values": "=表!$A$1:$A$2"})
        book.add_chartsheet("图").set_chart(chart)
        sheet.write_row(0, 0, HEADER)
        sheet.write_row(1, 0, ("H1", "甲", "123"))

    assert read(excel(fill), "表.xlsx") == {2: ONE}


def test_a_value_far_away_is_a_problem_and_a_format_there_is_none() -> None:
    """The reader keeps a place for every cell up to the last value: the far corner would take all memory there is."""

    def far(value: str) -> bytes:
        def fill(book: Any, sheet: Any) -> None:
            sheet.write_row(0, 0, HEADER)
            sheet.write_row(1, 0, ("H1", "甲", "123"))
            sheet.write(1_048_575, 16_383, value, book.add_format({"border": 1}))

        return excel(fill)

    code, values = refusal(far("x"), "表.xlsx")
    assert (code, str(values["size"])[:21]) == (Code.FILE_TOO_LARGE, "17,179,869,184 个单元格(算")
    assert read(far(""), "表.xlsx") == {2: ONE}


# --- problems back in the workbook ----------------------------------------------------------------------------

TEXTS = {5: "第五行 <&>\"'", 7: "=1+1"}


def table_of(data: bytes, name: str = "表.xlsx") -> Table:
    """The table of a file."""
    return open_table(data, name, COLUMNS)


def cells(data: bytes, sheet: str) -> dict[str, tuple[Any, ...]]:
    """Everything that openpyxl says of each cell of a sheet that holds or shows something."""
    page: Any = openpyxl.load_workbook(io.BytesIO(data))[sheet]
    return {
        cell.coordinate: (cell.value, cell.data_type, cell.number_format, cell.font.b, cell.font.i, cell.border.top)
        for row in page.iter_rows()
        for cell in row
        if cell.value is not None or cell.has_style
    }


def added(before: bytes, after: bytes) -> dict[str, Any]:
    """The texts that were added to the sheet; all other cells must be as they were."""
    old, new = cells(before, "表"), cells(after, "表")
    assert {at: new[at] for at in old} == old
    assert {new[at][1] for at in new.keys() - old.keys()} == {"s"}
    return {at: new[at][0] for at in new.keys() - old.keys()}


def test_problems_stand_at_their_rows_and_nothing_else_changes() -> None:
    before = excel(merged)
    after = with_problems(before, "表.xlsx", table_of(before), TEXTS)
    assert added(before, after) == {"G4": HEADING, "G5": TEXTS[5], "G7": TEXTS[7]}
    old: Any = openpyxl.load_workbook(io.BytesIO(before))
    new: Any = openpyxl.load_workbook(io.BytesIO(after))
    assert sorted(map(str, new["表"].merged_cells.ranges)) == ["B2:F2", "B3:B4", "C3:D3", "E3:E4", "F3:F4"]
    assert new["表"]["F9"].value == "=SUM(F5:F7)"
    assert new["表"].column_dimensions["C"].width == old["表"].column_dimensions["C"].width
    assert new["表"].row_dimensions[6].height == old["表"].row_dimensions[6].height
    with zipfile.ZipFile(io.BytesIO(before)) as source, zipfile.ZipFile(io.BytesIO(after)) as target:
        assert target.testzip() is None
        assert target.namelist() == source.namelist()
        changed = [name for name in source.namelist() if source.read(name) != target.read(name)]
    assert changed == ["xl/worksheets/sheet1.xml"]
    # A second reader, which takes the file by other code.
    for sheet in ("表", "说明 <&>"):
        was = CalamineWorkbook.from_filelike(io.BytesIO(before)).get_sheet_by_name(sheet).to_python()
        now = CalamineWorkbook.from_filelike(io.BytesIO(after)).get_sheet_by_name(sheet).to_python()
        width = len(was[0])
        assert [row[:width] for row in now] == was
        marks = [row[width:] for row in now]
        assert marks == (
            [[m] for m in ("", "", HEADING, TEXTS[5], "", TEXTS[7], "", "")] if sheet == "表" else [[]] * 3
        )
    assert [row.values for row in table_of(after).rows()] == [row.values for row in table_of(before).rows()]


def prefixed(xml: str) -> str:
    """The same sheet with its namespace under a prefix, as some programs write it."""
    return re.sub(r"<(/?)(\w+)(?=[ >/])", r"<\1x:\2", xml).replace("xmlns=", "xmlns:x=")


def unnumbered(xml: str) -> str:
    """The same sheet without the numbers that may be left out."""
    return re.sub(r'(<(?:c|row)\b[^>]*?) r="[A-Z]*\d+"', r"\1", xml)


def with_empty_rows(xml: str) -> str:
    """Self-closing rows between the others."""
    return xml.replace('<row r="2"', '<row r="2" ht="9" customHeight="1"/><row r="3"/><row r="4"')


@pytest.mark.parametrize(
    ("data", "row"),
    [
        (WHOLE, 2),
        (rewritten(WHOLE, prefixed), 2),
        (rewritten(WHOLE, unnumbered), 2),
        (rewritten(WHOLE, lambda xml: prefixed(unnumbered(xml))), 2),
        (rewritten(WHOLE, lambda xml: with_empty_rows(re.sub(r'(<c r="[A-C])2', r"\g<1>4", xml))), 4),
        (rewritten(WHOLE, lambda xml: unnumbered(with_empty_rows(xml))), 4),
        (rewritten(WHOLE, lambda xml: xml.replace("Target=\"worksheets", "Target=\"/xl/worksheets"),
                   "xl/_rels/workbook.xml.rels"), 2),
        (rewritten(WHOLE, lambda xml: xml.replace('<row r="2"', "<row").replace('2" t=', '7" t=')), 7),
    ],
    ids=["plain", "prefixed", "unnumbered", "prefixed-unnumbered", "self-closing", "self-closing-unnumbered",
         "absolute-target", "numbered-cells"],
)  # fmt: skip
def test_problems_in_every_dialect_of_sheet(data: bytes, row: int) -> None:
    table = table_of(data)
    assert [found.number for found in table.rows()] == [row]
    after = with_problems(data, "表.xlsx", table, {row: "不对"})
    assert added(data, after) == {"D1": HEADING, f"D{row}": "不对"}
    rows = CalamineWorkbook.from_filelike(io.BytesIO(after)).get_sheet_by_index(0).to_python(skip_empty_area=False)
    assert (rows[0], rows[row - 1]) == ([*HEADER, HEADING], ["H1", "甲", "123", "不对"])
    with zipfile.ZipFile(io.BytesIO(after)) as archive:
        assert b"spans=" not in archive.read("xl/worksheets/sheet1.xml")


def renamed(data: bytes, change: Callable[[str], str]) -> bytes:
    """The same workbook with other names of its parts."""
    output = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(output, "w") as target:
        for name in source.namelist():
            target.writestr(change(name), source.read(name))
    return output.getvalue()


def strict(xml: str) -> str:
    """The same workbook in the strict form of the standard."""
    return xml.replace("schemas.openxmlformats.org/officeDocument/2006", "purl.oclc.org/ooxml/officeDocument")


@pytest.mark.parametrize(
    "data",
    [rewritten(WHOLE, strict, "xl/workbook.xml"),
     renamed(WHOLE, lambda name: name.replace("worksheets/s", "worksheets\\S")),
     renamed(rewritten(WHOLE, lambda xml: xml.replace('"xl/', '"/book/'), "_rels/.rels"),
             lambda name: name.replace("xl/", "book/"))],
    ids=["strict", "back-slashes", "other-folder"],
)  # fmt: skip
def test_a_sheet_is_found_wherever_the_reader_finds_it(data: bytes) -> None:
    after = with_problems(data, "表.xlsx", table_of(data), {2: "不对"})
    rows = CalamineWorkbook.from_filelike(io.BytesIO(after)).get_sheet_by_index(0).to_python()
    assert rows == [[*HEADER, HEADING], ["H1", "甲", "123", "不对"]]


def test_a_self_closing_row_can_be_marked() -> None:
    data = rewritten(WHOLE, lambda xml: xml.replace("</sheetData>", '<row r="3" ht="9"/></sheetData>'))
    after = with_problems(data, "表.xlsx", table_of(data), {3: "空行"})
    assert added(data, after) == {"D1": HEADING, "D3": "空行"}


def test_attributes_in_single_quotes() -> None:
    data = rewritten(WHOLE, lambda xml: re.sub(r' r="([A-Z]*)2"', r" r='\g<1>5'", xml))
    table = table_of(data)
    assert [found.number for found in table.rows()] == [5]
    assert added(data, with_problems(data, "表.xlsx", table, {5: "不对"})) == {"D1": HEADING, "D5": "不对"}


def styled(book: Any, sheet: Any) -> None:
    """Cells that are empty and have a border, beyond the last column with a value, as printed forms have them."""
    sheet.write_row(0, 0, HEADER)
    sheet.write_row(1, 0, ("H1", "甲", "123"))
    for row in range(2):
        for column in (3, 4):
            sheet.write_blank(row, column, None, book.add_format({"border": 1}))


def places(data: bytes) -> list[str]:
    """The places of the cells of a sheet, in the order in which they stand."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return re.findall(r'<c r="([A-Z]+\d+)"', archive.read("xl/worksheets/sheet1.xml").decode())


def test_no_cell_stands_twice() -> None:
    before = excel(styled)
    after = with_problems(before, "表.xlsx", table_of(before), {2: "不对"})
    assert places(after) == [f"{column}{row}" for row in (1, 2) for column in "ABCDE"]
    # The new text has the border of the empty cell.
    was, now = cells(before, "表"), cells(after, "表")
    assert {at: (now[at][0], now[at][2:]) for at in ("D1", "D2")} == {
        "D1": (HEADING, was["D1"][2:]),
        "D2": ("不对", was["D2"][2:]),
    }
    assert {at: now[at] for at in was if at[0] != "D"} == {at: was[at] for at in was if at[0] != "D"}


def test_the_column_is_inserted_before_cells_that_are_empty() -> None:
    before = rewritten(excel(styled), lambda xml: re.sub('<c r="D[12]" s="1"/>', "", xml))
    after = with_problems(before, "表.xlsx", table_of(before), {2: "不对"})
    assert places(after) == [f"{column}{row}" for row in (1, 2) for column in "ABCDE"]
    assert added(before, after) == {"D1": HEADING, "D2": "不对"}


def test_the_column_stands_right_of_formulas_and_merged_cells() -> None:
    """A formula that was never computed has no value, and all but the first of merged cells are hidden."""

    def fill(_: Any, sheet: Any) -> None:
        sheet.merge_range("A1:Z1", "某县花名册")
        sheet.write_row(1, 0, HEADER)
        sheet.write_row(2, 0, ("H1", "甲", "123"))
        sheet.merge_range("C3:F3", "123")
        sheet.write_formula(2, 6, "=1+1")
        sheet.merge_range("C4:J4", "合计")

    before = rewritten(excel(fill), lambda xml: xml.replace('<v>0</v></c></row><row r="4"', '</c></row><row r="4"'))
    table = table_of(before)
    assert table.width == 3
    assert added(before, with_problems(before, "表.xlsx", table, {3: "不对"})) == {"H2": HEADING, "H3": "不对"}
    assert added(before, with_problems(before, "表.xlsx", table, {})) == {"D2": HEADING}


def test_a_text_that_no_cell_can_hold_is_made_to_fit() -> None:
    after = with_problems(WHOLE, "表.xlsx", table_of(WHOLE), {2: "\x00\x1f\ud800\uffff\t<&>" + "𠮷" * 40_000})
    text = cells(after, "表")["D2"][0]
    assert text[:8] == "\ufffd" * 4 + "\t<&>"
    assert 10_000 < len(text.encode("utf-16-le")) // 2 <= 32_767


def test_a_control_character_does_not_break_the_workbook() -> None:
    before = grid((*HEADER, "出生日期"), ("H1", "甲", "123", "2021\x0b年"))
    table = table_of(before)
    (row,) = table.rows()
    after = with_problems(before, "表.xlsx", table, {2: row.problems[0].message.zh})
    assert set(added(before, after)) == {"E1", "E2"}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_problems_in_a_csv_file(encoding: str) -> None:
    text = '标题\r\n户编号,姓名,证件号码\r\nH1,"𠮷\n某",=1+1\r\n\r\nH2,乙\r\n'
    data = text.encode(encoding)
    table = table_of(data, "表.csv")
    assert [row.number for row in table.rows()] == [3, 5]
    after = with_problems(data, "表.csv", table, {3: "坏", 5: "空"})
    rows = list(csv.reader(io.StringIO(after.decode(encoding), newline="")))
    assert rows == [
        ["标题", "", "", ""], ["户编号", "姓名", "证件号码", HEADING], ["H1", "𠮷\n某", "=1+1", "坏"], ["", "", "", ""],
        ["H2", "乙", "", "空"],
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a"])
def test_a_problem_text_is_never_a_formula(text: str) -> None:
    data = comma(HEADER, ("H1", "甲", "123"))
    after = with_problems(data, "表.csv", table_of(data, "表.csv"), {2: text})
    assert after.decode("utf-8-sig").splitlines()[1] == f"H1,甲,123,'{text}"
    sheet = with_problems(WHOLE, "表.xlsx", table_of(WHOLE), {2: text})
    assert cells(sheet, "表")["D2"][:2] == (text, "s")


# --- amounts in words -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fen", "words"),
    [(0, "零元整"), (1, "壹分"), (10, "壹角整"), (99, "玖角玖分"), (100, "壹元整"), (105, "壹元零伍分"),
     (150, "壹元伍角整"),
     (1000, "壹拾元整"), (1001, "壹拾元零壹分"), (1050, "壹拾元零伍角整"), (300050, "叁仟元零伍角整"),
     # The examples of the rules for filling in payment instruments (正确填写票据和结算凭证的基本规定).
     (140950, "壹仟肆佰零玖元伍角整"), (600714, "陆仟零柒元壹角肆分"), (168032, "壹仟陆佰捌拾元零叁角贰分"),
     (10700053, "壹拾万柒仟元零伍角叁分"), (1640902, "壹万陆仟肆佰零玖元零贰分"), (32504, "叁佰贰拾伍元零肆分"),
     # Zeros inside and between groups; the borders of 万 and 亿.
     (999999, "玖仟玖佰玖拾玖元玖角玖分"), (1_000000, "壹万元整"), (1_000100, "壹万零壹元整"),
     (1_001000, "壹万零壹拾元整"),
     (10_010100, "壹拾万零壹佰零壹元整"), (1005_000000, "壹仟零伍万元整"),
     (9999_999900, "玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元整"), (1_0000_000000, "壹亿元整"), (1_0000_000100, "壹亿零壹元整"),
     (1_0001_000000, "壹亿零壹万元整"), (1_1000_000000, "壹亿壹仟万元整"), (10_0000_500000, "壹拾亿零伍仟元整"),
     (1000_0000_000000, "壹仟亿元整"), (1001_0010_010001, "壹仟零壹亿零壹拾万零壹佰元零壹分")],
)  # fmt: skip
def test_an_amount_in_words(fen: int, words: str) -> None:
    assert amount_in_words(fen) == words


DIGITS = {c: i for i, c in enumerate("零壹贰叁肆伍陆柒捌玖")}


def group_back(words: str) -> int:
    """A number below ten thousand; the units must fall, and a gap between them must be a zero."""
    total, last, zero = 0, 10_000, False
    for digit, unit in re.findall("(零|[壹贰叁肆伍陆柒捌玖])([拾佰仟]?)", words):
        if digit == "零":
            assert not zero
            assert not unit
            zero = True
            continue
        size = {"": 1, "拾": 10, "佰": 100, "仟": 1000}[unit]
        assert size < last
        assert zero == (size * 10 != last) or not total
        total, last, zero = total + DIGITS[digit] * size, size, False
    assert not zero
    return total


def fen_back(words: str) -> int:
    """An independent reader of amounts in capitals."""
    found = re.fullmatch("(?:(.+)元)?(零)?(?:(.)角)?(?:(.)分|整)", words)
    assert found is not None
    yuan, _, jiao, cent = found.groups()
    total = 0
    if yuan and yuan != "零":
        groups = re.fullmatch("(?:(.+)兆)?(?:(.+)亿)?(?:(.+)万)?(.+)?", yuan.replace("万亿", "兆"))
        assert groups is not None
        for position, group in enumerate(groups.groups()):
            total = total * 10_000
            if group:
                number = group_back(group)
                assert number
                assert not (position and total and number < 1000) or group.startswith("零")
                total += number
    return total * 100 + 10 * DIGITS[jiao or "零"] + DIGITS[cent or "零"]


@given(st.one_of(st.integers(0, 10**6), st.integers(0, 10**13), st.integers(0, 10**18 - 1)))
@example(10**18 - 1)
@example(10**13)
def test_the_words_say_the_amount(fen: int) -> None:
    words = amount_in_words(fen)
    assert fen_back(words) == fen
    assert "零零" not in words
    assert words.endswith("整") == (fen % 10 == 0)
    assert not words.startswith("零") or words == "零元整"


@pytest.mark.parametrize("fen", [-1, 10**18])
def test_an_amount_that_has_no_words(fen: int) -> None:
    with pytest.raises(ValueError, match="cannot be written"):
        amount_in_words(fen)


# --- writing --------------------------------------------------------------------------------------------------


def test_a_written_workbook_says_what_it_was_given() -> None:
    columns = [
        SheetColumn("姓名"), SheetColumn("账号"), SheetColumn("金额", "money"), SheetColumn("人数", "count"),
        SheetColumn("日期", "day"),
    ]  # fmt: skip
    rows = [
        ("=1+1", "6228480000000001234", 33333, 3, SEPTEMBER),
        ("@甲", "00123", 10**13, 0, None),
        ("http://example.cn", None, 1, 12, MAY),
    ]
    sheets = [
        Sheet("名册", "某县名册", columns, rows, above=("=HYPERLINK(1)",), below=("审核:", "+1"), total=True),
        Sheet("空", "没有人", columns[:3], [], total=True),
        Sheet("无合计", "一列", columns[:1], [("甲",)]),
    ]
    data = workbook(sheets)
    book: Any = openpyxl.load_workbook(io.BytesIO(data))
    page = book["名册"]
    assert [[cell.value for cell in row] for row in page.iter_rows()] == [
        ["某县名册", None, None, None, None],
        ["=HYPERLINK(1)", None, None, None, None],
        ["姓名", "账号", "金额", "人数", "日期"],
        ["=1+1", "6228480000000001234", 333.33, 3, datetime.combine(SEPTEMBER, time())],
        ["@甲", "00123", 100000000000, 0, None],
        ["http://example.cn", None, 0.01, 12, datetime.combine(MAY, time())],
        ["合计", None, 100000000333.34, 15, None],
        ["审核:", None, None, None, None],
        ["+1", None, None, None, None],
    ]
    assert [cell.data_type for cell in page["A"]] == ["s"] * 9
    assert [cell.data_type for cell in page["B"][3:6]] == ["s", "s", "n"]
    assert {cell.number_format for cell in page["B"][3:6]} == {"@"}
    assert {cell.number_format for cell in page["C"][3:7]} == {"#,##0.00"}
    assert [cell.hyperlink for cell in page["A"]] == [None] * 9
    assert page.print_title_rows == "$3:$3"
    assert (page.page_setup.paperSize, page.page_setup.orientation) == (9, "portrait")
    # 19 digits and a margin of two, each column with its part of what the longest line needs.
    assert [page.column_dimensions[letter].width for letter in "BC"] == pytest.approx([21, 20], abs=1)
    empty = [[cell.value for cell in row] for row in book["空"].iter_rows(min_row=2)]
    assert empty == [["姓名", "账号", "金额"], ["合计", None, 0]]
    assert [row[0].value for row in book["无合计"].iter_rows()] == ["一列", "姓名", "甲"]
    read_back = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_name("名册").to_python()
    assert read_back[3][:4] == ["=1+1", "6228480000000001234", 333.33, 3.0]
    assert read_back[6][2] == 100000000333.34


def test_a_wide_list_lies_on_its_side_and_a_long_text_has_room() -> None:
    long = "养殖业总收入的20%" * 6
    data = workbook(
        [Sheet("名册", "某县名册", [SheetColumn(f"列{i}") for i in range(6)], [(long, *"abcde"), (*"abcdef",)])]
    )
    page: Any = openpyxl.load_workbook(io.BytesIO(data)).worksheets[0]
    assert [page.column_dimensions["A"].width, page.row_dimensions[3].height] == [pytest.approx(40, abs=1), 45]
    assert page.row_dimensions[4].height is None
    assert page.page_setup.orientation in (None, "portrait")
    wide = workbook([Sheet("名册", "某县名册", [SheetColumn("列" * 12) for _ in range(6)], [])])
    assert openpyxl.load_workbook(io.BytesIO(wide)).worksheets[0].page_setup.orientation == "landscape"
