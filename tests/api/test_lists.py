"""Who is missed and whose payment no longer fits, through the API: pages, cursors, counts, statements, and who sees
what; and the whole year of households in as many statements for all as for one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest

from bangfu.cases import missed, scanning
from tests.api.conftest import Served, serving
from tests.core.test_overpaid import corrected, paid
from tests.core.test_statements import MORE
from tests.county import HOMES, V1, V3, Statements, World, roster
from tests.county import ledger as made_ledger

OCTOBER, LATER = date(2021, 10, 8), date(2021, 11, 6)
"""After everything that the small county knows, and that is known after its payments, was typed in."""
MISSED = """query($first: Int, $after: String, $division: DivisionCode) { consolidation(period: "2021") {
  missed(first: $first, after: $after, division: $division) {
    totalCount edges { cursor node { id number village amount household { number head { person { name } } } } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }"""
OVERPAID = """query($first: Int, $after: String) { consolidation(period: "2021") {
  overpaid(first: $first, after: $after) {
    totalCount nodes { id number paid right difference again { words } case { id stageCode household { number } } }
    pageInfo { hasNextPage endCursor } } } }"""


async def page(served: Served, number: str, document: str, name: str, **variables: Any) -> Any:
    return (await served.ask(number, document, **variables)).data["consolidation"][name]


async def test_the_list_is_paged_forwards(served: Served) -> None:
    await served.day(OCTOBER)
    seen: list[str] = []
    after = None
    while True:
        found = await page(served, "C1", MISSED, "missed", first=2, after=after)
        assert found["totalCount"] == 5
        seen += [edge["node"]["number"] for edge in found["edges"]]
        assert found["pageInfo"]["hasPreviousPage"] is (after is not None)
        assert found["pageInfo"]["startCursor"] == found["edges"][0]["cursor"]
        after = found["pageInfo"]["endCursor"]
        assert after == found["edges"][-1]["cursor"]
        if not found["pageInfo"]["hasNextPage"]:
            break
    assert seen == ["H1", "H2", "H4", "H5", "H7"]
    first = (await page(served, "C1", MISSED, "missed", first=1))["edges"][0]["node"]
    assert (first["village"], first["amount"], first["household"]["number"]) == ("甲村", "3000.00", "H1")
    assert first["household"]["head"]["person"]["name"] == "测1户主"
    node = await served.ask("C1", "query($id: ID!) { node(id: $id) { ... on Household { number } } }", id=first["id"])
    assert node.data["node"] == {"number": "H1"}
    nothing = await page(served, "C1", MISSED, "missed", first=0)
    assert (nothing["edges"], nothing["totalCount"]) == ([], 5)


async def test_a_page_that_stopped_looking_goes_on_where_it_stopped(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    await served.day(OCTOBER)
    monkeypatch.setattr(missed, "PART", 1)
    monkeypatch.setattr(scanning, "MOST_SCANNED", 3)
    seen, after, pages = [], None, 0
    while True:
        found = await page(served, "C1", MISSED, "missed", first=50, after=after)
        seen += [edge["node"]["number"] for edge in found["edges"]]
        pages += 1
        after = found["pageInfo"]["endCursor"]
        if not found["pageInfo"]["hasNextPage"]:
            break
    assert (seen, pages) == (["H1", "H2", "H4", "H5", "H7"], 3)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"first": -1}, "A page holds 0 to 100 objects, not -1."),
        ({"first": 101}, "A page holds 0 to 100 objects, not 101."),
        ({"after": "x"}, "This is no cursor of this list; take one from its `pageInfo` or `edges`."),
        ({"after": "WyJPdmVycGFpZENhc2UiLDEsIkgxIl0"}, "This is no cursor of this list; take one from its `pageInfo`"),
    ],
)
async def test_what_cannot_be_is_refused(standing: Served, variables: dict[str, Any], said: str) -> None:
    answer = await standing.ask("C1", MISSED, **variables)
    assert answer.codes == ["BAD_USER_INPUT"]
    assert answer.body["errors"][0]["message"].startswith(said)


async def test_everybody_sees_his_own_part(served: Served) -> None:
    await served.world.invite()
    await served.day(OCTOBER)
    for number, expected in (("VC1", ["H1", "H2", "H4"]), ("VC3", ["H7"]), ("HA", ["H1"])):
        found = await page(served, number, MISSED, "missed")
        assert [edge["node"]["number"] for edge in found["edges"]] == expected
        assert found["totalCount"] == len(expected)
    assert (await page(served, "VC1", MISSED, "missed", division=str(V3)))["totalCount"] == 0
    assert (await page(served, "C1", MISSED, "missed", division=str(V1)))["totalCount"] == 3
    assert (await served.ask("E1", MISSED)).codes == ["FORBIDDEN"]


async def test_a_page_takes_as_many_statements_for_many_as_for_few(served: Served) -> None:
    await served.day(OCTOBER)

    async def count() -> tuple[int, int]:
        with Statements(served.world.database) as statements:
            found = await page(served, "C1", MISSED, "missed", first=100)
        return len(statements), len(found["edges"])

    few = await count()
    homes = (*HOMES, *MORE)
    served.world.today = date(2021, 10, 7)
    assert (await served.world.bring("households", roster(homes).replace("测N", "测新"), "R1")).state == "done"
    assert (await served.world.bring("income", made_ledger(homes), "R1")).state == "done"
    many = await count()
    assert (few[1], many[1]) == (5, 100)
    assert many[0] == few[0]


@pytest.fixture
async def settled(world: World) -> AsyncIterator[Served]:
    """The server over a county whose payments are made, and of which more is known since."""
    await paid(world)
    await corrected(world, "H2,2021-03-01,养殖,养殖项目,1234.50")
    await corrected(world, "H7,2021-03-01,种植,种植项目,1")
    async with serving(world.database, world.vault, world) as made:
        await made.day(LATER)
        yield made


async def test_what_was_paid_and_no_longer_fits(settled: Served) -> None:
    found = await page(settled, "C1", OVERPAID, "overpaid", first=1)
    (one,) = found["nodes"]
    assert found["totalCount"] == 2
    assert (one["number"], one["paid"], one["right"], one["difference"]) == ("H2", "2200.00", "1446.90", "753.10")
    assert one["case"]["household"]["number"] == "H2"
    assert one["id"] == one["case"]["id"]
    assert one["again"][0]["words"].startswith("income accounting: The award of the household")
    rest = await page(settled, "C1", OVERPAID, "overpaid", first=5, after=found["pageInfo"]["endCursor"])
    assert [(own["number"], own["difference"]) for own in rest["nodes"]] == [("H7", "49.85")]
    assert rest["pageInfo"]["hasNextPage"] is False
    figures = '{ consolidation(period: "2021") { overpaidFigures { name paid differing tooMuch tooLittle } } }'
    assert (await settled.ask("C1", figures)).data["consolidation"]["overpaidFigures"] == [
        {"name": "东镇", "paid": 3, "differing": 1, "tooMuch": "753.10", "tooLittle": "0.00"},
        {"name": "西镇", "paid": 1, "differing": 1, "tooMuch": "49.85", "tooLittle": "0.00"},
    ]
    village = await page(settled, "VC3", OVERPAID, "overpaid")
    assert [own["number"] for own in village["nodes"]] == ["H7"]


async def test_the_year_of_a_household_and_of_a_page_of_them(settled: Served) -> None:
    one = (await settled.operation("VC1", "household_year", household="H1", year=2021)).data["householdYear"]
    assert (one["paid"], one["due"]) == ("3000.00", "0.00")
    (period,) = one["periods"]
    assert period["payments"] == [
        {
            "words": "payment: 3,000.00 yuan, released for payment on 28 October 2021",
            "amount": "3000.00",
            "state": "PAID",
            "paidOn": "2021-10-28",
        }
    ]
    document = (
        "query($first: Int) { households(first: $first) { nodes { number inYear(year: 2021) { number paid } } } }"
    )
    counts = []
    for first in (1, 8):
        with Statements(settled.world.database) as statements:
            found = (await settled.ask("C1", document, first=first)).data["households"]["nodes"]
        assert all(own["number"] == own["inYear"]["number"] for own in found)
        counts.append(len(statements))
    assert counts[0] == counts[1]
    assert {own["number"]: own["inYear"]["paid"] for own in found} == {
        home.number: f"{home.award / 100:.2f}" for home in HOMES
    }
    before = (await settled.operation("C1", "household_year", household="H1", year=2020)).data["householdYear"]
    assert before["periods"] == []
