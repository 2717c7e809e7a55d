"""What pairings come to 帮扶台账统计, and what waits for whom.

Every figure is counted over the agreements, plan lines and deliveries that one filter chooses, and the lists beside it
choose by the same filter: a total always equals its lines. Enterprises, villages and persons are counted once, however
many agreements and lines they stand in. The balance of the money is explained: what was logged is what stands, what
waits, what is before the county, and what was not accepted.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import MAXYEAR, MINYEAR, date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    case,
    distinct,
    false,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from bangfu.access import Action, Entered
from bangfu.db.bulk import among
from bangfu.models import (
    AgreementSignature,
    Delivery,
    DeliveryPerson,
    Helper,
    Obstacle,
    Organization,
    PairingAgreement,
    PlanLine,
)
from bangfu.pairings.standing import AGREED, BEFORE_THE_COUNTY, DeliveryState, Side
from bangfu.programme import PairingProgramme
from bangfu.registry.divisions import area_of
from bangfu.text import Text

MOST = 100
"""The most of a page."""
_WHOSE = ("division", "organization_id", "agreement_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Which:
    """Which part of a programme is meant: a county, a township or a village, an enterprise, a path, a kind, a year."""

    division: int | None = None
    credit_code: str | None = None
    path: str | None = None
    kind: str | None = None
    year: int | None = None


@dataclass(slots=True)
class Line:
    """What is pledged and delivered by one path in one kind: amounts (fen) and numbers; where it is told apart, under
    one agreement, of an organization in a village (``division``).

    ``logged`` is everything that was logged and not replaced. It is ``stands`` and ``waiting`` and ``disputed`` and
    ``refused`` together. ``agreed`` is of how many of its ``lines`` it is settled what stands, and ``agreed_fen`` and
    ``agreed_quantity`` what stands of these: of one that the enterprise contests, a part stands and nothing is agreed.
    ``projects`` 帮扶项目 are the measures of the plans.
    """

    path: str
    kind: str
    division: int = 0
    organization: UUID | None = None
    agreement: UUID | None = None
    projects: int = 0
    pledged_fen: int = 0
    pledged_quantity: int = 0
    logged_fen: int = 0
    logged_quantity: int = 0
    stands_fen: int = 0
    stands_quantity: int = 0
    waiting_fen: int = 0
    waiting_quantity: int = 0
    disputed_fen: int = 0
    disputed_quantity: int = 0
    refused_fen: int = 0
    refused_quantity: int = 0
    lines: int = 0
    agreed: int = 0
    agreed_fen: int = 0
    agreed_quantity: int = 0


@dataclass(slots=True)
class Figures:
    """What a part of a programme comes to. Of the persons that deliveries were matched to, an enterprise learns
    nothing: to it they are zero."""

    enterprises: int = 0
    villages: int = 0
    agreements: int = 0
    persons: int = 0
    by_kind: list[Line] = field(default_factory=list)

    def total(self, name: str) -> int:
        """A figure of the lines, added up over all kinds and paths."""
        return sum(getattr(line, name) for line in self.by_kind)

    @property
    def confirmation_rate(self) -> tuple[int, int]:
        """Of how many lines both sides have said what stands, and of how many there are 双向确认率."""
        return self.total("agreed"), self.total("lines")


def signed(who: Entered, programme: PairingProgramme, which: Which) -> Select[UUID, UUID, int]:
    """The signed agreements that are meant: those whose term touches the year, and that have something planned or
    delivered on the path and in the kind, if these are stated."""
    one = PairingAgreement
    query = select(one.id, one.organization_id, one.division).where(
        one.tenant_id == who.county.id,
        one.programme == programme.code,
        one.signed_on.is_not(None),
        *_place(one, who, which),
    )
    if which.path is not None or which.kind is not None:
        planned = select(PlanLine.agreement_id).where(*pledged(who, programme, which))
        given = select(Delivery.agreement_id).where(*delivered(who, programme, which))
        query = query.where(or_(one.id.in_(planned), one.id.in_(given)))
    if which.year is not None:
        if not MINYEAR <= which.year < MAXYEAR:
            return query.where(false())
        last = func.coalesce(one.ended_on, one.valid_to)
        query = query.where(
            one.valid_from < date(which.year + 1, 1, 1), last > date(which.year, 1, 1), last > one.valid_from
        )
    return query


def _place(model: Any, who: Entered, which: Which) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if not who.scope.areas:
        # The wall says as much; said here, an index finds an enterprise's own rows among the county's.
        found.append(among(model.organization_id, who.scope.organizations))
    if which.division is not None:
        found.append(model.division.between(*area_of(which.division)))
    if which.credit_code is not None:
        named = select(Organization.id).where(
            Organization.tenant_id == who.county.id, Organization.credit_code == which.credit_code
        )
        found.append(model.organization_id.in_(named))
    return found


def _kind(model: Any, which: Which) -> list[ColumnElement[bool]]:
    stated = (("path", which.path), ("kind", which.kind), ("year", which.year))
    return [getattr(model, name) == value for name, value in stated if value is not None]


def delivered(who: Entered, programme: PairingProgramme, which: Which) -> list[ColumnElement[bool]]:
    """The condition that a delivery is meant and counts: it is not replaced by a correction."""
    return [
        Delivery.tenant_id == who.county.id,
        Delivery.programme == programme.code,
        Delivery.state != DeliveryState.REPLACED.value,
        *_place(Delivery, who, which),
        *_kind(Delivery, which),
    ]


def pledged(who: Entered, programme: PairingProgramme, which: Which) -> list[ColumnElement[bool]]:
    """The condition that a line of a plan is meant and counts: a measure of an agreement that is signed and was not
    ended by the day on which it was due, not replaced."""
    own = aliased(PairingAgreement)
    held = select(own.id).where(
        own.tenant_id == who.county.id,
        own.id == PlanLine.agreement_id,
        own.programme == programme.code,
        own.signed_on.is_not(None),
        or_(own.ended_on.is_(None), own.ended_on > PlanLine.due_on),
    )
    return [
        PlanLine.tenant_id == who.county.id,
        held.correlate(PlanLine).exists(),
        PlanLine.kind.is_not(None),
        PlanLine.replaced_at.is_(None),
        *_place(PlanLine, who, which),
        *_kind(PlanLine, which),
    ]


async def figures(session: AsyncSession, who: Entered, programme: PairingProgramme, which: Which) -> Figures:
    """What a part of a programme comes to, in four statements. Refuses ``FORBIDDEN``."""
    who.require(Action.READ_PAIRINGS, programme.code)
    agreements = signed(who, programme, which).subquery()
    row = (
        await session.execute(
            select(
                func.count(distinct(agreements.c.organization_id)),
                func.count(distinct(agreements.c.division)),
                func.count(agreements.c.id),
            )
        )
    ).one()
    found = Figures(*row)
    found.by_kind = await lines(session, who, programme, which)
    named = benefiting(who, programme, which).subquery()
    found.persons = await session.scalar(select(func.count(distinct(named.c.person_id)))) or 0
    return found


def benefiting(who: Entered, programme: PairingProgramme, which: Which) -> Select[UUID, int, str]:
    """The persons whom villages have named for deliveries of which some number stands, each with village and path; none
    in the sight of an enterprise."""
    return (
        select(DeliveryPerson.person_id, Delivery.division, Delivery.path)
        .distinct()
        .join(
            Delivery,
            (Delivery.tenant_id == DeliveryPerson.tenant_id) & (Delivery.id == DeliveryPerson.delivery_id),
        )
        .where(*delivered(who, programme, which), Delivery.stands_quantity > 0, DeliveryPerson.taken_back_at.is_(None))
    )


async def lines(
    session: AsyncSession, who: Entered, programme: PairingProgramme, which: Which, *, apart: bool = False
) -> list[Line]:
    """What is pledged and delivered by path and kind, in the order in which the programme declares them; told ``apart``
    by agreement besides. In two statements.

    Refuses ``FORBIDDEN``.
    """
    who.require(Action.READ_PAIRINGS, programme.code)
    plan = select(
        func.count().label("projects"),
        _sum(PlanLine.amount_fen).label("pledged_fen"),
        _sum(PlanLine.quantity).label("pledged_quantity"),
    ).where(*pledged(who, programme, which))
    states = {
        "waiting": Delivery.state == DeliveryState.LOGGED.value,
        "disputed": Delivery.state.in_([state.value for state in BEFORE_THE_COUNTY]),
        "agreed": Delivery.state.in_([state.value for state in AGREED]),
    }
    sums = [func.count().label("lines"), func.count().filter(states["agreed"]).label("agreed")]
    for unit, logged, stands in (
        ("fen", func.coalesce(Delivery.amount_fen, 0), Delivery.stands_fen),
        ("quantity", func.coalesce(Delivery.quantity, 0), Delivery.stands_quantity),
    ):
        for name, value in (
            ("logged", logged),
            ("stands", stands),
            ("waiting", case((states["waiting"], logged), else_=0)),
            ("disputed", case((states["disputed"], logged - stands), else_=0)),
            ("refused", case((states["agreed"], logged - stands), else_=0)),
            ("agreed", case((states["agreed"], stands), else_=0)),
        ):
            sums.append(_sum(value).label(f"{name}_{unit}"))
    ledger = select(*sums).where(*delivered(who, programme, which))
    names = ["path", "kind", *(_WHOSE if apart else ())]
    found: dict[tuple[Any, ...], Line] = {}
    for query, model in ((plan, PlanLine), (ledger, Delivery)):
        by = [getattr(model, name) for name in names]
        for row in (await session.execute(query.add_columns(*by).group_by(*by))).mappings():
            key = tuple(row[name] for name in names)
            line = found.setdefault(key, Line(*key))
            for name in row.keys() - names:
                setattr(line, name, int(row[name]))
    paths = [path.code for path in programme.paths]
    kinds = [kind.code for kind in programme.kinds]
    return sorted(
        found.values(),
        key=lambda one: (paths.index(one.path), kinds.index(one.kind), one.division, str(one.agreement)),
    )


async def deliveries(
    session: AsyncSession,
    who: Entered,
    programme: PairingProgramme,
    which: Which,
    states: Collection[DeliveryState] | None = None,
    first: int | None = None,
) -> list[Delivery]:
    """The lines that the figures of the same part are made of, by village, organization and day; those in some states,
    or the first of them, if that is asked for. In one statement.

    Refuses ``FORBIDDEN``.
    """
    who.require(Action.READ_PAIRINGS, programme.code)
    query = select(Delivery).where(*delivered(who, programme, which))
    if states is not None:
        query = query.where(Delivery.state.in_([state.value for state in states]))
    query = query.order_by(Delivery.division, Delivery.organization_id, Delivery.effective_on, Delivery.id)
    return list(await session.scalars(query.limit(first)))


def _sum(value: Any) -> Any:
    return func.coalesce(func.sum(value), 0)


# --- what waits for whom ----------------------------------------------------------------------------------------


class Waits(StrEnum):
    """What waits for somebody to do something."""

    REGISTRATION = "registration"
    SIGNATURE = "signature"
    RELAY = "relay"
    DELIVERY = "delivery"
    PART = "part"
    DISPUTE = "dispute"
    OBSTACLE = "obstacle"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return _WAITS[self]


_WAITS = {
    Waits.REGISTRATION: Text("待核验的企业登记", "a registration to be verified"),
    Waits.SIGNATURE: Text("待签的帮扶协议", "an agreement to be signed"),
    Waits.RELAY: Text("待新企业接力的协议", "an agreement to be taken over"),
    Waits.DELIVERY: Text("待确认的帮扶投入", "a delivery to be confirmed"),
    Waits.PART: Text("待答复的部分确认", "a confirmation in part to be looked at"),
    Waits.DISPUTE: Text("待裁定的帮扶投入", "a delivery to be ruled on"),
    Waits.OBSTACLE: Text("待解决的困难问题", "an obstacle to be resolved"),
}


class Party(StrEnum):
    """For whom something waits: who helps, who is helped, or the county."""

    HELPER = "helper"
    HELPED = "helped"
    COUNTY = "county"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return _PARTIES[self]


_PARTIES = {
    Party.HELPER: Side.HELPER.title_text,
    Party.HELPED: Side.HELPED.title_text,
    Party.COUNTY: Text("县", "the county"),
}


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that waits: what, its id, of whom and for which village, since when."""

    what: Waits
    id: UUID
    organization: UUID
    division: int | None
    since: datetime


