"""Where persons go to school: the bureau's list, families' papers and the schools' own word, and what to do where they
say otherwise."""

from __future__ import annotations

import itertools
import random
from contextlib import suppress
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from bangfu import jobs
from bangfu.access import Action
from bangfu.db import Scope
from bangfu.errors import Code, Refused
from bangfu.process import Duty
from bangfu.registry import discrepancies, schooling
from bangfu.registry.enrolment import Report, Source
from tests.core.test_registry import contents, differing, fails, problems, repeats, tallies
from tests.county import BASE, T1, T2, V1, V3, Statements, World, credit_code, identity
from tests.schools import (
    COLLEGE,
    FIRM,
    LATER,
    NOBODY,
    OCTOBER,
    ONE,
    ORGANIZATIONS,
    SCHOOL,
    SEPTEMBER,
    STAFF,
    THREE,
    TRAINER,
    TWO,
    WEST,
    confirmed,
    listed,
)
from tests.stories import remembered

SEEN = (
    "select p.number, s.school, s.level, s.grade, s.interning, s.proved, s.source, s.reported_on, s.valid_from,"
    " s.valid_to from schooling s join person p on p.id = s.person_id where s.known_to is null"
    " order by p.number, s.valid_from"
)
FIRST = ("H1-01", "测试职业中学", "secondary_vocational", 1, False, False, "bureau", SEPTEMBER, SEPTEMBER, None)
"""The row of ``ROW``, as the bureau's list of 1 September says."""


@remembered
async def invited(world: World) -> None:
    """Bring in two schools, their agents and somebody of the education bureau."""
    assert (await world.bring("organizations", ORGANIZATIONS, "R1")).state == "done"
    assert (await world.bring("officers", STAFF, "R1")).state == "done"


@pytest.fixture
async def taught(world: World) -> World:
    """The county with two schools, their agents and somebody of the education bureau, in October."""
    world.today = OCTOBER
    await invited(world)
    return world


async def brought(world: World, data: str, number: str = "ED", day: date = SEPTEMBER, **options: Any) -> jobs.Status:
    """A list of a day, imported without a problem."""
    status = await world.bring("schooling", data, number, as_of=day, **options)
    assert (status.state, problems(status)) == ("done", [])
    return status


async def seen(world: World) -> list[tuple[Any, ...]]:
    """What is known of everybody's schooling."""
    return [tuple(row) for row in await world.rows(SEEN)]


async def tasks(world: World) -> list[tuple[Any, ...]]:
    """Every discrepancy: of whom, by whose list of which day, what is known and reported otherwise, how it was settled."""
    rows = await world.rows(
        "select p.number, d.source, d.reported_on, d.known, d.reported, d.accepted from discrepancy d"
        " join person p on p.id = d.person_id order by d.id"
    )
    return [
        (number, source, day, {name: (value, reported[name]) for name, value in known.items()}, accepted)
        for number, source, day, known, reported, accepted in rows
    ]


async def settle(world: World, number: str, accept: bool, reason: str = "已核实", place: int = -1) -> None:
    """Let somebody settle the latest discrepancy."""
    rows = await world.rows("select id from discrepancy order by id")
    who = world.who(number)
    async with world.database.session(who.scope) as session:
        await discrepancies.settle(session, who, UUID(str(rows[place][0])), accept, reason)


# --- the bureau's list --------------------------------------------------------------------------------------------


async def test_the_bureaus_list_says_where_persons_of_the_register_go_to_school(taught: World) -> None:
    """Who is not in the register is counted, and nothing of him is kept."""
    data = listed(
        {}, {"证件号码": WEST, "姓名": "测7户主", "学籍号": "Z002", "学段": "高等职业教育", "年级": "3", "顶岗实习": "是",
             "学籍证明": "是", "县内外": "县外", "就读学校": "外地学院", "学校信用代码": "", "起始日期": "2021-08-25"},
        {"证件号码": NOBODY, "姓名": "外人甲", "学籍号": "Z003"},
    )  # fmt: skip
    before = await contents(taught)
    dry = await brought(taught, data, dry_run=True)
    assert tallies(dry) == {"student": (2, 0, 0), "not in the register": (0, 0, 1)}
    assert await contents(taught) == before
    status = await brought(taught, data)
    assert tallies(status) == tallies(dry)
    assert await seen(taught) == [
        FIRST,
        ("H7-01", "外地学院", "higher_vocational", 3, True, True, "bureau", SEPTEMBER, date(2021, 8, 25), None),
    ]
    assert differing(before, await contents(taught)) == {"schooling"}
    rows = await taught.rows("select o.credit_code, s.student_number, s.name, s.in_county, s.division from schooling s"
                             " left join organization o on o.id = s.organization_id order by s.student_number")  # fmt: skip
    assert [tuple(row) for row in rows] == [
        (SCHOOL, "Z001", "测1户主", True, V1), (None, "Z002", "测7户主", False, V3),
    ]  # fmt: skip
    assert "外人甲" not in str(status.result)
    assert NOBODY not in str(status.result)
    await repeats_on(taught, data)


async def repeats_on(world: World, data: str, number: str = "ED", day: date = SEPTEMBER) -> None:
    """The same list of the same day again finds everything the same and changes nothing."""
    before = await contents(world)
    again = await brought(world, data, number, day)
    assert [(new, changed) for new, changed, _ in tallies(again).values()] == [(0, 0)] * len(tallies(again))
    assert await contents(world) == before


