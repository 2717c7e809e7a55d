"""Who asks: only a token of ours, whole and in time, names anybody; and it names nothing but a person of one county."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from threading import Barrier
from typing import Any

import httpx2
import pytest
from click.testing import CliRunner
from joserfc import jws
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey
from sqlalchemy import text

from bangfu.access import create_county
from bangfu.cli import main
from bangfu.db.embedded import EmbeddedServer
from bangfu.errors import Refused
from bangfu.settings import Settings
from bangfu_graphql.tokens import Issuer, Tokens, Unauthenticated, token_in
from tests.api.conftest import ISSUER, Served, whole
from tests.conftest import FAST
from tests.county import CODE, POSTED, SEPTEMBER, V1

NOW = datetime.now(UTC)
SECONDS = int(NOW.timestamp())
HEADER = {"alg": "RS256", "typ": "at+jwt", "kid": ISSUER.key.kid}
CLAIMS: dict[str, Any] = {
    "iss": "urn:bangfu:built-in", "aud": "urn:bangfu:api", "sub": "C1", "tenant": CODE, "client_id": "bangfu",
    "iat": SECONDS, "exp": SECONDS + 3600, "jti": "x",
}  # fmt: skip
WHO = "{ viewer { number county } }"

# --- tokens of every kind -------------------------------------------------------------------------------------


def part(value: object) -> str:
    """One of the three parts of a token."""
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(payload: object = CLAIMS, header: Mapping[str, Any] = HEADER, key: RSAKey = ISSUER.key) -> str:
    """A token as an issuer would sign it, whatever it says."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return jws.serialize_compact(dict(header), body, plain(key.as_pem(private=True)), algorithms=[header["alg"]])


@cache
def plain(pem: bytes) -> RSAKey:
    """A key that does not say what it is for; a private key is proved whenever it is read, which takes its time."""
    return RSAKey.import_key(pem)


PARTS = frozenset({"kty", "n", "e", "d", "p", "q", "dp", "dq", "qi"})


def claims(**other: Any) -> str:
    """A token that says something else; what is None is left out."""
    return signed({name: value for name, value in {**CLAIMS, **other}.items() if value is not None})


def headed(**other: Any) -> str:
    """A token with another header; what is None is left out."""
    return signed(CLAIMS, {name: value for name, value in {**HEADER, **other}.items() if value is not None})


def forged(header: Mapping[str, Any], secret: bytes) -> str:
    """A token signed with a secret."""
    message = f"{part(header)}.{part(CLAIMS)}"
    return f"{message}.{part(hmac.new(secret, message.encode(), hashlib.sha256).digest())}"


