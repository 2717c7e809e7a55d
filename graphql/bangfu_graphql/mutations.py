"""Everything that changes something: one field a step of the story, on one household or on thousands.

Each field is one transaction. What is refused comes back as problems and has changed nothing; in an act on many, the
households that are refused are named and the others go on.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import UploadFile
from strawberry.file_uploads import Upload

from bangfu import disclosure, payments
from bangfu.access import EVERY, Action, Entered, Rule
from bangfu.access.rules import lay_down, withdraw
from bangfu.cases import acts, batch, exports, hearing, paying, sampling
from bangfu.cases import ground as grounds
from bangfu.cases.ground import Ground
from bangfu.cases.handlers import IMPORTERS
from bangfu.cases.plans import PlanImporter
from bangfu.errors import Code
from bangfu.notices import evidence
from bangfu.payments import answers
from bangfu.process import REFUSED, Duty, Pay, Process
from bangfu.process import Notice as NoticeStage
from bangfu.process import Sample as SampleStage
from bangfu.registry.days import set_working_day
from bangfu.registry.divisions import area_of
from bangfu.registry.importing import put as put_import
from bangfu.text import Text
from bangfu_graphql import acting
from bangfu_graphql.acting import (
    AccountPayload,
    ActArgument,
    BatchPayload,
    BudgetPayload,
    CasesArgument,
    CasesPayload,
    EvidencePayload,
    GatheredPayload,
    JobPayload,
    NumberPayload,
    PeriodArgument,
    PeriodPayload,
    ProgrammeArgument,
    ProvisionPayload,
    PublicObjectionPayload,
    RepaymentPayload,
    ReturnPayload,
    RulePayload,
    SamplePayload,
    SettingPayload,
    TemplatePayload,
    acceptable,
    codes_of,
    says,
)
from bangfu_graphql.casework import Notice, PublicObjection, Sample
from bangfu_graphql.identifiers import bad_input
from bangfu_graphql.mapping import ACTION, entity_of
from bangfu_graphql.money import Award, BudgetEntry, BudgetLine, PaymentBatch, PaymentLine
from bangfu_graphql.people import Account, Person
from bangfu_graphql.problems import problem
from bangfu_graphql.requests import Request
from bangfu_graphql.scalars import (
    BankAnswer,
    BudgetLevel,
    DivisionCode,
    Effect,
    LineEnd,
    ListFormat,
    Money,
    Separator,
    value,
)
from bangfu_graphql.work import PolicyRule, Provision

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
    PLANS = value("plans", "the sheet of plans of a programme 项目计划表")


@strawberry.input(description="Which column a header of the workbook means; it is remembered for the county.")
class HeaderInput:
    """Which column a header means."""

    header: str = strawberry.field(description="The header as it stands in the workbook.")
    column: str = strawberry.field(description="The column, by its field name.")


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
    headers: list[HeaderInput] = strawberry.field(description="What unknown headers mean.", default_factory=list)
    programme: str | None = strawberry.field(description="The programme of a sheet of plans.", default=None)
    period: str | None = strawberry.field(description="The period of a sheet of plans.", default=None)


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


@strawberry.input(description="A budget line.")
class BudgetLineInput:
    """A budget line."""

    code: str = strawberry.field(description="Its code, as the county knows it.")
    title: str = strawberry.field(description="Its title.")
    source: str = strawberry.field(description="Which money it is.")
    level: BudgetLevel = strawberry.field(description="The level of government that it comes from.")
    document: str = strawberry.field(description="The number of the document.")
    document_on: date = strawberry.field(description="The day of the document.")
    year: int = strawberry.field(description="The year of the budget.")
    programmes: list[str] = strawberry.field(description="The codes of the programmes that it may pay.")
    binding: bool = strawberry.field(description="Whether what does not fit waits; an estimate only warns.")


@strawberry.input(description="A column of a bank's file.")
class TemplateColumnInput:
    """A column of a bank's file."""

    name: str = strawberry.field(description="What stands in it, by its name in docs/money.md.")
    header: str = strawberry.field(description="Its header.")


@strawberry.input(description="What a code of a bank's answers means.")
class ResultInput:
    """What a code of a bank's answers means."""

    code: str = strawberry.field(description="The code, or the word.")
    answer: BankAnswer = strawberry.field(description="What it means.")


