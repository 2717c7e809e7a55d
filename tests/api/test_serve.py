"""``bangfu serve`` as it is started: the API, a worker beside it, tokens from the command line, and a clean end."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from bangfu.db.embedded import EmbeddedServer
from bangfu.process import Duty
from tests.api.conftest import OPERATIONS
from tests.conftest import FAST
from tests.county import CODE, DIVISIONS

IMPORT = (OPERATIONS / "import_workbook.graphql").read_text(encoding="utf-8")
JOB = (OPERATIONS / "job.graphql").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An installation of its own, whose server stays up for the module."""
    folder = tmp_path_factory.mktemp("serve")
    server = EmbeddedServer.start(folder, options=FAST)
    yield folder
    server.release()
    EmbeddedServer.remove(folder)


def command(home: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "bangfu", *arguments]


def environment(home: Path) -> dict[str, str]:
    return {**os.environ, "BANGFU_HOME": str(home), "BANGFU_LANGUAGE": "en", "PYTHONUNBUFFERED": "1"}


def typed(home: Path, *arguments: str) -> str:
    done = subprocess.run(
        command(home, *arguments), env=environment(home), capture_output=True, text=True, check=True, timeout=300
    )
    return done.stdout.strip()


@asynccontextmanager
async def serving(home: Path, *options: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """The server as a process, and its address."""
    process = await asyncio.create_subprocess_exec(
        *command(home, "serve", "--port", "0", *options), env=environment(home), stdout=asyncio.subprocess.PIPE
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
    headers = {"Authorization": f"Bearer {token}", "Accept-Language": "en"}
    body = {"query": query, "variables": variables}
    answer = (await client.post(f"{address}/graphql", json=body, headers=headers)).json()
    assert "errors" not in answer, answer
    return answer["data"]


async def test_it_serves_and_works_and_ends(home: Path) -> None:
    typed(home, "tenant", "create", CODE, "测试县", "--officer", "R1", "--officer-name", "管理员")
    token = typed(home, "--tenant", CODE, "--as", "R1", "token")
    async with serving(home) as (process, address), httpx2.AsyncClient(timeout=30) as client:
        assert (await client.get(f"{address}/livez")).json() == {"live": True}
        assert (await client.get(f"{address}/readyz")).json() == {"ready": True}
        assert (await asked(client, address, token, "{ viewer { number county } }"))["viewer"] == {
            "number": "R1", "county": "测试县",
        }  # fmt: skip
        operations = {"query": IMPORT, "variables": {"input": {"kind": "DIVISIONS", "file": None}}}
        uploaded = await client.post(
            f"{address}/graphql",
            data={"operations": json.dumps(operations), "map": json.dumps({"0": ["variables.input.file"]})},
            files={"0": ("区划.csv", DIVISIONS.encode())},
            headers={"Authorization": f"Bearer {token}"},
        )
        job = uploaded.json()["data"]["importWorkbook"]["job"]["id"]
        for _ in range(150):  # the worker is a process that has to start
            node = (await asked(client, address, token, JOB, id=job))["node"]
            if node["state"] == "DONE":
                break
            await asyncio.sleep(0.2)
        assert node["state"] == "DONE", node
        assert {t["what"]: t["new"] for t in node["imported"]["tallies"]} == {"division": 6}
        workers = children(process.pid)
        assert len(workers) == 1
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 30) == 0
        assert children(process.pid) == []
        assert not any(Path(f"/proc/{worker}").exists() for worker in workers)


async def test_the_demos_tokens_work(home: Path) -> None:
    typed(home, "demo", "--small")
    async with serving(home, "--no-worker", "--demo") as (process, address), httpx2.AsyncClient() as client:
        assert process.stdout is not None
        said = ""
        while "TOKEN=" not in said:
            said += (await asyncio.wait_for(process.stdout.readline(), 30)).decode()
        tokens = re.findall(r"^(eyJ\S+)$", said, re.M)
        assert len(tokens) == len(Duty) == 19  # one a duty
        duties: set[str] = set()
        for token in tokens:
            duties |= set((await asked(client, address, token, "{ viewer { duties } }"))["viewer"]["duties"])
        assert duties == {duty.name for duty in Duty}
        (office,) = re.findall(r"^TOKEN=(\S+)$", said, re.M)
        bodies = [json.loads(body) for body in re.findall(r"-d '(.*)'$", said, re.M)]
        assert len(bodies) == 3
        for body in bodies:
            assert all((await asked(client, address, office, body["query"])).values())
        (page,) = re.findall(rf"{address}/public/notices/\S+$", said, re.M)
        shown = await client.get(page)
        assert shown.status_code == 200
        assert "已脱贫户巩固增收计划公示" in shown.text
        assert children(process.pid) == []


def children(process: int) -> list[int]:
    """The processes that a process started."""
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process)], capture_output=True, text=True, check=False)
    return [int(line) for line in found.stdout.split() if "ps" not in line]
