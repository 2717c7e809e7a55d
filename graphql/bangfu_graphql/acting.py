"""What is stated of an act, what comes of it, and how a change is carried out: the grammar of every mutation.

A refusal is data: a payload's problems say what was refused and why, and the request is rolled back. In an act on many,
the households that are refused are named and the others go on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from typing import Annotated, Any, TypeVar, cast
from uuid import UUID

import strawberry
from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import UploadFile

from bangfu import models
from bangfu.access import Action, actor
from bangfu.cases import ground as grounds
from bangfu.cases.acts import Report
from bangfu.cases.ground import Ground
from bangfu.cases.views import Selection, Stated
from bangfu.db.bulk import among
from bangfu.errors import Code, Refused
from bangfu.process import Accept, Duty, Notice, Process, Stage
from bangfu.programme import Programme as CoreProgramme
from bangfu.registry.divisions import area_of
from bangfu.text import Text
from bangfu_graphql.casework import Case, NoticeEvidence, PublicObjection, Sample
from bangfu_graphql.identifiers import bad_input, decode_id
from bangfu_graphql.mapping import ACTION, entity_of, page_arguments, signed
from bangfu_graphql.money import Award, BankTemplate, BudgetLine, PaymentBatch, PaymentLine
from bangfu_graphql.nodes import Connection
from bangfu_graphql.people import Account
from bangfu_graphql.previews import ProvisionPreview
from bangfu_graphql.problems import Problem, problem
from bangfu_graphql.programmes import ProgrammePeriod, types_of
from bangfu_graphql.requests import Request, request_of
from bangfu_graphql.scalars import DivisionCode, Money
from bangfu_graphql.work import Job, PolicyRule, Provision

P = TypeVar("P")
K = TypeVar("K", bound="KeyedPayload")
MOST = 2_000
"""The most items of a list in one request; more are named by area, or come as a workbook."""


# --- what is stated -------------------------------------------------------------------------------------------


@strawberry.input(description="The version of a household's case that somebody saw when deciding.")
class SeenInput:
    """The version of a case that somebody saw."""

    household: str = strawberry.field(
        description="The number of the household or, where the programme is for persons, of the person."
    )
    version: int = strawberry.field(description="`Case.version` as it was shown.")


@strawberry.input(description="What is said of an act besides what it is.")
class ActInput:
    """What is said of an act."""

    day: date | None = strawberry.field(
        description="The day it happened; today unless stated. An earlier day needs `evidence`.", default=None
    )
    duty: Duty | None = strawberry.field(description="The duty acted in, where who acts holds several.", default=None)
    reason: str = strawberry.field(description="Why it is late, or corrected.", default="")
    evidence: str = strawberry.field(description="The paper that shows it.", default="")
    by: str | None = strawberry.field(
        description="The staff number of who did it, where somebody else types it in; that needs `evidence`.",
        default=None,
    )
    seen: list[SeenInput] = strawberry.field(
        description="The versions that the decision was made on; where a case has another by now, it is refused with "
        "`CONFLICT`.",
        default_factory=list,
    )


@strawberry.input(
    description="Which cases an act is for: exactly one of `households`, `persons`, `divisions` and `everything`. Of "
    "the last two, only cases that are at the act's own stages are meant; who is named gets a problem if his is not."
)
class CasesInput:
    """Which cases an act is for."""

    households: list[str] | None = strawberry.field(description="Of these households, by number.", default=None)
    persons: list[str] | None = strawberry.field(
        description="Of these persons, by number, where the programme is for persons.", default=None
    )
    divisions: list[DivisionCode] | None = strawberry.field(description="Of these divisions.", default=None)
    everything: bool = strawberry.field(description="Every case in sight.", default=False)
    without: list[str] = strawberry.field(
        description="But for these households or, where the programme is for persons, these persons.",
        default_factory=list,
    )

    @property
    def numbers(self) -> list[str] | None:
        """The households or the persons that are named, if any are."""
        return self.households if self.households is not None else self.persons


@strawberry.input(description="A rule book that a county's document moves it to 采用规则版本.")
class BookMoveInput:
    """A rule book that a county's document moves it to."""

    book: date = strawberry.field(description="Which book: the day from which it is known.")
    since: date = strawberry.field(description="From which day the county decides by it.")
    clause: str = strawberry.field(description="The clause of the county's document.")


