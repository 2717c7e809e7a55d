"""What was delivered 帮扶投入台账, and what is said to it.

Lines are only ever added: by the enterprise's agent, one for each paper that shows a delivery. A paper counts once in
the county, whichever village, enterprise or programme it is brought for. The village answers, the enterprise may not
accept a part, and the county settles it; each answer is kept, and the line says where it stands. Money and goods of the
ledger are the enterprise's: they never meet the state's payments.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import audit
from bangfu.access import Entered
from bangfu.cases.charges import ACTIONS, Acting, found, need_text
from bangfu.cases.views import Stated
from bangfu.db import hold
from bangfu.db.bulk import among, insert_new, insert_rows, update_all
from bangfu.errors import Code, Problem, Refused
from bangfu.models import (
    Delivery,
    DeliveryAnswer,
    DeliveryPerson,
    DeliveryReceipt,
    PairingAgreement,
    Person,
    new_id,
)
from bangfu.pairings.agreements import check_measure, require_kind
from bangfu.pairings.standing import (
    AGREED,
    AGREEMENT,
    NOTHING,
    DeliveryState,
    Measure,
    Standing,
    Verdict,
    answered,
    in_force_on,
    state_of,
)
from bangfu.programme import PairingAct, PairingProgramme
from bangfu.registry.divisions import area_of
from bangfu.text import Text

WHAT = Text("帮扶投入", "the delivery")


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """A delivery as the enterprise says: under which agreement, on which day, by which path, of which kind, how much.

    ``receipt`` is the number of the paper that shows it, whole; ``valuation`` how the value of goods was found.
    ``corrects`` is an earlier line of the same enterprise in whose place it is, under whichever of its agreements; of
    one that never was, nothing is left.
    """

    agreement: UUID
    day: date
    path: str
    kind: str
    what: str
    measure: Measure
    receipt: str
    valuation: str = ""
    corrects: UUID | None = None


@dataclass
class Report:
    """What came of answering deliveries: those that were answered, and those that were refused, each with its
    problem."""

    done: list[UUID] = field(default_factory=list)
    refused: list[tuple[UUID, Problem]] = field(default_factory=list)


def receipt_key(receipt: str) -> str:
    """A receipt's number as it is compared: full-width characters, case, spaces and strokes make no other paper, but
    for a stroke between two digits (``12/3`` and ``1/23``)."""
    folded = "".join(unicodedata.normalize("NFKC", receipt).upper().split())
    stroked = re.sub(r"(?<=\d)[\W_]+(?=\d)", "/", folded)
    return "".join(character for character in stroked if character.isalnum() or character == "/").strip("/")


async def log(
    session: AsyncSession, who: Entered, programme: PairingProgramme, lines: Sequence[Delivered], stated: Stated
) -> list[UUID]:
    """Add deliveries to the ledger, all or none of them, in a number of statements that does not depend on theirs.

    The day of a delivery is not the day on which somebody logs it: on that one it has to be his duty. Refuses, at the
    place of each line: ``NOT_FOUND``, ``NOT_YOUR_DUTY``, what is wrong with the days, ``AGREEMENT_STATE`` where the
    agreement was not signed or not in force when it was delivered, ``MISSING_VALUE``, ``BAD_VALUE``,
    ``RECEIPT_COUNTED``, and for what is corrected ``CONFLICT`` and ``REASON_NEEDED``; besides, ``FORBIDDEN`` and
    ``PROGRAMME_OFF``.
    """
    acting = await Acting.of(session, who, programme, PairingAct.DELIVER)
    ids = {line.agreement for line in lines}
    known = await found(session, who, PairingAgreement, ids)
    # No agreement of them ends meanwhile.
    await hold(session, *{f"organization/{row.organization_id}" for row in known.values()})
    agreements = await found(session, who, PairingAgreement, ids)
    corrected = await found(session, who, Delivery, {line.corrects for line in lines if line.corrects is not None})
    rows: list[dict[str, Any]] = []
    problems: list[Problem] = []
    for position, line in enumerate(lines):
        try:
            rows.append(_row(acting, line, stated, agreements.get(line.agreement), corrected))
        except Refused as refusal:
            problems += [problem.under("lines", position) for problem in refusal.problems]
    if problems:
        raise Refused(problems)
    await _replace(session, who, rows)
    await insert_rows(session, Delivery, rows)
    await _count_receipts(session, who, rows)
    by_agreement: dict[UUID, list[dict[str, Any]]] = {}
    for row in rows:
        by_agreement.setdefault(row["agreement_id"], []).append(row)
    noted = [
        (f"agreement/{key}",
         {"programme": programme.code, "lines": len(own), "fen": sum(row["amount_fen"] or 0 for row in own)})
        for key, own in sorted(by_agreement.items())
    ]  # fmt: skip
    action = ACTIONS[PairingAct.DELIVER].value
    await audit.record_each(session, who.at.now, who.actor.id, action, noted, stated.reason)
    return [row["id"] for row in rows]


def _row(
    acting: Acting[PairingProgramme],
    line: Delivered,
    stated: Stated,
    agreement: PairingAgreement | None,
    corrected: Mapping[UUID, Delivery],
) -> dict[str, Any]:
    """A line as it is kept; refuses what is wrong with it."""
    who, programme = acting.who, acting.programme
    if agreement is None or agreement.programme != programme.code:
        raise Code.NOT_FOUND.refuse("agreement", what=AGREEMENT)
    receipt = need_text(line.receipt, "receipt", Text("单据编号", "number of the receipt"))
    if not receipt_key(receipt):
        raise Code.MISSING_VALUE.refuse("receipt", field=Text("单据编号", "number of the receipt"))
    logged_on = stated.on(who)
    said = Stated(logged_on, stated.duty, stated.reason, stated.evidence or receipt, stated.signatory)
    columns = acting.by(said, organization=agreement.organization_id) | {"effective_on": line.day}
    if line.day > logged_on:
        raise Code.DAY_IN_FUTURE.refuse("day", day=line.day, today=logged_on)
    if not in_force_on(agreement, line.day):
        state = state_of(agreement, line.day).title_text
        raise Code.AGREEMENT_STATE.refuse("agreement", state=state, act=acting.act.title_text)
    kind = require_kind(programme, line.path, line.kind)
    check_measure(kind, line.measure, "measure", may_be_nothing=line.corrects is not None)
    if kind.valued:
        need_text(line.valuation, "valuation", Text("估价依据", "how the value was found"))
    if line.corrects is not None:
        if not stated.reason.strip():
            raise Code.REASON_NEEDED.refuse("reason")
        was = corrected.get(line.corrects)
        if was is None or (was.programme, was.organization_id) != (programme.code, agreement.organization_id):
            raise Code.NOT_FOUND.refuse("corrects", what=WHAT)
        if was.state == DeliveryState.REPLACED:
            raise Code.CONFLICT.refuse("corrects")
    standing = Standing()
    return {
        "tenant_id": who.county.id, "id": new_id(), "agreement_id": agreement.id,
        "organization_id": agreement.organization_id, "division": agreement.division, "programme": programme.code,
        "year": line.day.year, "path": line.path, "kind": line.kind,
        "what": need_text(line.what, "what", Text("投入内容", "what was delivered")),
        "amount_fen": line.measure.fen, "quantity": line.measure.quantity, "valuation": line.valuation.strip(),
        "receipt": receipt, "corrects": line.corrects, "state": standing.state.value, "stands_fen": standing.fen,
        "stands_quantity": standing.quantity, "version": 1, **columns,
    }  # fmt: skip


async def _replace(session: AsyncSession, who: Entered, rows: Sequence[Mapping[str, Any]]) -> None:
    """Let corrected lines count for nothing and free their papers; refuses ``CONFLICT`` where somebody was faster with
    one, or two correct the same."""
    wanted = [row["corrects"] for row in rows if row["corrects"] is not None]
    if not wanted:
        return
    gone = {
        "state": DeliveryState.REPLACED.value, "stands_fen": 0, "stands_quantity": 0, "version": Delivery.version + 1,
    }  # fmt: skip
    # The wall lets nobody change what is replaced: of two, the second changes nothing.
    done = await update_all(session, Delivery, wanted, gone)
    if len(done) != len(wanted):
        raise Code.CONFLICT.refuse("corrects")
    free = (
        update(DeliveryReceipt)
        .where(
            DeliveryReceipt.tenant_id == who.county.id,
            among(DeliveryReceipt.delivery_id, wanted),
            DeliveryReceipt.released_at.is_(None),
        )
        .values(released_at=who.at.now)
    )
    await session.execute(free.execution_options(synchronize_session=False))


async def _count_receipts(session: AsyncSession, who: Entered, rows: Sequence[Mapping[str, Any]]) -> None:
    """Count every paper once; refuses ``RECEIPT_COUNTED``, at its line, for one that counts for anything else.

    Whose it counts for is not said: that is nobody's business but the county's. A line of nothing brings no paper.
    """
    problems, new, seen = [], [], set()
    for position, row in enumerate(rows):
        if not (row["amount_fen"] or row["quantity"]):
            continue
        key = receipt_key(row["receipt"])
        if key in seen:
            problems.append(Code.RECEIPT_COUNTED.problem("lines", position, "receipt", receipt=row["receipt"]))
        seen.add(key)
        new.append((position, row, key))
    made = [
        {"tenant_id": who.county.id, "id": new_id(), "key": key, "delivery_id": row["id"],
         "organization_id": row["organization_id"], "division": row["division"], "released_at": None}
        for _, row, key in new
    ]  # fmt: skip
    counted = set() if problems else await insert_new(session, DeliveryReceipt, made, "delivery_id")
    problems += [
        Code.RECEIPT_COUNTED.problem("lines", position, "receipt", receipt=row["receipt"])
        for position, row, _ in new
        if not problems and row["id"] not in counted
    ]
    if problems:
        raise Refused(problems)


# --- answers ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which deliveries are answered: those that are named or, where none is, every one in a division that waits for
    the village, but for some."""

    ids: Sequence[UUID] | None = None
    division: int | None = None
    without: Sequence[UUID] = ()


