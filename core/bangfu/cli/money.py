"""Commands for money: budget lines, batches, files for the bank and its answers, adjustments, and what always holds."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from sqlalchemy import select, text

from bangfu import files, jobs, payments
from bangfu.access import county
from bangfu.cases import paying
from bangfu.cli.shell import REFUSED_EXIT, SHOWN, Day, Open, Shell, Target, pass_shell, programme_options
from bangfu.documents.cells import CellProblem, read_fen
from bangfu.models import BankTemplate, BudgetLine, PaymentLine
from bangfu.payments import answers, invariants
from bangfu.process import Pay
from bangfu.programme import PAYMENT_COLUMNS
from bangfu.text import Text, money, number


class Yuan(click.ParamType[int]):
    """An amount in yuan, kept in fen."""

    name = "yuan"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read the amount; one that begins with a minus takes away."""
        if isinstance(value, int):
            return value
        try:
            less = str(value).startswith("-")
            fen: int = read_fen(str(value).removeprefix("-"))
        except CellProblem:
            self.fail(f"{value!r} is not an amount in yuan with at most two decimals", param, ctx)
        return -fen if less else fen


# --- budget lines ---------------------------------------------------------------------------------------------------


@click.group()
def budget() -> None:
    """Budget lines: the money that payments are made of."""


@budget.command("add")
@click.argument("code")
@click.argument("title")
@click.option("--amount", type=Yuan(), required=True, help="what is put on it first, in yuan")
@click.option("--source", required=True, help="which money it is, such as 专项扶贫资金")
@click.option("--level", type=click.Choice(["central", "province", "city", "county"]), required=True)
@click.option("--document", required=True, help="the number of the document")
@click.option("--document-day", type=Day(), required=True)
@click.option("--year", type=int, required=True)
@click.option("--pays", "programmes", multiple=True, required=True, help="programme code; may be given several times")
@click.option("--estimate", is_flag=True, help="warn where it falls short; without it, what does not fit waits")
@pass_shell
def add_line(
    shell: Shell,
    code: str,
    title: str,
    amount: int,
    source: str,
    level: str,
    document: str,
    document_day: date,
    year: int,
    programmes: tuple[str, ...],
    estimate: bool,
) -> None:
    """Enter a line with its first money; somebody of finance confirms the entry before it counts."""
    stated = payments.LineStated(
        code=code,
        title=title,
        source=source,
        level=level,
        document=document,
        document_on=document_day,
        year=year,
        programmes=programmes,
        binding=not estimate,
    )
    entry = payments.EntryStated(amount_fen=amount, document=document, document_on=document_day)

    async def work(opened: Open) -> UUID:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            _, made = await payments.add_line(session, who, stated, entry, shell.plugins.programmes)
            return made

    _say_entry(shell, shell.run(work))


def _say_entry(shell: Shell, made: UUID) -> None:
    shell.say(
        "待财政部门确认:bangfu budget confirm {id}", "to be confirmed by finance: bangfu budget confirm {id}", id=made
    )


async def _line(opened: Open, session: Any, who: Any, code: str) -> UUID:
    """The id of the line with a code; an unknown one is a wrong use of the command."""
    query = select(BudgetLine.id).where(BudgetLine.tenant_id == who.county.id, BudgetLine.code == code)
    found: UUID | None = await session.scalar(query)
    if found is None:
        raise click.UsageError(f"there is no budget line {code} in sight")
    return found


@budget.command("top-up")
@click.argument("code")
@click.argument("amount", type=Yuan())
@click.option("--document", required=True, help="the number of the document")
@click.option("--document-day", type=Day(), required=True)
@click.option("--reason", default="", help="why; needed where money is taken off")
@pass_shell
def top_up(shell: Shell, code: str, amount: int, document: str, document_day: date, reason: str) -> None:
    """Put AMOUNT yuan on the line CODE; an amount below zero (after --) takes it off."""
    entry = payments.EntryStated(amount_fen=amount, document=document, document_on=document_day, reason=reason)

    async def work(opened: Open) -> UUID:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            return await payments.add_entry(session, who, await _line(opened, session, who, code), entry)

    _say_entry(shell, shell.run(work))


