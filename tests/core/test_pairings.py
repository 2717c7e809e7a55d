"""Who helps whom: registrations, needs, agreements, plans, what is delivered and what the other side says to it."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bangfu import models
from bangfu.access import Action, actor
from bangfu.cases import ground as grounds
from bangfu.cases import provisions
from bangfu.cases.charges import ACTIONS
from bangfu.cases.views import Stated
from bangfu.db import bind
from bangfu.errors import Code, Problem, Refused
from bangfu.pairings import agreements, figures, ledger, needs, registrations, reviews
from bangfu.pairings.agreements import Planned
from bangfu.pairings.figures import Party, Waits, Which
from bangfu.pairings.ledger import Chosen
from bangfu.pairings.registrations import Applicant
from bangfu.pairings.reviews import Finding, Outcome
from bangfu.pairings.standing import (
    AgreementState,
    DeliveryState,
    Measure,
    Side,
    Standing,
    Verdict,
    after_years,
    answered,
    replayed,
    state_of,
)
from bangfu.process import Duty
from bangfu.programme import HandoutAct, InspectionAct, PairingAct
from tests.county import BASE, ONE, OTHER, T1, UNIT, V1, V2, V3, Statements, credit_code
from tests.pairs import BEGIN, END, SIGNED, TODAY, Pairs, cash, measure_of, posts

FRESH = credit_code(77)
"""An enterprise that the county does not know yet."""


async def owner(pairs: Pairs, sql: str, **values: Any) -> None:
    """Something that came to be otherwise than by an act, past every wall."""
    async with pairs.database.owner() as connection:
        await bind(connection, pairs.who("R1").scope)
        await connection.execute(text(sql), values)


async def refused(pairs: Pairs, code: Code, number: str, function: Any, *arguments: Any, **options: Any) -> Problem:
    """Somebody is refused with one problem of a code, and nothing has changed."""
    before = await pairs.snapshot()
    with pytest.raises(Refused) as caught:
        await pairs.do(number, function, *arguments, **options)
    assert [problem.code for problem in caught.value.problems] == [code]
    assert await pairs.snapshot() == before
    return caught.value.problems[0]


# --- what stands, without a database ------------------------------------------------------------------------------


class Agreed:
    """An agreement, as far as its state follows from it."""

    def __init__(self, signed: bool = True, ended_as: str | None = None, ended_on: date | None = None) -> None:
        self.valid_from, self.valid_to = BEGIN, END
        self.signed_on = SIGNED if signed else None
        self.ended_as, self.ended_on = ended_as, ended_on


@pytest.mark.parametrize(
    ("agreement", "day", "state"),
    [
        (Agreed(False), BEGIN, AgreementState.DRAWN_UP),
        (Agreed(False, "withdrawn", BEGIN), BEGIN, AgreementState.WITHDRAWN),
        (Agreed(), BEGIN - timedelta(1), AgreementState.TO_BEGIN),
        (Agreed(), BEGIN, AgreementState.IN_FORCE),
        (Agreed(), END - timedelta(1), AgreementState.IN_FORCE),
        (Agreed(), END, AgreementState.EXPIRED),
        (Agreed(True, "ended", TODAY), TODAY - timedelta(1), AgreementState.IN_FORCE),
        (Agreed(True, "ended", TODAY), TODAY, AgreementState.ENDED),
        (Agreed(True, "relayed", TODAY), END, AgreementState.RELAYED),
    ],
)
def test_the_state_of_an_agreement_on_a_day(agreement: Agreed, day: date, state: AgreementState) -> None:
    assert state_of(agreement, day) is state


def test_years_go_on_to_the_first_of_march_where_there_is_no_29th() -> None:
    assert after_years(date(2020, 2, 29), 3) == date(2023, 3, 1)
    assert after_years(date(2020, 2, 29), 4) == date(2024, 2, 29)


LINE = Measure(10_000, 4)
CONFIRMED, PARTLY, DISPUTED = Verdict.CONFIRMED, Verdict.PARTLY, Verdict.DISPUTED
CONTESTED, RULED = Verdict.CONTESTED, Verdict.RULED


@pytest.mark.parametrize(
    ("answers", "state", "fen", "quantity"),
    [
        ([], "logged", 0, 0),
        ([(CONFIRMED, Measure())], "confirmed", 10_000, 4),
        ([(PARTLY, Measure(6_000, 4))], "partly", 6_000, 4),
        ([(PARTLY, Measure(6_000, 4)), (CONTESTED, Measure())], "contested", 6_000, 4),
        ([(PARTLY, Measure(6_000, 4)), (CONTESTED, Measure()), (RULED, Measure(8_000, 4))], "ruled", 8_000, 4),
        ([(DISPUTED, Measure())], "disputed", 0, 0),
        ([(DISPUTED, Measure()), (CONFIRMED, Measure())], "confirmed", 10_000, 4),
        ([(DISPUTED, Measure()), (RULED, Measure(0, 0))], "ruled", 0, 0),
        ([(DISPUTED, Measure()), (RULED, LINE)], "ruled", 10_000, 4),
        ([(CONFIRMED, Measure()), (RULED, Measure(1_000, 1))], "ruled", 1_000, 1),
        ([(PARTLY, Measure(6_000, 4)), (RULED, LINE), (RULED, Measure(0, 2))], "ruled", 0, 2),
    ],
)
def test_what_stands_of_a_delivery_after_its_answers(
    answers: list[tuple[Verdict, Measure]], state: str, fen: int, quantity: int
) -> None:
    assert replayed(LINE, answers) == Standing(DeliveryState(state), fen, quantity)


@pytest.mark.parametrize(
    ("standing", "verdict", "accepted", "code"),
    [
        (Standing(), CONTESTED, Measure(), "DELIVERY_STATE"),
        (Standing(), RULED, LINE, "DELIVERY_STATE"),
        (Standing(DeliveryState.CONFIRMED, 10_000, 4), DISPUTED, Measure(), "DELIVERY_STATE"),
        (Standing(DeliveryState.REPLACED), CONFIRMED, Measure(), "DELIVERY_STATE"),
        (Standing(DeliveryState.RULED, 1, 1), CONFIRMED, Measure(), "DELIVERY_STATE"),
        (Standing(DeliveryState.REPLACED), RULED, LINE, "DELIVERY_STATE"),
        (Standing(), PARTLY, LINE, "BAD_VALUE"),
        (Standing(), PARTLY, Measure(0, 0), "BAD_VALUE"),
        (Standing(), PARTLY, Measure(10_001, 4), "BAD_VALUE"),
        (Standing(), PARTLY, Measure(-1, 4), "BAD_VALUE"),
        (Standing(), PARTLY, Measure(5_000, None), "BAD_VALUE"),
        (Standing(DeliveryState.DISPUTED), RULED, Measure(10_000, 5), "BAD_VALUE"),
    ],
)
def test_an_answer_that_is_out_of_order_or_more_than_the_line(
    standing: Standing, verdict: Verdict, accepted: Measure, code: str
) -> None:
    found = answered(LINE, standing, verdict, accepted)
    assert isinstance(found, Problem)
    assert found.code.name == code


@given(
    fen=st.integers(1, 10**13), quantity=st.none() | st.integers(1, 1000),
    asked=st.lists(st.tuples(st.sampled_from(list(Verdict)), st.integers(0, 10**13), st.integers(0, 1000)), max_size=8),
)  # fmt: skip
def test_never_more_stands_than_was_logged(
    fen: int, quantity: int | None, asked: list[tuple[Verdict, int, int]]
) -> None:
    line, standing = Measure(fen, quantity), Standing()
    for verdict, some, number in asked:
        found = answered(line, standing, verdict, Measure(some, None if quantity is None else number))
        standing = standing if isinstance(found, Problem) else found
        assert 0 <= standing.fen <= fen
        assert 0 <= standing.quantity <= (quantity or 0)


# --- who may help -------------------------------------------------------------------------------------------------


async def test_an_enterprise_is_registered_and_verified_by_another_person(pairs: Pairs) -> None:
    made = await pairs.do("IF", registrations.register, Applicant(FRESH, "新企业", chamber="县商会"), Stated())
    assert [tuple(row) for row in await pairs.rows(
        "select o.credit_code, o.name, o.kind, h.chamber, h.verified, h.duty from helper h"
        " join organization o on o.id = h.organization_id"
    )] == [(FRESH, "新企业", "enterprise", "县商会", None, "industry_federation")]  # fmt: skip
    await refused(pairs, Code.SAME_PERSON, "IF", registrations.verify, made, Stated(), passed=True)
    await refused(pairs, Code.REASON_NEEDED, "IF2", registrations.verify, made, Stated(), passed=False)
    await refused(pairs, Code.HELPER_REGISTERED, "IF", registrations.register, Applicant(FRESH), Stated())
    await pairs.do("IF2", registrations.verify, made, Stated(reason="执照过期"), passed=False)
    await refused(pairs, Code.CONFLICT, "IF2", registrations.verify, made, Stated(), passed=True)
    again = await pairs.do("IF", registrations.register, Applicant(FRESH), Stated())
    await pairs.do("IF2", registrations.verify, again, Stated(), passed=True)
    rows = await pairs.rows("select verified, reason from helper order by id")
    assert [tuple(row) for row in rows] == [(False, "执照过期"), (True, "")]


async def test_an_agent_registers_the_own_enterprise_and_no_other(pairs: Pairs) -> None:
    await refused(pairs, Code.NOT_FOUND, "E1", registrations.register, Applicant(OTHER), Stated())
    await refused(pairs, Code.NOT_FOUND, "E1", registrations.register, Applicant(FRESH, "新企业"), Stated())
    made = await pairs.do("E1", registrations.register, Applicant(ONE), Stated())
    await refused(pairs, Code.FORBIDDEN, "E1", registrations.verify, made, Stated(), passed=True)
    await pairs.do("IF", registrations.verify, made, Stated(), passed=True)


@pytest.mark.parametrize(
    ("applicant", "code"),
    [
        (Applicant(ONE[:17] + ("0" if ONE[17] != "0" else "1")), Code.CREDIT_CODE),
        (Applicant("1234"), Code.CREDIT_CODE),
        (Applicant(UNIT), Code.BAD_VALUE),  # a bureau
        (Applicant(FRESH), Code.MISSING_VALUE),
        (Applicant(FRESH, "新学校", kind="school"), Code.BAD_VALUE),
        (Applicant(FRESH, "新企业", division=110101001001), Code.DIVISION_UNKNOWN),
    ],
)
async def test_what_is_wrong_with_a_registration(pairs: Pairs, applicant: Applicant, code: Code) -> None:
    await refused(pairs, code, "IF", registrations.register, applicant, Stated())


@pytest.mark.parametrize("number", ["VC1", "K1", "C1", "HA", "AU", "SU", "FI", "ED"])
async def test_nobody_else_registers_who_helps(pairs: Pairs, number: str) -> None:
    await refused(pairs, Code.FORBIDDEN, number, registrations.register, Applicant(ONE), Stated())


async def test_nothing_is_done_where_the_programme_is_off(pairs: Pairs) -> None:
    who = pairs.who("C1")
    async with pairs.database.session(who.scope) as session:
        await grounds.switch_off(session, who, pairs.pairing, TODAY, "暂停")
    await refused(pairs, Code.PROGRAMME_OFF, "IF", registrations.register, Applicant(ONE), Stated())
    await refused(pairs, Code.PROGRAMME_OFF, "VC1", needs.state, V1, "trade", "卖苹果", Stated())


# --- needs --------------------------------------------------------------------------------------------------------


async def test_a_village_states_what_it_needs_and_changes_it_by_a_new_version(pairs: Pairs) -> None:
    first = await pairs.do("VC1", needs.state, V1, "trade", "卖苹果", Stated())
    second = await pairs.do("VC1", needs.state, V1, "industry", "建冷库", Stated(), replaces=first)
    third = await pairs.do("VC3", needs.state, V3, "jobs", "二十个岗位", Stated())
    await refused(pairs, Code.CONFLICT, "VC1", needs.state, V1, "trade", "再改", Stated(), replaces=first)
    await refused(pairs, Code.NOT_FOUND, "VC1", needs.state, V1, "trade", "改别村", Stated(), replaces=third)
    await refused(pairs, Code.NOT_YOUR_DUTY, "VC1", needs.state, V3, "trade", "别村", Stated())
    await refused(pairs, Code.NOT_YOUR_DUTY, "VC1", needs.close, third, needs.Closed.MET, Stated())
    await refused(pairs, Code.BAD_VALUE, "VC1", needs.state, V1, "gold", "别的", Stated())
    await refused(pairs, Code.MISSING_VALUE, "VC1", needs.state, V1, "trade", " ", Stated())
    await refused(pairs, Code.REASON_NEEDED, "VC1", needs.close, second, needs.Closed.WITHDRAWN, Stated())
    await refused(pairs, Code.FORBIDDEN, "E1", needs.state, V1, "trade", "企业代写", Stated())
    await pairs.do("VC1", needs.close, second, needs.Closed.MET, Stated())
    await refused(pairs, Code.CONFLICT, "VC1", needs.close, second, needs.Closed.MET, Stated())
    rows = await pairs.rows("select what, closed_as, replaces from need order by id")
    assert [tuple(row) for row in rows] == [
        ("卖苹果", "changed", None),
        ("建冷库", "met", first),
        ("二十个岗位", None, None),
    ]


async def test_needs_are_seen_by_who_may_help_and_by_everybody_in_office(pairs: Pairs) -> None:
    await pairs.do("VC1", needs.state, V1, "trade", "卖苹果", Stated())
    await pairs.do("VC3", needs.state, V3, "jobs", "岗位", Stated())

    async def sees(number: str) -> int:
        async with pairs.database.session(pairs.who(number).scope) as session:
            return int(await session.scalar(text("select count(*) from need")) or 0)

    made = await pairs.do("E1", registrations.register, Applicant(ONE), Stated())
    assert {number: await sees(number) for number in ("E1", "E2", "HA", "VC1", "K2", "C1", "AU")} == {
        "E1": 0, "E2": 0, "HA": 0, "VC1": 2, "K2": 2, "C1": 2, "AU": 2,
    }  # fmt: skip
    await pairs.do("IF", registrations.verify, made, Stated(), passed=True)
    assert (await sees("E1"), await sees("E2")) == (2, 0)
    # Seeing is not writing: the wall itself turns away what the core never asks for.
    for number in ("E1", "VC3"):
        async with pairs.database.session(pairs.who(number).scope) as session:
            changed = await session.execute(text(f"update need set reason = 'x' where division = {V1} returning id"))
            assert changed.all() == []


# --- agreements ---------------------------------------------------------------------------------------------------


async def test_an_agreement_is_in_force_once_both_have_signed_and_the_register_says_so(pairs: Pairs) -> None:
    await pairs.register()
    made = await pairs.propose(village=V1, valid_from=date(2021, 6, 1))
    held = await pairs.rows("select held_to, signed_on from pairing_agreement")
    assert tuple(held[0]) == ({"term_min_years": [3, "“万企帮万村”精准扶贫行动方案", "一"],
                               "term_max_years": [5, "“万企帮万村”精准扶贫行动方案", "一"]}, None)  # fmt: skip
    await refused(pairs, Code.EVIDENCE_NEEDED, "VC1", agreements.sign, made, Side.HELPED, Stated())
    await refused(pairs, Code.NOT_FOUND, "E2", agreements.sign, made, Side.HELPER, Stated(evidence="原件"))
    await refused(pairs, Code.NOT_FOUND, "VC3", agreements.sign, made, Side.HELPED, Stated(evidence="原件"))
    await refused(pairs, Code.NOT_YOUR_DUTY, "E1", agreements.sign, made, Side.HELPED, Stated(evidence="原件"))
    early = Stated(SIGNED - timedelta(1), evidence="原件")
    await refused(pairs, Code.BEFORE_PREVIOUS_STEP, "VC1", agreements.sign, made, Side.HELPED, early)
    late = Stated(TODAY + timedelta(1), evidence="原件")
    await refused(pairs, Code.DAY_IN_FUTURE, "VC1", agreements.sign, made, Side.HELPED, late)
    before = await pairs.rows("select count(*) from pairing where known_to is null")
    assert await pairs.signed(made, Side.HELPED, "VC1") is False
    assert await pairs.rows("select count(*) from pairing where known_to is null") == before
    await refused(pairs, Code.ALREADY_SIGNED, "VC1", agreements.sign, made, Side.HELPED, Stated(evidence="原件"))
    assert await pairs.signed(made, Side.HELPER, "E1", date(2021, 5, 25)) is True
    assert [row[0] for row in await pairs.rows("select signed_on from pairing_agreement")] == [date(2021, 5, 25)]
    # The register had the two paired since 2020, without an end: that stays known of the days before the agreement.
    rows = await pairs.rows(
        "select p.valid_from, p.valid_to from pairing p join organization o on o.id = p.organization_id"
        f" where o.credit_code = '{ONE}' and p.division = {V1} and p.known_to is null order by p.valid_from"
    )
    assert [tuple(row) for row in rows] == [(date(2020, 1, 1), BEGIN), (BEGIN, END)]


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"valid_to": date(2024, 5, 31)}, Code.TERM_OUT_OF_RANGE),
        ({"valid_to": date(2026, 6, 2)}, Code.TERM_OUT_OF_RANGE),
        ({"village": V2}, Code.BAD_VALUE),  # not a poor village
        ({"village": T1}, Code.BAD_VALUE),
        ({"number": " "}, Code.MISSING_VALUE),
        ({"code": OTHER}, Code.HELPER_NOT_VERIFIED),
        ({"code": FRESH}, Code.NOT_FOUND),
    ],
)
async def test_what_no_agreement_may_say(pairs: Pairs, terms: dict[str, Any], code: Code) -> None:
    await pairs.register()
    before = await pairs.snapshot()
    with pytest.raises(Refused) as caught:
        await pairs.propose(**terms)
    assert [problem.code for problem in caught.value.problems] == [code]
    assert await pairs.snapshot() == before


@pytest.mark.parametrize("valid_to", [date(2024, 6, 1), date(2026, 6, 1)])
async def test_three_and_five_years_are_both_within_the_term(pairs: Pairs, valid_to: date) -> None:
    await pairs.register()
    await pairs.agree(valid_to=valid_to)


async def test_a_county_lays_down_another_term_without_a_preview(pairs: Pairs) -> None:
    """No case is decided by it: there is nothing to preview."""
    pairs.code = "wanqi_bang_wancun"
    await pairs.register()
    first, second = pairs.who("C1"), pairs.who("C2")
    raw = {
        "title": "测试县万企帮万村实施办法", "number": "测政办〔2021〕9号", "issued": date(2021, 2, 1),
        "parameters": {"term_max_years": [{"since": date(2021, 3, 1), "value": 8, "clause": "三"}]},
    }  # fmt: skip
    async with pairs.database.session(first.scope) as session:
        draft = await provisions.draft(session, first, pairs.pairing, raw)
    async with pairs.database.session(second.scope) as session:
        await provisions.release(session, second, pairs.plugins, draft)
    await pairs.propose(valid_to=date(2029, 6, 1))
    ((held,),) = await pairs.rows("select held_to from pairing_agreement")
    assert held["term_max_years"] == [8, "测试县万企帮万村实施办法(测政办〔2021〕9号)", "三"]
    with pytest.raises(Refused, match="TERM_OUT_OF_RANGE"):
        await pairs.propose("X-2", valid_to=date(2029, 6, 2))


async def test_two_have_one_agreement_at_a_time_and_a_number_is_given_once(pairs: Pairs) -> None:
    await pairs.register()
    await pairs.agree()
    with pytest.raises(Refused, match="NUMBER_TAKEN"):
        await pairs.propose()
    again = await pairs.propose("X-2", valid_from=date(2024, 5, 31), valid_to=date(2027, 6, 1))
    await pairs.signed(again, Side.HELPER, "E1")
    paper = Stated(SIGNED, evidence="原件")
    told = await refused(pairs, Code.PAIRED_ALREADY, "VC1", agreements.sign, again, Side.HELPED, paper)
    assert told.values["number"] == "X-1"
    await pairs.agree("X-3", valid_from=END, valid_to=date(2027, 6, 1))


async def test_who_cannot_go_on_is_relayed_and_what_was_delivered_stays(pairs: Pairs) -> None:
    await pairs.register(ONE)
    await pairs.register(OTHER)
    old = await pairs.agree()
    (line,) = await pairs.log("E1", cash(old, 100, "收据1", date(2021, 9, 1)))
    await pairs.answer("VC1", CONFIRMED, line)
    paper = Stated(date(2021, 10, 1), evidence="来函", reason="经营困难")
    await refused(pairs, Code.NOT_YOUR_DUTY, "E1", agreements.end, old, paper)
    await refused(pairs, Code.REASON_NEEDED, "IF", agreements.end, old, Stated())
    too_early = Stated(date(2021, 9, 1), evidence="来函", reason="经营困难")
    await refused(pairs, Code.BEFORE_PREVIOUS_STEP, "IF", agreements.end, old, too_early)
    with pytest.raises(Refused, match="AGREEMENT_STATE"):
        await pairs.propose("X-2", OTHER, valid_from=TODAY, valid_to=date(2025, 1, 1), takes_over=old)
    await pairs.do("IF", agreements.end, old, paper, relayed=True)
    await refused(pairs, Code.AGREEMENT_STATE, "IF", agreements.end, old, paper)
    waits = await pairs.do("IF", figures.waiting, Party.COUNTY)
    assert [(one.what, one.id) for one in waits] == [(Waits.RELAY, old)]
    with pytest.raises(Refused, match="AGREEMENT_STATE"):  # by itself
        await pairs.propose("X-2", ONE, valid_from=TODAY, valid_to=date(2025, 1, 1), takes_over=old)
    new = await pairs.agree("X-2", OTHER, V1, "E2", valid_from=TODAY, valid_to=date(2025, 1, 1), takes_over=old)
    assert await pairs.do("IF", figures.waiting, Party.COUNTY) == []
    with pytest.raises(Refused, match="AGREEMENT_STATE"):  # twice
        await pairs.propose("X-3", OTHER, valid_from=date(2025, 1, 1), valid_to=date(2029, 1, 1), takes_over=old)
    rows = await pairs.rows("select id, ended_as, ended_on, end_reason, takes_over from pairing_agreement order by id")
    assert [tuple(row) for row in rows] == [
        (old, "relayed", date(2021, 10, 1), "经营困难", None), (new, None, None, "", old),
    ]  # fmt: skip
    paired = await pairs.rows(
        "select o.credit_code, p.valid_from, p.valid_to from pairing p join organization o on o.id = p.organization_id"
        f" where p.known_to is null and p.division = {V1} and p.valid_from >= '2021-06-01' order by p.valid_from"
    )
    assert [tuple(row) for row in paired] == [
        (ONE, BEGIN, date(2021, 10, 1)), (OTHER, TODAY, date(2025, 1, 1)),
    ]  # fmt: skip
    found = await pairs.do("IF", figures.figures, Which(division=V1))
    assert (found.enterprises, found.villages, found.agreements, found.total("stands_fen")) == (2, 1, 2, 10_000)
    with pytest.raises(Refused, match="AGREEMENT_STATE"):
        await pairs.log("E1", cash(old, 5, "收据2", date(2021, 10, 1)))


async def test_what_was_never_signed_is_withdrawn_and_its_number_stays_taken(pairs: Pairs) -> None:
    await pairs.register()
    made = await pairs.propose()
    await refused(pairs, Code.AGREEMENT_STATE, "IF", agreements.end, made, Stated(reason="不签了"), relayed=True)
    await pairs.do("IF", agreements.end, made, Stated(reason="不签了"))
    await refused(pairs, Code.AGREEMENT_STATE, "VC1", agreements.sign, made, Side.HELPED, Stated(evidence="原件"))
    with pytest.raises(Refused, match="NUMBER_TAKEN"):
        await pairs.propose()


# --- plans and obstacles ------------------------------------------------------------------------------------------


async def test_a_plan_has_measures_and_tasks_and_is_changed_by_new_lines(pairs: Pairs) -> None:
    await pairs.register()
    made = await pairs.agree()
    task = Planned(year=2021, due_on=date(2021, 12, 31), what="修通产业路", office="县交通局")
    lines = [
        measure_of(2021, "donation", "cash", Measure(50_000)),
        measure_of(2022, "jobs", "posts", Measure(100_000, 5)),
        task,
    ]
    first, _, _ = await pairs.do("IF", agreements.plan, made, lines, Stated())
    change = measure_of(2021, "donation", "cash", Measure(80_000), replaces=first)
    await refused(pairs, Code.REASON_NEEDED, "VC1", agreements.plan, made, [change], Stated())
    await pairs.do("VC1", agreements.plan, made, [change], Stated(reason="增加投入"))
    await refused(pairs, Code.CONFLICT, "VC1", agreements.plan, made, [change], Stated(reason="再改"))
    await refused(pairs, Code.NOT_FOUND, "E2", agreements.plan, made, [task], Stated())
    found = await pairs.do("E1", figures.figures, Which(year=2021))
    assert [(one.path, one.kind, one.pledged_fen, one.pledged_quantity) for one in found.by_kind] == [
        ("donation", "cash", 80_000, 0)
    ]
    rows = await pairs.rows(
        "select office, year, replaced_at is null from plan_line order by replaces nulls first, year desc, office"
    )
    assert [tuple(row) for row in rows] == [
        ("", 2022, True),
        ("", 2021, False),
        ("县交通局", 2021, True),
        ("", 2021, True),
    ]


@pytest.mark.parametrize(
    ("line", "code", "path"),
    [
        (measure_of(2020, "donation", "cash", Measure(1)), Code.BAD_VALUE, "year"),
        (measure_of(2025, "donation", "cash", Measure(1)), Code.BAD_VALUE, "year"),
        (measure_of(2021, "donation", "cash", Measure(1), due_on=date(2021, 5, 31)), Code.BAD_VALUE, "due_on"),
        (measure_of(2021, "donation", "cash", Measure(1), due_on=date(2022, 1, 1)), Code.BAD_VALUE, "due_on"),
        (measure_of(2021, "gold", "cash", Measure(1)), Code.BAD_VALUE, "path"),
        (measure_of(2021, "trade", "cash", Measure(1)), Code.BAD_VALUE, "kind"),
        (measure_of(2021, "donation", "cash", Measure(0)), Code.BAD_VALUE, "promised"),
        (measure_of(2021, "donation", "cash", Measure(1, 1)), Code.BAD_VALUE, "promised"),
        (measure_of(2021, "jobs", "posts", Measure(1)), Code.MISSING_VALUE, "promised"),
        (measure_of(2021, "donation", "cash", Measure(1), office="县财政局"), Code.BAD_VALUE, "office"),
        (measure_of(2021, "donation", "cash", Measure(1), what=""), Code.MISSING_VALUE, "what"),
        (Planned(year=2021, due_on=date(2021, 12, 1), what="修路"), Code.MISSING_VALUE, "office"),
        (Planned(year=2021, due_on=date(2021, 12, 1), what="修路", office="县交通局", promised=Measure(1)),
         Code.BAD_VALUE, "promised"),
    ],
)  # fmt: skip
async def test_what_no_plan_may_say(pairs: Pairs, line: Planned, code: Code, path: str) -> None:
    await pairs.register()
    made = await pairs.agree()
    good = measure_of(2021, "donation", "cash", Measure(1))
    told = await refused(pairs, code, "E1", agreements.plan, made, [good, line], Stated())
    assert told.path[:3] == ("lines", 1, path)


async def test_an_obstacle_has_an_owner_and_is_resolved_once(pairs: Pairs) -> None:
    await pairs.register()
    made = await pairs.agree()
    obstacle = await pairs.do("E1", agreements.raise_obstacle, made, "用地未批", Stated())
    await refused(pairs, Code.NOT_YOUR_DUTY, "E1", agreements.assign_obstacle, obstacle, "K1")
    await refused(pairs, Code.BAD_VALUE, "IF", agreements.assign_obstacle, obstacle, "K2")  # another township's
    await refused(pairs, Code.OFFICER_UNKNOWN, "IF", agreements.assign_obstacle, obstacle, "NOBODY")
    await pairs.do("IF", agreements.assign_obstacle, obstacle, "K1")
    assert [one.what for one in await pairs.do("IF", figures.waiting, Party.COUNTY)] == [Waits.OBSTACLE]
    await refused(pairs, Code.MISSING_VALUE, "K1", agreements.resolve_obstacle, obstacle, "", Stated())
    await pairs.do("K1", agreements.resolve_obstacle, obstacle, "用地已批", Stated())
    await refused(pairs, Code.CONFLICT, "IF", agreements.assign_obstacle, obstacle, "K1")
    assert await pairs.do("IF", figures.waiting, Party.COUNTY) == []


# --- the ledger ---------------------------------------------------------------------------------------------------


async def test_what_one_logs_the_other_confirms_disputes_or_confirms_in_part(pairs: Pairs) -> None:
    one, _ = await pairs.two()
    a, b, c = await pairs.log("E1", cash(one, 100, "R-1"), cash(one, 200, "R-2"), posts(one, 3, 900, "R-3"))
    assert (await pairs.answer("VC1", CONFIRMED, a)).done == [a]
    assert (await pairs.answer("VC1", PARTLY, b, accepted=Measure(15_000))).done == [b]
    assert (await pairs.answer("VC1", DISPUTED, c)).done == [c]
    assert (await pairs.answer("E1", CONTESTED, b)).done == [b]
    waits = await pairs.do("C1", figures.waiting, Party.COUNTY)
    assert {(one.what, one.id) for one in waits} == {(Waits.DISPUTE, b), (Waits.DISPUTE, c)}
    assert (await pairs.answer("IF", RULED, b, accepted=Measure(20_000))).done == [b]
    assert (await pairs.answer("C1", RULED, c, accepted=Measure(30_000, 1))).done == [c]
    rows = await pairs.rows("select id, state, stands_fen, stands_quantity, version from delivery order by receipt")
    assert [tuple(row) for row in rows] == [
        (a, "confirmed", 10_000, 0, 2), (b, "ruled", 20_000, 0, 4), (c, "ruled", 30_000, 1, 3),
    ]  # fmt: skip
    said = await pairs.rows("select delivery_id, number, verdict, stands_fen, duty from delivery_answer")
    assert {tuple(row) for row in said} == {
        (a, 1, "confirmed", 10_000, "village_committee"), (b, 1, "partly", 15_000, "village_committee"),
        (c, 1, "disputed", 0, "village_committee"), (b, 2, "contested", 15_000, "enterprise_agent"),
        (b, 3, "ruled", 20_000, "industry_federation"), (c, 2, "ruled", 30_000, "county_office"),
    }  # fmt: skip
    audited = await pairs.rows("select action, object from audit_entry where object like 'delivery/%' order by at, id")
    assert len(audited) == 6


@pytest.mark.parametrize(
    ("number", "verdict", "code"),
    [
        ("E1", CONFIRMED, Code.FORBIDDEN), ("C1", CONFIRMED, Code.FORBIDDEN), ("IF", CONFIRMED, Code.FORBIDDEN),
        ("AU", CONFIRMED, Code.FORBIDDEN), ("HA", CONFIRMED, Code.FORBIDDEN), ("VC1", RULED, Code.FORBIDDEN),
        ("E1", RULED, Code.FORBIDDEN), ("VC1", CONTESTED, Code.FORBIDDEN), ("W1", CONFIRMED, Code.FORBIDDEN),
    ],
)  # fmt: skip
async def test_nobody_answers_for_another(pairs: Pairs, number: str, verdict: Verdict, code: Code) -> None:
    one, _ = await pairs.two()
    (line,) = await pairs.log("E1", cash(one, 100, "R-1"))
    await refused(pairs, code, number, ledger.answer, Chosen([line]), verdict, Stated(reason="说明"), Measure(1))


async def test_an_answer_out_of_sight_out_of_order_or_too_late_is_refused_by_itself(pairs: Pairs) -> None:
    one, two = await pairs.two()
    (a,) = await pairs.log("E1", cash(one, 100, "R-1"))
    (b,) = await pairs.log("E2", cash(two, 100, "R-2"))
    before = await pairs.snapshot()
    nobody = uuid4()
    for who, ids, verdict, expected in (
        ("VC1", (b, nobody), CONFIRMED, {b: "NOT_FOUND", nobody: "NOT_FOUND"}),
        ("C1", (a,), RULED, {a: "DELIVERY_STATE"}),
    ):
        report = await pairs.answer(who, verdict, *ids, accepted=Measure(1))
        assert report.done == []
        assert {key: problem.code.name for key, problem in report.refused} == expected
    early = await pairs.answer("VC1", CONFIRMED, a, day=date(2021, 6, 30), evidence="回执")
    assert [problem.code for _, problem in early.refused] == [Code.BEFORE_PREVIOUS_STEP]
    seen = await pairs.answer("VC1", CONFIRMED, a, seen={str(a): 7})
    assert [problem.code for _, problem in seen.refused] == [Code.CONFLICT]
    assert await pairs.snapshot() == before
    await refused(pairs, Code.REASON_NEEDED, "VC1", ledger.answer, Chosen([a]), DISPUTED, Stated())
    await refused(pairs, Code.BAD_VALUE, "VC1", ledger.answer, Chosen([a, b]), PARTLY, Stated(reason="x"), Measure(1))
    mixed = await pairs.answer("VC1", CONFIRMED, a, b)
    assert (mixed.done, [key for key, _ in mixed.refused]) == ([a], [b])


@pytest.mark.parametrize("receipt", ["R-1", "r 1", "R—1", "Ｒ－１", " R-1 "])
async def test_one_paper_counts_once_over_villages_and_enterprises(pairs: Pairs, receipt: str) -> None:
    """However it is written. Whose it was is not said."""
    one, two = await pairs.two()
    await pairs.log("E1", cash(one, 100, "R-1"))
    for agent, agreement in (("E1", one), ("E2", two)):
        told = await refused(pairs, Code.RECEIPT_COUNTED, agent, ledger.log, [cash(agreement, 100, receipt)], Stated())
        assert told.path == ("lines", 0, "receipt")
        assert set(told.values) == {"receipt"}
    twice = [cash(two, 1, "S-1"), cash(two, 2, "S1")]
    told = await refused(pairs, Code.RECEIPT_COUNTED, "E2", ledger.log, twice, Stated())
    assert told.path == ("lines", 1, "receipt")


async def test_a_correction_is_a_new_line_with_its_own_paper_or_the_same(pairs: Pairs) -> None:
    one, two = await pairs.two()
    (a,) = await pairs.log("E1", cash(one, 100, "R-1"))
    (other,) = await pairs.log("E2", cash(two, 70, "R-9"))
    await pairs.answer("VC1", CONFIRMED, a)
    again = cash(one, 90, "R-1", corrects=a)
    await refused(pairs, Code.REASON_NEEDED, "E1", ledger.log, [again], Stated())
    taken = cash(one, 90, "R-9", corrects=a)
    await refused(pairs, Code.RECEIPT_COUNTED, "E1", ledger.log, [taken], Stated(reason="笔误"))
    foreign = cash(one, 90, "R-10", corrects=other)
    await refused(pairs, Code.NOT_FOUND, "E1", ledger.log, [foreign], Stated(reason="笔误"))
    both = [again, cash(one, 80, "R-11", corrects=a)]
    await refused(pairs, Code.CONFLICT, "E1", ledger.log, both, Stated(reason="笔误"))
    (b,) = await pairs.log("E1", again, reason="笔误")
    rows = await pairs.rows(
        "select id, amount_fen, state, stands_fen, corrects from delivery where receipt = 'R-1' order by id"
    )
    assert [tuple(row) for row in rows] == [(a, 10_000, "replaced", 0, None), (b, 9_000, "logged", 0, a)]
    await refused(pairs, Code.CONFLICT, "E1", ledger.log, [cash(one, 1, "R-12", corrects=a)], Stated(reason="再改"))
    gone = await pairs.answer("VC1", CONFIRMED, a)
    assert [problem.code for _, problem in gone.refused] == [Code.DELIVERY_STATE]
    (c,) = await pairs.log("E1", cash(one, 0, "R-1", corrects=b), reason="没有这笔")
    assert (await pairs.answer("VC1", CONFIRMED, c)).done == [c]
    found = await pairs.do("C1", figures.figures, Which(division=V1))
    assert (found.total("stands_fen"), found.total("logged_fen"), found.total("lines")) == (0, 0, 1)


@pytest.mark.parametrize(
    ("more", "code", "path"),
    [
        ({"day": TODAY + timedelta(1)}, Code.DAY_IN_FUTURE, ("lines", 0, "day")),
        ({"day": BEGIN - timedelta(1)}, Code.AGREEMENT_STATE, ("lines", 0, "agreement")),
        ({"path": "trade"}, Code.BAD_VALUE, ("lines", 0, "kind")),
        ({"kind": "goods"}, Code.MISSING_VALUE, ("lines", 0, "valuation")),
        ({"kind": "posts", "path": "jobs"}, Code.MISSING_VALUE, ("lines", 0, "measure", "quantity")),
        ({"measure": Measure(0)}, Code.BAD_VALUE, ("lines", 0, "measure", "fen")),
        ({"measure": Measure(10**13 + 1)}, Code.BAD_VALUE, ("lines", 0, "measure", "fen")),
        ({"measure": Measure(1, 2)}, Code.BAD_VALUE, ("lines", 0, "measure", "quantity")),
        ({"what": ""}, Code.MISSING_VALUE, ("lines", 0, "what")),
        ({"receipt": "——"}, Code.MISSING_VALUE, ("lines", 0, "receipt")),
        ({"agreement": uuid4()}, Code.NOT_FOUND, ("lines", 0, "agreement")),
    ],
)
async def test_what_no_delivery_may_say(pairs: Pairs, more: dict[str, Any], code: Code, path: tuple[Any, ...]) -> None:
    one, _ = await pairs.two()
    line = cash(**{"agreement": one, "yuan": 100, "receipt": "R-1", **more})
    told = await refused(pairs, code, "E1", ledger.log, [line], Stated())
    assert told.path == path


async def test_an_enterprise_logs_only_under_its_own_agreements(pairs: Pairs) -> None:
    one, two = await pairs.two()
    await refused(pairs, Code.NOT_FOUND, "E1", ledger.log, [cash(two, 1, "R-1")], Stated())
    for number in ("VC1", "IF", "C1", "AU", "HA"):
        await refused(pairs, Code.FORBIDDEN, number, ledger.log, [cash(one, 1, "R-1")], Stated())


async def test_thousands_are_confirmed_in_one_go_in_as_many_statements_as_two(pairs: Pairs) -> None:
    one, two = await pairs.two()
    counts = []
    for size, start in ((2, 0), (300, 10)):
        lines = [cash(one, 1 + n, f"R{start + n}") for n in range(size)]
        with Statements(pairs.database) as logging:
            made = await pairs.log("E1", *lines)
        with Statements(pairs.database) as confirming:
            report = await pairs.do("VC1", ledger.answer, Chosen(division=V1, without=made[:1]), CONFIRMED, Stated())
        assert set(report.done) == set(made[1:]) | set(report.done) - set(made)
        assert report.refused == []
        counts.append((len(logging), len(confirming)))
    assert counts[0] == counts[1], counts
    left = await pairs.rows("select count(*), sum(stands_fen) from delivery where state = 'logged'")
    assert tuple(left[0]) == (1, 0)
    total = await pairs.rows("select sum(stands_fen) from delivery")
    assert total[0][0] == sum(100 * (1 + n) for n in range(300)) - 100 + 200 + 100
    # What another village has to answer was not touched.
    (other,) = await pairs.log("E2", cash(two, 1, "Z1"))
    await pairs.do("VC1", ledger.answer, Chosen(division=V1), CONFIRMED, Stated())
    assert [row[0] for row in await pairs.rows(f"select state from delivery where id = '{other}'")] == ["logged"]


async def test_of_two_who_answer_at_once_one_is_too_late(pairs: Pairs) -> None:
    one, _ = await pairs.two()
    (line,) = await pairs.log("E1", cash(one, 100, "R-1"))
    await pairs.charge("VC2", Duty.VILLAGE_COMMITTEE, V1)
    reports = await asyncio.gather(
        pairs.answer("VC1", CONFIRMED, line), pairs.answer("VC2", DISPUTED, line), return_exceptions=True
    )
    done = [report for report in reports if not isinstance(report, BaseException) and report.done]
    assert len(done) == 1
    ((count,),) = await pairs.rows("select count(*) from delivery_answer")
    assert count == 1


# --- persons ------------------------------------------------------------------------------------------------------


async def test_who_fills_a_post_is_known_to_the_village_alone(pairs: Pairs) -> None:
    one, _ = await pairs.two()
    a, b = await pairs.log("E1", posts(one, 2, 900, "R-1"), cash(one, 5, "R-2"))
    await refused(pairs, Code.DELIVERY_STATE, "VC1", ledger.match, a, ["H1-01"], Stated())
    await pairs.answer("VC1", CONFIRMED, a, b)
    await refused(pairs, Code.BAD_VALUE, "VC1", ledger.match, b, ["H1-01"], Stated())
    await refused(pairs, Code.NOT_FOUND, "VC1", ledger.match, a, ["H7-01"], Stated())  # of another village
    await refused(pairs, Code.FORBIDDEN, "E1", ledger.match, a, ["H1-01"], Stated())
    await refused(pairs, Code.BAD_VALUE, "VC1", ledger.match, a, ["H1-01", "H1-02", "H2-01"], Stated())
    assert await pairs.do("VC1", ledger.match, a, ["H1-01", "H1-02"], Stated()) == 2
    assert await pairs.do("VC1", ledger.match, a, ["H1-01"], Stated()) == 0
    (c,) = await pairs.log("E1", posts(one, 1, 300, "R-3"))
    await pairs.answer("VC1", CONFIRMED, c)
    await pairs.do("VC1", ledger.match, c, ["H1-01"], Stated())
    assert (await pairs.do("VC1", figures.figures, Which())).persons == 2  # one of them twice
    seen = await pairs.do("E1", figures.figures, Which())
    assert (seen.persons, seen.total("stands_quantity")) == (0, 3)
    async with pairs.database.session(pairs.who("E1").scope) as session:
        for table in ("delivery_person", "person", "household", "membership", "standing", "case_file"):
            assert await session.scalar(text(f"select count(*) from {table}")) == 0, table


# --- reviews ------------------------------------------------------------------------------------------------------


async def test_a_year_is_reviewed_against_its_plan(pairs: Pairs) -> None:
    one, _ = await pairs.two()
    await pairs.do("E1", agreements.plan, one, [measure_of(2021, "donation", "cash", Measure(50_000))], Stated())
    (line,) = await pairs.log("E1", cash(one, 300, "R-1"))
    await pairs.answer("VC1", CONFIRMED, line)
    found = Finding(year=2021, outcome=Outcome.PARTLY, finding="完成六成", nominated=True)
    await refused(pairs, Code.FORBIDDEN, "E1", reviews.review, one, found, Stated())
    await refused(pairs, Code.FORBIDDEN, "VC1", reviews.review, one, found, Stated())
    late = Finding(year=2022, outcome=Outcome.MET, finding="尚未开始")
    await refused(pairs, Code.BAD_VALUE, "IF", reviews.review, one, late, Stated())
    await pairs.do("IF", reviews.review, one, found, Stated())
    rows = await pairs.rows("select number, outcome, nominated, exited_households, figures from pairing_review")
    assert [tuple(row) for row in rows] == [
        (1, "partly", True, 0,
         {"pledged_fen": 50_000, "pledged_quantity": 0, "stands_fen": 30_000, "stands_quantity": 0}),
    ]  # fmt: skip
    who = pairs.who("C1")
    async with pairs.database.session(who.scope) as session:
        # By the register: H1 left in 2017, H2 in 2018, H3 in 2015; of H4 the year is not known.
        counts = [await reviews.exited(session, who, V1, year) for year in range(2014, 2020)]
        assert counts == [0, 1, 0, 1, 1, 0]
        assert await reviews.nominations(session, who, pairs.pairing, 2021) == {V1}
    again = Finding(year=2021, outcome=Outcome.MET, finding="复查后补齐")
    await pairs.do("C1", reviews.review, one, again, Stated())
    async with pairs.database.session(who.scope) as session:
        assert await reviews.nominations(session, who, pairs.pairing, 2021) == set()


async def test_no_more_villages_are_nominated_than_may_be(pairs: Pairs) -> None:
    one, two = await pairs.two()
    first, second = pairs.who("C1"), pairs.who("C2")
    raw = {
        "title": "测试县万企帮万村实施办法", "number": "测政办〔2021〕9号", "issued": date(2021, 2, 1),
        "parameters": {"typical_villages": [{"since": date(2021, 3, 1), "value": 1, "clause": "五"}]},
    }  # fmt: skip
    async with pairs.database.session(first.scope) as session:
        draft = await provisions.draft(session, first, pairs.pairing, raw)
    async with pairs.database.session(second.scope) as session:
        await provisions.release(session, second, pairs.plugins, draft)
    found = Finding(year=2021, outcome=Outcome.MET, finding="好", nominated=True)
    await pairs.do("IF", reviews.review, one, found, Stated())
    await pairs.do("IF", reviews.review, one, found, Stated())  # the same village again
    told = await refused(pairs, Code.NOMINATIONS_FULL, "IF", reviews.review, two, found, Stated())
    assert told.values["most"] == 1


# --- figures that agree -------------------------------------------------------------------------------------------


async def test_every_total_is_that_of_its_lines_for_every_filter(pairs: Pairs) -> None:
    """Held against what is added up here, from the rows themselves and the answers that were given."""
    rng = random.Random(20211017)
    one, two = await pairs.two()
    lines = []
    for place in range(40):
        agreement, agent = rng.choice([(one, "E1"), (two, "E2")])
        day = date(2021, 6, 1) + timedelta(days=rng.randrange(140))
        make = rng.choice(["cash", "posts"])
        yuan, number = rng.randrange(1, 500), rng.randrange(1, 9)
        line = (
            cash(agreement, yuan, f"N{place}", day)
            if make == "cash"
            else posts(agreement, number, yuan, f"N{place}", day=day)
        )
        lines.append((agent, line))
    kept: dict[UUID, dict[str, Any]] = {}
    for agent, line in lines:
        (made,) = await pairs.log(agent, line)
        kept[made] = {
            "village": V1 if agent == "E1" else V3, "code": ONE if agent == "E1" else OTHER, "kind": line.kind,
            "path": line.path, "fen": line.measure.fen, "number": line.measure.quantity or 0, "state": "logged",
            "stands": 0, "stands_number": 0,
        }  # fmt: skip
    for made, row in kept.items():
        village = "VC1" if row["village"] == V1 else "VC3"
        agent = "E1" if row["village"] == V1 else "E2"
        match rng.randrange(6):
            case 0:
                continue
            case 1 | 2:
                await pairs.answer(village, CONFIRMED, made)
                row |= {"state": "confirmed", "stands": row["fen"], "stands_number": row["number"]}
            case 3:
                await pairs.answer(village, DISPUTED, made)
                row |= {"state": "disputed"}
            case turn:
                part = Measure(row["fen"] // 2, row["number"] or None)
                assert (await pairs.answer(village, PARTLY, made, accepted=part)).done == [made]
                row |= {"state": "partly", "stands": row["fen"] // 2, "stands_number": row["number"]}
                if turn == 5:
                    await pairs.answer(agent, CONTESTED, made)
                    row |= {"state": "contested"}
    agreed = {"confirmed", "partly"}
    filters: list[tuple[Which, Any]] = [
        (Which(), lambda row: True),
        (Which(division=BASE), lambda row: True),
        (Which(division=T1), lambda row: row["village"] == V1),
        (Which(division=V3), lambda row: row["village"] == V3),
        (Which(credit_code=OTHER), lambda row: row["code"] == OTHER),
        (Which(path="jobs"), lambda row: row["path"] == "jobs"),
        (Which(kind="cash", year=2021), lambda row: row["kind"] == "cash"),
        (Which(year=2022), lambda row: False),
        (Which(division=V1, credit_code=OTHER), lambda row: False),
    ]
    statements = set()
    for which, chosen in filters:
        with Statements(pairs.database) as counted:
            found = await pairs.do("C1", figures.figures, which)
        statements.add(len(counted))
        mine = [row for row in kept.values() if chosen(row)]
        sums: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for row in mine:
            own = sums[row["path"], row["kind"]]
            own["logged_fen"] += row["fen"]
            own["logged_quantity"] += row["number"]
            own["stands_fen"] += row["stands"]
            own["stands_quantity"] += row["stands_number"]
            own["waiting_fen"] += row["fen"] if row["state"] == "logged" else 0
            own["disputed_fen"] += row["fen"] - row["stands"] if row["state"] in ("disputed", "contested") else 0
            own["refused_fen"] += row["fen"] - row["stands"] if row["state"] in agreed else 0
            own["lines"] += 1
            own["agreed"] += row["state"] in agreed
        seen = {(line.path, line.kind): line for line in found.by_kind}
        assert set(seen) == set(sums), which
        for key, own in sums.items():
            assert {name: getattr(seen[key], name) for name in own} == own, (which, key)
        assert found.confirmation_rate == (sum(row["state"] in agreed for row in mine), len(mine))
        explained = sum(found.total(name) for name in ("stands_fen", "waiting_fen", "disputed_fen", "refused_fen"))
        assert found.total("logged_fen") == explained
    assert statements == {4 + 1}  # the last binds the transaction
    whole = await pairs.do("C1", figures.figures, Which(year=2021))
    assert (whole.enterprises, whole.villages, whole.agreements) == (2, 2, 2)
    assert (await pairs.do("E1", figures.figures, Which())).total("logged_fen") == sum(
        row["fen"] for row in kept.values() if row["code"] == ONE
    )
    with pytest.raises(Refused, match="FORBIDDEN"):
        await pairs.do("HA", figures.figures, Which())
    # Where every line stands is what its answers come to, told again without the database.
    answers: dict[UUID, list[tuple[Verdict, Measure]]] = defaultdict(list)
    for key, verdict, fen, number in await pairs.rows(
        "select a.delivery_id, a.verdict, a.stands_fen, case when d.quantity is null then null else a.stands_quantity end"
        " from delivery_answer a join delivery d on d.id = a.delivery_id order by a.delivery_id, a.number"
    ):
        answers[key].append((Verdict(verdict), Measure(fen, number)))
    for key, fen, number, state, stands, stands_number in await pairs.rows(
        "select id, amount_fen, quantity, state, stands_fen, stands_quantity from delivery"
    ):
        assert replayed(Measure(fen, number), answers[key]) == Standing(DeliveryState(state), stands, stands_number)


async def test_what_waits_for_whom_the_oldest_first(pairs: Pairs) -> None:
    registered = await pairs.do("E1", registrations.register, Applicant(ONE), Stated())
    assert [one.id for one in await pairs.do("IF", figures.waiting, Party.COUNTY)] == [registered]
    await pairs.do("IF", registrations.verify, registered, Stated(), passed=True)
    made = await pairs.propose()
    for party, number in ((Party.HELPER, "E1"), (Party.HELPED, "VC1")):
        found = await pairs.do(number, figures.waiting, party)
        assert [(one.what, one.id, one.division) for one in found] == [(Waits.SIGNATURE, made, V1)]
    await pairs.signed(made, Side.HELPER, "E1")
    assert await pairs.do("E1", figures.waiting, Party.HELPER) == []
    await pairs.signed(made, Side.HELPED, "VC1")
    a, b = await pairs.log("E1", cash(made, 1, "R-1"), cash(made, 2, "R-2"))
    with Statements(pairs.database) as counted:
        found = await pairs.do("VC1", figures.waiting, Party.HELPED)
    assert {(one.what, one.id) for one in found} == {(Waits.DELIVERY, a), (Waits.DELIVERY, b)}
    assert len(counted) == 1 + 1
    assert await pairs.do("VC3", figures.waiting, Party.HELPED) == []
    await pairs.answer("VC1", PARTLY, b, accepted=Measure(100))
    assert [(one.what, one.id) for one in await pairs.do("E1", figures.waiting, Party.HELPER)] == [(Waits.PART, b)]


# --- walls --------------------------------------------------------------------------------------------------------


async def test_an_enterprise_sees_its_own_and_nothing_of_another(pairs: Pairs) -> None:
    one, two = await pairs.two()
    for agent, agreement in (("E1", one), ("E2", two)):
        await pairs.do(agent, agreements.plan, agreement, [measure_of(2021, "donation", "cash", Measure(1))], Stated())
        await pairs.do(agent, agreements.raise_obstacle, agreement, "困难", Stated())
        (line,) = await pairs.log(agent, cash(agreement, 1, f"R-{agent}"))
        await pairs.answer("VC1" if agent == "E1" else "VC3", CONFIRMED, line)
        await pairs.do("IF", reviews.review, agreement, Finding(year=2021, outcome=Outcome.MET, finding="好"), Stated())
    tables = ("helper", "pairing_agreement", "agreement_signature", "plan_line", "obstacle", "delivery",
              "delivery_receipt", "delivery_answer", "pairing_review")  # fmt: skip
    for table in tables:
        count = 2 if table == "agreement_signature" else 1
        for number in ("E1", "E2", "VC1", "VC3", "HA", "C1"):
            async with pairs.database.session(pairs.who(number).scope) as session:
                seen = await session.scalar(text(f"select count(*) from {table}"))
            everybody = 2 * count if number == "C1" or (table == "helper" and number.startswith("VC")) else count
            assert seen == (0 if number == "HA" else everybody), (table, number)


async def test_what_is_logged_is_changed_by_nobody(pairs: Pairs) -> None:
    one, _ = await pairs.two()
    await pairs.log("E1", cash(one, 1, "R-1"))
    for number in ("E1", "VC1", "C1", "R1"):
        for sql in (
            "update delivery set amount_fen = 1",
            "delete from delivery",
            "update delivery_answer set stands_fen = 1",
            "update agreement_signature set side = 'helper'",
            "update delivery_receipt set key = 'x'",
            "update pairing_review set outcome = 'met'",
        ):
            with pytest.raises(Exception, match="permission denied"):
                async with pairs.database.session(pairs.who(number).scope) as session:
                    await session.execute(text(sql))


def test_every_act_needs_a_permission_and_every_permission_an_act() -> None:
    assert set(ACTIONS) == {*PairingAct, *InspectionAct, *HandoutAct}
    assert len(ACTIONS) == len(PairingAct) + len(InspectionAct) + len(HandoutAct)
    assert set(ACTIONS.values()) == {
        Action.REGISTER_HELPERS, Action.VERIFY_HELPERS, Action.STATE_NEEDS, Action.KEEP_AGREEMENTS,
        Action.LOG_DELIVERIES, Action.CONFIRM_DELIVERIES, Action.ARBITRATE_DELIVERIES, Action.REVIEW_PAIRINGS,
        Action.INSPECT_BASES, Action.RECTIFY_FINDINGS, Action.KEEP_HANDOUTS, Action.LIST_HANDOUTS,
    }  # fmt: skip


async def test_nothing_of_it_ever_appears_as_a_payment_of_the_state(pairs: Pairs) -> None:
    money = ("entitlement", "payment_batch", "payment_line", "budget_entry", "repayment", "income_line")
    before = {table: (await pairs.rows(f"select count(*) from {table}"))[0][0] for table in money}
    one, _ = await pairs.two()
    (line,) = await pairs.log("E1", cash(one, 100, "R-1"))
    await pairs.answer("VC1", CONFIRMED, line)
    assert {table: (await pairs.rows(f"select count(*) from {table}"))[0][0] for table in money} == before


# --- papers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("12/3", "1/23", False), ("12-3", "123", False), ("12-3", "12/3", True), ("12 / 3", "12—3", True),
        ("12 3", "123", True), ("R-1", "R1", True), ("2021年-3", "2021年3", True), ("-1-", "1", True),
    ],
)  # fmt: skip
def test_a_stroke_tells_papers_apart_between_digits_alone(one: str, other: str, same: bool) -> None:
    assert (ledger.receipt_key(one) == ledger.receipt_key(other)) is same


async def test_a_paper_is_free_once_no_line_carries_it(pairs: Pairs) -> None:
    one, two = await pairs.two()
    (a,) = await pairs.log("E1", cash(one, 100, "R-1"))
    again = [cash(two, 100, "R-1")]
    await refused(pairs, Code.RECEIPT_COUNTED, "E2", ledger.log, again, Stated())
    (b,) = await pairs.log("E1", cash(one, 100, "R-2", corrects=a), reason="单据号有误")
    (c,) = await pairs.log("E2", *again)
    await refused(pairs, Code.RECEIPT_COUNTED, "E1", ledger.log, [cash(one, 5, "R-1")], Stated())
    # Corrected to nothing, a line frees its paper, and brings none: not even the one that it names.
    await pairs.log("E2", cash(two, 0, "R-1", corrects=c), reason="没有这笔")
    (d,) = await pairs.log("E1", cash(one, 5, "R-1"))
    rows = await pairs.rows("select delivery_id, key, released_at is null from delivery_receipt order by id")
    assert [tuple(row) for row in rows] == [
        (a, "R1", False), (b, "R2", True), (c, "R1", False), (d, "R1", True),
    ]  # fmt: skip


async def test_what_was_logged_for_the_wrong_village_is_corrected_in_one_go(pairs: Pairs) -> None:
    await pairs.register(ONE)
    here = await pairs.agree()
    there = await pairs.agree("X-2", village=V3, committee="VC3")
    (a,) = await pairs.log("E1", cash(here, 100, "R-1"))
    await pairs.answer("VC1", CONFIRMED, a)
    (b,) = await pairs.log("E1", cash(there, 100, "R-1", corrects=a), reason="村填错")
    rows = await pairs.rows("select id, division, state, stands_fen, corrects from delivery order by id")
    assert [tuple(row) for row in rows] == [(a, V1, "replaced", 0, None), (b, V3, "logged", 0, a)]
    assert (await pairs.answer("VC3", CONFIRMED, b)).done == [b]
    found = {village: await pairs.do("C1", figures.figures, Which(division=village)) for village in (V1, V3)}
    assert {village: own.total("stands_fen") for village, own in found.items()} == {V1: 0, V3: 10_000}


async def test_who_logs_is_charged_with_it_on_the_day_on_which_he_does(pairs: Pairs) -> None:
    """Not on the day of the delivery: his predecessor's deliveries are his to log, and his are not his any more."""
    one, _ = await pairs.two()
    since = "update assignment set valid_from = :day where duty = 'enterprise_agent'"
    until = "update assignment set valid_to = :day where duty = 'enterprise_agent'"
    await owner(pairs, since, day=date(2021, 10, 1))
    await pairs.look()
    (a,) = await pairs.log("E1", cash(one, 100, "R-1", date(2021, 7, 1)))
    rows = await pairs.rows("select id, effective_on, evidence from delivery")
    assert [tuple(row) for row in rows] == [(a, date(2021, 7, 1), "R-1")]
    early = Stated(date(2021, 9, 30), evidence="回单")
    await refused(pairs, Code.NOT_YOUR_DUTY, "E1", ledger.log, [cash(one, 1, "R-2", date(2021, 7, 1))], early)
    before = Stated(date(2021, 10, 2), evidence="回单")
    told = await refused(pairs, Code.DAY_IN_FUTURE, "E1", ledger.log, [cash(one, 1, "R-2", date(2021, 10, 3))], before)
    assert told.path == ("lines", 0, "day")
    await owner(pairs, until, day=TODAY)
    await pairs.look()
    await refused(pairs, Code.FORBIDDEN, "E1", ledger.log, [cash(one, 1, "R-2", date(2021, 10, 5))], Stated())


