"""The endpoint: GraphQL over HTTP.

Answers follow the GraphQL-over-HTTP specification. Nobody gets further without a token; what is no request is answered
with 400 before anything is parsed; a request has one transaction, which is kept only if its answer stands.
"""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from cross_web import AsyncHTTPRequestAdapter, HTTPException
from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException as FormError
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send
from strawberry.asgi import GraphQL
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType
from strawberry.types.unset import UNSET

from bangfu.access import Entered, Pass, admit
from bangfu.accounts import SEEN, SERVICE_PREFIX, read, touch
from bangfu.cases.ground import switched_on
from bangfu.db import Database
from bangfu.db import Scope as DbScope
from bangfu.errors import Refused
from bangfu.programme import Plugins
from bangfu.settings import Settings
from bangfu.vault import Vault
from bangfu_graphql.answers import (
    PLAIN,
    RESPONSE,
    STATUS,
    BadRequest,
    error_response,
    fault,
    language_of,
    media_type,
    told,
    unauthenticated,
)
from bangfu_graphql.browsing import by_cookie
from bangfu_graphql.defences import storable
from bangfu_graphql.providers import Keys, pass_of
from bangfu_graphql.requests import Request
from bangfu_graphql.schema import SHARED, Schema, Schemas, schema_of
from bangfu_graphql.tokens import Tokens, Unauthenticated, token_in

log = logging.getLogger("bangfu.api")

LARGEST_BODY = 1024 * 1024
"""The largest JSON body. An upload may be as large as the largest file, and a little for what is around it."""
DEEPEST_BODY = 100
LONGEST_DOCUMENT = 100_000
"""The most characters of a document: hundreds of them are kept."""
LONGEST_KEY = 200
MOST_SEEN = 10_000


@dataclass(frozen=True)
class Service:
    """What the server stands on."""

    database: Database
    vault: Vault
    plugins: Plugins
    tokens: Tokens
    keys: Keys = field(default_factory=Keys)
    schemas: Schemas = field(default_factory=lambda: SHARED)
    seen: dict[UUID, datetime] = field(default_factory=dict)
    """When a session was last noted to be in use."""

    @property
    def settings(self) -> Settings:
        """The installation's settings."""
        return self.database.settings

    async def enter(self, request: HttpRequest) -> tuple[Pass, Entered, dict[str, Any]]:
        """With what somebody asks, who it is, and the programmes run today; raises :class:`Unauthenticated`.

        A county or an officer that does not exist (any more) is answered like a token that is none.
        """
        now = datetime.now(UTC)
        shown = await self.shown(request, now)
        who = await self.admitted(shown, now)
        async with self.database.session(DbScope(who.county.id), reading=True) as session:
            running = await switched_on(session, who.county.id, who.at.today)
        known = self.plugins.programmes
        return shown, who, {code: known[code] for code in sorted(running) if code in known}

    async def shown(self, request: HttpRequest, now: datetime) -> Pass:
        """What somebody shows: a token of the built-in issuer, of the county's own provider or of a system, or the
        cookie of a session; raises :class:`Unauthenticated`."""
        header = request.headers.get("authorization")
        if header is None:
            found = by_cookie(request, self.settings)
        else:
            token = token_in(header)
            if token.startswith(SERVICE_PREFIX):
                found = read(token.removeprefix(SERVICE_PREFIX), service=True)
            else:
                found = await pass_of(self.database, self.keys, token, now) or self.tokens.bearer(token, now)
        if found is None:
            raise Unauthenticated
        return found

    async def admitted(self, shown: Pass, now: datetime) -> Entered:
        """Who shows a pass, if it counts now; that a session is in use is noted; raises :class:`Unauthenticated`."""
        try:
            who = await admit(self.database, shown, now)
        except Refused as refusal:
            raise Unauthenticated from refusal
        if shown.session is not None and now - self.seen.get(shown.session, now - 2 * SEEN) > SEEN:
            if len(self.seen) >= MOST_SEEN:
                self.seen.clear()
            self.seen[shown.session] = now
            await touch(self.database, who, shown.session, now)
        return who


def _browses(request: HttpRequest) -> bool:
    """Whether somebody looks with a browser, and asks nothing yet."""
    looks = "text/html" in request.headers.get("accept", "") and "query" not in request.query_params
    return looks and request.method == "GET"


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
                shown, who, programmes = await self.service.enter(http)
                key = http.headers.get("idempotency-key")
                if key is not None and not (0 < len(key) <= LONGEST_KEY and key.isprintable()):
                    raise BadRequest(400, f"An Idempotency-Key is 1 to {LONGEST_KEY} printable characters.")
                context = Request(
                    shown,
                    who,
                    self.service.database,
                    self.service.vault,
                    self.service.plugins,
                    programmes,
                    language,
                    trace,
                    key,
                )
                context.schema = await self.service.schemas.ready(programmes.values())
                http.state.context = context
                response = await self.run(http, context)
            except Unauthenticated:
                response = unauthenticated(http, language, trace)
            except BadRequest as error:
                response = error_response(http, error.code, error.reason, error.status_code, trace, **error.headers)
            except HTTPException as error:
                response = error_response(http, "BAD_REQUEST", error.reason, error.status_code, trace)
            except ClientDisconnect:
                response = error_response(http, "BAD_REQUEST", "The body ended too early.", 400, trace)
            except Exception as error:
                code, words, status = fault(error, trace)
                response = error_response(http, code, words.in_(language), status, trace)
            finally:
                await http.close()  # uploaded files
        response.headers["X-Trace-Id"] = trace
        response.headers["Cache-Control"] = "no-store"
        response.headers["Vary"] = "Accept, Accept-Language, Authorization, Cookie"
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
        if response.media_type == PLAIN and media_type(request) == RESPONSE:
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
        errors = [told(error, context) for error in result.errors or ()]
        answer: dict[str, Any] = {"data": result.data}
        if errors:
            request.state.failed = True
            answer["errors"] = errors
            if before:
                del answer["data"]
                request.state.status = STATUS.get(errors[0]["extensions"]["code"], 400)
            elif context.writing:
                answer["data"] = None  # nothing of it is kept
        return answer  # type: ignore[return-value]


_ANSWERED = {OperationType.QUERY, OperationType.MUTATION}
_BODIES: dict[bytes, Any] = {b"application/json": View.parse_body, b"multipart/form-data": View.parse_multipart}


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
