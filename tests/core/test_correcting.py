"""Ways out of the ordinary course: each keeps what was, and nothing of it is lost or paid."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from bangfu.cases import acts
from bangfu.cases.views import Selection, Stated
from bangfu.errors import Refused
from bangfu.process import Duty
from tests.county import ACCEPTED, MARCH, POSTED, World, clean, codes
from tests.striving import EXIT, LEADING, STARS, Striving

WHY = Stated(reason="经办人核对")


async def course(world: World, number: str, what: str, *homes: str, **options: Any) -> Any:
    """One of these acts by an officer on some households."""
    from bangfu.cases import correcting

    return await world.act(number, getattr(correcting, what), Selection(numbers=homes), **options)


async def acts_of(world: World, home: str) -> list[str]:
    rows = await world.rows(
        "select e.act from case_event e join case_file c on c.id = e.case_id join household h on h.id = c.household_id"
        " where h.number = :home order by e.version",
        home=home,
    )
    return [act for (act,) in rows]


# --- sent back for correction ---------------------------------------------------------------------------------


async def test_a_plan_goes_back_with_what_is_wrong_and_comes_again_corrected(world: World) -> None:
    await world.until("accounting")
    await world.account()
    clean(await world.sign("L1", "accounting", "H1"))
    marks = {"projects": "与实地不符:该户没有养殖"}
    clean(await course(world, "VC1", "ask_to_correct", "H1", marked=marks))
    case = (await world.cases())["H1"]
    assert (case.view.stage, case.marked, case.view.signed, case.determination) == ("plan", marks, {}, None)
    assert case.rules.proceedings.waits_for(case.view, world.today) == {Duty.LINKED_CADRE}
    # Nothing else is done with it meanwhile.
    assert codes(await world.act("C1", acts.account, Selection(numbers=["H1"]))) == {"H1": "WRONG_STAGE"}
    clean(await world.plan("L1", "H1", day=world.today, reason="已更正"))
    case = (await world.cases())["H1"]
    assert (case.view.stage, case.marked) == ("in_place", None)
    (data,) = (await world.rows("select data from case_event where act = 'amend'"))[0]
    assert data["marked"] == marks
    assert await acts_of(world, "H1") == ["plan", "sign:in_place", "account", "sign:accounting", "return", "amend"]


async def test_the_same_plan_may_be_the_answer_to_a_mark(world: World) -> None:
    """What was found wrong was right after all: the cadre says so with the same plan, and the case goes on."""
    await world.until("accounting")
    clean(await course(world, "W1", "ask_to_correct", "H1", marked={"projects": "请核对"}))
    clean(await world.plan("L1", "H1", day=date(2021, 2, 10), reason="核对无误", evidence="纸质计划表"))
    assert (await world.cases())["H1"].marked is None


@pytest.mark.parametrize(
    ("number", "marked", "code"),
    [
        ("VC1", {}, "MARKS_NEEDED"),
        ("VC1", {"projects": " "}, "MARKS_NEEDED"),
        ("C1", {"projects": "有误"}, "NOT_YOUR_DUTY"),
        ("K1", {"projects": "有误"}, "NOT_YOUR_DUTY"),
    ],
)
async def test_who_may_send_back_and_how(world: World, number: str, marked: dict[str, str], code: str) -> None:
    await world.until("accounting")
    before = await world.snapshot()
    assert codes(await course(world, number, "ask_to_correct", "H1", marked=marked)) == {"H1": code}
    assert await world.snapshot() == before


async def test_only_what_was_stated_is_marked(world: World) -> None:
    await world.until("accounting")
    before = await world.snapshot()
    with pytest.raises(Refused) as refusal:
        await course(world, "VC1", "ask_to_correct", "H1", marked={"exit_year": "有误"})
    assert refusal.value.problems[0].code.name == "STATED_NOT_ALLOWED"
    assert await world.snapshot() == before


async def test_what_is_on_notice_does_not_go_back_for_correction(world: World) -> None:
    await world.until("acceptance")
    before = await world.snapshot()
    answer = await course(world, "VC1", "ask_to_correct", "H1", marked={"projects": "有误"})
    assert codes(answer) == {"H1": "WRONG_STAGE"}
    assert await world.snapshot() == before


# --- withdrawn ------------------------------------------------------------------------------------------------


async def test_a_withdrawn_case_comes_again_with_its_history(world: World) -> None:
    await world.until("notice")
    clean(await course(world, "L1", "withdraw", "H1", stated=WHY))
    assert (await world.stages())["H1"] == "withdrawn"
    for number, function in (("C1", acts.account), ("VC1", acts.post)):
        assert codes(await world.act(number, function, Selection(numbers=["H1"]))) == {"H1": "WRONG_STAGE"}
    assert codes(await course(world, "L1", "withdraw", "H1", stated=WHY)) == {"H1": "WRONG_STAGE"}
    clean(await world.plan("L1", "H1", day=world.today, reason="重新申报"))
    assert (await world.stages())["H1"] == "in_place"
    assert (await acts_of(world, "H1"))[-2:] == ["withdraw", "amend"]


@pytest.mark.parametrize(
    ("number", "stated", "code"), [("L1", Stated(), "REASON_NEEDED"), ("VC1", WHY, "NOT_YOUR_DUTY")]
)
async def test_who_withdraws(world: World, number: str, stated: Stated, code: str) -> None:
    await world.until("accounting")
    before = await world.snapshot()
    assert codes(await course(world, number, "withdraw", "H1", stated=stated)) == {"H1": code}
    assert await world.snapshot() == before


# --- stopped --------------------------------------------------------------------------------------------------


async def test_a_project_that_does_not_go_on_is_stopped_with_the_finding(world: World) -> None:
    await world.until("accounting")
    before = await world.snapshot()
    assert codes(await course(world, "W1", "stop", "H1", finding=" ")) == {"H1": "FINDING_NEEDED"}
    assert codes(await course(world, "C1", "stop", "H1", finding="已停养")) == {"H1": "NOT_YOUR_DUTY"}
    assert await world.snapshot() == before
    clean(await course(world, "W1", "stop", "H1", finding="已停养"))
    assert (await world.stages())["H1"] == "stopped"
    clean(await course(world, "W1", "undo", "H1", stated=WHY))
    assert (await world.stages())["H1"] == "accounting"


# --- rests ----------------------------------------------------------------------------------------------------


async def test_a_case_that_rests_is_left_alone_by_everybody_and_every_run(world: World) -> None:
    await world.until("accounting")
    clean(await course(world, "K1", "pause", "H1", stated=Stated(reason="外出失联")))
    before = await world.snapshot()
    assert codes(await world.act("C1", acts.account, Selection(numbers=["H1"]))) == {"H1": "CASE_PAUSED"}
    assert codes(await world.sign("L1", "accounting", "H1")) == {"H1": "CASE_PAUSED"}
    assert codes(await course(world, "K1", "pause", "H1", stated=WHY)) == {"H1": "WRONG_STAGE"}
    assert await world.snapshot() == before
    # A run over the whole county leaves it as it is, and names it.
    status = await world.account()
    assert status.result is not None
    assert [one["household"] for one in status.result["first_refused"] if one["code"] == "CASE_PAUSED"] == ["H1"]
    case = (await world.cases())["H1"]
    assert (case.determination, case.paused_on) == (None, world.today)
    assert {duty.value for duty in case.rules.proceedings.waits_for(case.view, world.today)} == {
        "township_clerk",
        "county_office",
    }
    clean(await course(world, "K1", "resume", "H1", stated=Stated(reason="已返乡")))
    clean(await world.act("C1", acts.account, Selection(numbers=["H1"])))
    assert (await world.cases())["H1"].payable == 300_000


@pytest.mark.parametrize(
    ("number", "what", "stated", "code"),
    [
        ("L1", "pause", WHY, "NOT_YOUR_DUTY"),
        ("K1", "pause", Stated(), "REASON_NEEDED"),
        ("K1", "resume", WHY, "NOT_PAUSED"),
    ],
)
async def test_who_lets_a_case_rest(world: World, number: str, what: str, stated: Stated, code: str) -> None:
    await world.until("accounting")
    before = await world.snapshot()
    assert codes(await course(world, number, what, "H1", stated=stated)) == {"H1": code}
    assert await world.snapshot() == before


# --- taken back -----------------------------------------------------------------------------------------------


async def test_a_signature_that_was_taken_back_can_be_given_again(world: World) -> None:
    await world.until("accounting")
    await world.account()
    clean(await world.sign("L1", "accounting", "H1"))
    clean(await world.sign("W1", "accounting", "H1"))
    before = (await world.cases())["H1"]
    assert codes(await course(world, "L1", "undo", "H1", stated=WHY)) == {"H1": "NOT_YOURS_TO_UNDO"}
    clean(await course(world, "W1", "undo", "H1", stated=WHY))
    after = (await world.cases())["H1"]
    assert [duty.value for duty in after.view.signed] == ["linked_cadre"]
    assert (after.view.since, after.round, after.view.stage) == (before.view.since, before.round, "accounting")
    clean(await world.sign("W1", "accounting", "H1"))
    rows = await world.rows(
        "select duty, undone_at is null from signature where stage = 'accounting' order by recorded_at"
    )
    assert [tuple(row) for row in rows] == [("linked_cadre", True), ("work_team", False), ("work_team", True)]


async def test_eight_hundred_accepted_at_once_are_taken_back_at_once(world: World) -> None:
    """As many as there are here: what was accepted together, but for one, and taken back together."""
    await world.until("acceptance")
    report = clean(await world.act("A2", acts.accept, Selection(stages=["notice"], without=["H5"])))
    assert sorted(report.done) == ["H1", "H2"]
    clean(await course(world, "A2", "undo", "H1", "H2", stated=WHY))
    stages = await world.stages()
    assert {home: stages[home] for home in ("H1", "H2", "H5")} == dict.fromkeys(("H1", "H2", "H5"), "notice")
    # The notice stands as it did.
    assert (await world.cases())["H1"].view.posted == (POSTED, date(2021, 10, 15))
    world.today = ACCEPTED
    clean(await world.act("A2", acts.accept, Selection(numbers=["H1", "H2"])))


@pytest.mark.parametrize("stage", ["in_place", "acceptance"])
async def test_what_was_planned_or_posted_is_not_taken_back(world: World, stage: str) -> None:
    await world.until(stage)
    number = {"in_place": "L1", "acceptance": "VC1"}[stage]
    before = await world.snapshot()
    assert codes(await course(world, number, "undo", "H1", stated=WHY)) == {"H1": "NOT_UNDOABLE"}
    assert await world.snapshot() == before


async def test_a_step_is_taken_back_with_a_reason(world: World) -> None:
    await world.until("in_place")
    world.today = MARCH
    clean(await world.sign("L1", "in_place", "H1"))
    before = await world.snapshot()
    assert codes(await course(world, "L1", "undo", "H1")) == {"H1": "REASON_NEEDED"}
    assert await world.snapshot() == before


async def test_what_is_due_goes_with_the_step_that_made_it_due(striving: Striving) -> None:
    """Accepting brought it to its payment; taken back, nothing is due, and accepted again it is due once."""
    striving.on(LEADING, today=date(2021, 9, 20))
    clean(await striving.apply("G1", "P1", "P2", "P6"))
    for home in ("P1", "P2", "P6"):
        await striving.answer("VC1", "G1", home)
        await striving.vouch("L1", "G1", home)
    striving.today = date(2021, 9, 30)
    clean(await striving.act("C1", acts.account, Selection(numbers=["G1"])))
    for number in ("VC1", "W1"):
        clean(await striving.sign(number, "verification", "G1"))
    await striving.stand("VC1", "G1", first=date(2021, 10, 1))
    clean(await striving.act("A2", acts.accept, Selection(numbers=["G1"])))
    assert await striving.due("G1") == [(1, 200_000)]
    clean(await striving.correct("A2", "undo", "G1", stated=WHY))
    assert await striving.due("G1") == []
    clean(await striving.act("A2", acts.accept, Selection(numbers=["G1"])))
    assert await striving.due("G1") == [(1, 200_000)]
    assert len(await striving.rows("select 1 from entitlement")) == 2


async def test_withdrawn_before_it_is_paid_nothing_is_due(striving: Striving) -> None:
    await striving.verified("P1", "P2")
    await striving.stand("VC1", "P1", "P2", first=date(2021, 3, 21))
    clean(await striving.act("VC1", acts.conclude, Selection(numbers=["P1", "P2"])))
    clean(await striving.correct("L1", "withdraw", "P1", stated=WHY))
    assert (await striving.stages()) == {"P1": "withdrawn", "P2": "payment_1"}
    assert (await striving.due("P1"), await striving.due("P2")) == ([], [(1, 36_000)])


async def test_what_goes_back_before_its_payment_is_verified_and_posted_again(striving: Striving) -> None:
    await striving.verified("P1")
    await striving.stand("VC1", "P1", first=date(2021, 3, 21))
    clean(await striving.act("VC1", acts.conclude, Selection(numbers=["P1"])))
    assert codes(await striving.act("A2", acts.send_back, Selection(numbers=["P1"]), finding="复核不符")) == {
        "P1": "NOT_YOUR_DUTY"
    }
    clean(await striving.act("C1", acts.send_back, Selection(numbers=["P1"]), finding="复核不符"))
    assert (await striving.stages(), await striving.due("P1")) == ({"P1": "verification"}, [])


async def test_every_award_has_its_own_places_to_go_back_to(striving: Striving) -> None:
    striving.on(STARS, "2021Q1", date(2021, 3, 20))
    clean(await striving.nominate("P1"))
    clean(await striving.correct("W1", "ask_to_correct", "P1", marked={"stars": "与考评不符"}))
    assert (await striving.stages())["P1"] == "nomination"
    striving.on(EXIT, today=date(2021, 2, 10))
    assert await striving.stages() == {}
