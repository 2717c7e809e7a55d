"""按月核定: what each month of a case comes to, where something is paid every month.

A month is decided by the facts of one of its days, whenever these become known. Deciding a month decides it for
everybody who is paid, and again every earlier month of whoever something has become known of since. A decision is never
changed: the next one of the same month stands, and what it adds or takes back becomes a line of its own, paid with the
next payment or set off against it. Doing it again changes nothing.

People who are alike in what counts are decided together: a county of a hundred thousand has a few dozen different
results in a month, each kept once. What deciding would change is in :mod:`bangfu.cases.month_previews`, deciding for a
whole county in :mod:`bangfu.cases.month_runs`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import audit, payments
from bangfu.access import Action, Entered
from bangfu.cases.acts import digest_of, permitted
from bangfu.cases.gather import At, Circumstances, Subject, circumstances_of, gather
from bangfu.cases.ground import Ground, Rules
from bangfu.cases.views import Selection, Stated
from bangfu.db import Database, hold
from bangfu.db.bulk import Columns, among, insert_columns, insert_new, plainly
from bangfu.errors import Code, Problem, Refused
from bangfu.models import Case, CaseEvent, Entitlement, MonthDecision, MonthResult, MonthRun, Person, new_id, new_ids
from bangfu.models import Circumstance as CircumstanceRow
from bangfu.process import (
    CLOSED,
    STOPPED,
    WAYS,
    WITHDRAWN,
    Course,
    Monthly,
    RestCause,
    Way,
    duty_names,
    first_month,
)
from bangfu.rules.book import Outcome
from bangfu.rules.facts import Circumstance
from bangfu.text import Text, day

MARGIN = timedelta(days=1)
"""By how much the time from which changes are looked for lies before the last run: what was being written down while it
ran has an instant before it, and was not seen by it."""


class Payee(NamedTuple):
    """A case that is or was paid every month, as deciding its months needs to know it. Of one that did not come to its
    end from where it was paid, ``whole`` is false: what is decided of it is decided again, and no more months are."""

    id: UUID
    number: str
    household: UUID
    person: UUID
    division: int
    opened_on: date
    stage: str
    whole: bool

    @property
    def key(self) -> tuple[int, str]:
        """Its place in a list."""
        return self.division, self.number


@dataclass(frozen=True, slots=True)
class Result:
    """What a rule book makes of some facts in a month: everything that explains it, in raw form, and what it comes to
    in fen."""

    rules: Rules
    digest: str
    outcome: Outcome
    payable: int
    facts: Mapping[str, Any]
    values: Mapping[str, Any]


class Decision(NamedTuple):
    """What a month of a case comes to by what is known now, in fen, and what it came to ``before``, None where it was
    never decided."""

    case: Payee
    month: int
    number: int
    result: Result
    withheld: str
    before: int | None

    @property
    def amount(self) -> int:
        """What is due of the month."""
        return 0 if self.withheld else self.result.payable

    @property
    def difference(self) -> int:
        """What it adds to what was due of the month before; negative where it takes back."""
        return self.amount - (self.before or 0)


@dataclass(slots=True)
class Months:
    """What deciding months came to: the decisions that were made, how many stayed as they were, and who could not be
    decided and why."""

    decisions: list[Decision] = field(default_factory=list)
    unchanged: int = 0
    refused: list[tuple[str, Problem]] = field(default_factory=list)

    @property
    def again(self) -> list[Decision]:
        """Those that changed an earlier decision."""
        return [one for one in self.decisions if one.before is not None]


# --- who, and which months ------------------------------------------------------------------------------------


def stage_of(ground: Ground) -> Monthly:
    """The stage at which a programme pays every month; refuses ``NOT_MONTHLY`` where it does not."""
    stage = ground.programme.process.monthly
    if stage is None:
        raise Code.NOT_MONTHLY.refuse("programme", programme=ground.programme.title)
    return stage


def require_maker(who: Entered, ground: Ground) -> Monthly:
    """The stage that pays every month, for whoever decides its months; refuses ``NOT_MONTHLY``,
    ``NOT_ALLOWED_HERE``, ``PROGRAMME_OFF`` and ``NOT_YOUR_DUTY``."""
    stage = stage_of(ground)
    if problem := permitted(who, ground, Stated(), stage.code, Action.PAY_CASES):
        raise Refused([problem])
    if stage.maker not in who.actor.duties(who.at.today):
        raise Code.NOT_YOUR_DUTY.refuse("duty", stage=stage.title, duties=duty_names([stage.maker]))
    return stage


def require_begun(who: Entered, ground: Ground, month: int) -> None:
    """Refuse ``BAD_VALUE`` for what is no month, and ``MONTH_NOT_BEGUN`` before the day by which it is decided."""
    if month not in range(1, 13):
        raise Code.BAD_VALUE.refuse(
            "month", field=Text("月份", "month"), value=month, expected=Text("1 至 12", "1 to 12")
        )
    on = ground.month(month).period.reference_day
    if who.at.today < on:
        raise Code.MONTH_NOT_BEGUN.refuse("month", year=ground.period.year, month=month, day=day(on))


async def require_decided(session: AsyncSession, who: Entered, ground: Ground, month: int | None) -> None:
    """Refuse ``MISSING_VALUE`` without a month, ``BAD_VALUE`` for what is none, and ``MONTH_NOT_DECIDED``."""
    if month is None:
        raise Code.MISSING_VALUE.refuse("month", field=Text("月份", "month"))
    require_begun(who, ground, month)
    ran = select(MonthRun.id).where(*runs_of(who, ground), MonthRun.month >= month)
    if await session.scalar(ran.limit(1)) is None:
        raise Code.MONTH_NOT_DECIDED.refuse("month", year=ground.period.year, month=month)


def runs_of(who: Entered, ground: Ground) -> tuple[ColumnElement[bool], ...]:
    """What tells the runs that decided months of a programme in its period."""
    return (
        MonthRun.tenant_id == who.county.id,
        MonthRun.programme == ground.programme.code,
        MonthRun.period == ground.period.key,
    )


async def payees(session: AsyncSession, who: Entered, ground: Ground, selection: Selection) -> list[Payee]:
    """The selected cases that are or were paid every month, by village and number, in one statement.

    Who was sent back and ended at a review was never paid. Where a month of his was decided all the same, just as he
    was sent back, and is due, it is decided again.
    """
    stage = stage_of(ground).code
    # Each looked up by a key, for the few who ended: as "exists" it might be worked out for the whole county first.
    ended_at = select(CaseEvent.from_stage).where(
        CaseEvent.tenant_id == Case.tenant_id, CaseEvent.case_id == Case.id, CaseEvent.version == Case.version
    )
    due = select(Entitlement.id).where(
        Entitlement.tenant_id == Case.tenant_id,
        Entitlement.case_id == Case.id,
        Entitlement.kind == payments.Kind.AWARD.value,
        Entitlement.voided_at.is_(None),
    )
    # Cases are closed from where they were paid, and from nowhere else.
    paid = Case.stage.in_((stage, CLOSED))
    whole = paid | (ended_at.correlate(Case).scalar_subquery() == stage)
    still_due = due.correlate(Case).limit(1).scalar_subquery().is_not(None)
    query = select(
        Case.id, Case.number, Case.household_id, Case.person_id, Case.division, Case.opened_on, Case.stage, whole
    ).where(
        Case.tenant_id == who.county.id,
        Case.programme == ground.programme.code,
        Case.period == ground.period.key,
        Case.division.between(*who.scope.bounds),
        paid | (Case.stage.in_((STOPPED, WITHDRAWN)) & (whole | still_due)),
    )
    if selection.numbers is not None:
        query = query.where(among(Case.number, selection.numbers))
    if selection.areas is not None:
        query = query.where(or_(*(Case.division.between(lo, hi) for lo, hi in selection.areas)))
    if selection.after is not None:
        query = query.where(tuple_(Case.division, Case.number) > tuple_(*selection.after))
    if selection.upto is not None:
        query = query.where(tuple_(Case.division, Case.number) <= tuple_(*selection.upto))
    rows = await plainly(session, query.order_by(Case.division, Case.number).limit(selection.limit))
    return [Payee(*row) for row in rows]


def decidable(who: Entered, area: tuple[int, int] | None = None) -> list[tuple[int, int]]:
    """The areas, within one if it is given, whose months somebody can work out: where all that offices list is in
    sight. Who sees single households sees their cases, and not what is listed of them."""
    low, high = area or who.scope.bounds
    return [(max(lo, low), min(hi, high)) for lo, hi in who.scope.areas if lo <= high and low <= hi]


async def courses(
    session: AsyncSession, who: Entered, cases: Sequence[Payee], known_at: datetime | None = None
) -> dict[UUID, Course]:
    """How cases went, as known at an instant, now unless stated; those that simply went on are not among them.

    A case that was carried into the next year goes on there: when it rested no more, or that it had ended in the old
    year, is written down with the new one. One statement, one more a year that cases have been carried on.
    """
    chains = await _carried_on(session, who, cases)
    return await went(session, who, {case.id for case in cases}, known_at or who.at.now, chains)


async def went(
    session: AsyncSession, who: Entered, cases: Collection[UUID], known_at: datetime, chains: _Chains | None = None
) -> dict[UUID, Course]:
    """The same, of cases that were not carried on, or of which it is known how, in one statement."""
    chains = chains or {}
    later = {after: case for case, own in chains.items() for after in own}
    query = select(CaseEvent.case_id, CaseEvent.version, CaseEvent.act, CaseEvent.effective_on, CaseEvent.data).where(
        CaseEvent.tenant_id == who.county.id,
        CaseEvent.act.in_(WAYS),
        CaseEvent.recorded_at <= known_at,
        among(CaseEvent.case_id, {*cases, *later}),
    )
    ways: dict[UUID, list[Way]] = {}
    for row in await session.execute(query):
        whose = later.get(row.case_id, row.case_id)
        # The steps of a case come after all those of the one that it was carried on from.
        before = (chains[whose].index(row.case_id) + 1) * _STEPS if row.case_id in later else 0
        data = {**row.data, "undoes": row.data["undoes"] + before} if "undoes" in row.data else row.data
        ways.setdefault(whose, []).append(Way(row.version + before, row.act, row.effective_on, data))
    return {case: Course.of(own) for case, own in ways.items()}


_STEPS = 1_000_000
"""More steps than a case has."""


_Chains: TypeAlias = Mapping[UUID, Sequence[UUID]]
"""The cases that each closed case was carried on as, year by year."""


async def _carried_on(session: AsyncSession, who: Entered, cases: Sequence[Payee]) -> _Chains:
    """How cases were carried on, in a statement a year."""
    chains: dict[UUID, list[UUID]] = {case.id: [] for case in cases if case.stage == CLOSED}
    open_ = {case: case for case in chains}
    while open_:
        query = select(CaseEvent.case_id, CaseEvent.data["to"].astext).where(
            CaseEvent.tenant_id == who.county.id,
            CaseEvent.act == "carry",
            CaseEvent.data.has_key("to"),
            among(CaseEvent.case_id, open_),
        )
        following = {}
        for case, to in await session.execute(query):
            chains[open_[case]].append(UUID(to))
            following[UUID(to)] = open_[case]
        open_ = following
    return chains


async def in_sight(session: AsyncSession, who: Entered, cases: Sequence[Payee]) -> list[Payee]:
    """Those of some cases whose persons are in sight, in one statement, and in none for who sees the whole county: what
    is listed of who has moved to another village is not seen from the old one, and nothing is said of him by what is
    not seen."""
    if who.scope.areas == (who.county.area,):
        return list(cases)
    query = select(Person.id).where(
        Person.tenant_id == who.county.id, among(Person.id, {case.person for case in cases})
    )
    seen = set(await session.scalars(query))
    return [case for case in cases if case.person in seen]


async def to_decide(session: AsyncSession, who: Entered, ground: Ground, selection: Selection) -> list[Payee]:
    """The selected cases whose months somebody decides: those of :func:`payees` of which he sees all that is listed."""
    areas = decidable(who)
    cases = await payees(session, who, ground, replace(selection, areas=areas)) if areas else []
    return await in_sight(session, who, cases)


@dataclass(frozen=True, slots=True)
class _Known:
    """What of the months of some cases is decided already, and of which something has become known since."""

    reached: Mapping[UUID, int]
    """The last month that is decided of each case."""
    touched: frozenset[UUID]
    """The cases of which everything is decided again."""
    redone: frozenset[int]
    """The months that are decided again for everybody, because their rules are others now."""


async def _known(
    session: AsyncSession,
    who: Entered,
    ground: Ground,
    cases: Sequence[Payee],
    chains: _Chains,
    since: datetime | None,
) -> _Known:
    """Which months are decided already, in a statement, and what has changed since an instant, in two more; without
    one, or where it cannot be told, everything has."""
    ids = {case.id: case.person for case in cases}
    query = (
        select(MonthDecision.case_id, func.max(MonthDecision.month))
        .where(MonthDecision.tenant_id == who.county.id, among(MonthDecision.case_id, ids))
        .group_by(MonthDecision.case_id)
    )
    reached = {row[0]: row[1] for row in await session.execute(query)}
    editions = [*ground.editions.values(), *ground.months.values()]
    told = all(
        isinstance(spec.source, Circumstance) for rules in editions for spec in rules.book.traced().facts.values()
    )
    if since is None or not told:
        return _Known(reached, frozenset(ids), frozenset())
    query_changed = select(CircumstanceRow.person_id).where(
        CircumstanceRow.tenant_id == who.county.id,
        or_(CircumstanceRow.known_from >= since, CircumstanceRow.known_to >= since),
        among(CircumstanceRow.person_id, set(ids.values())),
    )
    persons = set(await session.scalars(query_changed))
    stage = stage_of(ground).code
    # Who was at a review when months were decided was passed by.
    came = (CaseEvent.to_stage == stage) & (CaseEvent.from_stage != stage)
    query_ways = select(CaseEvent.case_id).where(
        CaseEvent.tenant_id == who.county.id,
        CaseEvent.act.in_(WAYS) | came,
        CaseEvent.recorded_at >= since,
        among(CaseEvent.case_id, {*ids, *(after for own in chains.values() for after in own)}),
    )
    moved = set(await session.scalars(query_ways))
    again = await _undecided(session, who, ground)
    touched = frozenset(
        case.id
        for case in cases
        if case.person in persons or case.number in again or moved & {case.id, *chains.get(case.id, ())}
    )
    # What rules how months count stands in the rules of the period: if these are others, so is every month.
    fresh = {rules.month for rules in editions if rules.opened_at is None or rules.opened_at >= since}
    redone = range(1, 13) if None in fresh else (month for month in fresh if month is not None)
    return _Known(reached, touched, frozenset(redone))


async def since_of(session: AsyncSession, who: Entered, ground: Ground) -> datetime | None:
    """The instant from which changes count, for whoever decides for the same areas as the last time; None before the
    first time."""
    query = select(func.max(MonthRun.known_at)).where(*runs_of(who, ground), MonthRun.areas == who.areas)
    last = await session.scalar(query)
    return None if last is None else last - MARGIN


async def _undecided(session: AsyncSession, who: Entered, ground: Ground) -> frozenset[str]:
    """The numbers of those whom the last run could not decide again: they are looked at until they are."""
    query = (
        select(MonthRun.undecided)
        .where(*runs_of(who, ground), MonthRun.areas == who.areas)
        .order_by(MonthRun.known_at.desc(), MonthRun.id.desc())
        .limit(1)
    )
    return frozenset(await session.scalar(query) or ())


def _wanted(cases: Sequence[Payee], ground: Ground, upto: int, known: _Known) -> dict[int, list[Payee]]:
    """The cases of which each month is to be decided: up to the one that is asked for, and of whom something has become
    known since every month that is decided already, also a later one."""
    begins = getattr(ground.latest.parameters, stage_of(ground).begins)
    wanted: dict[int, list[Payee]] = {month: [] for month in range(1, 13)}
    for case in cases:
        first = first_month(case.opened_on, ground.period.year, begins)
        reached = known.reached.get(case.id, 0)
        whole = case.id in known.touched
        for month in range(first, max(upto if case.whole else 0, reached) + 1):
            if whole or month > reached or month in known.redone:
                wanted[month].append(case)
    return {month: own for month, own in wanted.items() if own}


# --- deciding -------------------------------------------------------------------------------------------------


async def decided(
    session: AsyncSession,
    who: Entered,
    ground: Ground,
    cases: Sequence[Payee],
    upto: int,
    since: datetime | None = None,
) -> Months:
    """What the months of some cases come to by what is known now, up to one; nothing is written.

    Only what has changed since an instant is decided again, where one is stated. Refuses, per case,
    ``FACT_OUT_OF_BOUNDS``, and ``NOT_DETERMINED`` where something was due and a fact that it needs is not known any
    more.
    """
    chains = await _carried_on(session, who, cases)
    known = await _known(session, who, ground, cases, chains, since)
    wanted = _wanted(cases, ground, upto, known)
    found = Months()
    if not wanted:
        return found
    ways = await went(session, who, {case.id for case in cases}, who.at.now, chains)
    back_paid: Collection[RestCause] = getattr(ground.latest.parameters, stage_of(ground).back_paid)
    deciding = _Deciding(session, who, ground)
    lists = await deciding.read(wanted.values())
    before = await _before(
        session,
        who,
        {case.id for month, own in wanted.items() for case in own if month <= known.reached.get(case.id, 0)},
    )
    for month, own in wanted.items():
        rules = ground.month(month)
        results, faults = await deciding.results(rules, own, lists)
        found.refused += faults
        on = rules.period.reference_day
        for case, result in zip(own, results, strict=True):
            if result is None:
                continue
            course = ways.get(case.id)
            withheld = course.withheld(on, back_paid) if course is not None else ""
            last = before.get((case.id, month))
            if last is None:
                found.decisions.append(Decision(case, month, 1, result, withheld, None))
            elif (last.edition, last.digest, last.withheld) == (result.rules.id, result.digest, withheld):
                found.unchanged += 1
            elif result.outcome is Outcome.INCOMPLETE and last.amount and not withheld:
                found.refused.append((case.number, Code.NOT_DETERMINED.problem("person", case.number)))
            else:
                found.decisions.append(Decision(case, month, last.number + 1, result, withheld, last.amount))
    return found


@dataclass(frozen=True, slots=True)
class _Last:
    """The decision of a month that stands."""

    number: int
    edition: UUID
    digest: str
    withheld: str
    amount: int


async def _before(session: AsyncSession, who: Entered, cases: Collection[UUID]) -> dict[tuple[UUID, int], _Last]:
    """The decisions that stand of the months of some cases, in one statement."""
    if not cases:
        return {}
    own = MonthDecision
    query = (
        select(own.case_id, own.month, own.number, MonthResult.edition_id, MonthResult.digest, own.withheld,
               own.amount_fen)
        .ext(distinct_on(own.case_id, own.month))
        .join(MonthResult, (MonthResult.tenant_id == own.tenant_id) & (MonthResult.id == own.result_id))
        .where(own.tenant_id == who.county.id, among(own.case_id, cases))
        .order_by(own.case_id, own.month, own.number.desc())
    )  # fmt: skip
    return {(row[0], row[1]): _Last(*row[2:]) for row in await session.execute(query)}


@dataclass
class _Deciding:
    """Decides months by what is known at one instant; who is alike is decided once."""

    session: AsyncSession
    who: Entered
    ground: Ground
    known_at: datetime | None = None
    kept: dict[tuple[UUID, tuple[Any, ...]], Result | Problem] = field(default_factory=dict)

    @property
    def at(self) -> datetime:
        return self.known_at or self.who.at.now

    async def read(self, cases: Iterable[Sequence[Payee]]) -> Circumstances:
        """What is known of the circumstances of everybody, whatever days it holds for, in one statement."""
        persons = {case.person for own in cases for case in own}
        return await circumstances_of(self.session, self.who.county.id, self.ground.months.values(), persons, self.at)

    async def results(
        self, rules: Rules, cases: Sequence[Payee], lists: Circumstances
    ) -> tuple[list[Result | None], list[tuple[str, Problem]]]:
        """What a month of each case comes to by the rules of the month; None for those that cannot be computed, with
        the problem of each."""
        subjects = [Subject(case.household, {}, case.id, case.opened_on, person=case.person) for case in cases]
        at = At(stage_of(self.ground).code, rules.period.reference_day, self.at)
        facts = (await gather(self.session, self.who.county.id, rules, subjects, at, lists)).facts
        alike = list(zip(*map(_hashable, facts.values()), strict=True))
        self._decide(rules, tuple(facts), dict.fromkeys(alike))
        found: list[Result | None] = []
        faults = []
        kept, key = self.kept, rules.id
        for case, own in zip(cases, alike, strict=True):
            one = kept[key, own]
            if isinstance(one, Result):
                found.append(one)
            else:
                found.append(None)
                faults.append((case.number, one))
        return found, faults

    def _decide(self, rules: Rules, names: Sequence[str], different: Iterable[tuple[Any, ...]]) -> None:
        """Decide whatever has not been decided yet."""
        from bangfu.rules import columns  # a tenth of a second, which most commands can do without

        fresh = [own for own in different if (rules.id, own) not in self.kept]
        if not fresh:
            return
        raw = {name: [_raw(own[place]) for own in fresh] for place, name in enumerate(names)}
        results, faults = columns.decide_each(rules.book, raw, rules.parameters)
        steps = tuple(rules.book.traced().steps)
        for index, problem in faults.items():
            self.kept[rules.id, fresh[index]] = problem
        for index, row in results:
            facts = {name: column[index] for name, column in raw.items()}
            values = {name: row[name] for name in steps}
            outcome = Outcome(row["outcome"])
            digest = digest_of(rules, facts, values)
            self.kept[rules.id, fresh[index]] = Result(rules, digest, outcome, row["payable"], facts, values)


def _hashable(column: Sequence[Any]) -> Sequence[Any]:
    return [tuple(value) if isinstance(value, list) else value for value in column] if any(
        isinstance(value, list) for value in column[:1]
    ) else column  # fmt: skip


def _raw(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


async def deciding_at(
    session: AsyncSession, who: Entered, ground: Ground, case: Payee, month: int, known_at: datetime
) -> Result:
    """What a month of a case comes to by what was known at an instant; refuses ``FACT_OUT_OF_BOUNDS``."""
    deciding = _Deciding(session, who, ground, known_at)
    results, faults = await deciding.results(ground.month(month), [case], await deciding.read([[case]]))
    if results[0] is None:
        raise Refused([problem for _, problem in faults])
    return results[0]


# --- writing --------------------------------------------------------------------------------------------------


async def keep(
    session: AsyncSession, who: Entered, ground: Ground, found: Months, why: str, apart: Database | None = None
) -> payments.Settled:
    """Write down the decisions that were found, and what is due by them.

    Results are shared by everybody who is alike: with a database to write them down ``apart``, in a transaction of its
    own, parts of a county that are decided beside each other do not wait for them.
    """
    if not found.decisions:
        return payments.Settled()
    results = [one.result for one in found.decisions]
    if apart is None:
        kept = await _keep_results(session, who, results)
    else:
        async with apart.session(who.scope) as other:
            kept = await _keep_results(other, who, results)
    ids = new_ids(len(found.decisions))
    columns: Columns = {
        "id": ids,
        "case_id": [one.case.id for one in found.decisions],
        "division": [one.case.division for one in found.decisions],
        "month": [one.month for one in found.decisions],
        "number": [one.number for one in found.decisions],
        "result_id": [kept[one.rules.id, one.digest] for one in results],
        "withheld": [one.withheld for one in found.decisions],
        "amount_fen": [one.amount for one in found.decisions],
    }
    common = {
        "tenant_id": who.county.id, "known_at": who.at.now, "officer_id": who.actor.id, "recorded_at": who.at.now
    }  # fmt: skip
    await insert_columns(session, MonthDecision, columns, common)
    fresh, again = [], []
    for one, id_ in zip(found.decisions, ids, strict=True):
        if one.before is None and one.amount:
            fresh.append(payments.MonthDue(one.case.id, id_, one.case.division, one.month, one.amount))
        elif one.difference:
            again.append(payments.MonthDue(one.case.id, id_, one.case.division, one.month, one.amount))
    return await payments.settle_months(session, who, ground.programme.code, fresh, again, why)


async def _keep_results(session: AsyncSession, who: Entered, results: Iterable[Result]) -> dict[tuple[UUID, str], UUID]:
    """The ids of results, each kept once."""
    different = {(one.rules.id, one.digest): one for one in results}
    # In one order, whoever keeps them: two parts that have some of the same results never wait for each other.
    rows = [
        {
            "tenant_id": who.county.id,
            "id": new_id(),
            "edition_id": edition,
            "digest": digest,
            "outcome": one.outcome.value,
            "payable_fen": one.payable,
            "facts": dict(one.facts),
            "step_values": dict(one.values),
        }
        for (edition, digest), one in sorted(different.items(), key=lambda own: own[0])
    ]
    await insert_new(session, MonthResult, rows, "id")
    query = select(MonthResult.edition_id, MonthResult.digest, MonthResult.id).where(
        MonthResult.tenant_id == who.county.id, among(MonthResult.digest, {digest for _, digest in different})
    )
    return {(row.edition_id, row.digest): row.id for row in await session.execute(query)}


async def decide(
    session: AsyncSession, who: Entered, ground: Ground, month: int, numbers: Sequence[str], reason: str
) -> Months:
    """Decide the months of some persons now, up to one of them, by what is known.

    Refuses what :func:`require_maker` and :func:`require_begun` refuse, ``REASON_NEEDED``, and per case what
    :func:`decided` refuses, and ``NOT_FOUND`` for who is not paid every month, or of whom not all is in sight.
    """
    require_maker(who, ground)
    require_begun(who, ground, month)
    if not reason.strip():
        raise Code.REASON_NEEDED.refuse("reason")
    await hold(session, held_as(ground))
    cases = await to_decide(session, who, ground, Selection(numbers=numbers))
    found = await decided(session, who, ground, cases, month)
    known = {case.number for case in cases}
    found.refused += [(one, Code.NOT_FOUND.problem("person", what=one)) for one in numbers if one not in known]
    await keep(session, who, ground, found, reason)
    made: dict[UUID, list[int]] = {}
    for one in found.decisions:
        made.setdefault(one.case.id, []).append(one.month)
    said = [(f"case/{case}", {"months": sorted(own)}) for case, own in made.items()]
    await audit.record_each(session, who.at.now, who.actor.id, "decide_month", said, reason)
    return found


def held_as(ground: Ground) -> str:
    """What is held while the months of a programme are decided."""
    return f"{ground.programme.code}/months"
