"""The county's own documents: from a workbook, previewed, released, taken back, carried into the next period."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession
from strawberry.file_uploads import Upload

from bangfu import simulate
from bangfu.access import Action
from bangfu.cases import ground as grounds
from bangfu.cases import provision_forms, provisions
from bangfu.cases.provisions import Heading
from bangfu.errors import Code
from bangfu.errors import Problem as CoreProblem
from bangfu.policy import Carried
from bangfu.programme import Programme
from bangfu.text import Text, number
from bangfu_graphql import acting
from bangfu_graphql.acting import (
    CarriedPayload,
    NotCarried,
    PeriodArgument,
    PreviewPayload,
    ProgrammeArgument,
    ProvisionPayload,
    says,
)
from bangfu_graphql.mapping import ACTION
from bangfu_graphql.previews import previewed
from bangfu_graphql.problems import problem
from bangfu_graphql.requests import Request
from bangfu_graphql.work import Provision

DocumentArgument = Annotated[strawberry.ID, says("The document.")]


@strawberry.input(description="How a county's own document is headed.")
class HeadingInput:
    """How a county's own document is headed."""

    title: str = strawberry.field(description="Its title.")
    number: str = strawberry.field(description="Its number 文号.")
    issued_on: date = strawberry.field(description="The day it was issued.")


@strawberry.input(description="A county's own document as a workbook, and how it is headed.")
class ProvisionWorkbookInput:
    """A county's own document as a workbook."""

    programme: str = strawberry.field(description="The code of the programme.")
    heading: HeadingInput = strawberry.field(description="How the document is headed.")
    file: Upload = strawberry.field(description="The workbook, XLSX or CSV.")


HeadingArgument = Annotated[HeadingInput, says("How the new document is headed.")]


def _heading(given: HeadingInput) -> Heading:
    return Heading(given.title, given.number, given.issued_on)


def _key(id: strawberry.ID) -> UUID:
    return acting.key_of(Provision, id, "id", provisions.WHAT)


def _field(description: str, action: Action) -> Any:
    return strawberry.mutation(description=description, metadata={ACTION: action})


@strawberry.type
class ProvisionMutation:
    """The steps of a county's own document that are the same for every programme."""

    @_field(
        "Write down a county's own document as a draft, from a workbook with a row for each value; its columns are "
        "参数, 本县规定, 起始日, 截止日 and 条款, and `Programme.parameters` says what there is.",
        Action.DRAFT_PROVISION,
    )
    async def draft_provision_from_workbook(
        self,
        info: strawberry.Info,
        input: Annotated[ProvisionWorkbookInput, says("The document.")],
    ) -> ProvisionPayload:
        """Draft from a workbook."""
        name, data = await acting.uploaded(input.file)

        async def work(request: Request, session: AsyncSession) -> UUID:
            largest = request.database.settings.largest_file
            if len(data) > largest:
                size, limit = (Text(f"{number(many)} 字节", f"{number(many)} bytes") for many in (len(data), largest))
                raise Code.FILE_TOO_LARGE.refuse("file", size=size, limit=limit)
            own = acting.programme_of(request, input.programme)
            request.who.require(Action.DRAFT_PROVISION, own.code)
            raw = provision_forms.read(own, _heading(input.heading), data, name or "workbook.xlsx")
            return await provisions.draft(session, request.who, own, raw)

        return await acting.keyed(info, ProvisionPayload, work)

    @_field(
        "Preview a document that is not released yet in a period 试算, and keep what it comes to; for those who are "
        "charged with the whole county. What is previewed in every open period that it changes may be released, for "
        "thirty days and as long as nothing else has changed.",
        Action.DRAFT_PROVISION,
    )
    async def preview_provision(
        self, info: strawberry.Info, id: DocumentArgument, period: PeriodArgument
    ) -> PreviewPayload:
        """Preview a provision."""

        async def work(request: Request, session: AsyncSession) -> PreviewPayload:
            key = _key(id)
            found = await simulate.keep_preview(session, request.who, request.plugins, key, period)
            remaining = await provisions.to_preview(session, request.who, request.plugins, key)
            return PreviewPayload(key=key, preview=previewed(info, found), remaining=remaining, problems=[])

        return await acting.change(
            info, work, lambda problems: PreviewPayload(key=None, preview=None, remaining=[], problems=problems)
        )

    @_field(
        "Put a previewed document of the county's own in force; by another person than who drafted it. One that "
        "another document was released after is previewed again first.",
        Action.RELEASE_PROVISION,
    )
    async def release_provision(self, info: strawberry.Info, id: DocumentArgument) -> ProvisionPayload:
        """Release a provision."""

        async def work(request: Request, session: AsyncSession) -> UUID:
            key = _key(id)
            await provisions.release(session, request.who, request.plugins, key)
            return key

        return await acting.keyed(info, ProvisionPayload, work)

    @_field(
        "Draft the document that takes a released one back from a day on 回退: whatever held without it holds again. "
        "What is released is never changed; it is previewed and released like any other.",
        Action.DRAFT_PROVISION,
    )
    async def take_back_provision(
        self,
        info: strawberry.Info,
        id: DocumentArgument,
        heading: HeadingArgument,
        since: Annotated[date, says("From which day.")],
        clause: Annotated[str, says("The clause of the new document that says so.")],
    ) -> ProvisionPayload:
        """Take a provision back."""

        async def work(request: Request, session: AsyncSession) -> UUID:
            return await provisions.take_back(
                session, request.who, request.plugins, _key(id), _heading(heading), since, clause
            )

        return await acting.keyed(info, ProvisionPayload, work)

    @_field(
        "Draft the document of a next period with the numbers of one before it 结转: the county's own, and those of a "
        "plan that has ended.",
        Action.DRAFT_PROVISION,
    )
    async def carry_provisions_over(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        period: Annotated[str, says("The period whose numbers are carried over.")],
        next: Annotated[str, says("The later period which they are carried into.")],
        heading: HeadingArgument,
        clause: Annotated[str, says("The clause of the new document for what a plan that ended had laid down.")],
    ) -> CarriedPayload:
        """Carry a period's numbers over."""

        async def work(request: Request, session: AsyncSession) -> CarriedPayload:
            own = acting.programme_of(request, programme)
            ground = await grounds.ground_of(session, request.who.county.id, own, period)
            periods = ground.period, own.period.period(next)
            key, carried = await provisions.carry_over(
                session, request.who, own, ground.latest.resolved, periods, _heading(heading), clause
            )
            return CarriedPayload(key=key, not_carried=_left(request, own, carried), problems=[])

        return await acting.change(
            info, work, lambda problems: CarriedPayload(key=None, not_carried=[], problems=problems)
        )


def _left(request: Request, own: Programme, carried: Carried) -> list[NotCarried]:
    parameters = own.policy.parameters
    return [
        NotCarried(
            parameter=name,
            title=request.say(parameters[name].title),
            instead=None if isinstance(why, CoreProblem) else request.say(parameters[name].kind.show(why.value)),
            problem=problem(why, request.language) if isinstance(why, CoreProblem) else None,
        )
        for name, why in carried.left.items()
    ]
