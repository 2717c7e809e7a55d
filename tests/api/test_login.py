"""Logging in with a browser, by the county's own accounts or its provider; and that nobody else can send its cookie."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from sqlalchemy import text

from bangfu import accounts
from bangfu.access import create_county, enter
from bangfu.accounts import Account, code_at
from bangfu.db import Scope
from bangfu.settings import Settings
from bangfu_graphql import login
from tests.api.conftest import Served
from tests.api.provider import Provider, new_key
from tests.api.test_passes import provider
from tests.api.test_tokens import nobody
from tests.county import CODE

PASSWORD = "稻花香里说丰年 gezvz 7"
WHO = {"query": "{ viewer { number county } loginSessions { way current } }"}


@pytest.fixture
async def browser(served: Served) -> AsyncIterator[Browser]:
    async with Browser(served) as made:
        yield made


class Browser:
    """A browser: it keeps cookies, says where its requests come from, and follows nothing by itself."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.client = httpx2.AsyncClient(timeout=60, follow_redirects=False, verify=False)

    async def __aenter__(self) -> Browser:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.aclose()

    @property
    def address(self) -> str:
        return self.served.address

    @property
    def cookie(self) -> str | None:
        return self.client.cookies.get("bangfu")

    async def look(self, path: str) -> httpx2.Response:
        return await self.client.get(self.address + path if path.startswith("/") else path)

    async def send(self, path: str, **fields: str) -> httpx2.Response:
        """Send a form of ours."""
        headers = {"Origin": self.address, "Sec-Fetch-Site": "same-origin"}
        return await self.client.post(self.address + path, data=fields, headers=headers)

    async def log_in(self, officer: str = "VC1", password: str = PASSWORD, code: str = "") -> httpx2.Response:
        return await self.send(f"/login/{CODE}", officer=officer, password=password, code=code)

    async def ask(self, body: Any = WHO, **headers: str) -> httpx2.Response:
        """Ask as the console does."""
        own = {"X-Bangfu-Client": "console", "Origin": self.address, "Accept-Language": "en", **headers}
        return await self.client.post(self.address + "/graphql", json=body, headers={k: v for k, v in own.items() if v})

    async def by_provider(self) -> httpx2.Response:
        """Log in with the county's provider, as far as it goes; what our server answers at the end."""
        there = (await self.look(f"/login/{CODE}/oidc")).headers["location"]
        back = (await self.look(there)).headers["location"]
        return await self.look(back)


async def account(served: Served, number: str = "VC1", seed: str = "") -> None:
    """An account with a password."""
    now, world = datetime.now(UTC), served.world
    who = await enter(world.database, CODE, "R1")
    async with world.database.session(who.scope) as session:
        made = await accounts.enrol(session, who, number, now)
    code = shown(seed, now) if seed else ""
    await accounts.set_password(world.database, world.vault, CODE, number, made, Account(PASSWORD, seed, code), now)


