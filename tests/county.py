"""A county small enough to check by hand, built through the real imports.

Two townships, three villages: 甲村 and 丙村 are poor, 乙村 is not. Eight households whose awards are known beforehand.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from typing import Any, cast
from uuid import UUID

from sqlalchemy import event, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from bangfu import jobs, payments
from bangfu.access import CHINA, Actor, County, Entered, Moment, county, create_county, enter
from bangfu.cases import acts, batch, planning, provisions
from bangfu.cases import ground as grounds
from bangfu.cases.acts import Report
from bangfu.cases.ground import Ground
from bangfu.cases.handlers import IMPORTERS
from bangfu.cases.planning import PlanStated
from bangfu.cases.views import CaseView, Selection, Stated, look
from bangfu.db import Database, Scope
from bangfu.db.bulk import insert_rows
from bangfu.errors import Problem
from bangfu.models import Assignment, Officer, new_id
from bangfu.process import Duty
from bangfu.programme import Plugins, installed
from bangfu.registry import importing
from bangfu.registry.divisions import area_of
from bangfu.registry.identity import check_character, credit_check_character
from bangfu.registry.importing import Importer
from bangfu.simulate import keep_preview
from bangfu.vault import Vault
from county_default.vocabulary import Project
from tests.stories import Kept, remembered

CODE = "990201"
BASE = 990201_000000
T1, T2 = BASE + 101_000, BASE + 102_000
V1, V2, V3 = T1 + 201, T1 + 202, T2 + 201
PERIOD = "2021"

JANUARY = date(2021, 1, 20)
FEBRUARY = date(2021, 2, 10)
MARCH = date(2021, 3, 20)
SEPTEMBER = date(2021, 9, 30)
POSTED = date(2021, 10, 11)
ACCEPTED = date(2021, 10, 16)

DIVISIONS = f"""区划代码,名称,是否贫困村
{BASE},测试县,
{T1},东镇,
{T2},西镇,
{V1},甲村,是
{V2},乙村,否
{V3},丙村,是
"""

OFFICERS = f"""工号,姓名,职责,负责区划代码,起始日期
C1,县办甲,县脱贫办,{BASE},2020-01-01
C2,县办乙,县脱贫办,{BASE},2020-01-01
C3,县办丙,县脱贫办,{BASE},2020-01-01
FM,扶移甲,县扶移局,{BASE},2020-01-01
FI,财政甲,县财政局,{BASE},2020-01-01
K1,经办东,乡镇经办,{T1},2020-01-01
K2,经办西,乡镇经办,{T2},2020-01-01
A1,验收东甲,乡镇验收,{T1},2020-01-01
A2,验收东乙,乡镇验收,{T1},2020-01-01
A3,验收西,乡镇验收,{T2},2020-01-01
A1,验收东甲,包村干部,{V2},2020-01-01
B1,包村甲,包村干部,{V1},2020-01-01
B3,包村丙,包村干部,{V3},2020-01-01
VC1,两委甲,村两委,{V1},2020-01-01
VC2,两委乙,村两委,{V2},2020-01-01
VC3,两委丙,村两委,{V3},2020-01-01
W1,队员甲,驻村工作队,{V1},2020-01-01
W3,队员丙,驻村工作队,{V3},2020-01-01
L1,联户甲,联户干部,{V1},2020-01-01
L2,联户乙,联户干部,{V2},2020-01-01
L3,联户丙,联户干部,{V3},2020-01-01
"""


@dataclass(frozen=True)
class Home:
    """A household of the county: where it is, what the register says, what it earned (category, yuan) and what it is
    due."""

    number: str
    township: str
    village: str
    cadre: str
    standing: str
    exit_year: str
    income: tuple[tuple[str, str], ...]
    outcome: str
    award: int


HOMES = (
    Home("H1", "东镇", "甲村", "L1", "已脱贫户", "2017", (("养殖", "8000"), ("种植", "4000"), ("务工", "20000")), "eligible", 300_000),
    Home("H2", "东镇", "甲村", "L1", "已脱贫户", "2018", (("养殖", "5000"), ("种植", "2000"), ("务工", "9000")), "eligible", 220_000),
    Home("H3", "东镇", "甲村", "L1", "已脱贫户", "2015", (("养殖", "8000"),), "refused", 0),
    Home("H4", "东镇", "甲村", "L1", "已脱贫户", "", (("养殖", "8000"),), "incomplete", 0),
    Home("H5", "东镇", "乙村", "L2", "已脱贫户", "2019", (("自主经营", "15000"),), "eligible", 150_000),
    Home("H6", "东镇", "乙村", "L2", "已脱贫户", "2019", (), "refused", 0),
    Home("H7", "西镇", "丙村", "L3", "已脱贫户", "2016", (("种植", "333.33"),), "eligible", 5_000),
    Home("H8", "西镇", "丙村", "L3", "贫困户", "", (("养殖", "8000"),), "refused", 0),
)  # fmt: skip
ELIGIBLE = tuple(home.number for home in HOMES if home.outcome == "eligible")


def credit_code(number: int) -> str:
    """A valid made-up credit code."""
    first17 = f"91{CODE}{number:09d}"
    return first17 + credit_check_character(first17)


ONE, OTHER, UNIT = credit_code(1), credit_code(2), credit_code(3)
"""Two enterprises, and a unit that is none."""

ORGANIZATIONS = f"""统一社会信用代码,单位名称,单位类型,所在区划代码
{ONE},一号企业,企业,{BASE}
{OTHER},二号企业,企业,{T2}
{UNIT},三号单位,机关,{BASE}
"""

PAIRINGS = f"""统一社会信用代码,村编码,起始日期,截止日期
{ONE},{V1},2020-01-01,
{ONE},{V2},2020-01-01,2022-01-01
{OTHER},{V3},2020-01-01,
{UNIT},{V1},2020-01-01,
"""
"""The first enterprise helps two villages, the other a third; the unit helps one of the first's."""

