"""试算: what a county's own document would come to before it is released.

Every case of a period is decided twice on today's facts, by what the county has released and by what would hold with
the document, and no case is touched; whether the period has been opened with what is released is not asked. The figures
are by township, for what the caller sees. Those of the whole county are kept: who releases a document releases them.
Where something is paid every month, a case is decided for every month of the period that counts of it, each by the
numbers of that month, and comes to their sum: as if nothing but the document changed until the end of the year.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Action, Entered
from bangfu.calendar import Period, WorkingDays
from bangfu.cases import provisions
from bangfu.cases.gather import At, Subject, gather, subject_of
from bangfu.cases.ground import MONTHS, Rules, require_open
from bangfu.cases.views import standing_result
from bangfu.errors import Problem
from bangfu.models import Case, DeterminationRow, ProvisionPreview, ProvisionRow, new_id
from bangfu.policy import Policy, Provision, Resolved
from bangfu.process import NOT_SELECTED, STOPPED, WITHDRAWN, CountedOn, first_month
from bangfu.programme import DatedBook, Plugins, Programme
from bangfu.registry.days import working_days
from bangfu.registry.divisions import Places, township_of
from bangfu.rules.book import Outcome
from bangfu.text import Text

PART = 2_000
"""Cases that are decided at a time."""
GONE = (WITHDRAWN, STOPPED, NOT_SELECTED)
"""Where a case is given nothing whatever the numbers are."""


@dataclass(frozen=True, slots=True)
class Change:
    """A number that the document changes: what it is in force, None where nobody has set it, and what it would be."""

    parameter: str
    title: Text
    before: Text | None
    after: Text


@dataclass(frozen=True, slots=True)
class Figures:
    """What some cases come to by the numbers in force and by the new ones; amounts in fen, whole awards, and those of a
    year where something is paid every month.

    ``undecided`` are those that one of the two cannot decide, because something is missing; they neither gain nor lose.
    """

    cases: int = 0
    eligible_before: int = 0
    eligible_after: int = 0
    fen_before: int = 0
    fen_after: int = 0
    gain: int = 0
    lose: int = 0
    undecided: int = 0

    def __add__(self, other: Figures) -> Figures:
        return Figures(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))


@dataclass(frozen=True, slots=True)
class TownshipFigures:
    """The figures of one township."""

    code: int
    name: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class Preview:
    """What a document of the county would come to in a period.

    ``books`` are the days of the two rule books where it moves to another one. While a number is set by nobody
    (``unset``), nothing can be decided.
    """

    programme: Programme
    period: str
    title: str
    changes: tuple[Change, ...]
    books: tuple[date, date] | None
    unset: tuple[Problem, ...]
    townships: tuple[TownshipFigures, ...]

    @property
    def total(self) -> Figures:
        """All townships together."""
        return sum((one.figures for one in self.townships), Figures())


async def preview(session: AsyncSession, who: Entered, plugins: Plugins, provision: UUID, period: str) -> Preview:
    """What a document would come to in a period, whether it is a draft or released; nothing is written.

    Refuses ``FORBIDDEN``, ``NOT_FOUND``, ``PROGRAMME_UNKNOWN``, ``PERIOD_BAD``, and ``STAGE_NEVER_OPEN`` for each stage
    that would end before it begins.
    """
    row = await provisions.find(session, who, provision)
    programme = plugins.programme(row.programme)
    who.require(Action.READ_CASES, programme.code)
    own = provisions.provision_of(programme, row)
    released = await provisions.released_by(session, who.county.id, programme)
    return await _previewed(session, who, programme, own, released, period)


async def keep_preview(session: AsyncSession, who: Entered, plugins: Plugins, provision: UUID, period: str) -> Preview:
    """Preview a document that is not released yet in a period, and keep what it comes to: it may be released then.

    Refuses what :func:`preview` does, ``WHOLE_COUNTY_NEEDED``, and ``PROVISION_STATE`` for one that is released.
    """
    who.require(Action.DRAFT_PROVISION)
    row = await provisions.find(session, who, provision)
    programme = plugins.programme(row.programme)
    for action in (Action.DRAFT_PROVISION, Action.READ_CASES):
        who.require(action, programme.code)
    who.require_whole_county()
    if row.state == provisions.RELEASED:
        raise provisions.wrong_state(row, Text("试算后再发布", "previewed for a release"))
    own = provisions.provision_of(programme, row)
    released = await provisions.released_by(session, who.county.id, programme)
    found = await _previewed(session, who, programme, own, released, period)
    await session.execute(
        insert(ProvisionPreview).values(
            tenant_id=who.county.id,
            id=new_id(),
            provision_id=row.id,
            period=period,
            content={"basis": provisions.Basis.of(programme, own, released, period).dump(), **_dump(found)},
            made_by=who.actor.id,
            made_on=who.at.today,
            made_at=who.at.now,
            areas=who.areas,
        )
    )
    await session.execute(
        update(ProvisionRow)
        .where(
            ProvisionRow.tenant_id == who.county.id,
            ProvisionRow.id == row.id,
            ProvisionRow.state == provisions.DRAFT,
        )
        .values(state=provisions.PREVIEWED)
        .execution_options(synchronize_session=False)
    )
    return found


async def _previewed(
    session: AsyncSession,
    who: Entered,
    programme: Programme,
    own: Provision,
    released: Sequence[Provision],
    period: str,
) -> Preview:
    spell = programme.period.period(period)
    working = await working_days(session, who.county.id)
    documents = provisions.beside(own, released)
    whole = _Pair.of(programme, spell, None, documents, working)
    if whole.after is not None:
        require_open(programme, spell, whole.wanted)
    pairs = [whole] if programme.process.monthly is None else _months(programme, spell, whole, documents, working)
    counted: dict[int, Figures] = {}
    async for township, figures in _decided(session, who, programme, spell, pairs):
        counted[township] = counted.get(township, Figures()) + figures
    places = await Places.on(session, who.at.today)
    different = next((pair for pair in (whole, *pairs) if pair.books[0] is not pair.books[1]), None)
    changes = {one.parameter: one for pair in reversed((whole, *pairs)) for one in pair.changes}
    return Preview(
        programme,
        period,
        own.title,
        tuple(changes[name] for name in programme.policy.parameters if name in changes),
        None if different is None else (different.books[0].since, different.books[1].since),
        whole.unset,
        tuple(TownshipFigures(code, places.named(code), counted[code]) for code in sorted(counted)),
    )


@dataclass(frozen=True, slots=True)
class _Pair:
    """The rules of a period, or of a month of it, by what is in force and with the document; None where a number is
    set by nobody."""

    policy: Policy
    before: Rules | None
    after: Rules | None
    known: Mapping[str, Resolved]
    wanted: Mapping[str, Resolved]
    books: tuple[DatedBook, DatedBook]
    unset: tuple[Problem, ...]

    @classmethod
    def of(
        cls,
        programme: Programme,
        period: Period,
        month: int | None,
        documents: tuple[Sequence[Provision], Sequence[Provision]],
        working: WorkingDays,
    ) -> _Pair:
        day, (others, all_) = period.reference_day, documents
        (known, unknown), (wanted, unset) = (programme.policy.resolved(day, stand) for stand in (others, all_))
        books = programme.book(day, others).book, programme.book(day, all_).book
        before = None if unknown else _rules(programme, period, known, working, books[0], month)
        after = None if unset else _rules(programme, period, wanted, working, books[1], month)
        return cls(programme.policy, before, after, known, wanted, books, tuple(unset))

    @property
    def changes(self) -> tuple[Change, ...]:
        """The numbers that the document changes."""
        values = ({name: one.value for name, one in own.items()} for own in (self.known, self.wanted))
        return changes_of(self.policy, *values)


def _months(
    programme: Programme,
    period: Period,
    whole: _Pair,
    documents: tuple[Sequence[Provision], Sequence[Provision]],
    working: WorkingDays,
) -> list[_Pair]:
    """The rules of every month of a period, whose days go by the numbers with the document, if these are set."""
    monthly = programme.process.monthly
    assert monthly is not None
    rules = whole.after or whole.before
    day = 1 if rules is None or getattr(rules.parameters, monthly.counted_on) is CountedOn.FIRST_DAY else None
    return [_Pair.of(programme, period.month(number, day), number, documents, working) for number in MONTHS]


def _rules(
    programme: Programme,
    period: Period,
    resolved: Mapping[str, Resolved],
    working: WorkingDays,
    dated: DatedBook,
    month: int | None,
) -> Rules:
    """The rules of a period, or of a month of it, by some values: an edition that is never kept."""
    version = dated.rules.traced().version
    return Rules(new_id(), 0, programme, period, resolved, dated.rules, version, working, month=month)


def _dump(found: Preview) -> dict[str, Any]:
    """A preview as it is kept beside what it rests on: the figures by township, no words."""
    return {
        "programme": found.programme.code,
        "books": None if found.books is None else [day.isoformat() for day in found.books],
        "townships": [{"code": one.code, "name": one.name, **asdict(one.figures)} for one in found.townships],
    }


def changes_of(policy: Policy, before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """The numbers in which two sets of values differ, each set a value by the name of its parameter."""
    changes = []
    for name, parameter in policy.parameters.items():
        if name in after and (name not in before or before[name] != after[name]):
            shown = parameter.kind.show
            old = shown(before[name]) if name in before else None
            changes.append(Change(name, parameter.title, old, shown(after[name])))
    return tuple(changes)


async def _decided(
    session: AsyncSession,
    who: Entered,
    programme: Programme,
    period: Period,
    pairs: Sequence[_Pair],
) -> AsyncIterator[tuple[int, Figures]]:
    """The figures of each case in sight with its township, some read at a time."""
    process = programme.process
    last: tuple[int, str] | None = None
    while True:
        rows = (await session.execute(_query(who, programme, period, last))).all()
        by_stage: dict[str, list[Any]] = {}
        for row in rows:
            stage = row.decided_at if row.decided_at in process.accounts() else process.accounting().code
            by_stage.setdefault(stage, []).append(row)
        for stage, own in by_stage.items():
            subjects = [subject_of(row) for row in own]
            old = await _summed(session, who, [pair.before for pair in pairs], subjects, stage)
            new = await _summed(session, who, [pair.after for pair in pairs], subjects, stage)
            for row, was, now in zip(own, old, new, strict=True):
                yield township_of(row.division), _weighed(was, now)
        if len(rows) < PART:
            return
        last = (rows[-1].division, rows[-1].number)


def _query(who: Entered, programme: Programme, period: Period, after: tuple[int, str] | None) -> Any:
    tenant = who.county.id
    query = (
        select(
            Case.id,
            Case.household_id,
            Case.person_id,
            Case.division,
            Case.stated,
            Case.opened_on,
            Case.number,
            DeterminationRow.stage.label("decided_at"),
        )
        .outerjoin(DeterminationRow, standing_result(tenant))
        .where(
            Case.tenant_id == tenant,
            Case.programme == programme.code,
            Case.period == period.key,
            Case.division.between(*who.scope.bounds),
            Case.stage.not_in(GONE),
        )
    )
    if after is not None:
        query = query.where(tuple_(Case.division, Case.number) > tuple_(*after))
    return query.order_by(Case.division, Case.number).limit(PART)


Decided = tuple[Outcome, int]
"""How a case comes out, and for how much."""
UNDECIDED: Decided = (Outcome.INCOMPLETE, 0)


async def _summed(
    session: AsyncSession, who: Entered, every: Sequence[Rules | None], subjects: Sequence[Subject], stage: str
) -> list[Decided]:
    """How cases come out by the rules of a period, or of all its months together: eligible where any month that counts
    is, and undecided where one of them cannot be told."""
    found: list[list[Decided]] = [[] for _ in subjects]
    for rules in every:
        for index, one in enumerate(await _outcomes(session, who, rules, subjects, stage)):
            if rules is None or _counts(rules, subjects[index]):
                found[index].append(one)
    return [_together(own) for own in found]


def _counts(rules: Rules, subject: Subject) -> bool:
    """Whether a month counts of a case; a period that has no months does."""
    monthly = rules.programme.process.monthly
    if rules.month is None or monthly is None or subject.planned_on is None:
        return True
    begins = getattr(rules.parameters, monthly.begins)
    return rules.month >= first_month(subject.planned_on, rules.period.year, begins)


def _together(own: Sequence[Decided]) -> Decided:
    outcomes = {outcome for outcome, _ in own}
    if Outcome.INCOMPLETE in outcomes:
        return UNDECIDED
    return (Outcome.ELIGIBLE if Outcome.ELIGIBLE in outcomes else Outcome.REFUSED), sum(fen for _, fen in own)


async def _outcomes(
    session: AsyncSession, who: Entered, rules: Rules | None, subjects: Sequence[Subject], stage: str
) -> list[Decided]:
    """How cases come out by some rules; without rules, and with facts that cannot be, they are undecided."""
    from bangfu.rules import columns  # a tenth of a second, which most commands can do without

    if rules is None:
        return [UNDECIDED] * len(subjects)
    at = At(stage, who.at.today, who.at.now)
    gathered = await gather(session, who.county.id, rules, subjects, at)
    results, _ = columns.decide_each(rules.book, gathered.facts, rules.parameters)
    found = [UNDECIDED] * len(subjects)
    for index, result in results:
        found[index] = (Outcome(result["outcome"]), result["payable"])
    return found


def _weighed(before: Decided, after: Decided) -> Figures:
    both = Outcome.INCOMPLETE not in (before[0], after[0])
    return Figures(
        cases=1,
        eligible_before=before[0] is Outcome.ELIGIBLE,
        eligible_after=after[0] is Outcome.ELIGIBLE,
        fen_before=before[1],
        fen_after=after[1],
        gain=both and after[1] > before[1],
        lose=both and after[1] < before[1],
        undecided=not both,
    )