@budget.command("confirm")
@click.argument("entry", type=click.UUID)
@pass_shell
def confirm(shell: Shell, entry: UUID) -> None:
    """Confirm an ENTRY; by another person than who made it."""

    async def work(opened: Open) -> None:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            await payments.confirm_entry(session, who, entry)

    shell.run(work)
    shell.say("已确认", "confirmed")


@budget.command("list")
@pass_shell
def list_lines(shell: Shell) -> None:
    """Show every line: what was granted, what batches hold, what was spent, what is free."""

    async def work(opened: Open) -> list[payments.Standing]:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            return await payments.standings(session, who)

    titles = (
        Text("指标", "line"), Text("名称", "title"), Text("性质", "kind"), Text("已下达", "granted"),
        Text("已列入批次", "committed"), Text("已支付", "spent"), Text("可用", "free"),
    )  # fmt: skip
    binding, estimate = Text("约束", "limit"), Text("估算", "estimate")
    rows = [
        (
            own.code, own.title, shell.show(binding if own.binding else estimate),
            *(shell.show(money(fen)) for fen in (own.granted_fen, own.committed_fen, own.spent_fen, own.free_fen)),
        )
        for own in shell.run(work)
    ]  # fmt: skip
    shell.table(shell.show(Text("预算指标", "budget lines")), [shell.show(t) for t in titles], rows, right=(3, 4, 5, 6))


@budget.command("waiting")
@programme_options
@pass_shell
def waiting(shell: Shell, programme: str | None, period: str) -> None:
    """Show who waits for money, for which line, in which place."""

    async def work(opened: Open) -> list[payments.Waiting]:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            return await payments.waiting(session, who, shell.programme(programme).code, period)

    titles = (Text("顺序", "place"), Text("户编号", "household"), Text("指标", "line"), Text("应发日期", "due since"),
              Text("金额", "amount"))  # fmt: skip
    rows = [(own.place, own.household, own.line, own.due_on, shell.show(money(own.amount_fen)))
            for own in shell.run(work)]  # fmt: skip
    shell.table(shell.show(Text("待拨名单", "who waits")), [shell.show(t) for t in titles], rows, right=(0, 4))


# --- batches --------------------------------------------------------------------------------------------------------


@click.group()
def batch() -> None:
    """Batches of payments: made, checked and released by three persons."""


def _say(shell: Shell, done: payments.Batch) -> None:
    shell.say(
        "批次 {id}(第 {number} 批):{state},{count} 笔,{total}",
        "batch {id} (no. {number}): {state}, {count} payments, {total}",
        id=done.id,
        number=done.number,
        state=payments.STATES[done.state],
        count=number(done.count),
        total=money(done.total_fen),
    )


@batch.command("make")
@click.option("--line", "code", required=True, help="the code of the budget line that it is paid from")
@click.option("--stage", help="the stage that pays; the first one unless stated")
@click.option("--month", type=int, help="up to which month, where something is paid every month; needed there")
@programme_options
@pass_shell
def make(shell: Shell, code: str, stage: str | None, month: int | None, programme: str | None, period: str) -> None:
    """Gather everything that is due at a stage into a batch; what the line cannot hold waits in its order."""

    async def work(opened: Open) -> payments.Gathered:
        who = await opened.enter()
        ground = await opened.ground(who, programme, period)
        async with opened.database.session(who.scope) as session:
            line = await _line(opened, session, who, code)
            return await paying.make_batch(session, who, opened.vault, ground, line, stage, month)

    made = shell.run(work)
    if made.batch is not None:
        _say(shell, made.batch)
    for problem in made.warnings:
        shell.line(f"{shell.show(problem.message)} → {shell.show(problem.remedy)}")
    for household, problem in made.missing[:SHOWN]:
        shell.line(f"  {household}: {shell.show(problem.message)} → {shell.show(problem.remedy)}")
    if len(made.missing) > SHOWN:
        shell.say("  ……另有 {more} 户", "  … and {more} more", more=len(made.missing) - SHOWN)


