"""Local accounts: a code once, a password nobody else knows, five failures, and no word about why."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest

from bangfu import accounts
from bangfu.access import Action, Entered, Pass, admit, enter
from bangfu.accounts import Account, code_at
from bangfu.db import Scope
from bangfu.errors import Refused
from bangfu.providers import ALGORITHMS, PLACE, is_safe, provider_of, providers_by, remove_provider, set_provider
from bangfu.vault import VaultError
from tests.county import CODE, World

NOW = datetime(2026, 11, 1, 8, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
GOOD = "稻花香里说丰年 gezvz 7"


async def code(coroutine: Any) -> str:
    """The code that something is refused with."""
    with pytest.raises(Refused) as caught:
        await coroutine
    (problem,) = caught.value.problems
    return problem.code.name


async def keeper(world: World, number: str = "R1") -> Entered:
    return await enter(world.database, CODE, number, NOW)


async def enrolled(world: World, number: str, at: datetime = NOW) -> str:
    who = await keeper(world)
    async with world.database.session(who.scope) as session:
        return await accounts.enrol(session, who, number, at)


async def account(world: World, number: str, password: str = GOOD, seed: str = "", at: datetime = NOW) -> None:
    """An account whose password is set, with a second factor if there is a seed."""
    made = await enrolled(world, number, at)
    said = Account(password, seed, shown(seed, at) if seed else "")
    await accounts.set_password(world.database, world.vault, CODE, number, made, said, at)


def shown(seed: str, at: datetime) -> str:
    """What an authenticator shows."""
    raw = accounts._seed_bytes(seed)
    assert raw is not None
    return code_at(raw, int(at.timestamp()) // accounts.STEP)


async def log_in(
    world: World, number: str, password: str = GOOD, code: str = "", at: datetime = NOW, tenant: str = CODE
) -> Pass:
    return await accounts.log_in(world.database, world.vault, tenant, number, password, code, at)


async def own(world: World, number: str, sql: str) -> list[Any]:
    """Rows of an officer's own."""
    from sqlalchemy import text

    who = world.officers[number]
    async with world.database.session(Scope(world.tenant.id, officer=who.id)) as session:
        return [tuple(row) for row in (await session.execute(text(sql))).all()]


async def recorded(world: World, since: int = 0) -> list[str]:
    return [row[0] for row in await world.rows("select action from audit_entry order by id offset :n", n=since)]


async def entries(world: World) -> int:
    return len(await recorded(world))


# --- the password ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "weak",
    [
        "", "short", "a1b2c3d4e5f", "x" * 40, "aaaabbbbaaaabbbb", "abcabcabcabcabc", "123456789012", "012345678901234",
        "9876543210987", "abcdefghijkl", "qwertyuiopas", "password1234", "Password2026", "vc1-vc1-vc1-vc1", "990201aBcDeF",
        "xy990201zzTq", "y" + "好" * 400, "\u3000" * 12,
    ],
)  # fmt: skip
async def test_a_password_that_is_easily_guessed_is_refused(world: World, weak: str) -> None:
    made = await enrolled(world, "VC1")
    attempt = accounts.set_password(world.database, world.vault, CODE, "VC1", made, Account(weak), NOW)
    assert await code(attempt) == "PASSWORD_WEAK"
    assert await own(world, "VC1", "select count(*) from credential") == [(0,)]
    # The enrolment code was not used up.
    await accounts.set_password(world.database, world.vault, CODE, "VC1", made, Account(GOOD), NOW)


@pytest.mark.usefixtures("costly_passwords")
@pytest.mark.parametrize(
    "good", [GOOD, "gezvz-mukri-4tap", "correct horse battery", "我们村的账本年年清楚明白", "p" + "aß9Zé" * 60]
)
def test_a_password_of_twelve_characters_of_any_script_will_do(good: str) -> None:
    accounts.check_password(good, CODE, "VC1")
    kept = accounts.hashed(good)
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert accounts._fits(good, kept)
    assert not accounts._fits(good + "x", kept)
    assert accounts.hashed(good) != kept


