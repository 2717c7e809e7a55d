"""The pages that everybody sees: what they show and never show, when there is nothing, the posters, and what is handed
in; over the real server, and in a real browser where there is one."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import html
import io
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from fontTools.ttLib import TTFont
from pypdf import PdfReader
from sqlalchemy import text

from bangfu.cases import acts, hearing
from bangfu.cases.views import Selection
from bangfu.documents import fonts, posters
from bangfu.documents.posters import Poster
from bangfu.notices.publication import HOURLY
from bangfu.text import Text, day
from tests.api.conftest import Served
from tests.api.test_console import CHROMIUM
from tests.county import V1, V3, World
from tests.stories import remembered

OPEN, LAST, OVER = date(2021, 10, 13), date(2021, 10, 15), date(2021, 10, 16)
RARE = "𠮷䶮𬱖"
LONG_NUMBER = re.compile(r"\d{11}")


@remembered
async def posting(world: World) -> None:
    """Every notice is posted; one of the heads has a rare name."""
    who = world.who("R1")
    async with world.database.session(who.scope) as session:
        await session.execute(text(f"update person set name = '{RARE}' where name = '测2户主'"))
    await world.until("acceptance")


@pytest.fixture
async def posted(served: Served) -> Served:
    """The server over a county whose notices stand."""
    await posting(served.world)
    await served.day(OPEN)
    return served


async def slugs(served: Served, column: str = "slug") -> dict[int, str]:
    """The slug of each village's notice."""
    return {row[0]: row[1] for row in await served.world.rows(f"select division, {column} from publication")}


async def get(served: Served, path: str, **headers: str) -> Any:
    return await served.client.get(served.address + path, headers=headers)


async def send(served: Served, slug: str, headers: dict[str, str] | None = None, **form: Any) -> Any:
    """Send the form of a notice."""
    given = {"form": str(uuid4()), "position": "1", "words": "收入与实际不符", "name": "", "phone": "", **form}
    url = f"{served.address}/public/notices/{slug}/objections"
    return await served.client.post(url, data=given, headers=headers or {})


def plain(page: str) -> str:
    """What a page says, without its marks, its form and its style."""
    return html.unescape(re.sub(r"<(style|section|svg).*?</\1>|<[^>]+>", " ", page, flags=re.S))


# --- what is shown --------------------------------------------------------------------------------------------


