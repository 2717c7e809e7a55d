"""已脱贫户巩固增收 in the story: from the plan to the bank's answers, every step by the officer whose duty it is."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import jobs, payments, simulate
from bangfu.access import Entered
from bangfu.cases import acts, overview, planning, sampling
from bangfu.cases.acts import Report
from bangfu.cases.ground import Ground
from bangfu.cases.planning import PlanStated
from bangfu.cases.views import Selection, Stated
from bangfu.cli.demo import county as made_up
from bangfu.cli.demo.telling import KEEPER, RELEASER, Award, village_officers
from bangfu.models import Household, PaymentLine, PaymentReturn
from bangfu.payments import answers
from bangfu.text import money, number

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
WHAT_IF = """\
programme = "consolidation"
title = "演示县奖补上限调整办法"
number = "演政办发〔2021〕9号"
issued = 2021-09-20

[[parameters.household_cap]]
since = 2020-10-01
value = "2500.00"
clause = "一"
"""
"""A document that is drafted, looked at and never released."""
CHANNEL = "yikatong"


class Consolidation(Award):
    """Shares of gross income, at most 3,000 yuan a household."""

    code = "consolidation"

    async def plan(self) -> None:
        """The plans; one household cannot have both awards."""
        self.t.chapter("已脱贫户:制定五小计划(2月15日前)", "left poverty: plans, by 15 February")
        await self.t.day(date(2021, 2, 20))
        first, stand_in = self.t.county.townships[0], self.t.county.accounts[-1]
        await self.sheets(
            "乡镇录入计划表 / townships enter the plans",
            "项目计划表",
            lambda township: made_up.plans_workbook(self.t.county, township, made_up.LEFT, made_up.NEVER),
            **{first.clerk: stand_in.number},
        )
        planned = self.t.county.standing(made_up.PLANNED)[0]
        projects = self.programme.stated()["projects"].choices
        assert projects is not None
        facts = {"projects": frozenset({projects("small_breeding")})}
        both = PlanStated(planned.number, facts, Stated(reason="补报"))
        await self.refused(
            planned.cadre,
            "计划脱贫户不能同时申报",
            "who is to leave poverty has the other award",
            planning.plan,
            [both],
        )

    async def in_place(self) -> None:
        """What was planned is carried out."""
        self.t.chapter("已脱贫户:落实到位(3月底前)", "left poverty: in place, by the end of March")
        await self.t.day(date(2021, 3, 30))
        stand_in = self.t.county.accounts[-1]
        if (await self.t.who(stand_in.number)).actor.duties(date(2021, 3, 30)):
            raise AssertionError("a stand-in ends by itself")
        self.t.say(
            f"{stand_in.number} 二月代理 {stand_in.stands_in_for} 录入计划,期满已自行终止",
            f"{stand_in.number} stood in for {stand_in.stands_in_for} in February, and it has ended by itself",
        )
        linked = [cadre for village in self.t.county.villages for cadre in village.linked]
        await self.each("联户干部签字 / linked cadres sign", linked, self.sign("in_place"))

    async def ledger(self) -> None:
        """The office's ledger with its mistakes, matched, corrected, and once more."""
        self.t.chapter("已脱贫户:收入核算(9月底前)", "income accounting, by the end of September")
        await self.t.day(date(2021, 10, 8))
        as_of, county = date(2021, 9, 30), self.t.county
        raw = made_up.income_workbook(county, corrected=False)
        self.t.say(
            "台账中的“进账”列系统不认识,指明一次后记住",
            "the ledger's column 进账 is unknown; matched once, it is remembered",
        )
        await self.t.bring("X001", "income", raw, "收入台账.xlsx", as_of=as_of)
        matches = {"进账(元)": "gross_fen"}
        await self.t.bring("X001", "income", raw, "收入台账.xlsx", as_of=as_of, matches=matches)
        good = made_up.income_workbook(county, corrected=True)
        await self.t.bring("X001", "income", good, "收入台账(更正).xlsx", as_of=as_of, matches=matches)
        self.t.say("同一文件再导入一次:没有任何变化", "the same file once more: nothing changes")
        await self.t.bring("X001", "income", good, "收入台账(更正).xlsx", as_of=as_of)

    async def what_if(self) -> None:
        """What a lower cap would save, told before anybody decides; the draft is not released."""
        draft = await self.draft("X002", WHAT_IF, "上限调整办法.toml")
        total: simulate.Figures = await self.t.do("X003", lambda session, who: self._previewed(session, who, draft))
        before, after = money(total.fen_before), money(total.fen_after)
        self.t.say(
            f"试算:上限若改为 2,500 元,{total.lose} 户减少,合计由 {before.zh} 变为 {after.zh};草稿不发布",
            f"what if the cap were 2,500 yuan: {total.lose} households would get less, {after.en} in all and not "
            f"{before.en}; the draft is not released",
        )

    async def _previewed(self, session: AsyncSession, who: Entered, draft: UUID) -> simulate.Figures:
        return (await simulate.preview(session, who, self.t.plugins, draft, self.period)).total

    async def accounting(self) -> None:
        """The whole county accounted, and signed by the four."""
        await self.account_all("X002")
        paper = Stated(date(2021, 9, 30), evidence="核算表纸质签字件")
        self.t.say(
            "签字日期为9月30日的纸质件于10月8日补录,注明凭据",
            "papers signed on 30 September are typed in on 8 October, with their evidence",
        )
        for title, numbers in village_officers(self.t.county.villages).items():
            await self.each(title, numbers, self.sign("accounting", paper))

    async def post_all(self) -> None:
        """Five days on notice in every village."""
        self.t.chapter("村级公示 5 日(10月11日至15日)", "five days on notice, 11 to 15 October")
        await self.t.day(date(2021, 10, 11))
        await self.each("各村张贴 / villages post", [v.committee for v in self.t.county.villages], self.post)

    async def objection(self) -> None:
        """Somebody objects: one household waits."""
        await self.t.day(date(2021, 10, 13))
        clerk = self.t.county.villages[0].committee
        posted = [one.number for one in await self.act(clerk, overview.waiting, Selection(stages=["notice"]))]
        self.t.told.examples["objected"] = posted[0]
        await self.act(clerk, acts.object_to, posted[0], "该户养殖收入与实际不符", "演示村民")
        self.t.say(
            f"有人对 {posted[0]} 提出异议:只有该户暂缓",
            f"somebody objects against {posted[0]}: that household alone waits",
        )

    async def acceptance(self) -> None:
        """The townships accept every case."""
        self.t.chapter("乡镇全覆盖验收", "the townships accept every case")
        first, second = self.t.county.townships[0].acceptors
        objected = self.t.told.examples["objected"]
        others = Selection(stages=["notice"], without=[objected])
        own = next(village for village in self.t.county.villages if village.cadre == first)
        await self.t.day(date(2021, 10, 15))
        await self.refused(first, "公示期满次日方可验收", "not before the day after the notice", acts.accept, others)
        await self.t.day(date(2021, 10, 16))
        in_charge = Selection(stages=["notice"], areas=[(own.code, own.code)])
        await self.refused(
            first, "包村干部不得验收本村", "a village's own cadre cannot accept it", acts.accept, in_charge
        )

        async def accept(session: AsyncSession, who: Entered, ground: Ground) -> Report:
            return await acts.accept(session, who, ground, Selection(stages=["notice"]))

        for title, index in (
            ("乡镇验收 / townships accept", 0),
            ("其余村由第二人验收 / a second acceptor for the rest", 1),
        ):
            await self.each(title, [township.acceptors[index] for township in self.t.county.townships], accept)
        await self.act(second, acts.settle, objected, upheld=False, finding="入户核实,收入属实")
        report = await self.act(second, acts.accept, Selection(numbers=[objected]))
        self.t.say(
            f"异议核实不成立,{report.done[0]} 随后验收",
            f"the objection is dismissed after a visit, {report.done[0]} is accepted",
        )

    async def sample(self) -> None:
        """The county draws a tenth by a public seed; what fails goes back."""
        self.t.chapter("县级抽查 10%", "the county's 10 % sample")
        await self.t.day(date(2021, 10, 20))
        drawn: sampling.Drawn = await self.act(
            "X002", sampling.draw_sample, "演示彩票 2021-10-19 第 21120 期", "公开的开奖号码"
        )
        self.t.told.drawn = drawn
        self.t.say(
            f"总体 {number(drawn.frame_size)} 户,抽中 {number(drawn.size)} 户,按乡镇最大余数分配;种子公开,任何人可重抽",
            f"{number(drawn.size)} of {number(drawn.frame_size)}, spread over townships; the seed is public, "
            "anyone can redraw",
        )
        _, same = await self.t.do("X002", lambda session, who: sampling.redraw(session, who, drawn.id))
        self.t.say(f"重抽一致:{'是' if same else '否'}", f"redrawn, the same: {'yes' if same else 'no'}")
        failed, rest = Selection(numbers=drawn.households[:2]), Selection(numbers=drawn.households[2:])
        await self.act("X002", sampling.check, failed, passed=False, finding="台账缺少销售凭据")
        await self.act("X002", sampling.check, rest, passed=True)
        self.t.told.examples["failed"] = drawn.households[0]
        self.t.say("2 户不合格,带问题退回重新核算", "2 fail and go back with the finding")

    async def payment(self, line: UUID) -> None:
        """Paid from a line that is an estimate: it warns, and is topped up."""
        self.t.chapter("已脱贫户:汇总、复核、放行", "made, checked and released by three persons")
        await self.t.day(date(2021, 10, 28))
        await self.pay(line, "payment")
        await self.top_up(line, 1_500_000_000, "演财农〔2021〕57号")
        done, channel = self.batches[0], self.t.plugins.channels[CHANNEL]
        data = await self.t.do(
            RELEASER,
            lambda session, who: payments.payment_list(
                session, who, self.t.vault, self.programme, channel, done.id, "报送代发银行"
            ),
        )
        self.t.told.payment_list = self.t.folder / f"一卡通发放名册-第{done.number}批.xlsx"
        self.t.told.payment_list.write_bytes(data)
        self.t.say("发放名册已生成,金额读回核对一致", "the payment list is written, read back, and agrees")

    async def bank(self, line: UUID) -> None:
        """The bank's file, its answers, and what did not get through: corrected, and paid again."""
        self.t.chapter("代发银行:回盘、退票重发", "the bank's answers: two payments came back")
        template = payments.TemplateStated(
            channel=CHANNEL,
            columns=[("position", "序号"), ("holder", "户名"), ("account", "账号"), ("amount", "金额")],
            rows_per_file=10_000,
        )
        channels = list(self.t.plugins.channels)
        await self.t.do(KEEPER, lambda session, who: payments.keep_template(session, who, template, channels))
        paid = self.batches[0]
        name, data = await self.t.do(
            RELEASER,
            lambda session, who: payments.bank_text(
                session, who, self.t.vault, self.programme, paid.id, "报送代发银行"
            ),
        )
        (self.t.folder / name).write_bytes(data)
        self.t.say(f"报盘文件:{self.t.folder / name}(GB 18030)", "the file that the bank takes, in GB 18030")
        await self.t.day(date(2021, 11, 1))
        answered = _answered(data.decode("gb18030"))
        (self.t.folder / "银行回盘.txt").write_bytes(answered)
        status = await self._read(paid, answered)
        told = {name: number(status.result[name]) for name in ("rows", "paid", "returned", "odd")}
        self.t.say(
            "回盘 {rows} 行:到账 {paid},退票 {returned},有疑问 {odd}".format(**told),
            "{rows} answers: {paid} paid, {returned} came back, {odd} odd".format(**told),
        )
        returned = self.t.told.returned = await self.t.do(RELEASER, _returned)
        home = next(one for one in self.t.county.households if one.number == returned[0])
        account = f"99{self.t.told.code}{10**11 - 1}"
        await self.t.do(
            "X001",
            lambda session, who: payments.correct_account(
                session, who, self.t.vault, home.number, home.members[0].name, "演示农商行", account,
                "原账号已销户", "新存折复印件",
            ),
        )  # fmt: skip
        self.t.say(
            f"{home.number} 更正账号,重新发放;另一户待更正", f"{home.number} has a new account and is paid again"
        )
        await self.pay(line, "payment")

    async def _read(self, batch: payments.Batch, data: bytes) -> jobs.Status:
        who = await self.t.who(RELEASER)
        largest = self.t.database.settings.largest_file
        async with self.t.database.session(who.scope) as session:
            job = await answers.put(session, self.t.vault, who, batch.id, "银行回盘.txt", data, largest)
        return await self.t.job(who, job, "银行回盘.txt")

    async def posted_again(self) -> None:
        """What failed the sample is accounted and signed again, and stands on a notice of its own."""
        self.t.chapter("抽查退回的户:重新核算、再次公示", "what failed is posted again")
        await self.t.day(date(2021, 11, 8))
        assert self.t.told.drawn is not None
        failed = self.t.told.drawn.households[:2]
        homes = [one for one in self.t.county.households if one.number in failed]
        late = Stated(reason="抽查退回,已补齐销售凭据")
        await self.act("X002", acts.account, Selection(numbers=failed))
        for title, numbers in village_officers([home.village for home in homes]).items():
            own = [home.cadre for home in homes] if "linked" in title else numbers
            await self.each(title, own, self.sign("accounting", late))
        await self.each("再次张贴 / posted again", [home.village.committee for home in homes], self.post)


def _answered(listed: str) -> bytes:
    """What a bank answers to its file: everything arrived but two."""
    header, *rows = listed.splitlines()
    failed = {1: "失败|账号已销户", len(rows) // 2: "失败|户名不符"}
    lines = [f"{header}|处理结果|失败原因"]
    lines += [f"{row}|{failed.get(place, '成功|')}" for place, row in enumerate(rows)]
    return "\r\n".join([*lines, ""]).encode("gb18030")


async def _returned(session: AsyncSession, who: Entered) -> list[str]:
    """The households to whom a payment did not get through, in their order on the list."""
    line = (PaymentLine.tenant_id == PaymentReturn.tenant_id) & (PaymentLine.id == PaymentReturn.line_id)
    home = (Household.tenant_id == PaymentReturn.tenant_id) & (Household.id == PaymentReturn.household_id)
    query = select(Household.number).select_from(PaymentReturn).join(PaymentLine, line).join(Household, home)
    return list(
        await session.scalars(query.where(PaymentReturn.tenant_id == who.county.id).order_by(PaymentLine.position))
    )
