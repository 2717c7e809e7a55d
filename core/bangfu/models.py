"""Every table, each with its wall.

``tenant_id`` leads every key, every foreign key and every unique, so that the tables can be spread by tenant without a
redesign. Money is integer fen, days are dates of the county's calendar, ``*_at`` are instants.

What is known of the world is bitemporal (:class:`Dated`): a row says what is true from ``valid_from`` to before
``valid_to``, as known from ``known_from`` to before ``known_to``. It is never rewritten; a change closes what is no
longer known and adds what is.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar
from uuid import UUID

from asyncpg.pgproto import pgproto
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, INT8MULTIRANGE, JSONB, Range
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from bangfu.db import DAY, INSIDE, SLUG, Kind, Opening, Own, Wall, Walls

Division12 = Annotated[int, mapped_column(BigInteger)]
"""A 12-digit division code as a number, so that an area is a range."""
FenColumn = Annotated[int, mapped_column(BigInteger)]
"""An amount in fen."""
Areas = Annotated[list[Range[int]], mapped_column(INT8MULTIRANGE)]
"""The areas that a row is of, as ranges of 12-digit codes: those of who made it."""
Json = Annotated[dict[str, Any], mapped_column(JSONB)]
Sealed = Annotated[bytes, mapped_column(LargeBinary)]
"""A value sealed by the vault."""

_CURRENT = text("valid_to is null and known_to is null")
_KNOWN = text("known_to is null")


def new_id() -> UUID:
    """A fresh UUIDv7 (RFC 9562): sorts by the millisecond it was made in."""
    return new_ids(1)[0]


def new_ids(count: int) -> list[UUID]:
    """As many of them at once, in the order in which they sort: an index takes them at one place."""
    values = bytearray(os.urandom(16 * count))
    for place, byte in enumerate((time.time_ns() // 1_000_000).to_bytes(6, "big")):
        values[place::16] = bytes([byte]) * count
    values[6::16] = values[6::16].translate(_VERSION)
    values[8::16] = values[8::16].translate(_VARIANT)
    made = bytes(values)
    return list(map(pgproto.UUID, sorted(made[place : place + 16] for place in range(0, 16 * count, 16))))


_VERSION = bytes(0x70 | byte & 0x0F for byte in range(256))
_VARIANT = bytes(0x80 | byte & 0x3F for byte in range(256))


class Base(DeclarativeBase):
    """The tables of Bangfu."""

    __wall__: ClassVar[Wall]
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text,
        int: Integer,
        date: Date,
        datetime: DateTime(timezone=True),
        UUID: Uuid,
        Decimal: Numeric(14, 3),
    }


class TenantRow:
    """A row of one county."""

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)


class PartRow:
    """A row of one county that is part of another row of it: what it is part of is of that county, which is not looked
    up beside it, a hundred thousand times in a batch."""

    tenant_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[UUID] = mapped_column(primary_key=True)


class Dated:
    """A fact with the days it holds for and the instants it was known between; the later end of each is excluded."""

    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    known_from: Mapped[datetime]
    known_to: Mapped[datetime | None]


class Acted:
    """Who did something 办理: in which duty, on which day, what shows it, and who typed it in when."""

    officer_id: Mapped[UUID]
    duty: Mapped[str]
    effective_on: Mapped[date]
    evidence: Mapped[str]
    recorded_by: Mapped[UUID]
    recorded_at: Mapped[datetime]


def _to(target: str, column: str | None = None) -> ForeignKeyConstraint:
    """A foreign key within the county."""
    return ForeignKeyConstraint(["tenant_id", column or f"{target}_id"], [f"{target}.tenant_id", f"{target}.id"])


def _of_case(target: str) -> ForeignKeyConstraint:
    """A foreign key to what was decided of the same case."""
    columns = ("tenant_id", f"{target}_id", "case_id")
    return ForeignKeyConstraint(columns, [f"{target}.{name}" for name in ("tenant_id", "id", "case_id")])


def _whose(table: str, target: str, column: str, also: Sequence[str] = ("organization_id", "division")) -> Any:
    """A foreign key to a row that says the same of whose it is: nothing is hung on what is another's."""
    columns, others = ("tenant_id", column, *also), ("tenant_id", "id", *also)
    return ForeignKeyConstraint(columns, [f"{target}.{name}" for name in others], name=f"fk_{table}_{target}")


def _by_division(table: str) -> Index:
    return Index(f"ix_{table}_division", "tenant_id", "division", "id")


# --- the county and its people in office ----------------------------------------------------------------------


class Tenant(Base):
    """A county 县. ``demo_today`` is the day that a demo county takes for today since ``demo_set_at``; None follows the
    calendar."""

    __tablename__ = "tenant"
    __wall__ = Wall(Kind.PLATFORM)

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    created_at: Mapped[datetime]
    demo_today: Mapped[date | None]
    demo_set_at: Mapped[datetime | None]


class Division(TenantRow, Dated, Base):
    """An administrative division 行政区划 (county, township, village), dated because codes and names change."""

    __tablename__ = "division"
    __wall__ = Wall(Kind.TENANT, update=("known_to",))
    __table_args__ = (
        CheckConstraint("level in ('county', 'township', 'village')", name="level"),
        Index("uq_division_current", "tenant_id", "code", unique=True, postgresql_where=_CURRENT),
    )

    code: Mapped[Division12]
    name: Mapped[str]
    level: Mapped[str]
    poor: Mapped[bool | None]


class Organization(TenantRow, Base):
    """An organization 组织: a bureau, a school, an enterprise, a helping unit."""

    __tablename__ = "organization"
    __wall__ = Wall(Kind.STAFF, own=Own.ORGANIZATION, update=("name", "kind", "division"))
    __table_args__ = (UniqueConstraint("tenant_id", "credit_code"),)

    credit_code: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str]
    division: Mapped[int | None] = mapped_column(BigInteger)


class Officer(TenantRow, Base):
    """A person in office 工作人员, known by a staff number, or an account of an enterprise or of a household.

    Who is disabled gets in no more; nothing that let somebody in before ``signed_out_at`` does.
    """

    __tablename__ = "officer"
    __wall__ = Wall(Kind.STAFF, own=Own.OFFICER, update=("name", "organization_id", "disabled_at", "signed_out_at"))
    __table_args__ = (UniqueConstraint("tenant_id", "number"), _to("organization"))

    number: Mapped[str]
    name: Mapped[str]
    organization_id: Mapped[UUID | None]
    disabled_at: Mapped[datetime | None]
    signed_out_at: Mapped[datetime | None]


class Assignment(TenantRow, Dated, Base):
    """A duty that an officer holds for a time 任职: over an area, in an organization, or for a household.

    A stand-in 代理 holds it for somebody else, and only until a day.
    """

    __tablename__ = "assignment"
    __wall__ = Wall(Kind.STAFF, own=Own.OFFICER_ID, update=("known_to",))
    __table_args__ = (
        _to("officer"),
        _to("organization"),
        _to("household"),
        _to("officer", "stands_in_for"),
        CheckConstraint("stands_in_for is null or valid_to is not null", name="stand_in"),
        Index("ix_assignment_officer", "tenant_id", "officer_id"),
        Index(
            "uq_assignment_current",
            "tenant_id",
            "officer_id",
            "duty",
            "area_lo",
            "organization_id",
            "household_id",
            unique=True,
            postgresql_where=_CURRENT,
            postgresql_nulls_not_distinct=True,
        ),
    )

    officer_id: Mapped[UUID]
    duty: Mapped[str]
    area_lo: Mapped[Division12]
    area_hi: Mapped[Division12]
    organization_id: Mapped[UUID | None]
    household_id: Mapped[UUID | None]
    stands_in_for: Mapped[UUID | None]


class PolicyRule(TenantRow, Base):
    """What the county itself has laid down about who may do what 本县权限规定, within what the platform allows.

    ``programme`` and ``stage`` are ``*`` for every one. A change closes the rule and adds another.
    """

    __tablename__ = "policy_rule"
    __wall__ = Wall(Kind.STAFF, update=("known_to",))
    __table_args__ = (
        CheckConstraint("effect in ('allow', 'deny')", name="effect"),
        Index(
            "uq_policy_rule_current",
            "tenant_id",
            "duty",
            "action",
            "programme",
            "stage",
            unique=True,
            postgresql_where=_KNOWN,
        ),
    )

    duty: Mapped[str]
    action: Mapped[str]
    programme: Mapped[str]
    stage: Mapped[str]
    effect: Mapped[str]
    reason: Mapped[str]
    decided_by: Mapped[UUID]
    known_from: Mapped[datetime]
    known_to: Mapped[datetime | None]


# --- how people get in ----------------------------------------------------------------------------------------


class IdentityProvider(Base):
    """The identity provider that a county's people log in with 统一身份认证; a county without one uses local accounts.

    ``officer_claim`` is the claim that holds the staff number.
    """

    __tablename__ = "identity_provider"
    __wall__ = Wall(Kind.PLATFORM, sealed=("client_secret",))
    __table_args__ = (UniqueConstraint("issuer", "audience"),)

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), primary_key=True)
    issuer: Mapped[str]
    audience: Mapped[str]
    algorithms: Mapped[list[str]] = mapped_column(ARRAY(Text))
    officer_claim: Mapped[str]
    client_id: Mapped[str]
    client_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    set_at: Mapped[datetime]


class Credential(Base):
    """A local account 本地账号: the password as argon2id keeps it, and the seed of the second factor.

    ``last_step`` is the last time step whose code was used; no code counts twice.
    """

    __tablename__ = "credential"
    __wall__ = Wall(
        Kind.OFFICER,
        update=("password", "password_at", "totp", "last_step", "failures", "locked_until"),
        sealed=("totp",),
    )
    __table_args__ = (_to("officer"),)

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), primary_key=True)
    officer_id: Mapped[UUID] = mapped_column(primary_key=True)
    password: Mapped[str]
    password_at: Mapped[datetime]
    totp: Mapped[bytes | None] = mapped_column(LargeBinary)
    last_step: Mapped[int | None] = mapped_column(BigInteger)
    failures: Mapped[int]
    locked_until: Mapped[datetime | None]


class Enrolment(TenantRow, Base):
    """A code with which an officer sets a password once 账号激活码. Only its digest is kept."""

    __tablename__ = "enrolment"
    __wall__ = Wall(Kind.STAFF, own=Own.OFFICER_ID, update=("used_at",))
    __table_args__ = (_to("officer"), Index("ix_enrolment_officer", "tenant_id", "officer_id"))

    officer_id: Mapped[UUID]
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    made_by: Mapped[UUID]
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class LoginSession(TenantRow, Base):
    """A browser that somebody is logged in with 登录会话. The cookie holds the secret, the row its digest."""

    __tablename__ = "login_session"
    __wall__ = Wall(Kind.OFFICER, update=("seen_at", "ended_at"))
    __table_args__ = (_to("officer"), Index("ix_login_session_officer", "tenant_id", "officer_id"))

    officer_id: Mapped[UUID]
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    way: Mapped[str]
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class ServiceToken(TenantRow, Base):
    """A token of a system that works in the name of an account 服务令牌: for some actions only, for a time."""

    __tablename__ = "service_token"
    __wall__ = Wall(Kind.STAFF, own=Own.OFFICER_ID, update=("revoked_at",))
    __table_args__ = (_to("officer"), Index("ix_service_token_officer", "tenant_id", "officer_id"))

    officer_id: Mapped[UUID]
    name: Mapped[str]
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    actions: Mapped[list[str]] = mapped_column(ARRAY(Text))
    made_by: Mapped[UUID]
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class CalendarDay(Base):
    """A day whose being worked or not the county has entered itself 工作日历."""

    __tablename__ = "calendar_day"
    __wall__ = Wall(Kind.TENANT, update=("worked", "note"))

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    worked: Mapped[bool]
    note: Mapped[str]


# --- households and persons -----------------------------------------------------------------------------------


class Household(TenantRow, Base):
    """A registered household 建档户, known by its number."""

    __tablename__ = "household"
    __wall__ = Wall(Kind.PARTICIPANT, own=Own.HOUSEHOLD, update=("division", "group_name"))
    __table_args__ = (UniqueConstraint("tenant_id", "number"), _by_division("household"))

    number: Mapped[str]
    division: Mapped[Division12]
    group_name: Mapped[str]
    created_at: Mapped[datetime]


