"""Writing: once for its key, only on what was seen, all or nothing; long work as jobs that can be followed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import text

from bangfu import jobs
from bangfu.cases import acts
from bangfu_graphql.acting import MOST
from tests.api.conftest import OPERATIONS, Answer, Served
from tests.county import ACCEPTED, FEBRUARY, MARCH, POSTED, SEPTEMBER, V1, ledger, roster

P: dict[str, Any] = {"period": "2021"}
IMPORT = (OPERATIONS / "import_workbook.graphql").read_text(encoding="utf-8")
PLAN = {"household": "H1", "facts": {"projects": ["SMALL_TRADE"]}}


async def planned(served: Served, key: str | None = None, **more: Any) -> Answer:
    headers = {"Idempotency-Key": key} if key is not None else None
    return await served.operation("L1", "plan", headers, **P, plans=[{**PLAN, **more}])


async def cases(served: Served) -> int:
    return int((await served.world.rows("select count(*) from case_file"))[0][0])


# --- once -----------------------------------------------------------------------------------------------------


async def test_the_same_request_with_its_key_gets_the_first_answer_again(served: Served) -> None:
    await served.day(FEBRUARY)
    first = await planned(served, "k1")
    assert first.data["planConsolidation"]["done"] == 1
    before = await served.snapshot()
    again = await planned(served, "k1")
    assert again.body == first.body
    assert again.response.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.response.headers
    assert await served.snapshot() == before
    # Without a key it is another request: the plan is there already.
    assert (await planned(served)).data["planConsolidation"]["unchanged"] == 1


async def test_a_key_is_not_for_two_requests(served: Served) -> None:
    await served.day(FEBRUARY)
    await planned(served, "k1")
    before = await served.snapshot()
    other = await served.operation("L1", "plan", {"Idempotency-Key": "k1"}, **P, plans=[{**PLAN, "household": "H2"}])
    assert [p["code"] for p in other.data["planConsolidation"]["problems"]] == ["KEY_REUSED"]
    assert await served.snapshot() == before
    # Another officer's key of the same text is another key.
    mine = await served.operation("L2", "plan", {"Idempotency-Key": "k1"}, **P, plans=[{**PLAN, "household": "H5"}])
    assert mine.data["planConsolidation"]["done"] == 1


async def test_a_refused_request_does_not_use_up_its_key(served: Served) -> None:
    await served.day(FEBRUARY)
    refused = await served.operation("L1", "plan", {"Idempotency-Key": "k1"}, period="1999", plans=[PLAN])
    assert [p["code"] for p in refused.data["planConsolidation"]["problems"]] == ["PERIOD_NOT_OPEN"]
    assert (await served.world.rows("select count(*) from answered_request"))[0][0] == 0
    assert (await planned(served, "k1")).data["planConsolidation"]["done"] == 1


async def test_an_act_that_is_refused_for_everybody_keeps_nothing_and_no_key(served: Served) -> None:
    await served.world.until("notice")
    await served.day(POSTED)
    chosen = {**P, "cases": {"households": ["H1"]}}
    early = await served.operation("A2", "accept_cases", {"Idempotency-Key": "k1"}, **chosen)
    assert early.data["acceptCases"]["changed"] is False
    assert [p["code"] for p in early.data["acceptCases"]["problems"]] == ["WRONG_STAGE"]
    posted = await served.operation("VC1", "post_notices", **P, cases={"everything": True})
    assert posted.data["postNotices"]["changed"] is True
    await served.day(ACCEPTED)
    accepted = await served.operation("A2", "accept_cases", {"Idempotency-Key": "k1"}, **chosen)
    assert accepted.data["acceptCases"]["changed"] is True


async def test_everything_means_what_is_at_the_acts_own_stages(served: Served) -> None:
    await served.world.until("notice")
    await served.day(POSTED)
    posted = (await served.operation("VC1", "post_notices", **P, cases={"divisions": [str(V1)]})).data["postNotices"]
    assert (posted["done"], posted["problems"]) == (2, [])  # H3 is refused, H4 incomplete: neither is at the notice
    again = (await served.operation("VC1", "post_notices", **P, cases={"everything": True})).data["postNotices"]
    assert (again["done"], [p["code"] for p in again["problems"]]) == (0, ["WRONG_STAGE"] * 2)


async def test_a_plan_is_corrected_on_the_version_that_was_seen(served: Served) -> None:
    await served.day(FEBRUARY)
    await planned(served)
    corrected = {**PLAN, "facts": {"projects": ["SMALL_LABOUR"]}}
    before = await served.snapshot()
    for version, code in ((7, "CONFLICT"), (1, None)):
        act = {"reason": "误录", "seen": [{"household": "H1", "version": version}]}
        payload = (await served.operation("L1", "plan", **P, plans=[corrected], act=act)).data["planConsolidation"]
        assert [p["code"] for p in payload["problems"]] == ([code] if code else [])
        assert payload["changed"] is (code is None)
        if code:
            assert await served.snapshot() == before


async def test_of_many_at_once_with_one_key_one_changes_something(served: Served) -> None:
    await served.day(FEBRUARY)
    answers = await asyncio.gather(*(planned(served, "k1") for _ in range(8)))
    assert {json.dumps(answer.body, sort_keys=True) for answer in answers} == {
        json.dumps(answers[0].body, sort_keys=True)
    }
    assert answers[0].data["planConsolidation"]["done"] == 1
    assert sum("Idempotency-Replayed" in answer.response.headers for answer in answers) == 7
    assert await cases(served) == 1


async def test_a_kept_answer_is_sealed_and_only_its_officers(served: Served) -> None:
    await served.day(FEBRUARY)
    await planned(served, "k1")
    who = served.world.who("L1")
    async with served.world.database.session(who.scope) as session:
        rows = (await session.execute(text("select officer_id, answer from answered_request"))).all()
    assert [row[0] for row in rows] == [who.actor.id]
    assert b"H1" not in rows[0][1]
    assert await served.world.rows("select 1 from answered_request") == []  # C1 sees none of it


@pytest.mark.parametrize("key", ["", "x" * 201, "line\tbreak"])
async def test_a_key_that_is_none_is_refused(served: Served, key: str) -> None:
    await served.day(FEBRUARY)
    answer = await planned(served, key)
    assert (answer.response.status_code, answer.codes) == (400, ["BAD_REQUEST"])
    assert await cases(served) == 0


async def test_an_upload_is_known_by_its_content(served: Served) -> None:
    body, key = ledger().encode(), {"Idempotency-Key": "u1"}
    first = await served.upload("R1", IMPORT, body, "账.csv", key, kind="INCOME")
    again = await served.upload("R1", IMPORT, body, "账.csv", key, kind="INCOME")
    assert again.body == first.body
    other = await served.upload("R1", IMPORT, body + b"\n", "账.csv", key, kind="INCOME")
    assert [p["code"] for p in other.data["importWorkbook"]["problems"]] == ["KEY_REUSED"]
    assert len(await jobs.waiting(served.world.database)) == 1


async def test_a_fault_in_the_middle_keeps_nothing(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    await served.day(FEBRUARY)
    before = await served.snapshot()

    async def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("secret")

    monkeypatch.setattr("bangfu_graphql.reading.Reader.list", broken)
    answer = await planned(served, "k1")  # the plan is written, then its payload cannot be read
    assert answer.codes == ["INTERNAL"]
    monkeypatch.undo()
    assert await served.snapshot() == before
    assert (await planned(served, "k1")).data["planConsolidation"]["done"] == 1


# --- only on what was seen ------------------------------------------------------------------------------------


async def test_who_decided_on_another_version_is_told_what_it_is_now(served: Served) -> None:
    await served.world.until("in_place")
    await served.day(MARCH)
    sign = {**P, "stage": "IN_PLACE", "cases": {"households": ["H1", "H2"]}}
    act = {"seen": [{"household": "H1", "version": 7}, {"household": "H2", "version": 1}]}
    payload = (await served.operation("L1", "sign", **sign, act=act)).data["signConsolidation"]
    assert (payload["done"], payload["refused"]) == (1, 1)
    assert [(p["household"], p["code"]) for p in payload["problems"]] == [("H1", "CONFLICT")]
    assert payload["conflicts"]["nodes"] == [{"version": 1, "stageCode": "in_place", "household": {"number": "H1"}}]
    assert [(c["household"]["number"], c["version"]) for c in payload["cases"]["nodes"]] == [("H2", 2)]
    act = {"seen": [{"household": "H1", "version": 1}]}
    payload = (await served.operation("L1", "sign", **sign | {"cases": {"households": ["H1"]}}, act=act)).data
    assert payload["signConsolidation"]["done"] == 1


async def test_of_many_acceptors_at_once_one_accepts(served: Served) -> None:
    await served.world.until("acceptance")
    await served.day(served.world.today)
    accept = {**P, "cases": {"households": ["H1"]}}
    answers = await asyncio.gather(*(served.operation("A2", "accept_cases", **accept) for _ in range(6)))
    payloads = [answer.data["acceptCases"] for answer in answers]
    assert sum(payload["done"] for payload in payloads) == 1
    assert {p["code"] for payload in payloads for p in payload["problems"]} <= {"CONFLICT", "WRONG_STAGE"}
    events = await served.world.rows("select count(*) from case_event where act = 'accept'")
    assert events[0][0] == 1


async def test_many_at_once_on_different_cases_all_succeed(served: Served) -> None:
    await served.world.until("acceptance")
    await served.day(served.world.today)
    answers = await asyncio.gather(
        *(served.operation("A2", "accept_cases", **P, cases={"households": [h]}) for h in ("H1", "H2", "H5"))
    )
    assert [answer.data["acceptCases"]["done"] for answer in answers] == [1, 1, 1]


# --- what is meant --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {"without": ["H1"]},
        {"everything": False},
        {"everything": True, "households": ["H1"]},
        {"households": ["H1"], "divisions": [str(V1)]},
        {"households": ["H1"] * (MOST + 1)},
    ],
)
async def test_nothing_is_never_everything(served: Served, chosen: dict[str, Any]) -> None:
    await served.day(POSTED)
    before = await served.snapshot()
    answer = await served.operation("VC1", "post_notices", **P, cases=chosen)
    assert answer.codes == ["BAD_USER_INPUT"]
    assert await served.snapshot() == before


async def test_an_empty_list_of_households_is_nobody(served: Served) -> None:
    await served.world.until("notice")
    await served.day(POSTED)
    payload = (await served.operation("VC1", "post_notices", **P, cases={"households": []})).data["postNotices"]
    assert (payload["done"], payload["refused"], payload["problems"]) == (0, 0, [])


async def test_a_bulk_act_names_what_it_refused_and_does_the_rest(served: Served) -> None:
    await served.world.until("notice")
    await served.day(POSTED)
    chosen = {"households": ["H1", "H2", "H3", "H7", "H99"], "without": ["H2"]}
    payload = (await served.operation("VC1", "post_notices", **P, cases=chosen)).data["postNotices"]
    assert payload["done"] == 1
    assert {p["household"]: p["code"] for p in payload["problems"]} == {
        "H3": "WRONG_STAGE", "H7": "NOT_FOUND", "H99": "NOT_FOUND", "H2": "NOT_FOUND",
    }  # fmt: skip


async def test_papers_typed_in_for_somebody_else(served: Served) -> None:
    await served.world.until("accounting")
    await served.world.account()
    await served.day(POSTED)
    sign = {**P, "stage": "ACCOUNTING", "cases": {"households": ["H1"]}}
    paper = {"day": "2021-09-30", "by": "L1"}
    refused = (await served.operation("K1", "sign", **sign, act=paper)).data["signConsolidation"]
    assert [p["code"] for p in refused["problems"]] == ["EVIDENCE_NEEDED"]
    signed = (await served.operation("K1", "sign", **sign, act={**paper, "evidence": "核算表"})).data
    assert signed["signConsolidation"]["done"] == 1
    unknown = (await served.operation("K1", "sign", **sign, act={**paper, "by": "X9"})).data["signConsolidation"]
    assert [p["code"] for p in unknown["problems"]] == ["OFFICER_UNKNOWN"]
    (row,) = await served.world.rows(
        "select o.number, r.number, e.evidence, e.effective_on from case_event e"
        " join officer o on o.id = e.officer_id join officer r on r.id = e.recorded_by where e.act = 'sign:accounting'"
    )
    assert (row[0], row[1], row[2], row[3].isoformat()) == ("L1", "K1", "核算表", "2021-09-30")


async def test_problems_are_in_the_callers_language(served: Served) -> None:
    await served.day(POSTED)
    chosen = {"cases": {"households": ["H99"]}}
    for language, message in (("zh-CN,zh;q=0.9", "找不到:H99"), ("en-GB", "Not found: H99.")):
        headers = {"Accept-Language": language}
        answer = await served.operation("VC1", "post_notices", headers, **P, **chosen)
        assert [p["message"] for p in answer.data["postNotices"]["problems"]] == [message]


# --- jobs -----------------------------------------------------------------------------------------------------


async def events(served: Served, number: str, id: str) -> AsyncIterator[dict[str, Any]]:
    """The events of a job's stream; the stream must say that it is complete."""
    document = (OPERATIONS / "follow_job.graphql").read_text(encoding="utf-8")
    headers = served.headers(number, Accept="text/event-stream")
    body = {"query": document, "variables": {"id": id}}
    kind = ""
    async with served.client.stream("POST", served.url, json=body, headers=headers) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        async for line in response.aiter_lines():
            if line.startswith("event:"):
                kind = line.removeprefix("event:").strip()
            elif line.startswith("data:") and kind == "next":
                yield json.loads(line.removeprefix("data:"))
    assert kind == "complete"


