"""Nobody sees or does what is not theirs: the attack on the real system finds nothing, and finds every fault that is
planted in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import access, files
from bangfu.cases import acts, participants, planning
from bangfu.cases import ground as grounds
from bangfu.cases.views import Selection, Stated
from bangfu.db import session as sessions
from bangfu.db.embedded import ADMIN, EmbeddedServer
from bangfu.db.session import engine_for
from bangfu.errors import Code
from bangfu.models import Household
from bangfu.process import Duty
from bangfu.text import Text
from bangfu.vault import Vault
from bangfu_graphql import server as routes
from bangfu_graphql import working
from bangfu_graphql.reading import Reader
from county_default.leading.rules import Entity, Mode
from tests.api.attack import MONTHLY, PARTS, Attack
from tests.api.conftest import serving
from tests.api.counties import ROLES, make_twin
from tests.api.test_reading import LAST_DAY, story
from tests.conftest import FULL, connect, lent
from tests.county import HOMES, Home, World, clean, roster
from tests.stories import copy_of, drop
from tests.subsidies import OFFICERS as OFFICES
from tests.subsidies import Subsidies

SHARE, LEAST = (1, 30_000) if FULL else (41, 2_500)
"""Which part of its probes each role tries, the next role another, asking for ids and counts alone; in full, all of them
for everything. And how many that is at least."""
SILENT = (
    "Query.whyDenied",  # says nothing where nothing is denied
    "Query.countyFileChanges",  # takes a whole text, which names nothing
    "Query.pairingCertificate",  # the number of a paper of which none is issued there; tried where one is
    # Its one case is not that far, and nobody else could have it.
    *(f"LeadingPeriod.{name}" for name in ("notices", "samples", "batches", "missed", "overpaid")),
    # What is paid every month has no notice and no sample, and is decided again by its months.
    *(f"DisabilityCarePeriod.{name}" for name in ("notices", "samples", "missed", "overpaid")),
)
"""What shows nothing of the asker's own, and why."""
RUN = ("consolidation", "leading", MONTHLY)
"""The programmes that the county runs; in the second households take part in another's case, by the third persons are
paid every month."""


def superuser(server: EmbeddedServer, name: str) -> Callable[[], Any]:
    """Opens a connection that no wall holds back."""
    return lambda: asyncpg.connect(**server.connect_arguments(ADMIN, name))


async def more_is_known(world: World) -> None:
    """The day before the story ends: a household of 甲村 that never applied, and an income that H1, which is paid, did
    not have. Lists that are decided as they are read show both."""
    world.today = LAST_DAY - timedelta(days=1)
    head, *lines = roster((*HOMES, Home("H90", "东镇", "甲村", "", "已脱贫户", "2018", (), "", 0))).splitlines()
    own = [line for line in lines if line.startswith("H90,")]
    assert (await world.bring("households", "\n".join([head, *own]), "R1")).state == "done"
    ledger = "户编号,日期,收入类别,项目,总收入\nH90,2021-03-01,养殖,养殖项目,1000\nH1,2021-03-01,养殖,养殖项目,1\n"
    assert (await world.bring("income", ledger, "R1")).state == "done"
    world.today = LAST_DAY


