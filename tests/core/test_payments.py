"""Money: exact totals, three persons, one line an instalment, nothing changed after release, and a list that is read
back."""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import openpyxl
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bangfu import payments
from bangfu.cases import paying, sampling
from bangfu.cases.views import Selection
from bangfu.errors import Refused
from bangfu.payments import Batch
from bangfu.process import Duty
from tests.core.test_sampling import draw
from tests.county import World, clean
from tests.stories import remembered

PAID_ON = date(2021, 10, 28)
TOTAL = 300_000 + 220_000 + 150_000 + 5_000


@remembered
async def ready(world: World) -> None:
    """Everything due and nothing paid; C1 drew and checked the sample."""
    await world.until("sample")
    world.today = date(2021, 10, 20)
    made = await draw(world)
    clean(await world.act("C1", sampling.check, Selection(numbers=made.households), passed=True))
    world.today = PAID_ON


async def do(world: World, number: str, function: Callable[..., Awaitable[Any]], *more: Any) -> Any:
    """Let an officer take a step of a batch, in one transaction."""
    who = world.who(number)
    ground = await world.ground(who)
    async with world.database.session(who.scope) as session:
        return await function(session, who, ground, *more)


async def gather(session: Any, who: Any, ground: Any, vault: Any, line: UUID | None = None) -> payments.Gathered:
    """Make a batch, with its arguments in the order of the other steps."""
    return await paying.make_batch(session, who, vault, ground, line)


async def make(world: World, number: str = "C2") -> Batch:
    made = await do(world, number, gather, world.vault, await world.fund())
    assert (list(made.missing), made.waiting, list(made.warnings)) == ([], 0, [])
    assert isinstance(made.batch, Batch)
    return made.batch


async def release(world: World) -> Batch:
    """Make, check and release a batch of everything that is due."""
    made = await make(world)
    await do(world, "FM", paying.check_batch, made.id)
    done = await do(world, "FI", paying.release_batch, made.id)
    assert isinstance(done, Batch)
    return done


async def refused(world: World, number: str, function: Callable[..., Awaitable[Any]], *more: Any) -> str:
    before = await world.snapshot()
    states = await world.rows("select state from (select id, checked_at, released_at, cancelled_at, "
                              "coalesce(checked_at, released_at, cancelled_at) state from payment_batch) b order by id")  # fmt: skip
    with pytest.raises(Refused) as refusal:
        await do(world, number, function, *more)
    assert await world.snapshot() == before
    assert states == await world.rows(
        "select coalesce(checked_at, released_at, cancelled_at) from payment_batch order by id"
    )
    return refusal.value.problems[0].code.name


async def test_from_due_to_released(world: World) -> None:
    await ready(world)
    made = await make(world)
    assert (made.number, made.state, made.count, made.total_fen) == (1, "draft", 4, TOTAL)
    lines = await world.rows(
        "select h.number, l.position, l.instalment, l.amount_fen, l.holder, l.account_masked from payment_line l "
        "join household h on h.id = l.household_id order by l.position"
    )
    assert [tuple(line) for line in lines] == [
        ("H1", 1, 1, 300_000, "测1户主", "***********1000"),
        ("H2", 2, 1, 220_000, "测2户主", "***********1001"),
        ("H5", 3, 1, 150_000, "测5户主", "***********1004"),
        ("H7", 4, 1, 5_000, "测7户主", "***********1006"),
    ]
    assert (await do(world, "FM", paying.check_batch, made.id)).state == "checked"
    assert (await do(world, "FI", paying.release_batch, made.id)).state == "released"
    stages = await world.stages()
    assert {n: stages[n] for n in ("H1", "H2", "H5", "H7")} == dict.fromkeys(("H1", "H2", "H5", "H7"), "closed")


async def test_every_step_has_its_duty_and_its_order(world: World) -> None:
    await ready(world)
    assert await refused(world, "FI", gather, world.vault, await world.fund()) == "NOT_YOUR_DUTY"
    made = await make(world)
    assert await refused(world, "C2", paying.check_batch, made.id) == "NOT_YOUR_DUTY"
    assert await refused(world, "FI", paying.release_batch, made.id) == "BATCH_STATE"
    await do(world, "FM", paying.check_batch, made.id)
    assert await refused(world, "FM", paying.check_batch, made.id) == "BATCH_STATE"
    assert await refused(world, "FM", paying.release_batch, made.id) == "NOT_YOUR_DUTY"
    await do(world, "FI", paying.release_batch, made.id)
    assert await refused(world, "FI", paying.release_batch, made.id) == "BATCH_STATE"
    assert await refused(world, "C2", gather, world.vault, await world.fund()) == "BATCH_EMPTY"


