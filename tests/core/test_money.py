"""Money from budget line to returned payment: lines that hold and lines that warn, who waits and in which place, files
that a bank takes, answers however odd, and nothing paid twice whatever happens at once."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import openpyxl
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bangfu import files, jobs, payments
from bangfu.cases import paying
from bangfu.db import bind
from bangfu.documents.writing import Sheet, SheetColumn, workbook
from bangfu.errors import Problem, Refused
from bangfu.payments import answers, invariants, lists
from bangfu.payments.batches import Batch
from bangfu.payments.gathering import Gathered
from bangfu.process import Duty
from tests.core.test_payments import PAID_ON, TOTAL, do, gather, make, ready, release
from tests.county import World, roster

AMOUNTS = {"H1": 300_000, "H2": 220_000, "H5": 150_000, "H7": 5_000}
ACCOUNTS = {number: f"99000000000{1000 + int(number[1:]) - 1}" for number in AMOUNTS}


async def act(world: World, number: str, function: Callable[..., Awaitable[Any]], *more: Any, **named: Any) -> Any:
    """Let an officer do something with money, in one transaction."""
    who = world.who(number)
    async with world.database.session(who.scope) as session:
        return await function(session, who, *more, **named)


async def denied(
    world: World, number: str, function: Callable[..., Awaitable[Any]], *more: Any, **named: Any
) -> Problem:
    """What it is refused with; nothing changes."""
    before = await world.snapshot()
    with pytest.raises(Refused) as refusal:
        await act(world, number, function, *more, **named)
    assert await world.snapshot() == before
    return refusal.value.problems[0]


def entry(yuan: int, reason: str = "") -> payments.EntryStated:
    return payments.EntryStated(
        amount_fen=yuan * 100, document="测财〔2021〕60号", document_on=date(2021, 10, 20), reason=reason
    )


def line(**changed: Any) -> payments.LineStated:
    said: dict[str, Any] = {
        "code": "ZX-9", "title": "奖补", "source": "专项扶贫资金", "level": "province", "document": "省财〔2021〕1号",
        "document_on": date(2021, 1, 4), "year": 2021, "programmes": ["consolidation"], "binding": True,
    }  # fmt: skip
    return payments.LineStated(**{**said, **changed})


async def standing(world: World, code: str = "ZX-1") -> tuple[int, int, int, int]:
    """What is granted, committed, spent and free on a line, in yuan."""
    found = {own.code: own for own in await act(world, "FI", payments.standings)}[code]
    fen = (found.granted_fen, found.committed_fen, found.spent_fen, found.free_fen)
    assert all(amount % 100 == 0 for amount in fen)
    granted, committed, spent, free = (amount // 100 for amount in fen)
    return granted, committed, spent, free


async def gathered(world: World, line: UUID, number: str = "C2") -> Gathered:
    made = await do(world, number, gather, world.vault, line)
    assert isinstance(made, Gathered)
    return made


async def released(world: World, made: Batch | None) -> Batch:
    assert made is not None
    await do(world, "FM", paying.check_batch, made.id)
    done = await do(world, "FI", paying.release_batch, made.id)
    assert isinstance(done, Batch)
    return done


# --- budget lines ---------------------------------------------------------------------------------------------------


async def test_money_counts_once_two_persons_of_two_offices_have_put_it_there(world: World) -> None:
    await ready(world)
    known = world.plugins.programmes
    assert (await denied(world, "FI", payments.add_line, line(), entry(1), known)).code.name == "FORBIDDEN"
    first = line(code="ZX-1")
    budget, made = await act(world, "FM", payments.add_line, first, entry(10_000, "年初下达"), known)
    assert await standing(world) == (0, 0, 0, 0)
    refused = await denied_gathering(world, budget)
    assert refused.code.name == "BUDGET_UNCONFIRMED"
    assert (await denied(world, "FM", payments.confirm_entry, made)).code.name == "FORBIDDEN"
    assert await act(world, "FI", payments.confirm_entry, made) == budget
    assert await standing(world) == (10_000, 0, 0, 10_000)
    assert (await denied(world, "FI", payments.confirm_entry, made)).code.name == "CONFLICT"
    assert (await denied(world, "FM", payments.add_line, first, entry(1), known)).code.name == "BUDGET_CODE_TAKEN"
    for changed, code in (
        ({"title": " "}, "MISSING_VALUE"), ({"level": "town"}, "BAD_VALUE"), ({"programmes": []}, "MISSING_VALUE"),
        ({"programmes": ["other"]}, "PROGRAMME_UNKNOWN"),
    ):  # fmt: skip
        assert (await denied(world, "FM", payments.add_line, line(**changed), entry(1), known)).code.name == code
    assert (await denied(world, "FM", payments.add_line, line(), entry(0), known)).code.name == "BAD_VALUE"
    assert (await denied(world, "FM", payments.add_entry, budget, entry(-1))).code.name == "MISSING_VALUE"


async def denied_gathering(world: World, line: UUID | None) -> Problem:
    before = await world.snapshot()
    with pytest.raises(Refused) as refusal:
        await do(world, "C2", gather, world.vault, line)
    assert await world.snapshot() == before
    return refusal.value.problems[0]


async def test_a_batch_needs_a_line_that_pays_its_programme(world: World) -> None:
    await ready(world)
    assert (await denied_gathering(world, None)).code.name == "BUDGET_NEEDED"
    assert (await denied_gathering(world, UUID(int=1))).code.name == "NOT_FOUND"
    other = line(programmes=["training"])
    budget, _ = await act(world, "FM", payments.add_line, other, entry(1), ["training"])
    assert (await denied_gathering(world, budget)).code.name == "BUDGET_OTHER"


async def test_money_is_free_committed_and_spent_as_its_batches_go(world: World) -> None:
    await ready(world)
    await world.fund(10_000)
    made = await make(world)
    assert await standing(world) == (10_000, 6_750, 0, 3_250)
    await do(world, "FM", paying.cancel_batch, made.id, "有误")
    assert await standing(world) == (10_000, 0, 0, 10_000)
    await release(world)
    assert await standing(world) == (10_000, 0, 6_750, 3_250)


async def test_what_a_line_cannot_hold_waits_in_one_order_and_nobody_is_overtaken(world: World) -> None:
    """H1 and H2 fit; H5 does not, and H7, who would, waits behind him until the line is topped up."""
    await ready(world)
    budget = await world.fund(5_300)
    made = await gathered(world, budget)
    assert made.batch is not None
    assert (made.batch.count, made.batch.total_fen) == (2, 520_000)
    assert (made.waiting, made.waiting_fen) == (2, 155_000)
    (warning,) = made.warnings
    assert (warning.code.name, warning.values["count"]) == ("BUDGET_WAITS", 2)
    waits = await act(world, "C2", payments.waiting, "consolidation", "2021")
    assert [(w.household, w.place, w.amount_fen, w.due_on, w.line) for w in waits] == [
        ("H5", 1, 150_000, date(2021, 10, 20), "ZX-1"), ("H7", 2, 5_000, date(2021, 10, 20), "ZX-1"),
    ]  # fmt: skip
    # A village sees its own with their places in the whole list.
    assert [(w.household, w.place) for w in await act(world, "VC3", payments.waiting, "consolidation", "2021")] == [
        ("H7", 2)
    ]
    await released(world, made.batch)
    # Nothing more fits: the list stands, and there is no batch.
    again = await gathered(world, budget)
    assert (again.batch, again.waiting) == (None, 2)
    assert await standing(world) == (5_300, 0, 5_200, 100)
    more = await act(world, "FM", payments.add_entry, budget, entry(1_450, "追加"))
    await act(world, "FI", payments.confirm_entry, more)
    last = await gathered(world, budget)
    assert last.batch is not None
    assert (last.batch.count, last.batch.total_fen, last.waiting) == (2, 155_000, 0)
    assert await act(world, "C2", payments.waiting, "consolidation", "2021") == []
    await released(world, last.batch)
    assert await standing(world) == (6_750, 0, 6_750, 0)


async def test_who_has_been_due_longer_comes_first(world: World) -> None:
    await ready(world)
    async with world.database.owner() as connection:
        await connection.execute(text("set role none"))
        await connection.execute(
            text(
                "update entitlement set due_on = due_on - 1 where case_id in (select c.id from case_file c "
                "join household h on h.id = c.household_id where h.number = 'H7')"
            )
        )
    made = await gathered(world, await world.fund(3_050))
    assert made.batch is not None
    assert made.batch.total_fen == AMOUNTS["H7"] + AMOUNTS["H1"]
    paid = await world.rows(
        "select h.number, l.position from payment_line l join household h on h.id = l.household_id order by 2"
    )
    assert [tuple(row) for row in paid] == [("H1", 1), ("H7", 2)], "on the list they stand by village"


async def test_an_estimate_warns_and_stops_nothing(world: World) -> None:
    await ready(world)
    made = await gathered(world, await world.fund(1_000, binding=False))
    assert made.batch is not None
    assert (made.batch.count, made.batch.total_fen, made.waiting) == (4, TOTAL, 0)
    assert [warning.code.name for warning in made.warnings] == ["BUDGET_EXCEEDED"]
    assert await standing(world) == (1_000, 6_750, 0, -5_750)


async def test_money_that_batches_hold_cannot_be_taken_off_a_binding_line(world: World) -> None:
    await ready(world)
    budget = await world.fund(10_000)
    await make(world)
    less = await act(world, "FM", payments.add_entry, budget, entry(-4_000, "调减"))
    assert (await denied(world, "FI", payments.confirm_entry, less)).code.name == "BUDGET_SHORT"
    fits = await act(world, "FM", payments.add_entry, budget, entry(-3_250, "调减"))
    await act(world, "FI", payments.confirm_entry, fits)
    assert await standing(world) == (6_750, 6_750, 0, 0)


async def test_entries_and_answers_never_change_in_the_database(world: World) -> None:
    await ready(world)
    await release(world)
    who = world.who("FI")
    async with world.database.session(who.scope) as session:
        assert (await session.execute(text("update budget_entry set confirmed_at = now() returning id"))).all() == [], (
            "a confirmed entry is out of reach"
        )
    for sql in (
        "update budget_entry set amount_fen = 1", "update budget_line set binding = false", "delete from budget_entry",
        "update payment_return set words = ''", "delete from payment_return", "delete from repayment",
        "update payment_file set count = 1", "update bank_template set version = 2",
    ):  # fmt: skip
        with pytest.raises(DBAPIError, match="permission denied"):
            async with world.database.session(who.scope) as session:
                await session.execute(text(sql))


# --- the bank's file ------------------------------------------------------------------------------------------------

COLUMNS = (
    ("position", "序号"),
    ("holder", "户名"),
    ("account", "账号"),
    ("amount", "金额"),
    ("household_number", "户编号"),
)


async def keep(world: World, **changed: Any) -> Any:
    said: dict[str, Any] = {
        "channel": "yikatong",
        "columns": COLUMNS,
        "rows_per_file": 3,
        "results": {"9001": "returned"},
    }
    stated = lists.TemplateStated(**{**said, **changed})
    return await act(world, "FM", payments.keep_template, stated, ["yikatong"])


async def bank_file(world: World, batch: Batch, number: str = "FI", reason: str = "报送代发银行") -> tuple[str, bytes]:
    who = world.who(number)
    async with world.database.session(who.scope) as session:
        return await payments.bank_text(session, who, world.vault, world.programme, batch.id, reason)


async def test_the_banks_text_is_as_the_template_says_to_the_byte(world: World) -> None:
    await ready(world)
    await keep(world)
    done = await release(world)
    name, data = await bank_file(world, done)
    assert name == "代发-consolidation-2021-第1批.zip"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {one.filename: archive.read(one).decode("gb18030") for one in archive.infolist()}
    assert parts == {
        "代发-consolidation-2021-第1批-01-02.txt": "序号|户名|账号|金额|户编号\r\n"
        "1|测1户主|990000000001000|3000.00|H1\r\n2|测2户主|990000000001001|2200.00|H2\r\n"
        "3|测5户主|990000000001004|1500.00|H5\r\n",
        "代发-consolidation-2021-第1批-02-02.txt": "序号|户名|账号|金额|户编号\r\n4|测7户主|990000000001006|50.00|H7\r\n",
    }
    kept = await world.rows("select part, count, total_fen, template_id is not null from payment_file order by part")
    assert [tuple(row) for row in kept] == [(1, 3, 670_000, True), (2, 1, 5_000, True)]
    ((reason, said),) = await world.rows("select reason, data from audit_entry where action = 'export_payments'")
    assert (reason, said["template"], said["parts"], said["personal"]) == ("报送代发银行", 1, 2, ["holder", "account"])
    await keep(world, separator="bar_mark", header=False, rows_per_file=5_000, line_end="lf")
    name, data = await bank_file(world, done)
    assert name.endswith(".txt")
    assert data.decode("gb18030").split("\n")[:2] == [
        "1|!测1户主|!990000000001000|!3000.00|!H1", "2|!测2户主|!990000000001001|!2200.00|!H2",
    ]  # fmt: skip


async def test_a_file_is_refused_by_name_before_it_is_written(world: World) -> None:
    await ready(world)
    async with world.database.owner() as connection:
        await connection.execute(text("set role none"))
        await connection.execute(text("update account set holder = '某|某' where number_masked like '%1004'"))
    done = await release(world)
    with pytest.raises(Refused) as refusal:
        await bank_file(world, done)
    assert refusal.value.problems[0].code.name == "TEMPLATE_MISSING"
    await keep(world)
    before = await world.snapshot()
    with pytest.raises(Refused) as refusal:
        await bank_file(world, done)
    (problem,) = refusal.value.problems
    assert (problem.code.name, problem.values["household"], problem.values["column"]) == (
        "BANK_FILE_VALUE", "H5", "holder",
    )  # fmt: skip
    assert await world.snapshot() == before
    await keep(world, separator="tab")
    assert "某|某\t990000000001004" in (await bank_parts(world, done))
    for number, reason, code in (("C2", "x", "FORBIDDEN"), ("FI", " ", "REASON_NEEDED")):
        with pytest.raises(Refused) as refusal:
            await bank_file(world, done, number, reason)
        assert refusal.value.problems[0].code.name == code


async def bank_parts(world: World, batch: Batch) -> str:
    name, data = await bank_file(world, batch)
    if name.endswith(".txt"):
        return data.decode("gb18030")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return "".join(archive.read(one).decode("gb18030") for one in archive.infolist())


async def test_a_file_that_reads_back_differently_does_not_leave(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted fault: a writer that loses a row, shifts an amount, or swaps an account is found by the reader."""
    await ready(world)
    await keep(world, rows_per_file=5_000)
    done = await release(world)
    real = lists._text
    for spoilt in (
        lambda name, value: "1.00" if name == "amount" and value == 5_000 else real(name, value),
        lambda name, value: "990000000009999" if name == "account" and value.endswith("1006") else real(name, value),
    ):
        monkeypatch.setattr(lists, "_text", spoilt)
        before = await world.snapshot()
        with pytest.raises(Refused) as refusal:
            await bank_file(world, done)
        assert refusal.value.problems[0].code.name == "BATCH_TOTAL"
        assert await world.snapshot() == before
    monkeypatch.setattr(lists, "_text", real)
    assert (await bank_file(world, done))[0].endswith(".txt")


