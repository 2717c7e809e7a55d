"""What always holds of money: it holds after everything that can happen, and each statement finds what it speaks of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text

from bangfu import payments
from bangfu.audit import chain
from bangfu.db import Scope, bind
from bangfu.db.embedded import APP
from bangfu.payments import invariants
from bangfu.process import CLOSED, REFUSED
from tests.core.test_money import FAILED, act, answer, bank_file, case_of, correct, gathered, keep, released
from tests.core.test_payments import PAID_ON, ready, release
from tests.county import World
from tests.subsidies import Subsidies


async def everything(world: World) -> None:
    """Paid, exported, sent back, corrected, paid again, adjusted both ways, and paid back in part."""
    await ready(world)
    await keep(world)
    done = await release(world)
    await bank_file(world, done)
    await answer(world, done, FAILED)
    world.today = PAID_ON + timedelta(days=1)
    await correct(world)
    (up, up_by), (down, down_by) = await case_of(world, "H5"), await case_of(world, "H1")
    await act(world, "C1", payments.adjust, [payments.Adjustment(up, up_by, 10_000)], "标准调整补差")
    (recovery,) = await act(world, "C1", payments.adjust, [payments.Adjustment(down, down_by, -80_000)], "收入核减")
    await released(world, (await gathered(world, await world.fund())).batch)
    await act(world, "FI", payments.repay, recovery, 30_000, world.today, "凭证1")


FAULTS = {
    "M1": (
        "update payment_batch set total_fen = total_fen + 1 where number = 1",
        "update payment_line set voided_at = now() where reissues is not null",
        "update payment_return set line_id = (select id from payment_line where reissues is not null),"
        " entitlement_id = (select entitlement_id from payment_line where reissues is not null);"
        "update payment_batch set total_fen = 0 where number = 2",
    ),
    "M2": (
        "drop index uq_payment_line_entitlement; alter table payment_line disable trigger all;"
        "update payment_line set entitlement_id = (select entitlement_id from payment_line where position = 1 "
        "and reissues is null order by id limit 1), reissues = null",
        "drop index uq_entitlement_instalment; alter table entitlement disable trigger all;"
        "update entitlement set case_id = (select case_id from entitlement limit 1)",
    ),
    "M3": (
        "update payment_line set amount_fen = amount_fen + 1 where position = 1",
        "update entitlement set voided_at = now()",
        "update budget_entry set amount_fen = 1",
    ),
    "M4": (
        "update payment_batch set count = count + 1",
        "update payment_file set total_fen = total_fen - 1 where part = 2",
    ),
    "M5": (
        "update case_event set to_stage = 'payment' where version = 1",
        "update case_event set from_stage = 'notice' where act = 'release'",
        "update case_file set stage = 'payment' where stage = 'closed'",
        "update payment_batch set checked_at = made_at - interval '1 hour'",
        "update case_file set programme = 'unknown'",
        "update payment_line set released_at = null",
    ),
    "M6": (
        "update payment_return set recorded_at = recorded_at - interval '30 days'",
        "update payment_line set amount_fen = amount_fen - 1 where reissues is not null",
    ),
    "M7": (
        "update payment_line set account_masked = '****9999' where position = 1",
        "update account set known_from = known_from + interval '1 year'",
    ),
    "M8": (
        "alter table payment_batch drop constraint ck_payment_batch_checker;"
        "alter table payment_batch drop constraint ck_payment_batch_releaser;"
        "update payment_batch set released_by = made_by",
        "alter table budget_entry drop constraint ck_budget_entry_confirmer;"
        "update budget_entry set confirmed_by = entered_by",
    ),
    "M9": (
        "update notice set last_day = last_day + 60",
        "delete from notice_entry",
        "insert into objection (tenant_id, id, notice_id, case_id, division, words, objector, made_on, taken_by,"
        " recorded_at, finding) select e.tenant_id, gen_random_uuid(), e.notice_id, e.case_id, e.division, '', '',"
        " n.first_day, n.officer_id, n.recorded_at, '' from notice_entry e join notice n on n.id = e.notice_id",
    ),
    "M11": (
        "update entitlement set amount_fen = amount_fen + 1 where kind = 'award'",
        "update entitlement set amount_fen = amount_fen - 1 where kind = 'award'",
    ),
    "M12": (
        "update payment_line set amount_fen = amount_fen + 1 where position = 1",
        "alter table payment_return no force row level security",
        "grant update on payment_batch to bangfu_app",
        "grant delete on budget_entry to bangfu_app",
        "alter policy wall_update on payment_line using (true)",
    ),
}  # fmt: skip
OF_MONTHS = {
    "M13": (
        "update entitlement set amount_fen = amount_fen + 1 where kind = 'arrears'",
        "update entitlement set voided_at = now() where kind = 'recovery'",
        "update month_decision set amount_fen = 0 where month = 2",
        "update month_decision set number = 3 where number = 1 and month = 4",
        "update month_decision set number = 9 where number = 2",
        "update entitlement set instalment = 7 where kind = 'award' and instalment = 3",
    ),
    "M14": (
        "update payment_setoff set amount_fen = amount_fen + 1",
        "update payment_setoff set voided_at = now()",
        "delete from payment_setoff",
        "update payment_line set amount_fen = amount_fen + 1 where amount_fen > 0",
        "update payment_setoff set released_at = null",
        "update payment_setoff set entitlement_id = (select id from entitlement where kind = 'award' limit 1)",
        "insert into repayment (tenant_id, id, entitlement_id, household_id, division, amount_fen, repaid_on, voucher,"
        " recorded_by, recorded_at) select tenant_id, gen_random_uuid(), entitlement_id, household_id, division, 7000,"
        " '2021-05-01', '1', gen_random_uuid(), now() from payment_setoff limit 1",
    ),
}  # fmt: skip
"""Faults of what is paid every month, set off against what is to be paid back."""


async def test_everything_holds_and_each_statement_finds_what_it_speaks_of(world: World) -> None:
    await everything(world)
    clock = datetime.now(UTC)
    programmes = world.plugins.programmes
    assert await invariants.examine(world.database, [world.tenant.id], programmes, clock) == []
    by_code = {invariant.code: invariant for invariant in invariants.INVARIANTS}
    assert list(by_code) == [f"M{number}" for number in range(1, 15)]
    assert {*FAULTS, *OF_MONTHS} == set(by_code) - {"M10"}
    await each_is_found(world, FAULTS)
    assert await invariants.examine(world.database, [world.tenant.id], programmes, clock) == []


async def test_everything_holds_of_months_and_each_statement_finds_what_it_speaks_of(subsidies: Subsidies) -> None:
    await subsidies.granted()
    for month in (1, 2, 3):
        await subsidies.decide(month)
        await subsidies.pay(month)
    subsidies.today = date(2021, 4, 2)
    # One level was too high from February on, another too low from March on.
    await subsidies.holds("D1-01", "certificate", date(2021, 2, 1), level=2, generation=2)
    await subsidies.holds("D1-02", "certificate", date(2021, 3, 1), level=1, generation=2)
    await subsidies.decide(4)
    await subsidies.pay(4)
    clock, programmes = datetime.now(UTC), subsidies.plugins.programmes
    assert await invariants.examine(subsidies.database, [subsidies.tenant.id], programmes, clock) == []
    await each_is_found(subsidies, OF_MONTHS)
    assert await invariants.examine(subsidies.database, [subsidies.tenant.id], programmes, clock) == []


async def each_is_found(world: World, faults_of: Mapping[str, Sequence[str]]) -> None:
    """Each planted fault is named by the invariant that it breaks."""
    by_code = {invariant.code: invariant for invariant in invariants.INVARIANTS}
    values = {"declared": invariants.declared(world.plugins.programmes.values())}
    for code, faults in faults_of.items():
        sql = by_code[code].sql
        for fault in faults:
            async with world.database.owner() as connection:
                await connection.execute(text("set local role none"))
                for statement in fault.split(";"):
                    await connection.execute(text(statement))
                await bind(connection, Scope.whole(world.tenant.id))
                await connection.execute(text(f"set local role {APP}"))
                used = values if ":declared" in sql else {}
                named = [row[0] for row in await connection.execute(text(sql), used)]
                assert named, (code, fault)
                assert all(isinstance(name, str) and "/" in name for name in named), named
                await connection.rollback()


async def test_a_broken_chain_is_found_with_the_rest_and_only_where_it_is(world: World) -> None:
    await ready(world)
    clock = datetime.now(UTC)
    await chain.seal(world.database, world.tenant.id, clock)
    programmes = world.plugins.programmes
    assert await invariants.examine(world.database, [world.tenant.id], programmes, clock) == []
    async with world.database.owner() as connection:
        await connection.execute(text("set local role none"))
        await connection.execute(
            text("update audit_link set digest = decode(repeat('00', 32), 'hex') where number = 3")
        )
    (found,) = await invariants.examine(world.database, [world.tenant.id, world.tenant.id + 1], programmes, clock)
    assert (found.tenant, found.invariant.code, found.count) == (world.tenant.id, "M10", 1)


async def test_another_county_is_not_seen(world: World) -> None:
    await everything(world)
    assert (
        await invariants.examine(world.database, [world.tenant.id + 1], world.plugins.programmes, datetime.now(UTC))
        == []
    )


def test_the_declared_graph_is_of_the_process(world: World) -> None:
    moves = invariants.graph(world.programme.process)
    assert {
        ("plan", "in_place"), ("in_place", "accounting"), ("accounting", "notice"), ("accounting", REFUSED),
        (REFUSED, "accounting"), ("notice", "sample"), ("sample", "payment"), ("payment", CLOSED),
        ("payment", "accounting"), ("notice", "accounting"), ("sample", CLOSED),
    } <= moves  # fmt: skip
    # Where nothing is sampled, or nothing is due, an acceptance leads further at once; nothing else is passed by.
    assert not {
        ("plan", "payment"), ("in_place", "notice"), ("accounting", "sample"), ("accounting", "payment"),
        (CLOSED, "payment"), (CLOSED, "accounting"), (REFUSED, "payment"),
        ("in_place", REFUSED),
    } & moves  # fmt: skip


def test_statements_can_be_run_by_anyone(world: World) -> None:
    for invariant in invariants.INVARIANTS:
        sql = invariants.runnable(invariant, world.plugins.programmes.values())
        assert ":declared" not in sql


@pytest.mark.parametrize("code", ["M5", "M9", "M11"])
async def test_what_is_printed_is_what_is_asked(world: World, code: str) -> None:
    await everything(world)
    invariant = next(own for own in invariants.INVARIANTS if own.code == code)
    sql = invariants.runnable(invariant, world.plugins.programmes.values())
    async with world.database.session(Scope.whole(world.tenant.id)) as session:
        connection = await session.connection()
        assert (await connection.exec_driver_sql(sql)).all() == []
