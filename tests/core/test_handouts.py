"""What is handed out: needs, who is listed within which limits, what was bought, who has signed, and what it comes to."""

from __future__ import annotations

import asyncio
import io
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import openpyxl
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import files, jobs
from bangfu.access import Entered
from bangfu.cases.views import Stated
from bangfu.errors import Code, Refused
from bangfu.handouts import ledger, sheets, stock
from bangfu.handouts.figures import BatchLine, KindLine, batches, by_kind
from bangfu.handouts.ledger import HandoutState, Signed
from bangfu.handouts.sheets import SignatureImporter
from bangfu.handouts.stock import Bought, Measure
from bangfu.registry import importing
from bangfu.vault import Vault
from tests.county import T1, V1, V3, Statements
from tests.federation import LISTED, SIGNED, SURVEYED, TODAY, Federation, need, signed

PAPER = Stated(date(2021, 6, 25), evidence="更正表", reason="登记有误")


async def lines(federation: Federation) -> list[tuple[Any, ...]]:
    """Every line, by what it is and where it is."""
    rows = await federation.rows("select kind, item, quantity, value_fen, state from handout order by recorded_at, id")
    return [tuple(row) for row in rows]


async def goods(federation: Federation, count: int = 1) -> list[UUID]:
    """Production goods that are listed for some households, and enough that was bought."""
    made = await federation.need("goods", *await federation.homes(count))
    await federation.list(*made)
    await federation.supply("goods", "票-1", fen=count * 200_000)
    return made


# --- what is needed -------------------------------------------------------------------------------------------


async def test_what_is_needed_is_stated_once(federation: Federation) -> None:
    made = await federation.need("goods", "H1", "H2")
    assert len(made) == 2
    problem = await federation.refuses(Code.HANDOUT_OPEN, "VC1", ledger.ask, [need("H3"), need("H1")], Stated())
    assert problem.path == ("lines", 1)
    assert "H1" in problem.message.zh
    assert await lines(federation) == [("goods", "种鸡苗", None, 200_000, "stated")] * 2
    # Another thing for the same household is another need.
    await federation.need("goods", "H1", item="化肥", fen=100)
    head, *_ = await federation.heads(["H1"])
    await federation.need("device", head)
    await federation.need("training", head, by="DF")
    assert (await lines(federation))[-1] == ("training", "养殖技术", 1, None, "stated")


@pytest.mark.parametrize(
    ("code", "changed"),
    [
        (Code.NOT_FOUND, {"number": "H7"}),
        (Code.NOT_FOUND, {"number": "P999"}),
        (Code.BAD_VALUE, {"kind": "cash"}),
        (Code.MISSING_VALUE, {"item": " "}),
        (Code.BAD_VALUE, {"measure": Measure(quantity=1)}),
        (Code.BAD_VALUE, {"measure": Measure(1, 200_000)}),
        (Code.BAD_VALUE, {"measure": Measure(fen=0)}),
        (Code.BAD_VALUE, {"measure": Measure(fen=10**13 + 1)}),
    ],
)
async def test_a_need_that_cannot_be_is_refused_and_none_is_kept(
    federation: Federation, code: Code, changed: dict[str, Any]
) -> None:
    wanted = [need("H1"), replace(need("H2"), **changed)]
    problem = await federation.refuses(code, "VC1", ledger.ask, wanted, Stated())
    assert problem.path[:2] == ("lines", 1)


async def test_who_may_state_list_and_hand_over(federation: Federation) -> None:
    (line,) = await goods(federation)
    for number in ("C1", "W1", "L1", "E1", "HA", "AU", "SU", "IF", "FM"):
        await federation.refuses(Code.FORBIDDEN, number, ledger.ask, [need("H1")], Stated())
        await federation.refuses(Code.FORBIDDEN, number, ledger.hand_over, signed(line, voucher="票-1"), Stated())
    await federation.refuses(Code.FORBIDDEN, "VC1", ledger.list_, [line], Stated())
    await federation.refuses(Code.WHOLE_COUNTY_NEEDED, "K1", ledger.list_, [line], Stated())
    bought = Bought(kind="goods", item="化肥", voucher="票-2", measure=Measure(fen=100))
    await federation.refuses(Code.FORBIDDEN, "VC1", stock.supply, bought, Stated())
    # Of another village, a line does not exist.
    problem = await federation.refuses(Code.NOT_FOUND, "VC3", ledger.hand_over, signed(line, voucher="票-1"), Stated())
    assert problem.path == ("lines", 0)
    assert await federation.hand_over(line, by="K1", voucher="票-1") == 1


# --- who is listed --------------------------------------------------------------------------------------------


