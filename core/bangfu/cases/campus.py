"""校园公示: what a school of the county hangs up of its own students, beside the notice in their villages.

A student is of the school that he went to on the first day of his notice. The school's sheet shows what the notices of
the villages show, no more, and is there as long as they stand.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Action, Entered
from bangfu.cases.ground import Ground
from bangfu.disclosure import record_export
from bangfu.documents.posters import Poster
from bangfu.errors import Code
from bangfu.models import Case, Notice, NoticeEntry, Organization, Schooling, Supervision
from bangfu.notices.publication import columns_of, common_rate, heading, in_table, titled
from bangfu.text import Text, day

PLACE = "校园公告栏"


async def poster_of(session: AsyncSession, who: Entered, ground: Ground, credit_code: str, reason: str) -> Poster:
    """The poster of a school, by its credit code, of its students who are on notice today; on record, with the reason.

    Refuses ``FORBIDDEN``, ``REASON_NEEDED``, and ``NOT_FOUND`` for a school that is none or has nobody on notice.
    """
    who.require(Action.EXPORT_NOTICE, ground.programme.code)
    school = await session.scalar(
        select(Organization).where(
            Organization.tenant_id == who.county.id, Organization.credit_code == credit_code.strip().upper()
        )
    )
    rows = [] if school is None else await _entries(session, who, ground, school.id, who.at.today)
    if school is None or not rows:
        raise Code.NOT_FOUND.refuse("school", what=Text("该校公示中的学生", "students of the school who are on notice"))
    columns = columns_of(rows[0].shown)
    common = common_rate(columns, [row.shown for row in rows])
    contact = await session.scalar(select(Supervision.contact).where(Supervision.tenant_id == who.county.id))
    about = f"organization/{school.id}"
    named = [name for name in ("beneficiary",) if name in columns]
    await record_export(session, who, Action.EXPORT_NOTICE, about, reason, len(rows), named)
    return Poster(
        titled(school.name, ground.period.title, ground.programme.title),
        who.county.name,
        school.name,
        day(min(row.first_day for row in rows)),
        day(max(row.last_day for row in rows)),
        PLACE,
        contact or "",
        common,
        [(name, heading(name)) for name in in_table(columns, common)],
        [(number, {name: row.shown[name] for name in columns}) for number, row in enumerate(rows, 1)],
        ground.programme.beneficiary.counted,
        Text(f"{school.name}或县级主管部门", "the school or the county office in charge"),
    )


async def _entries(session: AsyncSession, who: Entered, ground: Ground, school: UUID, today: date) -> Sequence[Any]:
    """What the notices that stand today show of a school's students, by village and number, in one statement."""
    tenant = who.county.id
    query = (
        select(NoticeEntry.shown, Notice.first_day, Notice.last_day)
        .join(Notice, and_(Notice.tenant_id == tenant, Notice.id == NoticeEntry.notice_id))
        # Whose case went back, or stands on a newer notice, is on this one no more.
        .join(Case, and_(Case.tenant_id == tenant, Case.id == NoticeEntry.case_id, Case.notice_id == Notice.id))
        .join(
            Schooling,
            and_(
                Schooling.tenant_id == tenant,
                Schooling.person_id == Case.person_id,
                Schooling.organization_id == school,
                Schooling.known_to.is_(None),
                Schooling.valid_from <= Notice.first_day,
                or_(Schooling.valid_to.is_(None), Schooling.valid_to > Notice.first_day),
            ),
        )
        .where(
            NoticeEntry.tenant_id == tenant,
            Case.programme == ground.programme.code,
            Case.period == ground.period.key,
            func.daterange(Notice.first_day, Notice.last_day, "[]").op("@>")(today),
        )
        .order_by(Case.division, Case.number)
    )
    return (await session.execute(query)).all()