async def test_many_agreements_are_logged_in_as_many_statements_as_one(pairs: Pairs) -> None:
    await pairs.register(ONE)
    here = await pairs.agree()
    there = await pairs.agree("X-2", village=V3, committee="VC3")
    with Statements(pairs.database) as single:
        await pairs.log("E1", cash(here, 1, "R-1"))
    with Statements(pairs.database) as several:
        await pairs.log("E1", cash(here, 2, "R-2"), cash(there, 3, "R-3"))
    assert len(single) == len(several)
    audited = await pairs.rows(
        "select object, data -> 'fen' from audit_entry where action = 'log_deliveries' order by id"
    )
    assert sorted(tuple(row) for row in audited) == sorted(
        [(f"agreement/{here}", 100), (f"agreement/{here}", 200), (f"agreement/{there}", 300)]
    )


# --- keys that somebody else has ----------------------------------------------------------------------------------


async def test_the_number_of_an_agreement_out_of_sight_is_taken(pairs: Pairs) -> None:
    await pairs.register(ONE)
    await pairs.register(OTHER)
    await pairs.propose()
    before = await pairs.snapshot()
    with pytest.raises(Refused) as caught:
        await pairs.propose("X-1", OTHER, V3, by="E2")
    assert [problem.code for problem in caught.value.problems] == [Code.NUMBER_TAKEN]
    assert await pairs.snapshot() == before