GUESTS = f"""工号,姓名,职责,负责区划代码,起始日期,截止日期,单位信用代码,户编号,代理对象工号
E1,企业甲,企业经办,{BASE},2020-01-01,,{ONE},,
E2,企业乙,企业经办,{BASE},2020-01-01,,{OTHER},,
HA,农户甲,农户,{V1},2020-01-01,,,H1,
HB,农户乙,农户,{V3},2020-01-01,,,H7,
AU,审计甲,审计监督,{BASE},2020-01-01,,,,
SU,上级甲,上级主管部门,{BASE},2020-01-01,,,,
CA,民政甲,县民政局,{BASE},2020-01-01,,,,
DF,残联甲,县残联,{BASE},2020-01-01,,,,
ED,教育甲,县教育局,{BASE},2020-01-01,,,,
IF,工商联甲,县工商联,{BASE},2020-01-01,,{UNIT},,
R2,登记乙,县数据管理员,{BASE},2020-01-01,,{UNIT},,
KS,代理东,乡镇经办,{T1},2021-09-01,2021-10-01,,,K1
"""
"""Everybody whom the programme itself does not need: the agents of two enterprises, the accounts of two households,
who audits and who reads, the line bureaux, a second registrar, and who stands in for a clerk in September."""

PROVISION = {
    "title": "测试县2021年实施方案",
    "number": "测政办〔2021〕1号",
    "issued": date(2021, 1, 10),
    "parameters": {
        "cohort_exit_years": [{"since": date(2020, 10, 1), "value": {"from": 2016, "to": 2019}, "clause": "二(二)1"}]
    },
}


def identity(index: int) -> str:
    """A valid made-up identity number."""
    first17 = f"{CODE}1980{1 + index % 12:02d}{1 + index % 28:02d}{index % 1000:03d}"
    return first17 + check_character(first17)


def roster(homes: Sequence[Home] = HOMES) -> str:
    """The household roster: a head and a spouse each."""
    lines = [
        "户编号,乡镇,行政村,村民小组,户类型,脱贫年度,联户干部工号,姓名,证件号码,与户主关系,开户名,开户行,一卡通账号"
    ]
    for index, home in enumerate(homes):
        for who, relation, offset in (("户主", "户主", 1), ("配偶", "配偶", 501)):
            name = f"测{home.number.replace('H', '')}{who}"
            lines.append(
                f"{home.number},{home.township},{home.village},一组,{home.standing},{home.exit_year},{home.cadre},"
                f"{name},{identity(index * 7 + offset)},{relation},测{home.number[1:]}户主,测试银行,99000000000{1000 + index}"
            )
    return "\n".join(lines)


def ledger(homes: Sequence[Home] = HOMES) -> str:
    """The income ledger: one line a category, on 1 March 2021."""
    lines = ["户编号,日期,收入类别,项目,总收入,是否稳定,印证资料"]
    for home in homes:
        for category, amount in home.income:
            lines.append(f"{home.number},2021-03-01,{category},{category}项目,{amount},是,收据")
    return "\n".join(lines)