async def test_a_template_that_makes_no_sense_is_refused(world: World) -> None:
    for changed in (
        {"channel": "other"}, {"separator": ";"}, {"line_end": "cr"}, {"rows_per_file": 0},
        {"columns": (("account", "账号"),)}, {"columns": (*COLUMNS, ("phone", "电话"))},
        {"columns": (*COLUMNS, ("bank", "账号"))}, {"results": {"1": "maybe"}},
    ):  # fmt: skip
        said: dict[str, Any] = {"channel": "yikatong", "columns": COLUMNS, **changed}
        stated = lists.TemplateStated(**said)
        problem = await denied(world, "FM", payments.keep_template, stated, ["yikatong"])
        assert problem.code.name == "BAD_VALUE", changed
    stated = lists.TemplateStated(channel="yikatong", columns=COLUMNS)
    assert (await denied(world, "FI", payments.keep_template, stated, ["yikatong"])).code.name == "FORBIDDEN"


def test_pages_of_a_list_have_their_own_totals() -> None:
    columns = [SheetColumn("序号", "integer"), SheetColumn("金额", "money")]
    rows = [(place, 100 * place) for place in range(1, 6)]
    data = workbook([Sheet("名册", "名册", columns, rows, total=True, page_rows=2)])
    page = openpyxl.load_workbook(io.BytesIO(data))["名册"]
    assert [list(row) for row in page.iter_rows(min_row=3, values_only=True)] == [
        [1, 1], [2, 2], ["本页小计", 3], [3, 3], [4, 4], ["本页小计", 7], [5, 5], ["本页小计", 5], ["合计", 15],
    ]  # fmt: skip
    assert [found.id for found in page.row_breaks.brk] == [5, 8]


