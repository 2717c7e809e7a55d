"""Administrative divisions 行政区划: 12-digit codes, dated, imported from the county's own table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import COUNTY_CODES, Action, Entered
from bangfu.db import scope_of
from bangfu.documents.reading import Cell, CellProblem, Column, Row, plain, read_day, read_text, read_yes_no
from bangfu.errors import Code
from bangfu.models import Division
from bangfu.registry.history import Assertion, assert_from, holds
from bangfu.registry.importing import Importer, State
from bangfu.text import Text
from bangfu.vault import Vault

COUNTY, TOWNSHIP, VILLAGE = "county", "township", "village"
TOWNSHIP_CODES = 1_000


def read_code(cell: Cell) -> int:
    """A division code of 12 digits; shorter ones of a county (6) or a township (9) are filled up with zeros."""
    text = plain(cell)
    if not re.fullmatch(r"[1-9]\d{5}(\d{3})?(\d{3})?", text):
        raise CellProblem(Code.BAD_VALUE, value=text, expected=Text("12 位行政区划代码", "a 12-digit division code"))
    return int(text.ljust(12, "0"))


def level_of(code: int) -> str:
    """Whether a code is a county's, a township's or a village's."""
    if code % COUNTY_CODES == 0:
        return COUNTY
    return TOWNSHIP if code % TOWNSHIP_CODES == 0 else VILLAGE


def area_of(code: int) -> tuple[int, int]:
    """The range of codes of a division and everything in it."""
    size = {COUNTY: COUNTY_CODES, TOWNSHIP: TOWNSHIP_CODES, VILLAGE: 1}[level_of(code)]
    return code, code + size - 1


def township_of(code: int) -> int:
    """The township of a village code."""
    return code - code % TOWNSHIP_CODES


@dataclass(frozen=True, slots=True)
class Place:
    """A division as it is on a day."""

    code: int
    name: str
    level: str
    poor: bool | None


@dataclass(frozen=True)
class Places:
    """The divisions of a county on a day, by code and by name."""

    by_code: dict[int, Place]

    @classmethod
    async def on(cls, session: AsyncSession, day: date) -> Places:
        """Read them, in one statement."""
        query = select(Division.code, Division.name, Division.level, Division.poor).where(
            Division.tenant_id == scope_of(session).tenant, holds(Division, day)
        )
        return cls({row.code: Place(*row) for row in (await session.execute(query.order_by(Division.code))).all()})

    def named(self, code: int) -> str:
        """The name of a division, or its code where it has none on that day."""
        return self.by_code[code].name if code in self.by_code else str(code)

    def township(self, code: int) -> str:
        """The name of the township that a village lies in."""
        return self.named(township_of(code))

    @cached_property
    def _villages(self) -> dict[str, list[tuple[int, str]]]:
        """The code and township name of every village, by its bare name."""
        found: dict[str, list[tuple[int, str]]] = {}
        for place in self.by_code.values():
            if place.level == VILLAGE:
                found.setdefault(_bare(place.name), []).append((place.code, _bare(self.township(place.code))))
        return found

    def village(self, township: str | None, name: str) -> int | None:
        """The village of a name (in a township, where it is given), or None where there is none or more than one."""
        wanted = None if township is None else _bare(township)
        found = [code for code, lies_in in self._villages.get(_bare(name), ()) if wanted in (None, lies_in)]
        return found[0] if len(found) == 1 else None


_SUFFIX = re.compile(r"(村民委员会|居民委员会|村委会|居委会|社区|街道|乡|镇|村)$")


def _bare(name: str) -> str:
    """The name of a division without the word for what it is."""
    return _SUFFIX.sub("", name)


@dataclass
class _State(State):
    known: dict[int, Division] = field(default_factory=dict)
    rows: dict[int, int] = field(default_factory=dict)


class DivisionImporter(Importer[_State]):
    """The table of divisions: code, name, whether a village is poor, and from when to when."""

    kind = "divisions"
    title = Text("行政区划表", "table of divisions")
    action = Action.IMPORT_DIVISIONS
    group = "code"
    columns = (
        Column("code", Text("区划代码", "division code"), read_code, ("行政区划代码", "代码", "编码")),
        Column("name", Text("名称", "name"), read_text, ("区划名称", "行政区划名称")),
        Column("poor", Text("是否贫困村", "poor village"), read_yes_no, ("贫困村",), required=False),
        Column("valid_from", Text("启用日期", "in force from"), read_day, ("生效日期",), required=False),
        Column("valid_to", Text("撤销日期", "abolished on"), read_day, ("停用日期",), required=False),
    )

    async def prepare(self, session: AsyncSession, who: Entered, vault: Vault, as_of: date) -> _State:
        """Read the divisions there are."""
        query = select(Division).where(
            Division.tenant_id == who.county.id, Division.known_to.is_(None), Division.valid_to.is_(None)
        )
        return _State(who, vault, as_of, known={row.code: row for row in await session.scalars(query)})

    def check(self, row: Row, state: _State) -> None:
        """A code belongs to this county, stands once in the file, and a village says whether it is poor."""
        code = row.values["code"]
        if code is None:
            return
        path = ("rows", row.number, "code")
        lo, hi = state.who.county.area
        if not lo <= code <= hi:
            row.problems.append(Code.DIVISION_OUTSIDE.problem(*path, value=code))
        if code in state.rows:
            row.problems.append(Code.DUPLICATE_ROW.problem(*path, row=state.rows[code]))
        state.rows.setdefault(code, row.number)

    async def compare(self, session: AsyncSession, rows: Sequence[Row], state: _State) -> list[Assertion]:
        """Which divisions are new, renamed, reclassified or abolished."""
        tally = state.tally("division")
        changes = []
        for row in rows:
            values = {"name": row.values["name"], "level": level_of(row.values["code"]), "poor": row.values["poor"]}
            old = state.known.get(row.values["code"])
            ends = row.values.get("valid_to")
            if old and not ends and all(getattr(old, name) == value for name, value in values.items()):
                tally.same += 1
                continue
            since = row.values["valid_from"] if "valid_from" in row.values else None
            since = since or (state.as_of if old else date(1949, 10, 1))
            if old:
                was = {name: (getattr(old, name), value) for name, value in values.items()}
                tally.change(str(row.values["code"]), **{k: v for k, v in was.items() if v[0] != v[1]})
                since = max(since, old.valid_from)
            else:
                tally.new += 1
            changes.append(Assertion({"code": row.values["code"]}, values, since, ends))
        return changes

    async def apply(self, session: AsyncSession, changes: Any, state: _State) -> None:
        """Make the divisions so from their days on."""
        await assert_from(session, Division, changes, state.who.at.now)