async def test_a_notice_is_seen_by_everybody_in_both_languages(posted: Served) -> None:
    slug = (await slugs(posted))[V1]
    answer = await get(posted, f"/public/notices/{slug}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    said = plain(answer.text)
    for words in (
        "东镇甲村2021年度已脱贫户巩固增收计划公示", "Public notice:", "公示时间:2021年10月11日至2021年10月15日",
        "On notice from 11 October 2021 to 15 October 2021", "测1户主", RARE, "小养殖", "3,000.00", "2,200.00",
        "5,200.00", "合计 2 户", "甲村村民委员会或东镇人民政府",
    ):  # fmt: skip
        assert words in said, words
    assert not LONG_NUMBER.search(answer.text)
    assert LONG_NUMBER.search(answer.text + "13900000000"), "the same search finds a number"
    for row in await posted.world.rows(
        "select number from household union select name from person where name like '%配偶' union select holder from"
        " account union select id::text from case_file union select masked from (select identity_masked masked from"
        " person) m union select number_masked from account"
    ):
        if row[0] not in ("测1户主", "测2户主"):
            assert row[0] not in said, row[0]


async def test_a_village_lists_its_open_notices(posted: Served) -> None:
    village, slug = (await slugs(posted, "village_slug"))[V1], (await slugs(posted))[V1]
    answer = await get(posted, f"/public/villages/{village}")
    assert answer.status_code == 200
    assert re.findall(r'href="(/public/[^"]+)"', answer.text) == [f"/public/notices/{slug}"]
    assert "测试县东镇甲村公示" in plain(answer.text)
    assert "测1户主" not in answer.text


async def test_the_pages_are_plain_and_keep_nothing(posted: Served) -> None:
    slug, village = (await slugs(posted))[V1], (await slugs(posted, "village_slug"))[V1]
    for path in (
        f"/public/notices/{slug}", f"/public/villages/{village}", f"/public/notices/{slug}/poster.a4",
        f"/public/notices/{slug}/poster.a3.pdf", "/public/notices/none",
    ):  # fmt: skip
        answer = await get(posted, path)
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "script-src" not in policy
        assert answer.headers["x-robots-tag"] == "noindex, nofollow"
        assert answer.headers["cache-control"] == "no-store"
        assert "set-cookie" not in answer.headers
        assert "<script" not in answer.text
        if answer.headers["content-type"].startswith("text/html"):
            (style,) = re.findall(r"<style>(.*?)</style>", answer.text, re.S)
            assert base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() in policy
            assert '<meta name="robots" content="noindex,nofollow">' in answer.text
            links = re.findall(r'(?:src|href|action)="([^"]+)"|url\("([^"]+)"\)', answer.text)
            for link in ("".join(found) for found in links):
                assert link == "data:," or link.startswith("/public/"), link


async def test_where_nothing_is_open_there_is_nothing_whatever_the_reason(posted: Served) -> None:
    known, villages = await slugs(posted), await slugs(posted, "village_slug")
    wrong = [
        "/public/notices/" + known[V1][:-1] + ("a" if known[V1][-1] != "a" else "b"),
        "/public/notices/" + "990299" + known[V1][6:],
        "/public/notices/990201-" + "a" * 26,
        "/public/notices/none",
        "/public/notices/" + villages[V1],
        "/public/villages/" + known[V1],
        "/public/villages/%00",
        f"/public/notices/{known[V1]}/poster.a5.pdf",
        f"/public/notices/{known[V1]}/poster.a5",
        f"/public/notices/{villages[V1]}/font.woff",
        f"/public/villages/{known[V1]}/font.woff",
        f"/public/notices/{known[V1]}/objections",
        "/public/",
        "/public/notices",
    ]
    bodies = set()
    for path in wrong:
        answer = await get(posted, path)
        assert answer.status_code == 404, path
        bodies.add(answer.text)
    await posted.day(OVER)
    for path in (
        f"/public/notices/{known[V1]}", f"/public/villages/{villages[V1]}", f"/public/notices/{known[V1]}/poster.a4",
        f"/public/notices/{known[V1]}/poster.a4.pdf", f"/public/notices/{known[V1]}/font.woff",
    ):  # fmt: skip
        answer = await get(posted, path)
        assert answer.status_code == 404, path
        bodies.add(answer.text)
    assert len(bodies) == 1
    assert plain(bodies.pop()).split() == [
        "没有可供查看的公示",
        "·",
        "There",
        "is",
        "nothing",
        "on",
        "notice",
        "here",
        "没有可供查看的公示",
        "There",
        "is",
        "nothing",
        "on",
        "notice",
        "here",
    ]
    await posted.day(LAST)
    assert (await get(posted, f"/public/notices/{known[V1]}")).status_code == 200


async def test_a_token_makes_no_difference(posted: Served) -> None:
    slug = (await slugs(posted))[V1]
    for number in ("C1", "VC1"):
        answer = await get(posted, f"/public/notices/{slug}", **posted.headers(number))
        other = await get(posted, f"/public/notices/{slug}")
        assert plain(answer.text) == plain(other.text)


# --- posters --------------------------------------------------------------------------------------------------


async def test_a_poster_has_every_entry_the_days_and_where_to_object(posted: Served) -> None:
    slug = (await slugs(posted))[V1]
    for paper, width in (("a4", 595), ("a3", 842)):
        answer = await get(posted, f"/public/notices/{slug}/poster.{paper}.pdf")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
        (sheet,) = PdfReader(io.BytesIO(answer.content)).pages
        assert round(float(sheet.mediabox.width)) == width
        said = re.sub(r"\s", "", sheet.extract_text())
        for words in (
            "东镇甲村2021年度已脱贫户巩固增收计划公示", "1测1户主小养殖3,000.00", f"2{RARE}小养殖2,200.00",
            "2021年10月11日至2021年10月15日", "合计2户Total5,200.00", "本页2户，小计5,200.00元累计2户，5,200.00元",
            "第1页共1页", "甲村村民委员会或东镇人民政府", "甲村村民委员会（盖章）", f"/public/notices/{slug}",
        ):  # fmt: skip
            assert words in said, (words, said)
        assert not LONG_NUMBER.search(sheet.extract_text())
        page = await get(posted, f"/public/notices/{slug}/poster.{paper}")
        assert f"@page{{size:{paper.upper()};" in page.text
        assert "<svg" in page.text
        assert "测1户主" in page.text
        assert "<form" not in page.text


def _poster(lines: list[Any]) -> Poster:
    columns = [(name, Text(name, name)) for name in ("beneficiary", "project", "amount")]
    first, last = day(date(2021, 10, 11)), day(LAST)
    address = "https://bangfu.example.org/public/notices/990201-abcdefghijklmnopqrstuvwxyz"
    return Poster(
        Text("某村公示", "Notice"),
        "某镇",
        "某村",
        first,
        last,
        "公开栏",
        "12317",
        None,
        columns,
        lines,
        Text("户", "households"),
        Text("某村村民委员会", "the village committee"),
        address,
    )


def test_hundreds_of_entries_fill_pages_whose_totals_add_up() -> None:
    lines: list[Any] = [
        (
            n,
            None
            if n == 7
            else {"beneficiary": f"户主{n:03d}甲", "project": "项目" * (n % 9 + 1), "amount": 10_000 + n},
        )
        for n in range(1, 421)
    ]
    made = posters.poster(_poster(lines), "a4")
    assert posters.poster(_poster(lines), "a4") == made
    sheets = [re.sub(r"\s", "", sheet.extract_text()) for sheet in PdfReader(io.BytesIO(made)).pages]
    assert len(sheets) > 8
    count = total = 0
    for number, said in enumerate(sheets, start=1):
        assert f"第{number}页共{len(sheets)}页" in said
        found = re.search(r"本页(\d+)户，小计([\d,.]+)元累计(\d+)户，([\d,.]+)元", said)
        assert found is not None
        here = [n for n, values in lines if values is not None and f"户主{n:03d}甲" in said]
        assert int(found[1]) == len(here)
        assert ("序号" in said) is bool(here), "the header stands on every page of the table"
        assert _fen(found[2]) == sum(10_000 + n for n in here)
        count, total = count + len(here), total + _fen(found[2])
        assert (int(found[3]), _fen(found[4])) == (count, total)
    assert (count, total) == (419, sum(10_000 + n for n in range(1, 421) if n != 7))
    whole = "".join(sheets)
    assert "7已撤下，以新公示为准" in whole
    assert "户主007甲" not in whole
    assert f"合计419户Total{total // 100:,}.{total % 100:02d}" in whole


def _fen(digits: str) -> int:
    return int(digits.replace(",", "").replace(".", ""))


def test_a_character_that_the_font_lacks_is_shown_as_its_code_point() -> None:
    lines: list[Any] = [(1, {"beneficiary": "王\U0002a725", "project": f"{RARE}", "amount": 5})]
    said = PdfReader(io.BytesIO(posters.poster(_poster(lines), "a4"))).pages[0].extract_text()
    assert "王〔U+2A725〕" in said
    assert RARE in said
    assert all(ord(sign) in fonts.known() for sign in RARE)
    assert ord("\U0002a725") not in fonts.known()


def test_what_stands_on_a_poster_is_never_read_as_instructions() -> None:
    """Names are data: what would be a command of the typesetter is printed as it is."""
    evil = '#read("/etc/passwd") $x$ *b* \\ @x <row> ] } " #panic()'
    lines: list[Any] = [(1, {"beneficiary": evil, "project": "[" * 5, "amount": 5})]
    said = PdfReader(io.BytesIO(posters.poster(_poster(lines), "a4"))).pages[0].extract_text()
    assert '#read("/etc/passwd")' in re.sub(r"\s+", "", said).replace('"', '"')
    assert "root:" not in said


def test_a_font_has_the_characters_that_are_asked_for_and_no_others() -> None:
    words = fonts.signs(f"测户主·A1<>{RARE}测\U0002a725")
    assert words == "".join(sorted(f"测户主·{RARE}"))
    with TTFont(io.BytesIO(fonts.few(words))) as font:
        assert set(font.getBestCmap()) == {ord(sign) for sign in words}
        assert font.flavor == "woff"


async def test_a_page_offers_its_characters_as_a_font(posted: Served) -> None:
    slug, village = (await slugs(posted))[V1], (await slugs(posted, "village_slug"))[V1]
    for path in (f"/public/notices/{slug}", f"/public/villages/{village}"):
        page = await get(posted, path)
        assert f'url("{path}/font.woff")' in page.text
        answer = await get(posted, f"{path}/font.woff")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "font/woff")
        with TTFont(io.BytesIO(answer.content)) as font:
            assert {ord(sign) for sign in page.text if ord(sign) > 0x7F} <= set(font.getBestCmap())


