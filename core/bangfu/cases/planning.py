"""Plans: each opens one case a beneficiary, or corrects the plan of a case that is not on notice yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import null, select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Action, Entered
from bangfu.cases import attesting, claims, exclusions, participants
from bangfu.cases.acts import Change, Report, act_of, event_of, overtaken, permitted, recorded, sent_back, write
from bangfu.cases.gather import raw_stated
from bangfu.cases.ground import Ground, Rules
from bangfu.cases.views import CaseView, Selection, Stated, look
from bangfu.cases.whom import Whom
from bangfu.db.bulk import among, insert_new, insert_rows
from bangfu.errors import Code, Problem
from bangfu.models import Case, CaseEvent, Claim, Household, HouseholdCadre, Membership, Person, new_id
from bangfu.process import WITHDRAWN, Move, Plan
from bangfu.programme import Span
from bangfu.registry.history import held
from bangfu.rules.facts import FactSpec, Kind
from bangfu.text import day


@dataclass(frozen=True, slots=True)
class PlanStated:
    """A plan as it is stated: the number of the household or, where the programme is for persons, of the person, the
    facts by name (typed), the act of planning, who takes part: household numbers by role, and which organizations are
    to attest a fact that is then not stated: credit codes by fact."""

    number: str
    facts: Mapping[str, Any]
    stated: Stated
    participants: Mapping[str, Sequence[str]] = field(default_factory=dict)
    attesters: Mapping[str, str] = field(default_factory=dict)

    def raw(self, specs: Mapping[str, FactSpec]) -> dict[str, Any]:
        """What is stated, in raw form; what is left to be attested is not there."""
        return raw_stated(specs, {name: value for name, value in self.facts.items() if value is not None})


@dataclass(frozen=True, slots=True)
class Ready:
    """A plan that may open a case."""

    plan: PlanStated
    case: UUID
    target: Target
    move: Move
    parts: participants.Parts
    asks: Mapping[str, UUID]


@dataclass(frozen=True, slots=True)
class Amendment:
    """A plan that corrects the one a case was opened with."""

    plan: PlanStated
    case: CaseView
    move: Move
    parts: participants.Parts
    asks: Mapping[str, UUID]


@dataclass(frozen=True, slots=True)
class Judged:
    """What may become of some plans: cases to open, plans to correct, and the report of the others."""

    report: Report
    ready: list[Ready]
    amended: list[Amendment]


async def plan(session: AsyncSession, who: Entered, ground: Ground, plans: Sequence[PlanStated]) -> Report:
    """Open one case a beneficiary with its plan, or correct the plan of a case that is not on notice yet.

    The same plan again changes nothing. Refuses, per beneficiary: ``NOT_FOUND`` (also where it is out of sight),
    ``ALREADY_CLAIMED``, ``STATED_NOT_ALLOWED``, ``MISSING_VALUE``, ``BAD_VALUE`` for an organization that attests
    nothing here, and what the process refuses.
    """
    found = await judge_plans(session, who, ground, plans)
    report = found.report
    opened, late = await open_cases(session, who, ground, found.ready)
    report.done += [item.plan.number for item in opened]
    report.refused += [(item.plan.number, _claimed_already(ground)) for item in late]
    await amend_plans(session, who, ground, found.amended, report)
    return report


async def judge_plans(session: AsyncSession, who: Entered, ground: Ground, plans: Sequence[PlanStated]) -> Judged:
    """Which plans may open a case or correct one, and what is wrong with the others; nothing is written."""
    rules, report = ground.latest, Report()
    targets = await _targets(session, who, ground, plans)
    places = await _places(session, who, plans)
    taken = await _claimed(session, who, ground, [target.id for target in targets.values()])
    specs, first = ground.programme.stated(), ground.programme.process.first(Plan).code
    again = [item.number for item in plans if item.number in targets and str(targets[item.number].id) in taken]
    views = await look(session, who, ground, Selection(numbers=again)) if again else []
    cases = {case.number: case for case in views}
    before, asked = await parts_of(session, who, views), await attesting.asked(session, who, views)
    units = await attesting.units(session, who, {code for item in plans for code in item.attesters.values()})
    whose = {one for target in targets.values() for one in (target.id, target.household)}
    has = await claims.held(session, who, rules, {*whose, *(place.id for place in places.values())})
    excluded = await exclusions.against(session, who, ground, list(targets.values()))
    kind = ground.programme.beneficiary.value
    ready: list[Ready] = []
    amended: list[Amendment] = []
    for item in plans:
        target = targets.get(item.number)
        if target is None:
            report.refused.append((item.number, Code.NOT_FOUND.problem(kind, what=item.number)))
            continue
        case = cases.pop(item.number, None)
        on = item.stated.on(who)
        problem = recorded(who, ground, item.stated, first)
        problem = problem or permitted(who, ground, item.stated, first, Action.WORK_ON_CASES)
        problem = problem or (overtaken(case, item.stated) if case else None)
        problem = (
            problem
            or _ill_stated(item, specs, who.at.today)
            or participants.ill_named(ground, item.participants, item.number)
            or attesting.ill_named(ground.programme, item.attesters, units)
        )
        problem = problem or _unknown_part(item, places)
        if problem is None and case is None and str(target.id) in taken:
            problem = _claimed_already(ground)
        elif (
            problem is None
            and case
            and case.view.stage != WITHDRAWN
            and case.marked is None
            and (case.stated, case.opened_on) == (item.raw(specs), on)
            and before.get(case.id, {}) == {role: sorted(own) for role, own in item.participants.items()}
            and (case.view.stage in attesting.ENDS or asked.get(case.id, {}) == item.attesters)
        ):
            report.unchanged.append(item.number)
            continue
        problem = problem or excluded.get(target.id) or _had(rules, case, target, has)
        key = case.id if case else new_id()
        parts: dict[str, list[participants.Place]] = {}
        if problem is None:
            parts = {role: [places[number] for number in own] for role, own in item.participants.items()}
            problem = _taken_part(rules, key, parts, has)
        act = act_of(who, item.stated, target.division, target.cadre)
        asks = {} if problem else {fact: units[code].id for fact, code in item.attesters.items()}
        move = problem or (case.rules.proceedings.amend(case.view, act) if case else rules.proceedings.plan(act))
        if isinstance(move, Problem):
            report.refused.append((item.number, move))
        elif case:
            amended.append(Amendment(item, case, move, parts, asks))
        else:
            taken.add(str(target.id))
            ready.append(Ready(item, key, target, move, parts, asks))
    return Judged(report, ready, amended)


async def _places(session: AsyncSession, who: Entered, plans: Sequence[PlanStated]) -> dict[str, participants.Place]:
    """The households that take part, by number, as far as they are in sight."""
    numbers = {number for item in plans for own in item.participants.values() for number in own}
    if not numbers:
        return {}
    rows = await session.execute(
        select(Household.number, Household.id, Household.division).where(
            Household.tenant_id == who.county.id, among(Household.number, numbers)
        )
    )
    return {row.number: participants.Place(row.id, row.division, row.number) for row in rows}


async def parts_of(session: AsyncSession, who: Entered, views: Sequence[CaseView]) -> dict[UUID, dict[str, list[str]]]:
    """The numbers of those who take part in cases, by role."""
    found: dict[UUID, dict[str, list[str]]] = {}
    if any(case.rules.programme.participants for case in views):
        for one in await participants.standing(session, who, [case.id for case in views]):
            found.setdefault(one.case, {}).setdefault(one.role, []).append(one.number)
    return found


def _unknown_part(plan: PlanStated, places: Mapping[str, participants.Place]) -> Problem | None:
    """That somebody takes part who is not in sight."""
    for role, own in plan.participants.items():
        for number in own:
            if number not in places:
                return Code.NOT_FOUND.problem("participants", role, what=number)
    return None


def _had(rules: Rules, case: CaseView | None, target: Target, has: claims.Held) -> Problem | None:
    """That what can be had once in a lifetime has been had: nothing would come of the case. What can be had once in a
    shorter span is taken where the case leaves the stages at which nothing is public."""
    wanted = claims.own(rules, case.id if case else target.id, target, target.division)
    missed = claims.lost(rules, [one for one in wanted if one.spec.period is Span.EVER], has)
    return claims.refusal(missed[0], target.number) if missed else None


def _taken_part(rules: Rules, case: UUID, parts: participants.Parts, has: claims.Held) -> Problem | None:
    """That somebody who takes part counts for another case; what does not is this case's from here on."""
    wanted = [
        one
        for role, places in parts.items()
        for one in claims.of_participants(rules, case, role, [(place.id, place.division) for place in places])
    ]
    if missed := claims.lost(rules, wanted, has):
        return claims.refusal(missed[0], _numbered(parts)[missed[0].whose])
    has.update({one.key(rules): case for one in wanted})
    return None


