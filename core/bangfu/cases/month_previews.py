"""核定预览: what deciding a month would change, a case at a time and by township; nothing is written.

It is worked out as :mod:`bangfu.cases.month_runs` has it done, and says what that would say.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Action, Entered
from bangfu.cases.ground import Ground
from bangfu.cases.months import Decision, Payee, decidable, decided, in_sight, payees, require_begun, since_of, stage_of
from bangfu.cases.scanning import PART, Key, Page, count_of, page_of
from bangfu.cases.views import Selection
from bangfu.errors import Problem
from bangfu.registry.divisions import Places, township_of


@dataclass(frozen=True, slots=True)
class Previewed:
    """A case of which deciding a month would change something: the decisions that would be made, by month, and why it
    could not be decided."""

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
    """The next ``first`` cases after a place, of an area if one is given, of which deciding a month would change
    something, as far as :func:`decidable`; nothing is written. With ``whole``, every
    month up to it is worked out again of everybody.

    A page that went through ``MOST_SCANNED`` cases ends there, full or not. Refuses ``FORBIDDEN``, ``NOT_FOUND`` where
    nothing is paid by the month, ``BAD_VALUE`` and ``MONTH_NOT_BEGUN``.
    """
    parts = (
        (len(cases), cases[-1].key, differing)
        async for cases, differing in _previewed(session, who, ground, month, after, area, whole=whole)
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
    """How many cases :func:`preview` lists; more than ``most`` are not counted. Refuses the same."""
    parts = _previewed(session, who, ground, month, None, area, whole=whole)
    return await count_of((differing async for _, differing in parts), most)


async def preview_figures(
    session: AsyncSession,
    who: Entered,
    ground: Ground,
    month: int,
    area: tuple[int, int] | None = None,
    *,
    whole: bool = False,
) -> list[TownshipMonths]:
    """What deciding a month would come to, by township, of the same cases as :func:`preview`. Refuses the same."""
    places = await Places.on(session, who.at.today)
    found: dict[int, TownshipMonths] = {}
    async for cases, differing in _previewed(session, who, ground, month, None, area, whole=whole):
        for case in cases:
            code = township_of(case.division)
            found.setdefault(code, TownshipMonths(code, places.named(code))).cases += 1
        for one in differing:
            own = found[township_of(one.case.division)]
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


async def _previewed(
    session: AsyncSession,
    who: Entered,
    ground: Ground,
    month: int,
    after: Key | None,
    area: tuple[int, int] | None,
    *,
    whole: bool,
) -> AsyncIterator[tuple[Sequence[Payee], list[Previewed]]]:
    """The cases that are or were paid every month, some at a time, and those of them that deciding would change."""
    who.require(Action.READ_CASES, ground.programme.code)
    stage_of(ground)
    require_begun(who, ground, month)
    since = None if whole else await since_of(session, who, ground)
    areas = decidable(who, area)
    if not areas:
        return
    while True:
        cases = await payees(session, who, ground, Selection(areas=areas, after=after, limit=PART))
        if not cases:
            return
        found = await decided(session, who, ground, await in_sight(session, who, cases), month, since)
        decisions: dict[UUID, list[Decision]] = {}
        for one in found.decisions:
            decisions.setdefault(one.case.id, []).append(one)
        problems: dict[str, list[Problem]] = {}
        for number, problem in found.refused:
            problems.setdefault(number, []).append(problem)
        yield (
            cases,
            [
                Previewed(case, tuple(decisions.get(case.id, ())), tuple(problems.get(case.number, ())))
                for case in cases
                if case.id in decisions or case.number in problems
            ],
        )
        if len(cases) < PART:
            return
        after = cases[-1].key
