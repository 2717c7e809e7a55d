"""补助对象登记册: whom the applications of a period were decided for, with what was paid, and the summary by township.

On the register stands each case in sight that has a determination, or of which something was paid; the summary counts
every case that was applied for, once. A case that was sent back is on it as long as something of it stays paid. A
payment that came back is none until it is paid again. The register names people and never holds an identity number, a
telephone or an account.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import and_, case, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import CHINA, Action, Entered
from bangfu.cases import instalments, shown
from bangfu.cases.ground import Ground, Rules
from bangfu.cases.views import standing_result
from bangfu.cases.whom import Whom
from bangfu.db.bulk import among
from bangfu.disclosure import need_reason, record_export
from bangfu.documents.writing import Sheet, SheetColumn, workbook
from bangfu.models import Case, DeterminationRow, Household, Schooling, Standing
from bangfu.process import CLOSED, END_TITLES, NOT_SELECTED, STOPPED, WITHDRAWN, Pay, Select
from bangfu.programme import STANDINGS
from bangfu.registry.divisions import Places, township_of
from bangfu.registry.history import held
from bangfu.rules import facts as sources
from bangfu.rules.book import Outcome
from bangfu.text import Text, day, join

PART = 2_000
"""How many cases are read at a time."""

_PAUSED = "(暂停)"

Key = tuple[int, str]
"""A place in the register: the village and the number of whom a case is for."""


class Conclusion(StrEnum):
    """How an application stands 结论; each stands in one way, so that they add up to all that were made."""

    ELIGIBLE = "eligible"
    REFUSED = "refused"
    INCOMPLETE = "incomplete"
    PENDING = "pending"
    NOT_SELECTED = "not_selected"
    WITHDRAWN = "withdrawn"
    STOPPED = "stopped"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        if self is Conclusion.PENDING:
            return Text("待核算", "to be accounted")
        return END_TITLES[self.value] if self in _ENDED.values() else Outcome(self.value).title_text


_ENDED = {
    NOT_SELECTED: Conclusion.NOT_SELECTED,
    WITHDRAWN: Conclusion.WITHDRAWN,
    STOPPED: Conclusion.STOPPED,
}
"""The ends that say how an application stands, whatever was determined of it before."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A case as the register holds it: whom it is for and where, how it stands, and what was determined and paid, in
    fen.

    ``determined_fen`` is the award of who is eligible, and else, or once all is paid, what became due and stands, with
    arrears and recoveries. ``paid`` are the instalments by number, each with the day on which it was released;
    ``arrears_fen`` was paid and ``repaid_fen`` paid back after that. Of what is paid every month the instalments are
    the months, with their arrears, what is determined is what is due of them, and ``set_off_fen`` is what their
    payments were less for what was to be paid back. ``decided_on`` is the day of the determination,
    None where none stands. ``wanting`` are the clauses that are not met, or the facts that are missing.
    """

    id: UUID
    whom: Whom
    household: str
    division: int
    group: str
    stage: str
    paused: bool
    conclusion: Conclusion
    determined_fen: int
    paid: Mapping[int, tuple[int, date]]
    arrears_fen: int
    set_off_fen: int
    repaid_fen: int
    decided_on: date | None
    wanting: Text | None

    @property
    def paid_fen(self) -> int:
        """All that was paid and did not come back."""
        return sum(fen for fen, _ in self.paid.values()) + self.arrears_fen

    @property
    def listed(self) -> bool:
        """Whether it stands on the register: it has a determination, or something of it was paid."""
        return self.decided_on is not None or self.paid_fen > 0


@dataclass(slots=True)
class TownshipRegistered:
    """The summary of one township: how many applied, how each of them stands, how many are on the register, what was
    determined and paid, in fen, and how often and how much of each instalment."""

    code: int
    name: str
    applied: int = 0
    listed: int = 0
    conclusions: dict[Conclusion, int] = field(default_factory=dict)
    determined_fen: int = 0
    paid: dict[int, tuple[int, int]] = field(default_factory=dict)
    arrears_fen: int = 0
    paid_fen: int = 0
    set_off_fen: int = 0
    repaid_fen: int = 0

    def add(self, one: Registered) -> None:
        """Count a case."""
        self.applied += 1
        self.listed += one.listed
        self.conclusions[one.conclusion] = self.conclusions.get(one.conclusion, 0) + 1
        self.determined_fen += one.determined_fen
        for instalment, (fen, _) in one.paid.items():
            times, sum_ = self.paid.get(instalment, (0, 0))
            self.paid[instalment] = (times + 1, sum_ + fen)
        self.arrears_fen += one.arrears_fen
        self.paid_fen += one.paid_fen
        self.set_off_fen += one.set_off_fen
        self.repaid_fen += one.repaid_fen


async def sheet(
    session: AsyncSession, who: Entered, ground: Ground, reason: str, area: tuple[int, int] | None = None
) -> bytes:
    """The register and its summary as a workbook. It names people, so it needs a reason and is on record.

    Refuses ``FORBIDDEN`` and ``REASON_NEEDED``.
    """
    who.require(Action.EXPORT_LISTS, ground.programme.code)
    need_reason(reason)
    places = await Places.on(session, who.at.today)
    writer = _Writer(ground, places)
    rows: list[Sequence[Any]] = []
    townships: dict[int, TownshipRegistered] = {}
    async for part in _parts(session, who, ground, None, area):
        for one in part:
            code = township_of(one.division)
            townships.setdefault(code, TownshipRegistered(code, places.named(code))).add(one)
        listed = [one for one in part if one.listed]
        told = await _told(session, who, listed, schooled=writer.schooled)
        rows += (writer.row(place, one, told) for place, one in enumerate(listed, len(rows) + 1))
    covered = [area] if area is not None else who.scope.areas
    where = "、".join(dict.fromkeys(places.named(lo) for lo, _ in covered))
    title = f"{who.county.name}{ground.period.title.zh}“{ground.programme.title.zh}”补助对象"
    made = f"{day(who.at.today).zh}    范围:{where}"
    applied = sum(own.applied for own in townships.values())
    counted = writer.BY_MONTH if writer.monthly else writer.COUNTED
    below = ["制表人:            审核人:            负责人:            (盖章)      年   月   日"]
    register = Sheet(
        "登记册",
        f"{title}登记册",
        writer.columns(),
        rows,
        above=[f"{made}    共 {len(rows)} {writer.unit}", writer.REGISTERED],
        below=below,
        total=True,
    )
    summary = Sheet(
        "汇总",
        f"{title}汇总表",
        writer.summary_columns(),
        [writer.summary_row(own) for own in townships.values()],
        above=[
            f"{made}    申报 {applied} {writer.unit},列入登记册 {len(rows)} {writer.unit}",
            counted,
        ],
        below=below,
        total=True,
    )
    await record_export(
        session,
        who,
        Action.EXPORT_LISTS,
        f"register/{ground.programme.code}/{ground.period.key}",
        reason,
        len(rows),
        writer.personal,
    )
    return workbook([register, summary])


# --- writing --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Told:
    """What the register says of those on it: names, by whom, and standings and schooling, by case."""

    names: Mapping[UUID, str]
    standings: Mapping[UUID, str]
    rolls: Mapping[UUID, Schooling]


async def _told(session: AsyncSession, who: Entered, listed: Sequence[Registered], *, schooled: bool) -> _Told:
    """Read it, each as on the day of its determination, in three statements at most."""
    days = {one.id: one.decided_on or who.at.today for one in listed}
    names = await shown.names(session, who, [one.whom for one in listed])
    query = select(Standing.household_id, Standing.standing, Standing.valid_from, Standing.valid_to).where(
        Standing.tenant_id == who.county.id,
        among(Standing.household_id, {one.whom.household for one in listed}),
        Standing.known_to.is_(None),
    )
    known: dict[UUID, list[Any]] = {}
    for row in await session.execute(query):
        known.setdefault(row.household_id, []).append(row)
    standings = {
        one.id: STANDINGS[row.standing].zh
        for one in listed
        for row in known.get(one.whom.household, ())
        if held(row, days[one.id])
    }
    found: Mapping[UUID, Schooling] = {}
    if schooled:
        found = await shown.rolls(session, who, {one.whom.id: days[one.id] for one in listed})
    return _Told(names, standings, {one.id: found[one.whom.id] for one in listed if one.whom.id in found})


class _Writer:
    """How the cases of a programme are written into the two tables."""

    REGISTERED = "登记有核算结果或已发放的申报;户类型、就读情况为核算之日的情况;退回未重发的款项不计入已发。"
    COUNTED = "每件申报只按结论计一次;核定金额:符合条件、尚未办结的为应发金额,其他的为已形成且有效的应发金额。"
    BY_MONTH = "每件申报只按结论计一次;核定金额为各月核定的应发金额合计,已发合计含补发,不含抵扣。"

    def __init__(self, ground: Ground, places: Places) -> None:
        self.process, self.places = ground.programme.process, places
        self.for_persons = ground.programme.is_for_persons
        self.unit = "人" if self.for_persons else "户"
        # Where no book of the period looks at schools, their columns would be empty.
        self.schooled = self.for_persons and any(
            isinstance(spec.source, sources.Schooling)
            for rules in ground.editions.values()
            for spec in rules.book.traced().facts.values()
        )
        self.personal = ["head", "standing"] if not self.for_persons else ["name", "standing"]
        self.personal += ["school", "grade"] if self.schooled else []
        self.monthly = self.process.monthly is not None
        self.pays = [] if self.monthly else list(self.process.kind(Pay))
        self.beside = "抵扣(元)" if self.monthly else "补发(元)"
        selects = any(True for _ in self.process.kind(Select))
        self.conclusions = [one for one in Conclusion if selects or one is not Conclusion.NOT_SELECTED]

    def columns(self) -> list[SheetColumn]:
        """The columns of the register."""
        number, name = shown.HEADERS[self.for_persons]
        instalments_ = (
            [SheetColumn("发放月数", "integer"), SheetColumn("发放月份")]
            if self.monthly
            else [
                column
                for stage in self.pays
                for column in (
                    SheetColumn(f"{stage.title.zh}(元)", "money"),
                    SheetColumn(f"{stage.title.zh}日期", "day"),
                )
            ]
        )
        return [
            SheetColumn("序号", "integer"),
            *map(SheetColumn, ("乡镇", "村", "组", *(["户编号"] if self.for_persons else []), number, name, "户类型")),
            *map(SheetColumn, ("就读学校", "学段年级") if self.schooled else ()),
            *map(SheetColumn, ("当前环节", "结论")),
            SheetColumn("核定金额(元)", "money"),
            *instalments_,
            *(SheetColumn(header, "money") for header in (self.beside, "已发合计(元)", "已追回(元)")),
            SheetColumn("未满足条款或所缺资料"),
        ]

    def row(self, place: int, one: Registered, told: _Told) -> Sequence[Any]:
        """A case on the register."""
        roll = told.rolls.get(one.id)
        return (
            place,
            self.places.township(one.division),
            self.places.named(one.division),
            one.group,
            *([one.household] if self.for_persons else []),
            one.whom.number,
            told.names.get(one.whom.id, ""),
            told.standings.get(one.id, ""),
            *((roll.school if roll else "", shown.grade_of(roll) if roll else "") if self.schooled else ()),
            self.process.title(one.stage).zh + (_PAUSED if one.paused else ""),
            one.conclusion.title_text.zh,
            one.determined_fen,
            *([len(one.paid), "、".join(map(str, sorted(one.paid)))] if self.monthly else ()),
            *(value for stage in self.pays for value in one.paid.get(stage.instalment, (None, None))),
            (one.set_off_fen if self.monthly else one.arrears_fen) or None,
            one.paid_fen,
            one.repaid_fen or None,
            one.wanting.zh if one.wanting else "",
        )

    def summary_columns(self) -> list[SheetColumn]:
        """The columns of the summary."""
        paid = [
            column
            for stage in self.pays
            for column in (
                SheetColumn(f"{stage.title.zh}({self.unit})", "count"),
                SheetColumn(f"{stage.title.zh}(元)", "money"),
            )
        ]
        return [
            SheetColumn("乡镇"),
            SheetColumn("申报", "count"),
            *(SheetColumn(one.title_text.zh, "count") for one in self.conclusions),
            SheetColumn("列入登记册", "count"),
            SheetColumn("核定金额(元)", "money"),
            *([SheetColumn("发放(人月)", "count")] if self.monthly else paid),
            *(SheetColumn(header, "money") for header in (self.beside, "已发合计(元)", "已追回(元)")),
        ]

    def summary_row(self, own: TownshipRegistered) -> Sequence[Any]:
        """A township in the summary."""
        return (
            own.name,
            own.applied,
            *(own.conclusions.get(one, 0) for one in self.conclusions),
            own.listed,
            own.determined_fen,
            *([sum(times for times, _ in own.paid.values())] if self.monthly else ()),
            *(value for stage in self.pays for value in own.paid.get(stage.instalment, (0, 0))),
            own.set_off_fen if self.monthly else own.arrears_fen,
            own.paid_fen,
            own.repaid_fen,
        )


# --- reading --------------------------------------------------------------------------------------------------


async def _parts(
    session: AsyncSession, who: Entered, ground: Ground, after: Key | None, area: tuple[int, int] | None
) -> AsyncIterator[list[Registered]]:
    """The cases in sight, some at a time, by village and number."""
    while True:
        rows = (await session.execute(_query(who, ground, after, area))).all()
        if not rows:
            return
        yield await _registered(session, who, ground, rows)
        if len(rows) < PART:
            return
        after = (rows[-1].division, rows[-1].number)


def _query(who: Entered, ground: Ground, after: Key | None, area: tuple[int, int] | None) -> Any:
    """Cases with the determination that stands, by village and number; chosen first, so that a part of a county costs
    as much as it holds."""
    tenant = who.county.id
    choice = select(Case.id, Case.division, Case.number).where(
        Case.tenant_id == tenant,
        Case.programme == ground.programme.code,
        Case.period == ground.period.key,
        Case.division.between(*who.scope.bounds),
    )
    if area is not None:
        choice = choice.where(Case.division.between(*area))
    if after is not None:
        choice = choice.where(tuple_(Case.division, Case.number) > tuple_(*after))
    chosen = choice.order_by(Case.division, Case.number).limit(PART).subquery("chosen")
    eligible = DeterminationRow.outcome == Outcome.ELIGIBLE.value
    standing = (
        select(
            DeterminationRow.edition_id,
            DeterminationRow.outcome,
            DeterminationRow.payable_fen,
            DeterminationRow.known_at,
            # Whoever is eligible lacks nothing.
            case((~eligible, DeterminationRow.values_)).label("steps"),
            case((~eligible, DeterminationRow.facts)).label("facts"),
        )
        .where(standing_result(tenant))
        .limit(1)
        .lateral("standing")
    )
    return (
        select(
            Case.id,
            Case.number,
            Case.household_id,
            Case.person_id,
            Case.division,
            Case.stage,
            Case.paused_on,
            Household.number.label("household"),
            Household.group_name,
            *standing.c,
        )
        .select_from(chosen)
        .join(Case, and_(Case.tenant_id == tenant, Case.id == chosen.c.id))
        .join(Household, and_(Household.tenant_id == tenant, Household.id == Case.household_id))
        .outerjoin(standing, true())
        .order_by(chosen.c.division, chosen.c.number)
    )


async def _registered(session: AsyncSession, who: Entered, ground: Ground, rows: Sequence[Any]) -> list[Registered]:
    """Cases with what became due and was paid of them, in two statements; where something is paid every month, in
    three."""
    ids = [row.id for row in rows]
    due = await instalments.standing(session, who, ids)
    settled = await instalments.settled(session, who, ids)
    monthly = ground.programme.process.monthly is not None
    months = await instalments.monthly(session, who, ids) if monthly else {}
    found = []
    for row in rows:
        parts, later = due.get(row.id, []), settled.get(row.id, instalments.Settled())
        conclusion = _concluded(row.stage, row.outcome)
        awarded = conclusion is Conclusion.ELIGIBLE and row.stage != CLOSED
        determined = row.payable_fen if awarded else sum(part.fen for part in parts) + later.due_fen
        paid = {part.number: (part.fen, part.paid_on) for part in parts if part.paid_on is not None}
        arrears = later.paid_fen
        own = months.get(row.id, [])
        if monthly:
            determined, arrears = sum(one.due_fen for one in own), 0
            paid = {one.month: (one.paid_fen, one.paid_on) for one in own if one.paid_on is not None}
        found.append(
            Registered(
                id=row.id,
                whom=Whom(row.number, row.household_id, row.person_id),
                household=row.household,
                division=row.division,
                group=row.group_name,
                stage=row.stage,
                paused=row.paused_on is not None,
                conclusion=conclusion,
                determined_fen=determined,
                paid=paid,
                arrears_fen=arrears,
                set_off_fen=sum(one.set_off_fen for one in own),
                repaid_fen=later.repaid_fen,
                decided_on=row.known_at.astimezone(CHINA).date() if row.known_at is not None else None,
                wanting=_wanting(ground.editions[row.edition_id], row) if row.steps is not None else None,
            )
        )
    return found


def _concluded(stage: str, outcome: str | None) -> Conclusion:
    """How an application stands, by where its case stands and what was determined of it."""
    return _ENDED.get(stage) or (Conclusion(outcome) if outcome is not None else Conclusion.PENDING)


def _wanting(rules: Rules, row: Any) -> Text | None:
    """The clauses that are not met, in words, or the facts that are missing where none is."""
    trace = rules.book.traced()
    unmet = [trace.steps[name].step for name in trace.criteria if row.steps[name] is False]
    if unmet:
        clauses = [(step.title, step.cites.clause) for step in unmet]
        return join([Text(f"{said.zh}({at})", f"{said.en} ({at})") for said, at in clauses], ";", "; ")
    missing = join([trace.facts[name].title for name in trace.used_facts if row.facts[name] is None])
    return Text(f"缺:{missing.zh}", f"missing: {missing.en}")
