"""Thousands of rows in one statement, under the walls.

``COPY`` does not obey row-level security. Rows travel as one array a column and are unfolded by the server; where they
are many, they are copied into a table of the transaction's own, and put in from there.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Executable, Table, any_, bindparam, literal, text, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.db.session import scope_of

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]

Columns = Mapping[str, Sequence[Any]]
"""Rows by column: the values of each, all of one length, in the order of the rows."""


def _type(column: Column[Any]) -> str:
    return "TEXT" if isinstance(column.type, JSONB) else column.type.compile(dialect=_DIALECT)


def _wire(column: Column[Any], values: Sequence[Any]) -> Sequence[Any]:
    if not isinstance(column.type, JSONB):
        return values
    return [
        v if v is None or isinstance(v, str) else json.dumps(v, ensure_ascii=False, separators=(",", ":"))
        for v in values
    ]


@lru_cache(maxsize=256)
def _unfolded(table: Table, names: tuple[str, ...]) -> str:
    """``unnest`` of one array a column."""
    columns = [table.c[name] for name in names]
    arrays = ", ".join(f"cast(:c{i} as {_type(column)}[])" for i, column in enumerate(columns))
    return f"unnest({arrays}) as u({', '.join(names)})"


@lru_cache(maxsize=256)
def _insert(table: Table, names: tuple[str, ...], common: tuple[str, ...], source: str) -> str:
    columns = table.c
    values = [f"{n}::jsonb" if isinstance(columns[n].type, JSONB) else n for n in names]
    values += [
        f"cast(cast(:k{i} as {_type(columns[n])}) as {columns[n].type.compile(dialect=_DIALECT)})"
        for i, n in enumerate(common)
    ]
    return f"insert into {table.name} ({', '.join((*names, *common))}) select {', '.join(values)} from {source}"  # noqa: S608 - names of our own tables


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Rows, all with the same keys, by column."""
    return {name: [row[name] for row in rows] for name in rows[0]}


def among(column: Any, values: Iterable[Any]) -> ColumnElement[bool]:
    """The condition that a column has one of many values, sent as one array: the same statement for any number."""
    condition: ColumnElement[bool] = column == any_(literal(list(values), ARRAY(column.type)))
    return condition


MANY = 1_000
"""Rows from which it pays to copy them, and to let the database keep its plans for looking up their keys."""
_ASIDE = "rows_set_aside"


@asynccontextmanager
async def _sent(session: AsyncSession, table: Table, columns: Columns) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """What to select rows from that have been sent, and the parameters of that.

    What many of them point to is looked up by a plan that is kept. Our own statements are planned anew each time, for
    the scope at hand. The database's own, one for each foreign key of each row, read no scope: planned each time, they
    took nine tenths of an insert.
    """
    names = tuple(columns)
    values = [_wire(table.c[name], columns[name]) for name in names]
    if len(values[0]) < MANY:
        yield _unfolded(table, names), {f"c{i}": list(own) for i, own in enumerate(values)}
        return
    types = ", ".join(f"{name} {_type(table.c[name])}" for name in names)
    await session.execute(text(f"create temporary table {_ASIDE} ({types}) on commit drop"))
    driver: Any = (await (await session.connection()).get_raw_connection()).driver_connection
    records = zip(*values, strict=True)
    await driver.copy_records_to_table(_ASIDE, schema_name="pg_temp", columns=names, records=records)
    async with _set(session, "plan_cache_mode", "auto", "force_custom_plan"):
        yield f"pg_temp.{_ASIDE}", {}
    await session.execute(text(f"drop table pg_temp.{_ASIDE}"))


@asynccontextmanager
async def _set(session: AsyncSession, name: str, within: str, after: str) -> AsyncIterator[None]:
    """Until the end of the block, a setting of the database is another one in this transaction."""
    await session.execute(_SETTING, {"name": name, "value": within})
    yield
    await session.execute(_SETTING, {"name": name, "value": after})


_SETTING = text("select set_config(:name, :value, true)")


async def insert_columns(
    session: AsyncSession, table: Any, columns: Columns, common: Mapping[str, Any] | None = None
) -> None:
    """Insert rows by column, in one statement; what they have in ``common`` travels once."""
    target: Table = getattr(table, "__table__", table)
    same = common or {}
    shared = {f"k{i}": _wire(target.c[name], [value])[0] for i, (name, value) in enumerate(same.items())}
    if next(iter(columns.values())):
        async with _sent(session, target, columns) as (source, values):
            await session.execute(text(_insert(target, tuple(columns), tuple(same), source)), {**values, **shared})


async def insert_rows(
    session: AsyncSession, table: Any, rows: Sequence[Mapping[str, Any]], common: Mapping[str, Any] | None = None
) -> None:
    """Insert rows, all with the same keys, in one statement; what they have in ``common`` travels once."""
    if rows:
        await insert_columns(session, table, _columns(rows), common)


async def insert_new(session: AsyncSession, table: Any, rows: Sequence[Mapping[str, Any]], returning: str) -> set[Any]:
    """Insert the rows whose keys are not taken, in one statement; one column of those that were inserted.

    Of two who insert the same key at once, the second waits for the first and then inserts nothing.
    """
    if not rows:
        return set()
    target: Table = getattr(table, "__table__", table)
    columns = _columns(rows)
    async with _sent(session, target, columns) as (source, values):
        into = _insert(target, tuple(columns), (), source)
        added = await session.execute(
            text(f"{into} on conflict do nothing returning {target.name}.{returning}"), values
        )
        return set(added.scalars())


@asynccontextmanager
async def each_read_once(session: AsyncSession) -> AsyncIterator[None]:
    """Until the end of the block, tables are joined by reading each once and never by looking one up for each row of
    another, whatever the planner believes. Of a county that came after its last look it believes that there is nobody,
    and what takes a second for a hundred thousand rows would take hours."""
    async with _set(session, "enable_nestloop", "off", "on"):
        yield


async def plainly(session: AsyncSession, query: Executable) -> Sequence[Any]:
    """The rows of a query as the database gives them, their columns read by name: many rows of plain values, without
    what makes objects of them."""
    return (await (await session.connection()).execute(query)).all()


async def update_all(
    session: AsyncSession, model: Any, ids: Iterable[UUID], values: Mapping[str, Any], version: int | None = None
) -> set[UUID]:
    """Set the same values on many rows; the ids of those that were there.

    With ``version``, only rows that still have it are changed, and it is counted up (compare and set). The rows are
    found by their keys and never by a join with the values: under the walls the planner takes a county for a single
    row, and such a join would compare every row with every value.
    """
    chosen = list(ids)
    if not chosen:
        return set()
    conditions = [model.tenant_id == scope_of(session).tenant, among(model.id, chosen)]
    if version is not None:
        conditions.append(model.version == version)
        values = {**values, "version": version + 1}
    statement = update(model).where(*conditions).values(**values).returning(model.id)
    return set(await session.scalars(statement.execution_options(synchronize_session=False)))


async def update_each(session: AsyncSession, model: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """Set each row's own values, found by ``id``; all rows have the same keys."""
    if not rows:
        return
    table: Table = model.__table__
    names = [name for name in rows[0] if name != "id"]
    statement = (
        update(table)
        .where(table.c.tenant_id == scope_of(session).tenant, table.c.id == bindparam("which"))
        .values({name: bindparam(f"to_{name}") for name in names})
    )
    sent = [{"which": row["id"], **{f"to_{name}": row[name] for name in names}} for row in rows]
    await (await session.connection()).execute(statement, sent)
