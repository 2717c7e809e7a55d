"""Pairings at the size of a county's years: 500 enterprises, five years, a hundred deliveries a year of each.

Two questions as the API answers them behind the walls, by its engine in one process: an enterprise's own page (its
agreements with their plans, the last year's deliveries with the answers to them, what waits for it, what the year comes
to), and the county's summary by path and kind, of one year and of all. Beside each stands one statement, written by
hand for this one answer, on the same connection behind the same walls; the two answers are compared, both are asked in
turn, and the ratio of their medians is kept. The statements of the product are counted here and in a county of a
fiftieth of the size. Rows are written in a few statements by the owner of the tables, under the walls.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from benchmarks.building import as_owner, county_of
from sqlalchemy import event, text

from bangfu.access import Entered, Pass, enter
from bangfu.cases import ground as grounds
from bangfu.cli.demo import county as made_up
from bangfu.db import Database
from bangfu.db.embedded import EmbeddedServer
from bangfu.models import WALLS
from bangfu.programme import installed
from bangfu.registry.identity import credit_check_character
from bangfu.settings import Settings
from bangfu.text import parse_yuan
from bangfu.vault import Vault
from bangfu_graphql.requests import Request
from bangfu_graphql.schema import schema_of

COUNTIES = {"990401": 10, "990402": 500}
"""Two counties that share the tables, with their enterprises."""
OFFICE, AGENT = "X002", "E0007"
"""Who asks for the county, and the agent of the seventh enterprise."""
FIRST, LAST, EACH, ROUNDS = 2016, 2020, 100, 15
TODAY = date(2020, 12, 20)
SIZE = made_up.Size(townships=20, villages=25, planned=5, planned_persons=15, exited=5, general=0)
"""The divisions and the officers; the made-up households are not used."""
PROGRAMME = "wanqi_bang_wancun"


# --- the counties ----------------------------------------------------------------------------------------------

GIVEN = """
    create temporary table given on commit drop as
    select $1::integer as tenant, $2::text[] as codes, $3::bigint[] as villages, $4::timestamptz as known,
           $5::uuid as officer, gen_random_uuid() as agent, $6::integer as first, $7::integer as last,
           $8::integer as each"""
MADE = """
    create temporary table helping on commit drop as
    select n, codes[n] as code, villages[n] as division, uuidv7() as organization, uuidv7() as helper,
           uuidv7() as agreement from given, generate_series(1, cardinality(codes)) n""", """
    create temporary table kinds on commit drop as
    select * from (values (0, 'industry', 'investment', true, false), (1, 'trade', 'purchase', true, false),
        (2, 'jobs', 'posts', true, true), (3, 'knowledge', 'training', false, true),
        (4, 'donation', 'cash', true, false), (5, 'donation', 'goods', true, false), (6, 'other', 'fund', true, false),
        (7, 'other', 'service', false, true)) as of_each (place, path, kind, money, counted)""", """
    create temporary table gifts on commit drop as
    select uuidv7() as id, helping.*, y as year, d, path, kind,
           case when money then 100000 + (n * 7919 + d * 104729) % 5000000 end as fen,
           case when counted then 1 + (n + d) % 9 end as quantity, make_date(y, 1, 1) + d * 3 as day,
           case d % 50 when 1 then 'partly' when 2 then 'disputed' when 3 then 'ruled' when 4 then 'logged'
               else 'confirmed' end as state
    from given, helping, generate_series(first, last) y, generate_series(1, each) d join kinds on place = d % 8""", """
    create temporary table people on commit drop as
    select uuidv7() as person, division, n, m from helping, generate_series(1, 20) m"""  # fmt: skip
ACTED = "officer_id, duty, effective_on, evidence, recorded_by, recorded_at"
BY = "officer, 'county_office', {day}, '原件', officer, known"
STANDS = "case state when 'confirmed' then {0} when 'partly' then {0} / 2 when 'ruled' then {0} / 2 else 0 end"
STANDING = f"{STANDS.format('coalesce(fen, 0)')}, {STANDS.format('coalesce(quantity, 0)')}"
ROWS = {
    "organization (tenant_id, id, credit_code, name, kind)": """
        tenant, organization, code, '演示企业' || n, 'enterprise' from helping, given""",
    "officer (tenant_id, id, number, name, organization_id)": f"""
        tenant, agent, '{AGENT}', '演示代理', organization from helping, given where n = 7""",
    """assignment (tenant_id, id, officer_id, duty, area_lo, area_hi, organization_id, valid_from, known_from)""": """
        tenant, uuidv7(), agent, 'enterprise_agent', villages[1] / 1000000 * 1000000,
        villages[1] / 1000000 * 1000000 + 999999, organization, '2015-01-01', known from helping, given where n = 7""",
    f"helper (tenant_id, id, programme, organization_id, chamber, reason, {ACTED})": f"""
        tenant, helper, '{PROGRAMME}', organization, '', '', {BY.format(day="date '2015-12-01'")}
        from helping, given""",
    f"""pairing_agreement (tenant_id, id, programme, number, organization_id, division, helper_id, valid_from, valid_to,
                           held_to, signed_on, end_reason, end_evidence, {ACTED})""": f"""
        tenant, agreement, '{PROGRAMME}', 'X-' || n, organization, division, helper, make_date(first, 1, 1),
        make_date(last + 1, 1, 1), '{{}}', '2015-12-20', '', '', {BY.format(day="date '2015-12-20'")}
        from helping, given""",
    f"""plan_line (tenant_id, id, agreement_id, organization_id, division, year, path, kind, office, what, amount_fen,
                   quantity, due_on, {ACTED})""": f"""
        tenant, uuidv7(), agreement, organization, division, y, path, kind, '', '企业措施',
        case when money then 30000000 end, case when counted then 60 end, make_date(y, 12, 31),
        {BY.format(day="date '2015-12-20'")} from given, helping, kinds, generate_series(first, last) y""",
    f"""delivery (tenant_id, id, agreement_id, organization_id, division, programme, year, path, kind, what, amount_fen,
                  quantity, valuation, receipt, state, stands_fen, stands_quantity, version, {ACTED})""": f"""
        tenant, id, agreement, organization, division, '{PROGRAMME}', year, path, kind, '帮扶投入', fen, quantity,
        '发票', n || '-' || year || '-' || d, state, {STANDING}, case state when 'logged' then 1 else 2 end,
        {BY.format(day="day")} from gifts, given""",
    "delivery_receipt (tenant_id, id, key, delivery_id, organization_id, division)": """
        tenant, uuidv7(), n || '/' || year || '/' || d, id, organization, division from gifts, given""",
    f"""delivery_answer (tenant_id, id, delivery_id, organization_id, division, number, verdict, stands_fen,
                         stands_quantity, reason, {ACTED})""": f"""
        tenant, uuidv7(), id, organization, division, 1, state, {STANDING}, '核对单据', {BY.format(day="day + 10")}
        from gifts, given where state <> 'logged'""",
    "person (tenant_id, id, number, division, name, sex, birth_date, created_at)": """
        tenant, person, n || '-' || m, division, '演甲子', 'f', '1980-01-01', known from people, given""",
    "delivery_person (tenant_id, id, delivery_id, person_id, division, recorded_by, recorded_at)": """
        tenant, uuidv7(), id, person, gifts.division, officer, known
        from gifts join people on people.n = gifts.n and people.m in (1 + d % 20, 1 + (d + 7) % 20), given
        where kind = 'posts'""",
}


VERIFIED = "update helper set verified = true, verified_on = effective_on, verified_at = recorded_at"


def credit_codes(code: str, count: int) -> list[str]:
    """Valid codes of made-up enterprises."""
    return [own + credit_check_character(own) for own in (f"91{code}{n:09d}" for n in range(1, count + 1))]


def own_code(code: str) -> str:
    """The credit code of the enterprise whose agent asks."""
    return credit_codes(code, 7)[-1]


async def build(database: Database, vault: Vault, code: str, enterprises: int) -> int:
    """A county with its divisions and officers by the product's own acts, and its pairings; how many deliveries."""
    made = await county_of(database, vault, code, SIZE, datetime.now(UTC), TODAY)
    office = await enter(database, code, OFFICE)
    async with database.session(office.scope) as session:
        await grounds.switch_on(session, office, installed().pairing(PROGRAMME), TODAY)
    villages = [village.code for village in made.villages]
    given = (
        office.county.id, credit_codes(code, enterprises), villages, office.at.now, office.actor.id, FIRST, LAST, EACH
    )  # fmt: skip
    async with as_owner(database, office, ", ".join(into.partition(" ")[0] for into in ROWS)) as connection:
        await connection.execute(GIVEN, *given)
        for statement in MADE:
            await connection.execute(statement)
        for into, rows in ROWS.items():
            done = await connection.execute(f"insert into {into} select {rows}")
            if into.startswith("delivery ("):
                count = int(done.rpartition(" ")[2])
        await connection.execute(VERIFIED)
    return count


