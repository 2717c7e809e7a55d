"""Long work: done once, taken up where it was left, told in both languages; and its files, sealed and walled."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import random
import signal
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from bangfu import files, jobs
from bangfu.access import create_county, enter
from bangfu.cases.handlers import IMPORTERS
from bangfu.db import Database, Scope
from bangfu.db.embedded import APP, EmbeddedServer
from bangfu.errors import Code, Refused
from bangfu.registry import importing
from tests.core.test_registry import contents, new_home, people, repeats, sheet, tallies
from tests.county import HOMES, JANUARY, MARCH, Home, World, roster

DATA = "绝密内容 990201198002020017".encode()


def only(refused: pytest.ExceptionInfo[Refused]) -> Code:
    """The one code of a refusal."""
    (problem,) = refused.value.problems
    return problem.code


async def queued(world: World, number: str = "C1", **parameters: Any) -> UUID:
    """A job in the queue."""
    who = world.who(number)
    async with world.database.session(who.scope) as session:
        return await jobs.ask(session, who, "test", parameters)


async def run(world: World, job: UUID, handler: jobs.Handler, number: str = "C1", **options: Any) -> jobs.Status:
    """Run a job of kind ``test``."""
    return await jobs.run(world.database, world.vault, world.who(number), job, {"test": handler}, **options)


async def nothing(_: jobs.Work) -> jobs.Done:
    """A handler that does nothing."""
    return jobs.Done({"said": "好"})


async def row(world: World, job: UUID) -> Mapping[str, Any]:
    """A job as it stands in the table."""
    (found,) = await world.rows("select * from job where id = :job", job=job)
    return dict(found._mapping)


async def waiting(world: World, number: str) -> list[UUID]:
    """The jobs of an officer that wait for a worker."""
    who = world.who(number)
    async with world.database.session(who.scope) as session:
        return await jobs.unfinished(session, who)


async def expire(world: World) -> None:
    """Let every lease run out, as time does."""
    async with world.database.session(world.who("R1").scope) as session:
        await session.execute(text("update job set lease_until = '2000-01-01' where state = 'running'"))


async def absent(world: World, job: UUID, number: str = "C1") -> None:
    """A job cannot be run by somebody, and stays as it is."""
    before = await row(world, job)
    with pytest.raises(Refused) as refused:
        await run(world, job, nothing, number)
    assert only(refused) is Code.NOT_FOUND
    assert await row(world, job) == before


async def die(world: World) -> None:
    """Leave every waiting job as a killed worker leaves it: running, under a lease."""
    async with world.database.session(world.who("R1").scope) as session:
        lease = "update job set state = 'running', lease_until = now() + interval '5 minutes' where state = 'queued'"
        await session.execute(text(lease))


class Killed(BaseException):
    """Stands for an interruption such as Ctrl-C: no exception that anything handles."""


# --- jobs -----------------------------------------------------------------------------------------------------


async def test_a_job_runs_once(world: World) -> None:
    ran = []

    async def handler(work: jobs.Work) -> jobs.Done:
        ran.append((dict(work.parameters), work.file, work.who, work.job))
        return await nothing(work)

    job = await queued(world, size=3)
    assert await waiting(world, "C1") == [job]
    outcomes = await asyncio.gather(*(run(world, job, handler) for _ in range(5)), return_exceptions=True)
    (status,) = (outcome for outcome in outcomes if isinstance(outcome, jobs.Status))
    refusals = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    assert [refusal.problems[0].code for refusal in refusals] == [Code.NOT_FOUND] * 4
    assert status == jobs.Status(job, "test", "done", 0, None, {"said": "好"}, None)
    assert ran == [({"size": 3}, None, world.who("C1"), job)]
    assert await waiting(world, "C1") == []
    await absent(world, job)
    stored = await row(world, job)
    assert (stored["attempts"], stored["lease_until"], stored["finished_at"]) == (1, None, world.who("C1").at.now)


async def test_a_job_is_its_officers_own(world: World) -> None:
    world.today = MARCH
    later = await queued(world, "C1")
    world.today = JANUARY
    mine, other = await queued(world, "C1"), await queued(world, "C2")
    assert (await waiting(world, "C1"), await waiting(world, "C2")) == ([mine, later], [other])
    await absent(world, mine, "C2")
    for number in ("VC1", "K1"):
        async with world.database.session(world.who(number).scope) as session:
            with pytest.raises(Refused) as refused:
                await jobs.status(session, world.who(number), mine)
        assert only(refused) is Code.NOT_FOUND


async def test_a_living_worker_holds_its_job_and_a_dead_one_does_not(world: World) -> None:
    async def dies(work: jobs.Work) -> jobs.Done:
        await work.progress(3, 9)
        await absent(world, job)
        raise Killed

    job = await queued(world)
    with pytest.raises(Killed):
        await run(world, job, dies)
    left = await row(world, job)
    assert (left["state"], left["done"], left["total"], left["attempts"]) == ("queued", 3, 9, 1)
    assert (left["lease_until"], await waiting(world, "C1")) == (None, [job])
    await die(world)
    await absent(world, job)
    assert await waiting(world, "C1") == []
    await expire(world)
    assert await waiting(world, "C1") == [job]
    assert (await run(world, job, nothing)).state == "done"
    assert ((await row(world, job))["attempts"], await waiting(world, "C1")) == (2, [])


async def test_progress_is_recorded_and_renews_the_lease(world: World) -> None:
    watched: list[tuple[int, int | None]] = []
    seen: list[tuple[Any, ...]] = []

    async def handler(work: jobs.Work) -> jobs.Done:
        for done, total in ((1, None), (2, 4)):
            await expire(world)
            await work.progress(done, total)
            stored = await row(world, job)
            seen.append((stored["state"], stored["done"], stored["total"], stored["lease_until"] > datetime.now(UTC)))
        return await nothing(work)

    job = await queued(world)
    status = await run(world, job, handler, watch=lambda done, total: watched.append((done, total)))
    assert watched == [(1, None), (2, 4)]
    assert seen == [("running", 1, None, True), ("running", 2, 4, True)]
    assert (status.done, status.total) == (2, 4)


async def test_a_refusal_ends_a_job_with_its_problems_in_both_languages(world: World) -> None:
    async def refuses(_: jobs.Work) -> jobs.Done:
        raise Refused([Code.BAD_DATE.problem("rows", 3, "day", value="昨天")] * 300)

    async def finds(_: jobs.Work) -> jobs.Done:
        return jobs.Done({"bad_rows": 1}, problems=[Code.REASON_NEEDED.problem("reason")])

    remedy = "请按 2021-09-30 或 2021年9月30日 的形式填写。"
    status = await run(world, await queued(world), refuses)
    assert (status.state, len(status.result["problems"])) == ("refused", jobs.SHOWN_PROBLEMS)
    assert status.result["problems"][0] == {
        "code": "BAD_DATE",
        "path": ["rows", 3, "day"],
        "message": {"zh": "“昨天”不是有效日期", "en": "'昨天' is not a valid day."},
        "remedy": {"zh": remedy, "en": "Write it like 2021-09-30 or 2021年9月30日."},
    }
    told = await run(world, await queued(world), finds)
    assert (told.state, told.result["bad_rows"], told.result["problems"][0]["code"]) == ("refused", 1, "REASON_NEEDED")


async def test_a_bug_fails_the_job_and_is_raised(world: World) -> None:
    async def breaks(_: jobs.Work) -> jobs.Done:
        raise ZeroDivisionError("a bug")

    job = await queued(world)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        await run(world, job, breaks)
    left = await row(world, job)
    assert (left["state"], left["lease_until"], left["result"]) == ("failed", None, None)
    assert left["finished_at"] == world.who("C1").at.now
    await absent(world, job)
    assert await waiting(world, "C1") == []


# --- files ----------------------------------------------------------------------------------------------------


async def store(world: World, number: str, name: str = "名册.csv", data: bytes = DATA, largest: int = 1000) -> UUID:
    """Keep a file."""
    who = world.who(number)
    async with world.database.session(who.scope) as session:
        return await files.store(session, world.vault, who, name, data, largest)


async def test_a_file_is_kept_once_and_sealed(world: World) -> None:
    first = await store(world, "VC1")
    assert await store(world, "VC1") == first
    other_name, other_place = await store(world, "VC1", "别名.csv"), await store(world, "VC2")
    other_data = await store(world, "VC1", data=DATA + b"\0")
    assert len({first, other_name, other_place, other_data}) == 4
    rows = await world.rows("select * from file where id = any(:ids)", ids=[first, other_name, other_place, other_data])
    assert len(rows) == 4
    for stored in rows:
        assert not any(DATA in value or b"990201198002020017" in value for value in stored if isinstance(value, bytes))
        assert "990201198002020017" not in str(stored)
    (kept,) = (stored for stored in rows if stored.id == first)
    assert kept.size == len(DATA)
    who = world.who("VC1")
    async with world.database.session(who.scope) as session:
        assert await files.fetch(session, world.vault, who.county.id, first) == files.Content(first, "名册.csv", DATA)


async def test_a_file_behind_another_wall_is_not_found(world: World) -> None:
    kept = await store(world, "VC1")
    async with world.database.owner() as connection:
        await create_county(connection, "990202", "邻县", datetime(2021, 1, 1, tzinfo=UTC), officer=("R1", "管理员"))
    neighbour = await enter(world.database, "990202", "R1", world.who("R1").at.now)
    foreign = Scope(neighbour.county.id, ((0, 999999_999999),), neighbour.actor.id)
    tenants = {world.tenant.id, neighbour.county.id}
    scopes = [world.who("VC2").scope, world.who("L2").scope, neighbour.scope, foreign, Scope(world.tenant.id)]
    for scope, tenant in ((scope, tenant) for scope in scopes for tenant in tenants):
        async with world.database.session(scope) as session:
            with pytest.raises(Refused) as refused:
                await files.fetch(session, world.vault, tenant, kept)
        assert only(refused) is Code.NOT_FOUND
    for number in ("VC1", "W1", "K1", "C1"):
        async with world.database.session(world.who(number).scope) as session:
            assert (await files.fetch(session, world.vault, world.tenant.id, kept)).data == DATA


async def test_a_file_that_is_too_large_is_not_kept(world: World) -> None:
    count = await world.rows("select count(*) from file")
    with pytest.raises(Refused) as refused:
        await store(world, "VC1", largest=len(DATA) - 1)
    assert only(refused) is Code.FILE_TOO_LARGE
    world.database.settings = dataclasses.replace(world.database.settings, largest_file=10)
    with pytest.raises(Refused) as refused:
        await world.bring("households", "户编号,姓名", "R1")
    assert only(refused) is Code.FILE_TOO_LARGE
    assert await world.rows("select count(*) from file") == count
    await store(world, "VC1", largest=len(DATA))
    assert await world.rows("select count(*) from file") == [(count[0][0] + 1,)]


# --- an import that dies --------------------------------------------------------------------------------------

ROSTERS = IMPORTERS["households"]
HANDLERS = {ROSTERS.kind: importing.handler(ROSTERS)}
LARGE = [*HOMES, *(Home(f"N{i}", "东镇", "甲村", "L1", "已脱贫户", "2017", (), "", 0) for i in range(1192))]


def large_roster() -> str:
    """2,400 rows: new households, and changes of those there are."""
    rows = roster(LARGE).replace("H8,西镇,丙村,一组,贫困户,", "H8,西镇,乙村,二组,已脱贫户,2020")
    return (
        rows.replace("H8,西镇,乙村", "H8,东镇,乙村").replace("测2配偶", "测改名").replace("990000000001004", "66660000")
    )


async def register(world: World) -> list[tuple[Any, ...]]:
    """Everything in the registers by numbers and names, without ids and sealed bytes, in order."""
    dated = "x.valid_from, x.valid_to, x.known_from, x.known_to"
    home = "join household h on h.tenant_id = x.tenant_id and h.id = x.household_id"
    queries = {
        "household": "select number, division, group_name, created_at from household",
        "person": "select division, name, sex, birth_date, identity_index, identity_masked, phone_masked, created_at"
        " from person",
        "membership": f"select h.number, p.identity_index, x.division, x.relation, {dated} from membership x {home}"
        " join person p on p.tenant_id = x.tenant_id and p.id = x.person_id",
        "standing": f"select h.number, x.division, x.standing, x.exit_year, {dated} from standing x {home}",
        "account": f"select h.number, x.division, x.holder, x.bank, x.number_index, {dated} from account x {home}",
        "cadre": f"select h.number, x.division, o.number, {dated} from household_cadre x {home}"
        " join officer o on o.tenant_id = x.tenant_id and o.id = x.officer_id",
    }
    found = [(name, *line) for name, query in queries.items() for line in await world.rows(query)]
    return sorted(found, key=repr)


async def test_an_import_left_by_a_dead_worker_ends_the_same(
    world: World, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK", 3)
    rows = people()
    for number, row_ in enumerate(rows):
        row_.update({"姓名": f"测改{number // 7}{'甲乙丙丁戊己庚'[number % 7]}", "村民小组": "二组"})
    who, before = world.who("R1"), await contents(world)
    job = await importing.ask(world.database, world.vault, who, ROSTERS, "a.csv", sheet(rows).encode())

    def dies(done: int, _: int | None) -> None:
        if done > len(rows) + 6:
            raise Killed

    with pytest.raises(Killed):
        await jobs.run(world.database, world.vault, who, job, HANDLERS, dies)
    half = await contents(world)
    assert half["person"] != before["person"]
    await expire(world)
    assert await waiting(world, "R1") == [job]
    status = await jobs.run(world.database, world.vault, who, job, HANDLERS)
    assert status.state == "done"
    assert tallies(status) == {"household": (0, 4, 4), "person": (0, 8, 8)}
    await repeats(world, "households", sheet(rows))
    undisturbed = World(database, world.vault)
    await undisturbed.build()
    undisturbed.today = world.today
    await undisturbed.bring("households", sheet(rows), "R1")
    assert await register(world) == await register(undisturbed)


CHILD = """
import asyncio, json, os, signal, sys, threading
from datetime import date
from pathlib import Path
from sqlalchemy import event
from bangfu.db import Database
from bangfu.db.session import engine_for
from bangfu.registry import importing
from bangfu.settings import Settings
from bangfu.vault import Vault

