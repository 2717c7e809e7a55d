"""The API over HTTP: one endpoint, the console, files, and whether the server is well.

Answers follow the GraphQL-over-HTTP specification. Bodies are limited before they are read whole; what is no request is
answered with 400, a fault of ours with an id and nothing else. The log holds the name of an operation, its id and
the traceback, never a document or a variable: they may name people.
"""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

from cross_web import AsyncHTTPRequestAdapter, HTTPException
from graphql import GraphQLError
from sqlalchemy import select, text
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request as HttpRequest
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from strawberry.asgi import GraphQL
from strawberry.exceptions import MissingQueryError
from strawberry.http import GraphQLHTTPResponse
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType
from strawberry.types.unset import UNSET

from bangfu import audit, files
from bangfu.access import Entered, actor, county
from bangfu.cases.ground import switched_on
from bangfu.db import Database
from bangfu.db import Scope as DbScope
from bangfu.errors import Code, Refused
from bangfu.models import Job
from bangfu.programme import Plugins
from bangfu.settings import Settings
from bangfu.text import Language, Text
from bangfu.vault import Vault
from bangfu_graphql.defences import storable
from bangfu_graphql.requests import Replayed, Request
from bangfu_graphql.schema import Schema, schema_of
from bangfu_graphql.tokens import Tokens, Unauthenticated

log = logging.getLogger("bangfu.api")

CONSOLE = Path(__file__).parent / "console"
LARGEST_BODY = 1024 * 1024
"""The largest JSON body. An upload may be as large as the largest file, and a little for what is around it."""
DEEPEST_BODY = 100
LONGEST_KEY = 200
RESPONSE, PLAIN = "application/graphql-response+json", "application/json"
_CONSOLE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True)
class Service:
    """What the server stands on."""

    database: Database
    vault: Vault
    plugins: Plugins
    tokens: Tokens

    @property
    def settings(self) -> Settings:
        """The installation's settings."""
        return self.database.settings

    async def enter(self, request: HttpRequest) -> tuple[Entered, dict[str, Any]]:
        """Who asks, and the programmes that the county runs today; raises :class:`Unauthenticated`.

        A county or an officer that does not exist (any more) is answered like a token that is none.
        """
        bearer = self.tokens.bearer(request.headers.get("authorization"), datetime.now(UTC))
        try:
            found = await county(self.database, bearer.tenant)
            moment = found.moment()
            async with self.database.session(DbScope(found.id), reading=True) as session:
                who = Entered(await actor(session, found, bearer.officer), moment)
                running = await switched_on(session, found.id, moment.today)
        except Refused as refusal:
            raise Unauthenticated from refusal
        known = self.plugins.programmes
        return who, {code: known[code] for code in sorted(running) if code in known}


def _browses(request: HttpRequest) -> bool:
    """Whether somebody looks with a browser."""
    return "text/html" in request.headers.get("accept", "")


def language_of(request: HttpRequest) -> Language:
    """Chinese, unless the caller prefers English."""
    for part in request.headers.get("accept-language", "").lower().split(","):
        tag = part.split(";")[0].strip()
        if tag.startswith("zh"):
            return "zh"
        if tag.startswith("en"):
            return "en"
    return "zh"


def _error(code: str, message: str, status: int, trace: str, **headers: str) -> JSONResponse:
    body = {"errors": [{"message": message, "extensions": {"code": code, "traceId": trace}}]}
    return JSONResponse(body, status, headers)


_WHO = Text("请先登录:令牌缺失、无效或已过期", "Sign in first: the token is missing, not valid, or has expired.")
_FAULT = Text("系统内部错误,请将编号告知管理员", "A fault of ours; tell the administrator its id.")
_BUSY = Text("数据被他人同时修改,请重试", "Somebody else changed the same data at once; try again.")


