"""Commands for the registers: importing workbooks, jobs, the calendar."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from bangfu import files, jobs
from bangfu.access import Entered
from bangfu.cases.handlers import IMPORTERS, SHEETS, Handlers
from bangfu.cli.shell import Day, Open, Shell, Target, pass_shell, progress_bar
from bangfu.programme import CIRCUMSTANCES
from bangfu.registry import circumstances, discrepancies, importing, schooling
from bangfu.registry.circumstances import MOST_GENERATIONS
from bangfu.registry.days import set_working_day
from bangfu.registry.divisions import Places, read_code
from bangfu.registry.holding import Category
from bangfu.registry.importing import Importer
from bangfu.registry.reported import Differing
from bangfu.text import Text, day, number


async def run_job(
    opened: Open, who: Entered, job: UUID, title: str = "", others: Mapping[str, jobs.Handler] | None = None
) -> jobs.Status:
    """Run a job here and now, with a progress bar; ``others`` are handlers beside those that there always are."""
    bar, watch = progress_bar(opened.shell.out, title)
    with bar:
        return await jobs.run(opened.database, opened.vault, who, job, Handlers(opened.shell.plugins, others), watch)


async def give_back(opened: Open, who: Entered, status: jobs.Status, file: Path, returned: Path | None) -> None:
    """Write the marked workbook of an import beside its file, or where it is to go; nothing where there is none."""
    if status.result_file_id is None:
        return
    shell = opened.shell
    async with opened.database.session(who.scope) as session:
        back = await files.fetch(session, opened.vault, who.county.id, status.result_file_id)
    target = shell.save(returned or file.with_name(back.name), back.data, over=returned is not None)
    shell.say("问题已标注在 {file}", "the problems are marked in {file}", file=target)


@click.command("import")
@click.argument("kind", type=click.Choice([*IMPORTERS, *SHEETS]))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="show what would change, change nothing")
@click.option("--as-of", type=Day(), help="the day of which the workbook speaks; today unless stated")
@click.option("--map", "matches", multiple=True, metavar="HEADER=FIELD", help="what a header means; remembered")
@click.option("--accept-valid", is_flag=True, help="import the good rows although others have problems")
@click.option("--whole", is_flag=True, help="the list names everybody in your area: whom it leaves out is a task")
@click.option("--returned", type=Target(), help="where the marked workbook goes")
@click.option("-p", "--programme", help="programme of a sheet of plans or re-checks")
@click.option("--period", help="period of a sheet of plans or re-checks")
@pass_shell
def import_(
    shell: Shell,
    kind: str,
    file: Path,
    dry_run: bool,
    as_of: date | None,
    matches: tuple[str, ...],
    accept_valid: bool,
    whole: bool,
    returned: Path | None,
    programme: str | None,
    period: str | None,
) -> None:
    """Import a workbook (XLSX or CSV).

    Nothing is imported while a row has a problem; the workbook comes back with the problems at its rows. Importing
    the same file again changes nothing.
    """
    stated = {}
    for match in matches:
        header, equals, column = match.partition("=")
        if not equals:
            raise click.UsageError("--map takes HEADER=FIELD")
        stated[header] = column
    if kind in SHEETS:
        if period is None:
            raise click.UsageError(f"{kind} need --period")
        importer: Importer[Any] = SHEETS[kind](shell.programme(programme), period)
    else:
        importer = IMPORTERS[kind]

    data = file.read_bytes()

    async def work(opened: Open) -> jobs.Status:
        who = await opened.enter()
        job = await importing.ask(
            opened.database,
            opened.vault,
            who,
            importer,
            file.name,
            data,
            as_of=as_of,
            dry_run=dry_run,
            accept_valid=accept_valid,
            whole=whole,
            matches=stated,
        )
        status = await run_job(opened, who, job, shell.show(importer.title))
        await give_back(opened, who, status, file, returned)
        return status

    show_status(shell, shell.run(work))


def show_status(shell: Shell, status: jobs.Status) -> None:
    """Show what an import came to; exit with 1 if it was refused."""
    result = status.result
    tallies = result.get("tallies", {})
    if tallies:
        title = (
            Text("试算结果(未改动)", "dry run, nothing changed") if result["dry_run"] else Text("导入结果", "imported")
        )
        if status.state == "refused":
            title = Text("比对结果(未导入)", "compared, nothing imported")
        headers = [
            shell.show(t)
            for t in (Text("内容", "what"), Text("新增", "new"), Text("变更", "changed"), Text("相同", "same"))
        ]
        rows = [(what, t["new"], t["changed"], t["same"]) for what, t in tallies.items()]
        shell.table(shell.show(title), headers, rows, right=(1, 2, 3))
        for what, tally in tallies.items():
            for example in tally["examples"][:3]:
                changes = ", ".join(f"{name}: {old} → {new}" for name, (old, new) in example["fields"].items())
                shell.line(f"  {what} {example['what']}: {changes}")
    problems = result.get("problems") or result.get("row_problems") or []
    for problem in problems[:10]:
        where = ".".join(str(step) for step in problem["path"])
        message, remedy = problem["message"][shell.language], problem["remedy"][shell.language]
        shell.line(f"  {problem['code']} {where}: {message} → {remedy}")
    if result.get("bad_rows", 0) > 10:
        shell.say("  ……共 {count} 行有问题", "  … {count} rows with problems in all", count=result["bad_rows"])
    if status.state == "refused":
        raise SystemExit(1)


@click.group()
def circumstance() -> None:
    """What is so of persons from when to when: certificates, the minimum living guarantee, deaths, custody, moving
    away."""


def _said(function: Any) -> Any:
    """What both commands about one person take."""
    for option in (
        click.option("--reason", required=True, help="how it came to be known; kept on record"),
        click.option("--evidence", default="", help="the paper that shows it; needed for a day in the past"),
        click.argument("kind", type=click.Choice([*CIRCUMSTANCES])),
        click.argument("person"),
    ):
        function = option(function)
    return function


@circumstance.command("record")
@_said
@click.option("--since", type=Day(), required=True, help="the first day")
@click.option("--until", type=Day(), help="the first day on which it is so no more")
@click.option("--level", type=click.IntRange(1, 4), help="of a certificate")
@click.option("--category", type=click.Choice([own.value for own in Category]), help="of a certificate")
@click.option("--generation", type=click.IntRange(1, MOST_GENERATIONS), help="of a certificate")
@click.option("--class", "class_name", default="", help="of the guarantee")
@pass_shell
def record_circumstance(
    shell: Shell, person: str, kind: str, evidence: str, reason: str, category: str | None, **stated: Any
) -> None:
    """Write down what is so of PERSON, by the number in the register."""

    async def work(opened: Open) -> circumstances.Recorded:
        who = await opened.enter()
        said = circumstances.Stated(kind=kind, category=None if category is None else Category(category), **stated)
        async with opened.database.session(who.scope) as session:
            return await circumstances.record(session, who, person, said, evidence, reason)

    _show_recorded(shell, shell.run(work))


@circumstance.command("end")
@_said
@click.option("--on", type=Day(), required=True, help="the first day on which it is so no more")
@pass_shell
def end_circumstance(shell: Shell, person: str, kind: str, evidence: str, reason: str, on: date) -> None:
    """Write down what is so of PERSON no more; on its first day, that it never was."""

    async def work(opened: Open) -> circumstances.Recorded:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            return await circumstances.end(session, who, person, kind, on, evidence, reason)

    _show_recorded(shell, shell.run(work))


def _show_recorded(shell: Shell, made: circumstances.Recorded) -> None:
    if made.discrepancy is not None:
        shell.say(
            "与登记册不符,已列为核对事项 {id}", "another office says otherwise: discrepancy {id}", id=made.discrepancy
        )
    elif made.changed:
        shell.say("已登记", "written down")
    else:
        shell.say("登记册已有此记载", "the register has it already")


@click.group()
def discrepancy() -> None:
    """What lists say of persons otherwise than the register, for somebody to settle."""


@discrepancy.command("list")
@click.option("--kind", type=click.Choice([*discrepancies.KINDS]), help="only of this kind")
@click.option("--area", help="12-digit code of a village, township or county")
@click.option("--limit", default=50, show_default=True, help="how many are shown")
@pass_shell
def list_discrepancies(shell: Shell, kind: str | None, area: str | None, limit: int) -> None:
    """Show the open ones in sight, by village and person: what the register says, and what the list says."""

    async def work(opened: Open) -> tuple[dict[int, int], list[discrepancies.Task], Places]:
        who = await opened.enter()
        division = None if area is None else read_code(area)
        async with opened.database.session(who.scope, reading=True) as session:
            counts = await discrepancies.counts(session, who, kind)
            found = await discrepancies.open_ones(session, who, kind=kind, division=division, first=limit)
            return counts, found, await Places.on(session, who.at.today)

    counts, found, places = shell.run(work)
    kinds = {schooling.KIND: Text("学籍", "schooling"), **CIRCUMSTANCES}
    for one in found:
        whose = f"{one.number} {one.name} {places.named(one.division)}"
        about = kinds[one.kind]
        shell.say(
            "{id}  {whose}  {about}({day} 名册)",
            "{id}  {whose}  {about} (list of {day})",
            id=one.id,
            whose=whose,
            about=about,
            day=day(one.reported_on),
        )
        for name, (known, reported) in one.differs.items():
            title = shell.show(Differing(name).title_text)
            shell.line(f"  {title}: {_plainly(known)} → {_plainly(reported)}")
    shell.say("共 {count} 项待核对", "{count} open in all", count=number(sum(counts.values())))


def _plainly(value: Any) -> str:
    """A value as a discrepancy keeps it, for the eye."""
    if value is None:
        return "—"
    return ("✓" if value else "✗") if isinstance(value, bool) else str(value)


@discrepancy.command("settle")
@click.argument("id", type=click.UUID)
@click.option("--accept/--reject", required=True, help="whether what the list says holds, or the register")
@click.option("--reason", required=True, help="how it was found out; kept on record")
@pass_shell
def settle_discrepancy(shell: Shell, id: UUID, accept: bool, reason: str) -> None:
    """Settle one: accept what was reported, from its day on, or leave the register as it is."""

    async def work(opened: Open) -> None:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            await discrepancies.settle(session, who, id, accept, reason)

    shell.run(work)
    if accept:
        shell.say("已采纳,登记册已更正", "accepted: the register says so now")
    else:
        shell.say("未采纳,登记册不变", "rejected: the register stays as it is")


@click.group()
def job() -> None:
    """Long work."""


@job.command("resume")
@pass_shell
def resume(shell: Shell) -> None:
    """Take up the officer's jobs that wait or were left by a process that died."""

    async def work(opened: Open) -> list[jobs.Status]:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            waiting = await jobs.unfinished(session, who)
        return [await run_job(opened, who, waiting_job, str(waiting_job)) for waiting_job in waiting]

    finished = shell.run(work)
    shell.say("完成 {count} 个任务", "{count} jobs done", count=len(finished))
    for status in finished:
        show_status(shell, status)


@click.group()
def calendar() -> None:
    """The county's working days."""


@calendar.command("set")
@click.argument("day", type=Day())
@click.argument("kind", type=click.Choice(["worked", "off"]))
@click.option("--note", required=True, help="the document that says so")
@pass_shell
def set_day(shell: Shell, day: date, kind: str, note: str) -> None:
    """Enter whether DAY is worked, over the published calendar."""

    async def work(opened: Open) -> None:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            await set_working_day(session, who, day, kind == "worked", note)

    shell.run(work)


commands = (import_, circumstance, discrepancy, job, calendar)
