"""What is answered where a request is none, or fails.

In the language and the media type that its sender asked for, and no more than a sender may know. The log holds the id
of a request and where a fault was, never a document, a variable or the text of an error: they may name people.
"""

from __future__ import annotations

import logging
import re
import secrets
import traceback
from collections.abc import Iterator
from typing import Any

from cross_web import HTTPException
from graphql import GraphQLError, GraphQLSyntaxError
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response

from bangfu.errors import Code, Refused
from bangfu.text import Language, Text
from bangfu_graphql.requests import Replayed, Request

log = logging.getLogger("bangfu.api")

RESPONSE, PLAIN = "application/graphql-response+json", "application/json"
STATUS = {"FORBIDDEN": 403, "INTERNAL": 500, "CONFLICT": 409}
"""The statuses of errors before a request is carried out, where the media type lets them show."""


def _weights(request: HttpRequest, name: str) -> dict[str, float]:
    """What a header of preferences names, and how much it is wanted: the most first, and nothing that is not."""
    found: dict[str, float] = {}
    for part in ",".join(request.headers.getlist(name)).lower().split(","):
        named, *parameters = (piece.strip() for piece in part.split(";"))
        stated = next((piece[2:] for piece in parameters if piece.startswith("q=")), "1")
        if re.fullmatch(r"0(\.\d{0,3})?|1(\.0{0,3})?", stated):
            found[named] = float(stated)
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def language_of(request: HttpRequest) -> Language:
    """Chinese, unless the caller prefers English."""
    for tag, weight in _weights(request, "accept-language").items():
        if weight and tag.startswith(("zh", "en")):
            return "en" if tag.startswith("en") else "zh"
    return "zh"


def media_type(request: HttpRequest) -> str:
    """The type that an answer is sent as: the specification's own where it is asked for by name."""
    weights = _weights(request, "accept")
    plain = next((weights[name] for name in (PLAIN, "application/*", "*/*") if name in weights), 0.0)
    return RESPONSE if 0 < weights.get(RESPONSE, 0.0) >= plain else PLAIN


def error_response(
    request: HttpRequest, code: str, message: str, status: int, trace: str | None = None, **headers: str
) -> JSONResponse:
    """An answer that is one error, for what never becomes a GraphQL request."""
    trace = trace or secrets.token_hex(8)
    body = {"errors": [{"message": message, "extensions": {"code": code, "traceId": trace}}]}
    headers |= {"X-Trace-Id": trace, "Cache-Control": "no-store"}
    return JSONResponse(body, status, headers, media_type(request))


class BadRequest(HTTPException):
    """What was sent is no request that can be answered."""

    def __init__(self, status: int, reason: str, code: str = "BAD_REQUEST", **headers: str) -> None:
        super().__init__(status, reason)
        self.code, self.headers = code, headers


def _where(error: BaseException) -> str:
    """Where an error came from and what kind each of its causes is; their texts may hold what was sent."""
    told: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(told) < 10:
        state = getattr(cause, "sqlstate", None)
        kind = f"{type(cause).__module__}.{type(cause).__qualname__}{f' {state}' if state else ''}"
        told.append("".join(traceback.format_tb(cause.__traceback__)) + kind)
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return "\n".join(reversed(told))


def _is_busy(error: BaseException) -> bool:
    """Whether the database ended a transaction for the sake of another one: asked again, it may well succeed."""
    return getattr(getattr(error, "orig", None), "sqlstate", None) in _BUSY_STATES


def fault(error: BaseException, trace: str) -> tuple[str, Text, int]:
    """The code, the words and the status for an error that nobody foresaw; it is logged."""
    if _is_busy(error):
        return Code.CONFLICT.name, _BUSY, 409
    log.error("request %s failed\n%s", trace, _where(error))
    return "INTERNAL", _FAULT, 500


_BUSY_STATES = ("40001", "40P01")
"""A serialization failure, and a deadlock."""
_WHO = Text("请先登录:令牌缺失、无效或已过期", "Sign in first: the token is missing, not valid, or has expired.")
_FAULT = Text("系统内部错误,请将编号告知管理员", "A fault of ours; tell the administrator its id.")
_BUSY = Text("数据被他人同时修改,请重试", "Somebody else changed the same data at once; try again.")


def unauthenticated(request: HttpRequest, language: Language, trace: str) -> Response:
    """The answer to who did not sign in: the same whatever is wrong with the token."""
    return error_response(request, "UNAUTHENTICATED", _WHO.in_(language), 401, trace, **{"WWW-Authenticate": "Bearer"})


_LIMITS = ("aborted.", "Maximum introspection depth exceeded", "nested too deeply.")
"""How graphql-core's own limits end what they say."""


def _chain(error: GraphQLError) -> Iterator[GraphQLError]:
    """An error and those that it was made of, but for the last cause that is none of GraphQL's."""
    inner: Exception | None = error
    while isinstance(inner, GraphQLError):
        yield inner
        inner = inner.original_error


def _code(error: GraphQLError) -> str | None:
    """The code of an error that GraphQL itself finds in what was sent; None for any other, which is a fault."""
    own = error if error.path is None else error.original_error
    if not isinstance(own, GraphQLError):
        return None
    if own.message.startswith(("Argument '", "Variable '$")) and " has invalid " in own.message and own.nodes:
        return "BAD_USER_INPUT"
    if error.path is not None or (own.original_error is not None and not own.nodes):
        return None
    if own.message.endswith(_LIMITS):
        return "TOO_LARGE"
    return "GRAPHQL_PARSE_FAILED" if isinstance(own, GraphQLSyntaxError) else "GRAPHQL_VALIDATION_FAILED"


def _plain(message: str) -> str:
    """What GraphQL says of a value, without the value as Python writes it."""
    message = re.sub(r"(?s)[,;] found: .*", ".", message)
    message = re.sub(r"(?s)(cannot represent [a-z0-9 -]*value): .*", r"\1.", message)
    return message.replace(" not to be None", " not to be null")


def told(error: GraphQLError, context: Request) -> dict[str, Any]:
    """An error as its sender may see it."""
    own = list(_chain(error))
    cause = own[-1].original_error
    shown: dict[str, Any] = dict(error.formatted)
    extensions: dict[str, Any] = {"traceId": context.trace}
    for one in own:
        extensions = {**(one.extensions or {}), **extensions}
    if isinstance(cause, Refused):
        problem = cause.problems[0]
        shown["message"] = context.say(problem.message)
        extensions |= {"code": problem.code.name, "remedy": context.say(problem.remedy)}
    elif "code" not in extensions and not isinstance(cause, Replayed):
        code = _code(error)
        if code is None:
            code, words, _ = fault(cause or error, context.trace)
            shown["message"] = context.say(words)
        else:
            shown["message"] = _plain(shown["message"])
        extensions["code"] = code
    shown["extensions"] = extensions
    return shown
