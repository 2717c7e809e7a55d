"""Cases and everything that happens to them: determinations, events, signatures, notices, objections, samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry
from sqlalchemy import ColumnElement, false, func, not_, select

from bangfu import models, notices
from bangfu.access import Action
from bangfu.cases.attesting import in_words
from bangfu.cases.receipts import act_title, answers
from bangfu.cases.views import CaseView, look_at
from bangfu.cases.whom import Whom
from bangfu.db.bulk import among
from bangfu.documents.posters import PAPERS
from bangfu.notices import NoticeState, in_state, next_day, state_of, unshown
from bangfu.payments import Kind
from bangfu.process import Duty
from bangfu.programme import Programme
from bangfu.rules.book import Outcome
from bangfu.text import Text
from bangfu_graphql.mapping import (
    Sight,
    column,
    derived,
    filters,
    gathered,
    many,
    mapped,
    one,
    pages,
    part_of_a_case,
    where,
)
from bangfu_graphql.money import Award
from bangfu_graphql.months import CaseMonth, months_field
from bangfu_graphql.nodes import Connection, Node
from bangfu_graphql.people import Division, Household, Officer, Organization, Person, within
from bangfu_graphql.receipts import Receipt
from bangfu_graphql.scalars import DivisionCode, Money, Percentage, described
from bangfu_graphql.work import File

Rows = Sequence[Mapping[str, Any]]


def _known(attribute: Any) -> Any:
    """Rows of the programmes that this schema knows, and no others."""
    return lambda sight: among(attribute, sight.programmes)


# --- determinations -------------------------------------------------------------------------------------------

_PROGRAMME = (
    select(models.Edition.programme)
    .where(
        models.Edition.tenant_id == models.DeterminationRow.tenant_id,
        models.Edition.id == models.DeterminationRow.edition_id,
    )
    .scalar_subquery()
    .label("programme")
)


@mapped(
    models.DeterminationRow,
    order=(models.DeterminationRow.case_id, models.DeterminationRow.round),
    alone=part_of_a_case(models.DeterminationRow),
    tells=[_PROGRAMME],
    typename=lambda sight, row: sight.typename(row["programme"], "Determination"),
    read=Action.READ_CASES,
    interface=True,
)
class Determination(Node):
    """A determination 核算结果: what the rule book says of one household, never changed once made."""

    round: int = column(models.DeterminationRow.round, "Which one of the case it is, counted from 0.")
    stage_code: str = column(models.DeterminationRow.stage, "The stage at which it was made, by its code.")
    outcome: Outcome = column(models.DeterminationRow.outcome, "What it came to.")
    payable: Money = column(models.DeterminationRow.payable_fen, "What is payable by it; 0.00 unless eligible.")
    recorded_at: datetime = column(models.DeterminationRow.recorded_at, "When it was made.")
    known_at: datetime = column(models.DeterminationRow.known_at, "Facts count as they were known at this instant.")
    counted_to: date | None = column(models.DeterminationRow.counted_to, "The last day of income that was counted.")
    digest: str = column(
        models.DeterminationRow.digest, "A SHA-256 of everything it was made from and came to; the same when replayed."
    )
    made_by: Officer | None = one(models.DeterminationRow.officer_id, models.Officer.id, "Who had it made.")


# --- what happened --------------------------------------------------------------------------------------------

_CASE_PROGRAMME = (
    select(models.Case.programme)
    .where(models.Case.tenant_id == models.CaseEvent.tenant_id, models.Case.id == models.CaseEvent.case_id)
    .scalar_subquery()
    .label("programme")
)


def _act(sight: Sight, row: Mapping[str, Any]) -> str:
    return sight.say(act_title(sight.programmes[row["programme"]], row["act"]))


@mapped(
    models.CaseEvent,
    order=(models.CaseEvent.case_id, models.CaseEvent.version),
    alone=part_of_a_case(models.CaseEvent),
    read=Action.READ_CASES,
)
class CaseEvent(Node):
    """One act on a case 办理记录. Never changed."""

    version: int = column(models.CaseEvent.version, "The version of the case that it led to.")
    act: str = column(models.CaseEvent.act, "What was done, by name: `plan`, `sign:accounting`, `post` …")
    title: str = derived([models.CaseEvent.act, _CASE_PROGRAMME], _act, "What was done, in words.")
    from_stage: str = column(models.CaseEvent.from_stage, "The stage before.")
    to_stage: str = column(models.CaseEvent.to_stage, "The stage after.")
    duty: Duty = column(models.CaseEvent.duty, "The duty it was done in.")
    effective_on: date = column(models.CaseEvent.effective_on, "The day it happened.")
    recorded_at: datetime = column(models.CaseEvent.recorded_at, "When it was typed in.")
    reason: str = column(models.CaseEvent.reason, "Why it was late, or corrected; empty where it was neither.")
    evidence: str = column(models.CaseEvent.evidence, "The paper that shows it.")
    late_days: int = column(models.CaseEvent.late_days, "By how many days it was late.")
    finding: str | None = derived(
        [models.CaseEvent.data], lambda sight, row: row["data"].get("finding"), "What was found, where something was."
    )
    officer: Officer | None = one(models.CaseEvent.officer_id, models.Officer.id, "Who did it.")
    recorded_by: Officer | None = one(models.CaseEvent.recorded_by, models.Officer.id, "Who typed it in.")


@mapped(
    models.Signature,
    order=(models.Signature.case_id, models.Signature.recorded_at, models.Signature.id),
    alone=part_of_a_case(models.Signature),
    read=Action.READ_CASES,
)
class Signature(Node):
    """A signature under a stage of a case 签字."""

    stage: str = column(models.Signature.stage, "The stage.")
    round: int = column(models.Signature.round, "The determination that it stands under; see `Case.round`.")
    duty: Duty = column(models.Signature.duty, "The duty signed in.")
    stands_for: list[Duty] = derived(
        [models.Signature.stands_for],
        lambda sight, row: [duty for duty in row["stands_for"].split(",") if duty],
        "Further places that it fills, in a village without a work team.",
    )
    effective_on: date = column(models.Signature.effective_on, "The day of the signature.")
    officer: Officer | None = one(models.Signature.officer_id, models.Officer.id, "Who signed.")
    recorded_by: Officer | None = one(models.Signature.recorded_by, models.Officer.id, "Who typed it in.")


# --- notices --------------------------------------------------------------------------------------------------


@mapped(
    models.NoticeEntry,
    order=(models.NoticeEntry.notice_id, models.NoticeEntry.position, models.NoticeEntry.id),
    alone=part_of_a_case(models.NoticeEntry),
    read=Action.READ_CASES,
)
class NoticeEntry(Node):
    """What a notice shows of one household: the columns that its programme allows, and nothing else 公示条目."""

    position: int = column(models.NoticeEntry.position, "Its number on the notice.")
    beneficiary: str | None = derived(
        [models.NoticeEntry.shown], lambda sight, row: row["shown"].get("beneficiary"), "Who receives 受益对象."
    )
    project: str | None = derived(
        [models.NoticeEntry.shown], lambda sight, row: row["shown"].get("project"), "For what 项目名称."
    )
    standard: str | None = derived(
        [models.NoticeEntry.shown], lambda sight, row: row["shown"].get("standard"), "At which rate 补助标准."
    )
    amount: Money | None = derived(
        [models.NoticeEntry.shown], lambda sight, row: row["shown"].get("amount"), "How much 补助金额."
    )
    case: Annotated[Case, strawberry.lazy("bangfu_graphql.casework")] | None = one(
        models.NoticeEntry.case_id, models.Case.id, "The case."
    )


described(NoticeState, "NoticeState", "How a notice stands today.")


def _of_known_programmes(attribute: Any) -> Any:
    """The condition that a row is of a notice of a programme that this schema knows."""

    def condition(sight: Sight) -> ColumnElement[bool]:
        own = select(models.Notice.id).where(
            models.Notice.tenant_id == sight.tenant,
            models.Notice.id == attribute,
            among(models.Notice.programme, sight.programmes),
        )
        return own.correlate(attribute.class_).exists()

    return condition


@mapped(
    models.NoticeEvidence,
    order=(models.NoticeEvidence.notice_id, models.NoticeEvidence.taken_on, models.NoticeEvidence.id),
    alone=_of_known_programmes(models.NoticeEvidence.notice_id),
    read=Action.READ_CASES,
)
class NoticeEvidence(Node):
    """A photo or a scan that shows that a notice hung 公示凭据."""

    taken_on: date = column(models.NoticeEvidence.taken_on, "The day that it shows.")
    place: str = column(models.NoticeEvidence.place, "The place that it shows.")
    file: File | None = one(models.NoticeEvidence.file_id, models.File.id, "The photo or the scan.")
    attached_by: Officer | None = one(models.NoticeEvidence.officer_id, models.Officer.id, "Who attached it.")
    recorded_at: datetime = column(models.NoticeEvidence.recorded_at, "When it was attached.")


@mapped(
    models.Publication,
    order=(models.Publication.division, models.Publication.id),
    alone=_of_known_programmes(models.Publication.notice_id),
    read=Action.READ_CASES,
)
class Publication(Node):
    """What the public see of a notice 公示公开页, while it is open and no longer."""

    path: str = derived(
        [models.Publication.slug],
        lambda sight, row: f"/public/notices/{row['slug']}",
        "The path of its page, which needs no token.",
    )
    village_path: str = derived(
        [models.Publication.village_slug],
        lambda sight, row: f"/public/villages/{row['village_slug']}",
        "The path of the page of its village, with all that is open there; always the same.",
    )
    posters: list[str] = derived(
        [models.Publication.slug],
        lambda sight, row: [f"/public/notices/{row['slug']}/poster.{paper}.pdf" for paper in PAPERS],
        "The paths of its poster as a PDF, for A4 and for A3.",
    )
    contact: str = column(models.Publication.contact, "Whom its readers can call; empty where the county had not said.")
    count: int = column(models.Publication.count, "How many entries it shows.")
    objections: list[Annotated[PublicObjection, strawberry.lazy("bangfu_graphql.casework")]] = many(
        models.PublicObjection.publication_id,
        "What the public handed in against its entries.",
        local=models.Publication.id,
    )


async def _households(reader: Any, rows: Rows, arguments: Mapping[str, Any]) -> list[str | None]:
    """The number of the household that each objection of the public is against."""
    sight: Sight = reader.sight
    query = (
        select(models.PublicObjection.id, models.Case.number)
        .join(models.Publication, _same(models.Publication, models.PublicObjection.publication_id))
        .join(
            models.NoticeEntry,
            (models.NoticeEntry.tenant_id == models.PublicObjection.tenant_id)
            & (models.NoticeEntry.notice_id == models.Publication.notice_id)
            & (models.NoticeEntry.position == models.PublicObjection.position),
        )
        .join(models.Case, _same(models.Case, models.NoticeEntry.case_id))
        .where(
            models.PublicObjection.tenant_id == sight.tenant,
            among(models.PublicObjection.id, [row["id"] for row in rows]),
        )
    )
    found = {row.id: row.number for row in await reader.now.execute(query)}
    return [found.get(row["id"]) for row in rows]


def _same(model: Any, attribute: Any) -> ColumnElement[bool]:
    """The condition that a row of a table is the one that an attribute names."""
    condition: ColumnElement[bool] = (model.tenant_id == attribute.class_.tenant_id) & (model.id == attribute)
    return condition


def _name(sight: Sight, row: Mapping[str, Any]) -> str:
    sealed = row["name"]
    return "" if sealed is None else sight.vault.reveal(sealed, "public_objection.name", sight.tenant)


@filters
class PublicObjectionFilter:
    """Which objections of the public."""

    pending: bool | None = where(
        lambda s, v: (
            models.PublicObjection.decided_at.is_(None) if v else models.PublicObjection.confirmed.is_not(None)
        ),
        "That wait for an officer to decide, or those that do not.",
    )
    division: DivisionCode | None = where(
        lambda s, v: within(models.PublicObjection.division, v), "Against notices in this division."
    )


@mapped(
    models.PublicObjection,
    order=(models.PublicObjection.handed_in_at, models.PublicObjection.id),
    read=Action.HEAR_OBJECTIONS,
)
class PublicObjection(Node):
    """An objection that somebody handed in on a public page 公众异议, until an officer confirms or dismisses it."""

    receipt: str = column(models.PublicObjection.receipt, "The number of its receipt.")
    division_code: DivisionCode = column(models.PublicObjection.division, "The village.")
    position: int = column(models.PublicObjection.position, "The running number on the notice that it is against.")
    household: str | None = gathered(
        [models.PublicObjection.id], _households, "The number of the household that it is against."
    )
    words: str = column(models.PublicObjection.words, "What is objected; long numbers in it are masked.")
    name: str = derived(
        [models.PublicObjection.name], _name, "Who objects; empty where not stated.", action=Action.READ_OBJECTORS
    )
    phone: str | None = column(
        models.PublicObjection.phone_masked,
        "The telephone of who objects, masked; null where not stated.",
        action=Action.READ_OBJECTORS,
    )
    handed_in_on: date = column(models.PublicObjection.handed_in_on, "The day it was handed in, from which it counts.")
    handed_in_at: datetime = column(models.PublicObjection.handed_in_at, "When it was handed in.")
    confirmed: bool | None = column(
        models.PublicObjection.confirmed,
        "Whether an officer made it an objection against the case; null while pending.",
    )
    reason: str | None = column(models.PublicObjection.reason, "Why it was dismissed; empty where it was confirmed.")
    decided_by: Officer | None = one(models.PublicObjection.decided_by, models.Officer.id, "Who decided.")
    decided_at: datetime | None = column(
        models.PublicObjection.decided_at, "When it was decided on; null while pending."
    )
    publication: Publication | None = one(
        models.PublicObjection.publication_id, models.Publication.id, "The public page it was handed in on."
    )


async def _states(reader: Any, rows: Rows, arguments: Mapping[str, Any]) -> list[NoticeState]:
    """How each notice stands today."""
    sight: Sight = reader.sight
    query = select(models.Notice.id).where(
        models.Notice.tenant_id == sight.tenant,
        among(models.Notice.id, [row["id"] for row in rows]),
        notices.unsettled(sight.tenant),
    )
    objected = set(await reader.now.scalars(query))
    return [state_of(row["first_day"], row["last_day"], row["id"] in objected, sight.today) for row in rows]


@filters
class NoticeFilter:
    """Which notices."""

    programme: str | None = where(lambda s, v: models.Notice.programme == v, "Of this programme.")
    period: str | None = where(lambda s, v: models.Notice.period == v, "Of this period.")
    division: DivisionCode | None = where(lambda s, v: within(models.Notice.division, v), "In this division.")
    open_on: date | None = where(
        lambda s, v: (models.Notice.first_day <= v) & (models.Notice.last_day >= v), "Which stand on this day."
    )
    state: NoticeState | None = where(lambda s, v: in_state(s.tenant, v, s.today), "Which stand so today.")
    lacks_evidence: bool | None = where(
        lambda s, v: unshown(s.tenant) if v else not_(unshown(s.tenant)),
        "Of which nobody has shown yet that they hung 公示未上传凭据, or the others.",
    )


@mapped(
    models.Notice,
    order=(models.Notice.division, models.Notice.id),
    where=_known(models.Notice.programme),
    read=Action.READ_CASES,
)
class Notice(Node):
    """A public notice 公示 in one village."""

    programme: str = column(models.Notice.programme, "The code of the programme.")
    period: str = column(models.Notice.period, "The period.")
    division_code: DivisionCode = column(models.Notice.division, "The village.")
    division: Division | None = one(models.Notice.division, models.Division.code, "The village as it is today.")
    first_day: date = column(models.Notice.first_day, "The first day on which it stands.")
    last_day: date = column(models.Notice.last_day, "The last full day on which it stands.")
    next_day: date = derived(
        [models.Notice.last_day],
        lambda sight, row: next_day(row["last_day"]),
        "The first day on which the next step is possible: the day after the last.",
    )
    state: NoticeState = gathered(
        [models.Notice.id, models.Notice.first_day, models.Notice.last_day], _states, "How it stands today."
    )
    publication: Publication | None = one(
        models.Notice.id,
        models.Publication.notice_id,
        "What the public see of it; null for one of before there were any.",
    )
    evidence: list[NoticeEvidence] = many(
        models.NoticeEvidence.notice_id, "What shows that it hung, by day.", local=models.Notice.id
    )
    place: str = column(models.Notice.place, "Where it hangs; empty where nobody has said.")
    posted_by: Officer | None = one(models.Notice.officer_id, models.Officer.id, "Who posted it.")
    recorded_at: datetime = column(models.Notice.recorded_at, "When it was typed in.")
    entries: Connection[NoticeEntry] = pages(
        Connection[NoticeEntry],
        models.Notice.id,
        models.NoticeEntry.notice_id,
        "What it shows, household by household.",
    )
    objections: list[Annotated[Objection, strawberry.lazy("bangfu_graphql.casework")]] = many(
        models.Objection.notice_id, "The objections it met.", local=models.Notice.id
    )


@mapped(
    models.Objection,
    order=(models.Objection.made_on, models.Objection.id),
    alone=part_of_a_case(models.Objection),
    read=Action.READ_CASES,
)
class Objection(Node):
    """An objection against one household on notice 异议."""

    words: str = column(models.Objection.words, "What is objected.")
    objector: str = column(
        models.Objection.objector, "Who objects; empty where not stated.", action=Action.READ_OBJECTORS
    )
    made_on: date = column(models.Objection.made_on, "The day it was made.")
    settled_on: date | None = column(models.Objection.settled_on, "The day it was settled; null while it is open.")
    upheld: bool | None = column(models.Objection.upheld, "Whether it was right; null while it is open.")
    finding: str = column(models.Objection.finding, "What the re-check found.")
    taken_by: Officer | None = one(models.Objection.taken_by, models.Officer.id, "Who took it down.")
    settled_by: Officer | None = one(models.Objection.settled_by, models.Officer.id, "Who settled it.")
    case: Annotated[Case, strawberry.lazy("bangfu_graphql.casework")] | None = one(
        models.Objection.case_id, models.Case.id, "The case."
    )


# --- samples --------------------------------------------------------------------------------------------------


@filters
class SampleUnitFilter:
    """Which cases of a frame."""

    drawn: bool | None = where(lambda s, v: models.SampleUnit.drawn.is_(v), "Drawn ones, or the others.")
    passed: bool | None = where(lambda s, v: models.SampleUnit.passed.is_(v), "With this result.")


@mapped(
    models.SampleUnit,
    order=(models.SampleUnit.draw_id, models.SampleUnit.position, models.SampleUnit.id),
    alone=part_of_a_case(models.SampleUnit),
    read=Action.READ_CASES,
)
class SampleUnit(Node):
    """One case of a frame, whether it was drawn, and the result if so 抽查对象."""

    position: int = column(models.SampleUnit.position, "Its place in the drawn order.")
    drawn: bool = column(models.SampleUnit.drawn, "Whether it was drawn.")
    passed: bool | None = column(models.SampleUnit.passed, "The result; null where none is due or it is awaited.")
    finding: str = column(models.SampleUnit.finding, "What was found.")
    checked_on: date | None = column(models.SampleUnit.checked_on, "The day of the check.")
    checked_by: Officer | None = one(models.SampleUnit.checked_by, models.Officer.id, "Who checked it.")
    case: Annotated[Case, strawberry.lazy("bangfu_graphql.casework")] | None = one(
        models.SampleUnit.case_id, models.Case.id, "The case."
    )
    sample: Annotated[Sample, strawberry.lazy("bangfu_graphql.casework")] | None = one(
        models.SampleUnit.draw_id, models.SampleDraw.id, "The draw."
    )


@filters
class SampleFilter:
    """Which draws."""

    programme: str | None = where(lambda s, v: models.SampleDraw.programme == v, "Of this programme.")
    period: str | None = where(lambda s, v: models.SampleDraw.period == v, "Of this period.")


@mapped(
    models.SampleDraw,
    where=_known(models.SampleDraw.programme),
    read=Action.READ_CASES,
)
class Sample(Node):
    """A drawn sample 抽查: seed, frame and size, so that anyone can draw it again."""

    programme: str = column(models.SampleDraw.programme, "The code of the programme.")
    period: str = column(models.SampleDraw.period, "The period.")
    number: int = column(models.SampleDraw.number, "Which draw of the period it is.")
    seed: str = column(models.SampleDraw.seed, "The seed.")
    seed_source: str = column(models.SampleDraw.seed_source, "Where the seed comes from.")
    rate: Percentage = column(models.SampleDraw.rate, "The share that was drawn.")
    frame_size: int = column(models.SampleDraw.frame_size, "How many cases the frame held.")
    size: int = column(models.SampleDraw.size, "How many were drawn.")
    digest: str = column(models.SampleDraw.digest, "A SHA-256 of the frame.")
    drawn_on: date = column(models.SampleDraw.drawn_on, "The day of the draw.")
    drawn_by: Officer | None = one(models.SampleDraw.officer_id, models.Officer.id, "Who drew it.")
    units: Connection[SampleUnit] = pages(
        Connection[SampleUnit],
        models.SampleDraw.id,
        models.SampleUnit.draw_id,
        "The frame in its drawn order.",
        filter=SampleUnitFilter,
    )


# --- who takes part -------------------------------------------------------------------------------------------

_PART = (
    select(models.Case.programme)
    .where(models.Case.tenant_id == models.Participant.tenant_id, models.Case.id == models.Participant.case_id)
    .scalar_subquery()
    .label("programme")
)


_NUMBER = func.coalesce(
    select(models.Household.number)
    .where(
        models.Household.tenant_id == models.Participant.tenant_id,
        models.Household.id == models.Participant.household_id,
    )
    .scalar_subquery(),
    "",
).label("household_number")


def _role_title(sight: Sight, row: Mapping[str, Any]) -> str:
    titles = titles_of(sight.programmes[row["programme"]])
    return sight.say(titles[row["role"]])


def titles_of(programme: Programme) -> dict[str, Text]:
    """The two names of everything that a plan states: facts, and roles of those who take part."""
    facts = {name: spec.title for name, spec in programme.stated().items()}
    return facts | {role.code: role.title for role in programme.participants}


@mapped(
    models.Participant,
    order=(models.Participant.case_id, models.Participant.role, _NUMBER, models.Participant.id),
    alone=part_of_a_case(models.Participant),
    read=Action.READ_CASES,
)
class Participant(Node):
    """A household that takes part in another's case 参与户, such as one that is led by it."""

    role: str = column(models.Participant.role, "How it takes part, by the code of the role.")
    title: str = derived([models.Participant.role, _PART], _role_title, "How it takes part, in words.")
    agreed: bool | None = column(
        models.Participant.agreed, "What it answered with its signature; null while it has not answered."
    )
    agreed_on: date | None = column(models.Participant.agreed_on, "The day of its answer.")
    agreed_evidence: str = column(models.Participant.agreed_evidence, "The paper that it signed.")
    agreed_by: Officer | None = one(models.Participant.agreed_by, models.Officer.id, "Who entered its answer.")
    vouched: bool | None = column(
        models.Participant.vouched, "What its linked cadre found; null while nothing is said of it."
    )
    vouched_on: date | None = column(models.Participant.vouched_on, "The day on which that was found.")
    vouched_evidence: str = column(models.Participant.vouched_evidence, "The paper that shows it.")
    vouched_by: Officer | None = one(models.Participant.vouched_by, models.Officer.id, "Whose word it is.")
    joined_at: datetime = column(models.Participant.joined_at, "Since when it takes part.")
    left_at: datetime | None = column(models.Participant.left_at, "Since when it does not any more.")
    household: Household | None = one(models.Participant.household_id, models.Household.id, "The household.")
    case: Annotated[Case, strawberry.lazy("bangfu_graphql.casework")] | None = one(
        models.Participant.case_id, models.Case.id, "The case."
    )


