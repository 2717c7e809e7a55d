"""What one person finds at a base and another agrees 考核, how what was missing is put right 整改, and what is due by
the result 应补资金.

An assessment answers every item of the checklist. What is missing is a finding; an assessment with findings is notified
by number, with a last day; each finding is put right with what shows it, and closed by somebody else than who wrote it
and who put it right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Entered
from bangfu.cases.charges import Acting, found, need_text, numbers_on, require_answer
from bangfu.cases.views import Stated
from bangfu.db import hold
from bangfu.db.bulk import insert_rows, update_all
from bangfu.errors import Code, Problem, Refused
from bangfu.inspections.bases import WHAT as BASE
from bangfu.inspections.bases import Persons, base_of, note, wrong_state
from bangfu.inspections.standing import SETTLED, AssessmentState, BaseState, assessment_state, state_of
from bangfu.models import BaseAssessment, BaseFinding, BaseSubsidy, SupportBase, new_id
from bangfu.policy import Resolved
from bangfu.programme import InspectionAct, InspectionProgramme
from bangfu.text import Text

WHAT = Text("考核", "the assessment")
FINDING = Text("考核发现的问题", "the finding")
HIGHEST = 100
"""The best score."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said of an item: whether it applies to the base, whether it is there, what shows it, and what is missing
    where it is not."""

    item: str
    applies: bool = True
    present: bool = True
    evidence: str = ""
    finding: str = ""


@dataclass(frozen=True, slots=True)
class Assessed:
    """What an assessment says: every item answered, the score (0 to 100, by the county's own rule), and whom the base
    serves on the day."""

    answers: Sequence[Answer]
    score: int
    persons: Persons


async def assess(
    session: AsyncSession, who: Entered, programme: InspectionProgramme, id: UUID, said: Assessed, stated: Stated
) -> UUID:
    """Write down how a base stood against the checklist; it counts once another person agrees.

    Refuses ``FORBIDDEN``, ``PROGRAMME_OFF``, ``WHOLE_COUNTY_NEEDED``, ``NOT_YOUR_DUTY``, what is wrong with the day,
    ``NOT_FOUND``, ``INSPECTION_STATE`` for what is no base, ``BEFORE_PREVIOUS_STEP`` for a day before it was confirmed,
    ``BAD_VALUE`` for a score or numbers that cannot be; and of each item ``MISSING_VALUE`` where it is not answered,
    nothing shows it or nothing says what is missing, and ``BAD_VALUE`` for one that there is not, that is answered
    twice, or that is said to be missing and does not apply.
    """
    acting = await Acting.of(session, who, programme, InspectionAct.ASSESS)
    who.require_whole_county()
    columns = acting.by(stated)
    base = await base_of(session, who, programme, id)
    if (state := state_of(base)) is not BaseState.CONFIRMED or base.confirmed_on is None:
        raise wrong_state(BASE, state.title_text, InspectionAct.ASSESS)
    if columns["effective_on"] < base.confirmed_on:
        raise Code.BEFORE_PREVIOUS_STEP.refuse("day", day=columns["effective_on"], previous=base.confirmed_on)
    if not 0 <= said.score <= HIGHEST:
        expected = Text(f"0 至 {HIGHEST}", f"0 to {HIGHEST}")
        raise Code.BAD_VALUE.refuse("score", field=Text("得分", "score"), value=said.score, expected=expected)
    said.persons.require_fit()
    if problems := _wrong(programme, said.answers):
        raise Refused(problems)
    missing = [answer for answer in said.answers if answer.applies and not answer.present]
    made = new_id()
    whose = {
        "tenant_id": who.county.id, "organization_id": base.organization_id, "division": base.division,
        "base_id": base.id,
    }  # fmt: skip
    row = {
        **whose, "id": made, "programme": programme.code, "items": [_item(answer) for answer in said.answers],
        "score": said.score, "placed": said.persons.placed, "led": said.persons.led, "poor": said.persons.poor,
        "finding_count": len(missing), "reason": "", "held_to": {}, **columns,
    }  # fmt: skip
    await insert_rows(session, BaseAssessment, [row])
    findings = [
        {**whose, "id": new_id(), "assessment_id": made, "item": one.item, "finding": one.finding.strip(),
         "written_by": columns["officer_id"], "rectified": "", "evidence": "", "note": ""}
        for one in missing
    ]  # fmt: skip
    await insert_rows(session, BaseFinding, findings)
    await note(session, who, InspectionAct.ASSESS, f"assessment/{made}", programme, findings=len(missing))
    return made


def _item(answer: Answer) -> dict[str, Any]:
    return {
        "item": answer.item, "applies": answer.applies, "present": answer.applies and answer.present,
        "evidence": answer.evidence.strip(),
    }  # fmt: skip


def _wrong(programme: InspectionProgramme, answers: Sequence[Answer]) -> list[Problem]:
    """What is wrong with the answers, each at its place."""
    problems = []
    asked = [answer.item for answer in answers]
    for position, answer in enumerate(answers):
        item, where = programme.item(answer.item), ("answers", position)
        if item is None or answer.item in asked[:position]:
            expected = Text("检查项目,每项一次", "an item of the checklist, each once")
            field = Text("检查项目", "item")
            problems.append(Code.BAD_VALUE.problem(*where, "item", field=field, value=answer.item, expected=expected))
        elif answer.applies and answer.present and not answer.evidence.strip():
            problems.append(Code.MISSING_VALUE.problem(*where, "evidence", field=item.title))
        elif answer.applies and not answer.present and not answer.finding.strip():
            problems.append(Code.MISSING_VALUE.problem(*where, "finding", field=item.title))
        elif (not answer.applies or answer.present) and answer.finding.strip():
            expected = Text("只对适用而缺少的项目填写问题", "a finding only where something applies and is missing")
            problems.append(
                Code.BAD_VALUE.problem(*where, "finding", field=item.title, value=answer.finding, expected=expected)
            )
    return problems + [
        Code.MISSING_VALUE.problem("answers", field=item.title) for item in programme.items if item.code not in asked
    ]


async def _assessment_of(
    session: AsyncSession, who: Entered, programme: InspectionProgramme, id: UUID
) -> BaseAssessment:
    await hold(session, f"assessment/{id}")
    row: BaseAssessment | None = (await found(session, who, BaseAssessment, [id])).get(id)
    if row is None or row.programme != programme.code:
        raise Code.NOT_FOUND.refuse("assessment", what=WHAT)
    return row


async def agree(
    session: AsyncSession, who: Entered, programme: InspectionProgramme, id: UUID, stated: Stated, *, agreed: bool
) -> None:
    """Say whether an assessment is right; one that is not says why, counts for nothing and is made anew.

    Refuses ``FORBIDDEN``, ``PROGRAMME_OFF``, ``WHOLE_COUNTY_NEEDED``, ``NOT_YOUR_DUTY``, what is wrong with the day,
    ``NOT_FOUND``, ``INSPECTION_STATE``, ``SAME_PERSON`` to who wrote it or typed that in, ``REASON_NEEDED`` and
    ``BEFORE_PREVIOUS_STEP``.
    """
    acting = await Acting.of(session, who, programme, InspectionAct.AGREE)
    who.require_whole_county()
    columns = acting.by(stated)
    row = await _assessment_of(session, who, programme, id)
    if (state := assessment_state(row, who.at.today)) is not AssessmentState.WRITTEN:
        raise wrong_state(WHAT, state.title_text, InspectionAct.AGREE)
    require_answer(acting, columns, row, stated, Text("考核人", "who assessed"), agrees=agreed)
    answer = {
        "agreed": agreed, "reason": stated.reason, "agreed_by": columns["officer_id"],
        "agreed_on": columns["effective_on"], "agreed_at": who.at.now,
    }  # fmt: skip
    await update_all(session, BaseAssessment, [id], answer)
    await note(session, who, InspectionAct.AGREE, f"assessment/{id}", programme, stated.reason, agreed=agreed)


# --- what is put right ----------------------------------------------------------------------------------------


async def notify(session: AsyncSession, who: Entered, programme: InspectionProgramme, id: UUID, stated: Stated) -> str:
    """Issue the rectification notice 整改通知书 of an assessment; its number, which counts within the year.

    Its last day is that many calendar days on as the county has laid down. Refuses ``FORBIDDEN``, ``PROGRAMME_OFF``,
    ``WHOLE_COUNTY_NEEDED``, ``NOT_YOUR_DUTY``, what is wrong with the day, ``NOT_FOUND``, ``INSPECTION_STATE``,
    ``BEFORE_PREVIOUS_STEP`` and, until the county has laid down the days, ``PARAMETER_UNSET``.
    """
    acting = await Acting.of(session, who, programme, InspectionAct.NOTIFY)
    who.require_whole_county()
    columns = acting.by(stated)
    await hold(session, f"{programme.code}/notices")
    row = await _assessment_of(session, who, programme, id)
    if (state := assessment_state(row, who.at.today)) is not AssessmentState.TO_NOTIFY or row.agreed_on is None:
        raise wrong_state(WHAT, state.title_text, InspectionAct.NOTIFY)
    day = columns["effective_on"]
    if day < row.agreed_on:
        raise Code.BEFORE_PREVIOUS_STEP.refuse("day", day=day, previous=row.agreed_on)
    within = (await numbers_on(session, acting, stated, programme.rectify_days))[programme.rectify_days]
    issued = select(func.count()).where(
        BaseAssessment.tenant_id == who.county.id,
        BaseAssessment.programme == programme.code,
        BaseAssessment.notice.startswith(f"{day.year}-"),
    )
    number = f"{day.year}-{(await session.scalar(issued) or 0) + 1}"
    notice = {
        "notice": number, "issued_by": columns["officer_id"], "issued_on": day, "issued_at": who.at.now,
        "due_on": day + timedelta(days=within.value), "held_to": _held_to(within),
    }  # fmt: skip
    await update_all(session, BaseAssessment, [id], notice)
    await note(session, who, InspectionAct.NOTIFY, f"assessment/{id}", programme, stated.reason, notice=number)
    return number


def _held_to(number: Resolved) -> dict[str, Any]:
    return {number.name: [number.value, number.document, number.clause]}


async def _finding_of(
    session: AsyncSession, who: Entered, programme: InspectionProgramme, id: UUID, act: InspectionAct
) -> tuple[BaseFinding, BaseAssessment]:
    """A finding that was notified and is not closed, with its assessment, at which nobody else is."""
    row: BaseFinding | None = (await found(session, who, BaseFinding, [id])).get(id)
    if row is None:
        raise Code.NOT_FOUND.refuse("finding", what=FINDING)
    assessment = await _assessment_of(session, who, programme, row.assessment_id)
    state = assessment_state(assessment, who.at.today)
    if state not in (AssessmentState.NOTIFIED, AssessmentState.OVERDUE):
        raise wrong_state(WHAT, state.title_text, act)
    own: BaseFinding = (await found(session, who, BaseFinding, [id]))[id]
    if own.closed_at is not None:
        raise wrong_state(FINDING, Text("已销号", "closed"), act)
    return own, assessment


async def rectify(
    session: AsyncSession, who: Entered, programme: InspectionProgramme, id: UUID, what: str, stated: Stated
) -> None:
    """Say what was done about a finding, with what shows it: by the base's own agent, or the federation for it.

    Refuses ``FORBIDDEN``, ``PROGRAMME_OFF``, ``NOT_YOUR_DUTY``, what is wrong with the day, ``NOT_FOUND``,
    ``INSPECTION_STATE``, ``MISSING_VALUE``, ``EVIDENCE_NEEDED`` and ``BEFORE_PREVIOUS_STEP``.
    """
    acting = await Acting.of(session, who, programme, InspectionAct.RECTIFY)
    row, assessment = await _finding_of(session, who, programme, id, InspectionAct.RECTIFY)
    columns = acting.by(stated, organization=row.organization_id)
    day = columns["effective_on"]
    done = need_text(what, "what", Text("整改情况", "what was done"))
    if not stated.evidence.strip():
        raise Code.EVIDENCE_NEEDED.refuse("evidence", day=day)
    if row.rectified_at is not None:
        raise wrong_state(FINDING, Text("已整改待复查", "put right, and to be re-checked"), InspectionAct.RECTIFY)
    if assessment.issued_on is not None and day < assessment.issued_on:
        raise Code.BEFORE_PREVIOUS_STEP.refuse("day", day=day, previous=assessment.issued_on)
    answer = {
        "rectified": done, "evidence": stated.evidence.strip(), "rectified_by": columns["officer_id"],
        "rectified_on": day, "rectified_at": who.at.now, "rectified_recorded_by": who.actor.id,
    }  # fmt: skip
    await update_all(session, BaseFinding, [id], answer)
    await note(session, who, InspectionAct.RECTIFY, f"finding/{id}", programme, stated.reason)


async def recheck(
    session: AsyncSession, who: Entered, programme: InspectionProgramme, id: UUID, stated: Stated, *, passed: bool
) -> bool:
    """Look again at what was put right 复查: it is closed, or has to be put right again, with the reason; whether by
    that the whole notice is closed.

    Refuses ``FORBIDDEN``, ``PROGRAMME_OFF``, ``WHOLE_COUNTY_NEEDED``, ``NOT_YOUR_DUTY``, what is wrong with the day,
    ``NOT_FOUND``, ``INSPECTION_STATE`` also where nothing was put right yet, ``SAME_PERSON`` to who wrote the finding
    or put it right, or typed either in, ``REASON_NEEDED`` and ``BEFORE_PREVIOUS_STEP``.
    """
    acting = await Acting.of(session, who, programme, InspectionAct.RECHECK)
    who.require_whole_county()
    columns = acting.by(stated)
    row, assessment = await _finding_of(session, who, programme, id, InspectionAct.RECHECK)
    day = columns["effective_on"]
    if row.rectified_at is None or row.rectified_on is None:
        raise wrong_state(FINDING, Text("待整改", "to be put right"), InspectionAct.RECHECK)
    looking = {who.actor.id, columns["officer_id"]}
    if looking & {row.written_by, assessment.recorded_by}:
        raise Code.SAME_PERSON.refuse("id", other=Text("考核人", "who wrote the finding"))
    if looking & {row.rectified_by, row.rectified_recorded_by}:
        raise Code.SAME_PERSON.refuse("id", other=Text("整改人", "who put it right"))
    if not passed and not stated.reason.strip():
        raise Code.REASON_NEEDED.refuse("reason")
    if day < row.rectified_on:
        raise Code.BEFORE_PREVIOUS_STEP.refuse("day", day=day, previous=row.rectified_on)
    answer: dict[str, Any] = {"note": stated.reason.strip()}
    if passed:
        answer |= {"closed_by": columns["officer_id"], "closed_on": day, "closed_at": who.at.now}
    else:
        answer |= dict.fromkeys(("rectified_by", "rectified_on", "rectified_at", "rectified_recorded_by"))
    await update_all(session, BaseFinding, [id], answer)
    still = select(func.count()).where(
        BaseFinding.tenant_id == who.county.id,
        BaseFinding.assessment_id == assessment.id,
        BaseFinding.closed_at.is_(None),
    )
    over = passed and await session.scalar(still) == 0
    if over:
        last = select(func.max(BaseFinding.closed_on)).where(
            BaseFinding.tenant_id == who.county.id, BaseFinding.assessment_id == assessment.id
        )
        await update_all(session, BaseAssessment, [assessment.id], {"closed_on": await session.scalar(last)})
    await note(session, who, InspectionAct.RECHECK, f"finding/{id}", programme, stated.reason, passed=passed)
    return over


# --- what is due by the result --------------------------------------------------------------------------------


async def enter_subsidy(
    session: AsyncSession,
    who: Entered,
    programme: InspectionProgramme,
    id: UUID,
    stated: Stated,
    *,
    replaces: UUID | None = None,
) -> UUID:
    """Enter what an organization is due for the year of an assessment by its result; paying it has a procedure of its
    own.

    The amount is that of the level of the base on the day of the assessment. An organization has one line of a year
    that stands, also where it was two bases in it; that is replaced by name, with the reason. Refuses ``FORBIDDEN``,
    ``PROGRAMME_OFF``, ``WHOLE_COUNTY_NEEDED``, ``NOT_YOUR_DUTY``, what is wrong with the day,
    ``BEFORE_PREVIOUS_STEP`` for one before the result was settled, ``NOT_FOUND``, ``INSPECTION_STATE`` for a result
    that is not settled or not the last that was agreed on in the year, ``REASON_NEEDED``, ``CONFLICT`` where another
    line of the year stands than is replaced, and, until the county has laid down the amount, ``PARAMETER_UNSET``.
    """
    acting = await Acting.of(session, who, programme, InspectionAct.ENTER_SUBSIDY)
    who.require_whole_county()
    columns = acting.by(stated)
    row = await _assessment_of(session, who, programme, id)
    await hold(session, f"{programme.code}/subsidies/{row.organization_id}")
    base: SupportBase = await base_of(session, who, programme, row.base_id)
    if (state := assessment_state(row, who.at.today)) not in SETTLED:
        raise wrong_state(WHAT, state.title_text, InspectionAct.ENTER_SUBSIDY)
    if await _last_agreed(session, row) != id:
        earlier = Text("不是本年度最后一次同意的考核", "not the last that was agreed on in the year")
        raise wrong_state(WHAT, earlier, InspectionAct.ENTER_SUBSIDY)
    settled_on = row.closed_on or row.agreed_on
    if settled_on is not None and columns["effective_on"] < settled_on:
        raise Code.BEFORE_PREVIOUS_STEP.refuse("day", day=columns["effective_on"], previous=settled_on)
    level = programme.level(base.level)
    assert level is not None, base.level
    said = Stated(row.effective_on)
    amount = (await numbers_on(session, acting, said, level.subsidy))[level.subsidy]
    standing = select(BaseSubsidy.id).where(
        BaseSubsidy.tenant_id == who.county.id,
        BaseSubsidy.programme == programme.code,
        BaseSubsidy.organization_id == row.organization_id,
        BaseSubsidy.year == row.effective_on.year,
        BaseSubsidy.replaced_at.is_(None),
    )
    if await session.scalar(standing) != replaces:
        raise Code.CONFLICT.refuse("replaces")
    if replaces is not None:
        if not stated.reason.strip():
            raise Code.REASON_NEEDED.refuse("reason")
        await update_all(session, BaseSubsidy, [replaces], {"replaced_at": who.at.now})
    made = new_id()
    line: Mapping[str, Any] = {
        "tenant_id": who.county.id, "id": made, "base_id": base.id, "organization_id": base.organization_id,
        "division": base.division, "programme": programme.code, "assessment_id": id, "year": row.effective_on.year,
        "level": base.level, "amount_fen": amount.value, "held_to": _held_to(amount), "replaces": replaces, **columns,
    }  # fmt: skip
    await insert_rows(session, BaseSubsidy, [line])
    await note(
        session, who, InspectionAct.ENTER_SUBSIDY, f"assessment/{id}", programme, stated.reason, fen=amount.value
    )
    return made


async def _last_agreed(session: AsyncSession, row: BaseAssessment) -> UUID | None:
    """The last assessment of the organization that was agreed on, of the year of one of them."""
    year, own = row.effective_on.year, BaseAssessment
    query = (
        select(own.id)
        .where(
            own.tenant_id == row.tenant_id,
            own.programme == row.programme,
            own.organization_id == row.organization_id,
            own.agreed.is_(True),
            own.effective_on.between(date(year, 1, 1), date(year, 12, 31)),
        )
        .order_by(own.effective_on.desc(), own.agreed_at.desc(), own.id.desc())
        .limit(1)
    )
    return await session.scalar(query)
