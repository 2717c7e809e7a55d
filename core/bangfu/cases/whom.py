"""Whom a case is for, or would be: a household, or one person of it where the programme is for persons."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import and_, select, union
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Entered
from bangfu.db.bulk import among
from bangfu.errors import Code
from bangfu.models import Case, Household, Membership, Person
from bangfu.programme import Programme
from bangfu.registry.history import holds


@dataclass(frozen=True, slots=True)
class Whom:
    """A beneficiary: its number, the household, and the person where the programme is for persons."""

    number: str
    household: UUID
    person: UUID | None = None

    @property
    def id(self) -> UUID:
        """The person, or else the household."""
        return self.person or self.household


async def whom(session: AsyncSession, who: Entered, programme: Programme, number: str) -> Whom:
    """The beneficiary of a number; refuses ``NOT_FOUND``, also where it is out of sight."""
    tenant = who.county.id
    if programme.is_for_persons:
        query: Any = select(Person.id).where(Person.tenant_id == tenant, Person.number == number)
        person = await session.scalar(query)
        found = await of_persons(session, who, [person]) if person is not None else []
    else:
        query = select(Household.id).where(Household.tenant_id == tenant, Household.number == number)
        household = await session.scalar(query)
        found = [Whom(number, household)] if household is not None else []
    if not found:
        raise Code.NOT_FOUND.refuse(programme.beneficiary.value, what=number)
    return found[0]


async def of_persons(session: AsyncSession, who: Entered, persons: Collection[UUID]) -> list[Whom]:
    """Persons with their households of today, or the last ones they belonged to, by number, in one statement."""
    query = (
        select(Person.number, Person.id, Membership.household_id)
        .ext(distinct_on(Person.number))
        .join(Membership, and_(Membership.tenant_id == who.county.id, Membership.person_id == Person.id))
        .where(Person.tenant_id == who.county.id, among(Person.id, persons), Membership.known_to.is_(None))
        .order_by(Person.number, Membership.valid_to.desc().nulls_first())
    )
    return [Whom(row.number, row.household_id, row.id) for row in await session.execute(query)]


async def of_households(
    session: AsyncSession, who: Entered, households: Collection[UUID], on: date, programme: str, period: str
) -> list[Whom]:
    """The members of households on a day, and whoever has a case of theirs, by number, in one statement. Who has moved
    from one of them to another is named with either."""
    tenant = who.county.id
    members = select(Membership.person_id, Membership.household_id).where(
        Membership.tenant_id == tenant, among(Membership.household_id, households), holds(Membership, on)
    )
    applied = select(Case.person_id, Case.household_id).where(
        Case.tenant_id == tenant,
        among(Case.household_id, households),
        Case.programme == programme,
        Case.period == period,
        Case.person_id.is_not(None),
    )
    theirs = union(members, applied).subquery()
    query = (
        select(Person.number, Person.id, theirs.c.household_id)
        .join(theirs, theirs.c.person_id == Person.id)
        .where(Person.tenant_id == tenant)
        .order_by(Person.number, theirs.c.household_id)
    )
    return [Whom(row.number, row.household_id, row.id) for row in await session.execute(query)]