@strawberry.input(description="Which column a header of the workbook means; it is remembered for the county.")
class HeaderInput:
    """Which column a header means."""

    header: str = strawberry.field(description="The header as it stands in the workbook.")
    column: str = strawberry.field(description="The column, by its field name.")


def require_bounded(items: Sequence[Any] | None, name: str) -> None:
    """Refuse a list that is too long for one request."""
    if items is not None and len(items) > MOST:
        raise bad_input(f"`{name}` holds {len(items):,} items; at most {MOST:,} go in one request.")


def _selection(given: CasesInput, stages: Sequence[str]) -> Selection:
    """The selection that is meant; nothing is never everything.

    Who names households or persons hears of each; of divisions and of everything, only cases at the act's own stages
    are meant.
    """
    named = [
        given.households is not None, given.persons is not None, given.divisions is not None, given.everything,
    ]  # fmt: skip
    if sum(named) != 1:
        raise bad_input(
            "State exactly one of `cases.households`, `cases.persons`, `cases.divisions` and `cases.everything`."
        )
    for name in ("households", "persons", "divisions", "without"):
        require_bounded(getattr(given, name), f"cases.{name}")
    areas = [area_of(code) for code in given.divisions] if given.divisions is not None else None
    own = None if given.numbers is not None else stages
    return Selection(numbers=given.numbers, areas=areas, without=given.without, stages=own)


async def stated(request: Request, session: AsyncSession, act: ActInput | None) -> Stated:
    """What is said of an act, with who did it."""
    if act is None:
        return Stated()
    require_bounded(act.seen, "act.seen")
    by = await actor(session, request.who.county, act.by) if act.by is not None else None
    seen = {one.household: one.version for one in act.seen}
    return Stated(act.day, act.duty, act.reason, act.evidence, by, seen)


async def uploaded(file: object) -> tuple[str, bytes]:
    """The name of the file of a request, which may be empty, and its content."""
    if not isinstance(file, UploadFile):
        raise bad_input("`input.file` is a file of a multipart request; see docs/api.")
    return file.filename or "", await file.read()


def key_of(cls: type, id: strawberry.ID, path: str, what: Text) -> UUID:
    """The key in an id; one that is malformed or of something else is not found."""
    key: UUID | None = decode_id(entity_of(cls), id)
    if key is None:
        raise Code.NOT_FOUND.refuse(path, what=what)
    return key


# --- what comes of it -----------------------------------------------------------------------------------------


@strawberry.interface(description="What came of a change.")
class Payload:
    """What came of a change."""

    problems: list[Problem] = strawberry.field(
        description="What was refused, and why; empty if nothing was. What is named here has changed nothing."
    )

    @strawberry.field(
        description="Whether anything was changed. If not, nothing of the request is kept, its key neither; "
        "beside problems, it says that the rest was done."
    )
    def changed(self) -> bool:
        """Whether anything was changed."""
        return self.has_changed()

    def has_changed(self) -> bool:
        """Whether anything was changed."""
        raise NotImplementedError


@strawberry.type
class KeyedPayload(Payload):
    """What came of a change to one object, which its key names; None if it was refused."""

    key: strawberry.Private[UUID | None]

    def has_changed(self) -> bool:
        """Whether it was not refused."""
        return self.key is not None


def _changed_cases() -> Any:
    async def resolve(self: CasesPayload, info: strawberry.Info, **arguments: Any) -> Any:
        return await request_of(info).reader.list(info, Case, arguments, self.conditions(request_of(info)))

    return strawberry.field(
        resolver=signed(resolve, page_arguments(), Connection[Case]),
        description="The cases that were changed, as they are now.",
        metadata={ACTION: Action.READ_CASES},
    )


