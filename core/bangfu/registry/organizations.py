"""Organizations 组织 by their unified social credit codes: bureaux, schools, training bases, enterprises, helping
units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Action, Entered
from bangfu.db.bulk import among, insert_rows, update_each
from bangfu.documents.cells import Column, Row, one_of, read_text
from bangfu.errors import Code
from bangfu.models import Organization, new_id
from bangfu.programme import ORGANIZATION_KINDS, TEACHING
from bangfu.registry.divisions import read_code
from bangfu.registry.identity import read_credit_code
from bangfu.registry.importing import Importer, State
from bangfu.text import Text
from bangfu.vault import Vault

KINDS = {title.zh: kind for kind, title in ORGANIZATION_KINDS.items()}
SCHOOLS = TEACHING
"""The kinds of organizations that teach: they have a roll of students, and agents who answer for it."""


@dataclass(frozen=True, slots=True)
class Schools:
    """The schools and training bases of a county, and the codes of all of its organizations."""

    by_code: Mapping[str, UUID]
    codes: frozenset[str]
    _named: Mapping[str, Sequence[str]]

    @classmethod
    async def read(cls, session: AsyncSession, tenant: int) -> Schools:
        """Read them, in one statement."""
        rows = await session.execute(
            select(Organization.credit_code, Organization.id, Organization.name, Organization.kind).where(
                Organization.tenant_id == tenant
            )
        )
        by_code: dict[str, UUID] = {}
        named: dict[str, list[str]] = {}
        codes = set()
        for row in rows:
            codes.add(row.credit_code)
            if row.kind in SCHOOLS:
                by_code[row.credit_code] = row.id
                named.setdefault(row.name, []).append(row.credit_code)
        return cls(by_code, frozenset(codes), named)

    def called(self, name: str) -> UUID | None:
        """The one school of a name, or of a code; None where there is none, or more than one."""
        if (code := name.strip().upper()) in self.by_code:
            return self.by_code[code]
        codes = self._named.get(name.strip(), ())
        return self.by_code[codes[0]] if len(codes) == 1 else None

    def name_of(self, school: UUID) -> str:
        """What a school is called."""
        return next(name for name, codes in self._named.items() if any(self.by_code[one] == school for one in codes))


@dataclass
class _State(State):
    rows: dict[str, int] = field(default_factory=dict)


class OrganizationImporter(Importer[_State]):
    """The table of organizations: credit code, name, kind, and where it sits."""

    kind = "organizations"
    title = Text("组织名录", "table of organizations")
    action = Action.IMPORT_ORGANIZATIONS
    group = "credit_code"
    columns = (
        Column("credit_code", Text("统一社会信用代码", "unified social credit code"), read_credit_code, ("信用代码",)),
        Column("name", Text("单位名称", "name"), read_text, ("名称", "组织名称")),
        Column("kind", Text("单位类型", "kind"), one_of(KINDS), ("类型", "单位性质")),
        Column("division", Text("所在区划代码", "division code"), read_code, ("区划代码",), required=False),
    )

    async def prepare(self, session: AsyncSession, who: Entered, vault: Vault, as_of: date) -> _State:
        """Nothing is needed beforehand."""
        return _State(who, vault, as_of)

    def check(self, row: Row, state: _State) -> None:
        """A code stands once in the file."""
        code = row.values["credit_code"]
        if code in state.rows:
            row.problems.append(Code.DUPLICATE_ROW.problem("rows", row.number, "credit_code", row=state.rows[code]))
        elif code is not None:
            state.rows[code] = row.number

    async def compare(self, session: AsyncSession, rows: Sequence[Row], state: _State) -> Any:
        """Which organizations are new or renamed."""
        tally, tenant = state.tally("organization"), state.who.county.id
        codes = [row.values["credit_code"] for row in rows]
        query = select(Organization).where(Organization.tenant_id == tenant, among(Organization.credit_code, codes))
        known = {row.credit_code: row for row in await session.scalars(query)}
        new, changed = [], []
        for row in rows:
            values = {name: row.values.get(name) for name in ("name", "kind", "division")}
            old = known.get(row.values["credit_code"])
            if old is None:
                tally.new += 1
                new.append({"tenant_id": tenant, "id": new_id(), "credit_code": row.values["credit_code"], **values})
                continue
            was = {name: (getattr(old, name), value) for name, value in values.items() if getattr(old, name) != value}
            if was:
                tally.change(old.credit_code, **was)
                changed.append({"id": old.id, **values})
            else:
                tally.same += 1
        return new, changed

    async def apply(self, session: AsyncSession, changes: Any, state: _State) -> None:
        """Add the new, rename the changed."""
        new, changed = changes
        await insert_rows(session, Organization, new)
        await update_each(session, Organization, changed)
