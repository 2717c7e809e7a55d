"""What may happen next to a case, by whom, and by when.

:class:`Proceedings` is a process under the parameters of one period; each of its methods takes what is known of a case
(:class:`View`) and what somebody wants to do (:class:`Act`), and answers with a :class:`Move` or a :class:`Problem`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from bangfu.calendar import ONE_DAY, Period, WorkingDays, last_day
from bangfu.errors import Code, Problem
from bangfu.process.duties import Duty, duty_names
from bangfu.process.stages import (
    CLOSED,
    END_TITLES,
    NOT_SELECTED,
    REFUSED,
    STOPPED,
    WITHDRAWN,
    Accept,
    Monthly,
    Notice,
    Pay,
    Plan,
    Process,
    Sample,
    Select,
    Stage,
    StandIn,
    Verify,
)
from bangfu.selection import due as instalment_due
from bangfu.text import Text, day


@dataclass(frozen=True, slots=True)
class View:
    """What the process needs to know of a case.

    ``since`` is the day on which it came to its stage, or of what was done there last. ``signed`` are the signatures of
    the current stage that still stand, by duty, with who gave them. ``accounted`` is whether a complete, eligible
    determination stands (at a stage that accounts: its own), ``determined_at`` the stage at which it was made,
    ``stale`` whether facts have become known since that would change it; it was recorded on ``decided_on`` and counts
    income to ``counted_to``. ``unanswered`` is how many of those who take part in the case have not answered yet.
    ``posted`` is the first and last day of its current notice. ``planned_by`` are the officers who made or corrected
    the plan, ``prepared_by`` those and whoever typed it in, ``verified_by`` who signed, or typed in a signature, under
    the standing determination, ``accepted_by`` who accepted the case, or typed that in. ``drawn`` is whether the case
    waits for the result of a spot check, ``rechecked`` whether it has been found out what has become of the person,
    ``paused`` whether it rests, ``due`` what it is or was due, in fen by instalment, arrears and recoveries included.
    ``months_decided`` is whether a month of it has been decided, where it is paid every month.
    """

    stage: str
    since: date
    village: Text
    poor_village: bool | None
    signed: Mapping[Duty, object] = field(default_factory=dict)
    accounted: bool = False
    determined_at: str | None = None
    stale: bool = False
    decided_on: date | None = None
    counted_to: date | None = None
    unanswered: int = 0
    planned_by: frozenset[object] = frozenset()
    prepared_by: frozenset[object] = frozenset()
    verified_by: frozenset[object] = frozenset()
    accepted_by: frozenset[object] = frozenset()
    posted: tuple[date, date] | None = None
    open_objections: int = 0
    drawn: bool = False
    rechecked: bool = False
    paused: bool = False
    due: Mapping[int, int] = field(default_factory=dict)
    months_decided: bool = False


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody wants to do: on which day it happened, who did it, and which duties he held over this case that
    day.

    ``duty`` is the duty he says he acts in, where he holds several.
    """

    day: date
    today: date
    officer: object
    duties: frozenset[Duty]
    duty: Duty | None = None
    reason: str = ""
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Move:
    """What an act does to a case: where it goes, in which duty, for whose places besides, and how many days late."""

    to: str
    duty: Duty
    stands_for: frozenset[Duty] = frozenset()
    late_days: int = 0


@dataclass(frozen=True, slots=True)
class Done:
    """What was done to a case last: the act as its event names it, by whom, and who typed it in."""

    act: str
    officer: object
    recorded_by: object


UNDOABLE = ("sign", "accept", "send_back", "return", "withdraw", "stop", "select", "pass_over")
"""What whoever did it may take back, as long as nothing followed and nothing was paid. What was said in public, drawn
or computed is not unsaid: it has ways back of its own."""