def _conflicting_cases() -> Any:
    async def resolve(self: CasesPayload, info: strawberry.Info, **arguments: Any) -> Any:
        request = request_of(info)
        return await request.reader.list(info, Case, arguments, self.conditions(request, self.overtaken))

    return strawberry.field(
        resolver=signed(resolve, page_arguments(), Connection[Case]),
        description="The cases that somebody else was faster with (`CONFLICT`), as they are now.",
        metadata={ACTION: Action.READ_CASES},
    )


@strawberry.type(description="What came of an act on cases.")
class CasesPayload(Payload):
    """What came of an act on cases."""

    programme: strawberry.Private[str]
    period: strawberry.Private[str]
    households: strawberry.Private[Sequence[str]]
    overtaken: strawberry.Private[Sequence[str]]
    done: int = strawberry.field(description="For how many households it was done.")
    unchanged: int = strawberry.field(description="For how many it had been done already, or nothing had changed.")
    refused: int = strawberry.field(description="For how many it was refused; `problems` names each.")
    cases: Connection[Case] = _changed_cases()
    conflicts: Connection[Case] = _conflicting_cases()

    def has_changed(self) -> bool:
        """Whether it was done for any household."""
        return self.done > 0

    def conditions(self, request: Request, numbers: Sequence[str] | None = None) -> list[ColumnElement[bool]]:
        """The cases of some beneficiaries, of those for which it was done unless stated."""
        return [
            models.Case.programme == self.programme,
            models.Case.period == self.period,
            among(models.Case.number, self.households if numbers is None else numbers),
        ]


@strawberry.type(description="What came of writing down what somebody said of a household that takes part in a case.")
class ParticipantPayload(Payload):
    """What came of writing down what somebody said of a household that takes part in a case."""

    of: strawberry.Private[tuple[str, str, str]]
    """The programme, the period and the number of the household whose case it is."""
    done: bool = strawberry.field(description="Whether it was done.")

    def has_changed(self) -> bool:
        """Whether it was done."""
        return self.done

    @strawberry.field(
        description="The case as it is now; null if it was refused.", metadata={ACTION: Action.READ_CASES}
    )
    async def case(self, info: strawberry.Info) -> Case | None:
        """The case."""
        if not self.done:
            return None
        programme, period, number = self.of
        conditions = (
            models.Case.programme == programme,
            models.Case.period == period,
            models.Case.number == number,
        )
        return cast(Case | None, await request_of(info).reader.one(info, Case, and_(*conditions)))


@strawberry.type(description="What came of putting something in the queue.")
class JobPayload(KeyedPayload):
    """What came of putting something in the queue."""

    @strawberry.field(description="The job; `jobProgress` follows it. Null if it was refused.")
    async def job(self, info: strawberry.Info) -> Job | None:
        """The job."""
        return await found(info, Job, models.Job.id, self.key)


@strawberry.type(description="What came of a step of a batch of payments.")
class BatchPayload(KeyedPayload):
    """What came of a step of a batch of payments."""

    @strawberry.field(description="The batch as it is now; null if it was refused.")
    async def batch(self, info: strawberry.Info) -> PaymentBatch | None:
        """The batch."""
        return await found(info, PaymentBatch, models.PaymentBatch.id, self.key)


@strawberry.type(description="What came of gathering payments.")
class GatheredPayload(BatchPayload):
    """What came of gathering payments."""

    listed: strawberry.Private[bool] = False
    waiting: int = strawberry.field(description="How many wait for money of the line; `waits` lists them.", default=0)
    waiting_total: Money = strawberry.field(description="How much they wait for.", default=Money(0))

    def has_changed(self) -> bool:
        """Whether a batch was made, or the list of those who wait."""
        return self.key is not None or self.listed


@strawberry.type(description="What came of a step of a budget line.")
class BudgetPayload(KeyedPayload):
    """What came of a step of a budget line."""

    @strawberry.field(description="The line with what it holds now; null if it was refused.")
    async def line(self, info: strawberry.Info) -> BudgetLine | None:
        """The line."""
        return await found(info, BudgetLine, models.BudgetLine.id, self.key)


