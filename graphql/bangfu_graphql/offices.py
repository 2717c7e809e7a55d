"""The mutations of the roster: charging somebody with a duty, ending it, disabling an account and enabling it again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import models
from bangfu.access import Action
from bangfu.process import Duty
from bangfu.registry import offices
from bangfu.registry.offices import Term
from bangfu.text import Text
from bangfu_graphql import acting
from bangfu_graphql.acting import Payload, says
from bangfu_graphql.mapping import ACTION
from bangfu_graphql.people import Assignment, Officer
from bangfu_graphql.requests import Request
from bangfu_graphql.scalars import DivisionCode

_ASSIGNMENT = Text("任职", "the assignment")


@strawberry.input(description="A duty that somebody is to be charged with.")
class DutyInput:
    """A duty that somebody is to be charged with."""

    officer: str = strawberry.field(description="The staff number.")
    duty: Duty = strawberry.field(description="The duty.")
    area: DivisionCode = strawberry.field(
        description="The division over which it is held; of an agent the county, of a household its village."
    )
    since: date | None = strawberry.field(description="The first day; today unless stated.", default=None)
    until: date | None = strawberry.field(
        description="The day before which it ends; a stand-in must have one.", default=None
    )
    unit: str | None = strawberry.field(
        description="The credit code of the enterprise or the school that an agent acts for.", default=None
    )
    household: str | None = strawberry.field(
        description="The number of the household whose account it is.", default=None
    )
    stands_in_for: str | None = strawberry.field(
        description="The staff number of whoever it is held for, where it is held in somebody's stead.", default=None
    )


@strawberry.type(description="What came of charging somebody with a duty.")
class DutyPayload(Payload):
    """What came of charging somebody with a duty."""

    key: strawberry.Private[UUID | None]

    def has_changed(self) -> bool:
        """Whether it was not refused."""
        return self.key is not None

    @strawberry.field(description="The assignment as it is now; null if it was refused.")
    async def assignment(self, info: strawberry.Info) -> Assignment | None:
        """The assignment."""
        return await acting.found(info, Assignment, models.Assignment.id, self.key)


@strawberry.type(description="What came of a change of an officer's account or duties.")
class OfficerPayload(Payload):
    """What came of a change of an officer's account or duties."""

    key: strawberry.Private[UUID | None]

    def has_changed(self) -> bool:
        """Whether it was not refused."""
        return self.key is not None

    @strawberry.field(description="The officer as he is now; null if it was refused.")
    async def officer(self, info: strawberry.Info) -> Officer | None:
        """The officer."""
        return await acting.found(info, Officer, models.Officer.id, self.key)


def _field(description: str) -> Any:
    return strawberry.mutation(description=description, metadata={ACTION: Action.IMPORT_OFFICERS})


NumberArgument = Annotated[str, says("The staff number.")]
ReasonArgument = Annotated[str, says("Why; kept on record.")]


@strawberry.type
class OfficeMutation:
    """The mutations of the roster."""

    @_field("Charge somebody with a duty. Incompatible duties are refused; a stand-in ends by itself.")
    async def assign_duty(
        self,
        info: strawberry.Info,
        input: Annotated[DutyInput, says("The duty.")],
        reason: ReasonArgument,
    ) -> DutyPayload:
        """Charge somebody with a duty."""

        async def work(request: Request, session: AsyncSession) -> DutyPayload:
            term = Term(
                input.officer, input.duty, int(input.area), input.since or request.who.at.today, input.until,
                input.unit, input.household, input.stands_in_for,
            )  # fmt: skip
            return DutyPayload(key=await offices.assign(session, request.who, term, reason), problems=[])

        return await acting.change(info, work, lambda problems: DutyPayload(key=None, problems=problems))

    @_field(
        "Let a duty end before a day, and with it whoever stands in for it. One that has not begun before today is "
        "withdrawn by its first day."
    )
    async def end_duty(
        self,
        info: strawberry.Info,
        assignment: Annotated[strawberry.ID, says("The assignment.")],
        day: Annotated[date, says("The first day on which it is not held any more.")],
        reason: ReasonArgument,
    ) -> OfficerPayload:
        """End a duty."""

        async def work(request: Request, session: AsyncSession) -> UUID:
            key = acting.key_of(Assignment, assignment, "assignment", _ASSIGNMENT)
            return await offices.end(session, request.who, key, day, reason)

        return await _of_officer(info, work)

    @_field("Let an account in no more, from the next request on.")
    async def disable_officer(
        self, info: strawberry.Info, officer: NumberArgument, reason: ReasonArgument
    ) -> OfficerPayload:
        """Disable an account."""

        async def work(request: Request, session: AsyncSession) -> UUID:
            # What guards the door goes by the real time, also where a demo county lives on a day of its own.
            return await offices.disable(session, request.who, officer, reason, datetime.now(UTC))

        return await _of_officer(info, work)

    @_field("Let an account that was disabled in again. What it had got in with stays ended.")
    async def enable_officer(
        self, info: strawberry.Info, officer: NumberArgument, reason: ReasonArgument
    ) -> OfficerPayload:
        """Enable an account."""

        async def work(request: Request, session: AsyncSession) -> UUID:
            return await offices.enable(session, request.who, officer, reason)

        return await _of_officer(info, work)


async def _of_officer(
    info: strawberry.Info, work: Callable[[Request, AsyncSession], Awaitable[UUID]]
) -> OfficerPayload:
    async def carried_out(request: Request, session: AsyncSession) -> OfficerPayload:
        return OfficerPayload(key=await work(request, session), problems=[])

    return await acting.change(info, carried_out, lambda problems: OfficerPayload(key=None, problems=problems))
