"""The API over HTTP: one endpoint, the console, files, and whether the server is well.

Answers follow the GraphQL-over-HTTP specification. Bodies are limited before they are read whole; what is no request is
answered with 400, a fault of ours with an id and nothing else. The log holds that id and where the fault was, never a
document, a variable or the text of an error: they may name people.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import secrets
import traceback
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

from cross_web import AsyncHTTPRequestAdapter, HTTPException
from graphql import GraphQLError, GraphQLSyntaxError
from python_multipart.multipart import parse_options_header
from sqlalchemy import select, text
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException as FormError
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from strawberry.asgi import GraphQL
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType
from strawberry.types.unset import UNSET

from bangfu import audit, files
from bangfu.access import Action, Entered, actor, county
from bangfu.cases import exports
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
LONGEST_DOCUMENT = 100_000
"""The most characters of a document: hundreds of them are kept."""
LONGEST_KEY = 200
RESPONSE, PLAIN = "application/graphql-response+json", "application/json"
_CONSOLE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_CONSOLE_HEADERS = {"Content-Security-Policy": _CONSOLE_POLICY, "X-Content-Type-Options": "nosniff"}


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
    """Whether somebody looks with a browser, and asks nothing yet."""
    looks = "text/html" in request.headers.get("accept", "") and "query" not in request.query_params
    return looks and request.method == "GET"


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


def _media_type(request: HttpRequest) -> str:
    """The type that an answer is sent as: the specification's own where it is asked for by name."""
    weights = _weights(request, "accept")
    plain = next((weights[name] for name in (PLAIN, "application/*", "*/*") if name in weights), 0.0)
    return RESPONSE if 0 < weights.get(RESPONSE, 0.0) >= plain else PLAIN


def _error(
    request: HttpRequest, code: str, message: str, status: int, trace: str | None = None, **headers: str
) -> JSONResponse:
    trace = trace or secrets.token_hex(8)
    body = {"errors": [{"message": message, "extensions": {"code": code, "traceId": trace}}]}
    headers |= {"X-Trace-Id": trace, "Cache-Control": "no-store"}
    return JSONResponse(body, status, headers, _media_type(request))


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


def _fault(error: BaseException, trace: str) -> tuple[str, Text, int]:
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


