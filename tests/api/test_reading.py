"""Reading over HTTP: lists, filters, objects by id, fragments, nested pages; one state of the county, in a number of
statements that no number of rows changes, for those who may see it."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from graphql import (
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

from bangfu.cases import acts, paying, sampling
from bangfu.cases.views import Selection, Stated
from bangfu.programme import installed
from bangfu.registry.identity import credit_check_character
from bangfu_graphql.schema import schema_of
from tests.api.conftest import Answer, Served
from tests.core.test_payments import do, make
from tests.core.test_sampling import draw
from tests.county import ACCEPTED, BASE, CODE, HOMES, T1, T2, V1, V2, V3, Statements, World, clean, identity

SCHEMA = schema_of(installed().programmes.values())._schema
LAST_DAY = date(2021, 10, 28)
NOT_A_CURSOR = "This is no cursor of this list; take one from its `pageInfo` or `edges`."
OPENING = 5
"""The statements that every request begins with: the county, the officer, the programmes, and two scopes."""


def credit_code(number: int) -> str:
    """A valid made-up credit code."""
    first17 = f"11{CODE}{number:09d}"
    return first17 + credit_check_character(first17)


UNITS = tuple(
    (credit_code(n), name, kind)
    for n, (name, kind) in enumerate((("甲局", "机关"), ("乙学校", "学校"), ("丙企业", "企业"), ("丁企业", "企业")), 1)
)
PEOPLE = f"""工号,姓名,职责,负责区划代码,起始日期,单位信用代码
E1,企业甲,企业经办,{CODE},2020-01-01,{UNITS[2][0]}
R2,登记乙,县数据管理员,{CODE},2020-01-01,{UNITS[0][0]}
"""
OFFICERS = ["A1", "A2", "A3", "B1", "B3", "C1", "C2", "C3", "E1", "FI", "FM", "K1", "K2", "L1", "L2", "L3", "R1", "R2",
            "VC1", "VC2", "VC3", "W1", "W3"]  # fmt: skip
LEDGER = "户编号,日期,收入类别,项目,总收入\n"
DRAFT = {
    "title": "测试县2021年补充规定",
    "number": "测政办〔2021〕9号",
    "issued": date(2021, 5, 1),
    "parameters": {"household_cap": [{"since": date(2021, 5, 1), "value": "2000.00", "clause": "一"}]},
}


async def story(served: Served) -> None:
    """A year with something of everything: three notices and an objection, two samples, three batches, jobs that are
    done, refused and waiting, a draft."""
    from bangfu.cases import ground as grounds

    world = served.world
    table = "信用代码,名称,类型,区划代码\n" + "".join(f"{code},{name},{kind},{BASE}\n" for code, name, kind in UNITS)
    assert (await world.bring("organizations", table, "R1")).state == "done"
    assert (await world.bring("officers", PEOPLE, "R1")).state == "done"
    await world.look()
    await world.until("acceptance")
    heard = Stated(date(2021, 10, 15), evidence="信件")
    clean(await world.act("VC1", _of(acts.object_to, "H2", "养殖收入不符", "村民甲"), stated=heard))
    clean(await world.act("A2", _of(acts.settle, "H2"), upheld=False, finding="属实"))
    clean(await world.act("A2", acts.accept, Selection(households=["H1", "H2", "H5"])))
    await _sample(world, date(2021, 10, 20))
    world.today = date(2021, 10, 22)
    first = await make(world)
    await do(world, "C2", paying.cancel_batch, first.id, "误建")
    paid = await make(world)
    await do(world, "FM", paying.check_batch, paid.id)
    await do(world, "FI", paying.release_batch, paid.id)
    world.today = ACCEPTED
    clean(await world.act("A3", acts.accept, Selection(households=["H7"])))
    await _sample(world, date(2021, 10, 25))
    world.today = LAST_DAY
    await make(world)
    assert (await world.bring("income", LEDGER + "H6,2021-05-01,种植,土豆,100\n", "R1")).state == "done"
    assert (await world.bring("income", LEDGER + "H6,2021-05-01,种植,土豆,120\n", "R1")).state == "done"  # corrected
    assert (await world.bring("income", LEDGER + "H9,2021-05-01,种植,土豆,100\n", "R1")).state == "refused"
    who = world.who("C1")
    async with world.database.session(who.scope) as session:
        await grounds.draft_provision(session, who, world.programme, DRAFT)
    await served.day(LAST_DAY)
    listed = "{ batches { nodes { id state } } notices { nodes { id divisionCode } } }"
    found = (await served.ask("FI", listed)).data
    (batch,) = (b["id"] for b in found["batches"]["nodes"] if b["state"] == "RELEASED")
    (notice,) = (n["id"] for n in found["notices"]["nodes"] if n["divisionCode"] == str(V1))
    await served.operation("FI", "export_payments", batch=batch, reason="报送")
    assert await served.work() == 1
    await served.operation("VC1", "export_notice", notice=notice)


def _of(act: Any, household: str, *more: str) -> Any:
    """An act on one household, in the form of an act on a selection."""
    return lambda session, who, ground, selection, **options: act(session, who, ground, household, *more, **options)


async def _sample(world: World, day: date) -> None:
    world.today = day
    drawn = await draw(world)
    clean(await world.act("C1", sampling.check, Selection(households=drawn.households), passed=True))


@pytest.fixture(scope="module")
async def county(standing: Served) -> Served:
    """The county after the year; nothing changes it any more."""
    await story(standing)
    return standing


# --- looking at answers ---------------------------------------------------------------------------------------


def key_of(id: str) -> str:
    """The key in an id."""
    return base64.urlsafe_b64decode(id + "=" * (-len(id) % 4)).decode().partition(":")[2]


def packed(value: Any) -> str:
    """What a client could make up to look like a cursor (a value) or an id (a text)."""
    data = value if isinstance(value, str) else json.dumps(value)
    return base64.urlsafe_b64encode(data.encode()).decode().rstrip("=")


def unpacked(cursor: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))


def leaves(value: Any) -> Iterator[Any]:
    """Every value of an answer but the counts."""
    if isinstance(value, dict):
        for name, own in value.items():
            if name != "totalCount":
                yield from leaves(own)
    elif isinstance(value, list):
        for own in value:
            yield from leaves(own)
    else:
        yield value


def refused(answer: Answer, message: str = "") -> None:
    """Nothing but one BAD_USER_INPUT, in words of ours."""
    assert answer.codes == ["BAD_USER_INPUT"], answer.body
    assert answer.body["data"] is None
    assert answer.response.status_code == 200
    (error,) = answer.body["errors"]
    if message:
        assert error["message"] == message


def statements(served: Served) -> Statements:
    return Statements(served.world.database)


# --- lists ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Listed:
    """A root connection, an order that it is asked for in, and the keys that plain SQL finds in that order."""

    field: str
    sql: str
    order: str = ""

    @property
    def arguments(self) -> str:
        return f", orderBy: {self.order}" if self.order else ""

    async def keys(self, served: Served) -> list[str]:
        return [str(key) for (key,) in await served.world.rows(f"select {self.sql}")]


LISTS = (
    Listed("divisions", "code from division where valid_to is null and known_to is null order by code"),
    Listed("organizations", "id from organization order by id"),
    Listed("officers", "id from officer order by number"),
    Listed("households", "id from household order by division, id"),
    Listed("households", "id from household order by division, id", "DIVISION"),
    Listed("households", "id from household order by number", "NUMBER"),
    Listed("persons", "id from person order by division, id"),
    Listed("income", "id from income_line where known_to is null order by household_id, day, id"),
    Listed("cases", "id from case_file order by division, id"),
    Listed("cases", "id from case_file order by division, id", "DIVISION"),
    Listed("cases", "id from case_file order by since, id", "SINCE"),
    Listed("notices", "id from notice order by division, id"),
    Listed("samples", "id from sample_draw order by id"),
    Listed("batches", "id from payment_batch order by id"),
    Listed("provisions", "id from provision order by issued_on desc, id desc"),
    Listed("jobs", "id from job order by id desc"),
    Listed("audit", "id from audit_entry order by at desc, id desc"),
)
DEFAULTS = tuple(listed for listed in LISTS if not listed.order)
each_list = pytest.mark.parametrize(
    "listed", LISTS, ids=lambda listed: f"{listed.field}{listed.order and ' by '}{listed.order}"
)
each_field = pytest.mark.parametrize("listed", DEFAULTS, ids=lambda listed: listed.field)
PAGE = "{ totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } nodes { id } edges { cursor node { id } } }"


async def page(served: Served, listed: Listed, arguments: str, number: str = "C1", **variables: Any) -> dict[str, Any]:
    """A page of a list, which agrees with itself."""
    head = ", ".join(f"${name}: String" for name in variables)
    document = f"query{f'({head})' if head else ''} {{ page: {listed.field}({arguments}{listed.arguments}) {PAGE} }}"
    found: dict[str, Any] = (await served.ask(number, document, **variables)).data["page"]
    assert [edge["node"] for edge in found["edges"]] == found["nodes"]
    cursors = [edge["cursor"] for edge in found["edges"]]
    assert found["pageInfo"]["startCursor"] == (cursors[0] if cursors else None)
    assert found["pageInfo"]["endCursor"] == (cursors[-1] if cursors else None)
    found["keys"] = [key_of(node["id"]) for node in found["nodes"]]
    found["cursors"] = cursors
    return found


async def forwards(served: Served, listed: Listed, size: int, total: int) -> tuple[list[str], list[str]]:
    """Every key and every cursor, page by page from the beginning."""
    keys: list[str] = []
    cursors: list[str] = []
    while not cursors or len(keys) < total:
        given = {"after": cursors[-1]} if cursors else {}
        found = await page(served, listed, f"first: {size}{', after: $after' if given else ''}", **given)
        before = len(keys)
        keys += found["keys"]
        cursors += found["cursors"]
        assert found["totalCount"] == total
        assert len(found["keys"]) == min(size, total - before)
        assert found["pageInfo"]["hasPreviousPage"] is (before > 0)
        assert found["pageInfo"]["hasNextPage"] is (len(keys) < total)
    return keys, cursors


async def backwards(served: Served, listed: Listed, size: int, total: int) -> tuple[list[str], list[str]]:
    """Every key and every cursor, page by page from the end."""
    keys: list[str] = []
    cursors: list[str] = []
    while not cursors or len(keys) < total:
        given = {"before": cursors[0]} if cursors else {}
        found = await page(served, listed, f"last: {size}{', before: $before' if given else ''}", **given)
        after = len(keys)
        keys = [*found["keys"], *keys]
        cursors = [*found["cursors"], *cursors]
        assert found["totalCount"] == total
        assert len(found["keys"]) == min(size, total - after)
        assert found["pageInfo"]["hasNextPage"] is (after > 0)
        assert found["pageInfo"]["hasPreviousPage"] is (len(keys) < total)
    return keys, cursors


@each_list
async def test_a_list_is_paged_through_from_either_end_with_the_same_objects_in_the_same_order(
    county: Served, listed: Listed
) -> None:
    expected = await listed.keys(county)
    assert len(expected) >= 2
    assert len(set(expected)) == len(expected)
    for size in (3, len(expected)):
        found, cursors = await forwards(county, listed, size, len(expected))
        assert found == expected
        assert len(set(cursors)) == len(expected)
        assert await backwards(county, listed, size, len(expected)) == (found, cursors)


@each_list
async def test_a_page_between_two_cursors_and_one_beyond_the_end(county: Served, listed: Listed) -> None:
    expected = await listed.keys(county)
    whole = await page(county, listed, "first: 100")
    after, before = whole["cursors"][0], whole["cursors"][-1]
    between = await page(county, listed, "after: $after, before: $before", after=after, before=before)
    assert between["keys"] == expected[1:-1]
    narrow = await page(county, listed, "first: 1, after: $after, before: $before", after=after, before=before)
    assert narrow["keys"] == expected[1:-1][:1]
    narrow = await page(county, listed, "last: 1, after: $after, before: $before", after=after, before=before)
    assert narrow["keys"] == expected[1:-1][-1:]
    beyond = await page(county, listed, "first: 5, after: $after", after=before)
    assert (beyond["keys"], beyond["totalCount"]) == ([], len(expected))
    assert beyond["pageInfo"] == {
        "hasNextPage": False, "hasPreviousPage": True, "startCursor": None, "endCursor": None,
    }  # fmt: skip
    none = await page(county, listed, "first: 0")
    assert (none["keys"], none["pageInfo"]["hasNextPage"], none["pageInfo"]["hasPreviousPage"]) == ([], True, False)
    crossed = await page(county, listed, "after: $after, before: $before", after=before, before=after)
    assert crossed["keys"] == []


async def test_orders_are_what_they_are_called(county: Served) -> None:
    async def asked(document: str) -> list[Any]:
        return list(leaves((await county.ask("C1", f"{{ {document} }}")).data))

    assert await asked("households(orderBy: NUMBER) { nodes { number } }") == [home.number for home in HOMES]
    villages = [str(V1)] * 4 + [str(V2)] * 2 + [str(V3)] * 2
    for document in ("households", "households(orderBy: DIVISION)", "cases", "cases(orderBy: DIVISION)"):
        assert await asked(f"{document} {{ nodes {{ divisionCode }} }}") == villages
    since = await asked("cases(orderBy: SINCE) { nodes { since } }")
    assert since == sorted(since)
    assert len(set(since)) > 2
    assert await asked("officers(first: 100) { nodes { number } }") == OFFICERS
    assert await asked("divisions { nodes { code } }") == [str(code) for code in (BASE, T1, V1, V2, T2, V3)]
    assert await asked("provisions { nodes { number } }") == ["测政办〔2021〕9号", "测政办〔2021〕1号"]
    for field, stamp in (("audit", "at"), ("jobs", "createdAt")):
        stamps = await asked(f"{field}(first: 100) {{ nodes {{ {stamp} }} }}")
        assert stamps == sorted(stamps, reverse=True)
        assert len(set(stamps)) > 3


async def test_a_page_holds_twenty_unless_stated(county: Served) -> None:
    found = (await county.ask("C1", "{ officers { nodes { number } pageInfo { hasNextPage } totalCount } }")).data
    assert [node["number"] for node in found["officers"]["nodes"]] == OFFICERS[:20]
    assert (found["officers"]["pageInfo"]["hasNextPage"], found["officers"]["totalCount"]) == (True, 23)
    left_out = (await county.ask("C1", "{ officers(first: null, last: null, after: null) { nodes { id } } }")).data
    assert len(left_out["officers"]["nodes"]) == 20
    cursor = (await county.ask("C1", "{ officers(first: 22) { pageInfo { endCursor } } }")).data
    asked = "query($c: String) { officers(before: $c) { nodes { number } pageInfo { hasNextPage hasPreviousPage } } }"
    found = (await county.ask("C1", asked, c=cursor["officers"]["pageInfo"]["endCursor"])).data["officers"]
    assert [node["number"] for node in found["nodes"]] == OFFICERS[:20]
    assert found["pageInfo"] == {"hasNextPage": True, "hasPreviousPage": False}


SIZES = ("first: 1, last: 1", "first: 0, last: 0", "first: -1", "last: -1", "first: 101", "last: 101")
NESTED = {
    "households": "divisions",
    "income": "households",
    "entries": "notices",
    "units": "samples",
    "lines": "batches",
}


@each_field
async def test_sizes_that_cannot_be_are_refused(county: Served, listed: Listed) -> None:
    for size in SIZES:
        message = "State either `first` or `last`." if "," in size else ""
        refused(await county.ask("C1", f"{{ {listed.field}({size}) {{ totalCount }} }}"), message)
    assert (await county.ask("C1", f"{{ {listed.field}(first: 100) {{ totalCount }} }}")).data


@pytest.mark.parametrize("field", NESTED)
async def test_sizes_and_cursors_of_nested_pages_are_looked_at_even_where_there_is_nothing_to_page(
    county: Served, field: str
) -> None:
    for parents in (NESTED[field], f"{NESTED[field]}(first: 0)"):
        for own in (*SIZES, 'after: "x"', 'before: ""'):
            document = f"{{ {parents} {{ nodes {{ {field}({own}) {{ nodes {{ id }} }} }} }} }}"
            refused(await county.ask("C1", document))


async def test_a_document_that_multiplies_is_refused_by_what_its_pages_may_hold(county: Served) -> None:
    async def codes(document: str, **variables: Any) -> list[str]:
        answer = await county.ask("C1", document, **variables)
        return answer.codes if "errors" in answer.body else []

    deep = "{ households(first: %d) { nodes { income(first: %d) { nodes { id } } } } }"
    assert await codes(deep % (100, 100)) == []
    assert await codes(deep % (0, 100)) == []
    thrice = (
        "{ divisions(first: %d) { nodes { households(first: %d) { nodes { income(first: %d) { nodes { id } } } } } } }"
    )
    assert await codes(thrice % (100, 100, 2)) == ["TOO_LARGE"]
    assert await codes(thrice % (100, 100, 0)) == []
    # Many objects by their ids multiply as a page does.
    found = (await county.ask("C1", "{ notices { nodes { id } } }")).data["notices"]["nodes"]
    ids = [node["id"] for node in found]
    entries = "entries(first: 100) { nodes { case { notice { entries(first: %d) { nodes { id } } } } } }"
    by_id = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Notice { " + entries + " } } }"
    assert await codes(by_id % 90, ids=ids[:1]) == []
    assert await codes(by_id % 90, ids=ids) == ["TOO_LARGE"]


@each_field
async def test_whatever_is_no_cursor_of_the_list_is_refused_in_our_words(county: Served, listed: Listed) -> None:
    own = (await page(county, listed, "first: 1"))["cursors"][0]
    name, *values = unpacked(own)
    others = [(await page(county, other, "first: 1"))["cursors"][0] for other in DEFAULTS if other is not listed]
    wrong = [
        "", " ", "x", "é", "中文", "====", own[:-1], own[: len(own) // 2], own + "A", own[1:], "A" + own, own * 2, *others,
        packed([]), packed({}), packed(5), packed("null"), packed("nonsense"), packed(name), packed([name]),
        packed([name, *values, values[-1]]), packed([name, *values[:-1]]), packed([name.lower(), *values]),
        packed([f"{name}X", *values]), packed([name, *[None] * len(values)]), packed([name, *[[]] * len(values)]),
        packed([name, *[{}] * len(values)]), packed([name, *[True] * len(values)]), packed([name, *[1.5] * len(values)]),
        packed([name, *[10**30] * len(values)]), packed([name, *["\ud800"] * len(values)]),
        packed([name, *["\0"] * len(values)]), packed("[" * 100_000), packed("9" * 10_000),
    ]  # fmt: skip
    for cursor in wrong:
        for side in ("after", "before"):
            document = f"query($c: String) {{ {listed.field}({side}: $c) {{ nodes {{ id }} }} }}"
            refused(await county.ask("C1", document, c=cursor), NOT_A_CURSOR)
    assert (await page(county, listed, "after: $c", c=own))["keys"] == (await listed.keys(county))[1:21]


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("audit", ["2021-10-28T00:00:00", "{id}"]),
        ("audit", ["2021-10-28 00:00:00", "{id}"]),
        ("audit", ["0001-01-01 00:00:00+14:00", "{id}"]),
        ("audit", ["9999-12-31 23:59:59-14:00", "{id}"]),
        ("income", ["{id}", "2021-02-30", "{id}"]),
        ("income", ["{id}", "20210301", "{id}"]),
        ("households", [V1, "{id}".upper()]),
        ("households", [f"{V1}.0", "{id}"]),
        ("households", [2**63, "{id}"]),
        ("divisions", ["٩٩٠٢٠١٠٠٠٠٠٠"]),
        ("divisions", ["990_201_000_000"]),
    ],
)
async def test_a_made_up_cursor_does_not_reach_the_database(county: Served, field: str, values: list[Any]) -> None:
    listed = next(own for own in DEFAULTS if own.field == field)
    name = unpacked((await page(county, listed, "first: 1"))["cursors"][0])[0]
    known = "00000000-0000-7000-8000-00000000000a"
    made = [
        value.replace("{id}", known).replace("{ID}", known.upper()) if isinstance(value, str) else value
        for value in values
    ]
    document = f"query($c: String) {{ {field}(after: $c) {{ nodes {{ id }} }} }}"
    refused(await county.ask("C1", document, c=packed([name, *made])), NOT_A_CURSOR)


async def test_a_made_up_place_on_a_notice_does_not_reach_the_database(county: Served) -> None:
    found = (await county.ask("C1", "{ notices { nodes { entries { pageInfo { endCursor } } } } }")).data
    name, notice, _, entry = unpacked(next(leaves(found)))
    document = "query($c: String) { notices { nodes { entries(after: $c) { nodes { id } } } } }"
    refused(await county.ask("C1", document, c=packed([name, notice, 2**31, entry])), NOT_A_CURSOR)
    assert (await county.ask("C1", document, c=packed([name, notice, 2**31 - 1, entry]))).data


async def test_a_cursor_belongs_to_its_order(county: Served) -> None:
    for field, one, other in (("households", "NUMBER", "DIVISION"), ("cases", "SINCE", "DIVISION")):
        first = f"{{ {field}(first: 1, orderBy: {one}) {{ pageInfo {{ endCursor }} }} }}"
        cursor = (await county.ask("C1", first)).data[field]["pageInfo"]["endCursor"]
        for order in ("", f", orderBy: {other}"):
            document = f"query($c: String) {{ {field}(after: $c{order}) {{ nodes {{ id }} }} }}"
            refused(await county.ask("C1", document, c=cursor), NOT_A_CURSOR)
        document = f"query($c: String) {{ {field}(after: $c, orderBy: {one}) {{ nodes {{ id }} }} }}"
        assert len((await county.ask("C1", document, c=cursor)).data[field]["nodes"]) == 7


@each_field
async def test_a_list_is_counted_only_where_its_count_is_asked_for(county: Served, listed: Listed) -> None:
    expected = len(await listed.keys(county))
    for selection, most, counts in (
        ("__typename", 0, 0),
        ("nodes { id }", 1, 0),
        ("edges { cursor } pageInfo { hasNextPage }", 1, 0),
        ("totalCount", 1, 1),
        ("totalCount nodes { id }", 2, 1),
    ):
        with statements(county) as seen:
            answer = await county.ask("C1", f"{{ {listed.field}(first: 1) {{ {selection} }} }}")
        assert answer.data[listed.field].get("totalCount", expected) == expected
        assert len(seen) == OPENING * bool(most) + most + (OPENING - 1) * (not most), seen.seen
        assert sum("count(" in sql for sql in seen.seen) == counts


# --- filters --------------------------------------------------------------------------------------------------

REACHED = {
    "DivisionFilter": "divisions(filter: %s)",
    "OrganizationFilter": "organizations(filter: %s)",
    "OfficerFilter": "officers(filter: %s)",
    "HouseholdFilter": "households(filter: %s)",
    "PersonFilter": "persons(filter: %s)",
    "IncomeFilter": "income(filter: %s)",
    "CaseFilter": "cases(filter: %s)",
    "NoticeFilter": "notices(filter: %s)",
    "SampleFilter": "samples(filter: %s)",
    "SampleUnitFilter": "samples { nodes { units(filter: %s)",
    "BatchFilter": "batches(filter: %s)",
    "PaymentLineFilter": "batches { nodes { lines(filter: %s)",
    "ProvisionFilter": "provisions(filter: %s)",
    "JobFilter": "jobs(filter: %s)",
    "AuditFilter": "audit(filter: %s)",
}
NUMBERS = [home.number for home in HOMES]


def numbers(meets: Callable[[Any], bool]) -> list[str]:
    return [home.number for home in HOMES if meets(home)]


def category(name: str) -> list[str]:
    return numbers(lambda home: name in dict(home.income))


ENDED = {"H3": "REFUSED", "H6": "REFUSED", "H8": "REFUSED"}
FILTERS: tuple[tuple[str, str, str, list[Any]], ...] = (
    ("DivisionFilter", "{level: COUNTY}", "name", ["测试县"]),
    ("DivisionFilter", "{level: TOWNSHIP}", "name", ["东镇", "西镇"]),
    ("DivisionFilter", "{level: VILLAGE}", "name", ["甲村", "乙村", "丙村"]),
    ("DivisionFilter", f'{{within: "{T1}"}}', "name", ["东镇", "甲村", "乙村"]),
    ("DivisionFilter", f'{{within: "{V3}"}}', "name", ["丙村"]),
    ("DivisionFilter", f'{{within: "{CODE}", level: TOWNSHIP}}', "name", ["东镇", "西镇"]),
    ("DivisionFilter", f'{{directlyIn: "{BASE}"}}', "name", ["东镇", "西镇"]),
    ("DivisionFilter", f'{{directlyIn: "{T1}"}}', "name", ["甲村", "乙村"]),
    ("DivisionFilter", f'{{directlyIn: "{V1}"}}', "name", []),
    ("DivisionFilter", "{poor: true}", "name", ["甲村", "丙村"]),
    ("DivisionFilter", "{poor: false}", "name", ["乙村"]),
    ("OrganizationFilter", "{kind: ENTERPRISE}", "name", ["丙企业", "丁企业"]),
    ("OrganizationFilter", "{kind: BANK}", "name", []),
    ("OrganizationFilter", f'{{creditCode: "{UNITS[1][0]}"}}', "name", ["乙学校"]),
    ("OrganizationFilter", f'{{creditCode: "{UNITS[1][0]}", kind: BUREAU}}', "name", []),
    ("OfficerFilter", '{number: ["VC1", "K2", "nobody"]}', "number", ["K2", "VC1"]),
    ("OfficerFilter", "{number: []}", "number", []),
    ("OfficerFilter", "{duty: VILLAGE_CADRE}", "number", ["A1", "B1", "B3"]),
    ("OfficerFilter", '{duty: VILLAGE_CADRE, number: ["A1", "A2"]}', "number", ["A1"]),
    ("OfficerFilter", "{duty: COUNTY_OFFICE}", "number", ["C1", "C2", "C3", "R1"]),
    ("HouseholdFilter", '{number: ["H2", "H7", "H77"]}', "number", ["H2", "H7"]),
    ("HouseholdFilter", "{number: []}", "number", []),
    ("HouseholdFilter", f'{{division: "{V1}"}}', "number", numbers(lambda h: h.village == "甲村")),
    ("HouseholdFilter", f'{{division: "{T1}"}}', "number", numbers(lambda h: h.township == "东镇")),
    ("HouseholdFilter", f'{{division: "{str(T2)[:9]}"}}', "number", numbers(lambda h: h.township == "西镇")),
    ("HouseholdFilter", f'{{division: "{CODE}"}}', "number", NUMBERS),
    ("HouseholdFilter", '{division: "990202"}', "number", []),
    ("HouseholdFilter", "{standing: POOR}", "number", ["H8"]),
    ("HouseholdFilter", "{standing: EXITED}", "number", NUMBERS[:-1]),
    ("HouseholdFilter", "{standing: GENERAL}", "number", []),
    ("HouseholdFilter", '{head: "测3户主"}', "number", ["H3"]),
    ("HouseholdFilter", '{head: "测3配偶"}', "number", []),
    ("HouseholdFilter", f'{{division: "{T1}", standing: POOR}}', "number", []),
    ("PersonFilter", '{name: "测8配偶"}', "name", ["测8配偶"]),
    ("PersonFilter", '{name: "测8"}', "name", []),
    ("PersonFilter", f'{{division: "{V2}"}}', "name", ["测5户主", "测5配偶", "测6户主", "测6配偶"]),
    ("PersonFilter", f'{{identityNumber: "{identity(1)}"}}', "name", ["测1户主"]),
    ("IncomeFilter", "{category: BREEDING}", "household { number }", category("养殖")),
    ("IncomeFilter", "{category: PLANTING}", "household { number }", sorted([*category("种植"), "H6"])),
    ("IncomeFilter", "{category: LABOUR}", "household { number }", category("务工")),
    ("IncomeFilter", "{category: SELF_EMPLOYMENT}", "household { number }", category("自主经营")),
    ("IncomeFilter", '{since: "2021-03-02"}', "gross", ["120.00"]),
    ("IncomeFilter", '{since: "2021-05-01", until: "2021-05-01"}', "item", ["土豆"]),
    ("IncomeFilter", '{until: "2021-02-28"}', "item", []),
    ("IncomeFilter", f'{{division: "{V3}"}}', "gross", ["333.33", "8000.00"]),
    ("CaseFilter", '{programme: "consolidation"}', "household { number }", NUMBERS),
    ("CaseFilter", '{programme: "another"}', "household { number }", []),
    ("CaseFilter", '{period: "2021"}', "household { number }", NUMBERS),
    ("CaseFilter", '{period: "2022"}', "household { number }", []),
    ("CaseFilter", '{household: ["H8", "H1", "H9"]}', "household { number }", ["H1", "H8"]),
    ("CaseFilter", "{household: []}", "household { number }", []),
    ("CaseFilter", f'{{division: "{V2}"}}', "household { number }", ["H5", "H6"]),
    ("CaseFilter", '{stage: ["closed"]}', "household { number }", ["H1", "H2", "H5"]),
    ("CaseFilter", '{stage: ["payment", "accounting"]}', "household { number }", ["H4", "H7"]),
    ("CaseFilter", "{stage: []}", "household { number }", []),
    ("CaseFilter", "{outcome: ELIGIBLE}", "household { number }", numbers(lambda h: h.outcome == "eligible")),
    ("CaseFilter", "{outcome: REFUSED}", "household { number }", numbers(lambda h: h.outcome == "refused")),
    ("CaseFilter", "{outcome: INCOMPLETE}", "household { number }", ["H4"]),
    ("CaseFilter", '{since: "2021-10-23"}', "household { number }", ["H7"]),
    ("CaseFilter", '{since: "2021-10-29"}', "household { number }", []),
    ("NoticeFilter", '{programme: "consolidation"}', "division { name }", ["甲村", "乙村", "丙村"]),
    ("NoticeFilter", '{programme: "another"}', "division { name }", []),
    ("NoticeFilter", '{period: "2020"}', "division { name }", []),
    ("NoticeFilter", f'{{division: "{T1}", period: "2021"}}', "division { name }", ["甲村", "乙村"]),
    ("NoticeFilter", '{openOn: "2021-10-15"}', "division { name }", ["甲村", "乙村", "丙村"]),
    ("NoticeFilter", '{openOn: "2021-10-16"}', "division { name }", []),
    ("NoticeFilter", '{openOn: "2021-10-10"}', "division { name }", []),
    ("SampleFilter", '{programme: "consolidation"}', "number", [1, 2]),
    ("SampleFilter", '{programme: ""}', "number", []),
    ("SampleFilter", '{period: "2021"}', "number", [1, 2]),
    ("SampleFilter", '{period: "2020"}', "number", []),
    ("BatchFilter", '{programme: "consolidation"}', "number", [1, 2, 3]),
    ("BatchFilter", '{programme: "another"}', "number", []),
    ("BatchFilter", '{period: "2021"}', "number", [1, 2, 3]),
    ("BatchFilter", '{period: "2020"}', "number", []),
    ("PaymentLineFilter", f'{{division: "{V1}", standing: true}}', "household { number }", ["H1", "H2"]),
    ("PaymentLineFilter", f'{{division: "{V2}"}}', "household { number }", ["H5", "H5"]),
    ("PaymentLineFilter", "{standing: true}", "household { number }", ["H1", "H2", "H5", "H7"]),
    ("PaymentLineFilter", "{standing: false}", "household { number }", ["H1", "H2", "H5"]),
    ("ProvisionFilter", '{programme: "consolidation"}', "state", ["DRAFT", "RELEASED"]),
    ("ProvisionFilter", '{programme: "another"}', "state", []),
    ("ProvisionFilter", "{state: RELEASED}", "number", ["测政办〔2021〕1号"]),
    ("ProvisionFilter", "{state: DRAFT}", "number", ["测政办〔2021〕9号"]),
    ("JobFilter", "{state: [QUEUED]}", "kind", ["export/notice"]),
    ("JobFilter", "{state: [QUEUED, REFUSED]}", "kind", ["export/notice", "income"]),
    ("JobFilter", "{state: []}", "kind", []),
    ("JobFilter", "{state: [RUNNING, FAILED]}", "kind", []),
    ("JobFilter", "{mine: true}", "kind", ["account"]),
    ("JobFilter", "{mine: false, state: [QUEUED]}", "kind", ["export/notice"]),
    ("AuditFilter", '{action: "export_payments"}', "officer { number }", ["FI"]),
    ("AuditFilter", '{action: "nothing"}', "officer { number }", []),
    ("AuditFilter", '{since: "2021-10-28T00:00:00+08:00", action: "export_payments"}', "reason", ["报送"]),
    ("AuditFilter", '{until: "2021-10-27T16:00:00Z", action: "export_payments"}', "reason", []),
)


async def filtered(served: Served, kind: str, given: str, leaf: str, number: str = "C1") -> list[Any]:
    """The values of one field of everything that a filter lets through, sorted; they are as many as it counts."""
    reach = REACHED[kind] % given
    document = f"{{ {reach} {{ totalCount nodes {{ {leaf} }} }} {'} }' * reach.count('{ nodes {')} }}"
    data = (await served.ask(number, document)).data
    found = list(leaves(data))
    counts = [own["totalCount"] for own in _connections(data)]
    assert sum(counts) == len(found)
    return sorted(found)


def _connections(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, dict):
        if "totalCount" in value:
            yield value
        for own in value.values():
            yield from _connections(own)
    elif isinstance(value, list):
        for own in value:
            yield from _connections(own)


@pytest.mark.parametrize(("kind", "given", "leaf", "expected"), FILTERS, ids=[f"{f[0]} {f[1]}" for f in FILTERS])
async def test_a_filter_finds_exactly_what_meets_it(
    county: Served, kind: str, given: str, leaf: str, expected: list[Any]
) -> None:
    assert await filtered(county, kind, given, leaf) == sorted(expected)


async def test_samples_and_the_audit_record_are_filtered_as_plain_sql_would(county: Served) -> None:
    for given, condition in (
        ("{drawn: true}", "drawn"), ("{drawn: false}", "not drawn"), ("{passed: true}", "passed"),
        ("{passed: false}", "passed is false"), ("{drawn: true, passed: true}", "drawn and passed"),
    ):  # fmt: skip
        rows = await county.world.rows(
            "select h.number from sample_unit u join case_file c on c.id = u.case_id"
            f" join household h on h.id = c.household_id where {condition} order by 1"
        )
        found = await filtered(county, "SampleUnitFilter", given, "case { household { number } }")
        assert found == [row[0] for row in rows], given
    (released,) = (
        row[0] for row in await county.world.rows("select id from payment_batch where released_at is not null")
    )
    rows = await county.world.rows("select action from audit_entry where object = :o order by 1", o=f"batch/{released}")
    assert len(rows) >= 3
    assert await filtered(county, "AuditFilter", f'{{object: "batch/{released}"}}', "action") == [r[0] for r in rows]
    (noon,) = (
        row[0] for row in await county.world.rows("select at from audit_entry where action = 'draw_sample' limit 1")
    )
    for word, sign in (("since", ">="), ("until", "<=")):
        (total,) = (
            row[0] for row in await county.world.rows(f"select count(*) from audit_entry where at {sign} :t", t=noon)
        )
        document = f'{{ audit(filter: {{{word}: "{noon.isoformat()}"}}) {{ totalCount }} }}'
        assert (await county.ask("C1", document)).data["audit"]["totalCount"] == total > 0


def test_every_field_of_every_filter_is_tried() -> None:
    tried = {f"{kind}.{name}" for kind, given, _, _ in FILTERS for name in re.findall(r"(\w+):", given)}
    tried |= {"SampleUnitFilter.drawn", "SampleUnitFilter.passed", "AuditFilter.object"}
    assert tried >= {f"{kind}.{name}" for kind, name in _filter_fields()}
    assert set(REACHED) == {kind for kind, _ in _filter_fields()}


def _filter_fields() -> list[tuple[str, str]]:
    return [
        (kind.name, name)
        for kind in SCHEMA.type_map.values()
        if isinstance(kind, GraphQLInputObjectType) and kind.name.endswith("Filter")
        for name in kind.fields
    ]


@pytest.mark.parametrize(("kind", "name"), _filter_fields())
async def test_null_in_a_filter_is_refused_by_name(county: Served, kind: str, name: str) -> None:
    message = f"`filter.{name}` is null; leave it out to filter by something else."
    reach = REACHED[kind]
    closing = "} }" * reach.count("{ nodes {")
    refused(await county.ask("C1", f"{{ {reach % f'{{{name}: null}}'} {{ nodes {{ id }} }} {closing} }}"), message)
    document = f"query($f: {kind}) {{ {reach % '$f'} {{ totalCount }} {closing} }}"
    refused(await county.ask("C1", document, f={name: None}), message)
    whole = [(await county.ask("C1", document, **own)).data for own in ({}, {"f": None}, {"f": {}})]
    assert whole[0] == whole[1] == whole[2]


async def test_a_division_outside_ones_area_holds_nothing(county: Served) -> None:
    for kind, leaf in (
        ("HouseholdFilter", "number"), ("PersonFilter", "name"), ("IncomeFilter", "item"), ("CaseFilter", "id"),
        ("NoticeFilter", "id"),
    ):  # fmt: skip
        for code in (V2, V3, T2):
            assert await filtered(county, kind, f'{{division: "{code}"}}', leaf, "VC1") == [], (kind, code)
        inside = await filtered(county, kind, f'{{division: "{V1}"}}', leaf, "VC1")
        assert inside
        assert await filtered(county, kind, f'{{division: "{BASE}"}}', leaf, "VC1") == inside
    for given in ('{number: ["H5"]}', '{head: "测5户主"}'):
        assert await filtered(county, "HouseholdFilter", given, "number", "VC1") == []
    assert await filtered(county, "CaseFilter", '{household: ["H5", "H1"]}', "household { number }", "VC1") == ["H1"]
    assert await filtered(county, "PersonFilter", f'{{identityNumber: "{identity(4 * 7 + 1)}"}}', "name", "VC1") == []


async def test_an_identity_number_finds_exactly_its_person(county: Served) -> None:
    async def found(number: str) -> list[Any]:
        return await filtered(county, "PersonFilter", f"{{identityNumber: {json.dumps(number)}}}", "name")

    x = 0
    for index, home in enumerate(HOMES):
        for offset, who in ((1, "户主"), (501, "配偶")):
            number = identity(index * 7 + offset)
            for written in (
                number,
                number[:6] + number[8:17],
                number.lower(),
                f" {number[:6]} {number[6:14]}-{number[14:]} ",
            ):
                assert await found(written) == [f"测{home.number[1:]}{who}"], written
            x += number.endswith("X")
    assert x >= 3, "some end in an X"
    known = identity(1)
    wrong_check = known[:-1] + ("0" if known[-1] != "0" else "1")
    for written in ("", "X", known[:-1], known[:17], known + "0", wrong_check, identity(2), "测1户主", "*" * 18,
                    "990*************17", "%", "٩" * 18, "9" * 5000, known.replace("1980", "1879")):  # fmt: skip
        assert await found(written) == [], written


async def test_identity_numbers_go_in_whole_and_come_out_masked(county: Served) -> None:
    shown = (await county.ask("C1", "{ persons { nodes { name identityNumberMasked } } }")).data["persons"]["nodes"]
    number = {
        f"测{h.number[1:]}{w}": identity(i * 7 + o)
        for i, h in enumerate(HOMES)
        for w, o in (("户主", 1), ("配偶", 501))
    }
    assert {p["name"]: p["identityNumberMasked"] for p in shown} == {
        name: f"{own[:3]}{'*' * 13}{own[-2:]}" for name, own in number.items()
    }


# --- objects by their ids ---------------------------------------------------------------------------------------

TYPES = sorted(kind.name for kind in SCHEMA.get_possible_types(SCHEMA.type_map["Node"]))  # type: ignore[arg-type]
EVERY_ID = """{
  divisions { nodes { id __typename } } organizations { nodes { id __typename } }
  officers { nodes { id __typename assignments { id __typename } } }
  households { nodes { id __typename members { id __typename } standings { id __typename } account { id __typename }
    linkedCadre { id __typename } } }
  persons { nodes { id __typename } } income { nodes { id __typename } }
  cases { nodes { id __typename determinations { id __typename } events { id __typename } signatures { id __typename }
    objections { id __typename } award { id __typename } } }
  notices { nodes { id __typename entries { nodes { id __typename } } } }
  samples { nodes { id __typename units { nodes { id __typename } } } }
  batches { nodes { id __typename lines { nodes { id __typename } } } }
  provisions { nodes { id __typename } } audit { nodes { id __typename } }
  jobs { nodes { id __typename file { id __typename } } }
}"""
NODES = "query($ids: [ID!]!) { nodes(ids: $ids) { id __typename } }"


def _objects(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        if "__typename" in value:
            yield value["__typename"], value["id"]
        for own in value.values():
            yield from _objects(own)
    elif isinstance(value, list):
        for own in value:
            yield from _objects(own)


@pytest.fixture(scope="module")
async def ids(county: Served) -> dict[str, list[str]]:
    """The ids of everything that there is, by type."""
    data = {**(await county.ask("C1", EVERY_ID)).data, "payments": (await county.ask("FI", EVERY_FILE)).data}
    found: dict[str, list[str]] = {}
    for kind, id in _objects(data):
        found.setdefault(kind, []).append(id)
    return found


EVERY_FILE = "{ jobs { nodes { file { id __typename } } } }"


async def test_every_kind_of_object_is_found_again_by_its_id(county: Served, ids: dict[str, list[str]]) -> None:
    assert sorted(ids) == TYPES
    for kind, own in ids.items():
        assert len(set(own)) == len(own)
        node = (await county.ask("C1", "query($id: ID!) { node(id: $id) { id __typename } }", id=own[0])).data["node"]
        assert node == {"id": own[0], "__typename": kind}
        for start in range(0, len(own), 100):
            part = own[start : start + 100]
            assert (await county.ask("C1", NODES, ids=part)).data["nodes"] == [
                {"id": i, "__typename": kind} for i in part
            ]


async def test_nodes_keeps_the_order_in_a_statement_for_each_type(county: Served, ids: dict[str, list[str]]) -> None:
    mixed = [own[n % len(own)] for n in range(3) for own in ids.values()][:99]
    mixed = [*mixed[1:], "nonsense", *mixed[:1]]
    with statements(county) as seen:
        found = (await county.ask("C1", NODES, ids=mixed)).data["nodes"]
    assert [node["id"] if node else None for node in found] == [None if id == "nonsense" else id for id in mixed]
    assert len(seen) == OPENING + len(TYPES)
    assert (await county.ask("C1", NODES, ids=[])).data["nodes"] == []
    hundred = [ids["Household"][0]] * 100
    assert len((await county.ask("C1", NODES, ids=hundred)).data["nodes"]) == 100
    refused(await county.ask("C1", NODES, ids=[*hundred, "x"]))


async def test_an_id_that_is_none_finds_nothing(county: Served, ids: dict[str, list[str]]) -> None:
    known = ids["Household"][0]
    key = key_of(known)
    wrong = ["", " ", "x", "é", "中文", "null", known[:-1], known + "A", known * 2, key, packed(""), packed(":"),
             packed("Household"), packed("Household:"), packed(f":{key}"), packed(f"household:{key}"),
             packed(f"Person:{key}"), packed(f"Officer:{key}"), packed(f"ConsolidationCase:{key}"), packed(f"Node:{key}"),
             packed(f"Query:{key}"), packed(f"Household:{key}:"), packed(f"Household:{key.upper()}"),
             packed(f"Household:{{{key}}}"), packed(f"Household:{key.replace('-', '')}"),
             packed("Household:01a204f1-c2a9-73d4-b66a-0c68c206d3ee"), packed("Household:H1"), packed("Household:\0"),
             packed("Household:'; drop table household; --"), packed("Division:0"), packed("Division:x"),
             packed(f"Division:{10**30}"), packed(f"Division: {V1}"), packed(f"Division:0{V1}"), packed(f"Division:-{V1}"),
             packed(f"Division:{key}"), packed("Household:" + "9" * 10_000), known + "="]  # fmt: skip
    for id in wrong:
        assert (await county.ask("C1", "query($id: ID!) { node(id: $id) { id } }", id=id)).data == {"node": None}, id
    assert (await county.ask("C1", NODES, ids=wrong)).data["nodes"] == [None] * len(wrong)


async def test_what_is_out_of_sight_is_no_object(county: Served, ids: dict[str, list[str]]) -> None:
    mine = "{ households { nodes { id } } persons { nodes { id } } income { nodes { id } } cases { nodes { id } } }"
    own = set(leaves((await county.ask("K2", mine)).data))
    for kind, table in (
        ("Household", "household"),
        ("Person", "person"),
        ("IncomeLine", "income_line"),
        ("ConsolidationCase", "case_file"),
    ):
        rows = await county.world.rows(f"select id from {table} where division between {T2} and {T2 + 999}")
        found = (await county.ask("K2", NODES, ids=ids[kind])).data["nodes"]
        seen = {node["id"] for node in found if node}
        assert seen == {id for id in ids[kind] if id in own}
        assert {key_of(id) for id in seen} >= {str(row[0]) for row in rows} - (
            {str(r[0]) for r in await county.world.rows("select id from income_line where known_to is not null")}
        )
        assert 0 < len(seen) < len(ids[kind])
    for kind in ("PaymentBatch", "Sample", "File"):
        assert (await county.ask("K2", NODES, ids=ids[kind])).data["nodes"] == [None] * len(ids[kind])


async def test_a_type_that_a_role_may_not_read_is_no_object_for_it(county: Served, ids: dict[str, list[str]]) -> None:
    first = {kind: own[0] for kind, own in ids.items()}
    for number, seen in (("E1", {"Division"}), ("R2", set(TYPES) - {"AuditEntry", "PaymentBatch", "PaymentLine"})):
        found = (await county.ask(number, NODES, ids=list(first.values()))).data["nodes"]
        assert {node["__typename"] for node in found if node} == seen
    for number, kind in (("K1", "AuditEntry"), ("L1", "PaymentLine"), ("E1", "ConsolidationCase"), ("E1", "Officer")):
        node = await county.ask(number, "query($id: ID!) { node(id: $id) { id } }", id=first[kind])
        assert node.data == {"node": None}
        # The same with a field of it is a document that the role may never send.
        answer = await county.ask(
            number, f"query($id: ID!) {{ node(id: $id) {{ ... on {kind} {{ id }} }} }}", id=first[kind]
        )
        assert answer.codes == ["FORBIDDEN"]


# --- every field ------------------------------------------------------------------------------------------------


def everything(kind: GraphQLObjectType | GraphQLInterfaceType, relations: bool) -> str:
    """A selection of every field of a type, or of every one that leads to other objects."""
    selected = []
    for name, field in kind.fields.items():
        if any(is_required_argument(argument) for argument in field.args.values()):
            continue
        leads = get_named_type(field.type)
        if is_leaf_type(leads):
            selected += [] if relations else [name]
        elif leads.name.endswith("Connection"):
            selected.append(f"{name} {{ totalCount nodes {{ id }} }}")
        elif not relations or "id" in leads.fields:  # type: ignore[union-attr]
            selected.append(f"{name} {{ {'id' if 'id' in leads.fields else '__typename'} }}")  # type: ignore[union-attr]
    return " ".join(selected)


@pytest.mark.parametrize("name", TYPES)
async def test_every_field_of_every_type_is_read_in_a_statement_at_most(
    county: Served, ids: dict[str, list[str]], name: str
) -> None:
    kind = SCHEMA.type_map[name]
    assert isinstance(kind, GraphQLObjectType)
    document = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename ... on %s { %s } } }"
    own = ids[name][:100]
    found = (await county.ask("C1", document % (name, everything(kind, relations=False)), ids=own)).data["nodes"]
    assert [node["id"] for node in found] == own
    related = everything(kind, relations=True)
    counts = []
    for asked in (own, [id for id, node in zip(own, found, strict=True) if _fullest(node, found)][:1]):
        with statements(county) as seen:
            assert (await county.ask("C1", document % (name, related or "id"), ids=asked)).data
        counts.append(len(seen))
    assert counts[0] <= OPENING + 1 + related.count(" id }") + related.count("totalCount")
    assert counts[0] - counts[1] <= sum(value is None for value in found[0].values())


def _fullest(node: Mapping[str, Any], nodes: list[Mapping[str, Any]]) -> bool:
    return sum(v is not None for v in node.values()) == max(sum(v is not None for v in own.values()) for own in nodes)
