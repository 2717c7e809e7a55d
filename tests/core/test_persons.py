"""A programme for persons: one case a person, by his own number, beside his brother's and under his household's roof."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import openpyxl
import pytest
from sqlalchemy import text

from bangfu import payments
from bangfu.cases import acts, adjusting, campus, correcting, missed, overpaid, receipts, rechecks, year
from bangfu.cases.plans import PlanImporter
from bangfu.cases.rechecks import Finding, Method, Outcome, RecheckImporter
from bangfu.cases.views import Selection, Stated, look
from bangfu.documents.posters import Poster, poster
from bangfu.errors import Refused
from bangfu.payments import invariants
from bangfu.simulate import keep_preview
from tests.county import HOMES, ONE, clean
from tests.learners import APPLIED, ELIGIBLE, POSTED, REVIEWED, SCHOOL, SHORT, SPRING, TERM, YEAR, Learners

COURSE = {
    "training_from": date(2021, 3, 2), "training_to": date(2021, 5, 31), "certified_on": date(2021, 6, 10),
    "has_training_certificate": True, "has_qualification_certificate": True, "base_sealed": True,
    "identity_copied": True,
}  # fmt: skip


def codes(report: acts.Report) -> dict[str, str]:
    return {number: problem.code.name for number, problem in report.refused}


# --- numbers --------------------------------------------------------------------------------------------------


async def test_a_person_has_a_number_that_stays_with_him(learners: Learners) -> None:
    numbers = await learners.rows("select number from person where number like 'F%' order by number")
    assert [number for (number,) in numbers] == [
        "F1-01", "F1-02", "F1-03", "F2-01", "F2-02", "F3-01", "F3-02", "F4-01", "F4-02", "F4-03",
    ]  # fmt: skip
    # Whoever comes later is the next one, whoever has left meanwhile.
    heading = "户编号,乡镇,行政村,村民小组,户类型,联户干部工号,姓名,证件号码,与户主关系,离户日期"
    left = f"{heading}\nF1,东镇,甲村,三组,贫困户,L1,学F12号,,之女,2021-09-05"
    learners.today = date(2021, 9, 10)
    assert (await learners.bring("households", left, "R1")).state == "done"
    came = f"{heading}\nF1,东镇,甲村,三组,贫困户,L1,新生,,其他,\nF1,东镇,甲村,三组,贫困户,L1,又生,,其他,"
    assert (await learners.bring("households", came, "R1")).state == "done"
    found = await learners.rows("select number, name from person where number like 'F1-%' order by number")
    assert [tuple(row) for row in found][2:] == [("F1-03", "学F12号"), ("F1-04", "新生"), ("F1-05", "又生")]


async def test_each_household_and_each_person_has_a_case_of_its_own_number(learners: Learners) -> None:
    await learners.aided("first_review")
    found = await learners.rows(
        "select c.number, h.number, p.number from case_file c join household h on h.id = c.household_id"
        " left join person p on p.id = c.person_id where c.programme = :code order by 1", code=TERM,
    )  # fmt: skip
    assert [tuple(row) for row in found] == [("F1-02", "F1", "F1-02"), ("F1-03", "F1", "F1-03")]
    # A second one of the same person and year is none; his sister's is another.
    learners.today = APPLIED
    again = await learners.apply("F1-02")
    assert (again.done, again.unchanged, codes(again)) == ([], ["F1-02"], {})


# --- who applies ----------------------------------------------------------------------------------------------


async def test_who_is_not_in_sight_or_no_person_opens_nothing(learners: Learners) -> None:
    learners.on(TERM, YEAR, APPLIED)
    before = await learners.snapshot()
    # VC1 is the committee of 甲村: F4 lives in 乙村; a household is no person; nobody has the last number.
    report = await learners.apply("F4-02", "F1", "F1-09")
    assert (report.done, codes(report)) == ([], {"F4-02": "NOT_FOUND", "F1": "NOT_FOUND", "F1-09": "NOT_FOUND"})
    assert {problem.path[0] for _, problem in report.refused} == {"person"}
    assert await learners.snapshot() == before


NEVER: dict[str, Any] = {
    "title": "测试县申请时间", "number": "测政办〔2021〕32号", "issued": date(2021, 8, 1),
    "parameters": {
        "application_opens": [{"since": date(2021, 8, 1), "value": "09-21", "clause": "一"}],
        "application_deadline": [{"since": date(2021, 8, 1), "value": "09-20", "clause": "一"}],
    },
}  # fmt: skip


async def test_a_stage_that_would_end_before_it_begins_is_neither_previewed_nor_opened(learners: Learners) -> None:
    learners.on(TERM, YEAR)
    draft = await learners.draft(NEVER, previewed=False)
    who, before = learners.who("C1"), await learners.snapshot()
    async with learners.database.session(who.scope) as session:
        with pytest.raises(Refused) as refused:
            await keep_preview(session, who, learners.plugins, draft, YEAR)
    (problem,) = refused.value.problems
    assert (problem.code.name, problem.path) == ("STAGE_NEVER_OPEN", ("parameters", "application_opens"))
    assert problem.message.en == ("application begins on 21 September 2021 and ends before that, on 20 September 2021.")
    assert await learners.snapshot() == before
    # A document of another way in is refused where the period is opened.
    async with learners.database.owner() as connection:
        await connection.execute(text("set role none"))
        await connection.execute(text("update provision set state = 'released', released_at = drafted_at"))
    before = await learners.snapshot()
    with pytest.raises(Refused, match="STAGE_NEVER_OPEN"):
        await learners.open()
    assert await learners.snapshot() == before
    one_day = {**NEVER, "parameters": {**NEVER["parameters"], "application_opens": [
        {"since": date(2021, 8, 1), "value": "09-20", "clause": "一"}
    ]}}  # fmt: skip
    await learners.draft({**one_day, "number": "测政办〔2021〕33号"})


async def test_before_its_day_nothing_is_applied_for(learners: Learners) -> None:
    learners.on(TERM, YEAR, date(2021, 9, 1))
    before = await learners.snapshot()
    early = await learners.apply("F1-02", day=date(2021, 8, 31), evidence="申请表")
    assert codes(early) == {"F1-02": "STAGE_NOT_OPEN"}
    assert early.refused[0][1].message.zh == "“申请”自 2021年9月1日 起办理"
    assert await learners.snapshot() == before
    clean(await learners.apply("F1-02"))
    learners.today = date(2021, 9, 30)
    clean(await learners.apply("F1-03"))
    learners.today = REVIEWED
    clean(await learners.act("C1", acts.account, Selection(numbers=["F1-02"])))
    early = await learners.sign("VC1", "first_review", "F1-02", day=date(2021, 9, 30), evidence="签字表")
    assert codes(early) == {"F1-02": "STAGE_NOT_OPEN"}
    assert early.refused[0][1].message.zh == "“初审”自 2021年10月1日 起办理"
    assert await learners.stages() == {"F1-02": "first_review", "F1-03": "first_review"}


async def test_the_calendar_of_the_school_year_has_its_seven_times(learners: Learners) -> None:
    learners.on(TERM, YEAR)
    rules = (await learners.ground()).latest
    times: list[tuple[str, date | None, date | None]] = [
        (own.code, opens, closes) for own, opens, closes in rules.milestones
    ]
    times += [
        (stage.code, rules.proceedings.opens(stage), rules.proceedings.deadline(stage))
        for stage in learners.programme.process.stages
        if stage.opens
    ]
    assert sorted(times, key=lambda one: f"{one[1]} {one[2]}") == [
        ("survey", date(2021, 7, 1), date(2021, 8, 15)),
        ("publicity", date(2021, 8, 16), date(2021, 8, 31)),
        ("application", date(2021, 9, 1), date(2021, 9, 30)),
        ("first_review", date(2021, 10, 1), date(2021, 10, 31)),
        ("second_review", date(2021, 10, 1), date(2021, 10, 31)),
        ("autumn_payment", date(2021, 11, 1), date(2022, 1, 31)),
        ("recheck", date(2022, 2, 1), date(2022, 7, 31)),
        ("spring_payment", date(2022, 2, 1), date(2022, 7, 31)),
        ("summary", date(2022, 8, 1), date(2022, 8, 31)),
    ]


# --- what comes out -------------------------------------------------------------------------------------------


async def test_the_two_terms_are_paid_to_the_fen(learners: Learners) -> None:
    await learners.aided("closed")
    assert await learners.stages() == {"F1-02": "closed", "F1-03": "closed"}
    for number in ELIGIBLE:
        assert await learners.due(number) == [("award", 1, 70_000), ("award", 2, 80_000)]
    paid = await learners.rows(
        "select l.amount_fen, h.number from payment_line l join household h on h.id = l.household_id"
        " where l.released_at is not null order by l.amount_fen"
    )
    assert [tuple(row) for row in paid] == [(70_000, "F1"), (70_000, "F1"), (80_000, "F1"), (80_000, "F1")]


async def test_the_payment_list_names_whom_it_is_for(learners: Learners) -> None:
    await learners.aided("autumn_payment")
    made = await learners.pay("autumn_payment")
    who = learners.who("FI")
    async with learners.database.session(who.scope) as session:
        channel = learners.plugins.channels["yikatong"]
        data = await payments.payment_list(session, who, learners.vault, learners.programme, channel, made.id, "拨付")
    book = openpyxl.load_workbook(io.BytesIO(data))
    cells = [str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row if cell.value]
    assert sum("受益人:学F11号(F1-02)" in cell for cell in cells) == 1
    assert sum("受益人:学F12号(F1-03)" in cell for cell in cells) == 1


async def test_everybody_else_is_told_which_clause(learners: Learners) -> None:
    learners.on(TERM, YEAR, APPLIED)
    clean(await learners.apply("F2-02", "F3-02"))
    clean(await learners.apply("F4-02", "F4-03", number="VC2"))
    learners.today = REVIEWED
    await learners.act("C1", acts.account)
    who = learners.who("C1")
    ground = await learners.ground(who)
    unmet = {}
    async with learners.database.session(who.scope) as session:
        for number in ("F2-02", "F3-02", "F4-02", "F4-03"):
            receipt = await receipts.why(session, who, ground, number)
            assert (receipt.number, receipt.applied, receipt.outcome.value) == (number, True, "refused")
            unmet[number] = [line.name for line in receipt.lines if line.met is False]
    assert unmet == {
        "F2-02": ["grade_is_covered"],
        "F3-02": ["household_is_registered"],
        "F4-02": ["is_no_intern"],
        "F4-03": ["is_enrolled"],
    }


async def test_who_never_applied_learns_what_there_is(learners: Learners) -> None:
    learners.on(TERM, YEAR, APPLIED)
    who = learners.who("K1")
    ground = await learners.ground(who)
    async with learners.database.session(who.scope) as session:
        receipt = await receipts.why(session, who, ground, "F1-02")
        assert (receipt.applied, receipt.payable, receipt.award) == (False, 70_000, 70_000)
        assert receipt.summary.zh == "本人未申报;若申报:符合条件,应发 700.00 元"
        with pytest.raises(Refused) as refused:
            await receipts.why(session, who, ground, "F1")
        assert [(p.code.name, p.path) for p in refused.value.problems] == [("NOT_FOUND", ("person",))]


async def test_who_could_have_it_and_has_not_applied_is_listed_by_person(learners: Learners) -> None:
    learners.on(TERM, YEAR, APPLIED)
    clean(await learners.apply("F1-02"))
    who = learners.who("C1")
    ground = await learners.ground(who)
    async with learners.database.session(who.scope) as session:
        page = await missed.page(session, who, ground, 50)
        figures = await missed.figures(session, who, ground)
        data = await missed.sheet(session, who, ground, "核对")
    assert [(one.number, one.fen, one.is_clear) for one in page.found] == [("F1-03", 70_000, True)]
    persons = 2 * len(HOMES) + 10
    assert sum(one.households for one in figures) == persons
    assert sum(one.applied for one in figures) == 1
    assert sum(one.missed for one in figures) == 1
    assert sum(one.ineligible for one in figures) == persons - 2
    rows = list(openpyxl.load_workbook(io.BytesIO(data)).active.iter_rows(values_only=True))  # type: ignore[union-attr]
    head = next(row for row in rows if row[0] == "序号")
    assert head[4:6] == ("人编号", "姓名")
    assert rows[-1][4:6] == ("F1-03", "学F12号")


async def test_the_page_of_a_household_tells_of_all_its_members(learners: Learners) -> None:
    await learners.aided("autumn_payment")
    who = learners.who("K1")
    async with learners.database.session(who.scope) as session:
        found = await year.why_in(session, who, learners.plugins.programmes.values(), "F1", 2021)
    told = {(one.programme, one.receipt.number): one for one in found.periods}
    # Whoever is no student is not told that he is none; a training could be anybody's of the right age.
    assert {number for code, number in told if code == TERM} == {"F1-02", "F1-03"}
    assert told[TERM, "F1-02"].payments[0].fen == 70_000
    assert [one.fen for one in told[TERM, "F1-02"].payments] == [70_000, None] or told[TERM, "F1-02"].payments[
        1
    ].fen == 0
    assert {number for code, number in told if code == SHORT} == {"F1-01", "F1-02", "F1-03"}
    assert told["consolidation", "F1"].receipt.applied is False
    # What may be had beside it is named, whether or not it is a programme of ours.
    assert [own.zh.split(":")[0] for own in told[TERM, "F1-02"].together] == [
        "可与“国家中等职业教育免学费等减免政策”同时享受", "可与“国家助学金等生活补助政策”同时享受",
        "可与“国家对职业技能培训的优惠政策”同时享受", "可与“雨露短期技能培训”同时享受",
    ]  # fmt: skip


# --- the notice -----------------------------------------------------------------------------------------------


async def test_a_notice_shows_the_school_and_of_a_child_only_the_surname(learners: Learners) -> None:
    await learners.aided("notice")
    clean(await learners.act("C1", acts.post, Selection(numbers=ELIGIBLE)))
    shown = dict(
        await learners.rows(
            "select c.number, e.shown from notice_entry e join case_file c on c.id = e.case_id where c.programme = :code",
            code=TERM,
        )
    )
    common = {
        "address": "东镇甲村",
        "standing": "贫困户",
        "standard": "秋季学期700.00 元,春季学期800.00 元",
        "amount": 70_000,
    }
    assert shown == {
        # Born on 2 March 2006, fifteen when it was posted.
        "F1-02": {**common, "beneficiary": "学某", "school": "测试职业中学", "grade": "中等职业教育一年级"},
        # Born on 9 October 2002, nineteen since three days.
        "F1-03": {**common, "beneficiary": "学F12号", "school": "外地职业学院", "grade": "高等职业教育三年级"},
    }
    ((first, last),) = await learners.rows("select first_day, last_day from notice where programme = :code", code=TERM)
    assert (first, last) == (POSTED, date(2021, 10, 18))
    learners.today = date(2021, 10, 18)
    early = await learners.act("C1", acts.conclude, Selection(numbers=ELIGIBLE))
    assert codes(early) == dict.fromkeys(ELIGIBLE, "NOTICE_OPEN")


async def campus_poster(learners: Learners, number: str, school: str = SCHOOL, reason: str = "校园公示") -> Poster:
    who = learners.who(number)
    ground = await learners.ground(who)
    async with learners.database.session(who.scope) as session:
        return await campus.poster_of(session, who, ground, school, reason)


async def test_a_school_hangs_up_its_own_students_and_no_others(learners: Learners) -> None:
    await learners.aided("notice")
    clean(await learners.act("C1", acts.post, Selection(numbers=ELIGIBLE)))
    said = await campus_poster(learners, "C1")
    assert (said.village, said.place, said.first.zh, said.last.zh) == (
        "测试职业中学", "校园公告栏", "2021年10月12日", "2021年10月18日",
    )  # fmt: skip
    assert said.title.zh == "测试职业中学2021—2022学年雨露计划学期补助公示"
    assert said.common == "秋季学期700.00 元,春季学期800.00 元"
    assert [name for name, _ in said.columns] == ["beneficiary", "address", "standing", "school", "grade", "amount"]
    ((number, values),) = said.lines
    assert values is not None
    assert (number, values["beneficiary"], values["grade"]) == (1, "学某", "中等职业教育一年级")
    assert poster(said, "a3").startswith(b"%PDF-")
    kept = await learners.rows("select reason from audit_entry where action = 'export_notice'")
    assert [tuple(row) for row in kept] == [("校园公示",)]


@pytest.mark.parametrize(
    ("number", "school", "reason", "code"),
    [
        ("C1", SCHOOL, " ", "REASON_NEEDED"),
        ("C1", ONE, "校园公示", "NOT_FOUND"),  # an enterprise
        ("C1", "x", "校园公示", "NOT_FOUND"),
        ("VC3", SCHOOL, "校园公示", "NOT_FOUND"),  # of another village
        ("FM", SCHOOL, "校园公示", "FORBIDDEN"),
    ],
)
async def test_who_may_not_have_it_gets_no_poster(
    learners: Learners, number: str, school: str, reason: str, code: str
) -> None:
    await learners.aided("notice")
    clean(await learners.act("C1", acts.post, Selection(numbers=ELIGIBLE)))
    with pytest.raises(Refused) as refused:
        await campus_poster(learners, number, school, reason)
    assert [problem.code.name for problem in refused.value.problems] == [code]
    assert await learners.rows("select 1 from audit_entry where action = 'export_notice'") == []


async def test_after_the_notice_there_is_nothing_to_hang_up(learners: Learners) -> None:
    await learners.aided("autumn_payment")
    with pytest.raises(Refused) as refused:
        await campus_poster(learners, "C1")
    assert [problem.code.name for problem in refused.value.problems] == ["NOT_FOUND"]


async def test_an_objection_stops_one_child_and_not_the_other(learners: Learners) -> None:
    await learners.aided("notice")
    clean(await learners.act("C1", acts.post, Selection(numbers=ELIGIBLE)))

    async def object_to(session: Any, who: Any, ground: Any, selection: Any) -> acts.Report:
        return await acts.object_to(session, who, ground, "F1-03", "已毕业")

    clean(await learners.act("VC1", object_to))
    learners.today = date(2021, 10, 19)
    report = await learners.act("C1", acts.conclude, Selection(numbers=ELIGIBLE))
    assert (report.done, codes(report)) == (["F1-02"], {"F1-03": "OBJECTION_OPEN"})


# --- the spring -----------------------------------------------------------------------------------------------


async def test_who_drops_out_loses_the_spring_and_keeps_the_autumn(learners: Learners) -> None:
    await learners.aided("recheck")
    learners.today = date(2022, 2, 20)
    await learners.enrol("F1-02", date(2021, 9, 1), date(2022, 1, 15))  # left the school
    await learners.enrol("F1-03", date(2022, 2, 10), interning=True)
    report = await learners.act("C1", acts.account)
    assert codes(report) == {}
    assert await learners.stages() == {"F1-02": "refused", "F1-03": "refused"}
    for number in ELIGIBLE:
        assert await learners.due(number) == [("award", 1, 70_000)]
    # The internship turns out to begin in autumn only: the term is not lost.
    await learners.enrol("F1-03", date(2022, 2, 10), interning=False)
    clean(await learners.act("C1", acts.account, Selection(numbers=["F1-03"])))
    unseen = await learners.sign("C1", "recheck", "F1-03")
    assert (unseen.done, codes(unseen)) == ([], {"F1-03": "RECHECK_NEEDED"})
    await learners.recheck("F1-03")
    clean(await learners.sign("C1", "recheck", "F1-03"))
    await learners.pay("spring_payment")
    assert await learners.due("F1-03") == [("award", 1, 70_000), ("award", 2, 80_000)]
    assert await learners.stages() == {"F1-02": "refused", "F1-03": "closed"}


async def test_who_moves_up_goes_on_at_the_new_school(learners: Learners) -> None:
    await learners.aided("recheck")
    learners.today = date(2022, 2, 20)
    await learners.enrol("F1-02", date(2022, 2, 15), school="测试职业学院", level="higher_vocational", grade=1)
    clean(await learners.act("C1", acts.account, Selection(numbers=["F1-02"])))
    ((facts, payable),) = await learners.rows(
        "select d.facts, d.payable_fen from determination d join case_file c on c.id = d.case_id and c.round = d.round"
        " where c.number = 'F1-02' and c.programme = :code", code=TERM,
    )  # fmt: skip
    assert (facts["level"], facts["grade"], facts["term"], payable) == ("higher_vocational", 1, "recheck", 150_000)


async def test_a_pause_by_hand_survives_every_re_run(learners: Learners) -> None:
    await learners.aided("recheck")
    learners.today = date(2022, 2, 20)
    chosen, stated = Selection(numbers=["F1-02"]), Stated(reason="休学")
    clean(await learners.act("C1", correcting.pause, chosen, stated=stated))
    for _ in range(2):
        report = await learners.act("C1", acts.account)
        assert (sorted(report.done + report.unchanged), codes(report)) == (["F1-03"], {"F1-02": "CASE_PAUSED"})
    found = await learners.cases()
    assert found["F1-02"].paused_on == date(2022, 2, 20)
    clean(await learners.act("C1", correcting.resume, chosen, stated=Stated(reason="复学")))
    clean(await learners.act("C1", acts.account, chosen))


async def found(learners: Learners, number: str, *findings: Finding) -> acts.Report:
    who = learners.who(number)
    ground = await learners.ground(who)
    async with learners.database.session(who.scope) as session:
        return await rechecks.record(session, who, ground, findings)


async def rolls(learners: Learners, number: str) -> list[tuple[object, ...]]:
    """What the register says of somebody's schooling now: from, until, school, level, grade, internship."""
    rows = await learners.rows(
        "select s.valid_from, s.valid_to, s.school, s.level, s.grade, s.interning from schooling s"
        " join person p on p.id = s.person_id where p.number = :number and s.known_to is null order by 1",
        number=number,
    )
    return [tuple(row) for row in rows]


