"""Reading an office's own workbooks: merged headers, titles above, totals below, days as text.

A kind of workbook declares its columns with the headers offices use for them. The header row is found by what it
says; a header that is not known can be matched once and is remembered (see ``registry``). Every cell that cannot be
understood becomes a problem at its row and column, and nothing is guessed: a number where digits matter is refused,
because Excel has already lost the last of them.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias

from python_calamine import CalamineError, CalamineWorkbook

from bangfu.errors import Code, Problem, Refused
from bangfu.policy import LARGEST_FEN
from bangfu.text import Text

Cell: TypeAlias = str | float | int | bool | date | datetime | time | timedelta | None

HEADER_DEPTH = 20
"""The header stands within the first rows of a sheet."""
LARGEST_UNPACKED = 600 * 1024 * 1024
_FOOTER = re.compile(r"^(合计|总计|小计|共计|填表|制表|审核|审批|备注|说明|注[::]|负责人|经办人)")
_LONG_NUMBER = re.compile(r"\d(\.\d+)?[eE]\+\d+")


class CellProblem(Exception):
    """A cell cannot be understood."""

    def __init__(self, code: Code, **values: object) -> None:
        super().__init__(code.name)
        self.code, self.values = code, values


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a kind of workbook: its name, its two titles, the headers offices use, and how a cell is read.

    ``read`` gets a non-empty cell and raises :class:`CellProblem`.
    """

    name: str
    title: Text
    read: Callable[[Cell], Any]
    aliases: tuple[str, ...] = ()
    required: bool = True
    """Whether the sheet must have the column."""
    filled: bool = True
    """Whether the cell must be filled where the column is required."""


@dataclass(slots=True)
class Row:
    """One row: its number in the sheet (from 1), what was read, and what could not be."""

    number: int
    values: dict[str, Any]
    problems: list[Problem] = field(default_factory=list)


# --- cells ----------------------------------------------------------------------------------------------------


def plain(cell: Cell) -> str:
    """A cell as text: full-width forms folded, outer blanks gone, a whole number without its point."""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return unicodedata.normalize("NFKC", str(cell)).strip()


def read_text(cell: Cell) -> str:
    """Any text. A NUL or a lone surrogate is refused: no database takes them."""
    text = plain(cell)
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise CellProblem(Code.BAD_VALUE, value="?", expected=Text("可显示的文字", "printable text"))
    return text


def read_name(cell: Cell) -> str:
    """A person's name: inner blanks gone, the separator of names made U+00B7 whatever dot was typed."""
    name = re.sub(r"[\u2022\u2027\u30fb\u22c5.]", "·", re.sub(r"\s+", "", read_text(cell)))
    if not 1 <= len(name) <= 50 or any(character.isdigit() and character.isascii() for character in name[:1]):
        raise CellProblem(Code.BAD_VALUE, value=name, expected=Text("姓名", "a name"))
    return name


def read_digits(cell: Cell) -> str:
    """Digits that matter to the last, such as an identity or account number: a number is refused."""
    if isinstance(cell, bool | int | float) or _LONG_NUMBER.fullmatch(plain(cell)):
        raise CellProblem(Code.DIGITS_LOST)
    return re.sub(r"[\s-]", "", read_text(cell)).upper()


