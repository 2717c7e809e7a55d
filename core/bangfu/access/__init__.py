"""Who acts, where, and what their duties allow.

The walls of the database decide *on whom* somebody may act; what stands here decides *what*: the stages of a programme
say which duty does which step, and ``policy`` what duties allow at all, on which programme and stage.

The command line trusts whoever runs it to say who acts, and records it. Tokens come with the API.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from hashlib import sha256
from hmac import compare_digest
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import JSONB, Range
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from bangfu.access.policy import (
    EVERY,
    Action,
    Reach,
    Rule,
    Rules,
    allowed,
    allows,
    duties_that_may,
    enforcer,
)
from bangfu.db import Database, Scope, bind, merged, ranges
from bangfu.db.bulk import among
from bangfu.errors import Code
from bangfu.models import Assignment, Officer, new_id
from bangfu.process import Duty, duty_names
from bangfu.text import Text

__all__ = [
    "CHINA", "EVERY", "Action", "Actor", "County", "Entered", "Held", "Linked", "Moment", "Pass", "Reach", "Rule",
    "Rules", "actor", "actors", "admit", "allowed", "allows", "county", "create_county", "duties_that_may", "enforcer",
    "enter", "set_demo_day",
]  # fmt: skip

_DAY = timedelta(days=1)
CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")
COUNTY_CODES = 1_000_000
"""A county's 12-digit codes: its six digits, then six of its own."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When somebody acts: the instant that is recorded, and the day it counts as in the county's calendar."""

    now: datetime
    today: date


@dataclass(frozen=True, slots=True)
class County:
    """The county 县 a request is for. A demo county has a day of its own, which began when it was set."""

    id: int
    code: str
    name: str
    demo_today: date | None
    demo_set_at: datetime | None = None

    @property
    def area(self) -> tuple[int, int]:
        """The whole county as a range of 12-digit codes."""
        lo = int(self.code) * COUNTY_CODES
        return lo, lo + COUNTY_CODES - 1

    def moment(self, clock: datetime | None = None) -> Moment:
        """The present of the county. ``clock`` is the real instant.

        A demo day begins when it is set and never runs backwards or over: what is recorded in a demo keeps its order,
        whatever the real time of day.
        """
        now = (clock or datetime.now(UTC)).astimezone(CHINA)
        if self.demo_today is not None and self.demo_set_at is not None:
            passed = min(max(now - self.demo_set_at, timedelta()), _DAY - timedelta(microseconds=1))
            now = datetime.combine(self.demo_today, time(), CHINA) + passed
        return Moment(now, now.date())


async def county(database: Database, code: str) -> County:
    """The county of a code; refuses ``TENANT_UNKNOWN``."""
    async with database.unscoped() as connection:
        row = (await connection.execute(text("select * from tenant_by_code(:code)"), {"code": code})).first()
    if row is None:
        raise Code.TENANT_UNKNOWN.refuse("tenant", tenant=code)
    return County(row.id, code, row.name, row.demo_today, row.demo_set_at)


@dataclass(frozen=True, slots=True)
class Held:
    """A duty held from a day to before another: over an area, in an ``organization``, or for a ``household``.

    ``stands_in_for`` is the officer whose duty it is, if it is held in his stead.
    """

    duty: Duty
    lo: int
    hi: int
    since: date
    until: date | None
    organization: UUID | None = None
    household: UUID | None = None
    stands_in_for: UUID | None = None

    def on(self, day: date) -> bool:
        """Whether it is held on a day."""
        return self.since <= day and (self.until is None or day < self.until)

    def over(self, division: int) -> bool:
        """Whether it is held over a division."""
        return self.duty.has_area and self.lo <= division <= self.hi


@dataclass(frozen=True, slots=True)
class Linked:
    """A household that an officer is linked to 联户, from a day to before another."""

    household: UUID
    division: int
    since: date
    until: date | None

    def on(self, day: date) -> bool:
        """Whether they are linked on a day."""
        return self.since <= day and (self.until is None or day < self.until)


@dataclass(frozen=True, slots=True)
class Actor:
    """An officer with everything the officer is charged with, past and present.

    ``linked`` are the households that the officer is linked to as a cadre, ``rules`` what the county itself has laid
    down about who may do what. ``only`` are the actions that whoever acts in the officer's name is limited to;
    ``disabled`` says that the officer was disabled when he was looked up: he does not enter.
    """

    id: UUID
    number: str
    name: str
    county: County
    held: tuple[Held, ...]
    linked: tuple[Linked, ...] = ()
    rules: Rules = ()
    only: frozenset[Action] | None = None
    disabled: bool = False

    def duties(self, day: date, division: int | None = None) -> frozenset[Duty]:
        """The duties held on a day, over a division if one is given."""
        return frozenset(h.duty for h in self.held if h.on(day) and (division is None or h.over(division)))

    def scope(self, today: date) -> Scope:
        """What the officer sees today: the areas of present duties, nothing of past ones.

        Who is linked to households, or is one, sees those; who works for an organization sees what is the
        organization's, and what he makes is for the county to see.
        """
        held = [h for h in self.held if h.on(today)]
        cadre = [h for h in held if h.duty is Duty.LINKED_CADRE]
        linked = {
            link.household for link in self.linked if link.on(today) and any(h.over(link.division) for h in cadre)
        }
        own = {h.household for h in held if h.duty is Duty.HOUSEHOLDER and h.household is not None}
        agents = [h for h in held if h.duty.is_agent and h.organization is not None]
        reach = [(h.lo, h.hi) for h in held if not h.duty.is_agent]
        return Scope(
            self.county.id,
            merged((h.lo, h.hi) for h in held if h.duty.sees_area),
            self.id,
            merged([*reach, self.county.area] if agents else reach),
            tuple(sorted({h.organization for h in agents if h.organization is not None})),
            tuple(sorted(linked | own)),
            any(h.duty.is_staff for h in held),
        )

    def areas(self, today: date) -> list[Range[int]]:
        """The areas for which what the officer makes today is kept; refuses ``FORBIDDEN`` without any."""
        areas = self.scope(today).own
        if not areas:
            raise Code.FORBIDDEN.refuse(action=Text("办理业务", "acting"), duties=duty_names(Duty))
        return ranges(areas)

    def may(self, action: Action, today: date, programme: str = EVERY, stage: str = EVERY) -> bool:
        """Whether present duties allow an action, on a programme and a stage if they are given, else on any."""
        if self.only is not None and action not in self.only:
            return False
        return allows(self.duties(today), self.rules, action, programme, stage)

    def permissions(self, today: date) -> frozenset[Action]:
        """Everything that present duties allow on some programme and stage."""
        found = allowed(self.duties(today), self.rules)
        return found if self.only is None else found & self.only

    def require(self, action: Action, today: date, programme: str = EVERY, stage: str = EVERY) -> None:
        """Refuse ``FORBIDDEN`` unless present duties allow an action."""
        if not self.may(action, today, programme, stage):
            able = duties_that_may(action, self.rules, programme, stage)
            raise Code.FORBIDDEN.refuse(action=action.title_text, duties=duty_names(able))


async def actor(session: AsyncSession, county: County, number: str) -> Actor:
    """The officer with a staff number; refuses ``OFFICER_UNKNOWN``."""
    found = await actors(session, county, numbers=[number])
    if not found:
        raise Code.OFFICER_UNKNOWN.refuse("officer", officer=number)
    return found[0]


async def actors(
    session: AsyncSession,
    county: County,
    numbers: Iterable[str] | None = None,
    ids: Iterable[UUID] | None = None,
) -> list[Actor]:
    """Officers by staff number or id, with their duties, in one statement: who did what somebody else types in."""
    query = (
        select(Officer.id, Officer.number, Officer.name, Officer.organization_id, Officer.disabled_at, Assignment)
        .outerjoin(
            Assignment,
            (Assignment.tenant_id == Officer.tenant_id)
            & (Assignment.officer_id == Officer.id)
            & Assignment.known_to.is_(None),
        )
        .where(Officer.tenant_id == county.id)
        .order_by(Officer.number)
    )
    if numbers is not None:
        query = query.where(among(Officer.number, numbers))
    if ids is not None:
        query = query.where(among(Officer.id, ids))
    held: dict[UUID, list[Held]] = {}
    known: dict[UUID, tuple[str, str, bool]] = {}
    for officer_id, number, name, organization, disabled_at, assignment in (await session.execute(query)).all():
        known[officer_id] = (number, name, disabled_at is not None)
        own = held.setdefault(officer_id, [])
        if assignment is not None:
            own.append(
                Held(
                    Duty(assignment.duty),
                    assignment.area_lo,
                    assignment.area_hi,
                    assignment.valid_from,
                    assignment.valid_to,
                    assignment.organization_id or organization,
                    assignment.household_id,
                    assignment.stands_in_for,
                )
            )
    return [
        Actor(id_, number, name, county, tuple(held[id_]), disabled=disabled)
        for id_, (number, name, disabled) in known.items()
    ]


@dataclass(frozen=True, slots=True)
class Entered:
    """Somebody in a county at a moment: what an edge hands to the rooms for one request."""

    actor: Actor
    at: Moment

    @property
    def county(self) -> County:
        """The county."""
        return self.actor.county

    @property
    def scope(self) -> Scope:
        """What the transaction is bound to."""
        return self.actor.scope(self.at.today)

    @property
    def areas(self) -> list[Range[int]]:
        """The actor's areas, as what he makes keeps them."""
        return self.actor.areas(self.at.today)

    def may(self, action: Action, programme: str = EVERY, stage: str = EVERY) -> bool:
        """Whether the actor's duties allow an action today, on a programme and a stage if they are given."""
        return self.actor.may(action, self.at.today, programme, stage)

    def require(self, action: Action, programme: str = EVERY, stage: str = EVERY) -> None:
        """Refuse ``FORBIDDEN`` unless the actor's duties allow an action today."""
        self.actor.require(action, self.at.today, programme, stage)

    def require_whole_county(self) -> None:
        """Refuse ``WHOLE_COUNTY_NEEDED`` unless the actor sees every case of the county today."""
        if self.scope.areas != (self.county.area,):
            raise Code.WHOLE_COUNTY_NEEDED.refuse()

    @property
    def permissions(self) -> frozenset[Action]:
        """Everything that the actor's duties allow today, on some programme and stage."""
        return self.actor.permissions(self.at.today)


