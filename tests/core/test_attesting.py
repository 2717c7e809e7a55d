"""What an organization attests itself: a training base signs and seals the cards of its trainees, who apply for the aid
for short trainings in the county of ``tests.learners``."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from bangfu.access import Action, duties_that_may
from bangfu.cases import acts, attesting, correcting, missed, overpaid, receipts, year
from bangfu.cases.attesting import Answered
from bangfu.cases.plans import PlanImporter
from bangfu.cases.views import Selection, Stated
from bangfu.cases.whom import whom
from bangfu.errors import Refused
from bangfu.policy import PolicyError
from bangfu.process import Duty
from bangfu.programme import Attested, check, installed
from bangfu.text import Text
from tests.core.test_registry import problems
from tests.county import V2, Statements, clean, codes, only
from tests.learners import OTHER_TRAINER, SCHOOL, SHORT, TRAINER, Learners, roster

DAY, NEXT = date(2021, 9, 10), date(2021, 9, 13)
COURSE: dict[str, Any] = {
    "training_from": date(2021, 3, 2), "training_to": date(2021, 5, 31), "certified_on": date(2021, 6, 10),
    "has_training_certificate": True, "has_qualification_certificate": True, "identity_copied": True,
}  # fmt: skip
"""A course of 91 days whose card nobody has said to be sealed."""
ASKED = {"base_sealed": TRAINER}
CARD = {
    "training_from": "2021-03-02", "training_to": "2021-05-31", "certified_on": "2021-06-10",
    "has_training_certificate": True, "has_qualification_certificate": True,
}  # fmt: skip
"""What the base is shown of it: not whether the identity card was copied."""
WHY = Stated(reason="登记有误")


@pytest.fixture
async def trained(learners: Learners) -> Learners:
    """The county with two training bases, on the day on which trainees apply."""
    await learners.bases()
    learners.on(SHORT, "2021", DAY)
    return learners


async def ids(world: Learners, number: str = "TB", **which: Any) -> list[UUID]:
    """What an agent's organization is asked."""
    who = world.who(number)
    async with world.database.session(who.scope) as session:
        return [one.id for one in await attesting.cards(session, who, **which)]


async def answer(world: Learners, number: str, asked: Sequence[UUID], attested: bool = True, **said: Any) -> Answered:
    """Let an agent answer."""
    who = world.who(number)
    async with world.database.session(who.scope) as session:
        return await attesting.attest(session, who, asked, attested=attested, **said)


async def account(world: Learners, *numbers: str) -> dict[str, tuple[str, int]]:
    """What each case comes to, accounted again."""
    clean(await world.act("C1", acts.account, Selection(numbers=numbers)))
    rows = await world.rows(
        "select c.number, d.outcome, d.payable_fen from determination d join case_file c on c.id = d.case_id"
        " where d.round = c.round"
    )
    return {row.number: (row.outcome, row.payable_fen) for row in rows}


async def why(world: Learners, number: str, by: str = "C1") -> receipts.Receipt:
    who = world.who(by)
    ground = await world.ground(who)
    async with world.database.session(who.scope) as session:
        return await receipts.why(session, who, ground, number)


async def asked(world: Learners) -> list[tuple[Any, ...]]:
    """Everything that was ever asked, in its order: of whom, which base, whether it still is, and the answer."""
    rows = await world.rows(
        "select a.name, o.credit_code, a.gone_at is null, w.attested from attestation a"
        " join organization o on o.id = a.organization_id"
        " left join attestation_answer w on w.attestation_id = a.id order by a.id"
    )
    return [tuple(row) for row in rows]


NAME = "学F10号"
"""The head of F1."""


# --- a plan asks ------------------------------------------------------------------------------------------------