class Person(TenantRow, Base):
    """A person 人员, known by a number of the register 人编号 that says nothing of whom it is.

    Identity number and telephone are sealed; lists show the masked forms.
    """

    __tablename__ = "person"
    __wall__ = Wall(
        Kind.PARTICIPANT,
        own=Own.MEMBER,
        sealed=("identity", "identity_index", "phone"),
        update=(
            "division",
            "name",
            "sex",
            "birth_date",
            "identity",
            "identity_index",
            "identity_masked",
            "phone",
            "phone_masked",
        ),
    )
    __table_args__ = (
        UniqueConstraint("tenant_id", "identity_index"),
        UniqueConstraint("tenant_id", "number"),
        _by_division("person"),
    )

    number: Mapped[str]
    division: Mapped[Division12]
    name: Mapped[str]
    sex: Mapped[str | None]
    birth_date: Mapped[date | None]
    identity: Mapped[bytes | None]
    identity_index: Mapped[bytes | None]
    identity_masked: Mapped[str | None]
    phone: Mapped[bytes | None]
    phone_masked: Mapped[str | None]
    created_at: Mapped[datetime]


class Membership(TenantRow, Dated, Base):
    """Who belongs to a household, in which relation to its head 家庭成员."""

    __tablename__ = "membership"
    __wall__ = Wall(Kind.PARTICIPANT, own=Own.HOUSEHOLD_ID, update=("known_to", "division"))
    __table_args__ = (
        _to("household"),
        _to("person"),
        Index("ix_membership_household", "tenant_id", "household_id"),
        Index("uq_membership_person", "tenant_id", "person_id", unique=True, postgresql_where=_CURRENT),
        Index(
            "uq_membership_head",
            "tenant_id",
            "household_id",
            unique=True,
            postgresql_where=text("relation = 'head' and valid_to is null and known_to is null"),
        ),
    )

    household_id: Mapped[UUID]
    person_id: Mapped[UUID]
    division: Mapped[Division12]
    relation: Mapped[str]


class Schooling(TenantRow, Dated, Base):
    """Where a person goes to school 学籍: the school, the level and grade, and who said so.

    ``name`` and ``student_number`` 学籍号 are those of the school's roll, which is all that the school sees of him.
    ``months`` is the length of the course, ``interning`` whether he is on an internship 顶岗实习, ``proved`` whether
    there is a proof of it 学籍证明. ``source`` is whose list or paper says so, ``reported_on`` its day. Who is on no
    roll has no row for the day.
    """

    __tablename__ = "schooling"
    __wall__ = Wall(Kind.ORGANIZATION, own=Own.ORGANIZATION_ID, update=("known_to", "division"))
    __table_args__ = (
        _to("person"),
        _to("organization"),
        CheckConstraint("source in ('bureau', 'school', 'family')", name="source"),
        Index("ix_schooling_person", "tenant_id", "person_id"),
        Index("ix_schooling_organization", "tenant_id", "organization_id"),
        Index("uq_schooling_current", "tenant_id", "person_id", unique=True, postgresql_where=_CURRENT),
    )

    person_id: Mapped[UUID]
    division: Mapped[Division12]
    organization_id: Mapped[UUID | None]
    school: Mapped[str]
    name: Mapped[str]
    student_number: Mapped[str]
    in_county: Mapped[bool]
    level: Mapped[str]
    grade: Mapped[int | None]
    months: Mapped[int | None]
    interning: Mapped[bool | None]
    proved: Mapped[bool]
    source: Mapped[str]
    reported_on: Mapped[date]


class Discrepancy(TenantRow, Base):
    """Where another bureau's list says of a person otherwise than what is known 核对事项: a task, never an overwrite.

    ``known`` and ``reported`` are what each says, by name. Whoever settles it says which of the two holds.
    ``organization_id`` is the school that said so, if one did: it writes the task down for the county.
    """

    __tablename__ = "discrepancy"
    __wall__ = Wall(
        Kind.ORGANIZATION,
        own=Own.ORGANIZATION_ID,
        update=("division", "accepted", "reason", "settled_by", "settled_at"),
        while_="settled_at is null",
    )
    __table_args__ = (
        _to("person"),
        _to("organization"),
        CheckConstraint("(accepted is null) = (settled_at is null)", name="settled"),
        _by_division("discrepancy"),
        Index(
            "uq_discrepancy_open",
            "tenant_id",
            "person_id",
            "kind",
            unique=True,
            postgresql_where=text("settled_at is null"),
        ),
    )

    kind: Mapped[str]
    person_id: Mapped[UUID]
    division: Mapped[Division12]
    organization_id: Mapped[UUID | None]
    source: Mapped[str]
    reported_on: Mapped[date]
    known: Mapped[Json]
    reported: Mapped[Json]
    recorded_by: Mapped[UUID]
    recorded_at: Mapped[datetime]
    accepted: Mapped[bool | None]
    reason: Mapped[str]
    settled_by: Mapped[UUID | None]
    settled_at: Mapped[datetime | None]


class Circumstance(TenantRow, Dated, Base):
    """Something of a person that an office keeps a list of 情形, from when to when: a certificate of disability
    残疾人证, being in the minimum living guarantee 低保, a death, being in custody 服刑羁押, having moved away 迁出.

    ``level``, ``category`` and ``generation`` are those of a certificate, ``number`` its number, sealed; ``class_name``
    is the class of the guarantee. ``source`` is whose list or paper says so, ``reported_on`` its day, ``evidence`` the
    list or the paper by name; ``confirmed_on`` is the day of the last list of that source that said the same. Of whom
    no row of a kind holds on a day, it was not so on that day.
    """

    __tablename__ = "circumstance"
    __wall__ = Wall(Kind.AREA, sealed=("number",), update=("known_to", "division", "confirmed_on"))
    __table_args__ = (
        _to("person"),
        CheckConstraint("kind in ('certificate', 'minimum_living', 'death', 'custody', 'moved_away')", name="kind"),
        CheckConstraint("source in ('federation', 'civil_affairs', 'death_register', 'office')", name="source"),
        CheckConstraint(
            "kind = 'certificate' or (level is null and category is null and generation is null and number is null)",
            name="certificate",
        ),
        CheckConstraint("level between 1 and 4", name="level"),
        CheckConstraint("kind <> 'death' or valid_to is null", name="death"),
        Index("ix_circumstance_person", "tenant_id", "person_id", "kind"),
        Index("uq_circumstance_current", "tenant_id", "person_id", "kind", unique=True, postgresql_where=_CURRENT),
    )

    person_id: Mapped[UUID]
    division: Mapped[Division12]
    kind: Mapped[str]
    level: Mapped[int | None]
    category: Mapped[str | None]
    generation: Mapped[int | None]
    number: Mapped[bytes | None] = mapped_column(LargeBinary)
    number_masked: Mapped[str | None]
    class_name: Mapped[str]
    source: Mapped[str]
    reported_on: Mapped[date]
    evidence: Mapped[str]
    confirmed_on: Mapped[date | None]


class Standing(TenantRow, Dated, Base):
    """A household's standing in the register 户类型 and the year in which it left poverty 脱贫年度."""

    __tablename__ = "standing"
    __wall__ = Wall(Kind.PARTICIPANT, own=Own.HOUSEHOLD_ID, update=("known_to", "division"))
    __table_args__ = (
        _to("household"),
        CheckConstraint("standing in ('poor', 'exited', 'general')", name="standing"),
        Index("uq_standing_current", "tenant_id", "household_id", unique=True, postgresql_where=_CURRENT),
        Index("ix_standing_household", "tenant_id", "household_id"),
    )

    household_id: Mapped[UUID]
    division: Mapped[Division12]
    standing: Mapped[str]
    exit_year: Mapped[int | None]


class Account(TenantRow, Dated, Base):
    """The bank account 一卡通 that a household is paid to."""

    __tablename__ = "account"
    __wall__ = Wall(
        Kind.PARTICIPANT, own=Own.HOUSEHOLD_ID, sealed=("number", "number_index"), update=("known_to", "division")
    )
    __table_args__ = (
        _to("household"),
        Index("uq_account_current", "tenant_id", "household_id", unique=True, postgresql_where=_CURRENT),
        Index("ix_account_household", "tenant_id", "household_id"),
    )

    household_id: Mapped[UUID]
    division: Mapped[Division12]
    holder: Mapped[str]
    bank: Mapped[str]
    number: Mapped[Sealed]
    number_index: Mapped[bytes]
    number_masked: Mapped[str]


class HouseholdCadre(TenantRow, Dated, Base):
    """The cadre linked to a household 联户干部."""

    __tablename__ = "household_cadre"
    __wall__ = Wall(Kind.PARTICIPANT, own=Own.HOUSEHOLD_ID, update=("known_to", "division"))
    __table_args__ = (
        _to("household"),
        _to("officer"),
        Index("uq_household_cadre_current", "tenant_id", "household_id", unique=True, postgresql_where=_CURRENT),
        Index("ix_household_cadre_household", "tenant_id", "household_id"),
        Index("ix_household_cadre_officer", "tenant_id", "officer_id"),
    )

    household_id: Mapped[UUID]
    division: Mapped[Division12]
    officer_id: Mapped[UUID]


class IncomeLine(TenantRow, Base):
    """One line of a household's income ledger 收入台账. A correction closes the line and adds another."""

    __tablename__ = "income_line"
    __wall__ = Wall(Kind.PARTICIPANT, own=Own.HOUSEHOLD_ID, update=("known_to", "division"))
    __table_args__ = (
        _to("household"),
        CheckConstraint("category in ('breeding', 'planting', 'labour', 'self_employment')", name="category"),
        CheckConstraint("gross_fen between 0 and 10000000000000", name="gross"),
        Index("ix_income_line_household", "tenant_id", "household_id", "day"),
        Index(
            "uq_income_line_current",
            "tenant_id",
            "household_id",
            "day",
            "category",
            "item",
            "occurrence",
            unique=True,
            postgresql_where=_KNOWN,
        ),
    )

    household_id: Mapped[UUID]
    division: Mapped[Division12]
    day: Mapped[date]
    category: Mapped[str]
    item: Mapped[str]
    occurrence: Mapped[int]
    quantity: Mapped[Decimal | None]
    gross_fen: Mapped[FenColumn]
    cost_fen: Mapped[int | None] = mapped_column(BigInteger)
    stable: Mapped[bool | None]
    evidence: Mapped[str]
    known_from: Mapped[datetime]
    known_to: Mapped[datetime | None]


# --- files and jobs -------------------------------------------------------------------------------------------


class File(TenantRow, Base):
    """A file 文件, found by its content and sealed, because workbooks hold identity numbers."""

    __tablename__ = "file"
    __wall__ = Wall(Kind.SPAN, own=Own.OFFICER_ID, sealed=("content",))
    __table_args__ = (UniqueConstraint("tenant_id", "sha256", "areas", "name", "officer_id"),)

    sha256: Mapped[str]
    name: Mapped[str]
    size: Mapped[int]
    content: Mapped[Sealed]
    areas: Mapped[Areas]
    officer_id: Mapped[UUID]
    created_at: Mapped[datetime]


class Job(TenantRow, Base):
    """A piece of long work 任务 with its progress, resumed where it was left."""

    __tablename__ = "job"
    __wall__ = Wall(
        Kind.SPAN,
        own=Own.OFFICER_ID,
        update=("state", "done", "total", "result", "result_file_id", "lease_until", "finished_at", "attempts"),
    )
    __table_args__ = (
        CheckConstraint("state in ('queued', 'running', 'done', 'refused', 'failed')", name="state"),
        Index("ix_job_state", "tenant_id", "state", "created_at"),
    )

    kind: Mapped[str]
    state: Mapped[str]
    parameters: Mapped[Json]
    file_id: Mapped[UUID | None]
    done: Mapped[int]
    total: Mapped[int | None]
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    result_file_id: Mapped[UUID | None]
    officer_id: Mapped[UUID]
    areas: Mapped[Areas]
    today: Mapped[date]
    created_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    attempts: Mapped[int]


class ColumnMatch(Base):
    """Which column a header of the county's workbooks means, as an officer once said 列对应."""

    __tablename__ = "column_match"
    __wall__ = Wall(Kind.TENANT, update=("column_name",))

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    header: Mapped[str] = mapped_column(primary_key=True)
    column_name: Mapped[str]


