"""The server's own commands: serve, work, make tokens, print the schema."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from datetime import UTC, datetime, timedelta

import click
import uvicorn

from bangfu.access import enter
from bangfu.cli.shell import Open, Shell, pass_shell
from bangfu_graphql.http import Service, application
from bangfu_graphql.schema import schema_of
from bangfu_graphql.tokens import Issuer, Tokens
from bangfu_graphql.trying import show
from bangfu_graphql.working import work_on

HOST, PORT = "127.0.0.1", 8000


def service_of(opened: Open) -> Service:
    """What the server stands on, from an open installation."""
    tokens = Tokens(Issuer.open(opened.shell.settings))
    return Service(opened.database, opened.vault, opened.shell.plugins, tokens)


@click.command()
@click.option("--host", default=HOST, show_default=True, help="the address to listen on")
@click.option("--port", default=PORT, show_default=True, help="the port to listen on; 0 takes a free one")
@click.option("--no-worker", is_flag=True, help="do not run jobs; `bangfu worker` does elsewhere")
@click.option("--demo", is_flag=True, help="print a token for each role of the newest demo county, and what to try")
@pass_shell
def serve(shell: Shell, host: str, port: int, no_worker: bool, demo: bool) -> None:
    """Serve the API, and run jobs beside it. Ctrl-C stops it."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")

    async def work(opened: Open) -> None:
        service = service_of(opened)
        schema_of(service.plugins.programmes.values())
        config = uvicorn.Config(application(service), host=host, port=port, log_level="warning", server_header=False)
        server = uvicorn.Server(config)
        listening = config.bind_socket()
        address = f"http://{host}:{listening.getsockname()[1]}"
        worker = None if no_worker else await _worker(shell)
        try:
            shell.say("接口已启动:{address}/graphql", "the API is at {address}/graphql", address=address)
            if demo:
                await show(opened, service, address)
            await server.serve(sockets=[listening])
        finally:
            if worker is not None and worker.returncode is None:
                worker.send_signal(signal.SIGTERM)
                await worker.wait()

    shell.run(work)


async def _worker(shell: Shell) -> asyncio.subprocess.Process:
    """A worker in a process of its own: long work is heavy, and must not make requests wait."""
    command = [sys.executable, "-m", "bangfu", "worker"]
    environment = {**os.environ, "BANGFU_HOME": str(shell.settings.home)}
    return await asyncio.create_subprocess_exec(*command, env=environment)


@click.command()
@pass_shell
def worker(shell: Shell) -> None:
    """Run the jobs of all counties as they come. Ctrl-C stops it; what it was at is taken up again."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")

    async def work(opened: Open) -> None:
        stopped = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        await work_on(opened.database, opened.vault, shell.plugins, stopped)

    shell.run(work)


@click.command()
@click.option("--days", default=1, show_default=True, type=click.IntRange(1, 30), help="how long it lasts")
@pass_shell
def token(shell: Shell, days: int) -> None:
    """Print a token for the officer who acts (--tenant, --as)."""

    async def work(opened: Open) -> str:
        if not shell.tenant or not shell.officer:
            raise click.UsageError("--tenant and --as say whose token it is")
        await enter(opened.database, shell.tenant, shell.officer)
        issuer = Issuer.open(shell.settings)
        return issuer.issue(shell.tenant, shell.officer, datetime.now(UTC), timedelta(days=days))

    click.echo(shell.run(work))


@click.command()
@click.argument("programme", nargs=-1)
@pass_shell
def schema(shell: Shell, programme: tuple[str, ...]) -> None:
    """Print the schema with these PROGRAMMES, or with all that are installed."""
    codes = programme or tuple(shell.plugins.programmes)
    click.echo(schema_of(shell.plugins.programme(code) for code in codes).printed(), nl=False)
