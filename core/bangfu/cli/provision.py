"""Commands for the county's own documents: drafted, previewed, released, taken back, carried over."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from uuid import UUID

import click
from sqlalchemy import select

from bangfu import simulate
from bangfu.cases import provision_forms, provisions
from bangfu.cases.provisions import Heading
from bangfu.cli.shell import Day, F, Open, Shell, Target, pass_shell
from bangfu.errors import Code, Problem, Refused
from bangfu.models import ProvisionRow
from bangfu.policy import Carried
from bangfu.programme import AnyProgramme
from bangfu.simulate import Preview, TownshipFigures
from bangfu.text import Text, money


@click.group()
def provision() -> None:
    """The county's own documents that set parameters."""


def heading_options(function: F) -> F:
    """How a document is headed: ``--title``, ``--number``, ``--issued``."""
    for option in (
        click.option("--issued", type=Day(), required=True, help="the day on which it was issued"),
        click.option("--number", required=True, help="its number, such as 测政办〔2021〕9号"),
        click.option("--title", required=True, help="its title"),
    ):
        function = option(function)
    return function


def _drafted(shell: Shell, draft: UUID) -> None:
    shell.say(
        "已起草,编号 {id};试算后由另一人发布",
        "drafted as {id}; once it is previewed, another person releases it",
        id=draft,
    )


