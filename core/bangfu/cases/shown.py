"""Whom a case is for, as lists and notices name him.

A notice shows a child by his surname alone: the public need to be able to object, not to find a child.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import notices
from bangfu.access import Entered
from bangfu.calendar import age
from bangfu.cases.views import CaseView
from bangfu.cases.whom import Whom
from bangfu.db.bulk import among
from bangfu.models import Person, Schooling, Standing
from bangfu.programme import EDUCATION_LEVELS, STANDINGS
from bangfu.registry.divisions import Places
from bangfu.registry.history import held, holds

HEADERS = {False: ("户编号", "户主"), True: ("人编号", "姓名")}
"""What a list calls the number and the name of whom a case is for: of households, and of persons."""
OF_AGE = 18
"""From which age on somebody is no minor 成年."""


async def names(
    session: AsyncSession, who: Entered, whom: Collection[Whom], *, public: bool = False
) -> dict[UUID, str]:
    """The names of beneficiaries, by id: of the head of the household, or of the person. For the public, of a minor
    only the surname: 李某.

    One statement for households and one for persons. Whoever's birth date is not known is taken for a minor.
    """
    found = await notices.heads(session, who.county.id, [one.household for one in whom if one.person is None])
    persons = [one.person for one in whom if one.person is not None]
    query = select(Person.id, Person.name, Person.birth_date).where(
        Person.tenant_id == who.county.id, among(Person.id, persons)
    )
    for row in await session.execute(query) if persons else ():
        minor = row.birth_date is None or age(row.birth_date, who.at.today) < OF_AGE
        found[row.id] = f"{row.name[:1]}某" if public and minor else row.name
    return found


async def columns_of(
    session: AsyncSession, who: Entered, cases: Sequence[CaseView], columns: Collection[str]
) -> dict[UUID, dict[str, str]]:
    """What a notice may show of cases beside the award, as far as its columns ask for it; a statement a column.

    The school and the grade are those of the day of the determination.
    """
    tenant, today = who.county.id, who.at.today
    named = await names(session, who, [case.whom for case in cases], public=True)
    found = {case.id: {"beneficiary": named.get(case.whom.id, "")} for case in cases}
    if "address" in columns:
        places = await Places.on(session, today)
        for case in cases:
            found[case.id]["address"] = f"{places.township(case.division)}{places.named(case.division)}"
    if "standing" in columns:
        query = select(Standing.household_id, Standing.standing).where(
            Standing.tenant_id == tenant,
            among(Standing.household_id, [case.household for case in cases]),
            holds(Standing, today),
        )
        standings = {row.household_id: STANDINGS[row.standing].zh for row in await session.execute(query)}
        for case in cases:
            found[case.id]["standing"] = standings.get(case.household, "")
    if {"school", "grade"} & set(columns):
        days = {case.whom.id: case.view.decided_on or today for case in cases if case.person is not None}
        known = await rolls(session, who, days)
        for case in cases:
            roll = known.get(case.whom.id)
            if roll is not None and not held(roll, days[case.whom.id]):
                roll = None
            found[case.id] |= {"school": roll.school if roll else "", "grade": grade_of(roll) if roll else ""}
    return found


async def rolls(session: AsyncSession, who: Entered, days: Mapping[UUID, date]) -> dict[UUID, Schooling]:
    """Where persons went to school, each on a day, in one statement; of who was on no roll on it, the last one before
    it."""
    query = select(Schooling).where(
        Schooling.tenant_id == who.county.id, among(Schooling.person_id, days), Schooling.known_to.is_(None)
    )
    found: dict[UUID, Schooling] = {}
    for row in await session.scalars(query.order_by(Schooling.person_id, Schooling.valid_from)):
        if row.valid_from <= days[row.person_id]:
            found[row.person_id] = row
    return found


def grade_of(roll: Schooling) -> str:
    """The level and grade as people say them: 中等职业教育二年级."""
    level = EDUCATION_LEVELS[roll.level].zh
    numbers = "一二三四五六七八九"
    if roll.grade is None:
        return level
    return f"{level}{numbers[roll.grade - 1] if 1 <= roll.grade <= len(numbers) else roll.grade}年级"