# --- the two sides ---------------------------------------------------------------------------------------------

FIGURES = """enterprises villages agreements persons lines agreed stands
    byKind { path kind pledged pledgedQuantity logged stands waiting disputed notAccepted loggedQuantity standsQuantity
             lines agreed }"""
PAGE = f"""
query Page($year: Int!) {{
  agreements(first: 20) {{
    nodes {{
      number state since until division {{ name }}
      plan {{ year path kind office what amount quantity dueOn replaced }}
      obstacles {{ what outcome }}
    }}
  }}
  deliveries(first: 100, filter: {{programme: "{PROGRAMME}", year: $year, counts: true}}) {{
    nodes {{
      deliveredOn path kind what amount quantity receipt state stands standsQuantity
      answers {{ verdict stands reason answeredOn }}
    }}
  }}
  waiting: pairingsWaiting(programme: "{PROGRAMME}", party: HELPER) {{ what title divisionCode since }}
  figures: pairingFigures(programme: "{PROGRAMME}", of: {{year: $year}}) {{ {FIGURES} }}
}}"""
SUMMARY = f"""
query Summary($year: Int) {{
  figures: pairingFigures(programme: "{PROGRAMME}", of: {{year: $year}}) {{ {FIGURES} }}
}}"""

_LEDGER = """d.tenant_id = :tenant and d.programme = :programme and d.state <> 'replaced'
          and (cast(:year as integer) is null or d.year = :year)"""
