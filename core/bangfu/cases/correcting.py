"""Ways out of the ordinary course: sent back for correction, withdrawn, stopped, resting, and a step taken back.

Each keeps what was: a case that is corrected, withdrawn or undone shows every step of it in its history.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Entered
from bangfu.cases import attesting, participants
from bangfu.cases.acts import Change, Judge, Report, judged, not_in_batch, note_missing, sent_back, write
from bangfu.cases.ground import Ground
from bangfu.cases.views import CaseView, Selection, Stated, look
from bangfu.db.bulk import among
from bangfu.errors import Code, Problem
from bangfu.models import CaseEvent, Signature
from bangfu.process import WITHDRAWN, Act, Done, Move, Plan, RestCause
from bangfu.text import Text, day


async def ask_to_correct(
    session: AsyncSession,
    who: Entered,
    ground: Ground,
    selection: Selection,
    marked: Mapping[str, str],
    stated: Stated | None = None,
) -> Report:
    """Send the selected cases back to who made their plan 退回修改: ``marked`` says what is wrong, by fact.

    What was signed no longer stands; the marks stay on the case until its plan is corrected. Refuses
    ``STATED_NOT_ALLOWED`` for a mark of something that nobody stated.
    """
    stated = stated or Stated()
    known = {*ground.programme.stated(), *(role.code for role in ground.programme.participants)}
    if strange := [name for name in marked if name not in known]:
        raise Code.STATED_NOT_ALLOWED.refuse("marked", strange[0], fact=strange[0], known=", ".join(sorted(known)))
    return await _step(
        session,
        who,
        ground,
        selection,
        stated,
        "return",
        lambda case, act: case.rules.proceedings.ask_to_correct(case.view, act, marked),
        lambda case, move: {**sent_back(case, move.to), "marked": dict(marked)},
        {"marked": dict(marked)},
    )


async def withdraw(
    session: AsyncSession, who: Entered, ground: Ground, selection: Selection, stated: Stated | None = None
) -> Report:
    """Take the selected cases back for the applicants 撤回; what stands in a payment batch cannot be.

    What they claimed is free again; a new plan opens the case again, with all its history.
    """
    return await _step(
        session,
        who,
        ground,
        selection,
        stated or Stated(),
        "withdraw",
        lambda case, act: case.rules.proceedings.withdraw(case.view, act),
        lambda case, move: {**sent_back(case, move.to), "marked": None, "paused_on": None},
        resting=True,
    )


async def stop(
    session: AsyncSession,
    who: Entered,
    ground: Ground,
    selection: Selection,
    finding: str,
    stated: Stated | None = None,
) -> Report:
    """End the selected cases whose verification finds that they do not go on 终止; what was paid stays paid."""
    return await _step(
        session,
        who,
        ground,
        selection,
        stated or Stated(),
        "stop",
        lambda case, act: case.rules.proceedings.stop(case.view, act, finding),
        lambda case, move: {"paused_on": None},
        {"finding": finding},
        # Who is in custody may die there: what is paid every month ends, resting or not.
        resting=ground.programme.process.monthly is not None,
    )


async def pause(
    session: AsyncSession,
    who: Entered,
    ground: Ground,
    selection: Selection,
    stated: Stated | None = None,
    cause: RestCause | None = None,
) -> Report:
    """Let the selected cases rest 暂停: nothing is done with them, and nothing that is run again changes that.

    Where something is paid every month, the ``cause`` says whether the months of the rest are paid afterwards. Refuses
    ``MISSING_VALUE`` without one there.
    """
    stated = stated or Stated()
    if cause is None and ground.programme.process.monthly is not None:
        raise Code.MISSING_VALUE.refuse("cause", field=Text("停发原因", "why it rests"))
    return await _step(
        session,
        who,
        ground,
        selection,
        stated,
        "pause",
        lambda case, act: case.rules.proceedings.pause(case.view, act),
        lambda case, move: {"paused_on": stated.on(who), "since": case.view.since},
        {} if cause is None else {"cause": cause.value, "finding": cause.title_text.zh},
        resting=True,
    )


async def resume(
    session: AsyncSession, who: Entered, ground: Ground, selection: Selection, stated: Stated | None = None
) -> Report:
    """Go on with the selected cases that rest 恢复, on the day of the rest at the earliest."""
    return await _step(
        session,
        who,
        ground,
        selection,
        stated or Stated(),
        "resume",
        _resuming,
        lambda case, move: {"paused_on": None, "since": case.view.since},
        resting=True,
    )


def _resuming(case: CaseView, act: Act) -> Move | Problem:
    if case.paused_on is not None and act.day < case.paused_on:
        return Code.BEFORE_PREVIOUS_STEP.problem("day", day=day(act.day), previous=day(case.paused_on))
    return case.rules.proceedings.resume(case.view, act)


async def _step(
    session: AsyncSession,
    who: Entered,
    ground: Ground,
    selection: Selection,
    stated: Stated,
    act: str,
    judge: Judge,
    fields: Any,
    data: Mapping[str, Any] | None = None,
    *,
    resting: bool = False,
) -> Report:
    """One of these acts on the selected cases; none of them touches a case that stands in a payment batch, but for
    letting it rest."""
    views = await look(session, who, ground, selection, stated.day)
    first = ground.programme.process.first(Plan).code

    def at(case: CaseView) -> str:
        return case.view.stage if case.view.stage in {s.code for s in ground.programme.process.stages} else first

    report, moves = judged(who, ground, views, stated, at, judge, resting=resting)
    note_missing(report, ground, views, selection)
    free = [(case, move) for case, move in moves if move.to == case.view.stage]
    free += await not_in_batch(session, who, ground, [one for one in moves if one not in free], report)
    changes = [Change(case, move, fields(case, move), data or {}) for case, move in free]
    await write(session, who, act, changes, stated, report)
    return report


# --- a step taken back ----------------------------------------------------------------------------------------


async def undo(
    session: AsyncSession, who: Entered, ground: Ground, selection: Selection, stated: Stated | None = None
) -> Report:
    """Take back what was done last to the selected cases 撤销, by who did it or typed it in, until it is paid.

    The case stands as it did before, and the step and its being taken back stay in its history. Refuses, per household,
    ``NOT_UNDOABLE``, ``NOT_YOURS_TO_UNDO``, ``REASON_NEEDED`` and ``IN_BATCH``.
    """
    stated = stated or Stated()
    views = await look(session, who, ground, selection, stated.day)
    last = await last_events(session, who, views)
    first = ground.programme.process.first(Plan).code

    def judge(case: CaseView, act: Act) -> Move | Problem:
        return taking_back(case, act, last[case.id])

    def at(case: CaseView) -> str:
        stage = last[case.id].from_stage
        return stage if stage in {s.code for s in ground.programme.process.stages} else first

    report, moves = judged(who, ground, views, stated, at, judge)
    note_missing(report, ground, views, selection)
    changes = []
    for case, move in await not_in_batch(session, who, ground, moves, report):
        event = last[case.id]
        before = event.data["before"]
        fields = {
            "since": date.fromisoformat(before["since"]),
            "round": before["round"],
            "notice_id": _id(before["notice"]),
            "draw_id": _id(before["draw"]),
            "marked": before["marked"],
            "paused_on": date.fromisoformat(on) if (on := before.get("paused_on")) else None,
        }
        changes.append(Change(case, Move(move.to, move.duty), fields, {"undoes": event.version, "act": event.act}))
    done = await write(session, who, "undo", changes, stated, report)
    await _unsign(session, who, [(change.case.round, last[change.case.id]) for change in done])
    await participants.claim(
        session, who, ground, [change.case.id for change in done if change.case.view.stage == WITHDRAWN]
    )
    ended = [change.case for change in done if change.case.view.stage in attesting.ENDS]
    await attesting.ask_again(session, who, ended)
    return report


def taking_back(case: CaseView, act: Act, event: CaseEvent) -> Move | Problem:
    """What the process says to taking back what was done last to a case."""
    done = Done(event.act, event.officer_id, event.recorded_by)
    before = event.data.get("before", {})
    taken_down = before.get("notice") and case.notice is None
    kept = done.act == "send_back" and before.get("round") == case.round
    if taken_down or kept:
        # What was taken down in public, or is to be verified again, is done again and not as if nothing had been said.
        return Code.NOT_UNDOABLE.problem()
    return case.rules.proceedings.undo(case.view, act, done, before.get("stage", case.view.stage))


def _id(text: str | None) -> UUID | None:
    return UUID(text) if text else None


async def last_events(session: AsyncSession, who: Entered, views: Sequence[CaseView]) -> dict[UUID, CaseEvent]:
    """What was done last to each case."""
    versions = {case.id: case.version for case in views}
    query = select(CaseEvent).where(
        CaseEvent.tenant_id == who.county.id,
        among(CaseEvent.case_id, versions),
        among(CaseEvent.version, set(versions.values())),
    )
    return {row.case_id: row for row in await session.scalars(query) if versions[row.case_id] == row.version}


async def _unsign(session: AsyncSession, who: Entered, events: Sequence[tuple[int, CaseEvent]]) -> None:
    """Signatures that were taken back, each of a round, count no more."""
    alike: dict[tuple[int, str, str, UUID], list[UUID]] = {}
    for round_, event in events:
        if event.act.startswith("sign:"):
            stage = event.act.removeprefix("sign:")
            alike.setdefault((round_, stage, event.duty, event.officer_id), []).append(event.case_id)
    for (round_, stage, duty, officer), cases in alike.items():
        await session.execute(
            update(Signature)
            .where(
                Signature.tenant_id == who.county.id,
                among(Signature.case_id, cases),
                Signature.round == round_,
                Signature.stage == stage,
                Signature.duty == duty,
                Signature.officer_id == officer,
                Signature.undone_at.is_(None),
            )
            .values(undone_at=who.at.now)
            .execution_options(synchronize_session=False)
        )
