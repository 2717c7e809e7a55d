"""Who is charged with what: the roster's columns, incompatible duties, stand-ins that end by themselves, pairings."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from bangfu.access import enter
from bangfu.db import Scope
from bangfu.errors import Refused
from bangfu.process import INCOMPATIBLE, Duty, conflicts
from bangfu.registry import offices
from bangfu.registry.offices import Term, asserted, clashes, covered_until
from tests.core.test_registry import contents, differing, fails, problems, repeats, tallies
from tests.county import (
    BASE,
    CODE,
    GUESTS,
    ONE,
    ORGANIZATIONS,
    OTHER,
    PAIRINGS,
    SEPTEMBER,
    T1,
    T2,
    UNIT,
    V1,
    V2,
    V3,
    Statements,
    World,
)  # fmt: skip

HEADER = "工号,姓名,职责,负责区划代码,起始日期,截止日期,单位信用代码,户编号,代理对象工号\n"
PAIRED = "统一社会信用代码,村编码,起始日期,截止日期\n"
OCTOBER = date(2021, 10, 1)


@pytest.fixture
async def full(world: World) -> World:
    """The county with everybody in it, in September."""
    world.today = SEPTEMBER
    await world.invite()
    return world


def at(code: str, *path: Any) -> list[tuple[str, list[Any]]]:
    return [(code, ["rows", *path])]


async def held(world: World, number: str) -> list[tuple[Any, ...]]:
    """What is known now of an officer's duties."""
    rows = await world.rows(
        "select a.duty, a.area_lo, a.valid_from, a.valid_to, u.credit_code, h.number, p.number from assignment a"
        " join officer o on o.id = a.officer_id left join organization u on u.id = a.organization_id"
        " left join household h on h.id = a.household_id left join officer p on p.id = a.stands_in_for"
        " where o.number = :number and a.known_to is null order by a.valid_from, a.duty",
        number=number,
    )
    return [tuple(row) for row in rows]


# --- the roster -----------------------------------------------------------------------------------------------


async def test_an_agent_a_household_and_a_stand_in_come_with_the_roster(full: World) -> None:
    start = date(2020, 1, 1)
    assert await held(full, "E1") == [("enterprise_agent", BASE, start, None, ONE, None, None)]
    assert await held(full, "HA") == [("householder", V1, start, None, None, "H1", None)]
    assert await held(full, "KS") == [("township_clerk", T1, date(2021, 9, 1), OCTOBER, None, None, "K1")]
    for kind, data in (("organizations", ORGANIZATIONS), ("pairings", PAIRINGS), ("officers", GUESTS)):
        await repeats(full, kind, data)
    ids = {
        row.number: row.id
        for row in await full.rows("select credit_code as number, id from organization union all select number, id"
                                   " from household")
    }  # fmt: skip
    agent, householder = full.who("E1").scope, full.who("HA").scope
    assert (agent.areas, agent.organizations, agent.households, agent.staff) == ((), (ids[ONE],), (), False)
    assert (householder.areas, householder.organizations, householder.households, householder.staff) == (
        (), (), (ids["H1"],), False,
    )  # fmt: skip


async def test_a_stand_in_ends_by_itself(full: World) -> None:
    """Day by day: nobody does anything, and the duty begins and ends."""
    days = [date(2021, 8, 30) + timedelta(days=step) for step in range(40)]
    able = [day for day in days if full.who("KS", day).actor.duties(day) == {Duty.TOWNSHIP_CLERK}]
    assert able == [day for day in days if date(2021, 9, 1) <= day < OCTOBER]
    assert full.who("KS", date(2021, 9, 30)).scope.areas == ((T1, T1 + 999),)
    assert full.who("KS", OCTOBER).scope == Scope(full.tenant.id, (), full.officers["KS"].id, (), (), (), False)
    # Whom it is held for goes on.
    assert all(full.who("K1", day).actor.duties(day) == {Duty.TOWNSHIP_CLERK} for day in days)


async def test_a_stand_in_does_not_outlast_the_duty_that_it_is_for(full: World) -> None:
    early = f"{HEADER}K1,经办东,乡镇经办,{T1},2020-01-01,2021-09-15,,,\n"
    assert (await full.bring("officers", early, "R1")).state == "done"
    assert await held(full, "KS") == [("township_clerk", T1, date(2021, 9, 1), date(2021, 9, 15), None, None, "K1")]
    # What was known before is known still.
    (before,) = await full.rows(
        "select a.valid_to from assignment a join officer o on o.id = a.officer_id where o.number = 'KS'"
        " and a.known_to is not null"
    )
    assert before.valid_to == OCTOBER
    never = early.replace("2021-09-15", "2021-08-01")
    assert (await full.bring("officers", never, "R1")).state == "done"
    assert await held(full, "KS") == []
    assert (await enter(full.database, CODE, "KS")).actor.duties(date(2021, 9, 2)) == frozenset()


