"""Commands for cases: account, sign, post, object, accept, sample, and the ways out of the ordinary course; and why."""

from __future__ import annotations

import secrets
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from bangfu import jobs
from bangfu.cases import acts, batch, correcting, draws, overview, participants, receipts, sampling, selecting
from bangfu.cases.acts import Report
from bangfu.cli.registry import run_job
from bangfu.cli.shell import (
    SHOWN,
    Day,
    F,
    Open,
    Shell,
    Target,
    pass_shell,
    programme_options,
    select,
    selection_options,
    state,
    stated_options,
)
from bangfu.process import Duty, RestCause, Verify, duty_names
from bangfu.programme import Beneficiary
from bangfu.registry.divisions import Places
from bangfu.text import Text, join, money
from bangfu.text import number as shown_number

_CHOSEN = ("household", "area", "everything", "without")
_SAID = ("day", "duty", "reason", "evidence", "signatory")
_PAUSED = Text("暂停", "paused")


@click.group()
def case() -> None:
    """Cases, one or thousands at a time."""


def run_act(shell: Shell, options: dict[str, Any], act: Any, **extra: Any) -> None:
    """Run an act on a selection and show its report."""
    chosen = select(*(options.pop(name) for name in _CHOSEN))
    said = [options.pop(name) for name in _SAID]

    async def work(opened: Open) -> Report:
        who = await opened.enter()
        ground = await opened.ground(who, options["programme"], options["period"])
        stated = await state(opened, who, *said)
        async with opened.database.session(who.scope) as session:
            done: Report = await act(session, who, ground, chosen, stated=stated, **extra)
            return done

    shell.report(shell.run(work))


def act_options(function: F) -> F:
    """The options that every act takes."""
    return programme_options(selection_options(stated_options(function)))


@case.command("account")
@act_options
@pass_shell
def account(shell: Shell, **options: Any) -> None:
    """Compute what each household is due; what has not changed is left alone.

    Areas and --all run as a job, part by part; a run that was killed is simply run again.
    """
    if options["household"]:
        run_act(shell, options, acts.account)
        return
    chosen = select(*(options[name] for name in _CHOSEN))

    async def work(opened: Open) -> jobs.Status:
        who = await opened.enter()
        ground = await opened.ground(who, options["programme"], options["period"])
        return await run_job(opened, who, await batch.ask(opened.database, who, ground, chosen.areas, chosen.without))

    result = shell.run(work).result
    shell.say(
        "完成 {done} 户,无变化 {unchanged} 户,未办理 {refused} 户",
        "done {done}, unchanged {unchanged}, refused {refused}",
        **result,
    )
    for problem in result["first_refused"][:SHOWN]:
        message = problem["message"][shell.language]
        shell.line(f"  {problem['household']}  {problem['code']}: {message}")


@case.command("sign")
@click.argument("stage")
@act_options
@pass_shell
def sign(shell: Shell, stage: str, **options: Any) -> None:
    """Sign a STAGE, such as in_place or accounting."""
    process = shell.programme(options["programme"]).process
    stages = [s.code for s in process.stages if isinstance(s, Verify)]
    if stage not in stages:
        raise click.UsageError(f"the stages that are signed are: {', '.join(stages)}")

    async def act(session: Any, who: Any, ground: Any, chosen: Any, stated: Any) -> Report:
        return await acts.sign(session, who, ground, chosen, stage, stated)

    run_act(shell, options, act)


@case.command("post")
@click.option("--place", default="", help="where the notice hangs")
@act_options
@pass_shell
def post(shell: Shell, place: str, **options: Any) -> None:
    """Post the results in public, one notice a village."""
    run_act(shell, options, acts.post, place=place)


@case.command("accept")
@act_options
@pass_shell
def accept(shell: Shell, **options: Any) -> None:
    """Accept cases on the spot, after their notice."""
    run_act(shell, options, acts.accept)


@case.command("return")
@click.option("--finding", required=True, help="what was found")
@act_options
@pass_shell
def send_back(shell: Shell, finding: str, **options: Any) -> None:
    """Send cases back with what was found: the township at acceptance, the county after it until payment."""
    run_act(shell, options, acts.send_back, finding=finding)


@case.command("conclude")
@act_options
@pass_shell
def conclude(shell: Shell, **options: Any) -> None:
    """Let cases go on whose notice has stood its time, where the plan asks for no acceptance after it."""
    run_act(shell, options, acts.conclude)


@case.command("select")
@act_options
@pass_shell
def select_(shell: Shell, **options: Any) -> None:
    """Select cases within the quota of their village."""
    run_act(shell, options, selecting.choose, selected=True)


