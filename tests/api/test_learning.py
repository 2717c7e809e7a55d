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
from tests.county import T1, V1, clean
from tests.learners import APPLIED, REVIEWED, SCHOOL, SHORT, SPRING, TERM, TRAINER, YEAR, Learners

COURSE = {
    "trainingFrom": "2021-03-02", "trainingTo": "2021-05-31", "certifiedOn": "2021-06-10",
    "hasTrainingCertificate": True, "hasQualificationCertificate": True, "baseSealed": True, "identityCopied": True,
}  # fmt: skip


@pytest.fixture
async def taught_(learners: Learners, vault: Vault) -> AsyncIterator[Served]:
    """The server over the county with students."""
    await learners.invite()
    await learners.bases()
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


async def sealing(served: Served, learners: Learners) -> Told:
    """A training base signs and seals the card of its trainee itself, and sees a name and a card of him."""
    story = Told(served)
    learners.on(SHORT, "2021")
    await served.day(date(2021, 9, 10))
    facts = {name: value for name, value in COURSE.items() if name != "baseSealed"}
    plan = {"person": "F1-03", "facts": facts, "attesters": {"baseSealed": TRAINER}}
    both = {**plan, "facts": COURSE}
    await story.may_not("K1", "plan_short_training", "STATED_NOT_ALLOWED", period="2021", plans=[both])
    school = {**plan, "attesters": {"baseSealed": SCHOOL}}
    await story.may_not("K1", "plan_short_training", "BAD_VALUE", period="2021", plans=[school])
    neither = {"person": "F1-03", "facts": facts}
    await story.may_not("K1", "plan_short_training", "MISSING_VALUE", period="2021", plans=[neither])
    opened = await story.may("K1", "plan_short_training", period="2021", plans=[plan])
    (case,) = opened["cases"]["nodes"]
    assert case["stated"] == {**facts, "baseSealed": None}

    asked = await story.may("TB", "attestations", filter={"open": True})
    (card,) = asked["nodes"]
    assert (asked["totalCount"], card["programme"], card["period"], card["fact"]) == (1, SHORT, "2021", "base_sealed")
    assert (card["name"], card["title"], card["answer"], card["goneAt"]) == (
        "学F12号", "training base that signs and seals the card", None, None,
    )  # fmt: skip
    assert [(own["fact"], own["value"]) for own in card["card"]] == [
        ("training_from", "2021-03-02"), ("training_to", "2021-05-31"), ("certified_on", "2021-06-10"),
        ("has_training_certificate", "yes"), ("has_qualification_certificate", "yes"),
    ]  # fmt: skip
    # It reaches neither the case nor where the trainee lives; nobody else's base reaches the card.
    assert (await served.ask("TB", "{ attestations { nodes { case { id } } } }")).codes == ["FORBIDDEN"]
    assert (await served.ask("TB", "{ cases { totalCount } }")).codes == ["FORBIDDEN"]
    for division in (str(V1), str(T1)):
        assert (await story.may("TB", "attestations", filter={"division": division}))["nodes"] == []
    for number in ("TX", "SA"):
        assert (await story.may(number, "attestations"))["nodes"] == []
    node = "query($id: ID!) { node(id: $id) { id } }"
    assert (await served.ask("TX", node, id=card["id"])).data["node"] is None
    await story.may_not("E1", "attestations", "FORBIDDEN")
    assert [one["id"] for one in (await story.may("K1", "attestations", filter={"division": str(V1)}))["nodes"]] == [
        card["id"]
    ]
    assert (await story.may("K2", "attestations"))["nodes"] == []

    one = {"ids": [card["id"]]}
    await story.may_not("K1", "attest", "FORBIDDEN", **one, attested=True)
    await story.may_not("E1", "attest", "FORBIDDEN", **one, attested=True)
    for number in ("TX", "SA"):
        await story.may_not(number, "attest", "NOT_FOUND", **one, attested=True)
    await story.may_not("TB", "attest", "REASON_NEEDED", **one, attested=False)
    await story.may_not("TB", "attest", "DAY_IN_FUTURE", **one, attested=True, on="2021-09-11")
    await story.may_not("TB", "attest", "NOT_FOUND", ids=["nonsense"], attested=True)
    made = await served.operation("TB", "attest", ids=["nonsense", card["id"]], attested=True, on="2021-09-09")
    story.right.add("attest")
    found = made.data["attest"]
    assert (found["done"], found["unchanged"], found["refused"], found["changed"]) == (1, 0, 1, True)
    assert [(own["code"], own["path"]) for own in found["problems"]] == [("NOT_FOUND", ["ids", "0"])]
    await story.may_not("TB", "attest", "CONFLICT", **one, attested=False, note="未参加培训")
    assert (await story.may("TB", "attestations", filter={"open": True}))["nodes"] == []
    (sealed,) = (await story.may("TB", "attestations", filter={"attested": True}))["nodes"]
    assert sealed["answer"] == {"attested": True, "note": "", "answeredOn": "2021-09-09"}

    learners.today = date(2021, 9, 10)
    clean(await learners.act("C1", acts.account, Selection(numbers=["F1-03"])))
    document = (
        'query { why(household: "F1-03", programme: "short_training", period: "2021") { summary attested'
        " { title organization askedOn attested answeredOn note words } } }"
    )
    receipt = (await served.ask("K1", document)).data["why"]
    assert receipt == {
        "summary": "Eligible; 600.00 yuan is due",
        "attested": [
            {
                "title": "training base that signs and seals the card", "organization": "测试培训基地",
                "askedOn": "2021-09-10", "attested": True, "answeredOn": "2021-09-09", "note": "",
                "words": "training base that signs and seals the card: 测试培训基地 attested it on 9 September 2021",
            }
        ],
    }  # fmt: skip
    shown = '{ cases(filter: {number: ["F1-03"]}) { nodes { attestations { fact answer { attested } } } } }'
    (own,) = (await served.ask("K1", shown)).data["cases"]["nodes"]
    assert own["attestations"] == [{"fact": "base_sealed", "answer": {"attested": True}}]
    declared = "{ programmes { code attested { fact title cites by shows } } }"
    told = {one["code"]: one["attested"] for one in (await served.ask("TB", declared)).data["programmes"]}
    assert told[TERM] == []
    assert [(one["fact"], one["by"], one["cites"], len(one["shows"])) for one in told[SHORT]] == [
        ("base_sealed", "TRAINING_BASE", "yulu-2011#二2", 5)
    ]
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
    told = [
        await drafts(taught_),
        await short_training(taught_, learners),
        await sealing(taught_, learners),
        await term_aid(taught_, learners),
    ]
    assert set().union(*(one.right for one in told)) == LEARNING - {"record_rechecks"}
    assert set().union(*(one.wrong for one in told)) == LEARNING - {"record_rechecks"}


async def test_the_spring_is_told(taught_: Served, learners: Learners) -> None:
    await learners.aided("recheck")
    story = await spring(taught_, learners)
    assert (story.right, story.wrong) == ({"record_rechecks"}, {"record_rechecks"})
