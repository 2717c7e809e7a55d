"""Circumstances of persons through the API: lists, one person by hand, and what is read of them as it holds and as it was
known, everybody as who may and as who may not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest

from bangfu.vault import Vault
from tests.api.conftest import Served, serving
from tests.api.test_story import CIRCUMSTANCES, IMPORT, Told
from tests.core.test_circumstances import JULY, JUNE, OCTOBER, invited, listed
from tests.core.test_registry import people, sheet
from tests.county import T1, V1, V2, Statements, World
from tests.schools import NOBODY, ONE, TWO, WEST


@pytest.fixture
async def county(world: World, vault: Vault) -> AsyncIterator[Served]:
    """The server over the county with its bureaux, in October."""
    world.today = OCTOBER
    await invited(world)
    async with serving(world.database, vault, world) as made:
        await made.day(OCTOBER)
        yield made


SAW = ("K1", "K2", "C1", "R1", "CA", "DF", "VC1", "W1", "B1", "A1", "AU")
DID_NOT = ("L1", "FI", "FM", "SU", "ED", "IF", "E1", "HA")
JOBS = """{ jobs(first: 50) { nodes {
  kind imported { badRows tallies { what new changed same examples { what field before after } } }
  problems { code path message }
} } }"""
"""What is asked of jobs, by whoever sees them."""


async def nobody_learns_of_jobs_what_he_may_not(county: Served, numbers: list[str], words: list[str]) -> None:
    """Whoever may not see circumstances sees that there was a list, and how many it named; whom, nobody of them."""
    for number in DID_NOT:
        told = str((await county.ask(number, JOBS)).body)
        assert [word for word in (*numbers, *words, "'examples': [{") if word in told] == [], number


async def test_what_a_list_says_of_persons_is_told_of_its_job_to_who_may_know(county: Served) -> None:
    """The changes, what somebody has to settle, and the rows with problems; how many there are, everybody who sees jobs."""
    story = Told(county)
    await story.bring("DF", "certificates", listed("certificates"), asOf=str(JUNE))
    raised = listed("certificates", {"残疾等级": "一级"}, {"证件号码": TWO, "姓名": "张三"})
    await story.bring("DF", "certificates", raised, asOf=str(JULY))
    # A row that cannot be is told of to who may know, and everybody else that there is one.
    refused = await county.upload(
        "DF", IMPORT, listed("certificates", {}, {"残疾等级": "三级"}).encode(), "list.csv", kind="CERTIFICATES"
    )
    assert refused.data["importWorkbook"]["problems"] == []
    assert await county.work() == 1

    async def shown(number: str) -> list[Any]:
        nodes = (await county.ask(number, JOBS)).data["jobs"]["nodes"]
        return [node for node in nodes if node["kind"] == "certificates"][:2]

    duplicate, changes = await shown("DF")
    assert [(one["code"], one["path"]) for one in duplicate["problems"]] == [
        ("ROWS_REFUSED", []), ("DUPLICATE_ROW", ["rows", "3", "identity"]),
    ]  # fmt: skip
    assert [(one["what"], one["examples"]) for one in changes["imported"]["tallies"]] == [
        ("certificate", [{"what": "H1-01", "field": "level", "before": "2", "after": "1"}]),
        ("discrepancy", [{"what": "H1-02", "field": "name", "before": "测1配偶", "after": "张三"}]),
    ]
    seen = {number: jobs for number in DID_NOT if number not in ("E1", "HA") and (jobs := await shown(number))}
    assert sorted(seen) == ["ED", "FI", "FM", "IF", "SU"]  # who has the whole county; a cadre sees jobs of his areas
    for own, blank in seen.values():
        assert [(one["code"], one["path"]) for one in own["problems"]] == [("ROWS_REFUSED", [])]
        assert own["imported"]["badRows"] == 1
        assert [tuple(one.values()) for one in blank["imported"]["tallies"]] == [
            ("certificate", 0, 1, 0, []), ("discrepancy", 1, 0, 0, []),
        ]  # fmt: skip
    await nobody_learns_of_jobs_what_he_may_not(county, ["H1-01", "H1-02"], ["张三", "测1配偶", "identity"])


async def test_the_bureaux_and_the_townships_at_work(county: Served) -> None:
    story = Told(county)

    # The federation's list: first what it would change, then for good; nobody else brings it.
    data = listed("certificates", {"残疾人证号": f"{ONE}42"}, {"证件号码": WEST})
    before = await county.snapshot()
    job = await story.bring("DF", "certificates", data, asOf=str(JUNE), dryRun=True)
    assert [(one["what"], one["new"]) for one in job["imported"]["tallies"]] == [("certificate", 2)]
    after = await county.snapshot()
    assert {table for table in before if before[table] != after[table]} <= {"file", "job", "audit_entry"}
    for number in ("CA", "ED", "VC1", "FI", "AU", "E1"):
        answer = await county.upload(number, IMPORT, data.encode(), "list.csv", kind="CERTIFICATES")
        assert [problem["code"] for problem in answer.data["importWorkbook"]["problems"]] == ["FORBIDDEN"]
    assert await county.snapshot() == after
    assert (await story.bring("DF", "certificates", data, asOf=str(JUNE)))["state"] == "DONE"

    # Who may sees those of the own area, and nobody else sees any.
    async def persons(number: str, **filter: Any) -> list[str]:
        page = await story.may(number, "circumstances", filter=filter)
        assert page["totalCount"] == len(page["nodes"])
        return sorted(node["person"]["number"] for node in page["nodes"])

    found = {number: await persons(number) for number in SAW}
    assert found == {
        **{number: ["H1-01", "H7-01"] for number in ("C1", "R1", "CA", "DF", "AU")}, "K2": ["H7-01"],
        **{number: ["H1-01"] for number in ("K1", "VC1", "W1", "B1", "A1")},
    }  # fmt: skip
    for number in DID_NOT:
        await story.may_not(number, "circumstances", "FORBIDDEN")
        await story.may_not(number, "person_circumstances", "FORBIDDEN", numbers=["H1-01"])
    await nobody_learns_of_jobs_what_he_may_not(county, ["H1-01", "H7-01"], [ONE, WEST, "测1户主", "测7户主"])
    ((node,),) = [(await story.may("VC1", "circumstances"))["nodes"]]
    assert {name: value for name, value in node.items() if name not in ("id", "knownSince")} == {
        "kind": "CERTIFICATE", "person": {"number": "H1-01", "name": "测1户主"}, "divisionCode": str(V1), "level": 2,
        "category": "LIMBS", "generation": 2, "numberMasked": f"{ONE[:3]}{'*' * 15}42", "className": "",
        "source": "FEDERATION", "reportedOn": str(JUNE), "evidence": "certificates.csv", "since": "2015-03-02",
        "until": "2025-03-02", "knownUntil": None,
    }  # fmt: skip

    # A township writes down what it knows; where the federation says otherwise, that is a task.
    said = {"person": "H1-02", "kind": "CUSTODY", "since": "2021-05-04"}
    told: dict[str, Any] = {"reason": "家属告知", "evidence": "证明 1 号"}
    made = await story.may("K1", "record_circumstance", input=said, **told)
    assert (made["circumstance"]["kind"], made["circumstance"]["source"], made["discrepancy"]) == (
        "CUSTODY", "OFFICE", None,
    )  # fmt: skip
    again = await county.operation("K1", "record_circumstance", input=said, **told)
    assert (again.data["recordCircumstance"]["changed"], again.data["recordCircumstance"]["circumstance"]) == (
        False, made["circumstance"],
    )  # fmt: skip
    for number, code in (
        ("K2", "NOT_FOUND"), ("VC1", "FORBIDDEN"), ("FI", "FORBIDDEN"), ("AU", "FORBIDDEN"), ("E1", "FORBIDDEN"),
    ):  # fmt: skip
        await story.may_not(number, "record_circumstance", code, input=said, **told)
    await story.may_not("CA", "record_circumstance", "NOT_YOUR_DUTY", input={**said, "kind": "CERTIFICATE"}, **told)
    await story.may_not("K1", "record_circumstance", "EVIDENCE_NEEDED", input=said, reason="家属告知")
    await story.may_not("K1", "record_circumstance", "DAY_IN_FUTURE", input={**said, "since": "2022-01-01"}, **told)
    raised = {
        "person": "H1-01", "kind": "CERTIFICATE", "since": "2021-09-01", "level": 1, "category": "LIMBS",
        "generation": 2,
    }  # fmt: skip
    task = (await story.may("K1", "record_circumstance", input=raised, **told))["discrepancy"]
    assert task["differences"] == [{"field": "LEVEL", "known": "2", "reported": "1"}]
    assert await persons("K1", level=1) == []

    # It is told of to who may know of circumstances, and settled by who may bring the list.
    for number, count in (("K1", 1), ("DF", 1), ("AU", 1), ("K2", 0), ("FI", 0), ("ED", 0), ("L1", 0)):
        page = (await county.operation(number, "discrepancies")).data["discrepancies"]
        assert (page["totalCount"], len(page["nodes"])) == (count, count), number
        counts = (await county.operation(number, "discrepancy_counts")).data["discrepancyCounts"]
        assert counts == ([{"townshipCode": str(T1), "open": 1}] if count else []), number
    for number, code in (("CA", "NOT_YOUR_DUTY"), ("ED", "NOT_FOUND"), ("K2", "NOT_FOUND"), ("K1", "SAME_PERSON")):
        before = await county.snapshot()
        refused = await county.operation(number, "settle_discrepancy", id=task["id"], accept=True, reason="核实")
        assert [one["code"] for one in refused.data["settleDiscrepancy"]["problems"]] == [code]
        assert await county.snapshot() == before
    await county.day(date(2021, 10, 9))
    settled = await county.operation("DF", "settle_discrepancy", id=task["id"], accept=True, reason="已换证")
    assert settled.data["settleDiscrepancy"]["problems"] == []
    assert await persons("K1", level=1) == ["H1-01"]

    # As it holds, and as it was known: before it was settled, nobody knew of the first level.
    assert await persons("K1", validOn="2021-08-31", level=2) == ["H1-01"]
    assert await persons("K1", validOn="2021-09-01", level=2) == []
    instant = "2021-10-08T23:59:59+08:00"
    assert await persons("K1", validOn="2021-09-01", knownAt=instant, kind="CERTIFICATE") == ["H1-01"]
    past = (await story.may("K1", "circumstances", filter={"level": 2, "validOn": "2021-09-01", "knownAt": instant}))[
        "nodes"
    ]
    assert [(one["id"], one["level"], one["knownUntil"] is None) for one in past] == [(node["id"], 2, False)]
    assert await persons("K1", knownAt="2021-10-07T23:59:59+08:00") == []

    # He was released.
    gone = {"person": "H1-02", "kind": "CUSTODY", "on": "2021-09-01"}
    ended = (await story.may("C1", "end_circumstance", **gone, **told))["circumstance"]
    assert (ended["since"], ended["until"]) == ("2021-05-04", "2021-09-01")
    await story.may_not("W1", "end_circumstance", "FORBIDDEN", **gone, **told)
    await story.may_not("K2", "end_circumstance", "NOT_FOUND", **gone, **told)
    await story.may_not("K1", "end_circumstance", "NOT_FOUND", **{**gone, "kind": "MOVED_AWAY", **told})
    shown = await story.may("K1", "person_circumstances", numbers=["H1-01", "H1-02"])
    assert {one["number"]: [own["kind"] for own in one["circumstances"]] for one in shown["nodes"]} == {
        "H1-01": ["CERTIFICATE", "CERTIFICATE"], "H1-02": ["CUSTODY"],
    }  # fmt: skip
    assert ONE not in str(past)

    assert story.right - {"import_workbook", "job"} == CIRCUMSTANCES
    assert story.wrong == CIRCUMSTANCES


async def test_whom_a_whole_list_leaves_out_is_a_task(county: Served) -> None:
    story = Told(county)
    full = listed("minimum_living", {}, {"证件号码": TWO})
    assert (await story.bring("CA", "minimum_living", full, asOf=str(JUNE)))["state"] == "DONE"
    none = listed("minimum_living", {"证件号码": NOBODY})
    job = await story.bring("CA", "minimum_living", none, asOf=str(JULY), whole=True, dryRun=True)
    expected = [("not in the register", 0), ("not on the list", 2)]
    assert sorted((one["what"], one["new"]) for one in job["imported"]["tallies"]) == expected
    assert (await county.operation("CA", "discrepancies")).data["discrepancies"]["totalCount"] == 0
    await story.bring("CA", "minimum_living", none, asOf=str(JULY), whole=True)
    nodes = (await county.operation("CA", "discrepancies")).data["discrepancies"]["nodes"]
    assert [(one["kind"], one["person"]["number"], one["source"], one["differences"]) for one in nodes] == [
        ("MINIMUM_LIVING", number, "CIVIL_AFFAIRS", [{"field": "LISTED", "known": "yes", "reported": "no"}])
        for number in ("H1-01", "H1-02")
    ]
    before = await county.snapshot()
    for kind, data in (("DEATHS", listed("deaths")), ("HOUSEHOLDS", "户编号")):
        answer = await county.upload("R1", IMPORT, data.encode(), "list.csv", kind=kind, whole=True)
        assert [(one["code"], one["path"]) for one in answer.data["importWorkbook"]["problems"]] == [
            ("BAD_VALUE", ["whole"])
        ]
    assert await county.snapshot() == before


async def test_circumstances_cost_the_same_statements_whatever_their_number(county: Served) -> None:
    counted = []
    for numbers in ((ONE,), (ONE, TWO, WEST)):
        data = listed("minimum_living", *({"证件号码": number} for number in numbers))
        assert (await Told(county).bring("CA", "minimum_living", data, asOf=str(JUNE)))["state"] == "DONE"
        with Statements(county.world.database) as statements:
            page = (await county.operation("C1", "circumstances")).data["circumstances"]
            listed_ = (await county.operation("C1", "person_circumstances", numbers=["H1-01", "H1-02", "H7-01"])).data
        assert (page["totalCount"], len(listed_["persons"]["nodes"])) == (len(numbers), 3)
        counted.append(len(statements))
    assert counted[0] == counted[1]


async def test_who_moves_takes_what_is_known_of_him_along(county: Served) -> None:
    await Told(county).bring("CA", "minimum_living", listed("minimum_living"), asOf=str(JUNE))
    moved = sheet([{**row, "行政村": "乙村"} for row in people("H1")])
    assert (await Told(county).bring("R1", "households", moved))["state"] == "DONE"
    for number, count in (("VC1", 0), ("VC2", 1)):
        page = (await county.operation(number, "circumstances")).data["circumstances"]
        assert (page["totalCount"], [one["divisionCode"] for one in page["nodes"]]) == (count, [str(V2)] * count)
