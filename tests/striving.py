"""The county of ``tests.county`` with the four awards of 奋进计划, and households for each of them.

甲村 (poor) and 乙村 (not poor) get poor households for the planned-exit award, and households never registered poor that
lead others. What each is due is worked out by hand: 1,200 yuan a member in parts of 30, 40 and 30 %; 300 yuan a star;
2,000 yuan from three led households on, 3,000 from five.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from bangfu import payments
from bangfu.cases import acts, correcting, participants, paying, planning, selecting
from bangfu.cases import ground as grounds
from bangfu.cases.acts import Report
from bangfu.cases.planning import PlanStated
from bangfu.cases.views import Selection, Stated
from county_default.five_star.rules import Star
from county_default.leading.rules import Entity, Mode
from county_default.vocabulary import Project
from tests.county import World, clean, identity
from tests.stories import remembered

RELATIONS = ("户主", "配偶", "子", "女")
EXIT, STARS, LEADING = "planned_exit", "five_star", "leading"
WHOLE = date(2021, 12, 31)


@dataclass(frozen=True)
class Family:
    """A household: where, how many members, its standing, and its stable net income in the window, in yuan."""

    number: str
    village: str
    cadre: str
    standing: str
    members: int
    net: int


FAMILIES = (
    Family("P1", "甲村", "L1", "贫困户", 4, 18_000),  # 4 x 4,500: reaches the line exactly
    Family("P2", "甲村", "L1", "贫困户", 1, 5_000),
    Family("P3", "甲村", "L1", "贫困户", 4, 17_999),  # misses it by one yuan
    Family("P4", "甲村", "L1", "贫困户", 3, 14_000),
    Family("P5", "乙村", "L2", "贫困户", 2, 9_500),
    Family("P6", "甲村", "L1", "贫困户", 2, 20_000),
    Family("G1", "甲村", "L1", "一般农户", 3, 0),
    Family("G2", "甲村", "L1", "一般农户", 2, 0),
)  # fmt: skip


def roster() -> str:
    lines = [
        "户编号,乡镇,行政村,村民小组,户类型,脱贫年度,联户干部工号,姓名,证件号码,与户主关系,开户名,开户行,一卡通账号"
    ]
    for index, home in enumerate(FAMILIES):
        lines += [
            f"{home.number},东镇,{home.village},二组,{home.standing},,{home.cadre},进{home.number}{place}号,"
            f"{identity(700 + index * 7 + place)},{RELATIONS[place]},进{home.number}0号,测试银行,99000000001{1000 + index}"
            for place in range(home.members)
        ]
    return "\n".join(lines)


def ledger() -> str:
    """Each family's stable income: gross, and a fifth of it as cost on top, so that net is what the table says."""
    lines = ["户编号,日期,收入类别,项目,总收入,成本,是否稳定,印证资料"]
    lines += [
        f"{home.number},2021-06-01,务工,务工收入,{home.net + 1_000},1000,是,工资单" for home in FAMILIES if home.net
    ]
    # Not stable, or of unknown cost: neither counts.
    lines.append("P3,2021-06-02,养殖,零工,500,0,否,收条")
    lines.append("P3,2021-06-03,种植,山货,500,,是,收条")
    return "\n".join(lines)


