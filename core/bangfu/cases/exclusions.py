"""What does not go together 互斥: a household or a person with a live case in one programme that another excludes.

Asked when a case is opened or its plan corrected, and again before it is paid. Programmes declare it of each other; it
holds both ways.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import func, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Entered
from bangfu.cases.claims import SPANS
from bangfu.cases.ground import Ground
from bangfu.cases.whom import Whom
from bangfu.db.bulk import among, plainly
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


async def against(session: AsyncSession, who: Entered, ground: Ground, whom: Collection[Whom]) -> dict[UUID, Problem]:
    """Which of some beneficiaries, by id, have a live case that excludes one here, in a statement an exclusion."""
    found: dict[UUID, Problem] = {}
    for other, one in declared(ground.programme).items():
        of_person = one.same == "person"
        column: Any = Case.person_id if of_person else Case.household_id
        ids = {own.person if of_person else own.household for own in whom}
        same = {
            Span.PERIOD: Case.period == ground.period.key,
            # Every kind of period begins with its year.
            Span.YEAR: func.left(Case.period, 4) == str(ground.period.year),
            Span.EVER: true(),
        }[one.period]
        rows = await session.scalars(
            select(column).where(
                Case.tenant_id == who.county.id,
                among(column, ids - {None}),
                Case.programme == other.code,
                Case.stage.not_in(sorted(DEAD)),
                same,
            )
        )
        excluded = set(rows)
        for own in whom:
            if (own.person if of_person else own.household) in excluded:
                found[own.id] = Code.EXCLUDED.problem(
                    ground.programme.beneficiary.value,
                    own.number,
                    span=SPANS[one.period],
                    programme=other.title,
                    why=one.why,
                )
    return found


class Due(Protocol):
    """Something that is to be paid: of which case, for whom, by which number."""

    case: UUID
    household: UUID
    person: UUID | None
    number: str


async def in_the_way(session: AsyncSession, who: Entered, ground: Ground, dues: Collection[Due]) -> dict[UUID, Problem]:
    """What stands in the way of paying some cases of one programme, by case: a household without members or without a
    head today, or one whose live case in another programme excludes this one.

    A head who died or left, and whose place nobody has taken, is no head. ``NO_MEMBERS``, ``NO_HEAD`` and ``EXCLUDED``;
    a statement, one an exclusion, and two more where a household has no head, whatever the number of cases.
    """
    found: dict[UUID, Problem] = {}
    if declared(ground.programme):
        whom = {due.case: Whom(due.number, due.household, due.person) for due in dues}
        problems = await against(session, who, ground, list(whom.values()))
        found = {case: problems[own.id] for case, own in whom.items() if own.id in problems}
    belongs = (Membership.tenant_id == who.county.id, holds(Membership, who.at.today))
    theirs = {due.household for due in dues}
    heads = select(Membership.household_id).where(
        *belongs, Membership.relation == HEAD, among(Membership.household_id, theirs)
    )
    lacking = theirs - {home for (home,) in await plainly(session, heads)}
    if not lacking:
        return found
    others = select(Membership.household_id).where(*belongs, among(Membership.household_id, lacking)).distinct()
    peopled = set(await session.scalars(others))
    named = select(Household.id, Household.number).where(
        Household.tenant_id == who.county.id, among(Household.id, lacking)
    )
    numbers = {row.id: row.number for row in await session.execute(named)}
    for due in dues:
        if due.household in lacking:
            code, number = Code.NO_HEAD if due.household in peopled else Code.NO_MEMBERS, numbers[due.household]
            found[due.case] = code.problem("household", number, number=number, day=day(who.at.today))
    return found
