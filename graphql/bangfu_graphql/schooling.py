"""Schooling: what schools confirm of their own students, and what lists say otherwise than the register.

Each field is one transaction; what is refused comes back as problems and has changed nothing. Lists of students and
schools' workbooks come in by ``importWorkbook``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Action
from bangfu.registry import discrepancies, schooling
from bangfu.text import Text
from bangfu_graphql import acting
from bangfu_graphql.acting import KeyedPayload, Payload, object_of, says
from bangfu_graphql.identifiers import bad_input
from bangfu_graphql.mapping import ACTION
from bangfu_graphql.people import Discrepancy, DiscrepancyKind
from bangfu_graphql.problems import problem
from bangfu_graphql.requests import Request, request_of
from bangfu_graphql.scalars import DivisionCode


@strawberry.type(description="How many discrepancies are open in a township.")
class DiscrepancyCount:
    """How many discrepancies are open in a township."""

    township_code: DivisionCode = strawberry.field(description="The township.")
    open: int = strawberry.field(description="How many are open.")


@strawberry.type(description="What came of settling a discrepancy.")
class DiscrepancyPayload(KeyedPayload):
    """What came of settling a discrepancy."""

    discrepancy: Discrepancy | None = object_of(Discrepancy, "The discrepancy as it is now; null if it was refused.")


@strawberry.type(description="What came of a school's confirming its students.")
class ConfirmationPayload(Payload):
    """What came of a school's confirming its students."""

    done: int = strawberry.field(description="How many students were confirmed.")
    unchanged: int = strawberry.field(description="How many the school had confirmed for that day already.")
    refused: int = strawberry.field(description="How many numbers were refused; `problems` names each.")

    def has_changed(self) -> bool:
        """Whether anybody was confirmed."""
        return self.done > 0


@strawberry.type
class SchoolingQuery:
    """What is counted of discrepancies."""

    @strawberry.field(
        description="How many discrepancies are open in sight, by township; those without any are left out.",
        metadata={ACTION: Action.READ_REGISTERS},
    )
    async def discrepancy_counts(
        self,
        info: strawberry.Info,
        kind: Annotated[DiscrepancyKind | None, says("Of this kind; of every one unless stated.")] = None,
    ) -> list[DiscrepancyCount]:
        """How many discrepancies are open."""
        request = request_of(info)
        async with request.session() as session:
            found = await discrepancies.counts(session, request.who, None if kind is None else kind.value)
        return [DiscrepancyCount(township_code=DivisionCode(code), open=count) for code, count in found.items()]


def _field(description: str, action: Action) -> Any:
    return strawberry.mutation(description=description, metadata={ACTION: action})


def _chosen(numbers: Sequence[str] | None, everything: bool, without: Sequence[str]) -> Sequence[str] | None:
    """The numbers that are meant; None for everybody. Nothing is never everybody."""
    if (numbers is None) is not everything:
        raise bad_input("State exactly one of `numbers` and `everything`.")
    acting.require_bounded(numbers, "numbers")
    acting.require_bounded(without, "without")
    return numbers


@strawberry.type
class SchoolingMutation:
    """What schools confirm, and what is settled."""

    @_field(
        "Confirm students on the roll of one's own school 学校确认: from that day on there is a proof of schooling, "
        "given by the school. Numbers that are not on its roll are named, the others are confirmed.",
        Action.CONFIRM_SCHOOLING,
    )
    async def confirm_schooling(
        self,
        info: strawberry.Info,
        numbers: Annotated[list[str] | None, says("The student numbers; or state `everything`.")] = None,
        everything: Annotated[bool, says("Everybody on the roll that day.")] = False,
        without: Annotated[list[str] | None, says("But for these student numbers.")] = None,
        on: Annotated[date | None, says("On which day they are on the roll; today unless stated.")] = None,
    ) -> ConfirmationPayload:
        """Confirm students."""
        chosen = _chosen(numbers, everything, without or ())

        async def work(request: Request, session: AsyncSession) -> ConfirmationPayload:
            made = await schooling.confirm(session, request.who, chosen, on, without=without or ())
            request.refused = bool(made.refused) and not (made.done or made.unchanged)
            return ConfirmationPayload(
                done=made.done,
                unchanged=made.unchanged,
                refused=len(made.refused),
                problems=[problem(own, request.language) for _, own in made.refused],
            )

        return await acting.change(
            info, work, lambda problems: ConfirmationPayload(done=0, unchanged=0, refused=0, problems=problems)
        )

    @_field(
        "Settle a discrepancy: accept what was reported, which stands in the register from its day on, or leave the "
        "register as it is. It is never changed again.",
        Action.SETTLE_DISCREPANCIES,
    )
    async def settle_discrepancy(
        self,
        info: strawberry.Info,
        id: Annotated[strawberry.ID, says("The discrepancy.")],
        accept: Annotated[bool, says("Whether what was reported holds.")],
        reason: Annotated[str, says("Why; kept on record.")],
    ) -> DiscrepancyPayload:
        """Settle a discrepancy."""

        async def work(request: Request, session: AsyncSession) -> UUID:
            key = acting.key_of(Discrepancy, id, "id", Text("核对事项", "the discrepancy"))
            await discrepancies.settle(session, request.who, key, accept, reason)
            return key

        return await acting.keyed(info, DiscrepancyPayload, work)
