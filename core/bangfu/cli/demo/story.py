"""The whole story of a consolidation year on the made-up county: every step by the officer whose duty it is, on the
day it happened.

Nothing here reaches round the product: the workbooks go through the import, every act through the process, and what
must be refused is tried and is refused.
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from rich.console import Console
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import files, jobs, payments
from bangfu.access import County as Tenant
from bangfu.access import Entered, county, create_county, enter, set_demo_day
from bangfu.cases import acts, batch, overview, paying, receipts, sampling
from bangfu.cases import ground as grounds
from bangfu.cases.acts import Report
from bangfu.cases.ground import Ground
from bangfu.cases.handlers import IMPORTERS, Handlers
from bangfu.cases.plans import PlanImporter
from bangfu.cases.views import Selection, Stated
from bangfu.cli import page
from bangfu.cli.demo import county as made_up
from bangfu.cli.receipt import print_receipt
from bangfu.cli.shell import progress_bar
from bangfu.db import Database
from bangfu.errors import Refused
from bangfu.models import Case, DeterminationRow, Household
from bangfu.programme import Plugins
from bangfu.registry import importing
from bangfu.registry.importing import Importer
from bangfu.text import LANGUAGES, Text, money, number
from bangfu.vault import Vault

PROGRAMME = "consolidation"
PERIOD = "2021"
FIRST_CODE = 990101
PROVISION = """\
programme = "consolidation"
title = "演示县2021年脱贫奋进计划实施方案"
number = "演政办发〔2021〕1号"
issued = 2021-01-20

