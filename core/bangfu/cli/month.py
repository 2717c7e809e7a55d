"""Commands for what is paid every month: decide a month, see what that would change, tell the months of somebody, who
has not been verified again, and carrying cases into the next year."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import click

from bangfu import jobs
from bangfu.access import CHINA
from bangfu.cases import carrying, month_previews, month_receipts, month_runs, months
from bangfu.cases.acts import Report
from bangfu.cases.ground import ground_of
from bangfu.cases.month_receipts import Decided, Month
from bangfu.cases.scanning import Page
from bangfu.cli.case import act_options, run_act
from bangfu.cli.receipt import print_decisions, print_months
from bangfu.cli.registry import run_job
from bangfu.cli.shell import REFUSED_EXIT, SHOWN, Day, Open, Shell, pass_shell, programme_options
from bangfu.models import MonthRun
from bangfu.registry.divisions import Places
from bangfu.text import Text, money, number, yuan_digits


class Instant(click.ParamType[tuple[datetime, datetime]]):
    """An instant like 2021-09-30T12:00, by the clock of the county: the first and the last moment of the day, the
    minute or the second that is stated. What is shown to the second is known in that second."""

    name = "instant"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[datetime, datetime]:
        """Read the instant."""
        if isinstance(value, tuple):
            return value
        try:
            read = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not an instant like 2021-09-30T12:00", param, ctx)
        first = read if read.tzinfo is not None else read.replace(tzinfo=CHINA)
        clock = value[11:].partition("+")[0]
        units = {0: timedelta(days=1), 5: timedelta(minutes=1), 8: timedelta(seconds=1)}
        return first, first + units.get(len(clock), timedelta(microseconds=1)) - timedelta(microseconds=1)


@click.group()
def month() -> None:
    """What is paid every month: decided by the facts of each month, whenever these become known."""


@month.command("decide")
@click.argument("month", type=int)
@click.option("--whole", is_flag=True, help="look at every month of everybody, whether or not anything became known")
@click.option("--preview", is_flag=True, help="show what it would change, and change nothing")
@click.option("--person", "numbers", multiple=True, help="only these persons, by number, now; needs --reason")
@click.option("--reason", default="", help="why earlier months are changed")
@programme_options
@pass_shell
def decide(
    shell: Shell,
    month: int,
    whole: bool,
    preview: bool,
    numbers: tuple[str, ...],
    reason: str,
    programme: str | None,
    period: str,
) -> None:
    """Decide a MONTH for everybody in sight, and again every earlier month of whom something became known since."""
    if preview:
        _preview(shell, month, whole, programme, period)
        return
    if numbers:
        _decide_for(shell, month, numbers, reason, programme, period)
        return

    async def work(opened: Open) -> jobs.Status:
        who = await opened.enter()
        ground = await opened.ground(who, programme, period)
        async with opened.database.session(who.scope) as session:
            job = await month_runs.put(session, who, ground, month, reason, whole=whole)
        return await run_job(opened, who, job)

    result = shell.run(work).result
    _say_decided(shell, *(result[name] for name in ("decided", "changed", "unchanged", "refused")))
    shell.say(
        "补发 {arrears},应追回 {recovery}",
        "{arrears} added to earlier months, {recovery} taken back of them",
        arrears=money(result["arrears_fen"]),
        recovery=money(result["recovery_fen"]),
    )
    for problem in result["first_refused"][:SHOWN]:
        shell.line(f"  {problem['person']}  {problem['code']}: {problem['message'][shell.language]}")


def _say_decided(shell: Shell, decided: int, changed: int, unchanged: int, refused: int) -> None:
    shell.say(
        "核定 {decided} 人月,其中变更 {changed} 人月;无变化 {unchanged} 人月,未核定 {refused} 人月",
        "decided {decided}, {changed} of them again; unchanged {unchanged}, refused {refused}",
        decided=number(decided),
        changed=number(changed),
        unchanged=number(unchanged),
        refused=number(refused),
    )


def _decide_for(
    shell: Shell, month: int, numbers: Sequence[str], reason: str, programme: str | None, period: str
) -> None:
    """Decide the months of some persons now."""

    async def work(opened: Open) -> months.Months:
        who = await opened.enter()
        ground = await opened.ground(who, programme, period)
        async with opened.database.session(who.scope) as session:
            return await months.decide(session, who, ground, month, numbers, reason)

    found = shell.run(work)
    _say_decided(shell, len(found.decisions), len(found.again), found.unchanged, len(found.refused))
    for own, problem in found.refused[:SHOWN]:
        shell.line(f"  {own}  {problem.code.name}: {shell.show(problem.message)}")
    if found.refused and not found.decisions and not found.unchanged:
        raise SystemExit(REFUSED_EXIT)


def _preview(shell: Shell, month: int, whole: bool, programme: str | None, period: str) -> None:
    """Show what deciding a month would change: by township, and the first of those whom it concerns."""

    async def work(opened: Open) -> tuple[list[month_previews.TownshipMonths], Page[month_previews.Previewed], Places]:
        who = await opened.enter()
        ground = await opened.ground(who, programme, period)
        async with opened.database.session(who.scope, reading=True) as session:
            figures = await month_previews.preview_figures(session, who, ground, month, whole=whole)
            page = await month_previews.preview(session, who, ground, month, SHOWN, whole=whole)
            return figures, page, await Places.on(session, who.at.today)

    figures, page, places = shell.run(work)
    heads = (
        Text("乡镇", "township"), Text("人数", "persons"), Text("核定人月", "decided"), Text("其中变更", "again"),
        Text("未核定人数", "refused"), Text("新增应发(元)", "due (yuan)"), Text("补发(元)", "more (yuan)"),
        Text("追回(元)", "less (yuan)"),
    )  # fmt: skip
    rows = [
        (
            own.name, *map(number, (own.cases, own.decided, own.changed, own.refused)),
            *map(yuan_digits, (own.due_fen, own.more_fen, own.less_fen)),
        )
        for own in figures
    ]  # fmt: skip
    title = Text(f"核定{month}月的结果预览", f"what deciding month {month} would come to")
    shell.table(shell.show(title), [shell.show(head) for head in heads], rows, right=range(1, 8))
    titles = (
        Text("人员编号", "person"), Text("村", "village"), Text("月份", "month"), Text("原应发(元)", "was (yuan)"),
        Text("现应发(元)", "now (yuan)"),
    )  # fmt: skip
    changes = [
        (
            one.case.number, places.named(one.case.division), own.result.rules.period.key,
            "" if own.before is None else yuan_digits(own.before), yuan_digits(own.amount),
        )
        for one in page.found
        for own in one.decisions
    ]  # fmt: skip
    title = Text(f"前 {len(page.found)} 人", f"the first {len(page.found)} persons")
    shell.table(shell.show(title), [shell.show(head) for head in titles], changes, right=(2, 3, 4))
    for one in page.found:
        for problem in one.problems:
            shell.line(f"  {one.case.number}  {problem.code.name}: {shell.show(problem.message)}")


@month.command("show")
@click.argument("person")
@click.option("--month", "of", type=click.IntRange(1, 12), help="one month, with everything that explains it")
@click.option("--known-at", type=Instant(), help="as it was on record then; one month, decided by what was known then")
@programme_options
@pass_shell
def show(shell: Shell, person: str, of: int | None, known_at: tuple[datetime, datetime] | None, **options: Any) -> None:
    """Tell the months of a PERSON: what is due and why, what was paid, and what became known later."""

    async def work(opened: Open) -> tuple[tuple[Month, ...], tuple[Decided, ...], Text]:
        who = await opened.enter()
        ground = await opened.ground(who, options["programme"], options["period"])
        own, period = ground.programme.title, ground.period.title
        title = Text(f"{person} {own.zh} {period.zh}", f"{person}, {own.en}, {period.en}")
        first, last = known_at or (who.at.now, who.at.now)
        # The day, the minute or the second that it is now is not over.
        known = None if known_at is None else max(first, min(last, who.at.now))
        async with opened.database.session(who.scope, reading=True) as session:
            if of is not None and known is not None:
                then = await month_receipts.as_known(session, who, ground, person, of, known)
                return (), (then,), title
            return await month_receipts.told_of(session, who, ground, person, known), (), title

    told, decisions, title = shell.run(work)
    if of is None:
        print_months(shell.out, title, told, shell.language)
        return
    decisions = decisions or tuple(own for one in told if one.number == of for own in one.decisions)
    if not decisions:
        shell.say("{month}月尚未核定", "month {month} has not been decided", month=of)
        return
    print_decisions(shell.out, title, decisions, shell.language)


@month.command("runs")
@programme_options
@pass_shell
def runs(shell: Shell, **options: Any) -> None:
    """Show when months were decided for everybody, and what that came to."""

    async def work(opened: Open) -> list[MonthRun]:
        who = await opened.enter()
        ground = await opened.ground(who, options["programme"], options["period"])
        async with opened.database.session(who.scope, reading=True) as session:
            return await month_runs.runs(session, who, ground)

    heads = (
        Text("月份", "month"), Text("日期", "day"), Text("核定人月", "decided"), Text("其中变更", "again"),
        Text("补发(元)", "added (yuan)"), Text("追回(元)", "taken back (yuan)"), Text("事由", "reason"),
    )  # fmt: skip
    rows = [
        (
            one.month, one.ran_on, number(one.decided), number(one.changed), yuan_digits(one.arrears_fen),
            yuan_digits(one.recovery_fen), one.reason,
        )
        for one in shell.run(work)
    ]  # fmt: skip
    shell.table(
        shell.show(Text("月度核定", "months decided")),
        [shell.show(head) for head in heads],
        rows,
        right=(0, 2, 3, 4, 5),
    )


@month.command("unverified")
@click.option("--on", type=Day(), help="a day of the span; today unless stated")
@click.option("--limit", default=50, show_default=True, help="how many are shown")
@programme_options
@pass_shell
def unverified(shell: Shell, on: Any, limit: int, **options: Any) -> None:
    """Show who is paid every month and has not been verified again in the span that a day lies in."""

    async def work(opened: Open) -> tuple[dict[int, int], list[carrying.Unverified], Places]:
        who = await opened.enter()
        ground = await opened.ground(who, options["programme"], options["period"])
        when = on or who.at.today
        async with opened.database.session(who.scope, reading=True) as session:
            return (
                await carrying.unverified_counts(session, who, ground, when),
                await carrying.unverified(session, who, ground, when, limit),
                await Places.on(session, who.at.today),
            )

    counts, found, places = shell.run(work)
    heads = (Text("乡镇", "township"), Text("未核查人数", "not verified"))
    rows = [(places.named(code), number(count)) for code, count in counts.items()]
    shell.table(shell.show(Text("未核查", "not verified again")), [shell.show(t) for t in heads], rows, right=(1,))
    titles = (Text("人员编号", "person"), Text("姓名", "name"), Text("村", "village"))
    listed = [(one.number, one.name, places.named(one.division)) for one in found]
    title = Text(f"前 {len(found)} 人", f"the first {len(found)}")
    shell.table(shell.show(title), [shell.show(t) for t in titles], listed)


@month.command("reverify")
@click.option("--finding", required=True, help="what was found")
@act_options
@pass_shell
def reverify(shell: Shell, finding: str, **options: Any) -> None:
    """Write down that who is paid every month was verified again; it changes nothing by itself."""
    run_act(shell, options, carrying.reverify, finding=finding)


@month.command("carry")
@click.option("--into", required=True, help="the next year, which is open")
@act_options
@pass_shell
def carry(shell: Shell, into: str, **options: Any) -> None:
    """Let cases go over into the next year, from December on: nobody applies again for it."""

    async def act(session: Any, who: Any, ground: Any, chosen: Any, stated: Any) -> Report:
        following = await ground_of(session, who.county.id, ground.programme, into)
        return await carrying.carry(session, who, ground, following, chosen, stated)

    run_act(shell, options, act)


commands = (month,)
