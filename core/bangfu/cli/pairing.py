"""Commands for pairings: what waits, what was delivered and what is said to it, what it comes to, and the papers of a
year."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import click
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Entered
from bangfu.cases.views import Stated
from bangfu.cli.shell import REFUSED_EXIT, Open, Shell, Target, pass_shell, state, stated_options
from bangfu.documents.cells import CellProblem
from bangfu.models import Delivery
from bangfu.pairings import figures, ledger, papers, summaries
from bangfu.pairings.figures import Party, Which
from bangfu.pairings.ledger import Chosen
from bangfu.pairings.standing import NOTHING, DeliveryState, Measure, Verdict
from bangfu.programme import PairingProgramme
from bangfu.registry.divisions import Places, read_code
from bangfu.text import Text, parse_yuan, yuan_digits
from bangfu.text import number as shown_number

R = TypeVar("R")
_FILE = Target()


@click.group()
def pairing() -> None:
    """Pairings: who helps whom, and what comes of it."""


def _division(context: click.Context, param: click.Parameter, value: str | None) -> int | None:
    try:
        return None if value is None else read_code(value)
    except CellProblem:
        raise click.BadParameter(f"{value!r} is not a division code of 6, 9 or 12 digits") from None


_programme = click.option("-p", "--programme", help="programme code; left out, the only one of pairings there is")
area_of_option = click.option("--area", callback=_division, help="12-digit code of a village, township or county")
_year = click.option("--year", type=int, required=True, help="the year")


def _part_options(function: Any) -> Any:
    """Which part of a programme: ``--area``, ``--credit-code``, ``--path``, ``--kind``, ``--year``."""
    for option in (
        click.option("--year", type=int, help="deliveries and plans of this year"),
        click.option("--kind", help="this kind"),
        click.option("--path", help="this path"),
        click.option("--credit-code", help="the organization with this credit code"),
        area_of_option,
        _programme,
    ):
        function = option(function)
    return function


def _own(shell: Shell, code: str | None) -> PairingProgramme:
    """The programme of pairings that is meant."""
    known = shell.plugins.pairings
    if code is None and shell.meant not in known and len(known) == 1:
        return next(iter(known.values()))
    found = shell.any_programme(code)
    if not isinstance(found, PairingProgramme):
        raise click.UsageError(f"--programme says which programme of pairings: {', '.join(known)}")
    return found


def _done(shell: Shell, programme: str | None, function: Callable[..., Awaitable[R]], *arguments: Any) -> R:
    """Do something of the programme in one transaction."""
    own = _own(shell, programme)

    async def work(opened: Open) -> R:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            return await function(session, who, own, *arguments)

    return shell.run(work)


def _which(area: int | None, credit_code: str | None, path: str | None, kind: str | None, year: int | None) -> Which:
    return Which(division=area, credit_code=credit_code, path=path, kind=kind, year=year)


# --- what waits, and what was delivered -----------------------------------------------------------------------


@pairing.command("waiting")
@click.argument("party", type=click.Choice([party.value for party in Party]))
@_programme
@pass_shell
def waiting(shell: Shell, party: str, programme: str | None) -> None:
    """List what waits for a side (helper, helped) or for the county, of what is in sight, the oldest first."""

    async def work(session: AsyncSession, who: Entered, own: PairingProgramme) -> tuple[Sequence[Any], Places]:
        found = await figures.waiting(session, who, own, Party(party))
        return found, await Places.on(session, who.at.today)

    found, places = _done(shell, programme, work)
    titles = (Text("事项", "what"), Text("编号", "id"), Text("村", "village"), Text("起始", "since"))
    rows = [
        (
            shell.show(one.what.title_text),
            one.id,
            "" if one.division is None else places.named(one.division),
            one.since.date(),
        )
        for one in found
    ]
    shell.table(shell.show(Text("待办", "waiting")), [shell.show(title) for title in titles], rows)


@pairing.command("deliveries")
@click.option("--state", "states", multiple=True, type=click.Choice([state.value for state in DeliveryState]),
              help="that are so; may be given several times")  # fmt: skip
@click.option("--limit", default=50, show_default=True, help="how many are shown")
@_part_options
@pass_shell
def deliveries(shell: Shell, states: Sequence[str], limit: int, programme: str | None, **part: Any) -> None:
    """List the deliveries in sight, and how far the two sides are about each."""

    async def work(session: AsyncSession, who: Entered, own: PairingProgramme) -> tuple[list[Delivery], Places]:
        wanted = {DeliveryState(one) for one in states} if states else None
        found = await figures.deliveries(session, who, own, _which(**part), wanted, limit)
        return found, await Places.on(session, who.at.today)

    found, places = _done(shell, programme, work)
    own = _own(shell, programme)
    titles = (
        Text("编号", "id"), Text("日期", "day"), Text("村", "village"), Text("内容", "kind"), Text("单据", "receipt"),
        Text("登记(元)", "logged (yuan)"), Text("数量", "number"), Text("状态", "state"),
        Text("已确认(元)", "stands (yuan)"), Text("已确认数量", "stands"),
    )  # fmt: skip
    rows = [
        (
            row.id, row.effective_on, places.named(row.division), _kind_title(shell, own, row.kind), row.receipt,
            _yuan(row.amount_fen), _number(row.quantity), shell.show(DeliveryState(row.state).title_text),
            yuan_digits(row.stands_fen), shown_number(row.stands_quantity),
        )
        for row in found
    ]  # fmt: skip
    shell.table(
        shell.show(Text("帮扶投入", "deliveries")), [shell.show(title) for title in titles], rows, right=(5, 6, 8, 9)
    )


def _yuan(fen: int | None) -> str:
    return "" if fen is None else yuan_digits(fen)


def _number(quantity: int | None) -> str:
    return "" if quantity is None else shown_number(quantity)


def _kind_title(shell: Shell, own: PairingProgramme, code: str) -> str:
    kind = own.kind(code)
    return code if kind is None else shell.show(kind.title)


# --- what is said to it ---------------------------------------------------------------------------------------


@pairing.command("confirm")
@click.argument("ids", type=click.UUID, nargs=-1)
@click.option("--without", type=click.UUID, multiple=True, help="a delivery to leave out")
@click.option("--amount", help="confirm one delivery in part: so many yuan of it")
@click.option("--quantity", type=int, help="confirm one delivery in part: so many of it")
@area_of_option
@_programme
@stated_options
@pass_shell
def confirm(
    shell: Shell,
    ids: tuple[UUID, ...],
    without: tuple[UUID, ...],
    amount: str | None,
    quantity: int | None,
    area: int | None,
    programme: str | None,
    **said: Any,
) -> None:
    """Confirm deliveries by their IDS, or with --area every one there that waits for the village; one of them in part
    with --amount or --quantity, and the reason."""
    if bool(ids) is (area is not None):
        raise click.UsageError("say which deliveries: their ids, or --area")
    try:
        accepted = Measure(None if amount is None else parse_yuan(amount), quantity)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--amount") from error
    verdict = Verdict.CONFIRMED if accepted == NOTHING else Verdict.PARTLY
    _answer(shell, programme, Chosen(ids or None, area, without), verdict, said, accepted)


@pairing.command("dispute")
@click.argument("ids", type=click.UUID, nargs=-1, required=True)
@_programme
@stated_options
@pass_shell
def dispute(shell: Shell, ids: tuple[UUID, ...], programme: str | None, **said: Any) -> None:
    """Dispute deliveries by their IDS, with the reason; the county rules what stands of them."""
    _answer(shell, programme, Chosen(ids), Verdict.DISPUTED, said)


def _answer(
    shell: Shell,
    programme: str | None,
    chosen: Chosen,
    verdict: Verdict,
    said: dict[str, Any],
    accepted: Measure = NOTHING,
) -> None:
    """Answer for the village, and show what came of it; exit with 1 if it was refused for all."""
    own = _own(shell, programme)

    async def work(opened: Open) -> ledger.Report:
        who = await opened.enter()
        stated: Stated = await state(opened, who, **said)
        async with opened.database.session(who.scope) as session:
            return await ledger.answer(session, who, own, chosen, verdict, stated, accepted)

    report = shell.run(work)
    shell.say(
        "已办理 {done} 笔,未办理 {refused} 笔",
        "answered {done}, refused {refused}",
        done=len(report.done),
        refused=len(report.refused),
    )
    for key, problem in report.refused:
        shell.line(f"  {key}  {problem.code.name}: {shell.show(problem.message)}")
        shell.line(f"    → {shell.show(problem.remedy)}")
    if report.refused and not report.done:
        raise SystemExit(REFUSED_EXIT)


# --- what it comes to -----------------------------------------------------------------------------------------


@pairing.command("figures")
@_part_options
@pass_shell
def show_figures(shell: Shell, programme: str | None, **part: Any) -> None:
    """What a part of a programme comes to, of what is in sight: by path and kind, each total that of its lines."""

    found = _done(shell, programme, figures.figures, _which(**part))
    own = _own(shell, programme)
    agreed, lines = found.confirmation_rate
    shell.say(
        "帮扶企业 {enterprises} 家,村 {villages} 个,协议 {agreements} 份,受益人员 {persons} 人;"
        "投入 {lines} 笔,双方已认定 {agreed} 笔",
        "enterprises {enterprises}, villages {villages}, agreements {agreements}, persons {persons}; "
        "deliveries {lines}, of them settled {agreed}",
        enterprises=found.enterprises,
        villages=found.villages,
        agreements=found.agreements,
        persons=found.persons,
        lines=lines,
        agreed=agreed,
    )
    names = ("pledged_fen", "logged_fen", "stands_fen", "waiting_fen", "disputed_fen", "refused_fen")
    titles = (
        Text("途径", "path"), Text("内容", "kind"), Text("承诺(元)", "pledged"), Text("登记(元)", "logged"),
        Text("已确认(元)", "stands"), Text("待村确认(元)", "waiting"), Text("待县裁定(元)", "disputed"),
        Text("未获认可(元)", "not accepted"), Text("登记数量", "number logged"), Text("确认数量", "number that stands"),
    )  # fmt: skip
    rows: list[tuple[object, ...]] = [
        (
            _path_title(shell, own, line.path), _kind_title(shell, own, line.kind),
            *(yuan_digits(getattr(line, name)) for name in names),
            shown_number(line.logged_quantity), shown_number(line.stands_quantity),
        )
        for line in found.by_kind
    ]  # fmt: skip
    rows.append((shell.show(Text("合计", "total")), "", *(yuan_digits(found.total(name)) for name in names), "", ""))
    shell.table(
        shell.show(Text("帮扶台账", "what it comes to")),
        [shell.show(title) for title in titles],
        rows,
        right=range(2, 10),
    )


def _path_title(shell: Shell, own: PairingProgramme, code: str) -> str:
    path = own.path(code)
    return code if path is None else shell.show(path.title)


# --- the papers of a year -------------------------------------------------------------------------------------


@pairing.command("statement")
@click.argument("credit_code")
@click.argument("file", type=_FILE)
@_year
@_programme
@pass_shell
def statement(shell: Shell, credit_code: str, file: Path, year: int, programme: str | None) -> None:
    """Write the annual statement of an enterprise, by its CREDIT_CODE, as a PDF."""
    shell.save(file, _done(shell, programme, papers.statement, credit_code, year))


@pairing.command("certificate")
@click.argument("credit_code")
@click.argument("file", type=_FILE)
@_year
@_programme
@pass_shell
def certificate(shell: Shell, credit_code: str, file: Path, year: int, programme: str | None) -> None:
    """Write the certificate of what an enterprise, by its CREDIT_CODE, gave in a year and both sides have settled, as a
    PDF."""
    shell.save(file, _done(shell, programme, papers.certificate, credit_code, year))


@pairing.command("check")
@click.argument("number")
@_programme
@pass_shell
def check(shell: Shell, number: str, programme: str | None) -> None:
    """Say what was issued under the NUMBER of a certificate, and whether it is still so."""
    found = _done(shell, programme, papers.check, number)
    shell.say(
        "{number}:{day} 发给“{name}”({code}),{year} 年,金额 {fen} 元;现为 {today} 元",
        "{number}: issued on {day} to {name} ({code}) for {year}, {fen} yuan; today {today} yuan",
        number=found.number,
        day=found.issued_on,
        name=found.name,
        code=found.credit_code,
        year=found.year,
        fen=yuan_digits(found.fen),
        today=yuan_digits(found.fen_today),
    )
    if found.stands:
        shell.say("所载内容与现有台账一致", "everything that it says is still so")
    else:
        shell.say("所载内容与现有台账不一致", "what it says is no longer so")


@pairing.command("honour")
@click.option("-o", "--output", type=_FILE, help="write it as a workbook")
@area_of_option
@_year
@_programme
@pass_shell
def honour(shell: Shell, output: Path | None, area: int | None, year: int, programme: str | None) -> None:
    """The honour list of a year: enterprises by what both sides have settled."""
    if output is not None:
        shell.save(output, _done(shell, programme, summaries.honour_list, year, area))
        shell.say("已写入 {file}", "written to {file}", file=output)
        return
    found = _done(shell, programme, summaries.honours, year, area)
    titles = (
        Text("名次", "place"), Text("企业", "enterprise"), Text("统一社会信用代码", "credit code"),
        Text("村", "villages"), Text("确认笔数", "deliveries"), Text("确认金额(元)", "yuan"),
    )  # fmt: skip
    rows = [
        ("" if own.place is None else own.place, own.name, own.credit_code, len(own.villages), own.agreed,
         yuan_digits(own.fen))
        for own in found
    ]  # fmt: skip
    shell.table(
        shell.show(Text("光荣榜", "honour list")), [shell.show(title) for title in titles], rows, right=(0, 3, 4, 5)
    )


@pairing.command("summary")
@click.option("-o", "--output", type=_FILE, required=True, help="the workbook to write")
@area_of_option
@_year
@_programme
@pass_shell
def summary(shell: Shell, output: Path, area: int | None, year: int, programme: str | None) -> None:
    """Write the annual summary as a workbook: by township, village, path and kind, with every line."""
    shell.save(output, _done(shell, programme, summaries.summary_book, year, area))
    shell.say("已写入 {file}", "written to {file}", file=output)


commands = (pairing,)
