"""评选: a village selects among those that are eligible, within its quota.

The quota is counted for the village and the period: a share of its registered households, rounded down. What was
selected before counts; of two selections at once the second sees the first. Base and quota stand in the history.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Entered
from bangfu.cases.acts import Change, Report, judged, note_missing, stage_for, write
from bangfu.cases.ground import Ground, Rules
from bangfu.cases.views import CaseView, Selection, Stated, look
from bangfu.db import hold
from bangfu.db.bulk import among
from bangfu.errors import Code
from bangfu.models import Case, Household, Standing
from bangfu.process import CLOSED, END_TITLES, Move, Select
from bangfu.registry.divisions import VILLAGE, Places
from bangfu.registry.history import holds
from bangfu.selection import quota


async def choose(
    session: AsyncSession,
    who: Entered,
    ground: Ground,
    selection: Selection,
    *,
    selected: bool = True,
    stated: Stated | None = None,
) -> Report:
    """Select the cases, or pass them over for this time; a village that would exceed its quota selects none of them.

    Refuses, per household, ``QUOTA_EXCEEDED`` and what the process refuses.
    """
    stated = stated or Stated()
    views = await look(session, who, ground, selection, stated.day)
    report, moves = judged(
        who,
        ground,
        views,
        stated,
        stage_for(Select, ground.programme.process),
        lambda case, act: case.rules.proceedings.select(case.view, act, selected),
    )
    note_missing(report, ground, views, selection)
    villages: dict[int, list[tuple[CaseView, Move]]] = {}
    for case, move in moves:
        villages.setdefault(case.division, []).append((case, move))
    changes = [Change(case, move, {}, {}) for case, move in moves]
    if selected and moves:
        changes = await _within_quota(session, who, ground, villages, stated, report)
    await write(session, who, "select" if selected else "pass_over", changes, stated, report)
    return report


async def _within_quota(
    session: AsyncSession,
    who: Entered,
    ground: Ground,
    villages: dict[int, list[tuple[CaseView, Move]]],
    stated: Stated,
    report: Report,
) -> list[Change]:
    stage = ground.programme.process.first(Select)
    for village in sorted(villages):
        await hold(session, f"{ground.programme.code}/{ground.period.key}/{stage.code}/{village}")
    before = await _selected(session, who, ground, villages)
    places = await Places.on(session, stated.on(who))
    bases: dict[UUID, dict[int, int]] = {}
    changes = []
    for village, moves in villages.items():
        rules = moves[0][0].rules
        if rules.id not in bases:
            bases[rules.id] = await _base(session, who, rules, stage, villages, stated.on(who))
        base = bases[rules.id].get(village, 0)
        places_left = _quota(rules, stage, base)
        already = before.get(village, 0)
        if already + len(moves) > places_left:
            problem = Code.QUOTA_EXCEEDED.problem(
                "cases", village=places.named(village), quota=places_left, base=base, selected=already, more=len(moves)
            )
            report.refused += [(case.number, problem) for case, _ in moves]
            continue
        changes += [Change(case, move, {}, {"quota": places_left, "base": base}) for case, move in moves]
    return changes


def _quota(rules: Rules, stage: Select, base: int) -> int:
    return quota(base, getattr(rules.parameters, stage.rate), getattr(rules.parameters, stage.minimum))


@dataclass(frozen=True, slots=True)
class VillageQuota:
    """How many households a village may select in a period 名额: the registered households that it is counted of, the
    quota, and how many it has selected."""

    village: int
    name: str
    base: int
    quota: int
    selected: int


async def quotas(
    session: AsyncSession, who: Entered, ground: Ground, area: tuple[int, int] | None = None
) -> list[VillageQuota]:
    """The quota of every village that lies in the actor's areas (and in one of them), as it is today, in three
    statements.

    By the newest edition of the rules. Who sees single households and no village is told nothing: he would count those
    alone. A programme without a selection has none.
    """
    stage = next(ground.programme.process.kind(Select), None)
    if stage is None:
        return []
    places = await Places.on(session, who.at.today)
    villages = [
        place.code
        for place in places.by_code.values()
        if place.level == VILLAGE
        and any(low <= place.code <= high for low, high in who.scope.areas)
        and (area is None or area[0] <= place.code <= area[1])
    ]
    rules = ground.latest
    bases = await _base(session, who, rules, stage, villages, who.at.today)
    selected = await _selected(session, who, ground, villages)
    return [
        VillageQuota(
            village,
            places.named(village),
            bases.get(village, 0),
            _quota(rules, stage, bases.get(village, 0)),
            selected.get(village, 0),
        )
        for village in villages
    ]


async def _selected(session: AsyncSession, who: Entered, ground: Ground, villages: Iterable[int]) -> dict[int, int]:
    """How many of each village are selected already in the period: those beyond the selection that have not ended
    otherwise than by being paid."""
    not_yet = {*ground.programme.process.early(), *END_TITLES.keys() - {CLOSED}}
    rows = await session.execute(
        select(Case.division, func.count())
        .where(
            Case.tenant_id == who.county.id,
            Case.programme == ground.programme.code,
            Case.period == ground.period.key,
            among(Case.division, villages),
            Case.stage.not_in(not_yet),
        )
        .group_by(Case.division)
    )
    return {row[0]: row[1] for row in rows}


async def _base(
    session: AsyncSession,
    who: Entered,
    rules: Rules,
    stage: Select,
    villages: Iterable[int],
    day: date,
) -> dict[int, int]:
    """How many registered households each village has on a day."""
    counted = [str(one) for one in getattr(rules.parameters, stage.counted)]
    rows = await session.execute(
        select(Household.division, func.count())
        .join(Standing, (Standing.tenant_id == Household.tenant_id) & (Standing.household_id == Household.id))
        .where(
            Household.tenant_id == who.county.id,
            among(Household.division, villages),
            Standing.standing.in_(counted),
            holds(Standing, day),
        )
        .group_by(Household.division)
    )
    return {row[0]: row[1] for row in rows}
