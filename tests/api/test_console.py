"""The console in a real browser, with every other host out of reach."""

from __future__ import annotations

import asyncio
import re
import shutil
from pathlib import Path

import pytest

from bangfu_graphql.server import CONSOLE
from tests.api.conftest import Served
from tests.county import CODE

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


async def looked(standing: Served, tmp_path: Path, path: str) -> tuple[str, list[str]]:
    """A page as a browser shows it, and what the browser had to say."""
    assert CHROMIUM is not None
    process = await asyncio.create_subprocess_exec(
        CHROMIUM,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path}",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        "--enable-logging=stderr",
        "--virtual-time-budget=8000",
        "--dump-dom",
        f"{standing.address}{path}",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, log = await asyncio.wait_for(process.communicate(), 60)
    said = [line for line in log.decode(errors="replace").splitlines() if "CONSOLE" in line]
    return out.decode(), said


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here to look at the console with")
async def test_the_console_stands_by_itself(standing: Served, tmp_path: Path) -> None:
    page, said = await looked(standing, tmp_path, "/graphql/console")
    assert "<title>Bangfu 帮扶 GraphQL</title>" in page
    assert "令牌 Token" in page
    assert "graphiql-query-editor" in page
    assert 'class="CodeMirror' in page
    assert "登录 Log in" in page
    assert said == []


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here to look at the pages with")
@pytest.mark.parametrize("path", ["/login", f"/login/{CODE}", f"/login/{CODE}/enrol"])
async def test_the_pages_for_logging_in_stand_by_themselves(standing: Served, tmp_path: Path, path: str) -> None:
    page, said = await looked(standing, tmp_path, path)
    assert "<h1>帮扶 Bangfu<br>" in page
    assert "<form" in page
    assert said == []


async def test_the_console_is_served_with_a_policy_and_names_no_other_host(standing: Served) -> None:
    page = await standing.client.get(f"{standing.address}/graphql/console")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assets = [found for found in re.findall(r'(?:src|href)="([^"]+)"', page.text) if found != "data:,"]
    assert {Path(asset).name for asset in assets} >= {"console.js", "console.css"}
    for asset in assets:
        assert asset.startswith("/graphql/console/")
        assert (await standing.client.get(standing.address + asset)).status_code == 200
    browser = await standing.client.get(standing.url, headers={"Accept": "text/html"}, follow_redirects=False)
    assert (browser.status_code, browser.headers["location"]) == (303, "/graphql/console")
    assert {path.name for path in CONSOLE.iterdir()} == {"index.html", "console.js", "console.css", "LICENSES.txt"}
