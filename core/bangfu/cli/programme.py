"""Commands for programmes: switching on, provisions, periods."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from bangfu.cases import ground as grounds
from bangfu.cli.shell import Day, Open, Shell, Target, pass_shell
from bangfu.documents.writing import Sheet, SheetColumn, workbook
from bangfu.policy import Whose
from bangfu.programme import AnyProgramme, ClauseState, Programme, answered
from bangfu.text import Text, join


@click.group()
def programme() -> None:
    """Programmes and their periods."""


@programme.command("list")
@pass_shell
def list_(shell: Shell) -> None:
    """List the programmes of this installation, and plugins that were skipped."""
    plugins = shell.plugins
    headers = [shell.show(t) for t in (Text("代码", "code"), Text("名称", "title"), Text("规则起始日", "books from"))]
    rows = [(p.code, shell.show(p.title), _books(p)) for p in plugins.every.values()]
    shell.table(shell.show(Text("项目", "programmes")), headers, rows)
    for name, why in plugins.skipped.items():
        shell.say("已跳过插件 {name}:{why}", "skipped plugin {name}: {why}", name=name, why=why)


def _books(programme: AnyProgramme) -> str:
    """The days from which the books of a programme hold; a programme of pairings has none."""
    return ", ".join(book.since.isoformat() for book in programme.books) if isinstance(programme, Programme) else ""


@programme.command("on")
@click.argument("code")
@click.option("--since", type=Day(), help="from which day; today unless stated")
@pass_shell
def switch_on(shell: Shell, code: str, since: date | None) -> None:
    """Let the county run a programme."""

    async def work(opened: Open) -> None:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            await grounds.switch_on(session, who, shell.any_programme(code), since or who.at.today)

    shell.run(work)
    shell.say("已启用 {title}", "{title} is on", title=shell.any_programme(code).title)


@programme.command("off")
@click.argument("code")
@click.option("--until", type=Day(), help="the first day on which it does not run; today unless stated")
@click.option("--reason", required=True, help="why; kept on record")
@pass_shell
def switch_off(shell: Shell, code: str, until: date | None, reason: str) -> None:
    """Suspend a programme: it can be read, and nothing of it is done until it is on again."""

    async def work(opened: Open) -> None:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            await grounds.switch_off(session, who, shell.any_programme(code), until or who.at.today, reason)

    shell.run(work)
    shell.say("已停用 {title}", "{title} is off", title=shell.any_programme(code).title)


@programme.command("open")
@click.argument("code")
@click.argument("period")
@pass_shell
def open_(shell: Shell, code: str, period: str) -> None:
    """Freeze the rules of a PERIOD; again, if provisions released since say otherwise."""

    async def work(opened: Open) -> grounds.Rules:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            return await grounds.open_period(session, who, shell.programme(code), period)

    show_rules(shell, shell.run(work))


@programme.command("show")
@click.argument("code")
@click.argument("period")
@click.option("--own", is_flag=True, help="only where the county differs from the plan, and what the plan says")
@pass_shell
def show(shell: Shell, code: str, period: str, own: bool) -> None:
    """Show the numbers a PERIOD runs by, and whose document sets each."""

    async def work(opened: Open) -> grounds.Rules:
        who = await opened.enter()
        return (await opened.ground(who, code, period)).latest

    rules = shell.run(work)
    if not own:
        show_rules(shell, rules)
        return
    unsaid = Text("未载明", "not said")
    rows = [
        (
            shell.show(one.title),
            shell.show(one.value),
            shell.show(one.planned or unsaid),
            one.authority.since,
            f"{one.authority.document} {one.authority.clause}",
        )
        for one in rules.differences
    ]
    titles = (
        Text("参数", "parameter"),
        Text("本县", "county"),
        Text("方案", "plan"),
        Text("自", "since"),
        Text("依据", "authority"),
    )
    heading = Text("与方案不同之处", "where the county differs from the plan")
    shell.table(shell.show(heading), [shell.show(title) for title in titles], rows)


@programme.command("calendar")
@click.argument("code")
@click.argument("period")
@pass_shell
def calendar(shell: Shell, code: str, period: str) -> None:
    """Show the times of a PERIOD: when each stage of it begins and ends, and what else the plan has a time for."""

    async def work(opened: Open) -> grounds.Rules:
        who = await opened.enter()
        return (await opened.ground(who, code, period)).latest

    rules = shell.run(work)
    stages = [
        (stage.title, rules.proceedings.opens(stage), rules.proceedings.deadline(stage), stage.cites)
        for stage in rules.programme.process.stages
    ]
    others = [(own.title, opens, closes, own.cites) for own, opens, closes in rules.milestones]
    rows = [
        (shell.show(title), opens or "", closes or "", ", ".join(cites))
        for title, opens, closes, cites in sorted(
            [*others, *stages], key=lambda one: (one[1] or one[2] or date.max, one[2] or date.max)
        )
    ]
    titles = (Text("事项", "what"), Text("开始", "from"), Text("截止", "to"), Text("依据", "clauses"))
    heading = Text(f"{rules.programme.title.zh}{rules.period.title.zh}日程", f"the times of {rules.period.title.en}")
    shell.table(shell.show(heading), [shell.show(title) for title in titles], rows)


@programme.command("clauses")
@click.argument("code", required=False)
@click.option(
    "--state", type=click.Choice([state.value for state in ClauseState]), help="only those that are so far carried out"
)
@click.option("--export", type=Target(), help="write them as a workbook")
@pass_shell
def clauses(shell: Shell, code: str | None, state: str | None, export: Path | None) -> None:
    """Show, clause by clause, what carries it out or why it is left out; of all programmes unless one is named."""
    chosen = [shell.any_programme(code)] if code else list(shell.plugins.every.values())
    titles = (
        Text("条款", "clause"),
        Text("内容", "heading"),
        Text("落实情况", "state"),
        Text("项目", "programmes"),
        Text("落实方式或理由", "by what, or why not"),
    )
    headers = [shell.show(title) for title in titles]
    tables = {
        title: [
            (
                one.clause,
                one.heading,
                shell.show(answer.state.title_text),
                shell.show(join([programme.title for programme in answer.programmes])),
                shell.show(answer.says),
            )
            for one in found
            for answer in one.answers
            if state in (None, answer.state.value)
        ]
        for (_, title), found in answered(chosen).items()
    }
    if export is None:
        for title, rows in tables.items():
            shell.table(title, headers, rows)
        return
    columns = [SheetColumn(header) for header in headers]
    sheets = [Sheet(f"{position}", title, columns, rows) for position, (title, rows) in enumerate(tables.items(), 1)]
    export.write_bytes(workbook(sheets))
    shell.say("已写入 {file}", "written to {file}", file=export)


def show_rules(shell: Shell, rules: grounds.Rules) -> None:
    """Show an edition of a period's rules."""
    whose = {Whose.PLAN: Text("方案", "plan"), Whose.COUNTY: Text("本县", "county")}
    rows = [
        (
            shell.show(rules.programme.policy.parameters[name].title),
            shell.show(rules.shown(name)),
            resolved.since,
            shell.show(whose[resolved.whose]),
            f"{resolved.document} {resolved.clause}",
        )
        for name, resolved in rules.resolved.items()
    ]
    titles = (
        Text("参数", "parameter"),
        Text("值", "value"),
        Text("自", "since"),
        Text("谁定", "whose"),
        Text("依据", "authority"),
    )
    heading = Text(
        f"{rules.programme.title.zh} {rules.period.title.zh} 第 {rules.number} 版",
        f"{rules.programme.title.en}, {rules.period.title.en}, edition {rules.number}",
    )
    shell.table(shell.show(heading), [shell.show(t) for t in titles], rows)


commands = (programme,)
