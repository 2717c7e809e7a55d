"""What became of the money of one household, step by step: due, paid, arrived or sent back, corrected, paid again, and
what was set off against it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Action, Entered
from bangfu.errors import Code
from bangfu.text import Text

STEPS = {
    "award": Text("应发", "due"),
    "arrears": Text("补发", "arrears due"),
    "recovery": Text("应追回", "to be paid back"),
    "void": Text("应发撤销", "due no more"),
    "waits": Text("待拨", "waits for money"),
    "account": Text("账号", "account"),
    "gathered": Text("列入批次", "in a batch"),
    "paid": Text("已拨付", "paid"),
    "reissued": Text("退票重发", "paid again"),
    "set_off": Text("抵扣", "less for what is to be paid back"),
    "settled": Text("由发放抵扣", "settled by a payment that was less"),
    "arrived": Text("已到账", "arrived"),
    "returned": Text("退票", "sent back by the bank"),
    "repaid": Text("已退回", "paid back"),
}
"""The kinds of steps, in the order in which those of one instant follow each other."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: the day it counts as, what it was, of how much (fen), by which batch (None where that is out of sight),
    to which account, in whose words."""

    day: date
    kind: str
    amount_fen: int | None
    programme: str
    period: str
    instalment: int | None
    batch: int | None
    account_masked: str
    words: str

    @property
    def title_text(self) -> Text:
        """What it was."""
        return STEPS[self.kind]


_TRAIL = """
    with due as (
        select e.*, c.programme, c.period from entitlement e
          join case_file c on c.tenant_id = e.tenant_id and c.id = e.case_id
         where c.household_id = :household and c.programme = any (:programmes)
    ), paid as (
        select l.*, d.programme, d.period, b.number, b.made_on, b.made_at
          from payment_line l join due d on d.tenant_id = l.tenant_id and d.id = l.entitlement_id
          left join payment_batch b on b.tenant_id = l.tenant_id and b.id = l.batch_id
         where l.voided_at is null
    ), set_off as (
        select s.* from payment_setoff s
         where s.voided_at is null and s.released_at is not null and s.tenant_id = :tenant
           and (s.line_id in (select id from paid) or s.entitlement_id in (select id from due))
    )
    select day, kind, amount_fen, programme, period, instalment, number, account, words from (
        select due_on as day, created_at as at, kind, amount_fen, programme, period, instalment, null::int as number,
               '' as account, reason as words from due
        union all select (voided_at at time zone 'Asia/Shanghai')::date, voided_at, 'void', amount_fen, programme,
               period, instalment, null, '', '' from due where voided_at is not null
        union all select (w.since at time zone 'Asia/Shanghai')::date, w.since, 'waits', w.amount_fen, w.programme,
               w.period, w.instalment, null, '', w.line_code || ' #' || w.place from payment_wait w
               join due d on d.id = w.entitlement_id and d.tenant_id = w.tenant_id where w.ended_at is null
        union all select made_on, made_at, 'gathered', amount_fen, programme, period, instalment, number,
               account_masked, '' from paid where released_at is null and made_at is not null
        union all select released_on, released_at, case when reissues is null then 'paid' else 'reissued' end,
               amount_fen, programme, period, instalment, number, account_masked, holder from paid
               where released_at is not null
        union all select s.released_on, s.released_at, 'set_off', s.amount_fen, p.programme, p.period, p.instalment,
               p.number, p.account_masked, e.period || '-' || lpad(e.instalment::text, 2, '0') from set_off s
               join paid p on p.tenant_id = s.tenant_id and p.id = s.line_id
               left join due e on e.tenant_id = s.tenant_id and e.id = s.entitlement_id
        union all select s.released_on, s.released_at, 'settled', s.amount_fen, d.programme, d.period, d.instalment,
               p.number, '', p.period || '-' || lpad(p.instalment::text, 2, '0') from set_off s
               join due d on d.tenant_id = s.tenant_id and d.id = s.entitlement_id
               left join paid p on p.tenant_id = s.tenant_id and p.id = s.line_id
        union all select a.arrived_on, a.recorded_at, 'arrived', p.amount_fen, p.programme, p.period, p.instalment,
               p.number, p.account_masked, a.code from payment_arrival a
               join paid p on p.tenant_id = a.tenant_id and p.id = a.line_id
        union all select r.returned_on, r.recorded_at, 'returned', p.amount_fen, p.programme, p.period, p.instalment,
               p.number, p.account_masked, concat_ws(' ', nullif(r.code, ''), r.words) from payment_return r
               join paid p on p.tenant_id = r.tenant_id and p.id = r.line_id
        union all select valid_from, known_from, 'account', null, '', '', null, null, number_masked,
               concat_ws(' ', holder, bank) from account
               where household_id = :household and known_to is null and valid_to is null
        union all select r.repaid_on, r.recorded_at, 'repaid', r.amount_fen, d.programme, d.period, d.instalment, null,
               '', r.voucher from repayment r join due d on d.tenant_id = r.tenant_id and d.id = r.entitlement_id
    ) step
    order by at, array_position(:kinds, kind), day, programme, period, instalment
"""


async def trail(session: AsyncSession, who: Entered, household: str, programmes: list[str]) -> list[Step]:
    """What became of the money of a household, in the order in which it became known, in one query.

    ``programmes`` are those that are meant. Refuses ``FORBIDDEN`` and ``HOUSEHOLD_UNKNOWN``.
    """
    who.require(Action.READ_PAYMENTS)
    found: UUID | None = await session.scalar(
        text("select id from household where tenant_id = :tenant and number = :number"),
        {"tenant": who.county.id, "number": household},
    )
    if found is None:
        raise Code.HOUSEHOLD_UNKNOWN.refuse("household", number=household)
    values = {"tenant": who.county.id, "household": found, "programmes": programmes, "kinds": list(STEPS)}
    return [Step(*row) for row in await session.execute(text(_TRAIL), values)]