async def test_who_is_listed_stands_in_the_register_and_has_a_certificate(federation: Federation) -> None:
    (home,) = await federation.homes(1)
    poor, exited, general = await federation.need("goods", home, "H1", "H3")
    why = await federation.refuses(Code.HANDOUT_NOT_COVERED, "DF", ledger.list_, [poor, exited], Stated())
    assert (why.path, why.values["number"]) == (("lines", 1, "number"), "H1")
    assert "没有有效的残疾人证" in why.message.zh
    await federation.certify("H1", "H3")
    await federation.list(poor, exited, general)  # who has left poverty is on file still
    await federation.lay_down(federation.services, covered_standings=["poor"])
    (other,) = await federation.need("goods", "H1", item="化肥", fen=100)
    why = await federation.refuses(Code.HANDOUT_NOT_COVERED, "DF", ledger.list_, [other], Stated())
    assert "户类型不在范围内" in why.message.zh
    # A device asks for a certificate of the person's own: the spouse has none.
    await federation.lay_down(federation.services, device_limit_per_person=2)
    spouse = (await federation.rows(
        "select p.number from person p join membership m on m.person_id = p.id and m.relation <> 'head'"
        " join household h on h.id = m.household_id where h.number = :home", home=home
    ))[0][0]  # fmt: skip
    (device,) = await federation.need("device", spouse)
    why = await federation.refuses(Code.HANDOUT_NOT_COVERED, "DF", ledger.list_, [device], Stated())
    assert why.values["number"] == spouse


async def died(federation: Federation, number: str, day: date) -> None:
    """Put a death on record, of which nothing else follows by itself."""
    await federation.owner(
        "insert into circumstance (tenant_id, id, person_id, division, kind, class_name, source, reported_on, evidence,"
        " valid_from, known_from) select tenant_id, gen_random_uuid(), id, division, 'death', '', 'civil_affairs', :day,"
        " '名单', :day, now() from person where number = :number",
        number=number,
        day=day,
    )


async def test_nothing_is_for_the_dead_nor_for_their_certificates(federation: Federation) -> None:
    (home,) = await federation.homes(1)
    (head,) = await federation.heads([home])
    await federation.lay_down(federation.services, device_limit_per_person=2)
    lines = (*await federation.need("device", head), *await federation.need("goods", home))
    await died(federation, head, date(2021, 5, 20))
    for line, whose, why in (
        (lines[0], head, "没有有效的残疾人证、已登记死亡"), (lines[1], home, "没有有效的残疾人证")
    ):  # fmt: skip
        problem = await federation.refuses(
            Code.HANDOUT_NOT_COVERED, "DF", ledger.list_, [line], Stated(LISTED, evidence="名单")
        )
        assert why in problem.message.zh
        assert whose in problem.message.zh


async def test_a_device_goes_with_who_marries_into_another_household(federation: Federation) -> None:
    one, two = await federation.homes(2)
    (head,) = await federation.heads([one])
    await federation.lay_down(federation.services, device_limit_per_person=2)
    (line,) = await federation.need("device", head)
    await federation.owner(
        "update membership set household_id = (select id from household where number = :two), relation = 'other'"
        " where person_id = (select id from person where number = :head)",
        two=two,
        head=head,
    )
    await federation.list(line)
    assert await federation.rows("select state from handout") == [("listed",)]


async def test_nothing_is_handed_out_of_what_was_bought_afterwards(federation: Federation) -> None:
    (home,) = await federation.homes(1)
    (line,) = await federation.need("goods", home)
    await federation.list(line)
    bought = Bought(kind="goods", item="一批", voucher="票-9", measure=Measure(fen=200_000))
    await federation.do("DF", stock.supply, bought, Stated(date(2021, 9, 1), evidence="发票"))
    signed_for = signed(line, voucher="票-9")
    await federation.refuses(Code.BEFORE_PREVIOUS_STEP, "VC1", ledger.hand_over, signed_for, Stated())


async def test_a_certificate_counts_from_its_day_on(federation: Federation) -> None:
    await federation.certify("H1", since=date(2021, 6, 2))
    (line,) = await federation.need("goods", "H1")
    early = Stated(date(2021, 6, 1), evidence="名单")
    await federation.refuses(Code.HANDOUT_NOT_COVERED, "DF", ledger.list_, [line], early)
    await federation.list(line, day=date(2021, 6, 2))
    assert (await federation.rows("select year, listed_on from handout"))[0] == (2021, date(2021, 6, 2))


async def test_what_one_household_has_in_a_year_has_a_limit(federation: Federation) -> None:
    (home,) = await federation.homes(1)
    (first,) = await federation.need("goods", home, fen=100_000)
    (second,) = await federation.need("goods", home, item="化肥", fen=100_001)
    await federation.list(first)
    problem = await federation.refuses(Code.HANDOUT_LIMIT, "DF", ledger.list_, [second], Stated())
    assert problem.path == ("lines", 0, "measure")
    assert "2,000.00 元" in problem.message.zh
    assert "一(一)" in problem.message.zh
    (third,) = await federation.need("goods", home, item="农具", fen=100_000)
    await federation.list(third)


