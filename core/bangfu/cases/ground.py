"""What a county's programme stands on: switched on since when, and the frozen rules of a period.

Opening a period resolves every parameter on the period's reference day and writes book and values down as an edition
that never changes. Where something is paid every month, each month has its own, by its own day. If provisions released
later say otherwise, opening it again makes the next edition; a case follows it at its next accounting, a month when it
is decided again, and is otherwise left as it was decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.dialects.postgresql import insert as put
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import audit
from bangfu.access import Action, Entered
from bangfu.calendar import Period, WorkingDays
from bangfu.cases.provisions import hold_provisions, released_by
from bangfu.db import hold
from bangfu.db.bulk import among
from bangfu.errors import Code, Problem, Refused
from bangfu.models import Edition, ProgrammeSwitch, new_id
from bangfu.policy import Provision, Resolved, Whose, build
from bangfu.process import CountedOn, Proceedings
from bangfu.programme import AnyProgramme, InForce, Milestone, Programme
from bangfu.registry.days import working_days
from bangfu.rules.book import RuleBook
from bangfu.rules.explain import Explainer
from bangfu.text import Text

# --- switching on ---------------------------------------------------------------------------------------------


async def switch_on(session: AsyncSession, who: Entered, programme: AnyProgramme, since: date) -> None:
    """Let the county run a programme from a day on; where it runs or is to run by then already, nothing changes.

    What was to begin later begins then instead, and what was to be suspended later is not. Refuses ``FORBIDDEN``, and
    ``BAD_VALUE`` for a day on which it ran before it was suspended.
    """
    who.require(Action.SWITCH_PROGRAMME, programme.code)
    spans = await _spans(session, who.county.id, programme.code)
    standing = _standing(spans, who.at.today)
    if standing is not None and not (since < standing.since and standing.since > who.at.today):
        if standing.until is None:
            return
        await _end(session, standing, None)
    else:
        over = max((one.until for one in spans if one is not standing and one.until is not None), default=since)
        if since < over:
            raise _no_day("since", since, over)
        if standing is not None:  # as if it had never been to begin later
            await _end(session, standing, standing.since)
        begun = put(ProgrammeSwitch).values(tenant_id=who.county.id, programme=programme.code, since=since)
        # Where it was suspended on the day on which it was to begin, it begins then all the same.
        key = (ProgrammeSwitch.tenant_id, ProgrammeSwitch.programme, ProgrammeSwitch.since)
        await session.execute(begun.on_conflict_do_update(index_elements=key, set_={"until": None}))
    await audit.record(
        session, who.at.now, who.actor.id, Action.SWITCH_PROGRAMME.value, programme.code, {"since": since.isoformat()}
    )


async def switch_off(session: AsyncSession, who: Entered, programme: AnyProgramme, until: date, reason: str) -> None:
    """Suspend a programme in the county from a day on 停用: nothing of its cases is done any more, and nothing is lost.

    ``until`` is the first day on which it does not run, today at the earliest; stated again, the last one counts.
    Switched on again, it goes on where it stood. Refuses ``FORBIDDEN``, ``PROGRAMME_OFF``, ``MISSING_VALUE`` without a
    reason and ``BAD_VALUE`` for a day that is over or before it begins.
    """
    who.require(Action.SWITCH_PROGRAMME, programme.code)
    if not reason.strip():
        raise Code.MISSING_VALUE.refuse("reason", field=Text("理由", "reason"))
    standing = _standing(await _spans(session, who.county.id, programme.code), who.at.today)
    if standing is None:
        raise Code.PROGRAMME_OFF.refuse("programme", programme=programme.title)
    earliest = max(standing.since, who.at.today)
    if until < earliest:
        raise _no_day("until", until, earliest)
    await _end(session, standing, until)
    told = {"until": until.isoformat(), "reason": reason}
    await audit.record(session, who.at.now, who.actor.id, Action.SWITCH_PROGRAMME.value, programme.code, told)


async def _spans(session: AsyncSession, tenant: int, programme: str) -> list[ProgrammeSwitch]:
    """From when to when the county runs a programme, in order; one at a time changes them."""
    await hold(session, f"{programme}/switch")
    query = select(ProgrammeSwitch).where(ProgrammeSwitch.tenant_id == tenant, ProgrammeSwitch.programme == programme)
    found = (await session.scalars(query.execution_options(populate_existing=True))).all()
    # What was never to run is passed over.
    return sorted((one for one in found if one.until is None or one.until > one.since), key=lambda one: one.since)


def _standing(spans: Sequence[ProgrammeSwitch], today: date) -> ProgrammeSwitch | None:
    """The span that runs or is to run, if the last one is not over."""
    last = spans[-1] if spans else None
    return None if last is None or (last.until is not None and last.until <= today) else last


async def _end(session: AsyncSession, span: ProgrammeSwitch, until: date | None) -> None:
    await session.execute(
        update(ProgrammeSwitch)
        .where(
            ProgrammeSwitch.tenant_id == span.tenant_id,
            ProgrammeSwitch.programme == span.programme,
            ProgrammeSwitch.since == span.since,
        )
        .values(until=until)
        .execution_options(synchronize_session=False)
    )


def _no_day(field: str, value: date, earliest: date) -> Refused:
    titles = {"since": Text("起始日", "first day"), "until": Text("停用日", "day from which it is off")}
    expected = Text(f"{earliest} 起的日期", f"a day from {earliest} on")
    return Code.BAD_VALUE.refuse(field, field=titles[field], value=value, expected=expected)


async def switched_on(session: AsyncSession, tenant: int, today: date) -> dict[str, date]:
    """The programmes that the county runs on a day, by code, each with its first day."""
    rows = await session.execute(
        select(ProgrammeSwitch.programme, func.max(ProgrammeSwitch.since))
        .where(
            ProgrammeSwitch.tenant_id == tenant,
            ProgrammeSwitch.since <= today,
            ProgrammeSwitch.until.is_(None) | (ProgrammeSwitch.until > today),
        )
        .group_by(ProgrammeSwitch.programme)
    )
    return {row[0]: row[1] for row in rows}


async def standing_since(session: AsyncSession, tenant: int, today: date) -> dict[str, date]:
    """The programmes that the county runs on a day or is to run later, by code, each with its first day."""
    query = select(ProgrammeSwitch.programme, func.max(ProgrammeSwitch.since)).where(
        ProgrammeSwitch.tenant_id == tenant,
        ProgrammeSwitch.until.is_(None)
        | ((ProgrammeSwitch.until > today) & (ProgrammeSwitch.until > ProgrammeSwitch.since)),
    )
    return {row[0]: row[1] for row in await session.execute(query.group_by(ProgrammeSwitch.programme))}


# --- periods --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Difference:
    """A number that the county's own document sets otherwise than the plan: its value, whose clause says so, and what
    the plan says; None where the source hides that, or says nothing for the day."""

    parameter: str
    title: Text
    value: Text
    authority: Resolved
    planned: Text | None


@dataclass(frozen=True)
class Rules:
    """One edition of a period's rules, ready to decide, conduct and explain."""

    id: UUID
    number: int
    programme: Programme
    period: Period
    resolved: Mapping[str, Resolved]
    book: type[RuleBook[Any, Any]]
    version: str
    working: WorkingDays
    moved_by: Mapping[str, str] | None = None
    """By which document and clause of its own the county decides by this book; None where every county does."""
    month: int | None = None
    """The month that they are of, where something is paid every month; ``period`` is then that month."""
    opened_at: datetime | None = None
    """When the edition was opened; None of rules that are no edition."""

    @property
    def book_since(self) -> date:
        """The day from which the book is known."""
        return next(dated.since for dated in self.programme.books if dated.rules is self.book)

    @cached_property
    def parameters(self) -> Any:
        """The programme's ``Parameters``."""
        return build(self.programme.parameters, self.resolved)

    @cached_property
    def proceedings(self) -> Proceedings:
        """The process under these parameters."""
        return Proceedings(self.programme.process, self.parameters, self.period, self.working)

    @cached_property
    def explainer(self) -> Explainer:
        """What explains determinations under these parameters."""
        return Explainer(self.book, self.parameters, self.programme.titles())

    @property
    def milestones(self) -> list[tuple[Milestone, date, date]]:
        """The times of the plan that are no stages, each with its first and last day in the period."""
        year = self.period.year

        def day(own: Milestone, name: str) -> date:
            found: date = getattr(self.parameters, name).in_year(year + own.years)
            return found

        return [(own, day(own, own.opens), day(own, own.closes)) for own in self.programme.milestones]

    def shown(self, name: str) -> Text:
        """A parameter's value as a person reads it."""
        return self.programme.policy.parameters[name].kind.show(self.resolved[name].value)

    @property
    def differences(self) -> list[Difference]:
        """Where the county's own documents differ from the plan; a value that is set as the plan has it does not."""
        found = []
        for name, parameter in self.programme.policy.parameters.items():
            resolved = self.resolved.get(name)
            entry = parameter.on(self.period.reference_day)
            planned = entry.value if entry is not None else None
            if resolved and resolved.whose is Whose.COUNTY and resolved.value != planned:
                said = None if planned is None else parameter.kind.show(planned)
                found.append(Difference(name, parameter.title, self.shown(name), resolved, said))
        return found


