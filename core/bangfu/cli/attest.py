"""Commands for what one's own organization is asked to attest, such as cards that a training base signs and seals."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import click

from bangfu.cases import attesting
from bangfu.cli.shell import REFUSED_EXIT, SHOWN, Day, Open, Shell, pass_shell
from bangfu.text import Text


@click.group()
def attest() -> None:
    """What your organization is asked to attest."""


@attest.command("list")
@click.option("-p", "--programme", help="of this programme")
@click.option("--period", help="of this period")
@click.option("--answered/--open", default=False, help="what has an answer, or what waits for one; that unless stated")
@pass_shell
def list_(shell: Shell, programme: str | None, period: str | None, answered: bool) -> None:
    """Show what your organization is asked, and what it is shown; the oldest first."""

    async def work(opened: Open) -> list[attesting.Card]:
        who = await opened.enter()
        async with opened.database.session(who.scope, reading=True) as session:
            return await attesting.cards(session, who, programme=programme, period=period, answered=answered)

    found = shell.run(work)
    titles = (
        Text("编号", "id"),
        Text("姓名", "name"),
        Text("项目", "programme"),
        Text("期间", "period"),
        Text("登记内容", "what is shown"),
        Text("答复", "answer"),
    )
    rows = [
        (
            one.id,
            one.name,
            shell.show(own.title),
            one.period,
            "; ".join(
                f"{shell.show(title)}: {shell.show(said)}" for _, title, said in attesting.in_words(own, one.card)
            ),
            shell.show(one.answer),
        )
        for one in found
        for own in [shell.programme(one.programme)]
    ]
    shell.table(shell.show(Text("待证明事项", "to attest")), [shell.show(title) for title in titles], rows)


@attest.command("confirm")
@click.argument("ids", type=click.UUID, nargs=-1, required=True)
@click.option("--day", type=Day(), help="the day that it is of; today unless stated")
@pass_shell
def confirm(shell: Shell, ids: tuple[UUID, ...], day: date | None) -> None:
    """Attest what the IDS name. It is final."""
    _answer(shell, ids, True, "", day)


@attest.command("refuse")
@click.argument("ids", type=click.UUID, nargs=-1, required=True)
@click.option("--reason", required=True, help="why it is not attested")
@click.option("--day", type=Day(), help="the day that it is of; today unless stated")
@pass_shell
def refuse(shell: Shell, ids: tuple[UUID, ...], reason: str, day: date | None) -> None:
    """Do not attest what the IDS name, with the reason. It is final."""
    _answer(shell, ids, False, reason, day)


def _answer(shell: Shell, ids: tuple[UUID, ...], attested: bool, note: str, day: date | None) -> None:
    """Answer, and show what came of it; exit with 1 if it was refused for all."""

    async def work(opened: Open) -> attesting.Answered:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            return await attesting.attest(session, who, ids, attested=attested, note=note, on=day)

    made = shell.run(work)
    shell.say(
        "已答复 {done} 项,无变化 {unchanged} 项,未办理 {refused} 项",
        "answered {done}, unchanged {unchanged}, refused {refused}",
        done=made.done,
        unchanged=made.unchanged,
        refused=len(made.refused),
    )
    for own, problem in made.refused[:SHOWN]:
        shell.line(f"  {own}  {problem.code.name}: {shell.show(problem.message)}")
        shell.line(f"    → {shell.show(problem.remedy)}")
    if made.refused and not (made.done or made.unchanged):
        raise SystemExit(REFUSED_EXIT)


commands = (attest,)
