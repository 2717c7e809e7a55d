"""One request is one transaction, bound to a tenant and an area from its first statement.

The :class:`Scope` is written into the transaction with ``set_config(…, true)``, so it cannot outlive it on a pooled
connection; the walls read it from there. Nobody but the edge (command, request, job) opens or commits a session.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Connection, Text, TextClause, event, func, literal, select, text
from sqlalchemy.dialects.postgresql import ARRAY, Range
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, SessionTransaction
from sqlalchemy.pool import NullPool

STATEMENT_TIMEOUT = "60s"
VISIT_TIMEOUT = "5s"
_READING = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


@dataclass(frozen=True, slots=True)
class Scope:
    """Who a transaction belongs to: the county, the areas (closed ranges of 12-digit codes), and the officer.

    No areas means that rows behind an area wall are not seen at all, but for those of ``households``, which are the
    actor's own. ``reach`` are the areas that the actor belongs to, whether or not he sees them; what he makes is kept
    for them. ``staff`` is who holds an office of the county; by default whoever sees an area.
    """

    tenant: int
    areas: tuple[tuple[int, int], ...] = ()
    officer: UUID | None = None
    reach: tuple[tuple[int, int], ...] | None = None
    organizations: tuple[UUID, ...] = ()
    households: tuple[UUID, ...] = ()
    staff: bool | None = None

    @classmethod
    def whole(cls, tenant: int, officer: UUID | None = None) -> Scope:
        """A whole county: of what works on all of it and for nobody in particular."""
        return cls(tenant, ((0, 10**12 - 1),), officer, staff=True)

    @property
    def own(self) -> tuple[tuple[int, int], ...]:
        """The areas for which what the actor makes is kept."""
        return self.areas if self.reach is None else self.reach

    @property
    def bounds(self) -> tuple[int, int]:
        """The narrowest range that covers the areas and the reach, for a query that wants the index on divisions;
        empty without any."""
        both = (*self.areas, *self.own)
        return (min(lo for lo, _ in both), max(hi for _, hi in both)) if both else (1, 0)

    def settings(self) -> dict[str, str]:
        """What the walls read."""
        staff = bool(self.areas) if self.staff is None else self.staff
        return {
            "app.tenant": str(self.tenant),
            "app.areas": _multirange(self.areas),
            "app.reach": _multirange(self.own),
            "app.officer": str(self.officer or ""),
            "app.organizations": _array(self.organizations),
            "app.households": _array(self.households),
            "app.staff": "true" if staff else "",
            "statement_timeout": STATEMENT_TIMEOUT,
        }


@dataclass(frozen=True, slots=True)
class Visit:
    """A request of the public: it becomes their role, for one page by its slug, on a day of the page's county."""

    role: str
    slug: str
    day: date

    def settings(self) -> dict[str, str]:
        """What the walls read; last of all, who it is from then on."""
        return {
            "app.slug": self.slug,
            "app.day": self.day.isoformat(),
            "statement_timeout": VISIT_TIMEOUT,
            "role": self.role,
        }


def _multirange(areas: Iterable[tuple[int, int]]) -> str:
    found = list(areas)
    if any(lo > hi for lo, hi in found):
        raise ValueError("an area runs from its lowest to its highest code")
    return "{" + ",".join(f"[{lo},{hi}]" for lo, hi in found) + "}"


def _array(ids: Iterable[UUID]) -> str:
    return "{" + ",".join(map(str, ids)) + "}"


def ranges(areas: Iterable[tuple[int, int]]) -> list[Range[int]]:
    """Closed ranges of division codes as a column keeps them."""
    return [Range(lo, hi, bounds="[]") for lo, hi in areas]


class _ScopedSession(Session):
    """A session whose every transaction begins by setting its scope."""


@event.listens_for(_ScopedSession, "after_begin")
def _set_scope(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    connection.execute(_setting(session.info["scope"]))


def _setting(scope: Scope | Visit) -> TextClause:
    """The statement that sets a scope for the transaction at hand."""
    settings = scope.settings()
    calls = ", ".join(f"set_config('{name}', :v{i}, true)" for i, name in enumerate(settings))
    return text(f"select {calls}").bindparams(**{f"v{i}": value for i, value in enumerate(settings.values())})


async def bind(connection: AsyncConnection, scope: Scope) -> None:
    """Bind the transaction of a bare connection, such as the owner's, to a scope."""
    await connection.execute(_setting(scope))


async def hold(session: AsyncSession, *names: str) -> None:
    """Until the end of the transaction, nobody else in the county is at what is named, in one statement."""
    # In one order, whoever asks: two who hold some of the same never wait for each other.
    named = func.unnest(literal(sorted(names), ARRAY(Text))).column_valued("name")
    await session.execute(select(func.pg_advisory_xact_lock(scope_of(session).tenant, func.hashtext(named))))


async def hold_with(session: AsyncSession, name: str) -> None:
    """Until the end of the transaction, be at what is named together with others who say the same, and with nobody who
    holds it for himself."""
    named = func.hashtext(literal(name, Text))
    await session.execute(select(func.pg_advisory_xact_lock_shared(scope_of(session).tenant, named)))


def scope_of(session: AsyncSession) -> Scope:
    """The scope that a session is bound to."""
    return cast(Scope, session.info["scope"])


def engine_for(url: str, arguments: dict[str, Any], *, pooled: bool = True) -> AsyncEngine:
    """An engine on asyncpg. Errors never carry parameters; plans are made for the scope at hand, never kept from
    another's."""
    arguments = dict(arguments)
    settings = {"plan_cache_mode": "force_custom_plan", **arguments.pop("server_settings", {})}
    pool: dict[str, Any] = {"pool_size": 5, "max_overflow": 5} if pooled else {"poolclass": NullPool}
    return create_async_engine(
        url,
        connect_args={**arguments, "server_settings": settings},
        hide_parameters=True,
        json_serializer=lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":")),
        **pool,
    )


class Sessions:
    """Opens scoped sessions on one engine."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self._maker = async_sessionmaker(engine, sync_session_class=_ScopedSession, expire_on_commit=False)

    @asynccontextmanager
    async def open(self, scope: Scope | Visit, *, reading: bool = False) -> AsyncIterator[AsyncSession]:
        """One transaction in a scope: committed at the end of the block, rolled back whole if the block raises.

        One for ``reading`` sees the database as it was at its first statement and can change nothing.
        """
        async with self._maker(info={"scope": scope}) as session, session.begin():
            if reading:
                await session.connection(execution_options=_READING)
            yield session


def merged(areas: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Areas in order, with overlapping and touching ones joined."""
    result: list[tuple[int, int]] = []
    for lo, hi in sorted(areas):
        if result and lo <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(result[-1][1], hi))
        else:
            result.append((lo, hi))
    return tuple(result)
