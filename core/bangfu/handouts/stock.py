"""What was bought to be handed out 采购入库, by its voucher, and what is left of it.

A batch knows what is out of it, since whoever hands over in one village does not see the lines of another. It never
gives more than there was; the database holds that too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import String, func, literal_column, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import audit
from bangfu.access import Entered
from bangfu.cases.charges import ACTIONS, Acting, found, need_text
from bangfu.cases.views import Stated
from bangfu.db import hold
from bangfu.db.bulk import among, insert_new, update_all
from bangfu.documents.cells import plain
from bangfu.errors import Code
from bangfu.models import HandoutBatch, new_id
from bangfu.policy import LARGEST_FEN
from bangfu.programme import HandoutAct, HandoutKind, HandoutProgramme
from bangfu.text import Text, join, money, number

LARGEST_QUANTITY = 10**6
WHAT = Text("入库批次", "the batch")


@dataclass(frozen=True, slots=True)
class Measure:
    """A number and a value (fen); None where there is no such thing."""

    quantity: int | None = None
    fen: int | None = None

    def text(self, kind: HandoutKind) -> Text:
        """It, as the kind is measured."""
        said = [money(self.fen or 0)] if kind.money else []
        if kind.counted is not None:
            many = number(self.quantity or 0)
            said.append(Text(f"{many} {kind.counted.zh}", f"{many} {kind.counted.en}"))
        return join(said, " ", ", ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """What was bought: of which kind, what, how many and for how much, and the number of its voucher, whole."""

    kind: str
    item: str
    voucher: str
    measure: Measure
    corrects: UUID | None = None


async def supply(
    session: AsyncSession, who: Entered, programme: HandoutProgramme, bought: Bought, stated: Stated
) -> UUID:
    """Enter what was bought; a correction takes the place of a batch of which nothing is out, with the reason.

    Refuses ``FORBIDDEN``, ``PROGRAMME_OFF``, ``WHOLE_COUNTY_NEEDED``, ``NOT_YOUR_DUTY``, what is wrong with the day,
    ``BAD_VALUE`` for a kind that comes out of no batch or a measure that cannot be, ``MISSING_VALUE``, ``NUMBER_TAKEN``
    for a voucher that was entered, and for what is corrected ``NOT_FOUND``, ``REASON_NEEDED`` and ``CONFLICT``.
    """
    acting = await Acting.of(session, who, programme, HandoutAct.SUPPLY)
    who.require_whole_county()
    columns = acting.by(stated)
    kind = kind_of(programme, bought.kind)
    if not kind.stocked:
        expected = join([one.title for one in programme.kinds if one.stocked])
        raise Code.BAD_VALUE.refuse("kind", field=Text("种类", "kind"), value=kind.title, expected=expected)
    # What is counted has a price all the same.
    require_measure(kind, bought.measure, "measure", priced=True)
    voucher = need_text(bought.voucher, "voucher", Text("凭证编号", "number of the voucher"))
    made = new_id()
    row = {
        "tenant_id": who.county.id, "id": made, "programme": programme.code, "kind": kind.code,
        "item": need_text(bought.item, "item", Text("名称", "what")), "voucher": voucher,
        "quantity": bought.measure.quantity, "value_fen": bought.measure.fen, "out_quantity": 0, "out_fen": 0,
        "replaces": bought.corrects, **columns,
    }  # fmt: skip
    await hold(session, stock_of(programme))
    if bought.corrects is not None:
        await _replace(session, who, programme, bought.corrects, stated)
    alike = await batches_by_voucher(session, who, programme, [voucher])
    if alike or not await insert_new(session, HandoutBatch, [row], "id"):
        raise Code.NUMBER_TAKEN.refuse("voucher", number=voucher)
    said = {"programme": programme.code, "act": HandoutAct.SUPPLY.value, "fen": bought.measure.fen}
    action = ACTIONS[HandoutAct.SUPPLY].value
    await audit.record(session, who.at.now, who.actor.id, action, f"batch/{made}", said, stated.reason)
    return made


async def _replace(session: AsyncSession, who: Entered, programme: HandoutProgramme, id: UUID, stated: Stated) -> None:
    if not stated.reason.strip():
        raise Code.REASON_NEEDED.refuse("reason")
    row: HandoutBatch | None = (await found(session, who, HandoutBatch, [id])).get(id)
    if row is None or row.programme != programme.code:
        raise Code.NOT_FOUND.refuse("corrects", what=WHAT)
    if row.replaced_at is not None or row.out_quantity or row.out_fen:
        raise Code.CONFLICT.refuse("corrects")
    await update_all(session, HandoutBatch, [id], {"replaced_at": who.at.now})


def stock_of(programme: HandoutProgramme) -> str:
    """What is held while stock or limits of a programme are looked at and changed."""
    return f"handouts/{programme.code}"


def kind_of(programme: HandoutProgramme, code: str, *path: str | int) -> HandoutKind:
    """A kind of the programme by its code; refuses ``BAD_VALUE``."""
    kind = programme.kind(code)
    if kind is None:
        expected = join([Text(f"{one.title.zh}({one.code})", one.code) for one in programme.kinds])
        raise Code.BAD_VALUE.refuse(*path, "kind", field=Text("种类", "kind"), value=code, expected=expected)
    return kind


def require_measure(kind: HandoutKind, measure: Measure, path: str, *, priced: bool = False) -> None:
    """Refuse ``BAD_VALUE`` for a measure that is not the kind's, or cannot be; of what is ``priced`` a value may stand
    whether or not it counts."""
    for asked, value, most, field in (
        (kind.counted is not None, measure.quantity, LARGEST_QUANTITY, Text("数量", "number")),
        (kind.money, measure.fen, LARGEST_FEN, Text("金额", "value")),
    ):
        if priced and not asked and field.en == "value":
            fits = value is None or 0 <= value <= most
        else:
            fits = (value is not None and 1 <= value <= most) if asked else value is None
        if not fits:
            expected = Text(f"1 至 {most}", f"1 to {most}") if asked else Text("不填", "nothing")
            raise Code.BAD_VALUE.refuse(path, field=field, value="" if value is None else value, expected=expected)


async def batches_by_voucher(
    session: AsyncSession, who: Entered, programme: HandoutProgramme, vouchers: Iterable[str]
) -> dict[str, HandoutBatch]:
    """The batches that stand, by the vouchers that are asked for, as they are now. A voucher may be written in
    full-width forms here and not there: a list that comes back has none."""
    asked = {plain(voucher): voucher for voucher in vouchers}
    query = select(HandoutBatch).where(
        HandoutBatch.tenant_id == who.county.id,
        HandoutBatch.programme == programme.code,
        HandoutBatch.replaced_at.is_(None),
        among(func.normalize(HandoutBatch.voucher, literal_column("NFKC"), type_=String), asked),
    )
    rows = await session.scalars(query.execution_options(populate_existing=True))
    return {asked[plain(row.voucher)]: row for row in rows}


async def move(session: AsyncSession, who: Entered, moved: Mapping[UUID, Measure]) -> None:
    """Take so much out of each batch, or put it back where it is negative; refuses ``STOCK_SHORT`` where there is less,
    with a statement for each batch."""
    for key, measure in sorted(moved.items()):
        quantity, fen = measure.quantity or 0, measure.fen or 0
        own = HandoutBatch
        taken = (
            update(own)
            .where(
                own.tenant_id == who.county.id,
                own.id == key,
                own.replaced_at.is_(None),
                (own.out_quantity + quantity).between(0, func.coalesce(own.quantity, 0)),
                (own.out_fen + fen).between(0, func.coalesce(own.value_fen, 0)),
            )
            .values(out_quantity=own.out_quantity + quantity, out_fen=own.out_fen + fen)
            .returning(own.id)
            .execution_options(synchronize_session=False)
        )
        if await session.scalar(taken) is None:
            raise Code.STOCK_SHORT.refuse("voucher", voucher=str(key), left="0", wanted=str(quantity or fen))


def left_of(batch: Any) -> Measure:
    """What is left of a batch."""
    return Measure(
        None if batch.quantity is None else batch.quantity - batch.out_quantity,
        None if batch.value_fen is None else batch.value_fen - batch.out_fen,
    )
