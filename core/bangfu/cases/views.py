"""Cases as the process sees them: thousands at once, with everything that decides what may happen next."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, false, func, literal, or_, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import payments
from bangfu.access import CHINA, Actor, Entered
from bangfu.cases.ground import Ground, Rules
from bangfu.cases.whom import Whom
from bangfu.db.bulk import among
from bangfu.models import (
    Case,
    CaseEvent,
    DeterminationRow,
    Entitlement,
    HouseholdCadre,
    MonthDecision,
    Notice,
    Objection,
    Participant,
    SampleUnit,
    Signature,
)
from bangfu.notices import pending_cases
from bangfu.process import END_TITLES, Duty, View
from bangfu.programme import Programme, Role
from bangfu.registry.divisions import Places
from bangfu.registry.history import holds
from bangfu.rules.book import Outcome
from bangfu.text import Text

PLANNING, ACCEPTING, RECHECKING = ("plan", "amend"), "accept", "recheck"
"""The acts, as events name them, by which a plan is made, by which a case is accepted, and by which it is written down
what has become of a person since."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which cases an act is for: of some beneficiaries (by the number of the household or, where the programme is for
    persons, of the person), areas, stages, or one drawn sample; nothing given means all in sight.

    ``without`` excludes beneficiaries by number, ``paused`` takes only those that rest, or only the others. ``after``
    (village, number), ``upto`` and ``limit`` take one part at a time.
    """

    numbers: Sequence[str] | None = None
    areas: Sequence[tuple[int, int]] | None = None
    stages: Sequence[str] | None = None
    draw: UUID | None = None
    paused: bool | None = None
    without: Sequence[str] = ()
    after: tuple[int, str] | None = None
    upto: tuple[int, str] | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case with what the process needs to know of it; ``number`` is the household's or the ``person``'s whom it is
    for."""

    id: UUID
    number: str
    household: UUID
    person: UUID | None
    division: int
    version: int
    round: int
    rules: Rules
    opened_on: date
    stated: dict[str, Any]
    determination: UUID | None
    payable: int
    digest: str | None
    notice: UUID | None
    draw: UUID | None
    cadre: UUID | None
    last_signed: date | None
    """The last day on which somebody signed the present stage."""
    paused_on: date | None
    marked: dict[str, str] | None
    """What the household is asked to correct, by fact, with what is wrong."""
    view: View

    @property
    def edition(self) -> UUID:
        """The edition of the rules that the case is fixed to."""
        return self.rules.id

    @property
    def whom(self) -> Whom:
        """Whom it is for."""
        return Whom(self.number, self.household, self.person)

    @property
    def path(self) -> tuple[str, str]:
        """Where a problem of it lies: with a household or a person of a number."""
        return self.rules.programme.beneficiary.value, self.number

    @property
    def determined_at(self) -> str | None:
        """The stage at which the result that stands was made."""
        return self.view.determined_at

    @property
    def deadline(self) -> date | None:
        """The last day of its stage, or None where the plan gives none."""
        process = self.rules.programme.process
        return None if self.view.stage in END_TITLES else self.rules.proceedings.deadline(process[self.view.stage])


@dataclass(frozen=True, slots=True)
class Stated:
    """What somebody says of an act: the day it happened (today unless stated), the duty, why it is late, what shows it.

    ``signatory`` is who did it, where somebody else types it in. ``seen`` is the version of a case, by number, on which
    the decision was made: where it has another by now, somebody was faster.
    """

    day: date | None = None
    duty: Duty | None = None
    reason: str = ""
    evidence: str = ""
    signatory: Actor | None = None
    seen: Mapping[str, int] = field(default_factory=dict)

    def officer(self, who: Entered) -> Actor:
        """Who did it: the one it is typed in for, else the one who types."""
        return self.signatory or who.actor

    def by(self, who: Entered) -> UUID:
        """The id of who did it."""
        return self.officer(who).id

    def on(self, who: Entered) -> date:
        """The day it happened."""
        return self.day or who.at.today


def duties_over(officer: Actor, day: date, division: int, cadre: UUID | None) -> frozenset[Duty]:
    """The duties of an officer over one household on a day; a cadre is linked to particular households."""
    duties = officer.duties(day, division)
    return duties if cadre == officer.id else duties - {Duty.LINKED_CADRE}


