"""Facts as the rule book wants them, read for one household or thousands in the same few statements.

Each fact says where it comes from and of which day it is; everything is as known at one instant.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, and_, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.cases.ground import Rules
from bangfu.db.bulk import among
from bangfu.models import Household, IncomeLine, Membership, Participant, Standing
from bangfu.policy import Window
from bangfu.registry.history import holds
from bangfu.rules.facts import (
    ALL,
    AsOf,
    AtStage,
    Count,
    FactSpec,
    Income,
    Kind,
    Measure,
    NetStablePerPerson,
    Registry,
    SameVillage,
    Signed,
    StandingIn,
    Stated,
    Vouched,
)


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom something is determined of: the household, what it stated (in raw form), its case and the day of its plan,
    if it has any.

    ``judged_on`` is the day of an earlier determination, where it is made again.
    """

    household: UUID
    stated: Mapping[str, Any] = field(default_factory=dict)
    case: UUID | None = None
    planned_on: date | None = None
    judged_on: date | None = None

    def judged(self, on: date) -> Subject:
        """The same, as it was on the day of an earlier determination."""
        return replace(self, judged_on=on)


@dataclass(frozen=True, slots=True)
class At:
    """At which stage something is determined, on which day, by what was known at which instant."""

    stage: str
    on: date
    known_at: datetime


@dataclass(frozen=True, slots=True)
class Gathered:
    """The facts of some households: one list a fact, in the order of the households; None is unknown.

    ``counted_to`` is the last day of income that was counted for each, or None where there was none.
    """

    facts: dict[str, list[Any]]
    counted_to: list[date | None]


_COUNTED_TO = "counted to"
_MEMBERS = "members"
_STANDING = {"standing": Standing.standing, "exit_year": Standing.exit_year}


async def gather(session: AsyncSession, tenant: int, rules: Rules, subjects: Sequence[Subject], at: At) -> Gathered:
    """The facts of households as known at an instant; the number of statements does not depend on how many."""
    specs = rules.book.traced().facts
    sources = {name: spec.source for name, spec in specs.items()}
    read = _Reading(session, tenant, rules, at)
    registered: dict[AsOf, dict[UUID, dict[str, Any]]] = {}
    for on in AsOf:
        wanted = {s.attribute for s in sources.values() if isinstance(s, Registry) and s.on is on}
        if wanted:
            registered[on] = await read.registered(read.days(on, subjects), wanted)
    incomes = await read.incomes(
        {name: s for name, s in sources.items() if isinstance(s, Income)}, [s.household for s in subjects]
    )
    counted = await _counts(read, {n: s for n, s in sources.items() if isinstance(s, Count)}, subjects)
    columns: dict[str, list[Any]] = {}
    for name, source in sources.items():
        match source:
            case Registry():
                own = registered[source.on]
                columns[name] = [own.get(one.household, {}).get(source.attribute) for one in subjects]
            case Income():
                columns[name] = [incomes.get(one.household, {}).get(name, 0) for one in subjects]
            case AtStage():
                columns[name] = [at.stage] * len(subjects)
            case Count():
                columns[name] = [counted.get(one.case, {}).get(name) if one.case else None for one in subjects]
            case Stated():
                columns[name] = [one.stated.get(name) for one in subjects]
    days = []
    for one in subjects:
        last = [incomes.get(one.household, {}).get(_COUNTED_TO), counted.get(one.case, {}).get(_COUNTED_TO)]
        days.append(max((day for day in last if day is not None), default=None))
    return Gathered(columns, days)


def awaited(rules: Rules, today: date) -> frozenset[str]:
    """The incomes whose window is not over: what is written down so far is not all that will count."""

    def last_day(source: Income) -> date:
        window: Window = getattr(rules.parameters, source.window)
        return window.in_year(rules.period.year)[1]

    specs = rules.book.traced().facts.values()
    return frozenset(s.name for s in specs if isinstance(s.source, Income) and today < last_day(s.source))


