"""People in office 工作人员 and what they are charged with: one row a duty over an area for a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Action, Entered
from bangfu.db.bulk import among, insert_rows, update_each
from bangfu.documents.cells import Column, Row, one_of, read_day, read_key, read_name
from bangfu.errors import Code
from bangfu.models import Assignment, Officer, Organization, new_id
from bangfu.process import Duty, Tier
from bangfu.registry.divisions import COUNTY, TOWNSHIP, VILLAGE, Places, area_of, level_of, read_code
from bangfu.registry.history import Assertion, assert_from
from bangfu.registry.identity import read_credit_code
from bangfu.registry.importing import Importer, State, require_order
from bangfu.text import Text
from bangfu.vault import Vault

_LEVELS = {
    Tier.COUNTY: {COUNTY},
    Tier.TOWNSHIP: {TOWNSHIP, VILLAGE},
    Tier.VILLAGE: {VILLAGE},
    Tier.ENTERPRISE: {COUNTY},
}
"""Over what a duty of each tier is held; a township has people in charge of single villages, and an enterprise's agent
is registered with the county and holds no area."""


@dataclass
class _State(State):
    places: Places = field(default_factory=lambda: Places({}))
    organizations: dict[str, UUID] = field(default_factory=dict)
    names: dict[str, tuple[int, str]] = field(default_factory=dict)
    rows: dict[tuple[str, str, int], int] = field(default_factory=dict)
    seen: dict[str, UUID] = field(default_factory=dict)


@dataclass(frozen=True)
class _Changes:
    new: list[dict[str, Any]]
    renamed: list[dict[str, Any]]
    assignments: list[Assertion]


class OfficerImporter(Importer[_State]):
    """The roster of officers: staff number, name, duty, area, from when to when, and their unit."""

    kind = "officers"
    title = Text("工作人员名册", "roster of officers")
    action = Action.IMPORT_OFFICERS
    group = "number"
    columns = (
        Column("number", Text("工号", "staff number"), read_key, ("人员编号",)),
        Column("name", Text("姓名", "name"), read_name),
        Column("duty", Text("职责", "duty"), one_of({duty.title_text.zh: duty for duty in Duty}), ("岗位", "职务")),
        Column("area", Text("负责区划代码", "area"), read_code, ("区划代码", "负责区域")),
        Column("valid_from", Text("起始日期", "from"), read_day, ("任职日期",)),
        Column("valid_to", Text("截止日期", "until"), read_day, ("免职日期",), required=False),
        Column("unit", Text("单位信用代码", "unit"), read_credit_code, ("统一社会信用代码",), required=False),
    )

    async def prepare(self, session: AsyncSession, who: Entered, vault: Vault, as_of: date) -> _State:
        """Read the divisions and organizations there are."""
        query = select(Organization.credit_code, Organization.id).where(Organization.tenant_id == who.county.id)
        organizations = {row.credit_code: row.id for row in (await session.execute(query)).all()}
        return _State(who, vault, as_of, places=await Places.on(session, as_of), organizations=organizations)

    def check(self, row: Row, state: _State) -> None:
        """The area is a division of the county, the unit is known, the officer has one name, the duty stands once."""
        require_order(row)
        values, path = row.values, ("rows", row.number)
        number, area, duty = values["number"], values["area"], values["duty"]
        if area is not None and area not in state.places.by_code:
            row.problems.append(Code.DIVISION_UNKNOWN.problem(*path, "area", value=area))
        if duty is not None and area is not None and level_of(area) not in _LEVELS[duty.tier]:
            row.problems.append(
                Code.BAD_VALUE.problem(
                    *path, "area", field=Text("负责区划代码", "the area"), value=area,
                    expected=Text("与该职责层级相符的区划", "a division of the level of the duty"),
                )
            )  # fmt: skip
        unit = values.get("unit")
        if unit is not None and unit not in state.organizations:
            row.problems.append(Code.NOT_FOUND.problem(*path, "unit", what=unit))
        if number is None:
            return
        first, name = state.names.setdefault(number, (row.number, values["name"]))
        if name != values["name"]:
            row.problems.append(
                Code.BAD_VALUE.problem(
                    *path, "name", field=Text("姓名", "name"), value=values["name"],
                    expected=Text(f"第 {first} 行的 {name}", f"{name} as in row {first}"),
                )
            )  # fmt: skip
        if area is not None and duty is not None:
            key = (number, duty.value, area)
            if key in state.rows:
                row.problems.append(Code.DUPLICATE_ROW.problem(*path, row=state.rows[key]))
            state.rows.setdefault(key, row.number)

    async def compare(self, session: AsyncSession, rows: Sequence[Row], state: _State) -> _Changes:
        """Which officers are new or renamed, which duties are new, ended or moved in time."""
        tenant = state.who.county.id
        numbers = list({row.values["number"] for row in rows})
        known = {
            officer.number: officer
            for officer in await session.scalars(
                select(Officer).where(Officer.tenant_id == tenant, among(Officer.number, numbers))
            )
        }
        ids = [officer.id for officer in known.values()]
        held = {
            (a.officer_id, a.duty, a.area_lo): a
            for a in await session.scalars(
                select(Assignment).where(
                    Assignment.tenant_id == tenant, among(Assignment.officer_id, ids), Assignment.known_to.is_(None)
                ).order_by(Assignment.valid_from)
            )
        }  # fmt: skip
        changes = _Changes([], [], [])
        for row in rows:
            officer = self._officer(row, known, changes, state)
            self._assignment(row, officer, held, changes, state)
        return changes

    def _officer(self, row: Row, known: dict[str, Officer], changes: _Changes, state: _State) -> UUID:
        number, name = row.values["number"], row.values["name"]
        tally, tenant = state.tally("officer"), state.who.county.id
        unit = state.organizations.get(row.values.get("unit") or "")
        if number in state.seen:
            return state.seen[number]
        old = known.get(number)
        state.seen[number] = old.id if old else new_id()
        if old is None:
            tally.new += 1
            changes.new.append(
                {"tenant_id": tenant, "id": state.seen[number], "number": number, "name": name, "organization_id": unit}
            )
        elif old.name != name or (unit is not None and old.organization_id != unit):
            tally.change(number, name=(old.name, name))
            unit = unit or old.organization_id
            changes.renamed.append({"id": old.id, "name": name, "organization_id": unit})
        else:
            tally.same += 1
        return state.seen[number]

    def _assignment(
        self, row: Row, officer: UUID, held: dict[Any, Assignment], changes: _Changes, state: _State
    ) -> None:
        values, tally = row.values, state.tally("assignment")
        lo, hi = area_of(values["area"])
        since, until = values["valid_from"], values.get("valid_to")
        old = held.get((officer, values["duty"].value, lo))
        if old is not None and (old.valid_from, old.valid_to) == (since, until):
            tally.same += 1
            return
        if old is None:
            tally.new += 1
        else:
            tally.change(
                f"{values['number']} {values['duty'].title_text.zh}",
                valid_from=(old.valid_from, since),
                valid_to=(old.valid_to, until),
            )
        key = {
            "officer_id": officer, "duty": values["duty"].value, "area_lo": lo,
            "organization_id": None, "household_id": None, "stands_in_for": None,
        }  # fmt: skip
        changes.assignments.append(Assertion(key, {"area_hi": hi}, since, until))

    async def apply(self, session: AsyncSession, changes: _Changes, state: _State) -> None:
        """Add and rename officers, make their duties so."""
        await insert_rows(session, Officer, changes.new)
        await update_each(session, Officer, changes.renamed)
        await assert_from(session, Assignment, changes.assignments, state.who.at.now)
