"""What can be followed: a job on its way, over server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Annotated

import strawberry

from bangfu import models
from bangfu.access import Action
from bangfu_graphql.identifiers import decode_id
from bangfu_graphql.mapping import ACTION, entity_of
from bangfu_graphql.requests import request_of
from bangfu_graphql.work import Job

PAUSE = 0.3
"""Seconds between two looks at a job."""
LONGEST = 3600
"""Seconds after which a client must ask again."""
_ENDS = frozenset({"done", "refused", "failed"})


@strawberry.type(description="What can be followed.")
class Subscription:
    """What can be followed."""

    @strawberry.subscription(
        description="A job as it goes on: at once, whenever it has come further, and at its end, which ends the "
        "stream. A job that is not in sight ends it at once. Duties are looked at anew each time.",
        metadata={ACTION: Action.READ_OFFICES},
    )
    async def job_progress(
        self, info: strawberry.Info, id: Annotated[strawberry.ID, strawberry.argument(description="The job.")]
    ) -> AsyncGenerator[Job, None]:
        """Follow a job."""
        request = request_of(info)
        key = decode_id(entity_of(Job), id)
        seen: object = None
        for _ in range(int(LONGEST / PAUSE)):
            state = await request.standing(models.Job, key)
            if state is None:
                return
            if state != seen:
                row = await request.reader.one(info, Job, models.Job.id == key)
                if row is None:
                    return
                yield row  # type: ignore[misc]
                seen = state
            await request.end(keep=True)
            if state[0] in _ENDS:
                return
            await asyncio.sleep(PAUSE)
            await request.renew()