# --- what organizations attest --------------------------------------------------------------------------------


@strawberry.type(description="A fact that an organization is shown of what it is asked to attest.")
class AttestationFact:
    """A fact that an organization is shown of what it is asked to attest."""

    fact: str = strawberry.field(description="The fact, by its name.")
    title: str = strawberry.field(description="It, in words.")
    value: str = strawberry.field(description="What was stated of it, in words.")


def _attested_title(sight: Sight, row: Mapping[str, Any]) -> str:
    declared = sight.programmes[row["programme"]].attestable().get(row["fact"])
    return row["fact"] if declared is None else sight.say(declared.title)


def _card(sight: Sight, row: Mapping[str, Any]) -> list[AttestationFact]:
    return [
        AttestationFact(fact=name, title=sight.say(title), value=sight.say(said))
        for name, title, said in in_words(sight.programmes[row["programme"]], row["card"])
    ]


def _answered(attested: bool | None = None) -> ColumnElement[bool]:
    """The condition that something was answered, in one way if that is stated."""
    found = select(models.AttestationAnswer.id).where(
        models.AttestationAnswer.tenant_id == models.Attestation.tenant_id,
        models.AttestationAnswer.attestation_id == models.Attestation.id,
    )
    if attested is not None:
        found = found.where(models.AttestationAnswer.attested.is_(attested))
    return found.correlate(models.Attestation).exists()