def _unauthenticated(request: HttpRequest, language: Language, trace: str) -> Response:
    return _error(request, "UNAUTHENTICATED", _WHO.in_(language), 401, trace, **{"WWW-Authenticate": "Bearer"})


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
        if _browses(http):
            response = RedirectResponse("/graphql/console", 303)
        else:
            try:
                who, programmes = await self.service.enter(http)
                key = http.headers.get("idempotency-key")
                if key is not None and not (0 < len(key) <= LONGEST_KEY and key.isprintable()):
                    raise BadRequest(400, f"An Idempotency-Key is 1 to {LONGEST_KEY} printable characters.")
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
                response = _unauthenticated(http, language, trace)
            except BadRequest as error:
                response = _error(http, error.code, error.reason, error.status_code, trace, **error.headers)
            except HTTPException as error:
                response = _error(http, "BAD_REQUEST", error.reason, error.status_code, trace)
            except ClientDisconnect:
                response = _error(http, "BAD_REQUEST", "The body ended too early.", 400, trace)
            except Exception as error:
                code, words, status = _fault(error, trace)
                response = _error(http, code, words.in_(language), status, trace)
            finally:
                await http.close()  # uploaded files
        response.headers["X-Trace-Id"] = trace
        response.headers["Cache-Control"] = "no-store"
        response.headers["Vary"] = "Accept, Accept-Language, Authorization"
        response.headers["X-Content-Type-Options"] = "nosniff"
        await response(scope, receive, send)

    def decode_json(self, data: str | bytes) -> object:
        """A body as an object; whatever cannot be one is no request."""
        try:
            parsed = json.loads(data.decode("utf-8") if isinstance(data, bytes) else data)
        except (ValueError, RecursionError) as error:
            raise BadRequest(400, "This is no JSON.") from error
        if _depth(parsed) > DEEPEST_BODY or not _storable(parsed):
            raise BadRequest(400, "The JSON is nested too deeply, or holds a character that cannot be stored.")
        return parsed

    def encode_json(self, data: object) -> bytes:
        """JSON in UTF-8: Chinese as it is."""
        return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()

    def is_request_allowed(self, request: Any) -> bool:
        """Whether a method is one of GraphQL's."""
        if request.method not in ("GET", "POST"):
            raise BadRequest(405, "Use GET for queries, or POST.", Allow="GET, POST")
        return True

    def should_render_graphql_ide(self, request: Any) -> bool:
        """Never: the console has a page of its own."""
        return False

    async def parse_http_body(self, request: AsyncHTTPRequestAdapter) -> GraphQLRequestData:
        """The request in a URL or a body."""
        asked: Any
        if request.method == "GET":
            asked = dict(request.query_params)
            asked |= {name: self.decode_json(asked[name]) for name in ("variables", "extensions") if name in asked}
        else:
            kind, parameters = parse_options_header(request.content_type or "")
            charset = parameters.get(b"charset", b"utf-8").lower()
            coding = request.headers.get("content-encoding", "identity").lower()
            if kind.lower() not in _BODIES or charset not in (b"utf-8", b"utf8") or coding != "identity":
                raise BadRequest(415, "A body is application/json or multipart/form-data, in UTF-8 and as it is.")
            asked = await _BODIES[kind.lower()](self, request)
        if isinstance(asked, list):
            raise BadRequest(400, "Send one operation a request.")
        if not isinstance(asked, dict):
            raise BadRequest(400, "A request is an object.")
        for name, kinds, words in (
            ("query", str, "a text"),
            ("operationName", str, "a text"),
            ("variables", dict, "an object"),
            ("extensions", dict, "an object"),
        ):
            if not isinstance(asked.get(name), kinds | None):
                raise BadRequest(400, f"`{name}` is {words}.")
        document = asked.get("query")
        if not document:
            raise BadRequest(400, "There is no document in the request.")
        if len(document) > LONGEST_DOCUMENT:
            raise BadRequest(413, f"A document has at most {LONGEST_DOCUMENT:,} characters.", "TOO_LARGE")
        if not storable(document):
            raise BadRequest(400, "The document holds a character that cannot be stored.")
        transport = self._get_stream_transport_from_headers(request.headers)
        return GraphQLRequestData(
            document,
            asked.get("variables"),
            asked.get("operationName"),
            asked.get("extensions"),
            transport.protocol if transport else "http",
        )

    async def parse_body(self, request: AsyncHTTPRequestAdapter) -> Any:
        """What a JSON body says."""
        return self.decode_json(await request.get_body())

    async def parse_multipart(self, request: AsyncHTTPRequestAdapter) -> Any:
        """What a form says, with its files at their places among the variables."""
        try:
            form = dict((await request.get_form_data()).form)
        except FormError as error:
            raise BadRequest(400, "The body is no form.") from error
        operations, places = form.pop("operations", None), form.pop("map", None)
        if not (isinstance(operations, str) and isinstance(places, str)):
            raise BadRequest(400, "The form has the texts `operations` and `map`, then the files.")
        asked, named = self.decode_json(operations), self.decode_json(places)
        if not (isinstance(named, dict) and all(isinstance(file, UploadFile) for file in form.values())):
            raise BadRequest(400, "`map` is an object that says for each file where it belongs.")
        if named.keys() != form.keys():
            raise BadRequest(400, "`map` names exactly the files of the form.")
        try:
            for name, paths in named.items():
                for path in paths if isinstance(paths, list) else (None,):
                    _place(asked, path, form[name])
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise BadRequest(400, "A file belongs where `variables` holds a null.") from error
        return asked

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
        schema: Schema = context.schema
        asked = {
            "variable_values": request_data.variables,
            "context_value": context,
            "operation_name": request_data.operation_name,
        }
        if context.key is not None:
            context.digest = await _digest(request_data)
        types = {OperationType.QUERY} if request_adapter.method == "GET" else _ANSWERED
        try:
            return await schema.execute(request_data.query, allowed_operation_types=types, **asked)
        except CannotGetOperationTypeError as error:
            raise BadRequest(400, "The document has no such operation; name one of its operations.") from error
        except InvalidOperationTypeError as error:
            if error.operation_type is OperationType.MUTATION:
                raise BadRequest(405, "A mutation is sent with POST.", Allow="POST") from error
            if self._get_stream_transport(request_data.protocol) is None:
                raise BadRequest(406, "A subscription is answered as text/event-stream; accept that.") from error
        finally:
            if context.replayed is not None:
                await context.end(keep=False)
        request.state.streams = True
        types = {OperationType.SUBSCRIPTION}
        return _ended(await schema.stream(request_data.query, allowed_operation_types=types, **asked), context)

    async def run(self, request: Any, context: Any = UNSET, root_value: Any = UNSET) -> Any:
        """Answer, with the media type and the status that the specification asks for."""
        own: Request = context
        try:
            response = await super().run(request, context, root_value)
            if own.replayed is not None:
                response = Response(own.replayed, media_type=PLAIN, headers={"Idempotency-Replayed": "true"})
            elif not getattr(request.state, "streams", False):
                kept = own.writing and not own.refused and not getattr(request.state, "failed", False)
                if kept:
                    await own.keep_answer(response.body)
                await own.end(keep=kept)
        except BaseException:
            await own.end(keep=False)
            raise
        if response.media_type == PLAIN and _media_type(request) == RESPONSE:
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
            elif context.writing:
                answer["data"] = None  # nothing of it is kept
        return answer  # type: ignore[return-value]

    def _told(self, error: GraphQLError, context: Request) -> dict[str, Any]:
        """An error as its sender may see it."""
        own = list(_chain(error))
        cause = own[-1].original_error
        told: dict[str, Any] = dict(error.formatted)
        extensions: dict[str, Any] = {"traceId": context.trace}
        for one in own:
            extensions = {**(one.extensions or {}), **extensions}
        if isinstance(cause, Refused):
            problem = cause.problems[0]
            told["message"] = context.say(problem.message)
            extensions |= {"code": problem.code.name, "remedy": context.say(problem.remedy)}
        elif "code" not in extensions and not isinstance(cause, Replayed):
            code = _code(error)
            if code is None:
                code, words, _ = _fault(cause or error, context.trace)
                told["message"] = context.say(words)
            else:
                told["message"] = _plain(told["message"])
            extensions["code"] = code
        told["extensions"] = extensions
        return told


