"""Facts as the rule book wants them, read for one beneficiary or thousands in the same few statements.

Each fact says where it comes from and of which day it is; everything is as known at one instant.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, and_, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import models
from bangfu.access import CHINA, Action, Entered
from bangfu.calendar import age, months_after
from bangfu.cases.ground import Rules
from bangfu.cases.views import CaseView
from bangfu.db.bulk import among, plainly
from bangfu.models import (
    Attestation,
    AttestationAnswer,
    Household,
    IncomeLine,
    Membership,
    Participant,
    Person,
    Standing,
)
from bangfu.policy import Window
from bangfu.registry.history import held, holds
from bangfu.rules.facts import (
    ALL,
    HOLDS,
    Age,
    AsOf,
    AtStage,
    Circumstance,
    Count,
    DaysFrom,
    FactSpec,
    Income,
    InPeriod,
    Kind,
    Measure,
    NetStablePerPerson,
    Registry,
    SameVillage,
    Schooling,
    Signed,
    Source,
    StandingIn,
    Stated,
    TrainingMonths,
    Vouched,
)


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom something is determined of: the household, what was stated (in raw form), the case and the day of its plan,
    if there is any, and the person whom the case is for, where the programme is for persons.

    ``judged_on`` is the day of an earlier determination, where it is made again.
    """

    household: UUID
    stated: Mapping[str, Any] = field(default_factory=dict)
    case: UUID | None = None
    planned_on: date | None = None
    judged_on: date | None = None
    person: UUID | None = None

    def judged(self, on: date) -> Subject:
        """The same, as it was on the day of an earlier determination."""
        return replace(self, judged_on=on)


def subject_of(case: Any) -> Subject:
    """Whom a case is a determination of; of a case as the process sees it, or as a row."""
    if isinstance(case, CaseView):
        return Subject(case.household, case.stated, case.id, case.opened_on, person=case.person)
    return Subject(case.household_id, case.stated, case.id, case.opened_on, person=case.person_id)


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
OnDay = tuple[UUID, date]
"""A household or a person on a day."""


async def gather(
    session: AsyncSession,
    tenant: int,
    rules: Rules,
    subjects: Sequence[Subject],
    at: At,
    circumstances: Circumstances | None = None,
) -> Gathered:
    """The facts of beneficiaries as known at an instant; the number of statements does not depend on how many.

    Their ``circumstances`` are read unless they are given: those of many months are read once.
    """
    sources = {name: spec.source for name, spec in rules.book.traced().facts.items()}
    read = _Reading(session, tenant, rules, at)
    found = _Found(rules, subjects, at, {on: read.days(on, subjects) for on in AsOf})
    for on in AsOf:
        wanted = {s.attribute for s in sources.values() if isinstance(s, Registry) and s.on is on}
        if wanted:
            found.registered[on] = await read.registered({(one.household, day) for one, day in found.on(on)}, wanted)
        if any(isinstance(s, Schooling) and s.on is on for s in sources.values()):
            found.schooled[on] = await read.schooled({(one.person, day) for one, day in found.on(on) if one.person})
    persons = [one.person for one in subjects if one.person]
    if any(isinstance(s, Age) for s in sources.values()):
        found.births = await read.births(persons)
    if any(isinstance(s, TrainingMonths) for s in sources.values()):
        found.trainings = await read.trainings(persons)
    if circumstances is not None:
        found.circumstances = circumstances
    elif kinds := _circumstances_in([rules]):
        found.circumstances = await read.circumstances(persons, kinds)
    found.incomes = await read.incomes(
        {name: s for name, s in sources.items() if isinstance(s, Income)}, [s.household for s in subjects]
    )
    if any(rules.programme.attestable().keys() & sources):
        found.attested = await read.attested([one.case for one in subjects if one.case])
    found.counted = await _counts(read, {n: s for n, s in sources.items() if isinstance(s, Count)}, subjects)
    return Gathered({name: found.column(name, source) for name, source in sources.items()}, found.counted_to())


class Known(NamedTuple):
    """A circumstance of a person as it is known: from which day to before which, and what a certificate says."""

    valid_from: date
    valid_to: date | None
    level: int | None
    generation: int | None


Circumstances = Mapping[tuple[UUID | None, str], Sequence[Known]]
"""What is known of circumstances of persons, by person and kind, whatever days it holds for."""


