"""农村人居环境整治奖励 in the story: the stars of one quarter, in every village within its quota."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Entered
from bangfu.cases import acts, selecting
from bangfu.cases.acts import Report
from bangfu.cases.ground import Ground
from bangfu.cases.views import Selection
from bangfu.cli.demo import county as made_up
from bangfu.cli.demo.telling import Award
from bangfu.text import number

DAY = date(2021, 5, 20)


class FiveStar(Award):
    """300 yuan a household, at most a fifth of a village's registered households."""

    code = "five_star"
    period = "2021Q2"

    async def quarter(self, line: UUID) -> None:
        """Nominated, assessed, selected within the quota, on notice, paid."""
        self.t.chapter("五星农户:各村名额内评选", "five stars: a quarter, within each quota")
        await self.t.day(DAY)
        quotas = {own.village: own.quota for own in await self.act("X002", selecting.quotas)}
        nominated = self._nominated(quotas)
        await self.sheets(
            "各村提名 / villages nominate",
            "五星提名表",
            lambda township: made_up.nominations_workbook(self.t.county, township, nominated, DAY),
        )
        await self.account_all("X002")
        villages = self.t.county.villages
        stands = [village.team or village.cadre for village in villages]
        await self.each("驻村工作队、包村干部 / work teams, township cadres", stands, self.sign("assessment"))
        first = villages[0]
        await self.act(first.committee, acts.sign, Selection(stages=["assessment"]), "assessment")
        at_selection = Selection(stages=["selection"])
        await self.refused(
            first.committee, f"{first.name}超出名额", "one village selects one too many", selecting.choose, at_selection
        )
        surplus = [home.number for home in nominated if home.village is first][-1]
        await self.act(first.committee, selecting.choose, Selection(numbers=[surplus]), selected=False)
        self.t.told.examples["passed over"] = surplus
        selected = await self.each(
            "村两委评选并张贴 / villages select and post", [v.committee for v in villages], _select
        )
        self.t.say(
            f"名额共 {number(sum(quotas.values()))} 户,入选 {number(selected)} 户",
            f"{number(selected)} selected of {number(sum(quotas.values()))} places",
        )
        await self.t.day(date(2021, 5, 25))
        await self.pay(line, "payment")

    def _nominated(self, quotas: dict[int, int]) -> list[made_up.Household]:
        """As many as each village has places, and one more in the first; who left poverty comes first here."""
        found = []
        for place, village in enumerate(self.t.county.villages):
            own = [home for home in self.t.county.standing(made_up.LEFT) if home.village is village and home.account]
            found += own[: quotas[village.code] + (place == 0)]
        return found


async def _select(session: AsyncSession, who: Entered, ground: Ground) -> Report:
    """A village committee signs, selects, and posts."""
    await acts.sign(session, who, ground, Selection(stages=["assessment"]), "assessment")
    report = await selecting.choose(session, who, ground, Selection(stages=["selection"]))
    await Award.post(session, who, ground)
    return report
