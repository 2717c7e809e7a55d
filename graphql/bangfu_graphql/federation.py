"""What the federation of disabled persons keeps: bases with their assessments, and what is bought and handed out.

A base's own agent sees its rows and nobody else's; what is handed out is seen by those in office alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from types import SimpleNamespace
from typing import Annotated, Any, cast

import strawberry
from sqlalchemy import ColumnElement, and_, or_, select

from bangfu import models
from bangfu.access import Action
from bangfu.handouts.ledger import HandoutState
from bangfu.inspections.figures import stands
from bangfu.inspections.standing import (
    Assessed,
    AssessmentState,
    BaseState,
    RegisteredBase,
    assessment_state,
    state_of,
)
from bangfu_graphql.mapping import Sight, column, derived, filters, many, mapped, one, where
from bangfu_graphql.nodes import Node
from bangfu_graphql.people import Division, Household, Officer, Organization, Person, within
from bangfu_graphql.scalars import DivisionCode, Money, described

described(BaseState, "BaseState", "How far a base is registered 基地状态.")
described(AssessmentState, "AssessmentState", "How far an assessment is about, today 考核状态.")
described(HandoutState, "HandoutState", "How far a line of what is handed out is 发放状态.")


def _of(model: Any) -> Any:
    """The condition that a row is of the organization with a credit code."""
    return lambda s, v: model.organization_id.in_(
        select(models.Organization.id).where(
            models.Organization.tenant_id == s.tenant, models.Organization.credit_code == v
        )
    )


# --- bases ----------------------------------------------------------------------------------------------------

_Assessment, _Finding = models.BaseAssessment, models.BaseFinding


def _base_state(sight: Sight, row: Mapping[str, Any]) -> str:
    return state_of(cast(RegisteredBase, SimpleNamespace(**row))).value


def _assessment_state(sight: Sight, row: Mapping[str, Any]) -> str:
    return assessment_state(cast(Assessed, SimpleNamespace(**row)), sight.today).value


def _in_state(sight: Sight, state: AssessmentState) -> ColumnElement[bool]:
    """The condition of a state, as the state of each row is worked out."""
    own, open_ = _Assessment, _Assessment.closed_on.is_(None)
    agreed, found = own.agreed.is_(True), own.finding_count > 0
    return {
        AssessmentState.WRITTEN: own.agreed.is_(None),
        AssessmentState.REJECTED: own.agreed.is_(False),
        AssessmentState.PASSED: and_(agreed, own.finding_count == 0),
        AssessmentState.TO_NOTIFY: and_(agreed, found, own.notice.is_(None)),
        AssessmentState.NOTIFIED: and_(open_, own.due_on >= sight.today),
        AssessmentState.OVERDUE: and_(open_, own.due_on < sight.today),
        AssessmentState.CLOSED: own.closed_on.is_not(None),
    }[state]


@strawberry.type(description="What an assessment says of an item of the checklist.")
class AssessedItem:
    """What an assessment says of an item."""

    item: str = strawberry.field(description="The item, by its code.")
    applies: bool = strawberry.field(description="Whether it applies to the base.")
    present: bool = strawberry.field(description="Whether it is there.")
    evidence: str = strawberry.field(description="What shows it.")


def _items(sight: Sight, row: Mapping[str, Any]) -> list[AssessedItem]:
    return [AssessedItem(**item) for item in row["items"]]


@mapped(_Finding, order=(_Finding.item, _Finding.id), read=Action.READ_INSPECTIONS)
class BaseFinding(Node):
    """Something that an assessment found missing 考核发现的问题."""

    item: str = column(_Finding.item, "The item of the checklist, by its code.")
    finding: str = column(_Finding.finding, "What is missing.")
    rectified: str = column(_Finding.rectified, "What was done about it last.")
    evidence: str = column(_Finding.evidence, "What shows that.")
    rectified_on: date | None = column(
        _Finding.rectified_on, "The day of it; null until something is done, and where a re-check did not accept it."
    )
    note: str = column(_Finding.note, "What the last re-check says.")
    closed_on: date | None = column(_Finding.closed_on, "The day on which it was closed.")


@filters
class BaseAssessmentFilter:
    """Which assessments. What `inspectionFigures` counts as notices is found by the same filter."""

    programme: str | None = where(lambda s, v: _Assessment.programme == v, "In this programme.")
    division: DivisionCode | None = where(lambda s, v: within(_Assessment.division, v), "Of bases in this division.")
    credit_code: str | None = where(_of(_Assessment), "Of the organization with this credit code.")
    state: AssessmentState | None = where(_in_state, "In this state today.")
    notified: bool | None = where(
        lambda s, v: _Assessment.notice.is_not(None) if v else _Assessment.notice.is_(None),
        "Those with a rectification notice, or without.",
    )


@mapped(_Assessment, order=(_Assessment.effective_on, _Assessment.id), read=Action.READ_INSPECTIONS)
class BaseAssessment(Node):
    """How a base stood against the checklist on a day 考核, as one person found it and another agreed or not."""

    programme: str = column(_Assessment.programme, "The code of the programme.")
    base: Annotated[SupportBase, strawberry.lazy("bangfu_graphql.federation")] | None = one(
        _Assessment.base_id, models.SupportBase.id, "The base."
    )
    state: AssessmentState = derived(
        [
            _Assessment.agreed,
            _Assessment.finding_count,
            _Assessment.notice,
            _Assessment.due_on,
            _Assessment.closed_on,
        ],
        _assessment_state,
        "How far it is about, today.",
    )
    assessed_on: date = column(_Assessment.effective_on, "The day.")
    score: int = column(_Assessment.score, "The score, 0 to 100, by the county's own rule.")
    placed: int = column(_Assessment.placed, "How many persons the base employed on the day 安置.")
    led: int = column(_Assessment.led, "How many it led to an income 辐射带动.")
    poor: int = column(_Assessment.poor, "How many of them were poor and of a village 农村贫困残疾人.")
    items: list[AssessedItem] = derived([_Assessment.items], _items, "What it says of each item.")
    findings: list[BaseFinding] = many(_Finding.assessment_id, "What was missing.")
    agreed_on: date | None = column(_Assessment.agreed_on, "The day on which another person agreed, or did not.")
    reason: str = column(_Assessment.reason, "Why that person did not agree.")
    notice: str | None = column(_Assessment.notice, "The number of its rectification notice 整改通知书.")
    issued_on: date | None = column(_Assessment.issued_on, "The day of the notice.")
    due_on: date | None = column(_Assessment.due_on, "The last day on which it is put right in time.")
    closed_on: date | None = column(_Assessment.closed_on, "The day on which the last finding was closed.")
    officer: Officer | None = one(_Assessment.officer_id, models.Officer.id, "Who assessed.")


@filters
class BaseSubsidyFilter:
    """Which lines of what is due."""

    programme: str | None = where(lambda s, v: models.BaseSubsidy.programme == v, "In this programme.")
    year: int | None = where(lambda s, v: models.BaseSubsidy.year == v, "Of this year.")
    level: str | None = where(lambda s, v: models.BaseSubsidy.level == v, "Of bases of this level.")
    stands: bool | None = where(
        lambda s, v: models.BaseSubsidy.replaced_at.is_(None) if v else models.BaseSubsidy.replaced_at.is_not(None),
        "That stand, or are replaced.",
    )


@mapped(
    models.BaseSubsidy,
    order=(models.BaseSubsidy.year, models.BaseSubsidy.id),
    read=Action.READ_INSPECTIONS,
)
class BaseSubsidy(Node):
    """What a base is due for a year by its result 应补资金. Nothing is paid by it."""

    programme: str = column(models.BaseSubsidy.programme, "The code of the programme.")
    base: Annotated[SupportBase, strawberry.lazy("bangfu_graphql.federation")] | None = one(
        models.BaseSubsidy.base_id, models.SupportBase.id, "The base."
    )
    assessment: BaseAssessment | None = one(
        models.BaseSubsidy.assessment_id, _Assessment.id, "The assessment whose result it is."
    )
    year: int = column(models.BaseSubsidy.year, "The year.")
    level: str = column(models.BaseSubsidy.level, "The level of the base, by its code.")
    amount: Money = column(models.BaseSubsidy.amount_fen, "What is due.")
    entered_on: date = column(models.BaseSubsidy.effective_on, "The day on which it was entered.")
    replaced: bool = derived(
        [models.BaseSubsidy.replaced_at],
        lambda sight, row: row["replaced_at"] is not None,
        "Whether another line has taken its place.",
    )


@filters
class SupportBaseFilter:
    """Which bases. What `inspectionFigures` counts is found by the same filter with `stands: true`."""

    programme: str | None = where(lambda s, v: models.SupportBase.programme == v, "In this programme.")
    division: DivisionCode | None = where(lambda s, v: within(models.SupportBase.division, v), "In this division.")
    credit_code: str | None = where(_of(models.SupportBase), "The organization with this credit code.")
    level: str | None = where(lambda s, v: models.SupportBase.level == v, "Of this level.")
    rural: bool | None = where(lambda s, v: models.SupportBase.rural.is_(v), "Rural ones, or others.")
    stands: bool | None = where(
        lambda s, v: (
            stands() if v else or_(models.SupportBase.confirmed.is_not(True), models.SupportBase.ended_at.is_not(None))
        ),
        "Those that are confirmed and not ended, or all others.",
    )


@mapped(
    models.SupportBase,
    order=(models.SupportBase.division, models.SupportBase.id),
    read=Action.READ_INSPECTIONS,
)
class SupportBase(Node):
    """An organization at which persons with disabilities find work or are led to an income 扶贫(就业)基地."""

    programme: str = column(models.SupportBase.programme, "The code of the programme.")
    organization: Organization | None = one(
        models.SupportBase.organization_id, models.Organization.id, "The organization."
    )
    division_code: DivisionCode = column(models.SupportBase.division, "Where it lies.")
    division: Division | None = one(models.SupportBase.division, models.Division.code, "Where it lies.")
    level: str = column(models.SupportBase.level, "Its level, by its code.")
    rural: bool = column(models.SupportBase.rural, "Whether it is a rural one.")
    placed: int = column(models.SupportBase.placed, "How many persons it employs, as registered.")
    led: int = column(models.SupportBase.led, "How many it leads to an income, as registered.")
    poor: int = column(models.SupportBase.poor, "How many of them are poor and of a village, as registered.")
    state: BaseState = derived(
        [models.SupportBase.confirmed, models.SupportBase.ended_on], _base_state, "How far it is registered."
    )
    registered_on: date = column(models.SupportBase.effective_on, "The day of the registration.")
    confirmed_on: date | None = column(models.SupportBase.confirmed_on, "The day on which it was confirmed, or not.")
    ended_on: date | None = column(models.SupportBase.ended_on, "The day on which it was ended.")
    reason: str = column(models.SupportBase.reason, "Why it was not confirmed, or was ended.")
    assessments: list[BaseAssessment] = many(_Assessment.base_id, "Its assessments, the oldest first.")
    subsidies: list[BaseSubsidy] = many(models.BaseSubsidy.base_id, "What it is due, year by year.")


# --- what is handed out ---------------------------------------------------------------------------------------


@filters
class HandoutBatchFilter:
    """Which batches."""

    programme: str | None = where(lambda s, v: models.HandoutBatch.programme == v, "In this programme.")
    kind: str | None = where(lambda s, v: models.HandoutBatch.kind == v, "Of this kind.")
    voucher: str | None = where(lambda s, v: models.HandoutBatch.voucher == v, "With this voucher.")
    stands: bool | None = where(
        lambda s, v: models.HandoutBatch.replaced_at.is_(None) if v else models.HandoutBatch.replaced_at.is_not(None),
        "That stand, or are replaced.",
    )


@mapped(
    models.HandoutBatch,
    order=(models.HandoutBatch.effective_on, models.HandoutBatch.id),
    read=Action.READ_HANDOUTS,
)
class HandoutBatch(Node):
    """Something that was bought to be handed out 采购入库批次."""

    programme: str = column(models.HandoutBatch.programme, "The code of the programme.")
    kind: str = column(models.HandoutBatch.kind, "The kind, by its code.")
    item: str = column(models.HandoutBatch.item, "What it is.")
    voucher: str = column(models.HandoutBatch.voucher, "The number of its voucher.")
    bought_on: date = column(models.HandoutBatch.effective_on, "The day.")
    quantity: int | None = column(models.HandoutBatch.quantity, "How many there were, where it is counted.")
    value: Money | None = column(models.HandoutBatch.value_fen, "What it cost.")
    out_quantity: int = column(models.HandoutBatch.out_quantity, "How many are out of it.")
    out_value: Money = column(models.HandoutBatch.out_fen, "What is out of it, where it is measured in money.")
    replaced: bool = derived(
        [models.HandoutBatch.replaced_at],
        lambda sight, row: row["replaced_at"] is not None,
        "Whether another batch has taken its place.",
    )


def _to_household(sight: Sight, number: str) -> ColumnElement[bool]:
    own = models.Household
    return models.Handout.household_id.in_(select(own.id).where(own.tenant_id == sight.tenant, own.number == number))


@filters
class HandoutFilter:
    """Which lines."""

    programme: str | None = where(lambda s, v: models.Handout.programme == v, "In this programme.")
    division: DivisionCode | None = where(lambda s, v: within(models.Handout.division, v), "In this division.")
    kind: str | None = where(lambda s, v: models.Handout.kind == v, "Of this kind.")
    year: int | None = where(lambda s, v: models.Handout.year == v, "Listed for this year.")
    state: HandoutState | None = where(lambda s, v: models.Handout.state == v.value, "In this state.")
    household: str | None = where(_to_household, "Of the household with this number, or of its members.")


@mapped(
    models.Handout,
    order=(models.Handout.division, models.Handout.id),
    read=Action.READ_HANDOUTS,
)
class Handout(Node):
    """Something that a household or a person needs, and what became of it 发放记录."""

    programme: str = column(models.Handout.programme, "The code of the programme.")
    kind: str = column(models.Handout.kind, "The kind, by its code.")
    item: str = column(models.Handout.item, "What it is.")
    division_code: DivisionCode = column(models.Handout.division, "The village, on the day of the need.")
    household: Household | None = one(models.Handout.household_id, models.Household.id, "The household.")
    person: Person | None = one(models.Handout.person_id, models.Person.id, "The person, where it is for one.")
    quantity: int | None = column(models.Handout.quantity, "How many, where it is counted.")
    value: Money | None = column(models.Handout.value_fen, "The value, where it is measured in money.")
    state: HandoutState = column(models.Handout.state, "How far it is.")
    stated_on: date = column(models.Handout.effective_on, "The day on which the need was stated.")
    year: int | None = column(models.Handout.year, "The year for which it is listed.")
    listed_on: date | None = column(models.Handout.listed_on, "The day on which it was listed.")
    batch: HandoutBatch | None = one(models.Handout.batch_id, models.HandoutBatch.id, "The batch that it came out of.")
    receiver: str = column(models.Handout.receiver, "Who signed.")
    signature: str = column(models.Handout.signature, "What shows the signature.")
    attended: bool | None = column(models.Handout.attended, "Of a seat in a training, whether somebody came.")
    handed_on: date | None = column(models.Handout.handed_on, "The day of the signature.")
    outcome: str = column(models.Handout.outcome, "What was seen afterwards 回访.")
    followed_on: date | None = column(models.Handout.followed_on, "The day of that.")
    reason: str = column(models.Handout.reason, "Why it was replaced or withdrawn.")
    recorded_at: datetime = column(models.Handout.recorded_at, "When it was typed in.")
    corrects: Annotated[Handout, strawberry.lazy("bangfu_graphql.federation")] | None = one(
        models.Handout.corrects, models.Handout.id, "The line that it corrects."
    )