def read_day(cell: Cell) -> date:
    """A day: a real date, or text such as 2021-09-30, 2021.9.30, 2021/9/30, 20210930, 2021年9月30日."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    text = plain(cell)
    match = re.fullmatch(r"(\d{4})[-./年](\d{1,2})[-./月](\d{1,2})日?", text) or re.fullmatch(
        r"(\d{4})(\d\d)(\d\d)", text
    )
    try:
        if match:
            return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        pass
    raise CellProblem(Code.BAD_DATE, value=text)


def read_fen(cell: Cell) -> int:
    """An amount of money in yuan as integer fen; more than two decimals, or a negative amount, is refused."""
    text = re.sub(r"[,,¥¥元\s]", "", plain(cell))
    expected = Text("金额(元),最多两位小数", "an amount in yuan with at most two decimals")
    try:
        value = Decimal(repr(cell) if isinstance(cell, float) else text)
    except InvalidOperation:
        raise CellProblem(Code.BAD_VALUE, value=plain(cell), expected=expected) from None
    if isinstance(cell, float):
        # A sheet stores 0.1 + 0.2 as 0.30000000000000004: what it shows is what was meant.
        value = round(value, 6)
    fen = value.scaleb(2)
    if not value.is_finite() or fen != fen.to_integral_value() or not 0 <= fen <= LARGEST_FEN:
        raise CellProblem(Code.BAD_VALUE, value=plain(cell), expected=expected)
    return int(fen)


def read_quantity(cell: Cell) -> Decimal:
    """A quantity with at most three decimals."""
    expected = Text("数量", "a quantity")
    try:
        value = round(Decimal(str(cell) if isinstance(cell, float) else plain(cell).replace(",", "")), 6)
    except InvalidOperation:
        raise CellProblem(Code.BAD_VALUE, value=plain(cell), expected=expected) from None
    if value.scaleb(3) != value.scaleb(3).to_integral_value() or not 0 <= value < 10**11:
        raise CellProblem(Code.BAD_VALUE, value=plain(cell), expected=expected)
    return value


def read_year(cell: Cell) -> int:
    """A calendar year, with or without 年."""
    text = plain(cell).removesuffix("年").removesuffix("年度")
    if not re.fullmatch(r"(19|20)\d\d", text):
        raise CellProblem(Code.BAD_VALUE, value=plain(cell), expected=Text("年份", "a year"))
    return int(text)


def read_yes_no(cell: Cell) -> bool:
    """是 or 否."""
    text = plain(cell).lower()
    if text in ("是", "√", "y", "yes", "true", "1"):
        return True
    if text in ("否", "×", "n", "no", "false", "0"):
        return False
    raise CellProblem(Code.BAD_VALUE, value=plain(cell), expected=Text("是或否", "是 (yes) or 否 (no)"))


def one_of(choices: Mapping[str, Any]) -> Callable[[Cell], Any]:
    """One of several words, each meaning a value."""

    def read(cell: Cell) -> Any:
        text = plain(cell)
        if text not in choices:
            listed = Text("、".join(choices), ", ".join(choices))
            raise CellProblem(Code.BAD_VALUE, value=text, expected=listed)
        return choices[text]

    return read


# --- sheets ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Table:
    """A sheet with its header found: which column stands where (counted from 0), and the rows below."""

    sheet: str
    columns: Mapping[int, Column]
    header_rows: tuple[int, ...]
    width: int
    height: int
    _rows: Callable[[], Iterator[Sequence[Cell]]]

    def rows(self) -> Iterator[Row]:
        """The rows below the header, without blank ones and footers."""
        key = min(position for position, column in self.columns.items() if column.required)
        for index, cells in enumerate(self._rows()):
            if index <= self.header_rows[-1] or all(_blank(cell) for cell in cells):
                continue
            first = next(plain(cell) for cell in cells if not _blank(cell))
            if _FOOTER.match(first) and (key >= len(cells) or _blank(cells[key]) or plain(cells[key]) == first):
                continue
            yield self._row(index + 1, cells)

    def _row(self, number: int, cells: Sequence[Cell]) -> Row:
        row = Row(number, {})
        for position, column in self.columns.items():
            cell = cells[position] if position < len(cells) else None
            if _blank(cell):
                row.values[column.name] = None
                if column.required and column.filled:
                    row.problems.append(Code.MISSING_VALUE.problem("rows", number, column.name, field=column.title))
                continue
            try:
                row.values[column.name] = column.read(cell)
            except CellProblem as problem:
                row.values[column.name] = None
                values = {"field": column.title, **problem.values}
                row.problems.append(problem.code.problem("rows", number, column.name, **values))
        return row


def open_table(
    data: bytes,
    name: str,
    columns: Sequence[Column],
    stated: Mapping[str, str] | None = None,
    remembered: Mapping[str, str] | None = None,
) -> Table:
    """Find the sheet and header row that hold the columns.

    ``stated`` and ``remembered`` map further headers to column names; a stated header must be there. Refuses
    ``FILE_UNREADABLE``, ``HEADER_NOT_FOUND`` (naming the missing columns) and ``HEADER_UNKNOWN``.
    """
    stated = dict(stated or {})
    matches = {**(remembered or {}), **stated}
    known = {column.name for column in columns}
    sheets = list(_sheets(data, name))
    tables: list[tuple[int, Table, list[Column]]] = []
    headers: list[str] = []
    for sheet, grid in sheets:
        found = _find_header(sheet, grid, columns, matches)
        tables.append(found[:3])
        headers = headers or found[3]
    _, table, missing = max(tables, key=lambda found: found[0])
    seen = {folded for _, grid in sheets for cells in _head(grid) for cell in cells if (folded := fold(cell))}
    for header, column in stated.items():
        if column not in known or fold(header) not in seen:
            raise Code.HEADER_UNKNOWN.refuse(
                "matches", header=header, column=column, headers=", ".join(headers), columns=", ".join(sorted(known))
            )
    if missing:
        names = Text("、".join(c.title.zh for c in missing), ", ".join(c.title.en for c in missing))
        raise Code.HEADER_NOT_FOUND.refuse("file", columns=names)
    return table


def fold(header: Cell) -> str:
    """A header as it is compared: no blanks, marks or units."""
    if _blank(header):
        return ""
    return re.sub(r"\(.*?\)|[\s*:、/_-]", "", plain(header)).lower()


def _blank(cell: Cell) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


@dataclass(frozen=True, slots=True)
class _Grid:
    rows: Callable[[], Iterator[Sequence[Cell]]]
    width: int
    height: int


def _head(grid: _Grid) -> list[Sequence[Cell]]:
    rows = grid.rows()
    return [cells for cells, _ in zip(rows, range(HEADER_DEPTH), strict=False)]


def _find_header(
    sheet: str, grid: _Grid, columns: Sequence[Column], matches: Mapping[str, str]
) -> tuple[int, Table, list[Column], list[str]]:
    """The row (or the two rows, where headers are merged) that matches most columns."""
    by_header = {fold(header): column for column in columns for header in (column.title.zh, *column.aliases)}
    by_name = {column.name: column for column in columns}
    by_header.update({fold(header): by_name[name] for header, name in matches.items() if name in by_name})
    head = _head(grid)
    best: tuple[int, dict[int, Column], tuple[int, ...], list[str]] = (-1, {}, (0,), [])
    for top in range(len(head)):
        for rows in ((top,), (top, top + 1)):
            if rows[-1] >= len(head):
                continue
            labels = _labels([head[row] for row in rows], grid.width)
            matched: dict[int, Column] = {}
            for position, label in labels.items():
                column = by_header.get(label)
                if column is not None and column not in matched.values():
                    matched[position] = column
            score = 2 * len(matched) - len(rows)  # of equal matches the single row is the header
            if score > best[0]:
                best = (score, matched, rows, [label for label in labels.values() if label])
    missing = [column for column in columns if column.required and column not in best[1].values()]
    table = Table(sheet, best[1], best[2], grid.width, grid.height, grid.rows)
    return best[0], table, missing, best[3]


def _labels(rows: Sequence[Sequence[Cell]], width: int) -> dict[int, str]:
    """The header of each column: the lowest filled cell of the header rows."""
    labels = {}
    for position in range(width):
        texts = [fold(row[position]) for row in rows if position < len(row)]
        labels[position] = next((text for text in reversed(texts) if text), "")
    return labels


def _sheets(data: bytes, name: str) -> Iterator[tuple[str, _Grid]]:
    if name.lower().endswith(".csv"):
        yield _csv_sheet(data)
        return
    if not name.lower().endswith(".xlsx"):
        raise Code.FILE_UNREADABLE.refuse("file", detail=name)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(item.file_size for item in archive.infolist()) > LARGEST_UNPACKED:
                raise Code.FILE_UNREADABLE.refuse("file", detail=name)
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(data))
        for sheet_name in workbook.sheet_names:
            sheet = workbook.get_sheet_by_name(sheet_name)
            if sheet.height:
                height, width = (last + 1 for last in sheet.end or (0, 0))
                yield sheet_name, _Grid(sheet.iter_rows, width, height)
    except (CalamineError, zipfile.BadZipFile, KeyError) as error:
        raise Code.FILE_UNREADABLE.refuse("file", detail=str(error)) from error


def decode(data: bytes) -> tuple[str, str]:
    """The text of a CSV file and its encoding: UTF-8, else GB 18030. Refuses ``FILE_UNREADABLE``."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise Code.FILE_UNREADABLE.refuse("file", detail="UTF-8 / GB 18030")


def _csv_sheet(data: bytes) -> tuple[str, _Grid]:
    text, _ = decode(data)
    try:
        rows: list[Sequence[Cell]] = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise Refused([Code.FILE_UNREADABLE.problem("file", detail=str(error))]) from error
    width = max((len(row) for row in rows), default=0)
    return "csv", _Grid(lambda: iter(rows), width, len(rows))
