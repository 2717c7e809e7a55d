"""Commands for who may do what: the county's own rules, and why somebody may not."""

from __future__ import annotations

from uuid import UUID

import click

from bangfu.access import EVERY, Action, Rule
from bangfu.access import rules as county_rules
from bangfu.access.policy import ALLOW, DENY
from bangfu.access.rules import Laid
from bangfu.cases.denials import Condition, Step, why_denied
from bangfu.cli.shell import Open, Shell, pass_shell
from bangfu.process import Duty
from bangfu.text import Text

DUTIES = click.Choice([duty.value for duty in Duty])
ACTIONS = click.Choice([action.value for action in Action])


@click.group()
def policy() -> None:
    """Who may do what: the county's own rules, and why somebody may not."""


@policy.command("show")
@pass_shell
def show(shell: Shell) -> None:
    """Show the rules of the county's own that stand."""

    async def work(opened: Open) -> list[Laid]:
        who = await opened.enter()
        who.require(Action.READ_POLICY)
        async with opened.database.session(who.scope) as session:
            return await county_rules.standing(session, who)

    titles = (
        Text("编号", "id"),
        Text("职责", "duty"),
        Text("权限", "action"),
        Text("项目", "programme"),
        Text("环节", "stage"),
        Text("效力", "effect"),
        Text("决定人", "decided by"),
        Text("理由", "reason"),
    )
    rows = [(one.id, *one.rule, one.decided_by, one.reason) for one in shell.run(work)]
    shell.table(shell.show(Text("本县权限规定", "the county's own rules")), [shell.show(t) for t in titles], rows)


def _lay_down(
    shell: Shell, effect: str, duty: str, action: str, programme: str | None, stage: str | None, reason: str
) -> None:
    rule = Rule(duty, action, programme or EVERY, stage or EVERY, effect)

    async def work(opened: Open) -> UUID:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            return await county_rules.lay_down(session, who, shell.plugins.every, rule, reason)

    shell.say("规定 {id} 已生效", "rule {id} stands", id=shell.run(work))


@policy.command("allow")
@click.argument("duty", type=DUTIES)
@click.argument("action", type=ACTIONS)
@click.option("-p", "--programme", help="programme code; every one unless stated")
@click.option("--stage", help="code of a stage; every one unless stated")
@click.option("--reason", default="", help="why; kept on record")
@pass_shell
def allow(shell: Shell, duty: str, action: str, programme: str | None, stage: str | None, reason: str) -> None:
    """Allow DUTY an ACTION, as far as the platform leaves that to counties."""
    _lay_down(shell, ALLOW, duty, action, programme, stage, reason)


@policy.command("deny")
@click.argument("duty", type=DUTIES)
@click.argument("action", type=ACTIONS)
@click.option("-p", "--programme", help="programme code; every one unless stated")
@click.option("--stage", help="code of a stage; every one unless stated")
@click.option("--reason", default="", help="why; kept on record")
@pass_shell
def deny(shell: Shell, duty: str, action: str, programme: str | None, stage: str | None, reason: str) -> None:
    """Deny DUTY an ACTION."""
    _lay_down(shell, DENY, duty, action, programme, stage, reason)


@policy.command("withdraw")
@click.argument("rule", type=click.UUID)
@click.option("--reason", default="", help="why; kept on record")
@pass_shell
def withdraw(shell: Shell, rule: UUID, reason: str) -> None:
    """Withdraw a RULE of the county's own: the platform's policy counts again."""

    async def work(opened: Open) -> None:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            await county_rules.withdraw(session, who, rule, reason)

    shell.run(work)
    shell.say("规定 {id} 已撤销", "rule {id} is withdrawn", id=rule)


@policy.command("why")
@click.argument("officer")
@click.argument("action", type=ACTIONS)
@click.option("-p", "--programme", help="programme code; left out, that of BANGFU_PROGRAMME")
@click.option("--period", help="period, such as the plan year 2021; without it, no programme is meant")
@click.option("--stage", help="code of a stage; needs --period")
@click.option(
    "-n",
    "--household",
    help="number of the household or, where the programme is for persons, of the person; needs --period",
)
@click.option(
    "--step",
    type=click.Choice([step.value for step in Step]),
    help="beside what the stage waits for; needs --household",
)
@pass_shell
def why(
    shell: Shell,
    officer: str,
    action: str,
    programme: str | None,
    period: str | None,
    stage: str | None,
    household: str | None,
    step: str | None,
) -> None:
    """Show why OFFICER may not do an ACTION, or may: every condition in turn. Exits with 1 if one is not met."""
    if period is None and (programme, stage, household) != (None, None, None):
        raise click.UsageError("--programme, --stage and --household need --period")

    async def work(opened: Open) -> list[Condition]:
        who = await opened.enter()
        ground = None if period is None else await opened.ground(who, programme, period)
        async with opened.database.session(who.scope) as session:
            meant = Step(step) if step else None
            return await why_denied(session, who, officer, Action(action), ground, stage, household, meant)

    found = shell.run(work)
    for one in found:
        shell.line(f"{'✓' if one.met else '✗'} {shell.show(one.text)}")
    if not all(one.met for one in found):
        raise SystemExit(1)


commands = (policy,)