async def answer(
    session: AsyncSession,
    who: Entered,
    programme: PairingProgramme,
    chosen: Chosen,
    verdict: Verdict,
    stated: Stated,
    accepted: Measure = NOTHING,
) -> Report:
    """Answer deliveries: the village confirms, confirms in part or disputes, who delivered contests a part, the county
    rules what stands. The statements do not depend on their number.

    What is confirmed in part or ruled is one delivery, with what stands of it. Refuses ``FORBIDDEN``,
    ``PROGRAMME_OFF``, ``REASON_NEEDED`` for anything but a confirmation, ``BAD_VALUE``; and of each delivery by itself
    ``NOT_FOUND``, ``NOT_YOUR_DUTY``, what is wrong with the day, ``BEFORE_PREVIOUS_STEP``, ``DELIVERY_STATE``,
    ``SAME_PERSON`` to who rules and gave or typed in an answer before, ``EVIDENCE_NEEDED`` to who rules on what was
    settled already, and ``CONFLICT`` where somebody was faster, or the version that the answer was made on
    (``stated.seen``, by id) is another by now.
    """
    acting = await Acting.of(session, who, programme, verdict.act)
    if verdict is not Verdict.CONFIRMED and not stated.reason.strip():
        raise Code.REASON_NEEDED.refuse("reason")
    if verdict.has_amounts and (chosen.ids is None or len(chosen.ids) != 1):
        one = Text("一笔", "one delivery")
        raise Code.BAD_VALUE.refuse("deliveries", field=WHAT, value=len(chosen.ids or ()), expected=one)
    rows = await _chosen(session, who, programme, chosen)
    report = Report()
    if chosen.ids is not None:
        missing = [key for key in chosen.ids if key not in rows]
        report.refused += [(key, Code.NOT_FOUND.problem("delivery", what=WHAT)) for key in missing]
    before = await _answers(session, who, rows)
    ready: dict[UUID, tuple[Standing, dict[str, Any]]] = {}
    for row in rows.values():
        found_ = _judge(acting, row, verdict, accepted, stated, before.get(row.id, []))
        if isinstance(found_, Problem):
            report.refused.append((row.id, found_))
        else:
            ready[row.id] = found_
    done = await _keep(session, who, rows, ready, verdict, stated)
    report.refused += [(key, Code.CONFLICT.problem("delivery")) for key in ready if key not in done]
    report.done = [key for key in ready if key in done]
    noted = [
        (f"delivery/{key}", {"programme": programme.code, "verdict": verdict.value, "fen": ready[key][0].fen})
        for key in report.done
    ]
    await audit.record_each(session, who.at.now, who.actor.id, ACTIONS[verdict.act].value, noted, stated.reason)
    return report


