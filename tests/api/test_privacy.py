"""Whatever is asked for, no number that identifies leaves the server in full, but one at a time to who may see it."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

from bangfu_graphql.schema import schema_of
from tests.api.conftest import OPERATIONS, Served
from tests.core.test_privacy import PHONE, plain
from tests.county import ACCEPTED, POSTED, World, identity, roster
from tests.stories import remembered

REVEAL = (OPERATIONS / "reveal_number.graphql").read_text(encoding="utf-8")


@remembered
async def filled(world: World) -> None:
    """Telephones, cases, notices, and a refused import."""
    lines = roster().splitlines()
    await world.bring("households", "\n".join([f"{lines[0]},联系电话", f"{lines[1]},{PHONE}"]), "R1")
    wrong = lines[1].replace(identity(1), identity(1)[:-1] + ("0" if identity(1)[-1] != "0" else "1"))
    assert (await world.bring("households", f"{lines[0]},联系电话\n{wrong},{PHONE}1", "R1")).state == "refused"
    await world.until("acceptance")


@pytest.fixture
async def full(served: Served) -> Served:
    """A county with telephones, cases, notices, a refused import, and a notice that was exported."""
    await filled(served.world)
    await served.day(POSTED)
    notice = (await served.operation("VC1", "notices")).data["notices"]["nodes"][0]["id"]
    await served.operation("VC1", "export_notice", notice=notice, reason="张贴公示")
    assert await served.work() == 1
    await served.day(ACCEPTED)
    return served


async def persons(served: Served, number: str) -> dict[str, str]:
    """The ids of the persons in sight, by name."""
    found = (await served.ask(number, "{ persons(first: 100) { nodes { id name } } }")).data["persons"]["nodes"]
    return {own["name"]: own["id"] for own in found}


def selection(schema: GraphQLSchema, kind: Any, depth: int, may: set[str]) -> str:
    """Everything that a type shows without being told more, to a depth; of what needs a permission, what is had."""
    found = ["__typename"]
    for name, field in kind.fields.items():
        needed = (field.description or "").partition("Needs `")[2].partition("`")[0]
        if (needed and needed not in may) or any(is_required_argument(own) for own in field.args.values()):
            continue
        own = get_named_type(field.type)
        if name in ("edges", "pageInfo", "totalCount"):
            continue
        if is_leaf_type(own):
            found.append(name)
        elif isinstance(own, GraphQLObjectType | GraphQLInterfaceType):
            deeper = depth if name == "nodes" else depth - 1
            if deeper >= 0:
                found.append(f"{name} {{ {selection(schema, own, deeper, may)} }}")
    return " ".join(found)


@pytest.mark.parametrize("number", ["C1", "VC1", "L1", "A2", "W1"])
async def test_who_may_see_no_number_in_full_finds_none_anywhere(full: Served, number: str) -> None:
    numbers = await plain(full.world)
    assert PHONE in numbers
    revealed = await full.ask(
        "R1", REVEAL, id=(await persons(full, "R1"))["测1户主"], which="IDENTITY", reason=f"核对 {identity(1)}"
    )
    assert revealed.data["revealNumber"]["value"] == identity(1)
    viewer = (await full.ask(number, "{ viewer { permissions } }")).data["viewer"]
    assert "UNMASK" not in viewer["permissions"]
    schema = build_schema(schema_of(full.world.plugins.programmes.values()).printed())
    assert schema.query_type is not None
    asked, masked = 0, 0
    for name, field in schema.query_type.fields.items():
        needed = (field.description or "").partition("Needs `")[2].partition("`")[0]
        if (needed and needed not in viewer["permissions"]) or any(
            is_required_argument(own) for own in field.args.values()
        ):
            continue
        own = get_named_type(field.type)
        for depth in (3, 2, 1, 0):
            wanted = "" if is_leaf_type(own) else f"{{ {selection(schema, own, depth, set(viewer['permissions']))} }}"
            first = "(first: 20)" if "first" in field.args else ""
            answer = await full.ask(number, f"{{ {name}{first} {wanted} }}")
            if "errors" not in answer.body:
                break
        assert "errors" not in answer.body, (name, answer.body["errors"])
        text = answer.response.text
        assert [own for own in numbers if own in text] == [], name
        asked, masked = asked + 1, masked + text.count("990*")
    assert asked >= 10
    assert masked >= 4, "persons were among it, masked"
    # The planted twin: the same search finds what is shown in full.
    assert [own for own in numbers if own in revealed.response.text] == [identity(1)]


@pytest.mark.parametrize("number", ["C1", "VC1", "L1"])
async def test_revealing_needs_the_permission(full: Served, number: str) -> None:
    some = (await persons(full, "R1"))["测1户主"]
    await full.denied(number, "reveal_number", "FORBIDDEN", id=some, which="IDENTITY", reason="核对身份")


async def test_revealing_is_for_what_is_in_sight_with_a_reason_so_many_an_hour(full: Served) -> None:
    some = (await persons(full, "R1"))["测1户主"]
    asked: dict[str, Any] = {"id": some, "which": "IDENTITY", "reason": "核对身份"}
    await full.denied("K2", "reveal_number", "NOT_FOUND", **asked)
    await full.denied("K1", "reveal_number", "REASON_NEEDED", **{**asked, "reason": " "})
    await full.denied("K1", "reveal_number", "NOT_FOUND", **{**asked, "which": "ACCOUNT"})
    await full.denied("K1", "reveal_number", "NOT_FOUND", **{**asked, "id": "nonsense"})
    answer = await full.operation("K1", "reveal_number", **asked)
    assert answer.data["revealNumber"] == {"value": identity(1), "changed": True, "problems": []}
    query = '{ audit(filter: { action: "unmask", officer: "K1" }) { nodes { object reason officer { number } figures { name value } } } }'
    (entry,) = (await full.ask("C1", query)).data["audit"]["nodes"]
    assert entry["object"].startswith("person/")
    assert (entry["reason"], entry["officer"]) == ("核对身份", {"number": "K1"})
    assert entry["figures"] == [{"name": "number", "value": "identity"}]
    about = f'{{ audit(filter: {{ object: "{entry["object"]}" }}) {{ totalCount }} }}'
    assert (await full.ask("C1", about)).data["audit"]["totalCount"] == 1
    for _ in range(29):
        assert (await full.operation("K1", "reveal_number", **asked)).data["revealNumber"]["changed"]
    await full.denied("K1", "reveal_number", "TOO_MANY", **asked)


async def test_a_request_that_is_sent_again_is_answered_as_before_and_counts_once(full: Served) -> None:
    some = (await persons(full, "K1"))["测1户主"]
    asked: dict[str, Any] = {"id": some, "which": "PHONE", "reason": "电话核实"}
    key = {"Idempotency-Key": str(uuid4())}
    first = await full.operation("K1", "reveal_number", headers=key, **asked)
    again = await full.operation("K1", "reveal_number", headers=key, **asked)
    assert first.data == again.data
    assert first.data["revealNumber"]["value"] == PHONE
    rows = await full.world.rows("select count(*) from audit_entry where action = 'unmask'")
    assert rows[0][0] == 1


async def test_a_fetched_list_is_on_record_with_what_it_was_made_for(full: Served) -> None:
    (job,) = (await full.ask("VC1", "{ jobs(filter: { mine: true }) { nodes { file { path } } } }")).data["jobs"][
        "nodes"
    ]
    got = await full.client.get(full.address + job["file"]["path"], headers=full.headers("VC1"))
    assert got.status_code == 200
    ((reason, data),) = await full.world.rows("select reason, data from audit_entry where action = 'fetch_file'")
    assert (reason, data["kind"], data["bytes"]) == ("张贴公示", "export/notice", len(got.content))
    ((reason, data),) = await full.world.rows("select reason, data from audit_entry where action = 'export_notice'")
    assert (reason, data) == ("张贴公示", {"rows": 2, "personal": ["beneficiary"]})


async def test_no_list_is_made_without_a_reason(full: Served) -> None:
    notice = (await full.operation("VC1", "notices")).data["notices"]["nodes"][0]["id"]
    for reason in ("", " ", "x"):
        await full.denied("VC1", "export_notice", "REASON_NEEDED", notice=notice, reason=reason)
