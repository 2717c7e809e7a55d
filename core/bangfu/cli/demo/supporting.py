"""助残 in the story: two subsidies that are paid every month, what becomes known late of the months that were paid, and
what the federation of disabled persons keeps of its bases and hands out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Entered
from bangfu.cases import carrying, correcting, month_receipts, month_runs, months, paying, provisions
from bangfu.cases import ground as grounds
from bangfu.cases.acts import Report
from bangfu.cases.ground import Ground
from bangfu.cases.month_receipts import Month
from bangfu.cases.views import Selection, Stated
from bangfu.cli import page
from bangfu.cli.demo import county as made_up
from bangfu.cli.demo.county import Disabled
from bangfu.cli.demo.telling import KEEPER, MAKER, Award, ByMonth, Telling
from bangfu.cli.receipt import print_decisions, print_months
from bangfu.handouts import figures as handed_out
from bangfu.handouts import ledger, stock
from bangfu.handouts.ledger import Need
from bangfu.handouts.sheets import SignatureImporter
from bangfu.handouts.stock import Bought, Measure
from bangfu.inspections import assessments, bases
from bangfu.inspections import figures as inspected
from bangfu.inspections.assessments import Answer, Assessed
from bangfu.inspections.bases import Persons, Registration
from bangfu.models import BaseFinding
from bangfu.payments import Kind
from bangfu.process import RestCause
from bangfu.programme import HandoutProgramme, InspectionProgramme
from bangfu.registry import circumstances, discrepancies
from bangfu.registry.holding import CERTIFICATE, DEATH, MINIMUM_LIVING
from bangfu.text import LANGUAGES, Text, money, number

CIVIL_AFFAIRS, FEDERATION, SECOND = "X007", "X008", "X015"
"""Who keeps the guarantee and the deaths, who keeps everything of the federation, and who looks at it there after
him."""
YEAR_END, LISTED, APPLIED = date(2020, 12, 31), date(2021, 1, 25), date(2021, 1, 26)
CHANGED, DIED, DIED_LATE = date(2021, 5, 10), date(2021, 7, 3), date(2021, 6, 12)
"""When two certificates were issued anew, when somebody died of whom it is known at once, and when somebody of whom it
is known in September."""
SIGNED = date(2021, 10, 26)
STAGE = "monthly_payment"
GOODS, DEVICE = "种鸡苗、饲料", "轮椅"
GOODS_FEN, DEVICE_FEN = 200_000, 50_000
COLUMNS = (
    Text("补贴(元)", "subsidy (yuan)"),
    Text("人", "persons"),
    Text("人月", "months"),
    Text("已发", "paid"),
    Text("补发", "of it arrears"),
    Text("应追回", "to be paid back"),
    Text("已抵扣", "of it set off"),
    Text("待追回", "still to be paid back"),
    Text("未发", "could not be paid"),
)

Do: TypeAlias = Callable[[AsyncSession, Entered], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Cast:
    """The persons to whom something happens."""

    raised: Disabled
    """His level is raised, from 2 to 1."""
    lowered: Disabled
    dies: Disabled
    """Dies while his payment is being made."""
    dies_unknown: Disabled
    """Dies, and is paid for a month more, before anybody knows."""
    detained: Disabled
    unreachable: Disabled
    omitted: Disabled
    """Is in the guarantee, and a list of it does not name him."""
    misspelt: Disabled

    @classmethod
    def of(cls, persons: Iterable[Disabled]) -> Cast:
        """The first of the county of whom each can be, all of them different."""
        free = [one for one in persons if one.applies and one.generation > 1 and one.home.account]

        def take(fits: Callable[[Disabled], bool]) -> Disabled:
            found = next(one for one in free if fits(one))
            free.remove(found)
            return found

        return cls(
            raised=take(lambda one: one.level == 2),
            lowered=take(lambda one: one.level == 1),
            dies=take(lambda one: one.level <= 2),
            dies_unknown=take(lambda one: one.level <= 2 and one.guaranteed),
            detained=take(lambda one: one.level <= 2 and not one.guaranteed),
            unreachable=take(lambda one: one.level > 2 and one.guaranteed),
            omitted=take(lambda one: one.guaranteed),
            misspelt=take(lambda one: True),
        )


class Subsidy(Award):
    """One of the two: applied for in January, reviewed twice, and paid every month."""

    @property
    def applicants(self) -> list[Disabled]:
        """Who applies."""
        return [one for one in self.t.county.disabled if one.applies and self.fits(one)]

    def fits(self, one: Disabled) -> bool:
        """Whether a village thinks that somebody could have it; whether the certificate counts is for the reviews."""
        raise NotImplementedError

    async def apply(self) -> None:
        """The villages take the applications, the townships and the federation review them."""
        title, persons = self.programme.title.zh, self.applicants
        await self.sheets(
            f"{title}申请 / applications",
            f"{title}申请汇总",
            lambda township: made_up.subsidy_workbook(title, township, persons, APPLIED),
        )
        await self.account_all(FEDERATION)
        clerks = [township.clerk for township in self.t.county.townships]
        await self.each("乡镇初核 / townships review first", clerks, self.sign("first_review"))
        await self.each("县残联复核 / the federation reviews", [FEDERATION], self.sign("second_review"))

    async def decide(self) -> int:
        """Decide every month up to that of the day for the whole county; the last of them."""
        who = await self.t.who(MAKER)
        month, ground = who.at.today.month, await self.ground(who)
        async with self.t.database.session(who.scope) as session:
            job = await month_runs.put(session, who, ground, month, "", whole=False)
        title = self.programme.title
        told = (await self.t.job(who, job, f"{title.zh} 核定至{month}月 / months up to {month}")).result
        arrears, recovery = money(told["arrears_fen"]), money(told["recovery_fen"])
        self.t.say(
            f"核定 {number(told['decided'])} 人月,其中变更 {number(told['changed'])} 人月:补发 {arrears.zh},"
            f"应追回 {recovery.zh}",
            f"{number(told['decided'])} months decided, {number(told['changed'])} of them again: {arrears.en} added, "
            f"{recovery.en} taken back",
        )
        return month

    async def pay_months(self, line: UUID) -> None:
        """Decide and pay everything up to the month of the day."""
        await self.pay(line, STAGE, await self.decide())

    async def rest(self, one: Disabled, cause: RestCause, reason: str) -> None:
        """Let the subsidy of one person rest, by the township's clerk."""
        stated = Stated(reason=reason, evidence="村级报告")
        await self.act(self._clerk(one), correcting.pause, Selection(numbers=[one.number]), stated, cause=cause)
        title = cause.title_text
        self.t.say(f"{one.number} 停发:{title.zh}", f"{one.number} rests: {title.en}")

    async def resume(self, one: Disabled, reason: str) -> None:
        """Go on with it."""
        await self.act(self._clerk(one), correcting.resume, Selection(numbers=[one.number]), Stated(reason=reason))
        self.t.say(f"{one.number} 恢复发放", f"{one.number} is paid again from the next month on")

    def _clerk(self, one: Disabled) -> str:
        return next(own.clerk for own in self.t.county.townships if own.name == one.home.village.township)

    async def verify(self, unseen: Sequence[Disabled]) -> None:
        """The townships verify everybody again but those whom nobody has seen; the list of who is not."""
        seen = [one for one in self.applicants if one.generation > 1 and one not in unseen]

        async def look(session: AsyncSession, who: Entered, ground: Ground) -> Report:
            lo, hi = who.scope.bounds
            own = Selection(numbers=[one.number for one in seen if lo <= one.home.village.code <= hi])
            return await carrying.reverify(session, who, ground, own, "在世,在本县,证件有效")

        clerks = [township.clerk for township in self.t.county.townships]
        title = self.programme.title
        await self.each(f"{title.zh}半年核查 / verified again", clerks, look)
        found = await self.act(FEDERATION, carrying.unverified, self.t.tenant.moment().today, 100)
        numbers = self.t.told.unverified[self.code] = [one.number for one in found]
        self.t.say(
            f"下半年未核查 {len(numbers)} 人:{'、'.join(numbers[:3])}",
            f"{len(numbers)} were not verified in this half-year",
        )

    async def _told(self) -> dict[str, tuple[Month, ...]]:
        """The months of everybody who is or was paid, by number, as anybody may ask for them."""
        who = await self.t.who(MAKER)
        ground = await self.ground(who)
        async with self.t.database.session(who.scope) as session:
            cases = await months.payees(session, who, ground, Selection())
            told = await month_receipts.told(session, who, ground, [one.id for one in cases])
        return {one.number: told[one.id] for one in cases if one.id in told}

    async def open_ones(self) -> None:
        """What nobody can be paid, and what is to be paid back and nothing comes to set it off against."""
        self.t.say(f"{self.programme.title.zh}未结清", f"what stays open of the {self.programme.title.en}")
        for key, own in (await self._told()).items():
            unpaid = sum(month.open_fen for month in own)
            back = [line for month in own for line in month.lines if line.kind is Kind.RECOVERY]
            left = -sum(line.amount_fen + line.set_off_fen + line.repaid_fen for line in back)
            if unpaid or left:
                fen, owed = money(unpaid), money(left)
                self.t.say(f"  {key} 未发 {fen.zh},待追回 {owed.zh}", f"{fen.en} not paid, {owed.en} to be paid back")

    async def figures(self) -> ByMonth:
        """What it comes to."""
        told = await self._told()
        lines = [line for own in told.values() for month in own for line in month.lines]
        received = [[month for month in own if month.paid_fen] for own in told.values()]
        back = -sum(line.amount_fen for line in lines if line.kind is Kind.RECOVERY)
        off = sum(line.set_off_fen for line in lines if line.kind is Kind.RECOVERY)
        repaid = sum(line.repaid_fen for line in lines)
        return ByMonth(
            persons=sum(bool(own) for own in received),
            months=sum(map(len, received)),
            due_fen=sum(month.due_fen for own in told.values() for month in own),
            paid_fen=sum(month.received_fen for own in told.values() for month in own),
            arrears_fen=sum(line.paid_fen for line in lines if line.kind is Kind.ARREARS),
            recovery_fen=back,
            set_off_fen=off,
            unpaid_fen=sum(month.open_fen for own in told.values() for month in own),
            unrecovered_fen=back - off - repaid,
        )

    async def explain(self, one: Disabled, of: int) -> None:
        """One month of one person in both languages: what became known of it and what followed, and each of its
        decisions, the last one first."""
        (month,) = [own for own in await self.act(MAKER, month_receipts.told_of, one.number) if own.number == of]
        title = Text(
            f"{one.number} {self.programme.title.zh}:这个月为什么是这个数?",
            f"{one.number}, {self.programme.title.en}: why this amount in this month?",
        )
        self.t.out.print()
        for language in LANGUAGES:
            print_months(self.t.out, title, [month], language)
            print_decisions(self.t.out, title, month.decisions, language)