@pytest.mark.parametrize(
    ("changed", "code", "column"),
    [
        ({"证件号码": ONE[:17] + ("0" if ONE[17] != "0" else "1")}, "IDENTITY_CHECKSUM", "identity"),
        ({"学校信用代码": FIRM}, "BAD_VALUE", "unit"),
        ({"学校信用代码": credit_code(99)}, "NOT_FOUND", "unit"),
        ({"学段": "夜校"}, "BAD_VALUE", "level"),
        ({"年级": "十年级"}, "BAD_VALUE", "grade"),
        ({"年级": "0"}, "BAD_VALUE", "grade"),
        ({"学制(月)": "0"}, "BAD_VALUE", "months"),
        ({"学制(月)": "121"}, "BAD_VALUE", "months"),
        ({"学籍证明": ""}, "MISSING_VALUE", "proved"),
        ({"县内外": "省外"}, "BAD_VALUE", "in_county"),
        ({"起始日期": "2021-09-02"}, "DAY_IN_FUTURE", "since"),
        ({"离校日期": "2021-09-02"}, "DAY_IN_FUTURE", "left_on"),
        ({"起始日期": "2021-08-20", "离校日期": "2021-08-20"}, "BAD_VALUE", "left_on"),
    ],
)
async def test_a_row_with_a_problem_is_named(taught: World, changed: dict[str, str], code: str, column: str) -> None:
    before = await contents(taught)
    status = await taught.bring("schooling", listed(changed), "ED", as_of=SEPTEMBER)
    assert (status.state, problems(status)) == ("refused", [(code, ["rows", 2, column])])
    assert await contents(taught) == before


async def test_a_school_of_the_county_is_told_by_its_code_or_by_its_name(taught: World) -> None:
    await brought(taught, listed(学校信用代码=""))
    assert [row.credit_code for row in await taught.rows(
        "select o.credit_code from schooling s join organization o on o.id = s.organization_id"
    )] == [SCHOOL]  # fmt: skip
    # The same list with the code says nothing new.
    await repeats_on(taught, listed())


async def test_who_goes_to_no_school_that_the_county_knows_is_a_problem_of_the_row(taught: World) -> None:
    unknown = {"就读学校": "无名中学", "学校信用代码": ""}
    await fails(taught, "schooling", listed(unknown), [("MISSING_VALUE", ["rows", 2, "unit"])], "ED")
    # Elsewhere it may be called whatever it is called; who has left, and who is not in the register, is asked for none.
    await brought(taught, listed({**unknown, "县内外": "县外"}))
    await brought(taught, listed({**unknown, "离校日期": "2021-09-15"}), day=LATER)
    await brought(taught, listed({**unknown, "证件号码": NOBODY}), day=LATER)


async def test_a_name_that_two_schools_have_tells_neither(taught: World) -> None:
    second = f"统一社会信用代码,单位名称,单位类型,所在区划代码\n{credit_code(77)},测试职业中学,培训基地,\n"
    assert (await taught.bring("organizations", second, "R1")).state == "done"
    await fails(taught, "schooling", listed(学校信用代码=""), [("MISSING_VALUE", ["rows", 2, "unit"])], "ED")
    await brought(taught, listed())


async def test_a_student_stands_once_in_a_list(taught: World) -> None:
    await fails(taught, "schooling", listed({}, {}), [("DUPLICATE_ROW", ["rows", 3, "identity"])], "ED")


@pytest.mark.parametrize(
    ("cell", "grade"), [("1", 1), ("9", 9), ("二年级", 2), ("3年级", 3), ("四", 4), (2, 2), (2.0, 2)]
)
def test_grades_as_offices_write_them(cell: Any, grade: int) -> None:
    assert schooling.read_grade(cell) == grade


@pytest.mark.parametrize(
    ("cell", "kept"),
    [
        ("z001", "Z001"),
        (20210001, "20210001"),
        (f"G{ONE}", f"G{ONE[:3]}*************{ONE[-2:]}"),
        (ONE, f"{ONE[:3]}*************{ONE[-2:]}"),
        (f"2021{ONE}", f"2021{ONE[:3]}*************{ONE[-2:]}"),
    ],
)
def test_a_student_number_shows_no_identity_number(cell: Any, kept: str) -> None:
    """The national one is G and the identity number: whole, it would show what everything else hides."""
    assert schooling.read_student_number(cell) == kept


def test_every_level_has_its_title_and_its_short_forms() -> None:
    levels = schooling.LEVELS
    assert {levels[short] for short in ("高职", "大专", "高等职业教育")} == {"higher_vocational"}
    assert {levels[short] for short in ("中职", "中专", "职高", "技校", "中等职业教育")} == {"secondary_vocational"}
    assert levels["技能培训"] == "skills_training"


async def test_a_newer_list_asserts_a_new_row_and_an_older_one_of_the_same_source_nothing(taught: World) -> None:
    await brought(taught, listed())
    moved = listed(年级="二年级", 顶岗实习="是")
    assert tallies(await brought(taught, moved, day=LATER)) == {"student": (0, 1, 0)}
    second = ("H1-01", "测试职业中学", "secondary_vocational", 2, True, False, "bureau", LATER, LATER, None)
    expected = [(*FIRST[:-1], LATER), second]
    assert await seen(taught) == expected
    await repeats_on(taught, moved, day=LATER)
    await repeats_on(taught, listed())
    # A list of a day between them, brought late, and one of the first day that says what the later one does not.
    assert tallies(await brought(taught, listed(年级="三年级", 起始日期="2021-09-20"), day=LATER)) == {
        "student": (0, 1, 0)
    }
    assert (await seen(taught))[1][3] == 3
    assert await tasks(taught) == []