@pytest.mark.parametrize(
    ("kind", "parameter", "value"),
    [("device", "device_limit_per_person", 1), ("conversion", "conversion_cap", "3000.00")],
)
async def test_a_limit_that_the_source_does_not_print_blocks_its_kind_alone(
    federation: Federation, kind: str, parameter: str, value: Any
) -> None:
    (home,) = await federation.homes(1)
    (number,) = await federation.heads([home]) if kind == "device" else [home]
    (line,) = await federation.need(kind, number)
    (other,) = await federation.need("goods", home)
    await federation.list(other)
    problem = await federation.refuses(Code.PARAMETER_UNSET, "DF", ledger.list_, [line], Stated())
    assert problem.path == ("parameters", parameter)
    assert problem.values["clause"] == "一(六)"
    await federation.lay_down(federation.services, **{parameter: value})
    await federation.list(line)
    (more,) = await federation.need(kind, number, item="另一件")
    await federation.refuses(Code.HANDOUT_LIMIT, "DF", ledger.list_, [more], Stated())


async def test_the_thirty_first_seat_of_a_year_is_refused(federation: Federation) -> None:
    heads = await federation.heads(await federation.homes(31))
    made = await federation.need("training", *heads)
    problem = await federation.refuses(Code.HANDOUT_LIMIT, "DF", ledger.list_, made, Stated())
    assert problem.path == ("lines", 30, "measure")
    await federation.list(*made[:30])
    await federation.refuses(Code.HANDOUT_LIMIT, "DG", ledger.list_, [made[30]], Stated())
    # Who withdraws frees a seat.
    await federation.do("VC1", ledger.take_back, [made[0]], Stated(reason="外出务工"))
    await federation.list(made[30])
    assert (await federation.do("DF", by_kind, 2021))[0].listed == 30


async def test_two_who_list_the_thirtieth_at_once(federation: Federation) -> None:
    heads = await federation.heads(await federation.homes(31))
    made = await federation.need("training", *heads)
    await federation.list(*made[:29])

    async def attempt(number: str, line: UUID) -> str:
        try:
            await federation.do(number, ledger.list_, [line], Stated())
        except Refused as refusal:
            return refusal.problems[0].code.name
        return "done"

    came = await asyncio.gather(attempt("DF", made[29]), attempt("DG", made[30]))
    assert sorted(came) == ["HANDOUT_LIMIT", "done"]
    assert (await federation.rows("select count(*) from handout where state = 'listed'"))[0][0] == 30


async def test_only_what_is_stated_is_listed_and_not_before(federation: Federation) -> None:
    (line,) = await federation.need("goods", *await federation.homes(1))
    early = Stated(date(2021, 5, 9), evidence="名单")
    await federation.refuses(Code.BEFORE_PREVIOUS_STEP, "DF", ledger.list_, [line], early)
    await federation.refuses(Code.NOT_FOUND, "DF", ledger.list_, [line, line], Stated())
    await federation.refuses(Code.NOT_FOUND, "DF", ledger.list_, [uuid4()], Stated())
    await federation.list(line)
    await federation.refuses(Code.HANDOUT_STATE, "DF", ledger.list_, [line], Stated())
    await federation.refuses(Code.HANDOUT_STATE, "VC1", ledger.follow_up, line, "良好", Stated())


# --- what was bought --------------------------------------------------------------------------------------------


async def test_a_voucher_is_entered_once_and_replaced_while_nothing_is_out(federation: Federation) -> None:
    (line,) = await goods(federation)
    again = Bought(kind="goods", item="化肥", voucher="票-1", measure=Measure(fen=100))
    await federation.refuses(Code.NUMBER_TAKEN, "DG", stock.supply, again, Stated())
    for wrong in (
        replace(again, kind="training", voucher="票-2", measure=Measure(10)),
        replace(again, voucher="票-2", measure=Measure(3)),
        replace(again, voucher="票-2", kind="device", measure=Measure(fen=10)),
    ):
        await federation.refuses(Code.BAD_VALUE, "DF", stock.supply, wrong, Stated())
    await federation.refuses(Code.MISSING_VALUE, "DF", stock.supply, replace(again, voucher=" "), Stated())
    (first,) = (UUID(str(row[0])) for row in await federation.rows("select id from handout_batch"))
    mended = replace(again, measure=Measure(fen=300_000), corrects=first)
    await federation.refuses(Code.REASON_NEEDED, "DF", stock.supply, mended, Stated())
    second = await federation.do("DF", stock.supply, mended, PAPER)
    await federation.refuses(Code.CONFLICT, "DF", stock.supply, replace(mended, voucher="票-3"), PAPER)
    await federation.hand_over(line, voucher="票-1")
    await federation.refuses(Code.CONFLICT, "DF", stock.supply, replace(mended, corrects=second), PAPER)


async def test_no_batch_gives_more_than_there_was(federation: Federation) -> None:
    made = await federation.need("goods", *await federation.homes(2))
    await federation.list(*made)
    await federation.supply("goods", "票-1", fen=399_999)
    problem = await federation.refuses(
        Code.STOCK_SHORT, "VC1", ledger.hand_over, signed(*made, voucher="票-1"), Stated()
    )
    assert problem.path == ("lines", 1, "voucher")
    assert "余 1,999.99 元" in problem.message.zh
    assert await federation.hand_over(made[0], voucher="票-1") == 1
    with pytest.raises(DBAPIError, match="ck_handout_batch_value"):
        await federation.owner("update handout_batch set out_fen = value_fen + 1")


