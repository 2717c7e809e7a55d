"""The awards beside the consolidation through the API: what they need besides, as who may and as who may not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest

from bangfu.cases import acts
from bangfu.cases.views import Selection, Stated
from bangfu.vault import Vault
from tests.api.conftest import Served, serving
from tests.api.test_story import AWARDS, EVERYTHING, Told
from tests.county import POSTED, T1, T2, V1, V2, Statements, clean
from tests.striving import EXIT, LEADING, STARS, Striving

PROJECTS = {"projects": ["SMALL_BREEDING"]}
LEADS = {"modes": ["PROJECT"], "entity": "NONE"}


@pytest.fixture
async def awards(striving: Striving, vault: Vault) -> AsyncIterator[Served]:
    """The server over the county with the four awards."""
    await striving.invite()
    async with serving(striving.database, vault, striving) as made:
        await made.day(striving.today)
        yield made


class Chapter(Told):
    """Tells what becomes of one award."""

    def __init__(self, served: Served, striving: Striving, programme: str, period: str = "2021") -> None:
        super().__init__(served)
        self.striving, self.programme, self.period = striving, programme, period
        striving.on(programme, period)

    async def day(self, day: date) -> None:
        await self.served.day(day)

    def of(self, *homes: str, **act: Any) -> dict[str, Any]:
        """Some households of this award, and what is said of the act."""
        chosen = {"programme": self.programme, "period": self.period, "cases": {"households": list(homes)}}
        return {**chosen, **({"act": act} if act else {})}

    def own(self, *homes: str, **more: Any) -> dict[str, Any]:
        """The same, for an operation of the award's own."""
        return {"period": self.period, "cases": {"households": list(homes)}, **more}

    async def stage(self, number: str, name: str, **variables: Any) -> dict[str, str]:
        """Carry an act out and show where its cases are."""
        payload = await self.may(number, name, **variables)
        return {node["household"]["number"]: node["stageCode"] for node in payload["cases"]["nodes"]}


def chapters(*told: Told) -> tuple[set[str], set[str]]:
    """What was told in chapters, as who may and as who may not."""
    return set().union(*(one.right for one in told)) & AWARDS, set().union(*(one.wrong for one in told)) & AWARDS


