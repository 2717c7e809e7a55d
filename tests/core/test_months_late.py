"""Where months could go wrong between runs, years and households, and do not: what becomes known late reaches the month
that it belongs to, and nothing is paid, taken back or settled twice."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import false

from bangfu import payments
from bangfu.cases import (
    acts,
    carrying,
    correcting,
    month_previews,
    month_receipts,
    months,
    paying,
    planning,
    provisions,
    views,
    year,
)
from bangfu.cases.acts import Report
from bangfu.cases.planning import PlanStated
from bangfu.cases.views import Selection, Stated
from bangfu.errors import Refused
from bangfu.process import Duty, RestCause, Withheld
from tests.core.test_months import go_on, rest, sound
from tests.county import CODE, T1, Statements, clean
from tests.learners import identity
from tests.subsidies import CARE, CARED, Subsidies

ENDED: dict[str, Any] = {"level": 2, "generation": 2}


async def carried(world: Subsidies, day: date = date(2021, 12, 28)) -> None:
    """Everybody goes over into 2022."""
    world.on(CARE, "2022")
    await world.open()
    following = await world.ground()
    world.on(CARE, "2021", day)

    async def carry(session: Any, who: Any, ground: Any, selection: Selection) -> Report:
        return await carrying.carry(session, who, ground, following, selection)

    clean(await world.act("C1", carry))
    world.on(CARE, "2022", date(2022, 1, 10))


async def recovery_of(world: Subsidies) -> UUID:
    ((found,),) = await world.rows("select id from entitlement where kind = 'recovery' and voided_at is null")
    return UUID(str(found))


# --- runs -----------------------------------------------------------------------------------------------------


async def test_a_run_for_an_earlier_month_swallows_nothing(subsidies: Subsidies) -> None:
    await subsidies.granted()
    await subsidies.decide(5)
    await subsidies.pay(5)
    subsidies.today = date(2021, 5, 20)
    await subsidies.holds("D4-01", "certificate", date(2021, 4, 1), level=1, generation=2)
    # April and May are later than the month that is asked for, and are decided again all the same.
    assert (await subsidies.decide(3, date(2021, 5, 25)))["arrears_fen"] == 2 * 3_000
    assert (await subsidies.decide(6))["arrears_fen"] == 0
    assert (await subsidies.decide(6, date(2021, 6, 11), whole=True))["decided"] == 0
    await sound(subsidies)


async def test_who_could_not_be_decided_is_looked_at_until_he_can_be(subsidies: Subsidies) -> None:
    await subsidies.granted()
    await subsidies.decide(1)
    await subsidies.pay(1)
    subsidies.today = date(2021, 1, 20)
    await subsidies.holds("D4-01", "certificate", date(2020, 1, 1), level=None, generation=2)
    for month in (2, 3, 4):
        result = await subsidies.decide(month)
        assert [one["code"] for one in result["first_refused"]] == ["NOT_DETERMINED"]
    assert await subsidies.dues("D4-01") == [(1, "award", 70)]
    # Once he has ended, nothing is due of the months after, whatever his certificate says.
    subsidies.today = date(2021, 4, 20)
    stated = Stated(date(2020, 12, 30), evidence="核查表")
    clean(await subsidies.act("K2", correcting.stop, Selection(["D4-01"]), finding="不符", stated=stated))
    result = await subsidies.decide(5)
    assert (result["refused"], result["recovery_fen"]) == (0, 7_000)
    await sound(subsidies)


async def test_what_was_decided_for_some_persons_is_on_record_with_its_reason(subsidies: Subsidies) -> None:
    await subsidies.granted()
    subsidies.today = date(2021, 1, 10)
    who = subsidies.who("C1")
    ground = await subsidies.ground(who)
    async with subsidies.database.session(who.scope) as session:
        made = await months.decide(session, who, ground, 1, ["D4-01"], "来访核对")
    assert [one.case.number for one in made.decisions] == ["D4-01"]
    rows = await subsidies.rows("select reason, data from audit_entry where action = 'decide_month'")
    assert [tuple(row) for row in rows] == [("来访核对", {"months": [1]})]


async def test_by_what_was_known_nothing_is_told_of_months_of_which_nothing_could_be_due(
    subsidies: Subsidies,
) -> None:
    subsidies.on(CARE, today=date(2021, 3, 20))
    await subsidies.grant("D1-01")
    await subsidies.decide(4)
    who = subsidies.who("C1", date(2021, 4, 12))
    ground = await subsidies.ground(who)
    async with subsidies.database.session(who.scope) as session:
        months_ = await month_receipts.told_of(session, who, ground, "D1-01")
        assert [(own.number, own.due_fen) for own in months_] == [(3, 10_000), (4, 10_000)]
        for month in (3, 4):
            anew = await month_receipts.as_known(session, who, ground, "D1-01", month, who.at.now)
            assert (anew.amount_fen, anew.withheld) == (10_000, None)
        for month, code in ((2, "MONTH_NOT_OF_CASE"), (5, "MONTH_NOT_BEGUN"), (13, "BAD_VALUE")):
            with pytest.raises(Refused, match=code):
                await month_receipts.as_known(session, who, ground, "D1-01", month, who.at.now)


# --- back ------------------------------------------------------------------------------------------------------


async def test_nothing_goes_back_of_which_a_month_is_decided(subsidies: Subsidies) -> None:
    await subsidies.granted()
    await subsidies.decide(1)
    subsidies.today = date(2021, 1, 12)
    before = await subsidies.snapshot()
    back = await subsidies.act("C1", acts.send_back, Selection(["D4-01"]), finding="冒领")
    assert [problem.code.name for _, problem in back.refused] == ["WRONG_STAGE"]
    undone = await subsidies.act("DF1", correcting.undo, Selection(["D4-01"]), stated=Stated(reason="签错"))
    assert [problem.code.name for _, problem in undone.refused] == ["NOT_UNDOABLE"]
    assert await subsidies.snapshot() == before
    # It is stopped instead, from a day on, and its months follow.
    stated = Stated(date(2020, 12, 30), evidence="核查表")
    clean(await subsidies.act("K2", correcting.stop, Selection(["D4-01"]), finding="冒领", stated=stated))
    await subsidies.decide(1, date(2021, 1, 13))
    assert await subsidies.dues("D4-01") == []
    assert (await subsidies.pay(1)).count == 2
    await sound(subsidies)


async def test_before_its_first_month_a_case_is_sent_back_like_any_other(subsidies: Subsidies) -> None:
    await subsidies.granted()
    clean(await subsidies.act("C1", acts.send_back, Selection(["D4-01"]), finding="材料不全"))
    assert (await subsidies.stages())["D4-01"] == "first_review"
    assert (await subsidies.decide(1))["decided"] == 2


async def test_who_went_back_before_a_month_was_decided_and_ended_at_a_review_was_never_paid(
    subsidies: Subsidies,
) -> None:
    await subsidies.granted()
    clean(await subsidies.act("C1", acts.send_back, Selection(["D4-01"]), finding="材料不全"))
    clean(await subsidies.act("DF1", correcting.undo, Selection(["D1-02"]), stated=Stated(reason="签错")))
    subsidies.today = date(2021, 2, 3)
    clean(await subsidies.act("K2", correcting.stop, Selection(["D4-01"]), finding="冒领"))
    clean(await subsidies.act("DF1", correcting.stop, Selection(["D1-02"]), finding="复核不通过"))
    assert (await subsidies.decide(2))["decided"] == 2
    assert [await subsidies.dues(number) for number in CARED] == [[(1, "award", 100), (2, "award", 100)], [], []]
    assert (await subsidies.pay(2)).total_fen == 20_000
    await sound(subsidies)


async def test_a_month_that_was_decided_just_as_a_case_was_sent_back_is_decided_again_and_no_other_is(
    subsidies: Subsidies, monkeypatch: pytest.MonkeyPatch
) -> None:
    await subsidies.granted()
    await subsidies.decide(2)
    await subsidies.pay(2)
    subsidies.today = date(2021, 2, 12)
    with monkeypatch.context() as patched:  # as who sent it back saw it, before the months were written down
        patched.setattr(views, "_months_decided", lambda _: false())
        clean(await subsidies.act("C1", acts.send_back, Selection(["D4-01"]), finding="材料不全"))
    subsidies.today = date(2021, 4, 5)
    clean(await subsidies.act("K2", correcting.stop, Selection(["D4-01"]), finding="冒领"))
    await subsidies.holds("D4-01", "certificate", date(2020, 1, 1), date(2021, 1, 15), **ENDED)
    result = await subsidies.decide(4)
    # February is taken back by what became known, though the case ended at a review; nothing of March was ever due.
    assert await subsidies.dues("D4-01") == [(1, "award", 70), (2, "award", 70), (2, "recovery", -70)]
    assert (result["changed"], result["recovery_fen"]) == (1, 7_000)
    await sound(subsidies)


# --- ends that were not, and rests that are over --------------------------------------------------------------


async def applied(world: Subsidies, number: str, stated: Stated) -> None:
    """Somebody of 甲村 applies again, and is not reviewed yet."""
    who = world.who("VC1")
    ground = await world.ground(who)
    async with world.database.session(who.scope) as session:
        clean(await planning.plan(session, who, ground, [PlanStated(number, {}, stated)]))


async def applied_again(world: Subsidies, number: str, day: date) -> None:
    """Somebody is withdrawn, on the day as it is, and applies again on a later one."""
    clean(await world.act("VC1", correcting.withdraw, Selection([number]), stated=Stated(reason="本人撤回")))
    world.today = day
    await applied(world, number, Stated(reason="重新申请"))
    await world.review(number)


async def test_who_was_withdrawn_while_resting_and_applies_again_is_paid(subsidies: Subsidies) -> None:
    await subsidies.granted()
    await rest(subsidies, "D1-02", RestCause.UNREACHABLE, date(2021, 1, 10), date(2021, 1, 10))
    subsidies.today = date(2021, 1, 20)
    await applied_again(subsidies, "D1-02", date(2021, 2, 20))
    await subsidies.decide(3)
    assert await subsidies.dues("D1-02") == [(2, "award", 70), (3, "award", 70)]
    await subsidies.pay(3)
    await sound(subsidies)


async def test_an_application_from_paper_decides_again_what_was_withheld_after_the_end(subsidies: Subsidies) -> None:
    await subsidies.granted()
    await rest(subsidies, "D1-02", RestCause.CUSTODY, date(2021, 1, 1), date(2021, 1, 10))
    subsidies.today = date(2021, 1, 20)
    clean(await subsidies.act("VC1", correcting.withdraw, Selection(["D1-02"]), stated=Stated(reason="本人撤回")))
    for month in (1, 2, 3):
        await subsidies.decide(month)
    assert await subsidies.dues("D1-02") == []
    subsidies.today = date(2021, 4, 2)
    await applied(subsidies, "D1-02", Stated(date(2021, 2, 26), reason="重新申请", evidence="申请表"))
    await subsidies.review("D1-02")
    await subsidies.decide(4)
    assert await subsidies.dues("D1-02") == [(month, "award", 70) for month in (2, 3, 4)]
    await sound(subsidies)


async def test_months_that_were_decided_while_he_was_at_a_review_are_decided_again(subsidies: Subsidies) -> None:
    await subsidies.granted()
    await rest(subsidies, "D1-02", RestCause.CUSTODY, date(2021, 1, 1), date(2021, 1, 10))
    subsidies.today = date(2021, 1, 20)
    clean(await subsidies.act("VC1", correcting.withdraw, Selection(["D1-02"]), stated=Stated(reason="本人撤回")))
    for month in (1, 2, 3):
        await subsidies.decide(month)
    subsidies.today = date(2021, 4, 2)
    await applied(subsidies, "D1-02", Stated(date(2021, 2, 26), reason="重新申请", evidence="申请表"))
    await subsidies.decide(4)  # on 10 April
    assert await subsidies.dues("D1-02") == []
    subsidies.today = date(2021, 4, 20)
    await subsidies.review("D1-02")
    await subsidies.decide(5)
    assert await subsidies.dues("D1-02") == [(month, "award", 70) for month in (2, 3, 4, 5)]
    assert (await subsidies.decide(5, date(2021, 5, 11), whole=True))["decided"] == 0


@pytest.mark.parametrize("repaid", [True, False])
async def test_an_end_in_the_old_year_stays_though_he_applies_again_in_the_new_one(
    subsidies: Subsidies, repaid: bool
) -> None:
    """Withdrawn in January as of 20 September: October to December are taken back, and are not due again in March."""
    await subsidies.granted()
    await subsidies.decide(12)
    await subsidies.pay(12)
    await carried(subsidies)
    subsidies.today = date(2022, 1, 5)
    stated = Stated(date(2021, 9, 20), reason="迁走", evidence="申请")
    clean(await subsidies.act("VC1", correcting.withdraw, Selection(["D1-02"]), stated=stated))
    assert (await subsidies.decide(1))["recovery_fen"] == 21_000
    finance = subsidies.who("FI", date(2022, 1, 20))
    if repaid:
        async with subsidies.database.session(finance.scope) as session:
            open_ = [one for one in await payments.outstanding(session, finance, CARE, "2021") if one.open_fen < 0]
            assert [one.open_fen for one in open_] == [-7_000] * 3
            for place, one in enumerate(open_):
                await payments.repay(session, finance, one.id, 7_000, finance.at.today, f"P-{place}")
    subsidies.today = date(2022, 3, 3)
    await applied(subsidies, "D1-02", Stated(reason="重新申请"))
    if not repaid:  # reviewed, or not
        await subsidies.review("D1-02")
    decided = await subsidies.decide(3)
    assert decided["arrears_fen"] == 0
    subsidies.on(CARE, "2021")
    assert sum(yuan for month, _, yuan in await subsidies.dues("D1-02") if month > 8) == 70
    await sound(subsidies)


async def test_a_month_is_told_by_the_end_that_was_known_then(subsidies: Subsidies) -> None:
    await subsidies.granted()
    await subsidies.decide(1)
    subsidies.today = date(2021, 1, 12)
    stated = Stated(date(2020, 12, 30), evidence="核查表")
    clean(await subsidies.act("K2", correcting.stop, Selection(["D4-01"]), finding="不符", stated=stated))
    await subsidies.decide(1, date(2021, 1, 15))
    subsidies.today = date(2021, 1, 20)
    clean(await subsidies.act("K2", correcting.undo, Selection(["D4-01"]), stated=Stated(reason="弄错人")))
    await subsidies.decide(1, date(2021, 1, 25))
    who = subsidies.who("C1", date(2021, 1, 26))
    ground = await subsidies.ground(who)
    told = []
    async with subsidies.database.session(who.scope) as session:
        for day in (11, 16, 26):
            then = subsidies.who("C1", date(2021, 1, day)).at.now
            (record,) = await month_receipts.told_of(session, who, ground, "D4-01", then)
            anew = await month_receipts.as_known(session, who, ground, "D4-01", 1, then)
            assert (anew.amount_fen, anew.withheld) == (record.due_fen, record.decisions[0].withheld)
            told.append((anew.amount_fen, anew.withheld))
    assert told == [(7_000, None), (0, Withheld.ENDED), (7_000, None)]


# --- money ----------------------------------------------------------------------------------------------------


async def test_what_came_back_and_is_not_due_any_more_is_not_paid_again(subsidies: Subsidies) -> None:
    await subsidies.granted()
    await subsidies.decide(1)
    await subsidies.pay(1)
    subsidies.today = date(2021, 1, 20)
    ((line,),) = await subsidies.rows(
        "select l.id from payment_line l join entitlement e on e.id = l.entitlement_id"
        " join case_file c on c.id = e.case_id where c.number = 'D4-01'"
    )
    who = subsidies.who("FI")
    async with subsidies.database.session(who.scope) as session:
        await payments.record_return(session, who, line, subsidies.today, "账号有误", "回单")
    await subsidies.holds("D4-01", "certificate", date(2020, 1, 1), date(2020, 12, 31), **ENDED)
    subsidies.today = date(2021, 1, 26)
    keeper = subsidies.who("R1")
    async with subsidies.database.session(keeper.scope) as session:
        await payments.correct_account(
            session, keeper, subsidies.vault, "D4", "残D40号", "测试银行", "990000000039999", "更正", "存折"
        )
    assert (await subsidies.decide(2))["recovery_fen"] == 7_000
    await subsidies.pay(2)
    assert await subsidies.paid("D4-01") == [(1, 70, 0), (1, 0, 70)]
    async with subsidies.database.session(who.scope) as session:
        assert await payments.outstanding(session, who, CARE, "2021") == []
    await sound(subsidies)


async def test_what_is_being_set_off_is_not_paid_back_besides(subsidies: Subsidies) -> None:
    await subsidies.granted()
    await subsidies.decide(1)
    await subsidies.pay(1)
    subsidies.today = date(2021, 1, 25)
    await subsidies.holds("D4-01", "certificate", date(2020, 1, 1), date(2020, 12, 31), **ENDED)
    await subsidies.holds("D4-01", "certificate", date(2021, 2, 1), **ENDED)
    await subsidies.decide(2)
    recovery, line = await recovery_of(subsidies), await subsidies.fund()
    who, cashier = subsidies.who("C2"), subsidies.who("FI")
    ground = await subsidies.ground(who)

    async def repay() -> None:
        async with subsidies.database.session(cashier.scope) as session:
            await payments.repay(session, cashier, recovery, 7_000, cashier.at.today, "P-1")

    async with subsidies.database.session(who.scope) as session:
        made = await paying.make_batch(session, who, subsidies.vault, ground, line, month=2)
        waiting = asyncio.create_task(repay())
        await asyncio.sleep(0.3)
        assert not waiting.done()
    with pytest.raises(Refused, match="BAD_VALUE"):
        await waiting
    assert made.batch is not None
    await subsidies.finish(made.batch)
    assert (await subsidies.paid("D4-01"))[1:] == [(2, 0, 70)]
    await sound(subsidies)


# --- years ----------------------------------------------------------------------------------------------------


async def test_who_is_carried_has_every_month_of_the_new_year_whichever_month_counts_first(
    subsidies: Subsidies,
) -> None:
    subsidies.on(CARE, today=date(2021, 1, 2))
    draft = await subsidies.draft({
        "title": "测试县起始月", "number": "测政办〔2020〕41号", "issued": date(2020, 12, 1),
        "parameters": {"begins": [{"since": date(2020, 12, 1), "value": "following", "clause": "一"}]},
    })  # fmt: skip
    second = subsidies.who("C2")
    async with subsidies.database.session(second.scope) as session:
        await provisions.release(session, second, subsidies.plugins, draft)
    await subsidies.open()
    await subsidies.granted()
    await subsidies.decide(12)
    assert [month for month, _, _ in await subsidies.dues("D1-01")] == list(range(2, 13))
    await carried(subsidies)
    assert (await subsidies.decide(1))["decided"] == 3
    assert await subsidies.dues("D1-01") == [(1, "award", 100)]


async def test_an_end_that_becomes_known_in_the_new_year_reaches_the_old_one(subsidies: Subsidies) -> None:
    await subsidies.granted()
    await subsidies.decide(12)
    await subsidies.pay(12)
    await carried(subsidies)
    await subsidies.decide(1)
    await subsidies.pay(1)
    subsidies.today = date(2022, 1, 20)
    stated = Stated(date(2021, 9, 15), evidence="核查表")
    clean(await subsidies.act("K2", correcting.stop, Selection(["D4-01"]), finding="不符", stated=stated))
    # October, November and December of 2021, and January of 2022.
    assert (await subsidies.decide(2))["recovery_fen"] == 4 * 7_000
    subsidies.on(CARE, "2021")
    assert [due for due in await subsidies.dues("D4-01") if due[1] == "recovery"] == [
        (10, "recovery", -70), (11, "recovery", -70), (12, "recovery", -70),
    ]  # fmt: skip
    await sound(subsidies)


async def test_what_deciding_would_change_is_told_of_the_years_before_too(subsidies: Subsidies) -> None:
    await subsidies.granted()
    await subsidies.decide(12)
    await subsidies.pay(12)
    await carried(subsidies)
    await subsidies.decide(1)
    await subsidies.pay(1)
    subsidies.today = date(2022, 2, 2)
    # He had no certificate any more in November and December, and has none in the new year.
    await subsidies.holds("D4-01", "certificate", date(2020, 1, 1), date(2021, 10, 5), **ENDED)
    subsidies.today = date(2022, 2, 10)
    who = subsidies.who("C1")
    ground = await subsidies.ground(who)
    before = await subsidies.snapshot()
    async with subsidies.database.session(who.scope) as session:
        east, west = await month_previews.preview_figures(session, who, ground, 2)
        page = await month_previews.preview(session, who, ground, 2, 2)
        rest_ = await month_previews.preview(session, who, ground, 2, 2, page.last)
        count = await month_previews.preview_count(session, who, ground, 2, 10)
    assert (east.cases, east.decided, east.changed, east.due_fen, east.less_fen) == (2, 2, 0, 17_000, 0)
    assert (west.cases, west.decided, west.changed, west.due_fen, west.less_fen) == (1, 4, 3, 0, 3 * 7_000)
    assert ([one.case.number for one in page.found], page.more) == (["D1-01", "D1-02"], True)
    (last,) = rest_.found
    assert (last.case.number, last.difference, rest_.more, count) == ("D4-01", -3 * 7_000, False, 3)
    assert [(one.result.rules.period.key, one.before, one.amount) for one in last.decisions] == [
        ("2021-11", 7_000, 0), ("2021-12", 7_000, 0), ("2022-01", 7_000, 0), ("2022-02", None, 0),
    ]  # fmt: skip
    assert await subsidies.snapshot() == before
    done = await subsidies.decide(2)
    assert (done["decided"], done["changed"], done["arrears_fen"], done["recovery_fen"]) == (6, 3, 0, 3 * 7_000)
    await sound(subsidies)


async def test_who_rests_is_paid_nothing_of_the_old_year_either(subsidies: Subsidies) -> None:
    await subsidies.granted()
    await subsidies.decide(11)
    await rest(subsidies, "D1-02", RestCause.CUSTODY, date(2021, 11, 20), date(2021, 11, 20))
    await subsidies.decide(12)
    await carried(subsidies)
    await subsidies.decide(1)
    made = await subsidies.gather(1)
    assert [(number, problem.code.name) for number, problem in made.missing] == [("D1-02", "CASE_PAUSED")]
    assert made.batch is not None
    await subsidies.finish(made.batch)
    await go_on(subsidies, "D1-02", date(2022, 1, 20), date(2022, 1, 20))
    await subsidies.decide(2)
    await subsidies.pay(2)
    # Eleven months of the old year, and February; custody is not paid afterwards.
    assert [month for month, _, _ in await subsidies.paid("D1-02")] == [*range(1, 12), 2]
    await sound(subsidies)


async def test_a_rest_that_was_over_before_a_late_carry_withholds_its_months_of_the_new_year(
    subsidies: Subsidies,
) -> None:
    await subsidies.granted()
    await subsidies.decide(12)
    await rest(subsidies, "D1-01", RestCause.UNREACHABLE, date(2021, 12, 20), date(2022, 1, 5))
    await go_on(subsidies, "D1-01", date(2021, 12, 28), date(2022, 1, 6))
    await rest(subsidies, "D1-02", RestCause.CUSTODY, date(2021, 12, 20), date(2022, 1, 5))
    await go_on(subsidies, "D1-02", date(2022, 1, 20), date(2022, 1, 20))
    await rest(subsidies, "D1-02", RestCause.CUSTODY, date(2022, 1, 28), date(2022, 2, 9))
    await carried(subsidies, date(2022, 2, 15))
    assert [tuple(row) for row in await subsidies.rows(
        "select c.number, e.data->'rests' from case_event e join case_file c on c.id = e.case_id"
        " where e.act = 'carry' and c.period = '2022' order by 1"
    )] == [
        ("D1-01", None),  # it had rested in December, and not in the new year
        ("D1-02", [{"cause": "custody", "since": "2021-12-20", "until": "2022-01-20"},
                   {"cause": "custody", "since": "2022-01-28", "until": None}]),
        ("D4-01", None),
    ]  # fmt: skip
    await go_on(subsidies, "D1-02", date(2022, 2, 20), date(2022, 2, 20))
    await subsidies.decide(3, date(2022, 3, 10))
    # In custody on the first of January and of February, which is not paid afterwards.
    assert await subsidies.dues("D1-02") == [(3, "award", 70)]
    assert await subsidies.dues("D1-01") == [(1, "award", 100), (2, "award", 100), (3, "award", 100)]
    await sound(subsidies)


async def test_who_reviewed_a_case_does_not_check_what_it_is_paid_in_later_years(subsidies: Subsidies) -> None:
    both = "".join(f"DX,两职丁,{duty},{CODE}000000,2018-01-01\n" for duty in ("县残联", "县扶移局"))
    status = await subsidies.bring("officers", f"工号,姓名,职责,负责区划代码,起始日期\n{both}", "R1")
    assert status.state == "done", status.result
    subsidies.on(CARE, today=date(2021, 1, 5))
    for committee, own in (("VC1", ("D1-01", "D1-02")), ("VC3", ("D4-01",))):
        clean(await subsidies.apply_in(committee, *own))
    clean(await subsidies.act("DF1", acts.account, Selection(CARED)))
    for clerk in ("K1", "K2"):
        await subsidies.sign(clerk, "first_review", *CARED)
    clean(await subsidies.sign("DX", "second_review", *CARED))
    await subsidies.decide(12)
    await subsidies.pay(12)
    await carried(subsidies)
    await subsidies.decide(1)
    made = await subsidies.gather(1)
    assert made.batch is not None
    who = subsidies.who("DX")
    ground = await subsidies.ground(who)
    async with subsidies.database.session(who.scope) as session:
        with pytest.raises(Refused, match="SAME_PERSON"):
            await paying.check_batch(session, who, ground, made.batch.id)


# --- verified again -------------------------------------------------------------------------------------------


async def unverified(world: Subsidies, on: date, number: str = "C1") -> list[tuple[str, str]]:
    """Who is on the list of a day, by number and name, as an officer sees it; its count is that of the list."""
    who, ground = world.who(number, on), await world.ground()
    async with world.database.session(who.scope) as session:
        found = await carrying.unverified(session, who, ground, on, 10)
        counts = await carrying.unverified_counts(session, who, ground, on)
    assert sum(counts.values()) == len(found)
    return [(one.number, one.name) for one in found]


async def test_a_stop_that_was_taken_back_verifies_nobody(subsidies: Subsidies) -> None:
    await subsidies.granted()
    subsidies.today = date(2021, 7, 8)
    clean(await subsidies.act("K2", correcting.stop, Selection(["D4-01"]), finding="点错人", stated=Stated()))
    assert [number for number, _ in await unverified(subsidies, date(2021, 7, 8))] == ["D1-01", "D1-02"]
    clean(await subsidies.act("K2", correcting.undo, Selection(["D4-01"]), stated=Stated(reason="点错人")))
    assert [number for number, _ in await unverified(subsidies, date(2021, 7, 9))] == list(CARED)


async def test_nobody_is_to_verify_the_dead(subsidies: Subsidies) -> None:
    await subsidies.granted()
    subsidies.today = date(2021, 7, 8)
    await subsidies.holds("D1-01", "death", date(2021, 7, 5))
    assert [number for number, _ in await unverified(subsidies, date(2021, 7, 8))] == ["D1-02", "D4-01"]
    assert [number for number, _ in await unverified(subsidies, date(2021, 7, 4))] == list(CARED)
    before = await subsidies.snapshot()
    report = await subsidies.act("K1", carrying.reverify, Selection(numbers=["D1-01"]), finding="在世")
    assert [problem.code.name for _, problem in report.refused] == ["PERSON_DEAD"]
    assert await subsidies.snapshot() == before


async def test_who_was_not_verified_stays_on_the_list_of_the_half_year_though_he_is_carried(
    subsidies: Subsidies,
) -> None:
    await subsidies.granted()
    await subsidies.decide(12)
    clean(await subsidies.act("K1", carrying.reverify, Selection(numbers=["D1-01"]), finding="属实"))
    before = await unverified(subsidies, date(2021, 12, 27))
    assert [number for number, _ in before] == ["D1-02", "D4-01"]
    await carried(subsidies)
    subsidies.on(CARE, "2021")
    assert await unverified(subsidies, date(2021, 12, 29)) == before
    # In the new year everybody is to be verified anew.
    subsidies.on(CARE, "2022")
    assert [number for number, _ in await unverified(subsidies, date(2022, 1, 10))] == list(CARED)


async def test_who_moved_is_on_the_list_of_who_has_his_case_and_is_verified_there(subsidies: Subsidies) -> None:
    await subsidies.granted()
    subsidies.today = date(2021, 2, 5)
    await moved(subsidies)
    subsidies.today = on = date(2021, 7, 10)
    assert await unverified(subsidies, on, "K1") == [("D1-01", "残D10号"), ("D1-02", "")]
    assert await unverified(subsidies, on, "K2") == [("D4-01", "残D40号")]
    assert [name for _, name in await unverified(subsidies, on)] == ["残D10号", "残D11号", "残D40号"]
    clean(await subsidies.act("K1", carrying.reverify, Selection(numbers=["D1-02"]), finding="属实"))
    assert await unverified(subsidies, on, "K1") == [("D1-01", "残D10号")]


# --- households -----------------------------------------------------------------------------------------------

HEADS = "户编号,乡镇,行政村,村民小组,户类型,脱贫年度,联户干部工号,姓名,证件号码,与户主关系,开户名,开户行,一卡通账号,离户日期"
D1 = "D1,东镇,甲村,四组,贫困户,,L1,{name},{identity},{relation},残D10号,测试银行,990000000031000,{left}"
D4 = "D4,西镇,丙村,四组,贫困户,,L3,{name},{identity},{relation},残D40号,测试银行,990000000031003,{left}"
HEAD1, SON, HEAD4 = identity("1958-05-01", 200), identity("1982-03-02", 201), identity("1976-09-10", 230)


async def moved(world: Subsidies) -> None:
    """D1-02 leaves his father in 甲村 and lives with D4 in 丙村."""
    left = [
        D1.format(name="残D10号", identity=HEAD1, relation="户主", left=""),
        D1.format(name="残D11号", identity=SON, relation="之子", left="2021-02-03"),
    ]
    came = [
        D4.format(name="残D40号", identity=HEAD4, relation="户主", left=""),
        D4.format(name="残D11号", identity=SON, relation="其他", left=""),
    ]
    for rows in (left, came):
        status = await world.bring("households", "\n".join([HEADS, *rows]), "R1")
        assert status.state == "done", status.result


async def test_who_moved_is_paid_where_he_lives_and_judged_by_nobody_who_does_not_see_him(subsidies: Subsidies) -> None:
    await subsidies.granted()
    await subsidies.decide(1)
    await subsidies.pay(1)
    subsidies.today = date(2021, 2, 5)
    await moved(subsidies)
    subsidies.today = date(2021, 2, 10)
    who = subsidies.who("K1")
    ground = await subsidies.ground(who)
    async with subsidies.database.session(who.scope) as session:
        found = await month_previews.preview(session, who, ground, 2, 50)
        assert [one.case.number for one in found.found] == ["D1-01"]
        with pytest.raises(Refused, match="NOT_FOUND"):
            await month_receipts.as_known(session, who, ground, "D1-02", 1, who.at.now)
    assert (await subsidies.decide(2))["changed"] == 0
    await subsidies.pay(2)
    rows = await subsidies.rows(
        "select c.number, l.account_masked from payment_line l join entitlement e on e.id = l.entitlement_id"
        " join case_file c on c.id = e.case_id where l.instalment = 2 order by 1"
    )
    assert [(number, masked[-4:]) for number, masked in rows] == [
        ("D1-01", "1000"), ("D1-02", "1003"), ("D4-01", "1003"),
    ]  # fmt: skip
    await carried(subsidies)
    rows = await subsidies.rows(
        "select c.period, h.number, c.division % 1000000 from case_file c join household h on h.id = c.household_id"
        " where c.number = 'D1-02' order by 1"
    )
    assert [tuple(row) for row in rows] == [("2021", "D1", 101201), ("2022", "D4", 102201)]
    await sound(subsidies)


async def test_who_moved_out_of_sight_is_left_out_by_who_decides_for_a_part_of_the_county(
    subsidies: Subsidies,
) -> None:
    await subsidies.granted()
    await subsidies.decide(1)
    await subsidies.pay(1)
    status = await subsidies.bring(
        "officers", f"工号,姓名,职责,负责区划代码,起始日期\nCE,东办,乡镇经办,{T1},2018-01-01\n", "R1"
    )
    assert status.state == "done", status.result
    await subsidies.charge("CE", Duty.COUNTY_OFFICE, T1)
    subsidies.today = date(2021, 2, 5)
    await moved(subsidies)
    result = await subsidies.decide(2, number="CE")
    assert (result["decided"], result["recovery_fen"]) == (1, 0)
    who = subsidies.who("CE")
    ground = await subsidies.ground(who)
    async with subsidies.database.session(who.scope) as session:
        made = await months.decide(session, who, ground, 2, ["D1-01", "D1-02", "D4-01"], "来访核对")
    assert [(number, problem.code.name) for number, problem in made.refused] == [
        ("D1-02", "NOT_FOUND"), ("D4-01", "NOT_FOUND"),
    ]  # fmt: skip
    assert [await subsidies.dues(number) for number in CARED] == [
        [(1, "award", 100), (2, "award", 100)], [(1, "award", 70)], [(1, "award", 70)],
    ]  # fmt: skip
    # Who sees the county decides him where he lives.
    assert (await subsidies.decide(2))["recovery_fen"] == 0
    assert await subsidies.dues("D1-02") == [(1, "award", 70), (2, "award", 70)]
    await sound(subsidies)


async def test_what_came_back_from_one_household_is_paid_to_another_that_he_moved_to(subsidies: Subsidies) -> None:
    await subsidies.granted()
    await subsidies.decide(1)
    await subsidies.pay(1)
    subsidies.today = date(2021, 1, 20)
    lines = await subsidies.rows(
        "select l.id from payment_line l join entitlement e on e.id = l.entitlement_id"
        " join case_file c on c.id = e.case_id where c.number like 'D1-%'"
    )
    who = subsidies.who("FI")
    async with subsidies.database.session(who.scope) as session:
        for (line,) in lines:
            await payments.record_return(session, who, line, subsidies.today, "账号有误", "回单")
    subsidies.today = date(2021, 2, 5)
    await moved(subsidies)
    await subsidies.decide(2)
    made = await subsidies.gather(2)
    # His father's account is still the one that the bank refused; that of D4 never was.
    assert [(number, problem.code.name) for number, problem in made.missing] == [("D1-01", "ACCOUNT_RETURNED")]
    assert made.batch is not None
    await subsidies.finish(made.batch)
    rows = await subsidies.rows(
        "select l.instalment, right(l.account_masked, 4), l.reissues is not null from payment_line l"
        " join entitlement e on e.id = l.entitlement_id join case_file c on c.id = e.case_id"
        " where c.number = 'D1-02' order by l.instalment, l.released_at"
    )
    assert [tuple(row) for row in rows] == [(1, "1000", False), (1, "1003", True), (2, "1003", False)]
    await sound(subsidies)


async def test_who_moved_has_his_months_on_the_page_of_either_household_and_nobody_tells_him_to_apply(
    subsidies: Subsidies,
) -> None:
    await subsidies.granted()
    for month in (1, 2):
        if month == 2:
            subsidies.today = date(2021, 2, 5)
            await moved(subsidies)
        await subsidies.decide(month)
        await subsidies.pay(month)
    who = subsidies.who("C1")
    rows = await subsidies.rows("select id, number from household where number in ('D1', 'D4') order by number")
    homes = {row.id: row.number for row in rows}
    taken = []
    for asked in ({own: number} for own, number in homes.items()), (homes,):
        told: dict[str, Any] = {}
        for some in asked:
            with Statements(subsidies.database) as statements:
                async with subsidies.database.session(who.scope, reading=True) as session:
                    answers = await year.answers_in(session, who, [subsidies.programme], some, 2021)
            taken.append(len(statements))
            told |= {
                one.number: [
                    (own.receipt.number, own.receipt.applied, own.could, [month.due_fen for month in own.months])
                    for own in one.periods
                ]
                for one in answers.values()
            }
        assert told == {
            "D1": [("D1-01", True, (), [10_000, 10_000]), ("D1-02", True, (), [7_000, 7_000])],
            "D4": [("D1-02", True, (), [7_000, 7_000]), ("D4-01", True, (), [7_000, 7_000])],
        }
    assert len(set(taken)) == 1
    # Who does not see his case does not tell him to apply.
    clerk = subsidies.who("K2")
    async with subsidies.database.session(clerk.scope, reading=True) as session:
        page = await year.why_in(session, clerk, [subsidies.programme], "D4", 2021)
    assert [own.receipt.number for own in page.periods] == ["D4-01"]
