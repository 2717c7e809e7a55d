"""What is done to cases that are paid every month, beside deciding their months: verified again, and carried into the
next year."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import payments
from bangfu.access import Action, Entered
from bangfu.cases import claims
from bangfu.cases.acts import Change, Report, event_of, judged, note_missing, write
from bangfu.cases.ground import Ground
from bangfu.cases.months import stage_of, went
from bangfu.cases.views import CaseView, Selection, Stated, look
from bangfu.cases.whom import of_persons
from bangfu.db import hold
from bangfu.db.bulk import among, insert_new, insert_rows
from bangfu.errors import Code, Problem
from bangfu.models import Case, CaseEvent, Circumstance, Claim, Household, Person, new_id
from bangfu.process import CLOSED, Act, Course, Move, Plan, half_of
from bangfu.process.months import UNDO
from bangfu.registry.divisions import township_of
from bangfu.registry.history import holds
from bangfu.text import Text, day

REVERIFY, CARRY = "reverify", "carry"
"""The acts, as events name them."""


# --- verified again -------------------------------------------------------------------------------------------


async def reverify(
    session: AsyncSession,
    who: Entered,
    ground: Ground,
    selection: Selection,
    finding: str,
    stated: Stated | None = None,
) -> Report:
    """Write down that the selected persons were verified again 重新核查, and what was found.

    It changes nothing by itself: what is found to be otherwise is entered in the registers, or ends the case. Refuses,
    per person, ``PERSON_DEAD`` of whom a death is on record by the day.
    """
    stated = stated or Stated()
    stage = stage_of(ground).code
    views = await look(session, who, ground, selection, stated.day)
    dead = await payments.deaths(session, who)

    def verify(case: CaseView, act: Act) -> Move | Problem:
        died = dead.get(case.person) if case.person is not None else None
        if died is not None and died <= act.day:
            return Code.PERSON_DEAD.problem("person", case.number, number=case.number, day=day(died))
        return case.rules.proceedings.reverify(case.view, act, finding)

    report, moves = judged(who, ground, views, stated, stage, verify, resting=True)
    note_missing(report, ground, views, selection)
    changes = [Change(case, move, {"since": case.view.since}, {"finding": finding}) for case, move in moves]
    await write(session, who, REVERIFY, changes, stated, report)
    return report


@dataclass(frozen=True, slots=True)
class Unverified:
    """Somebody who is paid every month and has not been verified in the span that a day lies in; without a name where
    he has moved out of sight and his case has not."""

    number: str
    name: str
    division: int

    @property
    def key(self) -> tuple[int, str]:
        """Its place in the list."""
        return self.division, self.number


@dataclass(frozen=True, slots=True)
class Span:
    """The span in which everybody is verified once: its first and last day."""

    first: date
    last: date


def span_of(ground: Ground, on: date) -> Span:
    """The span that a day lies in; refuses ``BAD_VALUE`` for a day of another period."""
    if on not in ground.period:
        expected = Text(f"{ground.period.key} 年内的日期", f"a day of {ground.period.key}")
        raise Code.BAD_VALUE.refuse("day", field=Text("日期", "day"), value=on, expected=expected)
    months: int = getattr(ground.latest.parameters, stage_of(ground).recheck_months)
    return Span(*half_of(on, months))


async def unverified(
    session: AsyncSession,
    who: Entered,
    ground: Ground,
    on: date,
    first: int,
    after: tuple[int, str] | None = None,
) -> list[Unverified]:
    """A page of those who have not been verified in the span of a day, by village and number, in one statement.

    Who came to be paid within the span has been verified by that, and of whom a death is on record by the day, nobody
    is to verify anything. Whose case was carried into the next year stays on the list of the old one. Refuses
    ``FORBIDDEN`` and ``BAD_VALUE``.
    """
    who.require(Action.READ_CASES, ground.programme.code)
    query = (
        _unverified(who, ground, on, Case.number, func.coalesce(Person.name, ""), Case.division)
        .outerjoin(Person, (Person.tenant_id == Case.tenant_id) & (Person.id == Case.person_id))
        .order_by(Case.division, Case.number)
        .limit(first)
    )
    if after is not None:
        query = query.where(tuple_(Case.division, Case.number) > tuple_(*after))
    return [Unverified(*row) for row in await session.execute(query)]


async def unverified_counts(session: AsyncSession, who: Entered, ground: Ground, on: date) -> dict[int, int]:
    """How many of each township have not been verified in the span of a day, in one statement."""
    who.require(Action.READ_CASES, ground.programme.code)
    query = _unverified(who, ground, on, Case.division, func.count()).group_by(Case.division)
    found: dict[int, int] = {}
    for village, count in (await session.execute(query)).all():
        township = township_of(village)
        found[township] = found.get(township, 0) + count
    return dict(sorted(found.items()))


def _unverified(who: Entered, ground: Ground, on: date, *columns: Any) -> Any:
    span = span_of(ground, on)
    stage = stage_of(ground).code
    # Who is carried on, or whose end is taken back, was reviewed by nobody.
    came = (CaseEvent.to_stage == stage) & (CaseEvent.from_stage != stage) & CaseEvent.act.not_in((CARRY, UNDO))
    verified = (
        select(CaseEvent.id)
        .where(
            CaseEvent.tenant_id == Case.tenant_id,
            CaseEvent.case_id == Case.id,
            (CaseEvent.act == REVERIFY) | came,
            CaseEvent.effective_on.between(span.first, span.last),
        )
        .correlate(Case)
    )
    dead = (
        select(Circumstance.id)
        .where(
            Circumstance.tenant_id == Case.tenant_id,
            Circumstance.person_id == Case.person_id,
            Circumstance.kind == "death",
            holds(Circumstance, on),
        )
        .correlate(Case)
    )
    return select(*columns).where(
        Case.tenant_id == who.county.id,
        Case.programme == ground.programme.code,
        Case.period == ground.period.key,
        Case.stage.in_((stage, CLOSED)),  # closed by being carried, and by nothing else
        ~verified.exists(),
        ~dead.exists(),
    )


# --- carried into the next year -------------------------------------------------------------------------------


async def carry(
    session: AsyncSession,
    who: Entered,
    ground: Ground,
    following: Ground,
    selection: Selection,
    stated: Stated | None = None,
) -> Report:
    """Let the selected cases go over into the next year 结转: a case of that year begins where each one stands, and the
    old one is closed. What becomes known of the old year's months later is decided for the old case all the same.

    ``following`` is the next year, which is open. Nobody applies again for it, and nothing is decided by it. A case
    that rests goes on resting, and what it rested of days of the next year counts there. From December on. Refuses
    ``BAD_VALUE`` for a year that does not follow, ``STAGE_NOT_OPEN``, and per case ``ALREADY_CLAIMED`` for who has a
    case of that year.
    """
    stated = stated or Stated()
    stage = stage_of(ground)
    if following.period.year != ground.period.year + 1:
        expected = Text(str(ground.period.year + 1), str(ground.period.year + 1))
        raise Code.BAD_VALUE.refuse(
            "following", field=Text("年度", "year"), value=following.period.key, expected=expected
        )
    if stated.on(who) < (earliest := date(ground.period.year, 12, 1)):
        raise Code.STAGE_NOT_OPEN.refuse("day", stage=Text("结转", "carrying over"), opens=day(earliest))
    # A case that two carry at once is carried once: the claim to the next year's case is taken in one order.
    await hold(session, f"{ground.programme.code}/months")
    views = await look(session, who, ground, selection, stated.day)
    if selection.numbers is None:
        views = [case for case in views if case.view.stage == stage.code]
    report, moves = judged(
        who,
        ground,
        views,
        stated,
        stage.code,
        lambda case, act: case.rules.proceedings.carry(case.view, act),
        Action.PAY_CASES,
        resting=True,
    )
    note_missing(report, ground, views, selection)
    made = {case.id: new_id() for case, _ in moves}
    common = {"tenant_id": who.county.id, "programme": ground.programme.code, "period": following.period.key}
    wanted = [
        {**common, "kind": claims.CASE, "key": str(case.whom.id), "case_id": made[case.id], "division": case.division}
        for case, _ in sorted(moves, key=lambda one: one[0].whom.id)
    ]
    won = await insert_new(session, Claim, wanted, "case_id")
    report.refused += [(case.number, _claimed(case, following)) for case, _ in moves if made[case.id] not in won]
    courses = await went(session, who, {case.id for case, _ in moves}, who.at.now)
    homes = {
        one.person: one for one in await of_persons(session, who, [case.person for case, _ in moves if case.person])
    }
    villages = await _villages(session, who, [one.household for one in homes.values()])
    going = [
        Change(case, move, {"paused_on": None}, {"to": str(made[case.id])})
        for case, move in moves
        if made[case.id] in won
    ]
    done = await write(session, who, CARRY, going, stated, report)
    cases, events = [], []
    first = ground.programme.process.first(Plan).code
    for change in done:
        old, key = change.case, made[change.case.id]
        home = homes.get(old.person, old.whom)
        village = villages.get(home.household, old.division)
        cases.append({
            **common,
            "id": key,
            "edition_id": following.latest.id,
            "number": old.number,
            "household_id": home.household,
            "person_id": old.person,
            "division": village,
            "stage": stage.code,
            "version": 1,
            "round": 0,
            "since": following.period.first_day,
            "opened_on": old.opened_on,  # nobody applies anew: every month of the new year counts
            "stated": old.stated,
            "paused_on": old.paused_on,
        })  # fmt: skip
        data: dict[str, Any] = {"from": str(old.id)}
        course = courses.get(old.id, Course())
        if rests := [rest.kept() for rest in course.rests if rest.reaches(following.period.first_day)]:
            data["rests"] = rests
        move = Move(stage.code, change.move.duty)
        events.append(event_of(who, stated, key, village, 1, CARRY, first, move, data))
    await insert_rows(session, Case, cases)
    await insert_rows(session, CaseEvent, events)
    return report


async def _villages(session: AsyncSession, who: Entered, households: Collection[UUID]) -> dict[UUID, int]:
    """The villages of households, in one statement."""
    query = select(Household.id, Household.division).where(
        Household.tenant_id == who.county.id, among(Household.id, households)
    )
    return {row.id: row.division for row in await session.execute(query)}


def _claimed(case: CaseView, following: Ground) -> Problem:
    programme = following.programme.title
    return Code.ALREADY_CLAIMED.problem(*case.path, programme=programme, period=following.period.key)


async def with_origins(session: AsyncSession, who: Entered, cases: Collection[UUID]) -> set[UUID]:
    """Some cases, and those that they were carried on from, in a statement a year."""
    found = set(cases)
    open_ = found
    while open_:
        query = select(CaseEvent.data["from"].astext).where(
            CaseEvent.tenant_id == who.county.id,
            CaseEvent.act == CARRY,
            CaseEvent.data.has_key("from"),
            among(CaseEvent.case_id, open_),
        )
        open_ = {UUID(origin) for origin in await session.scalars(query)} - found
        found |= open_
    return found
