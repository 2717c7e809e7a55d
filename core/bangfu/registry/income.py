"""The income ledger 收入台账: one line a sale, wage or taking, with its day, category and evidence.

A line is found again by household, day, category and item, and by how many of the same stood above it in the file; a
different amount is a correction, which closes the old line and adds a new one. The ledger keeps gross and cost apart,
because programmes count different things.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Action, Entered
from bangfu.db.bulk import among, insert_rows, update_all
from bangfu.documents.cells import (
    Column,
    Row,
    one_of,
    read_day,
    read_fen,
    read_key,
    read_quantity,
    read_text,
    read_yes_no,
)
from bangfu.errors import Code
from bangfu.models import Household, IncomeLine, new_id
from bangfu.registry.importing import Importer, State
from bangfu.text import Text
from bangfu.vault import Vault

CATEGORIES = {
    "养殖业": "breeding",
    "养殖": "breeding",
    "种植业": "planting",
    "种植": "planting",
    "务工": "labour",
    "劳务": "labour",
    "务工收入": "labour",
    "自主经营": "self_employment",
    "经营": "self_employment",
    "小买卖": "self_employment",
    "小刺绣": "self_employment",
}
_Key: TypeAlias = tuple[Any, date, str, str, int]
_VALUES = ("quantity", "gross_fen", "cost_fen", "stable", "evidence")


@dataclass
class _State(State):
    occurrences: dict[tuple[str, date, str, str], int] = field(default_factory=dict)


@dataclass
class _Changes:
    ended: list[UUID] = field(default_factory=list)
    added: list[dict[str, Any]] = field(default_factory=list)


class IncomeImporter(Importer[_State]):
    """The income workbook."""

    kind = "income"
    title = Text("收入台账", "income ledger")
    action = Action.IMPORT_INCOME
    group = "number"
    columns = (
        Column("number", Text("户编号", "household number"), read_key, ("户码", "家庭编号", "农户编号")),
        Column("day", Text("日期", "day"), read_day, ("收入日期", "发生日期")),
        Column("category", Text("收入类别", "category"), one_of(CATEGORIES), ("类别",)),
        Column("item", Text("项目", "item"), read_text, ("品种", "收入项目")),
        Column("quantity", Text("数量", "quantity"), read_quantity, required=False),
        Column("gross_fen", Text("总收入", "gross income"), read_fen, ("金额", "收入金额")),
        Column("cost_fen", Text("成本", "cost"), read_fen, ("支出",), required=False),
        Column("stable", Text("是否稳定", "stable"), read_yes_no, ("稳定性",), required=False),
        Column("evidence", Text("印证资料", "evidence"), read_text, ("凭据", "凭证"), required=False),
    )

    async def prepare(self, session: AsyncSession, who: Entered, vault: Vault, as_of: date) -> _State:
        """Nothing is needed beforehand."""
        return _State(who, vault, as_of)

    def check(self, row: Row, state: _State) -> None:
        """Income has been earned by the day of which the workbook speaks; equal lines are numbered."""
        values = row.values
        if values["day"] is not None and values["day"] > state.as_of:
            row.problems.append(
                Code.DAY_IN_FUTURE.problem("rows", row.number, "day", day=values["day"], today=state.as_of)
            )
        key = (values["number"], values["day"], values["category"], values["item"])
        state.occurrences[key] = values["occurrence"] = state.occurrences.get(key, 0) + 1

    async def compare(self, session: AsyncSession, rows: Sequence[Row], state: _State) -> _Changes:
        """Which lines are new or corrected; a household that is not in the actor's area is as unknown as one that is
        none."""
        tally, tenant, now = state.tally("income line"), state.who.county.id, state.who.at.now
        found = await session.execute(
            select(Household.number, Household.id, Household.division).where(
                Household.tenant_id == tenant, among(Household.number, {row.values["number"] for row in rows})
            )
        )
        households = {row.number: (row.id, row.division) for row in found}
        ids = [household for household, _ in households.values()]
        known: dict[_Key, IncomeLine] = {
            (line.household_id, line.day, line.category, line.item, line.occurrence): line
            for line in await session.scalars(
                select(IncomeLine).where(
                    IncomeLine.tenant_id == tenant,
                    among(IncomeLine.household_id, ids),
                    IncomeLine.known_to.is_(None),
                )
            )
        }
        changes = _Changes()
        for row in rows:
            values = row.values
            if values["number"] not in households:
                row.problems.append(
                    Code.HOUSEHOLD_UNKNOWN.problem("rows", row.number, "number", number=values["number"])
                )
                continue
            household, division = households[values["number"]]
            own = {name: values.get(name) for name in _VALUES}
            old = known.get((household, values["day"], values["category"], values["item"], values["occurrence"]))
            if old is not None:
                was = {n: (getattr(old, n), v) for n, v in own.items() if v is not None and getattr(old, n) != v}
                if not was:
                    tally.same += 1
                    continue
                tally.change(f"{values['number']} {values['day']} {values['item']}", **was)
                changes.ended.append(old.id)
                own = {name: getattr(old, name) if value is None else value for name, value in own.items()}
            else:
                tally.new += 1
                own["evidence"] = own["evidence"] or ""
            changes.added.append(_line(tenant, household, division, values, own, now))
        return changes

    async def apply(self, session: AsyncSession, changes: _Changes, state: _State) -> None:
        """Close the corrected lines and add the new ones."""
        await update_all(session, IncomeLine, changes.ended, {"known_to": state.who.at.now})
        await insert_rows(session, IncomeLine, changes.added)


def _line(
    tenant: int, household: UUID, division: int, values: dict[str, Any], own: dict[str, Any], now: Any
) -> dict[str, Any]:
    key = {name: values[name] for name in ("day", "category", "item", "occurrence")}
    return {
        "tenant_id": tenant,
        "id": new_id(),
        "household_id": household,
        "division": division,
        **key,
        **own,
        "known_from": now,
        "known_to": None,
    }