def _numbered(parts: participants.Parts) -> dict[UUID, str]:
    return {place.id: place.number for places in parts.values() for place in places}


def _ill_stated(plan: PlanStated, specs: Mapping[str, FactSpec], today: date) -> Problem | None:
    """What is wrong with the facts of a plan: one that may not be stated, as it is attested by an organization or
    otherwise, one that is left out, or a day that has not come."""
    given = {name for name, value in plan.facts.items() if value is not None}
    if strange := [name for name in plan.facts if name not in specs or name in given & plan.attesters.keys()]:
        known = ", ".join(name for name in specs if name not in plan.attesters)
        return Code.STATED_NOT_ALLOWED.problem("facts", strange[0], fact=strange[0], known=known)
    for name, spec in specs.items():
        value = plan.facts.get(name)
        if name in plan.attesters:
            continue
        if value is None or (spec.kind is Kind.CHOICES and not value):
            return Code.MISSING_VALUE.problem("facts", name, field=spec.title)
        if spec.kind is Kind.DAY and value > today:
            return Code.DAY_IN_FUTURE.problem("facts", name, day=day(value), today=day(today))
    return None


async def amend_plans(
    session: AsyncSession, who: Entered, ground: Ground, amended: Sequence[Amendment], report: Report
) -> None:
    """Correct the plans of cases that have been judged; each begins a new round and keeps what it said before."""
    specs = ground.programme.stated()
    changes = [
        Change(
            item.case,
            item.move,
            {
                **sent_back(item.case, item.move.to),
                "stated": item.plan.raw(specs),
                "opened_on": item.plan.stated.on(who),
                "marked": None,
            },
            {"was": item.case.stated, **({"marked": item.case.marked} if item.case.marked else {})},
            item.plan.stated,
        )
        for item in amended
    ]
    done = {change.case.id for change in await write(session, who, "amend", changes, Stated(), report)}
    written = [item for item in amended if item.case.id in done]
    await participants.change(session, who, ground, {item.case.id: item.parts for item in written})
    asking = {
        item.case.id: attesting.Asking(item.asks, item.case.whom.id, item.case.division, item.plan.raw(specs))
        for item in written
    }
    await attesting.change(session, who, ground, asking)


