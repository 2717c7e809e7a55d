"""What is needed, who is listed, what was handed over to whom, and what was seen afterwards.

Villages and townships state what is needed and bring back signatures; the federation lists, within the limits, and by
how the register knows a household and its members on that day. Each act is on one line or on thousands, all or none of
them, in a number of statements that does not depend on theirs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import audit
from bangfu.access import Entered
from bangfu.cases.charges import ACTIONS, Acting, found, need_text, numbers_on
from bangfu.cases.views import Stated
from bangfu.db import hold
from bangfu.db.bulk import among, insert_new, update_all, update_each
from bangfu.errors import Code, Problem, Refused
from bangfu.handouts.stock import Measure, batches_by_voucher, kind_of, left_of, move, require_measure, stock_of
from bangfu.models import Circumstance, Handout, HandoutBatch, Household, Membership, Person, Standing, new_id
from bangfu.policy import Resolved
from bangfu.programme import Beneficiary, HandoutAct, HandoutKind, HandoutProgramme
from bangfu.registry.history import holds
from bangfu.text import Text, join, money, number

WHAT = Text("发放记录", "the line")


class HandoutState(StrEnum):
    """How far a line is."""

    STATED = "stated"
    LISTED = "listed"
    HANDED_OVER = "handed_over"
    FOLLOWED_UP = "followed_up"
    REPLACED = "replaced"
    WITHDRAWN = "withdrawn"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return _STATES[self]


_STATES = {
    HandoutState.STATED: Text("已登记需求", "stated"),
    HandoutState.LISTED: Text("已列入名单", "listed"),
    HandoutState.HANDED_OVER: Text("已签收", "handed over"),
    HandoutState.FOLLOWED_UP: Text("已回访", "followed up"),
    HandoutState.REPLACED: Text("已更正", "replaced by a correction"),
    HandoutState.WITHDRAWN: Text("已撤销", "withdrawn"),
}
DELIVERED = (HandoutState.HANDED_OVER, HandoutState.FOLLOWED_UP)
"""The states of what somebody has signed for."""
COUNTING = (HandoutState.LISTED, *DELIVERED)
"""The states of what counts towards the limits of a year."""


# --- what is needed -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a household or a person needs, by the number of the register: of which kind, what, how much. ``corrects`` is
    a line of the same in whose place it is."""

    number: str
    kind: str
    item: str
    measure: Measure
    corrects: UUID | None = None


@dataclass(frozen=True, slots=True)
class _Whom:
    """Whom a line is for, as the register knows it."""

    household: UUID
    person: UUID | None
    division: int


async def ask(
    session: AsyncSession, who: Entered, programme: HandoutProgramme, needs: Sequence[Need], stated: Stated
) -> list[UUID]:
    """State what is needed; a correction takes the place of an earlier line, whose stock goes back, and has to be
    listed and handed over anew.

    Refuses ``FORBIDDEN`` and ``PROGRAMME_OFF``; and at the place of each line ``BAD_VALUE`` for a kind that there is
    not or a measure that cannot be, ``MISSING_VALUE``, ``NOT_FOUND`` for whom nobody in sight is, ``NOT_YOUR_DUTY``,
    what is wrong with the day, ``HANDOUT_OPEN`` where the same waits already, and for what is corrected ``NOT_FOUND``,
    ``REASON_NEEDED``, ``EVIDENCE_NEEDED`` where somebody has signed for it, and ``HANDOUT_STATE``.
    """
    acting = await Acting.of(session, who, programme, HandoutAct.ASK)
    await hold(session, stock_of(programme))
    day = stated.on(who)
    whom = await _whom(session, who, programme, needs, day)
    corrected = await found(session, who, Handout, {need.corrects for need in needs if need.corrects is not None})
    rows: list[dict[str, Any]] = []
    problems: list[Problem] = []
    for position, need in enumerate(needs):
        try:
            rows.append(_row(acting, need, stated, whom.get((need.number, _to_person(programme, need.kind)))))
            if need.corrects is not None:
                _require_replaceable(acting, corrected.get(need.corrects), stated)
        except Refused as refusal:
            problems += [problem.under("lines", position) for problem in refusal.problems]
    if problems:
        raise Refused(problems)
    gone = [corrected[need.corrects] for need in needs if need.corrects is not None]
    await _take_back(session, who, programme, gone, HandoutState.REPLACED, stated)
    made = await insert_new(session, Handout, rows, "id")
    if len(made) != len(rows):
        raise Refused(
            Code.HANDOUT_OPEN.problem("lines", position, whom=_named(programme, need), item=need.item)
            for position, (need, row) in enumerate(zip(needs, rows, strict=True))
            if row["id"] not in made
        )
    await _note(session, who, programme, HandoutAct.ASK, [row["id"] for row in rows], stated)
    return [row["id"] for row in rows]