@dataclass(frozen=True, slots=True)
class _Reading:
    """What is read for one determination: by which rules, and as known when."""

    session: AsyncSession
    tenant: int
    rules: Rules
    at: At

    def days(self, on: AsOf, subjects: Sequence[Subject]) -> dict[UUID, date]:
        """The day on which each household is looked at. Who has no plan is looked at as if it made one today."""
        reference = self.rules.period.reference_day
        match on:
            case AsOf.REFERENCE:
                return {one.household: reference for one in subjects}
            case AsOf.CHECK:
                return {one.household: one.judged_on or self.at.on for one in subjects}
            case AsOf.PLAN:
                return {one.household: one.planned_on or min(self.at.on, reference) for one in subjects}

    def known(self, model: Any) -> ColumnElement[bool]:
        """The rows of a dated table that were known then, whatever days they speak of."""
        return and_(
            model.tenant_id == self.tenant,
            model.known_from <= self.at.known_at,
            or_(model.known_to.is_(None), model.known_to > self.at.known_at),
        )

    async def registered(self, days: Mapping[UUID, date], wanted: Iterable[str]) -> dict[UUID, dict[str, Any]]:
        """Attributes of households in the register, each on its own day, in a statement a table."""
        found: dict[UUID, dict[str, Any]] = {}
        asked = set(wanted)
        if standing := sorted(asked & _STANDING.keys()):
            columns = [_STANDING[name].label(name) for name in standing]
            for household, row in await self._on(Standing, days, columns):
                found.setdefault(household, {}).update({name: getattr(row, name) for name in standing})
        if _MEMBERS in asked:
            # Whoever has nobody registered on that day is not known to have no members.
            for household, _ in await self._on(Membership, days, []):
                own = found.setdefault(household, {})
                own[_MEMBERS] = own.get(_MEMBERS, 0) + 1
        return found

    async def _on(self, model: Any, days: Mapping[UUID, date], columns: Sequence[Any]) -> list[tuple[UUID, Any]]:
        """The rows that hold for households on their days."""
        query = select(model.household_id, *columns).where(among(model.household_id, days))
        if len(different := set(days.values())) == 1:
            rows = await self.session.execute(
                query.where(model.tenant_id == self.tenant, holds(model, different.pop(), self.at.known_at))
            )
            return [(row.household_id, row) for row in rows]
        query = query.add_columns(model.valid_from, model.valid_to).where(self.known(model))
        return [
            (row.household_id, row)
            for row in await self.session.execute(query)
            if row.valid_from <= days[row.household_id]
            and (row.valid_to is None or days[row.household_id] < row.valid_to)
        ]

    async def incomes(self, sources: Mapping[str, Income], households: Sequence[UUID]) -> dict[UUID, Mapping[str, Any]]:
        """Sums of income by fact, and the last day that was counted, in one statement."""
        columns: list[Any] = []
        days = []
        for name, source in sources.items():
            window: Window = getattr(self.rules.parameters, source.window)
            first, last = window.in_year(self.rules.period.year)
            counted: list[ColumnElement[bool]] = [IncomeLine.day.between(first, last)]
            if source.category != ALL:
                counted.append(IncomeLine.category == source.category)
            amount: Any = IncomeLine.gross_fen
            if source.measure is Measure.NET_STABLE:
                amount = IncomeLine.gross_fen - IncomeLine.cost_fen
                counted += [IncomeLine.stable.is_(True), IncomeLine.cost_fen.is_not(None)]
            total = func.coalesce(func.sum(amount).filter(and_(*counted)), 0)
            columns.append(cast(total, BigInteger).label(name))
            days.append(and_(*counted))
        if not columns:
            return {}
        columns.append(func.max(IncomeLine.day).filter(or_(*days)).label(_COUNTED_TO))
        query = (
            select(IncomeLine.household_id, *columns)
            .where(self.known(IncomeLine), among(IncomeLine.household_id, households))
            .group_by(IncomeLine.household_id)
        )
        return {row.household_id: row._asdict() for row in await self.session.execute(query)}


# --- who takes part -------------------------------------------------------------------------------------------


