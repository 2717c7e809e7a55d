"""一户一页: everything that one household has, had, or could have in a year, in plain words.

Every programme and period of the year is in the answer: what applies and what was refused by which clause; what goes
together and what stands in the way; what counts elsewhere; which part was paid on which day, and what the next one
waits for; and, where the household has not applied, what it would have to state, who opens the case and by when.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Entered
from bangfu.cases import attesting, exclusions, instalments, month_receipts
from bangfu.cases.claims import CASE, SPANS, span_key
from bangfu.cases.ground import Ground, Rules, grounds_of, switched_on
from bangfu.cases.instalments import Part
from bangfu.cases.missed import applied_elsewhere, how_to_apply, lack_of, wanted
from bangfu.cases.month_receipts import Month
from bangfu.cases.receipts import Receipt, answers
from bangfu.cases.views import CaseView, look_at
from bangfu.cases.whom import Whom, of_households
from bangfu.db.bulk import among
from bangfu.errors import Code
from bangfu.models import Case, Claim, Household
from bangfu.process import END_TITLES, Monthly, Notice, Pay, Verify, duty_names
from bangfu.programme import ClaimOf, Programme, Span, installed
from bangfu.rules.book import Outcome
from bangfu.text import Text, day, join, money


class PartState(StrEnum):
    """How one part of an award stands."""

    PAID = "paid"
    IN_BATCH = "in_batch"
    DUE = "due"
    TO_COME = "to_come"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return {
            PartState.PAID: Text("已放行拨付", "released for payment"),
            PartState.IN_BATCH: Text("已列入拨付批次,待放行", "in a payment batch that is not released yet"),
            PartState.DUE: Text("已具备拨付条件,待列入拨付批次", "due, and in no payment batch yet"),
            PartState.TO_COME: Text("尚未到拨付环节", "its stage has not been reached yet"),
        }[self]


@dataclass(frozen=True, slots=True)
class Payment:
    """One part of an award: how much in fen (by the result that stands, where it is not due yet; None where there is
    none), how it stands, and the day on which it was paid."""

    title: Text
    fen: int | None
    state: PartState
    paid_on: date | None

    @property
    def text(self) -> Text:
        """It, in one sentence."""
        how = self.state.title_text
        if self.paid_on is not None:
            on = day(self.paid_on)
            how = Text(f"{on.zh}{how.zh}", f"{how.en} on {on.en}")
        if self.fen is None:
            return Text(f"{self.title.zh}:{how.zh}", f"{self.title.en}: {how.en}")
        amount = money(self.fen)
        return Text(f"{self.title.zh}:{amount.zh},{how.zh}", f"{self.title.en}: {amount.en}, {how.en}")


@dataclass(frozen=True, slots=True)
class InPeriod:
    """What one household has or could have of one programme in one period.

    ``fails`` are the clauses that are not met, with by how much; ``could`` is what it could still have and what for,
    empty where a clause fails; ``together`` and ``apart`` say what it may and may not have beside this; ``in_the_way``
    is what keeps it from this one now; ``taken`` is what it counts for elsewhere; ``payments`` the parts of the award,
    or, where it is paid every month, ``months``; ``waits`` what the case waits for.
    """

    receipt: Receipt
    period: str
    programme: str
    fails: tuple[Text, ...]
    could: tuple[Text, ...]
    together: tuple[Text, ...]
    apart: tuple[Text, ...]
    in_the_way: tuple[Text, ...]
    taken: tuple[Text, ...]
    payments: tuple[Payment, ...]
    months: tuple[Month, ...]
    waits: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class YearAnswer:
    """Everything of one household in a year: the periods in order, what was paid and what is due besides, in fen; of a
    person who moved, all of his year."""

    number: str
    year: int
    periods: tuple[InPeriod, ...]

    @property
    def paid_fen(self) -> int:
        """What was paid."""
        return self._sum({PartState.PAID}) + sum(one.received_fen for own in self.periods for one in own.months)

    @property
    def due_fen(self) -> int:
        """What is due and not paid yet."""
        monthly = sum(one.open_fen for own in self.periods for one in own.months)
        return self._sum({PartState.IN_BATCH, PartState.DUE}) + monthly

    def _sum(self, states: Iterable[PartState]) -> int:
        wanted_ = set(states)
        return sum(one.fen or 0 for own in self.periods for one in own.payments if one.state in wanted_)


async def why_in(
    session: AsyncSession, who: Entered, programmes: Iterable[Programme], number: str, year: int
) -> YearAnswer:
    """The whole answer for the household of a number. Refuses ``NOT_FOUND``, also where it is out of sight."""
    query = select(Household.id).where(Household.tenant_id == who.county.id, Household.number == number)
    household = await session.scalar(query)
    if household is None:
        raise Code.NOT_FOUND.refuse("household", what=number)
    return (await answers_in(session, who, programmes, {household: number}, year))[household]


async def answers_in(
    session: AsyncSession, who: Entered, programmes: Iterable[Programme], households: Mapping[UUID, str], year: int
) -> dict[UUID, YearAnswer]:
    """The whole answers for households (id to number), of the programmes that the county runs.

    What a person applied for is told by the household in which he applied, and by that in which he lives today, as far
    as it is in sight: of who applied where he lived before, and has his case out of sight, nothing is said. The number
    of statements grows with the number of periods of the year, and not with that of households.
    """
    running = await switched_on(session, who.county.id, who.at.today)
    everything = await grounds_of(session, who.county.id, [one for one in programmes if one.code in running])
    grounds = {key: ground for key, ground in everything.items() if ground.period.year == year}
    theirs: dict[tuple[str, str], list[Whom]] = {}
    for key, ground in grounds.items():
        theirs[key] = [Whom(number, household) for household, number in households.items()]
        if ground.programme.is_for_persons:
            theirs[key] = await of_households(session, who, list(households), who.at.today, *key)
    receipts = {key: await answers(session, who, ground, theirs[key]) for key, ground in grounds.items()}
    unseen = {}
    for key, ground in grounds.items():
        without = {one.person for one in theirs[key] if one.person is not None and not receipts[key][one.id].applied}
        unseen[key] = await applied_elsewhere(session, ground, without)
    persons = {one.person: one.number for own in theirs.values() for one in own if one.person is not None}
    told = await _Told.read(session, who, everything, grounds, households, persons)
    return {
        household: YearAnswer(
            number,
            year,
            tuple(
                _in_period(who, ground, receipt, told.of(whom, key))
                for key, ground in grounds.items()
                for whom in theirs[key]
                if whom.household == household
                and whom.person not in unseen[key]
                and ((receipt := receipts[key][whom.id]).applied or whom.person is None or _may(receipt))
            ),
        )
        for household, number in households.items()
    }


# --- what is read ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Claimed:
    """Something that a household counts for: the kind, the span, the case and whose that is, None where it is out of
    sight."""

    kind: str
    span: str
    case: UUID
    whose: UUID | None
    number: str | None
    period: str | None


@dataclass(frozen=True, slots=True)
class _Own:
    """What is known of one beneficiary in one period besides its receipt."""

    whom: Whom
    view: CaseView | None
    parts: Sequence[Part]
    months: tuple[Month, ...]
    cases: Sequence[Any]
    claimed: Sequence[_Claimed]


@dataclass(frozen=True, slots=True)
class _Told:
    """The cases of some households and of their members, by household and by person, with what stands of them and what
    the households count for."""

    cases: Mapping[UUID, Sequence[Any]]
    views: Mapping[UUID, CaseView]
    parts: Mapping[UUID, Sequence[Part]]
    months: Mapping[UUID, tuple[Month, ...]]
    claimed: Mapping[tuple[UUID, str], Sequence[_Claimed]]

    @classmethod
    async def read(
        cls,
        session: AsyncSession,
        who: Entered,
        everything: Mapping[tuple[str, str], Ground],
        grounds: Mapping[tuple[str, str], Ground],
        households: Mapping[UUID, str],
        persons: Mapping[UUID, str],
    ) -> _Told:
        """Read it in eight statements, and at most four more for each period in which something is paid every month."""
        tenant, whose = who.county.id, [*households, *persons]
        # Who lives there today has what he applied for where he lived before.
        query = (
            select(Case.id, Case.household_id, Case.person_id, Case.programme, Case.period, Case.stage)
            .where(
                Case.tenant_id == tenant,
                or_(
                    among(Case.household_id, households),
                    tuple_(Case.programme, Case.period).in_(list(everything))
                    & among(Case.number, persons.values())  # by these it is found, and by who it is it is known
                    & among(Case.person_id, persons),
                ),
            )
            .order_by(Case.household_id, Case.programme, Case.period)
        )
        rows = [row for row in await session.execute(query) if (row.programme, row.period) in everything]
        cases: dict[UUID, list[Any]] = {}
        for row in rows:
            for own in {row.household_id, row.person_id} - {None}:
                cases.setdefault(own, []).append(row)
        ids = [row.id for row in rows if (row.programme, row.period) in grounds]
        views = await look_at(session, who, grounds, ids) if grounds else {}
        claiming = (
            select(Claim, Case.household_id, Case.period.label("of"), Case.number)
            .outerjoin(Case, (Case.tenant_id == tenant) & (Case.id == Claim.case_id))
            .where(Claim.tenant_id == tenant, Claim.kind != CASE, among(Claim.key, [str(one) for one in whose]))
        )
        claimed: dict[tuple[UUID, str], list[_Claimed]] = {}
        for claim, household, period, number in await session.execute(claiming):
            one = _Claimed(claim.kind, claim.period, claim.case_id, household, number, period)
            claimed.setdefault((UUID(claim.key), claim.programme), []).append(one)
        months: dict[UUID, tuple[Month, ...]] = {}
        for key, ground in grounds.items():
            theirs = [row.id for row in rows if (row.programme, row.period) == key]
            if theirs and ground.programme.process.monthly is not None:
                months |= await month_receipts.told(session, who, ground, theirs)
        return cls(cases, views, await instalments.standing(session, who, ids), months, claimed)

    def of(self, whom: Whom, key: tuple[str, str]) -> _Own:
        """What there is of one beneficiary in one period."""
        theirs = self.cases.get(whom.id, ())
        own = [row for row in theirs if (row.programme, row.period) == key and row.person_id == whom.person]
        case = own[0].id if own else None
        others = [row for row in self.cases.get(whom.household, ()) if row.person_id != whom.person]
        return _Own(
            whom,
            self.views.get(case) if case is not None else None,
            self.parts.get(case, ()) if case is not None else (),
            self.months.get(case, ()) if case is not None else (),
            (*theirs, *others) if whom.person is not None else theirs,
            (
                *self.claimed.get((whom.household, key[0]), ()),
                *(self.claimed.get((whom.person, key[0]), ()) if whom.person else ()),
            ),
        )


# --- in words -------------------------------------------------------------------------------------------------


def _in_period(who: Entered, ground: Ground, receipt: Receipt, own: _Own) -> InPeriod:
    rules = own.view.rules if own.view is not None else ground.latest
    in_the_way = _in_the_way(ground, own)
    taken = _taken(ground, own)
    lives = own.view is not None and own.view.view.stage not in exclusions.DEAD
    could = () if lives or own.view is not None else _could(ground, receipt, who.at.today)
    return InPeriod(
        receipt,
        ground.period.key,
        ground.programme.code,
        _fails(rules, receipt),
        could,
        _together(ground.programme),
        tuple(_apart(other, one.why) for other, one in exclusions.declared(ground.programme).items()),
        in_the_way,
        taken,
        _payments(own),
        own.months,
        _waits(own.view, receipt, who.at.today) if own.view is not None else (),
    )


def _may(receipt: Receipt) -> bool:
    """Whether a person who did not apply could have it; of others the page of the household says nothing."""
    return receipt.outcome is not Outcome.REFUSED


def clause(rules: Rules, cites: str) -> Text:
    """A clause as people call it: the document by its title."""
    document, _, number = cites.partition("#")
    title = rules.programme.policy.documents[document].title
    return Text(f"《{title}》{number}", f"{title} {number}")


def _fails(rules: Rules, receipt: Receipt) -> tuple[Text, ...]:
    """The clauses that are not met, each with by how much."""
    said = []
    for line in receipt.lines:
        if line.met is not False:
            continue
        where = clause(rules, line.cites)
        zh, en = f"未满足“{line.says.zh}”({where.zh})", f"Not met: {line.says.en} ({where.en})"
        for miss in line.misses:
            zh += f":{miss.what.zh}为 {miss.value.zh},应为 {miss.needed.zh}"
            en += f": {miss.what.en} is {miss.value.en}, had to be {miss.needed.en}"
            if miss.gap is not None:
                zh, en = f"{zh},差 {miss.gap.zh}", f"{en}, short by {miss.gap.en}"
        said.append(Text(zh, en))
    return tuple(said)


def _could(ground: Ground, receipt: Receipt, today: date) -> tuple[Text, ...]:
    """What a household that did not apply could have, what would have to be said, and by whom and when."""
    if receipt.outcome is Outcome.REFUSED:
        return ()
    said = []
    if receipt.award:
        amount = money(receipt.award)
        said.append(Text(f"按目前登记的情况可得 {amount.zh}", f"By what is known it would come to {amount.en}"))
    if receipt.missing:
        lacks = wanted(lack_of(ground.latest, name) for name in receipt.missing)
        said.append(Text(f"尚缺:{lacks.zh}", f"Wanting: {lacks.en}"))
    return (*said, how_to_apply(ground.latest, today))


def _together(programme: Programme) -> tuple[Text, ...]:
    known = installed().programmes
    found = {one.programme: (one.title, one.why) for one in programme.stacks}
    for other in known.values():
        for one in other.stacks:
            if one.programme == programme.code:
                found[other.code] = (None, one.why)
    said = []
    for code, (own, why) in found.items():
        title = known[code].title if code in known else own
        if title is not None:
            said.append(Text(f"可与“{title.zh}”同时享受:{why.zh}", f"May be had beside {title.en}: {why.en}"))
    return tuple(said)


def _apart(other: Programme, why: Text) -> Text:
    return Text(f"不能与“{other.title.zh}”同时享受:{why.zh}", f"Cannot be had beside {other.title.en}: {why.en}")


def _in_the_way(ground: Ground, own: _Own) -> tuple[Text, ...]:
    """The live cases in other programmes that keep the household from this one."""
    said = []
    for other, one in exclusions.declared(ground.programme).items():
        for case in own.cases:
            same = {
                Span.PERIOD: case.period == ground.period.key,
                Span.YEAR: case.period[:4] == str(ground.period.year),
                Span.EVER: True,
            }[one.period]
            of_person = one.same == "person"
            mine = own.whom.person == case.person_id if of_person else own.whom.household == case.household_id
            if case.programme == other.code and case.stage not in exclusions.DEAD and same and mine:
                stage, period = other.process.title(case.stage), other.period.period(case.period).title
                said.append(
                    Text(
                        f"该户{period.zh}已有“{other.title.zh}”的申报(当前环节:{stage.zh}),不能再享受本项目",
                        f"The household has a case of {other.title.en} in {period.en} (at: {stage.en}), which keeps it "
                        "from this one",
                    )
                )
    return tuple(said)


def _taken(ground: Ground, own: _Own) -> tuple[Text, ...]:
    """What the household counts for in another case; whose that is, only where it is in sight."""
    said = []
    case = own.view.id if own.view is not None else None
    for spec in ground.programme.claims:
        for one in own.claimed:
            span = span_key(spec.period, ground.period)
            if one.kind != spec.kind or one.span != span or one.case == case:
                continue
            when = SPANS[spec.period]
            if spec.per is not ClaimOf.PARTICIPANT:
                period = ground.programme.period.period(one.period).title if one.period else when
                said.append(
                    Text(
                        f"{when.zh}已计入该户{period.zh}的申报:{spec.title.zh}",
                        f"Counted for its case of {period.en}: {spec.title.en}",
                    )
                )
            elif one.number is not None:
                said.append(
                    Text(
                        f"{when.zh}已计入户 {one.number} 的申报:{spec.title.zh}",
                        f"Counted for the case of household {one.number} ({when.en}): {spec.title.en}",
                    )
                )
            else:
                said.append(
                    Text(
                        f"{when.zh}已计入另一户的申报:{spec.title.zh}",
                        f"Counted for the case of another household ({when.en}): {spec.title.en}",
                    )
                )
    return tuple(said)


def _payments(own: _Own) -> tuple[Payment, ...]:
    """The parts of an award in their order, those to come by the result that stands."""
    view = own.view
    if view is None:
        return ()
    there = {part.number: part for part in own.parts}
    # What was added or recovered since counts towards what is to come.
    due = dict(view.view.due)
    found = []
    for stage in view.rules.programme.process.kind(Pay):
        if isinstance(stage, Monthly):
            continue  # its months say it
        part = there.get(stage.instalment)
        if part is not None:
            state = PartState.PAID if part.paid_on else PartState.IN_BATCH if part.batched else PartState.DUE
            found.append(Payment(stage.title, part.fen, state, part.paid_on))
        elif view.view.stage not in END_TITLES:
            fen = None
            if view.payable:
                fen = view.rules.proceedings.due(stage, view.payable, due)
                due[stage.instalment] = fen
            found.append(Payment(stage.title, fen, PartState.TO_COME, None))
    return tuple(found)


def _waits(case: CaseView, receipt: Receipt, today: date) -> tuple[Text, ...]:
    """What a case waits for, of whom, and until when."""
    view, proceedings = case.view, case.rules.proceedings
    code = proceedings.reached(view, today)
    if code in END_TITLES:
        return ()
    said = []
    stage = case.rules.programme.process[code]
    duties = duty_names(held) if (held := proceedings.waits_for(view, today)) else None
    if case.paused_on is not None:
        on = day(case.paused_on)
        said.append(Text(f"自{on.zh}起暂停办理", f"It rests since {on.en}"))
    if case.marked:
        named = _marked(case)
        said.append(Text(f"已退回修改,须更正:{named.zh}", f"Sent back for correction of: {named.en}"))
    if view.open_objections:
        by = duty_names({stage.settled_by}) if isinstance(stage, Notice) else duties
        zh, en = (f",由{by.zh}处理", f", to be settled by the {by.en}") if by else ("", "")
        said.append(Text(f"公示期间有异议尚未处理{zh}", f"An objection to it is open{en}"))
    elif isinstance(stage, Notice) and view.posted:
        last = day(view.posted[1])
        said.append(Text(f"正在公示,到{last.zh}为止", f"Its notice stands until {last.en}"))
    if view.drawn:
        said.append(Text("已抽中核查,等待抽查结果", "It was drawn for a spot check, whose result is awaited"))
    if isinstance(stage, Verify) and stage.answers and view.unanswered:
        count = view.unanswered
        said.append(
            Text(
                f"有 {count} 户参与户尚未签字认可或尚未核实",
                f"{count} of the households that take part have not signed, or have not been confirmed",
            )
        )
    if (awaited := attesting.waiting(receipt.attested)) is not None:
        said.append(awaited)
    if not said and duties is not None:
        how = Text("签字", "to sign") if isinstance(stage, Verify) else Text("办理", "to act")
        said.append(
            Text(
                f"正在“{stage.title.zh}”环节,等待{duties.zh}{how.zh}",
                f"At {stage.title.en}, waiting for the {duties.en} {how.en}",
            )
        )
    last_day = proceedings.deadline(stage)
    if last_day is not None:
        until = day(last_day)
        text = Text(f"本环节截止{until.zh}", f"The stage ends by {until.en}")
        if (late := (today - last_day).days) > 0:
            text = Text(f"{text.zh},已逾期 {late} 天", f"{text.en}, which passed {late} days ago")
        said.append(text)
    return tuple(said)


def _marked(case: CaseView) -> Text:
    specs = case.rules.programme.stated()
    titles = [specs[name].title if name in specs else Text(name, name) for name in case.marked or ()]
    return join(titles)
