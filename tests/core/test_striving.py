"""The awards beside 已脱贫户巩固增收, each from its plan to what is due, as its clauses say (000:15-51)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import text

from bangfu.access import Action
from bangfu.cases import acts, overview, sampling, selecting
from bangfu.cases.denials import Step, why_denied
from bangfu.cases.views import Selection, Stated
from bangfu.errors import Refused
from bangfu.process import Duty
from bangfu.registry.divisions import area_of
from county_default.five_star.rules import Star
from county_default.leading.rules import Entity
from tests.county import T1, V1, V2, Statements, clean, codes, only
from tests.striving import EXIT, LEADING, STARS, Striving

NOTICE = date(2021, 3, 21)


# --- planned exit ---------------------------------------------------------------------------------------------


async def test_a_plan_comes_to_its_first_instalment_without_the_income_line(striving: Striving) -> None:
    """P3 earns one yuan too little a year; the line is asked for at the final acceptance alone (Q4)."""
    await striving.verified("P1", "P2", "P3")
    await striving.stand("VC1", "P1", "P2", "P3", first=NOTICE)
    assert await striving.due("P1") == []
    clean(await striving.act("VC1", acts.conclude, Selection(numbers=["P1", "P2", "P3"])))
    assert await striving.stages() == dict.fromkeys(("P1", "P2", "P3"), "payment_1")
    assert [await striving.due(home) for home in ("P1", "P2", "P3")] == [[(1, 144_000)], [(1, 36_000)], [(1, 144_000)]]


async def test_a_notice_is_concluded_by_the_calendar_and_by_nobody_sooner(striving: Striving) -> None:
    await striving.verified("P1")
    await striving.stand("VC1", "P1", first=NOTICE)
    striving.today = date(2021, 3, 25)
    before = await striving.snapshot()
    assert codes(await striving.act("VC1", acts.conclude, Selection(numbers=["P1"]))) == {"P1": "NOTICE_OPEN"}
    striving.today = date(2021, 3, 26)
    assert codes(await striving.act("L1", acts.conclude, Selection(numbers=["P1"]))) == {"P1": "NOT_YOUR_DUTY"}
    assert await striving.snapshot() == before


async def test_in_a_village_that_is_not_poor_the_township_cadre_signs_for_the_team(striving: Striving) -> None:
    striving.on(EXIT, today=date(2021, 2, 10))
    clean(await striving.plan_exit("P5", "L2"))
    striving.today = date(2021, 2, 26)
    clean(await striving.sign("L2", "in_place", "P5"))
    striving.today = date(2021, 3, 20)
    clean(await striving.act("C1", acts.account, Selection(numbers=["P5"])))
    for number in ("L2", "VC2"):
        clean(await striving.sign(number, "verification", "P5"))
    assert (await striving.stages())["P5"] == "verification"
    clean(await striving.sign("A1", "verification", "P5"))
    assert (await striving.stages())["P5"] == "notice"
    rows = await striving.rows("select duty, stands_for from signature where stage = 'verification' order by duty")
    assert [tuple(row) for row in rows] == [
        ("linked_cadre", ""),
        ("village_cadre", "work_team"),
        ("village_committee", ""),
    ]


async def test_who_left_poverty_gets_the_other_award(striving: Striving) -> None:
    striving.on(EXIT, today=date(2021, 2, 10))
    clean(await striving.plan_exit("H1"))
    striving.today = date(2021, 2, 26)
    clean(await striving.sign("L1", "in_place", "H1"))
    striving.today = date(2021, 3, 20)
    clean(await striving.act("C1", acts.account, Selection(numbers=["H1"])))
    assert (await striving.stages())["H1"] == "refused"


async def test_one_of_two_awards_that_exclude_each_other(striving: Striving) -> None:
    """Refused both ways round while the other case lives, and no more once it is withdrawn."""
    striving.on(EXIT, today=date(2021, 2, 10))
    clean(await striving.plan_exit("P1"))
    striving.on("consolidation")
    before = await striving.snapshot()
    problem = only(await striving.plan("L1", "P1", day=striving.today))
    assert problem.code.name == "EXCLUDED"
    assert "计划脱贫户奋进计划" in problem.message.zh
    assert await striving.snapshot() == before
    striving.on(EXIT)
    clean(await striving.correct("L1", "withdraw", "P1", stated=Stated(reason="改报其他项目")))
    striving.on("consolidation")
    clean(await striving.plan("L1", "P1", day=striving.today))
    striving.on(EXIT)
    assert only(await striving.plan_exit("P1", reason="再报")).code.name == "EXCLUDED"


# --- five stars -----------------------------------------------------------------------------------------------


async def assessed(striving: Striving, *homes: str, period: str = "2021Q1", today: date = date(2021, 3, 20)) -> None:
    striving.on(STARS, period, today)
    for home in homes:
        clean(await striving.nominate(home, Star.CLEAN, Star.FILIAL))
    clean(await striving.act("C1", acts.account, Selection(numbers=homes)))
    for number in ("VC1", "W1"):
        clean(await striving.sign(number, "assessment", *homes))


async def test_a_village_selects_within_its_quota(striving: Striving) -> None:
    """甲村 has nine registered households (four that left poverty, five poor): 20 % of nine is one."""
    await assessed(striving, "P1", "H1")
    before = await striving.snapshot()
    report = await striving.select("VC1", "P1", "H1")
    assert codes(report) == {"P1": "QUOTA_EXCEEDED", "H1": "QUOTA_EXCEEDED"}
    values = report.refused[0][1].values
    assert (values["quota"], values["base"], values["selected"], values["more"]) == (1, 9, 0, 2)
    assert await striving.snapshot() == before
    clean(await striving.select("VC1", "P1"))
    assert codes(await striving.select("VC1", "H1")) == {"H1": "QUOTA_EXCEEDED"}
    clean(await striving.select("VC1", "H1", selected=False))
    assert await striving.stages() == {"P1": "notice", "H1": "not_selected"}
    (data,) = (await striving.rows("select data from case_event where act = 'select'"))[0]
    assert (data["quota"], data["base"]) == (1, 9)


async def test_a_star_is_paid_once_a_year_unless_the_county_says_otherwise(striving: Striving) -> None:
    await assessed(striving, "P1")
    clean(await striving.select("VC1", "P1"))
    await striving.stand("VC1", "P1", first=date(2021, 3, 21))
    clean(await striving.act("VC1", acts.conclude, Selection(numbers=["P1"])))
    assert await striving.due("P1") == [(1, 30_000)]
    await assessed(striving, "P1", period="2021Q2", today=date(2021, 6, 20))
    before = await striving.snapshot()
    assert codes(await striving.select("VC1", "P1")) == {"P1": "TAKEN_PART"}
    assert await striving.snapshot() == before
    await striving.set(award_repeat="every_round")
    clean(await striving.nominate("P1", Star.LAW_ABIDING, reason="更正"))
    clean(await striving.act("C1", acts.account, Selection(numbers=["P1"])))
    for number in ("VC1", "W1"):
        clean(await striving.sign(number, "assessment", "P1"))
    clean(await striving.select("VC1", "P1"))


async def test_who_was_passed_over_may_be_selected_another_time(striving: Striving) -> None:
    await assessed(striving, "P2")
    clean(await striving.select("VC1", "P2", selected=False))
    await assessed(striving, "P2", period="2021Q2", today=date(2021, 6, 20))
    clean(await striving.select("VC1", "P2"))
    assert await striving.stages() == {"P2": "notice"}


async def test_who_was_never_registered_poor_wins_no_award(striving: Striving) -> None:
    striving.on(STARS, "2021Q1", date(2021, 3, 20))
    clean(await striving.nominate("G1"))
    clean(await striving.act("C1", acts.account, Selection(numbers=["G1"])))
    assert (await striving.stages())["G1"] == "refused"


# --- leading --------------------------------------------------------------------------------------------------


async def answered(striving: Striving, applicant: str, *led: str) -> None:
    for home in led:
        await striving.answer("VC1", applicant, home)
        await striving.vouch("L1", applicant, home)


async def test_three_led_households_that_sign_are_paid_the_first_tier(striving: Striving) -> None:
    """P1, P2 and P6 reach 4,500 a head; P3 misses it by a yuan and counts for nothing, though it signed."""
    striving.on(LEADING, today=date(2021, 9, 20))
    clean(await striving.apply("G1", "P1", "P2", "P3", "P6"))
    assert codes(await striving.act("C1", acts.account, Selection(numbers=["G1"]))) == {"G1": "ANSWERS_OPEN"}
    await answered(striving, "G1", "P1", "P2", "P3", "P6")
    striving.today = date(2021, 9, 30)
    clean(await striving.act("C1", acts.account, Selection(numbers=["G1"])))
    assert (await striving.cases())["G1"].payable == 200_000
    for number in ("VC1", "W1"):
        clean(await striving.sign(number, "verification", "G1"))
    await striving.stand("VC1", "G1", first=date(2021, 10, 1))
    clean(await striving.act("A2", acts.accept, Selection(numbers=["G1"])))
    # A county that samples nothing has no sample to wait for.
    assert await striving.stages() == {"G1": "payment"}
    assert await striving.due("G1") == [(1, 200_000)]


async def test_a_household_that_does_not_agree_is_not_counted(striving: Striving) -> None:
    striving.on(LEADING, today=date(2021, 9, 20))
    clean(await striving.apply("G1", "P1", "P2", "P6"))
    await answered(striving, "G1", "P1", "P2")
    await striving.answer("VC1", "G1", "P6", agreed=False)
    striving.today = date(2021, 9, 30)
    clean(await striving.act("C1", acts.account, Selection(numbers=["G1"])))
    assert (await striving.stages())["G1"] == "refused"
    (facts,) = (await striving.rows("select facts from determination"))[0]
    assert facts["led"] == 2


async def test_one_leader_a_led_household(striving: Striving) -> None:
    striving.on(LEADING, today=date(2021, 9, 20))
    clean(await striving.apply("G1", "P1", "P2", "P6"))
    before = await striving.snapshot()
    problem = only(await striving.apply("G2", "P3", "P4", "P6"))
    assert problem.code.name == "TAKEN_PART"
    assert problem.values["number"] == "P6"
    assert await striving.snapshot() == before
    # Named no more, it is free.
    clean(await striving.apply("G1", "P1", "P2", "H1", reason="更正"))
    clean(await striving.apply("G2", "P3", "P4", "P6"))
    assert only(await striving.apply("G1", "P1", "P2", "P6", reason="更正")).code.name == "TAKEN_PART"


async def test_a_withdrawn_leader_frees_who_was_led(striving: Striving) -> None:
    striving.on(LEADING, today=date(2021, 9, 20))
    clean(await striving.apply("G1", "P1", "P2", "P6"))
    clean(await striving.correct("VC1", "withdraw", "G1", stated=Stated(reason="放弃申报")))
    clean(await striving.apply("G2", "P1", "P2", "P6"))
    # Taking the withdrawal back would lead them twice.
    before = await striving.snapshot()
    with pytest.raises(Refused) as refusal:
        await striving.correct("VC1", "undo", "G1", stated=Stated(reason="误操作"))
    assert [problem.code.name for problem in refusal.value.problems] == ["TAKEN_PART"]
    assert await striving.snapshot() == before


@pytest.mark.parametrize("entity", [Entity.COOPERATIVE, Entity.LARGE_GROWER, Entity.LEADING_ENTERPRISE])
async def test_a_business_is_no_leader(striving: Striving, entity: Entity) -> None:
    striving.on(LEADING, today=date(2021, 9, 20))
    clean(await striving.apply("G1", "P1", "P2", "P6", entity=entity))
    await answered(striving, "G1", "P1", "P2", "P6")
    clean(await striving.act("C1", acts.account, Selection(numbers=["G1"])))
    assert (await striving.stages())["G1"] == "refused"


@pytest.mark.parametrize(
    ("led", "code"),
    [
        ((), "PARTICIPANTS_NEEDED"),
        (("P1", "P1"), "PARTICIPANTS_NEEDED"),
        (("G1",), "PARTICIPANTS_NEEDED"),
        (("X9",), "NOT_FOUND"),
    ],
)
async def test_who_takes_part_is_named_properly(striving: Striving, led: tuple[str, ...], code: str) -> None:
    striving.on(LEADING, today=date(2021, 9, 20))
    before = await striving.snapshot()
    assert codes(await striving.apply("G1", *led)) == {"G1": code}
    assert await striving.snapshot() == before


async def test_who_may_answer_for_a_led_household(striving: Striving) -> None:
    striving.on(LEADING, today=date(2021, 9, 20))
    clean(await striving.apply("G1", "P1", "P2", "P6"))
    for number, evidence, code in (
        ("FM", "签字表", "NOT_YOUR_DUTY"),
        ("L1", "签字表", "NOT_YOUR_DUTY"),
        ("VC2", "签字表", "NOT_FOUND"),
        ("A2", "签字表", "NOT_YOUR_DUTY"),
        ("VC1", "", "EVIDENCE_NEEDED"),
    ):
        with pytest.raises(Refused) as refusal:
            await striving.answer(number, "G1", "P1", evidence=evidence)
        assert refusal.value.problems[0].code.name == code, number
    for number in ("VC1", "K1"):
        with pytest.raises(Refused) as refusal:
            await striving.vouch(number, "G1", "P1")
        assert refusal.value.problems[0].code.name == "NOT_YOUR_DUTY", number
    assert await striving.rows("select 1 from participant where agreed is not null or vouched is not null") == []


async def test_a_cadre_vouches_for_his_household_whoever_the_applicants_cadre_is(striving: Striving) -> None:
    """P6 is linked to L2, the applicant G1 to L1: L2 sees nothing of the case, and vouches for P6 and nobody else."""
    async with striving.database.owner() as connection:
        await connection.execute(text("set local role none"))
        await connection.execute(
            text(
                "update household_cadre set officer_id = (select id from officer where number = 'L2')"
                " where household_id = (select id from household where number = 'P6')"
            )
        )
    await striving.charge("L2", Duty.LINKED_CADRE, V1)
    striving.on(LEADING, today=date(2021, 9, 20))
    clean(await striving.apply("G1", "P1", "P2", "P6"))
    assert await striving.cases("L2") == {}
    for number, applicant, home in (("L2", "G1", "P1"), ("L1", "G1", "P6"), ("L3", "G1", "P6"), ("L2", "G2", "P6")):
        with pytest.raises(Refused, match="NOT_FOUND"):
            await striving.vouch(number, applicant, home)
    for number, homes in (("L1", ["P1", "P2"]), ("L2", ["P6"]), ("L3", [])):
        assert [(one.number, one.applicant, one.word) for one in await striving.asked(number)] == [
            (home, "G1", True) for home in homes
        ]
    with Statements(striving.database) as statements:
        assert [one.signature for one in await striving.asked("K1")] == [True] * 3
    assert len([one for one in statements.seen if "case_taken_part_in" in one]) == 1
    await striving.vouch("L2", "G1", "P6")
    assert await striving.asked("L2") == []
    rows = await striving.rows(
        "select h.number, p.vouched, o.number from participant p join household h on h.id = p.household_id"
        " left join officer o on o.id = p.vouched_by order by 1"
    )
    assert [tuple(row) for row in rows] == [("P1", None, None), ("P2", None, None), ("P6", True, "L2")]
    # What was opened to look is closed again in the same transaction.
    async with striving.entered("L2") as (session, _, _):
        await session.execute(text("select case_taken_part_in(p.id) from participant p"))
        ((cases, areas),) = await session.execute(
            text("select (select count(*) from case_file), current_setting('app.areas')")
        )
    assert (cases, areas) == (0, "{}")


# --- why not --------------------------------------------------------------------------------------------------


async def told(striving: Striving, number: str, home: str, **more: Any) -> tuple[bool, str]:
    """What the process says to what a case waits for, or to another step, as an officer."""
    who = striving.who("C1")
    ground = await striving.ground(who)
    async with striving.database.session(who.scope) as session:
        found = await why_denied(session, who, number, Action.WORK_ON_CASES, ground, household=home, **more)
    return found[-1].met, found[-1].text.en


async def test_why_not_knows_selection_conclusion_and_the_ways_out(striving: Striving) -> None:
    await assessed(striving, "P1", "H1")
    assert await told(striving, "VC1", "P1") == (
        True, "Can act at selection within the quota as village committee.",
    )  # fmt: skip
    assert await told(striving, "W1", "P1") == (
        False, "selection within the quota is done by: village committee.",
    )  # fmt: skip
    clean(await striving.select("VC1", "P1"))
    await striving.stand("VC1", "P1", first=date(2021, 3, 21))
    striving.today = date(2021, 3, 25)
    met, words = await told(striving, "VC1", "P1")
    assert (met, "25 March 2021" in words or "2021-03-25" in words) == (False, True)
    striving.today = date(2021, 3, 26)
    assert (await told(striving, "VC1", "P1"))[0]
    # It has reached its payment by itself; what it waits for is still that the notice is concluded.
    assert (await told(striving, "C1", "P1"))[0]
    assert not (await told(striving, "FM", "P1"))[0]

    before = await striving.snapshot()
    for step, able, unable in (
        (Step.WITHDRAW, "VC1", "W1"),
        (Step.PAUSE, "K1", "VC1"),
        (Step.ASK_TO_CORRECT, None, "VC1"),
        (Step.STOP, None, "W1"),
        (Step.RESUME, None, "K1"),
        (Step.UNDO, None, "VC1"),
    ):
        if able is not None:
            assert (await told(striving, able, "P1", step=step))[0], step
        assert not (await told(striving, unable, "P1", step=step))[0], step
    assert await striving.snapshot() == before
    clean(await striving.select("VC1", "H1", selected=False))
    assert await told(striving, "VC1", "H1", step=Step.UNDO) == (
        True, "Can act at taking back what was done last as village committee.",
    )  # fmt: skip
    assert not (await told(striving, "W1", "H1", step=Step.UNDO))[0]


async def test_why_not_says_that_a_case_rests(striving: Striving) -> None:
    striving.on(EXIT, today=date(2021, 2, 10))
    clean(await striving.plan_exit("P1"))
    striving.today = date(2021, 2, 26)
    assert (await told(striving, "L1", "P1"))[0]
    clean(await striving.correct("K1", "pause", "P1", stated=Stated(reason="外出")))
    met, words = await told(striving, "L1", "P1")
    assert (met, "2021" in words) == (False, True)
    assert not (await told(striving, "L1", "P1", step=Step.ASK_TO_CORRECT))[0]
    assert (await told(striving, "K1", "P1", step=Step.RESUME))[0]
    assert (await told(striving, "L1", "P1", step=Step.WITHDRAW))[0]
    who = striving.who("C1")
    ground = await striving.ground(who)
    with pytest.raises(Refused) as refusal:
        async with striving.database.session(who.scope) as session:
            await why_denied(session, who, "L1", Action.WORK_ON_CASES, ground, step=Step.STOP)
    assert [problem.code.name for problem in refusal.value.problems] == ["MISSING_VALUE"]


# --- what a programme has not ---------------------------------------------------------------------------------


async def test_a_step_that_a_programme_has_not_is_refused(striving: Striving) -> None:
    """No selection in one, no sample in the other: a refusal in words, and no fault."""
    striving.on(EXIT, today=date(2021, 2, 10))
    clean(await striving.plan_exit("P1"))
    before = await striving.snapshot()
    assert codes(await striving.select("VC1", "P1")) == {"P1": "WRONG_STAGE"}
    assert codes(await striving.act("C1", sampling.check, Selection(numbers=["P1"]), passed=True)) == {
        "P1": "WRONG_STAGE"
    }
    who = striving.who("C1")
    ground = await striving.ground(who)
    with pytest.raises(Refused) as refusal:
        async with striving.database.session(who.scope) as session:
            await sampling.draw_sample(session, who, ground, "种子", "公开")
    assert [problem.code.name for problem in refusal.value.problems] == ["SAMPLE_EMPTY"]
    assert await striving.snapshot() == before


# --- who holds what -------------------------------------------------------------------------------------------


async def test_who_holds_what_in_as_many_statements_for_one_case_as_for_many(striving: Striving) -> None:
    striving.on(EXIT, today=date(2021, 2, 10))
    homes = ["P1", "P2", "P3", "P4"]
    for home in homes:
        clean(await striving.plan_exit(home))
    clean(await striving.plan_exit("P5", "L2"))
    striving.today = date(2021, 2, 26)
    clean(await striving.sign("L1", "in_place", "P1", "P2"))
    clean(await striving.correct("K1", "pause", "P3", stated=Stated(reason="外出")))
    striving.today = date(2021, 3, 10)
    who = striving.who("K1")
    ground = await striving.ground(who)

    async def held(*numbers: str) -> tuple[int, dict[str, Any], list[Any]]:
        async with striving.database.session(who.scope) as session:
            await session.execute(text("select 1"))
            with Statements(striving.database) as seen:
                found = await overview.waiting(session, who, ground, Selection(numbers=numbers))
                names = await overview.holders(session, who, found)
            townships = await overview.by_township(session, who, found)
        return len(seen), {
            item.number: (item.stage, item.overdue, item.paused, [one.number for one in own])
            for item, own in zip(found, names, strict=True)
        }, townships  # fmt: skip

    one, _, _ = await held("P1")
    many, shown, townships = await held(*homes, "P5")
    assert (one, many) == (one, one)
    assert one <= 7
    # 甲村 is poor and has a work team; the in-place report was due by the end of February.
    assert shown == {
        "P1": ("verification", False, False, ["L1", "W1", "VC1", "B1"]),
        "P2": ("verification", False, False, ["L1", "W1", "VC1", "B1"]),
        "P3": ("in_place", True, True, ["K1", "C1", "C2", "C3", "R1"]),
        "P4": ("in_place", True, False, ["L1"]),
        "P5": ("in_place", True, False, ["L2"]),
    }
    assert townships == [overview.TownshipWaiting(T1, "东镇", 5, 3, 1)]


async def test_a_quota_is_shown_for_whole_villages_alone(striving: Striving) -> None:
    await assessed(striving, "P1")
    clean(await striving.select("VC1", "P1"))
    shown = {}
    for number, area in (("C1", None), ("K1", None), ("VC2", None), ("L1", None), ("C1", area_of(V2))):
        who = striving.who(number)
        ground = await striving.ground(who)
        async with striving.database.session(who.scope) as session:
            found = await selecting.quotas(session, who, ground, area)
        shown[number, area] = [(one.name, one.base, one.quota, one.selected) for one in found]
    first, second, third = ("甲村", 9, 1, 1), ("乙村", 3, 0, 0), ("丙村", 2, 0, 0)
    assert shown == {
        ("C1", None): [first, second, third],
        ("K1", None): [first, second],
        ("VC2", None): [second],
        ("L1", None): [],
        ("C1", area_of(V2)): [second],
    }
    striving.on(EXIT)
    who = striving.who("C1")
    async with striving.database.session(who.scope) as session:
        assert await selecting.quotas(session, who, await striving.ground(who)) == []