async def test_a_stand_in_may_be_for_a_part_of_the_area_and_over_two_terms(full: World) -> None:
    two = f"{HEADER}N1,新甲,乡镇验收,{T2},2020-01-01,2021-06-01,,,\nN1,新甲,乡镇经办,{T1},2021-06-01,,,,\n"
    assert (await full.bring("officers", two, "R1")).state == "done"
    again = f"{HEADER}N1,新甲,乡镇验收,{T2},2021-06-01,,,,\n"
    assert (await full.bring("officers", again, "R1")).state == "done"
    both = f"{HEADER}N2,新乙,乡镇验收,{V3},2021-05-01,2021-07-01,,,N1\n"
    assert tallies(await full.bring("officers", both, "R1")) == {"officer": (1, 0, 0), "assignment": (1, 0, 0)}
    assert full.who("N2", date(2021, 6, 30)).scope.areas == ((V3, V3),)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [(f"N1,甲,企业经办,{BASE},2020-01-01,,,,\n", at("MISSING_VALUE", 2, "unit")),
     (f"N1,甲,企业经办,{BASE},2020-01-01,,{UNIT},,\n", at("BAD_VALUE", 2, "unit")),
     (f"N1,甲,企业经办,{BASE},2020-01-01,,91350100M000100Y43,,\n", at("NOT_FOUND", 2, "unit")),
     (f"N1,甲,企业经办,{V1},2020-01-01,,{ONE},,\n", at("BAD_VALUE", 2, "area")),
     (f"N1,甲,农户,{V1},2020-01-01,,,,\n", at("MISSING_VALUE", 2, "household")),
     (f"N1,甲,农户,{V1},2020-01-01,,,H99,\n", at("HOUSEHOLD_UNKNOWN", 2, "household")),
     (f"N1,甲,农户,{V2},2020-01-01,,,H1,\n", at("BAD_VALUE", 2, "area")),
     (f"N1,甲,乡镇经办,{T1},2020-01-01,,,H1,\n", at("BAD_VALUE", 2, "household")),
     (f"N1,甲,乡镇经办,{T1},2021-01-01,,,,K1\n", at("MISSING_VALUE", 2, "valid_to")),
     (f"K1,经办东,乡镇经办,{T1},2021-01-01,2021-02-01,,,K1\n", at("BAD_VALUE", 2, "stands_in_for")),
     (f"N1,甲,企业经办,{BASE},2021-01-01,2021-02-01,{ONE},,E2\n", at("BAD_VALUE", 2, "stands_in_for")),
     (f"N1,甲,乡镇经办,{T1},2021-01-01,2021-02-01,,,X9\n", at("OFFICER_UNKNOWN", 2, "stands_in_for")),
     (f"N1,甲,乡镇验收,{T1},2021-01-01,2021-02-01,,,K1\n", at("NOTHING_TO_STAND_IN_FOR", 2, "stands_in_for")),
     (f"N1,甲,乡镇经办,{T2},2021-01-01,2021-02-01,,,K1\n", at("NOTHING_TO_STAND_IN_FOR", 2, "stands_in_for")),
     (f"N1,甲,乡镇经办,{T1},2019-12-31,2021-02-01,,,K1\n", at("NOTHING_TO_STAND_IN_FOR", 2, "stands_in_for")),
     (f"N1,甲,乡镇经办,{T1},2021-09-05,2021-09-10,,,KS\n", at("NOTHING_TO_STAND_IN_FOR", 2, "stands_in_for")),
     (f"N1,甲,乡镇经办,{T1},2021-01-01,2021-02-01,,,K1\n" * 2, at("DUPLICATE_ROW", 3)),
     (f"FI,财政甲,县数据管理员,{BASE},2021-01-01,,,,\n", at("INCOMPATIBLE_DUTIES", 2, "duty")),
     (f"N1,甲,县财政局,{BASE},2021-01-01,,,,\nN1,甲,县扶移局,{BASE},2021-06-01,,,,\n",
      at("INCOMPATIBLE_DUTIES", 3, "duty")),
     (f"FM,扶移甲,县财政局,{BASE},2021-09-01,2021-09-08,,,FI\n", at("INCOMPATIBLE_DUTIES", 2, "duty")),
     (f"C1,县办甲,农户,{V1},2021-01-01,,,H1,\n", at("INCOMPATIBLE_DUTIES", 2, "duty")),
     (f"HA,农户甲,企业经办,{BASE},2021-01-01,,{ONE},,\n", at("INCOMPATIBLE_DUTIES", 2, "duty")),
     (f"AU,审计甲,联户干部,{V1},2030-01-01,,,,\n", at("INCOMPATIBLE_DUTIES", 2, "duty"))],
    ids=["agent-of-nobody", "agent-of-a-bureau", "agent-of-unknown", "agent-in-a-village", "household-missing",
         "household-unknown", "household-elsewhere", "household-of-staff", "stand-in-for-ever", "own-stand-in",
         "stand-in-of-an-agent", "stand-in-for-nobody", "other-duty", "other-area", "before-it-began",
         "stand-in-of-a-stand-in", "twice", "against-what-is-held", "within-the-file", "as-a-stand-in",
         "officer-and-household", "household-and-agent", "in-future"],
)  # fmt: skip
async def test_a_roster_that_is_refused(full: World, lines: str, expected: list[Any]) -> None:
    await fails(full, "officers", HEADER + lines, [(code, path) for code, path in expected])