class Striving(World):
    """The county, working on one award at a time."""

    async def prepare(self) -> None:
        """Import the families and their income, open every award."""
        self.today = date(2021, 1, 20)
        for kind, data in (("households", roster()), ("income", ledger())):
            if kind == "income":
                self.today = date(2021, 9, 30)
            status = await self.bring(kind, data, "R1")
            assert status.state == "done", status.result
        self.today = date(2021, 1, 20)
        for code, periods in ((EXIT, ("2021",)), (STARS, ("2021Q1", "2021Q2")), (LEADING, ("2021",))):
            self.code = code
            who = self.who("C1")
            async with self.database.session(who.scope) as session:
                await grounds.switch_on(session, who, self.programme, self.today)
                for period in periods:
                    await grounds.open_period(session, who, self.programme, period)

    def on(self, code: str, period: str = "2021", today: date | None = None) -> None:
        """Work on an award."""
        self.code, self.period = code, period
        self.today = today or self.today

    async def set(self, **values: Any) -> None:
        """Set numbers by a provision of the county's own and open the next edition."""
        second = self.who("C2")
        given = {name: [{"since": date(2021, 1, 1), "value": value, "clause": "一"}] for name, value in values.items()}
        (released,) = await self.rows("select count(*) from provision")
        raw = {
            "title": "补充规定",
            "number": f"测政办〔2021〕{released[0] + 1}号",
            "issued": self.today,
            "parameters": given,
        }
        await self.provide(raw)
        async with self.database.session(second.scope) as session:
            await grounds.open_period(session, second, self.programme, self.period)

    # --- plans of each award ---

    async def state(
        self,
        number: str,
        home: str,
        facts: Mapping[str, Any],
        parts: Mapping[str, Sequence[str]] | None = None,
        **stated: Any,
    ) -> Report:
        who = self.who(number)
        ground = await self.ground(who)
        plan = PlanStated(home, facts, Stated(**stated), parts or {})
        async with self.database.session(who.scope) as session:
            return await planning.plan(session, who, ground, [plan])

    async def plan_exit(self, home: str, number: str = "L1", **stated: Any) -> Report:
        return await self.state(number, home, {"projects": frozenset({Project.SMALL_BREEDING})}, **stated)

    async def nominate(self, home: str, *stars: Star, number: str = "VC1", **stated: Any) -> Report:
        return await self.state(number, home, {"stars": frozenset(stars or (Star.CLEAN,))}, **stated)

    async def apply(
        self, home: str, *led: str, number: str = "VC1", entity: Entity = Entity.NONE, **stated: Any
    ) -> Report:
        facts = {"modes": frozenset({Mode.PROJECT}), "entity": entity}
        return await self.state(number, home, facts, {"led": led}, **stated)

    # --- steps ---

    async def select(self, number: str, *homes: str, selected: bool = True) -> Report:
        return await self.act(number, selecting.choose, Selection(numbers=homes), selected=selected)

    async def answer(
        self, number: str, applicant: str, household: str, agreed: bool = True, evidence: str = "签字表"
    ) -> None:
        async with self.entered(number) as (session, who, ground):
            stated = Stated(evidence=evidence)
            await participants.answer(session, who, ground, applicant, household, agreed=agreed, stated=stated)

    async def vouch(self, number: str, applicant: str, household: str, vouched: bool = True) -> None:
        async with self.entered(number) as (session, who, ground):
            await participants.vouch(session, who, ground, applicant, household, vouched=vouched)

    async def asked(self, number: str) -> list[participants.Asked]:
        """What an officer has to enter of households that take part."""
        async with self.entered(number) as (session, who, ground):
            return await participants.asked_of(session, who, ground)

    @asynccontextmanager
    async def entered(self, number: str) -> AsyncIterator[tuple[Any, Any, Any]]:
        who = self.who(number)
        ground = await self.ground(who)
        async with self.database.session(who.scope) as session:
            yield session, who, ground

    async def correct(self, number: str, what: str, *homes: str, **options: Any) -> Report:
        """One of the ways out of the ordinary course."""
        return await self.act(number, getattr(correcting, what), Selection(numbers=homes), **options)

    @remembered
    async def verified(self, *homes: str) -> None:
        """Bring planned-exit cases of 甲村 to their notice: planned, in place, verified by the four."""
        self.on(EXIT, today=date(2021, 2, 10))
        for home in homes:
            clean(await self.plan_exit(home))
        self.today = date(2021, 2, 26)
        clean(await self.sign("L1", "in_place", *homes))
        self.today = date(2021, 3, 20)
        clean(await self.act("C1", acts.account, Selection(numbers=homes)))
        for number in ("L1", "W1", "VC1", "B1"):
            clean(await self.sign(number, "verification", *homes))

    async def stand(self, number: str, *homes: str, first: date) -> None:
        """Post cases, let the notice stand its five days, and let them go on where nobody accepts them."""
        self.today = first
        clean(await self.act(number, acts.post, Selection(numbers=homes)))
        self.today = date.fromordinal(first.toordinal() + 5)

    async def pay(self, stage: str, *, yuan: int = 1_000_000) -> payments.Batch:
        """Make, check and release a batch of everything that is due at a stage."""
        line = await self.fund(yuan)
        async with self.entered("C2") as (session, who, ground):
            made = await paying.make_batch(session, who, self.vault, ground, line, stage)
        assert made.batch is not None
        for number, step in (("FM", paying.check_batch), ("FI", paying.release_batch)):
            async with self.entered(number) as (session, who, ground):
                done = await step(session, who, ground, made.batch.id)
        return done

    async def due(self, home: str) -> list[tuple[int, int]]:
        """What a household is due by instalment, in fen."""
        rows = await self.rows(
            "select e.instalment, e.amount_fen from entitlement e join case_file c on c.id = e.case_id"
            " join household h on h.id = c.household_id where h.number = :home and c.programme = :code"
            " and c.period = :period and e.voided_at is null order by e.instalment, e.created_at",
            home=home,
            code=self.code,
            period=self.period,
        )
        return [tuple(row) for row in rows]
