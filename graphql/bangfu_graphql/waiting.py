"""Who holds what now, and what a village may still select: what is worked out of all cases of a period at once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import strawberry

from bangfu import models
from bangfu.access import Action
from bangfu.cases import overview, participants, selecting
from bangfu.cases.ground import Ground
from bangfu.cases.views import Selection
from bangfu.process import Duty
from bangfu.registry.divisions import Places, area_of
from bangfu_graphql.casework import Case
from bangfu_graphql.identifiers import bad_input, decode_cursor, encode_cursor, encode_id
from bangfu_graphql.mapping import ACTION, DEFAULT_PAGE, LARGEST_PAGE, entity_of, page_arguments, signed
from bangfu_graphql.nodes import Connection
from bangfu_graphql.requests import request_of, say
from bangfu_graphql.scalars import DivisionCode


@strawberry.type(description="An officer who holds a case today.")
class Holder:
    """An officer who holds a case today."""

    number: str = strawberry.field(description="The staff number.")
    name: str = strawberry.field(description="The name.")
    duty: Duty = strawberry.field(description="The duty in which it is held.")


@strawberry.type(description="A case that waits, and who holds it 待办.")
class WaitingCase:
    """A case that waits, and who holds it."""

    case_id: strawberry.ID = strawberry.field(description="The id of the case; `node` finds it.")
    household: str = strawberry.field(
        description="The number of the household or, where the programme is for persons, of the person."
    )
    division_code: DivisionCode = strawberry.field(description="The village.")
    village: str = strawberry.field(description="The name of the village.")
    stage_code: str = strawberry.field(description="The stage that it has reached today, by its code.")
    stage_title: str = strawberry.field(description="The stage that it has reached today, in words.")
    since: date = strawberry.field(description="The day of its last step.")
    deadline: date | None = strawberry.field(description="The last day of its stage; null where there is none.")
    overdue: bool = strawberry.field(description="Whether its deadline has passed.")
    paused: bool = strawberry.field(description="Whether it rests 暂停.")
    waits_for: list[Duty] = strawberry.field(description="Who holds it; nobody while a notice stands.")
    officers: list[Holder] = strawberry.field(
        description="The officers who have these duties over the village today; of a cadre, the one who is linked to "
        "the household. Empty where nobody is charged with them.",
        metadata={ACTION: Action.READ_OFFICES},
    )


@strawberry.type(description="The cases that wait in one township.")
class TownshipWaiting:
    """The cases that wait in one township."""

    code: DivisionCode = strawberry.field(description="The township.")
    name: str = strawberry.field(description="Its name.")
    waiting: int = strawberry.field(description="How many cases wait.")
    overdue: int = strawberry.field(description="How many of them are past their deadline.")
    paused: int = strawberry.field(description="How many of them rest.")


@strawberry.type(description="How many households a village may select in a period 名额.")
class VillageQuota:
    """How many households a village may select."""

    code: DivisionCode = strawberry.field(description="The village.")
    name: str = strawberry.field(description="Its name.")
    base: int = strawberry.field(description="The registered households that the quota is a share of, today.")
    quota: int = strawberry.field(description="How many it may select.")
    selected: int = strawberry.field(description="How many it has selected.")


@strawberry.type(
    description="A household that takes part in somebody's case, and whose signature or word the caller has to enter "
    "待答复的参与户."
)
class AskedHousehold:
    """A household that takes part in somebody's case, and whose signature or word the caller has to enter."""

    household: str = strawberry.field(description="The number of the household.")
    division_code: DivisionCode = strawberry.field(description="Its village.")
    village: str = strawberry.field(description="The name of the village.")
    role: str = strawberry.field(description="How it takes part, by the code of the role.")
    title: str = strawberry.field(description="How it takes part, in words.")
    applicant: str = strawberry.field(description="The number of the household whose case it is.")
    signature: bool = strawberry.field(description="Whether its signature is to be entered: `answerForParticipant`.")
    word: bool = strawberry.field(description="Whether the word of its cadre is to be entered: `vouchForParticipant`.")
    deadline: date | None = strawberry.field(description="The last day of the stage; null where there is none.")


def to_answer_field() -> Any:
    """The field of a period that lists what households, and their cadres, are asked for."""

    async def resolve(self: Any, info: strawberry.Info) -> list[AskedHousehold]:
        request = request_of(info)
        async with request.session() as session:
            found = await participants.asked_of(session, request.who, self.ground)
            places = await request.reader.once("places", lambda: Places.on(session, request.who.at.today))
        return [
            AskedHousehold(
                household=one.number,
                division_code=DivisionCode(one.division),
                village=places.named(one.division),
                role=one.role.code,
                title=request.say(one.role.title),
                applicant=one.applicant,
                signature=one.signature,
                word=one.word,
                deadline=one.deadline,
            )
            for one in found
        ]

    return strawberry.field(
        resolver=resolve,
        description="The households that take part in somebody's case and whose signature or word the caller has to "
        "enter, whether or not the case is in sight.",
        metadata={ACTION: Action.WORK_ON_CASES},
    )


_WAITING: dict[str, tuple[Any, str]] = {
    "division": (DivisionCode | None, "In this division."),
    "duty": (Duty | None, "That wait for this duty."),
    "overdue": (bool | None, "That are past their deadline, or are not."),
    "paused": (bool | None, "That rest, or do not."),
}
_ORDER = (models.Case.division, models.Case.number)


