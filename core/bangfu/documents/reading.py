"""Reading an office's own workbooks: merged headers, titles above, totals below, days as text.

A kind of workbook declares its columns with the headers offices use for them. The header row is found by what it
says; a header that is not known can be matched once and is remembered (see ``registry``). Every cell that cannot be
understood becomes a problem at its row and column, and nothing is guessed: a number where digits matter is refused,
because Excel has already lost the last of them.
"""

from __future__ import annotations

import csv
import io
import posixpath
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import IO, Any, TypeAlias
from xml.etree import ElementTree

from python_calamine import CalamineError, CalamineWorkbook

from bangfu.errors import Code, Problem, Refused
from bangfu.policy import LARGEST_FEN
from bangfu.text import Text

Cell: TypeAlias = str | float | int | bool | date | datetime | time | timedelta | None

HEADER_DEPTH = 20
"""The header stands within the first rows of a sheet."""
LARGEST_UNPACKED = 600 * 1024 * 1024
LARGEST_AREA = 5_000_000
"""The most cells of a workbook, empty ones among the filled ones counted: 100,000 rows of 50 columns."""
_PIECE = 1024 * 1024
_TOTAL = re.compile(r"(合计|总计|小计|共计):?")
_FOOTER = re.compile(r"合计|总计|小计|共计|填表|制表|审核|审批|备注|说明|注:|负责人|经办人")
_LONG_NUMBER = re.compile(r"\d(\.\d+)?[eE]\+\d+")
_NUMBER = re.compile(r"(?P<sign>[+-]?)(?P<whole>[0-9]*|[0-9]{1,3}(,[0-9]{3})+)(\.(?P<decimals>[0-9]*))?")
_DOTS = re.compile("[\u2022\u2027\u2219\u22c5\u25cf\u25e6\u2981\u2e31\u2e33\u30fb\ua78f.]")
_NO_VALUE = re.compile(r"#(N/A|DIV/0!|GETTING_DATA|[A-Z]+[!?]|##+)")
"""What a sheet shows where a formula failed or, as ####, where a column is too narrow."""
_ERROR_CELL = re.compile(rb"""(<(?:\w+:)?c\s(?:[^<>]*?\s)?t\s*=\s*)(?:"e"|'e')""")
_FILLED_CELL = re.compile(rb"""\sr\s*=\s*["']([A-Za-z]+)([0-9]+)["'][^<>]*(?<!/)>""")
_DAMAGED = (
    CalamineError,
    zipfile.BadZipFile,
    zlib.error,
    ElementTree.ParseError,
    # What zipfile and expat say of a name, a place, a packing or an encoding that cannot be.
    LookupError,
    RuntimeError,
    ValueError,
    EOFError,
    OSError,
)


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
    name = _DOTS.sub("\u00b7", re.sub(r"\s+", "", read_text(cell)))
    if not 1 <= len(name) <= 50 or any(character.isdigit() and character.isascii() for character in name[:1]):
        raise CellProblem(Code.BAD_VALUE, value=name, expected=Text("姓名", "a name"))
    return name


def read_digits(cell: Cell) -> str:
    """Digits that matter to the last, such as an identity or account number: a number is refused."""
    if isinstance(cell, bool | int | float) or _LONG_NUMBER.fullmatch(plain(cell)):
        raise CellProblem(Code.DIGITS_LOST)
    text = re.sub(r"[\s-]", "", read_text(cell)).upper()
    # Digits of other scripts mean the same and compare as different: one person would become two.
    foreign = "".join(character for character in text if character.isdigit() and not character.isascii())
    if foreign:
        raise CellProblem(Code.BAD_VALUE, value=foreign, expected=Text("数字 0 至 9", "the digits 0 to 9"))
    return text


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
    if match is None:
        raise CellProblem(Code.BAD_DATE, value=text)
    try:
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        raise CellProblem(Code.BAD_DATE, value=text) from None