@case.command("pass-over")
@act_options
@pass_shell
def pass_over(shell: Shell, **options: Any) -> None:
    """Pass over cases that are not selected this time."""
    run_act(shell, options, selecting.choose, selected=False)


@case.command("ask-to-correct")
@click.option(
    "--mark", "marks", multiple=True, metavar="FACT=NOTE", help="what is wrong with what was stated; may be repeated"
)
@act_options
@pass_shell
def ask_to_correct(shell: Shell, marks: tuple[str, ...], **options: Any) -> None:
    """Send cases back to who made their plans, with everything that is wrong."""
    marked = {}
    for mark in marks:
        fact, equals, note = mark.partition("=")
        if not equals or fact in marked:
            raise click.UsageError("--mark takes FACT=NOTE, each fact once")
        marked[fact] = note
    run_act(shell, options, correcting.ask_to_correct, marked=marked)


@case.command("withdraw")
@act_options
@pass_shell
def withdraw(shell: Shell, **options: Any) -> None:
    """Take cases back for the applicants, with --reason; a new plan opens a case again."""
    run_act(shell, options, correcting.withdraw)


@case.command("stop")
@click.option("--finding", required=True, help="what was found")
@act_options
@pass_shell
def stop(shell: Shell, finding: str, **options: Any) -> None:
    """End cases whose verification finds that they do not go on; what was paid stays paid."""
    run_act(shell, options, correcting.stop, finding=finding)


@case.command("pause")
@click.option(
    "--cause",
    type=click.Choice([cause.value for cause in RestCause]),
    help="why what is paid every month rests; needed there",
)
@act_options
@pass_shell
def pause(shell: Shell, cause: str | None, **options: Any) -> None:
    """Let cases rest, with --reason: nothing is done with them until they are resumed."""
    run_act(shell, options, correcting.pause, cause=RestCause(cause) if cause else None)


@case.command("resume")
@act_options
@pass_shell
def resume(shell: Shell, **options: Any) -> None:
    """Go on with cases that rest, with --reason."""
    run_act(shell, options, correcting.resume)


@case.command("undo")
@act_options
@pass_shell
def undo(shell: Shell, **options: Any) -> None:
    """Take back what was done last to cases, with --reason: by who did it or typed it in, until it is paid."""
    run_act(shell, options, correcting.undo)


@case.command("answer")
@click.argument("applicant")
@click.argument("household")
@click.option("--agreed/--declined", required=True)
@click.option("--evidence", required=True, help="the paper that the household signed")
@click.option("--day", type=Day(), help="the day it happened; today unless stated")
@programme_options
@pass_shell
def answer(shell: Shell, applicant: str, household: str, agreed: bool, **options: Any) -> None:
    """Enter what a HOUSEHOLD that takes part in the case of an APPLICANT answered with its signature."""
    _say(shell, options, participants.answer, applicant, household, agreed=agreed)


@case.command("to-answer")
@programme_options
@pass_shell
def to_answer(shell: Shell, **options: Any) -> None:
    """Show the households that take part in somebody's case and whose signature or word you have to enter."""

    async def work(opened: Open) -> tuple[list[participants.Asked], Places]:
        who = await opened.enter()
        ground = await opened.ground(who, options["programme"], options["period"])
        async with opened.database.session(who.scope, reading=True) as session:
            return await participants.asked_of(session, who, ground), await Places.on(session, who.at.today)

    found, places = shell.run(work)
    titles = (
        Text("户编号", "household"),
        Text("村", "village"),
        Text("参与方式", "takes part as"),
        Text("申报户", "in the case of"),
        Text("待登记", "to enter"),
        Text("截止", "deadline"),
    )
    signature, word = Text("签字认可", "its signature"), Text("核实意见", "your word")
    rows = [
        (
            one.number,
            places.named(one.division),
            shell.show(one.role.title),
            one.applicant,
            shell.show(join([text for text, is_asked in ((signature, one.signature), (word, one.word)) if is_asked])),
            one.deadline or "",
        )
        for one in found
    ]
    shell.table(shell.show(Text("待答复的参与户", "to answer")), [shell.show(title) for title in titles], rows)


@case.command("vouch")
@click.argument("applicant")
@click.argument("household")
@click.option("--confirmed/--denied", required=True)
@click.option("--evidence", default="", help="the paper that shows it; needed with --for")
@click.option("--day", type=Day(), help="the day it happened; today unless stated")
@click.option("--for", "signatory", help="staff number of the cadre, where somebody else types it in")
@programme_options
@pass_shell
def vouch(shell: Shell, applicant: str, household: str, confirmed: bool, **options: Any) -> None:
    """Enter what the cadre of a HOUSEHOLD that takes part in the case of an APPLICANT found of it."""
    _say(shell, options, participants.vouch, applicant, household, vouched=confirmed)


