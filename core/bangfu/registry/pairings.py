"""Pairings 结对帮扶: which organization helps which village, from when to when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Action, Entered
from bangfu.db.bulk import among
from bangfu.documents.cells import Column, Row, read_day
from bangfu.errors import Code
from bangfu.models import Organization, Pairing
from bangfu.registry.divisions import VILLAGE, Places, level_of, read_code
from bangfu.registry.history import Assertion, assert_from
from bangfu.registry.identity import read_credit_code
from bangfu.registry.importing import Importer, State, require_order
from bangfu.text import Text
from bangfu.vault import Vault


@dataclass
class _State(State):
    places: Places = field(default_factory=lambda: Places({}))
    units: dict[str, UUID] = field(default_factory=dict)
    rows: dict[tuple[str, int], int] = field(default_factory=dict)


class PairingImporter(Importer[_State]):
    """The list of pairings: the organization that helps, the village that is helped, from when to when."""

    kind = "pairings"
    title = Text("结对帮扶名册", "list of pairings")
    action = Action.IMPORT_PAIRINGS
    group = "unit"
    columns = (
        Column(
            "unit", Text("统一社会信用代码", "unified social credit code"), read_credit_code,
            ("信用代码", "帮扶单位信用代码", "企业信用代码"),
        ),
        Column("village", Text("村编码", "village code"), read_code, ("村代码", "行政村编码", "结对村编码")),
        Column("valid_from", Text("起始日期", "from"), read_day, ("结对日期", "签约日期")),
        Column("valid_to", Text("截止日期", "until"), read_day, ("解除日期", "到期日期"), required=False),
    )  # fmt: skip

    async def prepare(self, session: AsyncSession, who: Entered, vault: Vault, as_of: date) -> _State:
        """Read the divisions and organizations there are."""
        found = await session.execute(
            select(Organization.credit_code, Organization.id).where(Organization.tenant_id == who.county.id)
        )
        units = {row.credit_code: row.id for row in found}
        return _State(who, vault, as_of, places=await Places.on(session, as_of), units=units)

    def check(self, row: Row, state: _State) -> None:
        """The organization and the village are known, and stand together once in the file."""
        require_order(row)
        unit, village, path = row.values["unit"], row.values["village"], ("rows", row.number)
        if unit is not None and unit not in state.units:
            row.problems.append(Code.NOT_FOUND.problem(*path, "unit", what=unit))
        if village is not None and village not in state.places.by_code:
            row.problems.append(Code.DIVISION_UNKNOWN.problem(*path, "village", value=village))
        elif village is not None and level_of(village) != VILLAGE:
            expected = Text("村的 12 位代码", "the 12-digit code of a village")
            named = Text("村编码", "the village")
            row.problems.append(Code.BAD_VALUE.problem(*path, "village", field=named, value=village, expected=expected))
        if unit is not None and village is not None:
            if (unit, village) in state.rows:
                row.problems.append(Code.DUPLICATE_ROW.problem(*path, row=state.rows[unit, village]))
            state.rows.setdefault((unit, village), row.number)

    async def compare(self, session: AsyncSession, rows: Sequence[Row], state: _State) -> list[Assertion]:
        """Which pairings are new, ended or moved in time."""
        tally = state.tally("pairing")
        ids = {state.units[row.values["unit"]] for row in rows}
        known: dict[tuple[UUID, int], list[tuple[date, date | None]]] = {}
        for one in await session.scalars(
            select(Pairing)
            .where(
                Pairing.tenant_id == state.who.county.id,
                Pairing.known_to.is_(None),
                among(Pairing.organization_id, ids),
            )
            .order_by(Pairing.valid_from)
        ):
            known.setdefault((one.organization_id, one.division), []).append((one.valid_from, one.valid_to))
        changes = []
        for row in rows:
            values = row.values
            key = {"organization_id": state.units[values["unit"]], "division": values["village"]}
            since, until = values["valid_from"], values.get("valid_to")
            held = known.get((key["organization_id"], key["division"]), [])
            if (since, until) in held:
                tally.same += 1
                continue
            if held:
                was = held[-1]
                tally.change(
                    f"{values['unit']} {values['village']}", valid_from=(was[0], since), valid_to=(was[1], until)
                )
            else:
                tally.new += 1
            changes.append(Assertion(key, {}, since, until))
        return changes

    async def apply(self, session: AsyncSession, changes: Any, state: _State) -> None:
        """Make the pairings so."""
        await assert_from(session, Pairing, changes, state.who.at.now)
