"""Programmes, provisions and periods of a county: drafted by one, released by another, frozen when opened."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from bangfu.cases import acts, correcting, paying, provisions, sampling
from bangfu.cases import ground as grounds
from bangfu.cases.ground import Rules
from bangfu.cases.views import Selection
from bangfu.errors import Refused
from bangfu.policy import Whose, Years
from bangfu.simulate import keep_preview
from tests.county import JANUARY, MARCH, PROVISION, World, clean, codes


async def draft(world: World, number: str = "C1", content: Any = PROVISION) -> Any:
    who = world.who(number)
    async with world.database.session(who.scope) as session:
        return await provisions.draft(session, who, world.programme, content)


async def preview(world: World, id_: Any, period: str = "2021") -> None:
    who = world.who("C1")
    async with world.database.session(who.scope) as session:
        await keep_preview(session, who, world.plugins, id_, period)


async def release(world: World, number: str, id_: Any) -> None:
    who = world.who(number)
    async with world.database.session(who.scope) as session:
        await provisions.release(session, who, world.plugins, id_)


async def switch_on(world: World, number: str = "C1", since: date | None = None) -> None:
    who = world.who(number)
    async with world.database.session(who.scope) as session:
        await grounds.switch_on(session, who, world.programme, since or world.today)


async def open_period(world: World, number: str = "C1", key: str = "2021") -> Rules:
    who = world.who(number)
    async with world.database.session(who.scope) as session:
        return await grounds.open_period(session, who, world.programme, key)


async def refused(world: World, attempt: Any) -> Any:
    before = await world.snapshot()
    with pytest.raises(Refused) as refusal:
        await attempt
    assert await world.snapshot() == before
    return refusal.value.problems


async def test_a_number_that_the_source_hides_blocks_until_the_county_sets_it(bare: World) -> None:
    (problem,) = await refused(bare, open_period(bare))
    assert problem.code.name == "PROGRAMME_OFF"
    await switch_on(bare)
    (problem,) = await refused(bare, open_period(bare))
    assert (problem.code.name, problem.path) == ("PARAMETER_UNSET", ("parameters", "cohort_exit_years"))
    assert "2021年脱贫奋进计划实施方案" in problem.message.zh
    assert "二(二)1" in problem.message.zh
    # A draft sets nothing.
    made = await draft(bare)
    await preview(bare, made)
    (problem,) = await refused(bare, open_period(bare))
    assert problem.code.name == "PARAMETER_UNSET"
    await release(bare, "C2", made)
    rules = await open_period(bare)
    assert rules.parameters.cohort_exit_years == Years(2016, 2019)
    assert (rules.resolved["cohort_exit_years"].whose, rules.resolved["household_cap"].whose) == (
        Whose.COUNTY, Whose.PLAN
    )  # fmt: skip


async def test_who_drafted_does_not_release(bare: World) -> None:
    made = await draft(bare)
    await preview(bare, made)
    (problem,) = await refused(bare, release(bare, "C1", made))
    assert problem.code.name == "SAME_PERSON"
    (problem,) = await refused(bare, release(bare, "A1", made))
    assert problem.code.name == "FORBIDDEN"
    await release(bare, "C2", made)
    (problem,) = await refused(bare, release(bare, "C2", made))
    assert problem.code.name == "PROVISION_STATE"


@pytest.mark.parametrize(
    ("attempt", "number"),
    [(draft, "A1"), (draft, "VC1"), (draft, "FI"), (switch_on, "K1"), (open_period, "R9"), (open_period, "FM")],
)
async def test_settings_are_the_county_offices_own(bare: World, attempt: Any, number: str) -> None:
    if number == "R9":
        number = "A2"
    (problem,) = await refused(bare, attempt(bare, number))
    assert problem.code.name == "FORBIDDEN"


async def test_every_fault_of_a_provision_is_named_at_once(bare: World) -> None:
    content = {
        "title": "规定",
        "number": "1号",
        "issued": date(2021, 1, 1),
        "parameters": {
            "household_cap": [{"since": date(2020, 10, 1), "value": "20000.00", "clause": "一"}],
            "notice_days": [{"since": date(2020, 10, 1), "value": 3, "clause": "二"}],
            "rate_breeding": [{"since": date(2020, 10, 1), "value": 0.2, "clause": "三"}],
            "no_such": [{"since": date(2020, 10, 1), "value": 1, "clause": "四"}],
        },
    }
    problems = await refused(bare, draft(bare, content=content))
    assert [(p.code.name, p.path) for p in problems] == [
        ("PARAMETER_OUT_OF_RANGE", ("parameters", "household_cap", 0)),
        ("PARAMETER_OUT_OF_RANGE", ("parameters", "notice_days", 0)),
        ("PARAMETER_BAD_VALUE", ("parameters", "rate_breeding", 0)),
        ("PARAMETER_UNKNOWN", ("parameters", "no_such", 0)),
    ]
    assert "不低于5" in problems[1].message.zh


@pytest.mark.parametrize("key", ["21", "20210", "next year", "", "2021 "])
async def test_a_period_that_is_none(bare: World, key: str) -> None:
    await switch_on(bare)
    (problem,) = await refused(bare, open_period(bare, key=key))
    assert problem.code.name == "PERIOD_BAD"


async def test_a_year_before_the_first_book_and_one_after_the_plan(bare: World) -> None:
    await switch_on(bare)
    (problem,) = await refused(bare, open_period(bare, key="2020"))
    assert problem.code.name == "PERIOD_BAD"
    # The plan speaks of one year: for the next the county must set every number itself.
    problems = await refused(bare, open_period(bare, key="2022"))
    assert {p.code.name for p in problems} == {"PARAMETER_UNSET"}
    assert {p.path[1] for p in problems} == set(bare.programme.policy.parameters)


async def test_a_period_that_is_not_open_has_no_ground(bare: World) -> None:
    (problem,) = await refused(bare, bare.ground())
    assert problem.code.name == "PERIOD_NOT_OPEN"


async def test_switching_on_twice_changes_nothing(bare: World) -> None:
    await switch_on(bare)
    await switch_on(bare, "C2")
    assert [tuple(r) for r in await bare.rows("select programme, until from programme_switch")] == [
        ("consolidation", None)
    ]


async def test_what_decides_is_on_record(bare: World) -> None:
    await switch_on(bare)
    made = await draft(bare)
    await preview(bare, made)
    await release(bare, "C2", made)
    await open_period(bare)
    rows = await bare.rows(
        "select a.action, o.number from audit_entry a join officer o on o.id = a.officer_id "
        "where a.action not like 'import%' order by a.id"
    )
    assert [tuple(row) for row in rows] == [
        ("switch_programme", "C1"),
        ("release_provision", "C2"),
        ("open_period", "C1"),
    ]


async def test_where_the_county_differs_from_the_plan_is_one_question(world: World) -> None:
    own = {
        "household_cap": [{"since": date(2020, 10, 1), "value": "2500.00", "clause": "一"}],
        # As the plan has it: no difference.
        "notice_days": [{"since": date(2020, 10, 1), "value": 5, "clause": "二"}],
    }
    raw = {"title": "调整办法", "number": "测政办〔2021〕9号", "issued": date(2021, 1, 20), "parameters": own}
    await world.open_period(raw)
    told = [
        (one.parameter, one.value.en, one.planned and one.planned.en, one.authority.clause)
        for one in (await world.ground()).latest.differences
    ]
    assert told == [
        ("cohort_exit_years", "2016–2019", None, "二(二)1"),
        ("household_cap", "2,500.00 yuan", "3,000.00 yuan", "一"),
    ]


# --- suspending a programme -----------------------------------------------------------------------------------


async def switch_off(world: World, until: date, number: str = "C1", reason: str = "等待复核") -> None:
    """Suspend the programme as an officer."""
    who = world.who(number)
    async with world.database.session(who.scope) as session:
        await grounds.switch_off(session, who, world.programme, until, reason)


async def spans(world: World) -> list[tuple[date, date | None]]:
    """From when until when the county runs the programme."""
    return [tuple(row) for row in await world.rows("select since, until from programme_switch order by since")]


async def test_a_suspended_programme_is_read_and_not_acted_upon_and_goes_on_where_it_stood(world: World) -> None:
    await world.until("in_place")
    world.today = MARCH
    await switch_off(world, MARCH)
    before = await world.snapshot()
    for act in (
        world.sign("L1", "in_place"),
        world.plan("L1", "H1", day=MARCH),
        world.act("C1", acts.account),
        world.act("VC1", correcting.withdraw, Selection(numbers=["H1"])),
    ):
        assert set(codes(await act).values()) == {"PROGRAMME_OFF"}
    line = await world.fund()
    for attempt in (
        lambda session, who, ground: paying.make_batch(session, who, world.vault, ground, line),
        lambda session, who, ground: sampling.draw_sample(session, who, ground, "种子", "公开来源"),
    ):
        who = world.who("C1")
        ground = await world.ground(who)
        with pytest.raises(Refused, match="PROGRAMME_OFF"):
            async with world.database.session(who.scope) as session:
                await attempt(session, who, ground)
    after = await world.snapshot()
    assert {name: after[name] for name in before if not name.startswith(("budget", "confirmed"))} == {
        name: before[name] for name in before if not name.startswith(("budget", "confirmed"))
    }
    assert (await world.stages())["H1"] == "in_place"

    world.today = date(2021, 3, 25)
    await switch_on(world, since=world.today)
    assert await spans(world) == [(JANUARY, MARCH), (world.today, None)]
    clean(await world.sign("L1", "in_place"))


async def test_it_runs_until_the_day_and_not_on_it(world: World) -> None:
    await switch_off(world, date(2021, 10, 3))
    ground = await world.ground()
    assert [ground.runs(date(2021, *day)) for day in ((1, 19), (1, 20), (10, 2), (10, 3), (12, 31))] == [
        False, True, True, False, False,
    ]  # fmt: skip


async def test_what_is_suspended_before_it_begins_begins_when_it_is_on_again(bare: World) -> None:
    await switch_on(bare)
    await switch_off(bare, JANUARY)
    assert await spans(bare) == [(JANUARY, JANUARY)]
    await switch_on(bare)
    assert await spans(bare) == [(JANUARY, None)]


async def test_suspending_is_the_county_offices_says_why_and_for_days_to_come(bare: World) -> None:
    with pytest.raises(Refused, match="PROGRAMME_OFF"):
        await switch_off(bare, JANUARY)
    await switch_on(bare)
    for number, until, reason, code in (
        ("K1", JANUARY, "试", "FORBIDDEN"),
        ("C1", JANUARY, " ", "MISSING_VALUE at reason"),
        ("C1", date(2021, 1, 19), "试", "BAD_VALUE at until"),
    ):
        with pytest.raises(Refused, match=code):
            await switch_off(bare, until, number, reason)
    assert await spans(bare) == [(JANUARY, None)]
    await switch_off(bare, date(2021, 2, 1))
    bare.today = date(2021, 2, 1)
    with pytest.raises(Refused, match="BAD_VALUE at since"):
        await switch_on(bare, since=date(2021, 1, 31))
    with pytest.raises(Refused, match="PROGRAMME_OFF"):
        await switch_off(bare, date(2021, 3, 1))
    with pytest.raises(Refused, match="PROGRAMME_OFF"):
        await open_period(bare)
    assert await spans(bare) == [(JANUARY, date(2021, 2, 1))]
    told = await bare.rows("select data from audit_entry where action = 'switch_programme' order by at, id")
    assert [row[0] for row in told][-1] == {"until": "2021-02-01", "reason": "等待复核"}


async def test_what_is_announced_can_be_taken_back_and_brought_forward(bare: World) -> None:
    later, april, may = date(2021, 3, 1), date(2021, 4, 1), date(2021, 5, 1)
    await switch_on(bare, since=later)
    await switch_on(bare)  # today, and not only in March
    assert (JANUARY, None) in await spans(bare)
    made = await draft(bare)
    await preview(bare, made)
    await release(bare, "C2", made)
    await switch_off(bare, april)
    assert (await open_period(bare)).number == 1  # it runs until then
    await switch_off(bare, may)
    await switch_off(bare, JANUARY)  # at once, after all
    assert [span for span in await spans(bare) if span[1] is None or span[1] > span[0]] == []
    await switch_on(bare)
    await switch_off(bare, april)
    await switch_on(bare)  # it is not suspended in April
    ground = await bare.ground()
    assert [ground.runs(day) for day in (date(2021, 1, 19), JANUARY, later, april, may)] == [
        False,
        True,
        True,
        True,
        True,
    ]
