"""A county's document as a workbook: a form with every number that it may set, and what was filled in.

Each row sets one value: which parameter, from when (and until when), by which clause. Rows without a value of the
county's own say nothing. Values are written as people read them: 3,000.00 元, 20%, 2月15日, 上年10月1日至当年9月30日.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from bangfu.cases.provisions import Heading
from bangfu.documents.cells import Cell, CellProblem, Column, blank, plain, read_day, read_text
from bangfu.documents.reading import open_table
from bangfu.documents.writing import Sheet, SheetColumn, workbook
from bangfu.errors import Code, Problem, Refused
from bangfu.policy import Carried, Parameter
from bangfu.programme import Programme
from bangfu.text import Text

BOOK = Text("规则版本", "rule book")
"""What the row of a move to another rule book is called."""


def _read_value(cell: Cell) -> str:
    """The words of a value. A percentage that Excel keeps as a number would be read a hundred times too small."""
    if isinstance(cell, float) and not cell.is_integer():
        expected = Text("以文本填写的值,如 20%、2500.50元", "a value written as text, like 20% or 2500.50元")
        raise CellProblem(Code.BAD_VALUE, value=plain(cell), expected=expected)
    if isinstance(cell, date):
        expected = Text("以文本填写的值,如 2月15日", "a value written as text, like 2月15日")
        raise CellProblem(Code.BAD_VALUE, value=plain(cell), expected=expected)
    return read_text(cell)


COLUMNS = (
    Column("parameter", Text("参数", "parameter"), read_text),
    Column("value", Text("本县规定", "county's value"), _read_value, ("本县值",), filled=False),
    Column("since", Text("起始日", "since"), read_day, ("自", "施行日期"), filled=False),
    Column("until", Text("截止日", "until"), read_day, ("至",), required=False),
    Column("clause", Text("条款", "clause"), read_text, filled=False),
)


def form(programme: Programme, day: date, carried: Carried | None = None) -> bytes:
    """The form of a programme, as an XLSX workbook: what the plan says on a day, how far the county may deviate, and
    room for what it sets; filled in with what was carried over, if it is given."""
    given = {entry.parameter: entry for entry in carried.entries} if carried else {}
    rows: list[tuple[Any, ...]] = []
    for name, parameter in programme.policy.parameters.items():
        planned, allowed = _planned(parameter, day)
        own = given.get(name)
        filled = (
            ("", None, None, "")
            if own is None
            else (parameter.kind.show(own.value).zh, own.since, own.until, own.clause)
        )
        rows.append((parameter.title.zh, planned, allowed, *filled))
    movable = [one for one in programme.adoptable() if one.last is None or one.last >= day]
    if len(movable) > 1:
        known = "、".join(one.book.isoformat() for one in movable)
        rows.append((BOOK.zh, programme.book(day).book.since.isoformat(), known, "", None, None, ""))
    columns = [
        SheetColumn("参数"),
        SheetColumn("方案规定"),
        SheetColumn("可调整范围"),
        SheetColumn("本县规定"),
        SheetColumn("起始日", "day"),
        SheetColumn("截止日", "day"),
        SheetColumn("条款"),
    ]
    note = "只填写本县另行规定的行:值按所示格式以文本填写,并填写起始日和本县文件的条款。"
    return workbook([Sheet("本县规定", f"{programme.title.zh}:本县规定", columns, rows, above=(note,))])


def _planned(parameter: Parameter, day: date) -> tuple[str, str]:
    """What the plan says of a parameter on a day, and how far a county may deviate from it."""
    entry = parameter.on(day)
    if entry is None:
        return "(未规定)", parameter.kind.name.zh
    planned = "(原文未载明)" if entry.value is None else parameter.kind.show(entry.value).zh
    return planned, "不得调整" if entry.varies is None else entry.varies.show(parameter.kind).zh


def read(programme: Programme, heading: Heading, data: bytes, name: str) -> dict[str, Any]:
    """The content of a provision file from a workbook that was filled in (XLSX or CSV).

    Refuses ``FILE_UNREADABLE``, ``FILE_TOO_LARGE``, ``HEADER_NOT_FOUND``, and every problem at its row: an unknown
    parameter, a value that cannot be understood, a day or a clause that is wanting.
    """
    by_title = {plain(own.title.zh): own for own in programme.policy.parameters.values()}
    by_title.update(programme.policy.parameters)
    tables: dict[str, list[dict[str, Any]]] = {}
    moves: list[dict[str, Any]] = []
    problems: list[Problem] = []
    for row in open_table(data, name, COLUMNS).rows():
        problems += row.problems
        if row.problems or blank(row.values["value"]):
            continue
        path = ("rows", row.number)
        problems += [
            Code.MISSING_VALUE.problem(*path, column.name, field=column.title)
            for column in COLUMNS
            if column.name in ("since", "clause") and row.values[column.name] is None
        ]
        named = row.values["parameter"]
        if named == BOOK.zh:
            moves.append({**_dated(row.values), "adopts": _day(row.values["value"])})
            continue
        parameter = by_title.get(named)
        if parameter is None:
            known = "、".join(own.title.zh for own in programme.policy.parameters.values())
            problems.append(Code.PARAMETER_UNKNOWN.problem(*path, "parameter", parameter=named, known=known))
            continue
        try:
            value = parameter.kind.dump(parameter.kind.read(row.values["value"]))
        except ValueError as error:
            wrong = {"parameter": parameter.title, "value": row.values["value"], "detail": str(error)}
            problems.append(Code.PARAMETER_BAD_VALUE.problem(*path, "value", **wrong))
            continue
        until = {"until": row.values["until"]} if row.values.get("until") else {}
        tables.setdefault(parameter.name, []).append({**_dated(row.values), **until, "value": value})
    if problems:
        raise Refused(problems)
    said = {"title": heading.title, "number": heading.number, "issued": heading.issued_on}
    return {**said, **({"parameters": tables} if tables else {}), **({"book": moves} if moves else {})}


def _dated(values: Mapping[str, Any]) -> dict[str, Any]:
    return {"since": values["since"], "clause": values["clause"]}


def _day(words: str) -> date | str:
    """A day, or the words as they are: what is wrong with them is said where the book is looked for."""
    try:
        return read_day(words)
    except CellProblem:
        return words