told, seen = json.loads(sys.stdin.read()), 0
sys.path.insert(0, told["root"])
from tests.county import World

importing.CHUNK = told["chunk"]
engine = engine_for("postgresql+asyncpg://", told["arguments"])

@event.listens_for(engine.sync_engine, "before_cursor_execute")
def count(*_):
    global seen
    seen += 1
    if seen == told["kill_at"]:
        threading.Timer(told["after"], os.kill, (os.getpid(), signal.SIGKILL)).start()

async def main():
    global seen
    home = Path(told["home"])
    database = Database(Settings(home), None, engine, None)
    world = World(database, Vault.parse(told["ring"]), date.fromisoformat(told["today"]))
    await world.look()
    seen = 0
    status = await world.bring("households", (home / "large.csv").read_bytes(), "R1")
    if told["kill_at"]:
        await asyncio.sleep(60)
    print(json.dumps([seen, status.state]))
    await database.close()

asyncio.run(main())
"""


async def test_an_import_killed_at_any_moment_and_run_again_ends_the_same(
    world: World, database: Database, server: EmbeddedServer, tmp_path: Path
) -> None:
    """Killed while a statement is on its way or just done; what an undisturbed import makes is the oracle."""
    (tmp_path / "large.csv").write_text(large_roster(), encoding="utf-8")
    root = str(Path(__file__).parents[2])
    told = {"root": root, "home": str(tmp_path), "ring": world.vault.dump(), "today": str(world.today), "chunk": 240}

    async def child(of: World, kill_at: int, after: float = 0.0) -> tuple[int | None, str]:
        ((name,),) = await of.rows("select current_database()")
        said = {**told, "arguments": server.connect_arguments(APP, name), "kill_at": kill_at, "after": after}
        pipes: dict[str, Any] = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", CHILD, **pipes)
        output, _ = await process.communicate(json.dumps(said).encode())
        return process.returncode, output.decode()

    undisturbed = World(database, world.vault)
    await undisturbed.build()
    undisturbed.today = world.today
    code, output = await child(undisturbed, 0)
    needed, state = json.loads(output)
    assert (code, state) == (0, "done")
    expected = await register(undisturbed)
    code, output = await child(undisturbed, 0)
    again, state = json.loads(output)
    assert (code, state) == (0, "done")
    assert again < needed / 2  # a file that changes nothing is read once
    assert await register(undisturbed) == expected

    chance = random.Random(20210930)
    everyone = "select count(*) from membership"
    progress = [(await world.rows(everyone))[0][0]]
    for part in (0.5, 0.58, 0.66):
        kill_at = int(needed * part) - chance.randrange(10)
        assert (await child(world, kill_at, chance.choice([0.0, 0.001, 0.01]))) == (-signal.SIGKILL, "")
        progress.append((await world.rows(everyone))[0][0])
    assert progress == sorted(progress)
    assert progress[0] < progress[-1] < len(LARGE) * 2
    await expire(world)
    left = await waiting(world, "R1")
    assert len(left) == 3
    status = await jobs.run(world.database, world.vault, world.who("R1"), left[-1], HANDLERS)
    assert status.state == "done"
    assert await register(world) == expected


async def test_an_import_that_a_later_one_has_overtaken_is_not_taken_up(world: World) -> None:
    """What was interrupted yesterday must not write over what was imported today."""
    rows = people("H1")
    for row_ in rows:
        row_["一卡通账号"] = "6600000000000001"
    who = world.who("R1")
    old = await importing.ask(world.database, world.vault, who, ROSTERS, "旧.csv", sheet(rows).encode())
    for row_ in rows:
        row_["一卡通账号"] = "6600000000000002"
    assert (await world.bring("households", sheet(rows), "R1")).state == "done"
    before = await contents(world)
    assert await waiting(world, "R1") == [old]
    status = await jobs.run(world.database, world.vault, who, old, HANDLERS)
    assert (status.state, [p["code"] for p in status.result["problems"]]) == ("refused", ["SUPERSEDED"])
    assert await contents(world) == before


async def test_two_imports_at_once_register_nobody_twice(world: World) -> None:
    """Persons without a number have no key in the database: only one import at a time keeps them apart."""
    rows = [{**row_, "证件号码": ""} for number in range(40) for row_ in new_home(f"P{number}", 3000 + 2 * number)]
    for number, row_ in enumerate(rows):
        row_["姓名"] = f"测{'甲乙丙丁戊己庚辛壬癸'[number % 10]}{'子丑寅卯辰巳午未'[number // 10]}"
    both = await asyncio.gather(
        world.bring("households", sheet(rows), "R1"), world.bring("households", sheet(rows), "R1")
    )
    assert {status.state for status in both} <= {"done", "refused"}
    ((members,),) = await world.rows("select count(*) from membership m join household h on h.id = m.household_id"
                                     " where h.number like 'P%' and m.known_to is null")  # fmt: skip
    assert members == 80
    await repeats(world, "households", sheet(rows))
