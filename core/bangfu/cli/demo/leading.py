"""非贫困户带动奖补 in the story: who led others, whom they signed for, and a budget that is too small at first."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import payments
from bangfu.access import Entered
from bangfu.cases import acts, participants
from bangfu.cases.acts import Report
from bangfu.cases.ground import Ground
from bangfu.cases.plans import PlanImporter
from bangfu.cases.views import Selection, Stated
from bangfu.cli.demo import county as made_up
from bangfu.cli.demo.telling import Award
from bangfu.text import money

DAY = date(2021, 9, 20)


class Leading(Award):
    """2,000 yuan for three led households, 3,000 for five; from the county's own budget."""

    code = "leading"

    @property
    def villages(self) -> list[made_up.Village]:
        """Where somebody leads others."""
        return [one.leader.village for one in self.t.county.leading]

    async def apply(self) -> None:
        """Who applies with whom; nobody is led by two."""
        self.t.chapter("带动奖补:申请", "leading others: applications")
        await self.t.day(DAY)
        leading, twice = self.t.county.leading, self.t.county.claimed_twice
        importer = PlanImporter(self.programme, self.period)
        for township in self.t.county.townships[:2]:
            name = f"带动奖补申报表-{township.name}"
            if twice and twice.leader.village.township == township.name:
                self.t.say("同一贫困户被两户申报带动", "one household is claimed by two")
                both = made_up.leading_workbook(township, [*leading, twice], DAY)
                await self.t.bring(township.clerk, importer, both, f"{name}.xlsx")
                self.t.told.examples["claimed twice"] = twice.led[0].number
            good = made_up.leading_workbook(township, leading, DAY)
            await self.t.bring(township.clerk, importer, good, f"{name}(更正).xlsx")

    async def verify(self) -> None:
        """Every led household signs, its cadre confirms; a business is no leader."""
        self.t.chapter("带动奖补:签字认可、核实", "every led household signs")
        await self.t.day(date(2021, 9, 30))
        led = 0
        for one in self.t.county.leading:
            await self._answers(one)
            led += len(one.led)
        self.t.say(f"被带动户签字 {led} 户", f"{led} led households signed")
        await self.account_all("X002")
        business = next(one.leader.number for one in self.t.county.leading if one.entity != "普通农户")
        self.t.told.examples["business"] = business
        self.t.say(f"{business} 属专业合作社,不予奖补", f"{business} is a cooperative: not eligible")
        committees, stands = self._signers(self.villages)
        await self.each("村两委 / village committees", committees, self.sign("verification"))
        await self.each("驻村工作队、包村干部 / work teams, township cadres", stands, self.sign("verification"))

    async def _answers(self, one: made_up.Leading) -> None:
        ground = await self.ground(await self.t.who(one.leader.village.committee))
        paper = Stated(evidence="带动认可签字表")

        async def answer(session: AsyncSession, who: Entered) -> None:
            for home in one.led:
                await participants.answer(
                    session, who, ground, one.leader.number, home.number, agreed=True, stated=paper
                )

        cadres = {cadre: (await self.t.who(cadre)).actor for cadre in {home.cadre for home in one.led}}

        async def vouch(session: AsyncSession, who: Entered) -> None:
            for home in one.led:
                signed = Stated(evidence="带动认可签字表", signatory=cadres[home.cadre])
                await participants.vouch(
                    session, who, ground, one.leader.number, home.number, vouched=True, stated=signed
                )

        await self.t.do(one.leader.village.committee, answer)
        # A cadre sees the households that he is linked to, and the leader's is not: the township types in his paper.
        clerk = next(t.clerk for t in self.t.county.townships if t.name == one.leader.village.township)
        await self.t.do(clerk, vouch)

    @staticmethod
    def _signers(villages: Iterable[made_up.Village]) -> tuple[list[str], list[str]]:
        own = list(villages)
        return [village.committee for village in own], [village.team or village.cadre for village in own]

    async def posted(self) -> None:
        """On notice, on the day on which the others are."""
        await self.each("带动奖补张贴 / leaders are posted", [v.committee for v in self.villages], self.post)

    async def summed_up(self) -> None:
        """The townships sum it up after the notice."""

        async def accept(session: AsyncSession, who: Entered, ground: Ground) -> Report:
            return await acts.accept(session, who, ground, Selection(stages=["notice"]))

        seconds = [township.acceptors[1] for township in self.t.county.townships[:2]]
        await self.each("带动奖补乡镇汇总 / leaders are summed up", seconds, accept)

    async def payment(self, line: UUID) -> None:
        """The county's line binds: who does not fit waits in one order, until it is topped up."""
        self.t.chapter("带动奖补:预算不足,依次等候", "leaders: a budget that binds, and who waits")
        made = await self.pay(line, "payment")
        self.t.told.waited = await self.t.do(
            "X002", lambda session, who: payments.waiting(session, who, self.code, self.period)
        )
        for own in self.t.told.waited:
            self.t.say(f"  第 {own.place} 位 {own.household} {money(own.amount_fen).zh}", f"waits in place {own.place}")
        await self.top_up(line, made.waiting_fen, "演财农〔2021〕58号")
        await self.pay(line, "payment")