@dataclass(frozen=True, slots=True)
class Pass:
    """With what somebody gets in 通行凭据: the county, the staff number, and what proves it.

    Without a ``session`` and a ``service`` the proof has been checked already: a token that was issued at
    ``issued_at``, or the command line, which trusts whoever runs it. ``secret`` is that of the session or the service.
    """

    tenant: str
    officer: str
    issued_at: datetime | None = None
    session: UUID | None = None
    service: UUID | None = None
    secret: bytes = field(default=b"", repr=False)


async def admit(database: Database, shown: Pass, clock: datetime | None = None) -> Entered:
    """Let in who shows a pass, in one round trip; what has changed since the last request counts.

    Refuses ``TENANT_UNKNOWN`` and ``OFFICER_UNKNOWN``, and ``PASS_ENDED`` for a session or a token that has ended,
    was signed out, or whose secret is another; also for an officer who is disabled.
    """
    real = clock or datetime.now(UTC)
    asked = {"tenant": shown.tenant, "officer": shown.officer, "session": shown.session, "service": shown.service}
    async with database.unscoped() as connection:
        query = text(
            "select * from who_enters(:tenant, :officer, cast(:session as uuid), cast(:service as uuid))"
        ).columns(held=JSONB, linked=JSONB, rules=JSONB)
        row = (await connection.execute(query, asked)).first()
    if row is None:
        raise Code.TENANT_UNKNOWN.refuse("tenant", tenant=shown.tenant)
    if row.officer_id is None:
        raise Code.OFFICER_UNKNOWN.refuse("officer", officer=shown.officer)
    if not _counts(shown, row, real):
        raise Code.PASS_ENDED.refuse()
    found = County(row.tenant_id, shown.tenant, row.tenant_name, row.demo_today, row.demo_set_at)
    who = Actor(
        row.officer_id,
        shown.officer,
        row.name,
        found,
        tuple(
            Held(
                Duty(held["duty"]),
                held["lo"],
                held["hi"],
                date.fromisoformat(held["since"]),
                _day(held["until"]),
                _id(held["organization"]),
                _id(held["household"]),
                _id(held["stands_in_for"]),
            )
            for held in row.held
        ),
        tuple(
            Linked(UUID(link["household"]), link["division"], date.fromisoformat(link["since"]), _day(link["until"]))
            for link in row.linked
        ),
        tuple(Rule(*rule) for rule in row.rules),
        None if row.actions is None else frozenset(Action(name) for name in row.actions if name in _KNOWN),
    )
    return Entered(who, found.moment(clock))


