"""The edge under attack: whatever is sent, the answer is a refusal in our words, and the server goes on."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from graphql import GraphQLError, get_introspection_query
from sqlalchemy import text
from strawberry.extensions.parser_cache import _get_parse_cache
from strawberry.extensions.validation_cache import _get_validate_cache

from bangfu.db import Database
from bangfu.db.session import engine_for
from bangfu.settings import Settings
from bangfu.vault import Vault
from bangfu_graphql import defences, http, planning, schema, server
from bangfu_graphql.reading import Reader
from bangfu_graphql.requests import Request
from bangfu_graphql.tokens import Tokens
from tests.api.conftest import ISSUER, OPERATIONS, Served, serving
from tests.county import POSTED, World

JSON, RESPONSE = "application/json", "application/graphql-response+json"
TYPENAME = "{ __typename }"
ANSWER = {"data": {"__typename": "Query"}}
LEAKS = re.compile(
    r"Traceback|\.py\b|site-packages|sqlalchemy|asyncpg|strawberry|starlette|\w+Error\b|Exception|instance>|object at"
    r"|\b(?:None|True|False)\b|\[SQL|\bselect .+ from\b|\binsert into\b|\bupdate .+ set\b|\bdelete from\b"
)
"""What an answer holds only where something of ours shows through."""
SECRET = "610123198001011234"

# --- asking ---------------------------------------------------------------------------------------------------


async def send(served: Served, content: Any, officer: str = "C1", /, **headers: str | None) -> httpx2.Response:
    """POST a body as it is; a header that is None is left out."""
    named = {"Content-Type": JSON, **{name.replace("_", "-"): value for name, value in headers.items()}}
    own = {name: value for name, value in served.headers(officer).items() if name not in named}
    given = own | {name: value for name, value in named.items() if value is not None}
    return await served.client.post(served.url, content=content, headers=given)


async def ask(served: Served, query: str, officer: str = "C1", accept: str = RESPONSE, **more: Any) -> httpx2.Response:
    """POST a document, and take the specification's own statuses for the answer."""
    return await send(served, json.dumps({"query": query, **more}), officer, Accept=accept)


async def raw(served: Served, data: bytes, *, ends: bool = False) -> bytes:
    """Whatever comes back for some bytes until the server closes the connection, or answers at all."""
    host, port = served.address.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(data)
    if ends:
        writer.write_eof()
    answer = await asyncio.wait_for(reader.read(65_536), 10)
    writer.close()
    await writer.wait_closed()
    return answer


