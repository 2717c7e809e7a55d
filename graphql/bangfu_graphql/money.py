"""Budget lines, awards, batches of payments and their lines, what banks answer, and who waits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from sqlalchemy import BigInteger, ColumnElement, func, select

from bangfu import models, payments
from bangfu.access import Action
from bangfu.db.bulk import among
from bangfu.payments import Kind, budget, due
from bangfu.payments.trail import STEPS
from bangfu_graphql.mapping import Sight, column, derived, filters, many, mapped, one, pages, part_of_a_case, where
from bangfu_graphql.nodes import Connection, Node
from bangfu_graphql.people import Division, Household, Officer, within
from bangfu_graphql.scalars import (
    BankAnswer,
    BatchState,
    BudgetLevel,
    DivisionCode,
    LineEnd,
    Money,
    Separator,
)

if TYPE_CHECKING:
    from bangfu_graphql.casework import Case


@mapped(
    models.Repayment,
    order=(models.Repayment.entitlement_id, models.Repayment.id),
    read=Action.READ_PAYMENTS,
)
class Repayment(Node):
    """Money that a household paid back of what is recovered from it 追回入账."""

    amount: Money = column(models.Repayment.amount_fen, "How much.")
    repaid_on: date = column(models.Repayment.repaid_on, "The day.")
    voucher: str = column(models.Repayment.voucher, "The voucher.")
    recorded_at: datetime = column(models.Repayment.recorded_at, "When it was typed in.")
    recorded_by: Officer | None = one(models.Repayment.recorded_by, models.Officer.id, "Who typed it in.")


@mapped(
    models.PaymentSetoff,
    order=(models.PaymentSetoff.line_id, models.PaymentSetoff.id),
    read=Action.READ_PAYMENTS,
)
class PaymentSetoff(Node):
    """What a payment was less than it was due 抵扣, because as much was to be paid back. It stands and falls with its
    payment."""

    amount: Money = column(models.PaymentSetoff.amount_fen, "How much.")
    released_on: date | None = column(models.PaymentSetoff.released_on, "The day its batch was released.")
    voided_at: datetime | None = column(models.PaymentSetoff.voided_at, "When its batch was cancelled.")
    division_code: DivisionCode = column(models.PaymentSetoff.division, "The village.")
    line: Annotated[PaymentLine, strawberry.lazy("bangfu_graphql.money")] | None = one(
        models.PaymentSetoff.line_id, models.PaymentLine.id, "The payment that was less for it."
    )
    award: Annotated[Award, strawberry.lazy("bangfu_graphql.money")] | None = one(
        models.PaymentSetoff.entitlement_id, models.Entitlement.id, "The recovery that it settles."
    )


_OPEN = due.open_amount().label("open")


@filters
class AwardFilter:
    """Which awards and adjustments."""

    kind: Kind | None = where(lambda s, v: models.Entitlement.kind == v.value, "Of this kind.")
    division: DivisionCode | None = where(lambda s, v: within(models.Entitlement.division, v), "In this division.")
    open: bool | None = where(
        lambda s, v: (due.open_amount() != 0) if v else (due.open_amount() == 0),
        "Those of which something is still to be paid, or to be paid back; or those that are settled.",
    )


@mapped(
    models.Entitlement,
    order=(models.Entitlement.case_id, models.Entitlement.id),
    where=part_of_a_case(models.Entitlement),
    read=Action.READ_CASES,
)
class Award(Node):
    """What a household is due by a determination that has passed every gate 应发: an instalment, or an adjustment."""

    kind: Kind = column(models.Entitlement.kind, "Whether it is an award, arrears, or a recovery.")
    instalment: int = column(
        models.Entitlement.instalment,
        "Which instalment it is, or is paid with; of what is paid every month, which month.",
    )
    amount: Money = column(models.Entitlement.amount_fen, "How much; less than zero if it is to be paid back.")
    open: Money = column(_OPEN, "What is still to be paid of it; less than zero: to be paid back.")
    due_on: date = column(models.Entitlement.due_on, "The day since which it is due; who waits longest comes first.")
    reason: str = column(models.Entitlement.reason, "Why it was adjusted; empty for an award.")
    created_at: datetime = column(models.Entitlement.created_at, "Since when it is due.")
    voided_at: datetime | None = column(models.Entitlement.voided_at, "Since when it is due no more.")
    lines: list[Annotated[PaymentLine, strawberry.lazy("bangfu_graphql.money")]] = many(
        models.PaymentLine.entitlement_id, "The payments of it.", local=models.Entitlement.id
    )
    repayments: list[Repayment] = many(
        models.Repayment.entitlement_id, "What was paid back of it.", local=models.Entitlement.id
    )
    setoffs: list[PaymentSetoff] = many(
        models.PaymentSetoff.entitlement_id,
        "Of a recovery, what later payments were less for it 抵扣; those of cancelled batches among them.",
        local=models.Entitlement.id,
    )
    case: Annotated[Case, strawberry.lazy("bangfu_graphql.casework")] | None = one(
        models.Entitlement.case_id, models.Case.id, "The case."
    )


# --- budget lines -----------------------------------------------------------------------------------------------


def _holds(name: str) -> Any:
    """What a budget line holds, out of the view that everything uses."""
    own = budget.STANDING.c
    return (
        select(own[name])
        .where(own.tenant_id == models.BudgetLine.tenant_id, own.budget_line_id == models.BudgetLine.id)
        .correlate(models.BudgetLine)
        .scalar_subquery()
        .label(name)
    )


@mapped(
    models.BudgetEntry,
    order=(models.BudgetEntry.budget_line_id, models.BudgetEntry.id),
    read=Action.READ_PAYMENTS,
)
class BudgetEntry(Node):
    """Money put on a budget line, or taken off it: it counts once a second person has confirmed it."""

    amount: Money = column(models.BudgetEntry.amount_fen, "How much; less than zero takes it off.")
    document: str = column(models.BudgetEntry.document, "The number of the document.")
    document_on: date = column(models.BudgetEntry.document_on, "The day of the document.")
    reason: str = column(models.BudgetEntry.reason, "Why.")
    entered_on: date = column(models.BudgetEntry.entered_on, "The day it was entered.")
    confirmed_on: date | None = column(models.BudgetEntry.confirmed_on, "The day it was confirmed.")
    entered_by: Officer | None = one(models.BudgetEntry.entered_by, models.Officer.id, "Who entered it.")
    confirmed_by: Officer | None = one(models.BudgetEntry.confirmed_by, models.Officer.id, "Who confirmed it.")


@mapped(models.BudgetLine, order=(models.BudgetLine.code, models.BudgetLine.id), read=Action.READ_PAYMENTS)
class BudgetLine(Node):
    """A line of the budget that payments are made of 预算指标, with what it holds."""

    code: str = column(models.BudgetLine.code, "Its code.")
    title: str = column(models.BudgetLine.title, "Its title.")
    source: str = column(models.BudgetLine.source, "Which money it is.")
    level: BudgetLevel = column(models.BudgetLine.level, "The level of government that it comes from.")
    document: str = column(models.BudgetLine.document, "The number of the document.")
    document_on: date = column(models.BudgetLine.document_on, "The day of the document.")
    year: int = column(models.BudgetLine.year, "The year of the budget.")
    programmes: list[str] = column(models.BudgetLine.programmes, "The codes of the programmes that it pays.")
    binding: bool = column(models.BudgetLine.binding, "Whether what does not fit waits; an estimate only warns.")
    granted: Money = column(_holds("granted_fen"), "The sum of its confirmed entries.")
    committed: Money = column(_holds("committed_fen"), "What batches hold that are not released yet.")
    spent: Money = column(_holds("spent_fen"), "What was released, less what came back.")
    free: Money = column(_holds("free_fen"), "What can still be paid: granted less committed less spent.")
    entered_by: Officer | None = one(models.BudgetLine.entered_by, models.Officer.id, "Who entered it.")
    entries: list[BudgetEntry] = many(
        models.BudgetEntry.budget_line_id, "What was put on it and taken off.", local=models.BudgetLine.id
    )


@filters
class WaitFilter:
    """Who waits."""

    programme: str | None = where(lambda s, v: models.PaymentWait.programme == v, "For money of this programme.")
    period: str | None = where(lambda s, v: models.PaymentWait.period == v, "Of this period.")
    line: str | None = where(lambda s, v: models.PaymentWait.line_code == v, "For the budget line with this code.")
    division: DivisionCode | None = where(lambda s, v: within(models.PaymentWait.division, v), "In this division.")
    waiting: bool | None = where(
        lambda s, v: models.PaymentWait.ended_at.is_(None) if v else models.PaymentWait.ended_at.is_not(None),
        "Those who still wait, or those who do not any more.",
    )


@mapped(
    models.PaymentWait,
    order=(models.PaymentWait.line_code, models.PaymentWait.place, models.PaymentWait.id),
    where=lambda sight: among(models.PaymentWait.programme, sight.programmes),
    read=Action.READ_PAYMENTS,
)
class PaymentWait(Node):
    """Who waits for money of a budget line, and in which place of the whole county's list 待拨."""

    programme: str = column(models.PaymentWait.programme, "The code of the programme.")
    period: str = column(models.PaymentWait.period, "The period.")
    instalment: int = column(models.PaymentWait.instalment, "Which instalment.")
    line_code: str = column(models.PaymentWait.line_code, "The code of the budget line.")
    place: int = column(models.PaymentWait.place, "The place in the list, counted from 1.")
    amount: Money = column(models.PaymentWait.amount_fen, "How much.")
    due_on: date = column(models.PaymentWait.due_on, "The day since which it is due.")
    since: datetime = column(models.PaymentWait.since, "When the list was made.")
    ended_at: datetime | None = column(models.PaymentWait.ended_at, "When a newer list, or a payment, ended it.")
    division_code: DivisionCode = column(models.PaymentWait.division, "The village.")
    household: Household | None = one(models.PaymentWait.household_id, models.Household.id, "The household.")
    line: BudgetLine | None = one(
        models.PaymentWait.budget_line_id, models.BudgetLine.id, "The line; null to who does not see the whole county."
    )


