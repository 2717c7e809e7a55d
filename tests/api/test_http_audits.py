"""GraphQL over HTTP, as the graphql-http project audits a server: its 61 server audits, with no Node.

The audits, their ids, their wording and their levels are those of graphql-http 1.23.1 (MIT), ``audits/server``. There a
SHOULD that is missed is a warning and a MAY that is missed a notice; here both are failures. What that project's
``fetch`` would fill in by itself (``Accept: */*``, and ``text/plain`` as the type of a text) is left out of the requests,
so that "missing" and "not supplied" are taken at their word. ``test_http_audits_npm`` runs the package itself.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Container
from dataclasses import dataclass, field
from urllib.parse import urlencode

import httpx2
import pytest

from tests.api.conftest import Served

JSON = "application/json"
RESPONSE = "application/graphql-response+json"


@dataclass(frozen=True)
class Request:
    """What is sent: no header but these, the bearer token, and what HTTP itself needs."""

    method: str
    query: str = ""
    body: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What must come back: a status, a content type that contains this one, a JSON body without this property."""

    status: Container[int]
    content_type: str | None = None
    without: str | None = None


@dataclass(frozen=True)
class Audit:
    """One audit of graphql-http's; its name begins with its level."""

    id: str
    name: str
    request: Request
    answer: Answer


def get(accept: str | None = None, **parameters: str) -> Request:
    """A GET with its parameters in the URL, encoded as a form is."""
    return Request("GET", urlencode(parameters), headers={"accept": accept} if accept else {})


def post(body: object, accept: str | None = None, content_type: str | None = JSON) -> Request:
    """A POST of a value as JSON, or of a text as it stands, or of nothing."""
    text = body if isinstance(body, str | None) else json.dumps(body, ensure_ascii=False)
    headers = {"content-type": content_type, "accept": accept}
    return Request("POST", body=text, headers={name: value for name, value in headers.items() if value})


def typename(**more: object) -> dict[str, object]:
    """The body of an operation that every schema has, with other parameters."""
    return {"query": "{ __typename }"} | more


TYPENAME = typename()
OPERATION = {"operationName": "Query", "query": "query Query { __typename }"}
TYPE = "query Type($name: String!) { __type(name: $name) { name } }"
VARIABLES = {"name": "sometype"}
NOT_JSON = '{ "not a JSON'
NO_DOCUMENT = {"query": "{"}
NO_FIELD = {"query": "{ 8f31403dfe404bccbb0e835f2629c6a7 }"}
NO_ID = {"query": "query CoerceFailure($id: ID!){ __typename }", "variables": {"id": None}}
NO_STRING = [("object", {"obj": "ect"}), ("number", 0), ("boolean", False), ("array", ["array"])]
NO_MAP = [("string", "string"), *NO_STRING[1:]]
NULLABLE = ["variables", "operationName", "extensions"]

OK = Answer([200])
SUCCEEDED = Answer([200], without="errors")
REFUSED = Answer([400])
REFUSED_AT_ALL = Answer(range(400, 500))
FAILED = Answer(range(400, 600))
NO_DATA = Answer(range(100, 600), without="data")
ANSWERED = Answer([*range(200, 300), *range(400, 600)])

