"""What lets somebody in besides our own tokens: those of a county's provider, and those of systems; and what ends them
all on the next request."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc.jwk import OctKey
from sqlalchemy import text

from bangfu import accounts
from bangfu.access import create_county
from bangfu.db import Scope
from bangfu.providers import set_provider
from bangfu_graphql.providers import FRESH, INTERVAL, KEPT, Keys
from tests.api.conftest import Served
from tests.api.provider import AUDIENCE, CLAIM, CLIENT, SECRET, Provider, new_key, providing
from tests.api.test_tokens import ask, nobody, part
from tests.county import CODE

NEIGHBOUR = "990202"
ME = {"data": {"viewer": {"number": "VC1", "county": "测试县"}}}


async def stated(served: Served, address: str, tenant: str = CODE, **more: Any) -> None:
    own: dict[str, Any] = {
        "issuer": address, "audience": AUDIENCE, "client_id": CLIENT, "client_secret": SECRET, "algorithms": ["RS256", "ES256"],
        "officer_claim": CLAIM, **more,
    }  # fmt: skip
    async with served.world.database.owner() as connection:
        await set_provider(connection, served.world.vault, tenant, datetime.now(UTC), **own)


@pytest.fixture
async def provider(served: Served) -> AsyncIterator[Provider]:
    async with providing() as made:
        await stated(served, made.address)
        yield made


class Clock:
    """A clock that stands until it is moved."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(served: Served) -> Clock:
    made = Clock()
    object.__setattr__(served.service, "keys", Keys(made))
    return made


async def test_a_token_of_the_countys_provider_names_its_officer(served: Served, provider: Provider) -> None:
    for token in (
        provider.token(), provider.token(aud=["x", AUDIENCE]), provider.token(iat=int(datetime.now(UTC).timestamp()) + 30),
        provider.token(tenant="990999"), provider.token(head={"kid": None}), provider.token(nbf=1),
    ):  # fmt: skip
        assert (await ask(served, f"Bearer {token}")).json() == ME
    assert provider.asked == ["discovery", "jwks"]


async def test_what_is_no_token_of_the_countys_provider_names_nobody(served: Served, provider: Provider) -> None:
    now = int(datetime.now(UTC).timestamp())
    other, key = new_key(), provider.keys[0]
    good = provider.token()
    head, body, signature = good.split(".")
    public = key.as_dict(private=False)

    def secret_signed(secret: bytes) -> str:
        message = f"{part({'alg': 'HS256', 'typ': 'at+jwt', 'kid': key.kid})}.{body}"
        return f"{message}.{part(hmac.new(secret, message.encode(), hashlib.sha256).digest())}"

    wrong = {
        "no algorithm": f"{part({'alg': 'none', 'typ': 'at+jwt', 'kid': key.kid})}.{body}.",
        "the public key as a secret": secret_signed(json.dumps(public).encode()),
        "its PEM as a secret": secret_signed(key.as_pem(private=False)),
        "no secret": secret_signed(b""),
        "an algorithm that is not stated": provider.token(head={"alg": "RS512"}),
        "another key": provider.token(key=other), "another key of the same name": provider.token(key=other, head={"kid": key.kid}),
        "another body": f"{head}.{part({'iss': provider.address, 'aud': AUDIENCE, CLAIM: 'R1'})}.{signature}",
        "another issuer": provider.token(iss="https://id.example.org"), "almost the issuer": provider.token(iss=provider.address + "/"),
        "no issuer": provider.token(iss=None), "a number for one": provider.token(iss=1), "our own": provider.token(iss="urn:bangfu:built-in"),
        "another audience": provider.token(aud="urn:bangfu:api"), "no audience": provider.token(aud=None), "none in the list": provider.token(aud=[]),
        "over": provider.token(iat=now - 900, exp=now - 61), "not yet": provider.token(nbf=now + 120), "to come": provider.token(iat=now + 120),
        "without end": provider.token(exp=None), "since never": provider.token(iat=None), "no id": provider.token(jti=None),
        "no client": provider.token(client_id=None), "an id token": provider.token(head={"typ": "JWT"}), "no type": provider.token(head={"typ": None}),
        "a type that is none": provider.token(head={"typ": "application/json"}), "no officer": provider.token(**{CLAIM: None}),
        "an officer who is none": provider.token(**{CLAIM: "nobody"}), "a list of officers": provider.token(**{CLAIM: ["VC1"]}),
        "a text that cannot be": provider.token(**{CLAIM: "a\0b"}), "a key that is a list": f"{part({'alg': 'RS256', 'typ': 'at+jwt', 'kid': []})}.{body}.{signature}",
    }  # fmt: skip
    assert (await ask(served, f"Bearer {good}")).json() == ME
    for name, token in wrong.items():
        response = await ask(served, f"Bearer {token}")
        assert response.status_code == 401, name
        nobody(response)


