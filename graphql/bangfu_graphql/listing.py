"""The mutations that make workbooks of whole lists: who is missed, whose payment no longer fits, and the register of
those who applied."""

from __future__ import annotations

from typing import Annotated

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Action
from bangfu.cases import exports
from bangfu.registry.divisions import area_of
from bangfu_graphql import acting
from bangfu_graphql.acting import JobPayload, PeriodArgument, ProgrammeArgument, says
from bangfu_graphql.mapping import ACTION
from bangfu_graphql.requests import Request
from bangfu_graphql.scalars import DivisionCode

_ReasonArgument = Annotated[str, says("What it is for; kept on record.")]
_AreaArgument = Annotated[DivisionCode | None, says("Only this division; everything in sight unless stated.")]


@strawberry.type(description="What can be exported of whole lists.")
class ListMutation:
    """What can be exported of whole lists."""

    @strawberry.mutation(
        description="Who could have the award and has not applied, as a workbook, as a job.",
        metadata={ACTION: Action.EXPORT_LISTS},
    )
    async def export_missed(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        period: PeriodArgument,
        reason: _ReasonArgument,
        division: _AreaArgument = None,
    ) -> JobPayload:
        """Export who is missed."""
        return await _put(info, exports.Export.MISSED, programme, period, reason, division)

    @strawberry.mutation(
        description="Cases whose payment no longer fits what is known, as a workbook, as a job.",
        metadata={ACTION: Action.EXPORT_LISTS},
    )
    async def export_overpaid(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        period: PeriodArgument,
        reason: _ReasonArgument,
        division: _AreaArgument = None,
    ) -> JobPayload:
        """Export whose payment no longer fits."""
        return await _put(info, exports.Export.OVERPAID, programme, period, reason, division)

    @strawberry.mutation(
        description="The register of those whose applications were decided, with what was paid, and its summary by "
        "township, as a workbook, as a job.",
        metadata={ACTION: Action.EXPORT_LISTS},
    )
    async def export_register(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        period: PeriodArgument,
        reason: _ReasonArgument,
        division: _AreaArgument = None,
    ) -> JobPayload:
        """Export the register."""
        return await _put(info, exports.Export.REGISTER, programme, period, reason, division)


async def _put(
    info: strawberry.Info,
    export: exports.Export,
    programme: str,
    period: str,
    reason: str,
    division: DivisionCode | None,
) -> JobPayload:
    async def work(request: Request, session: AsyncSession) -> JobPayload:
        ground = await acting.ground_of(request, session, programme, period)
        area = area_of(division) if division is not None else None
        key = await exports.put_list(
            session, request.who, ground.programme.code, ground.period.key, export, reason, area
        )
        return JobPayload(key=key, problems=[])

    return await acting.change(info, work, lambda problems: JobPayload(key=None, problems=problems))
