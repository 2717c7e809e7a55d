"""A county's own documents 本县规定: drafted by one person, previewed, released by another, in force from their days.

What is released is never changed. A document is taken back, and a year's values are carried into the next, by a new one
that is drafted, previewed and released like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import audit
from bangfu.access import Action, Entered
from bangfu.calendar import Period
from bangfu.db import hold
from bangfu.errors import Code, Refused
from bangfu.models import Edition, ProvisionPreview, ProvisionRow, new_id
from bangfu.policy import (
    Adoption,
    Carried,
    Provision,
    ProvisionEntry,
    Resolved,
    Revocation,
    carried_over,
    in_force,
)
from bangfu.programme import AnyProgramme, Plugins
from bangfu.text import Text, join

DRAFT, PREVIEWED, RELEASED = "draft", "previewed", "released"
STATES: Mapping[str, Text] = {
    DRAFT: Text("草稿", "draft"),
    PREVIEWED: Text("已试算未发布", "previewed, and not released yet"),
    RELEASED: Text("已发布", "released"),
}
WHAT = Text("本县规定", "the provisions")
STANDS = timedelta(days=30)
"""For how long what a document was found to come to may be released: cases come in and incomes change."""


@dataclass(frozen=True, slots=True)
class Heading:
    """How a county's document is headed: its title, its number and the day on which it was issued."""

    title: str
    number: str
    issued_on: date

    @property
    def raw(self) -> dict[str, Any]:
        """In the form of a provision file."""
        return {"title": self.title, "number": self.number, "issued": self.issued_on}


async def draft(session: AsyncSession, who: Entered, programme: AnyProgramme, raw: Mapping[str, Any]) -> UUID:
    """Write down a county's own document as a draft, after checking every value against the permitted deviation.

    ``raw`` is the content of a provision file; ``revokes`` names the document that it takes back by its number. Refuses
    ``FORBIDDEN``, every problem of the values, and of what it takes back what :func:`take_back` does.
    """
    who.require(Action.DRAFT_PROVISION, programme.code)
    revokes = raw.get("revokes")
    if revokes is None:
        return await _keep(session, who, programme, programme.read_provision(raw))
    if not isinstance(revokes, Mapping) or {key: type(value) for key, value in revokes.items()} != _REVOKES:
        raise Code.MISSING_VALUE.refuse("revokes", field=Text("文号、起始日和条款", "number, since and clause"))
    query = select(ProvisionRow).where(
        ProvisionRow.tenant_id == who.county.id,
        ProvisionRow.programme == programme.code,
        ProvisionRow.state == RELEASED,
        ProvisionRow.number == revokes["number"],
    )
    row = await session.scalar(query.order_by(ProvisionRow.released_at.desc()).limit(1))
    if row is None:
        raise Code.NOT_FOUND.refuse("revokes", "number", what=WHAT)
    return await _take_back(session, who, programme, row, raw, revokes["since"], revokes["clause"])


_REVOKES = {"number": str, "since": date, "clause": str}


async def take_back(
    session: AsyncSession, who: Entered, plugins: Plugins, id: UUID, heading: Heading, since: date, clause: str
) -> UUID:
    """Draft the document that takes a released one back from a day on 回退: everything holds as without it.

    Refuses ``FORBIDDEN``, ``NOT_FOUND``, ``PROVISION_STATE`` for what is not released or was taken back already,
    ``BAD_VALUE`` for one that is issued before the document which it takes back, and every problem of the heading.
    """
    row = await find(session, who, id)
    programme = plugins.any(row.programme)
    who.require(Action.DRAFT_PROVISION, programme.code)
    return await _take_back(session, who, programme, row, heading.raw, since, clause)