def told(response: httpx2.Response, status: int, *codes: str) -> str:
    """What a refusal says first, where it is one as they all are, with these codes."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] in (JSON, RESPONSE)
    body = response.json()
    assert not body.get("data"), body
    assert {error["extensions"]["code"] for error in body["errors"]} == set(codes), body
    assert {error["extensions"]["traceId"] for error in body["errors"]} == {response.headers["X-Trace-Id"]}
    assert LEAKS.search(response.text) is None, response.text
    message: str = body["errors"][0]["message"]
    return message


async def well(served: Served) -> None:
    """The server goes on, and answers on the same connection."""
    response = await ask(served, "{ viewer { number } }")
    assert (response.status_code, response.json()) == (200, {"data": {"viewer": {"number": "C1"}}})


def faults(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """What the API has logged."""
    return [record for record in caplog.records if record.name == "bangfu.api"]


def boom(*_: Any, **__: Any) -> Any:
    """A bug, with personal data in its text."""
    raise RuntimeError(f"secret {SECRET}")


# --- abuse ----------------------------------------------------------------------------------------------------


def document(query: str) -> bytes:
    """The body that asks it."""
    return json.dumps({"query": query}).encode()


def fragments(bodies: Iterable[str]) -> str:
    """A query whose fragments are F0, F1, …"""
    named = "".join(f" fragment F{i} on Query {{ {body} }}" for i, body in enumerate(bodies))
    return f"{{ ...F0 }}{named}"


def repeated(item: str, times: int) -> str:
    """An item with its number in it, so many times."""
    return " ".join(item.replace("#", str(i)) for i in range(times))


CIRCLE = "fields { type { fields { type { fields { type { name } } } } } }"
MANY = [f"...F{(i + 1) % 500}" for i in range(500)]
ABUSE: dict[str, tuple[Callable[[], bytes], int, tuple[str, ...]]] = {
    "10 MB query": (lambda: document(f"{{ __typename {' ' * 10_000_000} }}"), 413, ("TOO_LARGE",)),
    "900 kB query": (lambda: document(f"{{ __typename {' ' * 900_000} }}"), 413, ("TOO_LARGE",)),
    "50 MB variable": (
        lambda: b'{"query":"query($a:String){__typename}","variables":{"a":"%s"}}' % (b"x" * 50_000_000),
        413,
        ("TOO_LARGE",),
    ),
    "list 5,000 deep": (lambda: document(f"{{nodes(ids:{'[' * 5000}{']' * 5000}){{id}}}}"), 400, ("TOO_LARGE",)),
    "list 1,000 deep": (lambda: document(f"{{nodes(ids:{'[' * 1000}{']' * 1000}){{id}}}}"), 400, ("TOO_LARGE",)),
    "selection 1,000 deep": (lambda: document("{ a " * 1000 + "}" * 1000), 400, ("TOO_LARGE",)),
    "type 1,000 deep": (
        lambda: document(f"query($a: {'[' * 1000}Int{']' * 1000}) {TYPENAME}"), 400, ("TOO_LARGE",)
    ),
    "JSON 100,000 deep": (lambda: b"[" * 100_000 + b"]" * 100_000, 400, ("BAD_REQUEST",)),
    "JSON 100,000 deep, open": (lambda: b'{"query":' + b"[" * 100_000, 400, ("BAD_REQUEST",)),
    "5,000 aliases": (lambda: document(f"{{ {repeated('a#: __typename', 5000)} }}"), 400, ("TOO_LARGE",)),
    "1,000 aliases": (lambda: document(f"{{ {repeated('a#: __typename', 1000)} }}"), 400, ("TOO_LARGE",)),
    "5,000 directives": (lambda: document(f"{{ __typename {'@a ' * 5000} }}"), 400, ("TOO_LARGE",)),
    "500 directives": (
        lambda: document(f"{{ __typename {'@skip(if: false) ' * 500} }}"), 400, ("GRAPHQL_VALIDATION_FAILED", "TOO_LARGE")
    ),
    "circle of 500 fragments": (lambda: document(fragments(MANY)), 400, ("TOO_LARGE",)),
    "circle of 3 fragments": (
        lambda: document(fragments(["...F1", "...F2", "...F0"])), 400, ("GRAPHQL_VALIDATION_FAILED",)
    ),
    "chain of 480 fragments": (lambda: document(fragments([*MANY[:480], "viewer{name}"])), 400, ("TOO_LARGE",)),
    "fragment bomb": (
        lambda: document(fragments([*(f"...F{i + 1} ...F{i + 1}" for i in range(40)), "viewer { name }"])), 400, ("TOO_LARGE",)
    ),
    "fragment bomb of nothing": (
        lambda: document(fragments([*(f"...F{i + 1} ...F{i + 1}" for i in range(40)), "...None"])), 400, ("TOO_LARGE",)
    ),
    "fragments that nobody asked for": (
        lambda: document(f"{TYPENAME} fragment F on Query {{ {'viewer { name } ' * 600} }}"), 400, ("GRAPHQL_VALIDATION_FAILED",)
    ),
    "fragments of one name": (
        lambda: document(f"{{ ...F }} fragment F on Query {{ {'viewer { name } ' * 600} }} fragment F on Query {TYPENAME}"),
        400,
        ("GRAPHQL_VALIDATION_FAILED",),
    ),
    "300 times the same connection": (
        lambda: document(f"{{ {'households(first: 1) { nodes { id } } ' * 300} }}"), 400, ("TOO_LARGE",)
    ),
    "80 conflicting connections": (
        lambda: document(f"{{ {repeated('households(first: #) { nodes { id } }', 80)} }}"), 400, ("GRAPHQL_VALIDATION_FAILED", "TOO_LARGE")
    ),
    "5,000 variable definitions": (lambda: document(f"query({repeated('$a#: Int', 5000)}) {TYPENAME}"), 400, ("TOO_LARGE",)),
    "500 variable definitions": (
        lambda: document(f"query({repeated('$a#: Int', 500)}) {TYPENAME}"), 400, ("GRAPHQL_VALIDATION_FAILED", "TOO_LARGE")
    ),
    "5,000 comments": (lambda: document(TYPENAME + "#\n" * 5000), 400, ("TOO_LARGE",)),
    "circular introspection": (lambda: document(f"{{ __schema {{ types {{ {CIRCLE} }} }} }}"), 400, ("TOO_LARGE",)),
    "circular introspection of a type": (lambda: document(f'{{ __type(name: "Query") {{ {CIRCLE} }} }}'), 400, ("TOO_LARGE",)),
    "30 times the schema": (
        lambda: document(f"{{ {repeated('a#: __schema { types { fields { name } } }', 30)} }}"), 400, ("TOO_LARGE",)
    ),
    "the schema 30 times inside": (
        lambda: document(f"{{ __schema {{ {repeated('a#: types { fields { name } }', 30)} }} }}"), 400, ("TOO_LARGE",)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ABUSE)
async def test_an_abusive_request_is_refused_at_once(standing: Served, name: str) -> None:
    body, status, codes = ABUSE[name]
    response = await asyncio.wait_for(send(standing, body(), Accept=RESPONSE), 10)
    told(response, status, *codes)
    assert len(response.content) < 65_536
    await well(standing)


async def test_the_worst_that_is_allowed_ends(standing: Served) -> None:
    for values in ('[""', "[{}", "[null"):
        some: list[object] = json.loads(f"{values}]") * 150_000
        asked = ask(standing, "query($ids: [ID!]!) { nodes(ids: $ids) { id } }", variables={"ids": some})
        response = await asyncio.wait_for(asked, 10)
        assert {e["extensions"]["code"] for e in response.json()["errors"]} <= {"BAD_USER_INPUT", "TOO_LARGE"}
    await well(standing)


async def chunks(size: int) -> AsyncIterator[bytes]:
    """A body of unstated length."""
    yield b'{"query":"{__typename}","extensions":{"a":"'
    for _ in range(size // 65_536):
        yield b"x" * 65_536
    yield b'"}}'


async def test_a_body_of_unstated_length_is_counted(standing: Served) -> None:
    assert (await send(standing, chunks(512 * 1024))).json() == ANSWER
    told(await send(standing, chunks(8 * 1024 * 1024)), 413, "TOO_LARGE")
    await well(standing)


async def test_a_body_may_be_exactly_as_large_as_is_said(standing: Served) -> None:
    bare = len(document(TYPENAME)) + len(', "extensions": {"a": ""}')
    for size, status in ((http.LARGEST_BODY, 200), (http.LARGEST_BODY + 1, 413)):
        body = json.dumps({"query": TYPENAME, "extensions": {"a": "x" * (size - bare)}})
        assert len(body) == size
        assert (await send(standing, body)).status_code == status


async def test_a_form_may_be_larger_by_a_file(standing: Served) -> None:
    largest = standing.service.settings.largest_file
    form = b'--x\r\nContent-Disposition: form-data; name="operations"\r\n\r\n%s\r\n--x--\r\n'
    kind = {"Content_Type": "multipart/form-data; boundary=x"}
    assert "map" in told(await send(standing, form % b"{}", **kind), 400, "BAD_REQUEST")
    told(await send(standing, form % (b"x" * (http.LARGEST_BODY + 1)), **kind), 400, "BAD_REQUEST")
    told(await send(standing, b"x" * (largest + http.LARGEST_BODY + 1), **kind), 413, "TOO_LARGE")
    await well(standing)


async def test_a_url_has_an_end(standing: Served) -> None:
    token = f"Authorization: Bearer {standing.token('C1')}"
    head = f"GET /graphql?query={{__typename}}%s HTTP/1.1\r\nHost: x\r\n{token}\r\nConnection: close\r\n\r\n"
    for more, status in (("", 200), ("%23" + "x" * 60_000, 200), ("%23" + "x" * 2_000_000, 400)):
        assert (await raw(standing, head.replace("%s", more).encode())).startswith(f"HTTP/1.1 {status} ".encode())
    await well(standing)


async def test_a_body_that_is_not_as_long_as_it_says(standing: Served, caplog: pytest.LogCaptureFixture) -> None:
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {standing.token('C1')}\r\n"
        "Content-Type: application/json\r\nContent-Length: %s\r\n\r\n"
    )
    body = document(TYPENAME)
    # One that ends too early has nobody to answer any more, and is no fault of ours.
    assert await raw(standing, (head % (len(body) + 10)).encode() + body, ends=True) == b""
    # What comes after the length is another request, and none.
    longer = await raw(standing, (head % len(body)).encode() + body + b"}}}")
    assert longer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 400"))
    for length in ("-1", "x", "0x10", "1e3", "99999999999999999999999", ""):
        refused = await raw(standing, (head % length).encode() + body)
        assert refused.split()[1] in (b"400", b"413"), length
    await well(standing)
    assert faults(caplog) == []


# --- bodies that are none -------------------------------------------------------------------------------------

DEEPEST = http.DEEPEST_BODY - 2
"""How deep the value of a variable may be: the body and the variables around it count."""
BODIES: list[tuple[str, bytes]] = [
    ("invalid UTF-8", b'{"query":"\xff"}'),
    ("UTF-16", '{"query":"{__typename}"}'.encode("utf-16")),
    ("null", b"null"), ("true", b"true"), ("a number", b"1"), ("a string", b'"{__typename}"'), ("a document", b"{__typename}"),
    ("nothing", b""), ("truncated", b'{"query":"{__type'), ("two", b"{}{}"), ("an endless number", b'{"query":' + b"9" * 5000 + b"}"),
    ("an empty batch", b"[]"), ("a batch", b'[{"query":"{__typename}"}]'), ("a batch of nulls", b"[null]"), ("a batch of numbers", b"[1]"),
    ("no query", b"{}"), ("an empty query", document("")), ("another query", b'{"qeury":"{__typename}"}'),
    *((f"query {value}", b'{"query":%s}' % value.encode()) for value in ("null", "1", "true", "[]", "{}")),
    *((f"{name} {value}", b'{"query":"{__typename}","%s":%s}' % (name.encode(), value.encode()))
      for name, values in (
          ("variables", ('""', "0", "false", "[]", '"{}"')), ("extensions", ('""', "0", "false", "[]")),
          ("operationName", ("0", "false", "[]", "{}", '"x"', '""'))) for value in values),
    ("too deep a variable", b'{"query":"{__typename}","variables":{"a":%s}}' % (b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1))),
    ("no operation", document("fragment F on Query { __typename }")), ("a definition", document("type A { b: Int }")),
]  # fmt: skip


@pytest.mark.parametrize("body", [pytest.param(body, id=name) for name, body in BODIES])
async def test_a_body_that_is_no_request_is_a_bad_one(
    standing: Served, caplog: pytest.LogCaptureFixture, body: bytes
) -> None:
    told(await send(standing, body), 400, "BAD_REQUEST")
    assert faults(caplog) == []


async def test_one_of_several_operations_is_named(standing: Served) -> None:
    query = "query A { __typename } query B { viewer { number } }"
    told(await ask(standing, query), 400, "GRAPHQL_VALIDATION_FAILED")
    told(await ask(standing, query, operationName="C"), 400, "BAD_REQUEST")
    assert (await ask(standing, query, operationName="A")).json() == ANSWER


async def test_a_body_may_be_as_deep_as_is_said(standing: Served) -> None:
    body = b'{"query":"{__typename}","variables":{"a":%s}}' % (b"[" * DEEPEST + b"]" * DEEPEST)
    assert (await send(standing, body)).json() == ANSWER


@pytest.mark.parametrize(
    "headers",
    [
        {"Content_Type": None}, {"Content_Type": ""}, {"Content_Type": ";;;"}, {"Content_Type": "text/plain"},
        {"Content_Type": "application/graphql"}, {"Content_Type": "application/x-www-form-urlencoded"},
        {"Content_Type": "application/jsonx"}, {"Content_Type": "text/application/json"}, {"Content_Type": "*/*"},
        {"Content_Type": "application/json; charset=utf-16"}, {"Content_Type": "application/json; charset=gb18030"},
        {"Content_Type": "multipart/mixed; boundary=x"}, {"Content_Encoding": "gzip"}, {"Content_Encoding": "br"},
    ],
    ids=str,
)  # fmt: skip
async def test_a_body_of_another_kind_is_not_taken(standing: Served, headers: dict[str, str | None]) -> None:
    body = document(TYPENAME)
    sent = gzip.compress(body) if headers.get("Content_Encoding") == "gzip" else body
    told(await send(standing, sent, **headers), 415, "BAD_REQUEST")


@pytest.mark.parametrize(
    "kind",
    ["application/json", "Application/JSON", "application/json; charset=UTF-8", 'application/json;charset="utf-8"'],
)
async def test_a_media_type_is_read_as_the_rfc_says(standing: Served, kind: str) -> None:
    assert (await send(standing, document(TYPENAME), Content_Type=kind, Content_Encoding="identity")).json() == ANSWER


# --- forms ----------------------------------------------------------------------------------------------------

IMPORT = "mutation($f: Upload!) { importWorkbook(input: { kind: HOUSEHOLDS, file: $f }) { problems { code } } }"
PLACE = '{"0": ["variables.f"]}'
FILE = {"0": ("a.csv", b"x")}


def operations(query: str = IMPORT, **more: Any) -> str:
    """What a form asks."""
    return json.dumps({"query": query, "variables": {"f": None}} | more)


FORMS: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "no map": ({"operations": operations()}, FILE),
    "no operations": ({"map": PLACE}, FILE),
    "nothing but a file": ({}, FILE),
    "a file as operations": ({"map": PLACE}, {"operations": ("o", operations().encode()), **FILE}),
    "files as both": ({}, {"operations": ("o", operations().encode()), "map": ("m", PLACE.encode()), **FILE}),
    "a file that the map names is missing": ({"operations": operations(), "map": '{"1": ["variables.f"]}'}, {}),
    "another file": ({"operations": operations(), "map": '{"1": ["variables.f"]}'}, FILE),
    "a file that is not in the map": ({"operations": operations(), "map": "{}"}, FILE),
    "a text for a file": ({"operations": operations(), "map": PLACE, "0": "text"}, {}),
    "the operations for a file": ({"operations": operations(), "map": '{"operations": ["variables.f"]}'}, {}),
    "a path for nobody": ({"operations": operations(), "map": '{"0": []}'}, {"1": ("b.csv", b"x")}),
    **{f"the map {it}": ({"operations": operations(), "map": it}, FILE) for it in
       ("", "x", "null", "1", "[]", '"0"', '{"0": null}', '{"0": "variables.f"}', '{"0": [1]}', '{"0": [null]}', '{"0": [["f"]]}')},
    **{f"a file at {it!r}": ({"operations": operations(), "map": json.dumps({"0": [it]})}, FILE) for it in
       ("", ".", "f", "query", "query.f", "operationName", "extensions", "variables", "variables.", "variables.g", "variables.f.g", "variables.f.0")},
    "a file twice at one place": ({"operations": operations(), "map": '{"0": ["variables.f", "variables.f"]}'}, FILE),
    "a file where something is": ({"operations": operations(variables={"f": "x"}), "map": PLACE}, FILE),
    "a file in a list": ({"operations": operations(variables={"f": [1]}), "map": '{"0": ["variables.f.0"]}'}, FILE),
    "a file beyond a list": ({"operations": operations(variables={"f": []}), "map": '{"0": ["variables.f.0"]}'}, FILE),
    "a file outside of the variables": ({"operations": operations(other=None), "map": '{"0": ["other"]}'}, FILE),
    "no variables": ({"operations": operations(variables=None), "map": PLACE}, FILE),
    **{f"operations {it}": ({"operations": it, "map": PLACE}, FILE) for it in ("", "{", "null", "1", "[]", '"x"', "{}")},
    "a batch": ({"operations": f"[{operations()}]", "map": '{"0": ["0.variables.f"]}'}, FILE),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
async def test_a_form_that_is_no_request_is_a_bad_one(
    standing: Served, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    data, files = FORMS[name]
    sent = {**files, **{field: (None, value.encode()) for field, value in data.items()}}
    response = await standing.client.post(standing.url, files=sent, headers=standing.headers("R1"))
    told(response, 400, "BAD_REQUEST")
    assert faults(caplog) == []


PART = b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        pytest.param(kind, body, id=name)
        for name, kind, body in (
            ("no boundary", "multipart/form-data", b"x"),
            ("another boundary", "multipart/form-data; boundary=y", PART % (b"a", b"b") + b"--x--\r\n"),
            ("a long boundary", f"multipart/form-data; boundary={'x' * 5000}", b"x"),
            ("garbage", "multipart/form-data; boundary=x", b"garbage"),
            ("nothing", "multipart/form-data; boundary=x", b""),
            ("an open end", "multipart/form-data; boundary=x", PART % (b"operations", b"{}")),
            ("no head", "multipart/form-data; boundary=x", b"--x\r\n\r\nabc\r\n--x--\r\n"),
            ("no name", "multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--\r\n"),
            ("2,000 fields", "multipart/form-data; boundary=x", b"".join(PART % (b"%d" % i, b"") for i in range(2000)) + b"--x--\r\n"),
            ("invalid UTF-8", "multipart/form-data; boundary=x; charset=bogus", PART % (b"operations", b"\xff") + b"--x--\r\n"),
        )
    ],
)  # fmt: skip
async def test_a_body_that_is_no_form_is_a_bad_one(
    standing: Served, caplog: pytest.LogCaptureFixture, kind: str, body: bytes
) -> None:
    response = await send(standing, body, Content_Type=kind)
    assert response.status_code in (400, 415)
    told(response, response.status_code, "BAD_REQUEST")
    assert faults(caplog) == []


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("query($f: String!) { household(number: $f) { id } }", "String cannot represent a non string value."),
        ("query($f: ID!) { node(id: $f) { id } }", "ID cannot represent value."),
        ("query($f: DivisionCode!) { division(code: $f) { id } }", "'DivisionCode is a string'."),
    ],
)
async def test_a_file_is_no_value_of_another_type(standing: Served, query: str, says: str) -> None:
    sent = {**FILE, "operations": (None, operations(query).encode()), "map": (None, PLACE.encode())}
    response = await standing.client.post(standing.url, files=sent, headers=standing.headers("C1", Accept=RESPONSE))
    assert told(response, 400, "BAD_USER_INPUT").endswith(says)


# --- characters that cannot be stored -------------------------------------------------------------------------

HOUSEHOLD = "query($n: String!) { household(number: $n) { id } }"


@pytest.mark.parametrize("bad", [r"\u0000", r"\ud800", r"\udc00x", r"\ud800\ud800"])
@pytest.mark.parametrize(
    "body",
    [
        '{"query":"query($n:String!){household(number:$n){id}}","variables":{"n":"a%sb"}}',
        '{"query":"query($n:[ID!]!){nodes(ids:$n){id}}","variables":{"n":["x","%s"]}}',
        '{"query":"{__typename}","variables":{"a%s":1}}',
        '{"query":"{__typename}","variables":{"a":{"%s":1}}}',
        '{"query":"{__typename}","extensions":{"a":"%s"}}',
        '{"query":"{__typename}","operationName":"%s"}',
        '{"query":"{__typename} # %s"}',
        '{"query":"{household(number:\\"%s\\"){id}}"}',
    ],
)
async def test_what_cannot_be_stored_is_refused_wherever_it_stands(
    standing: Served, caplog: pytest.LogCaptureFixture, body: str, bad: str
) -> None:
    told(await send(standing, (body % bad).encode()), 400, "BAD_REQUEST")
    assert faults(caplog) == []


@pytest.mark.parametrize(
    ("literal", "code"),
    [
        (r'"a\u0000b"', "BAD_USER_INPUT"), (r'"\u{0}"', "BAD_USER_INPUT"),
        (r'"\ud800"', "GRAPHQL_PARSE_FAILED"), (r'"\u{d800}"', "GRAPHQL_PARSE_FAILED"), (r'"\ud800x"', "GRAPHQL_PARSE_FAILED"),
    ],
)  # fmt: skip
async def test_what_cannot_be_stored_is_refused_in_a_literal(
    standing: Served, caplog: pytest.LogCaptureFixture, literal: str, code: str
) -> None:
    told(await ask(standing, f"{{ household(number: {literal}) {{ id }} }}"), 400, code)
    told(await ask(standing, f"query($n: String = {literal}) {{ household(number: $n) {{ id }} }}"), 400, code)
    assert faults(caplog) == []


async def test_what_cannot_be_stored_is_refused_in_a_url(standing: Served) -> None:
    for query in ("{__typename}%23%00", "{household(number:%22%00%22){id}}"):
        told(
            await standing.client.get(f"{standing.url}?query={query}", headers=standing.headers("C1")),
            400,
            "BAD_REQUEST",
        )
    answer = await standing.client.get(
        standing.url, params={"query": HOUSEHOLD, "variables": '{"n":"\\u0000"}'}, headers=standing.headers("C1")
    )
    told(answer, 400, "BAD_REQUEST")


async def test_whatever_can_be_stored_is_taken(standing: Served) -> None:
    for name in ("𠮷田·买买提", "😀", "\ue000", "\x01", "a\u200bb", "％"):
        response = await ask(standing, HOUSEHOLD, variables={"n": name})
        assert response.json() == {"data": {"household": None}}


# --- values that are none of their type -----------------------------------------------------------------------

DIVISION = "query($v: DivisionCode!) { division(code: $v) { id } }"
DAY = 'mutation($v: Date!) { setWorkingDay(day: $v, worked: true, note: "x") { done } }'
SINCE = "query($v: DateTime) { audit(filter: { since: $v }) { totalCount } }"
ORDER = "query($v: HouseholdOrder) { households(orderBy: $v) { totalCount } }"
FIRST = "query($v: Int) { households(first: $v) { totalCount } }"
FILTER = "query($v: HouseholdFilter) { households(filter: $v) { totalCount } }"
AWARD = """mutation($v: Money!) { draftConsolidationProvision(input: { title: "x", number: "x", issuedOn: "2021-01-01",
  parameters: { householdCap: [{ value: $v, since: "2021-01-01", clause: "x" }] } }) { problems { code } } }"""
SEEN = 'mutation($v: Int!) { planConsolidation(period: "2021", plans: [], act: { seen: [{ household: "x", version: $v }] }) { done } }'
VALUES: list[tuple[str, str, Any, str]] = [
    *(("C1", DIVISION, value, f"'{str(value)[:40]}' is no DivisionCode'.") for value in ("abc", "", "9902", "000000000000", "9" * 50)),
    *(("C1", DIVISION, value, "'DivisionCode is a string'.") for value in (990201, 1.5, True, {"a": 1}, ["990201"])),
    ("C1", DIVISION, None, "not to be null."),
    *(("C1", AWARD, value, f"'{value}' is no Money'.") for value in ("x", "", "1.234", "1e3", "１２", "1_000", "9" * 30, "NaN", "-", "1,000")),
    *(("C1", AWARD, value, "'Money is a string'.") for value in (3000, 30.5)),
    *(("R1", DAY, value, f"'{value}' is no Date'.") for value in ("2021-02-30", "2021-2-3", "", "20210203", "02/03/2021", "2021-02-03T00:00")),
    ("R1", DAY, 20210203, "'Date is a string'."),
    *(("C1", SINCE, value, f"'{value}' is no DateTime'.") for value in ("2021", "2021-01-01T00:00:00", "2021-13-01T00:00:00Z", "now", "")),
    ("C1", ORDER, "NOPE", "Value 'NOPE' does not exist in 'HouseholdOrder' enum."),
    ("C1", ORDER, 1, "Enum 'HouseholdOrder' cannot represent non-string value."),
    ("C1", ORDER, ["NUMBER"], "Enum 'HouseholdOrder' cannot represent non-string value."),
    ("C1", FIRST, "1", "Int cannot represent non-integer value."), ("C1", FIRST, 1.5, "Int cannot represent non-integer value."),
    ("C1", FIRST, True, "Int cannot represent non-integer value."),
    ("C1", FIRST, 2**31, "Int cannot represent non 32-bit signed integer value."),
    ("L1", SEEN, 10**40, "Int cannot represent non 32-bit signed integer value."),
    ("C1", HOUSEHOLD.replace("$n", "$v"), 1, "String cannot represent a non string value."),
    ("C1", FILTER, {"nope": SECRET}, "not to include unknown field 'nope'."), ("C1", FILTER, "x", "to be an object."),
]  # fmt: skip


@pytest.mark.parametrize(("officer", "query", "value", "says"), VALUES)
async def test_a_variable_that_is_no_value_of_its_type(
    standing: Served, caplog: pytest.LogCaptureFixture, officer: str, query: str, value: Any, says: str
) -> None:
    message = told(await ask(standing, query, officer, variables={"v": value}), 400, "BAD_USER_INPUT")
    assert message.startswith("Variable '$v' has invalid value")
    assert message.endswith(says)
    assert SECRET not in message
    assert faults(caplog) == []


@pytest.mark.parametrize(
    ("officer", "query", "literal", "says"),
    [
        ("C1", DIVISION, '"abc"', "''abc' is no DivisionCode'."), ("C1", DIVISION, "990201", "'DivisionCode is a string'."),
        ("C1", DIVISION, "{ a: 1 }", "'DivisionCode is a string'."), ("C1", DIVISION, "null", "not to be null."),
        ("C1", AWARD, '"1.234"', "''1.234' is no Money'."), ("C1", AWARD, "3000", "'Money is a string'."),
        ("R1", DAY, '"2021-02-30"', "''2021-02-30' is no Date'."), ("C1", SINCE, '"2021"', "''2021' is no DateTime'."),
        ("C1", ORDER, "NOPE", "Value 'NOPE' does not exist in 'HouseholdOrder' enum."),
        ("C1", ORDER, '"NUMBER"', "Enum 'HouseholdOrder' cannot represent non-enum value."),
        ("C1", FIRST, '"1"', "Int cannot represent non-integer value."),
        ("C1", FIRST, "99999999999", "Int cannot represent non 32-bit signed integer value."),
    ],
)  # fmt: skip
async def test_a_literal_that_is_no_value_of_its_type(
    standing: Served, caplog: pytest.LogCaptureFixture, officer: str, query: str, literal: str, says: str
) -> None:
    written = re.sub(r"\(\$v.*?\)", "", query, count=1).replace("$v", literal)
    assert told(await ask(standing, written, officer), 400, "GRAPHQL_VALIDATION_FAILED").endswith(says)
    assert faults(caplog) == []


async def test_a_null_that_only_shows_when_it_is_used(standing: Served, caplog: pytest.LogCaptureFixture) -> None:
    query = 'query($n: String = "H1") { household(number: $n) { number } }'
    assert (await ask(standing, query)).json() == {"data": {"household": {"number": "H1"}}}
    response = await ask(standing, query, variables={"n": None})
    assert response.json()["data"] == {"household": None}
    (error,) = response.json()["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["household"], "BAD_USER_INPUT")
    assert error["message"].startswith("Argument 'number' has invalid value")
    assert faults(caplog) == []


# --- faults ---------------------------------------------------------------------------------------------------

NAMED = "query Named($n: Int) { households(first: $n) { totalCount nodes { id } } viewer { name } }"
Planted = Callable[..., Awaitable[Any]]


def raises(error: Exception) -> Planted:
    """A bug in a resolver."""

    async def run(*_: Any, **__: Any) -> Any:
        raise error

    return run


def answers(value: Any) -> Planted:
    """A resolver that answers with nonsense."""

    async def run(*_: Any, **__: Any) -> Any:
        return value

    return run


def asks(sql: str) -> Planted:
    """A bug of which the database complains, and names a value."""

    async def run(self: Reader, *_: Any, **__: Any) -> Any:
        async with self.session() as session:
            await session.execute(text(sql), {"value": SECRET} if ":value" in sql else {})

    return run


def complains(state: str) -> Planted:
    """What the database says of a row that breaks a rule, or of a transaction that has to give way."""
    row = f"Failing row contains ({SECRET})."
    return asks(f"do $$ begin raise exception '{SECRET}' using errcode = '{state}', detail = '{row}'; end $$")


FAULTS: dict[str, tuple[Planted, str]] = {
    "a bug": (raises(RuntimeError(SECRET)), "builtins.RuntimeError"),
    "one that speaks as GraphQL does": (raises(RuntimeError(f"Argument '{SECRET}' has invalid value")), "builtins.RuntimeError"),
    "an error of GraphQL's that nobody gave a code": (raises(GraphQLError(SECRET)), "GraphQLError"),
    "a number that is too large": (asks("select cast(cast(:value as text) as integer)"), " 22003"),
    "a value of another type": (asks("select cast(:value as integer)"), "asyncpg.exceptions.DataError"),
    "a row that breaks a rule": (complains("23514"), "CheckViolationError 23514"),
    "a change where one reads": (asks("delete from household where number = :value"), " 25006"),
    "nothing at all": (answers(None), "builtins.TypeError"),
    "something else": (answers({"nodes": [object()], "total_count": 1}), "builtins.AttributeError"),
    "a text for a number": (answers({"nodes": [], "total_count": SECRET}), "GraphQLError"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_says_nothing_but_its_id(
    standing: Served, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    planted, kind = FAULTS[name]
    monkeypatch.setattr(Reader, "list", planted)
    response = await ask(standing, NAMED, variables={"n": 17})
    assert response.status_code == 200
    trace = response.headers["X-Trace-Id"]
    assert re.fullmatch("[0-9a-f]{16}", trace)
    errors = response.json()["errors"]
    assert response.json()["data"] is None
    assert {error["message"] for error in errors} == {"A fault of ours; tell the administrator its id."}
    assert [error["extensions"] for error in errors] == [{"code": "INTERNAL", "traceId": trace}] * len(errors)
    assert SECRET not in response.text
    assert LEAKS.search(response.text) is None
    logged = [record.getMessage() for record in faults(caplog)]
    assert len(logged) == len(errors)
    for words in logged:
        assert words.startswith(f"request {trace} failed\n")
        assert kind in words
        assert "line " in words
    for hidden in (SECRET, "Named", "households(", "first: $n", "17}"):
        assert hidden not in caplog.text
    monkeypatch.undo()
    await well(standing)


async def test_a_fault_is_told_in_the_callers_language(standing: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reader, "list", raises(RuntimeError()))
    response = await send(standing, document("{ households { totalCount } }"), Accept_Language="zh")
    assert [error["message"] for error in response.json()["errors"]] == ["系统内部错误,请将编号告知管理员"]


@pytest.mark.parametrize(
    ("place", "accept", "status"),
    [
        ("bangfu_graphql.queries.DivisionCode", RESPONSE, 200),  # execution had begun
        ("bangfu.access.Entered.permissions", RESPONSE, 500),
        ("bangfu.access.Entered.permissions", JSON, 200),
        ("bangfu_graphql.defences.permissions_of", RESPONSE, 500),
        ("bangfu_graphql.http.admit", RESPONSE, 500),
        ("bangfu_graphql.http.admit", JSON, 500),
        ("bangfu_graphql.http.View.decode_json", RESPONSE, 500),
        ("bangfu_graphql.http.View.process_result", RESPONSE, 500),
        ("bangfu_graphql.http.View.encode_json", RESPONSE, 500),
    ],
)
async def test_a_fault_anywhere_is_one_answer(
    standing: Served,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    accept: str,
    status: int,
) -> None:
    monkeypatch.setattr(place, property(boom) if place.endswith("permissions") else boom)
    response = await ask(standing, "{ viewer { permissions } }", accept=accept)
    assert told(response, status, "INTERNAL") == "A fault of ours; tell the administrator its id."
    assert response.headers["content-type"] == accept
    (record,) = faults(caplog)
    assert record.getMessage().startswith(f"request {response.headers['X-Trace-Id']} failed\n")
    assert "RuntimeError" in record.getMessage()
    assert "in boom" in record.getMessage()
    assert SECRET not in caplog.text
    monkeypatch.undo()
    await well(standing)


@pytest.mark.parametrize("state", ["40001", "40P01"])
async def test_a_transaction_that_gave_way_to_another_is_no_fault(
    standing: Served, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    monkeypatch.setattr(Reader, "list", complains(state))
    told(await ask(standing, "{ households { totalCount } }"), 200, "CONFLICT")
    assert faults(caplog) == []


WORKING_DAY = 'mutation { setWorkingDay(day: "2021-10-16", worked: true, note: "国办通知") { done problems { code } } }'
UPLOAD = (OPERATIONS / "import_workbook.graphql").read_text(encoding="utf-8")


async def test_a_fault_in_a_mutation_rolls_everything_back(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    before = await served.snapshot()
    key = {"Idempotency-Key": "once"}

    async def keys() -> Any:
        async with served.world.database.session(served.world.who("R1").scope) as session:
            return await session.scalar(text("select count(*) from answered_request"))

    async def failed() -> None:
        assert await keys() == 0
        assert await served.snapshot() == before
        monkeypatch.undo()

    # After the change was made, before there is an answer.
    monkeypatch.setattr("bangfu_graphql.acting.SettingPayload", boom)
    answer = await served.ask("R1", WORKING_DAY, key)
    assert (answer.codes, answer.body["data"]) == (["INTERNAL"], None)
    await failed()
    # In a field of the answer that may be null: the answer stands whole, or not at all.
    monkeypatch.setattr("bangfu_graphql.acting.found", boom)
    answer = await served.upload("R1", UPLOAD, b"x", "a.csv", key, kind="HOUSEHOLDS")
    assert (answer.codes, answer.body["data"]) == (["INTERNAL"], None)
    await failed()
    # When the answer is written, and when it is kept with its key.
    for place, name in ((http.View, "encode_json"), (Request, "keep_answer")):
        monkeypatch.setattr(place, name, boom)
        answer = await served.ask("R1", WORKING_DAY, key)
        assert (answer.codes, answer.response.status_code) == (["INTERNAL"], 500)
        await failed()
    # Without a bug it is done, with the same key.
    assert (await served.ask("R1", WORKING_DAY, key)).data == {"setWorkingDay": {"done": True, "problems": []}}
    assert await keys() == 1
    assert await served.snapshot() != before


# --- caches ---------------------------------------------------------------------------------------------------


def counts() -> dict[str, tuple[int, int]]:
    """How often each cache was asked for nothing, and for something."""
    caches = {
        "parsed": _get_parse_cache(schema.DOCUMENTS),
        "validated": _get_validate_cache(schema.DOCUMENTS),
        "needed": defences.permissions_of,
    }
    return {name: (cache.cache_info().hits, cache.cache_info().misses) for name, cache in caches.items()}  # type: ignore[attr-defined]


async def test_a_document_is_read_once(standing: Served) -> None:
    query = f"query A{uuid4().hex}($n: Int) {{ households(first: $n) {{ totalCount nodes {{ number }} }} }}"
    empty = counts()
    assert len((await ask(standing, query, variables={"n": 1})).json()["data"]["households"]["nodes"]) == 1
    first = counts()
    assert first == {name: (hits, misses + 1) for name, (hits, misses) in empty.items()}
    for officer, variables, nodes in (("C1", {"n": 1}, 1), ("C1", {"n": 2}, 2), ("C1", {}, 8), ("VC1", {"n": 100}, 4)):
        before = counts()
        answer = await ask(standing, query, officer, variables=variables)
        assert len(answer.json()["data"]["households"]["nodes"]) == nodes
        assert counts() == {name: (hits + 1, misses) for name, (hits, misses) in before.items()}
    # A refused one, too, is read once.
    wrong = f"{{ a{uuid4().hex} }}"
    told(await ask(standing, wrong), 400, "GRAPHQL_VALIDATION_FAILED")
    before = counts()
    told(await ask(standing, wrong), 400, "GRAPHQL_VALIDATION_FAILED")
    assert {name: misses for name, (_, misses) in counts().items()} == {name: m for name, (_, m) in before.items()}


async def test_what_one_may_the_cache_does_not_give_another(standing: Served) -> None:
    query = f"query A{uuid4().hex} {{ audit {{ totalCount }} }}"
    assert (await ask(standing, query, "C1")).status_code == 200
    told(await ask(standing, query, "VC1"), 403, "FORBIDDEN")
    assert (await ask(standing, query, "C1")).status_code == 200


def test_caches_have_an_end() -> None:
    tokens: Any = Tokens(ISSUER)
    caches: tuple[tuple[Any, int], ...] = (
        (_get_parse_cache(schema.DOCUMENTS), schema.DOCUMENTS),
        (_get_validate_cache(schema.DOCUMENTS), schema.DOCUMENTS),
        (defences.permissions_of, 512),
        (tokens._checked, 4096),
    )
    for cache, most in caches:
        assert cache.cache_info().maxsize == most
    assert schema.SHARED.most == schema.SCHEMAS == 128


# --- limits ---------------------------------------------------------------------------------------------------


def many_operations(sizes: Iterable[int]) -> str:
    """Operations that select so many fields each."""
    return " ".join(f"query Q{i} {{ {'__typename ' * size} }}" for i, size in enumerate(sizes))


def nested(fragment_count: int) -> str:
    """A chain of fragments."""
    return fragments([*(f"...F{i + 1}" for i in range(fragment_count - 1)), "__typename"])


def of_type(levels: int) -> str:
    """A query that is so deep."""
    return f'{{ __type(name: "Query") {"{ ofType " * (levels - 2)} {{ name }} {"}" * (levels - 1)}'


LIMITS: dict[str, tuple[Callable[[int], str], int, dict[str, str]]] = {
    "levels": (of_type, defences.MOST_DEPTH, {}),
    "levels in fragments": (
        lambda n: of_type(n).replace("{ ofType", "{ ...F } } fragment F on __Type { ofType", 1).rsplit("}", 1)[0], defences.MOST_DEPTH, {}
    ),
    "aliases": (lambda n: f"{{ {repeated('a#: __typename', n)} }}", defences.MOST_ALIASES, {}),
    "aliases in fragments": (
        lambda n: f"{{ {'...F ' * (n // 10)} {repeated('b#: __typename', n % 10)} }} fragment F on Query {{ {repeated('a#: __typename', 10)} }}",
        defences.MOST_ALIASES,
        {},
    ),
    "selections": (
        lambda n: many_operations([*([40] * (n // 40)), *([n % 40] if n % 40 else [])]), defences.MOST_SELECTIONS, {"operationName": "Q3"}
    ),
    "the same field": (lambda n: f"{{ {'__typename ' * n} }}", 200, {}),
    "tokens": (lambda n: "{ __typename }" + "#\n" * (n - 3), defences.MOST_TOKENS, {}),
    "directives": (lambda n: f"{{ {'__typename @include(if: true) ' * n} }}", defences.MOST_DIRECTIVES, {}),
    "fragments in fragments": (nested, defences.MOST_NESTED, {}),
    "characters": (lambda n: TYPENAME + " " * (n - len(TYPENAME)), http.LONGEST_DOCUMENT, {}),
}  # fmt: skip


@pytest.mark.parametrize("name", LIMITS)
async def test_a_limit_is_where_it_is_said_to_be(standing: Served, name: str) -> None:
    made, most, more = LIMITS[name]
    response = await ask(standing, made(most), **more)
    assert (response.status_code, list(response.json())) == (200, ["data"]), response.text
    told(await ask(standing, made(most + 1), **more), 413 if name == "characters" else 400, "TOO_LARGE")


def test_the_limits_are_no_larger_than_was_tried() -> None:
    """Their worst was measured: less than a second of work for a document, and some megabytes for each that is kept."""
    assert (defences.MOST_TOKENS, defences.MOST_SELECTIONS, defences.MOST_PAIRS) == (4_000, 1_000, 20_000)
    assert (defences.MOST_DEPTH, defences.MOST_ALIASES, defences.MOST_DIRECTIVES, defences.MOST_NESTED) == (
        16,
        30,
        50,
        50,
    )
    assert (http.LARGEST_BODY, http.DEEPEST_BODY, http.LONGEST_DOCUMENT) == (1024 * 1024, 100, 100_000)


async def test_the_sizes_of_pages_multiply_up_to_a_limit(standing: Served) -> None:
    query = """{ households(first: 100) { nodes {
        a: income(first: 100) { nodes { id } } b: income(last: %d) { nodes { id } } } } }"""
    assert planning.LARGEST_TREE == 100 + 100 * 100 + 100 * 99
    assert list((await ask(standing, query % 99)).json()) == ["data"]
    told(await ask(standing, query % 100), 200, "TOO_LARGE")


async def test_the_schema_can_be_asked_for(standing: Served) -> None:
    query = get_introspection_query(
        specified_by_url=True,
        directive_is_repeatable=True,
        schema_description=True,
        input_value_deprecation=True,
        one_of=True,
    )
    response = await ask(standing, query)
    assert {"Household", "ConsolidationCase"} <= {kind["name"] for kind in response.json()["data"]["__schema"]["types"]}
    told(await standing.client.post(standing.url, json={"query": query}), 401, "UNAUTHENTICATED")


# --- operations -----------------------------------------------------------------------------------------------

SET = 'setWorkingDay(day: "2021-10-09", worked: true, note: "x") { done }'


@pytest.mark.parametrize(
    "query",
    [
        f"mutation {{ a: {SET} b: {SET} }}",
        f"mutation {{ {SET} {SET} }}",
        f"mutation {{ a: {SET} ...F }} fragment F on Mutation {{ b: {SET} }}",
        f"mutation {{ ...F ...G }} fragment F on Mutation {{ a: {SET} }} fragment G on Mutation {{ b: {SET} }}",
        f"mutation {{ a: {SET} ... on Mutation {{ b: {SET} }} }}",
        f"mutation {{ a: {SET} ... {{ ... on Mutation {{ ...F }} }} }} fragment F on Mutation {{ b: {SET} }}",
        f"mutation {{ __typename {SET} }}",
        f"query Q {TYPENAME} mutation M {{ a: {SET} b: {SET} }}",
    ],
)
async def test_a_mutation_is_one_field(standing: Served, query: str) -> None:
    before = await standing.snapshot()
    message = told(
        await ask(standing, query, "R1", operationName="M" if "query Q" in query else None), 400, "TOO_LARGE"
    )
    assert message == "A mutation carries out exactly one field; send several requests."
    assert await standing.snapshot() == before


async def test_get_asks_and_changes_nothing(standing: Served) -> None:
    async def get(officer: str = "R1", **parameters: str) -> httpx2.Response:
        return await standing.client.get(standing.url, params=parameters, headers=standing.headers(officer))

    before = await standing.snapshot()
    assert (await get(query=TYPENAME)).json() == ANSWER
    asked = await get(query=FIRST, variables='{"v": 1}', extensions="{}", operationName="")
    told(asked, 400, "BAD_REQUEST")
    asked = await get(
        query=FIRST.replace("query", "query A"), variables='{"v": 1}', extensions="null", operationName="A"
    )
    assert asked.json() == {"data": {"households": {"totalCount": 8}}}
    for query, name in ((f"mutation {{ {SET} }}", None), (f"query Q {TYPENAME} mutation M {{ {SET} }}", "M")):
        refused = await get(query=query, **({"operationName": name} if name else {}))
        assert told(refused, 405, "BAD_REQUEST") == "A mutation is sent with POST."
        assert refused.headers["allow"] == "POST"
    assert (await get(query=f"query Q {TYPENAME} mutation M {{ {SET} }}", operationName="Q")).json() == ANSWER
    for wrong in (
        {}, {"query": ""}, {"query": TYPENAME, "variables": "x"}, {"query": TYPENAME, "variables": "[]"},
        {"query": TYPENAME, "variables": ""}, {"query": TYPENAME, "extensions": "1"}, {"query": TYPENAME, "operationName": "x"},
    ):  # fmt: skip
        told(await get(**wrong), 400, "BAD_REQUEST")
    assert await standing.snapshot() == before


FOLLOW = 'subscription { jobProgress(id: "x") { id } }'


async def test_a_subscription_is_a_stream(standing: Served, caplog: pytest.LogCaptureFixture) -> None:
    for accept in (JSON, RESPONSE, "*/*", "text/html"):
        assert "text/event-stream" in told(await ask(standing, FOLLOW, accept=accept), 406, "BAD_REQUEST")
    get = {"params": {"query": FOLLOW}, "headers": standing.headers("C1", Accept=JSON)}
    told(await standing.client.get(standing.url, **get), 406, "BAD_REQUEST")  # type: ignore[arg-type]
    for accept in ("text/event-stream", f"{RESPONSE}, {JSON}, text/event-stream"):
        stream = await ask(standing, FOLLOW, accept=accept)
        assert (stream.status_code, stream.headers["content-type"]) == (200, "text/event-stream")
        assert stream.text == "event: complete\r\ndata: \r\n\r\n"
        assert stream.headers["cache-control"] == "no-store"
        # A client that could take a stream as well asks a query all the same.
        assert (await ask(standing, TYPENAME, accept=accept)).json() == ANSWER
    job = (await ask(standing, "{ jobs(first: 1) { nodes { id } } }", "R1")).json()["data"]["jobs"]["nodes"][0]["id"]
    stream = await ask(standing, FOLLOW.replace('"x"', f'"{job}"'), "R1", accept="text/event-stream")
    assert stream.text == (
        f'event: next\r\ndata: {{"data":{{"jobProgress":{{"id":"{job}"}}}}}}\r\n\r\nevent: complete\r\ndata: \r\n\r\n'
    )
    assert faults(caplog) == []


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("subscription { nope }", "GRAPHQL_VALIDATION_FAILED"),
        (FOLLOW.replace('"x"', '"a\\u0000"'), "BAD_USER_INPUT"),
        (f'subscription {{ a: jobProgress(id: "x") {{ {repeated("a#: id", 40)} }} }}', "TOO_LARGE"),
        ('subscription { a: jobProgress(id: "x") { id } b: jobProgress(id: "x") { id } }', "GRAPHQL_VALIDATION_FAILED"),
    ],
)
async def test_a_stream_tells_what_is_wrong_in_the_same_words(standing: Served, query: str, code: str) -> None:
    stream = await ask(standing, query, accept="text/event-stream")
    first, last = stream.text.strip().split("\r\n\r\n")
    assert last.startswith("event: complete")
    assert first.startswith("event: next\r\ndata: ")
    (error,) = json.loads(first.partition("data: ")[2])["errors"]
    assert error["extensions"] == {"code": code, "traceId": stream.headers["X-Trace-Id"]}
    assert LEAKS.search(stream.text) is None


async def test_a_fault_in_a_stream_says_nothing(
    standing: Served, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Request, "standing", boom)
    stream = await ask(standing, FOLLOW, accept="text/event-stream")
    assert '"code":"INTERNAL"' in stream.text
    assert SECRET not in stream.text + caplog.text
    (record,) = faults(caplog)
    assert record.getMessage().startswith(f"request {stream.headers['X-Trace-Id']} failed\n")


# --- statuses, media types, languages, methods ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "officer", "code", "status"),
    [
        ("{", "C1", "GRAPHQL_PARSE_FAILED", 400),
        ("{ nope }", "C1", "GRAPHQL_VALIDATION_FAILED", 400),
        ("{ audit { totalCount } }", "VC1", "FORBIDDEN", 403),
        ('{ households(after: "x") { totalCount } }', "C1", "BAD_USER_INPUT", 200),
        ('{ household(number: "\\u0000") { id } }', "C1", "BAD_USER_INPUT", 400),
    ],
)
async def test_the_status_of_a_refusal_is_that_of_its_media_type(
    standing: Served, query: str, officer: str, code: str, status: int
) -> None:
    for accept, expected in ((RESPONSE, status), (JSON, 200), (None, 200)):
        response = await send(standing, document(query), officer, Accept=accept)
        told(response, expected, code)
        assert response.headers["content-type"] == (accept or JSON)
        assert ("data" in response.json()) == (status == 200)
        assert response.headers["cache-control"] == "no-store"
        assert {"Accept", "Accept-Language", "Authorization"} <= set(response.headers["vary"].split(", "))


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, JSON), ("", JSON), ("*/*", JSON), ("application/*", JSON), ("text/html", JSON), ("image/png", JSON), (JSON, JSON),
        (RESPONSE, RESPONSE), (RESPONSE.upper(), RESPONSE), (f"{RESPONSE}; charset=utf-8", RESPONSE),
        (f"{RESPONSE}, {JSON}", RESPONSE), (f"{JSON}, {RESPONSE}", RESPONSE), (f"{RESPONSE},{JSON};q=0.9", RESPONSE),
        (f"{RESPONSE};q=0", JSON), (f"{RESPONSE};q=0.0", JSON), (f"{RESPONSE};q=0, */*", JSON), (f"{RESPONSE};q=0, {JSON};q=0", JSON),
        (f"{RESPONSE};q=0.5, {JSON}", JSON), (f"{RESPONSE};q=0.5, {JSON};q=0.6", JSON), (f"{RESPONSE};q=0.6, {JSON};q=0.5", RESPONSE),
        (f"{RESPONSE};q=0.5, */*", JSON), (f"{RESPONSE};q=0.5, application/*;q=0.1", RESPONSE), (f"{RESPONSE}, */*;q=0.1", RESPONSE),
        (f"{JSON};q=0, {RESPONSE};q=0.1", RESPONSE), (f"{RESPONSE};q=x", JSON), (f"{RESPONSE};q=nan", JSON), (f"{RESPONSE};q=2", JSON),
        (f"{RESPONSE}x", JSON), (f"x{RESPONSE}", JSON), (f"text/plain; x={RESPONSE}", JSON), (f"{RESPONSE} ; q=1", RESPONSE),
    ],
)  # fmt: skip
async def test_the_media_type_is_the_one_that_is_wanted_most(standing: Served, accept: str | None, kind: str) -> None:
    response = await send(standing, document("{ nope }"), Accept=accept)
    told(response, 400 if kind == RESPONSE else 200, "GRAPHQL_VALIDATION_FAILED")
    assert response.headers["content-type"] == kind
    # What is refused at the door is sent in the same type.
    assert (await send(standing, b"null", Accept=accept)).headers["content-type"] == kind


async def test_two_headers_are_as_one(standing: Served) -> None:
    own = [*standing.headers("C1").items(), ("Content-Type", JSON), ("Accept", f"{JSON};q=0.5"), ("Accept", RESPONSE)]
    response = await standing.client.post(standing.url, content=document(TYPENAME), headers=own)
    assert response.headers["content-type"] == RESPONSE


ENGLISH, CHINESE = "Your duties do not allow this: reading the audit record.", "您的职责不允许此项操作:查阅审计记录"


@pytest.mark.parametrize(
    ("language", "says"),
    [
        (None, CHINESE), ("", CHINESE), ("zh", CHINESE), ("zh-CN,zh;q=0.9,en;q=0.8", CHINESE), ("fr", CHINESE), ("*", CHINESE),
        ("en", ENGLISH), ("en-GB", ENGLISH), ("EN", ENGLISH), ("fr, en", ENGLISH), ("en, zh", ENGLISH), ("zh, en", CHINESE),
        ("en;q=0.1, zh;q=0.9", CHINESE), ("zh;q=0.1, en", ENGLISH), ("en;q=0", CHINESE), ("en;q=0, zh;q=0.1", CHINESE), ("en;q=x", CHINESE),
    ],
)  # fmt: skip
async def test_the_language_is_the_one_that_is_wanted_most(standing: Served, language: str | None, says: str) -> None:
    response = await send(standing, document("{ audit { totalCount } }"), "VC1", Accept_Language=language)
    assert told(response, 200, "FORBIDDEN") == says
    anonymous = await standing.client.post(
        standing.url, json={}, headers={} if language is None else {"Accept-Language": language}
    )
    assert told(anonymous, 401, "UNAUTHENTICATED").startswith("Sign in" if says == ENGLISH else "请先登录")


async def test_chinese_is_sent_as_it_is_in_utf_8(standing: Served) -> None:
    response = await ask(standing, "{ viewer { county } }")
    assert response.content.decode("utf-8") == '{"data":{"viewer":{"county":"测试县"}}}'


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
async def test_another_method_is_not_allowed(standing: Served, method: str) -> None:
    before = await standing.snapshot()
    asked = {
        "params": {"query": TYPENAME},
        "content": document(f"mutation {{ {SET} }}"),
        "headers": standing.headers("R1"),
    }
    response = await standing.client.request(method, standing.url, **asked)  # type: ignore[arg-type]
    assert (response.status_code, response.headers["allow"]) == (405, "GET, POST")
    if method == "HEAD":
        assert response.content == b""
    else:
        told(response, 405, "BAD_REQUEST")
    assert (await standing.client.request(method, standing.url)).status_code == 401
    assert await standing.snapshot() == before


async def test_a_long_answer_is_packed_for_who_unpacks_it(standing: Served) -> None:
    query = "{ __schema { types { name description } } }"
    packed = await send(standing, document(query), Accept_Encoding="gzip")
    assert (packed.headers["content-encoding"], "Accept-Encoding" in packed.headers["vary"]) == ("gzip", True)
    plain = await send(standing, document(query), Accept_Encoding="identity")
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content
    assert int(packed.headers["content-length"]) < len(plain.content) / 2
    assert "content-encoding" not in (await send(standing, document(TYPENAME), Accept_Encoding="gzip")).headers


# --- the other doors ------------------------------------------------------------------------------------------


async def test_it_lives_and_is_ready(standing: Served) -> None:
    for path, body in (("/livez", {"live": True}), ("/readyz", {"ready": True})):
        response = await standing.client.get(standing.address + path)
        assert (response.status_code, response.json()) == (200, body)


@pytest.fixture
async def stranded(standing: Served, vault: Vault, tmp_path: Any) -> AsyncIterator[Served]:
    """The server whose database is away."""
    away = engine_for(
        "postgresql+asyncpg://", {"host": "127.0.0.1", "port": 9, "user": "x", "database": "x", "ssl": False}
    )
    database = Database(Settings(home=tmp_path), None, away, away)
    async with serving(database, vault, World(database, vault)) as made:
        yield made
    await database.close()


async def test_it_lives_without_its_database_but_is_not_ready(
    stranded: Served, caplog: pytest.LogCaptureFixture
) -> None:
    assert (await stranded.client.get(f"{stranded.address}/livez")).status_code == 200
    ready = await stranded.client.get(f"{stranded.address}/readyz")
    assert (ready.status_code, ready.json()) == (503, {"ready": False})
    told(await ask(stranded, TYPENAME), 500, "INTERNAL")
    file = await stranded.client.get(f"{stranded.address}/files/{uuid4()}", headers=stranded.headers("C1"))
    told(file, 500, "INTERNAL")
    # Who has no token is told so all the same.
    told(await stranded.client.post(stranded.url, json={"query": TYPENAME}), 401, "UNAUTHENTICATED")
    assert len(faults(caplog)) == 3


def files(of: str) -> str:
    """The files of an officer's jobs."""
    return f"select j.file_id from job j join officer o on o.id = j.officer_id where o.number = '{of}' and j.file_id is not null"


