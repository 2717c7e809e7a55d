"""The county of ``tests.county`` with persons who have a disability, and the two subsidies that are paid every month.

What each is due is worked out by hand: in 2021, 90 yuan a month for who is in the minimum living guarantee, 100 for a
disability of the first level and 70 for one of the second. The day that decides a month is its first.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from bangfu import jobs, payments
from bangfu.cases import acts, month_runs, paying, planning
from bangfu.cases import ground as grounds
from bangfu.cases.acts import Report
from bangfu.cases.planning import PlanStated
from bangfu.cases.views import Selection, Stated
from bangfu.models import Circumstance
from bangfu.registry.history import Assertion, assert_from
from tests.county import CODE, World, clean, credit_code
from tests.learners import identity
from tests.stories import remembered

LIVING, CARE = "disability_living", "disability_care"
NEW_YEAR, APPLIED = date(2021, 1, 1), date(2021, 1, 5)
FAMILIES = {
    # number: village, cadre, standing, members (birth date)
    "D1": ("甲村", "L1", "贫困户", ("1958-05-01", "1982-03-02")),
    "D2": ("甲村", "L1", "已脱贫户", ("1965-01-20",)),
    "D3": ("乙村", "L2", "一般农户", ("1980-08-08",)),
    "D4": ("丙村", "L3", "贫困户", ("1976-09-10",)),
}
CERTIFICATES = {
    # who: level, generation
    "D1-01": (1, 2),
    "D1-02": (2, 2),
    "D2-01": (3, 2),
    "D3-01": (2, 1),
    "D4-01": (2, 2),
}
"""Who holds a certificate since 2020: D3's is of the first generation."""
POOR = ("D1-01", "D1-02", "D2-01")
"""Who is in the minimum living guarantee since 2020."""
CARED = ("D1-01", "D1-02", "D4-01")
"""Who is due the care subsidy: 100, 70 and 70 yuan a month."""
RELATIONS = ("户主", "之子")


def roster() -> str:
    lines = [
        "户编号,乡镇,行政村,村民小组,户类型,脱贫年度,联户干部工号,姓名,证件号码,与户主关系,开户名,开户行,一卡通账号"
    ]
    for index, (number, (village, cadre, standing, births)) in enumerate(FAMILIES.items()):
        township = "西镇" if village == "丙村" else "东镇"
        year = "2018" if standing == "已脱贫户" else ""
        lines += [
            f"{number},{township},{village},四组,{standing},{year},{cadre},残{number}{place}号,"
            f"{identity(born, 200 + index * 10 + place)},{RELATIONS[place]},残{number}0号,测试银行,"
            f"99000000003{1000 + index}"
            for place, born in enumerate(births)
        ]
    return "\n".join(lines)


UNIT = credit_code(31)
OFFICERS = f"""工号,姓名,职责,负责区划代码,起始日期
DF1,残联丁,县残联,{CODE}000000,2018-01-01
CA1,民政丁,县民政局,{CODE}000000,2018-01-01
"""


