"""The county's working days: the published calendar, and the county's own entries over it."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import audit
from bangfu.access import Action, Entered
from bangfu.calendar import WorkingDays
from bangfu.errors import Code
from bangfu.models import CalendarDay


async def working_days(session: AsyncSession, tenant: int) -> WorkingDays:
    """The county's calendar: the published one under its own entries."""
    rows = await session.execute(select(CalendarDay.day, CalendarDay.worked).where(CalendarDay.tenant_id == tenant))
    return WorkingDays({row.day: row.worked for row in rows})


async def set_working_day(session: AsyncSession, who: Entered, day: date, worked: bool, note: str) -> None:
    """Enter whether a day is worked; ``note`` names the document that says so.

    Notices already posted keep the last day that they were posted with. Refuses ``FORBIDDEN`` and ``REASON_NEEDED``.
    """
    who.require(Action.SET_CALENDAR)
    if not note.strip():
        raise Code.REASON_NEEDED.refuse("note")
    entry = insert(CalendarDay).values(tenant_id=who.county.id, day=day, worked=worked, note=note)
    await session.execute(
        entry.on_conflict_do_update(index_elements=["tenant_id", "day"], set_={"worked": worked, "note": note})
    )
    await audit.record(
        session,
        who.at.now,
        who.actor.id,
        Action.SET_CALENDAR.value,
        f"day/{day}",
        {"worked": worked, "note": note},
    )
