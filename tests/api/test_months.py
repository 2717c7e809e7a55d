"""What is paid every month through the API: decided for everybody and for some, previewed, told month by month,
verified again and carried over; as who may and as who may not."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest

from bangfu.vault import Vault
from tests.api.conftest import Answer, Served, serving
from tests.api.test_reading import counted
from tests.api.test_story import ENTERPRISE, MONTHS, Told
from tests.county import ORGANIZATIONS
from tests.subsidies import CARE, CARED, LIVING, Subsidies

OF: dict[str, Any] = {"programme": CARE, "period": "2021"}


@pytest.fixture
async def monthly(subsidies: Subsidies, vault: Vault) -> AsyncIterator[Served]:
    """The server over the county in which three persons are paid every month, in the middle of January."""
    for kind, data in (("organizations", ORGANIZATIONS), ("officers", ENTERPRISE)):
        assert (await subsidies.bring(kind, data, "R1")).state == "done"
    await subsidies.granted()
    await subsidies.fund()
    async with serving(subsidies.database, vault, subsidies) as made:
        await made.day(date(2021, 1, 10))
        yield made


async def job(story: Told, id: str) -> dict[str, Any]:
    """Let the worker run, and look at a job."""
    assert await story.served.work() == 1
    answer = await story.served.operation("C1", "job", id=id)
    found: dict[str, Any] = answer.data["node"]
    return found


async def decided(story: Told, month: int, **more: Any) -> dict[str, Any]:
    """Have a month decided; what it came to."""
    asked = await story.may("C1", "decide_month", **OF, month=month, **more)
    done = await job(story, asked["job"]["id"])
    assert (done["state"], done["problems"], done["accounted"]) == ("DONE", [], None)
    result: dict[str, Any] = done["month"]
    return result


async def paid(served: Served, month: int) -> dict[str, Any]:
    """Make, check and release a batch of what is due up to a month; the batch."""
    query = "{ budgetLines { nodes { id } } }"
    (line,) = (await served.ask("C1", query)).data["budgetLines"]["nodes"]
    made = (await served.operation("C2", "make_batch", **OF, line=line["id"], month=month)).data["makeBatch"]
    assert made["problems"] == []
    for number, name in (("FM", "check_batch"), ("FI", "release_batch")):
        (payload,) = (await served.operation(number, name, id=made["batch"]["id"])).data.values()
        assert payload["problems"] == []
    batch: dict[str, Any] = made["batch"]
    return batch


async def months_of(served: Served, number: str, who: str = "C1", **more: Any) -> list[dict[str, Any]]:
    """The months of a person."""
    answer = await served.operation(who, "case_months", **OF, person=number, **more)
    (case,) = answer.data["cases"]["nodes"]
    found: list[dict[str, Any]] = case["months"]
    return found


def lines(month: dict[str, Any]) -> list[tuple[Any, ...]]:
    """The lines of a month, as far as a test looks at them."""
    return [tuple(line[name] for name in ("kind", "amount", "paid", "setOff", "batch")) for line in month["lines"]]


def counts(result: dict[str, Any]) -> tuple[int, int, int, int]:
    """The counts of a job that decided a month."""
    return result["decided"], result["changed"], result["unchanged"], result["refused"]


async def known(subsidies: Subsidies, number: str, level: int, since: date, on: date) -> None:
    """It becomes known on a day that a person has been of a level for some time."""
    subsidies.today = on
    await subsidies.holds(number, "certificate", since, level=level, generation=2)


async def test_every_operation_of_months_is_told(monthly: Served, subsidies: Subsidies) -> None:
    story = Told(monthly)

    # January: previewed, decided, previewed again; who makes no batches decides no months.
    preview: dict[str, Any] = {**OF, "month": 1}
    before = await monthly.snapshot()
    found = (await monthly.operation("K1", "month_preview", **preview)).data
    story.right.add("month_preview")
    assert await monthly.snapshot() == before
    assert found["monthPreviewFigures"] == [
        {
            "code": "990201101000", "name": "东镇", "cases": 2, "decided": 2, "changed": 0, "refused": 0,
            "due": "170.00", "more": "0.00", "less": "0.00",
        }
    ]  # fmt: skip
    assert found["monthPreview"]["totalCount"] == 2
    assert [(node["number"], node["difference"]) for node in found["monthPreview"]["nodes"]] == [
        ("D1-01", "100.00"), ("D1-02", "70.00"),
    ]  # fmt: skip
    assert found["monthPreview"]["nodes"][0]["months"] == [
        {
            "year": 2021, "month": 1, "was": None, "now": "100.00", "difference": "100.00", "outcome": "ELIGIBLE",
            "withheld": None,
        }
    ]  # fmt: skip
    await story.may_not("DF1", "month_preview", "MONTH_NOT_BEGUN", **{**preview, "month": 2})
    await story.may_not("E1", "month_preview", "FORBIDDEN", **preview)
    for number in ("K1", "FM"):
        await story.may_not(number, "decide_month", "NOT_YOUR_DUTY" if number == "FM" else "FORBIDDEN", **preview)
    await story.may_not("C1", "decide_month", "MONTH_NOT_BEGUN", **{**preview, "month": 2})
    await story.may_not("C1", "decide_month", "BAD_VALUE", **{**preview, "month": 13})
    assert await decided(story, 1) == {
        "decided": 3, "changed": 0, "unchanged": 0, "refused": 0, "arrears": "0.00", "recovery": "0.00",
    }  # fmt: skip
    found = (await monthly.operation("C1", "month_preview", **preview)).data
    assert (found["monthPreview"]["totalCount"], found["monthPreview"]["nodes"]) == (0, [])
    assert (await paid(monthly, 1))["total"] == "240.00"

    # February, in which it becomes known that D1-02 has been of the first level since January.
    await known(subsidies, "D1-02", 1, date(2021, 1, 1), date(2021, 2, 1))
    await monthly.day(date(2021, 2, 10))
    found = (await monthly.operation("C1", "month_preview", **{**OF, "month": 2})).data["monthPreview"]
    assert [
        [(own["month"], own["was"], own["now"], own["difference"]) for own in node["months"]] for node in found["nodes"]
    ] == [
        [(2, None, "100.00", "100.00")],
        [(1, "70.00", "100.00", "30.00"), (2, None, "100.00", "100.00")],
        [(2, None, "70.00", "70.00")],
    ]  # fmt: skip
    some: dict[str, Any] = {**OF, "month": 2, "numbers": ["D1-02", "D9-99"], "reason": "提级"}
    await story.may_not("C1", "decide_month_for", "REASON_NEEDED", **{**some, "reason": " "})
    await story.may_not("FM", "decide_month_for", "NOT_YOUR_DUTY", **some)
    await story.may_not("C1", "decide_month_for", "NOT_FOUND", **{**some, "numbers": ["D9-99"]})
    payload = (await monthly.operation("C1", "decide_month_for", **some)).data["decideMonthFor"]
    assert (payload["done"], payload["unchanged"], payload["refused"]) == (1, 0, 1)
    assert [(one["code"], one["household"]) for one in payload["problems"]] == [("NOT_FOUND", "D9-99")]
    assert [(one["number"], one["due"], one["paid"]) for one in payload["cases"]["nodes"][0]["months"]] == [
        (1, "100.00", "70.00"), (2, "100.00", "0.00"),
    ]  # fmt: skip
    again = await story.may("C1", "decide_month_for", **{**some, "numbers": ["D1-02"]})
    assert (again["done"], again["unchanged"], again["changed"]) == (0, 1, False)
    assert counts(await decided(story, 2))[:2] == (2, 0)
    assert (await paid(monthly, 2))["total"] == "300.00"

    # Each month is told with its decisions and lines, and as it was on record before.
    january, february = await months_of(monthly, "D1-02")
    story.right.add("case_months")
    assert (january["title"], january["due"], january["paid"]) == ("month 1 of 2021", "100.00", "100.00")
    assert [(own["number"], own["amount"], own["withheld"]) for own in january["decisions"]] == [
        (2, "100.00", None), (1, "70.00", None),
    ]  # fmt: skip
    assert january["decisions"][0]["changes"] == [
        {"title": "level of the disability", "was": "2", "now": "1"}
    ]  # fmt: skip
    assert january["decisions"][1]["changes"] == []
    assert lines(january) == [("AWARD", "70.00", "70.00", "0.00", 1), ("ARREARS", "30.00", "30.00", "0.00", 2)]
    assert lines(february) == [("AWARD", "100.00", "100.00", "0.00", 2)]
    (then,) = await months_of(monthly, "D1-02", knownAt="2021-01-31T12:00:00+08:00")
    assert (then["due"], len(then["decisions"]), lines(then)) == (
        "70.00", 1, [("AWARD", "70.00", "70.00", "0.00", 1)],
    )  # fmt: skip
    future = await monthly.operation("C1", "case_months", **OF, person="D1-02", knownAt="2031-01-01T00:00:00Z")
    assert future.codes == ["BAD_USER_INPUT"]
    unseen = await monthly.operation("K2", "case_months", **OF, person="D1-02")
    assert unseen.data["cases"]["nodes"] == []
    await story.may_not("E1", "case_months", "FORBIDDEN", **OF, person="D1-02")

    # As it was known before, a month is decided anew, and nothing is kept of it.
    asked: dict[str, Any] = {**OF, "person": "D1-02", "month": 1}
    then = await story.may("K1", "month_as_known", **asked, knownAt="2021-01-31T12:00:00+08:00")
    assert (then["number"], then["amount"], then["changes"]) == (0, "70.00", [])
    now = await story.may("K1", "month_as_known", **asked, knownAt="2021-02-01T13:00:00+08:00")
    assert (now["amount"], now["knownAt"]) == ("100.00", "2021-02-01T13:00:00+08:00")
    # Nobody decides by what he does not see: the case is out of sight of the one, and the other may not read what
    # offices list.
    nothing = await monthly.operation("K2", "month_as_known", **asked, knownAt="2021-01-31T12:00:00Z")
    assert nothing.data == {"monthAsKnown": None}
    await story.may_not("L1", "month_as_known", "FORBIDDEN", **asked, knownAt="2021-01-31T12:00:00Z")
    mine = await monthly.operation("L1", "month_preview", **{**OF, "month": 2})
    assert (mine.data["monthPreview"]["totalCount"], mine.data["monthPreviewFigures"]) == (0, [])
    await story.may_not("E1", "month_as_known", "FORBIDDEN", **asked, knownAt="2021-01-31T12:00:00Z")
    future = await monthly.operation("K1", "month_as_known", **asked, knownAt="2031-01-31T12:00:00Z")
    assert future.codes == ["DAY_IN_FUTURE"]

    # When it was done for everybody.
    runs = await story.may("C1", "month_runs", filter={"programme": CARE})
    assert [
        (one["month"], one["decided"], one["changed"], one["ranOn"], one["decidedBy"]["number"])
        for one in runs["nodes"]
    ] == [(2, 2, 0, "2021-02-10", "C1"), (1, 3, 0, "2021-01-10", "C1")]  # fmt: skip
    assert (await monthly.operation("K1", "month_runs", filter={"programme": CARE})).data["monthRuns"]["nodes"] == []
    await story.may_not("E1", "month_runs", "FORBIDDEN")

    # Who has not been verified again, by the second half of the year.
    await monthly.day(date(2021, 8, 10))
    on: dict[str, Any] = {**OF, "on": "2021-08-10"}
    found = (await monthly.operation("K1", "unverified", **on)).data
    story.right.add("unverified")
    assert found["unverifiedCounts"] == [{"code": "990201101000", "name": "东镇", "unverified": 2}]
    assert found["unverified"]["totalCount"] == 2
    assert [node["number"] for node in found["unverified"]["nodes"]] == ["D1-01", "D1-02"]
    first = (await monthly.operation("C1", "unverified", **on, first=2)).data["unverified"]
    assert (first["totalCount"], first["pageInfo"]["hasNextPage"]) == (3, True)
    rest = await monthly.operation("C1", "unverified", **on, first=2, after=first["pageInfo"]["endCursor"])
    assert [node["number"] for node in rest.data["unverified"]["nodes"]] == ["D4-01"]
    await story.may_not("E1", "unverified", "FORBIDDEN", **on)
    await story.may_not("K1", "unverified", "BAD_VALUE", **{**on, "on": "2022-01-01"})
    verify: dict[str, Any] = {**OF, "cases": {"persons": ["D1-01"]}, "finding": "本人健在"}
    await story.may_not("FM", "reverify_cases", "NOT_YOUR_DUTY", **verify)
    await story.may_not("E1", "reverify_cases", "FORBIDDEN", **verify)
    await story.may_not("K2", "reverify_cases", "NOT_FOUND", **verify)
    done = await story.may("K1", "reverify_cases", **verify)
    assert (done["done"], done["cases"]["nodes"][0]["stageCode"]) == (1, "monthly_payment")
    found = (await monthly.operation("K1", "unverified", **on)).data["unverified"]
    assert [node["number"] for node in found["nodes"]] == ["D1-02"]

    # In December everybody goes over into the next year, once.
    carried: dict[str, Any] = {**OF, "following": "2022", "cases": {"everything": True}}
    await story.may_not("C1", "carry_cases", "PERIOD_NOT_OPEN", **carried)
    await monthly.day(date(2021, 12, 20))
    subsidies.on(CARE, "2022", date(2021, 12, 20))
    await subsidies.open()
    await story.may_not("FM", "carry_cases", "NOT_YOUR_DUTY", **carried)
    await story.may_not("K1", "carry_cases", "FORBIDDEN", **carried)
    done = await story.may("C1", "carry_cases", **carried)
    assert (done["done"], {node["stageCode"] for node in done["cases"]["nodes"]}) == (3, {"closed"})
    query = '{ cases(filter: {programme: "disability_care", period: "2022"}) { nodes { number stageCode } } }'
    nodes = (await monthly.ask("C1", query)).data["cases"]["nodes"]
    assert sorted((node["number"], node["stageCode"]) for node in nodes) == [
        (number, "monthly_payment") for number in CARED
    ]

    assert story.right == MONTHS
    assert story.wrong == MONTHS


async def test_what_rests_has_its_cause_and_what_is_taken_back_is_set_off(
    monthly: Served, subsidies: Subsidies
) -> None:
    story = Told(monthly)
    await decided(story, 1)
    await paid(monthly, 1)
    rest: dict[str, Any] = {
        **OF, "cases": {"persons": ["D4-01"]}, "cause": "CUSTODY",
        "act": {"day": "2021-01-20", "reason": "羁押", "evidence": "通知"},
    }  # fmt: skip
    await monthly.day(date(2021, 1, 20))
    await story.may_not("K2", "pause_cases", "MISSING_VALUE", **{**rest, "cause": None})
    await story.may("K2", "pause_cases", **rest)
    await known(subsidies, "D1-01", 2, date(2020, 1, 1), date(2021, 2, 1))
    await monthly.day(date(2021, 2, 10))
    result = await decided(story, 2, reason="降级")
    assert (counts(result), result["recovery"]) == ((4, 1, 1, 0), "30.00")
    query = "{ budgetLines { nodes { id } } }"
    (line,) = (await monthly.ask("C1", query)).data["budgetLines"]["nodes"]
    await story.may_not("C2", "make_batch", "MISSING_VALUE", **OF, line=line["id"])
    await story.may_not("C2", "make_batch", "MONTH_NOT_BEGUN", **OF, line=line["id"], month=3)
    await story.may_not("K1", "make_batch", "FORBIDDEN", **OF, line=line["id"], month=2)
    batch = await paid(monthly, 2)
    assert (batch["total"], batch["instalment"]) == ("110.00", 2)
    assert [(own["amount"], own["setOff"], own["instalment"]) for own in batch["lines"]["nodes"]] == [
        ("40.00", "30.00", 2), ("70.00", "0.00", 2),
    ]  # fmt: skip
    # Of a recovery it is told which payment was less for it, and of the month what became of it.
    awards = (await monthly.operation("C1", "awards", filter={"kind": "RECOVERY"})).data["awards"]["nodes"]
    assert [(own["amount"], own["open"], own["setoffs"]) for own in awards] == [
        (
            "-30.00", "0.00",
            [{"amount": "30.00", "releasedOn": "2021-02-10", "voidedAt": None, "line": {"instalment": 2}}],
        )
    ]  # fmt: skip
    january, february = await months_of(monthly, "D1-01")
    assert lines(january) == [
        ("AWARD", "100.00", "100.00", "0.00", 1), ("RECOVERY", "-30.00", "0.00", "30.00", None),
    ]  # fmt: skip
    assert lines(february) == [("AWARD", "70.00", "40.00", "30.00", 2)]
    assert (january["due"], january["paid"], february["due"], february["paid"]) == (
        "70.00", "100.00", "70.00", "70.00",
    )  # fmt: skip
    # While he is in custody nothing is due, and it says why.
    (_, withheld) = await months_of(monthly, "D4-01")
    (decision,) = withheld["decisions"]
    assert (withheld["due"], decision["withheld"], decision["outcome"]) == ("0.00", "CUSTODY", "ELIGIBLE")
    assert decision["words"].startswith("Withheld (in custody)")
    assert lines(withheld) == []


async def test_the_stage_says_that_it_pays_every_month(monthly: Served) -> None:
    asked = """{ disabilityCare(period: "2021") { stages { code kind duties returnsTo instalment { number } } } }"""
    stages = (await monthly.ask("C1", asked)).data["disabilityCare"]["stages"]
    assert stages[-1] == {
        "code": "monthly_payment", "kind": "MONTHLY", "duties": ["COUNTY_OFFICE", "FUND_MANAGER", "FINANCE"],
        "returnsTo": "first_review", "instalment": None,
    }  # fmt: skip


async def test_what_is_not_paid_by_the_month_has_no_months(served: Served) -> None:
    story = Told(served)
    for name, more in (
        ("month_preview", {"month": 1}),
        ("unverified", {"on": "2021-02-10"}),
        ("decide_month", {"month": 1}),
        ("decide_month_for", {"month": 1, "numbers": ["H1"], "reason": "核对"}),
        ("reverify_cases", {"cases": {"households": ["H1"]}, "finding": "健在"}),
    ):
        await story.may_not("C1", name, "NOT_MONTHLY", programme="consolidation", period="2021", **more)
    asked: dict[str, Any] = {"programme": "consolidation", "period": "2021", "person": "H1", "month": 1}
    answer = await served.operation("C1", "month_as_known", **asked, knownAt="2021-01-01T00:00:00Z")
    assert (answer.body["data"], answer.codes) == ({"monthAsKnown": None}, ["NOT_MONTHLY"])
    line: Answer = await served.operation("C2", "make_batch", period="2021", month=1)
    assert [own["code"] for own in line.data["makeBatch"]["problems"]] == ["BAD_VALUE"]


async def test_months_of_a_page_of_cases_take_as_many_statements_as_those_of_one(
    monthly: Served, subsidies: Subsidies
) -> None:
    story = Told(monthly)
    await decided(story, 1)
    await paid(monthly, 1)
    await known(subsidies, "D1-02", 1, date(2021, 1, 1), date(2021, 2, 1))
    await known(subsidies, "D1-01", 2, date(2020, 1, 1), date(2021, 2, 1))
    await monthly.day(date(2021, 2, 10))
    await decided(story, 2)
    await paid(monthly, 2)
    inner = "months { due paid decisions { words facts { title } lines { says } changes { now } } lines { paid } }"
    document = '{ cases(first: 3, filter: {programme: "disability_care", number: %s}) { nodes { %s } } }'
    taken = []
    for numbers in (["D1-01"], ["D1-01", "D1-02", "D4-01"]):  # of the first something is set off
        with counted(monthly) as seen:
            nodes = (await monthly.ask("C1", document % (json.dumps(numbers), inner))).data["cases"]["nodes"]
        assert [len(node["months"]) for node in nodes] == [2] * len(numbers)
        taken.append(len(seen))
    with counted(monthly) as seen:
        await monthly.ask("C1", document % (json.dumps(numbers), "id"))
    # Of a page: the periods, which take two; decisions, lines, what was set off, and what was settled of recoveries.
    assert taken == [len(seen) + 6] * 2


async def test_lists_of_what_would_change_take_as_many_statements_for_one_as_for_all(monthly: Served) -> None:
    preview = '{ monthPreview(programme: "disability_care", period: "2021", month: 1, first: %d) { nodes { number } } }'
    behind = '{ unverified(programme: "disability_care", period: "2021", on: "2021-08-01", first: %d)'
    for document in (preview, f"{behind} {{ nodes {{ name }} }} }}"):
        taken = []
        for size in (1, 3):
            with counted(monthly) as seen:
                answer = await monthly.ask("C1", document % size)
            (page,) = answer.data.values()
            assert len(page["nodes"]) == size
            taken.append(len(seen))
        assert taken[0] == taken[1]


async def test_a_household_sees_its_own_months_and_no_others(monthly: Served, subsidies: Subsidies) -> None:
    """A linked cadre, whose households are his own."""
    await decided(Told(monthly), 1)
    for cadre, seen in (("L1", ["D1-01", "D1-02"]), ("L3", ["D4-01"]), ("L2", [])):
        document = f'{{ cases(filter: {{programme: "{CARE}"}}) {{ nodes {{ number months {{ due }} }} }} }}'
        nodes = (await monthly.ask(cadre, document)).data["cases"]["nodes"]
        assert sorted(node["number"] for node in nodes) == seen
        assert all(len(node["months"]) == 1 for node in nodes)
    assert LIVING in (await monthly.ask("C1", "{ viewer { programmes } }")).data["viewer"]["programmes"]
