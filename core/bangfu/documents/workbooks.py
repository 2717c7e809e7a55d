"""The sheets of a workbook as it comes from an office: XLSX or CSV, whole or damaged, honest or not."""

from __future__ import annotations

import csv
import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO
from xml.etree import ElementTree

from python_calamine import CalamineError, CalamineWorkbook

from bangfu.documents.cells import Cell
from bangfu.errors import Code, Refused
from bangfu.text import Text

LARGEST_UNPACKED = 600 * 1024 * 1024
LARGEST_AREA = 5_000_000
"""The most cells of a workbook, empty ones among the filled ones counted: 100,000 rows of 50 columns."""
_PIECE = 1024 * 1024
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


@dataclass(frozen=True, slots=True)
class Grid:
    """A sheet: its rows of cells, how far right and down it reaches, and its part of the archive (XLSX only)."""

    rows: Callable[[], Iterator[Sequence[Cell]]]
    width: int
    height: int
    part: str = ""


def sheets(data: bytes, name: str) -> Iterator[tuple[str, Grid]]:
    """The sheets of a file with their names. Refuses ``FILE_UNREADABLE`` and ``FILE_TOO_LARGE``."""
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
                yield sheet_name, Grid(sheet.iter_rows, width, height, parts[sheet_name])
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
        named = _sheet_parts(archive)
        looks = [_look_through(archive, part) for part in parts]
        area = sum(area for area, _ in looks)
        if area > LARGEST_AREA:
            size = Text(
                f"{area:,} 个单元格(算至最后有内容的行和列)", f"{area:,} cells (up to the last filled row and column)"
            )
            limit = Text(f"{LARGEST_AREA:,} 个", f"{LARGEST_AREA:,}")
            raise Code.FILE_TOO_LARGE.refuse("file", size=size, limit=limit)
        if not any(errors for _, errors in looks):
            return io.BytesIO(data), named
        changed = io.BytesIO()
        with zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target:
            for part, (_, errors) in zip(parts, looks, strict=True):
                with target.open(part.filename, "w", force_zip64=part.file_size > 2**31) as written:
                    for piece in _pieces(archive, part):
                        written.write(_ERROR_CELL.sub(rb'\1"str"', piece) if errors else piece)
        changed.seek(0)
        return changed, named


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


def _csv_sheet(data: bytes) -> tuple[str, Grid]:
    text, _ = decode(data)
    try:
        rows: list[Sequence[Cell]] = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise Refused([Code.FILE_UNREADABLE.problem("file", detail=str(error))]) from error
    width = max((len(row) for row in rows), default=0)
    return "csv", Grid(lambda: iter(rows), width, len(rows))
