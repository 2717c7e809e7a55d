"""Circumstances of persons: certificates of disability, the minimum living guarantee, deaths, custody and moving away.

Lists of them come in by ``importWorkbook``; here they are read, as they hold on a day and as they were known at an
instant, and one is written down or ended by hand.
"""

from __future__ import annotations

import enum
from datetime import date, datetime
from typing import Annotated, Any

import strawberry
from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import models
from bangfu.access import Action
from bangfu.registry import circumstances
from bangfu.registry.circumstances import Recorded, Stated
from bangfu.registry.holding import CERTIFICATE, CUSTODY, DEATH, MINIMUM_LIVING, MOVED_AWAY, Category, Source
from bangfu_graphql import acting
from bangfu_graphql.acting import Payload, says
from bangfu_graphql.identifiers import bad_input
from bangfu_graphql.mapping import ACTION, Sight, column, filters, mapped, one, where
from bangfu_graphql.nodes import Node
from bangfu_graphql.people import Discrepancy, Person, within
from bangfu_graphql.requests import Request
from bangfu_graphql.scalars import DivisionCode, described, value

described(Source, "CircumstanceSource", "Who says that something is so of a person.")
described(Category, "DisabilityCategory", "What a certificate of disability is for 残疾类别.")


@strawberry.enum(description="What is so of a person from when to when 情形.")
class CircumstanceKind(enum.Enum):
    """What is so of a person from when to when 情形."""

    CERTIFICATE = value(CERTIFICATE, "holds a certificate of disability 残疾人证")
    MINIMUM_LIVING = value(MINIMUM_LIVING, "is in the minimum living guarantee 最低生活保障")
    DEATH = value(DEATH, "has died 死亡")
    CUSTODY = value(CUSTODY, "is in custody 服刑羁押")
    MOVED_AWAY = value(MOVED_AWAY, "has moved out of the county 迁出本县")


def _known_at(sight: Sight, instant: datetime) -> ColumnElement[bool]:
    if instant > sight.who.at.now:
        raise bad_input("`knownAt` is an instant to come; nothing is known as of then.")
    own = models.Circumstance
    return (own.known_from <= instant) & (own.known_to.is_(None) | (own.known_to > instant))


def known_now(sight: Sight) -> ColumnElement[bool]:
    """The condition that a circumstance is as known now: what a list shows unless an instant is stated."""
    return models.Circumstance.known_to.is_(None)


def _valid_on(sight: Sight, day: date) -> ColumnElement[bool]:
    own = models.Circumstance
    return (own.valid_from <= day) & (own.valid_to.is_(None) | (own.valid_to > day))


@filters
class CircumstanceFilter:
    """Which circumstances."""

    kind: CircumstanceKind | None = where(lambda s, v: models.Circumstance.kind == v.value, "Of this kind.")
    level: int | None = where(lambda s, v: models.Circumstance.level == v, "Certificates of this level 残疾等级.")
    category: Category | None = where(
        lambda s, v: models.Circumstance.category == v.value, "Certificates of this category 残疾类别."
    )
    source: Source | None = where(lambda s, v: models.Circumstance.source == v.value, "Said by this source.")
    division: DivisionCode | None = where(
        lambda s, v: within(models.Circumstance.division, v), "Of persons registered in this division."
    )
    valid_on: date | None = where(_valid_on, "What holds on this day; whatever days it holds for unless stated.")
    known_at: datetime | None = where(
        _known_at, "As it was known at this instant, also what is known otherwise since; as known now unless stated."
    )


@mapped(
    models.Circumstance,
    order=(
        models.Circumstance.person_id,
        models.Circumstance.kind,
        models.Circumstance.valid_from,
        models.Circumstance.id,
    ),
    read=Action.READ_CIRCUMSTANCES,
)
class Circumstance(Node):
    """Something of a person that an office keeps a list of 情形, from when to when."""

    kind: CircumstanceKind = column(models.Circumstance.kind, "What is so.")
    person: Person | None = one(models.Circumstance.person_id, models.Person.id, "Of whom.")
    division_code: DivisionCode = column(models.Circumstance.division, "The village of the person.")
    level: int | None = column(models.Circumstance.level, "Of a certificate, the level of the disability, 1 to 4.")
    category: Category | None = column(models.Circumstance.category, "Of a certificate, what it is for.")
    generation: int | None = column(models.Circumstance.generation, "Of a certificate, its generation 证件代次.")
    number_masked: str | None = column(
        models.Circumstance.number_masked,
        "The number of a certificate 残疾人证号, all but its first three and last two characters hidden.",
    )
    class_name: str = column(
        models.Circumstance.class_name, "Of the guarantee, its class 低保类别; empty if not known."
    )
    source: Source = column(models.Circumstance.source, "Who says so.")
    reported_on: date = column(models.Circumstance.reported_on, "The day of the list or paper that says so.")
    evidence: str = column(models.Circumstance.evidence, "That list or paper, by name.")
    confirmed_on: date | None = column(
        models.Circumstance.confirmed_on,
        "The day of the last list of the same source that said the same; null while there is none.",
    )
    since: date = column(models.Circumstance.valid_from, "The first day.")
    until: date | None = column(
        models.Circumstance.valid_to, "The first day on which it is so no more; null while none is known."
    )
    known_since: datetime = column(models.Circumstance.known_from, "Since when it is known.")
    known_until: datetime | None = column(
        models.Circumstance.known_to, "Until when it was known; null while nothing else is."
    )


