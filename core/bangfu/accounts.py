"""Local accounts 本地账号: how somebody gets a password, logs in with it, and is logged out again.

An administrator makes an enrolment code and never learns the password: whoever has the code sets it, once, within
three days. Passwords are kept as argon2id, the seed of the second factor is sealed by the vault. Five failures lock an
account, each further five for twice as long; what is tried in the meantime neither counts nor is recorded, or anybody
could keep an account locked and fill the record. Every refusal to log in says the same.

A login opens a session: a row that the browser's cookie proves it belongs to. A system gets a token of its own, which
works in the name of an account, for some actions only and for a time. Of every secret only the digest is kept.

All instants here are real ones: what guards an account does not follow the clock of a demo county.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
import secrets
import unicodedata
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from hmac import compare_digest
from urllib.parse import quote
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from sqlalchemy import ColumnElement, and_, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import audit
from bangfu.access import Action, Entered, Pass, admit
from bangfu.db import Database, Scope
from bangfu.errors import Code, Refused
from bangfu.models import Credential, Enrolment, LoginSession, Officer, ServiceToken, new_id
from bangfu.process import Duty, duty_names
from bangfu.providers import provider_of
from bangfu.text import Text
from bangfu.vault import Vault

ENROLMENT = timedelta(hours=72)
"""How long an enrolment code can be used."""
LASTS = timedelta(hours=12)
"""How long a login session lasts at most."""
IDLE = timedelta(minutes=30)
"""How long it lasts without a request; ``who_enters`` counts it."""
SEEN = timedelta(minutes=1)
"""How exactly it is known when a session was last used."""
SHORTEST, LONGEST = 12, 1024
"""The fewest characters of a password, and its most bytes."""
FEWEST_DIFFERENT = 5
FAILURES = 5
"""The failures in a row that lock an account."""
LOCKED = timedelta(minutes=15)
LOCKED_AT_MOST = timedelta(days=1)
STEP = 30
"""Seconds for which a code of the second factor stands; the ones before and after count too."""
LONGEST_TOKEN = timedelta(days=366)
MOST_TOKENS = 100
NEEDS_FACTOR = frozenset({Action.KEEP_ACCOUNTS, Action.PAY_CASES, Action.EXPORT_PAYMENTS})
"""Who may do one of these logs in with a second factor: it moves money, or lets people in."""
PLACE = "credential.totp"

_HASHER = PasswordHasher()  # argon2id with the second of RFC 9106's recommended choices
_HASHING = ThreadPoolExecutor(2, "password")
"""Two at a time: each takes 64 MiB, and nobody who tries passwords is to have them all."""
_COMMON = ("password", "qwertyuiop", "1qaz2wsx3edc", "iloveyou", "administrator", "welcome", "letmein", "woaini")
_RUNS = ("0123456789" * 3, "9876543210" * 3, "abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm")
_ALPHABET = "ABCDEFGHJKMNPQRSTVWXYZ0123456789"
"""What an enrolment code is made of: nothing that is read as something else (I, L, O and U)."""
_CODE = 20


# --- passwords and codes --------------------------------------------------------------------------------------


def _bytes(password: str) -> bytes:
    """A password as it is hashed, however it was typed."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "replace")


def hashed(password: str) -> str:
    """A password as argon2id keeps it, with its salt and its cost (PHC format)."""
    return _HASHER.hash(_bytes(password))


@lru_cache(maxsize=1)
def _nobodys() -> str:
    """The hash that a password is held against where there is none: that takes as long."""
    return hashed(secrets.token_hex(16))


def _fits(password: str, kept: str) -> bool:
    try:
        return _HASHER.verify(kept, _bytes(password))
    except VerifyMismatchError:
        return False


async def _verified(password: str, kept: str | None) -> bool:
    """Whether a password is the one that is kept; as long where none is."""
    too_long = len(_bytes(password)) > LONGEST
    loop = asyncio.get_running_loop()
    fits = await loop.run_in_executor(_HASHING, _fits, "" if too_long else password, kept or _nobodys())
    return fits and kept is not None and not too_long


