"""A county's own document: previewed before it is released, taken back and carried over by another, from a workbook."""

from __future__ import annotations

import io
from collections.abc import Awaitable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import openpyxl
import pytest

from bangfu.cases import ground as grounds
from bangfu.cases import provision_forms, provisions
from bangfu.cases.provisions import Heading
from bangfu.errors import Code, Problem, Refused
from bangfu.policy import Fen, Whose, Years, kind_of
from bangfu.process import Duty
from bangfu.programme import installed
from bangfu.simulate import Preview, keep_preview
from tests.county import SEPTEMBER, T1, Statements, World
from tests.two_books import moving, two_books

CAPPED: dict[str, Any] = {
    "title": "测试县2021年调整办法", "number": "测政办〔2021〕9号", "issued": date(2021, 3, 1),
    "parameters": {"household_cap": [{"since": date(2021, 3, 1), "value": "2000.00", "clause": "二"}]},
}  # fmt: skip
HIGHER: dict[str, Any] = {
    **CAPPED, "number": "测政办〔2021〕10号",
    "parameters": {"household_cap": [{"since": date(2021, 4, 1), "value": "2500.00", "clause": "一"}]},
}  # fmt: skip
HEADING = Heading("撤销2021年调整办法", "测政办〔2021〕11号", date(2021, 9, 1))


async def kept(world: World, draft: UUID, number: str = "C1", period: str = "2021") -> Preview:
    who = world.who(number)
    async with world.database.session(who.scope) as session:
        return await keep_preview(session, who, world.plugins, draft, period)


async def release(world: World, draft: UUID, number: str = "C2") -> None:
    who = world.who(number)
    async with world.database.session(who.scope) as session:
        await provisions.release(session, who, world.plugins, draft)


async def opened(world: World, period: str = "2021") -> grounds.Rules:
    who = world.who("C2")
    async with world.database.session(who.scope) as session:
        return await grounds.open_period(session, who, world.programme, period)


async def take_back(world: World, id: UUID, since: date, heading: Heading = HEADING, number: str = "C1") -> UUID:
    who = world.who(number)
    async with world.database.session(who.scope) as session:
        return await provisions.take_back(session, who, world.plugins, id, heading, since, "一")


async def carry(world: World, into: str = "2022", number: str = "C1", clause: str = "三") -> Any:
    who = world.who(number)
    ground = await world.ground()
    heading = Heading("测试县2022年实施方案", "测政办〔2022〕1号", date(2022, 1, 5))
    async with world.database.session(who.scope) as session:
        periods = ground.period, world.programme.period.period(into)
        held = ground.latest.resolved
        return await provisions.carry_over(session, who, world.programme, held, periods, heading, clause)


async def state(world: World, draft: UUID) -> str:
    (row,) = await world.rows(f"select state from provision where id = '{draft}'")
    return str(row[0])


async def refused(world: World, attempt: Awaitable[Any]) -> list[Problem]:
    before = await world.snapshot()
    with pytest.raises(Refused) as refusal:
        await attempt
    assert await world.snapshot() == before
    return list(refusal.value.problems)


# --- previewed before it is released --------------------------------------------------------------------------


async def test_what_was_not_previewed_is_not_released(world: World) -> None:
    draft = await world.draft(CAPPED, previewed=False)
    assert await state(world, draft) == "draft"
    (problem,) = await refused(world, release(world, draft))
    assert (problem.code, "2021年" in problem.message.zh) == (Code.PROVISION_NOT_PREVIEWED, True)
    # A year that it changes and that is not open does not stand for the one that is.
    await kept(world, draft, period="2022")
    assert await state(world, draft) == "previewed"
    (problem,) = await refused(world, release(world, draft))
    assert problem.code is Code.PROVISION_NOT_PREVIEWED
    await kept(world, draft)
    await release(world, draft)
    assert await state(world, draft) == "released"
    rules = await opened(world)
    assert (rules.number, rules.parameters.household_cap) == (2, 200_000)


async def test_what_changes_nothing_that_is_open_is_previewed_once(world: World) -> None:
    later = {
        **CAPPED,
        "parameters": {"household_cap": [{"since": date(2022, 1, 1), "value": "2000.00", "clause": "二"}]},
    }
    draft = await world.draft(later, previewed=False)
    (problem,) = await refused(world, release(world, draft))
    assert "at least one period" in problem.message.en
    await kept(world, draft, period="2022")
    await release(world, draft)