def _step(shell: Shell, programme: str | None, period: str, act: Any) -> None:
    async def work(opened: Open) -> payments.Batch:
        who = await opened.enter()
        ground = await opened.ground(who, programme, period)
        async with opened.database.session(who.scope) as session:
            done: payments.Batch = await act(session, who, ground)
            return done

    _say(shell, shell.run(work))


@batch.command("check")
@click.argument("id", type=click.UUID)
@programme_options
@pass_shell
def check(shell: Shell, id: UUID, programme: str | None, period: str) -> None:
    """Check a batch; by another person than who made it."""
    _step(shell, programme, period, lambda session, who, ground: paying.check_batch(session, who, ground, id))


@batch.command("release")
@click.argument("id", type=click.UUID)
@programme_options
@pass_shell
def release(shell: Shell, id: UUID, programme: str | None, period: str) -> None:
    """Release a checked batch; by a third person, who took no part in the sample. It never changes after."""
    _step(shell, programme, period, lambda session, who, ground: paying.release_batch(session, who, ground, id))


@batch.command("cancel")
@click.argument("id", type=click.UUID)
@click.option("--reason", required=True)
@programme_options
@pass_shell
def cancel(shell: Shell, id: UUID, reason: str, programme: str | None, period: str) -> None:
    """Cancel a batch that has not been released."""
    _step(shell, programme, period, lambda session, who, ground: paying.cancel_batch(session, who, ground, id, reason))


@batch.command("list")
@programme_options
@pass_shell
def list_(shell: Shell, programme: str | None, period: str) -> None:
    """List the batches of a period."""

    async def work(opened: Open) -> list[payments.Batch]:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            return await payments.batches(session, who, shell.programme(programme).code, period)

    for found in shell.run(work):
        _say(shell, found)


@batch.command("export")
@click.argument("id", type=click.UUID)
@click.argument("file", type=Target())
@click.option("--reason", required=True, help="what the list is for; recorded, because it holds whole account numbers")
@click.option("--text", "as_text", is_flag=True, help="as the bank takes it, by the template of the channel")
@click.option("-p", "--programme")
@pass_shell
def export(shell: Shell, id: UUID, file: Path, reason: str, as_text: bool, programme: str | None) -> None:
    """Write the payment list of a released batch; its totals are read back and compared. A text of several parts comes
    as an archive (.zip)."""
    found = shell.programme(programme)
    channel = shell.plugins.channels[found.process.first(Pay).channel]

    async def work(opened: Open) -> tuple[str, bytes]:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            if as_text:
                return await payments.bank_text(session, who, opened.vault, found, id, reason)
            return "", await payments.payment_list(session, who, opened.vault, found, channel, id, reason)

    name, data = shell.run(work)
    target = file.with_suffix(Path(name).suffix) if name else file
    shell.save(target, data)
    shell.say("已写入 {file}", "written to {file}", file=target)


@batch.command("template")
@click.argument("channel")
@click.option(
    "--column", "columns", multiple=True, required=True, help="NAME=header, in their order; see docs/money.md"
)
@click.option("--separator", type=click.Choice(["bar", "bar_mark", "tab"]), default="bar", show_default=True)
@click.option("--no-header", is_flag=True, help="no line with the headers")
@click.option("--rows", default=5_000, show_default=True, help="the most rows of a file")
@click.option("--line-end", type=click.Choice(["crlf", "lf"]), default="crlf", show_default=True)
@click.option("--result", "results", multiple=True, help="CODE=paid or CODE=returned: what the bank's own codes mean")
@pass_shell
def template(
    shell: Shell,
    channel: str,
    columns: tuple[str, ...],
    separator: str,
    no_header: bool,
    rows: int,
    line_end: str,
    results: tuple[str, ...],
) -> None:
    """Lay down how a bank wants the list of a CHANNEL as text, and what its answers mean."""
    if any("=" not in pair for pair in (*columns, *results)):
        raise click.UsageError(f"--column NAME=header with a name of: {', '.join(PAYMENT_COLUMNS)}; --result CODE=paid")
    stated = payments.TemplateStated(
        channel=channel,
        columns=[(name, header) for name, _, header in (pair.partition("=") for pair in columns)],
        separator=separator,
        header=not no_header,
        rows_per_file=rows,
        line_end=line_end,
        results={code: meaning for code, _, meaning in (pair.rpartition("=") for pair in results)},
    )

    async def work(opened: Open) -> BankTemplate:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            return await payments.keep_template(session, who, stated, list(shell.plugins.channels))

    made = shell.run(work)
    shell.say("{channel} 的文件格式第 {version} 版", "template of {channel}, version {version}",
              channel=made.channel, version=made.version)  # fmt: skip