async def followed(served: Served, number: str, id: str) -> list[dict[str, Any]]:
    return [event["data"]["jobProgress"] async for event in events(served, number, id)]


async def test_an_import_is_followed_to_its_end(served: Served) -> None:
    await served.day(SEPTEMBER)
    asked = await served.upload("R1", IMPORT, ledger().encode(), "收入台账.csv", kind="INCOME")
    job = asked.data["importWorkbook"]["job"]
    assert (job["kind"], job["state"]) == ("income", "QUEUED")
    following = asyncio.ensure_future(followed(served, "R1", job["id"]))
    await asyncio.sleep(0.1)
    assert await served.work() == 1
    seen = await asyncio.wait_for(following, 20)
    assert seen[0]["state"] in ("QUEUED", "RUNNING")
    assert (seen[-1]["state"], seen[-1]["done"], seen[-1]["total"]) == ("DONE", 24, 24)


async def test_a_stream_of_what_is_not_in_sight_ends_at_once(served: Served) -> None:
    asked = await served.upload("R1", IMPORT, ledger().encode(), "收入台账.csv", kind="INCOME")
    assert await followed(served, "VC1", asked.data["importWorkbook"]["job"]["id"]) == []
    assert await followed(served, "R1", "nonsense") == []


async def test_bad_rows_come_back_in_the_workbook(served: Served) -> None:
    spoilt = roster().replace("2017", "1o17")
    asked = await served.upload("R1", IMPORT, spoilt.encode(), "花名册.csv", kind="HOUSEHOLDS")
    before = await served.world.snapshot()
    assert await served.work() == 1
    job = (await served.operation("R1", "job", id=asked.data["importWorkbook"]["job"]["id"])).data["node"]
    assert (job["state"], job["imported"]["badRows"]) == ("REFUSED", 2)
    assert [p["code"] for p in job["problems"]] == ["ROWS_REFUSED", "BAD_VALUE", "BAD_VALUE"]
    assert await served.world.snapshot() == before
    got = await served.client.get(served.address + job["file"]["path"], headers=served.headers("R1"))
    assert got.status_code == 200
    assert got.headers["content-type"] == "text/csv; charset=utf-8"
    lines = got.text.splitlines()
    assert lines[0].endswith("导入问题 Problems")
    assert "1o17" in lines[1]
    assert len(lines[1].rsplit(",", 1)[1]) > 5


