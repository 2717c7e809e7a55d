"""The tokens of a county's own provider: held against what is stated of it, with the keys that it publishes.

A token says itself who issued it and for whom; that only finds the provider whose row then decides. The keys are kept,
asked for again when they are old or when a token names one that is not among them, and never more than once a minute,
whatever is sent. What a provider answers is bounded, comes by https, and is not followed elsewhere.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx2
from authlib.oauth2.rfc6750.errors import InvalidTokenError
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from authlib.oauth2.rfc9068.claims import JWTAccessTokenClaims
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from bangfu.access import Pass
from bangfu.db import Database
from bangfu.providers import Provider, is_safe, providers_by
from bangfu_graphql.defences import storable

LEEWAY = 60
"""Seconds by which the clock of a provider may differ from ours."""
FRESH = 3600.0
"""Seconds for which keys are used without asking again: so long may one count that its provider took back."""
KEPT = 24 * 3600.0
"""Seconds for which keys are used while the provider does not answer."""
INTERVAL = 60.0
"""Seconds between two requests for the keys of one provider."""
LARGEST = 512 * 1024
TIMEOUT = 5.0
LONGEST_ISSUER = 500


_BROKEN = (KeyError, ValueError, TypeError, AttributeError, RecursionError, OverflowError, OSError)
"""What comes of a token that is none."""


class Unreachable(Exception):
    """A provider does not answer, or not with what it should."""


async def fetch_json(address: str) -> dict[str, Any]:
    """An object that an address answers with; raises :class:`Unreachable`."""
    if not is_safe(address):
        raise Unreachable(address)
    try:
        async with (
            asyncio.timeout(2 * TIMEOUT),
            httpx2.AsyncClient(timeout=TIMEOUT, follow_redirects=False) as client,
            client.stream("GET", address, headers={"Accept": "application/json"}) as response,
        ):
            if response.status_code != 200:
                raise Unreachable(address)
            body = b""
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > LARGEST:
                    raise Unreachable(address)
        answer = json.loads(body)
    except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, ValueError, RecursionError) as error:
        raise Unreachable(address) from error
    if not isinstance(answer, dict):
        raise Unreachable(address)
    return answer


@dataclass
class _Known:
    """What is known of an issuer."""

    metadata: dict[str, Any] = field(default_factory=dict)
    keys: KeySet | None = None
    fetched: float = float("-inf")
    asked: float = float("-inf")
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Keys:
    """What issuers publish, kept."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[str, _Known] = {}

    async def of(self, issuer: str, kid: str | None = None) -> KeySet:
        """The keys of an issuer, with the one of a name if there is one; raises :class:`Unreachable`."""
        known = await self._look(issuer, kid)
        assert known.keys is not None
        return known.keys

    async def metadata(self, issuer: str) -> dict[str, Any]:
        """What an issuer says of itself (OpenID Connect Discovery); raises :class:`Unreachable`."""
        return (await self._look(issuer, None)).metadata

    async def _look(self, issuer: str, kid: str | None) -> _Known:
        known = self._known.setdefault(issuer, _Known())
        if not self._wants(known, kid):
            return known
        async with known.lock:
            if self._wants(known, kid) and self._clock() - known.asked >= INTERVAL:
                known.asked = self._clock()
                try:
                    known.metadata, known.keys = await _published(issuer)
                    known.fetched = self._clock()
                except Unreachable:
                    pass  # what there is may still do
        if known.keys is None or self._clock() - known.fetched > KEPT:
            raise Unreachable(issuer)
        return known

    def _wants(self, known: _Known, kid: str | None) -> bool:
        if known.keys is None or self._clock() - known.fetched > FRESH:
            return True
        return kid is not None and all(key.kid != kid for key in known.keys.keys)


async def _published(issuer: str) -> tuple[dict[str, Any], KeySet]:
    metadata = await fetch_json(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    if metadata.get("issuer") != issuer or not isinstance(metadata.get("jwks_uri"), str):
        raise Unreachable(issuer)
    published = await fetch_json(metadata["jwks_uri"])
    try:
        # A secret among the keys would let whoever reads it sign.
        own = [key for key in published["keys"] if key.get("kty") != "oct" and key.get("use", "sig") == "sig"]
        return metadata, KeySet.import_key_set({"keys": own})
    except (JoseError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise Unreachable(issuer) from error


class _Validator(JWTBearerTokenValidator):  # type: ignore[misc]
    """Authlib's validator of access tokens (RFC 9068) over what is stated of a provider."""

    def __init__(self, provider: Provider, keys: KeySet) -> None:
        super().__init__(provider.issuer, provider.audience)
        self.provider, self.keys = provider, keys

    def get_jwks(self) -> KeySet:
        """The keys that tokens are signed with."""
        return self.keys

    def authenticate_token(self, token_string: str) -> JWTAccessTokenClaims:
        """The claims of a token with a signature of a kind that is stated; raises ``InvalidTokenError``."""
        needed = ("exp", "sub", "client_id", "iat", "jti", self.provider.officer_claim)
        options = {
            "iss": {"essential": True, "validate": self.validate_iss},
            "aud": {"essential": True, "value": self.resource_server},
            **{name: {"essential": True} for name in needed},
        }
        try:
            token = jwt.decode(token_string, key=self.keys, algorithms=list(self.provider.algorithms))
        except JoseError as error:
            raise InvalidTokenError from error
        return JWTAccessTokenClaims(token.claims, token.header, options)


async def pass_of(database: Database, keys: Keys, token: str, now: datetime) -> Pass | None:
    """Whom a token of a county's own provider names; None if it counts for nothing."""
    try:
        claimed = jws.extract_compact(token.encode())
        said, header = json.loads(claimed.payload), claimed.headers()
        issuer, audience, kid = said["iss"], said["aud"], header.get("kid")
        audiences = {audience} if isinstance(audience, str) else set(audience)
    except (*_BROKEN, JoseError):
        return None
    if not (isinstance(issuer, str) and len(issuer) <= LONGEST_ISSUER and storable(issuer) and is_safe(issuer)):
        return None
    if kid is not None and not isinstance(kid, str):
        return None
    meant = [own for own in await providers_by(database, issuer) if own.issuer == issuer and own.audience in audiences]
    if len(meant) != 1 or header.get("alg") not in meant[0].algorithms:
        return None  # of two counties' audiences, it is nobody's
    (provider,) = meant
    try:
        found = await keys.of(issuer, kid)
        return _read(_Validator(provider, found), token, now)
    except (*_BROKEN, Unreachable, InvalidTokenError, JoseError):
        return None


def _read(validator: _Validator, token: str, now: datetime) -> Pass | None:
    claims = validator.authenticate_token(token)
    claims.validate(now=int(now.timestamp()), leeway=LEEWAY)
    officer = claims[validator.provider.officer_claim]
    if not claims.header.get("typ") or not (isinstance(officer, str) and officer and storable(officer)):
        return None
    if any(isinstance(claims[name], bool) for name in ("iat", "exp")):
        return None
    return Pass(validator.provider.tenant, officer, issued_at=datetime.fromtimestamp(claims["iat"], UTC))
