"""What is made of a year of pairings: the statement and the certificate of an enterprise, the honour list and the
county's summary; held against what is added up here, from the rows themselves."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import openpyxl
import pytest
from pypdf import PdfReader

from bangfu.cases.views import Stated
from bangfu.errors import Code, Refused
from bangfu.pairings import agreements, exports, figures, ledger, papers, reviews, summaries
from bangfu.pairings.agreements import Planned
from bangfu.pairings.figures import Which
from bangfu.pairings.reviews import Finding, Outcome
from bangfu.pairings.standing import DeliveryState, Measure, Verdict
from bangfu.process import Duty
from tests.county import BASE, HOMES, ONE, OTHER, T1, T2, UNIT, V1, V3, Statements, roster
from tests.pairs import Pairs, cash, measure_of, posts

YEAR = 2021


def words(data: bytes) -> str:
    """The text of a PDF, without the spaces that its setting makes."""
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(data)).pages]
    return "".join("".join(pages).split())


def sheets(data: bytes) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of a workbook's sheets."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    return {page.title: list(page.iter_rows(values_only=True)) for page in book}


def table(rows: Sequence[Sequence[Any]], first: str) -> list[dict[str, Any]]:
    """The table of a sheet, from the row whose first cell is a header to the first that is not whole."""
    start = next(index for index, row in enumerate(rows) if row[0] == first)
    names = [str(name) for name in rows[start]]
    found = []
    for row in rows[start + 1 :]:
        if row[1:] == (None,) * (len(row) - 1):
            break
        found.append(dict(zip(names, row, strict=True)))
    return found


async def refused(pairs: Pairs, code: Code, number: str, function: Any, *arguments: Any) -> None:
    """Somebody is refused, and nothing has changed."""
    before = await pairs.snapshot()
    with pytest.raises(Refused) as caught:
        await pairs.do(number, function, *arguments)
    assert [problem.code for problem in caught.value.problems] == [code]
    assert await pairs.snapshot() == before


async def worked(pairs: Pairs) -> tuple[UUID, UUID]:
    """Two enterprises that have planned and delivered, and what the villages said to it."""
    one, two = await pairs.two()
    plan = [
        measure_of(YEAR, "donation", "cash", Measure(100_000)),
        measure_of(YEAR, "jobs", "posts", Measure(90_000, 3)),
        measure_of(YEAR + 1, "donation", "cash", Measure(777_700)),
    ]
    task = Planned(year=YEAR, due_on=date(YEAR, 12, 31), what="修路", office="县交通局")
    await pairs.do("E1", agreements.plan, one, plan, Stated())
    await pairs.do("VC1", agreements.plan, one, [task], Stated())
    a, b, c, d, e = await pairs.log(
        "E1", cash(one, 300, "R-1"), cash(one, 200, "R-2"), cash(one, 50, "R-3"), cash(one, 40, "R-4"),
        posts(one, 2, 600, "R-5"),
    )  # fmt: skip
    await pairs.answer("VC1", Verdict.CONFIRMED, a, e)
    await pairs.answer("VC1", Verdict.PARTLY, b, accepted=Measure(15_000))
    await pairs.answer("VC1", Verdict.DISPUTED, c, reason="测1户主说没有收到")
    await pairs.do("VC1", ledger.match, e, ["H1-01", "H1-02"], Stated())
    (f,) = await pairs.log("E2", cash(two, 1000, "Z-1"))
    await pairs.answer("VC3", Verdict.PARTLY, f, accepted=Measure(80_000))
    await pairs.answer("E2", Verdict.CONTESTED, f)
    assert d is not None
    return one, two


# --- the statement ------------------------------------------------------------------------------------------------


async def test_a_statement_says_what_was_promised_delivered_and_confirmed(pairs: Pairs) -> None:
    await worked(pairs)
    data = await pairs.do("E1", papers.statement, ONE, YEAR)
    said = words(data)
    for part in ("2021年度帮扶情况", "一号企业", ONE, "X-1", "东镇甲村", "履行中", "2021-06-01—2024-06-01", "截至"):
        assert part in said, part
    # By kind: promised, delivered, confirmed, to be confirmed, before the county, not accepted.
    assert "捐赠扶贫捐款1,000.00元590.00元450.00元40.00元50.00元50.00元" in said
    assert "就业扶贫提供岗位及工资900.00元3个岗位600.00元2个岗位600.00元2个岗位0.00元0个岗位" in said
    assert "金额合计Total1,900.00元1,190.00元1,050.00元40.00元50.00元50.00元" in said
    balance = "登记投入1,190.00元=已确认1,050.00元+待村确认40.00元+待县裁定50.00元+未获认可50.00元。"
    assert balance in said
    assert "规划承诺1,900.00元,已确认1,050.00元,尚差850.00元。" in said
    assert "不是财政资金，也不是财政支付凭证" in said
    for receipt, state in (("R-1", "已确认"), ("R-2", "部分确认"), ("R-3", "有异议待裁定"), ("R-4", "待村确认")):
        assert f"{receipt}" in said
        assert state in said
    # Of another year, of another enterprise, and of whoever lives there: nothing.
    for foreign in ("7,777.00", "Z-1", "二号企业", OTHER, "户主", "配偶", "H1", "没有收到"):
        assert foreign not in said, foreign
    again = await pairs.do("E1", papers.statement, ONE, YEAR)
    assert again == data
    before = words(await pairs.do("E1", papers.statement, ONE, YEAR - 1))
    assert "本年度没有帮扶协议" in before
    assert "本年度没有登记投入" in before


async def test_what_is_contested_stands_and_may_change(pairs: Pairs) -> None:
    await worked(pairs)
    said = words(await pairs.do("IF", papers.statement, OTHER, YEAR))
    assert "登记投入1,000.00元=已确认800.00元+待村确认0.00元+待县裁定200.00元+未获认可0.00元。" in said
    assert "已确认中有800.00元为村部分确认、企业未接受的部分" in said


async def test_the_statement_is_for_who_works_there_and_who_sees_the_county(pairs: Pairs) -> None:
    await worked(pairs)
    for number in ("E1", "IF", "C1"):
        assert ONE in words(await pairs.do(number, papers.statement, ONE, YEAR))
    for number in ("VC1", "K1", "AU", "SU", "HA", "FI"):
        await refused(pairs, Code.FORBIDDEN, number, papers.statement, ONE, YEAR)
    await refused(pairs, Code.NOT_FOUND, "E1", papers.statement, OTHER, YEAR)
    await refused(pairs, Code.NOT_FOUND, "E1", papers.statement, "x", YEAR)
    await refused(pairs, Code.HELPER_NOT_VERIFIED, "C1", papers.statement, UNIT, YEAR)
    for year in (YEAR + 1, 0, -1, 10**9):
        await refused(pairs, Code.BAD_VALUE, "E1", papers.statement, ONE, year)
    await pairs.charge("K1", Duty.INDUSTRY_FEDERATION, T1)
    await refused(pairs, Code.WHOLE_COUNTY_NEEDED, "K1", papers.statement, ONE, YEAR)


async def test_a_statement_takes_as_many_statements_for_many_lines_as_for_few(pairs: Pairs) -> None:
    one, _ = await worked(pairs)
    counts = []
    for size, start in ((1, 100), (120, 200)):
        await pairs.log("E1", *(cash(one, 1, f"N{start + n}") for n in range(size)))
        with Statements(pairs.database) as counted:
            data = await pairs.do("E1", papers.statement, ONE, YEAR)
        counts.append(len(counted))
    assert counts[0] == counts[1]
    assert words(data).count("N2") >= 100


# --- the certificate ----------------------------------------------------------------------------------------------


async def test_a_certificate_holds_what_both_sides_have_settled(pairs: Pairs) -> None:
    one, _ = await worked(pairs)
    said = words(await pairs.do("E1", papers.certificate, ONE, YEAR))
    assert "帮扶甲村，共1个村" in said
    assert "捐款450.00元" in said
    assert "提供岗位及工资600.00元2个岗位" in said
    assert "金额合计1,050.00元（大写：壹仟零伍拾元整）" in said
    assert "2021年10月20日" in said
    for foreign in ("户主", "H1", "590.00", "1,190.00"):
        assert foreign not in said
    ((object_, data, reason),) = await pairs.rows(
        "select object, data, reason from audit_entry where action = 'issue_pairing_papers'"
    )
    number = object_.removeprefix("certificate/")
    assert number in said
    assert number.startswith("990201-2021-")
    assert (data["fen"], data["villages"], data["personal"], reason) == (105_000, 1, [], "")

    found = await pairs.do("IF", papers.check, f" {number.lower()} ")
    assert (found.name, found.year, found.issued_on, found.fen, found.fen_today, found.stands) == (
        "一号企业", YEAR, date(2021, 10, 20), 105_000, 105_000, True,
    )  # fmt: skip
    # The same of the same day is the same; of what has changed since, the number says so.
    assert number in words(await pairs.do("C1", papers.certificate, ONE, YEAR))
    ((a,),) = await pairs.rows("select id from delivery where receipt = 'R-1'")
    await pairs.log("E1", cash(one, 10, "R-1", corrects=a), reason="笔误")
    found = await pairs.do("IF", papers.check, number)
    assert (found.fen, found.fen_today, found.stands) == (105_000, 75_000, False)
    other = words(await pairs.do("E1", papers.certificate, ONE, YEAR))
    assert number not in other
    assert "金额合计750.00元" in other


async def test_no_certificate_where_nothing_is_settled(pairs: Pairs) -> None:
    """A part that the enterprise does not accept is not settled; nor is a line that was corrected to nothing."""
    _, two = await worked(pairs)
    await refused(pairs, Code.NOTHING_CONFIRMED, "E2", papers.certificate, OTHER, YEAR)
    await refused(pairs, Code.NOTHING_CONFIRMED, "E1", papers.certificate, ONE, YEAR - 1)
    (f,) = await pairs.rows("select id from delivery where receipt = 'Z-1'")
    (g,) = await pairs.log("E2", cash(two, 0, "Z-1", corrects=f[0]), reason="没有这笔")
    await pairs.answer("VC3", Verdict.CONFIRMED, g)
    await refused(pairs, Code.NOTHING_CONFIRMED, "E2", papers.certificate, OTHER, YEAR)
    (h,) = await pairs.log("E2", cash(two, 0, "Z-2", path="jobs", kind="training", measure=Measure(None, 5)))
    await pairs.answer("VC3", Verdict.CONFIRMED, h)
    said = words(await pairs.do("E2", papers.certificate, OTHER, YEAR))
    assert "培训5人次。" in said
    assert "金额合计" not in said


async def test_who_gets_and_who_checks_a_certificate(pairs: Pairs) -> None:
    await worked(pairs)
    for number in ("VC1", "K1", "AU", "SU", "HA", "FI"):
        await refused(pairs, Code.FORBIDDEN, number, papers.certificate, ONE, YEAR)
    await refused(pairs, Code.NOT_FOUND, "E1", papers.certificate, OTHER, YEAR)
    await pairs.do("C1", papers.certificate, ONE, YEAR)
    ((object_,),) = await pairs.rows("select object from audit_entry where action = 'issue_pairing_papers'")
    number = object_.removeprefix("certificate/")
    for who in ("C1", "IF"):
        assert (await pairs.do(who, papers.check, number)).credit_code == ONE
    await refused(pairs, Code.NOT_FOUND, "C1", papers.check, "990201-2021-000000000000")
    await refused(pairs, Code.NOT_FOUND, "C1", papers.check, "")
    await refused(pairs, Code.NOT_FOUND, "E2", papers.check, number)
    await refused(pairs, Code.FORBIDDEN, "HA", papers.check, number)


# --- the honour list ----------------------------------------------------------------------------------------------


async def test_the_honour_list_holds_no_sum_that_is_not_settled(pairs: Pairs) -> None:
    await worked(pairs)
    found = await pairs.do("C1", summaries.honours, YEAR)
    assert [(own.place, own.name, own.fen, own.agreed, own.villages, own.by_kind) for own in found] == [
        (1, "一号企业", 105_000, 3, {V1}, {"cash": (45_000, 0), "posts": (60_000, 2)}),
    ]
    ((f,),) = await pairs.rows("select id from delivery where receipt = 'Z-1'")
    await pairs.answer("C1", Verdict.RULED, f, accepted=Measure(100_000))
    assert [(own.place, own.fen) for own in await pairs.do("IF", summaries.honours, YEAR)] == [
        (1, 105_000), (2, 100_000),
    ]  # fmt: skip
    ((two,),) = await pairs.rows("select id from pairing_agreement where number = 'X-2'")
    (last,) = await pairs.log("E2", cash(two, 50, "Z-9"))
    await pairs.answer("VC3", Verdict.CONFIRMED, last)
    shared = await pairs.do("IF", summaries.honours, YEAR)
    assert [(own.place, own.fen, own.name) for own in shared] == [(1, 105_000, "一号企业"), (1, 105_000, "二号企业")]
    # An enterprise finds itself, and no place; a village those who help it.
    assert [(own.place, own.name) for own in await pairs.do("E2", summaries.honours, YEAR)] == [(None, "二号企业")]
    assert [(own.place, own.name) for own in await pairs.do("VC1", summaries.honours, YEAR)] == [(1, "一号企业")]
    assert [own.name for own in await pairs.do("C1", summaries.honours, YEAR, T2)] == ["二号企业"]
    assert await pairs.do("C1", summaries.honours, YEAR - 1) == []
    await refused(pairs, Code.FORBIDDEN, "HA", summaries.honours, YEAR)

    rows = table(sheets(await pairs.do("C1", summaries.honour_list, YEAR))["光荣榜"], "名次")
    assert [(row["企业"], row["确认金额(元)"], row["其中捐款(元)"], row["提供岗位及工资(个岗位)"]) for row in rows] == [
        ("一号企业", 1050, 450, 2), ("二号企业", 1050, 1050, 0), (None, 2100, 1500, 2),
    ]  # fmt: skip
    for number in ("E1", "VC1", "AU", "SU", "HA"):
        await refused(pairs, Code.FORBIDDEN, number, summaries.honour_list, YEAR)
    entries = await pairs.rows("select object, data from audit_entry where action = 'export_pairings'")
    assert [(object_, data["rows"], data["personal"]) for object_, data in entries] == [("honours/2021", 2, [])]


# --- the annual summary -------------------------------------------------------------------------------------------


async def test_the_summary_is_what_its_lines_come_to(pairs: Pairs) -> None:
    """Held against what is added up here from the rows of the ledger, and against the query."""
    rng = random.Random(20211017)
    one, two = await worked(pairs)
    for place in range(30):
        agreement, agent, village = rng.choice([(one, "E1", "VC1"), (two, "E2", "VC3")])
        on = date(2021, 6, 1) + timedelta(days=rng.randrange(140))
        yuan = rng.randrange(2, 500)
        line = (
            cash(agreement, yuan, f"N{place}", on)
            if rng.random() < 0.5
            else posts(agreement, rng.randrange(1, 9), yuan, f"N{place}", day=on)
        )
        (made,) = await pairs.log(agent, line)
        match rng.randrange(4):
            case 1:
                await pairs.answer(village, Verdict.CONFIRMED, made)
            case 2:
                await pairs.answer(village, Verdict.DISPUTED, made)
            case 3:
                part = Measure(yuan * 50, line.measure.quantity)
                assert (await pairs.answer(village, Verdict.PARTLY, made, accepted=part)).done == [made]
    ((e,),) = await pairs.rows("select id from delivery where receipt = 'R-5'")
    (again,) = await pairs.log("E1", posts(one, 1, 30, "R-6"))
    await pairs.answer("VC1", Verdict.CONFIRMED, again)
    await pairs.do("VC1", ledger.match, again, ["H1-01"], Stated())  # the same person once more
    assert e != again
    for agent, agreement in (("E1", one), ("E1", one), ("E2", two)):
        await pairs.do(agent, agreements.raise_obstacle, agreement, "困难", Stated())
    (done, *_), *_ = await pairs.rows("select id from obstacle order by id")
    await pairs.do("IF", agreements.resolve_obstacle, done, "已解决", Stated())
    best = Finding(year=YEAR, outcome=Outcome.MET, finding="好", nominated=True)
    await pairs.do("IF", reviews.review, one, best, Stated())
    left = roster([replace(home, exit_year="2021") if home.number == "H1" else home for home in HOMES])
    assert (await pairs.bring("households", left, "R1")).state == "done"

    with Statements(pairs.database) as counted:
        data = await pairs.do("C1", summaries.summary_book, YEAR)
    book = sheets(data)
    assert list(book) == ["分乡镇", "分村", "分途径", "分内容", "结对名单", "年度规划", "投入明细"]
    for page in book.values():
        assert any("不是财政支付凭证" in str(cells[0]) for cells in page)

    # By village, from the rows.
    ledger_rows = await pairs.rows(
        "select division, path, kind, coalesce(amount_fen, 0), stands_fen, state, quantity, stands_quantity"
        " from delivery where state <> 'replaced' and year = 2021"
    )
    planned = await pairs.rows(
        "select division, path, amount_fen from plan_line where year = 2021 and kind is not null"
    )

    def expected(village: int | None = None, path: str | None = None) -> dict[str, Any]:
        own = [row for row in ledger_rows if village in (None, row[0]) and path in (None, row[1])]
        plan = [row for row in planned if village in (None, row[0]) and path in (None, row[1])]
        agreed = [row for row in own if row[5] in ("confirmed", "partly", "ruled")]
        before = [row for row in own if row[5] in ("disputed", "contested")]
        return {
            "帮扶项目(项)": len(plan),
            "规划承诺(元)": sum(row[2] for row in plan) / 100,
            "登记投入(元)": sum(row[3] for row in own) / 100,
            "已确认(元)": sum(row[4] for row in own) / 100,
            "待村确认(元)": sum(row[3] for row in own if row[5] == "logged") / 100,
            "待县裁定(元)": sum(row[3] - row[4] for row in before) / 100,
            "未获认可(元)": sum(row[3] - row[4] for row in agreed) / 100,
            "投入(笔)": len(own),
            "双方已认定(笔)": len(agreed),
        }

    once = ("帮扶企业(家)", "受帮扶村(个)", "协议(份)", "受益人员(人)")
    found = ("脱贫退出(户)", "典型村推荐(个)", "困难问题未解决(件)", "困难问题已解决(件)")
    for name, first in (("分乡镇", "乡镇"), ("分村", "乡镇")):
        rows = table(book[name], first)
        assert [row["乡镇"] for row in rows] == ["东镇", "西镇", "合计"]
        for row, code, counts, others in zip(
            rows, (V1, V3, None), ((1, 1, 1, 2), (1, 1, 1, 0), (2, 2, 2, 2)), ((1, 1, 1, 1), (0, 0, 1, 0), (1, 1, 2, 1)),
            strict=True,
        ):  # fmt: skip
            assert tuple(row[header] for header in once) == counts, (name, row)
            assert tuple(row[header] for header in found) == others, (name, row)
            assert {header: row[header] for header in expected()} == expected(code), (name, row)
    rows = table(book["分途径"], "途径")
    assert [row["途径"] for row in rows] == ["就业扶贫", "捐赠扶贫", "合计"]
    for row, path in zip(rows, ("jobs", "donation", None), strict=True):
        assert {header: row[header] for header in expected()} == expected(path=path)
    assert [row["受益人员(人)"] for row in rows] == [2, 0, 2]
    kinds = table(book["分内容"], "途径")
    assert {row["内容"]: (row["登记投入(数量)"], row["已确认(数量)"]) for row in kinds} == {
        "提供岗位及工资": (
            sum(row[6] for row in ledger_rows if row[2] == "posts"),
            sum(row[7] for row in ledger_rows if row[2] == "posts"),
        ),
        "捐款": (None, None),
    }
    # The list of pairs, and what they plan, with the tasks of the government.
    agreed = [(row["协议编号"], row["村"], row["企业"], row["状态"]) for row in table(book["结对名单"], "协议编号")]
    assert agreed == [("X-1", "甲村", "一号企业", "履行中"), ("X-2", "丙村", "二号企业", "履行中")]
    plans = [(row["类别"], row["内容"], row["责任部门"], row["承诺(元)"]) for row in table(book["年度规划"], "乡镇")]
    assert sorted(plans, key=str) == [
        ("企业措施", "捐款", None, 1000), ("企业措施", "提供岗位及工资", None, 900), ("政府任务", None, "县交通局", None),
    ]  # fmt: skip
    # Every total is that of the lines on the last sheet.
    lines = table(book["投入明细"], "日期")
    total = lines.pop()
    assert len(lines) == len(ledger_rows)
    for header in ("登记(元)", "已确认(元)"):
        assert total[header] == pytest.approx(sum(row[header] or 0 for row in lines))
    assert total["登记(元)"] == expected()["登记投入(元)"]
    assert total["已确认(元)"] == expected()["已确认(元)"]
    for row in lines:
        assert row["村"] in ("甲村", "丙村")
        assert row["企业"] == ("一号企业" if row["村"] == "甲村" else "二号企业")
    # No person on it.
    assert "户主" not in json.dumps(book, ensure_ascii=False, default=str)
    assert "H1" not in json.dumps(book, ensure_ascii=False, default=str)

    # The same as the query, for the whole and for each part.
    told = await pairs.do("C1", summaries.summary, YEAR)
    parts = [(told.whole, Which(year=YEAR))]
    parts += [(part, Which(year=YEAR, division=int(part.code))) for part in (*told.townships, *told.villages)]
    parts += [(part, Which(year=YEAR, path=str(part.code))) for part in told.paths]
    for part, which in parts:
        same = await pairs.do("C1", figures.figures, which)
        assert (len(part.organizations), len(part.divisions), len(part.agreements), len(part.people)) == (
            same.enterprises, same.villages, same.agreements, same.persons,
        ), which  # fmt: skip
        assert part.sums == {name: same.total(name) for name in summaries.SUMS}, which
    # As many statements for a township; of what a clerk sees, its own.
    with Statements(pairs.database) as fewer:
        await pairs.do("C1", summaries.summary_book, YEAR, T2)
    assert len(fewer) == len(counted)
    (own,) = (await pairs.do("K2", summaries.summary, YEAR)).villages
    assert own.code == V3
    western = sheets(await pairs.do("K2", summaries.summary_book, YEAR))
    assert [row["村"] for row in table(western["分村"], "乡镇")] == ["丙村", None]
    assert any("范围:西镇" in str(cells[0]) for cells in western["分村"])
    for number in ("E1", "VC1", "AU", "SU", "HA"):
        await refused(pairs, Code.FORBIDDEN, number, summaries.summary_book, YEAR)
    await refused(pairs, Code.BAD_VALUE, "C1", summaries.summary_book, YEAR + 1)


async def test_a_path_counts_who_helps_on_it(pairs: Pairs) -> None:
    await worked(pairs)
    for which, expected in (
        (Which(path="jobs"), (1, 1, 1)), (Which(path="donation"), (2, 2, 2)), (Which(path="trade"), (0, 0, 0)),
        (Which(kind="posts", division=BASE), (1, 1, 1)), (Which(year=10**9), (0, 0, 0)), (Which(year=-1), (0, 0, 0)),
    ):  # fmt: skip
        found = await pairs.do("C1", figures.figures, which)
        assert (found.enterprises, found.villages, found.agreements) == expected, which


async def test_the_lines_of_a_figure_are_listed_by_the_same_filter(pairs: Pairs) -> None:
    await worked(pairs)
    for which in (
        Which(),
        Which(division=V1),
        Which(credit_code=OTHER),
        Which(path="jobs"),
        Which(kind="cash", year=YEAR),
    ):
        found = await pairs.do("C1", figures.figures, which)
        listed = await pairs.do("C1", figures.deliveries, which)
        assert len(listed) == found.total("lines")
        assert sum(row.stands_fen for row in listed) == found.total("stands_fen")
    waiting = await pairs.do("VC1", figures.deliveries, Which(), {DeliveryState.LOGGED})
    assert [row.receipt for row in waiting] == ["R-4"]
    assert len(await pairs.do("C1", figures.deliveries, Which(), None, 2)) == 2


# --- jobs ---------------------------------------------------------------------------------------------------------


async def test_a_paper_is_put_in_the_queue_by_who_may_have_it(pairs: Pairs) -> None:
    await worked(pairs)
    for number, paper, of in (
        ("VC1", exports.Paper.STATEMENT, ONE), ("AU", exports.Paper.CERTIFICATE, ONE),
        ("E1", exports.Paper.HONOURS, None), ("E1", exports.Paper.SUMMARY, None),
    ):  # fmt: skip
        await refused(pairs, Code.FORBIDDEN, number, exports.put, paper, YEAR, of)
    await refused(pairs, Code.BAD_VALUE, "E1", exports.put, exports.Paper.STATEMENT, YEAR + 1, ONE)
    await refused(pairs, Code.NOT_FOUND, "E1", exports.put, exports.Paper.CERTIFICATE, YEAR, OTHER)
    assert exports.action_of("households") is None
    assert {exports.action_of(kind) for kind in exports.handlers(pairs.plugins)} == {
        exports.Paper.STATEMENT.action, exports.Paper.SUMMARY.action,
    }  # fmt: skip