async def test_duties_that_follow_each_other_are_compatible(full: World) -> None:
    ended = f"{HEADER}FM,扶移甲,县扶移局,{BASE},2020-01-01,2021-09-01,,,\nFM,扶移甲,县财政局,{BASE},2021-09-01,,,,\n"
    assert (await full.bring("officers", ended, "R1")).state == "done"
    assert full.who("FM", date(2021, 8, 31)).actor.duties(date(2021, 8, 31)) == {Duty.FUND_MANAGER}
    assert full.who("FM", date(2021, 9, 1)).actor.duties(date(2021, 9, 1)) == {Duty.FINANCE}


async def test_what_is_right_in_a_file_comes_in_beside_what_is_not(full: World) -> None:
    lines = f"N1,甲,县财政局,{BASE},2021-01-01,,,,\nN1,甲,县扶移局,{BASE},2021-01-01,,,,\nN2,乙,乡镇经办,{T1},2021-01-01,,,,\n"
    status = await full.bring("officers", HEADER + lines, "R1", accept_valid=True)
    assert (status.state, problems(status)) == ("done", at("INCOMPATIBLE_DUTIES", 3, "duty"))
    assert "N1" not in full.officers
    assert full.who("N2").actor.duties(SEPTEMBER) == {Duty.TOWNSHIP_CLERK}


async def test_a_clash_that_is_older_than_the_checks_is_no_reason_to_refuse_something_else(full: World) -> None:
    await full.charge("FM", Duty.FINANCE)
    other = f"{HEADER}FM,扶移甲,联户干部,{V1},2021-01-01,,,,\n"
    assert (await full.bring("officers", other, "R1")).state == "done"
    await fails(
        full, "officers", f"{HEADER}FM,扶移甲,县财政局,{BASE},2021-01-01,,,,\n", at("INCOMPATIBLE_DUTIES", 2, "duty")
    )


async def test_the_county_keeps_a_registrar(world: World) -> None:
    world.today = SEPTEMBER
    lines = f"{HEADER}R1,管理员,县数据管理员,{BASE},1949-10-01,2021-12-01,,,\n"
    await fails(world, "officers", lines, at("LAST_REGISTRAR", 2, "valid_to"))
    gap = f"{lines}R2,登记乙,县数据管理员,{BASE},2021-12-02,,,,\n"
    await fails(world, "officers", gap, at("LAST_REGISTRAR", 3, "valid_to"))
    handed = gap.replace("2021-12-02", "2021-12-01")
    assert (await world.bring("officers", handed, "R1")).state == "done"
    last, first = date(2021, 11, 30), date(2021, 12, 1)
    assert Duty.REGISTRAR in world.who("R1", last).actor.duties(last)
    assert [Duty.REGISTRAR in world.who(number, first).actor.duties(first) for number in ("R1", "R2")] == [False, True]


# --- single changes -------------------------------------------------------------------------------------------


async def charge(world: World, duty: Duty, number: str = "C9") -> object:
    """Charge somebody with a county's duty, in a transaction of its own."""
    who = world.who("R1")
    async with world.database.session(who.scope) as session:
        return await offices.assign(session, who, Term(number, duty, BASE, SEPTEMBER), "试")


