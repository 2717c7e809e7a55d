"""PostgreSQL without set-up: shared, stopped by the last, unharmed by kill -9, and on the oldest version that is
supported."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from bangfu.db import Database
from bangfu.db.embedded import ADMIN, APP, FLOOR, OWNER, PUBLIC, Binaries, EmbeddedServer
from bangfu.errors import Refused
from bangfu.models import WALLS
from bangfu.settings import Settings


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """An installation folder; whatever a test left there is stopped and removed."""
    yield tmp_path / "home"
    EmbeddedServer.remove(tmp_path / "home")


async def _ask(server: EmbeddedServer, role: str, sql: str, database: str = "bangfu") -> object:
    connection = await asyncpg.connect(**server.connect_arguments(role, database))
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_roles_are_what_they_should_be(home: Path) -> None:
    server = EmbeddedServer.start(home)
    try:
        assert await _ask(server, APP, "select current_user::text") == APP
        assert await _ask(server, OWNER, "select current_user::text") == OWNER
        rights = (
            "select array_agg(rolname || ' ' || rolsuper || rolbypassrls || rolcanlogin order by rolname) from pg_roles"
        )
        assert await _ask(server, ADMIN, rights + " where rolname like 'bangfu%'") == [
            f"{ADMIN} truetruetrue",
            f"{APP} falsefalsetrue",
            f"{OWNER} falsefalsefalse",
            f"{PUBLIC} falsefalsefalse",
        ]
        with pytest.raises(asyncpg.PostgresError):
            await asyncpg.connect(**{**server.connect_arguments(APP), "user": OWNER})
        assert stat.S_IMODE(Path(server.socket).stat().st_mode) == 0o700
        assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
        assert await _ask(server, ADMIN, "show listen_addresses") == ""
    finally:
        server.release()


def test_the_last_to_let_go_stops_it_and_the_data_stays(home: Path) -> None:
    first = EmbeddedServer.start(home)
    second = EmbeddedServer.start(home)
    asyncio.run(_make(first))
    first.release()
    assert second.is_running()
    socket = Path(second.socket)
    second.release()
    assert not second.is_running()
    assert not socket.exists()
    third = EmbeddedServer.start(home)
    assert asyncio.run(_ask(third, ADMIN, "select kept from t")) == 7
    third.release()


async def _make(server: EmbeddedServer) -> None:
    connection = await asyncpg.connect(**server.connect_arguments(ADMIN))
    await connection.execute("create table t as select 7 as kept")
    await connection.close()


def test_a_process_that_was_killed_leaves_a_server_that_the_next_one_uses(home: Path) -> None:
    script = textwrap.dedent(f"""
        import os, signal
        from pathlib import Path
        from bangfu.db.embedded import EmbeddedServer
        EmbeddedServer.start(Path({str(home)!r}))
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    died = subprocess.run([sys.executable, "-c", script], check=False)
    assert died.returncode == -signal.SIGKILL
    server = EmbeddedServer.start(home)
    assert asyncio.run(_ask(server, APP, "select 1")) == 1
    assert EmbeddedServer.stop_left_behind(home) is False, "somebody uses it"
    server.release()
    assert EmbeddedServer.stop_left_behind(home) is False, "nothing runs any more"


def test_a_server_that_was_killed_recovers(home: Path) -> None:
    server = EmbeddedServer.start(home)
    asyncio.run(_make(server))
    postmaster = int((server.data / "postmaster.pid").read_text().splitlines()[0])
    os.kill(postmaster, signal.SIGKILL)
    server.release()
    again = EmbeddedServer.start(home)
    assert asyncio.run(_ask(again, ADMIN, "select kept from t")) == 7
    again.release()


def test_a_long_path_is_no_obstacle() -> None:
    base = Path(tempfile.mkdtemp(prefix="bangfu-long-"))
    long = base / ("x" * 60) / ("y" * 60)
    try:
        server = EmbeddedServer.start(long)
        assert len(str(long)) > 120
        assert len(f"{server.socket}/.s.PGSQL.5432") < 108
        assert asyncio.run(_ask(server, APP, "select 1")) == 1
        server.release()
    finally:
        EmbeddedServer.remove(long)
        shutil.rmtree(base, ignore_errors=True)


def test_racing_processes_make_one_server(home: Path) -> None:
    script = textwrap.dedent(f"""
        import asyncio, asyncpg, time
        from pathlib import Path
        from bangfu.db.embedded import APP, EmbeddedServer
        async def ask(server):
            connection = await asyncpg.connect(**server.connect_arguments(APP))
            print(await connection.fetchval("select system_identifier from pg_control_system()"))
            await connection.close()
        server = EmbeddedServer.start(Path({str(home)!r}))
        asyncio.run(ask(server))
        time.sleep(0.3)
        server.release()
    """)
    running = [subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    outputs = [process.communicate()[0].strip() for process in running]
    assert [process.returncode for process in running] == [0, 0, 0]
    assert len(set(outputs)) == 1
    assert outputs[0].isdigit()


def test_without_any_postgres_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr("pathlib.Path.glob", lambda self, pattern: iter(()))
    with pytest.raises(Refused) as refused:
        Binaries.found()
    (problem,) = refused.value.problems
    assert problem.code.name == "NO_DATABASE"
    assert "bangfu[embedded]" in problem.remedy.en


async def test_the_walls_stand_on_the_oldest_supported_version(home: Path) -> None:
    folders = [Path(found).resolve().parent for found in [shutil.which("initdb")] if found]
    folders += Path("/usr/lib/postgresql").glob(f"{FLOOR}/bin")
    oldest = [Binaries.at(folder) for folder in folders if (folder / "initdb").exists()]
    oldest = [binaries for binaries in oldest if binaries.version == FLOOR]
    if not oldest:
        pytest.skip(f"there is no PostgreSQL {FLOOR} on this machine")
    server = EmbeddedServer.start(home, binaries=oldest[0])
    try:
        database = await Database.open(Settings(home=home), WALLS)
        async with database.app.connect() as connection:
            from sqlalchemy import text

            version = (await connection.execute(text("show server_version_num"))).scalar_one()
        await database.close()
        assert int(version) // 10_000 == FLOOR
    finally:
        server.release()


def test_a_stranger_with_the_number_of_a_crashed_server_is_left_alone(home: Path) -> None:
    server = EmbeddedServer.start(home)
    pid = server.data / "postmaster.pid"
    lines = pid.read_text(encoding="utf-8").split("\n")
    os.kill(int(lines[0]), signal.SIGKILL)
    server.release()
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
    try:
        pid.write_text("\n".join([str(stranger.pid), *lines[1:]]), encoding="utf-8")
        assert EmbeddedServer.stop_left_behind(home) is False
        again = EmbeddedServer.start(home)
        assert asyncio.run(_ask(again, APP, "select 1")) == 1
        again.release()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_removing_takes_the_data_and_spares_what_is_in_use(home: Path) -> None:
    server = EmbeddedServer.start(home)
    script = f"from pathlib import Path; from bangfu.db.embedded import EmbeddedServer; print(EmbeddedServer.remove(Path({str(home)!r})))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (done.stdout, server.data.exists()) == ("False\n", True)
    server.release()
    assert EmbeddedServer.remove(home) is True
    assert not server.base.exists()
    assert EmbeddedServer.remove(home) is True