async def test_a_file_that_is_too_large_or_no_workbook(served: Served) -> None:
    before = await served.snapshot()
    answer = await served.upload("R1", IMPORT, b"x" * (20 * 1024 * 1024 + 1), "大.csv", kind="INCOME")
    assert [p["code"] for p in answer.data["importWorkbook"]["problems"]] == ["FILE_TOO_LARGE"]
    assert await served.snapshot() == before
    assert await jobs.waiting(served.world.database) == []
    asked = await served.upload("R1", IMPORT, b"\x00\x01\x02", "坏.xlsx", kind="INCOME")
    assert await served.work() == 1
    job = (await served.operation("R1", "job", id=asked.data["importWorkbook"]["job"]["id"])).data["node"]
    assert (job["state"], [p["code"] for p in job["problems"]]) == ("REFUSED", ["FILE_UNREADABLE"])


async def test_a_file_comes_in_a_form_or_not_at_all(served: Served) -> None:
    for file in ("x", 1, {"name": "x"}):
        answer = await served.ask("R1", IMPORT, input={"kind": "INCOME", "file": file})
        assert answer.codes == ["BAD_USER_INPUT"]
    assert await jobs.waiting(served.world.database) == []


async def test_the_pages_of_a_whole_document_are_bounded(served: Served) -> None:
    deep = "households(first: 100) { nodes { income(first: 90) { nodes { item } } } }"
    assert "errors" not in (await served.ask("C1", f"{{ a: {deep} b: {deep} }}")).body
    assert (await served.ask("C1", f"{{ a: {deep} b: {deep} c: {deep} }}")).codes == ["TOO_LARGE"]