async def waiting(
    session: AsyncSession,
    who: Entered,
    programme: PairingProgramme,
    party: Party,
    first: int = MOST,
    *,
    what: Collection[Waits] | None = None,
    skip: int = 0,
) -> list[Waiting]:
    """What waits for a side, or for the county, of what is in sight: the oldest first, in one statement; some kinds of
    it, and without as many as are skipped, if that is asked for.

    Refuses ``FORBIDDEN``.
    """
    query = _waiting(who, programme, party)
    chosen = select(query).order_by(query.c.since, query.c.id).offset(skip).limit(min(first, MOST))
    if what is not None:
        chosen = chosen.where(query.c.what.in_([one.value for one in what]))
    rows = await session.execute(chosen)
    return [Waiting(Waits(row.what), row.id, row.organization_id, row.division, row.since) for row in rows]


async def waiting_counts(
    session: AsyncSession, who: Entered, programme: PairingProgramme, party: Party
) -> dict[Waits, int]:
    """How much of each kind waits for a side, or for the county, of what is in sight, in one statement.

    Refuses ``FORBIDDEN``.
    """
    query = _waiting(who, programme, party)
    rows = await session.execute(select(query.c.what, func.count()).group_by(query.c.what))
    found = {Waits(row.what): int(row[1]) for row in rows}
    return {what: found[what] for what in Waits if what in found}


