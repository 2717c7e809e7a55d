"""残疾人两项补贴 through the API: what the two programmes need beside the awards, as who may and as who may not."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bangfu.cases import acts
from bangfu.cases.views import Selection
from bangfu.vault import Vault
from tests.api.conftest import Served, serving
from tests.api.test_learning import stages
from tests.api.test_story import SUBSIDIES, Told
from tests.county import clean
from tests.disabled import APPLIED, CARE, LIVING, REVIEWED, YEAR, prepare
from tests.learners import Learners


@pytest.fixture
async def listed_(learners: Learners, vault: Vault) -> AsyncIterator[Served]:
    """The server over the county whose offices keep their lists."""
    await prepare(learners)
    await learners.invite()
    async with serving(learners.database, vault, learners) as made:
        yield made


async def subsidy(served: Served, learners: Learners, code: str, numbers: tuple[str, str]) -> Told:
    """Two persons of one village, from their application to their first month."""
    story = Told(served)
    learners.on(code, YEAR, APPLIED)
    await served.day(APPLIED)
    plans = [{"person": number} for number in numbers]
    plan, sign = f"plan_{code}", f"sign_{code}"
    await story.may_not("K1", plan, "NOT_YOUR_DUTY", period=YEAR, plans=plans)
    await story.may_not("VC2", plan, "NOT_FOUND", period=YEAR, plans=plans)
    await story.may_not("E1", plan, "FORBIDDEN", period=YEAR, plans=plans)
    opened = await story.may("VC1", plan, period=YEAR, plans=plans)
    assert stages(opened) == dict.fromkeys(numbers, "first_review")

    await served.day(REVIEWED)
    learners.today = REVIEWED
    of = {"period": YEAR, "cases": {"persons": list(numbers)}}
    await story.may_not("K1", sign, "NOT_DETERMINED", **of, stage="FIRST_REVIEW")
    clean(await learners.act("DF", acts.account, Selection(numbers=numbers)))
    await story.may_not("DF", sign, "NOT_YOUR_DUTY", **of, stage="FIRST_REVIEW")
    await story.may_not("K2", sign, "NOT_FOUND", **of, stage="FIRST_REVIEW")
    signed = await story.may("K1", sign, **of, stage="FIRST_REVIEW")
    assert set(stages(signed).values()) == {"second_review"}
    await story.may_not("K1", sign, "NOT_YOUR_DUTY", **of, stage="SECOND_REVIEW")
    signed = await story.may("DF", sign, **of, stage="SECOND_REVIEW")
    assert stages(signed) == dict.fromkeys(numbers, "monthly_payment")
    return story


async def drafts(served: Served) -> Told:
    """The county's own numbers: more than the floor, and how a month is counted."""
    story = Told(served)
    heading = {"title": "提标通知", "number": "测残联〔2021〕5号", "issuedOn": "2021-09-01"}
    dated = {"since": "2021-10-01", "clause": "一"}
    for code, rate, more, less, shown in (
        (LIVING, "livingRate", "100.00", "89.99", ("living_rate", "100.00 yuan")),
        (CARE, "rateLevel2", "80.00", "69.99", ("rate_level2", "80.00 yuan")),
    ):
        draft = f"draft_{code}_provision"
        raised = {**heading, "parameters": {rate: [{"value": more, **dated}]}}
        await story.may_not("K1", draft, "FORBIDDEN", input=raised)
        lowered = {**heading, "parameters": {rate: [{"value": less, **dated}]}}
        await story.may_not("C1", draft, "PARAMETER_OUT_OF_RANGE", input=lowered)
        locked = {**heading, "parameters": {"secondReviewers": [{"value": ["COUNTY_OFFICE"], **dated}]}}
        await story.may_not("C1", draft, "PARAMETER_LOCKED", input=locked)
        drafted = await story.may("C1", draft, input=raised)
        assert [(own["parameter"], own["value"]) for own in drafted["provision"]["entries"]] == [shown]
    months = {
        "countedOn": [{"value": "LAST_DAY", **dated}],
        "begins": [{"value": "FOLLOWING", **dated}],
        "backPaid": [{"value": ["UNVERIFIED", "ACCOUNT"], **dated}],
        "recheckMonths": [{"value": 12, **dated}],
    }
    own = {**heading, "number": "测残联〔2021〕6号", "parameters": months}
    drafted = await story.may("C1", f"draft_{LIVING}_provision", input=own)
    assert {one["parameter"]: one["value"] for one in drafted["provision"]["entries"]} == {
        "counted_on": "its last day", "begins": "the month after the application",
        "back_paid": "something is wrong with the account, not verified again in time", "recheck_months": "12",
    }  # fmt: skip
    return story


async def test_every_operation_of_the_subsidies_is_told(listed_: Served, learners: Learners) -> None:
    told = [
        await subsidy(listed_, learners, LIVING, ("F1-01", "F2-01")),
        await subsidy(listed_, learners, CARE, ("F1-01", "F1-02")),
        await drafts(listed_),
    ]
    assert set().union(*(one.right for one in told)) == SUBSIDIES
    assert set().union(*(one.wrong for one in told)) == SUBSIDIES


def found(body: Any) -> str:
    return re.sub(r"\s", "", str(body))


async def test_what_was_looked_at_is_typed_and_out_of_reach_of_others(listed_: Served, learners: Learners) -> None:
    await subsidy(listed_, learners, CARE, ("F1-01", "F1-02"))
    shown = """{ disabilityCare(period: "2021") { cases(first: 10) { nodes { number determination { outcome payable
        facts { certified generation level dead movedAway inCustody } } } } } }"""
    nodes = (await listed_.ask("DF", shown)).data["disabilityCare"]["cases"]["nodes"]
    assert {node["number"]: node["determination"] for node in nodes} == {
        number: {
            "outcome": "ELIGIBLE", "payable": payable,
            "facts": {
                "certified": True, "generation": 2, "level": level, "dead": False, "movedAway": False,
                "inCustody": False,
            },
        }
        for number, payable, level in (("F1-01", "100.00", 1), ("F1-02", "70.00", 2))
    }  # fmt: skip
    for outsider in ("K2", "E1", "VC2"):
        answer = await listed_.ask(outsider, shown)
        assert "F1-0" not in found(answer.body)
        assert "certified" not in found(answer.body)
