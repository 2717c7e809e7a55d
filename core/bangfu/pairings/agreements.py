"""What two sides sign 帮扶协议, what they plan for each year, and what stands in their way.

An agreement is drawn up by either side or the county, and in force once both have signed; from then on the register of
pairings says so. It ends by its day, or earlier with a reason; where the enterprise cannot go on, it is ended to be
relayed, and the agreement of the next enterprise names it. What was planned and delivered stays with it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import audit
from bangfu.access import Entered, actor
from bangfu.cases.charges import ACTIONS, Acting, found, need_text, numbers_on
from bangfu.cases.views import Stated
from bangfu.db import hold
from bangfu.db.bulk import insert_new, insert_rows, update_all
from bangfu.errors import Code, Refused
from bangfu.models import (
    AgreementSignature,
    Delivery,
    Obstacle,
    Pairing,
    PairingAgreement,
    PairingReview,
    PlanLine,
    new_id,
)
from bangfu.pairings import registrations
from bangfu.pairings.needs import require_path, require_village
from bangfu.pairings.standing import (
    AGREEMENT,
    NOTHING,
    AgreementState,
    Measure,
    Side,
    after_years,
    in_force_on,
    state_of,
)
from bangfu.process import Duty, duty_names
from bangfu.programme import DeliveryKind, PairingAct, PairingProgramme
from bangfu.registry.history import Assertion, assert_from
from bangfu.text import Text, join

LARGEST_FEN = 10**13
LARGEST_QUANTITY = 10**6
YEARS = (1900, 9998)
"""The first and the last year of which anything is agreed on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What an agreement says: its number, who helps which village, from its first day to before the last, and whose
    agreement it takes over 接力, if it does."""

    number: str
    credit_code: str
    division: int
    valid_from: date
    valid_to: date
    takes_over: UUID | None = None


async def propose(
    session: AsyncSession, who: Entered, programme: PairingProgramme, terms: Terms, stated: Stated
) -> UUID:
    """Draw up an agreement; it holds nothing until both sides have signed.

    Refuses ``FORBIDDEN``, ``PROGRAMME_OFF``, ``NOT_YOUR_DUTY``, what is wrong with the day, ``MISSING_VALUE``,
    ``NOT_FOUND``, ``HELPER_NOT_VERIFIED``, ``BAD_VALUE`` for what is no village that is helped and for a first day
    out of the calendar, ``TERM_OUT_OF_RANGE``, ``NUMBER_TAKEN``, and ``AGREEMENT_STATE`` for taking over what is not
    to be relayed.
    """
    acting = await Acting.of(session, who, programme, PairingAct.PROPOSE)
    helper, organization = await registrations.verified(session, who, programme, terms.credit_code)
    columns = acting.by(stated, organization=organization.id, division=terms.division)
    number = need_text(terms.number, "number", Text("协议编号", "number"))
    numbers = await numbers_on(session, acting, stated)
    poor = await require_village(session, who, terms.division)
    if numbers[programme.poor_villages].value and not poor:
        expected = Text("建档立卡贫困村", "a registered poor village")
        raise Code.BAD_VALUE.refuse(
            "division", field=Text("村编码", "the village"), value=terms.division, expected=expected
        )
    limits = [numbers[programme.term_min], numbers[programme.term_max]]
    latest = YEARS[1] - limits[1].value
    if not YEARS[0] <= terms.valid_from.year <= latest:
        expected = Text(f"{YEARS[0]} 至 {latest} 年的日期", f"a day of the years {YEARS[0]} to {latest}")
        raise Code.BAD_VALUE.refuse(
            "valid_from", field=Text("起始日", "first day"), value=terms.valid_from, expected=expected
        )
    first, last = (after_years(terms.valid_from, limit.value) for limit in limits)
    if not first <= terms.valid_to <= last:
        clause = join(
            [Text(f"{limit.document} {limit.clause}", f"{limit.document} {limit.clause}") for limit in limits]
        )
        raise Code.TERM_OUT_OF_RANGE.refuse(
            "valid_to", least=limits[0].value, most=limits[1].value, first=first, last=last, clause=clause
        )
    await hold(session, f"{programme.code}/agreements")
    if terms.takes_over is not None:
        await _require_relayed(session, who, programme, terms, organization.id)
    made = new_id()
    row = {
        "tenant_id": who.county.id, "id": made, "programme": programme.code, "number": number,
        "organization_id": organization.id, "division": terms.division, "helper_id": helper.id,
        "valid_from": terms.valid_from, "valid_to": terms.valid_to, "takes_over": terms.takes_over, "end_reason": "",
        "end_evidence": "", "held_to": {one.name: [one.value, one.document, one.clause] for one in limits}, **columns,
    }  # fmt: skip
    # The number may be that of an agreement out of sight: only the key itself knows.
    if not await insert_new(session, PairingAgreement, [row], "id"):
        raise Code.NUMBER_TAKEN.refuse("number", number=number)
    await note(session, who, PairingAct.PROPOSE, made, programme)
    return made


async def _require_relayed(
    session: AsyncSession, who: Entered, programme: PairingProgramme, terms: Terms, organization: UUID
) -> None:
    assert terms.takes_over is not None
    old = (await found(session, who, PairingAgreement, [terms.takes_over])).get(terms.takes_over)
    if old is None or (old.programme, old.division) != (programme.code, terms.division):
        raise Code.NOT_FOUND.refuse("takes_over", what=AGREEMENT)
    waits = old.ended_as == AgreementState.RELAYED and old.organization_id != organization
    next_one = select(PairingAgreement.id).where(
        PairingAgreement.tenant_id == who.county.id,
        PairingAgreement.takes_over == old.id,
        PairingAgreement.ended_as.is_distinct_from(AgreementState.WITHDRAWN.value),
    )
    if not waits or await session.scalar(next_one) is not None:
        state = state_of(old, who.at.today).title_text
        raise Code.AGREEMENT_STATE.refuse("takes_over", state=state, act=Text("接力", "taking it over"))


async def agreement_of(
    session: AsyncSession, who: Entered, programme: PairingProgramme, id: UUID, *, alone: bool = False
) -> PairingAgreement:
    """An agreement of the programme in sight, which nobody else changes until the transaction ends if ``alone``;
    refuses ``NOT_FOUND``."""
    if alone:
        await hold(session, f"agreement/{id}")
    row: PairingAgreement | None = (await found(session, who, PairingAgreement, [id])).get(id)
    if row is None or row.programme != programme.code:
        raise Code.NOT_FOUND.refuse("agreement", what=AGREEMENT)
    return row


def wrong_state(agreement: PairingAgreement, day: date, act: PairingAct) -> Refused:
    """The refusal of an act for which an agreement is in the wrong state."""
    return Code.AGREEMENT_STATE.refuse("agreement", state=state_of(agreement, day).title_text, act=act.title_text)


async def sign(
    session: AsyncSession, who: Entered, programme: PairingProgramme, id: UUID, side: Side, stated: Stated
) -> bool:
    """Sign an agreement for one side; whether it is in force by that, since the other had signed.

    From then on the register of pairings says that the organization helps the village. Refuses ``FORBIDDEN``,
    ``PROGRAMME_OFF``, ``NOT_YOUR_DUTY``, what is wrong with the day, ``NOT_FOUND``, ``EVIDENCE_NEEDED`` without the
    paper that was signed, ``AGREEMENT_STATE`` also for one whose term is over, ``HELPER_NOT_VERIFIED`` where the
    registration was revoked, ``ALREADY_SIGNED``, ``SAME_PERSON``, and ``PAIRED_ALREADY`` where the two have another
    agreement for some of the time.
    """
    act = PairingAct.SIGN_HELPER if side is Side.HELPER else PairingAct.SIGN_HELPED
    acting = await Acting.of(session, who, programme, act)
    agreement = await agreement_of(session, who, programme, id, alone=True)
    columns = acting.by(stated, organization=agreement.organization_id, division=agreement.division)
    if not stated.evidence.strip():
        raise Code.EVIDENCE_NEEDED.refuse("evidence", day=columns["effective_on"])
    if state_of(agreement, who.at.today) is not AgreementState.DRAWN_UP:
        raise wrong_state(agreement, who.at.today, act)
    if agreement.valid_to <= who.at.today:
        over = AgreementState.EXPIRED.title_text
        raise Code.AGREEMENT_STATE.refuse("agreement", state=over, act=act.title_text)
    await registrations.require_verified(session, who, programme, agreement.organization_id)
    if columns["effective_on"] < agreement.effective_on:
        raise Code.BEFORE_PREVIOUS_STEP.refuse("day", day=columns["effective_on"], previous=agreement.effective_on)
    others = (
        await session.scalars(
            select(AgreementSignature).where(
                AgreementSignature.tenant_id == who.county.id, AgreementSignature.agreement_id == id
            )
        )
    ).all()
    if any(one.side == side for one in others):
        raise Code.ALREADY_SIGNED.refuse("side", duty=side.title_text)
    if any(one.officer_id == columns["officer_id"] for one in others):
        raise Code.SAME_PERSON.refuse("side", other=Text("另一方签字人", "who signed for the other side"))
    await session.execute(
        insert(AgreementSignature).values(
            tenant_id=who.county.id, id=new_id(), agreement_id=id, organization_id=agreement.organization_id,
            division=agreement.division, side=side.value, **columns,
        )
    )  # fmt: skip
    if others:
        await _put_in_force(session, who, agreement, max(columns["effective_on"], others[0].effective_on))
    await note(session, who, act, id, programme)
    return bool(others)


async def _put_in_force(session: AsyncSession, who: Entered, agreement: PairingAgreement, day: date) -> None:
    await hold(session, f"pairing/{agreement.organization_id}/{agreement.division}")
    until = func.coalesce(PairingAgreement.ended_on, PairingAgreement.valid_to)
    other = await session.scalar(
        select(PairingAgreement.number).where(
            PairingAgreement.tenant_id == who.county.id,
            PairingAgreement.programme == agreement.programme,
            PairingAgreement.organization_id == agreement.organization_id,
            PairingAgreement.division == agreement.division,
            PairingAgreement.signed_on.is_not(None),
            PairingAgreement.valid_from < agreement.valid_to,
            until > agreement.valid_from,
        )
    )
    if other is not None:
        raise Code.PAIRED_ALREADY.refuse("agreement", number=other)
    await update_all(session, PairingAgreement, [agreement.id], {"signed_on": day})
    await _pair(session, who, agreement, agreement.valid_to)


async def _pair(session: AsyncSession, who: Entered, agreement: PairingAgreement, until: date) -> None:
    """Let the register say that the two are paired from the agreement's first day to before another; not at all where
    that day is not after the first."""
    key = {"organization_id": agreement.organization_id, "division": agreement.division}
    if until > agreement.valid_from:
        # What the register says of the days after it is asserted apart: nothing is known of these by this agreement.
        await assert_from(session, Pairing, [Assertion(key, {}, agreement.valid_from, until)], who.at.now)
        return
    await session.execute(
        update(Pairing)
        .where(
            Pairing.tenant_id == who.county.id,
            Pairing.organization_id == agreement.organization_id,
            Pairing.division == agreement.division,
            Pairing.known_to.is_(None),
            Pairing.valid_from == agreement.valid_from,
        )
        .values(known_to=who.at.now)
        .execution_options(synchronize_session=False)
    )


async def end(
    session: AsyncSession, who: Entered, programme: PairingProgramme, id: UUID, stated: Stated, *, relayed: bool = False
) -> None:
    """End an agreement before its day, with the reason; ``relayed`` where another enterprise is to take it over 接力.
    One that is not signed yet is withdrawn.

    Refuses ``FORBIDDEN``, ``PROGRAMME_OFF``, ``NOT_YOUR_DUTY``, what is wrong with the day, ``REASON_NEEDED``,
    ``NOT_FOUND``, ``BEFORE_PREVIOUS_STEP`` for a day before it was signed or something was delivered, and
    ``AGREEMENT_STATE``.
    """
    acting = await Acting.of(session, who, programme, PairingAct.END)
    if not stated.reason.strip():
        raise Code.REASON_NEEDED.refuse("reason")
    agreement = await agreement_of(session, who, programme, id, alone=True)
    columns = acting.by(stated, organization=agreement.organization_id, division=agreement.division)
    day = columns["effective_on"]
    await hold(session, f"organization/{agreement.organization_id}")  # nothing is delivered meanwhile
    state = state_of(agreement, day)
    unsigned = agreement.signed_on is None
    if agreement.ended_as is not None or state is AgreementState.EXPIRED or (unsigned and relayed):
        raise wrong_state(agreement, day, PairingAct.END)
    last = await _last_day(session, who, agreement)
    if day < last:
        raise Code.BEFORE_PREVIOUS_STEP.refuse("day", day=day, previous=last)
    as_ = AgreementState.WITHDRAWN if unsigned else AgreementState.RELAYED if relayed else AgreementState.ENDED
    ended = {
        "ended_as": as_.value, "ended_on": day, "ended_by": columns["officer_id"], "ended_at": who.at.now,
        "end_reason": stated.reason, "end_evidence": stated.evidence,
    }  # fmt: skip
    await update_all(session, PairingAgreement, [id], ended)
    if not unsigned:
        await _pair(session, who, agreement, day)
    await note(session, who, PairingAct.END, id, programme, stated.reason, ended_as=as_.value)


async def _last_day(session: AsyncSession, who: Entered, agreement: PairingAgreement) -> date:
    """The earliest day on which an agreement can end: it was signed, and what was delivered was delivered before."""
    query = select(func.max(Delivery.effective_on)).where(
        Delivery.tenant_id == who.county.id, Delivery.agreement_id == agreement.id, Delivery.state != "replaced"
    )
    delivered = await session.scalar(query)
    days = [agreement.signed_on or agreement.effective_on]
    return max([*days, delivered + timedelta(days=1)] if delivered is not None else days)


# --- the plan ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A line of the plan for a year: a measure of the enterprise (path, kind, and what is promised) or, with the
    ``office`` that owns it, a task of the government. ``replaces`` is the line in whose place it is."""

    year: int
    due_on: date
    what: str
    path: str | None = None
    kind: str | None = None
    promised: Measure = NOTHING
    office: str = ""
    replaces: UUID | None = None


