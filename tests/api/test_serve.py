"""``bangfu serve`` as it is started: the API, a worker beside it, and a clean end."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.api.conftest import OPERATIONS
from tests.commands import asked, children, installation, serving, typed
from tests.county import CODE, DIVISIONS

IMPORT = (OPERATIONS / "import_workbook.graphql").read_text(encoding="utf-8")
JOB = (OPERATIONS / "job.graphql").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An installation of its own."""
    with installation(tmp_path_factory.mktemp("serve")) as folder:
        yield folder


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
