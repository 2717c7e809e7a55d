"""The number of SQL statements does not grow with the number of households, and two acts on one case have one
winner."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from bangfu.cases import acts, overview, receipts, sampling
from bangfu.cases.ground import grounds_of
from bangfu.cases.views import Selection, look, look_at
from bangfu.cases.whom import Whom
from bangfu.errors import Refused
from tests.county import FEBRUARY, HOMES, MARCH, SEPTEMBER, Home, Statements, World, clean, codes, roster
from tests.county import ledger as made_ledger

MORE = tuple(
    Home(f"N{n:03d}", "东镇", "甲村", "L1", "已脱贫户", "2018", (("养殖", str(1000 + n)),), "eligible", 0)
    for n in range(120)
)


async def larger(world: World) -> None:
    """A hundred and twenty more households in 甲村."""
    homes = (*HOMES, *MORE)
    assert (await world.bring("households", roster(homes).replace("测N", "测新"), "R1")).state == "done"
    world.today = SEPTEMBER
    assert (await world.bring("income", made_ledger(homes), "R1")).state == "done"


async def count(world: World, number: str, function: Any, selection: Selection, **options: Any) -> int:
    who = world.who(number)
    ground = await world.ground(who)
    with Statements(world.database) as statements:
        async with world.database.session(who.scope) as session:
            report = await function(session, who, ground, selection, **options)
    assert report is not None
    return len(statements)


async def journey(world: World, homes: tuple[str, ...]) -> dict[str, int]:
    """How many statements each step takes for some households of 甲村, from plan to acceptance."""
    from tests.county import ACCEPTED, POSTED

    chosen = Selection(numbers=homes)
    counts = {}
    who = world.who("L1", FEBRUARY)
    ground = await world.ground(who)
    from bangfu.cases import planning
    from bangfu.cases.planning import PlanStated
    from bangfu.cases.views import Stated
    from county_default.vocabulary import Project

    plans = [PlanStated(home, {"projects": frozenset({Project.SMALL_TRADE})}, Stated()) for home in homes]
    with Statements(world.database) as statements:
        async with world.database.session(who.scope) as session:
            clean(await planning.plan(session, who, ground, plans))
    counts["plan"] = len(statements)
    world.today = MARCH
    counts["in place"] = await count(world, "L1", acts.sign, chosen, stage="in_place")
    world.today = SEPTEMBER
    counts["account"] = await count(world, "VC1", acts.account, chosen)
    for number in ("L1", "W1", "VC1", "B1"):
        counts[f"sign {number}"] = await count(world, number, acts.sign, chosen, stage="accounting")
    world.today = POSTED
    counts["post"] = await count(world, "VC1", acts.post, chosen)
    world.today = ACCEPTED
    counts["accept"] = await count(world, "A2", acts.accept, chosen)
    assert {stage for home, stage in (await world.stages()).items() if home in homes} == {"sample"}
    return counts


async def test_acts_take_as_many_statements_for_one_household_as_for_a_hundred(world: World) -> None:
    await larger(world)
    one = await journey(world, ("N000",))
    hundred = await journey(world, tuple(home.number for home in MORE[1:101]))
    assert hundred == one
    assert max(one.values()) <= 18, one


async def test_lists_take_a_constant_number_of_statements(world: World) -> None:
    await larger(world)

    async def counts() -> list[int]:
        who = world.who("C1")
        ground = await world.ground(who)
        found = []
        for read in (
            lambda session: look(session, who, ground, Selection()),
            lambda session: overview.overview(session, who, ground),
            lambda session: overview.waiting(session, who, ground, Selection()),
            lambda session: receipts.replay(session, who, world.programme, "2021"),
        ):
            with Statements(world.database) as statements:
                async with world.database.session(who.scope) as session:
                    await read(session)
            found.append(len(statements))
        return found

    clean(await world.plan("L1", "N000"))
    few = await counts()
    clean(await world.plan("L1", *(home.number for home in MORE[1:])))
    assert await counts() == few
    assert few == [6, 3, 6, 4], "scope, then the reading itself"


async def test_the_answers_for_many_take_as_many_statements_as_for_one(world: World) -> None:
    await larger(world)
    clean(await world.plan("L1", *(home.number for home in MORE[:40])))
    who = world.who("C1")
    ground = await world.ground(who)
    rows = await world.rows("select id, number from household order by number")

    async def count_(numbers: int) -> tuple[int, int]:
        with Statements(world.database) as statements:
            async with world.database.session(who.scope) as session:
                found = await receipts.answers(
                    session, who, ground, [Whom(row.number, row.id) for row in rows[:numbers]]
                )
        return len(statements), len(found)

    assert await count_(1) == (6, 1)
    assert await count_(len(rows)) == (6, len(rows))
    async with world.database.session(who.scope) as session:
        many = await receipts.answers(session, who, ground, [Whom(row.number, row.id) for row in rows])
        for row in rows[:3]:
            assert many[row.id] == await receipts.why(session, who, ground, row.number)


async def test_cases_of_any_period_are_looked_at_in_as_many_statements(world: World) -> None:
    await world.until("acceptance")
    who = world.who("C1")
    ids = [row.id for row in await world.rows("select id from case_file order by id")]

    async def count_(cases: Sequence[Any]) -> tuple[int, int]:
        with Statements(world.database) as statements:
            async with world.database.session(who.scope) as session:
                grounds = await grounds_of(session, world.tenant.id, [world.programme])
                found = await look_at(session, who, grounds, cases)
        return len(statements), len(found)

    # The scope, the editions, the calendar; the cases, the divisions, the notices, the awaited checks, who had a hand in them.
    assert await count_(ids[:1]) == (8, 1)
    assert await count_(ids) == (8, len(ids))
    async with world.database.session(who.scope) as session:
        grounds = await grounds_of(session, world.tenant.id, [world.programme])
        assert list(grounds) == [("consolidation", "2021")]
        looked = await look_at(session, who, grounds, ids)
    expected = {case.id: case.view for case in (await world.cases()).values()}
    assert {id_: case.view for id_, case in looked.items()} == expected


# --- races -----------------------------------------------------------------------------------------------------


async def both(*attempts: Any) -> list[Any]:
    """Everything at once; who loses is refused, and never meets an error."""
    results = await asyncio.gather(*attempts, return_exceptions=True)
    strange = [r for r in results if isinstance(r, BaseException) and not isinstance(r, Refused)]
    assert not strange, strange
    return results


@pytest.mark.parametrize("attempt", range(3))
async def test_two_who_accept_at_once_have_one_winner(world: World, attempt: int) -> None:
    await world.until("acceptance")
    chosen = Selection(numbers=["H1", "H2", "H5"], stages=["notice"])
    reports = await both(*(world.act("A2", acts.accept, chosen) for _ in range(5)))
    won = [number for report in reports for number in report.done]
    assert sorted(won) == ["H1", "H2", "H5"]
    lost = [p.code.name for report in reports for _, p in report.refused]
    assert set(lost) <= {"CONFLICT", "WRONG_STAGE", "NOT_FOUND"}
    events = await world.rows("select count(*) from case_event where act = 'accept'")
    assert events[0][0] == 3


async def test_acceptance_against_an_objection_has_one_winner(world: World) -> None:
    from datetime import date

    await world.until("acceptance")

    async def object_to(session: Any, who: Any, ground: Any, selection: Any) -> Any:
        from bangfu.cases.views import Stated

        return await acts.object_to(
            session, who, ground, "H1", "不实", stated=Stated(date(2021, 10, 15), evidence="信件")
        )

    reports = await both(world.act("A2", acts.accept, Selection(numbers=["H1"])), world.act("VC1", object_to))
    assert sum(len(report.done) for report in reports) >= 1
    case = (await world.cases())["H1"]
    open_objections = (await world.rows("select count(*) from objection"))[0][0]
    # Either it was accepted and nobody objected in time, or the objection stands and it waits.
    assert (case.view.stage, open_objections) in {("sample", 0), ("notice", 1)}


async def test_two_plans_for_one_household_open_one_case(world: World) -> None:
    results = await both(*(world.plan("L1", "H1") for _ in range(4)))
    assert sorted(tuple(codes(report).values()) for report in results) == [(), *[("ALREADY_CLAIMED",)] * 3]
    assert (await world.rows("select count(*) from case_file"))[0][0] == 1
    assert (await world.rows("select count(*) from claim"))[0][0] == 1


async def test_two_draws_at_once_make_one_frame(world: World) -> None:
    from datetime import date

    from tests.core.test_sampling import draw

    await world.until("sample")
    world.today = date(2021, 10, 20)
    results = await both(*(draw(world, seed=f"种子{n}") for n in range(3)))
    assert len([r for r in results if not isinstance(r, BaseException)]) == 1
    assert (await world.rows("select count(*), sum(frame_size) from sample_draw"))[0] == (1, 4)


async def test_two_batches_at_once_pay_once(world: World) -> None:
    from bangfu.cases import paying
    from tests.core.test_payments import ready

    await ready(world)
    who = world.who("C2")
    line = await world.fund()
    ground = await world.ground(who)

    async def make() -> Any:
        async with world.database.session(who.scope) as session:
            return await paying.make_batch(session, who, world.vault, ground, line)

    results = await both(make(), make(), make())
    assert len([r for r in results if not isinstance(r, BaseException)]) == 1
    assert (await world.rows("select count(*) from payment_line"))[0][0] == 4


async def test_the_last_two_results_of_a_sample_given_at_once_let_the_frame_go_on_once(world: World) -> None:
    from datetime import date

    from tests.core.test_sampling import draw

    await world.until("sample")
    world.today = date(2021, 10, 20)
    made = await draw(world)
    chosen = Selection(numbers=made.households)
    reports = await both(*(world.act(n, sampling.check, chosen, passed=True) for n in ("C1", "C2", "C3")))
    assert sum(len(report.done) for report in reports) == 1
    assert (await world.rows("select count(*) from entitlement"))[0][0] == 4