async def look(
    session: AsyncSession, who: Entered, ground: Ground, selection: Selection, on: date | None = None
) -> list[CaseView]:
    """The selected cases, by village and number, in five statements whatever their number.

    ``on`` is the day whose linked cadre and kind of village count, today unless stated.
    """
    query = _chosen(who).where(
        Case.programme == ground.programme.code,
        Case.period == ground.period.key,
        Case.division.between(*who.scope.bounds),
    )
    if selection.numbers is not None:
        query = query.where(among(Case.number, selection.numbers))
    if selection.without:
        query = query.where(~among(Case.number, selection.without))
    if selection.stages is not None:
        query = query.where(among(Case.stage, selection.stages))
    if selection.draw is not None:
        query = query.where(Case.draw_id == selection.draw)
    if selection.paused is not None:
        query = query.where(Case.paused_on.is_not(None) if selection.paused else Case.paused_on.is_(None))
    if selection.areas is not None:
        query = query.where(or_(false(), *(Case.division.between(lo, hi) for lo, hi in selection.areas)))
    if selection.after is not None:
        query = query.where(tuple_(Case.division, Case.number) > tuple_(*selection.after))
    if selection.upto is not None:
        query = query.where(tuple_(Case.division, Case.number) <= tuple_(*selection.upto))
    query = query.order_by(Case.division, Case.number).limit(selection.limit)
    return await _looked(session, who, query, [ground.programme], lambda case: ground, on or who.at.today)


async def look_at(
    session: AsyncSession, who: Entered, grounds: Mapping[tuple[str, str], Ground], cases: Collection[UUID]
) -> dict[UUID, CaseView]:
    """Cases by their ids, of any of the grounds (by programme and period), in the same five statements."""
    programmes = {ground.programme.code: ground.programme for ground in grounds.values()}
    query = _chosen(who).where(among(Case.id, cases), tuple_(Case.programme, Case.period).in_(list(grounds)))

    def ground(case: Case) -> Ground:
        return grounds[case.programme, case.period]

    found = await _looked(session, who, query, list(programmes.values()), ground, who.at.today)
    return {case.id: case for case in found}


async def _looked(
    session: AsyncSession,
    who: Entered,
    chosen: Any,
    programmes: Sequence[Programme],
    ground: Callable[[Case], Ground],
    on: date,
) -> list[CaseView]:
    rows = (await session.execute(_query(who, programmes, on, chosen))).all()
    places = await Places.on(session, on)
    posted = await _posted(session, who, {row.Case.notice_id for row in rows if row.Case.notice_id})
    awaited = await _awaited(session, who, [row.Case.id for row in rows if row.Case.draw_id])
    hands = await _hands(session, who, [row.Case.id for row in rows if row.Case.stage not in END_TITLES])
    return [
        _case(
            ground(row.Case),
            row,
            places,
            posted.get(row.Case.notice_id),
            row.Case.id in awaited,
            hands.get(row.Case.id, _Hands()),
        )
        for row in rows
    ]


@dataclass(slots=True)
class _Hands:
    """Who made the plan of a case, who made it or typed it in, and who accepted the case or typed that in; and whether
    anybody has found out what has become of the person since."""

    planned: set[UUID] = field(default_factory=set)
    prepared: set[UUID] = field(default_factory=set)
    accepted: set[UUID] = field(default_factory=set)
    rechecked: bool = False


async def _hands(session: AsyncSession, who: Entered, cases: Collection[UUID]) -> dict[UUID, _Hands]:
    """Who had a hand in cases, of all their rounds: what somebody planned is not less his own for being sent back."""
    query = select(CaseEvent.case_id, CaseEvent.act, CaseEvent.officer_id, CaseEvent.recorded_by).where(
        CaseEvent.tenant_id == who.county.id,
        among(CaseEvent.case_id, cases),
        CaseEvent.act.in_((*PLANNING, ACCEPTING, RECHECKING)),
    )
    found: dict[UUID, _Hands] = {}
    for case, act, officer, recorded_by in await session.execute(query):
        hands = found.setdefault(case, _Hands())
        if act == ACCEPTING:
            hands.accepted |= {officer, recorded_by}
        elif act == RECHECKING:
            hands.rechecked = True
        else:
            hands.planned.add(officer)
            hands.prepared |= {officer, recorded_by}
    return found