def test_a_password_is_the_same_however_it_was_typed() -> None:
    assert accounts._fits("café au lait 12", accounts.hashed("cafe\u0301 au lait 12"))


@pytest.mark.usefixtures("costly_passwords")
async def test_only_argon2id_and_digests_are_kept(world: World) -> None:
    made = await enrolled(world, "VC1")
    seed = accounts.new_seed()
    said = Account(GOOD, seed, shown(seed, NOW))
    await accounts.set_password(world.database, world.vault, CODE, "VC1", made, said, NOW)
    opened = await log_in(world, "VC1", code=shown(seed, NOW + 2 * MINUTE), at=NOW + 2 * MINUTE)
    raw = accounts._seed_bytes(seed)
    assert raw is not None
    kept = str(await own(world, "VC1", "select * from credential")) + str(
        await own(world, "VC1", "select * from enrolment")
    )
    kept += str(await own(world, "VC1", "select * from login_session")) + str(
        await world.rows("select * from audit_entry")
    )
    for secret in (GOOD, made, made.replace("-", ""), seed, repr(raw)[2:-1], repr(opened.secret)[2:-1]):
        assert secret not in kept
    assert await own(world, "VC1", "select digest from login_session") == [(sha256(opened.secret).digest(),)]


# --- enrolment ------------------------------------------------------------------------------------------------


async def test_an_enrolment_code_is_used_once_and_by_its_officer(world: World) -> None:
    made = await enrolled(world, "VC1")

    async def use(number: str = "VC1", tenant: str = CODE, given: str = made, at: datetime = NOW) -> str | None:
        try:
            await accounts.set_password(world.database, world.vault, tenant, number, given, Account(GOOD), at)
        except Refused as refusal:
            return refusal.problems[0].code.name
        return None

    late = NOW + accounts.ENROLMENT
    wrong = {
        "another's": await use("VC2"), "nobody's": await use("nobody"), "of no county": await use(tenant="990999"),
        "another code": await use(given="AAAAA-BBBBB-CCCCC-DDDDD"), "no code": await use(given=""), "too late": await use(at=late),
        "half of it": await use(given=made[:11]), "no text": await use(given="\ud800"),
    }  # fmt: skip
    assert set(wrong.values()) == {"ENROLMENT_BAD"}, wrong
    assert await own(world, "VC1", "select count(*) from credential") == [(0,)]
    assert await use(given=f" {made.lower()} ", at=late - MINUTE) is None
    assert await use(at=late - MINUTE) == "ENROLMENT_BAD"
    # A newer code takes the place of one that was not used.
    older, newer = await enrolled(world, "VC1"), await enrolled(world, "VC1")
    assert await use(given=older) == "ENROLMENT_BAD"
    assert await use(given=newer) is None


