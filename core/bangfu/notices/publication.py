"""What the public see of a notice 公示公开页: written down when it is posted, read by its slug while it is open.

A publication holds the columns that its programme allows, as they were posted, and names no case, no household and no
officer. It is never changed: an entry whose case went back is withdrawn by a row beside it.

The first half of this room is for officers, behind their walls; the second is for the public, who are nobody: its
sessions are those of :meth:`bangfu.db.Database.visit`, and see one page.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Entered
from bangfu.db import hold
from bangfu.db.bulk import among, insert_new, insert_rows
from bangfu.documents.posters import Poster
from bangfu.errors import Code, Refused
from bangfu.models import NoticeEntry, Publication, PublicationWithdrawal, PublicObjection, Supervision, new_id
from bangfu.programme import NOTICE_COLUMNS, Beneficiary, Programme
from bangfu.registry.divisions import Places
from bangfu.text import Text, day, printable
from bangfu.vault import Vault, mask_phone

LONGEST_WORDS, LONGEST_NAME = 1000, 50
HOURLY = 20
"""How many objections one notice takes within an hour."""
_HOUR = timedelta(hours=1)
_SLUG = re.compile(r"([1-9][0-9]{5})-[a-z2-7]{26}")
_PHONE = re.compile(r"\+?[0-9][0-9 -]{4,18}[0-9]")


@dataclass(frozen=True, slots=True)
class Line:
    """An entry of a notice as the public see it, by its running number; ``values`` None: it was withdrawn."""

    position: int
    values: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Page:
    """A notice as the public see it; amounts are in fen."""

    tenant: int
    id: UUID
    division: int
    slug: str
    village_slug: str
    county: str
    township: str
    village: str
    title: Text
    first: date
    last: date
    place: str
    contact: str
    columns: tuple[str, ...]
    lines: tuple[Line, ...] = field(repr=False)
    unit: Text
    """What its entries are counted in."""

    @property
    def total(self) -> int | None:
        """The sum of the amounts that it shows, in fen; None where it shows none."""
        if "amount" not in self.columns:
            return None
        amounts: list[int] = [line.values["amount"] for line in self.lines if line.values is not None]
        return sum(amounts)

    @property
    def common(self) -> str | None:
        """The rate of aid, where it is one and the same for everybody; said once above the entries."""
        return common_rate(self.columns, [line.values for line in self.lines if line.values is not None])

    @property
    def shown(self) -> tuple[str, ...]:
        """The columns of its table: all of them but what is said once for everybody."""
        return in_table(self.columns, self.common)


_SEEN = (
    Publication.tenant_id, Publication.id, Publication.division, Publication.slug, Publication.village_slug,
    Publication.county, Publication.township, Publication.village, Publication.title, Publication.first_day,
    Publication.last_day, Publication.place, Publication.contact, Publication.columns, Publication.entries,
)  # fmt: skip


def _page(row: Any, withdrawn: frozenset[int]) -> Page:
    return Page(
        row.tenant_id,
        row.id,
        row.division,
        row.slug,
        row.village_slug,
        row.county,
        row.township,
        row.village,
        Text(row.title["zh"], row.title["en"]),
        row.first_day,
        row.last_day,
        row.place,
        row.contact,
        tuple(row.columns),
        tuple(Line(position, None if position in withdrawn else values) for position, values in row.entries),
        Beneficiary(row.title.get("of", Beneficiary.HOUSEHOLD)).counted,
    )


def heading(column: str) -> Text:
    """The title of a column as it stands above figures: an amount says its unit."""
    title = NOTICE_COLUMNS[column]
    return Text(f"{title.zh}(元)", f"{title.en} (yuan)") if column == "amount" else title


def columns_of(values: Mapping[str, Any]) -> list[str]:
    """The columns of an entry, in the order in which notices have them."""
    return [name for name in NOTICE_COLUMNS if name in values]


def common_rate(columns: Collection[str], entries: Sequence[Mapping[str, Any]]) -> str | None:
    """The rate of aid, where it is one and the same for all entries."""
    found = {values["standard"] for values in entries} if "standard" in columns else set()
    return found.pop() if len(found) == 1 else None


def in_table(columns: Sequence[str], common: str | None) -> tuple[str, ...]:
    """The columns of a table: all of them but a rate that is said once for everybody."""
    return tuple(name for name in columns if name != "standard" or common is None)


def titled(place: str, period: Text, programme: Text) -> Text:
    """What stands above a notice."""
    return Text("{place}{period}{programme}公示", "Public notice: {programme}, {period}, {place}").filled(
        place=place, period=period, programme=programme
    )


def poster_of(page: Page, address: str) -> Poster:
    """What the poster of a page says; ``address`` is that of the page, or empty where the public have none."""
    return Poster(
        page.title,
        page.township,
        page.village,
        day(page.first),
        day(page.last),
        page.place,
        page.contact,
        page.common,
        [(name, heading(name)) for name in page.shown],
        [(line.position, line.values) for line in page.lines],
        page.unit,
        Text(f"{page.village}村民委员会或{page.township}人民政府", "the village committee or the township government"),
        address,
    )


# --- for officers ---------------------------------------------------------------------------------------------


def new_slug(county: str) -> str:
    """The end of an address that nobody can guess: the county's code, whose calendar counts, and 128 random bits."""
    return f"{county}-{base64.b32encode(secrets.token_bytes(16)).decode().rstrip('=').lower()}"