@provision.command("draft")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("-p", "--programme", help="of a workbook: programme code; left out, that of BANGFU_PROGRAMME")
@click.option("--title", default="", help="of a workbook: its title")
@click.option("--number", default="", help="of a workbook: its number, such as 测政办〔2021〕9号")
@click.option("--issued", type=Day(), help="of a workbook: the day on which it was issued")
@pass_shell
def draft(shell: Shell, file: Path, programme: str | None, title: str, number: str, issued: date | None) -> None:
    """Write down the provisions of a FILE as a draft, after checking them: TOML, or a workbook (see `provision form`)
    with its heading in the options."""
    if file.suffix.lower() == ".toml":
        if title or number or issued:
            raise click.UsageError("--title, --number and --issued head a workbook; a TOML file says them itself")
        try:
            raw = tomllib.loads(file.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            shell.refuse([Code.FILE_UNREADABLE.problem("file", detail=str(error))])
        own = shell.any_programme(raw.get("programme") or programme)
    else:
        own = shell.any_programme(programme)
        if issued is None:
            raise click.UsageError("--title, --number and --issued head the document of a workbook")
        try:
            raw = provision_forms.read(own, Heading(title, number, issued), file.read_bytes(), file.name)
        except Refused as refusal:
            shell.refuse(refusal.problems)

    async def work(opened: Open) -> UUID:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            return await provisions.draft(session, who, own, raw)

    _drafted(shell, shell.run(work))


@provision.command("form")
@click.argument("code")
@click.argument("file", type=Target())
@click.option("--day", type=Day(), help="what the plan says on which day; today unless stated")
@click.option(
    "--carry", nargs=2, metavar="PERIOD NEXT", help="fill in what is carried over from one period to the next"
)
@pass_shell
def form(shell: Shell, code: str, file: Path, day: date | None, carry: tuple[str, str] | None) -> None:
    """Write the form of a programme's provisions as a workbook: what the plan says, how far the county may deviate."""
    own = shell.any_programme(code)

    async def work(opened: Open) -> tuple[bytes, Carried | None]:
        who = await opened.enter()
        if carry is None:
            return provision_forms.form(own, day or who.at.today), None
        ground, after = await opened.ground(who, code, carry[0]), own.period.period(carry[1])
        async with opened.database.session(who.scope, reading=True) as session:
            periods = ground.period, after
            found = await provisions.carried_to(session, who, own, ground.latest.resolved, periods)
        return provision_forms.form(own, day or after.reference_day, found), found

    data, carried = shell.run(work)
    shell.say("已写入 {file}", "written to {file}", file=shell.save(file, data, over=False))
    if carried is not None:
        _left(shell, own, carried)


def _left(shell: Shell, own: AnyProgramme, carried: Carried) -> None:
    """Say what was not carried over, and why."""
    for name, why in carried.left.items():
        parameter = own.policy.parameters[name]
        if isinstance(why, Problem):
            shell.say(
                "未结转“{title}”:{why}", "not carried over, {title}: {why}", title=parameter.title, why=why.message
            )
        else:
            shell.say(
                "未结转“{title}”:自 {since} 起另有规定({value})",
                "not carried over, {title}: something else holds since {since} ({value})",
                title=parameter.title, since=why.since, value=parameter.kind.show(why.value),
            )  # fmt: skip


@provision.command("carry")
@click.argument("code")
@click.argument("period")
@click.argument("next", metavar="NEXT")
@click.option("--clause", required=True, help="the clause of the new document for what a plan that ended had laid down")
@heading_options
@pass_shell
def carry(shell: Shell, code: str, period: str, next: str, clause: str, title: str, number: str, issued: date) -> None:
    """Draft the document of the NEXT period with the values of PERIOD: the county's own, and of a plan that ended."""
    own = shell.programme(code)

    async def work(opened: Open) -> tuple[UUID, Carried]:
        who = await opened.enter()
        ground = await opened.ground(who, code, period)
        async with opened.database.session(who.scope) as session:
            periods = ground.period, own.period.period(next)
            heading = Heading(title, number, issued)
            return await provisions.carry_over(session, who, own, ground.latest.resolved, periods, heading, clause)

    made, carried = shell.run(work)
    _left(shell, own, carried)
    _drafted(shell, made)


@provision.command("take-back")
@click.argument("id", type=click.UUID)
@click.option("--since", type=Day(), required=True, help="from which day everything holds as if it had not been")
@click.option("--clause", required=True, help="the clause of the new document that says so")
@heading_options
@pass_shell
def take_back(shell: Shell, id: UUID, since: date, clause: str, title: str, number: str, issued: date) -> None:
    """Draft the document that takes a released one back from a day on."""

    async def work(opened: Open) -> UUID:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            heading = Heading(title, number, issued)
            return await provisions.take_back(session, who, shell.plugins, id, heading, since, clause)

    _drafted(shell, shell.run(work))


@provision.command("release")
@click.argument("id", type=click.UUID)
@pass_shell
def release(shell: Shell, id: UUID) -> None:
    """Put a document in force that was previewed; by another person than who drafted it."""

    async def work(opened: Open) -> None:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            await provisions.release(session, who, shell.plugins, id)

    shell.run(work)
    shell.say("已发布", "released")


@provision.command("preview")
@click.argument("id", type=click.UUID)
@click.option("--period", help="in which period, such as 2021; each that has to be previewed yet unless stated")
@click.option(
    "--keep", is_flag=True, help="keep it: what is previewed in every open period that it changes is released"
)
@pass_shell
def preview(shell: Shell, id: UUID, period: str | None, keep: bool) -> None:
    """Show what a document would come to, draft or released: every case by the old numbers and by its own."""

    async def work(opened: Open) -> list[Preview]:
        who = await opened.enter()
        async with opened.database.session(who.scope, reading=not keep) as session:
            periods = [period] if period else await provisions.to_preview(session, who, shell.plugins, id)
            if keep:
                return [await simulate.keep_preview(session, who, shell.plugins, id, one) for one in periods]
            return [await simulate.preview(session, who, shell.plugins, id, one) for one in periods]

    previews = shell.run(work)
    if not previews:
        shell.say(
            "没有尚须试算的已开启期间;可用 --period 指明期间",
            "no open period has to be previewed yet; --period says which one is meant",
        )
    for found in previews:
        _show_preview(shell, found)


def _show_preview(shell: Shell, found: Preview) -> None:
    titles: tuple[Text, ...] = (Text("参数", "parameter"), Text("现行", "in force"), Text("试算", "with the document"))
    nobody = Text("未设定", "not set")
    rows: list[tuple[object, ...]] = [
        (shell.show(one.title), shell.show(one.before or nobody), shell.show(one.after)) for one in found.changes
    ]
    shell.table(found.title, [shell.show(title) for title in titles], rows)
    if found.books is not None:
        shell.say("规则版本由 {old} 改为 {new}", "the rule book of {old} gives way to that of {new}",
                  old=found.books[0], new=found.books[1])  # fmt: skip
    for problem in found.unset:
        shell.say("不能计算:{why}", "nothing can be computed: {why}", why=problem.message)
    titles = (
        Text("乡镇", "township"),
        Text("申报户数", "cases"),
        Text("现符合", "eligible now"),
        Text("试算符合", "eligible then"),
        Text("现金额", "amount now"),
        Text("试算金额", "amount then"),
        Text("增加户", "get more"),
        Text("减少户", "get less"),
        Text("资料不全", "undecided"),
    )
    total = TownshipFigures(0, shell.show(Text("合计", "together")), found.total)
    rows = [
        (
            one.name,
            one.figures.cases,
            one.figures.eligible_before,
            one.figures.eligible_after,
            shell.show(money(one.figures.fen_before)),
            shell.show(money(one.figures.fen_after)),
            one.figures.gain,
            one.figures.lose,
            one.figures.undecided,
        )
        for one in (*found.townships, total)
    ]
    heading = Text(
        f"{found.programme.title.zh} {found.period} 试算",
        f"{found.programme.title.en}, {found.period}: what it comes to",
    )
    shell.table(shell.show(heading), [shell.show(title) for title in titles], rows, right=range(1, 9))


@provision.command("list")
@pass_shell
def list_provisions(shell: Shell) -> None:
    """List the county's provisions."""

    async def work(opened: Open) -> list[ProvisionRow]:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            query = select(ProvisionRow).where(ProvisionRow.tenant_id == who.county.id)
            return list(await session.scalars(query.order_by(ProvisionRow.issued_on, ProvisionRow.id)))

    titles = (
        Text("编号", "id"),
        Text("文号", "number"),
        Text("标题", "title"),
        Text("印发", "issued"),
        Text("状态", "state"),
    )
    rows = [(r.id, r.number, r.title, r.issued_on, shell.show(provisions.STATES[r.state])) for r in shell.run(work)]
    shell.table(shell.show(Text("本县规定", "provisions")), [shell.show(t) for t in titles], rows)


commands = (provision,)
