"""Administrative divisions 行政区划: 12-digit codes, dated, imported from the county's own table."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import COUNTY_CODES, Action, Entered
from bangfu.db import scope_of
from bangfu.documents.cells import Cell, CellProblem, Column, Row, plain, read_day, read_text, read_yes_no
from bangfu.errors import Code
from bangfu.models import Division
from bangfu.registry.history import Assertion, assert_from, holds
from bangfu.registry.importing import Importer, State, require_order
from bangfu.text import Text
from bangfu.vault import Vault

COUNTY, TOWNSHIP, VILLAGE = "county", "township", "village"
TOWNSHIP_CODES = 1_000
FOUNDED = date(1949, 10, 1)
"""The first day of a division that states none."""


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
    _found: dict[tuple[str | None, str], int | None] = field(default_factory=dict, compare=False)

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
    def _villages(self) -> dict[str, list[Place]]:
        """The villages by bare name."""
        found: dict[str, list[Place]] = {}
        for place in self.by_code.values():
            if place.level == VILLAGE:
                found.setdefault(_bare(place.name), []).append(place)
        return found

    def village(self, township: str | None, name: str) -> int | None:
        """The village of a name (in a township, where it is given), or None where there is none or more than one.

        甲村, 甲社区 and 甲村委会 are read as one name unless the full one says which is meant.
        """
        if (township, name) not in self._found:
            found = self._villages.get(_bare(name), [])
            if township is not None:
                found = _meant(found, township, lambda village: self.township(village.code))
            found = _meant(found, name, lambda village: village.name)
            self._found[township, name] = found[0].code if len(found) == 1 else None
        return self._found[township, name]


_SUFFIX = re.compile(r"(村民委员会|居民委员会|村委会|居委会|社区|街道|乡|镇|村)$")


def _bare(name: str) -> str:
    """The name of a division without the word for what it is."""
    return _SUFFIX.sub("", name)


def _meant(places: Sequence[Place], name: str, named: Callable[[Place], str]) -> list[Place]:
    """The places of exactly this name, or else those of the same bare name."""
    return [place for place in places if named(place) == name] or [
        place for place in places if _bare(named(place)) == _bare(name)
    ]


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
        """Read the divisions there are, and those that were: the last that is known of each."""
        query = (
            select(Division)
            .where(Division.tenant_id == who.county.id, Division.known_to.is_(None))
            .order_by(Division.valid_from)
        )
        return _State(who, vault, as_of, known={row.code: row for row in await session.scalars(query)})

    def check(self, row: Row, state: _State) -> None:
        """A code belongs to this county and stands once in the file; nothing ends before it begins."""
        require_order(row)
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
            code, since, until = row.values["code"], row.values.get("valid_from"), row.values.get("valid_to")
            values = {"name": row.values["name"], "level": level_of(code), "poor": row.values.get("poor")}
            old = state.known.get(code)
            if old is None:
                tally.new += 1
                changes.append(Assertion({"code": code}, values, since or FOUNDED, until))
                continue
            if values["poor"] is None:
                values["poor"] = old.poor
            again = old.valid_to is not None and since is not None and since >= old.valid_to
            if until is None and not again:
                until = old.valid_to  # a table that does not say when a division ended does not bring it back
            was = {name: (getattr(old, name), value) for name, value in {**values, "valid_to": until}.items()}
            differs = {name: pair for name, pair in was.items() if pair[0] != pair[1]}
            if not differs and not again:
                tally.same += 1
                continue
            tally.change(str(code), **differs)
            changed = since or (state.as_of if differs.keys() - {"valid_to"} else old.valid_from)
            if until is not None and changed >= until:
                changed = old.valid_from
            changes.append(Assertion({"code": code}, values, max(changed, old.valid_from), until))
        return changes

    async def apply(self, session: AsyncSession, changes: Any, state: _State) -> None:
        """Make the divisions so from their days on."""
        await assert_from(session, Division, changes, state.who.at.now)