def finding(number: str, outcome: Outcome, method: Method = Method.ON_SITE, **more: Any) -> Finding:
    return Finding(number=number, outcome=outcome, method=method, stated=Stated(), **more)


FIRST, AWAY = ("测试职业中学", "secondary_vocational", 1), ("外地职业学院", "higher_vocational", 3)
SEPTEMBER = date(2021, 9, 1)


@pytest.mark.parametrize(
    ("outcome", "more", "expected", "stage", "due"),
    [
        (Outcome.CONTINUES, {}, [(SEPTEMBER, None, *FIRST, False)], "recheck", 80_000),
        (Outcome.DROPPED_OUT, {}, [(SEPTEMBER, SPRING, *FIRST, False)], "refused", 0),
        (Outcome.INTERNING, {}, [(SEPTEMBER, SPRING, *FIRST, False), (SPRING, None, *FIRST, True)], "refused", 0),
        (
            Outcome.MOVED_UP,
            {"school": "邻市学院", "level": "higher_vocational", "grade": 1},
            [(SEPTEMBER, SPRING, *FIRST, False), (SPRING, None, "邻市学院", "higher_vocational", 1, False)],
            "recheck",
            80_000,
        ),
    ],
    ids=["goes on", "dropped out", "interning", "moved up"],
)
async def test_what_is_found_in_spring_decides_the_spring(
    learners: Learners, outcome: Outcome, more: dict[str, Any], expected: list[Any], stage: str, due: int
) -> None:
    await learners.aided("recheck")
    one = finding("F1-02", outcome, **more)
    assert clean(await found(learners, "C1", one)).done == ["F1-02"]
    before = await learners.snapshot()
    again = await found(learners, "C1", one)
    assert (again.done, again.unchanged, codes(again)) == ([], ["F1-02"], {})
    assert await learners.snapshot() == before
    assert await rolls(learners, "F1-02") == expected
    clean(await learners.act("C1", acts.account, Selection(numbers=["F1-02"])))
    assert (await learners.stages())["F1-02"] == stage
    if due:
        clean(await learners.sign("C1", "recheck", "F1-02"))
    assert await learners.due("F1-02") == [("award", 1, 70_000), *([("award", 2, due)] if due else [])]
    ((data,),) = await learners.rows("select data from case_event where act = 'recheck'")
    assert data["finding"].startswith(f"实地复核:{outcome.title_text.zh}")


