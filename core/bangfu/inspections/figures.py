"""What bases come to: how many there are of each level and kind, whom they serve, and where their notices stand.

Every total is that of its lines, and the lists beside them find the lines by the same conditions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Action, Entered
from bangfu.models import BaseAssessment, SupportBase
from bangfu.programme import InspectionProgramme
from bangfu.registry.divisions import area_of


@dataclass(frozen=True, slots=True)
class BaseLine:
    """The bases of one level, rural or not: how many, and how many persons they employ, lead, and of them are poor."""

    level: str
    rural: bool
    bases: int
    placed: int
    led: int
    poor: int


@dataclass(frozen=True, slots=True)
class Notices:
    """Rectification notices: how many were issued, and of these are open, of the open overdue, and closed."""

    issued: int = 0
    open: int = 0
    overdue: int = 0
    closed: int = 0


@dataclass(frozen=True, slots=True)
class Figures:
    """What the bases in sight come to."""

    lines: Sequence[BaseLine] = ()
    notices: Notices = field(default_factory=Notices)

    def total(self, name: str) -> int:
        """The sum of a number over the lines."""
        return sum(getattr(line, name) for line in self.lines)

    @property
    def rural(self) -> int:
        """How many of the bases are rural ones."""
        return sum(line.bases for line in self.lines if line.rural)


def stands() -> ColumnElement[bool]:
    """The condition that a base counts: it is confirmed, and not ended."""
    return and_(SupportBase.confirmed.is_(True), SupportBase.ended_at.is_(None))


async def figures(
    session: AsyncSession, who: Entered, programme: InspectionProgramme, division: int | None = None
) -> Figures:
    """What the bases in sight come to, or those of a division, in two statements. Refuses ``FORBIDDEN``."""
    who.require(Action.READ_INSPECTIONS, programme.code)
    lo, hi = area_of(division or who.county.area[0])
    last = (
        select(
            BaseAssessment.base_id, BaseAssessment.placed, BaseAssessment.led, BaseAssessment.poor
        )
        .where(BaseAssessment.tenant_id == who.county.id, BaseAssessment.agreed.is_(True))
        .ext(distinct_on(BaseAssessment.base_id))
        .order_by(BaseAssessment.base_id, BaseAssessment.effective_on.desc(), BaseAssessment.recorded_at.desc())
        .subquery("last")
    )  # fmt: skip
    counted = (
        select(
            SupportBase.level,
            SupportBase.rural,
            func.count().label("bases"),
            *(
                func.sum(func.coalesce(last.c[name], getattr(SupportBase, name))).label(name)
                for name in ("placed", "led", "poor")
            ),
        )
        .outerjoin(last, last.c.base_id == SupportBase.id)
        .where(
            SupportBase.tenant_id == who.county.id,
            SupportBase.programme == programme.code,
            SupportBase.division.between(lo, hi),
            stands(),
        )
        .group_by(SupportBase.level, SupportBase.rural)
    )
    order = {level.code: place for place, level in enumerate(programme.levels)}
    lines = [BaseLine(**row._mapping) for row in await session.execute(counted)]
    closed = BaseAssessment.closed_on.is_not(None)
    overdue = and_(BaseAssessment.closed_on.is_(None), BaseAssessment.due_on < who.at.today)
    issued = select(
        func.count(), func.count(case((~closed, 1))), func.count(case((overdue, 1))), func.count(case((closed, 1)))
    ).where(
        BaseAssessment.tenant_id == who.county.id,
        BaseAssessment.programme == programme.code,
        BaseAssessment.division.between(lo, hi),
        BaseAssessment.notice.is_not(None),
    )
    counts = (await session.execute(issued)).one()
    return Figures(sorted(lines, key=lambda line: (order[line.level], not line.rural)), Notices(*map(int, counts)))