# --- handing in -----------------------------------------------------------------------------------------------


async def test_anybody_hands_in_an_objection_and_the_household_waits(posted: Served) -> None:
    slug = (await slugs(posted))[V1]
    page = (await get(posted, f"/public/notices/{slug}")).text
    (form,) = re.findall(r'name="form" value="([0-9a-f-]{36})"', page)
    said = {"form": form, "words": "<b>牛是借来的</b>", "name": "演示村民", "phone": "0916-1230000"}
    answer = await send(posted, slug, **said)
    assert answer.status_code == 200
    (receipt,) = re.findall(r'class="receipt">(YY-[A-Z2-7]{4}-[A-Z2-7]{4})<', answer.text)
    assert receipt in (await send(posted, slug, **said)).text, "sent again, it is the same"
    who = posted.world.who("A2")
    async with posted.world.database.session(who.scope) as session:
        (own,) = await hearing.pending(session, posted.world.vault, who)
    assert (own.receipt, own.household, own.words, own.name) == (receipt, "H1", "<b>牛是借来的</b>", "演示村民")
    after = (await get(posted, f"/public/notices/{slug}")).text
    for hidden in ("牛是借来的", "演示村民", "1230000", receipt):
        assert hidden not in after
    await posted.day(OVER)
    report = await posted.world.act("A2", acts.accept, Selection(numbers=["H1", "H2"]))
    assert report.done == ["H2"]


