"""A county's own identity provider, as far as logging in needs one: a real server on this machine."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

AUDIENCE = "urn:bangfu:990201"
CLIENT, SECRET = "bangfu", "s3cret"
CLAIM = "staff_number"


def new_key(kind: str = "RS256") -> RSAKey | ECKey:
    """A fresh key that says what it is for."""
    parameters: Any = {"kid": secrets.token_hex(4), "use": "sig", "alg": kind}
    if kind == "ES256":
        return ECKey.generate_key("P-256", parameters=parameters)
    return RSAKey.generate_key(2048, parameters=parameters)


def _plain(key: Any) -> Any:
    """A key that may sign for whatever algorithm it is asked; reading one in takes longer than signing."""
    stated = {name: value for name, value in key.as_dict(private=True).items() if name not in ("alg", "use")}
    text = json.dumps(stated, sort_keys=True)
    if text not in _PLAIN:
        _PLAIN[text] = type(key).import_key(stated)
    return _PLAIN[text]


_PLAIN: dict[str, Any] = {}


@dataclass(repr=False)
class Provider:
    """The provider, and what it was asked. ``says`` changes what it states of who logs in; ``metadata`` what it states
    of itself."""

    address: str = ""
    keys: list[RSAKey | ECKey] = field(default_factory=lambda: [new_key()])
    officer: str = "VC1"
    asked: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    says: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    down: bool = False

    def token(self, key: Any = None, head: Any = None, **more: Any) -> str:
        """An access token (RFC 9068); what is None is left out."""
        now = int(datetime.now(UTC).timestamp())
        claims = {
            "iss": self.address, "aud": AUDIENCE, "sub": "u-1", CLAIM: self.officer, "client_id": "app", "jti": secrets.token_hex(4),
            "iat": now, "exp": now + 600, **more,
        }  # fmt: skip
        own = key or self.keys[0]
        header = {"alg": own.alg, "typ": "at+jwt", "kid": own.kid, **(head or {})}
        return self._signed({n: v for n, v in header.items() if v is not None}, claims, own)

    def _signed(self, header: dict[str, Any], claims: dict[str, Any], key: Any) -> str:
        plain = _plain(key)
        kept = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(header, kept, plain, algorithms=[header["alg"]])

    # --- what is asked of it ---

    async def discovery(self, request: Request) -> Response:
        self.asked.append("discovery")
        if self.down:
            return Response(status_code=503)
        told = {
            "issuer": self.address, "jwks_uri": f"{self.address}/jwks", "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token", "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
        }  # fmt: skip
        return JSONResponse({**told, **self.metadata})

    async def jwks(self, request: Request) -> Response:
        self.asked.append("jwks")
        return JSONResponse(KeySet(list(self.keys)).as_dict(private=False))

    async def authorize(self, request: Request) -> Response:
        """Whoever comes is logged in as ``officer``."""
        asked = dict(request.query_params)
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        back = urlencode({"code": code, "state": asked["state"]})
        return RedirectResponse(f"{asked['redirect_uri']}?{back}", 302)

    async def exchange(self, request: Request) -> Response:
        """A code for tokens: once, to our client, with the verifier."""
        self.asked.append("token")
        form = dict(await request.form())
        asked = self.codes.pop(str(form.get("code")), None)
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        verifier = str(form.get("code_verifier", ""))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        right = (
            asked is not None
            and asked["code_challenge"] == challenge
            and form.get("redirect_uri") == asked["redirect_uri"]
        )
        if asked is None or not right or request.headers.get("authorization") != f"Basic {basic}":
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(datetime.now(UTC).timestamp())
        claims = {
            "iss": self.address, "aud": CLIENT, "sub": "u-1", CLAIM: self.officer, "nonce": asked["nonce"], "iat": now, "exp": now + 600,
            **{name: value for name, value in self.says.items() if name != "key"},
        }  # fmt: skip
        key = self.says.get("key") or self.keys[0]
        token = self._signed({"alg": key.alg, "kid": key.kid}, claims, key)
        return JSONResponse(
            {"access_token": self.token(), "token_type": "Bearer", "expires_in": 600, "id_token": token}
        )


@asynccontextmanager
async def providing() -> AsyncIterator[Provider]:
    """A provider on a free port."""
    made = Provider()
    app = Starlette(
        routes=[
            Route("/.well-known/openid-configuration", made.discovery),
            Route("/jwks", made.jwks),
            Route("/authorize", made.authorize),
            Route("/token", made.exchange, methods=["POST"]),
        ]
    )
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="off")
    server, listening = uvicorn.Server(config), config.bind_socket()
    running = asyncio.ensure_future(server.serve(sockets=[listening]))
    while not server.started:  # noqa: ASYNC110 - the server has no event to wait for
        await asyncio.sleep(0.005)
    made.address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    yield made
    server.should_exit = True
    await running
    listening.close()