def _asked_or_answered(sight: Sight) -> ColumnElement[bool]:
    """What is asked now, or was answered: of whom nobody is asked any more, nothing is shown."""
    return among(models.Attestation.programme, sight.programmes) & (models.Attestation.gone_at.is_(None) | _answered())


def _asked_in(sight: Sight, code: int) -> ColumnElement[bool]:
    """The condition that the case is of a division, for who may know."""
    return within(models.Attestation.division, code) if sight.who.may(Action.READ_CASES) else false()


@filters
class AttestationFilter:
    """Which things that organizations are asked to attest."""

    programme: str | None = where(lambda s, v: models.Attestation.programme == v, "Of this programme, by its code.")
    period: str | None = where(lambda s, v: models.Attestation.period == v, "Of this period.")
    open: bool | None = where(
        lambda s, v: models.Attestation.gone_at.is_(None) & not_(_answered()) if v else _answered(),
        "Those that wait for an answer, or those that have one.",
    )
    attested: bool | None = where(lambda s, v: _answered(v), "Which the organization attests, or does not.")
    division: DivisionCode | None = where(
        _asked_in, "Of cases in this division; an organization does not learn where somebody lives."
    )


def _of_known_attestations(sight: Sight) -> ColumnElement[bool]:
    """The condition that an answer is of a programme that this schema knows."""
    own = select(models.Attestation.id).where(
        models.Attestation.tenant_id == sight.tenant,
        models.Attestation.id == models.AttestationAnswer.attestation_id,
        among(models.Attestation.programme, sight.programmes),
    )
    return own.correlate(models.AttestationAnswer).exists()