async def plan(
    session: AsyncSession,
    who: Entered,
    programme: PairingProgramme,
    id: UUID,
    lines: Sequence[Planned],
    stated: Stated,
) -> list[UUID]:
    """Add lines to the plan of an agreement, or put them in the place of earlier ones, all or none of them.

    An agent plans measures and no tasks of the government. A line that was due by now, or of a year that is reviewed,
    only those add or replace who review.

    Refuses ``FORBIDDEN``, ``PROGRAMME_OFF``, ``NOT_YOUR_DUTY``, what is wrong with the day, ``NOT_FOUND``,
    ``AGREEMENT_STATE`` for one that is over, ``REASON_NEEDED`` for replacing, ``MISSING_VALUE``, ``BAD_VALUE`` for
    years and days outside of the agreement, kinds that are not on the path, and measures that the kind does not have,
    and ``CONFLICT`` for a line that is replaced already, or twice at once.
    """
    acting = await Acting.of(session, who, programme, PairingAct.PLAN)
    agreement = await agreement_of(session, who, programme, id, alone=True)
    columns = acting.by(stated, organization=agreement.organization_id, division=agreement.division)
    if agreement.ended_as is not None or state_of(agreement, who.at.today) is AgreementState.EXPIRED:
        raise wrong_state(agreement, who.at.today, PairingAct.PLAN)
    old = {line.replaces for line in lines if line.replaces is not None}
    if old and not stated.reason.strip():
        raise Code.REASON_NEEDED.refuse("reason")
    known = await found(session, who, PlanLine, old)
    duty, reviewed = Duty(columns["duty"]), await _reviewed(session, who, id)
    rows: list[dict[str, Any]] = []
    for position, line in enumerate(lines):
        try:
            _check_line(programme, agreement, line)
            was = None if line.replaces is None else known.get(line.replaces)
            if line.replaces is not None:
                if was is None or was.agreement_id != id:
                    raise Code.NOT_FOUND.refuse("replaces", what=Text("规划条目", "the line"))
                if was.replaced_at is not None or line.replaces in {row["replaces"] for row in rows}:
                    raise Code.CONFLICT.refuse("replaces")
            _require_planner(acting, duty, [line] if was is None else [line, was], reviewed)
        except Refused as refusal:
            raise Refused([problem.under("lines", position) for problem in refusal.problems]) from None
        rows.append({
            "tenant_id": who.county.id, "id": new_id(), "agreement_id": id,
            "organization_id": agreement.organization_id, "division": agreement.division, "year": line.year,
            "path": line.path, "kind": line.kind, "office": line.office.strip(), "what": line.what.strip(),
            "amount_fen": line.promised.fen, "quantity": line.promised.quantity, "due_on": line.due_on,
            "replaces": line.replaces, "replaced_at": None, **columns,
        })  # fmt: skip
    await update_all(session, PlanLine, old, {"replaced_at": who.at.now})
    await insert_rows(session, PlanLine, rows)
    await note(session, who, PairingAct.PLAN, id, programme, stated.reason, lines=len(rows))
    return [row["id"] for row in rows]


