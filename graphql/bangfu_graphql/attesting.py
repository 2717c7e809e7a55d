"""What organizations attest themselves: in one transaction; what is refused is named, the others are answered."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Action
from bangfu.cases import attesting
from bangfu.models import new_id
from bangfu_graphql import acting
from bangfu_graphql.acting import Payload, says
from bangfu_graphql.casework import Attestation
from bangfu_graphql.identifiers import decode_id
from bangfu_graphql.mapping import ACTION, entity_of
from bangfu_graphql.problems import problem
from bangfu_graphql.requests import Request


@strawberry.type(description="What came of an organization's answering what it is asked to attest.")
class AttestationPayload(Payload):
    """What came of an organization's answering what it is asked to attest."""

    done: int = strawberry.field(description="How many were answered.")
    unchanged: int = strawberry.field(description="How many had been answered so already.")
    refused: int = strawberry.field(description="How many were refused; `problems` names each by its place in `ids`.")

    def has_changed(self) -> bool:
        """Whether anything was answered."""
        return self.done > 0


@strawberry.type
class AttestationMutation:
    """What organizations attest."""

    @strawberry.mutation(
        description="Answer what one's own organization is asked to attest 证明, such as cards that a training base "
        "signs and seals, or does not, with the reason. An answer is final. What it is not asked is named, the others "
        "are answered.",
        metadata={ACTION: Action.ATTEST},
    )
    async def attest(
        self,
        info: strawberry.Info,
        ids: Annotated[list[strawberry.ID], says("What is answered: ids of `attestations`.")],
        attested: Annotated[bool, says("Whether the organization attests it.")],
        note: Annotated[str, says("Why it does not; needed then.")] = "",
        on: Annotated[date | None, says("The day that the answer is of; today unless stated.")] = None,
    ) -> AttestationPayload:
        """Answer what one's organization is asked."""
        acting.require_bounded(ids, "ids")
        # What is no id of this is one that nobody has.
        keys = [decode_id(entity_of(Attestation), own) or new_id() for own in ids]

        async def work(request: Request, session: AsyncSession) -> AttestationPayload:
            made = await attesting.attest(session, request.who, keys, attested=attested, note=note, on=on)
            request.refused = bool(made.refused) and not (made.done or made.unchanged)
            return AttestationPayload(
                done=made.done,
                unchanged=made.unchanged,
                refused=len(made.refused),
                problems=[problem(own, request.language) for _, own in made.refused],
            )

        return await acting.change(
            info, work, lambda problems: AttestationPayload(done=0, unchanged=0, refused=0, problems=problems)
        )