async def test_what_was_previewed_beside_others_is_previewed_again(world: World) -> None:
    one, other = await world.draft(CAPPED), await world.draft(HIGHER)
    await release(world, one)
    (problem,) = await refused(world, release(world, other))
    assert problem.code is Code.PROVISION_NOT_PREVIEWED
    found = await kept(world, other)
    assert [(change.before, change.after) for change in found.changes] == [
        (kind_of(Fen).show(200_000), kind_of(Fen).show(250_000))
    ]
    await release(world, other)
    assert (await opened(world)).parameters.household_cap == 250_000


async def test_what_it_came_to_is_on_record_with_its_townships(world: World) -> None:
    await world.until("in_place")
    world.today = SEPTEMBER
    draft = await world.draft(CAPPED, previewed=False)
    found = await kept(world, draft)
    ((content, by, on),) = await world.rows(
        "select p.content, o.number, p.made_on from provision_preview p join officer o on o.id = p.made_by "
        f"where p.provision_id = '{draft}'"
    )
    assert (by, on) == ("C1", SEPTEMBER)
    # H1 had 3,000 yuan and H2 2,200; H5 and H7 keep theirs.
    assert sum(one["fen_after"] for one in content["townships"]) == found.total.fen_after == 555_000
    assert [(one["name"], one["lose"]) for one in content["townships"]] == [("东镇", 2), ("西镇", 0)]
    basis = content["basis"]
    assert (len(basis["beside"]), basis["books"][0] == basis["books"][1]) == (1, True)
    assert (basis["before"]["household_cap"], basis["after"]["household_cap"]) == ("3000.00", "2000.00")


async def test_while_numbers_are_set_by_nobody_a_document_can_be_previewed_and_decides_nothing(world: World) -> None:
    draft = await world.draft(CAPPED, previewed=False)
    found = await kept(world, draft, period="2022")
    # The plan ends with its year: the county has set the cap, and the years for good.
    assert {one.path[1] for one in found.unset} == set(world.programme.policy.parameters) - {
        "household_cap", "cohort_exit_years",
    }  # fmt: skip
    assert found.total.cases == 0


@pytest.mark.parametrize(
    ("number", "code"),
    [("A1", Code.FORBIDDEN), ("K1", Code.FORBIDDEN), ("VC1", Code.FORBIDDEN), ("FI", Code.FORBIDDEN)],
)
async def test_others_keep_no_preview(world: World, number: str, code: Code) -> None:
    draft = await world.draft(CAPPED, previewed=False)
    (problem,) = await refused(world, kept(world, draft, number))
    assert problem.code is code


async def test_who_is_charged_with_a_part_of_the_county_keeps_no_preview(world: World) -> None:
    await world.charge("A2", Duty.COUNTY_OFFICE, T1)
    draft = await world.draft(CAPPED, previewed=False)
    (problem,) = await refused(world, kept(world, draft, "A2"))
    assert problem.code is Code.WHOLE_COUNTY_NEEDED


async def test_a_preview_stands_for_thirty_days(world: World) -> None:
    draft = await world.draft(CAPPED)
    world.today += timedelta(days=31)
    (problem,) = await refused(world, release(world, draft))
    assert problem.code is Code.PROVISION_NOT_PREVIEWED
    world.today -= timedelta(days=1)
    await release(world, draft)


async def test_a_preview_of_a_period_that_was_not_open_does_not_stand_once_it_is(world: World) -> None:
    draft = await world.draft({**CAPPED, "parameters": FOR_2022}, previewed=False)
    await kept(world, draft, period="2022")
    carried, _ = await carry(world)
    await kept(world, carried, period="2022")
    await release(world, carried)
    # Neither beside another document, nor in a period that was opened since.
    await kept(world, draft, period="2022")
    world.today += timedelta(days=1)
    await opened(world, "2022")
    (problem,) = await refused(world, release(world, draft))
    assert problem.code is Code.PROVISION_NOT_PREVIEWED
    assert (await kept(world, draft, period="2022")).changes != ()
    await release(world, draft)


