"""What people do to cases, to one or to thousands: the one place where policy, process, money and audit meet.

Every act works alike. The selected cases are read in one statement; the process judges each; what is refused is known
before anything is written; what is allowed is written set-based, each case only if its version is still the one that
was seen. The answer says what was done and what was refused and why. Nothing commits here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import notices, payments
from bangfu.access import Action, Entered, allows, duties_that_may
from bangfu.cases import attesting, claims, shown
from bangfu.cases.gather import At, gather, subject_of, typed
from bangfu.cases.ground import Ground, Rules
from bangfu.cases.views import CaseView, Selection, Stated, duties_over, look
from bangfu.db.bulk import among, insert_rows, update_all
from bangfu.errors import Code, Problem, Refused
from bangfu.models import Case, CaseEvent, DeterminationRow, Signature, new_id
from bangfu.process import (
    END_TITLES,
    REFUSED,
    UNDOABLE,
    Accept,
    Act,
    Monthly,
    Move,
    Notice,
    Pay,
    Process,
    Stage,
    duty_names,
)
from bangfu.rules.book import Determination, Outcome
from bangfu.text import Text, day

Judge: TypeAlias = Callable[[CaseView, Act], Move | Problem]


@dataclass(slots=True)
class Report:
    """What an act came to: whom it was done for, by number, where nothing had changed, and who was refused, with the
    problem."""

    done: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    refused: list[tuple[str, Problem]] = field(default_factory=list)

    def only(self) -> None:
        """For an act on one case: raise its refusal."""
        if self.refused:
            raise Refused([problem for _, problem in self.refused])


# --- accounting -----------------------------------------------------------------------------------------------


async def account(
    session: AsyncSession, who: Entered, ground: Ground, selection: Selection, stated: Stated | None = None
) -> Report:
    """Gather the facts of the selected cases, decide each, and keep the determination with everything that explains it.

    A case whose facts, rules and result are what they were is left as it is, signatures and all; so the same batch
    may be run again at any time. A refused case ends; an incomplete one stays and says what is missing.
    """
    stated = stated or Stated()
    views = await look(session, who, ground, selection, stated.day)
    report = await account_cases(session, who, ground, views, stated)
    note_missing(report, ground, views, selection)
    return report


async def account_cases(
    session: AsyncSession, who: Entered, ground: Ground, views: Sequence[CaseView], stated: Stated
) -> Report:
    """The accounting of cases that have been read; see :func:`account`."""
    rules = ground.latest
    process = rules.programme.process

    def at(case: CaseView) -> str:
        known = case.determined_at if case.view.stage == REFUSED else case.view.stage
        return known if known in process.accounts() else process.accounting().code

    report, moves = judged(who, ground, views, stated, at, lambda case, act: rules.proceedings.account(case.view, act))
    decided: dict[str, dict[str, Any]] = {}
    for stage in process.accounts():
        decided |= await decide(session, who, rules, [case for case, move in moves if move.to == stage], report, stage)
    changes = []
    for case, move in moves:
        if case.number not in decided:
            continue
        row = decided[case.number]
        if (case.digest, case.edition, case.determined_at) == (row["digest"], rules.id, move.to):
            report.unchanged.append(case.number)
            continue
        to = REFUSED if row["outcome"] == Outcome.REFUSED.value else move.to
        row["round"] = case.round if case.digest is None else case.round + 1
        # What is signed from now on is signed under a result that there was not before today.
        since = case.view.since if case.digest is None else max(case.view.since, who.at.today)
        fields = {"edition_id": rules.id, "round": row["round"], "since": since}
        outcome = {"determination": str(row["id"]), "outcome": row["outcome"], "payable_fen": row["payable_fen"]}
        changes.append(Change(case, Move(to, move.duty), fields, outcome))
    done = await write(session, who, "account", changes, stated, report)
    await insert_rows(session, DeterminationRow, [decided[change.case.number] for change in done])
    return report


async def decide(
    session: AsyncSession,
    who: Entered,
    rules: Rules,
    cases: Sequence[CaseView],
    report: Report,
    stage: str,
    on: date | None = None,
) -> dict[str, dict[str, Any]]:
    """The determination of each case at a stage as a row to keep; a case whose facts cannot be computed with is
    reported.

    ``on`` is the day that counts as the day of the determination, today unless stated.
    """
    from bangfu.rules import columns  # a tenth of a second, which most commands can do without

    if not cases:
        return {}
    tenant, now = who.county.id, who.at.now
    subjects = [subject_of(case) for case in cases]
    gathered = await gather(session, tenant, rules, subjects, At(stage, on or who.at.today, now))
    results, faults = columns.decide_each(rules.book, gathered.facts, rules.parameters)
    report.refused += [(cases[index].number, problem) for index, problem in faults.items()]
    steps = tuple(rules.book.traced().steps)
    rows = {}
    for index, result in results:
        facts = {name: column[index] for name, column in gathered.facts.items()}
        values = {name: result[name] for name in steps}
        found = Determination(Outcome(result["outcome"]), values, result["payable"], ())
        rows[cases[index].number] = determination_row(
            who, cases[index], rules, stage, facts, found, gathered.counted_to[index]
        )
    return rows


def determination_row(
    who: Entered,
    case: CaseView,
    rules: Rules,
    stage: str,
    facts: Mapping[str, Any],
    found: Determination,
    counted_to: date | None,
) -> dict[str, Any]:
    """A determination of a case at a stage as a row to keep, by what is known now; its round is the caller's to say."""
    return {
        "tenant_id": who.county.id,
        "id": new_id(),
        "case_id": case.id,
        "stage": stage,
        "division": case.division,
        "edition_id": rules.id,
        "outcome": found.outcome.value,
        "payable_fen": found.payable,
        "facts": dict(facts),
        "step_values": dict(found.values),
        "digest": digest_of(rules, facts, found.values),
        "known_at": who.at.now,
        "counted_to": counted_to,
        "officer_id": who.actor.id,
        "recorded_at": who.at.now,
    }


