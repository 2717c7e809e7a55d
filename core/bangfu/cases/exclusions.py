"""What does not go together 互斥: a household with a live case in one programme that another excludes.

Asked when a case is opened or its plan corrected, and again before it is paid. Programmes declare it of each other; it
holds both ways.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import func, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Entered
from bangfu.cases.claims import SPANS
from bangfu.cases.ground import Ground
from bangfu.db.bulk import among
from bangfu.errors import Code, Problem
from bangfu.models import Case, Household, Membership
from bangfu.process import CLOSED, END_TITLES
from bangfu.programme import Exclusion, Programme, Span, installed
from bangfu.registry.history import holds
from bangfu.registry.known import HEAD
from bangfu.text import day

DEAD = frozenset(END_TITLES.keys() - {CLOSED})
"""Where a case excludes nothing any more."""


def declared(programme: Programme) -> dict[Programme, Exclusion]:
    """The programmes that do not go together with one, with what is declared of it."""
    plugins = installed()
    if plugins.programmes.get(programme.code) is not programme:
        return {}
    return {plugins.programme(code): one for code, one in plugins.exclusions(programme.code).items()}


async def against(
    session: AsyncSession, who: Entered, ground: Ground, households: Mapping[UUID, str]
) -> dict[UUID, Problem]:
    """Which of some households (id to number) have a live case that excludes one here, in a statement an exclusion."""
    found: dict[UUID, Problem] = {}
    for other, one in declared(ground.programme).items():
        same = {
            Span.PERIOD: Case.period == ground.period.key,
            # Every kind of period begins with its year.
            Span.YEAR: func.left(Case.period, 4) == str(ground.period.year),
            Span.EVER: true(),
        }[one.period]
        rows = await session.scalars(
            select(Case.household_id).where(
                Case.tenant_id == who.county.id,
                among(Case.household_id, households),
                Case.programme == other.code,
                Case.stage.not_in(sorted(DEAD)),
                same,
            )
        )
        for household in rows:
            found[household] = Code.EXCLUDED.problem(
                "household", households[household], span=SPANS[one.period], programme=other.title, why=one.why
            )
    return found


async def in_the_way(
    session: AsyncSession, who: Entered, ground: Ground, cases: Collection[UUID]
) -> dict[UUID, Problem]:
    """What stands in the way of paying some cases of one programme and period, by case: a household without members or
    without a head today, or one whose live case in another programme excludes this one.

    A head who died or left, and whose place nobody has taken, is no head. ``NO_MEMBERS``, ``NO_HEAD`` and ``EXCLUDED``;
    two statements, and one an exclusion, whatever the number of cases.
    """
    query = (
        select(Case.id, Case.household_id, Household.number)
        .join(Household, (Household.tenant_id == Case.tenant_id) & (Household.id == Case.household_id))
        .where(Case.tenant_id == who.county.id, among(Case.id, cases))
    )
    found = (await session.execute(query)).all()
    numbers = {row.household_id: row.number for row in found}
    problems = await against(session, who, ground, numbers)
    headed = {
        row.household_id: row.headed
        for row in await session.execute(
            select(Membership.household_id, func.bool_or(Membership.relation == HEAD).label("headed"))
            .where(
                Membership.tenant_id == who.county.id,
                among(Membership.household_id, numbers),
                holds(Membership, who.at.today),
            )
            .group_by(Membership.household_id)
        )
    }
    for household, number in numbers.items():
        if not headed.get(household):
            code = Code.NO_HEAD if household in headed else Code.NO_MEMBERS
            problems[household] = code.problem("household", number, number=number, day=day(who.at.today))
    return {row.id: problems[row.household_id] for row in found if row.household_id in problems}
