"""What always holds of money, as SQL that shares nothing with the code that keeps it: ``bangfu doctor`` asks it.

Every statement gives one row for each thing that is wrong, named as ``table/id``; none is good. It reads the county
that its transaction is bound to, and ``:declared``: for each programme its graph of stages, the stages at which it pays
in their order, and by which parameters its notices last. ``docs/invariants.md`` shows them all.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from bangfu.audit import chain
from bangfu.db import Database, Scope
from bangfu.process import (
    CLOSED,
    END_TITLES,
    NOT_SELECTED,
    REFUSED,
    STOPPED,
    WITHDRAWN,
    Accept,
    Monthly,
    Notice,
    Pay,
    Plan,
    Process,
    Sample,
    Select,
    Verify,
)
from bangfu.programme import Programme
from bangfu.text import Text

NAMED = 20
"""Faults that are named of one invariant; the rest are counted."""


@dataclass(frozen=True, slots=True)
class Invariant:
    """One thing that always holds: its code, the sentence, and the statement that finds what breaks it."""

    code: str
    says: Text
    sql: str


INVARIANTS = (
    Invariant(
        "M1",
        Text(
            "每一批次付出的等于各户收入的:批次合计等于其明细之和;各指标已支付的总额等于各户净得(含尚未重发的退票冲回)的总额",
            "what goes out comes in: a batch's total is the sum of its lines, and what the budget lines spent is what "
            "households hold of it, returned payments taken off on both sides",
        ),
        """
        select 'payment_batch/' || b.id as what from payment_batch b
         where b.cancelled_at is null and b.total_fen <> (
               select coalesce(sum(l.amount_fen), 0) from payment_line l
                where l.tenant_id = b.tenant_id and l.batch_id = b.id and l.voided_at is null)
        union all
        select 'tenant/' || spent.tenant_id from (
               select tenant_id, sum(spent_fen) as fen from budget_standing group by tenant_id) spent
          left join (
               select l.tenant_id, sum(case when r.id is null then l.amount_fen else 0 end) as fen from payment_line l
                 join payment_batch b on b.tenant_id = l.tenant_id and b.id = l.batch_id
                  and b.released_at is not null and b.budget_line_id is not null
                 left join payment_return r on r.tenant_id = l.tenant_id and r.line_id = l.id
                where l.voided_at is null group by l.tenant_id) held on held.tenant_id = spent.tenant_id
         where spent.fen <> coalesce(held.fen, 0)
        """,
    ),
    Invariant(
        "M2",
        Text(
            "同一应发只有一笔有效拨付,每笔退票最多重发一次;同一申报每期只有一笔应发",
            "an entitlement has one payment that stands, and one more for each that came back; a case is entitled to "
            "each instalment once",
        ),
        """
        select 'entitlement/' || entitlement_id as what from payment_line where voided_at is null
         group by tenant_id, entitlement_id, reissues having count(*) > 1
        union all
        select 'case_file/' || case_id from entitlement where voided_at is null and kind = 'award'
         group by tenant_id, case_id, instalment having count(*) > 1
        """,
    ),
    Invariant(
        "M3",
        Text(
            "净拨付不超过应发,作废的应发没有拨付;约束性指标不超支",
            "nobody holds more than he is due, nothing is paid that is due no more, and no binding line is overdrawn",
        ),
        """
        select 'entitlement/' || e.id as what from entitlement e
          join payment_line l on l.tenant_id = e.tenant_id and l.entitlement_id = e.id and l.voided_at is null
          left join payment_return r on r.tenant_id = l.tenant_id and r.line_id = l.id
         group by e.id, e.amount_fen, e.voided_at
        having sum(case when r.id is null then l.amount_fen else 0 end)
               > case when e.voided_at is null then e.amount_fen else 0 end
        union all
        select 'budget_line/' || s.budget_line_id from budget_standing s
          join budget_line l on l.tenant_id = s.tenant_id and l.id = s.budget_line_id
         where l.binding and s.free_fen < 0
        """,
    ),
    Invariant(
        "M4",
        Text(
            "批次的笔数和合计等于其明细,也等于导出文件读回的笔数和合计",
            "a batch's count and total are those of its lines, and those that were read back from every file of it",
        ),
        """
        select 'payment_batch/' || b.id as what from payment_batch b
          left join payment_line l on l.tenant_id = b.tenant_id and l.batch_id = b.id and l.voided_at is null
         where b.cancelled_at is null
         group by b.id, b.count, b.total_fen
        having count(l.id) <> b.count or coalesce(sum(l.amount_fen), 0) <> b.total_fen
        union all
        select 'payment_file/' || f.export_id from payment_file f
          join payment_batch b on b.tenant_id = f.tenant_id and b.id = f.batch_id
         group by f.tenant_id, f.export_id, f.batch_id, b.count, b.total_fen
        -- What was set off whole is on the list to sign, and goes to no bank.
        having (sum(f.count) <> b.count and sum(f.count) <> (
                   select count(*) from payment_line l where l.tenant_id = f.tenant_id and l.batch_id = f.batch_id
                      and l.voided_at is null and l.amount_fen > 0))
            or sum(f.total_fen) <> b.total_fen
        """,
    ),
    Invariant(
        "M5",
        Text(
            "申报只沿方案规定的环节移动,每步承接上一步,均有办理人和时间;批次按汇总、复核、放行的先后办理",
            "cases move along the declared graph only, each step from where the one before it ended, by somebody, at "
            "some time; batches are made, checked and released in this order",
        ),
        """
        with graph as (
            select p.key as programme, e.value ->> 0 as here, e.value ->> 1 as there
              from jsonb_each(cast(:declared as jsonb)) p, jsonb_array_elements(p.value -> 'graph') e
        ), step as (
            select e.*, c.programme,
                   lag(e.to_stage) over (partition by e.tenant_id, e.case_id order by e.version) as before,
                   lag(e.from_stage) over (partition by e.tenant_id, e.case_id order by e.version) as undone
              from case_event e join case_file c on c.tenant_id = e.tenant_id and c.id = e.case_id
        )
        select 'case_event/' || s.id as what from step s
          left join graph g on g.programme = s.programme and g.here = s.from_stage and g.there = s.to_stage
         where s.before <> s.from_stage
            -- A step that is taken back leads to where it came from.
            or case when s.act = 'undo' then s.to_stage <> s.undone else g.programme is null end
        union all
        select 'case_file/' || c.id from case_file c
          left join case_event e on e.tenant_id = c.tenant_id and e.case_id = c.id and e.version = c.version
         where e.to_stage is distinct from c.stage
        union all
        select 'payment_batch/' || id from payment_batch
         where checked_at < made_at or released_at < checked_at or cancelled_at < made_at
            or (released_at is not null and (checked_at is null or cancelled_at is not null))
        union all
        select 'payment_line/' || l.id from payment_line l
          join payment_batch b on b.tenant_id = l.tenant_id and b.id = l.batch_id
         where l.voided_at is null and l.released_at is distinct from b.released_at
        """,
    ),
    Invariant(
        "M6",
        Text(
            "退票均属已放行的明细;重发的均指明同一应发的退票,金额相同(抵扣除外),且在退票之后",
            "what came back was released; what is paid again names a return of the same entitlement, pays the same but "
            "for what is set off, and comes after it",
        ),
        """
        select 'payment_return/' || r.id as what from payment_return r
          left join payment_line l on l.tenant_id = r.tenant_id and l.id = r.line_id and l.voided_at is null
           and l.entitlement_id = r.entitlement_id
          left join payment_batch b on b.tenant_id = l.tenant_id and b.id = l.batch_id
         where b.released_at is null or b.released_at > r.recorded_at
        union all
        select 'payment_line/' || l.id from payment_line l
          left join payment_return r on r.tenant_id = l.tenant_id and r.id = l.reissues
           and r.entitlement_id = l.entitlement_id
          left join payment_line o on o.tenant_id = r.tenant_id and o.id = r.line_id
          left join payment_batch b on b.tenant_id = l.tenant_id and b.id = l.batch_id
         where l.voided_at is null and l.reissues is not null
           and (o.amount_fen is distinct from l.amount_fen + coalesce((
                    select sum(s.amount_fen) from payment_setoff s
                     where s.tenant_id = l.tenant_id and s.line_id = l.id and s.voided_at is null), 0)
                or b.made_at < r.recorded_at)
        """,
    ),
    Invariant(
        "M7",
        Text(
            "每笔拨付的账户与该户汇总当日登记的账户一致",
            "every payment goes to the account that the household had on record on the day on which its batch was made",
        ),
        """
        select 'payment_line/' || l.id as what from payment_line l
          join payment_batch b on b.tenant_id = l.tenant_id and b.id = l.batch_id
         where l.voided_at is null and not exists (
               select from account a
                where a.tenant_id = l.tenant_id and a.household_id = l.household_id
                  and (a.holder, a.bank, a.number_masked) = (l.holder, l.bank, l.account_masked)
                  and a.valid_from <= b.made_on and (a.valid_to is null or a.valid_to > b.made_on)
                  and a.known_from <= b.made_at and (a.known_to is null or a.known_to >= b.made_at))
        """,
    ),
    Invariant(
        "M8",
        Text(
            "汇总、复核、放行是三个人;指标资金的录入和确认是两个人",
            "a batch is made, checked and released by three persons; money on a budget line is entered and confirmed "
            "by two",
        ),
        """
        select 'payment_batch/' || id as what from payment_batch
         where checked_by = made_by or released_by in (made_by, checked_by)
            or (released_at is not null and (checked_by is null or released_by is null))
        union all
        select 'budget_entry/' || id from budget_entry
         where confirmed_by = entered_by or (confirmed_at is null) <> (confirmed_by is null)
        """,
    ),
    Invariant(
        "M9",
        Text(
            "公示期满且无未处理异议后才拨付;不设公示的项目除外",
            "nothing is paid before its notice has stood its time or with an open objection; a programme that declares "
            "no notice, or one of no days, needs none",
        ),
        """
        select 'payment_line/' || l.id as what from payment_line l
          join payment_batch b on b.tenant_id = l.tenant_id and b.id = l.batch_id and b.released_at is not null
          join entitlement e on e.tenant_id = l.tenant_id and e.id = l.entitlement_id
          join case_file c on c.tenant_id = e.tenant_id and c.id = e.case_id
         where l.voided_at is null and (
               case when cast(:declared as jsonb) -> c.programme is null then true
                    -- A notice that the county wants for no days is none.
                    else coalesce((
                        select bool_or((n.parameters -> own.days ->> 'value')::integer > 0)
                          from determination d
                          join edition n on n.tenant_id = d.tenant_id and n.id = d.edition_id
                          join jsonb_array_elements_text(cast(:declared as jsonb) -> c.programme -> 'notice') own(days)
                            on true
                         where d.tenant_id = e.tenant_id and d.id = e.determination_id), false) end
               and e.kind = 'award' and not exists (
                   select from notice_entry n join notice p on p.tenant_id = n.tenant_id and p.id = n.notice_id
                    where n.tenant_id = c.tenant_id and n.case_id = c.id and p.last_day < e.due_on
                      and p.recorded_at <= e.created_at)
               or exists (
                   select from objection o where o.tenant_id = c.tenant_id and o.case_id = c.id
                      and o.recorded_at <= b.released_at and (o.settled_at is null or o.settled_at > b.released_at)))
        """,
    ),
    Invariant(
        "M10",
        Text("审计记录链完整", "the chain of the audit record is whole"),
        "",
    ),
    Invariant(
        "M11",
        Text(
            "各期应发之和不超过核定金额,各期发齐时恰好相等",
            "the instalments of a case are together no more than its determination says, and exactly that once it is "
            "entitled to all of them",
        ),
        """
        with last as (
            select e.tenant_id, e.case_id, count(*) as instalments, max(e.created_at) as at,
                   (array_agg(e.determination_id order by e.instalment desc))[1] as determination_id
              from entitlement e where e.voided_at is null and e.kind = 'award' group by e.tenant_id, e.case_id
        ), due as (
            -- What was added or recovered before the last instalment is made up for by it; later, it stands beside.
            select l.*, (select sum(e.amount_fen) from entitlement e
                          where e.tenant_id = l.tenant_id and e.case_id = l.case_id and e.voided_at is null
                            and (e.kind = 'award' or e.created_at < l.at)) as fen
              from last l
        )
        select 'case_file/' || c.id as what from due u
          join case_file c on c.tenant_id = u.tenant_id and c.id = u.case_id
          join determination d on d.tenant_id = u.tenant_id and d.id = u.determination_id
         where u.fen > d.payable_fen
            or (u.fen <> d.payable_fen
                and u.instalments >= jsonb_array_length(cast(:declared as jsonb) -> c.programme -> 'pays'))
            or d.case_id <> c.id
        """,
    ),
    Invariant(
        "M12",
        Text(
            "已放行的批次及其明细、退票和指标资金不可改动:数据库不给予改动的权限,明细与放行时的摘要一致",
            "what is released, what came back and what was confirmed cannot be changed: the database grants nobody the "
            "right, and the lines are those whose digest was released",
        ),
        """
        select 'payment_batch/' || b.id as what from payment_batch b
         where b.released_at is not null and b.digest is distinct from (
               select encode(sha256(convert_to(
                          string_agg(l.entitlement_id || ' ' || l.amount_fen, E'\\n' order by l.position), 'UTF8')),
                          'hex')
                 from payment_line l where l.tenant_id = b.tenant_id and l.batch_id = b.id and l.voided_at is null)
        union all
        select 'table/' || c.relname from pg_class c
         where c.relnamespace = current_schema()::regnamespace
           and c.relname in ('payment_batch', 'payment_line', 'payment_return', 'payment_arrival', 'payment_file',
                             'budget_line', 'budget_entry', 'repayment', 'entitlement', 'payment_setoff',
                             'month_decision', 'month_result')
           and (not c.relforcerowsecurity or not c.relrowsecurity
                or has_table_privilege(c.oid, 'delete') or has_table_privilege(c.oid, 'update')
                or has_table_privilege(c.oid, 'truncate')
                or exists (select from pg_policy p where p.polrelid = c.oid and p.polcmd in ('d', '*'))
                or exists (select from pg_policy p where p.polrelid = c.oid and p.polcmd = 'w'
                              and p.polname = 'wall_update'
                              and c.relname in ('payment_batch', 'payment_line', 'payment_setoff', 'budget_entry')
                              and pg_get_expr(p.polqual, p.polrelid)
                                  not like case c.relname when 'budget_entry' then '%confirmed_at IS NULL%'
                                           else '%released_at IS NULL%' end))
        """,
    ),
    Invariant(
        "M13",
        Text(
            "按月发放的,每月应发之和等于该月最后一次核定的金额,核定依次编号",
            "what stands of a month is what its last decision says, and its decisions are numbered one after the other",
        ),
        """
        select 'case_file/' || case_id as what from (
               select tenant_id, case_id, month, 0::bigint as stands, amount_fen as says from (
                      select tenant_id, case_id, month, amount_fen, row_number() over (
                             partition by tenant_id, case_id, month order by number desc) as back from month_decision
                      ) decided where back = 1
               union all
               select tenant_id, case_id, instalment, amount_fen, 0 from entitlement
                where voided_at is null and month_decision_id is not null
               ) of_each group by tenant_id, case_id, month having sum(stands) <> sum(says)
        union all
        select 'case_file/' || case_id from month_decision
         group by tenant_id, case_id, month having max(number) <> count(*)
        union all
        select 'month_decision/' || m.id from month_decision m
          join month_result r on r.tenant_id = m.tenant_id and r.id = m.result_id
         where m.amount_fen <> case when m.withheld = '' then r.payable_fen else 0 end
        union all
        select 'entitlement/' || e.id from entitlement e
          join month_decision m on m.tenant_id = e.tenant_id and m.id = e.month_decision_id
         where m.case_id <> e.case_id or m.month <> e.instalment
        """,
    ),
    Invariant(
        "M14",
        Text(
            "抵扣不超过应追回;每笔拨付与其抵扣之和等于应发;抵扣与其拨付同时成立、同时作废",
            "nothing is set off that is not to be paid back; a payment and what was set off against it are together "
            "what was due; what is set off stands and falls with its payment",
        ),
        """
        select 'entitlement/' || e.id as what from entitlement e
          join payment_setoff s on s.tenant_id = e.tenant_id and s.entitlement_id = e.id and s.voided_at is null
         group by e.tenant_id, e.id, e.amount_fen, e.voided_at, e.kind
        having e.kind <> 'recovery' or e.voided_at is not null or sum(s.amount_fen) + coalesce((
               select sum(r.amount_fen) from repayment r
                where r.tenant_id = e.tenant_id and r.entitlement_id = e.id), 0) > -e.amount_fen
        union all
        select 'payment_line/' || l.id from payment_line l
          join entitlement e on e.tenant_id = l.tenant_id and e.id = l.entitlement_id
         where l.voided_at is null and l.reissues is null and e.amount_fen <> l.amount_fen + coalesce((
               select sum(s.amount_fen) from payment_setoff s
                where s.tenant_id = l.tenant_id and s.line_id = l.id and s.voided_at is null), 0)
        union all
        select 'payment_setoff/' || s.id from payment_setoff s
          left join payment_line l on l.tenant_id = s.tenant_id and l.id = s.line_id
         where (l.batch_id, l.household_id) is distinct from (s.batch_id, s.household_id)
            or (l.voided_at is null) <> (s.voided_at is null) or l.released_at is distinct from s.released_at
        """,
    ),
)
"""What always holds, by the codes of the money invariants; M10 is asked by going along the chain."""


def graph(process: Process) -> frozenset[tuple[str, str]]:
    """The moves that a process declares: on to the next stage, back to where a stage sends back to, to an end and from
    it.

    A sample of nothing, a notice of no days and a payment of nothing are passed by, and a notice that has stood its
    time is over by itself, so that its case moves on from it by what follows.
    """
    codes = [stage.code for stage in process.stages]
    first = process.first(Plan).code

    def onward(code: str) -> set[str]:
        following = process.after(code)
        passed = (
            following != CLOSED
            and isinstance(process[following], Sample | Notice | Pay)
            and not isinstance(process[following], Monthly)
        )
        return {following} | (onward(following) if passed else set())

    moves = {(code, code) for code in codes} | {(code, to) for code in codes for to in onward(code)}
    for notice in process.kind(Notice):
        moves |= {(notice.code, to) for next_ in onward(notice.code) - {CLOSED} for to in onward(next_)}
    backs = {(stage.code, back) for stage in process.stages if (back := getattr(stage, "returns_to", None))}
    for sample in process.kind(Sample):
        backs |= {(pay.code, sample.returns_to) for pay in process.kind(Pay)}
    for notice in process.kind(Notice):
        accept = process.at(process.after(notice.code), Accept)
        backs |= {(notice.code, accept.returns_to)} if accept else set()
    # A plan is corrected as long as nothing is public; sent back for that, a case waits at its plan.
    planned = onward(first)
    moves |= backs | {(code, to) for code in process.early() | {REFUSED, WITHDRAWN} for to in planned}
    moves |= {(code, first) for code in process.early()}
    moves |= {(code, WITHDRAWN) for code in codes}
    for verify in process.kind(Verify):
        if verify.accounts:
            moves |= {(verify.code, REFUSED), (REFUSED, verify.code), (REFUSED, REFUSED)}
        if not verify.reports:
            moves.add((verify.code, STOPPED))
    if (monthly := process.monthly) is not None:
        # Ended by a finding, or carried into the next period, where a case begins as it was.
        moves |= {(monthly.code, STOPPED), (first, monthly.code)}
    moves |= {(select.code, NOT_SELECTED) for select in process.kind(Select)}
    # Worked out again after something was paid, wherever it ended.
    moves |= {(end, end) for end in END_TITLES if any(to == end for _, to in moves)}
    return frozenset(moves)


def declared(programmes: Iterable[Programme]) -> str:
    """What the statements read of the programmes, as JSON."""
    said = {
        programme.code: {
            "graph": sorted(graph(programme.process)),
            "pays": [stage.code for stage in programme.process.stages if isinstance(stage, Pay)],
            "notice": [stage.days for stage in programme.process.kind(Notice)],
        }
        for programme in programmes
    }
    return json.dumps(said, sort_keys=True)


def runnable(invariant: Invariant, programmes: Iterable[Programme]) -> str:
    """A statement as anyone can run it, what is declared written into it."""
    quoted = declared(programmes).replace("'", "''")
    return invariant.sql.replace(":declared", f"'{quoted}'")


@dataclass(frozen=True, slots=True)
class Finding:
    """What one invariant came to in one county: how many things are wrong, and the first of them by name."""

    tenant: int
    invariant: Invariant
    count: int
    named: Sequence[str]


async def examine(
    database: Database, tenants: Iterable[int], programmes: Mapping[str, Programme], clock: datetime
) -> list[Finding]:
    """Ask every invariant of some counties, each in one transaction that can change nothing; what is wrong.

    ``clock`` is the real instant, for the entries of the audit record that wait to be sealed.
    """
    values = {"declared": declared(programmes.values())}
    findings = []
    for tenant in tenants:
        async with database.session(Scope.whole(tenant), reading=True) as session:
            for invariant in INVARIANTS:
                if not invariant.sql:
                    continue
                used = values if ":declared" in invariant.sql else {}
                named = [row[0] for row in await session.execute(text(invariant.sql), used)]
                if named:
                    findings.append(Finding(tenant, invariant, len(named), sorted(named)[:NAMED]))
        verified = await chain.verify(database, tenant, clock)
        if verified.fault is not None:
            broken = next(invariant for invariant in INVARIANTS if not invariant.sql)
            findings.append(Finding(tenant, broken, 1, [f"audit_link/{verified.fault.number}"]))
    return sorted(findings, key=lambda found: (found.tenant, INVARIANTS.index(found.invariant)))