async def planned_exit(served: Served, striving: Striving) -> Told:
    """P1 comes to its first instalment; others go the other ways out."""
    story = Chapter(served, striving, EXIT)
    await story.day(date(2021, 2, 10))
    plans = [{"household": home, "facts": PROJECTS} for home in ("P1", "P2", "P4")]
    await story.may_not("W1", "plan_planned_exit", "NOT_YOUR_DUTY", period="2021", plans=plans)
    await story.may_not("L2", "plan_planned_exit", "NOT_FOUND", period="2021", plans=plans)
    assert await story.stage("L1", "plan_planned_exit", period="2021", plans=plans) == {
        "P1": "in_place", "P2": "in_place", "P4": "in_place",
    }  # fmt: skip

    # A plan is sent back with what is wrong with it, and corrected.
    marks = [{"fact": "projects", "note": "应为小种植"}]
    await story.may_not("W1", "ask_to_correct_cases", "NOT_YOUR_DUTY", **story.of("P4"), marks=marks)
    await story.may_not("VC2", "ask_to_correct_cases", "NOT_FOUND", **story.of("P4"), marks=marks)
    await story.may_not("L1", "ask_to_correct_cases", "MARKS_NEEDED", **story.of("P4"), marks=[])
    await story.may_not("L1", "ask_to_correct_cases", "MARKS_NEEDED", **story.of("P4"), marks=[*marks, *marks])
    strange = [{"fact": "standing", "note": "不符"}]
    await story.may_not("L1", "ask_to_correct_cases", "STATED_NOT_ALLOWED", **story.of("P4"), marks=strange)
    sent = await story.may("L1", "ask_to_correct_cases", **story.of("P4"), marks=marks)
    (case,) = sent["cases"]["nodes"]
    assert (case["stageCode"], case["marked"]) == (
        "plan", [{"fact": "projects", "title": "planned projects", "note": "应为小种植"}],
    )  # fmt: skip
    corrected = [{"household": "P4", "facts": {"projects": ["SMALL_PLANTING"]}}]
    await story.may("L1", "plan_planned_exit", period="2021", plans=corrected, act={"reason": "按要求更正"})
    marked = await served.ask("C1", '{ cases(filter: {household: ["P4"]}) { nodes { marked { note } stageCode } } }')
    assert marked.data["cases"]["nodes"] == [{"marked": [], "stageCode": "in_place"}]

    # A case rests: nothing is done with it, whatever is asked for; then it goes on.
    await story.may_not("L1", "pause_cases", "NOT_YOUR_DUTY", **story.of("P2", reason="外出"))
    await story.may_not("K2", "pause_cases", "NOT_FOUND", **story.of("P2", reason="外出"))
    await story.may_not("K1", "pause_cases", "REASON_NEEDED", **story.of("P2"))
    rested = await story.may("K1", "pause_cases", **story.of("P2", reason="外出务工"))
    assert [case["pausedOn"] for case in rested["cases"]["nodes"]] == ["2021-02-10"]
    await story.day(date(2021, 2, 26))
    await story.may_not("L1", "sign_planned_exit", "CASE_PAUSED", **story.own("P2", stage="IN_PLACE"))
    await story.may_not("VC1", "sign_planned_exit", "NOT_YOUR_DUTY", **story.own("P1", stage="IN_PLACE"))
    await story.may_not("L1", "resume_cases", "NOT_YOUR_DUTY", **story.of("P2", reason="返乡"))
    await story.may_not("C1", "resume_cases", "NOT_PAUSED", **story.of("P1", reason="返乡"))
    everything = {"programme": EXIT, "period": "2021", "cases": EVERYTHING, "act": {"reason": "返乡"}}
    resumed = await story.may("C1", "resume_cases", **everything)  # of everything, what rests is meant
    assert [(case["household"]["number"], case["pausedOn"]) for case in resumed["cases"]["nodes"]] == [("P2", None)]
    assert (await story.may("C1", "resume_cases", **everything))["done"] == 0

    # A signature is taken back by who gave it, and given again.
    signed = await story.stage("L1", "sign_planned_exit", **story.own("P1", "P2", "P4", stage="IN_PLACE"))
    assert set(signed.values()) == {"verification"}
    await story.may_not("K1", "undo_cases", "NOT_YOURS_TO_UNDO", **story.of("P1", reason="误签"))
    await story.may_not("L2", "undo_cases", "NOT_FOUND", **story.of("P1", reason="误签"))
    assert await story.stage("L1", "undo_cases", **story.of("P1", reason="误签")) == {"P1": "in_place"}
    await story.may_not("L1", "undo_cases", "NOT_UNDOABLE", **story.of("P1", reason="再撤"))
    await story.stage("L1", "sign_planned_exit", **story.own("P1", stage="IN_PLACE"))

    # One is stopped by its verification, one withdrawn by its cadre.
    await story.day(date(2021, 3, 20))
    await story.may_not("K1", "stop_cases", "NOT_YOUR_DUTY", **story.of("P2"), finding="项目未实施")
    await story.may_not("W1", "stop_cases", "FINDING_NEEDED", **story.of("P2"), finding="")
    assert await story.stage("W1", "stop_cases", **story.of("P2"), finding="项目未实施") == {"P2": "stopped"}
    await story.may_not("VC1", "withdraw_cases", "NOT_YOUR_DUTY", **story.of("P4", reason="放弃"))
    await story.may_not("L1", "withdraw_cases", "REASON_NEEDED", **story.of("P4"))
    assert await story.stage("L1", "withdraw_cases", **story.of("P4", reason="放弃")) == {"P4": "withdrawn"}

    # The first part of the award is due when the notice has stood its time.
    computed = await story.may("C1", "account_cases", **story.of("P1"))
    assert computed["done"] == 1
    for number in ("L1", "W1", "VC1", "B1"):
        await story.may(number, "sign_planned_exit", **story.own("P1", stage="VERIFICATION"))
    clean(await striving.act("VC1", acts.post, Selection(numbers=["P1"])))
    await story.day(date(2021, 3, 24))
    await story.may_not("VC1", "conclude_notices", "NOTICE_OPEN", **story.of("P1"))
    await story.day(date(2021, 3, 25))
    await story.may_not("L1", "conclude_notices", "NOT_YOUR_DUTY", **story.of("P1"))
    concluded = await story.may("VC1", "conclude_notices", programme=EXIT, period="2021", cases=EVERYTHING)
    (case,) = concluded["cases"]["nodes"]
    assert (case["stageCode"], case["awards"]) == ("payment_1", [{"instalment": 1, "amount": "1440.00"}])

    # Who holds what: the batch is made by the county office, which the first officer of a county belongs to as well.
    held = (await served.operation("C1", "waiting", period="2021")).data["plannedExit"]
    assert held["waitingByTownship"] == [
        {"code": str(T1), "name": "东镇", "waiting": 1, "overdue": 0, "paused": 0},
    ]
    (waits,) = held["waiting"]["nodes"]
    assert (waits["household"], waits["stageCode"], waits["waitsFor"]) == ("P1", "payment_1", ["COUNTY_OFFICE"])
    assert [one["number"] for one in waits["officers"]] == ["C1", "C2", "C3", "R1"]
    story.right.add("waiting")
    await story.may_not("E1", "waiting", "FORBIDDEN", period="2021")
    refused = await served.operation("C1", "waiting", period="2021", duty=None)
    assert refused.codes == ["BAD_USER_INPUT"]
    return story