# --- the bank's answers ---------------------------------------------------------------------------------------------


def said(*rows: Sequence[object], headers: str = "序号,账号,金额,处理结果,失败原因") -> bytes:
    return "\n".join([headers, *(",".join(map(str, row)) for row in rows)]).encode()


async def answer(world: World, batch: Batch, data: bytes, name: str = "回盘.csv", number: str = "FI") -> jobs.Status:
    who = world.who(number)
    async with world.database.session(who.scope) as session:
        job = await answers.put(session, world.vault, who, batch.id, name, data, 10**7)
    return await jobs.run(world.database, world.vault, who, job, {answers.KIND: answers.handler})


def tally(status: jobs.Status) -> tuple[int, ...]:
    assert status.state == "done", status.result
    return tuple(status.result[name] for name in ("rows", "paid", "returned", "same", "odd"))


FAILED = said((1, ACCOUNTS["H1"], "3000.00", "成功", ""), (2, ACCOUNTS["H2"], "2200.00", "失败", "账户状态异常"),
              (3, ACCOUNTS["H5"], "1500.00", "成功", ""), (4, ACCOUNTS["H7"], "50.00", "成功", ""))  # fmt: skip


async def test_answers_are_written_down_line_by_line_and_the_same_file_changes_nothing(world: World) -> None:
    await ready(world)
    done = await release(world)
    assert tally(await answer(world, done, FAILED)) == (4, 3, 1, 0, 0)
    before = await world.snapshot()
    assert tally(await answer(world, done, FAILED)) == (4, 0, 0, 4, 0)
    assert await world.snapshot() == before
    back = await world.rows("select code, words, returned_on from payment_return")
    assert [tuple(row) for row in back] == [("失败", "账户状态异常", PAID_ON)]
    assert await standing(world) == (1_000_000, 0, 4_550, 995_450), "what came back is free again"


