"""Logging in with a browser: a county's local accounts, or its own provider by OpenID Connect; and logging out.

The pages are plain forms that need no script. Every form says where it was sent from, by the browser's own headers, or
it is not looked at. What is refused takes as long and looks the same, whatever was wrong. What a login with a provider
needs while it is under way (state, nonce, PKCE's verifier) is in a signed cookie of ten minutes; what comes of it is a
session whose cookie holds nothing but its secret.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import re
import time
from datetime import UTC, datetime
from html import escape
from typing import Any
from urllib.parse import quote

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.starlette_client import StarletteIntegration, StarletteOAuth2App
from joserfc.errors import JoseError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request as HttpRequest
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from bangfu import accounts
from bangfu.access import Pass
from bangfu.accounts import Account
from bangfu.errors import Code, Problem, Refused
from bangfu.providers import Provider, is_safe, provider_of
from bangfu.settings import Settings
from bangfu.vault import Vault
from bangfu_graphql.browsing import by_cookie, forget, is_ours, keep, origin_of
from bangfu_graphql.defences import storable
from bangfu_graphql.http import Service
from bangfu_graphql.providers import LEEWAY, TIMEOUT, Keys, Unreachable
from bangfu_graphql.tokens import Unauthenticated

HOME = "/graphql/console#session"
REFUSED_AFTER = 0.5
"""Seconds that every refusal takes, so that its time says nothing: more than what is behind it."""
UNDER_WAY = 600
"""Seconds that a login with a provider may take."""
_STYLE = (
    "body{font:16px/1.6 system-ui,sans-serif;max-width:26rem;margin:3rem auto;padding:0 1rem;color:#1b1b1b}"
    "label{display:block;margin:.8rem 0}"
    "input{display:block;width:100%;box-sizing:border-box;font:inherit;padding:.4rem}"
    "button,a.button{font:inherit;padding:.5rem 1.2rem;background:#0b57a4;color:#fff;border:0;text-decoration:none;"
    "display:inline-block}.refused{border-left:4px solid #b3261e;padding-left:.8rem}code{word-break:break-all}"
)
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_HASH}'; img-src data:; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


# --- pages ----------------------------------------------------------------------------------------------------


def _page(zh: str, en: str, body: str, problem: Problem | None = None, status: int = 200) -> HTMLResponse:
    said = ""
    if problem is not None:
        words = (problem.message.zh, problem.remedy.zh, problem.message.en, problem.remedy.en)
        lines = "<br>".join(escape(line) for line in words)
        said = f'<p class="refused" role="alert">{lines}</p>'
    page = (
        '<!doctype html><html lang="zh"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<title>{zh} · {en}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>帮扶 Bangfu<br>{zh} · {en}</h1>{said}{body}</main></body></html>"
    )
    return HTMLResponse(page, status, _HEADERS)


def _field(name: str, zh: str, en: str, value: str = "", more: str = "") -> str:
    return f'<label>{zh} {en}<input name="{name}" value="{escape(value)}" {more}></label>'


def _front() -> HTMLResponse:
    pattern = 'pattern="[0-9]{6}" inputmode="numeric" required autofocus'
    county = _field("county", "县代码(6 位)", "County code (six digits)", more=pattern)
    body = f'<form method="get" action="/login">{county}<button>下一步 Next</button></form>'
    return _page("登录", "Log in", body)


def _local(county: str, officer: str = "", problem: Problem | None = None) -> HTMLResponse:
    fields = (
        _field("officer", "工号", "Staff number", officer, 'autocomplete="username" required'),
        _field("password", "密码", "Password", more='type="password" autocomplete="current-password" required'),
        _field("code", "动态验证码(如已绑定)", "Code (if you have a second factor)", more=_ONE_TIME),
    )
    body = (
        f'<form method="post" action="/login/{county}">{"".join(fields)}<button>登录 Log in</button></form>'
        f'<p><a href="/login/{county}/enrol">用激活码设置密码 Set a password with an enrolment code</a></p>'
    )
    return _page(f"登录 {county}", "Log in", body, problem, 200 if problem is None else 403)


_ONE_TIME = 'autocomplete="one-time-code" inputmode="numeric" maxlength="6"'


def _enrolling(county: str, officer: str = "", seed: str = "", problem: Problem | None = None) -> HTMLResponse:
    seed = seed or accounts.new_seed()
    fields = (
        _field("officer", "工号", "Staff number", officer, 'autocomplete="username" required'),
        _field("enrolment", "激活码", "Enrolment code", more='autocomplete="off" required'),
        _field("password", "新密码(至少 12 个字符)", "New password (12 characters or more)", more=_NEW),
        _field("again", "再次输入新密码", "The new password again", more=_NEW),
    )
    key = " ".join(seed[start : start + 4] for start in range(0, len(seed), 4))
    body = (
        f'<form method="post" action="/login/{county}/enrol">{"".join(fields)}'
        "<h2>动态验证码 Second factor</h2><p>在验证器中添加下面的密钥,再填写它显示的 6 位数字;不绑定则留空。<br>"
        "Add this key to an authenticator and enter the six digits it shows; leave them empty for none.</p>"
        f'<p><code>{escape(key)}</code></p><input type="hidden" name="seed" value="{escape(seed)}">'
        f"{_field('code', '动态验证码', 'Code', more=_ONE_TIME)}<button>设置 Set</button></form>"
    )
    return _page(f"设置密码 {county}", "Set a password", body, problem, 200 if problem is None else 403)


_NEW = 'type="password" autocomplete="new-password" minlength="12" required'


# --- requests -------------------------------------------------------------------------------------------------


def _service(request: HttpRequest) -> Service:
    service: Service = request.app.state.service
    return service


def _county(request: HttpRequest) -> str:
    """The county of a path; whatever cannot be one is no page."""
    county: str = request.path_params["county"]
    if not re.fullmatch(r"[1-9][0-9]{5}", county, re.ASCII):
        raise HTTPException(404)
    return county


def _origin(request: HttpRequest) -> str:
    """The address of the server; 400 where passwords would go in the open."""
    origin = origin_of(request, _service(request).settings)
    if origin is None:
        raise HTTPException(400, "Log in over https, or set BANGFU_PUBLIC_URL. 请通过 https 登录。")
    return origin


async def _form(request: HttpRequest, *names: str) -> list[str]:
    """The texts of a form that one of our pages sent; 403 for one from elsewhere."""
    if not is_ours(request, _origin(request)) or not {"origin", "sec-fetch-site"} & set(request.headers):
        raise HTTPException(403, "This form is not ours. 表单来源不明。")
    if request.headers.get("content-type", "").split(";")[0].strip() != "application/x-www-form-urlencoded":
        raise HTTPException(415)
    async with request.form(max_files=0, max_fields=20) as form:
        values = [form.get(name, "") for name in names]
    texts = [value for value in values if isinstance(value, str) and storable(value)]
    if len(texts) != len(names):
        raise HTTPException(400)
    return texts


async def _slowly(begun: float) -> None:
    """Let a refusal take as long as every other."""
    await asyncio.sleep(max(0.0, begun + REFUSED_AFTER - time.monotonic()))


def _logged_in(origin: str, shown: Pass) -> Response:
    response = RedirectResponse(HOME, 303, {"Cache-Control": "no-store"})
    keep(response, origin, shown)
    return response


async def front(request: HttpRequest) -> Response:
    """Where somebody says of which county he is."""
    stated = request.query_params.get("county", "").strip()
    if re.fullmatch(r"[1-9][0-9]{5}", stated, re.ASCII):
        return RedirectResponse(f"/login/{stated}", 303)
    return _front()


async def login(request: HttpRequest) -> Response:
    """The page of a county: its provider's button, or the form of a local account, which it takes."""
    county, service, origin = _county(request), _service(request), _origin(request)
    if request.method == "POST":
        officer, password, code = await _form(request, "officer", "password", "code")
        begun, officer = time.monotonic(), officer.strip()
        try:
            shown = await accounts.log_in(
                service.database, service.vault, county, officer, password, code.strip(), datetime.now(UTC)
            )
        except Refused as refusal:
            await _slowly(begun)
            return _local(county, officer, refusal.problems[0])
        return _logged_in(origin, shown)
    if await provider_of(service.database, county) is None:
        return _local(county)
    body = (
        f'<p><a class="button" href="/login/{county}/oidc">统一身份认证登录 Log in with the county\'s provider</a></p>'
    )
    return _page(f"登录 {county}", "Log in", body)