# --- programmes, provisions, periods --------------------------------------------------------------------------


class ProgrammeSwitch(Base):
    """From when to when the county runs a programme 项目启用."""

    __tablename__ = "programme_switch"
    __wall__ = Wall(Kind.TENANT, update=("until",))

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), primary_key=True)
    programme: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[date] = mapped_column(primary_key=True)
    until: Mapped[date | None]


class ProvisionRow(TenantRow, Base):
    """A county's own document with its parameter values 本县规定: drafted by one, previewed, released by another.

    ``takes_back_id`` is the document which it takes back, if it does.
    """

    __tablename__ = "provision"
    __wall__ = Wall(
        Kind.TENANT, update=("state", "released_by", "released_at"), while_="state in ('draft', 'previewed')"
    )
    __table_args__ = (
        CheckConstraint("state in ('draft', 'previewed', 'released')", name="state"),
        _to("provision", "takes_back_id"),
    )

    programme: Mapped[str]
    title: Mapped[str]
    number: Mapped[str]
    issued_on: Mapped[date]
    state: Mapped[str]
    content: Mapped[Json]
    takes_back_id: Mapped[UUID | None]
    drafted_by: Mapped[UUID]
    drafted_at: Mapped[datetime]
    released_by: Mapped[UUID | None]
    released_at: Mapped[datetime | None]


class ProvisionPreview(TenantRow, Base):
    """What a county's document came to in a period before it was released 试算, on the facts of a day.

    ``content`` holds the figures by township, and what they rest on: the released documents that it was held beside,
    and the numbers and the rule book without and with it.
    """

    __tablename__ = "provision_preview"
    __wall__ = Wall(Kind.SPAN)
    __table_args__ = (_to("provision"), Index("ix_provision_preview_provision", "tenant_id", "provision_id"))

    provision_id: Mapped[UUID]
    period: Mapped[str]
    content: Mapped[Json]
    made_by: Mapped[UUID]
    made_on: Mapped[date]
    made_at: Mapped[datetime]
    areas: Mapped[Areas]


class Edition(TenantRow, Base):
    """The rule book and the resolved parameters that a period is run by 年度规则, never changed once opened.

    ``parameters`` maps each name to ``{value, since, whose, document, clause, provision}`` with the value in its raw
    form. ``moved_by`` says by which document and clause the county moved to the book, where it did so by its own. Of a
    programme that pays every month, each ``month`` of the period has editions of its own besides.
    """

    __tablename__ = "edition"
    __wall__ = Wall(Kind.TENANT)
    __table_args__ = (
        UniqueConstraint("tenant_id", "programme", "period", "number", "month", postgresql_nulls_not_distinct=True),
        CheckConstraint("month between 1 and 12", name="month"),
    )

    programme: Mapped[str]
    period: Mapped[str]
    number: Mapped[int]
    month: Mapped[int | None]
    reference_day: Mapped[date]
    book_since: Mapped[date]
    book_version: Mapped[str]
    moved_by: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    parameters: Mapped[Json]
    opened_by: Mapped[UUID]
    opened_at: Mapped[datetime]


# --- cases ----------------------------------------------------------------------------------------------------


class Case(TenantRow, Base):
    """One beneficiary's case in one period of a programme 申报: a household's, or a person's of that household.

    ``number`` is the number of whom it is for: the household's 户编号, or the person's 人编号. ``since`` is the day of
    its last step. ``round`` counts up whenever an earlier result and the signatures under it no longer stand.
    ``version`` changes with every act and is what a change must have seen. ``paused_on`` is the day since which nothing
    is done with it, ``marked`` what the applicant is asked to correct, by fact, with the note.
    """

    __tablename__ = "case_file"
    __wall__ = Wall(
        Kind.PARTICIPANT,
        own=Own.HOUSEHOLD_ID,
        update=(
            "division",
            "edition_id",
            "stage",
            "version",
            "round",
            "since",
            "opened_on",
            "stated",
            "notice_id",
            "draw_id",
            "paused_on",
            "marked",
        ),
    )
    __table_args__ = (
        _to("household"),
        _to("person"),
        _to("edition"),
        UniqueConstraint("tenant_id", "programme", "period", "number"),
        _by_division("case_file"),
        Index("ix_case_file_stage", "tenant_id", "programme", "period", "stage", "division"),
        Index("ix_case_file_household", "tenant_id", "household_id"),
    )

    programme: Mapped[str]
    period: Mapped[str]
    edition_id: Mapped[UUID]
    number: Mapped[str]
    household_id: Mapped[UUID]
    person_id: Mapped[UUID | None]
    division: Mapped[Division12]
    stage: Mapped[str]
    version: Mapped[int]
    round: Mapped[int]
    since: Mapped[date]
    opened_on: Mapped[date]
    stated: Mapped[Json]
    notice_id: Mapped[UUID | None]
    draw_id: Mapped[UUID | None]
    paused_on: Mapped[date | None]
    marked: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


class Participant(TenantRow, Base):
    """A household that takes part in another's case 参与户, such as one that was led out of poverty 被带动户.

    ``agreed`` is what the household itself answered (its signature), ``vouched`` what its linked cadre confirmed; None
    is no answer yet. Who no longer takes part has ``left_at`` and keeps what it answered.
    """

    __tablename__ = "participant"
    __wall__ = Wall(
        Kind.PARTICIPANT,
        own=Own.HOUSEHOLD_ID,
        update=(
            "division",
            "left_at",
            "agreed",
            "agreed_on",
            "agreed_evidence",
            "agreed_by",
            "agreed_at",
            "vouched",
            "vouched_on",
            "vouched_evidence",
            "vouched_by",
            "vouched_at",
        ),
    )
    __table_args__ = (
        _to("case_file", "case_id"),
        _to("household"),
        Index("ix_participant_case", "tenant_id", "case_id"),
        Index("ix_participant_household", "tenant_id", "household_id"),
        Index(
            "uq_participant_current",
            "tenant_id",
            "case_id",
            "role",
            "household_id",
            unique=True,
            postgresql_where=text("left_at is null"),
        ),
    )

    case_id: Mapped[UUID]
    role: Mapped[str]
    household_id: Mapped[UUID]
    division: Mapped[Division12]
    joined_at: Mapped[datetime]
    left_at: Mapped[datetime | None]
    agreed: Mapped[bool | None]
    agreed_on: Mapped[date | None]
    agreed_evidence: Mapped[str]
    agreed_by: Mapped[UUID | None]
    agreed_at: Mapped[datetime | None]
    vouched: Mapped[bool | None]
    vouched_on: Mapped[date | None]
    vouched_evidence: Mapped[str]
    vouched_by: Mapped[UUID | None]
    vouched_at: Mapped[datetime | None]


class Attestation(TenantRow, Base):
    """What an organization is asked to attest of a case 待证明事项, such as a card that a training base is to sign and
    seal.

    ``fact`` is what it attests instead of its being stated. ``name`` of the person and ``card``, the stated facts that
    it is shown (in raw form), are all that it sees. Nobody is asked any more from ``gone_at`` on: the plan was
    corrected, or the case has ended.
    """

    __tablename__ = "attestation"
    __wall__ = Wall(Kind.PARTICIPANT, own=Own.ORGANIZATION_OR_CASE, update=("division", "gone_at"))
    __table_args__ = (
        _to("case_file", "case_id"),
        _to("organization"),
        UniqueConstraint("tenant_id", "id", "case_id", "organization_id"),
        Index("ix_attestation_organization", "tenant_id", "organization_id"),
        Index("ix_attestation_case", "tenant_id", "case_id"),
        Index(
            "uq_attestation_current",
            "tenant_id",
            "case_id",
            "fact",
            unique=True,
            postgresql_where=text("gone_at is null"),
        ),
    )

    programme: Mapped[str]
    period: Mapped[str]
    case_id: Mapped[UUID]
    organization_id: Mapped[UUID]
    division: Mapped[Division12]
    fact: Mapped[str]
    name: Mapped[str]
    card: Mapped[Json]
    asked_by: Mapped[UUID]
    asked_at: Mapped[datetime]
    gone_at: Mapped[datetime | None]


class AttestationAnswer(TenantRow, Base):
    """What an organization answered when it was asked to attest something 证明结果. Given once, and never changed.

    ``note`` is why it does not attest it; empty where it does.
    """

    __tablename__ = "attestation_answer"
    __wall__ = Wall(Kind.PARTICIPANT, own=Own.ORGANIZATION_OR_CASE, update=("division",))
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "attestation_id", "case_id", "organization_id"],
            [
                "attestation.tenant_id",
                "attestation.id",
                "attestation.case_id",
                "attestation.organization_id",
            ],
            name="fk_attestation_answer_attestation",
        ),
        UniqueConstraint("tenant_id", "attestation_id"),
        CheckConstraint("attested or note <> ''", name="note"),
        Index("ix_attestation_answer_case", "tenant_id", "case_id"),
    )

    attestation_id: Mapped[UUID]
    case_id: Mapped[UUID]
    organization_id: Mapped[UUID]
    division: Mapped[Division12]
    attested: Mapped[bool]
    note: Mapped[str]
    answered_on: Mapped[date]
    answered_by: Mapped[UUID]
    answered_at: Mapped[datetime]


class Claim(Base):
    """What may be had only once 限领: one award a household and period, one leader a led household, once in a lifetime.

    Written before the case that claims it, so that of two who claim at once the second opens nothing. It ends with its
    case: what is withdrawn or refused claims nothing.
    """

    __tablename__ = "claim"
    __wall__ = Wall(Kind.PARTICIPANT, own=Own.REACH, update=("division",), delete=True)

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), primary_key=True)
    programme: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    period: Mapped[str] = mapped_column(primary_key=True)
    case_id: Mapped[UUID]
    division: Mapped[Division12]


_WAYS = "act in ('pause', 'resume', 'stop', 'withdraw', 'undo', 'carry', 'amend')"
"""The acts by which a case rests, ends, is opened again, or goes over into the next period."""


class CaseEvent(PartRow, Base):
    """One act on a case 办理记录: what, by whom, in which duty, on which day, typed in by whom. Never changed."""

    __tablename__ = "case_event"
    __wall__ = Wall(Kind.PARTICIPANT, own=Own.CASE_ID, update=("division",))
    __table_args__ = (
        _to("case_file", "case_id"),
        UniqueConstraint("tenant_id", "case_id", "version"),
        Index("ix_case_event_ways", "tenant_id", "case_id", postgresql_where=text(_WAYS)),
    )

    case_id: Mapped[UUID]
    division: Mapped[Division12]
    version: Mapped[int]
    act: Mapped[str]
    from_stage: Mapped[str]
    to_stage: Mapped[str]
    duty: Mapped[str]
    officer_id: Mapped[UUID]
    effective_on: Mapped[date]
    recorded_by: Mapped[UUID]
    recorded_at: Mapped[datetime]
    reason: Mapped[str]
    evidence: Mapped[str]
    late_days: Mapped[int]
    data: Mapped[Json]


class Signature(TenantRow, Base):
    """A signature under a stage of a case 签字; ``stands_for`` names further places that it fills.

    One that was taken back has ``undone_at`` and counts no more.
    """

    __tablename__ = "signature"
    __wall__ = Wall(Kind.PARTICIPANT, own=Own.CASE_ID, update=("division", "undone_at"))
    __table_args__ = (
        _to("case_file", "case_id"),
        Index(
            "uq_signature_duty",
            "tenant_id",
            "case_id",
            "stage",
            "round",
            "duty",
            unique=True,
            postgresql_where=text("undone_at is null"),
        ),
    )

    case_id: Mapped[UUID]
    division: Mapped[Division12]
    stage: Mapped[str]
    round: Mapped[int]
    duty: Mapped[str]
    stands_for: Mapped[str]
    officer_id: Mapped[UUID]
    effective_on: Mapped[date]
    recorded_by: Mapped[UUID]
    recorded_at: Mapped[datetime]
    undone_at: Mapped[datetime | None]