class View(GraphQL[Request, None]):
    """The endpoint."""

    allow_queries_via_get = True

    def __init__(self, service: Service) -> None:
        super().__init__(
            schema_of(service.plugins.programmes.values()),
            graphql_ide=None,
            subscription_protocols=(GRAPHQL_SSE_PROTOCOL,),
            multipart_uploads_enabled=True,
        )
        self.service = service

    # --- the request ---

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; nobody gets further without a token."""
        http = HttpRequest(scope, receive=receive)
        trace = secrets.token_hex(8)
        language = language_of(http)
        response: Response
        if (
            scope["method"] == "GET"
            and "text/html" in http.headers.get("accept", "")
            and "query" not in http.query_params
        ):
            response = RedirectResponse("/graphql/console", 303)
        else:
            try:
                who, programmes = await self.service.enter(http)
                key = http.headers.get("idempotency-key")
                if key is not None and not (0 < len(key) <= LONGEST_KEY and key.isprintable()):
                    raise HTTPException(400, f"An Idempotency-Key is 1 to {LONGEST_KEY} printable characters.")
                context = Request(
                    who,
                    self.service.database,
                    self.service.vault,
                    self.service.plugins,
                    programmes,
                    language,
                    trace,
                    key,
                )
                context.schema = schema_of(programmes.values())
                http.state.context = context
                response = await self.run(http, context)
            except Unauthenticated:
                response = _error("UNAUTHENTICATED", _WHO.in_(language), 401, trace, **{"WWW-Authenticate": "Bearer"})
            except HTTPException as error:
                response = _error("BAD_REQUEST", error.reason, error.status_code, trace)
            except Exception:
                log.exception("request %s failed", trace)
                response = _error("INTERNAL", _FAULT.in_(language), 500, trace)
            finally:
                await http.close()  # uploaded files
        response.headers["X-Trace-Id"] = trace
        response.headers["Cache-Control"] = "no-store"
        response.headers["Vary"] = "Accept, Accept-Language, Authorization"
        await response(scope, receive, send)

    def decode_json(self, data: str | bytes) -> object:
        """A body as an object; whatever cannot be one is no request."""
        try:
            parsed = json.loads(data.decode("utf-8") if isinstance(data, bytes) else data)
        except (ValueError, RecursionError) as error:
            raise HTTPException(400, "The body is no JSON.") from error
        if _depth(parsed) > DEEPEST_BODY or not _storable(parsed):
            raise HTTPException(400, "The body is nested too deeply, or holds a character that cannot be stored.")
        return parsed

    def encode_json(self, data: object) -> bytes:
        """JSON in UTF-8: Chinese as it is."""
        return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()

    async def parse_http_body(self, request: AsyncHTTPRequestAdapter) -> Any:
        """The request in a body; whatever Strawberry stumbles over is no request."""
        try:
            return await super().parse_http_body(request)
        except (TypeError, AttributeError, ValueError, UnicodeError, IndexError) as error:
            raise HTTPException(400, "The body is no GraphQL request.") from error

    async def execute_operation(
        self,
        request: HttpRequest,
        request_adapter: AsyncHTTPRequestAdapter,
        request_data: Any,
        context: Request,
        root_value: None,
        sub_response: Response,
    ) -> Any:
        """Carry a request out in its one transaction, which is kept only if its answer stands."""
        if isinstance(request_data, list):
            raise HTTPException(400, "Send one operation a request.")
        schema: Schema = context.schema
        asked = {
            "variable_values": request_data.variables,
            "context_value": context,
            "operation_name": request_data.operation_name,
        }
        types = set(OperationType.from_http(request_adapter.method))
        if self._get_stream_transport(request_data.protocol):
            request.state.streams = True
            types = {OperationType.SUBSCRIPTION}
            return _ended(await schema.stream(request_data.query, allowed_operation_types=types, **asked), context)
        if context.key is not None:
            context.digest = await _digest(request_data)
        try:
            result = await schema.execute(request_data.query, allowed_operation_types=types, **asked)
        except CannotGetOperationTypeError as error:
            raise HTTPException(400, error.as_http_error_reason()) from error
        except InvalidOperationTypeError as error:
            raise HTTPException(405, error.as_http_error_reason(request_adapter.method)) from error
        except MissingQueryError as error:
            raise HTTPException(400, "There is no document in the request.") from error
        finally:
            if context.replayed is not None:
                await context.end(keep=False)
        return result

    async def run(self, request: Any, context: Any = UNSET, root_value: Any = UNSET) -> Any:
        """Answer, with the media type and the status that the specification asks for."""
        own: Request = context
        try:
            response = await super().run(request, context, root_value)
        except BaseException:
            await own.end(keep=False)
            raise
        if own.replayed is not None:
            response = Response(own.replayed, media_type=PLAIN, headers={"Idempotency-Replayed": "true"})
        elif own.schema is not None and not getattr(request.state, "streams", False):
            kept = own.writing and not own.refused and not getattr(request.state, "failed", False)
            if kept:
                await own.keep_answer(response.body)
            await own.end(keep=kept)
        if response.media_type == PLAIN and RESPONSE in request.headers.get("accept", ""):
            response.headers["content-type"] = RESPONSE
            status = getattr(request.state, "status", None)
            if response.status_code == 200 and status is not None:
                response.status_code = status
        return response

    # --- the answer ---

    async def process_result(self, request: HttpRequest, result: ExecutionResult) -> GraphQLHTTPResponse:
        """An answer whose errors say no more than they may; one that failed before it was carried out has no data."""
        context: Request = request.state.context
        before = result.data is None and all(error.path is None for error in result.errors or ())
        errors = [self._told(error, context) for error in result.errors or ()]
        answer: dict[str, Any] = {"data": result.data}
        if errors:
            request.state.failed = True
            answer["errors"] = errors
            if before:
                del answer["data"]
                request.state.status = _STATUS.get(errors[0]["extensions"]["code"], 400)
        return answer  # type: ignore[return-value]

    def _told(self, error: GraphQLError, context: Request) -> dict[str, Any]:
        """An error as its sender may see it."""
        told: dict[str, Any] = dict(error.formatted)
        extensions = {**(error.extensions or {}), "traceId": context.trace}
        cause = error.original_error
        while isinstance(cause, GraphQLError):
            extensions = {**(cause.extensions or {}), **extensions}
            cause = cause.original_error
        if isinstance(cause, Refused):
            problem = cause.problems[0]
            told["message"] = context.say(problem.message)
            extensions |= {"code": problem.code.name, "remedy": context.say(problem.remedy)}
        elif cause is not None and not isinstance(cause, Replayed) and error.path is not None and not _coercion(error):
            log.error("request %s failed", context.trace, exc_info=cause)
            told["message"] = context.say(_FAULT)
            extensions = {"code": "INTERNAL", "traceId": context.trace}
        elif cause is not None and error.path is None and not error.nodes and not isinstance(cause, GraphQLError):
            log.error("request %s failed before it was carried out", context.trace, exc_info=cause)
            told["message"] = context.say(_FAULT)
            extensions = {"code": "INTERNAL", "traceId": context.trace}
        extensions.setdefault("code", "BAD_USER_INPUT" if error.path is not None else "GRAPHQL_VALIDATION_FAILED")
        told["extensions"] = extensions
        return told


_STATUS = {"FORBIDDEN": 403, "INTERNAL": 500}


def _coercion(error: GraphQLError) -> bool:
    """Whether an error says that an argument is no value of its type: the sender's fault, and in words of ours."""
    return error.message.startswith(("Argument ", "Variable "))