@mapped(
    models.AttestationAnswer,
    order=(models.AttestationAnswer.answered_at, models.AttestationAnswer.id),
    alone=_of_known_attestations,
    read=Action.READ_ATTESTATIONS,
)
class AttestationAnswer(Node):
    """What an organization answered when it was asked to attest something 证明结果. Given once, never changed."""

    attested: bool = column(models.AttestationAnswer.attested, "Whether it attests it.")
    note: str = column(models.AttestationAnswer.note, "Why it does not; may be empty where it does.")
    answered_on: date = column(models.AttestationAnswer.answered_on, "The day that the answer is of.")
    answered_at: datetime = column(models.AttestationAnswer.answered_at, "When it was given.")
    answered_by: Officer | None = one(models.AttestationAnswer.answered_by, models.Officer.id, "Whose answer it is.")


@mapped(
    models.Attestation,
    order=(models.Attestation.asked_at, models.Attestation.id),
    where=_asked_or_answered,
    read=Action.READ_ATTESTATIONS,
)
class Attestation(Node):
    """What an organization is asked to attest of a case 待证明事项, such as a card that a training base is to sign and
    seal. The organization sees its own: a name and what is shown with it, and nothing else of the case."""

    programme: str = column(models.Attestation.programme, "The code of the programme.")
    period: str = column(models.Attestation.period, "The period.")
    fact: str = column(models.Attestation.fact, "The fact that it attests, by its name.")
    title: str = derived(
        [models.Attestation.programme, models.Attestation.fact],
        _attested_title,
        "As what the organization is asked, in words.",
    )
    name: str = column(models.Attestation.name, "The name of the person.")
    card: list[AttestationFact] = derived(
        [models.Attestation.programme, models.Attestation.card], _card, "What it is shown of what was stated."
    )
    organization: Organization | None = one(
        models.Attestation.organization_id, models.Organization.id, "The organization that is asked."
    )
    asked_at: datetime = column(models.Attestation.asked_at, "Since when it is asked.")
    gone_at: datetime | None = column(
        models.Attestation.gone_at,
        "Since when its answer counts no more, as the plan was corrected; null while it does.",
    )
    answer: AttestationAnswer | None = one(
        models.Attestation.id, models.AttestationAnswer.attestation_id, "Its answer; null while there is none."
    )
    case: Annotated[Case, strawberry.lazy("bangfu_graphql.casework")] | None = one(
        models.Attestation.case_id, models.Case.id, "The case."
    )