@pytest.mark.parametrize(
    ("said", "status", "words"),
    [
        ({"position": "9"}, 400, "公示中的序号"),
        ({"position": "第一"}, 400, "公示中的序号"),
        ({"position": ""}, 400, "公示中的序号"),
        ({"words": "   "}, 400, "异议内容不能为空"),
        ({"words": "长" * 1001}, 400, "不超过 1000 字"),
        ({"phone": "<script>"}, 400, "电话号码"),
        ({"words": "x" * 40_000}, 404, "没有可供查看的公示"),
        ({"words": "\x00"}, 404, "没有可供查看的公示"),
    ],
)
async def test_what_is_wrong_is_said_and_what_was_typed_stays(
    posted: Served, said: dict[str, str], status: int, words: str
) -> None:
    slug = (await slugs(posted))[V1]
    before = await posted.snapshot()
    form: dict[str, Any] = {"name": '"><i>甲', **said}
    answer = await send(posted, slug, **form)
    assert answer.status_code == status
    assert words in plain(answer.text) or words in html.unescape(answer.text)
    if status == 400:
        assert 'value="&quot;&gt;&lt;i&gt;甲"' in answer.text
        assert "<script" not in answer.text
    assert await posted.snapshot() == before


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://elsewhere.example.org"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/json"},
    ],
)
async def test_a_form_from_elsewhere_is_not_looked_at(posted: Served, headers: dict[str, str]) -> None:
    slug = (await slugs(posted))[V1]
    before = await posted.snapshot()
    assert (await send(posted, slug, headers)).status_code == 404
    assert await posted.snapshot() == before
    own = {"Origin": posted.address, "Sec-Fetch-Site": "same-origin"}
    assert (await send(posted, slug, own)).status_code == 200