async def test_one_code_at_once_sets_one_password(world: World) -> None:
    made = await enrolled(world, "VC1")
    attempts = [
        accounts.set_password(world.database, world.vault, CODE, "VC1", made, Account(f"{GOOD}{n}"), NOW)
        for n in range(4)
    ]
    done = await asyncio.gather(*attempts, return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["NoneType", "Refused", "Refused", "Refused"]


async def test_only_who_keeps_accounts_makes_codes(world: World) -> None:
    for number in ("C1", "FI", "VC1"):
        who = await keeper(world, number)
        async with world.database.session(who.scope) as session:
            assert await code(accounts.enrol(session, who, "VC2", NOW)) == "FORBIDDEN"
    assert await code(enrolled(world, "nobody")) == "OFFICER_UNKNOWN"
    assert await world.rows("select count(*) from enrolment") == [(0,)]


# --- logging in -----------------------------------------------------------------------------------------------


async def test_a_login_is_a_session_with_a_secret_of_its_own(world: World) -> None:
    await account(world, "VC1")
    first = await log_in(world, "VC1", at=NOW + MINUTE)
    second = await log_in(world, "VC1", at=NOW + MINUTE)
    assert len({first.secret, second.secret}) == 2
    assert first.session != second.session
    who = await admit(world.database, first, NOW + 2 * MINUTE)
    assert (who.actor.number, who.actor.only) == ("VC1", None)
    for wrong in (
        Pass(CODE, "VC1", session=first.session, secret=second.secret),
        Pass(CODE, "VC1", session=first.session, secret=b""),
        Pass(CODE, "VC2", session=first.session, secret=first.secret),
        Pass(CODE, "VC1", service=first.session, secret=first.secret),
        Pass(CODE, "VC1", session=UUID(int=1), secret=first.secret),
    ):
        assert await code(admit(world.database, wrong, NOW + 2 * MINUTE)) == "PASS_ENDED"


async def test_a_session_ends_when_it_is_idle_when_it_is_old_and_when_it_is_ended(world: World) -> None:
    await account(world, "VC1", at=NOW - MINUTE)
    opened = await log_in(world, "VC1")
    assert opened.session is not None
    who = await admit(world.database, opened, NOW + accounts.IDLE - MINUTE)
    assert await code(admit(world.database, opened, NOW + accounts.IDLE)) == "PASS_ENDED"
    at = NOW
    while at < NOW + accounts.LASTS - 30 * MINUTE:
        at += 25 * MINUTE
        await accounts.touch(world.database, who, opened.session, at)
        await admit(world.database, opened, at + MINUTE)
    await accounts.touch(world.database, who, opened.session, NOW + accounts.LASTS - MINUTE)
    await admit(world.database, opened, NOW + accounts.LASTS - MINUTE)
    assert await code(admit(world.database, opened, NOW + accounts.LASTS)) == "PASS_ENDED"
    # Within the minute it is not written down again.
    again = await log_in(world, "VC1")
    assert again.session is not None
    await accounts.touch(world.database, who, again.session, NOW + MINUTE / 2)
    seen = await own(world, "VC1", f"select seen_at from login_session where id = '{again.session}'")
    assert seen == [(NOW,)]
    await accounts.log_out(world.database, who, again.session, NOW + MINUTE)
    assert await code(admit(world.database, again, NOW + 2 * MINUTE)) == "PASS_ENDED"


@pytest.mark.usefixtures("costly_passwords")
async def test_every_refusal_to_log_in_says_the_same_and_looks_at_a_password(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await account(world, "VC1")
    await account(world, "VC2")
    looked: list[str] = []
    fits = accounts._fits

    def counted(password: str, kept: str) -> bool:
        looked.append(kept.rsplit("$", 2)[0])
        return fits(password, kept)

    monkeypatch.setattr(accounts, "_fits", counted)
    async with world.database.owner() as connection:
        from sqlalchemy import text

        for setting, value in Scope(world.tenant.id, staff=True).settings().items():
            await connection.execute(text("select set_config(:s, :v, true)"), {"s": setting, "v": value})
        await connection.execute(text("update officer set disabled_at = :at where number = 'VC2'"), {"at": NOW})
    wrong = [
        log_in(world, "VC1", "wrong password 1"), log_in(world, "VC1", ""), log_in(world, "VC1", "x" * 5000),
        log_in(world, "nobody"), log_in(world, "VC3"), log_in(world, "VC2"), log_in(world, "VC1", tenant="990999"),
        log_in(world, "VC1", "\ud800 surrogate"),
    ]  # fmt: skip
    for attempt in wrong:
        assert await code(attempt) == "LOGIN_REFUSED"
    assert looked == ["$argon2id$v=19$m=65536,t=3,p=4"] * len(wrong)


async def test_five_failures_lock_and_count_though_they_are_at_once(world: World) -> None:
    await account(world, "VC1")
    before = await entries(world)
    attempts = [log_in(world, "VC1", f"wrong password {n}", at=NOW + MINUTE) for n in range(8)]
    assert [await code(one) for one in [asyncio.ensure_future(a) for a in attempts]] == ["LOGIN_REFUSED"] * 8
    assert await own(world, "VC1", "select failures, locked_until from credential") == [
        (5, NOW + MINUTE + accounts.LOCKED)
    ]
    assert await recorded(world, before) == [*["log_in_failed"] * 4, "lock_account"]
    # The right password does not help while it is locked, and counts for nothing.
    assert await code(log_in(world, "VC1", at=NOW + 15 * MINUTE)) == "LOGIN_REFUSED"
    assert await entries(world) == before + 5
    # The lock lasts twice as long after five more.
    later = NOW + 17 * MINUTE
    for n in range(5):
        assert await code(log_in(world, "VC1", f"wrong password {n}", at=later)) == "LOGIN_REFUSED"
    ((failures, until),) = await own(world, "VC1", "select failures, locked_until from credential")
    assert (failures, until) == (10, later + 2 * accounts.LOCKED)
    # Another's account is not locked, and a login sets the count back.
    await account(world, "VC2")
    await log_in(world, "VC2", at=later)
    await log_in(world, "VC1", at=until)
    assert await own(world, "VC1", "select failures, locked_until from credential") == [(0, None)]
    # A new enrolment opens a locked account.
    for n in range(5):
        assert await code(log_in(world, "VC1", f"wrong password {n}", at=until)) == "LOGIN_REFUSED"
    await account(world, "VC1", at=until + MINUTE)
    await log_in(world, "VC1", at=until + 2 * MINUTE)


async def test_what_is_tried_at_once_is_not_more_than_five_guesses(world: World) -> None:
    """All have looked at the password before the first is counted; the right one among the last comes too late."""
    await account(world, "VC1")
    who = await enter(world.database, CODE, "VC1", NOW)
    (kept,) = (await own(world, "VC1", "select password from credential"))[0]
    for _ in range(5):
        async with world.database.session(accounts._own(who)) as session:
            await accounts._judged(session, world.vault, who, None, "x", "", NOW)
    async with world.database.session(accounts._own(who)) as session:
        late = await accounts._judged(session, world.vault, who, kept, GOOD, "", NOW)
    assert getattr(late, "name", None) == "LOGIN_REFUSED"
    # Nor does a password count that was changed meanwhile.
    await account(world, "VC1", "another of mine 7", at=NOW + MINUTE)
    async with world.database.session(accounts._own(who)) as session:
        stale = await accounts._judged(session, world.vault, who, kept, GOOD, "", NOW + MINUTE)
    assert getattr(stale, "name", None) == "LOGIN_REFUSED"


async def test_every_lock_ends_within_a_day(world: World) -> None:
    await account(world, "VC1")
    at, longest = NOW, timedelta()
    who = await enter(world.database, CODE, "VC1", NOW)
    for _ in range(60):
        async with world.database.session(accounts._own(who)) as session:
            await accounts._judged(session, world.vault, who, None, "x", "", at)
        ((until,),) = await own(world, "VC1", "select locked_until from credential")
        if until is not None and until > at:
            longest, at = max(longest, until - at), until
    assert longest == accounts.LOCKED_AT_MOST


# --- the second factor ----------------------------------------------------------------------------------------

RFC_6238 = (  # seconds since 1970, and the last six digits of the eight that appendix B gives for SHA-1
    (59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037"),
    (20000000000, "353130"),
)  # fmt: skip


@pytest.mark.parametrize(("seconds", "expected"), RFC_6238)
def test_codes_are_those_of_the_standard(seconds: int, expected: str) -> None:
    assert code_at(b"12345678901234567890", seconds // 30) == expected


async def test_a_code_counts_once_and_for_a_step_on_either_side(world: World) -> None:
    seed = accounts.new_seed()
    await account(world, "VC1", seed=seed)
    # The code of the enrolment has been used.
    assert await code(log_in(world, "VC1", code=shown(seed, NOW), at=NOW)) == "LOGIN_REFUSED"
    at = NOW + 10 * MINUTE
    step = timedelta(seconds=30)
    for other in (at - 2 * step, at + 2 * step):
        assert await code(log_in(world, "VC1", code=shown(seed, other), at=at)) == "LOGIN_REFUSED"
    for missing in ("", "000", "12345678", "abcdef", "\ud800"):
        await own(world, "VC1", "update credential set failures = 0 returning 1")
        assert await code(log_in(world, "VC1", code=missing, at=at)) == "LOGIN_REFUSED"
    await own(world, "VC1", "update credential set failures = 0 returning 1")
    opened = await log_in(world, "VC1", code=shown(seed, at), at=at)
    assert opened.session is not None
    assert await code(log_in(world, "VC1", code=shown(seed, at), at=at)) == "LOGIN_REFUSED"
    assert await code(log_in(world, "VC1", code=shown(seed, at - step), at=at)) == "LOGIN_REFUSED"
    await log_in(world, "VC1", code=shown(seed, at + step), at=at)
    assert await code(log_in(world, "VC1", code=shown(seed, at + step), at=at + 2 * step)) == "LOGIN_REFUSED"
    assert await own(world, "VC1", "select way from login_session") == [("password+code",)] * 2


async def test_of_logins_at_once_with_one_code_one_succeeds(world: World) -> None:
    seed = accounts.new_seed()
    await account(world, "VC1", seed=seed)
    at = NOW + 10 * MINUTE
    tried = await asyncio.gather(
        *(log_in(world, "VC1", code=shown(seed, at), at=at) for _ in range(4)), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in tried) == ["Pass", "Refused", "Refused", "Refused"]


@pytest.mark.parametrize("number", ["R1", "FI", "FM", "C1"])
async def test_who_moves_money_or_keeps_accounts_needs_a_second_factor(world: World, number: str) -> None:
    assert await code(account(world, number)) == "FACTOR_NEEDED"
    seed = accounts.new_seed()
    await account(world, number, seed=seed)
    assert await code(log_in(world, number, at=NOW + MINUTE)) == "LOGIN_REFUSED"
    await log_in(world, number, code=shown(seed, NOW + 2 * MINUTE), at=NOW + 2 * MINUTE)


async def test_who_comes_by_such_a_duty_needs_one_from_then_on(world: World) -> None:
    await account(world, "W3")
    await log_in(world, "W3")
    late = f"工号,姓名,职责,负责区划代码,起始日期\nW3,队员丙,县脱贫办,{CODE}000000,2020-01-01\n"
    assert (await world.bring("officers", late, "R1")).state == "done"
    assert await code(log_in(world, "W3")) == "FACTOR_NEEDED"
    assert await code(log_in(world, "W3", "wrong password 1")) == "LOGIN_REFUSED"


async def test_a_seed_of_ones_own_making_is_long_enough(world: World) -> None:
    made = await enrolled(world, "VC1")
    for seed in ("", "x", "JBSWY3DPEHPK3PXP", "A" * 200, "1" * 32):
        attempt = accounts.set_password(
            world.database, world.vault, CODE, "VC1", made, Account(GOOD, seed, "123456"), NOW
        )
        assert await code(attempt) == "FACTOR_BAD"
    assert accounts.seed_uri("ABC", CODE, "甲 1") == (
        "otpauth://totp/Bangfu:990201-%E7%94%B2%201?secret=ABC&issuer=Bangfu"
    )


# --- signing out ----------------------------------------------------------------------------------------------


async def test_signing_out_and_a_new_password_end_what_there_was(world: World) -> None:
    await account(world, "VC1", at=NOW - MINUTE)
    opened = await log_in(world, "VC1")
    bearer = Pass(CODE, "VC1", issued_at=NOW)
    for shown_ in (opened, bearer):
        await admit(world.database, shown_, NOW + MINUTE)
    who = await keeper(world, "VC1")
    async with world.database.session(who.scope) as session:
        assert len(await accounts.logins(session, who, NOW + MINUTE)) == 1
        await accounts.sign_out(session, who, None, NOW + MINUTE)
    for shown_ in (opened, bearer):
        assert await code(admit(world.database, shown_, NOW + 2 * MINUTE)) == "PASS_ENDED"
    async with world.database.session(who.scope) as session:
        assert await accounts.logins(session, who, NOW + 2 * MINUTE) == []
    again = await log_in(world, "VC1", at=NOW + 3 * MINUTE)
    await account(world, "VC1", "another of mine 7", at=NOW + 4 * MINUTE)
    assert await code(admit(world.database, again, NOW + 5 * MINUTE)) == "PASS_ENDED"
    assert await code(log_in(world, "VC1", at=NOW + 5 * MINUTE)) == "LOGIN_REFUSED"
    # Another's are ended by who keeps accounts, and by nobody else.
    other = await keeper(world, "C1")
    async with world.database.session(other.scope) as session:
        assert await code(accounts.sign_out(session, other, "VC1", NOW + 6 * MINUTE)) == "FORBIDDEN"
    third = await log_in(world, "VC1", "another of mine 7", at=NOW + 5 * MINUTE)
    registrar = await keeper(world)
    async with world.database.session(registrar.scope) as session:
        await accounts.sign_out(session, registrar, "VC1", NOW + 6 * MINUTE)
    assert await code(admit(world.database, third, NOW + 7 * MINUTE)) == "PASS_ENDED"


# --- tokens of systems ----------------------------------------------------------------------------------------

DAYS = timedelta(days=30)


async def issued(
    world: World,
    number: str,
    actions: set[Action],
    officer: str | None = None,
    lasts: timedelta = DAYS,
    name: str = "前置机",
) -> tuple[UUID, Pass]:
    who = await keeper(world, number)
    async with world.database.session(who.scope) as session:
        key, token = await accounts.issue_service_token(session, who, name, actions, lasts, NOW, officer)
    assert token.startswith(accounts.SERVICE_PREFIX)
    shown = accounts.read(token.removeprefix(accounts.SERVICE_PREFIX), service=True)
    assert shown is not None
    assert shown.service == key
    return key, shown


async def test_a_systems_token_may_what_it_was_made_for_and_its_account_may(world: World) -> None:
    key, shown_ = await issued(world, "R1", {Action.READ_REGISTERS, Action.IMPORT_INCOME}, "VC1")
    who = await admit(world.database, shown_, NOW + MINUTE)
    today = who.at.today
    assert (who.actor.number, who.scope.areas) == ("VC1", world.officers["VC1"].scope(today).areas)
    assert {action for action in Action if who.actor.may(action, today)} == {
        Action.READ_REGISTERS,
        Action.IMPORT_INCOME,
    }
    # The registrar may import households, VC1 may not: nobody gets more by a token.
    _, more = await issued(world, "R1", {Action.IMPORT_HOUSEHOLDS}, "VC1")
    beyond = await admit(world.database, more, NOW)
    assert {action for action in Action if beyond.actor.may(action, today)} == set()
    assert await code(admit(world.database, shown_, NOW + DAYS)) == "PASS_ENDED"
    await admit(world.database, shown_, NOW + DAYS - MINUTE)
    wrong = Pass(CODE, "VC1", service=key, secret=more.secret)
    assert await code(admit(world.database, wrong, NOW)) == "PASS_ENDED"
    registrar = await keeper(world)
    async with world.database.session(registrar.scope) as session:
        await accounts.revoke_service_token(session, registrar, key, NOW + MINUTE)
    assert await code(admit(world.database, shown_, NOW + 2 * MINUTE)) == "PASS_ENDED"
    async with world.database.session(registrar.scope) as session:
        listed = await accounts.service_tokens(session, registrar)
    assert [(token.officer, token.counts(NOW + 2 * MINUTE)) for token in listed] == [("VC1", True), ("VC1", False)]


async def test_nobody_gives_away_what_he_may_not(world: World) -> None:
    before = await world.rows("select count(*) from service_token")
    for number, actions, officer, expected in (
        ("R1", {Action.EXPORT_PAYMENTS}, "FI", "FORBIDDEN"),
        ("R1", {Action.KEEP_ACCOUNTS}, None, "FORBIDDEN"),
        ("VC1", {Action.READ_CASES}, "VC2", "FORBIDDEN"),
        ("VC1", {Action.IMPORT_HOUSEHOLDS}, None, "FORBIDDEN"),
        ("R1", {Action.READ_CASES}, "nobody", "OFFICER_UNKNOWN"),
        ("VC1", set[Action](), None, "MISSING_VALUE"),
    ):
        assert await code(issued(world, number, actions, officer)) == expected
    for lasts in (timedelta(), timedelta(days=-1), timedelta(days=367)):
        assert await code(issued(world, "VC1", {Action.READ_CASES}, lasts=lasts)) == "BAD_VALUE"
    for name, expected in ((" ", "MISSING_VALUE"), ("x" * 201, "BAD_VALUE")):
        assert await code(issued(world, "VC1", {Action.READ_CASES}, name=name)) == expected
    assert await world.rows("select count(*) from service_token") == before


async def test_a_system_makes_no_tokens_and_ends_none(world: World) -> None:
    key, shown_ = await issued(world, "VC1", {Action.READ_CASES})
    system = await admit(world.database, shown_, NOW)
    async with world.database.session(system.scope) as session:
        assert (
            await code(accounts.issue_service_token(session, system, "x", {Action.READ_CASES}, DAYS, NOW))
            == "FORBIDDEN"
        )
        assert await code(accounts.revoke_service_token(session, system, key, NOW)) == "FORBIDDEN"
        assert await code(accounts.sign_out(session, system, None, NOW)) == "FORBIDDEN"
    # Another officer does not even learn that it is there.
    other = await keeper(world, "VC2")
    async with world.database.session(other.scope) as session:
        assert await code(accounts.revoke_service_token(session, other, key, NOW)) == "NOT_FOUND"
        assert await accounts.service_tokens(session, other) == []


@pytest.mark.parametrize("text", ["", "x", "990201", "990201.x.y.z", f"990201.{'0' * 32}.VkMx.{'A' * 42}",
                                  f"990201.{'0' * 32}.AA.{'A' * 43}", f"990201.{'0' * 32}._w.{'A' * 43}",
                                  f"９９０２０１.{'0' * 32}.VkMx.{'A' * 43}", f"990201.{'0' * 32}.VkMx.{'A' * 43}\n"])  # fmt: skip
def test_what_is_no_pass_is_none(text: str) -> None:
    assert accounts.read(text, service=False) is None


def test_a_pass_is_read_as_it_was_written() -> None:
    for number in ("VC1", "甲.乙", "a b\n"):
        for kind in ("session", "service"):
            made = Pass(CODE, number, secret=b"\xff" * 32, **{kind: UUID(int=7)})  # type: ignore[arg-type]
            assert accounts.read(accounts.written(made), service=kind == "service") == made


# --- a county's own provider ----------------------------------------------------------------------------------

STATED: dict[str, Any] = {
    "issuer": "https://id.example.org/realms/county", "audience": "urn:bangfu:990201", "client_id": "bangfu",
    "client_secret": "s3cret", "algorithms": ["ES256", "RS256"], "officer_claim": "staff_number",
}  # fmt: skip


async def stated(world: World, **more: Any) -> None:
    tenant = more.pop("tenant", CODE)
    async with world.database.owner() as connection:
        await set_provider(connection, world.vault, tenant, NOW, **{**STATED, **more})


async def test_a_provider_is_stated_by_the_owner_and_takes_the_place_of_local_accounts(world: World) -> None:
    await account(world, "VC1")
    assert await provider_of(world.database, CODE) is None
    await stated(world)
    found = await provider_of(world.database, CODE)
    assert found is not None
    assert (found.algorithms, found.officer_claim, found.secret(world.vault)) == (
        ("ES256", "RS256"),
        "staff_number",
        "s3cret",
    )
    assert found.client_secret is not None
    assert b"s3cret" not in found.client_secret
    assert await providers_by(world.database, found.issuer) == [found]
    assert await providers_by(world.database, "") == []
    assert await code(log_in(world, "VC1")) == "LOGIN_REFUSED"
    made = await enrolled(world, "VC1")
    attempt = accounts.set_password(world.database, world.vault, CODE, "VC1", made, Account(GOOD), NOW)
    assert await code(attempt) == "ENROLMENT_BAD"
    opened = await accounts.enter_by_provider(world.database, CODE, "VC1", NOW + MINUTE)
    assert (await admit(world.database, opened, NOW + MINUTE)).actor.number == "VC1"
    assert await code(accounts.enter_by_provider(world.database, CODE, "nobody", NOW)) == "LOGIN_REFUSED"
    await stated(world, client_secret=None, audience="urn:bangfu:other")
    other = await provider_of(world.database, CODE)
    assert other is not None
    assert (other.audience, other.secret(world.vault)) == ("urn:bangfu:other", None)
    async with world.database.owner() as connection:
        assert [await remove_provider(connection, CODE) for _ in range(2)] == [True, False]
    await log_in(world, "VC1")


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"issuer": "http://id.example.org"}, "BAD_VALUE"), ({"issuer": "id.example.org"}, "BAD_VALUE"), ({"issuer": ""}, "BAD_VALUE"),
        ({"issuer": "https://a:b@example.org"}, "BAD_VALUE"), ({"issuer": "https://[::1"}, "BAD_VALUE"),
        ({"issuer": "https://id.example.org/.well-known/openid-configuration"}, "BAD_VALUE"),
        ({"algorithms": []}, "BAD_VALUE"), ({"algorithms": ["RS256", "HS256"]}, "BAD_VALUE"), ({"algorithms": ["none"]}, "BAD_VALUE"),
        ({"audience": " "}, "MISSING_VALUE"), ({"client_id": ""}, "MISSING_VALUE"), ({"officer_claim": ""}, "MISSING_VALUE"),
        ({"tenant": "990999"}, "TENANT_UNKNOWN"),
    ],
)  # fmt: skip
async def test_what_would_not_be_safe_is_not_stated(world: World, more: dict[str, Any], expected: str) -> None:
    assert await code(stated(world, **more)) == expected
    assert await provider_of(world.database, CODE) is None