async def test_two_documents_are_not_released_under_one_number(world: World) -> None:
    await world.provide(CAPPED)
    again = await world.draft({**HIGHER, "number": CAPPED["number"]})
    (problem,) = await refused(world, release(world, again))
    assert problem.code is Code.NUMBER_TAKEN


async def test_what_the_plan_does_not_permit_any_more_is_not_released(world: World) -> None:
    draft = await world.draft(CAPPED)
    own = world.programme
    cap = own.policy.parameters["household_cap"]
    locked = replace(cap, entries=tuple(replace(entry, varies=None) for entry in cap.entries))
    policy = replace(own.policy, parameters={**own.policy.parameters, "household_cap": locked})
    narrower = replace(world.plugins, programmes={own.code: replace(own, policy=policy)})
    who = world.who("C2")

    async def attempt() -> None:
        async with world.database.session(who.scope) as session:
            await provisions.release(session, who, narrower, draft)

    (problem,) = await refused(world, attempt())
    assert (problem.code, problem.path) == (Code.PARAMETER_LOCKED, ("parameters", "household_cap", 0))
    await release(world, draft)


async def test_of_two_that_take_one_back_one_is_released(world: World) -> None:
    capped = await world.provide(CAPPED)
    one = await take_back(world, capped, date(2021, 9, 1))
    other = await take_back(world, capped, date(2021, 9, 1), Heading("撤销", "测政办〔2021〕12号", date(2021, 9, 1)))
    await kept(world, one)
    await release(world, one)
    (problem,) = await refused(world, release(world, other))
    assert problem.code is Code.PROVISION_STATE


FOR_2022 = {"household_cap": [{"since": date(2022, 1, 2), "value": "2000.00", "clause": "二"}]}


async def test_what_documents_lack_is_known_in_as_many_statements_for_one_as_for_many(world: World) -> None:
    made = [await world.draft({**CAPPED, "number": f"{n}号"}, previewed=n == 1) for n in range(4)]
    who = world.who("C1")
    counted = []
    for few in (made[:1], made):
        async with world.database.session(who.scope) as session:
            rows = [await provisions.find(session, who, one) for one in few]
            with Statements(world.database) as statements:
                found = await provisions.lacking(session, who, world.plugins.programmes, rows)
            counted.append(len(statements))
    assert counted == [3, 3]
    assert [found[one].periods for one in made] == [["2021"], [], ["2021"], ["2021"]]


async def test_what_is_released_is_not_previewed_for_a_release(world: World) -> None:
    draft = await world.provide(CAPPED)
    (problem,) = await refused(world, kept(world, draft))
    assert problem.code is Code.PROVISION_STATE
    (problem,) = await refused(world, release(world, draft, "C3"))
    assert problem.code is Code.PROVISION_STATE
    (problem,) = await refused(world, kept(world, UUID(int=1)))
    assert problem.code is Code.NOT_FOUND


# --- taken back -----------------------------------------------------------------------------------------------


async def test_a_document_is_taken_back_by_another(world: World) -> None:
    capped = await world.provide(CAPPED)
    assert (await opened(world)).parameters.household_cap == 200_000
    undone = await take_back(world, capped, date(2021, 9, 1))
    (row,) = await world.rows(f"select state, takes_back_id, content from provision where id = '{undone}'")
    assert tuple(row) == (
        "draft", capped, {"entries": [], "adoptions": [], "revokes": {"since": "2021-09-01", "clause": "一"}},
    )  # fmt: skip
    assert [(change.parameter, change.after) for change in (await kept(world, undone)).changes] == [
        ("household_cap", kind_of(Fen).show(300_000))
    ]
    await release(world, undone)
    rules = await opened(world)
    assert (rules.number, rules.parameters.household_cap) == (3, 300_000)
    assert rules.resolved["household_cap"].whose is Whose.PLAN
    (problem,) = await refused(world, take_back(world, capped, date(2021, 9, 1)))
    assert problem.code is Code.PROVISION_STATE
    # Both stay on record.
    assert [row[0] for row in await world.rows("select state from provision order by id")] == ["released"] * 3