async def test_a_plan_asks_a_base_which_is_shown_a_name_and_a_card(trained: Learners) -> None:
    clean(await trained.apply("F1-01", number="K1", facts=COURSE, attesters=ASKED))
    ((stated,),) = await trained.rows("select stated from case_file")
    assert stated == {**CARD, "identity_copied": True}
    who = trained.who("TB")
    async with trained.database.session(who.scope) as session:
        (card,) = await attesting.cards(session, who)
    shown = (card.programme, card.period, card.fact, card.name, card.card, card.attested, card.answered_on, card.note)
    assert shown == (SHORT, "2021", "base_sealed", NAME, CARD, None, None, "")
    told = attesting.in_words(trained.programme, card.card)
    assert [(name, said.en) for name, _, said in told] == [
        ("training_from", "2021-03-02"), ("training_to", "2021-05-31"), ("certified_on", "2021-06-10"),
        ("has_training_certificate", "yes"), ("has_qualification_certificate", "yes"),
    ]  # fmt: skip
    # The same plan again asks nobody anew.
    before = await trained.snapshot()
    again = await trained.apply("F1-01", number="K1", facts=COURSE, attesters=ASKED)
    assert (again.done, again.unchanged) == ([], ["F1-01"])
    assert await trained.snapshot() == before


async def test_an_agent_sees_what_his_own_base_is_asked_and_nothing_else(trained: Learners) -> None:
    clean(await trained.apply("F1-01", number="K1", facts=COURSE, attesters=ASKED))
    clean(await trained.apply("F1-03", number="K1", facts=COURSE, attesters={"base_sealed": OTHER_TRAINER}))
    (mine,), (theirs,) = await ids(trained), await ids(trained, "TX")
    assert mine != theirs
    clean_ = await answer(trained, "TX", [theirs])
    assert (clean_.done, clean_.refused) == (1, [])
    # A school is asked for nothing, however it asks.
    assert await ids(trained, "SA") == []
    hidden = ("case_file", "case_event", "household", "person", "membership", "determination", "schooling")
    for number, seen in (("TB", 1), ("TX", 1), ("SA", 0)):
        who = trained.who(number)
        async with trained.database.session(who.scope) as session:
            for table, count in (("attestation", seen), *((table, 0) for table in hidden)):
                if (number, table) != ("SA", "schooling"):
                    assert (await session.execute(text(f"select count(*) from {table}"))).scalar() == count, table
            answers = (await session.execute(text("select count(*) from attestation_answer"))).scalar()
            assert answers == (number == "TX")


@pytest.mark.parametrize(
    ("facts", "attesters", "code", "path"),
    [
        ({}, {}, "MISSING_VALUE", ("facts", "base_sealed")),
        ({"base_sealed": True}, ASKED, "STATED_NOT_ALLOWED", ("facts", "base_sealed")),
        ({}, {"base_sealed": "91990201000000999X"}, "NOT_FOUND", ("attesters", "base_sealed")),
        ({}, {"base_sealed": SCHOOL}, "BAD_VALUE", ("attesters", "base_sealed")),
        ({"base_sealed": True}, {"identity_copied": TRAINER}, "STATED_NOT_ALLOWED", ("facts", "identity_copied")),
        ({"base_sealed": True}, {"age": TRAINER}, "STATED_NOT_ALLOWED", ("attesters", "age")),
    ],
)
async def test_a_plan_that_asks_amiss_is_refused_and_changes_nothing(
    trained: Learners, facts: dict[str, Any], attesters: dict[str, str], code: str, path: tuple[str, str]
) -> None:
    before = await trained.snapshot()
    problem = only(await trained.apply("F1-01", number="K1", facts={**COURSE, **facts}, attesters=attesters))
    assert (problem.code.name, problem.path) == (code, path)
    assert await trained.snapshot() == before


async def test_a_programme_that_attests_nothing_asks_nobody(trained: Learners) -> None:
    trained.on("term_aid", "2021-2022")
    problem = only(await trained.apply("F1-02", attesters=ASKED))
    assert (problem.code.name, problem.path) == ("STATED_NOT_ALLOWED", ("attesters", "base_sealed"))


# --- what comes of an answer ------------------------------------------------------------------------------------


