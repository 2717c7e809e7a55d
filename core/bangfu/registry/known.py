"""What the registry knows of the households and persons that some rows of a roster name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import Executable, Row, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.db.bulk import among
from bangfu.models import Account, Household, HouseholdCadre, Membership, Person, Standing
from bangfu.registry.history import holds

HEAD = "head"
Known: TypeAlias = Row[Any]
"""A row as the database gives it, its columns read by name."""

_HOUSEHOLD = (Household.id, Household.number, Household.division, Household.group_name)
_PERSON = (
    Person.id, Person.name, Person.sex, Person.birth_date, Person.identity, Person.identity_index,
    Person.identity_masked, Person.phone, Person.phone_masked, Person.division,
)  # fmt: skip
_MEMBER = (
    Membership.person_id, Membership.household_id, Membership.division, Membership.relation, Membership.valid_from,
)  # fmt: skip


@dataclass(frozen=True)
class Register:
    """Households by number, their standing, account and cadre on a day, and their present members."""

    households: Mapping[str, Known]
    standings: Mapping[UUID, Known]
    accounts: Mapping[UUID, Known]
    cadres: Mapping[UUID, Known]
    members: Mapping[UUID, Known]
    """The present membership of a person, with the number of the household."""
    heads: Mapping[UUID, UUID]
    """The person who heads each household."""
    ever: Mapping[UUID, int]
    """How many persons have ever belonged to each household."""
    by_index: Mapping[bytes, Known]
    by_name: Mapping[tuple[UUID, str], list[Known]]

    def meant(self, household: UUID, name: str, index: bytes | None) -> list[Known]:
        """Who may be meant: the person of the identity number, or else the members of that name where either side
        lacks a number. Several namesakes leave it open."""
        if index is not None and index in self.by_index:
            return [self.by_index[index]]
        named = self.by_name.get((household, name), [])
        return [person for person in named if index is None or person.identity_index is None]

    @classmethod
    async def read(
        cls, session: AsyncSession, tenant: int, on: date, numbers: Collection[str], indexes: Collection[bytes]
    ) -> Register:
        """Read it all as it is on a day, in eight statements whatever their number."""

        async def rows(query: Executable) -> list[Known]:
            return list((await session.execute(query)).all())

        households = await rows(
            select(*_HOUSEHOLD).where(Household.tenant_id == tenant, among(Household.number, numbers))
        )
        ids = [household.id for household in households]

        async def present(model: type[Any], *columns: Any) -> dict[UUID, Known]:
            query = select(model.household_id, *columns).where(
                model.tenant_id == tenant, among(model.household_id, ids), holds(model, on)
            )
            return {row.household_id: row for row in await rows(query)}

        numbered = await rows(select(*_PERSON).where(Person.tenant_id == tenant, among(Person.identity_index, indexes)))
        theirs = among(Membership.household_id, ids) | among(Membership.person_id, [row.id for row in numbered])
        current = (
            Membership.tenant_id == tenant, Membership.known_to.is_(None), Membership.valid_to.is_(None), theirs,
        )  # fmt: skip
        household_of = (Household.tenant_id == Membership.tenant_id) & (Household.id == Membership.household_id)
        members = await rows(select(*_MEMBER, Household.number).join(Household, household_of).where(*current))
        person_of = (Person.tenant_id == Membership.tenant_id) & (Person.id == Membership.person_id)
        persons = await rows(select(*_PERSON, Membership.household_id).join(Membership, person_of).where(*current))
        by_name: dict[tuple[UUID, str], list[Known]] = {}
        for person in persons:
            by_name.setdefault((person.household_id, person.name), []).append(person)
        counted = await rows(
            select(Membership.household_id, func.count(Membership.person_id.distinct()).label("ever"))
            .where(Membership.tenant_id == tenant, among(Membership.household_id, ids))
            .group_by(Membership.household_id)
        )
        return cls(
            {household.number: household for household in households},
            await present(Standing, Standing.standing, Standing.exit_year),
            await present(Account, Account.number_index, Account.number_masked, Account.holder, Account.bank),
            await present(HouseholdCadre, HouseholdCadre.officer_id),
            {member.person_id: member for member in members},
            {member.household_id: member.person_id for member in members if member.relation == HEAD},
            {household.household_id: household.ever for household in counted},
            {person.identity_index: person for person in numbered},
            by_name,
        )