async def make_public(
    session: AsyncSession,
    who: Entered,
    programme: Programme,
    period: str,
    place: str,
    posted: Sequence[Any],
    entries: Mapping[UUID, Sequence[tuple[UUID, Mapping[str, Any]]]],
) -> None:
    """Write one publication a notice; its entries are (case, columns) in their order.

    What earlier publications still show of the same cases is withdrawn.
    """
    tenant, code = who.county.id, who.county.code
    await hold(session, "publication")
    await withdraw(session, who, [case for own in entries.values() for case, _ in own])
    places = await Places.on(session, who.at.today)
    contact = await session.scalar(select(Supervision.contact).where(Supervision.tenant_id == tenant)) or ""
    spell = Text(programme.period.period(period).title.zh, period)
    divisions = {notice.division for notice in posted}
    known = select(Publication.division, Publication.village_slug).where(
        Publication.tenant_id == tenant, among(Publication.division, divisions)
    )
    villages = {row.division: row.village_slug for row in await session.execute(known.distinct())}
    rows = []
    for notice in posted:
        village, own = places.named(notice.division), entries[notice.id]
        township = places.township(notice.division)
        columns = columns_of(own[0][1])
        title = titled(f"{township}{village}", spell, programme.title)
        rows.append(
            {
                "tenant_id": tenant,
                "id": new_id(),
                "notice_id": notice.id,
                "division": notice.division,
                "slug": new_slug(code),
                "village_slug": villages.setdefault(notice.division, new_slug(code)),
                "county": who.county.name,
                "township": township,
                "village": village,
                "title": {"zh": title.zh, "en": title.en, "of": programme.beneficiary.value},
                "first_day": notice.first,
                "last_day": notice.last,
                "place": place,
                "contact": contact,
                "columns": columns,
                "entries": [
                    [position, {name: values[name] for name in columns}]
                    for position, (_, values) in enumerate(own, start=1)
                ],
                "count": len(own),
                "recorded_at": who.at.now,
            }
        )
    await insert_rows(session, Publication, rows)


async def withdraw(session: AsyncSession, who: Entered, cases: Sequence[UUID]) -> None:
    """Let no publication show cases any more: they went back, or stand on a newer notice."""
    tenant = who.county.id
    query = (
        select(Publication.id, Publication.slug, Publication.division, NoticeEntry.position)
        .join(NoticeEntry, (NoticeEntry.tenant_id == tenant) & (NoticeEntry.notice_id == Publication.notice_id))
        .where(Publication.tenant_id == tenant, among(NoticeEntry.case_id, cases))
    )
    rows = [
        {
            "tenant_id": tenant,
            "id": new_id(),
            "publication_id": row.id,
            "slug": row.slug,
            "division": row.division,
            "position": row.position,
            "officer_id": who.actor.id,
            "recorded_at": who.at.now,
        }
        for row in await session.execute(query)
    ]
    await insert_new(session, PublicationWithdrawal, rows, "id")


async def of_notice(session: AsyncSession, who: Entered, notice: UUID) -> Page:
    """The page of a notice, as an officer who has it in sight reads it; refuses ``NOT_FOUND``."""
    tenant = who.county.id
    query = select(*_SEEN).where(Publication.tenant_id == tenant, Publication.notice_id == notice)
    row = (await session.execute(query)).first()
    if row is None:
        raise Code.NOT_FOUND.refuse("notice", what=Text("公示", "the notice"))
    gone = select(PublicationWithdrawal.position).where(
        PublicationWithdrawal.tenant_id == tenant, PublicationWithdrawal.publication_id == row.id
    )
    return _page(row, frozenset(await session.scalars(gone)))


def pending_cases(tenant: int) -> Select[UUID]:
    """The cases against which the public handed in an objection that no officer has decided on yet, as a query."""
    return (
        select(NoticeEntry.case_id)
        .join(Publication, (Publication.tenant_id == tenant) & (Publication.notice_id == NoticeEntry.notice_id))
        .join(
            PublicObjection,
            (PublicObjection.tenant_id == tenant)
            & (PublicObjection.publication_id == Publication.id)
            & (PublicObjection.position == NoticeEntry.position),
        )
        .where(NoticeEntry.tenant_id == tenant, PublicObjection.decided_at.is_(None))
    )


