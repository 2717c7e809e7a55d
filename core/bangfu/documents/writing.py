"""Workbooks that an office prints and a bank reads: a title, a table, its total in figures and in words, and who signs.

Numbers that are digits (identity, account) are written as text; nothing a person typed is ever taken for a formula.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import xlsxwriter

_ADDED = ("money", "count")
_WIDEST, _UPRIGHT, _ACROSS = 40, 100, 140
"""In cells: the widest column, beyond which a text runs over several lines, and what paper holds upright and across."""
_LINE = 15
"""The height of a line in points."""


@dataclass(frozen=True, slots=True)
class SheetColumn:
    """One column of a sheet to write: money in fen, counts that are added up, integers that are not."""

    header: str
    kind: Literal["text", "money", "count", "integer", "day"] = "text"


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: lines above the table, the table, a total of its money and counts if asked for, and lines below.

    With ``page_rows``, a printed page holds so many rows and ends with their total; a table of one page has none.
    """

    name: str
    title: str
    columns: Sequence[SheetColumn]
    rows: Iterable[Sequence[Any]]
    above: Sequence[str] = ()
    below: Sequence[str] = ()
    total: bool = False
    page_rows: int | None = None


def workbook(sheets: Sequence[Sheet]) -> bytes:
    """An XLSX workbook of the sheets, ready to print on A4 with the header repeated on every page."""
    output = io.BytesIO()
    book = xlsxwriter.Workbook(output, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    base = {"font_name": "宋体", "font_size": 10, "valign": "vcenter"}
    cell = {**base, "border": 1}
    formats = {
        "title": book.add_format({**base, "font_size": 16, "bold": True, "align": "center"}),
        "line": book.add_format(base),
        "header": book.add_format({**cell, "bold": True, "align": "center", "text_wrap": True}),
        "text": book.add_format({**cell, "num_format": "@", "text_wrap": True}),
        "count": book.add_format({**cell, "num_format": "#,##0"}),
        "money": book.add_format({**cell, "num_format": "#,##0.00"}),
        "integer": book.add_format({**cell, "num_format": "0"}),
        "day": book.add_format({**cell, "num_format": "yyyy-mm-dd"}),
    }
    for sheet in sheets:
        _write(book.add_worksheet(sheet.name), sheet, formats)
    book.close()
    return output.getvalue()


def _write(page: Any, sheet: Sheet, formats: dict[str, Any]) -> None:
    last = len(sheet.columns) - 1
    page.set_paper(9)
    page.fit_to_pages(1, 0)
    page.set_footer("&C第 &P 页,共 &N 页")
    widths = [_cells(column.header) + 2 for column in sheet.columns]
    page.merge_range(0, 0, 0, max(1, last), sheet.title, formats["title"])
    page.set_row(0, 2 * _LINE)
    row = 1
    for line in sheet.above:
        page.write_string(row, 0, line, formats["line"])
        row += 1
    for position, column in enumerate(sheet.columns):
        page.write_string(row, position, column.header, formats["header"])
    page.repeat_rows(row)
    totals = [0] * len(sheet.columns)
    pages = _Pages(sheet)
    for place, values in enumerate(sheet.rows):
        if pages.full(place):
            row += 1
            _sum(page, row, sheet, "本页小计", pages.turn(totals), formats)
            pages.breaks.append(row + 1)
        row, lines = row + 1, 1
        for position, (column, value) in enumerate(zip(sheet.columns, values, strict=True)):
            if column.kind in _ADDED:
                totals[position] += value or 0
            width = _cells(_shown(column.kind, value)) + 2
            widths[position] = max(widths[position], width)
            lines = max(lines, -(-width // _WIDEST))
            _cell(page, row, position, column.kind, value, formats)
        if lines > 1:
            page.set_row(row, lines * _LINE)
    if pages.breaks:
        row += 1
        _sum(page, row, sheet, "本页小计", pages.turn(totals), formats)
    if sheet.total:
        row += 1
        for position, width in enumerate(_sum(page, row, sheet, "合计", totals, formats)):
            widths[position] = max(widths[position], width)
    for line in sheet.below:
        row += 1
        page.write_string(row, 0, line, formats["line"])
    wanted = [_cells(sheet.title) * 16 // 10, *map(_cells, (*sheet.above, *sheet.below))]
    _lay_out(page, [min(width, _WIDEST) for width in widths], max(wanted), pages.breaks)


class _Pages:
    """Where the pages of a table end, and what had been added up before each."""

    def __init__(self, sheet: Sheet) -> None:
        self.rows = sheet.page_rows
        self.before = [0] * len(sheet.columns)
        self.breaks: list[int] = []

    def full(self, place: int) -> bool:
        """Whether a page is full before the row of a place, counted from 0."""
        return self.rows is not None and place > 0 and place % self.rows == 0

    def turn(self, totals: Sequence[int]) -> list[int]:
        """The totals of the page that ends, given those of everything so far."""
        own = [now - then for now, then in zip(totals, self.before, strict=True)]
        self.before = list(totals)
        return own


def _sum(page: Any, row: int, sheet: Sheet, word: str, totals: Sequence[int], formats: dict[str, Any]) -> list[int]:
    """Write a row of totals; the width of each cell."""
    widths = []
    for position, column in enumerate(sheet.columns):
        kind = column.kind if column.kind in _ADDED else "text"
        value = totals[position] if column.kind in _ADDED else (word if position == 0 else "")
        widths.append(_cells(_shown(kind, value)) + 2)
        _cell(page, row, position, kind, value, formats)
    return widths


def _lay_out(page: Any, widths: Sequence[int], wanted: int, breaks: Sequence[int]) -> None:
    """Columns as wide as what stands in them and the title over them; upright paper where they fit on it."""
    more = max(0, wanted - sum(widths)) / len(widths)
    for position, width in enumerate(widths):
        page.set_column(position, position, width + more)
    widest = max(wanted, sum(widths))
    if widest > _UPRIGHT:
        page.set_landscape()
    if breaks:
        # Where a sheet is fitted to a page's width, the breaks that are set do not count.
        page.set_print_scale(max(10, min(100, 100 * (_ACROSS if widest > _UPRIGHT else _UPRIGHT) // widest)))
        page.set_h_pagebreaks(breaks)


def _shown(kind: str, value: Any) -> str:
    return f"{value / 100:,.2f}" if kind == "money" and value not in (None, "") else str(value)


def _cells(text: str) -> int:
    """The width of a text in the cells of a sheet: two for a Chinese character, one for a Latin one."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _cell(page: Any, row: int, position: int, kind: str, value: Any, formats: dict[str, Any]) -> None:
    if value is None or value == "":
        page.write_blank(row, position, None, formats[kind])
    elif kind == "money":
        page.write_number(row, position, value / 100, formats[kind])
    elif kind in ("count", "integer"):
        page.write_number(row, position, value, formats[kind])
    elif kind == "day":
        page.write_datetime(row, position, value if isinstance(value, date) else None, formats[kind])
    else:
        page.write_string(row, position, str(value), formats[kind])


_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_UNITS = ("", "拾", "佰", "仟")
_GROUPS = ("", "万", "亿", "万亿")


def amount_in_words(fen: int) -> str:
    """An amount in Chinese capitals 大写, as vouchers carry it: 300050 fen is 叁仟元零伍角整.

    ValueError for a negative amount or one of ten thousand billion yuan and more.
    """
    if not 0 <= fen < 10**18:
        raise ValueError("the amount cannot be written in words")
    yuan, rest = divmod(fen, 100)
    jiao, cent = divmod(rest, 10)
    words = f"{_integer(yuan)}元" if yuan else ""
    if not rest:
        return f"{words or '零元'}整"
    if jiao:
        # 元 and 角 are parted by 零 where the yuan end in zero.
        words += ("零" if yuan and yuan % 10 == 0 else "") + f"{_DIGITS[jiao]}角"
    elif yuan:
        words += "零"
    return words + (f"{_DIGITS[cent]}分" if cent else "整")


def _integer(number: int) -> str:
    words, pending_zero = "", False
    groups = []
    while number:
        number, group = divmod(number, 10_000)
        groups.append(group)
    for index in reversed(range(len(groups))):
        group = groups[index]
        if not group:
            pending_zero = bool(words)
            continue
        if words and (pending_zero or group < 1000):
            words += "零"
        words += _group(group) + _GROUPS[index]
        pending_zero = False
    return words


def _group(number: int) -> str:
    words, zero = "", False
    for place in (3, 2, 1, 0):
        digit = number // 10**place % 10
        if digit:
            words += ("零" if zero and words else "") + _DIGITS[digit] + _UNITS[place]
            zero = False
        else:
            zero = True
    return words
