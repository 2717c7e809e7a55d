"""What is paid every month: decided by the facts of the month, whenever these become known."""

from __future__ import annotations

import asyncio
from datetime import date
from uuid import UUID

import pytest

from bangfu import payments
from bangfu.cases import carrying, correcting, month_runs, months, paying, provisions
from bangfu.cases.acts import Report
from bangfu.cases.views import Selection, Stated
from bangfu.errors import Refused
from bangfu.payments import invariants
from bangfu.process import RestCause
from bangfu.rules.book import Outcome
from bangfu.simulate import preview
from tests.county import clean
from tests.subsidies import CARE, CARED, LIVING, POOR, Subsidies

BESIDE_EACH_OTHER = 5_000
"""So many results that two who put them in in two orders would meet in the middle."""


async def sound(world: Subsidies) -> None:
    """Nothing is wrong with the money of the county."""
    who = world.who("C1")
    faults = await invariants.examine(world.database, [world.tenant.id], world.plugins.programmes, who.at.now)
    assert faults == []


# --- a month --------------------------------------------------------------------------------------------------


async def test_who_passed_both_reviews_is_due_each_month_by_its_facts(subsidies: Subsidies) -> None:
    await subsidies.granted()
    assert await subsidies.decide(1) == {
        "decided": 3, "changed": 0, "unchanged": 0, "refused": 0, "arrears_fen": 0, "recovery_fen": 0,
        "first_refused": [],
    }  # fmt: skip
    batch = await subsidies.pay(1)
    assert (batch.count, batch.total_fen) == (3, 24_000)
    # Again is nothing.
    assert (await subsidies.decide(1))["decided"] == 0
    with pytest.raises(Refused, match="BATCH_EMPTY"):
        await subsidies.gather(1)
    assert (await subsidies.decide(2))["decided"] == 3
    await subsidies.pay(2)
    assert [await subsidies.paid(number) for number in CARED] == [
        [(1, 100, 0), (2, 100, 0)], [(1, 70, 0), (2, 70, 0)], [(1, 70, 0), (2, 70, 0)],
    ]  # fmt: skip
    await sound(subsidies)


