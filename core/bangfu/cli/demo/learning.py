"""雨露计划 in the story: who learns a trade, what schools and families say of it, and the autumn's aid."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Entered
from bangfu.cases import acts, attesting
from bangfu.cases.acts import Report
from bangfu.cases.ground import Ground
from bangfu.cases.views import Selection
from bangfu.cli.demo import county as made_up
from bangfu.cli.demo.telling import Award
from bangfu.registry import schooling
from bangfu.text import number

APPLIED = date(2021, 9, 20)
REVIEWER = "X013"
"""Who reviews at the finance bureau, and releases no payment."""


class TermAid(Award):
    """700 yuan for the autumn term; what the spring brings is seen in spring."""

    code = "term_aid"
    period = "2021-2022"

    async def rolls(self) -> None:
        """The bureau's roll, the families' papers, and the schools' word for their students."""
        self.t.chapter("雨露计划:学籍名册、学校确认", "vocational students: rolls, papers, and the schools' word")
        county = self.t.county
        await self.t.bring("X009", "schooling", made_up.roll_workbook(county, True), "学籍名册-县内.xlsx")
        for township in county.townships:
            sheet = made_up.roll_workbook(county, False, township)
            await self.t.bring(township.clerk, "schooling", sheet, f"学籍证明-{township.name}.xlsx", quiet=True)
        for school in county.schools:
            if school.agent:
                done = await self.t.do(school.agent, _confirm)
                self.t.say(
                    f"{school.name}确认本校学生 {number(done)} 人",
                    f"{school.name} confirms {number(done)} of its students",
                )

    async def apply(self) -> None:
        """The students of registered households apply in the village, nearly all of them."""
        await self.sheets(
            "学生申请 / students apply",
            "雨露计划申请表",
            lambda township: made_up.term_aid_workbook(self.t.county, township, APPLIED),
        )

    async def review(self) -> None:
        """The village and the township, then the county's office and the finance bureau."""
        self.t.chapter("雨露计划:初审、再审", "vocational students: the two reviews")
        await self.account_all("X002")
        villages = self.t.county.villages
        await self.each("村两委 / village committees", [v.committee for v in villages], self.sign("first_review"))
        clerks = [township.clerk for township in self.t.county.townships]
        await self.each("乡镇经办 / township clerks", clerks, self.sign("first_review"))
        # One after the other: both sign the same cases.
        for title, reviewer in (
            ("县脱贫办 / the county's office", "X002"),
            ("县财政局 / the finance bureau", REVIEWER),
        ):
            await self.each(title, [reviewer], self.sign("second_review"))

    async def posted(self) -> None:
        """Seven days on notice; of a child, the surname alone."""

        async def post(session: AsyncSession, who: Entered, ground: Ground) -> Report:
            place = "扶贫网、村务公开栏、校园公告栏"
            return await acts.post(session, who, ground, Selection(stages=["notice"]), place=place)

        await self.each("雨露计划公示 7 日 / students on notice for seven days", ["X002"], post)

    async def concluded(self) -> None:
        """Nobody objected."""

        async def conclude(session: AsyncSession, who: Entered, ground: Ground) -> Report:
            return await acts.conclude(session, who, ground, Selection(stages=["notice"]))

        await self.each("雨露计划公示期满 / their notice has stood", ["X002"], conclude)

    async def autumn(self, line: UUID) -> None:
        """The first term is paid."""
        self.t.chapter("雨露计划:秋季学期补助发放", "vocational students: the autumn is paid")
        await self.pay(line, "autumn_payment")


class ShortTraining(Award):
    """600 yuan once in a lifetime."""

    code = "short_training"

    async def apply(self) -> None:
        """Who took a course applies at the township; the training base seals what it is asked."""
        await self.sheets(
            "短期培训申请 / short trainings",
            "短期技能培训登记",
            lambda township: made_up.training_workbook(self.t.county, township, APPLIED),
        )
        base = self.t.county.base
        done = await self.t.do(base.agent, _seal)
        self.t.say(
            f"{base.name}签字盖章 {number(done)} 份,其余见纸质登记卡",
            f"{base.name} signs and seals {number(done)} cards itself; the others are sealed on paper",
        )

    async def review(self) -> None:
        """The township, the county's office, the finance bureau."""
        await self.account_all("X002")
        acceptors = [township.acceptors[1] for township in self.t.county.townships]
        await self.each("乡镇初审 / township reviews", acceptors, self.sign("first_review"))
        await self.each("县级审核 / the county reviews", ["X002"], self.sign("county_review"))
        await self.each("财政复核 / finance re-checks", [REVIEWER], self.sign("finance_recheck"))

    async def payment(self, line: UUID) -> None:
        """Paid once."""
        await self.pay(line, "payment")


async def _seal(session: AsyncSession, who: Entered) -> int:
    """The agent of the training base signs and seals every card that it is asked, page by page."""
    done = 0
    while asked := await attesting.cards(session, who, answered=False):
        done += (await attesting.attest(session, who, [one.id for one in asked], attested=True)).done
    return done


async def _confirm(session: AsyncSession, who: Entered) -> int:
    """A school's agent says that all on its roll are its students."""
    return (await schooling.confirm(session, who, None)).done
