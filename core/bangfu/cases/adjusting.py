"""重新核算: what is owed either way when something becomes known after a case was paid out.

A late fact, a corrected one, or a county's document with retroactive effect. The case is determined again by the newest
edition and by what is known now; what was paid stays, and the difference becomes arrears that are paid like an award,
or a recovery that the household pays back. The receipt explains the result that stands and keeps the earlier ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import payments
from bangfu.access import Action, Entered
from bangfu.cases.acts import Change, Report, decide, judged, note_missing, write
from bangfu.cases.ground import Ground
from bangfu.cases.views import Selection, Stated, look
from bangfu.db.bulk import among, insert_rows
from bangfu.models import DeterminationRow, Entitlement
from bangfu.process import Pay


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
    """Work out again what the selected cases come to that have been paid out, and write down what is owed.

    A case that comes to what it was due is left as it is. Doing it again changes nothing more. Refuses, per household,
    what the process refuses.
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
    note_missing(report, views, selection)
    rules = ground.latest
    cases = {case.number: (case, move) for case, move in moves}
    rows: dict[str, dict[str, object]] = {}
    for stage in ground.programme.process.accounts():
        own = [case for case, _ in moves if case.determined_at == stage]
        rows |= await decide(session, who, rules, own, report, stage)
    owed = await _so_far(session, who, [case.id for case, _ in moves])
    changes, differences = [], []
    for number, row in rows.items():
        case, move = cases[number]
        was, now = owed.get(case.id, 0), int(str(row["payable_fen"]))
        if was == now:
            report.unchanged.append(number)
            continue
        row["round"] = case.round + 1
        data = {"determination": str(row["id"]), "was_fen": was, "now_fen": now}
        fields = {"edition_id": rules.id, "round": case.round + 1, "since": case.view.since}
        changes.append(Change(case, move, fields, data))
        differences.append(Difference(number, was, now))
    done = await write(session, who, "recalculate", changes, stated, report)
    kept = {change.case.number for change in done}
    await insert_rows(session, DeterminationRow, [rows[number] for number in rows if number in kept])
    for one in differences:
        if one.number in kept:
            case, _ = cases[one.number]
            await payments.adjust(
                session, who, case.id, UUID(str(rows[one.number]["id"])), one.now - one.was, stated.reason
            )
    return Recalculated(report, [one for one in differences if one.number in kept])


async def _so_far(session: AsyncSession, who: Entered, cases: list[UUID]) -> dict[UUID, int]:
    """What each case is due so far: every instalment, and what was adjusted since, either way."""
    rows = await session.execute(
        select(Entitlement.case_id, func.sum(Entitlement.amount_fen))
        .where(
            Entitlement.tenant_id == who.county.id,
            among(Entitlement.case_id, cases),
            Entitlement.voided_at.is_(None),
        )
        .group_by(Entitlement.case_id)
    )
    return {row[0]: int(row[1]) for row in rows}