def check_password(password: str, *names: str) -> None:
    """Refuse ``PASSWORD_WEAK`` for a password that is too short or easily guessed, ``names`` being those of its
    holder and county."""
    plain = unicodedata.normalize("NFKC", password).casefold()
    weak = (
        len(plain) < SHORTEST
        or len(_bytes(password)) > LONGEST
        or len(set(plain)) < FEWEST_DIFFERENT
        or re.fullmatch(r"(.{1,6}?)\1+.{0,5}", plain, re.S) is not None
        or any(name and name.casefold() in plain and len(plain) - len(name) < SHORTEST for name in names)
        or any(word in plain and len(plain) - len(word) < SHORTEST - 4 for word in _COMMON)
        or any(plain[:9] in run or plain[-9:] in run for run in _RUNS)
    )
    if weak:
        raise Code.PASSWORD_WEAK.refuse("password", least=SHORTEST)


def new_seed() -> str:
    """A fresh seed of a second factor, as an authenticator takes it (base32)."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def seed_uri(seed: str, tenant: str, officer: str) -> str:
    """A seed as an ``otpauth`` address."""
    return f"otpauth://totp/Bangfu:{quote(f'{tenant}-{officer}', safe='')}?secret={seed}&issuer=Bangfu"


def _seed_bytes(seed: str) -> bytes | None:
    try:
        data = base64.b32decode(seed.replace(" ", "").upper())
    except binascii.Error:
        return None
    return data if 20 <= len(data) <= 64 else None


def code_at(seed: bytes, step: int) -> str:
    """The code of a seed in a time step (RFC 6238: SHA-1, six digits)."""
    return TOTP(seed, 6, SHA1(), STEP).generate(step * STEP).decode()  # noqa: S303 - what authenticators speak


def step_of(seed: bytes, code: str, now: datetime, after: int | None = None) -> int | None:
    """The time step whose code this is, none that is not later than ``after``: the present one, or one beside it."""
    here = int(now.timestamp()) // STEP
    given = code.replace(" ", "").encode("utf-8", "replace")
    found = None
    for step in (here - 1, here, here + 1):
        if compare_digest(code_at(seed, step).encode(), given) and (after is None or step > after):
            found = step
    return found


def needs_factor(who: Entered) -> bool:
    """Whether somebody's duties ask for a second factor."""
    return any(who.actor.may(action, who.at.today) for action in sorted(NEEDS_FACTOR))


# --- what a browser and a system show -------------------------------------------------------------------------


def written(shown: Pass) -> str:
    """The pass of a session or a service as a cookie or a header holds it."""
    key = shown.session or shown.service
    assert key is not None
    parts = (shown.officer.encode(), shown.secret)
    return ".".join((shown.tenant, key.hex, *(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)))


def read(text: str, *, service: bool) -> Pass | None:
    """The pass that a cookie or a header holds; None if it is none. Nothing of it is proved yet."""
    found = re.fullmatch(r"([0-9]{6})\.([0-9a-f]{32})\.([A-Za-z0-9_-]{1,400})\.([A-Za-z0-9_-]{43})", text)
    if found is None:
        return None
    try:
        officer, secret = (base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in found.groups()[2:])
        number, key = officer.decode(), UUID(hex=found[2])
    except ValueError:
        return None
    if "\0" in number:
        return None
    kind = {"service" if service else "session": key}
    return Pass(found[1], number, secret=secret, **kind)  # type: ignore[arg-type]


# --- the account ----------------------------------------------------------------------------------------------


def _own(who: Entered) -> Scope:
    """The scope of an officer who is not in yet: his own rows, and the record."""
    return Scope(who.county.id, officer=who.actor.id, reach=(who.county.area,))


async def _holder(database: Database, tenant: str, officer: str, now: datetime) -> Entered | None:
    """Who can have a local account here: an officer who is not disabled, of a county without a provider; else None,
    and which of these it was is nobody's business."""
    try:
        who = await admit(database, Pass(tenant, officer), now)
    except Refused:
        return None
    return who if await provider_of(database, tenant) is None else None


def _about(who: Entered) -> str:
    return f"officer/{who.actor.id}"


