"""30, 40 and 30 %: three verifications, three payments, and what happens when something becomes known between them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text

from bangfu import payments
from bangfu.cases import acts, adjusting, paying
from bangfu.cases.views import Selection, Stated
from bangfu.payments import invariants
from tests.core.test_overpaid import listed
from tests.county import Statements, clean, codes
from tests.stories import remembered
from tests.striving import EXIT, LEADING, Striving, roster

NOTICE, SECOND, FINAL = date(2021, 3, 21), date(2021, 6, 20), date(2021, 9, 30)
BOTH = ("L1", "W1")


@remembered
async def first_paid(striving: Striving, *homes: str) -> None:
    """Verified, posted, and the first instalment paid; making the batch concludes the notice."""
    await striving.verified(*homes)
    await striving.stand("VC1", *homes, first=NOTICE)
    await striving.pay("payment_1")


@remembered
async def second_paid(striving: Striving, *homes: str) -> None:
    await first_paid(striving, *homes)
    striving.today = SECOND
    for number in BOTH:
        clean(await striving.sign(number, "continuing", *homes))
    await striving.pay("payment_2")


async def finally_accepted(striving: Striving, *homes: str) -> None:
    striving.today = FINAL
    clean(await striving.act("C1", acts.account, Selection(numbers=homes)))
    for number in BOTH:
        await striving.sign(number, "final", *homes)


async def sound(striving: Striving) -> None:
    """Nothing that always holds is broken."""
    found = await invariants.examine(
        striving.database, [striving.tenant.id], striving.plugins.programmes, datetime.now(UTC)
    )
    assert [str(one) for one in found] == []


async def test_three_parts_that_add_up(striving: Striving) -> None:
    """P1 (four members) 1,440 + 1,920 + 1,440; P2 (one) 360 + 480 + 360 (000:21-23)."""
    await second_paid(striving, "P1", "P2")
    assert await striving.stages() == {"P1": "final", "P2": "final"}
    await finally_accepted(striving, "P1", "P2")
    await striving.pay("payment_3")
    assert await striving.stages() == {"P1": "closed", "P2": "closed"}
    assert await striving.due("P1") == [(1, 144_000), (2, 192_000), (3, 144_000)]
    assert await striving.due("P2") == [(1, 36_000), (2, 48_000), (3, 36_000)]
    rows = await striving.rows(
        "select l.instalment, sum(l.amount_fen), count(*) from payment_line l group by l.instalment order by l.instalment"
    )
    assert [tuple(row) for row in rows] == [(1, 180_000, 2), (2, 240_000, 2), (3, 180_000, 2)]
    await sound(striving)


async def test_who_misses_the_line_keeps_what_was_paid_and_gets_no_more(striving: Striving) -> None:
    """P3 earns one yuan less than four times 4,500: 70 % are paid by June, the last 30 % are not (Q4)."""
    await second_paid(striving, "P1", "P3")
    striving.today = FINAL
    clean(await striving.act("C1", acts.account, Selection(numbers=["P1", "P3"])))
    assert await striving.stages() == {"P1": "final", "P3": "refused"}
    assert await striving.due("P3") == [(1, 144_000), (2, 192_000)]
    rows = await striving.rows("select d.stage, d.outcome, d.payable_fen from determination d join case_file c on c.id = d.case_id"
                               " join household h on h.id = c.household_id where h.number = 'P3' order by d.round")  # fmt: skip
    assert [tuple(row) for row in rows] == [("verification", "eligible", 480_000), ("final", "refused", 0)]
    await sound(striving)


async def test_a_project_that_stopped_gets_no_second_part(striving: Striving) -> None:
    await first_paid(striving, "P1", "P2")
    striving.today = SECOND
    clean(await striving.correct("W1", "stop", "P1", finding="项目已停"))
    for number in BOTH:
        await striving.sign(number, "continuing", "P2")
    await striving.pay("payment_2")
    assert await striving.stages() == {"P1": "stopped", "P2": "final"}
    assert await striving.due("P1") == [(1, 144_000)]
    await sound(striving)


async def died(striving: Striving, on: date) -> None:
    """One member of P1 dies, and the registrar enters it."""
    header, *lines = roster().splitlines()
    kept = [
        f"{line},{on.isoformat() if line.split(',')[7] == '进P13号' else ''}"
        for line in lines
        if line.startswith("P1,")
    ]
    status = await striving.bring("households", "\n".join([header + ",离户日期", *kept]), "R1")
    assert status.state == "done", status.result


@pytest.mark.parametrize(("size", "last"), [("frozen_at_plan", 144_000), ("counted_at_acceptance", 24_000)])
async def test_a_member_who_dies_after_the_second_part(striving: Striving, size: str, last: int) -> None:
    """Frozen at the plan, the last part is 1,440; counted at acceptance, three members are due 3,600 in all (Q90)."""
    striving.on(EXIT)
    await striving.set(household_size=size)
    await second_paid(striving, "P1")
    striving.today = date(2021, 7, 10)
    await died(striving, date(2021, 7, 1))
    await finally_accepted(striving, "P1")
    await striving.pay("payment_3")
    assert await striving.due("P1") == [(1, 144_000), (2, 192_000), (3, last)]
    await sound(striving)


async def test_a_case_that_rests_is_not_paid(striving: Striving) -> None:
    await striving.verified("P1", "P2")
    await striving.stand("VC1", "P1", "P2", first=NOTICE)
    clean(await striving.act("VC1", acts.conclude, Selection(numbers=["P1", "P2"])))
    clean(await striving.correct("K1", "pause", "P1", stated=Stated(reason="外出失联")))
    batch = await striving.pay("payment_1")
    assert (batch.count, batch.total_fen) == (1, 36_000)
    assert await striving.stages() == {"P1": "payment_1", "P2": "continuing"}
    clean(await striving.correct("K1", "resume", "P1", stated=Stated(reason="已返乡")))
    again = await striving.pay("payment_1")
    assert (again.count, again.total_fen) == (1, 144_000)
    await sound(striving)


async def test_a_batch_is_of_one_instalment(striving: Striving) -> None:
    await first_paid(striving, "P1")
    await striving.verified("P2")
    await striving.stand("VC1", "P2", first=date(2021, 3, 28))
    striving.today = SECOND
    for number in BOTH:
        clean(await striving.sign(number, "continuing", "P1"))
    one = await striving.pay("payment_1")
    two = await striving.pay("payment_2")
    assert [(batch.count, batch.total_fen) for batch in (one, two)] == [(1, 36_000), (1, 192_000)]
    assert await striving.stages() == {"P1": "final", "P2": "continuing"}
    await sound(striving)


# --- known later ----------------------------------------------------------------------------------------------


@remembered
async def paid_out(striving: Striving) -> None:
    """P1 all paid, its members counted when it is judged."""
    striving.on(EXIT)
    await striving.set(household_size="counted_at_acceptance")
    await second_paid(striving, "P1")
    await finally_accepted(striving, "P1")
    await striving.pay("payment_3")


SHOWN = Stated(reason="户籍变动迟报", evidence="户籍证明")


async def recalculate(striving: Striving, number: str = "C1", stated: Stated = SHOWN) -> adjusting.Recalculated:
    found: adjusting.Recalculated = await striving.act(  # type: ignore[assignment]
        number, adjusting.recalculate, Selection(numbers=["P1"]), stated=stated
    )
    return found


async def test_what_becomes_known_after_all_is_paid_is_recovered_and_nothing_is_rewritten(striving: Striving) -> None:
    await paid_out(striving)
    assert sum(fen for _, fen in await striving.due("P1")) == 480_000
    lines = await striving.rows("select id, amount_fen from payment_line order by id")
    striving.today = date(2021, 11, 10)
    await died(striving, date(2021, 9, 1))
    # It died before the final acceptance: three members are due 3,600.
    found = await recalculate(striving)
    assert found.differences == [adjusting.Difference("P1", 480_000, 360_000)]
    assert await striving.due("P1") == [(1, 144_000), (2, 192_000), (3, 144_000), (3, -120_000)]
    assert await striving.rows("select id, amount_fen from payment_line order by id") == lines
    assert (await striving.stages())["P1"] == "closed"
    again = await recalculate(striving)
    assert (again.differences, again.report.unchanged) == ([], ["P1"])
    await sound(striving)


async def test_a_document_with_retroactive_effect_makes_arrears(striving: Striving) -> None:
    await paid_out(striving)
    striving.today = date(2021, 11, 10)
    await striving.set(per_capita_award="1300.00", household_size="counted_at_acceptance")
    found = await recalculate(striving)
    assert found.differences == [adjusting.Difference("P1", 480_000, 520_000)]
    batch = await striving.pay("payment_3")
    assert (batch.count, batch.total_fen) == (1, 40_000)
    await sound(striving)


async def test_what_happened_after_the_final_acceptance_takes_nothing_back(striving: Striving) -> None:
    """Each part is decided for its own day: on 30 September there were four members."""
    await paid_out(striving)
    striving.today = date(2021, 11, 10)
    await died(striving, date(2021, 10, 15))
    found = await recalculate(striving)
    assert (found.differences, found.report.unchanged) == ([], ["P1"])
    assert sum(fen for _, fen in await striving.due("P1")) == 480_000


async def test_who_missed_the_line_after_all_pays_the_last_part_back_and_keeps_the_rest(striving: Striving) -> None:
    """By what is known now P1 missed the line by one yuan; what stands on the plan stays (Q4), and the list of what
    was paid too much says the same sum until it is recovered."""
    await paid_out(striving)
    striving.today = date(2021, 11, 10)
    ledger = (
        "户编号,日期,收入类别,项目,总收入,成本,是否稳定,印证资料\nP1,2021-06-01,务工,务工收入,18999,1000,是,工资单\n"
    )
    assert (await striving.bring("income", ledger, "R1")).state == "done"
    striving.on(EXIT)
    one = (await listed(striving))["P1"]
    assert (one.paid_fen, one.right_fen, one.difference_fen) == (480_000, 336_000, 144_000)
    found = await recalculate(striving)
    assert found.differences == [adjusting.Difference("P1", 480_000, 336_000)]
    assert await striving.due("P1") == [(1, 144_000), (2, 192_000), (3, 144_000), (3, -144_000)]
    rows = await striving.rows("select d.stage, d.outcome, d.payable_fen, d.round = c.round from determination d"
                               " join case_file c on c.id = d.case_id order by d.round")  # fmt: skip
    assert [tuple(row) for row in rows] == [
        ("verification", "eligible", 480_000, False),
        ("final", "eligible", 480_000, False),
        ("verification", "eligible", 480_000, False),
        ("final", "refused", 0, True),
    ]
    assert await listed(striving) == {}
    await sound(striving)


async def test_what_is_recovered_later_is_weighed_by_the_document_that_counts_since(striving: Striving) -> None:
    """After arrears by a later document, who died before the final acceptance is 1,300 yuan too much and not 1,200."""
    await paid_out(striving)
    striving.today = date(2021, 11, 10)
    await striving.set(per_capita_award="1300.00", household_size="counted_at_acceptance")
    await recalculate(striving)
    striving.today = date(2021, 11, 20)
    await died(striving, date(2021, 9, 1))
    one = (await listed(striving))["P1"]
    assert (one.paid_fen, one.right_fen, one.difference_fen) == (520_000, 390_000, 130_000)
    assert (await recalculate(striving)).differences == [adjusting.Difference("P1", 520_000, 390_000)]
    assert await listed(striving) == {}


async def test_what_cannot_be_told_any_more_recovers_nothing(striving: Striving) -> None:
    await paid_out(striving)
    striving.today = date(2021, 11, 10)
    async with striving.database.owner() as connection:
        await connection.execute(text("set role none"))
        await connection.execute(text("update membership set known_to = '2021-11-01'"))
    before = await striving.snapshot()
    assert codes((await recalculate(striving)).report) == {"P1": "NOT_DETERMINED"}
    assert await striving.snapshot() == before


async def test_as_many_statements_for_one_recalculation_as_for_two(striving: Striving) -> None:
    striving.on(EXIT)
    await second_paid(striving, "P1", "P2", "P4")
    await finally_accepted(striving, "P1", "P2", "P4")
    await striving.pay("payment_3")
    counted = []
    for value, homes in (("1300.00", ["P1"]), ("1400.00", ["P2", "P4"])):
        striving.today += timedelta(days=10)
        await striving.set(per_capita_award=value)
        who = striving.who("C1")
        ground = await striving.ground(who)
        with Statements(striving.database) as statements:
            async with striving.database.session(who.scope) as session:
                found = await adjusting.recalculate(session, who, ground, Selection(numbers=homes), SHOWN)
        assert [one.number for one in found.differences] == homes
        counted.append(len(statements))
    assert counted[0] == counted[1]
    assert await striving.due("P2") == [(1, 36_000), (2, 48_000), (3, 36_000), (3, 20_000)]
    await sound(striving)


@pytest.mark.parametrize(
    ("number", "stated", "code"),
    [
        ("C1", Stated(evidence="户籍证明"), "REASON_NEEDED"),
        ("C1", Stated(reason="迟报"), "EVIDENCE_NEEDED"),
        ("K1", SHOWN, "FORBIDDEN"),
        ("FI", SHOWN, "NOT_YOUR_DUTY"),
    ],
)
async def test_who_recalculates_and_on_what(striving: Striving, number: str, stated: Stated, code: str) -> None:
    await paid_out(striving)
    striving.today = date(2021, 11, 10)
    await died(striving, date(2021, 9, 1))
    before = await striving.snapshot()
    assert codes((await recalculate(striving, number, stated)).report) == {"P1": code}
    assert await striving.snapshot() == before


async def test_before_all_is_paid_the_next_part_makes_up_for_it(striving: Striving) -> None:
    await first_paid(striving, "P1")
    before = await striving.snapshot()
    assert codes((await recalculate(striving)).report) == {"P1": "WRONG_STAGE"}
    assert await striving.snapshot() == before


async def test_an_award_from_the_countys_own_budget_waits_when_it_is_used_up(striving: Striving) -> None:
    """P01D is paid by the county alone (000:57): its line binds, who does not fit waits, and a top-up lets him go on."""
    striving.on(LEADING, today=date(2021, 9, 20))
    clean(await striving.apply("G1", "P1", "P2", "P6"))
    for home in ("P1", "P2", "P6"):
        await striving.answer("VC1", "G1", home)
        await striving.vouch("L1", "G1", home)
    striving.today = FINAL
    clean(await striving.act("C1", acts.account, Selection(numbers=["G1"])))
    for number in ("VC1", "W1"):
        clean(await striving.sign(number, "verification", "G1"))
    await striving.stand("VC1", "G1", first=date(2021, 10, 1))
    clean(await striving.act("A2", acts.accept, Selection(numbers=["G1"])))
    line = await striving.fund(1_999)
    async with striving.entered("C2") as (session, who, ground):
        made = await paying.make_batch(session, who, striving.vault, ground, line, "payment")
    assert (made.batch, made.waiting, made.waiting_fen) == (None, 1, 200_000)
    top_up = payments.EntryStated(
        amount_fen=100, document="测财〔2021〕99号", document_on=date(2021, 10, 6), reason="追加"
    )
    async with striving.entered("FM") as (session, who, _):
        entry = await payments.add_entry(session, who, line, top_up)
    async with striving.entered("FI") as (session, who, _):
        await payments.confirm_entry(session, who, entry)
    batch = await striving.pay("payment")
    assert (batch.count, batch.total_fen) == (1, 200_000)
    await sound(striving)


async def test_nobody_is_paid_for_a_household_that_has_nobody_any_more(striving: Striving) -> None:
    """Its members left the register before anything was paid: left out of the batch, and named."""
    await striving.verified("P1", "P2")
    await striving.stand("VC1", "P1", "P2", first=NOTICE)
    async with striving.entered("R1") as (session, _, _):
        await session.execute(
            text(
                "update membership set known_to = now() where household_id = (select id from household where number = 'P2')"
            )
        )
    line = await striving.fund()
    async with striving.entered("C2") as (session, who, ground):
        made = await paying.make_batch(session, who, striving.vault, ground, line, "payment_1")
    assert made.batch is not None
    assert (made.batch.count, made.batch.total_fen) == (1, 144_000)
    assert [(number, problem.code.name) for number, problem in made.missing] == [("P2", "NO_MEMBERS")]


async def test_what_goes_back_past_its_result_is_verified_again_and_due_again(striving: Striving) -> None:
    """Sent back before the second payment, it returns to the verification before it; the result of March stands."""
    await first_paid(striving, "P1")
    striving.today = SECOND
    for number in BOTH:
        clean(await striving.sign(number, "continuing", "P1"))
    assert await striving.due("P1") == [(1, 144_000), (2, 192_000)]
    clean(await striving.act("C1", acts.send_back, Selection(numbers=["P1"]), finding="未见到项目"))
    case = (await striving.cases())["P1"]
    assert (case.view.stage, case.view.signed, case.payable) == ("continuing", {}, 480_000)
    assert await striving.due("P1") == [(1, 144_000)]
    # Its notice stood its time and still stands.
    assert await striving.rows("select 1 from publication_withdrawal") == []
    assert codes(await striving.correct("C1", "undo", "P1", stated=Stated(reason="误退"))) == {"P1": "NOT_UNDOABLE"}
    for number in BOTH:
        clean(await striving.sign(number, "continuing", "P1"))
    assert await striving.due("P1") == [(1, 144_000), (2, 192_000)]
    await striving.pay("payment_2")
    await sound(striving)


async def test_the_notice_of_march_stands_when_it_is_determined_again_in_september(striving: Striving) -> None:
    await second_paid(striving, "P1")
    await finally_accepted(striving, "P1")
    assert await striving.rows("select 1 from publication_withdrawal") == []
    assert (await striving.cases())["P1"].notice is not None
