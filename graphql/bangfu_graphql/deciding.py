"""What is paid every month, for many at once: what deciding a month would change, having it decided, who has not been
verified again, and carrying cases into the next year.

What deciding would change, and who has not been verified, are worked out as they are read; no table holds them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import models
from bangfu.access import Action, Entered
from bangfu.cases import carrying, month_previews, month_receipts, month_runs, months
from bangfu.cases.acts import Report
from bangfu.cases.ground import Ground
from bangfu.cases.month_previews import Previewed
from bangfu.cases.scanning import Page
from bangfu.cases.views import Selection, Stated
from bangfu.db.bulk import among
from bangfu.errors import Code, Refused
from bangfu.process import Process, Withheld
from bangfu.registry.divisions import Places, area_of
from bangfu.rules.book import Outcome
from bangfu_graphql import acting
from bangfu_graphql.acting import (
    ActArgument,
    CasesArgument,
    CasesPayload,
    JobPayload,
    PeriodArgument,
    ProgrammeArgument,
    says,
)
from bangfu_graphql.casework import Case
from bangfu_graphql.identifiers import encode_id
from bangfu_graphql.lists import TOTAL, AfterArgument, AreaArgument, FirstArgument, Shared, paged, total_of
from bangfu_graphql.mapping import ACTION, NEWEST, column, entity_of, filters, mapped, one, where
from bangfu_graphql.months import MonthDecision, decision_of
from bangfu_graphql.nodes import Edge, Node, PageInfo
from bangfu_graphql.people import Officer
from bangfu_graphql.problems import Problem, problem
from bangfu_graphql.programmes import ground_in
from bangfu_graphql.requests import Request, request_of
from bangfu_graphql.scalars import DivisionCode, Money

MonthArgument = Annotated[int, says("The month, 1 to 12, which has begun.")]
WholeArgument = Annotated[
    bool,
    says("Look at every month up to it of everybody, and not only at those of whom something has become known since."),
]
OnArgument = Annotated[date, says("A day of the period; everybody is verified once in the span that it lies in.")]


# --- what deciding would change -------------------------------------------------------------------------------


@strawberry.type(description="A decision of a month that would be made.")
class PreviewedMonth:
    """A decision of a month that would be made."""

    year: int = strawberry.field(description="The year that the month is of: deciding settles those before it too.")
    month: int = strawberry.field(description="The month.")
    was: Money | None = strawberry.field(description="What is due of it so far; null where it was never decided.")
    now: Money = strawberry.field(description="What would be due of it.")
    difference: Money = strawberry.field(description="What that adds; less than zero where it takes back.")
    outcome: Outcome = strawberry.field(description="What the rules make of its facts.")
    withheld: Withheld | None = strawberry.field(
        description="Why nothing would be due although the facts would give it; null where nothing stands in the way."
    )


@strawberry.type(description="A person of whom deciding a month would change something.")
class PreviewedCase:
    """A person of whom deciding a month would change something."""

    source: strawberry.Private[Previewed]
    shared: strawberry.Private[Shared]

    @strawberry.field(description="The id of the case, of the last year in which there is one here; `node` finds it.")
    def id(self) -> strawberry.ID:
        """The id of the case."""
        return strawberry.ID(encode_id(entity_of(Case).name, self.source.case.id))

    @strawberry.field(description="The number of whom it is for.")
    def number(self) -> str:
        """The number of whom it is for."""
        return self.source.case.number

    @strawberry.field(description="The village.")
    def division_code(self) -> DivisionCode:
        """The village."""
        return DivisionCode(self.source.case.division)

    @strawberry.field(description="The name of the village today.")
    def village(self) -> str:
        """The name of the village."""
        return self.shared.places.named(self.source.case.division)

    @strawberry.field(description="What it adds to what was due so far; less than zero where it takes back.")
    def difference(self) -> Money:
        """What it adds."""
        return Money(self.source.difference)

    @strawberry.field(description="The decisions that would be made, by year and month.")
    def months(self) -> list[PreviewedMonth]:
        """The decisions that would be made."""
        return [
            PreviewedMonth(
                year=own.result.rules.period.year,
                month=own.month,
                was=None if own.before is None else Money(own.before),
                now=Money(own.amount),
                difference=Money(own.difference),
                outcome=own.result.outcome,
                withheld=Withheld(own.withheld) if own.withheld else None,
            )
            for own in self.source.decisions
        ]

    @strawberry.field(description="Why months of it could not be decided; empty where all can.")
    def problems(self, info: strawberry.Info) -> list[Problem]:
        """Why months of it could not be decided."""
        return [problem(own, request_of(info).language, self.source.case.number) for own in self.source.problems]

    @strawberry.field(description="The case.")
    async def case(self, info: strawberry.Info) -> Case | None:
        """The case."""
        found: Case | None = await self.shared.one(
            info, Case, entity_of(Case).name, self.source.case.id, self.shared.ids
        )
        return found


@strawberry.type(description="A page of what deciding a month would change.")
class PreviewedCaseConnection:
    """A page of what deciding a month would change."""

    ground: strawberry.Private[Ground]
    area: strawberry.Private[tuple[int, int] | None]
    month: strawberry.Private[int]
    whole: strawberry.Private[bool]
    nodes: list[PreviewedCase] = strawberry.field(description="The cases of the page.")
    edges: list[Edge[PreviewedCase]] = strawberry.field(description="The cases with their cursors.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")

    @strawberry.field(description=TOTAL)
    async def total_count(self, info: strawberry.Info) -> int:
        """How many the whole list holds."""

        async def counted(
            session: AsyncSession, who: Entered, ground: Ground, most: int, area: tuple[int, int] | None
        ) -> int:
            return await month_previews.preview_count(session, who, ground, self.month, most, area, whole=self.whole)

        return await total_of(info, counted, self.ground, self.area)


@strawberry.type(description="What deciding a month would come to in one township.")
class PreviewedMonthFigures:
    """What deciding a month would come to in one township."""

    code: DivisionCode = strawberry.field(description="The township.")
    name: str = strawberry.field(description="Its name.")
    cases: int = strawberry.field(description="Cases of the year that are or were paid every month.")
    decided: int = strawberry.field(description="Decisions of months that would be made.")
    changed: int = strawberry.field(description="Those of them that would change an earlier one.")
    refused: int = strawberry.field(description="Persons who could not be decided.")
    due: Money = strawberry.field(description="What months that were never decided would be due.")
    more: Money = strawberry.field(description="What would be added to the others.")
    less: Money = strawberry.field(description="What would be taken back of the others.")


# --- who has not been verified again --------------------------------------------------------------------------


@strawberry.type(description="Somebody who is paid every month and has not been verified again in a span 未核查.")
class UnverifiedPerson:
    """Somebody who has not been verified again."""

    source: strawberry.Private[carrying.Unverified]
    shared: strawberry.Private[Shared]

    @strawberry.field(description="The number of the person in the register.")
    def number(self) -> str:
        """The number."""
        return self.source.number

    @strawberry.field(description="The name; empty where the person has moved out of your sight and the case has not.")
    def name(self) -> str:
        """The name."""
        return self.source.name

    @strawberry.field(description="The village.")
    def division_code(self) -> DivisionCode:
        """The village."""
        return DivisionCode(self.source.division)

    @strawberry.field(description="The name of the village today.")
    def village(self) -> str:
        """The name of the village."""
        return self.shared.places.named(self.source.division)


@strawberry.type(description="A page of those who have not been verified again.")
class UnverifiedPersonConnection:
    """A page of those who have not been verified again."""

    ground: strawberry.Private[Ground]
    on: strawberry.Private[date]
    nodes: list[UnverifiedPerson] = strawberry.field(description="The persons of the page.")
    edges: list[Edge[UnverifiedPerson]] = strawberry.field(description="The persons with their cursors.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")

    @strawberry.field(description="How many the whole list holds.")
    async def total_count(self, info: strawberry.Info) -> int:
        """How many the whole list holds."""
        request = request_of(info)
        async with request.session() as session:
            return sum((await carrying.unverified_counts(session, request.who, self.ground, self.on)).values())


@strawberry.type(description="How many of one township have not been verified again.")
class TownshipUnverified:
    """How many of one township have not been verified again."""

    code: DivisionCode = strawberry.field(description="The township.")
    name: str = strawberry.field(description="Its name.")
    unverified: int = strawberry.field(description="How many.")


@dataclass(frozen=True, slots=True)
class _Page:
    """A page of a list that is read whole."""

    found: Sequence[carrying.Unverified]
    more: bool
    last: None = None


# --- when it was done -----------------------------------------------------------------------------------------


@filters
class MonthRunFilter:
    """Which times."""

    programme: str | None = where(lambda s, v: models.MonthRun.programme == v, "Of this programme, by its code.")
    period: str | None = where(lambda s, v: models.MonthRun.period == v, "Of this period.")
    month: int | None = where(lambda s, v: models.MonthRun.month == v, "Of this month.")


@mapped(
    models.MonthRun,
    order={NEWEST: (models.MonthRun.recorded_at, models.MonthRun.id)},
    where=lambda sight: among(models.MonthRun.programme, sight.programmes),
    read=Action.READ_CASES,
)
class MonthRun(Node):
    """That a month was decided for everybody in some areas 月度核定办理, and what it came to. Never changed."""

    programme: str = column(models.MonthRun.programme, "The code of the programme.")
    period: str = column(models.MonthRun.period, "The period.")
    month: int = column(models.MonthRun.month, "Up to which month of the year it was decided.")
    reason: str = column(models.MonthRun.reason, "Why what changed was changed.")
    decided: int = column(models.MonthRun.decided, "How many decisions were made.")
    changed: int = column(models.MonthRun.changed, "How many of them changed an earlier one.")
    arrears: Money = column(models.MonthRun.arrears_fen, "What these added.")
    recovery: Money = column(models.MonthRun.recovery_fen, "What these took back.")
    known_at: datetime = column(models.MonthRun.known_at, "Facts counted as they were known at this instant.")
    ran_on: date = column(models.MonthRun.ran_on, "The day on which it was done.")
    decided_by: Officer | None = one(models.MonthRun.officer_id, models.Officer.id, "Who had it done.")


# --- queries --------------------------------------------------------------------------------------------------


def _asks(description: str) -> Any:
    return strawberry.field(description=description, metadata={ACTION: Action.READ_CASES})


@strawberry.type
class MonthQuery:
    """What can be asked of what is paid every month."""

    @strawberry.field(
        description="What a month of a person comes to by what was known at an instant, decided anew by the rules of "
        "today and kept nowhere; null if nobody of that number who is paid every month is in sight, nor what offices "
        "list of him.",
        metadata={ACTION: Action.READ_CIRCUMSTANCES},
    )
    async def month_as_known(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        period: PeriodArgument,
        number: Annotated[str, says("The number of the person in the register.")],
        month: Annotated[int, says("The month, 1 to 12.")],
        known_at: Annotated[datetime, says("Facts count as they were known at this instant.")],
    ) -> MonthDecision | None:
        """What a month comes to by what was known."""
        ground = await ground_in(info, programme, period)
        request = request_of(info)
        try:
            async with request.session() as session:
                found = await month_receipts.as_known(session, request.who, ground, number, month, known_at)
        except Refused as refusal:
            if [own.code for own in refusal.problems] != [Code.NOT_FOUND]:
                raise
            return None
        return decision_of(found)

    @_asks(
        "What deciding a month would change in your areas, of its year and of those before it that it settles too, by "
        "village and number; it is worked out as it is read, and changes nothing. A page ends after a number of "
        "persons, full or not, and says whether more may come."
    )
    async def month_preview(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        period: PeriodArgument,
        month: MonthArgument,
        whole: WholeArgument = False,
        division: AreaArgument = None,
        first: FirstArgument = None,
        after: AfterArgument = None,
    ) -> PreviewedCaseConnection:
        """What deciding a month would change."""
        ground = await ground_in(info, programme, period)
        area = area_of(division) if division is not None else None

        async def read(
            session: AsyncSession, who: Entered, own: Ground, size: int, since: Any, within: Any
        ) -> Page[Previewed]:
            return await month_previews.preview(session, who, own, month, size, since, within, whole=whole)

        page, info_, cursors, shared = await paged(info, "PreviewedCase", read, ground, area, first, after)
        shared.ids = [encode_id(entity_of(Case).name, one.case.id) for one in page.found]
        nodes = [PreviewedCase(source=one, shared=shared) for one in page.found]
        edges = [Edge(cursor=cursor, node=node) for cursor, node in zip(cursors, nodes, strict=True)]
        return PreviewedCaseConnection(
            ground=ground, area=area, month=month, whole=whole, nodes=nodes, edges=edges, page_info=info_
        )

    @_asks("What deciding a month would come to, by township; it changes nothing.")
    async def month_preview_figures(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        period: PeriodArgument,
        month: MonthArgument,
        whole: WholeArgument = False,
        division: AreaArgument = None,
    ) -> list[PreviewedMonthFigures]:
        """What deciding a month would come to."""
        ground = await ground_in(info, programme, period)
        area = area_of(division) if division is not None else None
        request = request_of(info)
        async with request.session() as session:
            found = await month_previews.preview_figures(session, request.who, ground, month, area, whole=whole)
        counts = ("name", "cases", "decided", "changed", "refused")
        return [
            PreviewedMonthFigures(
                code=DivisionCode(own.code),
                due=Money(own.due_fen),
                more=Money(own.more_fen),
                less=Money(own.less_fen),
                **{name: getattr(own, name) for name in counts},
            )
            for own in found
        ]

    @_asks("Who is paid every month and has not been verified again in the span of a day, by village and number.")
    async def unverified(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        period: PeriodArgument,
        on: OnArgument,
        first: FirstArgument = None,
        after: AfterArgument = None,
    ) -> UnverifiedPersonConnection:
        """Who has not been verified again."""
        ground = await ground_in(info, programme, period)

        async def read(session: AsyncSession, who: Entered, own: Ground, size: int, since: Any, _: Any) -> _Page:
            found = await carrying.unverified(session, who, own, on, size + 1, since)
            return _Page(found[:size], len(found) > size)

        page, info_, cursors, shared = await paged(info, "UnverifiedPerson", read, ground, None, first, after)
        nodes = [UnverifiedPerson(source=one, shared=shared) for one in page.found]
        edges = [Edge(cursor=cursor, node=node) for cursor, node in zip(cursors, nodes, strict=True)]
        return UnverifiedPersonConnection(ground=ground, on=on, nodes=nodes, edges=edges, page_info=info_)

    @_asks("How many of those who are paid every month have not been verified again in the span of a day, by township.")
    async def unverified_counts(
        self, info: strawberry.Info, programme: ProgrammeArgument, period: PeriodArgument, on: OnArgument
    ) -> list[TownshipUnverified]:
        """How many have not been verified again."""
        ground = await ground_in(info, programme, period)
        request = request_of(info)
        async with request.session() as session:
            found = await carrying.unverified_counts(session, request.who, ground, on)
            places = await Places.on(session, request.who.at.today)
        return [
            TownshipUnverified(code=DivisionCode(code), name=places.named(code), unverified=count)
            for code, count in found.items()
        ]


# --- mutations ------------------------------------------------------------------------------------------------


def _field(description: str, action: Action) -> Any:
    return strawberry.mutation(description=description, metadata={ACTION: action})


def _monthly(process: Process) -> tuple[str, ...]:
    """The stage that pays every month, if there is one."""
    return (process.monthly.code,) if process.monthly is not None else ()


@strawberry.type
class MonthMutation:
    """What is done to what is paid every month."""

    @_field(
        "Decide a month for everybody in sight 月度核定, as a job: whoever is paid every month, and again every "
        "earlier month of whom something has become known since. Done again, it changes nothing.",
        Action.PAY_CASES,
    )
    async def decide_month(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        period: PeriodArgument,
        month: MonthArgument,
        whole: WholeArgument = False,
        reason: Annotated[str, says("Why earlier months are changed; that a month is decided unless stated.")] = "",
    ) -> JobPayload:
        """Decide a month."""

        async def work(request: Request, session: AsyncSession) -> UUID:
            ground = await acting.ground_of(request, session, programme, period)
            return await month_runs.put(session, request.who, ground, month, reason, whole=whole)

        return await acting.keyed(info, JobPayload, work)

    @_field(
        "Decide the months of some persons now, up to one of them, by what is known 个别核定; the last decision of "
        "each month stands. `done` are those of whom a decision was made.",
        Action.PAY_CASES,
    )
    async def decide_month_for(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        period: PeriodArgument,
        month: MonthArgument,
        numbers: Annotated[list[str], says("The numbers of the persons.")],
        reason: Annotated[str, says("Why; kept on record.")],
    ) -> CasesPayload:
        """Decide the months of some persons."""
        acting.require_bounded(numbers, "numbers")

        async def work(request: Request, session: AsyncSession, ground: Ground, stated: Stated) -> Report:
            found = await months.decide(session, request.who, ground, month, numbers, reason)
            done = list(dict.fromkeys(one.case.number for one in found.decisions))
            named = dict.fromkeys(numbers)
            passed = {*done, *(number for number, _ in found.refused)}
            return Report(done, [number for number in named if number not in passed], found.refused)

        return await acting.act(info, programme, period, None, work)

    @_field(
        "Write down that who is paid every month was verified again 重新核查, and what was found. It changes nothing "
        "by itself: what is found to be otherwise is entered in the registers, or ends the case.",
        Action.WORK_ON_CASES,
    )
    async def reverify_cases(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        period: PeriodArgument,
        cases: CasesArgument,
        finding: Annotated[str, says("What was found.")],
        act: ActArgument = None,
    ) -> CasesPayload:
        """Verify cases again."""

        async def work(
            request: Request, session: AsyncSession, ground: Ground, chosen: Selection, stated: Stated
        ) -> Report:
            return await carrying.reverify(session, request.who, ground, chosen, finding, stated)

        return await acting.act_on(info, programme, period, cases, act, _monthly, work)

    @_field(
        "Let cases that are paid every month go over into the next year 结转, from December on: a case of that year, "
        "which is open, begins where each one stands, and the old one is closed. Nobody applies again for it.",
        Action.PAY_CASES,
    )
    async def carry_cases(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        period: PeriodArgument,
        following: Annotated[str, says("The next year.")],
        cases: CasesArgument,
        act: ActArgument = None,
    ) -> CasesPayload:
        """Carry cases over."""

        async def work(
            request: Request, session: AsyncSession, ground: Ground, chosen: Selection, stated: Stated
        ) -> Report:
            next_ = await acting.ground_of(request, session, programme, following)
            return await carrying.carry(session, request.who, ground, next_, chosen, stated)

        return await acting.act_on(info, programme, period, cases, act, _monthly, work)