# The years that the plan covers are not legible in the source: the county sets them.
[[parameters.cohort_exit_years]]
since = 2020-10-01
value = { from = 2016, to = 2020 }
clause = "二(二)1"
"""


COLUMNS = (
    Text("乡镇", "township"),
    Text("申报", "applied"),
    Text("符合", "eligible"),
    Text("不符合", "refused"),
    Text("缺资料", "incomplete"),
    Text("退回", "sent back"),
    Text("封顶", "capped"),
    Text("抽查", "sampled"),
    Text("应发(元)", "due"),
    Text("已放行(元)", "released"),
)


@dataclass
class Told:
    """What came of the story, for whoever wants to check it."""

    code: str
    figures: list[overview.TownshipFigures] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    batch: payments.Batch | None = None
    drawn: sampling.Drawn | None = None
    payment_list: Path | None = None
    examples: dict[str, str] = field(default_factory=dict)


class Story:
    """Tells the story on an open database; ``folder`` takes the workbooks."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        plugins: Plugins,
        folder: Path,
        out: Console,
        size: made_up.Size | None = None,
    ) -> None:
        self.database, self.vault, self.plugins, self.folder, self.out = database, vault, plugins, folder, out
        self.size = size or made_up.Size()
        self.programme = plugins.programme(PROGRAMME)
        self.handlers = Handlers(plugins)
        self.tenant: Tenant
        self.county: made_up.County
        self.told: Told

    async def tell(self) -> Told:
        """Tell it from the county's creation to the payment list."""
        self.told = Told(await self._free_code())
        self.county = made_up.Maker(self.told.code, self.size).make()
        self.folder.mkdir(parents=True, exist_ok=True)
        await self._registers()
        await self._rules()
        await self._plans()
        await self._in_place()
        await self._accounting()
        await self._notice()
        await self._acceptance()
        await self._sample()
        await self._payment()
        await self._ending()
        return self.told

    # --- chapters ---

    async def _registers(self) -> None:
        self._chapter("建立演示县,导入登记册", "a county, and its registers from an office's workbooks")
        async with self.database.owner() as connection:
            await create_county(
                connection,
                self.told.code,
                "演示县",
                datetime.now(UTC),
                demo_today=date(2021, 1, 20),
                officer=("X001", "演示管理员"),
            )
        await self._day(date(2021, 1, 20))
        county_ = self.county
        await self._import("X001", "divisions", made_up.divisions_workbook(county_), "行政区划表.xlsx")
        await self._import("X001", "organizations", made_up.organizations_workbook(county_), "帮扶单位名录.xlsx")
        await self._import("X001", "officers", made_up.officers_workbook(county_), "工作人员名册.xlsx")
        await self._day(date(2021, 1, 20))
        spoilt = made_up.roster_workbook(county_, faults=True)
        self._say(
            "先试算:不改动任何数据,问题标注在原表最右一列",
            "a dry run first: nothing changes, problems come back in the same workbook",
        )
        await self._import("X001", "households", spoilt, "农户花名册.xlsx", dry_run=True)
        await self._import(
            "X001", "households", made_up.roster_workbook(county_, faults=False), "农户花名册(更正).xlsx"
        )
        self._say(
            "部门、企业、农户账号和一名代理;企业只看到自己的结对村",
            "bureaux, enterprises, a household's account and a stand-in; an enterprise sees its own villages only",
        )
        await self._import("X001", "officers", made_up.accounts_workbook(county_), "账号及代理名册.xlsx")
        await self._import("X010", "pairings", made_up.pairings_workbook(county_), "村企结对名册.xlsx")

    async def _rules(self) -> None:
        self._chapter("启用项目,设置本年规定", "the programme on, this year's provisions set")
        drafter, releaser = await self._as("X002"), await self._as("X003")
        async with self.database.session(drafter.scope) as session:
            await grounds.switch_on(session, drafter, self.programme, date(2021, 1, 25))
        await self._refused(
            "年度不能开启:原文未载明脱贫年度范围",
            "the period cannot be opened: the source hides the years it covers",
            lambda session: grounds.open_period(session, drafter, self.programme, PERIOD),
            drafter,
        )
        (self.folder / "本年规定.toml").write_text(PROVISION, encoding="utf-8")
        async with self.database.session(drafter.scope) as session:
            draft = await grounds.draft_provision(session, drafter, self.programme, tomllib.loads(PROVISION))
        await self._refused(
            "起草人不能自己发布",
            "who drafted it cannot release it",
            lambda session: grounds.release_provision(session, drafter, draft),
            drafter,
        )
        async with self.database.session(releaser.scope) as session:
            await grounds.release_provision(session, releaser, draft)
            rules = await grounds.open_period(session, releaser, self.programme, PERIOD)
        self._say(
            f"已开启 {PERIOD} 年度,规则第 {rules.number} 版,版本 {rules.version[:12]}",
            f"plan year {PERIOD} is open: edition {rules.number}, rule book {rules.version[:12]}",
        )

    async def _plans(self) -> None:
        self._chapter("制定五小计划(2月15日前)", "plans, by 15 February")
        await self._day(date(2021, 2, 20))
        opened = 0
        importer = PlanImporter(self.programme, PERIOD)
        bar, watch = progress_bar(self.out, "乡镇录入计划表 / townships enter the plans")
        with bar:
            for entered, township in enumerate(self.county.townships, 1):
                data = made_up.plans_workbook(self.county, township.code)
                name = f"项目计划表-{township.name}.xlsx"
                clerk = self.county.accounts[-1].number if entered == 1 else township.clerk
                status = await self._import(clerk, importer, data, name, quiet=True)
                opened += status.result["tallies"]["plan"]["new"]
                watch(entered, len(self.county.townships))
        self._say(f"申报 {number(opened)} 户", f"{number(opened)} households applied")

    async def _in_place(self) -> None:
        self._chapter("落实到位(3月底前)", "in place, by the end of March")
        await self._day(date(2021, 3, 30))
        stand_in = self.county.accounts[-1]
        if (await self._as(stand_in.number)).actor.duties(date(2021, 3, 30)):
            raise AssertionError("a stand-in ends by itself")
        self._say(
            f"{stand_in.number} 二月代理 {stand_in.stands_in_for} 录入计划,期满已自行终止",
            f"{stand_in.number} stood in for {stand_in.stands_in_for} in February, and it has ended by itself",
        )
        linked = [n for village in self.county.villages for n in village.linked]
        await self._each("联户干部签字 / linked cadres sign", linked, self._sign("in_place"))

    async def _accounting(self) -> None:
        self._chapter("收入核算(9月底前)", "income accounting, by the end of September")
        await self._day(date(2021, 10, 8))
        as_of = date(2021, 9, 30)
        raw = made_up.income_workbook(self.county, corrected=False)
        self._say(
            "台账中的“进账”列系统不认识,指明一次后记住",
            "the ledger's column 进账 is unknown; matched once, it is remembered",
        )
        await self._import("X001", "income", raw, "收入台账.xlsx", as_of=as_of)
        matches = {"进账(元)": "gross_fen"}
        await self._import("X001", "income", raw, "收入台账.xlsx", as_of=as_of, matches=matches)
        good = made_up.income_workbook(self.county, corrected=True)
        await self._import("X001", "income", good, "收入台账(更正).xlsx", as_of=as_of, matches=matches)
        self._say("同一文件再导入一次:没有任何变化", "the same file once more: nothing changes")
        await self._import("X001", "income", good, "收入台账(更正).xlsx", as_of=as_of)
        await self._account_all("X002")
        paper = Stated(date(2021, 9, 30), evidence="核算表纸质签字件")
        self._say(
            "签字日期为9月30日的纸质件于10月8日补录,注明凭据",
            "papers signed on 30 September are typed in on 8 October, with their evidence",
        )
        for title, numbers in (
            ("联户干部 / linked cadres", [n for v in self.county.villages for n in v.linked]),
            ("驻村工作队 / work teams", [v.team for v in self.county.villages if v.team]),
            ("村两委 / village committees", [v.committee for v in self.county.villages]),
            ("包村干部 / township cadres", sorted({v.cadre for v in self.county.villages})),
        ):
            await self._each(title, numbers, self._sign("accounting", paper))

    async def _notice(self) -> None:
        self._chapter("村级公示 5 日(10月11日至15日)", "five days on notice, 11 to 15 October")
        await self._day(date(2021, 10, 11))

        async def post(session: AsyncSession, who: Entered, ground: Ground) -> Report:
            chosen = Selection(stages=["notice"])
            return await acts.post(session, who, ground, chosen, place="村务公开栏")

        await self._each("各村张贴 / villages post", [v.committee for v in self.county.villages], post)
        await self._day(date(2021, 10, 13))
        village = self.county.villages[0]
        clerk = await self._as(village.committee)
        ground = await self._ground(clerk)
        async with self.database.session(clerk.scope) as session:
            posted = [c.number for c in await overview.waiting(session, clerk, ground, Selection(stages=["notice"]))]
            self.told.examples["objected"] = posted[0]
            await acts.object_to(session, clerk, ground, posted[0], "该户养殖收入与实际不符", "演示村民")
        self._say(
            f"有人对 {posted[0]} 提出异议:只有该户暂缓",
            f"somebody objects against {posted[0]}: that household alone waits",
        )

    async def _acceptance(self) -> None:
        self._chapter("乡镇全覆盖验收", "the townships accept every case")
        first, second = self.county.townships[0].acceptors
        objected = self.told.examples["objected"]
        others = Selection(stages=["notice"], without=[objected])
        own = next(village for village in self.county.villages if village.cadre == first)
        await self._day(date(2021, 10, 15))
        await self._refused_report(
            "公示期满次日方可验收", "not before the day after the notice", await self._as(first), acts.accept, others
        )
        await self._day(date(2021, 10, 16))
        await self._refused_report(
            "包村干部不得验收本村",
            "a village's own cadre cannot accept it",
            await self._as(first),
            acts.accept,
            Selection(stages=["notice"], areas=[(own.code, own.code)]),
        )

        async def accept(session: AsyncSession, who: Entered, ground: Ground) -> Report:
            return await acts.accept(session, who, ground, Selection(stages=["notice"]))

        for title, index in (
            ("乡镇验收 / townships accept", 0),
            ("其余村由第二人验收 / a second acceptor for the rest", 1),
        ):
            await self._each(title, [township.acceptors[index] for township in self.county.townships], accept)
        who = await self._as(second)
        ground = await self._ground(who)
        async with self.database.session(who.scope) as session:
            await acts.settle(session, who, ground, objected, upheld=False, finding="入户核实,收入属实")
            report = await acts.accept(session, who, ground, Selection(households=[objected]))
        self._say(
            f"异议核实不成立,{report.done[0]} 随后验收",
            f"the objection is dismissed after a visit, {report.done[0]} is accepted",
        )

    async def _sample(self) -> None:
        self._chapter("县级抽查 10%", "the county's 10 % sample")
        await self._day(date(2021, 10, 20))
        who = await self._as("X002")
        ground = await self._ground(who)
        async with self.database.session(who.scope) as session:
            self.told.drawn = drawn = await sampling.draw_sample(
                session, who, ground, "演示彩票 2021-10-19 第 21120 期", "公开的开奖号码"
            )
        self._say(
            f"总体 {number(drawn.frame_size)} 户,抽中 {number(drawn.size)} 户,按乡镇最大余数分配;种子公开,任何人可重抽",
            f"{number(drawn.size)} of {number(drawn.frame_size)}, spread over townships; the seed is public, "
            "anyone can redraw",
        )
        async with self.database.session(who.scope) as session:
            _, same = await sampling.redraw(session, who, drawn.id)
        self._say(f"重抽一致:{'是' if same else '否'}", f"redrawn, the same: {'yes' if same else 'no'}")
        failed = list(drawn.households[:2])
        async with self.database.session(who.scope) as session:
            await sampling.check(
                session, who, ground, Selection(households=failed), passed=False, finding="台账缺少销售凭据"
            )
            rest = Selection(households=list(drawn.households[2:]))
            await sampling.check(session, who, ground, rest, passed=True)
        self.told.examples["failed"] = failed[0] if failed else ""
        self._say(f"{len(failed)} 户不合格,带问题退回重新核算", f"{len(failed)} fail and go back with the finding")

    async def _payment(self) -> None:
        self._chapter("汇总、复核、放行", "made, checked and released by three persons")
        await self._day(date(2021, 10, 28))
        maker, checker, releaser = [await self._as(staff) for staff in ("X003", "X004", "X005")]
        ground = await self._ground(maker)
        stated = payments.LineStated(
            code="2021-ZX-01", title="脱贫奋进奖补资金", source="专项扶贫资金和统筹整合涉农资金", level="county",
            document="演财农〔2021〕12号", document_on=date(2021, 3, 1), year=2021, programmes=[self.programme.code],
            binding=False,
        )  # fmt: skip
        entry = payments.EntryStated(
            amount_fen=2_500_000_000, document="演财农〔2021〕12号", document_on=date(2021, 3, 1), reason="年初估算"
        )
        async with self.database.session(checker.scope) as session:
            line, first = await payments.add_line(session, checker, stated, entry, self.plugins.programmes)
        async with self.database.session(releaser.scope) as session:
            await payments.confirm_entry(session, releaser, first)
        self._say(
            f"指标 {stated.code}:估算 {money(entry.amount_fen).zh},不足时追加",
            f"budget line {stated.code}: an estimate of {money(entry.amount_fen).en}, topped up where it falls short",
        )
        async with self.database.session(maker.scope) as session:
            gathered = await paying.make_batch(session, maker, self.vault, ground, line)
        made = gathered.batch
        assert made is not None, "an estimate stops nothing"
        if gathered.missing:
            self._say(
                f"{len(gathered.missing)} 户没有账号,未列入,已点名",
                f"{len(gathered.missing)} households without an account are left out and named",
            )
        async with self.database.session(checker.scope) as session:
            await paying.check_batch(session, checker, ground, made.id)
        async with self.database.session(releaser.scope) as session:
            self.told.batch = done = await paying.release_batch(session, releaser, ground, made.id)
        channel = self.plugins.channels["yikatong"]
        async with self.database.session(releaser.scope) as session:
            data = await payments.payment_list(
                session, releaser, self.vault, self.programme, channel, done.id, "报送代发银行"
            )
        self.told.payment_list = self.folder / f"一卡通发放名册-第{done.number}批.xlsx"
        self.told.payment_list.write_bytes(data)
        self._say(
            f"第 {done.number} 批已放行:{number(done.count)} 户,{money(done.total_fen).zh}",
            f"batch {done.number} released: {number(done.count)} households, {money(done.total_fen).en}",
        )

    async def _ending(self) -> None:
        who = await self._as("X002")
        ground = await self._ground(who)
        async with self.database.session(who.scope) as session:
            self.told.figures = await overview.overview(session, who, ground)
            again = await receipts.replay(session, who, self.programme, PERIOD)
        self._chapter("结果", "what came of it")
        self._table(ground)
        self._say(
            f"按原规则重算 {number(again.same)} 份核算,{len(again.faults)} 份不一致",
            f"{number(again.same)} determinations computed again, {len(again.faults)} differ",
        )
        for title, household in await self._examples(who):
            async with self.database.session(who.scope) as session:
                receipt = await receipts.why(session, who, ground, household)
            self.out.print()
            self.out.print(f"[bold]{title.zh} / {title.en}[/]")
            for language in LANGUAGES:
                print_receipt(self.out, receipt, language)

    async def _examples(self, who: Entered) -> list[tuple[Text, str]]:
        """One household whose award is capped, one refused for its year alone, one that never applied."""
        capped = DeterminationRow.values_["capped"].astext == "true"
        late = DeterminationRow.values_["left_in_a_covered_year"].astext == "false"
        found = []
        for name, title, wanted in (
            ("capped", Text("为什么是这个金额?", "why this amount?"), capped & (DeterminationRow.payable_fen > 0)),
            ("refused", Text("为什么没有我?", "why not me?"), late),
        ):
            query = (
                select(Household.number)
                .join(Case, (Case.tenant_id == Household.tenant_id) & (Case.household_id == Household.id))
                .join(
                    DeterminationRow,
                    (DeterminationRow.tenant_id == Case.tenant_id) & (DeterminationRow.case_id == Case.id),
                )
                .where(Household.tenant_id == who.county.id, wanted)
                .order_by(Household.number)
            )
            async with self.database.session(who.scope) as session:
                household = await session.scalar(query.limit(1))
            if household is not None:
                found.append((name, title, household))
        absent = (h.number for h in self.county.households if h.plan_day is None and h.standing == "已脱贫户")
        found += [
            ("never applied", Text("我没有申报,会怎样?", "I did not apply: what would have come out?"), household)
            for household in list(absent)[:1]
        ]
        self.told.examples.update({name: household for name, _, household in found})
        return [(title, household) for _, title, household in found]

    def _table(self, ground: Ground) -> None:
        steps = ground.latest.book.traced().steps
        rows, total = [], ("合计", self.told.figures)
        for name, own in (*((f.name, [f]) for f in self.told.figures), total):
            counts = [
                sum(getattr(f, key) for f in own) for key in ("applied", "eligible", "refused", "incomplete", "waiting")
            ]
            counts += [sum(f.flagged["capped"] for f in own), sum(f.sampled for f in own)]
            sums = [money(sum(getattr(f, key) for f in own)).zh.split()[0] for key in ("payable_fen", "paid_fen")]
            rows.append((name, *(number(count) for count in counts), *sums))
        title = f"{self.programme.title.zh} {PERIOD} / {self.programme.title.en}"
        page.print_table(self.out, title, [title.zh for title in COLUMNS], rows, range(1, len(COLUMNS)))
        self._say("各列", "the columns: " + ", ".join(title.en for title in COLUMNS))
        for name in ground.latest.book.traced().criteria:
            step = steps[name].step
            unmet = sum(f.unmet[name] for f in self.told.figures)
            self._say(
                f"未满足 {step.cites} {step.title.zh}:{unmet}", f"not met, {step.cites}, {step.title.en}: {unmet}"
            )

    # --- how it is told ---

    def _chapter(self, zh: str, en: str) -> None:
        self.out.print()
        self.out.rule(f"[bold]{zh}  {en}", align="left")

    def _say(self, zh: str, en: str) -> None:
        self.out.print(f"{zh}  /  {en}", highlight=False, markup=False, soft_wrap=True)

    async def _free_code(self) -> str:
        """The first made-up county code that is not taken, so that the story can be told again."""
        for code in range(FIRST_CODE, FIRST_CODE + 99):
            try:
                await county(self.database, str(code))
            except Refused:
                return str(code)
        raise RuntimeError("there are ninety-nine demo counties already")

    async def _day(self, today: date) -> None:
        """Move the demo clock."""
        async with self.database.owner() as connection:
            await set_demo_day(connection, self.told.code, today, datetime.now(UTC))
        self.tenant = await county(self.database, self.told.code)
        self._say(f"—— {today} ——", f"today is {today}")

    async def _as(self, staff: str) -> Entered:
        return await enter(self.database, self.told.code, staff)

    async def _ground(self, who: Entered) -> Ground:
        async with self.database.session(who.scope) as session:
            return await grounds.ground_of(session, self.tenant.id, self.programme, PERIOD)

    async def _import(
        self,
        staff: str,
        kind: str | Importer[Any],
        data: bytes,
        name: str,
        *,
        quiet: bool = False,
        **options: Any,
    ) -> jobs.Status:
        (self.folder / name).write_bytes(data)
        importer = IMPORTERS[kind] if isinstance(kind, str) else kind
        who = await self._as(staff)
        job = await importing.ask(self.database, self.vault, who, importer, name, data, **options)
        if quiet:
            status = await jobs.run(self.database, self.vault, who, job, self.handlers)
        else:
            status = await self._job(who, job, name)
            self._told_import(status)
        if status.result_file_id is not None:
            async with self.database.session(who.scope) as session:
                back = await files.fetch(session, self.vault, who.county.id, status.result_file_id)
            (self.folder / back.name).write_bytes(back.data)
            self._say(f"问题已标注:{self.folder / back.name}", f"problems are marked in {back.name}")
        return status

    async def _job(self, who: Entered, job: UUID, title: str) -> jobs.Status:
        bar, watch = progress_bar(self.out, title)
        with bar:
            return await jobs.run(self.database, self.vault, who, job, self.handlers, watch)

    def _told_import(self, status: jobs.Status) -> None:
        for what, tally in status.result.get("tallies", {}).items():
            self._say(
                f"  {what}:新增 {tally['new']},变更 {tally['changed']},相同 {tally['same']}",
                f"new {tally['new']}, changed {tally['changed']}, same {tally['same']}",
            )
        problems = status.result.get("problems") or status.result.get("row_problems") or []
        for problem in problems[:3]:
            self._say(f"  {problem['code']}: {problem['message']['zh']}", problem["message"]["en"])
        if problems:
            self.told.refusals.append(problems[0]["code"])

    async def _account_all(self, staff: str) -> None:
        who = await self._as(staff)
        job = await batch.ask(self.database, who, await self._ground(who))
        status = await self._job(who, job, "全县核算 / the whole county accounted")
        self._say(f"核算 {number(status.result['done'])} 户", f"{number(status.result['done'])} households accounted")

    def _sign(self, stage: str, stated: Stated | None = None) -> Callable[..., Awaitable[Report]]:
        async def sign(session: AsyncSession, who: Entered, ground: Ground) -> Report:
            return await acts.sign(session, who, ground, Selection(stages=[stage]), stage, stated)

        return sign

    async def _each(
        self, title: str, numbers: Sequence[str], act: Callable[[AsyncSession, Entered, Ground], Awaitable[Report]]
    ) -> None:
        """Let each officer act on everything in sight, and say what was done and what was refused and why."""
        done, refused = 0, defaultdict[str, int](int)
        ground: Ground | None = None
        bar, watch = progress_bar(self.out, title)
        with bar:
            for acted, staff in enumerate(numbers, 1):
                who = await self._as(staff)
                ground = ground or await self._ground(who)
                async with self.database.session(who.scope) as session:
                    report = await act(session, who, ground)
                done += len(report.done)
                for _, problem in report.refused:
                    refused[problem.code.name] += 1
                watch(acted, len(numbers))
        why = "".join(f", {name} {count}" for name, count in sorted(refused.items()) if name != "NOT_YOUR_DUTY")
        self._say(f"  完成 {number(done)} 户{why}", f"{number(done)} done{why}")

    async def _refused(self, zh: str, en: str, act: Callable[[AsyncSession], Awaitable[Any]], who: Entered) -> None:
        """Try what must be refused, and show that it is."""
        try:
            async with self.database.session(who.scope) as session:
                await act(session)
        except Refused as refusal:
            self.told.refusals.append(refusal.problems[0].code.name)
            self._say(f"  ✗ {zh}({refusal.problems[0].message.zh})", en)
            return
        raise AssertionError(f"this should have been refused: {en}")

    async def _refused_report(self, zh: str, en: str, who: Entered, act: Any, chosen: Selection) -> None:
        ground = await self._ground(who)
        async with self.database.session(who.scope) as session:
            report: Report = await act(session, who, ground, chosen)
        if report.done or not report.refused:
            raise AssertionError(f"this should have been refused: {en}")
        problem = report.refused[0][1]
        self.told.refusals.append(problem.code.name)
        self._say(f"  ✗ {zh}({problem.message.zh})", en)
