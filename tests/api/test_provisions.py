"""A county's documents through the API: what can be set, what one comes to, what it lacks to be released, by which book."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest

from bangfu.cases import ground as grounds
from bangfu.simulate import keep_preview
from bangfu.vault import Vault
from tests.api.conftest import Served, serving
from tests.core.test_provisions import CAPPED, HIGHER
from tests.county import SEPTEMBER, Statements, World
from tests.two_books import SECOND, moving, with_two_books

LISTED = """{
  provisions { nodes {
    number state toPreview takesBack { number } takesBackSince books { book since clause }
    previews { period madeOn madeBy { number } books unset { code path } changes { after } townships { name figures { lose } }
      total { cases lose amountAfter } }
  } }
}"""


async def test_who_releases_sees_what_was_previewed_and_what_lacks(served: Served) -> None:
    world = served.world
    await world.until("in_place")
    await served.day(SEPTEMBER)
    draft = await world.draft(CAPPED, previewed=False)
    (first, _) = (await served.ask("C2", LISTED)).data["provisions"]["nodes"]
    assert (first["state"], first["toPreview"], first["previews"]) == ("DRAFT", ["2021"], [])
    who = world.who("C1")
    async with world.database.session(who.scope) as session:
        await keep_preview(session, who, world.plugins, draft, "2021")
    (first, released) = (await served.ask("C2", LISTED)).data["provisions"]["nodes"]
    assert (first["state"], first["toPreview"]) == ("PREVIEWED", [])
    assert first["previews"] == [
        {
            "period": "2021", "madeOn": "2021-09-30", "madeBy": {"number": "C1"}, "books": None, "unset": [],
            "changes": [{"after": "2,000.00 yuan"}],
            "townships": [
                {"name": "东镇", "figures": {"lose": 2}},
                {"name": "西镇", "figures": {"lose": 0}},
            ],
            "total": {"cases": 8, "lose": 2, "amountAfter": "5550.00"},
        }
    ]  # fmt: skip
    assert (released["state"], released["toPreview"], released["books"]) == ("RELEASED", [], [])
    # Figures of the whole county are for those who are charged with it.
    (of_clerk, _) = (await served.ask("K1", LISTED)).data["provisions"]["nodes"]
    assert (of_clerk["state"], of_clerk["previews"]) == ("PREVIEWED", [])


async def test_a_list_of_documents_takes_as_many_statements_for_one_as_for_many(served: Served) -> None:
    counted = []
    for raw in (CAPPED, HIGHER, {**CAPPED, "number": "13号"}, {**HIGHER, "number": "14号"}):
        await served.world.draft(raw)
        with Statements(served.world.database) as statements:
            found = (await served.ask("C1", LISTED)).data["provisions"]["nodes"]
        counted.append(len(statements))
    assert len(found) == 5
    assert len(set(counted)) == 1


async def test_what_a_county_can_set_is_said_with_the_plans_own_words(served: Served) -> None:
    query = (
        "query($day: Date) { programmes { code parameters(day: $day) { name title unit planned allowed reading } } }"
    )
    found = (await served.ask("C1", query, day="2021-03-01")).data["programmes"]
    own = {one["name"]: one for one in next(p for p in found if p["code"] == "consolidation")["parameters"]}
    assert own["household_cap"] == {
        "name": "household_cap", "title": "cap per household", "unit": "yuan/household", "planned": "3,000.00 yuan",
        "allowed": "0.00 yuan to 10,000.00 yuan",
        "reading": "Shares are added, capped, then rounded half up to the fen once; the text is silent on rounding",
    }  # fmt: skip
    assert (own["cohort_exit_years"]["planned"], own["income_window"]["allowed"]) == ("(not legible)", "fixed")
    after = (await served.ask("C1", query, day="2022-03-01")).data["programmes"]
    later = {one["name"]: one for one in next(p for p in after if p["code"] == "consolidation")["parameters"]}
    assert (later["household_cap"]["planned"], later["household_cap"]["allowed"]) == ("(nothing)", "the county decides")


@pytest.fixture
async def two(world: World, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    """The server of an installation in which the programme has two rule books."""
    plugins = with_two_books()
    monkeypatch.setattr("tests.county.installed", lambda: plugins)
    async with serving(world.database, vault, world) as made:
        await made.day(world.today)
        yield made


async def test_a_county_that_moves_to_a_rule_book_is_shown_by_which_document(two: Served) -> None:
    query = "{ programmes { code books { since adopted atLatest } } }"
    found = (await two.ask("C1", query)).data["programmes"]
    assert next(p["books"] for p in found if p["code"] == "consolidation") == [
        {"since": "2020-10-01", "adopted": False, "atLatest": None},
        {"since": "2021-03-01", "adopted": True, "atLatest": "2023-10-01"},
    ]
    period = '{ consolidation(period: "2021") { bookSince movedBy { document clause since } } }'
    assert (await two.ask("C1", period)).data["consolidation"] == {"bookSince": "2020-10-01", "movedBy": None}
    draft = (
        "mutation($input: ConsolidationProvisionInput!) { draftConsolidationProvision(input: $input) { provision { id "
        "books { book since clause } entries { parameter } } problems { code path } } }"
    )
    document: dict[str, Any] = {"title": "调整办法", "number": "20号", "issuedOn": "2021-03-01"}
    wrong = {**document, "books": [{"book": "2021-03-02", "since": "2021-03-02", "clause": "四"}]}
    answer = (await two.ask("C1", draft, input=wrong)).data["draftConsolidationProvision"]
    assert answer == {"provision": None, "problems": [{"code": "BOOK_NOT_ADOPTABLE", "path": ["book", "0"]}]}
    right = {**document, "books": [{"book": str(SECOND), "since": "2021-03-02", "clause": "四"}]}
    made = (await two.ask("C1", draft, input=right)).data["draftConsolidationProvision"]
    assert made["provision"]["books"] == right["books"]
    await two.world.provide(moving(SECOND))
    who = two.world.who("C1", date(2021, 9, 30))
    async with two.world.database.session(who.scope) as session:
        await grounds.open_period(session, who, two.world.programme, "2021")
    assert (await two.ask("C1", period)).data["consolidation"] == {
        "bookSince": "2021-03-01",
        "movedBy": {"document": "测试县调整办法(测政办〔2021〕20号)", "clause": "四", "since": "2021-03-01"},
    }
    facts = {"projects": ["SMALL_BREEDING"]}
    plan = 'mutation($plans: [ConsolidationPlanInput!]!) { planConsolidation(period: "2021", plans: $plans) { done } }'
    await two.day(date(2021, 2, 10))
    assert (await two.ask("L1", plan, plans=[{"household": "H2", "facts": facts}])).data["planConsolidation"][
        "done"
    ] == 1
    why = '{ why(programme: "consolidation", household: "H2", period: "2021") { lines { says } authorities { title value clause } } }'
    told = (await two.ask("VC1", why)).data["why"]
    assert told["authorities"][0] == {"title": "rule book", "value": "2021-03-01", "clause": "四"}
    cases = (
        '{ consolidation(period: "2021") { cases { nodes { determination { findings { works beforeCap award } } } } } }'
    )
    assert (await two.ask("C1", cases)).data["consolidation"]["cases"]["nodes"] == [{"determination": None}]
