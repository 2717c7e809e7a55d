"""补助对象登记册: the register of a programme and its summary, cell by cell, against what was worked out by hand."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import openpyxl
import pytest

from bangfu import files, jobs
from bangfu.cases import acts, correcting, exports, overview, planning, register
from bangfu.cases.handlers import Handlers
from bangfu.cases.planning import PlanStated
from bangfu.cases.views import Selection, Stated
from bangfu.errors import Refused
from county_default.vocabulary import Project
from tests.core.test_doctor import everything
from tests.core.test_payments import PAID_ON, ready, release
from tests.core.test_statements import MORE, larger
from tests.county import FEBRUARY, HOMES, V3, Statements, World, clean
from tests.learners import APPLIED, AUTUMN, REVIEWED, SHORT, SPRING, TERM, YEAR, Learners
from tests.striving import STARS, Striving

Rows = list[tuple[Any, ...]]
WHY = "报省备案"
SIGNED = "制表人:            审核人:            负责人:            (盖章)      年   月   日"
REGISTERED = "登记有核算结果或已发放的申报;户类型、就读情况为核算之日的情况;退回未重发的款项不计入已发。"
COUNTED = "每件申报只按结论计一次;核定金额:符合条件、尚未办结的为应发金额,其他的为已形成且有效的应发金额。"
MONEY = ("补发(元)", "已发合计(元)", "已追回(元)")
WANTING = "未满足条款或所缺资料"


async def write(world: World, number: str = "C1", reason: str = WHY, **options: Any) -> bytes:
    who = world.who(number)
    ground = await world.ground(who)
    async with world.database.session(who.scope) as session:
        return await register.sheet(session, who, ground, reason, **options)


def cells(data: bytes) -> dict[str, Rows]:
    """The rows of each sheet, cut to what stands in them, with its title and the lines above and below the table."""
    found = {}
    for sheet in openpyxl.load_workbook(io.BytesIO(data)):
        found[sheet.title] = [
            tuple(cell.date() if isinstance(cell, datetime) else cell for cell in row)
            for row in sheet.iter_rows(values_only=True)
        ]
    return found


def table(rows: Rows) -> Rows:
    """The table alone: its header, its rows and its total."""
    return rows[3:-1]


async def tables(world: World, number: str = "C1", **options: Any) -> tuple[Rows, Rows]:
    """The table of the register and that of the summary."""
    found = cells(await write(world, number, **options))
    assert list(found) == ["登记册", "汇总"]
    return table(found["登记册"]), table(found["汇总"])


def added_up(rows: Rows, first: int = 1) -> None:
    """The last row is the sum of the others, column by column."""
    for position, total in enumerate(rows[-1]):
        if position >= first and total is not None:
            assert round(sum(row[position] or 0 for row in rows[1:-1]), 2) == total, rows[0][position]


# --- a programme for persons ----------------------------------------------------------------------------------


HEADER = (
    "序号", "乡镇", "村", "组", "户编号", "人编号", "姓名", "户类型", "就读学校", "学段年级", "当前环节", "结论", "核定金额(元)",
    "第一学期补助发放(元)", "第一学期补助发放日期", "第二学期补助发放(元)", "第二学期补助发放日期", *MONEY, WANTING,
)  # fmt: skip
SUMMARY = (
    "乡镇", "申报", "符合条件", "不符合条件", "资料不全", "待核算", "已撤回", "已终止", "列入登记册", "核定金额(元)",
    "第一学期补助发放(人)", "第一学期补助发放(元)", "第二学期补助发放(人)", "第二学期补助发放(元)", *MONEY,
)  # fmt: skip
ELDER = ("东镇", "甲村", "三组", "F1", "F1-03", "学F12号", "贫困户", "外地职业学院", "高等职业教育三年级")
YOUNGER = ("东镇", "甲村", "三组", "F1", "F1-02", "学F11号", "贫困户", "测试职业中学", "中等职业教育一年级")


async def test_after_the_autumn_payment_each_student_stands_on_it_with_school_and_grade(learners: Learners) -> None:
    await learners.aided("recheck")
    found = cells(await write(learners))
    assert found["登记册"] == [
        ("测试县2021—2022学年“雨露计划学期补助”补助对象登记册", *[None] * 20),
        ("2022年3月1日    范围:测试县    共 2 人", *[None] * 20),
        (REGISTERED, *[None] * 20),
        HEADER,
        (1, *YOUNGER, "春季复核", "符合条件", 700, 700, AUTUMN, None, None, None, 700, None, None),
        (2, *ELDER, "春季复核", "符合条件", 700, 700, AUTUMN, None, None, None, 700, None, None),
        ("合计", *[None] * 11, 1400, 1400, None, 0, None, 0, 1400, 0, None),
        (SIGNED, *[None] * 20),
    ]
    assert found["汇总"] == [
        ("测试县2021—2022学年“雨露计划学期补助”补助对象汇总表", *[None] * 16),
        ("2022年3月1日    范围:测试县    申报 2 人,列入登记册 2 人", *[None] * 16),
        (COUNTED, *[None] * 16),
        SUMMARY,
        ("东镇", 2, 2, 0, 0, 0, 0, 0, 2, 1400, 2, 1400, 0, 0, 0, 1400, 0),
        ("合计", 2, 2, 0, 0, 0, 0, 0, 2, 1400, 2, 1400, 0, 0, 0, 1400, 0),
        (SIGNED, *[None] * 16),
    ]
    ((audited),) = await learners.rows("select object, reason, data from audit_entry where action = 'export_lists'")
    assert tuple(audited) == (
        f"register/{TERM}/{YEAR}",
        WHY,
        {"rows": 2, "personal": ["name", "standing", "school", "grade"]},
    )


async def test_who_dropped_out_keeps_the_autumn_and_is_shown_at_his_last_school(learners: Learners) -> None:
    await learners.aided("recheck")
    await learners.enrol("F1-02", date(2021, 9, 1), date(2022, 1, 15))
    await learners.recheck("F1-03")
    clean(await learners.act("C1", acts.account))
    clean(await learners.sign("C1", "recheck", "F1-03"))
    await learners.pay("spring_payment")
    # The elder goes to another school afterwards: the register is of the day on which he was decided.
    learners.today = date(2022, 8, 1)
    await learners.enrol("F1-03", date(2022, 7, 1), school="别处大学", level="undergraduate", grade=1)
    listed, summary = await tables(learners, "K1")
    gone = "核算之日该生在读(一(三)1)"
    assert listed == [
        HEADER,
        (1, *YOUNGER, "不符合条件", "不符合条件", 700, 700, AUTUMN, None, None, None, 700, None, gone),
        (2, *ELDER, "已办结", "符合条件", 1500, 700, AUTUMN, 800, SPRING, None, 1500, None, None),
        ("合计", *[None] * 11, 2200, 1400, None, 800, None, 0, 2200, 0, None),
    ]
    assert summary == [
        SUMMARY,
        ("东镇", 2, 1, 1, 0, 0, 0, 0, 2, 2200, 2, 1400, 1, 800, 0, 2200, 0),
        ("合计", 2, 1, 1, 0, 0, 0, 0, 2, 2200, 2, 1400, 1, 800, 0, 2200, 0),
    ]


async def test_everybody_who_is_refused_stands_on_it_with_the_clauses_in_words(learners: Learners) -> None:
    learners.on(TERM, YEAR, APPLIED)
    clean(await learners.apply("F2-02", "F3-02"))
    clean(await learners.apply("F4-02", "F4-03", number="VC2"))
    learners.today = REVIEWED
    await learners.act("C1", acts.account, Selection(without=["F4-03"]))
    listed, summary = await tables(learners)
    assert [(row[5], *row[7:13], row[18], row[20]) for row in listed[1:-1]] == [
        ("F2-02", "已脱贫户", "测试职业中学", "中等职业教育三年级", *2 * ["不符合条件"], 0, 0,
         "职业学校学生所在年级在补助年级之内(一(三)1)"),
        ("F3-02", "一般农户", "测试职业中学", "中等职业教育一年级", *2 * ["不符合条件"], 0, 0, "申请时该户为建档立卡户(一(三)1)"),
        ("F4-02", "贫困户", "外地职业学院", "高等职业教育一年级", *2 * ["不符合条件"], 0, 0,
         "该生未进入顶岗实习阶段(排除顶岗实习时)(一(三)1)"),
    ]  # fmt: skip
    # The last one has not been decided: he has applied, and is not on the register yet.
    assert summary[1] == ("东镇", 4, 0, 3, 0, 1, 0, 0, 3, *[0] * 8)


async def test_what_is_sent_back_after_a_payment_stays_on_it(learners: Learners) -> None:
    await learners.aided("spring_payment")
    listed, _ = await tables(learners)
    assert [row[10:20] for row in listed[1:3]] == 2 * [
        ("第二学期补助发放", "符合条件", 1500, 700, AUTUMN, None, None, None, 700, None)
    ]
    clean(await learners.act("C1", acts.send_back, Selection(numbers=["F1-02"]), finding="电话抽查无人接听"))
    clean(await learners.act("C1", correcting.pause, Selection(numbers=["F1-03"]), stated=Stated(reason="休学")))
    listed, summary = await tables(learners)
    assert listed[1][8:20] == (
        "测试职业中学", "中等职业教育一年级", "春季复核", "待核算", 700, 700, AUTUMN, None, None, None, 700, None,
    )  # fmt: skip
    assert listed[2][10:12] == ("第二学期补助发放(暂停)", "符合条件")
    assert summary[1] == ("东镇", 2, 1, 0, 0, 1, 0, 0, 2, 2200, 2, 1400, 0, 0, 0, 1400, 0)


async def test_a_programme_that_looks_at_no_school_has_no_such_columns(learners: Learners) -> None:
    learners.on(SHORT, "2021", APPLIED)
    listed, summary = await tables(learners)
    paid = ("补助发放(元)", "补助发放日期")
    assert listed[0] == (*HEADER[:8], *HEADER[10:13], *paid, *MONEY, WANTING)
    assert (len(listed), len(summary)) == (2, 2), "nobody, and a total of nothing"
    assert [cell for row in (listed[1], summary[1]) for cell in row if cell not in (None, 0)] == ["合计", "合计"]


# --- a programme for households -------------------------------------------------------------------------------


HOUSEHOLDS = ("序号", "乡镇", "村", "组", "户编号", "户主", "户类型", "当前环节", "结论", "核定金额(元)")
PAID = ("资金拨付(元)", "资金拨付日期")
COUNTS = (*SUMMARY[:10], "资金拨付(户)", "资金拨付(元)", *MONEY)


async def test_every_household_that_was_decided_stands_on_it(world: World) -> None:
    await ready(world)
    await release(world)
    listed, summary = await tables(world)

    def row(place: int, *more: Any) -> tuple[Any, ...]:
        home = HOMES[place - 1]
        return (place, home.township, home.village, "一组", home.number, f"测{place}户主", home.standing, *more)

    def paid(place: int, yuan: int) -> tuple[Any, ...]:
        return row(place, "已办结", "符合条件", yuan, yuan, PAID_ON, None, yuan, None, None)

    none = (0, None, None, None, 0, None)
    assert listed == [
        (*HOUSEHOLDS, *PAID, *MONEY, WANTING),
        paid(1, 3000),
        paid(2, 2200),
        row(3, "不符合条件", "不符合条件", *none, "该户脱贫年度在方案范围内(二(二)1)"),
        row(4, "收入核算", "资料不全", *none, "缺:脱贫年度"),
        paid(5, 1500),
        row(6, "不符合条件", "不符合条件", *none, "该户在收入核算期内有收入(二(二)3)"),
        paid(7, 50),
        row(8, "不符合条件", "不符合条件", *none, "该户登记为已脱贫户(二(二)1)"),
        ("合计", *[None] * 8, 6750, 6750, None, 0, 6750, 0, None),
    ]
    assert summary == [
        COUNTS,
        ("东镇", 6, 3, 2, 1, 0, 0, 0, 6, 6700, 3, 6700, 0, 6700, 0),
        ("西镇", 2, 1, 1, 0, 0, 0, 0, 2, 50, 1, 50, 0, 50, 0),
        ("合计", 8, 4, 3, 1, 0, 0, 0, 8, 6750, 4, 6750, 0, 6750, 0),
    ]


async def test_what_came_back_and_what_was_adjusted_is_told_apart(world: World) -> None:
    """Of what the bank sent back, one was paid again a day later; H5 got 100 yuan more, H1 owes 800 and repaid 300."""
    await everything(world)
    listed, summary = await tables(world)
    told = {row[4]: row[9:15] for row in listed[1:-1]}
    assert told["H1"] == (2200, 3000, PAID_ON, None, 3000, 300)
    assert told["H5"] == (1600, 1500, PAID_ON, 100, 1600, None)
    assert told["H2"] == (2200, 2200, world.today, None, 2200, None)
    assert listed[-1][9:15] == (sum(row[9] for row in listed[1:-1]), *summary[-1][11:12], None, *summary[-1][12:])
    for rows in (listed, summary):
        added_up(rows, 9 if rows is listed else 1)
    who = world.who("C1")
    ground = await world.ground(who)
    async with world.database.session(who.scope, reading=True) as session:
        figures = await overview.overview(session, who, ground)
    assert [(row[0], row[1], row[2], row[3], row[4], row[13]) for row in summary[1:-1]] == [
        (own.name, own.applied, own.eligible, own.refused, own.incomplete, own.paid_fen / 100) for own in figures
    ]


async def test_who_took_it_back_or_was_not_selected_is_counted_as_such(world: World, striving: Striving) -> None:
    clean(await world.plan("L1", "H1", "H2"))
    await world.act("L1", correcting.withdraw, Selection(numbers=["H1"]), stated=Stated(reason="另有打算"))
    listed, summary = await tables(world)
    assert len(listed) == 2, "nothing was decided of either"
    assert summary[1] == ("东镇", 2, 0, 0, 0, 1, 1, 0, 0, *[0] * 6)
    striving.on(STARS, "2021Q1", date(2021, 6, 20))
    _, summary = await tables(striving)
    assert "未入选" in summary[0]


async def test_everybody_exports_his_own_part_of_it(world: World) -> None:
    await ready(world)
    west = cells(await write(world, "K2"))
    assert west["登记册"][1][0] == "2021年10月28日    范围:西镇    共 2 户"
    assert [row[4] for row in table(west["登记册"])[1:-1]] == ["H7", "H8"]
    assert [row[0] for row in table(west["汇总"])] == ["乡镇", "西镇", "合计"]
    village = cells(await write(world, "C1", area=(V3, V3)))
    assert village["登记册"][1][0] == "2021年10月28日    范围:丙村    共 2 户"
    assert table(village["登记册"]) == table(west["登记册"])


async def test_the_register_holds_no_number_of_a_person_or_an_account(learners: Learners) -> None:
    await learners.aided("recheck")
    text = " ".join(str(cell) for rows in cells(await write(learners)).values() for row in rows for cell in row)
    kept = await learners.rows(
        "select p.identity_masked, a.number_masked from person p join account a on true where p.number = 'F1-02'"
    )
    assert kept
    assert not any(number and number in text for row in kept for number in row)
    assert not any(len(word) > 8 for word in text.split() if word.isdigit())


# --- who, why, and how it leaves ------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "reason", "code"), [("C1", " ", "REASON_NEEDED"), ("VC1", WHY, "FORBIDDEN")])
async def test_without_a_reason_or_a_right_nothing_leaves_and_nothing_is_recorded(
    world: World, number: str, reason: str, code: str
) -> None:
    await ready(world)
    before = await world.snapshot(), await world.rows("select count(*) from audit_entry")
    with pytest.raises(Refused) as refused:
        await write(world, number, reason)
    assert [problem.code.name for problem in refused.value.problems] == [code]
    who = world.who(number)
    with pytest.raises(Refused, match=code):
        async with world.database.session(who.scope) as session:
            await exports.put_list(session, who, world.code, world.period, exports.Export.REGISTER, reason)
    assert (await world.snapshot(), await world.rows("select count(*) from audit_entry")) == before
    assert await world.rows("select count(*) from job where kind like 'export/%'") == [(0,)]


async def test_it_is_made_by_a_job_and_fetched_as_a_file(world: World) -> None:
    await ready(world)
    who = world.who("C1")
    async with world.database.session(who.scope) as session:
        job = await exports.put_list(
            session, who, world.code, world.period, exports.Export.REGISTER, WHY, area=(V3, V3)
        )
    known: Mapping[str, jobs.Handler] = Handlers(world.plugins)
    status = await jobs.run(world.database, world.vault, who, job, known)
    assert status.state == "done", status.result
    async with world.database.session(who.scope) as session:
        assert status.result_file_id is not None
        content = await files.fetch(session, world.vault, who.county.id, status.result_file_id)
    assert content.name == "补助对象登记册-consolidation-2021-2021-10-28.xlsx"
    assert [row[4] for row in table(cells(content.data)["登记册"])[1:-1]] == ["H7", "H8"]


# --- in parts -------------------------------------------------------------------------------------------------


async def test_it_is_the_same_whatever_is_read_at_a_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await everything(world)
    whole = cells(await write(world))
    for part in (1, 2, 3, 8):
        monkeypatch.setattr(register, "PART", part)
        assert cells(await write(world)) == whole


async def test_it_takes_as_many_statements_for_many_as_for_one(world: World) -> None:
    await larger(world)

    async def count() -> tuple[int, int]:
        who = world.who("C1")
        ground = await world.ground(who)
        with Statements(world.database) as statements:
            async with world.database.session(who.scope) as session:
                data = await register.sheet(session, who, ground, WHY)
        return len(statements), len(table(cells(data)["登记册"])) - 2

    async def opened(*homes: str) -> None:
        who = world.who("L1", FEBRUARY)
        ground = await world.ground(who)
        plans = [PlanStated(home, {"projects": frozenset({Project.SMALL_TRADE})}, Stated()) for home in homes]
        async with world.database.session(who.scope) as session:
            clean(await planning.plan(session, who, ground, plans))
        world.today = date(2021, 3, 20)
        clean(await world.act("L1", acts.sign, Selection(numbers=homes), stage="in_place"))
        world.today = date(2021, 9, 30)
        clean(await world.act("VC1", acts.account, Selection(numbers=homes)))

    await opened("N000")
    few, listed = await count()
    assert listed == 1
    # The scope, the divisions; the cases, what is due and what was adjusted, the names, the standings; the record.
    assert few == 8
    await opened(*(home.number for home in MORE[1:]))
    assert await count() == (few, len(MORE))


async def test_of_persons_too_it_takes_as_many_statements_for_two_as_for_one(learners: Learners) -> None:
    async def count(*numbers: str) -> tuple[int, int]:
        learners.on(TERM, YEAR, APPLIED)
        clean(await learners.apply(*numbers))
        learners.today = REVIEWED
        clean(await learners.act("C1", acts.account, Selection(numbers=numbers)))
        who = learners.who("C1")
        ground = await learners.ground(who)
        with Statements(learners.database) as statements:
            async with learners.database.session(who.scope) as session:
                data = await register.sheet(session, who, ground, WHY)
        return len(statements), len(table(cells(data)["登记册"])) - 2

    few, listed = await count("F1-02")
    assert (few, listed) == (10, 1), "as of households, of whom no names are asked for, and schooling beside"
    assert await count("F1-03") == (few, 2)
