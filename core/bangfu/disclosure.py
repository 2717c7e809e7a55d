"""What leaves the house in clear: exports, and single numbers that somebody asks to see in full.

Each needs its permission and a reason, and is written into the audit record in the same transaction: who, what, how
many rows, which columns with personal data, and why. The record names what was seen, and never holds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import audit
from bangfu.access import Action, Entered, duties_that_may
from bangfu.audit import chain
from bangfu.db import Database, hold
from bangfu.errors import Code
from bangfu.models import Account, AuditEntry, Person
from bangfu.process import duty_names
from bangfu.text import Text, printable
from bangfu.vault import Vault

SHORTEST_REASON = 2
"""Characters of a reason: one word of Chinese."""


def need_reason(reason: str) -> str:
    """A reason as it is kept, numbers in it masked; refuses ``REASON_NEEDED`` for one that says nothing."""
    stated = printable(" ".join(reason.split()))
    if len(stated) < SHORTEST_REASON:
        raise Code.REASON_NEEDED.refuse("reason")
    return stated


async def record_export(
    session: AsyncSession,
    who: Entered,
    action: Action,
    object: str,
    reason: str,
    rows: int,
    personal: Sequence[str],
    **figures: Any,
) -> None:
    """Put an export on record: of what, how many rows, which columns hold personal data, and why.

    Refuses ``REASON_NEEDED``.
    """
    data = {**figures, "rows": rows, "personal": list(personal)}
    await audit.record(session, who.at.now, who.actor.id, action.value, object, data, need_reason(reason))


# --- one number in full ---------------------------------------------------------------------------------------


class Number(StrEnum):
    """What can be seen in full, one at a time."""

    IDENTITY = "identity"
    PHONE = "phone"
    ACCOUNT = "account"


_COLUMNS: dict[Number, Any] = {
    Number.IDENTITY: Person.identity,
    Number.PHONE: Person.phone,
    Number.ACCOUNT: Account.number,
}


async def reveal(
    session: AsyncSession,
    vault: Vault,
    who: Entered,
    number: Number,
    id: UUID,
    reason: str,
    clock: datetime,
    most: tuple[int, int],
) -> str:
    """A number in full: of the person, or of the account, with an id. ``clock`` is the real instant, ``most`` how many
    an officer may see in an hour and in a day.

    That it was seen is on record in the same transaction, with the reason and without the number. Refuses
    ``FORBIDDEN``, ``REASON_NEEDED``, ``TOO_MANY``, and ``NOT_FOUND`` for what is not in sight or holds no such number.
    """
    who.require(Action.UNMASK)
    stated = need_reason(reason)
    await _within_limits(session, who, clock, most)
    column = _COLUMNS[number]
    tenant, model = who.county.id, column.class_
    sealed = await session.scalar(select(column).where(model.tenant_id == tenant, model.id == id))
    if sealed is None:
        raise Code.NOT_FOUND.refuse("id", what=Text("号码", "the number"))
    data = {"number": number.value}
    about = f"{model.__tablename__}/{id}"
    await audit.record(session, who.at.now, who.actor.id, Action.UNMASK.value, about, data, stated)
    return vault.reveal(sealed, f"{model.__tablename__}.{column.key}", tenant)


async def _within_limits(session: AsyncSession, who: Entered, clock: datetime, most: tuple[int, int]) -> None:
    """Refuse ``TOO_MANY`` above what an officer may see. Of two requests at once, the second counts the first.

    Entries are counted by the real instant that their ids were made at, not by the moment of their county.
    """
    await hold(session, f"unmask/{who.actor.id}")
    for hours, limit in zip((1, 24), most, strict=True):
        seen = await session.scalar(
            select(func.count()).where(
                AuditEntry.tenant_id == who.county.id,
                AuditEntry.officer_id == who.actor.id,
                AuditEntry.action == Action.UNMASK.value,
                AuditEntry.id >= chain.lowest_id(clock - timedelta(hours=hours)),
            )
        )
        if (seen or 0) >= limit:
            raise Code.TOO_MANY.refuse("id", hours=hours, limit=limit)


# --- the audit record -----------------------------------------------------------------------------------------


async def audit_record(database: Database, who: Entered, reason: str, clock: datetime) -> bytes:
    """The sealed audit record of the county as JSON lines, its links and digests with it. ``clock`` is the real
    instant.

    What waits is sealed first, the record of this export among it. It is whole or nothing, so it is for who has the
    whole county in sight. Refuses ``FORBIDDEN`` and ``REASON_NEEDED``.
    """
    who.require(Action.EXPORT_AUDIT)
    lo, hi = who.county.area
    if not any(low <= lo and hi <= high for low, high in who.scope.areas):
        action = Action.EXPORT_AUDIT
        raise Code.FORBIDDEN.refuse(action=action.title_text, duties=duty_names(duties_that_may(action)))
    tenant = who.county.id
    need_reason(reason)
    await chain.seal(database, tenant, clock)
    async with database.session(who.scope) as session:
        end = await chain.head(session, tenant)
        await record_export(session, who, Action.EXPORT_AUDIT, f"audit/{end.number}", reason, end.number, ["officer"])
    await chain.seal(database, tenant, clock)
    lines = []
    async with database.session(chain.whole(tenant), reading=True) as session:
        lines.append(chain.dumped(who.county.code, await chain.head(session, tenant)))
        async for part in chain.links(session, tenant):
            lines.extend(chain.dumped_link(link) for link in part)
    return "".join(lines).encode()
