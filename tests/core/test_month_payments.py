"""What is paid every month, on paper and to the household: the lists to sign and for the bank, what became of a
household's money, its year, the register, and who sees which months."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date
from typing import Any

import openpyxl
import pytest
from sqlalchemy import text

from bangfu import payments
from bangfu.access import Action
from bangfu.cases import correcting, month_receipts, overview, year
from bangfu.cases.month_receipts import Month
from bangfu.cases.views import Selection, Stated
from bangfu.db import Scope
from bangfu.errors import Refused
from bangfu.models import WALLS
from bangfu.payments import Batch, Step
from bangfu.process import RestCause
from bangfu.text import Text
from tests.core.test_money import bank_file, keep
from tests.core.test_months import sound
from tests.core.test_register import added_up, tables
from tests.core.test_walls import OWN_HOUSEHOLD
from tests.county import T1, T2, V1, clean
from tests.stories import remembered
from tests.subsidies import Subsidies


@remembered
async def april(subsidies: Subsidies) -> None:
    """Three persons are paid from January on. In April it is known that the certificate of D1-02 had expired in January
    and that he has another since April; that D1-01 has been of the second level since March; and that D4-01 has been of
    the first level since February. What each is due for April, less what is set off: 40, nothing of 100, and 100."""
    await subsidies.granted()
    for month in (1, 2, 3):
        await subsidies.decide(month)
        await subsidies.pay(month)
    subsidies.today = date(2021, 4, 2)
    own: dict[str, Any] = {"generation": 2}
    await subsidies.holds("D1-02", "certificate", date(2020, 1, 1), date(2021, 1, 15), level=2, **own)
    await subsidies.holds("D1-02", "certificate", date(2021, 4, 1), level=1, **own)
    await subsidies.holds("D1-01", "certificate", date(2021, 3, 1), level=2, **own)
    await subsidies.holds("D4-01", "certificate", date(2021, 2, 1), level=1, **own)
    await subsidies.decide(4)
    await subsidies.pay(4)


async def batch_of(subsidies: Subsidies, number: int) -> Batch:
    """A batch by its number."""
    who = subsidies.who("C1")
    async with subsidies.database.session(who.scope) as session:
        found = await payments.batches(session, who, subsidies.code, subsidies.period)
    return found[number - 1]


async def listed(subsidies: Subsidies, batch: Batch) -> list[tuple[Any, ...]]:
    """The rows of the workbook to sign: number on the list, amount in yuan, note."""
    who = subsidies.who("FI")
    channel = subsidies.plugins.channels["yikatong"]
    async with subsidies.database.session(who.scope) as session:
        data = await payments.payment_list(
            session, who, subsidies.vault, subsidies.programme, channel, batch.id, "拨付"
        )
    book = openpyxl.load_workbook(io.BytesIO(data))
    rows = [row for row in book["发放名册"].iter_rows(values_only=True) if isinstance(row[0], int)]
    names = [name for name, _ in channel.columns]
    places = [names.index(name) for name in ("position", "amount", "note")]
    above = [str(row[0]) for row in book["汇总"].iter_rows(values_only=True, max_row=3)]
    return [tuple(row[place] for place in places) for row in rows] + [("", "", " ".join(above))]


async def files(subsidies: Subsidies) -> list[tuple[Any, ...]]:
    """What is on record of files that left: how many payments, and how much in fen."""
    return [
        tuple(row) for row in await subsidies.rows("select count, total_fen from payment_file order by made_at, id")
    ]


# --- lists ----------------------------------------------------------------------------------------------------


async def test_the_list_to_sign_says_the_month_what_is_arrears_and_what_was_set_off(subsidies: Subsidies) -> None:
    await april(subsidies)
    *rows, (_, _, above) = await listed(subsidies, await batch_of(subsidies, 4))
    assert rows == [
        (1, 40, "受益人:残D10号(D1-01);2021-04;抵扣30.00元"),
        (2, 0, "受益人:残D11号(D1-02);2021-04;抵扣100.00元"),
        (3, 30, "受益人:残D40号(D4-01);2021-02;补发2月"),
        (4, 30, "受益人:残D40号(D4-01);2021-03;补发3月"),
        (5, 100, "受益人:残D40号(D4-01);2021-04"),
    ]
    assert "截至 4 月" in above
    assert "笔数:5" in above
    assert await files(subsidies) == [(5, 20_000)]
    await sound(subsidies)


async def test_the_bank_is_told_nothing_of_what_was_set_off_whole(subsidies: Subsidies) -> None:
    await april(subsidies)
    await keep(subsidies, rows_per_file=5_000, columns=(("position", "序号"), ("account", "账号"), ("amount", "金额")))
    _, data = await bank_file(subsidies, await batch_of(subsidies, 4))
    assert data.decode("gb18030").split("\r\n") == [
        "序号|账号|金额", "1|990000000031000|40.00", "3|990000000031003|30.00", "4|990000000031003|30.00",
        "5|990000000031003|100.00", "",
    ]  # fmt: skip
    assert await files(subsidies) == [(4, 20_000)]
    await sound(subsidies)


async def test_a_batch_of_which_all_is_set_off_comes_to_no_row(subsidies: Subsidies) -> None:
    await subsidies.granted("disability_care", ("D4-01",))
    for month in (1, 2):
        await subsidies.decide(month)
        await subsidies.pay(month)
    subsidies.today = date(2021, 3, 2)
    await subsidies.holds("D4-01", "certificate", date(2020, 1, 1), date(2021, 1, 1), level=2, generation=2)
    await subsidies.holds("D4-01", "certificate", date(2021, 3, 1), level=2, generation=2)
    await subsidies.decide(3)
    batch = await subsidies.pay(3)
    assert (batch.count, batch.total_fen) == (1, 0)
    await keep(subsidies)
    name, data = await bank_file(subsidies, batch)
    assert (name, data.decode("gb18030")) == (
        "代发-disability_care-2021-第3批.txt", "序号|户名|账号|金额|户编号\r\n",
    )  # fmt: skip
    assert await files(subsidies) == [(0, 0)]
    await sound(subsidies)


# --- what became of it ------------------------------------------------------------------------------------------


async def trail(subsidies: Subsidies, household: str) -> list[Step]:
    who = subsidies.who("C1")
    async with subsidies.database.session(who.scope) as session:
        return await payments.trail(session, who, household, [subsidies.code])


async def test_what_was_set_off_is_a_step_on_either_side(subsidies: Subsidies) -> None:
    await april(subsidies)
    steps = [
        (own.kind, own.amount_fen, own.instalment, own.batch, own.words)
        for own in await trail(subsidies, "D1")
        if own.kind in ("set_off", "settled", "recovery") or (own.batch == 4 and own.kind == "paid")
    ]
    assert sorted(steps) == sorted([
        ("recovery", -3_000, 3, None, "月度核定"),
        ("recovery", -7_000, 2, None, "月度核定"),
        ("recovery", -7_000, 3, None, "月度核定"),
        ("paid", 4_000, 4, 4, "残D10号"),
        ("paid", 0, 4, 4, "残D10号"),
        ("set_off", 3_000, 4, 4, "2021-03"),
        ("set_off", 7_000, 4, 4, "2021-02"),
        ("set_off", 3_000, 4, 4, "2021-03"),
        ("settled", 3_000, 3, 4, "2021-04"),
        ("settled", 7_000, 2, 4, "2021-04"),
        ("settled", 3_000, 3, 4, "2021-04"),
    ])  # fmt: skip
    assert [own.kind for own in await trail(subsidies, "D4") if own.kind in ("set_off", "settled")] == []


async def test_what_a_cancelled_batch_would_have_set_off_is_no_step(subsidies: Subsidies) -> None:
    await subsidies.granted()
    await subsidies.decide(1)
    await subsidies.pay(1)
    await subsidies.holds("D1-01", "certificate", date(2020, 1, 1), level=2, generation=2)
    await subsidies.decide(2)
    made = await subsidies.gather(2)
    assert made.batch is not None
    assert [own.kind for own in await trail(subsidies, "D1") if own.kind in ("set_off", "settled")] == []
    await subsidies.finish(made.batch)
    assert [own.kind for own in await trail(subsidies, "D1") if own.kind in ("set_off", "settled")] == [
        "set_off", "settled",
    ]  # fmt: skip


# --- the year of a household ------------------------------------------------------------------------------------


async def year_of(subsidies: Subsidies, household: str, number: str = "C1") -> year.YearAnswer:
    who = subsidies.who(number)
    async with subsidies.database.session(who.scope) as session:
        return await year.why_in(session, who, [subsidies.programme], household, 2021)


async def test_the_year_of_a_household_tells_its_months(subsidies: Subsidies) -> None:
    await april(subsidies)
    await subsidies.decide(5)
    answer = await year_of(subsidies, "D1")
    first, second = answer.periods
    assert [month.text.en for month in first.months] == [
        "month 1 of 2021: 100.00 yuan due, 100.00 yuan paid",
        "month 2 of 2021: 100.00 yuan due, 100.00 yuan paid",
        "month 3 of 2021: 70.00 yuan due, 100.00 yuan paid",
        "month 4 of 2021: 70.00 yuan due, 70.00 yuan paid",
        "month 5 of 2021: 70.00 yuan due, 0.00 yuan paid",
    ]
    assert [month.due_fen for month in second.months] == [7_000, 0, 0, 10_000, 10_000]
    assert (first.payments, second.payments) == ((), ())
    # 300 and 40 for the one, 210 and nothing for the other; May is still to be paid.
    assert (answer.paid_fen, answer.due_fen) == (55_000, 17_000)


async def test_the_year_says_why_nothing_is_due(subsidies: Subsidies) -> None:
    await subsidies.granted()
    await subsidies.decide(1)
    subsidies.today = date(2021, 1, 20)
    stated = Stated(reason="羁押", evidence="通知")
    chosen = Selection(numbers=["D4-01"])
    clean(await subsidies.act("K2", correcting.pause, chosen, stated=stated, cause=RestCause.CUSTODY))
    await subsidies.decide(2)
    (own,) = (await year_of(subsidies, "D4")).periods
    assert [month.text.zh for month in own.months] == [
        "2021年1月:应发 70.00 元,已发 0.00 元", "2021年2月:应发 0.00 元,已发 0.00 元,停发:服刑羁押",
    ]  # fmt: skip


# --- the register -------------------------------------------------------------------------------------------------


async def test_the_register_says_which_months_were_paid_and_the_sum(subsidies: Subsidies) -> None:
    await april(subsidies)
    registered, summary = await tables(subsidies)
    header = registered[0]
    wanted = ("人编号", "核定金额(元)", "发放月数", "发放月份", "抵扣(元)", "已发合计(元)", "已追回(元)")
    places = [header.index(name) for name in wanted]
    assert [tuple(row[place] for place in places) for row in registered[1:-1]] == [
        ("D1-01", 340, 4, "1、2、3、4", 30, 340, None),
        ("D1-02", 170, 4, "1、2、3、4", 100, 210, None),
        ("D4-01", 370, 4, "1、2、3、4", None, 370, None),
    ]
    head = summary[0]
    places = [head.index(name) for name in ("乡镇", "核定金额(元)", "发放(人月)", "抵扣(元)", "已发合计(元)")]
    assert [tuple(row[place] for place in places) for row in summary[1:-1]] == [
        ("东镇", 510, 8, 130, 550), ("西镇", 370, 4, 0, 370),
    ]  # fmt: skip
    added_up(summary)
    paid = await subsidies.rows("select sum(total_fen) from payment_batch where released_at is not null")
    assert paid[0][0] == 55_000 + 37_000


# --- who sees which months ----------------------------------------------------------------------------------------


async def test_a_household_sees_its_own_months_and_no_others(subsidies: Subsidies) -> None:
    await april(subsidies)
    (home,) = (await subsidies.rows("select id from household where number = 'D1'"))[0]
    officer = subsidies.who("L1").actor.id
    own = Scope(subsidies.tenant.id, (), officer, reach=((V1, V1),), households=(home,), staff=True)
    nothing = Scope(subsidies.tenant.id, (), officer, reach=((V1, V1),), staff=True)
    other = Scope(subsidies.tenant.id + 1, ((0, 10**12),), officer, staff=True)
    for table, count in (("month_decision", 11), ("payment_setoff", 3)):
        rule = OWN_HOUSEHOLD[WALLS[table].own]  # type: ignore[index]
        of = f"select md5(t::text) from {table} t"
        expected = sorted(row[0] for row in await subsidies.rows(f"{of} where {rule}", home=home))
        assert len(expected) == count
        async with subsidies.database.session(own) as session:
            assert sorted((await session.execute(text(of))).scalars()) == expected
        for scope in (nothing, other):
            async with subsidies.database.session(scope) as session:
                assert (await session.execute(text(of))).all() == []
    async with subsidies.database.session(nothing) as session:
        assert (await session.execute(text("select 1 from month_run"))).all() == []


async def told_to(subsidies: Subsidies, number: str, person: str) -> tuple[Month, ...]:
    who = subsidies.who(number)
    ground = await subsidies.ground(who)
    async with subsidies.database.session(who.scope) as session:
        return await month_receipts.told_of(session, who, ground, person)


async def test_months_are_told_to_who_works_for_the_household_alone(subsidies: Subsidies) -> None:
    await april(subsidies)
    assert [month.number for month in await told_to(subsidies, "L1", "D1-02")] == [1, 2, 3, 4]
    for number in ("L2", "L3", "K2", "VC3"):
        with pytest.raises(Refused, match="NOT_FOUND"):
            await told_to(subsidies, number, "D1-02")
    assert Action.READ_CASES in subsidies.who("L2").permissions


async def test_months_are_told_as_they_were_on_record(subsidies: Subsidies) -> None:
    await april(subsidies)
    who = subsidies.who("C1", date(2021, 4, 10))
    ground = await subsidies.ground(who)
    then = subsidies.who("C1", date(2021, 3, 20)).at.now
    async with subsidies.database.session(who.scope) as session:
        now = await month_receipts.told_of(session, who, ground, "D1-02")
        before = await month_receipts.told_of(session, who, ground, "D1-02", then)
        with pytest.raises(Refused, match="DAY_IN_FUTURE"):
            await month_receipts.told_of(session, who, ground, "D1-02", subsidies.who("C1", date(2021, 5, 1)).at.now)
        with pytest.raises(Refused, match="NOT_FOUND"):
            await month_receipts.told_of(session, who, ground, "D2-01")
    assert [(month.due_fen, month.paid_fen) for month in before] == [(7_000, 7_000)] * 3
    assert [(month.due_fen, month.paid_fen) for month in now] == [(7_000, 7_000), (0, 7_000), (0, 7_000), (10_000,) * 2]
    # What was to be paid back of February and March and was set off in April was not on record in March.
    assert [[line.set_off_fen for line in month.lines] for month in now] == [[0], [0, 7_000], [0, 3_000], [10_000]]
    assert [[line.set_off_fen for line in month.lines] for month in before] == [[0]] * 3


async def test_what_was_paid_back_by_hand_is_told_with_what_was_set_off(subsidies: Subsidies) -> None:
    await april(subsidies)
    # Of the seventy of March that D1-02 is to pay back, thirty were set off in April.
    ((march,),) = await subsidies.rows(
        "select e.id from entitlement e join case_file c on c.id = e.case_id"
        " where c.number = 'D1-02' and e.kind = 'recovery' and e.instalment = 3"
    )
    for day, fen in ((20, 1_500), (22, 2_500)):
        subsidies.today = date(2021, 4, day)
        who = subsidies.who("FI")
        async with subsidies.database.session(who.scope) as session:
            await payments.repay(session, who, march, fen, who.at.today, f"P-{day}")
    who = subsidies.who("C1", date(2021, 4, 25))
    ground = await subsidies.ground(who)
    told = []
    async with subsidies.database.session(who.scope) as session:
        for day in (19, 21, 25):
            then = subsidies.who("C1", date(2021, 4, day)).at.now
            line = (await month_receipts.told_of(session, who, ground, "D1-02", then))[2].lines[1]
            told.append((line.set_off_fen, line.repaid_fen, line.text))
    assert told == [
        (3_000, 0, Text("追回 70.00 元:已抵扣 30.00 元", "recovery 70.00 yuan: 30.00 yuan of it set off")),
        (3_000, 1_500, Text(
            "追回 70.00 元:已抵扣 30.00 元,已退回 15.00 元",
            "recovery 70.00 yuan: 30.00 yuan of it set off, 15.00 yuan of it paid back",
        )),
        (3_000, 4_000, Text(
            "追回 70.00 元:已抵扣 30.00 元,已退回 40.00 元",
            "recovery 70.00 yuan: 30.00 yuan of it set off, 40.00 yuan of it paid back",
        )),
    ]  # fmt: skip
    alone = replace(line, set_off_fen=0, repaid_fen=7_000)
    assert alone.text == Text("追回 70.00 元:已退回 70.00 元", "recovery 70.00 yuan: 70.00 yuan of it paid back")
    await sound(subsidies)


async def test_a_payment_that_came_back_is_paid_again_less_what_was_set_off(subsidies: Subsidies) -> None:
    await april(subsidies)
    subsidies.today = date(2021, 4, 20)
    ((line,),) = await subsidies.rows(
        "select l.id from payment_line l join payment_batch b on b.id = l.batch_id where b.number = 4 and l.position = 1"
    )
    who = subsidies.who("FI")
    async with subsidies.database.session(who.scope) as session:
        await payments.record_return(session, who, line, subsidies.today, "账号有误", "回单")
    (own, _) = (await year_of(subsidies, "D1")).periods
    assert [(month.due_fen, month.paid_fen, month.open_fen) for month in own.months][3] == (7_000, 3_000, 4_000)
    registrar = subsidies.who("R1", date(2021, 4, 21))
    async with subsidies.database.session(registrar.scope) as session:
        await payments.correct_account(
            session, registrar, subsidies.vault, "D1", "残D10号", "测试银行", "990000000039999", "更正", "存折"
        )
    await subsidies.decide(5)
    await subsidies.pay(5)
    (own, _) = (await year_of(subsidies, "D1")).periods
    assert [(month.due_fen, month.paid_fen, month.open_fen) for month in own.months][3] == (7_000, 7_000, 0)
    assert [line.text.zh for line in own.months[3].lines] == [
        "应发 70.00 元:退票", "应发 70.00 元:2021年5月10日拨付 40.00 元",
    ]  # fmt: skip
    registered, _ = await tables(subsidies)
    (row,) = (row for row in registered if "D1-01" in row)
    place = registered[0].index("抵扣(元)")
    assert row[place : place + 2] == (30, 410)
    await sound(subsidies)


async def test_the_overview_adds_up_the_months_that_are_decided(subsidies: Subsidies) -> None:
    """170 yuan a month in the east, 70 in the west; in February it becomes known that one had 30 too much in January."""
    await subsidies.granted()

    async def figures() -> list[tuple[int, int, int]]:
        who = subsidies.who("C1")
        ground = await subsidies.ground(who)
        async with subsidies.database.session(who.scope) as session:
            found = await overview.overview(session, who, ground)
        return [(own.code, own.payable_fen, own.paid_fen) for own in found]

    assert await figures() == [(T1, 0, 0), (T2, 0, 0)]
    await subsidies.decide(1)
    await subsidies.pay(1)
    assert await figures() == [(T1, 17_000, 17_000), (T2, 7_000, 7_000)]
    await subsidies.holds("D1-01", "certificate", date(2020, 1, 1), level=2, generation=2)
    await subsidies.decide(2)
    assert await figures() == [(T1, 2 * 14_000, 17_000), (T2, 14_000, 7_000)]