async def enrol(session: AsyncSession, who: Entered, officer: str, now: datetime) -> str:
    """Make the code with which an officer sets a password; an earlier one counts no more.

    Refuses ``FORBIDDEN`` and ``OFFICER_UNKNOWN``.
    """
    who.require(Action.KEEP_ACCOUNTS)
    found = await _officer(session, who, officer)
    await session.execute(
        update(Enrolment)
        .where(Enrolment.tenant_id == who.county.id, Enrolment.officer_id == found, Enrolment.used_at.is_(None))
        .values(used_at=now)
    )
    code = "".join(secrets.choice(_ALPHABET) for _ in range(_CODE))
    row = {
        "tenant_id": who.county.id,
        "id": new_id(),
        "officer_id": found,
        "digest": sha256(code.encode()).digest(),
        "made_by": who.actor.id,
        "made_at": now,
        "expires_at": now + ENROLMENT,
        "used_at": None,
    }
    await session.execute(insert(Enrolment).values(row))
    await audit.record(session, who.at.now, who.actor.id, "enrol_officer", f"officer/{found}", {})
    return "-".join(code[start : start + 5] for start in range(0, _CODE, 5))


async def _officer(session: AsyncSession, who: Entered, number: str) -> UUID:
    query = select(Officer.id).where(Officer.tenant_id == who.county.id, Officer.number == number)
    found = await session.scalar(query)
    if found is None:
        raise Code.OFFICER_UNKNOWN.refuse("officer", officer=number)
    return found


@dataclass(frozen=True, slots=True)
class Account:
    """What somebody sets: the password, and the second factor if there is to be one (its seed and a code of it)."""

    password: str
    seed: str = ""
    code: str = ""


async def set_password(
    database: Database, vault: Vault, tenant: str, officer: str, enrolment: str, account: Account, now: datetime
) -> None:
    """Set the password, and the second factor, of whoever an enrolment code was made for; whatever let somebody in
    before does so no more.

    Refuses ``PASSWORD_WEAK``, ``ENROLMENT_BAD`` for whatever is wrong with county, officer or code, and, for who has
    those, ``FACTOR_NEEDED`` and ``FACTOR_BAD``.
    """
    check_password(account.password, tenant, officer)
    kept = await asyncio.get_running_loop().run_in_executor(_HASHING, hashed, account.password)
    bad = Code.ENROLMENT_BAD.refuse("enrolment")
    who = await _holder(database, tenant, officer, now)
    if who is None:
        raise bad
    digest = sha256(re.sub(r"[\s-]", "", enrolment).upper().encode("utf-8", "replace")).digest()
    async with database.session(_own(who)) as session:
        used = await session.execute(
            update(Enrolment)
            .where(
                Enrolment.tenant_id == who.county.id,
                Enrolment.officer_id == who.actor.id,
                Enrolment.digest == digest,
                Enrolment.used_at.is_(None),
                Enrolment.expires_at > now,
            )
            .values(used_at=now)
            .returning(Enrolment.id)
        )
        if used.first() is None:
            raise bad
        sealed, step = _factor(vault, who, account, now)
        values = {
            "password": kept,
            "password_at": now,
            "totp": sealed,
            "last_step": step,
            "failures": 0,
            "locked_until": None,
        }
        row = upsert(Credential).values(tenant_id=who.county.id, officer_id=who.actor.id, **values)
        await session.execute(row.on_conflict_do_update(index_elements=["tenant_id", "officer_id"], set_=values))
        await _sign_out(session, who, who.actor.id, now)
        data = {"second_factor": sealed is not None}
        await audit.record(session, who.at.now, who.actor.id, "set_password", _about(who), data)


def _factor(vault: Vault, who: Entered, account: Account, now: datetime) -> tuple[bytes | None, int | None]:
    """The sealed seed of the second factor that is to be, and the step of its first code."""
    if not account.code.strip():
        if needs_factor(who):
            raise Code.FACTOR_NEEDED.refuse("code")
        return None, None
    seed = _seed_bytes(account.seed)
    step = step_of(seed, account.code, now) if seed is not None else None
    if seed is None or step is None:
        raise Code.FACTOR_BAD.refuse("code")
    return vault.seal(seed, PLACE, who.county.id), step


# --- logging in -----------------------------------------------------------------------------------------------