async def test_a_case_waits_for_the_base_and_is_paid_by_its_seal(trained: Learners) -> None:
    clean(await trained.apply("F1-01", number="K1", facts=COURSE, attesters=ASKED))
    assert await account(trained, "F1-01") == {"F1-01": ("incomplete", 0)}
    waits = await why(trained, "F1-01")
    assert waits.missing == ("base_sealed",)
    assert [one.text for one in waits.attested] == [
        Text(
            "签字盖章的培训基地:测试培训基地,自2021年9月10日起等待证明",
            "training base that signs and seals the card: 测试培训基地 has been asked since 10 September 2021, and has"
            " not answered yet",
        )
    ]
    assert codes(await trained.sign("A2", "first_review", "F1-01")) == {"F1-01": "NOT_DETERMINED"}
    who = trained.who("C1")
    async with trained.database.session(who.scope) as session:
        whole = await year.why_in(session, who, [trained.programme], "F1", 2021)
    (own,) = (one for one in whole.periods if one.receipt.applied)
    assert own.waits == (Text("等待测试培训基地证明", "Waiting for 测试培训基地 to attest it"),)

    trained.today = NEXT
    made = await answer(trained, "TB", await ids(trained), on=DAY)
    assert (made.done, made.unchanged, made.refused) == (1, 0, [])
    # What was determined before the base answered is not signed for.
    assert codes(await trained.sign("A2", "first_review", "F1-01")) == {"F1-01": "NOT_DETERMINED"}
    assert await account(trained, "F1-01") == {"F1-01": ("eligible", 60_000)}
    for number, stage in (("A2", "first_review"), ("C1", "county_review"), ("FI2", "finance_recheck")):
        clean(await trained.sign(number, stage, "F1-01"))
    await trained.pay("payment")
    assert await trained.due("F1-01") == [("award", 1, 60_000)]
    receipt = await why(trained, "F1-01")
    assert receipt.summary.en == "Eligible; 600.00 yuan is due"
    assert [one.text.zh for one in receipt.attested] == ["签字盖章的培训基地:测试培训基地,2021年9月10日已证明"]
    assert ("card is signed and sealed by the training base", "yes") in [(a.en, b.en) for a, b in receipt.facts]
    who = trained.who("C1")
    ground = await trained.ground(who)
    async with trained.database.session(who.scope) as session:
        again = await receipts.replay(session, who, trained.programme, "2021")
        assert (again.same, again.faults) == (2, ())
        late = await overpaid.page(session, who, ground, 20)
        assert late.found == ()


async def test_a_base_that_does_not_seal_says_why_and_the_case_is_refused(trained: Learners) -> None:
    clean(await trained.apply("F1-01", number="K1", facts=COURSE, attesters=ASKED))
    made = await answer(trained, "TB", await ids(trained), False, note=" 未参加培训 ")
    assert (made.done, made.refused) == (1, [])
    assert await account(trained, "F1-01") == {"F1-01": ("refused", 0)}
    receipt = await why(trained, "F1-01")
    assert [line.name for line in receipt.lines if line.met is False] == ["card_is_sealed"]
    (own,) = receipt.attested
    assert (own.attested, own.note, own.text.zh) == (
        False, "未参加培训", "签字盖章的培训基地:测试培训基地,2021年9月10日不予证明(未参加培训)",
    )  # fmt: skip
    ((what, data, reason),) = await trained.rows("select object, data, reason from audit_entry where action = 'attest'")
    ((unit,),) = await trained.rows("select id from organization where credit_code = :code", code=TRAINER)
    assert (what, data, reason) == (
        f"organization/{unit}", {"on": "2021-09-10", "attested": False, "done": 1, "refused": 0}, "未参加培训",
    )  # fmt: skip