async def test_whatever_is_odd_is_reported_and_never_counted(world: World) -> None:
    await ready(world)
    await keep(world)
    done = await release(world)
    await answer(world, done, said((4, ACCOUNTS["H7"], "50.00", "成功", "")))
    status = await answer(
        world,
        done,
        said(
            (1, ACCOUNTS["H1"], "3000.01", "成功", ""),  # another amount
            (2, ACCOUNTS["H2"], "2200.00", "天知道", ""),  # a result that nobody knows
            (9, "990000000009999", "1.00", "成功", ""),  # not ours
            (1, ACCOUNTS["H2"], "3000.00", "成功", ""),  # another's number
            (3, ACCOUNTS["H5"], "1500.00", "成功", ""),
            (3, ACCOUNTS["H5"], "1500.00", "成功", ""),  # once more
            (3, ACCOUNTS["H5"], "1500.00", "失败", "冻结"),  # and the contrary
            (4, ACCOUNTS["H7"], "50.00", "失败", "冻结"),  # contrary to what is on record
            (2, ACCOUNTS["H2"], "x", "9001", ""),  # no amount
            (2, ACCOUNTS["H2"], "2200.00", "9001", "户名不符"),  # the bank's own code
        ),
    )
    assert tally(status) == (10, 1, 1, 0, 8)
    assert [problem["code"] for problem in status.result["row_problems"]] == [
        "ANSWER_AMOUNT", "ANSWER_UNKNOWN", "ANSWER_NOT_OURS", "ANSWER_NOT_OURS", "DUPLICATE_ROW", "ANSWER_DIFFERS",
        "ANSWER_DIFFERS", "BAD_VALUE",
    ]  # fmt: skip
    assert status.result_file_id is not None
    who = world.who("FI")
    async with world.database.session(who.scope) as session:
        back = await files.fetch(session, world.vault, who.county.id, status.result_file_id)
    rows = back.data.decode().splitlines()
    assert "金额 3,000.01 元 与拨付金额 3,000.00 元 不符" in rows[1]
    assert rows[5].endswith(",")
    answered = await world.rows(
        "select h.number, 'paid' from payment_arrival a join household h on h.id = a.household_id "
        "union all select h.number, 'returned' from payment_return r join household h on h.id = r.household_id order by 1"
    )
    assert [tuple(row) for row in answered] == [("H2", "returned"), ("H5", "paid"), ("H7", "paid")]


