"""What a year of pairings is reported as: the statement and the certificate of an enterprise, the honour list, and the
county's annual summary; as papers, each made as a job, and as what can be asked for."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Action
from bangfu.errors import Code, Refused
from bangfu.pairings import papers, summaries
from bangfu.pairings.exports import Paper, put
from bangfu.programme import PairingProgramme
from bangfu_graphql import acting
from bangfu_graphql.acting import JobPayload, ProgrammeArgument, says
from bangfu_graphql.identifiers import bad_input, known
from bangfu_graphql.mapping import ACTION
from bangfu_graphql.requests import Request, request_of, say
from bangfu_graphql.scalars import DivisionCode, Money

_YearArgument = Annotated[int, says("The year, which has begun.")]
_DivisionArgument = Annotated[DivisionCode | None, says("Only villages in this division; all in sight unless stated.")]
_CreditCodeArgument = Annotated[str, says("The credit code of the organization that helps.")]


@strawberry.type(description="What an organization on the honour list has given of a kind, as far as it is settled.")
class HonouredKind:
    """What is settled of a kind."""

    kind: str = strawberry.field(description="The kind, by its code.")
    amount: Money = strawberry.field(description="The amount.")
    quantity: int = strawberry.field(description="The number, where it is counted.")


@strawberry.type(description="An organization on the honour list 光荣榜: nothing of it that is not settled.")
class HonouredHelper:
    """An organization on the honour list."""

    place: int | None = strawberry.field(
        description="Its place among those in sight, shared by equal amounts; null to an enterprise, which finds "
        "itself alone."
    )
    name: str = strawberry.field(description="Its name.")
    credit_code: str = strawberry.field(description="Its credit code.")
    chamber: str = strawberry.field(description="The chamber of commerce that it belongs to.")
    villages: int = strawberry.field(description="How many villages it has given to.")
    agreed: int = strawberry.field(description="How many deliveries are settled.")
    amount: Money = strawberry.field(description="What stands of them.")
    by_kind: list[HonouredKind] = strawberry.field(description="The same by kind.")


@strawberry.type(description="What a township, a village, a path or the whole comes to in a year.")
class PairingPart:
    """What a part comes to in a year."""

    division_code: DivisionCode | None = strawberry.field(description="The township or village; null of a path.")
    path: str | None = strawberry.field(description="The path, by its code; null of a division.")
    title: str = strawberry.field(description="What it is called.")
    enterprises: int = strawberry.field(description="How many organizations have an agreement, each counted once.")
    villages: int = strawberry.field(description="How many villages have one.")
    agreements: int = strawberry.field(description="How many agreements were signed.")
    persons: int | None = strawberry.field(
        description="How many persons were named by villages, each counted once; null to an enterprise."
    )
    projects: int = strawberry.field(description="How many projects 帮扶项目 the plans hold.")
    pledged: Money = strawberry.field(description="What is promised by the plans.")
    logged: Money = strawberry.field(description="Everything that was logged: the four that follow together.")
    stands: Money = strawberry.field(description="What stands: confirmed, confirmed in part, or ruled.")
    waiting: Money = strawberry.field(description="What waits for the village.")
    disputed: Money = strawberry.field(description="What is before the county.")
    not_accepted: Money = strawberry.field(description="What was not accepted, and is settled.")
    lines: int = strawberry.field(description="How many deliveries count.")
    agreed: int = strawberry.field(description="Of how many of them it is settled what stands.")
    exits: int | None = strawberry.field(
        description="How many households of its villages left poverty in the year, by the register; null of a path, "
        "and to an enterprise."
    )
    nominated: int | None = strawberry.field(
        description="How many typical villages 典型村 are nominated; null of a path."
    )
    obstacles_open: int | None = strawberry.field(
        description="How many obstacles were open at the end of the year, or are today; null of a path."
    )
    obstacles_resolved: int | None = strawberry.field(
        description="How many obstacles were resolved in the year; null of a path."
    )


@strawberry.type(description="The annual summary 年度汇总, of what is in sight. Each total is that of its lines.")
class PairingSummary:
    """The annual summary."""

    whole: PairingPart = strawberry.field(description="All of it; everybody is counted once.")
    townships: list[PairingPart] = strawberry.field(description="By township.")
    villages: list[PairingPart] = strawberry.field(description="By village.")
    paths: list[PairingPart] = strawberry.field(description="By path.")


@strawberry.type(description="What a certificate 帮扶证书 said when it was issued, and whether it is still so.")
class IssuedCertificate:
    """What a certificate said when it was issued."""

    number: str = strawberry.field(description="Its number.")
    issued_on: date = strawberry.field(description="The day on which it was issued.")
    name: str = strawberry.field(description="To whom.")
    credit_code: str = strawberry.field(description="The credit code.")
    year: int = strawberry.field(description="Of which year.")
    amount: Money = strawberry.field(description="The amount that it said.")
    amount_today: Money = strawberry.field(description="What is settled of that year today.")
    stands: bool = strawberry.field(description="Whether everything that it says is still so.")


def _part(info: strawberry.Info, own: PairingProgramme, part: summaries.Part) -> PairingPart:
    path = own.path(part.code) if isinstance(part.code, str) else None
    inside = bool(request_of(info).who.scope.areas)
    place = path is None
    return PairingPart(
        division_code=DivisionCode(part.code) if isinstance(part.code, int) else None,
        path=None if path is None else path.code,
        title=part.name if path is None else say(info, path.title),
        enterprises=len(part.organizations),
        villages=len(part.divisions),
        agreements=len(part.agreements),
        persons=len(part.people) if inside else None,
        projects=part.sums["projects"],
        pledged=Money(part.sums["pledged_fen"]),
        logged=Money(part.sums["logged_fen"]),
        stands=Money(part.sums["stands_fen"]),
        waiting=Money(part.sums["waiting_fen"]),
        disputed=Money(part.sums["disputed_fen"]),
        not_accepted=Money(part.sums["refused_fen"]),
        lines=part.sums["lines"],
        agreed=part.sums["agreed"],
        exits=part.exits if place and inside else None,
        nominated=part.nominated if place else None,
        obstacles_open=part.obstacles_open if place else None,
        obstacles_resolved=part.obstacles_resolved if place else None,
    )


@strawberry.type
class ReportQuery:
    """What a year of pairings comes to."""

    @strawberry.field(
        description="The honour list 光荣榜 of a year, by what is settled, of what is in sight.",
        metadata={ACTION: Action.READ_PAIRINGS},
    )
    async def pairing_honours(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        year: _YearArgument,
        division: _DivisionArgument = None,
    ) -> list[HonouredHelper]:
        """The honour list."""
        request = request_of(info)
        own = known(request.plugins.pairings, programme)
        _require_year(request, year)
        async with request.session() as session:
            found = await summaries.honours(session, request.who, own, year, division)
        return [
            HonouredHelper(
                place=one.place,
                name=one.name,
                credit_code=one.credit_code,
                chamber=one.chamber,
                villages=len(one.villages),
                agreed=one.agreed,
                amount=Money(one.fen),
                by_kind=[
                    HonouredKind(kind=kind.code, amount=Money(fen), quantity=quantity)
                    for kind in own.kinds
                    if kind.code in one.by_kind
                    for fen, quantity in [one.by_kind[kind.code]]
                ],
            )
            for one in found
        ]

    @strawberry.field(
        description="The annual summary 年度汇总 of a year, of what is in sight, or of a division.",
        metadata={ACTION: Action.READ_PAIRINGS},
    )
    async def pairing_summary(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        year: _YearArgument,
        division: _DivisionArgument = None,
    ) -> PairingSummary:
        """The annual summary."""
        request = request_of(info)
        own = known(request.plugins.pairings, programme)
        _require_year(request, year)
        async with request.session() as session:
            found = await summaries.summary(session, request.who, own, year, division)
        return PairingSummary(
            whole=_part(info, own, found.whole),
            townships=[_part(info, own, part) for part in found.townships],
            villages=[_part(info, own, part) for part in found.villages],
            paths=[_part(info, own, part) for part in found.paths],
        )

    @strawberry.field(
        description="What was issued under the number of a certificate; null for a number under which nothing was "
        "that is in sight. The county sees all of them, an agent those that he had issued himself.",
        metadata={ACTION: Action.READ_PAIRINGS},
    )
    async def pairing_certificate(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        number: Annotated[str, says("The number that stands on it.")],
    ) -> IssuedCertificate | None:
        """What was issued under a number."""
        request = request_of(info)
        own = known(request.plugins.pairings, programme)
        try:
            async with request.session() as session:
                found = await papers.check(session, request.who, own, number)
        except Refused as refusal:
            if [problem.code for problem in refusal.problems] != [Code.NOT_FOUND]:
                raise
            return None
        return IssuedCertificate(
            number=found.number,
            issued_on=found.issued_on,
            name=found.name,
            credit_code=found.credit_code,
            year=found.year,
            amount=Money(found.fen),
            amount_today=Money(found.fen_today),
            stands=found.stands,
        )


def _require_year(request: Request, year: int) -> None:
    """A wrong question is one about a year that has not begun."""
    if not papers.EARLIEST <= year <= request.who.at.today.year:
        raise bad_input(f"`year` is {papers.EARLIEST} to {request.who.at.today.year}.")


@strawberry.type
class ReportMutation:
    """What is made of a year of pairings."""

    @strawberry.mutation(
        description="The annual statement 年度帮扶情况 of an enterprise as a PDF, as a job: for its own agent, and the "
        "county.",
        metadata={ACTION: Action.ISSUE_PAIRING_PAPERS},
    )
    async def issue_helper_statement(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        credit_code: _CreditCodeArgument,
        year: _YearArgument,
    ) -> JobPayload:
        """Issue a statement."""
        return await _put(info, programme, Paper.STATEMENT, year, credit_code)

    @strawberry.mutation(
        description="The certificate 帮扶证书 of what both sides have settled of a year, as a PDF, as a job; it is "
        "refused where nothing is.",
        metadata={ACTION: Action.ISSUE_PAIRING_PAPERS},
    )
    async def issue_helper_certificate(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        credit_code: _CreditCodeArgument,
        year: _YearArgument,
    ) -> JobPayload:
        """Issue a certificate."""
        return await _put(info, programme, Paper.CERTIFICATE, year, credit_code)

    @strawberry.mutation(
        description="The honour list 光荣榜 of a year as a workbook, as a job.",
        metadata={ACTION: Action.EXPORT_PAIRINGS},
    )
    async def export_pairing_honours(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        year: _YearArgument,
        division: _DivisionArgument = None,
    ) -> JobPayload:
        """Export the honour list."""
        return await _put(info, programme, Paper.HONOURS, year, division)

    @strawberry.mutation(
        description="The annual summary 年度汇总表 as a workbook, as a job: by township, village, path and kind, with "
        "every line. It names no person.",
        metadata={ACTION: Action.EXPORT_PAIRINGS},
    )
    async def export_pairing_summary(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        year: _YearArgument,
        division: _DivisionArgument = None,
    ) -> JobPayload:
        """Export the annual summary."""
        return await _put(info, programme, Paper.SUMMARY, year, division)


async def _put(info: strawberry.Info, programme: str, paper: Paper, year: int, of: str | int | None) -> JobPayload:
    async def work(request: Request, session: AsyncSession) -> UUID:
        return await put(session, request.who, request.plugins.pairing(programme), paper, year, of)

    return await acting.keyed(info, JobPayload, work)