def _claimed_already(ground: Ground) -> Problem:
    programme = ground.programme
    return Code.ALREADY_CLAIMED.problem(
        programme.beneficiary.value, programme=programme.title, period=ground.period.key
    )


@dataclass(frozen=True, slots=True)
class Target(Whom):
    """Whom a plan is for, where he lives, and the cadre linked to the household on the day of the plan."""

    division: int = 0
    cadre: UUID | None = None


async def _targets(
    session: AsyncSession, who: Entered, ground: Ground, plans: Sequence[PlanStated]
) -> dict[str, Target]:
    """Whom plans are for, by number, in one statement. A person is of the household of the day of his plan."""
    days = {item.number: item.stated.on(who) for item in plans}
    tenant = who.county.id
    cadre = (
        (HouseholdCadre.tenant_id == Household.tenant_id)
        & (HouseholdCadre.household_id == Household.id)
        & HouseholdCadre.known_to.is_(None)
    )
    if ground.programme.is_for_persons:
        query: Any = (
            select(Person.number, Person.id, Household.id, Household.division, Membership, HouseholdCadre)
            .join(Membership, (Membership.tenant_id == tenant) & (Membership.person_id == Person.id))
            .join(Household, (Household.tenant_id == tenant) & (Household.id == Membership.household_id))
            .outerjoin(HouseholdCadre, cadre)
            .where(Person.tenant_id == tenant, Membership.known_to.is_(None), among(Person.number, days))
        )
    else:
        query = (
            select(Household.number, null(), Household.id, Household.division, null(), HouseholdCadre)
            .outerjoin(HouseholdCadre, cadre)
            .where(Household.tenant_id == tenant, among(Household.number, days))
        )
    rows: Sequence[Any] = (await session.execute(query)).all()
    found: dict[str, Target] = {}
    for number, person, household, division, member, link in rows:
        on = days[number]
        if member is not None and not held(member, on):
            continue
        linked = link.officer_id if link is not None and held(link, on) else None
        known = found.get(number)
        found[number] = Target(number, household, person, division, linked or (known.cadre if known else None))
    return found