async def test_answers_come_as_text_too_with_headers_and_without(world: World) -> None:
    await ready(world)
    await keep(world)
    done = await release(world)
    first = (
        f"账号|金额|结果代码|退票原因\r\n{ACCOUNTS['H1']}|3000.00|0000|\r\n{ACCOUNTS['H2']}|2200.00|9001|账户已销户\r\n"
    )
    assert tally(await answer(world, done, first.encode("gb18030"), "回盘.txt")) == (2, 1, 1, 0, 0)
    await keep(world, header=False, separator="bar_mark")
    second = f"3|!测5户主|!{ACCOUNTS['H5']}|!1500.00|!H5|!00|!\n4|!㛃某|!{ACCOUNTS['H7']}|!50.00|!H7|!F|!户名不符\n"
    assert tally(await answer(world, done, second.encode("gb18030"), "回盘.TXT")) == (2, 1, 1, 0, 0)
    words = await world.rows("select words from payment_return order by words")
    assert [row[0] for row in words] == ["户名不符", "账户已销户"]
    refused = await answer(world, done, b"\xff\xff\xff", "回盘.txt")
    assert (refused.state, refused.result["problems"][0]["code"]) == ("refused", "FILE_UNREADABLE")


async def test_only_finance_records_answers_and_only_to_what_was_released(world: World) -> None:
    await ready(world)
    made = await make(world)
    put = answers.put
    assert (await denied(world, "C2", _put, put, world, made)).code.name == "FORBIDDEN"
    assert (await denied(world, "FI", _put, put, world, made)).code.name == "BATCH_STATE"


async def _put(session: Any, who: Any, put: Any, world: World, batch: Batch) -> UUID:
    made: UUID = await put(session, world.vault, who, batch.id, "回盘.csv", FAILED, 10**7)
    return made


# --- paid again -----------------------------------------------------------------------------------------------------


async def correct(world: World, home: str = "H2", number: str = "K1", holder: str = "测2配偶") -> Any:
    account = "990000000007777"
    return await act(
        world, number, payments.correct_account, world.vault, home, holder, "测试银行", account, "旧卡销户", "存折复印件"
    )  # fmt: skip