async def test_who_rests_is_left_alone_by_everything(learners: Learners) -> None:
    await learners.aided("recheck")
    assert clean(await found(learners, "C1", finding("F1-02", Outcome.PAUSED))).done == ["F1-02"]
    assert await rolls(learners, "F1-02") == [(SEPTEMBER, None, *FIRST, False)]
    report = await learners.act("C1", acts.account)
    assert (report.done, codes(report)) == (["F1-03"], {"F1-02": "CASE_PAUSED"})
    # The same sheet once more says nothing new; another finding waits until he goes on.
    assert (await found(learners, "C1", finding("F1-02", Outcome.PAUSED))).unchanged == ["F1-02"]
    assert codes(await found(learners, "C1", finding("F1-02", Outcome.CONTINUES))) == {"F1-02": "CASE_PAUSED"}
    clean(await learners.act("C1", correcting.resume, Selection(numbers=["F1-02"]), stated=Stated(reason="复学")))
    clean(await found(learners, "C1", finding("F1-02", Outcome.CONTINUES)))


async def test_a_finding_that_cannot_be_changes_nothing(learners: Learners) -> None:
    await learners.aided("recheck")
    before = await learners.snapshot()
    by_telephone = await found(learners, "C1", finding("F1-02", Outcome.CONTINUES, Method.TELEPHONE))
    assert codes(by_telephone) == {"F1-02": "BAD_VALUE"}
    assert by_telephone.refused[0][1].path == ("method",)
    assert codes(await found(learners, "C1", finding("F1-02", Outcome.MOVED_UP))) == {"F1-02": "MISSING_VALUE"}
    assert codes(await found(learners, "VC1", finding("F1-02", Outcome.CONTINUES))) == {"F1-02": "NOT_YOUR_DUTY"}
    assert codes(await found(learners, "K2", finding("F1-02", Outcome.CONTINUES))) == {"F1-02": "NOT_FOUND"}
    assert codes(await found(learners, "C1", finding("F9-01", Outcome.CONTINUES))) == {"F9-01": "NOT_FOUND"}
    late = replace(finding("F1-02", Outcome.CONTINUES), stated=Stated(date(2022, 3, 2)))
    assert codes(await found(learners, "C1", late)) == {"F1-02": "DAY_IN_FUTURE"}
    assert await learners.snapshot() == before
    # The school elsewhere is asked by telephone.
    clean(await found(learners, "K1", finding("F1-03", Outcome.CONTINUES, Method.TELEPHONE)))