async def test_blank_cells_leave_what_is_known_of_the_same_schooling(taught: World) -> None:
    await brought(taught, listed(年级="二年级", 学籍证明="是", **{"学制(月)": "24"}))
    await repeats_on(taught, listed(年级="", 顶岗实习="", 学籍号="", 学校信用代码="", 学籍证明="是"), day=LATER)
    # At another school, nothing of the old one is taken along.
    await brought(
        taught, listed(年级="", 顶岗实习="", 学籍号="", 学校信用代码=COLLEGE, 就读学校="测试职业学院"), day=LATER
    )
    (_, row) = await taught.rows("select grade, months, student_number, proved, interning from schooling"
                                 " where known_to is null order by valid_from")  # fmt: skip
    assert tuple(row) == (None, None, "", False, None)


async def test_who_left_has_a_row_that_ends(taught: World) -> None:
    await brought(taught, listed())
    gone = listed(离校日期="2021-09-15")
    assert tallies(await brought(taught, gone, day=LATER)) == {"student": (0, 1, 0)}
    assert await seen(taught) == [(*FIRST[:7], LATER, SEPTEMBER, date(2021, 9, 15))]
    await repeats_on(taught, gone, day=LATER)
    # The older list, which did not know it yet, is no news.
    await repeats_on(taught, listed())
    # Whom nobody knew, has nothing to end; a whole stay with both its days is told of.
    unknown = listed({"证件号码": TWO, "姓名": "测1配偶"}, 离校日期="2021-09-15")
    assert tallies(await brought(taught, unknown, day=LATER)) == {"student": (0, 0, 1)}
    assert tallies(await brought(taught, unknown.replace("否,否,县内,,", "否,否,县内,2020-09-01,"), day=LATER)) == {
        "student": (1, 0, 0)
    }
    assert [row[8:] for row in await seen(taught)] == [
        (SEPTEMBER, date(2021, 9, 15)), (date(2020, 9, 1), date(2021, 9, 15)),
    ]  # fmt: skip


async def test_an_earlier_first_day_is_added_before_what_is_known(taught: World) -> None:
    await brought(taught, listed())
    earlier = listed(起始日期="2021-03-01")
    assert tallies(await brought(taught, earlier, day=LATER)) == {"student": (0, 1, 0)}
    assert [row[8:] for row in await seen(taught)] == [(date(2021, 3, 1), SEPTEMBER), (SEPTEMBER, None)]
    await repeats_on(taught, earlier, day=LATER)


# --- a township's papers ------------------------------------------------------------------------------------------


async def test_for_a_township_who_is_out_of_sight_is_as_unknown_as_nobody(taught: World) -> None:
    answers = []
    for other in (ONE, NOBODY):  # somebody of the east, and nobody at all
        data = listed({"证件号码": WEST, "姓名": "测7户主"}, {"证件号码": other, "姓名": "某人"})
        status = await brought(taught, data, "K2", dry_run=True)
        answers.append(status.result)
    assert answers[0] == answers[1]
    assert tallies(await brought(taught, data, "K2")) == {"student": (1, 0, 0), "not in the register": (0, 0, 1)}
    ((number, *_, source, day, _, _),) = await seen(taught)
    assert (number, source, day) == ("H7-01", "family", SEPTEMBER)


@pytest.mark.parametrize("number", ["FI", "A1", "VC1", "L1", "S1", "AU"])
async def test_who_may_not_import_changes_nothing(taught: World, number: str) -> None:
    before = await contents(taught)
    with pytest.raises(Refused) as refused:
        await taught.bring("schooling", listed(), number)
    assert refused.value.problems[0].code is Code.FORBIDDEN
    assert await contents(taught) == before


async def test_a_family_adds_what_the_bureau_left_open_and_overwrites_nothing(taught: World) -> None:
    await brought(taught, listed(年级=""))
    paper = listed(学籍证明="是", 年级="一年级")
    assert tallies(await brought(taught, paper, "K1", LATER)) == {"student": (0, 1, 0)}
    # It has given a proof; who answers for the rest is the bureau still.
    kept = (*FIRST[:3], 1, False, True, "bureau", SEPTEMBER)
    assert (await seen(taught))[-1] == (*kept, LATER, None)
    await repeats_on(taught, paper, "K1", LATER)
    # The next list, which says nothing of proofs, takes it from nobody.
    assert tallies(await brought(taught, paper.replace("否,是,县内", "是,是,县内"), "K1", OCTOBER)) == {
        "discrepancy": (1, 0, 0)
    }
    assert (await tasks(taught))[0][:4] == ("H1-01", "family", OCTOBER, {"interning": (False, True)})


async def test_a_newer_list_of_the_bureau_or_a_school_is_above_a_familys_paper(taught: World) -> None:
    await brought(taught, listed(年级="二年级", 学籍证明="是"), "K1")
    assert tallies(await brought(taught, listed(), day=LATER)) == {"student": (0, 1, 0)}
    assert (await seen(taught))[-1] == (*FIRST[:7], LATER, LATER, None), "the proof was of another grade"
    assert await tasks(taught) == []


# --- what is for somebody to settle ---------------------------------------------------------------------------------


async def test_another_name_is_a_task_and_no_overwrite(taught: World) -> None:
    data = listed(姓名="张三")
    before = await contents(taught)
    assert tallies(await brought(taught, data, dry_run=True)) == {"discrepancy": (1, 0, 0)}
    assert await contents(taught) == before
    await brought(taught, data)
    assert differing(before, await contents(taught)) == {"discrepancy"}
    assert await tasks(taught) == [("H1-01", "bureau", SEPTEMBER, {"name": ("测1户主", "张三")}, None)]
    await repeats_on(taught, data)
    # Accepted, the roll keeps its own spelling, and the same list is no news any more.
    await settle(taught, "ED", True)
    assert await seen(taught) == [FIRST]
    assert [row.name for row in await taught.rows("select name from schooling")] == ["张三"]
    assert [row.name for row in await taught.rows("select name from person where number = 'H1-01'")] == ["测1户主"]
    await repeats_on(taught, data)
    await repeats_on(taught, listed(姓名="张三", 学籍证明="否"), day=LATER)