async def _reviewed(session: AsyncSession, who: Entered, id: UUID) -> set[int]:
    """The years for which an agreement has been reviewed."""
    query = select(PairingReview.year).where(PairingReview.tenant_id == who.county.id, PairingReview.agreement_id == id)
    return set(await session.scalars(query))


def _require_planner(
    acting: Acting[PairingProgramme], duty: Duty, lines: Sequence[Planned | PlanLine], reviewed: Collection[int]
) -> None:
    """Refuse ``NOT_YOUR_DUTY`` for lines that this duty may not add to a plan, or put others in the place of."""
    charges, today = acting.programme.charges, acting.who.at.today
    able = charges[PairingAct.PLAN].by
    if any(line.kind is None for line in lines):
        able = frozenset(one for one in able if not one.is_agent)
    if any(line.due_on < today or line.year in reviewed for line in lines):
        able &= charges[PairingAct.REVIEW].by
    if duty not in able:
        raise Code.NOT_YOUR_DUTY.refuse(stage=PairingAct.PLAN.title_text, duties=duty_names(able))


def _check_line(programme: PairingProgramme, agreement: PairingAgreement, line: Planned) -> None:
    need_text(line.what, "what", Text("措施内容", "what is to be done"))
    last = agreement.valid_to - timedelta(days=1)
    if not (agreement.valid_from.year <= line.year <= last.year):
        expected = Text(f"{agreement.valid_from.year} 至 {last.year}", f"{agreement.valid_from.year} to {last.year}")
        raise Code.BAD_VALUE.refuse("year", field=Text("年度", "year"), value=line.year, expected=expected)
    if line.due_on.year != line.year or not agreement.valid_from <= line.due_on <= last:
        expected = Text(f"协议期内 {line.year} 年的日期", f"a day of {line.year} in the term of the agreement")
        raise Code.BAD_VALUE.refuse("due_on", field=Text("完成时限", "due"), value=line.due_on, expected=expected)
    if line.kind is None:
        need_text(line.office, "office", Text("责任部门", "the office that owns it"))
        if line.promised != NOTHING:
            expected = Text("政府任务不填承诺数", "no promise for a task of the government")
            raise Code.BAD_VALUE.refuse(
                "promised", field=Text("承诺", "promise"), value=str(line.promised), expected=expected
            )
        return
    if line.office.strip():
        expected = Text("企业措施不填责任部门", "no office for a measure of the enterprise")
        raise Code.BAD_VALUE.refuse("office", field=Text("责任部门", "office"), value=line.office, expected=expected)
    check_measure(require_kind(programme, line.path, line.kind), line.promised, "promised")


