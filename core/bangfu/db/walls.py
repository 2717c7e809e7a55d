"""Walls: who can see and change the rows of a table, said once per table and kept by PostgreSQL itself.

Every table declares its :class:`Wall`; row-level security policies and grants are generated from it and FORCEd, so
that they hold for the owner too. The scope of a transaction is set by ``session``; where it is not set, no row is
seen.

* ``PLATFORM``: the owner alone; the app reaches it through one reviewed function before the tenant is known.
* ``TENANT``: everyone of the county, whoever they work for.
* ``STAFF``: those in office in the county; others what is their own.
* ``AREA``: the row's ``division`` (12-digit code) lies in one of the actor's areas.
* ``PARTICIPANT``: like ``AREA``; besides, the rows of the actor's own households: those that he is linked to, or his.
* ``ORGANIZATION``: like ``AREA``; besides, the rows of the organization that the actor works for.
* ``SPAN``: all the row's ``areas`` lie within the actor's; who has no area sees those of his own.
* ``OFFICER``: the row's ``officer_id`` is the actor's own.

What is append-only has neither an UPDATE policy nor the grant: immutability is an absence, not a trigger.

An :class:`Opening` in a wall is for the public, who are nobody: a role of their own sees the named columns of the rows
of one page, or puts rows in for it. The other policies of such a table are not for that role, whatever it sets.
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
    STAFF = "staff"
    AREA = "area"
    PARTICIPANT = "participant"
    ORGANIZATION = "organization"
    SPAN = "span"
    OFFICER = "officer"


class Own(StrEnum):
    """What makes a row behind a wall somebody's own, whose areas do not show it."""

    OFFICER = "officer"
    OFFICER_ID = "officer_id"
    ORGANIZATION = "organization"
    ORGANIZATION_ID = "organization_id"
    HOUSEHOLD = "household"
    HOUSEHOLD_ID = "household_id"
    CASE_ID = "case_id"
    ORGANIZATION_OR_CASE = "organization_or_case"
    MEMBER = "member"
    REACH = "reach"
    OFFERED = "offered"


@dataclass(frozen=True, slots=True)
class Opening:
    """What the public may see of a table, or put into it: which rows (SQL), and which of their columns."""

    rows: str
    select: tuple[str, ...] = ()
    insert: tuple[str, ...] = ()


SLUG = "nullif(current_setting('app.slug', true), '')"
DAY = "nullif(current_setting('app.day', true), '')::date"
"""The page that a transaction of the public is for, and the county's day, as SQL."""
INSIDE = "division <@ (select nullif(current_setting('app.areas', true), '')::int8multirange)"
"""That a row lies in one of the actor's areas, as SQL: of what more people see than may change it."""


@dataclass(frozen=True, slots=True)
class Wall:
    """The wall of one table.

    ``own`` says which rows are somebody's own. Where they are his by that alone, ``own_insert`` and ``own_update`` are
    further SQL conditions on the row that he puts in, and on what he makes of one (``false``: nothing). ``update`` are
    the columns that may change at all, none by default. ``while_`` is a further SQL condition on the row under which
    they may, and under which it may be inserted. Rows are never deleted unless ``delete``. ``sealed`` are the columns
    that hold values of the vault: their owner may seal them anew under another key, and change nothing else.
    ``opening`` is what the public see of it.
    """

    kind: Kind
    own: Own | None = None
    own_insert: str | None = None
    own_update: str | None = None
    update: tuple[str, ...] = ()
    while_: str | None = None
    delete: bool = False
    sealed: tuple[str, ...] = ()
    opening: Opening | None = None


