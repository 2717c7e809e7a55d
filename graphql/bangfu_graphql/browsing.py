"""What a browser is known by: a cookie that no script reads, and that counts only in requests of our own pages.

A request by cookie carries a header that a page elsewhere cannot add, and what the browser says of where it comes from
must be right; without that it is answered like one without a cookie. Cookies are for https, or for this very machine; a
county that serves its people by plain http on a network of its own says so with ``BANGFU_PUBLIC_URL``.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from bangfu.access import Pass
from bangfu.accounts import LASTS, read, written
from bangfu.settings import Settings

CLIENT = "x-bangfu-client"
"""The header that our own pages add."""
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def origin_of(request: HttpRequest, settings: Settings) -> str | None:
    """The address that people reach the server at; None where it is not one for passwords."""
    if settings.public_url is not None:
        return settings.public_url
    try:
        parts = urlsplit(f"{request.url.scheme}://{request.headers.get('host', '')}")
        host, safe = parts.hostname, parts.scheme == "https" or parts.hostname in _LOOPBACK
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.netloc}" if host and safe and "@" not in parts.netloc else None


def cookie_name(origin: str) -> str:
    """The name of the session's cookie: over https one that no other host and no plain http can set."""
    return "__Host-bangfu" if origin.startswith("https:") else "bangfu"


def is_ours(request: HttpRequest, origin: str) -> bool:
    """Whether the browser says nothing else than that one of our pages sent a request."""
    site, stated = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    return site in (None, "same-origin") and stated in (None, origin)


def by_cookie(request: HttpRequest, settings: Settings, *, form: bool = False) -> Pass | None:
    """The session that a request of one of our pages shows; a ``form`` says where it comes from, a script by the
    header."""
    origin = origin_of(request, settings)
    if origin is None or not is_ours(request, origin):
        return None
    said = "origin" in request.headers or "sec-fetch-site" in request.headers if form else request.headers.get(CLIENT)
    if not said:
        return None
    return read(request.cookies.get(cookie_name(origin), ""), service=False)


def keep(response: Response, origin: str, shown: Pass) -> None:
    """Give the browser a session's cookie, in place of whatever it had."""
    response.set_cookie(
        cookie_name(origin),
        written(shown),
        max_age=int(LASTS.total_seconds()),
        path="/",
        secure=origin.startswith("https:"),
        httponly=True,
        samesite="strict",
    )


def forget(response: Response, origin: str) -> None:
    """Take the cookie away."""
    secure = origin.startswith("https:")
    response.delete_cookie(cookie_name(origin), path="/", secure=secure, httponly=True, samesite="strict")
