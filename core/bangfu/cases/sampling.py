"""抽查: the county draws a share of the accepted cases, and everything that was accepted waits for the results.

The frame is every accepted case that no earlier draw has held, frozen at the draw. A frame is drawn once; seed, frame
and order are kept, so that anyone can draw it again. A drawn case that fails goes back; when the last result is in,
all others of the frame go on to payment.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import audit
from bangfu.access import Action, Entered
from bangfu.cases.acts import Change, Report, judged, note_missing, permitted, sent_back, stage_for, write
from bangfu.cases.ground import Ground
from bangfu.cases.views import CaseView, Selection, Stated, look
from bangfu.db import hold
from bangfu.db.bulk import among, insert_rows
from bangfu.errors import Code, Refused
from bangfu.models import SampleDraw, SampleUnit, new_id
from bangfu.policy import Rate
from bangfu.process import Move, Sample, duty_names
from bangfu.registry.divisions import township_of
from bangfu.selection import Draw, Unit, draw, frame_digest
from bangfu.text import Text


@dataclass(frozen=True, slots=True)
class Drawn:
    """A draw as it was made: its number, frame and the household numbers that were drawn, by village."""

    id: UUID
    number: int
    seed: str
    frame_size: int
    size: int
    households: tuple[str, ...]


async def draw_sample(
    session: AsyncSession, who: Entered, ground: Ground, seed: str, seed_source: str, stated: Stated | None = None
) -> Drawn:
    """Draw the county's sample of the accepted cases that no draw has held yet.

    ``seed`` is any text; ``seed_source`` says where it comes from. Refuses ``WHOLE_COUNTY_NEEDED``, ``MISSING_VALUE``,
    ``SAMPLE_EMPTY``, what the process refuses for any case of the frame, and ``CONFLICT`` if one changes meanwhile.
    """
    stated = stated or Stated()
    stage = next(ground.programme.process.kind(Sample), None)
    if stage is None:
        raise Code.SAMPLE_EMPTY.refuse()
    on = stated.on(who)
    if stage.by not in stated.officer(who).duties(on):
        raise Code.NOT_YOUR_DUTY.refuse("duty", stage=stage.title, duties=duty_names({stage.by}))
    if problem := permitted(who, ground, stated, stage.code, Action.SAMPLE_CASES):
        raise Refused([problem])
    who.require_whole_county()
    if not seed.strip() or not seed_source.strip():
        raise Code.MISSING_VALUE.refuse("seed", field=Text("随机种子及其来源", "the seed and its source"))
    key = f"{ground.programme.code}/{ground.period.key}/sample"
    await hold(session, key)
    cases = [c for c in await look(session, who, ground, Selection(stages=[stage.code]), on) if c.draw is None]
    if not cases:
        raise Code.SAMPLE_EMPTY.refuse()
    report, moves = judged(
        who,
        ground,
        cases,
        stated,
        stage.code,
        lambda case, act: case.rules.proceedings.draw(case.view, act),
        Action.SAMPLE_CASES,
    )
    report.only()
    rate: Rate = getattr(ground.latest.parameters, stage.rate)
    result = draw([Unit(str(case.id), township_of(case.division)) for case in cases], rate, seed)
    number = await _number(session, who, ground)
    made = await _keep(session, who, ground, moves, result, rate, seed, seed_source, number, stated)
    drawn = [case for case in cases if str(case.id) in result.drawn]
    return Drawn(made, number, seed, len(cases), result.size, tuple(case.number for case in drawn))


async def _number(session: AsyncSession, who: Entered, ground: Ground) -> int:
    last = await session.scalar(
        select(func.max(SampleDraw.number)).where(
            SampleDraw.tenant_id == who.county.id,
            SampleDraw.programme == ground.programme.code,
            SampleDraw.period == ground.period.key,
        )
    )
    return (last or 0) + 1


async def _keep(
    session: AsyncSession,
    who: Entered,
    ground: Ground,
    moves: Sequence[tuple[CaseView, Move]],
    result: Draw,
    rate: Rate,
    seed: str,
    seed_source: str,
    number: int,
    stated: Stated,
) -> UUID:
    made = new_id()
    cases = [case for case, _ in moves]
    await session.execute(
        insert(SampleDraw).values(
            tenant_id=who.county.id,
            id=made,
            programme=ground.programme.code,
            period=ground.period.key,
            number=number,
            seed=seed,
            seed_source=seed_source,
            rate=rate,
            frame_size=len(cases),
            size=result.size,
            digest=result.digest,
            officer_id=stated.by(who),
            drawn_on=stated.on(who),
            recorded_at=who.at.now,
            areas=who.areas,
        )
    )
    position = {id_: place for place, id_ in enumerate(result.order, 1)}
    await insert_rows(
        session,
        SampleUnit,
        [
            {
                "tenant_id": who.county.id,
                "id": new_id(),
                "draw_id": made,
                "case_id": case.id,
                "division": case.division,
                "township": township_of(case.division),
                "position": position[str(case.id)],
                "drawn": str(case.id) in result.drawn,
                "finding": "",
            }
            for case in cases
        ],
    )
    changes = [
        Change(case, move, {"draw_id": made}, {"draw": number, "drawn": str(case.id) in result.drawn})
        for case, move in moves
    ]
    report = Report()
    await write(session, who, "draw", changes, stated, report)
    if report.refused:
        raise Code.CONFLICT.refuse()
    await audit.record(
        session,
        who.at.now,
        who.actor.id,
        "draw_sample",
        f"draw/{made}",
        {"seed": seed, "frame": len(cases), "size": result.size, "digest": result.digest},
        seed_source,
    )
    return made


async def redraw(session: AsyncSession, who: Entered, id: UUID) -> tuple[Draw, bool]:
    """Draw a kept frame again from its recorded seed; whether digest, order and result are what was kept.

    Refuses ``NOT_FOUND``.
    """
    kept = await session.scalar(select(SampleDraw).where(SampleDraw.tenant_id == who.county.id, SampleDraw.id == id))
    if kept is None:
        raise Code.NOT_FOUND.refuse("draw", what=Text("抽查", "the draw"))
    units = (
        await session.execute(
            select(SampleUnit.case_id, SampleUnit.township, SampleUnit.position, SampleUnit.drawn)
            .where(SampleUnit.tenant_id == who.county.id, SampleUnit.draw_id == id)
            .order_by(SampleUnit.position)
        )
    ).all()
    frame = [Unit(str(unit.case_id), unit.township) for unit in units]
    again = draw(frame, Rate(kept.rate), kept.seed)
    same = (
        again.digest == kept.digest == frame_digest(frame)
        and again.size == kept.size
        and again.order == tuple(unit.id for unit in frame)
        and again.drawn == {str(unit.case_id) for unit in units if unit.drawn}
    )
    return again, same


async def check(
    session: AsyncSession,
    who: Entered,
    ground: Ground,
    selection: Selection,
    *,
    passed: bool,
    finding: str = "",
    stated: Stated | None = None,
) -> Report:
    """Give the result of the spot check of drawn cases; a failed case goes back to its accounting with the finding.

    The last result of a draw lets every other case of its frame go on to payment. Refuses ``WHOLE_COUNTY_NEEDED``:
    who sees a part of the frame could take the last result there for the last of all; and per case ``SAME_PERSON``: who
    worked on a case until its acceptance does not check it.
    """
    stated = stated or Stated()
    views = await look(session, who, ground, selection, stated.day)
    report, moves = judged(
        who,
        ground,
        views,
        stated,
        stage_for(Sample, ground.programme.process),
        lambda case, act: case.rules.proceedings.check(case.view, act, passed, finding),
        Action.SAMPLE_CASES,
    )
    note_missing(report, ground, views, selection)
    if moves:
        who.require_whole_county()
    changes = [
        Change(case, move, {} if passed else sent_back(case, move.to), {"passed": passed, "finding": finding})
        for case, move in moves
    ]
    done = await write(session, who, "check", changes, stated, report)
    await _note_results(session, who, done, passed, finding, stated)
    for made in sorted({change.case.draw for change in done if change.case.draw}):
        await _go_on(session, who, ground, made, stated)
    return report


async def _note_results(
    session: AsyncSession, who: Entered, done: Sequence[Change], passed: bool, finding: str, stated: Stated
) -> None:
    result = {
        "passed": passed,
        "finding": finding,
        "checked_by": stated.by(who),
        "checked_on": stated.on(who),
        "checked_at": who.at.now,
    }
    await session.execute(
        update(SampleUnit)
        .where(
            SampleUnit.tenant_id == who.county.id,
            among(SampleUnit.case_id, [change.case.id for change in done]),
            SampleUnit.drawn.is_(True),
            SampleUnit.passed.is_(None),
        )
        .values(**result)
        .execution_options(synchronize_session=False)
    )


async def _go_on(session: AsyncSession, who: Entered, ground: Ground, made: UUID, stated: Stated) -> None:
    """Once every drawn case of a draw has its result, let the frame go on, with what each household is due."""
    # Two results given at once must not both believe that the other is missing.
    await hold(session, str(made))
    waiting = await session.scalar(
        select(func.count())
        .select_from(SampleUnit)
        .where(
            SampleUnit.tenant_id == who.county.id,
            SampleUnit.draw_id == made,
            SampleUnit.drawn.is_(True),
            SampleUnit.passed.is_(None),
        )
    )
    if waiting:
        return
    stage = ground.programme.process.first(Sample)
    cases = await look(session, who, ground, Selection(stages=[stage.code], draw=made), stated.day)
    changes = [
        Change(
            case,
            Move(case.rules.proceedings.after(stage.code), stage.by),
            {"since": max(case.view.since, stated.on(who))},
            {"draw": str(made)},
        )
        for case in cases
    ]
    report = Report()
    await write(session, who, "sample_passed", changes, stated, report)
    if report.refused:
        raise Code.CONFLICT.refuse()


async def in_frames(session: AsyncSession, who: Entered, cases: Iterable[UUID]) -> frozenset[UUID]:
    """The officers who drew or checked a sample that held some of the cases."""
    rows = await session.execute(
        select(SampleDraw.officer_id, SampleUnit.checked_by)
        .join(SampleUnit, (SampleUnit.tenant_id == SampleDraw.tenant_id) & (SampleUnit.draw_id == SampleDraw.id))
        .where(SampleDraw.tenant_id == who.county.id, among(SampleUnit.case_id, cases))
        .distinct()
    )
    return frozenset(officer for row in rows for officer in row if officer is not None)