@dataclass(repr=False)  # the loop shows what a fixture gives, and throws it away
class World:
    """The county and everything a test does to it. ``today`` is the day everybody acts on unless told otherwise, ``code``
    and ``period`` the programme and the period that is worked on."""

    database: Database
    vault: Vault
    today: date = JANUARY
    code: str = "consolidation"
    period: str = PERIOD
    tenant: County = field(default_factory=lambda: County(0, "", "", None))
    officers: dict[str, Actor] = field(default_factory=dict)
    number: str = CODE
    """The county's own code."""
    kept: Kept | None = None
    """Its database, if stories about it are remembered."""

    # --- building ---

    async def build(self) -> None:
        """The county with its registers, its provisions released, its period open, and the ledger."""
        await self.staff()
        assert (await self.bring("households", self.placed(roster()), "R1")).state == "done"
        await self.open_period()
        self.today = SEPTEMBER
        assert (await self.bring("income", ledger(), "R1")).state == "done"

    async def staff(self) -> None:
        """The county with its divisions and its officers, and nothing decided yet."""
        async with self.database.owner() as connection:
            at = datetime(2021, 1, 1, tzinfo=UTC)
            await create_county(connection, self.number, "测试县", at, officer=("R1", "管理员"))
        await self.look()
        for kind, data in (("divisions", DIVISIONS), ("officers", OFFICERS)):
            status = await self.bring(kind, self.placed(data), "R1")
            assert status.state == "done", status.result
            await self.look()

    def placed(self, data: str) -> str:
        """A register of the test county as one of this county: every division's code begins as its own do."""
        return re.sub(rf"\b{CODE}(?=[0-9]{{6}}\b)", self.number, data)

    async def open_period(self, provision: Mapping[str, Any] = PROVISION) -> None:
        """Switch the programme on, release a provision and open the period."""
        first, second = self.who("C1"), self.who("C2")
        async with self.database.session(first.scope) as session:
            await grounds.switch_on(session, first, self.programme, self.today)
        await self.provide(provision)
        async with self.database.session(second.scope) as session:
            await grounds.open_period(session, second, self.programme, self.period)

    async def provide(self, provision: Mapping[str, Any]) -> UUID:
        """Let the county lay down numbers of its own: drafted and previewed by one, released by another."""
        draft = await self.draft(provision)
        second = self.who("C2")
        async with self.database.session(second.scope) as session:
            await provisions.release(session, second, self.plugins, draft)
        return draft

    async def draft(self, provision: Mapping[str, Any], *, previewed: bool = True) -> UUID:
        """Let the county's office draft a document, and preview it."""
        first = self.who("C1")
        async with self.database.session(first.scope) as session:
            draft = await provisions.draft(session, first, self.programme, provision)
            for period in await provisions.to_preview(session, first, self.plugins, draft) or [self.period]:
                if previewed:
                    await keep_preview(session, first, self.plugins, draft, period)
        return draft

    @remembered
    async def invite(self) -> None:
        """Bring in the organizations, their pairings, and everybody whom the programme itself does not need."""
        for kind, data in (("organizations", ORGANIZATIONS), ("pairings", PAIRINGS), ("officers", GUESTS)):
            status = await self.bring(kind, data, "R1")
            assert status.state == "done", status.result

    async def charge(self, number: str, duty: Duty, area: int = BASE, since: date = date(2020, 1, 1)) -> None:
        """Give an officer a duty past every check, as in a county whose roster is older than the checks."""
        who = self.who("R1")
        lo, hi = area_of(area)
        row = {
            "tenant_id": self.tenant.id, "id": new_id(), "officer_id": self.officers[number].id, "duty": duty.value,
            "area_lo": lo, "area_hi": hi, "valid_from": since, "known_from": who.at.now,
        }  # fmt: skip
        async with self.database.session(who.scope) as session:
            await insert_rows(session, Assignment, [row])
        await self.look()

    async def look(self, *, anew: bool = True) -> None:
        """Read the county and its officers; unless ``anew``, nothing but the county's clock has changed."""
        self.tenant = await county(self.database, self.number)
        if not anew:
            self.officers = {number: replace(own, county=self.tenant) for number, own in self.officers.items()}
            return
        async with self.database.session(Scope(self.tenant.id, staff=True)) as session:
            numbers = (await session.scalars(select(Officer.number).where(Officer.disabled_at.is_(None)))).all()
        async with self.database.unscoped() as connection:
            at_once = cast(Database, _Held(connection))
            self.officers = {number: (await enter(at_once, self.number, number)).actor for number in numbers}

    @property
    def plugins(self) -> Plugins:
        return installed()

    @property
    def programme(self) -> Any:
        return self.plugins.programme(self.code)

    # --- acting ---

    def who(self, number: str, today: date | None = None) -> Entered:
        """An officer on a day, at noon."""
        day = today or self.today
        return Entered(self.officers[number], Moment(datetime.combine(day, time(12), CHINA), day))

    async def ground(self, who: Entered | None = None) -> Ground:
        entered = who or self.who("C1")
        async with self.database.session(entered.scope) as session:
            return await grounds.ground_of(session, self.tenant.id, self.programme, self.period)

    async def bring(self, kind: str | Importer[Any], data: str | bytes, number: str, **options: Any) -> jobs.Status:
        """Import a workbook (CSV text unless bytes) as an officer."""
        importer = IMPORTERS[kind] if isinstance(kind, str) else kind
        raw = data.encode() if isinstance(data, str) else data
        name = options.pop("name", f"{importer.title.zh}.csv")
        who = self.who(number)
        job = await importing.ask(self.database, self.vault, who, importer, name, raw, **options)
        status = await jobs.run(self.database, self.vault, who, job, {importer.kind: importing.handler(importer)})
        if kind in ("officers", "households") and not options.get("dry_run"):
            await self.look()
        return status

    async def act(self, number: str, function: Any, selection: Selection | None = None, **options: Any) -> Report:
        """Let an officer act on a selection (everything in sight unless stated)."""
        who = self.who(number)
        ground = await self.ground(who)
        async with self.database.session(who.scope) as session:
            report: Report = await function(session, who, ground, selection or Selection(), **options)
            return report

    async def plan(self, number: str, *homes: str, day: date = FEBRUARY, **stated: Any) -> Report:
        """Let a cadre open cases for households with a small trade each."""
        who = self.who(number, day)
        ground = await self.ground(who)
        facts = {"projects": frozenset({Project.SMALL_BREEDING})}
        plans = [PlanStated(home, facts, Stated(**stated)) for home in homes]
        async with self.database.session(who.scope) as session:
            return await planning.plan(session, who, ground, plans)

    async def account(self, number: str = "C1") -> jobs.Status:
        """Run the accounting of everything in sight as a job."""
        who = self.who(number)
        job = await batch.ask(self.database, who, await self.ground(who))
        return await jobs.run(self.database, self.vault, who, job, {batch.KIND: batch.handler(self.plugins)})

    async def sign(self, number: str, stage: str, *homes: str, **stated: Any) -> Report:
        """Let an officer sign a stage of some households, or of all in sight that are at it."""
        selection = Selection(numbers=homes) if homes else Selection(stages=[stage])
        return await self.act(number, acts.sign, selection, stage=stage, stated=Stated(**stated))

    @remembered
    async def until(self, stage: str) -> None:
        """Bring every case that can get there to a stage, each step by the right officers on the right day."""
        for cadre, homes in (("L1", ("H1", "H2", "H3", "H4")), ("L2", ("H5", "H6")), ("L3", ("H7", "H8"))):
            clean(await self.plan(cadre, *homes))
        if stage == "in_place":
            return
        self.today = MARCH
        for cadre in ("L1", "L2", "L3"):
            clean(await self.sign(cadre, "in_place"))
        self.today = SEPTEMBER
        if stage == "accounting":
            return
        await self.account()
        for number in ("L1", "L2", "L3", "W1", "W3", "VC1", "VC2", "VC3", "B1", "A1", "B3"):
            await self.sign(number, "accounting")
        self.today = POSTED
        if stage == "notice":
            return
        for number in ("VC1", "VC2", "VC3"):
            clean(await self.act(number, acts.post, Selection(stages=["notice"])))
        self.today = ACCEPTED
        if stage == "acceptance":
            return
        for number in ("A2", "A3"):
            clean(await self.act(number, acts.accept, Selection(stages=["notice"])))

    async def fund(
        self, yuan: int = 1_000_000, code: str = "ZX-1", *, binding: bool = True, confirmed: bool = True
    ) -> UUID:
        """The budget line with a code, made by the fund manager and confirmed by finance if there is none yet."""
        code = code if self.code == "consolidation" else f"{code}-{self.code}"
        found = await self.rows("select id from budget_line where code = :code", code=code)
        if found:
            return UUID(str(found[0][0]))
        maker, confirmer = self.who("FM"), self.who("FI")
        stated = payments.LineStated(
            code=code, title="财政衔接资金", source="专项扶贫资金", level="county", document="测财〔2021〕8号",
            document_on=date(2021, 1, 15), year=2021, programmes=[self.code], binding=binding,
        )  # fmt: skip
        entry = payments.EntryStated(
            amount_fen=yuan * 100, document="测财〔2021〕8号", document_on=date(2021, 1, 15), reason="年初下达"
        )
        async with self.database.session(maker.scope) as session:
            line, made = await payments.add_line(session, maker, stated, entry, [self.code])
        if confirmed:
            async with self.database.session(confirmer.scope) as session:
                await payments.confirm_entry(session, confirmer, made)
        return line

    # --- looking ---

    async def cases(self, number: str = "C1") -> dict[str, CaseView]:
        """Every case in an officer's sight, by household."""
        who = self.who(number)
        ground = await self.ground(who)
        async with self.database.session(who.scope) as session:
            return {case.number: case for case in await look(session, who, ground, Selection())}

    async def stages(self) -> dict[str, str]:
        """The stage of every case by household."""
        return {number: case.view.stage for number, case in (await self.cases()).items()}

    async def rows(self, sql: str, **values: Any) -> list[Any]:
        """Rows as somebody with the whole county in sight reads them."""
        who = self.who("C1")
        async with self.database.session(who.scope) as session:
            return list((await session.execute(text(sql), values)).all())

    async def snapshot(self) -> dict[str, int | str]:
        """What any change would change: the number of rows of every table that acts write, and every case's version."""
        tables = (
            "case_file", "case_event", "claim", "signature", "determination", "notice", "notice_entry", "objection",
            "sample_draw", "sample_unit", "entitlement", "payment_batch", "payment_line", "edition", "provision",
            "household", "person", "membership", "standing", "account", "income_line", "budget_line", "budget_entry",
            "payment_return", "payment_arrival", "payment_wait", "payment_file", "repayment", "bank_template", "schooling", "circumstance",
            "discrepancy", "attestation", "attestation_answer", "helper", "need", "pairing_agreement", "agreement_signature", "plan_line", "obstacle",
            "delivery", "delivery_receipt", "delivery_answer", "delivery_person", "pairing_review", "pairing",
            "circumstance", "month_result", "month_decision", "month_run", "payment_setoff",
            "support_base", "base_assessment", "base_finding", "base_subsidy", "handout_batch", "handout",
        )  # fmt: skip
        versions = "string_agg(id || ' ' || version || ' ' || stage || ' ' || since, ',' order by id) from case_file"
        asked = {
            **{table: f"count(*) from {table}" for table in tables},
            "cases": versions,
            "confirmed": "count(*) from budget_entry where confirmed_at is not null",
        }
        (found,) = await self.rows("select " + ", ".join(f"(select {own})" for own in asked.values()))
        return {name: value or "" if name == "cases" else value for name, value in zip(asked, found, strict=True)}