def _to_person(programme: HandoutProgramme, code: str) -> bool:
    kind = programme.kind(code)
    return kind is not None and kind.beneficiary is Beneficiary.PERSON


def _named(programme: HandoutProgramme, need: Need) -> Text:
    kind = programme.kind(need.kind)
    assert kind is not None, need.kind
    title = kind.beneficiary.title_text
    return Text(f"{title.zh} {need.number} ", f"{title.en} {need.number}")


async def _whom(
    session: AsyncSession, who: Entered, programme: HandoutProgramme, needs: Sequence[Need], day: date
) -> dict[tuple[str, bool], _Whom]:
    """Households and persons in sight by their numbers and which of the two, in two statements."""
    numbers: dict[bool, set[str]] = {False: set(), True: set()}
    for need in needs:
        numbers[_to_person(programme, need.kind)].add(need.number)
    homes = select(Household.number, Household.id, Household.division).where(
        Household.tenant_id == who.county.id, among(Household.number, numbers[False])
    )
    known = {(row.number, False): _Whom(row.id, None, row.division) for row in await session.execute(homes)}
    persons = (
        select(Person.number, Person.id, Membership.household_id, Person.division)
        .join(Membership, (Membership.tenant_id == Person.tenant_id) & (Membership.person_id == Person.id))
        .where(Person.tenant_id == who.county.id, among(Person.number, numbers[True]), holds(Membership, day))
    )
    for row in await session.execute(persons):
        known[row.number, True] = _Whom(row.household_id, row.id, row.division)
    return known


def _row(acting: Acting[HandoutProgramme], need: Need, stated: Stated, whom: _Whom | None) -> dict[str, Any]:
    """A line as it is kept; refuses what is wrong with it."""
    who, programme = acting.who, acting.programme
    kind = kind_of(programme, need.kind)
    item = need_text(need.item, "item", Text("名称", "what"))
    if whom is None:
        raise Code.NOT_FOUND.refuse("number", what=need.number)
    columns = acting.by(stated, division=whom.division)
    measure = Measure(1) if kind.attendance and need.measure == Measure() else need.measure
    require_measure(kind, measure, "measure")
    if kind.attendance and measure.quantity != 1:
        expected = Text("每人一个名额", "one seat a person")
        raise Code.BAD_VALUE.refuse("measure", field=Text("数量", "number"), value=measure.quantity, expected=expected)
    return {
        "tenant_id": who.county.id, "id": new_id(), "programme": programme.code, "kind": kind.code, "item": item,
        "division": whom.division, "household_id": whom.household, "person_id": whom.person,
        "quantity": measure.quantity, "value_fen": measure.fen, "state": HandoutState.STATED.value, "receiver": "",
        "signature": "", "outcome": "", "corrects": need.corrects, "reason": "", **columns,
    }  # fmt: skip


async def take_back(
    session: AsyncSession, who: Entered, programme: HandoutProgramme, ids: Sequence[UUID], stated: Stated
) -> None:
    """Withdraw lines in whose place nothing comes, with the reason; what was handed over goes back into its batch.

    Refuses ``FORBIDDEN``, ``PROGRAMME_OFF`` and ``REASON_NEEDED``; and at the place of each line ``NOT_FOUND``,
    ``NOT_YOUR_DUTY``, what is wrong with the day, ``HANDOUT_STATE``, and ``EVIDENCE_NEEDED`` where somebody has signed
    for it.
    """
    acting = await Acting.of(session, who, programme, HandoutAct.TAKE_BACK)
    await hold(session, stock_of(programme))
    rows = await _lines(session, who, programme, ids)

    _judge_each(ids, rows, lambda row: _require_replaceable(acting, row, stated))
    await _take_back(session, who, programme, [rows[key] for key in ids], HandoutState.WITHDRAWN, stated)
    await _note(session, who, programme, HandoutAct.TAKE_BACK, ids, stated)