@strawberry.type(description="What came of laying down how a bank wants payment lists.")
class TemplatePayload(KeyedPayload):
    """What came of laying down how a bank wants payment lists."""

    @strawberry.field(description="The template; null if it was refused.")
    async def template(self, info: strawberry.Info) -> BankTemplate | None:
        """The template."""
        return await found(info, BankTemplate, models.BankTemplate.id, self.key)


@strawberry.type(description="What came of writing down that a payment came back.")
class ReturnPayload(KeyedPayload):
    """What came of writing down that a payment came back."""

    @strawberry.field(description="The payment as it is now; null if it was refused.")
    async def line(self, info: strawberry.Info) -> PaymentLine | None:
        """The payment."""
        return await found(info, PaymentLine, models.PaymentLine.id, self.key)


@strawberry.type(description="What came of correcting the account that a household is paid to.")
class AccountPayload(KeyedPayload):
    """What came of correcting the account that a household is paid to."""

    @strawberry.field(description="The account; null if it was refused.")
    async def account(self, info: strawberry.Info) -> Account | None:
        """The account."""
        return await found(info, Account, models.Account.id, self.key)


@strawberry.type(description="What came of writing down what was paid back.")
class RepaymentPayload(KeyedPayload):
    """What came of writing down what was paid back."""

    @strawberry.field(description="The recovery as it is now; null if it was refused.")
    async def award(self, info: strawberry.Info) -> Award | None:
        """The recovery."""
        return await found(info, Award, models.Entitlement.id, self.key)


@strawberry.type(description="What came of deciding on an objection of the public.")
class PublicObjectionPayload(KeyedPayload):
    """What came of deciding on an objection of the public."""

    @strawberry.field(
        description="The objection as it is now; null if it was refused.", metadata={ACTION: Action.HEAR_OBJECTIONS}
    )
    async def public_objection(self, info: strawberry.Info) -> PublicObjection | None:
        """The objection of the public."""
        return await found(info, PublicObjection, models.PublicObjection.id, self.key)


@strawberry.type(description="What came of attaching evidence to a notice.")
class EvidencePayload(KeyedPayload):
    """What came of attaching evidence to a notice."""

    @strawberry.field(description="The evidence; null if it was refused.", metadata={ACTION: Action.READ_CASES})
    async def evidence(self, info: strawberry.Info) -> NoticeEvidence | None:
        """The evidence."""
        return await found(info, NoticeEvidence, models.NoticeEvidence.id, self.key)


@strawberry.type(description="What came of drawing a sample.")
class SamplePayload(KeyedPayload):
    """What came of drawing a sample."""

    @strawberry.field(description="The draw; null if it was refused.")
    async def sample(self, info: strawberry.Info) -> Sample | None:
        """The draw."""
        return await found(info, Sample, models.SampleDraw.id, self.key)


@strawberry.type(description="What came of a step of a county's own document.")
class ProvisionPayload(KeyedPayload):
    """What came of a step of a county's own document."""

    @strawberry.field(description="The document as it is now; null if it was refused.")
    async def provision(self, info: strawberry.Info) -> Provision | None:
        """The document."""
        return await found(info, Provision, models.ProvisionRow.id, self.key)


@strawberry.type(description="What came of previewing a county's own document.")
class PreviewPayload(ProvisionPayload):
    """What came of previewing a county's own document."""

    preview: ProvisionPreview | None = strawberry.field(description="What it comes to; null if it was refused.")
    remaining: list[str] = strawberry.field(
        description="The other open periods in which it has to be previewed before it can be released."
    )


@strawberry.type(description="A number of the county's own that was not carried over into its next document.")
class NotCarried:
    """A number of the county's own that was not carried over."""

    parameter: str = strawberry.field(description="The parameter.")
    title: str = strawberry.field(description="What it is called.")
    instead: str | None = strawberry.field(
        description="What was newly laid down instead, in words; null where it cannot be carried over."
    )
    problem: Problem | None = strawberry.field(
        description="Why it cannot be: the plan does not permit it any more, or the county has taken it back."
    )


