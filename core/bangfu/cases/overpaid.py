"""已发待核: what was paid on a determination that would come out differently by what is known now.

Each determination that something was paid on is made again, by its own rules, at its own stage and for its own day,
from what is known now. What differs is shown with the clause, with the fact that changed and since when that is known,
and with what ought to have been paid. Nothing is changed by it: what follows is for people to decide.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import notices
from bangfu.access import CHINA, Action, Entered
from bangfu.cases import instalments
from bangfu.cases.again import Remade, behind, decided_on, remake, right_fen
from bangfu.cases.gather import subject_of, typed
from bangfu.cases.ground import Ground, Rules
from bangfu.cases.receipts import stored
from bangfu.cases.scanning import PART, Key, Page, count_of, page_of
from bangfu.db.bulk import among
from bangfu.disclosure import need_reason, record_export
from bangfu.documents.writing import Sheet, SheetColumn, workbook
from bangfu.models import (
    Case,
    Circumstance,
    DeterminationRow,
    IncomeLine,
    Membership,
    Participant,
    Schooling,
    Standing,
)
from bangfu.policy import Window
from bangfu.registry.divisions import Places, township_of
from bangfu.rules.book import Outcome, StepKind
from bangfu.rules.explain import Line
from bangfu.rules.facts import ALL, Count, Income, NetStablePerPerson, Registry, TrainingMonths
from bangfu.rules.facts import Circumstance as Circumstanced
from bangfu.rules.facts import Schooling as Schooled
from bangfu.text import Text, day, join


@dataclass(frozen=True, slots=True)
class Change:
    """A fact that is known differently now: what it was, what it is, and since when that is known.

    ``known_since`` is None where no entry of the registers tells it.
    """

    title: Text
    was: Text
    now: Text
    known_since: datetime | None


@dataclass(frozen=True, slots=True)
class Again:
    """A determination made again: at which stage, what it came to and what it would come to now, amounts in fen.

    ``lines`` are the clauses that say so: those that fail now, else those whose fact is missing now, else the amount.
    """

    stage: Text
    decided_on: date
    was: Outcome
    was_fen: int
    now: Outcome
    now_fen: int
    lines: tuple[Line, ...]
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Overpaid:
    """A case that was paid on something that would come out differently now.

    ``paid_fen`` is what was paid, with arrears and recoveries, ``right_fen`` what its parts would have been by what is
    known now; None where that cannot be told because something is missing now.
    """

    case: UUID
    household: UUID
    number: str
    division: int
    paid_fen: int
    right_fen: int | None
    again: tuple[Again, ...]

    @property
    def key(self) -> Key:
        """Its place in the list."""
        return self.division, self.number

    @property
    def difference_fen(self) -> int | None:
        """What was paid too much; negative where it was too little, None where it cannot be told."""
        return None if self.right_fen is None else self.paid_fen - self.right_fen

    @property
    def refused(self) -> bool:
        """Whether a clause fails now that was met."""
        return any(one.now is Outcome.REFUSED for one in self.again)


@dataclass(slots=True)
class TownshipOverpaid:
    """The figures of one township: cases that something was paid on, those that would come out differently, those of
    them that would be refused or of which it cannot be told, and what is too much and too little, in fen."""

    code: int
    name: str
    paid: int = 0
    differing: int = 0
    refused: int = 0
    untold: int = 0
    too_much_fen: int = 0
    too_little_fen: int = 0


async def page(
    session: AsyncSession,
    who: Entered,
    ground: Ground,
    first: int,
    after: Key | None = None,
    area: tuple[int, int] | None = None,
) -> Page[Overpaid]:
    """The next ``first`` cases of the list after a place, of an area if one is given. Refuses ``FORBIDDEN``.

    A page that went through ``MOST_SCANNED`` cases ends there, full or not.
    """
    who.require(Action.READ_CASES, ground.programme.code)
    parts = (
        (len(rows), (rows[-1].division, rows[-1].number), differing)
        async for rows, differing in _parts(session, who, ground, after, area)
    )
    return await page_of(parts, first, after)


async def figures(
    session: AsyncSession, who: Entered, ground: Ground, area: tuple[int, int] | None = None
) -> list[TownshipOverpaid]:
    """The figures by township, of the same cases as the list. Refuses ``FORBIDDEN``."""
    who.require(Action.READ_CASES, ground.programme.code)
    places = await Places.on(session, who.at.today)
    found: dict[int, TownshipOverpaid] = {}
    async for rows, differing in _parts(session, who, ground, None, area):
        for row in rows:
            code = township_of(row.division)
            found.setdefault(code, TownshipOverpaid(code, places.named(code))).paid += 1
        for one in differing:
            own = found[township_of(one.division)]
            own.differing += 1
            own.refused += one.refused
            own.untold += one.difference_fen is None
            own.too_much_fen += max(0, one.difference_fen or 0)
            own.too_little_fen += max(0, -(one.difference_fen or 0))
    return list(found.values())


async def count(
    session: AsyncSession, who: Entered, ground: Ground, most: int, area: tuple[int, int] | None = None
) -> int:
    """How many cases the list holds; more than ``most`` are not counted. Refuses ``FORBIDDEN``."""
    who.require(Action.READ_CASES, ground.programme.code)
    return await count_of((differing async for _, differing in _parts(session, who, ground, None, area)), most)


async def sheet(
    session: AsyncSession, who: Entered, ground: Ground, reason: str, area: tuple[int, int] | None = None
) -> bytes:
    """The list as a workbook. It names people, so it needs a reason and is on record.

    Refuses ``FORBIDDEN`` and ``REASON_NEEDED``.
    """
    who.require(Action.EXPORT_LISTS, ground.programme.code)
    need_reason(reason)
    places = await Places.on(session, who.at.today)
    rows: list[tuple[Any, ...]] = []
    async for _, differing in _parts(session, who, ground, None, area):
        heads = await notices.heads(session, who.county.id, [one.household for one in differing])
        for one in differing:
            too_much = one.difference_fen
            rows.append(
                (
                    len(rows) + 1,
                    places.township(one.division),
                    places.named(one.division),
                    one.number,
                    heads.get(one.household, ""),
                    one.paid_fen,
                    "" if one.right_fen is None else one.right_fen,
                    "" if too_much is None else too_much,
                    join([said(again) for again in one.again], ";", "; ").zh,
                )
            )
    of = ground.programme.beneficiary
    money = ("已发(元)", "按现有情况应发(元)", "多发(元,负数为少发)")
    listed = Sheet(
        "已发待核",
        f"{who.county.name}{ground.period.title.zh}{ground.programme.title.zh}已发待核名单",
        [
            SheetColumn("序号", "integer"),
            *map(SheetColumn, ("乡镇", "村", of.numbered.zh, "户主")),
            *(SheetColumn(header, "money") for header in money),
            SheetColumn("原因"),
        ],
        rows,
        above=[
            f"{day(who.at.today).zh}    共 {len(rows)} {of.counted.zh}",
            "本表仅供核实,不改变已发放的金额。",
        ],
        total=True,
    )
    await record_export(
        session,
        who,
        Action.EXPORT_LISTS,
        f"overpaid/{ground.programme.code}/{ground.period.key}",
        reason,
        len(rows),
        ["head"],
    )
    return workbook([listed])


def said(again: Again) -> Text:
    """What would come out differently, by which clause and because of which fact, in one sentence."""
    parts = []
    for line in again.lines:
        text = Text(
            f"{line.says.zh}({line.cites}):{line.result.zh}", f"{line.says.en} ({line.cites}): {line.result.en}"
        )
        if gaps := [gap for miss in line.misses if (gap := miss.gap) is not None]:
            by = join(gaps)
            text = Text(f"{text.zh},差 {by.zh}", f"{text.en}, short by {by.en}")
        parts.append(text)
    for change in again.changes:
        since = ""
        since_en = ""
        if change.known_since is not None:
            on = day(change.known_since.astimezone(CHINA).date())
            since, since_en = f"({on.zh}起得知)", f" (known since {on.en})"
        parts.append(
            Text(
                f"{change.title.zh}由 {change.was.zh} 变为 {change.now.zh}{since}",
                f"{change.title.en} was {change.was.en}, is {change.now.en}{since_en}",
            )
        )
    why = join(parts, ",", ", ")
    return Text(f"“{again.stage.zh}”{why.zh}", f"{again.stage.en}: {why.en}")


# --- deciding again -------------------------------------------------------------------------------------------


async def _parts(
    session: AsyncSession, who: Entered, ground: Ground, after: Key | None, area: tuple[int, int] | None
) -> AsyncIterator[tuple[Sequence[Any], list[Overpaid]]]:
    """The cases that something was paid on, some at a time, and those of them that would come out differently."""
    while True:
        rows = (await session.execute(_query(who, ground, after, area))).all()
        if not rows:
            return
        yield rows, await _differing(session, who, ground, rows)
        if len(rows) < PART:
            return
        after = (rows[-1].division, rows[-1].number)


def _query(who: Entered, ground: Ground, after: Key | None, area: tuple[int, int] | None) -> Any:
    tenant = who.county.id
    query = select(
        Case.id,
        Case.household_id,
        Case.person_id,
        Case.division,
        Case.stated,
        Case.opened_on,
        Case.edition_id,
        Case.number,
    ).where(
        Case.tenant_id == tenant,
        Case.programme == ground.programme.code,
        Case.period == ground.period.key,
        Case.division.between(*who.scope.bounds),
        instalments.something_paid(tenant),
    )
    if area is not None:
        query = query.where(Case.division.between(*area))
    if after is not None:
        query = query.where(tuple_(Case.division, Case.number) > tuple_(*after))
    return query.order_by(Case.division, Case.number).limit(PART)


async def _differing(session: AsyncSession, who: Entered, ground: Ground, rows: Sequence[Any]) -> list[Overpaid]:
    cases = {row.id: row for row in rows}
    standing = await instalments.standing(session, who, cases)
    paid = {case: [part for part in parts if part.paid_on is not None] for case, parts in standing.items()}
    added = await instalments.adjusted(session, who, cases)

    def rules_of(row: DeterminationRow) -> Rules:
        # What was recalculated was made again by the rules that the case has been fixed to since.
        return ground.editions[cases[row.case_id].edition_id if row.case_id in added else row.edition_id]

    subjects = {row.id: subject_of(row) for row in rows}
    made = await remake(session, who, behind(paid.values()), subjects, rules_of)
    affected = [row for row in rows if any(made[part.determination].differs for part in paid[row.id])]
    if not affected:
        return []
    known = await _Known.read(session, who, affected, [one.row for one in made.values() if one.differs])
    found = []
    for row in affected:
        own = [made[key] for key in dict.fromkeys(part.determination for part in paid[row.id])]
        right = right_fen(paid[row.id], made)
        total = sum(part.fen for part in paid[row.id]) + added.get(row.id, 0)
        if total == right:
            continue  # arrears or a recovery say so already
        again = tuple(_again(ground.editions[one.row.edition_id], one, known, row) for one in own if one.differs)
        found.append(Overpaid(row.id, row.household_id, row.number, row.division, total, right, again))
    return found


def _again(rules: Rules, one: Remade, known: _Known, case: Any) -> Again:
    row, explainer = one.row, one.rules.explainer
    before, after = typed(rules, row.facts), typed(one.rules, one.facts)
    was, now = stored(rules, row), one.now
    lines = explainer.lines(after, now)
    telling = [line for line in lines if line.met is False]
    telling = telling or [line for line in lines if line.kind is StepKind.CRITERION and line.met is None]
    telling = telling or [line for line in lines if line.name == "award"]
    changes = tuple(
        Change(
            spec.title,
            explainer.shown_fact(spec, getattr(before, name)),
            explainer.shown_fact(spec, getattr(after, name)),
            known.since(one.rules, name, row, case),
        )
        for name, spec in explainer.trace.facts.items()
        if name in row.facts and row.facts[name] != one.facts[name]
    )
    return Again(
        rules.programme.process.title(row.stage),
        decided_on(row),
        was.outcome,
        was.payable,
        now.outcome,
        now.payable,
        tuple(telling),
        changes,
    )


# --- since when it is known -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Known:
    """What became known of some beneficiaries, and of those who take part in their cases, after they were decided."""

    registered: Mapping[tuple[type, UUID], Sequence[datetime]]
    incomes: Mapping[UUID, Sequence[tuple[str, date, datetime]]]
    parts: Mapping[UUID, Sequence[tuple[UUID, Sequence[datetime]]]]
    schooled: Mapping[UUID, Sequence[datetime]]
    circumstanced: Mapping[tuple[UUID, str], Sequence[datetime]]

    @classmethod
    async def read(
        cls, session: AsyncSession, who: Entered, cases: Sequence[Any], decided: Sequence[DeterminationRow]
    ) -> _Known:
        """Read it, in six statements at most."""
        tenant, after = who.county.id, min(row.known_at for row in decided)
        parts: dict[UUID, list[tuple[UUID, Sequence[datetime]]]] = {}
        stamps = (
            Participant.joined_at, Participant.left_at, Participant.agreed_at, Participant.vouched_at,
        )  # fmt: skip
        query = select(Participant.case_id, Participant.household_id, *stamps).where(
            Participant.tenant_id == tenant, among(Participant.case_id, [case.id for case in cases])
        )
        for case, household, *at in await session.execute(query):
            parts.setdefault(case, []).append((household, [stamp for stamp in at if stamp is not None]))
        households = {case.household_id for case in cases} | {one for own in parts.values() for one, _ in own}

        def later(model: Any, *columns: Any, whose: Any = None, of: Any = households) -> Any:
            whose = model.household_id if whose is None else whose
            return select(whose, model.known_from, model.known_to, *columns).where(
                model.tenant_id == tenant,
                among(whose, of),
                or_(model.known_from > after, model.known_to > after),
            )

        registered: dict[tuple[type, UUID], list[datetime]] = {}
        for model in (Standing, Membership):
            for row in await session.execute(later(model)):
                registered.setdefault((model, row.household_id), []).append(row.known_to or row.known_from)
        incomes: dict[UUID, list[tuple[str, date, datetime]]] = {}
        for row in await session.execute(later(IncomeLine, IncomeLine.category, IncomeLine.day)):
            incomes.setdefault(row.household_id, []).append((row.category, row.day, row.known_to or row.known_from))
        schooled: dict[UUID, list[datetime]] = {}
        circumstanced: dict[tuple[UUID, str], list[datetime]] = {}
        if persons := {case.person_id for case in cases} - {None}:
            for row in await session.execute(later(Schooling, whose=Schooling.person_id, of=persons)):
                schooled.setdefault(row.person_id, []).append(row.known_to or row.known_from)
            own = Circumstance.person_id
            for row in await session.execute(later(Circumstance, Circumstance.kind, whose=own, of=persons)):
                circumstanced.setdefault((row.person_id, row.kind), []).append(row.known_to or row.known_from)
        return cls(registered, incomes, parts, schooled, circumstanced)

    def since(self, rules: Rules, name: str, row: DeterminationRow, paid: Any) -> datetime | None:
        """When what is known now of a fact became known; None where nothing of it did since the determination."""
        match rules.book.traced().facts[name].source:
            case Registry(attribute):
                stamps = self._registered(attribute, paid.household_id)
            case Income(category, window):
                stamps = self._earned(rules, paid.household_id, category, window)
            case Schooled() | TrainingMonths():
                stamps = self.schooled.get(paid.person_id, ())
            case Circumstanced(kind):
                stamps = self.circumstanced.get((paid.person_id, kind), ())
            case Count(_, where):
                windows = [one.window for one in where if isinstance(one, NetStablePerPerson)]
                stamps = [
                    stamp
                    for household, own in self.parts.get(paid.id, ())
                    for stamp in [
                        *own,
                        *self._registered("standing", household),
                        *self._registered("members", household),
                        *(at for window in windows for at in self._earned(rules, household, ALL, window)),
                    ]
                ]
            case _:
                stamps = []
        return max((stamp for stamp in stamps if stamp > row.known_at), default=None)

    def _registered(self, attribute: str, household: UUID) -> Sequence[datetime]:
        return self.registered.get((Membership if attribute == "members" else Standing, household), ())

    def _earned(self, rules: Rules, household: UUID, category: str, window: str) -> Sequence[datetime]:
        span: Window = getattr(rules.parameters, window)
        first, last = span.in_year(rules.period.year)
        return [at for own, on, at in self.incomes.get(household, ()) if category in (ALL, own) and first <= on <= last]