# --- what banks want and answer -------------------------------------------------------------------------------------


@strawberry.type(description="A column of a bank's file.")
class TemplateColumn:
    """A column of a bank's file."""

    name: str = strawberry.field(description="What stands in it, by its name in docs/money.md.")
    header: str = strawberry.field(description="Its header.")


@strawberry.type(description="What a code of a bank's answers means.")
class ResultMeaning:
    """What a code of a bank's answers means."""

    code: str = strawberry.field(description="The code, or the word.")
    answer: BankAnswer = strawberry.field(description="What it means.")


@mapped(
    models.BankTemplate,
    order=(models.BankTemplate.channel, models.BankTemplate.version, models.BankTemplate.id),
    read=Action.READ_PAYMENTS,
)
class BankTemplate(Node):
    """How a bank wants the payment list as text, and what its answers mean 代发文件格式. The newest version counts."""

    channel: str = column(models.BankTemplate.channel, "The channel of payment.")
    version: int = column(models.BankTemplate.version, "Which version it is.")
    separator: Separator = column(models.BankTemplate.separator, "What stands between columns.")
    header: bool = column(models.BankTemplate.header, "Whether the headers come first.")
    rows_per_file: int = column(models.BankTemplate.rows_per_file, "The most rows of a file.")
    line_end: LineEnd = column(models.BankTemplate.line_end, "What ends a row.")
    columns: list[TemplateColumn] = derived(
        [models.BankTemplate.columns],
        lambda sight, row: [TemplateColumn(name=name, header=header) for name, header in row["columns"]],
        "Its columns, in their order.",
    )
    results: list[ResultMeaning] = derived(
        [models.BankTemplate.results],
        lambda sight, row: [
            ResultMeaning(code=code, answer=BankAnswer[answer.upper()])
            for code, answer in sorted(row["results"].items())
        ],
        "What the bank's own codes mean, beside those that are known everywhere.",
    )
    made_at: datetime = column(models.BankTemplate.made_at, "When it was laid down.")
    made_by: Officer | None = one(models.BankTemplate.made_by, models.Officer.id, "Who laid it down.")


