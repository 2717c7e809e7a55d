"""雨露计划 through the API: what its two programmes need beside the awards, as who may and as who may not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest

from bangfu.cases import acts
from bangfu.cases.views import Selection
from bangfu.vault import Vault
from tests.api.conftest import Served, serving
from tests.api.test_story import LEARNING, Told
from tests.county import clean
from tests.learners import APPLIED, REVIEWED, SHORT, SPRING, TERM, YEAR, Learners

COURSE = {
    "trainingFrom": "2021-03-02", "trainingTo": "2021-05-31", "certifiedOn": "2021-06-10",
    "hasTrainingCertificate": True, "hasQualificationCertificate": True, "baseSealed": True, "identityCopied": True,
}  # fmt: skip


@pytest.fixture
async def taught_(learners: Learners, vault: Vault) -> AsyncIterator[Served]:
    """The server over the county with students."""
    await learners.invite()
    async with serving(learners.database, vault, learners) as made:
        yield made


def stages(payload: dict[str, Any]) -> dict[str, str]:
    return {node["person"]["number"]: node["stageCode"] for node in payload["cases"]["nodes"]}


async def term_aid(served: Served, learners: Learners) -> Told:
    """Two students of one household, from their application to what the spring brings."""
    story = Told(served)
    learners.on(TERM, YEAR)
    await served.day(APPLIED)
    plans = [{"person": "F1-02"}, {"person": "F1-03"}]
    await story.may_not("K1", "plan_term_aid", "NOT_YOUR_DUTY", period=YEAR, plans=plans)
    await story.may_not("VC2", "plan_term_aid", "NOT_FOUND", period=YEAR, plans=plans)
    await story.may_not("E1", "plan_term_aid", "FORBIDDEN", period=YEAR, plans=plans)
    early = {"day": "2021-08-31", "evidence": "申请表"}
    await story.may_not("VC1", "plan_term_aid", "STAGE_NOT_OPEN", period=YEAR, plans=plans, act=early)
    opened = await story.may("VC1", "plan_term_aid", period=YEAR, plans=plans)
    assert stages(opened) == {"F1-02": "first_review", "F1-03": "first_review"}

    await served.day(REVIEWED)
    learners.today = REVIEWED
    of = {"period": YEAR, "cases": {"persons": ["F1-02", "F1-03"]}}
    await story.may_not("VC1", "sign_term_aid", "NOT_DETERMINED", **of, stage="FIRST_REVIEW")
    clean(await learners.act("C1", acts.account, Selection(numbers=["F1-02", "F1-03"])))
    await story.may_not("W1", "sign_term_aid", "NOT_YOUR_DUTY", **of, stage="FIRST_REVIEW")
    for number in ("VC1", "K1"):
        signed = await story.may(number, "sign_term_aid", **of, stage="FIRST_REVIEW")
    assert set(stages(signed).values()) == {"second_review"}

    found = (await story.may("K1", "students", period=YEAR))["cases"]
    (first, second) = sorted(found["nodes"], key=lambda node: str(node["number"]))
    assert found["totalCount"] == 2
    assert (first["number"], first["person"]["number"], first["household"]["number"]) == ("F1-02", "F1-02", "F1")
    assert second["determination"] == {
        "outcome": "ELIGIBLE",
        "payable": "700.00",
        "facts": {
            "term": "AUTUMN", "enrolled": True, "level": "HIGHER_VOCATIONAL", "grade": 3, "interning": False,
            "proved": True,
        },
    }  # fmt: skip
    assert first["receipt"]["summary"] == "Eligible; 700.00 yuan is due"
    (roll,) = first["person"]["schooling"]
    assert (roll["school"], roll["inCounty"], roll["source"], roll["since"], roll["until"]) == (
        "测试职业中学", True, "BUREAU", "2021-09-01", None,
    )  # fmt: skip
    story.wrong.add("students")
    for outsider in ("K2", "E1"):
        answer = await served.operation(outsider, "students", period=YEAR)
        seen = answer.body.get("data") or {}
        assert not ((seen.get("termAid") or {}).get("cases") or {}).get("nodes"), answer.body
    return story


async def spring(served: Served, learners: Learners) -> Told:
    """What has become of them is written down by who re-checks, and by nobody else."""
    story = Told(served)
    learners.on(TERM, YEAR)
    await served.day(SPRING)
    one = {"person": "F1-02", "outcome": "DROPPED_OUT", "method": "ON_SITE"}
    of = {"programme": TERM, "period": YEAR}
    await story.may_not("VC1", "record_rechecks", "NOT_YOUR_DUTY", **of, findings=[one])
    await story.may_not("K2", "record_rechecks", "NOT_FOUND", **of, findings=[one])
    told = {**one, "method": "TELEPHONE"}
    await story.may_not("C1", "record_rechecks", "BAD_VALUE", **of, findings=[told])
    written = await story.may("C1", "record_rechecks", **of, findings=[one])
    (case,) = written["cases"]["nodes"]
    assert [(own["since"], own["until"]) for own in case["person"]["schooling"]] == [("2021-09-01", "2022-03-01")]
    again = await story.may("C1", "record_rechecks", **of, findings=[one])
    assert (again["done"], again["unchanged"]) == (0, 1)
    return story


async def short_training(served: Served, learners: Learners) -> Told:
    """A trainee's papers, entered by the township and reviewed by another of it."""
    story = Told(served)
    learners.on(SHORT, "2021")
    await served.day(date(2021, 9, 10))
    plans = [{"person": "F1-01", "facts": COURSE}]
    await story.may_not("VC1", "plan_short_training", "NOT_YOUR_DUTY", period="2021", plans=plans)
    opened = await story.may("K1", "plan_short_training", period="2021", plans=plans)
    (case,) = opened["cases"]["nodes"]
    assert case["stated"] == COURSE
    learners.today = date(2021, 9, 10)
    clean(await learners.act("C1", acts.account, Selection(numbers=["F1-01"])))
    of = {"period": "2021", "cases": {"persons": ["F1-01"]}, "stage": "FIRST_REVIEW"}
    await story.may_not("K1", "sign_short_training", "NOT_YOUR_DUTY", **of)
    signed = await story.may("A2", "sign_short_training", **of)
    assert stages(signed) == {"F1-01": "county_review"}
    return story