async def test_an_award_in_instalments_and_every_way_out_of_its_course(awards: Served, striving: Striving) -> None:
    await planned_exit(awards, striving)


async def five_star(served: Served, striving: Striving) -> Told:
    """甲村 selects one of nine within its quota of one."""
    story = Chapter(served, striving, STARS, "2021Q1")
    await story.day(date(2021, 3, 20))
    plans = [{"household": home, "facts": {"stars": ["CLEAN"]}} for home in ("P1", "H1", "H2")]
    await story.may_not("L1", "plan_five_star", "NOT_YOUR_DUTY", period="2021Q1", plans=plans)
    await story.may("VC1", "plan_five_star", period="2021Q1", plans=plans)
    await story.may("C1", "account_cases", **story.of("P1", "H1", "H2"))
    await story.may_not("B1", "sign_five_star", "NOT_YOUR_DUTY", **story.own("P1", stage="ASSESSMENT"))
    for number in ("VC1", "W1"):
        await story.may(number, "sign_five_star", **story.own("P1", "H1", "H2", stage="ASSESSMENT"))

    await story.may_not("W1", "select_cases", "NOT_YOUR_DUTY", **story.of("P1"), selected=True)
    await story.may_not("VC2", "select_cases", "NOT_FOUND", **story.of("P1"), selected=True)
    await story.may_not("VC1", "select_cases", "QUOTA_EXCEEDED", **story.of("P1", "H1"), selected=True)
    assert await story.stage("VC1", "select_cases", **story.of("P1"), selected=True) == {"P1": "notice"}
    await story.may_not("VC1", "select_cases", "QUOTA_EXCEEDED", **story.of("H1"), selected=True)
    assert await story.stage("VC1", "select_cases", **story.of("H1", "H2"), selected=False) == {
        "H1": "not_selected", "H2": "not_selected",
    }  # fmt: skip

    # 甲村 has nine registered households, 乙村 three; 20 % of them is one, and nobody.
    found = (await served.operation("K1", "quotas", period="2021Q1")).data["fiveStar"]
    assert (found["firstDay"], found["lastDay"]) == ("2021-01-01", "2021-03-31")
    assert found["quotas"] == [
        {"code": str(V1), "name": "甲村", "base": 9, "quota": 1, "selected": 1},
        {"code": str(V2), "name": "乙村", "base": 3, "quota": 0, "selected": 0},
    ]
    story.right.add("quotas")
    # A linked cadre sees single households and would count those alone; another township's clerk sees its villages.
    assert (await served.operation("L1", "quotas", period="2021Q1")).data["fiveStar"]["quotas"] == []
    west = (await served.operation("K2", "quotas", period="2021Q1", division=str(T1))).data["fiveStar"]["quotas"]
    assert west == []
    await story.may_not("E1", "quotas", "FORBIDDEN", period="2021Q1")
    return story


