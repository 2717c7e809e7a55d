"""The county of ``tests.county`` with families whose children learn a trade, and both programmes of 雨露计划.

What each is due is worked out by hand: 700 yuan for the autumn and 800 for the spring of a school year; 600 yuan once.
A person's number is that of the household and his place in the roster.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from bangfu import payments
from bangfu.cases import acts, paying, planning, rechecks
from bangfu.cases import ground as grounds
from bangfu.cases.acts import Report
from bangfu.cases.planning import PlanStated
from bangfu.cases.rechecks import Finding, Method, Outcome
from bangfu.cases.views import Selection, Stated
from bangfu.models import Schooling
from bangfu.registry.history import Assertion, assert_from
from bangfu.registry.identity import check_character
from tests.county import BASE, CODE, World, clean, credit_code
from tests.stories import remembered

TERM, SHORT = "term_aid", "short_training"
YEAR = "2021-2022"
APPLIED, REVIEWED, POSTED = date(2021, 9, 10), date(2021, 10, 8), date(2021, 10, 12)
CONCLUDED, AUTUMN, SPRING = date(2021, 10, 19), date(2021, 11, 2), date(2022, 3, 1)

FAMILIES = {
    # number: village, cadre, standing, members (birth date)
    "F1": ("甲村", "L1", "贫困户", ("1978-05-01", "2006-03-02", "2002-10-09")),
    "F2": ("甲村", "L1", "已脱贫户", ("1975-01-20", "2004-06-30")),
    "F3": ("甲村", "L1", "一般农户", ("1980-08-08", "2006-02-03")),
    "F4": ("乙村", "L2", "贫困户", ("1976-09-10", "2004-04-04", "2010-07-07")),
}
STUDENTS = {
    # who: school, in the county, level, grade, interning
    "F1-02": ("测试职业中学", True, "secondary_vocational", 1, False),
    "F1-03": ("外地职业学院", False, "higher_vocational", 3, False),
    "F2-02": ("测试职业中学", True, "secondary_vocational", 3, False),
    "F3-02": ("测试职业中学", True, "secondary_vocational", 1, False),
    "F4-02": ("外地职业学院", False, "higher_vocational", 1, True),
}
"""Two who are aided; a third grade of a secondary school, a household that was never registered, and an intern."""
ELIGIBLE = ("F1-02", "F1-03")

RELATIONS = ("户主", "之子", "之女")


def identity(born: str, place: int) -> str:
    """A valid made-up identity number of somebody born on a day."""
    first17 = f"{CODE}{born.replace('-', '')}{place:03d}"
    return first17 + check_character(first17)


def roster() -> str:
    lines = [
        "户编号,乡镇,行政村,村民小组,户类型,脱贫年度,联户干部工号,姓名,证件号码,与户主关系,开户名,开户行,一卡通账号"
    ]
    for index, (number, (village, cadre, standing, births)) in enumerate(FAMILIES.items()):
        year = "2018" if standing == "已脱贫户" else ""
        lines += [
            f"{number},东镇,{village},三组,{standing},{year},{cadre},学{number}{place}号,"
            f"{identity(born, 100 + index * 10 + place)},{RELATIONS[place]},学{number}0号,测试银行,99000000002{1000 + index}"
            for place, born in enumerate(births)
        ]
    return "\n".join(lines)


SCHOOL = credit_code(9)
"""The school of the county, as an organization."""
ORGANIZATIONS = f"""统一社会信用代码,单位名称,单位类型,所在区划代码
{SCHOOL},测试职业中学,学校,{BASE}
"""
OFFICERS = f"""工号,姓名,职责,负责区划代码,起始日期
FI2,财政乙,县财政局,{BASE},2020-01-01
"""

TRAINER, OTHER_TRAINER = credit_code(13), credit_code(15)
"""Two training bases, each with an agent."""
BASES = f"""统一社会信用代码,单位名称,单位类型,所在区划代码
{TRAINER},测试培训基地,培训基地,{BASE}
{OTHER_TRAINER},另一培训基地,培训基地,{BASE}
"""
AGENTS = f"""工号,姓名,职责,负责区划代码,起始日期,单位信用代码
TB,基地甲,培训基地经办,{BASE},2020-01-01,{TRAINER}
TX,基地乙,学校或培训基地经办,{BASE},2020-01-01,{OTHER_TRAINER}
SA,学校甲,学校经办,{BASE},2020-01-01,{SCHOOL}
"""


class Learners(World):
    """The county, working on one of the two programmes at a time."""

    async def prepare(self) -> None:
        """Import the families, say where their children go to school, open both programmes."""
        self.today = date(2021, 1, 20)
        for kind, data in (("organizations", ORGANIZATIONS), ("officers", OFFICERS), ("households", roster())):
            status = await self.bring(kind, data, "R1")
            assert status.state == "done", status.result
        self.today = date(2021, 9, 1)
        for number in STUDENTS:
            await self.enrol(number)
        for code, period in ((SHORT, "2021"), (TERM, YEAR)):
            self.on(code, period)
            await self.open()

    def on(self, code: str, period: str, today: date | None = None) -> None:
        """Work on a programme."""
        self.code, self.period, self.today = code, period, today or self.today

    async def open(self) -> None:
        """Switch the programme on, if it is off, and open the period or its next edition."""
        who = self.who("C1")
        async with self.database.session(who.scope) as session:
            await grounds.switch_on(session, who, self.programme, date(2021, 9, 1))
            await grounds.open_period(session, who, self.programme, self.period)

    async def enrol(
        self, number: str, since: date = date(2021, 9, 1), until: date | None = None, **changed: Any
    ) -> None:
        """Write down where somebody goes to school from a day on, as the register of ``STUDENTS`` has it unless changed."""
        school, in_county, level, grade, interning = STUDENTS[number]
        ((person, division, name),) = await self.rows(
            "select id, division, name from person where number = :number", number=number
        )
        units = await self.rows("select id from organization where name = :name", name=changed.get("school", school))
        values = {
            "division": division, "organization_id": units[0][0] if units else None, "school": school, "name": name, "student_number": f"G{number}",
            "in_county": in_county, "level": level, "grade": grade, "months": None, "interning": interning,
            "proved": True, "source": "bureau", "reported_on": self.today, **changed,
        }  # fmt: skip
        who = self.who("R1")
        async with self.database.session(who.scope) as session:
            await assert_from(session, Schooling, [Assertion({"person_id": person}, values, since, until)], who.at.now)

    async def apply(
        self,
        *numbers: str,
        number: str = "VC1",
        day: date | None = None,
        evidence: str = "",
        facts: Mapping[str, Any] | None = None,
        attesters: Mapping[str, str] | None = None,
        reason: str = "",
    ) -> Report:
        """Let the village, or whoever takes applications, apply for persons."""
        stated = Stated(day, evidence=evidence, reason=reason)
        who = self.who(number)
        ground = await self.ground(who)
        async with self.database.session(who.scope) as session:
            plans = [PlanStated(own, facts or {}, stated, attesters=attesters or {}) for own in numbers]
            return await planning.plan(session, who, ground, plans)

    @remembered
    async def bases(self) -> None:
        """Bring in the training bases, and who acts for them and for the school."""
        for kind, data in (("organizations", BASES), ("officers", AGENTS)):
            status = await self.bring(kind, data, "R1")
            assert status.state == "done", status.result

    @remembered
    async def aided(self, stage: str) -> None:
        """Bring the two students of ``ELIGIBLE`` to a stage of their aid."""
        self.on(TERM, YEAR, APPLIED)
        clean(await self.apply(*ELIGIBLE))
        self.today = REVIEWED
        if stage == "first_review":
            return
        clean(await self.act("C1", acts.account, Selection(numbers=ELIGIBLE)))
        for number, own in (
            ("VC1", "first_review"),
            ("K1", "first_review"),
            ("C1", "second_review"),
            ("FI2", "second_review"),
        ):
            clean(await self.sign(number, own, *ELIGIBLE))
        self.today = POSTED
        if stage == "notice":
            return
        clean(await self.act("C1", acts.post, Selection(numbers=ELIGIBLE)))
        self.today = CONCLUDED
        clean(await self.act("C1", acts.conclude, Selection(numbers=ELIGIBLE)))
        self.today = AUTUMN
        if stage == "autumn_payment":
            return
        await self.pay("autumn_payment")
        self.today = SPRING
        if stage == "recheck":
            return
        await self.recheck()
        clean(await self.act("C1", acts.account, Selection(numbers=ELIGIBLE)))
        clean(await self.sign("C1", "recheck", *ELIGIBLE))
        if stage == "spring_payment":
            return
        await self.pay("spring_payment")

    async def recheck(self, *numbers: str) -> None:
        """The county's office finds students, those of ``ELIGIBLE`` unless stated, where they were."""
        who = self.who("C1")
        ground = await self.ground(who)
        found = [
            Finding(number=number, outcome=Outcome.CONTINUES, method=Method.ON_SITE, stated=Stated())
            for number in numbers or ELIGIBLE
        ]
        async with self.database.session(who.scope) as session:
            clean(await rechecks.record(session, who, ground, found))

    async def pay(self, stage: str) -> payments.Batch:
        """Make, check and release a batch of everything that is due at a stage."""
        line = await self.fund()
        who = self.who("C2")
        ground = await self.ground(who)
        async with self.database.session(who.scope) as session:
            made = await paying.make_batch(session, who, self.vault, ground, line, stage)
        assert made.batch is not None
        assert list(made.missing) == []
        for number, step in (("FM", paying.check_batch), ("FI", paying.release_batch)):
            who = self.who(number)
            async with self.database.session(who.scope) as session:
                done = await step(session, who, ground, made.batch.id)
        return done

    async def due(self, number: str) -> list[tuple[str, int, int]]:
        """What a person is due of the programme: the kind, the instalment and the amount in fen."""
        rows = await self.rows(
            "select e.kind, e.instalment, e.amount_fen from entitlement e join case_file c on c.id = e.case_id"
            " where c.number = :number and c.programme = :code and e.voided_at is null"
            " order by e.instalment, e.created_at",
            number=number,
            code=self.code,
        )
        return [tuple(row) for row in rows]