@pytest.mark.parametrize("outcome", [Outcome.DROPPED_OUT, Outcome.INTERNING])
async def test_what_is_found_after_the_accounting_is_not_signed_away(learners: Learners, outcome: Outcome) -> None:
    """The result of an earlier day stands no longer once the student is known to be elsewhere."""
    await learners.aided("recheck")
    clean(await learners.act("C1", acts.account))
    learners.today = date(2022, 3, 10)
    clean(await found(learners, "C1", finding("F1-02", outcome)))
    learners.today = date(2022, 3, 11)
    report = await learners.sign("C1", "recheck", "F1-02")
    assert (report.done, codes(report)) == ([], {"F1-02": "NOT_DETERMINED"})
    clean(await learners.act("C1", acts.account, Selection(numbers=["F1-02"])))
    assert (await learners.stages())["F1-02"] == "refused"
    assert await learners.due("F1-02") == [("award", 1, 70_000)]


async def test_who_drops_out_on_the_day_the_school_vouched_for_him_is_on_no_roll(learners: Learners) -> None:
    await learners.aided("recheck")
    await learners.enrol("F1-02", learners.today)  # said in the morning
    clean(await found(learners, "C1", finding("F1-02", Outcome.DROPPED_OUT)))
    assert await rolls(learners, "F1-02") == [(SEPTEMBER, learners.today, *FIRST, False)]
    clean(await learners.act("C1", acts.account, Selection(numbers=["F1-02"])))
    assert (await learners.stages())["F1-02"] == "refused"