def shown(seed: str, at: datetime) -> str:
    raw = accounts._seed_bytes(seed)
    assert raw is not None
    return code_at(raw, int(at.timestamp()) // accounts.STEP)


def in_as(answer: httpx2.Response, number: str, way: str) -> None:
    assert answer.json() == {
        "data": {"viewer": {"number": number, "county": "测试县"}, "loginSessions": [{"way": way, "current": True}]}
    }


async def own(served: Served, number: str, sql: str) -> list[Any]:
    who = served.world.officers[number]
    async with served.world.database.session(Scope(served.world.tenant.id, officer=who.id)) as session:
        return [tuple(row) for row in (await session.execute(text(sql))).all()]


# --- local accounts -------------------------------------------------------------------------------------------


async def test_from_the_enrolment_code_to_the_console_and_out_again(served: Served, browser: Browser) -> None:
    made = (await served.operation("R1", "enrol_officer", officer="R1")).data["enrolOfficer"]["code"]
    page = await browser.look(f"/login/{CODE}/enrol")
    (seed,) = re.findall(r'name="seed" value="([A-Z2-7]{32})"', page.text)
    fields = {"officer": "R1", "enrolment": made, "password": PASSWORD, "again": PASSWORD, "seed": seed}
    refused = await browser.send(f"/login/{CODE}/enrol", **fields, code="")
    assert (refused.status_code, "动态验证码登录" in refused.text) == (403, True)
    assert seed in refused.text
    assert PASSWORD not in refused.text
    different = await browser.send(f"/login/{CODE}/enrol", **{**fields, "again": "x"}, code="")
    assert "密码过于简单" in different.text
    now = datetime.now(UTC)
    done = await browser.send(f"/login/{CODE}/enrol", **fields, code=shown(seed, now))
    assert (done.status_code, done.headers["location"]) == (303, f"/login/{CODE}")
    again = await browser.send(f"/login/{CODE}/enrol", **fields, code=shown(seed, now))
    assert "激活码无效" in again.text
    # The code has been used for enrolling; the next one lets in.
    replayed = await browser.log_in("R1", code=shown(seed, now))
    assert (replayed.status_code, browser.cookie) == (403, None)
    entered = await browser.log_in("R1", code=shown(seed, now + timedelta(seconds=30)))
    assert (entered.status_code, entered.headers["location"]) == (303, login.HOME)
    in_as(await browser.ask(), "R1", "password+code")
    left = await browser.send("/logout")
    assert (left.status_code, left.headers["location"], browser.cookie) == (303, f"/login/{CODE}", None)


async def test_the_cookie_is_read_by_no_script_and_sent_by_no_other_page(served: Served, browser: Browser) -> None:
    await account(served)
    header = (await browser.log_in()).headers["set-cookie"]
    assert re.fullmatch(
        rf"bangfu={CODE}\.[0-9a-f]{{32}}\.[\w-]+\.[\w-]{{43}}; HttpOnly; Max-Age=43200; Path=/; SameSite=strict", header
    )
    in_as(await browser.ask(), "VC1", "password")
    in_as(await browser.ask(Origin=""), "VC1", "password")
    for headers in (
        {"X-Bangfu-Client": ""}, {"Origin": "https://example.org"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "none"}, {"Origin": browser.address.replace("127.0.0.1", "localhost")},
    ):  # fmt: skip
        nobody(await browser.ask(**headers))
    # Whoever shows a token is not taken for the cookie's.
    token = await browser.ask(Authorization=f"Bearer {served.token('C1')}")
    assert token.json()["data"]["viewer"]["number"] == "C1"
    nobody(await browser.ask(Authorization="Bearer x"))
    page = await browser.client.get(f"{browser.address}/graphql", params=WHO, headers={"Accept-Language": "en"})
    nobody(page)


async def test_a_cookie_is_of_one_session_of_one_officer_of_one_county(served: Served, browser: Browser) -> None:
    async with served.world.database.owner() as connection:
        await create_county(connection, "990202", "邻县", datetime(2021, 1, 1, tzinfo=UTC), officer=("VC1", "管理员"))
    await account(served)
    await account(served, "VC2")
    await browser.log_in()
    first = browser.cookie
    await browser.log_in()
    second = browser.cookie
    await browser.log_in("VC2")
    other = browser.cookie
    assert first is not None
    assert second is not None
    assert other is not None
    assert len({first, second, other}) == 3
    (county, key, officer, secret), (_, key2, _, secret2) = first.split("."), second.split(".")
    wrong = (
        f"990202.{key}.{officer}.{secret}", f"{county}.{key2}.{officer}.{secret}", f"{county}.{key}.{officer}.{secret2}",
        f"{county}.{key}.{other.split('.')[2]}.{secret}", f"{county}.{key}.{officer}.{secret[:-1]}", f"{county}.{key}.{officer}.{'A' * 43}",
        "", "x", "....", "a" * 5000,
    )  # fmt: skip
    headers = {"X-Bangfu-Client": "x", "Accept-Language": "en"}
    for cookie in wrong:
        for name in ("bangfu", "__Host-bangfu"):
            own = {**headers, "Cookie": f"{name}={cookie}"}
            nobody(await served.client.post(served.url, json=WHO, headers=own))
    nobody(await served.client.post(served.url, json=WHO, headers={**headers, "Cookie": f"__Host-bangfu={first}"}))
    good = await served.client.post(served.url, json=WHO, headers={**headers, "Cookie": f"bangfu={first}"})
    assert good.json()["data"]["viewer"]["number"] == "VC1"


async def test_a_session_that_somebody_else_chose_is_not_taken_over(served: Served, browser: Browser) -> None:
    await account(served)
    await account(served, "VC2")
    await browser.log_in("VC2")
    planted = browser.cookie
    assert planted is not None
    await browser.log_in("VC1")
    assert browser.cookie is not None
    assert browser.cookie.split(".")[1] != planted.split(".")[1]
    assert browser.cookie.split(".")[3] != planted.split(".")[3]
    in_as(await browser.ask(), "VC1", "password")


async def test_who_is_logged_out_is_out_on_the_next_request(served: Served, browser: Browser) -> None:
    await account(served)
    await browser.log_in()
    kept = {"Cookie": f"bangfu={browser.cookie}", "X-Bangfu-Client": "x", "Accept-Language": "en"}
    elsewhere = await browser.client.post(f"{browser.address}/logout", headers={"Origin": "https://example.org"})
    assert elsewhere.status_code == 403
    assert (await browser.client.post(f"{browser.address}/logout")).status_code == 403
    in_as(await served.client.post(served.url, json=WHO, headers=kept), "VC1", "password")
    assert (await browser.send("/logout")).status_code == 303
    nobody(await served.client.post(served.url, json=WHO, headers=kept))
    nobody(await served.client.get(f"{served.address}/files/x", headers=kept))
    assert (await browser.send("/logout")).headers["location"] == "/login"
    actions = [row[0] for row in await served.world.rows("select action from audit_entry order by id desc limit 2")]
    assert actions == ["log_out", "log_in"]


async def test_what_is_idle_for_half_an_hour_is_out_and_what_is_used_is_noted(served: Served, browser: Browser) -> None:
    await account(served)
    await browser.log_in()
    in_as(await browser.ask(), "VC1", "password")
    past = "update login_session set seen_at = now() - interval '{} minutes' returning 1"
    assert await own(served, "VC1", past.format(29)) == [(1,)]
    served.service.seen.clear()
    in_as(await browser.ask(), "VC1", "password")
    assert await own(served, "VC1", "select seen_at > now() - interval '1 minute' from login_session") == [(True,)]
    await own(served, "VC1", past.format(30))
    nobody(await browser.ask())


async def test_every_refusal_looks_the_same_and_takes_as_long(served: Served, browser: Browser) -> None:
    await account(served)
    asked = {
        "wrong password": (CODE, "VC1", "wrong password 1"), "no password": (CODE, "VC1", ""), "no account": (CODE, "VC3", PASSWORD),
        "nobody": (CODE, "nobody", PASSWORD), "no county": ("990999", "VC1", PASSWORD),
    }  # fmt: skip
    pages, times = set(), []
    for county, officer, password in asked.values():
        begun = time.monotonic()
        answer = await browser.send(f"/login/{county}", officer=officer, password=password, code="")
        times.append(time.monotonic() - begun)
        assert answer.status_code == 403
        pages.add(answer.text.replace(officer, "X").replace(county, "Y"))
    assert len(pages) == 1
    assert min(times) >= login.REFUSED_AFTER
    assert browser.cookie is None
    for _ in range(3):
        await browser.log_in(password="wrong password 2")
    locked = await browser.log_in()
    assert locked.status_code == 403
    assert locked.text.replace("VC1", "X").replace(CODE, "Y") in pages
    assert await own(served, "VC1", "select failures, locked_until > now() from credential") == [(5, True)]


async def test_a_form_is_one_of_ours_or_not_looked_at(served: Served, browser: Browser) -> None:
    await account(served)
    fields = {"officer": "VC1", "password": PASSWORD, "code": ""}
    address = f"{browser.address}/login/{CODE}"
    for headers in ({}, {"Origin": "https://example.org"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
                    {"Origin": browser.address, "Sec-Fetch-Site": "same-site"}):  # fmt: skip
        for path in ("", "/enrol"):
            answer = await browser.client.post(address + path, data=fields, headers=headers)
            assert (answer.status_code, browser.cookie) == (403, None)
    ours = {"Origin": browser.address}
    assert (await browser.client.post(address, json=fields, headers=ours)).status_code == 415
    assert (await browser.client.post(address, data={**fields, "officer": "a\0b"}, headers=ours)).status_code == 400
    assert (await browser.client.post(address, data=fields, headers=ours)).status_code == 303
    for path in (
        "/login/x",
        "/login/99020",
        "/login/९९०२०१",
        f"/login/{CODE}/x",
        "/login/099020",
        f"/login/{CODE}/oidc",
    ):
        assert (await browser.look(path)).status_code == 404, path


async def test_the_pages_fetch_nothing_and_run_nothing(served: Served, browser: Browser) -> None:
    assert (await browser.look(f"/login?county={CODE}")).headers["location"] == f"/login/{CODE}"
    for path in ("/login", "/login?county=x", f"/login/{CODE}", f"/login/{CODE}/enrol"):
        page = await browser.look(path)
        assert page.status_code == 200
        assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        assert page.headers["cache-control"] == "no-store"
        assert "<script" not in page.text
        assert "http" not in page.text
    named = await browser.send(f"/login/{CODE}", officer='"><script>x</script>', password="x", code="")
    assert "<script" not in named.text


async def test_passwords_do_not_go_in_the_open(served: Served, browser: Browser) -> None:
    await account(served)
    for host in ("bangfu.example.org", "127.0.0.1.example.org", "[::1", "", "localhost@example.org"):
        headers = {"Host": host, "Origin": f"http://{host}"}
        answer = await browser.client.get(f"{browser.address}/login/{CODE}", headers=headers)
        assert answer.status_code == 400, host
    # A county that says so serves its people by plain http; over https the cookie is for https alone.
    for address, name, secure in (
        ("http://10.1.2.3", "bangfu", False),
        ("https://bangfu.example.org", "__Host-bangfu", True),
    ):
        object.__setattr__(
            served.world.database, "settings", Settings(home=served.service.settings.home, public_url=address)
        )
        fields = {"officer": "VC1", "password": PASSWORD, "code": ""}
        entered = await browser.client.post(f"{browser.address}/login/{CODE}", data=fields, headers={"Origin": address})
        assert entered.status_code == 303
        assert entered.headers["set-cookie"].startswith(f"{name}={CODE}.")
        assert ("Secure" in entered.headers["set-cookie"]) is secure
        held = {"Cookie": entered.headers["set-cookie"].split(";")[0], "X-Bangfu-Client": "x", "Origin": address}
        assert (await served.client.post(served.url, json=WHO, headers=held)).json()["data"]["viewer"][
            "number"
        ] == "VC1"
        elsewhere = {**held, "Origin": browser.address}
        assert (await served.client.post(served.url, json=WHO, headers=elsewhere)).status_code == 401


def test_the_public_address_is_one() -> None:
    made = Settings.from_environment({"BANGFU_HOME": "/x", "BANGFU_PUBLIC_URL": "https://bangfu.example.org"})
    assert made.public_url == "https://bangfu.example.org"
    for wrong in ("bangfu.example.org", "https://bangfu.example.org/", "ftp://x", "https://", "https://x/y?z"):
        with pytest.raises(ValueError, match="BANGFU_PUBLIC_URL"):
            Settings.from_environment({"BANGFU_HOME": "/x", "BANGFU_PUBLIC_URL": wrong})


# --- the county's own provider --------------------------------------------------------------------------------


async def test_a_login_with_the_countys_provider(served: Served, provider: Provider, browser: Browser) -> None:
    page = await browser.look(f"/login/{CODE}")
    assert f'href="/login/{CODE}/oidc"' in page.text
    assert "password" not in page.text
    begun = await browser.look(f"/login/{CODE}/oidc")
    there = parse_qs(urlsplit(begun.headers["location"]).query)
    assert begun.headers["location"].startswith(f"{provider.address}/authorize?")
    assert (there["code_challenge_method"], there["redirect_uri"]) == (
        ["S256"],
        [f"{browser.address}/login/{CODE}/callback"],
    )
    assert {"state", "nonce", "code_challenge", "client_id", "scope"} <= set(there)
    assert re.search(
        r"bangfu-login=\S+; path=/login; Max-Age=600; httponly; samesite=lax$", begun.headers["set-cookie"]
    )
    back = (await browser.look(begun.headers["location"])).headers["location"]
    entered = await browser.look(back)
    assert (entered.status_code, entered.headers["location"]) == (303, login.HOME)
    in_as(await browser.ask(), "VC1", "provider")
    assert browser.client.cookies.get("bangfu-login") is None
    # The way back leads in once: neither the state nor the code counts again.
    for again in (back, back.replace("code=", "code=x")):
        assert (await browser.look(again)).status_code == 403
    # There is no other way in.
    assert (await browser.log_in()).status_code == 403


async def test_a_way_back_that_did_not_begin_here_leads_nowhere(
    served: Served, provider: Provider, browser: Browser
) -> None:
    there = (await browser.look(f"/login/{CODE}/oidc")).headers["location"]
    back = (await browser.look(there)).headers["location"]
    async with Browser(served) as other:  # the attacker's code in somebody else's browser
        assert (await other.look(back)).status_code == 403
        assert other.cookie is None
        there2 = (await other.look(f"/login/{CODE}/oidc")).headers["location"]
        await other.look(there2)
        assert (await other.look(back)).status_code == 403
        assert other.cookie is None
    path = f"/login/{CODE}/callback"
    for query in (
        "",
        "?code=x",
        "?state=x",
        "?code=x&state=x",
        "?error=access_denied",
        "?error=x&error_description=%3Cscript%3E",
    ):
        answer = await browser.look(path + query)
        assert answer.status_code == 403
        assert "<script" not in answer.text
    assert browser.cookie is None


async def test_who_the_provider_says_it_is_is_proved(served: Served, provider: Provider, browser: Browser) -> None:
    now = int(datetime.now(UTC).timestamp())
    before = await served.snapshot()
    for says in (
        {"nonce": "x"}, {"nonce": None}, {"aud": "another"}, {"aud": None}, {"iss": "https://id.example.org"}, {"iss": None},
        {"exp": now - 61, "iat": now - 900}, {"exp": None}, {"iat": None}, {"iat": now + 120}, {"key": new_key()}, {"sub": None},
        {"staff_number": None}, {"staff_number": "nobody"}, {"staff_number": ["VC1"]}, {"staff_number": ""}, {"azp": "another"},
    ):  # fmt: skip
        provider.says = says
        answer = await browser.by_provider()
        assert (answer.status_code, browser.cookie) == (403, None), says
    assert await served.snapshot() == before
    provider.says = {}
    assert (await browser.by_provider()).status_code == 303


async def test_a_code_without_its_verifier_is_nothing(served: Served, provider: Provider, browser: Browser) -> None:
    there = (await browser.look(f"/login/{CODE}/oidc")).headers["location"]
    back = (await browser.look(there)).headers["location"]
    (code,) = parse_qs(urlsplit(back).query)["code"]
    provider.codes[code]["code_challenge"] = "x" * 43
    assert (await browser.look(back)).status_code == 403
    assert browser.cookie is None
    async with Browser(served) as other:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": f"{browser.address}/login/{CODE}/callback",
        }
        assert (await other.client.post(f"{provider.address}/token", data=form)).status_code == 400


async def test_a_new_key_of_the_provider_is_found_at_a_login(
    served: Served, provider: Provider, browser: Browser
) -> None:
    assert (await browser.by_provider()).status_code == 303
    provider.keys = [new_key("ES256")]
    assert (await browser.by_provider()).status_code == 403  # it was asked for its keys within the minute
    known = served.service.keys._known[provider.address]
    known.asked -= 61
    assert (await browser.by_provider()).status_code == 303
    assert provider.asked.count("jwks") == 2


async def test_a_provider_that_is_down_or_unsafe_is_no_way_in(
    served: Served, provider: Provider, browser: Browser
) -> None:
    provider.down = True
    assert (await browser.look(f"/login/{CODE}/oidc")).status_code == 403
    provider.down = False
    provider.metadata = {"authorization_endpoint": "http://id.example.org/authorize"}
    served.service.keys._known.clear()
    assert (await browser.look(f"/login/{CODE}/oidc")).status_code == 403


__all__ = ["provider"]