async def test_a_file_is_for_who_asked_for_it(standing: Served) -> None:
    async def get(path: str, *officers: str) -> httpx2.Response:
        headers = standing.headers(*officers) if officers else {}
        return await standing.client.get(f"{standing.address}/files/{path}", headers=headers)

    own = (await standing.world.rows(files("R1")))[0][0]
    told(await get(str(own)), 401, "UNAUTHENTICATED")
    assert (await get(str(own))).headers["www-authenticate"] == "Bearer"
    for officer in ("C1", "VC1", "FI"):
        told(await get(str(own), officer), 404, "NOT_FOUND")
    for bad in (str(uuid4()), "x", "0", "%00", "%F0%9F%98%80", f"{own}x", "-1", "9" * 5000):
        told(await get(bad, "R1"), 404, "NOT_FOUND")
    for path in ("", f"{own}/x", "..%2f..%2fetc%2fpasswd", "%2e%2e%2freadyz"):
        assert (await get(path, "R1")).status_code == 404
    got = await get(str(own), "R1")
    assert (got.status_code, got.headers["x-content-type-options"], got.headers["cache-control"]) == (
        200,
        "nosniff",
        "no-store",
    )
    assert got.headers["content-disposition"].startswith("attachment; filename*=UTF-8''")
    assert got.text.startswith(("区划代码", "工号", "户编号"))


