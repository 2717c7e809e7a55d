"""Everything that can be asked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any

import strawberry

from bangfu import models, payments, simulate
from bangfu.access import Action
from bangfu.audit import chain
from bangfu.cases.denials import About, Step, why_denied
from bangfu.cases.receipts import why
from bangfu.errors import Code, Refused
from bangfu.process import Duty
from bangfu.programme import Programme as CoreProgramme
from bangfu_graphql.casework import (
    Attestation,
    AttestationAnswer,
    AttestationFilter,
    Case,
    CaseEvent,
    CaseFilter,
    Determination,
    Notice,
    NoticeEntry,
    NoticeEvidence,
    NoticeFilter,
    Objection,
    Participant,
    Publication,
    PublicObjection,
    PublicObjectionFilter,
    Sample,
    SampleFilter,
    SampleUnit,
    Signature,
)
from bangfu_graphql.circumstances import Circumstance, CircumstanceFilter, known_now
from bangfu_graphql.deciding import MonthRun, MonthRunFilter
from bangfu_graphql.federation import (
    BaseAssessment,
    BaseAssessmentFilter,
    BaseFinding,
    BaseSubsidy,
    BaseSubsidyFilter,
    Handout,
    HandoutBatch,
    HandoutBatchFilter,
    HandoutFilter,
    SupportBase,
    SupportBaseFilter,
)
from bangfu_graphql.helping import (
    Agreement,
    AgreementFilter,
    AgreementSignature,
    Delivery,
    DeliveryAnswer,
    DeliveryFilter,
    DeliveryPerson,
    Helper,
    HelperFilter,
    Need,
    NeedFilter,
    Obstacle,
    PairingReview,
    PlanLine,
    PlanLineFilter,
)
from bangfu_graphql.identifiers import bad_input, decode_id, split_id
from bangfu_graphql.mapping import ACTION, entity_of, orders_of, page_arguments, prefix_of, signed
from bangfu_graphql.mapping import Condition as MappedCondition
from bangfu_graphql.money import (
    Award,
    AwardFilter,
    BankTemplate,
    BatchFilter,
    BudgetEntry,
    BudgetLine,
    PaymentArrival,
    PaymentBatch,
    PaymentFile,
    PaymentLine,
    PaymentReturn,
    PaymentSetoff,
    PaymentWait,
    Repayment,
    TrailStep,
    WaitFilter,
)
from bangfu_graphql.nodes import Connection, Node
from bangfu_graphql.people import (
    Account,
    Assignment,
    Discrepancy,
    DiscrepancyFilter,
    Division,
    DivisionFilter,
    Household,
    HouseholdFilter,
    IncomeFilter,
    IncomeLine,
    LinkedCadre,
    Member,
    Officer,
    OfficerFilter,
    Organization,
    OrganizationFilter,
    Pairing,
    PairingFilter,
    Person,
    PersonFilter,
    Schooling,
    SchoolingFilter,
    Standing,
)
from bangfu_graphql.previews import ProvisionPreview, previewed
from bangfu_graphql.programmes import Programme, ground_in, programmes_of, types_of
from bangfu_graphql.receipts import Receipt
from bangfu_graphql.requests import request_of
from bangfu_graphql.scalars import DivisionCode, Money, described
from bangfu_graphql.work import (
    AuditEntry,
    AuditFilter,
    AuditHead,
    File,
    Job,
    JobFilter,
    KeptPreview,
    PolicyRule,
    Provision,
    ProvisionFilter,
)

MAPPED: Mapping[str, type] = {
    entity_of(cls).name: cls
    for cls in (
        Account, Assignment, AuditEntry, Award, Case, CaseEvent, Determination, Division, File, Household, IncomeLine,
        Job, KeptPreview, LinkedCadre, Member, Notice, NoticeEntry, NoticeEvidence, Objection, Officer, Organization,
        Pairing, Participant, PaymentBatch, PaymentLine, Person, PolicyRule, Provision, PublicObjection, Publication,
        Sample, SampleUnit, Schooling, Signature, Standing, BankTemplate, BudgetEntry, BudgetLine, PaymentArrival,
        PaymentFile, PaymentReturn, PaymentWait, Repayment, Discrepancy, Attestation, AttestationAnswer, Helper,
        Need, Agreement, AgreementSignature, PlanLine, Obstacle, PairingReview, Delivery, DeliveryAnswer,
        DeliveryPerson, SupportBase, BaseAssessment, BaseFinding, BaseSubsidy, HandoutBatch, Handout, Circumstance,
        MonthRun, PaymentSetoff,
    )
}  # fmt: skip
"""Every mapped type by the name that its ids carry."""


@strawberry.type(description="Who asks.")
class Viewer:
    """Who asks."""

    number: str = strawberry.field(description="The staff number.")
    name: str = strawberry.field(description="The name.")
    county: str = strawberry.field(description="The county's name.")
    county_code: DivisionCode = strawberry.field(description="The county's code.")
    today: date = strawberry.field(description="The county's today; a demo county has a day of its own.")
    now: datetime = strawberry.field(description="The county's now.")
    duties: list[Duty] = strawberry.field(description="The duties held today.")
    permissions: list[Action] = strawberry.field(description="What they allow.")
    programmes: list[str] = strawberry.field(description="The programmes that the county runs, by code.")


described(About, "ConditionAbout", "What a condition under which somebody may act is about.")
described(Step, "CaseStep", "What may be done to a case beside what its stage waits for.")


@strawberry.type(description="One condition under which somebody may act.")
class Condition:
    """One condition under which somebody may act."""

    about: About = strawberry.field(description="What it is about.")
    met: bool = strawberry.field(description="Whether it is met.")
    words: str = strawberry.field(description="Why, in words.")


@strawberry.type(description="Why somebody may do something, or may not 无权原因.")
class Denial:
    """Why somebody may do something, or may not."""

    allowed: bool = strawberry.field(description="Whether every condition is met.")
    conditions: list[Condition] = strawberry.field(description="The conditions, in the order in which they are asked.")


def _listed(cls: Any, filter: Any, description: str, unless: Mapping[str, MappedCondition] | None = None) -> Any:
    """A root field that lists a mapped type; ``unless`` says by field of the filter what holds where that is none."""

    async def resolve(self: Any, info: strawberry.Info, **arguments: Any) -> Any:
        reader, given = request_of(info).reader, arguments.get("filter")
        stated = {name for name in unless or {} if getattr(given, name, strawberry.UNSET) is not strawberry.UNSET}
        also = [condition(reader.sight) for name, condition in (unless or {}).items() if name not in stated]
        return await reader.list(info, cls, arguments, also)

    own = signed(resolve, page_arguments(filter, orders_of(cls)), Connection[cls])
    return strawberry.field(resolver=own, description=description, metadata={ACTION: entity_of(cls).read})


def _says(words: str) -> Any:
    return strawberry.argument(description=words)


@strawberry.type(description="Everything that can be asked. One request reads one state of the database.")
class Query:
    """Everything that can be asked."""

    divisions: Connection[Division] = _listed(Division, DivisionFilter, "Administrative divisions, by code.")
    organizations: Connection[Organization] = _listed(Organization, OrganizationFilter, "Organizations.")
    officers: Connection[Officer] = _listed(Officer, OfficerFilter, "Officers, by staff number.")
    pairings: Connection[Pairing] = _listed(Pairing, PairingFilter, "Pairings in sight, by village.")
    helpers: Connection[Helper] = _listed(
        Helper, HelperFilter, "Who has registered to help; an agent sees the own one."
    )
    needs: Connection[Need] = _listed(Need, NeedFilter, "What villages need, by village.")
    agreements: Connection[Agreement] = _listed(Agreement, AgreementFilter, "Agreements in sight, by village.")
    plan_lines: Connection[PlanLine] = _listed(
        PlanLine, PlanLineFilter, "What is planned under the agreements in sight, by year and day."
    )
    deliveries: Connection[Delivery] = _listed(
        Delivery, DeliveryFilter, "What was delivered, of what is in sight, by day."
    )
    support_bases: Connection[SupportBase] = _listed(
        SupportBase, SupportBaseFilter, "Bases in sight, by division; an agent sees the own one."
    )
    base_assessments: Connection[BaseAssessment] = _listed(
        BaseAssessment, BaseAssessmentFilter, "How bases in sight stood against the checklist, by day."
    )
    base_subsidies: Connection[BaseSubsidy] = _listed(
        BaseSubsidy, BaseSubsidyFilter, "What bases in sight are due, by year."
    )
    handouts: Connection[Handout] = _listed(
        Handout, HandoutFilter, "What households and persons in sight need, and what became of it, by village."
    )
    handout_batches: Connection[HandoutBatch] = _listed(
        HandoutBatch, HandoutBatchFilter, "What was bought to be handed out, by day."
    )
    households: Connection[Household] = _listed(Household, HouseholdFilter, "Households in sight.")
    persons: Connection[Person] = _listed(Person, PersonFilter, "Persons in sight, by village.")
    schooling: Connection[Schooling] = _listed(
        Schooling, SchoolingFilter, "Where persons in sight go to school; a school sees its own roll."
    )
    circumstances: Connection[Circumstance] = _listed(
        Circumstance,
        CircumstanceFilter,
        "What offices keep lists of, of persons in sight 情形: certificates of disability, the minimum living "
        "guarantee, deaths, custody, moving away.",
        unless={"known_at": known_now},
    )
    discrepancies: Connection[Discrepancy] = _listed(
        Discrepancy, DiscrepancyFilter, "What lists say otherwise than the register, by village and person."
    )
    income: Connection[IncomeLine] = _listed(IncomeLine, IncomeFilter, "The income ledger, by household and day.")
    cases: Connection[Case] = _listed(Case, CaseFilter, "Cases in sight, of all programmes that the county runs.")
    attestations: Connection[Attestation] = _listed(
        Attestation,
        AttestationFilter,
        "What organizations are asked to attest, as it was asked; an organization sees its own.",
    )
    notices: Connection[Notice] = _listed(Notice, NoticeFilter, "Notices in sight, by village.")
    public_objections: Connection[PublicObjection] = _listed(
        PublicObjection, PublicObjectionFilter, "What the public handed in against notices in sight, the oldest first."
    )
    samples: Connection[Sample] = _listed(Sample, SampleFilter, "Samples in sight, in their order.")
    batches: Connection[PaymentBatch] = _listed(PaymentBatch, BatchFilter, "Batches in sight, in their order.")
    month_runs: Connection[MonthRun] = _listed(
        MonthRun, MonthRunFilter, "When months were decided for everybody in areas in sight, the newest first."
    )
    budget_lines: Connection[BudgetLine] = _listed(BudgetLine, None, "Budget lines in sight, by code.")
    bank_templates: Connection[BankTemplate] = _listed(BankTemplate, None, "How banks want payment lists, by channel.")
    awards: Connection[Award] = _listed(Award, AwardFilter, "What is due, and what was adjusted, by case.")
    waits: Connection[PaymentWait] = _listed(PaymentWait, WaitFilter, "Who waits for money, in the order of the list.")
    provisions: Connection[Provision] = _listed(Provision, ProvisionFilter, "The county's own documents, newest first.")
    policy_rules: Connection[PolicyRule] = _listed(
        PolicyRule, None, "The county's own rules on who may do what, as they stand, newest first."
    )
    jobs: Connection[Job] = _listed(Job, JobFilter, "Jobs in sight, newest first.")
    audit: Connection[AuditEntry] = _listed(AuditEntry, AuditFilter, "The audit record in sight, newest first.")

    @strawberry.field(
        description="The end of the chain that the audit record is sealed with, to be written down elsewhere: "
        "`bangfu audit verify --head` proves that the chain still leads through it.",
        metadata={ACTION: Action.READ_AUDIT},
    )
    async def audit_head(self, info: strawberry.Info) -> AuditHead:
        """The end of the chain of the audit record."""
        request = request_of(info)
        async with request.session() as session:
            end = await chain.head(session, request.who.county.id)
            waiting = await chain.count_unsealed(session, request.who.county.id, end)
        return AuditHead(number=end.number, digest=end.digest.hex(), sealed_at=end.sealed_at, unsealed=waiting)

    @strawberry.field(description="Who asks.")
    def viewer(self, info: strawberry.Info) -> Viewer:
        """Who asks."""
        request = request_of(info)
        who, today = request.who, request.who.at.today
        held = who.actor.duties(today)
        may = who.permissions
        return Viewer(
            number=who.actor.number,
            name=who.actor.name,
            county=who.county.name,
            county_code=DivisionCode(who.county.area[0]),
            today=today,
            now=who.at.now,
            duties=[duty for duty in Duty if duty in held],
            permissions=[action for action in Action if action in may],
            programmes=list(request.programmes),
        )

    @strawberry.field(description="The object of an id; null if there is none in sight.")
    async def node(self, info: strawberry.Info, id: Annotated[strawberry.ID, _says("Its id.")]) -> Node | None:
        """The object of an id."""
        return (await _nodes(info, [id]))[0]

    @strawberry.field(description="The objects of ids, in their order; null where there is none in sight.")
    async def nodes(
        self,
        info: strawberry.Info,
        ids: Annotated[list[strawberry.ID], _says("Their ids, at most 100.")],
    ) -> list[Node | None]:
        """The objects of ids."""
        return await _nodes(info, ids)

    @strawberry.field(description="The division of a code; null if there is none today.")
    async def division(
        self, info: strawberry.Info, code: Annotated[DivisionCode, _says("Its code.")]
    ) -> Division | None:
        """The division of a code."""
        return await request_of(info).reader.one(info, Division, models.Division.code == code)  # type: ignore[return-value]

    @strawberry.field(
        description="The household of a number; null if there is none in sight.",
        metadata={ACTION: Action.READ_REGISTERS},
    )
    async def household(
        self,
        info: strawberry.Info,
        number: Annotated[str, _says("Its number in the register.")],
    ) -> Household | None:
        """The household of a number."""
        return await request_of(info).reader.one(info, Household, models.Household.number == number)  # type: ignore[return-value]

    @strawberry.field(
        description="Why this amount, why not: the answer for a household in a period, also where it never applied; "
        "null if it is not in sight. Where the programme is for persons, it is the answer for a person.",
        metadata={ACTION: Action.READ_CASES},
    )
    async def why(
        self,
        info: strawberry.Info,
        household: Annotated[str, _says("The number of the household, or of the person, in the register.")],
        programme: Annotated[str, _says("The code of the programme.")],
        period: Annotated[str, _says("The period.")],
    ) -> Receipt | None:
        """Why this amount, why not."""
        request = request_of(info)
        ground = await ground_in(info, programme, period)
        async with request.session() as session:
            try:
                return Receipt(source=await why(session, request.who, ground, household))
            except Refused:
                return None

    @strawberry.field(
        description="What became of a household's money, step by step, in the order in which it became known: due, "
        "paid, arrived or sent back, corrected, paid again; null if the household is not in sight.",
        metadata={ACTION: Action.READ_PAYMENTS},
    )
    async def payment_trail(
        self, info: strawberry.Info, household: Annotated[str, _says("Its number in the register.")]
    ) -> list[TrailStep] | None:
        """What became of a household's money."""
        request = request_of(info)
        async with request.session() as session:
            try:
                steps = await payments.trail(session, request.who, household, list(request.programmes))
            except Refused:
                return None
        return [
            TrailStep(
                day=own.day,
                kind=own.kind,
                title=request.say(own.title_text),
                amount=None if own.amount_fen is None else Money(own.amount_fen),
                programme=own.programme,
                period=own.period,
                instalment=own.instalment,
                batch=own.batch,
                account_masked=own.account_masked,
                words=own.words,
            )
            for own in steps
        ]

    @strawberry.field(
        description="Why an officer may not do something, or may: every condition in turn, today. With a household, "
        "what its case in the programme and period waits for; where the programme is for persons, with a person.",
        metadata={ACTION: Action.READ_POLICY},
    )
    async def why_denied(
        self,
        info: strawberry.Info,
        officer: Annotated[str, _says("The staff number.")],
        action: Annotated[Action, _says("What the officer wants to do.")],
        programme: Annotated[str | None, _says("The code of the programme.")] = None,
        period: Annotated[str | None, _says("The period; needed with a programme.")] = None,
        stage: Annotated[str | None, _says("The code of the stage; needs a programme.")] = None,
        household: Annotated[
            str | None, _says("The number of the household, or of the person, in the register; needs a programme.")
        ] = None,
        step: Annotated[
            Step | None, _says("What else is to be done to its case than the stage waits for; needs a household.")
        ] = None,
    ) -> Denial:
        """Why an officer may not do something."""
        request = request_of(info)
        if (programme is None) is not (period is None) or (programme is None and stage is not None):
            raise bad_input("State `programme` and `period` together, and a `stage` only with them.")
        ground = None if programme is None or period is None else await ground_in(info, programme, period)
        async with request.session() as session:
            found = await why_denied(session, request.who, officer, action, ground, stage, household, step)
        return Denial(
            allowed=all(one.met for one in found),
            conditions=[Condition(about=one.about, met=one.met, words=request.say(one.text)) for one in found],
        )

    @strawberry.field(
        description="What a document of the county, a draft or a released one, comes to in a period, for the cases in "
        "sight; null if there is none of that id.",
        metadata={ACTION: Action.READ_CASES},
    )
    async def provision_preview(
        self,
        info: strawberry.Info,
        id: Annotated[strawberry.ID, _says("The document's id.")],
        period: Annotated[str, _says("The period, such as the plan year `2021`.")],
    ) -> ProvisionPreview | None:
        """What a document of the county comes to."""
        request = request_of(info)
        key = decode_id(entity_of(Provision), id)
        if key is None:
            return None
        async with request.session() as session:
            try:
                found = await simulate.preview(session, request.who, request.plugins, key, period)
            except Refused as refusal:
                if {problem.code for problem in refusal.problems} == {Code.NOT_FOUND}:
                    return None
                raise
        return previewed(info, found)

    @strawberry.field(description="The programmes of this installation, and which of them the county runs.")
    async def programmes(self, info: strawberry.Info) -> list[Programme]:
        """The programmes."""
        return await programmes_of(info)


