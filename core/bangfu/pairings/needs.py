"""What villages need 帮扶需求, by path: stated by the village, seen by everybody in office and by whoever may help."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import audit
from bangfu.access import Action, Entered
from bangfu.cases.charges import Acting, found, need_text
from bangfu.cases.views import Stated
from bangfu.db.bulk import update_all
from bangfu.errors import Code
from bangfu.models import Need, new_id
from bangfu.programme import PairingAct, PairingProgramme
from bangfu.registry.divisions import VILLAGE, Places
from bangfu.text import Text, join

WHAT = Text("帮扶需求", "the need")


class Closed(StrEnum):
    """As what a need is closed."""

    CHANGED = "changed"
    MET = "met"
    WITHDRAWN = "withdrawn"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return _CLOSED[self]


_CLOSED = {
    Closed.CHANGED: Text("已变更", "changed"),
    Closed.MET: Text("已满足", "met"),
    Closed.WITHDRAWN: Text("已撤回", "withdrawn"),
}


async def state(
    session: AsyncSession,
    who: Entered,
    programme: PairingProgramme,
    division: int,
    path: str,
    what: str,
    stated: Stated,
    *,
    replaces: UUID | None = None,
) -> UUID:
    """State what a village needs, or state it anew in the place of an open need of the same village.

    Refuses ``FORBIDDEN``, ``PROGRAMME_OFF``, ``NOT_YOUR_DUTY``, what is wrong with the day, ``BAD_VALUE`` for what is
    no village or no path, ``MISSING_VALUE``, and for what is replaced ``NOT_FOUND`` and ``CONFLICT`` if it is closed.
    """
    acting = await Acting.of(session, who, programme, PairingAct.STATE_NEED)
    columns = acting.by(stated, division=division)
    await require_village(session, who, division)
    require_path(programme, path)
    said = need_text(what, "what", Text("需求内容", "what is needed"))
    made = new_id()
    if replaces is not None:
        await _close(session, who, programme, replaces, Closed.CHANGED, stated, columns, division)
    values = {"programme": programme.code, "division": division, "path": path, "what": said, "replaces": replaces}
    await session.execute(insert(Need).values(tenant_id=who.county.id, id=made, reason="", **values, **columns))
    await _audit(session, who, made, programme, "stated")
    return made


async def close(
    session: AsyncSession, who: Entered, programme: PairingProgramme, id: UUID, as_: Closed, stated: Stated
) -> None:
    """Close a need that is met, or withdraw it with the reason.

    Refuses ``FORBIDDEN``, ``PROGRAMME_OFF``, ``NOT_YOUR_DUTY``, what is wrong with the day, ``NOT_FOUND``,
    ``REASON_NEEDED``, and ``CONFLICT`` if it is closed.
    """
    acting = await Acting.of(session, who, programme, PairingAct.STATE_NEED)
    if as_ is Closed.WITHDRAWN and not stated.reason.strip():
        raise Code.REASON_NEEDED.refuse("reason")
    row = (await found(session, who, Need, [id])).get(id)
    if row is None or row.programme != programme.code:
        raise Code.NOT_FOUND.refuse("id", what=WHAT)
    columns = acting.by(stated, division=row.division)
    await _close(session, who, programme, id, as_, stated, columns, row.division)
    await _audit(session, who, id, programme, as_.value)


async def _close(
    session: AsyncSession,
    who: Entered,
    programme: PairingProgramme,
    id: UUID,
    as_: Closed,
    stated: Stated,
    columns: dict[str, object],
    division: int,
) -> None:
    row: Need | None = (await found(session, who, Need, [id])).get(id)
    if row is None or (row.programme, row.division) != (programme.code, division):
        raise Code.NOT_FOUND.refuse("id", what=WHAT)
    closed = {
        "closed_as": as_.value, "closed_by": columns["officer_id"], "closed_on": columns["effective_on"],
        "closed_at": who.at.now, "reason": stated.reason,
    }  # fmt: skip
    # The wall lets nobody change what is closed: of two, the second changes nothing.
    if row.closed_at is not None or not await update_all(session, Need, [id], closed):
        raise Code.CONFLICT.refuse("id")


async def require_village(session: AsyncSession, who: Entered, division: int) -> bool | None:
    """Refuse ``BAD_VALUE`` for what is no village of the county today; whether it is a poor one."""
    place = (await Places.on(session, who.at.today)).by_code.get(division)
    if place is None or place.level != VILLAGE:
        expected = Text("村的 12 位代码", "the 12-digit code of a village")
        raise Code.BAD_VALUE.refuse("division", field=Text("村编码", "the village"), value=division, expected=expected)
    return place.poor


def require_path(programme: PairingProgramme, path: str) -> None:
    """Refuse ``BAD_VALUE`` for what is no path of the programme."""
    if programme.path(path) is None:
        known = join([one.title for one in programme.paths])
        raise Code.BAD_VALUE.refuse("path", field=Text("帮扶途径", "path"), value=path, expected=known)


async def _audit(session: AsyncSession, who: Entered, id: UUID, programme: PairingProgramme, done: str) -> None:
    data = {"programme": programme.code, "done": done}
    await audit.record(session, who.at.now, who.actor.id, Action.STATE_NEEDS.value, f"need/{id}", data)
