"""A real PostgreSQL for every test: the embedded server, and a fresh copy of a prepared database each."""

from __future__ import annotations

import gc
import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from argon2 import PasswordHasher
from hypothesis import HealthCheck, settings
from sqlalchemy.ext.asyncio import AsyncEngine

from bangfu import accounts
from bangfu.access import Actor, County
from bangfu.db import Database
from bangfu.db.embedded import APP, OWNER, EmbeddedServer
from bangfu.db.session import engine_for
from bangfu.settings import Settings
from bangfu.vault import Vault
from tests.county import World
from tests.federation import Federation
from tests.learners import Learners
from tests.pairs import Pairs
from tests.stories import Kept, copy_of, drop, leave
from tests.striving import Striving
from tests.subsidies import Subsidies

# A test fails by what it finds, never by how long it took: the machine may be busy.
settings.register_profile("bangfu", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("bangfu")

FULL = os.environ.get("BANGFU_FULL") == "1"
"""Whether what has a stated size is tested at it (``make test-full``), and not at one that fits a coffee break."""
FIGURES = Path(__file__).parent.parent / "benchmarks" / "test-full.txt"
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off", "max_wal_size=256MB")
_numbers = itertools.count(1)
_TOLD = pytest.StashKey[list[str]]()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is imported and collected stays to the end: the garbage collector need not go through it over and over, and
    looks less often at what comes then. It took a twelfth of the time of the tests, and a third of that of imports."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)
        gc.enable()


@pytest.fixture
def told(request: pytest.FixtureRequest) -> list[str]:
    """Lines for the end of the run: figures that are to be read whether or not they are as they should be."""
    return request.config.stash.setdefault(_TOLD, [])


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where several processes share the tests, each hands its lines to the one that reports."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["told"] = session.config.stash.get(_TOLD, [])
    # At its end pytest looks five times for what was left behind, through all that there is: once is enough.
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Take them."""
    node.config.stash.setdefault(_TOLD, []).extend(getattr(node, "workeroutput", {}).get("told", []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show them, and keep those of the stated sizes."""
    lines = config.stash.get(_TOLD, [])
    for line in lines:
        terminalreporter.write_line(line)
    if FULL and lines:
        FIGURES.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


@contextmanager
def in_memory() -> Iterator[Path | None]:
    """A folder in memory for a server's data, or None where there is none: a database is copied for each test, and a
    disk takes twenty times as long to make its files."""
    memory, least = Path("/dev/shm"), 4 * 2**30
    if not memory.is_dir() or not os.access(memory, os.W_OK) or shutil.disk_usage(memory).free < least:
        yield None
        return
    for left in memory.glob("bangfu-tests-*"):  # of a run that was killed
        if not Path(f"/proc/{left.name.split('-')[2]}").exists():
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"bangfu-tests-{os.getpid()}-", dir=memory))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedServer]:
    """The embedded server, even where another one is on the PATH: zero set-up is what is tested."""
    home = tmp_path_factory.mktemp("server")
    with in_memory() as folder:
        started = EmbeddedServer.start(home, options=FAST, data=folder and folder / "data")
        yield started
        await leave(started)
        started.release()
    EmbeddedServer.remove(home)


def connect(server: EmbeddedServer, database: str, home: Path) -> Database:
    """A database of the server by name."""
    return Database(Settings(home=home), None, *_engines(server, database))


def _engines(server: EmbeddedServer, database: str) -> tuple[AsyncEngine, AsyncEngine]:
    return (
        engine_for("postgresql+asyncpg://", server.connect_arguments(APP, database)),
        engine_for("postgresql+asyncpg://", server.connect_arguments(OWNER, database), pooled=False),
    )


_IDLE: list[tuple[str, tuple[AsyncEngine, AsyncEngine]]] = []
"""Names of databases that there are none of just now, with their engines: an engine remembers how every statement is
written, and is lent to one test after another."""


@asynccontextmanager
async def lent(server: EmbeddedServer, template: str, home: Path) -> AsyncIterator[tuple[str, Database]]:
    """A copy of a database for as long as somebody needs it: its name, and the database."""
    if _IDLE:
        name, engines = _IDLE.pop()
    else:
        name = f"lent_{next(_numbers)}"
        engines = _engines(server, name)
    await copy_of(server, name, template)
    opened = Database(Settings(home=home), None, *engines)
    yield name, opened
    await opened.close()
    await drop(server, name)
    _IDLE.append((name, engines))