class Living(Subsidy):
    """90 yuan a month for who is in the minimum living guarantee."""

    code = "disability_living"

    def fits(self, one: Disabled) -> bool:
        """In the guarantee."""
        return one.guaranteed


class Care(Subsidy):
    """100 yuan a month for the first level, 70 for the second."""

    code = "disability_care"

    def fits(self, one: Disabled) -> bool:
        """Of the first or the second level."""
        return one.level <= 2

    async def pay_around_a_death(self, line: UUID, one: Disabled) -> None:
        """Somebody dies after a batch was made: it cannot be checked, and is made again without him."""
        month = await self.decide()
        _, made = await self.gather(line, STAGE, month)
        died = circumstances.Stated(kind=DEATH, since=DIED)
        await self.t.do(
            CIVIL_AFFAIRS,
            lambda s, w: circumstances.record(s, w, one.number, died, "死亡医学证明", "村委会当日报告"),
        )
        ground = await self.ground(await self.t.who(KEEPER))
        await self.t.refused(
            KEEPER, "批次中有人刚去世,不能通过", "somebody in the batch has just died",
            lambda s, w: paying.check_batch(s, w, ground, made.id),
        )  # fmt: skip
        await self.act(MAKER, paying.cancel_batch, made.id, "批次中有人死亡")
        await self.pay(line, STAGE, month)


