"""The real server over HTTP on a free port, over a county of one's own, and people who ask it."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from sqlalchemy import text

from bangfu.db import Database, Scope
from bangfu.db.embedded import EmbeddedServer
from bangfu.models import WALLS
from bangfu.vault import Vault
from bangfu_graphql.http import Service
from bangfu_graphql.server import application
from bangfu_graphql.tokens import Issuer, Tokens
from bangfu_graphql.working import work_off
from tests.conftest import lent
from tests.county import CODE, World
from tests.stories import digests, set_clock

ISSUER = Issuer.new()


def whole(tenant: int) -> Scope:
    """The scope of somebody who sees the whole county."""
    return Scope(tenant, ((0, 10**12),))


OPERATIONS = Path(__file__).parent.parent.parent / "graphql" / "operations"


@dataclass
class Answer:
    """What came back."""

    response: httpx2.Response

    @property
    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = self.response.json()
        return body

    @property
    def data(self) -> dict[str, Any]:
        """The data, where nothing went wrong."""
        assert "errors" not in self.body, self.body["errors"]
        data: dict[str, Any] = self.body["data"]
        return data

    @property
    def codes(self) -> list[str]:
        """The codes of the errors."""
        return [error["extensions"]["code"] for error in self.body["errors"]]


@dataclass(repr=False)
class Served:
    """A running server, and its county."""

    world: World
    address: str
    client: httpx2.AsyncClient
    service: Service
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"{self.address}/graphql"

    def token(self, number: str, tenant: str = CODE) -> str:
        """A token for an officer."""
        if number not in self.tokens:
            self.tokens[number] = ISSUER.issue(tenant, number, datetime.now(UTC), timedelta(hours=1))
        return self.tokens[number]

    def headers(self, number: str, **more: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(number)}", "Accept-Language": "en", **more}

    async def ask(self, number: str, query: str, headers: dict[str, str] | None = None, **variables: Any) -> Answer:
        """Send a document as an officer."""
        body = {"query": query, "variables": variables}
        response = await self.client.post(self.url, json=body, headers=self.headers(number, **(headers or {})))
        return Answer(response)

    async def operation(
        self, number: str, name: str, headers: dict[str, str] | None = None, **variables: Any
    ) -> Answer:
        """Send one of the committed operations as an officer."""
        document = (OPERATIONS / f"{name}.graphql").read_text(encoding="utf-8")
        return await self.ask(number, document, headers, **variables)

    async def upload(
        self, number: str, query: str, data: bytes, name: str, headers: dict[str, str] | None = None, **input: Any
    ) -> Answer:
        """Send a document with a workbook as its ``input.file``."""
        operations = {"query": query, "variables": {"input": {**input, "file": None}}}
        response = await self.client.post(
            self.url,
            data={"operations": json.dumps(operations), "map": json.dumps({"0": ["variables.input.file"]})},
            files={"0": (name, data)},
            headers=self.headers(number, **(headers or {})),
        )
        return Answer(response)

    async def day(self, day: Any) -> None:
        """Move the county's clock to a day, at once: it is a demo county for the time of the test."""
        self.world.today = day
        if self.world.kept is None:
            await set_clock(self.world.database, day)
            await self.world.look()
            return
        await self.world.kept.set_clock(day)
        await self.world.look(anew=self.world.kept.touched)

    async def snapshot(self) -> dict[str, Any]:
        """What any change would change, of every table of the county but the record of who fetched what."""
        async with self.world.database.session(whole(self.world.tenant.id)) as session:
            tables = sorted(WALLS.keys() - {"tenant", "identity_provider", "answered_request"})
            return {table: digest for table, *digest in await session.execute(text(digests(tables)))}

    async def denied(self, number: str, name: str, code: str, **variables: Any) -> Answer:
        """An operation that is refused with a code, by error or by problem, and has changed nothing."""
        before = await self.snapshot()
        answer = await self.operation(number, name, **variables)
        if "errors" in answer.body:
            assert answer.codes == [code], answer.body
            assert not answer.body.get("data"), answer.body
        else:
            (payload,) = answer.data.values()
            assert {problem["code"] for problem in payload["problems"]} == {code}, payload["problems"]
            assert payload.get("done", 0) in (0, False)
        assert await self.snapshot() == before
        return answer

    async def work(self) -> int:
        """Run the jobs that wait."""
        return await work_off(self.world.database, self.world.vault, self.world.plugins)


@asynccontextmanager
async def serving(database: Database, vault: Vault, world: World) -> AsyncIterator[Served]:
    """The application on a free port."""
    service = Service(database, vault, world.plugins, Tokens(ISSUER))
    # Client and server share a loop here: while a test reckons, no connection may grow old.
    config = uvicorn.Config(
        application(service), host="127.0.0.1", port=0, log_level="error", lifespan="off", timeout_keep_alive=600
    )
    server = uvicorn.Server(config)
    listening = config.bind_socket()
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    running = asyncio.ensure_future(server.serve(sockets=[listening]))
    while not server.started:  # noqa: ASYNC110 - the server has no event to wait for
        await asyncio.sleep(0.005)
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    # No certificate is looked at: to read those of all the world takes longer than many a test.
    async with httpx2.AsyncClient(timeout=60, verify=False) as client:
        yield Served(world, address, client, service)
    server.should_exit = True
    await running
    listening.close()


@pytest.fixture
async def served(world: World) -> AsyncIterator[Served]:
    """The server over the small county, on the day on which it was built."""
    async with serving(world.database, world.vault, world) as made:
        await made.day(world.today)
        yield made


@pytest.fixture(scope="module")
async def standing(
    server: EmbeddedServer, peopled: str, vault: Vault, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Served]:
    """The server over the small county, one for all the tests of a module that change nothing."""
    async with lent(server, peopled, tmp_path_factory.mktemp("home")) as (_, opened):
        world = World(opened, vault)
        await world.look()
        async with serving(opened, vault, world) as made:
            await made.day(world.today)
            yield made


__all__ = ["ISSUER", "Answer", "Served", "served", "serving", "standing"]