async def test_what_a_base_denied_stays_to_be_seen_by_who_reviews(trained: Learners) -> None:
    clean(await trained.apply("F1-01", number="K1", facts=COURSE, attesters=ASKED))
    await answer(trained, "TB", await ids(trained), attested=False, note="不是本基地学员")
    assert await account(trained, "F1-01") == {"F1-01": ("refused", 0)}
    # The township says from a paper that the card is sealed after all.
    clean(await trained.apply("F1-01", number="K1", facts={**COURSE, "base_sealed": True}, reason="纸质登记卡有章"))
    assert await account(trained, "F1-01") == {"F1-01": ("eligible", 60_000)}
    for number in ("A2", "C1", "FI2"):
        (told,) = (await why(trained, "F1-01", number)).attested
        assert (told.attested, told.note, told.gone) == (False, "不是本基地学员", True)
        assert told.text.zh.endswith("不予证明(不是本基地学员),其后申报已改填")


async def test_what_a_card_shows_is_not_attested_before_it_has_been(trained: Learners) -> None:
    clean(await trained.apply("F1-01", number="K1", facts=COURSE, attesters=ASKED))
    (one,) = await ids(trained)
    before = await trained.snapshot()
    found = await answer(trained, "TB", [one], on=date(2021, 6, 9))
    assert (found.done, [(own, problem.code.name) for own, problem in found.refused]) == (
        0, [(one, "BEFORE_PREVIOUS_STEP")],
    )  # fmt: skip
    assert await trained.snapshot() == before
    assert (await answer(trained, "TB", [one], on=date(2021, 6, 10))).done == 1


async def test_the_plan_of_a_case_that_was_stopped_says_nothing_new(trained: Learners) -> None:
    clean(await trained.apply("F1-01", number="K1", facts=COURSE, attesters=ASKED))
    stop = Stated(evidence="记录")
    clean(await trained.act("A2", correcting.stop, Selection(numbers=["F1-01"]), finding="重复申报", stated=stop))
    before = await trained.snapshot()
    again = await trained.apply("F1-01", number="K1", facts=COURSE, attesters=ASKED)
    assert (again.unchanged, codes(again)) == (["F1-01"], {})
    assert await trained.snapshot() == before


async def test_who_answers_while_the_case_is_taken_back_has_answered(trained: Learners) -> None:
    clean(await trained.apply("F1-01", number="K1", facts=COURSE, attesters=ASKED))
    asked_, who = await ids(trained), trained.who("TB")
    async with trained.database.session(who.scope) as session:
        await attesting.attest(session, who, asked_, attested=True)
        taken = asyncio.create_task(trained.act("K1", correcting.withdraw, Selection(numbers=["F1-01"]), stated=WHY))
        await asyncio.sleep(0.5)
        assert not taken.done()
    clean(await taken)
    assert await asked(trained) == [(NAME, TRAINER, True, True)]


async def test_without_a_base_the_township_states_it_from_the_paper_card(trained: Learners) -> None:
    clean(await trained.apply("F1-01", number="K1", facts={**COURSE, "base_sealed": True}))
    assert await ids(trained) == []
    assert await account(trained, "F1-01") == {"F1-01": ("eligible", 60_000)}
    assert (await why(trained, "F1-01")).attested == ()


async def test_who_is_linked_to_the_household_and_who_looks_on_are_told_alike(trained: Learners) -> None:
    clean(await trained.apply("F1-01", number="K1", facts=COURSE, attesters=ASKED))
    await answer(trained, "TB", await ids(trained))
    for number in ("L1", "VC1", "K1", "C1"):
        receipt = await why(trained, "F1-01", number)
        assert (receipt.summary.en, receipt.attested[0].attested) == (
            "Not accounted yet; by what is known so far: Eligible; 600.00 yuan is due", True,
        ), number  # fmt: skip


async def test_what_is_not_answered_is_not_known_anywhere(trained: Learners) -> None:
    clean(await trained.apply("F1-01", number="K1", facts=COURSE, attesters=ASKED))
    clean(await trained.act("K1", correcting.withdraw, Selection(numbers=["F1-01"]), stated=WHY))
    who = trained.who("C1")
    ground = await trained.ground(who)
    async with trained.database.session(who.scope) as session:
        found = (await missed.page(session, who, ground, 100)).found
        (own,) = (one for one in found if one.whom.number == "F1-01")
        assert [lack.fact.name for lack in own.lacks] == ["base_sealed"]