async def test_who_has_left_already_can_still_be_found_to_have(learners: Learners) -> None:
    await learners.aided("recheck")
    await learners.enrol("F1-02", SEPTEMBER, date(2022, 1, 15))
    before = await rolls(learners, "F1-02")
    for outcome in (Outcome.CONTINUES, Outcome.INTERNING, Outcome.PAUSED):
        assert codes(await found(learners, "C1", finding("F1-02", outcome))) == {"F1-02": "BAD_VALUE"}
    clean(await found(learners, "C1", finding("F1-02", Outcome.DROPPED_OUT)))
    assert await rolls(learners, "F1-02") == before
    higher: dict[str, Any] = {"school": "邻市学院", "level": "higher_vocational", "grade": 1}
    by_telephone = finding("F1-02", Outcome.MOVED_UP, Method.TELEPHONE, **higher)
    inside = replace(by_telephone, in_county=True)
    assert codes(await found(learners, "C1", inside)) == {"F1-02": "BAD_VALUE"}
    clean(await found(learners, "C1", by_telephone))
    new = (SPRING, None, "邻市学院", "higher_vocational", 1, False)
    assert await rolls(learners, "F1-02") == [*before, new]
    # Where it lies is another finding; a school of the county is one of its organizations, or is none.
    on_the_spot = replace(inside, method=Method.ON_SITE)
    unknown = await learners.snapshot()
    report = await found(learners, "C1", on_the_spot)
    assert (codes(report), report.refused[0][1].path) == ({"F1-02": "BAD_VALUE"}, ("school",))
    assert await learners.snapshot() == unknown
    assert clean(await found(learners, "C1", replace(on_the_spot, school="测试职业中学"))).done == ["F1-02"]
    # Told by its code, it is the same finding.
    assert (await found(learners, "C1", replace(on_the_spot, school=SCHOOL))).unchanged == ["F1-02"]
    rows = await learners.rows(
        "select s.school, o.credit_code from schooling s left join organization o on o.id = s.organization_id"
        " where s.known_to is null and s.valid_to is null"
        " and s.person_id = (select id from person where number = 'F1-02')"
    )
    assert [tuple(row) for row in rows] == [("测试职业中学", SCHOOL)]


async def test_a_finding_does_not_undo_what_is_known_of_a_later_day(learners: Learners) -> None:
    await learners.aided("recheck")
    learners.today = date(2022, 3, 25)
    await learners.enrol("F1-02", date(2022, 3, 20))
    before = await learners.snapshot()
    stated = Stated(date(2022, 3, 10), evidence="复核表")
    for outcome in (Outcome.DROPPED_OUT, Outcome.INTERNING):
        earlier = replace(finding("F1-02", outcome), stated=stated)
        report = await found(learners, "C1", earlier)
        assert codes(report) == {"F1-02": "BEFORE_PREVIOUS_STEP"}
        assert report.refused[0][1].message.en == "10 March 2022 lies before the previous step, 20 March 2022."
    assert await learners.snapshot() == before
    clean(await found(learners, "C1", replace(finding("F1-02", Outcome.CONTINUES), stated=stated)))


async def test_who_may_not_let_a_case_rest_does_not_find_that_it_does(learners: Learners) -> None:
    """The county lets the finance bureau re-check, which lets no case rest."""
    learners.on(TERM, YEAR, APPLIED)
    await learners.provide(
        {
            "title": "测试县复核办法",
            "number": "测政办〔2021〕31号",
            "issued": date(2021, 9, 2),
            "parameters": {"recheckers": [{"since": date(2021, 9, 1), "value": ["finance"], "clause": "三"}]},
        }
    )
    await learners.open()
    await learners.aided("recheck")
    before = await learners.snapshot()
    report = await found(learners, "FI2", finding("F1-02", Outcome.PAUSED))
    assert (report.done, codes(report)) == ([], {"F1-02": "NOT_YOUR_DUTY"})
    assert await learners.snapshot() == before
    clean(await found(learners, "FI2", finding("F1-02", Outcome.CONTINUES)))


async def test_nothing_is_gathered_before_its_first_day(learners: Learners) -> None:
    await learners.aided("autumn_payment")
    await learners.fund()
    learners.today = date(2021, 10, 31)
    before = await learners.snapshot()
    with pytest.raises(Refused) as refused:
        await learners.pay("autumn_payment")
    assert [problem.code.name for problem in refused.value.problems] == ["STAGE_NOT_OPEN"]
    assert await learners.snapshot() == before
    learners.today = date(2021, 11, 1)
    await learners.pay("autumn_payment")
    assert await learners.due("F1-02") == [("award", 1, 70_000)]


async def test_before_the_spring_nobody_is_re_checked(learners: Learners) -> None:
    await learners.aided("autumn_payment")
    before = await learners.snapshot()
    assert codes(await found(learners, "C1", finding("F1-02", Outcome.CONTINUES))) == {"F1-02": "WRONG_STAGE"}
    assert await learners.snapshot() == before


async def test_re_checks_travel_by_workbook(learners: Learners) -> None:
    await learners.aided("recheck")
    importer = RecheckImporter(learners.programme, YEAR)
    heading = "人编号,复核结果,复核方式,复核日期,复核人工号,凭据,升入学校,升入学段,升入年级,升入学校县内外"
    sheet = (
        f"{heading}\nF1-02,升学,实地,2022-02-18,C1,复核表1,邻市学院,高职,一年级,县外"
        "\nF1-03,继续就读,电话,2022-02-18,C1,复核表2,,,,\nF9-01,退学,电话,2022-02-18,C1,复核表3,,,,"
    )
    status = await learners.bring(importer, sheet, "K1")
    assert status.state == "refused"
    _, problem = status.result["problems"]
    assert (problem["code"], problem["path"]) == ("NOT_FOUND", ["rows", 4, "person"])
    sheet = sheet.rsplit("\n", 1)[0]
    status = await learners.bring(importer, sheet, "K1")
    assert (status.state, status.result["tallies"]["re-check"]["new"]) == ("done", 2)
    again = await learners.bring(importer, sheet, "K1")
    assert (again.result["tallies"]["re-check"]["new"], again.result["tallies"]["re-check"]["same"]) == (0, 2)
    assert (await rolls(learners, "F1-02"))[1] == (
        date(2022, 2, 18), None, "邻市学院", "higher_vocational", 1, False,
    )  # fmt: skip


# --- once in a lifetime ---------------------------------------------------------------------------------------


async def test_a_short_training_is_aided_once_in_a_lifetime(learners: Learners) -> None:
    learners.on(SHORT, "2021", date(2021, 9, 10))
    clean(await learners.apply("F1-01", "F1-03", number="K1", facts=COURSE))
    assert await learners.stages() == {"F1-01": "first_review", "F1-03": "first_review"}
    clean(await learners.act("C1", acts.account))
    for number, stage in (("A2", "first_review"), ("C1", "county_review"), ("FI2", "finance_recheck")):
        clean(await learners.sign(number, stage, "F1-01"))
    # A notice of no days is passed by.
    assert (await learners.stages())["F1-01"] == "payment"
    await learners.pay("payment")
    assert await learners.due("F1-01") == [("award", 1, 60_000)]
    # Another course, in another year: the same person has had it, his daughter has not.
    learners.on(SHORT, "2022", date(2022, 9, 10))
    await learners.open()
    later = {**COURSE, **{name: day.replace(year=2022) for name, day in COURSE.items() if isinstance(day, date)}}
    before = await learners.snapshot()
    report = await learners.apply("F1-01", number="K1", facts=later)
    assert codes(report) == {"F1-01": "TAKEN_PART"}
    assert report.refused[0][1].message.zh == "F1-01 在此前或目前已计入另一申报:“短期技能培训补助(每人一次)”"
    assert await learners.snapshot() == before
    clean(await learners.apply("F1-02", number="K1", facts=later))