class Subsidies(World):
    """The county, working on one of the two subsidies at a time."""

    code: str = CARE

    async def prepare(self) -> None:
        """Import the families, say what offices know of them, open the year of both subsidies."""
        self.today = NEW_YEAR
        for kind, data in (("officers", OFFICERS), ("households", roster())):
            status = await self.bring(kind, data, "R1")
            assert status.state == "done", status.result
        for number, (level, generation) in CERTIFICATES.items():
            await self.holds(number, "certificate", date(2020, 1, 1), level=level, generation=generation)
        for number in POOR:
            await self.holds(number, "minimum_living", date(2020, 1, 1))
        for code in (LIVING, CARE):
            self.on(code)
            await self.open()

    def on(self, code: str, period: str = "2021", today: date | None = None) -> None:
        """Work on a subsidy."""
        self.code, self.period, self.today = code, period, today or self.today

    async def open(self) -> None:
        """Switch the subsidy on, if it is off, and open the year or its next editions."""
        who = self.who("C1")
        async with self.database.session(who.scope) as session:
            await grounds.switch_on(session, who, self.programme, who.at.today)
            await grounds.open_period(session, who, self.programme, self.period)

    async def holds(
        self, number: str, kind: str, since: date, until: date | None = None, source: str = "office", **values: Any
    ) -> None:
        """Write down that something holds of a person from a day on, as it becomes known today."""
        ((person, division),) = await self.rows("select id, division from person where number = :number", number=number)
        said = {
            "division": division, "level": None, "category": None, "generation": None, "number": None,
            "number_masked": None, "class_name": "", "source": source, "reported_on": self.today, "evidence": "名单",
            **values,
        }  # fmt: skip
        key = {"person_id": person, "kind": kind}
        who = self.who("R1")
        async with self.database.session(who.scope) as session:
            await assert_from(session, Circumstance, [Assertion(key, said, since, until)], who.at.now)

    @remembered
    async def granted(self, code: str = CARE, numbers: Sequence[str] = CARED) -> None:
        """Let persons apply for a subsidy in January, and be reviewed twice."""
        self.on(code, today=APPLIED)
        await self.grant(*numbers)

    async def grant(self, *numbers: str, day: date | None = None) -> None:
        """Let persons apply for the subsidy, and be reviewed twice, on one day."""
        villages = {"甲村": "VC1", "乙村": "VC2", "丙村": "VC3"}
        theirs: dict[str, list[str]] = {}
        for number in numbers:
            theirs.setdefault(villages[FAMILIES[number[:2]][0]], []).append(number)
        for committee, own in theirs.items():
            clean(await self.apply_in(committee, *own, day=day))
        await self.review(*numbers)

    async def apply_in(self, committee: str, *numbers: str, day: date | None = None) -> Report:
        """Let a village apply for persons; from paper where the day is past."""
        stated = Stated(day, evidence="申请表" if day else "")
        who = self.who(committee)
        ground = await self.ground(who)
        async with self.database.session(who.scope) as session:
            return await planning.plan(session, who, ground, [PlanStated(one, {}, stated) for one in numbers])

    async def review(self, *numbers: str) -> None:
        """Let the townships and the federation review persons."""
        clean(await self.act("DF1", acts.account, Selection(numbers=numbers)))
        for clerk in ("K1", "K2"):
            await self.sign(clerk, "first_review", *numbers)
        clean(await self.sign("DF1", "second_review", *numbers))

    async def decide(
        self, month: int, today: date | None = None, *, whole: bool = False, number: str = "C1"
    ) -> dict[str, Any]:
        """Decide a month for everybody in sight, on a day, the tenth of the month unless stated; what it came to."""
        self.today = today or date(int(self.period), month, 10)
        who = self.who(number)
        ground = await self.ground(who)
        async with self.database.session(who.scope) as session:
            job = await month_runs.put(session, who, ground, month, "月度核定", whole=whole)
        done = await jobs.run(self.database, self.vault, who, job, {month_runs.KIND: month_runs.handler(self.plugins)})
        assert done.state == "done", done.result
        return dict(done.result)

    async def gather(self, month: int, number: str = "C2") -> payments.Gathered:
        """Make a batch of what is due up to a month."""
        line = await self.fund()
        who = self.who(number)
        ground = await self.ground(who)
        async with self.database.session(who.scope) as session:
            return await paying.make_batch(session, who, self.vault, ground, line, month=month)

    async def finish(self, batch: payments.Batch) -> payments.Batch:
        """Check and release a batch."""
        done = batch
        for number, step in (("FM", paying.check_batch), ("FI", paying.release_batch)):
            who = self.who(number)
            ground = await self.ground(who)
            async with self.database.session(who.scope) as session:
                done = await step(session, who, ground, batch.id)
        return done

    async def pay(self, month: int) -> payments.Batch:
        """Make, check and release a batch of what is due up to a month."""
        made = await self.gather(month)
        assert made.batch is not None
        assert list(made.missing) == []
        return await self.finish(made.batch)

    async def dues(self, number: str) -> list[tuple[int, str, int]]:
        """What stands of the months of a person: the month, what it is, and how much in yuan."""
        rows = await self.rows(
            "select e.instalment, e.kind, e.amount_fen / 100 from entitlement e join case_file c on c.id = e.case_id"
            " where c.number = :number and c.programme = :code and c.period = :period and e.voided_at is null"
            " order by e.instalment, e.created_at",
            number=number,
            code=self.code,
            period=self.period,
        )
        return [tuple(row) for row in rows]

    async def paid(self, number: str) -> list[tuple[int, int, int]]:
        """The payments of a person that stand: the month, how much in yuan, and what was set off in yuan."""
        rows = await self.rows(
            "select l.instalment, l.amount_fen / 100, coalesce((select sum(s.amount_fen) from payment_setoff s"
            "   where s.line_id = l.id and s.voided_at is null), 0)::bigint / 100"
            " from payment_line l join entitlement e on e.id = l.entitlement_id join case_file c on c.id = e.case_id"
            " join payment_batch b on b.id = l.batch_id"
            " where c.number = :number and c.programme = :code and l.voided_at is null order by b.made_at, l.position",
            number=number,
            code=self.code,
        )
        return [tuple(row) for row in rows]
