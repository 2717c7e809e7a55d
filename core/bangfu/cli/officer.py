"""Commands for the roster: who is charged with what, and whose account is disabled."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID

import click
from sqlalchemy import select

from bangfu.access import Action
from bangfu.cli.shell import Day, Open, Shell, pass_shell
from bangfu.documents.cells import CellProblem
from bangfu.errors import Code
from bangfu.models import Assignment, Officer
from bangfu.process import Duty
from bangfu.registry import offices
from bangfu.registry.divisions import read_code
from bangfu.registry.offices import Term
from bangfu.text import Text

_HEADERS = (
    Text("任职编号", "assignment"),
    Text("职责", "duty"),
    Text("负责区划代码", "area"),
    Text("起始日期", "from"),
    Text("截止日期", "until"),
    Text("代理", "in somebody's stead"),
)


@click.group()
def officer() -> None:
    """Officers, their duties and their accounts."""


@officer.command("show")
@click.argument("number")
@pass_shell
def show(shell: Shell, number: str) -> None:
    """Show what an officer is charged with, by staff number: past, present and coming."""

    async def work(opened: Open) -> tuple[Officer, list[Assignment]]:
        who = await opened.enter()
        who.require(Action.READ_OFFICES)
        async with opened.database.session(who.scope) as session:
            found = await session.scalar(
                select(Officer).where(Officer.tenant_id == who.county.id, Officer.number == number)
            )
            if found is None:
                raise Code.OFFICER_UNKNOWN.refuse("officer", officer=number)
            query = select(Assignment).where(
                Assignment.tenant_id == who.county.id,
                Assignment.officer_id == found.id,
                Assignment.known_to.is_(None),
            )
            return found, list(await session.scalars(query.order_by(Assignment.valid_from, Assignment.id)))

    found, held = shell.run(work)
    rows = [
        (
            row.id,
            shell.show(Duty(row.duty).title_text),
            row.area_lo,
            row.valid_from,
            row.valid_to or "",
            "✓" if row.stands_in_for is not None else "",
        )
        for row in held
    ]
    disabled = shell.show(Text("(已停用)", " (disabled)")) if found.disabled_at is not None else ""
    shell.table(f"{found.number} {found.name}{disabled}", [shell.show(title) for title in _HEADERS], rows)


@officer.command("assign")
@click.argument("number")
@click.argument("duty", type=click.Choice([duty.value for duty in Duty]))
@click.argument("area")
@click.option("--since", type=Day(), help="the first day; today unless stated")
@click.option("--until", type=Day(), help="the day before which it ends; a stand-in must have one")
@click.option("--unit", help="credit code of the enterprise that an agent acts for")
@click.option("--household", help="number of the household whose account it is")
@click.option("--stands-in-for", "other", help="staff number of whoever it is held for")
@click.option("--reason", required=True, help="why; kept on record")
@pass_shell
def assign(
    shell: Shell,
    number: str,
    duty: str,
    area: str,
    since: date | None,
    until: date | None,
    unit: str | None,
    household: str | None,
    other: str | None,
    reason: str,
) -> None:
    """Charge the officer of a staff NUMBER with a DUTY over an AREA (a division code).

    Incompatible duties are refused. Who stands in for somebody does so only until a day.
    """
    try:
        code = read_code(area)
    except CellProblem:
        raise click.BadParameter(f"{area!r} is not a division code of 6, 9 or 12 digits", param_hint="AREA") from None

    async def work(opened: Open) -> UUID:
        who = await opened.enter()
        term = Term(number, Duty(duty), code, since or who.at.today, until, unit, household, other)
        async with opened.database.session(who.scope) as session:
            return await offices.assign(session, who, term, reason)

    shell.say("已任职:{id}", "assigned: {id}", id=shell.run(work))


@officer.command("end")
@click.argument("assignment", type=click.UUID)
@click.option("--day", type=Day(), required=True, help="the first day on which it is not held any more")
@click.option("--reason", required=True, help="why; kept on record")
@pass_shell
def end(shell: Shell, assignment: UUID, day: date, reason: str) -> None:
    """Let a duty end before a day, by the ASSIGNMENT that `officer show` names; stand-ins for it end with it."""

    async def work(opened: Open) -> None:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            await offices.end(session, who, assignment, day, reason)

    shell.run(work)


@officer.command("disable")
@click.argument("number")
@click.option("--reason", required=True, help="why; kept on record")
@pass_shell
def disable(shell: Shell, number: str, reason: str) -> None:
    """Let the account of a staff NUMBER in no more, from its next request on."""

    async def work(opened: Open) -> None:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            await offices.disable(session, who, number, reason, datetime.now(UTC))

    shell.run(work)


@officer.command("enable")
@click.argument("number")
@click.option("--reason", required=True, help="why; kept on record")
@pass_shell
def enable(shell: Shell, number: str, reason: str) -> None:
    """Let the account of a staff NUMBER in again."""

    async def work(opened: Open) -> None:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            await offices.enable(session, who, number, reason)

    shell.run(work)


commands = (officer,)