# --- one person, by hand ------------------------------------------------------------------------------------------


@strawberry.input(description="What is so of one person, from when to when.")
class CircumstanceInput:
    """What is so of one person, from when to when."""

    person: str = strawberry.field(description="The number of the person in the register 人编号.")
    kind: CircumstanceKind = strawberry.field(description="What is so.")
    since: date = strawberry.field(description="The first day; none that is still to come.")
    until: date | None = strawberry.field(
        description="The first day on which it is so no more; of a certificate, also one that is still to come.",
        default=None,
    )
    level: int | None = strawberry.field(description="Of a certificate, its level, 1 to 4.", default=None)
    category: Category | None = strawberry.field(description="Of a certificate, what it is for.", default=None)
    generation: int | None = strawberry.field(description="Of a certificate, its generation.", default=None)
    class_name: str = strawberry.field(description="Of the guarantee, its class.", default="")


@strawberry.type(description="What came of writing a circumstance of a person down.")
class CircumstancePayload(Payload):
    """What came of writing a circumstance of a person down."""

    recorded: strawberry.Private[Recorded | None]

    def has_changed(self) -> bool:
        """Whether it was news."""
        return self.recorded is not None and self.recorded.changed

    @strawberry.field(
        description="The circumstance as it is known now; null if it was refused, is a discrepancy, or was taken back.",
        metadata={ACTION: Action.READ_CIRCUMSTANCES},
    )
    async def circumstance(self, info: strawberry.Info) -> Circumstance | None:
        """The circumstance."""
        key = None if self.recorded is None else self.recorded.circumstance
        return await acting.found(info, Circumstance, models.Circumstance.id, key)

    @strawberry.field(
        description="What somebody has to settle, where another office says otherwise: then nothing else was written.",
        metadata={ACTION: Action.READ_REGISTERS},
    )
    async def discrepancy(self, info: strawberry.Info) -> Discrepancy | None:
        """What somebody has to settle."""
        key = None if self.recorded is None else self.recorded.discrepancy
        return await acting.found(info, Discrepancy, models.Discrepancy.id, key)


def _field(description: str) -> Any:
    return strawberry.mutation(description=description, metadata={ACTION: Action.RECORD_CIRCUMSTANCES})


_Evidence = Annotated[str, says("The paper that shows it; needed for a day in the past.")]
_Reason = Annotated[str, says("How it came to be known; kept on record.")]


def _refused(problems: list[Any]) -> CircumstancePayload:
    return CircumstancePayload(recorded=None, problems=problems)


@strawberry.type
class CircumstanceMutation:
    """What is written down of one person."""

    @_field(
        "Write down that something is so of a person, for the kinds whose list one may bring, custody and moving away. "
        "Where an authority, or another office of that day or later, says otherwise, it becomes a discrepancy."
    )
    async def record_circumstance(
        self,
        info: strawberry.Info,
        input: Annotated[CircumstanceInput, says("What is so, of whom.")],
        reason: _Reason,
        evidence: _Evidence = "",
    ) -> CircumstancePayload:
        """Write down that something is so of a person."""
        stated = Stated(
            kind=input.kind.value,
            since=input.since,
            until=input.until,
            level=input.level,
            category=input.category,
            generation=input.generation,
            class_name=input.class_name,
        )

        async def work(request: Request, session: AsyncSession) -> CircumstancePayload:
            made = await circumstances.record(session, request.who, input.person, stated, evidence, reason)
            return CircumstancePayload(recorded=made, problems=[])

        return await acting.change(info, work, _refused)

    @_field(
        "Write down that something is so of a person no more. On the very day on which it began, it never was: so a "
        "death, which has no end, is taken back."
    )
    async def end_circumstance(
        self,
        info: strawberry.Info,
        person: Annotated[str, says("The number of the person in the register 人编号.")],
        kind: Annotated[CircumstanceKind, says("What is so no more.")],
        on: Annotated[date, says("The first day on which it is so no more; none that is still to come.")],
        reason: _Reason,
        evidence: _Evidence = "",
    ) -> CircumstancePayload:
        """Write down that something is so of a person no more."""

        async def work(request: Request, session: AsyncSession) -> CircumstancePayload:
            made = await circumstances.end(session, request.who, person, kind.value, on, evidence, reason)
            return CircumstancePayload(recorded=made, problems=[])

        return await acting.change(info, work, _refused)