async def log_in(
    database: Database, vault: Vault, tenant: str, officer: str, password: str, code: str, now: datetime
) -> Pass:
    """Log somebody in with the password and, if the account has one, a code of the second factor: a new session.

    Refuses ``LOGIN_REFUSED``, which says nothing of why, and ``FACTOR_NEEDED`` once the password was right. What a
    failure counts for is kept although it is refused.
    """
    who = await _holder(database, tenant, officer, now)
    kept = None
    if who is not None:
        async with database.session(_own(who), reading=True) as session:
            query = select(Credential.password)
            kept = await session.scalar(query.where(_credential(who)))
    # Nothing is locked meanwhile, or who tries many passwords at once would hold every connection there is.
    right = await _verified(password, kept)
    if who is None or kept is None:
        raise Code.LOGIN_REFUSED.refuse()
    async with database.session(_own(who)) as session:
        opened = await _judged(session, vault, who, kept if right else None, password, code, now)
    if isinstance(opened, Code):
        raise opened.refuse()
    return opened


def _credential(who: Entered) -> ColumnElement[bool]:
    return and_(Credential.tenant_id == who.county.id, Credential.officer_id == who.actor.id)


async def _judged(
    session: AsyncSession, vault: Vault, who: Entered, fits: str | None, password: str, code: str, now: datetime
) -> Pass | Code:
    """What an attempt comes to, with the account to ourselves; ``fits`` is the hash that the password fits."""
    row = (await session.execute(select(Credential).where(_credential(who)).with_for_update())).scalar_one()
    if row.locked_until is not None and row.locked_until > now:
        return Code.LOGIN_REFUSED
    step = row.last_step
    right = fits is not None and fits == row.password
    if right and row.totp is not None:
        step = step_of(vault.open_bytes(row.totp, PLACE, who.county.id), code, now, row.last_step)
        right = step is not None
    if not right:
        await _failed(session, who, row.failures + 1, now)
        return Code.LOGIN_REFUSED
    values: dict[str, object] = {"failures": 0, "locked_until": None, "last_step": step}
    if _HASHER.check_needs_rehash(row.password):
        values["password"] = hashed(password)
    await session.execute(update(Credential).where(_credential(who)).values(values))
    if row.totp is None and needs_factor(who):
        return Code.FACTOR_NEEDED
    return await open_session(session, who, "password" if row.totp is None else "password+code", now)


