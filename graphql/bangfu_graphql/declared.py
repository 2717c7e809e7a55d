"""What a programme declares beside its rules: its clauses, its stages, who takes part, what is had once, what goes
together."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import Enum
from typing import Any

import strawberry

from bangfu import process
from bangfu.cases.ground import Ground
from bangfu.policy import title_of
from bangfu.process import Duty
from bangfu.programme import CarrierKind, ClaimOf, ClauseState, Exclusion, Programme, Span, Stacks
from bangfu.programme import clauses_of as answered_by
from bangfu_graphql.requests import request_of, say
from bangfu_graphql.scalars import OrganizationKind, Percentage, described, value

described(CarrierKind, "ClauseCarrierKind", "What kind of thing carries out a clause.")
described(ClauseState, "ClauseState", "How far a clause is carried out.")


@strawberry.type(description="Something of a programme that carries out a clause.")
class ClauseCarrier:
    """Something of a programme that carries out a clause."""

    kind: CarrierKind = strawberry.field(description="What kind of thing it is.")
    name: str = strawberry.field(description="Its code; of an exclusion or a stacking, the other programme's.")
    title: str = strawberry.field(description="What it is called, or what it says.")


@strawberry.type(
    description="A clause of a programme's documents, what carries it out, and what of it is not carried out."
)
class Clause:
    """A clause of a programme's documents."""

    document: str = strawberry.field(description="The document.")
    clause: str = strawberry.field(description="The clause.")
    heading: str = strawberry.field(description="What it is about.")
    state: ClauseState = strawberry.field(description="How far it is carried out.")
    carried_out_by: list[ClauseCarrier] = strawberry.field(description="What carries it out.")
    left_out: str | None = strawberry.field(
        description="What of it is deliberately not carried out, and why; null where nothing is."
    )
    missing: str | None = strawberry.field(description="What of it is not carried out yet; null where nothing is.")


def clauses_of(info: strawberry.Info, programme: Programme) -> list[Clause]:
    """Every clause of a programme's documents, in their order."""
    return [
        Clause(
            document=one.title,
            clause=one.clause,
            heading=one.heading,
            state=one.state,
            carried_out_by=[
                ClauseCarrier(kind=carrier.kind, name=carrier.name, title=say(info, carrier.title))
                for carrier in one.carriers
            ],
            left_out=say(info, one.left_out) if one.left_out else None,
            missing=say(info, one.missing) if one.missing else None,
        )
        for one in answered_by(programme)
    ]


@strawberry.enum(description="What is done at a stage.")
class StageKind(Enum):
    """What is done at a stage."""

    PLAN = value("plan", "the plan is made 制定计划")
    VERIFICATION = value("verification", "everyone who must sign signs 核实签字")
    SELECTION = value("selection", "a village selects within its quota 名额内评选")
    NOTICE = value("notice", "the result is posted in public 公示")
    ACCEPTANCE = value("acceptance", "it is accepted on the spot 验收")
    SAMPLE = value("sample", "a sample is drawn and checked 抽查")
    PAYMENT = value("payment", "it is paid 拨付")
    MONTHLY = value("monthly", "it is paid every month 按月发放")


_KINDS: Mapping[type[process.Stage], StageKind] = {
    process.Plan: StageKind.PLAN,
    process.Verify: StageKind.VERIFICATION,
    process.Select: StageKind.SELECTION,
    process.Notice: StageKind.NOTICE,
    process.Accept: StageKind.ACCEPTANCE,
    process.Sample: StageKind.SAMPLE,
    process.Pay: StageKind.PAYMENT,
    process.Monthly: StageKind.MONTHLY,
}


@strawberry.type(description="How a village selects: within a share of its registered households, rounded down.")
class StageQuota:
    """How a village selects."""

    rate: Percentage = strawberry.field(description="The share.")
    minimum: int = strawberry.field(description="At least so many, where there is any such household.")
    counted: list[str] = strawberry.field(description="Which households it is a share of, by standing, in words.")


@strawberry.type(description="Which part of an award a stage pays.")
class StageInstalment:
    """Which part of an award a stage pays."""

    number: int = strawberry.field(description="Which instalment it is, counted from 1.")
    count: int = strawberry.field(description="How many instalments there are.")
    share: Percentage | None = strawberry.field(description="Its share of the award; null where it pays the whole.")


