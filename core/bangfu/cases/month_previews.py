"""核定预览: what deciding a month would change, a person at a time and by township; nothing is written.

It is worked out as :mod:`bangfu.cases.month_runs` has it done, of the same years, and says what that would say. Who
does not see the runs of the years before, because they went over a larger area than his, is told of this one alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import or_, select, tuple_, union
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Action, Entered
from bangfu.cases.ground import Ground
from bangfu.cases.month_runs import years
from bangfu.cases.months import Decision, Payee, decidable, decided, in_sight, payees, require_begun, since_of, stage_of
from bangfu.cases.scanning import PART, Key, Page, count_of, page_of
from bangfu.cases.views import Selection
from bangfu.errors import Problem
from bangfu.models import Case
from bangfu.registry.divisions import Places, township_of


@dataclass(frozen=True, slots=True)
class Previewed:
    """A person of whom deciding a month would change something: his case, the last one where he had one in a village
    year by year; the decisions that would be made of them all, by year and month; and why some could not be made."""

    case: Payee
    decisions: tuple[Decision, ...]
    problems: tuple[Problem, ...]

    @property
    def key(self) -> Key:
        """Its place in the list."""
        return self.case.key

    @property
    def difference(self) -> int:
        """What it adds in fen to what was due of the case before; negative where it takes back."""
        return sum(one.difference for one in self.decisions)


@dataclass(slots=True)
class TownshipMonths:
    """What deciding a month would come to in one township: how many are or were paid there, how many decisions would be
    made, how many of them change an earlier one, and how many cannot be decided; what months that were never decided
    are due, and what is added to and taken back of the others, in fen."""

    code: int
    name: str
    cases: int = 0
    decided: int = 0
    changed: int = 0
    refused: int = 0
    due_fen: int = 0
    more_fen: int = 0
    less_fen: int = 0


async def preview(
    session: AsyncSession,
    who: Entered,
    ground: Ground,
    month: int,
    first: int,
    after: Key | None = None,
    area: tuple[int, int] | None = None,
    *,
    whole: bool = False,
) -> Page[Previewed]:
    """The next ``first`` persons after a place, of an area if one is given, of whom deciding a month would change
    something, in this year or in one before it, as far as :func:`decidable`; nothing is written. With ``whole``, every
    month up to it is worked out again of everybody.

    A page that went through ``MOST_SCANNED`` persons ends there, full or not. Refuses ``FORBIDDEN``, ``NOT_MONTHLY``
    where nothing is paid by the month, ``BAD_VALUE`` and ``MONTH_NOT_BEGUN``.
    """
    parts = (
        (part.scanned, part.last, part.differing)
        async for part in _previewed(session, who, ground, month, after, area, whole=whole)
    )
    return await page_of(parts, first, after)


async def preview_count(
    session: AsyncSession,
    who: Entered,
    ground: Ground,
    month: int,
    most: int,
    area: tuple[int, int] | None = None,
    *,
    whole: bool = False,
) -> int:
    """How many persons :func:`preview` lists; more than ``most`` are not counted. Refuses the same."""
    parts = _previewed(session, who, ground, month, None, area, whole=whole)
    return await count_of((part.differing async for part in parts), most)


async def preview_figures(
    session: AsyncSession,
    who: Entered,
    ground: Ground,
    month: int,
    area: tuple[int, int] | None = None,
    *,
    whole: bool = False,
) -> list[TownshipMonths]:
    """What deciding a month would come to, by township, of the same persons as :func:`preview`. Refuses the same."""
    places = await Places.on(session, who.at.today)
    found: dict[int, TownshipMonths] = {}

    def of(case: Payee) -> TownshipMonths:
        code = township_of(case.division)
        return found.setdefault(code, TownshipMonths(code, places.named(code)))

    async for part in _previewed(session, who, ground, month, None, area, whole=whole):
        for case in part.cases:
            of(case).cases += 1
        for one in part.differing:
            own = of(one.case)
            own.refused += bool(one.problems)
            for made in one.decisions:
                own.decided += 1
                if made.before is None:
                    own.due_fen += made.amount
                else:
                    own.changed += 1
                    own.more_fen += max(0, made.difference)
                    own.less_fen += max(0, -made.difference)
    return list(found.values())


@dataclass(slots=True)
class _Part:
    """Some persons in the order of the list: how many, up to which place, their cases of the year itself that are or
    were paid, and those of whom deciding would change something."""

    scanned: int
    last: Key
    cases: Sequence[Payee] = ()
    differing: list[Previewed] = field(default_factory=list)


async def _previewed(
    session: AsyncSession,
    who: Entered,
    ground: Ground,
    month: int,
    after: Key | None,
    area: tuple[int, int] | None,
    *,
    whole: bool,
) -> AsyncIterator[_Part]:
    """Whoever has a case in one of the years, some at a time, with what deciding would change of all of them."""
    who.require(Action.READ_CASES, ground.programme.code)
    stage_of(ground)
    require_begun(who, ground, month)
    areas = decidable(who, area)
    if not areas:
        return
    over = [
        (own, upto, None if whole else await since_of(session, who, own))
        for own, upto in await years(session, who, ground, month)
    ]
    while True:
        places = await _places(session, who, [own for own, _, _ in over], areas, after)
        if not places:
            return
        part = _Part(len(places), places[-1])
        selection = Selection(areas=areas, after=after, upto=part.last)
        cases: dict[Key, Payee] = {}
        decisions: dict[Key, list[Decision]] = {}
        problems: dict[Key, list[Problem]] = {}
        for own, upto, since in over:  # the year itself comes last
            part.cases = await payees(session, who, own, selection)
            found = await decided(session, who, own, await in_sight(session, who, part.cases), upto, since)
            keys = {case.number: case.key for case in part.cases}
            cases |= {case.key: case for case in part.cases}
            for one in found.decisions:
                decisions.setdefault(one.case.key, []).append(one)
            for number, problem in found.refused:
                problems.setdefault(keys[number], []).append(problem)
        part.differing = [
            Previewed(cases[key], tuple(decisions.get(key, ())), tuple(problems.get(key, ())))
            for key in places
            if key in decisions or key in problems
        ]
        yield part
        if len(places) < PART:
            return
        after = part.last


async def _places(
    session: AsyncSession,
    who: Entered,
    over: Sequence[Ground],
    areas: Sequence[tuple[int, int]],
    after: Key | None,
) -> list[Key]:
    """The next places at which somebody has a case in one of some years, in one statement."""
    own = []
    for ground in over:
        query = select(Case.division, Case.number).where(
            Case.tenant_id == who.county.id,
            Case.programme == ground.programme.code,
            Case.period == ground.period.key,
            or_(*(Case.division.between(low, high) for low, high in areas)),
        )
        if after is not None:
            query = query.where(tuple_(Case.division, Case.number) > tuple_(*after))
        # Of each year in its order and no more than are wanted: an index has them so.
        own.append(select(query.order_by(Case.division, Case.number).limit(PART).subquery()))
    found = union(*own).subquery()
    rows = await session.execute(select(found).order_by(found.c.division, found.c.number).limit(PART))
    return [(division, number) for division, number in rows]
