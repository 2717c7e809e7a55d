"""已发待核: what was paid and would come out differently now, by which clause, which fact, since when, by how much."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import openpyxl
import pytest
from sqlalchemy import text

from bangfu.access import CHINA
from bangfu.cases import acts, overpaid, paying
from bangfu.cases.overpaid import Overpaid, TownshipOverpaid
from bangfu.cases.views import Selection
from bangfu.errors import Refused
from bangfu.rules import Outcome
from tests.core.test_missed import read
from tests.core.test_payments import do, make, ready
from tests.county import T1, T2, Statements, World, clean, roster
from tests.stories import remembered
from tests.striving import EXIT, Striving
from tests.striving import roster as families

KNOWN = date(2021, 11, 5)


@remembered
async def paid(world: World) -> None:
    """Everything that is due has been paid."""
    await ready(world)
    await pay(world)


async def pay(world: World) -> None:
    batch = await make(world)
    await do(world, "FM", paying.check_batch, batch.id)
    await do(world, "FI", paying.release_batch, batch.id)


async def corrected(world: World, line: str) -> None:
    world.today = KNOWN
    status = await world.bring("income", f"户编号,日期,收入类别,项目,总收入\n{line}\n", "R1")
    assert status.result["tallies"]["income line"]["changed"] == 1


async def listed(world: World, number: str = "C1", **options: Any) -> dict[str, Overpaid]:
    found = await read(world, overpaid.page, number, 100, **options)
    assert not found.more
    return {one.number: one for one in found.found}


async def test_nothing_has_changed_and_nothing_is_on_the_list(world: World) -> None:
    await paid(world)
    assert await listed(world) == {}
    assert await read(world, overpaid.figures) == [
        TownshipOverpaid(T1, "东镇", paid=3),
        TownshipOverpaid(T2, "西镇", paid=1),
    ]


async def test_less_income_than_was_known_makes_a_difference_to_the_fen(world: World) -> None:
    """H2 was paid 20 % of 5,000, 15 % of 2,000 and 10 % of 9,000; of breeding it was 1,234.50 only."""
    await paid(world)
    before = await world.snapshot()
    await corrected(world, "H2,2021-03-01,养殖,养殖项目,1234.50")
    ledger = await world.rows("select count(*) from income_line")
    one = (await listed(world))["H2"]
    assert (one.paid_fen, one.right_fen, one.difference_fen) == (220_000, 144_690, 75_310)
    (again,) = one.again
    assert (again.stage.zh, again.was, again.was_fen, again.now, again.now_fen) == (
        "收入核算",
        Outcome.ELIGIBLE,
        220_000,
        Outcome.ELIGIBLE,
        144_690,
    )
    (change,) = again.changes
    assert (change.title.zh, change.was.zh, change.now.zh) == ("养殖业总收入", "5,000.00 元", "1,234.50 元")
    assert change.known_since is not None
    assert change.known_since.astimezone(CHINA).date() == KNOWN
    assert [line.cites for line in again.lines] == ["fenjin-2021#二(二)3"]
    assert "养殖业总收入由 5,000.00 元 变为 1,234.50 元(2021年11月5日起得知)" in overpaid.said(again).zh
    assert (
        "gross breeding income was 5,000.00 yuan, is 1,234.50 yuan (known since 5 November 2021)"
        in overpaid.said(again).en
    )
    # It is a list: no case, no amount and no line has changed.
    after = await world.snapshot()
    assert {**before, "income_line": ledger[0][0]} == after


async def test_more_income_is_too_little_paid_and_above_the_cap_is_nothing(world: World) -> None:
    await paid(world)
    await corrected(world, "H5,2021-03-01,自主经营,自主经营项目,20000")
    await corrected(world, "H1,2021-03-01,养殖,养殖项目,9000")
    found = await listed(world)
    assert {number: one.difference_fen for number, one in found.items()} == {"H5": -50_000}, "H1 had 3,000 already"
    assert await read(world, overpaid.figures) == [
        TownshipOverpaid(T1, "东镇", 3, 1, 0, 0, 0, 50_000),
        TownshipOverpaid(T2, "西镇", 1, 0, 0, 0, 0, 0),
    ]


async def test_a_clause_that_fails_now_and_one_that_cannot_be_told(world: World) -> None:
    """H1 left poverty in 2015 by what is known now, which the plan does not cover; of H5 the year is not known."""
    await paid(world)
    world.today = KNOWN
    raw = roster().replace("H1,东镇,甲村,一组,已脱贫户,2017", "H1,东镇,甲村,一组,已脱贫户,2015")
    assert (await world.bring("households", raw, "R1")).state == "done"
    async with world.database.owner() as connection:
        await connection.execute(text("set role none"))
        await connection.execute(
            text(
                "update standing set exit_year = null where household_id = (select id from household where"
                " number = 'H5')"
            )
        )
    found = await listed(world)
    one = found["H1"]
    assert (one.refused, one.paid_fen, one.right_fen, one.difference_fen) == (True, 300_000, 0, 300_000)
    (again,) = one.again
    assert [(line.cites, line.met, line.misses[0].by) for line in again.lines] == [("fenjin-2021#二(二)1", False, 1)]
    (change,) = again.changes
    assert (change.was.zh, change.now.zh) == ("2017", "2015")
    assert change.known_since is not None
    assert change.known_since.astimezone(CHINA).date() == KNOWN
    unclear = found["H5"]
    assert (unclear.again[0].now, unclear.right_fen, unclear.difference_fen) == (Outcome.INCOMPLETE, None, None)
    assert next((line.cites, line.met) for line in unclear.again[0].lines) == ("fenjin-2021#二(二)1", None)
    assert unclear.again[0].changes[0].known_since is None, "no entry of the register says since when"
    assert (await read(world, overpaid.figures))[0] == TownshipOverpaid(T1, "东镇", 3, 2, 1, 1, 300_000, 0)


async def test_pages_and_who_sees_them(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.invite()
    await paid(world)
    for line in (
        "H1,2021-03-01,养殖,养殖项目,1",
        "H2,2021-03-01,养殖,养殖项目,1",
        "H7,2021-03-01,种植,种植项目,1",
    ):
        await corrected(world, line)
    assert sorted(await listed(world)) == ["H1", "H2", "H7"]
    assert sorted(await listed(world, "VC1")) == ["H1", "H2"]
    assert sorted(await listed(world, "HB")) == ["H7"]
    assert sorted(await listed(world, area=(T2, T2 + 999))) == ["H7"]
    with pytest.raises(Refused, match="FORBIDDEN"):
        await listed(world, "E1")
    for part in (1, 2, 100):
        monkeypatch.setattr(overpaid, "PART", part)
        pages, after = [], None
        while True:
            page = await read(world, overpaid.page, "C1", 1, after)
            pages += [one.number for one in page.found]
            after = page.last
            if not page.more:
                break
        assert pages == ["H1", "H2", "H7"]


async def test_as_many_statements_for_one_as_for_four(world: World) -> None:
    await paid(world)

    async def count() -> tuple[int, int]:
        who = world.who("C1")
        ground = await world.ground(who)
        with Statements(world.database) as statements:
            async with world.database.session(who.scope, reading=True) as session:
                page = await overpaid.page(session, who, ground, 100)
        return len(statements), len(page.found)

    await corrected(world, "H1,2021-03-01,养殖,养殖项目,1")
    assert await count() == (11, 1)
    await corrected(world, "H2,2021-03-01,养殖,养殖项目,1")
    await corrected(world, "H7,2021-03-01,种植,种植项目,1")
    assert await count() == (11, 3)


async def test_the_workbook_is_the_list_and_on_record(world: World) -> None:
    await paid(world)
    await corrected(world, "H2,2021-03-01,养殖,养殖项目,1234.50")
    who = world.who("C1")
    ground = await world.ground(who)
    async with world.database.session(who.scope) as session:
        with pytest.raises(Refused, match="REASON_NEEDED"):
            await overpaid.sheet(session, who, ground, " ")
        data = await overpaid.sheet(session, who, ground, "清退核实")
    rows = list(openpyxl.load_workbook(io.BytesIO(data))["已发待核"].iter_rows(min_row=5, values_only=True))
    assert rows[0][:8] == (1, "东镇", "甲村", "H2", "测2户主", 2200, 1446.9, 753.1)
    assert str(rows[0][8]).startswith("“收入核算”该户奖补金额(fenjin-2021#二(二)3):1,446.90 元,养殖业总收入由")
    assert rows[1][5:8] == (2200, 1446.9, 753.1)
    audited = await world.rows("select object, reason, data from audit_entry where action = 'export_lists'")
    assert [tuple(row) for row in audited] == [
        ("overpaid/consolidation/2021", "清退核实", {"rows": 1, "personal": ["head"]})
    ]


async def test_an_instalment_that_was_paid_is_weighed_by_its_own_share(striving: Striving) -> None:
    """P1 was paid 30 % for four members; it had three when its plan was made: 1,440 yuan were paid for 1,080."""
    await striving.verified("P1")
    await striving.stand("VC1", "P1", first=date(2021, 3, 21))
    clean(await striving.act("VC1", acts.conclude, Selection(numbers=["P1"])))
    striving.today = date(2021, 4, 2)
    await pay(striving)
    assert await listed(striving) == {}
    striving.today = date(2021, 5, 6)
    raw = "\n".join(
        f"{line},2021-01-25" if line.startswith("P1") and "进P13号" in line else f"{line},"
        for line in families().splitlines()[1:]
    )
    head = f"{families().splitlines()[0]},离户日期"
    status = await striving.bring("households", f"{head}\n{raw}\n", "R1")
    assert status.state == "done", status.result
    striving.on(EXIT)
    one = (await listed(striving))["P1"]
    assert (one.paid_fen, one.right_fen, one.difference_fen) == (144_000, 108_000, 36_000)
    (again,) = one.again
    assert (again.was_fen, again.now_fen) == (480_000, 360_000)
    told = {change.title.zh: (change.was.zh, change.now.zh) for change in again.changes}
    assert told == {"制定计划时人口": ("4", "3"), "核算时人口": ("4", "3")}
    assert {
        change.known_since.astimezone(CHINA).date() for change in again.changes if change.known_since is not None
    } == {date(2021, 5, 6)}
