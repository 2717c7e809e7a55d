"""The small county with what its federation of disabled persons keeps: bases, and what is handed out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from bangfu.cases import ground as grounds
from bangfu.cases import provisions
from bangfu.cases.views import Stated
from bangfu.db import bind
from bangfu.db.bulk import insert_rows
from bangfu.errors import Code, Problem, Refused
from bangfu.handouts import ledger, stock
from bangfu.handouts.ledger import Need, Signed
from bangfu.handouts.stock import Bought, Measure
from bangfu.inspections import assessments, bases
from bangfu.inspections.assessments import Answer, Assessed
from bangfu.inspections.bases import Persons, Registration
from bangfu.models import Circumstance, Organization, new_id
from bangfu.programme import HandoutProgramme, InspectionProgramme
from bangfu.registry.identity import check_character
from tests.county import BASE, CODE, V1, World, credit_code
from tests.stories import digests, remembered

TODAY = date(2021, 10, 20)
SURVEYED, LISTED, SIGNED = date(2021, 5, 10), date(2021, 6, 1), date(2021, 6, 20)
STAFF = f"""工号,姓名,职责,负责区划代码,起始日期
DG,残联乙,县残联,{BASE},2020-01-01
DH,残联丙,县残联,{BASE},2020-01-01
"""
TABLES = ("support_base", "base_assessment", "base_finding", "base_subsidy", "handout_batch", "handout", "audit_entry")
FEW = Persons(3, 5, 2)
PAPER = "登记表"


class Federation(World):
    """The county, and everything that is done to its bases and to what is handed out."""

    @property
    def bases(self) -> InspectionProgramme:
        """The programme of bases."""
        return self.plugins.inspection("disabled_bases")

    @property
    def services(self) -> HandoutProgramme:
        """The programme of what is handed out."""
        return self.plugins.handout("disabled_services")

    @remembered
    async def begin(self) -> None:
        """Bring in everybody, and switch both programmes on."""
        await self.invite()
        assert (await self.bring("officers", STAFF, "R1")).state == "done"
        self.today = TODAY
        first = self.who("C1")
        async with self.database.session(first.scope) as session:
            for programme in (self.bases, self.services):
                await grounds.switch_on(session, first, programme, date(2021, 1, 1))

    async def lay_down(self, programme: Any, **parameters: Any) -> None:
        """Let the county lay down numbers that the source does not print."""
        released = await self.rows("select 1 from provision where programme = :code", code=programme.code)
        raw = {
            "title": "测试县实施办法", "number": f"测残〔2021〕{1 + len(released)}号",
            "issued": date(2021, 1, 5),
            "parameters": {
                name: [{"since": date(2021, 1, 1), "value": value, "clause": "一"}]
                for name, value in parameters.items()
            },
        }  # fmt: skip
        first, second = self.who("C1"), self.who("C2")
        async with self.database.session(first.scope) as session:
            draft = await provisions.draft(session, first, programme, raw)
        async with self.database.session(second.scope) as session:
            await provisions.release(session, second, self.plugins, draft)

    async def do(self, number: str, function: Any, *arguments: Any, today: date | None = None, **options: Any) -> Any:
        """Let somebody do something of the programme that a function belongs to, in one transaction."""
        who = self.who(number, today)
        own = self.bases if ".inspections." in function.__module__ else self.services
        async with self.database.session(who.scope) as session:
            return await function(session, who, own, *arguments, **options)

    async def refuses(self, code: Code, number: str, function: Any, *arguments: Any, **options: Any) -> Problem:
        """Somebody is refused with one problem of a code, and nothing has changed."""
        before = await self.digest()
        with pytest.raises(Refused) as caught:
            await self.do(number, function, *arguments, **options)
        assert [problem.code for problem in caught.value.problems] == [code]
        assert await self.digest() == before
        return caught.value.problems[0]

    async def digest(self) -> list[Any]:
        """What any act of the federation would change, to the last letter."""
        return await self.rows(digests(TABLES))

    # --- bases ---

    async def organizations(self, count: int) -> list[str]:
        """More enterprises of the county, by their credit codes."""
        who = self.who("R1")
        codes = [credit_code(500 + place) for place in range(count)]
        made = [
            {"tenant_id": self.tenant.id, "id": new_id(), "credit_code": code, "name": f"基地{place}",
             "kind": "enterprise", "division": BASE}
            for place, code in enumerate(codes)
        ]  # fmt: skip
        async with self.database.session(who.scope) as session:
            await insert_rows(session, Organization, made)
        return codes

    async def register(
        self, code: str, level: str = "city", *, rural: bool = True, persons: Persons = FEW, **more: Any
    ) -> UUID:
        """An organization that is registered as a base."""
        said = Registration(credit_code=code, level=level, rural=rural, persons=persons, **more)
        made: UUID = await self.do("DF", bases.register, said, Stated(date(2021, 2, 1), evidence=PAPER))
        return made

    async def base(self, code: str, level: str = "city", **more: Any) -> UUID:
        """An organization that is a base."""
        made = await self.register(code, level, **more)
        await self.do("DG", bases.confirm, made, Stated(date(2021, 2, 2), evidence=PAPER), passed=True)
        return made

    def answers(self, *missing: str) -> list[Answer]:
        """The checklist, with some of it missing."""
        return [
            Answer(item.code, present=item.code not in missing, evidence="" if item.code in missing else "台账",
                   finding=f"缺少{item.title.zh}" if item.code in missing else "")
            for item in self.bases.items
        ]  # fmt: skip

    async def assess(
        self, base: UUID, *missing: str, persons: Persons = FEW, score: int = 90, day: date = date(2021, 3, 1)
    ) -> UUID:
        """An assessment that two persons agree on."""
        said = Assessed(self.answers(*missing), score, persons)
        made: UUID = await self.do("DF", assessments.assess, base, said, Stated(day, evidence=PAPER))
        await self.do("DG", assessments.agree, made, Stated(day, evidence=PAPER), agreed=True)
        return made

    async def findings(self, assessment: UUID) -> list[UUID]:
        """The findings of an assessment, by their items."""
        rows = await self.rows("select id from base_finding where assessment_id = :a order by item", a=assessment)
        return [UUID(str(row[0])) for row in rows]

    # --- what is handed out ---

    async def homes(self, count: int) -> list[str]:
        """More poor households in 甲村, a head and a spouse each, of whom the head has a certificate of disability."""
        lines = [
            "户编号,乡镇,行政村,村民小组,户类型,脱贫年度,联户干部工号,姓名,证件号码,与户主关系,开户名,开户行,一卡通账号"
        ]
        numbers = [f"G{place:03}" for place in range(1, count + 1)]
        for place, number in enumerate(numbers):
            for who, relation, offset in (("户主", "户主", 1), ("配偶", "配偶", 501)):
                first17 = f"{CODE}1975{1 + place % 12:02d}{1 + place % 28:02d}{(place + offset) % 1000:03d}"
                lines.append(
                    f"{number},东镇,甲村,二组,贫困户,,L1,残{number[1:]}{who},{first17}{check_character(first17)},{relation},"
                    f"残{number[1:]}户主,测试银行,99000000001{1000 + place}"
                )
        today, self.today = self.today, date(2021, 1, 15)
        assert (await self.bring("households", "\n".join(lines), "R1")).state == "done"
        self.today = today
        await self.certify(*numbers)
        return numbers

    async def certify(self, *homes: str, since: date = date(2021, 1, 15)) -> None:
        """Give the heads of households certificates of disability."""
        who = self.who("R1")
        heads = (
            "select p.id, p.division from person p join membership m on m.person_id = p.id and m.relation = 'head'"
            " join household h on h.id = m.household_id where h.number = any(:homes)"
        )
        rows = [
            {"tenant_id": self.tenant.id, "id": new_id(), "person_id": person, "division": division, "kind": "certificate",
             "level": 2, "category": None, "generation": 2, "number": None, "number_masked": None, "class_name": "",
             "source": "federation", "reported_on": since, "evidence": "持证名册", "valid_from": since, "valid_to": None,
             "known_from": who.at.now, "known_to": None}
            for person, division in await self.rows(heads, homes=list(homes))
        ]  # fmt: skip
        async with self.database.session(who.scope) as session:
            await insert_rows(session, Circumstance, rows)

    async def heads(self, homes: Sequence[str]) -> list[str]:
        """The numbers of the heads of households."""
        query = (
            "select h.number, p.number from person p join membership m on m.person_id = p.id and m.relation = 'head'"
            " join household h on h.id = m.household_id where h.number = any(:homes)"
        )
        found = dict(tuple(row) for row in await self.rows(query, homes=list(homes)))
        return [found[home] for home in homes]

    async def need(self, kind: str, *numbers: str, by: str = "VC1", **more: Any) -> list[UUID]:
        """What some households or persons need."""
        needs = [need(number, kind, **more) for number in numbers]
        made: list[UUID] = await self.do(by, ledger.ask, needs, Stated(SURVEYED, evidence="摸底表"))
        return made

    async def list(self, *lines: UUID, day: date = LISTED) -> None:
        """What the federation lists."""
        await self.do("DF", ledger.list_, lines, Stated(day, evidence="名单"))

    async def supply(self, kind: str, voucher: str, *, by: str = "DF", **measure: int) -> UUID:
        """What was bought."""
        bought = Bought(kind=kind, item="一批", voucher=voucher, measure=Measure(**measure))
        made: UUID = await self.do(by, stock.supply, bought, Stated(date(2021, 6, 10), evidence="发票"))
        return made

    async def hand_over(self, *lines: UUID, by: str = "VC1", voucher: str = "", attended: bool | None = None) -> int:
        """What somebody has signed for."""
        done: int = await self.do(by, ledger.hand_over, signed(*lines, voucher=voucher, attended=attended), Stated())
        return done

    async def owner(self, sql: str, **values: Any) -> None:
        """Something that came to be otherwise than by an act, past every wall."""
        async with self.database.owner() as connection:
            await bind(connection, self.who("R1").scope)
            await connection.execute(text(sql), values)


def need(number: str, kind: str = "goods", item: str = "", **measure: Any) -> Need:
    """Something that is needed."""
    default: dict[str, Any] = {"goods": {"fen": 200_000}, "device": {"quantity": 1}, "conversion": {"fen": 300_000}}
    corrects = measure.pop("corrects", None)
    said = Measure(**(measure or default.get(kind, {})))
    items = {"goods": "种鸡苗", "device": "轮椅", "conversion": "坡道、扶手", "training": "养殖技术"}
    return Need(number=number, kind=kind, item=item or items[kind], measure=said, corrects=corrects)


def signed(*lines: UUID, voucher: str = "", attended: bool | None = None, day: date = SIGNED) -> list[Signed]:
    """Signatures for lines."""
    return [
        Signed(line=line, receiver="户主本人", day=day, signature="签收表第1页", voucher=voucher, attended=attended)
        for line in lines
    ]


__all__ = ["LISTED", "SIGNED", "SURVEYED", "TODAY", "V1", "Federation", "need", "signed"]
