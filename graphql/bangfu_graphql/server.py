"""The server's application: the endpoint, the console, files, and whether the server is well."""

from __future__ import annotations

import logging
import secrets
from pathlib import Path, PurePosixPath
from urllib.parse import quote
from uuid import UUID

from sqlalchemy import select, text
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request as HttpRequest
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bangfu import audit, files
from bangfu.access import Action
from bangfu.cases import exports
from bangfu.errors import Code, Refused
from bangfu.handouts import sheets
from bangfu.models import Job, NoticeEvidence
from bangfu.notices.evidence import kind_of
from bangfu.pairings import exports as papers
from bangfu.text import Text
from bangfu_graphql import login, public
from bangfu_graphql.answers import BadRequest, error_response, fault, language_of, unauthenticated
from bangfu_graphql.http import LARGEST_BODY, Service, View
from bangfu_graphql.tokens import Unauthenticated

log = logging.getLogger("bangfu.api")

CONSOLE = Path(__file__).parent / "console"
_CONSOLE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_CONSOLE_HEADERS = {"Content-Security-Policy": _CONSOLE_POLICY, "X-Content-Type-Options": "nosniff"}


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
    return error_response(HttpRequest(scope), "TOO_LARGE", _most(limit), 413)


# --- files, console, health -----------------------------------------------------------------------------------


async def download(request: HttpRequest) -> Response:
    """A file that a job was given or made, for who asked for the job, or the evidence of a notice, for who has the
    notice in sight; every fetch is on record."""
    trace, language = secrets.token_hex(8), language_of(request)
    try:
        found = await _fetched(request)
    except Unauthenticated:
        return unauthenticated(request, language, trace)
    except Refused:
        missing = Code.NOT_FOUND.problem("file", what=Text("文件", "the file")).message.in_(language)
        return error_response(request, "NOT_FOUND", missing, 404, trace)
    except Exception as error:
        code, words, status = fault(error, trace)
        return error_response(request, code, words.in_(language), status, trace)
    kind = kind_of(found.data) or _KINDS.get(PurePosixPath(found.name).suffix.lower(), _WORKBOOK)
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
    _, who, _ = await service.enter(request)
    missing = Text("文件", "the file")
    try:
        key = UUID(request.path_params["id"])
    except ValueError:
        raise Code.NOT_FOUND.refuse("file", what=missing) from None
    async with service.database.session(who.scope) as session:
        own = select(Job.id, Job.kind, Job.parameters).where(
            Job.tenant_id == who.county.id,
            Job.officer_id == who.actor.id,
            (Job.file_id == key) | (Job.result_file_id == key),
        )
        job = (await session.execute(own.limit(1))).first()
        if job is None:
            shown = select(NoticeEvidence.notice_id).where(
                NoticeEvidence.tenant_id == who.county.id, NoticeEvidence.file_id == key
            )
            notice = await session.scalar(shown.limit(1))
            if notice is None or not who.may(Action.READ_CASES):
                raise Code.NOT_FOUND.refuse("file", what=missing)
            found = await files.fetch(session, service.vault, who.county.id, key)
            about = {"notice": str(notice), "bytes": len(found.data)}
            await audit.record(session, who.at.now, who.actor.id, "fetch_file", f"file/{key}", about)
            return found
        needed = (own.action_of(job.kind) for own in (exports, papers, sheets))
        if (action := next((one for one in needed if one is not None), None)) is not None:
            who.require(action)
        found = await files.fetch(session, service.vault, who.county.id, key)
        about = {"job": str(job.id), "kind": job.kind, "bytes": len(found.data)}
        reason = job.parameters.get("reason", "")  # of a list, what it was made for
        await audit.record(session, who.at.now, who.actor.id, "fetch_file", f"file/{key}", about, reason)
    return found


_WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_KINDS = {
    ".csv": "text/csv; charset=utf-8",
    ".txt": "text/plain; charset=gb18030",
    ".zip": "application/zip",
}
"""The media types of files by how their names end; everything else is a workbook."""


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
            *login.routes(service),
            *public.routes(service),
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