@pytest.fixture(scope="module")
async def attacked(
    server: EmbeddedServer, peopled: str, vault: Vault, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    """The name of a database with the two counties."""
    name = await copy_of(server, "attacked", peopled)
    opened = connect(server, name, tmp_path_factory.mktemp("home"))
    world = Subsidies(opened, vault)
    world.on("consolidation")
    await world.look()
    async with serving(opened, vault, world) as made:
        await story(made)
        await lead(world)
        await subsidise(world)
        await made.work()
        await more_is_known(made.world)
    await opened.close()
    connection = await superuser(server, name)()
    try:
        await make_twin(connection, vault)
    finally:
        await connection.close()
    yield name
    await drop(server, name)


async def lead(world: World) -> None:
    """A household that leads two others; one of them has answered, and one takes part no more."""
    world.code, today = "leading", world.today
    world.today = date(2021, 9, 20)
    keeper = world.who("C1")
    async with world.database.session(keeper.scope) as session:
        await grounds.switch_on(session, keeper, world.programme, world.today)
        await grounds.open_period(session, keeper, world.programme, world.period)
    who = world.who("VC1")
    ground = await world.ground(who)
    facts = {"modes": frozenset({Mode.PROJECT}), "entity": Entity.NONE}
    for led in (("H1", "H4"), ("H1", "H2")):
        stated = Stated(reason="更正")
        async with world.database.session(who.scope) as session:
            await planning.plan(session, who, ground, [planning.PlanStated("H3", facts, stated, {"led": led})])
    async with world.database.session(who.scope) as session:
        stated = Stated(evidence="签字表")
        await participants.answer(session, who, ground, "H3", "H1", agreed=True, stated=stated)
    world.code, world.today = "consolidation", today


async def subsidise(world: Subsidies) -> None:
    """A person of each township is paid every month; of what was paid for February, something is set off in March."""
    today = world.today
    assert (await world.bring("officers", OFFICES, "R1")).state == "done"
    world.on(MONTHLY, today=date(2021, 2, 1))
    numbers = ("H1-01", "H7-01")
    for number in numbers:
        await world.holds(number, "certificate", date(2020, 1, 1), level=1, generation=2)
    await world.open()
    world.today = date(2021, 2, 2)
    for committee, number in zip(("VC1", "VC3"), numbers, strict=True):
        who = world.who(committee)
        ground = await world.ground(who)
        async with world.database.session(who.scope) as session:
            clean(await planning.plan(session, who, ground, [planning.PlanStated(number, {}, Stated())]))
    clean(await world.act("DF1", acts.account, Selection(numbers=numbers)))
    for clerk in ("K1", "K2"):
        await world.sign(clerk, "first_review")
    clean(await world.sign("DF1", "second_review", *numbers))
    await world.decide(2)
    await world.pay(2)
    for number in numbers:
        await world.holds(number, "certificate", date(2020, 1, 1), level=2, generation=2)
    await world.decide(3)
    await world.pay(3)
    for number in numbers:  # what deciding it again would change
        await world.holds(number, "certificate", date(2021, 3, 1), level=1, generation=2)
    world.on("consolidation", today=today)


@asynccontextmanager
async def attacking(server: EmbeddedServer, attacked: str, vault: Vault, home: Path) -> AsyncIterator[Attack]:
    """An attack on a server over a copy of the two counties."""
    async with lent(server, attacked, home) as (name, opened), serving(opened, vault, World(opened, vault)) as served:
        made = Attack(served, superuser(server, name), RUN)
        made.arguments = server.connect_arguments(ADMIN, name)
        yield made


@pytest.fixture(scope="module")
async def prepared(
    server: EmbeddedServer, attacked: str, vault: Vault, tmp_path_factory: pytest.TempPathFactory
) -> Attack:
    """An attack that has read whose every row is, for all that follow."""
    async with attacking(server, attacked, vault, tmp_path_factory.mktemp("home")) as made:
        await made.prepare()
    return made


@pytest.fixture
async def attack(
    server: EmbeddedServer, attacked: str, prepared: Attack, vault: Vault, tmp_path: Path
) -> AsyncIterator[Attack]:
    """An attack that knows whose every row is."""
    async with attacking(server, attacked, vault, tmp_path) as made:
        made.learn(prepared)
        yield made


async def test_nobody_sees_or_does_what_is_not_theirs(attack: Attack, told: list[str]) -> None:
    attack.share, attack.light = SHARE, not FULL
    for number in ROLES:
        await attack.as_role(number, [part for part in PARTS if part != "jobs"])
    for number in ROLES:  # last, for the jobs that they put in are theirs to keep
        await attack.as_role(number, ["jobs"])
    report = attack.report
    unshown = {place for place in report.places if not report.shown[place]}
    told += [report.line(), *(f"attack: left out {reason}" for reason in sorted(report.excluded))]
    assert not report.leaks, "\n".join(report.leaks[:50])
    assert report.total >= LEAST
    assert {role.duty for role in ROLES.values()} == set(Duty)
    # Whoever asks for what is his own is shown it: a place that never shows anything is not attacked either.
    assert {place for place in unshown if not place.startswith(SILENT)} == set()


# --- the faults -----------------------------------------------------------------------------------------------
# Each is planted in a running system that was sound when it started, and the same attack must name it. What it tries is
# narrowed to a few roles and parts, never to the row that the fault shows. A list says the bounds of its wall itself, so
# that a wall that is gone shows where objects are found by their ids.

Plant = Callable[[Attack, pytest.MonkeyPatch], Awaitable[None]]


def _sql(*statements: str) -> Plant:
    """A fault in the database."""

    async def plant(attack: Attack, patch: pytest.MonkeyPatch) -> None:
        connection = await attack.admin()
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    return plant


@asynccontextmanager
async def _beyond_the_walls(attack: Attack) -> AsyncIterator[AsyncSession]:
    """A session of a superuser's engine."""
    if attack.beyond is None:
        attack.beyond = engine_for("postgresql+asyncpg://", attack.arguments)
    async with AsyncSession(attack.beyond) as session:
        yield session


async def _scope_of_the_connection(attack: Attack, patch: pytest.MonkeyPatch) -> None:
    """The scope is set for the connection, once, and outlives the transaction."""

    def set_once(session: Any, transaction: Any, connection: Any) -> None:
        known = connection.execute(text("select coalesce(current_setting('app.officer', true), '')")).scalar()
        settings = session.info["scope"].settings()
        if not known and settings["app.officer"]:
            for name, value in settings.items():
                connection.execute(text("select set_config(:n, :v, false)"), {"n": name, "v": value})
            # Who only reads takes back what he set; whoever has written once has not.
            connection.exec_driver_sql("commit")
            connection.exec_driver_sql("begin")
        elif not known:
            original(session, transaction, connection)

    original = sessions._set_scope
    event.remove(sessions._ScopedSession, "after_begin", original)
    event.listen(sessions._ScopedSession, "after_begin", set_once)

    def back() -> None:
        event.remove(sessions._ScopedSession, "after_begin", set_once)
        event.listen(sessions._ScopedSession, "after_begin", original)

    attack.undo.append(back)


async def _owner_in_a_resolver(attack: Attack, patch: pytest.MonkeyPatch) -> None:
    """The list of households is read on an engine that no wall holds back."""
    paged = Reader._page

    async def beyond(self: Reader, selected: Any, page: Any, window: Any, conditions: Any) -> Any:
        if selected.entity.model is not Household:
            return await paged(self, selected, page, window, conditions)
        own = self.now
        try:
            async with _beyond_the_walls(attack) as self.now:
                return await paged(self, selected, page, window, conditions)
        finally:
            self.now = own

    patch.setattr(Reader, "_page", beyond)


async def _shared_cache(attack: Attack, patch: pytest.MonkeyPatch) -> None:
    """What a list came to is kept for whoever asks the same next."""
    kept: dict[str, Any] = {}
    paged = Reader._page

    async def cached(self: Reader, selected: Any, page: Any, window: Any, conditions: Any) -> Any:
        key = f"{selected.typename} {window.name} {window.size} {len(conditions)} {page.rows} {page.total}"
        if key not in kept:
            kept[key] = await paged(self, selected, page, window, conditions)
        return kept[key]

    patch.setattr(Reader, "_page", cached)


async def _count_beyond_the_walls(attack: Attack, patch: pytest.MonkeyPatch) -> None:
    """A count is asked of an engine that no wall holds back."""
    paged = Reader._page

    async def counted(self: Reader, selected: Any, page: Any, window: Any, conditions: Any) -> Any:
        answer = await paged(self, selected, page, window, conditions)
        if page.total:
            model: Any = selected.entity.model
            async with _beyond_the_walls(attack) as session:
                answer["total_count"] = await session.scalar(
                    select(func.count()).select_from(model).where(model.tenant_id == self.sight.tenant, *conditions)
                )
        return answer

    patch.setattr(Reader, "_page", counted)


async def _job_in_another_scope(attack: Attack, patch: pytest.MonkeyPatch) -> None:
    """The worker runs every job with the duties of the county's office."""

    async def entered(database: Any, code: str, number: str) -> access.Entered:
        who = await access.enter(database, code, number)
        office = await access.enter(database, code, f"C1@{code}")
        return replace(who, actor=replace(who.actor, held=office.actor.held))

    patch.setattr(working, "enter", entered)


async def _file_for_whoever_knows_its_id(attack: Attack, patch: pytest.MonkeyPatch) -> None:
    """The route of files looks for the id alone."""

    async def fetched(request: Any) -> Any:
        service = request.app.state.service
        await service.enter(request)
        query = text("select name, content from file where id = cast(:id as uuid)")
        async with _beyond_the_walls(attack) as session:
            row = (await session.execute(query, {"id": request.path_params["id"]})).first()
        if row is None:
            raise Code.NOT_FOUND.refuse("file", what=Text("文件", "the file"))
        return files.Content(UUID(request.path_params["id"]), row.name, row.content)

    patch.setattr(routes, "_fetched", fetched)


_TENANT = "tenant_id = nullif(current_setting('app.tenant', true), '')::integer"
_NO_AREAS = "coalesce(nullif(current_setting('app.areas', true), '{}'), '') = ''"
FAULTS: dict[str, tuple[Plant, tuple[str, ...], tuple[str, ...], str]] = {
    "a table whose wall is open": (
        _sql("alter policy wall_select on person using (true)"), ("K1",), ("reads",), "Query.node",
    ),
    "a wall that knows the county and no area": (
        _sql(f"alter policy wall_select on income_line using ({_TENANT})"), ("K1",), ("reads",), "Query.node",
    ),
    "a wall that knows the county and no school": (
        _sql(f"alter policy wall_select on schooling using ({_TENANT})"), ("SA",), ("reads",), "Query.node",
    ),
    "a wall of what is sensitive that knows the county alone": (
        _sql(f"alter policy wall_select on circumstance using ({_TENANT})"), ("VC2",), ("reads",), "Query.node",
    ),
    "a wall that knows the county and not who is asked": (
        _sql(f"alter policy wall_select on attestation using ({_TENANT})"), ("SA",), ("reads",), "Query.node",
    ),
    "a wall with a second gate": (
        _sql("create policy gate on case_file for select using (true)"), ("W1",), ("reads",), "Query.node",
    ),
    "a scope that stays with its connection": (_scope_of_the_connection, ("K1", "K2"), ("reads",), "Query.households"),
    "a resolver with the owner's engine": (_owner_in_a_resolver, ("K1",), ("reads",), "Query.households"),
    "a view with its owner's rights": (
        _sql(
            "alter table notice rename to notice_kept",
            "create view notice as select * from notice_kept",
            "grant select on notice to bangfu_app",
        ), ("K1",), ("reads",), "Query.node",
    ),
    "a key without the county": (
        _sql("create unique index keys on answered_request (key)"), ("K1",), ("keys",), "",
    ),
    "a cache that requests share": (_shared_cache, ("C1", "K1"), ("reads",), "Query.persons"),
    "a job in another's scope": (_job_in_another_scope, ("K1",), ("jobs",), ""),
    "no area taken for every area": (
        _sql(f"create policy gate on household for select using ({_TENANT} and {_NO_AREAS})"),
        ("L1",), ("reads",), "Query.node",
    ),
    "a count beyond the walls": (_count_beyond_the_walls, ("K1",), ("reads",), "Query.cases"),
    "a file for whoever knows its id": (_file_for_whoever_knows_its_id, ("K1",), ("files",), ""),
}  # fmt: skip
"""By what a fault is: how it is planted, and who tries what."""


@pytest.mark.parametrize(("plant", "roles", "parts", "only"), FAULTS.values(), ids=FAULTS.keys())
async def test_the_attack_names_a_fault_that_is_planted(
    attack: Attack,
    monkeypatch: pytest.MonkeyPatch,
    plant: Plant,
    roles: tuple[str, ...],
    parts: tuple[str, ...],
    only: str,
) -> None:
    attack.light = True
    for number in roles:
        await attack.as_role(number, parts, only)
    assert attack.report.leaks == []
    await plant(attack, monkeypatch)
    try:
        for number in roles:
            await attack.as_role(number, parts, only)
    finally:
        for undo in attack.undo:
            undo()
        if attack.beyond is not None:
            await attack.beyond.dispose()
    assert attack.report.leaks != []
