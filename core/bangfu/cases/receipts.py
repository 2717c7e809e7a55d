"""Why this amount, why not me: the answer for one beneficiary, from what was stored, and proof that it still comes out
the same.

The answer quotes the clause, the facts with the day they are of, the arithmetic, by how much something was missed,
who signed, and whose document set each number. For who never applied it says what would have come out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Text as Text_
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import CHINA, Entered
from bangfu.cases import attesting
from bangfu.cases.counted import Judged, TookPart, took_part
from bangfu.cases.gather import At, Subject, awaited, closed_to, gather, subject_of, typed
from bangfu.cases.ground import Ground, Rules, thaw
from bangfu.cases.whom import Whom, whom
from bangfu.db.bulk import among
from bangfu.errors import Refused
from bangfu.models import Case, CaseEvent, DeterminationRow, Edition, MonthDecision, MonthResult, Officer
from bangfu.policy import Whose
from bangfu.process import CLOSED, END_TITLES, REFUSED, Duty
from bangfu.programme import BOOK_TITLE, Programme
from bangfu.registry.days import working_days
from bangfu.rules.book import Determination, Outcome
from bangfu.rules.explain import Line
from bangfu.text import Text


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened to the case."""

    act: Text
    officer: str
    duty: Text
    effective_on: date
    recorded_at: datetime
    late_days: int
    note: str


@dataclass(frozen=True, slots=True)
class Authority:
    """The value of one parameter and the document that sets it."""

    title: Text
    value: Text
    since: date
    whose: Whose
    document: str
    clause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came out for one beneficiary, once, with everything that explains it.

    ``decided_at`` is the stage at which it was made, None where it is what would come out. ``facts_as_of`` is the
    reference day, or the day they were known on if earlier.
    """

    decided_at: Text | None
    summary: Text
    outcome: Outcome
    payable: int
    facts: tuple[tuple[Text, Text], ...]
    facts_as_of: date
    known_at: datetime
    lines: tuple[Line, ...]
    authorities: tuple[Authority, ...]
    book: str
    missing: tuple[str, ...]
    """The facts, by name, that are not known and that a clause needed."""
    award: int | None
    """What the amount comes to in fen, whether or not it is due; None where a fact is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt(Result):
    """The answer for one beneficiary: the last result there is, and whatever explains it.

    ``applied`` is whether there is a case; ``summary`` says whether the result stands, stood until the case was sent
    back or ended, or is what would come out. ``earlier`` are the results before it, the latest first, ``took_part`` who
    takes part in the case and whether they are counted, ``attested`` what organizations are asked to attest of it, and
    what they answered.
    """

    number: str
    programme: Text
    period: Text
    applied: bool
    stage: Text | None
    earlier: tuple[Result, ...]
    took_part: tuple[TookPart, ...]
    attested: tuple[attesting.Told, ...]
    history: tuple[Step, ...]


async def why(session: AsyncSession, who: Entered, ground: Ground, number: str) -> Receipt:
    """The answer for the household, or the person, of a number.

    Refuses ``NOT_FOUND``, also where it is out of sight.
    """
    one = await whom(session, who, ground.programme, number)
    return (await answers(session, who, ground, [one]))[one.id]