def _say(shell: Shell, options: dict[str, Any], act: Any, applicant: str, household: str, **said: bool) -> None:
    """Write down what somebody said of a household that takes part, and show it."""

    async def work(opened: Open) -> None:
        who = await opened.enter()
        ground = await opened.ground(who, options["programme"], options["period"])
        stated = await state(opened, who, options["day"], None, "", options["evidence"], options.get("signatory"))
        async with opened.database.session(who.scope) as session:
            await act(session, who, ground, applicant, household, stated=stated, **said)

    shell.run(work)
    shell.say(
        "已登记:{household}(申报户 {applicant})",
        "entered: {household} (in the case of {applicant})",
        household=household,
        applicant=applicant,
    )


@case.command("waiting")
@programme_options
@selection_options
@click.option("--overdue", is_flag=True, help="only what is past its deadline")
@click.option("--duty", type=click.Choice([duty.value for duty in Duty]), help="only what waits for this duty")
@click.option("--limit", default=50, show_default=True)
@pass_shell
def waiting(shell: Shell, overdue: bool, duty: str | None, limit: int, **options: Any) -> None:
    """Show who holds each case that has not ended, by name, and how many wait in each township."""
    chosen = select(*(options[name] for name in _CHOSEN))

    async def work(opened: Open) -> tuple[Any, ...]:
        who = await opened.enter()
        ground = await opened.ground(who, options["programme"], options["period"])
        process = ground.programme.process
        stages = [stage.code for stage in process.stages]
        async with opened.database.session(who.scope) as session:
            found = [
                item
                for item in await overview.waiting(session, who, ground, replace(chosen, stages=stages))
                if item.overdue >= overdue and (duty is None or Duty(duty) in item.duties)
            ]
            names = await overview.holders(session, who, found[:limit])
            townships = await overview.by_township(session, who, found)
            of = ground.programme.beneficiary
            return found, names, townships, await Places.on(session, who.at.today), process, of

    found, names, townships, places, process, of = shell.run(work)
    heads = (Text("乡镇", "township"), Text("待办", "waiting"), Text("逾期", "overdue"), Text("暂停", "paused"))
    counted = [(own.name, own.waiting, own.overdue, own.paused) for own in townships]
    shell.table(
        shell.show(Text("各乡镇待办", "waiting, by township")),
        [shell.show(t) for t in heads],
        counted,
        right=(1, 2, 3),
    )
    shown = (
        of.numbered,
        Text("村", "village"),
        Text("环节", "stage"),
        Text("截止", "deadline"),
        Text("待办", "held by"),
    )
    rows = [
        (
            item.number,
            places.named(item.division),
            f"{shell.show(process.title(item.stage))}{f' ({shell.show(_PAUSED)})' if item.paused else ''}",
            f"{item.deadline or ''}{' !' if item.overdue else ''}",
            ", ".join(f"{one.name} ({one.number})" for one in own),
        )
        for item, own in zip(found, names, strict=False)
    ]
    title = Text(f"共 {len(found)} {of.counted.zh}", f"{len(found)} {of.counted.en}")
    shell.table(shell.show(title), [shell.show(t) for t in shown], rows)


@case.command("object")
@click.argument("number")
@click.option("--words", required=True, help="what is objected")
@click.option("--objector", default="", help="who objects, if named")
@programme_options
@stated_options
@pass_shell
def object_to(shell: Shell, number: str, words: str, objector: str, **options: Any) -> None:
    """Take down an objection against the household NUMBER; the others on the notice go on."""

    async def work(opened: Open) -> Report:
        who = await opened.enter()
        ground = await opened.ground(who, options["programme"], options["period"])
        stated = await state(opened, who, *(options[name] for name in _SAID))
        async with opened.database.session(who.scope) as session:
            return await acts.object_to(session, who, ground, number, words, objector, stated)

    shell.report(shell.run(work))


@case.command("settle")
@click.argument("number")
@click.option("--upheld/--dismissed", required=True)
@click.option("--finding", required=True, help="what the re-check found")
@programme_options
@stated_options
@pass_shell
def settle(shell: Shell, number: str, upheld: bool, finding: str, **options: Any) -> None:
    """Settle the objections against the household NUMBER."""

    async def work(opened: Open) -> Report:
        who = await opened.enter()
        ground = await opened.ground(who, options["programme"], options["period"])
        stated = await state(opened, who, *(options[name] for name in _SAID))
        async with opened.database.session(who.scope) as session:
            return await acts.settle(session, who, ground, number, upheld=upheld, finding=finding, stated=stated)

    shell.report(shell.run(work))