def digest_of(rules: Rules, facts: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    """A SHA-256 of everything a determination was made from and came to."""
    whole = [rules.version, str(rules.id), facts, values]
    text = json.dumps(whole, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


# --- signatures, notice, acceptance ---------------------------------------------------------------------------


async def sign(
    session: AsyncSession, who: Entered, ground: Ground, selection: Selection, stage: str, stated: Stated | None = None
) -> Report:
    """Sign a stage of the selected cases; the last signature that is needed completes the stage.

    Papers may be typed in whatever their order: the stage is complete on the day of the last of them.
    """
    stated = stated or Stated()
    views = await look(session, who, ground, selection, stated.day)
    if stage in ground.programme.process.accounts():
        views = await _with_news(session, who, views, stage)
    report, moves = judged(
        who, ground, views, stated, stage, lambda case, act: case.rules.proceedings.sign(case.view, act, stage)
    )
    note_missing(report, ground, views, selection)
    on = stated.on(who)
    changes = [
        Change(
            case,
            move,
            {"since": case.view.since if move.to == stage else max(on, case.last_signed or on)},
            {"stands_for": sorted(move.stands_for)} if move.stands_for else {},
        )
        for case, move in moves
    ]
    done = await write(session, who, f"sign:{stage}", changes, stated, report)
    await insert_rows(
        session,
        Signature,
        [
            {
                "tenant_id": who.county.id,
                "id": new_id(),
                "case_id": change.case.id,
                "division": change.case.division,
                "stage": stage,
                "round": change.case.round,
                "duty": change.move.duty.value,
                "stands_for": ",".join(sorted(change.move.stands_for)),
                "officer_id": stated.by(who),
                "effective_on": on,
                "recorded_by": who.actor.id,
                "recorded_at": who.at.now,
            }
            for change in done
        ],
    )
    return report


async def _with_news(session: AsyncSession, who: Entered, views: Sequence[CaseView], stage: str) -> list[CaseView]:
    """The cases, each knowing whether its result would come out differently by what is known now."""
    stale: set[UUID] = set()
    alike: dict[tuple[UUID, date | None], list[CaseView]] = {}
    for case in views:
        if case.view.stage == stage and case.digest is not None:
            alike.setdefault((case.rules.id, case.view.decided_on), []).append(case)
    for (_, on), cases in alike.items():
        fresh = await decide(session, who, cases[0].rules, cases, Report(), stage, on)
        stale |= {case.id for case in cases if fresh.get(case.number, {}).get("digest") != case.digest}
    return [replace(case, view=replace(case.view, stale=case.id in stale)) for case in views]


async def post(
    session: AsyncSession,
    who: Entered,
    ground: Ground,
    selection: Selection,
    stated: Stated | None = None,
    place: str = "",
) -> Report:
    """Post the results of the selected cases in public, one notice a village.

    The notice holds the programme's allow-listed columns and nothing else, frozen as posted.
    """
    stated = stated or Stated()
    process = ground.programme.process
    views = await look(session, who, ground, selection, stated.day)
    report, moves = judged(
        who,
        ground,
        views,
        stated,
        stage_for(Notice, process),
        lambda case, act: case.rules.proceedings.post(case.view, act),
    )
    note_missing(report, ground, views, selection)
    stages = [(case, stage) for case, move in moves if (stage := process.at(move.to, Notice))]
    entries_of = await _shown(session, who, stages)
    posted: dict[tuple[int, str, date], notices.Posted] = {}
    changes = []
    for case, move in moves:
        stage = process.at(move.to, Notice)
        assert stage is not None
        # Editions may give cases of one village notices of different lengths: each has one of its own length.
        first, last = case.rules.proceedings.notice_days(stated.on(who), stage)
        key = (case.division, stage.code, last)
        notice = posted.setdefault(key, notices.Posted(new_id(), case.division, first, last))
        changes.append(Change(case, move, {"notice_id": notice.id}, {"notice": str(notice.id)}))
    done = await write(session, who, "post", changes, stated, report)
    entries = [
        notices.Shown(change.fields["notice_id"], change.case.id, change.case.division, entries_of[change.case.id])
        for change in done
    ]
    used = {entry.notice for entry in entries}
    await notices.publish(
        session,
        who,
        stated.by(who),
        ground.programme,
        ground.period.key,
        place,
        [p for p in posted.values() if p.id in used],
        entries,
    )
    return report


async def _shown(
    session: AsyncSession, who: Entered, cases: Sequence[tuple[CaseView, Notice]]
) -> dict[UUID, dict[str, Any]]:
    """What the notice of its stage shows of each case."""
    asked = {column for _, stage in cases for column in stage.columns}
    told = await shown.columns_of(session, who, [case for case, _ in cases], asked)
    standards: dict[tuple[UUID, str], Text] = {}
    entries = {}
    for case, stage in cases:
        said = standards.setdefault((case.rules.id, stage.code), standard(case.rules, stage))
        values = {
            **told[case.id],
            "project": _project(case, stage),
            "standard": said.zh,
            "amount": case.payable,
        }
        entries[case.id] = {column: values[column] for column in stage.columns}
    return entries


def _project(case: CaseView, stage: Notice) -> str:
    """The projects that the applicant stated, or the programme where a notice names none."""
    if stage.project is None:
        return case.rules.programme.title.zh
    facts = typed(case.rules, {**dict.fromkeys(case.rules.book.traced().facts), **case.stated})
    return "、".join(project.title_text.zh for project in sorted(getattr(facts, stage.project) or ()))


def standard(rules: Rules, stage: Notice) -> Text:
    """The rate of aid as a notice states it, with this period's values."""
    return stage.standard.filled(**{place: rules.shown(place) for place in stage.standard.places()})


async def object_to(
    session: AsyncSession,
    who: Entered,
    ground: Ground,
    number: str,
    words: str,
    objector: str = "",
    stated: Stated | None = None,
) -> Report:
    """Take down an objection against one household on notice; that household waits, the others go on.

    Refuses ``MISSING_VALUE`` without the words of the objection.
    """
    if not words.strip():
        raise Code.MISSING_VALUE.refuse("words", field=Text("异议内容", "what is objected"))
    stated = stated or Stated()
    views = await look(session, who, ground, Selection(numbers=[number]), stated.day)
    report, moves = judged(
        who,
        ground,
        views,
        stated,
        stage_for(Notice, ground.programme.process),
        lambda case, act: case.rules.proceedings.object(case.view, act),
    )
    note_missing(report, ground, views, Selection(numbers=[number]))
    on = stated.on(who)
    changes = [Change(case, move, {"since": max(case.view.since, on)}, {"objection": words}) for case, move in moves]
    for change in await write(session, who, "object", changes, stated, report):
        if change.case.notice is not None:
            await notices.object_to(
                session,
                who,
                stated.by(who),
                change.case.notice,
                change.case.id,
                change.case.division,
                words,
                objector,
                on,
            )
    return report


async def settle(
    session: AsyncSession,
    who: Entered,
    ground: Ground,
    number: str,
    *,
    upheld: bool,
    finding: str,
    stated: Stated | None = None,
) -> Report:
    """Settle the open objections against one household after re-checking; if upheld, the case goes back to its
    accounting."""
    stated = stated or Stated()
    views = await look(session, who, ground, Selection(numbers=[number]), stated.day)
    report, moves = judged(
        who,
        ground,
        views,
        stated,
        stage_for(Notice, ground.programme.process),
        lambda case, act: case.rules.proceedings.settle(case.view, act, upheld, finding),
    )
    note_missing(report, ground, views, Selection(numbers=[number]))
    changes = [
        Change(
            case,
            move,
            sent_back(case, move.to) if upheld else {},
            {"upheld": upheld, "finding": finding},
        )
        for case, move in moves
    ]
    for change in await write(session, who, "settle", changes, stated, report):
        await notices.settle(session, who, stated.by(who), change.case.id, upheld, finding, stated.on(who))
    return report


async def accept(
    session: AsyncSession, who: Entered, ground: Ground, selection: Selection, stated: Stated | None = None
) -> Report:
    """Accept the selected cases on the spot, after their notice has stood its time."""
    stated = stated or Stated()
    views = await look(session, who, ground, selection, stated.day)
    report, moves = judged(
        who,
        ground,
        views,
        stated,
        stage_for(Accept, ground.programme.process),
        lambda case, act: case.rules.proceedings.accept(case.view, act),
    )
    note_missing(report, ground, views, selection)
    await write(session, who, "accept", [Change(case, move, {}, {}) for case, move in moves], stated, report)
    return report


async def conclude(
    session: AsyncSession, who: Entered, ground: Ground, selection: Selection, stated: Stated | None = None
) -> Report:
    """Let the selected cases go on whose notice has stood its time without an open objection 公示期满, where the plan
    asks for no acceptance after it."""
    stated = stated or Stated()
    views = await look(session, who, ground, selection, stated.day)
    report, moves = judged(
        who,
        ground,
        views,
        stated,
        stage_for(Notice, ground.programme.process),
        lambda case, act: case.rules.proceedings.conclude(case.view, act),
    )
    note_missing(report, ground, views, selection)
    await write(session, who, "conclude", [Change(case, move, {}, {}) for case, move in moves], stated, report)
    return report


async def send_back(
    session: AsyncSession,
    who: Entered,
    ground: Ground,
    selection: Selection,
    finding: str,
    stated: Stated | None = None,
) -> Report:
    """Send the selected cases back with what was found; they are accounted, signed and posted again.

    The township does so at acceptance, the county after it, as long as the household stands in no payment batch;
    what it was due until then is void.
    """
    stated = stated or Stated()
    views = await look(session, who, ground, selection, stated.day)

    def judge(case: CaseView, act: Act) -> Move | Problem:
        proceedings = case.rules.proceedings
        back = proceedings.recall if proceedings.recalls(case.view.stage) else proceedings.send_back
        return back(case.view, act, finding)

    def at(case: CaseView) -> str:
        recalled = case.rules.proceedings.recalls(case.view.stage)
        return case.view.stage if recalled else stage_for(Accept, ground.programme.process)(case)

    report, moves = judged(who, ground, views, stated, at, judge)
    note_missing(report, ground, views, selection)
    free = await not_in_batch(session, who, ground, moves, report)
    changes = [Change(case, move, sent_back(case, move.to), {"finding": finding}) for case, move in free]
    await write(session, who, "send_back", changes, stated, report)
    return report


async def not_in_batch(
    session: AsyncSession, who: Entered, ground: Ground, moves: Sequence[tuple[CaseView, Move]], report: Report
) -> list[tuple[CaseView, Move]]:
    """The cases that do not stand in a payment batch with what they are due now; the others are reported.

    No batch of the programme is made until the transaction ends.
    """
    if ground.programme.process.monthly is not None:
        return list(moves)  # a month that is being paid is decided again, whatever becomes of the case
    paying = [case.id for case, _ in moves if ground.programme.process.at(case.view.stage, Pay)]
    held = await payments.standing_in_batch(session, who, ground.programme.code, paying) if paying else set()
    report.refused += [(case.number, Code.IN_BATCH.problem(*case.path)) for case, _ in moves if case.id in held]
    return [(case, move) for case, move in moves if case.id not in held]


# --- what they share ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one case: the move, further fields to set, and what the event keeps.

    ``stated`` is what is said of this case alone, where the act says something else of each.
    """

    case: CaseView
    move: Move
    fields: Mapping[str, Any]
    data: Mapping[str, Any]
    stated: Stated | None = None


def stage_for(kind: type[Stage], process: Process) -> Callable[[CaseView], str]:
    """The stage that an act is of, for each case: the one of the kind that it is at or comes to next, else the first
    there is (and the last of all where there is none: the process then says that it is the wrong one)."""
    codes = [stage.code for stage in process.kind(kind)] or [process.stages[-1].code]

    def at(case: CaseView) -> str:
        here = case.view.stage
        near = [here] if here in END_TITLES else [here, case.rules.proceedings.after(here)]
        return next((code for code in near if code in codes), codes[0])

    return at


def act_of(who: Entered, stated: Stated, division: int, cadre: UUID | None) -> Act:
    """What is stated, as the process judges it over one household, whose linked cadre is given."""
    signatory, on = stated.officer(who), stated.on(who)
    duties = duties_over(signatory, on, division, cadre)
    if signatory.id == who.actor.id:
        # Who has left a duty cannot go on acting in it by stating an earlier day; others can type in what he did.
        duties &= duties_over(signatory, who.at.today, division, cadre)
    return Act(
        on,
        who.at.today,
        signatory.id,
        duties,
        stated.duty,
        stated.reason,
        stated.evidence,
    )


def recorded(who: Entered, ground: Ground, stated: Stated, stage: str) -> Problem | None:
    """What is wrong with who types it in: for somebody else it takes a permission of its own, and always evidence."""
    if stated.signatory is None or stated.signatory.id == who.actor.id:
        return None
    who.require(Action.RECORD_FOR_OTHERS, ground.programme.code, stage)
    if not stated.evidence.strip():
        return Code.EVIDENCE_NEEDED.problem("evidence", day=day(stated.on(who)))
    return None


def permitted(who: Entered, ground: Ground, stated: Stated, stage: str, action: Action) -> Problem | None:
    """That the county does not run the programme today, or that the duties of who did it do not allow it on this
    programme and stage, by the county's own rules or at all.

    Whoever types it in for another needs the permission for that (:func:`recorded`); what is typed in still is the act
    of who did it, and is asked of his duties on that day.
    """
    programme, rules, officer = ground.programme, who.actor.rules, stated.officer(who)
    if not ground.runs(who.at.today):
        return Code.PROGRAMME_OFF.problem("programme", programme=programme.title)
    if officer.id == who.actor.id:
        duties, may = who.actor.duties(who.at.today), who.may(action, programme.code, stage)
    else:
        duties = officer.duties(stated.on(who))
        limited = who.actor.only is not None and action not in who.actor.only
        may = not limited and allows(duties, rules, action, programme.code, stage)
    if may or not duties:
        return None  # the process itself turns away who holds no duty
    able = duty_names(duties_that_may(action, rules, programme.code, stage))
    if not allows(duties, (), action):
        return Code.FORBIDDEN.problem(action=action.title_text, duties=able)
    title = programme.process.title(stage)
    return Code.NOT_ALLOWED_HERE.problem(
        "stage", programme=programme.title, stage=title, action=action.title_text, duties=able
    )


def judged(
    who: Entered,
    ground: Ground,
    views: Sequence[CaseView],
    stated: Stated,
    at: str | Callable[[CaseView], str],
    judge: Judge,
    action: Action = Action.WORK_ON_CASES,
    *,
    resting: bool = False,
) -> tuple[Report, list[tuple[CaseView, Move]]]:
    """What the policy and the process say to an act on each case, before anything is written.

    ``at`` is the stage that the act is of, or tells it of a case. With ``resting`` it can be done to a case that rests.
    """
    report = Report()
    moves = []
    asked: dict[str, Problem | None] = {}
    for case in views:
        stage = at if isinstance(at, str) else at(case)
        if stage not in asked:
            asked[stage] = recorded(who, ground, stated, stage) or permitted(who, ground, stated, stage, action)
        problem = asked[stage] or overtaken(case, stated) or (None if resting else rests(case))
        said = problem or judge(case, act_of(who, stated, case.division, case.cadre))
        if isinstance(said, Problem):
            report.refused.append((case.number, said))
        else:
            moves.append((case, said))
    return report, moves


def overtaken(case: CaseView, stated: Stated) -> Problem | None:
    """That the case is not what it was when the decision was made."""
    if stated.seen.get(case.number, case.version) == case.version:
        return None
    return Code.CONFLICT.problem(*case.path)


def rests(case: CaseView) -> Problem | None:
    """That a case rests, and nothing is done with it."""
    return Code.CASE_PAUSED.problem(*case.path, day=day(case.paused_on)) if case.paused_on else None


def note_missing(report: Report, ground: Ground, views: Sequence[CaseView], selection: Selection) -> None:
    """A beneficiary asked for by number that has no case in sight is reported as not found."""
    found, kind = {case.number for case in views}, ground.programme.beneficiary.value
    report.refused += [
        (number, Code.NOT_FOUND.problem(kind, what=number)) for number in selection.numbers or () if number not in found
    ]


def sent_back(case: CaseView, to: str) -> dict[str, Any]:
    """A case that goes back to a stage begins a new round: result, signatures and notice no longer stand; the history
    keeps them.

    Where it goes back no further than past its result, the result stands, and with it the notice; it is verified again
    from that stage on.
    """
    if _keeps_its_result(case, to):
        return {"draw_id": None}
    return {"round": case.round + 1, "notice_id": None, "draw_id": None}


def _keeps_its_result(case: CaseView, to: str) -> bool:
    codes = [stage.code for stage in case.rules.programme.process.stages]
    return to in codes and case.determined_at is not None and codes.index(to) > codes.index(case.determined_at)


async def write(
    session: AsyncSession, who: Entered, act: str, changes: Sequence[Change], stated: Stated, report: Report
) -> list[Change]:
    """Move the cases, each only if nobody else has since, and write down what happened; the changes that took place.

    What a case that comes to a payment is due by it becomes an entitlement, and what one that leaves it otherwise than
    by being paid was due is due no more.

    Cases that change alike go in one statement; there are as many as there are different changes, not as there are
    cases.
    """
    alike: dict[tuple[int, str], tuple[dict[str, Any], list[Change]]] = {}
    changes = await _claimed(session, who, changes, report)
    arrivals = [_arrived(change) for change in changes]
    dues = {change.case.id: due for change, due in arrivals if due is not None}
    changes = [change for change, _ in arrivals]
    for change in changes:
        values = {"stage": change.move.to, "since": (change.stated or stated).on(who), **change.fields}
        same = (change.case.version, json.dumps(values, default=str, sort_keys=True))
        alike.setdefault(same, (values, []))[1].append(change)
    # Locked in one order, so that two large acts wait for each other and never in a circle.
    ids = [change.case.id for change in changes]
    locked = select(Case.id).where(Case.tenant_id == who.county.id, among(Case.id, ids)).order_by(Case.id)
    await session.execute(locked.with_for_update())
    won: set[UUID] = set()
    for (version, _), (values, together) in alike.items():
        won |= await update_all(session, Case, [change.case.id for change in together], values, version)
    done = [change for change in changes if change.case.id in won]
    report.done += [change.case.number for change in done]
    report.refused += [
        (change.case.number, Code.CONFLICT.problem(*change.case.path))
        for change in changes
        if change.case.id not in won
    ]
    undoable = act.split(":", maxsplit=1)[0] in UNDOABLE
    events = [
        event_of(
            who, c.stated or stated, c.case.id, c.case.division, c.case.version + 1, act, c.case.view.stage, c.move,
            {**c.data, "before": _before(c.case)} if undoable else c.data,
        )
        for c in done
    ]  # fmt: skip
    await insert_rows(session, CaseEvent, events)
    if act != "release":
        left = [
            change.case.id
            for change in done
            if change.case.rules.programme.process.at(change.case.view.stage, Pay)
            # The months before a case ended are due all the same; what is not, their decisions say.
            and change.case.rules.programme.process.monthly is None
            and change.move.to != change.case.view.stage
        ]
        if left:
            await payments.void(session, who, left)
    await payments.entitle(session, who, [dues[change.case.id] for change in done if change.case.id in dues])
    await _verified_again(session, who, done)
    # What was on notice and no longer stands is no longer shown.
    taken_down = [c.case.id for c in done if c.case.notice and c.fields.get("notice_id", c.case.notice) is None]
    if taken_down:
        await notices.withdraw(session, who, taken_down)
    for rules, own in _by_rules(done):
        ended = {c.case.id: c.move.to for c in own if c.move.to in END_TITLES and not c.case.view.due}
        await claims.give_back(session, who, rules, ended)
    over = [c.case.id for c in done if c.case.rules.programme.attested and c.move.to in attesting.ENDS]
    if over:
        await attesting.let_go(session, who, over)
    return done


async def _verified_again(session: AsyncSession, who: Entered, done: Sequence[Change]) -> None:
    """Of cases that went back and keep their result, what was signed from that stage on counts no more."""
    back: dict[tuple[UUID, str], list[Change]] = {}
    for change in done:
        codes = [stage.code for stage in change.case.rules.programme.process.stages]
        here, to = change.case.view.stage, change.move.to
        if here in codes and to in codes and codes.index(to) < codes.index(here) and _keeps_its_result(change.case, to):
            back.setdefault((change.case.rules.id, to), []).append(change)
    for (_, to), changes in back.items():
        codes = [stage.code for stage in changes[0].case.rules.programme.process.stages]
        await session.execute(
            update(Signature)
            .where(
                Signature.tenant_id == who.county.id,
                among(Signature.case_id, [change.case.id for change in changes]),
                among(Signature.stage, codes[codes.index(to) :]),
                Signature.undone_at.is_(None),
            )
            .values(undone_at=who.at.now)
            .execution_options(synchronize_session=False)
        )


def _by_rules(changes: Sequence[Change]) -> list[tuple[Rules, list[Change]]]:
    """The changes by the rules of their cases, where the programme has anything that is claimed."""
    found: dict[UUID, list[Change]] = {}
    for change in changes:
        if change.case.rules.programme.claims:
            found.setdefault(change.case.rules.id, []).append(change)
    return [(own[0].case.rules, own) for own in found.values()]


async def _claimed(session: AsyncSession, who: Entered, changes: Sequence[Change], report: Report) -> list[Change]:
    """The changes of cases that have what they claim by going on; those that cannot have it are reported.

    What is had once is taken where a case leaves the stages at which nothing is public yet.
    """
    lost: dict[UUID, claims.Claiming] = {}
    for rules, own in _by_rules(changes):
        early = rules.programme.process.early() | END_TITLES.keys()
        going = [c.case for c in own if c.case.view.stage in early and c.move.to not in early]
        wanted = [one for case in going for one in claims.own(rules, case.id, case.whom, case.division)]
        if missed := await claims.take(session, who, rules, wanted):
            lost |= {one.case: one for one in missed}
            await claims.give_back(session, who, rules, {one.case: REFUSED for one in missed})
    report.refused += [
        (change.case.number, claims.refusal(lost[change.case.id], change.case.number))
        for change in changes
        if change.case.id in lost
    ]
    return [change for change in changes if change.case.id not in lost]


def _arrived(change: Change) -> tuple[Change, payments.Due | None]:
    """The change, and what the case is due by it if it brings it to a payment; a payment of nothing is passed by."""
    case, to, due = change.case, change.move.to, None
    proceedings = case.rules.proceedings
    while to != case.view.stage and (pay := proceedings.process.at(to, Pay)) is not None:
        if isinstance(pay, Monthly):
            break  # what is due is decided month by month
        amount = proceedings.due(pay, case.payable, case.view.due)
        if amount and case.determination is not None:
            due = payments.Due(case.id, case.determination, case.division, amount, pay.instalment)
            break
        to = proceedings.after(to)
    return (change if to == change.move.to else replace(change, move=replace(change.move, to=to))), due


def _before(case: CaseView) -> dict[str, Any]:
    """What a step that is taken back puts back."""
    return {
        "stage": case.view.stage,
        "since": case.view.since.isoformat(),
        "round": case.round,
        "notice": str(case.notice) if case.notice else None,
        "draw": str(case.draw) if case.draw else None,
        "marked": case.marked,
        "paused_on": case.paused_on.isoformat() if case.paused_on else None,
    }


def event_of(
    who: Entered,
    stated: Stated,
    case: UUID,
    division: int,
    version: int,
    act: str,
    from_stage: str,
    move: Move,
    data: Mapping[str, Any],
) -> dict[str, Any]:
    """What happened to a case, as a row to keep."""
    return {
        "tenant_id": who.county.id,
        "id": new_id(),
        "case_id": case,
        "division": division,
        "version": version,
        "act": act,
        "from_stage": from_stage,
        "to_stage": move.to,
        "duty": move.duty.value,
        "officer_id": stated.by(who),
        "effective_on": stated.on(who),
        "recorded_by": who.actor.id,
        "recorded_at": who.at.now,
        "reason": stated.reason,
        "evidence": stated.evidence,
        "late_days": move.late_days,
        "data": dict(data),
    }