# --- an answer is final -----------------------------------------------------------------------------------------


async def test_an_answer_is_given_once(trained: Learners) -> None:
    clean(await trained.apply("F1-01", "F1-03", number="K1", facts=COURSE, attesters=ASKED))
    first, second = await ids(trained)
    assert (await answer(trained, "TB", [first])).done == 1
    before = await trained.snapshot()
    assert await answer(trained, "TB", [first, first]) == Answered(0, 1, [])
    made = await answer(trained, "TB", [first], False, note="看错了")
    assert (made.done, made.unchanged, [(one, own.code.name, own.path) for one, own in made.refused]) == (
        0, 0, [(first, "CONFLICT", ("ids", 0))],
    )  # fmt: skip
    assert await trained.snapshot() == before
    # Beside one that is refused, the others are answered.
    nobody = uuid4()
    made = await answer(trained, "TB", [nobody, first, second], False, note="未参加培训")
    assert (made.done, [(one, own.code.name, own.path) for one, own in made.refused]) == (
        1, [(nobody, "NOT_FOUND", ("ids", 0)), (first, "CONFLICT", ("ids", 1))],
    )  # fmt: skip
    assert [row[3] for row in await asked(trained)] == [True, False]
    # In the database itself it is not changed.
    who = trained.who("TB")
    with pytest.raises(Exception, match="permission denied"):
        async with trained.database.session(who.scope) as session:
            await session.execute(text("update attestation_answer set attested = false"))


@pytest.mark.parametrize(
    ("number", "said", "code"),
    [
        ("TX", {}, "NOT_FOUND"), ("SA", {}, "NOT_FOUND"), ("K1", {}, "FORBIDDEN"), ("C1", {}, "FORBIDDEN"),
        ("TB", {"attested": False}, "REASON_NEEDED"), ("TB", {"attested": False, "note": " "}, "REASON_NEEDED"),
        ("TB", {"on": NEXT}, "DAY_IN_FUTURE"),
    ],
)  # fmt: skip
async def test_who_is_not_asked_answers_nothing(
    trained: Learners, number: str, said: dict[str, Any], code: str
) -> None:
    clean(await trained.apply("F1-01", number="K1", facts=COURSE, attesters=ASKED))
    cards = await ids(trained)
    before = await trained.snapshot()
    if code == "NOT_FOUND":
        made = await answer(trained, number, cards, **said)
        assert (made.done, [own.code.name for _, own in made.refused]) == (0, [code])
    else:
        with pytest.raises(Refused) as refused:
            await answer(trained, number, cards, **said)
        assert [own.code.name for own in refused.value.problems] == [code]
    assert await trained.snapshot() == before


async def test_of_a_programme_that_rests_nothing_is_answered(trained: Learners) -> None:
    clean(await trained.apply("F1-01", number="K1", facts=COURSE, attesters=ASKED))
    cards = await ids(trained)
    trained.today = date(2021, 8, 31)  # the county runs it from September on
    assert await ids(trained) == []
    made = await answer(trained, "TB", cards)
    assert [own.code.name for _, own in made.refused] == ["NOT_FOUND"]


@pytest.mark.parametrize("attempt", range(3))
async def test_of_two_answers_at_once_one_is_given(trained: Learners, attempt: int) -> None:
    clean(await trained.apply("F1-01", number="K1", facts=COURSE, attesters=ASKED))
    cards = await ids(trained)
    made = await asyncio.gather(answer(trained, "TB", cards), answer(trained, "TB", cards, False, note="未参加"))
    assert sorted((one.done, [own.code.name for _, own in one.refused]) for one in made) == [(0, ["CONFLICT"]), (1, [])]
    assert len(await asked(trained)) == 1


# --- plans that are corrected, cases that end -------------------------------------------------------------------


