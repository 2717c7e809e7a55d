"""What leaves the house in clear: exports, and single numbers that somebody asks to see in full.

Each needs its permission and a reason, and is written into the audit record in the same transaction: who, what, how
many rows, which columns with personal data, and why. The record names what was seen, and never holds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import audit
from bangfu.access import Action, Entered, duties_that_may
from bangfu.audit import chain
from bangfu.db import Database
from bangfu.errors import Code
from bangfu.process import duty_names

SHORTEST_REASON = 4
"""Characters of a reason; a village and a purpose fit into as many."""


def need_reason(reason: str) -> str:
    """A reason as it is kept; refuses ``REASON_NEEDED`` for one that says nothing."""
    stated = " ".join(reason.split())
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
