"""The server's own commands: serve, work, make tokens, print the schema."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta

import click
import uvicorn

from bangfu.cli.shell import Open, Shell, pass_shell
from bangfu_graphql.http import Service
from bangfu_graphql.schema import schema_of
from bangfu_graphql.server import application
from bangfu_graphql.tokens import Issuer, Tokens
from bangfu_graphql.trying import show
from bangfu_graphql.working import work_on

HOST, PORT = "127.0.0.1", 8000
AGAIN = 1.0
"""Seconds before a worker that ended by itself is started again."""
_LOG = "%(asctime)s %(levelname)s %(name)s %(message)s"


class _Server(uvicorn.Server):
    """A server that says when it answers, and leaves signals to us: being stopped is no failure."""

    def __init__(self, config: uvicorn.Config, begun: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self.begun = begun

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, and say so."""
        await super().startup(sockets)
        await self.begun()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield


def _loop() -> asyncio.AbstractEventLoop:
    """The faster event loop, where there is one."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def _on_stop(act: Callable[[], object]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, act)


@click.command()
@click.option("--host", default=HOST, show_default=True, help="the address to listen on")
@click.option("--port", default=PORT, show_default=True, help="the port to listen on; 0 takes a free one")
@click.option("--no-worker", is_flag=True, help="do not run jobs; `bangfu worker` does elsewhere")
@click.option("--demo", is_flag=True, help="print a token for each role of the newest demo county, and what to try")
@pass_shell
def serve(shell: Shell, host: str, port: int, no_worker: bool, demo: bool) -> None:
    """Serve the API, and run jobs beside it. Ctrl-C stops it."""
    logging.basicConfig(level=logging.WARNING, format=_LOG)

    async def work(opened: Open) -> None:
        service = Service(opened.database, opened.vault, shell.plugins, Tokens(Issuer.open(shell.settings)))
        schema_of(service.plugins.programmes.values())
        config = uvicorn.Config(
            application(service), host=host, port=port, log_level="warning", server_header=False, lifespan="off"
        )
        listening = config.bind_socket()
        # Or the head and the body of an answer wait for each other, some forty milliseconds.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        address = f"http://{host}:{listening.getsockname()[1]}"

        async def begun() -> None:
            shell.say("接口已启动:{address}/graphql", "the API is at {address}/graphql", address=address)
            if demo:
                await show(opened, address)

        server = _Server(config, begun)
        _on_stop(lambda: setattr(server, "should_exit", True))
        worker = None if no_worker else asyncio.ensure_future(_with_worker(shell))
        try:
            await server.serve(sockets=[listening])
        finally:
            listening.close()
            if worker is not None:
                worker.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await worker

    shell.run(work, loop=_loop)


async def _with_worker(shell: Shell) -> None:
    """Keep a worker running in a process of its own: long work is heavy, and must not make requests wait."""
    command = [sys.executable, "-m", "bangfu", "worker", "--until-parent-ends"]
    environment = {**os.environ, "BANGFU_HOME": str(shell.settings.home)}
    while True:
        process = await asyncio.create_subprocess_exec(*command, env=environment)
        try:
            await process.wait()
            await asyncio.sleep(AGAIN)
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
                await process.wait()


@click.command()
@click.option("--until-parent-ends", is_flag=True, help="stop when the process that started it is gone")
@pass_shell
def worker(shell: Shell, until_parent_ends: bool) -> None:
    """Run the jobs of all counties as they come. Ctrl-C stops it; what it was at is taken up again."""
    logging.basicConfig(level=logging.WARNING, format=_LOG)
    parent = os.getppid()

    async def work(opened: Open) -> None:
        working = asyncio.ensure_future(
            work_on(
                opened.database,
                opened.vault,
                shell.plugins,
                lambda: until_parent_ends and os.getppid() != parent,
            )
        )
        _on_stop(working.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await working

    shell.run(work)


@click.command()
@click.option("--days", default=1, show_default=True, type=click.IntRange(1, 30), help="how long it lasts")
@pass_shell
def token(shell: Shell, days: int) -> None:
    """Print a token for the officer who acts (--tenant, --as)."""

    async def work(opened: Open) -> str:
        who = await opened.enter()
        return Issuer.open(shell.settings).issue(
            who.county.code, who.actor.number, datetime.now(UTC), timedelta(days=days)
        )

    click.echo(shell.run(work))


@click.group()
def issuer() -> None:
    """The key that signs tokens."""


@issuer.command("new")
def new_issuer() -> None:
    """Print a fresh key for BANGFU_ISSUER_KEY; whoever has it can act as anybody."""
    click.echo(Issuer.new().dump())


@click.command()
@click.argument("programme", nargs=-1)
@pass_shell
def schema(shell: Shell, programme: tuple[str, ...]) -> None:
    """Print the schema with these PROGRAMMES, or with all that are installed."""
    codes = programme or tuple(shell.plugins.programmes)
    click.echo(schema_of(shell.plugins.programme(code) for code in codes).printed(), nl=False)