async def test_a_payment_that_came_back_is_paid_again_once_to_the_corrected_account(world: World) -> None:
    await ready(world)
    done = await release(world)
    await answer(world, done, FAILED)
    world.today = PAID_ON + timedelta(days=5)
    line = await world.fund()
    before = await world.snapshot()
    assert (await denied_gathering(world, line)).code.name == "BATCH_EMPTY", "the account is still the refused one"
    assert await world.snapshot() == before
    assert (await denied(world, "FI", payments.correct_account, world.vault, "H2", "某", "行", "12345678", "更正", "卡")
            ).code.name == "FORBIDDEN"  # fmt: skip
    assert (await denied(world, "K2", payments.correct_account, world.vault, "H2", "某", "行", "12345678", "更正", "卡")
            ).code.name == "HOUSEHOLD_UNKNOWN"  # fmt: skip
    await correct(world)
    second = await gathered(world, line)
    assert second.batch is not None
    assert (second.batch.number, second.batch.count, second.batch.total_fen) == (2, 1, AMOUNTS["H2"])
    assert (await denied_gathering(world, line)).code.name == "BATCH_EMPTY", "once for a return"
    await released(world, second.batch)
    assert (await world.stages())["H2"] == "closed"
    assert await standing(world) == (1_000_000, 0, 6_750, 993_250)
    rows = await sheet(world, second.batch)
    assert (rows[0][4], rows[0][7], rows[0][9], rows[0][13]) == (
        "H2", "测2配偶", "990000000007777", "退票重发(原第1批第2号);开户人非户主",
    )  # fmt: skip
    await answer(world, second.batch, said((1, "990000000007777", "2200.00", "成功", "")))
    # A township sees its households' steps, and not the batches of the county.
    own = await act(world, "K1", payments.trail, "H2", ["consolidation"])
    steps = await act(world, "FI", payments.trail, "H2", ["consolidation"])
    assert [(s.day, s.kind, s.amount_fen) for s in own] == [(s.day, s.kind, s.amount_fen) for s in steps]
    assert {s.batch for s in own} == {None}
    assert [(s.kind, s.amount_fen, s.batch, s.account_masked[-4:]) for s in steps] == [
        ("award", 220_000, None, ""), ("paid", 220_000, 1, "1001"), ("returned", 220_000, 1, "1001"),
        ("account", None, None, "7777"), ("reissued", 220_000, 2, "7777"), ("arrived", 220_000, 2, "7777"),
    ]  # fmt: skip
    assert steps[2].words == "失败 账户状态异常"
    ((held,),) = await world.rows("select data ->> 'held_by_head' from audit_entry where action = 'correct_account'")
    assert held == "false"


async def sheet(world: World, batch: Batch) -> list[Any]:
    who, channel = world.who("FI"), world.plugins.channels["yikatong"]
    async with world.database.session(who.scope) as session:
        data = await payments.payment_list(session, who, world.vault, world.programme, channel, batch.id, "核对")
    rows = openpyxl.load_workbook(io.BytesIO(data))["发放名册"].iter_rows(min_row=3, values_only=True)
    return [row for row in rows if isinstance(row[0], int)]


async def test_the_same_account_entered_again_says_that_it_is_right(world: World) -> None:
    await ready(world)
    done = await release(world)
    await answer(world, done, FAILED)
    world.today = PAID_ON + timedelta(days=1)
    await act(
        world,
        "K1",
        payments.correct_account,
        world.vault,
        "H2",
        "测2户主",
        "测试银行",
        ACCOUNTS["H2"],
        "已解冻",
        "证明",
    )
    made = await gathered(world, await world.fund())
    assert made.batch is not None
    assert made.batch.total_fen == AMOUNTS["H2"]
    # Nor does another import of the roster, which says nothing new, undo it.
    assert (await world.bring("households", roster(), "R1")).state == "done"


async def test_what_comes_back_twice_is_paid_a_third_time_and_nothing_twice(world: World) -> None:
    await ready(world)
    done = await release(world)
    await answer(world, done, FAILED)
    world.today = PAID_ON + timedelta(days=1)
    await correct(world)
    second = await released(world, (await gathered(world, await world.fund())).batch)
    await answer(world, second, said((1, "990000000007777", "2200.00", "失败", "户名不符")))
    world.today += timedelta(days=1)
    await correct(world, holder="测2户主")
    third = await gathered(world, await world.fund())
    assert third.batch is not None
    assert third.batch.total_fen == AMOUNTS["H2"]
    await released(world, third.batch)
    assert await standing(world) == (1_000_000, 0, 6_750, 993_250)
    net = await world.rows(
        "select count(*), sum(case when r.id is null then l.amount_fen end) from payment_line l "
        "left join payment_return r on r.line_id = l.id join household h on h.id = l.household_id where h.number = 'H2'"
    )
    assert tuple(net[0]) == (3, AMOUNTS["H2"])