async def test_of_two_who_take_over_at_once_one_is_told(pairs: Pairs) -> None:
    await pairs.register(ONE)
    await pairs.register(OTHER)
    old = await pairs.agree()
    await pairs.do("IF", agreements.end, old, Stated(reason="经营困难"), relayed=True)
    terms: dict[str, Any] = {"valid_from": TODAY, "valid_to": date(2025, 1, 1), "takes_over": old}
    done = await asyncio.gather(
        *(pairs.propose(f"X-{n}", OTHER, by=by, **terms) for n, by in ((2, "IF"), (3, "IF2"))), return_exceptions=True
    )
    (lost,) = [one for one in done if isinstance(one, BaseException)]
    assert isinstance(lost, Refused)
    assert [problem.code for problem in lost.problems] == [Code.AGREEMENT_STATE]


async def test_two_lines_of_one_plan_do_not_replace_the_same(pairs: Pairs) -> None:
    one, _ = await pairs.two()
    line = measure_of(2021, "donation", "cash", Measure(50_000))
    (old,) = await pairs.do("E1", agreements.plan, one, [line], Stated())
    both = [measure_of(2021, "donation", "cash", Measure(fen), replaces=old) for fen in (1, 2)]
    told = await refused(pairs, Code.CONFLICT, "E1", agreements.plan, one, both, Stated(reason="再改"))
    assert told.path == ("lines", 1, "replaces")