@pytest.mark.parametrize(
    ("changed", "differs"),
    [
        ({"就读学校": "别的中学", "学校信用代码": "", "县内外": "县外"}, {"school": ("测试职业中学", "别的中学")}),
        ({"学段": "高职"}, {"level": ("secondary_vocational", "higher_vocational")}),
        ({"年级": "二年级"}, {"grade": (1, 2)}),
        ({"顶岗实习": "是"}, {"interning": (False, True)}),
        ({"离校日期": "2021-09-15"}, {"left_on": (None, "2021-09-15")}),
        ({"年级": "二年级", "顶岗实习": "是", "姓名": "张三"},
         {"name": ("测1户主", "张三"), "grade": (1, 2), "interning": (False, True)}),
        ({"学籍证明": "是"}, None),
        ({"年级": ""}, None),
        ({"学籍号": "Z9"}, None),
        ({"县内外": "县外"}, None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("number", ["ED", "K1"])
async def test_what_contradicts_another_source_of_that_day_or_later_is_a_task(
    taught: World, changed: dict[str, str], differs: dict[str, Any] | None, number: str
) -> None:
    """The school has confirmed the student; a list of the same day, or a paper of any day, does not overwrite that."""
    await brought(taught, listed())
    async with taught.database.session(taught.who("S1").scope) as session:
        await schooling.confirm(session, taught.who("S1"), ["Z001"], SEPTEMBER)
    known = (*FIRST[:5], True, "school", SEPTEMBER, SEPTEMBER, None)
    assert await seen(taught) == [known]
    day = SEPTEMBER if number == "ED" and "离校日期" not in changed else LATER
    if "离校日期" in changed and number == "ED":
        async with taught.database.session(taught.who("S1").scope) as session:
            await schooling.confirm(session, taught.who("S1"), None, LATER)
        known = (*known[:7], LATER, LATER, None)
    data = listed(changed)
    status = await brought(taught, data, number, day)
    assert (await seen(taught))[-1] == known
    source = "bureau" if number == "ED" else "family"
    if differs is None:
        assert (tallies(status), await tasks(taught)) == ({"student": (0, 0, 1)}, [])
    else:
        assert tallies(status) == {"discrepancy": (1, 0, 0)}
        assert await tasks(taught) == [("H1-01", source, day, differs, None)]
        assert status.result["tallies"]["discrepancy"]["examples"] == [
            {"what": "H1-01", "fields": {name: [str(old), str(new)] for name, (old, new) in differs.items()}}
        ]
    await repeats_on(taught, data, number, day)


async def test_who_has_left_by_a_later_word_is_not_put_on_the_roll_again(taught: World) -> None:
    await brought(taught, listed())
    gone = confirmed(("Z001", "测1户主", "", "", "离校", "2021-09-10"))
    assert (await taught.bring("school_confirmation", gone, "S1", as_of=LATER)).state == "done"
    assert (await seen(taught))[0][6:] == ("school", LATER, SEPTEMBER, date(2021, 9, 10))
    assert tallies(await brought(taught, listed(), day=date(2021, 9, 15))) == {"discrepancy": (1, 0, 0)}
    assert (await tasks(taught))[0][3] == {"left_on": ("2021-09-10", None)}
    # Accepted, he had never been away.
    await settle(taught, "R1", True)
    assert [row[8:] for row in await seen(taught)] == [
        (SEPTEMBER, date(2021, 9, 10)), (date(2021, 9, 10), None),
    ]  # fmt: skip


async def test_while_a_task_is_open_what_else_is_said_waits(taught: World) -> None:
    await brought(taught, listed())
    await brought(taught, listed(年级="二年级"), "K1", LATER)
    before = await contents(taught)
    status = await brought(taught, listed(年级="三年级"), "K1", LATER)
    assert tallies(status) == {"discrepancy": (0, 0, 1)}
    ((key,),) = await taught.rows("select id::text from discrepancy")
    assert status.result["tallies"]["discrepancy"]["examples"] == [
        {"what": "H1-01", "fields": {"waits for": ["discrepancy", key], "grade": ["1", "3"]}}
    ]
    assert await contents(taught) == before


@pytest.mark.parametrize("number", ["ED", "R1", "C1", "K1"])
@pytest.mark.parametrize("accept", [True, False])
async def test_a_task_is_settled_once_by_whoever_may(taught: World, number: str, accept: bool) -> None:
    await brought(taught, listed())
    data = listed(年级="二年级")
    await brought(taught, data, "K1", LATER)
    before = await contents(taught)
    await settle(taught, number, accept, "电话核实")
    assert differing(before, await contents(taught)) == {"discrepancy", *(["schooling"] if accept else [])}
    assert (await tasks(taught))[0][4] is accept
    second = (*FIRST[:3], 2, False, False, "family", LATER, LATER, None)
    assert await seen(taught) == ([(*FIRST[:-1], LATER), second] if accept else [FIRST])
    ((by, reason),) = await taught.rows("select settled_by, reason from discrepancy")
    assert (by, reason) == (taught.who(number).actor.id, "电话核实")
    ((what, why, kept),) = await taught.rows(
        "select object, reason, data from audit_entry where action = 'settle_discrepancies'"
    )
    ((key, person),) = await taught.rows("select id, person_id from discrepancy")
    assert (what, why) == (f"discrepancy/{key}", "电话核实")
    assert kept == {"kind": "schooling", "accepted": accept, "person": str(person), "fields": ["grade"]}
    # Neither of the lists, brought again, undoes what somebody has decided.
    await repeats_on(taught, data, "K1", LATER)
    await repeats_on(taught, listed(), "ED", SEPTEMBER)
    before = await contents(taught)
    for other in (accept, not accept):
        with pytest.raises(Refused) as refused:
            await settle(taught, "ED", other)
        assert refused.value.problems[0].code is Code.CONFLICT
    assert await contents(taught) == before


@pytest.mark.parametrize(
    ("number", "reason", "code"),
    [("K1", " ", "REASON_NEEDED"), ("K2", "核实", "NOT_FOUND"), ("VC1", "核实", "FORBIDDEN"), ("FI", "核实", "FORBIDDEN"),
     ("S1", "核实", "FORBIDDEN"), ("AU", "核实", "FORBIDDEN"), ("L1", "核实", "FORBIDDEN")],
)  # fmt: skip
async def test_who_may_not_settle_changes_nothing(taught: World, number: str, reason: str, code: str) -> None:
    await brought(taught, listed(姓名="张三"))
    before = await contents(taught)
    with pytest.raises(Refused) as refused:
        await settle(taught, number, True, reason)
    assert [problem.code.name for problem in refused.value.problems] == [code]
    assert await contents(taught) == before


async def test_a_task_is_not_accepted_once_something_else_is_known(taught: World) -> None:
    """It was decided on what it shows."""
    await brought(taught, listed())
    await brought(taught, listed(年级="二年级"), "K1", LATER)
    await brought(taught, listed(年级="三年级"), "ED", date(2021, 9, 10))
    before = await contents(taught)
    with pytest.raises(Refused) as refused:
        await settle(taught, "K1", True)
    assert refused.value.problems[0].code is Code.CONFLICT
    assert await contents(taught) == before
    await settle(taught, "K1", False)
    # By now it is another question.
    assert tallies(await brought(taught, listed(年级="二年级"), "K1", LATER)) == {"discrepancy": (1, 0, 0)}


@pytest.mark.parametrize(
    ("asked", "newer"),
    [
        ({"年级": "二年级"}, {"年级": "三年级"}),
        ({"离校日期": "2021-09-10"}, {"年级": "三年级"}),
        # The name stays the same question, and what stands beside it has been said anew.
        ({"姓名": "张三"}, {"年级": "三年级"}),
    ],
)
async def test_a_task_is_not_accepted_once_its_source_has_said_more_of_the_same_days(
    taught: World, asked: dict[str, str], newer: dict[str, str]
) -> None:
    day = date(2021, 9, 10)
    await brought(taught, listed())
    state = confirmed(("Z001", "测1户主", "一年级", "", "在读", ""))
    assert (await taught.bring("school_confirmation", state, "S1", as_of=day)).state == "done"
    await brought(taught, listed(**asked), day=day)
    assert len(await tasks(taught)) == 1
    await brought(taught, listed(**newer, 起始日期=day.isoformat()), day=OCTOBER)
    assert [(row[3], *row[6:9]) for row in await seen(taught)][-1] == (3, "bureau", OCTOBER, day)
    before = await contents(taught)
    with pytest.raises(Refused) as refused:
        await settle(taught, "ED", True)
    assert refused.value.problems[0].code is Code.CONFLICT
    assert await contents(taught) == before
    await settle(taught, "ED", False)
    assert differing(before, await contents(taught)) == {"discrepancy"}


async def test_open_ones_are_listed_in_sight_by_village_and_number_and_counted_by_township(taught: World) -> None:
    rows = [
        {"证件号码": THREE, "姓名": "甲"}, {"证件号码": WEST, "姓名": "乙"}, {"证件号码": TWO, "姓名": "丙"},
        {"证件号码": ONE, "姓名": "丁"},
    ]  # fmt: skip
    await brought(taught, listed(*rows))
    place = next(place for place, task in enumerate(await tasks(taught)) if task[0] == "H2-01")
    await settle(taught, "ED", False, place=place)

    async def page(number: str, **stated: Any) -> list[str]:
        who = taught.who(number)
        async with taught.database.session(who.scope) as session:
            return [task.number for task in await discrepancies.open_ones(session, who, **stated)]

    async def counted(number: str) -> dict[int, int]:
        who = taught.who(number)
        async with taught.database.session(who.scope) as session:
            return await discrepancies.counts(session, who, "schooling")

    assert await page("ED") == ["H1-01", "H1-02", "H7-01"]
    assert await page("ED", first=1) == ["H1-01"]
    assert await page("ED", after=(V1, "H1-01", "schooling"), first=1) == ["H1-02"]
    assert await page("ED", division=T2) == ["H7-01"]
    assert await page("ED", kind="another") == []
    assert (await page("K1"), await page("K2")) == (["H1-01", "H1-02"], ["H7-01"])
    assert (await counted("C1"), await counted("K2")) == ({T1: 2, T2: 1}, {T2: 1})
    with pytest.raises(Refused) as refused:
        await page("S1")
    assert refused.value.problems[0].code is Code.FORBIDDEN


# --- schools ----------------------------------------------------------------------------------------------------


@pytest.fixture
async def schooled(taught: World) -> World:
    """Two students of the first school, and one of the second, by the bureau's list."""
    await brought(taught, listed(
        {}, {"证件号码": WEST, "姓名": "测7户主", "学籍号": "Z002"},
        {"证件号码": TWO, "姓名": "测1配偶", "学籍号": "Y001", "学校信用代码": COLLEGE, "就读学校": "测试职业学院"},
    ))  # fmt: skip
    return taught


def test_a_school_agent_holds_no_office_and_works_in_no_area() -> None:
    duty = Duty.SCHOOL_AGENT
    assert (duty.is_staff, duty.is_agent, duty.has_area, duty.sees_area) == (False, True, False, False)
    assert (duty.tier.title_text.zh, duty.title_text.zh) == ("服务机构", "学校或培训基地经办")


async def test_a_school_sees_its_own_roll_and_nothing_of_any_household(schooled: World) -> None:
    who = schooled.who("S1")
    assert who.permissions == {
        Action.CONFIRM_SCHOOLING, Action.READ_SCHOOLING, Action.READ_OFFICES, Action.ATTEST, Action.READ_ATTESTATIONS,
        # A school may be a support base as well, and sees and answers for its own alone.
        Action.READ_INSPECTIONS, Action.RECTIFY_FINDINGS,
    }  # fmt: skip
    ((unit,),) = await schooled.rows("select id from organization where credit_code = :code", code=SCHOOL)
    whole = (schooled.tenant.area,)
    assert who.scope == Scope(schooled.tenant.id, (), who.actor.id, whole, (UUID(str(unit)),), (), False)
    async with schooled.database.session(who.scope) as session:
        numbers = (await session.execute(text("select student_number from schooling order by 1"))).scalars().all()
        assert numbers == ["Z001", "Z002"]
        for table in ("household", "person", "membership", "case_file", "standing", "account", "discrepancy", "claim"):
            assert (await session.execute(text(f"select count(*) from {table}"))).scalar() == 0, table
        assert (await session.execute(text("select count(*) from organization"))).scalar() == 1


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (f"S9,新,学校经办,{BASE},2020-01-01,{FIRM}", ("BAD_VALUE", "unit")),
        (f"S9,新,学校经办,{BASE},2020-01-01,", ("MISSING_VALUE", "unit")),
        (f"S9,新,学校经办,{T1},2020-01-01,{SCHOOL}", ("BAD_VALUE", "area")),
        (f"S9,新,企业经办,{BASE},2020-01-01,{SCHOOL}", ("BAD_VALUE", "unit")),
        (f"ED,教育甲,学校经办,{BASE},2020-01-01,{SCHOOL}", ("INCOMPATIBLE_DUTIES", "duty")),
        (f"S9,新,学校经办,{BASE},2020-01-01,{TRAINER}", None),
        (f"S9,新,培训基地经办,{BASE},2020-01-01,{TRAINER}", None),
        (f"S9,新,学校或培训基地经办,{BASE},2020-01-01,{SCHOOL}", None),
    ],
)
async def test_a_school_agent_is_of_a_school_and_nothing_else(
    taught: World, row: str, problem: tuple[str, str] | None
) -> None:
    status = await taught.bring("officers", STAFF.splitlines()[0] + "\n" + row, "R1")
    assert problems(status) == ([] if problem is None else [(problem[0], ["rows", 2, problem[1]])])


async def confirm(
    world: World, number: str, numbers: list[str] | None, on: date | None = None, without: tuple[str, ...] = ()
) -> schooling.Confirmed:
    who = world.who(number)
    async with world.database.session(who.scope) as session:
        return await schooling.confirm(session, who, numbers, on, without=without)


async def test_a_school_confirms_its_students_and_names_those_that_are_not(schooled: World) -> None:
    before = await seen(schooled)
    made = await confirm(schooled, "S1", ["Z001", "Y001", "X999"], LATER)
    assert (made.done, made.unchanged) == (1, 0)
    # A number of another school is as unknown as one of nobody.
    assert [(number, problem.code.name, problem.path) for number, problem in made.refused] == [
        ("Y001", "NOT_FOUND", ("numbers", 1)), ("X999", "NOT_FOUND", ("numbers", 2)),
    ]  # fmt: skip
    assert await seen(schooled) == [
        (*FIRST[:-1], LATER), (*FIRST[:5], True, "school", LATER, LATER, None), *before[1:],
    ]  # fmt: skip
    ((what, counts),) = await schooled.rows("select object, data from audit_entry where action = 'confirm_schooling'")
    ((unit,),) = await schooled.rows("select id from organization where credit_code = :code", code=SCHOOL)
    assert (what, counts) == (f"organization/{unit}", {"on": "2021-09-20", "confirmed": 1, "refused": 2})
    state = await contents(schooled)
    assert (await confirm(schooled, "S1", ["Z001"], LATER)).unchanged == 1
    assert await contents(schooled) == state
    # The next list of the bureau says nothing of proofs: it takes this one from nobody.
    await repeats_on(schooled, listed(), day=OCTOBER)
    # Everybody but one.
    everybody = await confirm(schooled, "S1", None, OCTOBER, without=("Z001",))
    assert (everybody.done, everybody.unchanged, everybody.refused) == (1, 0, [])
    assert [(row[0], row[5], row[7]) for row in await seen(schooled) if row[9] is None] == [
        ("H1-01", True, LATER), ("H1-02", False, SEPTEMBER), ("H7-01", True, OCTOBER),
    ]  # fmt: skip


@pytest.mark.parametrize(("number", "code"), [("ED", "FORBIDDEN"), ("K1", "FORBIDDEN"), ("AU", "FORBIDDEN")])
async def test_nobody_but_a_school_confirms(schooled: World, number: str, code: str) -> None:
    before = await contents(schooled)
    with pytest.raises(Refused) as refused:
        await confirm(schooled, number, None)
    assert refused.value.problems[0].code.name == code
    assert await contents(schooled) == before


async def test_nothing_is_confirmed_ahead_of_its_day(schooled: World) -> None:
    before = await contents(schooled)
    with pytest.raises(Refused) as refused:
        await confirm(schooled, "S1", None, OCTOBER + timedelta(days=1))
    assert refused.value.problems[0].code is Code.DAY_IN_FUTURE
    # On a day on which they were not on its roll yet, it has nobody to confirm.
    made = await confirm(schooled, "S1", ["Z001"], date(2021, 8, 31))
    assert (made.done, [number for number, _ in made.refused]) == (0, ["Z001"])
    assert (await confirm(schooled, "S1", None, date(2021, 8, 31))).done == 0
    assert await contents(schooled) == before


async def test_a_number_that_two_students_have_is_told_by_the_name(schooled: World) -> None:
    await brought(schooled, listed({"证件号码": WEST, "姓名": "测7户主", "学籍号": "Z001"}), day=LATER)
    before = await contents(schooled)
    made = await confirm(schooled, "S1", ["Z001"])
    assert [(number, problem.code.name) for number, problem in made.refused] == [("Z001", "BAD_VALUE")]
    assert await contents(schooled) == before
    data = confirmed(("Z001", "测7户主", "", "", "在读", ""))
    assert tallies(await schooled.bring("school_confirmation", data, "S1")) == {"student": (0, 1, 0)}
    assert [row[0] for row in await seen(schooled) if row[5]] == ["H7-01"]


async def test_a_schools_workbook_says_who_is_there_who_is_an_intern_and_who_has_left(schooled: World) -> None:
    data = confirmed(
        ("Z001", "测1户主", "二年级", "是", "在读", "2021-09-18"), ("Z002", "测7户主", "", "", "离校", "2021-09-12"),
    )  # fmt: skip
    before = await contents(schooled)
    dry = await schooled.bring("school_confirmation", data, "S1", as_of=LATER, dry_run=True)
    assert (dry.state, tallies(dry)) == ("done", {"student": (0, 2, 0)})
    assert await contents(schooled) == before
    assert (await schooled.bring("school_confirmation", data, "S1", as_of=LATER)).state == "done"
    day = date(2021, 9, 18)
    assert [row for row in await seen(schooled) if row[0] != "H1-02"] == [
        (*FIRST[:-1], day),
        (*FIRST[:3], 2, True, True, "school", day, day, None),
        ("H7-01", *FIRST[1:6], "school", LATER, SEPTEMBER, date(2021, 9, 12)),
    ]
    assert differing(before, await contents(schooled)) == {"schooling"}
    before = await contents(schooled)
    again = await schooled.bring("school_confirmation", data, "S1", as_of=LATER)
    assert (tallies(again), await contents(schooled)) == ({"student": (0, 0, 2)}, before)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (("Y001", "测1配偶", "", "", "在读", ""), ("NOT_FOUND", "student_number")),
        (("X999", "某人", "", "", "在读", ""), ("NOT_FOUND", "student_number")),
        (("Z001", "张三", "", "", "在读", ""), ("BAD_VALUE", "name")),
        (("Z001", "测1户主", "", "", "在读", "2021-08-31"), ("NOT_FOUND", "student_number")),
        (("Z001", "测1户主", "", "", "离校", "2021-09-01"), ("NOT_FOUND", "student_number")),
        (("Z001", "测1户主", "", "", "在读", "2021-10-09"), ("DAY_IN_FUTURE", "day")),
        (("Z001", "测1户主", "", "", "休假", ""), ("BAD_VALUE", "enrolled")),
        (("Z001", "测1户主", "", "", "", ""), ("MISSING_VALUE", "enrolled")),
    ],
)
async def test_a_row_that_is_not_of_the_schools_own_roll_is_named(
    schooled: World, row: tuple[str, ...], problem: tuple[str, str]
) -> None:
    await fails(schooled, "school_confirmation", confirmed(row), [(problem[0], ["rows", 2, problem[1]])], "S1")


