"""A subsidy that is paid every month, at the size of a large county: 100,000 persons.

Timed through the jobs and acts that the command line runs: a month decided for everybody (facts gathered, decided, kept
with what is due by it), its batch made, and a twelfth month in which late facts change months of one person in fifty.
Beside the deciding of the first month stands one statement for each table, written by hand for this one rule, on the
same connection behind the same walls; both come to the same sum. Cases, certificates and accounts are put in by the
owner of the tables, in a few statements.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from benchmarks.building import as_owner, county_of
from sqlalchemy import text

from bangfu import jobs, payments
from bangfu.access import Entered, enter
from bangfu.cases import ground as grounds
from bangfu.cases import month_runs, paying
from bangfu.cases.ground import Ground
from bangfu.cli.demo import county as made_up
from bangfu.db import Database
from bangfu.db.embedded import EmbeddedServer
from bangfu.models import WALLS
from bangfu.programme import installed
from bangfu.settings import Settings
from bangfu.vault import Vault

CODE, YEAR, PROGRAMME = "990501", 2021, "disability_care"
OFFICE, MANAGER, FINANCE = "X002", "X004", "X005"
PERSONS, LATE = 100_000, 50
"""How many persons, and of how many one has a fact that becomes known late."""
SIZE = made_up.Size(townships=20, villages=25, planned=5, planned_persons=15, exited=5, general=0)
"""The divisions and the officers; the made-up households are not used."""
STAGE = "monthly_payment"

GIVEN = """
    create temporary table given on commit drop as
    select $1::integer as tenant, $2::bigint[] as villages, $3::timestamptz as known, $4::uuid as officer,
           $5::uuid as edition, $6::bytea as account, $7::integer as persons"""
MADE = """
    create temporary table people on commit drop as
    select n, villages[1 + n % cardinality(villages)] as division, uuidv7() as household, uuidv7() as person,
           uuidv7() as case_id, 1 + n % 2 as level from given, generate_series(1, persons) n"""
ROWS = {
    "household (tenant_id, id, number, division, group_name, created_at)": """
        tenant, household, 'B' || n, division, '', known from people, given""",
    "person (tenant_id, id, number, division, name, created_at)": """
        tenant, person, 'B' || n || '-01', division, '演甲子', known from people, given""",
    "membership (tenant_id, id, household_id, person_id, division, relation, valid_from, known_from)": """
        tenant, uuidv7(), household, person, division, 'head', '2018-01-01', known from people, given""",
    """account (tenant_id, id, household_id, division, holder, bank, number, number_index, number_masked, valid_from,
                known_from)""": """
        tenant, uuidv7(), household, division, '演甲子', '演示银行', account, int4send(n), '****0000', '2018-01-01',
        known from people, given""",
    """circumstance (tenant_id, id, person_id, division, kind, level, generation, class_name, source, reported_on,
                     evidence, valid_from, known_from)""": """
        tenant, uuidv7(), person, division, 'certificate', level, 2, '', 'federation', '2020-12-01', '名单',
        '2020-01-01', known from people, given""",
    """case_file (tenant_id, id, programme, period, edition_id, number, household_id, person_id, division, stage,
                  version, round, since, opened_on, stated)""": f"""
        tenant, case_id, '{PROGRAMME}', '{YEAR}', edition, 'B' || n || '-01', household, person, division, '{STAGE}',
        1, 0, '{YEAR}-01-04', '{YEAR}-01-04', '{{}}' from people, given""",
    """case_event (tenant_id, id, case_id, division, version, act, from_stage, to_stage, duty, officer_id, effective_on,
                   recorded_by, recorded_at, reason, evidence, late_days, data)""": f"""
        tenant, uuidv7(), case_id, division, 1, 'sign:second_review', 'second_review', '{STAGE}',
        'disabled_federation', officer, '{YEAR}-01-04', officer, known, '', '', 0, '{{}}' from people, given""",
}
TABLES = ", ".join(into.partition(" ")[0] for into in ROWS)
LATER = f"""
    with late as (
        update circumstance set known_to = cast(:now as timestamptz)
         where tenant_id = :tenant and kind = 'certificate' and known_to is null
           and hashtext(cast(person_id as text)) % {LATE} = 0
        returning *)
    insert into circumstance (tenant_id, id, person_id, division, kind, level, generation, class_name, source,
                              reported_on, evidence, valid_from, valid_to, known_from)
    select tenant_id, uuidv7(), person_id, division, kind, level, generation, class_name, source, reported_on, evidence,
           valid_from, date '{YEAR}-07-01', cast(:now as timestamptz) from late
    union all
    select tenant_id, uuidv7(), person_id, division, kind, 3 - level, generation, class_name, source, reported_on,
           evidence, date '{YEAR}-07-01', null, cast(:now as timestamptz) from late"""
BY_HAND = f"""
    create temporary table hand on commit drop as
    select c.id, c.division, case f.level when 1 then 10000 else 7000 end as fen
      from case_file c
      join circumstance f on f.tenant_id = c.tenant_id and f.person_id = c.person_id and f.kind = 'certificate'
       and f.known_to is null and f.valid_from <= '{YEAR}-01-01' and (f.valid_to is null or f.valid_to > '{YEAR}-01-01')
     where c.tenant_id = :tenant and c.programme = '{PROGRAMME}' and c.period = '{YEAR}' and c.stage = '{STAGE}'
       and f.generation >= 2 and f.level <= 2 and not exists (
           select from circumstance d where d.tenant_id = c.tenant_id and d.person_id = c.person_id
              and d.kind in ('death', 'custody', 'moved_away') and d.known_to is null
              and d.valid_from <= '{YEAR}-01-01' and (d.valid_to is null or d.valid_to > '{YEAR}-01-01'))"""
BY_HAND_DECIDED = """
    insert into month_decision (tenant_id, id, case_id, division, month, number, result_id, withheld, amount_fen,
                                known_at, officer_id, recorded_at)
    select :tenant, uuidv7(), id, division, 1, 1, :result, '', fen, :now, :officer, :now from hand"""
BY_HAND_DUE = """
    insert into entitlement (tenant_id, id, case_id, month_decision_id, division, instalment, kind, amount_fen, due_on,
                             reason, made_by, created_at)
    select tenant_id, uuidv7(), case_id, id, division, 1, 'award', amount_fen, :today, '', :officer, :now
      from month_decision where tenant_id = :tenant and month = 1"""


async def build(database: Database, vault: Vault) -> None:
    """The county with its divisions and officers by the product's own acts, and its persons by statements."""
    today = date(YEAR, 1, 4)
    made = await county_of(database, vault, CODE, SIZE, datetime.now(UTC), today)
    office = await enter(database, CODE, OFFICE)
    async with database.session(office.scope) as session:
        await grounds.switch_on(session, office, installed().programme(PROGRAMME), today)
        rules = await grounds.open_period(session, office, installed().programme(PROGRAMME), str(YEAR))
    account = vault.seal("6217000000000000000", "account.number", office.county.id)
    given = (
        office.county.id, [one.code for one in made.villages], office.at.now, office.actor.id, rules.id, account,
        PERSONS,
    )  # fmt: skip
    async with as_owner(database, office, TABLES) as connection:
        await connection.execute(GIVEN, *given)
        await connection.execute(MADE)
        for into, rows in ROWS.items():
            await connection.execute(f"insert into {into} select {rows}")