# --- who plans what -----------------------------------------------------------------------------------------------


async def test_an_agent_plans_measures_and_no_task_of_the_government(pairs: Pairs) -> None:
    one, _ = await pairs.two()
    task = Planned(year=2021, due_on=date(2021, 12, 31), what="修路", office="县交通局")
    told = await refused(pairs, Code.NOT_YOUR_DUTY, "E1", agreements.plan, one, [task], Stated())
    assert told.path[:2] == ("lines", 0)
    (made,) = await pairs.do("VC1", agreements.plan, one, [task], Stated())
    turned = measure_of(2021, "donation", "cash", Measure(1), replaces=made)
    await refused(pairs, Code.NOT_YOUR_DUTY, "E1", agreements.plan, one, [turned], Stated(reason="改为捐款"))


async def test_what_was_due_or_is_reviewed_only_the_county_plans_anew(pairs: Pairs) -> None:
    one, _ = await pairs.two()
    due = measure_of(2021, "donation", "cash", Measure(50_000), due_on=TODAY)
    later = measure_of(2021, "donation", "cash", Measure(10_000))
    first, second = await pairs.do("E1", agreements.plan, one, [due, later], Stated())
    tomorrow = TODAY + timedelta(1)
    smaller = measure_of(2021, "donation", "cash", Measure(1), replaces=first)
    why = Stated(reason="调整")
    for number in ("E1", "VC1"):
        before = await pairs.snapshot()
        with pytest.raises(Refused, match="NOT_YOUR_DUTY"):
            await pairs.do(number, agreements.plan, one, [smaller], why, today=tomorrow)
        with pytest.raises(Refused, match="NOT_YOUR_DUTY"):
            await pairs.do(number, agreements.plan, one, [due], Stated(), today=tomorrow)
        assert await pairs.snapshot() == before
    await pairs.do("IF", agreements.plan, one, [smaller], why, today=tomorrow)
    await pairs.do("IF", reviews.review, one, Finding(year=2021, outcome=Outcome.PARTLY, finding="未完成"), Stated())
    after = measure_of(2021, "donation", "cash", Measure(1), replaces=second)
    for number in ("E1", "VC1"):
        await refused(pairs, Code.NOT_YOUR_DUTY, number, agreements.plan, one, [after], why)
        await refused(pairs, Code.NOT_YOUR_DUTY, number, agreements.plan, one, [later], Stated())
    await pairs.do("C1", agreements.plan, one, [after], why)
    rows = await pairs.rows("select amount_fen from plan_line where replaced_at is null")
    assert [row[0] for row in rows] == [1, 1]


