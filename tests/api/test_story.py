"""The whole year through the API: every committed operation as who may do it, and as who may not."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import openpyxl
import pytest

from bangfu.access import create_county
from bangfu.audit import chain
from bangfu.db import Database
from bangfu.payments.invariants import examine
from bangfu.vault import Vault
from bangfu_graphql.identifiers import encode_id, split_id
from bangfu_graphql.working import seal_off
from tests.api.conftest import OPERATIONS, Answer, Served, serving
from tests.county import (
    ACCEPTED,
    CODE,
    DIVISIONS,
    ELIGIBLE,
    HOMES,
    JANUARY,
    MARCH,
    OFFICERS,
    ONE,
    ORGANIZATIONS,
    PAIRINGS,
    POSTED,
    SEPTEMBER,
    T1,
    V1,
    World,
    identity,
    ledger,
    roster,
)

P: dict[str, Any] = {"period": "2021"}
IMPORT = (OPERATIONS / "import_workbook.graphql").read_text(encoding="utf-8")
ENTERPRISE = f"工号,姓名,职责,负责区划代码,起始日期,单位信用代码\nE1,企业甲,企业经办,{CODE},2020-01-01,{ONE}\n"


@pytest.fixture
async def new(database: Database, vault: Vault) -> AsyncIterator[Served]:
    """The server over a county that has nothing but its first officer."""
    async with database.owner() as connection:
        await create_county(
            connection, CODE, "测试县", datetime(2021, 1, 1, tzinfo=UTC), officer=("R1", "管理员"), demo_today=JANUARY
        )
    world = World(database, vault)
    await world.look()
    async with serving(database, vault, world) as made:
        yield made


class Told:
    """Tells the story, and remembers which operations were carried out as the right role and as a wrong one."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.right: set[str] = set()
        self.wrong: set[str] = set()

    async def may(self, number: str, name: str, **variables: Any) -> Any:
        """Carry an operation out; its payload, without problems."""
        answer = await self.served.operation(number, name, **variables)
        (payload,) = answer.data.values()
        assert not (isinstance(payload, dict) and payload.get("problems")), payload
        self.right.add(name)
        return payload

    async def may_not(self, number: str, name: str, code: str, **variables: Any) -> Answer:
        """Try it as somebody who may not; nothing changes."""
        self.wrong.add(name)
        return await self.served.denied(number, name, code, **variables)

    async def bring(self, number: str, kind: str, text: str, **options: Any) -> dict[str, Any]:
        """Import a workbook and let the worker do it; the job as it ends."""
        answer = await self.served.upload(number, IMPORT, text.encode(), f"{kind}.csv", kind=kind.upper(), **options)
        payload = answer.data["importWorkbook"]
        assert payload["problems"] == [], payload
        self.right.add("import_workbook")
        return await self.job(number, payload["job"]["id"])

    async def job(self, number: str, id: str) -> dict[str, Any]:
        """Let the worker run, and look at a job."""
        assert await self.served.work() == 1
        job: dict[str, Any] = await self.may(number, "job", id=id)
        return job

    async def sign(self, number: str, stage: str, count: int, **act: Any) -> None:
        """Sign everything in sight at a stage; it is done for so many households."""
        answer = await self.served.operation(number, "sign", **P, stage=stage, cases=EVERYTHING, act=act or None)
        assert answer.data["signConsolidation"]["done"] == count, answer.data
        self.right.add("sign")


EVERYTHING = {"everything": True}
NOTHING = {
    **dict.fromkeys(("cases", "eligibleBefore", "eligibleAfter", "gain", "lose", "undecided"), 0),
    **dict.fromkeys(("amountBefore", "amountAfter"), "0.00"),
}
"""The figures of no case."""
AWARDS = {
    *("plan_planned_exit", "sign_planned_exit", "draft_planned_exit_provision"),
    *("plan_five_star", "sign_five_star", "draft_five_star_provision"),
    *("plan_leading", "sign_leading", "draft_leading_provision"),
    *("conclude_notices", "select_cases", "ask_to_correct_cases", "withdraw_cases", "stop_cases", "pause_cases"),
    *("resume_cases", "undo_cases", "answer_for_participant", "vouch_for_participant"),
    *("to_answer",),
    *("waiting", "quotas", "programmes", "clauses"),
}
"""The operations that the awards beside the consolidation need; ``test_awards`` tells them."""
SCHOOLS = {"schooling", "confirm_schooling", "discrepancies", "discrepancy_counts", "settle_discrepancy"}
"""The operations about where persons go to school; ``test_schooling`` tells them."""
CIRCUMSTANCES = {"circumstances", "person_circumstances", "record_circumstance", "end_circumstance"}
"""The operations about circumstances of persons; ``test_circumstances`` tells them."""
LEARNING = {
    *("plan_term_aid", "sign_term_aid", "draft_term_aid_provision", "record_rechecks", "students"),
    *("plan_short_training", "sign_short_training", "draft_short_training_provision"),
    *("attestations", "attest"),
}
"""The operations of the aid for those who learn a trade; ``test_learning`` tells them."""
SUBSIDIES = {
    *("plan_disability_living", "sign_disability_living", "draft_disability_living_provision"),
    *("plan_disability_care", "sign_disability_care", "draft_disability_care_provision"),
}
"""The operations of the two monthly subsidies; ``test_subsidies`` tells them."""
MONTHS = {
    "decide_month", "decide_month_for", "month_preview", "case_months", "month_as_known", "month_runs", "unverified",
    "reverify_cases", "carry_cases",
}  # fmt: skip
"""The operations of what is paid every month; ``test_months`` tells them."""
PAIRING = {
    "register_helper", "verify_helper", "state_need", "close_need", "propose_agreement", "sign_agreement",
    "end_agreement", "plan_agreement", "raise_obstacle", "assign_obstacle", "resolve_obstacle", "log_deliveries",
    "confirm_deliveries", "contest_deliveries", "rule_delivery", "match_delivery", "review_agreement", "helpers",
    "needs", "agreements", "deliveries", "pairing_figures", "pairings_waiting", "pairing_programmes",
    "pairings_waiting_counts", "plan_lines", "revoke_helper", "unmatch_delivery",
}  # fmt: skip
"""The operations of pairings; ``test_pairing`` tells them."""
PAPERS = {
    "issue_helper_statement", "issue_helper_certificate", "export_pairing_honours", "export_pairing_summary",
    "pairing_honours", "pairing_summary", "pairing_certificate",
}  # fmt: skip
"""What is made of pairings for papers and lists; ``test_pairing_papers`` tells them."""