async def test_what_cannot_be_taken_back_says_why(world: World) -> None:
    draft = await world.draft(CAPPED)
    (problem,) = await refused(world, take_back(world, draft, date(2021, 9, 1)))
    assert problem.code is Code.PROVISION_STATE
    await release(world, draft)
    earlier = Heading("撤销", "测政办〔2021〕12号", date(2021, 2, 28))
    for attempt, code in (
        (take_back(world, draft, date(2021, 9, 1), earlier), Code.BAD_VALUE),
        (take_back(world, draft, date(2021, 9, 1), number="K1"), Code.FORBIDDEN),
        (take_back(world, UUID(int=1), date(2021, 9, 1)), Code.NOT_FOUND),
        (take_back(world, draft, date(2021, 9, 1), Heading("", "", HEADING.issued_on)), Code.MISSING_VALUE),
        (take_back(world, draft, date(2021, 9, 1), HEADING, "A1"), Code.FORBIDDEN),
    ):
        found = await refused(world, attempt)
        assert {problem.code for problem in found} == {code}


async def test_without_the_number_that_a_document_set_nothing_is_computed_again(world: World) -> None:
    """The years of which the source is silent: nobody else has set them."""
    await world.until("in_place")
    world.today = SEPTEMBER
    (row,) = await world.rows("select id from provision where number = '测政办〔2021〕1号'")
    undone = await take_back(world, row[0], date(2021, 9, 1))
    found = await kept(world, undone)
    assert [(one.code, one.path) for one in found.unset] == [
        (Code.PARAMETER_UNSET, ("parameters", "cohort_exit_years"))
    ]
    assert (found.total.cases, found.total.undecided, found.total.fen_after) == (8, 8, 0)
    await release(world, undone)
    (problem,) = await refused(world, opened(world))
    assert problem.code is Code.PARAMETER_UNSET
    # What runs goes on by the edition that it was opened with.
    assert (await world.account()).state == "done"


async def test_a_provision_file_takes_back_by_the_number(world: World) -> None:
    capped = await world.provide(CAPPED)
    raw = {**HIGHER, "revokes": {"number": CAPPED["number"], "since": date(2021, 9, 1), "clause": "三"}}
    both = await world.draft(raw)
    (row,) = await world.rows(f"select takes_back_id, content from provision where id = '{both}'")
    assert (row[0], len(row[1]["entries"]), row[1]["revokes"]["clause"]) == (capped, 1, "三")
    await release(world, both)
    assert (await opened(world)).parameters.household_cap == 250_000
    for revokes, code in (
        ({"number": "没有", "since": date(2021, 9, 1), "clause": "三"}, Code.NOT_FOUND),
        ({"number": CAPPED["number"], "since": date(2021, 9, 1)}, Code.MISSING_VALUE),
        ({"number": CAPPED["number"], "since": "2021-09-01", "clause": "三"}, Code.MISSING_VALUE),
        ({"number": CAPPED["number"], "since": date(2021, 9, 1), "clause": " "}, Code.MISSING_VALUE),
        ("测政办〔2021〕9号", Code.MISSING_VALUE),
    ):
        (problem,) = await refused(world, world.draft({**HIGHER, "revokes": revokes}))
        assert problem.code is code


# --- carried over ---------------------------------------------------------------------------------------------


async def test_a_years_own_numbers_are_carried_into_the_next(world: World) -> None:
    await world.provide(CAPPED)
    await opened(world)
    made, carried = await carry(world)
    # The plan ends with its year: its own numbers are carried over like the county's.
    assert {one.parameter for one in carried.entries} == set(world.programme.policy.parameters)
    assert {one.since for one in carried.entries} == {date(2022, 1, 1)}
    own = {one.parameter: (one.value, one.clause) for one in carried.entries}
    assert own["cohort_exit_years"] == (Years(2016, 2019), "二(二)1")
    assert own["household_cap"] == (200_000, "二")
    assert own["notice_days"] == (5, "三")
    assert carried.left == {}
    await kept(world, made, period="2022")
    await release(world, made)
    rules = await opened(world, "2022")
    assert rules.parameters.household_cap == 200_000
    assert rules.resolved["household_cap"].document == "测试县2022年实施方案(测政办〔2022〕1号)"
    # The year before stays as it was.
    assert (await opened(world)).number == 2