async def _chosen(
    session: AsyncSession, who: Entered, programme: PairingProgramme, chosen: Chosen
) -> dict[UUID, Delivery]:
    query = select(Delivery).where(Delivery.tenant_id == who.county.id, Delivery.programme == programme.code)
    if chosen.ids is not None:
        query = query.where(among(Delivery.id, chosen.ids))
    else:
        query = query.where(
            Delivery.division.between(*area_of(chosen.division or who.county.area[0])),
            Delivery.state == DeliveryState.LOGGED.value,
        )
    if chosen.without:
        query = query.where(~among(Delivery.id, chosen.without))
    query = query.order_by(Delivery.id).execution_options(populate_existing=True)
    return {row.id: row for row in await session.scalars(query)}


async def _answers(
    session: AsyncSession, who: Entered, rows: Mapping[UUID, Delivery]
) -> dict[UUID, list[DeliveryAnswer]]:
    """The answers to each delivery in their order, in one statement."""
    query = (
        select(DeliveryAnswer)
        .where(DeliveryAnswer.tenant_id == who.county.id, among(DeliveryAnswer.delivery_id, rows))
        .order_by(DeliveryAnswer.number)
    )
    found_: dict[UUID, list[DeliveryAnswer]] = {}
    for row in await session.scalars(query):
        found_.setdefault(row.delivery_id, []).append(row)
    return found_


