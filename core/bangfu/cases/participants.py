"""参与户: households that take part in another's case, what each of them answered, and what its cadre confirmed.

They are named with the plan. Each answers by its own signature, and the cadre who is linked to it confirms or denies
what the plan says of it; both are facts that the determination counts, and stay on record when somebody no longer
takes part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, String, column, func, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import audit
from bangfu.access import Action, Entered
from bangfu.cases import claims
from bangfu.cases.ground import Ground
from bangfu.cases.views import Stated, duties_over
from bangfu.db.bulk import among, insert_rows
from bangfu.errors import Code, Problem, Refused
from bangfu.models import Household, HouseholdCadre, Participant, new_id
from bangfu.process import Duty, Verify, duty_names
from bangfu.programme import Role
from bangfu.registry.history import holds
from bangfu.text import Text, day


@dataclass(frozen=True, slots=True)
class Place:
    """A household by its id, its village and its number."""

    id: UUID
    division: int
    number: str


Parts = Mapping[str, Sequence[Place]]
"""Who takes part, by role."""


@dataclass(frozen=True, slots=True)
class Taking:
    """A household that takes part in a case as it stands: the number, its answer and its cadre's word; None is none
    yet."""

    case: UUID
    role: str
    number: str
    agreed: bool | None
    vouched: bool | None


async def standing(session: AsyncSession, who: Entered, cases: Sequence[UUID]) -> list[Taking]:
    """Who takes part in some cases, in one statement."""
    rows = await session.execute(
        select(Participant.case_id, Participant.role, Household.number, Participant.agreed, Participant.vouched)
        .join(Household, (Household.tenant_id == Participant.tenant_id) & (Household.id == Participant.household_id))
        .where(Participant.tenant_id == who.county.id, among(Participant.case_id, cases), Participant.left_at.is_(None))
        .order_by(Participant.case_id, Participant.role, Household.number)
    )
    return [Taking(*row) for row in rows.all()]


def ill_named(ground: Ground, named: Mapping[str, Sequence[str]], number: str) -> Problem | None:
    """What is wrong with who is said to take part in the case of a household: a role there is not, nobody, somebody
    twice, or the household itself."""
    roles = {role.code: role for role in ground.programme.participants}
    for code in named:
        if code not in roles:
            return Code.STATED_NOT_ALLOWED.problem("participants", code, fact=code, known=", ".join(roles))
    for code, role in roles.items():
        own = list(named.get(code, ()))
        if not own or len(set(own)) != len(own) or number in own:
            return Code.PARTICIPANTS_NEEDED.problem("participants", code, role=role.title)
    return None


async def claim(session: AsyncSession, who: Entered, ground: Ground, cases: Sequence[UUID]) -> None:
    """Take again what those claim who take part in cases that stand again. Refuses ``TAKEN_PART``."""
    if not cases or not ground.programme.claims:
        return
    rows = await session.scalars(
        select(Participant).where(
            Participant.tenant_id == who.county.id, among(Participant.case_id, cases), Participant.left_at.is_(None)
        )
    )
    wanted = [
        one
        for row in rows
        for one in claims.of_participants(ground.latest, row.case_id, row.role, [(row.household_id, row.division)])
    ]
    if lost := await claims.take(session, who, ground.latest, wanted):
        raise Refused([claims.refusal(lost[0], await _number(session, who, lost[0].whose))])


async def _number(session: AsyncSession, who: Entered, household: UUID) -> str:
    query = select(Household.number).where(Household.tenant_id == who.county.id, Household.id == household)
    return await session.scalar(query) or ""


async def join(session: AsyncSession, who: Entered, ground: Ground, joining: Mapping[UUID, Parts]) -> None:
    """Write down who takes part in new cases and what they claim; refuses ``TAKEN_PART`` if another case has it."""
    rows, wanted = [], []
    for case, parts in joining.items():
        for role, places in parts.items():
            rows += [_row(who, case, role, place) for place in places]
            wanted += claims.of_participants(ground.latest, case, role, [(p.id, p.division) for p in places])
    if lost := await claims.take(session, who, ground.latest, wanted):
        raise Refused([claims.refusal(lost[0], await _number(session, who, lost[0].whose))])
    await insert_rows(session, Participant, rows)


async def change(session: AsyncSession, who: Entered, ground: Ground, changing: Mapping[UUID, Parts]) -> None:
    """Who takes part in cases whose plan is corrected: who still does keeps the answer; who no longer does has left."""
    if not ground.programme.participants or not changing:
        return
    current = (
        await session.scalars(
            select(Participant).where(
                Participant.tenant_id == who.county.id,
                among(Participant.case_id, changing),
                Participant.left_at.is_(None),
            )
        )
    ).all()
    wanted = {
        (case, role, place.id): place
        for case, parts in changing.items()
        for role, own in parts.items()
        for place in own
    }
    left = [row for row in current if (row.case_id, row.role, row.household_id) not in wanted]
    await session.execute(
        update(Participant)
        .where(Participant.tenant_id == who.county.id, among(Participant.id, [row.id for row in left]))
        .values(left_at=who.at.now)
        .execution_options(synchronize_session=False)
    )
    gone = [
        one
        for row in left
        for one in claims.of_participants(ground.latest, row.case_id, row.role, [(row.household_id, row.division)])
    ]
    await claims.give_back(session, who, ground.latest, {}, gone)
    known = {(row.case_id, row.role, row.household_id) for row in current}
    new = {key: place for key, place in wanted.items() if key not in known}
    await insert_rows(session, Participant, [_row(who, case, role, place) for (case, role, _), place in new.items()])
    # A case that was withdrawn gave back what it claimed, also for who takes part still.
    await claim(session, who, ground, list(changing))


def _row(who: Entered, case: UUID, role: str, place: Place) -> dict[str, object]:
    return {
        "tenant_id": who.county.id,
        "id": new_id(),
        "case_id": case,
        "role": role,
        "household_id": place.id,
        "division": place.division,
        "joined_at": who.at.now,
        "agreed_evidence": "",
        "vouched_evidence": "",
    }


# --- answers --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """A household that takes part in a case, whose signature, or whose cadre's word, somebody has to enter."""

    applicant: str
    number: str
    division: int
    role: Role
    signature: bool
    word: bool
    deadline: date | None