_STATUS = {"FORBIDDEN": 403, "INTERNAL": 500, "CONFLICT": 409}
_ANSWERED = {OperationType.QUERY, OperationType.MUTATION}
_BODIES: dict[bytes, Any] = {b"application/json": View.parse_body, b"multipart/form-data": View.parse_multipart}
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


def _place(asked: Any, path: Any, file: Any) -> None:
    """Put a file where the variables hold a null for it."""
    *way, last = path.split(".")
    if way[:1] != ["variables"]:
        raise ValueError(path)
    for step in way:
        asked = asked[int(step) if isinstance(asked, list) else step]
    key: Any = int(last) if isinstance(asked, list) else last
    if asked[key] is not None:
        raise ValueError(path)
    asked[key] = file


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
            await _too_large(scope, limit)(scope, receive, send)
            return
        seen, begun = 0, False

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            if message["type"] == "http.request":
                seen += len(message.get("body", b""))
                if seen > limit:
                    raise BadRequest(413, _most(limit), "TOO_LARGE")
            return message

        async def sent(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, counted, sent)
        except BadRequest:
            if not begun:
                await _too_large(scope, limit)(scope, receive, send)


def _most(limit: int) -> str:
    return f"A body has at most {limit:,} bytes."


def _too_large(scope: Scope, limit: int) -> Response:
    """The answer to a body that is too large. Its connection stays: cut off, who still sends would not see it."""
    return _error(HttpRequest(scope), "TOO_LARGE", _most(limit), 413)


# --- files, console, health -----------------------------------------------------------------------------------


async def download(request: HttpRequest) -> Response:
    """A file that a job was given or made, for who asked for the job; every fetch is on record."""
    trace, language = secrets.token_hex(8), language_of(request)
    try:
        found = await _fetched(request)
    except Unauthenticated:
        return _unauthenticated(request, language, trace)
    except Refused:
        missing = Code.NOT_FOUND.problem("file", what=Text("文件", "the file")).message.in_(language)
        return _error(request, "NOT_FOUND", missing, 404, trace)
    except Exception as error:
        code, words, status = _fault(error, trace)
        return _error(request, code, words.in_(language), status, trace)
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


async def _fetched(request: HttpRequest) -> files.Content:
    """The file that is asked for; refuses one that is not the asker's, or that the asker may not have any more."""
    service: Service = request.app.state.service
    who, _ = await service.enter(request)
    missing = Text("文件", "the file")
    try:
        key = UUID(request.path_params["id"])
    except ValueError:
        raise Code.NOT_FOUND.refuse("file", what=missing) from None
    async with service.database.session(who.scope) as session:
        own = select(Job.id, Job.kind).where(
            Job.tenant_id == who.county.id,
            Job.officer_id == who.actor.id,
            (Job.file_id == key) | (Job.result_file_id == key),
        )
        job = (await session.execute(own.limit(1))).first()
        if job is None:
            raise Code.NOT_FOUND.refuse("file", what=missing)
        if job.kind.startswith(exports.PREFIX):
            who.require(Action(job.kind.replace("/", "_")))
        found = await files.fetch(session, service.vault, who.county.id, key)
        about = {"job": str(job.id), "bytes": len(found.data)}
        await audit.record(session, who.at.now, who.actor.id, "fetch_file", f"file/{key}", about)
    return found


_WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


async def console(request: HttpRequest) -> Response:
    """The page of the console."""
    return FileResponse(CONSOLE / "index.html", headers=_CONSOLE_HEADERS)


class ConsoleFiles(StaticFiles):
    """What the console is made of; nothing of it may fetch anything from elsewhere."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """One of its files."""
        response = await super().get_response(path, scope)
        response.headers.update(_CONSOLE_HEADERS)
        return response


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
            Mount("/graphql/console", ConsoleFiles(directory=CONSOLE)),
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
