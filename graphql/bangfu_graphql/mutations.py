"""Everything that changes something: one field a step of the story, on one household or on thousands.

Each field is one transaction. What is refused comes back as problems and has changed nothing; in an act on many, the
households that are refused are named and the others go on.
"""

from __future__ import annotations

import enum
from datetime import UTC, date, datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession
from strawberry.file_uploads import Upload

from bangfu import disclosure
from bangfu.access import EVERY, Action, Rule
from bangfu.access.rules import lay_down, withdraw
from bangfu.cases import exports
from bangfu.cases import ground as grounds
from bangfu.cases.handlers import IMPORTERS, SHEETS
from bangfu.errors import Code
from bangfu.process import Duty
from bangfu.registry.days import set_working_day
from bangfu.registry.importing import put as put_import
from bangfu.text import Text
from bangfu_graphql import acting
from bangfu_graphql.acting import (
    HeaderInput,
    JobPayload,
    NumberPayload,
    PeriodArgument,
    PeriodPayload,
    ProgrammeArgument,
    RulePayload,
    SettingPayload,
    says,
)
from bangfu_graphql.casework import Notice, Sample
from bangfu_graphql.mapping import ACTION
from bangfu_graphql.money import PaymentBatch
from bangfu_graphql.people import Account, Person
from bangfu_graphql.requests import Request
from bangfu_graphql.scalars import (
    Effect,
    ListFormat,
    value,
)
from bangfu_graphql.work import PolicyRule

# --- registers and settings -----------------------------------------------------------------------------------


@strawberry.enum(description="The kinds of workbooks that can be imported; docs/workbooks.md lists their columns.")
class WorkbookKind(enum.Enum):
    """The kinds of workbooks that can be imported."""

    DIVISIONS = value("divisions", "the table of divisions 行政区划表")
    ORGANIZATIONS = value("organizations", "the table of organizations 组织名录")
    PAIRINGS = value("pairings", "the list of pairings 结对帮扶名册")
    OFFICERS = value("officers", "the staff roster 工作人员名册")
    HOUSEHOLDS = value("households", "the household roster 农户花名册")
    INCOME = value("income", "the income ledger 收入台账")
    SCHOOLING = value("schooling", "the roll of students 学籍名册")
    SCHOOL_CONFIRMATION = value("school_confirmation", "a school's confirmation of its students 学校确认表")
    CERTIFICATES = value("certificates", "the list of certificates of disability 残疾人证名册")
    MINIMUM_LIVING = value("minimum_living", "the list of the minimum living guarantee 低保名册")
    DEATHS = value("deaths", "the list of deaths 死亡登记名册")
    PLANS = value("plans", "the sheet of plans of a programme 项目计划表")
    RECHECKS = value("rechecks", "the sheet of what was found of students 复核表")


@strawberry.input(description="A workbook to import.")
class ImportInput:
    """A workbook to import."""

    kind: WorkbookKind = strawberry.field(description="What kind of workbook it is.")
    file: Upload = strawberry.field(description="The workbook, XLSX or CSV.")
    dry_run: bool = strawberry.field(description="Show what would change and change nothing.", default=False)
    as_of: date | None = strawberry.field(
        description="The day of which the workbook speaks; today unless stated.", default=None
    )
    accept_valid: bool = strawberry.field(
        description="Import the good rows although others have problems.", default=False
    )
    whole: bool = strawberry.field(
        description="The list names everybody in sight of whom it is so on its day: whom it leaves out is a task. Of "
        "certificates and the minimum living guarantee.",
        default=False,
    )
    headers: list[HeaderInput] = strawberry.field(description="What unknown headers mean.", default_factory=list)
    programme: str | None = strawberry.field(
        description="The programme of a sheet of plans or re-checks.", default=None
    )
    period: str | None = strawberry.field(description="The period of a sheet of plans or re-checks.", default=None)


@strawberry.input(description="A rule of the county's own on who may do what.")
class RuleInput:
    """A rule of the county's own on who may do what."""

    duty: Duty = strawberry.field(description="Whose duty it speaks of.")
    action: Action = strawberry.field(description="What it allows or denies.")
    effect: Effect = strawberry.field(description="Whether it allows or denies.")
    programme: str | None = strawberry.field(
        description="The code of the programme; every one unless stated.", default=None
    )
    stage: str | None = strawberry.field(description="The code of the stage; every one unless stated.", default=None)


def _field(description: str, action: Action | None) -> Any:
    return strawberry.mutation(description=description, metadata={ACTION: action})


