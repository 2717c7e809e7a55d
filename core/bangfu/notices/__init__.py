"""公示: what was published where, for how long, and the objections it met.

A notice holds only the columns its programme allows, frozen as posted. Which case may be posted, and what an objection
does to it, is for ``cases``; here it is written down, read and printed. ``publication`` is what the public see of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, insert, not_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Action, Entered
from bangfu.db.bulk import among, insert_rows
from bangfu.disclosure import need_reason, record_export
from bangfu.documents.writing import Sheet, SheetColumn, workbook
from bangfu.errors import Code
from bangfu.models import (
    Membership,
    Notice,
    NoticeEntry,
    NoticeEvidence,
    Objection,
    Person,
    Publication,
    PublicObjection,
    new_id,
)
from bangfu.notices.publication import make_public, pending_cases, pending_objections, withdraw
from bangfu.process import Notice as NoticeStage
from bangfu.programme import NOTICE_COLUMNS, Programme
from bangfu.registry.divisions import Places
from bangfu.registry.known import HEAD
from bangfu.text import Text, day

__all__ = [
    "NoticeState", "Posted", "Shown", "Standing", "heads", "in_state", "listing", "next_day", "object_to",
    "pending_cases", "pending_objections", "publish", "settle", "sheet", "state_of", "unsettled", "unshown", "withdraw",
]  # fmt: skip

_PERSONAL = frozenset({"beneficiary", "address", "school", "grade"})


@dataclass(frozen=True, slots=True)
class Posted:
    """A notice in one village, from its first to its last full day."""

    id: UUID
    division: int
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Shown:
    """What a notice shows of one case; an amount is in fen."""

    notice: UUID
    case: UUID
    division: int
    values: Mapping[str, Any]


async def heads(session: AsyncSession, tenant: int, households: Sequence[UUID]) -> dict[UUID, str]:
    """The name of each household's head, in one statement."""
    rows = await session.execute(
        select(Membership.household_id, Person.name)
        .join(Person, (Person.tenant_id == Membership.tenant_id) & (Person.id == Membership.person_id))
        .where(
            Membership.tenant_id == tenant,
            among(Membership.household_id, households),
            Membership.relation == HEAD,
            Membership.known_to.is_(None),
            Membership.valid_to.is_(None),
        )
    )
    return {row.household_id: row.name for row in rows}


async def publish(
    session: AsyncSession,
    who: Entered,
    by: UUID,
    programme: Programme,
    period: str,
    place: str,
    posted: Sequence[Posted],
    shown: Sequence[Shown],
) -> None:
    """Write down notices, posted by an officer, what they show, and what the public see of it; the number of statements
    does not grow with theirs."""
    if not posted:
        return
    common = {"tenant_id": who.county.id}
    await insert_rows(
        session,
        Notice,
        [
            {
                **common,
                "id": notice.id,
                "programme": programme.code,
                "period": period,
                "division": notice.division,
                "first_day": notice.first,
                "last_day": notice.last,
                "place": place,
                "officer_id": by,
                "recorded_at": who.at.now,
            }
            for notice in posted
        ],
    )
    public: dict[UUID, list[tuple[UUID, Mapping[str, Any]]]] = {notice.id: [] for notice in posted}
    entries = []
    for entry in shown:
        public[entry.notice].append((entry.case, entry.values))
        entries.append(
            {
                **common,
                "id": new_id(),
                "notice_id": entry.notice,
                "case_id": entry.case,
                "division": entry.division,
                "position": len(public[entry.notice]),
                "shown": dict(entry.values),
            }
        )
    await insert_rows(session, NoticeEntry, entries)
    await make_public(session, who, programme, period, place, posted, public)


async def object_to(
    session: AsyncSession,
    who: Entered,
    by: UUID,
    notice: UUID,
    case: UUID,
    division: int,
    words: str,
    objector: str,
    made_on: date,
) -> None:
    """Write down an objection that an officer took."""
    await session.execute(
        insert(Objection).values(
            tenant_id=who.county.id,
            id=new_id(),
            notice_id=notice,
            case_id=case,
            division=division,
            words=words,
            objector=objector,
            made_on=made_on,
            taken_by=by,
            recorded_at=who.at.now,
            finding="",
        )
    )


async def settle(
    session: AsyncSession, who: Entered, by: UUID, case: UUID, upheld: bool, finding: str, settled_on: date
) -> None:
    """Write down how an officer settled the open objections against a case."""
    await session.execute(
        update(Objection)
        .where(Objection.tenant_id == who.county.id, Objection.case_id == case, Objection.settled_at.is_(None))
        .values(
            settled_on=settled_on,
            upheld=upheld,
            finding=finding,
            settled_by=by,
            settled_at=who.at.now,
        )
    )


# --- how notices stand ----------------------------------------------------------------------------------------


class NoticeState(StrEnum):
    """How a notice stands on a day."""

    PLANNED = "planned"
    OPEN = "open"
    CLOSED = "closed"
    OBJECTED = "objected"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return _STATES[self]


_STATES = {
    NoticeState.PLANNED: Text("未到公示期", "not open yet"),
    NoticeState.OPEN: Text("公示中", "open"),
    NoticeState.CLOSED: Text("公示期满", "closed"),
    NoticeState.OBJECTED: Text("公示期满,有未处理的异议", "closed, with objections that are not settled"),
}


def state_of(first: date, last: date, objected: bool, today: date) -> NoticeState:
    """How a notice stands today; ``objected`` is whether an objection against one of its entries is open."""
    if today < first:
        return NoticeState.PLANNED
    if today <= last:
        return NoticeState.OPEN
    return NoticeState.OBJECTED if objected else NoticeState.CLOSED