async def enrol(request: HttpRequest) -> Response:
    """The page on which somebody sets a password with an enrolment code."""
    county, service = _county(request), _service(request)
    _origin(request)
    if request.method != "POST":
        return _enrolling(county)
    names = ("officer", "enrolment", "password", "again", "seed", "code")
    officer, enrolment, password, again, seed, code = await _form(request, *names)
    begun, officer = time.monotonic(), officer.strip()
    try:
        if password != again:
            raise Code.PASSWORD_WEAK.refuse("again", least=accounts.SHORTEST)
        said = Account(password, seed, code.strip())
        now = datetime.now(UTC)
        await accounts.set_password(service.database, service.vault, county, officer, enrolment, said, now)
    except Refused as refusal:
        await _slowly(begun)
        return _enrolling(county, officer, seed if re.fullmatch(r"[A-Z2-7]{32}", seed) else "", refusal.problems[0])
    return RedirectResponse(f"/login/{county}", 303)


async def logout(request: HttpRequest) -> Response:
    """End the session of the browser that asks."""
    service, origin = _service(request), _origin(request)
    shown = by_cookie(request, service.settings, form=True)
    if not is_ours(request, origin) or not {"origin", "sec-fetch-site"} & set(request.headers):
        raise HTTPException(403, "This form is not ours. 表单来源不明。")
    if shown is not None and shown.session is not None:
        now = datetime.now(UTC)
        with contextlib.suppress(Unauthenticated):  # it may have ended already
            await accounts.log_out(service.database, await service.admitted(shown, now), shown.session, now)
    response = RedirectResponse("/login" if shown is None else f"/login/{shown.tenant}", 303)
    forget(response, origin)
    return response