async def test_maker_checker_releaser_and_sampler_are_different_persons_whatever_duties_they_hold(world: World) -> None:
    await ready(world)
    for number in ("C2", "C1", "FM"):
        for duty in (Duty.FUND_MANAGER, Duty.FINANCE):
            if duty not in world.officers[number].duties(world.today):
                await world.charge(number, duty)
    made = await make(world, "C2")
    assert await refused(world, "C2", paying.check_batch, made.id) == "SAME_PERSON"
    await do(world, "FM", paying.check_batch, made.id)
    assert await refused(world, "C2", paying.release_batch, made.id) == "SAME_PERSON"
    assert await refused(world, "FM", paying.release_batch, made.id) == "SAME_PERSON"
    assert await refused(world, "C1", paying.release_batch, made.id) == "SAME_PERSON", "C1 drew the sample"
    await do(world, "FI", paying.release_batch, made.id)


async def test_a_household_without_an_account_is_left_out_and_named(world: World) -> None:
    await ready(world)
    async with world.database.owner() as connection:
        await connection.execute(text("set role none"))
        await connection.execute(
            text(
                "update account set known_to = '2021-10-27' where household_id in (select id from household where number = 'H2')"
            )
        )
    gathered = await do(world, "C2", gather, world.vault, await world.fund())
    made = gathered.batch
    assert (made.count, made.total_fen) == (3, TOTAL - 220_000)
    assert [(number, problem.code.name) for number, problem in gathered.missing] == [("H2", "ACCOUNT_MISSING")]
    await do(world, "FM", paying.check_batch, made.id)
    await do(world, "FI", paying.release_batch, made.id)
    assert (await world.stages())["H2"] == "payment"
    # Once there is an account, the next batch pays it.
    from tests.county import roster

    assert (await world.bring("households", roster(), "R1")).state == "done"
    second = await make(world)
    assert (second.number, second.count, second.total_fen) == (2, 1, 220_000)


async def test_a_cancelled_batch_can_be_made_again_and_a_released_one_cannot_be_cancelled(world: World) -> None:
    await ready(world)
    made = await make(world)
    assert await refused(world, "FM", paying.cancel_batch, made.id, " ") == "REASON_NEEDED"
    assert (await do(world, "FM", paying.cancel_batch, made.id, "账号有误")).state == "cancelled"
    assert await refused(world, "FM", paying.check_batch, made.id) == "BATCH_STATE"
    again = await make(world)
    assert (again.number, again.count, again.total_fen) == (2, 4, TOTAL)
    await do(world, "FM", paying.check_batch, again.id)
    await do(world, "FI", paying.release_batch, again.id)
    assert await refused(world, "FM", paying.cancel_batch, again.id, "账号有误") == "BATCH_STATE"
    standing = await world.rows("select count(*), sum(amount_fen) from payment_line where voided_at is null")
    assert [tuple(row) for row in standing] == [(4, TOTAL)]


async def test_a_released_batch_cannot_be_changed_in_the_database_even_by_the_owner(world: World) -> None:
    await ready(world)
    made = await make(world)
    await do(world, "FM", paying.check_batch, made.id)
    await do(world, "FI", paying.release_batch, made.id)
    who = world.who("FI")
    scope = who.scope.settings()
    for sql in (
        "update payment_batch set reason = 'x'",
        "update payment_batch set cancelled_at = now(), cancelled_by = made_by",
        "update payment_line set voided_at = now()",
    ):
        async with world.database.session(who.scope) as session:
            assert (await session.execute(text(sql + " returning id"))).all() == []
        async with world.database.owner() as connection:
            for name, value in scope.items():
                await connection.execute(text("select set_config(:n, :v, true)"), {"n": name, "v": value})
            change = connection.execute(text(sql + " returning id"))
            if "payment_line" in sql:  # of which its owner may only seal the account numbers anew
                with pytest.raises(DBAPIError, match="permission denied"):
                    await change
            else:
                assert (await change).all() == []
    for sql in ("update payment_line set amount_fen = 1", "delete from payment_line", "delete from payment_batch"):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with world.database.session(who.scope) as session:
                await session.execute(text(sql))


async def test_one_line_an_instalment_is_held_by_the_database(world: World) -> None:
    await ready(world)
    await make(world)
    who = world.who("C2")
    with pytest.raises(DBAPIError, match="uq_payment_line_entitlement"):
        async with world.database.session(who.scope) as session:
            await session.execute(
                text(
                    """insert into payment_line (tenant_id, id, batch_id, entitlement_id, household_id, division,
                    instalment, position, amount_fen, holder, bank, account, account_masked, reissues, released_on, released_at, voided_at) select
                    tenant_id, gen_random_uuid(), batch_id, entitlement_id, household_id, division, instalment,
                    position, amount_fen, holder, bank, account, account_masked, reissues, released_on, released_at, voided_at from payment_line limit
                    1"""
                )
            )


