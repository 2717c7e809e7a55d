"""The roster over the API: duties assigned and ended, accounts disabled, and what an enterprise sees."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from bangfu.access import Pass, admit
from bangfu.errors import Refused
from bangfu_graphql.identifiers import encode_id
from tests.api.conftest import Served
from tests.county import BASE, CODE, ONE, OTHER, SEPTEMBER, T1, T2, UNIT, V1, V2, V3

DUTIES = "{ viewer { duties } }"
SEEN = "{ households { totalCount } }"
OCTOBER = date(2021, 10, 1)


@pytest.fixture
async def full(served: Served) -> Served:
    """The server over the county with everybody in it, in September."""
    await served.world.invite()
    await served.day(SEPTEMBER)
    return served


async def duties(served: Served, number: str) -> list[str]:
    found: list[str] = (await served.ask(number, DUTIES)).data["viewer"]["duties"]
    return found


async def assign(served: Served, number: str = "R1", **input: Any) -> dict[str, Any]:
    """Charge somebody with a duty; the payload."""
    answer = await served.operation(number, "assign_duty", input=input, reason="县办〔2021〕3号")
    payload: dict[str, Any] = answer.data["assignDuty"]
    return payload


CLERK = {"officer": "A3", "duty": "TOWNSHIP_CLERK", "area": str(T2)}
STAND_IN = {**CLERK, "until": "2021-10-01", "standsInFor": "K2"}


async def test_a_duty_that_is_assigned_counts_from_the_next_request_and_ends_by_itself(full: Served) -> None:
    assert await duties(full, "A3") == ["TOWNSHIP_ACCEPTOR"]
    made = await assign(full, **STAND_IN)
    assert made["problems"] == []
    del made["assignment"]["id"]
    assert made["assignment"] == {
        "duty": "TOWNSHIP_CLERK", "tier": "TOWNSHIP", "areaCode": str(T2), "since": str(SEPTEMBER),
        "until": "2021-10-01", "officer": {"number": "A3", "name": "验收西"}, "organization": None, "household": None,
        "standsInFor": {"number": "K2", "name": "经办西"},
    }  # fmt: skip
    assert await duties(full, "A3") == ["TOWNSHIP_CLERK", "TOWNSHIP_ACCEPTOR"]
    before = await full.snapshot()
    assert (await assign(full, **STAND_IN))["assignment"] is not None, "the same again changes nothing"
    assert await full.snapshot() == before
    await full.day(OCTOBER)
    assert await duties(full, "A3") == ["TOWNSHIP_ACCEPTOR"]
    (entry,) = (await full.operation("C1", "audit", filter={"action": "assign_duty"})).data["audit"]["nodes"]
    assert (entry["officer"]["number"], entry["reason"]) == ("R1", "县办〔2021〕3号")


async def test_a_duty_is_ended_and_the_stand_in_with_it(full: Served) -> None:
    await assign(full, **STAND_IN)
    (clerk,) = (await full.operation("R1", "officers", filter={"number": ["K2"]})).data["officers"]["nodes"]
    (held,) = clerk["assignments"]
    tomorrow = SEPTEMBER + timedelta(days=1)
    for day, code in ((date(2020, 1, 1), "BAD_VALUE"), (date(2019, 1, 1), "BAD_VALUE")):
        await full.denied("R1", "end_duty", code, assignment=held["id"], day=str(day), reason="调离")
    await full.denied("R1", "end_duty", "REASON_NEEDED", assignment=held["id"], day=str(tomorrow), reason=" ")
    await full.denied("C1", "end_duty", "FORBIDDEN", assignment=held["id"], day=str(tomorrow), reason="调离")
    ended = (await full.operation("R1", "end_duty", assignment=held["id"], day=str(SEPTEMBER), reason="调离")).data[
        "endDuty"
    ]
    assert ended["problems"] == []
    assert [(own["since"], own["until"]) for own in ended["officer"]["assignments"]] == [("2020-01-01", str(SEPTEMBER))]
    assert await duties(full, "K2") == []
    assert (await full.ask("K2", SEEN)).codes == ["FORBIDDEN"]
    assert await duties(full, "A3") == ["TOWNSHIP_ACCEPTOR"], "there is nothing to stand in for any more"
    # What was ended is an assignment no more.
    await full.denied("R1", "end_duty", "NOT_FOUND", assignment=held["id"], day=str(tomorrow), reason="调离")


async def test_a_duty_that_has_not_begun_is_withdrawn(full: Served) -> None:
    made = (await assign(full, **CLERK, since="2021-12-01"))["assignment"]
    ending = {"assignment": made["id"], "day": "2021-12-01", "reason": "误录"}
    ended = (await full.operation("R1", "end_duty", **ending)).data["endDuty"]["officer"]["assignments"]
    assert [own["duty"] for own in ended] == ["TOWNSHIP_ACCEPTOR"]


@pytest.mark.parametrize(
    ("input", "code"),
    [({"officer": "FI", "duty": "REGISTRAR", "area": str(BASE)}, "INCOMPATIBLE_DUTIES"),
     ({"officer": "AU", "duty": "LINKED_CADRE", "area": str(V1)}, "INCOMPATIBLE_DUTIES"),
     ({"officer": "FM", "duty": "FINANCE", "area": str(BASE), "until": "2021-10-02", "standsInFor": "FI"},
      "INCOMPATIBLE_DUTIES"),
     ({"officer": "C1", "duty": "HOUSEHOLDER", "area": str(V1), "household": "H1"}, "INCOMPATIBLE_DUTIES"),
     ({"officer": "X9", "duty": "TOWNSHIP_CLERK", "area": str(T1)}, "OFFICER_UNKNOWN"),
     ({**STAND_IN, "standsInFor": "X9"}, "OFFICER_UNKNOWN"),
     ({**STAND_IN, "standsInFor": "K1"}, "NOTHING_TO_STAND_IN_FOR"),
     ({**STAND_IN, "since": "2019-01-01"}, "NOTHING_TO_STAND_IN_FOR"),
     ({**CLERK, "standsInFor": "K2"}, "MISSING_VALUE"),
     ({**STAND_IN, "officer": "K2"}, "BAD_VALUE"),
     ({**CLERK, "until": str(SEPTEMBER)}, "BAD_VALUE"),
     ({**CLERK, "area": str(BASE)}, "BAD_VALUE"),
     ({**CLERK, "area": str(T2 + 900)}, "DIVISION_UNKNOWN"),
     ({"officer": "E1", "duty": "ENTERPRISE_AGENT", "area": str(BASE)}, "MISSING_VALUE"),
     ({"officer": "E1", "duty": "ENTERPRISE_AGENT", "area": str(BASE), "unit": UNIT}, "BAD_VALUE"),
     ({"officer": "HA", "duty": "HOUSEHOLDER", "area": str(V1), "household": "H99"}, "HOUSEHOLD_UNKNOWN"),
     ({"officer": "HA", "duty": "HOUSEHOLDER", "area": str(V2), "household": "H1"}, "BAD_VALUE")],
)  # fmt: skip
async def test_a_duty_that_cannot_be_assigned(full: Served, input: dict[str, Any], code: str) -> None:
    await full.denied("R1", "assign_duty", code, input=input, reason="试")


@pytest.mark.parametrize("number", ["C1", "FI", "K1", "VC1", "L1", "E1", "HA", "AU", "SU", "IF"])
async def test_who_may_not_touch_the_roster(full: Served, number: str) -> None:
    await full.denied(number, "assign_duty", "FORBIDDEN", input={**CLERK, "officer": number}, reason="自荐")
    for name in ("disable_officer", "enable_officer"):
        await full.denied(number, name, "FORBIDDEN", officer="R1", reason="试")


async def test_a_reason_is_asked_for(full: Served) -> None:
    await full.denied("R1", "assign_duty", "REASON_NEEDED", input=CLERK, reason=" ")
    for name in ("disable_officer", "enable_officer"):
        await full.denied("R1", name, "REASON_NEEDED", officer="K1", reason="")


async def test_an_account_that_is_disabled_gets_in_no_more(full: Served) -> None:
    began = datetime.now(UTC)
    assert (await full.ask("K1", SEEN)).data["households"]["totalCount"] == 6
    disabled = (await full.operation("R1", "disable_officer", officer="K1", reason="停职")).data["disableOfficer"]
    assert (disabled["problems"], disabled["officer"]["disabled"]) == ([], True)
    refused = await full.ask("K1", SEEN)
    assert (refused.codes, refused.response.status_code, "data" in refused.body) == (["UNAUTHENTICATED"], 401, False)
    # Who stands in goes on.
    await full.day(date(2021, 9, 30))
    assert await duties(full, "KS") == ["TOWNSHIP_CLERK"]
    found = (await full.operation("C1", "officers", filter={"disabled": True})).data["officers"]["nodes"]
    assert [own["number"] for own in found] == ["K1"]
    enabled = (await full.operation("R1", "enable_officer", officer="K1", reason="复职")).data["enableOfficer"]
    assert (enabled["problems"], enabled["officer"]["disabled"]) == ([], False)
    # What had let the account in before has ended; what is issued from now on does again.
    assert (await full.ask("K1", SEEN)).codes == ["UNAUTHENTICATED"]
    with pytest.raises(Refused, match="PASS_ENDED"):
        await admit(full.world.database, Pass(CODE, "K1", issued_at=began))
    assert (await admit(full.world.database, Pass(CODE, "K1", issued_at=datetime.now(UTC)))).actor.number == "K1"
    log = (await full.operation("C1", "audit", filter={"action": "disable_officer"})).data["audit"]["nodes"]
    assert [(own["officer"]["number"], own["reason"]) for own in log] == [("R1", "停职")]


async def test_nobody_disables_himself_or_the_last_registrar(full: Served) -> None:
    await full.denied("R1", "disable_officer", "SAME_PERSON", officer="R1", reason="试")
    await full.denied("R1", "disable_officer", "OFFICER_UNKNOWN", officer="X9", reason="试")
    assert (await full.operation("R1", "disable_officer", officer="R2", reason="离职")).data["disableOfficer"][
        "changed"
    ]
    (first,) = (await full.operation("R1", "officers", filter={"number": ["R1"]})).data["officers"]["nodes"]
    (own,) = (held for held in first["assignments"] if held["duty"] == "REGISTRAR")
    await full.denied("R1", "end_duty", "LAST_REGISTRAR", assignment=own["id"], day="2022-01-01", reason="试")
    # A stand-in does not count.
    made = await assign(full, officer="C1", duty="REGISTRAR", area=str(BASE), until="2030-01-01", standsInFor="R1")
    assert made["problems"] == []
    await full.denied("C1", "disable_officer", "LAST_REGISTRAR", officer="R1", reason="试")
    await full.operation("R1", "enable_officer", officer="R2", reason="返岗")
    ended = await full.operation("R1", "end_duty", assignment=own["id"], day="2022-01-01", reason="交接")
    assert ended.data["endDuty"]["problems"] == []


# --- pairings -------------------------------------------------------------------------------------------------


async def pairs(served: Served, number: str, **filter: Any) -> list[tuple[str | None, str]]:
    nodes = (await served.operation(number, "pairings", filter=filter)).data["pairings"]["nodes"]
    return sorted((own["organization"] and own["organization"]["creditCode"], own["division"]["code"]) for own in nodes)


async def test_an_enterprise_sees_its_own_and_nothing_else(full: Served) -> None:
    assert await pairs(full, "E1") == [(ONE, str(V1)), (ONE, str(V2))]
    assert await pairs(full, "E2") == [(OTHER, str(V3))]
    own = "{ organizations { totalCount nodes { creditCode } } officers { totalCount nodes { number } } }"
    assert (await full.ask("E1", own)).data == {
        "organizations": {"totalCount": 1, "nodes": [{"creditCode": ONE}]},
        "officers": {"totalCount": 1, "nodes": [{"number": "E1"}]},
    }
    for wanted in ({"creditCode": OTHER}, {"creditCode": UNIT}, {"division": str(V3)}):
        assert await pairs(full, "E1", **wanted) == []
    for field in ("households", "persons", "income", "cases", "notices", "samples", "batches", "provisions", "audit"):
        assert (await full.ask("E1", f"{{ {field} {{ totalCount }} }}")).codes == ["FORBIDDEN"], field


async def test_who_else_sees_pairings(full: Served) -> None:
    everything = sorted([(ONE, str(V1)), (ONE, str(V2)), (OTHER, str(V3)), (UNIT, str(V1))])
    for number in ("R1", "C1", "IF", "AU", "SU"):
        assert await pairs(full, number) == everything
    assert await pairs(full, "VC1") == [pair for pair in everything if pair[1] == str(V1)]
    assert await pairs(full, "K2") == [(OTHER, str(V3))]
    assert await pairs(full, "C1", division=str(T1)) == [pair for pair in everything if pair[1] != str(V3)]
    assert await pairs(full, "C1", on="2022-01-01") == [pair for pair in everything if pair[1] != str(V2)]
    for number in ("HA", "L1", "FI"):
        assert (await full.operation(number, "pairings")).codes == ["FORBIDDEN"]


async def test_anothers_pairing_answers_like_a_random_one(full: Served) -> None:
    found = (await full.operation("C1", "pairings")).data["pairings"]["nodes"]
    ids = {own["id"]: own["organization"]["creditCode"] for own in found}
    ask = "query($id: ID!) { node(id: $id) { id ... on Pairing { organization { creditCode } } } }"
    nobody = (await full.ask("E1", ask, id=encode_id("Pairing", uuid4()))).body
    for key, code in ids.items():
        answer = (await full.ask("E1", ask, id=key)).body
        expected = {"data": {"node": {"id": key, "organization": {"creditCode": ONE}}}} if code == ONE else nobody
        assert answer == expected
    assert nobody == {"data": {"node": None}}


async def test_an_agent_whose_duty_ends_sees_nothing(full: Served) -> None:
    (agent,) = (await full.operation("R1", "officers", filter={"number": ["E1"]})).data["officers"]["nodes"]
    ending = {"assignment": agent["assignments"][0]["id"], "day": str(SEPTEMBER), "reason": "解约"}
    assert (await full.operation("R1", "end_duty", **ending)).data["endDuty"]["problems"] == []
    assert (await full.operation("E1", "pairings")).codes == ["FORBIDDEN"]