@strawberry.type(description="A stage of a programme's process.")
class Stage:
    """A stage of a programme's process."""

    kind: StageKind = strawberry.field(description="What is done at it.")
    duties: list[Duty] = strawberry.field(
        description="Who carries it out; of signatures, everyone who must sign in a poor village."
    )
    accounts: bool = strawberry.field(description="Whether a determination is made at it, which its signers sign.")
    answers: str | None = strawberry.field(
        description="The role of those who take part and must have answered before; null where nobody must."
    )
    returns_to: str | None = strawberry.field(
        description="The stage to which a case goes back from it; null if to none."
    )
    quota: StageQuota | None = strawberry.field(description="Of a selection, its quota.")
    instalment: StageInstalment | None = strawberry.field(
        description="Of a payment, which part of the award; null of what is paid every month."
    )

    code: str = strawberry.field(description="Its code.")
    title: str = strawberry.field(description="Its name.")
    opens: date | None = strawberry.field(description="Its first day; null where the plan gives none.")
    deadline: date | None = strawberry.field(
        description="Its last day, grace included; null where the plan gives none."
    )
    cites: list[str] = strawberry.field(description="The clauses that ask for it.")


def stages_of(info: strawberry.Info, ground: Ground) -> list[Stage]:
    """The stages of a period by its newest edition."""
    proceedings = ground.latest.proceedings
    return [
        Stage(
            code=stage.code,
            title=say(info, stage.title),
            opens=proceedings.opens(stage),
            deadline=proceedings.deadline(stage),
            cites=list(stage.cites),
            kind=_KINDS[type(stage)],
            duties=[duty for duty in Duty if duty in proceedings.duties(stage)],
            accounts=stage.code in ground.programme.process.accounts(),
            answers=getattr(stage, "answers", None),
            returns_to=getattr(stage, "returns_to", None),
            quota=_quota(info, stage, proceedings.parameters),
            instalment=_instalment(stage, proceedings),
        )
        for stage in ground.programme.process.stages
    ]


@strawberry.type(description="A time of the plan in which something is done that is no step of a case 日程.")
class Milestone:
    """A time of the plan in which something is done that is no step of a case."""

    code: str = strawberry.field(description="Its code.")
    title: str = strawberry.field(description="What is done.")
    opens: date = strawberry.field(description="Its first day.")
    closes: date = strawberry.field(description="Its last day.")
    cites: list[str] = strawberry.field(description="The clauses that ask for it.")


def milestones_of(info: strawberry.Info, ground: Ground) -> list[Milestone]:
    """The times of the plan in a period that are no stages, by its newest edition."""
    return [
        Milestone(code=own.code, title=say(info, own.title), opens=opens, closes=closes, cites=list(own.cites))
        for own, opens, closes in ground.latest.milestones
    ]


def _quota(info: strawberry.Info, stage: process.Stage, parameters: Any) -> StageQuota | None:
    if not isinstance(stage, process.Select):
        return None
    return StageQuota(
        rate=Percentage(getattr(parameters, stage.rate)),
        minimum=getattr(parameters, stage.minimum),
        counted=[say(info, title_of(one)) for one in sorted(getattr(parameters, stage.counted))],
    )


def _instalment(stage: process.Stage, proceedings: process.Proceedings) -> StageInstalment | None:
    if not isinstance(stage, process.Pay) or isinstance(stage, process.Monthly):
        return None
    shares = getattr(proceedings.parameters, stage.shares).rates if stage.shares else None
    return StageInstalment(
        number=stage.instalment,
        count=len(list(proceedings.process.kind(process.Pay))),
        share=Percentage(shares[stage.instalment - 1]) if shares else None,
    )


described(Span, "ClaimSpan", "For how long something holds.")
described(ClaimOf, "ClaimOf", "Who takes something that can be had once.")