async def test_two_who_hand_over_the_last_piece_at_once(federation: Federation) -> None:
    await federation.lay_down(federation.services, device_limit_per_person=1)
    heads = await federation.heads(await federation.homes(2))
    made = await federation.need("device", *heads)
    await federation.list(*made)
    await federation.supply("device", "票-1", quantity=1, fen=90_000)

    async def attempt(number: str, line: UUID) -> str:
        try:
            await federation.do(number, ledger.hand_over, signed(line, voucher="票-1"), Stated())
        except Refused as refusal:
            return refusal.problems[0].code.name
        return "done"

    came = await asyncio.gather(attempt("VC1", made[0]), attempt("K1", made[1]))
    assert sorted(came) == ["STOCK_SHORT", "done"]
    assert tuple((await federation.rows("select out_quantity, out_fen from handout_batch"))[0]) == (1, 0)
    assert (await federation.rows("select count(*) from handout where state = 'handed_over'"))[0][0] == 1


# --- what was handed over ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "changed"),
    [
        (Code.MISSING_VALUE, {"receiver": " "}),
        (Code.MISSING_VALUE, {"signature": ""}),
        (Code.MISSING_VALUE, {"voucher": ""}),
        (Code.NOT_FOUND, {"voucher": "票-9"}),
        (Code.NOT_FOUND, {"line": uuid4()}),
        (Code.BAD_VALUE, {"attended": True}),
        (Code.DAY_IN_FUTURE, {"day": date(2021, 10, 21)}),
        (Code.BEFORE_PREVIOUS_STEP, {"day": date(2021, 5, 31)}),
    ],
)
async def test_a_signature_that_cannot_be_is_refused(
    federation: Federation, code: Code, changed: dict[str, Any]
) -> None:
    (line,) = await goods(federation)
    one = replace(signed(line, voucher="票-1")[0], **changed)
    await federation.refuses(code, "VC1", ledger.hand_over, [one], Stated())


async def test_what_is_signed_for_counts_once_and_is_followed_up(federation: Federation) -> None:
    (line,) = await goods(federation)
    assert await federation.hand_over(line, voucher="票-1") == 1
    # The same again, by somebody else, changes nothing.
    before = await federation.rows("select * from handout")
    assert await federation.hand_over(line, by="K1", voucher="票-1") == 0
    assert await federation.rows("select * from handout") == before
    another = [replace(signed(line, voucher="票-1")[0], receiver="邻居代领")]
    await federation.refuses(Code.HANDOUT_STATE, "VC1", ledger.hand_over, another, Stated())
    early = Stated(date(2021, 6, 19), evidence="回访表")
    await federation.refuses(Code.BEFORE_PREVIOUS_STEP, "VC1", ledger.follow_up, line, "良好", early)
    await federation.refuses(Code.MISSING_VALUE, "VC1", ledger.follow_up, line, " ", Stated())
    await federation.do("VC1", ledger.follow_up, line, "存栏良好", Stated())
    row = "select state, receiver, handed_on, signature, outcome, followed_on from handout"
    assert tuple((await federation.rows(row))[0]) == (
        "followed_up", "户主本人", SIGNED, "签收表第1页", "存栏良好", TODAY,
    )  # fmt: skip


async def test_a_seat_says_whether_somebody_came(federation: Federation) -> None:
    made = await federation.need("training", *await federation.heads(["H1", "H2"]))
    await federation.list(*made)
    await federation.refuses(Code.MISSING_VALUE, "VC1", ledger.hand_over, signed(made[0]), Stated())
    batch = signed(made[0], voucher="票-1", attended=True)
    await federation.refuses(Code.BAD_VALUE, "VC1", ledger.hand_over, batch, Stated())
    await federation.hand_over(made[0], attended=True)
    absent = [Signed(line=made[1], receiver="", day=SIGNED, signature="签到册", attended=False)]
    await federation.do("VC1", ledger.hand_over, absent, Stated())
    (found,) = await federation.do("DF", by_kind, 2021)
    assert found == KindLine("training", 0, 2, 2, 0, absent=1, quantity=1, fen=0, households=1, persons=1)


