"""The chain that the audit record is sealed with 审计链: nobody can change, remove or slip in an entry unnoticed, not
even who owns the database.

Entries are written by everybody in their own transactions, and never wait for each other. The sealer comes after them:
it takes every committed entry that has no link yet and gives it the next number and a digest over the digest before,
the number, the instant and every field of the entry. The order of the chain is that of sealing, not of time: who
commits late is sealed late. Two sealers of one county never wait for each other; the second leaves it to the first.

Whoever can write to the database can make a whole new chain. So the head (number and digest of the last link) is
written down elsewhere from time to time; :func:`verify` proves that the chain still leads through it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Select, exists, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.db import Database, Scope
from bangfu.db.bulk import insert_rows
from bangfu.models import AuditEntry, AuditLink
from bangfu.text import Text

GENESIS = bytes(32)
"""What stands before the first link."""
PROMPT = timedelta(minutes=1)
"""How long an entry may wait for its link where a worker runs."""
PART = 5_000
_HELD = timedelta(days=1)
"""No transaction stays open so long: what is older than that before the last link needs no looking for. Who verifies
looks for it all the same."""
_LOCK = 5_318_009


def whole(tenant: int) -> Scope:
    """The scope of the sealer: every entry of one county, and its chain."""
    return Scope.whole(tenant)


# --- what a digest is of --------------------------------------------------------------------------------------


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def plain(entry: AuditEntry) -> dict[str, Any]:
    """An entry as JSON holds it, the same for ever: what its digest is of, and what an export says."""
    return {
        "tenant": entry.tenant_id,
        "id": str(entry.id),
        "at": _instant(entry.at),
        "officer": str(entry.officer_id),
        "action": entry.action,
        "object": entry.object,
        "reason": entry.reason,
        "data": entry.data,
        # A multirange of whole numbers is kept with its upper ends excluded.
        "areas": [[area.lower, None if area.upper is None else area.upper - 1] for area in entry.areas],
    }


_FIELDS = ("tenant", "id", "at", "officer", "action", "object", "reason", "data", "areas")


def digest_of(previous: bytes, number: int, sealed_at: str, entry: Mapping[str, Any]) -> bytes:
    """The digest of a link: SHA-256 over the digest before and each field, with its length before it, so that nothing
    can be moved from one field into the next."""
    parts = [number, sealed_at, *(entry[name] for name in _FIELDS)]
    made = hashlib.sha256(previous)
    for part in parts:
        data = json.dumps(part, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
        made.update(len(data).to_bytes(8, "big"))
        made.update(data)
    return made.digest()


@dataclass(frozen=True, slots=True)
class Link:
    """A link with the entry that it seals; None where the entry is gone."""

    number: int
    digest: bytes
    sealed_at: str
    entry_id: str
    entry: Mapping[str, Any] | None

    def fits(self, previous: bytes, number: int, digest: bytes | None = None) -> bool:
        """Whether it is what comes at a number after a digest."""
        own = self.digest if digest is None else digest
        return self.entry is not None and digest_of(previous, number, self.sealed_at, self.entry) == own


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain: the number of the last link, its digest, and when it was made; 0 where there is none."""

    number: int
    digest: bytes
    sealed_at: datetime | None

    def __str__(self) -> str:
        return f"{self.number}:{self.digest.hex()}"

    @classmethod
    def parse(cls, text: str) -> Head:
        """Read a head as it was written down, ``number:digest``; ValueError for anything else."""
        number, mark, digest = text.strip().partition(":")
        if not (mark and number.isascii() and number.isdigit() and len(digest) == 2 * len(GENESIS)):
            raise ValueError("a head is a number, a colon and 64 hexadecimal digits")
        return cls(int(number), bytes.fromhex(digest), None)


# --- sealing --------------------------------------------------------------------------------------------------


def lowest_id(at: datetime) -> UUID:
    """The lowest id that can have been made at an instant."""
    return UUID(int=int(at.timestamp() * 1000) << 80)


def made_at(id: UUID) -> datetime:
    """When the id of an entry was made, by the real clock; the entry says when it was in its county."""
    return datetime.fromtimestamp((id.int >> 80) / 1000, UTC)


async def head(session: AsyncSession, tenant: int) -> Head:
    """The end of a county's chain."""
    query = select(AuditLink.number, AuditLink.digest, AuditLink.sealed_at).where(AuditLink.tenant_id == tenant)
    row = (await session.execute(query.order_by(AuditLink.number.desc()).limit(1))).first()
    return Head(*row) if row is not None else Head(0, GENESIS, None)


def _unsealed(query: Select[Any], tenant: int, end: Head | None = None) -> Select[Any]:
    linked = exists().where(AuditLink.tenant_id == tenant, AuditLink.entry_id == AuditEntry.id)
    found = query.where(AuditEntry.tenant_id == tenant, ~linked)
    if end is not None and end.sealed_at is not None:
        found = found.where(AuditEntry.id >= lowest_id(end.sealed_at - _HELD))
    return found


