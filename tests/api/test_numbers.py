"""The numbers of the other awards through the API: tiers, parts and quarters, set by a county and shown as they are."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Served

TIERS = [{"start": 2, "amount": "1500.00"}, {"start": 4, "amount": "2500.00"}]


async def done(served: Served, number: str, query: str, **variables: Any) -> Any:
    """The payload of a mutation that has no problem."""
    (payload,) = (await served.ask(number, query, **variables)).data.values()
    assert payload["problems"] == []
    return payload


async def drafted(served: Served, award: str, **parameters: Any) -> Any:
    """What comes of a document of the county with such values."""
    document = {
        "title": "测试县补充规定", "number": "测政办〔2021〕2号", "issuedOn": "2021-01-10",
        "parameters": {
            name: [{"value": value, "since": "2021-01-01", "clause": "三"}] for name, value in parameters.items()
        },
    }  # fmt: skip
    query = (
        f"mutation($input: {award}ProvisionInput!) {{ draft{award}Provision(input: $input) {{ "
        "provision { id entries { parameter value } } problems { code path } } }"
    )
    (payload,) = (await served.ask("C1", query, input=document)).data.values()
    return payload


async def test_a_county_sets_its_own_tiers_and_sees_them(served: Served) -> None:
    await done(served, "C1", 'mutation { switchProgrammeOn(programme: "leading") { problems { code } } }')
    draft = await drafted(served, "Leading", tiers=TIERS)
    assert draft["provision"]["entries"] == [
        {"parameter": "tiers", "value": "from 2 on 1,500.00 yuan; from 4 on 2,500.00 yuan"}
    ]
    preview = 'mutation($id: ID!) { previewProvision(id: $id, period: "2021") { problems { code } } }'
    await done(served, "C1", preview, id=draft["provision"]["id"])
    release = "mutation($id: ID!) { releaseProvision(id: $id) { problems { code } } }"
    await done(served, "C2", release, id=draft["provision"]["id"])
    opened = await done(
        served, "C1",
        'mutation { openPeriod(programme: "leading", period: "2021") { problems { code } period { '
        "... on LeadingPeriod { parameters { tiers { start amount } sameVillage excludedEntities } } } } }",
    )  # fmt: skip
    assert opened["period"]["parameters"] == {
        "tiers": TIERS, "sameVillage": True,
        "excludedEntities": ["COOPERATIVE", "LARGE_GROWER", "LEADING_ENTERPRISE", "OTHER"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("award", "parameters", "code"),
    [
        ("Leading", {"tiers": TIERS[::-1]}, "PARAMETER_BAD_VALUE"),
        ("Leading", {"tiers": []}, "PARAMETER_BAD_VALUE"),
        ("Leading", {"tiers": [{"start": 21, "amount": "1500.00"}]}, "PARAMETER_OUT_OF_RANGE"),
        ("Leading", {"sameVillage": False}, "PARAMETER_LOCKED"),
        ("PlannedExit", {"instalments": ["50.00", "50.00"]}, "PARAMETER_LOCKED"),
        ("PlannedExit", {"instalments": ["50.00", "40.00"]}, "PARAMETER_BAD_VALUE"),
        ("FiveStar", {"quota": "20.01"}, "PARAMETER_OUT_OF_RANGE"),
    ],
)
async def test_what_the_plan_does_not_permit_is_refused_and_changes_nothing(
    served: Served, award: str, parameters: dict[str, Any], code: str
) -> None:
    programme = {"Leading": "leading", "PlannedExit": "planned_exit", "FiveStar": "five_star"}[award]
    await done(served, "C1", f'mutation {{ switchProgrammeOn(programme: "{programme}") {{ problems {{ code }} }} }}')
    before = await served.snapshot()
    refused = await drafted(served, award, **parameters)
    assert (refused["provision"], [problem["code"] for problem in refused["problems"]]) == (None, [code])
    assert await served.snapshot() == before


async def test_parts_and_quarters_are_shown(served: Served) -> None:
    for programme in ("planned_exit", "five_star"):
        await done(
            served, "C1", f'mutation {{ switchProgrammeOn(programme: "{programme}") {{ problems {{ code }} }} }}'
        )
    parts = await done(
        served, "C1",
        'mutation { openPeriod(programme: "planned_exit", period: "2021") { problems { code } period { title '
        "stages { code deadline } ... on PlannedExitPeriod { parameters { instalments householdSize } } } } }",
    )  # fmt: skip
    assert parts["period"]["parameters"] == {
        "instalments": ["30.00", "40.00", "30.00"], "householdSize": "FROZEN_AT_PLAN",
    }  # fmt: skip
    assert {stage["code"]: stage["deadline"] for stage in parts["period"]["stages"]} == {
        "plan": "2021-02-15", "in_place": "2021-02-28", "verification": "2021-03-31", "notice": None, "payment_1": None,
        "continuing": "2021-06-30", "payment_2": None, "final": "2021-09-30", "payment_3": None,
    }  # fmt: skip
    quarter = await done(
        served, "C1",
        'mutation { openPeriod(programme: "five_star", period: "2021Q3") { problems { code } period { period title '
        "referenceDay ... on FiveStarPeriod { parameters { award quota stars } } } } }",
    )  # fmt: skip
    assert (quarter["period"]["period"], quarter["period"]["referenceDay"]) == ("2021Q3", "2021-09-30")
    assert quarter["period"]["title"] == "award for five-star households, quarter 3 of 2021"
    assert quarter["period"]["parameters"] == {
        "award": "300.00", "quota": "20.00",
        "stars": ["CLEAN", "FILIAL", "HARMONIOUS", "LAW_ABIDING", "PROSPEROUS"],
    }  # fmt: skip
    wrong = await served.ask(
        "C1", 'mutation { openPeriod(programme: "five_star", period: "2021") { problems { code path } } }'
    )
    assert wrong.data["openPeriod"]["problems"] == [{"code": "PERIOD_BAD", "path": ["period"]}]
