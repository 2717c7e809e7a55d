"""The whole story of the made-up county: a year of the four awards of 奋进计划, of 万企帮万村 and of 助残, and the
autumn of 雨露计划, every step by the officer whose duty it is, on the day it happened."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

from rich.console import Console
from sqlalchemy import select

from bangfu import notices
from bangfu.access import create_county
from bangfu.cases import ground as grounds
from bangfu.cases import missed, overpaid, overview, provisions, receipts
from bangfu.cli import page
from bangfu.cli.demo import county as made_up
from bangfu.cli.demo.consolidation import PROVISION, Consolidation
from bangfu.cli.demo.five_star import FiveStar
from bangfu.cli.demo.helping import Helping
from bangfu.cli.demo.leading import Leading
from bangfu.cli.demo.learning import ShortTraining, TermAid
from bangfu.cli.demo.planned_exit import PROVISION as EXIT_PROVISION
from bangfu.cli.demo.planned_exit import PlannedExit
from bangfu.cli.demo.supporting import Supporting
from bangfu.cli.demo.telling import FIRST_CODE, PERIOD, Award, Telling, Told
from bangfu.cli.receipt import print_receipt
from bangfu.db import Database
from bangfu.models import Case, DeterminationRow, Household
from bangfu.payments import invariants
from bangfu.programme import Plugins
from bangfu.text import LANGUAGES, Text, money, number
from bangfu.vault import Vault

__all__ = ["FIRST_CODE", "PERIOD", "PROGRAMME", "PROVISION", "Story", "Told"]

PROGRAMME = "consolidation"
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
AWARDS = (
    Text("项目", "award"),
    Text("申报", "applied"),
    Text("符合", "eligible"),
    Text("不符合", "refused"),
    Text("批次", "batches"),
    Text("核定(元)", "determined"),
    Text("已放行(元)", "released"),
    Text("应享未享", "missed"),
    Text("已发待核", "to be looked at again"),
)
COUNTED = ("planned_exit", "consolidation", "term_aid", "disability_living", "disability_care")
"""The awards of which the register alone can tell who could have them; the others are for villages to nominate."""


class Story(Telling):
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
        super().__init__(database, vault, plugins, folder, out, size)
        self.exit, self.left = PlannedExit(self), Consolidation(self)
        self.stars, self.leading = FiveStar(self), Leading(self)
        self.terms, self.training = TermAid(self), ShortTraining(self)
        self.helping = Helping(self)
        self.supporting = Supporting(self)

    @property
    def awards(self) -> Sequence[Award]:
        """The four awards, as the plan has them."""
        return (self.exit, self.left, self.stars, self.leading)

    @property
    def everything(self) -> Sequence[Award]:
        """The awards, the two programmes for those who learn a trade, and what is paid every month."""
        return (*self.awards, self.terms, self.training, *self.supporting.subsidies)

    async def tell(self) -> Told:
        """Tell it in the order of the year, from the county's creation to what everybody had."""
        await self.make_county()
        await self.registers()
        await self.rules()
        await self.supporting.january()
        await self.exit.plan()
        await self.left.plan()
        await self.helping.agree()
        await self.exit.in_place()
        plan_line, county_line, learning_line, support_line = await self.funds()
        await self.exit.first_payment(plan_line)
        await self.left.in_place()
        await self.supporting.first_payment(support_line)
        await self.stars.quarter(plan_line)
        await self.exit.second_payment(plan_line)
        await self.supporting.second_payment(support_line)
        await self.helping.summer()
        await self.leading.apply()
        await self.terms.rolls()
        await self.terms.apply()
        await self.training.apply()
        await self.supporting.autumn()
        await self.exit.final()
        await self.leading.verify()
        await self.supporting.third_payment(support_line)
        await self.exit.third_payment(plan_line)
        await self.supporting.last_payment(support_line)
        await self.left.ledger()
        await self.left.what_if()
        await self.left.accounting()
        await self.terms.review()
        await self.training.review()
        await self.left.post_all()
        await self.leading.posted()
        await self.terms.posted()
        await self.left.objection()
        await self.left.acceptance()
        await self.leading.summed_up()
        await self.left.sample()
        await self.terms.concluded()
        await self.left.payment(plan_line)
        await self.leading.payment(county_line)
        await self.left.bank(plan_line)
        await self.terms.autumn(learning_line)
        await self.training.payment(learning_line)
        await self.exit.late_death()
        await self.supporting.closed()
        await self.left.posted_again()
        await self.helping.autumn()
        await self.ending()
        return self.told

    # --- chapters of all awards ---

    async def registers(self) -> None:
        """The county, and its registers from an office's workbooks."""
        self.chapter("建立演示县,导入登记册", "a county, and its registers from an office's workbooks")
        start = date(2021, 1, 20)
        async with self.database.owner() as connection:
            first = ("X001", "演示管理员")
            await create_county(
                connection, self.told.code, "演示县", datetime.now(UTC), demo_today=start, officer=first
            )
        await self.day(start)
        county_ = self.county
        await self.bring("X001", "divisions", made_up.divisions_workbook(county_), "行政区划表.xlsx")
        await self.bring("X001", "organizations", made_up.organizations_workbook(county_), "帮扶单位名录.xlsx")
        await self.bring("X001", "officers", made_up.officers_workbook(county_), "工作人员名册.xlsx")
        spoilt = made_up.roster_workbook(county_, faults=True)
        self.say(
            "先试算:不改动任何数据,问题标注在原表最右一列",
            "a dry run first: nothing changes, problems come back in the same workbook",
        )
        await self.bring("X001", "households", spoilt, "农户花名册.xlsx", dry_run=True)
        good = made_up.roster_workbook(county_, faults=False)
        await self.bring("X001", "households", good, "农户花名册(更正).xlsx")
        standings = (made_up.PLANNED, made_up.LEFT, made_up.NEVER)
        counts = [number(len(county_.standing(standing))) for standing in standings]
        self.say(
            "、".join(f"{standing} {count} 户" for standing, count in zip(standings, counts, strict=True)),
            f"{counts[0]} are to leave poverty, {counts[1]} have left it, {counts[2]} never were poor",
        )
        self.say(
            "部门、企业、农户账号和一名代理;企业只看到自己的结对村",
            "bureaux, enterprises, a household's account and a stand-in; an enterprise sees its own villages only",
        )
        await self.bring("X001", "officers", made_up.accounts_workbook(county_), "账号及代理名册.xlsx")
        await self.bring("X010", "pairings", made_up.pairings_workbook(county_), "村企结对名册.xlsx")

    async def rules(self) -> None:
        """The awards in force, and what the county itself lays down."""
        self.chapter("启用各项目,设置本年规定", "the programmes on, this year's provisions set")
        for award in self.everything:
            await award.switch_on("X002", date(2021, 1, 25))
        left = self.left
        await self.refused(
            "X002",
            "年度不能开启:原文未载明脱贫年度范围",
            "the period cannot be opened: the source hides the years it covers",
            lambda session, who: grounds.open_period(session, who, left.programme, left.period),
        )
        draft = await left.draft("X002", PROVISION, "本年规定.toml")
        await self.refused(
            "X002",
            "起草人不能自己发布",
            "who drafted it cannot release it",
            lambda session, who: provisions.release(session, who, self.plugins, draft),
        )
        await left.open("X003", draft)
        await self.exit.open("X003", await self.exit.draft("X002", EXIT_PROVISION, "本年规定-计划脱贫户.toml"))
        await self.stars.open("X003")
        await self.leading.open("X003")
        await self.terms.open("X003")
        await self.training.open("X003")
        for subsidy in self.supporting.subsidies:
            await subsidy.open("X003")

    async def funds(self) -> tuple[UUID, UUID, UUID, UUID]:
        """The money: an estimate for three awards, the county's own limit for the fourth, what the province gives for
        those who learn a trade, and what is paid every month."""
        self.chapter("资金:四条预算指标", "the money: four budget lines")
        await self.day(date(2021, 3, 1))
        poor = self.size.planned + self.size.exited
        plan = await self.left.fund(
            "2021-ZX-01", "脱贫奋进奖补资金", [award.code for award in (self.exit, self.left, self.stars)],
            poor * 130_000, source="专项扶贫资金和统筹整合涉农资金", level="province", document="演财农〔2021〕12号",
            binding=False,
        )  # fmt: skip
        own = await self.leading.fund(
            "2021-XJ-01", "带动奖补资金", [self.leading.code], len(self.county.leading) * 150_000,
            source="县级财政统筹", level="county", document="演财预〔2021〕3号", binding=True,
        )  # fmt: skip
        learning = await self.terms.fund(
            "2021-YL-01", "雨露计划补助资金", [self.terms.code, self.training.code],
            len(self.county.students) * 150_000 + len(self.county.trainees) * 60_000,
            source="雨露计划试点资金", level="province", document="演财农〔2021〕20号", binding=True,
        )  # fmt: skip
        return plan, own, learning, await self.supporting.fund()

    async def ending(self) -> None:
        """What came of it: tables, the two lists, what always holds, receipts."""
        self.chapter("结果", "what came of it")
        await self.day(date(2021, 11, 10))
        for award in self.everything:
            self.told.figures[award.code] = await award.act("X002", overview.overview)
            if award.code in COUNTED:
                figures = await award.act("X002", missed.figures)
                self.told.missed[award.code] = sum(one.missed for one in figures)
            again = await award.act("X002", overpaid.figures)
            # What was looked at and recovered is settled; what is counted here stands as it was paid.
            self.told.again.setdefault(award.code, sum(one.differing for one in again))
        await self.supporting.count()
        self._by_award()
        await self._by_township()
        self.supporting.figures()
        await self.helping.figures()
        await self._holds()
        await self._page()
        await self._receipts()
        await self.supporting.receipt()

    def _by_award(self) -> None:
        rows, by_month = [], self.told.by_month
        for award in self.everything:
            own, code = self.told.figures[award.code], award.code
            counts = [number(sum(getattr(f, key) for f in own)) for key in ("applied", "eligible", "refused")]
            due = sum(f.payable_fen for f in own) if code not in by_month else by_month[code].due_fen
            sums = [_yuan(due), _yuan(sum(f.paid_fen for f in own))]
            lists = [str(found.get(code, "—")) for found in (self.told.missed, self.told.again)]
            title = award.programme.title.zh
            rows.append((f"{title} {award.period}", *counts, number(len(award.batches)), *sums, *lists))
        paid = sum(f.paid_fen for own in self.told.figures.values() for f in own)
        rows.append(("合计", "", "", "", "", "", _yuan(paid), "", ""))
        title = "各项目 / the programmes"
        page.print_table(self.out, title, [title.zh for title in AWARDS], rows, range(1, len(AWARDS)))
        self.say("各列", "the columns: " + ", ".join(title.en for title in AWARDS))
        self.say(
            "最终验收未达标的计划脱贫户,前两次已拨付的不追回,故已放行大于核定",
            "who missed the line at the end keeps the first two parts: more was released than is determined",
        )

    async def _by_township(self) -> None:
        figures = self.told.figures[PROGRAMME]
        ground = await self.left.ground(await self.who("X002"))
        steps = ground.latest.book.traced().steps
        rows = []
        for name, own in (*((f.name, [f]) for f in figures), ("合计", figures)):
            counts = [
                sum(getattr(f, key) for f in own) for key in ("applied", "eligible", "refused", "incomplete", "waiting")
            ]
            counts += [sum(f.flagged["capped"] for f in own), sum(f.sampled for f in own)]
            sums = [_yuan(sum(getattr(f, key) for f in own)) for key in ("payable_fen", "paid_fen")]
            rows.append((name, *(number(count) for count in counts), *sums))
        title = f"{self.left.programme.title.zh} {PERIOD} / {self.left.programme.title.en}"
        page.print_table(self.out, title, [title.zh for title in COLUMNS], rows, range(1, len(COLUMNS)))
        self.say("各列", "the columns: " + ", ".join(title.en for title in COLUMNS))
        for name in ground.latest.book.traced().criteria:
            step = steps[name].step
            unmet = sum(f.unmet[name] for f in figures)
            self.say(f"未满足 {step.cites} {step.title.zh}:{unmet}", f"not met, {step.cites}, {step.title.en}: {unmet}")

    async def _holds(self) -> None:
        """Every determination computed again, and everything that must always hold of money."""
        same = faults = 0
        for award in self.everything:
            again = await award.replay("X002")
            self.told.replayed[award.code] = again.same
            same, faults = same + again.same, faults + len(again.faults)
        self.say(
            f"按原规则重算 {number(same)} 份核算,{faults} 份不一致",
            f"{number(same)} determinations computed again, {faults} differ",
        )
        found = await invariants.examine(self.database, [self.tenant.id], self.plugins.programmes, datetime.now(UTC))
        self.told.broken = [own.invariant.code for own in found]
        rules, broken = len(invariants.INVARIANTS), len(found)
        self.say(
            f"bangfu doctor:{rules} 条资金规则,{broken} 条不成立", f"bangfu doctor: {rules} invariants, {broken} broken"
        )

    async def _page(self) -> None:
        """A village's page that is open today, for whoever serves the API over this county."""
        posted = [
            one
            for one in await self.do("X002", lambda s, w: notices.listing(s, w, PROGRAMME, PERIOD))
            if one.slug and one.first <= self.tenant.moment().today <= one.last
        ]
        self.told.page = f"{self.host}/public/notices/{posted[0].slug}"
        self.say(f"正在公示的公开页:{self.told.page}", "a notice that is open today, for everybody to see")

    # --- receipts ---

    async def _receipts(self) -> None:
        """One household of each award, and the three questions of the largest, in both languages."""
        why = Text("为什么是这个金额?", "why this amount?")
        shown: list[tuple[Award, str, Text]] = [
            (self.exit, await self._example(self.exit, "income_reaches_the_gate", "false"),
             Text("为什么没有第三次?", "why no third payment?")),
            *[(self.left, household, title) for household, title in await self._left()],
            (self.stars, await self._example(self.stars, "won_a_star", "true"), why),
            (self.leading, self.county.leading[0].leader.number, why),
        ]  # fmt: skip
        for award, household, title in shown:
            receipt = await award.act("X002", receipts.why, household)
            self.out.print()
            self.out.print(f"[bold]{title.zh} / {title.en}[/]")
            for language in LANGUAGES:
                print_receipt(self.out, receipt, language)

    async def _left(self) -> list[tuple[str, Text]]:
        """One household whose award is capped, one refused for its year alone, one that never applied."""
        absent = (h.number for h in self.county.standing(made_up.LEFT) if h.plan_day is None)
        found = {
            "capped": await self._example(self.left, "capped", "true", DeterminationRow.payable_fen > 0),
            "refused": await self._example(self.left, "left_in_a_covered_year", "false"),
            "never applied": next(absent, ""),
        }
        self.told.examples |= found
        titles = (
            Text("为什么是这个金额?", "why this amount?"),
            Text("为什么没有我?", "why not me?"),
            Text("我没有申报,会怎样?", "I did not apply: what would have come out?"),
        )
        return [(household, title) for household, title in zip(found.values(), titles, strict=True) if household]

    async def _example(self, award: Award, step: str, value: str, *also: object) -> str:
        """The first household of an award for which a step of its book came out so."""
        who = await self.who("X002")
        wanted = [DeterminationRow.values_[step].astext == value, *also]
        query = (
            select(Household.number)
            .join(Case, (Case.tenant_id == Household.tenant_id) & (Case.household_id == Household.id))
            .join(
                DeterminationRow,
                (DeterminationRow.tenant_id == Case.tenant_id) & (DeterminationRow.case_id == Case.id),
            )
            .where(Household.tenant_id == who.county.id, Case.programme == award.code, *wanted)
            .order_by(Household.number)
        )
        async with self.database.session(who.scope) as session:
            found = await session.scalar(query.limit(1))
        if found is None:
            raise AssertionError(f"{award.code} has an example of {step}")
        return found


def _yuan(fen: int) -> str:
    return money(fen).zh.split()[0]