async def test_a_village_selects_within_its_quota(awards: Served, striving: Striving) -> None:
    await five_star(awards, striving)


async def leading(served: Served, striving: Striving) -> Told:
    """G1 leads three households, each of which says so."""
    story = Chapter(served, striving, LEADING)
    await story.day(date(2021, 9, 20))
    plan = {"household": "G1", "facts": LEADS, "participants": {"led": ["P1", "P2", "P6"]}}
    await story.may_not("L1", "plan_leading", "NOT_YOUR_DUTY", period="2021", plans=[plan])
    for led, code in (
        ([], "PARTICIPANTS_NEEDED"), (["P1", "P1"], "PARTICIPANTS_NEEDED"), (["G1"], "PARTICIPANTS_NEEDED"),
        (["P5"], "NOT_FOUND"), (["X9"], "NOT_FOUND"),
    ):  # fmt: skip
        wrong = {**plan, "participants": {"led": led}}
        await story.may_not("VC1", "plan_leading", code, period="2021", plans=[wrong])
    planned = await story.may("VC1", "plan_leading", period="2021", plans=[plan])
    assert [(one["role"], one["household"]["number"]) for one in planned["cases"]["nodes"][0]["participants"]] == [
        ("led", "P1"), ("led", "P2"), ("led", "P6"),
    ]  # fmt: skip
    again = await story.may("VC1", "plan_leading", period="2021", plans=[plan])
    assert (again["done"], again["unchanged"]) == (0, 1)

    of = {"programme": LEADING, "period": "2021", "applicant": "G1"}
    said = {**of, "household": "P1", "agreed": True, "evidence": "签字表"}
    await story.may_not("L1", "answer_for_participant", "NOT_YOUR_DUTY", **said)
    await story.may_not("VC2", "answer_for_participant", "NOT_FOUND", **said)
    await story.may_not("E1", "answer_for_participant", "FORBIDDEN", **said)
    await story.may_not("VC1", "answer_for_participant", "EVIDENCE_NEEDED", **{**said, "evidence": ""})
    await story.may_not("VC1", "answer_for_participant", "NOT_FOUND", **{**said, "household": "P3"})
    await story.may_not("VC1", "answer_for_participant", "DAY_IN_FUTURE", **said, day="2021-09-21")
    found = {**of, "household": "P1", "vouched": True}
    await story.may_not("VC1", "vouch_for_participant", "NOT_YOUR_DUTY", **found)
    await story.may_not("L2", "vouch_for_participant", "NOT_FOUND", **found)
    await story.may_not("K1", "vouch_for_participant", "EVIDENCE_NEEDED", **found, by="L1")
    (first, *_) = asked = (await story.may("L1", "to_answer", period="2021"))["toAnswer"]
    assert first == {
        "household": "P1", "village": "甲村", "title": "led household", "applicant": "G1", "signature": False,
        "word": True, "deadline": first["deadline"],
    }  # fmt: skip
    assert [one["household"] for one in asked] == ["P1", "P2", "P6"]
    asked = (await story.may("VC1", "to_answer", period="2021"))["toAnswer"]
    assert [(one["household"], one["signature"], one["word"]) for one in asked] == [
        (home, True, False) for home in ("P1", "P2", "P6")
    ]
    for other in ("VC2", "L2", "C1"):
        assert (await story.may(other, "to_answer", period="2021"))["toAnswer"] == []
    await story.may_not("E1", "to_answer", "FORBIDDEN", period="2021")
    for home in ("P1", "P2", "P6"):
        await story.may("VC1", "answer_for_participant", **{**said, "household": home})
        told = await story.may("L1", "vouch_for_participant", **{**found, "household": home})
    assert [(one["agreed"], one["vouched"]) for one in told["case"]["participants"]] == [(True, True)] * 3
    for number in ("VC1", "L1"):
        assert (await story.may(number, "to_answer", period="2021"))["toAnswer"] == []

    await story.day(date(2021, 10, 1))
    await story.may("C1", "account_cases", **story.of("G1"))
    await story.may_not("B1", "sign_leading", "NOT_YOUR_DUTY", **story.own("G1", stage="VERIFICATION"))
    for number in ("VC1", "W1"):
        await story.may(number, "sign_leading", **story.own("G1", stage="VERIFICATION"))
    clean(await striving.act("VC1", acts.post, Selection(numbers=["G1"])))
    await story.day(date(2021, 10, 9))
    # Where the plan asks for an acceptance a notice is not concluded; a sample of nothing is passed by.
    await story.may_not("VC1", "conclude_notices", "WRONG_STAGE", **story.of("G1"))
    assert await story.stage("A2", "accept_cases", **story.of("G1")) == {"G1": "payment"}
    shown = await served.ask(
        "C1",
        """{ leading(period: "2021") { cases { nodes {
             determination { stage payable facts { led entity } findings { award } } awards { amount instalment } }
           } } }""",
    )
    assert shown.data["leading"]["cases"]["nodes"] == [
        {
            "determination": {
                "stage": "VERIFICATION", "payable": "2000.00", "facts": {"led": 3, "entity": "NONE"},
                "findings": {"award": "2000.00"},
            },
            "awards": [{"amount": "2000.00", "instalment": 1}],
        }
    ]  # fmt: skip
    return story