async def test_of_an_agreement_that_was_ended_what_was_due_later_is_not_pledged(pairs: Pairs) -> None:
    one, _ = await pairs.two()
    lines = [
        measure_of(2021, "donation", "cash", Measure(100), due_on=date(2021, 10, 19)),
        measure_of(2021, "donation", "cash", Measure(20), due_on=TODAY),
        measure_of(2022, "donation", "cash", Measure(3)),
    ]
    await pairs.do("IF", agreements.plan, one, lines, Stated())
    assert (await pairs.do("C1", figures.figures, Which())).total("pledged_fen") == 123
    await pairs.do("IF", agreements.end, one, Stated(reason="经营困难"))
    found = await pairs.do("C1", figures.figures, Which())
    assert [(own.kind, own.pledged_fen, own.projects) for own in found.by_kind] == [("cash", 100, 1)]
    assert (await pairs.do("C1", figures.figures, Which(year=2022))).by_kind == []


async def test_of_a_path_or_a_kind_those_agreements_are_counted_that_have_something_of_it(pairs: Pairs) -> None:
    one, two = await pairs.two()
    await pairs.do("E1", agreements.plan, one, [measure_of(2021, "donation", "cash", Measure(100))], Stated())
    await pairs.log("E2", posts(two, 1, 900, "R-1"))
    counted = {}
    for which in (
        Which(),
        Which(path="donation"),
        Which(kind="posts"),
        Which(path="trade"),
        Which(path="jobs", year=2022),
    ):
        found = await pairs.do("C1", figures.figures, which)
        counted[which.path, which.kind, which.year] = (found.enterprises, found.villages, found.agreements)
    assert counted == {
        (None, None, None): (2, 2, 2), ("donation", None, None): (1, 1, 1), (None, "posts", None): (1, 1, 1),
        ("trade", None, None): (0, 0, 0), ("jobs", None, 2022): (0, 0, 0),
    }  # fmt: skip