def require_kind(programme: PairingProgramme, path: str | None, kind: str) -> DeliveryKind:
    """The kind of a code on a path; refuses ``BAD_VALUE`` for a path or a kind that there is not, and for one that does
    not stand on the other."""
    require_path(programme, path or "")
    own = programme.kind(kind)
    if own is None or path not in own.paths:
        titles = join([one.title for one in programme.kinds if path in one.paths])
        raise Code.BAD_VALUE.refuse("kind", field=Text("帮扶内容", "kind"), value=kind, expected=titles)
    return own


def check_measure(kind: DeliveryKind, measure: Measure, path: str, *, may_be_nothing: bool = False) -> None:
    """Refuse ``MISSING_VALUE`` for an amount or a number that the kind is measured in, and ``BAD_VALUE`` for one that
    it is not, that is too large, or below one (zero, where it ``may_be_nothing``)."""
    least = 0 if may_be_nothing else 1
    for value, wanted, largest, name, title in (
        (measure.fen, kind.money, LARGEST_FEN, "fen", Text("金额", "amount")),
        (measure.quantity, kind.counted is not None, LARGEST_QUANTITY, "quantity", Text("数量", "number")),
    ):
        if wanted and value is None:
            raise Code.MISSING_VALUE.refuse(path, name, field=title)
        if value is not None and not (wanted and least <= value <= largest):
            expected = Text(f"{least} 至 {largest}", f"{least} to {largest}") if wanted else Text("空", "nothing")
            raise Code.BAD_VALUE.refuse(path, name, field=title, value=value, expected=expected)