async def test_after_the_last_day_nothing_is_taken(posted: Served) -> None:
    slug = (await slugs(posted))[V1]
    await posted.day(OVER)
    before = await posted.snapshot()
    assert (await send(posted, slug)).status_code == 404
    assert await posted.snapshot() == before


async def test_a_notice_says_when_it_takes_no_more_for_an_hour(posted: Served) -> None:
    known = await slugs(posted)
    for _ in range(HOURLY):
        assert (await send(posted, known[V1])).status_code == 200
    before = await posted.snapshot()
    answer = await send(posted, known[V1])
    assert (answer.status_code, "已达上限" in answer.text) == (429, True)
    assert await posted.snapshot() == before
    assert (await send(posted, known[V3])).status_code == 200


# --- in a browser ---------------------------------------------------------------------------------------------


async def browse(tmp_path: Path, *arguments: str) -> tuple[str, list[str]]:
    """What a browser prints, and what it had to say."""
    assert CHROMIUM is not None
    process = await asyncio.create_subprocess_exec(
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--enable-logging=stderr",
        "--virtual-time-budget=8000", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, log = await asyncio.wait_for(process.communicate(), 90)
    return out.decode(), [line for line in log.decode(errors="replace").splitlines() if "CONSOLE" in line]


_ON_THREE_AND_FOUR = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execv(sys.argv[3], sys.argv[3:])"
)


