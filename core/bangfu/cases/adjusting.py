"""重新核算: what is owed either way when something becomes known after a case has ended.

A late fact, a corrected one, or a county's document with retroactive effect. Every determination that an instalment
rests on is made again (:mod:`~bangfu.cases.again`), by the newest edition and by what is known now; what was paid
stays, and the difference becomes arrears that are paid like an award, or a recovery that the household pays back. The
receipt explains the result that stands and keeps the earlier ones.

A case may end with a part of its award: who was not eligible for the next one, withdrew or was stopped. The result by
which it ended is made again too, and stands: it ended, and is due what it was due. A refusal that does not hold any
more is nothing to adjust, the case goes on from there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import payments
from bangfu.access import Action, Entered
from bangfu.cases import instalments
from bangfu.cases.acts import Change, Report, determination_row, judged, note_missing, write
from bangfu.cases.again import Remade, behind, remake, right_fen
from bangfu.cases.gather import subject_of
from bangfu.cases.ground import Ground
from bangfu.cases.instalments import Part
from bangfu.cases.views import CaseView, Selection, Stated, look
from bangfu.db.bulk import among, insert_rows
from bangfu.errors import Code, Problem
from bangfu.models import CaseEvent, DeterminationRow
from bangfu.process import REFUSED, Pay
from bangfu.rules.book import Outcome


@dataclass(frozen=True, slots=True)
class Difference:
    """What a case comes to by what is known now, beside what it was due so far, in fen."""

    number: str
    was: int
    now: int


@dataclass(slots=True)
class Recalculated:
    """What a recalculation came to: the report, and the differences that it wrote down."""

    report: Report
    differences: list[Difference]


async def recalculate(
    session: AsyncSession, who: Entered, ground: Ground, selection: Selection, stated: Stated | None = None
) -> Recalculated:
    """Work out again what the selected cases come to that have ended with something paid, and write down what is owed.

    A case that comes to what it was due is left as it is. Doing it again changes nothing more. Refuses, per case, what
    the process refuses, ``NOT_DETERMINED`` where something that its result needs is not known any more, and
    ``REFUSED_NO_MORE`` where it would not be refused by what is known now. The number of statements does not depend on
    how many cases there are.
    """
    stated = stated or Stated()
    views = await look(session, who, ground, selection, stated.day)
    last = list(ground.programme.process.kind(Pay))[-1].code
    report, moves = judged(
        who,
        ground,
        views,
        stated,
        last,
        lambda case, act: case.rules.proceedings.recalculate(case.view, act),
        Action.PAY_CASES,
    )
    note_missing(report, ground, views, selection)
    cases = {case.id: case for case, _ in moves}
    parts = await instalments.standing(session, who, cases)
    added = await instalments.adjusted(session, who, cases)
    subjects = {case.id: subject_of(case) for case in cases.values()}
    ended = await _ended_by(session, who, cases)
    made = await remake(session, who, behind(parts.values()) | set(ended.values()), subjects, lambda _: ground.latest)
    changes, differences, kept, rests_on = [], {}, {}, {}
    for case, move in moves:
        was, now = sum(part.fen for part in parts[case.id]) + added.get(case.id, 0), right_fen(parts[case.id], made)
        if problem := _unsettled(case, made[ended[case.id]] if case.id in ended else None):
            report.refused.append((case.number, problem))
            continue
        if now is None:
            report.refused.append((case.number, Code.NOT_DETERMINED.problem(case.path[0])))
            continue
        if was == now:
            report.unchanged.append(case.number)
            continue
        rows = _rows(who, case, parts[case.id], made, ended.get(case.id))
        rests_on[case.id] = rows[len(behind([parts[case.id]])) - 1]["id"]
        # Of a case that was taken back no result stands, whatever its parts come to.
        stands = rows[-1]["round"] + (case.determination is None)
        fields = {"edition_id": ground.latest.id, "round": stands, "since": case.view.since}
        data = {"determinations": [str(row["id"]) for row in rows], "was_fen": was, "now_fen": now}
        changes.append(Change(case, move, fields, data))
        differences[case.id], kept[case.id] = Difference(case.number, was, now), rows
    done = [change.case.id for change in await write(session, who, "recalculate", changes, stated, report)]
    await insert_rows(session, DeterminationRow, [row for case in done for row in kept[case]])
    adjustments = [
        payments.Adjustment(case, rests_on[case], differences[case].now - differences[case].was) for case in done
    ]
    if adjustments:
        await payments.adjust(session, who, adjustments, stated.reason)
    return Recalculated(report, [differences[case] for case in done])


async def _ended_by(session: AsyncSession, who: Entered, cases: Mapping[UUID, CaseView]) -> dict[UUID, UUID]:
    """The determination by which each case ended, as it was first made and for its own day, in one statement; none of
    a case of which no result stands."""
    standing = [case.id for case in cases.values() if case.determination is not None]
    accounted = (
        select(CaseEvent.case_id, CaseEvent.data["determination"].astext)
        .where(CaseEvent.tenant_id == who.county.id, among(CaseEvent.case_id, standing), CaseEvent.act == "account")
        .order_by(CaseEvent.case_id, CaseEvent.version)
    )
    return {case: UUID(determination) for case, determination in await session.execute(accounted)}


def _unsettled(case: CaseView, one: Remade | None) -> Problem | None:
    """That a refusal by which a case ended would be none by what is known now: that is decided first."""
    if case.view.stage != REFUSED or one is None:
        return None
    if one.now.outcome is Outcome.INCOMPLETE:
        return Code.NOT_DETERMINED.problem(case.path[0])
    stage = one.rules.programme.process.title(one.row.stage)
    return Code.REFUSED_NO_MORE.problem(*case.path, stage=stage) if one.now.outcome is Outcome.ELIGIBLE else None


def _rows(
    who: Entered, case: CaseView, parts: Sequence[Part], made: dict[UUID, Remade], last: UUID | None
) -> list[dict[str, Any]]:
    """The determinations of a case as they come out now, as rows to keep: a round each, the last of which stands.

    Those that its parts rest on come first; that of the stage at which it ended, if that is another, stays the one that
    stands.
    """
    again = [made[key] for key in dict.fromkeys(part.determination for part in parts)]
    if last is not None and made[last].row.stage not in {one.row.stage for one in again}:
        again.append(made[last])
    return [
        {
            **determination_row(who, case, one.rules, one.row.stage, one.facts, one.now, one.counted_to),
            "round": case.round + place,
        }
        for place, one in enumerate(again, 1)
    ]