async def test_a_corrected_plan_keeps_the_answer_where_the_same_base_is_shown_the_same(trained: Learners) -> None:
    lacking = {**COURSE, "identity_copied": False}
    clean(await trained.apply("F1-01", number="K1", facts=lacking, attesters=ASKED))
    await answer(trained, "TB", await ids(trained))
    assert await account(trained, "F1-01") == {"F1-01": ("refused", 0)}
    why_ = "补交复印件"
    clean(await trained.apply("F1-01", number="K1", facts=COURSE, attesters=ASKED, reason=why_))
    assert await asked(trained) == [(NAME, TRAINER, True, True)]
    assert await account(trained, "F1-01") == {"F1-01": ("eligible", 60_000)}
    # Another day on the card, and the base is asked anew; what it said of the other card stays on record.
    later = {**COURSE, "training_to": date(2021, 6, 1)}
    clean(await trained.apply("F1-01", number="K1", facts=later, attesters=ASKED, reason=why_))
    assert await asked(trained) == [(NAME, TRAINER, False, True), (NAME, TRAINER, True, None)]
    assert await account(trained, "F1-01") == {"F1-01": ("incomplete", 0)}
    # Another base, and the first one is asked no more.
    (gone,) = await ids(trained)
    theirs = {"base_sealed": OTHER_TRAINER}
    clean(await trained.apply("F1-01", number="K1", facts=later, attesters=theirs, reason=why_))
    assert await ids(trained) == []
    made = await answer(trained, "TB", [gone])
    assert [own.code.name for _, own in made.refused] == ["NOT_FOUND"]
    assert (await answer(trained, "TX", await ids(trained, "TX"))).done == 1
    # From the paper card after all.
    clean(await trained.apply("F1-01", number="K1", facts={**later, "base_sealed": False}, reason=why_))
    assert [row[2:] for row in await asked(trained)] == [(False, True), (False, None), (False, True)]
    assert await account(trained, "F1-01") == {"F1-01": ("refused", 0)}


async def test_of_a_case_that_is_withdrawn_nobody_is_asked_until_it_stands_again(trained: Learners) -> None:
    clean(await trained.apply("F1-01", "F1-03", number="K1", facts=COURSE, attesters=ASKED))
    first, second = await ids(trained)
    await answer(trained, "TB", [second])
    both = Selection(numbers=["F1-01", "F1-03"])
    clean(await trained.act("K1", correcting.withdraw, both, stated=WHY))
    # What was answered stands; what was not is asked no more.
    assert [row[2:] for row in await asked(trained)] == [(False, None), (True, True)]
    assert [own.code.name for _, own in (await answer(trained, "TB", [first])).refused] == ["NOT_FOUND"]
    clean(await trained.act("K1", correcting.undo, both, stated=WHY))
    assert [row[2:] for row in await asked(trained)] == [(False, None), (True, True), (True, None)]
    (anew,) = await ids(trained, answered=False)
    ((one, two),) = await trained.rows(
        "select (a.name, a.card, a.division, a.case_id, a.organization_id)::text,"
        " (b.name, b.card, b.division, b.case_id, b.organization_id)::text"
        " from attestation a, attestation b where a.id = :first and b.id = :anew",
        first=first,
        anew=anew,
    )
    assert one == two
    clean(await trained.act("K1", correcting.withdraw, both, stated=WHY))
    clean(await trained.apply("F1-01", "F1-03", number="K1", facts=COURSE, attesters=ASKED, reason="重新申请"))
    assert [row[2:] for row in await asked(trained)] == [(False, None), (True, True), (False, None), (True, None)]
    await answer(trained, "TB", await ids(trained, answered=False))
    assert await account(trained, "F1-01", "F1-03") == {"F1-01": ("eligible", 60_000), "F1-03": ("eligible", 60_000)}


async def test_what_is_marked_for_correction_may_be_what_a_base_is_asked(trained: Learners) -> None:
    clean(await trained.apply("F1-01", number="K1", facts=COURSE, attesters=ASKED))
    marked = {"base_sealed": "换一个基地"}
    clean(await trained.act("A2", correcting.ask_to_correct, Selection(numbers=["F1-01"]), marked=marked))
    assert (await trained.cases())["F1-01"].marked == marked