class County:
    """The county and what is timed in it."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self.database, self.vault, self.plugins = database, vault, installed()
        self.figures: dict[str, Any] = {}

    async def on(self, day: date) -> None:
        """Set the county's clock."""
        async with self.database.owner() as connection:
            await connection.execute(
                text("update tenant set demo_today = :day, demo_set_at = :now"), {"day": day, "now": datetime.now(UTC)}
            )

    async def who(self, number: str) -> Entered:
        """An officer as of now."""
        return await enter(self.database, CODE, number)

    async def ground(self, who: Entered) -> Ground:
        """The year of the subsidy."""
        async with self.database.session(who.scope) as session:
            return await grounds.ground_of(session, who.county.id, self.plugins.programme(PROGRAMME), str(YEAR))

    async def timed(self, name: str, act: Callable[[], Awaitable[Any]]) -> Any:
        """Do something once, and keep how long it took in seconds."""
        began = time.perf_counter()
        result = await act()
        self.figures[name] = round(time.perf_counter() - began, 2)
        print(name, self.figures[name], file=sys.stderr)
        return result

    async def decide(self, month: int, *, whole: bool = False) -> dict[str, Any]:
        """Decide a month for everybody, as the command does."""
        who = await self.who(OFFICE)
        ground = await self.ground(who)
        async with self.database.session(who.scope) as session:
            job = await month_runs.put(session, who, ground, month, "", whole=whole)
        done = await jobs.run(self.database, self.vault, who, job, {month_runs.KIND: month_runs.handler(self.plugins)})
        if done.state != "done":
            raise RuntimeError(done.result)
        return dict(done.result)

    async def fund(self) -> UUID:
        """A budget line that holds enough."""
        maker, confirmer = await self.who(MANAGER), await self.who(FINANCE)
        stated = payments.LineStated(
            code="ZC-1", title="两项补贴", source="省级", level="county", document="演财〔2021〕1号",
            document_on=date(YEAR, 1, 4), year=YEAR, programmes=[PROGRAMME], binding=True,
        )  # fmt: skip
        entry = payments.EntryStated(
            amount_fen=20_000_000_000, document="演财〔2021〕1号", document_on=date(YEAR, 1, 4), reason="年初下达"
        )
        async with self.database.session(maker.scope) as session:
            line, made = await payments.add_line(session, maker, stated, entry, [PROGRAMME])
        async with self.database.session(confirmer.scope) as session:
            await payments.confirm_entry(session, confirmer, made)
        return line

    async def gather(self, line: UUID, month: int) -> payments.Batch:
        """Make the batch of a month."""
        who = await self.who(OFFICE)
        ground = await self.ground(who)
        async with self.database.session(who.scope) as session:
            made = await paying.make_batch(session, who, self.vault, ground, line, month=month)
        assert made.batch is not None
        return made.batch

    async def release(self, batch: payments.Batch) -> None:
        """Check and release it."""
        for number, step in ((MANAGER, paying.check_batch), (FINANCE, paying.release_batch)):
            who = await self.who(number)
            ground = await self.ground(who)
            async with self.database.session(who.scope) as session:
                await step(session, who, ground, batch.id)

    async def by_hand(self) -> int:
        """The first month by one statement a table, rolled back; what it comes to in fen."""
        who = await self.who(OFFICE)
        ground = await self.ground(who)
        given = {"tenant": who.county.id, "now": who.at.now, "today": who.at.today, "officer": who.actor.id}
        edition = ground.month(1).id
        try:
            async with self.database.session(who.scope) as session:
                result = await session.scalar(
                    text(
                        "insert into month_result (tenant_id, id, edition_id, digest, outcome, payable_fen, facts,"
                        " step_values) values (:tenant, uuidv7(), :edition, 'hand', 'eligible', 0, '{}', '{}')"
                        " returning id"
                    ),
                    {"tenant": who.county.id, "edition": edition},
                )
                await session.execute(text(BY_HAND), given)
                await session.execute(text(BY_HAND_DECIDED), {**given, "result": result})
                await session.execute(text(BY_HAND_DUE), given)
                total = await session.scalar(text("select sum(fen)::bigint from hand"))
                raise _RollBack
        except _RollBack:
            return int(total)

    async def due(self, month: int) -> int:
        """What is due of a month, in fen."""
        who = await self.who(OFFICE)
        async with self.database.session(who.scope) as session:
            asked = "select sum(amount_fen)::bigint from entitlement where instalment = :month and voided_at is null"
            return int(await session.scalar(text(asked), {"month": month}))


