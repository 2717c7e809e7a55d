"""Commands for money: batches and the payment list."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import click

from bangfu import payments
from bangfu.cases import paying
from bangfu.cli.shell import SHOWN, Open, Shell, pass_shell, programme_options
from bangfu.errors import Problem
from bangfu.process import Pay
from bangfu.text import money, number


@click.group()
def batch() -> None:
    """Batches of payments: made, checked and released by three persons."""


def _say(shell: Shell, done: payments.Batch) -> None:
    shell.say(
        "批次 {id}(第 {number} 批):{state},{count} 户,{total}",
        "batch {id} (no. {number}): {state}, {count} households, {total}",
        id=done.id,
        number=done.number,
        state=payments.STATES[done.state],
        count=number(done.count),
        total=money(done.total_fen),
    )


@batch.command("make")
@programme_options
@pass_shell
def make(shell: Shell, programme: str | None, period: str) -> None:
    """Gather everything that is due into a batch."""

    async def work(opened: Open) -> tuple[payments.Batch, list[tuple[str, Problem]]]:
        who = await opened.enter()
        ground = await opened.ground(who, programme, period)
        async with opened.database.session(who.scope) as session:
            return await paying.make_batch(session, who, opened.vault, ground)

    made, missing = shell.run(work)
    _say(shell, made)
    for household, problem in missing[:SHOWN]:
        shell.line(f"  {household}: {shell.show(problem.message)} → {shell.show(problem.remedy)}")
    if len(missing) > SHOWN:
        shell.say("  ……另有 {more} 户", "  … and {more} more", more=len(missing) - SHOWN)


def _step(shell: Shell, programme: str | None, period: str, act: Any) -> None:
    async def work(opened: Open) -> payments.Batch:
        who = await opened.enter()
        ground = await opened.ground(who, programme, period)
        async with opened.database.session(who.scope) as session:
            done: payments.Batch = await act(session, who, ground)
            return done

    _say(shell, shell.run(work))


@batch.command("check")
@click.argument("id", type=click.UUID)
@programme_options
@pass_shell
def check(shell: Shell, id: UUID, programme: str | None, period: str) -> None:
    """Check a batch; by another person than who made it."""
    _step(shell, programme, period, lambda session, who, ground: paying.check_batch(session, who, ground, id))


@batch.command("release")
@click.argument("id", type=click.UUID)
@programme_options
@pass_shell
def release(shell: Shell, id: UUID, programme: str | None, period: str) -> None:
    """Release a checked batch; by a third person, who took no part in the sample. It never changes after."""
    _step(shell, programme, period, lambda session, who, ground: paying.release_batch(session, who, ground, id))


@batch.command("cancel")
@click.argument("id", type=click.UUID)
@click.option("--reason", required=True)
@programme_options
@pass_shell
def cancel(shell: Shell, id: UUID, reason: str, programme: str | None, period: str) -> None:
    """Cancel a batch that has not been released."""
    _step(shell, programme, period, lambda session, who, ground: paying.cancel_batch(session, who, ground, id, reason))


@batch.command("list")
@programme_options
@pass_shell
def list_(shell: Shell, programme: str | None, period: str) -> None:
    """List the batches of a period."""

    async def work(opened: Open) -> list[payments.Batch]:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            return await payments.batches(session, who, shell.programme(programme).code, period)

    for found in shell.run(work):
        _say(shell, found)


@batch.command("export")
@click.argument("id", type=click.UUID)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--reason", required=True, help="what the list is for; recorded, because it holds whole account numbers")
@click.option("-p", "--programme")
@pass_shell
def export(shell: Shell, id: UUID, file: Path, reason: str, programme: str | None) -> None:
    """Write the payment list of a released batch; its totals are read back and compared."""
    found = shell.programme(programme)
    channel = shell.plugins.channels[found.process.first(Pay).channel]

    async def work(opened: Open) -> bytes:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            return await payments.payment_list(session, who, opened.vault, found, channel, id, reason)

    shell.save(file, shell.run(work))
    shell.say("已写入 {file}", "written to {file}", file=file)


commands = (batch,)
