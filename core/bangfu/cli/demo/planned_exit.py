"""计划脱贫户奋进计划 in the story: every planned household, from its plan to the third payment."""

from __future__ import annotations

from datetime import date
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import notices, payments
from bangfu.access import Entered
from bangfu.cases import acts, adjusting, correcting, hearing, overpaid
from bangfu.cases.views import Selection, Stated
from bangfu.cli.demo import county as made_up
from bangfu.cli.demo.telling import Award, village_officers
from bangfu.cli.notice import poster_of
from bangfu.notices import publication
from bangfu.notices.publication import HandedIn
from bangfu.text import money

PROVISION = """\
programme = "planned_exit"
title = "演示县2021年脱贫奋进计划实施方案"
number = "演政办发〔2021〕1号"
issued = 2021-01-20

# The plan does not say what becomes of the award when a member comes or goes: the county counts who is there.
[[parameters.household_size]]
since = 2021-01-01
value = "counted_at_acceptance"
clause = "二(一)3"
"""


class PlannedExit(Award):
    """1,200 yuan a member in parts of 30, 40 and 30 %, the last for those who reach the line."""

    code = "planned_exit"

    @property
    def households(self) -> list[made_up.Household]:
        """Who is to leave poverty."""
        return self.t.county.standing(made_up.PLANNED)

    @property
    def villages(self) -> list[made_up.Village]:
        """Where they live."""
        return [village for village in self.t.county.villages if village.hard]

    async def plan(self) -> None:
        """The plans."""
        self.t.chapter("计划脱贫户:制定计划", "to leave poverty: plans")
        await self.t.day(date(2021, 2, 10))
        await self.sheets(
            "乡镇录入计划表 / townships enter the plans",
            "计划脱贫户计划表",
            lambda township: made_up.plans_workbook(self.t.county, township, made_up.PLANNED),
        )

    async def in_place(self) -> None:
        """What was planned is carried out."""
        self.t.chapter("计划脱贫户:落实到位", "to leave poverty: in place, by the end of February")
        await self.t.day(date(2021, 2, 26))
        await self.each("联户干部签字 / linked cadres sign", self._linked(), self.sign("in_place"))

    async def first_payment(self, line: UUID) -> None:
        """Verified, five days on notice, the first 30 %."""
        self.t.chapter("计划脱贫户:核实、公示、拨付 30%", "verification, notice, 30 %")
        await self.t.day(date(2021, 3, 20))
        await self.account_all("X002")
        for title, numbers in village_officers(self.villages).items():
            own = self._linked() if "linked" in title else numbers
            await self.each(title, own, self.sign("verification"))
        await self.t.day(date(2021, 3, 21))
        await self.each("各村张贴 / villages post", [v.committee for v in self.villages], self.post)
        await self._public()
        await self.t.day(date(2021, 3, 26))
        await self.pay(line, "payment_1")

    async def _public(self) -> None:
        """A village's page and its poster; anybody objects, and an officer hears it."""
        village = self.villages[0]
        who = await self.t.who(village.committee)
        async with self.t.database.session(who.scope) as session:
            (notice,) = await notices.listing(session, who, self.code, self.period)
            address = f"{self.t.host}/public/notices/{notice.slug}"
            pdf = await poster_of(session, who, notice.id, "a3", "村务公开栏张贴", self.t.host)
        self.t.told.poster = self.t.folder / f"公示海报-{village.township}{village.name}.pdf"
        self.t.told.poster.write_bytes(pdf)
        self.t.say(f"公开页(公示期内):{address}", "the village's page, open to everybody for five days")
        self.t.say(f"公示海报:{self.t.told.poster}", "its poster, A3, with the address as a QR code")
        await self.t.day(date(2021, 3, 23))
        at = self.t.tenant.moment()
        async with self.t.database.visit(str(notice.slug), at.today) as session:
            page = await publication.page_of(session, str(notice.slug))
            assert page is not None, "the page is open"
            said = HandedIn(uuid4(), 1, "该户的养殖项目没有看到实物", "演示村民")
            receipt = await publication.hand_in(session, self.t.vault, page, said, at.today, at.now)
        acceptor = next(t for t in self.t.county.townships if t.name == village.township).acceptors[1]

        async def confirm(session: AsyncSession, who: Entered) -> str:
            found = await hearing.by_receipt(session, who, receipt)
            return (await hearing.confirm(session, who, self.t.plugins, found)).done[0]

        household = await self.t.do(acceptor, confirm)
        self.t.told.examples["heard"] = household
        self.t.say(
            f"群众网上提出异议,回执 {receipt};乡镇核实登记,{household} 暂缓",
            f"somebody objects on the page; the township confirms it, and {household} waits",
        )
        await self.act(acceptor, acts.settle, household, upheld=False, finding="入户核实,牛棚在建,项目属实")
        self.t.say("入户核实不成立,继续办理", "a visit finds that it is unfounded: the case goes on")

    async def second_payment(self, line: UUID) -> None:
        """The project goes on: 40 %; one household rests for a week."""
        self.t.chapter("计划脱贫户:持续发展、拨付 40%", "the projects go on: 40 %")
        await self.t.day(date(2021, 6, 20))
        await self._sign_twice("continuing")
        await self.t.day(date(2021, 6, 28))
        rests = self.households[2].number
        self.t.told.examples["rested"] = rests
        chosen = Selection(numbers=[rests])
        await self.act("X002", correcting.pause, chosen, stated=Stated(reason="户主外出就医,联系不上"))
        self.t.say(f"{rests} 暂停", f"{rests} rests, and is left out")
        await self.pay(line, "payment_2")
        await self.t.day(date(2021, 7, 5))
        await self.act("X002", correcting.resume, chosen, stated=Stated(reason="户主已返乡"))
        self.t.say(f"{rests} 恢复,补在下一批", f"{rests} goes on, and is paid with the next batch")
        await self.pay(line, "payment_2")

    async def final(self) -> None:
        """Who reaches 4,500 yuan a member by the end of September; two projects have ended."""
        self.t.chapter("计划脱贫户:最终验收", "final acceptance: 4,500 yuan a member")
        await self.t.day(date(2021, 9, 30))
        await self.t.bring("X001", "income", made_up.net_workbook(self.t.county), "稳定性收入核算表.xlsx")
        for home in self.stopped():
            assert home.village.team is not None
            chosen = Selection(numbers=[home.number])
            await self.act(home.village.team, correcting.stop, chosen, finding="项目已停,圈舍空置")
        self.t.say(
            f"{len(self.stopped())} 户项目已停,终止;已拨付部分不追回",
            f"{len(self.stopped())} projects have ended: no more is paid, nothing is taken back",
        )
        await self.account_all("X002")
        await self._sign_twice("final")

    async def third_payment(self, line: UUID) -> None:
        """What the line leaves."""
        self.t.chapter("计划脱贫户:第三次拨付", "the last part, for who reached the line")
        await self.t.day(date(2021, 10, 8))
        await self.pay(line, "payment_3")

    async def late_death(self) -> None:
        """What becomes known after everything is paid changes nothing that was paid: it is a line of its own."""
        self.t.chapter("迟报的死亡:重新核算、追回", "a death reported late is recovered")
        await self.t.day(date(2021, 11, 5))
        home = self.bereaved()
        self.t.told.examples["bereaved"] = home.number
        data = made_up.departure_workbook(home, home.members[-1], date(2021, 9, 12))
        await self.t.bring("X001", "households", data, "人口变动表.xlsx")
        figures = await self.act("X002", overpaid.figures)
        self.t.told.again[self.code] = sum(one.differing for one in figures)
        much = sum(one.too_much_fen for one in figures)
        self.t.say(
            f"已发待核 {self.t.told.again[self.code]} 户:第三次拨付多发 {money(much).zh}",
            f"to be looked at again: {self.t.told.again[self.code]}, whose last part was {money(much).en} too much",
        )
        stated = Stated(reason="户籍变动迟报", evidence="死亡医学证明")
        found = await self.act("X002", adjusting.recalculate, Selection(numbers=[home.number]), stated=stated)
        (one,) = found.differences
        self.t.say(
            f"{home.number} 重新核算:{money(one.was).zh} → {money(one.now).zh},差额列为追回,已拨付的记录不改",
            f"{home.number} again: {money(one.was).en} → {money(one.now).en}; the difference is recovered, "
            "what was paid stays on record",
        )
        open_ = await self.t.do("X002", lambda session, who: payments.outstanding(session, who, self.code, self.period))
        for own in open_:
            title, fen = own.kind.title_text, money(own.open_fen)
            self.t.say(f"  {own.household} {title.zh} {fen.zh}:{own.reason}", f"{title.en} {fen.en}")

    def stopped(self) -> list[made_up.Household]:
        """The two households whose project has ended, though they reach the line."""
        return [home for home in reversed(self.households) if home.village.team and self.reaches(home)][:2]

    def bereaved(self) -> made_up.Household:
        """The household, paid to the end, of which a member has died."""
        stopped = {home.number for home in self.stopped()}
        return next(
            home
            for home in self.households
            if len(home.members) > 2 and home.number not in stopped and self.reaches(home)
        )

    @staticmethod
    def reaches(home: made_up.Household) -> bool:
        """Whether a household earned what the plan asks for."""
        return home.net_stable >= made_up.LINE * len(home.members)

    def _linked(self) -> list[str]:
        return [home.cadre for home in self.households]

    async def _sign_twice(self, stage: str) -> None:
        """By the cadre, and by the work team, or where there is none by the township's cadre."""
        stands = [village.team or village.cadre for village in self.villages]
        await self.each("联户干部 / linked cadres", self._linked(), self.sign(stage))
        await self.each("驻村工作队、包村干部 / work teams, township cadres", stands, self.sign(stage))