_TENANT = "tenant_id = nullif(current_setting('app.tenant', true), '')::integer"
_STAFF = "coalesce(current_setting('app.staff', true), '') = 'true'"
_AREAS = "(select nullif(current_setting('app.areas', true), '')::int8multirange)"
_REACH = "(select nullif(current_setting('app.reach', true), '')::int8multirange)"
_OFFICER = "nullif(current_setting('app.officer', true), '')::uuid"
_ORGANIZATIONS = "(select nullif(current_setting('app.organizations', true), '')::uuid[])"
_HOUSEHOLDS = "(select nullif(current_setting('app.households', true), '')::uuid[])"

_OWN = {
    Own.OFFICER: f"id = {_OFFICER}",
    Own.OFFICER_ID: f"officer_id = {_OFFICER}",
    Own.ORGANIZATION: f"id = any ({_ORGANIZATIONS}::uuid[])",
    Own.ORGANIZATION_ID: f"organization_id = any ({_ORGANIZATIONS}::uuid[])",
    Own.HOUSEHOLD: f"id = any ({_HOUSEHOLDS}::uuid[])",
    Own.HOUSEHOLD_ID: f"household_id = any ({_HOUSEHOLDS}::uuid[])",
    # Who has areas and no households of his own never pays for these.
    Own.CASE_ID: f"cardinality({_HOUSEHOLDS}) > 0 and exists (select from case_file c"
    " where c.tenant_id = {table}.tenant_id and c.id = {table}.case_id"
    f" and c.household_id = any ({_HOUSEHOLDS}::uuid[]))",
    Own.MEMBER: f"cardinality({_HOUSEHOLDS}) > 0 and exists (select from membership m"
    " where m.tenant_id = {table}.tenant_id and m.person_id = {table}.id and m.known_to is null"
    f" and m.valid_to is null and m.household_id = any ({_HOUSEHOLDS}::uuid[]))",
    Own.REACH: f"division <@ {_REACH}",
    # What is offered to all who help is seen by everybody in office, and by whoever is verified to help in it.
    Own.OFFERED: f"{_STAFF} or (cardinality({_ORGANIZATIONS}) > 0 and exists (select from helper r"
    " where r.tenant_id = {table}.tenant_id and r.programme = {table}.programme and r.verified"
    f" and r.organization_id = any ({_ORGANIZATIONS}::uuid[])))",
}
_OWN[Own.ORGANIZATION_OR_CASE] = f"({_OWN[Own.ORGANIZATION_ID]} or {_OWN[Own.CASE_ID]})"


def _opaque(*conditions: str) -> str:
    """Conditions, one of which must hold, that the planner neither estimates nor looks for an index with.

    It takes every area for a handful of rows; believing that, it joins a county to itself row by row (docs/decisions).
    A query that wants the index on divisions says so itself.
    """
    return "case " + "".join(f"when {condition} then true " for condition in conditions) + "else false end"


def _sees(table: str, wall: Wall, own_only: str | None = None) -> str:
    """Who sees a row, as SQL; whose own it is, only under a further condition if there is one."""
    own = [_OWN[wall.own].replace("{table}", table)] if wall.own else []
    if own_only is not None:
        own = [f"({condition}) and ({own_only})" for condition in own]
    match wall.kind:
        case Kind.PLATFORM:
            return "true"
        case Kind.TENANT:
            return _TENANT
        case Kind.STAFF:
            return f"{_TENANT} and {_opaque(_STAFF, *own)}"
        case Kind.AREA | Kind.PARTICIPANT | Kind.ORGANIZATION:
            return f"{_TENANT} and {_opaque(f'division <@ {_AREAS}', *own)}"
        case Kind.SPAN:
            theirs = [f"areas <@ {_REACH} and {condition}" for condition in own]
            return f"{_TENANT} and not isempty(areas) and {_opaque(f'areas <@ {_AREAS}', *theirs)}"
        case Kind.OFFICER:
            return f"{_TENANT} and officer_id = {_OFFICER}"


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


RESEAL = "wall_reseal"
"""The policy under which the owner seals values anew."""
SHOWN, HANDED_IN = "wall_shown", "wall_handed_in"
"""The policies under which the public see rows, and put rows in."""