async def test_a_list_is_not_fetched_by_who_may_not_make_it_any_more(served: Served) -> None:
    await served.world.until("acceptance")
    await served.day(POSTED)
    notice = (await served.operation("VC1", "notices")).data["notices"]["nodes"][0]["id"]
    job = (await served.operation("VC1", "export_notice", notice=notice, reason="张贴")).data["exportNotice"]["job"][
        "id"
    ]
    assert await served.work() == 1
    path = (await served.operation("VC1", "job", id=job)).data["node"]["file"]["path"]

    async def status() -> int:
        return (await served.client.get(served.address + path, headers=served.headers("VC1"))).status_code

    assert await status() == 200
    header = "工号,姓名,职责,负责区划代码,起始日期,截止日期\n"
    village = "990201101201"
    ended = f"VC1,两委甲,村两委,{village},2020-01-01,{POSTED}\n"
    for roster in (
        f"VC1,两委甲,联户干部,{village},2020-01-01,\n{ended}",
        f"VC1,两委甲,联户干部,{village},2020-01-01,{POSTED}\n",
    ):
        assert (await served.world.bring("officers", header + roster, "R1")).state == "done"
        assert await status() == 404


async def test_a_fault_at_a_file_says_nothing(
    standing: Served, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bangfu_graphql.server.files.fetch", boom)
    own = (await standing.world.rows(files("R1")))[0][0]
    response = await standing.client.get(f"{standing.address}/files/{own}", headers=standing.headers("R1"))
    told(response, 500, "INTERNAL")
    (record,) = faults(caplog)
    assert record.getMessage().startswith(f"request {response.headers['X-Trace-Id']} failed\n")
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/graphql/console", "text/html; charset=utf-8"),
        ("/graphql/console/index.html", "text/html; charset=utf-8"),
        ("/graphql/console/console.js", "text/javascript; charset=utf-8"),
        ("/graphql/console/console.css", "text/css; charset=utf-8"),
        ("/graphql/console/LICENSES.txt", "text/plain; charset=utf-8"),
    ],
)
async def test_everything_of_the_console_is_kept_to_itself(standing: Served, path: str, kind: str) -> None:
    response = await standing.client.get(standing.address + path)
    assert (response.status_code, response.headers["content-type"]) == (200, kind)
    assert response.headers["x-content-type-options"] == "nosniff"
    policy = dict(part.strip().partition(" ")[::2] for part in response.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert (policy["script-src"], policy["connect-src"], policy["form-action"]) == ("'self'", "'self'", "'self'")
    assert not re.search(r"https?:|//|\*|unsafe-eval", response.headers["content-security-policy"])


def test_the_console_fetches_from_nowhere_else() -> None:
    """The only hosts in its files are the names of XML's spaces, and pages that a message or a comment points to."""
    named = {
        "index.html": set(),
        "console.css": set(),
        "console.js": {"www.w3.org", "reactjs.org", "en.wikipedia.org", "commonmark.org", "yarnpkg.com"},
    }
    for file, hosts in named.items():
        written = (server.CONSOLE / file).read_text(encoding="utf-8")
        assert set(re.findall(r"\bhttps?://([a-zA-Z0-9.-]+)", written)) <= hosts, file
        assert not re.search(
            r"unpkg|jsdelivr|cdnjs|googleapis|@import|sourceMappingURL=http|new WebSocket\(.wss?:", written
        )
        assert not re.search(r"""(?:src|href|url)\s*[=(]\s*["']?//[a-z]""", written)


@pytest.mark.parametrize(
    "path",
    [
        "/../http.py",
        "/..%2fhttp.py",
        "/%2e%2e/http.py",
        "/....//http.py",
        "//etc/passwd",
        "/%2fetc%2fpasswd",
        "/..\\http.py",
        "/x%00.js",
        "/",
    ],
)
async def test_nothing_else_is_reached_through_the_console(standing: Served, path: str) -> None:
    request = f"GET /graphql/console{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = await raw(standing, request.encode())
    assert answer.split()[1] == b"404", answer
    assert b"import " not in answer
    assert b"root:" not in answer


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Every record is seen."""
    with caplog.at_level(logging.DEBUG, "bangfu.api"):
        yield
