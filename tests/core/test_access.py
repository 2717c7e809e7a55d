"""Who may do what: the compiled policy is what casbin says, duties count on their days, counties and clocks."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from bangfu.access import (
    EVERY,
    Action,
    Actor,
    County,
    Held,
    Rule,
    allowed,
    allows,
    county,
    create_county,
    duties_that_may,
    enforcer,
    enter,
    set_demo_day,
)
from bangfu.access.policy import Expectation, above_ceiling, broken, ceiling, deciding, enforced, expectations
from bangfu.db import Database, Scope
from bangfu.errors import Code, Refused
from bangfu.process import Duty
from tests.county import BASE, CODE, T1, V1, V2, World

SUBSETS = [frozenset(pair) for size in (0, 1, 2, 3) for pair in itertools.combinations(Duty, size)]


PROGRAMMES, STAGES = ("consolidation", "training"), ("plan", "acceptance")
SOME = st.tuples(
    st.sampled_from([duty.value for duty in Duty]),
    st.sampled_from([action.value for action in Action]),
    st.sampled_from((EVERY, *PROGRAMMES)),
    st.sampled_from((EVERY, *STAGES)),
    st.sampled_from(("allow", "deny")),
)
PLACES = list(itertools.product((*PROGRAMMES, "another"), (*STAGES, "another")))


@given(rows=st.lists(SOME, max_size=6), duties=st.sets(st.sampled_from(list(Duty)), max_size=3), data=st.data())
@settings(max_examples=60, deadline=None)
def test_the_compiled_policy_answers_as_casbin_does(rows: list[Any], duties: set[Duty], data: Any) -> None:
    """Under any rules of a county: for every place that is or is not named, and with the place left open."""
    rules = tuple(Rule(*row) for row in rows)
    named = [Action(rule.action) for rule in rules] or list(Action)
    held, made = frozenset(duties), enforcer(rules)
    for action in (data.draw(st.sampled_from(named)), data.draw(st.sampled_from(list(Action)))):
        answers = {place: enforced(made, held, action, *place) for place in PLACES}
        for (programme, stage), answer in answers.items():
            assert allows(held, rules, action, programme, stage) is answer, (action, programme, stage)
        assert allows(held, rules, action) is any(answers.values())
        assert (action in allowed(held, rules)) is any(answers.values())
        for programme in PROGRAMMES:
            some = [answer for place, answer in answers.items() if place[0] == programme]
            assert allows(held, rules, action, programme) is any(some)
        for stage in STAGES:
            some = [answer for place, answer in answers.items() if place[1] == stage]
            assert allows(held, rules, action, EVERY, stage) is any(some)


def test_the_compiled_policy_of_the_platform_is_its_rows() -> None:
    """For every set of up to three duties and every action, worked out from the rows of the policy itself."""
    rows = [tuple(row) for row in enforcer().get_policy()]
    yes = {(duty, act) for duty, act, *_, effect in rows if effect == "allow"}
    no = {(duty, act) for duty, act, *_, effect in rows if effect == "deny"}
    assert len(yes) + len(no) == len(rows)
    for duties in SUBSETS:
        expected = {
            action
            for action in Action
            if any((duty.value, action.value) in yes for duty in duties)
            and not any((duty.value, action.value) in no for duty in duties)
        }
        assert allowed(duties) == expected, duties


def test_the_policy_names_only_duties_and_actions_that_exist() -> None:
    for duty, action, programme, stage, effect in enforcer().get_policy():
        Duty(duty)
        Action(action)
        assert (programme, stage) == (EVERY, EVERY), "the platform knows no programme"
        assert effect in ("allow", "deny")
    assert {action for action in Action if not duties_that_may(action)} == set()


@pytest.mark.parametrize(
    "expected", expectations(), ids=lambda e: f"{e.effect} {'+'.join(sorted(e.duties))} {e.action}"
)
def test_what_is_expected_of_the_policy_comes_true(expected: Expectation) -> None:
    """By casbin itself, not by what is compiled from it."""
    assert expected.effect in ("allow", "deny")
    assert expected.holds in ("always", "default")
    answer = enforced(enforcer(), expected.duties, expected.action, expected.programme, expected.stage)
    assert answer is (expected.effect == "allow")
    assert expected.met()


def test_of_every_duty_something_is_expected_and_something_is_not() -> None:
    for duty in Duty:
        effects = {expected.effect for expected in expectations() if duty in expected.duties}
        assert effects == {"allow", "deny"}, duty


def test_what_a_county_may_allow_is_not_allowed_already_and_breaks_nothing() -> None:
    assert len(ceiling()) > 20
    for duty, action in ceiling():
        rule = Rule(duty.value, action.value, EVERY, EVERY, "allow")
        assert not allows(frozenset({duty}), (), action), rule
        assert allows(frozenset({duty}), (rule,), action), rule
        assert not above_ceiling(rule)
        assert broken((rule,)) is None, rule
    # Even a county that allows everything that it may.
    everything = tuple(Rule(duty.value, action.value, EVERY, EVERY, "allow") for duty, action in ceiling())
    assert broken(everything) is None
    assert above_ceiling(Rule("village_committee", "pay_cases", EVERY, EVERY, "allow"))
    assert not above_ceiling(Rule("village_committee", "pay_cases", EVERY, EVERY, "deny"))
    assert not above_ceiling(Rule("finance", "pay_cases", "consolidation", EVERY, "allow"))


@pytest.mark.parametrize("duty", [Duty.AUDITOR, Duty.SUPERIOR, Duty.HOUSEHOLDER])
def test_who_looks_on_changes_nothing_anywhere(duty: Duty) -> None:
    may = allowed(frozenset({duty}))
    assert may
    assert all(action.only_reads for action in (*may, *(own for held, own in ceiling() if held is duty)))
    if duty in (Duty.AUDITOR, Duty.SUPERIOR):
        for other in Duty:
            assert all(action.only_reads for action in allowed(frozenset({duty, other}))), other


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        ([("county_office", "keep_policy", "deny")], "county poverty-alleviation office"),
        ([("village_committee", "pay_cases", "allow")], "village committee"),
        ([("finance", "pay_cases", "deny")], None),
        ([("township_clerk", "work_on_cases", "deny")], None),
    ],
)
def test_what_holds_always_is_not_broken_by_a_county(rules: list[tuple[str, str, str]], problem: str | None) -> None:
    found = broken(tuple(Rule(duty, action, EVERY, EVERY, effect) for duty, action, effect in rules))
    assert (found is None) is (problem is None)
    if found is not None and problem is not None:
        assert found.code is Code.RULE_BREAKS_EXPECTATION
        assert problem in found.message.en


def test_a_rule_of_a_county_counts_for_its_programme_and_stage() -> None:
    held = frozenset({Duty.VILLAGE_COMMITTEE})
    deny = Rule("village_committee", "work_on_cases", "consolidation", "notice", "deny")
    allow = Rule("village_committee", "import_plans", "consolidation", "plan", "allow")
    rules = (deny, allow)
    assert allows(held, rules, Action.WORK_ON_CASES)
    assert not allows(held, rules, Action.WORK_ON_CASES, "consolidation", "notice")
    assert allows(held, rules, Action.WORK_ON_CASES, "consolidation", "accounting")
    assert allows(held, rules, Action.WORK_ON_CASES, "training", "notice")
    assert not allows(held, (), Action.IMPORT_PLANS)
    assert allows(held, rules, Action.IMPORT_PLANS)
    assert not allows(held, rules, Action.IMPORT_PLANS, "training")
    both = held | {Duty.VILLAGE_CADRE}
    assert not allows(both, rules, Action.WORK_ON_CASES, "consolidation", "notice"), "a denial outweighs permissions"
    assert deciding(both, rules, Action.WORK_ON_CASES, "consolidation", "notice") == (deny,)
    assert deciding(held, rules, Action.IMPORT_PLANS, "consolidation", "plan") == (allow,)
    assert deciding(held, rules, Action.PAY_CASES, "consolidation", "payment") == ()


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
    assert allowed(actor.duties(today)) == {
        Action.READ_OFFICES, Action.READ_PAIRINGS, Action.REGISTER_HELPERS, Action.KEEP_AGREEMENTS,
        Action.LOG_DELIVERIES, Action.ISSUE_PAIRING_PAPERS, Action.READ_INSPECTIONS, Action.RECTIFY_FINDINGS,
    }  # fmt: skip
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