async def _ended(results: AsyncIterator[Any], context: Request) -> AsyncIterator[Any]:
    """The results of a stream, whose transaction ends with it."""
    try:
        async for result in results:
            yield result
    finally:
        await context.end(keep=False)


def _depth(value: Any) -> int:
    """How deep a body is nested; without recursion, for it may be very deep."""
    depth, level = 0, [value]
    while level and depth <= DEEPEST_BODY:
        depth += 1
        level = [
            item
            for own in level
            if isinstance(own, dict | list)
            for item in (own.values() if isinstance(own, dict) else own)
        ]
    return depth


def _storable(value: Any) -> bool:
    """Whether every text of a body can be stored."""
    pending = [value]
    while pending:
        own = pending.pop()
        if isinstance(own, str) and not storable(own):
            return False
        if isinstance(own, dict):
            pending += [*own.keys(), *own.values()]
        elif isinstance(own, list):
            pending += own
    return True


async def _digest(asked: Any) -> str:
    """A SHA-256 of a request: its document, operation and variables, and the content of its files."""
    digest = hashlib.sha256()
    contents: list[bytes] = []

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: plain(item) for name, item in value.items()}
        if isinstance(value, list):
            return [plain(item) for item in value]
        if isinstance(value, UploadFile):
            value.file.seek(0)
            contents.append(hashlib.sha256(value.file.read()).digest())
            value.file.seek(0)
            return {"file": value.filename}
        return value

    whole = [asked.query, asked.operation_name, plain(asked.variables or {})]
    digest.update(json.dumps(whole, ensure_ascii=False, sort_keys=True).encode())
    for content in contents:
        digest.update(content)
    return digest.hexdigest()