@case.command("list")
@programme_options
@selection_options
@click.option("--overdue", is_flag=True, help="only what is past its deadline")
@click.option("--limit", default=50, show_default=True)
@pass_shell
def list_(shell: Shell, overdue: bool, limit: int, **options: Any) -> None:
    """Show where cases stand, who holds each, and what is overdue."""
    chosen = select(*(options[name] for name in _CHOSEN))

    async def work(opened: Open) -> tuple[list[overview.Waiting], Any, Beneficiary]:
        who = await opened.enter()
        ground = await opened.ground(who, options["programme"], options["period"])
        async with opened.database.session(who.scope) as session:
            found = await overview.waiting(session, who, ground, chosen)
            return found, ground.programme.process, ground.programme.beneficiary

    found, process, of = shell.run(work)
    held = [item for item in found if item.overdue or not overdue]
    titles = (
        of.numbered,
        Text("村", "village"),
        Text("环节", "stage"),
        Text("自", "since"),
        Text("截止", "deadline"),
        Text("待办", "waits for"),
    )
    rows = [
        (
            item.number,
            item.division,
            shell.show(process.title(item.stage)),
            item.since,
            f"{item.deadline or ''}{' !' if item.overdue else ''}",
            shell.show(duty_names(item.duties)) if item.duties else "",
        )
        for item in held[:limit]
    ]
    title = Text(f"共 {len(held)} {of.counted.zh}", f"{len(held)} {of.counted.en}")
    shell.table(shell.show(title), [shell.show(t) for t in titles], rows)


@case.command("overview")
@programme_options
@pass_shell
def overview_(shell: Shell, **options: Any) -> None:
    """Show the figures of a period by township, and what was refused by which clause."""

    async def work(opened: Open) -> tuple[list[overview.TownshipFigures], Any]:
        who = await opened.enter()
        ground = await opened.ground(who, options["programme"], options["period"])
        async with opened.database.session(who.scope) as session:
            return await overview.overview(session, who, ground), ground

    figures, ground = shell.run(work)
    show_overview(shell, figures, ground)


def show_overview(shell: Shell, figures: list[overview.TownshipFigures], ground: Any) -> None:
    """Print the figures with their total."""
    steps = ground.latest.book.traced().steps
    titles = (
        Text("乡镇", "township"),
        Text("申报", "applied"),
        Text("符合", "eligible"),
        Text("不符合", "refused"),
        Text("资料不全", "incomplete"),
        Text("抽查", "sampled"),
        Text("应发(元)", "due (yuan)"),
        Text("已放行(元)", "released (yuan)"),
    )

    def line(name: str, of: list[overview.TownshipFigures]) -> tuple[object, ...]:
        return (
            name,
            *(
                shown_number(sum(getattr(f, field) for f in of))
                for field in ("applied", "eligible", "refused", "incomplete", "sampled")
            ),
            *(
                shell.show(money(sum(getattr(f, field) for f in of))).split()[0]
                for field in ("payable_fen", "paid_fen")
            ),
        )

    rows = [line(f.name, [f]) for f in figures] + [line(shell.show(Text("合计", "total")), figures)]
    heading = Text(
        f"{ground.programme.title.zh} {ground.period.title.zh}",
        f"{ground.programme.title.en}, {ground.period.title.en}",
    )
    shell.table(shell.show(heading), [shell.show(t) for t in titles], rows, right=range(1, 8))
    reasons = []
    for name in ground.latest.book.traced().criteria:
        count = sum(f.unmet[name] for f in figures)
        reasons.append((str(steps[name].step.cites), shell.show(steps[name].step.title), shown_number(count)))
    headers = (Text("条款", "clause"), Text("要求", "requirement"), Text("未满足户数", "households not meeting it"))
    shell.table(
        shell.show(Text("未满足的条款", "refused, by clause")), [shell.show(t) for t in headers], reasons, right=(2,)
    )
    for name in figures[0].flagged if figures else ():
        flagged = shown_number(sum(f.flagged[name] for f in figures))
        shell.line(f"{shell.show(steps[name].step.title)}: {flagged}")


@click.group()
def sample() -> None:
    """The county's spot check."""