async def test_a_school_does_not_keep_a_student_who_has_gone_to_another(schooled: World) -> None:
    """It does not see where he is now: what it says of a later day is for the county to settle."""
    moved = listed(就读学校="外地学校", 学校信用代码="", 县内外="县外", 学籍号="Q001", 起始日期="2021-09-20")
    await brought(schooled, moved, day=OCTOBER)
    before = await contents(schooled)
    rows = [row for row in await seen(schooled) if row[0] == "H1-01"]
    assert [(row[1], row[-2:]) for row in rows][1] == ("外地学校", (date(2021, 9, 20), None))
    for day in ("2021-09-25", "2021-10-08"):
        status = await schooled.bring("school_confirmation", confirmed(("Z001", "测1户主", "", "", "离校", day)), "S1")
        assert status.state == "done"
        assert differing(before, await contents(schooled)) == {"discrepancy"}
    ((number, source, _, said, _),) = await tasks(schooled)
    assert (number, source, said) == ("H1-01", "school", {"left_on": ("2021-09-20", "2021-09-25")})


async def test_where_the_bureau_says_otherwise_a_school_writes_down_a_task(schooled: World) -> None:
    """For the county to settle; the school itself does not see it, nor one that is open already."""
    await brought(schooled, listed(起始日期="2021-09-01"), day=LATER)
    await brought(schooled, listed(年级="二年级", 起始日期="2021-09-01"), day=LATER)
    data = confirmed(("Z001", "测1户主", "三年级", "", "在读", "2021-09-10"))
    before = await contents(schooled)
    status = await schooled.bring("school_confirmation", data, "S1")
    assert tallies(status) == {"discrepancy": (1, 0, 0)}
    assert differing(before, await contents(schooled)) == {"discrepancy"}
    assert await tasks(schooled) == [("H1-01", "school", date(2021, 9, 10), {"grade": (2, 3)}, None)]
    await repeats(schooled, "school_confirmation", data, "S1")
    with pytest.raises(Refused):
        await settle(schooled, "S1", True)
    await settle(schooled, "ED", True)
    assert [row[3] for row in await seen(schooled) if row[0] == "H1-01"] == [2, 3]
    # One that is open out of the school's sight is not written over, and nothing fails.
    await brought(schooled, listed({"证件号码": WEST, "姓名": "张三", "学籍号": "Z002"}), day=LATER)
    await brought(schooled, listed({"证件号码": WEST, "姓名": "测7户主", "学籍号": "Z002"}, 顶岗实习="是"), day=OCTOBER)
    other = confirmed(("Z002", "测7户主", "", "否", "在读", "2021-10-08"))
    assert (await schooled.bring("school_confirmation", other, "S1")).state == "done"
    assert [task[1:4] for task in await tasks(schooled)][1:] == [
        ("bureau", LATER, {"name": ("测7户主", "张三")})
    ]  # fmt: skip