@dataclass(frozen=True)
class Ground:
    """A programme in one period of a county: all editions of its rules; cases are fixed to one each."""

    programme: Programme
    period: Period
    editions: Mapping[UUID, Rules]
    running: Sequence[tuple[date, date | None]]
    """From when to when (not included) the county runs the programme."""
    months: Mapping[UUID, Rules] = field(default_factory=dict)
    """The editions of its months, where something is paid every month."""

    def runs(self, today: date) -> bool:
        """Whether the county runs the programme on a day; otherwise it can be read, and nothing can be done."""
        return any(since <= today and (until is None or today < until) for since, until in self.running)

    @property
    def latest(self) -> Rules:
        """The newest edition."""
        return max(self.editions.values(), key=lambda rules: rules.number)

    def month(self, number: int) -> Rules:
        """The newest edition of a month of the period."""
        own = [rules for rules in self.months.values() if rules.month == number]
        return max(own, key=lambda rules: rules.number)


async def open_period(session: AsyncSession, who: Entered, programme: Programme, key: str) -> Rules:
    """Freeze the rules of a period, or the next edition of them if released provisions now say otherwise.

    Refuses ``FORBIDDEN``, ``PERIOD_BAD``, ``PROGRAMME_OFF``, one ``PARAMETER_UNSET`` for each value that nobody has
    set, and one ``STAGE_NEVER_OPEN`` for each stage that would end before it begins.
    """
    who.require(Action.OPEN_PERIOD, programme.code)
    period = programme.period.period(key)
    if _standing(await _spans(session, who.county.id, programme.code), who.at.today) is None:
        raise Code.PROGRAMME_OFF.refuse("programme", programme=programme.title)
    await hold_provisions(session, programme)
    provisions = await released_by(session, who.county.id, programme)
    programme.book(period.reference_day, provisions)  # a year before the first one is none, whatever is set
    resolved = programme.policy.resolve(period.reference_day, provisions)
    require_open(programme, period, resolved)
    frozen = [_Frozen.on(programme, period, None, provisions)]
    if (monthly := programme.process.monthly) is not None:
        counted: CountedOn = resolved[monthly.counted_on].value
        day = 1 if counted is CountedOn.FIRST_DAY else None
        frozen += [_Frozen.on(programme, period.month(number, day), number, provisions) for number in MONTHS]
    # One at a time: the number of the edition is counted.
    await hold(session, f"{programme.code}/{key}")
    last = await _last(session, who.county.id, programme, key)
    for own in frozen:
        before = last.get(own.month)
        if before is not None and own.is_same(before):
            continue
        number = before.number + 1 if before else 1
        await session.execute(
            insert(Edition).values(
                tenant_id=who.county.id,
                id=new_id(),
                programme=programme.code,
                period=key,
                number=number,
                month=own.month,
                reference_day=own.reference_day,
                book_since=own.book_since,
                book_version=own.version,
                moved_by=own.moved_by,
                parameters=own.parameters,
                opened_by=who.actor.id,
                opened_at=who.at.now,
            )
        )
        said = {"edition": number, "book": own.version, **({"month": own.month} if own.month else {})}
        await audit.record(session, who.at.now, who.actor.id, Action.OPEN_PERIOD.value, f"{programme.code}/{key}", said)
    return (await ground_of(session, who.county.id, programme, key)).latest


