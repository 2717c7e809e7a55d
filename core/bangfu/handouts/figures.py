"""What is handed out comes to: by kind, how much is asked for, listed, handed over and followed up, for how many
households and persons; and of every batch what came in, went out and is left.

Every total is that of its lines. Where a batch says otherwise than the lines that came out of it, both are shown, and
nothing is repaired.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Action, Entered
from bangfu.db.bulk import among
from bangfu.handouts.ledger import COUNTING, DELIVERED, HandoutState
from bangfu.handouts.stock import Measure, left_of
from bangfu.models import Handout, HandoutBatch
from bangfu.programme import HandoutProgramme
from bangfu.registry.divisions import area_of


@dataclass(frozen=True, slots=True)
class KindLine:
    """What a kind comes to: lines that wait to be listed, lines that are listed for the year, and of these what was
    handed over. ``households`` and ``persons`` are those who have received, each counted once."""

    kind: str
    waiting: int
    listed: int
    handed_over: int
    followed_up: int
    absent: int
    quantity: int
    fen: int
    households: int
    persons: int


@dataclass(frozen=True, slots=True)
class BatchLine:
    """A batch: what came in, what it says is out, what is left, and what the lines in sight say came out of it.

    ``differs`` says that the two are not the same; None to whoever does not see every line.
    """

    kind: str
    item: str
    voucher: str
    bought: Measure
    out: Measure
    left: Measure
    handed_over: Measure
    differs: bool | None


async def by_kind(
    session: AsyncSession,
    who: Entered,
    programme: HandoutProgramme,
    year: int | None = None,
    division: int | None = None,
) -> list[KindLine]:
    """What each kind comes to, of the lines in sight, or of a division; of a year what was listed for it, and what
    waits. In one statement. Refuses ``FORBIDDEN``."""
    who.require(Action.READ_HANDOUTS, programme.code)
    own, delivered = Handout, among(Handout.state, [state.value for state in DELIVERED])
    # Who was to come and did not has received nothing, and has had the seat.
    received = delivered & own.attended.is_distinct_from(False)
    listed = among(own.state, [state.value for state in COUNTING])

    def lines(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.count(case((condition, 1)))

    query = (
        select(
            own.kind,
            lines(own.state == HandoutState.STATED.value),
            lines(listed),
            lines(delivered),
            lines(own.state == HandoutState.FOLLOWED_UP.value),
            lines(delivered & own.attended.is_(False)),
            func.coalesce(func.sum(case((received, own.quantity))), 0),
            func.coalesce(func.sum(case((received, own.value_fen))), 0),
            func.count(case((received, own.household_id)).distinct()),
            func.count(case((received, own.person_id)).distinct()),
        )
        .where(
            own.tenant_id == who.county.id,
            own.programme == programme.code,
            own.division.between(*area_of(division or who.county.area[0])),
        )
        .group_by(own.kind)
    )
    if year is not None:
        query = query.where((own.year == year) | own.year.is_(None))
    found = {row[0]: KindLine(row[0], *(int(value) for value in row[1:])) for row in await session.execute(query)}
    return [found[kind.code] for kind in programme.kinds if kind.code in found]


async def batches(session: AsyncSession, who: Entered, programme: HandoutProgramme) -> Sequence[BatchLine]:
    """The batches that stand, by kind and voucher, with what is left of each, in one statement. Refuses
    ``FORBIDDEN``."""
    who.require(Action.READ_HANDOUTS, programme.code)
    lines = (
        select(
            Handout.batch_id,
            func.coalesce(func.sum(Handout.quantity), 0).label("quantity"),
            func.coalesce(func.sum(Handout.value_fen), 0).label("fen"),
        )
        .where(
            Handout.tenant_id == who.county.id,
            Handout.programme == programme.code,
            among(Handout.state, [state.value for state in DELIVERED]),
        )
        .group_by(Handout.batch_id)
        .subquery("lines")
    )
    query = (
        select(HandoutBatch, func.coalesce(lines.c.quantity, 0), func.coalesce(lines.c.fen, 0))
        .outerjoin(lines, lines.c.batch_id == HandoutBatch.id)
        .where(
            HandoutBatch.tenant_id == who.county.id,
            HandoutBatch.programme == programme.code,
            HandoutBatch.replaced_at.is_(None),
        )
        .order_by(HandoutBatch.kind, HandoutBatch.voucher)
    )
    whole = who.scope.areas == (who.county.area,)
    found = []
    for batch, quantity, fen in await session.execute(query.execution_options(populate_existing=True)):
        out, handed = Measure(batch.out_quantity, batch.out_fen), Measure(int(quantity), int(fen))
        bought = Measure(batch.quantity, batch.value_fen)
        differs = out != handed if whole else None
        found.append(BatchLine(batch.kind, batch.item, batch.voucher, bought, out, left_of(batch), handed, differs))
    return found