async def _posted(session: AsyncSession, who: Entered, ids: Collection[UUID]) -> dict[UUID, tuple[date, date]]:
    """The first and last day of notices. Read apart: a village has one notice for all its cases."""
    query = select(Notice.id, Notice.first_day, Notice.last_day).where(
        Notice.tenant_id == who.county.id, among(Notice.id, ids)
    )
    return {row.id: (row.first_day, row.last_day) for row in await session.execute(query)}


async def _awaited(session: AsyncSession, who: Entered, cases: Collection[UUID]) -> frozenset[UUID]:
    """The drawn cases whose spot check has no result yet. A case is drawn again only after its earlier result."""
    query = select(SampleUnit.case_id).where(
        SampleUnit.tenant_id == who.county.id,
        among(SampleUnit.case_id, cases),
        SampleUnit.drawn.is_(True),
        SampleUnit.passed.is_(None),
    )
    return frozenset(await session.scalars(query))


def standing_result(tenant: int) -> ColumnElement[bool]:
    """The condition that a determination is the one that stands: that of the case's present round."""
    return and_(
        DeterminationRow.tenant_id == tenant,
        DeterminationRow.case_id == Case.id,
        DeterminationRow.round == Case.round,
    )


def _chosen(who: Entered) -> Any:
    """Cases of the county, to be chosen from."""
    return select(Case.id, Case.division, Case.number).where(Case.tenant_id == who.county.id)


def _query(who: Entered, programmes: Sequence[Programme], day: date, choice: Any) -> Any:
    """One row for each case of a choice, by village and number. Signatures count that stand in the case's
    stage and round.

    The choice is made first, by itself, and everything else is looked up for what was chosen, a case at a time by its
    key: whatever the database believes about its tables, a part of a county costs as much as it holds.
    """
    tenant = who.county.id
    chosen = choice.subquery("chosen")
    accounting = [(programme.code, code) for programme in programmes for code in programme.process.accounts()]
    standing = (
        select(
            DeterminationRow.id,
            DeterminationRow.stage,
            DeterminationRow.outcome,
            DeterminationRow.payable_fen,
            DeterminationRow.digest,
            DeterminationRow.known_at,
            DeterminationRow.counted_to,
        )
        .where(standing_result(tenant))
        .limit(1)
        .lateral("standing")
    )
    linked = (
        select(HouseholdCadre.officer_id)
        .where(
            HouseholdCadre.tenant_id == tenant,
            HouseholdCadre.household_id == Case.household_id,
            holds(HouseholdCadre, day),
        )
        .limit(1)
        .lateral("linked")
    )
    current = and_(
        Signature.tenant_id == Case.tenant_id,
        Signature.case_id == Case.id,
        Signature.round == Case.round,
        Signature.undone_at.is_(None),
    )
    signed = (
        select(func.jsonb_object_agg(Signature.duty, Signature.officer_id))
        .where(current, Signature.stage == Case.stage)
        .correlate(Case)
        .scalar_subquery()
    )
    verified = (
        select(func.array_cat(func.array_agg(Signature.officer_id), func.array_agg(Signature.recorded_by)))
        .where(current, tuple_(Case.programme, Signature.stage).in_(accounting))
        .correlate(Case)
        .scalar_subquery()
    )
    last_signed = (
        select(func.max(Signature.effective_on))
        .where(current, Signature.stage == Case.stage)
        .correlate(Case)
        .scalar_subquery()
    )
    objections = (
        select(func.count())
        .select_from(Objection)
        .where(Objection.tenant_id == Case.tenant_id, Objection.case_id == Case.id, Objection.settled_at.is_(None))
        .correlate(Case)
        .scalar_subquery()
    )
    entitled = (
        Entitlement.tenant_id == Case.tenant_id,
        Entitlement.case_id == Case.id,
        Entitlement.voided_at.is_(None),
    )
    award = Entitlement.kind == payments.Kind.AWARD.value
    due = (
        select(func.jsonb_object_agg(Entitlement.instalment, Entitlement.amount_fen))
        .where(*entitled, award)
        .correlate(Case)
        .scalar_subquery()
    )
    adjusted = select(func.sum(Entitlement.amount_fen)).where(*entitled, ~award).correlate(Case).scalar_subquery()
    return (
        select(
            Case,
            standing.c.id.label("determination"),
            standing.c.stage.label("determined_at"),
            standing.c.outcome,
            standing.c.payable_fen,
            standing.c.digest,
            standing.c.known_at,
            standing.c.counted_to,
            linked.c.officer_id.label("cadre"),
            signed.label("signed"),
            last_signed.label("last_signed"),
            verified.label("verified"),
            objections.label("objections"),
            due.label("due"),
            adjusted.label("adjusted"),
            _unanswered(programmes).label("unanswered"),
            _months_decided(programmes).label("months_decided"),
            Case.id.in_(pending_cases(tenant)).label("heard"),
        )
        .select_from(chosen)
        .join(Case, and_(Case.tenant_id == tenant, Case.id == chosen.c.id))
        .outerjoin(standing, true())
        .outerjoin(linked, true())
        .order_by(chosen.c.division, chosen.c.number)
    )


