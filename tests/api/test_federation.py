"""Bases and what is handed out, through the API: the federation, a village, a base and those who look on at work,
everybody as who may and as who may not."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from typing import Any

import openpyxl
import pytest

from bangfu.vault import Vault
from tests.api.conftest import OPERATIONS, Served, serving
from tests.api.test_story import FEDERATION, Told
from tests.county import ONE, T1, V1
from tests.federation import TODAY, Federation

BASES: dict[str, Any] = {"programme": "disabled_bases"}
SERVICES: dict[str, Any] = {"programme": "disabled_services"}
PERSONS = {"placed": 2, "led": 3, "poor": 1}


@pytest.fixture
async def county(federation: Federation, vault: Vault) -> AsyncIterator[Served]:
    """The server over the county, in October."""
    async with serving(federation.database, vault, federation) as made:
        await made.day(TODAY)
        yield made


def items(*missing: str) -> list[dict[str, Any]]:
    codes = ("placing", "leading", "rural_poor", "management", "funds")
    return [
        {"item": code, "present": False, "finding": "缺少"} if code in missing else {"item": code, "evidence": "台账"}
        for code in codes
    ]


async def test_bases_are_assessed_put_right_and_due_something(federation: Federation, county: Served) -> None:
    story = Told(county)
    await federation.lay_down(federation.bases, rectify_days=30, subsidy_city="5000.00")

    async def may(number: str, name: str, **variables: Any) -> Any:
        return await story.may(number, name, **BASES, **variables)

    async def may_not(number: str, name: str, code: str, **variables: Any) -> Any:
        return await story.may_not(number, name, code, **BASES, **variables)

    (info,) = await story.may("E1", "inspection_programmes")
    assert [level["code"] for level in info["levels"]] == ["province", "prefecture", "city"]
    assert [item["code"] for item in info["items"]] == [item["item"] for item in items()]
    await story.may_not("HA", "inspection_programmes", "FORBIDDEN")

    # Who is a base.
    said = {"creditCode": ONE, "level": "city", "rural": True, "persons": PERSONS}
    await may_not("C1", "register_base", "FORBIDDEN", input=said)
    await may_not("DF", "register_base", "BAD_VALUE", input={**said, "level": "nation"})
    base = (await may("DF", "register_base", input=said))["base"]
    assert (base["state"], base["organization"]["creditCode"]) == ("REGISTERED", ONE)
    await may_not("DF", "confirm_base", "SAME_PERSON", id=base["id"], passed=True)
    await may_not("E1", "confirm_base", "FORBIDDEN", id=base["id"], passed=True)
    assert (await may("DG", "confirm_base", id=base["id"], passed=True))["base"]["state"] == "CONFIRMED"

    # How it stands against the checklist.
    found = {"items": items("funds"), "score": 85, "persons": PERSONS}
    await may_not("E1", "assess_base", "FORBIDDEN", id=base["id"], input=found)
    await may_not("DF", "assess_base", "MISSING_VALUE", id=base["id"], input={**found, "items": items()[1:]})
    made = (await may("DF", "assess_base", id=base["id"], input=found))["assessment"]
    assert (made["state"], [one["item"] for one in made["findings"]]) == ("WRITTEN", ["funds"])
    await may_not("DF", "agree_on_assessment", "SAME_PERSON", id=made["id"], agreed=True)
    await may_not("K1", "agree_on_assessment", "FORBIDDEN", id=made["id"], agreed=True)
    agreed = (await may("DG", "agree_on_assessment", id=made["id"], agreed=True))["assessment"]
    assert agreed["state"] == "TO_NOTIFY"

    # What is put right.
    finding = made["findings"][0]["id"]
    done = {"what": "已专账管理", "act": {"evidence": "账册"}}
    await may_not("AU", "issue_rectification_notice", "FORBIDDEN", id=made["id"])
    notified = (await may("DF", "issue_rectification_notice", id=made["id"]))["assessment"]
    assert (notified["state"], notified["notice"], notified["dueOn"]) == ("NOTIFIED", "2021-1", "2021-11-19")
    await may_not("E2", "rectify_finding", "NOT_FOUND", id=finding, **done)
    await may_not("VC1", "rectify_finding", "FORBIDDEN", id=finding, **done)
    assert (await may("E1", "rectify_finding", id=finding, **done))["finding"]["rectifiedOn"] == str(TODAY)
    await may_not("DF", "recheck_finding", "SAME_PERSON", id=finding, passed=True)
    await may_not("E1", "recheck_finding", "FORBIDDEN", id=finding, passed=True)
    open_ = await may("AU", "inspection_figures")
    assert (open_["notices"], open_["noticesOpen"], open_["noticesOverdue"]) == (1, 1, 0)
    assert (await may("DG", "recheck_finding", id=finding, passed=True))["finding"]["closedOn"] == str(TODAY)

    # What the result is worth.
    await may_not("C1", "enter_base_subsidy", "FORBIDDEN", id=made["id"])
    line = (await may("DF", "enter_base_subsidy", id=made["id"]))["subsidy"]
    assert (line["year"], line["amount"], line["replaced"]) == (2021, "5000.00", False)
    await may_not("DF", "enter_base_subsidy", "CONFLICT", id=made["id"])

    # What it comes to, and who sees it.
    found = await may("E1", "inspection_figures")
    assert (found["bases"], found["rural"], found["persons"], found["poor"], found["noticesClosed"]) == (1, 1, 5, 1, 1)
    assert found["byLevel"] == [{"level": "city", "rural": True, "bases": 1, **PERSONS}]
    await story.may_not("VC1", "inspection_figures", "FORBIDDEN", **BASES)
    for name, only in (
        ("support_bases", {"stands": True, "rural": True}), ("base_assessments", {"state": "CLOSED"}),
        ("base_subsidies", {"year": 2021, "stands": True}),
    ):  # fmt: skip
        for number, total in (("DF", 1), ("AU", 1), ("E1", 1), ("E2", 0), ("K1", 0)):
            assert (await story.may(number, name, filter=only))["totalCount"] == total, (name, number)
        await story.may_not("HA", name, "FORBIDDEN")
    (own,) = (await story.may("DF", "support_bases"))["nodes"]
    assert (own["assessments"][0]["state"], own["subsidies"][0]["amount"]) == ("CLOSED", "5000.00")
    await may_not("DF", "end_base", "REASON_NEEDED", id=base["id"])
    await may_not("C1", "end_base", "FORBIDDEN", id=base["id"])
    assert (await may("DF", "end_base", id=base["id"], act={"reason": "停办"}))["base"]["state"] == "ENDED"

    told = {name for name in FEDERATION if "base" in name or "inspection" in name} | {
        "agree_on_assessment", "issue_rectification_notice", "rectify_finding", "recheck_finding",
    }  # fmt: skip
    assert story.right == story.wrong == told


async def test_what_is_handed_out_is_asked_for_listed_and_signed_for(federation: Federation, county: Served) -> None:
    story = Told(county)
    homes = await federation.homes(3)
    heads = await federation.heads(homes)

    async def may(number: str, name: str, **variables: Any) -> Any:
        return await story.may(number, name, **SERVICES, **variables)

    async def may_not(number: str, name: str, code: str, **variables: Any) -> Any:
        return await story.may_not(number, name, code, **SERVICES, **variables)

    (info,) = await story.may("VC1", "handout_programmes")
    assert [(kind["code"], kind["beneficiary"], kind["stocked"]) for kind in info["kinds"]] == [
        ("goods", "HOUSEHOLD", True), ("device", "PERSON", True), ("conversion", "HOUSEHOLD", True),
        ("training", "PERSON", False),
    ]  # fmt: skip
    await story.may_not("E1", "handout_programmes", "FORBIDDEN")

    # What is needed, and who is listed.
    wanted = [{"number": home, "kind": "goods", "item": "鸡苗", "value": "2000.00"} for home in homes]
    await may_not("C1", "state_handouts", "FORBIDDEN", lines=wanted)
    await may_not("VC3", "state_handouts", "NOT_FOUND", lines=wanted[:1])
    first, second, third = (await may("VC1", "state_handouts", lines=wanted))["handouts"]
    keys = [first["id"], second["id"], third["id"]]
    await may_not("VC1", "list_handouts", "FORBIDDEN", lines=keys)
    listed = await may("DF", "list_handouts", lines=keys)
    assert (listed["done"], {line["state"] for line in listed["handouts"]}) == (3, {"LISTED"})
    seat = [{"number": heads[0], "kind": "training", "item": "养殖"}]
    (trained,) = (await may("VC1", "state_handouts", lines=seat))["handouts"]
    await may("DF", "list_handouts", lines=[trained["id"]])

    # What was bought, and the sheet for signing.
    bought = {"kind": "goods", "item": "鸡苗", "voucher": "票-1", "value": "6000.00"}
    await may_not("VC1", "supply_handouts", "FORBIDDEN", input=bought)
    assert (await may("DF", "supply_handouts", input=bought))["batch"]["value"] == "6000.00"
    await may_not("AU", "export_signature_sheet", "FORBIDDEN", kind="goods")
    asked = await may("VC1", "export_signature_sheet", kind="goods", division=str(V1))
    job = await story.job("VC1", asked["job"]["id"])
    got = await county.client.get(county.address + job["file"]["path"], headers=county.headers("VC1"))
    book = openpyxl.load_workbook(io.BytesIO(got.content))
    sheet = book.active
    assert sheet is not None
    assert [row[2].value for row in sheet.iter_rows(min_row=3, max_row=5)] == homes

    # It comes back signed by one; another signature comes through the API.
    for row in sheet.iter_rows(min_row=3):
        if row[2].value == homes[0]:
            row[7].value, row[8].value, row[9].value = "户主", str(TODAY), "票-1"
    sheet.delete_rows(4, 2)
    signed = io.BytesIO()
    book.save(signed)
    send = (OPERATIONS / "import_signatures.graphql").read_text(encoding="utf-8")
    before = await county.snapshot()
    answer = await county.upload("C1", send, signed.getvalue(), "签收表.xlsx", **SERVICES)
    assert answer.codes == ["FORBIDDEN"]
    assert await county.snapshot() == before
    story.wrong.add("import_signatures")
    answer = await county.upload("VC1", send, signed.getvalue(), "签收表.xlsx", **SERVICES)
    story.right.add("import_signatures")
    job = await story.job("VC1", answer.data["importSignatures"]["job"]["id"])
    assert job["state"] == "DONE", job
    one = {"line": second["id"], "receiver": "户主", "day": str(TODAY), "signature": "签收表", "voucher": "票-1"}
    await may_not("C1", "hand_over", "FORBIDDEN", signatures=[one])
    await may_not("VC1", "hand_over", "MISSING_VALUE", signatures=[{**one, "voucher": ""}])
    handed = await may("VC1", "hand_over", signatures=[one])
    assert (handed["done"], handed["handouts"][0]["state"]) == (1, "HANDED_OVER")
    absent = {"line": trained["id"], "day": str(TODAY), "signature": "签到册", "attended": False}
    await may("K1", "hand_over", signatures=[absent])

    # What was seen afterwards, and what is taken back.
    await may_not("AU", "follow_up_handout", "FORBIDDEN", id=second["id"], outcome="良好")
    seen = (await may("K1", "follow_up_handout", id=second["id"], outcome="良好"))["handouts"]
    assert (seen[0]["state"], seen[0]["outcome"]) == ("FOLLOWED_UP", "良好")
    why = {"act": {"reason": "自愿放弃"}}
    await may_not("VC3", "withdraw_handouts", "NOT_FOUND", lines=[third["id"]], **why)
    await may_not("C1", "withdraw_handouts", "FORBIDDEN", lines=[third["id"]], **why)
    assert (await may("VC1", "withdraw_handouts", lines=[third["id"]], **why))["handouts"][0]["state"] == "WITHDRAWN"

    # What it comes to.
    found = await may("SU", "handout_figures", year=2021, division=str(T1))
    assert found["byKind"][0] == {
        "kind": "goods", "waiting": 0, "listed": 2, "handedOver": 2, "followedUp": 1, "absent": 0, "quantity": 0,
        "value": "4000.00", "households": 2, "persons": 0,
    }  # fmt: skip
    assert (found["byKind"][1]["absent"], found["byKind"][1]["quantity"]) == (1, 0)
    assert found["balances"] == [{
        "kind": "goods", "item": "鸡苗", "voucher": "票-1", "quantity": None, "value": "6000.00", "leftQuantity": None,
        "leftValue": "2000.00", "handedQuantity": 0, "handedValue": "4000.00", "differs": False,
    }]  # fmt: skip
    await story.may_not("HA", "handout_figures", "FORBIDDEN", **SERVICES)
    lines = (await story.may("VC1", "handouts", filter={"household": homes[0], "kind": "goods"}))["nodes"]
    assert [(line["receiver"], line["batch"]) for line in lines] == [("户主", {"voucher": "票-1"})]
    assert (await story.may("VC3", "handouts"))["totalCount"] == 0
    await story.may_not("E1", "handouts", "FORBIDDEN")
    assert (await story.may("VC3", "handout_batches", filter={"voucher": "票-1"}))["nodes"][0]["outValue"] == "4000.00"
    await story.may_not("E1", "handout_batches", "FORBIDDEN")

    told = {name for name in FEDERATION if "hand" in name or "signature" in name}
    assert story.right - {"job"} == story.wrong == told
