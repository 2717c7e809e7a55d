"""How the story is told: who acts on which day, on whom, what came of it and what was refused, in both languages.

Nothing here reaches round the product: the workbooks go through the import, every act through the process, and what
must be refused is tried and is refused.
"""

from __future__ import annotations

import asyncio
import tomllib
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, ClassVar, TypeAlias
from uuid import UUID

from rich.console import Console
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import files, jobs, payments
from bangfu.access import County as Tenant
from bangfu.access import Entered, county, enter, set_demo_day
from bangfu.cases import acts, batch, overview, paying, provisions, receipts, sampling
from bangfu.cases import ground as grounds
from bangfu.cases.acts import Report
from bangfu.cases.ground import Ground
from bangfu.cases.handlers import IMPORTERS, Handlers
from bangfu.cases.plans import PlanImporter
from bangfu.cases.views import Selection, Stated
from bangfu.cli.demo import county as made_up
from bangfu.cli.shell import progress_bar
from bangfu.db import Database
from bangfu.errors import Refused
from bangfu.handouts import sheets
from bangfu.handouts.figures import KindLine
from bangfu.inspections.figures import Figures as BaseFigures
from bangfu.pairings.figures import Figures, Party
from bangfu.programme import Plugins
from bangfu.registry import importing
from bangfu.registry.importing import Importer
from bangfu.simulate import keep_preview
from bangfu.text import Text, money, number
from bangfu.vault import Vault

PERIOD = "2021"
FIRST_CODE = 990101
MAKER, KEEPER, RELEASER = "X003", "X004", "X005"
"""Who makes a batch, who keeps the funds and checks it, and who releases it."""

AT_ONCE = 2
"""How many officers act at the same time: while one waits for the database, another goes on."""

ActOn: TypeAlias = Callable[[AsyncSession, Entered, Ground], Awaitable[Report]]


@dataclass(frozen=True, slots=True)
class ByMonth:
    """What came of something that is paid every month: persons who received something, the months that it was for, what
    is due of them and was paid; of months that had been decided before, what was added and is to be paid back; what was
    set off, and what could be neither paid nor set off yet. Amounts are in fen."""

    persons: int = 0
    months: int = 0
    due_fen: int = 0
    paid_fen: int = 0
    arrears_fen: int = 0
    recovery_fen: int = 0
    set_off_fen: int = 0
    unpaid_fen: int = 0
    unrecovered_fen: int = 0


@dataclass
class Told:
    """What came of the story, for whoever wants to check it; by programme where it is told of an award."""

    code: str
    figures: dict[str, list[overview.TownshipFigures]] = field(default_factory=dict)
    refusals: list[str] = field(default_factory=list)
    batches: dict[str, list[payments.Batch]] = field(default_factory=lambda: defaultdict(list))
    drawn: sampling.Drawn | None = None
    payment_list: Path | None = None
    poster: Path | None = None
    page: str = ""
    """The address of a village's page, which is open on the last day of the story."""
    returned: list[str] = field(default_factory=list)
    """The households to whom a payment did not get through; the first was paid again."""
    waited: list[payments.Waiting] = field(default_factory=list)
    missed: dict[str, int] = field(default_factory=dict)
    again: dict[str, int] = field(default_factory=dict)
    replayed: dict[str, int] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    examples: dict[str, str] = field(default_factory=dict)
    helped: Figures | None = None
    """What pairings come to in the year, and in ``waiting`` how much waits for each side."""
    waiting: dict[Party, int] = field(default_factory=dict)
    by_month: dict[str, ByMonth] = field(default_factory=dict)
    unverified: dict[str, list[str]] = field(default_factory=dict)
    """Who was not verified again in the half-year, by number."""
    bases: BaseFigures | None = None
    handouts: dict[str, KindLine] = field(default_factory=dict)
    """What was handed out in the year, by kind."""


