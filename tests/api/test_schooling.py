"""Where persons go to school through the API: a school sees and confirms its own roll, the county settles what lists say
otherwise, everybody as who may and as who may not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bangfu.vault import Vault
from tests.api.conftest import Served, serving
from tests.api.test_story import IMPORT, SCHOOLS, Told
from tests.county import T1, T2, V1, World
from tests.schools import (
    COLLEGE,
    LATER,
    OCTOBER,
    ONE,
    ORGANIZATIONS,
    SEPTEMBER,
    STAFF,
    TWO,
    WEST,
    confirmed,
    listed,
)


@pytest.fixture
async def county(world: World, vault: Vault) -> AsyncIterator[Served]:
    """The server over the county with two schools, in October."""
    world.today = OCTOBER
    for kind, data in (("organizations", ORGANIZATIONS), ("officers", STAFF)):
        assert (await world.bring(kind, data, "R1")).state == "done"
    async with serving(world.database, vault, world) as made:
        await made.day(OCTOBER)
        yield made


async def test_a_school_and_the_county_at_work(county: Served) -> None:
    story = Told(county)

    # The bureau's list: first what it would change, then for good.
    roll = listed(
        {}, {"证件号码": WEST, "姓名": "测7户主", "学籍号": "Z002"},
        {"证件号码": TWO, "姓名": "测1配偶", "学籍号": "Y001", "学校信用代码": COLLEGE, "就读学校": "测试职业学院"},
    )  # fmt: skip
    before = await county.snapshot()
    kept = ("file", "job", "audit_entry")
    job = await story.bring("ED", "schooling", roll, asOf=str(SEPTEMBER), dryRun=True)
    assert [(one["what"], one["new"]) for one in job["imported"]["tallies"]] == [("student", 3)]
    after = await county.snapshot()
    assert {table for table in before if before[table] != after[table]} <= set(kept)
    assert (await story.bring("ED", "schooling", roll, asOf=str(SEPTEMBER)))["state"] == "DONE"
    for number in ("S1", "VC1"):
        answer = await county.upload(number, IMPORT, roll.encode(), "roll.csv", kind="SCHOOLING")
        assert [problem["code"] for problem in answer.data["importWorkbook"]["problems"]] == ["FORBIDDEN"]

    # A school sees its own roll and no other, whoever asks; where its students live, it does not learn.
    async def numbers(number: str, **filter: Any) -> list[str]:
        page = await story.may(number, "schooling", filter=filter)
        assert page["totalCount"] == len(page["nodes"])
        return [node["studentNumber"] for node in page["nodes"]]

    assert (await numbers("S1"), await numbers("S2"), await numbers("ED")) == (
        ["Z001", "Z002"], ["Y001"], ["Y001", "Z001", "Z002"],
    )  # fmt: skip
    assert (await numbers("K1"), await numbers("K2")) == (["Y001", "Z001"], ["Z002"])
    assert (await numbers("S1", level="HIGHER_VOCATIONAL"), await numbers("S1", studentNumber=["z002", "Y001"])) == (
        [], ["Z002"],
    )  # fmt: skip
    assert (await numbers("S1", division=str(V1)), await numbers("ED", division=str(V1))) == ([], ["Y001", "Z001"])
    assert (await county.ask("S1", "{ persons { totalCount } }")).codes == ["FORBIDDEN"]
    whose = await county.ask("S1", "{ schooling(orderBy: STUDENT_NUMBER) { nodes { name organization { name } } } }")
    assert [(one["name"], one["organization"]["name"]) for one in whose.data["schooling"]["nodes"]] == [
        ("测1户主", "测试职业中学"), ("测7户主", "测试职业中学"),
    ]  # fmt: skip
    await story.may_not("FIRM", "schooling", "FORBIDDEN")

    # It confirms by number; one of another school is as unknown as one of nobody.
    assert await numbers("S1", proved=False, on=str(OCTOBER)) == ["Z001", "Z002"]
    await story.may_not("S1", "confirm_schooling", "NOT_FOUND", numbers=["Y001"])
    await story.may_not("ED", "confirm_schooling", "FORBIDDEN", numbers=["Z001"])
    await story.may_not("S1", "confirm_schooling", "BAD_USER_INPUT", numbers=["Z001"], everything=True)
    await story.may_not("S1", "confirm_schooling", "BAD_USER_INPUT")
    payload = await story.may("S1", "confirm_schooling", numbers=["Z001"], on=str(LATER))
    assert (payload["done"], payload["unchanged"], payload["refused"]) == (1, 0, 0)
    both = (await county.operation("S1", "confirm_schooling", numbers=["Z001", "X999"], on=str(LATER))).data
    assert (both["confirmSchooling"]["unchanged"], both["confirmSchooling"]["changed"]) == (1, False)
    assert [(one["code"], one["path"]) for one in both["confirmSchooling"]["problems"]] == [
        ("NOT_FOUND", ["numbers", "1"])
    ]
    assert (await story.may("S1", "confirm_schooling", everything=True, without=["Z001"]))["done"] == 1
    assert await numbers("S1", proved=False, on=str(OCTOBER)) == []

    # Its workbook: one has left.
    gone = confirmed(("Z002", "测7户主", "", "", "离校", "2021-10-08"))
    assert (await story.bring("S1", "school_confirmation", gone))["state"] == "DONE"
    there = await story.may("ED", "schooling", filter={"studentNumber": ["Z002"], "on": str(OCTOBER)})
    assert there["nodes"] == []

    # What a family's paper says otherwise is a task; so is another name.
    other = listed(年级="二年级", 学段="高职", 姓名="张三")
    assert (await story.bring("K1", "schooling", other, asOf=str(OCTOBER)))["state"] == "DONE"
    west = listed({"证件号码": WEST, "姓名": "李四"})
    assert (await story.bring("ED", "schooling", west))["state"] == "DONE"
    page = await story.may("ED", "discrepancies")
    assert [(node["person"]["number"], node["source"], node["reportedOn"]) for node in page["nodes"]] == [
        ("H1-01", "FAMILY", "2021-10-08"), ("H7-01", "BUREAU", "2021-10-08"),
    ]  # fmt: skip
    task, theirs = page["nodes"]
    assert task["differences"] == [
        {"field": "NAME", "known": "测1户主", "reported": "张三"},
        {"field": "LEVEL", "known": "secondary vocational", "reported": "higher vocational"},
        {"field": "GRADE", "known": "1", "reported": "2"},
    ]
    assert (await story.may("K2", "discrepancies"))["nodes"] == [theirs]
    assert (await story.may("C1", "discrepancies", filter={"division": str(T1), "kind": "SCHOOLING"}))["nodes"] == [
        task
    ]
    await story.may_not("S1", "discrepancies", "FORBIDDEN")
    counted = {"townshipCode": str(T1), "open": 1}, {"townshipCode": str(T2), "open": 1}
    assert await story.may("C1", "discrepancy_counts") == list(counted)
    assert await story.may("K2", "discrepancy_counts", kind="SCHOOLING") == [counted[1]]
    await story.may_not("S1", "discrepancy_counts", "FORBIDDEN")

    # Settled once, with a reason, by whoever may and sees it.
    deciding = {"id": task["id"], "accept": True}
    await story.may_not("K2", "settle_discrepancy", "NOT_FOUND", **deciding, reason="核实")
    await story.may_not("VC1", "settle_discrepancy", "FORBIDDEN", **deciding, reason="核实")
    await story.may_not("K1", "settle_discrepancy", "REASON_NEEDED", **deciding, reason=" ")
    settled = (await story.may("K1", "settle_discrepancy", **deciding, reason="见毕业证"))["discrepancy"]
    assert (settled["accepted"], settled["reason"]) == (True, "见毕业证")
    await story.may_not("ED", "settle_discrepancy", "CONFLICT", **deciding, reason="核实")
    now = (await story.may("K1", "schooling", filter={"studentNumber": ["Z001"], "on": str(OCTOBER)}))["nodes"]
    assert [(one["level"], one["grade"], one["source"], one["name"]) for one in now] == [
        ("HIGHER_VOCATIONAL", 2, "FAMILY", "张三")
    ]
    assert [node["id"] for node in (await story.may("C1", "discrepancies"))["nodes"]] == [theirs["id"]]
    assert (await story.may("C1", "discrepancies", filter={"open": False}))["nodes"][0]["settledBy"]["name"] == "经办东"

    assert story.right - {"import_workbook", "job"} == SCHOOLS
    assert story.wrong == SCHOOLS
    assert ONE not in str(page)
