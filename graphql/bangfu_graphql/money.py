"""Awards, batches of payments and their lines."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from sqlalchemy import ColumnElement, select

from bangfu import models, payments
from bangfu.access import Action
from bangfu.db.bulk import among
from bangfu_graphql.mapping import Sight, column, derived, filters, many, mapped, one, pages, part_of_a_case, where
from bangfu_graphql.nodes import Connection, Node
from bangfu_graphql.people import Division, Household, Officer, within
from bangfu_graphql.scalars import BatchState, DivisionCode, Money

if TYPE_CHECKING:
    from bangfu_graphql.casework import Case


@mapped(
    models.Entitlement,
    order=(models.Entitlement.case_id, models.Entitlement.id),
    alone=part_of_a_case(models.Entitlement),
    read=Action.READ_CASES,
)
class Award(Node):
    """What a household is due by a determination that has passed every gate 应发."""

    instalment: int = column(models.Entitlement.instalment, "Which part of what it is awarded 分期, counted from 1.")
    amount: Money = column(models.Entitlement.amount_fen, "How much.")
    created_at: datetime = column(models.Entitlement.created_at, "Since when it is due.")
    voided_at: datetime | None = column(models.Entitlement.voided_at, "Since when it is due no more.")
    lines: list[Annotated[PaymentLine, strawberry.lazy("bangfu_graphql.money")]] = many(
        models.PaymentLine.entitlement_id, "The payments of it.", local=models.Entitlement.id
    )
    case: Annotated[Case, strawberry.lazy("bangfu_graphql.casework")] | None = one(
        models.Entitlement.case_id, models.Case.id, "The case."
    )


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


@mapped(
    models.PaymentLine,
    order=(models.PaymentLine.batch_id, models.PaymentLine.position, models.PaymentLine.id),
    alone=_of_a_known_batch,
    read=Action.READ_PAYMENTS,
)
class PaymentLine(Node):
    """One payment to one household 拨付明细, with the account as it was."""

    position: int = column(models.PaymentLine.position, "Its number on the list.")
    instalment: int = column(models.PaymentLine.instalment, "Which instalment of the award it pays.")
    amount: Money = column(models.PaymentLine.amount_fen, "How much.")
    holder: str = column(models.PaymentLine.holder, "Whose account it is.")
    bank: str = column(models.PaymentLine.bank, "The bank.")
    account_masked: str = column(models.PaymentLine.account_masked, "The account number, all but its end hidden.")
    voided_at: datetime | None = column(models.PaymentLine.voided_at, "When its batch was cancelled.")
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
    count: int = column(models.PaymentBatch.count, "How many households it pays.")
    total: Money = column(models.PaymentBatch.total_fen, "What it pays in all.")
    digest: str = column(models.PaymentBatch.digest, "A SHA-256 of its lines.")
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