# --- obstacles --------------------------------------------------------------------------------------------------


async def raise_obstacle(
    session: AsyncSession, who: Entered, programme: PairingProgramme, id: UUID, what: str, stated: Stated
) -> UUID:
    """Say what stands in the way of an agreement that is in force; the county gives it an owner.

    Refuses ``FORBIDDEN``, ``PROGRAMME_OFF``, ``NOT_YOUR_DUTY``, what is wrong with the day, ``NOT_FOUND``,
    ``AGREEMENT_STATE`` and ``MISSING_VALUE``.
    """
    acting = await Acting.of(session, who, programme, PairingAct.RAISE_OBSTACLE)
    agreement = await agreement_of(session, who, programme, id)
    columns = acting.by(stated, organization=agreement.organization_id, division=agreement.division)
    if not in_force_on(agreement, columns["effective_on"]):
        raise wrong_state(agreement, columns["effective_on"], PairingAct.RAISE_OBSTACLE)
    made, said = new_id(), need_text(what, "what", Text("困难问题", "what stands in the way"))
    await session.execute(
        insert(Obstacle).values(
            tenant_id=who.county.id, id=made, agreement_id=id, organization_id=agreement.organization_id,
            division=agreement.division, what=said, outcome="", **columns,
        )
    )  # fmt: skip
    await note(session, who, PairingAct.RAISE_OBSTACLE, id, programme, obstacle=str(made))
    return made