@pytest.mark.parametrize("part", [1, 2, 3])
async def test_a_county_is_decided_in_parts_beside_each_other_and_nobody_is_left_out_or_decided_twice(
    subsidies: Subsidies, monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    monkeypatch.setattr(month_runs, "PART", part)
    await subsidies.granted()
    assert (await subsidies.decide(1))["decided"] == 3
    assert [await subsidies.dues(number) for number in CARED] == [[(1, "award", amount)] for amount in (100, 70, 70)]
    again = await subsidies.decide(2, whole=True)
    assert (again["decided"], again["unchanged"]) == (3, 3)
    await sound(subsidies)


async def test_parts_that_come_to_the_same_results_in_any_order_keep_each_once_and_never_wait_for_each_other(
    subsidies: Subsidies,
) -> None:
    await subsidies.granted()
    who = subsidies.who("DF1")
    rules = (await subsidies.ground(who)).month(1)
    results = [
        months.Result(rules, f"{place:05}", Outcome.ELIGIBLE, place, {"n": place}, {})
        for place in range(BESIDE_EACH_OTHER)
    ]

    async def kept(own: list[months.Result]) -> dict[tuple[UUID, str], UUID]:
        async with subsidies.database.session(who.scope) as session:
            return await months._keep_results(session, who, own)

    one, other = await asyncio.gather(kept(results), kept(results[::-1]))
    assert one == other
    assert sorted(digest for _, digest in one) == [f"{place:05}" for place in range(BESIDE_EACH_OTHER)]
    found = await subsidies.rows("select digest, payable_fen from month_result order by digest")
    assert [(row.digest, row.payable_fen) for row in found] == [(f"{n:05}", n) for n in range(BESIDE_EACH_OTHER)]


async def test_the_two_subsidies_are_paid_beside_each_other(subsidies: Subsidies) -> None:
    await subsidies.granted()
    subsidies.on(LIVING, today=date(2021, 1, 5))
    await subsidies.grant(*POOR)
    for code in (CARE, LIVING):
        subsidies.on(code)
        await subsidies.decide(1)
        await subsidies.pay(1)
    found = {}
    for code in (CARE, LIVING):
        subsidies.on(code)
        found[code] = [await subsidies.paid(number) for number in ("D1-01", "D2-01", "D4-01")]
    assert found == {CARE: [[(1, 100, 0)], [], [(1, 70, 0)]], LIVING: [[(1, 90, 0)], [(1, 90, 0)], []]}
    await sound(subsidies)


async def test_a_month_is_decided_on_its_day_and_not_before_and_paid_once_it_is_decided(subsidies: Subsidies) -> None:
    await subsidies.granted()
    subsidies.today = date(2021, 1, 31)
    before = await subsidies.snapshot()
    with pytest.raises(Refused, match="MONTH_NOT_BEGUN"):
        await subsidies.decide(2, date(2021, 1, 31))
    with pytest.raises(Refused, match="MONTH_NOT_DECIDED"):
        await subsidies.gather(1)
    for month, code in ((None, "MISSING_VALUE"), (0, "BAD_VALUE"), (13, "BAD_VALUE")):
        with pytest.raises(Refused, match=code):
            await subsidies.gather(month)  # type: ignore[arg-type]
    who = subsidies.who("K1")
    ground = await subsidies.ground(who)
    async with subsidies.database.session(who.scope) as session:
        with pytest.raises(Refused):
            await month_runs.put(session, who, ground, 1, "", whole=False)
    after = await subsidies.snapshot()
    assert {k: v for k, v in after.items() if before[k] != v} == {"budget_line": 1, "budget_entry": 1, "confirmed": 1}


async def test_months_count_from_that_of_the_application_on(subsidies: Subsidies) -> None:
    subsidies.on(CARE, today=date(2021, 3, 20))
    await subsidies.grant("D1-01")
    subsidies.today = date(2021, 4, 12)
    await subsidies.grant("D4-01", day=date(2021, 2, 26))  # from paper
    await subsidies.decide(4)
    assert await subsidies.dues("D1-01") == [(3, "award", 100), (4, "award", 100)]
    assert await subsidies.dues("D4-01") == [(2, "award", 70), (3, "award", 70), (4, "award", 70)]
    batch = await subsidies.pay(4)
    assert (batch.count, batch.total_fen) == (5, 41_000)
    await sound(subsidies)


# --- what becomes known later -----------------------------------------------------------------------------------


async def test_a_level_raised_late_is_paid_with_the_next_month(subsidies: Subsidies) -> None:
    await subsidies.granted()
    for month in (1, 2, 3):
        await subsidies.decide(month)
        await subsidies.pay(month)
    subsidies.today = date(2021, 4, 2)
    await subsidies.holds("D1-02", "certificate", date(2021, 2, 1), level=1, generation=2)
    result = await subsidies.decide(4)
    assert (result["decided"], result["changed"], result["arrears_fen"], result["recovery_fen"]) == (5, 2, 6_000, 0)
    assert await subsidies.dues("D1-02") == [
        (1, "award", 70), (2, "award", 70), (2, "arrears", 30), (3, "award", 70), (3, "arrears", 30), (4, "award", 100),
    ]  # fmt: skip
    await subsidies.pay(4)
    assert sorted((await subsidies.paid("D1-02"))[3:]) == [(2, 30, 0), (3, 30, 0), (4, 100, 0)]
    await sound(subsidies)


async def test_what_was_paid_too_much_is_set_off_against_what_comes_and_never_below_nothing(
    subsidies: Subsidies,
) -> None:
    await subsidies.granted()
    for month in (1, 2, 3):
        await subsidies.decide(month)
        await subsidies.pay(month)
    subsidies.today = date(2021, 4, 2)
    # The certificate of D1-02 expired in January, and he has another one from April on.
    await subsidies.holds("D1-02", "certificate", date(2020, 1, 1), date(2021, 1, 15), level=2, generation=2)
    await subsidies.holds("D1-02", "certificate", date(2021, 4, 1), level=1, generation=2)
    result = await subsidies.decide(4)
    assert (result["changed"], result["arrears_fen"], result["recovery_fen"]) == (2, 0, 14_000)
    batch = await subsidies.pay(4)
    # He would have had 100 in April: all of it is set off, and 40 are left.
    assert (batch.count, batch.total_fen) == (3, 17_000)
    assert (await subsidies.paid("D1-02"))[3:] == [(4, 0, 100)]
    await sound(subsidies)
    await subsidies.decide(5)
    await subsidies.pay(5)
    assert (await subsidies.paid("D1-02"))[4:] == [(5, 60, 40)]
    await subsidies.decide(6)
    await subsidies.pay(6)
    assert (await subsidies.paid("D1-02"))[5:] == [(6, 100, 0)]
    await sound(subsidies)
    # Nothing that was paid has changed: 70 a month for three months, and 260 for the three that were due 300.
    assert sum(paid for _, paid, _ in await subsidies.paid("D1-02")) == 3 * 70 + 3 * 100 - 2 * 70


async def test_what_is_not_in_a_payment_yet_is_simply_due_no_more(subsidies: Subsidies) -> None:
    await subsidies.granted()
    await subsidies.decide(1)
    await subsidies.holds("D1-01", "certificate", date(2020, 1, 1), level=2, generation=2)
    result = await subsidies.decide(1, date(2021, 1, 12))
    assert (result["changed"], result["arrears_fen"], result["recovery_fen"]) == (1, 0, 0)
    assert await subsidies.dues("D1-01") == [(1, "award", 70)]
    batch = await subsidies.pay(1)
    assert batch.total_fen == 21_000
    await sound(subsidies)


async def test_what_stands_in_a_batch_is_left_and_its_rest_comes_with_the_next(subsidies: Subsidies) -> None:
    await subsidies.granted()
    await subsidies.decide(1)
    made = await subsidies.gather(1)
    assert made.batch is not None
    await subsidies.holds("D1-01", "certificate", date(2020, 1, 1), level=2, generation=2)
    result = await subsidies.decide(1, date(2021, 1, 12))
    assert (result["arrears_fen"], result["recovery_fen"]) == (0, 3_000)
    await subsidies.finish(made.batch)
    assert await subsidies.dues("D1-01") == [(1, "award", 100), (1, "recovery", -30)]
    await subsidies.decide(2)
    await subsidies.pay(2)
    assert await subsidies.paid("D1-01") == [(1, 100, 0), (2, 40, 30)]
    await sound(subsidies)


async def cancelled(world: Subsidies, batch: payments.Batch | None) -> None:
    assert batch is not None
    who = world.who("C2")
    ground = await world.ground(who)
    async with world.database.session(who.scope) as session:
        await paying.cancel_batch(session, who, ground, batch.id, "重做")


async def open_of(world: Subsidies, number: str) -> list[tuple[str, int, int, date]]:
    """What is open of the months of a person: what it is, how much it is and how much is open in yuan, and since when
    it is due."""
    who = world.who("C1")
    async with world.database.session(who.scope) as session:
        found = await payments.outstanding(session, who, world.code, world.period)
    return [
        (one.kind.value, one.amount_fen // 100, one.open_fen // 100, one.due_on)
        for one in found
        if one.household == number
    ]


async def test_what_was_never_paid_is_not_paid_back_once_its_batch_is_cancelled(subsidies: Subsidies) -> None:
    await subsidies.granted()
    await subsidies.decide(1)
    made = await subsidies.gather(1)
    await subsidies.holds("D1-01", "certificate", date(2020, 1, 1), level=2, generation=2)
    await subsidies.decide(1, date(2021, 1, 12))
    subsidies.today = date(2021, 1, 14)
    await cancelled(subsidies, made.batch)
    # What is left of it has been due since the month was decided first: it waits where it waited.
    assert await open_of(subsidies, "D1-01") == [("award", 70, 70, date(2021, 1, 10))]
    assert await subsidies.dues("D1-01") == [(1, "award", 70)]
    await sound(subsidies)
    # Nothing is due in the end, and nothing is left to be paid or to be paid back.
    await subsidies.holds("D1-01", "death", date(2020, 12, 31))
    result = await subsidies.decide(1, date(2021, 1, 15))
    assert (result["changed"], result["recovery_fen"]) == (1, 0)
    assert (await subsidies.dues("D1-01"), await open_of(subsidies, "D1-01")) == ([], [])
    assert (await subsidies.pay(1)).total_fen == 14_000
    await sound(subsidies)


async def test_what_takes_its_place_is_not_paid_back_either_if_its_batch_is_cancelled(subsidies: Subsidies) -> None:
    await subsidies.granted()
    for month in (1, 2):
        await subsidies.decide(month)
        await subsidies.pay(month)
    subsidies.today = date(2021, 2, 20)
    await subsidies.holds("D1-01", "certificate", date(2021, 2, 1), level=2, generation=2)
    await subsidies.decide(3)
    made = await subsidies.gather(3)
    # Thirty of February are being set off, so that what is due again of it is due beside.
    await subsidies.holds("D1-01", "certificate", date(2021, 2, 1), level=1, generation=2)
    await subsidies.decide(3, date(2021, 3, 15))
    february = [one for one in await subsidies.dues("D1-01") if one[0] == 2]
    assert february == [(2, "award", 100), (2, "recovery", -30), (2, "arrears", 30)]
    await cancelled(subsidies, made.batch)
    assert [one for one in await subsidies.dues("D1-01") if one[0] == 2] == [(2, "award", 100)]
    await sound(subsidies)
    await subsidies.pay(3)
    assert [paid for paid in await subsidies.paid("D1-01") if paid[0] > 2] == [(3, 70, 0), (3, 30, 0)]
    await sound(subsidies)


async def test_what_is_to_be_paid_back_is_not_any_more_once_it_is_due_again(subsidies: Subsidies) -> None:
    await subsidies.granted()
    for month in (1, 2):
        await subsidies.decide(month)
        await subsidies.pay(month)
    subsidies.today = date(2021, 2, 20)
    await subsidies.holds("D4-01", "custody", date(2020, 12, 20))
    await subsidies.decide(2, date(2021, 2, 21))
    assert [due for due in await subsidies.dues("D4-01") if due[1] == "recovery"] == [
        (1, "recovery", -70), (2, "recovery", -70),
    ]  # fmt: skip
    # Seven of January are paid back before it is found that he was set free in December.
    ((recovery,),) = await subsidies.rows("select id from entitlement where kind = 'recovery' and instalment = 1")
    cashier = subsidies.who("FI")
    async with subsidies.database.session(cashier.scope) as session:
        await payments.repay(session, cashier, recovery, 700, cashier.at.today, "P-1")
    await subsidies.holds("D4-01", "custody", date(2020, 12, 20), date(2020, 12, 22))
    result = await subsidies.decide(2, date(2021, 2, 25))
    assert (result["changed"], result["arrears_fen"], result["recovery_fen"]) == (2, 7_000, 0)
    assert await subsidies.dues("D4-01") == [
        (1, "award", 70), (1, "recovery", -70), (1, "arrears", 70), (2, "award", 70),
    ]  # fmt: skip
    await sound(subsidies)


async def test_what_waits_keeps_its_place_though_more_or_less_is_due(subsidies: Subsidies) -> None:
    await subsidies.granted()
    await subsidies.decide(1)
    await subsidies.holds("D1-02", "certificate", date(2020, 1, 1), level=1, generation=2)
    await subsidies.holds("D1-01", "certificate", date(2020, 1, 1), level=2, generation=2)
    await subsidies.decide(1, date(2021, 1, 12))
    assert await open_of(subsidies, "D1-01") == [("award", 70, 70, date(2021, 1, 10))]
    assert await open_of(subsidies, "D1-02") == [
        ("award", 70, 70, date(2021, 1, 10)), ("arrears", 30, 30, date(2021, 1, 12)),
    ]  # fmt: skip


async def test_a_cancelled_batch_sets_nothing_off(subsidies: Subsidies) -> None:
    await subsidies.granted()
    await subsidies.decide(1)
    await subsidies.pay(1)
    await subsidies.holds("D1-01", "certificate", date(2020, 1, 1), level=2, generation=2)
    await subsidies.decide(2)
    made = await subsidies.gather(2)
    assert made.batch is not None
    assert made.batch.total_fen == 4_000 + 7_000 + 7_000
    who = subsidies.who("C2")
    ground = await subsidies.ground(who)
    async with subsidies.database.session(who.scope) as session:
        await paying.cancel_batch(session, who, ground, made.batch.id, "重做")
    await sound(subsidies)
    assert (await subsidies.pay(2)).total_fen == 18_000
    assert await subsidies.paid("D1-01") == [(1, 100, 0), (2, 40, 30)]
    await sound(subsidies)


# --- death ------------------------------------------------------------------------------------------------------


async def test_nobody_dead_is_in_a_batch(subsidies: Subsidies) -> None:
    await subsidies.granted()
    await subsidies.decide(1)
    await subsidies.holds("D4-01", "death", date(2021, 1, 8))
    made = await subsidies.gather(1)
    assert made.batch is not None
    assert (made.batch.count, made.batch.total_fen) == (2, 17_000)
    ((number, problem),) = made.missing
    assert (number, problem.code.name) == ("D4-01", "PERSON_DEAD")
    # Who dies while the batch is on its way stops it.
    await subsidies.holds("D1-02", "death", date(2021, 1, 9))
    before = await subsidies.snapshot()
    with pytest.raises(Refused, match="BATCH_HOLDS_DEAD") as refused:
        await subsidies.finish(made.batch)
    assert "D1-02" in refused.value.problems[0].message.en
    assert await subsidies.snapshot() == before


async def test_a_death_known_late_takes_back_the_months_after_it(subsidies: Subsidies) -> None:
    await subsidies.granted()
    for month in (1, 2, 3):
        await subsidies.decide(month)
        await subsidies.pay(month)
    subsidies.today = date(2021, 4, 2)
    await subsidies.holds("D1-01", "death", date(2021, 2, 14))
    result = await subsidies.decide(4)
    # February's first day he lived to see; March is taken back, April is not due.
    assert (result["changed"], result["recovery_fen"]) == (1, 10_000)
    assert await subsidies.dues("D1-01") == [
        (1, "award", 100), (2, "award", 100), (3, "award", 100), (3, "recovery", -100),
    ]  # fmt: skip
    assert (await subsidies.pay(4)).total_fen == 14_000
    clean(
        await subsidies.act(
            "K1", correcting.stop, Selection(numbers=["D1-01"]), finding="死亡",
            stated=Stated(date(2021, 2, 14), evidence="死亡证明"),
        )
    )  # fmt: skip
    await subsidies.decide(5)
    assert len(await subsidies.dues("D1-01")) == 4
    await sound(subsidies)


# --- rests ------------------------------------------------------------------------------------------------------


async def rest(world: Subsidies, number: str, cause: RestCause, day: date, today: date) -> None:
    world.today = today
    stated = Stated(day, reason="停发", evidence="通知")
    clean(await world.act("K1", correcting.pause, Selection(numbers=[number]), stated=stated, cause=cause))


async def go_on(world: Subsidies, number: str, day: date, today: date) -> None:
    world.today = today
    stated = Stated(day, reason="恢复", evidence="通知")
    clean(await world.act("K1", correcting.resume, Selection(numbers=[number]), stated=stated))


async def test_months_of_a_rest_are_paid_afterwards_or_not_by_its_cause(subsidies: Subsidies) -> None:
    await subsidies.granted()
    await rest(subsidies, "D1-01", RestCause.UNREACHABLE, date(2021, 1, 20), date(2021, 1, 20))
    await rest(subsidies, "D1-02", RestCause.CUSTODY, date(2021, 1, 20), date(2021, 1, 20))
    await subsidies.decide(1)  # January's first day was before the rest
    for month in (2, 3):
        await subsidies.decide(month)
    assert [await subsidies.dues(number) for number in ("D1-01", "D1-02")] == [[(1, "award", 100)], [(1, "award", 70)]]
    assert (await subsidies.gather(3)).missing != []
    for number in ("D1-01", "D1-02"):
        await go_on(subsidies, number, date(2021, 3, 15), date(2021, 3, 15))
    await subsidies.decide(4)
    assert await subsidies.dues("D1-01") == [(1, "award", 100), (2, "award", 100), (3, "award", 100), (4, "award", 100)]
    assert await subsidies.dues("D1-02") == [(1, "award", 70), (4, "award", 70)]
    await sound(subsidies)


async def test_a_rest_known_late_takes_back_its_months(subsidies: Subsidies) -> None:
    await subsidies.granted()
    for month in (1, 2, 3):
        await subsidies.decide(month)
        await subsidies.pay(month)
    await rest(subsidies, "D1-01", RestCause.CUSTODY, date(2021, 1, 20), date(2021, 4, 2))
    result = await subsidies.decide(4)
    assert (result["changed"], result["recovery_fen"]) == (2, 20_000)
    await sound(subsidies)


async def test_a_rest_needs_its_cause_and_ends_after_it_began(subsidies: Subsidies) -> None:
    await subsidies.granted()
    before = await subsidies.snapshot()
    with pytest.raises(Refused, match="MISSING_VALUE"):
        await subsidies.act("K1", correcting.pause, Selection(numbers=["D1-01"]), stated=Stated(reason="停发"))
    assert await subsidies.snapshot() == before
    await rest(subsidies, "D1-01", RestCause.OTHER, date(2021, 1, 20), date(2021, 1, 20))
    before = await subsidies.snapshot()
    stated = Stated(date(2021, 1, 19), reason="恢复", evidence="通知")
    report = await subsidies.act("K1", correcting.resume, Selection(numbers=["D1-01"]), stated=stated)
    assert [problem.code.name for _, problem in report.refused] == ["BEFORE_PREVIOUS_STEP"]
    assert await subsidies.snapshot() == before


# --- other numbers ----------------------------------------------------------------------------------------------


RAISED = {
    "title": "测试县提高护理补贴标准", "number": "测政办〔2021〕41号", "issued": date(2021, 4, 1),
    "parameters": {"rate_level1": [{"since": date(2021, 3, 1), "value": "120.00", "clause": "一"}]},
}  # fmt: skip


async def test_a_standard_raised_within_the_year_is_previewed_and_paid_from_its_day(subsidies: Subsidies) -> None:
    await subsidies.granted()
    for month in (1, 2, 3, 4):
        await subsidies.decide(month)
        await subsidies.pay(month)
    draft = await subsidies.draft(RAISED)
    who = subsidies.who("C1")
    async with subsidies.database.session(who.scope) as session:
        found = await preview(session, who, subsidies.plugins, draft, "2021")
    (change,) = found.changes
    assert (change.parameter, str(change.after.zh)) == ("rate_level1", "120.00 元")
    # 100 + 70 + 70 a month, and 20 more for one person from March on.
    assert (found.total.cases, found.total.eligible_before, found.total.gain, found.total.lose) == (3, 3, 1, 0)
    assert (found.total.fen_before, found.total.fen_after) == (12 * 24_000, 12 * 24_000 + 10 * 2_000)
    second = subsidies.who("C2")
    async with subsidies.database.session(second.scope) as session:
        await provisions.release(session, second, subsidies.plugins, draft)
    # Until the year is opened again, months go by what they were opened with.
    assert (await subsidies.decide(4, date(2021, 4, 12)))["decided"] == 0
    await subsidies.open()
    result = await subsidies.decide(5)
    assert (result["arrears_fen"], result["recovery_fen"]) == (2 * 2_000, 0)
    assert await subsidies.dues("D1-01") == [
        (1, "award", 100), (2, "award", 100), (3, "award", 100), (3, "arrears", 20), (4, "award", 100),
        (4, "arrears", 20), (5, "award", 120),
    ]  # fmt: skip
    assert await subsidies.dues("D4-01") == [(month, "award", 70) for month in range(1, 6)]
    await subsidies.pay(5)
    await sound(subsidies)


@pytest.mark.parametrize(
    ("own", "then"), [("95.00", [8_000, 9_500, 9_500, 9_500]), ("85.00", [8_000, 8_500, 9_000, 9_000])]
)
async def test_a_standard_of_the_county_stays_where_the_floor_rises_below_it(
    subsidies: Subsidies, own: str, then: list[int]
) -> None:
    subsidies.on(LIVING, "2018", date(2021, 2, 1))
    draft = await subsidies.draft({
        "title": "测试县生活补贴标准", "number": "测政办〔2018〕9号", "issued": date(2018, 5, 1),
        "parameters": {"living_rate": [{"since": date(2018, 6, 1), "value": own, "clause": "一"}]},
    })  # fmt: skip
    second = subsidies.who("C2")
    async with subsidies.database.session(second.scope) as session:
        await provisions.release(session, second, subsidies.plugins, draft)
    rates = []
    for year in ("2018", "2019"):
        subsidies.on(LIVING, year)
        await subsidies.open()
        ground = await subsidies.ground()
        rates += [ground.month(month).parameters.living_rate for month in (5, 6)]
    assert rates == then


# --- verified again, and carried over -------------------------------------------------------------------------


async def test_everybody_is_verified_in_every_half_of_the_year(subsidies: Subsidies) -> None:
    await subsidies.granted()
    who, ground = subsidies.who("C1"), await subsidies.ground()
    async with subsidies.database.session(who.scope) as session:
        # Who came in January has been verified by that for the first half.
        assert await carrying.unverified(session, who, ground, date(2021, 6, 30), 10) == []
        due = await carrying.unverified(session, who, ground, date(2021, 7, 1), 2)
        assert [one.number for one in due] == ["D1-01", "D1-02"]
        rest_ = await carrying.unverified(session, who, ground, date(2021, 7, 1), 2, due[-1].key)
        assert [one.number for one in rest_] == ["D4-01"]
        assert sum((await carrying.unverified_counts(session, who, ground, date(2021, 7, 1))).values()) == 3
        with pytest.raises(Refused, match="BAD_VALUE"):
            await carrying.unverified(session, who, ground, date(2022, 1, 1), 10)
    subsidies.today = date(2021, 7, 8)
    before = await subsidies.snapshot()
    report = await subsidies.act("VC1", carrying.reverify, Selection(numbers=["D1-01"]), finding="入户核查属实")
    assert [problem.code.name for _, problem in report.refused] == ["NOT_YOUR_DUTY"]
    report = await subsidies.act("K1", carrying.reverify, Selection(numbers=["D1-01"]), finding=" ")
    assert [problem.code.name for _, problem in report.refused] == ["FINDING_NEEDED"]
    assert await subsidies.snapshot() == before
    clean(await subsidies.act("K1", carrying.reverify, Selection(numbers=["D1-01"]), finding="入户核查属实"))
    who = subsidies.who("C1")
    async with subsidies.database.session(who.scope) as session:
        due = await carrying.unverified(session, who, ground, date(2021, 7, 8), 10)
    assert [one.number for one in due] == ["D1-02", "D4-01"]


async def test_cases_go_over_into_the_next_year_and_what_becomes_known_of_the_old_one_is_set_off_there(
    subsidies: Subsidies,
) -> None:
    await subsidies.granted()
    await subsidies.decide(11)
    await subsidies.pay(11)
    await rest(subsidies, "D1-02", RestCause.UNREACHABLE, date(2021, 11, 20), date(2021, 11, 20))
    subsidies.on(CARE, "2022")
    with pytest.raises(Refused, match="PERIOD_NOT_OPEN"):
        await subsidies.ground()
    await subsidies.open()
    following = await subsidies.ground()

    async def carry(number: str) -> Report:
        who = subsidies.who(number)
        ground = await subsidies.ground(who)
        async with subsidies.database.session(who.scope) as session:
            return await carrying.carry(session, who, ground, following, Selection())

    subsidies.on(CARE, "2021", date(2021, 11, 30))
    before = await subsidies.snapshot()
    with pytest.raises(Refused, match="STAGE_NOT_OPEN"):
        await carry("C1")
    subsidies.today = date(2021, 12, 28)
    report = await carry("K1")
    assert {problem.code.name for _, problem in report.refused} <= {"NOT_YOUR_DUTY", "FORBIDDEN", "NOT_ALLOWED_HERE"}
    assert (report.done, await subsidies.snapshot()) == ([], before)
    await subsidies.decide(12)
    clean(await carry("C1"))
    assert (await carry("C1")).done == []
    assert await subsidies.stages() == dict.fromkeys(CARED, "closed")
    subsidies.on(CARE, "2022", date(2022, 1, 10))
    assert await subsidies.stages() == dict.fromkeys(CARED, "monthly_payment")
    assert (await subsidies.decide(1))["decided"] == 3
    # Who rests goes on resting, and is paid for it once he is found; December is paid with January.
    assert await subsidies.dues("D1-02") == []
    made = await subsidies.gather(1)
    assert made.batch is not None
    assert (made.batch.count, made.batch.total_fen) == (4, 2 * (10_000 + 7_000))
    await subsidies.finish(made.batch)
    # His certificate had lapsed in October: what was paid since is set off against what he has by a new one.
    subsidies.today = date(2022, 2, 1)
    await subsidies.holds("D4-01", "certificate", date(2020, 1, 1), date(2021, 10, 5), level=2, generation=2)
    await subsidies.holds("D4-01", "certificate", date(2022, 2, 1), level=1, generation=2)
    subsidies.on(CARE, "2021")
    assert (await subsidies.decide(12, date(2022, 2, 1)))["recovery_fen"] == 2 * 7_000
    subsidies.on(CARE, "2022")
    assert (await subsidies.decide(2))["recovery_fen"] == 7_000
    await go_on(subsidies, "D1-02", date(2022, 2, 3), date(2022, 2, 11))
    await subsidies.decide(2, date(2022, 2, 11))
    made = await subsidies.gather(2)
    assert made.batch is not None
    await subsidies.finish(made.batch)
    assert (await subsidies.paid("D4-01"))[-1] == (2, 0, 100)
    # December 2021 was withheld for as long as he could not be reached, and so were January and February of 2022: all of
    # it is paid now, the old year's month by what was written down with the new year's case.
    assert sorted(month for month, paid, _ in await subsidies.paid("D1-02") if paid) == sorted([*range(1, 13), 1, 2])
    await sound(subsidies)