async def test_the_tenant_is_that_of_the_providers_row(served: Served, provider: Provider) -> None:
    async with served.world.database.owner() as connection:
        at = datetime(2021, 1, 1, tzinfo=UTC)
        await create_county(connection, NEIGHBOUR, "邻县", at, officer=("VC1", "邻县管理员"))
    nobody(await ask(served, f"Bearer {provider.token(aud='urn:bangfu:990202', tenant=CODE)}"))
    await stated(served, provider.address, NEIGHBOUR, audience="urn:bangfu:990202")
    neighbour = await ask(served, f"Bearer {provider.token(aud='urn:bangfu:990202', tenant=CODE)}")
    assert neighbour.json() == {"data": {"viewer": {"number": "VC1", "county": "邻县"}}}
    assert (await ask(served, f"Bearer {provider.token()}")).json() == ME
    # For both of them it is for neither.
    nobody(await ask(served, f"Bearer {provider.token(aud=[AUDIENCE, 'urn:bangfu:990202'])}"))
    # A provider of another county cannot speak for this one, whatever it says.
    async with providing() as foreign:
        await stated(served, foreign.address, NEIGHBOUR, audience=AUDIENCE)
        answer = await ask(served, f"Bearer {foreign.token(tenant=CODE)}")
        assert answer.json()["data"]["viewer"]["county"] == "邻县"
        nobody(await ask(served, f"Bearer {foreign.token(key=provider.keys[0])}"))
        nobody(await ask(served, f"Bearer {foreign.token(iss=provider.address)}"))


async def test_keys_are_kept_renewed_and_not_asked_for_at_will(
    served: Served, provider: Provider, clock: Clock
) -> None:
    old = provider.keys[0]
    before = provider.token()
    assert (await ask(served, f"Bearer {before}")).json() == ME
    assert provider.asked == ["discovery", "jwks"]
    # A flood of tokens with unknown keys asks at most once a minute.
    clock.now += INTERVAL
    for _ in range(20):
        nobody(await ask(served, f"Bearer {provider.token(key=new_key())}"))
    assert provider.asked.count("jwks") == 2
    # A new key is found when a token names it, once the minute is over.
    provider.keys = [new_key("ES256"), old]
    fresh = provider.token()
    nobody(await ask(served, f"Bearer {fresh}"))
    clock.now += INTERVAL
    assert (await ask(served, f"Bearer {fresh}")).json() == ME
    assert (await ask(served, f"Bearer {before}")).json() == ME
    assert provider.asked.count("jwks") == 3
    # A key that was taken back counts no more within the hour.
    provider.keys = provider.keys[:1]
    assert (await ask(served, f"Bearer {before}")).json() == ME
    clock.now += FRESH + 1
    nobody(await ask(served, f"Bearer {before}"))
    assert (await ask(served, f"Bearer {fresh}")).json() == ME
    # While the provider does not answer, its keys do for a day.
    provider.down = True
    clock.now += FRESH + 1
    assert (await ask(served, f"Bearer {fresh}")).json() == ME
    clock.now += KEPT
    nobody(await ask(served, f"Bearer {fresh}"))


@pytest.mark.parametrize(
    "metadata",
    [{"issuer": "https://id.example.org"}, {"jwks_uri": None}, {"jwks_uri": "http://id.example.org/jwks"},
     {"jwks_uri": "file:///etc/passwd"}, {"padding": "x" * 600_000}],
    ids=["another issuer", "no keys", "keys in the open", "a file", "too large"],
)  # fmt: skip
async def test_a_provider_that_says_what_it_should_not_is_none(
    served: Served, provider: Provider, clock: Clock, metadata: dict[str, Any]
) -> None:
    provider.metadata = metadata
    nobody(await ask(served, f"Bearer {provider.token()}"))
    assert "jwks" not in provider.asked
    nobody(await ask(served, f"Bearer {provider.token()}"))
    assert provider.asked == ["discovery"]
    provider.metadata = {}
    clock.now += INTERVAL
    assert (await ask(served, f"Bearer {provider.token()}")).json() == ME