@dataclass(frozen=True)
class _Held:
    """A database as far as somebody enters by it, on one connection for all of them."""

    connection: AsyncConnection

    @asynccontextmanager
    async def unscoped(self) -> AsyncIterator[AsyncConnection]:
        yield self.connection


def clean(report: Report) -> Report:
    """A report without refusals."""
    assert report.refused == [], [str(problem) for _, problem in report.refused]
    return report


def codes(report: Report) -> dict[str, str]:
    """The code by which each household was refused."""
    return {number: problem.code.name for number, problem in report.refused}


def only(report: Report) -> Problem:
    """The one problem of a report that did nothing."""
    assert report.done == []
    assert report.unchanged == []
    ((_, problem),) = report.refused
    return problem


class Statements:
    """Counts the SQL statements of a block, without the opening of transactions."""

    def __init__(self, database: Database) -> None:
        self.engine = database.app.sync_engine
        self.seen: list[str] = []

    def __enter__(self) -> Statements:
        event.listen(self.engine, "before_cursor_execute", self._note)
        return self

    def __exit__(self, *_: object) -> None:
        event.remove(self.engine, "before_cursor_execute", self._note)

    def _note(self, connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        self.seen.append(statement)

    def __len__(self) -> int:
        return len(self.seen)


DUTIES = tuple(Duty)