async def _counts(
    read: _Reading, sources: Mapping[str, Count], subjects: Sequence[Subject]
) -> dict[UUID | None, dict[str, Any]]:
    """How many households take part in each case and meet the conditions of each fact; five statements at most."""
    cases = {one.case: one.household for one in subjects if one.case is not None}
    if not sources or not cases:
        return {}
    query = select(Participant).where(
        Participant.tenant_id == read.tenant, among(Participant.case_id, cases), Participant.left_at.is_(None)
    )
    rows = (await read.session.scalars(query)).all()
    conditions = [condition for source in sources.values() for condition in source.where]
    asked = {row.household_id for row in rows}
    villages: dict[UUID, int] = {}
    if any(isinstance(condition, SameVillage) for condition in conditions):
        places = select(Household.id, Household.division).where(
            Household.tenant_id == read.tenant, among(Household.id, asked | set(cases.values()))
        )
        villages = {row.id: row.division for row in await read.session.execute(places)}
    registered = await read.registered(
        dict.fromkeys(asked, read.rules.period.reference_day),
        {
            *(["standing"] if any(isinstance(one, StandingIn) for one in conditions) else []),
            *([_MEMBERS] if any(isinstance(one, NetStablePerPerson) for one in conditions) else []),
        },
    )
    windows = {one.window for one in conditions if isinstance(one, NetStablePerPerson)}
    nets = {window: Income(ALL, window, Measure.NET_STABLE) for window in windows}
    incomes = await read.incomes(nets, list(asked))
    found: dict[UUID | None, dict[str, Any]] = {case: dict.fromkeys(sources, 0) for case in cases}
    for row in rows:
        own = Weighed(
            row,
            villages.get(row.household_id) == villages.get(cases[row.case_id]),
            registered.get(row.household_id, {}),
            incomes.get(row.household_id, {}),
        )
        for name, source in sources.items():
            if row.role == source.role and all(
                own.meets(condition, read.rules.parameters) for condition in source.where
            ):
                found[row.case_id][name] += 1
                last = own.incomes.get(_COUNTED_TO)
                before = found[row.case_id].get(_COUNTED_TO)
                found[row.case_id][_COUNTED_TO] = max((day for day in (last, before) if day), default=None)
    return found


@dataclass(frozen=True, slots=True)
class Weighed:
    """A household that takes part in a case, with what conditions ask of it: the answers of its row, whether it is of
    the applicant's village, its ``standing`` and ``members`` in the register, its net income by window."""

    row: Participant
    same_village: bool
    registered: Mapping[str, Any]
    incomes: Mapping[str, Any]

    def meets(self, condition: Any, parameters: Any) -> bool:
        """Whether it meets a condition; what is not known is not met."""
        if condition.unless is not None and condition.unless.holds(parameters):
            return True
        match condition:
            case SameVillage():
                return self.same_village
            case StandingIn(standings):
                named = getattr(parameters, standings) if isinstance(standings, str) else standings
                return self.registered.get("standing") in {str(one) for one in named}
            case NetStablePerPerson(window, at_least):
                members = self.registered.get(_MEMBERS, 0)
                line: int = getattr(parameters, at_least)
                net: int = self.incomes.get(window, 0)
                return bool(members) and net >= members * line
            case Signed():
                return self.row.agreed is True
            case Vouched():
                return self.row.vouched is True
        raise TypeError(f"{condition!r} is no condition")


# --- raw and typed --------------------------------------------------------------------------------------------


def typed(rules: Rules, raw: Mapping[str, Any]) -> Any:
    """The programme's ``Facts`` of one household from raw values."""
    specs = rules.book.traced().facts
    return rules.programme.facts(**{name: _typed(spec, raw[name]) for name, spec in specs.items()})


def raw_stated(specs: Mapping[str, FactSpec], facts: Mapping[str, Any]) -> dict[str, Any]:
    """What an applicant states, in raw form; only facts that may be stated are kept."""
    return {
        name: sorted(value) if spec.kind is Kind.CHOICES else value
        for name, value in facts.items()
        if isinstance((spec := specs[name]).source, Stated)
    }


def _typed(spec: FactSpec, value: Any) -> Any:
    if value is None or spec.choices is None:
        return value
    if spec.kind is Kind.CHOICES:
        return frozenset(spec.choices(item) for item in value)
    return spec.choices(value)