async def asked_of(session: AsyncSession, who: Entered, ground: Ground) -> list[Asked]:
    """The households whose signature or word the actor has to enter, by village and number, in one statement.

    It does not ask for the case to be in sight: a cadre is linked to the household that takes part.
    """
    case, query = _taking_part(who, ground)
    query = query.where((Participant.agreed.is_(None)) | (Participant.vouched.is_(None)))
    found = []
    for row in await session.execute(query.order_by(Participant.division, Household.number, case.c.applicant)):
        part, stage = row.Participant, _asks(ground, row.stage, row.Participant.role)
        if stage is None:
            continue
        role = _role(ground, part.role)
        held = duties_over(who.actor, who.at.today, part.division, row.officer_id)
        signature = role.signs and part.agreed is None and bool(_enter_answers(ground, stage) & held)
        word = role.vouched_by in held and part.vouched is None
        if signature or word:
            deadline = ground.latest.proceedings.deadline(stage)
            found.append(Asked(row.applicant, row.number, part.division, role, signature, word, deadline))
    return found


def _taking_part(who: Entered, ground: Ground) -> tuple[Any, Any]:
    """Who takes part in cases of a period, as far as the household is in sight, with the stage and the applicant of the
    case, whether or not that is, and the cadre who is linked to the household."""
    tenant = who.county.id
    told = [column(name, String) for name in ("programme", "period", "stage", "applicant")]
    case = func.case_taken_part_in(Participant.id).table_valued(*told).lateral()
    query = (
        select(Participant, Household.number, case.c.stage, case.c.applicant, HouseholdCadre.officer_id)
        .join(Household, (Household.tenant_id == tenant) & (Household.id == Participant.household_id))
        .join(case, true())
        .outerjoin(
            HouseholdCadre,
            (HouseholdCadre.tenant_id == tenant)
            & (HouseholdCadre.household_id == Participant.household_id)
            & holds(HouseholdCadre, who.at.today),
        )
        .where(
            Participant.tenant_id == tenant,
            Participant.left_at.is_(None),
            case.c.programme == ground.programme.code,
            case.c.period == ground.period.key,
        )
    )
    return case, query


def _asks(ground: Ground, at: str, role: str) -> Verify | None:
    """The stage that waits for the answers of a role, if a case is there."""
    stage = ground.programme.process.at(at, Verify)
    return stage if stage is not None and stage.answers == role else None


def _role(ground: Ground, code: str) -> Role:
    return next(role for role in ground.programme.participants if role.code == code)


def _enter_answers(ground: Ground, stage: Verify) -> set[Duty]:
    """Who may enter the answer of a household."""
    return {duty for duty in _signers(ground, stage) if duty is not Duty.LINKED_CADRE} | {Duty.TOWNSHIP_CLERK}