GOOD = signed()
HEAD, BODY, SIGNATURE = GOOD.split(".")
PUBLIC = ISSUER.key.as_dict(private=False)
DEEP = b"[" * 20_000 + b"]" * 20_000
HMAC = {**HEADER, "alg": "HS256"}
OTHER = Issuer.new()
ALGORITHMS: list[object] = ["none", "None", "nOnE", "NONE", "HS256", "ES256", "", None, 1, [], {}]
HEADS: list[object] = [[], 1, None, "x", b"{", b"\xff"]
NAMES: list[object] = ["", "x", 1, 1.5, True, [], {}, ["x"], "a\0b", "C1 ", CODE + "0", "%", "c1", {"a": "b"}]
NO_TIMES: list[object] = ["x", "", [], {}, "2021-01-01"]
TIMES: dict[str, object] = {**{repr(value): value for value in NO_TIMES}, "seconds as a text": str(SECONDS + 60)}
WRONG: dict[str, str] = {
    # No token at all
    "a word": "x", "two dots": "..", "three words": "a.b.c", "four dots": "a.b.c.d.e", "no signature": f"{HEAD}.{BODY}",
    "more after it": f"{GOOD}.x", "a word after it": f"{GOOD} x", "another after it": f"{GOOD},{GOOD}", "JSON": json.dumps({"payload": BODY}),
    "padding": f"{HEAD}==.{BODY}.{SIGNATURE}", "not ASCII": "é.é.é", "long": "x" * 30_000,
    # Signed by nobody, or by somebody else
    "an empty signature": f"{HEAD}.{BODY}.", "another signature": f"{HEAD}.{BODY}.{part(b'x' * 256)}",
    "another body": f"{HEAD}.{part({**CLAIMS, 'sub': 'C2'})}.{SIGNATURE}", "another head": f"{part({**HEADER, 'x': 1})}.{BODY}.{SIGNATURE}",
    "a signature of another": f"{HEAD}.{BODY}.{claims(sub='C2').split('.')[2]}",
    "another key": OTHER.issue(CODE, "C1", NOW, timedelta(hours=1)), "another key of the same name": signed(key=OTHER.key),
    "an unknown key": headed(kid="zz"),
    **{f"algorithm {name!r}": f"{part({**HEADER, 'alg': name})}.{BODY}." for name in ALGORITHMS},
    **{f"algorithm {name!r}, signed": f"{part({**HEADER, 'alg': name})}.{BODY}.{SIGNATURE}" for name in ALGORITHMS},
    **{f"algorithm {name} of the same key": headed(alg=name) for name in ("RS384", "RS512", "PS256")},
    "no algorithm": f"{part({'typ': 'at+jwt', 'kid': ISSUER.key.kid})}.{BODY}.{SIGNATURE}",
    "the public key as a secret, PEM": forged(HMAC, ISSUER.key.as_pem(private=False)),
    "the public key as a secret, DER": forged(HMAC, ISSUER.key.as_der(private=False)),
    "the public key as a secret, JSON": forged(HMAC, json.dumps(PUBLIC).encode()),
    "no secret": forged(HMAC, b""),
    "encrypted": f"{part({'alg': 'RSA-OAEP', 'enc': 'A256GCM', 'kid': ISSUER.key.kid})}.a.b.c.d",
    "its own key": f"{part({**HEADER, 'jwk': OTHER.key.as_dict(private=False)})}.{BODY}.{signed(key=OTHER.key).split('.')[2]}",
    # A head that is none
    **{f"head {value!r}": f"{part(value)}.{BODY}.{SIGNATURE}" for value in HEADS},
    "a deep head": f"{part(b'[' * 5000)}.{BODY}.{SIGNATURE}",
    "a name that is none": f"{part({**HEADER, 'kid': []})}.{BODY}.{SIGNATURE}",
    "what it cannot do": f"{part({**HEADER, 'crit': ['x'], 'x': 1})}.{BODY}.{SIGNATURE}",
    # Signed by us, for something else
    "type JWT": headed(typ="JWT"), "no type": headed(typ=None), "an empty type": headed(typ=""), "type id": headed(typ="id+jwt"),
    **{f"body {value!r}": signed(value) for value in (b"[]", b'"x"', b"null", b"1", b"{", b"\xff", b"")}, "a deep body": signed(b'{"a":' + DEEP + b"}"),
    **{f"no {name}": claims(**{name: None}) for name in CLAIMS},
    **{f"{name} {value!r}": claims(**{name: value}) for name in ("iss", "aud", "sub", "tenant") for value in NAMES},
    **{f"{name} {said}": claims(**{name: value}) for name in ("iat", "exp") for said, value in TIMES.items()},
    "another issuer": claims(iss="https://example.org"), "another audience": claims(aud="urn:bangfu:other"), "other audiences": claims(aud=["a", "b"]),
    # In its time
    "over": claims(iat=SECONDS - 7200, exp=SECONDS - 1), "over for long": claims(iat=1, exp=2), "just over": claims(exp=SECONDS),
    "to come": claims(iat=SECONDS + 3600, exp=SECONDS + 7200), "not yet": claims(nbf=SECONDS + 3600), "never": claims(nbf="x"),
    # Nobody
    "an unknown county": claims(tenant="990999"), "an unknown officer": claims(sub="nobody"), "another county's officer": claims(tenant="990202"),
}  # fmt: skip
REFUSED = {
    "errors": [
        {
            "message": "Sign in first: the token is missing, not valid, or has expired.",
            "extensions": {"code": "UNAUTHENTICATED"},
        }
    ]
}