async def _take_back(
    session: AsyncSession,
    who: Entered,
    programme: AnyProgramme,
    row: ProvisionRow,
    raw: Mapping[str, Any],
    since: date,
    clause: str,
) -> UUID:
    if row.state != RELEASED:
        raise wrong_state(row, Text("回退", "taken back"))
    if not clause.strip():
        raise Code.MISSING_VALUE.refuse("clause", field=Text("条款", "clause"))
    provision = programme.read_provision({**raw, "revokes": Revocation(str(row.id), since, clause)})
    if provision.issued_on < row.issued_on:
        raise Code.BAD_VALUE.refuse(
            "issued",
            field=Text("印发日期", "day of issue"),
            value=provision.issued_on,
            expected=Text(f"{row.issued_on} 起的日期", f"a day from {row.issued_on} on"),
        )
    _require_standing(await released_by(session, who.county.id, programme), provision.revokes)
    return await _keep(session, who, programme, provision)


async def carry_over(
    session: AsyncSession,
    who: Entered,
    programme: AnyProgramme,
    held: Mapping[str, Resolved],
    periods: tuple[Period, Period],
    heading: Heading,
    clause: str,
) -> tuple[UUID, Carried]:
    """Draft the document of a next period with the values of one before it 结转: of those that ``held``, the county's
    own and what the plan says nothing of any more. ``clause`` is that of the new document for the latter.

    The answer also says what was not carried over, and why. Refuses ``FORBIDDEN``, ``BAD_VALUE`` for a period that is
    not later, ``MISSING_VALUE`` without a clause or where there is nothing to carry over, and every problem of the
    values.
    """
    who.require(Action.DRAFT_PROVISION, programme.code)
    if not clause.strip():
        raise Code.MISSING_VALUE.refuse("clause", field=Text("条款", "clause"))
    carried = await carried_to(session, who, programme, held, periods)
    if not carried.entries:
        raise Code.MISSING_VALUE.refuse("parameters", field=Text("可结转的本县规定", "values to carry over"))
    entries = tuple(replace(entry, clause=entry.clause or clause) for entry in carried.entries)
    made = Provision("", heading.title, heading.number, heading.issued_on, entries)
    checked = programme.read_provision({**heading.raw, **raw_of(programme, made)})
    return await _keep(session, who, programme, checked), replace(carried, entries=entries)


async def carried_to(
    session: AsyncSession,
    who: Entered,
    programme: AnyProgramme,
    held: Mapping[str, Resolved],
    periods: tuple[Period, Period],
) -> Carried:
    """What of the values that held in a period is carried into a later one, from its first day or from that which its
    numbers are of, whichever is earlier. Refuses ``BAD_VALUE`` for one that is not later."""
    before, after = periods
    day = after.reference_day
    if day <= before.reference_day:
        expected = Text(f"{before.title.zh}以后的期间", f"a period after {before.title.en}")
        raise Code.BAD_VALUE.refuse("next", field=Text("期间", "period"), value=after.key, expected=expected)
    released = await released_by(session, who.county.id, programme)
    return carried_over(programme.policy, held, min(after.first_day, day), day, released)


