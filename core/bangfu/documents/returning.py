"""Row problems written back into the workbook they came from, in one more column at the right.

The sheet is changed where it stands and nowhere else, so formats, formulas, widths and other sheets stay as the
office made them, and a large workbook needs no more memory than its text.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Mapping
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from bangfu.documents.reading import Table, decode

HEADING = "导入问题 Problems"
_ROW = re.compile(
    rb"<(?P<ns>\w+:)?row\b(?P<attributes>[^>]*?)(?P<empty>/)?>(?(empty)|(?P<cells>.*?)</(?P=ns)?row>)", re.S
)
_NUMBER = re.compile(rb"\br=\"(\d+)\"")
_REL = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


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
        path = _sheet_path(source, table.sheet)
        for item in source.infolist():
            with target.open(item.filename, "w", force_zip64=item.file_size > 2**31) as part:
                if item.filename == path:
                    for piece in _marked(source.read(path), _letters(table.width), marks):
                        part.write(piece)
                else:
                    part.write(source.read(item.filename))
    return output.getvalue()


def _sheet_path(archive: zipfile.ZipFile, sheet: str) -> str:
    workbook = ElementTree.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314 - expat refuses entity bombs
    relation = next(
        element.attrib[_REL]
        for element in workbook.iter()
        if element.tag.endswith("}sheet") and element.attrib.get("name") == sheet
    )
    relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
    target = next(element.attrib["Target"] for element in relations if element.attrib["Id"] == relation)
    return target.removeprefix("/") if target.startswith("/") else f"xl/{target}"


def _marked(sheet: bytes, column: str, marks: Mapping[int, str]) -> list[bytes]:
    """The sheet's text in pieces, with one more cell at the end of each marked row."""
    pieces: list[bytes] = []
    done, number = 0, 0
    for row in _ROW.finditer(sheet):
        stated = _NUMBER.search(row["attributes"])
        number = int(stated[1]) if stated else number + 1
        text = marks.get(number)
        if text is None:
            continue
        ns = row["ns"] or b""
        cell = (
            f'<{ns.decode()}c r="{column}{number}" t="inlineStr"><{ns.decode()}is><{ns.decode()}t xml:space="preserve">'
            f"{escape(text)}</{ns.decode()}t></{ns.decode()}is></{ns.decode()}c>"
        ).encode()
        # A declared span would end before the new cell.
        attributes = re.sub(rb"\s*spans=\"[^\"]*\"", b"", row["attributes"])
        pieces += [
            sheet[done : row.start()],
            b"<" + ns + b"row" + attributes + b">",
            row["cells"] or b"",
            cell,
            b"</" + ns + b"row>",
        ]
        done = row.end()
    pieces.append(sheet[done:])
    return pieces


def _letters(index: int) -> str:
    """The letters of a column counted from 0: A, B, …, Z, AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
