"""试算: what a county's own document would come to before it is released.

Every case of a period is decided twice on today's facts, by what the county has released and by what would hold with
the document, and nothing is written; whether the period has been opened with what is released is not asked. The figures
are by township, for what the caller sees.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

from sqlalchemy import and_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Action, Entered
from bangfu.calendar import Period, WorkingDays
from bangfu.cases.gather import At, Subject, gather
from bangfu.cases.ground import Rules, provision_of, released_provisions
from bangfu.cases.views import standing_result
from bangfu.errors import Code
from bangfu.models import Case, DeterminationRow, Household, ProvisionRow, new_id
from bangfu.policy import Resolved
from bangfu.process import NOT_SELECTED, STOPPED, WITHDRAWN
from bangfu.programme import Plugins, Programme
from bangfu.registry.days import working_days
from bangfu.registry.divisions import Places, township_of
from bangfu.rules import columns
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
    """What some cases come to by the numbers in force and by the new ones; amounts in fen, whole awards.

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
    """What a document of the county would come to in a period."""

    programme: Programme
    period: str
    title: str
    changes: tuple[Change, ...]
    townships: tuple[TownshipFigures, ...]

    @property
    def total(self) -> Figures:
        """All townships together."""
        return sum((one.figures for one in self.townships), Figures())


async def preview(session: AsyncSession, who: Entered, plugins: Plugins, provision: UUID, period: str) -> Preview:
    """What a document would come to in a period, whether it is a draft or released; nothing is written.

    Refuses ``FORBIDDEN``, ``NOT_FOUND``, ``PROGRAMME_UNKNOWN``, ``PERIOD_BAD``, and one ``PARAMETER_UNSET`` for each
    value that nobody would have set.
    """
    tenant = who.county.id
    row = await session.scalar(
        select(ProvisionRow).where(ProvisionRow.tenant_id == tenant, ProvisionRow.id == provision)
    )
    if row is None:
        raise Code.NOT_FOUND.refuse("provision", what=Text("本县规定", "the provisions"))
    programme = plugins.programme(row.programme)
    who.require(Action.READ_CASES, programme.code)
    own = provision_of(programme, row)
    released = await released_provisions(session, tenant, programme)
    others = [one for one in released if one.id != own.id]
    # A draft would be the last of its day; what is released stands where it does.
    ids = [one.id for one in released]
    place = ids.index(own.id) if own.id in ids else sum(one.issued_on <= own.issued_on for one in others)
    spell = programme.period.period(period)
    working = await working_days(session, tenant)
    known, unset = programme.policy.resolved(spell.reference_day, others)
    wanted = programme.policy.resolve(spell.reference_day, [*others[:place], own, *others[place:]])
    before = None if unset else _rules(programme, spell, known, working)
    after = _rules(programme, spell, wanted, working)
    counted: dict[int, Figures] = {}
    async for township, figures in _decided(session, who, before, after):
        counted[township] = counted.get(township, Figures()) + figures
    places = await Places.on(session, who.at.today)
    return Preview(
        programme,
        period,
        own.title,
        _changes(programme, known, wanted),
        tuple(TownshipFigures(code, places.named(code), counted[code]) for code in sorted(counted)),
    )


def _rules(programme: Programme, period: Period, resolved: Mapping[str, Resolved], working: WorkingDays) -> Rules:
    """The rules of a period by some values: an edition that is never kept."""
    dated = programme.book(period.reference_day)
    return Rules(new_id(), 0, programme, period, resolved, dated.rules, dated.rules.traced().version, working)


def _changes(programme: Programme, before: Mapping[str, Resolved], after: Mapping[str, Resolved]) -> tuple[Change, ...]:
    changes = []
    for name, parameter in programme.policy.parameters.items():
        old, new = before.get(name), after[name]
        if old is None or old.value != new.value:
            shown = parameter.kind.show
            changes.append(Change(name, parameter.title, shown(old.value) if old else None, shown(new.value)))
    return tuple(changes)


async def _decided(
    session: AsyncSession, who: Entered, before: Rules | None, after: Rules
) -> AsyncIterator[tuple[int, Figures]]:
    """The figures of each case in sight with its township, some read at a time."""
    process = after.programme.process
    last: tuple[int, str] | None = None
    while True:
        rows = (await session.execute(_query(who, after, last))).all()
        by_stage: dict[str, list[Any]] = {}
        for row in rows:
            stage = row.decided_at if row.decided_at in process.accounts() else process.accounting().code
            by_stage.setdefault(stage, []).append(row)
        for stage, own in by_stage.items():
            subjects = [Subject(row.household_id, row.stated, row.id, row.opened_on) for row in own]
            old = await _outcomes(session, who, before, subjects, stage)
            new = await _outcomes(session, who, after, subjects, stage)
            for row, was, now in zip(own, old, new, strict=True):
                yield township_of(row.division), _weighed(was, now)
        if len(rows) < PART:
            return
        last = (rows[-1].division, rows[-1].number)


def _query(who: Entered, rules: Rules, after: tuple[int, str] | None) -> Any:
    tenant = who.county.id
    query = (
        select(
            Case.id,
            Case.household_id,
            Case.division,
            Case.stated,
            Case.opened_on,
            Household.number,
            DeterminationRow.stage.label("decided_at"),
        )
        .join(Household, and_(Household.tenant_id == tenant, Household.id == Case.household_id))
        .outerjoin(DeterminationRow, standing_result(tenant))
        .where(
            Case.tenant_id == tenant,
            Case.programme == rules.programme.code,
            Case.period == rules.period.key,
            Case.division.between(*who.scope.bounds),
            Case.stage.not_in(GONE),
        )
    )
    if after is not None:
        query = query.where(tuple_(Case.division, Household.number) > tuple_(*after))
    return query.order_by(Case.division, Household.number).limit(PART)


Decided = tuple[Outcome, int]
"""How a case comes out, and for how much."""
UNDECIDED: Decided = (Outcome.INCOMPLETE, 0)


async def _outcomes(
    session: AsyncSession, who: Entered, rules: Rules | None, subjects: Sequence[Subject], stage: str
) -> list[Decided]:
    """How cases come out by some rules; without rules, and with facts that cannot be, they are undecided."""
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
