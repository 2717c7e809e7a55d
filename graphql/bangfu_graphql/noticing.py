"""Public notices 公示 and what is objected to them: posted, concluded, shown to have hung, and heard.

In an act on many, the households that are refused are named and the others go on.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession
from strawberry.file_uploads import Upload

from bangfu.access import Action
from bangfu.cases import acts, hearing
from bangfu.notices import evidence
from bangfu.process import Notice as NoticeStage
from bangfu.text import Text
from bangfu_graphql import acting
from bangfu_graphql.acting import (
    ActArgument,
    CasesArgument,
    CasesPayload,
    EvidencePayload,
    PeriodArgument,
    ProgrammeArgument,
    PublicObjectionPayload,
    SettingPayload,
    acceptable,
    codes_of,
    says,
)
from bangfu_graphql.casework import Notice, PublicObjection
from bangfu_graphql.mapping import ACTION
from bangfu_graphql.requests import Request

NUMBER = "The number of the household or, where the programme is for persons, of the person."


@strawberry.input(description="A photo or a scan of a notice as it hung.")
class EvidenceInput:
    """A photo or a scan of a notice as it hung."""

    notice: strawberry.ID = strawberry.field(description="The notice.")
    file: Upload = strawberry.field(description="The photo or the scan: JPEG, PNG or PDF.")
    taken_on: date | None = strawberry.field(description="The day that it shows; today unless stated.", default=None)
    place: str = strawberry.field(description="The place that it shows; that of the notice unless stated.", default="")


def _field(description: str, action: Action | None) -> Any:
    return strawberry.mutation(description=description, metadata={ACTION: action})


@strawberry.type
class NoticeMutation:
    """Public notices and objections."""

    @_field("Post the results of cases in public, one notice a village.", Action.WORK_ON_CASES)
    async def post_notices(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        period: PeriodArgument,
        cases: CasesArgument,
        place: Annotated[str, says("Where it hangs.")] = "",
        act: ActArgument = None,
    ) -> CasesPayload:
        """Post notices."""
        return await acting.act_on(
            info,
            programme,
            period,
            cases,
            act,
            lambda process: codes_of(process, NoticeStage),
            lambda request, session, ground, chosen, stated: acts.post(
                session, request.who, ground, chosen, stated, place
            ),
        )

    @_field(
        "Let cases go on whose notice has stood its time without an open objection 公示期满, where the plan asks for "
        "no acceptance after it.",
        Action.WORK_ON_CASES,
    )
    async def conclude_notices(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        period: PeriodArgument,
        cases: CasesArgument,
        act: ActArgument = None,
    ) -> CasesPayload:
        """Conclude notices."""
        return await acting.act_on(
            info,
            programme,
            period,
            cases,
            act,
            lambda process: tuple(code for code in codes_of(process, NoticeStage) if code not in acceptable(process)),
            lambda request, session, ground, chosen, stated: acts.conclude(
                session, request.who, ground, chosen, stated
            ),
        )

    @_field("Take down an objection against one household on notice; it waits, the others go on.", Action.WORK_ON_CASES)
    async def object_to_case(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        period: PeriodArgument,
        household: Annotated[str, says(NUMBER)],
        words: Annotated[str, says("What is objected.")],
        objector: Annotated[str, says("Who objects.")] = "",
        act: ActArgument = None,
    ) -> CasesPayload:
        """Object to a case."""
        return await acting.act(
            info,
            programme,
            period,
            act,
            lambda request, session, ground, stated: acts.object_to(
                session, request.who, ground, household, words, objector, stated
            ),
        )

    @_field(
        "Settle the open objections against one household after re-checking; if upheld, its case goes back.",
        Action.WORK_ON_CASES,
    )
    async def settle_objections(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        period: PeriodArgument,
        household: Annotated[str, says(NUMBER)],
        upheld: Annotated[bool, says("Whether the objection is right.")],
        finding: Annotated[str, says("What the re-check found.")],
        act: ActArgument = None,
    ) -> CasesPayload:
        """Settle objections."""
        return await acting.act(
            info,
            programme,
            period,
            act,
            lambda request, session, ground, stated: acts.settle(
                session, request.who, ground, household, upheld=upheld, finding=finding, stated=stated
            ),
        )

    @_field(
        "Attach a photo or a scan that shows that a notice hung. The same file again changes nothing.",
        Action.KEEP_NOTICES,
    )
    async def attach_evidence(
        self, info: strawberry.Info, input: Annotated[EvidenceInput, says("The photo or the scan.")]
    ) -> EvidencePayload:
        """Attach evidence."""
        name, data = await acting.uploaded(input.file)

        async def work(request: Request, session: AsyncSession) -> UUID:
            key = acting.key_of(Notice, input.notice, "notice", Text("公示", "the notice"))
            largest = request.database.settings.largest_file
            on, called = input.taken_on or request.who.at.today, name or "evidence"
            who = request.who
            return await evidence.attach(session, request.vault, who, key, called, data, on, input.place, largest)

        return await acting.keyed(info, EvidencePayload, work)

    @_field(
        "Say whom the public can call about a notice; it stands on every notice that is posted from now on.",
        Action.SET_SUPERVISION,
    )
    async def set_supervision(
        self, info: strawberry.Info, contact: Annotated[str, says("An office and its telephone.")]
    ) -> SettingPayload:
        """Say whom the public can call."""

        async def work(request: Request, session: AsyncSession) -> None:
            await evidence.set_contact(session, request.who, contact)

        return await acting.setting(info, work)

    @_field(
        "Make what the public handed in an objection against the case, of the day it was handed in; the case waits.",
        Action.HEAR_OBJECTIONS,
    )
    async def confirm_public_objection(
        self, info: strawberry.Info, id: Annotated[strawberry.ID, says("What was handed in.")]
    ) -> PublicObjectionPayload:
        """Confirm an objection of the public."""

        async def work(request: Request, session: AsyncSession) -> UUID:
            key = acting.key_of(PublicObjection, id, "id", Text("公众异议", "the objection of the public"))
            await hearing.confirm(session, request.who, request.plugins, key)
            return key

        return await acting.keyed(info, PublicObjectionPayload, work)

    @_field(
        "Put aside what the public handed in, such as what says nothing; on record with the reason.",
        Action.HEAR_OBJECTIONS,
    )
    async def dismiss_public_objection(
        self,
        info: strawberry.Info,
        id: Annotated[strawberry.ID, says("What was handed in.")],
        reason: Annotated[str, says("Why; kept on record.")],
    ) -> PublicObjectionPayload:
        """Dismiss an objection of the public."""

        async def work(request: Request, session: AsyncSession) -> UUID:
            key = acting.key_of(PublicObjection, id, "id", Text("公众异议", "the objection of the public"))
            await hearing.dismiss(session, request.who, key, reason)
            return key

        return await acting.keyed(info, PublicObjectionPayload, work)