async def assign_obstacle(
    session: AsyncSession, who: Entered, programme: PairingProgramme, id: UUID, owner: str
) -> None:
    """Give an obstacle an owner by staff number; who owned it before owns it no more.

    Refuses ``FORBIDDEN``, ``PROGRAMME_OFF``, ``NOT_YOUR_DUTY``, ``NOT_FOUND``, ``OFFICER_UNKNOWN``, ``BAD_VALUE`` for
    an owner who is disabled or not charged with resolving obstacles there, and ``CONFLICT`` for one that is resolved.
    """
    acting = await Acting.of(session, who, programme, PairingAct.CLEAR_OBSTACLE)
    row = await _obstacle(session, who, programme, id)
    acting.by(Stated(), organization=row.organization_id, division=row.division)
    named = await actor(session, who.county, owner)
    able = programme.charges[PairingAct.CLEAR_OBSTACLE].by
    if named.disabled or not able & named.duties(who.at.today, row.division):
        raise Code.BAD_VALUE.refuse("owner", field=Text("责任人", "owner"), value=owner, expected=duty_names(able))
    await update_all(session, Obstacle, [id], {"owner_id": named.id})
    await note(session, who, PairingAct.CLEAR_OBSTACLE, row.agreement_id, programme, owner=str(named.id))


