"""证明: what an organization attests itself, such as a training base that signs and seals the cards of its trainees.

Which organization is asked is said with the plan, in place of the fact. Its agent sees the person's name and what the
programme shows of the card: no case, no household, no person. He answers once; the determination is made on the answer.
Who corrects a plan keeps the answer where the same organization is shown the same card, else it is asked anew; of a
case that has ended nobody is asked any more.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import audit
from bangfu.access import CHINA, Action, Entered
from bangfu.cases.gather import typed_fact
from bangfu.cases.ground import Ground, switched_on
from bangfu.cases.views import CaseView
from bangfu.db.bulk import among, insert_new, insert_rows, update_all
from bangfu.errors import Code, Problem
from bangfu.models import Attestation, AttestationAnswer, Organization, Person, new_id
from bangfu.process import NOT_SELECTED, STOPPED, WITHDRAWN
from bangfu.programme import ORGANIZATION_KINDS, Programme
from bangfu.rules.explain import Explainer
from bangfu.text import Text, join
from bangfu.text import day as written

MOST = 100
"""The most of a page."""
ENDS = frozenset({WITHDRAWN, STOPPED, NOT_SELECTED})
"""The ends of a case at which nobody is asked any more. What was refused may come out otherwise by an answer."""
_WHAT = Text("待证明事项", "what is to be attested")
_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
"""A day as a stated fact is kept in raw form."""
_ANSWERED = and_(
    AttestationAnswer.tenant_id == Attestation.tenant_id, AttestationAnswer.attestation_id == Attestation.id
)


# --- whom a plan asks ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Unit:
    """An organization by its id and its kind."""

    id: UUID
    kind: str


@dataclass(frozen=True, slots=True)
class Asking:
    """Whom the plan of a case asks: organizations by fact, of which person, in which village, and what it states (in
    raw form)."""

    by: Mapping[str, UUID]
    person: UUID
    division: int
    stated: Mapping[str, Any]


async def units(session: AsyncSession, who: Entered, codes: Collection[str]) -> dict[str, Unit]:
    """The organizations of some credit codes, as far as there are any, in one statement."""
    if not codes:
        return {}
    query = select(Organization.credit_code, Organization.id, Organization.kind).where(
        Organization.tenant_id == who.county.id, among(Organization.credit_code, codes)
    )
    return {row.credit_code: Unit(row.id, row.kind) for row in await session.execute(query)}


def ill_named(programme: Programme, attesters: Mapping[str, str], known: Mapping[str, Unit]) -> Problem | None:
    """What is wrong with whom a plan asks, by fact: a fact that nobody attests, an organization that there is not, or
    one of another kind."""
    attestable = programme.attestable()
    for fact, code in attesters.items():
        path = ("attesters", fact)
        if fact not in attestable:
            return Code.STATED_NOT_ALLOWED.problem(*path, fact=fact, known=", ".join(attestable))
        if code not in known:
            return Code.NOT_FOUND.problem(*path, what=code)
        if known[code].kind != attestable[fact].by:
            kind, title = ORGANIZATION_KINDS[attestable[fact].by], attestable[fact].title
            expected = Text(f"{kind.zh}的信用代码", f"the code of a {kind.en}")
            return Code.BAD_VALUE.problem(*path, field=title, value=code, expected=expected)
    return None


async def asked(session: AsyncSession, who: Entered, cases: Sequence[CaseView]) -> dict[UUID, dict[str, str]]:
    """Whom the plans of cases ask as they stand, by case: credit codes by fact; in one statement, and none where the
    programme has nothing attested."""
    found: dict[UUID, dict[str, str]] = {}
    if any(case.rules.programme.attested for case in cases):
        query = (
            select(Attestation.case_id, Attestation.fact, Organization.credit_code)
            .join(Organization, _same_organization())
            .where(*_current(who, [case.id for case in cases]))
        )
        for row in await session.execute(query):
            found.setdefault(row.case_id, {})[row.fact] = row.credit_code
    return found


async def ask(session: AsyncSession, who: Entered, ground: Ground, asking: Mapping[UUID, Asking]) -> None:
    """Ask the organizations that the plans of new cases name."""
    await _put(session, who, ground, [(case, own, fact) for case, own in asking.items() for fact in own.by])


async def change(session: AsyncSession, who: Entered, ground: Ground, changing: Mapping[UUID, Asking]) -> None:
    """Ask whom corrected plans name. Where the same organization is shown the same card, what was asked stands with its
    answer."""
    if not ground.programme.attested or not changing:
        return
    query = select(Attestation).where(*_current(who, changing)).order_by(Attestation.id).with_for_update()
    current = (await session.scalars(query)).all()
    kept = {
        (row.case_id, row.fact)
        for row in current
        if changing[row.case_id].by.get(row.fact) == row.organization_id
        and _card(ground.programme, row.fact, changing[row.case_id].stated) == row.card
    }
    gone = [row.id for row in current if (row.case_id, row.fact) not in kept]
    await update_all(session, Attestation, gone, {"gone_at": who.at.now})
    fresh = [(case, own, fact) for case, own in changing.items() for fact in own.by if (case, fact) not in kept]
    await _put(session, who, ground, fresh)


async def let_go(session: AsyncSession, who: Entered, cases: Collection[UUID]) -> None:
    """Ask nobody any more of cases that have ended, in two statements. What was answered stands, also by who answers
    in this very moment."""
    query = select(Attestation.id).where(*_current(who, cases)).order_by(Attestation.id).with_for_update()
    open_ = (await session.scalars(query)).all()
    answered = select(AttestationAnswer.id).where(_ANSWERED).correlate(Attestation).exists()
    await session.execute(
        update(Attestation)
        .where(Attestation.tenant_id == who.county.id, among(Attestation.id, open_), ~answered)
        .values(gone_at=who.at.now)
        .execution_options(synchronize_session=False)
    )


async def ask_again(session: AsyncSession, who: Entered, cases: Sequence[CaseView]) -> None:
    """Ask anew what was asked last of cases that stand again."""
    own = {case.id: case for case in cases if case.rules.programme.attested}
    if not own:
        return
    query = select(Attestation).where(Attestation.tenant_id == who.county.id, among(Attestation.case_id, own))
    last = {
        (row.case_id, row.fact): row
        for row in await session.scalars(query.order_by(Attestation.asked_at, Attestation.id))
    }
    again = [row for row in last.values() if row.gone_at is not None and row.fact not in own[row.case_id].stated]
    copied = ("tenant_id", "programme", "period", "case_id", "organization_id", "fact", "name", "card")
    rows = [
        {
            **{name: getattr(row, name) for name in copied},
            "id": new_id(),
            "division": own[row.case_id].division,
            "asked_by": who.actor.id,
            "asked_at": who.at.now,
        }
        for row in again
    ]
    await insert_rows(session, Attestation, rows)


async def _put(session: AsyncSession, who: Entered, ground: Ground, fresh: Sequence[tuple[UUID, Asking, str]]) -> None:
    """Write down what organizations are asked, in two statements."""
    if not fresh:
        return
    named = select(Person.id, Person.name).where(
        Person.tenant_id == who.county.id, among(Person.id, {own.person for _, own, _ in fresh})
    )
    names = {row.id: row.name for row in await session.execute(named)}
    rows = [
        {
            "tenant_id": who.county.id,
            "id": new_id(),
            "programme": ground.programme.code,
            "period": ground.period.key,
            "case_id": case,
            "organization_id": own.by[fact],
            "division": own.division,
            "fact": fact,
            "name": names[own.person],
            "card": _card(ground.programme, fact, own.stated),
            "asked_by": who.actor.id,
            "asked_at": who.at.now,
        }
        for case, own, fact in fresh
    ]
    await insert_rows(session, Attestation, rows)


def _card(programme: Programme, fact: str, stated: Mapping[str, Any]) -> dict[str, Any]:
    """What an organization is shown of what was stated."""
    return {name: stated.get(name) for name in programme.attestable()[fact].shows}


def _current(who: Entered, cases: Iterable[UUID]) -> list[ColumnElement[bool]]:
    """The conditions on what is asked of cases now."""
    return [
        Attestation.tenant_id == who.county.id,
        among(Attestation.case_id, cases),
        Attestation.gone_at.is_(None),
    ]


def _same_organization() -> ColumnElement[bool]:
    return and_(Organization.tenant_id == Attestation.tenant_id, Organization.id == Attestation.organization_id)


# --- what organizations answer ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answered:
    """How many were answered, how many had been answered so already, and which were refused, with the problem."""

    done: int
    unchanged: int
    refused: Sequence[tuple[UUID, Problem]] = ()


async def attest(
    session: AsyncSession,
    who: Entered,
    ids: Sequence[UUID],
    *,
    attested: bool,
    note: str = "",
    on: date | None = None,
) -> Answered:
    """Let an organization say whether it attests what it is asked 证明, on a day, today unless stated; ``note`` is why
    it does not.

    The same answer again changes nothing, and another one is too late: an answer is final. In five statements whatever
    their number. Refuses ``FORBIDDEN``, ``DAY_IN_FUTURE`` and ``REASON_NEEDED``; of each, ``NOT_FOUND`` for what one's
    organization is not asked (any more), ``BEFORE_PREVIOUS_STEP`` for a day before the last that the card shows,
    and ``CONFLICT`` for what was answered otherwise.
    """
    who.require(Action.ATTEST)
    day = who.at.today if on is None else on
    if day > who.at.today:
        raise Code.DAY_IN_FUTURE.refuse("on", day=written(day), today=written(who.at.today))
    if not attested and not note.strip():
        raise Code.REASON_NEEDED.refuse("note")
    running = await switched_on(session, who.county.id, who.at.today)
    query = (
        select(Attestation)
        .where(
            Attestation.tenant_id == who.county.id,
            among(Attestation.id, ids),
            among(Attestation.organization_id, who.scope.organizations),
            among(Attestation.programme, running),
            Attestation.gone_at.is_(None),
        )
        .order_by(Attestation.id)
        .with_for_update()
    )
    asked_ = {row.id: row for row in await session.scalars(query)}
    early = {own: last for own, row in asked_.items() if (last := _last_day(row.card)) is not None and day < last}
    found = {own: row for own, row in asked_.items() if own not in early}
    rows = [
        {
            "tenant_id": who.county.id,
            "id": new_id(),
            "attestation_id": row.id,
            "case_id": row.case_id,
            "organization_id": row.organization_id,
            "division": row.division,
            "attested": attested,
            "note": note.strip(),
            "answered_on": day,
            "answered_by": who.actor.id,
            "answered_at": who.at.now,
        }
        for row in found.values()
    ]
    fresh = await insert_new(session, AttestationAnswer, rows, "attestation_id")
    said = select(AttestationAnswer.attestation_id, AttestationAnswer.attested).where(
        AttestationAnswer.tenant_id == who.county.id, among(AttestationAnswer.attestation_id, found.keys() - fresh)
    )
    before = {row.attestation_id: row.attested for row in await session.execute(said)}
    places: dict[UUID, int] = {}
    for place, own in enumerate(ids):
        places.setdefault(own, place)

    def problem(own: UUID, place: int) -> Problem:
        if own in early:
            previous = written(early[own])
            return Code.BEFORE_PREVIOUS_STEP.problem("ids", place, day=written(day), previous=previous)
        return Code.CONFLICT.problem("ids", place) if own in found else Code.NOT_FOUND.problem("ids", place, what=_WHAT)

    refused = [
        (own, problem(own, place))
        for own, place in places.items()
        if own not in fresh and before.get(own) is not attested
    ]
    counts = {"on": day.isoformat(), "attested": attested, "done": len(fresh), "refused": len(refused)}
    objects = [f"organization/{own}" for own in sorted({str(found[one].organization_id) for one in fresh})]
    await audit.record_each(
        session, who.at.now, who.actor.id, Action.ATTEST.value, [(one, counts) for one in objects], note.strip()
    )
    return Answered(len(fresh), sum(own is attested for own in before.values()), refused)


def _last_day(card: Mapping[str, Any]) -> date | None:
    """The last of the days that a card shows; it attests that they have been."""
    days = [date.fromisoformat(value) for value in card.values() if isinstance(value, str) and _DAY.fullmatch(value)]
    return max(days, default=None)


# --- what is shown of it ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told:
    """What an organization was asked to attest of a case, as it stands: since which day, and what it answered on which
    day, None where it has not yet; ``note`` is why it does not attest it. ``organization`` is its name, or its kind for
    who does not see the table of organizations."""

    title: Text
    organization: Text
    asked_on: date
    attested: bool | None
    answered_on: date | None
    note: str
    gone: bool = False
    """Whether it is asked no more: the plan says otherwise since. What was answered stays to be seen."""

    @property
    def text(self) -> Text:
        """It, in one sentence."""
        if self.answered_on is None:
            since = written(self.asked_on)
            how = Text(f"自{since.zh}起等待证明", f"has been asked since {since.en}, and has not answered yet")
        else:
            on = written(self.answered_on)
            how = Text(f"{on.zh}已证明", f"attested it on {on.en}")
            if not self.attested:
                how = Text(f"{on.zh}不予证明({self.note})", f"did not attest it on {on.en} ({self.note})")
        if self.gone:
            how = Text(f"{how.zh},其后申报已改填", f"{how.en}; the plan says otherwise since")
        title, name = self.title, self.organization
        return Text(f"{title.zh}:{name.zh},{how.zh}", f"{title.en}: {name.en} {how.en}")


async def told(
    session: AsyncSession, who: Entered, programme: Programme, cases: Collection[UUID]
) -> dict[UUID, tuple[Told, ...]]:
    """What organizations are asked to attest of cases of a programme, and what they answered before the plan said
    otherwise, in one statement, and none where it has nothing attested."""
    attestable = programme.attestable()
    if not attestable or not cases:
        return {}
    query = (
        select(Attestation, AttestationAnswer, Organization.name)
        .outerjoin(AttestationAnswer, _ANSWERED)
        .outerjoin(Organization, _same_organization())
        .where(
            Attestation.tenant_id == who.county.id,
            among(Attestation.case_id, cases),
            among(Attestation.fact, attestable),
            or_(Attestation.gone_at.is_(None), AttestationAnswer.id.is_not(None)),
        )
        .order_by(Attestation.case_id, Attestation.fact, Attestation.asked_at, Attestation.id)
    )
    found: dict[UUID, tuple[Told, ...]] = {}
    for row, answer, name in await session.execute(query):
        own = attestable[row.fact]
        said = Told(
            own.title,
            Text(name, name) if name else ORGANIZATION_KINDS[own.by],
            row.asked_at.astimezone(CHINA).date(),
            *_answer(answer),
            row.gone_at is not None,
        )
        found[row.case_id] = (*found.get(row.case_id, ()), said)
    return found


def in_words(programme: Programme, card: Mapping[str, Any]) -> list[tuple[str, Text, Text]]:
    """What an organization is shown, fact by fact: its name, what it is called, and its value in words."""
    return [
        (name, spec.title, Explainer.shown_fact(spec, typed_fact(spec, card[name])))
        for name, spec in programme.stated().items()
        if name in card
    ]


@dataclass(frozen=True, slots=True)
class Card:
    """What one's organization is asked to attest: of whom, what it is shown (in raw form), since when, and what it
    answered, None where it has not yet."""

    id: UUID
    programme: str
    period: str
    fact: str
    name: str
    card: Mapping[str, Any]
    asked_at: datetime
    attested: bool | None
    answered_on: date | None
    note: str

    @property
    def answer(self) -> Text:
        """Its answer, in words."""
        if self.answered_on is None:
            return Text("待答复", "none yet")
        if self.attested:
            return Text(f"{self.answered_on} 已证明", f"attested on {self.answered_on}")
        return Text(f"{self.answered_on} 不予证明({self.note})", f"not attested on {self.answered_on} ({self.note})")

    @property
    def place(self) -> tuple[datetime, UUID]:
        """Where it stands in the list, for the page after it."""
        return self.asked_at, self.id


async def cards(
    session: AsyncSession,
    who: Entered,
    *,
    programme: str | None = None,
    period: str | None = None,
    answered: bool | None = None,
    after: tuple[datetime, UUID] | None = None,
    first: int = MOST,
) -> list[Card]:
    """A page of what one's organization is asked, as it was asked, in two statements. Refuses ``FORBIDDEN``."""
    who.require(Action.ATTEST)
    running = await switched_on(session, who.county.id, who.at.today)
    query = (
        select(Attestation, AttestationAnswer)
        .outerjoin(AttestationAnswer, _ANSWERED)
        .where(
            Attestation.tenant_id == who.county.id,
            among(Attestation.organization_id, who.scope.organizations),
            among(Attestation.programme, running),
            Attestation.gone_at.is_(None),
        )
        .order_by(Attestation.asked_at, Attestation.id)
        .limit(min(first, MOST))
    )
    if programme is not None:
        query = query.where(Attestation.programme == programme)
    if period is not None:
        query = query.where(Attestation.period == period)
    if answered is not None:
        query = query.where(AttestationAnswer.id.is_not(None) if answered else AttestationAnswer.id.is_(None))
    if after is not None:
        query = query.where(tuple_(Attestation.asked_at, Attestation.id) > tuple_(*after))
    return [
        Card(
            row.id, row.programme, row.period, row.fact, row.name, row.card, row.asked_at, *_answer(answer)
        )
        for row, answer in await session.execute(query)
    ]  # fmt: skip


def _answer(row: AttestationAnswer | None) -> tuple[bool | None, date | None, str]:
    """Whether something was attested, on which day, and why not; nothing while it is not answered."""
    return (None, None, "") if row is None else (row.attested, row.answered_on, row.note)


def waiting(said: Iterable[Told]) -> Text | None:
    """Whose answers are still waited for, in one sentence; None where nobody's are."""
    names = [one.organization for one in said if one.attested is None]
    if not names:
        return None
    named = join(names)
    return Text(f"等待{named.zh}证明", f"Waiting for {named.en} to attest it")
