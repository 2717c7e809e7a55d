"""Before anything else is done, the live database must prove that its walls stand.

The expected policies are created on empty temporary copies of the tables inside a transaction that is rolled back, so
that this very server prints both sides; then name, command, role and expression must agree to the letter, nothing may
be granted beyond the declaration, and the role we run as must own and bypass nothing.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bangfu.db.walls import Roles, Wall, Walls, grants, opened, policies
from bangfu.errors import Code

PUBLIC_FUNCTION = "public_objections_since"
"""The one function that the public may call."""
FUNCTIONS = frozenset({
    "tenant_by_code", "jobs_waiting", "audit_waiting", "who_enters", "identity_providers", "case_taken_part_in",
    "persons_who_applied", PUBLIC_FUNCTION,
})  # fmt: skip
"""The reviewed functions that run with their owner's rights."""

_POLICIES = """
    select c.relname, p.polname, p.polcmd::text, p.polpermissive,
           pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid),
           (select string_agg(case when r = 0 then 'public' else r::regrole::text end, ',') from unnest(p.polroles) r)
    from pg_policy p join pg_class c on c.oid = p.polrelid
    where c.relnamespace = {namespace}
"""
_COMMANDS = {"all": "*", "select": "r", "insert": "a", "update": "w", "delete": "d"}
_PRIVILEGES = ("select", "insert", "update", "delete", "truncate", "references", "trigger")


async def check_walls(connection: AsyncConnection, walls: Walls, revision: str, public: str) -> None:
    """Refuse ``UNSAFE_DATABASE``, naming every fault, unless each declared wall stands and the app's role is ordinary.

    ``revision`` is the migration that the code needs, ``public`` the role of the public pages.
    """
    faults = [*await _role_faults(connection), *await revision_faults(connection, revision)]
    faults += await _table_faults(connection, walls)
    missing = [name for name in walls if f"the table {name} is missing" in faults]
    present = {name: wall for name, wall in walls.items() if name not in missing}
    if present:
        faults += [*await _policy_faults(connection, present, public), *await _grant_faults(connection, present)]
    faults += await _public_faults(connection, present, public)
    if faults:
        raise Code.UNSAFE_DATABASE.refuse(detail="; ".join(faults))


async def _rows(connection: AsyncConnection, sql: str, **values: Any) -> list[Any]:
    return list((await connection.execute(text(sql), values)).all())


async def _role_faults(connection: AsyncConnection) -> list[str]:
    row = (
        await _rows(
            connection,
            """select rolname, rolsuper, rolbypassrls, current_setting('server_version_num')::int,
                      (select pg_has_role(current_user, relowner, 'member')
                         from pg_class where oid = to_regclass('tenant')),
                      (select bool_or(pg_has_role(current_user, r.oid, 'member'))
                         from pg_roles r where (r.rolsuper or r.rolbypassrls) and r.rolname <> current_user)
                 from pg_roles where rolname = current_user""",
        )
    )[0]
    faults = []
    if row[1]:
        faults.append(f"{row[0]} is a superuser")
    if row[2]:
        faults.append(f"{row[0]} bypasses row-level security")
    if row[4]:
        faults.append(f"{row[0]} is the owner of the tables or can act as it")
    if row[5]:
        faults.append(f"{row[0]} can act as a role that bypasses row-level security")
    if row[3] < 150000:
        faults.append("PostgreSQL 15 or later is needed")
    return faults


async def revision_faults(connection: AsyncConnection, revision: str) -> list[str]:
    """What is wrong with the migrations that were run, where the code needs a revision."""
    if not (await _rows(connection, "select to_regclass('alembic_version') is not null"))[0][0]:
        return ["no migration has been run"]
    found = [row[0] for row in await _rows(connection, "select version_num from alembic_version")]
    return [] if found == [revision] else [f"migration {found} is in place, the code needs {revision}"]


async def _table_faults(connection: AsyncConnection, walls: Walls) -> list[str]:
    found = {
        row[0]: row
        for row in await _rows(
            connection,
            """select relname, relkind::text, relrowsecurity, relforcerowsecurity, coalesce(reloptions::text, '') from
            pg_class where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f')""",
        )
    }
    faults = [f"the table {name} is missing" for name in walls if name not in found]
    for name, kind, enabled, forced, options in found.values():
        if name == "alembic_version":
            continue
        if kind in ("v", "m"):
            if kind == "m" or "security_invoker=true" not in options:
                faults.append(f"the view {name} sees with its owner's rights")
        elif name not in walls:
            faults.append(f"the table {name} has no declared wall")
        elif not (enabled and forced):
            faults.append(f"row-level security is not forced on {name}")
    definers = await _rows(
        connection,
        "select proname from pg_proc where pronamespace = current_schema()::regnamespace and prosecdef",
    )
    faults += [f"the function {row[0]} runs with its owner's rights" for row in definers if row[0] not in FUNCTIONS]
    return faults


async def _policy_faults(connection: AsyncConnection, walls: Walls, public: str) -> list[str]:
    live = await _rows(connection, _POLICIES.format(namespace="current_schema()::regnamespace"))
    found: dict[str, set[tuple[Any, ...]]] = {name: set() for name in walls}
    for row in live:
        found.setdefault(row[0], set()).add(tuple(row[1:]))
    expected = await _expected_policies(connection, walls)
    owner = await _rows(connection, "select relowner::regrole::text from pg_class where oid = to_regclass('tenant')")
    app = (await _rows(connection, "select current_user::regrole::text"))[0][0]
    known = Roles(app, owner[0][0] if owner else "public", public)
    faults = []
    for name, wall in walls.items():
        roles = {p.name: known.of(p, wall) for p in policies(name, wall)}
        wanted = {(*row[:5], roles[row[0]]) for row in expected[name]}
        faults += [f"the policy {p[0]} of {name} is missing or not as declared" for p in sorted(wanted - found[name])]
        faults += [f"{name} has a policy {p[0]} that is not declared" for p in sorted(found[name] - wanted)]
    return faults