_FIGURES = f"""
    with ledger as materialized (
        select d.path, d.kind, sum(d.amount_fen) as logged, sum(d.stands_fen) as stands, count(*) as lines,
               sum(d.quantity) as logged_quantity, sum(d.stands_quantity) as stands_quantity,
               sum(d.amount_fen) filter (where d.state = 'logged') as waiting,
               sum(d.amount_fen - d.stands_fen) filter (where d.state in ('disputed', 'contested')) as disputed,
               sum(d.amount_fen - d.stands_fen) filter (where d.state in ('confirmed', 'partly', 'ruled')) as refused,
               count(*) filter (where d.state in ('confirmed', 'partly', 'ruled')) as agreed
        from delivery d where {_LEDGER} group by 1, 2),
    plan as materialized (
        select p.path, p.kind, sum(p.amount_fen) as pledged, sum(p.quantity) as pledged_quantity
        from plan_line p join pairing_agreement a on a.tenant_id = p.tenant_id and a.id = p.agreement_id
        where p.tenant_id = :tenant and a.programme = :programme and a.signed_on is not null and p.kind is not null
          and p.replaced_at is null and (cast(:year as integer) is null or p.year = :year) group by 1, 2),
    agreed as (
        select count(distinct organization_id) as enterprises, count(distinct division) as villages,
               count(*) as agreements
        from pairing_agreement where tenant_id = :tenant and programme = :programme and signed_on is not null
          and (cast(:year as integer) is null
               or valid_from < make_date(:year + 1, 1, 1) and coalesce(ended_on, valid_to) > make_date(:year, 1, 1)))
    select json_build_object('enterprises', enterprises, 'villages', villages, 'agreements', agreements,
        'persons', (select count(distinct b.person_id) from delivery_person b
                    join delivery d on d.tenant_id = b.tenant_id and d.id = b.delivery_id
                    where {_LEDGER} and d.stands_quantity > 0),
        'byKind', (select json_agg(row_to_json(of_each)) from
                   (select * from ledger full join plan using (path, kind)) of_each)) from agreed"""