async def test_of_two_who_charge_at_once_with_what_does_not_go_together_one_is_refused(full: World) -> None:
    """Neither sees what the other has not committed: only one of them is let in at a time."""
    new = f"{HEADER}C9,县办丁,联户干部,{V1},2021-01-01,,,,\n"
    assert (await full.bring("officers", new, "R1")).state == "done"
    for _ in range(3):
        wanted = [charge(full, duty) for duty in (Duty.FINANCE, Duty.FUND_MANAGER, Duty.REGISTRAR, Duty.COUNTY_OFFICE)]
        answers = await asyncio.gather(*wanted, return_exceptions=True)
        refusals = [own for own in answers if isinstance(own, Refused)]
        assert {own.problems[0].code.name for own in refusals} == {"INCOMPATIBLE_DUTIES"}
        await full.look()
        assert conflicts(full.who("C9").actor.duties(SEPTEMBER)) == []
        assert len(full.who("C9").actor.duties(SEPTEMBER)) > 1


async def test_a_single_change_takes_the_same_number_of_statements_however_large_the_roster(full: World) -> None:
    with Statements(full.database) as few:
        await charge(full, Duty.COUNTY_OFFICE, "R2")
    many = "".join(f"N{index},新{index // 10}甲{index % 10}乙,联户干部,{V1},2021-01-01,,,,\n" for index in range(200))
    assert (await full.bring("officers", HEADER + many, "R1")).state == "done"
    with Statements(full.database) as more:
        await charge(full, Duty.COUNTY_OFFICE, "N1")
    assert len(more) == len(few) < 25


# --- incompatible duties --------------------------------------------------------------------------------------


def test_what_is_incompatible_is_declared_with_a_reason() -> None:
    assert all(len(pair) == 2 and because.zh and because.en for pair, because in INCOMPATIBLE.items())
    for one, other in itertools.combinations(Duty, 2):
        accounts = {Duty.HOUSEHOLDER, Duty.ENTERPRISE_AGENT, Duty.SCHOOL_AGENT} & {one, other}
        readers = {Duty.AUDITOR, Duty.SUPERIOR} & {one, other}
        if accounts or len(readers) == 1:
            assert frozenset({one, other}) in INCOMPATIBLE, (one, other)
    apart = {Duty.COUNTY_OFFICE, Duty.FUND_MANAGER, Duty.FINANCE}
    assert [(one, other) for one, other, _ in conflicts(apart)] == [
        (Duty.COUNTY_OFFICE, Duty.FUND_MANAGER), (Duty.COUNTY_OFFICE, Duty.FINANCE), (Duty.FUND_MANAGER, Duty.FINANCE),
    ]  # fmt: skip
    assert conflicts({Duty.FINANCE, Duty.REGISTRAR})[0][2].en == "who pays keeps no register of who is paid"
    assert len(INCOMPATIBLE) == 18 + 17 + 16 + 2 * 14 + 2 + 2 + 1 + 8 + 1


@pytest.mark.parametrize(
    "duties",
    [
        {Duty.REGISTRAR, Duty.COUNTY_OFFICE},
        {Duty.TOWNSHIP_ACCEPTOR, Duty.VILLAGE_CADRE},
        {Duty.TOWNSHIP_CLERK, Duty.TOWNSHIP_ACCEPTOR},
        {Duty.FINANCE, Duty.LINKED_CADRE, Duty.WORK_TEAM},
        {Duty.VILLAGE_COMMITTEE, Duty.WORK_TEAM, Duty.LINKED_CADRE},
        {Duty.AUDITOR, Duty.SUPERIOR},
        set(),
    ],
)
def test_what_the_plan_lets_one_person_hold_is_allowed(duties: set[Duty]) -> None:
    assert conflicts(duties) == []


def term(duty: Duty, since: int, until: int | None = None, **more: Any) -> Term:
    end = date(2021, until, 1) if until is not None else None
    return Term("X", duty, BASE, date(2021, since, 1), end, **more)


def test_a_clash_is_one_on_a_common_day() -> None:
    pays, keeps = term(Duty.FINANCE, 3, 6), Duty.REGISTRAR
    others = [term(keeps, 1, 3), term(keeps, 1, 4), term(keeps, 5), term(keeps, 6), term(keeps, 4, 5), term(keeps, 1)]
    assert [bool(clashes([pays, other])) for other in others] == [False, True, True, False, True, True]
    assert [pays.overlaps(other) for other in others] == [other.overlaps(pays) for other in others]


def test_terms_are_asserted_as_the_history_asserts_them() -> None:
    known = [term(Duty.FINANCE, 1, 3), term(Duty.FINANCE, 4), term(Duty.REGISTRAR, 1)]
    assert asserted(known, term(Duty.FINANCE, 2)) == [
        term(Duty.FINANCE, 1, 2), term(Duty.REGISTRAR, 1), term(Duty.FINANCE, 2),
    ]  # fmt: skip
    assert asserted(known, term(Duty.FINANCE, 3, 4)) == [*known, term(Duty.FINANCE, 3, 4)]