def _require_replaceable(acting: Acting[HandoutProgramme], row: Handout | None, stated: Stated) -> None:
    if row is None or row.programme != acting.programme.code:
        raise Code.NOT_FOUND.refuse("corrects", what=WHAT)
    acting.by(stated, division=row.division)
    if not stated.reason.strip():
        raise Code.REASON_NEEDED.refuse("reason")
    state = HandoutState(row.state)
    if state in (HandoutState.REPLACED, HandoutState.WITHDRAWN):
        raise _wrong_state(row, HandoutAct.TAKE_BACK)
    if state in DELIVERED and not stated.evidence.strip():
        raise Code.EVIDENCE_NEEDED.refuse("evidence", day=row.handed_on)


async def _take_back(
    session: AsyncSession,
    who: Entered,
    programme: HandoutProgramme,
    rows: Sequence[Handout],
    to: HandoutState,
    stated: Stated,
) -> None:
    """Let lines count for nothing, and what was handed over of them go back."""
    back: dict[UUID, Measure] = {}
    for row in rows:
        if row.batch_id is not None:
            back[row.batch_id] = _more(back.get(row.batch_id), row, -1)
    await move(session, who, back)
    gone = {"state": to.value, "reason": stated.reason, "gone_by": stated.by(who), "gone_at": who.at.now}
    done = await update_all(session, Handout, [row.id for row in rows], gone)
    if len(done) != len(rows):
        raise Code.CONFLICT.refuse("corrects")


def _more(sum_: Measure | None, row: Handout, sign: int = 1) -> Measure:
    known = sum_ or Measure(0, 0)
    return Measure((known.quantity or 0) + sign * (row.quantity or 0), (known.fen or 0) + sign * (row.value_fen or 0))


def _wrong_state(row: Handout, act: HandoutAct) -> Refused:
    return Code.HANDOUT_STATE.refuse("state", state=HandoutState(row.state).title_text, act=act.title_text)


async def _lines(
    session: AsyncSession, who: Entered, programme: HandoutProgramme, ids: Iterable[UUID]
) -> dict[UUID, Handout]:
    rows = await found(session, who, Handout, ids)
    return {key: row for key, row in rows.items() if row.programme == programme.code}


def _judge_each(ids: Sequence[UUID], rows: Mapping[UUID, Handout], judge: Callable[[Handout], None]) -> None:
    """Judge every line; refuses what is wrong with any, at its place, and one that is named twice."""
    problems: list[Problem] = []
    for position, key in enumerate(ids):
        try:
            if key not in rows or key in ids[:position]:
                raise Code.NOT_FOUND.refuse(what=WHAT)
            judge(rows[key])
        except Refused as refusal:
            problems += [problem.under("lines", position) for problem in refusal.problems]
    if problems:
        raise Refused(problems)


# --- who is listed --------------------------------------------------------------------------------------------


async def list_(
    session: AsyncSession, who: Entered, programme: HandoutProgramme, ids: Sequence[UUID], stated: Stated
) -> None:
    """List lines for the year of the day: from then on they count towards its limits.

    Refuses ``FORBIDDEN``, ``PROGRAMME_OFF``, ``WHOLE_COUNTY_NEEDED``, ``NOT_YOUR_DUTY``, what is wrong with the day,
    and ``PARAMETER_UNSET`` while the county has not laid down a limit of a kind among them; and at the place of each
    line ``NOT_FOUND``, ``HANDOUT_STATE``, ``BEFORE_PREVIOUS_STEP``, ``HANDOUT_NOT_COVERED`` and ``HANDOUT_LIMIT``.
    """
    acting = await Acting.of(session, who, programme, HandoutAct.LIST)
    who.require_whole_county()
    columns = acting.by(stated)
    await hold(session, stock_of(programme))
    rows = await _lines(session, who, programme, ids)
    kinds = {row.kind: kind_of(programme, row.kind) for row in rows.values()}
    named = [
        name for kind in kinds.values() for name in (kind.most_each, kind.most_a_year, kind.standings)
        if name is not None
    ]  # fmt: skip
    numbers = await numbers_on(session, acting, stated, *named) if named else {}
    day: date = columns["effective_on"]
    register = await _Register.read(session, who, rows.values(), day)
    listed = await _Listed.read(session, who, programme, kinds, day.year)

    def judge(row: Handout) -> None:
        if row.state != HandoutState.STATED:
            raise _wrong_state(row, HandoutAct.LIST)
        if day < row.effective_on:
            raise Code.BEFORE_PREVIOUS_STEP.refuse("day", day=day, previous=row.effective_on)
        kind = kinds[row.kind]
        register.require(kind, row, numbers)
        listed.require(kind, row, numbers)

    _judge_each(ids, rows, judge)
    to = {
        "state": HandoutState.LISTED.value, "year": day.year, "listed_by": columns["officer_id"], "listed_on": day,
        "listed_at": who.at.now,
    }  # fmt: skip
    await update_all(session, Handout, ids, to)
    await _note(session, who, programme, HandoutAct.LIST, ids, stated)