async def test_what_was_asked_and_answered_moves_with_the_household(trained: Learners) -> None:
    clean(await trained.apply("F1-01", number="K1", facts=COURSE, attesters=ASKED))
    await answer(trained, "TB", await ids(trained))
    lines = roster().splitlines()
    moved = "\n".join([lines[0], *(one.replace("甲村", "乙村") for one in lines[1:] if one.startswith("F1,"))])
    assert (await trained.bring("households", moved, "R1")).state == "done"
    places = await trained.rows("select a.division, w.division from attestation a, attestation_answer w")
    assert [tuple(row) for row in places] == [(V2, V2)]
    assert (await why(trained, "F1-01", "VC2")).attested[0].attested is True


# --- in bulk ----------------------------------------------------------------------------------------------------

HEAD = (
    "人编号,培训开始日,培训结束日,取证日(两证中较晚的),技能培训合格证书复印件,职业资格等级证书复印件,身份证复印件,"
    "登记卡经培训基地签字盖章,培训基地信用代码,制定日期,乡镇经办工号,逾期原因"
)


def sheet(*rows: tuple[str, str, str]) -> str:
    """The sheet of plans: whom, whether the paper card is sealed, and the base that is asked."""
    return "\n".join(
        [
            HEAD,
            *(
                f"{who},2021-03-02,2021-05-31,2021-06-10,是,是,是,{seal},{base},2021-09-10,K1,补正"
                for who, seal, base in rows
            ),
        ]
    )


async def test_the_sheet_of_plans_names_the_base_or_says_that_the_card_is_sealed(trained: Learners) -> None:
    importer = PlanImporter(trained.programme, "2021")
    data = sheet(("F1-01", "", TRAINER), ("F1-03", "是", ""))
    status = await trained.bring(importer, data, "K1")
    assert status.state == "done", status.result
    assert await asked(trained) == [(NAME, TRAINER, True, None)]
    before = await trained.snapshot()
    status = await trained.bring(importer, data, "K1")
    assert (status.result["tallies"]["plan"]["new"], status.result["tallies"]["plan"]["same"]) == (0, 2)
    assert await trained.snapshot() == before
    # Another base is a change that a dry run shows.
    other = sheet(("F1-01", "", OTHER_TRAINER))
    dry = await trained.bring(importer, other, "K1", dry_run=True)
    (change,) = dry.result["tallies"]["plan"]["examples"]
    assert (change["what"], change["fields"]) == ("F1-01", {"base_sealed_by": [TRAINER, OTHER_TRAINER]})
    paper = await trained.bring(importer, sheet(("F1-01", "是", "")), "K1", dry_run=True)
    (change,) = paper.result["tallies"]["plan"]["examples"]
    assert change["fields"] == {
        "base_sealed": ["None", "True"], "base_sealed_by": [TRAINER, "None"],
    }  # fmt: skip
    assert await trained.snapshot() == before


@pytest.mark.parametrize(
    ("seal", "base", "problem"),
    [
        ("", "", ("MISSING_VALUE", ["rows", 2, "facts", "base_sealed"])),
        ("是", TRAINER, ("STATED_NOT_ALLOWED", ["rows", 2, "facts", "base_sealed"])),
        ("", SCHOOL, ("BAD_VALUE", ["rows", 2, "attesters", "base_sealed"])),
        ("", TRAINER[:-1] + "0", ("CREDIT_CODE", ["rows", 2, "base_sealed_by"])),
    ],
)
async def test_a_row_that_asks_amiss_is_named(
    trained: Learners, seal: str, base: str, problem: tuple[str, list[Any]]
) -> None:
    before = await trained.snapshot()
    status = await trained.bring(PlanImporter(trained.programme, "2021"), sheet(("F1-01", seal, base)), "K1")
    assert status.state == "refused"
    assert problems(status) == [problem]
    assert await trained.snapshot() == before