async def answers(
    session: AsyncSession, who: Entered, ground: Ground, beneficiaries: Collection[Whom]
) -> dict[UUID, Receipt]:
    """The answers for beneficiaries, by id, in as many statements as for one, whatever their number.

    Of who has no case, nothing is told by facts that are closed to whoever asks: they are not known.
    """
    tenant = who.county.id
    asked = {one.id: one for one in beneficiaries}
    of_whom: Any = Case.person_id if ground.programme.is_for_persons else Case.household_id
    query = select(Case).where(
        Case.tenant_id == tenant,
        Case.programme == ground.programme.code,
        Case.period == ground.period.key,
        among(of_whom, asked),
    )
    cases = {case.person_id or case.household_id: case for case in await session.scalars(query)}
    ids = [case.id for case in cases.values()]
    kept = await _kept(session, tenant, ids)
    histories = await _histories(session, who, ground.programme, ids)
    open_ = [own for own in asked if own not in cases or cases[own].id not in kept]
    facts: dict[UUID, dict[str, Any]] = {}
    if open_:
        subjects = [
            subject_of(cases[own]) if own in cases else Subject(asked[own].household, person=asked[own].person)
            for own in open_
        ]
        at = At(ground.programme.process.accounting().code, who.at.today, who.at.now)
        gathered = await gather(session, tenant, ground.latest, subjects, at)
        not_over, closed = awaited(ground.latest, who.at.today), closed_to(who, ground.latest)
        for index, whose in enumerate(open_):
            facts[whose] = {name: column[index] for name, column in gathered.facts.items()}
            if whose not in cases:
                facts[whose] |= dict.fromkeys(closed | not_over)
    rows = {case: own[0] for case, own in kept.items()}
    parts = await took_part(
        session,
        who,
        [
            Judged(id_, ground.editions[row.edition_id], row.known_at)
            if (row := rows.get(id_)) is not None
            else Judged(id_, ground.latest, who.at.now)
            for id_ in ids
        ],
    )
    attested = await attesting.told(session, who, ground.programme, ids)
    found = {}
    for whose, one in asked.items():
        case = cases.get(whose)
        own = kept.get(case.id, []) if case is not None else []
        end = END_TITLES.get(case.stage) if case is not None else None
        if own:
            last = _result(ground, own[0], _standing(case, own[0], one), end)
        else:
            rules, now = ground.latest, who.at.now
            determination = rules.book.decide(typed(rules, facts[whose]), rules.parameters)
            last = explained(rules, facts[whose], determination, now, None, _standing(case, None, one), end)
        found[whose] = Receipt(
            **{name: getattr(last, name) for name in Result.__dataclass_fields__},
            number=one.number,
            programme=ground.programme.title,
            period=ground.period.title,
            applied=case is not None,
            stage=ground.programme.process.title(case.stage) if case is not None else None,
            earlier=tuple(_result(ground, row, Stands.EARLIER) for row in own[1:]),
            took_part=parts.get(case.id, ()) if case is not None else (),
            attested=attested.get(case.id, ()) if case is not None else (),
            history=histories.get(case.id, ()) if case is not None else (),
        )
    return found


async def _kept(session: AsyncSession, tenant: int, cases: Sequence[UUID]) -> dict[UUID, list[DeterminationRow]]:
    """The determinations of each case that has any, the last one first."""
    query = (
        select(DeterminationRow)
        .where(DeterminationRow.tenant_id == tenant, among(DeterminationRow.case_id, cases))
        .order_by(DeterminationRow.case_id, DeterminationRow.round.desc())
    )
    found: dict[UUID, list[DeterminationRow]] = {}
    for row in await session.scalars(query):
        found.setdefault(row.case_id, []).append(row)
    return found


class Stands(Enum):
    """How the result that is explained stands: each with the words that come before it."""

    HOLDS = Text("{result}", "{result}")
    NOT_APPLIED = Text("该户未申报;若申报:{result}", "The household did not apply; if it had: {result}")
    NOT_APPLIED_HIMSELF = Text(
        "本人未申报;若申报:{result}", "There was no application for the person; with one: {result}"
    )
    NOT_YET = Text("尚未核算,以下按目前登记的情况试算:{result}", "Not accounted yet; by what is known so far: {result}")
    SENT_BACK = Text(
        "已退回重新核算,原结果不再有效(原结果:{result})",
        "Sent back to be accounted again; the earlier result no longer stands (it was: {result})",
    )
    ENDED = Text("{end};此前核算结果:{result}", "The case is {end}; before that it came out as: {result}")
    ENDED_EARLY = Text("{end},没有核算;按目前登记的情况:{result}", "The case is {end}; by what is known: {result}")
    EARLIER = Text("此前的核算结果:{result}", "An earlier result: {result}")


def _standing(case: Case | None, kept: DeterminationRow | None, whom_: Whom) -> Stands:
    if case is None:
        return Stands.NOT_APPLIED if whom_.person is None else Stands.NOT_APPLIED_HIMSELF
    ended = case.stage in END_TITLES.keys() - {CLOSED, REFUSED}
    if kept is None:
        return Stands.ENDED_EARLY if ended else Stands.NOT_YET
    if ended:
        return Stands.ENDED
    return Stands.HOLDS if kept.round == case.round else Stands.SENT_BACK


