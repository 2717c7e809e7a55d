"""Bases: who is one, how it stands against the checklist, what is put right, and what its result is worth."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bangfu.cases.views import Stated
from bangfu.errors import Code
from bangfu.inspections import assessments, bases
from bangfu.inspections.assessments import Answer, Assessed
from bangfu.inspections.bases import Persons, Registration
from bangfu.inspections.figures import BaseLine, Notices, figures
from bangfu.inspections.standing import AssessmentState, BaseState, assessment_state, state_of
from bangfu.models import BaseAssessment, SupportBase
from bangfu.text import Text
from tests.county import BASE, ONE, OTHER, T2, UNIT, V3, Statements
from tests.federation import FEW, PAPER, TODAY, Federation

DAY = date(2021, 3, 1)
ON = Stated(date(2021, 4, 1), evidence=PAPER)


def asked(code: str, level: str = "city", **more: Any) -> Registration:
    return Registration(**{"credit_code": code, "level": level, "rural": True, "persons": FEW, **more})


async def reset(federation: Federation, **parameters: Any) -> None:
    await federation.lay_down(federation.bases, **parameters)


# --- who is a base --------------------------------------------------------------------------------------------


async def test_a_base_is_registered_by_one_and_confirmed_by_another(federation: Federation) -> None:
    made = await federation.register(ONE, "province", rural=False)
    row = await federation.rows("select level, rural, placed, led, poor, division, confirmed from support_base")
    assert [tuple(one) for one in row] == [("province", False, 3, 5, 2, BASE, None)]
    await federation.refuses(Code.BASE_REGISTERED, "DG", bases.register, asked(ONE), Stated())
    await federation.refuses(Code.SAME_PERSON, "DF", bases.confirm, made, Stated(), passed=True)
    await federation.refuses(Code.REASON_NEEDED, "DG", bases.confirm, made, Stated(), passed=False)
    early = Stated(date(2021, 1, 31), evidence=PAPER)
    await federation.refuses(Code.BEFORE_PREVIOUS_STEP, "DG", bases.confirm, made, early, passed=True)
    await federation.refuses(Code.INSPECTION_STATE, "DG", assessments.assess, made, _fine(federation), Stated())
    await federation.refuses(Code.NOT_FOUND, "DG", bases.confirm, uuid4(), Stated(), passed=True)
    await federation.do("DG", bases.confirm, made, Stated(), passed=True)
    await federation.refuses(Code.INSPECTION_STATE, "DG", bases.confirm, made, Stated(), passed=True)
    assert (await federation.rows("select confirmed, confirmed_on from support_base"))[0] == (True, TODAY)


async def test_one_that_is_refused_or_ended_is_registered_anew(federation: Federation) -> None:
    first = await federation.register(ONE)
    await federation.do("DG", bases.confirm, first, Stated(reason="不符合条件"), passed=False)
    second = await federation.base(ONE)
    await federation.refuses(Code.REASON_NEEDED, "DF", bases.end, second, Stated())
    await federation.refuses(Code.INSPECTION_STATE, "DF", bases.end, first, Stated(reason="升级"))
    before = Stated(date(2021, 2, 1), evidence=PAPER, reason="升级")
    await federation.refuses(Code.BEFORE_PREVIOUS_STEP, "DF", bases.end, second, before)
    await federation.do("DF", bases.end, second, Stated(reason="升为州级"))
    await federation.refuses(Code.INSPECTION_STATE, "DF", assessments.assess, second, _fine(federation), Stated())
    await federation.base(ONE, "prefecture")
    states = await federation.rows("select confirmed, ended_on from support_base order by recorded_at")
    assert [tuple(row) for row in states] == [(False, None), (True, TODAY), (True, None)]


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        (Code.NOT_FOUND, {"credit_code": "91990201MA0000000X"}),
        (Code.BAD_VALUE, {"credit_code": UNIT}),
        (Code.BAD_VALUE, {"level": "nation"}),
        (Code.BAD_VALUE, {"persons": Persons(-1, 2, 0)}),
        (Code.BAD_VALUE, {"persons": Persons(1, 2, 4)}),
        (Code.DIVISION_UNKNOWN, {"division": 110101001001}),
    ],
)
async def test_what_cannot_be_a_base_is_refused(federation: Federation, code: Code, changes: dict[str, Any]) -> None:
    await federation.refuses(code, "DF", bases.register, replace(asked(ONE), **changes), Stated())


@pytest.mark.parametrize("number", ["C1", "VC1", "E1", "AU", "SU", "HA", "IF", "K1"])
async def test_bases_are_the_federations_alone(federation: Federation, number: str) -> None:
    made = await federation.base(ONE)
    # A clerk may type in what others did, but not of the whole county.
    code = Code.WHOLE_COUNTY_NEEDED if number == "K1" else Code.FORBIDDEN
    await federation.refuses(code, number, bases.register, asked(OTHER), Stated())
    await federation.refuses(code, number, assessments.assess, made, _fine(federation), Stated())


async def test_a_level_that_the_county_does_not_have_is_none(federation: Federation) -> None:
    await reset(federation, levels=["province", "city"])
    await federation.refuses(Code.BAD_VALUE, "DF", bases.register, asked(ONE, "prefecture"), Stated())
    await federation.register(ONE, "province")


# --- how it stands against the checklist ------------------------------------------------------------------------


def _fine(federation: Federation) -> Assessed:
    return Assessed(federation.answers(), 90, FEW)


async def test_every_item_is_answered_once_with_what_shows_it(federation: Federation) -> None:
    base = await federation.base(ONE)
    answers = federation.answers()

    async def wrong(code: Code, path: tuple[str | int, ...], changed: list[Answer]) -> None:
        problem = await federation.refuses(code, "DF", assessments.assess, base, Assessed(changed, 90, FEW), Stated())
        assert problem.path == path

    await wrong(Code.MISSING_VALUE, ("answers",), answers[1:])
    await wrong(Code.BAD_VALUE, ("answers", 5, "item"), [*answers, answers[0]])
    await wrong(Code.BAD_VALUE, ("answers", 5, "item"), [*answers, Answer("roof")])
    await wrong(Code.MISSING_VALUE, ("answers", 0, "evidence"), [replace(answers[0], evidence=" "), *answers[1:]])
    await wrong(Code.MISSING_VALUE, ("answers", 0, "finding"), [replace(answers[0], present=False), *answers[1:]])
    await wrong(Code.BAD_VALUE, ("answers", 0, "finding"), [replace(answers[0], finding="缺"), *answers[1:]])
    aside = replace(answers[0], applies=False, evidence="", finding="缺")
    await wrong(Code.BAD_VALUE, ("answers", 0, "finding"), [aside, *answers[1:]])
    for score in (-1, 101):
        said = Assessed(answers, score, FEW)
        await federation.refuses(Code.BAD_VALUE, "DF", assessments.assess, base, said, Stated())
    early = Stated(date(2021, 2, 1), evidence=PAPER)
    await federation.refuses(Code.BEFORE_PREVIOUS_STEP, "DF", assessments.assess, base, _fine(federation), early)
    not_applying = Assessed([replace(answers[0], applies=False, evidence=""), *answers[1:]], 100, FEW)
    made = await federation.do("DF", assessments.assess, base, not_applying, Stated())
    (items,) = (await federation.rows("select items from base_assessment where id = :id", id=made))[0]
    assert items[0] == {"item": "placing", "applies": False, "present": False, "evidence": ""}


async def test_an_assessment_counts_once_another_person_agrees(federation: Federation) -> None:
    base = await federation.base(ONE)
    made = await federation.do("DF", assessments.assess, base, _fine(federation), Stated(DAY, evidence=PAPER))
    await federation.refuses(Code.SAME_PERSON, "DF", assessments.agree, made, Stated(), agreed=True)
    await federation.refuses(Code.REASON_NEEDED, "DG", assessments.agree, made, Stated(), agreed=False)
    early = Stated(date(2021, 2, 28), evidence=PAPER)
    await federation.refuses(Code.BEFORE_PREVIOUS_STEP, "DG", assessments.agree, made, early, agreed=True)
    await federation.refuses(Code.INSPECTION_STATE, "DG", assessments.notify, made, Stated())
    await federation.refuses(Code.INSPECTION_STATE, "DG", assessments.enter_subsidy, made, Stated())
    await federation.do("DG", assessments.agree, made, Stated(reason="人数不符"), agreed=False)
    await federation.refuses(Code.INSPECTION_STATE, "DG", assessments.agree, made, Stated(), agreed=True)
    # What was not agreed on counts for nothing.
    again = await federation.assess(base, persons=Persons(1, 1, 0))
    found = await federation.do("DF", figures)
    assert found.lines == [BaseLine("city", True, 1, 1, 1, 0)]
    assert again != made


# --- what is put right ------------------------------------------------------------------------------------------


async def test_a_notice_is_refused_until_the_county_says_how_many_days_it_has(federation: Federation) -> None:
    made = await federation.assess(await federation.base(ONE), "placing")
    problem = await federation.refuses(Code.PARAMETER_UNSET, "DF", assessments.notify, made, ON)
    assert problem.path == ("parameters", "rectify_days")
    assert problem.values["clause"] == "一(二)"
    await reset(federation, rectify_days=30)
    assert await federation.do("DF", assessments.notify, made, ON) == "2021-1"
    row = await federation.rows("select issued_on, due_on, held_to from base_assessment")
    assert tuple(row[0]) == (
        date(2021, 4, 1),
        date(2021, 5, 1),
        {"rectify_days": [30, "测试县实施办法(测残〔2021〕1号)", "一"]},
    )
    await federation.refuses(Code.INSPECTION_STATE, "DF", assessments.notify, made, Stated())


async def test_what_is_missing_is_put_right_and_closed_by_somebody_else(federation: Federation) -> None:
    await reset(federation, rectify_days=30)
    made = await federation.assess(await federation.base(ONE), "placing", "funds")
    funds, placing = await federation.findings(made)
    done = Stated(date(2021, 4, 10), evidence="照片")
    await federation.refuses(Code.INSPECTION_STATE, "E1", assessments.rectify, placing, "已安置", done)
    await federation.do("DF", assessments.notify, made, ON)
    await federation.refuses(Code.INSPECTION_STATE, "DG", assessments.recheck, placing, Stated(), passed=True)
    # The base's own agent answers, and nobody of another one.
    await federation.refuses(Code.NOT_FOUND, "E2", assessments.rectify, placing, "已安置", done)
    await federation.refuses(Code.EVIDENCE_NEEDED, "E1", assessments.rectify, placing, "已安置", Stated())
    await federation.refuses(Code.MISSING_VALUE, "E1", assessments.rectify, placing, " ", done)
    early = Stated(date(2021, 3, 31), evidence="照片")
    await federation.refuses(Code.BEFORE_PREVIOUS_STEP, "E1", assessments.rectify, placing, "已安置", early)
    await federation.do("E1", assessments.rectify, placing, "已安置", done)
    await federation.refuses(Code.INSPECTION_STATE, "E1", assessments.rectify, placing, "再次", done)
    await federation.refuses(Code.FORBIDDEN, "E1", assessments.recheck, placing, Stated(), passed=True)
    # Who wrote the finding does not close it.
    await federation.refuses(Code.SAME_PERSON, "DF", assessments.recheck, placing, Stated(), passed=True)
    await federation.refuses(Code.REASON_NEEDED, "DG", assessments.recheck, placing, Stated(), passed=False)
    again = Stated(date(2021, 4, 12), evidence="复查表", reason="仍缺一人")
    assert await federation.do("DG", assessments.recheck, placing, again, passed=False) is False
    await federation.do("E1", assessments.rectify, placing, "补足一人", Stated(date(2021, 4, 20), evidence="合同"))
    over = Stated(date(2021, 4, 25), evidence="复查表")
    assert await federation.do("DG", assessments.recheck, placing, over, passed=True) is False
    await federation.refuses(Code.INSPECTION_STATE, "DG", assessments.recheck, placing, over, passed=True)
    await federation.refuses(Code.INSPECTION_STATE, "DG", assessments.enter_subsidy, made, Stated())
    await federation.do("DG", assessments.rectify, funds, "已补记", Stated(date(2021, 4, 15), evidence="账册"))
    last = Stated(date(2021, 4, 22), evidence="复查表")
    # Nor does who put it right for the base, nor who typed that in.
    await federation.refuses(Code.SAME_PERSON, "DG", assessments.recheck, funds, last, passed=True)
    assert await federation.do("DH", assessments.recheck, funds, last, passed=True) is True
    # It is closed on the day of the last of its findings, in whatever order they were looked at.
    assert (await federation.rows("select closed_on from base_assessment"))[0][0] == date(2021, 4, 25)
    await federation.refuses(Code.INSPECTION_STATE, "E1", assessments.rectify, funds, "再次", done)
    kept = "select item, rectified, evidence, note from base_finding order by item"
    assert [tuple(row) for row in await federation.rows(kept)] == [
        ("funds", "已补记", "账册", ""), ("placing", "补足一人", "合同", ""),
    ]  # fmt: skip


async def test_who_typed_in_that_it_was_put_right_does_not_close_it(federation: Federation) -> None:
    """Nor who signed the paper for the base; nor, past the core, who put it right."""
    await reset(federation, rectify_days=30)
    made = await federation.assess(await federation.base(OTHER, division=V3), "placing")
    await federation.do("DF", assessments.notify, made, ON)
    (finding,) = await federation.findings(made)
    signed = Stated(date(2021, 4, 10), evidence="整改报告", signatory=federation.who("DH").actor)
    await federation.do("K2", assessments.rectify, finding, "已安置", signed)
    again = Stated(date(2021, 4, 12), evidence="复查表")
    problem = await federation.refuses(Code.SAME_PERSON, "DH", assessments.recheck, finding, again, passed=True)
    assert problem.values["other"] == Text("整改人", "who put it right")
    before = await federation.digest()
    with pytest.raises(DBAPIError, match="ck_base_finding_rechecker"):
        async with federation.database.session(federation.who("DH").scope) as session:
            await session.execute(
                text("update base_finding set closed_by = rectified_by, closed_on = current_date, closed_at = now()")
            )
    assert await federation.digest() == before
    # A clerk who has come to the federation since.
    typed = "(select id from officer where number = 'K2')"
    assert len(await federation.rows(f"select 1 from base_finding where rectified_recorded_by = {typed}")) == 1
    await federation.owner(
        "update base_finding set rectified_recorded_by = (select id from officer where number = 'DG')"
    )
    await federation.refuses(Code.SAME_PERSON, "DG", assessments.recheck, finding, again, passed=False)


async def test_an_agent_past_the_core_meets_a_wall(federation: Federation) -> None:
    await reset(federation, rectify_days=30)
    made = await federation.assess(await federation.base(ONE), "placing")
    await federation.do("DF", assessments.notify, made, ON)
    agent = federation.who("E1").scope

    async def count(scope: Any, table: str) -> int:
        async with federation.database.session(scope) as session:
            return int((await session.execute(text(f"select count(*) from {table}"))).scalar() or 0)

    other = federation.who("E2").scope
    for table in ("support_base", "base_assessment", "base_finding"):
        assert (await count(agent, table), await count(other, table)) == (1, 0), table
    before = await federation.digest()
    for sql in (
        "update support_base set ended_at = now(), ended_on = current_date",
        "update base_assessment set closed_on = current_date",
        "update base_finding set rectified_at = now(), closed_at = now()",
        "update base_finding set note = '不必整改'",
    ):
        with pytest.raises(DBAPIError, match=r"row-level security|violates"):
            async with federation.database.session(agent) as session:
                await session.execute(text(sql))
    async with federation.database.session(other) as session:
        await session.execute(text("update base_finding set rectified_at = now()"))
    assert await federation.digest() == before


# --- what the result is worth -----------------------------------------------------------------------------------


async def test_what_is_due_by_the_result_is_a_line_that_another_may_replace(federation: Federation) -> None:
    base = await federation.base(ONE, "prefecture")
    made = await federation.assess(base)
    problem = await federation.refuses(Code.PARAMETER_UNSET, "DF", assessments.enter_subsidy, made, Stated())
    assert problem.path == ("parameters", "subsidy_prefecture")
    await reset(federation, subsidy_prefecture="5000.00")
    early = Stated(date(2021, 1, 10), evidence="公文")  # it was assessed on 1 March
    await federation.refuses(Code.BEFORE_PREVIOUS_STEP, "DF", assessments.enter_subsidy, made, early)
    line = await federation.do("DF", assessments.enter_subsidy, made, Stated())
    await federation.refuses(Code.CONFLICT, "DF", assessments.enter_subsidy, made, Stated())
    second = await federation.assess(base, day=date(2021, 9, 1))
    await federation.refuses(Code.REASON_NEEDED, "DF", assessments.enter_subsidy, second, Stated(), replaces=line)
    await federation.refuses(
        Code.CONFLICT, "DF", assessments.enter_subsidy, second, Stated(reason="复核"), replaces=uuid4()
    )
    await federation.do("DF", assessments.enter_subsidy, second, Stated(reason="下半年复核"), replaces=line)
    rows = "select year, level, amount_fen, replaced_at is null, replaces from base_subsidy order by id"
    assert [tuple(row) for row in await federation.rows(rows)] == [
        (2021, "prefecture", 500_000, False, None), (2021, "prefecture", 500_000, True, line),
    ]  # fmt: skip
    # Nothing of it is a payment of the state.
    assert await federation.rows("select 1 from entitlement union all select 1 from payment_line") == []


async def test_an_organization_is_due_one_line_a_year_by_its_last_result(federation: Federation) -> None:
    """Also where it became a base of another level within the year."""
    await reset(federation, subsidy_city="2000.00", subsidy_province="5000.00")
    first = await federation.base(ONE)
    early = await federation.assess(first)
    late = await federation.assess(first, day=date(2021, 4, 1))
    # What was found earlier in the year is not what it is due by.
    problem = await federation.refuses(Code.INSPECTION_STATE, "DF", assessments.enter_subsidy, early, Stated())
    assert problem.values["state"] == Text(
        "不是本年度最后一次同意的考核", "not the last that was agreed on in the year"
    )
    line = await federation.do("DF", assessments.enter_subsidy, late, Stated())
    await federation.do("DF", bases.end, first, Stated(date(2021, 6, 1), evidence=PAPER, reason="升级"))
    on = Stated(date(2021, 6, 2), evidence=PAPER)
    second = await federation.do("DF", bases.register, asked(ONE, "province"), on)
    await federation.do("DG", bases.confirm, second, on, passed=True)
    made = await federation.assess(second, day=date(2021, 9, 1))
    await federation.refuses(Code.CONFLICT, "DF", assessments.enter_subsidy, made, Stated())
    again = Stated(reason="升为省级")
    await federation.refuses(Code.INSPECTION_STATE, "DF", assessments.enter_subsidy, late, again, replaces=line)
    await federation.do("DF", assessments.enter_subsidy, made, again, replaces=line)
    lines = "select year, level, amount_fen, replaced_at is null, replaces from base_subsidy order by id"
    assert [tuple(row) for row in await federation.rows(lines)] == [
        (2021, "city", 200_000, False, None), (2021, "province", 500_000, True, line),
    ]  # fmt: skip
    # Another year is another line, and another organization has its own.
    other = await federation.assess(await federation.base(OTHER))
    await federation.do("DF", assessments.enter_subsidy, other, Stated())
    assert len(await federation.rows("select 1 from base_subsidy where replaced_at is null")) == 2
    before = await federation.digest()
    with pytest.raises(DBAPIError, match="uq_base_subsidy_year"):
        async with federation.database.session(federation.who("DF").scope) as session:
            await session.execute(
                text(
                    "insert into base_subsidy select (json_populate_record(x, json_build_object('id', gen_random_uuid(),"
                    " 'replaces', null, 'base_id', cast(:base as text)))).* from base_subsidy x where level = 'province'"
                ),
                {"base": str(first)},
            )
    assert await federation.digest() == before


# --- what it comes to -------------------------------------------------------------------------------------------


async def source(federation: Federation) -> list[UUID]:
    """What the source counts: 20 bases of three levels, 10 of them rural, 132 persons of whom 10 are rural and poor."""
    codes = await federation.organizations(20)
    made = []
    for place, code in enumerate(codes):
        level = ("province", "prefecture", "city")[min(place // 3, 2)]
        # 12 bases of seven persons and 8 of six are 132; every rural one has one who is poor.
        persons = Persons(2, 5 if place < 12 else 4, 1 if place % 2 else 0)
        made.append(await federation.base(code, level, rural=bool(place % 2), persons=persons))
    return made


async def test_the_figures_of_the_source_are_those_of_their_lines(federation: Federation) -> None:
    await reset(federation, rectify_days=30)
    made = await source(federation)
    notified = []
    for place, base in enumerate(made[:7]):
        assessment = await federation.assess(base, "management", persons=Persons(2, 5, 1 if place % 2 else 0))
        notified.append(assessment)
        assert await federation.do("DF", assessments.notify, assessment, ON) == f"2021-{place + 1}"
    with Statements(federation.database) as statements:
        found = await federation.do("DF", figures)
    assert len(statements) == 3  # the scope, and two
    assert (found.total("bases"), found.rural, found.total("placed") + found.total("led")) == (20, 10, 132)
    assert found.total("poor") == 10
    assert found.notices == Notices(issued=7, open=7, overdue=7, closed=0)
    assert [(line.level, line.rural, line.bases) for line in found.lines] == [
        ("province", True, 1), ("province", False, 2), ("prefecture", True, 2), ("prefecture", False, 1),
        ("city", True, 7), ("city", False, 7),
    ]  # fmt: skip
    # On its last day a notice is not overdue yet.
    assert (await federation.do("DF", figures, today=date(2021, 5, 1))).notices == Notices(7, 7, 0, 0)
    (finding,) = await federation.findings(notified[0])
    await federation.do("DF", assessments.rectify, finding, "已整改", Stated(date(2021, 4, 20), evidence="照片"))
    await federation.do("DG", assessments.recheck, finding, Stated(), passed=True)
    await federation.do("DF", bases.end, made[19], Stated(reason="停办"))
    found = await federation.do("DF", figures)
    assert found.notices == Notices(issued=7, open=6, overdue=6, closed=1)
    assert (found.total("bases"), found.total("placed") + found.total("led"), found.total("poor")) == (19, 126, 9)
    plain = await federation.rows(
        "select count(*), sum(placed + led), sum(poor) from support_base where confirmed and ended_at is null"
    )
    assert tuple(plain[0]) == (19, 126, 9)


async def test_everybody_counts_what_is_in_sight(federation: Federation) -> None:
    await federation.base(ONE)
    await federation.base(OTHER, division=V3)
    for number, expected in (("C1", 2), ("AU", 2), ("K1", 0), ("K2", 1), ("E1", 1), ("E2", 1)):
        assert (await federation.do(number, figures)).total("bases") == expected, number
    assert (await federation.do("C1", figures, T2)).total("bases") == 1
    for number in ("VC1", "HA", "IF"):
        await federation.refuses(Code.FORBIDDEN, number, figures)


# --- what state it is in, without a database ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("confirmed", "ended", "state"),
    [(None, None, BaseState.REGISTERED), (True, None, BaseState.CONFIRMED), (False, None, BaseState.REFUSED),
     (True, TODAY, BaseState.ENDED)],
)  # fmt: skip
def test_the_state_of_a_base(confirmed: bool | None, ended: date | None, state: BaseState) -> None:
    assert state_of(SupportBase(confirmed=confirmed, ended_on=ended)) is state
    assert state.title_text.zh


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ((None, 0, None, None, None), AssessmentState.WRITTEN),
        ((False, 2, None, None, None), AssessmentState.REJECTED),
        ((True, 0, None, None, None), AssessmentState.PASSED),
        ((True, 2, None, None, None), AssessmentState.TO_NOTIFY),
        ((True, 2, "2021-1", TODAY, None), AssessmentState.NOTIFIED),
        ((True, 2, "2021-1", date(2021, 10, 19), None), AssessmentState.OVERDUE),
        ((True, 2, "2021-1", date(2021, 10, 19), TODAY), AssessmentState.CLOSED),
    ],
)
def test_the_state_of_an_assessment(values: tuple[Any, ...], state: AssessmentState) -> None:
    names = ("agreed", "finding_count", "notice", "due_on", "closed_on")
    assert assessment_state(BaseAssessment(**dict(zip(names, values, strict=True))), TODAY) is state
    assert state.title_text.en