_PRINTED: dict[tuple[str, ...], dict[str, set[tuple[Any, ...]]]] = {}
"""The declared policies as a server prints them, by its version, where it looks for names, and what it was told."""


async def _expected_policies(connection: AsyncConnection, walls: Walls) -> dict[str, set[tuple[Any, ...]]]:
    """What this server prints for the declared policies, read off temporary copies that leave no trace: once in a
    process, for the same declared policies of the same columns."""
    columns = await _rows(
        connection,
        """select c.relname, string_agg(quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod), ', '
                                        order by a.attnum),
                  quote_ident(min(a.attname) filter (where a.attname in ('id', 'tenant_id')))
             from pg_attribute a join pg_class c on c.oid = a.attrelid
            where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p')
              and a.attnum > 0 and not a.attisdropped
            group by c.relname order by c.relname""",
    )
    # A table that would be partitioned needs no file.
    made = [
        f"create temporary table {name} ({its}) partition by list ({key}) on commit drop"
        for name, its, key in columns
        if name in walls
    ]
    made += [policy.ddl(f"pg_temp.{name}", "public") for name, wall in walls.items() for policy in policies(name, wall)]
    server = (await _rows(connection, "select version(), current_setting('search_path'), current_schema()"))[0]
    told = (*server, *made)
    if told not in _PRINTED:
        savepoint = await connection.begin_nested()
        # Hundreds of statements, and every start and every command waits for them: they go in one.
        await connection.exec_driver_sql(f"do $walls$ begin {'; '.join(made)}; end $walls$")
        expected: dict[str, set[tuple[Any, ...]]] = {name: set() for name in walls}
        for row in await _rows(connection, _POLICIES.format(namespace="pg_my_temp_schema()")):
            expected[row[0]].add(tuple(row[1:]))
        await savepoint.rollback()
        _PRINTED[told] = expected
    return _PRINTED[told]


async def _grant_faults(connection: AsyncConnection, walls: Walls) -> list[str]:
    rows = await _rows(
        connection,
        """select c.relname, p.name, has_table_privilege(c.oid, p.name),
                  (select coalesce(string_agg(a.attname, ',' order by a.attname), '') from pg_attribute a
                    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                      and p.name in ('select', 'insert', 'update', 'references')
                      and has_column_privilege(c.oid, a.attnum, p.name))
             from pg_class c cross join unnest(cast(:privileges as text[])) as p(name)
            where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p')""",
        privileges=list(_PRIVILEGES),
    )
    faults = []
    for name, privilege, whole, columns in rows:
        wall: Wall | None = walls.get(name)
        if wall is None:
            continue
        given = grants(wall)
        limited = given.get(privilege, ())
        wanted_whole = privilege in given and not limited
        if whole is not wanted_whole:
            faults.append(f"the app {'has' if whole else 'lacks'} the right to {privilege} {name}")
        elif not whole and columns != ",".join(sorted(limited)):
            faults.append(f"the app may {privilege} other columns of {name} than declared")
    return faults


async def _public_faults(connection: AsyncConnection, walls: Walls, public: str) -> list[str]:
    """Whether the role of the public pages is nobody: it owns nothing, is a member of nothing, and has been granted
    what the walls open to it and nothing else."""
    found = await _rows(
        connection,
        """select oid, rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication or rolcanlogin,
                  exists (select from pg_auth_members m where m.member = r.oid),
                  exists (select from pg_shdepend d
                           where d.refclassid = 'pg_authid'::regclass and d.refobjid = r.oid and d.deptype = 'o'),
                  pg_has_role(current_user, oid, 'member'), pg_has_role(current_user, oid, 'usage')
             from pg_roles r where rolname = :public""",
        public=public,
    )
    if not found:
        return [f"the role {public} of the public pages is missing"]
    oid, powerful, member, owns, entered, inherited = found[0]
    faults = [
        said
        for wrong, said in (
            (powerful, f"{public} is more than an ordinary role that nobody logs in as"),
            (member, f"{public} is a member of another role"),
            (owns, f"{public} owns something"),
            (not entered, f"the app cannot become {public}"),
            (inherited, f"the app has the rights of {public} without becoming it"),
        )
        if wrong
    ]
    rows = await _rows(
        connection,
        """select c.relname, p.name, has_table_privilege(cast(:oid as oid), c.oid, p.name),
                  (select coalesce(string_agg(a.attname, ',' order by a.attname), '') from pg_attribute a
                    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                      and p.name in ('select', 'insert', 'update', 'references')
                      and has_column_privilege(cast(:oid as oid), c.oid, a.attnum, p.name))
             from pg_class c cross join unnest(cast(:privileges as text[])) as p(name)
            where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f')""",
        oid=oid,
        privileges=list(_PRIVILEGES),
    )
    for name, privilege, whole, columns in rows:
        wall = walls.get(name)
        wanted = ",".join(sorted(opened(wall).get(privilege, ()))) if wall is not None else ""
        if whole or columns != wanted:
            faults.append(f"{public} may {privilege} other columns of {name} than declared")
    callable_ = await _rows(
        connection,
        """select proname from pg_proc where pronamespace = current_schema()::regnamespace
              and has_function_privilege(cast(:oid as oid), oid, 'execute')""",
        oid=oid,
    )
    return faults + [f"{public} may call {row[0]}" for row in callable_ if row[0] != PUBLIC_FUNCTION]