async def test_a_correction_is_a_new_line_and_puts_back_what_was_out(federation: Federation) -> None:
    (line,) = await goods(federation)
    await federation.hand_over(line, voucher="票-1")
    mended = need("G001", fen=150_000, corrects=line)
    await federation.refuses(Code.REASON_NEEDED, "VC1", ledger.ask, [mended], Stated())
    await federation.refuses(Code.EVIDENCE_NEEDED, "VC1", ledger.ask, [mended], Stated(reason="登记有误"))
    await federation.refuses(Code.NOT_FOUND, "VC3", ledger.ask, [replace(mended, number="H7")], PAPER)
    (anew,) = await federation.do("VC1", ledger.ask, [mended], PAPER)
    assert tuple((await federation.rows("select out_fen from handout_batch"))[0]) == (0,)
    await federation.refuses(Code.HANDOUT_STATE, "VC1", ledger.ask, [mended], PAPER)
    await federation.refuses(Code.HANDOUT_STATE, "VC1", ledger.hand_over, signed(line, voucher="票-1"), Stated())
    await federation.list(anew, day=TODAY)
    late = signed(anew, voucher="票-1", day=TODAY)
    await federation.do("VC1", ledger.hand_over, late, Stated())
    (found,) = await federation.do("DF", by_kind, 2021)
    assert (found.handed_over, found.fen, found.households) == (1, 150_000, 1)
    # What is withdrawn leaves nothing, and is on record for ever.
    await federation.refuses(Code.REASON_NEEDED, "VC1", ledger.take_back, [anew], Stated())
    await federation.do("VC1", ledger.take_back, [anew], PAPER)
    assert tuple((await federation.rows("select out_fen from handout_batch"))[0]) == (0,)
    states = await federation.rows("select state, value_fen, receiver from handout order by id")
    assert [tuple(row) for row in states] == [
        ("replaced", 200_000, "户主本人"), ("withdrawn", 150_000, "户主本人"),
    ]  # fmt: skip
    with pytest.raises(DBAPIError, match="permission denied"):
        async with federation.database.session(federation.who("DF").scope) as session:
            await session.execute(text("delete from handout"))


# --- what it comes to -------------------------------------------------------------------------------------------


async def test_the_figures_of_the_source_are_those_of_their_lines(federation: Federation) -> None:
    """35 households with production goods for 70,000 yuan; 28 persons of 28 households with 30 devices."""
    await federation.lay_down(federation.services, device_limit_per_person=2)
    homes = await federation.homes(35)
    wanted = await federation.need("goods", *homes)
    heads = await federation.heads(homes[:28])
    devices = await federation.need("device", *heads)
    devices += await federation.need("device", *heads[:2], item="助听器")
    await federation.list(*wanted, *devices)
    await federation.supply("goods", "票-1", fen=7_000_000)
    await federation.supply("device", "票-2", quantity=31, fen=1_000_000)
    assert await federation.hand_over(*wanted, voucher="票-1") == 35
    assert await federation.hand_over(*devices, voucher="票-2") == 30
    with Statements(federation.database) as statements:
        found = await federation.do("DF", by_kind, 2021)
        stood = await federation.do("DF", batches)
    assert len(statements) == 4  # the scope and one, twice
    assert found == [
        KindLine("goods", 0, 35, 35, 0, 0, quantity=0, fen=7_000_000, households=35, persons=0),
        KindLine("device", 0, 30, 30, 0, 0, quantity=30, fen=0, households=28, persons=28),
    ]
    assert stood == [
        BatchLine("device", "一批", "票-2", Measure(31, 1_000_000), Measure(30, 0), Measure(1, 1_000_000),
                  Measure(30, 0), differs=False),
        BatchLine("goods", "一批", "票-1", Measure(None, 7_000_000), Measure(0, 7_000_000), Measure(None, 0),
                  Measure(0, 7_000_000), differs=False),
    ]  # fmt: skip
    plain = await federation.rows(
        "select kind, count(*), coalesce(sum(value_fen), 0), coalesce(sum(quantity), 0), count(distinct household_id)"
        " from handout where state = 'handed_over' group by kind order by kind"
    )
    assert [tuple(row) for row in plain] == [("device", 30, 0, 30, 28), ("goods", 35, 7_000_000, 0, 35)]


async def test_a_mismatch_is_shown_and_not_repaired(federation: Federation) -> None:
    (line,) = await goods(federation)
    await federation.hand_over(line, voucher="票-1")
    await federation.owner("update handout_batch set out_fen = 50000")
    (found,) = await federation.do("DF", batches)
    assert (found.out.fen, found.handed_over.fen, found.differs) == (50_000, 200_000, True)
    (partly,) = await federation.do("K2", batches)  # who does not see every line cannot tell
    assert (partly.handed_over.fen, partly.differs) == (0, None)
    assert (await federation.rows("select out_fen from handout_batch"))[0][0] == 50_000
    for number in ("E1", "HA", "IF", "FI"):
        await federation.refuses(Code.FORBIDDEN, number, batches)
        await federation.refuses(Code.FORBIDDEN, number, by_kind)


async def test_the_statements_do_not_depend_on_the_number_of_lines(federation: Federation) -> None:
    homes = await federation.homes(12)
    await federation.supply("goods", "票-1", fen=12 * 200_000)
    counts = []
    for own in (homes[:1], homes[1:]):
        with Statements(federation.database) as statements:
            made = await federation.need("goods", *own)
            await federation.list(*made)
            await federation.hand_over(*made, voucher="票-1")
        counts.append(len(statements))
    assert counts[0] == counts[1]