class Driven:
    """A browser that is told what to do, over two pipes; scripts of ours run beside the page, which allows none."""

    def __init__(self, process: asyncio.subprocess.Process, reader: asyncio.StreamReader, out: int) -> None:
        self.process, self.reader, self.out, self.session, self.count = process, reader, out, "", 0

    @classmethod
    @asynccontextmanager
    async def started(cls, tmp_path: Path) -> AsyncIterator[Driven]:
        assert CHROMIUM is not None
        (its_in, our_out), (our_in, its_out) = os.pipe(), os.pipe()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _ON_THREE_AND_FOUR, str(its_in), str(its_out), CHROMIUM, "--headless", "--no-sandbox",
            "--disable-gpu", f"--user-data-dir={tmp_path / 'driven'}", "--remote-debugging-pipe",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            pass_fds=(its_in, its_out), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        os.close(its_in)
        os.close(its_out)
        reader = asyncio.StreamReader(limit=2**24)
        with os.fdopen(our_in, "rb") as pipe:
            loop = asyncio.get_running_loop()
            transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
            made = cls(process, reader, our_out)
            target = await made.say("Target.createTarget", url="about:blank")
            attached = await made.say("Target.attachToTarget", targetId=target["targetId"], flatten=True)
            made.session = attached["sessionId"]
            try:
                yield made
            finally:
                process.terminate()
                await process.wait()
                transport.close()
                os.close(our_out)

    async def say(self, method: str, **parameters: Any) -> Any:
        """Give a command; its result."""
        self.count += 1
        number = self.count
        command = {"id": number, "method": method, "params": parameters}
        if self.session:
            command["sessionId"] = self.session
        os.write(self.out, json.dumps(command).encode() + b"\0")
        while True:
            answer = json.loads((await asyncio.wait_for(self.reader.readuntil(b"\0"), 60))[:-1])
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]

    async def see(self, expression: str) -> Any:
        """The value of an expression in the page."""
        found = await self.say("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        return found["result"].get("value")

    async def until(self, expression: str) -> None:
        """Wait for an expression to come true in the page."""
        for _ in range(200):
            if await self.see(expression):
                return
            await asyncio.sleep(0.05)
        raise AssertionError(await self.see("document.documentElement.outerHTML"))


NO_BROWSER = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here to look at the public pages with")


@NO_BROWSER
async def test_a_browser_shows_the_page_without_complaint(posted: Served, tmp_path: Path) -> None:
    slug = (await slugs(posted))[V1]
    page, said = await browse(tmp_path, "--dump-dom", f"{posted.address}/public/notices/{slug}")
    assert "测1户主" in page
    assert "<form" in page
    assert said == []


@NO_BROWSER
async def test_a_browser_prints_the_poster_with_its_rare_characters(posted: Served, tmp_path: Path) -> None:
    """The rare characters are drawn by the font that the page brings, and not as empty boxes by another."""
    slug, target = (await slugs(posted))[V1], tmp_path / "poster.pdf"
    address = f"{posted.address}/public/notices/{slug}/poster.a4"
    _, said = await browse(tmp_path, "--no-pdf-header-footer", f"--print-to-pdf={target}", address)
    assert said == []
    reader = PdfReader(target)
    (sheet,) = reader.pages
    assert (round(float(sheet.mediabox.width)), round(float(sheet.mediabox.height))) in {(595, 842), (594, 841)}
    drawn: dict[str, str] = {}

    def note(words: str, _cm: Any, _tm: Any, font: Any, _size: Any) -> None:
        if font is not None:
            name = str(font.get("/BaseFont") or font["/FontDescriptor"]["/FontName"])
            drawn[name] = drawn.get(name, "") + words

    sheet.extract_text(visitor_text=note)
    ours = "".join(words for name, words in drawn.items() if "NotoSansCJK" in name)
    others = "".join(words for name, words in drawn.items() if "NotoSansCJK" not in name)
    wanted = set(f"东镇甲村年度已脱贫户巩固增收计划公示测主小养殖{RARE}")
    assert wanted <= set(ours), wanted - set(ours)
    assert not wanted & set(others), "a box drawn by another font"


@NO_BROWSER
async def test_somebody_objects_with_a_browser(posted: Served, tmp_path: Path) -> None:
    slug = (await slugs(posted))[V1]
    async with Driven.started(tmp_path) as browser:
        await browser.say("Page.navigate", url=f"{posted.address}/public/notices/{slug}")
        await browser.until("document.readyState === 'complete' && !!document.querySelector('form')")
        for name, words in (("position", "2"), ("words", "养殖收入不符"), ("name", f"村民{RARE}")):
            await browser.see(f"document.querySelector('[name={name}]').value = {json.dumps(words)}")
        # Our font is there for the characters that this computer lacks.
        await browser.see("document.fonts.ready.then(() => true)")
        assert await browser.see("[...document.fonts].filter(f => f.family.includes('Bangfu')).length") == 1
        await browser.see("document.querySelector('form button').click()")
        await browser.until("!!document.querySelector('.receipt')")
        receipt = await browser.see("document.querySelector('.receipt').textContent")
        assert await browser.see("document.cookie") == ""
    who = posted.world.who("A2")
    async with posted.world.database.session(who.scope) as session:
        (own,) = await hearing.pending(session, posted.world.vault, who)
    assert (own.receipt, own.household, own.words, own.name) == (receipt, "H2", "养殖收入不符", f"村民{RARE}")