async def unsealed(session: AsyncSession, tenant: int, end: Head | None = None) -> list[UUID]:
    """The entries in sight that have no link yet, oldest first; with the ``end`` of the chain, without a search of all
    that came long before it."""
    return list((await session.scalars(_unsealed(select(AuditEntry.id), tenant, end).order_by(AuditEntry.id))).all())


async def count_unsealed(session: AsyncSession, tenant: int, end: Head) -> int:
    """How many entries in sight have no link yet."""
    return (await session.scalar(_unsealed(select(func.count()), tenant, end))) or 0


async def seal(database: Database, tenant: int, clock: datetime, *, search: bool = False) -> int:
    """Give every committed entry of a county its link; how many were given one. ``clock`` is the real instant.

    In parts that commit one by one. Where another sealer is at it, there is nothing left to do. ``search`` looks
    through the whole record for entries without a link.
    """
    sealed = 0
    while True:
        async with database.session(whole(tenant)) as session:
            part = await _seal_part(session, tenant, clock, search)
        sealed += part
        if part < PART:
            return sealed


async def _seal_part(session: AsyncSession, tenant: int, clock: datetime, search: bool) -> int:
    lock = text("select pg_try_advisory_xact_lock(:key, :tenant)")
    if not await session.scalar(lock, {"key": _LOCK, "tenant": tenant}):
        return 0
    end = await head(session, tenant)
    query = _unsealed(select(AuditEntry), tenant, None if search else end).order_by(AuditEntry.id).limit(PART)
    number, digest, rows = end.number, end.digest, []
    for entry in await session.scalars(query):
        number += 1
        digest = digest_of(digest, number, _instant(clock), plain(entry))
        rows.append({"tenant_id": tenant, "number": number, "entry_id": entry.id, "digest": digest, "sealed_at": clock})
    if rows:
        await insert_rows(session, AuditLink, rows)
    return len(rows)


async def waiting(database: Database) -> list[int]:
    """The counties that have entries without a link."""
    async with database.unscoped() as connection:
        return list((await connection.scalars(text("select tenant from audit_waiting()"))).all())


# --- verifying ------------------------------------------------------------------------------------------------


class Break(StrEnum):
    """How a chain can be broken."""

    CHANGED = "changed"
    MISSING = "missing"
    INSERTED = "inserted"
    REORDERED = "reordered"
    CUT = "cut"
    REPLACED = "replaced"

    @property
    def title_text(self) -> Text:
        """What happened, in words."""
        return _BREAKS[self]