async def test_totals_that_do_not_agree_stop_the_batch(world: World) -> None:
    await ready(world)
    made = await make(world)
    async with world.database.owner() as connection:
        await connection.execute(text("set role none"))
        await connection.execute(text("update payment_line set amount_fen = amount_fen + 1 where position = 1"))
    assert await refused(world, "FM", paying.check_batch, made.id) == "BATCH_TOTAL"


# --- the list --------------------------------------------------------------------------------------------------


async def exported(world: World, number: str, batch: Batch, reason: str = "报送银行") -> bytes:
    who = world.who(number)
    channel = world.plugins.channels["yikatong"]
    async with world.database.session(who.scope) as session:
        return await payments.payment_list(session, who, world.vault, world.programme, channel, batch.id, reason)


async def test_the_payment_list_is_whole_exact_and_on_record(world: World) -> None:
    await ready(world)
    made = await make(world)
    await do(world, "FM", paying.check_batch, made.id)
    await do(world, "FI", paying.release_batch, made.id)
    book = openpyxl.load_workbook(io.BytesIO(await exported(world, "FI", made)))
    rows = [list(row) for row in book["发放名册"].iter_rows(values_only=True)]
    assert rows[1] == ["序号", "乡镇", "村", "组", "户编号", "户主姓名", "户主身份证号", "开户名", "开户行", "一卡通账号",
                       "补贴项目", "金额(元)", "年度", "备注"]  # fmt: skip
    assert [(r[0], r[1], r[2], r[4], r[5], r[9]) for r in rows[2:6]] == [
        (1, "东镇", "甲村", "H1", "测1户主", "990000000001000"),
        (2, "东镇", "甲村", "H2", "测2户主", "990000000001001"),
        (3, "东镇", "乙村", "H5", "测5户主", "990000000001004"),
        (4, "西镇", "丙村", "H7", "测7户主", "990000000001006"),
    ]
    assert all(isinstance(row[9], str) and len(str(row[6])) == 18 for row in rows[2:6])
    assert sum(Decimal(str(row[11])) for row in rows[2:6]) == Decimal("6750.00") == Decimal(str(rows[6][11]))
    cover = [[cell for cell in row if cell is not None] for row in book["汇总"].iter_rows(values_only=True)]
    assert cover[4:7] == [["东镇", 3, 6700], ["西镇", 1, 50], ["合计", 4, 6750]]
    assert cover[2] == ["资金来源:县级专项扶贫资金,测财〔2021〕8号(指标 ZX-1)"]
    assert cover[7] == ["合计人民币(大写):陆仟柒佰伍拾元整"]
    ((action, reason, data),) = await world.rows(
        "select action, reason, data from audit_entry where action = 'export_payments'"
    )
    assert (action, reason, data["count"], data["rows"]) == ("export_payments", "报送银行", 4, 4)
    assert data["personal"] == ["head", "identity", "holder", "account"]


async def test_the_payment_list_needs_the_duty_a_reason_and_a_release(world: World) -> None:
    await ready(world)
    made = await make(world)
    audits = await world.rows("select count(*) from audit_entry")
    for number, reason, code in (("C2", "x", "FORBIDDEN"), ("FI", " ", "REASON_NEEDED"), ("FI", "报送", "BATCH_STATE")):
        with pytest.raises(Refused) as refusal:
            await exported(world, number, made, reason)
        assert refusal.value.problems[0].code.name == code
    assert await world.rows("select count(*) from audit_entry") == audits


async def test_account_numbers_are_sealed_at_rest(world: World) -> None:
    await ready(world)
    await make(world)
    for table, column in (("account", "number"), ("payment_line", "account")):
        values = [bytes(row[0]) for row in await world.rows(f"select {column} from {table}")]
        assert values
        assert not any(b"99000000000" in value for value in values)


@pytest.mark.parametrize(
    ("duty", "step"), [(Duty.FUND_MANAGER, paying.check_batch), (Duty.FINANCE, paying.release_batch)]
)
async def test_who_had_a_hand_in_a_case_neither_checks_nor_releases_its_batch(
    world: World, duty: Duty, step: Callable[..., Awaitable[Any]]
) -> None:
    """A2 accepted a case, and L1 made a plan: maker, checker and releaser are three persons of every case."""
    await ready(world)
    made = await make(world)
    if step is paying.release_batch:
        await do(world, "FM", paying.check_batch, made.id)
    for number in ("A2", "L1"):
        await world.charge(number, duty)
    for number in ("A2", "L1"):
        assert await refused(world, number, step, made.id) == "SAME_PERSON"
    other = "FM" if step is paying.check_batch else "FI"
    await do(world, other, step, made.id)