FEDERATION = {
    "register_base", "confirm_base", "end_base", "assess_base", "agree_on_assessment", "issue_rectification_notice",
    "rectify_finding", "recheck_finding", "enter_base_subsidy", "support_bases", "base_assessments", "base_subsidies",
    "inspection_programmes", "inspection_figures", "state_handouts", "list_handouts", "supply_handouts", "hand_over",
    "follow_up_handout", "withdraw_handouts", "export_signature_sheet", "import_signatures", "handouts",
    "handout_batches", "handout_programmes", "handout_figures",
}  # fmt: skip
"""What the federation of disabled persons keeps; ``test_federation`` tells them."""


async def _settings(story: Told) -> None:
    """The next documents of the county, and all that it has set up as one text."""
    heading = {"title": "测试县补充规定", "number": "测政办〔2021〕30号", "issuedOn": "2021-10-16"}
    draft = (OPERATIONS / "draft_provision_from_workbook.graphql").read_text(encoding="utf-8")
    form = '参数,本县规定,起始日,条款\n每户奖补上限,"2,500 元",2021-10-16,二\n'.encode()
    of: dict[str, Any] = {"programme": "consolidation", "heading": heading}
    before = await story.served.snapshot()
    answer = await story.served.upload("K1", draft, form, "规定.csv", **of)
    assert answer.codes == ["FORBIDDEN"]
    assert await story.served.snapshot() == before
    made = (await story.served.upload("C1", draft, form, "规定.csv", **of)).data["draftProvisionFromWorkbook"]
    assert made["problems"] == []
    assert made["provision"]["entries"] == [
        {"parameter": "household_cap", "value": "2,500.00 yuan", "since": "2021-10-16", "until": None, "clause": "二"}
    ]
    story.right.add("draft_provision_from_workbook")
    story.wrong.add("draft_provision_from_workbook")
    # It changes nothing of the year that is open: one preview is enough.
    await story.may("C1", "preview_provision", id=made["provision"]["id"], **P)
    await story.may("C3", "release_provision", id=made["provision"]["id"])
    undoing: dict[str, Any] = {
        "id": made["provision"]["id"], "heading": {**heading, "number": "测政办〔2021〕31号"}, "since": "2022-01-01",
        "clause": "一",
    }  # fmt: skip
    await story.may_not("K1", "take_back_provision", "FORBIDDEN", **undoing)
    undone = (await story.may("C1", "take_back_provision", **undoing))["provision"]
    assert (undone["state"], undone["takesBack"], undone["takesBackSince"]) == (
        "DRAFT", {"number": "测政办〔2021〕30号"}, "2022-01-01",
    )  # fmt: skip
    carrying: dict[str, Any] = {
        "programme": "consolidation", **P, "next": "2022", "heading": {**heading, "number": "测政办〔2022〕1号"},
        "clause": "四",
    }  # fmt: skip
    await story.may_not("VC2", "carry_provisions_over", "FORBIDDEN", **carrying)
    carried = await story.may("C1", "carry_provisions_over", **carrying)
    own = {one["parameter"]: (one["value"], one["since"]) for one in carried["provision"]["entries"]}
    assert (own["cohort_exit_years"], own["rate_breeding"]) == (("2016–2019", "2022-01-01"), ("20%", "2022-01-01"))
    assert carried["notCarried"] == [
        {"parameter": "household_cap", "title": "cap per household", "instead": "2,500.00 yuan", "problem": None}
    ]

    await story.may_not("K1", "county_file", "FORBIDDEN")
    text = await story.may("C1", "county_file")
    assert "测政办〔2021〕30号" in text
    assert "测政办〔2022〕1号" not in text, "a draft"
    await story.may_not("K1", "county_file_changes", "FORBIDDEN", file=text)
    assert await story.may("C2", "county_file_changes", file=text) == []
    other = text.replace("worked = true", "worked = false")
    (change,) = await story.may("C2", "county_file_changes", file=other)
    assert (change["section"], change["name"], change["kind"]) == ("CALENDAR", ["2021-10-09"], "CHANGED")
    await story.may_not("C1", "apply_county_file", "FORBIDDEN", file=other)
    await story.may_not("R1", "apply_county_file", "COUNTY_FILE_BAD", file="bangfu = 2")
    applied = await story.may("R1", "apply_county_file", file=other, only=["CALENDAR"])
    assert [one["name"] for one in applied["changes"]] == [["2021-10-09"]]
    again = await story.may("R1", "apply_county_file", file=other)
    assert (again["changes"], again["changed"]) == ([], False)


