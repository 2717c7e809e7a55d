"""The samples of a period as they are read: what was drawn from what, and the list that the county goes out with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Action, Entered
from bangfu.cases import shown
from bangfu.cases.ground import Ground
from bangfu.cases.whom import Whom
from bangfu.disclosure import need_reason, record_export
from bangfu.documents.writing import Sheet, SheetColumn, workbook
from bangfu.errors import Code
from bangfu.models import Case, Household, SampleDraw, SampleUnit
from bangfu.process import Sample
from bangfu.registry.divisions import Places
from bangfu.text import Text, day


@dataclass(frozen=True, slots=True)
class Kept:
    """A draw that was made: its frame, how many were drawn, and how many results are still awaited."""

    id: UUID
    number: int
    drawn_on: date
    seed: str
    frame_size: int
    size: int
    awaited: int


async def kept(session: AsyncSession, who: Entered, ground: Ground) -> list[Kept]:
    """The draws of the period in sight, in their order."""
    awaited = (
        select(func.count())
        .where(
            SampleUnit.tenant_id == SampleDraw.tenant_id,
            SampleUnit.draw_id == SampleDraw.id,
            SampleUnit.drawn.is_(True),
            SampleUnit.passed.is_(None),
        )
        .correlate(SampleDraw)
        .scalar_subquery()
    )
    query = (
        select(
            SampleDraw.id,
            SampleDraw.number,
            SampleDraw.drawn_on,
            SampleDraw.seed,
            SampleDraw.frame_size,
            SampleDraw.size,
            awaited,
        )
        .where(
            SampleDraw.tenant_id == who.county.id,
            SampleDraw.programme == ground.programme.code,
            SampleDraw.period == ground.period.key,
        )
        .order_by(SampleDraw.number)
    )
    return [Kept(*row) for row in (await session.execute(query)).all()]


async def sheet(session: AsyncSession, who: Entered, ground: Ground, id: UUID, reason: str) -> bytes:
    """A draw as a workbook: the drawn households with room for the results, and the whole frame in its drawn order.

    It names people, so it needs a reason and is on record. Refuses ``FORBIDDEN``, ``REASON_NEEDED`` and ``NOT_FOUND``.
    """
    who.require(Action.EXPORT_SAMPLE, ground.programme.code, ground.programme.process.first(Sample).code)
    need_reason(reason)
    tenant = who.county.id
    made = await session.scalar(select(SampleDraw).where(SampleDraw.tenant_id == tenant, SampleDraw.id == id))
    if made is None or (made.programme, made.period) != (ground.programme.code, ground.period.key):
        raise Code.NOT_FOUND.refuse("draw", what=Text("抽查", "the draw"))
    units = (
        await session.execute(
            select(SampleUnit, Case.household_id.label("household"), Case.person_id, Case.number, Household.group_name)
            .join(Case, (Case.tenant_id == tenant) & (Case.id == SampleUnit.case_id))
            .join(Household, (Household.tenant_id == tenant) & (Household.id == Case.household_id))
            .where(SampleUnit.tenant_id == tenant, SampleUnit.draw_id == id)
            .order_by(SampleUnit.position)
        )
    ).all()
    named = await shown.names(session, who, [Whom(one.number, one.household, one.person_id) for one in units])
    for_persons = ground.programme.is_for_persons
    places = await Places.on(session, made.drawn_on)
    drawn = sorted((unit for unit in units if unit.SampleUnit.drawn), key=lambda unit: unit.SampleUnit.division)
    title = f"{who.county.name}{made.period}年度{ground.programme.title.zh}"
    result = {True: "合格", False: "不合格", None: ""}
    listed = Sheet(
        "抽中名单",
        f"{title}抽查名单",
        [
            SheetColumn("序号", "integer"),
            *map(SheetColumn, ("乡镇", "村", "组", *shown.HEADERS[for_persons], "结果", "发现的问题")),
        ],
        [
            (
                number,
                places.township(unit.SampleUnit.division),
                places.named(unit.SampleUnit.division),
                unit.group_name,
                unit.number,
                named.get(unit.person_id or unit.household, ""),
                result[unit.SampleUnit.passed],
                unit.SampleUnit.finding,
            )
            for number, unit in enumerate(drawn, 1)
        ],
        above=[f"第 {made.number} 次抽查    {day(made.drawn_on).zh}    总体 {made.frame_size} 户,抽中 {made.size} 户"],
        below=["抽查人:                    日期:     年   月   日"],
    )
    frame = Sheet(
        "总体",
        f"{title}抽查总体",
        [SheetColumn("顺序", "integer"), *map(SheetColumn, ("乡镇", "村", "户编号", "抽中"))],
        [
            (
                unit.SampleUnit.position,
                places.township(unit.SampleUnit.division),
                places.named(unit.SampleUnit.division),
                unit.number,
                "是" if unit.SampleUnit.drawn else "",
            )
            for unit in units
        ],
        above=[f"随机种子:{made.seed}    来源:{made.seed_source}", f"总体摘要:{made.digest}"],
    )
    await record_export(
        session,
        who,
        Action.EXPORT_SAMPLE,
        f"draw/{id}",
        reason,
        len(units),
        ["head"],
        frame=len(units),
        drawn=len(drawn),
    )
    return workbook([listed, frame])