@mapped(
    models.PaymentReturn,
    order=(models.PaymentReturn.line_id, models.PaymentReturn.id),
    read=Action.READ_PAYMENTS,
)
class PaymentReturn(Node):
    """A payment that the bank sent back 退票."""

    code: str = column(models.PaymentReturn.code, "The bank's code; empty where it was written down by hand.")
    words: str = column(models.PaymentReturn.words, "The bank's reason.")
    returned_on: date = column(models.PaymentReturn.returned_on, "The day.")
    evidence: str = column(models.PaymentReturn.evidence, "The paper that shows it, where it came by hand.")
    recorded_at: datetime = column(models.PaymentReturn.recorded_at, "When it was recorded.")
    recorded_by: Officer | None = one(models.PaymentReturn.recorded_by, models.Officer.id, "Who recorded it.")


@mapped(
    models.PaymentArrival,
    order=(models.PaymentArrival.line_id, models.PaymentArrival.id),
    read=Action.READ_PAYMENTS,
)
class PaymentArrival(Node):
    """A payment of which the bank said that it reached the account 到账."""

    code: str = column(models.PaymentArrival.code, "The bank's code.")
    arrived_on: date = column(models.PaymentArrival.arrived_on, "The day.")
    recorded_at: datetime = column(models.PaymentArrival.recorded_at, "When it was recorded.")