async def test_of_two_courses_of_one_person_only_one_is_aided(learners: Learners) -> None:
    """Both were applied for before either was paid: the second one is stopped before it is."""
    learners.on(SHORT, "2021", date(2021, 9, 10))
    clean(await learners.apply("F1-01", number="K1", facts=COURSE))
    learners.on(SHORT, "2022", date(2022, 9, 10))
    await learners.open()
    later = {**COURSE, **{name: day.replace(year=2022) for name, day in COURSE.items() if isinstance(day, date)}}
    clean(await learners.apply("F1-01", number="K1", facts=later))
    for period in ("2021", "2022"):
        learners.on(SHORT, period)
        clean(await learners.act("C1", acts.account))
        for number, stage in (("A2", "first_review"), ("C1", "county_review")):
            clean(await learners.sign(number, stage, "F1-01"))
    clean(await learners.sign("FI2", "finance_recheck", "F1-01"))
    learners.on(SHORT, "2021")
    late = await learners.sign("FI2", "finance_recheck", "F1-01")
    assert (late.done, codes(late)) == ([], {"F1-01": "TAKEN_PART"})
    assert await learners.stages() == {"F1-01": "finance_recheck"}


async def test_a_day_that_has_not_come_is_not_stated(learners: Learners) -> None:
    learners.on(SHORT, "2021", date(2021, 9, 10))
    before = await learners.snapshot()
    report = await learners.apply("F1-01", number="K1", facts={**COURSE, "certified_on": date(2021, 9, 11)})
    assert (report.done, codes(report)) == ([], {"F1-01": "DAY_IN_FUTURE"})
    assert report.refused[0][1].path == ("facts", "certified_on")
    assert await learners.snapshot() == before


async def test_who_lacks_a_paper_or_is_too_old_is_told(learners: Learners) -> None:
    learners.on(SHORT, "2021", date(2021, 9, 10))
    without = {**COURSE, "has_qualification_certificate": False}
    clean(await learners.apply("F1-01", number="K1", facts=without))
    clean(
        await learners.apply("F2-01", number="K1", facts=COURSE)
    )  # born on 20 January 1975: forty-six on 2 March 2021
    clean(await learners.act("C1", acts.account))
    assert await learners.stages() == {"F1-01": "refused", "F2-01": "refused"}
    ((facts,),) = await learners.rows(
        "select d.facts from determination d join case_file c on c.id = d.case_id where c.number = 'F2-01'"
    )
    assert (facts["age"], facts["days"], facts["training_from"]) == (46, 91, "2021-03-02")


# --- no course twice ------------------------------------------------------------------------------------------


LONG = {
    **COURSE, "training_from": date(2020, 9, 7), "training_to": date(2021, 9, 2), "certified_on": date(2021, 9, 3),
}  # fmt: skip
"""A course of 361 days by the trainee's card."""


ANY_YEAR = {
    "title": "测试县短期培训补充规定", "number": "测政办〔2021〕31号", "issued": date(2021, 3, 1),
    "parameters": {"same_year": [{"since": date(2021, 1, 1), "value": False, "clause": "一"}]},
}  # fmt: skip
"""A county that does not mind when a training began."""


async def on_a_training(learners: Learners, number: str, since: date, until: date | None, months: int | None) -> None:
    """Put somebody of ``STUDENTS`` on the roll of a training, as the bureau lists it."""
    await learners.enrol(number, since, until, level="skills_training", grade=None, months=months)


async def signed(learners: Learners, *numbers: str) -> None:
    """Let the township, the county and the bureau of finance sign for trainees."""
    for number, stage in (("A2", "first_review"), ("C1", "county_review"), ("FI2", "finance_recheck")):
        clean(await learners.sign(number, stage, *numbers))


@pytest.mark.parametrize(
    ("since", "until", "months", "stage"),
    [
        (date(2020, 9, 1), None, 12, "refused"),  # the roll calls it a year
        (date(2020, 9, 1), None, 11, "payment"),
        (date(2021, 9, 2), None, 12, "refused"),  # on its roll on the last day of the card alone
        (date(2020, 9, 1), date(2020, 9, 8), 12, "refused"),  # and on the first day alone
        (date(2021, 9, 3), None, 12, "payment"),  # another course, begun on the day after
        (date(2019, 9, 1), date(2020, 9, 7), 24, "payment"),  # another one, over on the first day of the card
        (date(2018, 9, 7), None, 24, "payment"),  # another one, which no list has ended: it took two years
        (date(2018, 9, 8), None, 24, "refused"),  # it was over a day later
    ],
)
async def test_a_course_that_a_roll_calls_a_year_is_aided_by_the_term_alone(
    learners: Learners, since: date, until: date | None, months: int, stage: str
) -> None:
    learners.on(SHORT, "2021", date(2021, 9, 10))
    await learners.provide(ANY_YEAR)
    await learners.open()
    await on_a_training(learners, "F1-03", since, until, months)
    clean(await learners.apply("F1-03", number="K1", facts=LONG))
    clean(await learners.act("C1", acts.account))
    if stage == "payment":
        await signed(learners, "F1-03")
    assert await learners.stages() == {"F1-03": stage}
    ((facts,),) = await learners.rows("select facts from determination")
    assert (facts["days"], facts["months_on_the_roll"]) == (361, months if stage == "refused" or months == 11 else 0)


async def test_an_edition_of_before_goes_on_without_a_number_that_the_plan_has_learned_since(
    learners: Learners,
) -> None:
    """What was opened and decided by the first book, before the second one brought a number of its own."""
    learners.on(SHORT, "2021", date(2021, 9, 10))
    first = learners.programme.books[0]
    async with learners.database.owner() as connection:
        await connection.execute(text("set role none"))
        await connection.execute(
            text(
                "update edition set parameters = parameters - 'least_training_months', book_since = :since,"
                " book_version = :version where programme = 'short_training'"
            ),
            {"since": first.since, "version": first.rules.traced().version},
        )
    await on_a_training(learners, "F1-03", date(2021, 3, 1), None, 12)
    clean(await learners.apply("F1-01", "F1-03", number="K1", facts=COURSE))
    clean(await learners.act("C1", acts.account))
    await signed(learners, "F1-01", "F1-03")
    await learners.pay("payment")
    assert await learners.due("F1-03") == [("award", 1, 60_000)]
    who = learners.who("C1")
    async with learners.database.session(who.scope) as session:
        replayed = await receipts.replay(session, who, learners.programme, "2021")
    assert (replayed.same, replayed.faults) == (2, ())
    # The next edition is of the second book; what was decided keeps to the first.
    await learners.open()
    assert await listed(learners) == []
    await recalculated(learners, "F1-01")
    assert [tuple(row) for row in await learners.rows("select number, book_since from edition"
            " where programme = 'short_training' order by number")] == [
        (1, date(2011, 1, 1)), (2, date(2011, 12, 1)),
    ]  # fmt: skip


async def test_a_training_whose_length_no_roll_tells_is_not_assumed_to_be_short(learners: Learners) -> None:
    learners.on(SHORT, "2021", date(2021, 9, 10))
    await on_a_training(learners, "F1-03", date(2021, 3, 1), date(2021, 6, 1), None)
    clean(await learners.apply("F1-03", number="K1", facts=COURSE))
    clean(await learners.act("C1", acts.account))
    told = await learners.rows("select outcome, payable_fen, facts -> 'months_on_the_roll' from determination")
    assert [tuple(row) for row in told] == [("incomplete", 0, None)]
    report = await learners.sign("A2", "first_review", "F1-03")
    assert (report.done, codes(report)) == ([], {"F1-03": "NOT_DETERMINED"})
    assert await learners.stages() == {"F1-03": "first_review"}