async def test_who_leads_is_paid_for_those_who_say_so(awards: Served, striving: Striving) -> None:
    await leading(awards, striving)


async def test_every_operation_of_the_awards_is_told(awards: Served, striving: Striving) -> None:
    told: list[Told] = []
    minimum = [{"value": 1, "since": "2021-01-01", "clause": "一"}]
    tiers = [{"value": [{"start": 2, "amount": "1500.00"}], "since": "2021-01-01", "clause": "一"}]
    shares = [{"value": ["50.00", "30.00", "20.00"], "since": "2021-01-01", "clause": "一"}]
    for chapter, name, parameters in (
        (five_star, "draft_five_star_provision", {"quotaMinimum": minimum}),
        (planned_exit, "draft_planned_exit_provision", {"perCapitaAward": [{**minimum[0], "value": "1300.00"}]}),
        (leading, "draft_leading_provision", {"tiers": tiers}),
    ):
        one = await chapter(awards, striving)
        document = {
            "title": "补充规定", "number": "测政办〔2021〕9号", "issuedOn": "2021-01-10", "parameters": parameters,
        }  # fmt: skip
        await one.may_not("A1", name, "FORBIDDEN", input=document)
        draft = await one.may("C1", name, input=document)
        assert draft["provision"]["state"] == "DRAFT", draft
        told.append(one)
    one = Told(awards)
    listed = (await awards.operation("L1", "programmes")).data["programmes"]
    one.right |= {"programmes", "clauses"}
    told.append(one)
    locked = {
        "title": "补充规定", "number": "测政办〔2021〕10号", "issuedOn": "2021-01-10",
        "parameters": {"instalments": shares},
    }  # fmt: skip
    await one.may_not("C1", "draft_planned_exit_provision", "PARAMETER_LOCKED", input=locked)
    by_code = {own["code"]: own for own in listed}
    assert by_code[LEADING]["roles"] == [
        {"code": "led", "title": "led household", "signs": True, "vouchedBy": "LINKED_CADRE"}
    ]
    assert [(own["of"], own["role"], own["span"], own["switchedOffBy"]) for own in by_code[LEADING]["claims"]] == [
        ("PARTICIPANT", "led", "YEAR", "one_leader_per_led")
    ]
    assert [(own["programme"], own["span"]) for own in by_code[EXIT]["excludes"]] == [("consolidation", "YEAR")]
    assert [own["programme"] for own in by_code["consolidation"]["excludes"]] == [EXIT]
    assert sorted(own["programme"] for own in by_code[STARS]["stacks"]) == ["consolidation", EXIT]
    assert by_code[STARS]["periods"] == ["2021Q1", "2021Q2"]
    right, wrong = chapters(*told)
    assert right == AWARDS
    assert wrong == AWARDS - {"programmes", "clauses"}


