"""Reading an office's own workbooks: merged headers, titles above, totals below.

A kind of workbook declares its columns with the headers offices use for them. The header row is found by what it
says; a header that is not known can be matched once and is remembered (see ``registry``). Every cell that cannot be
understood becomes a problem at its row and column.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bangfu.documents.cells import Cell, CellProblem, Column, Row, blank, plain, read
from bangfu.documents.workbooks import Grid, sheets
from bangfu.errors import Code
from bangfu.text import Text

HEADER_DEPTH = 20
"""The header stands within the first rows of a sheet."""
_TOTAL = re.compile(r"(本页)?(合计|总计|小计|共计):?")
_FOOTER = re.compile(r"本页小计|本页合计|合计|总计|小计|共计|填表|制表|审核|审批|备注|说明|注:|负责人|经办人")


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
            first = next((position for position, cell in enumerate(cells) if not blank(cell)), None)
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
        said = [cell for cell in others if not blank(cell) and not _FOOTER.match(_word(cell))]
        return not said or 2 * len(said) < len(required - {first})

    def _row(self, number: int, cells: Sequence[Cell]) -> Row:
        row = Row(number, {})
        for position, column in self.columns.items():
            cell = cells[position] if position < len(cells) else None
            if blank(cell):
                row.values[column.name] = None
                if column.required and column.filled:
                    row.problems.append(Code.MISSING_VALUE.problem("rows", number, column.name, field=column.title))
                continue
            try:
                row.values[column.name] = read(column, cell)
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
    grids = list(sheets(data, name)) or [("", Grid(lambda: iter(()), 0, 0))]
    each = [_find_header(sheet, grid, columns, stated, remembered) for sheet, grid in grids]
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
    if blank(header):
        return ""
    return re.sub(r"\(.*?\)|[\s*:、/_-]", "", plain(header)).lower()


def _word(cell: Cell) -> str:
    return re.sub(r"\s", "", plain(cell))


@dataclass(frozen=True, slots=True)
class _Found:
    """What was found on one sheet; the sheet with the highest score is the one."""

    score: tuple[int, int]
    table: Table
    headers: Sequence[str]
    missing: Sequence[Column]


def _head(grid: Grid) -> list[Sequence[Cell]]:
    rows = grid.rows()
    return [cells for cells, _ in zip(rows, range(HEADER_DEPTH), strict=False)]


def _find_header(
    sheet: str, grid: Grid, columns: Sequence[Column], stated: Mapping[str, str], remembered: Mapping[str, str]
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
