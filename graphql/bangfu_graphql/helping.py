"""Who helps whom: registrations, needs, agreements with their plans, and the ledger of what was delivered.

An enterprise sees its own rows and, once it is verified, what every village needs; nothing here leads it to a person or
a household.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import MAXYEAR, MINYEAR, date, datetime
from types import SimpleNamespace
from typing import Annotated, Any, cast

import strawberry
from sqlalchemy import ColumnElement, false, func, select
from sqlalchemy.orm import aliased

from bangfu import models
from bangfu.access import Action
from bangfu.pairings import figures, needs, reviews
from bangfu.pairings.standing import Agreed, AgreementState, DeliveryState, Side, Verdict, state_of
from bangfu.process import Duty
from bangfu_graphql.mapping import Sight, column, derived, filters, many, mapped, one, where
from bangfu_graphql.nodes import Node
from bangfu_graphql.people import Division, Officer, Organization, Person, within
from bangfu_graphql.scalars import DivisionCode, Money, described

described(AgreementState, "AgreementState", "The state of an agreement today 协议状态.")
described(Side, "AgreementSide", "The two sides of an agreement.")
described(DeliveryState, "DeliveryState", "How far the two sides are about a delivery 投入状态.")
described(Verdict, "DeliveryVerdict", "What is said to a delivery 确认意见.")
described(needs.Closed, "NeedClosed", "As what a need is closed.")
described(reviews.Outcome, "ReviewOutcome", "How the plan of a year was carried out 检查结论.")
described(figures.Party, "PairingParty", "For whom something waits.")
described(figures.Waits, "PairingWait", "What waits for somebody to do something.")


def _of(model: Any) -> Any:
    """The condition that a row is of the organization with a credit code."""
    return lambda s, v: model.organization_id.in_(
        select(models.Organization.id).where(
            models.Organization.tenant_id == s.tenant, models.Organization.credit_code == v
        )
    )


# --- who may help, and what is needed -------------------------------------------------------------------------


@filters
class HelperFilter:
    """Which registrations."""

    programme: str | None = where(lambda s, v: models.Helper.programme == v, "In this programme.")
    credit_code: str | None = where(_of(models.Helper), "Of the organization with this credit code.")
    verified: bool | None = where(
        lambda s, v: func.coalesce(models.Helper.verified, False).is_(v), "Of those that may help, or may not (yet)."
    )


@mapped(models.Helper, read=Action.READ_PAIRINGS)
class Helper(Node):
    """The registration of an organization that wants to help 帮扶企业登记. An enterprise sees its own."""

    programme: str = column(models.Helper.programme, "The code of the programme.")
    organization: Organization | None = one(
        models.Helper.organization_id, models.Organization.id, "The organization that wants to help."
    )
    chamber: str = column(models.Helper.chamber, "The chamber of commerce 商会 that it belongs to; empty if none.")
    registered_on: date = column(models.Helper.effective_on, "The day of the registration.")
    verified: bool | None = column(models.Helper.verified, "Whether it may help; null where nobody has said yet.")
    reason: str = column(models.Helper.reason, "Why it may not.")
    verified_on: date | None = column(models.Helper.verified_on, "The day on which somebody said so.")
    revoked_on: date | None = column(models.Helper.revoked_on, "The day on which it was revoked, if it was.")


@filters
class NeedFilter:
    """Which needs."""

    programme: str | None = where(lambda s, v: models.Need.programme == v, "In this programme.")
    division: DivisionCode | None = where(lambda s, v: within(models.Need.division, v), "Of villages in this one.")
    path: str | None = where(lambda s, v: models.Need.path == v, "By this path.")
    open: bool | None = where(
        lambda s, v: models.Need.closed_at.is_(None) if v else models.Need.closed_at.is_not(None),
        "Those that are open, or are closed.",
    )


@mapped(models.Need, order=(models.Need.division, models.Need.id), read=Action.READ_PAIRINGS)
class Need(Node):
    """What a village needs 帮扶需求, seen by everybody in office and by whoever is verified to help."""

    programme: str = column(models.Need.programme, "The code of the programme.")
    division_code: DivisionCode = column(models.Need.division, "The village.")
    division: Division | None = one(models.Need.division, models.Division.code, "The village.")
    path: str = column(models.Need.path, "The path by which it could be given, by its code.")
    what: str = column(models.Need.what, "What is needed.")
    stated_on: date = column(models.Need.effective_on, "The day on which it was stated.")
    closed_as: needs.Closed | None = column(models.Need.closed_as, "As what it is closed; null while it is open.")
    closed_on: date | None = column(models.Need.closed_on, "The day on which it was closed.")
    reason: str = column(models.Need.reason, "Why it was closed.")


# --- agreements -----------------------------------------------------------------------------------------------


def _stands(sight: Sight, row: Mapping[str, Any]) -> str:
    return state_of(cast(Agreed, SimpleNamespace(**row)), sight.today).value


def _in_force(sight: Sight, day: date) -> ColumnElement[bool]:
    own = models.PairingAgreement
    return (
        (own.signed_on <= day)
        & (own.valid_from <= day)
        & (own.valid_to > day)
        & (own.ended_on.is_(None) | (own.ended_on > day))
    )


def _touches(sight: Sight, year: int) -> ColumnElement[bool]:
    """The condition that an agreement has a day of a year, as in the figures of that year."""
    own = models.PairingAgreement
    if not MINYEAR <= year < MAXYEAR:
        return false()
    last = func.coalesce(own.ended_on, own.valid_to)
    return (own.valid_from < date(year + 1, 1, 1)) & (last > date(year, 1, 1)) & (last > own.valid_from)


@filters
class AgreementFilter:
    """Which agreements. What `pairingFigures` counts as agreements is found by the same filter with `signed: true`."""

    programme: str | None = where(lambda s, v: models.PairingAgreement.programme == v, "In this programme.")
    division: DivisionCode | None = where(
        lambda s, v: within(models.PairingAgreement.division, v), "With villages in this one."
    )
    credit_code: str | None = where(_of(models.PairingAgreement), "Of the organization with this credit code.")
    number: str | None = where(lambda s, v: models.PairingAgreement.number == v, "With this number.")
    in_force_on: date | None = where(_in_force, "Those that are in force on this day.")
    year: int | None = where(_touches, "Those that have a day of this year.")
    signed: bool | None = where(
        lambda s, v: (
            models.PairingAgreement.signed_on.is_not(None) if v else models.PairingAgreement.signed_on.is_(None)
        ),
        "Those that both sides have signed, or have not.",
    )


@mapped(
    models.AgreementSignature,
    order=(models.AgreementSignature.effective_on, models.AgreementSignature.id),
    read=Action.READ_PAIRINGS,
)
class AgreementSignature(Node):
    """That one of the two sides has signed an agreement 签约."""

    side: Side = column(models.AgreementSignature.side, "Which side.")
    signed_on: date = column(models.AgreementSignature.effective_on, "The day.")
    duty: Duty = column(models.AgreementSignature.duty, "The duty in which it was signed.")
    evidence: str = column(models.AgreementSignature.evidence, "The paper.")
    officer: Officer | None = one(models.AgreementSignature.officer_id, models.Officer.id, "Who signed.")


def _of_programme(sight: Sight, programme: str) -> ColumnElement[bool]:
    own = aliased(models.PairingAgreement)
    return models.PlanLine.agreement_id.in_(
        select(own.id).where(own.tenant_id == sight.tenant, own.programme == programme)
    )


def _pledges(sight: Sight, pledged: bool) -> ColumnElement[bool]:
    own = aliased(models.PairingAgreement)
    held = select(own.id).where(
        own.tenant_id == sight.tenant,
        own.id == models.PlanLine.agreement_id,
        own.signed_on.is_not(None),
        own.ended_on.is_(None) | (own.ended_on > models.PlanLine.due_on),
    )
    found = (
        models.PlanLine.kind.is_not(None)
        & models.PlanLine.replaced_at.is_(None)
        & held.correlate(models.PlanLine).exists()
    )
    return found if pledged else ~found


@filters
class PlanLineFilter:
    """Which lines of plans. What a figure of `pairingFigures` counts as pledged is found by the same filter with
    `pledged: true`."""

    programme: str | None = where(_of_programme, "In this programme.")
    division: DivisionCode | None = where(lambda s, v: within(models.PlanLine.division, v), "For villages in this one.")
    credit_code: str | None = where(_of(models.PlanLine), "Of the organization with this credit code.")
    path: str | None = where(lambda s, v: models.PlanLine.path == v, "By this path.")
    kind: str | None = where(lambda s, v: models.PlanLine.kind == v, "Of this kind.")
    year: int | None = where(lambda s, v: models.PlanLine.year == v, "Of this year.")
    pledged: bool | None = where(
        _pledges,
        "Measures of signed agreements that are not replaced, and were due before their agreement was ended if it "
        "was; or all others.",
    )


@mapped(
    models.PlanLine, order=(models.PlanLine.year, models.PlanLine.due_on, models.PlanLine.id), read=Action.READ_PAIRINGS
)
class PlanLine(Node):
    """A line of the plan of an agreement for a year 帮扶规划: a measure of the enterprise, or a task of the
    government."""

    year: int = column(models.PlanLine.year, "The year.")
    path: str | None = column(models.PlanLine.path, "The path of a measure, by its code; null of a task.")
    kind: str | None = column(models.PlanLine.kind, "The kind of a measure, by its code; null of a task.")
    office: str = column(models.PlanLine.office, "The office that owns a task; empty of a measure.")
    what: str = column(models.PlanLine.what, "What is to be done.")
    amount: Money | None = column(models.PlanLine.amount_fen, "What is promised, where it is measured in money.")
    quantity: int | None = column(models.PlanLine.quantity, "What is promised, where it is counted.")
    due_on: date = column(models.PlanLine.due_on, "By when.")
    replaced: bool = derived(
        [models.PlanLine.replaced_at],
        lambda sight, row: row["replaced_at"] is not None,
        "Whether another line has taken its place.",
    )


@mapped(models.Obstacle, order=(models.Obstacle.recorded_at, models.Obstacle.id), read=Action.READ_PAIRINGS)
class Obstacle(Node):
    """Something that stands in the way of an agreement 困难问题."""

    what: str = column(models.Obstacle.what, "What it is.")
    raised_on: date = column(models.Obstacle.effective_on, "The day on which it was raised.")
    duty: Duty = column(models.Obstacle.duty, "The duty in which it was raised.")
    owner: Officer | None = one(models.Obstacle.owner_id, models.Officer.id, "Who is to resolve it.")
    outcome: str = column(models.Obstacle.outcome, "What was done about it; empty until it is resolved.")
    resolved_on: date | None = column(models.Obstacle.resolved_on, "The day on which it was resolved.")


@mapped(
    models.PairingReview,
    order=(models.PairingReview.year, models.PairingReview.number, models.PairingReview.id),
    read=Action.READ_PAIRINGS,
)
class PairingReview(Node):
    """How an agreement was carried out in a year 年度检查; of several of one year, the last counts."""

    year: int = column(models.PairingReview.year, "The year.")
    number: int = column(models.PairingReview.number, "How often the year has been reviewed by then.")
    outcome: reviews.Outcome = column(models.PairingReview.outcome, "How the plan was carried out.")
    finding: str = column(models.PairingReview.finding, "What was found.")
    nominated: bool = column(models.PairingReview.nominated, "Whether the village is put forward as a typical one.")
    reviewed_on: date = column(models.PairingReview.effective_on, "The day of the review.")
    pledged: Money = derived(
        [models.PairingReview.figures], lambda s, row: row["figures"]["pledged_fen"], "What was pledged for the year."
    )
    stands: Money = derived(
        [models.PairingReview.figures],
        lambda s, row: row["figures"]["stands_fen"],
        "What stood of what was delivered by then.",
    )
    exited_households: int = column(
        models.PairingReview.exited_households,
        "How many households of the village have left poverty in the year, by the register of that day.",
        action=Action.READ_REGISTERS,
    )


@mapped(
    models.PairingAgreement,
    order=(models.PairingAgreement.division, models.PairingAgreement.id),
    read=Action.READ_PAIRINGS,
)
class Agreement(Node):
    """What an organization and a village sign for some years 帮扶协议. An enterprise sees its own."""

    programme: str = column(models.PairingAgreement.programme, "The code of the programme.")
    number: str = column(models.PairingAgreement.number, "Its number.")
    organization: Organization | None = one(
        models.PairingAgreement.organization_id, models.Organization.id, "The organization that helps."
    )
    division_code: DivisionCode = column(models.PairingAgreement.division, "The village that is helped.")
    division: Division | None = one(
        models.PairingAgreement.division, models.Division.code, "The village that is helped."
    )
    state: AgreementState = derived(
        [
            models.PairingAgreement.valid_from, models.PairingAgreement.valid_to, models.PairingAgreement.signed_on,
            models.PairingAgreement.ended_as, models.PairingAgreement.ended_on,
        ],
        _stands,
        "Its state today.",
    )  # fmt: skip
    since: date = column(models.PairingAgreement.valid_from, "The first day.")
    until: date = column(models.PairingAgreement.valid_to, "The day before which it ends by itself.")
    signed_on: date | None = column(models.PairingAgreement.signed_on, "The day on which the later side signed.")
    ended_on: date | None = column(models.PairingAgreement.ended_on, "The day on which it was ended before its time.")
    end_reason: str = column(models.PairingAgreement.end_reason, "Why it was ended.")
    takes_over: Annotated[Agreement, strawberry.lazy("bangfu_graphql.helping")] | None = one(
        models.PairingAgreement.takes_over,
        models.PairingAgreement.id,
        "The agreement that it takes over 接力; null to who does not see that.",
    )
    signatures: list[AgreementSignature] = many(models.AgreementSignature.agreement_id, "Who has signed.")
    plan: list[PlanLine] = many(models.PlanLine.agreement_id, "The plan, year by year, with what was replaced.")
    obstacles: list[Obstacle] = many(models.Obstacle.agreement_id, "What stands in the way, the oldest first.")
    reviews: list[PairingReview] = many(models.PairingReview.agreement_id, "The yearly reviews.")


# --- the ledger -----------------------------------------------------------------------------------------------


@filters
class DeliveryFilter:
    """Which deliveries. What a figure of `pairingFigures` counts is found by the same filter with `counts: true`."""

    programme: str | None = where(lambda s, v: models.Delivery.programme == v, "In this programme.")
    division: DivisionCode | None = where(lambda s, v: within(models.Delivery.division, v), "To villages in this one.")
    credit_code: str | None = where(_of(models.Delivery), "By the organization with this credit code.")
    path: str | None = where(lambda s, v: models.Delivery.path == v, "By this path.")
    kind: str | None = where(lambda s, v: models.Delivery.kind == v, "Of this kind.")
    year: int | None = where(lambda s, v: models.Delivery.year == v, "Of this year.")
    state: DeliveryState | None = where(lambda s, v: models.Delivery.state == v.value, "In this state.")
    counts: bool | None = where(
        lambda s, v: (models.Delivery.state != "replaced") if v else (models.Delivery.state == "replaced"),
        "That are not replaced by a correction, or are.",
    )


@mapped(
    models.DeliveryAnswer,
    order=(models.DeliveryAnswer.number, models.DeliveryAnswer.id),
    read=Action.READ_PAIRINGS,
)
class DeliveryAnswer(Node):
    """What was said to a delivery 确认意见: by the village, by who delivered it, or by the county."""

    verdict: Verdict = column(models.DeliveryAnswer.verdict, "What was said.")
    stands: Money = column(models.DeliveryAnswer.stands_fen, "What stands of the amount after it.")
    stands_quantity: int = column(models.DeliveryAnswer.stands_quantity, "What stands of the number after it.")
    reason: str = column(models.DeliveryAnswer.reason, "Why.")
    duty: Duty = column(models.DeliveryAnswer.duty, "The duty in which it was said.")
    answered_on: date = column(models.DeliveryAnswer.effective_on, "The day.")
    officer: Officer | None = one(models.DeliveryAnswer.officer_id, models.Officer.id, "Who said it.")


@mapped(models.DeliveryPerson, read=Action.READ_REGISTERS)
class DeliveryPerson(Node):
    """A person of the village whom a delivery was for 受益人, as the village knows; no enterprise sees it."""

    person: Person | None = one(models.DeliveryPerson.person_id, models.Person.id, "The person.")
    taken_back_at: datetime | None = column(
        models.DeliveryPerson.taken_back_at, "When it was taken back that it was for this person, if it was."
    )


@mapped(
    models.Delivery,
    order=(models.Delivery.effective_on, models.Delivery.id),
    read=Action.READ_PAIRINGS,
)
class Delivery(Node):
    """Something that was delivered under an agreement 帮扶投入. It is the enterprise's, and no payment of the state."""

    programme: str = column(models.Delivery.programme, "The code of the programme.")
    agreement: Agreement | None = one(
        models.Delivery.agreement_id, models.PairingAgreement.id, "The agreement under which it was delivered."
    )
    division_code: DivisionCode = column(models.Delivery.division, "The village that it was delivered to.")
    delivered_on: date = column(models.Delivery.effective_on, "The day.")
    path: str = column(models.Delivery.path, "The path, by its code.")
    kind: str = column(models.Delivery.kind, "The kind, by its code.")
    what: str = column(models.Delivery.what, "What was delivered.")
    amount: Money | None = column(models.Delivery.amount_fen, "How much, where it is measured in money.")
    quantity: int | None = column(models.Delivery.quantity, "How many, where it is counted.")
    valuation: str = column(models.Delivery.valuation, "How the value of goods was found.")
    receipt: str = column(models.Delivery.receipt, "The number of the paper that shows it, which counts once.")
    state: DeliveryState = column(models.Delivery.state, "How far the two sides are about it.")
    stands: Money = column(models.Delivery.stands_fen, "What stands of the amount.")
    stands_quantity: int = column(models.Delivery.stands_quantity, "What stands of the number.")
    version: int = column(models.Delivery.version, "Counts the answers; an answer may say on which it was made.")
    recorded_at: datetime = column(models.Delivery.recorded_at, "When it was typed in.")
    corrects: Annotated[Delivery, strawberry.lazy("bangfu_graphql.helping")] | None = one(
        models.Delivery.corrects, models.Delivery.id, "The line that it corrects."
    )
    answers: list[DeliveryAnswer] = many(models.DeliveryAnswer.delivery_id, "What was said to it, in order.")
    persons: list[DeliveryPerson] = many(
        models.DeliveryPerson.delivery_id, "The persons whom it was for, on the village's side alone."
    )
