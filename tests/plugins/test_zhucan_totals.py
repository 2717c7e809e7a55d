"""The totals that the source states of the two subsidies, reproduced by running them over a generated county.

社会保障扶贫自查报告 一(三): 2018 paid 5,720 person-months of the living subsidy, 457,600 yuan, and 2019 to the day of the
report 3,619, 325,710 yuan; the care subsidy 8,429 person-months, 702,080 yuan, in 2018 (3,735 of the first level and
4,694 of the second, which is the only way in which they come to it), and 6,644, 552,140 yuan, in January to September of
2019 (2,902 and 3,742). Who comes and goes when is made up so that the months come to these numbers; what the months are
worth, and that they are paid, is for the programmes to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from bangfu import payments
from bangfu.cases import acts, carrying, planning
from bangfu.cases.planning import PlanStated
from bangfu.cases.receipts import replay
from bangfu.cases.views import Selection, Stated
from bangfu.db.embedded import EmbeddedServer
from bangfu.payments import invariants
from bangfu.registry.identity import check_character
from bangfu.vault import Vault
from tests.conftest import lent
from tests.county import CODE, clean
from tests.subsidies import CARE, LIVING, OFFICERS, Subsidies

FIRST, SECOND = 323, 416
"""Persons of the first and of the second level: the first ones have the numbers from 0 on, the others those after."""
EVERYBODY = range(FIRST + SECOND)
POOR = range(477)
"""Who is in the minimum living guarantee at some time."""
STATED = {
    (LIVING, "2018", 80): (5_720, 457_600),
    (LIVING, "2019", 90): (3_619, 325_710),
    (CARE, "2018", 100): (3_735, 373_500),
    (CARE, "2018", 70): (4_694, 328_580),
    (CARE, "2019", 100): (2_902, 290_200),
    (CARE, "2019", 70): (3_742, 261_940),
}
"""Person-months and yuan by programme, year and what a month is worth."""


def number(index: int) -> str:
    return f"Z{index:03d}-01"


def applications() -> dict[str, dict[date, list[int]]]:
    """Who applies for what on which day."""
    january, next_january = date(2018, 1, 8), date(2019, 1, 8)
    return {
        LIVING: {january: list(POOR[:476]), date(2018, 5, 9): [476]},
        CARE: {
            january: [*range(311), *range(FIRST, FIRST + 391)],
            date(2018, 10, 9): [311],
            date(2018, 11, 9): [FIRST + 391],
            next_january: [*range(312, 322), *range(FIRST + 392, FIRST + 415)],
            date(2019, 3, 8): [FIRST + 415],
            date(2019, 6, 10): [322],
        },
    }


def level(index: int) -> int:
    return 1 if index < FIRST else 2


def identity(index: int) -> str:
    first17 = f"{CODE}19{50 + index // 336:02d}{1 + index // 28 % 12:02d}{1 + index % 28:02d}{index:03d}"
    return first17 + check_character(first17)


def roster() -> str:
    lines = [
        "户编号,乡镇,行政村,村民小组,户类型,脱贫年度,联户干部工号,姓名,证件号码,与户主关系,开户名,开户行,一卡通账号"
    ]
    lines += [
        f"Z{index:03d},东镇,甲村,六组,一般农户,,L1,残Z{index:03d}号,{identity(index)},户主,残Z{index:03d}号,测试银行,"
        f"9900000000{51000 + index}"
        for index in EVERYBODY
    ]
    return "\n".join(lines)


LEVELS = ("一级", "二级", "三级")


def certificates(levels: dict[int, str], since: str = "2016-03-01") -> str:
    """The federation's list."""
    lines = ["证件号码,姓名,残疾类别,残疾等级,证件代次,发证日期"]
    lines += [f"{identity(one)},残Z{one:03d}号,肢体,{own},第二代,{since}" for one, own in levels.items()]
    return "\n".join(lines)