async def test_a_year_and_a_division_are_parts_of_the_whole(federation: Federation) -> None:
    await federation.certify("H1", "H7")
    made = await federation.need("goods", "H1", by="VC1") + await federation.need("goods", "H7", by="VC3")
    await federation.list(*made)
    for division, expected in ((None, 2), (T1, 1), (V3, 1)):
        (found,) = await federation.do("DF", by_kind, 2021, division)
        assert (found.listed, found.waiting) == (expected, 0), division
    assert await federation.do("DF", by_kind, 2020) == []
    (seen,) = await federation.do("VC3", by_kind, 2021)
    assert seen.listed == 1


# --- sheets -----------------------------------------------------------------------------------------------------


async def test_the_sheet_for_signing_has_a_total_on_every_page(federation: Federation) -> None:
    await goods(federation, 23)
    data = await federation.do("VC1", sheets.signature_sheet, "goods")
    sheet = openpyxl.load_workbook(io.BytesIO(data)).active
    assert sheet is not None
    rows = [tuple(row) for row in sheet.iter_rows(values_only=True)]
    assert rows[0][0] == "测试县种养殖生产资料发放签收表"
    assert rows[1] == ("序号", "村", "户编号", "姓名", "种类", "名称", "金额(元)", "签收人", "签收日期", "批次凭证")
    assert rows[2] == (1, "甲村", "G001", "残001户主", "种养殖生产资料", "种鸡苗", 2000, None, None, None)
    totals = [(row[0], row[6]) for row in rows if row[0] in ("本页小计", "合计")]
    assert totals == [("本页小计", 40_000), ("本页小计", 6_000), ("合计", 46_000)]
    assert len([row for row in rows if str(row[2]).startswith("G")]) == 23
    for number in ("C1", "W1", "AU", "HA", "E1"):
        await federation.refuses(Code.FORBIDDEN, number, sheets.signature_sheet, "goods")
    empty = await federation.do("VC3", sheets.signature_sheet, "goods")
    own = openpyxl.load_workbook(io.BytesIO(empty)).active
    assert own is not None
    assert "G001" not in {row[2] for row in own.iter_rows(values_only=True) if len(row) > 2}


async def test_the_sheet_comes_back_signed_and_the_same_again_is_harmless(federation: Federation) -> None:
    await goods(federation, 23)
    data = await federation.do("K1", sheets.signature_sheet, "goods", V1)
    book = openpyxl.load_workbook(io.BytesIO(data))
    sheet = book.active
    assert sheet is not None
    for row in sheet.iter_rows(min_row=3):
        if str(row[2].value).startswith("G"):
            row[7].value, row[8].value, row[9].value = "户主", "2021-06-20", "票-1"
    kept = io.BytesIO()
    book.save(kept)
    importer = SignatureImporter(federation.services)
    status = await federation.bring(importer, kept.getvalue(), "VC1", name="签收表.xlsx")
    assert (status.state, status.result["tallies"]["signature"]["new"]) == ("done", 23), status.result
    assert (await federation.rows("select out_fen from handout_batch"))[0][0] == 23 * 200_000
    before = await federation.rows("select * from handout order by id")
    again = await federation.bring(importer, kept.getvalue(), "K1", name="签收表.xlsx")
    assert (again.state, again.result["tallies"]["signature"]) == (
        "done", {"new": 0, "changed": 0, "same": 23, "examples": []},
    )  # fmt: skip
    assert await federation.rows("select * from handout order by id") == before


async def test_problems_come_back_in_the_workbook_and_nothing_is_written(federation: Federation) -> None:
    await goods(federation, 2)
    before = await federation.rows("select * from handout order by id")
    data = (
        "户编号,种类,名称,签收人,签收日期,批次凭证\n"
        "G001,种养殖生产资料,种鸡苗,户主,2021-06-20,票-1\n"
        "G002,种养殖生产资料,种鸡苗,,2021-06-20,票-1\n"
        "G001,种养殖生产资料,种鸡苗,户主,2021-06-20,票-1\n"
        "G009,goods,种鸡苗,户主,2021-06-20,票-1\n"
        "G002,种养殖生产资料,种鸡苗,户主,2021-10-21,票-1\n"
    )
    importer = SignatureImporter(federation.services)
    status = await federation.bring(importer, data, "VC1")
    assert status.state == "refused"
    found = [(one["code"], one["path"]) for one in status.result["problems"][1:]]
    assert sorted(found) == [
        ("DAY_IN_FUTURE", ["rows", 6, "day"]), ("DUPLICATE_ROW", ["rows", 4, "number"]),
        ("MISSING_VALUE", ["rows", 3, "receiver"]), ("NOT_FOUND", ["rows", 5, "number"]),
    ]  # fmt: skip
    assert await federation.rows("select * from handout order by id") == before
    assert status.result_file_id is not None
    who = federation.who("VC1")
    async with federation.database.session(who.scope) as session:
        back = await files.fetch(session, federation.vault, who.county.id, status.result_file_id)
    assert "填写" in back.data.decode("utf-8-sig")
    with pytest.raises(Refused):
        await federation.bring(importer, data, "C1")