class DeterminationRow(PartRow, Base):
    """A determination 核算结果 with everything needed to explain and replay it. Never changed.

    ``stage`` is the stage at which it was made: some plans ask more at their final acceptance. ``facts`` maps each fact
    to its raw value; ``known_at`` is the instant whose knowledge they were gathered from, ``counted_to`` the last day
    of income that was counted.
    """

    __tablename__ = "determination"
    __wall__ = Wall(Kind.PARTICIPANT, own=Own.CASE_ID, update=("division",))
    __table_args__ = (
        _to("case_file", "case_id"),
        _to("edition"),
        UniqueConstraint("tenant_id", "case_id", "round"),
        UniqueConstraint("tenant_id", "id", "case_id"),
    )

    case_id: Mapped[UUID]
    stage: Mapped[str]
    round: Mapped[int]
    division: Mapped[Division12]
    edition_id: Mapped[UUID]
    outcome: Mapped[str]
    payable_fen: Mapped[FenColumn]
    facts: Mapped[Json]
    values_: Mapped[Json] = mapped_column("step_values")
    digest: Mapped[str]
    known_at: Mapped[datetime]
    counted_to: Mapped[date | None]
    officer_id: Mapped[UUID]
    recorded_at: Mapped[datetime]


class MonthResult(TenantRow, Base):
    """What a rule book makes of some facts 月度核算结果, kept once for everybody who is alike in a month. Names nobody.

    ``digest`` is a SHA-256 of the edition, the facts and what they came to. Never changed.
    """

    __tablename__ = "month_result"
    __wall__ = Wall(Kind.TENANT)
    __table_args__ = (
        _to("edition"),
        UniqueConstraint("tenant_id", "edition_id", "digest"),
        CheckConstraint("payable_fen >= 0", name="payable"),
    )

    edition_id: Mapped[UUID]
    digest: Mapped[str]
    outcome: Mapped[str]
    payable_fen: Mapped[FenColumn]
    facts: Mapped[Json]
    values_: Mapped[Json] = mapped_column("step_values")


class MonthDecision(PartRow, Base):
    """What one month of a case comes to 月度核定, by what was known at an instant. Never changed: what becomes known
    later makes the next one, by ``number``, and the last one stands.

    ``withheld`` says why nothing is due although the facts would give it: the case rested, or had ended. ``amount_fen``
    is what is due of the month.
    """

    __tablename__ = "month_decision"
    __wall__ = Wall(Kind.PARTICIPANT, own=Own.CASE_ID, update=("division",))
    __table_args__ = (
        _to("case_file", "case_id"),
        _to("month_result", "result_id"),
        UniqueConstraint("tenant_id", "case_id", "month", "number"),
        UniqueConstraint("tenant_id", "id", "case_id"),
        CheckConstraint("month between 1 and 12", name="month"),
        CheckConstraint("amount_fen >= 0 and (withheld = '' or amount_fen = 0)", name="amount"),
    )

    case_id: Mapped[UUID]
    division: Mapped[Division12]
    month: Mapped[int]
    number: Mapped[int]
    result_id: Mapped[UUID]
    withheld: Mapped[str]
    amount_fen: Mapped[FenColumn]
    known_at: Mapped[datetime]
    officer_id: Mapped[UUID]
    recorded_at: Mapped[datetime]


class MonthRun(TenantRow, Base):
    """That a month was decided for everybody in some areas 月度核定办理: by whom, by what was known at which instant,
    and what it came to.

    ``decided`` counts the decisions that were made, ``changed`` those of them that changed an earlier one;
    ``arrears_fen`` and ``recovery_fen`` are what these added and took back. ``undecided`` are the numbers of those who
    could not be decided. Never changed.
    """

    __tablename__ = "month_run"
    __wall__ = Wall(Kind.SPAN, own=Own.OFFICER_ID)
    __table_args__ = (
        Index("ix_month_run_month", "tenant_id", "programme", "period", "month", "known_at"),
        CheckConstraint("month between 1 and 12", name="month"),
    )

    programme: Mapped[str]
    period: Mapped[str]
    month: Mapped[int]
    reason: Mapped[str]
    decided: Mapped[int]
    changed: Mapped[int]
    arrears_fen: Mapped[FenColumn]
    recovery_fen: Mapped[FenColumn]
    undecided: Mapped[list[str]] = mapped_column(ARRAY(Text))
    known_at: Mapped[datetime]
    officer_id: Mapped[UUID]
    ran_on: Mapped[date]
    recorded_at: Mapped[datetime]
    areas: Mapped[Areas]


class Notice(TenantRow, Base):
    """A public notice 公示 in one village."""

    __tablename__ = "notice"
    __wall__ = Wall(Kind.PARTICIPANT, own=Own.REACH)
    __table_args__ = (_by_division("notice"),)

    programme: Mapped[str]
    period: Mapped[str]
    division: Mapped[Division12]
    first_day: Mapped[date]
    last_day: Mapped[date]
    place: Mapped[str]
    officer_id: Mapped[UUID]
    recorded_at: Mapped[datetime]


class NoticeEntry(TenantRow, Base):
    """What a notice shows of one case: allow-listed columns and nothing else 公示条目."""

    __tablename__ = "notice_entry"
    __wall__ = Wall(Kind.PARTICIPANT, own=Own.CASE_ID)
    __table_args__ = (
        _to("notice"),
        _to("case_file", "case_id"),
        UniqueConstraint("tenant_id", "notice_id", "case_id"),
        Index("ix_notice_entry_case", "tenant_id", "case_id"),
    )

    notice_id: Mapped[UUID]
    case_id: Mapped[UUID]
    division: Mapped[Division12]
    position: Mapped[int]
    shown: Mapped[Json]


class Objection(TenantRow, Base):
    """An objection against one household on notice 异议."""

    __tablename__ = "objection"
    __wall__ = Wall(
        Kind.PARTICIPANT,
        own=Own.CASE_ID,
        update=("division", "settled_on", "upheld", "finding", "settled_by", "settled_at"),
    )
    __table_args__ = (
        _to("notice"),
        _to("case_file", "case_id"),
        Index("ix_objection_case", "tenant_id", "case_id"),
    )

    notice_id: Mapped[UUID]
    case_id: Mapped[UUID]
    division: Mapped[Division12]
    words: Mapped[str]
    objector: Mapped[str]
    made_on: Mapped[date]
    taken_by: Mapped[UUID]
    recorded_at: Mapped[datetime]
    settled_on: Mapped[date | None]
    upheld: Mapped[bool | None]
    finding: Mapped[str]
    settled_by: Mapped[UUID | None]
    settled_at: Mapped[datetime | None]


class Publication(TenantRow, Base):
    """What the public see of a notice 公示公开页: the allow-listed columns of its entries as they were posted, and no
    more. Never changed.

    ``slug`` and ``village_slug`` are the opaque ends of the addresses of the notice and of its village. ``entries`` are
    ``[running number, {column: value}]``; amounts are in fen.
    """

    __tablename__ = "publication"
    __wall__ = Wall(
        Kind.PARTICIPANT,
        own=Own.REACH,
        opening=Opening(
            f"(slug = {SLUG} or village_slug = {SLUG}) and {DAY} between first_day and last_day",
            select=(
                "tenant_id",
                "id",
                "division",
                "slug",
                "village_slug",
                "county",
                "township",
                "village",
                "title",
                "first_day",
                "last_day",
                "place",
                "contact",
                "columns",
                "entries",
                "count",
            ),
        ),
    )
    __table_args__ = (
        _to("notice"),
        UniqueConstraint("tenant_id", "notice_id"),
        _by_division("publication"),
        Index("ix_publication_slug", "slug"),
        Index("ix_publication_village_slug", "village_slug"),
    )

    notice_id: Mapped[UUID]
    division: Mapped[Division12]
    slug: Mapped[str]
    village_slug: Mapped[str]
    county: Mapped[str]
    township: Mapped[str]
    village: Mapped[str]
    title: Mapped[Json]
    first_day: Mapped[date]
    last_day: Mapped[date]
    place: Mapped[str]
    contact: Mapped[str]
    columns: Mapped[list[str]] = mapped_column(JSONB)
    entries: Mapped[list[Any]] = mapped_column(JSONB)
    count: Mapped[int]
    recorded_at: Mapped[datetime]


class PublicationWithdrawal(TenantRow, Base):
    """An entry that a publication no longer shows 撤下, because its case went back or is on a newer notice."""

    __tablename__ = "publication_withdrawal"
    __wall__ = Wall(
        Kind.PARTICIPANT,
        own=Own.REACH,
        opening=Opening(
            f"slug = {SLUG} and exists (select from publication p where p.slug = publication_withdrawal.slug)",
            select=("slug", "position"),
        ),
    )
    __table_args__ = (
        _to("publication"),
        UniqueConstraint("tenant_id", "publication_id", "position"),
        Index("ix_publication_withdrawal_slug", "slug"),
        _by_division("publication_withdrawal"),
    )

    publication_id: Mapped[UUID]
    slug: Mapped[str]
    division: Mapped[Division12]
    position: Mapped[int]
    officer_id: Mapped[UUID]
    recorded_at: Mapped[datetime]


class PublicObjection(TenantRow, Base):
    """An objection that somebody handed in on a public page 公众异议, until an officer confirms or dismisses it.

    Who hands it in need not say who he is; a name and a telephone are sealed. Once decided it is never changed.
    """

    __tablename__ = "public_objection"
    __wall__ = Wall(
        Kind.AREA,
        update=("confirmed", "reason", "decided_by", "decided_at"),
        while_="decided_at is null",
        sealed=("name", "phone"),
        opening=Opening(
            f"handed_in_on = {DAY} and exists (select from publication p where p.tenant_id = public_objection.tenant_id"
            " and p.id = public_objection.publication_id and p.division = public_objection.division"
            f" and p.slug = {SLUG} and public_objection.position between 1 and p.count)",
            insert=(
                "tenant_id",
                "id",
                "publication_id",
                "division",
                "position",
                "words",
                "name",
                "phone",
                "phone_masked",
                "receipt",
                "handed_in_on",
                "handed_in_at",
            ),
        ),
    )
    __table_args__ = (
        _to("publication"),
        UniqueConstraint("tenant_id", "receipt"),
        CheckConstraint("length(words) between 1 and 1000", name="words"),
        CheckConstraint("(confirmed is null) = (decided_at is null)", name="decided"),
        Index("ix_public_objection_publication", "tenant_id", "publication_id", "handed_in_at"),
        Index("ix_public_objection_pending", "tenant_id", "division", postgresql_where=text("decided_at is null")),
    )

    publication_id: Mapped[UUID]
    division: Mapped[Division12]
    position: Mapped[int]
    words: Mapped[str]
    name: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone_masked: Mapped[str | None]
    receipt: Mapped[str]
    handed_in_on: Mapped[date]
    handed_in_at: Mapped[datetime]
    confirmed: Mapped[bool | None]
    reason: Mapped[str | None]
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]


class NoticeEvidence(TenantRow, Base):
    """A photo or a scan that shows that a notice hung where and when it should 公示凭据. Never changed."""

    __tablename__ = "notice_evidence"
    __wall__ = Wall(Kind.PARTICIPANT, own=Own.REACH)
    __table_args__ = (
        _to("notice"),
        _to("file"),
        UniqueConstraint("tenant_id", "notice_id", "file_id"),
        _by_division("notice_evidence"),
    )

    notice_id: Mapped[UUID]
    division: Mapped[Division12]
    file_id: Mapped[UUID]
    taken_on: Mapped[date]
    place: Mapped[str]
    officer_id: Mapped[UUID]
    recorded_at: Mapped[datetime]


class Supervision(Base):
    """Whom the county's people can call about a notice 监督电话, as the county wants it on every notice."""

    __tablename__ = "supervision"
    __wall__ = Wall(Kind.TENANT, update=("contact", "set_by", "set_at"))

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), primary_key=True)
    contact: Mapped[str]
    set_by: Mapped[UUID]
    set_at: Mapped[datetime]


class SampleDraw(TenantRow, Base):
    """A drawn sample 抽查: seed, frame and size, so that anyone can draw it again."""

    __tablename__ = "sample_draw"
    __wall__ = Wall(Kind.SPAN, own=Own.OFFICER_ID)
    __table_args__ = (UniqueConstraint("tenant_id", "programme", "period", "number"),)

    programme: Mapped[str]
    period: Mapped[str]
    number: Mapped[int]
    seed: Mapped[str]
    seed_source: Mapped[str]
    rate: Mapped[int]
    frame_size: Mapped[int]
    size: Mapped[int]
    digest: Mapped[str]
    officer_id: Mapped[UUID]
    drawn_on: Mapped[date]
    recorded_at: Mapped[datetime]
    areas: Mapped[Areas]