async def circumstances_of(
    session: AsyncSession, tenant: int, rules: Iterable[Rules], persons: Collection[UUID], known_at: datetime
) -> Circumstances:
    """What some rules look at of the circumstances of persons, as known at an instant, in one statement."""
    every = list(rules)
    at = At("", known_at.astimezone(CHINA).date(), known_at)
    return await _Reading(session, tenant, every[0], at).circumstances(persons, _circumstances_in(every))


def _circumstances_in(rules: Iterable[Rules]) -> set[str]:
    """The kinds of circumstances that some rules look at."""
    specs = (spec for own in rules for spec in own.book.traced().facts.values())
    return {spec.source.kind for spec in specs if isinstance(spec.source, Circumstance)}


@dataclass(slots=True)
class _Found:
    """What was read of some subjects, each looked at on its days."""

    rules: Rules
    subjects: Sequence[Subject]
    at: At
    days: Mapping[AsOf, Sequence[date]]
    registered: dict[AsOf, Mapping[OnDay, Mapping[str, Any]]] = field(default_factory=dict)
    schooled: dict[AsOf, Mapping[OnDay, models.Schooling]] = field(default_factory=dict)
    trainings: Mapping[UUID, Sequence[models.Schooling]] = field(default_factory=dict)
    births: Mapping[UUID, date | None] = field(default_factory=dict)
    incomes: Mapping[UUID, Mapping[str, Any]] = field(default_factory=dict)
    counted: Mapping[UUID | None, Mapping[str, Any]] = field(default_factory=dict)
    attested: Mapping[tuple[UUID | None, str], bool] = field(default_factory=dict)
    circumstances: Circumstances = field(default_factory=dict)
    held: dict[tuple[str, AsOf], list[Known | None]] = field(default_factory=dict)

    def on(self, day: AsOf) -> Iterator[tuple[Subject, date]]:
        """Each subject with the day on which it is looked at."""
        return zip(self.subjects, self.days[day], strict=True)

    def column(self, name: str, source: Source) -> list[Any]:
        """The values of a fact, one a subject."""
        match source:
            case Registry(attribute, on):
                own = self.registered[on]
                return [own.get((one.household, day), {}).get(attribute) for one, day in self.on(on)]
            case Income():
                return [self.incomes.get(one.household, {}).get(name, 0) for one in self.subjects]
            case AtStage():
                return [self.at.stage] * len(self.subjects)
            case Count():
                return [self.counted.get(one.case, {}).get(name) if one.case else None for one in self.subjects]
            case Stated():
                # What an organization is asked for is not stated; until it answers, it is not known.
                return [one.stated.get(name, self.attested.get((one.case, name))) for one in self.subjects]
            case Schooling(attribute, on):
                rolls = self.schooled[on]
                return [_schooling(one, rolls.get((one.person, day)), attribute) for one, day in self.on(on)]  # type: ignore[arg-type]
            case Circumstance(kind, attribute, on):
                return self.circumstance(attribute, self.holding(kind, on))
            case Age(on):
                days = self.days[on] if isinstance(on, AsOf) else [_stated(one, on) for one in self.subjects]
                born = [self.births.get(one.person) if one.person else None for one in self.subjects]
                return [None if a is None or b is None else max(0, age(a, b)) for a, b in zip(born, days, strict=True)]
            case InPeriod(day):
                own_days = [_stated(one, day) for one in self.subjects]
                return [None if own is None else own in self.rules.period for own in own_days]
            case DaysFrom():
                return [None if a is None or b is None else max(0, (b - a).days + 1) for a, b in self.spans(source)]
            case TrainingMonths():
                return [self.training_months(*one) for one in zip(self.subjects, self.spans(source), strict=True)]
        raise TypeError(f"{source!r} is no source")

    def holding(self, kind: str, on: AsOf) -> Sequence[Known | None]:
        """The row of a circumstance that holds for each subject on its day, or None."""
        if (kind, on) not in self.held:
            found = self.held[kind, on] = []
            for one, day in self.on(on):
                for row in self.circumstances.get((one.person, kind), ()):
                    if held(row, day):
                        found.append(row)
                        break
                else:
                    found.append(None)
        return self.held[kind, on]

    def circumstance(self, attribute: str, rows: Sequence[Known | None]) -> list[Any]:
        """What the register says of a circumstance by the rows that hold; of whom no list says so, it is not so."""
        if attribute == HOLDS:
            return [
                None if one.person is None else row is not None for one, row in zip(self.subjects, rows, strict=True)
            ]
        said = attrgetter(attribute)
        return [None if row is None else said(row) for row in rows]

    def spans(self, source: DaysFrom | TrainingMonths) -> list[tuple[date | None, date | None]]:
        """From which to which day, as each applicant stated."""
        return [(_stated(one, source.first), _stated(one, source.last)) for one in self.subjects]

    def training_months(self, subject: Subject, span: tuple[date | None, date | None]) -> int | None:
        """The longest training that a person is on a roll for on a day of a span; unknown where one has no length."""
        first, last = span
        if subject.person is None or first is None or last is None:
            return None
        found: list[int | None] = [
            row.months
            for row in self.trainings.get(subject.person, ())
            if row.valid_from <= last and ((ended := _ended(row)) is None or ended > first)
        ]
        return None if None in found else max((months for months in found if months is not None), default=0)

    def counted_to(self) -> list[date | None]:
        """The last day of income that was counted for each subject."""
        if not (self.incomes or self.counted):
            return [None] * len(self.subjects)
        found = []
        for one in self.subjects:
            last = [self.incomes.get(one.household, {}), self.counted.get(one.case, {})]
            found.append(max((day for own in last if (day := own.get(_COUNTED_TO)) is not None), default=None))
        return found


