"""The command ``bangfu`` as a process of its own, as somebody types it."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx2

from bangfu.db.embedded import EmbeddedServer
from tests.conftest import FAST


@contextmanager
def installation(folder: Path) -> Iterator[Path]:
    """An installation in a folder, whose server stays up to the end of the block."""
    server = EmbeddedServer.start(folder, options=FAST)
    try:
        yield folder
    finally:
        server.release()
        EmbeddedServer.remove(folder)


def typed(home: Path, *arguments: str) -> str:
    """What a command says that succeeds."""
    done = subprocess.run(
        _command(*arguments), env=_environment(home), capture_output=True, text=True, check=True, timeout=300
    )
    return done.stdout.strip()


@asynccontextmanager
async def serving(home: Path, *options: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """The server as a process, and its address."""
    process = await asyncio.create_subprocess_exec(
        *_command("serve", "--port", "0", *options), env=_environment(home), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    line = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
    found = re.search(r"http://127\.0\.0\.1:\d+", line)
    assert found, line
    try:
        yield process, found[0]
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def asked(client: httpx2.AsyncClient, address: str, token: str, query: str, **variables: Any) -> Any:
    """The data of a query."""
    headers = {"Authorization": f"Bearer {token}", "Accept-Language": "en"}
    body = {"query": query, "variables": variables}
    answer = (await client.post(f"{address}/graphql", json=body, headers=headers)).json()
    assert "errors" not in answer, answer
    return answer["data"]


def children(process: int) -> list[int]:
    """The processes that a process started."""
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process)], capture_output=True, text=True, check=False)
    return [int(line) for line in found.stdout.split() if "ps" not in line]


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "bangfu", *arguments]


def _environment(home: Path) -> dict[str, str]:
    return {**os.environ, "BANGFU_HOME": str(home), "BANGFU_LANGUAGE": "en", "PYTHONUNBUFFERED": "1"}
