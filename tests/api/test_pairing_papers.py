"""What a year of pairings is reported as, through the API: the papers of an enterprise, the honour list and the
county's summary, as who may have them and as who may not."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from typing import Any

import openpyxl
import pytest
from pypdf import PdfReader

from bangfu.pairings.standing import Measure, Verdict
from bangfu.vault import Vault
from tests.api.conftest import OPERATIONS, Served, serving
from tests.api.test_story import PAPERS, Told
from tests.county import ONE, OTHER, T2, V1, V3
from tests.pairs import TODAY, Pairs, cash, posts

PROGRAMME = {"programme": "wanqi_bang_wancun"}


@pytest.fixture
async def county(pairs: Pairs, vault: Vault) -> AsyncIterator[Served]:
    """The server over the county with two enterprises that have delivered."""
    one, two = await pairs.two()
    a, b, c = await pairs.log("E1", cash(one, 300, "R-1"), posts(one, 2, 600, "R-2"), cash(one, 40, "R-3"))
    await pairs.answer("VC1", Verdict.CONFIRMED, a, b)
    await pairs.answer("VC1", Verdict.DISPUTED, c, reason="测1户主没有收到")
    (d,) = await pairs.log("E2", cash(two, 1000, "Z-1"))
    await pairs.answer("VC3", Verdict.PARTLY, d, accepted=Measure(80_000))
    async with serving(pairs.database, vault, pairs) as made:
        await made.day(TODAY)
        yield made


def words(data: bytes) -> str:
    """The text of a PDF, without the spaces that its setting makes."""
    return "".join("".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages).split())


async def test_papers_workbooks_and_what_can_be_asked(county: Served) -> None:
    story = Told(county)

    async def paper(number: str, name: str, **variables: Any) -> tuple[str, bytes]:
        """Have something made, and fetch it; nobody else can."""
        asked = await story.may(number, name, **PROGRAMME, year=2021, **variables)
        job = await story.job(number, asked["job"]["id"])
        assert job["state"] == "DONE", job
        got = await county.client.get(county.address + job["file"]["path"], headers=county.headers(number))
        assert got.status_code == 200
        for other in {"E1", "E2", "C1", "VC1"} - {number}:
            answer = await county.client.get(county.address + job["file"]["path"], headers=county.headers(other))
            assert answer.status_code == 404
        return got.headers["content-type"], got.content

    async def may_not(number: str, name: str, code: str, **variables: Any) -> None:
        await story.may_not(number, name, code, **PROGRAMME, **{"year": 2021, **variables})

    # The enterprise has its own papers.
    kind, data = await paper("E1", "issue_helper_statement", creditCode=ONE)
    assert kind == "application/pdf"
    said = words(data)
    assert "登记投入940.00元=已确认900.00元+待村确认0.00元+待县裁定40.00元+未获认可0.00元。" in said
    for foreign in ("户主", "没有收到", OTHER, "Z-1", "H1"):
        assert foreign not in said
    kind, data = await paper("E1", "issue_helper_certificate", creditCode=ONE)
    assert kind == "application/pdf"
    certificate = words(data)
    assert "金额合计900.00元（大写：玖佰元整）" in certificate
    number = certificate.split("证书编号Number：")[1][: len("990201-2021-") + 12]
    for name in ("issue_helper_statement", "issue_helper_certificate"):
        for other in ("VC1", "K1", "AU", "SU", "HA"):
            await may_not(other, name, "FORBIDDEN", creditCode=ONE)
        await may_not("E1", name, "BAD_VALUE", creditCode=ONE, year=2022)
        await may_not("E1", name, "NOT_FOUND", creditCode=OTHER)
    asked = await story.may("E1", "issue_helper_certificate", **PROGRAMME, year=2020, creditCode=ONE)
    assert await county.work() == 1
    (job,) = (await county.operation("E1", "job", id=asked["job"]["id"])).data.values()
    assert (job["state"], job["file"]) == ("REFUSED", None)
    assert [problem["code"] for problem in job["problems"]] == ["NOTHING_CONFIRMED"]

    # Whoever is shown a certificate has it checked.
    checked = await story.may("IF", "pairing_certificate", **PROGRAMME, certificate=number)
    assert checked == {
        "number": number, "issuedOn": "2021-10-20", "name": "一号企业", "creditCode": ONE, "year": 2021,
        "amount": "900.00", "amountToday": "900.00", "stands": True,
    }  # fmt: skip
    for unseen in ("E2", "VC1"):
        assert await story.may(unseen, "pairing_certificate", **PROGRAMME, certificate=number) is None
    assert await story.may("IF", "pairing_certificate", **PROGRAMME, certificate="990201-2021-0") is None
    await story.may_not("HA", "pairing_certificate", "FORBIDDEN", **PROGRAMME, certificate=number)

    # The honour list.
    listed = await story.may("VC2", "pairing_honours", **PROGRAMME, year=2021)
    assert listed == []
    listed = await story.may("AU", "pairing_honours", **PROGRAMME, year=2021)
    assert [(own["place"], own["name"], own["amount"], own["villages"], own["agreed"]) for own in listed] == [
        (1, "一号企业", "900.00", 1, 2), (2, "二号企业", "800.00", 1, 1),
    ]  # fmt: skip
    assert listed[0]["byKind"] == [
        {"kind": "posts", "amount": "600.00", "quantity": 2}, {"kind": "cash", "amount": "300.00", "quantity": 0},
    ]  # fmt: skip
    (own,) = await story.may("E2", "pairing_honours", **PROGRAMME, year=2021)
    assert (own["place"], own["creditCode"]) == (None, OTHER)
    (own,) = await story.may("C1", "pairing_honours", **PROGRAMME, year=2021, division=str(T2))
    assert (own["place"], own["amount"]) == (1, "800.00")
    await may_not("HA", "pairing_honours", "FORBIDDEN")
    await may_not("C1", "pairing_honours", "BAD_USER_INPUT", year=2022)
    _, data = await paper("K2", "export_pairing_honours")
    rows = list(openpyxl.load_workbook(io.BytesIO(data))["光荣榜"].iter_rows(values_only=True))
    assert [row[1] for row in rows if isinstance(row[0], int)] == ["二号企业"]
    for other in ("E1", "VC1", "AU", "SU", "HA"):
        await may_not(other, "export_pairing_honours", "FORBIDDEN")
        await may_not(other, "export_pairing_summary", "FORBIDDEN")
    await may_not("C1", "export_pairing_honours", "BAD_VALUE", year=1999)
    await may_not("C1", "export_pairing_summary", "BAD_VALUE", year=2022)

    # The annual summary, as it can be asked for and as a workbook: the same.
    told = await story.may("SU", "pairing_summary", **PROGRAMME, year=2021)
    figures = await story.may("SU", "pairing_figures", **PROGRAMME, of={"year": 2021})
    for name in ("enterprises", "villages", "agreements", "persons", "projects", "lines", "agreed", "stands"):
        assert told["whole"][name] == figures[name], name
    assert [(part["title"], part["stands"], part["disputed"], part["notAccepted"]) for part in told["villages"]] == [
        ("甲村", "900.00", "40.00", "0.00"), ("丙村", "800.00", "0.00", "200.00"),
    ]  # fmt: skip
    assert [part["divisionCode"] for part in told["villages"]] == [str(V1), str(V3)]
    assert [(part["path"], part["logged"]) for part in told["paths"]] == [("jobs", "600.00"), ("donation", "1340.00")]
    assert [(part["exits"], part["nominated"], part["obstaclesOpen"]) for part in told["townships"]] == [(0, 0, 0)] * 2
    asked = '{ pairingSummary(programme: "wanqi_bang_wancun", year: 2021) { paths { exits nominated obstaclesOpen } } }'
    paths = (await county.ask("C1", asked)).data["pairingSummary"]["paths"]
    assert paths == [{"exits": None, "nominated": None, "obstaclesOpen": None}] * 2
    assert [part["title"] for part in told["townships"]] == ["东镇", "西镇"]
    of_one = await story.may("C1", "pairing_summary", **PROGRAMME, year=2021, division=str(T2))
    assert [part["title"] for part in of_one["villages"]] == ["丙村"]
    mine = (await story.may("E1", "pairing_summary", **PROGRAMME, year=2021))["whole"]
    assert (mine["enterprises"], mine["logged"], mine["persons"], mine["exits"]) == (1, "940.00", None, None)
    await may_not("HA", "pairing_summary", "FORBIDDEN")
    await may_not("C1", "pairing_summary", "BAD_USER_INPUT", year=0)
    kind, data = await paper("C1", "export_pairing_summary")
    assert kind == "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    rows = list(openpyxl.load_workbook(io.BytesIO(data))["分村"].iter_rows(values_only=True))
    header = next(row for row in rows if row[0] == "乡镇")
    found = [dict(zip(header, row, strict=True)) for row in rows if row[1] in ("甲村", "丙村")]
    assert [(row["登记投入(元)"], row["已确认(元)"]) for row in found] == [(940, 900), (1000, 800)]

    # Each is on record, and so is that it was fetched.
    entries = (await story.may("C1", "audit", filter={"action": "issue_pairing_papers"}))["nodes"]
    assert [entry["object"].split("/")[0] for entry in entries] == ["certificate", "statement"]

    assert {path.stem for path in OPERATIONS.glob("*.graphql")} >= PAPERS
    assert story.right >= PAPERS
    assert story.wrong >= PAPERS
