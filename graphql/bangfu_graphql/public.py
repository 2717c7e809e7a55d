"""What everybody sees without logging in 公示公开页: a village's open notices, a notice, its poster, a form to object.

Plain pages: no script, no cookie, nothing from elsewhere, nothing for search engines. Every request runs as the role of
the public, on one page, on the county's day (``Database.visit``); what is not open, or was never there, is answered
with the same page, which says that there is nothing.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from html import escape
from typing import Any, TypeAlias
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

from starlette.requests import Request as HttpRequest
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from bangfu.access import Moment, county
from bangfu.documents import fonts, posters
from bangfu.documents.posters import PAPERS, Paper
from bangfu.errors import Code, Problem, Refused
from bangfu.notices import publication
from bangfu.notices.publication import HandedIn, Line, Page
from bangfu.text import Text, day, yuan_digits
from bangfu.text import number as shown_number
from bangfu_graphql.answers import fault
from bangfu_graphql.defences import storable
from bangfu_graphql.http import Service

_NOTICES, _VILLAGES = "/public/notices", "/public/villages"
LARGEST_FORM = 32 * 1024
"""Bytes of a form: a thousand characters, each as nine, and what is around them."""
KEPT = 16
"""How many posters are kept so as not to be made again."""
_PERSON_FIELDS = ("name", "phone")
_FIELDS = ("form", "position", "words", *_PERSON_FIELDS)

_STYLE = """
body{font:16px/1.6 "Noto Sans CJK SC","Source Han Sans SC","Microsoft YaHei","PingFang SC",SimHei,SimSun,
"Bangfu",sans-serif;max-width:52rem;margin:1.5rem auto;padding:0 1rem;color:#111;background:#fff}
h1{font-size:1.6rem;line-height:1.3;text-align:center;margin:.5rem 0}
.en{color:#555;font-size:.85em}h1 .en{display:block;font-size:.9rem;font-weight:normal}
table{border-collapse:collapse;width:100%;margin:1rem 0}
th,td{border:1px solid #444;padding:.3rem .5rem;text-align:left}
th{background:#eee;text-align:center}td.n{text-align:center}td.a{text-align:right;white-space:nowrap}
td.w{text-align:center;color:#555}thead{display:table-header-group}tr{page-break-inside:avoid}
label{display:block;margin:.8rem 0}
input,textarea{display:block;width:100%;box-sizing:border-box;font:inherit;padding:.4rem}
input.short{width:8rem}button{font:inherit;padding:.5rem 1.4rem;background:#0b57a4;color:#fff;border:0}
.refused{border-left:4px solid #b3261e;padding-left:.8rem}.receipt{font-size:1.6rem;letter-spacing:.1em}
code{word-break:break-all}.seal{margin:2rem 0 0 45%}svg{float:right;width:7rem;height:7rem;margin-left:1rem}
@media print{.screen{display:none}body{margin:0;max-width:none;font-size:11pt}}
"""
_FACE = '@font-face{font-family:"Bangfu";src:url("%s") format("woff");font-weight:100 900}'
_PRINT = (
    '@page{size:%s;margin:14mm;@bottom-center{content:"第 " counter(page) " 页 共 " counter(pages) " 页"}}'
    "body{font-size:%s;max-width:none}"
)
_SIZES: Mapping[Paper, tuple[str, str]] = {"a4": ("A4", "12pt"), "a3": ("A3", "17pt")}

Answer: TypeAlias = Callable[[HttpRequest], Awaitable[Response]]


# --- pages ----------------------------------------------------------------------------------------------------


def _both(text: Text) -> str:
    """A text in Chinese, and in English after it."""
    return f'{_signs(text.zh)} <span class="en" lang="en">{_signs(text.en)}</span>'


def _signs(words: str) -> str:
    """Words as they stand on a page; what even the font that a page brings cannot draw, with its code point."""
    return "".join(
        f"{escape(sign)}〔U+{ord(sign):04X}〕"
        if ord(sign) > 0xFFFF and ord(sign) not in fonts.known()
        else escape(sign)
        for sign in words
    )


def _document(title: Text, body: str, status: int = 200, *, font: str = "", more: str = "") -> Response:
    """A page, with the address of a font that has its characters, for a computer that has not."""
    face = _FACE % font if font else ""
    style = face + _STYLE + more
    page = (
        '<!doctype html><html lang="zh"><head><meta charset="utf-8"><meta name="robots" content="noindex,nofollow">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<title>{escape(title.zh)} · {escape(title.en)}</title><style>{style}</style></head>"
        f"<body><main>{body}</main></body></html>"
    )
    return HTMLResponse(page, status, _headers(style))


def _headers(style: str = "") -> dict[str, str]:
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return {
        "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{digest}'; font-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex, nofollow",
        "Referrer-Policy": "same-origin",
        "Cache-Control": "no-store",
    }


_SEAL = Text("村民委员会(盖章):", "Village committee (seal)")
_NOTHING = Text("没有可供查看的公示", "There is nothing on notice here")


def _nothing() -> Response:
    """The page for whatever is not open: the same, whatever the reason."""
    return _document(_NOTHING, f"<h1>{_both(_NOTHING)}</h1>", 404)


def _said(problem: Problem) -> str:
    lines = "<br>".join(_both(text) for text in (problem.message, problem.remedy))
    return f'<p class="refused" role="alert">{lines}</p>'


def _when(page: Page) -> str:
    said = Text("公示时间:{first}至{last}", "On notice from {first} to {last}").filled(
        first=day(page.first), last=day(page.last)
    )
    place = Text(f"公示地点:{page.place}", f"At: {page.place}") if page.place else None
    return "".join(f"<p>{_both(text)}</p>" for text in (said, place) if text is not None)


def _table(page: Page) -> str:
    """The entries, with what is said once for everybody above them, and the total below."""
    above = (
        f"<p>补助标准:{_signs(page.common)} <span class='en' lang='en'>The rate of aid</span></p>"
        if page.common
        else ""
    )
    heads = [Text("序号", "no."), *(publication.heading(name) for name in page.shown)]
    head = "".join(f"<th>{_both(text)}</th>" for text in heads)
    rows = "".join(_row(page, line) for line in page.lines)
    shown = [line for line in page.lines if line.values is not None]
    total = ""
    if page.total is not None:
        words = Text(f"合计 {len(shown)} {page.unit.zh}", f"total: {len(shown)} {page.unit.en}")
        total = (
            f'<tr><td class="n" colspan="{len(page.shown)}">{_both(words)}</td>'
            f'<td class="a">{_amount(page.total)}</td></tr>'
        )
    return f"{above}<table><thead><tr>{head}</tr></thead><tbody>{rows}{total}</tbody></table>"


def _row(page: Page, line: Line) -> str:
    if line.values is None:
        gone = _both(Text("已撤下,以新公示为准", "withdrawn, see the new notice"))
        return f'<tr><td class="n">{line.position}</td><td class="w" colspan="{len(page.shown)}">{gone}</td></tr>'
    cells = "".join(
        f'<td class="a">{_amount(line.values[name])}</td>'
        if name == "amount"
        else f"<td>{_signs(str(line.values[name]))}</td>"
        for name in page.shown
    )
    return f'<tr><td class="n">{line.position}</td>{cells}</tr>'


def _amount(fen: int) -> str:
    whole, part = yuan_digits(fen).split(".")
    return f"{shown_number(int(whole))}.{part}"


def _where(page: Page) -> str:
    """Where to object."""
    words = Text(
        "公示期内如有异议,请向{village}村民委员会或{township}人民政府反映",
        "Objections go to the village committee of {village} or the government of {township}",
    ).filled(village=page.village, township=page.township)
    call = Text(f"监督电话:{page.contact}", f"Telephone: {page.contact}") if page.contact else None
    return "".join(f"<p>{_both(text)}</p>" for text in (words, call) if text is not None)


def _form(page: Page, given: Mapping[str, str], problem: Problem | None) -> str:
    """The form to object with; what was typed stays in it."""
    kept = {name: escape(given.get(name, "")) for name in _FIELDS}
    form = kept["form"] or str(uuid4())
    return (
        '<section class="screen" id="object"><h2>提出异议 <span class="en" lang="en">Object</span></h2>'
        f"{_said(problem) if problem else ''}"
        f'<form method="post" action="{_NOTICES}/{page.slug}/objections">'
        f'<input type="hidden" name="form" value="{form}">'
        '<label>对第几号有异议(序号) <span class="en" lang="en">Against which number</span>'
        '<input class="short" name="position" inputmode="numeric" maxlength="6" required '
        f'value="{kept["position"]}"></label>'
        '<label>异议内容 <span class="en" lang="en">What you object</span>'
        f'<textarea name="words" rows="5" maxlength="{publication.LONGEST_WORDS}" required>{kept["words"]}</textarea>'
        "</label>"
        '<label>姓名(可不填) <span class="en" lang="en">Your name, if you like</span>'
        f'<input name="name" maxlength="{publication.LONGEST_NAME}" autocomplete="name" value="{kept["name"]}"></label>'
        '<label>联系电话(可不填) <span class="en" lang="en">Your telephone, if you like</span>'
        f'<input name="phone" maxlength="20" autocomplete="tel" value="{kept["phone"]}"></label>'
        "<p>姓名和电话加密保存,只用于核实,不会公开。"
        '<span class="en" lang="en">Name and telephone are kept sealed and never shown in public.</span></p>'
        "<button>提交 Send</button></form></section>"
    )


def _code(address: str) -> str:
    """The code to scan, as a drawing in the page."""
    grid = posters.modules(address)
    dark = "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(grid) for x, on in enumerate(row) if on)
    side = len(grid)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" role="img" aria-label="QR">'
        f'<path d="{dark}" fill="#000"/></svg>'
    )


# --- requests -------------------------------------------------------------------------------------------------


class _Nothing(Exception):
    """There is nothing to see."""


class Pages:
    """The pages of a server, with the posters that were made last."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.posters: OrderedDict[tuple[Any, ...], bytes] = OrderedDict()
        self.making = asyncio.Semaphore(1)

    async def moment(self, slug: str) -> Moment:
        """The present of the county that a slug is of."""
        code = publication.county_in(slug)
        if code is None:
            raise _Nothing
        try:
            return (await county(self.service.database, code)).moment()
        except Refused as refusal:
            raise _Nothing from refusal

    async def page(self, request: HttpRequest) -> Page:
        """The open notice of a request."""
        slug: str = request.path_params["slug"]
        at = await self.moment(slug)
        async with self.service.database.visit(slug, at.today, reading=True) as session:
            found = await publication.page_of(session, slug)
        if found is None:
            raise _Nothing
        return found

    def host(self, request: HttpRequest) -> str:
        """The address that people reach the server at."""
        stated = self.service.settings.public_url
        if stated is not None:
            return stated
        host = request.headers.get("host", "")
        if not re.fullmatch(r"[A-Za-z0-9.:\[\]-]{1,255}", host):
            raise _Nothing
        return f"{request.url.scheme}://{host}"

    async def village(self, request: HttpRequest) -> Response:
        """The open notices of a village."""
        slug: str = request.path_params["slug"]
        at = await self.moment(slug)
        async with self.service.database.visit(slug, at.today, reading=True) as session:
            found = await publication.in_village(session, slug)
        if not found:
            raise _Nothing
        title = Text("{place}公示", "Public notices of {place}").filled(
            place=f"{found[0].county}{found[0].township}{found[0].village}"
        )
        items = "".join(f'<li><a href="{_NOTICES}/{own.slug}">{_both(own.title)}</a>{_when(own)}</li>' for own in found)
        return _document(title, f"<h1>{_both(title)}</h1><ul>{items}</ul>", font=f"{_VILLAGES}/{slug}/font.woff")

    async def village_font(self, request: HttpRequest) -> Response:
        """The characters of a village's page, as a font."""
        return await self.font_of(await self.village(request))

    async def notice(self, request: HttpRequest) -> Response:
        """A notice, with the form to object."""
        return self.shown(await self.page(request), {}, None)

    def shown(self, page: Page, given: Mapping[str, str], problem: Problem | None, status: int = 200) -> Response:
        """The page of a notice, with what was refused."""
        base = f"{_NOTICES}/{page.slug}"
        links = " · ".join(
            f'<a href="{base}/poster.{paper}">{paper.upper()}</a> <a href="{base}/poster.{paper}.pdf">PDF</a>'
            for paper in PAPERS
        )
        body = (
            f"<h1>{_both(page.title)}</h1>{_when(page)}{_table(page)}{_where(page)}"
            f'<p class="screen">打印 <span class="en" lang="en">Print</span>: {links} · '
            f'<a href="{_VILLAGES}/{page.village_slug}">本村公示 <span class="en" lang="en">all notices of the '
            f"village</span></a></p>{_form(page, given, problem)}"
        )
        return _document(page.title, body, status, font=f"{base}/font.woff")

    async def poster(self, request: HttpRequest) -> Response:
        """The poster as a page to print."""
        page, paper = await self.page(request), _paper(request)
        address = f"{self.host(request)}{_NOTICES}/{page.slug}"
        body = (
            f"<h1>{_both(page.title)}</h1>{_when(page)}{_table(page)}{_code(address)}{_where(page)}"
            f"<p><code>{escape(address)}</code></p>"
            f'<p class="seal">{escape(page.village)}{_both(_SEAL)}<br><br>　　　年　　月　　日</p>'
        )
        font = f"{_NOTICES}/{page.slug}/font.woff"
        return _document(page.title, body, font=font, more=_PRINT % _SIZES[paper])

    async def pdf(self, request: HttpRequest) -> Response:
        """The poster as a PDF."""
        page, paper = await self.page(request), _paper(request)
        address = f"{self.host(request)}{_NOTICES}/{page.slug}"
        key = (page.slug, paper, address, tuple(line.position for line in page.lines if line.values is None))
        if key not in self.posters:
            async with self.making:
                made = await asyncio.to_thread(posters.poster, publication.poster_of(page, address), paper)
            self.posters[key] = made
            while len(self.posters) > KEPT:
                self.posters.popitem(last=False)
        name = {"Content-Disposition": f'inline; filename="{paper}.pdf"'}
        return Response(self.posters[key], media_type="application/pdf", headers={**_headers(), **name})

    async def font(self, request: HttpRequest) -> Response:
        """The characters of a notice and its poster, as a font."""
        return await self.font_of(self.shown(await self.page(request), {}, None))

    async def font_of(self, page: Response) -> Response:
        """The characters of a page, as a font."""
        those = fonts.signs(f"{bytes(page.body).decode()}{_SEAL.zh}　年月日第页共")
        async with self.making:
            made = await asyncio.to_thread(fonts.few, those)
        return Response(made, media_type="font/woff", headers=_headers())

    async def object(self, request: HttpRequest) -> Response:
        """Take an objection; the answer is its receipt."""
        given = await self.given(request)
        page = await self.page(request)
        try:
            said = _read(given)
            at = await self.moment(page.slug)
            async with self.service.database.visit(page.slug, at.today) as session:
                receipt = await publication.hand_in(session, self.service.vault, page, said, at.today, at.now)
        except Refused as refusal:
            problem = refusal.problems[0]
            status = 429 if problem.code is Code.OBJECTIONS_TOO_MANY else 400
            return self.shown(page, given, problem, status)
        title = Text("已收到您的异议", "Your objection was received")
        words = Text(
            "回执号如下,请记下。工作人员核实之前,第 {position} 号暂不办理下一步。",
            "Write the number of the receipt down. Until an officer has looked into it, number {position} waits.",
        ).filled(position=said.position)
        back = f'<a href="{_NOTICES}/{page.slug}">返回公示 <span class="en" lang="en">Back to the notice</span></a>'
        body = f'<h1>{_both(title)}</h1><p>{_both(words)}</p><p class="receipt">{receipt}</p><p>{back}</p>'
        return _document(title, body)

    async def given(self, request: HttpRequest) -> dict[str, str]:
        """The texts of a form that our own page sent; what says that it comes from elsewhere is not looked at."""
        stated, site = request.headers.get("origin"), request.headers.get("sec-fetch-site", "same-origin")
        foreign = stated is not None and urlsplit(stated).netloc != urlsplit(self.host(request)).netloc
        kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if foreign or site != "same-origin" or kind != "application/x-www-form-urlencoded":
            raise _Nothing
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST_FORM:
                raise _Nothing
        try:
            found = parse_qs(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=10)
        except ValueError as error:
            raise _Nothing from error
        texts = {name: found.get(name, [""])[0].replace("\r\n", "\n") for name in _FIELDS}
        if not all(map(storable, texts.values())):
            raise _Nothing
        return texts


def _read(given: Mapping[str, str]) -> HandedIn:
    """What a form says; refuses ``BAD_VALUE`` for what is no number."""
    try:
        form = UUID(given["form"])
    except ValueError:
        form = uuid4()
    stated = given["position"].strip()
    if not re.fullmatch(r"[1-9][0-9]{0,5}", stated, re.ASCII):
        expected = Text("公示中的序号", "a number on the notice")
        raise Code.BAD_VALUE.refuse("position", field=Text("序号", "number"), value=stated, expected=expected)
    return HandedIn(form, int(stated), *(given[name] for name in ("words", *_PERSON_FIELDS)))


def _paper(request: HttpRequest) -> Paper:
    paper = request.path_params["paper"]
    for known in PAPERS:
        if paper == known:
            return known
    raise _Nothing


def _answered(answer: Answer) -> Answer:
    """An answer in which there is nothing, or the page, or a fault of ours, which says no more than its id."""

    async def respond(request: HttpRequest) -> Response:
        try:
            return await answer(request)
        except _Nothing:
            return _nothing()
        except Exception as error:
            trace = secrets.token_hex(8)
            _, words, status = fault(error, trace)
            return _document(words, f"<h1>{_both(words)}</h1><p><code>{trace}</code></p>", status)

    return respond


async def _elsewhere(request: HttpRequest) -> Response:
    return _nothing()


def routes(service: Service) -> list[BaseRoute]:
    """The pages that everybody sees."""
    pages = Pages(service)
    notice, village = f"{_NOTICES}/{{slug}}", f"{_VILLAGES}/{{slug}}"
    return [
        Route(village, _answered(pages.village)),
        Route(f"{village}/font.woff", _answered(pages.village_font)),
        Route(notice, _answered(pages.notice)),
        Route(f"{notice}/objections", _answered(pages.object), methods=["POST"]),
        Route(f"{notice}/poster.{{paper}}.pdf", _answered(pages.pdf)),
        Route(f"{notice}/poster.{{paper}}", _answered(pages.poster)),
        Route(f"{notice}/font.woff", _answered(pages.font)),
        Route("/public/{rest:path}", _elsewhere, methods=["GET", "POST", "PUT", "DELETE", "PATCH"]),
    ]