class SampleUnit(TenantRow, Base):
    """One case of a frame 抽查对象, whether it was drawn, and the result if so."""

    __tablename__ = "sample_unit"
    __wall__ = Wall(
        Kind.PARTICIPANT,
        own=Own.CASE_ID,
        update=("division", "passed", "finding", "checked_by", "checked_on", "checked_at"),
    )
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "draw_id"], ["sample_draw.tenant_id", "sample_draw.id"]),
        _to("case_file", "case_id"),
        UniqueConstraint("tenant_id", "case_id", "draw_id"),
        Index("ix_sample_unit_draw", "tenant_id", "draw_id", "position"),
    )

    draw_id: Mapped[UUID]
    case_id: Mapped[UUID]
    division: Mapped[Division12]
    township: Mapped[Division12]
    position: Mapped[int]
    drawn: Mapped[bool]
    passed: Mapped[bool | None]
    finding: Mapped[str]
    checked_by: Mapped[UUID | None]
    checked_on: Mapped[date | None]
    checked_at: Mapped[datetime | None]


# --- money ----------------------------------------------------------------------------------------------------


class BudgetLine(TenantRow, Base):
    """A line of the budget that programmes are paid from 预算指标: which money, by which document, of which level.

    A ``binding`` line stops what does not fit; one that is an estimate warns. It pays nothing before its first entry is
    confirmed. What it holds stands in the view ``budget_standing``.
    """

    __tablename__ = "budget_line"
    __wall__ = Wall(Kind.SPAN)
    __table_args__ = (
        UniqueConstraint("tenant_id", "code"),
        CheckConstraint("level in ('central', 'province', 'city', 'county')", name="level"),
        CheckConstraint("cardinality(programmes) > 0", name="programmes"),
    )

    code: Mapped[str]
    title: Mapped[str]
    source: Mapped[str]
    level: Mapped[str]
    document: Mapped[str]
    document_on: Mapped[date]
    year: Mapped[int]
    programmes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    binding: Mapped[bool]
    entered_by: Mapped[UUID]
    entered_at: Mapped[datetime]
    areas: Mapped[Areas]


class BudgetEntry(TenantRow, Base):
    """Money put on a budget line 下达 or 追加, or taken off it 调减: entered by one person, confirmed by another.

    It counts once it is confirmed, and never changes after.
    """

    __tablename__ = "budget_entry"
    __wall__ = Wall(Kind.SPAN, update=("confirmed_by", "confirmed_on", "confirmed_at"), while_="confirmed_at is null")
    __table_args__ = (
        _to("budget_line"),
        Index("ix_budget_entry_line", "tenant_id", "budget_line_id"),
        CheckConstraint("amount_fen <> 0", name="amount"),
        CheckConstraint("confirmed_by is distinct from entered_by", name="confirmer"),
    )

    budget_line_id: Mapped[UUID]
    amount_fen: Mapped[FenColumn]
    document: Mapped[str]
    document_on: Mapped[date]
    reason: Mapped[str]
    entered_by: Mapped[UUID]
    entered_on: Mapped[date]
    entered_at: Mapped[datetime]
    confirmed_by: Mapped[UUID | None]
    confirmed_on: Mapped[date | None]
    confirmed_at: Mapped[datetime | None]
    areas: Mapped[Areas]


class Entitlement(PartRow, Base):
    """What a household is due by a determination that has passed every gate 应发. One an instalment of a case stands at
    a time.

    An adjustment is one more, by a later determination: ``arrears`` 补发 are paid like an award, a ``recovery`` 追回 is
    negative and settled by repayments, and by being set off where the programme pays every month. A determination
    justifies one adjustment. What is due of a month rests on a decision of that month instead.
    """

    __tablename__ = "entitlement"
    __wall__ = Wall(Kind.PARTICIPANT, own=Own.CASE_ID, update=("division", "voided_at"))
    __table_args__ = (
        _of_case("determination"),
        _of_case("month_decision"),
        CheckConstraint("(determination_id is null) <> (month_decision_id is null)", name="rests_on"),
        Index(
            "uq_entitlement_month_decision",
            "tenant_id",
            "month_decision_id",
            unique=True,
            postgresql_where=text("voided_at is null and month_decision_id is not null"),
        ),
        Index(
            "uq_entitlement_instalment",
            "tenant_id",
            "case_id",
            "instalment",
            unique=True,
            postgresql_where=text("voided_at is null and kind = 'award'"),
        ),
        Index(
            "uq_entitlement_adjustment",
            "tenant_id",
            "case_id",
            "determination_id",
            unique=True,
            postgresql_where=text("voided_at is null and kind <> 'award'"),
        ),
        CheckConstraint("kind in ('award', 'arrears', 'recovery')", name="kind"),
        CheckConstraint("amount_fen <> 0 and (amount_fen < 0) = (kind = 'recovery')", name="amount"),
    )

    case_id: Mapped[UUID]
    determination_id: Mapped[UUID | None]
    month_decision_id: Mapped[UUID | None]
    division: Mapped[Division12]
    instalment: Mapped[int]
    kind: Mapped[str]
    amount_fen: Mapped[FenColumn]
    due_on: Mapped[date]
    reason: Mapped[str]
    made_by: Mapped[UUID | None]
    created_at: Mapped[datetime]
    voided_at: Mapped[datetime | None]


class PaymentBatch(TenantRow, Base):
    """A batch of payments 拨付批次: made, checked and released by three persons; immutable once released.

    It pays one instalment, at one stage, from one budget line; only batches older than the budget lines have none.
    """

    __tablename__ = "payment_batch"
    __wall__ = Wall(
        Kind.SPAN,
        update=(
            "checked_by",
            "checked_on",
            "checked_at",
            "released_by",
            "released_on",
            "released_at",
            "cancelled_by",
            "cancelled_at",
            "reason",
        ),
        while_="released_at is null and cancelled_at is null",
    )
    __table_args__ = (
        UniqueConstraint("tenant_id", "programme", "period", "number"),
        _to("budget_line"),
        Index("ix_payment_batch_line", "tenant_id", "budget_line_id"),
        CheckConstraint("checked_by is distinct from made_by", name="checker"),
        CheckConstraint(
            "released_by is null or (checked_by is not null and released_by not in (made_by, checked_by))",
            name="releaser",
        ),
        CheckConstraint("released_at is null or budget_line_id is not null", name="budget"),
    )

    programme: Mapped[str]
    period: Mapped[str]
    number: Mapped[int]
    stage: Mapped[str]
    instalment: Mapped[int]
    budget_line_id: Mapped[UUID | None]
    channel: Mapped[str]
    count: Mapped[int]
    total_fen: Mapped[FenColumn]
    digest: Mapped[str]
    made_by: Mapped[UUID]
    made_on: Mapped[date]
    made_at: Mapped[datetime]
    checked_by: Mapped[UUID | None]
    checked_on: Mapped[date | None]
    checked_at: Mapped[datetime | None]
    released_by: Mapped[UUID | None]
    released_on: Mapped[date | None]
    released_at: Mapped[datetime | None]
    cancelled_by: Mapped[UUID | None]
    cancelled_at: Mapped[datetime | None]
    reason: Mapped[str]
    areas: Mapped[Areas]


_IN_A_DRAFT = "batch_id in (select b.id from payment_batch b where b.released_at is null)"
"""That what stands in a batch may still be put in and changed, as SQL: the batch is there, and not released. It is
looked up once for all that one statement puts in. Lines have no key that looks it up for each: no batch is ever
removed."""


class PaymentLine(PartRow, Base):
    """One payment to one household 拨付明细, with the account as it was.

    An entitlement has one line that stands, and one more for each payment of it that came back: ``reissues`` names the
    return that the line answers 重发. When it was released stands here too: a village sees its lines, not their batch.
    What was set off 抵扣 against it is paid no more: a line of nothing goes to no bank.
    """

    __tablename__ = "payment_line"
    __wall__ = Wall(
        Kind.PARTICIPANT,
        own=Own.HOUSEHOLD_ID,
        sealed=("account",),
        update=("voided_at", "released_on", "released_at"),
        while_=_IN_A_DRAFT,
    )
    __table_args__ = (
        _to("entitlement"),
        _to("household"),
        ForeignKeyConstraint(
            ["tenant_id", "reissues", "entitlement_id"],
            ["payment_return.tenant_id", "payment_return.id", "payment_return.entitlement_id"],
            use_alter=True,
        ),
        UniqueConstraint("tenant_id", "id", "entitlement_id"),
        Index("ix_payment_line_batch", "tenant_id", "batch_id", "position"),
        Index(
            "uq_payment_line_entitlement",
            "tenant_id",
            "entitlement_id",
            "reissues",
            unique=True,
            postgresql_where=text("voided_at is null"),
            postgresql_nulls_not_distinct=True,
        ),
        CheckConstraint("amount_fen >= 0", name="amount"),
    )

    batch_id: Mapped[UUID]
    entitlement_id: Mapped[UUID]
    household_id: Mapped[UUID]
    division: Mapped[Division12]
    instalment: Mapped[int]
    position: Mapped[int]
    amount_fen: Mapped[FenColumn]
    holder: Mapped[str]
    bank: Mapped[str]
    account: Mapped[Sealed]
    account_masked: Mapped[str]
    reissues: Mapped[UUID | None]
    released_on: Mapped[date | None]
    released_at: Mapped[datetime | None]
    voided_at: Mapped[datetime | None]


class PaymentSetoff(TenantRow, Base):
    """What a payment was less than it was due 抵扣, because as much was to be paid back: ``entitlement_id`` is the
    recovery that is settled by it. It stands and falls with its line."""

    __tablename__ = "payment_setoff"
    __wall__ = Wall(
        Kind.PARTICIPANT,
        own=Own.HOUSEHOLD_ID,
        update=("voided_at", "released_on", "released_at"),
        while_=_IN_A_DRAFT,
    )
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "batch_id"], ["payment_batch.tenant_id", "payment_batch.id"]),
        ForeignKeyConstraint(["tenant_id", "line_id"], ["payment_line.tenant_id", "payment_line.id"]),
        _to("entitlement"),
        _to("household"),
        Index("ix_payment_setoff_line", "tenant_id", "line_id"),
        Index("ix_payment_setoff_entitlement", "tenant_id", "entitlement_id"),
        Index("ix_payment_setoff_batch", "tenant_id", "batch_id"),
        CheckConstraint("amount_fen > 0", name="amount"),
    )

    batch_id: Mapped[UUID]
    line_id: Mapped[UUID]
    entitlement_id: Mapped[UUID]
    household_id: Mapped[UUID]
    division: Mapped[Division12]
    amount_fen: Mapped[FenColumn]
    released_on: Mapped[date | None]
    released_at: Mapped[datetime | None]
    voided_at: Mapped[datetime | None]


_OF_A_RELEASED_LINE = (
    "exists (select from payment_line l join payment_batch b on b.tenant_id = l.tenant_id and b.id = l.batch_id"
    " where l.tenant_id = {table}.tenant_id and l.id = {table}.line_id and l.voided_at is null"
    " and b.released_at is not null)"
)


class PaymentReturn(TenantRow, Base):
    """A payment that the bank sent back 退票, with the bank's code and words. Once a line, and never changed."""

    __tablename__ = "payment_return"
    __wall__ = Wall(
        Kind.PARTICIPANT, own=Own.HOUSEHOLD_ID, while_=_OF_A_RELEASED_LINE.replace("{table}", "payment_return")
    )
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "line_id", "entitlement_id"],
            ["payment_line.tenant_id", "payment_line.id", "payment_line.entitlement_id"],
        ),
        _to("household"),
        _to("file"),
        UniqueConstraint("tenant_id", "line_id"),
        UniqueConstraint("tenant_id", "id", "entitlement_id"),
        Index("ix_payment_return_household", "tenant_id", "household_id"),
        Index("ix_payment_return_entitlement", "tenant_id", "entitlement_id"),
    )

    line_id: Mapped[UUID]
    entitlement_id: Mapped[UUID]
    household_id: Mapped[UUID]
    division: Mapped[Division12]
    code: Mapped[str]
    words: Mapped[str]
    returned_on: Mapped[date]
    file_id: Mapped[UUID | None]
    evidence: Mapped[str]
    recorded_by: Mapped[UUID]
    recorded_at: Mapped[datetime]