async def test_a_secret_among_the_keys_is_not_one(served: Served, provider: Provider) -> None:
    shared = OctKey.generate_key(256, parameters={"kid": "shared"})
    provider.keys.append(shared)  # type: ignore[arg-type]
    message = f"{part({'alg': 'HS256', 'typ': 'at+jwt', 'kid': 'shared'})}.{provider.token().split('.')[1]}"
    signature = hmac.new(shared.raw_value, message.encode(), hashlib.sha256).digest()
    nobody(await ask(served, f"Bearer {message}.{part(signature)}"))
    assert (await ask(served, f"Bearer {provider.token()}")).json() == ME


async def test_a_provider_that_is_removed_lets_nobody_in(served: Served, provider: Provider) -> None:
    from bangfu.providers import remove_provider

    assert (await ask(served, f"Bearer {provider.token()}")).json() == ME
    async with served.world.database.owner() as connection:
        await remove_provider(connection, CODE)
    nobody(await ask(served, f"Bearer {provider.token()}"))


# --- systems --------------------------------------------------------------------------------------------------


async def system(served: Served, actions: list[str], officer: str = "VC1", days: int = 30) -> tuple[str, str]:
    """A token of a system, and its id."""
    given = {"name": "前置机", "actions": actions, "days": days, "officer": officer}
    made = (await served.operation("R1", "issue_service_token", input=given)).data["issueServiceToken"]
    assert made["problems"] == []
    return made["token"], made["id"]


async def test_a_system_does_what_it_was_made_for_and_no_more(served: Served) -> None:
    token, key = await system(served, ["READ_REGISTERS"])
    headers = {"Authorization": f"Bearer {token}", "Accept-Language": "en"}

    async def told(query: str) -> Any:
        return (await served.client.post(served.url, json={"query": query}, headers=headers)).json()

    assert (await ask(served, f"Bearer {token}")).json() == ME
    assert (await told("{ households { totalCount } viewer { permissions } }"))["data"] == {
        "households": {"totalCount": 4}, "viewer": {"permissions": ["READ_REGISTERS"]},
    }  # fmt: skip
    before = await served.snapshot()
    for beyond in (
        "{ cases { totalCount } }", "{ officers { totalCount } }", "{ audit { totalCount } }",
        'mutation { enrolOfficer(officer: "VC1") { changed } }',
        'mutation { postNotices(programme: "consolidation", period: "2021", cases: {everything: true}) { done } }',
    ):  # fmt: skip
        assert [error["extensions"]["code"] for error in (await told(beyond))["errors"]][:1] in (
            ["FORBIDDEN"],
            ["GRAPHQL_VALIDATION_FAILED"],
        )
    for own in (
        'mutation { issueServiceToken(input: {name: "x", actions: [READ_REGISTERS], days: 1}) { problems { code } } }',
        f'mutation {{ revokeServiceToken(id: "{key}") {{ problems {{ code }} }} }}', "mutation { signOutEverywhere { problems { code } } }",
    ):  # fmt: skip
        (payload,) = (await told(own))["data"].values()
        assert [problem["code"] for problem in payload["problems"]] == ["FORBIDDEN"]
    case = (await served.ask("R1", "{ households(first: 1) { nodes { id } } }")).data["households"]["nodes"][0]["id"]
    assert (await told(f'{{ node(id: "{case}") {{ id }} }}'))["data"]["node"] == {"id": case}
    assert await served.snapshot() == before


