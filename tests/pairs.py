"""The small county with enterprises that help its villages: who is registered, what is agreed on, what is delivered."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from bangfu.cases import ground as grounds
from bangfu.cases.views import Stated
from bangfu.pairings import agreements, ledger, registrations
from bangfu.pairings.agreements import Planned, Terms
from bangfu.pairings.ledger import Chosen, Delivered, Report
from bangfu.pairings.registrations import Applicant
from bangfu.pairings.standing import NOTHING, Measure, Side, Verdict
from bangfu.programme import PairingProgramme
from tests.county import ONE, OTHER, V1, V3, World
from tests.stories import remembered

TODAY = date(2021, 10, 20)
BEGIN, END = date(2021, 6, 1), date(2024, 6, 1)
SIGNED = date(2021, 5, 20)

STAFF = """工号,姓名,职责,负责区划代码,起始日期
IF2,工商联乙,县工商联,990201000000,2020-01-01
"""


class Pairs(World):
    """The county, and everything that is done to its pairings."""

    @property
    def pairing(self) -> PairingProgramme:
        """The programme of pairings."""
        return self.plugins.pairing("wanqi_bang_wancun")

    async def do(self, number: str, function: Any, *arguments: Any, today: date | None = None, **options: Any) -> Any:
        """Let somebody do something in one transaction."""
        who = self.who(number, today)
        async with self.database.session(who.scope) as session:
            return await function(session, who, self.pairing, *arguments, **options)

    @remembered
    async def begin(self) -> None:
        """Bring in the organizations and their agents, and switch the programme on."""
        await self.invite()
        assert (await self.bring("officers", STAFF, "R1")).state == "done"
        self.today = TODAY
        first = self.who("C1")
        async with self.database.session(first.scope) as session:
            await grounds.switch_on(session, first, self.pairing, date(2021, 1, 1))

    async def register(self, code: str = ONE, by: str = "IF", verified_by: str = "IF2") -> UUID:
        """An enterprise that is registered and verified."""
        made: UUID = await self.do(by, registrations.register, Applicant(code), Stated())
        await self.do(verified_by, registrations.verify, made, Stated(), passed=True)
        return made

    async def propose(
        self, number: str = "X-1", code: str = ONE, village: int = V1, by: str = "IF", **terms: Any
    ) -> UUID:
        """An agreement that is drawn up."""
        said = {"valid_from": BEGIN, "valid_to": END, **terms}
        paper = Stated(SIGNED, evidence="协议原件")
        made: UUID = await self.do(
            by, agreements.propose, Terms(number=number, credit_code=code, division=village, **said), paper
        )
        return made

    async def signed(self, id: UUID, side: Side, by: str, day: date = SIGNED) -> bool:
        """A side that signs."""
        done: bool = await self.do(by, agreements.sign, id, side, Stated(day, evidence="协议原件"))
        return done

    async def agree(
        self, number: str = "X-1", code: str = ONE, village: int = V1, agent: str = "E1", committee: str = "VC1",
        **terms: Any,
    ) -> UUID:  # fmt: skip
        """An agreement that both have signed."""
        made = await self.propose(number, code, village, **terms)
        assert not await self.signed(made, Side.HELPER, agent)
        assert await self.signed(made, Side.HELPED, committee)
        return made

    async def two(self) -> tuple[UUID, UUID]:
        """Two enterprises, each with the agreement of a village."""
        await self.register(ONE)
        await self.register(OTHER)
        return await self.agree(), await self.agree("X-2", OTHER, V3, "E2", "VC3")

    async def log(self, agent: str, *lines: Delivered, reason: str = "", today: date | None = None) -> list[UUID]:
        """What an agent says was delivered."""
        made: list[UUID] = await self.do(agent, ledger.log, lines, Stated(reason=reason), today=today)
        return made

    async def answer(
        self,
        number: str,
        verdict: Verdict,
        *ids: UUID,
        accepted: Measure = NOTHING,
        reason: str = "核对单据",
        **stated: Any,
    ) -> Report:
        """What is said to some deliveries."""
        said = Stated(reason=reason, **stated)
        report: Report = await self.do(number, ledger.answer, Chosen(ids), verdict, said, accepted)
        return report


def cash(agreement: UUID, yuan: int, receipt: str, day: date = date(2021, 7, 1), **more: Any) -> Delivered:
    """A gift of money."""
    said = {
        "path": "donation", "kind": "cash", "what": "捐款", "measure": Measure(yuan * 100), **more,
    }  # fmt: skip
    return Delivered(agreement=agreement, day=day, receipt=receipt, **said)


def posts(agreement: UUID, number: int, yuan: int, receipt: str, **more: Any) -> Delivered:
    """Posts with their wages."""
    measure = Measure(yuan * 100, number)
    return cash(
        agreement, 0, receipt, **{"path": "jobs", "kind": "posts", "what": "提供岗位", "measure": measure, **more}
    )


def measure_of(year: int, path: str, kind: str, promised: Measure, **more: Any) -> Planned:
    """A measure of an enterprise's plan."""
    said = {"due_on": date(year, 12, 31), "what": "企业措施", **more}
    return Planned(year=year, path=path, kind=kind, promised=promised, **said)