async def test_others_carry_nothing_over(world: World) -> None:
    (problem,) = await refused(world, carry(world, number="K1"))
    assert problem.code is Code.FORBIDDEN
    for wanted, clause, code in (
        ("2022Q1", "三", Code.PERIOD_BAD),
        ("2021", "三", Code.BAD_VALUE),
        ("2020", "三", Code.BAD_VALUE),
        ("2022", " ", Code.MISSING_VALUE),
    ):
        (problem,) = await refused(world, carry(world, wanted, clause=clause))
        assert problem.code is code


async def test_what_the_county_has_newly_laid_down_is_left_to_it(world: World) -> None:
    later = {
        **CAPPED,
        "parameters": {"household_cap": [{"since": date(2021, 11, 1), "value": "2500.00", "clause": "二"}]},
    }
    await world.provide(later)
    _, carried = await carry(world)
    assert "household_cap" not in {one.parameter for one in carried.entries}
    left = carried.left["household_cap"]
    assert (left.value, left.since) == (250_000, date(2021, 11, 1))


# --- as a workbook --------------------------------------------------------------------------------------------


def rows_of(data: bytes) -> list[list[Any]]:
    sheet = openpyxl.load_workbook(io.BytesIO(data)).active
    assert sheet is not None
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


def filled(data: bytes, **values: tuple[Any, ...]) -> bytes:
    """The form with rows filled in, by the title of their parameter."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    sheet = book.active
    assert sheet is not None
    for row in sheet.iter_rows(min_row=4):
        for cell, value in zip(row[3:], values.get(str(row[0].value), ()), strict=False):
            cell.value = value
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


SINCE = date(2021, 3, 1)
HEAD = Heading("测试县办法", "测政办〔2021〕9号", date(2021, 3, 1))


def test_the_form_says_what_the_plan_says_and_how_far_a_county_may_deviate() -> None:
    own = installed().programme("consolidation")
    header, *lines = rows_of(provision_forms.form(own, SINCE))[2:]
    assert header == ["参数", "方案规定", "可调整范围", "本县规定", "起始日", "截止日", "条款"]
    by_title = {line[0]: line[1:] for line in lines}
    assert by_title["每户奖补上限"][:3] == ["3,000.00 元", "0.00 元至10,000.00 元", None]
    assert by_title["脱贫年度范围"][0] == "(原文未载明)"
    assert by_title["公示天数"][1] == "不低于5"
    assert by_title["收入核算期"][:2] == ["上年10月1日至当年9月底", "不得调整"]
    assert len(lines) == len(own.policy.parameters)


def test_a_form_that_was_filled_in_is_read() -> None:
    own = installed().programme("consolidation")
    data = filled(
        provision_forms.form(own, SINCE),
        每户奖补上限=("2,000元", SINCE, None, "二"),
        脱贫年度范围=("2016—2019年", "2021.3.1", date(2021, 12, 31), "一"),
    )
    assert provision_forms.read(own, HEAD, data, "规定.xlsx") == {
        "title": "测试县办法",
        "number": "测政办〔2021〕9号",
        "issued": date(2021, 3, 1),
        "parameters": {
            "cohort_exit_years": [
                {"value": {"from": 2016, "to": 2019}, "since": SINCE, "until": date(2021, 12, 31), "clause": "一"}
            ],
            "household_cap": [{"value": "2000.00", "since": SINCE, "clause": "二"}],
        },
    }


def test_a_form_can_name_parameters_by_their_codes_and_move_to_a_book() -> None:
    own = two_books(installed().programme("consolidation"))
    assert [line for line in rows_of(provision_forms.form(own, SINCE)) if line[0] == "规则版本"] == [
        ["规则版本", "2020-10-01", "2020-10-01、2021-03-01", None, None, None, None]
    ]
    csv = "参数,本县规定,起始日,条款\nhousehold_cap,2500元,2021-03-01,二\n规则版本,2021-03-01,2021-06-01,四\n"
    raw = provision_forms.read(own, HEAD, csv.encode(), "规定.csv")
    assert raw["book"] == moving(date(2021, 6, 1))["book"]
    assert raw["parameters"] == {"household_cap": [{"value": "2500.00", "since": SINCE, "clause": "二"}]}


def test_what_is_wrong_with_a_form_is_said_at_its_rows() -> None:
    own = installed().programme("consolidation")
    csv = (
        "参数,本县规定,起始日,截止日,条款\n"
        "每户奖补上限,两千,2021-03-01,,二\n"
        "没有的参数,1,2021-03-01,,二\n"
        "养殖业奖补比例,20,2021-03-01,,二\n"
        "脱贫年度范围,2016—2019年,,,\n"
        "公示天数,,,,\n"
        "每户奖补上限,2000元,三月,,二\n"
        "每户奖补上限,20000元,2021-03-01,,二\n"
        "收入核算期,上年10月1日至当年9月30日,2021-03-01,,二\n"
        "每户奖补上限,2000元,2021-03-01,2021-02-28,二\n"
        "每户奖补上限,2000元,2021-03-01,,二\n"
        "每户奖补上限,2500元,2021-03-01,,三\n"
        "每户奖补上限,,2021-03-01,,三\n"
        "规则版本,2021-03-01,2021-03-01,2021-12-31,四\n"
        "规则版本,2021-03-01,2021-03-01,,四\n"
    )
    with pytest.raises(Refused) as refused:
        provision_forms.read(own, HEAD, csv.encode(), "规定.csv")
    assert [(one.code.name, one.path) for one in refused.value.problems] == [
        ("PARAMETER_BAD_VALUE", ("rows", 2, "value")),
        ("PARAMETER_UNKNOWN", ("rows", 3, "parameter")),
        ("PARAMETER_BAD_VALUE", ("rows", 4, "value")),
        ("MISSING_VALUE", ("rows", 5, "since")),
        ("MISSING_VALUE", ("rows", 5, "clause")),
        ("BAD_DATE", ("rows", 7, "since")),
        ("PARAMETER_OUT_OF_RANGE", ("rows", 8)),
        ("PARAMETER_LOCKED", ("rows", 9)),
        ("PARAMETER_BAD_VALUE", ("rows", 10)),
        ("PARAMETER_BAD_VALUE", ("rows", 12)),
        ("MISSING_VALUE", ("rows", 13, "value")),
        ("BAD_VALUE", ("rows", 14, "until")),
        ("BOOK_NOT_ADOPTABLE", ("rows", 15, "value")),
    ]


@pytest.mark.parametrize("value", [0.2, date(2021, 2, 15)], ids=["a percentage as a number", "a day as a date"])
def test_what_excel_has_made_of_a_value_is_refused(value: Any) -> None:
    own = installed().programme("consolidation")
    data = filled(provision_forms.form(own, SINCE), 每户奖补上限=(value, SINCE, None, "二"))
    with pytest.raises(Refused) as refused:
        provision_forms.read(own, HEAD, data, "规定.xlsx")
    assert [(one.code.name, one.path[-1]) for one in refused.value.problems] == [("BAD_VALUE", "value")]


async def test_the_form_is_filled_in_with_what_is_carried_over(world: World) -> None:
    await world.provide(CAPPED)
    ground, who, own = await opened(world), world.who("C1"), world.programme
    after = own.period.period("2022")
    async with world.database.session(who.scope) as session:
        carried = await provisions.carried_to(session, who, own, ground.resolved, (ground.period, after))
    data = provision_forms.form(own, after.reference_day, carried)
    with pytest.raises(Refused) as refusal:
        provision_forms.read(own, HEAD, data, "规定.xlsx")
    # What the plan had laid down lacks a clause of the county's own, and nothing else.
    assert {(one.code, one.path[-1]) for one in refusal.value.problems} == {(Code.MISSING_VALUE, "clause")}
    assert len(refusal.value.problems) == len(own.policy.parameters) - 2
    filled_in = filled(data, **{line[0]: (line[3], line[4], line[5], line[6] or "一") for line in rows_of(data)[3:]})
    read = provision_forms.read(own, HEAD, filled_in, "规定.xlsx")["parameters"]
    assert set(read) == set(own.policy.parameters)
    assert read["household_cap"] == [{"value": "2000.00", "since": date(2022, 1, 1), "clause": "二"}]