MONTHS = range(1, 13)
"""The months of a year."""


@dataclass(frozen=True, slots=True)
class _Frozen:
    """The rules of a period, or of a month of it, as an edition keeps them."""

    month: int | None
    reference_day: date
    book_since: date
    version: str
    moved_by: dict[str, str] | None
    parameters: dict[str, Any]

    @classmethod
    def on(cls, programme: Programme, period: Period, month: int | None, provisions: Sequence[Provision]) -> _Frozen:
        """What holds on the reference day of a period; refuses what is not set."""
        day = period.reference_day
        found = programme.book(day, provisions)
        parameters = freeze(programme, programme.policy.resolve(day, provisions))
        version = found.book.rules.traced().version
        return cls(month, day, found.book.since, version, moved_by(found), parameters)

    def is_same(self, edition: Edition) -> bool:
        """Whether an edition says so already."""
        kept = (edition.parameters, edition.book_version, edition.moved_by, edition.reference_day)
        return kept == (self.parameters, self.version, self.moved_by, self.reference_day)


async def _last(session: AsyncSession, tenant: int, programme: Programme, key: str) -> dict[int | None, Edition]:
    """The newest edition of a period and of each of its months, in one statement."""
    query = select(Edition).where(
        Edition.tenant_id == tenant, Edition.programme == programme.code, Edition.period == key
    )
    return {row.month: row for row in await session.scalars(query.order_by(Edition.number))}