@pytest.fixture(scope="session")
async def migrated(server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a database with every table and nothing in it."""
    name = await copy_of(server, "migrated", "template1")
    database = connect(server, name, tmp_path_factory.mktemp("home"))
    await database.migrate()
    await database.close()
    return name


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Passwords are hashed at the least cost: hundreds of tests log somebody in. Those that look at the cost ask for
    ``costly_passwords``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(accounts, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture
def costly_passwords(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Passwords are hashed as everywhere else, that of nobody too."""
    monkeypatch.setattr(accounts, "_HASHER", PasswordHasher())
    accounts._nobodys.cache_clear()
    yield
    accounts._nobodys.cache_clear()


@pytest.fixture(scope="session")
def vault() -> Vault:
    """A key ring."""
    return Vault.new()


@pytest.fixture(scope="session")
async def staffed(server: EmbeddedServer, migrated: str, vault: Vault, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a database with the small county's divisions and officers in it, and nothing decided."""
    name = await copy_of(server, "staffed", migrated)
    database = connect(server, name, tmp_path_factory.mktemp("home"))
    await World(database, vault).staff()
    await database.close()
    return name


@pytest.fixture(scope="session")
async def peopled(server: EmbeddedServer, migrated: str, vault: Vault, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a database with the small county of ``tests.county`` in it, its period open."""
    name = await copy_of(server, "peopled", migrated)
    database = connect(server, name, tmp_path_factory.mktemp("home"))
    await World(database, vault).build()
    await database.close()
    return name


@pytest.fixture(scope="session")
async def four_awards(
    server: EmbeddedServer, peopled: str, vault: Vault, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """The name of a database with the small county in it, and every award of the plan open."""
    name = await copy_of(server, "four_awards", peopled)
    database = connect(server, name, tmp_path_factory.mktemp("home"))
    county = Striving(database, vault)
    await county.look()
    await county.prepare()
    await database.close()
    return name


@pytest.fixture(scope="session")
async def taught(server: EmbeddedServer, peopled: str, vault: Vault, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a database with the small county in it, students and both programmes of 雨露计划."""
    name = await copy_of(server, "taught", peopled)
    database = connect(server, name, tmp_path_factory.mktemp("home"))
    county = Learners(database, vault)
    await county.look()
    await county.prepare()
    await database.close()
    return name


@pytest.fixture(scope="session")
async def supported(
    server: EmbeddedServer, peopled: str, vault: Vault, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """The name of a database with the small county in it, persons with a disability and both monthly subsidies."""
    name = await copy_of(server, "supported", peopled)
    database = connect(server, name, tmp_path_factory.mktemp("home"))
    county = Subsidies(database, vault)
    await county.look()
    await county.prepare()
    await database.close()
    return name


_LOOKED: dict[str, tuple[County, dict[str, Actor]]] = {}


async def known(world: World) -> None:
    """Who is in a county that is as it was copied: looked up once for every copy."""
    assert world.kept is not None
    if world.kept.template not in _LOOKED:
        await world.look()
        _LOOKED[world.kept.template] = world.tenant, world.officers
    world.tenant, officers = _LOOKED[world.kept.template]
    world.officers = dict(officers)


W = TypeVar("W", bound=World)


@asynccontextmanager
async def of_ones_own(
    kind: type[W], server: EmbeddedServer, template: str, vault: Vault, home: Path
) -> AsyncIterator[W]:
    """A county as a template has it, in a database of one's own."""
    async with lent(server, template, home) as (name, opened):
        with Kept(server, opened, name, template) as kept:
            made = kind(opened, vault, kept=kept)
            await known(made)
            yield made


@pytest.fixture
async def striving(server: EmbeddedServer, four_awards: str, vault: Vault, tmp_path: Path) -> AsyncIterator[Striving]:
    """The small county with every award of the plan."""
    async with of_ones_own(Striving, server, four_awards, vault, tmp_path) as made:
        yield made


@pytest.fixture
async def learners(server: EmbeddedServer, taught: str, vault: Vault, tmp_path: Path) -> AsyncIterator[Learners]:
    """The small county with students."""
    async with of_ones_own(Learners, server, taught, vault, tmp_path) as made:
        yield made


@pytest.fixture
async def subsidies(server: EmbeddedServer, supported: str, vault: Vault, tmp_path: Path) -> AsyncIterator[Subsidies]:
    """The small county with persons who have a disability."""
    async with of_ones_own(Subsidies, server, supported, vault, tmp_path) as made:
        yield made


@pytest.fixture
async def pairs(server: EmbeddedServer, peopled: str, vault: Vault, tmp_path: Path) -> AsyncIterator[Pairs]:
    """The small county with enterprises that may help, and the programme of pairings."""
    async with of_ones_own(Pairs, server, peopled, vault, tmp_path) as made:
        await made.begin()
        yield made


@pytest.fixture
async def federation(server: EmbeddedServer, peopled: str, vault: Vault, tmp_path: Path) -> AsyncIterator[Federation]:
    """The small county with what its federation of disabled persons keeps."""
    async with of_ones_own(Federation, server, peopled, vault, tmp_path) as made:
        await made.begin()
        yield made


@pytest.fixture
async def database(server: EmbeddedServer, migrated: str, tmp_path: Path) -> AsyncIterator[Database]:
    """An empty database of one's own."""
    async with lent(server, migrated, tmp_path) as (_, opened):
        yield opened


@pytest.fixture
async def bare(server: EmbeddedServer, staffed: str, vault: Vault, tmp_path: Path) -> AsyncIterator[World]:
    """The small county with its officers and nothing decided yet."""
    async with of_ones_own(World, server, staffed, vault, tmp_path) as made:
        yield made


@pytest.fixture
async def world(server: EmbeddedServer, peopled: str, vault: Vault, tmp_path: Path) -> AsyncIterator[World]:
    """The small county."""
    async with of_ones_own(World, server, peopled, vault, tmp_path) as made:
        yield made