def _waiting(who: Entered, programme: PairingProgramme, party: Party) -> Subquery:
    who.require(Action.READ_PAIRINGS, programme.code)
    return union_all(*(part for part in _parts(who, programme)[party])).subquery()


def _parts(who: Entered, programme: PairingProgramme) -> Mapping[Party, list[Select[Any]]]:
    return {
        Party.HELPER: [
            _unsigned(who, programme, Side.HELPER),
            _deliveries(who, programme, Waits.PART, [DeliveryState.PARTLY]),
        ],
        Party.HELPED: [
            _unsigned(who, programme, Side.HELPED),
            _deliveries(who, programme, Waits.DELIVERY, [DeliveryState.LOGGED]),
        ],
        Party.COUNTY: [
            _row(Waits.REGISTRATION, Helper, division=null()).where(
                Helper.tenant_id == who.county.id, Helper.programme == programme.code, Helper.verified_at.is_(None)
            ),
            _to_relay(who, programme),
            _deliveries(who, programme, Waits.DISPUTE, BEFORE_THE_COUNTY),
            _row(Waits.OBSTACLE, Obstacle).where(
                Obstacle.tenant_id == who.county.id,
                Obstacle.resolved_at.is_(None),
                Obstacle.agreement_id.in_(
                    select(PairingAgreement.id).where(
                        PairingAgreement.tenant_id == who.county.id, PairingAgreement.programme == programme.code
                    )
                ),
            ),
        ],
    }