@dataclass(frozen=True, slots=True)
class _Register:
    """How the households of some lines stand on a day, who of their members has a certificate of disability, and who is
    dead. The household of a person's line is the one to which he belongs on the day."""

    home: Mapping[UUID, UUID]
    standing: Mapping[UUID, str]
    certified: frozenset[UUID]
    dead: frozenset[UUID]
    numbers: Mapping[UUID, str]

    @classmethod
    async def read(cls, session: AsyncSession, who: Entered, rows: Iterable[Handout], day: date) -> _Register:
        """Read it, in four statements. A household has a certificate where any living member has one."""
        tenant, rows = who.county.id, list(rows)
        persons = {row.person_id for row in rows if row.person_id is not None}
        of_lines = {row.household_id for row in rows}
        members = (
            await session.execute(
                select(Membership.household_id, Membership.person_id).where(
                    Membership.tenant_id == tenant,
                    or_(among(Membership.household_id, of_lines), among(Membership.person_id, persons)),
                    holds(Membership, day),
                )
            )
        ).all()
        home = {row.person_id: row.household_id for row in members if row.person_id in persons}
        said = select(Circumstance.person_id, Circumstance.kind).where(
            Circumstance.tenant_id == tenant,
            among(Circumstance.person_id, persons | {row.person_id for row in members}),
            Circumstance.kind.in_(("certificate", "death")),
            holds(Circumstance, day),
        )
        holding: dict[str, set[UUID]] = {"certificate": set(), "death": set()}
        for person, kind in await session.execute(said):
            holding[kind].add(person)
        living = holding["certificate"] - holding["death"]
        certified = living | {row.household_id for row in members if row.person_id in living}
        query = (
            select(Household.id, Household.number, Standing.standing)
            .outerjoin(
                Standing,
                (Standing.tenant_id == Household.tenant_id)
                & (Standing.household_id == Household.id)
                & holds(Standing, day),
            )
            .where(Household.tenant_id == tenant, among(Household.id, of_lines | set(home.values())))
        )
        known = (await session.execute(query)).all()
        numbers = {row.id: row.number for row in known}
        named = select(Person.id, Person.number).where(Person.tenant_id == tenant, among(Person.id, persons))
        numbers |= {row.id: row.number for row in await session.execute(named)}
        standing = {row.id: row.standing for row in known if row.standing}
        return cls(home, standing, frozenset(certified), frozenset(holding["death"]), numbers)

    def require(self, kind: HandoutKind, row: Handout, numbers: Mapping[str, Resolved]) -> None:
        """Refuse ``HANDOUT_NOT_COVERED``, naming everything that is not so."""
        why = []
        household = row.household_id if row.person_id is None else self.home.get(row.person_id, row.household_id)
        if kind.standings is not None and self.standing.get(household) not in numbers[kind.standings].value:
            why.append(Text("户类型不在范围内", "the household does not stand in the register as it has to"))
        if kind.disabled and (row.person_id or row.household_id) not in self.certified:
            why.append(Text("没有有效的残疾人证", "there is no certificate of disability"))
        if row.person_id in self.dead:
            why.append(Text("已登记死亡", "a death is on record"))
        if why:
            whose = self.numbers.get(row.person_id or row.household_id, "")
            raise Code.HANDOUT_NOT_COVERED.refuse("number", number=whose, kind=kind.title, why=join(why))