class Supporting:
    """The chapters of 助残, told on the county of a :class:`Telling`."""

    def __init__(self, telling: Telling) -> None:
        self.t = telling
        self.living, self.care = Living(telling), Care(telling)
        self.bases: InspectionProgramme = telling.plugins.inspection("disabled_bases")
        self.services: HandoutProgramme = telling.plugins.handout("disabled_services")

    @property
    def subsidies(self) -> tuple[Living, Care]:
        """The two."""
        return self.living, self.care

    async def january(self) -> None:
        """What offices know, and who applies."""
        await self.lists()
        await self.apply()

    async def lists(self) -> None:
        """What the federation and the civil affairs bureau know, and what their lists say otherwise than the
        register."""
        self.t.chapter("助残:持证名册、低保名册", "certificates of disability and the minimum living guarantee")
        await self.t.day(LISTED)
        persons = self.t.county.disabled
        self.cast = Cast.of(persons)
        await self.t.bring(
            FEDERATION, "certificates", made_up.certificates_workbook(persons, faults=True), "持证名册.xlsx",
            dry_run=True,
        )  # fmt: skip
        misspelt = self.cast.misspelt
        other = replace(misspelt.member, name=f"{misspelt.member.name[:2]}某")
        named = [replace(one, member=other) if one is misspelt else one for one in persons]
        good = made_up.certificates_workbook(named)
        await self.t.bring(FEDERATION, "certificates", good, "持证名册(更正).xlsx", whole=True)
        await self._settle(FEDERATION, CERTIFICATE, accept=True, reason="户口簿与残疾人证为同一人,姓名用字不同")
        guaranteed = [one for one in persons if one.guaranteed]
        first, rest = (
            made_up.guarantee_workbook(own)
            for own in (guaranteed, [one for one in guaranteed if one is not self.cast.omitted])
        )
        await self.t.bring(CIVIL_AFFAIRS, "minimum_living", first, "低保名册-2020年12月.xlsx", as_of=YEAR_END)
        await self.t.bring(CIVIL_AFFAIRS, "minimum_living", rest, "低保名册-2021年1月.xlsx", whole=True)
        await self._settle(CIVIL_AFFAIRS, MINIMUM_LIVING, accept=False, reason="名册漏列,该户仍在保")

    async def _settle(self, staff: str, kind: str, *, accept: bool, reason: str) -> None:
        """Settle everything that a list said otherwise."""
        tasks = await self.t.do(staff, lambda s, w: discrepancies.open_ones(s, w, kind=kind))
        for task in tasks:
            await self._do(staff, discrepancies.settle, task.id, accept, reason)
            self.t.say(
                f"核对事项 {task.number}:{'采纳名册' if accept else '登记册不变'}({reason})",
                f"{task.number} is settled: {'the list is right' if accept else 'the register stays as it is'}",
            )

    async def apply(self) -> None:
        """Both subsidies are applied for and reviewed."""
        self.t.chapter("助残:两项补贴申请、初核、复核", "two subsidies: applications and two reviews")
        await self.t.day(APPLIED)
        for own in self.subsidies:
            await own.apply()

    async def fund(self) -> UUID:
        """The money of both."""
        return await self.living.fund(
            "2021-CL-01", "残疾人两项补贴资金", [own.code for own in self.subsidies],
            len(self.t.county.disabled) * 120_000, source="县级财政配套", level="county", document="演财社〔2021〕5号",
            binding=True,
        )  # fmt: skip

    async def first_payment(self, line: UUID) -> None:
        """January to March; then one is detained, and one cannot be reached."""
        self.t.chapter("助残:一季度按月核定、发放", "two subsidies: the first three months")
        for own in self.subsidies:
            await own.pay_months(line)
        await self.care.rest(self.cast.detained, RestCause.CUSTODY, "被羁押")
        await self.living.rest(self.cast.unreachable, RestCause.UNREACHABLE, "外出失联")

    async def second_payment(self, line: UUID) -> None:
        """April to July, and nobody who is dead is paid."""
        self.t.chapter("助残:4—7月发放,批次中有人去世", "two subsidies: April to July, and a death in a batch")
        await self.care.pay_around_a_death(line, self.cast.dies)
        await self.living.pay_months(line)

    async def third_payment(self, line: UUID) -> None:
        """What became known late changes the months that it was so: more is paid with the next payment, what was too
        much is set off against it, and nothing that was paid is edited."""
        self.t.chapter("助残:换证、死亡迟报,逐月补发、抵扣", "two subsidies: what becomes known late")
        cast = self.cast
        anew = [replace(one, level=3 - one.level, issued=CHANGED) for one in (cast.raised, cast.lowered)]
        await self.t.bring(FEDERATION, "certificates", made_up.certificates_workbook(anew), "换证名册.xlsx")
        self.t.say(
            f"{cast.raised.number} 二级变一级、{cast.lowered.number} 一级变二级,均自{CHANGED:%-m月%-d日}起,9月底才知道",
            "one level was raised in May and one lowered; both are known in September",
        )
        died = made_up.deaths_workbook([(cast.dies_unknown, DIED_LATE)])
        await self.t.bring(CIVIL_AFFAIRS, "deaths", died, "死亡登记名册.xlsx")
        await self.care.resume(cast.detained, "解除羁押")
        await self.living.resume(cast.unreachable, "已返乡,符合条件")
        self.t.say(
            "服刑羁押期间不补发,失联期间补发", "the months of custody stay unpaid, those of who was away are paid now"
        )
        for own in self.subsidies:
            last = next(one for one in reversed(own.applicants) if one.generation > 1)
            await own.verify([cast.dies, cast.dies_unknown, last])
            await own.pay_months(line)

    async def last_payment(self, line: UUID) -> None:
        """October."""
        self.t.chapter("助残:10月发放", "two subsidies: October")
        for own in self.subsidies:
            await own.pay_months(line)
        for own in self.subsidies:
            await own.open_ones()

    # --- the federation's registers ---

    async def autumn(self) -> None:
        """Bases are registered and one of them has something to put right; what is needed is listed and bought."""
        self.t.chapter("助残:扶贫(就业)基地、物资需求", "support bases, and what is needed")
        for programme in (self.bases, self.services):
            await self._do("X002", grounds.switch_on, programme, date(2021, 1, 25))
        await self._lay_down(self.bases, "演残联发〔2021〕3号", rectify_days=30)
        await self._lay_down(self.services, "演残联发〔2021〕4号", device_limit_per_person=2)
        first, *_ = made = [await self._base(place) for place in range(3)]
        self.t.say(
            f"登记基地 {len(made)} 个,另一人确认", f"{len(made)} bases are registered by one and confirmed by another"
        )
        assessment = await self._assess(first)
        notice = await self._do(FEDERATION, assessments.notify, self.bases, assessment, Stated())
        self.t.say(
            f"考核发现问题 1 个,整改通知书 {notice},30 日内整改",
            f"one finding, notice {notice}, to be put right in 30 days",
        )
        await self._needs()

    async def _do(self, staff: str, act: Callable[..., Awaitable[Any]], *more: Any, **named: Any) -> Any:
        return await self.t.do(staff, lambda session, who: act(session, who, *more, **named))

    async def _lay_down(self, programme: Any, document: str, **parameters: Any) -> None:
        """The county lays down what the source does not print."""
        raw = {
            "programme": programme.code, "title": f"演示县{programme.title.zh}管理办法", "number": document,
            "issued": date(2021, 1, 20),
            "parameters": {
                name: [{"since": date(2021, 1, 25), "value": value, "clause": "一"}]
                for name, value in parameters.items()
            },
        }  # fmt: skip
        draft = await self._do("X002", provisions.draft, programme, raw)
        await self._do("X003", provisions.release, self.t.plugins, draft)

    async def _base(self, place: int) -> UUID:
        enterprise, level = self.t.county.enterprises[place], self.bases.levels[place]
        said = Registration(
            credit_code=enterprise.code, level=level.code, rural=place != 1, persons=Persons(3 + place, 5, 2 + place)
        )
        made: UUID = await self._do(FEDERATION, bases.register, self.bases, said, Stated(evidence="基地申报表"))
        await self._do(SECOND, bases.confirm, self.bases, made, Stated(evidence="实地查看记录"), passed=True)
        return made

    async def _assess(self, base: UUID) -> UUID:
        missing = self.bases.items[0].code
        answers = [
            Answer(item.code, present=item.code != missing, evidence="" if item.code == missing else "台账",
                   finding="安置的残疾人少于申报人数" if item.code == missing else "")
            for item in self.bases.items
        ]  # fmt: skip
        said = Assessed(answers, 82, Persons(2, 5, 2))
        made: UUID = await self._do(FEDERATION, assessments.assess, self.bases, base, said, Stated(evidence="考核表"))
        await self._do(SECOND, assessments.agree, self.bases, made, Stated(evidence="考核表"), agreed=True)
        return made

    @property
    def homes(self) -> list[made_up.Household]:
        """Who gets goods: households all over the county."""
        own = list({one.home.number: one.home for one in self.t.county.disabled}.values())
        count = self.t.size.goods
        return [own[place * len(own) // count] for place in range(count)]

    @property
    def equipped(self) -> list[tuple[Disabled, int]]:
        """Who gets a device, one of a household, and how many: the first two have a second one."""
        own = list({one.home.number: one for one in reversed(self.t.county.disabled)}.values())
        return [(one, 2 if place < 2 else 1) for place, one in enumerate(own[: self.t.size.equipped])]

    async def _needs(self) -> None:
        """The townships state what is needed, the federation lists and buys it."""
        made: list[UUID] = []
        for township in self.t.county.townships:
            needs = [
                Need(number=home.number, kind="goods", item=GOODS, measure=Measure(fen=GOODS_FEN))
                for home in self.homes
                if home.village.township == township.name
            ]
            needs += [
                Need(number=one.number, kind="device", item=DEVICE, measure=Measure(count))
                for one, count in self.equipped
                if one.home.village.township == township.name
            ]
            if needs:
                made += await self._do(township.clerk, ledger.ask, self.services, needs, Stated(evidence="需求摸底表"))
        await self._do(FEDERATION, ledger.list_, self.services, made, Stated(evidence="发放名单"))
        devices = sum(count for _, count in self.equipped)
        for kind, item, measure in (
            ("goods", GOODS, Measure(fen=len(self.homes) * GOODS_FEN)),
            ("device", DEVICE, Measure(devices, devices * DEVICE_FEN)),
        ):
            bought = Bought(kind=kind, item=item, voucher=_voucher(kind), measure=measure)
            await self._do(FEDERATION, stock.supply, self.services, bought, Stated(evidence="采购合同、发票"))
        self.t.say(
            f"列入名单:种养殖生产资料 {len(self.homes)} 户,辅助器具 {len(self.equipped)} 人 {devices} 件",
            f"listed: goods for {len(self.homes)} households, {devices} devices for {len(self.equipped)} persons",
        )

    async def closed(self) -> None:
        """What was missing is put right and looked at again, and what was handed out has been signed for."""
        self.t.chapter("助残:整改销号、物资签收", "the notice is closed, and everything is signed for")
        agent = self.t.county.enterprises[0].agent

        async def found(session: AsyncSession, who: Entered) -> UUID:
            (one,) = await session.scalars(select(BaseFinding.id).where(BaseFinding.tenant_id == who.county.id))
            return one

        finding = await self.t.do(FEDERATION, found)
        done = Stated(date(2021, 10, 12), evidence="劳动合同、工资单")
        await self._do(agent, assessments.rectify, self.bases, finding, "补招残疾人 1 名", done)
        seen = Stated(date(2021, 10, 15), evidence="复查表")
        await self._do(SECOND, assessments.recheck, self.bases, finding, seen, passed=True)
        self.t.say("企业整改,另一人复查销号", "the enterprise puts it right, another person closes it")
        homes = [(home.number, "种养殖生产资料", GOODS, home.members[0].name, "goods") for home in self.homes]
        persons = [(one.number, "辅助器具", DEVICE, one.member.name, "device") for one, _ in self.equipped]
        rows = [
            (key, kind, item, receiver, SIGNED, _voucher(code)) for key, kind, item, receiver, code in homes + persons
        ]
        sheet = made_up.signatures_workbook(rows)
        await self.t.bring(FEDERATION, SignatureImporter(self.services), sheet, "签收表.xlsx")

    # --- what it comes to ---

    async def count(self) -> None:
        """What came of the subsidies, the bases and what was handed out."""
        told = self.t.told
        told.by_month = {own.code: await own.figures() for own in self.subsidies}
        told.bases = await self._do(FEDERATION, inspected.figures, self.bases)
        lines = await self._do(FEDERATION, handed_out.by_kind, self.services, 2021)
        told.handouts = {line.kind: line for line in lines}

    def figures(self) -> None:
        """Show it."""
        told = self.t.told
        rows = []
        for own in self.subsidies:
            one = told.by_month[own.code]
            sums = (
                one.paid_fen, one.arrears_fen, one.recovery_fen, one.set_off_fen, one.unrecovered_fen, one.unpaid_fen,
            )  # fmt: skip
            rows.append((
                own.programme.title.zh, number(one.persons), number(one.months),
                *(money(fen).zh.split()[0] for fen in sums),
            ))  # fmt: skip
        title = "按月发放 2021 / what is paid every month"
        page.print_table(self.t.out, title, [one.zh for one in COLUMNS], rows, range(1, len(COLUMNS)))
        self.t.say("各列", "the columns: " + ", ".join(one.en for one in COLUMNS))
        assert told.bases is not None
        count, notices, fen = told.bases.total("bases"), told.bases.notices, money(told.handouts["goods"].fen)
        goods, devices = told.handouts["goods"].households, told.handouts["device"]
        self.t.say(
            f"基地 {count} 个,整改通知 {notices.issued} 份、已销号 {notices.closed} 份;生产资料 {goods} 户 {fen.zh},"
            f"辅助器具 {devices.persons} 人 {devices.quantity} 件",
            f"{count} bases, {notices.closed} of {notices.issued} notices closed; goods for {goods} households, "
            f"{fen.en}; {devices.quantity} devices for {devices.persons} persons",
        )

    async def receipt(self) -> None:
        """A month that was paid before its level was known, explained."""
        await self.care.explain(self.cast.raised, CHANGED.month + 1)


def _voucher(kind: str) -> str:
    return {"goods": "采购〔2021〕1号", "device": "采购〔2021〕2号"}[kind]
