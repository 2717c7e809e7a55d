"""Two lists of a period that are decided as they are read: who is missed, and whose payment no longer fits.

No table holds them, so they are no mapped types. They are read forwards only, by a cursor that says up to which
household it was looked; a page ends after a number of households, full or not, and says whether more may come.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry

from bangfu import models
from bangfu.access import Action
from bangfu.cases import missed, overpaid
from bangfu.cases.ground import Ground
from bangfu.registry.divisions import Places, area_of
from bangfu.rules.book import Outcome
from bangfu_graphql.casework import Case
from bangfu_graphql.identifiers import bad_input, decode_cursor, encode_cursor, encode_id
from bangfu_graphql.mapping import ACTION, DEFAULT_PAGE, LARGEST_PAGE, entity_of, place_of
from bangfu_graphql.nodes import Edge, PageInfo
from bangfu_graphql.people import Household, Person
from bangfu_graphql.reading import LARGEST_COUNT
from bangfu_graphql.receipts import ReceiptLine, line_of
from bangfu_graphql.requests import request_of, say
from bangfu_graphql.scalars import DivisionCode, Money, described

described(missed.Wanting, "Wanting", "Who would have to say what is not known of a household.")
_KEY = (models.Household.division, models.Household.number)
AreaArgument = Annotated[
    DivisionCode | None, strawberry.argument(description="In this division; everywhere unless stated.")
]
FirstArgument = Annotated[
    int | None, strawberry.argument(description=f"How many, {DEFAULT_PAGE} unless stated, at most {LARGEST_PAGE}.")
]
AfterArgument = Annotated[str | None, strawberry.argument(description="Only what comes after this cursor.")]


@dataclass
class Shared:
    """What the rows of one page have in common: the households, persons or cases that they lead to, read once for
    all."""

    places: Places
    ids: Sequence[str] = ()
    persons: Sequence[str] = ()
    found: dict[tuple[type, int], dict[str, Any]] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def one(self, info: strawberry.Info, cls: type, name: str, key: UUID, ids: Sequence[str]) -> Any:
        """The object of a row; the first row to ask reads those of all."""
        place = (cls, place_of(info._raw_info.field_nodes[0]))
        async with self.lock:
            if place not in self.found:
                self.found[place] = await request_of(info).reader.node(info, cls, ids)
        return self.found[place].get(encode_id(name, key))


# --- who is missed --------------------------------------------------------------------------------------------


@strawberry.type(description="Something that is not known of a household.")
class MissingFact:
    """Something that is not known of a household."""

    name: str = strawberry.field(description="The name of the fact in its programme.")
    title: str = strawberry.field(description="What it is.")
    wanting: missed.Wanting = strawberry.field(description="Who would have to say it.")


@strawberry.type(
    description="A household, or a person where the programme is for persons, that could have the award and has not "
    "applied 应享未享."
)
class MissedHousehold:
    """A household or a person that could have the award and has not applied."""

    source: strawberry.Private[missed.Missed]
    ground: strawberry.Private[Ground]
    shared: strawberry.Private[Shared]

    @strawberry.field(
        description="The id of the household or, where the programme is for persons, of the person; `node` finds it."
    )
    def id(self) -> strawberry.ID:
        """The id of the household or the person."""
        person = self.source.whom.person
        if person is not None:
            return strawberry.ID(encode_id(entity_of(Person).name, person))
        return strawberry.ID(encode_id(entity_of(Household).name, self.source.household))

    @strawberry.field(description="The number of the household or the person in the register.")
    def number(self) -> str:
        """Its number."""
        return self.source.number

    @strawberry.field(description="Its village.")
    def division_code(self) -> DivisionCode:
        """Its village."""
        return DivisionCode(self.source.division)

    @strawberry.field(description="The name of its village today.")
    def village(self) -> str:
        """The name of its village."""
        return self.shared.places.named(self.source.division)

    @strawberry.field(description="What is wanting; empty where nothing but the application is.")
    def lacks(self, info: strawberry.Info) -> list[MissingFact]:
        """What is wanting."""
        return [
            MissingFact(name=lack.fact.name, title=say(info, lack.fact.title), wanting=lack.wanting)
            for lack in self.source.lacks
        ]

    @strawberry.field(description="What is wanting, in one sentence.")
    def wanting(self, info: strawberry.Info) -> str:
        """What is wanting, in one sentence."""
        return say(info, missed.wanted(self.source.lacks))

    @strawberry.field(description="What it would come to; null where that cannot be told yet.")
    def amount(self) -> Money | None:
        """What it would come to."""
        return Money(self.source.fen) if self.source.fen is not None else None

    @strawberry.field(description="How its earlier case ended; null where it never applied.")
    def ended(self, info: strawberry.Info) -> str | None:
        """How its earlier case ended."""
        end = self.source.ended
        return say(info, self.ground.programme.process.title(end)) if end is not None else None

    @strawberry.field(description="The household.")
    async def household(self, info: strawberry.Info) -> Household | None:
        """The household."""
        found: Household | None = await self.shared.one(
            info, Household, entity_of(Household).name, self.source.household, self.shared.ids
        )
        return found

    @strawberry.field(description="The person; null where the programme is for households.")
    async def person(self, info: strawberry.Info) -> Person | None:
        """The person."""
        if self.source.whom.person is None:
            return None
        found: Person | None = await self.shared.one(
            info, Person, entity_of(Person).name, self.source.whom.person, self.shared.persons
        )
        return found


@strawberry.type(
    description="The figures of one township; every household or person is counted once, so that they add up."
)
class MissedFigures:
    """The figures of one township."""

    code: DivisionCode = strawberry.field(description="The township.")
    name: str = strawberry.field(description="Its name.")
    households: int = strawberry.field(description="All households in sight.")
    applied: int = strawberry.field(
        description="With a case that lives, was paid, or was stopped or not selected by somebody."
    )
    excluded: int = strawberry.field(description="With a case in another programme that excludes this one.")
    taken: int = strawberry.field(description="That have had the award already.")
    ineligible: int = strawberry.field(description="That fail a clause, whether they applied or not.")
    missed: int = strawberry.field(description="That could have the award and have not applied.")
    unclear: int = strawberry.field(description="Those of them of whom the register lacks something.")
    untold: int = strawberry.field(description="Those of them whose amount cannot be told yet.")
    amount: Money = strawberry.field(description="What the others of them would come to.")


# --- whose payment no longer fits -----------------------------------------------------------------------------


@strawberry.type(description="A fact that is known differently now.")
class FactChange:
    """A fact that is known differently now."""

    title: str = strawberry.field(description="What it is.")
    was: str = strawberry.field(description="What it was.")
    now: str = strawberry.field(description="What it is now.")
    known_since: datetime | None = strawberry.field(
        description="Since when that is known; null where no entry of the registers tells it."
    )


@strawberry.type(description="A determination made again by what is known now.")
class MadeAgain:
    """A determination made again."""

    stage: str = strawberry.field(description="The stage at which it was made.")
    decided_on: date = strawberry.field(description="The day on which it was made.")
    was: Outcome = strawberry.field(description="What it came to.")
    was_payable: Money = strawberry.field(description="What was payable by it.")
    now: Outcome = strawberry.field(description="What it would come to.")
    now_payable: Money = strawberry.field(description="What would be payable by it.")
    lines: list[ReceiptLine] = strawberry.field(
        description="The clauses that say so: those that fail, else those whose fact is missing, else the amount."
    )
    changes: list[FactChange] = strawberry.field(description="The facts that changed.")
    words: str = strawberry.field(description="All of it in one sentence.")


@strawberry.type(description="A case that was paid on something that would come out differently now 已发待核.")
class OverpaidCase:
    """A case that was paid on something that would come out differently now."""

    source: strawberry.Private[overpaid.Overpaid]
    shared: strawberry.Private[Shared]

    @strawberry.field(description="The id of the case; `node` finds it.")
    def id(self) -> strawberry.ID:
        """The id of the case."""
        return strawberry.ID(encode_id(entity_of(Case).name, self.source.case))

    @strawberry.field(description="The number of the household or the person in the register.")
    def number(self) -> str:
        """The number."""
        return self.source.number

    @strawberry.field(description="Its village.")
    def division_code(self) -> DivisionCode:
        """Its village."""
        return DivisionCode(self.source.division)

    @strawberry.field(description="The name of its village today.")
    def village(self) -> str:
        """The name of its village."""
        return self.shared.places.named(self.source.division)

    @strawberry.field(description="What was paid.")
    def paid(self) -> Money:
        """What was paid."""
        return Money(self.source.paid_fen)

    @strawberry.field(
        description="What those parts would have been by what is known now; null where something is missing now."
    )
    def right(self) -> Money | None:
        """What those parts would have been."""
        return Money(self.source.right_fen) if self.source.right_fen is not None else None

    @strawberry.field(description="What was paid too much, negative where too little; null where it cannot be told.")
    def difference(self) -> Money | None:
        """What was paid too much."""
        return Money(self.source.difference_fen) if self.source.difference_fen is not None else None

    @strawberry.field(description="Each determination that would come out differently.")
    def again(self, info: strawberry.Info) -> list[MadeAgain]:
        """Each determination that would come out differently."""
        return [_again(info, one) for one in self.source.again]

    @strawberry.field(description="The case.")
    async def case(self, info: strawberry.Info) -> Case | None:
        """The case."""
        found: Case | None = await self.shared.one(info, Case, entity_of(Case).name, self.source.case, self.shared.ids)
        return found


def _again(info: strawberry.Info, one: overpaid.Again) -> MadeAgain:
    return MadeAgain(
        stage=say(info, one.stage),
        decided_on=one.decided_on,
        was=one.was,
        was_payable=Money(one.was_fen),
        now=one.now,
        now_payable=Money(one.now_fen),
        lines=[line_of(info, line) for line in one.lines],
        changes=[
            FactChange(
                title=say(info, change.title),
                was=say(info, change.was),
                now=say(info, change.now),
                known_since=change.known_since,
            )
            for change in one.changes
        ],
        words=say(info, overpaid.said(one)),
    )


@strawberry.type(description="The figures of one township, of the cases that something was paid on.")
class OverpaidFigures:
    """The figures of one township."""

    code: DivisionCode = strawberry.field(description="The township.")
    name: str = strawberry.field(description="Its name.")
    paid: int = strawberry.field(description="Cases that something was paid on.")
    differing: int = strawberry.field(description="Those of them that would come out differently now.")
    refused: int = strawberry.field(description="Those of these that a clause would refuse.")
    untold: int = strawberry.field(description="Those of these of which it cannot be told.")
    too_much: Money = strawberry.field(description="What was paid too much.")
    too_little: Money = strawberry.field(description="What was paid too little.")


# --- pages ----------------------------------------------------------------------------------------------------

TOTAL = f"How many the whole list holds, counted up to {LARGEST_COUNT:,}; one more says that there are more."


@strawberry.type(description="A page of those who are missed.")
class MissedHouseholdConnection:
    """A page of those who are missed."""

    ground: strawberry.Private[Ground]
    area: strawberry.Private[tuple[int, int] | None]
    nodes: list[MissedHousehold] = strawberry.field(description="The households of the page.")
    edges: list[Edge[MissedHousehold]] = strawberry.field(description="The households with their cursors.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")

    @strawberry.field(description=TOTAL)
    async def total_count(self, info: strawberry.Info) -> int:
        """How many the whole list holds."""
        return await total_of(info, missed.count, self.ground, self.area)


@strawberry.type(description="A page of cases whose payment no longer fits.")
class OverpaidCaseConnection:
    """A page of cases whose payment no longer fits."""

    ground: strawberry.Private[Ground]
    area: strawberry.Private[tuple[int, int] | None]
    nodes: list[OverpaidCase] = strawberry.field(description="The cases of the page.")
    edges: list[Edge[OverpaidCase]] = strawberry.field(description="The cases with their cursors.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")

    @strawberry.field(description=TOTAL)
    async def total_count(self, info: strawberry.Info) -> int:
        """How many the whole list holds."""
        return await total_of(info, overpaid.count, self.ground, self.area)


async def total_of(
    info: strawberry.Info, count: Callable[..., Awaitable[int]], ground: Ground, area: tuple[int, int] | None
) -> int:
    """How many a list holds, counted by ``count`` up to the most that is counted."""
    request = request_of(info)
    async with request.session() as session:
        return await count(session, request.who, ground, LARGEST_COUNT, area)


async def paged(
    info: strawberry.Info,
    name: str,
    read: Callable[..., Awaitable[Any]],
    ground: Ground,
    area: tuple[int, int] | None,
    first: int | None,
    after: str | None,
) -> tuple[Any, PageInfo, list[str], Shared]:
    """A page of a list with its cursors; refuses sizes and cursors that cannot be with BAD_USER_INPUT."""
    size = DEFAULT_PAGE if first is None else first
    if not 0 <= size <= LARGEST_PAGE:
        raise bad_input(f"A page holds 0 to {LARGEST_PAGE} objects, not {size}.")
    since = None
    if after is not None:
        division, number = decode_cursor(name, _KEY, after)
        since = (division, number)
    request = request_of(info)
    async with request.session() as session:
        page = await read(session, request.who, ground, size, since, area)
        places = await Places.on(session, request.who.at.today)
    cursors = [encode_cursor(name, one.key) for one in page.found]
    info_ = PageInfo(
        has_next_page=page.more,
        has_previous_page=after is not None,
        start_cursor=cursors[0] if cursors else None,
        # Where a page ended before it was full, the next one goes on where this one stopped looking.
        end_cursor=encode_cursor(name, page.last) if page.more and page.last else cursors[-1] if cursors else None,
    )
    return page, info_, cursors, Shared(places)


async def _missed(
    self: Any, info: strawberry.Info, division: Any = None, first: Any = None, after: Any = None
) -> MissedHouseholdConnection:
    area = area_of(division) if division is not None else None
    page, info_, cursors, shared = await paged(info, "MissedHousehold", missed.page, self.ground, area, first, after)
    nodes = [MissedHousehold(source=one, ground=self.ground, shared=shared) for one in page.found]
    shared.ids = [encode_id(entity_of(Household).name, one.household) for one in page.found]
    persons = [one.whom.person for one in page.found if one.whom.person is not None]
    shared.persons = [encode_id(entity_of(Person).name, one) for one in persons]
    edges = [Edge(cursor=cursor, node=node) for cursor, node in zip(cursors, nodes, strict=True)]
    return MissedHouseholdConnection(ground=self.ground, area=area, nodes=nodes, edges=edges, page_info=info_)


async def _overpaid(
    self: Any, info: strawberry.Info, division: Any = None, first: Any = None, after: Any = None
) -> OverpaidCaseConnection:
    area = area_of(division) if division is not None else None
    page, info_, cursors, shared = await paged(info, "OverpaidCase", overpaid.page, self.ground, area, first, after)
    nodes = [OverpaidCase(source=one, shared=shared) for one in page.found]
    shared.ids = [encode_id(entity_of(Case).name, one.case) for one in page.found]
    edges = [Edge(cursor=cursor, node=node) for cursor, node in zip(cursors, nodes, strict=True)]
    return OverpaidCaseConnection(ground=self.ground, area=area, nodes=nodes, edges=edges, page_info=info_)


async def _missed_figures(self: Any, info: strawberry.Info, division: Any = None) -> list[MissedFigures]:
    request = request_of(info)
    area = area_of(division) if division is not None else None
    async with request.session() as session:
        found = await missed.figures(session, request.who, self.ground, area)
    names = ("name", "households", "applied", "excluded", "taken", "ineligible", "missed", "unclear", "untold")
    return [
        MissedFigures(
            code=DivisionCode(own.code), amount=Money(own.fen), **{name: getattr(own, name) for name in names}
        )
        for own in found
    ]


async def _overpaid_figures(self: Any, info: strawberry.Info, division: Any = None) -> list[OverpaidFigures]:
    request = request_of(info)
    area = area_of(division) if division is not None else None
    async with request.session() as session:
        found = await overpaid.figures(session, request.who, self.ground, area)
    names = ("name", "paid", "differing", "refused", "untold")
    return [
        OverpaidFigures(
            code=DivisionCode(own.code),
            too_much=Money(own.too_much_fen),
            too_little=Money(own.too_little_fen),
            **{name: getattr(own, name) for name in names},
        )
        for own in found
    ]


def _listed(resolve: Any, returns: Any, description: str, *, paged: bool) -> tuple[Any, Any]:
    arguments = {"division": AreaArgument, **({"first": FirstArgument, "after": AfterArgument} if paged else {})}
    resolve.__annotations__ = {"info": strawberry.Info, **arguments, "return": returns}
    return returns, strawberry.field(resolver=resolve, description=description, metadata={ACTION: Action.READ_CASES})


LISTS = {
    "missed": _listed(
        _missed,
        MissedHouseholdConnection,
        "Who could have the award by everything that is known, and has not applied 应享未享; by village and number. "
        "Where circumstances of persons decide, it is for who may read them (`READ_CIRCUMSTANCES`).",
        paged=True,
    ),
    "missed_figures": _listed(
        _missed_figures,
        list[MissedFigures],
        "The figures of those who are missed, by township; for whom `missed` is.",
        paged=False,
    ),
    "overpaid": _listed(
        _overpaid,
        OverpaidCaseConnection,
        "Cases that were paid on something that would come out differently by what is known now 已发待核; it changes "
        "nothing. What is paid every month is not among them: deciding its months again settles it.",
        paged=True,
    ),
    "overpaid_figures": _listed(
        _overpaid_figures, list[OverpaidFigures], "The figures of what was paid, by township.", paged=False
    ),
}
"""The fields of a period that are lists of households decided as they are read: type and field by name."""