async def test_the_number_of_statements_does_not_depend_on_how_many_are_asked(trained: Learners) -> None:
    counts: dict[str, list[int]] = {"plan": [], "account": [], "attest": [], "why": []}
    for own in (("F1-01",), ("F1-03", "F2-02", "F4-01")):
        with Statements(trained.database) as seen:
            clean(await trained.apply(*own, number="K1", facts=COURSE, attesters=ASKED))
        counts["plan"].append(len(seen))
        cards = await ids(trained, answered=False)
        with Statements(trained.database) as seen:
            made = await answer(trained, "TB", cards)
        assert made.done == len(own)
        counts["attest"].append(len(seen))
        with Statements(trained.database) as seen:
            clean(await trained.act("C1", acts.account, Selection(numbers=own)))
        counts["account"].append(len(seen))
        who = trained.who("C1")
        ground = await trained.ground(who)
        async with trained.database.session(who.scope) as session:
            with Statements(trained.database) as seen:
                people = [await whom(session, who, trained.programme, one) for one in own[:1]]
                await receipts.answers(session, who, ground, people)
        counts["why"].append(len(seen))
    assert {what: one == other for what, (one, other) in counts.items()} == dict.fromkeys(counts, True), counts
    assert counts["attest"][0] <= 6  # the scope of the transaction is one


async def test_a_page_of_what_is_asked_goes_on_where_the_last_ended(trained: Learners) -> None:
    clean(await trained.apply("F1-01", "F1-03", "F2-02", number="K1", facts=COURSE, attesters=ASKED))
    everything = await ids(trained)
    assert len(everything) == 3
    who = trained.who("TB")
    async with trained.database.session(who.scope) as session:
        page = await attesting.cards(session, who, first=2)
        rest = await attesting.cards(session, who, after=page[-1].place)
    assert [one.id for one in (*page, *rest)] == everything
    assert await ids(trained, programme="term_aid") == await ids(trained, period="2022") == []
    await answer(trained, "TB", everything[:1])
    assert (await ids(trained, answered=True), await ids(trained, answered=False)) == (everything[:1], everything[1:])
    with pytest.raises(Refused) as refused:
        await ids(trained, "K1")
    assert refused.value.problems[0].code.name == "FORBIDDEN"


# --- declarations -----------------------------------------------------------------------------------------------

TRAINING = installed().programme(SHORT)
(SEAL,) = TRAINING.attested


@pytest.mark.parametrize(
    ("attested", "fault"),
    [
        (replace(SEAL, fact="training_from"), "training_from: it is not a yes-or-no fact that the applicant states"),
        (replace(SEAL, fact="began_in_period"), "began_in_period: it is not a yes-or-no fact"),
        (replace(SEAL, by="bank"), "base_sealed: nobody attests for a bank, but for school, training_base"),
        (replace(SEAL, shows=("age",)), "base_sealed: age, which it shows, is not stated by the applicant"),
        (replace(SEAL, shows=("base_sealed",)), "base_sealed: base_sealed, which it shows, is not stated"),
        (replace(SEAL, cites="yulu-2011#九"), "cites yulu-2011#九, which no document lists"),
    ],
)
def test_a_declaration_that_does_not_fit_is_refused(attested: Attested, fault: str) -> None:
    with pytest.raises(PolicyError, match="short_training: ") as refused:
        check(replace(TRAINING, attested=(attested,)), {"yikatong"})
    assert fault in str(refused.value)


def test_a_fact_is_attested_by_one_kind_of_organization() -> None:
    with pytest.raises(PolicyError, match="attestation base_sealed stands twice"):
        check(replace(TRAINING, attested=(SEAL, SEAL)), {"yikatong"})


def test_what_is_attested_is_no_part_of_the_book() -> None:
    assert {book.since: book.rules.traced().version for book in TRAINING.books} == TRAINING.released
    assert (SEAL.fact, SEAL.by, SEAL.shows) == ("base_sealed", "training_base", tuple(CARD))


def test_only_who_acts_for_a_school_or_a_base_attests() -> None:
    assert duties_that_may(Action.ATTEST) == {Duty.SCHOOL_AGENT}
    assert Duty.ENTERPRISE_AGENT not in duties_that_may(Action.READ_ATTESTATIONS)