@mapped(
    models.PaymentFile,
    order=(models.PaymentFile.batch_id, models.PaymentFile.id),
    read=Action.READ_PAYMENTS,
)
class PaymentFile(Node):
    """A file of a payment list that left the house, or a part of one, with what was read back from it."""

    part: int = column(models.PaymentFile.part, "Which part it is, counted from 1.")
    count: int = column(models.PaymentFile.count, "How many payments it holds.")
    total: Money = column(models.PaymentFile.total_fen, "What they are in all.")
    sha256: str = column(models.PaymentFile.sha256, "The SHA-256 of its content.")
    made_at: datetime = column(models.PaymentFile.made_at, "When it was made.")
    template: BankTemplate | None = one(
        models.PaymentFile.template_id, models.BankTemplate.id, "The template of a bank's file; null for a workbook."
    )
    made_by: Officer | None = one(models.PaymentFile.made_by, models.Officer.id, "Who had it made.")


@strawberry.type(description="One step of what became of a household's money.")
class TrailStep:
    """One step of what became of a household's money."""

    day: date = strawberry.field(description="The day it counts as.")
    kind: str = strawberry.field(description="What it was, by name: " + ", ".join(f"`{kind}`" for kind in STEPS) + ".")
    title: str = strawberry.field(description="What it was, in words.")
    amount: Money | None = strawberry.field(description="How much; null for an account.")
    programme: str = strawberry.field(description="The code of the programme; empty for an account.")
    period: str = strawberry.field(description="The period.")
    instalment: int | None = strawberry.field(description="Which instalment.")
    batch: int | None = strawberry.field(description="The number of the batch; null where it is out of sight.")
    account_masked: str = strawberry.field(description="The account, all but its end hidden.")
    words: str = strawberry.field(description="The bank's reason, why it was adjusted, whose account, which voucher.")


# --- batches ----------------------------------------------------------------------------------------------------


def _of_a_known_batch(sight: Sight) -> ColumnElement[bool]:
    """A payment is of a batch of a programme that this schema knows."""
    batch = select(models.PaymentBatch.id).where(
        models.PaymentBatch.tenant_id == sight.tenant,
        models.PaymentBatch.id == models.PaymentLine.batch_id,
        among(models.PaymentBatch.programme, sight.programmes),
    )
    return batch.correlate(models.PaymentLine).exists()


@filters
class PaymentLineFilter:
    """Which payments."""

    division: DivisionCode | None = where(lambda s, v: within(models.PaymentLine.division, v), "In this division.")
    standing: bool | None = where(
        lambda s, v: models.PaymentLine.voided_at.is_(None) if v else models.PaymentLine.voided_at.is_not(None),
        "Those that stand, or those of cancelled batches.",
    )


_SET_OFF = (
    select(func.coalesce(func.sum(models.PaymentSetoff.amount_fen), 0))
    .where(
        models.PaymentSetoff.tenant_id == models.PaymentLine.tenant_id,
        models.PaymentSetoff.line_id == models.PaymentLine.id,
    )
    .correlate(models.PaymentLine)
    .scalar_subquery()
    .cast(BigInteger)
    .label("set_off_fen")
)
"""What a payment was less for: a sum of integers is a decimal to PostgreSQL."""


