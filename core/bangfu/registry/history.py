"""What is true from a day on, as far as we know now: the one way in which a dated fact is changed.

Nothing is overwritten. The rows that say otherwise for that day or later stop being known; what they said of earlier
days is said again by rows that end where the new one begins. What begins when the new fact has ended, or later than the
day of which the new one speaks, is left as it is. What was known at any earlier instant can still be read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.db import scope_of
from bangfu.db.bulk import among, insert_rows, update_all
from bangfu.models import Dated, new_id


@dataclass(frozen=True, slots=True)
class Assertion:
    """From ``valid_from`` (to before ``valid_to``) the values hold for what the key names.

    ``as_of`` is the day of which the source speaks, where it does not know of what began later.
    """

    key: Mapping[str, Any]
    values: Mapping[str, Any]
    valid_from: date
    valid_to: date | None = None
    as_of: date | None = None


async def assert_from(session: AsyncSession, model: type[Any], assertions: Sequence[Assertion], now: datetime) -> None:
    """Make dated facts hold from their days on, in three statements whatever their number.

    All assertions have the same key columns, and one a key. The rows of ``model`` are :class:`Dated`.
    """
    if not assertions:
        return
    tenant = scope_of(session).tenant
    names = tuple(assertions[0].key)
    wanted = {tuple(assertion.key.values()): assertion for assertion in assertions}
    lead = getattr(model, names[0])
    known = (
        await session.scalars(
            select(model).where(
                model.tenant_id == tenant, model.known_to.is_(None), among(lead, {key[0] for key in wanted})
            )
        )
    ).all()
    columns = [column.name for column in model.__table__.columns]
    ended, added = [], []
    ends = {key: assertion.valid_to for key, assertion in wanted.items()}
    for row in known:
        key = tuple(getattr(row, name) for name in names)
        assertion = wanted.get(key)
        if assertion is None or (row.valid_to is not None and row.valid_to <= assertion.valid_from):
            continue
        if assertion.valid_to is not None and row.valid_from >= assertion.valid_to:
            continue
        if assertion.as_of is not None and row.valid_from > assertion.as_of:
            ends[key] = min(row.valid_from, ends[key] or row.valid_from)
            continue
        ended.append(row.id)
        if row.valid_from < assertion.valid_from:
            said = {name: getattr(row, name) for name in columns}
            added.append(
                {**said, "id": new_id(), "valid_to": assertion.valid_from, "known_from": now, "known_to": None}
            )
    await update_all(session, model, ended, {"known_to": now})
    added += [
        {
            **dict.fromkeys(columns),
            "tenant_id": tenant,
            "id": new_id(),
            **assertion.key,
            **assertion.values,
            "valid_from": assertion.valid_from,
            "valid_to": ends[tuple(assertion.key.values())],
            "known_from": now,
            "known_to": None,
        }
        for assertion in assertions
    ]
    await insert_rows(session, model, added)


def holds(model: type[Dated], day: date, known_at: datetime | None = None) -> ColumnElement[bool]:
    """The condition that a dated fact holds on a day, as known now or at an earlier instant."""
    valid = (model.valid_from <= day) & or_(model.valid_to.is_(None), model.valid_to > day)
    if known_at is None:
        return valid & model.known_to.is_(None)
    return valid & (model.known_from <= known_at) & or_(model.known_to.is_(None), model.known_to > known_at)


def held(row: Any, day: date) -> bool:
    """Whether a dated fact that has been read holds on a day: the twin of :func:`holds`, for rows of many days."""
    return bool(row.valid_from <= day and (row.valid_to is None or day < row.valid_to))
