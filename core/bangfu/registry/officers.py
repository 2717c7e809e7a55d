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
from bangfu.errors import Code, Problem
from bangfu.models import Officer, new_id
from bangfu.process import Duty
from bangfu.registry import offices
from bangfu.registry.divisions import Places, read_code
from bangfu.registry.identity import read_credit_code
from bangfu.registry.importing import Importer, State, require_order
from bangfu.registry.offices import Path, Roster, Term
from bangfu.text import Text
from bangfu.vault import Vault

DUTIES = {
    **{duty.title_text.zh: duty for duty in Duty},
    "学校经办": Duty.SCHOOL_AGENT,
    "培训基地经办": Duty.SCHOOL_AGENT,
}
"""What a roster calls the duties."""


@dataclass
class _State(State):
    roster: Roster = field(default_factory=lambda: Roster(Places({})))
    names: dict[str, tuple[int, str]] = field(default_factory=dict)
    rows: dict[tuple[Any, ...], int] = field(default_factory=dict)
    """The row of every term of the file, by what it is a term of."""
    terms: list[tuple[Term, int]] = field(default_factory=list)
    """The terms of the file that are right by themselves, with their rows."""
    seen: dict[str, UUID] = field(default_factory=dict)


@dataclass(frozen=True)
class _Changes:
    new: list[dict[str, Any]]
    renamed: list[dict[str, Any]]
    terms: list[Term]
    homes: dict[str, tuple[UUID, int]]