@dataclass(frozen=True, slots=True)
class _Listed:
    """What counts of a year already: of each beneficiary, and of all."""

    each: Counter[tuple[str, UUID]]
    all: Counter[str]

    @classmethod
    async def read(
        cls, session: AsyncSession, who: Entered, programme: HandoutProgramme, kinds: Iterable[str], year: int
    ) -> _Listed:
        """Read it, in one statement."""
        whose = func.coalesce(Handout.person_id, Handout.household_id)
        query = (
            select(
                Handout.kind,
                whose,
                func.coalesce(func.sum(Handout.quantity), 0),
                func.coalesce(func.sum(Handout.value_fen), 0),
            )
            .where(
                Handout.tenant_id == who.county.id,
                Handout.programme == programme.code,
                Handout.year == year,
                among(Handout.kind, kinds),
                among(Handout.state, [state.value for state in COUNTING]),
            )
            .group_by(Handout.kind, whose)
        )
        each: Counter[tuple[str, UUID]] = Counter()
        all_: Counter[str] = Counter()
        for code, key, quantity, fen in await session.execute(query):
            kind = kind_of(programme, code)
            each[code, key] += int((fen if kind.counted is None else quantity) or 0)
            all_[code] += int(quantity or 0)
        return cls(each, all_)

    def require(self, kind: HandoutKind, row: Handout, numbers: Mapping[str, Resolved]) -> None:
        """Refuse ``HANDOUT_LIMIT`` for what would be too much; what is not counts from then on."""
        whose = row.person_id or row.household_id
        wanted = (row.value_fen if kind.counted is None else row.quantity) or 0
        if kind.most_each is not None:
            _require_within(kind, numbers[kind.most_each], self.each[kind.code, whose], wanted)
        if kind.most_a_year is not None:
            _require_within(kind, numbers[kind.most_a_year], self.all[kind.code], row.quantity or 0)
        self.each[kind.code, whose] += wanted
        self.all[kind.code] += row.quantity or 0


def _require_within(kind: HandoutKind, limit: Resolved, held: int, wanted: int) -> None:
    if held + wanted <= limit.value:
        return

    def shown(value: int) -> Text:
        return money(value) if kind.counted is None else Text(number(value), number(value))

    raise Code.HANDOUT_LIMIT.refuse(
        "measure",
        title=kind.title,
        most=shown(limit.value),
        held=shown(held),
        wanted=shown(wanted),
        clause=f"{limit.document} {limit.clause}",
    )


