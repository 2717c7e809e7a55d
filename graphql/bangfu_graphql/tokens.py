"""Who asks: bearer tokens (RFC 9068), checked by Authlib, and their built-in issuer.

The issuer is for the demo, tests and small counties.

A token names the county and the staff number and nothing else: what its holder may do is looked up in the registers
at every request, so that a duty that ends takes effect at once. The issuer's key is a file of the installation; the
command line makes tokens with it, and nobody can ask for one over the network.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from authlib.oauth2.rfc6750.errors import InvalidTokenError
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey

from bangfu.access import Pass
from bangfu.errors import Code
from bangfu.settings import Settings
from bangfu.vault import own_secret
from bangfu_graphql.defences import storable

ISSUER = "urn:bangfu:built-in"
AUDIENCE = "urn:bangfu:api"
ALGORITHM = "RS256"
CLIENT = "bangfu"
TENANT_CLAIM = "tenant"
LONGEST = timedelta(days=30)
LEEWAY = 60
"""Seconds by which the clock of who made a token may be ahead."""


class Unauthenticated(Exception):
    """There is no token, or none that counts."""


@dataclass(frozen=True)
class Issuer:
    """The built-in issuer: an RSA key."""

    key: RSAKey

    @classmethod
    def open(cls, settings: Settings) -> Issuer:
        """The key that ``BANGFU_ISSUER_KEY`` names or holds; an embedded installation makes its own on first use.

        Refuses ``ISSUER_MISSING`` where a database of one's own is used without one, or where it cannot be read.
        """
        if settings.issuer_key is not None:
            stated = settings.issuer_key
            return cls._parse(stated if stated.lstrip().startswith("{") else _read(Path(stated)))
        if settings.database_url is not None:
            raise Code.ISSUER_MISSING.refuse()
        return cls._parse(_read(own_secret(settings.home / "issuer.json", lambda: cls.new().dump())))

    @classmethod
    def new(cls) -> Issuer:
        """A fresh key."""
        return cls(RSAKey.generate_key(2048, parameters={"kid": secrets.token_hex(8), "use": "sig", "alg": ALGORITHM}))

    @classmethod
    def _parse(cls, text: str) -> Issuer:
        try:
            key = RSAKey.import_key(json.loads(text))
            key.ensure_kid()
            issuer = cls(key)
            issuer.issue("", "", datetime.now(UTC), timedelta())  # a key that must not sign is none
        except (ValueError, TypeError, KeyError, JoseError) as error:
            raise Code.ISSUER_MISSING.refuse() from error
        return issuer

    def dump(self) -> str:
        """The private key as JSON, to be kept as carefully as the data."""
        return json.dumps(self.key.as_dict(private=True))

    @cached_property
    def public(self) -> KeySet:
        """The public key, as everybody may have it."""
        return KeySet([RSAKey.import_key(self.key.as_dict(private=False))])

    def issue(self, tenant: str, officer: str, now: datetime, lasts: timedelta) -> str:
        """A token for an officer of a county, for at most 30 days."""
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": officer,
            TENANT_CLAIM: tenant,
            "client_id": CLIENT,
            "iat": int(now.timestamp()),
            "exp": int((now + min(lasts, LONGEST)).timestamp()),
            "jti": secrets.token_hex(16),
        }
        header = {"alg": ALGORITHM, "typ": "at+jwt", "kid": self.key.kid}
        return jwt.encode(header, claims, self.key, algorithms=[ALGORITHM])


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise Code.ISSUER_MISSING.refuse() from error


class _Validator(JWTBearerTokenValidator):  # type: ignore[misc]
    """Authlib's validator of access tokens over the issuer's public key."""

    def __init__(self, issuer: Issuer) -> None:
        super().__init__(ISSUER, AUDIENCE)
        self.keys = issuer.public

    def get_jwks(self) -> KeySet:
        """The keys that tokens are signed with."""
        return self.keys


def token_in(header: str) -> str:
    """The token of an ``Authorization`` header; raises :class:`Unauthenticated`."""
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated
    return token.strip()


_BROKEN = (KeyError, ValueError, TypeError, RecursionError, OverflowError, OSError)
"""What comes of a token that is none."""


class Tokens:
    """Checks tokens; one that has been checked is only held against the clock."""

    def __init__(self, issuer: Issuer) -> None:
        self._validator = _Validator(issuer)
        self._checked = lru_cache(maxsize=4096)(self._check)
        self.public = issuer.public

    def bearer(self, token: str, now: datetime) -> Pass:
        """Whom a token names, and when it was issued; raises :class:`Unauthenticated`."""
        shown, begins, ends = self._checked(token)
        if not begins - LEEWAY <= now.timestamp() < ends:
            raise Unauthenticated
        return shown

    def _check(self, token: str) -> tuple[Pass, float, float]:
        try:
            claims: Any = self._validator.authenticate_token(token)
            claims.validate(leeway=LEEWAY)
            if claims.header.get("alg") != ALGORITHM or not claims.header.get("typ"):
                raise Unauthenticated
            named = claims[TENANT_CLAIM], claims["sub"]
            if not all(isinstance(part, str) and part and storable(part) for part in named):
                raise Unauthenticated
            begins, ends = float(claims["iat"]), float(claims["exp"])
            return Pass(*named, issued_at=datetime.fromtimestamp(begins, UTC)), begins, ends
        except (*_BROKEN, InvalidTokenError, JoseError) as error:
            raise Unauthenticated from error