CAPPED = {
    "title": "测试县2021年调整办法",
    "number": "测政办〔2021〕9号",
    "issued": date(2021, 9, 1),
    "parameters": {"household_cap": [{"since": date(2020, 10, 1), "value": "2000.00", "clause": "二"}]},
}

# --- reading --------------------------------------------------------------------------------------------------

PARTS = """query($first: Int, $after: String) { leading(period: "2021") { cases(first: $first, after: $after) { nodes {
  participants { id role title agreed agreedOn agreedEvidence agreedBy { number } vouched vouchedOn vouchedEvidence
    vouchedBy { number } joinedAt leftAt household { number head { person { name } } } case { id } }
} } } }"""


async def test_who_takes_part_is_read_in_as_many_statements_for_one_case_as_for_two(
    awards: Served, striving: Striving
) -> None:
    striving.on(LEADING, today=date(2021, 9, 20))
    clean(await striving.apply("G1", "P1", "P2", "P6"))
    clean(await striving.apply("G2", "P3", "H3"))
    clean(await striving.apply("G1", "P1", "P2", "P4", reason="更正"))  # P6 takes part no more
    await striving.answer("VC1", "G1", "P1")
    await striving.vouch("L1", "G1", "P1", vouched=False)
    await awards.day(date(2021, 9, 20))

    async def read(number: str, **variables: Any) -> tuple[int, list[Any]]:
        with Statements(striving.database) as seen:
            answer = await awards.ask(number, PARTS, **variables)
        return len(seen), [case["participants"] for case in answer.data["leading"]["cases"]["nodes"]]

    one, first = await read("C1", first=1)
    both, (led, others) = await read("C1", first=2)
    assert one == both
    assert first == [led]
    assert [(own["household"]["number"], own["agreed"], own["vouched"]) for own in led] == [
        ("P1", True, False), ("P2", None, None), ("P4", None, None),
    ]  # fmt: skip
    assert [own["household"]["number"] for own in others] == ["H3", "P3"]
    assert (led[0]["role"], led[0]["title"], led[0]["agreedEvidence"]) == ("led", "led household", "签字表")
    assert (led[0]["agreedBy"], led[0]["vouchedBy"]) == ({"number": "VC1"}, {"number": "L1"})
    assert (led[0]["agreedOn"], led[0]["vouchedOn"], led[0]["leftAt"]) == ("2021-09-20", "2021-09-20", None)
    # Each is found again by its id, by who sees the village, and by nobody else.
    node = "query($id: ID!) { node(id: $id) { __typename id } }"
    for number, sees in (("C1", True), ("VC1", True), ("VC2", False), ("K2", False)):
        found = (await awards.ask(number, node, id=led[0]["id"])).data["node"]
        assert found == ({"__typename": "Participant", "id": led[0]["id"]} if sees else None), number
        _, shown = await read(number, first=2)
        assert bool(shown) is sees


