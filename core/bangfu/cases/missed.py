"""应享未享: who could have an award, by everything that is known, and has not applied for it.

Every household in sight, or every member of one where the programme is for persons, is decided by the same rules as a
case, on what is known without what an applicant would state. It is on the list unless some clause fails on known facts;
what cannot be known yet is named with who would say it. The county is gone through in parts, so that a list of a
hundred thousand costs no more memory than one of a thousand.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import String, Uuid, func, literal, null, select, tuple_
from sqlalchemy import join as join_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Action, Entered
from bangfu.cases import claims, exclusions, shown
from bangfu.cases.gather import At, Subject, awaited, closed_to, gather
from bangfu.cases.ground import Ground, Rules
from bangfu.cases.scanning import PART, Key, Page, count_of, page_of
from bangfu.cases.whom import Whom
from bangfu.disclosure import need_reason, record_export
from bangfu.documents.writing import Sheet, SheetColumn, workbook
from bangfu.models import Case, DeterminationRow, Household, Membership, Person
from bangfu.process import REFUSED, WITHDRAWN, Plan, duty_names
from bangfu.programme import ClaimOf
from bangfu.registry.divisions import Places, township_of
from bangfu.registry.history import holds
from bangfu.rules.book import Outcome
from bangfu.rules.facts import Age, Count, DaysFrom, FactSpec, Income, InPeriod, Stated, TrainingMonths
from bangfu.text import Text, day, join

AGAIN = frozenset({REFUSED, WITHDRAWN})
"""Where a case ended that can be taken up again. What somebody stopped or did not select stays decided."""


class Wanting(StrEnum):
    """What is wanting to decide a household: who would have to say it."""

    STATED = "stated"
    PARTICIPANTS = "participants"
    REGISTERED = "registered"
    INCOME = "income"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return {
            Wanting.STATED: Text("申报时填写", "to be stated with the plan"),
            Wanting.PARTICIPANTS: Text("申报时指明参与户", "households to be named with the plan"),
            Wanting.REGISTERED: Text("登记册缺失,须补录", "missing from the register, to be entered"),
            Wanting.INCOME: Text("收入核算期未满", "the time in which income counts is not over"),
        }[self]


@dataclass(frozen=True, slots=True)
class Lack:
    """A fact that is not known of a household, and who would have to say it."""

    fact: FactSpec
    wanting: Wanting


@dataclass(frozen=True, slots=True)
class Missed:
    """A household, or a person of one, that could have the award: what is wanting, and how much it would come to in
    fen, None where that cannot be told.

    ``ended`` is the end of its earlier case, if it had one.
    """

    whom: Whom
    division: int
    group: str
    lacks: tuple[Lack, ...]
    fen: int | None
    ended: str | None

    @property
    def number(self) -> str:
        """The number of the household or the person."""
        return self.whom.number

    @property
    def household(self) -> UUID:
        """The household."""
        return self.whom.household

    @property
    def key(self) -> Key:
        """Its place in the list."""
        return self.division, self.number

    @property
    def is_clear(self) -> bool:
        """Whether the register says all that it should: nothing is wanting but the application and its time."""
        return all(lack.wanting is not Wanting.REGISTERED for lack in self.lacks)


@dataclass(slots=True)
class TownshipMissed:
    """The figures of one township; every household, or every person, is counted once, so the parts add up to
    ``households``.

    ``applied`` have a case that lives, was paid, or was stopped or not selected by somebody, be it where they lived
    before; ``excluded`` have one in another programme that excludes this one; ``taken`` have had it already;
    ``ineligible`` fail a clause, applied or not. Of the ``missed``, ``unclear`` lack something in the register, and
    ``fen`` adds up what can be told, which it cannot of ``untold``.
    """

    code: int
    name: str
    households: int = 0
    applied: int = 0
    excluded: int = 0
    taken: int = 0
    ineligible: int = 0
    missed: int = 0
    unclear: int = 0
    untold: int = 0
    fen: int = 0


@dataclass(slots=True)
class _Part:
    """Some beneficiaries as they stand: which are missed, and why the others are not."""

    rows: Sequence[tuple[Whom, Any]]
    missed: list[Missed] = field(default_factory=list)
    why_not: dict[UUID, str] = field(default_factory=dict)


async def page(
    session: AsyncSession,
    who: Entered,
    ground: Ground,
    first: int,
    after: Key | None = None,
    area: tuple[int, int] | None = None,
) -> Page[Missed]:
    """The next ``first`` of the list after a place, of an area if one is given. Refuses ``FORBIDDEN``.

    A page that went through ``MOST_SCANNED`` households ends there, full or not.
    """
    _require(who, ground, Action.READ_CASES)
    parts = (
        (len(part.rows), (part.rows[-1][1].division, part.rows[-1][0].number), part.missed)
        async for part in _parts(session, who, ground, after, area)
    )
    return await page_of(parts, first, after)


async def figures(
    session: AsyncSession, who: Entered, ground: Ground, area: tuple[int, int] | None = None
) -> list[TownshipMissed]:
    """The figures by township, of the same households as the list. Refuses ``FORBIDDEN``."""
    _require(who, ground, Action.READ_CASES)
    places = await Places.on(session, who.at.today)
    found: dict[int, TownshipMissed] = {}
    async for part in _parts(session, who, ground, None, area):
        for whom, row in part.rows:
            code = township_of(row.division)
            own = found.setdefault(code, TownshipMissed(code, places.named(code)))
            own.households += 1
            if (why := part.why_not.get(whom.id)) is not None:
                setattr(own, why, getattr(own, why) + 1)
        for one in part.missed:
            own = found[township_of(one.division)]
            own.missed += 1
            own.unclear += not one.is_clear
            own.untold += one.fen is None
            own.fen += one.fen or 0
    return list(found.values())


async def count(
    session: AsyncSession, who: Entered, ground: Ground, most: int, area: tuple[int, int] | None = None
) -> int:
    """How many households the list holds; more than ``most`` are not counted. Refuses ``FORBIDDEN``."""
    _require(who, ground, Action.READ_CASES)
    return await count_of((part.missed async for part in _parts(session, who, ground, None, area)), most)


async def sheet(
    session: AsyncSession, who: Entered, ground: Ground, reason: str, area: tuple[int, int] | None = None
) -> bytes:
    """The list as a workbook. It names people, so it needs a reason and is on record.

    Refuses ``FORBIDDEN`` and ``REASON_NEEDED``.
    """
    _require(who, ground, Action.EXPORT_LISTS)
    need_reason(reason)
    places = await Places.on(session, who.at.today)
    rows: list[tuple[Any, ...]] = []
    async for part in _parts(session, who, ground, None, area):
        named = await shown.names(session, who, [one.whom for one in part.missed])
        for one in part.missed:
            rows.append(
                (
                    len(rows) + 1,
                    places.township(one.division),
                    places.named(one.division),
                    one.group,
                    one.number,
                    named.get(one.whom.id, ""),
                    wanted(one.lacks).zh,
                    "" if one.fen is None else one.fen,
                    "" if one.ended is None else ground.programme.process.title(one.ended).zh,
                )
            )
    title = f"{who.county.name}{ground.period.title.zh}{ground.programme.title.zh}应享未享名单"
    for_persons = ground.programme.is_for_persons
    headers = ("乡镇", "村", "组", *shown.HEADERS[for_persons], "尚缺")
    listed = Sheet(
        "应享未享",
        title,
        [
            SheetColumn("序号", "integer"),
            *map(SheetColumn, headers),
            SheetColumn("可得金额(元)", "money"),
            SheetColumn("此前申报"),
        ],
        rows,
        above=[
            f"{day(who.at.today).zh}    共 {len(rows)} {ground.programme.beneficiary.counted.zh}",
            how_to_apply(ground.latest, who.at.today).zh,
        ],
    )
    await record_export(
        session,
        who,
        Action.EXPORT_LISTS,
        f"missed/{ground.programme.code}/{ground.period.key}",
        reason,
        len(rows),
        ["head"],
    )
    return workbook([listed])


def _require(who: Entered, ground: Ground, action: Action) -> None:
    """Whoever asks may do an action and, where circumstances of persons decide, read these: who is on the list has no
    case, and that he is on it tells of them."""
    who.require(action, ground.programme.code)
    if closed_to(who, ground.latest):
        who.require(Action.READ_CIRCUMSTANCES)


# --- in words -------------------------------------------------------------------------------------------------


def wanted(lacks: Iterable[Lack]) -> Text:
    """What is wanting, by who would have to say it."""
    by: dict[Wanting, list[Text]] = {}
    for lack in lacks:
        by.setdefault(lack.wanting, []).append(lack.fact.title)
    said = []
    for wanting, titles in by.items():
        named = join(titles)
        said.append(Text(f"{named.zh}({wanting.title_text.zh})", f"{named.en} ({wanting.title_text.en})"))
    return join(said, ";", "; ") if said else Text("无", "nothing")


def how_to_apply(rules: Rules, today: date) -> Text:
    """Who makes the plan that opens a case, and by when."""
    stage = rules.programme.process.first(Plan)
    by, last = duty_names({stage.by}), rules.proceedings.deadline(stage)
    said = Text(
        f"申报由{by.zh}与农户办理“{stage.title.zh}”",
        f"The case is opened by the {by.en}, together with the household ({stage.title.en})",
    )
    if last is None:
        return Text(f"{said.zh},没有截止日期", f"{said.en}; there is no deadline")
    until = day(last)
    said = Text(f"{said.zh},截止{until.zh}", f"{said.en}, by {until.en}")
    if today <= last:
        return said
    if stage.hard:
        return Text(f"{said.zh}(已截止,不再受理)", f"{said.en} (closed)")
    return Text(f"{said.zh}(已过期限,补办须说明理由)", f"{said.en} (that day has passed; being late needs a reason)")


# --- deciding -------------------------------------------------------------------------------------------------


async def _parts(
    session: AsyncSession, who: Entered, ground: Ground, after: Key | None, area: tuple[int, int] | None
) -> AsyncIterator[_Part]:
    """The beneficiaries in sight, some at a time, each as it stands."""
    while True:
        rows = (await session.execute(_query(who, ground, after, area))).all()
        if not rows:
            return
        yield await _decided(session, who, ground, rows)
        if len(rows) < PART:
            return
        after = (rows[-1].division, rows[-1].number)


def _query(who: Entered, ground: Ground, after: Key | None, area: tuple[int, int] | None) -> Any:
    """Households, or their members of today, with their case in the period, by village and number."""
    tenant, for_persons = who.county.id, ground.programme.is_for_persons
    number: Any = Person.number if for_persons else Household.number
    own: Any = Case.person_id == Person.id if for_persons else Case.household_id == Household.id
    decided_at = (
        select(DeterminationRow.stage)
        .where(DeterminationRow.tenant_id == tenant, DeterminationRow.case_id == Case.id)
        .order_by(DeterminationRow.round.desc())
        .limit(1)
        .correlate(Case)
        .scalar_subquery()
    )
    query = (
        select(
            Household.id.label("household"),
            (Person.id if for_persons else null()).label("person"),
            number.label("number"),
            Household.division,
            Household.group_name,
            Case.id.label("case"),
            Case.stage,
            Case.stated,
            Case.opened_on,
            decided_at.label("decided_at"),
        )
        .select_from(_members(tenant, who.at.today) if for_persons else Household)
        .outerjoin(
            Case,
            (Case.tenant_id == tenant)
            & own
            & (Case.programme == ground.programme.code)
            & (Case.period == ground.period.key),
        )
        .where(Household.tenant_id == tenant, Household.division.between(*who.scope.bounds))
    )
    if area is not None:
        query = query.where(Household.division.between(*area))
    if after is not None:
        query = query.where(tuple_(Household.division, number) > tuple_(*after))
    return query.order_by(Household.division, number).limit(PART)


def _members(tenant: int, on: date) -> Any:
    """Households with their members of a day."""
    member = (Membership.tenant_id == tenant) & (Membership.household_id == Household.id) & holds(Membership, on)
    person = (Person.tenant_id == tenant) & (Person.id == Membership.person_id)
    return join_(join_(Household, Membership, member), Person, person)


async def _decided(session: AsyncSession, who: Entered, ground: Ground, rows: Sequence[Any]) -> _Part:
    part = _Part([(_whom(row), row) for row in rows])
    part.why_not = {own.id: "applied" for own, row in part.rows if row.case is not None and row.stage not in AGAIN}
    unseen = {own.person for own, row in part.rows if own.person is not None and row.case is None}
    part.why_not |= dict.fromkeys(await applied_elsewhere(session, ground, unseen), "applied")
    open_ = [(own, row) for own, row in part.rows if own.id not in part.why_not]
    excluded = await exclusions.against(session, who, ground, [own for own, _ in open_])
    part.why_not |= dict.fromkeys(excluded, "excluded")
    taken = await _taken(session, who, ground.latest, open_)
    part.why_not |= {own.id: "taken" for own, _ in open_ if own.id in taken and own.id not in excluded}
    process = ground.programme.process
    first = process.accounting().code
    by_stage: dict[str, list[tuple[Whom, Any]]] = {}
    for own, row in open_:
        if own.id not in part.why_not:
            # What is taken up again begins anew; what was refused is judged where it was refused.
            by_stage.setdefault((row.stage == REFUSED and row.decided_at) or first, []).append((own, row))
    found: dict[UUID, Missed] = {}
    for stage, theirs in by_stage.items():
        for (own, _), missed in zip(theirs, await _judged(session, who, ground.latest, theirs, stage), strict=True):
            if missed is None:
                part.why_not[own.id] = "ineligible"
            else:
                found[own.id] = missed
    part.missed = [found[own.id] for own, _ in part.rows if own.id in found]
    return part


async def applied_elsewhere(session: AsyncSession, ground: Ground, persons: Collection[UUID]) -> set[UUID]:
    """Which of some persons of whom no case is in sight have one all the same, where they lived before, that is not
    over so that they could apply again; in one statement. Nothing else of it is told."""
    if not persons:
        return set()
    wanted = literal(list(persons), ARRAY(Uuid))
    ended = literal(sorted(AGAIN), ARRAY(String))
    found = func.persons_who_applied(wanted, ground.programme.code, ground.period.key, ended)
    return set(await session.scalars(select(found.column_valued("person"))))


def _whom(row: Any) -> Whom:
    return Whom(row.number, row.household, row.person)


async def _taken(session: AsyncSession, who: Entered, rules: Rules, rows: Sequence[tuple[Whom, Any]]) -> set[UUID]:
    """Those whose own claim another case has already."""
    if all(spec.per is ClaimOf.PARTICIPANT for spec in rules.programme.claims):
        return set()
    has = await claims.held(session, who, rules, {one for own, _ in rows for one in (own.id, own.household)})
    return {
        own.id for own, row in rows if claims.lost(rules, claims.own(rules, row.case or own.id, own, row.division), has)
    }


async def _judged(
    session: AsyncSession, who: Entered, rules: Rules, rows: Sequence[tuple[Whom, Any]], stage: str
) -> list[Missed | None]:
    """What would come out for each at a stage; None where a clause fails."""
    from bangfu.rules import columns  # a tenth of a second, which most commands can do without

    subjects = [
        Subject(own.household, row.stated or {}, row.case, row.opened_on, person=own.person) for own, row in rows
    ]
    at = At(stage, who.at.today, who.at.now)
    facts = (await gather(session, who.county.id, rules, subjects, at)).facts
    for name in awaited(rules, who.at.today):
        facts[name] = [None] * len(rows)
    data = columns.frame(rules.book, facts)
    # A value that cannot be is one that is not known.
    while faults := columns.out_of_bounds(rules.book, data):
        for index, problem in faults.items():
            facts[str(problem.path[-1])][index] = None
        data = columns.frame(rules.book, facts)
    results = columns.decide_all(rules.book, data, rules.parameters)
    used = rules.book.traced().used_facts
    judged: list[Missed | None] = []
    for index, ((own, row), result) in enumerate(zip(rows, results.iter_rows(named=True), strict=True)):
        if result["outcome"] == Outcome.REFUSED.value:
            judged.append(None)
            continue
        lacks = tuple(lack_of(rules, name) for name in used if facts[name][index] is None)
        judged.append(Missed(own, row.division, row.group_name, lacks, result["award"], row.stage))
    return judged


def lack_of(rules: Rules, name: str) -> Lack:
    """A fact that is not known, by its name, and who would have to say it."""
    spec = rules.book.traced().facts[name]
    kinds: Mapping[type, Wanting] = {
        Stated: Wanting.STATED,
        Age: Wanting.STATED,
        InPeriod: Wanting.STATED,
        DaysFrom: Wanting.STATED,
        TrainingMonths: Wanting.STATED,
        Count: Wanting.PARTICIPANTS,
        Income: Wanting.INCOME,
    }
    return Lack(spec, kinds.get(type(spec.source), Wanting.REGISTERED))