async def release(session: AsyncSession, who: Entered, plugins: Plugins, id: UUID) -> None:
    """Put a document in force; by another person than who drafted it, once what it comes to was previewed.

    Refuses ``FORBIDDEN``, ``NOT_FOUND``, ``PROVISION_STATE``, ``SAME_PERSON``, ``NUMBER_TAKEN`` for a number under
    which one of the programme is released already, ``PROVISION_NOT_PREVIEWED`` unless it was previewed in every open
    period that it changes, as things stand (where cases are decided by it), and every problem of a value that the plan
    does not permit any more.
    """
    who.require(Action.RELEASE_PROVISION)
    row = await find(session, who, id)
    programme = plugins.any(row.programme)
    who.require(Action.RELEASE_PROVISION, programme.code)
    if row.state == RELEASED:
        raise wrong_state(row, Text("再次发布", "released again"))
    if row.drafted_by == who.actor.id:
        raise Code.SAME_PERSON.refuse("provision", other=Text("起草人", "the drafter"))
    # One at a time: what one comes to is previewed beside all others.
    await hold_provisions(session, programme)
    released = await released_by(session, who.county.id, programme)
    if any(one.number == row.number for one in released):
        raise Code.NUMBER_TAKEN.refuse("number", number=row.number)
    _require_permitted(programme, row)
    _require_standing(released, provision_of(programme, row).revokes)
    found = (await lacking(session, who, plugins.every, [row]))[row.id]
    if programme.is_previewed and (found.periods or not found.any):
        titles = [programme.period.period(key).title for key in found.periods]
        raise Code.PROVISION_NOT_PREVIEWED.refuse(
            "provision", periods=join(titles) if titles else Text("至少一个期间", "at least one period")
        )
    ready = [PREVIEWED] if programme.is_previewed else [DRAFT, PREVIEWED]
    done = await session.execute(
        update(ProvisionRow)
        .where(ProvisionRow.tenant_id == who.county.id, ProvisionRow.id == id, ProvisionRow.state.in_(ready))
        .values(state=RELEASED, released_by=who.actor.id, released_at=who.at.now)
        .returning(ProvisionRow.id)
    )
    if done.first() is None:
        raise Code.CONFLICT.refuse("provision")
    await audit.record(
        session, who.at.now, who.actor.id, Action.RELEASE_PROVISION.value, f"provision/{id}", {"number": row.number}
    )


async def hold_provisions(session: AsyncSession, programme: AnyProgramme) -> None:
    """Let nobody else release a document of the programme or open a period of it until the transaction ends."""
    await hold(session, f"{programme.code}/provisions")


def _require_permitted(programme: AnyProgramme, row: ProvisionRow) -> None:
    """Refuse what the plan does not permit any more since the document was drafted."""
    own = provision_of(programme, row)
    said = {**Heading(row.title, row.number, row.issued_on).raw, **raw_of(programme, own)}
    programme.read_provision({**said, **({"revokes": own.revokes} if own.revokes else {})})


def _require_standing(released: Sequence[Provision], revokes: Revocation | None) -> None:
    """Refuse ``PROVISION_STATE`` if what is to be taken back was taken back already."""
    if revokes is not None and revokes.provision not in {one.id for one in in_force(released, revokes.since)}:
        raise Code.PROVISION_STATE.refuse(
            "provision", state=Text("已回退", "taken back"), action=Text("再次回退", "taken back again")
        )


async def find(session: AsyncSession, who: Entered, id: UUID) -> ProvisionRow:
    """A document of the county; refuses ``NOT_FOUND``."""
    row = await session.scalar(
        select(ProvisionRow).where(ProvisionRow.tenant_id == who.county.id, ProvisionRow.id == id)
    )
    if row is None:
        raise Code.NOT_FOUND.refuse("provision", what=WHAT)
    return row


async def released_by(session: AsyncSession, tenant: int, programme: AnyProgramme) -> list[Provision]:
    """The released documents of a programme, the latest issued last."""
    rows = await session.scalars(
        select(ProvisionRow).where(
            ProvisionRow.tenant_id == tenant,
            ProvisionRow.programme == programme.code,
            ProvisionRow.state == RELEASED,
        )
    )
    return in_order(programme, rows.all())


def in_order(programme: AnyProgramme, rows: Iterable[ProvisionRow]) -> list[Provision]:
    """Released documents of a programme, the latest issued last, and of one day the latest released."""
    ordered = sorted(rows, key=lambda row: (row.issued_on, row.released_at, row.id))
    return [provision_of(programme, row) for row in ordered]


def beside(own: Provision, released: Sequence[Provision]) -> tuple[list[Provision], list[Provision]]:
    """The released documents without one, and with it: where it stands, or, as a draft, as the last of its day."""
    others = [one for one in released if one.id != own.id]
    ids = [one.id for one in released]
    place = ids.index(own.id) if own.id in ids else sum(one.issued_on <= own.issued_on for one in others)
    return others, [*others[:place], own, *others[place:]]