async def test_the_database_itself_allows_one_payment_for_a_return_and_of_the_same_award(world: World) -> None:
    await ready(world)
    done = await release(world)
    await answer(world, done, FAILED)
    world.today = PAID_ON + timedelta(days=1)
    await correct(world)
    await gathered(world, await world.fund())
    copy = """insert into payment_line (tenant_id, id, batch_id, entitlement_id, household_id, division, instalment,
        position, amount_fen, holder, bank, account, account_masked, reissues, voided_at)
        select l.tenant_id, gen_random_uuid(), b.id, {entitlement}, l.household_id, l.division, 1, 9, 1, '', '', l.account,
        '', (select id from payment_return), null from payment_line l, payment_batch b
        where b.released_at is null and l.position = {position} and l.batch_id <> b.id"""
    who = world.who("C2")
    for entitlement, position, match in (
        ("l.entitlement_id", 2, "uq_payment_line_entitlement"),
        ("l.entitlement_id", 1, "fk_payment_line_tenant_id_reissues_entitlement_id"),
    ):
        with pytest.raises(DBAPIError, match=match):
            async with world.database.session(who.scope) as session:
                await session.execute(text(copy.format(entitlement=entitlement, position=position)))


async def test_nothing_is_put_into_a_batch_that_is_released_or_not_there(world: World) -> None:
    await ready(world)
    await release(world)
    lines = await world.rows("select count(*) from payment_line")
    copy = """insert into payment_line (tenant_id, id, batch_id, entitlement_id, household_id, division, instalment,
        position, amount_fen, holder, bank, account, account_masked, voided_at)
        select tenant_id, gen_random_uuid(), {batch}, entitlement_id, household_id, division, 1, 9, 1, '', '', account,
        '', now() from payment_line where position = 1"""
    for batch in ("batch_id", "gen_random_uuid()"):
        with pytest.raises(DBAPIError, match='violates row-level security policy for table "payment_line"'):
            async with world.database.session(world.who("C2").scope) as session:
                await session.execute(text(copy.format(batch=batch)))
        async with world.database.owner() as owner:
            await bind(owner, world.who("C2").scope)
            with pytest.raises(DBAPIError, match='violates row-level security policy for table "payment_line"'):
                await owner.execute(text(copy.format(batch=batch)))
    assert await world.rows("select count(*) from payment_line") == lines


async def test_a_return_by_hand_needs_its_paper_and_counts_once_even_after_arrival(world: World) -> None:
    await ready(world)
    done = await release(world)
    await answer(world, done, FAILED)
    world.today = PAID_ON + timedelta(days=3)
    ((one,),) = await world.rows("select id from payment_line where position = 1")
    ((again,),) = await world.rows("select id from payment_line where position = 2")
    day = world.today
    record = payments.record_return
    assert (await denied(world, "C2", record, one, day, "退汇", "回单")).code.name == "FORBIDDEN"
    assert (await denied(world, "FI", record, one, day, "退汇", " ")).code.name == "EVIDENCE_NEEDED"
    assert (await denied(world, "FI", record, one, day, " ", "回单")).code.name == "REASON_NEEDED"
    assert (await denied(world, "FI", record, one, day + timedelta(1), "退汇", "回单")).code.name == "DAY_IN_FUTURE"
    early = await denied(world, "FI", record, one, PAID_ON - timedelta(1), "退汇", "回单")
    assert early.code.name == "BEFORE_PREVIOUS_STEP"
    assert (await denied(world, "FI", record, again, day, "退汇", "回单")).code.name == "CONFLICT"
    await act(world, "FI", record, one, day, "退汇", "回单")
    assert await standing(world) == (1_000_000, 0, 1_550, 998_450)


# --- adjustments ----------------------------------------------------------------------------------------------------


async def case_of(world: World, home: str) -> tuple[UUID, UUID]:
    (row,) = await world.rows(
        "select c.id, d.id from case_file c join household h on h.id = c.household_id "
        "join determination d on d.case_id = c.id where h.number = :home",
        home=home,
    )
    return row[0], row[1]


