"""A county's document as a workbook: a form with every number that it may set, and what was filled in.

Each row sets one value: which parameter, from when (and until when), by which clause. Rows without a value of the
county's own say nothing. Values are written as people read them: 3,000.00 元, 20%, 2月15日, 上年10月1日至当年9月30日.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from bangfu.cases.provisions import Heading
from bangfu.documents.cells import Cell, CellProblem, Column, Row, blank, plain, read_day, read_text
from bangfu.documents.reading import open_table
from bangfu.documents.writing import Sheet, SheetColumn, workbook
from bangfu.errors import Code, Problem, Refused
from bangfu.policy import Carried, Parameter, read_adoption
from bangfu.programme import BOOK_TITLE, AnyProgramme, Programme
from bangfu.text import Text


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


def form(programme: AnyProgramme, day: date, carried: Carried | None = None) -> bytes:
    """The form of a programme, as an XLSX workbook: what the plan says on a day, how far the county may deviate, and
    room for what it sets; filled in with what was carried over, if it is given."""
    given = {entry.parameter: entry for entry in carried.entries} if carried else {}
    rows: list[tuple[Any, ...]] = []
    for name, parameter in programme.policy.parameters.items():
        own = given.get(name)
        filled: tuple[Any, ...] = ("", None, None, "")
        if own is not None:
            filled = (parameter.kind.show(own.value).zh, own.since, own.until, own.clause)
        rows.append((parameter.title.zh, *(text.zh for text in planned(parameter, day)), *filled))
    movable = [one for one in programme.adoptable() if one.last is None or one.last >= day]
    if isinstance(programme, Programme) and len(movable) > 1:
        known = "、".join(one.book.isoformat() for one in movable)
        rows.append((BOOK_TITLE.zh, programme.book(day).book.since.isoformat(), known, "", None, None, ""))
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


def planned(parameter: Parameter, day: date) -> tuple[Text, Text]:
    """What the plan says of a parameter on a day, and how far a county may deviate from it."""
    entry = parameter.on(day)
    if entry is None:
        return Text("(未规定)", "(nothing)"), Text("由县自定", "the county decides")
    says = Text("(原文未载明)", "(not legible)") if entry.value is None else parameter.kind.show(entry.value)
    return says, Text("不得调整", "fixed") if entry.varies is None else entry.varies.show(parameter.kind)


def read(programme: AnyProgramme, heading: Heading, data: bytes, name: str) -> dict[str, Any]:
    """The content of a provision file from a workbook that was filled in (XLSX or CSV), checked like one.

    Refuses ``FILE_UNREADABLE``, ``FILE_TOO_LARGE``, ``HEADER_NOT_FOUND``, and every problem at its row: an unknown
    parameter, a value that cannot be understood or is not permitted, a day or a clause that is wanting.
    """
    found = _Rows(programme)
    for row in open_table(data, name, COLUMNS).rows():
        found.problems += row.problems or found.read(row)
    if found.problems:
        raise Refused(found.problems)
    return {
        **heading.raw,
        **({"parameters": found.tables} if found.tables else {}),
        **({"book": found.moves} if found.moves else {}),
    }


class _Rows:
    """What the rows of a workbook say."""

    def __init__(self, programme: AnyProgramme) -> None:
        self.programme, self.policy = programme, programme.policy
        self.named = {plain(own.title.zh): own for own in self.policy.parameters.values()} | dict(
            self.policy.parameters
        )
        self.tables: dict[str, list[dict[str, Any]]] = {}
        self.moves: list[dict[str, Any]] = []
        self.problems: list[Problem] = []

    def read(self, row: Row) -> list[Problem]:
        """Take a row in; what is wrong with it."""
        said, path = row.values, ("rows", row.number)
        stated = [name for name in ("value", "since", "until", "clause") if not blank(said.get(name))]
        if not stated:
            return []
        wanted = [column for column in COLUMNS if column.name in ("value", "since", "clause")]
        lacking = [
            Code.MISSING_VALUE.problem(*path, column.name, field=column.title)
            for column in wanted
            if column.name not in stated
        ]
        if lacking:
            return lacking
        dated = {"since": said["since"], "clause": said["clause"]}
        return self._book(said, dated, path) if said["parameter"] == BOOK_TITLE.zh else self._value(said, dated, path)

    def _book(self, said: Mapping[str, Any], dated: dict[str, Any], path: tuple[str | int, ...]) -> list[Problem]:
        if said.get("until"):
            expected = Text("留空:采用后一直有效", "nothing: it holds until another one does")
            field = Text("截止日", "until")
            return [Code.BAD_VALUE.problem(*path, "until", field=field, value=said["until"], expected=expected)]
        move = {**dated, "adopts": _day(said["value"])}
        checked = read_adoption(move, (*path, "value"), self.programme.adoptable())
        if isinstance(checked, Problem):
            return [checked]
        self.moves.append(move)
        return []

    def _value(self, said: Mapping[str, Any], dated: dict[str, Any], path: tuple[str | int, ...]) -> list[Problem]:
        parameter = self.named.get(said["parameter"])
        if parameter is None:
            known = "、".join(own.title.zh for own in self.policy.parameters.values())
            return [Code.PARAMETER_UNKNOWN.problem(*path, "parameter", parameter=said["parameter"], known=known)]
        try:
            value = parameter.kind.dump(parameter.kind.read(said["value"]))
        except ValueError as error:
            wrong = {"parameter": parameter.title, "value": said["value"], "detail": str(error)}
            return [Code.PARAMETER_BAD_VALUE.problem(*path, "value", **wrong)]
        entry = {**dated, **({"until": said["until"]} if said.get("until") else {}), "value": value}
        checked = self.policy.read_entry(parameter.name, entry, path)
        if isinstance(checked, Problem):
            return [checked]
        own = self.tables.setdefault(parameter.name, [])
        if any(one["since"] == entry["since"] for one in own):
            return [self.policy.twice(parameter.name, entry["since"], path)]
        own.append(entry)
        return []


def _day(words: str) -> date | str:
    """A day, or the words as they are: what is wrong with them is said where the book is looked for."""
    try:
        return read_day(words)
    except CellProblem:
        return words