async def test_a_systems_token_that_is_forged_over_or_revoked_is_none(served: Served) -> None:
    token, key = await system(served, ["READ_CASES"])
    other, _ = await system(served, ["READ_CASES"], "VC2")
    county, id_, officer, secret = token.removeprefix(accounts.SERVICE_PREFIX).split(".")
    forged = (
        f"{county}.{id_}.{officer}.{other.split('.')[3]}", f"{county}.{other.split('.')[1]}.{officer}.{secret}",
        f"{county}.{id_}.{other.split('.')[2]}.{secret}", f"990999.{id_}.{officer}.{secret}", f"{county}.{id_}.{officer}.{'A' * 43}",
        f"{county}.{id_}.{officer}.", f"{county}.{'0' * 32}.{officer}.{secret}", "", "x",
    )  # fmt: skip
    for one in forged:
        nobody(await ask(served, f"Bearer {accounts.SERVICE_PREFIX}{one}"))
    nobody(await ask(served, f"Bearer {token.removeprefix(accounts.SERVICE_PREFIX)}"))
    # It is no cookie either.
    cookie = {
        "Cookie": f"bangfu={token.removeprefix(accounts.SERVICE_PREFIX)}",
        "X-Bangfu-Client": "x",
        "Accept-Language": "en",
    }
    nobody(await served.client.post(served.url, json={"query": "{ viewer { number county } }"}, headers=cookie))
    assert (await ask(served, f"Bearer {token}")).json() == ME
    assert (await served.operation("VC1", "revoke_service_token", id=key)).data["revokeServiceToken"]["changed"] is True
    nobody(await ask(served, f"Bearer {token}"))
    assert (await ask(served, f"Bearer {other}")).json()["data"]["viewer"]["number"] == "VC2"


# --- what ends them all ---------------------------------------------------------------------------------------


async def owned(served: Served, statement: str, **values: Any) -> None:
    """Change something of the county as its owner does."""
    async with served.world.database.owner() as connection:
        for setting, value in Scope(served.world.tenant.id, ((0, 10**12),), staff=True).settings().items():
            await connection.execute(text("select set_config(:s, :v, true)"), {"s": setting, "v": value})
        await connection.execute(text(statement), values)


async def passes(served: Served, provider: Provider) -> dict[str, dict[str, str]]:
    """The headers of everything that lets VC1 in."""
    token, _ = await system(served, ["READ_REGISTERS"])
    shown = await accounts.enter_by_provider(served.world.database, CODE, "VC1", datetime.now(UTC))
    return {
        "built-in": {"Authorization": f"Bearer {served.token('VC1')}"},
        "provider": {"Authorization": f"Bearer {provider.token()}"},
        "system": {"Authorization": f"Bearer {token}"},
        "session": {"Cookie": f"bangfu={accounts.written(shown)}", "X-Bangfu-Client": "test"},
    }


async def seen(served: Served, headers: dict[str, str]) -> Any:
    query = "{ viewer { number } households { totalCount } }"
    answer = await served.client.post(served.url, json={"query": query}, headers=headers | {"Accept-Language": "en"})
    if answer.status_code == 401:
        nobody(answer)
        return None
    body = answer.json()
    return body["errors"][0]["extensions"]["code"] if "errors" in body else body["data"]["households"]["totalCount"]


async def test_disabling_ends_everything_on_the_next_request(served: Served, provider: Provider) -> None:
    shown = await passes(served, provider)
    assert {name: await seen(served, headers) for name, headers in shown.items()} == dict.fromkeys(shown, 4)
    await owned(served, "update officer set disabled_at = :at where number = 'VC1'", at=datetime.now(UTC))
    assert {name: await seen(served, headers) for name, headers in shown.items()} == dict.fromkeys(shown)
    await owned(served, "update officer set disabled_at = null where number = 'VC1'")
    assert {name: await seen(served, headers) for name, headers in shown.items()} == dict.fromkeys(shown, 4)


async def test_a_changed_assignment_counts_on_the_next_request(served: Served, provider: Provider) -> None:
    shown = await passes(served, provider)
    assert {name: await seen(served, headers) for name, headers in shown.items()} == dict.fromkeys(shown, 4)
    change = "update assignment set known_to = :at where officer_id = (select id from officer where number = 'VC1')"
    await owned(served, change, at=datetime.now(UTC))
    assert {name: await seen(served, headers) for name, headers in shown.items()} == dict.fromkeys(shown, "FORBIDDEN")


async def test_signing_out_everywhere_ends_all_but_systems(served: Served, provider: Provider) -> None:
    shown = await passes(served, provider)
    done = (await served.operation("VC1", "sign_out_everywhere")).data["signOutEverywhere"]
    assert done == {"changed": True, "problems": []}
    assert {name: await seen(served, headers) for name, headers in shown.items()} == {
        "built-in": None, "provider": None, "session": None, "system": 4,
    }  # fmt: skip