def require_open(programme: Programme, period: Period, resolved: Mapping[str, Resolved]) -> None:
    """Refuse (one ``STAGE_NEVER_OPEN`` each) numbers by which a stage would end before it begins."""
    parameters: Any = build(programme.parameters, resolved)
    if amiss := Proceedings(programme.process, parameters, period, WorkingDays()).never_open():
        raise Refused(amiss)


async def ground_of(session: AsyncSession, tenant: int, programme: Programme, key: str) -> Ground:
    """The ground of a programme in a period; refuses ``PERIOD_BAD`` and ``PERIOD_NOT_OPEN``."""
    period = programme.period.period(key)
    query = _editions(tenant).where(Edition.programme == programme.code, Edition.period == key)
    rows = (await session.execute(query)).all()
    if not rows:
        raise Code.PERIOD_NOT_OPEN.refuse("period", programme=programme.title, period=key)
    return _ground(programme, period, rows, await working_days(session, tenant))


async def grounds_of(
    session: AsyncSession, tenant: int, programmes: Iterable[Programme]
) -> dict[tuple[str, str], Ground]:
    """Every period that has been opened of some programmes, by programme and period, in two statements."""
    known = {programme.code: programme for programme in programmes}
    query = _editions(tenant).where(among(Edition.programme, known))
    rows = await session.execute(query.order_by(Edition.programme, Edition.reference_day, Edition.number))
    editions: dict[tuple[str, str], list[Any]] = {}
    for row in rows:
        editions.setdefault((row.Edition.programme, row.Edition.period), []).append(row)
    working = await working_days(session, tenant)
    return {
        (code, key): _ground(known[code], known[code].period.period(key), own, working)
        for (code, key), own in editions.items()
    }