class OfficerImporter(Importer[_State]):
    """The roster of officers: staff number, name, duty, area, from when to when, their unit, and in whose stead.

    The agent of an enterprise or a school is an account with its code, the account of a household one with its number.
    """

    kind = offices.KIND
    title = Text("工作人员名册", "roster of officers")
    action = Action.IMPORT_OFFICERS
    group = "number"
    columns = (
        Column("number", Text("工号", "staff number"), read_key, ("人员编号",)),
        Column("name", Text("姓名", "name"), read_name),
        Column("duty", Text("职责", "duty"), one_of(DUTIES), ("岗位", "职务")),
        Column("area", Text("负责区划代码", "area"), read_code, ("区划代码", "负责区域")),
        Column("valid_from", Text("起始日期", "from"), read_day, ("任职日期",)),
        Column("valid_to", Text("截止日期", "until"), read_day, ("免职日期",), required=False),
        Column("unit", Text("单位信用代码", "unit"), read_credit_code, ("统一社会信用代码",), required=False),
        Column("household", Text("户编号", "household number"), read_key, ("农户编号",), required=False),
        Column("stands_in_for", Text("代理对象工号", "stands in for"), read_key, ("被代理人工号",), required=False),
    )

    async def prepare(self, session: AsyncSession, who: Entered, vault: Vault, as_of: date) -> _State:
        """Read the divisions and organizations there are, and everybody's duties."""
        return _State(who, vault, as_of, roster=await Roster.read(session, as_of))

    def check(self, row: Row, state: _State) -> None:
        """The area is a division of the county, the unit is known, the officer has one name, the duty stands once."""
        require_order(row)
        values, path = row.values, ("rows", row.number)
        number = values["number"]
        term = _term(row)
        if term is not None:
            row.problems += state.roster.faults(term, _at(row))
        unit = values.get("unit")
        if unit is not None and unit not in state.roster.units and (term is None or term.unit is None):
            row.problems.append(Code.NOT_FOUND.problem(*path, "unit", what=unit))
        if number is None:
            return
        other = values.get("stands_in_for")
        if other is not None and other != number and other not in state.roster.officers and other not in state.names:
            row.problems.append(Code.OFFICER_UNKNOWN.problem(*path, "stands_in_for", officer=other))
        first, name = state.names.setdefault(number, (row.number, values["name"]))
        if name != values["name"]:
            row.problems.append(
                Code.BAD_VALUE.problem(
                    *path, "name", field=Text("姓名", "name"), value=values["name"],
                    expected=Text(f"第 {first} 行的 {name}", f"{name} as in row {first}"),
                )
            )  # fmt: skip
        if term is not None:
            if term.key in state.rows:
                row.problems.append(Code.DUPLICATE_ROW.problem(*path, row=state.rows[term.key]))
            state.rows.setdefault(term.key, row.number)
            if not row.problems:
                state.terms.append((term, row.number))

    def close(self, state: _State) -> Sequence[Problem]:
        """Nobody gets incompatible duties, who stands in has something to stand in for, a registrar remains.

        All of it once the whole file is done, beside what is known already.
        """
        roster, today = state.roster, state.who.at.today
        had_registrar = roster.has_registrar(today)
        rows = {term: number for term, number in state.terms if term.number not in state.blocked}
        for term in rows:
            roster.terms[term.number] = offices.asserted(roster.terms.get(term.number, ()), term)
        problems = []
        for number in dict.fromkeys(term.number for term in rows):
            for one, other, because in offices.clashes(roster.terms[number]):
                own = [rows[term] for term in (one, other) if term in rows]
                if own:
                    problems.append(offices.incompatible(one, other, because, "rows", max(own), "duty"))
                    state.blocked.add(number)
        for term, row in rows.items():
            problem = roster.unfounded(term, "rows", row, "stands_in_for")
            if problem is not None:
                problems.append(problem)
                state.blocked.add(term.number)
        keepers = [row for term, row in rows.items() if term.duty is Duty.REGISTRAR]
        if keepers and had_registrar and not roster.has_registrar(today):
            problems.append(Code.LAST_REGISTRAR.problem("rows", keepers[-1], "valid_to"))
            state.blocked |= {term.number for term in rows if term.duty is Duty.REGISTRAR}
        return problems

    async def compare(self, session: AsyncSession, rows: Sequence[Row], state: _State) -> _Changes:
        """Which officers are new or renamed, which duties are new, ended or moved in time."""
        tenant = state.who.county.id
        numbers = {row.values["number"] for row in rows}
        known = {
            officer.number: officer
            for officer in await session.scalars(
                select(Officer).where(Officer.tenant_id == tenant, among(Officer.number, numbers))
            )
        }
        held = await offices.terms_of(session, numbers)
        homes = await offices.homes(session, {own for row in rows if (own := row.values.get("household"))})
        changes = _Changes([], [], [], homes)
        for row in rows:
            term = _term(row)
            if term is None:
                continue
            problem = offices.misplaced(term, homes, _at(row))
            if problem is not None:
                row.problems.append(problem)
                continue
            self._officer(row, known, changes, state)
            self._term(term, held.get(term.number, []), changes, state)
        return changes

    def _officer(self, row: Row, known: dict[str, Officer], changes: _Changes, state: _State) -> None:
        number, name = row.values["number"], row.values["name"]
        tally, tenant = state.tally("officer"), state.who.county.id
        unit, _ = state.roster.units.get(row.values.get("unit") or "", (None, ""))
        if number in state.seen:
            return
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

    def _term(self, term: Term, held: Sequence[Term], changes: _Changes, state: _State) -> None:
        tally = state.tally("assignment")
        if term in held:
            tally.same += 1
            return
        old = next((one for one in reversed(held) if one.key == term.key), None)
        if old is None:
            tally.new += 1
        else:
            tally.change(
                f"{term.number} {term.duty.title_text.zh}",
                valid_from=(old.since, term.since),
                valid_to=(old.until, term.until),
            )
        changes.terms.append(term)

    async def apply(self, session: AsyncSession, changes: _Changes, state: _State) -> None:
        """Add and rename officers, make their duties so."""
        await insert_rows(session, Officer, changes.new)
        await update_each(session, Officer, changes.renamed)
        officers = {**state.roster.officers, **state.seen}
        await offices.put(session, state.who, changes.terms, officers, state.roster.units, changes.homes)


def _term(row: Row) -> Term | None:
    """The term that a row states, if what it cannot do without could be read."""
    values = row.values
    if any(values[name] is None for name in ("number", "duty", "area", "valid_from")):
        return None
    duty: Duty = values["duty"]
    return Term(
        values["number"],
        duty,
        values["area"],
        values["valid_from"],
        values.get("valid_to"),
        values.get("unit") if duty.is_agent else None,
        values.get("household"),
        values.get("stands_in_for"),
    )


def _at(row: Row) -> Path:
    """The path to a column of a row by the name of the field."""
    return lambda name: ("rows", row.number, {"since": "valid_from", "until": "valid_to"}.get(name, name))