class Telling:
    """A made-up county that lives on an open database; ``folder`` takes the workbooks."""

    county: made_up.County
    tenant: Tenant
    told: Told

    def __init__(
        self,
        database: Database,
        vault: Vault,
        plugins: Plugins,
        folder: Path,
        out: Console,
        size: made_up.Size | None = None,
    ) -> None:
        self.database, self.vault, self.plugins, self.folder, self.out = database, vault, plugins, folder, out
        self.size = size or made_up.Size()
        self.handlers = Handlers(plugins, sheets.handlers(plugins))
        self.host = database.settings.public_url or "http://127.0.0.1:8000"

    async def make_county(self) -> None:
        """Make the county that is told of, under the first code that is not taken."""
        self.told = Told(await self._free_code())
        self.county = made_up.Maker(self.told.code, self.size).make()
        self.folder.mkdir(parents=True, exist_ok=True)

    async def _free_code(self) -> str:
        for code in range(FIRST_CODE, FIRST_CODE + 99):
            try:
                await county(self.database, str(code))
            except Refused:
                return str(code)
        raise RuntimeError("there are ninety-nine demo counties already")

    def chapter(self, zh: str, en: str) -> None:
        """Begin a chapter."""
        self.out.print()
        self.out.rule(f"[bold]{zh}  {en}", align="left")

    def say(self, zh: str, en: str) -> None:
        """Say something in both languages."""
        self.out.print(f"{zh}  /  {en}", highlight=False, markup=False, soft_wrap=True)

    async def day(self, today: date) -> None:
        """Move the county's clock."""
        async with self.database.owner() as connection:
            await set_demo_day(connection, self.told.code, today, datetime.now(UTC))
        self.tenant = await county(self.database, self.told.code)
        self.say(f"—— {today} ——", f"today is {today}")

    async def who(self, staff: str) -> Entered:
        """An officer, today."""
        return await enter(self.database, self.told.code, staff)

    async def do(self, staff: str, act: Callable[[AsyncSession, Entered], Awaitable[Any]]) -> Any:
        """Let an officer do something, in one transaction."""
        who = await self.who(staff)
        async with self.database.session(who.scope) as session:
            return await act(session, who)

    async def refused(
        self, staff: str, zh: str, en: str, act: Callable[[AsyncSession, Entered], Awaitable[Any]]
    ) -> None:
        """Try what must be refused, and show that it is."""
        try:
            await self.do(staff, act)
        except Refused as refusal:
            self.told.refusals.append(refusal.problems[0].code.name)
            self.say(f"  ✗ {zh}({refusal.problems[0].message.zh})", en)
            return
        raise AssertionError(f"this should have been refused: {en}")

    # --- workbooks and jobs ---

    async def bring(
        self, staff: str, kind: str | Importer[Any], data: bytes, name: str, *, quiet: bool = False, **options: Any
    ) -> jobs.Status:
        """Import a workbook as an officer; what is wrong with it comes back marked."""
        (self.folder / name).write_bytes(data)
        importer = IMPORTERS[kind] if isinstance(kind, str) else kind
        who = await self.who(staff)
        job = await importing.ask(self.database, self.vault, who, importer, name, data, **options)
        if quiet:
            status = await jobs.run(self.database, self.vault, who, job, self.handlers)
        else:
            status = await self.job(who, job, name)
            self._told_import(status)
        if status.result_file_id is not None:
            async with self.database.session(who.scope) as session:
                back = await files.fetch(session, self.vault, who.county.id, status.result_file_id)
            (self.folder / back.name).write_bytes(back.data)
            self.say(f"问题已标注:{self.folder / back.name}", f"problems are marked in {back.name}")
        return status

    async def job(self, who: Entered, job: UUID, title: str) -> jobs.Status:
        """Run a job and show how far it is."""
        bar, watch = progress_bar(self.out, title)
        with bar:
            return await jobs.run(self.database, self.vault, who, job, self.handlers, watch)

    def _told_import(self, status: jobs.Status) -> None:
        for what, tally in status.result.get("tallies", {}).items():
            self.say(
                f"  {what}:新增 {tally['new']},变更 {tally['changed']},相同 {tally['same']}",
                f"new {tally['new']}, changed {tally['changed']}, same {tally['same']}",
            )
        problems = status.result.get("problems") or status.result.get("row_problems") or []
        for problem in problems[:3]:
            self.say(f"  {problem['code']}: {problem['message']['zh']}", problem["message"]["en"])
        if problems:
            self.told.refusals.append(problems[0]["code"])


