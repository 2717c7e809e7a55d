"""Files, found again by their content: the same file by the same office is kept once. Sealed, because workbooks hold
identity numbers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range, insert
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Entered
from bangfu.errors import Code
from bangfu.models import File, new_id
from bangfu.text import Text
from bangfu.vault import Vault

_PLACE = "file.content"


@dataclass(frozen=True, slots=True)
class Content:
    """A file with its content."""

    id: UUID
    name: str
    data: bytes


async def store(
    session: AsyncSession,
    vault: Vault,
    who: Entered,
    name: str,
    data: bytes,
    largest: int,
    *,
    areas: list[Range[int]] | None = None,
) -> UUID:
    """Keep a file behind the wall of the actor's areas, or of some within them; the id of the one there is, if it is
    kept already.

    Refuses ``FILE_TOO_LARGE`` above ``largest`` bytes.
    """
    if len(data) > largest:
        raise Code.FILE_TOO_LARGE.refuse("file", size=_size(len(data)), limit=_size(largest))
    digest = hashlib.sha256(data).hexdigest()
    areas = who.areas if areas is None else areas
    same = (
        File.tenant_id == who.county.id,
        File.sha256 == digest,
        File.name == name,
        File.areas == areas,
        File.officer_id == who.actor.id,
    )
    found: UUID | None = await session.scalar(select(File.id).where(*same))
    if found is not None:
        return found
    values = {
        "tenant_id": who.county.id,
        "id": new_id(),
        "sha256": digest,
        "name": name,
        "size": len(data),
        "content": vault.seal(data, _PLACE, who.county.id),
        "areas": areas,
        "officer_id": who.actor.id,
        "created_at": who.at.now,
    }
    await session.execute(insert(File).values(values).on_conflict_do_nothing())
    return (await session.scalars(select(File.id).where(*same))).one()


async def fetch(session: AsyncSession, vault: Vault, tenant: int, id: UUID) -> Content:
    """A file with its content; refuses ``NOT_FOUND``, also for one behind somebody else's wall."""
    row = (
        await session.execute(select(File.name, File.content).where(File.tenant_id == tenant, File.id == id))
    ).first()
    if row is None:
        raise Code.NOT_FOUND.refuse("file", what=Text("文件", "the file"))
    return Content(id, row.name, vault.open_bytes(row.content, _PLACE, tenant))


def _size(count: int) -> str:
    return f"{count / 1024 / 1024:.1f} MB"
