"""What is done in programmes of handing out, what was bought for them, and what it all comes to. Each field is one
transaction; what is refused comes back as problems and has changed nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from typing import Annotated, Any, cast
from uuid import UUID

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession
from strawberry.file_uploads import Upload

from bangfu.access import Action
from bangfu.cases.views import Stated
from bangfu.handouts import figures, ledger, sheets, stock
from bangfu.handouts.stock import Measure
from bangfu.programme import Beneficiary, HandoutProgramme
from bangfu.registry.importing import put as put_import
from bangfu_graphql import acting
from bangfu_graphql.acting import (
    ActArgument,
    ActInput,
    DivisionArgument,
    JobPayload,
    KeyedPayload,
    Payload,
    ProgrammeArgument,
    object_of,
    says,
)
from bangfu_graphql.federation import Handout, HandoutBatch
from bangfu_graphql.identifiers import encode_id, known
from bangfu_graphql.mapping import ACTION, entity_of
from bangfu_graphql.requests import Request, request_of, say
from bangfu_graphql.scalars import Money, described

MOST = 100
"""How many of the lines that were changed an answer shows."""
described(Beneficiary, "HandoutBeneficiary", "Whom something is for.")
_LinesArgument = Annotated[list[strawberry.ID], says("The lines.")]


# --- what is stated -------------------------------------------------------------------------------------------


@strawberry.input(description="Something that a household or a person needs.")
class HandoutInput:
    """Something that is needed."""

    number: str = strawberry.field(
        description="The number of the household in the register or, of a kind that is for persons, of the person."
    )
    kind: str = strawberry.field(description="The kind, by its code.")
    item: str = strawberry.field(description="What it is.")
    quantity: int | None = strawberry.field(description="How many, where it is counted.", default=None)
    value: Money | None = strawberry.field(description="The value, where it is measured in money.", default=None)
    corrects: strawberry.ID | None = strawberry.field(description="The line that it corrects.", default=None)


@strawberry.input(description="Something that was bought to be handed out.")
class HandoutBatchInput:
    """Something that was bought."""

    kind: str = strawberry.field(description="The kind, by its code.")
    item: str = strawberry.field(description="What it is.")
    voucher: str = strawberry.field(description="The number of its voucher, whole.")
    quantity: int | None = strawberry.field(description="How many, where it is counted.", default=None)
    value: Money | None = strawberry.field(description="What it cost.", default=None)
    corrects: strawberry.ID | None = strawberry.field(
        description="The batch that it corrects, of which nothing is out.", default=None
    )


@strawberry.input(description="That somebody has signed for a line.")
class HandoutSignatureInput:
    """That somebody has signed for a line."""

    line: strawberry.ID = strawberry.field(description="The line.")
    receiver: str = strawberry.field(description="Who signed; nobody, where who was to come did not.", default="")
    day: date = strawberry.field(description="The day of the signature.")
    signature: str = strawberry.field(description="What shows it, such as the sheet and its page.")
    voucher: str = strawberry.field(description="The voucher of the batch that it came out of.", default="")
    attended: bool | None = strawberry.field(
        description="Of a seat in a training, whether somebody came.", default=None
    )


@strawberry.input(description="A list of signatures as a workbook.")
class SignaturesInput:
    """A list of signatures as a workbook."""

    programme: str = strawberry.field(description="The code of the programme.")
    file: Upload = strawberry.field(description="The workbook (XLSX or CSV): the sheet for signing, or a list like it.")
    dry_run: bool = strawberry.field(description="Only say what would change, and what is wrong.", default=False)
    accept_valid: bool = strawberry.field(
        description="Take the good rows although others have problems.", default=False
    )


# --- what comes of it -----------------------------------------------------------------------------------------


@strawberry.type(description="What came of a change to lines of what is handed out.")
class HandoutsPayload(Payload):
    """What came of a change to lines."""

    keys: strawberry.Private[Sequence[UUID]]
    done: int = strawberry.field(description="How many lines were changed.")

    def has_changed(self) -> bool:
        """Whether any was."""
        return self.done > 0

    @strawberry.field(
        description=f"The lines as they are now, at most {MOST}.", metadata={ACTION: Action.READ_HANDOUTS}
    )
    async def handouts(self, info: strawberry.Info) -> list[Handout]:
        """The lines."""
        ids = [encode_id(entity_of(Handout).name, key) for key in self.keys[:MOST]]
        found = await request_of(info).reader.node(info, Handout, ids)
        return cast(list[Handout], [found[one] for one in ids if one in found])


@strawberry.type(description="What came of entering what was bought.")
class HandoutBatchPayload(KeyedPayload):
    """What came of entering what was bought."""

    batch: HandoutBatch | None = object_of(HandoutBatch, "The batch; null if it was refused.")


# --- what can be asked ----------------------------------------------------------------------------------------


@strawberry.type(description="Something that is handed out 发放内容.")
class HandoutKind:
    """Something that is handed out."""

    code: str = strawberry.field(description="Its code.")
    title: str = strawberry.field(description="What it is called.")
    beneficiary: Beneficiary = strawberry.field(description="Whom it is for.")
    in_money: bool = strawberry.field(description="Whether a value is stated.")
    counted: str | None = strawberry.field(description="The unit in which it is counted; null where it is not.")
    stocked: bool = strawberry.field(description="Whether it comes out of a batch.")
    attendance: bool = strawberry.field(description="Whether it is said if somebody came.")


@strawberry.type(description="A programme of handing out that is installed.")
class HandoutProgrammeInfo:
    """A programme of handing out."""

    code: str = strawberry.field(description="Its code.")
    title: str = strawberry.field(description="What it is called.")
    kinds: list[HandoutKind] = strawberry.field(description="What is handed out.")


@strawberry.type(description="What a kind comes to. Households and persons are counted once.")
class HandoutFigure:
    """What a kind comes to."""

    kind: str = strawberry.field(description="The kind, by its code.")
    waiting: int = strawberry.field(description="How many lines wait to be listed.")
    listed: int = strawberry.field(description="How many are listed, with those that were handed over.")
    handed_over: int = strawberry.field(description="For how many of them somebody has signed.")
    followed_up: int = strawberry.field(description="How many of these were followed up.")
    absent: int = strawberry.field(description="To how many seats nobody came.")
    quantity: int = strawberry.field(description="How many pieces were received, where it is counted.")
    value: Money = strawberry.field(description="What was received, where it is measured in money.")
    households: int = strawberry.field(description="How many households have received.")
    persons: int = strawberry.field(description="How many persons have received, where it is for persons.")


@strawberry.type(description="What is left of a batch, and what the lines in sight say came out of it.")
class HandoutBalance:
    """What is left of a batch."""

    kind: str = strawberry.field(description="The kind, by its code.")
    item: str = strawberry.field(description="What it is.")
    voucher: str = strawberry.field(description="The number of its voucher.")
    quantity: int | None = strawberry.field(description="How many there were, where it is counted.")
    value: Money | None = strawberry.field(description="What it cost.")
    left_quantity: int | None = strawberry.field(description="How many are left.")
    left_value: Money | None = strawberry.field(description="What is left, where it is measured in money.")
    handed_quantity: int = strawberry.field(description="How many the lines in sight say came out of it.")
    handed_value: Money = strawberry.field(description="What the lines in sight say came out of it.")
    differs: bool | None = strawberry.field(
        description="Whether batch and lines say otherwise, which nothing repairs; null to who does not see every line."
    )


@strawberry.type(description="What is handed out comes to. Every total is that of its lines.")
class HandoutFigures:
    """What is handed out comes to."""

    by_kind: list[HandoutFigure] = strawberry.field(description="By kind; `handouts` lists the lines.")
    balances: list[HandoutBalance] = strawberry.field(description="What is left of every batch that stands.")


def _money(fen: int | None) -> Money | None:
    return None if fen is None else Money(fen)


def _info(info: strawberry.Info, own: HandoutProgramme) -> HandoutProgrammeInfo:
    return HandoutProgrammeInfo(
        code=own.code,
        title=say(info, own.title),
        kinds=[
            HandoutKind(
                code=kind.code,
                title=say(info, kind.title),
                beneficiary=kind.beneficiary,
                in_money=kind.money,
                counted=None if kind.counted is None else say(info, kind.counted),
                stocked=kind.stocked,
                attendance=kind.attendance,
            )
            for kind in own.kinds
        ],
    )


def _figure(line: figures.KindLine) -> HandoutFigure:
    return HandoutFigure(
        kind=line.kind,
        waiting=line.waiting,
        listed=line.listed,
        handed_over=line.handed_over,
        followed_up=line.followed_up,
        absent=line.absent,
        quantity=line.quantity,
        value=Money(line.fen),
        households=line.households,
        persons=line.persons,
    )


def _balance(own: HandoutProgramme, line: figures.BatchLine) -> HandoutBalance:
    kind = own.kind(line.kind)
    in_money = kind is not None and kind.money
    return HandoutBalance(
        kind=line.kind,
        item=line.item,
        voucher=line.voucher,
        quantity=line.bought.quantity,
        value=_money(line.bought.fen),
        left_quantity=line.left.quantity,
        left_value=_money(line.left.fen) if in_money else None,
        handed_quantity=line.handed_over.quantity or 0,
        handed_value=Money(line.handed_over.fen or 0),
        differs=line.differs,
    )


@strawberry.type
class HandoutQuery:
    """What is handed out comes to."""

    @strawberry.field(
        description="The programmes of handing out that are installed, with what is handed out.",
        metadata={ACTION: Action.READ_HANDOUTS},
    )
    def handout_programmes(self, info: strawberry.Info) -> list[HandoutProgrammeInfo]:
        """The programmes of handing out."""
        return [_info(info, own) for own in request_of(info).plugins.handouts.values()]

    @strawberry.field(
        description="What is handed out comes to, of the lines in sight; of a year, what was listed for it.",
        metadata={ACTION: Action.READ_HANDOUTS},
    )
    async def handout_figures(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        year: Annotated[int | None, says("Only this year; every one unless stated.")] = None,
        division: DivisionArgument = None,
    ) -> HandoutFigures:
        """What is handed out comes to."""
        request = request_of(info)
        own = known(request.plugins.handouts, programme)
        async with request.session() as session:
            lines = await figures.by_kind(session, request.who, own, year, division)
            stood = await figures.batches(session, request.who, own)
        return HandoutFigures(
            by_kind=[_figure(line) for line in lines], balances=[_balance(own, line) for line in stood]
        )


# --- what can be done -----------------------------------------------------------------------------------------


def _field(description: str, action: Action = Action.KEEP_HANDOUTS) -> Any:
    return strawberry.mutation(description=description, metadata={ACTION: action})


def _line(id: strawberry.ID, path: str = "lines") -> UUID:
    return acting.key_of(Handout, id, path, ledger.WHAT)


async def _on_lines(
    info: strawberry.Info,
    programme: str,
    act: ActInput | None,
    work: Callable[[Request, AsyncSession, HandoutProgramme, Stated], Awaitable[tuple[Sequence[UUID], int]]],
) -> HandoutsPayload:
    """A change to some lines; ``work`` answers with them, and how many were changed."""

    async def carried_out(request: Request, session: AsyncSession) -> HandoutsPayload:
        said = await acting.stated(request, session, act)
        keys, done = await work(request, session, request.plugins.handout(programme), said)
        return HandoutsPayload(keys=keys, done=done, problems=[])

    return await acting.change(info, carried_out, lambda problems: HandoutsPayload(keys=(), done=0, problems=problems))


@strawberry.type
class HandoutMutation:
    """What is done in programmes of handing out."""

    @_field(
        "State what households or persons need 登记需求, all or none of it. A correction is a new line, with the "
        "reason in `act`, and has to be listed and handed over anew."
    )
    async def state_handouts(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        lines: Annotated[list[HandoutInput], says("One for each thing that somebody needs.")],
        act: ActArgument = None,
    ) -> HandoutsPayload:
        """State what is needed."""
        acting.require_bounded(lines, "lines")

        async def work(
            request: Request, session: AsyncSession, own: HandoutProgramme, said: Stated
        ) -> tuple[Sequence[UUID], int]:
            needs = [
                ledger.Need(
                    number=line.number,
                    kind=line.kind,
                    item=line.item,
                    measure=Measure(line.quantity, None if line.value is None else int(line.value)),
                    corrects=None if line.corrects is None else _line(line.corrects, "corrects"),
                )
                for line in lines
            ]
            made = await ledger.ask(session, request.who, own, needs, said)
            return made, len(made)

        return await _on_lines(info, programme, act, work)

    @_field(
        "List lines for the year of the day 列入名单, all or none of them, within the limits of the plan and the "
        "county.",
        Action.LIST_HANDOUTS,
    )
    async def list_handouts(
        self, info: strawberry.Info, programme: ProgrammeArgument, lines: _LinesArgument, act: ActArgument = None
    ) -> HandoutsPayload:
        """List lines."""
        acting.require_bounded(lines, "lines")

        async def work(
            request: Request, session: AsyncSession, own: HandoutProgramme, said: Stated
        ) -> tuple[Sequence[UUID], int]:
            keys = [_line(one) for one in lines]
            await ledger.list_(session, request.who, own, keys, said)
            return keys, len(keys)

        return await _on_lines(info, programme, act, work)

    @_field("Enter what was bought to be handed out 采购入库, by its voucher.", Action.LIST_HANDOUTS)
    async def supply_handouts(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        input: Annotated[HandoutBatchInput, says("What was bought.")],
        act: ActArgument = None,
    ) -> HandoutBatchPayload:
        """Enter what was bought."""

        async def work(request: Request, session: AsyncSession) -> UUID:
            said = await acting.stated(request, session, act)
            corrects = input.corrects
            bought = stock.Bought(
                kind=input.kind,
                item=input.item,
                voucher=input.voucher,
                measure=Measure(input.quantity, None if input.value is None else int(input.value)),
                corrects=None if corrects is None else acting.key_of(HandoutBatch, corrects, "corrects", stock.WHAT),
            )
            return await stock.supply(session, request.who, request.plugins.handout(programme), bought, said)

        return await acting.keyed(info, HandoutBatchPayload, work)

    @_field(
        "Write down that lines were handed over against signatures 发放签收, all or none of them. The same signature "
        "again changes nothing."
    )
    async def hand_over(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        signatures: Annotated[list[HandoutSignatureInput], says("One for each line.")],
        act: ActArgument = None,
    ) -> HandoutsPayload:
        """Hand over against signatures."""
        acting.require_bounded(signatures, "signatures")

        async def work(
            request: Request, session: AsyncSession, own: HandoutProgramme, said: Stated
        ) -> tuple[Sequence[UUID], int]:
            signed = [
                ledger.Signed(
                    line=_line(one.line),
                    receiver=one.receiver,
                    day=one.day,
                    signature=one.signature,
                    voucher=one.voucher,
                    attended=one.attended,
                )
                for one in signatures
            ]
            done = await ledger.hand_over(session, request.who, own, signed, said)
            return [one.line for one in signed], done

        return await _on_lines(info, programme, act, work)

    @_field("Say what was seen afterwards of what was handed over 回访.")
    async def follow_up_handout(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        id: Annotated[strawberry.ID, says("The line.")],
        outcome: Annotated[str, says("What was seen.")],
        act: ActArgument = None,
    ) -> HandoutsPayload:
        """Say what was seen afterwards."""

        async def work(
            request: Request, session: AsyncSession, own: HandoutProgramme, said: Stated
        ) -> tuple[Sequence[UUID], int]:
            key = _line(id, "id")
            await ledger.follow_up(session, request.who, own, key, outcome, said)
            return [key], 1

        return await _on_lines(info, programme, act, work)

    @_field(
        "Withdraw lines in whose place nothing comes 撤销, all or none of them, with the reason in `act`; what was "
        "handed over goes back into its batch."
    )
    async def withdraw_handouts(
        self, info: strawberry.Info, programme: ProgrammeArgument, lines: _LinesArgument, act: ActArgument = None
    ) -> HandoutsPayload:
        """Withdraw lines."""
        acting.require_bounded(lines, "lines")

        async def work(
            request: Request, session: AsyncSession, own: HandoutProgramme, said: Stated
        ) -> tuple[Sequence[UUID], int]:
            keys = [_line(one) for one in lines]
            await ledger.take_back(session, request.who, own, keys, said)
            return keys, len(keys)

        return await _on_lines(info, programme, act, work)

    @_field(
        "The sheet for signing 签收表 of what is listed of a kind, as a workbook, as a job. It names persons.",
        Action.EXPORT_HANDOUTS,
    )
    async def export_signature_sheet(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        kind: Annotated[str, says("The kind, by its code.")],
        division: DivisionArgument = None,
    ) -> JobPayload:
        """Export the sheet for signing."""

        async def work(request: Request, session: AsyncSession) -> UUID:
            return await sheets.put(session, request.who, request.plugins.handout(programme), kind, division)

        return await acting.keyed(info, JobPayload, work)

    @_field(
        "Import a list of signatures 签收名单 as a job (multipart request). The same file again changes nothing; "
        "problems come back in the workbook."
    )
    async def import_signatures(
        self, info: strawberry.Info, input: Annotated[SignaturesInput, says("The list.")]
    ) -> JobPayload:
        """Import a list of signatures."""
        name, data = await acting.uploaded(input.file)

        async def work(request: Request, session: AsyncSession) -> UUID:
            importer = sheets.SignatureImporter(request.plugins.handout(input.programme))
            return await put_import(
                session,
                request.vault,
                request.who,
                importer,
                name or "signatures.xlsx",
                data,
                request.database.settings.largest_file,
                dry_run=input.dry_run,
                accept_valid=input.accept_valid,
            )

        return await acting.keyed(info, JobPayload, work)
