"""Money: budget lines, batches of payments, what the bank answers, what came back, and what is owed either way.

Each field is one transaction; what is refused comes back as problems and has changed nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession
from strawberry.file_uploads import Upload

from bangfu import payments
from bangfu.access import Action, Entered
from bangfu.cases import adjusting, paying
from bangfu.cases.acts import Report
from bangfu.cases.ground import Ground
from bangfu.cases.views import Selection, Stated
from bangfu.payments import answers
from bangfu.process import CLOSED
from bangfu.text import Text
from bangfu_graphql import acting
from bangfu_graphql.acting import (
    AccountPayload,
    ActArgument,
    BatchPayload,
    BudgetPayload,
    CasesArgument,
    CasesPayload,
    GatheredPayload,
    HeaderInput,
    JobPayload,
    PeriodArgument,
    ProgrammeArgument,
    RepaymentPayload,
    ReturnPayload,
    TemplatePayload,
    says,
)
from bangfu_graphql.mapping import ACTION
from bangfu_graphql.money import Award, BudgetEntry, BudgetLine, PaymentBatch, PaymentLine
from bangfu_graphql.problems import problem
from bangfu_graphql.requests import Request
from bangfu_graphql.scalars import (
    BankAnswer,
    BudgetLevel,
    LineEnd,
    Money,
    Separator,
)


@strawberry.input(description="A budget line.")
class BudgetLineInput:
    """A budget line."""

    code: str = strawberry.field(description="Its code, as the county knows it.")
    title: str = strawberry.field(description="Its title.")
    source: str = strawberry.field(description="Which money it is.")
    level: BudgetLevel = strawberry.field(description="The level of government that it comes from.")
    document: str = strawberry.field(description="The number of the document.")
    document_on: date = strawberry.field(description="The day of the document.")
    year: int = strawberry.field(description="The year of the budget.")
    programmes: list[str] = strawberry.field(description="The codes of the programmes that it may pay.")
    binding: bool = strawberry.field(description="Whether what does not fit waits; an estimate only warns.")


@strawberry.input(description="A column of a bank's file.")
class TemplateColumnInput:
    """A column of a bank's file."""

    name: str = strawberry.field(description="What stands in it, by its name in docs/money.md.")
    header: str = strawberry.field(description="Its header.")


@strawberry.input(description="What a code of a bank's answers means.")
class ResultInput:
    """What a code of a bank's answers means."""

    code: str = strawberry.field(description="The code, or the word.")
    answer: BankAnswer = strawberry.field(description="What it means.")


@strawberry.input(description="How a bank wants payment lists, and what its answers mean.")
class BankTemplateInput:
    """How a bank wants payment lists."""

    channel: str = strawberry.field(description="The channel of payment.")
    columns: list[TemplateColumnInput] = strawberry.field(description="The columns, in their order.")
    separator: Separator | None = strawberry.field(
        description="What stands between them; a bar unless stated.", default=None
    )
    header: bool = strawberry.field(description="Whether the headers come first.", default=True)
    rows_per_file: int = strawberry.field(description="The most rows of a file.", default=5_000)
    line_end: LineEnd | None = strawberry.field(
        description="What ends a row; both characters unless stated.", default=None
    )
    results: list[ResultInput] = strawberry.field(
        description="What the bank's own codes mean, beside those that are known everywhere.", default_factory=list
    )


@strawberry.input(description="What a bank answers to a batch.")
class BankAnswersInput:
    """What a bank answers to a batch."""

    batch: strawberry.ID = strawberry.field(description="The batch.")
    file: Upload = strawberry.field(description="The answers: XLSX, CSV, or the bank's text.")
    answered_on: date | None = strawberry.field(
        description="The day of the answers; today unless stated.", default=None
    )
    headers: list[HeaderInput] = strawberry.field(description="What unknown headers mean.", default_factory=list)