@batch.command("answers")
@click.argument("id", type=click.UUID)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--day", type=Day(), help="the day of the answers; today unless stated")
@click.option("--return", "back", type=Target(), help="where to write what is odd")
@pass_shell
def read_answers(shell: Shell, id: UUID, file: Path, day: date | None, back: Path | None) -> None:
    """Read what the bank answers to a batch. What is odd is never counted, and comes back beside its rows."""
    data = file.read_bytes()

    async def work(opened: Open) -> tuple[jobs.Status, bytes | None]:
        who = await opened.enter()
        largest = opened.database.settings.largest_file
        async with opened.database.session(who.scope) as session:
            job = await answers.put(session, opened.vault, who, id, file.name, data, largest, answered_on=day)
        done = await jobs.run(opened.database, opened.vault, who, job, {answers.KIND: answers.handler})
        if done.result_file_id is None:
            return done, None
        async with opened.database.session(who.scope) as session:
            return done, (await files.fetch(session, opened.vault, who.county.id, done.result_file_id)).data

    done, odd = shell.run(work)
    for told in done.result.get("problems", ()):
        shell.line(f"{told['code']}: {told['message'][shell.language]} → {told['remedy'][shell.language]}")
    if done.state != "done":
        raise SystemExit(REFUSED_EXIT)
    shell.say(
        "共 {rows} 行:到账 {paid},退票 {returned},此前已登记 {same},有疑问未计入 {odd}",
        "{rows} rows: {paid} paid, {returned} returned, {same} known before, {odd} odd and not counted",
        **{name: done.result[name] for name in ("rows", "paid", "returned", "same", "odd")},
    )
    for told in done.result["row_problems"][:SHOWN]:
        shell.line(f"  {told['path'][1]}: {told['message'][shell.language]}")
    if odd is not None and back is not None:
        shell.save(back, odd)
        shell.say("已写入 {file}", "written to {file}", file=back)


@batch.command("returned")
@click.argument("id", type=click.UUID)
@click.argument("position", type=int)
@click.option("--day", type=Day(), required=True)
@click.option("--words", required=True, help="the bank's reason")
@click.option("--evidence", required=True, help="the paper that shows it")
@pass_shell
def returned(shell: Shell, id: UUID, position: int, day: date, words: str, evidence: str) -> None:
    """Write down by hand that the payment at a POSITION of a batch came back."""

    async def work(opened: Open) -> None:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            line = await session.scalar(
                select(PaymentLine.id).where(
                    PaymentLine.tenant_id == who.county.id,
                    PaymentLine.batch_id == id,
                    PaymentLine.position == position,
                )
            )
            if line is None:
                raise click.UsageError(f"there is no payment {position} of this batch in sight")
            await payments.record_return(session, who, line, day, words, evidence)

    shell.run(work)
    shell.say("已登记退票", "recorded")


# --- what became of it ----------------------------------------------------------------------------------------------


@click.group("payment")
def payment() -> None:
    """Payments of households: their trail, what is outstanding, corrected accounts, what is paid back."""


@payment.command("trail")
@click.argument("household")
@pass_shell
def trail(shell: Shell, household: str) -> None:
    """Show what became of the money of a HOUSEHOLD, step by step."""

    async def work(opened: Open) -> list[payments.Step]:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            return await payments.trail(session, who, household, list(shell.plugins.programmes))

    titles = (
        Text("日期", "day"), Text("事项", "step"), Text("金额", "amount"), Text("批次", "batch"),
        Text("期次", "instalment"), Text("账号", "account"), Text("说明", "words"),
    )  # fmt: skip
    rows = [
        (
            own.day, shell.show(own.title_text), "" if own.amount_fen is None else shell.show(money(own.amount_fen)),
            own.batch or "", own.instalment or "", own.account_masked, own.words,
        )
        for own in shell.run(work)
    ]  # fmt: skip
    shell.table(household, [shell.show(t) for t in titles], rows, right=(2, 3, 4))