_PAGE = f"""
    select json_build_object(
        'agreements', (select json_agg(json_build_object('number', a.number, 'since', a.valid_from, 'until', a.valid_to,
            'signed', a.signed_on, 'ended', a.ended_on, 'division', v.name,
            'plan', (select json_agg(json_build_object('year', p.year, 'path', p.path, 'kind', p.kind, 'what', p.what,
                     'office', p.office, 'amount', p.amount_fen, 'quantity', p.quantity, 'due', p.due_on,
                     'replaced', p.replaced_at is not null) order by p.id)
                     from plan_line p where p.tenant_id = a.tenant_id and p.agreement_id = a.id),
            'obstacles', (select json_agg(json_build_object('what', o.what, 'outcome', o.outcome) order by o.id)
                          from obstacle o where o.tenant_id = a.tenant_id and o.agreement_id = a.id)))
            from pairing_agreement a join division v on v.tenant_id = a.tenant_id and v.code = a.division
            where a.tenant_id = :tenant),
        'deliveries', (select json_agg(one.line) from (
            select json_build_object('day', d.effective_on, 'path', d.path, 'kind', d.kind, 'what', d.what,
                'amount', d.amount_fen, 'quantity', d.quantity, 'receipt', d.receipt, 'state', d.state,
                'stands', d.stands_fen, 'number', d.stands_quantity,
                'answers', (select json_agg(json_build_object('verdict', w.verdict, 'stands', w.stands_fen,
                            'reason', w.reason, 'day', w.effective_on) order by w.number)
                            from delivery_answer w where w.tenant_id = d.tenant_id and w.delivery_id = d.id)) as line
            from delivery d where {_LEDGER} order by d.effective_on, d.id limit 100) one),
        'waiting', (select json_agg(json_build_object('division', one.division, 'since', one.recorded_at)) from (
            select d.id, d.division, d.recorded_at from delivery d
            where d.tenant_id = :tenant and d.programme = :programme and d.state = 'partly'
            union all select a.id, a.division, a.recorded_at from pairing_agreement a
            where a.tenant_id = :tenant and a.programme = :programme and a.signed_on is null and a.ended_at is null
              and not exists (select from agreement_signature s where s.tenant_id = a.tenant_id
                              and s.agreement_id = a.id and s.side = 'helper')
            order by 3, 1 limit 100) one),
        'figures', ({_FIGURES}))"""


NAMED = (
    PAGE.replace("$year: Int!", "$year: Int!, $code: String!")
    .replace("agreements(first: 20)", "agreements(first: 20, filter: {creditCode: $code})")
    .replace("counts: true", "counts: true, creditCode: $code")
    .replace("of: {year: $year}", "of: {year: $year, creditCode: $code}")
)
"""The page as a front end asks for it that knows whose it is."""
_NAMED = _PAGE.replace(
    "d.tenant_id = :tenant",
    "d.tenant_id = :tenant and d.organization_id = (select id from organization where tenant_id = :tenant"
    " and credit_code = :code)",
)


@dataclass
class Asked:
    """A question: who asks, the document, the statement that answers it alone, and the year."""

    staff: str
    document: str
    statement: str
    year: int | None


QUESTIONS = {
    "an enterprise's own page": Asked(AGENT, PAGE, _PAGE, LAST),
    "the same, which names its credit code": Asked(AGENT, NAMED, _NAMED, LAST),
    "the county's summary of a year": Asked(OFFICE, SUMMARY, f"select ({_FIGURES})", LAST),
    "the county's summary of five years": Asked(OFFICE, SUMMARY, f"select ({_FIGURES})", None),
}


class Sides:
    """The product and the statements written by hand, over one database."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self.database, self.vault, self.plugins = database, vault, installed()
        self.schema = schema_of(self.plugins.programmes.values())
        self.statements = 0
        event.listen(database.app.sync_engine, "before_cursor_execute", self._count)

    def _count(self, *_: Any) -> None:
        self.statements += 1

    async def product(self, code: str, who: Entered, asked: Asked) -> Mapping[str, Any]:
        """The answer of the API's engine."""
        shown = Pass(code, who.actor.number)
        request = Request(shown, who, self.database, self.vault, self.plugins, self.plugins.programmes, "en", "")
        request.schema = self.schema
        result = await self.schema.execute(
            asked.document, context_value=request, variable_values={"year": asked.year, "code": own_code(code)}
        )
        await request.end(keep=False)
        if result.errors or result.data is None:
            raise RuntimeError(result.errors)
        return result.data

    async def by_hand(self, code: str, who: Entered, asked: Asked) -> Mapping[str, Any]:
        """The answer of the statement."""
        given = {"tenant": who.county.id, "programme": PROGRAMME, "year": asked.year, "code": own_code(code)}
        async with self.database.session(who.scope, reading=True) as session:
            found: Mapping[str, Any] = await session.scalar(text(asked.statement), given)
        return found