def provision_of(programme: AnyProgramme, row: ProvisionRow) -> Provision:
    """A county's own document as it was written down."""
    return Provision(
        str(row.id),
        f"{row.title}({row.number})",
        row.number,
        row.issued_on,
        tuple(_entry(programme, item) for item in row.content["entries"]),
        tuple(
            Adoption(date.fromisoformat(item["since"]), date.fromisoformat(item["book"]), item["clause"])
            for item in row.content.get("adoptions", ())
        ),
        None
        if row.takes_back_id is None
        else Revocation(
            str(row.takes_back_id),
            date.fromisoformat(row.content["revokes"]["since"]),
            row.content["revokes"]["clause"],
        ),
    )


def raw_of(programme: AnyProgramme, provision: Provision, numbers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """A document, without heading, in the form of a provision file; ``numbers`` are those of documents by their ids."""
    tables: dict[str, list[dict[str, Any]]] = {}
    for entry in provision.entries:
        own = {
            "since": entry.since,
            **({"until": entry.until} if entry.until else {}),
            "value": programme.policy.parameters[entry.parameter].kind.dump(entry.value),
            "clause": entry.clause,
        }
        tables.setdefault(entry.parameter, []).append(own)
    moves = [{"adopts": one.book, "since": one.since, "clause": one.clause} for one in provision.adoptions]
    said = {**({"parameters": tables} if tables else {}), **({"book": moves} if moves else {})}
    if provision.revokes is not None and numbers is not None:
        gone = provision.revokes
        said["revokes"] = {"number": numbers[gone.provision], "since": gone.since, "clause": gone.clause}
    return said


async def _keep(session: AsyncSession, who: Entered, programme: AnyProgramme, provision: Provision) -> UUID:
    made = new_id()
    await session.execute(
        insert(ProvisionRow).values(
            tenant_id=who.county.id,
            id=made,
            programme=programme.code,
            title=provision.title,
            number=provision.number,
            issued_on=provision.issued_on,
            state=DRAFT,
            content=_dump(programme, provision),
            takes_back_id=UUID(provision.revokes.provision) if provision.revokes else None,
            drafted_by=who.actor.id,
            drafted_at=who.at.now,
        )
    )
    return made


@dataclass(frozen=True, slots=True)
class Lacking:
    """The open periods in which a document has to be previewed before it can be released, and whether there is a
    preview of it at all that stands."""

    periods: list[str]
    any: bool


async def lacking(
    session: AsyncSession, who: Entered, programmes: Mapping[str, AnyProgramme], rows: Sequence[ProvisionRow]
) -> dict[UUID, Lacking]:
    """What some documents lack to be released, in three statements; nothing where they are released.

    A preview stands for :data:`STANDS`, if it was made after the period was last opened, and as long as the documents,
    the numbers and the rule books are those that it was made with.
    """
    tenant, codes = who.county.id, sorted({row.programme for row in rows})
    released: dict[str, list[ProvisionRow]] = {}
    for one in await session.scalars(
        select(ProvisionRow).where(
            ProvisionRow.tenant_id == tenant, ProvisionRow.programme.in_(codes), ProvisionRow.state == RELEASED
        )
    ):
        released.setdefault(one.programme, []).append(one)
    opened: dict[str, dict[str, datetime]] = {}
    for code, period, at in await session.execute(
        select(Edition.programme, Edition.period, func.max(Edition.opened_at))
        .where(Edition.tenant_id == tenant, Edition.programme.in_(codes))
        .group_by(Edition.programme, Edition.period)
        .order_by(Edition.period)
    ):
        opened.setdefault(code, {})[period] = at
    previews: dict[UUID, list[ProvisionPreview]] = {}
    for preview in await session.scalars(
        select(ProvisionPreview).where(
            ProvisionPreview.tenant_id == tenant, ProvisionPreview.provision_id.in_([row.id for row in rows])
        )
    ):
        previews.setdefault(preview.provision_id, []).append(preview)
    found = {}
    for row in rows:
        programme = programmes[row.programme]
        documents = in_order(programme, released.get(row.programme, ()))
        periods = opened.get(row.programme, {})
        bases = {key: Basis.of(programme, provision_of(programme, row), documents, key) for key in periods}
        standing = set()
        for preview in previews.get(row.id, ()):
            key = preview.period
            basis = bases.get(key) or Basis.of(programme, provision_of(programme, row), documents, key)
            fresh = preview.made_at >= periods.get(key, preview.made_at) and who.at.now - preview.made_at <= STANDS
            if fresh and preview.content["basis"] == basis.dump():
                standing.add(key)
        wanted = [key for key, basis in bases.items() if basis.changes and key not in standing]
        found[row.id] = Lacking([] if row.state == RELEASED else wanted, bool(standing))
    return found


async def to_preview(session: AsyncSession, who: Entered, plugins: Plugins, id: UUID) -> list[str]:
    """The open periods in which a document has to be previewed before it can be released; refuses ``NOT_FOUND``."""
    row = await find(session, who, id)
    return (await lacking(session, who, plugins.every, [row]))[id].periods


@dataclass(frozen=True, slots=True)
class Basis:
    """What a preview rests on: the documents that are released, and the numbers and the rule book without and with the
    one that is previewed."""

    beside: Sequence[str]
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    books: tuple[str, str]

    @classmethod
    def of(cls, programme: AnyProgramme, own: Provision, released: Sequence[Provision], period: str) -> Basis:
        """That of a document in a period; refuses ``PERIOD_BAD``."""
        day = programme.period.period(period).reference_day
        kinds = {name: parameter.kind for name, parameter in programme.policy.parameters.items()}
        values, books = [], []
        for documents in beside(own, released):
            resolved = programme.policy.resolved(day, documents)[0]
            values.append({name: kinds[name].dump(one.value) for name, one in resolved.items()})
            books.append(programme.text_on(day, documents))
        others = sorted(one.id for one in released if one.id != own.id)
        return cls(others, values[0], values[1], (books[0], books[1]))

    @property
    def changes(self) -> bool:
        """Whether the document changes a number or the rule book."""
        return self.before != self.after or self.books[0] != self.books[1]

    def dump(self) -> dict[str, Any]:
        """It as a preview keeps it."""
        return {
            "beside": list(self.beside),
            "before": dict(self.before),
            "after": dict(self.after),
            "books": list(self.books),
        }


def wrong_state(row: ProvisionRow, action: Text) -> Refused:
    """The refusal of an act for which a document is in the wrong state."""
    return Code.PROVISION_STATE.refuse("provision", state=STATES[row.state], action=action)


def _dump(programme: AnyProgramme, provision: Provision) -> dict[str, Any]:
    return {
        "entries": [
            {
                "parameter": entry.parameter,
                "since": entry.since.isoformat(),
                "until": entry.until.isoformat() if entry.until else None,
                "value": programme.policy.parameters[entry.parameter].kind.dump(entry.value),
                "clause": entry.clause,
            }
            for entry in provision.entries
        ],
        "adoptions": [
            {"since": one.since.isoformat(), "book": one.book.isoformat(), "clause": one.clause}
            for one in provision.adoptions
        ],
        "revokes": None
        if provision.revokes is None
        else {"since": provision.revokes.since.isoformat(), "clause": provision.revokes.clause},
    }


def _entry(programme: AnyProgramme, item: Mapping[str, Any]) -> ProvisionEntry:
    return ProvisionEntry(
        item["parameter"],
        date.fromisoformat(item["since"]),
        date.fromisoformat(item["until"]) if item["until"] else None,
        programme.policy.parameters[item["parameter"]].kind.parse(item["value"]),
        item["clause"],
    )
