"""Plans in bulk: the sheet that a village or township fills in, one row a beneficiary, opens the cases.

The columns beside whom it is for, the day and who made the plan are the facts that the programme lets an applicant
state, one for each organization that may attest one of them instead, and one for each role in which other households
take part, derived from their declarations.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Action, Actor, Entered, actors
from bangfu.cases import attesting
from bangfu.cases.acts import Report
from bangfu.cases.ground import Ground, ground_of
from bangfu.cases.planning import Judged, PlanStated, amend_plans, judge_plans, open_cases, parts_of
from bangfu.cases.views import Stated
from bangfu.documents.cells import (
    Cell,
    CellProblem,
    Column,
    Row,
    one_of,
    plain,
    read_day,
    read_fen,
    read_key,
    read_text,
    read_yes_no,
)
from bangfu.errors import Code
from bangfu.policy import title_of
from bangfu.process import Duty, Plan
from bangfu.programme import ORGANIZATION_KINDS, Attested, Programme
from bangfu.registry.identity import read_credit_code
from bangfu.registry.importing import Importer, State
from bangfu.rules.facts import FactSpec, Kind
from bangfu.text import Text
from bangfu.vault import Vault


def column_of(spec: FactSpec) -> Column:
    """The column of a sheet from which a stated fact is read."""
    return Column(spec.name, spec.title, _reader(spec))


def _reader(spec: FactSpec) -> Callable[[Cell], Any]:
    if spec.choices is None:
        return {Kind.MONEY: read_fen, Kind.TRUTH: read_yes_no, Kind.DAY: read_day}.get(spec.kind, _read_number)
    one = one_of({title_of(member).zh: member for member in spec.choices})
    return one if spec.kind is Kind.CHOICE else lambda cell: frozenset(one(part) for part in _parts(cell))


def _parts(cell: Cell) -> list[str]:
    return [part for part in re.split(r"[、,,;;\s]+", plain(cell)) if part]


def _read_number(cell: Cell) -> int:
    text = plain(cell)
    if not re.fullmatch(r"\d{1,9}", text):
        raise CellProblem(Code.BAD_VALUE, value=text, expected=Text("整数", "a whole number"))
    return int(text)


def _read_keys(cell: Cell) -> tuple[str, ...]:
    """The numbers of several households, between 、 or commas."""
    return tuple(read_key(part) for part in _parts(cell))


_HOUSEHOLD = Column("number", Text("户编号", "household number"), read_key, ("户码", "家庭编号", "农户编号"))
_PERSON = Column("number", Text("人编号", "number of the person"), read_key, ("人员编号", "人码", "个人编号"))
"""The column of whom a plan is for."""


def _attester(attested: Attested) -> Column:
    """The column of the organization that is to attest a fact; where it is filled in, the fact's own is left empty."""
    kind = ORGANIZATION_KINDS[attested.by]
    title = Text(f"{attested.title.zh}信用代码", f"credit code of the {attested.title.en}")
    return Column(f"{attested.fact}_by", title, read_credit_code, (f"{kind.zh}信用代码",), required=False)


_PLANNERS = {
    Duty.LINKED_CADRE: Column("cadre", Text("联户干部工号", "linked cadre"), read_key, ("帮扶责任人工号",)),
}
"""The column of who made the plan, where offices have a name of their own for it; else it is named after the duty."""


@dataclass
class _State(State):
    ground: Ground | None = None
    officers: dict[str, Actor] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)


