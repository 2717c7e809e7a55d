"""Walls: who can see and change the rows of a table, said once per table and kept by PostgreSQL itself.

Every table declares its :class:`Wall`; row-level security policies and grants are generated from it and FORCEd, so
that they hold for the owner too. The scope of a transaction is set by ``session``; where it is not set, no row is
seen.

* ``PLATFORM``: the owner alone; the app reaches it through one reviewed function before the tenant is known.
* ``TENANT``: everyone of the county.
* ``AREA``: the row's ``division`` (12-digit code) lies in one of the actor's areas.
* ``SPAN``: all the row's ``areas`` lie within the actor's.
* ``OFFICER``: the row's ``officer_id`` is the actor's own.

What is append-only has neither an UPDATE policy nor the grant: immutability is an absence, not a trigger.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The kinds of walls."""

    PLATFORM = "platform"
    TENANT = "tenant"
    AREA = "area"
    SPAN = "span"
    OFFICER = "officer"


@dataclass(frozen=True, slots=True)
class Wall:
    """The wall of one table.

    ``update`` are the columns that may change at all, none by default. ``while_`` is a further SQL condition on the
    row under which they may, and under which it may be inserted. Rows are never deleted unless ``delete``.
    """

    kind: Kind
    update: tuple[str, ...] = ()
    while_: str | None = None
    delete: bool = False


_TENANT = "tenant_id = nullif(current_setting('app.tenant', true), '')::integer"
_AREAS = "(select nullif(current_setting('app.areas', true), '')::int8multirange)"


def _opaque(condition: str) -> str:
    """A condition that the planner neither estimates nor looks for an index with.

    It takes every area for a handful of rows; believing that, it joins a county to itself row by row (docs/decisions).
    A query that wants the index on divisions says so itself.
    """
    return f"case when {condition} then true else false end"


_SEES = {
    Kind.PLATFORM: "true",
    Kind.TENANT: _TENANT,
    Kind.AREA: _TENANT + " and " + _opaque(f"division <@ {_AREAS}"),
    Kind.SPAN: _TENANT + " and " + _opaque(f"areas <@ {_AREAS}"),
    Kind.OFFICER: _TENANT + " and officer_id = nullif(current_setting('app.officer', true), '')::uuid",
}


@dataclass(frozen=True, slots=True)
class RowPolicy:
    """One row-level security policy as it stands in the catalogue."""

    name: str
    command: str
    using: str | None
    check: str | None

    def ddl(self, table: str, role: str) -> str:
        """The statement that creates it."""
        using = f" using ({self.using})" if self.using else ""
        check = f" with check ({self.check})" if self.check else ""
        return f"create policy {self.name} on {table} for {self.command} to {role}{using}{check}"


def policies(wall: Wall) -> list[RowPolicy]:
    """The policies of a wall, one a command that it allows."""
    sees = _SEES[wall.kind]
    if wall.kind is Kind.PLATFORM:
        return [RowPolicy("wall_all", "all", sees, sees)]
    made = [RowPolicy("wall_select", "select", sees, None)]
    using = f"{sees} and ({wall.while_})" if wall.while_ else sees
    made.append(RowPolicy("wall_insert", "insert", None, using))
    if wall.update:
        made.append(RowPolicy("wall_update", "update", using, sees))
    if wall.delete:
        made.append(RowPolicy("wall_delete", "delete", sees, None))
    return made


def grants(wall: Wall) -> dict[str, tuple[str, ...]]:
    """The table privileges of the app by name, with the columns they are limited to (none: the whole table)."""
    if wall.kind is Kind.PLATFORM:
        return {}
    given: dict[str, tuple[str, ...]] = {"select": (), "insert": ()}
    if wall.update:
        given["update"] = wall.update
    if wall.delete:
        given["delete"] = ()
    return given


def raise_wall(table: str, wall: Wall, app: str, owner: str) -> list[str]:
    """The statements that put a wall round a table; they may be run again after a change of the wall."""
    for name in (table, app, owner):
        if not re.fullmatch(r"[a-z_][a-z0-9_]*", name):
            raise ValueError(f"not a plain name: {name!r}")
    statements = [
        f"alter table {table} enable row level security",
        f"alter table {table} force row level security",
        f"revoke all on {table} from public, {app}",
    ]
    statements += [
        f"drop policy if exists wall_{verb} on {table}" for verb in ("all", "select", "insert", "update", "delete")
    ]
    if wall.kind is not Kind.PLATFORM:
        # A county that came after the last ANALYZE would look empty, and every index on it equally good.
        statements.append(f"alter table {table} alter column tenant_id set statistics 0")
    role = owner if wall.kind is Kind.PLATFORM else "public"
    statements += [policy.ddl(table, role) for policy in policies(wall)]
    for privilege, columns in grants(wall).items():
        limited = f" ({', '.join(columns)})" if columns else ""
        statements.append(f"grant {privilege}{limited} on {table} to {app}")
    return statements


Walls = Mapping[str, Wall]
"""The walls of every table by its name."""
