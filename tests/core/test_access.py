"""Who may do what: the compiled policy is what casbin says, duties count on their days, counties and clocks."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime
from uuid import uuid4

import pytest
from sqlalchemy import text

from bangfu.access import (
    Action,
    Actor,
    County,
    Held,
    allowed,
    county,
    create_county,
    duties_that_may,
    enforcer,
    enter,
    set_demo_day,
)
from bangfu.db import Database, Scope
from bangfu.errors import Code, Refused
from bangfu.process import Duty
from tests.county import BASE, CODE, T1, V1, V2, World

SUBSETS = [frozenset(pair) for size in (0, 1, 2, 3) for pair in itertools.combinations(Duty, size)]


def test_the_compiled_policy_answers_as_the_enforcer_does() -> None:
    """For every set of up to three duties and every action, worked out from the rows of the policy itself."""
    rows = [tuple(row) for row in enforcer().get_policy()]
    allows = {(duty, act) for duty, act, effect in rows if effect == "allow"}
    denies = {(duty, act) for duty, act, effect in rows if effect == "deny"}
    assert len(allows) + len(denies) == len(rows)
    for duties in SUBSETS:
        expected = {
            action
            for action in Action
            if any((duty.value, action.value) in allows for duty in duties)
            and not any((duty.value, action.value) in denies for duty in duties)
        }
        assert allowed(duties) == expected, duties


def test_the_policy_names_only_duties_and_actions_that_exist() -> None:
    for duty, action, _ in enforcer().get_policy():
        Duty(duty)
        Action(action)
    assert {action for action in Action if not duties_that_may(action)} == set()


@pytest.mark.parametrize(
    ("duties", "action", "may"),
    [
        ({Duty.REGISTRAR}, Action.IMPORT_HOUSEHOLDS, True),
        ({Duty.TOWNSHIP_CLERK}, Action.IMPORT_HOUSEHOLDS, False),
        ({Duty.VILLAGE_COMMITTEE}, Action.IMPORT_INCOME, True),
        ({Duty.VILLAGE_COMMITTEE, Duty.FINANCE}, Action.IMPORT_INCOME, False),
        ({Duty.COUNTY_OFFICE}, Action.RELEASE_PROVISION, True),
        ({Duty.COUNTY_OFFICE, Duty.REGISTRAR}, Action.RELEASE_PROVISION, False),
        ({Duty.COUNTY_OFFICE}, Action.EXPORT_PAYMENTS, False),
        ({Duty.FINANCE}, Action.EXPORT_PAYMENTS, True),
        (set(), Action.READ_AUDIT, False),
    ],
)
def test_who_may(duties: set[Duty], action: Action, may: bool) -> None:
    assert (action in allowed(frozenset(duties))) is may


def test_duties_count_on_their_days_and_over_their_areas() -> None:
    held = (
        Held(Duty.LINKED_CADRE, V1, V1, date(2020, 1, 1), date(2021, 3, 1)),
        Held(Duty.VILLAGE_CADRE, V2, V2, date(2021, 3, 1), None),
        Held(Duty.TOWNSHIP_CLERK, T1, T1 + 999, date(2021, 6, 1), None),
    )
    officer = Actor(uuid4(), "X", "某", County(1, CODE, "县", None), held)
    assert officer.duties(date(2019, 12, 31)) == frozenset()
    assert officer.duties(date(2021, 2, 28)) == {Duty.LINKED_CADRE}
    assert officer.duties(date(2021, 3, 1)) == {Duty.VILLAGE_CADRE}
    assert officer.duties(date(2021, 7, 1), V1) == {Duty.TOWNSHIP_CLERK}
    assert officer.scope(date(2021, 3, 1)) == Scope(1, ((V2, V2),), officer.id, ((V2, V2),), (), (), True)
    assert officer.scope(date(2021, 7, 1)).areas == ((T1, T1 + 999),)
    assert officer.scope(date(2019, 1, 1)).areas == ()
    with pytest.raises(Refused) as refused:
        officer.areas(date(2019, 1, 1))
    assert refused.value.problems[0].code.name == "FORBIDDEN"


async def test_entering_a_county(world: World) -> None:
    who = await enter(world.database, CODE, "VC1", datetime(2021, 5, 1, 2, tzinfo=UTC))
    assert (who.actor.number, who.at.today, who.scope.areas) == ("VC1", date(2021, 5, 1), ((V1, V1),))
    late = await enter(world.database, CODE, "VC1", datetime(2021, 4, 30, 17, tzinfo=UTC))
    assert late.at.today == date(2021, 5, 1), "a day of the county begins at 16:00 UTC"
    for code, number, problem in (("990299", "L1", "TENANT_UNKNOWN"), (CODE, "L999", "OFFICER_UNKNOWN")):
        with pytest.raises(Refused) as refused:
            await enter(world.database, code, number)
        assert refused.value.problems[0].code.name == problem


async def test_counties_are_made_by_the_owner_with_a_first_officer(database: Database) -> None:
    async with database.owner() as connection:
        await create_county(connection, "990301", "新县", datetime(2021, 1, 1, tzinfo=UTC), officer=("R1", "管理员"))
    found = await county(database, "990301")
    assert (found.name, found.demo_today, found.area) == ("新县", None, (990301_000000, 990301_999999))
    who = await enter(database, "990301", "R1")
    assert who.actor.duties(who.at.today) == {Duty.REGISTRAR, Duty.COUNTY_OFFICE}
    for code, problem in (
        ("990301", "TENANT_EXISTS"),
        ("99030", "BAD_VALUE"),
        ("099301", "BAD_VALUE"),
        ("ab0301", "BAD_VALUE"),
    ):
        with pytest.raises(Refused) as refused:
            async with database.owner() as connection:
                await create_county(connection, code, "县", datetime(2021, 1, 1, tzinfo=UTC), officer=("R1", "管"))
        assert refused.value.problems[0].code.name == problem
    async with database.owner() as connection:
        assert (await connection.execute(text("select count(*) from tenant"))).scalar() == 1


async def test_a_demo_county_lives_on_its_own_day_which_only_moves_on(database: Database) -> None:
    start = date(2021, 1, 20)
    async with database.owner() as connection:
        made = datetime(2026, 1, 1, tzinfo=UTC)
        await create_county(connection, "990302", "演示县", made, demo_today=start, officer=("R1", "管理员"))
        await create_county(connection, "990303", "真县", made, officer=("R1", "管理员"))
        await set_demo_day(connection, "990302", date(2021, 2, 20), datetime(2026, 11, 22, 15, 0, tzinfo=UTC))
        await set_demo_day(connection, "990302", date(2021, 2, 20), datetime(2026, 11, 22, 17, 0, tzinfo=UTC))
    demo = await county(database, "990302")
    # The day began at 15:00 UTC, an hour before midnight in China; it runs on past that, stops at its end, never goes back.
    for at, told in (
        (datetime(2026, 11, 22, 15, 30, tzinfo=UTC), "2021-02-20T00:30:00+08:00"),
        (datetime(2026, 11, 22, 16, 30, tzinfo=UTC), "2021-02-20T01:30:00+08:00"),
        (datetime(2026, 11, 30, tzinfo=UTC), "2021-02-20T23:59:59.999999+08:00"),
        (datetime(2026, 11, 22, 14, 0, tzinfo=UTC), "2021-02-20T00:00:00+08:00"),
    ):
        moment = demo.moment(at)
        assert (moment.today, moment.now.isoformat()) == (date(2021, 2, 20), told)
    for code, day, problem in (
        ("990302", date(2021, 2, 19), "BAD_VALUE"),
        ("990303", date(2030, 1, 1), "BAD_VALUE"),
        ("990304", date(2030, 1, 1), "TENANT_UNKNOWN"),
    ):
        with pytest.raises(Refused) as refused:
            async with database.owner() as connection:
                await set_demo_day(connection, code, day, made)
        assert refused.value.problems[0].code.name == problem
    assert (await county(database, "990302")).demo_today == date(2021, 2, 20)


async def test_two_counties_side_by_side_never_meet(world: World) -> None:
    async with world.database.owner() as connection:
        at = datetime(2021, 1, 1, tzinfo=UTC)
        await create_county(connection, "990202", "邻县", at, officer=("R1", "管理员"))
    neighbour = await enter(world.database, "990202", "R1")
    async with world.database.session(neighbour.scope) as session:
        for table in ("household", "case_file", "officer", "division", "edition", "provision", "audit_entry"):
            seen = (await session.execute(text(f"select count(*) from {table}"))).scalar()
            assert seen == (1 if table == "officer" else 0), table
    assert neighbour.county.area == (BASE + 1_000_000, BASE + 1_999_999)


async def test_who_works_for_an_enterprise_has_no_area_and_few_permissions(world: World) -> None:
    agent = Held(Duty.ENTERPRISE_AGENT, BASE, BASE + 999_999, date(2020, 1, 1), None)
    actor = Actor(world.who("C1").actor.id, "E1", "企业甲", world.tenant, (agent,))
    today = date(2021, 3, 1)
    assert actor.duties(today) == {Duty.ENTERPRISE_AGENT}
    assert actor.duties(today, V1) == frozenset()
    assert actor.scope(today).areas == ()
    assert allowed(actor.duties(today)) == frozenset()
    with pytest.raises(Refused) as refused:
        actor.areas(today)
    assert refused.value.problems[0].code is Code.FORBIDDEN
    async with world.database.session(actor.scope(today)) as session:
        for table in ("household", "person", "case_file", "job", "file"):
            assert (await session.execute(text(f"select count(*) from {table}"))).scalar() == 0, table
    # Beside a duty in a village, the enterprise's adds nothing.
    both = Actor(actor.id, "E1", "企业甲", world.tenant, (agent, Held(Duty.WORK_TEAM, V1, V1, date(2020, 1, 1), None)))
    assert both.scope(today).areas == ((V1, V1),)
    assert both.duties(today, V1) == {Duty.WORK_TEAM}