async def resolve_obstacle(
    session: AsyncSession, who: Entered, programme: PairingProgramme, id: UUID, outcome: str, stated: Stated
) -> None:
    """Say what was done about an obstacle: its owner does, or another who is charged with resolving them there.

    Refuses ``FORBIDDEN``, ``PROGRAMME_OFF``, ``NOT_YOUR_DUTY``, what is wrong with the day, ``NOT_FOUND``,
    ``MISSING_VALUE``, ``BEFORE_PREVIOUS_STEP``, and ``CONFLICT`` for one that is resolved.
    """
    acting = await Acting.of(session, who, programme, PairingAct.CLEAR_OBSTACLE)
    row = await _obstacle(session, who, programme, id)
    columns = acting.by(stated, organization=row.organization_id, division=row.division)
    if columns["effective_on"] < row.effective_on:
        raise Code.BEFORE_PREVIOUS_STEP.refuse("day", day=columns["effective_on"], previous=row.effective_on)
    done = {
        "outcome": need_text(outcome, "outcome", Text("解决情况", "what was done")),
        "resolved_by": columns["officer_id"], "resolved_on": columns["effective_on"], "resolved_at": who.at.now,
    }  # fmt: skip
    await update_all(session, Obstacle, [id], done)
    await note(session, who, PairingAct.CLEAR_OBSTACLE, row.agreement_id, programme, resolved=str(id))


async def _obstacle(session: AsyncSession, who: Entered, programme: PairingProgramme, id: UUID) -> Obstacle:
    """An obstacle of the programme that is not resolved, and that nobody else changes until the transaction ends."""
    await hold(session, f"obstacle/{id}")
    row: Obstacle | None = (await found(session, who, Obstacle, [id])).get(id)
    if row is None:
        raise Code.NOT_FOUND.refuse("id", what=Text("困难问题", "the obstacle"))
    agreement = (await found(session, who, PairingAgreement, [row.agreement_id])).get(row.agreement_id)
    if agreement is None or agreement.programme != programme.code:
        raise Code.NOT_FOUND.refuse("id", what=Text("困难问题", "the obstacle"))
    if row.resolved_at is not None:
        raise Code.CONFLICT.refuse("id")
    return row


async def note(
    session: AsyncSession,
    who: Entered,
    act: PairingAct,
    id: UUID,
    programme: PairingProgramme,
    reason: str = "",
    **data: Any,
) -> None:
    """Put an act on an agreement on record."""
    said = {"programme": programme.code, "act": act.value, **data}
    await audit.record(session, who.at.now, who.actor.id, ACTIONS[act].value, f"agreement/{id}", said, reason)
