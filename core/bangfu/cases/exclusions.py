"""What does not go together 互斥: a household with a live case in one programme that another excludes.

Asked when a case is opened or its plan corrected, and again before it is paid. Programmes declare it of each other; it
holds both ways.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import func, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Entered
from bangfu.cases.claims import SPANS
from bangfu.cases.ground import Ground
from bangfu.db.bulk import among
from bangfu.errors import Code, Problem
from bangfu.models import Case
from bangfu.process import CLOSED, END_TITLES
from bangfu.programme import Exclusion, Programme, Span, installed

_DEAD = sorted(END_TITLES.keys() - {CLOSED})
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
                Case.stage.not_in(_DEAD),
                same,
            )
        )
        for household in rows:
            found[household] = Code.EXCLUDED.problem(
                "household", households[household], span=SPANS[one.period], programme=other.title, why=one.why
            )
    return found