# --- persons that were named by mistake ---------------------------------------------------------------------------


async def test_no_more_persons_are_named_than_stand_and_one_is_taken_back(pairs: Pairs) -> None:
    one, _ = await pairs.two()
    (a,) = await pairs.log("E1", posts(one, 3, 900, "R-1"))
    await pairs.answer("VC1", PARTLY, a, accepted=Measure(60_000, 1))
    await refused(pairs, Code.BAD_VALUE, "VC1", ledger.match, a, ["H1-01", "H1-02"], Stated())
    assert await pairs.do("VC1", ledger.match, a, ["H1-01"], Stated()) == 1
    await refused(pairs, Code.REASON_NEEDED, "VC1", ledger.unmatch, a, ["H1-01"], Stated())
    why = Stated(reason="名字认错")
    await refused(pairs, Code.NOT_FOUND, "VC1", ledger.unmatch, a, ["H1-02"], why)
    await refused(pairs, Code.NOT_FOUND, "VC3", ledger.unmatch, a, ["H1-01"], why)
    await refused(pairs, Code.FORBIDDEN, "E1", ledger.unmatch, a, ["H1-01"], why)
    assert await pairs.do("VC1", ledger.unmatch, a, ["H1-01"], why) == 1
    assert (await pairs.do("VC1", figures.figures, Which())).persons == 0
    await refused(pairs, Code.NOT_FOUND, "VC1", ledger.unmatch, a, ["H1-01"], why)
    assert await pairs.do("VC1", ledger.match, a, ["H1-02"], Stated()) == 1
    assert await pairs.do("VC1", ledger.unmatch, a, ["H1-02"], why) == 1
    assert await pairs.do("VC1", ledger.match, a, ["H1-01"], Stated()) == 1
    by = pairs.officers["VC1"].id
    rows = await pairs.rows(
        "select p.number, d.taken_back_by from delivery_person d join person p on p.id = d.person_id order by d.id"
    )
    assert [tuple(row) for row in rows] == [("H1-01", by), ("H1-02", by), ("H1-01", None)]