async def _nodes(info: strawberry.Info, ids: list[strawberry.ID]) -> list[Node | None]:
    """The objects of ids, in as many statements as there are types among them."""
    if len(ids) > 100:
        raise bad_input(f"`ids` holds {len(ids)} ids; at most 100 go in one request.")
    request = request_of(info)
    may = request.who.permissions
    found: dict[str, Any] = {}
    for name in sorted({split_id(given)[0] for given in ids} & set(MAPPED)):
        needed = entity_of(MAPPED[name]).read
        if needed is None or needed in may:
            found.update(await request.reader.node(info, MAPPED[name], ids))
    return [found.get(given) for given in ids]


def query_of(programme: CoreProgramme) -> type:
    """The root field of one programme: a period of it, in its own types."""
    types = types_of(programme)

    async def period(self: Any, info: strawberry.Info, period: Any) -> Any:
        ground = await ground_in(info, programme.code, period)
        return types.period(ground=ground)

    period.__annotations__ = {
        "info": strawberry.Info,
        "period": Annotated[str, _says("The period, such as the plan year `2021`.")],
        "return": types.period,
    }
    own = strawberry.field(
        resolver=period,
        description=f"One period of the programme in this county: {programme.title.en} {programme.title.zh}.",
    )
    return strawberry.type(type(f"{prefix_of(programme.code)}Query", (), {programme.code: own}))
