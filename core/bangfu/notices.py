"""公示: what was published where, for how long, and the objections it met.

A notice holds only the columns its programme allows, frozen as posted. Which case may be posted, and what an objection
does to it, is for ``cases``; here it is written down, read and printed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Action, Entered
from bangfu.db.bulk import among, insert_rows
from bangfu.disclosure import need_reason, record_export
from bangfu.documents.writing import Sheet, SheetColumn, workbook
from bangfu.errors import Code
from bangfu.models import Membership, Notice, NoticeEntry, Objection, Person, new_id
from bangfu.process import Notice as NoticeStage
from bangfu.programme import NOTICE_COLUMNS, Programme
from bangfu.registry.divisions import Places
from bangfu.registry.known import HEAD
from bangfu.text import Text, day

_PERSONAL = ("beneficiary",)


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
    programme: str,
    period: str,
    place: str,
    posted: Sequence[Posted],
    shown: Sequence[Shown],
) -> None:
    """Write down notices, posted by an officer, and what they show, in two statements."""
    common = {"tenant_id": who.county.id}
    await insert_rows(
        session,
        Notice,
        [
            {
                **common,
                "id": notice.id,
                "programme": programme,
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
    positions: dict[UUID, int] = {}
    entries = []
    for entry in shown:
        positions[entry.notice] = positions.get(entry.notice, 0) + 1
        entries.append(
            {
                **common,
                "id": new_id(),
                "notice_id": entry.notice,
                "case_id": entry.case,
                "division": entry.division,
                "position": positions[entry.notice],
                "shown": dict(entry.values),
            }
        )
    await insert_rows(session, NoticeEntry, entries)


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


async def standing(session: AsyncSession, who: Entered, programme: str, period: str) -> list[Posted]:
    """The notices in sight, by village and first day."""
    rows = await session.execute(
        select(Notice.id, Notice.division, Notice.first_day, Notice.last_day)
        .where(Notice.tenant_id == who.county.id, Notice.programme == programme, Notice.period == period)
        .order_by(Notice.division, Notice.first_day)
    )
    return [Posted(*row) for row in rows.all()]


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
                f"{village}{notice.period}年度{programme.title.zh}公示",
                headers,
                [(entry.position, *(entry.shown[name] for name in names)) for entry in entries],
                above=[
                    f"公示时间:{day(notice.first_day).zh}至{day(notice.last_day).zh}    "
                    f"公示地点:{notice.place or village}"
                ],
                below=["公示期内如有异议,请向村民委员会或乡镇人民政府反映。", "村民委员会(盖章):"],
            )
        ]
    )
