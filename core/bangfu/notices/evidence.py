"""What shows that a notice hung 公示凭据: photos and scans with day and place; and whom its readers can call."""

from __future__ import annotations

import re
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import audit, files
from bangfu.access import Action, Entered
from bangfu.db import ranges
from bangfu.db.bulk import insert_new
from bangfu.errors import Code
from bangfu.models import Notice, NoticeEvidence, Supervision, new_id
from bangfu.text import Text, day
from bangfu.vault import Vault

KINDS = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png", b"%PDF-": "application/pdf"}
"""The kinds of files that are taken, by how they begin."""
LONGEST_CONTACT = 100
_LONG_NUMBER = re.compile(r"[0-9]{11}")
_NOTICE = Text("公示", "the notice")


def kind_of(data: bytes) -> str | None:
    """The media type of a photo or a scan; None for any other file."""
    return next((kind for start, kind in KINDS.items() if data.startswith(start)), None)


async def attach(
    session: AsyncSession,
    vault: Vault,
    who: Entered,
    notice: UUID,
    name: str,
    data: bytes,
    taken_on: date,
    place: str,
    largest: int,
) -> UUID:
    """Keep a photo or a scan of a notice as it hung, behind the wall of its village; the same file again is kept once.

    Refuses ``FORBIDDEN``, ``NOT_FOUND``, ``FILE_TOO_LARGE`` above ``largest`` bytes, ``FILE_UNREADABLE`` for what is
    neither JPEG, PNG nor PDF, ``DAY_IN_FUTURE``, and ``BAD_VALUE`` for a day before the notice.
    """
    tenant = who.county.id
    row = (
        await session.execute(
            select(Notice.programme, Notice.division, Notice.first_day, Notice.place).where(
                Notice.tenant_id == tenant, Notice.id == notice
            )
        )
    ).first()
    if row is None:
        raise Code.NOT_FOUND.refuse("notice", what=_NOTICE)
    who.require(Action.KEEP_NOTICES, row.programme)
    if kind_of(data) is None:
        raise Code.FILE_UNREADABLE.refuse(
            "file", detail=Text("应为 JPEG、PNG 或 PDF", "it is neither JPEG, PNG nor PDF")
        )
    if taken_on > who.at.today:
        raise Code.DAY_IN_FUTURE.refuse("taken_on", day=day(taken_on), today=day(who.at.today))
    if taken_on < row.first_day:
        expected = Text("公示首日或以后的日期", "the first day of the notice, or a later one")
        raise Code.BAD_VALUE.refuse("taken_on", field=Text("拍摄日期", "day"), value=taken_on, expected=expected)
    village = ranges([(row.division, row.division)])
    file = await files.store(session, vault, who, name, data, largest, areas=village)
    made = {
        "tenant_id": tenant,
        "id": new_id(),
        "notice_id": notice,
        "division": row.division,
        "file_id": file,
        "taken_on": taken_on,
        "place": place.strip() or row.place,
        "officer_id": who.actor.id,
        "recorded_at": who.at.now,
    }
    if await insert_new(session, NoticeEvidence, [made], "id"):
        about = {"file": str(file), "bytes": len(data)}
        await audit.record(session, who.at.now, who.actor.id, Action.KEEP_NOTICES.value, f"notice/{notice}", about)
    same = select(NoticeEvidence.id).where(
        NoticeEvidence.tenant_id == tenant, NoticeEvidence.notice_id == notice, NoticeEvidence.file_id == file
    )
    return (await session.scalars(same)).one()


async def set_contact(session: AsyncSession, who: Entered, contact: str) -> None:
    """Say whom the county's people can call about a notice; it stands on every notice that is posted from now on.

    Refuses ``FORBIDDEN``, ``MISSING_VALUE``, and ``BAD_VALUE`` for more than 100 characters and for a number of eleven
    digits or more: that is somebody's own.
    """
    who.require(Action.SET_SUPERVISION)
    title, words = Text("监督电话", "whom to call"), " ".join(contact.split())
    if not words:
        raise Code.MISSING_VALUE.refuse("contact", field=title)
    if len(words) > LONGEST_CONTACT or _LONG_NUMBER.search(words):
        expected = Text(
            f"不超过 {LONGEST_CONTACT} 字的单位和办公电话,不得为个人手机号",
            f"an office and its telephone in at most {LONGEST_CONTACT} characters, never a person's own number",
        )
        raise Code.BAD_VALUE.refuse("contact", field=title, value=f"{words[:3]}……", expected=expected)
    values = {"contact": words, "set_by": who.actor.id, "set_at": who.at.now}
    put = insert(Supervision).values(tenant_id=who.county.id, **values)
    await session.execute(put.on_conflict_do_update(index_elements=["tenant_id"], set_=values))
    await audit.record(session, who.at.now, who.actor.id, Action.SET_SUPERVISION.value, "supervision", {})
