"""Pairings through the API: an enterprise, two villages and the county at work, everybody as who may and as who may not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest

from bangfu.vault import Vault
from tests.api.conftest import OPERATIONS, Served, serving
from tests.api.test_story import PAIRING, Told
from tests.county import ONE, OTHER, V1, V2, V3
from tests.pairs import TODAY, Pairs

PROGRAMME = {"programme": "wanqi_bang_wancun"}
PAPER = {"evidence": "协议原件", "day": "2021-06-01"}


@pytest.fixture
async def county(pairs: Pairs, vault: Vault) -> AsyncIterator[Served]:
    """The server over the county with enterprises, in October."""
    async with serving(pairs.database, vault, pairs) as made:
        await made.day(TODAY)
        yield made


def terms(number: str, code: str, village: int, **more: Any) -> dict[str, Any]:
    return {
        "number": number, "creditCode": code, "division": str(village), "since": "2021-06-01", "until": "2024-06-01",
        **more,
    }  # fmt: skip


def cash(agreement: str, amount: str, receipt: str, **more: Any) -> dict[str, Any]:
    return {
        "agreement": agreement, "day": "2021-07-01", "path": "donation", "kind": "cash", "what": "捐款",
        "measure": {"amount": amount}, "receipt": receipt, **more,
    }  # fmt: skip


async def test_an_enterprise_a_village_and_the_county_at_work(county: Served) -> None:
    story = Told(county)

    async def may(number: str, name: str, **variables: Any) -> Any:
        return await story.may(number, name, **PROGRAMME, **variables)

    async def may_not(number: str, name: str, code: str, **variables: Any) -> Any:
        return await story.may_not(number, name, code, **PROGRAMME, **variables)

    (info,) = await story.may("E1", "pairing_programmes")
    assert [path["code"] for path in info["paths"]] == ["industry", "trade", "jobs", "donation", "knowledge", "other"]
    await story.may_not("HA", "pairing_programmes", "FORBIDDEN")

    # Who may help.
    await may_not("VC1", "register_helper", "FORBIDDEN", input={"creditCode": ONE})
    await may_not("E1", "register_helper", "NOT_FOUND", input={"creditCode": OTHER})
    helper = (await may("E1", "register_helper", input={"creditCode": ONE}))["helper"]
    assert (helper["verified"], helper["organization"]["creditCode"]) == (None, ONE)
    other = (await may("IF", "register_helper", input={"creditCode": OTHER, "chamber": "县商会"}))["helper"]
    await may_not("E1", "verify_helper", "FORBIDDEN", id=helper["id"], passed=True)
    await may_not("IF", "verify_helper", "SAME_PERSON", id=other["id"], passed=True)
    for own in (helper, other):
        assert (await may("IF2", "verify_helper", id=own["id"], passed=True))["helper"]["verified"] is True
    assert (await story.may("C1", "helpers"))["totalCount"] == 2
    assert (await story.may("E1", "helpers", filter={"verified": True, **PROGRAMME}))["totalCount"] == 1
    assert (await story.may("C1", "helpers", filter={"creditCode": OTHER}))["nodes"][0]["chamber"] == "县商会"
    await story.may_not("HA", "helpers", "FORBIDDEN")

    # What villages need.
    await may_not("E1", "state_need", "FORBIDDEN", division=str(V1), path="trade", what="卖苹果")
    await may_not("VC1", "state_need", "NOT_YOUR_DUTY", division=str(V3), path="trade", what="卖苹果")
    need = (await may("VC1", "state_need", division=str(V1), path="trade", what="卖苹果"))["need"]
    anew = (await may("VC1", "state_need", division=str(V1), path="jobs", what="岗位", replaces=need["id"]))["need"]
    assert [node["what"] for node in (await story.may("E2", "needs", filter={"open": True}))["nodes"]] == ["岗位"]
    assert (await story.may("E2", "needs", filter={"division": str(V1), "path": "trade"}))["totalCount"] == 1
    await may_not("VC3", "close_need", "NOT_YOUR_DUTY", id=anew["id"], met=True)
    assert (await may("VC1", "close_need", id=anew["id"], met=True))["need"]["closedAs"] == "MET"
    await story.may_not("HA", "needs", "FORBIDDEN")

    # What two sides agree on.
    proposed = {"act": {"day": "2021-06-01", "evidence": "草案"}}
    await may_not("HA", "propose_agreement", "FORBIDDEN", input=terms("X-1", ONE, V1), **proposed)
    await may_not("E1", "propose_agreement", "TERM_OUT_OF_RANGE",
                  input=terms("X-1", ONE, V1, until="2023-06-01"), **proposed)  # fmt: skip
    await may_not("E1", "propose_agreement", "BAD_VALUE", input=terms("X-1", ONE, V2), **proposed)
    one = (await may("E1", "propose_agreement", input=terms("X-1", ONE, V1), **proposed))["agreement"]
    two = (await may("IF", "propose_agreement", input=terms("X-2", OTHER, V3), **proposed))["agreement"]
    assert one["state"] == "DRAWN_UP"
    await may_not("E2", "sign_agreement", "NOT_FOUND", id=one["id"], side="HELPER", act=PAPER)
    await may_not("E1", "sign_agreement", "NOT_YOUR_DUTY", id=one["id"], side="HELPED", act=PAPER)
    waits = await story.may("VC1", "pairings_waiting", **PROGRAMME, party="HELPED")
    assert [(own["what"], own["id"]) for own in waits] == [("SIGNATURE", one["id"])]
    for agent, committee, key in (("E1", "VC1", one["id"]), ("E2", "VC3", two["id"])):
        await may(agent, "sign_agreement", id=key, side="HELPER", act=PAPER)
        done = (await may(committee, "sign_agreement", id=key, side="HELPED", act=PAPER))["agreement"]
        assert (done["state"], done["signedOn"]) == ("IN_FORCE", "2021-06-01")
    await story.may_not("HA", "pairings_waiting", "FORBIDDEN", **PROGRAMME, party="HELPED")

    # What they plan.
    lines = [
        {"year": 2021, "dueOn": "2021-12-31", "what": "捐款", "path": "donation", "kind": "cash",
         "promised": {"amount": "500.00"}},
        {"year": 2021, "dueOn": "2021-12-31", "what": "修路", "office": "县交通局"},
    ]  # fmt: skip
    await may_not("AU", "plan_agreement", "FORBIDDEN", id=one["id"], lines=lines)
    await may_not("E2", "plan_agreement", "NOT_FOUND", id=one["id"], lines=lines)
    await may_not("E1", "plan_agreement", "NOT_YOUR_DUTY", id=one["id"], lines=lines)
    await may("E1", "plan_agreement", id=one["id"], lines=lines[:1])
    plan = (await may("VC1", "plan_agreement", id=one["id"], lines=lines[1:]))["agreement"]["plan"]
    assert sorted((line["kind"] or "", line["amount"], line["office"]) for line in plan) == [
        ("", None, "县交通局"), ("cash", "500.00", ""),
    ]  # fmt: skip
    old = next(line["id"] for line in plan if line["kind"])
    change = [{**lines[0], "promised": {"amount": "800.00"}, "replaces": old}]
    plan = (await may("VC1", "plan_agreement", id=one["id"], lines=change, act={"reason": "增加"}))["agreement"]["plan"]
    assert sorted((line["amount"], line["replaced"]) for line in plan if line["kind"]) == [
        ("500.00", True), ("800.00", False),
    ]  # fmt: skip

    pledged = {"division": str(V1), "year": 2021, "pledged": True, **PROGRAMME}
    assert [node["amount"] for node in (await story.may("C1", "plan_lines", filter=pledged))["nodes"]] == ["800.00"]
    assert (await story.may("E1", "plan_lines", filter={"pledged": False}))["totalCount"] == 2
    assert (await story.may("E2", "plan_lines"))["totalCount"] == 0
    await story.may_not("HA", "plan_lines", "FORBIDDEN")

    # What stands in the way.
    await may_not("E2", "raise_obstacle", "NOT_FOUND", id=one["id"], what="用地")
    obstacle = (await may("E1", "raise_obstacle", id=one["id"], what="用地未批"))["obstacle"]
    await may_not("E1", "assign_obstacle", "NOT_YOUR_DUTY", id=obstacle["id"], owner="K1")
    await may("IF", "assign_obstacle", id=obstacle["id"], owner="K1")
    await may_not("E1", "resolve_obstacle", "NOT_YOUR_DUTY", id=obstacle["id"], outcome="已批")
    assert (await may("K1", "resolve_obstacle", id=obstacle["id"], outcome="已批"))["obstacle"]["outcome"] == "已批"

    # What is delivered, and what the other side says to it.
    given = [cash(one["id"], "100.00", "R-1"), cash(one["id"], "200.00", "R-2"),
             cash(one["id"], "0", "R-3", path="jobs", kind="posts", what="岗位",
                  measure={"amount": "900.00", "quantity": 2})]  # fmt: skip
    await may_not("VC1", "log_deliveries", "FORBIDDEN", lines=given)
    await may_not("E2", "log_deliveries", "NOT_FOUND", lines=given[:1])
    logged = await may("E1", "log_deliveries", lines=given)
    assert (logged["done"], len(logged["deliveries"])) == (3, 3)
    again = {**PROGRAMME, "lines": [cash(two["id"], "1.00", "r 1")]}
    told = await county.operation("E2", "log_deliveries", None, **again)
    (problem,) = told.data["logDeliveries"]["problems"]
    assert (problem["code"], problem["path"]) == ("RECEIPT_COUNTED", ["lines", "0", "receipt"])
    assert "企业" not in problem["message"]
    by_receipt = {node["receipt"]: node for node in (await story.may("VC1", "deliveries"))["nodes"]}
    first, second, third = (by_receipt[receipt]["id"] for receipt in ("R-1", "R-2", "R-3"))
    await may_not("E1", "confirm_deliveries", "FORBIDDEN", deliveries={"ids": [first]}, verdict="CONFIRMED")
    await may_not("VC3", "confirm_deliveries", "NOT_FOUND", deliveries={"ids": [first]}, verdict="CONFIRMED")
    await may_not("VC1", "confirm_deliveries", "BAD_USER_INPUT", deliveries={"ids": [first]}, verdict="RULED")
    await may_not("VC1", "confirm_deliveries", "BAD_USER_INPUT", deliveries={}, verdict="CONFIRMED")
    stale = {"seen": [{"delivery": first, "version": 9}]}
    await may_not("VC1", "confirm_deliveries", "CONFLICT", deliveries={"ids": [first]}, verdict="CONFIRMED", **stale)
    part = {"accepted": {"amount": "150.00"}, "act": {"reason": "只收到一部分"}}
    await may("VC1", "confirm_deliveries", deliveries={"ids": [second]}, verdict="PARTLY", **part)
    rest = await may(
        "VC1", "confirm_deliveries", deliveries={"division": str(V1), "without": [third]}, verdict="CONFIRMED"
    )
    assert [(own["id"], own["state"], own["stands"]) for own in rest["deliveries"]] == [(first, "CONFIRMED", "100.00")]
    await may_not("VC1", "contest_deliveries", "FORBIDDEN", ids=[second], act={"reason": "已全部交付"})
    await may("E1", "contest_deliveries", ids=[second], act={"reason": "已全部交付"})
    await may_not("VC1", "rule_delivery", "FORBIDDEN", id=second, stands={"amount": "200.00"})
    ruled = await may("IF", "rule_delivery", id=second, stands={"amount": "200.00"}, act={"reason": "核对回单"})
    assert [(own["state"], own["stands"], own["version"]) for own in ruled["deliveries"]] == [("RULED", "200.00", 4)]
    await may_not("E1", "match_delivery", "FORBIDDEN", id=third, persons=["H1-01"])
    await may_not("VC1", "match_delivery", "DELIVERY_STATE", id=third, persons=["H1-01"])
    await may("VC1", "confirm_deliveries", deliveries={"ids": [third]}, verdict="CONFIRMED")
    named = (await may("VC1", "match_delivery", id=third, persons=["H1-01"]))["delivery"]["persons"]
    assert [own["person"]["number"] for own in named] == ["H1-01"]
    wrong = {"id": third, "persons": ["H1-01"], "act": {"reason": "名字认错"}}
    await may_not("E1", "unmatch_delivery", "FORBIDDEN", **wrong)
    (taken,) = (await may("VC1", "unmatch_delivery", **wrong))["delivery"]["persons"]
    assert (taken["person"]["number"], taken["takenBackAt"] is None) == ("H1-01", False)
    await may("VC1", "match_delivery", id=third, persons=["H1-01"])
    await story.may_not("HA", "deliveries", "FORBIDDEN")

    # What it comes to: the same filter finds the lines.
    found = await story.may("C1", "pairing_figures", **PROGRAMME, of={"division": str(V1), "year": 2021})
    assert (found["enterprises"], found["villages"], found["agreements"], found["persons"]) == (1, 1, 1, 1)
    assert (found["lines"], found["agreed"], found["stands"]) == (3, 3, "1200.00")
    assert [(own["path"], own["pledged"], own["stands"], own["standsQuantity"]) for own in found["byKind"]] == [
        ("jobs", "0.00", "900.00", 2), ("donation", "800.00", "300.00", 0),
    ]  # fmt: skip
    same = {"division": str(V1), "year": 2021, "counts": True, **PROGRAMME}
    assert (await story.may("C1", "deliveries", filter=same))["totalCount"] == found["lines"]
    mine = await story.may("E1", "pairing_figures", **PROGRAMME)
    assert (mine["persons"], mine["stands"]) == (0, "1200.00")
    assert (await story.may("E2", "pairing_figures", **PROGRAMME))["stands"] == "0.00"
    await story.may_not("HA", "pairing_figures", "FORBIDDEN", **PROGRAMME)
    assert (await county.operation("C1", "pairing_figures", programme="none")).codes == ["PROGRAMME_UNKNOWN"]

    # An enterprise sees whom it helps, and nobody who lives there.
    assert (await county.ask("E1", "{ deliveries { nodes { persons { id } } } }")).codes == ["FORBIDDEN"]
    assert (await county.ask("E1", "{ agreements { nodes { reviews { exitedHouseholds } } } }")).codes == ["FORBIDDEN"]
    page = (await county.ask("E1", "{ agreements { nodes { number organization { name } } } }")).data["agreements"]
    assert page["nodes"] == [{"number": "X-1", "organization": {"name": "一号企业"}}]

    # The year is reviewed, and who cannot go on is relayed.
    review = {"year": 2021, "outcome": "MET", "finding": "已完成", "nominated": True}
    await may_not("E1", "review_agreement", "FORBIDDEN", id=one["id"], input=review)
    seen = (await may("IF", "review_agreement", id=one["id"], input=review))["agreement"]["reviews"]
    assert [(own["outcome"], own["nominated"], own["pledged"], own["stands"]) for own in seen] == [
        ("MET", True, "800.00", "1200.00")
    ]
    why = {"relayed": True, "act": {"reason": "经营困难"}}
    await may_not("VC1", "end_agreement", "NOT_YOUR_DUTY", id=one["id"], **why)
    assert (await may("IF", "end_agreement", id=one["id"], **why))["agreement"]["state"] == "RELAYED"
    assert [own["what"] for own in await story.may("IF", "pairings_waiting", **PROGRAMME, party="COUNTY")] == ["RELAY"]
    after = terms("X-3", OTHER, V1, since=str(TODAY), until="2025-01-01", takesOver=one["id"])
    await may("IF", "propose_agreement", input=after)
    held = (await story.may("IF", "agreements", filter={"number": "X-3"}))["nodes"]
    assert [own["takesOver"] for own in held] == [{"number": "X-1"}]
    assert (await story.may("C1", "agreements", filter={"inForceOn": str(date(2021, 7, 1))}))["totalCount"] == 2
    assert (await story.may("C1", "agreements", filter={"inForceOn": str(TODAY)}))["totalCount"] == 1
    signed = {"signed": True, "year": 2021, **PROGRAMME}
    assert (await story.may("C1", "agreements", filter=signed))["totalCount"] == 2
    assert (await story.may("C1", "agreements", filter={**signed, "year": 2025}))["totalCount"] == 0
    assert (await story.may("C1", "agreements", filter={"signed": False}))["totalCount"] == 1
    await story.may_not("HA", "agreements", "FORBIDDEN")

    # What waits is counted by kind, and who was verified may be so no more.
    counts = await story.may("VC1", "pairings_waiting_counts", **PROGRAMME, party="HELPED")
    assert [(own["what"], own["count"]) for own in counts] == [("SIGNATURE", 1)]
    await story.may_not("HA", "pairings_waiting_counts", "FORBIDDEN", **PROGRAMME, party="HELPED")
    none = await story.may("VC1", "pairings_waiting", **PROGRAMME, party="HELPED", what=["DELIVERY"])
    assert none == await story.may("VC1", "pairings_waiting", **PROGRAMME, party="HELPED", skip=1) == []
    why = {"act": {"reason": "被列入经营异常名录"}}
    await may_not("E2", "revoke_helper", "FORBIDDEN", id=other["id"], **why)
    await may_not("IF2", "revoke_helper", "SAME_PERSON", id=other["id"], **why)
    revoked = (await may("IF", "revoke_helper", id=other["id"], **why))["helper"]
    assert (revoked["verified"], revoked["revokedOn"]) == (False, str(TODAY))
    assert (await story.may("E2", "needs"))["totalCount"] == 0

    assert {path.stem for path in OPERATIONS.glob("*.graphql")} >= PAIRING
    assert story.right >= PAIRING
    assert story.wrong >= PAIRING