ReasonArgument = Annotated[str, says("What it is for; kept on record.")]
BatchArgument = Annotated[strawberry.ID, says("The batch.")]
_BATCH = Text("拨付批次", "the batch")
_BUDGET = Text("预算指标", "the budget line")
_PAYMENT = Text("拨付明细", "the payment")


@strawberry.enum(description="Which number is to be seen in full.")
class NumberKind(enum.Enum):
    """Which number is to be seen in full."""

    IDENTITY = value("identity", "the identity number 证件号码 of a person")
    PHONE = value("phone", "the telephone number of a person")
    ACCOUNT = value("account", "the number of a bank account 一卡通")


@strawberry.type(description="Everything that changes something. One request carries out exactly one of these fields.")
class Mutation:
    """Registers, settings, who may do what, and what leaves the county's house."""

    @_field(
        "Import a workbook, as a job. The same file again changes nothing; problems come back in the workbook.", None
    )
    async def import_workbook(
        self, info: strawberry.Info, input: Annotated[ImportInput, says("The workbook.")]
    ) -> JobPayload:
        """Import a workbook."""
        name, data = await acting.uploaded(input.file)

        async def work(request: Request, session: AsyncSession) -> UUID:
            sheet = SHEETS.get(input.kind.value)
            if sheet is not None:
                if input.programme is None or input.period is None:
                    lacking = "programme" if input.programme is None else "period"
                    raise Code.MISSING_VALUE.refuse(lacking, field=Text("项目和年度", "programme and period"))
                importer: Any = sheet(acting.programme_of(request, input.programme), input.period)
            else:
                importer = IMPORTERS[input.kind.value]
            return await put_import(
                session,
                request.vault,
                request.who,
                importer,
                name or "workbook.xlsx",
                data,
                request.database.settings.largest_file,
                as_of=input.as_of,
                dry_run=input.dry_run,
                accept_valid=input.accept_valid,
                whole=input.whole,
                matches={one.header: one.column for one in input.headers},
            )

        return await acting.keyed(info, JobPayload, work)

    @_field(
        "Let the county run a programme from a day on; it is part of this county's schema from then.",
        Action.SWITCH_PROGRAMME,
    )
    async def switch_programme_on(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        since: Annotated[date | None, says("From which day; today unless stated.")] = None,
    ) -> SettingPayload:
        """Switch a programme on."""

        async def work(request: Request, session: AsyncSession) -> None:
            own = request.plugins.any(programme)
            await grounds.switch_on(session, request.who, own, since or request.who.at.today)

        return await acting.setting(info, work)

    @_field(
        "Suspend a programme in the county 停用: from that day on it is not part of this county's schema, and nothing "
        "of it is done; switched on again, it goes on where it stood.",
        Action.SWITCH_PROGRAMME,
    )
    async def switch_programme_off(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        reason: Annotated[str, says("Why; kept on record.")],
        until: Annotated[date | None, says("The first day on which it does not run; today unless stated.")] = None,
    ) -> SettingPayload:
        """Suspend a programme."""

        async def work(request: Request, session: AsyncSession) -> None:
            own = request.plugins.any(programme)
            await grounds.switch_off(session, request.who, own, until or request.who.at.today, reason)

        return await acting.setting(info, work)

    @_field(
        "Freeze the rules of a period, or the next edition of them if provisions released since say otherwise.",
        Action.OPEN_PERIOD,
    )
    async def open_period(
        self, info: strawberry.Info, programme: ProgrammeArgument, period: PeriodArgument
    ) -> PeriodPayload:
        """Open a period."""

        async def work(request: Request, session: AsyncSession) -> PeriodPayload:
            own = acting.programme_of(request, programme)
            await grounds.open_period(session, request.who, own, period)
            return PeriodPayload(ground=await acting.ground_of(request, session, programme, period), problems=[])

        return await acting.change(info, work, lambda problems: PeriodPayload(ground=None, problems=problems))

    @_field("Enter whether a day is worked, over the published calendar.", Action.SET_CALENDAR)
    async def set_working_day(
        self,
        info: strawberry.Info,
        day: Annotated[date, says("The day.")],
        worked: Annotated[bool, says("Whether it is worked.")],
        note: Annotated[str, says("The document that says so.")],
    ) -> SettingPayload:
        """Enter a working day."""

        async def work(request: Request, session: AsyncSession) -> None:
            await set_working_day(session, request.who, day, worked, note)

        return await acting.setting(info, work)

    # --- who may do what ---

    @_field(
        "Lay down a rule of the county's own on who may do what; it counts from the next request on. One that says the "
        "opposite of the same no longer stands.",
        Action.KEEP_POLICY,
    )
    async def lay_down_rule(
        self, info: strawberry.Info, input: Annotated[RuleInput, says("The rule.")], reason: ReasonArgument
    ) -> RulePayload:
        """Lay down a rule."""

        async def work(request: Request, session: AsyncSession) -> RulePayload:
            rule = Rule(
                input.duty.value, input.action.value, input.programme or EVERY, input.stage or EVERY, input.effect.value
            )
            ruled = {**request.programmes, **request.plugins.without_cases}
            key = await lay_down(session, request.who, ruled, rule, reason)
            return RulePayload(key=key, done=True, problems=[])

        return await acting.change(info, work, lambda problems: RulePayload(key=None, done=False, problems=problems))

    @_field("Withdraw a rule of the county's own: the platform's policy counts again.", Action.KEEP_POLICY)
    async def withdraw_rule(
        self, info: strawberry.Info, id: Annotated[strawberry.ID, says("The rule.")], reason: ReasonArgument
    ) -> RulePayload:
        """Withdraw a rule."""

        async def work(request: Request, session: AsyncSession) -> RulePayload:
            key = acting.key_of(PolicyRule, id, "id", Text("本县权限规定", "the rule"))
            await withdraw(session, request.who, key, reason)
            return RulePayload(key=None, done=True, problems=[])

        return await acting.change(info, work, lambda problems: RulePayload(key=None, done=False, problems=problems))

    # --- exports ---

    @_field(
        "The payment list of a released batch, with whole account numbers, as a job: a workbook, or the text that the "
        "bank takes. It is read back and compared with the batch before it leaves.",
        Action.EXPORT_PAYMENTS,
    )
    async def export_payments(
        self,
        info: strawberry.Info,
        batch: BatchArgument,
        reason: ReasonArgument,
        format: Annotated[ListFormat | None, says("As what; a workbook unless stated.")] = None,
    ) -> JobPayload:
        """Export a payment list."""
        return await _export(
            info, exports.Export((format or ListFormat.WORKBOOK).value), PaymentBatch, batch, _BATCH, reason
        )

    @_field("A notice as a workbook to print and hang up, as a job.", Action.EXPORT_NOTICE)
    async def export_notice(
        self, info: strawberry.Info, notice: Annotated[strawberry.ID, says("The notice.")], reason: ReasonArgument
    ) -> JobPayload:
        """Export a notice."""
        return await _export(info, exports.Export.NOTICE, Notice, notice, Text("公示", "the notice"), reason)

    @_field("A sample as a workbook: the drawn households, and the frame in its order, as a job.", Action.EXPORT_SAMPLE)
    async def export_sample(
        self,
        info: strawberry.Info,
        sample: Annotated[strawberry.ID, says("The draw.")],
        reason: ReasonArgument,
    ) -> JobPayload:
        """Export a sample."""
        return await _export(info, exports.Export.SAMPLE, Sample, sample, Text("抽查", "the draw"), reason)

    # --- one number in full ---

    @_field(
        "Show one number in full, once: the identity number or the telephone of a person, or the number of an account. "
        "It is on record, with the reason; only so many an hour and a day.",
        Action.UNMASK,
    )
    async def reveal_number(
        self,
        info: strawberry.Info,
        id: Annotated[strawberry.ID, says("The person, or the account.")],
        which: Annotated[NumberKind, says("Which number.")],
        reason: ReasonArgument,
    ) -> NumberPayload:
        """Reveal a number."""

        async def work(request: Request, session: AsyncSession) -> NumberPayload:
            kind = disclosure.Number(which.value)
            own = Account if kind is disclosure.Number.ACCOUNT else Person
            key = acting.key_of(own, id, "id", Text("号码", "the number"))
            settings = request.database.settings
            most = (settings.unmasked_hourly, settings.unmasked_daily)
            now = datetime.now(UTC)
            found = await disclosure.reveal(session, request.vault, request.who, kind, key, reason, now, most)
            return NumberPayload(value=found, problems=[])

        return await acting.change(info, work, lambda problems: NumberPayload(value=None, problems=problems))


async def _export(
    info: strawberry.Info, export: exports.Export, cls: type, id: strawberry.ID, what: Text, reason: str
) -> JobPayload:
    async def work(request: Request, session: AsyncSession) -> UUID:
        row = await acting.row_of(request, session, cls, id, what)
        return await exports.put(session, request.who, row.programme, row.period, export, row.id, reason)

    return await acting.keyed(info, JobPayload, work)