@pytest.mark.parametrize(
    ("instant", "taken"),
    [
        ("2021-01-01T00:00:00+08:00", True), ("2021-01-01T00:00:00.5Z", True), ("2021-01-01t00:00:00z", True),
        ("2021-W01-1T00:00:00+08:00", False), ("2021-01-01 00:00:00+08:00", False), ("2021-01-01T00:00+08:00", False),
        ("2021-01-01T00:00:00+08:00:30", False), ("20210101T000000Z", False), ("2021-01-01T00:00:00", False),
    ],
)  # fmt: skip
async def test_an_instant_is_rfc_3339(standing: Served, instant: str, taken: bool) -> None:
    answer = await standing.ask("C1", "query($at: DateTime) { audit(filter: {since: $at}) { totalCount } }", at=instant)
    assert ("errors" not in answer.body) is taken


async def test_a_worker_that_died_is_followed_by_another(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    await served.world.until("accounting")
    await served.day(served.world.today)
    asked = (await served.operation("C1", "account_county", **P)).data["accountCounty"]["job"]
    real = acts.account_cases

    async def dies(*_: Any, **__: Any) -> Any:
        raise asyncio.CancelledError

    monkeypatch.setattr("bangfu.cases.batch.account_cases", dies)
    with pytest.raises(asyncio.CancelledError):
        await served.work()
    monkeypatch.setattr("bangfu.cases.batch.account_cases", real)
    assert [waiting.officer for waiting in await jobs.waiting(served.world.database)] == ["C1"]
    assert await served.work() == 1
    job = (await served.operation("C1", "job", id=asked["id"])).data["node"]
    assert (job["state"], job["accounted"]) == ("DONE", {"done": 8, "unchanged": 0, "refused": 0})
    assert await jobs.waiting(served.world.database) == []


async def test_a_worker_learns_of_jobs_and_of_nothing_in_them(served: Served) -> None:
    await served.upload("R1", IMPORT, ledger().encode(), "收入台账.csv", kind="INCOME")
    (waiting,) = await jobs.waiting(served.world.database)
    assert (waiting.tenant, waiting.officer) == ("990201", "R1")
    async with served.world.database.unscoped() as connection:
        found = await connection.execute(text("select * from jobs_waiting(now())"))
        assert list(found.keys()) == ["tenant", "officer", "job", "created_at"]
        # Its looking round leaves no scope behind: the same transaction still sees no row.
        assert (await connection.execute(text("select count(*) from job"))).scalar() == 0