class Award:
    """The chapters of one award, told on the county of a :class:`Telling`."""

    code: ClassVar[str]
    period: ClassVar[str] = PERIOD

    def __init__(self, telling: Telling) -> None:
        self.t = telling
        self.programme = telling.plugins.programme(self.code)

    @property
    def unit(self) -> Text:
        """What its cases are counted in."""
        return Text("人", "persons") if self.programme.is_for_persons else Text("户", "households")

    @property
    def batches(self) -> list[payments.Batch]:
        """The batches that were released, in their order."""
        return self.t.told.batches[self.code]

    async def ground(self, who: Entered) -> Ground:
        """The award in its period."""
        async with self.t.database.session(who.scope) as session:
            return await grounds.ground_of(session, self.t.tenant.id, self.programme, self.period)

    async def act(self, staff: str, act: Callable[..., Awaitable[Any]], *more: Any, **named: Any) -> Any:
        """Let an officer do something to cases of the award, in one transaction."""
        who = await self.t.who(staff)
        ground = await self.ground(who)
        async with self.t.database.session(who.scope) as session:
            return await act(session, who, ground, *more, **named)

    async def replay(self, staff: str) -> receipts.Replay:
        """Every determination of the award computed again."""
        found: receipts.Replay = await self.t.do(
            staff, lambda session, who: receipts.replay(session, who, self.programme, self.period)
        )
        return found

    # --- opening ---

    async def switch_on(self, staff: str, since: date) -> None:
        """Put the award in force."""
        await self.t.do(staff, lambda session, who: grounds.switch_on(session, who, self.programme, since))

    async def draft(self, staff: str, provision: str, name: str) -> UUID:
        """Draft what the county itself lays down, and preview it."""
        (self.t.folder / name).write_text(provision, encoding="utf-8")
        raw = tomllib.loads(provision)

        async def act(session: AsyncSession, who: Entered) -> UUID:
            made = await provisions.draft(session, who, self.programme, raw)
            for period in await provisions.to_preview(session, who, self.t.plugins, made) or [self.period]:
                await keep_preview(session, who, self.t.plugins, made, period)
            return made

        draft: UUID = await self.t.do(staff, act)
        return draft

    async def open(self, staff: str, draft: UUID | None = None) -> None:
        """Put the draft in force, if there is one, and open the period."""

        async def act(session: AsyncSession, who: Entered) -> grounds.Rules:
            if draft is not None:
                await provisions.release(session, who, self.t.plugins, draft)
            return await grounds.open_period(session, who, self.programme, self.period)

        rules = await self.t.do(staff, act)
        title = self.programme.title
        self.t.say(
            f"已开启 {title.zh} {self.period},规则第 {rules.number} 版,版本 {rules.version[:12]}",
            f"{title.en}, {self.period}: edition {rules.number}, rule book {rules.version[:12]}",
        )

    # --- what officers do ---

    async def sheets(self, title: str, name: str, sheet: Callable[[made_up.Township], bytes], **clerks: str) -> None:
        """Let the townships import a sheet each, by their clerk or whom ``clerks`` names instead."""
        opened, townships = 0, self.t.county.townships
        importer = PlanImporter(self.programme, self.period)
        bar, watch = progress_bar(self.t.out, title)
        with bar:
            for entered, township in enumerate(townships, 1):
                clerk = clerks.get(township.clerk, township.clerk)
                file = f"{name}-{township.name}.xlsx"
                status = await self.t.bring(clerk, importer, sheet(township), file, quiet=True)
                opened += status.result["tallies"]["plan"]["new"]
                watch(entered, len(townships))
        self.t.say(f"申报 {number(opened)} {self.unit.zh}", f"{number(opened)} {self.unit.en} applied")

    async def each(self, title: str, numbers: Iterable[str], act: ActOn) -> int:
        """Let each officer act on everything in sight; say what was done, and what was refused and why."""
        staffs = sorted(set(numbers))
        ground = await self.ground(await self.t.who("X002"))
        free = asyncio.Semaphore(AT_ONCE)
        acted = 0
        bar, watch = progress_bar(self.t.out, title)

        async def one(staff: str) -> Report:
            nonlocal acted
            async with free:
                who = await self.t.who(staff)
                async with self.t.database.session(who.scope) as session:
                    report = await act(session, who, ground)
                acted += 1
                watch(acted, len(staffs))
                return report

        with bar:
            reports = await asyncio.gather(*(one(staff) for staff in staffs))
        done = sum(len(report.done) for report in reports)
        refused = Counter(problem.code.name for report in reports for _, problem in report.refused)
        why = "".join(f", {name} {count}" for name, count in sorted(refused.items()) if name != "NOT_YOUR_DUTY")
        self.t.say(f"  完成 {number(done)} {self.unit.zh}{why}", f"{number(done)} done{why}")
        return done

    @staticmethod
    def sign(stage: str, stated: Stated | None = None) -> ActOn:
        """The act of signing a stage of everything in sight."""

        async def sign(session: AsyncSession, who: Entered, ground: Ground) -> Report:
            return await acts.sign(session, who, ground, Selection(stages=[stage]), stage, stated)

        return sign

    @staticmethod
    async def post(session: AsyncSession, who: Entered, ground: Ground) -> Report:
        """Post everything in sight that is to be posted."""
        return await acts.post(session, who, ground, Selection(stages=["notice"]), place="村务公开栏")

    async def account_all(self, staff: str) -> None:
        """Account the whole county."""
        who = await self.t.who(staff)
        job = await batch.ask(self.t.database, who, await self.ground(who))
        status = await self.t.job(who, job, "全县核算 / the whole county accounted")
        done = number(status.result["done"])
        self.t.say(f"核算 {done} {self.unit.zh}", f"{done} {self.unit.en} accounted")

    async def refused(
        self, staff: str, zh: str, en: str, act: Callable[..., Awaitable[Report]], *more: Any, **named: Any
    ) -> None:
        """Try what must be refused for every household, and show that it is."""
        report: Report = await self.act(staff, act, *more, **named)
        if report.done or not report.refused:
            raise AssertionError(f"this should have been refused: {en}")
        problem = report.refused[0][1]
        self.t.told.refusals.append(problem.code.name)
        self.t.say(f"  ✗ {zh}({problem.message.zh})", en)

    # --- money ---

    async def pay(self, line: UUID, stage: str, month: int | None = None) -> payments.Gathered:
        """Make, check and release a batch of everything that is due at a stage, by three persons; where something is
        paid every month, up to a month."""
        gathered, made = await self.gather(line, stage, month)
        await self.act(KEEPER, paying.check_batch, made.id)
        done: payments.Batch = await self.act(RELEASER, paying.release_batch, made.id)
        self.batches.append(done)
        title, unit = self.programme.process[stage].title, self.unit.zh if month is None else "笔"
        self.t.say(
            f"{title.zh} 第 {done.number} 批已放行:{number(done.count)} {unit},{money(done.total_fen).zh}",
            f"{title.en}, batch {done.number} released: {money(done.total_fen).en} to {number(done.count)}",
        )
        return gathered

    async def gather(
        self, line: UUID, stage: str, month: int | None = None
    ) -> tuple[payments.Gathered, payments.Batch]:
        """Make a batch of everything that is due at a stage, and say who is left out."""
        ground = await self.ground(await self.t.who(MAKER))
        gathered: payments.Gathered = await self.t.do(
            MAKER, lambda session, who: paying.make_batch(session, who, self.t.vault, ground, line, stage, month)
        )
        for problem in gathered.warnings:
            self.t.say(f"  ! {problem.message.zh}", problem.message.en)
        for left_out, problem in gathered.missing[:3]:
            self.t.say(f"  未列入 {left_out}:{problem.message.zh}", problem.message.en)
        if gathered.batch is None:
            raise AssertionError("somebody can be paid")
        return gathered, gathered.batch

    async def fund(self, code: str, title: str, programmes: Sequence[str], fen: int, **said: Any) -> UUID:
        """Enter a budget line with its first money, confirmed by another office."""
        stated = payments.LineStated(
            code=code, title=title, document_on=date(2021, 3, 1), year=2021, programmes=programmes, **said
        )
        entry = payments.EntryStated(
            amount_fen=fen, document=stated.document, document_on=stated.document_on, reason="年初下达"
        )
        known = self.t.plugins.programmes
        line, first = await self.t.do(
            KEEPER, lambda session, who: payments.add_line(session, who, stated, entry, known)
        )
        await self.t.do(RELEASER, lambda session, who: payments.confirm_entry(session, who, first))
        kind = (
            ("约束性,用完即止", "binding: who does not fit waits")
            if stated.binding
            else ("估算数,不足时追加", "an estimate: it warns")
        )
        self.t.say(
            f"指标 {code} {title}:{money(fen).zh}({kind[0]})", f"budget line {code}: {money(fen).en} ({kind[1]})"
        )
        return UUID(str(line))

    async def top_up(self, line: UUID, fen: int, document: str) -> None:
        """Put more money on a budget line, confirmed by another office."""
        today = (await self.t.who(KEEPER)).at.today
        entry = payments.EntryStated(amount_fen=fen, document=document, document_on=today, reason="按程序追加")
        made = await self.t.do(KEEPER, lambda session, who: payments.add_entry(session, who, line, entry))
        await self.t.do(RELEASER, lambda session, who: payments.confirm_entry(session, who, made))
        self.t.say(f"追加 {money(fen).zh}({document})", f"topped up by {money(fen).en}")


def village_officers(villages: Iterable[made_up.Village]) -> Mapping[str, list[str]]:
    """The staff numbers of those who sign in villages, by who they are."""
    own = list(villages)
    return {
        "联户干部 / linked cadres": [number for village in own for number in village.linked],
        "驻村工作队 / work teams": [village.team for village in own if village.team],
        "村两委 / village committees": [village.committee for village in own],
        "包村干部 / township cadres": [village.cadre for village in own],
    }