# --- terms --------------------------------------------------------------------------------------------------------


async def test_nobody_signs_what_is_over(pairs: Pairs) -> None:
    await pairs.register()
    made = await pairs.propose()
    before = await pairs.snapshot()
    paper = Stated(SIGNED, evidence="原件")
    with pytest.raises(Refused) as caught:
        await pairs.do("VC1", agreements.sign, made, Side.HELPED, paper, today=END)
    assert [problem.code for problem in caught.value.problems] == [Code.AGREEMENT_STATE]
    assert caught.value.problems[0].values["state"] == AgreementState.EXPIRED.title_text
    assert await pairs.snapshot() == before


async def test_nothing_is_delivered_before_both_have_signed(pairs: Pairs) -> None:
    """By the papers that they signed: whoever types these in later changes nothing of it."""
    await pairs.register()
    made = await pairs.propose()
    await pairs.signed(made, Side.HELPED, "VC1")
    await refused(pairs, Code.AGREEMENT_STATE, "E1", ledger.log, [cash(made, 1, "R-1", TODAY)], Stated())
    await pairs.signed(made, Side.HELPER, "E1", date(2021, 8, 1))
    early = cash(made, 1, "R-1", date(2021, 7, 31))
    told = await refused(pairs, Code.AGREEMENT_STATE, "E1", ledger.log, [early], Stated())
    assert told.values["state"] == AgreementState.DRAWN_UP.title_text
    await pairs.log("E1", cash(made, 1, "R-1", date(2021, 8, 1)))


@pytest.mark.parametrize(
    ("valid_from", "valid_to"),
    [
        (date(1, 1, 1), date(4, 1, 1)), (date(1899, 12, 31), date(1903, 1, 1)), (date(9994, 1, 1), date(9998, 1, 1)),
        (date(9998, 1, 1), date(9999, 12, 31)), (date(9999, 12, 31), date(9999, 12, 31)),
    ],
)  # fmt: skip
async def test_days_out_of_the_calendar_are_problems(pairs: Pairs, valid_from: date, valid_to: date) -> None:
    await pairs.register()
    before = await pairs.snapshot()
    with pytest.raises(Refused) as caught:
        await pairs.propose(valid_from=valid_from, valid_to=valid_to)
    assert [(problem.code, problem.path) for problem in caught.value.problems] == [(Code.BAD_VALUE, ("valid_from",))]
    assert await pairs.snapshot() == before


def test_a_term_that_runs_over_the_calendar_is_no_29th_of_february() -> None:
    with pytest.raises(ValueError, match="year"):
        after_years(date(9998, 5, 1), 3)


# --- the county looks again ---------------------------------------------------------------------------------------


async def test_the_county_rules_again_with_reason_and_paper_and_another_person(pairs: Pairs) -> None:
    one, _ = await pairs.two()
    a, b = await pairs.log("E1", cash(one, 100, "R-1"), cash(one, 200, "R-2"))
    await pairs.answer("VC1", CONFIRMED, a)
    await pairs.answer("VC1", PARTLY, b, accepted=Measure(15_000))
    before = await pairs.snapshot()
    bare = await pairs.answer("IF", RULED, a, accepted=Measure(4_000))
    assert [problem.code for _, problem in bare.refused] == [Code.EVIDENCE_NEEDED]
    assert await pairs.snapshot() == before
    await refused(pairs, Code.REASON_NEEDED, "IF", ledger.answer, Chosen([a]), RULED, Stated(evidence="审计报告"),
                  Measure(4_000))  # fmt: skip
    await refused(pairs, Code.FORBIDDEN, "VC1", ledger.answer, Chosen([a]), RULED,
                  Stated(reason="x", evidence="审计报告"), Measure(4_000))  # fmt: skip
    for line, fen in ((a, 4_000), (b, 20_000)):
        assert (await pairs.answer("IF", RULED, line, accepted=Measure(fen), evidence="审计报告")).done == [line]
    same = await pairs.answer("IF", RULED, a, accepted=Measure(5_000), evidence="复核")
    assert [problem.code for _, problem in same.refused] == [Code.SAME_PERSON]
    assert (await pairs.answer("C1", RULED, a, accepted=Measure(5_000), evidence="复核")).done == [a]
    # Whoever ruled before the last does not rule again either.
    again = await pairs.answer("IF", RULED, a, accepted=Measure(6_000), evidence="复核")
    assert [problem.code for _, problem in again.refused] == [Code.SAME_PERSON]
    rows = await pairs.rows("select id, state, stands_fen, version from delivery order by receipt")
    assert [tuple(row) for row in rows] == [(a, "ruled", 5_000, 4), (b, "ruled", 20_000, 3)]


async def test_a_registration_is_revoked_by_another_person(pairs: Pairs) -> None:
    made = await pairs.register()
    signed = await pairs.agree()
    drawn = await pairs.propose("X-2", village=V3)
    await pairs.do("VC1", needs.state, V1, "trade", "卖苹果", Stated())
    why = Stated(reason="被列入经营异常名录")
    await refused(pairs, Code.REASON_NEEDED, "IF", registrations.revoke, made, Stated())
    await refused(pairs, Code.SAME_PERSON, "IF2", registrations.revoke, made, why)
    await refused(pairs, Code.FORBIDDEN, "E1", registrations.revoke, made, why)
    await refused(pairs, Code.FORBIDDEN, "VC1", registrations.revoke, made, why)
    await pairs.do("IF", registrations.revoke, made, why)
    await refused(pairs, Code.CONFLICT, "IF", registrations.revoke, made, why)
    rows = await pairs.rows("select verified, reason, revoked_by, revoked_on from helper")
    assert [tuple(row) for row in rows] == [(False, "被列入经营异常名录", pairs.officers["IF"].id, TODAY)]
    async with pairs.database.session(pairs.who("E1").scope) as session:
        assert await session.scalar(text("select count(*) from need")) == 0
    for number, side in (("E1", Side.HELPER), ("VC3", Side.HELPED)):
        paper = Stated(evidence="原件")
        await refused(pairs, Code.HELPER_NOT_VERIFIED, number, agreements.sign, drawn, side, paper)
    with pytest.raises(Refused, match="HELPER_NOT_VERIFIED"):
        await pairs.propose("X-3", village=V3)
    (line,) = await pairs.log("E1", cash(signed, 1, "R-1"))
    assert (await pairs.answer("VC1", CONFIRMED, line)).done == [line]
    await pairs.register(by="E1")  # anew
    assert await pairs.signed(drawn, Side.HELPER, "E1") is False


# --- what else was wrong ------------------------------------------------------------------------------------------