def _result(ground: Ground, row: DeterminationRow, standing: Stands, end: Text | None = None) -> Result:
    """A determination that was kept, explained."""
    rules = ground.editions[row.edition_id]
    at = ground.programme.process.title(row.stage)
    return explained(rules, row.facts, stored(rules, row), row.known_at, at, standing, end)


def explained(
    rules: Rules,
    facts: Mapping[str, Any],
    determination: Determination,
    known_at: datetime,
    decided_at: Text | None,
    standing: Stands,
    end: Text | None = None,
) -> Result:
    """A determination with everything that explains it; ``facts`` are in raw form."""
    own = typed(rules, facts)
    explainer = rules.explainer
    result = explainer.summary(determination)
    parameters = rules.programme.policy.parameters
    return Result(
        decided_at=decided_at,
        summary=standing.value.filled(result=result, end=end or result),
        outcome=determination.outcome,
        payable=determination.payable,
        facts=tuple(
            (spec.title, explainer.shown_fact(spec, getattr(own, name))) for name, spec in explainer.trace.facts.items()
        ),
        facts_as_of=min(rules.period.reference_day, known_at.astimezone(CHINA).date()),
        known_at=known_at,
        lines=tuple(explainer.lines(own, determination)),
        authorities=(
            *_moved(rules),
            *(
                Authority(parameters[name].title, rules.shown(name), r.since, r.whose, r.document, r.clause)
                for name, r in rules.resolved.items()
                if name in explainer.parameters_read()
            ),
        ),
        book=rules.version,
        missing=determination.missing,
        award=cast(int | None, determination.values["award"]),
    )


def _moved(rules: Rules) -> list[Authority]:
    """By which document of its own the county decides by this rule book, where it does so by its own."""
    moved = rules.moved_by
    if moved is None:
        return []
    book, since = Text(str(rules.book_since), str(rules.book_since)), date.fromisoformat(moved["since"])
    return [Authority(BOOK_TITLE, book, since, Whose.COUNTY, moved["document"], moved["clause"])]


def stored(rules: Rules, row: DeterminationRow | MonthResult) -> Determination:
    """A determination as it was kept."""
    missing = tuple(name for name in rules.book.traced().used_facts if row.facts[name] is None)
    return Determination(Outcome(row.outcome), row.values_, row.payable_fen, missing)


ACTS = {
    "plan": Text("制定计划", "planned"),
    "amend": Text("更正计划", "plan corrected"),
    "account": Text("收入核算", "accounted"),
    "post": Text("公示", "posted on notice"),
    "object": Text("提出异议", "objected to"),
    "settle": Text("处理异议", "objection settled"),
    "accept": Text("乡镇验收", "accepted"),
    "send_back": Text("退回", "sent back"),
    "draw": Text("列入抽查总体", "put in the sampling frame"),
    "check": Text("抽查", "spot-checked"),
    "sample_passed": Text("抽查通过", "sample settled"),
    "release": Text("放行拨付", "payment released"),
    "recalculate": Text("重新核算", "recalculated"),
    "recheck": Text("登记复核结果", "re-checked"),
    "conclude": Text("公示期满", "notice concluded"),
    "select": Text("评选入选", "selected"),
    "pass_over": Text("未入选", "not selected"),
    "return": Text("退回修改", "sent back for correction"),
    "withdraw": Text("撤回", "withdrawn"),
    "stop": Text("终止", "stopped"),
    "pause": Text("暂停", "paused"),
    "resume": Text("恢复", "resumed"),
    "undo": Text("撤销上一步", "last step taken back"),
    "reverify": Text("重新核查", "verified again"),
    "carry": Text("结转", "carried into the next year"),
}
"""The acts of a case by name; a signature is named after its stage."""
_OF_PERSONS = {
    "plan": Text("申请", "applied"),
    "amend": Text("更正申请", "application corrected"),
    "account": Text("资格核定", "determined"),
}
"""The same, where the programme is for persons: nobody plans anything."""