def _judge(
    acting: Acting[PairingProgramme],
    row: Delivery,
    verdict: Verdict,
    accepted: Measure,
    stated: Stated,
    answers: Sequence[DeliveryAnswer],
) -> tuple[Standing, dict[str, Any]] | Problem:
    columns = acting.attempt(stated, organization=row.organization_id, division=row.division)
    if isinstance(columns, Problem):
        return columns
    if str(row.id) in stated.seen and stated.seen[str(row.id)] != row.version:
        return Code.CONFLICT.problem("delivery")
    before = max([row.effective_on, *(one.effective_on for one in answers)])
    if columns["effective_on"] < before:
        return Code.BEFORE_PREVIOUS_STEP.problem("day", day=columns["effective_on"], previous=before)
    mine = {columns["officer_id"], columns["recorded_by"]}
    if verdict is Verdict.RULED and row.state in AGREED and not stated.evidence.strip():
        return Code.EVIDENCE_NEEDED.problem("evidence", day=columns["effective_on"])
    if verdict is Verdict.RULED and any(mine & {one.officer_id, one.recorded_by} for one in answers):
        return Code.SAME_PERSON.problem("delivery", other=Text("答复人", "who answered before"))
    now = Standing(DeliveryState(row.state), row.stands_fen, row.stands_quantity)
    after = answered(Measure(row.amount_fen, row.quantity), now, verdict, accepted)
    return after if isinstance(after, Problem) else (after, columns)


async def _keep(
    session: AsyncSession,
    who: Entered,
    rows: Mapping[UUID, Delivery],
    ready: Mapping[UUID, tuple[Standing, dict[str, Any]]],
    verdict: Verdict,
    stated: Stated,
) -> set[UUID]:
    """Write answers down, and where the lines stand by them; the ids of those with which nobody else was faster."""
    answers = [
        {
            "tenant_id": who.county.id, "id": new_id(), "delivery_id": key,
            "organization_id": rows[key].organization_id, "division": rows[key].division,
            "number": rows[key].version, "verdict": verdict.value, "stands_fen": standing.fen,
            "stands_quantity": standing.quantity, "reason": stated.reason, **columns,
        }
        for key, (standing, columns) in ready.items()
    ]  # fmt: skip
    mine = await insert_new(session, DeliveryAnswer, answers, "delivery_id")
    values: dict[str, Any] = {"state": verdict.value, "version": Delivery.version + 1}
    if verdict is Verdict.CONFIRMED:
        values |= {"stands_fen": func.coalesce(Delivery.amount_fen, 0)}
        values |= {"stands_quantity": func.coalesce(Delivery.quantity, 0)}
    elif verdict is Verdict.DISPUTED:
        values |= {"stands_fen": 0, "stands_quantity": 0}
    elif verdict.has_amounts and ready:
        ((standing, _),) = ready.values()
        values |= {"stands_fen": standing.fen, "stands_quantity": standing.quantity}
    done = await update_all(session, Delivery, mine, values)
    if done != mine:  # corrected in this very moment: the answer was to a line that is no more
        raise Code.CONFLICT.refuse("deliveries")
    return mine


# --- persons, on the village's side alone -----------------------------------------------------------------------