@strawberry.type(description="What came of carrying a period's numbers over into the county's next document.")
class CarriedPayload(ProvisionPayload):
    """What came of carrying a period's numbers over."""

    not_carried: list[NotCarried] = strawberry.field(description="What was not carried over, and why.")


@strawberry.type(description="What came of a change of the county's own rules on who may do what.")
class RulePayload(Payload):
    """What came of a change of the county's own rules on who may do what."""

    key: strawberry.Private[UUID | None]
    done: bool = strawberry.field(description="Whether it was done.")

    def has_changed(self) -> bool:
        """Whether it was done."""
        return self.done

    @strawberry.field(description="The rule as it stands; null if it was refused or withdrawn.")
    async def rule(self, info: strawberry.Info) -> PolicyRule | None:
        """The rule."""
        return await found(info, PolicyRule, models.PolicyRule.id, self.key)


@strawberry.type(description="What came of opening a period.")
class PeriodPayload(Payload):
    """What came of opening a period."""

    ground: strawberry.Private[Ground | None]

    def has_changed(self) -> bool:
        """Whether it was not refused."""
        return self.ground is not None

    @strawberry.field(description="The period by its newest edition; null if it was refused.")
    def period(self) -> ProgrammePeriod | None:
        """The period."""
        return types_of(self.ground.programme).period(ground=self.ground) if self.ground else None


@strawberry.type(description="Whether a setting was made.")
class SettingPayload(Payload):
    """Whether a setting was made."""

    done: bool = strawberry.field(description="Whether it was made.")

    def has_changed(self) -> bool:
        """Whether it was made."""
        return self.done


@strawberry.type(description="A number in full, if it was not refused. That it was seen is on record.")
class NumberPayload(Payload):
    """A number in full."""

    value: str | None = strawberry.field(description="The number; null if it was refused.")

    def has_changed(self) -> bool:
        """Whether it was shown, which is put on record."""
        return self.value is not None


async def found(info: strawberry.Info, cls: type[P], attribute: Any, key: UUID | None) -> P | None:
    """The row that stands for the object of a key."""
    row = None if key is None else await request_of(info).reader.one(info, cls, attribute == key)
    return cast(P | None, row)


def object_of(cls: type, description: str) -> Any:
    """A field that is the object of a payload's key as it is now; null if it was refused."""
    entity = entity_of(cls)

    async def resolve(self: Any, info: strawberry.Info) -> Any:
        return await found(info, cls, entity.key, self.key)

    resolve.__annotations__ = {"info": strawberry.Info, "return": cls | None}
    return strawberry.field(resolver=resolve, description=description, metadata={ACTION: entity.read})


# --- how a change is carried out ------------------------------------------------------------------------------


async def change(
    info: strawberry.Info,
    work: Callable[[Request, AsyncSession], Awaitable[P]],
    refused: Callable[[list[Problem]], P],
) -> P:
    """Carry out a change; a refusal becomes problems, and nothing of it is kept."""
    request = request_of(info)
    try:
        async with request.change() as session:
            return await work(request, session)
    except Refused as refusal:
        request.refused = True
        return refused([problem(own, request.language) for own in refusal.problems])


async def keyed(info: strawberry.Info, payload: type[K], work: Callable[[Request, AsyncSession], Awaitable[UUID]]) -> K:
    """Carry out a change to one object; ``work`` answers with its key."""

    async def carried_out(request: Request, session: AsyncSession) -> K:
        return payload(key=await work(request, session), problems=[])

    return await change(info, carried_out, lambda problems: payload(key=None, problems=problems))


async def setting(info: strawberry.Info, work: Callable[[Request, AsyncSession], Awaitable[object]]) -> SettingPayload:
    """Carry out a change that answers with nothing but that it was made."""

    async def carried_out(request: Request, session: AsyncSession) -> SettingPayload:
        await work(request, session)
        return SettingPayload(done=True, problems=[])

    return await change(info, carried_out, lambda problems: SettingPayload(done=False, problems=problems))