async def test_two_counties_of_one_issuer_have_audiences_of_their_own(world: World) -> None:
    from bangfu.access import create_county

    async with world.database.owner() as connection:
        await create_county(connection, "990202", "邻县", NOW, officer=("R1", "管理员"))
    await stated(world)
    assert await code(stated(world, tenant="990202")) == "BAD_VALUE"
    await stated(world, tenant="990202", audience="urn:bangfu:990202")
    found = await providers_by(world.database, STATED["issuer"])
    assert {(one.tenant, one.audience) for one in found} == {
        (CODE, "urn:bangfu:990201"),
        ("990202", "urn:bangfu:990202"),
    }
    other = next(one for one in found if one.tenant == "990202")
    mine = next(one for one in found if one.tenant == CODE)
    assert mine.client_secret is not None
    with pytest.raises(VaultError):
        world.vault.reveal(mine.client_secret, PLACE, other.tenant_id)


def test_what_is_asked_is_https_or_this_machine() -> None:
    for safe in ("https://id.example.org", "http://127.0.0.1:8080/x", "http://localhost", "http://[::1]:1/"):
        assert is_safe(safe)
    for unsafe in ("http://id.example.org", "ftp://127.0.0.1", "http://127.0.0.1.example.org", "//127.0.0.1", "https://",
                   "http://localhost@example.org", "https://x/\n", "file:///etc/passwd"):  # fmt: skip
        assert not is_safe(unsafe)
    assert all(not name.startswith("HS") and name != "none" for name in ALGORITHMS)