async def test_who_holds_what_is_paged_and_filtered(awards: Served, striving: Striving) -> None:
    striving.on(EXIT, today=date(2021, 2, 10))
    for home in ("P1", "P2", "P3"):
        clean(await striving.plan_exit(home))
    clean(await striving.plan_exit("P5", "L2"))
    await awards.day(date(2021, 2, 26))
    striving.today = date(2021, 2, 26)
    clean(await striving.sign("L1", "in_place", "P1"))
    clean(await striving.correct("K1", "pause", "P3", stated=Stated(reason="外出")))
    await awards.day(date(2021, 3, 10))

    async def waiting(number: str, **asked: Any) -> tuple[int, list[str], Any]:
        answer = (await awards.operation(number, "waiting", period="2021", **asked)).data["plannedExit"]
        page = answer["waiting"]
        townships = [
            (own["name"], own["waiting"], own["overdue"], own["paused"]) for own in answer["waitingByTownship"]
        ]
        return page["totalCount"], [own["household"] for own in page["nodes"]], townships

    assert await waiting("C1") == (4, ["P1", "P2", "P3", "P5"], [("东镇", 4, 3, 1)])
    assert await waiting("C1", overdue=True) == (3, ["P2", "P3", "P5"], [("东镇", 3, 3, 1)])
    assert await waiting("C1", overdue=False) == (1, ["P1"], [("东镇", 1, 0, 0)])
    assert await waiting("C1", paused=True) == (1, ["P3"], [("东镇", 1, 1, 1)])
    assert await waiting("C1", duty="LINKED_CADRE") == (3, ["P1", "P2", "P5"], [("东镇", 3, 2, 0)])
    assert await waiting("C1", duty="WORK_TEAM", division=str(V1)) == (1, ["P1"], [("东镇", 1, 0, 0)])
    assert await waiting("C1", division=str(T2)) == (0, [], [])
    assert await waiting("VC2") == (1, ["P5"], [("东镇", 1, 1, 0)])
    assert await waiting("K2") == (0, [], [])
    first = (await awards.operation("C1", "waiting", period="2021", first=3)).data["plannedExit"]["waiting"]
    assert first["pageInfo"]["hasNextPage"] is True
    after = first["pageInfo"]["endCursor"]
    assert await waiting("C1", first=3, after=after) == (4, ["P5"], [("东镇", 4, 3, 1)])
    for bad in ({"after": "x"}, {"first": 101}, {"first": -1}, {"overdue": None}, {"division": None}):
        answer = await awards.operation("C1", "waiting", period="2021", **bad)
        assert answer.codes[0] == "BAD_USER_INPUT", bad
    found = (await awards.ask("C1", "query($id: ID!) { node(id: $id) { ... on Case { programme } } }",
                              id=first["nodes"][0]["caseId"])).data["node"]  # fmt: skip
    assert found == {"programme": EXIT}


