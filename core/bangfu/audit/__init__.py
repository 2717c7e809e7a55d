"""Who did, read or exported what, when and why: written in the same transaction as the thing itself, and never
changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.db import ranges, scope_of
from bangfu.models import AuditEntry, new_id


async def record(
    session: AsyncSession,
    at: datetime,
    officer: UUID,
    action: str,
    object: str,
    data: Mapping[str, Any],
    reason: str = "",
) -> None:
    """Add one entry. ``data`` holds counts, ids and digests, never personal data."""
    await record_each(session, at, officer, action, [(object, data)], reason)


async def record_each(
    session: AsyncSession,
    at: datetime,
    officer: UUID,
    action: str,
    objects: Sequence[tuple[str, Mapping[str, Any]]],
    reason: str = "",
) -> None:
    """Add one entry for each of some objects, with its own data, in one statement."""
    scope = scope_of(session)
    rows = [
        {
            "tenant_id": scope.tenant,
            "id": new_id(),
            "at": at,
            "officer_id": officer,
            "action": action,
            "object": what,
            "reason": reason,
            "data": dict(data),
            "areas": ranges(scope.own),
        }
        for what, data in objects
    ]
    if rows:
        await session.execute(insert(AuditEntry), rows)
