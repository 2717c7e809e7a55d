"""Commands for notices: what is posted and how it stands, posters, evidence, and what the public hand in."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import notices
from bangfu.access import Action, Entered
from bangfu.cases import campus, hearing
from bangfu.cli.shell import Day, Open, Shell, Target, pass_shell, programme_options
from bangfu.disclosure import record_export
from bangfu.documents import posters
from bangfu.notices import evidence, publication
from bangfu.registry.divisions import Places
from bangfu.text import Text

_FILE = Target()


@click.group()
def notice() -> None:
    """Public notices."""


@notice.command("list")
@click.option("--state", type=click.Choice([state.value for state in notices.NoticeState]), help="that stand so today")
@click.option("--lacking-evidence", is_flag=True, help="of which nobody has shown that they hung")
@programme_options
@pass_shell
def list_notices(shell: Shell, state: str | None, lacking_evidence: bool, **options: Any) -> None:
    """List the notices in sight, how they stand today, and the paths of their public pages."""

    async def work(opened: Open) -> tuple[list[notices.Standing], Places]:
        who = await opened.enter()
        programme = shell.programme(options["programme"])
        wanted = notices.NoticeState(state) if state else None
        async with opened.database.session(who.scope) as session:
            places = await Places.on(session, who.at.today)
            found = await notices.listing(
                session, who, programme.code, options["period"], wanted, lacking_evidence=lacking_evidence
            )
            return found, places

    titles = (
        Text("编号", "id"),
        Text("乡镇", "township"),
        Text("村", "village"),
        Text("首日", "first day"),
        Text("末日", "last day"),
        Text("状态", "state"),
        Text("凭据", "evidence"),
        Text("公开页", "public page"),
    )
    posted, places = shell.run(work)
    rows = [
        (
            own.id,
            places.township(own.division),
            places.named(own.division),
            own.first,
            own.last,
            shell.show(own.state.title_text),
            shell.show(Text("未上传", "missing") if own.lacks_evidence else Text("已上传", "there")),
            f"/public/notices/{own.slug}" if own.slug else "",
        )
        for own in posted
    ]
    shell.table(shell.show(Text("公示", "notices")), [shell.show(t) for t in titles], rows)


@notice.command("export")
@click.argument("id", type=click.UUID)
@click.argument("file", type=_FILE)
@click.option("--reason", required=True, help="what it is for; recorded")
@click.option("-p", "--programme")
@pass_shell
def export_notice(shell: Shell, id: UUID, file: Path, reason: str, programme: str | None) -> None:
    """Write a notice as a workbook to print and hang up."""

    async def work(opened: Open) -> bytes:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            return await notices.sheet(session, who, shell.programme(programme), id, reason)

    shell.save(file, shell.run(work))


@notice.command("poster")
@click.argument("id", type=click.UUID)
@click.argument("file", type=_FILE)
@click.option("--paper", type=click.Choice(posters.PAPERS), default="a4", help="a4 or a3")
@click.option("--reason", required=True, help="what it is for; recorded")
@pass_shell
def poster(shell: Shell, id: UUID, file: Path, paper: posters.Paper, reason: str) -> None:
    """Write the poster of a notice as a PDF; with the address of its page where BANGFU_PUBLIC_URL is set."""

    async def work(opened: Open) -> bytes:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            return await poster_of(session, who, id, paper, reason, opened.database.settings.public_url)

    shell.save(file, shell.run(work))


async def poster_of(
    session: AsyncSession, who: Entered, id: UUID, paper: posters.Paper, reason: str, host: str | None
) -> bytes:
    """The poster of a notice, with the address of its page where ``host`` serves it; on record, with the reason.

    Refuses ``FORBIDDEN``, ``REASON_NEEDED`` and ``NOT_FOUND``.
    """
    who.require(Action.EXPORT_NOTICE)
    page = await publication.of_notice(session, who, id)
    shown = [name for name in ("beneficiary",) if name in page.columns]
    await record_export(session, who, Action.EXPORT_NOTICE, f"notice/{id}", reason, len(page.lines), shown, paper=paper)
    return posters.poster(publication.poster_of(page, f"{host}/public/notices/{page.slug}" if host else ""), paper)


@notice.command("campus")
@click.argument("school")
@click.argument("file", type=_FILE)
@programme_options
@click.option("--paper", type=click.Choice(posters.PAPERS), default="a4", help="a4 or a3")
@click.option("--reason", required=True, help="what it is for; recorded")
@pass_shell
def campus_poster(shell: Shell, school: str, file: Path, paper: posters.Paper, reason: str, **options: Any) -> None:
    """Write the poster that a SCHOOL, by its credit code, hangs up of its own students who are on notice today."""

    async def work(opened: Open) -> posters.Poster:
        who = await opened.enter()
        ground = await opened.ground(who, options["programme"], options["period"])
        async with opened.database.session(who.scope) as session:
            return await campus.poster_of(session, who, ground, school, reason)

    shell.save(file, posters.poster(shell.run(work), paper))


@notice.command("evidence")
@click.argument("id", type=click.UUID)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--day", type=Day(), help="the day that it shows; today unless stated")
@click.option("--place", default="", help="the place that it shows; that of the notice unless stated")
@pass_shell
def attach(shell: Shell, id: UUID, file: Path, day: date | None, place: str) -> None:
    """Attach a photo or a scan (JPEG, PNG, PDF) that shows that a notice hung."""
    data = file.read_bytes()

    async def work(opened: Open) -> None:
        who = await opened.enter()
        largest = opened.database.settings.largest_file
        async with opened.database.session(who.scope) as session:
            on = day or who.at.today
            await evidence.attach(session, opened.vault, who, id, file.name, data, on, place, largest)

    shell.run(work)
    shell.say("已上传公示凭据 {name}", "attached {name}", name=file.name)


@notice.command("contact")
@click.argument("words")
@pass_shell
def contact(shell: Shell, words: str) -> None:
    """Say whom the public can call (an office and its telephone), on every notice that is posted from now on."""

    async def work(opened: Open) -> None:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            await evidence.set_contact(session, who, words)

    shell.run(work)
    shell.say("此后张贴的公示将注明:{words}", "notices posted from now on say: {words}", words=words)


@notice.command("objections")
@pass_shell
def objections(shell: Shell) -> None:
    """List what the public handed in and no officer has decided on yet."""

    async def work(opened: Open) -> tuple[list[hearing.Heard], Places]:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            places = await Places.on(session, who.at.today)
            return await hearing.pending(session, opened.vault, who), places

    titles = (
        Text("回执号", "receipt"),
        Text("村", "village"),
        Text("户编号", "household"),
        Text("序号", "no."),
        Text("提交日期", "handed in"),
        Text("姓名", "name"),
        Text("电话", "telephone"),
        Text("异议内容", "what is objected"),
    )
    found, places = shell.run(work)
    rows = [
        (own.receipt, places.named(own.division), own.household, own.position, own.handed_in_on, own.name, own.phone,
         own.words)
        for own in found
    ]  # fmt: skip
    shell.table(
        shell.show(Text("待处理的公众异议", "pending objections of the public")), [shell.show(t) for t in titles], rows
    )


@notice.command("confirm")
@click.argument("receipt")
@pass_shell
def confirm(shell: Shell, receipt: str) -> None:
    """Make what the public handed in an objection against the case; it waits until that is settled."""

    async def work(opened: Open) -> list[str]:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            own = await hearing.by_receipt(session, who, receipt)
            return (await hearing.confirm(session, who, shell.plugins, own)).done

    shell.say("已转为异议:户编号 {number}", "now an objection against household {number}", number=shell.run(work)[0])


@notice.command("dismiss")
@click.argument("receipt")
@click.option("--reason", required=True, help="why; recorded")
@pass_shell
def dismiss(shell: Shell, receipt: str, reason: str) -> None:
    """Put aside what the public handed in, with the reason."""

    async def work(opened: Open) -> None:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            await hearing.dismiss(session, who, await hearing.by_receipt(session, who, receipt), reason)

    shell.run(work)
    shell.say("已不予受理 {receipt}", "dismissed {receipt}", receipt=receipt)


commands = (notice,)