@sample.command("draw")
@programme_options
@click.option("--seed", help="a public seed, such as a lottery number; made at random unless stated")
@click.option("--seed-source", default="", help="where a stated seed comes from")
@stated_options
@pass_shell
def draw(shell: Shell, seed: str | None, seed_source: str, **options: Any) -> None:
    """Draw the sample of everything accepted that no draw has held yet."""

    async def work(opened: Open) -> sampling.Drawn:
        who = await opened.enter()
        ground = await opened.ground(who, options["programme"], options["period"])
        stated = await state(opened, who, *(options[name] for name in _SAID))
        source = seed_source if seed else "secrets.token_hex"
        async with opened.database.session(who.scope) as session:
            return await sampling.draw_sample(session, who, ground, seed or secrets.token_hex(16), source, stated)

    made = shell.run(work)
    shell.say(
        "抽查 {id}:总体 {frame} 户,抽中 {size} 户,种子 {seed}",
        "draw {id}: {size} of {frame}, seed {seed}",
        id=made.id,
        frame=made.frame_size,
        size=made.size,
        seed=made.seed,
    )
    for household in made.households[:SHOWN]:
        shell.line(f"  {household}")
    if made.size > SHOWN:
        shell.say("  ……另有 {more} 户", "  … and {more} more", more=made.size - SHOWN)


@sample.command("list")
@programme_options
@pass_shell
def list_samples(shell: Shell, **options: Any) -> None:
    """List the draws of a period."""

    async def work(opened: Open) -> list[draws.Kept]:
        who = await opened.enter()
        ground = await opened.ground(who, options["programme"], options["period"])
        async with opened.database.session(who.scope) as session:
            return await draws.kept(session, who, ground)

    titles = (
        Text("编号", "id"),
        Text("次", "draw"),
        Text("日期", "day"),
        Text("总体", "frame"),
        Text("抽中", "drawn"),
        Text("待结果", "awaited"),
    )
    rows = [(k.id, k.number, k.drawn_on, k.frame_size, k.size, k.awaited) for k in shell.run(work)]
    shell.table(shell.show(Text("抽查", "samples")), [shell.show(t) for t in titles], rows, right=(1, 3, 4, 5))


@sample.command("export")
@click.argument("id", type=click.UUID)
@click.argument("file", type=Target())
@click.option("--reason", required=True, help="why the list is needed; it names people")
@programme_options
@pass_shell
def export_sample(shell: Shell, id: UUID, file: Path, reason: str, **options: Any) -> None:
    """Write a draw as a workbook: the drawn households to visit, and the whole frame in its drawn order."""

    async def work(opened: Open) -> bytes:
        who = await opened.enter()
        ground = await opened.ground(who, options["programme"], options["period"])
        async with opened.database.session(who.scope) as session:
            return await draws.sheet(session, who, ground, id, reason)

    shell.save(file, shell.run(work))
    shell.say("已写入 {file}", "written to {file}", file=file)


@sample.command("redraw")
@click.argument("id", type=click.UUID)
@pass_shell
def redraw(shell: Shell, id: UUID) -> None:
    """Draw a kept sample again from its seed and compare."""

    async def work(opened: Open) -> bool:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            return (await sampling.redraw(session, who, id))[1]

    if not shell.run(work):
        shell.say("重抽结果与记录不符", "the redraw is not what was kept")
        raise SystemExit(1)
    shell.say("重抽结果与记录一致", "the redraw is what was kept")


@sample.command("check")
@click.option("--passed/--failed", required=True)
@click.option("--finding", default="", help="what was found; needed for a failed case")
@programme_options
@selection_options
@stated_options
@pass_shell
def check(shell: Shell, passed: bool, finding: str, **options: Any) -> None:
    """Give the results of drawn cases; a failed one goes back."""
    run_act(shell, options, sampling.check, passed=passed, finding=finding)


@click.command()
@programme_options
@pass_shell
def replay(shell: Shell, **options: Any) -> None:
    """Compute every stored determination again and compare to the fen."""

    async def work(opened: Open) -> receipts.Replay:
        who = await opened.enter()
        programme = shell.programme(options["programme"])
        async with opened.database.session(who.scope) as session:
            return await receipts.replay(session, who, programme, options["period"])

    result = shell.run(work)
    shell.say(
        "重算一致 {same} 份,不一致 {faults} 份",
        "{same} agree, {faults} do not",
        same=result.same,
        faults=len(result.faults),
    )
    for found, fault in result.faults[:SHOWN]:
        shell.line(f"  {found}: {fault}")
    if result.faults:
        raise SystemExit(1)


commands = (case, sample, replay)
