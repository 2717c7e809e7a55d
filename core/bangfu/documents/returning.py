"""Row problems written back into the workbook they came from, in one more column at the right.

The sheet is changed where it stands and nowhere else, so formats, formulas, widths and other sheets stay as the
office made them, and a large workbook needs no more memory than its text.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from typing import TypeAlias
from xml.sax.saxutils import escape

from bangfu.documents.reading import Table
from bangfu.documents.workbooks import column_index, decode

HEADING = "导入问题 Problems"
LONGEST = 16_000
"""The characters of a mark; a cell of a spreadsheet holds 32,767, of which rare ideographs need two."""
_ROW = re.compile(
    rb"<(?P<ns>\w+:)?row(?P<attributes>(?:\s[^<>]*?)?)(?P<empty>/)?>(?(empty)|(?P<cells>.*?)</(?P=ns)?row>)", re.S
)
_CELL = re.compile(rb"<(?:\w+:)?c(?P<attributes>(?:\s[^<>]*?)?)(?:/>|>(?P<content>.*?)</(?:\w+:)?c>)", re.S)
_PLACE = re.compile(rb"""\sr\s*=\s*["'](?P<column>[A-Za-z]*)(?P<row>[0-9]+)["']""")
_STYLE = re.compile(rb"""\ss\s*=\s*["'][0-9]+["']""")
_SPANS = re.compile(rb"""\s+spans\s*=\s*(?:"[^"]*"|'[^']*')""")
_MERGED = re.compile(rb"""<(?:\w+:)?mergeCell\s[^<>]*?ref\s*=\s*["'][A-Z]+([0-9]+):([A-Z]+)([0-9]+)["']""")
_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_Marked: TypeAlias = list[tuple[int, str, re.Match[bytes]]]
"""Rows to mark: their numbers, texts and places."""


def with_problems(data: bytes, name: str, table: Table, problems: Mapping[int, str]) -> bytes:
    """The workbook (or CSV file) with the text of each problem at its row; ``problems`` maps row numbers to texts."""
    marks = {table.header_rows[-1] + 1: HEADING, **problems}
    if name.lower().endswith(".csv"):
        return _csv(data, table, marks)
    return _xlsx(data, table, marks)


def _csv(data: bytes, table: Table, marks: Mapping[int, str]) -> bytes:
    text, encoding = decode(data)
    output = io.StringIO(newline="")
    writer = csv.writer(output)
    for number, row in enumerate(csv.reader(io.StringIO(text, newline="")), 1):
        padded = row + [""] * (table.width - len(row))
        writer.writerow([*padded, _harmless(marks.get(number, ""))])
    return output.getvalue().encode(encoding)


def _harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text


def _xlsx(data: bytes, table: Table, marks: Mapping[int, str]) -> bytes:
    output = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as target:
        for item in source.infolist():
            with target.open(item.filename, "w", force_zip64=item.file_size > 2**31) as part:
                if item.filename == table.part:
                    for piece in _with_marks(source.read(table.part), table.width, marks):
                        part.write(piece)
                else:
                    part.write(source.read(item.filename))
    return output.getvalue()


def _with_marks(sheet: bytes, width: int, marks: Mapping[int, str]) -> Iterator[bytes]:
    """The sheet's text in pieces, with one more cell in each marked row."""
    rows = _marked(sheet, marks)
    column = _free_column(sheet, width, rows)
    done = 0
    for number, text, row in rows:
        ns = row["ns"] or b""
        before, style, after = _parted(row["cells"] or b"", ns, column)
        tag = ns.decode()
        opening = f'<{tag}c r="{_letters(column)}{number}"'.encode() + style + b' t="inlineStr">'
        content = f'<{tag}is><{tag}t xml:space="preserve">{_well_formed(text)}</{tag}t></{tag}is></{tag}c>'.encode()
        # A declared span would end before the new cell.
        attributes = _SPANS.sub(b"", row["attributes"])
        yield sheet[done : row.start()] + b"<" + ns + b"row" + attributes + b">"
        yield before + opening + content + after + b"</" + ns + b"row>"
        done = row.end()
    yield sheet[done:]


def _marked(sheet: bytes, marks: Mapping[int, str]) -> _Marked:
    """The rows to mark. A row that does not state its number follows the one before, unless its cells state theirs."""
    found: _Marked = []
    number = 0
    for row in _ROW.finditer(sheet):
        stated = _PLACE.search(row["attributes"])
        number = int(stated["row"]) if stated else number + 1
        first = _CELL.search(row["cells"] or b"")
        own = _PLACE.search(first["attributes"]) if first else None
        actual = int(own["row"]) if own else number
        if actual in marks:
            found.append((actual, marks[actual], row))
    return found


def _free_column(sheet: bytes, width: int, rows: _Marked) -> int:
    """The column of the marks, counted from 0: right of every value, formula and merged cell of the marked rows."""
    column = width
    for _, _, row in rows:
        cells = row["cells"] or b""
        if _end_before(cells, row["ns"] or b"", column) is None:
            column = max([column, *(place + 1 for place, cell in _cells(cells) if cell["content"])])
    numbers = sorted(number for number, _, _ in rows)
    for top, right, bottom in _MERGED.findall(sheet):
        meets = bisect_right(numbers, int(bottom)) > bisect_left(numbers, int(top))
        if meets and column_index(right) >= column:
            column = column_index(right) + 1
    return column


def _cells(row: bytes) -> Iterator[tuple[int, re.Match[bytes]]]:
    """The cells of a row, each with its column counted from 0."""
    place = -1
    for cell in _CELL.finditer(row):
        stated = _PLACE.search(cell["attributes"])
        place = column_index(stated["column"]) if stated else place + 1
        yield place, cell


def _end_before(row: bytes, ns: bytes, column: int) -> int | None:
    """Where the last cell of a row ends, if it stands left of a column: so nearly all rows need not be taken apart."""
    start = row.rfind(b"<" + ns + b"c ")
    cell = _CELL.match(row, start) if start >= 0 else None
    stated = _PLACE.search(cell["attributes"]) if cell else None
    return cell.end() if cell and stated and column_index(stated["column"]) < column else None


def _parted(row: bytes, ns: bytes, column: int) -> tuple[bytes, bytes, bytes]:
    """A row before and after the new cell, and the style of the empty cell that it replaces, if there is one."""
    end = _end_before(row, ns, column)
    if end is not None:
        return row[:end], b"", row[end:]
    end = 0
    for place, cell in _cells(row):
        if place == column:
            style = _STYLE.search(cell["attributes"])
            return row[: cell.start()], style[0] if style else b"", row[cell.end() :]
        if place > column:
            break
        end = cell.end()
    return row[:end], b"", row[end:]


def _well_formed(text: str) -> str:
    """A text as a cell can hold it: without what XML forbids, and not too long."""
    return escape(_NOT_XML.sub("\ufffd", text[:LONGEST]))


def _letters(index: int) -> str:
    """The letters of a column counted from 0: A, B, …, Z, AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