@strawberry.input(description="How a bank wants payment lists, and what its answers mean.")
class BankTemplateInput:
    """How a bank wants payment lists."""

    channel: str = strawberry.field(description="The channel of payment.")
    columns: list[TemplateColumnInput] = strawberry.field(description="The columns, in their order.")
    separator: Separator | None = strawberry.field(
        description="What stands between them; a bar unless stated.", default=None
    )
    header: bool = strawberry.field(description="Whether the headers come first.", default=True)
    rows_per_file: int = strawberry.field(description="The most rows of a file.", default=5_000)
    line_end: LineEnd | None = strawberry.field(
        description="What ends a row; both characters unless stated.", default=None
    )
    results: list[ResultInput] = strawberry.field(
        description="What the bank's own codes mean, beside those that are known everywhere.", default_factory=list
    )


@strawberry.input(description="What a bank answers to a batch.")
class BankAnswersInput:
    """What a bank answers to a batch."""

    batch: strawberry.ID = strawberry.field(description="The batch.")
    file: Upload = strawberry.field(description="The answers: XLSX, CSV, or the bank's text.")
    answered_on: date | None = strawberry.field(
        description="The day of the answers; today unless stated.", default=None
    )
    headers: list[HeaderInput] = strawberry.field(description="What unknown headers mean.", default_factory=list)


@strawberry.input(description="The account that a household is paid to.")
class AccountInput:
    """The account that a household is paid to."""

    household: str = strawberry.field(description="The number of the household.")
    holder: str = strawberry.field(description="Whose account it is.")
    bank: str = strawberry.field(description="The bank.")
    number: str = strawberry.field(description="The whole number of the account.")
    evidence: str = strawberry.field(description="The paper that shows it.")