@strawberry.type(description="How a household besides the applicant takes part in a case.")
class ParticipantRole:
    """How a household besides the applicant takes part in a case."""

    code: str = strawberry.field(description="Its code.")
    title: str = strawberry.field(description="Its name.")
    cites: str = strawberry.field(description="The document and clause that say so.")
    signs: bool = strawberry.field(description="Whether the household must agree with its signature.")
    vouched_by: Duty | None = strawberry.field(
        description="Who confirms what the plan says of the household; null if nobody must."
    )


@strawberry.type(description="Something that a household can have once in a span 限领.")
class ProgrammeClaim:
    """Something that a household can have once in a span."""

    kind: str = strawberry.field(description="Its code.")
    title: str = strawberry.field(description="Its name.")
    cites: str = strawberry.field(description="The document and clause that say so.")
    of: ClaimOf = strawberry.field(description="Who takes it.")
    role: str | None = strawberry.field(description="Of those who take part, in which role; else null.")
    span: Span = strawberry.field(description="For how long it is had once.")
    switched_off_by: str | None = strawberry.field(
        description="The parameter by which a county can switch it off; null where it cannot."
    )


@strawberry.type(description="Another programme, and whether a household may have its award beside this one's.")
class ProgrammeBeside:
    """Another programme, and whether a household may have its award beside this one's."""

    programme: str = strawberry.field(description="The code of the other programme.")
    title: str | None = strawberry.field(
        description="Its name; null where it is not installed and the programme gives none."
    )
    why: str = strawberry.field(description="Why.")
    cites: str = strawberry.field(description="The document and clause that say so.")
    span: Span | None = strawberry.field(description="Of an exclusion, for how long it holds; else null.")


def roles_of(info: strawberry.Info, programme: Programme) -> list[ParticipantRole]:
    """The roles of those who take part."""
    return [
        ParticipantRole(
            code=role.code, title=say(info, role.title), cites=role.cites, signs=role.signs, vouched_by=role.vouched_by
        )
        for role in programme.participants
    ]


@strawberry.type(description="A fact that an organization may attest itself, instead of its being stated 单位证明.")
class ProgrammeAttestation:
    """A fact that an organization may attest itself."""

    fact: str = strawberry.field(description="The fact, by its name.")
    title: str = strawberry.field(description="As what the organization is asked.")
    cites: str = strawberry.field(description="The document and clause that say so.")
    by: OrganizationKind = strawberry.field(description="The kind of the organization.")
    shows: list[str] = strawberry.field(
        description="The facts, by name, that it is shown beside the name of the person; it sees nothing else."
    )


def attested_of(info: strawberry.Info, programme: Programme) -> list[ProgrammeAttestation]:
    """What organizations may attest."""
    return [
        ProgrammeAttestation(
            fact=one.fact,
            title=say(info, one.title),
            cites=one.cites,
            by=OrganizationKind(one.by),
            shows=list(one.shows),
        )
        for one in programme.attested
    ]


def claims_of(info: strawberry.Info, programme: Programme) -> list[ProgrammeClaim]:
    """What can be had once."""
    return [
        ProgrammeClaim(
            kind=claim.kind,
            title=say(info, claim.title),
            cites=claim.cites,
            of=claim.per,
            role=claim.role,
            span=claim.period,
            switched_off_by=claim.unless.parameter if claim.unless else None,
        )
        for claim in programme.claims
    ]


def excluded_by(info: strawberry.Info, programme: Programme) -> list[ProgrammeBeside]:
    """What does not go together with a programme, whichever of the two says so."""
    found = request_of(info).plugins.exclusions(programme.code)
    return [_beside(info, code, one, one.period) for code, one in sorted(found.items())]


def stacked_with(info: strawberry.Info, programme: Programme) -> list[ProgrammeBeside]:
    """What goes together with a programme."""
    return [_beside(info, one.programme, one, None) for one in programme.stacks]


def _beside(info: strawberry.Info, code: str, one: Exclusion | Stacks, span: Span | None) -> ProgrammeBeside:
    other = request_of(info).plugins.programmes.get(code)
    own = one.title if isinstance(one, Stacks) else None
    return ProgrammeBeside(
        programme=code,
        title=say(info, other.title) if other else say(info, own) if own is not None else None,
        why=say(info, one.why),
        cites=one.cites,
        span=span,
    )