async def test_arrears_are_paid_and_a_recovery_is_paid_back_by_new_rows(world: World) -> None:
    await ready(world)
    await release(world)
    world.today = PAID_ON + timedelta(days=10)
    up, up_by = await case_of(world, "H5")
    down, down_by = await case_of(world, "H1")
    adjust, one = payments.adjust, payments.Adjustment
    first = [one(up, up_by, 10_000)]
    for adjustments, reason, code in (
        (first, " ", "REASON_NEEDED"),
        ([one(up, down_by, 10_000)], "标准调整", "NOT_FOUND"),
        ([*first, one(up, up_by, 0)], "标准调整", "BAD_VALUE"),
        ([*first, one(down, down_by, -300_001)], "多发", "BAD_VALUE"),
        ([*first, *first], "标准调整补差", "CONFLICT"),
    ):
        assert (await denied(world, "C1", adjust, adjustments, reason)).code.name == code
    await act(world, "C1", adjust, first, "标准调整补差")
    assert (await denied(world, "C1", adjust, first, "标准调整补差")).code.name == "CONFLICT"
    (recovery,) = await act(world, "C1", adjust, [one(down, down_by, -80_000)], "收入核减")
    owed = await act(world, "FI", payments.outstanding, "consolidation", "2021")
    assert [(o.household, o.kind.value, o.amount_fen, o.open_fen, o.reason) for o in owed] == [
        ("H1", "recovery", -80_000, -80_000, "收入核减"), ("H5", "arrears", 10_000, 10_000, "标准调整补差"),
    ]  # fmt: skip
    second = await gathered(world, await world.fund())
    assert second.batch is not None
    assert (second.batch.count, second.batch.total_fen) == (1, 10_000), "what is to be paid back is not paid"
    await released(world, second.batch)
    repay = payments.repay
    day = world.today
    assert (await denied(world, "FM", repay, recovery, 80_000, day, "凭证1")).code.name == "FORBIDDEN"
    assert (await denied(world, "FI", repay, recovery, 80_001, day, "凭证1")).code.name == "BAD_VALUE"
    assert (await denied(world, "FI", repay, recovery, 80_000, day, " ")).code.name == "MISSING_VALUE"
    await act(world, "FI", repay, recovery, 30_000, day, "凭证1")
    assert (await denied(world, "FI", repay, recovery, 30_000, day, "凭证1")).code.name == "CONFLICT"
    owed = await act(world, "FI", payments.outstanding, "consolidation", "2021")
    assert [(o.household, o.open_fen) for o in owed] == [("H1", -50_000)]
    await act(world, "FI", repay, recovery, 50_000, day, "凭证2")
    assert await act(world, "FI", payments.outstanding, "consolidation", "2021") == []
    assert set((await world.stages()).values()) >= {"closed"}
    kinds = [step.kind for step in await act(world, "C1", payments.trail, "H1", ["consolidation"])]
    assert kinds == ["account", "award", "paid", "recovery", "repaid", "repaid"]


# --- at once --------------------------------------------------------------------------------------------------------


async def at_once(*works: Awaitable[Any]) -> list[Any]:
    return list(await asyncio.gather(*works, return_exceptions=True))


def won(results: Sequence[Any]) -> list[Any]:
    """What was not refused; every refusal is one."""
    assert all(isinstance(result, Refused) or not isinstance(result, BaseException) for result in results), results
    return [result for result in results if not isinstance(result, BaseException)]


async def test_of_two_releases_one_wins_and_release_and_cancel_exclude_each_other(world: World) -> None:
    await ready(world)
    await world.charge("C3", Duty.FINANCE)
    made = await make(world)
    await do(world, "FM", paying.check_batch, made.id)
    results = await at_once(
        do(world, "FI", paying.release_batch, made.id),
        do(world, "C3", paying.release_batch, made.id),
        do(world, "FM", paying.cancel_batch, made.id, "有误"),
    )
    (done,) = won(results)
    lines = await world.rows("select count(*) from payment_line where voided_at is null")
    assert lines[0][0] == (0 if done.state == "cancelled" else 4)
    assert await sound(world) == []


async def test_of_two_batches_over_one_line_one_gets_the_money(world: World) -> None:
    await ready(world)
    line = await world.fund(5_300)
    results = await at_once(*(gathered(world, line, number) for number in ("C1", "C2", "C3")))
    batches = [made.batch for made in won(results) if made.batch is not None]
    assert [(batch.count, batch.total_fen) for batch in batches] == [(2, 520_000)]
    assert await standing(world) == (5_300, 5_200, 0, 100)
    waits = await world.rows("select place from payment_wait where ended_at is null order by place")
    assert [row[0] for row in waits] == [1, 2]
    assert await sound(world) == []


async def test_of_two_who_pay_a_return_again_one_does(world: World) -> None:
    await ready(world)
    done = await release(world)
    await answer(world, done, FAILED)
    world.today = PAID_ON + timedelta(days=1)
    await correct(world)
    line = await world.fund()
    results = await at_once(*(gathered(world, line, number) for number in ("C1", "C2", "C3")))
    assert [made.batch.total_fen for made in won(results)] == [AMOUNTS["H2"]]
    assert await sound(world) == []


async def test_one_file_of_answers_imported_twice_at_once_counts_once(world: World) -> None:
    await ready(world)
    done = await release(world)
    results = await at_once(answer(world, done, FAILED), answer(world, done, FAILED))
    assert sorted(tally(status) for status in results) == [(4, 0, 0, 4, 0), (4, 3, 1, 0, 0)]
    assert (await world.rows("select count(*) from payment_arrival"))[0][0] == 3
    assert (await world.rows("select count(*) from payment_return"))[0][0] == 1
    assert await sound(world) == []


async def sound(world: World) -> list[str]:
    """The codes of the invariants that do not hold."""
    found = await invariants.examine(world.database, [world.tenant.id], world.plugins.programmes, datetime.now(UTC))
    return [own.invariant.code for own in found]