@strawberry.input(description="The account that a household is paid to.")
class AccountInput:
    """The account that a household is paid to."""

    household: str = strawberry.field(description="The number of the household.")
    holder: str = strawberry.field(description="Whose account it is.")
    bank: str = strawberry.field(description="The bank.")
    number: str = strawberry.field(description="The whole number of the account.")
    evidence: str = strawberry.field(description="The paper that shows it.")


def _field(description: str, action: Action | None) -> Any:
    return strawberry.mutation(description=description, metadata={ACTION: action})


ReasonArgument = Annotated[str, says("What it is for; kept on record.")]
BatchArgument = Annotated[strawberry.ID, says("The batch.")]
_BATCH = Text("拨付批次", "the batch")
_BUDGET = Text("预算指标", "the budget line")
_PAYMENT = Text("拨付明细", "the payment")


@strawberry.type
class MoneyMutation:
    """Budget lines, batches, and what the bank answers."""

    @_field(
        "Enter a budget line with its first money; it pays nothing before somebody of finance confirms the entry.",
        Action.KEEP_FUNDS,
    )
    async def add_budget_line(
        self,
        info: strawberry.Info,
        input: Annotated[BudgetLineInput, says("The line.")],
        amount: Annotated[Money, says("What is put on it first.")],
    ) -> BudgetPayload:
        """Enter a budget line."""

        async def work(request: Request, session: AsyncSession) -> UUID:
            acting.require_bounded(input.programmes, "input.programmes")
            stated = payments.LineStated(
                code=input.code,
                title=input.title,
                source=input.source,
                level=input.level.value,
                document=input.document,
                document_on=input.document_on,
                year=input.year,
                programmes=input.programmes,
                binding=input.binding,
            )
            entry = payments.EntryStated(amount_fen=amount, document=input.document, document_on=input.document_on)
            key, _ = await payments.add_line(session, request.who, stated, entry, request.programmes)
            return key

        return await acting.keyed(info, BudgetPayload, work)

    @_field(
        "Put money on a budget line, or take some off it (less than zero, with the reason); it counts once somebody of "
        "finance confirms it.",
        Action.KEEP_FUNDS,
    )
    async def add_budget_entry(
        self,
        info: strawberry.Info,
        line: Annotated[strawberry.ID, says("The line.")],
        amount: Annotated[Money, says("How much.")],
        document: Annotated[str, says("The number of the document.")],
        document_on: Annotated[date, says("The day of the document.")],
        reason: Annotated[str, says("Why.")] = "",
    ) -> BudgetPayload:
        """Put money on a budget line."""

        async def work(request: Request, session: AsyncSession) -> UUID:
            key = acting.key_of(BudgetLine, line, "line", _BUDGET)
            entry = payments.EntryStated(amount_fen=amount, document=document, document_on=document_on, reason=reason)
            await payments.add_entry(session, request.who, key, entry)
            return key

        return await acting.keyed(info, BudgetPayload, work)

    @_field("Confirm money on a budget line; by another person than who entered it.", Action.CONFIRM_FUNDS)
    async def confirm_budget_entry(
        self, info: strawberry.Info, id: Annotated[strawberry.ID, says("The entry.")]
    ) -> BudgetPayload:
        """Confirm money on a budget line."""

        async def work(request: Request, session: AsyncSession) -> UUID:
            key = acting.key_of(BudgetEntry, id, "id", Text("指标明细", "the entry"))
            return await payments.confirm_entry(session, request.who, key)

        return await acting.keyed(info, BudgetPayload, work)

    @_field(
        "Gather everything that is due at a stage into a batch, from a budget line: the instalment, arrears, and what "
        "came back. What the line cannot hold waits in one order, by the day it became due, then village, then "
        "household number; households without an account are left out and named. Of what is paid every month, it is "
        "everything up to a month, and what is to be paid back is set off 抵扣.",
        Action.PAY_CASES,
    )
    async def make_batch(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        period: PeriodArgument,
        line: Annotated[strawberry.ID | None, says("The budget line that it is paid from; needed.")] = None,
        stage: Annotated[str | None, says("The code of the stage that pays; the first one unless stated.")] = None,
        month: Annotated[
            int | None, says("Of what is paid every month, up to which month, which has been decided; needed there.")
        ] = None,
    ) -> GatheredPayload:
        """Make a batch."""

        async def work(request: Request, session: AsyncSession) -> GatheredPayload:
            ground = await acting.ground_of(request, session, programme, period)
            key = None if line is None else acting.key_of(BudgetLine, line, "line", _BUDGET)
            made = await paying.make_batch(session, request.who, request.vault, ground, key, stage, month)
            problems = [problem(own, request.language) for own in made.warnings]
            problems += [problem(own, request.language, number) for number, own in made.missing]
            return GatheredPayload(
                key=made.batch.id if made.batch else None,
                problems=problems,
                listed=made.waiting > 0,
                waiting=made.waiting,
                waiting_total=Money(made.waiting_fen),
            )

        return await acting.change(info, work, lambda problems: GatheredPayload(key=None, problems=problems))

    @_field("Check a batch: its totals are counted again. By another person than who made it.", Action.PAY_CASES)
    async def check_batch(self, info: strawberry.Info, id: BatchArgument) -> BatchPayload:
        """Check a batch."""
        return await _batch_step(info, id, paying.check_batch)

    @_field(
        "Release a checked batch and let its cases go on, the last instalment closes them; by a third person, who took "
        "no part in the sample. It never changes after.",
        Action.PAY_CASES,
    )
    async def release_batch(self, info: strawberry.Info, id: BatchArgument) -> BatchPayload:
        """Release a batch."""
        return await _batch_step(info, id, paying.release_batch)

    @_field("Cancel a batch that has not been released; what it held can be gathered again.", Action.PAY_CASES)
    async def cancel_batch(
        self, info: strawberry.Info, id: BatchArgument, reason: Annotated[str, says("Why.")]
    ) -> BatchPayload:
        """Cancel a batch."""
        return await _batch_step(
            info, id, lambda session, who, ground, key: paying.cancel_batch(session, who, ground, key, reason)
        )

    @_field(
        "Read what the bank answers to a released batch, as a job: XLSX, CSV, or the bank's own text. What is odd is "
        "never counted, and comes back beside its rows; the same file again changes nothing.",
        Action.RECORD_RETURNS,
    )
    async def import_bank_answers(
        self, info: strawberry.Info, input: Annotated[BankAnswersInput, says("The answers.")]
    ) -> JobPayload:
        """Read what the bank answers."""
        name, data = await acting.uploaded(input.file)

        async def work(request: Request, session: AsyncSession) -> UUID:
            row = await acting.row_of(request, session, PaymentBatch, input.batch, _BATCH)
            return await answers.put(
                session,
                request.vault,
                request.who,
                row.id,
                name or "answers.xlsx",
                data,
                request.database.settings.largest_file,
                answered_on=input.answered_on,
                matches={one.header: one.column for one in input.headers},
            )

        return await acting.keyed(info, JobPayload, work)

    @_field(
        "Write down by hand that a payment came back, with the bank's reason and the paper that shows it; it can be "
        "paid again once the account is corrected.",
        Action.RECORD_RETURNS,
    )
    async def record_return(
        self,
        info: strawberry.Info,
        payment: Annotated[strawberry.ID, says("The payment.")],
        day: Annotated[date, says("The day it came back.")],
        words: Annotated[str, says("The bank's reason.")],
        evidence: Annotated[str, says("The paper that shows it.")],
    ) -> ReturnPayload:
        """Write down that a payment came back."""

        async def work(request: Request, session: AsyncSession) -> UUID:
            key = acting.key_of(PaymentLine, payment, "payment", _PAYMENT)
            await payments.record_return(session, request.who, key, day, words, evidence)
            return key

        return await acting.keyed(info, ReturnPayload, work)

    @_field(
        "Enter the account that a household is paid to from today on, with the reason and the paper that shows it. "
        "Somebody else may hold it; that this is so stays on record. Who pays corrects no accounts.",
        Action.CORRECT_ACCOUNTS,
    )
    async def correct_account(
        self, info: strawberry.Info, input: Annotated[AccountInput, says("The account.")], reason: ReasonArgument
    ) -> AccountPayload:
        """Correct an account."""

        async def work(request: Request, session: AsyncSession) -> UUID:
            return await payments.correct_account(
                session, request.who, request.vault, input.household, input.holder, input.bank, input.number, reason,
                input.evidence,
            )  # fmt: skip

        return await acting.keyed(info, AccountPayload, work)

    @_field("Write down what a household paid back of a recovery, by its voucher.", Action.RECORD_RETURNS)
    async def record_repayment(
        self,
        info: strawberry.Info,
        award: Annotated[strawberry.ID, says("The recovery.")],
        amount: Annotated[Money, says("How much.")],
        day: Annotated[date, says("The day.")],
        voucher: Annotated[str, says("The voucher; one counts once.")],
    ) -> RepaymentPayload:
        """Write down what was paid back."""

        async def work(request: Request, session: AsyncSession) -> UUID:
            key = acting.key_of(Award, award, "award", Text("追回事项", "the recovery"))
            await payments.repay(session, request.who, key, amount, day, voucher)
            return key

        return await acting.keyed(info, RepaymentPayload, work)

    @_field(
        "Work out again what cases come to that ended with something paid 重新核算, by the newest rules and by what "
        "is known now, with the reason and the paper that shows it. What was paid stays; the difference becomes "
        "arrears or a recovery among the `awards` of the case. `overpaid` lists whom it concerns.",
        Action.PAY_CASES,
    )
    async def recalculate_cases(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        period: PeriodArgument,
        cases: CasesArgument,
        act: ActArgument = None,
    ) -> CasesPayload:
        """Recalculate cases."""

        async def work(
            request: Request, session: AsyncSession, ground: Ground, chosen: Selection, stated: Stated
        ) -> Report:
            return (await adjusting.recalculate(session, request.who, ground, chosen, stated)).report

        return await acting.act_on(info, programme, period, cases, act, lambda process: (CLOSED,), work)

    @_field(
        "Lay down the next version of how a bank wants the payment lists of a channel as text, and what its answers "
        "mean.",
        Action.KEEP_FUNDS,
    )
    async def keep_bank_template(
        self, info: strawberry.Info, input: Annotated[BankTemplateInput, says("The template.")]
    ) -> TemplatePayload:
        """Lay down a bank's template."""

        async def work(request: Request, session: AsyncSession) -> UUID:
            acting.require_bounded(input.columns, "input.columns")
            acting.require_bounded(input.results, "input.results")
            stated = payments.TemplateStated(
                channel=input.channel,
                columns=[(one.name, one.header) for one in input.columns],
                separator=(input.separator or Separator.BAR).value,
                header=input.header,
                rows_per_file=input.rows_per_file,
                line_end=(input.line_end or LineEnd.CRLF).value,
                results={one.code: one.answer.value for one in input.results},
            )
            made = await payments.keep_template(session, request.who, stated, list(request.plugins.channels))
            return made.id

        return await acting.keyed(info, TemplatePayload, work)


async def _batch_step(
    info: strawberry.Info,
    id: strawberry.ID,
    step: Callable[[AsyncSession, Entered, Ground, UUID], Awaitable[payments.Batch]],
) -> BatchPayload:
    async def work(request: Request, session: AsyncSession) -> UUID:
        row = await acting.row_of(request, session, PaymentBatch, id, _BATCH)
        ground = await acting.ground_of(request, session, row.programme, row.period)
        done = await step(session, request.who, ground, row.id)
        return done.id

    return await acting.keyed(info, BatchPayload, work)
