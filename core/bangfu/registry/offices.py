"""Offices: who is charged with what, over which area, for whom, from when to when, and in whose stead.

A roster is imported (``officers``), a single change is made here; both go by the same checks. Duties that are declared
incompatible are never held on the same day. Who stands in for somebody holds no more than the other does, and only
until a day: nobody has to remember to end it. The county always has a registrar.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import combinations
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from bangfu import audit
from bangfu.access import Action, Entered
from bangfu.db import scope_of
from bangfu.db.bulk import among, update_all, update_each
from bangfu.errors import Code, Problem, Refused
from bangfu.models import Assignment, Household, Officer, Organization
from bangfu.process import INCOMPATIBLE, Duty, Tier
from bangfu.registry.divisions import COUNTY, TOWNSHIP, VILLAGE, Places, area_of, level_of
from bangfu.registry.history import Assertion, assert_from
from bangfu.registry.importing import alone
from bangfu.registry.organizations import SCHOOLS
from bangfu.text import Text

KIND = "officers"
"""The kind of workbook that says the same."""

_LEVELS = {
    Tier.COUNTY: {COUNTY},
    Tier.TOWNSHIP: {TOWNSHIP, VILLAGE},
    Tier.VILLAGE: {VILLAGE},
    Tier.ENTERPRISE: {COUNTY},
    Tier.PROVIDER: {COUNTY},
}
"""Over what a duty of each tier is held; a township has people in charge of single villages, and the agent of an
enterprise or a school is registered with the county and holds no area."""

_UNITS: Mapping[Tier, tuple[frozenset[str], Text]] = {
    Tier.ENTERPRISE: (
        frozenset({"enterprise", "cooperative", "other"}),
        Text("企业或合作社的信用代码", "the code of an enterprise or a cooperative"),
    ),
    Tier.PROVIDER: (SCHOOLS, Text("学校或培训基地的信用代码", "the code of a school or a training base")),
}
"""The kinds of organizations that have agents of each tier; an office of government has officers."""

Path: TypeAlias = Callable[[str], Sequence[str | int]]
"""The path of a problem to a field of a term."""


@dataclass(frozen=True, slots=True)
class Term:
    """A duty that somebody holds from a day to before another 任期, everything by the numbers that offices use.

    ``unit`` is the credit code of the enterprise or the school that an agent acts for, ``household`` the number of the
    household whose account it is, ``stands_in_for`` the staff number of whoever the duty is held for.
    """

    number: str
    duty: Duty
    area: int
    since: date
    until: date | None = None
    unit: str | None = None
    household: str | None = None
    stands_in_for: str | None = None

    @property
    def key(self) -> tuple[Any, ...]:
        """What it is a term of, apart from its days."""
        return (self.number, self.duty, self.area, self.unit, self.household, self.stands_in_for)

    def overlaps(self, other: Term) -> bool:
        """Whether the two have a day in common."""
        return (other.until is None or self.since < other.until) and (self.until is None or other.since < self.until)

    def covers(self, other: Term) -> bool:
        """Whether it is the same duty, held in the holder's own right over all of the other's area."""
        lo, hi = area_of(self.area)
        return (
            self.duty is other.duty and self.stands_in_for is None and lo <= other.area and area_of(other.area)[1] <= hi
        )


def asserted(terms: Iterable[Term], new: Term) -> list[Term]:
    """Terms as they are once another is asserted: what ``history.assert_from`` makes of them."""
    kept = []
    for term in terms:
        if term.key != new.key or not term.overlaps(new):
            kept.append(term)
        elif term.since < new.since:
            kept.append(replace(term, until=new.since))
    return [*kept, new]


def covered_until(terms: Iterable[Term], since: date) -> date | None:
    """To before which day some terms, taken together, last without a gap from a day on; None if they never end.

    Terms that do not hold on the day itself cover nothing: the answer is the day.
    """
    day = since
    for term in sorted(terms, key=lambda one: one.since):
        if term.since > day:
            break
        if term.until is None:
            return None
        day = max(day, term.until)
    return day


def clashes(terms: Iterable[Term]) -> list[tuple[Term, Term, Text]]:
    """The pairs of terms with incompatible duties that have a day in common, with the reasons."""
    return [
        (one, other, INCOMPATIBLE[frozenset({one.duty, other.duty})])
        for one, other in combinations(terms, 2)
        if frozenset({one.duty, other.duty}) in INCOMPATIBLE and one.overlaps(other)
    ]


def incompatible(one: Term, other: Term, because: Text, *path: str | int) -> Problem:
    """The problem of two terms that one person cannot have."""
    return Code.INCOMPATIBLE_DUTIES.problem(
        *path, officer=one.number, one=one.duty.title_text, other=other.duty.title_text, because=because
    )


@dataclass
class Roster:
    """What a county knows of its offices: its divisions and organizations, every officer, and every term."""

    places: Places
    units: Mapping[str, tuple[UUID, str]] = field(default_factory=dict)
    """The id and the kind of every organization by its credit code."""
    officers: dict[str, UUID] = field(default_factory=dict)
    disabled: set[str] = field(default_factory=set)
    terms: dict[str, list[Term]] = field(default_factory=dict)
    """The terms of every officer by staff number."""

    @classmethod
    async def read(cls, session: AsyncSession, day: date) -> Roster:
        """Read it all, in four statements."""
        tenant = scope_of(session).tenant
        places = await Places.on(session, day)
        found = await session.execute(
            select(Organization.credit_code, Organization.id, Organization.kind).where(Organization.tenant_id == tenant)
        )
        units = {row.credit_code: (row.id, row.kind) for row in found}
        people = (
            await session.execute(
                select(Officer.number, Officer.id, Officer.disabled_at).where(Officer.tenant_id == tenant)
            )
        ).all()
        roster = cls(places, units, {row.number: row.id for row in people})
        roster.disabled = {row.number for row in people if row.disabled_at is not None}
        roster.terms = await terms_of(session)
        return roster

    def faults(self, term: Term, at: Path) -> list[Problem]:
        """What is wrong with a term by itself, before anything else that its holder or others are charged with."""
        problems, duty, tier = [], term.duty, term.duty.tier
        if term.area not in self.places.by_code:
            problems.append(Code.DIVISION_UNKNOWN.problem(*at("area"), value=term.area))
        if level_of(term.area) not in _LEVELS[tier]:
            expected = Text("与该职责层级相符的区划", "a division of the level of the duty")
            field_ = Text("负责区划代码", "the area")
            problems.append(Code.BAD_VALUE.problem(*at("area"), field=field_, value=term.area, expected=expected))
        if term.unit is not None and term.unit not in self.units:
            problems.append(Code.NOT_FOUND.problem(*at("unit"), what=term.unit))
        elif tier in _UNITS and (term.unit is None or self.units[term.unit][1] not in _UNITS[tier][0]):
            field_ = Text("单位信用代码", "the unit")
            if term.unit is None:
                problems.append(Code.MISSING_VALUE.problem(*at("unit"), field=field_))
            else:
                expected = _UNITS[tier][1]
                problems.append(Code.BAD_VALUE.problem(*at("unit"), field=field_, value=term.unit, expected=expected))
        if (term.household is None) is (duty is Duty.HOUSEHOLDER):
            field_ = Text("户编号", "the household")
            if term.household is None:
                problems.append(Code.MISSING_VALUE.problem(*at("household"), field=field_))
            else:
                expected = Text("空(仅农户账号填写)", "nothing: only the account of a household has one")
                problems.append(
                    Code.BAD_VALUE.problem(*at("household"), field=field_, value=term.household, expected=expected)
                )
        if term.stands_in_for is not None:
            problems += self._stand_in(term, at)
        return problems

    def _stand_in(self, term: Term, at: Path) -> list[Problem]:
        problems = []
        if term.until is None:
            problems.append(Code.MISSING_VALUE.problem(*at("until"), field=Text("截止日期", "the end")))
        if term.stands_in_for == term.number or not term.duty.is_staff:
            expected = Text("另一名工作人员的工号", "the staff number of another officer")
            problems.append(
                Code.BAD_VALUE.problem(
                    *at("stands_in_for"), field=Text("代理对象工号", "who is stood in for"),
                    value=term.stands_in_for, expected=expected,
                )
            )  # fmt: skip
        return problems

    def unfounded(self, term: Term, *path: str | int) -> Problem | None:
        """The problem of a stand-in where the other does not hold the duty himself on all the days."""
        if term.stands_in_for is None:
            return None
        own = [theirs for theirs in self.terms.get(term.stands_in_for, ()) if theirs.covers(term)]
        end = covered_until(own, term.since)
        if end is None or (term.until is not None and term.until <= end):
            return None
        return Code.NOTHING_TO_STAND_IN_FOR.problem(*path, other=term.stands_in_for, duty=term.duty.title_text)

    def has_registrar(self, day: date) -> bool:
        """Whether somebody who is not disabled is registrar in his own right, from a day on for ever."""
        own = (
            term for number, terms in self.terms.items() if number not in self.disabled for term in terms
            if term.duty is Duty.REGISTRAR and term.stands_in_for is None
        )  # fmt: skip
        return covered_until(own, day) is None


async def terms_of(session: AsyncSession, numbers: Collection[str] | None = None) -> dict[str, list[Term]]:
    """The terms that are known now by staff number, of everybody or of some, past ones too, in one statement."""
    tenant, other = scope_of(session).tenant, aliased(Officer)
    query = (
        select(
            Officer.number, Assignment.duty, Assignment.area_lo, Assignment.valid_from, Assignment.valid_to,
            Organization.credit_code, Household.number, other.number,
        )
        .join(Officer, (Officer.tenant_id == Assignment.tenant_id) & (Officer.id == Assignment.officer_id))
        .outerjoin(
            Organization,
            (Organization.tenant_id == Assignment.tenant_id) & (Organization.id == Assignment.organization_id),
        )
        .outerjoin(
            Household, (Household.tenant_id == Assignment.tenant_id) & (Household.id == Assignment.household_id)
        )
        .outerjoin(other, (other.tenant_id == Assignment.tenant_id) & (other.id == Assignment.stands_in_for))
        .where(Assignment.tenant_id == tenant, Assignment.known_to.is_(None))
        .order_by(Assignment.valid_from, Assignment.id)
    )  # fmt: skip
    if numbers is not None:
        query = query.where(among(Officer.number, numbers))
    found: dict[str, list[Term]] = {}
    for row in (await session.execute(query)).all():
        number, duty, area, since, until, unit, household, principal = row
        term = Term(number, Duty(duty), area, since, until, unit, household, principal)
        found.setdefault(number, []).append(term)
    return found


async def homes(session: AsyncSession, numbers: Collection[str]) -> dict[str, tuple[UUID, int]]:
    """The id and the village of some households by number."""
    if not numbers:
        return {}
    found = await session.execute(
        select(Household.number, Household.id, Household.division).where(
            Household.tenant_id == scope_of(session).tenant, among(Household.number, numbers)
        )
    )
    return {row.number: (row.id, row.division) for row in found}


def misplaced(term: Term, known: Mapping[str, tuple[UUID, int]], at: Path) -> Problem | None:
    """The problem of the account of a household that is unknown, or that lives in another village."""
    if term.household is None:
        return None
    if term.household not in known:
        return Code.HOUSEHOLD_UNKNOWN.problem(*at("household"), number=term.household)
    village = known[term.household][1]
    if term.area != village:
        expected = Text(f"该户所在村 {village}", f"the household's village, {village}")
        field_ = Text("负责区划代码", "the area")
        return Code.BAD_VALUE.problem(*at("area"), field=field_, value=term.area, expected=expected)
    return None


async def put(
    session: AsyncSession,
    who: Entered,
    terms: Sequence[Term],
    officers: Mapping[str, UUID],
    units: Mapping[str, tuple[UUID, str]],
    known: Mapping[str, tuple[UUID, int]],
) -> None:
    """Make terms hold, and what follows from it: a stand-in never outlasts the duty that it is for.

    In a fixed number of statements. The caller keeps everybody else out (``importing.alone``) and has checked each term
    by itself. Refuses ``INCOMPATIBLE_DUTIES``, ``NOTHING_TO_STAND_IN_FOR`` and ``LAST_REGISTRAR``.
    """
    if not terms:
        return
    await assert_from(session, Assignment, [_assertion(term, officers, units, known) for term in terms], who.at.now)
    await _follow(session, who, set(terms), terms)


async def _follow(session: AsyncSession, who: Entered, new: Collection[Term], changed: Sequence[Term]) -> None:
    """What follows from a change: refuse what cannot stand beside it, and end the stand-ins that it leaves without
    anything to stand in for. ``new`` are the terms that were put there, ``changed`` these and those that were taken."""
    numbers = {term.number for term in changed}
    roster = await Roster.read(session, who.at.today)
    problems = [
        incompatible(one, other, because, "duty")
        for number in sorted(numbers)
        for one, other, because in clashes(roster.terms.get(number, ()))
        if one in new or other in new
    ]
    problems += [problem for term in new if (problem := roster.unfounded(term, "stands_in_for")) is not None]
    if any(term.duty is Duty.REGISTRAR for term in changed) and not roster.has_registrar(who.at.today):
        problems.append(Code.LAST_REGISTRAR.problem())
    if problems:
        raise Refused(problems)
    await _shorten(session, who, roster, numbers)


def _assertion(
    term: Term,
    officers: Mapping[str, UUID],
    units: Mapping[str, tuple[UUID, str]],
    known: Mapping[str, tuple[UUID, int]],
) -> Assertion:
    lo, hi = area_of(term.area)
    key = {
        "officer_id": officers[term.number],
        "duty": term.duty.value,
        "area_lo": lo,
        "organization_id": units[term.unit][0] if term.unit is not None else None,
        "household_id": known[term.household][0] if term.household is not None else None,
        "stands_in_for": officers[term.stands_in_for] if term.stands_in_for is not None else None,
    }
    return Assertion(key, {"area_hi": hi}, term.since, term.until)


async def _shorten(session: AsyncSession, who: Entered, roster: Roster, numbers: Collection[str]) -> None:
    """End the stand-ins of some officers with the duty that they are for; one that would never begin is withdrawn."""
    ended: dict[tuple[Any, ...], date] = {}
    for term in (term for terms in roster.terms.values() for term in terms if term.stands_in_for in numbers):
        if roster.unfounded(term) is not None:
            own = [theirs for theirs in roster.terms.get(str(term.stands_in_for), ()) if theirs.covers(term)]
            ended[(*term.key, term.since)] = covered_until(own, term.since) or term.since
    if not ended:
        return
    by_id = {id_: number for number, id_ in roster.officers.items()}
    rows = await session.scalars(
        select(Assignment).where(
            Assignment.tenant_id == who.county.id,
            Assignment.known_to.is_(None),
            among(Assignment.stands_in_for, {roster.officers[number] for number in numbers}),
        )
    )
    gone, shorter = [], []
    for row in rows:
        # A stand-in acts for no enterprise and no household.
        principal = by_id[row.stands_in_for] if row.stands_in_for is not None else None
        key = (by_id[row.officer_id], Duty(row.duty), row.area_lo, None, None, principal, row.valid_from)
        day = ended.get(key)
        if day is None:
            continue
        if day <= row.valid_from:
            gone.append(row.id)
        else:
            shorter.append(Assertion(key_of(row), {"area_hi": row.area_hi}, row.valid_from, day))
    await update_all(session, Assignment, gone, {"known_to": who.at.now})
    await assert_from(session, Assignment, shorter, who.at.now)


def key_of(row: Assignment) -> dict[str, Any]:
    """What a row is an assignment of, apart from its days."""
    named = ("officer_id", "duty", "area_lo", "organization_id", "household_id", "stands_in_for")
    return {name: getattr(row, name) for name in named}


# --- single changes -------------------------------------------------------------------------------------------


def _require(who: Entered, reason: str) -> None:
    who.require(Action.IMPORT_OFFICERS)
    if not reason.strip():
        raise Code.REASON_NEEDED.refuse("reason")


async def _record(session: AsyncSession, who: Entered, action: str, officer: UUID, reason: str, **data: object) -> None:
    facts = {name: value if value is None else str(value) for name, value in data.items()}
    await audit.record(session, who.at.now, who.actor.id, action, f"officer/{officer}", facts, reason)


async def assign(session: AsyncSession, who: Entered, term: Term, reason: str) -> UUID:
    """Charge somebody with a duty; the id of the assignment. What is held already is left alone.

    Refuses ``FORBIDDEN``, ``REASON_NEEDED``, ``OFFICER_UNKNOWN``, whatever is wrong with the term by itself
    (:meth:`Roster.faults`), and what :func:`put` refuses.
    """
    _require(who, reason)
    await alone(session, KIND)
    roster = await Roster.read(session, who.at.today)
    for name, number in (("officer", term.number), ("stands_in_for", term.stands_in_for)):
        if number is not None and number not in roster.officers:
            raise Code.OFFICER_UNKNOWN.refuse(name, officer=number)
    problems = roster.faults(term, _field)
    if term.until is not None and term.until <= term.since:
        problems.append(_wrong_day("until", term.until, term.since, None))
    known = await homes(session, {term.household} if term.household is not None else set())
    if (elsewhere := misplaced(term, known, _field)) is not None:
        problems.append(elsewhere)
    if problems:
        raise Refused(problems)
    if term not in roster.terms.get(term.number, ()):
        await put(session, who, [term], roster.officers, roster.units, known)
        officer = roster.officers[term.number]
        await _record(
            session, who, "assign_duty", officer, reason, duty=term.duty, area=term.area, since=term.since,
            until=term.until, unit=term.unit, household=known[term.household][0] if term.household else None,
            stands_in_for=roster.officers[term.stands_in_for] if term.stands_in_for else None,
        )  # fmt: skip
    key = _assertion(term, roster.officers, roster.units, known).key
    made: UUID = (
        await session.scalars(
            select(Assignment.id).where(
                Assignment.tenant_id == who.county.id,
                Assignment.known_to.is_(None),
                Assignment.valid_from == term.since,
                *(getattr(Assignment, name).is_not_distinct_from(value) for name, value in key.items()),
            )
        )
    ).one()
    return made


def _field(name: str) -> Sequence[str]:
    return (name,)


def _wrong_day(name: str, stated: date, after: date, before: date | None) -> Problem:
    expected = Text(f"晚于 {after} 的日期", f"a day after {after}")
    if before is not None:
        expected = Text(f"晚于 {after} 且早于 {before} 的日期", f"a day after {after} and before {before}")
    return Code.BAD_VALUE.problem(name, field=Text("截止日期", "the end"), value=stated, expected=expected)


async def end(session: AsyncSession, who: Entered, assignment: UUID, day: date, reason: str) -> UUID:
    """Let a duty end before a day; who it was held by. One that begins today or later is withdrawn by that same day.

    Stand-ins for it end with it. Refuses ``FORBIDDEN``, ``REASON_NEEDED``, ``NOT_FOUND``, ``BAD_VALUE`` for a day on
    which it is not held, and ``LAST_REGISTRAR``.
    """
    _require(who, reason)
    await alone(session, KIND)
    row = await session.scalar(
        select(Assignment).where(
            Assignment.tenant_id == who.county.id, Assignment.id == assignment, Assignment.known_to.is_(None)
        )
    )
    if row is None:
        raise Code.NOT_FOUND.refuse("assignment", what=Text("任职", "the assignment"))
    officer = row.officer_id
    number = (
        await session.scalars(select(Officer.number).where(Officer.tenant_id == row.tenant_id, Officer.id == officer))
    ).one()
    held = Term(number, Duty(row.duty), row.area_lo, row.valid_from, row.valid_to)
    withdrawn = day == row.valid_from >= who.at.today
    if not withdrawn and (day <= row.valid_from or (row.valid_to is not None and day >= row.valid_to)):
        raise Refused([_wrong_day("day", day, row.valid_from, row.valid_to)])
    if withdrawn:
        await update_all(session, Assignment, [row.id], {"known_to": who.at.now})
    else:
        shorter = Assertion(key_of(row), {"area_hi": row.area_hi}, row.valid_from, day)
        await assert_from(session, Assignment, [shorter], who.at.now)
    await _follow(session, who, (), [held])
    await _record(
        session, who, "end_duty", officer, reason, duty=held.duty, area=held.area, since=held.since, day=day,
        assignment=assignment,
    )  # fmt: skip
    return officer


async def disable(session: AsyncSession, who: Entered, number: str, reason: str, clock: datetime) -> UUID:
    """Let an account in no more, from the next request on; whose it is. ``clock`` is the real instant.

    What the account got in with before stays ended when it is enabled again. Refuses ``FORBIDDEN``, ``REASON_NEEDED``,
    ``OFFICER_UNKNOWN``, ``SAME_PERSON`` for one's own, and ``LAST_REGISTRAR``.
    """
    _require(who, reason)
    await alone(session, KIND)
    roster = await Roster.read(session, who.at.today)
    officer = _known(roster, number)
    if officer == who.actor.id:
        raise Code.SAME_PERSON.refuse("officer", other=Text("被停用的人员", "the officer who is disabled"))
    if number in roster.disabled:
        return officer
    roster.disabled.add(number)
    registrar = any(term.duty is Duty.REGISTRAR for term in roster.terms.get(number, ()))
    if registrar and not roster.has_registrar(who.at.today):
        raise Code.LAST_REGISTRAR.refuse("officer")
    await update_each(session, Officer, [{"id": officer, "disabled_at": clock, "signed_out_at": clock}])
    await _record(session, who, "disable_officer", officer, reason)
    return officer


async def enable(session: AsyncSession, who: Entered, number: str, reason: str) -> UUID:
    """Let an account that was disabled in again, with the duties that it holds by then; whose it is.

    Refuses ``FORBIDDEN``, ``REASON_NEEDED`` and ``OFFICER_UNKNOWN``.
    """
    _require(who, reason)
    await alone(session, KIND)
    roster = await Roster.read(session, who.at.today)
    officer = _known(roster, number)
    if number in roster.disabled:
        await update_each(session, Officer, [{"id": officer, "disabled_at": None}])
        await _record(session, who, "enable_officer", officer, reason)
    return officer


def _known(roster: Roster, number: str) -> UUID:
    if number not in roster.officers:
        raise Code.OFFICER_UNKNOWN.refuse("officer", officer=number)
    return roster.officers[number]