@dataclass(frozen=True, slots=True)
class Proceedings:
    """A process under the parameters of one period."""

    process: Process
    parameters: Any
    period: Period
    working: WorkingDays

    # --- what is asked of a stage ---

    def deadline(self, stage: Stage) -> date | None:
        """The last day of a stage, grace included, or None where the plan gives none."""
        if stage.deadline is None:
            return None
        last = self.period.day_of(getattr(self.parameters, stage.deadline))
        return last + timedelta(days=getattr(self.parameters, stage.grace)) if stage.grace else last

    def opens(self, stage: Stage) -> date | None:
        """The first day of a stage, or None where the plan gives none."""
        return self.period.day_of(getattr(self.parameters, stage.opens)) if stage.opens else None

    def never_open(self) -> list[Problem]:
        """The stages that would be over before they begin, each with the parameter that says when it begins."""
        return [
            Code.STAGE_NEVER_OPEN.problem(
                "parameters", stage.opens, stage=stage.title, opens=day(opens), deadline=day(deadline)
            )
            for stage in self.process.stages
            if stage.opens and (opens := self.opens(stage)) and (deadline := self.deadline(stage)) and opens > deadline
        ]

    def not_open(self, stage: Stage, on: date, *path: str) -> Problem | None:
        """That a stage is not open yet on a day."""
        opens = self.opens(stage)
        if opens is None or on >= opens:
            return None
        return Code.STAGE_NOT_OPEN.problem(*path, stage=stage.title, opens=day(opens))

    def signers(self, stage: Verify, poor_village: bool) -> dict[Duty, frozenset[Duty]]:
        """Who must sign in such a village, each with the places that the signature also stands for."""
        required = stage.signers if not isinstance(stage.signers, str) else getattr(self.parameters, stage.signers)
        stand_in = getattr(self.parameters, stage.substitute) if stage.substitute else StandIn.NOBODY
        if poor_village or stand_in is StandIn.NOBODY or Duty.WORK_TEAM not in required:
            return {duty: frozenset() for duty in required}
        place = Duty(stand_in.value)
        signers = {duty: frozenset[Duty]() for duty in required if duty is not Duty.WORK_TEAM}
        return {**signers, place: frozenset({Duty.WORK_TEAM})}

    def duties(self, stage: Stage) -> frozenset[Duty]:
        """Who carries a stage out; of signatures, everyone who must sign in a poor village."""
        if isinstance(stage, Verify):
            return frozenset(self.signers(stage, poor_village=True))
        if isinstance(stage, Pay):
            return frozenset({stage.maker, stage.checker, stage.releaser})
        return frozenset({stage.by}) if isinstance(stage, Plan | Select | Notice | Accept | Sample) else frozenset()

    def after(self, code: str) -> str:
        """The stage that follows one; a sample of nothing and a notice of no days are passed by."""
        following = self.process.after(code)
        sample, notice = self.process.at(following, Sample), self.process.at(following, Notice)
        nothing = (sample and not getattr(self.parameters, sample.rate)) or (
            notice and not getattr(self.parameters, notice.days)
        )
        return self.after(following) if nothing else following

    def waits_for(self, view: View, today: date) -> frozenset[Duty]:
        """Who holds the case now; empty while a notice stands and at an end."""
        code = self.reached(view, today)
        if code in END_TITLES:
            return frozenset()
        if view.paused:
            return self.process.pausers
        stage = self.process[code]
        if isinstance(stage, Verify):
            if view.poor_village is None:
                return frozenset()
            return frozenset(self.signers(stage, view.poor_village)) - frozenset(view.signed)
        if isinstance(stage, Notice):
            if view.open_objections:
                return frozenset({stage.settled_by})
            return frozenset() if view.posted else frozenset({stage.by})
        if isinstance(stage, Pay):
            return frozenset({stage.maker})
        return frozenset({stage.by}) if isinstance(stage, Plan | Select | Accept | Sample) else frozenset()

    # --- plans ---

    def plan(self, act: Act) -> Move | Problem:
        """Open a case with its plan."""
        stage = self.process.first(Plan)
        return self._duty(stage, act, {stage.by}) or self._done(stage, None, act, stage.by, self.after(stage.code))

    def amend(self, view: View, act: Act) -> Move | Problem:
        """Correct a plan, with the reason, until its result is on notice; what was signed is signed again.

        A case that was sent back for correction, refused or withdrawn goes on with it; one that was paid does not.
        """
        stage = self.process.first(Plan)
        if view.due or view.stage not in {*self.process.early(), REFUSED, WITHDRAWN}:
            return self._wrong_stage(view, Text("更正计划", "correcting the plan"), act.day)
        problem = self._duty(stage, act, {stage.by})
        if problem is None and not act.reason.strip():
            problem = Code.REASON_NEEDED.problem("reason")
        return problem or self._done(stage, None, act, stage.by, self.after(stage.code))

    def ask_to_correct(self, view: View, act: Act, marked: Mapping[str, str]) -> Move | Problem:
        """Send a case back to its plan 退回修改, with each fact that is wrong and what is wrong with it.

        Whoever holds the case does so, as long as nothing is on notice and nothing has been due.
        """
        first = self.process.first(Plan)
        if view.due or view.posted or view.stage not in self.process.early() - {first.code}:
            return self._wrong_stage(view, Text("退回修改", "sending back for correction"), act.day)
        stage = self.process[view.stage]
        able = self._holders(stage, view)
        problem = self._duty(stage, act, able)
        if problem is None and not (marked and all(note.strip() for note in marked.values())):
            problem = Code.MARKS_NEEDED.problem("marked")
        return problem or self._in_order(view, act) or Move(first.code, _held(able, act)[0])

    def withdraw(self, view: View, act: Act) -> Move | Problem:
        """Take a case back for the applicant 撤回, with the reason, until all of it is paid."""
        stage = self.process.first(Plan)
        if view.stage in END_TITLES:
            return self._wrong_stage(view, Text("撤回", "withdrawing"), act.day)
        problem = self._duty(stage, act, {stage.by})
        if problem is None and not act.reason.strip():
            problem = Code.REASON_NEEDED.problem("reason")
        return problem or self._in_order(None, act) or Move(WITHDRAWN, stage.by)

    # --- rests and steps taken back ---

    def pause(self, view: View, act: Act) -> Move | Problem:
        """Let a case rest 暂停, with the reason: nothing is done with it until it is resumed."""
        what = Text("暂停", "pausing")
        if view.stage in END_TITLES or view.paused:
            return self._wrong_stage(view, what, act.day)
        return self._resting(view, act, what)

    def resume(self, view: View, act: Act) -> Move | Problem:
        """Go on with a case that rests 恢复, with the reason."""
        if not view.paused:
            return Code.NOT_PAUSED.problem()
        return self._resting(view, act, Text("恢复", "resuming"))

    def _resting(self, view: View, act: Act, what: Text) -> Move | Problem:
        held = _held(self.process.pausers, act)
        if not held:
            return self._not_yours(what, self.process.pausers)
        if not act.reason.strip():
            return Code.REASON_NEEDED.problem("reason")
        # No stage of the plan is done by it, so no deadline is missed.
        return self._in_order(None, act) or Move(view.stage, held[0])

    def undo(self, view: View, act: Act, last: Done, before: str) -> Move | Problem:
        """Take back what was done last, with the reason, by who did it or typed it in; the case stands as it did
        ``before``."""
        ended = last.act in ("stop", "withdraw")
        if last.act.split(":")[0] not in UNDOABLE or (view.months_decided and not ended):
            return Code.NOT_UNDOABLE.problem()
        if act.officer not in (last.officer, last.recorded_by):
            return Code.NOT_YOURS_TO_UNDO.problem("officer")
        if not act.reason.strip():
            return Code.REASON_NEEDED.problem("reason")
        duties = [duty for duty in Duty if duty in act.duties]
        if not duties:
            return self._not_yours(self.process.first(Plan).title, Duty)
        return self._in_order(None, act) or Move(before, duties[0])

    # --- signatures and what they stand under ---

    def sign(self, view: View, act: Act, code: str) -> Move | Problem:
        """Sign a stage that takes signatures; the last one completes it."""
        stage = self.process.at(code, Verify)
        if stage is None or view.stage != code:
            return self._wrong_stage(view, Text("签字", "signing"), act.day)
        if view.poor_village is None:
            return Code.VILLAGE_KIND_UNKNOWN.problem(village=view.village)
        if stage.rechecks and not view.rechecked:
            return Code.RECHECK_NEEDED.problem()
        if stage.accounts and not view.accounted:
            return Code.NOT_DETERMINED.problem()
        if stage.accounts and view.stale:
            return Code.FACTS_CHANGED.problem()
        required = self.signers(stage, view.poor_village)
        held = _held(required, act)
        if not held:
            return self._not_yours(stage.title, required)
        open_ = [duty for duty in held if duty not in view.signed]
        if not open_:
            return Code.ALREADY_SIGNED.problem("duty", duty=duty_names(held))
        if act.officer in view.signed.values():
            return Code.SAME_SIGNER.problem("duty")
        if len(open_) > 1:
            return Code.DUTY_AMBIGUOUS.problem("duty", duties=duty_names(open_))
        if stage.accounts and view.counted_to is not None and act.day < view.counted_to:
            return Code.BEFORE_INCOME.problem("day", day=day(act.day), last=day(view.counted_to))
        duty = open_[0]
        complete = set(required) <= {*view.signed, duty}
        if complete and not stage.reports and not self._verified(view, {**view.signed, duty: act.officer}):
            return Code.MAKER_VERIFIES_ALONE.problem("duty")
        to = self.after(code) if complete else code
        return self._done(stage, view, act, duty, to, required[duty])

    def _verified(self, view: View, signed: Mapping[Duty, object]) -> bool:
        """Whether somebody signed who did not make the plan, in another duty than it was made in."""
        maker = self.process.first(Plan).by
        return any(officer not in view.planned_by and duty is not maker for duty, officer in signed.items())

    def stop(self, view: View, act: Act, finding: str) -> Move | Problem:
        """End a case whose verification finds that it does not go on, with the finding; what was paid stays paid.

        What is paid every month ends on the day that is stated, however late that becomes known.
        """
        if (monthly := self.process.at(view.stage, Monthly)) is not None:
            problem = self._duty(monthly, act, monthly.stopped_by)
            if problem is None and not finding.strip():
                problem = Code.FINDING_NEEDED.problem("finding")
            return problem or self._in_order(None, act) or Move(STOPPED, _held(monthly.stopped_by, act)[0])
        stage = self.process.at(view.stage, Verify)
        if stage is None or stage.reports:
            return self._wrong_stage(view, Text("终止", "stopping"), act.day)
        if view.poor_village is None:
            return Code.VILLAGE_KIND_UNKNOWN.problem(village=view.village)
        able = self.signers(stage, view.poor_village)
        problem = self._duty(stage, act, able)
        if problem is None and not finding.strip():
            problem = Code.FINDING_NEEDED.problem("finding")
        return problem or self._done(stage, view, act, _held(able, act)[0], STOPPED)

    def account(self, view: View, act: Act) -> Move | Problem:
        """Compute (again) what the household is due; signatures under an earlier result no longer stand.

        Computing has no deadline and no place in the order of days: what counts is the day of the signatures.
        """
        code = view.determined_at if view.stage == REFUSED else view.stage
        stage = self.process.accounting() if code is None else self.process.at(code, Verify)
        if stage is None or not stage.accounts:
            return self._wrong_stage(view, self.process.accounting().title, act.day)
        if view.poor_village is None:
            return Code.VILLAGE_KIND_UNKNOWN.problem(village=view.village)
        required = self.signers(stage, view.poor_village)
        able = {*required, *stage.run_by}
        if act.day > act.today:
            return Code.DAY_IN_FUTURE.problem("day", day=day(act.day), today=day(act.today))
        if problem := self._duty(stage, act, able):
            return problem
        if stage.answers and view.unanswered:
            return Code.ANSWERS_OPEN.problem(count=view.unanswered)
        return Move(stage.code, _held(able, act)[0])

    def recheck(self, view: View, act: Act) -> Move | Problem:
        """Write down what has become of the person 复核, where that is found out; it moves nothing by itself."""
        stage = self.process.at(view.stage, Verify)
        if stage is None or not stage.rechecks:
            return self._wrong_stage(view, Text("登记复核结果", "re-checking"), act.day)
        able = {*self.signers(stage, bool(view.poor_village)), *stage.run_by}
        problem = self._duty(stage, act, able) or self._in_order(None, act) or self.not_open(stage, act.day, "day")
        return problem or Move(stage.code, _held(able, act)[0])

    def select(self, view: View, act: Act, selected: bool) -> Move | Problem:
        """Select a case among those that are eligible, or pass it over; how many is the quota's business."""
        stage = self.process.at(view.stage, Select)
        if stage is None:
            return self._wrong_stage(view, Text("评选", "selecting"), act.day)
        to = self.after(stage.code) if selected else NOT_SELECTED
        return self._duty(stage, act, {stage.by}) or self._done(stage, view, act, stage.by, to)

    # --- notices and objections ---

    def post(self, view: View, act: Act) -> Move | Problem:
        """Post the result on the village's notice."""
        stage = self.process.at(view.stage, Notice)
        if stage is None or view.posted:
            return self._wrong_stage(view, self.process.first(Notice).title, act.day)
        if view.decided_on is not None and act.day < view.decided_on:
            return Code.BEFORE_PREVIOUS_STEP.problem("day", day=day(act.day), previous=day(view.decided_on))
        return self._duty(stage, act, {stage.by}) or self._done(stage, view, act, stage.by, stage.code)

    def notice_days(self, first: date, stage: Notice | None = None) -> tuple[date, date]:
        """The first and the last full day of a notice posted on ``first``; the next step is possible the day after."""
        stage = stage or self.process.first(Notice)
        days, unit = getattr(self.parameters, stage.days), getattr(self.parameters, stage.unit)
        return first, last_day(first, days, unit, self.working)

    def object(self, view: View, act: Act) -> Move | Problem:
        """Take down an objection against the household, made by anyone on any day of the notice."""
        stage = self.process.at(view.stage, Notice)
        if stage is None or not view.posted:
            return self._wrong_stage(view, Text("提出异议", "objecting"), act.day)
        first, last = view.posted
        if not first <= act.day <= last:
            return Code.NOTICE_NOT_OPEN.problem("day", first_day=day(first), last_day=day(last))
        problem = self._duty(stage, act, Duty)
        return problem or self._done(stage, None, act, _held(Duty, act)[0], stage.code)

    def settle(self, view: View, act: Act, upheld: bool, finding: str) -> Move | Problem:
        """Settle the objections against a household after re-checking; upheld sends the case back.

        Who may not accept the case may not judge the objections against it either.
        """
        stage = self.process.at(view.stage, Notice)
        if stage is None or not view.open_objections:
            return self._wrong_stage(view, Text("处理异议", "settling an objection"), act.day)
        if not finding.strip():
            return Code.FINDING_NEEDED.problem("finding")
        to = stage.returns_to if upheld else stage.code
        problem = self._duty(stage, act, {stage.settled_by}) or self._independent(view, act)
        return problem or self._done(stage, view, act, stage.settled_by, to)

    def conclude(self, view: View, act: Act) -> Move | Problem:
        """Let a case go on whose notice has stood its time without an open objection, where nobody accepts it."""
        notice = self.process.at(view.stage, Notice)
        if notice is None:
            return self._wrong_stage(view, Text("公示期满办结", "concluding a notice"), act.day)
        if problem := self._stood(view, act):
            return problem
        following = self.process[self.after(notice.code)]
        able = {notice.by, *([following.maker] if isinstance(following, Pay) else [])}
        if isinstance(following, Accept):
            return self._wrong_stage(view, Text("公示期满办结", "concluding a notice"), act.day)
        problem = self._duty(notice, act, able)
        return problem or self._in_order(view, act) or Move(following.code, _held(able, act)[0])

    # --- acceptance, sample, payment ---

    def accept(self, view: View, act: Act) -> Move | Problem:
        """Accept a case on the spot, after its notice."""
        stage = self._acceptance(view, act)
        if isinstance(stage, Problem):
            return stage
        return self._done(stage, view, act, stage.by, self.after(stage.code))

    def send_back(self, view: View, act: Act, finding: str) -> Move | Problem:
        """Send a case back at acceptance, with what was found."""
        stage = self._acceptance(view, act)
        if isinstance(stage, Problem):
            return stage
        if not finding.strip():
            return Code.FINDING_NEEDED.problem("finding")
        return self._done(stage, view, act, stage.by, stage.returns_to)

    def recall(self, view: View, act: Act, finding: str) -> Move | Problem:
        """Send a case back after its acceptance, with what was found; a drawn one goes back by its spot check."""
        if not self.recalls(view.stage):
            return self._wrong_stage(view, Text("退回", "sending back"), act.day)
        if view.months_decided:
            wanted = Text(
                "退回(已按月核定;不再符合的请终止)", "sending back a case of which months are decided: stop it instead"
            )
            return self._wrong_stage(view, wanted, act.day)
        if view.drawn:
            wanted = Text("退回(该户待抽查,请登记抽查结果)", "sending back a case whose spot check is awaited")
            return self._wrong_stage(view, wanted, act.day)
        stage = self.process[view.stage]
        sample = self.process.at(view.stage, Sample) or self.process.before(view.stage, Sample)
        by, to = (sample.by, sample.returns_to) if sample else (None, None)
        if isinstance(stage, Pay):
            by, to = by or stage.maker, to or stage.returns_to
        if by is None or to is None:
            return self._wrong_stage(view, Text("退回", "sending back"), act.day)
        problem = self._duty(stage, act, {by})
        if problem is None and not finding.strip():
            problem = Code.FINDING_NEEDED.problem("finding")
        return problem or self._done(stage, view, act, by, to)

    def recalls(self, stage: str) -> bool:
        """Whether a case of a stage is sent back by the county and no longer by the township."""
        return self.process.at(stage, Sample) is not None or self.process.at(stage, Pay) is not None

    def draw(self, view: View, act: Act) -> Move | Problem:
        """Put an accepted case in the frame of a sample."""
        stage = self.process.at(view.stage, Sample)
        if stage is None:
            return self._wrong_stage(view, Text("抽查", "drawing a sample"), act.day)
        return self._duty(stage, act, {stage.by}) or self._done(stage, view, act, stage.by, stage.code)

    def check(self, view: View, act: Act, passed: bool, finding: str) -> Move | Problem:
        """Give the result of a spot check; a failed case goes back with the finding.

        Who made the plan, signed, accepted the case or typed any of it in does not check it. The draw itself is free of
        that: it is made by a seed, from everything that was accepted, and anyone can make it again.
        """
        stage = self.process.at(view.stage, Sample)
        if stage is None:
            return self._wrong_stage(view, Text("抽查", "checking a sample"), act.day)
        problem = self._duty(stage, act, {stage.by})
        if problem is None and not view.drawn:
            problem = Code.NOT_IN_SAMPLE.problem()
        if problem is None and act.officer in view.prepared_by | view.verified_by | view.accepted_by:
            other = Text(
                "计划制定人、核实签字人、验收人及录入人", "who planned, verified or accepted it, or typed that in"
            )
            problem = Code.SAME_PERSON.problem("officer", other=other)
        if problem is None and not passed and not finding.strip():
            problem = Code.FINDING_NEEDED.problem("finding")
        return problem or self._done(stage, view, act, stage.by, stage.code if passed else stage.returns_to)

    def pay(self, view: View, act: Act) -> Move | Problem:
        """Gather, check or release what a case is due; that they are three persons is seen to by its batch."""
        stage = self.process.at(view.stage, Pay)
        if stage is None:
            return self._wrong_stage(view, self.process.first(Pay).title, act.day)
        able = (stage.maker, stage.checker, stage.releaser)
        return (
            self._duty(stage, act, able)
            or self.not_open(stage, act.day, "day")
            or Move(stage.code, _held(able, act)[0])
        )

    def reverify(self, view: View, act: Act, finding: str) -> Move | Problem:
        """Verify again that somebody who is paid every month still is whom it is for 重新核查, with what was found; it
        moves nothing by itself."""
        stage = self.process.at(view.stage, Monthly)
        if stage is None:
            return self._wrong_stage(view, Text("重新核查", "verifying again"), act.day)
        problem = self._duty(stage, act, stage.rechecked_by)
        if problem is None and not finding.strip():
            problem = Code.FINDING_NEEDED.problem("finding")
        return problem or self._in_order(None, act) or Move(stage.code, _held(stage.rechecked_by, act)[0])

    def carry(self, view: View, act: Act) -> Move | Problem:
        """Let a case that is paid every month go over into the next period 结转, at the end of its own."""
        stage = self.process.at(view.stage, Monthly)
        if stage is None:
            return self._wrong_stage(view, Text("结转", "carrying over"), act.day)
        return self._duty(stage, act, {stage.maker}) or self._in_order(None, act) or Move(CLOSED, stage.maker)

    def recalculate(self, view: View, act: Act) -> Move | Problem:
        """Work out again what a case came to that has ended 重新核算, with the reason and what shows it.

        What was paid stays as it was paid; the difference is paid besides, or recovered. In a case that goes on, the
        next instalment makes up for what changed, and a month is decided again with the next one, so nothing is
        recalculated.
        """
        pays = list(self.process.kind(Pay))
        if view.stage not in END_TITLES or not view.due or self.process.monthly:
            return self._wrong_stage(view, Text("重新核算", "recalculating"), act.day)
        problem = self._duty(pays[-1], act, {pays[-1].maker})
        if problem is None and not act.reason.strip():
            problem = Code.REASON_NEEDED.problem("reason")
        if problem is None and not act.evidence.strip():
            problem = Code.EVIDENCE_NEEDED.problem("evidence", day=day(act.day))
        return problem or self._in_order(None, act) or Move(view.stage, pays[-1].maker)

    def due(self, stage: Pay, award: int, before: Mapping[int, int]) -> int:
        """What an instalment of an award comes to, in fen, when ``before`` was due by instalment already.

        The parts of an award add up to it exactly, and what a later determination changed is made up for by the next
        part; never less than nothing (000:21, 000:23).
        """
        earlier = sum(amount for number, amount in before.items() if number < stage.instalment)
        if stage.shares is None:
            return max(0, award - earlier)
        return instalment_due(award, getattr(self.parameters, stage.shares), stage.instalment, earlier)

    # --- what they share ---

    def reached(self, view: View, on: date) -> str:
        """The stage that a case has reached on a day: a notice that has stood its time is over by itself."""
        over = view.posted is not None and view.posted[1] < on and not view.open_objections
        if over and self.process.at(view.stage, Notice):
            return self.after(view.stage)
        return view.stage

    def _holders(self, stage: Stage, view: View) -> frozenset[Duty]:
        """Who decides at a stage."""
        if isinstance(stage, Verify):
            return frozenset(self.signers(stage, bool(view.poor_village)))
        return frozenset({getattr(stage, "by")})  # noqa: B009 - every other early stage has one

    def _stood(self, view: View, act: Act) -> Problem | None:
        """That a notice has not stood its time yet, or has met an objection that is open."""
        if view.posted is None:
            return self._wrong_stage(view, Text("公示期满办结", "concluding a notice"), act.day)
        last = view.posted[1]
        if view.open_objections:
            return Code.OBJECTION_OPEN.problem()
        if act.day <= last:
            return Code.NOTICE_OPEN.problem("day", last_day=day(last), next_day=day(last + ONE_DAY))
        return None

    def _acceptance(self, view: View, act: Act) -> Accept | Problem:
        """The stage at which a case can be accepted by who acts, or why it cannot."""
        stage = self.process.at(view.stage, Accept)
        if self.process.at(view.stage, Notice) and view.posted:
            stage = self.process.at(self.after(view.stage), Accept)
            if stage and (problem := self._stood(view, act)):
                return problem
        if stage is None:
            return self._wrong_stage(view, self._accepting().title, act.day)
        return self._duty(stage, act, {stage.by}) or self._independent(view, act) or stage

    def _accepting(self) -> Stage:
        """The first stage at which cases are accepted, or the last one where there is none."""
        return next(iter(self.process.kind(Accept)), self.process.stages[-1])

    def _independent(self, view: View, act: Act) -> Problem | None:
        """Who is in charge of the village, made the plan, signed the accounting or typed either in may not judge it."""
        barred = frozenset().union(*(stage.never for stage in self.process.kind(Accept))) & act.duties
        if barred:
            return Code.NOT_INDEPENDENT.problem("duty", duty=duty_names(barred))
        if act.officer in view.verified_by:
            signer = Text("收入核算签字人或录入人", "signer of its accounting, or who typed a signature in,")
            return Code.NOT_INDEPENDENT.problem("duty", duty=signer)
        if act.officer in view.prepared_by:
            other = Text("计划制定人及录入人", "who made the plan or typed it in")
            return Code.SAME_PERSON.problem("officer", other=other)
        return None

    def _duty(self, stage: Stage, act: Act, duties: Iterable[Duty]) -> Problem | None:
        return None if _held(duties, act) else self._not_yours(stage.title, duties)

    def _not_yours(self, what: Text, duties: Iterable[Duty]) -> Problem:
        return Code.NOT_YOUR_DUTY.problem("duty", stage=what, duties=duty_names(duties))

    def _done(
        self,
        stage: Stage,
        view: View | None,
        act: Act,
        duty: Duty,
        to: str,
        stands_for: frozenset[Duty] = frozenset(),
    ) -> Move | Problem:
        """The move, if the days are in order."""
        if problem := self._in_order(view, act) or self.not_open(stage, act.day, "day"):
            return problem
        deadline = self.deadline(stage)
        late = max(0, (act.day - deadline).days) if deadline else 0
        if late and deadline:
            if stage.hard:
                return Code.DEADLINE_PASSED.problem("day", deadline=day(deadline))
            if not act.reason.strip():
                return Code.LATE_NEEDS_REASON.problem("reason", deadline=day(deadline))
        return Move(to, duty, stands_for, late)

    def _in_order(self, view: View | None, act: Act) -> Problem | None:
        """What is wrong with the day of an act: it is to come, before what it rests on, or past without evidence."""
        if act.day > act.today:
            return Code.DAY_IN_FUTURE.problem("day", day=day(act.day), today=day(act.today))
        if view is not None and act.day < view.since:
            return Code.BEFORE_PREVIOUS_STEP.problem("day", day=day(act.day), previous=day(view.since))
        if act.day < act.today and not act.evidence.strip():
            return Code.EVIDENCE_NEEDED.problem("evidence", day=day(act.day))
        return None

    def _wrong_stage(self, view: View, wanted: Text, on: date) -> Problem:
        return Code.WRONG_STAGE.problem("stage", stage=self.process.title(self.reached(view, on)), act=wanted)


def _held(duties: Iterable[Duty], act: Act) -> list[Duty]:
    """Which of the duties the officer holds and acts in, in the order in which duties are declared."""
    wanted = set(duties)
    return [duty for duty in Duty if duty in wanted & act.duties and act.duty in (None, duty)]
