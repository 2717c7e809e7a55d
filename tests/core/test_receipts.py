"""Why this amount, why not me: from what was stored, in both languages, and the same again when computed again."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import text

from bangfu.cases import receipts
from bangfu.cases.receipts import Receipt
from bangfu.cli.receipt import receipt_lines
from bangfu.errors import Refused
from bangfu.policy import Whose
from bangfu.programme import DatedBook
from bangfu.rules import Outcome
from bangfu.text import Text
from tests.county import SEPTEMBER, World


async def why(world: World, household: str, number: str = "C1") -> Receipt:
    who = world.who(number)
    ground = await world.ground(who)
    async with world.database.session(who.scope) as session:
        return await receipts.why(session, who, ground, household)


async def test_why_this_amount(world: World) -> None:
    await world.until("sample")
    receipt = await why(world, "H1")
    assert (receipt.outcome, receipt.payable, receipt.applied) == (Outcome.ELIGIBLE, 300_000, True)
    assert receipt.summary == Text("符合条件,应发 3,000.00 元", "Eligible; 3,000.00 yuan is due")
    assert receipt.facts_as_of == SEPTEMBER
    facts = {title.en: value.en for title, value in receipt.facts}
    assert facts["gross breeding income"] == "8,000.00 yuan"
    assert facts["planned projects"] == "small breeding"
    lines = {line.name: line for line in receipt.lines}
    assert [text_.zh for text_ in lines["before_cap"].arithmetic] == [
        "养殖业总收入 8,000.00 元 × 养殖业奖补比例 20% = 1,600.00 元",
        "种植业总收入 4,000.00 元 × 种植业奖补比例 15% = 600.00 元",
        "(务工总收入 20,000.00 元 + 自主经营总收入 0.00 元) × 务工及自主经营奖补比例 10% = 2,000.00 元",
        "合计 1,600.00 元 + 600.00 元 + 2,000.00 元 = 4,200.00 元",
    ]
    assert lines["award"].arithmetic[0].en == (
        "the smaller of: Shares of gross income, added up 4,200.00 yuan; cap per household 3,000.00 yuan"
        " → 3,000.00 yuan"
    )
    assert {line.cites for line in receipt.lines} == {
        "fenjin-2021#二(二)1", "fenjin-2021#二(二)2", "fenjin-2021#二(二)3"
    }  # fmt: skip
    authorities = {a.title.zh: (a.value.zh, a.whose, a.clause) for a in receipt.authorities}
    assert authorities["脱贫年度范围"] == ("2016—2019年", Whose.COUNTY, "二(二)1")
    assert authorities["每户奖补上限"] == ("3,000.00 元", Whose.PLAN, "二(二)3")
    assert [step.act.zh for step in receipt.history] == [
        "制定计划", "落实到位签字", "收入核算", "收入核算签字", "收入核算签字", "收入核算签字", "收入核算签字", "公示", "乡镇验收",
    ]  # fmt: skip


async def test_why_not_me_names_every_failing_clause_and_by_how_much(world: World) -> None:
    await world.until("notice")
    receipt = await why(world, "H3")
    assert receipt.summary.zh == "不符合条件,未满足:该户脱贫年度在方案范围内"
    (missed,) = [line for line in receipt.lines if line.met is False]
    ((miss),) = missed.misses
    assert (missed.cites, miss.what.en, miss.value.en, miss.needed.en, miss.by) == (
        "fenjin-2021#二(二)1", "year of leaving poverty", "2015", "2016–2019", 1
    )  # fmt: skip
    poor = await why(world, "H8")
    assert [line.name for line in poor.lines if line.met is False] == ["has_left_poverty"]
    without = await why(world, "H6")
    assert [line.misses[0].by for line in without.lines if line.met is False] == [1]


async def test_what_is_missing_is_named(world: World) -> None:
    await world.until("notice")
    receipt = await why(world, "H4")
    assert (receipt.outcome, receipt.payable) == (Outcome.INCOMPLETE, 0)
    assert receipt.summary == Text("资料不全,缺:脱贫年度", "Incomplete; missing: year of leaving poverty")
    assert [line.name for line in receipt.lines if line.result.en.startswith("unknown")] == ["left_in_a_covered_year"]


async def test_a_household_that_did_not_apply_learns_what_would_have_come_out(world: World) -> None:
    world.today = SEPTEMBER
    receipt = await why(world, "H1")
    assert (receipt.applied, receipt.stage, receipt.history) == (False, None, ())
    assert receipt.summary.zh == "该户未申报;若申报:资料不全,缺:计划项目"
    assert {line.name: line.result.zh for line in receipt.lines}["award"] == "3,000.00 元"
    assert await world.stages() == {}


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_the_page_of_a_receipt(world: World, language: Any) -> None:
    await world.until("sample")
    lines = receipt_lines(await why(world, "H3"), language)
    page = "\n".join(lines)
    expected = {
        "zh": ("脱贫年度为 2015,应为 2016—2019年,差 1 年", "✗ [fenjin-2021#二(二)1] 该户脱贫年度在方案范围内: 未满足", "数值依据:"),
        "en": ("year of leaving poverty is 2015, had to be 2016–2019, missed by 1 year", "not met", "who set them"),
    }[language]  # fmt: skip
    for part in expected:
        assert part in page


async def test_a_village_gets_no_answer_about_another_village(world: World) -> None:
    for household in ("H7", "H999"):
        with pytest.raises(Refused) as refused:
            await why(world, household, "VC1")
        (problem,) = refused.value.problems
        assert (problem.code.name, problem.message.zh) == ("NOT_FOUND", f"找不到:{household}")
    assert (await why(world, "H1", "VC1")).number == "H1"


async def test_the_answer_is_of_the_day_it_was_decided_on(world: World) -> None:
    """Facts that change later change no answer until the case is accounted again."""
    await world.until("notice")
    ledger = "户编号,日期,收入类别,项目,总收入\nH2,2021-03-01,养殖,养殖项目,1\n"
    assert (await world.bring("income", ledger, "R1")).result["tallies"]["income line"]["changed"] == 1
    receipt = await why(world, "H2")
    assert (receipt.payable, {title.zh: value.zh for title, value in receipt.facts}["养殖业总收入"]) == (
        220_000,
        "5,000.00 元",
    )


# --- replay ----------------------------------------------------------------------------------------------------


async def replayed(world: World, programme: Any = None) -> receipts.Replay:
    who = world.who("C1")
    async with world.database.session(who.scope) as session:
        return await receipts.replay(session, who, programme or world.programme, "2021")


async def test_everything_replays_to_the_fen(world: World) -> None:
    await world.until("notice")
    assert await replayed(world) == receipts.Replay(8, ())


@pytest.mark.parametrize(
    ("tampered", "said"),
    [
        ("payable_fen = payable_fen + 1", "outcome"),
        ("""step_values = jsonb_set(step_values, '{award}', '1')""", "award"),
        ("""facts = jsonb_set(facts, '{breeding}', '700000')""", "before_cap"),
    ],
    ids=["amount", "step", "fact"],
)
async def test_a_tampered_determination_is_found(world: World, tampered: str, said: str) -> None:
    await world.until("notice")
    async with world.database.owner() as connection:
        await connection.execute(text("set role none"))
        await connection.execute(
            text(
                f"update determination set {tampered} where case_id = (select c.id from case_file c join household h"
                " on h.id = c.household_id where h.number = 'H2')"
            )
        )
    result = await replayed(world)
    assert (result.same, len(result.faults)) == (7, 1)
    assert said in result.faults[0][1]


async def test_a_book_that_is_gone_or_changed_is_a_fault_and_nothing_is_decided_by_another(world: World) -> None:
    await world.until("notice")
    programme = world.programme
    moved = replace(programme, books=(DatedBook(date(2020, 9, 1), programme.books[0].rules),))
    result = await replayed(world, moved)
    assert (result.same, len(result.faults)) == (0, 8)
    assert "BOOK_MISSING" in result.faults[0][1]
    async with world.database.owner() as connection:
        await connection.execute(text("set role none"))
        await connection.execute(text("update edition set book_version = 'x'"))
    before = await world.snapshot()
    with pytest.raises(Refused) as refused:
        await world.ground()
    assert refused.value.problems[0].code.name == "BOOK_MISSING"
    assert await world.snapshot() == before


# --- editions --------------------------------------------------------------------------------------------------


async def test_provisions_released_later_make_an_edition_and_move_only_what_is_accounted_again(world: World) -> None:
    await world.until("notice")
    world.today = SEPTEMBER
    provision = {
        "title": "提高标准的通知",
        "number": "测政办〔2021〕9号",
        "issued": date(2021, 9, 1),
        "parameters": {"household_cap": [{"since": date(2020, 10, 1), "value": "4000.00", "clause": "一"}]},
    }
    await world.open_period(provision)
    ground = await world.ground()
    assert sorted(rules.number for rules in ground.editions.values()) == [1, 2]
    assert (await why(world, "H1")).payable == 300_000
    # Cases at the notice keep their result; those still at the accounting or refused follow the new edition.
    status = await world.account()
    assert (status.result["done"], status.result["unchanged"]) == (4, 0)
    cases = await world.cases()
    assert {number: case.rules.number for number, case in cases.items()} == {
        "H1": 1, "H2": 1, "H3": 2, "H4": 2, "H5": 1, "H6": 2, "H7": 1, "H8": 2,
    }  # fmt: skip
    assert await replayed(world) == receipts.Replay(12, ())


async def test_opening_again_without_a_change_makes_no_edition(world: World) -> None:
    from bangfu.cases import ground as grounds

    who = world.who("C1")
    before = await world.snapshot()
    async with world.database.session(who.scope) as session:
        rules = await grounds.open_period(session, who, world.programme, "2021")
    assert rules.number == 1
    assert await world.snapshot() == before
