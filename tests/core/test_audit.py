"""The audit record is sealed: whatever is changed, taken out, slipped in, moved or cut off is named; and sealing makes
nobody wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from bangfu import audit, disclosure
from bangfu.audit import chain
from bangfu.audit.chain import GENESIS, Break, Head
from bangfu.db.embedded import ADMIN, EmbeddedServer
from bangfu.errors import Refused
from bangfu.models import AuditEntry
from tests.county import World

NOW = datetime(2021, 10, 1, 8, tzinfo=UTC)


async def note(world: World, count: int, action: str = "try") -> None:
    """Put some entries on record, one transaction each."""
    who = world.who("C1")
    for number in range(count):
        async with world.database.session(who.scope) as session:
            await audit.record(session, NOW, who.actor.id, action, f"thing/{number}", {"n": number}, "核对")


async def seal(world: World, **options: Any) -> int:
    return await chain.seal(world.database, world.tenant.id, datetime.now(UTC), **options)


async def verify(world: World, expected: Head | None = None, clock: datetime | None = None) -> chain.Verified:
    return await chain.verify(world.database, world.tenant.id, clock or datetime.now(UTC), expected)


async def links(world: World) -> list[tuple[int, UUID, bytes]]:
    rows = await world.rows("select number, entry_id, digest from audit_link order by number")
    return [tuple(row) for row in rows]


@asynccontextmanager
async def superuser(server: EmbeddedServer, world: World) -> AsyncIterator[asyncpg.Connection]:
    """Somebody whom no wall stops and no foreign key either: whoever runs the machine."""
    ((name,),) = await world.rows("select current_database()")
    connection = await asyncpg.connect(**server.connect_arguments(ADMIN, name))
    try:
        await connection.execute("set session_replication_role = replica")
        yield connection
    finally:
        await connection.close()


# --- sealing ---------------------------------------------------------------------------------------------------


async def test_every_committed_entry_is_sealed_once_and_the_chain_holds(world: World) -> None:
    await note(world, 3)
    (entries,) = await world.rows("select count(*) from audit_entry")
    before = await verify(world)
    assert (before.head, before.fault, before.unsealed) == (Head(0, GENESIS, None), None, entries[0])
    assert await chain.waiting(world.database) == [world.tenant.id]
    assert await seal(world) == entries[0]
    assert await chain.waiting(world.database) == []
    assert await seal(world) == await seal(world, search=True) == 0
    found = await verify(world)
    assert (found.head.number, found.fault, found.unsealed, found.overdue) == (entries[0], None, 0, ())
    assert [number for number, _, _ in await links(world)] == list(range(1, entries[0] + 1))


async def test_parts_continue_the_chain(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "PART", 4)
    await note(world, 10)
    (entries,) = await world.rows("select count(*) from audit_entry")
    assert await seal(world) == entries[0]
    found = await verify(world)
    assert (found.head.number, found.fault) == (entries[0], None)


async def test_two_long_batches_do_not_wait_for_each_other_and_the_sealer_waits_for_neither(world: World) -> None:
    """Two transactions of one county stay open with entries of theirs, sealed later in the order of their commits."""
    first, second = world.who("C1"), world.who("K1")
    await seal(world)
    async with asyncio.timeout(20):
        async with world.database.session(first.scope) as one:
            await audit.record(one, NOW, first.actor.id, "first", "batch/1", {})
            async with world.database.session(second.scope) as two:
                await audit.record(two, NOW, second.actor.id, "second", "batch/2", {})
                assert await seal(world) == 0
                await audit.record(one, NOW, first.actor.id, "first", "batch/1", {})
                await audit.record(two, NOW, second.actor.id, "second", "batch/2", {})
            assert await seal(world) == 2
        assert await seal(world) == 2
    rows = await world.rows(
        "select e.action from audit_link l join audit_entry e on e.id = l.entry_id order by l.number desc limit 4"
    )
    assert [row[0] for row in rows] == ["first", "first", "second", "second"]
    assert (await verify(world)).fault is None


async def test_two_sealers_at_once_make_one_chain(world: World) -> None:
    await note(world, 5)
    (entries,) = await world.rows("select count(*) from audit_entry")
    done = await asyncio.gather(*(seal(world) for _ in range(4)))
    assert sum(done) == entries[0]
    assert (await verify(world)).fault is None
    # Where one is at it, another leaves at once.
    await note(world, 1)
    async with world.database.session(chain.whole(world.tenant.id)) as session:
        held = text("select pg_advisory_xact_lock(:key, :tenant)")
        await session.execute(held, {"key": chain._LOCK, "tenant": world.tenant.id})
        async with asyncio.timeout(5):
            assert await seal(world) == 0
    assert await seal(world) == 1


async def test_an_entry_that_waits_too_long_is_named(world: World) -> None:
    await seal(world)
    await note(world, 1)
    now = datetime.now(UTC)
    soon, late = await verify(world), await verify(world, clock=now + timedelta(seconds=90))
    assert (soon.unsealed, soon.overdue) == (1, ())
    assert late.unsealed == len(late.overdue) == 1
    ((entry,),) = await world.rows("select id from audit_entry where action = 'try'")
    assert late.overdue == (entry,)


@pytest.mark.parametrize("table", ["audit_entry", "audit_link"])
async def test_nobody_changes_or_removes_what_is_on_record(world: World, table: str) -> None:
    await seal(world)
    before = await world.rows(f"select md5(string_agg(t::text, '|' order by t::text)) from {table} t")
    for change in (f"update {table} set tenant_id = tenant_id", f"delete from {table}", f"truncate {table}"):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with world.database.session(chain.whole(world.tenant.id)) as session:
                await session.execute(text(change))
    for change in (f"update {table} set tenant_id = tenant_id returning 1", f"delete from {table} returning 1"):
        async with world.database.owner() as connection:
            for name, value in chain.whole(world.tenant.id).settings().items():
                await connection.execute(text("select set_config(:n, :v, true)"), {"n": name, "v": value})
            assert (await connection.execute(text(change))).all() == []
    with pytest.raises(DBAPIError, match="permission denied"):
        async with world.database.owner() as connection:
            await connection.execute(text(f"truncate {table} cascade"))
    assert await world.rows(f"select md5(string_agg(t::text, '|' order by t::text)) from {table} t") == before


# --- planted faults --------------------------------------------------------------------------------------------

SWAP = "update audit_link set number = 10000 + number where number in (3, 4)"
COLUMNS = "at, officer_id, object, reason, data, areas"
MADE = (
    f"insert into audit_entry (tenant_id, id, action, {COLUMNS})"
    f" select tenant_id, gen_random_uuid(), 'forged', {COLUMNS} from audit_entry limit 1"
)
FORGED = "(select id from audit_entry where action = 'forged')"
UP = [
    "update audit_link set number = number + 10001 where number >= 3",
    "update audit_link set number = number - 10000 where number > 10000",
]
FAULTS: dict[str, tuple[list[str], Break, int]] = {
    "reason": (["update audit_entry set reason = 'x' where id = {3}"], Break.CHANGED, 3),
    "figure": (["update audit_entry set data = '{{\"n\": 99}}' where id = {3}"], Break.CHANGED, 3),
    "officer": (["update audit_entry set officer_id = gen_random_uuid() where id = {3}"], Break.CHANGED, 3),
    "time": (["update audit_entry set at = at + interval '1 microsecond' where id = {1}"], Break.CHANGED, 1),
    "areas": (["update audit_entry set areas = '{{[1,2]}}' where id = {3}"], Break.CHANGED, 3),
    "time of sealing": (["update audit_link set sealed_at = sealed_at - interval '1 day' where number = 3"], Break.CHANGED, 3),
    "digest": (["update audit_link set digest = sha256('x') where number = 3"], Break.CHANGED, 3),
    "entry removed": (["delete from audit_entry where id = {3}"], Break.MISSING, 3),
    "entry and link removed": (["delete from audit_entry where id = {3}", "delete from audit_link where number = 3"], Break.MISSING, 3),
    "link removed": (["delete from audit_link where number = 3"], Break.MISSING, 3),
    "first removed": (["delete from audit_link where number = 1"], Break.MISSING, 1),
    "removed and moved up": (
        ["delete from audit_link where number = 3", "update audit_link set number = number + 10000 where number > 3",
         "update audit_link set number = number - 10001 where number > 10000"],
        Break.MISSING, 3,
    ),
    "slipped in": (
        [MADE, *UP, "insert into audit_link (tenant_id, number, entry_id, digest, sealed_at)" f" select tenant_id, 3, {FORGED}, sha256('x'), sealed_at from audit_link where number = 1"],
        Break.INSERTED, 3,
    ),
    "links swapped": (
        [SWAP, "update audit_link set number = case number when 10003 then 4 else 3 end where number > 10000"],
        Break.REORDERED, 3,
    ),
    "entries swapped": (
        ["update audit_link set entry_id = gen_random_uuid() where number = 3",
         "update audit_link set entry_id = {3} where number = 5", "update audit_link set entry_id = {5} where number = 3"],
        Break.REORDERED, 3,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("plant", "kind", "number"), FAULTS.values(), ids=FAULTS.keys())
async def test_verifying_names_a_planted_fault(
    server: EmbeddedServer, world: World, plant: list[str], kind: Break, number: int
) -> None:
    await note(world, 8)
    await seal(world)
    assert (await verify(world)).fault is None
    known = {position: f"'{entry}'" for position, entry, _ in await links(world)}
    async with superuser(server, world) as connection:
        for sql in plant:
            done = await connection.execute(sql.format(*["", *known.values()]))
            assert not done.endswith(" 0"), sql
    found = await verify(world)
    assert found.fault is not None
    assert (found.fault.kind, found.fault.number) == (kind, number)
    assert found.head.number in (number, number - 1)


async def test_an_entry_slipped_in_with_a_digest_of_its_own_is_named(server: EmbeddedServer, world: World) -> None:
    """The forger computes what fits after link 2; the link that was the third does not fit any more."""
    await note(world, 5)
    await seal(world)
    previous = (await links(world))[1][2]
    async with superuser(server, world) as connection:
        for sql in (MADE, *UP):
            await connection.execute(sql)
        (forged,) = await world.rows("select id from audit_entry where action = 'forged'")
        async with world.database.session(chain.whole(world.tenant.id)) as session:
            entry = (await session.scalars(select(AuditEntry).where(AuditEntry.id == forged[0]))).one()
            digest = chain.digest_of(previous, 3, chain._instant(NOW), chain.plain(entry))
        await connection.execute(
            "insert into audit_link (tenant_id, number, entry_id, digest, sealed_at) values ($1, 3, $2, $3, $4)",
            world.tenant.id,
            forged[0],
            digest,
            NOW,
        )
    found = await verify(world)
    assert found.fault == chain.Fault(Break.INSERTED, 3, str(forged[0]))


async def test_a_head_written_down_elsewhere_shows_that_the_end_was_cut_off(
    server: EmbeddedServer, world: World
) -> None:
    await note(world, 4)
    await seal(world)
    head = (await verify(world)).head
    kept = Head.parse(str(head))
    assert (kept.number, kept.digest) == (head.number, head.digest)
    await note(world, 2)
    await seal(world)
    assert (await verify(world, kept)).fault is None
    async with superuser(server, world) as connection:
        await connection.execute(
            "delete from audit_entry where id in (select entry_id from audit_link where number >= $1)", head.number - 1
        )
        await connection.execute("delete from audit_link where number >= $1", head.number - 1)
    assert (await verify(world)).fault is None, "what is left is a chain"
    assert (await verify(world, kept)).fault == chain.Fault(Break.CUT, head.number - 1, None)
    await note(world, 3)
    await seal(world)
    found = await verify(world, kept)
    assert found.fault is not None
    assert (found.fault.kind, found.fault.number) == (Break.REPLACED, head.number)


@pytest.mark.parametrize("text_", ["", "3", "x:" + "0" * 64, "3:" + "0" * 63, "3:" + "g" * 64, "-1:" + "0" * 64])
def test_what_is_no_head_is_refused(text_: str) -> None:
    with pytest.raises(ValueError, match=r"head|hex"):
        Head.parse(text_)


def test_nothing_can_be_moved_from_one_field_into_the_next() -> None:
    entry: dict[str, Any] = dict.fromkeys(chain._FIELDS, "")
    digests = {
        chain.digest_of(GENESIS, 1, "t", {**entry, "action": action, "object": thing})
        for action, thing in (("ab", "c"), ("a", "bc"), ("abc", ""), ("", "abc"))
    }
    assert len(digests) == 4
    assert chain.digest_of(GENESIS, 1, "t", entry) != chain.digest_of(GENESIS, 2, "t", entry)
    assert chain.digest_of(GENESIS, 1, "t", entry) != chain.digest_of(bytes([1] * 32), 1, "t", entry)


# --- the record as a file ---------------------------------------------------------------------------------------


async def exported(world: World, number: str = "C1", reason: str = "年度审计") -> list[str]:
    data = await disclosure.audit_record(world.database, world.who(number), reason, datetime.now(UTC))
    return data.decode().splitlines(keepends=True)


async def test_an_exported_record_is_verified_without_a_database(world: World) -> None:
    await note(world, 5)
    lines = await exported(world)
    found, live = chain.verify_lines(lines), await verify(world)
    assert (found.head, found.fault) == (live.head, None)
    assert live.head.number == len(lines) - 1
    ((reason, data),) = await world.rows("select reason, data from audit_entry where action = 'export_audit'")
    assert (reason, data) == ("年度审计", {"rows": live.head.number - 1, "personal": ["officer"]})
    assert chain.verify_lines(lines, live.head).fault is None


async def test_an_altered_file_is_found_out(world: World) -> None:
    await note(world, 5)
    lines = await exported(world)
    last = len(lines) - 1
    altered = [line.replace('"核对"', '"核实"', 1) if f'"number":{last - 2},' in line else line for line in lines]
    assert altered != lines
    for changed, kind, number in (
        (altered, Break.CHANGED, last - 2),
        ([*lines[:3], *lines[4:]], Break.MISSING, 3),
        ([*lines[:3], lines[4], lines[3], *lines[5:]], Break.MISSING, 3),
        (lines[:-2], Break.CUT, last - 1),
    ):
        fault = chain.verify_lines(changed).fault
        assert fault is not None
        assert (fault.kind, fault.number) == (kind, number)
    for nothing in ([], ["{}\n"], ["[]\n"], ["not json\n"], [lines[0], "{}\n"]):
        with pytest.raises(ValueError, match=r"audit record|Expecting"):
            chain.verify_lines(nothing)


@pytest.mark.parametrize(
    ("number", "reason", "code"),
    [
        ("K1", "年度审计", "FORBIDDEN"),
        ("VC1", "年度审计", "FORBIDDEN"),
        ("C1", " ", "REASON_NEEDED"),
        ("C1", "x", "REASON_NEEDED"),
    ],
)
async def test_the_record_is_for_who_may_have_it_and_says_why(
    world: World, number: str, reason: str, code: str
) -> None:
    before = await world.rows("select count(*) from audit_entry")
    with pytest.raises(Refused) as refused:
        await exported(world, number, reason)
    assert [problem.code.name for problem in refused.value.problems] == [code]
    assert await world.rows("select count(*) from audit_entry") == before
    assert await links(world) == []