AUDITS = [Audit(*row) for row in (
    # Media types
    ("22EB", "SHOULD accept application/graphql-response+json and match the content-type",
        post(TYPENAME, RESPONSE), Answer([200], RESPONSE)),
    ("4655", "MUST accept application/json and match the content-type",
        post(TYPENAME, JSON), Answer([200], JSON)),
    ("47DE", "SHOULD accept */* and use application/json for the content-type",
        post(TYPENAME, "*/*"), Answer([200], JSON)),
    ("80D8", "SHOULD assume application/json content-type when accept is missing",
        post(TYPENAME), Answer([200], JSON)),
    ("82A3", "MUST use utf-8 encoding when responding",
        post(TYPENAME), OK),
    ("BF61", "MUST accept utf-8 encoded request",
        post({"query": '{ __type(name: "Run🏃Swim🏊") { name } }'}, content_type=f"{JSON}; charset=utf-8"), OK),
    ("78D5", "MUST assume utf-8 in request if encoding is unspecified",
        post(TYPENAME), OK),
    # Methods
    ("2C94", "MUST accept POST requests",
        post(TYPENAME), OK),
    ("5A70", "MAY accept application/x-www-form-urlencoded formatted GET requests",
        get(query="{ __typename }"), OK),
    ("9C48", "MAY NOT allow executing mutations on GET requests",
        get(RESPONSE, query="mutation { __typename }"), REFUSED_AT_ALL),
    ("9ABE", "SHOULD respond with 4xx status code if content-type is not supplied on POST requests",
        post(TYPENAME, content_type=None), REFUSED_AT_ALL),
    ("03D4", "MUST accept application/json POST requests",
        post(TYPENAME), OK),
    ("A5BF", "MAY use 400 status code when request body is missing on POST",
        post(None), REFUSED),
    # Parameters
    ("423L", "MAY use 400 status code on missing {query} parameter",
        post({"notquery": "{ __typename }"}, RESPONSE), REFUSED),
    *((f"LKJ{n}", f"MAY use 400 status code on {kind} {{query}} parameter",
        post({"query": value}), REFUSED) for n, (kind, value) in enumerate(NO_STRING)),
    ("34A2", "SHOULD allow string {query} parameter when accepting application/graphql-response+json",
        post(TYPENAME, RESPONSE), OK),
    ("13EE", "MUST allow string {query} parameter when accepting application/json",
        post(TYPENAME, JSON), SUCCEEDED),
    *((f"6C0{n}", f"MAY use 400 status code on {kind} {{operationName}} parameter",
        post(typename(operationName=value)), REFUSED) for n, (kind, value) in enumerate(NO_STRING)),
    ("8161", "SHOULD allow string {operationName} parameter when accepting application/graphql-response+json",
        post(OPERATION, RESPONSE), OK),
    ("B8B3", "MUST allow string {operationName} parameter when accepting application/json",
        post(OPERATION, JSON), SUCCEEDED),
    *((f"94B{n}", f"SHOULD allow null {{{name}}} parameter when accepting application/graphql-response+json",
        post(typename(**{name: None}), RESPONSE), SUCCEEDED) for n, name in enumerate(NULLABLE)),
    *((f"022{n}", f"MUST allow null {{{name}}} parameter when accepting application/json",
        post(typename(**{name: None}), JSON), SUCCEEDED) for n, name in enumerate(NULLABLE)),
    *((f"476{n}", f"MAY use 400 status code on {kind} {{variables}} parameter",
        post(typename(variables=value)), REFUSED) for n, (kind, value) in enumerate(NO_MAP)),
    ("2EA1", "SHOULD allow map {variables} parameter when accepting application/graphql-response+json",
        post({"query": TYPE, "variables": VARIABLES}, RESPONSE), OK),
    ("28B9", "MUST allow map {variables} parameter when accepting application/json",
        post({"query": TYPE, "variables": VARIABLES}, JSON), SUCCEEDED),
    ("D6D5", "MAY allow URL-encoded JSON string {variables} parameter in GETs when accepting application/graphql-response+json",
        get(RESPONSE, query=TYPE, variables=json.dumps(VARIABLES)), SUCCEEDED),
    ("6A70", "MAY allow URL-encoded JSON string {variables} parameter in GETs when accepting application/json",
        get(JSON, query=TYPE, variables=json.dumps(VARIABLES)), SUCCEEDED),
    *((f"58B{n}", f"MAY use 400 status code on {kind} {{extensions}} parameter",
        post(typename(extensions=value)), REFUSED) for n, (kind, value) in enumerate(NO_MAP)),
    ("428F", "SHOULD allow map {extensions} parameter when accepting application/graphql-response+json",
        post(typename(extensions={"some": "value"}), RESPONSE), OK),
    ("1B7A", "MUST allow map {extensions} parameter when accepting application/json",
        post(typename(extensions={"some": "value"}), JSON), SUCCEEDED),
    ("B6DC", "MAY use 2xx, 4xx, or 5xx status codes on JSON parsing failure when accepting application/json",
        post(NOT_JSON, JSON), ANSWERED),
    ("BCF8", "SHOULD use 400 status code on JSON parsing failure when accepting application/json",
        post(NOT_JSON, JSON), REFUSED),
    ("B7N8", "SHOULD use 400 status code on JSON parsing failure when accepting application/graphql-response+json",
        post(NOT_JSON, RESPONSE), REFUSED),
    ("8764", "MAY use 4xx or 5xx status codes if parameters are invalid",
        post({"qeury": "{ __typename }"}), FAILED),
    ("3E3A", "MAY use 400 status code if parameters are invalid",
        post({"qeury": "{ __typename }"}), REFUSED),
    # Answers as application/json
    ("572B", "SHOULD use 200 status code on document parsing failure when accepting application/json",
        post(NO_DOCUMENT, JSON), OK),
    ("FDE2", "SHOULD use 200 status code on document validation failure when accepting application/json",
        post(NO_FIELD, JSON), OK),
    ("7B9B", "SHOULD use a status code of 200 on variable coercion failure when accepting application/json",
        post(NO_ID, JSON), OK),
    # Answers as application/graphql-response+json
    ("865D", "SHOULD use 4xx or 5xx status codes on document parsing failure when accepting application/graphql-response+json",
        post(NO_DOCUMENT, RESPONSE), FAILED),
    ("556A", "SHOULD use 400 status code on document parsing failure when accepting application/graphql-response+json",
        post(NO_DOCUMENT, RESPONSE), REFUSED),
    ("D586", "SHOULD not contain the data entry on document parsing failure when accepting application/graphql-response+json",
        post(NO_DOCUMENT, RESPONSE), NO_DATA),
    ("51FE", "SHOULD use 4xx or 5xx status codes on document validation failure when accepting application/graphql-response+json",
        post(NO_FIELD, RESPONSE), FAILED),
    ("74FF", "SHOULD use 400 status code on document validation failure when accepting application/graphql-response+json",
        post(NO_FIELD, RESPONSE), REFUSED),
    ("5E5B", "SHOULD not contain the data entry on document validation failure when accepting application/graphql-response+json",
        post(NO_FIELD, RESPONSE), NO_DATA),
    ("86EE", "SHOULD use a status code of 400 on variable coercion failure when accepting application/graphql-response+json",
        post(NO_ID, RESPONSE), REFUSED),
)]  # fmt: skip


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    """One that adds no Accept of its own, and knows no proxy."""
    async with httpx2.AsyncClient(trust_env=False) as client:
        del client.headers["accept"]
        yield client


def test_there_are_61_audits() -> None:
    assert len({audit.id for audit in AUDITS}) == len(AUDITS) == 61
    assert {audit.name.split()[0] for audit in AUDITS} == {"MUST", "SHOULD", "MAY"}


@pytest.mark.parametrize("audit", [pytest.param(audit, id=f"{audit.id} {audit.name}") for audit in AUDITS])
async def test_the_server_passes_the_audit(standing: Served, client: httpx2.AsyncClient, audit: Audit) -> None:
    asked, expected = audit.request, audit.answer
    answered = await client.request(
        asked.method,
        f"{standing.url}?{asked.query}" if asked.query else standing.url,
        content=asked.body,
        headers=asked.headers | {"authorization": f"Bearer {standing.token('C1')}"},
    )
    text = answered.content.decode("utf-8")
    assert answered.status_code in expected.status, text
    if expected.content_type is not None:
        assert expected.content_type in answered.headers["content-type"]
    if expected.without is not None:
        body = json.loads(text)
        assert isinstance(body, dict)
        assert expected.without not in body, text