_TRAINING = "skills_training"


def _schooling(subject: Subject, row: models.Schooling | None, attribute: str) -> Any:
    """What the register says of a person's schooling; who is on no roll is known not to be."""
    if attribute == "enrolled":
        return None if subject.person is None else row is not None
    if row is None:
        return None
    value = getattr(row, attribute)
    # A training has no grades, and a school no length of a course: none, and not unknown.
    apart = {"grade": row.level == _TRAINING, "months": row.level != _TRAINING}
    return 0 if value is None and apart.get(attribute) else value


def _ended(row: models.Schooling) -> date | None:
    """The day on which a training was over: that of leaving, or the end of its months, where no list says that somebody
    has left. Who is reported again begins anew."""
    if row.months is None:
        return row.valid_to
    over = months_after(row.valid_from, row.months)
    return over if row.valid_to is None else min(over, row.valid_to)


def _stated(subject: Subject, fact: str) -> date | None:
    """A day that the applicant stated."""
    raw = subject.stated.get(fact)
    return None if raw is None else date.fromisoformat(raw)


def closed_to(who: Entered, rules: Rules) -> frozenset[str]:
    """The facts that are nothing to whoever asks: circumstances of persons, for who may not read them. What comes out
    by them of somebody who has no case would tell of them."""
    if who.may(Action.READ_CIRCUMSTANCES):
        return frozenset()
    specs = rules.book.traced().facts
    return frozenset(name for name, spec in specs.items() if isinstance(spec.source, Circumstance))


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

    def days(self, on: AsOf, subjects: Sequence[Subject]) -> list[date]:
        """The day on which each subject is looked at. Who has no plan is looked at as if it made one today."""
        reference = self.rules.period.reference_day
        match on:
            case AsOf.REFERENCE:
                return [reference for _ in subjects]
            case AsOf.CHECK:
                return [one.judged_on or self.at.on for one in subjects]
            case AsOf.MONTH:
                month = reference if self.rules.month else None
                return [month or one.judged_on or self.at.on for one in subjects]
            case AsOf.PLAN:
                return [one.planned_on or min(self.at.on, reference) for one in subjects]

    def known(self, model: Any) -> ColumnElement[bool]:
        """The rows of a dated table that were known then, whatever days they speak of."""
        return and_(
            model.tenant_id == self.tenant,
            model.known_from <= self.at.known_at,
            or_(model.known_to.is_(None), model.known_to > self.at.known_at),
        )

    async def registered(self, homes: Collection[OnDay], wanted: Iterable[str]) -> dict[OnDay, dict[str, Any]]:
        """Attributes of households in the register, each on its days, in a statement a table."""
        found: dict[OnDay, dict[str, Any]] = {}
        asked = set(wanted)
        if standing := sorted(asked & _STANDING.keys()):
            columns = [_STANDING[name].label(name) for name in standing]
            for key, row in await self._on(Standing, Standing.household_id, homes, columns):
                found.setdefault(key, {}).update({name: getattr(row, name) for name in standing})
        if _MEMBERS in asked:
            # Whoever has nobody registered on that day is not known to have no members.
            for key, _ in await self._on(Membership, Membership.household_id, homes, []):
                own = found.setdefault(key, {})
                own[_MEMBERS] = own.get(_MEMBERS, 0) + 1
        return found

    async def schooled(self, persons: Collection[OnDay]) -> dict[OnDay, models.Schooling]:
        """Where persons go to school, each on his days, in one statement."""
        own = models.Schooling
        return {key: row.Schooling for key, row in await self._on(own, own.person_id, persons, [own])}

    async def trainings(self, persons: Collection[UUID]) -> dict[UUID, list[models.Schooling]]:
        """The skills training that persons were ever on a roll for, in one statement."""
        own = models.Schooling
        query = select(own).where(self.known(own), among(own.person_id, persons), own.level == _TRAINING)
        found: dict[UUID, list[models.Schooling]] = {}
        for row in await self.session.scalars(query):
            found.setdefault(row.person_id, []).append(row)
        return found

    async def circumstances(
        self, persons: Collection[UUID], kinds: Collection[str]
    ) -> dict[tuple[UUID | None, str], list[Known]]:
        """What is known of circumstances of persons, by person and kind, whatever days it holds for, in one
        statement."""
        own = models.Circumstance
        columns = (own.person_id, own.kind, own.valid_from, own.valid_to, own.level, own.generation)
        query = select(*columns).where(self.known(own), among(own.person_id, persons), among(own.kind, kinds))
        found: dict[tuple[UUID | None, str], list[Known]] = {}
        for person, kind, *own in await plainly(self.session, query):
            found.setdefault((person, kind), []).append(Known(*own))
        return found

    async def births(self, persons: Collection[UUID]) -> dict[UUID, date | None]:
        """When persons were born, in one statement."""
        query = select(Person.id, Person.birth_date).where(Person.tenant_id == self.tenant, among(Person.id, persons))
        return {row.id: row.birth_date for row in await self.session.execute(query)}

    async def _on(
        self, model: Any, whose: Any, wanted: Collection[OnDay], columns: Sequence[Any]
    ) -> list[tuple[OnDay, Any]]:
        """The rows that hold for households or persons on their days."""
        query = select(whose.label("whose"), *columns).where(among(whose, {own for own, _ in wanted}))
        if len(different := {day for _, day in wanted}) == 1:
            day = different.pop()
            rows = await self.session.execute(
                query.where(model.tenant_id == self.tenant, holds(model, day, self.at.known_at))
            )
            return [((row.whose, day), row) for row in rows]
        days: dict[UUID, list[date]] = {}
        for own, day in wanted:
            days.setdefault(own, []).append(day)
        query = query.add_columns(model.valid_from, model.valid_to).where(self.known(model))
        return [
            ((row.whose, day), row)
            for row in await self.session.execute(query)
            for day in days[row.whose]
            if held(row, day)
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

    async def attested(self, cases: Sequence[UUID]) -> dict[tuple[UUID | None, str], bool]:
        """What organizations had answered of cases, by case and fact, in one statement."""
        query = (
            select(Attestation.case_id, Attestation.fact, AttestationAnswer.attested)
            .join(
                AttestationAnswer,
                and_(
                    AttestationAnswer.tenant_id == self.tenant,
                    AttestationAnswer.attestation_id == Attestation.id,
                    AttestationAnswer.answered_at <= self.at.known_at,
                ),
            )
            .where(
                Attestation.tenant_id == self.tenant,
                among(Attestation.case_id, cases),
                or_(Attestation.gone_at.is_(None), Attestation.gone_at > self.at.known_at),
            )
        )
        return {(row.case_id, row.fact): row.attested for row in await self.session.execute(query)}


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
    reference = read.rules.period.reference_day
    registered = await read.registered(
        {(household, reference) for household in asked},
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
            registered.get((row.household_id, reference), {}),
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
    """The ``Facts`` of one beneficiary that the book is written over, from raw values."""
    specs, (facts, _) = rules.book.traced().facts, rules.book.types()
    return facts(**{name: typed_fact(spec, raw[name]) for name, spec in specs.items()})


def raw_stated(specs: Mapping[str, FactSpec], facts: Mapping[str, Any]) -> dict[str, Any]:
    """What an applicant states, in raw form; only facts that may be stated are kept."""
    return {name: _raw(value) for name, value in facts.items() if isinstance(specs[name].source, Stated)}


def _raw(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return sorted(value) if isinstance(value, frozenset | set | list) else value


def typed_fact(spec: FactSpec, value: Any) -> Any:
    """The value of one fact from its raw form."""
    if value is not None and spec.kind is Kind.DAY:
        return date.fromisoformat(value)
    if value is None or spec.choices is None:
        return value
    if spec.kind is Kind.CHOICES:
        return frozenset(spec.choices(item) for item in value)
    return spec.choices(value)