@strawberry.input(description="A photo or a scan of a notice as it hung.")
class EvidenceInput:
    """A photo or a scan of a notice as it hung."""

    notice: strawberry.ID = strawberry.field(description="The notice.")
    file: Upload = strawberry.field(description="The photo or the scan: JPEG, PNG or PDF.")
    taken_on: date | None = strawberry.field(description="The day that it shows; today unless stated.", default=None)
    place: str = strawberry.field(description="The place that it shows; that of the notice unless stated.", default="")


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
    """Everything that changes something."""

    @_field(
        "Import a workbook, as a job. The same file again changes nothing; problems come back in the workbook.", None
    )
    async def import_workbook(
        self, info: strawberry.Info, input: Annotated[ImportInput, says("The workbook.")]
    ) -> JobPayload:
        """Import a workbook."""
        file: object = input.file
        if not isinstance(file, UploadFile):
            raise bad_input("`input.file` is a file of a multipart request; see docs/api.")
        data = await file.read()

        async def work(request: Request, session: AsyncSession) -> JobPayload:
            if input.kind is WorkbookKind.PLANS:
                if input.programme is None or input.period is None:
                    name = "programme" if input.programme is None else "period"
                    raise Code.MISSING_VALUE.refuse(name, field=Text("项目和年度", "programme and period"))
                importer: Any = PlanImporter(acting.programme_of(request, input.programme), input.period)
            else:
                importer = IMPORTERS[input.kind.value]
            key = await put_import(
                session,
                request.vault,
                request.who,
                importer,
                file.filename or "workbook.xlsx",
                data,
                request.database.settings.largest_file,
                as_of=input.as_of,
                dry_run=input.dry_run,
                accept_valid=input.accept_valid,
                matches={one.header: one.column for one in input.headers},
            )
            return JobPayload(key=key, problems=[])

        return await acting.change(info, work, lambda problems: JobPayload(key=None, problems=problems))

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

        async def work(request: Request, session: AsyncSession) -> SettingPayload:
            own = request.plugins.programme(programme)
            await grounds.switch_on(session, request.who, own, since or request.who.at.today)
            return SettingPayload(done=True, problems=[])

        return await acting.change(info, work, lambda problems: SettingPayload(done=False, problems=problems))

    @_field(
        "Put a draft of the county's own document in force; by another person than who drafted it.",
        Action.RELEASE_PROVISION,
    )
    async def release_provision(
        self, info: strawberry.Info, id: Annotated[strawberry.ID, says("The document.")]
    ) -> ProvisionPayload:
        """Release a provision."""

        async def work(request: Request, session: AsyncSession) -> ProvisionPayload:
            key = acting.key_of(Provision, id, "id", Text("本县规定", "the provisions"))
            await grounds.release_provision(session, request.who, key)
            return ProvisionPayload(key=key, problems=[])

        return await acting.change(info, work, lambda problems: ProvisionPayload(key=None, problems=problems))

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

        async def work(request: Request, session: AsyncSession) -> SettingPayload:
            await set_working_day(session, request.who, day, worked, note)
            return SettingPayload(done=True, problems=[])

        return await acting.change(info, work, lambda problems: SettingPayload(done=False, problems=problems))

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
            key = await lay_down(session, request.who, request.programmes, rule, reason)
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

    # --- cases ---

    @_field(
        "Compute what households are due, and keep each determination with everything that explains it. What has not "
        "changed is left alone.",
        Action.WORK_ON_CASES,
    )
    async def account_cases(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        period: PeriodArgument,
        cases: CasesArgument,
        act: ActArgument = None,
    ) -> CasesPayload:
        """Account cases."""
        return await acting.act_on(
            info,
            programme,
            period,
            cases,
            act,
            lambda process: (*process.accounts(), REFUSED),
            lambda request, session, ground, chosen, stated: acts.account(session, request.who, ground, chosen, stated),
        )

    @_field("The accounting of everything in sight, or of some divisions, as a job.", Action.WORK_ON_CASES)
    async def account_county(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        period: PeriodArgument,
        divisions: Annotated[list[DivisionCode] | None, says("Of these divisions only.")] = None,
        without: Annotated[list[str] | None, says("But for these households.")] = None,
    ) -> JobPayload:
        """Account a county."""
        acting.require_bounded(divisions, "divisions")
        acting.require_bounded(without, "without")

        async def work(request: Request, session: AsyncSession) -> JobPayload:
            ground = await acting.ground_of(request, session, programme, period)
            areas = [area_of(code) for code in divisions] if divisions is not None else None
            key = await batch.put(session, request.who, ground, areas, without or ())
            return JobPayload(key=key, problems=[])

        return await acting.change(info, work, lambda problems: JobPayload(key=None, problems=problems))

    @_field("Post the results of cases in public, one notice a village.", Action.WORK_ON_CASES)
    async def post_notices(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        period: PeriodArgument,
        cases: CasesArgument,
        place: Annotated[str, says("Where it hangs.")] = "",
        act: ActArgument = None,
    ) -> CasesPayload:
        """Post notices."""
        return await acting.act_on(
            info,
            programme,
            period,
            cases,
            act,
            lambda process: codes_of(process, NoticeStage),
            lambda request, session, ground, chosen, stated: acts.post(
                session, request.who, ground, chosen, stated, place
            ),
        )

    @_field("Take down an objection against one household on notice; it waits, the others go on.", Action.WORK_ON_CASES)
    async def object_to_case(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        period: PeriodArgument,
        household: Annotated[str, says("The number of the household.")],
        words: Annotated[str, says("What is objected.")],
        objector: Annotated[str, says("Who objects.")] = "",
        act: ActArgument = None,
    ) -> CasesPayload:
        """Object to a case."""
        return await acting.act(
            info,
            programme,
            period,
            act,
            lambda request, session, ground, stated: acts.object_to(
                session, request.who, ground, household, words, objector, stated
            ),
        )

    @_field(
        "Settle the open objections against one household after re-checking; if upheld, its case goes back.",
        Action.WORK_ON_CASES,
    )
    async def settle_objections(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        period: PeriodArgument,
        household: Annotated[str, says("The number of the household.")],
        upheld: Annotated[bool, says("Whether the objection is right.")],
        finding: Annotated[str, says("What the re-check found.")],
        act: ActArgument = None,
    ) -> CasesPayload:
        """Settle objections."""
        return await acting.act(
            info,
            programme,
            period,
            act,
            lambda request, session, ground, stated: acts.settle(
                session, request.who, ground, household, upheld=upheld, finding=finding, stated=stated
            ),
        )

    @_field(
        "Attach a photo or a scan that shows that a notice hung. The same file again changes nothing.",
        Action.KEEP_NOTICES,
    )
    async def attach_evidence(
        self, info: strawberry.Info, input: Annotated[EvidenceInput, says("The photo or the scan.")]
    ) -> EvidencePayload:
        """Attach evidence."""
        file: object = input.file
        if not isinstance(file, UploadFile):
            raise bad_input("`input.file` is a file of a multipart request; see docs/api.")
        data = await file.read()

        async def work(request: Request, session: AsyncSession) -> EvidencePayload:
            key = acting.key_of(Notice, input.notice, "notice", Text("公示", "the notice"))
            largest = request.database.settings.largest_file
            name, on = file.filename or "evidence", input.taken_on or request.who.at.today
            made = await evidence.attach(session, request.vault, request.who, key, name, data, on, input.place, largest)
            return EvidencePayload(key=made, problems=[])

        return await acting.change(info, work, lambda problems: EvidencePayload(key=None, problems=problems))

    @_field(
        "Say whom the public can call about a notice; it stands on every notice that is posted from now on.",
        Action.SET_SUPERVISION,
    )
    async def set_supervision(
        self, info: strawberry.Info, contact: Annotated[str, says("An office and its telephone.")]
    ) -> SettingPayload:
        """Say whom the public can call."""

        async def work(request: Request, session: AsyncSession) -> SettingPayload:
            await evidence.set_contact(session, request.who, contact)
            return SettingPayload(done=True, problems=[])

        return await acting.change(info, work, lambda problems: SettingPayload(done=False, problems=problems))

    @_field(
        "Make what the public handed in an objection against the case, of the day it was handed in; the case waits.",
        Action.HEAR_OBJECTIONS,
    )
    async def confirm_public_objection(
        self, info: strawberry.Info, id: Annotated[strawberry.ID, says("What was handed in.")]
    ) -> PublicObjectionPayload:
        """Confirm an objection of the public."""

        async def work(request: Request, session: AsyncSession) -> PublicObjectionPayload:
            key = acting.key_of(PublicObjection, id, "id", Text("公众异议", "the objection of the public"))
            await hearing.confirm(session, request.who, request.plugins, key)
            return PublicObjectionPayload(key=key, problems=[])

        return await acting.change(info, work, lambda problems: PublicObjectionPayload(key=None, problems=problems))

    @_field(
        "Put aside what the public handed in, such as what says nothing; on record with the reason.",
        Action.HEAR_OBJECTIONS,
    )
    async def dismiss_public_objection(
        self,
        info: strawberry.Info,
        id: Annotated[strawberry.ID, says("What was handed in.")],
        reason: Annotated[str, says("Why; kept on record.")],
    ) -> PublicObjectionPayload:
        """Dismiss an objection of the public."""

        async def work(request: Request, session: AsyncSession) -> PublicObjectionPayload:
            key = acting.key_of(PublicObjection, id, "id", Text("公众异议", "the objection of the public"))
            await hearing.dismiss(session, request.who, key, reason)
            return PublicObjectionPayload(key=key, problems=[])

        return await acting.change(info, work, lambda problems: PublicObjectionPayload(key=None, problems=problems))

    @_field("Accept cases on the spot, after their notice has stood its time.", Action.WORK_ON_CASES)
    async def accept_cases(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        period: PeriodArgument,
        cases: CasesArgument,
        act: ActArgument = None,
    ) -> CasesPayload:
        """Accept cases."""
        return await acting.act_on(
            info,
            programme,
            period,
            cases,
            act,
            acceptable,
            lambda request, session, ground, chosen, stated: acts.accept(session, request.who, ground, chosen, stated),
        )

    @_field(
        "Send cases back with what was found: the township at acceptance, the county after it until payment.",
        Action.WORK_ON_CASES,
    )
    async def send_back_cases(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        period: PeriodArgument,
        cases: CasesArgument,
        finding: Annotated[str, says("What was found.")],
        act: ActArgument = None,
    ) -> CasesPayload:
        """Send cases back."""
        return await acting.act_on(
            info,
            programme,
            period,
            cases,
            act,
            _returnable,
            lambda request, session, ground, chosen, stated: acts.send_back(
                session, request.who, ground, chosen, finding, stated
            ),
        )

    # --- the sample ---

    @_field("Draw the county's sample of the accepted cases that no draw has held yet.", Action.SAMPLE_CASES)
    async def draw_sample(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        period: PeriodArgument,
        seed: Annotated[str, says("Any text that nobody could choose, such as a published lottery result.")],
        seed_source: Annotated[str, says("Where the seed comes from.")],
        act: ActArgument = None,
    ) -> SamplePayload:
        """Draw a sample."""

        async def work(request: Request, session: AsyncSession) -> SamplePayload:
            ground = await acting.ground_of(request, session, programme, period)
            stated = await acting.stated(request, session, act)
            drawn = await sampling.draw_sample(session, request.who, ground, seed, seed_source, stated)
            return SamplePayload(key=drawn.id, problems=[])

        return await acting.change(info, work, lambda problems: SamplePayload(key=None, problems=problems))

    @_field(
        "Give the result of the spot check of drawn cases; a failed case goes back. The last result lets the others of "
        "the frame go on to payment.",
        Action.SAMPLE_CASES,
    )
    async def check_sample(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        period: PeriodArgument,
        cases: CasesArgument,
        passed: Annotated[bool, says("Whether they passed.")],
        finding: Annotated[str, says("What was found; needed where they did not pass.")] = "",
        act: ActArgument = None,
    ) -> CasesPayload:
        """Check a sample."""
        return await acting.act_on(
            info,
            programme,
            period,
            cases,
            act,
            lambda process: codes_of(process, SampleStage),
            lambda request, session, ground, chosen, stated: sampling.check(
                session, request.who, ground, chosen, passed=passed, finding=finding, stated=stated
            ),
        )

    # --- money ---

    @_field(
        "Enter a budget line with its first money; it pays nothing before somebody of finance confirms the entry.",
        Action.KEEP_FUNDS,
    )
    async def add_budget_line(
        self,
        info: strawberry.Info,
        input: Annotated[BudgetLineInput, says("The line.")],
        amount: Annotated[Money, says("What is put on it first.")],
    ) -> BudgetPayload:
        """Enter a budget line."""

        async def work(request: Request, session: AsyncSession) -> BudgetPayload:
            acting.require_bounded(input.programmes, "input.programmes")
            stated = payments.LineStated(
                code=input.code,
                title=input.title,
                source=input.source,
                level=input.level.value,
                document=input.document,
                document_on=input.document_on,
                year=input.year,
                programmes=input.programmes,
                binding=input.binding,
            )
            entry = payments.EntryStated(amount_fen=amount, document=input.document, document_on=input.document_on)
            key, _ = await payments.add_line(session, request.who, stated, entry, request.programmes)
            return BudgetPayload(key=key, problems=[])

        return await acting.change(info, work, lambda problems: BudgetPayload(key=None, problems=problems))

    @_field(
        "Put money on a budget line, or take some off it (less than zero, with the reason); it counts once somebody of "
        "finance confirms it.",
        Action.KEEP_FUNDS,
    )
    async def add_budget_entry(
        self,
        info: strawberry.Info,
        line: Annotated[strawberry.ID, says("The line.")],
        amount: Annotated[Money, says("How much.")],
        document: Annotated[str, says("The number of the document.")],
        document_on: Annotated[date, says("The day of the document.")],
        reason: Annotated[str, says("Why.")] = "",
    ) -> BudgetPayload:
        """Put money on a budget line."""

        async def work(request: Request, session: AsyncSession) -> BudgetPayload:
            key = acting.key_of(BudgetLine, line, "line", _BUDGET)
            entry = payments.EntryStated(amount_fen=amount, document=document, document_on=document_on, reason=reason)
            await payments.add_entry(session, request.who, key, entry)
            return BudgetPayload(key=key, problems=[])

        return await acting.change(info, work, lambda problems: BudgetPayload(key=None, problems=problems))

    @_field("Confirm money on a budget line; by another person than who entered it.", Action.CONFIRM_FUNDS)
    async def confirm_budget_entry(
        self, info: strawberry.Info, id: Annotated[strawberry.ID, says("The entry.")]
    ) -> BudgetPayload:
        """Confirm money on a budget line."""

        async def work(request: Request, session: AsyncSession) -> BudgetPayload:
            key = acting.key_of(BudgetEntry, id, "id", Text("指标明细", "the entry"))
            return BudgetPayload(key=await payments.confirm_entry(session, request.who, key), problems=[])

        return await acting.change(info, work, lambda problems: BudgetPayload(key=None, problems=problems))

    @_field(
        "Gather everything that is due at a stage into a batch, from a budget line: the instalment, arrears, and what "
        "came back. What the line cannot hold waits in one order, by the day it became due, then village, then "
        "household number; households without an account are left out and named.",
        Action.PAY_CASES,
    )
    async def make_batch(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        period: PeriodArgument,
        line: Annotated[strawberry.ID | None, says("The budget line that it is paid from; needed.")] = None,
        stage: Annotated[str | None, says("The code of the stage that pays; the first one unless stated.")] = None,
    ) -> GatheredPayload:
        """Make a batch."""

        async def work(request: Request, session: AsyncSession) -> GatheredPayload:
            ground = await acting.ground_of(request, session, programme, period)
            key = None if line is None else acting.key_of(BudgetLine, line, "line", _BUDGET)
            made = await paying.make_batch(session, request.who, request.vault, ground, key, stage)
            problems = [problem(own, request.language) for own in made.warnings]
            problems += [problem(own, request.language, number) for number, own in made.missing]
            return GatheredPayload(
                key=made.batch.id if made.batch else None,
                problems=problems,
                listed=made.waiting > 0,
                waiting=made.waiting,
                waiting_total=Money(made.waiting_fen),
            )

        return await acting.change(info, work, lambda problems: GatheredPayload(key=None, problems=problems))

    @_field("Check a batch: its totals are counted again. By another person than who made it.", Action.PAY_CASES)
    async def check_batch(self, info: strawberry.Info, id: BatchArgument) -> BatchPayload:
        """Check a batch."""
        return await _batch_step(info, id, paying.check_batch)

    @_field(
        "Release a checked batch and let its cases go on, the last instalment closes them; by a third person, who took "
        "no part in the sample. It never changes after.",
        Action.PAY_CASES,
    )
    async def release_batch(self, info: strawberry.Info, id: BatchArgument) -> BatchPayload:
        """Release a batch."""
        return await _batch_step(info, id, paying.release_batch)

    @_field("Cancel a batch that has not been released; what it held can be gathered again.", Action.PAY_CASES)
    async def cancel_batch(
        self, info: strawberry.Info, id: BatchArgument, reason: Annotated[str, says("Why.")]
    ) -> BatchPayload:
        """Cancel a batch."""
        return await _batch_step(
            info, id, lambda session, who, ground, key: paying.cancel_batch(session, who, ground, key, reason)
        )

    @_field(
        "Read what the bank answers to a released batch, as a job: XLSX, CSV, or the bank's own text. What is odd is "
        "never counted, and comes back beside its rows; the same file again changes nothing.",
        Action.RECORD_RETURNS,
    )
    async def import_bank_answers(
        self, info: strawberry.Info, input: Annotated[BankAnswersInput, says("The answers.")]
    ) -> JobPayload:
        """Read what the bank answers."""
        file: object = input.file
        if not isinstance(file, UploadFile):
            raise bad_input("`input.file` is a file of a multipart request; see docs/api.")
        data = await file.read()

        async def work(request: Request, session: AsyncSession) -> JobPayload:
            row = await _row(request, session, PaymentBatch, input.batch, _BATCH)
            key = await answers.put(
                session,
                request.vault,
                request.who,
                row.id,
                file.filename or "answers.xlsx",
                data,
                request.database.settings.largest_file,
                answered_on=input.answered_on,
                matches={one.header: one.column for one in input.headers},
            )
            return JobPayload(key=key, problems=[])

        return await acting.change(info, work, lambda problems: JobPayload(key=None, problems=problems))

    @_field(
        "Write down by hand that a payment came back, with the bank's reason and the paper that shows it; it can be "
        "paid again once the account is corrected.",
        Action.RECORD_RETURNS,
    )
    async def record_return(
        self,
        info: strawberry.Info,
        payment: Annotated[strawberry.ID, says("The payment.")],
        day: Annotated[date, says("The day it came back.")],
        words: Annotated[str, says("The bank's reason.")],
        evidence: Annotated[str, says("The paper that shows it.")],
    ) -> ReturnPayload:
        """Write down that a payment came back."""

        async def work(request: Request, session: AsyncSession) -> ReturnPayload:
            key = acting.key_of(PaymentLine, payment, "payment", _PAYMENT)
            await payments.record_return(session, request.who, key, day, words, evidence)
            return ReturnPayload(key=key, problems=[])

        return await acting.change(info, work, lambda problems: ReturnPayload(key=None, problems=problems))

    @_field(
        "Enter the account that a household is paid to from today on, with the reason and the paper that shows it. "
        "Somebody else may hold it; that this is so stays on record. Who pays corrects no accounts.",
        Action.CORRECT_ACCOUNTS,
    )
    async def correct_account(
        self, info: strawberry.Info, input: Annotated[AccountInput, says("The account.")], reason: ReasonArgument
    ) -> AccountPayload:
        """Correct an account."""

        async def work(request: Request, session: AsyncSession) -> AccountPayload:
            key = await payments.correct_account(
                session, request.who, request.vault, input.household, input.holder, input.bank, input.number, reason,
                input.evidence,
            )  # fmt: skip
            return AccountPayload(key=key, problems=[])

        return await acting.change(info, work, lambda problems: AccountPayload(key=None, problems=problems))

    @_field("Write down what a household paid back of a recovery, by its voucher.", Action.RECORD_RETURNS)
    async def record_repayment(
        self,
        info: strawberry.Info,
        award: Annotated[strawberry.ID, says("The recovery.")],
        amount: Annotated[Money, says("How much.")],
        day: Annotated[date, says("The day.")],
        voucher: Annotated[str, says("The voucher; one counts once.")],
    ) -> RepaymentPayload:
        """Write down what was paid back."""

        async def work(request: Request, session: AsyncSession) -> RepaymentPayload:
            key = acting.key_of(Award, award, "award", Text("追回事项", "the recovery"))
            await payments.repay(session, request.who, key, amount, day, voucher)
            return RepaymentPayload(key=key, problems=[])

        return await acting.change(info, work, lambda problems: RepaymentPayload(key=None, problems=problems))

    @_field(
        "Lay down the next version of how a bank wants the payment lists of a channel as text, and what its answers "
        "mean.",
        Action.KEEP_FUNDS,
    )
    async def keep_bank_template(
        self, info: strawberry.Info, input: Annotated[BankTemplateInput, says("The template.")]
    ) -> TemplatePayload:
        """Lay down a bank's template."""

        async def work(request: Request, session: AsyncSession) -> TemplatePayload:
            acting.require_bounded(input.columns, "input.columns")
            acting.require_bounded(input.results, "input.results")
            stated = payments.TemplateStated(
                channel=input.channel,
                columns=[(one.name, one.header) for one in input.columns],
                separator=(input.separator or Separator.BAR).value,
                header=input.header,
                rows_per_file=input.rows_per_file,
                line_end=(input.line_end or LineEnd.CRLF).value,
                results={one.code: one.answer.value for one in input.results},
            )
            made = await payments.keep_template(session, request.who, stated, list(request.plugins.channels))
            return TemplatePayload(key=made.id, problems=[])

        return await acting.change(info, work, lambda problems: TemplatePayload(key=None, problems=problems))

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