async def _claimed(session: AsyncSession, who: Entered, ground: Ground, whose: Sequence[UUID]) -> set[str]:
    rows = await session.scalars(
        select(Claim.key).where(
            Claim.tenant_id == who.county.id,
            Claim.programme == ground.programme.code,
            Claim.kind == claims.CASE,
            Claim.period == ground.period.key,
            among(Claim.key, [str(one) for one in whose]),
        )
    )
    return set(rows)


async def open_cases(
    session: AsyncSession, who: Entered, ground: Ground, ready: Sequence[Ready]
) -> tuple[list[Ready], list[Ready]]:
    """Open the cases of plans that have been judged: those opened, and those that somebody else opened meanwhile."""
    specs, first = ground.programme.stated(), ground.programme.process.first(Plan)
    common = {"tenant_id": who.county.id, "programme": ground.programme.code, "period": ground.period.key}
    wanted = [
        {
            **common,
            "kind": claims.CASE,
            "key": str(item.target.id),
            "case_id": item.case,
            "division": item.target.division,
        }
        for item in sorted(ready, key=lambda item: item.target.id)
    ]
    won = await insert_new(session, Claim, wanted, "case_id")
    opened = [item for item in ready if item.case in won]
    cases, events = [], []
    for item in opened:
        on = item.plan.stated.on(who)
        cases.append(
            {
                **common,
                "id": item.case,
                "edition_id": ground.latest.id,
                "number": item.target.number,
                "household_id": item.target.household,
                "person_id": item.target.person,
                "division": item.target.division,
                "stage": item.move.to,
                "version": 1,
                "round": 0,
                "since": on,
                "opened_on": on,
                "stated": item.plan.raw(specs),
            }
        )
        place = item.target.division
        events.append(event_of(who, item.plan.stated, item.case, place, 1, "plan", first.code, item.move, {}))
    await insert_rows(session, Case, cases)
    await insert_rows(session, CaseEvent, events)
    await participants.join(session, who, ground, {item.case: item.parts for item in opened})
    asking = {
        item.case: attesting.Asking(item.asks, item.target.id, item.target.division, item.plan.raw(specs))
        for item in opened
    }
    await attesting.ask(session, who, ground, asking)
    return opened, [item for item in ready if item.case not in won]