def _editions(tenant: int) -> Any:
    """Editions of the county, each with the days from and until which it runs the programme."""

    def spans(column: Any) -> Any:
        return (
            select(func.array_agg(aggregate_order_by(column, ProgrammeSwitch.since)))
            .where(ProgrammeSwitch.tenant_id == tenant, ProgrammeSwitch.programme == Edition.programme)
            .correlate(Edition)
            .scalar_subquery()
        )

    return select(
        Edition, spans(ProgrammeSwitch.since).label("since"), spans(ProgrammeSwitch.until).label("until")
    ).where(Edition.tenant_id == tenant)


def _ground(programme: Programme, period: Period, rows: Sequence[Any], working: WorkingDays) -> Ground:
    running = list(zip(rows[0].since or (), rows[0].until or (), strict=True))
    thawed = {row.Edition.id: thaw(programme, period, row.Edition, working) for row in rows}
    editions = {id_: rules for id_, rules in thawed.items() if rules.month is None}
    months = {id_: rules for id_, rules in thawed.items() if rules.month is not None}
    return Ground(programme, period, editions, running, months)


def moved_by(found: InForce) -> dict[str, str] | None:
    """By which of its own documents a county decides by a book, as an edition keeps it."""
    if found.by is None or found.move is None:
        return None
    return {
        "provision": found.by.id,
        "document": found.by.title,
        "clause": found.move.clause,
        "since": found.move.since.isoformat(),
    }


def freeze(programme: Programme, resolved: Mapping[str, Resolved]) -> dict[str, Any]:
    """Resolved parameters as an edition keeps them."""
    return {
        name: {
            "value": programme.policy.parameters[name].kind.dump(item.value),
            "since": item.since.isoformat(),
            "whose": item.whose.value,
            "document": item.document,
            "clause": item.clause,
            "provision": item.provision,
        }
        for name, item in resolved.items()
    }


def thaw(programme: Programme, period: Period, row: Edition, working: WorkingDays) -> Rules:
    """An edition ready for use.

    A number that the plan has learned of since, with a later book, is what the plan says of it on the reference day:
    the book of the edition knows nothing of it. Refuses ``BOOK_MISSING`` if the book it was opened with is not
    installed: nothing is decided by another text.
    """
    since: Mapping[str, Resolved] = {}
    if programme.policy.parameters.keys() - row.parameters.keys():
        since, _ = programme.policy.resolved(row.reference_day, ())
    resolved = {
        **since,
        **{
            name: Resolved(
                name,
                programme.policy.parameters[name].kind.parse(item["value"]),
                date.fromisoformat(item["since"]),
                Whose(item["whose"]),
                item["document"],
                item["clause"],
                item["provision"],
            )
            for name, item in row.parameters.items()
        },
    }
    book = next((dated.rules for dated in programme.books if dated.since == row.book_since), None)
    if book is None or book.traced().version != row.book_version:
        raise Refused([missing_book(programme, row)])
    if row.month is not None:
        period = replace(period.month(row.month), reference_day=row.reference_day)
    return Rules(
        row.id,
        row.number,
        programme,
        period,
        resolved,
        book,
        row.book_version,
        working,
        row.moved_by,
        row.month,
        row.opened_at,
    )


def missing_book(programme: Programme, row: Edition) -> Problem:
    """The problem of a book that decided and is no longer there."""
    return Code.BOOK_MISSING.problem(
        "edition", programme=programme.title, since=row.book_since, version=row.book_version[:12]
    )