# --- limits ---------------------------------------------------------------------------------------------------


class BodyLimit:
    """Refuses a body that is too large before it is in memory, whatever length it declares."""

    def __init__(self, app: ASGIApp, largest_file: int) -> None:
        self.app, self.largest_file = app, largest_file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count what comes in."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        form = headers.get(b"content-type", b"").startswith(b"multipart/form-data")
        limit = self.largest_file + LARGEST_BODY if form else LARGEST_BODY
        stated = headers.get(b"content-length", b"0")
        if not stated.isdigit() or int(stated) > limit:
            await _too_large(limit)(scope, receive, send)
            return
        seen, begun = 0, False

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            if message["type"] == "http.request":
                seen += len(message.get("body", b""))
                if seen > limit:
                    raise _TooLarge
            return message

        async def sent(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, counted, sent)
        except _TooLarge:
            if not begun:
                await _too_large(limit)(scope, receive, send)


class _TooLarge(HTTPException):
    def __init__(self) -> None:
        super().__init__(413, "The body is too large.")


def _too_large(limit: int) -> Response:
    return _error("TOO_LARGE", f"A body has at most {limit:,} bytes.", 413, secrets.token_hex(8), Connection="close")


# --- files, console, health -----------------------------------------------------------------------------------


async def download(request: HttpRequest) -> Response:
    """A file that a job was given or made, for who asked for the job; every fetch is on record."""
    service: Service = request.app.state.service
    trace, language = secrets.token_hex(8), language_of(request)
    try:
        who, _ = await service.enter(request)
    except Unauthenticated:
        return _error("UNAUTHENTICATED", _WHO.in_(language), 401, trace, **{"WWW-Authenticate": "Bearer"})
    missing = Code.NOT_FOUND.problem("file", what=Text("文件", "the file")).message.in_(language)
    try:
        key = UUID(request.path_params["id"])
    except ValueError:
        return _error("NOT_FOUND", missing, 404, trace)
    async with service.database.session(who.scope) as session:
        own = select(Job.id).where(
            Job.tenant_id == who.county.id,
            Job.officer_id == who.actor.id,
            (Job.file_id == key) | (Job.result_file_id == key),
        )
        job = await session.scalar(own.limit(1))
        if job is None:
            return _error("NOT_FOUND", missing, 404, trace)
        try:
            found = await files.fetch(session, service.vault, who.county.id, key)
        except Refused:
            return _error("NOT_FOUND", missing, 404, trace)
        await audit.record(
            session, who.at.now, who.actor.id, "fetch_file", f"file/{key}", {"job": str(job), "bytes": len(found.data)}
        )
    kind = "text/csv; charset=utf-8" if found.name.endswith(".csv") else _WORKBOOK
    return Response(
        found.data,
        media_type=kind,
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(found.name, safe='')}",
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "X-Trace-Id": trace,
        },
    )


_WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


async def console(request: HttpRequest) -> Response:
    """The page of the console."""
    return FileResponse(CONSOLE / "index.html", headers={"Content-Security-Policy": _CONSOLE_POLICY})


async def live(request: HttpRequest) -> Response:
    """The process answers."""
    return JSONResponse({"live": True})


async def ready(request: HttpRequest) -> Response:
    """The database answers, and its walls stand as they did when the server started."""
    service: Service = request.app.state.service
    try:
        async with service.database.unscoped() as connection:
            await connection.execute(text("select 1"))
    except Exception:
        log.exception("the database does not answer")
        return JSONResponse({"ready": False}, 503)
    return JSONResponse({"ready": True})


async def keys(request: HttpRequest) -> Response:
    """The public keys that tokens are signed with."""
    service: Service = request.app.state.service
    return JSONResponse(service.tokens.public.as_dict())


def application(service: Service) -> Starlette:
    """The server's application."""
    made = Starlette(
        routes=[
            Route("/graphql", View(service), methods=None),
            Route("/graphql/console", console),
            Mount("/graphql/console", StaticFiles(directory=CONSOLE)),
            Route("/files/{id}", download),
            Route("/.well-known/jwks.json", keys),
            Route("/livez", live),
            Route("/readyz", ready),
        ],
        middleware=[
            Middleware(BodyLimit, largest_file=service.settings.largest_file),
            Middleware(GZipMiddleware, minimum_size=2_000, compresslevel=4),
        ],
    )
    made.state.service = service
    return made