async def test_a_school_whose_student_is_at_another_now_does_not_take_him_back(schooled: World) -> None:
    """What it confirms of an earlier day ends where the other school's word begins, which it does not see."""
    await brought(schooled, listed(学校信用代码=COLLEGE, 就读学校="测试职业学院", 学籍号="Y002"), day=LATER)
    assert (await confirm(schooled, "S1", ["Z001"])).done == 0
    assert (await confirm(schooled, "S1", ["Z001"], date(2021, 9, 10))).done == 1
    assert [(row[1], row[5], *row[8:]) for row in await seen(schooled) if row[0] == "H1-01"] == [
        ("测试职业中学", False, SEPTEMBER, date(2021, 9, 10)),
        ("测试职业中学", True, date(2021, 9, 10), LATER),
        ("测试职业学院", False, LATER, None),
    ]


# --- at any size, in any order ------------------------------------------------------------------------------------


async def test_the_number_of_statements_does_not_depend_on_the_number_of_rows(schooled: World) -> None:
    homes = [f"H{number}" for number in range(1, 9)]
    many = [
        {"证件号码": identity(7 * index + offset), "姓名": f"测{index + 1}{who}", "学籍号": f"M{index}{offset}"}
        for index in range(len(homes))
        for who, offset in (("户主", 1), ("配偶", 501))
    ]
    counts = []
    for rows, day in ((many[:1], LATER), (many, OCTOBER)):
        with Statements(schooled.database) as seen_:
            await brought(schooled, listed(*rows, 年级="二年级"), day=day)
        counts.append(len(seen_))
    assert counts[0] == counts[1]
    counts = []
    for numbers in (["M01"], [row["学籍号"] for row in many]):
        with Statements(schooled.database) as seen_:
            made = await confirm(schooled, "S1", numbers)
        assert made.refused == []
        counts.append(len(seen_))
    assert counts[0] == counts[1] <= 8