class PlanImporter(Importer[_State]):
    """The sheet of plans of one programme in one period."""

    title = Text("项目计划表", "sheet of plans")
    action = Action.IMPORT_PLANS
    group = "number"

    def __init__(self, programme: Programme, period: str) -> None:
        self.programme, self.period = programme, period
        self.kind = f"plans/{programme.code}/{period}"
        self.place = (programme.code, programme.process.first(Plan).code)
        by, attestable = programme.process.first(Plan).by, programme.attestable()
        self.columns = (
            _PERSON if programme.is_for_persons else _HOUSEHOLD,
            *(replace(column_of(spec), required=name not in attestable) for name, spec in programme.stated().items()),
            *(_attester(own) for own in attestable.values()),
            *(Column(role.code, role.title, _read_keys) for role in programme.participants),
            Column("day", Text("制定日期", "day of the plan"), read_day, ("日期", "签订日期")),
            _PLANNERS.get(by, Column("cadre", Text(f"{by.title_text.zh}工号", by.title_text.en), read_key)),
            Column("evidence", Text("凭据", "evidence"), read_text, ("纸质编号", "印证资料"), required=False),
            Column("reason", Text("逾期原因", "reason for being late"), read_text, required=False),
        )

    async def prepare(self, session: AsyncSession, who: Entered, vault: Vault, as_of: date) -> _State:
        """Read the rules of the period and the officers there are."""
        ground = await ground_of(session, who.county.id, self.programme, self.period)
        officers = {officer.number: officer for officer in await actors(session, who.county)}
        return _State(who, vault, as_of, ground=ground, officers=officers)

    def check(self, row: Row, state: _State) -> None:
        """The cadre is known, the household stands once in the file."""
        number, cadre = row.values["number"], row.values["cadre"]
        if cadre is not None and cadre not in state.officers:
            row.problems.append(Code.OFFICER_UNKNOWN.problem("rows", row.number, "cadre", officer=cadre))
        if number in state.rows:
            row.problems.append(Code.DUPLICATE_ROW.problem("rows", row.number, row=state.rows[number]))
        elif number is not None:
            state.rows[number] = row.number

    async def compare(self, session: AsyncSession, rows: Sequence[Row], state: _State) -> Judged:
        """Which plans open a case or correct one; one that has been entered with the same content is left alone."""
        assert state.ground is not None
        specs, tally = self.programme.stated(), state.tally("plan")
        plans: dict[str, tuple[Row, PlanStated]] = {}
        for row in rows:
            facts = {name: row.values.get(name) for name in specs}
            stated = Stated(
                row.values["day"],
                reason=row.values.get("reason") or "",
                evidence=row.values.get("evidence") or "",
                signatory=state.officers[row.values["cadre"]],
            )
            parts = {role.code: row.values[role.code] for role in self.programme.participants}
            attesters = {
                one.fact: code for one in self.programme.attested if (code := row.values.get(f"{one.fact}_by"))
            }
            plans[row.values["number"]] = (row, PlanStated(row.values["number"], facts, stated, parts, attesters))
        found = await judge_plans(session, state.who, state.ground, [plan for _, plan in plans.values()])
        for number, problem in found.report.refused:
            row = plans[number][0]
            row.problems.append(problem.code.problem("rows", row.number, *problem.path, **problem.values))
        tally.new += len(found.ready)
        tally.same += len(found.report.unchanged)
        amended = [item.case for item in found.amended]
        before, asked = await parts_of(session, state.who, amended), await attesting.asked(session, state.who, amended)
        for item in found.amended:
            was: dict[str, tuple[Any, Any]] = {
                name: (item.case.stated.get(name), item.plan.raw(specs).get(name)) for name in specs
            }
            for role, own in item.plan.participants.items():
                was[role] = (before.get(item.case.id, {}).get(role, []), sorted(own))
            for fact in self.programme.attestable():
                was[f"{fact}_by"] = (asked.get(item.case.id, {}).get(fact), item.plan.attesters.get(fact))
            was["day"] = (item.case.opened_on, item.plan.stated.day)
            tally.change(item.plan.number, **{name: pair for name, pair in was.items() if pair[0] != pair[1]})
        return found

    async def apply(self, session: AsyncSession, changes: Judged, state: _State) -> None:
        """Open the cases and correct the plans."""
        assert state.ground is not None
        await open_cases(session, state.who, state.ground, changes.ready)
        await amend_plans(session, state.who, state.ground, changes.amended, Report())