async def test_the_whole_year(new: Served) -> None:
    story = Told(new)

    # Registers: the keeper imports them; nobody else may.
    for kind, text in (
        ("divisions", DIVISIONS), ("organizations", ORGANIZATIONS), ("pairings", PAIRINGS), ("officers", OFFICERS),
        ("officers", ENTERPRISE),
    ):  # fmt: skip
        job = await story.bring("R1", kind, text)
        assert (job["state"], job["imported"]["badRows"]) == ("DONE", 0)
    await new.world.look()
    before = await new.snapshot()
    answer = await new.upload("C1", IMPORT, roster().encode(), "花名册.csv", kind="HOUSEHOLDS")
    assert [p["code"] for p in answer.data["importWorkbook"]["problems"]] == ["FORBIDDEN"]
    assert await new.snapshot() == before
    story.wrong.add("import_workbook")
    dry = await story.bring("R1", "households", roster(), dryRun=True)
    assert {t["what"]: t["new"] for t in dry["imported"]["tallies"]} == {"household": 8, "person": 16}
    assert (await story.bring("R1", "households", roster()))["state"] == "DONE"

    # The programme is not in the schema before it is on.
    answer = await new.operation("C1", "overview", **P)
    assert answer.codes[0] == "GRAPHQL_VALIDATION_FAILED"
    await story.may_not("K1", "switch_programme_on", "FORBIDDEN", programme="consolidation")
    assert (await story.may("C1", "switch_programme_on", programme="consolidation"))["done"] is True
    viewer = await story.may("C1", "viewer")
    assert viewer["programmes"] == ["consolidation"]
    assert (viewer["number"], viewer["today"], viewer["duties"]) == ("C1", "2021-01-20", ["COUNTY_OFFICE"])

    # This year's document: drafted by one, released by another, then the period opens.
    await story.may_not("C1", "open_period", "PARAMETER_UNSET", programme="consolidation", **P)
    document = {
        "title": "测试县2021年实施方案", "number": "测政办〔2021〕1号", "issuedOn": "2021-01-10",
        "parameters": {"cohortExitYears": [
            {"value": {"first": 2016, "last": 2019}, "since": "2020-10-01", "clause": "二(二)1"}
        ]},
    }  # fmt: skip
    await story.may_not("A1", "draft_provision", "FORBIDDEN", input=document)
    draft = await story.may("C1", "draft_provision", input=document)
    assert draft["provision"]["state"] == "DRAFT"
    assert [(e["parameter"], e["value"]) for e in draft["provision"]["entries"]] == [("cohort_exit_years", "2016–2019")]
    await story.may_not("E1", "provision_preview", "FORBIDDEN", id=draft["provision"]["id"], **P)
    assert await story.may("C2", "provision_preview", id=draft["provision"]["id"], **P) == {
        "programme": "consolidation",
        "period": "2021",
        "changes": [
            {
                "parameter": "cohort_exit_years",
                "title": "years of leaving poverty that are covered",
                "before": None,
                "after": "2016–2019",
            }
        ],
        "townships": [],
        "total": NOTHING,
    }
    await story.may_not("C2", "release_provision", "PROVISION_NOT_PREVIEWED", id=draft["provision"]["id"])
    await story.may_not("A1", "preview_provision", "FORBIDDEN", id=draft["provision"]["id"], **P)
    previewed = await story.may("C1", "preview_provision", id=draft["provision"]["id"], **P)
    assert (previewed["preview"]["total"], previewed["preview"]["unset"]) == (NOTHING, [])
    assert (previewed["provision"]["state"], previewed["remaining"]) == ("PREVIEWED", [])
    assert [(one["period"], one["madeOn"], one["madeBy"]) for one in previewed["provision"]["previews"]] == [
        ("2021", "2021-01-20", {"number": "C1"})
    ]
    await story.may_not("C1", "release_provision", "SAME_PERSON", id=draft["provision"]["id"])
    released = await story.may("C2", "release_provision", id=draft["provision"]["id"])
    assert released["provision"]["releasedBy"] == {"number": "C2"}
    await story.may_not("VC1", "open_period", "FORBIDDEN", programme="consolidation", **P)
    opened = await story.may("C1", "open_period", programme="consolidation", **P)
    assert opened["period"]["edition"] == 1
    assert opened["period"]["parameters"] == {
        "householdCap": "3000.00", "rateBreeding": "20.00", "cohortExitYears": {"first": 2016, "last": 2019},
    }  # fmt: skip
    assert opened["period"]["differences"] == [
        {
            "parameter": "cohort_exit_years",
            "title": "years of leaving poverty that are covered",
            "value": "2016–2019",
            "planned": None,
            "since": "2020-10-01",
            "document": "测试县2021年实施方案(测政办〔2021〕1号)",
            "clause": "二(二)1",
        }
    ]
    await story.may_not("FI", "set_working_day", "FORBIDDEN", day="2021-10-09", worked=True, note="国办通知")
    await story.may("R1", "set_working_day", day="2021-10-09", worked=True, note="国办通知")

    # The county's own rules on who may do what: laid down, asked about, withdrawn.
    rule = {"duty": "VILLAGE_COMMITTEE", "action": "IMPORT_INCOME", "effect": "DENY"}
    await story.may_not("VC1", "lay_down_rule", "FORBIDDEN", input=rule, reason="试点")
    laid = (await story.may("C1", "lay_down_rule", input=rule, reason="试点"))["rule"]
    await story.may_not("VC1", "policy_rules", "FORBIDDEN")
    assert [one["id"] for one in (await story.may("C2", "policy_rules"))["nodes"]] == [laid["id"]]
    await story.may_not("VC1", "why_denied", "FORBIDDEN", officer="VC1", action="IMPORT_INCOME")
    denied = await story.may("C1", "why_denied", officer="VC1", action="IMPORT_INCOME")
    assert [one["met"] for one in denied["conditions"]] == [True, True, False]
    await story.may_not("VC1", "withdraw_rule", "FORBIDDEN", id=laid["id"], reason="试点结束")
    await story.may("C2", "withdraw_rule", id=laid["id"], reason="试点结束")

    # Plans, each cadre for the households linked to it.
    await new.day(date(2021, 2, 10))
    plans = [{"household": home.number, "facts": {"projects": ["SMALL_BREEDING"]}} for home in HOMES]
    await story.may_not("W1", "plan", "NOT_YOUR_DUTY", **P, plans=plans[:2])
    await story.may_not("E1", "plan", "FORBIDDEN", **P, plans=plans[:2])
    await story.may_not("L3", "plan", "NOT_FOUND", **P, plans=plans[:1])
    for cadre in ("L1", "L2", "L3"):
        own = [plan for plan, home in zip(plans, HOMES, strict=True) if home.cadre == cadre]
        payload = await story.may(cadre, "plan", **P, plans=own)
        assert payload["done"] == len(own)
        assert {case["stage"] for case in payload["cases"]["nodes"]} == {"IN_PLACE"}
        assert (await story.may(cadre, "plan", **P, plans=own))["unchanged"] == len(own)

    await new.day(MARCH)
    await story.may_not("VC1", "sign", "NOT_YOUR_DUTY", **P, stage="IN_PLACE", cases=EVERYTHING)
    for cadre, count in (("L1", 4), ("L2", 2), ("L3", 2)):
        await story.sign(cadre, "IN_PLACE", count)

    # Income, and the accounting of the whole county as a job.
    await new.day(SEPTEMBER)
    assert (await story.bring("K1", "income", ledger(HOMES[:6])))["state"] == "DONE"
    assert (await story.bring("K2", "income", ledger(HOMES[6:])))["state"] == "DONE"
    await story.may_not("E1", "account_county", "FORBIDDEN", **P)
    asked = await story.may("C1", "account_county", **P)
    job = await story.job("C1", asked["job"]["id"])
    assert job["accounted"] == {"done": 8, "unchanged": 0, "refused": 0}
    await story.may_not("VC3", "account_cases", "NOT_FOUND", **P, cases={"households": ["H1"]})
    again = await story.may("K1", "account_cases", **P, cases={"households": ["H1", "H2"]})
    assert (again["done"], again["unchanged"]) == (0, 2)
    for number, count in (("L1", 2), ("L2", 1), ("L3", 1), ("W1", 2), ("W3", 1), ("VC1", 2), ("VC2", 1), ("VC3", 1),
                          ("B1", 2), ("B3", 1), ("A1", 1)):  # fmt: skip
        cases = {"households": [h.number for h in HOMES if h.outcome == "eligible"]}
        answer = await new.operation(number, "sign", **P, stage="ACCOUNTING", cases=cases)
        assert answer.data["signConsolidation"]["done"] == count, (number, answer.data)

    # Five days on notice; one household is objected to and waits.
    await new.day(POSTED)
    await story.may_not("L1", "post_notices", "NOT_YOUR_DUTY", **P, cases=EVERYTHING)
    for number, count in (("VC1", 2), ("VC2", 1), ("VC3", 1)):
        assert (await story.may(number, "post_notices", **P, cases=EVERYTHING, place="村务公开栏"))["done"] == count
    notices = await story.may("VC1", "notices", filter={"division": str(V1)})
    (notice,) = notices["nodes"]
    assert (notice["firstDay"], notice["lastDay"], notice["place"]) == ("2021-10-11", "2021-10-15", "村务公开栏")
    assert [(e["beneficiary"], e["amount"]) for e in notice["entries"]["nodes"]] == [
        ("测1户主", "3000.00"), ("测2户主", "2200.00"),
    ]  # fmt: skip
    assert (await story.may("VC3", "notices", filter={"division": str(V1)}))["nodes"] == []
    exported = await story.may("VC1", "export_notice", notice=notice["id"], reason="张贴公示")
    assert (await story.job("VC1", exported["job"]["id"]))["state"] == "DONE"
    await story.may_not("VC3", "export_notice", "NOT_FOUND", notice=notice["id"], reason="张贴公示")
    objection = {"household": "H2", "words": "养殖收入不符", "objector": "村民甲"}
    await story.may_not("VC3", "object_to_case", "NOT_FOUND", **P, **objection)
    objected = await story.may("VC1", "object_to_case", **P, **objection)
    assert objected["cases"]["nodes"][0]["waitsFor"] == ["TOWNSHIP_ACCEPTOR"]

    # The public see it; what they hand in is heard by the township, and a photo shows that it hung.
    assert (notice["state"], notice["nextDay"], notice["evidence"]) == ("OPEN", "2021-10-16", [])
    path = notice["publication"]["path"]
    assert notice["publication"]["posters"] == [f"{path}/poster.a4.pdf", f"{path}/poster.a3.pdf"]
    assert "测1户主" in (await new.client.get(new.address + path)).text
    assert path in (await new.client.get(new.address + notice["publication"]["villagePath"])).text
    for words in ("广告", "养牛数不符"):
        form = {"form": "", "position": "1", "words": words, "name": "村民乙", "phone": ""}
        assert (await new.client.post(f"{new.address}{path}/objections", data=form)).status_code == 200
    await story.may_not("VC1", "public_objections", "FORBIDDEN")
    heard = (await story.may("A2", "public_objections", filter={"pending": True}))["nodes"]
    assert [(one["household"], one["words"], one["name"]) for one in heard] == [
        ("H1", "广告", "村民乙"), ("H1", "养牛数不符", "村民乙"),
    ]  # fmt: skip
    await story.may_not("VC1", "dismiss_public_objection", "FORBIDDEN", id=heard[0]["id"], reason="与公示无关")
    dismissed = await story.may("K1", "dismiss_public_objection", id=heard[0]["id"], reason="与公示无关")
    assert (dismissed["publicObjection"]["confirmed"], dismissed["publicObjection"]["reason"]) == (False, "与公示无关")
    await story.may_not("A3", "confirm_public_objection", "NOT_FOUND", id=heard[1]["id"])
    await story.may("A2", "confirm_public_objection", id=heard[1]["id"])
    settled = await story.may("A2", "settle_objections", **P, household="H1", upheld=False, finding="入户核实,牛数属实")
    assert settled["done"] == 1
    photo, attach = (
        b"\xff\xd8\xff\xe0" + b"x" * 100,
        (OPERATIONS / "attach_evidence.graphql").read_text(encoding="utf-8"),
    )
    before = await new.snapshot()
    denied = await new.upload("A2", attach, photo, "照片.jpg", notice=notice["id"])
    assert denied.codes == ["FORBIDDEN"]
    assert await new.snapshot() == before
    attached = (await new.upload("VC1", attach, photo, "照片.jpg", notice=notice["id"])).data["attachEvidence"]
    assert (attached["problems"], attached["evidence"]["place"]) == ([], "村务公开栏")
    story.right.add("attach_evidence")
    story.wrong.add("attach_evidence")
    evidence_path = attached["evidence"]["file"]["path"]
    got = await new.client.get(new.address + evidence_path, headers=new.headers("K1"))
    assert (got.content, got.headers["content-type"]) == (photo, "image/jpeg")
    for other in ("VC3", "E1"):
        got = await new.client.get(new.address + evidence_path, headers=new.headers(other))
        assert got.status_code == 404
    lacking = await story.may("K1", "notices", filter={"lacksEvidence": True})
    assert notice["id"] not in [one["id"] for one in lacking["nodes"]]
    assert len(lacking["nodes"]) == 1
    await story.may_not("VC1", "set_supervision", "FORBIDDEN", contact="县脱贫办 12317")
    assert (await story.may("C1", "set_supervision", contact="县脱贫办 12317"))["done"] is True

    # The township accepts the others, settles the objection, and accepts that one too.
    await story.may_not("A2", "accept_cases", "NOTICE_OPEN", **P, cases={"households": ["H1"]})
    await new.day(ACCEPTED)
    await story.may_not("A1", "accept_cases", "NOT_INDEPENDENT", **P, cases={"households": ["H5"]})
    accepted = await new.operation("A2", "accept_cases", **P, cases=EVERYTHING)
    payload = accepted.data["acceptCases"]
    assert (payload["done"], payload["refused"]) == (2, 1)
    assert [(p["household"], p["code"]) for p in payload["problems"]] == [("H2", "OBJECTION_OPEN")]
    settling = {"household": "H2", "upheld": False, "finding": "入户核实,收入属实"}
    await story.may_not("VC1", "settle_objections", "NOT_YOUR_DUTY", **P, **settling)
    settled = await story.may("A2", "settle_objections", **P, **settling)
    assert settled["cases"]["nodes"][0]["objections"] == [
        {"settledOn": "2021-10-16", "upheld": False, "finding": "入户核实,收入属实"}
    ]
    assert (await story.may("A2", "accept_cases", **P, cases={"households": ["H2"]}))["done"] == 1
    assert (await story.may("A3", "accept_cases", **P, cases=EVERYTHING))["done"] == 1

    # The county sends one back and it comes again; then the sample.
    back = {"cases": {"households": ["H1"]}, "finding": "缺凭据"}
    await story.may_not("A2", "send_back_cases", "NOT_YOUR_DUTY", **P, **back)
    drawing = {"seed": "彩票第21120期", "seedSource": "公开的开奖号码"}
    await story.may_not("A2", "draw_sample", "FORBIDDEN", **P, **drawing)
    drawn = (await story.may("C1", "draw_sample", **P, **drawing))["sample"]
    assert (drawn["frameSize"], drawn["size"], drawn["rate"]) == (4, 1, "10.00")
    (unit,) = drawn["units"]["nodes"]
    chosen = unit["case"]["household"]["number"]
    others = sorted(set(ELIGIBLE) - {chosen})
    back = {"cases": {"households": others[:1]}, "finding": "台账缺凭据"}
    sent = await story.may("C1", "send_back_cases", **P, **back)
    assert sent["cases"]["nodes"][0]["stageCode"] == "accounting"
    await story.may_not("K1", "check_sample", "FORBIDDEN", **P, cases={"households": [chosen]}, passed=True)
    sample_list = await story.may("C1", "export_sample", sample=drawn["id"], reason="下村抽查")
    assert (await story.job("C1", sample_list["job"]["id"]))["state"] == "DONE"
    await story.may_not("K1", "export_sample", "FORBIDDEN", sample=drawn["id"], reason="看看")
    assert (await story.may("C1", "check_sample", **P, cases={"households": [chosen]}, passed=True))["done"] == 1

    # Money: three persons, and the list for the bank.
    await story.may_not("A2", "make_batch", "FORBIDDEN", **P)
    await story.may_not("C3", "make_batch", "BUDGET_NEEDED", **P)
    line_of = {
        "code": "ZX-1", "title": "奖补资金", "source": "专项扶贫资金", "level": "COUNTY", "document": "测财〔2021〕8号",
        "documentOn": "2021-01-15", "year": 2021, "programmes": ["consolidation"], "binding": True,
    }  # fmt: skip
    await story.may_not("FI", "add_budget_line", "FORBIDDEN", input=line_of, amount="100.00")
    line = (await story.may("FM", "add_budget_line", input=line_of, amount="100.00"))["line"]
    await story.may_not("FM", "confirm_budget_entry", "FORBIDDEN", id=line["entries"][0]["id"])
    confirmed = await story.may("FI", "confirm_budget_entry", id=line["entries"][0]["id"])
    assert confirmed["line"] == {"id": line["id"], "granted": "100.00", "free": "100.00"}
    # What the line cannot hold waits: nothing is paid, and everybody is on the list.
    answer = await new.operation("C3", "make_batch", **P, line=line["id"])
    short = answer.data["makeBatch"]
    assert (short["batch"], short["waiting"], short["changed"]) == (None, 3, True)
    assert [p["code"] for p in short["problems"]] == ["BUDGET_WAITS"]
    waits = (await story.may("C3", "waits", filter={"waiting": True}))["nodes"]
    assert [(w["place"], w["lineCode"], w["household"]["number"]) for w in waits] == [
        (place, "ZX-1", number) for place, number in enumerate(sorted(set(ELIGIBLE) - {others[0]}), 1)
    ]
    await story.may_not("L1", "waits", "FORBIDDEN")
    topping = {"line": line["id"], "amount": "10000.00", "document": "测财〔2021〕60号", "documentOn": "2021-10-16"}
    await story.may_not("C1", "add_budget_entry", "FORBIDDEN", **topping, reason="追加")
    entries = (await story.may("FM", "add_budget_entry", **topping, reason="追加"))["line"]["entries"]
    await story.may("FI", "confirm_budget_entry", id=entries[-1]["id"])
    lined = {**P, "line": line["id"]}
    first = (await story.may("C3", "make_batch", **lined))["batch"]
    await story.may_not("A2", "cancel_batch", "FORBIDDEN", id=first["id"], reason="误建")
    assert (await story.may("C3", "cancel_batch", id=first["id"], reason="误建"))["batch"]["state"] == "CANCELLED"
    batch = (await story.may("C3", "make_batch", **lined))["batch"]
    paid = {h.number: h.award for h in HOMES if h.number in set(ELIGIBLE) - {others[0]}}
    assert (batch["count"], batch["state"]) == (3, "DRAFT")
    assert batch["total"] == f"{sum(paid.values()) / 100:.2f}"
    await story.may_not("C3", "check_batch", "NOT_YOUR_DUTY", id=batch["id"])
    assert (await story.may("FM", "check_batch", id=batch["id"]))["batch"]["state"] == "CHECKED"
    await story.may_not("FM", "release_batch", "NOT_YOUR_DUTY", id=batch["id"])
    assert (await story.may("FI", "release_batch", id=batch["id"]))["batch"]["state"] == "RELEASED"
    await story.may_not("C1", "export_payments", "FORBIDDEN", batch=batch["id"], reason="报送代发银行")
    asked = await story.may("FI", "export_payments", batch=batch["id"], reason="报送代发银行")
    job = await story.job("FI", asked["job"]["id"])
    path = job["file"]["path"]
    got = await new.client.get(new.address + path, headers=new.headers("FI"))
    assert got.status_code == 200
    rows = list(openpyxl.load_workbook(io.BytesIO(got.content))["发放名册"].iter_rows(min_row=3, values_only=True))
    assert {row[4]: round(Decimal(str(row[11])) * 100) for row in rows if isinstance(row[0], int)} == paid
    # Who did not ask for it cannot fetch it, be it in sight or not.
    for other in ("C1", "FM", "VC1", "E1"):
        assert (await new.client.get(new.address + path, headers=new.headers(other))).status_code == 404
    assert (await new.client.get(new.address + path)).status_code == 401
    (held,) = (await story.may("FM", "budget_lines"))["nodes"]
    total = sum(paid.values())
    assert [held[name] for name in ("granted", "committed", "spent", "free")] == [
        "10100.00", "0.00", f"{total / 100:.2f}", f"{(1_010_000 - total) / 100:.2f}",
    ]  # fmt: skip
    await story.may_not("L1", "budget_lines", "FORBIDDEN")

    # The text that the bank takes, what it answers, and a payment that comes back and is paid again.
    template = {
        "channel": "yikatong", "separator": "BAR", "rowsPerFile": 2, "results": [{"code": "77", "answer": "RETURNED"}],
        "columns": [{"name": n, "header": h} for n, h in (("position", "序号"), ("account", "账号"), ("amount", "金额"))],
    }  # fmt: skip
    await story.may_not("FI", "keep_bank_template", "FORBIDDEN", input=template)
    assert (await story.may("FM", "keep_bank_template", input=template))["template"]["version"] == 1
    asked = await story.may("FI", "export_payments", batch=batch["id"], reason="报送代发银行", format="BANK_TEXT")
    job = await story.job("FI", asked["job"]["id"])
    assert job["file"]["name"].endswith(".zip")
    got = await new.client.get(new.address + job["file"]["path"], headers=new.headers("FI"))
    with zipfile.ZipFile(io.BytesIO(got.content)) as archive:
        texts = [archive.read(name).decode("gb18030").split("\r\n")[1:-1] for name in archive.namelist()]
    sent = [row.split("|") for part in texts for row in part]
    assert [len(part) for part in texts] == [2, 1]
    answers = "".join(f"{row[0]}|{row[1]}|{row[2]}|{'77' if row[0] == '2' else '00'}\n" for row in sent)
    data = f"序号|账号|金额|处理结果\n{answers}9|12345678|1.00|00\n".encode("gb18030")
    send = (OPERATIONS / "import_bank_answers.graphql").read_text(encoding="utf-8")
    before = await new.snapshot()
    answer = await new.upload("C1", send, data, "回盘.txt", batch=batch["id"])
    assert answer.codes == ["FORBIDDEN"]
    assert await new.snapshot() == before
    story.wrong.add("import_bank_answers")
    answer = await new.upload("FI", send, data, "回盘.txt", batch=batch["id"])
    story.right.add("import_bank_answers")
    assert await new.work() == 1
    job = (await new.operation("FI", "job", id=answer.data["importBankAnswers"]["job"]["id"])).data["node"]
    assert job["answered"] == {"rows": 4, "paid": 2, "returned": 1, "same": 0, "odd": 1}
    assert [p["code"] for p in job["problems"]] == ["ANSWER_NOT_OURS"]
    lines = {own["position"]: own for own in batch["lines"]["nodes"]}
    back = lines[2]["household"]["number"]
    by_hand = {"payment": lines[1]["id"], "day": "2021-10-16", "words": "账户冻结", "evidence": "银行退汇单"}
    await story.may_not("FM", "record_return", "FORBIDDEN", **by_hand)
    returned = (await story.may("FI", "record_return", **by_hand))["line"]["returned"]
    assert returned == {"words": "账户冻结", "returnedOn": "2021-10-16"}
    account = {
        "household": back, "holder": "某人", "bank": "测试银行", "number": "990000000007777", "evidence": "存折复印件",
    }  # fmt: skip
    await story.may_not("FI", "correct_account", "FORBIDDEN", input=account, reason="旧卡销户")
    corrected = (await story.may("R1", "correct_account", input=account, reason="旧卡销户"))["account"]
    assert (corrected["holder"], corrected["numberMasked"]) == ("某人", "***********7777")
    second = (await new.operation("C3", "make_batch", **lined)).data["makeBatch"]
    assert [p["code"] for p in second["problems"]] == ["ACCOUNT_RETURNED"], "of the other nobody has seen to it"
    (again,) = second["batch"]["lines"]["nodes"]
    assert (again["household"]["number"], again["accountMasked"]) == (back, "***********7777")
    steps = (await new.operation("FI", "payment_trail", household=back)).data["paymentTrail"]
    story.right.add("payment_trail")
    assert [step["kind"] for step in steps[-4:]] == ["paid", "returned", "account", "gathered"]
    await story.may_not("L1", "payment_trail", "FORBIDDEN", household=back)
    await story.may("C3", "cancel_batch", id=second["batch"]["id"], reason="留待下批")

    # An income is corrected after all is paid: what was too much is paid back by rows of their own.
    kept = lines[3]["household"]["number"]
    assert kept == "H7", "333.33 yuan of planting, of which 15 % were paid"
    ledgers = "户编号,日期,收入类别,项目,总收入\nH7,2021-03-01,种植,种植项目,200\n"
    assert (await story.bring("R1", "income", ledgers))["state"] == "DONE"
    again = {
        "programme": "consolidation",
        **P,
        "cases": {"households": [kept]},
        "act": {"reason": "收入核减", "evidence": "复核记录"},
    }
    await story.may_not("L1", "recalculate_cases", "FORBIDDEN", **again)
    recalculated = await story.may("C3", "recalculate_cases", **again)
    assert (recalculated["done"], recalculated["unchanged"], recalculated["refused"]) == (1, 0, 0)
    assert recalculated["cases"]["nodes"] == [
        {
            "household": {"number": kept},
            "awards": [
                {"kind": "AWARD", "instalment": 1, "amount": "50.00", "open": "0.00", "reason": ""},
                {"kind": "RECOVERY", "instalment": 1, "amount": "-20.00", "open": "-20.00", "reason": "收入核减"},
            ],
        }
    ]
    (owed,) = (await story.may("FI", "awards", filter={"kind": "RECOVERY", "open": True}))["nodes"]
    assert (owed["open"], owed["case"]["household"]["number"]) == ("-20.00", kept)
    await story.may_not("E1", "awards", "FORBIDDEN")
    repaid = {"award": owed["id"], "amount": "5.00", "day": "2021-10-16", "voucher": "收据1"}
    await story.may_not("C1", "record_repayment", "FORBIDDEN", **repaid)
    assert (await story.may("FI", "record_repayment", **repaid))["award"]["open"] == "-15.00"
    findings = await examine(new.world.database, [new.world.tenant.id], new.world.plugins.programmes, datetime.now(UTC))
    assert findings == []

    # What came of it.
    arrived = {number: fen for number, fen in paid.items() if number == kept}
    shown = (await story.may("C1", "overview", **P))["overview"]
    columns = ("name", "applied", "eligible", "refused", "incomplete", "waiting", "paid")
    assert [tuple(township[name] for name in columns) for township in shown] == [
        (
            name,
            len(homes),
            sum(h.outcome == "eligible" and h.number != others[0] for h in homes),
            sum(h.outcome == "refused" for h in homes),
            sum(h.outcome == "incomplete" for h in homes),
            sum(h.number == others[0] for h in homes),
            f"{sum(arrived.get(h.number, 0) for h in homes) / 100:.2f}",
        )
        for name in ("东镇", "西镇")
        if (homes := [h for h in HOMES if h.township == name])
    ]
    await story.may_not("E1", "overview", "FORBIDDEN", **P)
    why = await story.may("VC1", "why", household="H3", **P)
    assert (
        why["summary"] == "Not eligible; not met: The household left poverty in one of the years that the plan covers"
    )
    assert why["lines"][1]["misses"] == [
        {"what": "year of leaving poverty", "value": "2015", "needed": "2016–2019", "gap": "1 year"}
    ]
    assert (await new.operation("VC3", "why", household="H3", **P)).data["why"] is None
    story.wrong.add("why")
    year = await story.may("VC1", "household_year", household="H1", year=2021)
    (period,) = year["periods"]
    # If it is on the list at all, it stands first, and that payment came back.
    assert (year["paid"], year["due"]) == ("0.00", f"{paid.get('H1', 0) / 100:.2f}")
    assert period["title"] == "consolidation award for households that left poverty, plan year 2021"
    assert (await new.operation("VC3", "household_year", household="H1", year=2021)).data["householdYear"] is None
    story.wrong.add("household_year")
    left = await story.may("C1", "missed", **P)
    assert (left["missed"]["totalCount"], [t["applied"] for t in left["missedFigures"]]) == (0, [4, 1])
    await story.may_not("E1", "missed", "FORBIDDEN", **P)
    assert (await story.may("C1", "overpaid", **P))["overpaid"]["totalCount"] == 0
    await story.may_not("E1", "overpaid", "FORBIDDEN", **P)
    for name in ("export_missed", "export_overpaid", "export_register"):
        wanted_list = {"programme": "consolidation", **P, "reason": "核对"}
        put_in = await story.may("K1", name, **wanted_list)
        assert (await story.job("K1", put_in["job"]["id"]))["state"] == "DONE"
        await story.may_not("VC1", name, "FORBIDDEN", **wanted_list)
        await story.may_not("C1", name, "REASON_NEEDED", **{**wanted_list, "reason": " "})
    work = await story.may("C1", "worklist", **P, filter={"stage": ["accounting"]})
    assert {n["household"]["number"] for n in work["cases"]["nodes"]} == {"H4", others[0]}
    audit = await story.may("C1", "audit", filter={"action": "export_payments"})
    assert [(e["officer"]["number"], e["reason"]) for e in audit["nodes"]] == 2 * [("FI", "报送代发银行")]
    fetched = await story.may("C1", "audit", filter={"action": "fetch_file"})
    assert len(fetched["nodes"]) == 3

    # One number in full, for a reason, by who may.
    (person,) = (await new.ask("K1", '{ persons(filter: {name: "测1户主"}) { nodes { id } } }')).data["persons"][
        "nodes"
    ]
    asked_for: dict[str, Any] = {"id": person["id"], "which": "IDENTITY", "reason": "核对身份"}
    assert (await story.may("K1", "reveal_number", **asked_for))["value"] == identity(1)
    await story.may_not("C1", "reveal_number", "FORBIDDEN", **asked_for)

    # What is on record is sealed; whose duties do not allow reading it does not see where it ends.
    end = await story.may("C1", "audit_head")
    assert (end["number"], end["digest"], end["sealedAt"]) == (0, "0" * 64, None)
    assert await seal_off(new.world.database) == end["unsealed"] > 10
    end = await story.may("C1", "audit_head")
    assert end["unsealed"] == 0
    verified = await chain.verify(new.world.database, new.world.tenant.id, datetime.now(UTC))
    assert (end["number"], end["digest"]) == (verified.head.number, verified.head.digest.hex())
    await story.may_not("E1", "audit_head", "FORBIDDEN")

    # Reading, too, is for those whose duties allow it.
    await story.may_not("E1", "worklist", "FORBIDDEN", **P)
    for name in ("households", "notices", "audit"):
        await story.may_not("E1", name, "FORBIDDEN")
    await story.may("C1", "households")
    # Who holds an office: the keeper charges with duties and ends them, and lets an account in or not.
    duty = {"officer": "K2", "duty": "TOWNSHIP_CLERK", "area": str(T1), "until": "2022-01-01", "standsInFor": "K1"}
    await story.may_not("C1", "assign_duty", "FORBIDDEN", input=duty, reason="休假")
    made = (await story.may("R1", "assign_duty", input=duty, reason="休假"))["assignment"]
    assert (made["standsInFor"]["number"], made["until"]) == ("K1", "2022-01-01")
    ending = {"assignment": made["id"], "day": str(new.world.today + timedelta(days=1)), "reason": "已返岗"}
    await story.may_not("K2", "end_duty", "FORBIDDEN", **ending)
    await story.may("R1", "end_duty", **ending)
    for name in ("disable_officer", "enable_officer"):
        await story.may_not("C1", name, "FORBIDDEN", officer="K2", reason="离职")
        await story.may("R1", name, officer="K2", reason="离职")
    await story.may("C1", "officers")
    home = f"工号,姓名,职责,负责区划代码,起始日期,户编号\nHA,农户甲,农户,{V1},2020-01-01,H1\n"
    assert (await story.bring("R1", "officers", home))["state"] == "DONE"
    await story.may_not("HA", "officers", "FORBIDDEN")
    assert (await story.may("E1", "pairings"))["totalCount"] == 2
    await story.may_not("HA", "pairings", "FORBIDDEN")
    assert (await new.operation("VC1", "job", id=asked["job"]["id"])).data["node"] is None
    story.wrong.add("job")

    # How people and systems get in.
    await story.may_not("C1", "enrol_officer", "FORBIDDEN", officer="VC1")
    assert re.fullmatch(
        r"[A-Z0-9]{5}(-[A-Z0-9]{5}){3}", (await story.may("R1", "enrol_officer", officer="VC1"))["code"]
    )
    wanted = {"name": "前置机", "actions": ["READ_CASES"], "days": 30, "officer": "VC1"}
    await story.may_not("VC2", "issue_service_token", "FORBIDDEN", input=wanted)
    await story.may_not("R1", "issue_service_token", "FORBIDDEN", input={**wanted, "actions": ["KEEP_ACCOUNTS"]})
    token = await story.may("R1", "issue_service_token", input=wanted)
    await story.may_not("VC2", "revoke_service_token", "NOT_FOUND", id=token["id"])
    bare = split_id(token["id"])[1]
    for id_ in ("x", bare, encode_id("Person", bare)):
        await story.may_not("R1", "revoke_service_token", "NOT_FOUND", id=id_)
    await story.may("VC1", "revoke_service_token", id=token["id"])
    mine = (await new.operation("VC1", "logins")).data
    assert mine["loginSessions"] == []
    assert [(one["officer"], one["actions"], one["counts"]) for one in mine["serviceTokens"]] == [
        ("VC1", ["READ_CASES"], False)
    ]
    story.right.add("logins")
    assert (await new.operation("VC2", "logins")).data == {"loginSessions": [], "serviceTokens": []}
    story.wrong.add("logins")
    await story.may_not("VC2", "sign_out_everywhere", "FORBIDDEN", officer="VC1")
    await story.may("R1", "sign_out_everywhere", officer="VC1")
    assert (await new.operation("VC1", "viewer")).codes == ["UNAUTHENTICATED"]

    await _settings(story)

    # The programme is suspended, and gone from the schema.
    off = {"programme": "consolidation", "reason": "年度结束"}
    await story.may_not("K1", "switch_programme_off", "FORBIDDEN", **off)
    assert (await story.may("C1", "switch_programme_off", **off))["done"] is True
    assert (await story.may("C1", "viewer"))["programmes"] == []

    elsewhere = (
        {"follow_job"}
        | AWARDS
        | SCHOOLS
        | CIRCUMSTANCES
        | LEARNING
        | SUBSIDIES
        | MONTHS
        | PAIRING
        | PAPERS
        | FEDERATION
    )
    everyone = {path.stem for path in OPERATIONS.glob("*.graphql")} - elsewhere
    assert story.right == everyone
    assert story.wrong == everyone - {"viewer"}