# --- cases ----------------------------------------------------------------------------------------------------


@strawberry.type(description="One thing of a plan that is to be corrected.")
class CaseMark:
    """One thing of a plan that is to be corrected."""

    fact: str = strawberry.field(description="The fact that was stated, by its name, or the role of who takes part.")
    title: str = strawberry.field(description="It, in words.")
    note: str = strawberry.field(description="What is wrong with it.")


def _marks(sight: Sight, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    titles = titles_of(sight.programmes[row["programme"]])
    return [
        {"fact": fact, "title": sight.say(titles[fact]) if fact in titles else fact, "note": note}
        for fact, note in (row["marked"] or {}).items()
    ]


async def _views(reader: Any, rows: Rows) -> dict[UUID, CaseView]:
    """The cases as the process sees them today, read once for all the fields that ask."""
    ids = tuple(row["id"] for row in rows)

    async def read() -> dict[UUID, CaseView]:
        sight: Sight = reader.sight
        grounds = await reader.grounds()
        return await look_at(reader.now, sight.who, grounds, ids)

    found: dict[UUID, CaseView] = await reader.once(("views", ids), read)
    return found


async def reached(reader: Any, rows: Rows, arguments: Mapping[str, Any]) -> list[str]:
    """The code of the stage that each case has reached today."""
    views = await _views(reader, rows)
    today = reader.sight.today
    return [views[row["id"]].rules.proceedings.reached(views[row["id"]].view, today) for row in rows]


async def _stage_title(reader: Any, rows: Rows, arguments: Mapping[str, Any]) -> list[str]:
    codes = await reached(reader, rows, arguments)
    views = await _views(reader, rows)
    process = [views[row["id"]].rules.programme.process for row in rows]
    return [reader.sight.say(own.title(code)) for own, code in zip(process, codes, strict=True)]


async def _waits_for(reader: Any, rows: Rows, arguments: Mapping[str, Any]) -> list[list[Duty]]:
    views = await _views(reader, rows)
    today = reader.sight.today
    held = [views[row["id"]].rules.proceedings.waits_for(views[row["id"]].view, today) for row in rows]
    return [[duty for duty in Duty if duty in own] for own in held]


async def _deadline(reader: Any, rows: Rows, arguments: Mapping[str, Any]) -> list[date | None]:
    views = await _views(reader, rows)
    return [views[row["id"]].deadline for row in rows]


async def _overdue(reader: Any, rows: Rows, arguments: Mapping[str, Any]) -> list[bool]:
    deadlines = await _deadline(reader, rows, arguments)
    return [deadline is not None and reader.sight.today > deadline for deadline in deadlines]


async def receipts_of_cases(reader: Any, rows: Rows, arguments: Mapping[str, Any]) -> list[Any]:
    """The receipt of each case, in statements that grow with the number of different periods only."""
    sight: Sight = reader.sight
    grounds = await reader.grounds()
    found: dict[tuple[str, str, UUID], Any] = {}
    for key in sorted({(row["programme"], row["period"]) for row in rows}):
        own = [_whom(row) for row in rows if (row["programme"], row["period"]) == key]
        for whose, receipt in (await answers(reader.now, sight.who, grounds[key], own)).items():
            found[(*key, whose)] = Receipt(source=receipt)
    return [found[row["programme"], row["period"], _whom(row).id] for row in rows]


def _whom(row: Mapping[str, Any]) -> Whom:
    return Whom(row["number"], row["household_id"], row["person_id"])


def standing_determination(sight: Sight) -> ColumnElement[bool]:
    """The determination of the case's present round."""
    return models.DeterminationRow.round == (
        select(models.Case.round)
        .where(models.Case.tenant_id == sight.tenant, models.Case.id == models.DeterminationRow.case_id)
        .scalar_subquery()
    )


def _decided(sight: Sight, value: Outcome) -> ColumnElement[bool]:
    found = select(models.DeterminationRow.case_id).where(
        models.DeterminationRow.tenant_id == sight.tenant,
        models.DeterminationRow.outcome == value.value,
        models.DeterminationRow.case_id == models.Case.id,
        models.DeterminationRow.round == models.Case.round,
    )
    return found.correlate(models.Case).exists()


def _of_households(sight: Sight, value: Sequence[str]) -> ColumnElement[bool]:
    found = select(models.Household.id).where(
        models.Household.tenant_id == sight.tenant, among(models.Household.number, value)
    )
    return models.Case.household_id.in_(found)


@filters
class CaseFilter:
    """Which cases."""

    programme: str | None = where(lambda s, v: models.Case.programme == v, "Of this programme, by its code.")
    period: str | None = where(lambda s, v: models.Case.period == v, "Of this period.")
    household: list[str] | None = where(_of_households, "Of one of these households, by number.")
    number: list[str] | None = where(
        lambda s, v: among(models.Case.number, v),
        "For one of these, by number: households or, where the programme is for persons, persons.",
    )
    division: DivisionCode | None = where(lambda s, v: within(models.Case.division, v), "In this division.")
    stage: list[str] | None = where(
        lambda s, v: among(models.Case.stage, v),
        "Whose last act led to one of these stages. A notice that has stood its time is at `notice` here until "
        "somebody acts on it.",
    )
    outcome: Outcome | None = where(_decided, "Whose standing determination came to this.")
    since: date | None = where(lambda s, v: models.Case.since >= v, "Whose last step was on this day or later.")


@mapped(
    models.Case,
    order={
        "DIVISION": (models.Case.division, models.Case.id),
        "SINCE": (models.Case.since, models.Case.id),
    },
    where=_known(models.Case.programme),
    tells=[models.Case.programme],
    typename=lambda sight, row: sight.typename(row["programme"], "Case"),
    read=Action.READ_CASES,
    interface=True,
)
class Case(Node):
    """A household's or a person's case in one period of a programme 申报."""

    programme: str = column(models.Case.programme, "The code of the programme.")
    period: str = column(models.Case.period, "The period.")
    version: int = column(models.Case.version, "Changes with every act; state it in `seen` to act on what you saw.")
    round: int = column(models.Case.round, "Counts up whenever an earlier result and its signatures no longer stand.")
    stage_code: str = gathered([models.Case.id], reached, "The stage that it has reached today, by its code.")
    stage_title: str = gathered([models.Case.id], _stage_title, "The stage that it has reached today, in words.")
    since: date = column(models.Case.since, "The day of its last step.")
    paused_on: date | None = column(models.Case.paused_on, "The day since which it rests 暂停; null where it does not.")
    marked: list[CaseMark] = derived(
        [models.Case.programme, models.Case.marked],
        _marks,
        "What the applicant is asked to correct 退回修改; empty where nothing is.",
    )
    opened_on: date = column(models.Case.opened_on, "The day of its plan.")
    waits_for: list[Duty] = gathered(
        [models.Case.id], _waits_for, "Who holds it now; nobody while a notice stands and at an end."
    )
    deadline: date | None = gathered(
        [models.Case.id], _deadline, "The last day of its stage; null where there is none."
    )
    overdue: bool = gathered([models.Case.id], _overdue, "Whether its deadline has passed.")
    division_code: DivisionCode = column(models.Case.division, "The village.")
    division: Division | None = one(models.Case.division, models.Division.code, "The village as it is today.")
    number: str = column(
        models.Case.number, "The number of whom it is for: the household's or, where it is for a person, the person's."
    )
    household: Household | None = one(models.Case.household_id, models.Household.id, "The household.")
    person: Person | None = one(
        models.Case.person_id, models.Person.id, "The person whom it is for; null where it is for the household."
    )
    determination: Determination | None = one(
        models.Case.id,
        models.DeterminationRow.case_id,
        "The determination that stands; null until it is accounted, and after it was sent back.",
        where=standing_determination,
    )
    determinations: list[Determination] = many(
        models.DeterminationRow.case_id, "Every determination, in their order.", local=models.Case.id
    )
    events: list[CaseEvent] = many(models.CaseEvent.case_id, "What happened to it, in order.", local=models.Case.id)
    signatures: list[Signature] = many(
        models.Signature.case_id, "Every signature, those that no longer stand among them.", local=models.Case.id
    )
    notice: Notice | None = one(models.Case.notice_id, models.Notice.id, "The notice that it stands on.")
    objections: list[Objection] = many(
        models.Objection.case_id, "Every objection against the household.", local=models.Case.id
    )
    samples: list[SampleUnit] = many(
        models.SampleUnit.case_id, "The frames that it was in, and the results.", local=models.Case.id
    )
    participants: list[Participant] = many(
        models.Participant.case_id,
        "The households that take part in it today, as far as they are in sight.",
        local=models.Case.id,
        where=lambda sight: models.Participant.left_at.is_(None),
    )
    attestations: list[Attestation] = many(
        models.Attestation.case_id,
        "What organizations are asked to attest of it, and what they answered, also before the plan said otherwise.",
        local=models.Case.id,
        where=lambda sight: models.Attestation.gone_at.is_(None) | _answered(),
    )
    award: Award | None = one(
        models.Case.id,
        models.Entitlement.case_id,
        "The first instalment of what the household is due, once every gate is passed; `awards` are all of them.",
        where=lambda sight: (
            models.Entitlement.voided_at.is_(None)
            & (models.Entitlement.kind == Kind.AWARD.value)
            & (models.Entitlement.instalment == 1)
        ),
    )
    awards: list[Award] = many(
        models.Entitlement.case_id,
        "Every instalment that it is due, and every adjustment; also what is due no more.",
        local=models.Case.id,
    )
    months: list[CaseMonth] = months_field()
    receipt: Receipt = gathered(
        [
            models.Case.programme,
            models.Case.period,
            models.Case.number,
            models.Case.household_id,
            models.Case.person_id,
        ],
        receipts_of_cases,
        "Why this amount, why not: the whole answer for the household or the person.",
    )