class PaymentArrival(TenantRow, Base):
    """A payment of which the bank said that it reached the account 到账. Once a line, and never changed."""

    __tablename__ = "payment_arrival"
    __wall__ = Wall(
        Kind.PARTICIPANT, own=Own.HOUSEHOLD_ID, while_=_OF_A_RELEASED_LINE.replace("{table}", "payment_arrival")
    )
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "line_id"], ["payment_line.tenant_id", "payment_line.id"]),
        _to("household"),
        _to("file"),
        UniqueConstraint("tenant_id", "line_id"),
        Index("ix_payment_arrival_household", "tenant_id", "household_id"),
    )

    line_id: Mapped[UUID]
    household_id: Mapped[UUID]
    division: Mapped[Division12]
    code: Mapped[str]
    arrived_on: Mapped[date]
    file_id: Mapped[UUID | None]
    recorded_by: Mapped[UUID]
    recorded_at: Mapped[datetime]


class PaymentWait(TenantRow, Base):
    """Who waits for money of a budget line 待拨, and in which place, since a batch could not hold him."""

    __tablename__ = "payment_wait"
    __wall__ = Wall(Kind.PARTICIPANT, own=Own.HOUSEHOLD_ID, update=("ended_at",))
    __table_args__ = (
        _to("budget_line"),
        _to("entitlement"),
        _to("household"),
        Index(
            "uq_payment_wait_current",
            "tenant_id",
            "entitlement_id",
            unique=True,
            postgresql_where=text("ended_at is null"),
        ),
        Index("ix_payment_wait_line", "tenant_id", "budget_line_id", "place"),
        Index("ix_payment_wait_household", "tenant_id", "household_id"),
    )

    budget_line_id: Mapped[UUID]
    line_code: Mapped[str]
    entitlement_id: Mapped[UUID]
    household_id: Mapped[UUID]
    division: Mapped[Division12]
    programme: Mapped[str]
    period: Mapped[str]
    instalment: Mapped[int]
    place: Mapped[int]
    amount_fen: Mapped[FenColumn]
    due_on: Mapped[date]
    since: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Repayment(TenantRow, Base):
    """Money that a household paid back of what is recovered from it 追回入账. Never changed."""

    __tablename__ = "repayment"
    __wall__ = Wall(Kind.PARTICIPANT, own=Own.HOUSEHOLD_ID)
    __table_args__ = (
        _to("entitlement"),
        _to("household"),
        UniqueConstraint("tenant_id", "entitlement_id", "voucher"),
        Index("ix_repayment_household", "tenant_id", "household_id"),
        CheckConstraint("amount_fen > 0", name="amount"),
    )

    entitlement_id: Mapped[UUID]
    household_id: Mapped[UUID]
    division: Mapped[Division12]
    amount_fen: Mapped[FenColumn]
    repaid_on: Mapped[date]
    voucher: Mapped[str]
    recorded_by: Mapped[UUID]
    recorded_at: Mapped[datetime]


class BankTemplate(TenantRow, Base):
    """How a bank wants the payment list as text 代发文件格式, and what its answers mean. A change is a new version.

    ``columns`` are names of ``PAYMENT_COLUMNS`` with their headers, ``results`` maps the bank's own codes to ``paid``
    or ``returned``, beside those that are known everywhere.
    """

    __tablename__ = "bank_template"
    __wall__ = Wall(Kind.STAFF)
    __table_args__ = (
        UniqueConstraint("tenant_id", "channel", "version"),
        CheckConstraint("separator in ('bar', 'bar_mark', 'tab')", name="separator"),
        CheckConstraint("line_end in ('crlf', 'lf')", name="line_end"),
        CheckConstraint("rows_per_file > 0", name="rows"),
    )

    channel: Mapped[str]
    version: Mapped[int]
    columns: Mapped[list[list[str]]] = mapped_column(JSONB)
    separator: Mapped[str]
    header: Mapped[bool]
    rows_per_file: Mapped[int]
    line_end: Mapped[str]
    results: Mapped[Json]
    made_by: Mapped[UUID]
    made_at: Mapped[datetime]


class PaymentFile(TenantRow, Base):
    """A file of a payment list that left the house, or a part of one, with what was read back from it 导出文件."""

    __tablename__ = "payment_file"
    __wall__ = Wall(Kind.SPAN)
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "batch_id"], ["payment_batch.tenant_id", "payment_batch.id"]),
        ForeignKeyConstraint(["tenant_id", "template_id"], ["bank_template.tenant_id", "bank_template.id"]),
        UniqueConstraint("tenant_id", "export_id", "part"),
        Index("ix_payment_file_batch", "tenant_id", "batch_id"),
    )

    batch_id: Mapped[UUID]
    template_id: Mapped[UUID | None]
    export_id: Mapped[UUID]
    part: Mapped[int]
    count: Mapped[int]
    total_fen: Mapped[FenColumn]
    sha256: Mapped[str]
    made_by: Mapped[UUID]
    made_at: Mapped[datetime]
    areas: Mapped[Areas]


# --- pairings -------------------------------------------------------------------------------------------------


class Pairing(TenantRow, Dated, Base):
    """An organization that helps a village for a time 结对帮扶."""

    __tablename__ = "pairing"
    __wall__ = Wall(Kind.ORGANIZATION, own=Own.ORGANIZATION_ID, update=("known_to",))
    __table_args__ = (
        _to("organization"),
        _by_division("pairing"),
        Index("ix_pairing_organization", "tenant_id", "organization_id"),
        Index(
            "uq_pairing_current",
            "tenant_id",
            "organization_id",
            "division",
            unique=True,
            postgresql_where=_CURRENT,
        ),
    )

    organization_id: Mapped[UUID]
    division: Mapped[Division12]


class Helper(TenantRow, Acted, Base):
    """An organization that registers to help in a programme 帮扶企业登记; whether it may is verified by another person.

    ``chamber`` is the chamber of commerce 商会 that it belongs to, if any. One that was refused may register again, and
    so may one whose registration was revoked: ``verified`` no more, from then on.
    """

    __tablename__ = "helper"
    __wall__ = Wall(
        Kind.STAFF,
        own=Own.ORGANIZATION_ID,
        own_insert="verified is null",
        own_update="false",
        update=(
            "verified",
            "reason",
            "verified_by",
            "verified_on",
            "verified_at",
            "revoked_by",
            "revoked_on",
            "revoked_at",
        ),
        while_="verified is distinct from false",
    )
    __table_args__ = (
        _to("organization"),
        Index(
            "uq_helper_standing",
            "tenant_id",
            "programme",
            "organization_id",
            unique=True,
            postgresql_where=text("verified is distinct from false"),
        ),
        CheckConstraint("(verified is null) = (verified_at is null)", name="verified"),
        CheckConstraint("verified_by is distinct from recorded_by", name="verifier"),
        CheckConstraint("revoked_at is null or not verified", name="revoked"),
        CheckConstraint("revoked_by is null or revoked_by is distinct from verified_by", name="revoker"),
        UniqueConstraint("tenant_id", "id", "organization_id"),
    )

    programme: Mapped[str]
    organization_id: Mapped[UUID]
    chamber: Mapped[str]
    verified: Mapped[bool | None]
    reason: Mapped[str]
    verified_by: Mapped[UUID | None]
    verified_on: Mapped[date | None]
    verified_at: Mapped[datetime | None]
    revoked_by: Mapped[UUID | None]
    revoked_on: Mapped[date | None]
    revoked_at: Mapped[datetime | None]


class Need(TenantRow, Acted, Base):
    """What a village needs, by the path on which it could be given 帮扶需求. It says nothing of any household.

    A change is a new need that ``replaces`` the old one; one is closed as ``changed``, ``met`` or ``withdrawn``.
    """

    __tablename__ = "need"
    __wall__ = Wall(
        Kind.AREA,
        own=Own.OFFERED,
        update=("closed_as", "closed_by", "closed_on", "closed_at", "reason"),
        while_=f"closed_at is null and {INSIDE}",
    )
    __table_args__ = (
        _to("need", "replaces"),
        _by_division("need"),
        UniqueConstraint("tenant_id", "replaces"),
        CheckConstraint("closed_as in ('changed', 'met', 'withdrawn')", name="closed_as"),
        CheckConstraint("(closed_as is null) = (closed_at is null)", name="closed"),
    )

    programme: Mapped[str]
    division: Mapped[Division12]
    path: Mapped[str]
    what: Mapped[str]
    replaces: Mapped[UUID | None]
    closed_as: Mapped[str | None]
    closed_by: Mapped[UUID | None]
    closed_on: Mapped[date | None]
    closed_at: Mapped[datetime | None]
    reason: Mapped[str]


class PairingAgreement(TenantRow, Acted, Base):
    """What an organization and a village sign for some years 帮扶协议: from its first day to before ``valid_to``.

    It is in force once both have signed (``signed_on``), and ends by its day or earlier, ``ended_as`` withdrawn before
    it was signed, ended, or relayed to another one, which names it by ``takes_over`` 接力. ``held_to`` are the limits
    of its term, with the clause that sets each, as they were when it was drawn up.
    """

    __tablename__ = "pairing_agreement"
    __wall__ = Wall(
        Kind.ORGANIZATION,
        own=Own.ORGANIZATION_ID,
        own_insert="signed_on is null and ended_at is null and exists (select from helper h "
        "where h.tenant_id = pairing_agreement.tenant_id and h.id = pairing_agreement.helper_id and h.verified)",
        own_update="ended_at is null and (select count(*) from agreement_signature s where s.tenant_id = "
        "pairing_agreement.tenant_id and s.agreement_id = pairing_agreement.id) = 2",
        update=("signed_on", "ended_as", "ended_on", "ended_by", "ended_at", "end_reason", "end_evidence"),
        while_="ended_at is null",
    )
    __table_args__ = (
        _to("organization"),
        _whose("pairing_agreement", "helper", "helper_id", ("organization_id",)),
        _to("pairing_agreement", "takes_over"),
        _by_division("pairing_agreement"),
        Index("ix_pairing_agreement_organization", "tenant_id", "organization_id"),
        UniqueConstraint("tenant_id", "programme", "number"),
        UniqueConstraint("tenant_id", "id", "organization_id", "division"),
        Index(
            "uq_pairing_agreement_takes_over",
            "tenant_id",
            "takes_over",
            unique=True,
            postgresql_where=text("ended_as is distinct from 'withdrawn'"),
        ),
        CheckConstraint("valid_from < valid_to", name="term"),
        CheckConstraint("ended_as in ('withdrawn', 'ended', 'relayed')", name="ended_as"),
        CheckConstraint("(ended_as is null) = (ended_at is null)", name="ended"),
        CheckConstraint("(ended_as = 'withdrawn') = (signed_on is null)", name="withdrawn"),
    )

    programme: Mapped[str]
    number: Mapped[str]
    organization_id: Mapped[UUID]
    division: Mapped[Division12]
    helper_id: Mapped[UUID]
    valid_from: Mapped[date]
    valid_to: Mapped[date]
    takes_over: Mapped[UUID | None]
    held_to: Mapped[Json]
    signed_on: Mapped[date | None]
    ended_as: Mapped[str | None]
    ended_on: Mapped[date | None]
    ended_by: Mapped[UUID | None]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str]
    end_evidence: Mapped[str]


class OfAgreement:
    """A row of an agreement; whose it is stands in it too, for its wall."""

    agreement_id: Mapped[UUID]
    organization_id: Mapped[UUID]
    division: Mapped[Division12]


class AgreementSignature(TenantRow, OfAgreement, Acted, Base):
    """That one of the two sides has signed an agreement 签约. Never changed."""

    __tablename__ = "agreement_signature"
    __wall__ = Wall(Kind.ORGANIZATION, own=Own.ORGANIZATION_ID, own_insert="side = 'helper'")
    __table_args__ = (
        _whose("agreement_signature", "pairing_agreement", "agreement_id"),
        UniqueConstraint("tenant_id", "agreement_id", "side"),
        CheckConstraint("side in ('helper', 'helped')", name="side"),
    )

    side: Mapped[str]


