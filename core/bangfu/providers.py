"""The identity provider that a county's people log in with 统一身份认证: one a county, stated by the installation's
owner.

A county without one uses local accounts; one with it has no other way in for people. Its tokens are held against what
is stated here alone: the issuer, the audience, and signatures that need a private key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bangfu.db import Database
from bangfu.errors import Code
from bangfu.text import Text
from bangfu.vault import Vault

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519")
"""The signatures that may be asked for: those whose key a provider can publish without giving it away."""
PLACE = "identity_provider.client_secret"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def is_safe(address: str) -> bool:
    """Whether an address may be asked: by https, or this very machine."""
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        return False
    plain = bool(host) and not (parts.username or parts.password or parts.fragment) and address.isprintable()
    return plain and (parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK))


@dataclass(frozen=True, slots=True)
class Provider:
    """What is pinned of a county's provider. ``officer_claim`` is the claim that holds the staff number."""

    tenant: str
    issuer: str
    audience: str
    algorithms: tuple[str, ...]
    officer_claim: str
    client_id: str
    client_secret: bytes | None
    tenant_id: int

    def secret(self, vault: Vault) -> str | None:
        """The secret of our client with it, if it has one."""
        return None if self.client_secret is None else vault.reveal(self.client_secret, PLACE, self.tenant_id)


async def _providers(database: Database, tenant: str, issuer: str) -> list[Provider]:
    async with database.unscoped() as connection:
        query = text("select * from identity_providers(:tenant, :issuer)")
        rows = (await connection.execute(query, {"tenant": tenant, "issuer": issuer})).all()
    return [Provider(r[0], r[1], r[2], tuple(r[3]), *r[4:]) for r in rows]


async def provider_of(database: Database, tenant: str) -> Provider | None:
    """The provider of a county, if it has one."""
    return next(iter(await _providers(database, tenant, "")), None)


async def providers_by(database: Database, issuer: str) -> Sequence[Provider]:
    """The providers of an issuer: one a county that uses it, each for an audience of its own."""
    return [] if not issuer else await _providers(database, "", issuer)


async def set_provider(
    connection: AsyncConnection,
    vault: Vault,
    tenant: str,
    clock: datetime,
    *,
    issuer: str,
    audience: str,
    client_id: str,
    client_secret: str | None,
    algorithms: Sequence[str],
    officer_claim: str,
) -> None:
    """State a county's provider, in place of the one it had. Runs as the owner.

    Refuses ``TENANT_UNKNOWN``, ``MISSING_VALUE``, and ``BAD_VALUE`` for an address that is not https, an algorithm that
    a secret shared with the provider would do for, or an audience that another county has with the same issuer.
    """
    for name, field, value in (
        ("audience", Text("受众", "audience"), audience),
        ("client_id", Text("客户端标识", "client id"), client_id),
        ("officer_claim", Text("工号声明", "officer claim"), officer_claim),
    ):
        if not value.strip():
            raise Code.MISSING_VALUE.refuse(name, field=field)
    if not is_safe(issuer) or issuer.endswith("/.well-known/openid-configuration") or "?" in issuer:
        expected = Text("https 地址", "an https address")
        raise Code.BAD_VALUE.refuse("issuer", field=Text("签发方", "issuer"), value=issuer, expected=expected)
    for algorithm in algorithms or ("",):
        if algorithm not in ALGORITHMS:
            field, expected = Text("签名算法", "algorithm"), Text("、".join(ALGORITHMS), ", ".join(ALGORITHMS))
            raise Code.BAD_VALUE.refuse("algorithms", field=field, value=algorithm, expected=expected)
    found = await _tenant(connection, tenant)
    query = text("select 1 from identity_provider where issuer = :issuer and audience = :audience and tenant_id <> :t")
    if (await connection.execute(query, {"issuer": issuer, "audience": audience, "t": found})).first():
        field, expected = Text("受众", "audience"), Text("本县专用的受众", "an audience that is this county's own")
        raise Code.BAD_VALUE.refuse("audience", field=field, value=audience, expected=expected)
    columns = ("issuer", "audience", "algorithms", "officer_claim", "client_id", "client_secret", "set_at")
    await connection.execute(
        text(
            f"insert into identity_provider (tenant_id, {', '.join(columns)})"  # noqa: S608 - the names are our own
            f" values (:tenant_id, {', '.join(f':{name}' for name in columns)})"
            f" on conflict (tenant_id) do update set {', '.join(f'{name} = excluded.{name}' for name in columns)}"
        ),
        {
            "tenant_id": found,
            "issuer": issuer,
            "audience": audience,
            "algorithms": list(dict.fromkeys(algorithms)),
            "officer_claim": officer_claim,
            "client_id": client_id,
            "client_secret": vault.seal(client_secret, PLACE, found) if client_secret else None,
            "set_at": clock,
        },
    )


async def remove_provider(connection: AsyncConnection, tenant: str) -> bool:
    """Take a county's provider away, whose people use local accounts from then on; whether it had one. Runs as the
    owner. Refuses ``TENANT_UNKNOWN``."""
    found = await _tenant(connection, tenant)
    query = text("delete from identity_provider where tenant_id = :tenant returning 1")
    return (await connection.execute(query, {"tenant": found})).first() is not None


async def _tenant(connection: AsyncConnection, code: str) -> int:
    row = (await connection.execute(text("select id from tenant where code = :code"), {"code": code})).first()
    if row is None:
        raise Code.TENANT_UNKNOWN.refuse("tenant", tenant=code)
    return int(row.id)
