"""Who may do what, over the API: laying down and withdrawing rules, their effect on the next request, and why not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Served
from tests.county import FEBRUARY

DENY: dict[str, Any] = {
    "duty": "LINKED_CADRE", "action": "WORK_ON_CASES", "programme": "consolidation", "stage": "plan", "effect": "DENY",
}  # fmt: skip
PLAN: dict[str, Any] = {"period": "2021", "plans": [{"household": "H1", "facts": {"projects": ["SMALL_TRADE"]}}]}


async def lay(served: Served, number: str = "C1", **more: Any) -> dict[str, Any]:
    answer = await served.operation(number, "lay_down_rule", input={**DENY, **more}, reason="会议纪要")
    payload: dict[str, Any] = answer.data["layDownRule"]
    assert payload["done"], payload
    return payload


async def test_a_rule_acts_on_the_next_request_and_no_more_once_withdrawn(served: Served) -> None:
    await served.day(FEBRUARY)
    rule = (await lay(served))["rule"]
    assert {key: rule[key] for key in DENY} == DENY
    assert (rule["reason"], rule["decidedBy"]) == ("会议纪要", {"number": "C1"})
    refused = await served.denied("L1", "plan", "NOT_ALLOWED_HERE", **PLAN)
    (problem,) = refused.data["planConsolidation"]["problems"]
    assert problem["message"] == (
        "By the county's own rules your duties do not allow this at consolidation award for households that left poverty, planning: working on cases."
    )
    for number in ("C2", "R1"):
        listed = (await served.operation(number, "policy_rules")).data["policyRules"]["nodes"]
        assert [one["id"] for one in listed] == [rule["id"]]
    gone = await served.operation("C2", "withdraw_rule", id=rule["id"], reason="恢复")
    assert gone.data["withdrawRule"] == {"done": True, "changed": True, "rule": None, "problems": []}
    assert (await served.operation("C2", "policy_rules")).data["policyRules"]["nodes"] == []
    assert (await served.operation("L1", "plan", **PLAN)).data["planConsolidation"]["done"] == 1


async def test_a_permission_that_is_taken_away_altogether_closes_the_field(served: Served) -> None:
    await lay(served, duty="VILLAGE_COMMITTEE", action="EXPORT_NOTICE", programme=None, stage=None)
    viewer = (await served.operation("VC1", "viewer")).data["viewer"]
    assert "EXPORT_NOTICE" not in viewer["permissions"]
    assert "WORK_ON_CASES" in viewer["permissions"]
    await served.denied("VC1", "export_notice", "FORBIDDEN", notice="bm90aGluZw==", reason="张贴")
    await lay(served, duty="VILLAGE_COMMITTEE", action="READ_BIRTH_DATES", programme=None, stage=None, effect="ALLOW")
    viewer = (await served.operation("VC1", "viewer")).data["viewer"]
    assert "READ_BIRTH_DATES" in viewer["permissions"]


@pytest.mark.parametrize(
    ("number", "more", "code"),
    [
        ("K1", {}, "FORBIDDEN"),
        ("A2", {}, "FORBIDDEN"),
        ("C1", {"reason": " "}, "REASON_NEEDED"),
        ("C1", {"input": {**DENY, "stage": "unknown"}}, "RULE_PLACE"),
        ("C1", {"input": {**DENY, "action": "READ_CASES"}}, "RULE_PLACE"),
        ("C1", {"input": {**DENY, "action": "PAY_CASES", "effect": "ALLOW"}}, "RULE_ABOVE_CEILING"),
        ("C1", {"input": {"duty": "COUNTY_OFFICE", "action": "PAY_CASES", "effect": "ALLOW"}}, "SAME_PERSON"),
        ("C1", {"input": {"duty": "COUNTY_OFFICE", "action": "KEEP_POLICY", "effect": "DENY"}},
         "RULE_BREAKS_EXPECTATION"),
    ],
)  # fmt: skip
async def test_what_is_not_laid_down(served: Served, number: str, more: dict[str, Any], code: str) -> None:
    await served.denied(number, "lay_down_rule", code, **{"input": DENY, "reason": "会议纪要", **more})


async def test_only_who_keeps_rules_withdraws_and_reads_them(served: Served) -> None:
    rule = (await lay(served))["rule"]
    await served.denied("K1", "withdraw_rule", "FORBIDDEN", id=rule["id"], reason="恢复")
    await served.denied("C1", "withdraw_rule", "REASON_NEEDED", id=rule["id"], reason="")
    await served.denied("C1", "withdraw_rule", "NOT_FOUND", id="bm90aGluZw==", reason="恢复")
    await served.denied("K1", "policy_rules", "FORBIDDEN")
    await served.denied("K1", "why_denied", "FORBIDDEN", officer="L1", action="PAY_CASES")


async def test_why_somebody_may_not_is_answered(served: Served) -> None:
    await served.day(FEBRUARY)
    await lay(served)
    await served.operation("L2", "plan", period="2021", plans=[{**PLAN["plans"][0], "household": "H5"}])
    asked: dict[str, Any] = {"officer": "L1", "action": "WORK_ON_CASES", "programme": "consolidation", "period": "2021"}
    told = (await served.operation("R1", "why_denied", **asked, stage="plan", household="H1")).data["whyDenied"]
    assert told["allowed"] is False
    assert [(one["about"], one["met"]) for one in told["conditions"]] == [
        ("ACCOUNT", True),
        ("DUTIES", True),
        ("POLICY", False),
        ("AREA", True),
        ("STAGE", False),
    ]
    assert told["conditions"][2]["words"] == (
        "the county: cadre linked to the household is denied working on cases [consolidation/plan] (县办甲: 会议纪要)"
    )
    fine = (await served.operation("C1", "why_denied", officer="C1", action="PAY_CASES")).data["whyDenied"]
    assert fine["allowed"] is True
    await served.denied("C1", "why_denied", "OFFICER_UNKNOWN", officer="NOBODY", action="PAY_CASES")
    await served.denied("C1", "why_denied", "NOT_FOUND", **asked, household="H999")
    await served.denied("C1", "why_denied", "BAD_USER_INPUT", officer="C1", action="PAY_CASES", stage="plan")