def signatures(*homes: str, voucher: str = "票-1") -> str:
    """The list of signatures of some households for their goods."""
    rows = [f"{home},goods,种鸡苗,户主本人,2021-06-20,{voucher}" for home in homes]
    return "\n".join(["户编号,种类,名称,签收人,签收日期,批次凭证", *rows])


async def short(federation: Federation) -> list[UUID]:
    """Goods that are listed for four households, and what was bought for three of them."""
    made = await federation.need("goods", *await federation.homes(4))
    await federation.list(*made)
    await federation.supply("goods", "票-1", fen=600_000)
    return made


OUT = "select out_fen from handout_batch"
SIGNED_FOR = (
    "select h.number from handout o join household h on h.id = o.household_id where o.state = 'handed_over'"
    " order by h.number"
)


class Overtaken(SignatureImporter):
    """A list of signatures, between whose two readings somebody else hands a line over."""

    def __init__(self, federation: Federation, line: UUID) -> None:
        super().__init__(federation.services)
        self.federation, self.line, self.readings = federation, line, 0

    async def prepare(self, session: AsyncSession, who: Entered, vault: Vault, as_of: date) -> Any:
        self.readings += 1
        if self.readings == 2:
            await self.federation.hand_over(self.line, voucher="票-1")
        return await super().prepare(session, who, vault, as_of)


