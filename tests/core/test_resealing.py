"""Keys are renewed while everybody goes on working: nothing is lost, nothing is overwritten, and no key goes while
anything is under it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import signal
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from bangfu import files, resealing
from bangfu.db.embedded import APP, OWNER, EmbeddedServer
from bangfu.errors import Refused
from bangfu.models import WALLS, Base
from bangfu.resealing import Place, places, reindex, reseal, status
from bangfu.settings import Settings
from bangfu.vault import Vault, VaultError, next_index, retire, rotate
from tests.conftest import connect
from tests.county import HOMES, World, roster

PEOPLE = 2 * len(HOMES)
IDENTITY, NUMBER, CONTENT = Place("person", "identity"), Place("account", "number"), Place("file", "content")
ANSWER, SECRET = Place("answered_request", "answer"), Place("identity_provider", "client_secret")


def renewed(vault: Vault) -> Vault:
    """The ring with another key, which is sealed with."""
    return Vault(2, {**vault.keys, 2: b"n" * 32}, vault.index_key)


async def values(world: World, vault: Vault) -> dict[str, list[str]]:
    """Every sealed value of the county, opened, by its column."""
    found: dict[str, list[str]] = {}
    for place in (IDENTITY, NUMBER, Place("payment_line", "account"), Place("person", "phone")):
        rows = await world.rows(
            f"select {place.column} from {place.table} where {place.column} is not null order by id"
        )
        found[str(place)] = [vault.reveal(row[0], str(place), world.tenant.id) for row in rows]
    return found


async def others(world: World) -> list[Any]:
    """Everything that stands beside the sealed values."""
    asked = []
    for table, wall in sorted(WALLS.items()):
        if table in ("tenant", "identity_provider", "answered_request"):
            continue
        names = [column.name for column in Base.metadata.tables[table].columns]
        kept = [name for name in names if name not in wall.sealed or name.endswith("_index")]
        listed = ", ".join(kept)
        digest = f"md5(string_agg(t::text, '|' order by t::text)) from (select {listed} from {table}) t"
        asked.append(f"select '{table}', {digest}")
    return [tuple(row) for row in await world.rows(" union all ".join(asked))]


async def some_of_everything(world: World) -> None:
    """A kept answer and a provider's secret, beside what the imports have brought."""
    who, tenant = world.who("C1"), world.tenant.id
    async with world.database.session(who.scope) as session:
        await session.execute(
            text("insert into answered_request (tenant_id, officer_id, key, digest, answer, created_at)"
                 " values (:t, :o, 'k', '', :a, now())"),
            {"t": tenant, "o": who.actor.id, "a": world.vault.seal("{}", str(ANSWER), tenant)},
        )  # fmt: skip
    async with world.database.owner() as connection:
        await connection.execute(
            text("insert into identity_provider (tenant_id, issuer, audience, algorithms, officer_claim, client_id,"
                 " client_secret, set_at) values (:t, 'i', 'a', '{}', 'c', 'x', :s, now())"),
            {"t": tenant, "s": world.vault.seal("secret", str(SECRET), tenant)},
        )  # fmt: skip


def test_every_sealed_column_is_known_from_its_wall() -> None:
    assert {str(place) for place in places()} == {
        "account.number", "answered_request.answer", "circumstance.number", "credential.totp", "file.content",
        "identity_provider.client_secret", "payment_line.account", "person.identity", "person.phone", "public_objection.name",
        "public_objection.phone",
    }  # fmt: skip


async def test_everything_is_sealed_anew_and_nothing_else_is_touched(world: World) -> None:
    await some_of_everything(world)
    (kept,) = (await world.rows("select count(*) from file"))[0]
    expected = {IDENTITY: PEOPLE, CONTENT: kept, ANSWER: 1, SECRET: 1}
    counts = {place: {1: expected[place]} if place in expected else {} for place in places()}
    assert {**counts, NUMBER: {}} == {**await status(world.database), NUMBER: {}}
    accounts = (await status(world.database))[NUMBER][1]
    assert accounts == len(HOMES)
    before, beside, vault = await values(world, world.vault), await others(world), renewed(world.vault)
    seen: list[int] = []
    done = await reseal(world.database, vault, seen.append)
    assert (done.done, done.unreadable) == (PEOPLE + accounts + kept + 2, ())
    assert seen[-1] == done.done
    assert all(set(own) <= {2} for own in (await status(world.database)).values())
    alone = Vault(2, {2: vault.keys[2]}, vault.index_key)
    assert await values(world, alone) == before
    assert await others(world) == beside
    ((file, sha),) = await world.rows("select id, sha256 from file limit 1")
    who = world.who("R1")
    async with world.database.session(who.scope) as session:
        content = await files.fetch(session, alone, world.tenant.id, file)
    assert hashlib.sha256(content.data).hexdigest() == sha
    with pytest.raises(VaultError):
        await values(world, world.vault)
    assert await reseal(world.database, vault) == resealing.Resealed(0, ())


