"""Everything that one household has, had, or could have in a year, in the caller's language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any

import strawberry

from bangfu import models
from bangfu.access import Action
from bangfu.cases.year import InPeriod, PartState, Payment, YearAnswer, answers_in, why_in
from bangfu.errors import Refused
from bangfu.text import Text
from bangfu_graphql.mapping import ACTION, MAPPING, Gathered, answered
from bangfu_graphql.months import CaseMonth
from bangfu_graphql.receipts import Receipt
from bangfu_graphql.requests import request_of, say
from bangfu_graphql.scalars import Money, described

described(PartState, "PartState", "How one part of an award stands.")


@strawberry.type(description="One part of an award: what it comes to, how it stands, and when it was paid.")
class PartOfAward:
    """One part of an award."""

    source: strawberry.Private[Payment]

    @strawberry.field(description="Which part it is, in words.")
    def title(self, info: strawberry.Info) -> str:
        """Which part it is."""
        return say(info, self.source.title)

    @strawberry.field(
        description="How much; by the result that stands, where it is not due yet; null where there is none."
    )
    def amount(self) -> Money | None:
        """How much."""
        return Money(self.source.fen) if self.source.fen is not None else None

    @strawberry.field(description="How it stands.")
    def state(self) -> PartState:
        """How it stands."""
        return self.source.state

    @strawberry.field(description="The day on which its batch was released; null where it was not.")
    def paid_on(self) -> date | None:
        """The day on which its batch was released."""
        return self.source.paid_on

    @strawberry.field(description="All of it in one sentence.")
    def words(self, info: strawberry.Info) -> str:
        """All of it in one sentence."""
        return say(info, self.source.text)


def _said(name: str, description: str) -> Any:
    """A field of sentences."""

    def resolve(self: Any, info: strawberry.Info) -> list[str]:
        texts: Sequence[Text] = getattr(self.source, name)
        return [say(info, text) for text in texts]

    resolve.__annotations__ = {"info": strawberry.Info, "return": list[str]}
    return strawberry.field(resolver=resolve, description=description)


@strawberry.type(description="What one household has or could have of one programme in one period.")
class AwardInPeriod:
    """What one household has or could have of one programme in one period."""

    source: strawberry.Private[InPeriod]
    fails: list[str] = _said("fails", "The clauses that are not met, each with by how much.")
    could: list[str] = _said(
        "could", "What it could still have and what for, where it did not apply; empty where a clause fails."
    )
    together: list[str] = _said("together", "What may be had beside it.")
    apart: list[str] = _said("apart", "What may not be had beside it.")
    in_the_way: list[str] = _said("in_the_way", "What keeps the household from it now.")
    taken: list[str] = _said("taken", "What the household counts for elsewhere; of whom, only where that is in sight.")
    waits: list[str] = _said("waits", "What its case waits for, of whom, and until when.")

    @strawberry.field(description="The code of the programme.")
    def programme(self) -> str:
        """The programme."""
        return self.source.programme

    @strawberry.field(description="The period.")
    def period(self) -> str:
        """The period."""
        return self.source.period

    @strawberry.field(
        description="The number of the household or, where the programme is for persons, of the person that it is of."
    )
    def number(self) -> str:
        """Whose it is."""
        return self.source.receipt.number

    @strawberry.field(description="The programme and the period, in words.")
    def title(self, info: strawberry.Info) -> str:
        """In words."""
        own = self.source.receipt
        return say(info, Text(f"{own.programme.zh} {own.period.zh}", f"{own.programme.en}, {own.period.en}"))

    @strawberry.field(description="Why this amount, why not.")
    def receipt(self) -> Receipt:
        """Why this amount, why not."""
        return Receipt(source=self.source.receipt)

    @strawberry.field(description="The parts of the award, in their order; empty where there is no case.")
    def payments(self) -> list[PartOfAward]:
        """The parts of the award."""
        return [PartOfAward(source=one) for one in self.source.payments]

    @strawberry.field(description="Its months in their order, where it is paid every month; empty where it is not.")
    def months(self) -> list[CaseMonth]:
        """Its months."""
        return [CaseMonth(month=one) for one in self.source.months]


@strawberry.type(description="Everything that one household has, had or could have in a year 一户一页.")
class HouseholdYear:
    """Everything of one household in a year."""

    source: strawberry.Private[YearAnswer]

    @strawberry.field(description="The household's number in the register.")
    def number(self) -> str:
        """Its number."""
        return self.source.number

    @strawberry.field(description="The year.")
    def year(self) -> int:
        """The year."""
        return self.source.year

    @strawberry.field(description="What was paid.")
    def paid(self) -> Money:
        """What was paid."""
        return Money(self.source.paid_fen)

    @strawberry.field(description="What is due and not paid yet.")
    def due(self) -> Money:
        """What is due."""
        return Money(self.source.due_fen)

    @strawberry.field(description="Every programme and period of the year that the county has opened.")
    def periods(self) -> list[AwardInPeriod]:
        """Every programme and period of the year."""
        return [AwardInPeriod(source=one) for one in self.source.periods]


async def _years(reader: Any, rows: Sequence[Mapping[str, Any]], arguments: Mapping[str, Any]) -> list[Any]:
    """The year of each household, in as many statements for a hundred of them as for one."""
    sight = reader.sight
    households = {row["id"]: row["number"] for row in rows}
    programmes = sight.programmes.values()
    found = await answers_in(reader.now, sight.who, programmes, households, arguments["year"])
    return [HouseholdYear(source=found[row["id"]]) for row in rows]


def in_year() -> Any:
    """The field of a household that tells all of its year."""
    return strawberry.field(
        description="Everything that it has, had or could have in a year.",
        resolver=answered({"year": (int, "The plan year.")}, HouseholdYear),
        metadata={
            MAPPING: Gathered((models.Household.id, models.Household.number), _years),
            ACTION: Action.READ_CASES,
        },
    )


@strawberry.type(description="What can be asked of a household's year.")
class YearQuery:
    """What can be asked of a household's year."""

    @strawberry.field(
        description="Everything that a household has, had or could have in a year; null if it is not in sight.",
        metadata={ACTION: Action.READ_CASES},
    )
    async def household_year(
        self,
        info: strawberry.Info,
        household: Annotated[str, strawberry.argument(description="Its number in the register.")],
        year: Annotated[int | None, strawberry.argument(description="The plan year; today's unless stated.")] = None,
    ) -> HouseholdYear | None:
        """Everything of a household in a year."""
        return await _of_number(info, household, year)


async def _of_number(info: strawberry.Info, number: str, stated: int | None) -> HouseholdYear | None:
    request = request_of(info)
    meant = request.who.at.today.year if stated is None else stated
    async with request.session() as session:
        try:
            found = await why_in(session, request.who, request.programmes.values(), number, meant)
        except Refused:
            return None
    return HouseholdYear(source=found)
