"""Commands for what the federation of disabled persons keeps: what its bases come to, what is handed out, and the
sheets for signing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from bangfu import jobs
from bangfu.cli.pairing import area_of_option
from bangfu.cli.registry import give_back, run_job, show_status
from bangfu.cli.shell import Open, Shell, Target, pass_shell
from bangfu.handouts import figures as handed
from bangfu.handouts import sheets
from bangfu.handouts.figures import BatchLine, KindLine
from bangfu.inspections import figures as inspected
from bangfu.programme import ChargedProgramme, HandoutProgramme, InspectionProgramme
from bangfu.registry import importing
from bangfu.text import Text, yuan_digits

P = TypeVar("P", bound=ChargedProgramme)
R = TypeVar("R")
_FILE = Target()
_programme = click.option("-p", "--programme", help="programme code; left out, the only one of its shape there is")


@click.group()
def inspection() -> None:
    """Inspections: bases, and how they stand against the checklist."""


@click.group()
def handout() -> None:
    """What is handed out by a list: goods, devices, conversions of homes, seats in trainings."""


def _own(shell: Shell, known: Mapping[str, P], code: str | None, kind: type[P]) -> P:
    """The programme of a shape that is meant."""
    if code is None and shell.meant not in known and len(known) == 1:
        return next(iter(known.values()))
    found = shell.any_programme(code)
    if not isinstance(found, kind):
        raise click.UsageError(f"--programme says which programme: {', '.join(known)}")
    return found


def _done(shell: Shell, own: ChargedProgramme, function: Callable[..., Awaitable[R]], *arguments: Any) -> R:
    """Do something of the programme in one transaction."""

    async def work(opened: Open) -> R:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            return await function(session, who, own, *arguments)

    return shell.run(work)


@inspection.command("figures")
@area_of_option
@_programme
@pass_shell
def inspection_figures(shell: Shell, area: int | None, programme: str | None) -> None:
    """What bases come to, of those in sight: by level and kind, and where their rectification notices stand."""
    own = _own(shell, shell.plugins.inspections, programme, InspectionProgramme)
    found = _done(shell, own, inspected.figures, area)
    names = ("bases", "placed", "led", "poor")
    titles = (
        Text("级别", "level"), Text("类型", "kind"), Text("基地", "bases"), Text("安置", "employed"),
        Text("带动", "led"), Text("农村贫困", "poor"),
    )  # fmt: skip
    rows: list[tuple[object, ...]] = []
    for line in found.lines:
        level = own.level(line.level)
        kind = Text("农村基地", "rural") if line.rural else Text("其他基地", "other")
        title = line.level if level is None else shell.show(level.title)
        rows.append((title, shell.show(kind), *(getattr(line, name) for name in names)))
    rows.append((shell.show(Text("合计", "total")), "", *(found.total(name) for name in names)))
    shell.table(shell.show(own.title), [shell.show(title) for title in titles], rows, right=range(2, 6))
    shell.say(
        "整改通知书 {issued} 份,未销号 {open} 份,其中逾期 {overdue} 份,已销号 {closed} 份",
        "rectification notices {issued}, open {open}, of them overdue {overdue}, closed {closed}",
        issued=found.notices.issued,
        open=found.notices.open,
        overdue=found.notices.overdue,
        closed=found.notices.closed,
    )


@handout.command("figures")
@click.option("--year", type=int, help="what was listed for this year")
@area_of_option
@_programme
@pass_shell
def handout_figures(shell: Shell, year: int | None, area: int | None, programme: str | None) -> None:
    """What is handed out comes to, of the lines in sight, and what is left of every batch."""
    own = _own(shell, shell.plugins.handouts, programme, HandoutProgramme)
    lines: list[KindLine] = _done(shell, own, handed.by_kind, year, area)
    titles = (
        Text("种类", "kind"), Text("待列入", "waiting"), Text("已列入", "listed"), Text("已签收", "signed for"),
        Text("已回访", "followed up"), Text("数量", "number"), Text("金额(元)", "yuan"), Text("户", "households"),
        Text("人", "persons"),
    )  # fmt: skip
    rows = [
        (_title(shell, own, line.kind), line.waiting, line.listed, line.handed_over, line.followed_up, line.quantity,
         yuan_digits(line.fen), line.households, line.persons)
        for line in lines
    ]  # fmt: skip
    shell.table(shell.show(own.title), [shell.show(title) for title in titles], rows, right=range(1, 9))
    batches: list[BatchLine] = list(_done(shell, own, handed.batches))
    heads = (
        Text("批次凭证", "voucher"), Text("种类", "kind"), Text("名称", "what"), Text("结存", "left"),
        Text("与明细不符", "differs from the lines"),
    )  # fmt: skip
    stood = []
    for batch in batches:
        kind = own.kind(batch.kind)
        left = "" if kind is None else shell.show(batch.left.text(kind))
        differs = shell.show(Text("是", "yes")) if batch.differs else ""
        stood.append((batch.voucher, _title(shell, own, batch.kind), batch.item, left, differs))
    shell.table(shell.show(Text("采购入库", "batches")), [shell.show(title) for title in heads], stood, right=(3,))


def _title(shell: Shell, own: HandoutProgramme, code: str) -> str:
    kind = own.kind(code)
    return code if kind is None else shell.show(kind.title)


@handout.command("sheet")
@click.argument("kind")
@click.argument("file", type=_FILE)
@area_of_option
@_programme
@pass_shell
def sheet(shell: Shell, kind: str, file: Path, area: int | None, programme: str | None) -> None:
    """Write the sheet for signing of what is listed of a KIND as a workbook."""
    own = _own(shell, shell.plugins.handouts, programme, HandoutProgramme)
    shell.save(file, _done(shell, own, sheets.signature_sheet, kind, area))
    shell.say("已写入 {file}", "written to {file}", file=file)


@handout.command("signed")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="show what would change, change nothing")
@click.option("--returned", type=_FILE, help="where the marked workbook goes")
@_programme
@pass_shell
def signed(shell: Shell, file: Path, dry_run: bool, returned: Path | None, programme: str | None) -> None:
    """Import a list of signatures (XLSX or CSV): the sheet for signing, or a list like it. The same file again changes
    nothing; problems come back in the workbook."""
    own = _own(shell, shell.plugins.handouts, programme, HandoutProgramme)
    importer = sheets.SignatureImporter(own)
    data = file.read_bytes()

    async def work(opened: Open) -> jobs.Status:
        who = await opened.enter()
        job = await importing.ask(opened.database, opened.vault, who, importer, file.name, data, dry_run=dry_run)
        status = await run_job(opened, who, job, shell.show(importer.title), sheets.handlers(shell.plugins))
        await give_back(opened, who, status, file, returned)
        return status

    show_status(shell, shell.run(work))


commands = (inspection, handout)