async def pending_objections(session: AsyncSession, tenant: int, cases: Sequence[UUID]) -> set[UUID]:
    """Which of some cases wait for an officer to decide on an objection of the public, in one statement."""
    return set(await session.scalars(pending_cases(tenant).where(among(NoticeEntry.case_id, cases))))


# --- for the public -------------------------------------------------------------------------------------------


def county_in(slug: str) -> str | None:
    """The code of the county that a slug is of; None for what cannot be a slug."""
    match = _SLUG.fullmatch(slug)
    return None if match is None else match[1]


async def page_of(session: AsyncSession, slug: str) -> Page | None:
    """The notice of a slug, if it is open; in a session of the public."""
    row = (await session.execute(select(*_SEEN).where(Publication.slug == slug))).first()
    if row is None:
        return None
    gone = select(PublicationWithdrawal.position).where(PublicationWithdrawal.slug == slug)
    return _page(row, frozenset(await session.scalars(gone)))


async def in_village(session: AsyncSession, slug: str) -> list[Page]:
    """The open notices of the village of a slug, by their first day; in a session of the public."""
    query = select(*_SEEN).where(Publication.village_slug == slug).order_by(Publication.first_day, Publication.id)
    return [_page(row, frozenset()) for row in await session.execute(query)]


@dataclass(frozen=True, slots=True)
class HandedIn:
    """What somebody hands in against the entry of a running number; ``form`` is the form it was written in, which
    counts once."""

    form: UUID
    position: int
    words: str
    name: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)


def receipt_of(form: UUID) -> str:
    """The number of the receipt for what was handed in with a form: eight letters and digits."""
    short = base64.b32encode(hashlib.sha256(form.bytes).digest()[:5]).decode()
    return f"YY-{short[:4]}-{short[4:]}"


async def hand_in(session: AsyncSession, vault: Vault, page: Page, said: HandedIn, today: date, now: datetime) -> str:
    """Hand in an objection, in a session of the public; the number of its receipt. The same form again is harmless.

    Refuses ``MISSING_VALUE``, ``BAD_VALUE`` for an entry that the notice does not show, for words of more than 1,000
    characters, a name of more than 50 and what is no telephone number, and ``OBJECTIONS_TOO_MANY``.
    """
    words, name, phone = said.words.strip(), said.name.strip(), said.phone.strip()
    entry = next((line for line in page.lines if line.position == said.position), None)
    if entry is None or entry.values is None:
        raise _bad("position", Text("序号", "number"), said.position, Text("公示中的序号", "a number on the notice"))
    if not words:
        raise Code.MISSING_VALUE.refuse("words", field=Text("异议内容", "what is objected"))
    if len(words) > LONGEST_WORDS:
        most = Text(f"不超过 {LONGEST_WORDS} 字", f"at most {LONGEST_WORDS:,} characters")
        raise _bad("words", Text("异议内容", "what is objected"), f"{words[:20]}……", most)
    if len(name) > LONGEST_NAME:
        most = Text(f"不超过 {LONGEST_NAME} 字", f"at most {LONGEST_NAME} characters")
        raise _bad("name", Text("姓名", "name"), f"{name[:20]}……", most)
    if phone and not _PHONE.fullmatch(phone):
        raise _bad("phone", Text("联系电话", "telephone"), "…", Text("电话号码", "a telephone number"))
    tenant = page.tenant
    lately = await session.scalar(select(func.public_objections_since(tenant, page.id, now - _HOUR)))
    if (lately or 0) >= HOURLY:
        raise Code.OBJECTIONS_TOO_MANY.refuse(limit=HOURLY)
    receipt = receipt_of(said.form)
    row = {
        "tenant_id": tenant,
        "id": said.form,
        "publication_id": page.id,
        "division": page.division,
        "position": said.position,
        "words": printable(words),
        "name": vault.seal(name, "public_objection.name", tenant) if name else None,
        "phone": vault.seal(phone, "public_objection.phone", tenant) if phone else None,
        "phone_masked": mask_phone(re.sub(r"\D", "", phone)) if phone else None,
        "receipt": receipt,
        "handed_in_on": today,
        "handed_in_at": now,
    }
    await session.execute(insert(PublicObjection).values(row).on_conflict_do_nothing())
    return receipt


def _bad(path: str, title: Text, value: object, expected: Text) -> Refused:
    return Code.BAD_VALUE.refuse(path, field=title, value=value, expected=expected)