async def test_what_a_roll_tells_later_shows_the_short_aid_as_paid_too_much(learners: Learners) -> None:
    learners.on(SHORT, "2021", date(2021, 9, 10))
    clean(await learners.apply("F1-01", "F1-03", number="K1", facts=COURSE))
    clean(await learners.act("C1", acts.account))
    await signed(learners, "F1-01", "F1-03")
    await learners.pay("payment")
    # The bureau's list of October has one of them on the roll of a training of a year since March.
    learners.today = date(2021, 10, 20)
    await on_a_training(learners, "F1-03", date(2021, 3, 1), None, 12)
    who = learners.who("C1")
    ground = await learners.ground(who)
    async with learners.database.session(who.scope) as session:
        found = (await overpaid.page(session, who, ground, 50)).found
    assert [(one.number, one.paid_fen, one.right_fen) for one in found] == [("F1-03", 60_000, 0)]
    (again,) = found[0].again
    assert [line.name for line in again.lines] == ["is_aided_by_no_term"]
    assert [(own.title.en, own.was.en, own.now.en, own.known_since) for own in again.changes] == [
        ("months of the training that the rolls say he was in on these days", "0", "12", who.at.now)
    ]
    # What was decided then is decided so by what was known then.
    async with learners.database.session(who.scope) as session:
        replayed = await receipts.replay(session, who, learners.programme, "2021")
    assert (replayed.same, replayed.faults) == (2, ())


# --- another generation ---------------------------------------------------------------------------------------


LATER = {
    "title": "测试县职业教育扶贫助学补助办法", "number": "测政办〔2022〕30号", "issued": date(2022, 3, 1),
    "book": [{"adopts": date(2015, 9, 1), "since": date(2021, 9, 1), "clause": "一"}],
    "parameters": {
        name: [{"since": date(2021, 9, 1), "value": "1500.00", "clause": "二"}]
        for name in ("amount_autumn", "amount_spring")
    },
}  # fmt: skip


async def test_a_rule_book_that_changes_in_the_year_yields_arrears(learners: Learners) -> None:
    """Of two who were paid 1,500 by the first book, each is due 3,000 by the second, with retroactive effect."""
    await learners.aided("closed")
    learners.today = date(2022, 4, 1)
    await learners.provide(LATER)
    await learners.open()
    who = learners.who("C2")
    stated = Stated(reason="按新办法补差", evidence="测政办〔2022〕30号")
    ground = await learners.ground(who)
    async with learners.database.session(who.scope) as session:
        found = await adjusting.recalculate(session, who, ground, Selection(numbers=["F1-02"]), stated)
    assert [(one.number, one.was, one.now) for one in found.differences] == [("F1-02", 150_000, 300_000)]
    assert await learners.due("F1-02") == [("award", 1, 70_000), ("award", 2, 80_000), ("arrears", 2, 150_000)]
    assert await learners.due("F1-03") == [("award", 1, 70_000), ("award", 2, 80_000)]
    # What was decided is replayed by the book that decided it, whatever book holds now.
    async with learners.database.session(who.scope) as session:
        replayed = await receipts.replay(session, who, learners.programme, YEAR)
    assert (replayed.same, replayed.faults) == (6, ())
    async with learners.database.session(who.scope) as session:
        receipt = await receipts.why(session, who, ground, "F1-02")
    assert receipt.payable == 300_000
    first = learners.programme.books[0].rules.traced().version
    assert [one.book for one in receipt.earlier] == [receipt.book, first, first]


LATE = Stated(reason="按新办法补差", evidence="测政办〔2022〕30号")


async def recalculated(learners: Learners, *numbers: str) -> adjusting.Recalculated:
    """Work out again what persons come to, all of them unless stated."""
    who = learners.who("C2")
    ground = await learners.ground(who)
    async with learners.database.session(who.scope) as session:
        return await adjusting.recalculate(session, who, ground, Selection(numbers=numbers or None), LATE)


async def listed(learners: Learners) -> list[tuple[str, int, int | None]]:
    """What was paid and would come out differently now: the person, what was paid and what is right, in fen."""
    who = learners.who("C1")
    ground = await learners.ground(who)
    async with learners.database.session(who.scope) as session:
        return [(o.number, o.paid_fen, o.right_fen) for o in (await overpaid.page(session, who, ground, 50)).found]


async def sound(learners: Learners) -> None:
    """Nothing that always holds is broken, and what was decided is decided so again."""
    plugins = learners.plugins.programmes
    found = await invariants.examine(learners.database, [learners.tenant.id], plugins, datetime.now(UTC))
    assert [str(one) for one in found] == []
    who = learners.who("C1")
    async with learners.database.session(who.scope) as session:
        assert (await receipts.replay(session, who, learners.programme, YEAR)).faults == ()


async def ended_in_spring(learners: Learners, outcome: Outcome) -> None:
    """F1-02 has lost the spring, and the county has moved to the later book since."""
    await learners.aided("recheck")
    clean(await found(learners, "C1", finding("F1-02", outcome)))
    clean(await learners.act("C1", acts.account, Selection(numbers=["F1-02"])))
    assert (await learners.stages())["F1-02"] == "refused"
    learners.today = date(2022, 4, 1)
    await learners.provide(LATER)
    await learners.open()


async def test_who_lost_the_spring_gets_the_arrears_of_the_autumn(learners: Learners) -> None:
    await ended_in_spring(learners, Outcome.DROPPED_OUT)
    made = await recalculated(learners)
    assert [(one.number, one.was, one.now) for one in made.differences] == [("F1-02", 70_000, 150_000)]
    # F1-03 goes on: the next instalment makes up for it.
    assert codes(made.report) == {"F1-03": "WRONG_STAGE"}
    assert await learners.due("F1-02") == [("award", 1, 70_000), ("arrears", 1, 80_000)]
    assert (await learners.stages())["F1-02"] == "refused"
    # The refusal stands, by the later book, and the receipt tells it; the autumn is among the earlier results.
    who = learners.who("C1")
    ground = await learners.ground(who)
    async with learners.database.session(who.scope) as session:
        receipt = await receipts.why(session, who, ground, "F1-02")
    books = [book.rules.traced().version for book in learners.programme.books]
    assert (receipt.outcome, receipt.payable, receipt.book) == ("refused", 0, books[1])
    assert [(one.outcome, one.payable, one.book) for one in receipt.earlier] == [
        ("eligible", 150_000, books[1]), ("refused", 0, books[0]), ("eligible", 70_000, books[0]),
    ]  # fmt: skip
    # Done again, also on another day and with a roll that has her again since, it changes nothing: on the day on which
    # she was refused she was on none.
    await learners.enrol("F1-02", date(2022, 3, 20))
    learners.today = date(2022, 4, 20)
    before = await learners.snapshot()
    again = await recalculated(learners, "F1-02")
    assert (again.differences, again.report.unchanged) == ([], ["F1-02"])
    assert await learners.snapshot() == before
    batch = await learners.pay("autumn_payment")
    assert (batch.count, batch.total_fen) == (1, 80_000)
    assert (await learners.stages())["F1-02"] == "refused"
    await sound(learners)


