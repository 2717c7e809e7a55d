"""万企帮万村 in the story: enterprises that help villages, what both sign, what one delivers and the other confirms."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from typing import TypeAlias
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Entered
from bangfu.cases import ground as grounds
from bangfu.cases.views import Stated
from bangfu.cli import page
from bangfu.cli.demo import county as made_up
from bangfu.cli.demo import pledges
from bangfu.cli.demo.pledges import BEGINS, HANDED_ON, MODEL, RELAYED, SHORT, SPOILT, Gift, Pair
from bangfu.cli.demo.telling import AT_ONCE, Telling
from bangfu.cli.shell import progress_bar
from bangfu.models import Household, Need
from bangfu.pairings import agreements, figures, ledger, needs, registrations, reviews
from bangfu.pairings.agreements import Planned, Terms
from bangfu.pairings.figures import Party, Which
from bangfu.pairings.ledger import Chosen, Delivered
from bangfu.pairings.needs import Closed
from bangfu.pairings.registrations import Applicant
from bangfu.pairings.reviews import Finding, Outcome
from bangfu.pairings.standing import NOTHING, Measure, Side, Verdict, after_years
from bangfu.text import Text, money, number

OFFICE, FEDERATION, VERIFIER = "X002", "X010", "X014"
"""Who rules and reviews for the county, who keeps the pairings at the federation of industry, who verifies there."""
YEAR = 2021
COLUMNS = (
    Text("途径·内容", "path and kind"),
    Text("承诺(元)", "pledged"),
    Text("登记(元)", "logged"),
    Text("认可(元)", "stands"),
    Text("待村确认", "waits for the village"),
    Text("待县裁定", "before the county"),
    Text("未认可", "not accepted"),
    Text("承诺数", "pledged, in number"),
    Text("认可数", "stands, in number"),
    Text("笔数", "lines"),
    Text("双方认定", "agreed"),
)

Do: TypeAlias = Callable[[AsyncSession, Entered], Awaitable[None]]


class Helping:
    """The chapters of 万企帮万村, told on the county of a :class:`Telling`."""

    def __init__(self, telling: Telling) -> None:
        self.t = telling
        self.programme = telling.plugins.pairing("wanqi_bang_wancun")
        self.needs: dict[int, list[UUID]] = {}
        self.agreements: dict[int, UUID] = {}
        """The agreement of each village that goes on, by the village's place."""
        self.lines: dict[str, UUID] = {}
        """The lines of the ledger, by their receipts; of a corrected one, the correction."""

    async def agree(self) -> None:
        """Who may help, what villages need, and what both sign and plan."""
        self.t.chapter("万企帮万村:登记、需求、签约、规划", "enterprises help villages: needs, agreements, plans")
        await self.t.day(date(2021, 2, 22))
        self.pairs = pledges.pairs(self.t.county)
        await self.t.do(OFFICE, lambda s, w: grounds.switch_on(s, w, self.programme, date(2021, 1, 25)))
        await self._register()
        await self._villages("村两委提出需求 / villages state their needs", self._need)
        await self._seen()
        await self._draw_up()
        await self._villages("村两委签字、定规划 / villages sign and plan", self._sign)
        self.t.say(
            f"本年双方签订协议 {number(len(self.agreements))} 份,3 至 5 年;企业措施和政府任务逐条列入规划",
            f"{number(len(self.agreements))} agreements signed by both for 3 to 5 years, with measures of the "
            "enterprises and tasks of the government",
        )

    async def summer(self) -> None:
        """What was given by summer and what the villages say to it; one enterprise hands its village on."""
        self.t.chapter("万企帮万村:投入、确认、裁定、接力", "enterprises help villages: delivered and answered")
        await self.t.day(date(2021, 7, 8))
        given = {pair.place: pair.spring for pair in self.pairs}
        first, *others = given[SPOILT]
        await self._deliver(given | {SPOILT: [replace(first, fen=(first.fen or 0) * 10), *others]})
        await self._correct()
        await self._object()
        await self._confirm()
        await self._obstacles()
        await self._relay()

    async def autumn(self) -> None:
        """The rest is given and confirmed, some persons are named, and the county looks at the year."""
        self.t.chapter("万企帮万村:年度检查", "enterprises help villages: the review of the year")
        await self.t.day(date(2021, 11, 9))
        await self._deliver({pair.place: pair.autumn for pair in self.pairs})
        await self._confirm(last=True)
        late = pledges.late(self.pairs[HANDED_ON])
        await self._deliver({HANDED_ON: [late]})
        self.t.say(f"一笔 {money(late.fen or 0).zh} 尚待村确认", "one more line still waits for its village")
        await self.t.do(OFFICE, self._review)
        model = self.pairs[MODEL].village
        self.t.say(f"{model.township}{model.name}推荐为典型村", "one village is put forward as a typical one")

    # --- who may help, and who needs what ---

    async def _register(self) -> None:
        """Agents register their own enterprises, the federation the last; another person verifies; one is refused."""
        stranger, name = pledges.stranger(self.t.county)
        *own, last = self.t.county.enterprises
        makers = [(one.agent, Applicant(one.code, chamber="演示县商会")) for one in own]
        makers += [(FEDERATION, Applicant(last.code)), (FEDERATION, Applicant(stranger, name))]
        made = [await self.t.do(by, self._registering(applicant)) for by, applicant in makers]
        await self.t.refused(
            FEDERATION, "登记人不能自己核验", "who registered an enterprise does not verify it",
            lambda s, w: registrations.verify(s, w, self.programme, made[-1], Stated(), passed=True),
        )  # fmt: skip
        for one in made:
            passed = one != made[-1]
            stated = Stated(reason="" if passed else "列入经营异常名录")
            await self.t.do(VERIFIER, self._verifying(one, stated, passed))
        self.t.say(
            f"{len(made)} 家企业申请,{len(made) - 1} 家核验通过,1 家因列入经营异常名录未通过",
            f"{len(made)} apply, {len(made) - 1} are verified, one is on the list of irregular businesses",
        )
        village = self.pairs[SPOILT].village.code
        for zh, en, code, years in (
            ("未通过核验的企业不能签约", "who is not verified signs nothing", stranger, 3),
            ("协议不足三年", "an agreement of two years", self.t.county.enterprises[0].code, 2),
        ):
            terms = Terms(
                number="〔2021〕000号", credit_code=code, division=village, valid_from=BEGINS,
                valid_to=after_years(BEGINS, years),
            )  # fmt: skip
            await self.t.refused(FEDERATION, zh, en, self._proposing(terms))

    def _registering(self, applicant: Applicant) -> Callable[[AsyncSession, Entered], Awaitable[UUID]]:
        return lambda s, w: registrations.register(s, w, self.programme, applicant, Stated())

    def _verifying(self, id: UUID, stated: Stated, passed: bool) -> Do:
        return lambda s, w: registrations.verify(s, w, self.programme, id, stated, passed=passed)

    def _proposing(self, terms: Terms) -> Callable[[AsyncSession, Entered], Awaitable[UUID]]:
        return lambda s, w: agreements.propose(s, w, self.programme, terms, Stated())

    def _need(self, pair: Pair) -> Do:
        async def state(session: AsyncSession, who: Entered) -> None:
            village = pair.village.code
            self.needs[pair.place] = [
                await needs.state(session, who, self.programme, village, path, pledges.NEEDS[path], Stated())
                for path in pair.paths
            ]

        return state

    async def _seen(self) -> None:
        """What an enterprise sees of it."""

        async def counts(session: AsyncSession, who: Entered) -> list[int]:
            return [await session.scalar(select(func.count()).select_from(model)) or 0 for model in (Need, Household)]

        stated, homes = await self.t.do(self.t.county.enterprises[0].agent, counts)
        self.t.say(
            f"企业看得到全县 {number(stated)} 条需求和 {homes} 户农户",
            f"an enterprise sees all {number(stated)} needs of the county, and {homes} households",
        )

    # --- agreements ---

    async def _draw_up(self) -> None:
        """The agents draw up the agreements of their enterprises, and sign them."""

        def drawing_up(enterprise: made_up.Enterprise) -> Do:
            async def draw_up(session: AsyncSession, who: Entered) -> None:
                for pair in self.pairs:
                    if pair.enterprise is enterprise:
                        terms = self._terms(pair, enterprise, BEGINS, pair.number)
                        made = await agreements.propose(session, who, self.programme, terms, Stated())
                        await self._sign_helper(session, who, made)
                        self.agreements[pair.place] = made

            return draw_up

        acts = {one.agent: drawing_up(one) for one in self.t.county.enterprises}
        await self._each("企业拟定协议并签字 / enterprises draw up and sign", acts)

    @staticmethod
    def _terms(
        pair: Pair, enterprise: made_up.Enterprise, first: date, title: str, takes_over: UUID | None = None
    ) -> Terms:
        return Terms(
            number=title, credit_code=enterprise.code, division=pair.village.code, valid_from=first,
            valid_to=after_years(first, pair.years), takes_over=takes_over,
        )  # fmt: skip

    async def _sign_helper(self, session: AsyncSession, who: Entered, made: UUID) -> None:
        await agreements.sign(session, who, self.programme, made, Side.HELPER, Stated(evidence="协议原件"))

    def _sign(self, pair: Pair, years: Sequence[int] = (YEAR, YEAR + 1)) -> Do:
        """The village signs, and plans what the enterprise promises for some years beside a task of the government."""
        office, task = pledges.TASKS[pair.place % len(pledges.TASKS)]
        lines = [
            Planned(
                year=year, due_on=date(year, 12, 20), what=one.what, path=one.path, kind=one.kind,
                promised=Measure(one.fen, one.quantity),
            )
            for year in years
            for one in pair.pledges
        ]  # fmt: skip
        lines.append(Planned(year=years[0], due_on=date(years[0], 11, 30), what=task, office=office))

        async def sign(session: AsyncSession, who: Entered) -> None:
            made = self.agreements[pair.place]
            signed = Stated(evidence="协议原件、村民代表会议记录")
            await agreements.sign(session, who, self.programme, made, Side.HELPED, signed)
            await agreements.plan(session, who, self.programme, made, lines, Stated())

        return sign

    async def _obstacles(self) -> None:
        """Two things stand in the way: one is the reason for which a village is handed on, one stays open."""
        tight = await self._raise(self.pairs[HANDED_ON], "资金周转困难,难以继续履约", FEDERATION, by_helper=True)
        await self._raise(self.pairs[MODEL], "产业路未硬化,货车进不了村", OFFICE)
        self.t.say("两个困难问题提出,各有责任人", "two obstacles are raised, and each has an owner")
        await self.t.day(date(2021, 7, 12))
        outcome = f"三方商定,由{self.pairs[HANDED_ON].giver.name}接力帮扶"
        await self.t.do(
            FEDERATION, lambda s, w: agreements.resolve_obstacle(s, w, self.programme, tight, outcome, Stated())
        )

    async def _raise(self, pair: Pair, what: str, owner: str, *, by_helper: bool = False) -> UUID:
        by = pair.enterprise.agent if by_helper else pair.village.committee
        agreement = self.agreements[pair.place]
        made: UUID = await self.t.do(
            by, lambda s, w: agreements.raise_obstacle(s, w, self.programme, agreement, what, Stated())
        )
        await self.t.do(owner, lambda s, w: agreements.assign_obstacle(s, w, self.programme, made, owner))
        return made

    async def _relay(self) -> None:
        """One enterprise cannot go on; another takes its village over, and what was delivered stays where it was."""
        pair = self.pairs[HANDED_ON]
        old, stated = self.agreements[pair.place], Stated(reason="企业资金周转困难,无力继续帮扶")
        await self.t.do(FEDERATION, lambda s, w: agreements.end(s, w, self.programme, old, stated, relayed=True))
        terms = self._terms(pair, pair.giver, RELAYED, f"{pair.number}-接力", old)
        # Only the county and the village see the agreement that is taken over: the federation draws up the next one.
        made = await self.t.do(FEDERATION, self._proposing(terms))
        self.agreements[pair.place] = made
        await self.t.do(pair.giver.agent, lambda s, w: self._sign_helper(s, w, made))
        # What was to be delivered after the first one went is owed by nobody: the next one promises it.
        await self.t.do(pair.village.committee, self._sign(pair))
        self.t.say(
            f"{pair.enterprise.name}不能继续,{pair.giver.name}接力帮扶{pair.village.township}{pair.village.name},原协议和投入记录保留",
            "one enterprise cannot go on: another takes the village over, and the history stays",
        )

    # --- what is delivered ---

    async def _deliver(self, gifts: Mapping[int, Sequence[Gift]]) -> None:
        """The agents log what was given, by the places of the villages."""
        by_agent: dict[str, list[Delivered]] = {}
        for place, own in gifts.items():
            for gift in own:
                pair = self.pairs[place]
                giver = pair.enterprise if gift.day < RELAYED else pair.giver
                by_agent.setdefault(giver.agent, []).append(self._line(place, gift))

        def logging(lines: Sequence[Delivered]) -> Do:
            async def log(session: AsyncSession, who: Entered) -> None:
                made = await ledger.log(session, who, self.programme, lines, Stated())
                self.lines |= {line.receipt: key for line, key in zip(lines, made, strict=True)}

            return log

        acts = {agent: logging(lines) for agent, lines in by_agent.items()}
        await self._each("企业登记投入 / enterprises log deliveries", acts)
        count, fen = sum(map(len, gifts.values())), sum(gift.fen or 0 for own in gifts.values() for gift in own)
        self.t.say(f"登记 {number(count)} 笔,{money(fen).zh}", f"deliveries logged: {number(count)}, {money(fen).en}")

    def _line(self, place: int, gift: Gift, corrects: UUID | None = None) -> Delivered:
        return Delivered(
            agreement=self.agreements[place], day=gift.day, path=gift.path, kind=gift.kind, what=gift.what,
            measure=Measure(gift.fen, gift.quantity), receipt=gift.receipt, valuation=gift.valuation,
            corrects=corrects,
        )  # fmt: skip

    async def _correct(self) -> None:
        """A zero too many is corrected by a new line; a paper that was counted is not counted again."""
        pair = self.pairs[SPOILT]
        first, second, *_ = pair.spring
        again = self._line(SPOILT, replace(second, receipt=first.receipt))
        await self.t.refused(
            pair.enterprise.agent, "同一张单据不能再记一次", "a paper counts once",
            lambda s, w: ledger.log(s, w, self.programme, [again], Stated()),
        )  # fmt: skip
        right, reason = self._line(SPOILT, first, self.lines[first.receipt]), Stated(reason="金额多记一个零")
        (self.lines[first.receipt],) = await self.t.do(
            pair.enterprise.agent, lambda s, w: ledger.log(s, w, self.programme, [right], reason)
        )
        self.t.say("金额多记一个零的一笔,以新的一笔更正", "a line with a zero too many is corrected by a new one")

    async def _object(self) -> None:
        """A village disputes goods, on which the county rules; another confirms a part of a contribution."""
        spoilt, short = self.pairs[SPOILT], self.pairs[SHORT]
        goods = next(self.lines[gift.receipt] for gift in spoilt.spring if gift.kind == "goods")
        fund = next(self.lines[gift.receipt] for gift in short.spring if gift.kind == "fund")
        village = spoilt.village.committee
        await self._answer(village, Chosen([goods]), Verdict.DISPUTED, reason="实收数量少于清单")
        await self._answer(
            OFFICE, Chosen([goods]), Verdict.RULED, Measure(pledges.ARRIVED), reason="现场清点,按实收数量估价"
        )
        await self._answer(
            short.village.committee, Chosen([fund]), Verdict.PARTLY, Measure(pledges.ENTERED), reason="到账凭证仅此金额"
        )
        self.t.say(
            f"一笔捐物有异议,县裁定认可 {money(pledges.ARRIVED).zh};一笔出资部分确认 {money(pledges.ENTERED).zh}",
            f"goods are disputed, and the county rules that {money(pledges.ARRIVED).en} stand; "
            f"of a contribution {money(pledges.ENTERED).en} are confirmed",
        )

    async def _answer(
        self, by: str, chosen: Chosen, verdict: Verdict, accepted: Measure = NOTHING, reason: str = ""
    ) -> None:
        report: ledger.Report = await self.t.do(
            by, lambda s, w: ledger.answer(s, w, self.programme, chosen, verdict, Stated(reason=reason), accepted)
        )
        if report.refused:
            raise AssertionError(report.refused)

    async def _confirm(self, *, last: bool = False) -> None:
        """Each village confirms everything that waits for it; at the ``last`` it says who has found work, and closes
        the needs that are met."""
        confirmed = 0

        def confirming(pair: Pair) -> Do:
            async def confirm(session: AsyncSession, who: Entered) -> None:
                nonlocal confirmed
                chosen = Chosen(division=pair.village.code)
                report = await ledger.answer(session, who, self.programme, chosen, Verdict.CONFIRMED, Stated())
                confirmed += len(report.done)
                if last:
                    await self._settle(session, who, pair)

            return confirm

        await self._villages("村两委确认 / villages confirm", confirming)
        self.t.say(f"确认 {number(confirmed)} 笔", f"{number(confirmed)} deliveries confirmed")

    async def _settle(self, session: AsyncSession, who: Entered, pair: Pair) -> None:
        for gift in pair.autumn:
            if gift.kind == "posts":
                line, persons = self.lines[gift.receipt], self.t.county.workers(pair.village)[: gift.quantity]
                await ledger.match(session, who, self.programme, line, persons, Stated())
        for need in self.needs[pair.place] if pair.kept else ():
            await needs.close(session, who, self.programme, need, Closed.MET, Stated())

    # --- the year ---

    async def _review(self, session: AsyncSession, who: Entered) -> None:
        """The county looks at every agreement that goes on."""
        for pair in self.pairs:
            finding = Finding(
                year=YEAR, outcome=Outcome.MET if pair.kept else Outcome.PARTLY, finding="查阅台账、单据,入村核实",
                nominated=pair.place == MODEL,
            )  # fmt: skip
            await reviews.review(session, who, self.programme, self.agreements[pair.place], finding, Stated())

    async def figures(self) -> None:
        """What it comes to, and what waits for whom."""
        told = self.t.told

        async def count(session: AsyncSession, who: Entered) -> figures.Figures:
            for party in Party:
                told.waiting[party] = len(await figures.waiting(session, who, self.programme, party))
            return await figures.figures(session, who, self.programme, Which(year=YEAR))

        own = told.helped = await self.t.do(OFFICE, count)
        titles = {kind.code: kind.title.zh for kind in self.programme.kinds}
        titles |= {path.code: path.title.zh for path in self.programme.paths}
        rows = [(f"{titles[line.path]}·{titles[line.kind]}", *_cells(partial(getattr, line))) for line in own.by_kind]
        *sums, lines, agreed = _cells(own.total)
        rows.append(("合计", *sums[:-2], "", "", lines, agreed))  # posts and trainees are no number together
        title = f"{self.programme.title.zh} {YEAR} / {self.programme.title.en}"
        page.print_table(self.t.out, title, [one.zh for one in COLUMNS], rows, range(1, len(COLUMNS)))
        self.t.say("各列", "the columns: " + ", ".join(one.en for one in COLUMNS))
        self.t.say(
            f"{own.enterprises} 家企业,{own.villages} 个村,{own.agreements} 份协议(含接力),务工 {own.persons} 人;"
            f"双方认定 {agreed}/{lines} 笔;登记=认可+待村确认+待县裁定+未认可",
            f"{own.enterprises} enterprises, {own.villages} villages, {own.agreements} agreements with the one "
            f"relayed, {own.persons} persons at work; of {lines} lines both sides agree on {agreed}; "
            "what was logged stands, waits, is before the county or was not accepted",
        )
        waits = [f"{party.title_text.zh} {told.waiting[party]}" for party in Party]
        en = [f"{party.title_text.en}: {told.waiting[party]}" for party in Party]
        self.t.say(f"待办:{'、'.join(waits)}", f"what waits for {', '.join(en)}")

    async def _each(self, title: str, acts: Mapping[str, Do]) -> None:
        """Let officers act, some at a time, each in one transaction."""
        free, done = asyncio.Semaphore(AT_ONCE), 0
        bar, watch = progress_bar(self.t.out, title)

        async def one(staff: str, act: Do) -> None:
            nonlocal done
            async with free:
                await self.t.do(staff, act)
                done += 1
                watch(done, len(acts))

        with bar:
            await asyncio.gather(*(one(staff, act) for staff, act in acts.items()))

    async def _villages(self, title: str, act: Callable[[Pair], Do]) -> None:
        """Let every village act, each in one transaction."""
        await self._each(title, {pair.village.committee: act(pair) for pair in self.pairs})


def _cells(figure: Callable[[str], int]) -> list[str]:
    """The cells of a row of the table, by the names of the figures."""
    sums = ("pledged_fen", "logged_fen", "stands_fen", "waiting_fen", "disputed_fen", "refused_fen")
    counts = ("pledged_quantity", "stands_quantity", "lines", "agreed")
    return [*(money(figure(one)).zh.split()[0] for one in sums), *(number(figure(one)) for one in counts)]