@pytest.mark.parametrize("chunk", [1, 2, 2_000])
async def test_no_row_of_a_list_takes_what_one_before_it_has_taken(
    federation: Federation, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    """However the file is parted: the fourth of four is told of, in the workbook too, and nothing is written unless the
    good rows are to be."""
    monkeypatch.setattr(importing, "CHUNK", chunk)
    await short(federation)
    before = await federation.digest()
    data = signatures("G001", "G002", "G003", "G004")
    importer = SignatureImporter(federation.services)
    for options in ({}, {"dry_run": True}):
        status = await federation.bring(importer, data, "VC1", **options)
        told = status.result["row_problems"] if options else status.result["problems"][1:]
        assert [(one["code"], one["path"]) for one in told] == [("STOCK_SHORT", ["rows", 5, "voucher"])]
        assert (status.result["bad_rows"], status.result_file_id is None) == (1, False)
        assert await federation.digest() == before
    status = await federation.bring(importer, data, "VC1", accept_valid=True)
    assert (status.state, status.result["tallies"]["signature"]["new"]) == ("done", 3)
    assert [row[0] for row in await federation.rows(SIGNED_FOR)] == ["G001", "G002", "G003"]
    assert await federation.rows(OUT) == [(600_000,)]


@pytest.mark.parametrize("chunk", [1, 2_000])
async def test_a_line_that_stands_twice_is_told_of_however_the_file_is_parted(
    federation: Federation, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(importing, "CHUNK", chunk)
    await short(federation)
    before = await federation.digest()
    status = await federation.bring(
        SignatureImporter(federation.services), signatures("G001", "G002", "G001", "G003"), "VC1"
    )
    assert [(one["code"], one["path"]) for one in status.result["problems"][1:]] == [
        ("DUPLICATE_ROW", ["rows", 4, "number"])
    ]
    assert await federation.digest() == before


@pytest.mark.parametrize("chunk", [1, 2_000])
async def test_what_shows_only_when_it_is_written_is_told_of_and_nothing_is_written(
    federation: Federation, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    """The batch holds three; while the list of three is read, somebody else hands one of them to a fourth."""
    monkeypatch.setattr(importing, "CHUNK", chunk)
    made = await short(federation)
    status = await federation.bring(Overtaken(federation, made[3]), signatures("G001", "G002", "G003"), "VC1")
    assert (status.state, status.result["bad_rows"]) == ("refused", 1)
    assert [(one["code"], one["path"]) for one in status.result["problems"]] == [
        ("ROWS_REFUSED", []), ("STOCK_SHORT", ["rows", 4, "voucher"]),
    ]  # fmt: skip
    assert [row[0] for row in await federation.rows(SIGNED_FOR)] == ["G004"]
    assert await federation.rows(OUT) == [(200_000,)]
    assert status.result_file_id is not None
    who = federation.who("VC1")
    async with federation.database.session(who.scope) as session:
        back = await files.fetch(session, federation.vault, who.county.id, status.result_file_id)
    lines = back.data.decode("utf-8-sig").splitlines()
    assert [place for place, line in enumerate(lines) if "批次 票-1 余" in line] == [3]


async def test_what_shows_only_when_it_is_written_leaves_its_row_out_where_the_good_ones_are_imported(
    federation: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK", 1)
    made = await short(federation)
    data = signatures("G001", "G002", "G003")
    status = await federation.bring(Overtaken(federation, made[3]), data, "VC1", accept_valid=True)
    assert (status.state, status.result["bad_rows"]) == ("done", 1)
    assert [(one["code"], one["path"]) for one in status.result["row_problems"]] == [
        ("STOCK_SHORT", ["rows", 4, "voucher"])
    ]
    assert status.result["tallies"]["signature"] == {"new": 2, "changed": 0, "same": 0, "examples": []}
    assert status.result_file_id is not None
    assert [row[0] for row in await federation.rows(SIGNED_FOR)] == ["G001", "G002", "G004"]
    assert await federation.rows(OUT) == [(600_000,)]


async def test_the_sheet_comes_back_with_whatever_brackets_were_typed(federation: Federation) -> None:
    """Full-width brackets and digits are how many a thing and many a document is written."""
    (home,) = await federation.homes(1)
    (line,) = await federation.need("goods", home, item="种鸡苗（三黄鸡）", fen=200_000)
    await federation.list(line)
    await federation.supply("goods", "票（２０２１）1号", fen=200_000)
    book = openpyxl.load_workbook(io.BytesIO(await federation.do("VC1", sheets.signature_sheet, "goods", V1)))
    assert book.active is not None
    (row,) = (row for row in book.active.iter_rows(min_row=3) if row[2].value == home)
    row[7].value, row[8].value, row[9].value = "户主", "2021-06-20", "票（2021）1号"
    filled = io.BytesIO()
    book.save(filled)
    for tally in ((1, 0), (0, 1)):
        status = await federation.bring(
            SignatureImporter(federation.services), filled.getvalue(), "VC1", name="签收表.xlsx"
        )
        assert status.state == "done", status.result
        assert (status.result["tallies"]["signature"]["new"], status.result["tallies"]["signature"]["same"]) == tally
    assert await federation.rows("select item from handout") == [("种鸡苗（三黄鸡）",)]
    bought = Bought(kind="goods", item="一批", voucher="票(2021)1号", measure=Measure(fen=1))
    await federation.refuses(Code.NUMBER_TAKEN, "DF", stock.supply, bought, Stated())


@pytest.mark.parametrize("day", [date(2021, 6, 15), date(2021, 8, 15)])
async def test_the_same_list_again_signs_for_nothing_that_was_listed_since(federation: Federation, day: date) -> None:
    (home,) = await federation.homes(1)
    (line,) = await federation.need("goods", home, fen=100_000)
    await federation.list(line)
    await federation.supply("goods", "票-1", fen=200_000)
    data = f"户编号,种类,名称,签收人,签收日期,批次凭证\n{home},goods,种鸡苗,户主,2021-06-20,票-1\n"
    importer = SignatureImporter(federation.services)
    assert (await federation.bring(importer, data, "VC1")).state == "done"
    (second,) = await federation.need("goods", home, fen=100_000)
    await federation.list(second, day=day)
    query = "select id, state, handed_on, batch_id from handout order by id"
    before = await federation.rows(query)
    again = await federation.bring(importer, data, "VC1")
    assert again.state == "done", again.result
    assert again.result["tallies"]["signature"] == {"new": 0, "changed": 0, "same": 1, "examples": []}
    assert await federation.rows(query) == before
    assert await federation.rows(OUT) == [(100_000,)]


@pytest.mark.parametrize("wrong", ["", "没有此人"])
async def test_a_household_that_is_left_out_takes_nothing_from_the_others(federation: Federation, wrong: str) -> None:
    """The first has two lines and a problem with the second, alone or only when it is compared; the batch holds one."""
    one, two = await federation.homes(2)
    lines = (
        *await federation.need("goods", one, fen=100_000),
        *await federation.need("goods", one, item="化肥", fen=50_000),
        *await federation.need("goods", two, fen=100_000),
    )
    await federation.list(*lines)
    await federation.supply("goods", "票-1", fen=100_000)
    voucher, receiver = ("票-1", "") if not wrong else ("票-9", "户主")
    data = (
        "户编号,种类,名称,签收人,签收日期,批次凭证\n"
        f"{one},goods,种鸡苗,户主,2021-06-20,票-1\n"
        f"{one},goods,化肥,{receiver},2021-06-20,{voucher}\n"
        f"{two},goods,种鸡苗,户主,2021-06-20,票-1\n"
    )
    status = await federation.bring(SignatureImporter(federation.services), data, "VC1", accept_valid=True)
    assert (status.state, status.result["bad_rows"]) == ("done", 1)
    assert status.result["tallies"]["signature"] == {"new": 1, "changed": 0, "same": 0, "examples": []}
    assert [row[0] for row in await federation.rows(SIGNED_FOR)] == [two]


async def test_a_sheet_is_made_as_a_job(federation: Federation) -> None:
    await goods(federation, 2)
    job = await federation.do("VC1", sheets.put, "goods")
    status = await jobs.run(
        federation.database, federation.vault, federation.who("VC1"), job, sheets.handlers(federation.plugins)
    )
    assert status.state == "done"
    assert status.result_file_id is not None
    await federation.refuses(Code.BAD_VALUE, "VC1", sheets.put, "cash")
    await federation.refuses(Code.FORBIDDEN, "AU", sheets.put, "goods")


def test_every_state_has_two_names() -> None:
    assert len({state.title_text.zh for state in HandoutState}) == len(HandoutState)
    assert LISTED > SURVEYED