async def match(
    session: AsyncSession,
    who: Entered,
    programme: PairingProgramme,
    id: UUID,
    numbers: Sequence[str],
    stated: Stated,
) -> int:
    """Say which persons of the village a delivery of posts or trainees was for, by their numbers in the register; how
    many were not known of it yet. No enterprise ever sees who.

    Refuses ``FORBIDDEN``, ``PROGRAMME_OFF``, ``NOT_YOUR_DUTY``, what is wrong with the day, ``NOT_FOUND`` for a
    delivery or a person out of sight, ``DELIVERY_STATE`` for one of which it is not settled what stands, and
    ``BAD_VALUE`` for a kind that names nobody or for more persons than stand.
    """
    row = await _named(session, who, programme, id, stated)
    if row.state not in AGREED:
        state, act = DeliveryState(row.state).title_text, Text("登记受益人", "naming persons")
        raise Code.DELIVERY_STATE.refuse("delivery", state=state, act=act)
    kind = programme.kind(row.kind)
    if kind is None or not kind.names_persons:
        expected = Text("岗位、培训等涉及具体人员的内容", "a kind that is for persons, such as posts")
        raise Code.BAD_VALUE.refuse("delivery", field=Text("帮扶内容", "kind"), value=row.kind, expected=expected)
    persons = await _persons(session, who, row, numbers)
    made = [
        {"tenant_id": who.county.id, "id": new_id(), "delivery_id": id, "person_id": person, "division": row.division,
         "recorded_by": who.actor.id, "recorded_at": who.at.now, "taken_back_by": None, "taken_back_at": None}
        for person in persons
    ]  # fmt: skip
    new = await insert_new(session, DeliveryPerson, made, "person_id")
    held = select(func.count()).where(*_held(who, id))
    if (await session.scalar(held) or 0) > row.stands_quantity:
        most = Text(f"不超过 {row.stands_quantity}", f"at most {row.stands_quantity}")
        raise Code.BAD_VALUE.refuse("persons", field=Text("人数", "persons"), value=len(numbers), expected=most)
    await _note_persons(session, who, programme, id, stated, persons=len(new))
    return len(new)


async def unmatch(
    session: AsyncSession,
    who: Entered,
    programme: PairingProgramme,
    id: UUID,
    numbers: Sequence[str],
    stated: Stated,
) -> int:
    """Take back that a delivery was for some persons, with the reason; how many were. Who did it when stays on record.

    Refuses ``FORBIDDEN``, ``PROGRAMME_OFF``, ``NOT_YOUR_DUTY``, what is wrong with the day, ``REASON_NEEDED``, and
    ``NOT_FOUND`` for a delivery or a person out of sight, and for one who is not named.
    """
    if not stated.reason.strip():
        raise Code.REASON_NEEDED.refuse("reason")
    row = await _named(session, who, programme, id, stated)
    persons = await _persons(session, who, row, numbers)
    taken = (
        update(DeliveryPerson)
        .where(*_held(who, id), among(DeliveryPerson.person_id, persons))
        .values(taken_back_by=stated.by(who), taken_back_at=who.at.now)
        .returning(DeliveryPerson.person_id)
    )
    done = set(await session.scalars(taken.execution_options(synchronize_session=False)))
    if done != set(persons):
        raise Code.NOT_FOUND.refuse("persons", what=Text("受益人", "who was named"))
    await _note_persons(session, who, programme, id, stated, taken_back=len(done))
    return len(done)


async def _named(
    session: AsyncSession, who: Entered, programme: PairingProgramme, id: UUID, stated: Stated
) -> Delivery:
    """A delivery whose persons the village names, and nobody else at the same time."""
    acting = await Acting.of(session, who, programme, PairingAct.CONFIRM)
    await hold(session, f"delivery/{id}")
    row: Delivery | None = (await found(session, who, Delivery, [id])).get(id)
    if row is None or row.programme != programme.code:
        raise Code.NOT_FOUND.refuse("delivery", what=WHAT)
    acting.by(stated, organization=row.organization_id, division=row.division)
    return row


async def _persons(session: AsyncSession, who: Entered, row: Delivery, numbers: Sequence[str]) -> list[UUID]:
    """The persons of the village with some numbers; refuses ``NOT_FOUND`` for each that there is not."""
    query = select(Person.number, Person.id).where(
        Person.tenant_id == who.county.id, Person.division == row.division, among(Person.number, numbers)
    )
    persons = {one.number: one.id for one in await session.execute(query)}
    missing = [number for number in dict.fromkeys(numbers) if number not in persons]
    if missing:
        raise Refused([Code.NOT_FOUND.problem("persons", what=number) for number in missing])
    return list(persons.values())


def _held(who: Entered, id: UUID) -> list[ColumnElement[bool]]:
    """The condition that somebody is named for a delivery, and was not taken back."""
    return [
        DeliveryPerson.tenant_id == who.county.id,
        DeliveryPerson.delivery_id == id,
        DeliveryPerson.taken_back_at.is_(None),
    ]


async def _note_persons(
    session: AsyncSession, who: Entered, programme: PairingProgramme, id: UUID, stated: Stated, **data: int
) -> None:
    said = {"programme": programme.code, **data}
    action = ACTIONS[PairingAct.CONFIRM].value
    await audit.record(session, who.at.now, who.actor.id, action, f"delivery/{id}", said, stated.reason)
