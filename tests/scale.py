"""A county of any size, made row by row and brought to its payment by the real acts: for faults and for benchmarks.

Every household is registered poor, has one to four members and an account, and is due 1,200 yuan a member in three
parts (计划脱贫户奋进计划). Fifty households a village, fifty villages a township; one officer a duty over the whole county,
and one linked cadre to two thousand households.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import date
from itertools import islice
from typing import Any, TypeVar
from uuid import UUID

from bangfu import jobs, payments
from bangfu.cases import acts, batch, paying, planning
from bangfu.cases import ground as grounds
from bangfu.cases.acts import Report
from bangfu.cases.planning import PlanStated
from bangfu.cases.views import Selection, Stated
from bangfu.db.bulk import insert_rows
from bangfu.models import (
    Account,
    Assignment,
    Division,
    Household,
    HouseholdCadre,
    Membership,
    Officer,
    Person,
    Standing,
    new_id,
)
from bangfu.process import Duty
from bangfu.registry.divisions import area_of
from bangfu.registry.identity import check_character
from county_default.vocabulary import Project
from tests.county import BASE, CODE, World

T = TypeVar("T")
PART = 2_000
SINCE = date(2020, 1, 1)
PLANNED, IN_PLACE, VERIFIED, POSTED, PAID = (
    date(2021, 2, 10), date(2021, 2, 26), date(2021, 3, 20), date(2021, 3, 21), date(2021, 3, 29),
)  # fmt: skip


def members(index: int) -> int:
    """How many members a household has."""
    return 1 + index % 4


def award(index: int) -> int:
    """The first part of what a household is due, in fen: 30 % of 1,200 yuan a member."""
    return 36_000 * members(index)


def village(index: int) -> int:
    """The village of a household."""
    place = index // 50
    return BASE + (301 + place // 50) * 1000 + 1 + place % 50


def cadre(index: int) -> str:
    """Who is linked to a household: one to each part, for whoever has a household of his own asks each row of it."""
    return f"SL{index // PART:04d}"


def parts(items: Iterator[T], size: int = PART) -> Iterator[list[T]]:
    """Some at a time."""
    while part := list(islice(items, size)):
        yield part


class Scaled(World):
    """The small county, with as many poor households besides as it is told."""

    code = "planned_exit"

    async def people(self, households: int) -> None:
        """Put in the villages, the households and who is in charge of them all; switch the award on."""
        self.code, self.today = "planned_exit", date(2021, 1, 20)
        who = self.who("R1")
        tenant, now = self.tenant.id, who.at.now
        common = {"tenant_id": tenant, "known_from": now, "valid_from": SINCE}
        places = sorted({village(index) for index in range(households)})
        divisions = [(place // 1000 * 1000, "township", f"扩镇{place // 1000 % 1000}") for place in places]
        divisions += [(place, "village", f"扩村{place % 1_000_000}") for place in places]
        rows = [
            {**common, "id": new_id(), "code": code, "name": name, "level": level, "poor": level == "village" or None}
            for code, level, name in dict.fromkeys(divisions)
        ]
        async with self.database.session(who.scope) as session:
            await insert_rows(session, Division, rows)
        for number, duty in (
            ("W1", Duty.WORK_TEAM), ("VC1", Duty.VILLAGE_COMMITTEE), ("B1", Duty.VILLAGE_CADRE),
        ):  # fmt: skip
            await self.charge(number, duty, since=SINCE)
        cadres = self.cadres(households)
        officers: list[dict[str, Any]] = [
            {"tenant_id": tenant, "id": new_id(), "number": number, "name": f"扩{number}"} for number in cadres
        ]
        lo, hi = area_of(BASE)
        duties = [
            {
                **common, "id": new_id(), "officer_id": officer["id"], "duty": Duty.LINKED_CADRE.value, "area_lo": lo,
                "area_hi": hi,
            }
            for officer in officers
        ]  # fmt: skip
        async with self.database.session(who.scope) as session:
            await insert_rows(session, Officer, officers)
            await insert_rows(session, Assignment, duties)
        linked = {officer["number"]: officer["id"] for officer in officers}
        for indices in parts(iter(range(households))):
            async with self.database.session(self.who("R1").scope) as session:
                await self._households(session, common, indices, linked[cadre(indices[0])])
        await self.look()
        first = self.who("C1")
        async with self.database.session(first.scope) as session:
            await grounds.switch_on(session, first, self.programme, self.today)
            await grounds.open_period(session, first, self.programme, self.period)

    async def _households(self, session: Any, common: dict[str, Any], indices: Sequence[int], linked: UUID) -> None:
        tenant, now = common["tenant_id"], common["known_from"]
        found: dict[Any, list[dict[str, Any]]] = {
            table: [] for table in (Household, Standing, HouseholdCadre, Account, Person, Membership)
        }
        for index in indices:
            home, of = new_id(), {"division": village(index)}
            found[Household].append(
                {
                    "tenant_id": tenant,
                    "id": home,
                    "number": f"S{index:06d}",
                    "group_name": "一组",
                    "created_at": now,
                    **of,
                }
            )
            own = {**common, **of, "household_id": home}
            found[Standing].append({**own, "id": new_id(), "standing": "poor", "exit_year": None})
            found[HouseholdCadre].append({**own, "id": new_id(), "officer_id": linked})
            number = f"98{index:017d}"
            found[Account].append(
                {
                    **own,
                    "id": new_id(),
                    "holder": f"扩{index:06d}零",
                    "bank": "测试银行",
                    "number": self.vault.seal(number, "account.number", tenant),
                    "number_index": self.vault.index(number, "account", tenant),
                    "number_masked": "****" + number[-4:],
                }
            )
            for place in range(members(index)):
                person = new_id()
                first17 = f"{CODE}19{50 + place:02d}01{1 + index % 28:02d}{index % 1000:03d}"
                identity = first17 + check_character(first17)
                head = place == 0
                found[Person].append(
                    {
                        "tenant_id": tenant,
                        "id": person,
                        "name": f"扩{index:06d}{'零一二三'[place]}",
                        "number": f"S{index:06d}-{place + 1:02d}",
                        "identity": self.vault.seal(identity, "person.identity", tenant) if head else None,
                        "identity_masked": identity[:3] + "*" * 13 + identity[-2:] if head else None,
                        "created_at": now,
                        **of,
                    }
                )
                relation = "head" if head else "child"
                found[Membership].append({**own, "id": new_id(), "person_id": person, "relation": relation})
        for table, rows in found.items():
            await insert_rows(session, table, rows)

    # --- the way to the payment ---

    async def plans(self, households: int) -> None:
        """Plan every household and report its project in place, in parts."""
        facts = {"projects": frozenset({Project.SMALL_BREEDING})}
        self.today = PLANNED
        for indices in parts(iter(range(households))):
            who = self.who(cadre(indices[0]))
            ground = await self.ground(who)
            plans = [PlanStated(f"S{index:06d}", facts, Stated()) for index in indices]
            async with self.database.session(who.scope) as session:
                report = await planning.plan(session, who, ground, plans)
            assert len(report.done) == len(indices), report.refused[:3]
        self.today = IN_PLACE
        for number in self.cadres(households):
            await self.every(number, "in_place", acts.sign, stage="in_place")

    @staticmethod
    def cadres(households: int) -> list[str]:
        """The staff numbers of those who are linked to so many households."""
        return sorted({cadre(index) for index in range(0, households, PART)})

    async def every(self, number: str, at: str, function: Callable[..., Awaitable[Report]], **options: Any) -> int:
        """Let an officer act on everything that is at a stage, part by part; how many it was done for."""
        done, after = 0, None
        while True:
            who = self.who(number)
            ground = await self.ground(who)
            part = Selection(stages=[at], after=after, limit=PART)
            async with self.database.session(who.scope) as session:
                report = await function(session, who, ground, part, **options)
                rows = report.done + [number for number, _ in report.refused]
            if not rows:
                return done
            assert report.refused == [], report.refused[:3]
            done += len(report.done)
            last = int(max(rows)[1:])
            after = (village(last), max(rows))

    async def determine(self) -> jobs.Status:
        """The accounting of everything, as a job."""
        self.today = VERIFIED
        who = self.who("C1")
        job = await batch.ask(self.database, who, await self.ground(who))
        return await jobs.run(self.database, self.vault, who, job, {batch.KIND: batch.handler(self.plugins)})

    async def verify(self, households: int) -> None:
        """Everybody signs everything."""
        for number in (*self.cadres(households), "W1", "VC1", "B1"):
            await self.every(number, "verification", acts.sign, stage="verification")

    async def notice(self) -> None:
        """Post everything, and let the notice stand its time."""
        self.today = POSTED
        await self.every("VC1", "notice", acts.post, place="村务公开栏")
        self.today = PAID

    @asynccontextmanager
    async def entered(self, number: str) -> AsyncIterator[tuple[Any, Any, Any]]:
        """A transaction of an officer, with the award's ground."""
        who = self.who(number)
        ground = await self.ground(who)
        async with self.database.session(who.scope) as session:
            yield session, who, ground

    async def gather(self, yuan: int = 1_000_000_000) -> payments.Gathered:
        """Make the batch of the first part."""
        line = await self.fund(yuan)
        async with self.entered("C2") as (session, who, ground):
            return await paying.make_batch(session, who, self.vault, ground, line, "payment_1")

    async def check(self, id: Any) -> None:
        """Check a batch."""
        async with self.entered("FM") as (session, who, ground):
            await paying.check_batch(session, who, ground, id)

    async def release(self, id: Any) -> None:
        """Release a checked batch."""
        async with self.entered("FI") as (session, who, ground):
            await paying.release_batch(session, who, ground, id)

    async def ready(self, households: int) -> None:
        """Everything up to what is due, and nothing paid."""
        await self.people(households)
        await self.plans(households)
        await self.determine()
        await self.verify(households)
        await self.notice()