async def test_whatever_the_order_of_lists_a_person_is_at_one_place_a_day_and_the_same_again_is_harmless(
    taught: World,
) -> None:
    """Random lists of random days by all three sources, tasks settled now and then."""
    chance = random.Random(2021)
    days = [date(2021, 7, 1) + timedelta(days=7 * week) for week in range(14)]
    for step in range(40):
        day = chance.choice(days)
        changed = {
            "年级": chance.choice(["一年级", "二年级", ""]), "顶岗实习": chance.choice(["是", "否", ""]),
            "学籍证明": chance.choice(["是", "否"]),
        }  # fmt: skip
        if chance.random() < 0.3:
            changed |= {"学校信用代码": COLLEGE, "就读学校": "测试职业学院"}
        if chance.random() < 0.3:
            changed["离校日期"] = (day - timedelta(days=chance.randrange(20))).isoformat()
        elif chance.random() < 0.4:
            changed["起始日期"] = (day - timedelta(days=chance.randrange(40))).isoformat()
        number = chance.choice(["ED", "ED", "K1"])
        data = listed(changed)
        await brought(taught, data, number, day)
        await repeats_on(taught, data, number, day)
        if chance.random() < 0.2:
            state = confirmed(("Z001", "测1户主", "", "", chance.choice(["在读", "离校"]), day.isoformat()))
            await taught.bring("school_confirmation", state, "S1", as_of=chance.choice(days[-3:]))
        if chance.random() < 0.3 and any(task[4] is None for task in await tasks(taught)):
            place = next(place for place, task in enumerate(await tasks(taught)) if task[4] is None)
            accept = chance.random() < 0.5
            # One that was decided on what is known no more is not accepted; then it is put aside.
            with suppress(Refused):
                await settle(taught, "ED", accept, place=place)
                accept = False
            if accept:
                await settle(taught, "ED", False, place=place)
            await repeats_on(taught, data, number, day)
        rows = await seen(taught)
        for one, other in itertools.pairwise(rows):
            assert one[9] is not None, (step, rows)
            assert one[8] < one[9] <= other[8], (step, rows)
    assert len(await tasks(taught)) > 5


def test_what_a_task_keeps_of_a_report_is_all_of_it() -> None:
    report = Report(
        source=Source.SCHOOL, reported_on=LATER, name="甲", school="乙", level="primary", in_county=True, proved=False,
        organization_id=uuid4(), grade=3, since=SEPTEMBER, interning=True,
    )  # fmt: skip
    assert Report.of_json(report.as_json()) == report
    bare = Report(
        source=Source.FAMILY, reported_on=LATER, name="甲", school="乙", level="primary", in_county=False, proved=True
    )
    assert Report.of_json(bare.as_json()) == bare