@pytest.mark.parametrize(
    ("terms", "since", "until"),
    [([], 1, 1), ([(1, 3)], 1, 3), ([(1, 3), (3, 5)], 1, 5), ([(1, 3), (4, 5)], 1, 3), ([(2, None)], 1, 1),
     ([(1, 3), (2, None)], 1, None), ([(1, 6), (2, 3)], 2, 6), ([(1, 2)], 3, 3)],
)  # fmt: skip
def test_how_long_terms_last_without_a_gap(
    terms: Sequence[tuple[int, int | None]], since: int, until: int | None
) -> None:
    found = covered_until([term(Duty.FINANCE, *days) for days in terms], date(2021, since, 1))
    assert found == (date(2021, until, 1) if until is not None else None)


# --- pairings -------------------------------------------------------------------------------------------------


async def paired(world: World, number: str, day: date = SEPTEMBER) -> list[tuple[str, int]]:
    """The pairings that somebody sees."""
    scope = world.who(number, day).scope
    async with world.database.session(scope) as session:
        rows = await session.execute(
            text("select o.credit_code, p.division from pairing p left join organization o on o.id = p.organization_id"
                 " where p.known_to is null order by p.division, o.credit_code")
        )  # fmt: skip
        return [(row.credit_code, row.division) for row in rows]


async def test_an_enterprise_sees_its_own_pairings_and_a_village_those_of_the_village(full: World) -> None:
    everything = sorted([(ONE, V1), (UNIT, V1), (ONE, V2), (OTHER, V3)], key=lambda pair: (pair[1], pair[0]))
    assert await paired(full, "E1") == [(ONE, V1), (ONE, V2)]
    assert await paired(full, "E2") == [(OTHER, V3)]
    assert await paired(full, "VC1") == [pair for pair in everything if pair[1] == V1]
    assert await paired(full, "K2") == [(OTHER, V3)]
    for number in ("R1", "AU", "SU", "IF", "C1"):
        assert await paired(full, number) == everything
    for number in ("HA", "L1"):
        assert await paired(full, number) == []


async def test_a_pairing_is_moved_in_time_and_ended(full: World) -> None:
    before = await contents(full)
    data = f"{PAIRED}{OTHER},{V3},2020-01-01,2021-06-01\n{OTHER},{V1},2021-06-01,\n"
    assert tallies(await full.bring("pairings", data, "IF")) == {"pairing": (1, 1, 0)}
    assert differing(before, await contents(full)) == {"pairing"}
    await repeats(full, "pairings", data, "IF")
    later = f"{PAIRED}{OTHER},{V3},2022-01-01,\n"
    assert tallies(await full.bring("pairings", later, "R1")) == {"pairing": (0, 1, 0)}
    for file in (data, later):
        await repeats(full, "pairings", file.replace(f"{OTHER},{V1},2021-06-01,\n", ""))


@pytest.mark.parametrize(
    ("line", "expected"),
    [(f"91350100M000100Y43,{V1},2021-01-01,\n", at("NOT_FOUND", 2, "unit")),
     (f"{ONE},990201101299,2021-01-01,\n", at("DIVISION_UNKNOWN", 2, "village")),
     (f"{ONE},{T1},2021-01-01,\n", at("BAD_VALUE", 2, "village")),
     (f"{ONE},{V3},2021-01-01,2020-01-01\n", at("BAD_VALUE", 2, "valid_to")),
     (f"{ONE},{V3},2021-01-01,\n{ONE},{V3},2022-01-01,\n", at("DUPLICATE_ROW", 3)),
     (f"{ONE},{V3},,\n", at("MISSING_VALUE", 2, "valid_from"))],
    ids=["unit", "village", "township", "backwards", "twice", "no-day"],
)  # fmt: skip
async def test_a_list_of_pairings_that_is_refused(full: World, line: str, expected: list[Any]) -> None:
    await fails(full, "pairings", PAIRED + line, expected)


@pytest.mark.parametrize("number", ["E1", "VC1", "C1", "AU", "SU", "HA", "FI"])
async def test_who_may_not_import_pairings(full: World, number: str) -> None:
    before = await contents(full)
    with pytest.raises(Exception, match="FORBIDDEN"):
        await full.bring("pairings", f"{PAIRED}{ONE},{V3},2021-01-01,\n", number)
    assert await contents(full) == before