async def test_a_disabled_officer_owns_no_obstacle_and_nobody_acts_for_him(pairs: Pairs) -> None:
    one, _ = await pairs.two()
    obstacle = await pairs.do("E1", agreements.raise_obstacle, one, "用地未批", Stated())
    async with pairs.database.session(pairs.who("R1").scope) as session:
        clerk = await actor(session, pairs.tenant, "K1")
    await owner(pairs, "update officer set disabled_at = :at where number = 'K1'", at=pairs.who("R1").at.now)
    await refused(pairs, Code.BAD_VALUE, "IF", agreements.assign_obstacle, obstacle, "K1")
    async with pairs.database.session(pairs.who("R1").scope) as session:
        disabled = await actor(session, pairs.tenant, "K1")
    assert (clerk.disabled, disabled.disabled) == (False, True)
    spoken = Stated(evidence="口述", signatory=disabled)
    told = await refused(pairs, Code.SIGNATORY_DISABLED, "R1", agreements.resolve_obstacle, obstacle, "已批", spoken)
    assert told.values["officer"] == "K1"


async def test_an_obstacle_is_of_the_programme_that_is_named(pairs: Pairs) -> None:
    one, _ = await pairs.two()
    obstacle = await pairs.do("E1", agreements.raise_obstacle, one, "用地未批", Stated())
    another, first, office = replace(pairs.pairing, code="another"), pairs.who("C1"), pairs.who("IF")
    async with pairs.database.session(first.scope) as session:
        await grounds.switch_on(session, first, another, date(2021, 1, 1))
    before = await pairs.snapshot()
    assigned: tuple[Any, ...] = (agreements.assign_obstacle, "K1")
    for function, *said in (assigned, (agreements.resolve_obstacle, "已批", Stated())):
        with pytest.raises(Refused, match="NOT_FOUND"):
            async with pairs.database.session(office.scope) as session:
                await function(session, office, another, obstacle, *said)
    assert await pairs.snapshot() == before


async def test_a_year_in_which_an_agreement_had_no_day_is_not_reviewed(pairs: Pairs) -> None:
    one, two = await pairs.two()
    new_year = date(2022, 1, 1)
    await pairs.do("IF", agreements.end, one, Stated(new_year, reason="经营困难", evidence="来函"), today=new_year)
    finding = Finding(year=2022, outcome=Outcome.MET, finding="好")
    before = await pairs.snapshot()
    with pytest.raises(Refused, match="BAD_VALUE"):
        await pairs.do("IF", reviews.review, one, finding, Stated(), today=new_year)
    assert await pairs.snapshot() == before
    await pairs.do("IF", reviews.review, two, finding, Stated(), today=new_year)
    await pairs.do("IF", reviews.review, one, replace(finding, year=2021), Stated(), today=new_year)


async def test_what_waits_is_told_by_kind_and_counted(pairs: Pairs) -> None:
    one, _ = await pairs.two()
    a, b, c = await pairs.log("E1", *(cash(one, n, f"R-{n}") for n in (1, 2, 3)))
    drawn = await pairs.propose("X-3", village=V1, valid_from=END, valid_to=date(2028, 1, 1))

    async def waits(**options: Any) -> list[UUID]:
        return [found.id for found in await pairs.do("VC1", figures.waiting, Party.HELPED, **options)]

    first, second, third = sorted([a, b, c])  # of one instant
    assert await waits() == [first, second, third, drawn]
    assert await waits(what=[Waits.SIGNATURE]) == [drawn]
    assert await waits(what=[Waits.DELIVERY], first=1, skip=1) == [second]
    with Statements(pairs.database) as counted:
        found = await pairs.do("VC1", figures.waiting_counts, Party.HELPED)
    assert (found, len(counted)) == ({Waits.SIGNATURE: 1, Waits.DELIVERY: 3}, 1 + 1)
    assert await pairs.do("VC3", figures.waiting_counts, Party.HELPED) == {}
    with pytest.raises(Refused, match="FORBIDDEN"):
        await pairs.do("HA", figures.waiting_counts, Party.HELPED)


# --- walls that an agent meets, whatever the core does ------------------------------------------------------------


ACTED = "officer_id, duty, effective_on, evidence, recorded_by, recorded_at"
OF = f"(tenant_id, id, agreement_id, organization_id, division, {ACTED}"
OF_ONE = "select tenant_id, gen_random_uuid(), id, organization_id, division, {by}"
FROM = "from pairing_agreement where number = 'X-1'"
DELIVERY = (
    f"insert into delivery {OF}, programme, year, path, kind, what, amount_fen, valuation, receipt, state, stands_fen,"
    f" stands_quantity, version) {OF_ONE}, programme, 2021, 'donation', 'cash', '捐款', 100, '', 'R-9', {{said}}, 0, 1 {FROM}"
)
ANSWER = (
    f"insert into delivery_answer (tenant_id, id, delivery_id, organization_id, division, {ACTED}, number, verdict,"
    f" stands_fen, stands_quantity, reason) {OF_ONE}, 2, {{said}}, 0, '' from delivery"
)
POLICY = "row-level security"
AGREEMENT = (
    f"insert into pairing_agreement (tenant_id, id, programme, number, organization_id, division, helper_id, valid_from,"
    f" valid_to, held_to, signed_on, end_reason, end_evidence, {ACTED}) select tenant_id, gen_random_uuid(), programme,"
    f" 'X-9', organization_id, division, helper_id, valid_from, valid_to, held_to, {{said}}, '', '', {{by}} {FROM}"
)
PAST_THE_CORE = {
    "verifies itself": ("update helper set verified = true, verified_at = now() where verified is null", POLICY),
    "revokes": ("update helper set verified = false where verified", POLICY),
    "signs for the village": (
        f"insert into agreement_signature {OF}, side) {OF_ONE}, 'helped' from pairing_agreement where number = 'X-3'",
        POLICY,
    ),
    "draws up what is signed": (AGREEMENT.replace("{said}", "valid_from"), POLICY),
    "draws up without being verified": (AGREEMENT.replace("{said}", "null"), POLICY),
    "puts it in force alone": ("update pairing_agreement set signed_on = effective_on where number = 'X-3'", POLICY),
    "ends it": ("update pairing_agreement set ended_as = 'ended', ended_at = now() where number = 'X-1'", POLICY),
    "plans a task": (
        f"insert into plan_line {OF}, year, office, what, due_on) {OF_ONE}, 2021, '县交通局', '修路',"
        f" date '2021-12-31' {FROM}",
        POLICY,
    ),
    "replaces a task": ("update plan_line set replaced_at = now() where kind is null", POLICY),
    "owns an obstacle": ("update obstacle set owner_id = officer_id", POLICY),
    "resolves it": ("update obstacle set resolved_at = now()", POLICY),
    "reviews itself": (
        f"insert into pairing_review {OF}, year, number, outcome, finding, nominated, exited_households, figures)"
        f" {OF_ONE}, 2021, 1, 'met', '好', true, 1, '{{}}'::jsonb {FROM}".replace("{}", "{{}}"),
        POLICY,
    ),
    "logs what is confirmed": (DELIVERY.replace("{said}", "'confirmed', 100"), POLICY),
    "logs what stands": (DELIVERY.replace("{said}", "'logged', 100"), POLICY),
    "confirms": ("update delivery set state = 'confirmed'", POLICY),
    "rules": ("update delivery set state = 'ruled', stands_fen = amount_fen", POLICY),
    "contests without a word": ("update delivery set state = 'contested', version = version + 1", POLICY),
    "raises what stands": ("update delivery set stands_fen = amount_fen", POLICY),
    "answers for the village": (ANSWER.replace("{said}", "'confirmed', 5000"), POLICY),
    "answers with more": (ANSWER.replace("{said}", "'contested', 10000"), POLICY),
    "frees a paper that counts": ("update delivery_receipt set released_at = now()", POLICY),
    "hangs a delivery on another village": (
        DELIVERY.replace("{said}", "'logged', 0").replace("division, {by}", f"{V2}, {{by}}"), "fk_delivery_pairing",
    ),
    "hangs a delivery on another's agreement": (
        DELIVERY.replace("{said}", "'logged', 0").replace(", id, organization", ", '{other}', organization"),
        "fk_delivery_pairing",
    ),
    "hangs an answer on another's delivery": (
        ANSWER.replace("{said}", "'contested', 5000").replace(", id, organization", ", '{delivery}', organization"),
        POLICY,
    ),
    "brings a paper for another's delivery": (
        "insert into delivery_receipt (tenant_id, id, key, delivery_id, organization_id, division) select tenant_id,"
        " gen_random_uuid(), 'Z', '{delivery}', organization_id, division from delivery",
        "fk_delivery_receipt_delivery",
    ),
}  # fmt: skip


def test_every_row_of_an_agreement_says_the_same_of_whose_it_is() -> None:
    keys = {
        (table.name, key.referred_table.name): set(key.column_keys)
        for table in models.Base.metadata.sorted_tables
        for key in table.foreign_key_constraints
        if key.referred_table.name in ("pairing_agreement", "delivery") and "organization_id" in table.columns
        if not {"takes_over", "corrects"} & set(key.column_keys)
    }
    of_agreement = ("agreement_signature", "plan_line", "obstacle", "delivery", "pairing_review")
    whose = {"tenant_id", "organization_id", "division"}
    assert keys == {
        **{(table, "pairing_agreement"): {*whose, "agreement_id"} for table in of_agreement},
        **{(table, "delivery"): {*whose, "delivery_id"} for table in ("delivery_receipt", "delivery_answer")},
    }


@pytest.mark.parametrize("act", PAST_THE_CORE)
async def test_an_agent_who_writes_past_the_core_meets_a_wall(pairs: Pairs, act: str) -> None:
    one, two = await pairs.two()
    task = Planned(year=2021, due_on=date(2021, 12, 31), what="修路", office="县交通局")
    await pairs.do("VC1", agreements.plan, one, [task], Stated())
    await pairs.do("E1", agreements.raise_obstacle, one, "用地未批", Stated())
    (line,) = await pairs.log("E1", cash(one, 100, "R-1"))
    (foreign,) = await pairs.log("E2", cash(two, 100, "R-2"))
    (foreign,) = await pairs.log("E2", cash(two, 0, "R-2", corrects=foreign), reason="没有这笔")  # it brings no paper
    await pairs.answer("VC1", PARTLY, line, accepted=Measure(5_000))
    await pairs.propose("X-3", village=V1, valid_from=END, valid_to=date(2028, 1, 1))
    if act in ("verifies itself", "draws up without being verified"):
        await owner(pairs, "update helper set verified = null, verified_at = null, verified_by = null")
    sql, wall = PAST_THE_CORE[act]
    agent = pairs.officers["E1"].id
    by = f"'{agent}'::uuid, 'enterprise_agent', date '2021-10-20', 'x', '{agent}'::uuid, now()"
    before = await pairs.snapshot()
    with pytest.raises(DBAPIError, match=wall):
        async with pairs.database.session(pairs.who("E1").scope) as session:
            await session.execute(text(sql.format(by=by, other=two, delivery=foreign)))
    assert await pairs.snapshot() == before