def _given(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that are stated. Null is refused but for a page's: a value that got lost must not widen a list."""
    given = {name: value for name, value in arguments.items() if value is not strawberry.UNSET}
    for name, value in given.items():
        if value is None and name not in ("first", "after"):
            raise bad_input(f"`{name}` is null; leave it out to ask for all.")
    return {name: value for name, value in given.items() if value is not None}


async def _waiting(info: strawberry.Info, ground: Ground, arguments: Mapping[str, Any]) -> list[overview.Waiting]:
    """The cases of a period that have not ended and meet the arguments, by village and number."""
    given = _given(arguments)
    request, division = request_of(info), given.get("division")
    selection = Selection(
        areas=None if division is None else [area_of(division)],
        stages=[stage.code for stage in ground.programme.process.stages],
        paused=given.get("paused"),
    )
    key = ("waiting", ground.programme.code, ground.period.key, division, selection.paused)
    async with request.session() as session:
        found: list[overview.Waiting] = await request.reader.once(
            key, lambda: overview.waiting(session, request.who, ground, selection)
        )
    return [
        item
        for item in found
        if given.get("overdue") in (None, item.overdue) and ("duty" not in given or given["duty"] in item.duties)
    ]


def waiting_field() -> Any:
    """The field of a period that pages through the cases that wait."""

    async def resolve(self: Any, info: strawberry.Info, **arguments: Any) -> Any:
        request, given = request_of(info), _given(arguments)
        size = given.get("first", DEFAULT_PAGE)
        if not 0 <= size <= LARGEST_PAGE:
            raise bad_input(f"A page holds 0 to {LARGEST_PAGE} objects, not {size}.")
        start = tuple(decode_cursor("Waiting", _ORDER, given["after"])) if "after" in given else ()
        found = await _waiting(info, self.ground, arguments)
        later = [item for item in found if not start or (item.division, item.number) > start]
        page = later[:size]
        async with request.session() as session:
            places = await request.reader.once("places", lambda: Places.on(session, request.who.at.today))
            held = await overview.holders(session, request.who, page)
        titles = self.ground.programme.process
        nodes = [
            WaitingCase(
                case_id=strawberry.ID(encode_id(entity_of(Case).name, item.case)),
                household=item.number,
                division_code=DivisionCode(item.division),
                village=places.named(item.division),
                stage_code=item.stage,
                stage_title=say(info, titles.title(item.stage)),
                since=item.since,
                deadline=item.deadline,
                overdue=item.overdue,
                paused=item.paused,
                waits_for=[duty for duty in Duty if duty in item.duties],
                officers=[Holder(number=one.number, name=one.name, duty=one.duty) for one in own],
            )
            for item, own in zip(page, held, strict=True)
        ]
        cursors = [encode_cursor("Waiting", (item.division, item.number)) for item in page]
        return {
            "nodes": nodes,
            "edges": [{"cursor": cursor, "node": node} for cursor, node in zip(cursors, nodes, strict=True)],
            "page_info": {
                "has_next_page": len(later) > size,
                "has_previous_page": bool(start),
                "start_cursor": cursors[0] if cursors else None,
                "end_cursor": cursors[-1] if cursors else None,
            },
            "total_count": len(found),
        }

    window = {name: own for name, own in page_arguments().items() if name in ("first", "after")}
    return strawberry.field(
        resolver=signed(resolve, {**_WAITING, **window}, Connection[WaitingCase]),
        description="The cases that have not ended and who holds each today, by village and household number.",
        metadata={ACTION: Action.READ_CASES},
    )


def townships_field() -> Any:
    """The field of a period that counts the cases that wait by township."""

    async def resolve(self: Any, info: strawberry.Info, **arguments: Any) -> Any:
        request = request_of(info)
        found = await _waiting(info, self.ground, arguments)
        async with request.session() as session:
            counted = await overview.by_township(session, request.who, found)
        return [
            TownshipWaiting(
                code=DivisionCode(own.code), name=own.name, waiting=own.waiting, overdue=own.overdue, paused=own.paused
            )
            for own in counted
        ]

    return strawberry.field(
        resolver=signed(resolve, _WAITING, list[TownshipWaiting]),
        description="The cases that have not ended, counted by township.",
        metadata={ACTION: Action.READ_CASES},
    )


def quotas_field() -> Any:
    """The field of a period that shows the quota of each village."""

    async def resolve(self: Any, info: strawberry.Info, **arguments: Any) -> Any:
        request, given = request_of(info), _given(arguments)
        area = area_of(given["division"]) if "division" in given else None
        async with request.session() as session:
            found = await selecting.quotas(session, request.who, self.ground, area)
        return [
            VillageQuota(
                code=DivisionCode(own.village), name=own.name, base=own.base, quota=own.quota, selected=own.selected
            )
            for own in found
        ]

    return strawberry.field(
        resolver=signed(resolve, {"division": (DivisionCode | None, "In this division.")}, list[VillageQuota]),
        description="How many households each village in your areas may select, and how many it has; nothing for who "
        "sees single households alone.",
        metadata={ACTION: Action.READ_CASES},
    )