async def test_who_goes_on_after_all_is_paid_no_arrears_twice(learners: Learners) -> None:
    await ended_in_spring(learners, Outcome.DROPPED_OUT)
    await recalculated(learners, "F1-02")
    # The school finds that she had been on leave: she is on its roll.
    learners.today = date(2022, 4, 8)
    await learners.enrol("F1-02", SPRING)
    assert codes((await recalculated(learners, "F1-02")).report) == {"F1-02": "REFUSED_NO_MORE"}
    clean(await learners.act("C1", acts.account, Selection(numbers=["F1-02"])))
    assert (await learners.stages())["F1-02"] == "recheck"
    clean(await found(learners, "C1", finding("F1-02", Outcome.CONTINUES)))
    clean(await learners.act("C1", acts.account, Selection(numbers=["F1-02"])))
    who = learners.who("C1")
    async with learners.database.session(who.scope) as session:
        page = await year.why_in(session, who, learners.plugins.programmes.values(), "F1", 2021)
    (own,) = [
        one for one in page.periods if one.receipt.number == "F1-02" and one.receipt.programme.zh.endswith("学期补助")
    ]
    assert [(one.fen, one.state.value) for one in own.payments] == [(70_000, "paid"), (150_000, "to_come")]
    clean(await learners.sign("C1", "recheck", "F1-02"))
    # 3,000 a school year, of which 700 and 800 are hers already; her page says so before it is due.
    assert await learners.due("F1-02") == [("award", 1, 70_000), ("arrears", 1, 80_000), ("award", 2, 150_000)]
    await sound(learners)


async def test_a_refusal_that_the_later_book_does_not_know_is_no_arrears(learners: Learners) -> None:
    """An intern is aided by the later book: her case goes on, and the spring pays what the autumn lacked."""
    await ended_in_spring(learners, Outcome.INTERNING)
    before = await learners.snapshot()
    made = await recalculated(learners, "F1-02")
    assert (made.differences, codes(made.report)) == ([], {"F1-02": "REFUSED_NO_MORE"})
    (problem,) = [problem for _, problem in made.report.refused]
    assert (problem.path, problem.message.en) == (
        ("person", "F1-02"), "By what is known now the case would not be refused at re-check in spring.",
    )  # fmt: skip
    assert await learners.snapshot() == before
    clean(await learners.act("C1", acts.account, Selection(numbers=["F1-02"])))
    clean(await learners.sign("C1", "recheck", "F1-02"))
    assert await learners.due("F1-02") == [("award", 1, 70_000), ("award", 2, 230_000)]
    await sound(learners)


async def test_who_lost_the_spring_pays_back_an_autumn_that_was_none(learners: Learners) -> None:
    await learners.aided("recheck")
    clean(await found(learners, "C1", finding("F1-02", Outcome.DROPPED_OUT)))
    clean(await learners.act("C1", acts.account, Selection(numbers=["F1-02"])))
    assert await listed(learners) == []
    # The bureau's list of April: she had left before the first review.
    learners.today = date(2022, 4, 10)
    await learners.enrol("F1-02", SEPTEMBER, date(2021, 10, 1))
    assert await listed(learners) == [("F1-02", 70_000, 0)]
    made = await recalculated(learners, "F1-02")
    assert [(one.number, one.was, one.now) for one in made.differences] == [("F1-02", 70_000, 0)]
    assert await learners.due("F1-02") == [("award", 1, 70_000), ("recovery", 1, -70_000)]
    assert await listed(learners) == []
    assert (await learners.stages())["F1-02"] == "refused"
    await sound(learners)


async def test_what_was_stopped_with_a_part_of_it_is_worked_out_again(learners: Learners) -> None:
    await learners.aided("recheck")
    one, two = Selection(numbers=["F1-02"]), Selection(numbers=["F1-03"])
    clean(await learners.act("C1", correcting.stop, one, finding="死亡", stated=Stated(evidence="证明")))
    clean(await learners.act("VC1", correcting.withdraw, two, stated=Stated(reason="申请")))
    assert await learners.stages() == {"F1-02": "stopped", "F1-03": "withdrawn"}
    learners.today = date(2022, 4, 1)
    await learners.provide(LATER)
    await learners.open()
    made = await recalculated(learners)
    assert [(one.number, one.was, one.now) for one in made.differences] == [
        (number, 70_000, 150_000) for number in ("F1-02", "F1-03")
    ]
    assert await learners.stages() == {"F1-02": "stopped", "F1-03": "withdrawn"}
    # Of who withdrew no result stands.
    who = learners.who("C1")
    ground = await learners.ground(who)
    async with learners.database.session(who.scope) as session:
        assert {view.number: view.determination is None for view in await look(session, who, ground, Selection())} == {
            "F1-02": False, "F1-03": True,
        }  # fmt: skip
    await sound(learners)


async def test_interns_and_third_grades_are_aided_by_the_later_book(learners: Learners) -> None:
    learners.on(TERM, YEAR, APPLIED)
    await learners.provide({**LATER, "issued": date(2021, 9, 5)})
    await learners.open()
    clean(await learners.apply("F2-02", "F3-02"))
    clean(await learners.apply("F4-02", number="VC2"))
    learners.today = REVIEWED
    clean(await learners.act("C1", acts.account))
    found = await learners.rows(
        "select c.number, d.outcome, d.payable_fen from determination d join case_file c on c.id = d.case_id order by 1"
    )
    own = [tuple(row) for row in found if row[0] in ("F2-02", "F3-02", "F4-02")]
    assert own == [("F2-02", "eligible", 150_000), ("F3-02", "refused", 0), ("F4-02", "eligible", 150_000)]


# --- statements -----------------------------------------------------------------------------------------------


async def test_a_household_that_moves_takes_the_schooling_along(learners: Learners) -> None:
    learners.today = date(2021, 9, 20)
    moved = (
        "户编号,乡镇,行政村,村民小组,户类型,联户干部工号,姓名,证件号码,与户主关系\n"
        "F1,西镇,丙村,一组,贫困户,L3,学F10号,,户主"
    )
    status = await learners.bring("households", moved, "R1")
    assert status.state == "done", status.result
    found = await learners.rows(
        "select distinct s.division from schooling s join person p on p.id = s.person_id where p.number like 'F1-%'"
    )
    assert [division % 1_000_000 for (division,) in found] == [102_201]


async def test_plans_travel_by_workbook_with_persons_by_number(learners: Learners) -> None:
    learners.on(TERM, YEAR, APPLIED)
    importer = PlanImporter(learners.programme, YEAR)
    assert next(column.title.zh for column in importer.columns) == "人编号"
    sheet = "人编号,制定日期,村两委工号,凭据\nF1-02,2021-09-10,VC1,申请表1\nF9-01,2021-09-10,VC1,申请表2"
    status = await learners.bring(importer, sheet, "K1")
    assert status.state == "refused"
    sheet = "人编号,制定日期,村两委工号,凭据\nF1-02,2021-09-10,VC1,申请表1\nF1-03,2021-09-10,VC1,申请表2"
    status = await learners.bring(importer, sheet, "K1")
    assert status.state == "done", status.result
    assert await learners.stages() == {"F1-02": "first_review", "F1-03": "first_review"}