async def ask(served: Served, authorization: str | bytes | None, path: str = "/graphql") -> httpx2.Response:
    """Ask who one is, with a header as it stands."""
    headers: dict[str, Any] = {"Accept-Language": "en"}
    if authorization is not None:
        headers["Authorization"] = authorization
    if path == "/graphql":
        return await served.client.post(served.url, json={"query": WHO}, headers=headers)
    return await served.client.get(served.address + path, headers=headers)


def nobody(response: httpx2.Response) -> None:
    """The one answer to whoever is nobody."""
    assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer"), response.text
    body = response.json()
    assert body["errors"][0]["extensions"].pop("traceId") == response.headers["X-Trace-Id"]
    assert body == REFUSED


@pytest.fixture(autouse=True)
def _no_faults(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever is sent for a token is no fault of ours."""
    with caplog.at_level(logging.DEBUG, "bangfu.api"):
        yield
    assert [record for record in caplog.records if record.name == "bangfu.api"] == []


@pytest.mark.parametrize("name", WRONG)
async def test_what_is_no_token_of_ours_names_nobody(standing: Served, name: str) -> None:
    header = b"Bearer " + WRONG[name].encode()
    nobody(await ask(standing, header))
    nobody(await ask(standing, header, "/files/x"))


@pytest.mark.parametrize(
    "header",
    [None, "x", "Bearer", "Bearer x", GOOD, f"Basic {GOOD}", f"Token {GOOD}", f"Bearer:{GOOD}", f"Bearer\t{GOOD}", f"Bearer, {GOOD}"],
    ids=["nothing", "a word", "no token", "no such token", "no scheme", "Basic", "Token", "a colon", "a tab", "a comma"],
)  # fmt: skip
async def test_a_header_is_a_bearers(standing: Served, header: str | None) -> None:
    nobody(await ask(standing, header))
    for query in ("{", "{ nope }", "mutation { __typename }", ""):
        headers = {"Accept-Language": "en", **({} if header is None else {"Authorization": header})}
        nobody(await standing.client.post(standing.url, json={"query": query}, headers=headers))
        nobody(await standing.client.get(standing.url, params={"query": query}, headers=headers))
    nobody(await standing.client.get(f"{standing.url}?access_token={GOOD}", headers={"Accept-Language": "en"}))


@pytest.mark.parametrize(
    "token",
    [
        GOOD, headed(typ="application/at+jwt"), headed(typ="AT+JWT"), headed(kid=None), claims(aud=["x", "urn:bangfu:api"]),
        claims(iat=SECONDS + 30), claims(iat=SECONDS - 10_000), claims(jti="y", scope="x", groups=["y"]), claims(nbf=SECONDS - 1),
    ],
)  # fmt: skip
async def test_a_token_of_ours_names_its_officer(standing: Served, token: str) -> None:
    for scheme in ("Bearer", "bearer", "BEARER", "Bearer "):
        answer = await ask(standing, f"{scheme} {token}")
        assert answer.json() == {"data": {"viewer": {"number": "C1", "county": "测试县"}}}


def whom(checks: Tokens, token: str, now: datetime) -> tuple[str, str]:
    """Whom a token names."""
    shown = checks.bearer(token_in(f"Bearer {token}"), now)
    return shown.tenant, shown.officer


def test_a_token_is_held_against_the_clock_at_every_request() -> None:
    checks = Tokens(ISSUER)
    token = ISSUER.issue(CODE, "C1", NOW, timedelta(hours=1))

    def named(after: timedelta) -> bool:
        try:
            return whom(checks, token, datetime.fromtimestamp(SECONDS, UTC) + after) == (CODE, "C1")
        except Unauthenticated:
            return False

    hour, second = timedelta(hours=1), timedelta(seconds=1)
    times = (-61 * second, -60 * second, 0 * second, hour - second, hour, hour * 2, 0 * second)
    assert [named(time) for time in times] == [False, True, True, True, False, False, True]
    # Those that are none are not kept: nobody can push out the others by them.
    with pytest.raises(Unauthenticated):
        checks.bearer("x", NOW)
    assert checks._checked.cache_info().currsize == 1


def test_a_token_lasts_thirty_days_at_most() -> None:
    issued = ISSUER.issue(CODE, "C1", NOW, timedelta(days=400))
    said = json.loads(base64.urlsafe_b64decode(issued.split(".")[1] + "=="))
    assert said["exp"] - said["iat"] == 30 * 24 * 3600
    assert set(said) == set(CLAIMS)
    again = ISSUER.issue(CODE, "C1", NOW, timedelta(days=1))
    assert said["jti"] != json.loads(base64.urlsafe_b64decode(again.split(".")[1] + "=="))["jti"]


# --- what a token does not say --------------------------------------------------------------------------------

OFFICERS = "工号,姓名,职责,负责区划代码,起始日期,截止日期\n"
SEEN = "{ households { totalCount } }"


async def test_a_duty_that_ends_ends_at_once(served: Served) -> None:
    assert (await served.ask("VC1", SEEN)).data == {"households": {"totalCount": 4}}
    told = "{ viewer { duties permissions } }"
    assert (await served.ask("VC1", told)).data["viewer"]["duties"] == ["VILLAGE_COMMITTEE"]
    household = (await served.ask("VC1", "{ households(first: 1) { nodes { id } } }")).data["households"]["nodes"][0][
        "id"
    ]
    await served.day(SEPTEMBER)
    ended = f"{OFFICERS}VC1,两委甲,村两委,{V1},2020-01-01,{SEPTEMBER}\n"
    assert (await served.world.bring("officers", ended, "R1")).state == "done"
    # The token is good still, and its holder nobody of consequence.
    assert (await served.ask("VC1", told)).data == {"viewer": {"duties": [], "permissions": []}}
    for query in (SEEN, "{ cases { totalCount } }", "{ officers { totalCount } }", "{ jobs { totalCount } }"):
        refused = await served.ask("VC1", query)
        assert (refused.codes, refused.body.get("data")) == (["FORBIDDEN"], None)
    node = "query($id: ID!) { node(id: $id) { id } }"
    assert (await served.ask("VC1", node, id=household)).data == {"node": None}
    await served.denied("VC1", "post_notices", "FORBIDDEN", period="2021", cases={"everything": True})
    # A duty that begins begins at once, too.
    again = f"{OFFICERS}VC1,两委甲,村两委,{V1},{POSTED},\n"
    assert (await served.world.bring("officers", again, "R1")).state == "done"
    assert (await served.ask("VC1", SEEN)).codes == ["FORBIDDEN"]
    await served.day(POSTED)
    assert (await served.ask("VC1", SEEN)).data == {"households": {"totalCount": 4}}


NEIGHBOUR = "990202"


@pytest.fixture
async def two(served: Served) -> Served:
    """Two counties, whose officers have the same numbers and whose villages the same names."""
    async with served.world.database.owner() as connection:
        await create_county(
            connection, NEIGHBOUR, "邻县", datetime(2021, 1, 1, tzinfo=UTC), officer=("C1", "邻县管理员"), demo_today=date(2021, 9, 30)
        )  # fmt: skip
    return served


async def test_the_token_of_one_county_never_shows_another(two: Served) -> None:
    async def as_neighbour(query: str, **variables: Any) -> Any:
        token = ISSUER.issue(NEIGHBOUR, "C1", datetime.now(UTC), timedelta(hours=1))
        headers = {"Authorization": f"Bearer {token}", "Accept-Language": "en"}
        response = await two.client.post(two.url, json={"query": query, "variables": variables}, headers=headers)
        return response.json()

    assert (await two.ask("C1", WHO)).data == {"viewer": {"number": "C1", "county": "测试县"}}
    assert (await as_neighbour(WHO))["data"] == {"viewer": {"number": "C1", "county": "邻县"}}
    lists = (
        "households",
        "persons",
        "income",
        "cases",
        "notices",
        "samples",
        "batches",
        "provisions",
        "jobs",
        "organizations",
    )
    for name in lists:
        assert await as_neighbour(f"{{ {name} {{ totalCount nodes {{ id }} }} }}") == {
            "data": {name: {"totalCount": 0, "nodes": []}}
        }
    mine = "{ households(first: 100) { nodes { id number } } officers { nodes { id } } jobs(first: 1) { nodes { id } } divisions { nodes { id } } }"
    own = (await two.ask("C1", mine)).data
    ids = [node["id"] for page in own.values() for node in page["nodes"]]
    assert len(ids) > 30
    for start in range(0, len(ids), 100):
        some = ids[start : start + 100]
        assert await as_neighbour("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=some) == {
            "data": {"nodes": [None] * len(some)}
        }
    assert await as_neighbour('{ household(number: "H1") { id } }') == {"data": {"household": None}}
    (officer,) = (await as_neighbour("{ officers { nodes { id } } }"))["data"]["officers"]["nodes"]
    assert officer["id"] not in ids
    assert await as_neighbour("{ divisions { totalCount } }") == {"data": {"divisions": {"totalCount": 0}}}
    # What the one runs, the other does not even know.
    nothing = await as_neighbour('{ consolidation(period: "2021") { __typename } }')
    assert nothing["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    # Who is known in one county only is nobody in the other.
    for number in ("VC1", "R1"):
        stranger = ISSUER.issue(NEIGHBOUR, number, datetime.now(UTC), timedelta(hours=1))
        nobody(await ask(two, f"Bearer {stranger}"))
    file = (await two.world.rows("select file_id from job where file_id is not null limit 1"))[0][0]
    token = ISSUER.issue(NEIGHBOUR, "C1", datetime.now(UTC), timedelta(hours=1))
    assert (await ask(two, f"Bearer {token}", f"/files/{file}")).status_code == 404


async def test_what_one_county_does_the_other_does_not_see(two: Served) -> None:
    async with two.world.database.unscoped() as connection:
        found = (
            await connection.execute(text("select id from tenant_by_code(:code)"), {"code": NEIGHBOUR})
        ).scalar_one()
    assert found != two.world.tenant.id
    before = await two.snapshot()
    token = ISSUER.issue(NEIGHBOUR, "C1", datetime.now(UTC), timedelta(hours=1))
    query = 'mutation { setWorkingDay(day: "2021-10-16", worked: true, note: "x") { changed problems { code } } }'
    response = await two.client.post(two.url, json={"query": query}, headers={"Authorization": f"Bearer {token}"})
    assert response.json() == {"data": {"setWorkingDay": {"changed": True, "problems": []}}}
    assert await two.snapshot() == before
    async with two.world.database.session(whole(found)) as session:
        assert (await session.execute(text("select count(*) from calendar_day"))).scalar_one() == 1


# --- the built-in issuer --------------------------------------------------------------------------------------


def settings(home: Path, **more: Any) -> Settings:
    return Settings(home=home, **more)


def agree(one: Issuer, other: Issuer) -> bool:
    """Whether the tokens of one count with the other."""
    return whom(Tokens(other), one.issue(CODE, "C1", NOW, timedelta(hours=1)), NOW) == (CODE, "C1")


def test_an_installation_makes_its_key_once(tmp_path: Path) -> None:
    home = tmp_path / "deep" / "home"
    first = Issuer.open(settings(home))
    key = home / "issuer.json"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert [path.name for path in home.iterdir()] == ["issuer.json"]
    written = key.read_bytes()
    second = Issuer.open(settings(home))
    assert agree(first, second)
    assert agree(second, first)
    assert key.read_bytes() == written
    assert first.key.thumbprint() != Issuer.open(settings(tmp_path / "another")).key.thumbprint()


PROGRAM = """
import sys, pathlib
from bangfu.settings import Settings
from bangfu_graphql.tokens import Issuer
print(Issuer.open(Settings(home=pathlib.Path(sys.argv[1]))).key.thumbprint())
"""


def test_those_that_begin_at_once_agree(tmp_path: Path) -> None:
    at_once = Barrier(4)

    def opened(_: int) -> str:
        at_once.wait(30)
        return Issuer.open(settings(tmp_path)).key.thumbprint()

    with ThreadPoolExecutor(4) as threads:
        found = set(threads.map(opened, range(4)))
    process = subprocess.run([sys.executable, "-c", PROGRAM, tmp_path], capture_output=True, text=True, check=True)
    assert found == {process.stdout.strip()}
    assert [path.name for path in tmp_path.iterdir()] == ["issuer.json"]


def refused(**more: Any) -> None:
    with pytest.raises(Refused) as caught:
        Issuer.open(Settings(**more))
    assert caught.value.problems[0].code.name == "ISSUER_MISSING"


def test_a_database_of_ones_own_needs_a_key_of_ones_own(tmp_path: Path) -> None:
    refused(home=tmp_path, database_url="postgresql://bangfu_app@localhost/bangfu")
    assert list(tmp_path.iterdir()) == []


def test_a_key_is_given_as_json_or_as_a_path(tmp_path: Path) -> None:
    url = "postgresql://bangfu_app@localhost/bangfu"
    made = Issuer.new()
    path = tmp_path / "key.json"
    path.write_text(made.dump(), encoding="utf-8")
    for stated in (made.dump(), f"\n {made.dump()}", str(path)):
        for database in (None, url):
            found = Issuer.open(settings(tmp_path / "home", issuer_key=stated, database_url=database))
            assert agree(found, made)
            assert agree(made, found)
    assert not (tmp_path / "home").exists()
    assert json.loads(made.dump())["d"] not in repr(found)


def test_a_key_of_other_makers_has_no_name_yet(tmp_path: Path) -> None:
    plain = {name: value for name, value in Issuer.new().key.as_dict(private=True).items() if name in PARTS}
    found = Issuer.open(settings(tmp_path, issuer_key=json.dumps(plain)))
    assert agree(found, Issuer.open(settings(tmp_path, issuer_key=json.dumps(plain))))
    assert found.key.kid == found.key.thumbprint()


KEY = ISSUER.key.as_dict(private=True)
KEYS: dict[str, object] = {
    "nothing": {}, "the public part": PUBLIC, "an EC key": ECKey.generate_key("P-256").as_dict(private=True),
    "a secret": OctKey.generate_key(256).as_dict(private=True), "a set of keys": KeySet([ISSUER.key]).as_dict(private=True),
    "one to encrypt with": {**KEY, "use": "enc"}, "one for another algorithm": {**KEY, "alg": "PS256"},
    "one to verify with": {**KEY, "key_ops": ["verify"]}, "a name that is none": {**KEY, "kid": 1}, "a broken one": {**KEY, "n": "AQ"},
    "half of one": {name: value for name, value in KEY.items() if name != "e"}, "a number for a part": {**KEY, "n": 1},
}  # fmt: skip


@pytest.mark.parametrize("name", KEYS)
def test_a_key_that_cannot_sign_is_none(tmp_path: Path, name: str) -> None:
    refused(home=tmp_path, issuer_key=json.dumps(KEYS[name]))
    path = tmp_path / "key.json"
    path.write_text(json.dumps(KEYS[name]), encoding="utf-8")
    refused(home=tmp_path, issuer_key=str(path))


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"null", b'"x"', b"1", b"\xff\xfe", ISSUER.key.as_pem(private=True)]
)
def test_a_file_that_is_no_key_is_none(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(data)
    refused(home=tmp_path, issuer_key=str(path))
    refused(home=tmp_path, issuer_key=str(tmp_path))
    refused(home=tmp_path, issuer_key=str(tmp_path / "nowhere"))
    refused(home=tmp_path, issuer_key="{")
    refused(home=tmp_path, issuer_key="a\0b")


async def test_everybody_may_have_the_public_keys_and_nobody_the_private_ones(standing: Served) -> None:
    response = await standing.client.get(f"{standing.address}/.well-known/jwks.json")
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    (key,) = response.json()["keys"]
    assert key == PUBLIC
    assert set(key) == {"kty", "n", "e", "kid", "use", "alg"}
    for secret in PARTS - {"kty", "n", "e"}:
        assert str(KEY[secret]) not in response.text
    assert (await standing.client.post(f"{standing.address}/.well-known/jwks.json")).status_code == 405
    # A token that was made here can be checked elsewhere by them.
    assert jws.deserialize_compact(GOOD.encode(), KeySet.import_key_set(response.json()), algorithms=["RS256"]).payload


async def test_nobody_gets_a_token_over_the_network(standing: Served) -> None:
    for path in (
        "/token",
        "/oauth/token",
        "/authorize",
        "/graphql/token",
        "/.well-known/openid-configuration",
        "/login/token",
    ):
        for method in ("GET", "POST"):
            assert (await standing.client.request(method, standing.address + path)).status_code == 404


# --- the command ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An installation with a county in it."""
    home = tmp_path_factory.mktemp("tokens")
    server = EmbeddedServer.start(home, options=FAST)
    typed(home, "tenant", "create", CODE, "测试县", "--officer", "R1", "--officer-name", "管理员")
    yield home
    server.release()
    EmbeddedServer.remove(home)


def typed(home: Path, *arguments: str, code: int = 0, officer: str = "R1", **more: str) -> str:
    """What a command says; on the wrong channel if it fails."""
    environment = {"BANGFU_HOME": str(home), "BANGFU_TENANT": CODE, "BANGFU_OFFICER": officer, "BANGFU_LANGUAGE": "en"}
    result = CliRunner(env=environment | more).invoke(main, arguments)
    assert result.exit_code == code, result.output + result.stderr
    return result.stderr if code else result.stdout


def test_bangfu_token_prints_a_token_that_works(installation: Path) -> None:
    issuer = Issuer.open(settings(installation))
    checks = Tokens(issuer)
    for options, days in ((), 1), (("--days", "1"), 1), (("--days", "30"), 30):
        printed = typed(installation, "token", *options)
        assert printed.endswith("\n")
        assert len(printed.split()) == 1
        now = datetime.now(UTC)
        assert whom(checks, printed.strip(), now) == (CODE, "R1")
        assert whom(checks, printed.strip(), now + timedelta(days=days, minutes=-5)) == (CODE, "R1")
        with pytest.raises(Unauthenticated):
            checks.bearer(printed.strip(), now + timedelta(days=days))
    # With a key of one's own it is that one.
    own = Issuer.new()
    printed = typed(installation, "token", BANGFU_ISSUER_KEY=own.dump())
    assert whom(Tokens(own), printed.strip(), datetime.now(UTC)) == (CODE, "R1")
    with pytest.raises(Unauthenticated):
        checks.bearer(printed.strip(), datetime.now(UTC))


def test_bangfu_token_makes_none_for_nobody(installation: Path) -> None:
    assert "OFFICER_UNKNOWN" in typed(installation, "token", code=1, officer="nobody")
    assert "TENANT_UNKNOWN" in typed(installation, "token", code=1, BANGFU_TENANT="990999")
    assert "ISSUER_MISSING" in typed(installation, "token", code=1, BANGFU_ISSUER_KEY="/nowhere")
    for days in ("0", "31", "-1", "x"):
        typed(installation, "token", "--days", days, code=2)


async def test_a_printed_token_is_good_with_the_server(standing: Served, installation: Path) -> None:
    printed = await asyncio.to_thread(typed, installation, "token", BANGFU_ISSUER_KEY=ISSUER.dump())
    assert (await ask(standing, f"Bearer {printed.strip()}")).json() == {
        "data": {"viewer": {"number": "R1", "county": "测试县"}}
    }