def guarantees(spans: dict[int, tuple[str, str]]) -> str:
    """The list of civil affairs."""
    lines = ["证件号码,姓名,低保类别,起始日期,停保日期"]
    lines += [f"{identity(one)},残Z{one:03d}号,B类,{since},{until}" for one, (since, until) in spans.items()]
    return "\n".join(lines)


def parts(numbers: Sequence[int]) -> Iterator[list[str]]:
    """Some at a time."""
    for first in range(0, len(numbers), 200):
        yield [number(one) for one in numbers[first : first + 200]]


class Reported(Subsidies):
    """A county of the two years that the source reports on."""

    def placed(self, data: str) -> str:
        """Everybody is in office since before."""
        return super().placed(data).replace("2020-01-01", "2017-01-01")

    async def prepare(self) -> None:
        """The county with its persons, and what the two offices' lists say of them at the beginning."""
        self.today = date(2018, 1, 2)
        await self.staff()
        for kind, data in (("officers", OFFICERS), ("households", roster())):
            status = await self.bring(kind, data, "R1")
            assert status.state == "done", status.result
        # Two whose level is known wrongly at first, either way: it is put right in June.
        levels = {one: LEVELS[level(one) - 1] for one in EVERYBODY} | {5: LEVELS[1], FIRST + 5: LEVELS[0]}
        await self.list("certificates", certificates(levels), "DF1")
        await self.list("minimum_living", guarantees(dict.fromkeys(POOR[:476], ("2017-01-01", ""))), "CA1")
        self.today = date(2018, 5, 4)
        await self.list("minimum_living", guarantees({476: ("2018-05-01", "")}), "CA1")

    async def list(self, kind: str, data: str, number: str) -> None:
        """Import an office's list of today."""
        status = await self.bring(kind, data, number, as_of=self.today)
        assert status.state == "done", status.result

    async def apply_on(self, code: str, year: str) -> None:
        """Everybody applies on his day and is reviewed by the end of that day."""
        for day, own in applications()[code].items():
            if str(day.year) == year and own:
                for some in parts(own):
                    self.on(code, year, day)
                    await self.granted_now(some)

    async def granted_now(self, numbers: Sequence[str]) -> None:
        """They are paid from today on."""
        who = self.who("VC1")
        ground = await self.ground(who)
        async with self.database.session(who.scope) as session:
            clean(await planning.plan(session, who, ground, [PlanStated(one, {}, Stated()) for one in numbers]))
        clean(await self.act("DF1", acts.account, Selection(numbers=numbers)))
        clean(await self.sign("K1", "first_review", *numbers))
        clean(await self.sign("DF1", "second_review", *numbers))

    async def budget(self) -> Any:
        """The line that the programme is paid from."""
        found = await self.rows("select id from budget_line where code = :code", code=f"ZC-{self.code}-{self.period}")
        if found:
            return found[0][0]
        maker, confirmer, year = self.who("FM"), self.who("FI"), int(self.period)
        stated = payments.LineStated(
            code=f"ZC-{self.code}-{self.period}", title="两项补贴", source="省级", level="county", document="测财1号",
            document_on=date(year, 1, 2), year=year, programmes=[self.code], binding=True,
        )  # fmt: skip
        entry = payments.EntryStated(
            amount_fen=100_000_000, document="测财1号", document_on=date(year, 1, 2), reason="年初下达"
        )
        async with self.database.session(maker.scope) as session:
            line, made = await payments.add_line(session, maker, stated, entry, [self.code])
        async with self.database.session(confirmer.scope) as session:
            await payments.confirm_entry(session, confirmer, made)
        return line

    async def fund(self, *_: Any, **__: Any) -> Any:
        return await self.budget()

    async def paid_now(self, month: int) -> None:
        """Pay what is due up to a month."""
        made = await self.gather(month)
        assert made.batch is not None
        assert list(made.missing) == []
        await self.finish(made.batch)