def next_day(last: date) -> date:
    """The first day on which the next step is possible: the day after the last full day."""
    return last + timedelta(days=1)


def unsettled(tenant: int) -> ColumnElement[bool]:
    """The condition that an objection against an entry of a notice is open, taken by an officer or handed in by the
    public."""
    taken = select(Objection.id).where(
        Objection.tenant_id == tenant, Objection.notice_id == Notice.id, Objection.settled_at.is_(None)
    )
    handed_in = (
        select(PublicObjection.id)
        .join(Publication, (Publication.tenant_id == tenant) & (Publication.id == PublicObjection.publication_id))
        .where(
            PublicObjection.tenant_id == tenant,
            Publication.notice_id == Notice.id,
            PublicObjection.decided_at.is_(None),
        )
    )
    return or_(exists(taken.correlate(Notice)), exists(handed_in.correlate(Notice)))


def in_state(tenant: int, state: NoticeState, today: date) -> ColumnElement[bool]:
    """The condition that a notice stands so today."""
    match state:
        case NoticeState.PLANNED:
            return Notice.first_day > today
        case NoticeState.OPEN:
            return and_(Notice.first_day <= today, Notice.last_day >= today)
        case NoticeState.CLOSED:
            return and_(Notice.last_day < today, not_(unsettled(tenant)))
        case NoticeState.OBJECTED:
            return and_(Notice.last_day < today, unsettled(tenant))


def unshown(tenant: int) -> ColumnElement[bool]:
    """The condition that nobody has shown yet that a notice hung: 公示未上传凭据."""
    own = select(NoticeEvidence.id).where(NoticeEvidence.tenant_id == tenant, NoticeEvidence.notice_id == Notice.id)
    return not_(exists(own.correlate(Notice)))


@dataclass(frozen=True, slots=True)
class Standing:
    """A notice, how it stands, the end of its public address, and whether its posting lacks evidence."""

    id: UUID
    division: int
    first: date
    last: date
    state: NoticeState
    slug: str
    lacks_evidence: bool


async def listing(
    session: AsyncSession,
    who: Entered,
    programme: str,
    period: str,
    state: NoticeState | None = None,
    *,
    lacking_evidence: bool = False,
) -> list[Standing]:
    """The notices in sight, by village and first day, in one statement."""
    tenant, today = who.county.id, who.at.today
    objected, unseen = unsettled(tenant), unshown(tenant)
    query = (
        select(
            Notice.id,
            Notice.division,
            Notice.first_day,
            Notice.last_day,
            objected.label("objected"),
            Publication.slug,
            unseen.label("unshown"),
        )
        .outerjoin(Publication, (Publication.tenant_id == tenant) & (Publication.notice_id == Notice.id))
        .where(Notice.tenant_id == tenant, Notice.programme == programme, Notice.period == period)
        .order_by(Notice.division, Notice.first_day, Notice.id)
    )
    if state is not None:
        query = query.where(in_state(tenant, state, today))
    if lacking_evidence:
        query = query.where(unseen)
    return [
        Standing(
            row.id,
            row.division,
            row.first_day,
            row.last_day,
            state_of(row.first_day, row.last_day, row.objected, today),
            row.slug or "",
            row.unshown,
        )
        for row in await session.execute(query)
    ]


async def sheet(session: AsyncSession, who: Entered, programme: Programme, id: UUID, reason: str) -> bytes:
    """A notice as a workbook to print and hang up; refuses ``FORBIDDEN``, ``REASON_NEEDED`` and ``NOT_FOUND``."""
    who.require(Action.EXPORT_NOTICE, programme.code, programme.process.first(NoticeStage).code)
    need_reason(reason)
    notice = await session.scalar(select(Notice).where(Notice.tenant_id == who.county.id, Notice.id == id))
    if notice is None or notice.programme != programme.code:
        raise Code.NOT_FOUND.refuse("notice", what=Text("公示", "the notice"))
    entries = (
        await session.scalars(
            select(NoticeEntry)
            .where(NoticeEntry.tenant_id == who.county.id, NoticeEntry.notice_id == id)
            .order_by(NoticeEntry.position)
        )
    ).all()
    evidence = (
        await session.execute(
            select(NoticeEvidence.taken_on, NoticeEvidence.place)
            .where(NoticeEvidence.tenant_id == who.county.id, NoticeEvidence.notice_id == id)
            .order_by(NoticeEvidence.taken_on, NoticeEvidence.id)
        )
    ).all()
    shown = ";".join(f"{day(row.taken_on).zh} {row.place}".strip() for row in evidence) or "未上传"
    places = await Places.on(session, who.at.today)
    village = f"{places.township(notice.division)}{places.named(notice.division)}"
    names = programme.process.first(NoticeStage).columns
    headers = [SheetColumn("序号", "integer")]
    headers += [SheetColumn(NOTICE_COLUMNS[name].zh, "money" if name == "amount" else "text") for name in names]
    personal = [name for name in names if name in _PERSONAL]
    await record_export(session, who, Action.EXPORT_NOTICE, f"notice/{id}", reason, len(entries), personal)
    return workbook(
        [
            Sheet(
                "公示",
                f"{village}{programme.period.period(notice.period).title.zh}{programme.title.zh}公示",
                headers,
                [(entry.position, *(entry.shown[name] for name in names)) for entry in entries],
                above=[
                    f"公示时间:{day(notice.first_day).zh}至{day(notice.last_day).zh}    "
                    f"公示地点:{notice.place or village}"
                ],
                below=[
                    "公示期内如有异议,请向村民委员会或乡镇人民政府反映。",
                    f"公示凭据:{shown}",
                    "村民委员会(盖章):",
                ],
            )
        ]
    )