class PlanLine(TenantRow, OfAgreement, Acted, Base):
    """A line of the plan of an agreement for a year 帮扶规划: a measure of the enterprise, or a task of the government.

    A measure has a path, a kind and what is promised (``amount_fen``, ``quantity``); a task the office that owns it. A
    change is a new line that ``replaces`` the old one.
    """

    __tablename__ = "plan_line"
    __wall__ = Wall(
        Kind.ORGANIZATION,
        own=Own.ORGANIZATION_ID,
        own_insert="kind is not null",
        own_update="kind is not null",
        update=("replaced_at",),
        while_="replaced_at is null",
    )
    __table_args__ = (
        _whose("plan_line", "pairing_agreement", "agreement_id"),
        _to("plan_line", "replaces"),
        UniqueConstraint("tenant_id", "replaces"),
        Index("ix_plan_line_agreement", "tenant_id", "agreement_id", "year"),
        CheckConstraint("(kind is null) = (office <> '')", name="side"),
        CheckConstraint("amount_fen >= 0 and quantity >= 0", name="promised"),
    )

    year: Mapped[int]
    path: Mapped[str | None]
    kind: Mapped[str | None]
    office: Mapped[str]
    what: Mapped[str]
    amount_fen: Mapped[int | None] = mapped_column(BigInteger)
    quantity: Mapped[int | None]
    due_on: Mapped[date]
    replaces: Mapped[UUID | None]
    replaced_at: Mapped[datetime | None]


class Obstacle(TenantRow, OfAgreement, Acted, Base):
    """Something that stands in the way of an agreement 困难问题: raised by anyone, resolved by its owner."""

    __tablename__ = "obstacle"
    __wall__ = Wall(
        Kind.ORGANIZATION,
        own=Own.ORGANIZATION_ID,
        own_insert="owner_id is null",
        own_update="false",
        update=("owner_id", "outcome", "resolved_by", "resolved_on", "resolved_at"),
        while_="resolved_at is null",
    )
    __table_args__ = (
        _whose("obstacle", "pairing_agreement", "agreement_id"),
        _to("officer", "owner_id"),
        Index("ix_obstacle_agreement", "tenant_id", "agreement_id"),
    )

    what: Mapped[str]
    owner_id: Mapped[UUID | None]
    outcome: Mapped[str]
    resolved_by: Mapped[UUID | None]
    resolved_on: Mapped[date | None]
    resolved_at: Mapped[datetime | None]


class Delivery(TenantRow, OfAgreement, Acted, Base):
    """Something that was delivered under an agreement 帮扶投入, as who delivered it says; the line is never changed.

    ``effective_on`` is the day of the delivery, ``receipt`` the number of the paper that shows it, which counts once in
    the county (:class:`DeliveryReceipt`), ``valuation`` how the value of goods was found. What it comes to follows the
    answers: ``state``, and what stands of amount and number. A correction is a new line that ``corrects`` another.
    """

    __tablename__ = "delivery"
    __wall__ = Wall(
        Kind.ORGANIZATION,
        own=Own.ORGANIZATION_ID,
        own_insert="state = 'logged' and stands_fen = 0 and stands_quantity = 0",
        # What stands is what the answer to it says, and an agent's answer says what stood before.
        own_update="(state = 'replaced' and stands_fen = 0 and stands_quantity = 0) or (state = 'contested' and exists "
        "(select from delivery_answer a where a.tenant_id = delivery.tenant_id and a.delivery_id = delivery.id "
        "and a.number = delivery.version - 1 and a.verdict = 'contested' and a.stands_fen = delivery.stands_fen "
        "and a.stands_quantity = delivery.stands_quantity))",
        update=("state", "stands_fen", "stands_quantity", "version"),
        while_="state <> 'replaced'",
    )
    __table_args__ = (
        _whose("delivery", "pairing_agreement", "agreement_id"),
        _to("delivery", "corrects"),
        _by_division("delivery"),
        UniqueConstraint("tenant_id", "corrects"),
        UniqueConstraint("tenant_id", "id", "organization_id", "division"),
        Index("ix_delivery_agreement", "tenant_id", "agreement_id", "effective_on"),
        Index("ix_delivery_organization", "tenant_id", "organization_id"),
        CheckConstraint(
            "state in ('logged', 'confirmed', 'partly', 'disputed', 'contested', 'ruled', 'replaced')", name="state"
        ),
        CheckConstraint("amount_fen is not null or quantity is not null", name="measured"),
        CheckConstraint("amount_fen >= 0 and quantity >= 0", name="delivered"),
        CheckConstraint(
            "stands_fen between 0 and coalesce(amount_fen, 0) and stands_quantity between 0 and coalesce(quantity, 0)",
            name="stands",
        ),
    )

    programme: Mapped[str]
    year: Mapped[int]
    path: Mapped[str]
    kind: Mapped[str]
    what: Mapped[str]
    amount_fen: Mapped[int | None] = mapped_column(BigInteger)
    quantity: Mapped[int | None]
    valuation: Mapped[str]
    receipt: Mapped[str]
    corrects: Mapped[UUID | None]
    state: Mapped[str]
    stands_fen: Mapped[FenColumn]
    stands_quantity: Mapped[int]
    version: Mapped[int]


class DeliveryReceipt(TenantRow, Base):
    """A paper that shows a delivery 单据. It counts once in the county, whoever brings it in whichever programme, while
    the line that brought it is not replaced; then it is free (``released_at``). A line of nothing brings none."""

    __tablename__ = "delivery_receipt"
    __wall__ = Wall(
        Kind.ORGANIZATION,
        own=Own.ORGANIZATION_ID,
        own_update="exists (select from delivery d where d.tenant_id = delivery_receipt.tenant_id "
        "and d.id = delivery_receipt.delivery_id and d.state = 'replaced')",
        update=("released_at",),
        while_="released_at is null",
    )
    __table_args__ = (
        _whose("delivery_receipt", "delivery", "delivery_id"),
        Index("uq_delivery_receipt_key", "tenant_id", "key", unique=True, postgresql_where=text("released_at is null")),
        UniqueConstraint("tenant_id", "delivery_id"),
    )

    key: Mapped[str]
    delivery_id: Mapped[UUID]
    organization_id: Mapped[UUID]
    division: Mapped[Division12]
    released_at: Mapped[datetime | None]


class DeliveryAnswer(TenantRow, Acted, Base):
    """What was said to a delivery 确认意见: by the village, by who delivered it, or by the county. Never changed.

    ``number`` counts the answers to a line; ``stands_fen`` and ``stands_quantity`` are what stands of it afterwards.
    """

    __tablename__ = "delivery_answer"
    __wall__ = Wall(
        Kind.ORGANIZATION,
        own=Own.ORGANIZATION_ID,
        own_insert="verdict = 'contested' and exists (select from delivery d where "
        "d.tenant_id = delivery_answer.tenant_id and d.id = delivery_answer.delivery_id and d.state = 'partly' "
        "and d.version = delivery_answer.number and d.stands_fen = delivery_answer.stands_fen "
        "and d.stands_quantity = delivery_answer.stands_quantity)",
    )
    __table_args__ = (
        _whose("delivery_answer", "delivery", "delivery_id"),
        UniqueConstraint("tenant_id", "delivery_id", "number"),
        CheckConstraint("verdict in ('confirmed', 'partly', 'disputed', 'contested', 'ruled')", name="verdict"),
    )

    delivery_id: Mapped[UUID]
    organization_id: Mapped[UUID]
    division: Mapped[Division12]
    number: Mapped[int]
    verdict: Mapped[str]
    stands_fen: Mapped[FenColumn]
    stands_quantity: Mapped[int]
    reason: Mapped[str]


class DeliveryPerson(TenantRow, Base):
    """A person of the village whom a delivery was for 受益人, as the village knows; no enterprise sees it. Whoever was
    named by mistake is taken back, and stays on record."""

    __tablename__ = "delivery_person"
    __wall__ = Wall(Kind.AREA, update=("taken_back_by", "taken_back_at"), while_="taken_back_at is null")
    __table_args__ = (
        _to("delivery"),
        _to("person"),
        Index(
            "uq_delivery_person_named",
            "tenant_id",
            "delivery_id",
            "person_id",
            unique=True,
            postgresql_where=text("taken_back_at is null"),
        ),
        CheckConstraint("(taken_back_by is null) = (taken_back_at is null)", name="taken_back"),
        Index("ix_delivery_person_person", "tenant_id", "person_id"),
    )

    delivery_id: Mapped[UUID]
    person_id: Mapped[UUID]
    division: Mapped[Division12]
    recorded_by: Mapped[UUID]
    recorded_at: Mapped[datetime]
    taken_back_by: Mapped[UUID | None]
    taken_back_at: Mapped[datetime | None]


class PairingReview(TenantRow, OfAgreement, Acted, Base):
    """How an agreement was carried out in a year, held against its plan 年度检查. Looked at anew, the last one counts.

    ``figures`` are those of the day of the review; ``exited_households`` how many households of the village have left
    poverty in the year by the register; ``nominated`` says that the village is put forward as a typical one 典型村.
    """

    __tablename__ = "pairing_review"
    __wall__ = Wall(Kind.ORGANIZATION, own=Own.ORGANIZATION_ID, own_insert="false")
    __table_args__ = (
        _whose("pairing_review", "pairing_agreement", "agreement_id"),
        UniqueConstraint("tenant_id", "agreement_id", "year", "number"),
        CheckConstraint("outcome in ('met', 'partly', 'unmet')", name="outcome"),
    )

    year: Mapped[int]
    number: Mapped[int]
    outcome: Mapped[str]
    finding: Mapped[str]
    nominated: Mapped[bool]
    exited_households: Mapped[int]
    figures: Mapped[Json]


# --- inspections ----------------------------------------------------------------------------------------------


class SupportBase(TenantRow, Acted, Base):
    """An organization that is a base at which persons with disabilities find work or are led to an income
    扶贫(就业)基地; whether it is one is confirmed by another person. It is one until it is ended.

    ``placed`` and ``led`` are the persons whom it employs and leads, ``poor`` how many of them are poor and of a
    village, as registered; from the first assessment on, those of the last one count.
    """

    __tablename__ = "support_base"
    __wall__ = Wall(
        Kind.ORGANIZATION,
        own=Own.ORGANIZATION_ID,
        own_insert="false",
        own_update="false",
        update=(
            "confirmed",
            "reason",
            "confirmed_by",
            "confirmed_on",
            "confirmed_at",
            "ended_by",
            "ended_on",
            "ended_at",
        ),
        while_="confirmed is distinct from false and ended_at is null",
    )
    __table_args__ = (
        _to("organization"),
        _by_division("support_base"),
        UniqueConstraint("tenant_id", "id", "organization_id", "division"),
        Index(
            "uq_support_base_standing",
            "tenant_id",
            "programme",
            "organization_id",
            unique=True,
            postgresql_where=text("confirmed is distinct from false and ended_at is null"),
        ),
        CheckConstraint("placed >= 0 and led >= 0 and poor between 0 and placed + led", name="persons"),
        CheckConstraint("(confirmed is null) = (confirmed_at is null)", name="confirmed"),
        CheckConstraint("confirmed_by is distinct from recorded_by", name="confirmer"),
        CheckConstraint("ended_at is null or confirmed", name="ended"),
    )

    programme: Mapped[str]
    organization_id: Mapped[UUID]
    division: Mapped[Division12]
    level: Mapped[str]
    rural: Mapped[bool]
    placed: Mapped[int]
    led: Mapped[int]
    poor: Mapped[int]
    confirmed: Mapped[bool | None]
    reason: Mapped[str]
    confirmed_by: Mapped[UUID | None]
    confirmed_on: Mapped[date | None]
    confirmed_at: Mapped[datetime | None]
    ended_by: Mapped[UUID | None]
    ended_on: Mapped[date | None]
    ended_at: Mapped[datetime | None]


class OfBase:
    """A row of a base; whose it is stands in it too, for its wall."""

    base_id: Mapped[UUID]
    organization_id: Mapped[UUID]
    division: Mapped[Division12]