# --- a county's own provider ----------------------------------------------------------------------------------


class _Client(StarletteOAuth2App):  # type: ignore[misc]
    """Authlib's client of one provider, whose keys are those that are kept."""

    def __init__(self, provider: Provider, keys: Keys, vault: Vault, metadata: dict[str, Any]) -> None:
        super().__init__(
            StarletteIntegration(provider.tenant),
            provider.tenant,
            client_id=provider.client_id,
            client_secret=provider.secret(vault),
            client_kwargs={
                "scope": "openid",
                "code_challenge_method": "S256",
                "timeout": TIMEOUT,
                "follow_redirects": False,
                "token_endpoint_auth_method": "none" if provider.client_secret is None else "client_secret_basic",
            },
            issuer=provider.issuer,
            id_token_signing_alg_values_supported=list(provider.algorithms),
            **{name: metadata[name] for name in ("authorization_endpoint", "token_endpoint")},
        )
        self.provider, self.keys = provider, keys

    async def fetch_jwk_set(self, force: bool = False) -> dict[str, Any]:
        """The provider's keys; anew, if one is missing and it is not too soon."""
        found = await self.keys.of(self.provider.issuer, "\0" if force else None)
        return dict(found.as_dict())


_FAILED = (AuthlibBaseError, JoseError, Unreachable, httpx2.HTTPError, KeyError, ValueError, TypeError, RuntimeError)
"""What comes of a provider that does not do as it should, and of a browser that did not begin here."""


async def _client(service: Service, county: str) -> _Client:
    provider = await provider_of(service.database, county)
    if provider is None:
        raise HTTPException(404)
    metadata = await service.keys.metadata(provider.issuer)
    if not all(is_safe(metadata[name]) for name in ("authorization_endpoint", "token_endpoint")):
        raise Unreachable(provider.issuer)
    return _Client(provider, service.keys, service.vault, metadata)


def _failed(county: str) -> Response:
    body = f'<p><a class="button" href="/login/{county}">重试 Try again</a></p>'
    return _page(f"登录 {county}", "Log in", body, Code.LOGIN_REFUSED.problem(), 403)


async def begin(request: HttpRequest) -> Response:
    """Send the browser to the county's provider."""
    county, service, origin = _county(request), _service(request), _origin(request)
    try:
        client = await _client(service, county)
        back = f"{origin}/login/{quote(county)}/callback"
        response: Response = await client.authorize_redirect(request, back)
    except _FAILED:
        return _failed(county)
    response.headers["Cache-Control"] = "no-store"
    return response


async def callback(request: HttpRequest) -> Response:
    """Take what the provider sends the browser back with: a code, for which it says who it is."""
    county, service, origin = _county(request), _service(request), _origin(request)
    try:
        client = await _client(service, county)
        options = {
            "iss": {"essential": True, "values": [client.provider.issuer]},
            "aud": {"essential": True, "value": client.provider.client_id},
            "nonce": {"essential": True},
        }
        token = await client.authorize_access_token(request, claims_options=options, leeway=LEEWAY)
        officer = token["userinfo"][client.provider.officer_claim]
        if not (isinstance(officer, str) and officer and storable(officer)):
            return _failed(county)
        shown = await accounts.enter_by_provider(service.database, county, officer, datetime.now(UTC))
    except (*_FAILED, Refused):
        return _failed(county)
    finally:
        request.session.clear()  # whatever came of it, it is over
    return _logged_in(origin, shown)


class UnderWay:
    """Gives a login with a provider its cookie, for the time that it takes."""

    def __init__(self, app: ASGIApp, settings: Settings, secret: str) -> None:
        self.settings = settings
        self.kept = {
            safe: SessionMiddleware(
                app, secret, "bangfu-login", max_age=UNDER_WAY, path="/login", same_site="lax", https_only=safe
            )
            for safe in (True, False)
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        origin = origin_of(HttpRequest(scope), self.settings)
        await self.kept[origin is None or origin.startswith("https:")](scope, receive, send)


def routes(service: Service) -> list[BaseRoute]:
    """The pages on which people get in and out."""
    secret = service.vault.index("login under way", "login", 0).hex()
    under_way = [Middleware(UnderWay, settings=service.settings, secret=secret)]
    return [
        Route("/login", front),
        Route("/login/{county}", login, methods=["GET", "POST"]),
        Route("/login/{county}/enrol", enrol, methods=["GET", "POST"]),
        Route("/login/{county}/oidc", begin, middleware=under_way),
        Route("/login/{county}/callback", callback, middleware=under_way),
        Route("/logout", logout, methods=["POST"]),
    ]