def _returnable(process: Process) -> tuple[str, ...]:
    """The stages from which a case is sent back."""
    return (*acceptable(process), *codes_of(process, SampleStage), *codes_of(process, Pay))


async def _row(request: Request, session: AsyncSession, cls: type, id: strawberry.ID, what: Text) -> Any:
    """The row of an id, of a programme that this schema knows; refuses ``NOT_FOUND``."""
    entity = entity_of(cls)
    key = acting.key_of(cls, id, "id", what)
    conditions = entity.conditions(request.reader.sight)
    row = await session.scalar(select(entity.model).where(*conditions, entity.key == key))
    if row is None:
        raise Code.NOT_FOUND.refuse("id", what=what)
    return row


async def _batch_step(
    info: strawberry.Info,
    id: strawberry.ID,
    step: Callable[[AsyncSession, Entered, Ground, UUID], Awaitable[payments.Batch]],
) -> BatchPayload:
    async def work(request: Request, session: AsyncSession) -> BatchPayload:
        row = await _row(request, session, PaymentBatch, id, _BATCH)
        ground = await acting.ground_of(request, session, row.programme, row.period)
        done = await step(session, request.who, ground, row.id)
        return BatchPayload(key=done.id, problems=[])

    return await acting.change(info, work, lambda problems: BatchPayload(key=None, problems=problems))


async def _export(
    info: strawberry.Info, export: exports.Export, cls: type, id: strawberry.ID, what: Text, reason: str
) -> JobPayload:
    async def work(request: Request, session: AsyncSession) -> JobPayload:
        row = await _row(request, session, cls, id, what)
        key = await exports.put(session, request.who, row.programme, row.period, export, row.id, reason)
        return JobPayload(key=key, problems=[])

    return await acting.change(info, work, lambda problems: JobPayload(key=None, problems=problems))