async def drafts(served: Served) -> Told:
    """The county's own numbers: what a term comes to, and how long a notice stands."""
    story = Told(served)
    heading = {"title": "补助办法", "number": "测政办〔2021〕30号", "issuedOn": "2021-09-01"}
    dated = {"since": "2021-09-01", "clause": "二"}
    aid = {**heading, "parameters": {"amountAutumn": [{"value": "1500.00", **dated}]}}
    await story.may_not("K1", "draft_term_aid_provision", "FORBIDDEN", input=aid)
    drafted = await story.may("C1", "draft_term_aid_provision", input=aid)
    assert [(own["parameter"], own["value"]) for own in drafted["provision"]["entries"]] == [
        ("amount_autumn", "1,500.00 yuan")
    ]
    course = {**heading, "number": "测政办〔2021〕31号", "parameters": {"noticeDays": [{"value": 7, **dated}]}}
    await story.may_not("FM", "draft_short_training_provision", "FORBIDDEN", input=course)
    drafted = await story.may("C1", "draft_short_training_provision", input=course)
    assert [own["parameter"] for own in drafted["provision"]["entries"]] == ["notice_days"]
    return story


async def test_every_operation_of_the_learners_is_told(taught_: Served, learners: Learners) -> None:
    told = [await drafts(taught_), await short_training(taught_, learners), await term_aid(taught_, learners)]
    assert set().union(*(one.right for one in told)) == LEARNING - {"record_rechecks"}
    assert set().union(*(one.wrong for one in told)) == LEARNING - {"record_rechecks"}


async def test_the_spring_is_told(taught_: Served, learners: Learners) -> None:
    await learners.aided("recheck")
    story = await spring(taught_, learners)
    assert (story.right, story.wrong) == ({"record_rechecks"}, {"record_rechecks"})