def _row(what: Waits, model: Any, division: Any = None, since: Any = None) -> Select[Any]:
    return select(
        literal(what.value).label("what"),
        model.id.label("id"),
        model.organization_id.label("organization_id"),
        (model.division if division is None else division).label("division"),
        (model.recorded_at if since is None else since).label("since"),
    )


def _unsigned(who: Entered, programme: PairingProgramme, side: Side) -> Select[Any]:
    has_signed = select(AgreementSignature.agreement_id).where(
        AgreementSignature.tenant_id == who.county.id, AgreementSignature.side == side.value
    )
    return _row(Waits.SIGNATURE, PairingAgreement).where(
        PairingAgreement.tenant_id == who.county.id,
        PairingAgreement.programme == programme.code,
        PairingAgreement.signed_on.is_(None),
        PairingAgreement.ended_at.is_(None),
        PairingAgreement.id.not_in(has_signed),
    )


def _to_relay(who: Entered, programme: PairingProgramme) -> Select[Any]:
    next_one = select(PairingAgreement.takes_over).where(
        PairingAgreement.tenant_id == who.county.id,
        PairingAgreement.takes_over.is_not(None),
        or_(PairingAgreement.ended_as.is_(None), PairingAgreement.ended_as != "withdrawn"),
    )
    return _row(Waits.RELAY, PairingAgreement, since=PairingAgreement.ended_at).where(
        PairingAgreement.tenant_id == who.county.id,
        PairingAgreement.programme == programme.code,
        PairingAgreement.ended_as == "relayed",
        PairingAgreement.id.not_in(next_one),
    )


def _deliveries(who: Entered, programme: PairingProgramme, what: Waits, states: Any) -> Select[Any]:
    return _row(what, Delivery).where(
        Delivery.tenant_id == who.county.id,
        Delivery.programme == programme.code,
        Delivery.state.in_([state.value for state in states]),
    )