class _RollBack(Exception):
    """Take back what was done for comparison."""


async def measure(home: Path) -> dict[str, Any]:
    """Build the county, and time its months."""
    database = await Database.open(Settings(home=home), WALLS)
    try:
        vault = Vault.open(database.settings)
        await build(database, vault)
        county = County(database, vault)
        await county.on(date(YEAR, 1, 10))
        by_hand = await county.timed("the first month decided by hand-written statements", county.by_hand)
        await county.timed("the first month decided", lambda: county.decide(1))
        assert await county.due(1) == by_hand
        line = await county.fund()
        batch = await county.timed("its batch made", lambda: county.gather(line, 1))
        assert (batch.count, batch.total_fen) == (PERSONS, by_hand)
        await county.timed("checked and released", lambda: county.release(batch))
        for month in range(2, 12):
            await county.on(date(YEAR, month, 10))
            await county.decide(month)
            if month == 11:
                batch = await county.timed("the eleventh batch made", lambda: county.gather(line, 11))
            else:
                batch = await county.gather(line, month)
            await county.release(batch)
        await county.on(date(YEAR, 12, 10))
        who = await county.who(OFFICE)
        async with database.session(who.scope) as session:
            await session.execute(text(LATER), {"tenant": who.county.id, "now": who.at.now})
        changed = await county.timed("the twelfth month decided, with late facts", lambda: county.decide(12))
        county.figures["months that late facts changed"] = changed["changed"]
        await county.timed("its batch made, with what is set off", lambda: county.gather(line, 12))
        again = await county.timed("all twelve decided again of everybody", lambda: county.decide(12, whole=True))
        assert (again["decided"], again["unchanged"]) == (0, 12 * PERSONS)
        took = county.figures
        by_hand_took = took["the first month decided by hand-written statements"]
        took["the first month decided / by hand"] = round(took["the first month decided"] / by_hand_took, 2)
        took["a month decided and batched"] = round(took["the first month decided"] + took["its batch made"], 2)
        return {"persons": PERSONS, **took}
    finally:
        await database.close()


async def main() -> None:
    """Print the figures as JSON."""
    with tempfile.TemporaryDirectory(prefix="bangfu-bench-", ignore_cleanup_errors=True) as folder:
        try:
            found = await measure(Path(folder))
        finally:
            EmbeddedServer.remove(Path(folder))
    json.dump(found, sys.stdout, ensure_ascii=False, indent=1)
    print()


if __name__ == "__main__":
    asyncio.run(main())