_BREAKS = {
    Break.CHANGED: Text("记录被改动", "an entry was changed"),
    Break.MISSING: Text("记录被删除", "an entry was removed"),
    Break.INSERTED: Text("插入了记录", "an entry was slipped in"),
    Break.REORDERED: Text("记录次序被调换", "entries were put in another order"),
    Break.CUT: Text("链的末尾被截去", "the end was cut off"),
    Break.REPLACED: Text("整条链被重新生成", "the chain was made anew"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """The first place where a chain is broken, and the entry that is meant, where it is known."""

    kind: Break
    number: int
    entry: str | None


@dataclass(frozen=True, slots=True)
class Verified:
    """What a verification found: the end of the chain as far as it holds, its first fault, the entries without a link
    yet, and those of them that have waited longer than a minute."""

    head: Head
    fault: Fault | None
    unsealed: int = 0
    overdue: tuple[UUID, ...] = ()


class Walk:
    """Goes along a chain from its beginning and stops at its first fault."""

    def __init__(self, expected: Head | None = None) -> None:
        self.number, self.digest, self.sealed_at = 0, GENESIS, ""
        self.expected = expected
        self._before: tuple[bytes, Link] | None = None

    def along(self, links: Sequence[Link], further: Iterable[Link] = ()) -> Fault | None:
        """Go along some links; ``further`` are some that come after them, which help to tell what happened."""
        for position, link in enumerate(links):
            if link.number != self.number + 1 or not link.fits(self.digest, link.number):
                return self._told(link, [*links[position + 1 :], *further])
            self._before = (self.digest, link)
            self.number, self.digest, self.sealed_at = link.number, link.digest, link.sealed_at
            wanted = self.expected
            if wanted is not None and wanted.number == self.number and wanted.digest != self.digest:
                return Fault(Break.REPLACED, self.number, link.entry_id)
        return None

    def ended(self) -> Fault | None:
        """What is wrong with the chain ending here."""
        if self.expected is not None and self.number < self.expected.number:
            return Fault(Break.CUT, self.number + 1, None)
        return None

    def _told(self, link: Link, later: Sequence[Link]) -> Fault:
        """What happened where a link does not fit."""
        number, previous = self.number + 1, self.digest
        if link.number > number:
            return Fault(Break.MISSING, number, None)
        if link.number < number:
            return Fault(Break.REORDERED, number, link.entry_id)
        if link.entry is None:
            return Fault(Break.MISSING, number, link.entry_id)
        if any(other.fits(previous, number) for other in later):
            slipped = later[0].fits(previous, number) and not link.fits(later[0].digest, number + 1)
            return Fault(Break.INSERTED if slipped else Break.REORDERED, number, link.entry_id)
        # Its own digest is that of another entry: the two were exchanged.
        if any(
            other.entry is not None and digest_of(previous, number, link.sealed_at, other.entry) == link.digest
            for other in later
        ):
            return Fault(Break.REORDERED, number, link.entry_id)
        if self._before is not None and link.fits(self._before[0], number - 1):
            return Fault(Break.INSERTED, number - 1, self._before[1].entry_id)
        # The rest fits once it is counted on by one: a link was taken out and the others moved up.
        if later and later[0].fits(link.digest, number + 2):
            return Fault(Break.MISSING, number, None)
        return Fault(Break.CHANGED, number, link.entry_id)


async def links(session: AsyncSession, tenant: int) -> AsyncIterator[list[Link]]:
    """A county's chain from its beginning, in parts."""
    after = 0
    while True:
        query = (
            select(AuditLink, AuditEntry)
            .outerjoin(
                AuditEntry, (AuditEntry.tenant_id == AuditLink.tenant_id) & (AuditEntry.id == AuditLink.entry_id)
            )
            .where(AuditLink.tenant_id == tenant, AuditLink.number > after)
            .order_by(AuditLink.number)
            .limit(PART)
        )
        rows: Sequence[Any] = (await session.execute(query)).all()
        part = [
            Link(
                link.number,
                link.digest,
                _instant(link.sealed_at),
                str(link.entry_id),
                None if entry is None else plain(entry),
            )
            for link, entry in rows
        ]
        session.expunge_all()
        if part:
            yield part
            after = part[-1].number
        if len(part) < PART:
            return


async def verify(database: Database, tenant: int, clock: datetime, expected: Head | None = None) -> Verified:
    """Go along a county's chain and compute every digest again. ``clock`` is the real instant.

    ``expected`` is a head that was written down elsewhere: the chain must lead through it.
    """
    async with database.session(whole(tenant), reading=True) as session:
        walk = Walk(expected)
        fault = await _walked(walk, links(session, tenant))
        waits = await unsealed(session, tenant)
    overdue = tuple(entry for entry in waits if made_at(entry) < clock - PROMPT)
    return Verified(_end(walk), fault, len(waits), overdue)


async def _walked(walk: Walk, parts: AsyncIterator[list[Link]]) -> Fault | None:
    """The first fault of a chain that comes in parts; of the part after the one at hand, what happened is told."""
    held: list[Link] = []
    async for part in parts:
        fault = walk.along(held, part)
        if fault is not None:
            return fault
        held = part
    return walk.along(held) or walk.ended()


def _end(walk: Walk) -> Head:
    return Head(walk.number, walk.digest, datetime.fromisoformat(walk.sealed_at) if walk.sealed_at else None)


# --- the record as a file -------------------------------------------------------------------------------------

_FORMAT = "bangfu audit record 1"


def dumped(county: str, end: Head) -> str:
    """The first line of an exported record: whose it is, and the head that it must lead to."""
    return _line({"format": _FORMAT, "county": county, "head": str(end)})


def dumped_link(link: Link) -> str:
    """A line of an exported record: a link with its entry."""
    return _line({"number": link.number, "digest": link.digest.hex(), "sealed_at": link.sealed_at, "entry": link.entry})


def _line(values: Mapping[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n"


def verify_lines(lines: Iterable[str], expected: Head | None = None) -> Verified:
    """Go along an exported record, without any database. ValueError where it is none.

    ``expected`` is a head that was written down elsewhere; the one that the file itself states must be met besides.
    """
    given = iter(lines)
    try:
        first = json.loads(next(given, "null"))
        if not isinstance(first, dict) or first.get("format") != _FORMAT:
            raise ValueError("not an exported audit record")
        found = [_read_link(json.loads(line)) for line in given]
        stated = Head.parse(first["head"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("not an exported audit record") from error
    walk = Walk(stated)
    fault = walk.along(found) or walk.ended()
    if fault is None and expected is not None:
        walk = Walk(expected)
        fault = walk.along(found) or walk.ended()
    return Verified(_end(walk), fault)


def _read_link(raw: Mapping[str, Any]) -> Link:
    entry = raw["entry"]
    if entry is not None and set(entry) != set(_FIELDS):
        raise ValueError("not an entry of an audit record")
    named = str(entry["id"]) if entry is not None else ""
    return Link(int(raw["number"]), bytes.fromhex(raw["digest"]), str(raw["sealed_at"]), named, entry)
