"""一户一页: everything of one household in a year, in both languages, and the receipts that it is made of."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
from sqlalchemy import text

from bangfu.cases import acts, exclusions, paying, year
from bangfu.cases.receipts import why
from bangfu.cases.views import Selection, Stated
from bangfu.cases.year import InPeriod, PartState, YearAnswer
from bangfu.errors import Problem, Refused
from bangfu.rules import Outcome
from bangfu.text import Text
from tests.core.test_payments import do, make
from tests.core.test_striving import answered, assessed
from tests.county import SEPTEMBER, Statements, clean
from tests.striving import EXIT, LEADING, STARS, Striving


async def of(striving: Striving, home: str, number: str = "C1") -> YearAnswer:
    who = striving.who(number)
    async with striving.database.session(who.scope, reading=True) as session:
        return await year.why_in(session, who, striving.plugins.programmes.values(), home, 2021)


async def in_period(striving: Striving, home: str, code: str, period: str = "2021", number: str = "C1") -> InPeriod:
    answer = await of(striving, home, number)
    (found,) = [one for one in answer.periods if (one.programme, one.period) == (code, period)]
    return found


def sentences(value: Any) -> list[Text]:
    """Every text of an answer."""
    if isinstance(value, Text):
        return [value]
    if isinstance(value, tuple | list):
        return [text for item in value for text in sentences(item)]
    if hasattr(value, "__dataclass_fields__"):
        return [text for name in value.__dataclass_fields__ for text in sentences(getattr(value, name))]
    return []


def zh(texts: tuple[Text, ...]) -> list[str]:
    return [text.zh for text in texts]


async def test_who_applied_for_nothing_learns_what_there_is_and_how(striving: Striving) -> None:
    striving.today = date(2021, 2, 10)
    answer = await of(striving, "P1")
    assert [(one.programme, one.period) for one in answer.periods] == [
        ("consolidation", "2021"),
        (STARS, "2021Q1"),
        (STARS, "2021Q2"),
        (LEADING, "2021"),
        (EXIT, "2021"),
    ]
    assert (answer.number, answer.paid_fen, answer.due_fen) == ("P1", 0, 0)
    planned = await in_period(striving, "P1", EXIT)
    assert planned.receipt.summary.zh == "该户未申报;若申报:资料不全,缺:计划项目、稳定性纯收入"
    assert zh(planned.could) == [
        "按目前登记的情况可得 4,800.00 元",
        "尚缺:计划项目(申报时填写);稳定性纯收入(收入核算期未满)",
        "申报由联户干部与农户办理“制定计划”,截止2021年2月15日",
    ]
    assert planned.fails == ()
    assert zh(planned.together)[0].startswith("可与“农村人居环境整治奖励计划”同时享受:")
    assert zh(planned.apart) == [
        "不能与“已脱贫户巩固增收计划”同时享受:计划脱贫户与已脱贫户为两类对象,同一户同一年度只能享受其一"
    ]
    leading = await in_period(striving, "P1", LEADING)
    assert leading.receipt.outcome is Outcome.REFUSED
    assert leading.could == ()
    assert leading.fails[0].en.startswith("Not met: The household was never registered as poor (")
    striving.today = SEPTEMBER
    late = await in_period(striving, "P1", EXIT)
    assert late.could[-1].en == (
        "The case is opened by the cadre linked to the household, together with the household (planning), by "
        "15 February 2021 (that day has passed; being late needs a reason)"
    )


async def test_by_which_clause_and_by_how_much(striving: Striving) -> None:
    striving.today = SEPTEMBER
    found = await in_period(striving, "H3", "consolidation")
    assert zh(found.fails) == [
        "未满足“该户脱贫年度在方案范围内”(《2021年脱贫奋进计划实施方案》二(二)1):脱贫年度为 2015,"
        "应为 2016—2019年,差 1 年"
    ]


async def test_what_stands_in_the_way(striving: Striving) -> None:
    striving.on(EXIT, today=date(2021, 2, 10))
    clean(await striving.plan_exit("H1"))
    found = await in_period(striving, "H1", "consolidation")
    assert zh(found.in_the_way) == ["该户2021年度已有“计划脱贫户奋进计划”的申报(当前环节:落实到位),不能再享受本项目"]
    clean(await striving.correct("L1", "withdraw", "H1", stated=Stated(reason="改报其他项目")))
    assert (await in_period(striving, "H1", "consolidation")).in_the_way == ()
    withdrawn = await in_period(striving, "H1", EXIT)
    assert withdrawn.receipt.summary.zh.startswith("已撤回,没有核算;按目前登记的情况:不符合条件")
    assert withdrawn.waits == ()


async def test_what_a_case_waits_for(striving: Striving) -> None:
    await striving.verified("P1")
    striving.on(EXIT, today=date(2021, 3, 20))
    found = await in_period(striving, "P1", EXIT)
    assert zh(found.waits) == ["正在“村级公示”环节,等待村两委办理"]
    assert zh(tuple(one.text for one in found.payments)) == [
        "第一次拨付:1,440.00 元,尚未到拨付环节",
        "第二次拨付:1,920.00 元,尚未到拨付环节",
        "第三次拨付:1,440.00 元,尚未到拨付环节",
    ]
    striving.today = date(2021, 3, 21)
    clean(await striving.act("VC1", acts.post, Selection(numbers=["P1"])))
    assert zh((await in_period(striving, "P1", EXIT)).waits) == ["正在公示,到2021年3月25日为止"]

    async def object_to(session: Any, who: Any, ground: Any, selection: Any) -> Any:
        return await acts.object_to(session, who, ground, "P1", "不实")

    clean(await striving.act("VC1", object_to))
    clean(await striving.correct("K1", "pause", "P1", stated=Stated(reason="外出失联")))
    assert zh((await in_period(striving, "P1", EXIT)).waits) == [
        "自2021年3月21日起暂停办理",
        "公示期间有异议尚未处理,由乡镇验收处理",
    ]


async def test_which_part_was_paid_and_when(striving: Striving) -> None:
    await striving.verified("P1")
    await striving.stand("VC1", "P1", first=date(2021, 3, 21))
    clean(await striving.act("VC1", acts.conclude, Selection(numbers=["P1"])))
    first = (await in_period(striving, "P1", EXIT)).payments[0]
    assert (first.fen, first.state, first.paid_on) == (144_000, PartState.DUE, None)
    assert (await of(striving, "P1")).due_fen == 144_000
    striving.today = date(2021, 4, 2)
    batch = await make(striving)
    assert (await in_period(striving, "P1", EXIT)).payments[0].state is PartState.IN_BATCH
    await do(striving, "FM", paying.check_batch, batch.id)
    await do(striving, "FI", paying.release_batch, batch.id)
    answer = await of(striving, "P1")
    assert (answer.paid_fen, answer.due_fen) == (144_000, 0)
    paid = (await in_period(striving, "P1", EXIT)).payments[0]
    assert paid.text == Text(
        "第一次拨付:1,440.00 元,2021年4月2日已放行拨付",
        "first instalment: 1,440.00 yuan, released for payment on 2 April 2021",
    )


async def test_who_leads_is_told_to_who_may_see_it(striving: Striving) -> None:
    """P1 moved to 乙村 and counts for G1 of 甲村: the county is told of whom, 乙村 is not."""
    striving.on(LEADING, today=date(2021, 9, 20))
    clean(await striving.apply("G1", "P1", "P2"))
    told = await in_period(striving, "P1", LEADING)
    assert zh(told.taken) == ["本年度已计入户 G1 的申报:被带动(每户每年一次)"]
    async with striving.database.owner() as connection:
        await connection.execute(text("set role none"))
        for table in ("participant", "household", "standing", "membership", "claim"):
            key = {"household": "id = (select id", "claim": "key = (select id::text"}.get(
                table, "household_id = (select id"
            )
            await connection.execute(
                text(f"update {table} set division = 990201101202 where {key} from household where number = 'P1')")
            )
    assert zh((await in_period(striving, "P1", LEADING)).taken) == ["本年度已计入户 G1 的申报:被带动(每户每年一次)"]
    hidden = await in_period(striving, "P1", LEADING, number="VC2")
    assert zh(hidden.taken) == ["本年度已计入另一户的申报:被带动(每户每年一次)"]
    assert "G1" not in repr(sentences(hidden))


async def test_an_award_that_was_had_in_another_quarter(striving: Striving) -> None:
    await assessed(striving, "P1")
    clean(await striving.select("VC1", "P1"))
    second = await in_period(striving, "P1", STARS, "2021Q2")
    assert zh(second.taken) == ["本年度已计入该户2021年第1季度的申报:五星奖励(每户每年一次)"]
    assert (await in_period(striving, "P1", STARS, "2021Q1")).taken == ()


async def test_who_is_out_of_sight_is_not_found(striving: Striving) -> None:
    for home in ("P5", "X9"):
        with pytest.raises(Refused, match="NOT_FOUND"):
            await of(striving, home, "VC1")
    assert (await of(striving, "P1", "VC1")).number == "P1"


async def test_every_sentence_is_in_both_languages_and_in_no_code(striving: Striving) -> None:
    """Of every household, before and after things have happened: Chinese in Chinese, no names of the program text."""
    await striving.verified("P1", "P3")
    await striving.stand("VC1", "P1", first=date(2021, 3, 21))
    striving.on(LEADING, today=date(2021, 9, 20))
    clean(await striving.apply("G1", "P1", "P2", "P3"))
    codes = re.compile(r"[a-z]+_[a-z]+|#|\{|None|UUID|Outcome|fenjin", re.ASCII)
    seen = 0
    for home in ("P1", "P2", "P3", "G1", "H1", "H3", "H4"):
        answer = await of(striving, home)
        for one in answer.periods:
            said = [
                one.receipt.summary, *one.fails, *one.could, *one.together, *one.apart, *one.in_the_way, *one.taken,
                *(own.text for own in one.payments), *one.waits, *sentences(one.receipt.took_part),
            ]  # fmt: skip
            for saying in said:
                seen += 1
                assert re.search(r"[一-鿿]", saying.zh), saying
                assert re.search(r"[A-Za-z]", saying.en), saying
                assert not codes.search(saying.zh), saying
                assert not codes.search(saying.en), saying
                assert not re.search(r"[一-鿿]", re.sub(r"\(.*?\)+|\S*实施方案\S*|二\S*", "", saying.en)), saying
    assert seen > 100


async def test_as_many_statements_for_one_household_as_for_all(striving: Striving) -> None:
    await striving.verified("P1", "P2", "P3")
    striving.on(LEADING, today=date(2021, 9, 20))
    clean(await striving.apply("G1", "P1", "P2", "P3"))
    clean(await striving.apply("G2", "P4", "P6", "H1"))
    await assessed(striving, "P1", "P2")
    rows = await striving.rows("select id, number from household order by number")
    who = striving.who("C1")

    async def count(chosen: list[Any]) -> tuple[int, int]:
        with Statements(striving.database) as statements:
            async with striving.database.session(who.scope, reading=True) as session:
                found = await year.answers_in(
                    session, who, striving.plugins.programmes.values(), {row.id: row.number for row in chosen}, 2021
                )
        return len(statements), len(found)

    # One of each kind: with a case that is accounted, with one that is not, with others that take part, without any.
    few = await count([row for row in rows if row.number in ("P1", "G1", "H2")])
    assert few[1] == 3
    assert await count(rows) == (few[0], 16)
    assert few[0] <= 50


# --- receipts -------------------------------------------------------------------------------------------------


async def receipt(striving: Striving, home: str) -> Any:
    who = striving.who("C1")
    ground = await striving.ground(who)
    async with striving.database.session(who.scope) as session:
        return await why(session, who, ground, home)


async def test_a_receipt_names_the_stage_of_each_result_the_latest_first(striving: Striving) -> None:
    """P3 misses the income line by one yuan: at the verification it is not tested, at the final acceptance it is."""
    await striving.verified("P3")
    await striving.stand("VC1", "P3", first=date(2021, 3, 21))
    clean(await striving.act("VC1", acts.conclude, Selection(numbers=["P3"])))
    only_one = await receipt(striving, "P3")
    assert (only_one.decided_at.zh, only_one.payable, only_one.earlier) == ("项目核实", 480_000, ())
    async with striving.database.owner() as connection:
        await connection.execute(text("set role none"))
        await connection.execute(text("update case_file set stage = 'final', since = '2021-09-20'"))
    striving.today = date(2021, 9, 30)
    clean(await striving.act("C1", acts.account, Selection(numbers=["P3"])))
    last = await receipt(striving, "P3")
    assert (last.decided_at.zh, last.outcome, last.payable) == ("最终验收", Outcome.REFUSED, 0)
    (missed,) = [line for line in last.lines if line.met is False]
    assert missed.misses[-1].by == 100
    (before,) = last.earlier
    assert (before.decided_at.zh, before.outcome, before.payable) == ("项目核实", Outcome.ELIGIBLE, 480_000)
    assert before.summary == Text(
        "此前的核算结果:符合条件,应发 4,800.00 元", "An earlier result: Eligible; 4,800.00 yuan is due"
    )
    assert [line.met for line in before.lines if line.met is not None] == [True] * 4


async def test_a_receipt_says_who_counted_and_why_somebody_did_not(striving: Striving) -> None:
    striving.on(LEADING, today=date(2021, 9, 20))
    clean(await striving.apply("G1", "P1", "P2", "P3", "P4", "H1", "P6"))
    await answered(striving, "G1", "P1", "P2", "P3", "H1")
    await striving.answer("VC1", "G1", "P6", agreed=False)
    await striving.vouch("L1", "G1", "P6", vouched=False)
    striving.today = date(2021, 9, 30)
    found = await receipt(striving, "G1")
    told = {one.number: (one.counted, [text.zh for text in one.why_not]) for one in found.took_part}
    assert told == {
        "P1": (True, []),
        "P2": (True, []),
        "P3": (
            False,
            [
                "稳定性纯收入 17,999.00 元,4 人按“被带动户年人均稳定性纯收入标准”4,500.00 元 应达 18,000.00 元,差 1.00 元"
            ],
        ),
        "P4": (False, ["该户尚未签字认可", "联户干部尚未核实"]),
        "H1": (
            False,
            ["稳定性纯收入 0.00 元,2 人按“被带动户年人均稳定性纯收入标准”4,500.00 元 应达 9,000.00 元,差 9,000.00 元"],
        ),
        "P6": (False, ["该户不认可", "联户干部核实不属实"]),
    }
    assert {one.role.zh for one in found.took_part} == {"被带动贫困户"}
    waits = (await in_period(striving, "G1", LEADING)).waits
    assert waits[0].zh == "有 1 户参与户尚未签字认可或尚未核实"


async def test_who_counted_is_told_as_it_was_known_then(striving: Striving) -> None:
    """P2 counted; its income was corrected after. The receipt still says that it counted."""
    striving.on(LEADING, today=date(2021, 9, 20))
    clean(await striving.apply("G1", "P1", "P2", "P6"))
    await answered(striving, "G1", "P1", "P2", "P6")
    striving.today = date(2021, 9, 30)
    clean(await striving.act("C1", acts.account, Selection(numbers=["G1"])))
    striving.today = date(2021, 10, 5)
    line = "户编号,日期,收入类别,项目,总收入,成本,是否稳定\nP2,2021-06-01,务工,务工收入,1001,1000,是\n"
    assert (await striving.bring("income", line, "R1")).result["tallies"]["income line"]["changed"] == 1
    found = await receipt(striving, "G1")
    assert {one.number: one.counted for one in found.took_part} == {"P1": True, "P2": True, "P6": True}
    assert dict(found.facts)[Text("带动达标贫困户数", "led households that reach the standard")].zh == "3"


# --- before payment -------------------------------------------------------------------------------------------


async def in_the_way(striving: Striving, lacking: bool = False) -> dict[str, Problem]:
    who = striving.who("C2")
    ground = await striving.ground(who)
    rows = await striving.rows(
        "select c.id as case, c.household_id as household, c.person_id as person, h.number"
        " from case_file c join household h on h.id = c.household_id where c.programme = :code",
        code=striving.code,
    )
    with Statements(striving.database) as statements:
        async with striving.database.session(who.scope) as session:
            found = await exclusions.in_the_way(session, who, ground, rows)
    assert len(statements) == (5 if lacking else 3), "scope, one exclusion, heads; members and numbers of who lacks one"
    return {row.number: found[row.case] for row in rows if row.case in found}


async def test_what_stands_in_the_way_of_paying(striving: Striving) -> None:
    """P1 lost its head, P2 its one member; P3 has a case in the other award as well; nothing is wrong with P4."""
    await striving.verified("P1", "P2", "P3", "P4")
    assert await in_the_way(striving) == {}
    async with striving.database.owner() as connection:
        await connection.execute(text("set role none"))
        await connection.execute(
            text(
                "update membership m set valid_to = '2021-03-20' from household h where h.id = m.household_id and"
                " (h.number = 'P2' or (h.number = 'P1' and m.relation = 'head'))"
            )
        )
        await connection.execute(
            text(
                "insert into case_file (tenant_id, id, programme, period, edition_id, number, household_id, division, stage,"
                " version, round, since, opened_on, stated) select c.tenant_id, gen_random_uuid(), 'consolidation',"
                " '2021', e.id, c.number, c.household_id, c.division, 'in_place', 1, 0, c.since, c.opened_on, '{}' from case_file"
                " c join household h on h.id = c.household_id, edition e where h.number = 'P3' and"
                " e.programme = 'consolidation'"
            )
        )
    found = await in_the_way(striving, lacking=True)
    assert {number: problem.code.name for number, problem in found.items()} == {
        "P1": "NO_HEAD",
        "P2": "NO_MEMBERS",
        "P3": "EXCLUDED",
    }
    assert found["P1"].message.zh == "户 P1 在2021年3月20日没有登记户主(户主已故或已离户)"
    striving.today = date(2021, 3, 19)
    assert set(await in_the_way(striving)) == {"P3"}, "on the day before, both were there"
