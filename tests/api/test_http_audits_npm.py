"""The server audits of the npm package graphql-http itself, where Node and the package are there to run them."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from pathlib import Path

import pytest

from tests.api.conftest import Served
from tests.api.test_http_audits import AUDITS

NODE = shutil.which("node")
PACKAGE = Path(os.environ.get("GRAPHQL_HTTP") or Path(__file__).parents[2] / "node_modules" / "graphql-http").absolute()

SCRIPT = """
const { auditServer } = require(process.env.GRAPHQL_HTTP);
const authorization = process.env.AUTHORIZATION;
auditServer({
  url: process.env.URL,
  fetchFn: (url, init = {}) => fetch(url, { ...init, headers: { ...init.headers, authorization } }),
}).then((results) =>
  console.log(JSON.stringify(results.map(({ id, name, status, reason }) => ({ id, name, status, reason })))),
);
"""


@pytest.mark.skipif(NODE is None, reason="there is no node on the PATH")
@pytest.mark.skipif(not PACKAGE.is_dir(), reason="graphql-http is neither at $GRAPHQL_HTTP nor in node_modules")
async def test_the_package_finds_every_audit_passed(standing: Served) -> None:
    assert NODE is not None
    told = {"GRAPHQL_HTTP": str(PACKAGE), "URL": standing.url, "AUTHORIZATION": f"Bearer {standing.token('C1')}"}
    node = await asyncio.create_subprocess_exec(
        NODE, "--eval", SCRIPT, env=os.environ | told, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, problems = await node.communicate()
    assert node.returncode == 0, problems.decode()
    results = json.loads(out)
    assert [result for result in results if result["status"] != "ok"] == []
    assert len(results) == 61
    assert {result["id"]: result["name"] for result in results} == {audit.id: audit.name for audit in AUDITS}