async def answer(
    session: AsyncSession,
    who: Entered,
    ground: Ground,
    applicant: str,
    household: str,
    *,
    agreed: bool,
    stated: Stated | None = None,
) -> None:
    """Enter what a household that takes part answered with its signature 签字认可, or its refusal, on what evidence.

    Whoever signs the stage that waits for it enters it, or who may type in for others. Refuses ``NOT_FOUND``,
    ``WRONG_STAGE``, ``NOT_YOUR_DUTY``, ``EVIDENCE_NEEDED`` and ``DAY_IN_FUTURE``.
    """
    stated = stated or Stated()
    row, role, stage, _ = await _open(session, who, ground, applicant, household)
    if not role.signs:
        raise Code.NOT_FOUND.refuse("household", what=household)
    _require_duty(who, stage, _enter_answers(ground, stage), duties_over(who.actor, who.at.today, row.division, None))
    _require_evidence(who, stated)
    await _write(
        session,
        who,
        Participant.id == row.id,
        {
            "agreed": agreed,
            "agreed_on": stated.on(who),
            "agreed_evidence": stated.evidence,
            "agreed_by": who.actor.id,
            "agreed_at": who.at.now,
        },
    )
    await audit.record(
        session, who.at.now, who.actor.id, "answer", f"case/{row.case_id}", {"household": household, "agreed": agreed}
    )


async def vouch(
    session: AsyncSession,
    who: Entered,
    ground: Ground,
    applicant: str,
    household: str,
    *,
    vouched: bool,
    stated: Stated | None = None,
) -> None:
    """Enter what the cadre who is linked to a household that takes part found of it 联户干部核实.

    Only that cadre does, or who may type it in for him. Refuses ``NOT_FOUND``, ``WRONG_STAGE``, ``NOT_YOUR_DUTY``,
    ``EVIDENCE_NEEDED`` and ``DAY_IN_FUTURE``.
    """
    stated = stated or Stated()
    row, role, stage, cadre = await _open(session, who, ground, applicant, household)
    if role.vouched_by is None:
        raise Code.NOT_FOUND.refuse("household", what=household)
    signatory = stated.officer(who)
    if signatory.id != who.actor.id:
        who.require(Action.RECORD_FOR_OTHERS, ground.programme.code, stage.code)
        _require_evidence(who, stated)
    held = duties_over(signatory, stated.on(who), row.division, cadre)
    _require_duty(who, stage, {role.vouched_by}, held)
    _require_day(who, stated)
    await _write(
        session,
        who,
        Participant.id == row.id,
        {
            "vouched": vouched,
            "vouched_on": stated.on(who),
            "vouched_evidence": stated.evidence,
            "vouched_by": signatory.id,
            "vouched_at": who.at.now,
        },
    )
    await audit.record(
        session, who.at.now, who.actor.id, "vouch", f"case/{row.case_id}", {"household": household, "vouched": vouched}
    )


async def _open(
    session: AsyncSession, who: Entered, ground: Ground, applicant: str, household: str
) -> tuple[Participant, Role, Verify, UUID | None]:
    """Who takes part in the case of an applicant, his role, the stage that waits for it, and his cadre.

    The case itself may be out of sight: a cadre is linked to the household that takes part, and not to the applicant.
    """
    who.require(Action.WORK_ON_CASES, ground.programme.code)
    if not ground.runs(who.at.today):
        raise Code.PROGRAMME_OFF.refuse("programme", programme=ground.programme.title)
    case, query = _taking_part(who, ground)
    query = query.where(Household.number == household, case.c.applicant == applicant)
    found = (await session.execute(query)).first()
    if found is None:
        raise Code.NOT_FOUND.refuse("household", what=household)
    stage = _asks(ground, found.stage, found.Participant.role)
    if stage is None:
        title = ground.programme.process.title(found.stage)
        raise Code.WRONG_STAGE.refuse("stage", stage=title, act=Text("登记参与户的答复", "entering an answer"))
    return found.Participant, _role(ground, found.Participant.role), stage, found.officer_id


def _signers(ground: Ground, stage: Verify) -> frozenset[Duty]:
    named = stage.signers
    return named if isinstance(named, frozenset) else getattr(ground.latest.parameters, named)


def _require_duty(who: Entered, stage: Verify, able: set[Duty], held: frozenset[Duty]) -> None:
    if not able & held:
        raise Code.NOT_YOUR_DUTY.refuse("duty", stage=stage.title, duties=duty_names(able))


def _require_evidence(who: Entered, stated: Stated) -> None:
    _require_day(who, stated)
    if not stated.evidence.strip():
        raise Code.EVIDENCE_NEEDED.refuse("evidence", day=day(stated.on(who)))


def _require_day(who: Entered, stated: Stated) -> None:
    if stated.on(who) > who.at.today:
        raise Code.DAY_IN_FUTURE.refuse("day", day=day(stated.on(who)), today=day(who.at.today))


async def _write(session: AsyncSession, who: Entered, which: ColumnElement[bool], values: Mapping[str, object]) -> None:
    await session.execute(
        update(Participant)
        .where(Participant.tenant_id == who.county.id, which)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