def compared(own: Mapping[str, Any], peer: Mapping[str, Any]) -> None:
    """Refuse two answers that do not say the same."""
    figures = peer.get("figures", peer)
    mine = own["figures"]
    for name in ("enterprises", "villages", "agreements", "persons"):
        if mine[name] != figures[name]:
            raise RuntimeError(f"{name}: {mine[name]} and {figures[name]}")
    theirs = {(line["path"], line["kind"]): line for line in figures["byKind"]}
    sums = {"pledged": "pledged", "logged": "logged", "stands": "stands", "waiting": "waiting", "disputed": "disputed",
            "notAccepted": "refused"}  # fmt: skip
    counts = {"pledgedQuantity": "pledged_quantity", "standsQuantity": "stands_quantity", "lines": "lines",
              "loggedQuantity": "logged_quantity", "agreed": "agreed"}  # fmt: skip
    for line in mine["byKind"]:
        other = theirs.pop((line["path"], line["kind"]))
        left = [*(parse_yuan(line[name]) for name in sums), *(line[name] for name in counts)]
        if left != [int(other[name] or 0) for name in (*sums.values(), *counts.values())]:
            raise RuntimeError(f"{line} and {other}")
    if theirs:
        raise RuntimeError(f"not in the product's answer: {theirs}")
    if "deliveries" in own:
        left = [(one["receipt"], parse_yuan(one["stands"]), len(one["answers"])) for one in own["deliveries"]["nodes"]]
        right = [(one["receipt"], one["stands"], len(one["answers"] or ())) for one in peer["deliveries"]]
        plans = [sum(len(one["plan"]) for one in side) for side in (own["agreements"]["nodes"], peer["agreements"])]
        if left != right or plans[0] != plans[1] or len(own["waiting"]) != len(peer["waiting"]):
            raise RuntimeError("the two pages differ")


async def measure(home: Path, rounds: int) -> dict[str, Any]:
    """All figures."""
    database = await Database.open(Settings(home=home), WALLS)
    try:
        vault = Vault.open(database.settings)
        built, found = {}, {}
        for code, enterprises in COUNTIES.items():
            begun = time.perf_counter()
            deliveries = await build(database, vault, code, enterprises)
            built[code] = {
                "enterprises": enterprises, "deliveries": deliveries, "seconds": round(time.perf_counter() - begun, 1)
            }  # fmt: skip
        small, large = COUNTIES
        sides = Sides(database, vault)
        for name, asked in QUESTIONS.items():
            counted = []
            for code in (small, large):
                who = await enter(database, code, asked.staff)
                before = sides.statements
                own = await sides.product(code, who, asked)
                counted.append(sides.statements - before)
                compared(own, await sides.by_hand(code, who, asked))
            taken: tuple[list[float], list[float]] = ([], [])
            for _ in range(rounds):
                begun = time.perf_counter()
                own = await sides.product(large, who, asked)
                between = time.perf_counter()
                peer = await sides.by_hand(large, who, asked)
                taken[0].append(between - begun)
                taken[1].append(time.perf_counter() - between)
                compared(own, peer)
            medians = [1000 * statistics.median(one) for one in taken]
            found[name] = {
                "Bangfu ms": round(medians[0], 1), "one statement ms": round(medians[1], 1),
                "ratio": round(medians[0] / medians[1], 2), "statements": counted[1],
                "statements in the small county": counted[0],
            }  # fmt: skip
        return {"counties": built, "rounds": rounds, "questions": found}
    finally:
        await database.close()


async def main() -> None:
    """Print the figures as JSON; the only argument is the number of rounds."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with tempfile.TemporaryDirectory(prefix="bangfu-bench-", ignore_cleanup_errors=True) as folder:
        try:
            found = await measure(Path(folder), rounds)
        finally:
            EmbeddedServer.remove(Path(folder))
    json.dump(found, sys.stdout, ensure_ascii=False, indent=1)
    print()


if __name__ == "__main__":
    asyncio.run(main())