async def _histories(
    session: AsyncSession, who: Entered, programme: Programme, cases: Sequence[UUID]
) -> dict[UUID, tuple[Step, ...]]:
    """What happened to each case."""
    rows = await session.execute(
        select(CaseEvent, Officer.name)
        .join(Officer, (Officer.tenant_id == CaseEvent.tenant_id) & (Officer.id == CaseEvent.officer_id))
        .where(CaseEvent.tenant_id == who.county.id, among(CaseEvent.case_id, cases))
        .order_by(CaseEvent.case_id, CaseEvent.version)
    )
    steps: dict[UUID, tuple[Step, ...]] = {}
    for event, officer in rows:
        note = "; ".join(part for part in (event.reason, event.evidence, str(event.data.get("finding") or "")) if part)
        step = Step(
            act_title(programme, event.act),
            officer,
            Duty(event.duty).title_text,
            event.effective_on,
            event.recorded_at,
            event.late_days,
            note,
        )
        steps[event.case_id] = (*steps.get(event.case_id, ()), step)
    return steps


def act_title(programme: Programme, act: str) -> Text:
    """The two names of an act; a signature is named after its stage."""
    if programme.is_for_persons and act in _OF_PERSONS:
        return _OF_PERSONS[act]
    if act in ACTS:
        return ACTS[act]
    stage = programme.process.title(act.removeprefix("sign:"))
    return Text(f"{stage.zh}签字", f"signed {stage.en}")


# --- replay ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Replay:
    """How stored determinations came out when computed again: how many agree, and what does not, by case."""

    same: int
    faults: tuple[tuple[UUID, str], ...]


async def replay(
    session: AsyncSession, who: Entered, programme: Programme, period: str, cases: Sequence[UUID] | None = None
) -> Replay:
    """Compute stored determinations again from their stored facts, with the parameters and the book of their day.

    A book that is no longer installed, or whose text has changed, is a fault and not an excuse.
    """
    tenant = who.county.id
    own = programme.period.period(period)
    working = await working_days(session, tenant)
    rules: dict[UUID, Rules | str] = {}
    query = select(Edition).where(
        Edition.tenant_id == tenant, Edition.programme == programme.code, Edition.period == period
    )
    for edition in await session.scalars(query):
        try:
            rules[edition.id] = thaw(programme, own, edition, working)
        except Refused as refusal:
            rules[edition.id] = str(refusal)
    rows = select(DeterminationRow).where(
        DeterminationRow.tenant_id == tenant, among(DeterminationRow.edition_id, rules)
    )
    if cases is not None:
        rows = rows.where(among(DeterminationRow.case_id, cases))
    same, faults = 0, list[tuple[UUID, str]]()
    if programme.process.monthly is not None:
        same, faults = await _replay_months(session, tenant, rules, cases)
    for row in await session.scalars(rows.order_by(DeterminationRow.case_id, DeterminationRow.id)):
        found = rules[row.edition_id]
        fault = found if isinstance(found, str) else _difference(found, row)
        if fault:
            faults.append((row.case_id, fault))
        else:
            same += 1
    return Replay(same, tuple(faults))


async def _replay_months(
    session: AsyncSession, tenant: int, rules: Mapping[UUID, Rules | str], cases: Sequence[UUID] | None
) -> tuple[int, list[tuple[UUID, str]]]:
    """Compute again what months were decided by: every decision counts, though those who are alike share a result."""
    query = (
        select(MonthResult, func.count(), func.min(MonthDecision.case_id.cast(Text_)))
        .join(
            MonthDecision,
            (MonthDecision.tenant_id == MonthResult.tenant_id) & (MonthDecision.result_id == MonthResult.id),
        )
        .where(MonthResult.tenant_id == tenant, among(MonthResult.edition_id, rules))
        .group_by(MonthResult.tenant_id, MonthResult.id)
    )
    if cases is not None:
        query = query.where(among(MonthDecision.case_id, cases))
    same, faults = 0, list[tuple[UUID, str]]()
    for row, count, first in await session.execute(query):
        found = rules[row.edition_id]
        fault = found if isinstance(found, str) else _difference(found, row)
        if fault:
            faults.append((UUID(first), f"{fault} (x{count})"))
        else:
            same += count
    return same, faults


def _difference(rules: Rules, row: DeterminationRow | MonthResult) -> str:
    """What comes out differently, or nothing."""
    again = rules.book.decide(typed(rules, row.facts), rules.parameters)
    kept = stored(rules, row)
    if again == kept:
        return ""
    differing = sorted(name for name in again.values if again.values[name] != kept.values.get(name))
    return f"{', '.join(differing) or 'outcome'}: {kept.outcome} {kept.payable} → {again.outcome} {again.payable}"