async def _failed(session: AsyncSession, who: Entered, failures: int, now: datetime) -> None:
    """Count a failure; every fifth locks the account, each time for twice as long."""
    values: dict[str, object] = {"failures": failures}
    data: dict[str, object] = {"failures": failures}
    action = "log_in_failed"
    if failures % FAILURES == 0:
        until = now + min(LOCKED * 2 ** min(failures // FAILURES - 1, 10), LOCKED_AT_MOST)
        values["locked_until"] = until
        data["until"] = until.isoformat()
        action = "lock_account"
    await session.execute(update(Credential).where(_credential(who)).values(values))
    await audit.record(session, who.at.now, who.actor.id, action, _about(who), data)


async def open_session(session: AsyncSession, who: Entered, way: str, now: datetime) -> Pass:
    """Open a session for somebody who has proved who he is, in some ``way``; its secret is new and kept nowhere."""
    secret, key = secrets.token_bytes(32), new_id()
    row = {
        "tenant_id": who.county.id,
        "id": key,
        "officer_id": who.actor.id,
        "digest": sha256(secret).digest(),
        "way": way,
        "created_at": now,
        "seen_at": now,
        "expires_at": now + LASTS,
        "ended_at": None,
    }
    await session.execute(insert(LoginSession).values(row))
    await audit.record(session, who.at.now, who.actor.id, "log_in", f"login_session/{key}", {"way": way})
    return Pass(who.county.code, who.actor.number, session=key, secret=secret)


async def enter_by_provider(database: Database, tenant: str, officer: str, now: datetime) -> Pass:
    """Open a session for somebody whom the county's own provider has vouched for.

    Refuses ``LOGIN_REFUSED`` for who is no officer of the county, or a disabled one.
    """
    try:
        who = await admit(database, Pass(tenant, officer), now)
    except Refused as refusal:
        raise Code.LOGIN_REFUSED.refuse() from refusal
    async with database.session(_own(who)) as session:
        return await open_session(session, who, "provider", now)


async def touch(database: Database, who: Entered, key: UUID, now: datetime) -> None:
    """Note that a session is in use, to the minute."""
    async with database.session(_own(who)) as session:
        await session.execute(
            update(LoginSession)
            .where(LoginSession.tenant_id == who.county.id, LoginSession.id == key, LoginSession.seen_at < now - SEEN)
            .values(seen_at=now)
        )


# --- logging out ----------------------------------------------------------------------------------------------


async def log_out(database: Database, who: Entered, key: UUID, now: datetime) -> None:
    """End a session."""
    async with database.session(_own(who)) as session:
        query = update(LoginSession).where(
            LoginSession.tenant_id == who.county.id, LoginSession.id == key, LoginSession.ended_at.is_(None)
        )
        await session.execute(query.values(ended_at=now))
        await audit.record(session, who.at.now, who.actor.id, "log_out", f"login_session/{key}", {})


async def sign_out(session: AsyncSession, who: Entered, officer: str | None, now: datetime) -> None:
    """End every session and token of an officer, one's own unless stated; only a system's tokens stay, which are
    revoked by themselves.

    Refuses ``OFFICER_UNKNOWN``, and ``FORBIDDEN`` for another without ``KEEP_ACCOUNTS``.
    """
    _require_person(who)
    meant = who.actor.id
    if officer is not None and officer != who.actor.number:
        who.require(Action.KEEP_ACCOUNTS)
        meant = await _officer(session, who, officer)
    await _sign_out(session, who, meant, now)
    await audit.record(session, who.at.now, who.actor.id, "sign_out", f"officer/{meant}", {})


async def _sign_out(session: AsyncSession, who: Entered, officer: UUID, now: datetime) -> None:
    query = update(Officer).where(Officer.tenant_id == who.county.id, Officer.id == officer)
    await session.execute(query.values(signed_out_at=now))


# --- tokens of systems ----------------------------------------------------------------------------------------


def _require_person(who: Entered) -> None:
    """Refuse ``FORBIDDEN`` to a system: what keeps accounts is done by a person."""
    if who.actor.only is not None:
        raise Code.FORBIDDEN.refuse(action=Action.KEEP_ACCOUNTS.title_text, duties=duty_names([Duty.REGISTRAR]))


async def issue_service_token(
    session: AsyncSession,
    who: Entered,
    name: str,
    actions: Collection[Action],
    lasts: timedelta,
    now: datetime,
    officer: str | None = None,
) -> tuple[UUID, str]:
    """Make a token for a system, in one's own name or, with ``KEEP_ACCOUNTS``, in that of another account: its id, and
    the token itself, which is shown once.

    It may do at most what both who makes it and the account may. Refuses ``FORBIDDEN`` for an action that the maker may
    not do, or that keeps accounts; ``OFFICER_UNKNOWN``, ``MISSING_VALUE`` and ``BAD_VALUE``.
    """
    _require_person(who)
    owner, number = who.actor.id, who.actor.number
    if officer is not None and officer != number:
        who.require(Action.KEEP_ACCOUNTS)
        owner, number = await _officer(session, who, officer), officer
    if not name.strip():
        raise Code.MISSING_VALUE.refuse("name", field=Text("名称", "name"))
    if not actions:
        raise Code.MISSING_VALUE.refuse("actions", field=Text("权限", "actions"))
    if not timedelta() < lasts <= LONGEST_TOKEN or len(name) > 200:
        where, field = ("name", Text("名称", "name")) if len(name) > 200 else ("days", Text("天数", "days"))
        expected = Text("名称不超过 200 字,期限 1 至 366 天", "a name of at most 200 characters, 1 to 366 days")
        raise Code.BAD_VALUE.refuse(
            where, field=field, value=name if where == "name" else lasts.days, expected=expected
        )
    for action in sorted(set(actions)):
        who.require(action)
        if action is Action.KEEP_ACCOUNTS:
            raise Code.FORBIDDEN.refuse("actions", action=action.title_text, duties=duty_names([Duty.REGISTRAR]))
    secret, key = secrets.token_bytes(32), new_id()
    row = {
        "tenant_id": who.county.id,
        "id": key,
        "officer_id": owner,
        "name": name.strip(),
        "digest": sha256(secret).digest(),
        "actions": sorted(set(actions)),
        "made_by": who.actor.id,
        "made_at": now,
        "expires_at": now + lasts,
        "revoked_at": None,
    }
    await session.execute(insert(ServiceToken).values(row))
    data = {"officer": str(owner), "actions": sorted(set(actions)), "expires_at": (now + lasts).isoformat()}
    await audit.record(session, who.at.now, who.actor.id, "issue_service_token", f"service_token/{key}", data)
    return key, SERVICE_PREFIX + written(Pass(who.county.code, number, service=key, secret=secret))


SERVICE_PREFIX = "bangfu-"
"""What the token of a system begins with, so that one that leaked is found."""


async def revoke_service_token(session: AsyncSession, who: Entered, key: UUID, now: datetime) -> None:
    """End a system's token at once, one's own or, with ``KEEP_ACCOUNTS``, any; ending it twice changes nothing.

    Refuses ``NOT_FOUND``.
    """
    _require_person(who)
    missing = Code.NOT_FOUND.refuse("id", what=Text("服务令牌", "the service token"))
    query = select(ServiceToken.officer_id, ServiceToken.made_by, ServiceToken.revoked_at)
    found = (
        await session.execute(query.where(ServiceToken.tenant_id == who.county.id, ServiceToken.id == key))
    ).first()
    if found is None:
        raise missing
    if who.actor.id not in (found.officer_id, found.made_by) and not _keeps(who):
        raise missing
    if found.revoked_at is not None:
        return
    change = update(ServiceToken).where(ServiceToken.tenant_id == who.county.id, ServiceToken.id == key)
    await session.execute(change.values(revoked_at=now))
    await audit.record(session, who.at.now, who.actor.id, "revoke_service_token", f"service_token/{key}", {})


def _keeps(who: Entered) -> bool:
    return who.actor.may(Action.KEEP_ACCOUNTS, who.at.today)


@dataclass(frozen=True, slots=True)
class Token:
    """A system's token, as lists show it."""

    id: UUID
    officer: str
    name: str
    actions: tuple[str, ...]
    made_at: datetime
    expires_at: datetime
    revoked_at: datetime | None

    def counts(self, now: datetime) -> bool:
        """Whether it lets anybody in."""
        return self.revoked_at is None and now < self.expires_at


async def service_tokens(session: AsyncSession, who: Entered) -> Sequence[Token]:
    """The newest tokens of systems, at most a hundred: those in one's own name, with ``KEEP_ACCOUNTS`` all."""
    query = (
        select(
            ServiceToken.id,
            Officer.number,
            ServiceToken.name,
            ServiceToken.actions,
            ServiceToken.made_at,
            ServiceToken.expires_at,
            ServiceToken.revoked_at,
        )
        .join(Officer, (Officer.tenant_id == ServiceToken.tenant_id) & (Officer.id == ServiceToken.officer_id))
        .where(ServiceToken.tenant_id == who.county.id)
        .order_by(ServiceToken.id.desc())
        .limit(MOST_TOKENS)
    )
    if not _keeps(who):
        query = query.where(ServiceToken.officer_id == who.actor.id)
    rows = (await session.execute(query)).all()
    return [Token(r[0], r[1], r[2], tuple(r[3]), *r[4:]) for r in rows]


@dataclass(frozen=True, slots=True)
class Login:
    """A session, as its officer sees it."""

    id: UUID
    way: str
    created_at: datetime
    seen_at: datetime
    ends_at: datetime


async def logins(session: AsyncSession, who: Entered, now: datetime) -> Sequence[Login]:
    """The sessions that one is logged in with now, newest first, at most a hundred."""
    signed_out = await session.scalar(
        select(Officer.signed_out_at).where(Officer.tenant_id == who.county.id, Officer.id == who.actor.id)
    )
    query = (
        select(LoginSession)
        .where(
            LoginSession.tenant_id == who.county.id,
            LoginSession.officer_id == who.actor.id,
            LoginSession.ended_at.is_(None),
            LoginSession.expires_at > now,
            LoginSession.seen_at > now - IDLE,
        )
        .order_by(LoginSession.id.desc())
        .limit(MOST_TOKENS)
    )
    if signed_out is not None:
        query = query.where(LoginSession.created_at > signed_out)
    return [
        Login(row.id, row.way, row.created_at, row.seen_at, min(row.expires_at, row.seen_at + IDLE))
        for row in (await session.scalars(query)).all()
    ]
