"""What is done in programmes of pairings, what they come to, and what waits for whom.

Each field is one transaction; what is refused comes back as problems and has changed nothing, but for answers to
several deliveries, where those that are refused are named and the others go on.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, cast
from uuid import UUID

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Action
from bangfu.cases.views import Stated
from bangfu.errors import Problem
from bangfu.pairings import agreements, figures, ledger, needs, registrations, reviews
from bangfu.pairings.standing import AGREEMENT, Measure, Side, Verdict
from bangfu.programme import PairingProgramme
from bangfu.text import Text
from bangfu_graphql import acting
from bangfu_graphql.acting import ActArgument, ActInput, KeyedPayload, Payload, object_of, says
from bangfu_graphql.helping import Agreement, Delivery, Helper, Need, Obstacle, PlanLine
from bangfu_graphql.identifiers import bad_input, encode_id, known
from bangfu_graphql.mapping import ACTION, entity_of
from bangfu_graphql.problems import problem
from bangfu_graphql.requests import Request, request_of, say
from bangfu_graphql.scalars import DivisionCode, Money, OrganizationKind

ProgrammeArgument = Annotated[str, says("The code of the programme.")]
AgreementArgument = Annotated[strawberry.ID, says("The agreement.")]


# --- what is stated -------------------------------------------------------------------------------------------


@strawberry.input(description="How much of something: of a kind that is measured in money, counted, or both.")
class MeasureInput:
    """How much of something."""

    amount: Money | None = strawberry.field(description="The amount, where it is measured in money.", default=None)
    quantity: int | None = strawberry.field(description="The number, where it is counted.", default=None)

    @property
    def measure(self) -> Measure:
        """It, in fen."""
        return Measure(None if self.amount is None else int(self.amount), self.quantity)


@strawberry.input(description="An organization that wants to help.")
class HelperInput:
    """An organization that wants to help."""

    credit_code: str = strawberry.field(description="Its unified social credit code.")
    name: str = strawberry.field(description="Its name, where the county does not know it yet.", default="")
    kind: OrganizationKind | None = strawberry.field(
        description="What it is, where the county does not know it yet: an enterprise unless stated.", default=None
    )
    division: DivisionCode | None = strawberry.field(
        description="Where it sits, where the county does not know it yet.", default=None
    )
    chamber: str = strawberry.field(description="The chamber of commerce that it belongs to.", default="")


@strawberry.input(description="What an agreement says.")
class AgreementInput:
    """What an agreement says."""

    number: str = strawberry.field(description="Its number.")
    credit_code: str = strawberry.field(description="The credit code of the organization that helps.")
    division: DivisionCode = strawberry.field(description="The village that is helped.")
    since: date = strawberry.field(description="The first day.")
    until: date = strawberry.field(description="The day before which it ends by itself.")
    takes_over: strawberry.ID | None = strawberry.field(
        description="The agreement that it takes over 接力, ended to be relayed.", default=None
    )


@strawberry.input(description="A line of a plan: a measure of the enterprise, or a task of the government.")
class PlanLineInput:
    """A line of a plan."""

    year: int = strawberry.field(description="The year.")
    due_on: date = strawberry.field(description="By when, a day of the year.")
    what: str = strawberry.field(description="What is to be done.")
    path: str | None = strawberry.field(description="The path of a measure.", default=None)
    kind: str | None = strawberry.field(description="The kind of a measure; none of a task.", default=None)
    promised: MeasureInput | None = strawberry.field(description="What a measure promises.", default=None)
    office: str = strawberry.field(description="The office that owns a task.", default="")
    replaces: strawberry.ID | None = strawberry.field(description="The line that it takes the place of.", default=None)


@strawberry.input(description="A delivery, as who delivered it says.")
class DeliveryInput:
    """A delivery."""

    agreement: strawberry.ID = strawberry.field(description="The agreement under which it was delivered.")
    day: date = strawberry.field(description="The day on which it was delivered.")
    path: str = strawberry.field(description="The path, by its code.")
    kind: str = strawberry.field(description="The kind, by its code.")
    what: str = strawberry.field(description="What was delivered; nothing of any household.")
    measure: MeasureInput = strawberry.field(description="How much.")
    receipt: str = strawberry.field(description="The number of the paper that shows it, whole; it counts once.")
    valuation: str = strawberry.field(description="How the value of goods was found.", default="")
    corrects: strawberry.ID | None = strawberry.field(description="The line that it corrects.", default=None)


@strawberry.input(
    description="Which deliveries are answered: exactly one of `ids` and `division`; in a division, those that wait "
    "for the village."
)
class DeliveriesInput:
    """Which deliveries are answered."""

    ids: list[strawberry.ID] | None = strawberry.field(description="These.", default=None)
    division: DivisionCode | None = strawberry.field(
        description="Every one in this division that waits for the village.", default=None
    )
    without: list[strawberry.ID] = strawberry.field(description="But for these.", default_factory=list)


@strawberry.input(description="The version of a delivery that somebody saw when answering.")
class SeenDeliveryInput:
    """The version of a delivery that somebody saw."""

    delivery: strawberry.ID = strawberry.field(description="The delivery.")
    version: int = strawberry.field(description="`Delivery.version` as it was shown.")


@strawberry.input(description="What a yearly review finds of an agreement.")
class ReviewInput:
    """What a yearly review finds."""

    year: int = strawberry.field(description="The year.")
    outcome: reviews.Outcome = strawberry.field(description="How the plan was carried out.")
    finding: str = strawberry.field(description="What was found.")
    nominated: bool = strawberry.field(
        description="Whether the village is put forward as a typical one 典型村.", default=False
    )


@strawberry.input(description="Which part of a programme is meant; what is left out does not count.")
class FiguresInput:
    """Which part of a programme is meant."""

    division: DivisionCode | None = strawberry.field(description="Villages in this division.", default=None)
    credit_code: str | None = strawberry.field(description="The organization with this credit code.", default=None)
    path: str | None = strawberry.field(description="This path.", default=None)
    kind: str | None = strawberry.field(description="This kind.", default=None)
    year: int | None = strawberry.field(description="This year.", default=None)


# --- what comes of it -----------------------------------------------------------------------------------------


@strawberry.type(description="What came of a change to a registration.")
class HelperPayload(KeyedPayload):
    """What came of a change to a registration."""

    helper: Helper | None = object_of(Helper, "The registration as it is now; null if it was refused.")


@strawberry.type(description="What came of a change to a need.")
class NeedPayload(KeyedPayload):
    """What came of a change to a need."""

    need: Need | None = object_of(Need, "The need as it is now; null if it was refused.")


@strawberry.type(description="What came of a change to an agreement.")
class AgreementPayload(KeyedPayload):
    """What came of a change to an agreement."""

    agreement: Agreement | None = object_of(Agreement, "The agreement as it is now; null if it was refused.")


@strawberry.type(description="What came of a change to an obstacle.")
class ObstaclePayload(KeyedPayload):
    """What came of a change to an obstacle."""

    obstacle: Obstacle | None = object_of(Obstacle, "The obstacle as it is now; null if it was refused.")


@strawberry.type(description="What came of naming the persons whom a delivery was for.")
class DeliveryPayload(KeyedPayload):
    """What came of naming the persons whom a delivery was for."""

    delivery: Delivery | None = object_of(Delivery, "The delivery as it is now; null if it was refused.")


@strawberry.type(description="What came of a change to deliveries.")
class DeliveriesPayload(Payload):
    """What came of a change to deliveries."""

    keys: strawberry.Private[Sequence[UUID]]
    done: int = strawberry.field(description="How many were logged or answered.")
    refused: int = strawberry.field(description="How many were refused; the `path` of its problem ends in its id.")

    def has_changed(self) -> bool:
        """Whether any was."""
        return self.done > 0

    @strawberry.field(
        description=f"The deliveries that were logged or answered, as they are now, at most {figures.MOST}.",
        metadata={ACTION: Action.READ_PAIRINGS},
    )
    async def deliveries(self, info: strawberry.Info) -> list[Delivery]:
        """The deliveries."""
        ids = [encode_id(entity_of(Delivery).name, key) for key in self.keys[: figures.MOST]]
        found = await request_of(info).reader.node(info, Delivery, ids)
        return cast(list[Delivery], [found[one] for one in ids if one in found])


# --- what can be asked ----------------------------------------------------------------------------------------


@strawberry.type(description="A way in which help is given 帮扶途径.")
class HelpPath:
    """A way in which help is given."""

    code: str = strawberry.field(description="Its code.")
    title: str = strawberry.field(description="What it is called.")


@strawberry.type(description="Something that can be promised and delivered 帮扶内容.")
class DeliveryKind:
    """Something that can be promised and delivered."""

    code: str = strawberry.field(description="Its code.")
    title: str = strawberry.field(description="What it is called.")
    paths: list[str] = strawberry.field(description="The paths on which it stands, by code.")
    in_money: bool = strawberry.field(description="Whether an amount is stated.")
    counted: str | None = strawberry.field(description="The unit in which it is counted; null where it is not.")
    valued: bool = strawberry.field(description="Whether it is stated how its value was found.")
    names_persons: bool = strawberry.field(description="Whether the village may say which persons it was for.")


@strawberry.type(description="A programme of pairings that is installed.")
class PairingProgrammeInfo:
    """A programme of pairings."""

    code: str = strawberry.field(description="Its code.")
    title: str = strawberry.field(description="What it is called.")
    paths: list[HelpPath] = strawberry.field(description="The ways in which help is given.")
    kinds: list[DeliveryKind] = strawberry.field(description="What can be delivered.")


@strawberry.type(description="What is pledged and delivered by one path in one kind.")
class PairingFigure:
    """What is pledged and delivered by one path in one kind."""

    path: str = strawberry.field(description="The path, by its code.")
    kind: str = strawberry.field(description="The kind, by its code.")
    projects: int = strawberry.field(description="How many projects 帮扶项目 the plans hold: their measures.")
    pledged: Money = strawberry.field(description="What is promised by the plans.")
    pledged_quantity: int = strawberry.field(description="What is promised by the plans, where it is counted.")
    logged: Money = strawberry.field(description="Everything that was logged: the four that follow together.")
    stands: Money = strawberry.field(description="What stands: confirmed, confirmed in part, or ruled.")
    waiting: Money = strawberry.field(description="What waits for the village.")
    disputed: Money = strawberry.field(description="What is before the county.")
    not_accepted: Money = strawberry.field(description="What was not accepted, and is settled.")
    logged_quantity: int = strawberry.field(description="How many were logged, where it is counted.")
    stands_quantity: int = strawberry.field(description="How many stand.")
    lines: int = strawberry.field(description="How many lines there are.")
    agreed: int = strawberry.field(description="Of how many of them both sides, or the county, have said what stands.")


@strawberry.type(description="What a part of a programme comes to. Everybody and everything is counted once.")
class PairingFigures:
    """What a part of a programme comes to."""

    enterprises: int = strawberry.field(description="How many organizations have an agreement.")
    villages: int = strawberry.field(description="How many villages have one.")
    agreements: int = strawberry.field(description="How many agreements were signed.")
    persons: int = strawberry.field(description="How many persons were named by villages; to an enterprise, none.")
    projects: int = strawberry.field(description="How many projects 帮扶项目 the plans hold: their measures.")
    lines: int = strawberry.field(description="How many deliveries count; `deliveries` lists them by the same filter.")
    agreed: int = strawberry.field(description="Of how many of them it is settled what stands 双向确认.")
    stands: Money = strawberry.field(description="What stands of all their amounts.")
    by_kind: list[PairingFigure] = strawberry.field(description="The same by path and kind.")


@strawberry.type(description="Something that waits for somebody to do something.")
class PairingWaiting:
    """Something that waits for somebody to do something."""

    what: figures.Waits = strawberry.field(description="What it is.")
    title: str = strawberry.field(description="What it is, in words.")
    id: strawberry.ID = strawberry.field(description="The object; `node` finds it.")
    division_code: DivisionCode | None = strawberry.field(description="The village; null of a registration.")
    since: datetime = strawberry.field(description="Since when.")


@strawberry.type(description="How much of one kind waits for somebody.")
class PairingWaitingCount:
    """How much of one kind waits for somebody."""

    what: figures.Waits = strawberry.field(description="What it is.")
    title: str = strawberry.field(description="What it is, in words.")
    count: int = strawberry.field(description="How many.")


_TYPES = {
    figures.Waits.REGISTRATION: Helper,
    figures.Waits.SIGNATURE: Agreement,
    figures.Waits.RELAY: Agreement,
    figures.Waits.DELIVERY: Delivery,
    figures.Waits.PART: Delivery,
    figures.Waits.DISPUTE: Delivery,
    figures.Waits.OBSTACLE: Obstacle,
}


def _figure(line: figures.Line) -> PairingFigure:
    return PairingFigure(
        path=line.path,
        kind=line.kind,
        projects=line.projects,
        pledged=Money(line.pledged_fen),
        pledged_quantity=line.pledged_quantity,
        logged=Money(line.logged_fen),
        stands=Money(line.stands_fen),
        waiting=Money(line.waiting_fen),
        disputed=Money(line.disputed_fen),
        not_accepted=Money(line.refused_fen),
        logged_quantity=line.logged_quantity,
        stands_quantity=line.stands_quantity,
        lines=line.lines,
        agreed=line.agreed,
    )


def _info(info: strawberry.Info, own: PairingProgramme) -> PairingProgrammeInfo:
    return PairingProgrammeInfo(
        code=own.code,
        title=say(info, own.title),
        paths=[HelpPath(code=path.code, title=say(info, path.title)) for path in own.paths],
        kinds=[
            DeliveryKind(
                code=kind.code,
                title=say(info, kind.title),
                paths=[path.code for path in own.paths if path.code in kind.paths],
                in_money=kind.money,
                counted=None if kind.counted is None else say(info, kind.counted),
                valued=kind.valued,
                names_persons=kind.names_persons,
            )
            for kind in own.kinds
        ],
    )


@strawberry.type
class PairingQuery:
    """What pairings come to."""

    @strawberry.field(
        description="The programmes of pairings that are installed, with their paths and kinds.",
        metadata={ACTION: Action.READ_PAIRINGS},
    )
    def pairing_programmes(self, info: strawberry.Info) -> list[PairingProgrammeInfo]:
        """The programmes of pairings."""
        return [_info(info, own) for own in request_of(info).plugins.pairings.values()]

    @strawberry.field(
        description="What a part of a programme comes to, of what is in sight: an enterprise counts its own.",
        metadata={ACTION: Action.READ_PAIRINGS},
    )
    async def pairing_figures(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        of: Annotated[FiguresInput | None, says("Which part; all of it unless stated.")] = None,
    ) -> PairingFigures:
        """What a part of a programme comes to."""
        request = request_of(info)
        part = of or FiguresInput()
        which = figures.Which(
            division=part.division, credit_code=part.credit_code, path=part.path, kind=part.kind, year=part.year
        )
        own = known(request.plugins.pairings, programme)
        async with request.session() as session:
            found = await figures.figures(session, request.who, own, which)
        agreed, lines = found.confirmation_rate
        return PairingFigures(
            enterprises=found.enterprises,
            villages=found.villages,
            agreements=found.agreements,
            persons=found.persons,
            projects=found.total("projects"),
            lines=lines,
            agreed=agreed,
            stands=Money(found.total("stands_fen")),
            by_kind=[_figure(line) for line in found.by_kind],
        )

    @strawberry.field(
        description=f"What waits for a side or for the county, of what is in sight, the oldest first, at most "
        f"{figures.MOST}.",
        metadata={ACTION: Action.READ_PAIRINGS},
    )
    async def pairings_waiting(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        party: Annotated[figures.Party, says("For whom.")],
        what: Annotated[list[figures.Waits] | None, says("These kinds; every kind unless stated.")] = None,
        skip: Annotated[int, says("Without so many of the oldest.")] = 0,
    ) -> list[PairingWaiting]:
        """What waits for somebody."""
        request = request_of(info)
        own = known(request.plugins.pairings, programme)
        if skip < 0:
            raise bad_input("`skip` is not less than 0.")
        async with request.session() as session:
            found = await figures.waiting(session, request.who, own, party, what=what, skip=skip)
        return [
            PairingWaiting(
                what=one.what,
                title=say(info, one.what.title_text),
                id=strawberry.ID(encode_id(entity_of(_TYPES[one.what]).name, one.id)),
                division_code=None if one.division is None else DivisionCode(one.division),
                since=one.since,
            )
            for one in found
        ]

    @strawberry.field(
        description="How much of each kind waits for a side or for the county, of what is in sight.",
        metadata={ACTION: Action.READ_PAIRINGS},
    )
    async def pairings_waiting_counts(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        party: Annotated[figures.Party, says("For whom.")],
    ) -> list[PairingWaitingCount]:
        """How much waits for somebody."""
        request = request_of(info)
        own = known(request.plugins.pairings, programme)
        async with request.session() as session:
            found = await figures.waiting_counts(session, request.who, own, party)
        return [
            PairingWaitingCount(what=what, title=say(info, what.title_text), count=count)
            for what, count in found.items()
        ]


# --- what can be done -----------------------------------------------------------------------------------------


def _field(description: str, action: Action) -> Any:
    return strawberry.mutation(description=description, metadata={ACTION: action})


def _key(cls: type, id: strawberry.ID, path: str, what: Text) -> UUID:
    return acting.key_of(cls, id, path, what)


@strawberry.type
class PairingMutation:
    """What is done in programmes of pairings."""

    @_field(
        "Register an organization that wants to help 帮扶企业登记: the federation of industry does, or its own agent.",
        Action.REGISTER_HELPERS,
    )
    async def register_helper(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        input: Annotated[HelperInput, says("Which.")],
        act: ActArgument = None,
    ) -> HelperPayload:
        """Register an organization that wants to help."""

        async def work(request: Request, session: AsyncSession) -> UUID:
            applicant = registrations.Applicant(
                input.credit_code,
                input.name,
                "enterprise" if input.kind is None else input.kind.value,
                input.division,
                input.chamber,
            )
            said = await acting.stated(request, session, act)
            return await registrations.register(
                session, request.who, request.plugins.pairing(programme), applicant, said
            )

        return await acting.keyed(info, HelperPayload, work)

    @_field(
        "Say whether an organization that has registered may help; another person than who registered it does.",
        Action.VERIFY_HELPERS,
    )
    async def verify_helper(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        id: Annotated[strawberry.ID, says("The registration.")],
        passed: Annotated[bool, says("Whether it may; if not, `act` has the reason.")],
        act: ActArgument = None,
    ) -> HelperPayload:
        """Say whether an organization may help."""

        async def work(request: Request, session: AsyncSession) -> UUID:
            key = _key(Helper, id, "id", registrations.WHAT)
            said = await acting.stated(request, session, act)
            own = request.plugins.pairing(programme)
            await registrations.verify(session, request.who, own, key, said, passed=passed)
            return key

        return await acting.keyed(info, HelperPayload, work)

    @_field(
        "Revoke the registration of an organization that was verified, with the reason in `act`; another person than "
        "who verified it does. From then on it sees no needs and signs nothing; its agreements stay until they are "
        "ended.",
        Action.VERIFY_HELPERS,
    )
    async def revoke_helper(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        id: Annotated[strawberry.ID, says("The registration.")],
        act: ActArgument = None,
    ) -> HelperPayload:
        """Revoke the registration of an organization."""

        async def work(request: Request, session: AsyncSession) -> UUID:
            key = _key(Helper, id, "id", registrations.WHAT)
            said = await acting.stated(request, session, act)
            await registrations.revoke(session, request.who, request.plugins.pairing(programme), key, said)
            return key

        return await acting.keyed(info, HelperPayload, work)

    @_field("State what a village needs 帮扶需求, or state it anew in the place of an open need.", Action.STATE_NEEDS)
    async def state_need(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        division: Annotated[DivisionCode, says("The village.")],
        path: Annotated[str, says("The path by which it could be given.")],
        what: Annotated[str, says("What is needed; nothing of any household.")],
        replaces: Annotated[strawberry.ID | None, says("The need that it takes the place of.")] = None,
        act: ActArgument = None,
    ) -> NeedPayload:
        """State what a village needs."""

        async def work(request: Request, session: AsyncSession) -> UUID:
            old = None if replaces is None else _key(Need, replaces, "replaces", needs.WHAT)
            said = await acting.stated(request, session, act)
            own = request.plugins.pairing(programme)
            return await needs.state(session, request.who, own, division, path, what, said, replaces=old)

        return await acting.keyed(info, NeedPayload, work)

    @_field("Close a need that is met, or withdraw it with the reason.", Action.STATE_NEEDS)
    async def close_need(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        id: Annotated[strawberry.ID, says("The need.")],
        met: Annotated[bool, says("Whether it is met; else it is withdrawn.")],
        act: ActArgument = None,
    ) -> NeedPayload:
        """Close a need."""

        async def work(request: Request, session: AsyncSession) -> UUID:
            key = _key(Need, id, "id", needs.WHAT)
            said = await acting.stated(request, session, act)
            as_ = needs.Closed.MET if met else needs.Closed.WITHDRAWN
            await needs.close(session, request.who, request.plugins.pairing(programme), key, as_, said)
            return key

        return await acting.keyed(info, NeedPayload, work)

    @_field(
        "Draw up an agreement 帮扶协议 between an organization that is verified and a village; it holds nothing until "
        "both have signed.",
        Action.KEEP_AGREEMENTS,
    )
    async def propose_agreement(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        input: Annotated[AgreementInput, says("What it says.")],
        act: ActArgument = None,
    ) -> AgreementPayload:
        """Draw up an agreement."""

        async def work(request: Request, session: AsyncSession) -> UUID:
            old = None if input.takes_over is None else _key(Agreement, input.takes_over, "takes_over", AGREEMENT)
            terms = agreements.Terms(
                number=input.number,
                credit_code=input.credit_code,
                division=input.division,
                valid_from=input.since,
                valid_to=input.until,
                takes_over=old,
            )
            said = await acting.stated(request, session, act)
            return await agreements.propose(session, request.who, request.plugins.pairing(programme), terms, said)

        return await acting.keyed(info, AgreementPayload, work)

    @_field(
        "Sign an agreement for one side, with the paper as `act.evidence`; it is in force once both have.",
        Action.KEEP_AGREEMENTS,
    )
    async def sign_agreement(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        id: AgreementArgument,
        side: Annotated[Side, says("For which side.")],
        act: ActArgument = None,
    ) -> AgreementPayload:
        """Sign an agreement."""

        async def work(request: Request, session: AsyncSession, own: PairingProgramme, key: UUID, said: Stated) -> None:
            await agreements.sign(session, request.who, own, key, side, said)

        return await _on_agreement(info, programme, id, act, work)

    @_field(
        "End an agreement before its day, with the reason in `act`; one that is not signed is withdrawn.",
        Action.KEEP_AGREEMENTS,
    )
    async def end_agreement(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        id: AgreementArgument,
        relayed: Annotated[bool, says("Whether another enterprise is to take it over 接力.")] = False,
        act: ActArgument = None,
    ) -> AgreementPayload:
        """End an agreement."""

        async def work(request: Request, session: AsyncSession, own: PairingProgramme, key: UUID, said: Stated) -> None:
            await agreements.end(session, request.who, own, key, said, relayed=relayed)

        return await _on_agreement(info, programme, id, act, work)

    @_field(
        "Add lines to the plan of an agreement 帮扶规划, or put them in the place of earlier ones: all, or none.",
        Action.KEEP_AGREEMENTS,
    )
    async def plan_agreement(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        id: AgreementArgument,
        lines: Annotated[list[PlanLineInput], says("The lines.")],
        act: ActArgument = None,
    ) -> AgreementPayload:
        """Plan what an agreement is for."""
        acting.require_bounded(lines, "lines")

        async def work(request: Request, session: AsyncSession, own: PairingProgramme, key: UUID, said: Stated) -> None:
            what = Text("规划条目", "the line")
            planned = [
                agreements.Planned(
                    year=line.year,
                    due_on=line.due_on,
                    what=line.what,
                    path=line.path,
                    kind=line.kind,
                    promised=Measure() if line.promised is None else line.promised.measure,
                    office=line.office,
                    replaces=None if line.replaces is None else _key(PlanLine, line.replaces, "replaces", what),
                )
                for line in lines
            ]
            await agreements.plan(session, request.who, own, key, planned, said)

        return await _on_agreement(info, programme, id, act, work)

    @_field("Say what stands in the way of an agreement 困难问题.", Action.KEEP_AGREEMENTS)
    async def raise_obstacle(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        id: AgreementArgument,
        what: Annotated[str, says("What it is.")],
        act: ActArgument = None,
    ) -> ObstaclePayload:
        """Raise an obstacle."""

        async def work(request: Request, session: AsyncSession) -> UUID:
            key = _key(Agreement, id, "id", AGREEMENT)
            said = await acting.stated(request, session, act)
            own = request.plugins.pairing(programme)
            return await agreements.raise_obstacle(session, request.who, own, key, what, said)

        return await acting.keyed(info, ObstaclePayload, work)

    @_field("Give an obstacle an owner.", Action.KEEP_AGREEMENTS)
    async def assign_obstacle(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        id: Annotated[strawberry.ID, says("The obstacle.")],
        owner: Annotated[str, says("The staff number of who is to resolve it.")],
    ) -> ObstaclePayload:
        """Give an obstacle an owner."""

        async def work(request: Request, session: AsyncSession) -> UUID:
            key = _key(Obstacle, id, "id", Text("困难问题", "the obstacle"))
            await agreements.assign_obstacle(session, request.who, request.plugins.pairing(programme), key, owner)
            return key

        return await acting.keyed(info, ObstaclePayload, work)

    @_field("Say what was done about an obstacle.", Action.KEEP_AGREEMENTS)
    async def resolve_obstacle(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        id: Annotated[strawberry.ID, says("The obstacle.")],
        outcome: Annotated[str, says("What was done.")],
        act: ActArgument = None,
    ) -> ObstaclePayload:
        """Resolve an obstacle."""

        async def work(request: Request, session: AsyncSession) -> UUID:
            key = _key(Obstacle, id, "id", Text("困难问题", "the obstacle"))
            said = await acting.stated(request, session, act)
            own = request.plugins.pairing(programme)
            await agreements.resolve_obstacle(session, request.who, own, key, outcome, said)
            return key

        return await acting.keyed(info, ObstaclePayload, work)

    @_field(
        "Log deliveries 帮扶投入, all or none of them. A correction is a new line, with the reason in `act`.",
        Action.LOG_DELIVERIES,
    )
    async def log_deliveries(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        lines: Annotated[list[DeliveryInput], says("One for each paper that shows a delivery.")],
        act: ActArgument = None,
    ) -> DeliveriesPayload:
        """Log deliveries."""
        acting.require_bounded(lines, "lines")

        async def work(request: Request, session: AsyncSession) -> DeliveriesPayload:
            said = await acting.stated(request, session, act)
            delivered = [
                ledger.Delivered(
                    agreement=_key(Agreement, line.agreement, "agreement", AGREEMENT),
                    day=line.day,
                    path=line.path,
                    kind=line.kind,
                    what=line.what,
                    measure=line.measure.measure,
                    receipt=line.receipt,
                    valuation=line.valuation,
                    corrects=None if line.corrects is None else _key(Delivery, line.corrects, "corrects", ledger.WHAT),
                )
                for line in lines
            ]
            own = request.plugins.pairing(programme)
            made = await ledger.log(session, request.who, own, delivered, said)
            return DeliveriesPayload(keys=made, done=len(made), refused=0, problems=[])

        return await acting.change(info, work, _none)

    @_field(
        "Confirm what was delivered, confirm a part of it, or dispute it 村确认.",
        Action.CONFIRM_DELIVERIES,
    )
    async def confirm_deliveries(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        deliveries: Annotated[DeliveriesInput, says("Which.")],
        verdict: Annotated[Verdict, says("`CONFIRMED`, `PARTLY` (one delivery, with `accepted`) or `DISPUTED`.")],
        accepted: Annotated[MeasureInput | None, says("What is accepted of one that is confirmed in part.")] = None,
        seen: Annotated[list[SeenDeliveryInput] | None, says("The versions that the answer is made on.")] = None,
        act: ActArgument = None,
    ) -> DeliveriesPayload:
        """Answer for the village."""
        if verdict not in (Verdict.CONFIRMED, Verdict.PARTLY, Verdict.DISPUTED):
            raise bad_input("`verdict` is `CONFIRMED`, `PARTLY` or `DISPUTED`.")
        return await _answer(info, programme, deliveries, verdict, accepted, seen, act)

    @_field("Not accept that something was confirmed in part: the county rules on it.", Action.LOG_DELIVERIES)
    async def contest_deliveries(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        ids: Annotated[list[strawberry.ID], says("Which.")],
        act: ActArgument = None,
    ) -> DeliveriesPayload:
        """Contest confirmations in part."""
        return await _answer(info, programme, DeliveriesInput(ids=ids), Verdict.CONTESTED, None, None, act)

    @_field(
        "Rule what stands of a delivery that is disputed or contested 县裁定. On one that is settled already, another "
        "person than any who answered before rules again, with the paper that shows why.",
        Action.ARBITRATE_DELIVERIES,
    )
    async def rule_delivery(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        id: Annotated[strawberry.ID, says("Which.")],
        stands: Annotated[MeasureInput, says("What stands of it.")],
        act: ActArgument = None,
    ) -> DeliveriesPayload:
        """Rule what stands of a delivery."""
        return await _answer(info, programme, DeliveriesInput(ids=[id]), Verdict.RULED, stands, None, act)

    @_field(
        "Say which persons of the village a delivery of posts or training was for, of which it is settled how many "
        "stand; no enterprise sees who.",
        Action.CONFIRM_DELIVERIES,
    )
    async def match_delivery(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        id: Annotated[strawberry.ID, says("The delivery.")],
        persons: Annotated[list[str], says("The numbers of the persons in the register.")],
        act: ActArgument = None,
    ) -> DeliveryPayload:
        """Say which persons a delivery was for."""
        return await _say_for_whom(info, programme, id, persons, act, ledger.match)

    @_field(
        "Take back that a delivery was for some persons, with the reason in `act`; that it was said stays on record.",
        Action.CONFIRM_DELIVERIES,
    )
    async def unmatch_delivery(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        id: Annotated[strawberry.ID, says("The delivery.")],
        persons: Annotated[list[str], says("The numbers of the persons in the register.")],
        act: ActArgument = None,
    ) -> DeliveryPayload:
        """Take back which persons a delivery was for."""
        return await _say_for_whom(info, programme, id, persons, act, ledger.unmatch)

    @_field(
        "Write down how an agreement was carried out in a year 年度检查; looked at anew, the last review counts.",
        Action.REVIEW_PAIRINGS,
    )
    async def review_agreement(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        id: AgreementArgument,
        input: Annotated[ReviewInput, says("What was found.")],
        act: ActArgument = None,
    ) -> AgreementPayload:
        """Review an agreement."""

        async def work(request: Request, session: AsyncSession, own: PairingProgramme, key: UUID, said: Stated) -> None:
            found = reviews.Finding(
                year=input.year, outcome=input.outcome, finding=input.finding, nominated=input.nominated
            )
            await reviews.review(session, request.who, own, key, found, said)

        return await _on_agreement(info, programme, id, act, work)


def _none(problems: Any) -> DeliveriesPayload:
    return DeliveriesPayload(keys=(), done=0, refused=0, problems=problems)


async def _say_for_whom(
    info: strawberry.Info, programme: str, id: strawberry.ID, persons: list[str], act: ActInput | None, say: Any
) -> DeliveryPayload:
    """Say, or take back, which persons a delivery was for."""
    acting.require_bounded(persons, "persons")

    async def work(request: Request, session: AsyncSession) -> UUID:
        key = _key(Delivery, id, "id", ledger.WHAT)
        said = await acting.stated(request, session, act)
        await say(session, request.who, request.plugins.pairing(programme), key, persons, said)
        return key

    return await acting.keyed(info, DeliveryPayload, work)


async def _on_agreement(
    info: strawberry.Info, programme: str, id: strawberry.ID, act: ActInput | None, work: Any
) -> AgreementPayload:
    async def carried_out(request: Request, session: AsyncSession) -> UUID:
        key = _key(Agreement, id, "id", AGREEMENT)
        said = await acting.stated(request, session, act)
        await work(request, session, request.plugins.pairing(programme), key, said)
        return key

    return await acting.keyed(info, AgreementPayload, carried_out)


async def _answer(
    info: strawberry.Info,
    programme: str,
    deliveries: DeliveriesInput,
    verdict: Verdict,
    accepted: MeasureInput | None,
    seen: list[SeenDeliveryInput] | None,
    act: ActInput | None,
) -> DeliveriesPayload:
    """An answer to some deliveries; one that is refused for all of them keeps nothing, its key neither."""
    if (deliveries.ids is None) is (deliveries.division is None):
        raise bad_input("State exactly one of `deliveries.ids` and `deliveries.division`.")
    acting.require_bounded(deliveries.ids, "deliveries.ids")
    acting.require_bounded(deliveries.without, "deliveries.without")
    acting.require_bounded(seen, "seen")

    async def work(request: Request, session: AsyncSession) -> DeliveriesPayload:
        said = await acting.stated(request, session, act)
        versions = {str(_key(Delivery, one.delivery, "seen", ledger.WHAT)): one.version for one in seen or ()}
        said = Stated(said.day, said.duty, said.reason, said.evidence, said.signatory, versions)
        named = deliveries.ids
        ids = None if named is None else [_key(Delivery, one, "deliveries", ledger.WHAT) for one in named]
        without = [_key(Delivery, one, "without", ledger.WHAT) for one in deliveries.without]
        chosen = ledger.Chosen(ids, deliveries.division, without)
        measure = Measure() if accepted is None else accepted.measure
        own = request.plugins.pairing(programme)
        report = await ledger.answer(session, request.who, own, chosen, verdict, said, measure)
        request.refused = bool(report.refused) and not report.done
        name = entity_of(Delivery).name
        return DeliveriesPayload(
            keys=report.done,
            done=len(report.done),
            refused=len(report.refused),
            problems=[
                problem(Problem(one.code, ("deliveries", encode_id(name, key)), one.values), request.language)
                for key, one in report.refused
            ],
        )

    return await acting.change(info, work, _none)