# --- what was handed over -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """That somebody has signed for a line: who, on which day, what shows it, and out of which batch it came, by its
    voucher. ``attended`` says of a seat whether somebody came; who did not signs nothing."""

    line: UUID
    receiver: str
    day: date
    signature: str
    voucher: str = ""
    attended: bool | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """What may be handed over, and what is wrong with the rest, by line; ``taken`` is how much comes out of each batch,
    with what lines that were judged before take out of it."""

    ready: Sequence[dict[str, Any]]
    unchanged: Sequence[UUID]
    refused: Sequence[tuple[UUID, Problem]]
    taken: Mapping[UUID, Measure]


async def hand_over(
    session: AsyncSession, who: Entered, programme: HandoutProgramme, signed: Sequence[Signed], stated: Stated
) -> int:
    """Write down that lines were handed over against signatures; how many were not known of yet. What is stocked comes
    out of its batch. The same signature again changes nothing.

    The day of a signature is not the day on which somebody brings it: on that one it has to be his duty. Refuses
    ``FORBIDDEN`` and ``PROGRAMME_OFF``; and at the place of each line what :func:`judge` finds.
    """
    judged = await judge(session, who, programme, signed, stated)
    if judged.refused:
        places = {one.line: position for position, one in enumerate(signed)}
        raise Refused([problem.under("lines", places[key]) for key, problem in judged.refused])
    await carry_out(session, who, programme, judged, stated)
    return len(judged.ready)


async def judge(
    session: AsyncSession,
    who: Entered,
    programme: HandoutProgramme,
    signed: Sequence[Signed],
    stated: Stated,
    taken: Mapping[UUID, Measure] | None = None,
    together: Mapping[UUID, str] | None = None,
    blocked: Collection[str] = (),
) -> Judged:
    """Which lines may be handed over, where so much is ``taken`` already out of batches by lines that were judged and
    are not written down; nothing is written. Of lines that belong ``together`` none is handed over, and none takes
    anything, where one of them is refused or their group is ``blocked``.

    Of each: ``NOT_FOUND``, ``HANDOUT_STATE``, ``NOT_YOUR_DUTY``, what is wrong with the days, ``MISSING_VALUE`` for who
    signed, what shows it, the batch, or whether somebody came, ``NOT_FOUND`` for a batch of something else, and
    ``STOCK_SHORT``.
    """
    acting = await Acting.of(session, who, programme, HandoutAct.HAND_OVER)
    await hold(session, stock_of(programme))
    rows = await _lines(session, who, programme, [one.line for one in signed])
    batches = await batches_by_voucher(session, who, programme, {one.voucher for one in signed if one.voucher})
    out = dict(taken or {})
    left = {batch.id: _less(left_of(batch), out.get(batch.id, Measure())) for batch in batches.values()}
    ready: list[dict[str, Any]] = []
    unchanged: list[UUID] = []
    refused: list[tuple[UUID, Problem]] = []
    groups: dict[UUID | str, list[Signed]] = {}
    for one in signed:
        groups.setdefault(one.line if together is None else together[one.line], []).append(one)
    for group, own in groups.items():
        before, so_far, faults = dict(left), dict(out), len(refused)
        handed_over: list[dict[str, Any]] = []
        for one in own:
            row = rows.get(one.line)
            if row is not None and _same(row, one, batches):
                unchanged.append(one.line)
                continue
            try:
                handed = _handed(acting, one, row, stated, batches, left)
                handed_over.append(handed)
                if row is not None and handed["batch_id"] is not None:
                    out[handed["batch_id"]] = _more(out.get(handed["batch_id"]), row)
                del rows[one.line]  # the same line twice in one list is no second one
            except Refused as refusal:
                refused.append((one.line, refusal.problems[0]))
        if together is not None and (len(refused) > faults or group in blocked):
            left, out = before, so_far
        else:
            ready += handed_over
    return Judged(ready, unchanged, refused, out)


def _same(row: Handout, one: Signed, batches: Mapping[str, HandoutBatch]) -> bool:
    batch = batches.get(one.voucher)
    said = (one.receiver.strip(), one.day, one.attended, None if batch is None else batch.id)
    return row.state in DELIVERED and (row.receiver, row.handed_on, row.attended, row.batch_id) == said


def _handed(
    acting: Acting[HandoutProgramme],
    one: Signed,
    row: Handout | None,
    stated: Stated,
    batches: Mapping[str, HandoutBatch],
    left: dict[UUID, Measure],
) -> dict[str, Any]:
    """What a line becomes; refuses what is wrong with it."""
    who, programme = acting.who, acting.programme
    if row is None:
        raise Code.NOT_FOUND.refuse(what=WHAT)
    kind = kind_of(programme, row.kind)
    columns = acting.by(_shown(stated, one), division=row.division)
    if row.state != HandoutState.LISTED or row.listed_on is None:
        raise _wrong_state(row, HandoutAct.HAND_OVER)
    if one.day > columns["effective_on"]:
        raise Code.DAY_IN_FUTURE.refuse("day", day=one.day, today=columns["effective_on"])
    if one.day < row.listed_on:
        raise Code.BEFORE_PREVIOUS_STEP.refuse("day", day=one.day, previous=row.listed_on)
    if kind.attendance is (one.attended is None):
        if kind.attendance:
            raise Code.MISSING_VALUE.refuse("attended", field=Text("是否参加", "whether somebody came"))
        expected = Text("不填", "nothing")
        raise Code.BAD_VALUE.refuse(
            "attended", field=Text("是否参加", "attended"), value=one.attended, expected=expected
        )
    receiver = one.receiver.strip()
    if one.attended is not False:
        receiver = need_text(one.receiver, "receiver", Text("签收人", "who signed"))
    signature = need_text(one.signature, "signature", Text("签收凭据", "what shows the signature"))
    batch = _batch_for(kind, row, one, batches, left)
    return {
        "id": row.id, "state": HandoutState.HANDED_OVER.value, "receiver": receiver, "signature": signature,
        "attended": one.attended, "batch_id": batch, "handed_by": columns["officer_id"], "handed_on": one.day,
        "handed_at": who.at.now, "_measure": Measure(row.quantity, row.value_fen),
    }  # fmt: skip


def _shown(stated: Stated, one: Signed) -> Stated:
    """What is said of the act; the signature itself shows that it was so."""
    return Stated(stated.day, stated.duty, stated.reason, stated.evidence or one.signature, stated.signatory)


def _batch_for(
    kind: HandoutKind, row: Handout, one: Signed, batches: Mapping[str, HandoutBatch], left: dict[UUID, Measure]
) -> UUID | None:
    """The batch that a line comes out of, of which so much less is left from then on."""
    if not kind.stocked:
        if one.voucher:
            expected = Text("不填", "nothing")
            raise Code.BAD_VALUE.refuse(
                "voucher", field=Text("批次凭证", "voucher"), value=one.voucher, expected=expected
            )
        return None
    voucher = need_text(one.voucher, "voucher", Text("批次凭证", "voucher of the batch"))
    batch = batches.get(voucher)
    if batch is None or batch.kind != row.kind:
        raise Code.NOT_FOUND.refuse("voucher", what=voucher)
    if batch.replaces is None and one.day < batch.effective_on:  # of a correction, that is the day of correcting
        raise Code.BEFORE_PREVIOUS_STEP.refuse("day", day=one.day, previous=batch.effective_on)
    rest, wanted = left[batch.id], Measure(row.quantity, row.value_fen)
    if (kind.counted is not None and (rest.quantity or 0) < (wanted.quantity or 0)) or (
        kind.money and (rest.fen or 0) < (wanted.fen or 0)
    ):
        raise Code.STOCK_SHORT.refuse("voucher", voucher=voucher, left=rest.text(kind), wanted=wanted.text(kind))
    left[batch.id] = _less(rest, wanted)
    return batch.id


def _less(rest: Measure, wanted: Measure) -> Measure:
    return Measure(
        None if rest.quantity is None else rest.quantity - (wanted.quantity or 0),
        None if rest.fen is None else rest.fen - (wanted.fen or 0),
    )


async def carry_out(
    session: AsyncSession, who: Entered, programme: HandoutProgramme, judged: Judged, stated: Stated
) -> None:
    """Write down what has been judged, in the same transaction."""
    out: dict[UUID, Measure] = {}
    for row in judged.ready:
        if row["batch_id"] is not None:
            known, measure = out.get(row["batch_id"], Measure(0, 0)), row["_measure"]
            out[row["batch_id"]] = Measure(
                (known.quantity or 0) + (measure.quantity or 0), (known.fen or 0) + (measure.fen or 0)
            )
    await move(session, who, out)
    rows = [{name: value for name, value in row.items() if name != "_measure"} for row in judged.ready]
    await update_each(session, Handout, rows)
    await _note(session, who, programme, HandoutAct.HAND_OVER, [row["id"] for row in rows], stated)


# --- what was seen afterwards ---------------------------------------------------------------------------------


async def follow_up(
    session: AsyncSession, who: Entered, programme: HandoutProgramme, id: UUID, outcome: str, stated: Stated
) -> None:
    """Say what was seen afterwards of what was handed over 回访.

    Refuses ``FORBIDDEN``, ``PROGRAMME_OFF``, ``NOT_YOUR_DUTY``, what is wrong with the day, ``NOT_FOUND``,
    ``HANDOUT_STATE``, ``MISSING_VALUE`` and ``BEFORE_PREVIOUS_STEP``.
    """
    acting = await Acting.of(session, who, programme, HandoutAct.FOLLOW_UP)
    await hold(session, stock_of(programme))
    row = (await _lines(session, who, programme, [id])).get(id)
    if row is None:
        raise Code.NOT_FOUND.refuse("id", what=WHAT)
    columns = acting.by(stated, division=row.division)
    if row.state != HandoutState.HANDED_OVER or row.handed_on is None:
        raise _wrong_state(row, HandoutAct.FOLLOW_UP)
    seen = need_text(outcome, "outcome", Text("回访情况", "what was seen"))
    day = columns["effective_on"]
    if day < row.handed_on:
        raise Code.BEFORE_PREVIOUS_STEP.refuse("day", day=day, previous=row.handed_on)
    to = {
        "state": HandoutState.FOLLOWED_UP.value, "outcome": seen, "followed_by": columns["officer_id"],
        "followed_on": day, "followed_at": who.at.now,
    }  # fmt: skip
    await update_all(session, Handout, [id], to)
    await _note(session, who, programme, HandoutAct.FOLLOW_UP, [id], stated)


async def _note(
    session: AsyncSession,
    who: Entered,
    programme: HandoutProgramme,
    act: HandoutAct,
    ids: Sequence[UUID],
    stated: Stated,
) -> None:
    """Put an act on record, on each line."""
    said = {"programme": programme.code, "act": act.value}
    await audit.record_each(
        session, who.at.now, who.actor.id, ACTIONS[act].value, [(f"handout/{key}", said) for key in ids], stated.reason
    )