async def test_a_writer_at_the_same_time_is_neither_waited_for_nor_overwritten(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that is being changed is passed over; what the writer wrote stands, and is sealed anew afterwards."""
    monkeypatch.setattr(resealing, "PAUSE", 0.3)
    vault, tenant = renewed(world.vault), world.tenant.id
    ((person,),) = await world.rows("select id from person order by id limit 1")
    own = world.vault.seal("990201198001010019", str(IDENTITY), tenant)  # by a server that does not know the new key
    async with world.database.session(world.who("R1").scope) as session:
        await session.execute(text("update person set identity = :v where id = :p"), {"v": own, "p": person})
        running = asyncio.ensure_future(reseal(world.database, vault))
        async with asyncio.timeout(20):
            while (await status(world.database))[IDENTITY] != {1: 1, 2: PEOPLE - 1}:  # noqa: ASYNC110 - nobody tells us
                await asyncio.sleep(0.05)
    async with asyncio.timeout(20):
        assert (await running).unreadable == ()
    ((after,),) = await world.rows("select identity from person where id = :p", p=person)
    assert vault.reveal(after, str(IDENTITY), tenant) == "990201198001010019"
    assert (await status(world.database))[IDENTITY] == {2: PEOPLE}


async def test_a_value_that_does_not_open_is_left_and_named(world: World) -> None:
    ((person,),) = await world.rows("select id from person order by id limit 1")
    async with world.database.session(world.who("R1").scope) as session:
        moved = world.vault.seal("1", "person.phone", world.tenant.id)
        await session.execute(text("update person set identity = :v where id = :p"), {"v": moved, "p": person})
    done = await reseal(world.database, renewed(world.vault))
    assert done.unreadable == (f"person.identity {world.tenant.id}/{person}",)
    assert (await world.rows("select identity from person where id = :p", p=person))[0][0] == moved
    assert (await status(world.database))[IDENTITY] == {1: 1, 2: PEOPLE - 1}


CHILD = textwrap.dedent("""
    import gc
    gc.disable()  # nothing of what is imported is garbage, and the rest is soon over
    import asyncio, json, os, signal, sys
    from pathlib import Path
    from sqlalchemy import event
    from bangfu import resealing
    from bangfu.db import Database
    from bangfu.db.session import engine_for
    from bangfu.settings import Settings
    from bangfu.vault import Vault

    told = json.loads(sys.argv[1])
    resealing.PART = 3
    engines = [engine_for("postgresql+asyncpg://", told[role], pooled=False) for role in ("app", "owner")]
    database = Database(Settings(home=Path(told["home"])), None, *engines)
    seen = 0

    @event.listens_for(engines[1].sync_engine, "before_cursor_execute")
    def count(connection, cursor, statement, *_):
        global seen
        seen += statement.startswith("UPDATE person")
        if seen == told["kill_at"]:
            os.kill(os.getpid(), signal.SIGKILL)

    asyncio.run(resealing.reseal(database, Vault.parse(told["vault"])))
""")


@pytest.mark.parametrize("kill_at", [1, 5, PEOPLE])
async def test_killed_in_the_middle_it_goes_on_where_it_was(
    server: EmbeddedServer, world: World, tmp_path: Path, kill_at: int
) -> None:
    vault, before = renewed(world.vault), await values(world, world.vault)
    ((name,),) = await world.rows("select current_database()")
    told = {
        "app": server.connect_arguments(APP, name), "owner": server.connect_arguments(OWNER, name),
        "home": str(tmp_path), "vault": vault.dump(), "kill_at": kill_at,
    }  # fmt: skip
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", CHILD, json.dumps(told))
    assert await child.wait() == -signal.SIGKILL
    counts = (await status(world.database))[IDENTITY]
    whole = (kill_at - 1) // 3 * 3  # what was committed, in parts of three
    assert counts == {version: count for version, count in ((1, PEOPLE - whole), (2, whole)) if count}
    assert await values(world, vault) == before, "meanwhile everything opens"
    done = await reseal(world.database, vault)
    assert done.unreadable == ()
    assert (await status(world.database))[IDENTITY] == {2: PEOPLE}
    assert await values(world, vault) == before


async def test_the_owner_changes_sealed_values_and_nothing_else(world: World) -> None:
    for column in ("name", "identity_masked", "division"):
        with pytest.raises(Exception, match="permission denied"):
            async with resealing._within(world.database, world.tenant.id, None) as connection:
                await connection.execute(text(f"update person set {column} = {column}"))


# --- the ring --------------------------------------------------------------------------------------------------


def test_a_running_server_takes_up_a_new_key_and_lets_an_old_one_go(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    running = Vault.open(settings)
    old = running.seal("x", "a.b", 1)
    assert rotate(settings) == 2
    new = running.seal("x", "a.b", 1)
    assert (old[1:3], new[1:3], running.newest) == (b"\0\1", b"\0\2", 2)
    fresh = Vault.open(settings)
    assert (fresh.reveal(old, "a.b", 1), fresh.reveal(new, "a.b", 1), running.reveal(new, "a.b", 1)) == ("x", "x", "x")
    assert fresh.index_key == running.index_key
    with pytest.raises(Refused) as refused:
        retire(settings, 2)
    assert refused.value.problems[0].code.name == "KEY_IN_USE"
    with pytest.raises(Refused) as refused:
        retire(settings, 7)
    assert refused.value.problems[0].code.name == "BAD_VALUE"
    retire(settings, 1)
    with pytest.raises(VaultError, match="key 1 is not on the ring"):
        Vault.open(settings).reveal(old, "a.b", 1)
    assert [path.name for path in tmp_path.iterdir()] == ["keyring.json"]
    (tmp_path / "keyring.json").write_text("half", encoding="utf-8")
    assert running.reveal(running.seal("y", "a.b", 1), "a.b", 1) == "y", "what is known is kept"


def test_a_ring_in_the_environment_is_not_changed(tmp_path: Path) -> None:
    settings = Settings(tmp_path, keyring=Vault.new().dump())
    for change in (lambda: rotate(settings), lambda: retire(settings, 1)):
        with pytest.raises(Refused) as refused:
            change()
        assert refused.value.problems[0].code.name == "KEYRING_STATED"
    assert list(tmp_path.iterdir()) == []
    file = tmp_path / "ring.json"
    file.write_text(Vault.new().dump(), encoding="utf-8")
    assert rotate(Settings(tmp_path, keyring=str(file))) == 2
    assert Vault.open(Settings(tmp_path, keyring=str(file))).current == 2


async def test_keys_renewed_at_once_are_all_kept(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    Vault.open(settings)
    versions = await asyncio.gather(*(asyncio.to_thread(rotate, settings) for _ in range(8)))
    assert sorted(versions) == [2, 3, 4, 5, 6, 7, 8, 9]
    ring = Vault.open(settings)
    assert (ring.current, sorted(ring.keys)) == (9, list(range(1, 10)))


# --- the blind index --------------------------------------------------------------------------------------------


def test_every_blind_index_is_known() -> None:
    declared = {Place(table, own) for table, wall in WALLS.items() for own in wall.sealed if own.endswith("_index")}
    assert set(resealing.INDEXES) == declared


async def test_a_new_index_finds_everybody_again_and_an_interrupted_one_is_taken_up(
    server: EmbeddedServer, world: World, tmp_path: Path
) -> None:
    ring = tmp_path / "keyring.json"
    ring.write_text(world.vault.dump(), encoding="utf-8")
    settings = Settings(tmp_path)
    old = await world.rows("select identity_index from person order by id")
    with pytest.raises(KeyboardInterrupt), next_index(settings) as first:
        raise KeyboardInterrupt
    with pytest.raises(Refused) as refused:
        Vault.open(settings)
    assert refused.value.problems[0].code.name == "REINDEXING"
    ((name,),) = await world.rows("select current_database()")
    other = connect(server, name, tmp_path)
    async with other.session(world.who("C1").scope) as session:
        await session.execute(text("select 1"))
        with pytest.raises(Refused) as refused, next_index(settings) as again:
            await reindex(world.database, again)
    await other.close()
    assert refused.value.problems[0].code.name == "STILL_RUNNING"
    assert await world.rows("select identity_index from person order by id") == old
    await world.database.app.dispose()
    with next_index(settings) as again:
        assert again == first, "the same key"
        assert await reindex(world.database, again) == PEOPLE + len(HOMES)
    world.vault = Vault.open(settings)
    assert world.vault.index_key == again.index_key != b""
    assert not {row[0] for row in old} & {row[0] for row in await world.rows("select identity_index from person")}
    status_ = await world.bring("households", roster(), "R1", name="again.csv")
    assert status_.result["tallies"]["person"]["same"] == PEOPLE
    assert (status_.result["tallies"]["person"]["new"], status_.result["tallies"]["household"]["changed"]) == (0, 0)