_KNOWN = frozenset(action.value for action in Action)


def _counts(shown: Pass, row: Any, now: datetime) -> bool:
    """Whether a pass counts now."""
    if row.disabled_at is not None:
        return False
    begins = shown.issued_at
    if shown.session is not None or shown.service is not None:
        proved = row.digest is not None and compare_digest(row.digest, sha256(shown.secret).digest())
        if not proved or row.ends_at is None or row.ends_at <= now:
            return False
        # Signing out ends what somebody logged in with; a system's token is revoked by itself.
        begins = row.begins_at if shown.session is not None else None
    return begins is None or row.signed_out_at is None or begins > row.signed_out_at


def _day(stated: str | None) -> date | None:
    return None if stated is None else date.fromisoformat(stated)


def _id(stated: str | None) -> UUID | None:
    return None if stated is None else UUID(stated)


async def enter(database: Database, code: str, number: str, clock: datetime | None = None) -> Entered:
    """Find the county and the officer and fix the moment; refuses ``TENANT_UNKNOWN``, ``OFFICER_UNKNOWN`` and
    ``PASS_ENDED`` for an officer who is disabled."""
    return await admit(database, Pass(code, number), clock)


# --- the platform's own side: counties and their clocks ---------------------------------------------------------


async def create_county(
    connection: AsyncConnection,
    code: str,
    name: str,
    clock: datetime,
    *,
    demo_today: date | None = None,
    officer: tuple[str, str],
) -> None:
    """Create a county with its first officer (staff number, name), who keeps its registers and settings.

    Runs as the owner. Refuses ``TENANT_EXISTS``, ``BAD_VALUE`` for a code that is not six digits, ``MISSING_VALUE``.
    """
    if not (len(code) == 6 and code.isascii() and code.isdigit() and code[0] != "0"):
        expected = Text("6 位县级代码", "the six-digit code of a county")
        raise Code.BAD_VALUE.refuse("tenant", field=Text("县代码", "county code"), value=code, expected=expected)
    for path, title, value in (
        ("name", Text("县名称", "the county's name"), name),
        ("officer", Text("工号", "staff number"), officer[0]),
        ("officer_name", Text("姓名", "name"), officer[1]),
    ):
        if not value.strip():
            raise Code.MISSING_VALUE.refuse(path, field=title)
    if (await connection.execute(text("select 1 from tenant where code = :code"), {"code": code})).first():
        raise Code.TENANT_EXISTS.refuse("tenant", tenant=code)
    inserted = await connection.execute(
        text(
            "insert into tenant (code, name, created_at, demo_today, demo_set_at)"
            " values (:code, :name, :at, :today, :set) returning id"
        ),
        {"code": code, "name": name, "at": clock, "today": demo_today, "set": clock if demo_today else None},
    )
    new = County(inserted.scalar_one(), code, name, demo_today, clock)
    await bind(connection, Scope(new.id, staff=True))
    first = Actor(new_id(), officer[0], officer[1], new, ())
    await connection.execute(
        text("insert into officer (tenant_id, id, number, name) values (:t, :id, :number, :name)"),
        {"t": new.id, "id": first.id, "number": first.number, "name": first.name},
    )
    lo, hi = new.area
    for duty in (Duty.REGISTRAR, Duty.COUNTY_OFFICE):
        await connection.execute(
            text(
                "insert into assignment (tenant_id, id, officer_id, duty, area_lo, area_hi, valid_from, known_from)"
                " values (:t, :id, :officer, :duty, :lo, :hi, :since, :at)"
            ),
            {
                "t": new.id,
                "id": new_id(),
                "officer": first.id,
                "duty": duty.value,
                "lo": lo,
                "hi": hi,
                "since": date(1949, 10, 1),
                "at": clock,
            },
        )


async def set_demo_day(connection: AsyncConnection, code: str, day: date, clock: datetime) -> None:
    """Move a demo county's clock forward. Runs as the owner. Refuses ``TENANT_UNKNOWN`` and ``BAD_VALUE``."""
    row = (await connection.execute(text("select demo_today from tenant where code = :code"), {"code": code})).first()
    if row is None:
        raise Code.TENANT_UNKNOWN.refuse("tenant", tenant=code)
    if row.demo_today is None or day < row.demo_today:
        expected = Text("演示县当前日期之后的日期", "a day after the present one of a demo county")
        raise Code.BAD_VALUE.refuse("day", field=Text("日期", "day"), value=day, expected=expected)
    if day > row.demo_today:
        await connection.execute(
            text("update tenant set demo_today = :day, demo_set_at = :set where code = :code"),
            {"day": day, "set": clock, "code": code},
        )
