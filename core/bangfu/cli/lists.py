"""Why; who is missed; whose payment no longer fits; and the register: what is read of households, one by one and as
lists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bangfu.cases import missed, overpaid, receipts, register, year
from bangfu.cases.scanning import Page
from bangfu.cli.case import case
from bangfu.cli.receipt import print_receipt, print_year
from bangfu.cli.shell import Open, Shell, Target, area_option, pass_shell, programme_options
from bangfu.programme import Beneficiary
from bangfu.registry.divisions import Places
from bangfu.text import LANGUAGES, Text, money, yuan_digits
from bangfu.text import number as shown_number


@click.command()
@click.argument("number")
@click.option("-p", "--programme", help="programme code; left out, that of BANGFU_PROGRAMME, else every programme")
@click.option("--period", help="period, such as the plan year 2021; needed with a programme")
@click.option("--year", "of_year", type=int, help="every programme of a year, whatever BANGFU_PROGRAMME says")
@click.option("--both", is_flag=True, help="in Chinese and in English")
@pass_shell
def why(shell: Shell, number: str, programme: str | None, period: str | None, of_year: int | None, both: bool) -> None:
    """Why this amount, why not me, for the household NUMBER: clause, facts and arithmetic of one programme, or
    everything that it has, had or could have in a year."""
    languages = LANGUAGES if both else (shell.language,)
    if of_year is None and (programme or shell.meant):
        if period is None:
            raise click.UsageError("--period says which period of the programme, --year that every programme is meant")
        stated = period

        async def one(opened: Open) -> receipts.Receipt:
            who = await opened.enter()
            ground = await opened.ground(who, programme, stated)
            async with opened.database.session(who.scope) as session:
                return await receipts.why(session, who, ground, number)

        receipt = shell.run(one)
        for language in languages:
            print_receipt(shell.out, receipt, language)
        return
    if of_year is None and period is not None and not period[:4].isdecimal():
        raise click.BadParameter(f"{period!r} does not begin with a year", param_hint="--period")

    async def every(opened: Open) -> year.YearAnswer:
        who = await opened.enter()
        meant = of_year or (int(period[:4]) if period else who.at.today.year)
        async with opened.database.session(who.scope, reading=True) as session:
            return await year.why_in(session, who, shell.plugins.programmes.values(), number, meant)

    answer = shell.run(every)
    for language in languages:
        print_year(shell.out, answer, language)


def _list_options(function: Any) -> Any:
    """The options that both lists take."""
    for option in (
        click.option("--limit", default=50, show_default=True, help="how many are shown"),
        click.option("--reason", default="", help="why the workbook is needed; it names people, and is recorded"),
        click.option("--export", type=Target(), help="write all of it as a workbook"),
        area_option,
    ):
        function = option(function)
    return programme_options(function)


def _saved(shell: Shell, module: Any, export: Path, reason: str, area: Any, options: Any) -> None:
    """Write a list as a workbook."""

    async def work(opened: Open) -> bytes:
        who = await opened.enter()
        ground = await opened.ground(who, options["programme"], options["period"])
        async with opened.database.session(who.scope) as session:
            made: bytes = await module.sheet(session, who, ground, reason, area)
            return made

    shell.save(export, shell.run(work))
    shell.say("已写入 {file}", "written to {file}", file=export)


@case.command("missed")
@_list_options
@pass_shell
def missed_(shell: Shell, limit: int, export: Path | None, reason: str, area: Any, **options: Any) -> None:
    """Who could have the award and has not applied 应享未享: by township, and the first of the list."""
    if export is not None:
        _saved(shell, missed, export, reason, area, options)
        return

    async def work(opened: Open) -> tuple[list[missed.TownshipMissed], Page[missed.Missed], Places, Text, Beneficiary]:
        who = await opened.enter()
        ground = await opened.ground(who, options["programme"], options["period"])
        async with opened.database.session(who.scope, reading=True) as session:
            figures = await missed.figures(session, who, ground, area)
            page = await missed.page(session, who, ground, limit, None, area)
            return (
                figures,
                page,
                await Places.on(session, who.at.today),
                missed.how_to_apply(ground.latest, who.at.today),
                ground.programme.beneficiary,
            )

    figures, page, places, how, of = shell.run(work)
    titles = (
        Text("乡镇", "township"),
        Text(f"{of.counted.zh}数", of.counted.en),
        Text("已申报", "applied"),
        Text("不符合", "not eligible"),
        Text("享受他项", "have another"),
        Text("已享受", "had it"),
        Text("应享未享", "missed"),
        Text("其中资料不全", "of them unclear"),
        Text("可得(元)", "would come to (yuan)"),
    )
    counts = ("households", "applied", "ineligible", "excluded", "taken", "missed", "unclear")

    def line(name: str, of: list[missed.TownshipMissed]) -> tuple[object, ...]:
        return (
            name,
            *(shown_number(sum(getattr(one, field) for one in of)) for field in counts),
            shell.show(money(sum(one.fen for one in of))).split()[0],
        )

    rows = [line(one.name, [one]) for one in figures] + [line(shell.show(Text("合计", "total")), figures)]
    shell.table(
        shell.show(Text("应享未享", "eligible and not applied")),
        [shell.show(t) for t in titles],
        rows,
        right=range(1, 9),
    )
    shell.line(shell.show(how))
    headers = (of.numbered, Text("村", "village"), Text("尚缺", "wanting"), Text("可得(元)", "yuan"))
    shell.table(
        shell.show(Text(f"前 {len(page.found)} {of.counted.zh}", f"the first {len(page.found)}")),
        [shell.show(t) for t in headers],
        [
            (
                one.number,
                places.named(one.division),
                shell.show(missed.wanted(one.lacks)),
                "" if one.fen is None else yuan_digits(one.fen),
            )
            for one in page.found
        ],
        right=(3,),
    )


@case.command("overpaid")
@_list_options
@pass_shell
def overpaid_(shell: Shell, limit: int, export: Path | None, reason: str, area: Any, **options: Any) -> None:
    """What was paid and would come out differently now 已发待核: by township, and the first of the list.

    It changes nothing.
    """
    if export is not None:
        _saved(shell, overpaid, export, reason, area, options)
        return

    programme = shell.programme(options["programme"])
    if programme.process.monthly is not None:
        shell.say(
            "本项目按月发放:后来得知的情况由按月核定处理,补发或抵扣,不列入此表(month decide)",
            "This is paid every month: what becomes known later is settled by deciding its months again, and is not in "
            "this list (month decide).",
        )
        return

    async def work(opened: Open) -> tuple[list[overpaid.TownshipOverpaid], Page[overpaid.Overpaid]]:
        who = await opened.enter()
        ground = await opened.ground(who, options["programme"], options["period"])
        async with opened.database.session(who.scope, reading=True) as session:
            figures = await overpaid.figures(session, who, ground, area)
            page = await overpaid.page(session, who, ground, limit, None, area)
            return figures, page

    figures, page = shell.run(work)
    of = programme.beneficiary
    titles = (
        Text("乡镇", "township"),
        Text(f"已发{of.counted.zh}数", "paid"),
        Text("与现有情况不符", "would differ"),
        Text("其中不再符合", "of them not eligible"),
        Text("其中无法判断", "of them untold"),
        Text("多发(元)", "too much (yuan)"),
        Text("少发(元)", "too little (yuan)"),
    )

    def line(name: str, of: list[overpaid.TownshipOverpaid]) -> tuple[object, ...]:
        return (
            name,
            *(shown_number(sum(getattr(one, f) for one in of)) for f in ("paid", "differing", "refused", "untold")),
            *(
                shell.show(money(sum(getattr(one, f) for one in of))).split()[0]
                for f in ("too_much_fen", "too_little_fen")
            ),
        )

    rows = [line(one.name, [one]) for one in figures] + [line(shell.show(Text("合计", "total")), figures)]
    shell.table(
        shell.show(Text("已发待核", "paid and to be looked at again")),
        [shell.show(t) for t in titles],
        rows,
        right=range(1, 7),
    )
    headers = (
        of.numbered,
        Text("已发(元)", "paid"),
        Text("多发(元)", "too much"),
        Text("原因", "why"),
    )
    shell.table(
        shell.show(Text(f"前 {len(page.found)} {of.counted.zh}", f"the first {len(page.found)}")),
        [shell.show(t) for t in headers],
        [
            (
                one.number,
                yuan_digits(one.paid_fen),
                "" if one.difference_fen is None else yuan_digits(one.difference_fen),
                "; ".join(shell.show(overpaid.said(again)) for again in one.again),
            )
            for one in page.found
        ],
        right=(1, 2),
    )


@click.command("register")
@programme_options
@area_option
@click.option("--reason", default="", help="why the workbook is needed; it names people, and is recorded")
@click.option("-o", "--output", type=Target(), required=True, help="the workbook to write")
@pass_shell
def register_(shell: Shell, output: Path, reason: str, area: Any, **options: Any) -> None:
    """Write the register of those whose applications were decided 补助对象登记册 as a workbook, with what was paid and
    its summary by township."""
    _saved(shell, register, output, reason, area, options)


commands = (why, register_)
