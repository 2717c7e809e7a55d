"""What is done in programmes of inspections, and what they come to. Each field is one transaction; what is refused
comes back as problems and has changed nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any, TypeVar
from uuid import UUID

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Action, Entered
from bangfu.cases.views import Stated
from bangfu.inspections import assessments, bases, figures
from bangfu.programme import InspectionProgramme
from bangfu.text import Text
from bangfu_graphql import acting
from bangfu_graphql.acting import (
    ActArgument,
    ActInput,
    DivisionArgument,
    KeyedPayload,
    ProgrammeArgument,
    object_of,
    says,
)
from bangfu_graphql.federation import BaseAssessment, BaseFinding, BaseSubsidy, SupportBase
from bangfu_graphql.identifiers import known
from bangfu_graphql.mapping import ACTION
from bangfu_graphql.requests import Request, request_of, say
from bangfu_graphql.scalars import DivisionCode

_SUBSIDY = Text("应补资金", "the line of what is due")
_AssessmentArgument = Annotated[strawberry.ID, says("The assessment.")]
_FindingArgument = Annotated[strawberry.ID, says("The finding.")]


# --- what is stated -------------------------------------------------------------------------------------------


@strawberry.input(description="How many persons with disabilities a base serves.")
class BasePersonsInput:
    """How many persons a base serves."""

    placed: int = strawberry.field(description="How many it employs 安置.")
    led: int = strawberry.field(description="How many it leads to an income 辐射带动.")
    poor: int = strawberry.field(description="How many of them all are poor and of a village 农村贫困残疾人.")

    @property
    def persons(self) -> bases.Persons:
        """It, as the core takes it."""
        return bases.Persons(self.placed, self.led, self.poor)


@strawberry.input(description="An organization that is to be a base.")
class SupportBaseInput:
    """An organization that is to be a base."""

    credit_code: str = strawberry.field(description="Its unified social credit code.")
    level: str = strawberry.field(description="The level, by its code.")
    rural: bool = strawberry.field(description="Whether it is a rural one.")
    persons: BasePersonsInput = strawberry.field(description="Whom it serves.")
    division: DivisionCode | None = strawberry.field(
        description="Where it lies, where that is not where the organization sits.", default=None
    )


@strawberry.input(description="What is said of an item of the checklist.")
class AssessedItemInput:
    """What is said of an item."""

    item: str = strawberry.field(description="The item, by its code.")
    applies: bool = strawberry.field(description="Whether it applies to the base.", default=True)
    present: bool = strawberry.field(description="Whether it is there.", default=True)
    evidence: str = strawberry.field(description="What shows it, where it is there.", default="")
    finding: str = strawberry.field(description="What is missing, where it is not.", default="")


@strawberry.input(description="What an assessment says.")
class BaseAssessmentInput:
    """What an assessment says."""

    items: list[AssessedItemInput] = strawberry.field(description="Every item of the checklist, once.")
    score: int = strawberry.field(description="The score, 0 to 100, by the county's own rule.")
    persons: BasePersonsInput = strawberry.field(description="Whom the base serves on the day.")


# --- what comes of it -----------------------------------------------------------------------------------------


@strawberry.type(description="What came of a change to a base.")
class SupportBasePayload(KeyedPayload):
    """What came of a change to a base."""

    base: SupportBase | None = object_of(SupportBase, "The base as it is now; null if refused.")


@strawberry.type(description="What came of a change to an assessment.")
class BaseAssessmentPayload(KeyedPayload):
    """What came of a change to an assessment."""

    assessment: BaseAssessment | None = object_of(
        BaseAssessment, "The assessment as it is now; null if it was refused."
    )


@strawberry.type(description="What came of a change to a finding.")
class BaseFindingPayload(KeyedPayload):
    """What came of a change to a finding."""

    finding: BaseFinding | None = object_of(BaseFinding, "The finding as it is now; null if it was refused.")


@strawberry.type(description="What came of entering what a base is due.")
class BaseSubsidyPayload(KeyedPayload):
    """What came of entering what a base is due."""

    subsidy: BaseSubsidy | None = object_of(BaseSubsidy, "The line; null if it was refused.")


# --- what can be asked ----------------------------------------------------------------------------------------


@strawberry.type(description="A level of bases, or an item of the checklist.")
class InspectionPart:
    """A level of bases, or an item of the checklist."""

    code: str = strawberry.field(description="Its code.")
    title: str = strawberry.field(description="What it is called.")


@strawberry.type(description="A programme of inspections that is installed.")
class InspectionProgrammeInfo:
    """A programme of inspections."""

    code: str = strawberry.field(description="Its code.")
    title: str = strawberry.field(description="What it is called.")
    levels: list[InspectionPart] = strawberry.field(description="The levels of bases.")
    items: list[InspectionPart] = strawberry.field(description="What is looked at.")


@strawberry.type(description="The bases of one level, rural or not.")
class BaseFigure:
    """The bases of one level, rural or not."""

    level: str = strawberry.field(description="The level, by its code.")
    rural: bool = strawberry.field(description="Whether they are rural ones.")
    bases: int = strawberry.field(description="How many there are.")
    placed: int = strawberry.field(description="How many persons they employ, by the last assessment of each.")
    led: int = strawberry.field(description="How many they lead to an income.")
    poor: int = strawberry.field(description="How many of them are poor and of a village.")


@strawberry.type(description="What bases come to. Every total is that of its lines.")
class InspectionFigures:
    """What bases come to."""

    bases: int = strawberry.field(description="How many bases there are; `supportBases` lists them.")
    rural: int = strawberry.field(description="How many of them are rural ones.")
    persons: int = strawberry.field(description="How many persons they employ and lead.")
    poor: int = strawberry.field(description="How many of them are poor and of a village.")
    notices: int = strawberry.field(description="How many rectification notices were issued.")
    notices_open: int = strawberry.field(description="How many of these are not closed.")
    notices_overdue: int = strawberry.field(description="How many of the open are past their last day.")
    notices_closed: int = strawberry.field(description="How many are closed.")
    by_level: list[BaseFigure] = strawberry.field(description="The same by level and kind.")


def _info(info: strawberry.Info, own: InspectionProgramme) -> InspectionProgrammeInfo:
    return InspectionProgrammeInfo(
        code=own.code,
        title=say(info, own.title),
        levels=[InspectionPart(code=level.code, title=say(info, level.title)) for level in own.levels],
        items=[InspectionPart(code=item.code, title=say(info, item.title)) for item in own.items],
    )


@strawberry.type
class InspectionQuery:
    """What inspections come to."""

    @strawberry.field(
        description="The programmes of inspections that are installed, with their levels and what is looked at.",
        metadata={ACTION: Action.READ_INSPECTIONS},
    )
    def inspection_programmes(self, info: strawberry.Info) -> list[InspectionProgrammeInfo]:
        """The programmes of inspections."""
        return [_info(info, own) for own in request_of(info).plugins.inspections.values()]

    @strawberry.field(
        description="What bases come to, of those in sight: the agent of one counts his own.",
        metadata={ACTION: Action.READ_INSPECTIONS},
    )
    async def inspection_figures(
        self, info: strawberry.Info, programme: ProgrammeArgument, division: DivisionArgument = None
    ) -> InspectionFigures:
        """What bases come to."""
        request = request_of(info)
        own = known(request.plugins.inspections, programme)
        async with request.session() as session:
            found = await figures.figures(session, request.who, own, division)
        return InspectionFigures(
            bases=found.total("bases"),
            rural=found.rural,
            persons=found.total("placed") + found.total("led"),
            poor=found.total("poor"),
            notices=found.notices.issued,
            notices_open=found.notices.open,
            notices_overdue=found.notices.overdue,
            notices_closed=found.notices.closed,
            by_level=[
                BaseFigure(
                    level=line.level,
                    rural=line.rural,
                    bases=line.bases,
                    placed=line.placed,
                    led=line.led,
                    poor=line.poor,
                )
                for line in found.lines
            ],
        )


# --- what can be done -----------------------------------------------------------------------------------------


def _field(description: str, action: Action = Action.INSPECT_BASES) -> Any:
    return strawberry.mutation(description=description, metadata={ACTION: action})


K = TypeVar("K", bound=KeyedPayload)
_Named = tuple[type, strawberry.ID, Text]
"""The one thing that something is done to: its type, its id, what it is called."""
_Work = Callable[[AsyncSession, Entered, InspectionProgramme, UUID, Stated], Awaitable[object]]


def _base(id: strawberry.ID) -> _Named:
    return SupportBase, id, bases.WHAT


def _assessment(id: strawberry.ID) -> _Named:
    return BaseAssessment, id, assessments.WHAT


def _finding(id: strawberry.ID) -> _Named:
    return BaseFinding, id, assessments.FINDING


async def _on(
    info: strawberry.Info,
    payload: type[K],
    programme: str,
    named: _Named,
    act: ActInput | None,
    work: _Work,
) -> K:
    """Do something to one thing; the payload shows what was made by it, where the work answers with its key, or the
    thing itself."""

    async def carried_out(request: Request, session: AsyncSession) -> UUID:
        key = acting.key_of(named[0], named[1], "id", named[2])
        said = await acting.stated(request, session, act)
        own = request.plugins.inspection(programme)
        made = await work(session, request.who, own, key, said)
        return made if isinstance(made, UUID) else key

    return await acting.keyed(info, payload, carried_out)


@strawberry.type
class InspectionMutation:
    """What is done in programmes of inspections."""

    @_field(
        "Register an organization of the county as a base 扶贫(就业)基地; it is none until another has confirmed it."
    )
    async def register_base(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        input: Annotated[SupportBaseInput, says("Which.")],
        act: ActArgument = None,
    ) -> SupportBasePayload:
        """Register a base."""

        async def work(request: Request, session: AsyncSession) -> UUID:
            said = await acting.stated(request, session, act)
            registration = bases.Registration(
                credit_code=input.credit_code,
                level=input.level,
                rural=input.rural,
                persons=input.persons.persons,
                division=input.division,
            )
            own = request.plugins.inspection(programme)
            return await bases.register(session, request.who, own, registration, said)

        return await acting.keyed(info, SupportBasePayload, work)

    @_field("Say whether an organization that was registered is a base; another person than who registered it does.")
    async def confirm_base(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        id: Annotated[strawberry.ID, says("The base.")],
        passed: Annotated[bool, says("Whether it is one; if not, `act` has the reason.")],
        act: ActArgument = None,
    ) -> SupportBasePayload:
        """Confirm a base."""
        return await _on(info, SupportBasePayload, programme, _base(id), act, partial(bases.confirm, passed=passed))

    @_field("End a base 注销, with the reason in `act`; it may be registered anew, of another level if need be.")
    async def end_base(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        id: Annotated[strawberry.ID, says("The base.")],
        act: ActArgument = None,
    ) -> SupportBasePayload:
        """End a base."""
        return await _on(info, SupportBasePayload, programme, _base(id), act, bases.end)

    @_field("Write down how a base stood against the checklist 考核; it counts once another person agrees.")
    async def assess_base(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        id: Annotated[strawberry.ID, says("The base.")],
        input: Annotated[BaseAssessmentInput, says("What was found.")],
        act: ActArgument = None,
    ) -> BaseAssessmentPayload:
        """Assess a base."""
        acting.require_bounded(input.items, "input.items")

        async def work(session: AsyncSession, who: Entered, own: InspectionProgramme, key: UUID, said: Stated) -> UUID:
            answers = [
                assessments.Answer(one.item, one.applies, one.present, one.evidence, one.finding) for one in input.items
            ]
            found = assessments.Assessed(answers, input.score, input.persons.persons)
            return await assessments.assess(session, who, own, key, found, said)

        return await _on(info, BaseAssessmentPayload, programme, _base(id), act, work)

    @_field("Say whether an assessment is right; another person than who assessed does.")
    async def agree_on_assessment(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        id: _AssessmentArgument,
        agreed: Annotated[bool, says("Whether it is; if not, `act` has the reason, and it counts for nothing.")],
        act: ActArgument = None,
    ) -> BaseAssessmentPayload:
        """Agree on an assessment."""
        return await _on(
            info, BaseAssessmentPayload, programme, _assessment(id), act, partial(assessments.agree, agreed=agreed)
        )

    @_field(
        "Issue the rectification notice 整改通知书 of an assessment with findings. Refused until the county has laid "
        "down within how many days a finding is put right."
    )
    async def issue_rectification_notice(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        id: _AssessmentArgument,
        act: ActArgument = None,
    ) -> BaseAssessmentPayload:
        """Issue a rectification notice."""
        return await _on(info, BaseAssessmentPayload, programme, _assessment(id), act, assessments.notify)

    @_field(
        "Say what was done about a finding, with what shows it as `act.evidence`: the base's agent does, or the "
        "federation for it.",
        Action.RECTIFY_FINDINGS,
    )
    async def rectify_finding(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        id: _FindingArgument,
        what: Annotated[str, says("What was done.")],
        act: ActArgument = None,
    ) -> BaseFindingPayload:
        """Say what was done about a finding."""

        async def work(session: AsyncSession, who: Entered, own: InspectionProgramme, key: UUID, said: Stated) -> None:
            await assessments.rectify(session, who, own, key, what, said)

        return await _on(info, BaseFindingPayload, programme, _finding(id), act, work)

    @_field(
        "Look again at what was put right 复查, and close it or not; another person than who wrote the finding does."
    )
    async def recheck_finding(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        id: _FindingArgument,
        passed: Annotated[bool, says("Whether it is closed; if not, `act` has the reason.")],
        act: ActArgument = None,
    ) -> BaseFindingPayload:
        """Look again at what was put right."""
        return await _on(
            info, BaseFindingPayload, programme, _finding(id), act, partial(assessments.recheck, passed=passed)
        )

    @_field(
        "Enter what a base is due for the year of an assessment by its result 应补资金; nothing is paid by it. Refused "
        "until the county has laid down what is due for its level."
    )
    async def enter_base_subsidy(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        id: _AssessmentArgument,
        replaces: Annotated[strawberry.ID | None, says("The line of the year that it takes the place of.")] = None,
        act: ActArgument = None,
    ) -> BaseSubsidyPayload:
        """Enter what a base is due."""

        async def work(session: AsyncSession, who: Entered, own: InspectionProgramme, key: UUID, said: Stated) -> UUID:
            old = None if replaces is None else acting.key_of(BaseSubsidy, replaces, "replaces", _SUBSIDY)
            return await assessments.enter_subsidy(session, who, own, key, said, replaces=old)

        return await _on(info, BaseSubsidyPayload, programme, _assessment(id), act, work)