async def test_stages_say_what_is_done_at_them_and_by_whom(awards: Served) -> None:
    asked = """{ %s(period: "%s") { year firstDay lastDay referenceDay stages { code kind duties accounts answers returnsTo
      quota { rate minimum counted } instalment { number count share } } } }"""
    found = (await awards.ask("C1", asked % ("plannedExit", "2021"))).data["plannedExit"]
    assert (found["year"], found["firstDay"], found["lastDay"]) == (2021, "2021-01-01", "2021-12-31")
    assert [(own["code"], own["kind"], own["accounts"], own["returnsTo"]) for own in found["stages"]] == [
        ("plan", "PLAN", False, None),
        ("in_place", "VERIFICATION", False, None),
        ("verification", "VERIFICATION", True, None),
        ("notice", "NOTICE", False, "verification"),
        ("payment_1", "PAYMENT", False, "verification"),
        ("continuing", "VERIFICATION", False, None),
        ("payment_2", "PAYMENT", False, "continuing"),
        ("final", "VERIFICATION", True, None),
        ("payment_3", "PAYMENT", False, "final"),
    ]
    assert [own["instalment"] for own in found["stages"] if own["instalment"]] == [
        {"number": 1, "count": 3, "share": "30.00"},
        {"number": 2, "count": 3, "share": "40.00"},
        {"number": 3, "count": 3, "share": "30.00"},
    ]
    found = (await awards.ask("C1", asked % ("fiveStar", "2021Q2"))).data["fiveStar"]
    assert (found["year"], found["firstDay"], found["lastDay"]) == (2021, "2021-04-01", "2021-06-30")
    (selects,) = [own for own in found["stages"] if own["kind"] == "SELECTION"]
    assert selects["duties"] == ["VILLAGE_COMMITTEE"]
    assert selects["quota"] == {"rate": "20.00", "minimum": 0, "counted": ["left poverty", "poor"]}
    found = (await awards.ask("C1", asked % ("leading", "2021"))).data["leading"]
    answering = {own["code"]: (own["answers"], own["duties"]) for own in found["stages"] if own["answers"]}
    assert answering == {"verification": ("led", ["WORK_TEAM", "VILLAGE_COMMITTEE"])}
    (pays,) = [own for own in found["stages"] if own["kind"] == "PAYMENT"]
    assert (pays["instalment"], pays["duties"]) == (
        {"number": 1, "count": 1, "share": None}, ["COUNTY_OFFICE", "FUND_MANAGER", "FINANCE"],
    )  # fmt: skip


async def test_a_document_is_previewed_for_a_township_with_cases(served: Served) -> None:
    await served.world.until("in_place")
    await served.day(POSTED)
    await served.world.draft(CAPPED, previewed=False)
    (own, _) = (await served.ask("K1", "{ provisions { nodes { id state } } }")).data["provisions"]["nodes"]
    assert own["state"] == "DRAFT"
    found = (await served.operation("K1", "provision_preview", id=own["id"], period="2021")).data["provisionPreview"]
    assert [one["after"] for one in found["changes"]] == ["2,000.00 yuan"]
    figures = {
        "cases": 6, "eligibleBefore": 3, "eligibleAfter": 3, "amountBefore": "6700.00", "amountAfter": "5500.00",
        "gain": 0, "lose": 2, "undecided": 1,
    }  # fmt: skip
    assert found["townships"] == [{"code": str(T1), "name": "东镇", "figures": figures}]
    assert found["total"] == figures
    for other in ("x", "UHJvdmlzaW9uOng=", own["id"][:-4]):
        answer = await served.operation("K1", "provision_preview", id=other, period="2021")
        assert answer.data == {"provisionPreview": None}


async def test_every_clause_says_how_far_it_is_carried_out(awards: Served) -> None:
    found = (await awards.operation("C1", "clauses")).data["programmes"]
    leading = next(own["clauses"] for own in found if own["code"] == "leading")
    assert [(own["clause"], own["state"]) for own in leading] == [
        ("二(四)1", "CARRIED_OUT"), ("二(四)2", "CARRIED_OUT"), ("二(四)3", "CARRIED_OUT"), ("二(四)4", "CARRIED_OUT"),
        ("三2", "LEFT_OUT"), ("四(一)", "LEFT_OUT"), ("四(二)", "IN_PART"), ("四(三)", "CARRIED_OUT"), ("四(四)", "LEFT_OUT"),
    ]  # fmt: skip
    assert leading[2] == {
        "document": "2021年脱贫奋进计划实施方案",
        "clause": "二(四)3",
        "heading": "奖补标准",
        "state": "CARRIED_OUT",
        "carriedOutBy": [
            {
                "kind": "CRITERION",
                "name": "leads_enough",
                "title": "The led households that reach the standard are as many as the lowest tier asks for",
            },
            {"kind": "AMOUNT", "name": "award", "title": "The award of the highest tier that is reached"},
            {"kind": "PARAMETER", "name": "tiers", "title": "award by how many were led"},
        ],
        "leftOut": None,
        "missing": None,
    }
    assert (leading[6]["leftOut"] or "").startswith("Publicity, technical guidance, jobs and training are")