async def row_of(request: Request, session: AsyncSession, cls: type, id: strawberry.ID, what: Text) -> Any:
    """The row of an id, of a programme that this schema knows; refuses ``NOT_FOUND``."""
    entity = entity_of(cls)
    key = key_of(cls, id, "id", what)
    conditions = entity.conditions(request.reader.sight)
    row = await session.scalar(select(entity.model).where(*conditions, entity.key == key))
    if row is None:
        raise Code.NOT_FOUND.refuse("id", what=what)
    return row


def programme_of(request: Request, code: str) -> CoreProgramme:
    """A programme that the county runs; refuses ``PROGRAMME_UNKNOWN``."""
    if code not in request.programmes:
        raise Code.PROGRAMME_UNKNOWN.refuse("programme", programme=code, known=", ".join(request.programmes))
    return request.programmes[code]


async def ground_of(request: Request, session: AsyncSession, programme: str, period: str) -> Ground:
    """A programme in a period; refuses ``PROGRAMME_UNKNOWN``, ``PERIOD_BAD`` and ``PERIOD_NOT_OPEN``."""
    return await grounds.ground_of(session, request.who.county.id, programme_of(request, programme), period)


async def act(
    info: strawberry.Info,
    programme: str,
    period: str,
    said: ActInput | None,
    work: Callable[[Request, AsyncSession, Ground, Stated], Awaitable[Report]],
) -> CasesPayload:
    """An act on cases, and what came of it. One that is refused for every household keeps nothing, its key neither."""

    def payload(report: Report, problems: list[Problem]) -> CasesPayload:
        return CasesPayload(
            programme=programme,
            period=period,
            households=report.done,
            overtaken=[number for number, own in report.refused if own.code is Code.CONFLICT],
            done=len(report.done),
            unchanged=len(report.unchanged),
            refused=len(report.refused),
            problems=problems,
        )

    async def carried_out(request: Request, session: AsyncSession) -> CasesPayload:
        ground = await ground_of(request, session, programme, period)
        report = await work(request, session, ground, await stated(request, session, said))
        request.refused = bool(report.refused) and not (report.done or report.unchanged)
        return payload(report, [problem(own, request.language, number) for number, own in report.refused])

    return await change(info, carried_out, lambda problems: payload(Report(), problems))


async def act_on(
    info: strawberry.Info,
    programme: str,
    period: str,
    cases: CasesInput,
    said: ActInput | None,
    stages: Callable[[Process], Sequence[str]],
    work: Callable[[Request, AsyncSession, Ground, Selection, Stated], Awaitable[Report]],
) -> CasesPayload:
    """An act on the cases that are selected; ``stages`` are those of a process at which the act is possible at all."""
    _selection(cases, ())  # what makes no sense is refused before anything is read

    async def chosen(request: Request, session: AsyncSession, ground: Ground, own: Stated) -> Report:
        return await work(request, session, ground, _selection(cases, stages(ground.programme.process)), own)

    return await act(info, programme, period, said, chosen)


# --- at which stages an act is possible -------------------------------------------------------------------------


def codes_of(process: Process, kind: type[Stage]) -> tuple[str, ...]:
    """The codes of the stages of a kind; a programme may have several, and none."""
    return tuple(stage.code for stage in process.kind(kind))


def acceptable(process: Process) -> tuple[str, ...]:
    """The stages from which a case is accepted: where that is done, and on the notice before it, which may be over."""
    own = codes_of(process, Accept)
    return (*(code for code in codes_of(process, Notice) if process.after(code) in own), *own)


# --- arguments that many fields have -----------------------------------------------------------------------------


def says(words: str) -> Any:
    """The words for an argument."""
    return strawberry.argument(description=words)


ProgrammeArgument = Annotated[str, says("The code of the programme.")]
PeriodArgument = Annotated[str, says("The period, such as the plan year `2021`.")]
CasesArgument = Annotated[CasesInput, says("Which cases.")]
ActArgument = Annotated[ActInput | None, says("What is said of the act.")]
DivisionArgument = Annotated[DivisionCode | None, says("Only in this division; all in sight unless stated.")]