@payment.command("outstanding")
@programme_options
@pass_shell
def outstanding(shell: Shell, programme: str | None, period: str) -> None:
    """List what is due and not settled: to be paid, or to be paid back."""

    async def work(opened: Open) -> list[payments.Outstanding]:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            return await payments.outstanding(session, who, shell.programme(programme).code, period)

    titles = (Text("编号", "id"), Text("户编号", "household"), Text("性质", "kind"), Text("应发日期", "due since"),
              Text("金额", "amount"), Text("未结", "outstanding"), Text("事由", "reason"))  # fmt: skip
    rows = [
        (own.id, own.household, shell.show(own.kind.title_text), own.due_on, shell.show(money(own.amount_fen)),
         shell.show(money(own.open_fen)), own.reason)
        for own in shell.run(work)
    ]  # fmt: skip
    shell.table(shell.show(Text("未结清", "outstanding")), [shell.show(t) for t in titles], rows, right=(4, 5))


@payment.command("account")
@click.argument("household")
@click.argument("account")
@click.option("--holder", required=True, help="whose account it is")
@click.option("--bank", required=True)
@click.option("--reason", required=True)
@click.option("--evidence", required=True, help="the paper that shows it")
@pass_shell
def correct(shell: Shell, household: str, account: str, holder: str, bank: str, reason: str, evidence: str) -> None:
    """Enter the ACCOUNT that a HOUSEHOLD is paid to from today on."""

    async def work(opened: Open) -> None:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            await payments.correct_account(
                session, who, opened.vault, household, holder, bank, account, reason, evidence
            )

    shell.run(work)
    shell.say("已更正", "entered")


@payment.command("repaid")
@click.argument("id", type=click.UUID)
@click.argument("amount", type=Yuan())
@click.option("--day", type=Day(), required=True)
@click.option("--voucher", required=True)
@pass_shell
def repaid(shell: Shell, id: UUID, amount: int, day: date, voucher: str) -> None:
    """Write down that AMOUNT yuan of a recovery (its ID, see `payment outstanding`) were paid back."""

    async def work(opened: Open) -> None:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            await payments.repay(session, who, id, amount, day, voucher)

    shell.run(work)
    shell.say("已登记", "recorded")


# --- what always holds ----------------------------------------------------------------------------------------------


@click.command()
@click.option("--sql", "show", is_flag=True, help="print the statements instead, so that anyone can run them")
@pass_shell
def doctor(shell: Shell, show: bool) -> None:
    """Ask the database for everything that must always hold of money, of one county (--tenant) or of all.

    Names what is wrong, and exits with 1 if anything is. See docs/invariants.md.
    """
    programmes = shell.plugins.programmes
    if show:
        for invariant in invariants.INVARIANTS:
            shell.line(f"-- {invariant.code} {shell.show(invariant.says)}")
            shell.line(invariants.runnable(invariant, programmes.values()) or "-- bangfu audit verify")
        return

    async def work(opened: Open) -> tuple[int, list[invariants.Finding]]:
        if shell.tenant is not None:
            tenants = [(await county(opened.database, shell.tenant)).id]
        else:
            async with opened.database.owner() as connection:
                tenants = list((await connection.scalars(text("select id from tenant order by id"))).all())
        return len(tenants), await invariants.examine(opened.database, tenants, programmes, datetime.now(UTC))

    count, found = shell.run(work)
    for own in found:
        shell.line(f"{own.invariant.code} ({own.tenant}) {shell.show(own.invariant.says)}")
        for name in own.named:
            shell.line(f"  {name}")
        if own.count > len(own.named):
            shell.say("  ……另有 {more} 处", "  … and {more} more", more=own.count - len(own.named))
    if found:
        raise SystemExit(REFUSED_EXIT)
    shell.say(
        "{count} 个县,{rules} 条规则均成立", "{count} counties, all {rules} invariants hold",
        count=count, rules=len(invariants.INVARIANTS),
    )  # fmt: skip


commands = (budget, batch, payment, doctor)