@mapped(
    models.PaymentLine,
    order=(models.PaymentLine.batch_id, models.PaymentLine.position, models.PaymentLine.id),
    alone=_of_a_known_batch,
    read=Action.READ_PAYMENTS,
)
class PaymentLine(Node):
    """One payment to one household 拨付明细, with the account as it was."""

    position: int = column(models.PaymentLine.position, "Its number on the list.")
    instalment: int = column(
        models.PaymentLine.instalment,
        "Which instalment of the award it pays; of what is paid every month, which month.",
    )
    amount: Money = column(models.PaymentLine.amount_fen, "How much; 0.00 where all of it was set off.")
    set_off: Money = column(_SET_OFF, "What it was less for what was to be paid back 抵扣.")
    holder: str = column(models.PaymentLine.holder, "Whose account it is.")
    bank: str = column(models.PaymentLine.bank, "The bank.")
    account_masked: str = column(models.PaymentLine.account_masked, "The account number, all but its end hidden.")
    released_on: date | None = column(models.PaymentLine.released_on, "The day its batch was released.")
    voided_at: datetime | None = column(models.PaymentLine.voided_at, "When its batch was cancelled.")
    arrival: PaymentArrival | None = one(
        models.PaymentLine.id, models.PaymentArrival.line_id, "That it reached the account, if the bank said so."
    )
    returned: PaymentReturn | None = one(
        models.PaymentLine.id, models.PaymentReturn.line_id, "That it came back, if it did."
    )
    reissues: PaymentReturn | None = one(
        models.PaymentLine.reissues, models.PaymentReturn.id, "The return that it answers, if it is paid again."
    )
    division_code: DivisionCode = column(models.PaymentLine.division, "The village.")
    division: Division | None = one(models.PaymentLine.division, models.Division.code, "The village as it is today.")
    household: Household | None = one(models.PaymentLine.household_id, models.Household.id, "The household.")
    award: Award | None = one(models.PaymentLine.entitlement_id, models.Entitlement.id, "The award that it pays.")
    batch: Annotated[PaymentBatch, strawberry.lazy("bangfu_graphql.money")] | None = one(
        models.PaymentLine.batch_id, models.PaymentBatch.id, "The batch."
    )


_STAMPS = (models.PaymentBatch.checked_at, models.PaymentBatch.released_at, models.PaymentBatch.cancelled_at)


def _state(sight: Sight, row: Mapping[str, Any]) -> str:
    return payments.state_of(row["checked_at"], row["released_at"], row["cancelled_at"])


@filters
class BatchFilter:
    """Which batches."""

    programme: str | None = where(lambda s, v: models.PaymentBatch.programme == v, "Of this programme.")
    period: str | None = where(lambda s, v: models.PaymentBatch.period == v, "Of this period.")


@mapped(
    models.PaymentBatch,
    where=lambda sight: among(models.PaymentBatch.programme, sight.programmes),
    read=Action.READ_PAYMENTS,
)
class PaymentBatch(Node):
    """A batch of payments 拨付批次: made, checked and released by three persons; never changed once released."""

    programme: str = column(models.PaymentBatch.programme, "The code of the programme.")
    period: str = column(models.PaymentBatch.period, "The period.")
    number: int = column(models.PaymentBatch.number, "Which batch of the period it is.")
    state: BatchState = derived(_STAMPS, _state, "Where it stands.")
    count: int = column(models.PaymentBatch.count, "How many payments it makes.")
    total: Money = column(models.PaymentBatch.total_fen, "What it pays in all.")
    digest: str = column(models.PaymentBatch.digest, "A SHA-256 of its lines.")
    stage: str = column(models.PaymentBatch.stage, "The code of the stage that it pays at.")
    instalment: int = column(
        models.PaymentBatch.instalment, "Which instalment it pays; of what is paid every month, up to which month."
    )
    budget_line: BudgetLine | None = one(
        models.PaymentBatch.budget_line_id, models.BudgetLine.id, "The budget line that it is paid from."
    )
    files: list[PaymentFile] = many(
        models.PaymentFile.batch_id, "The files of it that left the house.", local=models.PaymentBatch.id
    )
    made_on: date = column(models.PaymentBatch.made_on, "The day it was made.")
    checked_on: date | None = column(models.PaymentBatch.checked_on, "The day it was checked.")
    released_on: date | None = column(models.PaymentBatch.released_on, "The day it was released.")
    cancelled_at: datetime | None = column(models.PaymentBatch.cancelled_at, "When it was cancelled.")
    reason: str = column(models.PaymentBatch.reason, "Why it was cancelled; empty unless it was.")
    made_by: Officer | None = one(models.PaymentBatch.made_by, models.Officer.id, "Who made it.")
    checked_by: Officer | None = one(models.PaymentBatch.checked_by, models.Officer.id, "Who checked it.")
    released_by: Officer | None = one(models.PaymentBatch.released_by, models.Officer.id, "Who released it.")
    cancelled_by: Officer | None = one(models.PaymentBatch.cancelled_by, models.Officer.id, "Who cancelled it.")
    lines: Connection[PaymentLine] = pages(
        Connection[PaymentLine],
        models.PaymentBatch.id,
        models.PaymentLine.batch_id,
        "Its payments, by their number on the list.",
        filter=PaymentLineFilter,
    )