def policies(table: str, wall: Wall) -> list[RowPolicy]:
    """The policies of a wall, one a command that it allows."""
    sees = _sees(table, wall)
    if wall.kind is Kind.PLATFORM:
        return [RowPolicy("wall_all", "all", sees, sees)]
    made = [RowPolicy("wall_select", "select", sees, None)]
    while_ = f" and ({wall.while_})" if wall.while_ else ""
    made.append(RowPolicy("wall_insert", "insert", None, _sees(table, wall, wall.own_insert) + while_))
    if wall.update:
        made.append(RowPolicy("wall_update", "update", sees + while_, _sees(table, wall, wall.own_update)))
    if wall.delete:
        made.append(RowPolicy("wall_delete", "delete", sees, None))
    if wall.sealed:
        made.append(RowPolicy(RESEAL, "update", _TENANT, _TENANT))
    if wall.opening is not None and wall.opening.select:
        made.append(RowPolicy(SHOWN, "select", wall.opening.rows, None))
    if wall.opening is not None and wall.opening.insert:
        made.append(RowPolicy(HANDED_IN, "insert", None, wall.opening.rows))
    return made


@dataclass(frozen=True, slots=True)
class Roles:
    """The database roles by name: of the app, of the owner of the tables, and of the public."""

    app: str
    owner: str
    public: str

    def of(self, policy: RowPolicy, wall: Wall) -> str:
        """Whom a policy is for."""
        if policy.name in (SHOWN, HANDED_IN):
            return self.public
        if wall.kind is Kind.PLATFORM or policy.name == RESEAL:
            return self.owner
        return "public" if wall.opening is None else f"{self.app},{self.owner}"


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


def opened(wall: Wall) -> dict[str, tuple[str, ...]]:
    """The table privileges of the public by name, with their columns."""
    found = {} if wall.opening is None else {"select": wall.opening.select, "insert": wall.opening.insert}
    return {privilege: columns for privilege, columns in found.items() if columns}


def raise_wall(table: str, wall: Wall, app: str, owner: str, public: str = "bangfu_public") -> list[str]:
    """The statements that put a wall round a table; they may be run again after a change of the wall."""
    roles = Roles(app, owner, public)
    for name in (table, app, owner, public):
        if not re.fullmatch(r"[a-z_][a-z0-9_]*", name):
            raise ValueError(f"not a plain name: {name!r}")
    statements = [
        f"alter table {table} enable row level security",
        f"alter table {table} force row level security",
        f"revoke all on {table} from public, {app}",
        # Emptying a table asks no policy.
        f"revoke truncate on {table} from {owner}",
    ]
    statements += [
        f"drop policy if exists wall_{verb} on {table}"
        for verb in ("all", "select", "insert", "update", "delete", "reseal", "shown", "handed_in")
    ]
    if wall.kind is not Kind.PLATFORM:
        # A county that came after the last ANALYZE would look empty, and every index on it equally good.
        statements.append(f"alter table {table} alter column tenant_id set statistics 0")
    if wall.sealed and wall.kind is not Kind.PLATFORM:
        columns = ", ".join(wall.sealed)
        statements += [f"revoke update on {table} from {owner}", f"grant update ({columns}) on {table} to {owner}"]
    statements += [policy.ddl(table, roles.of(policy, wall)) for policy in policies(table, wall)]
    for privilege, columns_ in grants(wall).items():
        limited = f" ({', '.join(columns_)})" if columns_ else ""
        statements.append(f"grant {privilege}{limited} on {table} to {app}")
    if wall.opening is not None:
        statements.append(f"revoke all on {table} from {public}")
    statements += [
        f"grant {privilege} ({', '.join(columns_)}) on {table} to {public}"
        for privilege, columns_ in opened(wall).items()
    ]
    return statements


Walls = Mapping[str, Wall]
"""The walls of every table by its name."""