def _months_decided(programmes: Sequence[Programme]) -> Any:
    """Whether a month of a case has been decided; nobody looks where nothing is paid every month."""
    if all(programme.process.monthly is None for programme in programmes):
        return false()
    return (
        select(MonthDecision.id)
        .where(MonthDecision.tenant_id == Case.tenant_id, MonthDecision.case_id == Case.id)
        .correlate(Case)
        .exists()
    )


def _unanswered(programmes: Sequence[Programme]) -> Any:
    """How many of those who take part in a case have not answered, or whose cadre has not; without roles, nobody."""
    asked = [
        and_(Case.programme == programme.code, Participant.role == role.code, or_(false(), *missing))
        for programme in programmes
        for role in programme.participants
        if (missing := _missing(role))
    ]
    if not asked:
        return literal(0)
    return (
        select(func.count())
        .select_from(Participant)
        .where(
            Participant.tenant_id == Case.tenant_id,
            Participant.case_id == Case.id,
            Participant.left_at.is_(None),
            or_(*asked),
        )
        .correlate(Case)
        .scalar_subquery()
    )


def _missing(role: Role) -> list[ColumnElement[bool]]:
    """What a participant in a role still owes; a household that declined needs nobody's word."""
    missing: list[ColumnElement[bool]] = [Participant.agreed.is_(None)] if role.signs else []
    if role.vouched_by is not None:
        missing.append(and_(Participant.vouched.is_(None), Participant.agreed.is_not(False)))
    return missing


def _due(awards: Mapping[str, int], adjusted: int) -> dict[int, int]:
    """What is or was due by instalment; what was added or recovered since belongs to the last one, so that the next
    makes up for no more than is missing."""
    due = {int(instalment): amount for instalment, amount in awards.items()}
    if adjusted and due:
        due[max(due)] += adjusted
    return due


def _case(
    ground: Ground, row: Any, places: Places, posted: tuple[date, date] | None, drawn: bool, hands: _Hands
) -> CaseView:
    case: Case = row.Case
    village, place = places.named(case.division), places.by_code.get(case.division)
    view = View(
        stage=case.stage,
        since=case.since,
        village=Text(village, village),
        poor_village=place.poor if place else None,
        signed={Duty(duty): UUID(officer) for duty, officer in (row.signed or {}).items()},
        accounted=row.outcome == Outcome.ELIGIBLE.value
        and (row.determined_at == case.stage or case.stage not in ground.programme.process.accounts()),
        determined_at=row.determined_at,
        decided_on=row.known_at.astimezone(CHINA).date() if row.known_at else None,
        counted_to=row.counted_to,
        planned_by=frozenset(hands.planned),
        prepared_by=frozenset(hands.prepared),
        verified_by=frozenset(row.verified or ()),
        accepted_by=frozenset(hands.accepted),
        posted=posted,
        # What the public handed in stops a case like an objection, until an officer has decided on it.
        open_objections=row.objections + int(row.heard),
        drawn=drawn,
        rechecked=hands.rechecked,
        unanswered=row.unanswered,
        paused=case.paused_on is not None,
        due=_due(row.due or {}, int(row.adjusted or 0)),
        months_decided=bool(row.months_decided),
    )
    return CaseView(
        case.id,
        case.number,
        case.household_id,
        case.person_id,
        case.division,
        case.version,
        case.round,
        ground.editions[case.edition_id],
        case.opened_on,
        case.stated,
        row.determination,
        row.payable_fen or 0,
        row.digest,
        case.notice_id,
        case.draw_id,
        row.cadre,
        row.last_signed,
        case.paused_on,
        case.marked,
        view,
    )
