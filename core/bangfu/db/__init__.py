"""The database: a server to use, sessions under the walls, migrations by the owner.

``Database.open`` is the only door. It starts the embedded server where no other is named, and refuses to hand out a
session before the live database has proved that every declared wall stands.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import date
from functools import lru_cache
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from bangfu.db.check import check_walls, revision_faults
from bangfu.db.embedded import APP, OWNER, EmbeddedServer
from bangfu.db.session import Scope, Sessions, Visit, bind, engine_for, hold, hold_with, merged, ranges, scope_of
from bangfu.db.walls import DAY, INSIDE, SLUG, Kind, Opening, Own, Wall, Walls
from bangfu.errors import Code
from bangfu.settings import Settings

__all__ = [
    "DAY", "INSIDE", "SLUG", "Database", "Kind", "Opening", "Own", "Scope", "Wall", "Walls", "bind", "hold",
    "hold_with", "merged", "ranges", "scope_of",
]  # fmt: skip

_PACKAGE = Path(__file__).parent.parent
_MIGRATION_LOCK = 5_318_008


def migrations() -> Path:
    """The one history of migrations: in an installed package beside it, in a checkout at the top."""
    installed = _PACKAGE / "migrations"
    return installed if installed.exists() else _PACKAGE.parent.parent / "migrations"


@lru_cache(maxsize=1)
def head() -> str:
    """The migration that the code needs: the last of its files, which are numbered. Looked for once a process."""
    return max(path.name.partition("_")[0] for path in migrations().glob("versions/[0-9]*.py"))


class Database:
    """An open database: the app's sessions, and the owner's connection for migrations and tenants."""

    def __init__(
        self, settings: Settings, server: EmbeddedServer | None, app: AsyncEngine, owner: AsyncEngine | None
    ) -> None:
        self.settings = settings
        self.server = server
        self.app = app
        self._owner = owner
        self._sessions = Sessions(app)

    @classmethod
    async def open(cls, settings: Settings, walls: Walls, *, migrate: bool | None = None) -> Database:
        """Open the database that the settings name, or the embedded one.

        ``migrate`` brings the tables up to date first; by default an embedded database is, another is not. Refuses
        ``UNSAFE_DATABASE`` if a wall is missing or the app's role is not ordinary.
        """
        database = cls._connect(settings)
        try:
            if migrate is None:
                migrate = database.server is not None
            if migrate and not await database._is_current():
                await database.migrate()
            await database.check(walls)
        except BaseException:
            await database.close()
            raise
        return database

    @classmethod
    def _connect(cls, settings: Settings) -> Database:
        if settings.database_url is None:
            server = EmbeddedServer.start(settings.home)
            return cls(
                settings,
                server,
                engine_for("postgresql+asyncpg://", server.connect_arguments(APP)),
                engine_for("postgresql+asyncpg://", server.connect_arguments(OWNER), pooled=False),
            )
        owner = engine_for(_asyncpg(settings.migration_url), {}, pooled=False) if settings.migration_url else None
        return cls(settings, None, engine_for(_asyncpg(settings.database_url), {}), owner)

    async def close(self) -> None:
        """Close every connection; stop an embedded server that nobody else uses."""
        await self.app.dispose()
        if self._owner is not None:
            await self._owner.dispose()
        if self.server is not None:
            self.server.release()

    def session(self, scope: Scope, *, reading: bool = False) -> AbstractAsyncContextManager[AsyncSession]:
        """One transaction in a scope, committed at the end of the block; one for ``reading`` can change nothing."""
        return self._sessions.open(scope, reading=reading)

    def visit(self, slug: str, day: date, *, reading: bool = False) -> AbstractAsyncContextManager[AsyncSession]:
        """One transaction of the public, who are nobody: it sees the page of a slug if that is open on the day."""
        return self._sessions.open(Visit(self.settings.public_role, slug, day), reading=reading)

    @asynccontextmanager
    async def unscoped(self) -> AsyncIterator[AsyncConnection]:
        """A connection of the app without a scope: it sees no row and may only call reviewed functions."""
        async with self.app.begin() as connection:
            yield connection

    @asynccontextmanager
    async def owner(self) -> AsyncIterator[AsyncConnection]:
        """One transaction as the owner of the tables, for migrations and the list of tenants; still under the walls."""
        if self._owner is None:
            raise Code.UNSAFE_DATABASE.refuse(detail="BANGFU_MIGRATION_URL is not set")
        async with self._owner.begin() as connection:
            yield connection

    async def has_counties(self) -> bool:
        """Whether any county is kept here. Runs as the owner."""
        async with self.owner() as connection:
            return bool((await connection.execute(text("select exists (select 1 from tenant)"))).scalar())

    async def check(self, walls: Walls) -> None:
        """Refuse ``UNSAFE_DATABASE`` unless every declared wall stands."""
        async with self.app.connect() as connection:
            await check_walls(connection, walls, head(), self.settings.public_role)
            await connection.rollback()

    async def _is_current(self) -> bool:
        """Whether the tables are those that the code needs; what brings them up to date takes a while to load."""
        async with self.app.connect() as connection:
            return not await revision_faults(connection, head())

    async def migrate(self, to: str = "head") -> None:
        """Bring the tables up to date, one process at a time; or to what they were in a revision."""
        async with self.owner() as connection:
            await connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
            await connection.execute(text("set local lock_timeout = '10s'"))
            await connection.run_sync(_upgrade, self.settings, to)


def _upgrade(connection: Connection, settings: Settings, to: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations()))
    roles = {"app_role": settings.app_role, "public_role": settings.public_role}
    config.attributes.update({"connection": connection, **roles})
    command.upgrade(config, to)


def _asyncpg(url: str) -> str:
    """A plain ``postgresql://`` URL for the driver that we use."""
    scheme, mark, rest = url.partition("://")
    if not mark or scheme not in ("postgresql", "postgres", "postgresql+asyncpg"):
        raise Code.NO_DATABASE.refuse()
    return f"postgresql+asyncpg://{rest}"
