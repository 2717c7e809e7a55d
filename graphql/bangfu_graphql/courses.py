"""What else becomes of cases: they go on after a notice, are selected, sent back for correction, withdrawn, stopped,
let rest, and have a step taken back; and what is said of the households that take part in them.

Each field is one act on as many cases as are named, in the grammar of ``acting``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Annotated, Any
from uuid import UUID

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Action
from bangfu.cases import acts, batch, correcting, participants, rechecks, sampling, selecting
from bangfu.cases.ground import Ground
from bangfu.cases.views import Selection, Stated
from bangfu.errors import Code
from bangfu.process import CLOSED, END_TITLES, REFUSED, Pay, Process, RestCause, Select, Verify
from bangfu.process import Sample as SampleStage
from bangfu.registry.divisions import area_of
from bangfu_graphql import acting
from bangfu_graphql.acting import (
    ActArgument,
    ActInput,
    CasesArgument,
    CasesInput,
    CasesPayload,
    JobPayload,
    ParticipantPayload,
    PeriodArgument,
    ProgrammeArgument,
    SamplePayload,
    acceptable,
    codes_of,
    says,
)
from bangfu_graphql.mapping import ACTION
from bangfu_graphql.requests import Request
from bangfu_graphql.scalars import DivisionCode, EducationLevel, described

FindingArgument = Annotated[str, says("What was found.")]
ApplicantArgument = Annotated[str, says("The number of the household whose case it is.")]
DayArgument = Annotated[date | None, says("The day it happened; today unless stated.")]
ParticipantArgument = Annotated[str, says("The number of the household that takes part in it.")]


@strawberry.input(description="One thing of a plan that is wrong.")
class MarkInput:
    """One thing of a plan that is wrong."""

    fact: str = strawberry.field(description="The fact that was stated, by its name, or the role of who takes part.")
    note: str = strawberry.field(description="What is wrong with it.")


described(rechecks.Outcome, "RecheckOutcome", "What has become of a student by the next term 复核结果.")
described(RestCause, "RestCause", "Why what is paid every month rests 停发原因.")
described(rechecks.Method, "RecheckMethod", "How it was found out 复核方式.")


@strawberry.input(description="What was found of one student in the re-check 复核.")
class RecheckInput:
    """What was found of one student."""

    person: str = strawberry.field(description="The number of the person.")
    outcome: rechecks.Outcome = strawberry.field(description="What has become of him.")
    method: rechecks.Method = strawberry.field(
        description="How it was found out; a school of the county is visited, another may be asked by telephone."
    )
    school: str = strawberry.field(description="The school that he moved up to.", default="")
    level: EducationLevel | None = strawberry.field(description="The level that he moved up to.", default=None)
    grade: int | None = strawberry.field(description="The grade that he moved up to.", default=None)
    in_county: bool = strawberry.field(description="Whether that school is in the county.", default=False)
    act: ActInput | None = strawberry.field(
        description="What is said of this finding, where it differs from the others.", default=None
    )


def _field(description: str, action: Action = Action.WORK_ON_CASES) -> Any:
    return strawberry.mutation(description=description, metadata={ACTION: action})


@strawberry.type
class CourseMutation:
    """What becomes of cases."""

    @_field(
        "Compute what households are due, and keep each determination with everything that explains it. What has not "
        "changed is left alone.",
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

    @_field("The accounting of everything in sight, or of some divisions, as a job.")
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

        async def work(request: Request, session: AsyncSession) -> UUID:
            ground = await acting.ground_of(request, session, programme, period)
            areas = [area_of(code) for code in divisions] if divisions is not None else None
            return await batch.put(session, request.who, ground, areas, without or ())

        return await acting.keyed(info, JobPayload, work)

    @_field(
        "Write down what has become of students by the next term 复核: on their cases and in the register, which the "
        "next determination is made from. Who rests has his case rest with him. The same finding again changes nothing."
    )
    async def record_rechecks(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        period: PeriodArgument,
        findings: Annotated[list[RecheckInput], says("One finding a student.")],
        act: ActArgument = None,
    ) -> CasesPayload:
        """Write down what has become of students."""
        acting.require_bounded(findings, "findings")

        async def work(request: Request, session: AsyncSession, ground: Ground, said: Stated) -> acts.Report:
            found = [
                rechecks.Finding(
                    number=one.person,
                    outcome=one.outcome,
                    method=one.method,
                    stated=said if one.act is None else await acting.stated(request, session, one.act),
                    school=one.school,
                    level=None if one.level is None else one.level.value,
                    grade=one.grade,
                    in_county=one.in_county,
                )
                for one in findings
            ]
            return await rechecks.record(session, request.who, ground, found)

        return await acting.act(info, programme, period, act, work)

    @_field("Accept cases on the spot, after their notice has stood its time.")
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

    @_field(
        "Select cases within the quota of their village 评选, or pass them over; a village that would exceed its quota "
        "selects none of them."
    )
    async def select_cases(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        period: PeriodArgument,
        cases: CasesArgument,
        selected: Annotated[bool, says("Whether they are selected, or passed over.")],
        act: ActArgument = None,
    ) -> CasesPayload:
        """Select cases, or pass them over."""
        return await acting.act_on(
            info,
            programme,
            period,
            cases,
            act,
            lambda process: codes_of(process, Select),
            lambda request, session, ground, chosen, stated: selecting.choose(
                session, request.who, ground, chosen, selected=selected, stated=stated
            ),
        )

    @_field(
        "Send cases back to who made their plans 退回修改, with everything that is wrong; signatures no longer stand."
    )
    async def ask_to_correct_cases(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        period: PeriodArgument,
        cases: CasesArgument,
        marks: Annotated[list[MarkInput], says("What is wrong, at least one thing; a fact stands once.")],
        act: ActArgument = None,
    ) -> CasesPayload:
        """Ask for plans to be corrected."""
        acting.require_bounded(marks, "marks")
        marked = {mark.fact: mark.note for mark in marks}

        async def work(
            request: Request, session: AsyncSession, ground: Ground, chosen: Selection, stated: Stated
        ) -> acts.Report:
            if len(marked) != len(marks):
                raise Code.MARKS_NEEDED.refuse("marks")
            return await correcting.ask_to_correct(session, request.who, ground, chosen, marked, stated)

        return await acting.act_on(info, programme, period, cases, act, _early, work)

    @_field("Take cases back for the applicants 撤回, with the reason; a new plan opens a case again.")
    async def withdraw_cases(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        period: PeriodArgument,
        cases: CasesArgument,
        act: ActArgument = None,
    ) -> CasesPayload:
        """Withdraw cases."""
        return await acting.act_on(
            info,
            programme,
            period,
            cases,
            act,
            _every,
            lambda request, session, ground, chosen, stated: correcting.withdraw(
                session, request.who, ground, chosen, stated
            ),
        )

    @_field("End cases whose verification finds that they do not go on 终止; what was paid stays paid.")
    async def stop_cases(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        period: PeriodArgument,
        cases: CasesArgument,
        finding: FindingArgument,
        act: ActArgument = None,
    ) -> CasesPayload:
        """Stop cases."""
        return await acting.act_on(
            info,
            programme,
            period,
            cases,
            act,
            lambda process: tuple(stage.code for stage in process.kind(Verify) if not stage.reports),
            lambda request, session, ground, chosen, stated: correcting.stop(
                session, request.who, ground, chosen, finding, stated
            ),
        )

    @_field(
        "Let cases rest 暂停, with the reason: nothing is done with them until they are resumed. Of what is paid every "
        "month, the cause says whether the months of the rest are paid afterwards."
    )
    async def pause_cases(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        period: PeriodArgument,
        cases: CasesArgument,
        cause: Annotated[RestCause | None, says("Why what is paid every month rests 停发原因; needed there.")] = None,
        act: ActArgument = None,
    ) -> CasesPayload:
        """Pause cases."""
        resting = partial(correcting.pause, cause=cause)
        return await _rest(info, programme, period, cases, act, resting, paused=False)

    @_field("Go on with cases that rest 恢复, with the reason.")
    async def resume_cases(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        period: PeriodArgument,
        cases: CasesArgument,
        act: ActArgument = None,
    ) -> CasesPayload:
        """Resume cases."""
        return await _rest(info, programme, period, cases, act, correcting.resume, paused=True)

    @_field(
        "Take back what was done last to cases 撤销, with the reason: by who did it or typed it in, as long as nothing "
        "followed and nothing was paid."
    )
    async def undo_cases(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        period: PeriodArgument,
        cases: CasesArgument,
        act: ActArgument = None,
    ) -> CasesPayload:
        """Undo what was done last."""
        return await acting.act_on(
            info,
            programme,
            period,
            cases,
            act,
            lambda process: (*_every(process), *sorted(END_TITLES.keys() - {CLOSED})),
            lambda request, session, ground, chosen, stated: correcting.undo(
                session, request.who, ground, chosen, stated
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

        async def work(request: Request, session: AsyncSession) -> UUID:
            ground = await acting.ground_of(request, session, programme, period)
            stated = await acting.stated(request, session, act)
            drawn = await sampling.draw_sample(session, request.who, ground, seed, seed_source, stated)
            return drawn.id

        return await acting.keyed(info, SamplePayload, work)

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

    # --- who takes part ---

    @_field(
        "Enter what a household that takes part in a case answered with its signature 签字认可, or that it refused."
    )
    async def answer_for_participant(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        period: PeriodArgument,
        applicant: ApplicantArgument,
        household: ParticipantArgument,
        agreed: Annotated[bool, says("Whether it agreed.")],
        evidence: Annotated[str, says("The paper that it signed.")],
        day: DayArgument = None,
    ) -> ParticipantPayload:
        """Enter the answer of a household that takes part."""
        return await _said(
            info,
            (programme, period, applicant),
            ActInput(day=day, evidence=evidence),
            lambda request, session, ground, stated: participants.answer(
                session, request.who, ground, applicant, household, agreed=agreed, stated=stated
            ),
        )

    @_field("Enter what the cadre who is linked to a household that takes part found of it 联户干部核实.")
    async def vouch_for_participant(
        self,
        info: strawberry.Info,
        programme: ProgrammeArgument,
        period: PeriodArgument,
        applicant: ApplicantArgument,
        household: ParticipantArgument,
        vouched: Annotated[bool, says("Whether what the plan says of it is so.")],
        evidence: Annotated[str, says("The paper that shows it; needed where somebody else types it in.")] = "",
        day: DayArgument = None,
        by: Annotated[str | None, says("The staff number of the cadre, where somebody else types it in.")] = None,
    ) -> ParticipantPayload:
        """Enter the word of the cadre of a household that takes part."""
        return await _said(
            info,
            (programme, period, applicant),
            ActInput(day=day, evidence=evidence, by=by),
            lambda request, session, ground, stated: participants.vouch(
                session, request.who, ground, applicant, household, vouched=vouched, stated=stated
            ),
        )


def _returnable(process: Process) -> tuple[str, ...]:
    """The stages from which a case is sent back."""
    return (*acceptable(process), *codes_of(process, SampleStage), *codes_of(process, Pay))


def _every(process: Process) -> tuple[str, ...]:
    """Every stage; at an end there is nothing to do."""
    return tuple(stage.code for stage in process.stages)


def _early(process: Process) -> tuple[str, ...]:
    """The stages at which something has been done with a plan and nothing is public yet."""
    return tuple(stage.code for stage in process.stages[1:] if stage.code in process.early())


async def _rest(
    info: strawberry.Info,
    programme: str,
    period: str,
    cases: CasesInput,
    act: ActInput | None,
    work: Callable[[AsyncSession, Any, Ground, Selection, Stated], Awaitable[acts.Report]],
    *,
    paused: bool,
) -> CasesPayload:
    """Let cases rest, or go on: of divisions and of everything, those that do not, or do."""

    async def chosen(
        request: Request, session: AsyncSession, ground: Ground, selection: Selection, stated: Stated
    ) -> acts.Report:
        own = selection if selection.numbers is not None else replace(selection, paused=paused)
        return await work(session, request.who, ground, own, stated)

    return await acting.act_on(info, programme, period, cases, act, _every, chosen)


async def _said(
    info: strawberry.Info,
    of: tuple[str, str, str],
    act: ActInput,
    work: Callable[[Request, AsyncSession, Ground, Stated], Awaitable[None]],
) -> ParticipantPayload:
    """Write down what somebody said of a household that takes part."""

    async def carried_out(request: Request, session: AsyncSession) -> ParticipantPayload:
        ground = await acting.ground_of(request, session, of[0], of[1])
        await work(request, session, ground, await acting.stated(request, session, act))
        return ParticipantPayload(of=of, done=True, problems=[])

    return await acting.change(
        info, carried_out, lambda problems: ParticipantPayload(of=of, done=False, problems=problems)
    )