async def late_in_june(world: Reported) -> None:
    """In June of 2018 the federation finds that two levels were wrong from the beginning."""
    world.today = date(2018, 6, 20)
    await world.list("certificates", certificates({5: LEVELS[0], FIRST + 5: LEVELS[1]}), "DF1")


async def new_year(world: Reported) -> None:
    """At the turn of the year 74 leave the guarantee, and one more in January."""
    world.today = date(2019, 1, 5)
    gone = dict.fromkeys(POOR[403:476], ("2017-01-01", "2018-12-20")) | {476: ("2018-05-01", "2018-12-20")}
    await world.list("minimum_living", guarantees(gone | {402: ("2017-01-01", "2019-01-04")}), "CA1")


async def test_the_totals_of_the_source_come_out_exactly(
    server: EmbeddedServer, migrated: str, vault: Vault, tmp_path: Path, told: list[str]
) -> None:
    async with lent(server, migrated, tmp_path) as (_, database):
        world = Reported(database, vault)
        await world.prepare()
        for code in (LIVING, CARE):
            world.on(code, "2018", date(2018, 1, 3))
            await world.open()
        for code in (LIVING, CARE):
            await world.apply_on(code, "2018")
        for code in (LIVING, CARE):
            for month in range(1, 13):
                if (code, month) == (CARE, 7):
                    await late_in_june(world)
                world.on(code, "2018")
                await world.decide(month)
                if month % 3 == 0:
                    await world.paid_now(month)
        await new_year(world)
        for code in (LIVING, CARE):
            world.on(code, "2019", date(2019, 1, 6))
            await world.open()
            following = await world.ground()
            world.on(code, "2018")
            who = world.who("C1")
            ground = await world.ground(who)
            async with world.database.session(who.scope) as session:
                clean(await carrying.carry(session, who, ground, following, Selection()))
            await world.apply_on(code, "2019")
        for code in (LIVING, CARE):
            for month in range(1, 10):
                world.on(code, "2019")
                await world.decide(month)
                if month % 3 == 0:
                    await world.paid_now(month)
        rows = await world.rows(
            "select programme, period, fen / 100, count(*), sum(fen)::bigint / 100 from ("
            "  select c.programme, c.period, e.case_id, e.instalment, sum(e.amount_fen)::bigint as fen"
            "    from entitlement e join case_file c on c.id = e.case_id where e.voided_at is null"
            "   group by 1, 2, 3, 4) month where fen > 0 group by 1, 2, 3"
        )
        assert {(code, year, worth): (months, yuan) for code, year, worth, months, yuan in rows} == STATED
        # All of it has been paid, what was set off included, and nothing else.
        paid = await world.rows(
            "select programme, sum(fen)::bigint / 100, sum(off)::bigint / 100 from ("
            "  select c.programme, l.amount_fen as fen, coalesce((select sum(s.amount_fen) from payment_setoff s"
            "    where s.line_id = l.id), 0) as off"
            "    from payment_line l join entitlement e on e.id = l.entitlement_id join case_file c on c.id = e.case_id"
            "   where l.released_at is not null) line group by 1 order by 1"
        )
        assert [tuple(row) for row in paid] == [
            (CARE, 702_080 + 552_140, 6 * 30), (LIVING, 457_600 + 325_710, 0),
        ]  # fmt: skip
        who = world.who("C1")
        faults = await invariants.examine(world.database, [world.tenant.id], world.plugins.programmes, who.at.now)
        assert faults == []
        async with world.database.session(who.scope) as session:
            for code, year in ((LIVING, "2018"), (CARE, "2018"), (LIVING, "2019"), (CARE, "2019")):
                again = await replay(session, who, world.plugins.programme(code), year)
                assert again.faults == ()
                assert again.same > sum(
                    months for (own, of, _), (months, _) in STATED.items() if (own, of) == (code, year)
                )