def read_fen(cell: Cell) -> int:
    """An amount of money in yuan as integer fen; more than two decimals, or a negative amount, is refused."""
    expected = Text("金额(元),最多两位小数", "an amount in yuan with at most two decimals")
    return _units(cell, plain(cell).removeprefix("¥").removesuffix("元").strip(), 2, LARGEST_FEN, expected)


def read_quantity(cell: Cell) -> Decimal:
    """A quantity with at most three decimals."""
    expected = Text("数量,最多三位小数", "a quantity with at most three decimals")
    return Decimal(_units(cell, plain(cell), 3, 10**14 - 1, expected)).scaleb(-3)


def _units(cell: Cell, text: str, places: int, largest: int, expected: Text) -> int:
    """A number that is not negative, in units of its last decimal place; no digit of a text is rounded away."""
    if isinstance(cell, float) and abs(cell) < 10**15:
        # A sheet stores 0.1 + 0.2 as 0.30000000000000004: what it shows, 15 digits at most, is what was meant.
        text = f"{round(Decimal(f'{cell:.15g}'), 6):f}"
    match = _NUMBER.fullmatch(text)
    if match and (match["whole"] or match["decimals"]):
        whole = match["whole"].replace(",", "").lstrip("0")
        decimals = (match["decimals"] or "").rstrip("0")
        # Lengths first: Python refuses to make an integer of thousands of digits.
        if len(whole) <= len(str(largest)) and len(decimals) <= places:
            units = int(f"{match['sign']}0{whole}{decimals.ljust(places, '0')}")
            if 0 <= units <= largest:
                return units
    raise CellProblem(Code.BAD_VALUE, value=plain(cell), expected=expected)


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
    """A sheet with its header found: which column stands where (counted from 0), and the rows below.

    ``part`` names the sheet's part of the workbook's archive; a CSV file has none.
    """

    sheet: str
    part: str
    columns: Mapping[int, Column]
    header_rows: tuple[int, ...]
    width: int
    height: int
    _rows: Callable[[], Iterator[Sequence[Cell]]]

    def rows(self) -> Iterator[Row]:
        """The rows below the header, without blank ones and footers."""
        for index, cells in enumerate(self._rows()):
            if index <= self.header_rows[-1]:
                continue
            first = next((position for position, cell in enumerate(cells) if not _blank(cell)), None)
            if first is not None and not self._is_footer(cells, first):
                yield self._row(index + 1, cells)

    def _is_footer(self, cells: Sequence[Cell], first: int) -> bool:
        """Whether a row begins with a word of footers and says nothing in most of what every row must have.

        A total may also stand where a number or a name should; no other word says by itself that a row is none.
        """
        word = _word(cells[first])
        if not _FOOTER.match(word):
            return False
        required = {position for position, column in self.columns.items() if column.required}
        if first in required and _TOTAL.fullmatch(word):
            return True
        others = [cells[position] for position in required - {first} if position < len(cells)]
        said = [cell for cell in others if not _blank(cell) and not _FOOTER.match(_word(cell))]
        return not said or 2 * len(said) < len(required - {first})

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
                row.values[column.name] = _read(column, cell)
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

    ``stated`` and ``remembered`` map further headers to column names and go before the known ones; a stated header
    must be there, ``BAD_VALUE`` refuses two of one column. Refuses ``FILE_UNREADABLE``, ``FILE_TOO_LARGE``,
    ``HEADER_NOT_FOUND`` (naming the missing columns) and ``HEADER_UNKNOWN``.
    """
    stated, remembered = dict(stated or {}), dict(remembered or {})
    sheets = list(_sheets(data, name)) or [("", _Grid(lambda: iter(()), 0, 0))]
    each = [_find_header(sheet, grid, columns, stated, remembered) for sheet, grid in sheets]
    found = max(each, key=lambda found: found.score)
    known = {column.name for column in columns}
    for header, column in stated.items():
        if column not in known or fold(header) not in found.headers:
            headers, names = ", ".join(found.headers), ", ".join(sorted(known))
            raise Code.HEADER_UNKNOWN.refuse("matches", header=header, column=column, headers=headers, columns=names)
        if list(stated.values()).count(column) > 1:
            expected = Text("只由一个表头对应的字段", "a field that only one header stands for")
            raise Code.BAD_VALUE.refuse("matches", field=header, value=column, expected=expected)
    if found.missing:
        titles = Text("、".join(c.title.zh for c in found.missing), ", ".join(c.title.en for c in found.missing))
        raise Code.HEADER_NOT_FOUND.refuse("file", columns=titles)
    return found.table


def fold(header: Cell) -> str:
    """A header as it is compared: no blanks, marks or units."""
    if _blank(header):
        return ""
    return re.sub(r"\(.*?\)|[\s*:、/_-]", "", plain(header)).lower()


def _read(column: Column, cell: Cell) -> Any:
    """What a filled cell says; the word of an error (#N/A) is no text of anybody."""
    if isinstance(cell, str) and _NO_VALUE.fullmatch(cell.strip()):
        expected = Text("实际的值,而不是错误标记", "a value and no mark of an error")
        raise CellProblem(Code.BAD_VALUE, value=cell.strip(), expected=expected)
    return column.read(cell)


def _word(cell: Cell) -> str:
    return re.sub(r"\s", "", plain(cell))


def _blank(cell: Cell) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


@dataclass(frozen=True, slots=True)
class _Grid:
    rows: Callable[[], Iterator[Sequence[Cell]]]
    width: int
    height: int
    part: str = ""


@dataclass(frozen=True, slots=True)
class _Found:
    """What was found on one sheet; the sheet with the highest score is the one."""

    score: tuple[int, int]
    table: Table
    headers: Sequence[str]
    missing: Sequence[Column]


def _head(grid: _Grid) -> list[Sequence[Cell]]:
    rows = grid.rows()
    return [cells for cells, _ in zip(rows, range(HEADER_DEPTH), strict=False)]


def _find_header(
    sheet: str, grid: _Grid, columns: Sequence[Column], stated: Mapping[str, str], remembered: Mapping[str, str]
) -> _Found:
    """The row (or the two rows, where headers are merged) that matches most columns."""
    by_name = {column.name: column for column in columns}
    by_header = {fold(header): (0, column) for column in columns for header in (column.title.zh, *column.aliases)}
    for rank, matches in ((1, remembered), (2, stated)):
        by_header.update({fold(header): (rank, by_name[name]) for header, name in matches.items() if name in by_name})
    head = _head(grid)
    best = _Found((-1, 0), Table(sheet, grid.part, {}, (0,), grid.width, grid.height, grid.rows), (), ())
    for top in range(len(head)):
        for rows in ((top,), (top, top + 1)):
            if rows[-1] >= len(head):
                continue
            labels = _labels([head[row] for row in rows], grid.width)
            matched = _matched(labels, by_header)
            # Of equal matches the single row is the header, and the one with what the officer stated.
            score = 2 * len(matched) - len(rows), sum(fold(header) in labels.values() for header in stated)
            if score > best.score:
                table = Table(sheet, grid.part, matched, rows, grid.width, grid.height, grid.rows)
                best = _Found(score, table, [label for label in labels.values() if label], ())
    found = {column.name for column in best.table.columns.values()}
    return replace(best, missing=[column for column in columns if column.required and column.name not in found])


def _matched(labels: Mapping[int, str], by_header: Mapping[str, tuple[int, Column]]) -> dict[int, Column]:
    """Where each column stands: under the header that the officer stated, else under a remembered, else a known one.

    Of equal headers the first one holds the column.
    """
    best: dict[str, tuple[int, int, Column]] = {}
    for position, label in labels.items():
        if label in by_header:
            rank, column = by_header[label]
            if column.name not in best or rank > best[column.name][0]:
                best[column.name] = rank, position, column
    return {position: column for _, position, column in best.values()}


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
        readable, parts = _readable(data, name)
        workbook = CalamineWorkbook.from_filelike(readable)
        for sheet_name in workbook.sheet_names:
            sheet = workbook.get_sheet_by_name(sheet_name)
            if sheet.height:
                height, width = (last + 1 for last in sheet.end or (0, 0))
                yield sheet_name, _Grid(sheet.iter_rows, width, height, parts[sheet_name])
    except _DAMAGED as error:
        raise Code.FILE_UNREADABLE.refuse("file", detail=str(error)) from error


def _readable(data: bytes, name: str) -> tuple[IO[bytes], Mapping[str, str]]:
    """The workbook as the reader may have it, and the parts of its sheets.

    It is whole, of a size that fits, and has the errors of formulas as text: the reader gives an error (#N/A) as a
    blank cell, and would set aside memory for every cell up to the last one.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = archive.infolist()
        if sum(part.file_size for part in parts) > LARGEST_UNPACKED:
            raise Code.FILE_UNREADABLE.refuse("file", detail=name)
        sheets = _sheet_parts(archive)
        looks = [_look_through(archive, part) for part in parts]
        area = sum(area for area, _ in looks)
        if area > LARGEST_AREA:
            size = Text(
                f"{area:,} 个单元格(算至最后有内容的行和列)", f"{area:,} cells (up to the last filled row and column)"
            )
            limit = Text(f"{LARGEST_AREA:,} 个", f"{LARGEST_AREA:,}")
            raise Code.FILE_TOO_LARGE.refuse("file", size=size, limit=limit)
        if not any(errors for _, errors in looks):
            return io.BytesIO(data), sheets
        changed = io.BytesIO()
        with zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target:
            for part, (_, errors) in zip(parts, looks, strict=True):
                with target.open(part.filename, "w", force_zip64=part.file_size > 2**31) as written:
                    for piece in _pieces(archive, part):
                        written.write(_ERROR_CELL.sub(rb'\1"str"', piece) if errors else piece)
        changed.seek(0)
        return changed, sheets


def _sheet_parts(archive: zipfile.ZipFile) -> dict[str, str]:
    """The parts of the sheets by their names. Other formats have none, and problems could not be written into them."""
    # Programs differ in the case and the slashes of names, and in the namespaces of what they write.
    names = {name.replace("\\", "/").lower(): name for name in archive.namelist()}

    def parsed(path: str) -> ElementTree.Element:
        return ElementTree.fromstring(archive.read(names[path.lower()]))  # noqa: S314 - expat refuses entity bombs

    def related(part: str, key: str) -> dict[str, str]:
        folder, file = posixpath.split(part)
        relations = parsed(posixpath.join(folder, "_rels", f"{file}.rels"))
        return {
            element.attrib[key]: posixpath.normpath(posixpath.join("/", folder, element.attrib["Target"])).lstrip("/")
            for element in relations
        }

    books = [path for kind, path in related("", "Type").items() if kind.endswith("/officeDocument")]
    if not books:
        raise Code.FILE_UNREADABLE.refuse("file", detail="workbook.xml")
    relations = related(books[0], "Id")
    return {
        element.attrib["name"]: names[relations[relation].lower()]
        for element in parsed(books[0]).iter()
        if element.tag.endswith("}sheet")
        for key, relation in element.attrib.items()
        if key.endswith("}id")
    }


def _look_through(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> tuple[int, bool]:
    """How many cells there are down and right to the last filled one, and whether there may be errors among them."""
    height, width, errors = 0, 0, False
    for piece in _pieces(archive, part):
        errors = errors or b'"e"' in piece or b"'e'" in piece
        if places := _FILLED_CELL.findall(piece):
            columns, rows = (set(found) for found in zip(*places, strict=True))
            height = max(height, *map(int, rows))
            width = max(width, *(column_index(column) + 1 for column in columns))
    return height * width, errors


def _pieces(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> Iterator[bytes]:
    """The text of a part in pieces that do not cut a tag in two."""
    with archive.open(part) as source:
        rest = b""
        while block := source.read(_PIECE):
            text = rest + block
            end = text.rfind(b">") + 1 or len(text)
            yield text[:end]
            rest = text[end:]
        yield rest


def column_index(letters: bytes) -> int:
    """The number of a column counted from 0: A is 0, Z 25, AA 26."""
    index = 0
    for letter in letters.upper():
        index = 26 * index + letter - 64
    return index - 1


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