class BaseAssessment(TenantRow, OfBase, Acted, Base):
    """How a base stood against the checklist on a day 考核, as one person found it and another agreed or not.

    ``items`` says of each item whether it applies, whether it is present and what shows it; what is missing is a
    :class:`BaseFinding`. The rectification notice 整改通知书 stands here by its number; ``held_to`` is the clause that
    sets its days. It is closed when the last finding is.
    """

    __tablename__ = "base_assessment"
    __wall__ = Wall(
        Kind.ORGANIZATION,
        own=Own.ORGANIZATION_ID,
        own_insert="false",
        own_update="false",
        update=(
            "agreed", "reason", "agreed_by", "agreed_on", "agreed_at", "notice", "issued_by", "issued_on", "issued_at",
            "due_on", "held_to", "closed_on",
        ),
        while_="agreed is distinct from false and closed_on is null",
    )  # fmt: skip
    __table_args__ = (
        _whose("base_assessment", "support_base", "base_id"),
        UniqueConstraint("tenant_id", "id", "organization_id", "division"),
        UniqueConstraint("tenant_id", "programme", "notice"),
        Index("ix_base_assessment_base", "tenant_id", "base_id", "effective_on"),
        CheckConstraint("score between 0 and 100", name="score"),
        CheckConstraint("placed >= 0 and led >= 0 and poor between 0 and placed + led", name="persons"),
        CheckConstraint("(agreed is null) = (agreed_at is null)", name="agreed"),
        CheckConstraint("agreed_by is distinct from recorded_by", name="second"),
        CheckConstraint("notice is null or (agreed and finding_count > 0 and due_on is not null)", name="notice"),
        CheckConstraint("(notice is null) = (issued_at is null)", name="issued"),
        CheckConstraint("closed_on is null or notice is not null", name="closed"),
    )

    programme: Mapped[str]
    items: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    score: Mapped[int]
    placed: Mapped[int]
    led: Mapped[int]
    poor: Mapped[int]
    finding_count: Mapped[int]
    agreed: Mapped[bool | None]
    reason: Mapped[str]
    agreed_by: Mapped[UUID | None]
    agreed_on: Mapped[date | None]
    agreed_at: Mapped[datetime | None]
    notice: Mapped[str | None]
    issued_by: Mapped[UUID | None]
    issued_on: Mapped[date | None]
    issued_at: Mapped[datetime | None]
    due_on: Mapped[date | None]
    held_to: Mapped[Json]
    closed_on: Mapped[date | None]


class BaseFinding(TenantRow, OfBase, Base):
    """Something that an assessment found missing 考核发现的问题: put right with what shows it, then closed by somebody
    else than who wrote it and who put it right (``rectified_recorded_by`` typed that in). What a re-check did not
    accept has to be put right again; ``note`` says why."""

    __tablename__ = "base_finding"
    __wall__ = Wall(
        Kind.ORGANIZATION,
        own=Own.ORGANIZATION_ID,
        own_insert="false",
        own_update="closed_at is null and rectified_at is not null",
        update=(
            "rectified", "evidence", "rectified_by", "rectified_on", "rectified_at", "rectified_recorded_by", "note",
            "closed_by", "closed_on", "closed_at",
        ),
        while_="closed_at is null",
    )  # fmt: skip
    __table_args__ = (
        _whose("base_finding", "base_assessment", "assessment_id"),
        UniqueConstraint("tenant_id", "assessment_id", "item"),
        CheckConstraint("closed_at is null or rectified_at is not null", name="rectified"),
        CheckConstraint("closed_by is distinct from written_by", name="closer"),
        CheckConstraint("closed_by is null or closed_by is distinct from rectified_by", name="rechecker"),
    )

    assessment_id: Mapped[UUID]
    item: Mapped[str]
    finding: Mapped[str]
    written_by: Mapped[UUID]
    rectified: Mapped[str]
    evidence: Mapped[str]
    rectified_by: Mapped[UUID | None]
    rectified_on: Mapped[date | None]
    rectified_at: Mapped[datetime | None]
    rectified_recorded_by: Mapped[UUID | None]
    note: Mapped[str]
    closed_by: Mapped[UUID | None]
    closed_on: Mapped[date | None]
    closed_at: Mapped[datetime | None]


class BaseSubsidy(TenantRow, OfBase, Acted, Base):
    """What an organization is due for a year by the result of its base 应补资金: one line of a year stands. Nothing is
    paid by it, and a correction is a new line that ``replaces`` it. ``held_to`` is the clause that sets the amount."""

    __tablename__ = "base_subsidy"
    __wall__ = Wall(
        Kind.ORGANIZATION,
        own=Own.ORGANIZATION_ID,
        own_insert="false",
        own_update="false",
        update=("replaced_at",),
        while_="replaced_at is null",
    )
    __table_args__ = (
        _whose("base_subsidy", "base_assessment", "assessment_id"),
        _to("base_subsidy", "replaces"),
        UniqueConstraint("tenant_id", "replaces"),
        Index(
            "uq_base_subsidy_year",
            "tenant_id",
            "programme",
            "organization_id",
            "year",
            unique=True,
            postgresql_where=text("replaced_at is null"),
        ),
        CheckConstraint("amount_fen >= 0", name="amount"),
    )

    programme: Mapped[str]
    assessment_id: Mapped[UUID]
    year: Mapped[int]
    level: Mapped[str]
    amount_fen: Mapped[FenColumn]
    held_to: Mapped[Json]
    replaces: Mapped[UUID | None]
    replaced_at: Mapped[datetime | None]


# --- what is handed out ---------------------------------------------------------------------------------------


class HandoutBatch(TenantRow, Acted, Base):
    """Something that was bought to be handed out 采购入库批次, by its voucher: a number, a value (fen), or both.

    ``out_quantity`` and ``out_fen`` are what has been handed over of it, and never more than there was. A correction is
    a new batch that ``replaces`` one of which nothing is out.
    """

    __tablename__ = "handout_batch"
    __wall__ = Wall(Kind.STAFF, update=("out_quantity", "out_fen", "replaced_at"), while_="replaced_at is null")
    __table_args__ = (
        _to("handout_batch", "replaces"),
        UniqueConstraint("tenant_id", "replaces"),
        Index(
            "uq_handout_batch_voucher",
            "tenant_id",
            "programme",
            "voucher",
            unique=True,
            postgresql_where=text("replaced_at is null"),
        ),
        CheckConstraint("quantity > 0 and value_fen >= 0", name="bought"),
        CheckConstraint("out_quantity between 0 and coalesce(quantity, 0)", name="quantity"),
        CheckConstraint("out_fen between 0 and coalesce(value_fen, 0)", name="value"),
        CheckConstraint("replaced_at is null or (out_quantity = 0 and out_fen = 0)", name="replaced"),
    )

    programme: Mapped[str]
    kind: Mapped[str]
    item: Mapped[str]
    voucher: Mapped[str]
    quantity: Mapped[int | None]
    value_fen: Mapped[int | None] = mapped_column(BigInteger)
    out_quantity: Mapped[int]
    out_fen: Mapped[FenColumn]
    replaces: Mapped[UUID | None]
    replaced_at: Mapped[datetime | None]


class Handout(TenantRow, Acted, Base):
    """Something that a household or a person needs, and what became of it 发放记录: stated, listed for a year, handed
    over against a signature, followed up.

    ``division`` is the village of the day on which the need was stated. ``receiver`` is who signed, ``evidence`` what
    shows the need and ``signature`` what shows that it was signed for. ``attended`` says of a seat in a training
    whether somebody came. A correction is a new line that ``corrects`` another one.
    """

    __tablename__ = "handout"
    __wall__ = Wall(
        Kind.AREA,
        update=(
            "state", "year", "listed_by", "listed_on", "listed_at", "batch_id", "receiver", "signature", "attended",
            "handed_by", "handed_on", "handed_at", "outcome", "followed_by", "followed_on", "followed_at", "reason",
            "gone_by", "gone_at",
        ),
        while_="state not in ('replaced', 'withdrawn')",
    )  # fmt: skip
    __table_args__ = (
        _to("household"),
        _to("person"),
        _to("handout_batch", "batch_id"),
        _to("handout", "corrects"),
        _by_division("handout"),
        UniqueConstraint("tenant_id", "corrects"),
        Index(
            "uq_handout_open",
            "tenant_id",
            "programme",
            "kind",
            "item",
            "household_id",
            "person_id",
            unique=True,
            postgresql_where=text("state in ('stated', 'listed')"),
            postgresql_nulls_not_distinct=True,
        ),
        Index("ix_handout_year", "tenant_id", "programme", "kind", "year"),
        Index("ix_handout_household", "tenant_id", "household_id"),
        CheckConstraint(
            "state in ('stated', 'listed', 'handed_over', 'followed_up', 'replaced', 'withdrawn')", name="state"
        ),
        CheckConstraint("quantity is not null or value_fen is not null", name="measured"),
        CheckConstraint("quantity > 0 and value_fen > 0", name="asked"),
        CheckConstraint("state not in ('listed', 'handed_over', 'followed_up') or year is not null", name="listed"),
        CheckConstraint("state not in ('handed_over', 'followed_up') or handed_at is not null", name="handed"),
    )

    programme: Mapped[str]
    kind: Mapped[str]
    item: Mapped[str]
    division: Mapped[Division12]
    household_id: Mapped[UUID]
    person_id: Mapped[UUID | None]
    quantity: Mapped[int | None]
    value_fen: Mapped[int | None] = mapped_column(BigInteger)
    state: Mapped[str]
    year: Mapped[int | None]
    listed_by: Mapped[UUID | None]
    listed_on: Mapped[date | None]
    listed_at: Mapped[datetime | None]
    batch_id: Mapped[UUID | None]
    receiver: Mapped[str]
    signature: Mapped[str]
    attended: Mapped[bool | None]
    handed_by: Mapped[UUID | None]
    handed_on: Mapped[date | None]
    handed_at: Mapped[datetime | None]
    outcome: Mapped[str]
    followed_by: Mapped[UUID | None]
    followed_on: Mapped[date | None]
    followed_at: Mapped[datetime | None]
    corrects: Mapped[UUID | None]
    reason: Mapped[str]
    gone_by: Mapped[UUID | None]
    gone_at: Mapped[datetime | None]


# --- audit ----------------------------------------------------------------------------------------------------


class AuditEntry(TenantRow, Base):
    """Who did, read or exported what, when and why 审计记录. Written in the same transaction; never changed."""

    __tablename__ = "audit_entry"
    __wall__ = Wall(Kind.SPAN, own=Own.OFFICER_ID)
    __table_args__ = (
        Index("ix_audit_entry_at", "tenant_id", "at"),
        Index("ix_audit_entry_officer", "tenant_id", "officer_id", "action", "at"),
        Index("ix_audit_entry_object", "tenant_id", "object", "action"),
    )

    at: Mapped[datetime]
    officer_id: Mapped[UUID]
    action: Mapped[str]
    object: Mapped[str]
    reason: Mapped[str]
    data: Mapped[Json]
    areas: Mapped[Areas]


class AuditLink(Base):
    """A link of the chain that the audit record is sealed with 审计链: an entry's digest under that of the link before.

    Links are made after the entries, by the sealer alone, so that those who write entries never wait for each other.
    """

    __tablename__ = "audit_link"
    __wall__ = Wall(Kind.STAFF)
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "entry_id"], ["audit_entry.tenant_id", "audit_entry.id"]),
        UniqueConstraint("tenant_id", "entry_id"),
    )

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    entry_id: Mapped[UUID]
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_at: Mapped[datetime]


# --- requests -------------------------------------------------------------------------------------------------


class AnsweredRequest(Base):
    """A request that changed something, by the key that its sender gave it, with the answer that it got 幂等请求.

    Written in the same transaction as the change, so that of two that carry one key only one changes anything. The
    answer is sealed: it shows what the caller was shown.
    """

    __tablename__ = "answered_request"
    __wall__ = Wall(Kind.OFFICER, sealed=("answer",), update=("answer",), delete=True)

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), primary_key=True)
    officer_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str]
    answer: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]


WALLS: Walls = {
    mapper.local_table.name: mapper.class_.__wall__  # type: ignore[attr-defined]
    for mapper in sorted(Base.registry.mappers, key=lambda m: m.class_.__name__)
}
"""The wall of every table."""

MOVES_WITH_HOUSEHOLD = tuple(
    mapper.class_ for mapper in Base.registry.mappers if "division" in mapper.class_.__wall__.update
)
"""The tables whose rows follow their household when it moves. What was published or paid stays with the village of
its day."""
