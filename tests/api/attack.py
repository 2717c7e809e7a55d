"""The attack: asks the API for what is not the asker's, in every way that its schema knows.

Nothing that can be asked is listed here. The probes are made from the schema itself, by introspection: every argument
and every field of an input that takes an id, a cursor, a code or a filter; on every type; with a value of another
county, with one of another area of the asker's own county, and with one made up in the same shape; in queries, pages,
counts, overviews, mutations, exports, downloads and subscriptions; as every role. What *is* listed is what values
there are of a scalar, and which texts are free words that name nothing.

An answer leaks if

* it shows an id, a number, a name or any other telling text of a row that the asker must not see, or the other
  county's dye (``tests.api.counties`` knows whose every row is, and asks nothing of the product);
* it differs from the answer to a made-up value, where the asker must not know whether there is such a thing;
* it counts more, or less, than the rows that the asker may see;
* it is a fault: an error that nobody foresaw says that something is there;
* or something has changed.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from uuid import UUID

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLType,
    get_named_type,
    is_leaf_type,
)
from sqlalchemy.ext.asyncio import AsyncEngine

from bangfu_graphql.mapping import entity_of
from bangfu_graphql.queries import MAPPED
from bangfu_graphql.schema import schema_of
from tests.api.conftest import Served
from tests.api.counties import (
    BASES,
    CODE,
    DYE,
    PAIRINGS,
    PERIOD,
    SERVICES,
    TWIN,
    TWINS_PERIOD,
    Counties,
    Row,
    Sight,
    household,
    identity_of,
    rows_of,
    staff,
    twins_identity,
)
from tests.county import identity
from tests.stories import digests

TENANT, AREA, RANDOM, OWN, DOOR, CHOICE = "other county", "other area", "made up", "own", "at the door", "every choice"
KINDS = (TENANT, AREA, RANDOM)
PARTS = ("reads", "changes", "keys", "files", "follows", "jobs")
AT_ONCE = 22
"""Probes in one document; the API allows 30 aliases and bounds what they multiply to."""
CONTROLS = frozenset({"C1", "SJ", "L1"})
"""Who also asks for what is his own, so that it is known that the probes find what there is to be found."""
NAMES = 1
"""Under how many other types' names a key is tried."""
TABLES = {name: entity_of(cls).model.__tablename__ for name, cls in MAPPED.items()}
"""The table of every type that has an id."""
MONTHLY = "disability_care"
"""The programme that is paid every month."""
PERIODS = {
    "ConsolidationPeriod": "consolidation",
    "LeadingPeriod": "leading",
    "DisabilityCarePeriod": MONTHLY,
}
"""The types of the periods that the county runs, and whose they are."""
FREE = frozenset({
    "words", "objector", "place", "finding", "reason", "evidence", "note", "seed", "seedSource", "title", "number",
    "clause", "header", "column", "action", "contact", "file", "what", "outcome", "valuation", "office", "chamber", "className",
})  # fmt: skip
"""Fields of inputs of mutations that take free words: nothing is looked up by them."""
_ID = re.compile(r"^[A-Za-z0-9_-]{12,}$")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_MASKED = re.compile(r"[0-9A-Z]{3}\*{4,}[0-9A-Z]{2,4}")
"""How the API repeats what looks like the number of a person or an account."""
_NEEDS = re.compile(r"Needs `([A-Z_]+)`")

Field: TypeAlias = GraphQLField
Composite: TypeAlias = GraphQLObjectType | GraphQLInterfaceType


# --- ids and cursors, as anybody can take them apart ------------------------------------------------------------


def pack(text: str) -> str:
    """A text as ids and cursors carry it."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def unpack(packed: str) -> str:
    """What an id or a cursor holds; empty if it is neither."""
    try:
        return base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)).decode()
    except ValueError:
        return ""


def opaque(name: str, row: Row) -> str:
    """The id of a row of a type."""
    return pack(f"{name}:{row['code'] if name == 'Division' else row['id']}")


NOWHERE = pack(json.dumps(["Household.NUMBER", "H0"]))
"""A cursor of one list, for those of which nobody has one."""


# --- a probe, and what came of all of them ----------------------------------------------------------------------


@dataclass(frozen=True)
class Probe:
    """One question: by whom, where in the schema, with what kind of value, in which document.

    ``alike`` names the group within which answers must not differ: the same place, the same kind of thing, and the
    asker must not know any of them.
    """

    number: str
    where: str
    kind: str
    selection: str
    """The field with ``$value`` where the value goes, and what is asked of it."""
    type: str
    value: Any
    alike: str = ""
    own: str | None = None
    """The id of the role's own object that the field is asked of; ``$own`` in the selection."""
    counts: int | None = None
    """How many there are for the asker, where the question is for all of something."""

    @property
    def alone(self) -> bool:
        """Whether it may well be refused, and is asked in a document of its own: one refusal ends all of a document."""
        paged = "totalCount" in self.selection or self.type == "ID!"
        return self.kind == DOOR or self.value == NOWHERE or (bool(self.type) and not paged)


@dataclass
class Report:
    """What the attack came to."""

    probes: Counter[str] = field(default_factory=Counter)
    roles: set[str] = field(default_factory=set)
    leaks: list[str] = field(default_factory=list)
    excluded: set[str] = field(default_factory=set)
    shown: Counter[str] = field(default_factory=Counter)
    """How often a place showed something of the asker's own: a probe that never does proves nothing."""
    places: set[str] = field(default_factory=set)

    @property
    def total(self) -> int:
        return sum(self.probes.values())

    def line(self) -> str:
        """The whole in one line."""
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(self.probes.items()))
        return f"attack: {self.total:,} probes ({kinds}) × {len(self.roles)} roles, {len(self.leaks)} leaks"


# --- the schema ---------------------------------------------------------------------------------------------------


def needs(of: Field | Composite) -> frozenset[str]:
    """The permissions that the schema says something needs."""
    return frozenset(_NEEDS.findall(of.description or ""))


class Shape:
    """What can be selected of the schema's types by who has some permissions."""

    def __init__(self, schema: GraphQLSchema, may: frozenset[str]) -> None:
        self.schema, self.may = schema, may
        self._known: dict[tuple[str, int], str] = {}

    def allows(self, own: Field) -> bool:
        kind = get_named_type(own.type)
        return needs(own) <= self.may and (is_leaf_type(kind) or self.allows_type(kind))

    def allows_type(self, kind: Any) -> bool:
        """Whether a type may be looked at; of a page, what it is of."""
        inner = kind.fields.get("nodes") if isinstance(kind, GraphQLObjectType) else None
        if inner is not None and "pageInfo" in kind.fields:
            kind = get_named_type(inner.type)
        return not isinstance(kind, Composite) or needs(kind) <= self.may

    def of(self, kind: Any, deep: int) -> str:
        """A selection: every value of a type, and of the objects that it leads to, so many levels of them."""
        key = (kind.name, deep)
        if key not in self._known:
            self._known[key] = self._of(kind, deep)
        return self._known[key]

    def _of(self, kind: Any, deep: int) -> str:
        if not isinstance(kind, Composite):
            return ""
        parts = ["__typename"]
        for name, own in kind.fields.items():
            inner = get_named_type(own.type)
            required = any(isinstance(argument.type, GraphQLNonNull) for argument in own.args.values())
            if required or not self.allows(own):
                continue
            if is_leaf_type(inner):
                parts.append(name)
            elif self._is_node(inner):
                parts.append(f"{name} {self.of(inner, deep - 1)}" if deep else f"{name} {{ id }}")
            elif "pageInfo" in getattr(inner, "fields", {}):
                if deep:
                    nodes = get_named_type(inner.fields["nodes"].type)
                    parts.append(f"{name}(first: 3) {{ totalCount nodes {least(nodes)} }}")
            elif deep > -2:
                parts.append(f"{name} {self.of(inner, deep - 1)}")
        return f"{{ {' '.join(parts)} }}"

    def page(self, kind: Any, deep: int = 0) -> str:
        """A selection of a page, as a whole."""
        inner = get_named_type(kind.fields["nodes"].type)
        info = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
        return f"{{ totalCount nodes {self.of(inner, deep)} {info} }}"

    def _is_node(self, kind: Any) -> bool:
        return isinstance(kind, Composite) and any(own.name == "Node" for own in kind.interfaces)


def orders_of(own: Field) -> list[str]:
    """The orders that a list can be asked for in; an empty one where there is no choice."""
    kind: Any = get_named_type(own.args["orderBy"].type) if "orderBy" in own.args else None
    return list(kind.values) if kind is not None else [""]


def least(kind: Any) -> str:
    """The least that can be asked of a type: whoever may not is refused all the same."""
    if is_leaf_type(kind):
        return ""
    if is_page(kind):
        return f"{{ totalCount nodes {least(get_named_type(kind.fields['nodes'].type))} }}"
    return "{ __typename id }" if "id" in kind.fields else "{ __typename }"


def is_page(kind: Any) -> bool:
    """Whether a type is a page of a list."""
    return isinstance(kind, GraphQLObjectType) and "pageInfo" in kind.fields and "nodes" in kind.fields


@dataclass(frozen=True)
class Leaf:
    """A place that takes a value: the way to it through the arguments of a field, and its type."""

    way: tuple[str, ...]
    type: GraphQLType

    @property
    def name(self) -> str:
        return self.way[-1]

    @property
    def path(self) -> str:
        return ".".join(self.way)

    @property
    def named(self) -> Any:
        return get_named_type(self.type)


def leaves(arguments: Mapping[str, GraphQLArgument | GraphQLInputField], way: tuple[str, ...] = ()) -> Iterator[Leaf]:
    """Every place among some arguments that takes a value, those inside of inputs among them."""
    for name, own in arguments.items():
        kind = get_named_type(own.type)
        if isinstance(kind, GraphQLInputObjectType):
            yield from leaves(kind.fields, (*way, name))
        else:
            yield Leaf((*way, name), own.type)


def listed(kind: GraphQLType) -> bool:
    """Whether a type is a list."""
    return isinstance(kind.of_type if isinstance(kind, GraphQLNonNull) else kind, GraphQLList)


def put(arguments: Mapping[str, Any], way: Sequence[str], value: Any, types: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments with a value at a place; where a list is on the way, a list of one."""
    head, *rest = way
    own = types[head]
    if rest:
        inner = arguments.get(head)
        if isinstance(inner, list):
            inner = inner[0] if inner else None
        kind = get_named_type(own.type)
        base = required(kind.fields) if inner is None else inner
        value = put(base, rest, value, kind.fields)
    return {**arguments, head: [value] if listed(own.type) and not isinstance(value, list) else value}


def required(arguments: Mapping[str, GraphQLArgument | GraphQLInputField]) -> dict[str, Any]:
    """The arguments that must be stated, with values that find nothing."""
    made: dict[str, Any] = {}
    for name, own in arguments.items():
        if (isinstance(own.type, GraphQLNonNull) and own.default_value in (None, ())) or name in ("cases",):
            kind = get_named_type(own.type)
            if name == "cases":
                made[name] = {"households": [household("H0")]}
                continue
            value = required(kind.fields) if isinstance(kind, GraphQLInputObjectType) else plain(name, kind)
            made[name] = [value] if listed(own.type) else value
    return made


PAIRED = frozenset({
    "HelperPayload", "NeedPayload", "AgreementPayload", "ObstaclePayload", "DeliveryPayload", "DeliveriesPayload",
    "PairingFigures", "PairingWaiting", "HonouredHelper", "PairingSummary", "IssuedCertificate",
})  # fmt: skip
"""What comes of fields that are for a programme of pairings."""


SHAPED: Mapping[str, str] = {
    **dict.fromkeys(PAIRED, PAIRINGS),
    **dict.fromkeys(
        (
            "SupportBasePayload",
            "BaseAssessmentPayload",
            "BaseFindingPayload",
            "BaseSubsidyPayload",
            "InspectionFigures",
        ),
        BASES,
    ),
    **dict.fromkeys(("HandoutsPayload", "HandoutBatchPayload", "HandoutFigures"), SERVICES),
}
"""The programme that a field is for, by what comes of it; every other is for one of cases."""


def at_home(name: str, own: Field) -> dict[str, Any]:
    """The arguments of a field that must be stated, for a programme that it is for."""
    base = required(own.args)
    if "programme" in base and (code := SHAPED.get(get_named_type(own.type).name)) is not None:
        base["programme"] = code
    if "programme" in base and name in OF_MONTHS:
        base["programme"] = MONTHLY
    return base


OF_MONTHS = frozenset({
    "monthAsKnown", "monthPreview", "monthPreviewFigures", "unverified", "unverifiedCounts", "decideMonth",
    "decideMonthFor", "reverifyCases", "carryCases",
})  # fmt: skip
"""Fields that are for a programme that is paid every month."""


def plain(name: str, kind: Any) -> Any:
    """Some value of a type that names nothing."""
    if isinstance(kind, GraphQLEnumType):
        return next(iter(kind.values))
    if name == "year":
        return int(PERIOD)
    if name == "month":
        return 3
    known = {"programme": "consolidation", "period": PERIOD}
    scalars = {
        "Boolean": True, "Int": 1, "Date": "2021-10-28", "DateTime": "2021-10-28T00:00:00+08:00", "Money": "1.00",
        "Percentage": "1.00", "DivisionCode": str(int(CODE) * 1_000_000), "MonthDay": "10-10",
        "ID": pack(f"PaymentBatch:{UUID(int=1)}"),
    }  # fmt: skip
    return scalars.get(kind.name, known.get(name, "x"))


# --- values -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Value:
    """A value to ask with: what kind of thing it names, whose it is."""

    what: str
    kind: str
    value: Any
    secret: bool = True
    """Whether the asker must not know that there is such a thing."""


class Values:
    """The values that a role is attacked with. What is made up has the shape of what is real."""

    def __init__(self, sight: Sight, cursors: Mapping[str, Mapping[str, list[str]]]) -> None:
        self.sight = sight
        self.cursors = cursors
        self.chance = random.Random(sight.number)

    def rows(self, table: str) -> dict[str, Row]:
        """A row of a table for each kind; the last there is, so that it is not always the same village's."""
        sight = self.sight
        found = {TENANT: sight.foreign, AREA: sight.hidden, OWN: sight.seen}
        return {kind: own[table][-1] for kind, own in found.items() if own.get(table)}

    def ids(self, name: str) -> list[Value]:
        """The ids of a type of each kind."""
        made = [
            Value(name, kind, opaque(name, row), secret=kind != OWN) for kind, row in self.rows(TABLES[name]).items()
        ]
        key = "990201777777" if name == "Division" else UUID(int=self.chance.getrandbits(128), version=4)
        return [*made, Value(name, RANDOM, pack(f"{name}:{key}"))]

    def monthly(self) -> list[Row]:
        """The cases in sight that are paid every month."""
        return [row for row in self.sight.seen["case_file"] if row["programme"] == MONTHLY]

    def all_ids(self) -> list[Value]:
        """The ids of every type of each kind."""
        return [value for name in TABLES for value in self.ids(name)]

    def codes(self) -> list[Value]:
        """Whatever a text can name: households, officers, persons, organizations, periods, objects of the record."""
        made: list[Value] = []
        for table, column in (
            ("household", "number"), ("officer", "number"), ("person", "number"), ("person", "name"),
            ("organization", "credit_code"),
            ("audit_entry", "object"), ("schooling", "student_number"), ("pairing_agreement", "number"),
            ("delivery", "receipt"),
        ):  # fmt: skip
            found = self.rows(table)
            seen = {row[column] for row in self.sight.seen.get(table, ())}
            for kind, row in found.items():
                if kind == OWN or row[column] not in seen:
                    made.append(Value(f"{table}.{column}", kind, row[column], secret=kind != OWN))
            made.append(Value(f"{table}.{column}", RANDOM, self._like(next(iter(found.values()))[column])))
        for table, column in (("audit_entry", "action"), ("payment_wait", "line_code")):
            if (mine := self.rows(table).get(OWN)) is not None:
                made.append(Value(f"{table}.{column}", OWN, mine[column], secret=False))
        numbers = {row["id"]: row["number"] for row in self.sight.seen["household"]}
        for programme in PERIODS.values():
            cases = [row for row in self.sight.seen["case_file"] if row["programme"] == programme]
            made.append(Value("programme", OWN, programme, secret=False))
            made += [Value("case_file.number", OWN, case["number"], secret=False) for case in cases[-1:]]
            for case in cases[-1:]:
                made.append(Value("case_file.stage", OWN, case["stage"], secret=False))
                made.append(Value("case_file.household", OWN, numbers[case["household_id"]], secret=False))
        heads = {row["person_id"] for row in self.sight.seen["membership"] if row["relation"] == "head"}
        made += [
            Value("head", OWN, row["name"], secret=False) for row in self.sight.seen["person"] if row["id"] in heads
        ][:1]
        made.append(Value("identity", OWN, identity(1), secret=False))
        paired = {row["organization_id"] for row in self.sight.seen["pairing"]}
        made += [
            Value("organization that is paired", OWN, row["credit_code"], secret=False)
            for row in self.sight.seen["organization"]
            if row["id"] in paired
        ][:1]
        busy = {row["officer_id"] for row in self.sight.seen["audit_entry"]}
        made += [
            Value("officer who acted", OWN, row["number"], secret=False)
            for row in self.sight.seen["officer"]
            if row["id"] in busy
        ][:1]
        person = self.rows("person").get(TENANT)
        if person is not None:
            made.append(Value("identity", TENANT, identity_of(person)))
            made.append(Value("identity", RANDOM, twins_identity(997)))
        made += [Value("period", TENANT, TWINS_PERIOD), Value("period", RANDOM, "2031"), Value("period", OWN, PERIOD)]
        made.append(Value("programme", RANDOM, "consolation"))
        for what, word in (
            ("programme", PAIRINGS), ("programme", BASES), ("programme", SERVICES), ("path", "donation"),
            ("kind", "cash"), ("kind", "goods"), ("level", "city"), ("handout_batch.voucher", "总票"),
        ):  # fmt: skip
            made.append(Value(what, OWN, word, secret=False))
        return made

    def named(self, name: str) -> list[Value]:
        """What a text of a mutation names, by the name of its field; households and officers unless that says more."""
        what: dict[str, tuple[str, ...]] = {
            "programme": ("programme",),
            "period": ("period",),
            "by": ("officer.number",),
            "person": ("person.number",),
        }
        wanted: tuple[str, ...] = what.get(
            name, ("household.number",) if "household" in name.lower() or name == "without" else ()
        )
        wanted = wanted or ("household.number", "officer.number")
        return [value for value in self.codes() if value.what in wanted and value.kind != OWN]

    def divisions(self) -> list[Value]:
        """The codes of divisions. Everybody of a county knows its divisions, not what is in them."""
        inside = {row["division"] for row in self.sight.hidden["household"]}
        made = [Value("division", TENANT, str(row["code"])) for row in self.sight.foreign["division"][-1:]]
        made += [Value("division", AREA, str(code), secret=False) for code in sorted(inside)[-1:]]
        known = sorted(row["code"] for row in self.sight.seen["division"])
        places = sorted(row["division"] for row in self.sight.seen["household"])
        made += [Value("division", OWN, str(code), secret=False) for code in {*known[:1], *places[:1]}]
        return [*made, Value("division", RANDOM, "990201199299")]

    def places(self, where: str, order: str) -> list[Value]:
        """Cursors of a list, taken by others: of the other county, of the same county by who sees all of it."""
        taken = self.cursors.get(f"{where} {order}".strip(), {})
        made = [Value("cursor", kind, cursor, secret=False) for kind, own in taken.items() for cursor in own[:1]]
        if made:
            shape = _UUID.sub(lambda _: str(UUID(int=self.chance.getrandbits(128), version=4)), unpack(made[0].value))
            made.append(Value("cursor", RANDOM, pack(shape), secret=False))
        return made or [Value("cursor", RANDOM, NOWHERE, secret=False)]

    def of(self, leaf: Leaf, *, mutation: bool = False) -> list[Value]:
        """The values for a place that takes one."""
        kind = leaf.named
        if isinstance(kind, GraphQLEnumType):
            return [Value(kind.name, CHOICE, name, secret=False) for name in kind.values] if not mutation else []
        if kind.name == "ID":
            return self.all_ids()
        if kind.name == "DivisionCode":
            return self.divisions()
        if kind.name == "String":
            return self.named(leaf.name) if mutation else self.codes()
        if mutation:
            return []
        choices: dict[str, tuple[Any, ...]] = {
            "Boolean": (True, False),
            "Date": ("2021-10-14",),
            "DateTime": ("2021-10-14T00:00:00+08:00",),
        }
        return [Value(kind.name, CHOICE, own, secret=False) for own in choices.get(kind.name, ())]

    def _like(self, text: str) -> str:
        """A text of the same shape that is nowhere."""
        if _UUID.search(text):
            return _UUID.sub(lambda _: str(UUID(int=self.chance.getrandbits(128), version=4)), text)
        return re.sub(r"[0-9](?=[^@]*$|[^@]*@)", "0", text.replace(TWIN, CODE)).replace(DYE, "") + "0"


# --- making the probes --------------------------------------------------------------------------------------------


class Prober:
    """Makes the probes of one role."""

    def __init__(
        self, schema: GraphQLSchema, sight: Sight, may: frozenset[str], values: Values, *, light: bool = False
    ) -> None:
        self.schema, self.sight, self.values = schema, sight, values
        self.light = light
        """Whether who asks for what is not his own asks for no more than tells it: ids and counts."""
        self.number = sight.number
        self.shape = Shape(schema, may)
        self.may = may
        self.own: dict[str, str] = {}
        """An object of the role's own of every type that has fields to ask."""
        query = schema.query_type
        assert query is not None
        self.query = query

    # --- what is read ---

    def reads(self) -> Iterator[Probe]:
        """Every question of a query."""
        for name, own in self.query.fields.items():
            yield from self.asked("Query", name, own, "%s")
        for kind in self.schema.type_map.values():
            if not isinstance(kind, GraphQLObjectType) or kind.name.startswith("__"):
                continue
            if kind in (self.query, self.schema.mutation_type, self.schema.subscription_type):
                continue
            for name, own in kind.fields.items():
                if own.args and (container := self.container(kind)) is not None:
                    yield from self.asked(kind.name, name, own, container)
        yield from self.objects()
        yield from self.relabelled()

    def container(self, kind: GraphQLObjectType) -> str | None:
        """The document around the fields of a type: an own object by its id, or the way from the root to it; None where
        there is none of the role's own, or the way leads through a mutation."""
        if kind.name in self._prefix:
            name = self._prefix[kind.name]
            own = next((value.value for value in self.values.ids(name) if value.kind == OWN), None)
            if own is None or not self.shape.allows_type(kind):
                return None
            self.own[kind.name] = own
            return f"node(id: $own) {{ __typename ... on {kind.name} {{ %s }} }}"
        for name, root in self.query.fields.items():
            if get_named_type(root.type) is kind and set(root.args) == {"period"} and self.shape.allows(root):
                return f'{name}(period: "{PERIOD}") {{ %s }}'
        return None

    @property
    def _prefix(self) -> dict[str, str]:
        """The name that the ids of each type carry."""
        made: dict[str, str] = {}
        for name in TABLES:
            kind = self.schema.type_map[name]
            concrete = self.schema.get_possible_types(kind) if isinstance(kind, GraphQLInterfaceType) else [kind]
            made |= {own.name: name for own in concrete}
        return made

    def asked(self, of: str, name: str, own: Field, container: str) -> Iterator[Probe]:
        """Every question of one field: each place that takes a value, with each value."""
        where, kind = f"{of}.{name}", get_named_type(own.type)
        if not self.shape.allows(own):
            selection = least(kind)
            arguments = required(own.args)
            stated = (
                f"({', '.join(f'{key}: {literal(value)}' for key, value in arguments.items())})" if arguments else ""
            )
            yield Probe(
                self.number, where, DOOR, container % f"{name}{stated} {selection}", "", None, "", self.own.get(of)
            )
            return
        page, orders, base = is_page(kind), [""], at_home(name, own)
        selected = self.shape.page(kind, 1) if page else self.shape.of(kind, 1)
        shallow = self.shape.page(kind, 0) if page else self.shape.of(kind, 0)
        if self.light:
            shallow = least(kind)
        if page:
            stated = "".join(f"{key}: {literal(value)}, " for key, value in base.items())
            yield Probe(
                self.number,
                where,
                OWN,
                container % f"{name}({stated}first: 100) {selected}",
                "",
                None,
                "",
                self.own.get(of),
                self._count(of, kind),
            )
            if "orderBy" in own.args:
                orders = orders_of(own)
        elif not own.args:
            yield Probe(self.number, where, OWN, container % f"{name} {selected}", "", None)
        if "household" in base and (found := self.values.rows("household").get(OWN)) is not None:
            base["household"] = found["number"]
        if name == "monthAsKnown" and (cases := self.values.monthly()):
            base["number"] = cases[-1]["number"]
        if name == "provisionPreview" and (found := self.values.rows("provision").get(OWN)) is not None:
            base["id"] = opaque("Provision", found)
        for leaf in leaves(own.args):
            if leaf.name in ("first", "last", "orderBy"):
                continue
            if leaf.name in ("after", "before"):
                for order in orders:
                    for value in self.values.places(where, order):
                        more = {leaf.name: "$value", "first": 50, **({"orderBy": Word(order)} if order else {})}
                        yield self._probe(where, leaf, value, container, name, own, {**base, **more}, shallow)
                continue
            for value in self.values.of(leaf):
                if value.kind == OWN and self.number not in CONTROLS:
                    continue
                more = put(base, leaf.way, "$value", own.args)
                if page:
                    more["first"] = 100
                chosen = selected if value.kind == OWN and not page else shallow
                yield self._probe(where, leaf, value, container, name, own, more, chosen)

    def _probe(
        self,
        where: str,
        leaf: Leaf,
        value: Value,
        container: str,
        name: str,
        own: Field,
        arguments: Mapping[str, Any],
        selected: str,
    ) -> Probe:
        stated = ", ".join(f"{key}: {literal(argument)}" for key, argument in arguments.items())
        if name in ("node", "nodes") and value.what in TABLES and "__typename" in selected:
            kind = self.schema.type_map[value.what]
            concrete = self.schema.get_possible_types(kind) if isinstance(kind, GraphQLInterfaceType) else [kind]
            deep = value.kind == OWN
            inside = " ".join(
                f"... on {one.name} {least(one) if self.light and not deep else self.shape.of(one, deep)}"
                for one in concrete
                if self.shape.allows_type(one)
            )
            selected = f"{{ __typename id {inside} }}"
        scalar = leaf.named.name
        alike = f"{where}({leaf.path}) {value.what}" if value.secret and value.kind in KINDS else ""
        at = f"{where}({leaf.path})"
        return Probe(
            self.number,
            at,
            value.kind,
            container % f"{name}({stated}) {selected}",
            f"{scalar}!",
            value.value,
            alike,
            self.own.get(where.partition(".")[0]),
        )

    def _count(self, of: str, kind: Any) -> int | None:
        """How many there are of what is listed for the asker, by what the fixture knows."""
        inner = self._prefix.get(get_named_type(kind.fields["nodes"].type).name)
        inner = inner or get_named_type(kind.fields["nodes"].type).name
        if (of != "Query" and of not in PERIODS) or inner not in TABLES:
            return None
        rows = [row for row in self.sight.seen[TABLES[inner]] if row.get("known_to") is None]
        return sum(of == "Query" or row.get("programme") in (None, PERIODS[of]) for row in rows)

    def objects(self) -> Iterator[Probe]:
        """Objects of every type by their ids, several at once."""
        for value in self.values.all_ids():
            if value.kind == OWN:
                continue
            yield Probe(
                self.number, f"Query.nodes(ids) {value.what}", value.kind,
                "nodes(ids: [$value]) { __typename id }", "ID!", value.value, f"nodes {value.what}",
            )  # fmt: skip

    def relabelled(self) -> Iterator[Probe]:
        """The key of every type under the names of some other types."""
        for value in self.values.all_ids():
            name, _, key = unpack(value.value).partition(":")
            if value.kind not in (TENANT, AREA):
                continue
            names = [*TABLES, *TABLES]
            place = names.index(name)
            for other in names[place + 1 : place + 1 + NAMES]:
                yield Probe(
                        self.number, f"Query.node(id) {name} as {other}", value.kind,
                        "node(id: $value) { __typename id }", "ID!", pack(f"{other}:{key}"),
                    )  # fmt: skip

    # --- what is changed ---

    def changes(self, excluded: set[str]) -> Iterator[Probe]:
        """Every mutation with every value of what it takes; who may not use it at all is asked once."""
        root = self.schema.mutation_type
        assert root is not None
        for name, own in root.fields.items():
            where = f"Mutation.{name}"
            base = self.known(at_home(name, own))
            if any(leaf.named.name == "Upload" for leaf in leaves(own.args)):
                excluded.add(f"{where}: takes a file; see the probes of workbooks")
                continue
            selected = self.shape.of(get_named_type(own.type), 0)
            if not self.shape.allows(own):
                stated = ", ".join(f"{key}: {literal(value)}" for key, value in base.items())
                opened = f"({stated})" if stated else ""
                yield Probe(self.number, where, DOOR, f"{name}{opened} {{ changed }}", "", None)
                continue
            for leaf in leaves(own.args):
                if leaf.name in FREE or (where, leaf.name) in LAWFUL:
                    if (where, leaf.name) in LAWFUL:
                        excluded.add(f"{where}({leaf.path}): {LAWFUL[where, leaf.name]}")
                    continue
                for value in self.values.of(leaf, mutation=True):
                    if value.kind == OWN or (leaf.named.name == "ID" and not self._fits(name, value)):
                        continue
                    arguments = put(base, leaf.way, "$value", own.args)
                    if leaf.way == ("cases", "divisions"):
                        arguments["cases"] = {"divisions": ["$value"]}
                    yield self._probe(where, leaf, value, "%s", name, own, arguments, selected)

    def known(self, base: dict[str, Any]) -> dict[str, Any]:
        """The arguments of a mutation, on a case in the role's sight where it speaks of who takes part in one: beside a
        household that is nowhere, nothing that is looked for is ever looked at."""
        applicant, led = household("H3"), household("H1")
        if not {applicant, led} <= {row["number"] for row in self.sight.seen["household"]}:
            return base
        if "applicant" in base:
            return {**base, "programme": "leading", "applicant": applicant, "household": led}
        plans = base.get("plans")
        if plans and "participants" in plans[0]:
            return {**base, "plans": [{**plans[0], "household": applicant}]}
        return base

    def _fits(self, name: str, value: Value) -> bool:
        """Of an id that a mutation takes, every kind of the types that its name speaks of; of others, one."""
        own = value.what.lower()
        spoken = any(part in name.lower() for part in (own, own.removeprefix("payment"), f"{own}s"))
        return spoken or value.kind == TENANT

    def subscriptions(self) -> Iterator[Probe]:
        """Every subscription with every id."""
        root = self.schema.subscription_type
        assert root is not None
        for name, own in root.fields.items():
            for leaf in leaves(own.args):
                selected = self.shape.of(get_named_type(own.type), 0)
                for value in self.values.of(leaf):
                    if value.kind == OWN or not self._fits(f"{name}", value):
                        continue
                    if not self.shape.allows(own):
                        continue
                    arguments = put(required(own.args), leaf.way, "$value", own.args)
                    yield self._probe(f"Subscription.{name}", leaf, value, "%s", name, own, arguments, selected)


LAWFUL: Mapping[tuple[str, str], str] = {
    ("Mutation.openPeriod", "period"): "whatever period is named, the county may open it for itself",
    ("Mutation.issueServiceToken", "name"): "the label of a token, whatever it says; the token is the asker's own",
    ("Mutation.accountCounty", "divisions"): "puts a job in the queue whatever is named; see the attack on jobs",
    ("Mutation.accountCounty", "without"): "puts a job in the queue whatever is named; see the attack on jobs",
}
"""Places of mutations that are left out, and why: what they do with any value is the asker's to do."""


class Word(str):
    """A name that is no text: a value of an enumeration."""

    __slots__ = ()


def literal(value: Any) -> str:
    """A value as a document states it; ``$value`` is the variable."""
    if isinstance(value, Word) or value == "$value":
        return str(value)
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {literal(item)}' for key, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, str) and re.fullmatch(r"[A-Z][A-Z_]*", value):
        return value
    return json.dumps(value, ensure_ascii=False)


# --- asking, and judging the answers ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Answered:
    """What came back to one probe: the status, and the body without what is different every time."""

    status: int
    body: Any

    def text(self, probe: Probe) -> str:
        """Everything that it shows, without what the asker said himself; ids and cursors are taken apart."""
        told = json.dumps(self.body, ensure_ascii=False)
        shown = [told, *(unpack(leaf) for leaf in strings(self.body) if _ID.match(leaf) and leaf != probe.value)]
        text = "\n".join(shown)
        for said in said_by(probe):
            text = text.replace(said, "·")
        return text


def said_by(probe: Probe) -> list[str]:
    """What a probe says itself, in each form in which it may come back."""
    if not isinstance(probe.value, str) or not probe.value:
        return []
    inner = unpack(probe.value) if _ID.match(probe.value) else ""
    forms = {probe.value, inner, *_UUID.findall(inner), *_UUID.findall(probe.value), f"'{probe.value[:40]}'"}
    return sorted((form for form in forms if form), key=len, reverse=True)


def strings(value: Any) -> Iterator[str]:
    """Every text of an answer."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from strings(item)


def pages(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every page of an answer that shows its nodes and its count."""
    if isinstance(value, dict):
        if "totalCount" in value and "nodes" in value:
            yield value
        for item in value.values():
            yield from pages(item)
    elif isinstance(value, list):
        for item in value:
            yield from pages(item)


def told(errors: Iterable[Mapping[str, Any]], alias: str | None = None) -> list[dict[str, Any]]:
    """Errors, without where in which request they were."""
    made = []
    for error in errors:
        path = error.get("path")
        if alias is not None and path and path[0] != alias:
            continue
        extensions = {name: own for name, own in error.get("extensions", {}).items() if name != "traceId"}
        made.append({"message": error["message"], "extensions": extensions, "path": path[1:] if path else path})
    return made


class Attack:
    """The attack on one running server with the two counties behind it."""

    def __init__(self, served: Served, admin: Callable[[], Any], programmes: Sequence[str]) -> None:
        self.served, self.admin, self.programmes = served, admin, programmes
        self.arguments: dict[str, Any] = {}
        """How a superuser connects, for the faults."""
        self.beyond: AsyncEngine | None = None
        """An engine that no wall holds back, for the faults."""
        self.undo: list[Callable[[], None]] = []
        self.share = 1
        """Of so many groups of alike probes, each role tries one; another than the next role does."""
        self.light = False
        """Whether probes of what is not the asker's own ask for ids and counts alone."""
        self.report = Report()
        self.gate = asyncio.Semaphore(4)
        self.counties: Counties
        self.cursors: dict[str, dict[str, list[str]]] = {}

    async def prepare(self) -> None:
        """Read whose every row is, and take cursors of every list as others have them."""
        connection = await self.admin()
        try:
            tenant = await connection.fetchval("select id from tenant where code = $1", CODE)
            self.counties = Counties(await rows_of(connection), tenant)
        finally:
            await connection.close()
        programmes = self.served.world.plugins.programmes
        self.schema = schema_of(programmes[code] for code in self.programmes)._schema
        for kind, number, code in ((TENANT, "C1", TWIN), (AREA, "C1", CODE)):
            await self._take_cursors(kind, number, code)

    def learn(self, other: Attack) -> None:
        """Take over what another attack prepared, on a database of which this one's is a copy too."""
        self.counties, self.schema, self.cursors = other.counties, other.schema, other.cursors

    async def _take_cursors(self, kind: str, number: str, code: str) -> None:
        may = await self.permissions(number, code)
        sight = self.counties.sight(number)
        if code == TWIN:
            sight.seen = sight.foreign
        prober = Prober(self.schema, sight, may, Values(sight, {}))
        for of, name, own, container in _lists(prober):
            for order in orders_of(own):
                base = "".join(f"{key}: {literal(value)}, " for key, value in at_home(name, own).items())
                stated = f"{base}first: 50{f', orderBy: {order}' if order else ''}"
                document = f"{{ {container % f'{name}({stated}) {{ edges {{ cursor }} }}'} }}"
                body = (await self._post(number, document, {}, code=code)).json()
                found = list(_under(body.get("data"), "cursor"))
                if found:
                    self.cursors.setdefault(f"{of}.{name} {order}".strip(), {})[kind] = found

    async def permissions(self, number: str, code: str = CODE) -> frozenset[str]:
        """What the API says that somebody may do."""
        response = await self._post(number, "{ viewer { permissions } }", {}, code=code)
        return frozenset(response.json()["data"]["viewer"]["permissions"])

    # --- one role ---

    async def as_role(self, number: str, parts: Sequence[str] = PARTS, only: str = "") -> None:
        """Everything that one role can try, or some parts of it, or what begins with some words."""
        may = await self.permissions(number)
        sight = self.counties.sight(number)
        prober = Prober(self.schema, sight, may, Values(sight, self.cursors), light=self.light)
        self.report.roles.add(number)
        answers: list[tuple[Probe, Answered]] = []
        if "reads" in parts:
            found = (probe for probe in prober.reads() if probe.where.startswith(only))
            answers += await self._read(list(self._its_share(found)))
        if "changes" in parts:
            before = await self.snapshot()
            answers += await self._change(list(self._its_share(prober.changes(self.report.excluded))))
            after = await self.snapshot()
            for table in before:
                if before[table] != after[table]:
                    self.report.leaks.append(f"{number}: the mutations changed {table}")
        if "keys" in parts:
            answers += await self._keys(prober)
        if "files" in parts:
            answers += await self._fetch(prober)
        if "jobs" in parts:
            answers += await self._work(prober)
        if "follows" in parts:
            answers += await self._follow(list(prober.subscriptions()))
        self._judge(sight, answers)

    def _its_share(self, probes: Iterable[Probe]) -> Iterator[Probe]:
        """What a role tries of its probes. Groups that are judged together stay together; what is refused at the door
        it always tries, and what is its own unless the place has shown something to another."""
        for probe in probes:
            if self.share == 1 or probe.kind == DOOR:
                tried = True
            elif probe.kind == OWN:
                tried = not self.report.shown[probe.where]
            else:
                group = f"{probe.where} {probe.alike or probe.value}"
                tried = (zlib.crc32(group.encode()) + len(self.report.roles)) % self.share == 0
            if tried:
                yield probe

    async def _read(self, probes: list[Probe]) -> list[tuple[Probe, Answered]]:
        chunks: list[list[Probe]] = []
        size = 0
        for probe in sorted(probes, key=lambda own: own.alone):
            own = probe.selection.count(" ")
            if probe.alone or not chunks or chunks[-1][0].alone or len(chunks[-1]) >= AT_ONCE or size + own > 900:
                chunks.append([])
                size = 0
            chunks[-1].append(probe)
            size += own
        found = await asyncio.gather(*map(self._ask, chunks))
        return [answer for own in found for answer in own]

    async def _ask(self, probes: list[Probe]) -> list[tuple[Probe, Answered]]:
        """Ask several questions in one document; where one of them fails, in two, and so on."""
        variables, stated, fields = {}, [], []
        for place, probe in enumerate(probes):
            selection = probe.selection.replace("$value", f"$v{place}").replace("$own", f"$o{place}")
            fields.append(f"p{place}: {selection}")
            if "$own" in probe.selection:
                stated.append(f"$o{place}: ID!")
                variables[f"o{place}"] = probe.own
            if probe.type:
                stated.append(f"$v{place}: {probe.type}")
                variables[f"v{place}"] = probe.value
        head = f"query({', '.join(stated)})" if stated else "query"
        response = await self._post(probes[0].number, f"{head} {{ {' '.join(fields)} }}", variables)
        body = response.json()
        errors, data = body.get("errors", []), body.get("data")
        if errors and len(probes) > 1 and (data is None or response.status_code != 200):
            half = len(probes) // 2
            return [*await self._ask(probes[:half]), *await self._ask(probes[half:])]
        made = []
        for place, probe in enumerate(probes):
            alias = f"p{place}"
            own = {"data": data.get(alias) if data else None, "errors": told(errors, alias)}
            made.append((probe, Answered(response.status_code, own)))
        return made

    async def _change(self, probes: list[Probe]) -> list[tuple[Probe, Answered]]:
        async def one(probe: Probe, headers: Mapping[str, str] | None = None) -> tuple[Probe, Answered]:
            head = f"mutation($value: {probe.type})" if probe.type else "mutation"
            variables = {"value": probe.value} if probe.type else {}
            response = await self._post(probe.number, f"{head} {{ {probe.selection} }}", variables, headers)
            body = response.json()
            return probe, Answered(response.status_code, {**body, "errors": told(body.get("errors", []))})

        return list(await asyncio.gather(*map(one, probes)))

    async def _keys(self, prober: Prober) -> list[tuple[Probe, Answered]]:
        """A change under the key of somebody else's request: one that finds nothing, so that nothing comes of it."""
        root = prober.schema.mutation_type
        assert root is not None
        usable = [(name, own) for name, own in root.fields.items() if "cases" in own.args and prober.shape.allows(own)]
        made: list[tuple[Probe, Answered]] = []
        for name, own in usable[:1]:
            stated = ", ".join(f"{key}: {literal(value)}" for key, value in required(own.args).items())
            selected = prober.shape.of(get_named_type(own.type), 0)
            keys = {TENANT: f"key of K2 {TWIN}", AREA: f"key of K2 {CODE}", RANDOM: f"key of K7 {CODE}"}
            for kind, key in keys.items():
                if prober.number == "K2" and kind == AREA:
                    continue
                probe = Probe(
                    prober.number, f"Mutation.{name} Idempotency-Key", kind, f"{name}({stated}) {selected}", "", key,
                    f"key {name}",
                )  # fmt: skip
                response = await self._post(
                    prober.number, f"mutation {{ {probe.selection} }}", {}, {"Idempotency-Key": key}
                )
                body = response.json()
                made.append((probe, Answered(response.status_code, {**body, "errors": told(body.get("errors", []))})))
        return made

    async def _fetch(self, prober: Prober) -> list[tuple[Probe, Answered]]:
        made = []
        for value in prober.values.ids("File"):
            if value.kind == OWN:
                continue
            key = unpack(value.value).partition(":")[2]
            response = await self._get(prober.number, f"/files/{key}")
            probe = Probe(prober.number, "/files/{id}", value.kind, "", "", key, "files")
            try:
                body: Any = {"errors": told(response.json()["errors"])}
            except (ValueError, KeyError, UnicodeDecodeError):
                body = {"data": response.content.decode("utf-8", "replace"), "sent": True}
            made.append((probe, Answered(response.status_code, body)))
        return made

    async def _work(self, prober: Prober) -> list[tuple[Probe, Answered]]:
        """Have a county accounted by a job, named by divisions out of sight: it is the asker's job, and changes
        nothing of theirs."""
        root = prober.schema.mutation_type
        assert root is not None
        if not prober.shape.allows(root.fields["accountCounty"]) or "READ_OFFICES" not in prober.may:
            return []
        made = []
        ask = (
            'mutation($of: [DivisionCode!]) { accountCounty(programme: "consolidation", period: "2021", divisions: $of)'
        )
        looked = "{ state done total accounted { done unchanged refused } problems { code message } }"
        for value in prober.values.divisions():
            if value.kind == OWN:
                continue
            before = await self.snapshot()
            put_in = await self._post(prober.number, f"{ask} {{ job {{ id }} }} }}", {"of": [value.value]})
            (job,) = _under(put_in.json(), "id")
            await self.served.work()
            after = await self.snapshot()
            found = await self._post(
                prober.number, f"query($id: ID!) {{ node(id: $id) {{ ... on Job {looked} }} }}", {"id": job}
            )
            probe = Probe(
                prober.number, "a job over divisions", value.kind, "", "", value.value, "the accounting of divisions"
            )
            body = {"data": {"job": found.json()["data"]}, "errors": []}
            made.append((probe, Answered(found.status_code, body)))
            for table in sorted(set(before) - {"job", "audit_entry"}):
                if before[table] != after[table]:
                    self.report.leaks.append(f"{_about(probe)}: the job changed {table}")
        return made

    async def _follow(self, probes: list[Probe]) -> list[tuple[Probe, Answered]]:
        made = []
        for probe in probes:
            response = await self._post(
                probe.number,
                f"subscription($value: {probe.type}) {{ {probe.selection} }}",
                {"value": probe.value},
                {"Accept": "text/event-stream"},
            )
            text = re.sub(r'"traceId": ?"[0-9a-f]+"', "", response.text)
            made.append((probe, Answered(response.status_code, {"events": text})))
        return made

    # --- judging ---

    def _judge(self, sight: Sight, answers: Iterable[tuple[Probe, Answered]]) -> None:
        alike: dict[str, dict[str, tuple[Probe, Answered]]] = {}
        for probe, answer in answers:
            self.report.probes[probe.kind] += 1
            self.report.leaks += [f"{_about(probe)}: {leak}" for leak in self._leaks(sight, probe, answer)]
            if probe.kind == OWN:
                self.report.places.add(probe.where)
                self.report.shown[probe.where] += shows(answer.body)
            if probe.alike:
                alike.setdefault(f"{probe.where} {probe.alike}", {})[probe.kind] = probe, answer
        for group in alike.values():
            if RANDOM not in group:
                continue
            nothing = _plainly(*group[RANDOM])
            for kind in (TENANT, AREA):
                if kind in group and _plainly(*group[kind]) != nothing:
                    probe, answer = group[kind]
                    self.report.leaks.append(
                        f"{_about(probe)}: answers otherwise than to a made-up value: "
                        f"{_plainly(probe, answer)[:300]} / {nothing[:300]}"
                    )

    def _leaks(self, sight: Sight, probe: Probe, answer: Answered) -> Iterator[str]:
        text = answer.text(probe)
        if DYE in text or TWIN in text:
            yield f"shows the other county: …{_near(text, DYE if DYE in text else TWIN)}…"
        for key in set(_UUID.findall(text)) & sight.keys:
            yield f"shows the id {key} of a row out of sight"
        for secret in sight.secrets:
            if secret in text:
                yield f"shows {secret!r} of a row out of sight"
        codes = [error["extensions"].get("code") for error in answer.body.get("errors", [])]
        if "INTERNAL" in text or answer.status >= 500:
            yield "is answered with a fault"
        if probe.kind == DOOR and (codes != ["FORBIDDEN"] or answer.body.get("data")):
            yield f"is not refused at the door: {codes}"
        if answer.body.get("sent"):
            yield "is sent a file"
        if '"changed": true' in text:
            yield "changes something"
        data = answer.body.get("data")
        if probe.counts is not None and isinstance(data, dict):
            (page, *_) = pages(data)
            if page["totalCount"] != probe.counts:
                yield f"counts {page['totalCount']} where {probe.counts} are in sight"
        if probe.kind != OWN and not probe.where.endswith(("after)", "before)")):
            for page in pages(data):
                if len(page["nodes"]) < 3 and page["totalCount"] != len(page["nodes"]):
                    yield f"counts {page['totalCount']} and shows {len(page['nodes'])}"

    async def snapshot(self) -> dict[str, Any]:
        """The number of rows of every table and a digest of them, whoever's they are."""
        connection = await self.admin()
        try:
            return {table: digest for table, *digest in await connection.fetch(digests(self.counties.rows))}
        finally:
            await connection.close()

    # --- over HTTP ---

    def _headers(self, number: str, code: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.served.token(staff(number, code), code)}", "Accept-Language": "en"}

    async def _post(
        self,
        number: str,
        document: str,
        variables: Mapping[str, Any],
        headers: Mapping[str, str] | None = None,
        code: str = CODE,
    ) -> Any:
        body = {"query": document, "variables": dict(variables)}
        async with self.gate:
            return await self.served.client.post(
                self.served.url, json=body, headers={**self._headers(number, code), **(headers or {})}
            )

    async def _get(self, number: str, path: str) -> Any:
        async with self.gate:
            return await self.served.client.get(f"{self.served.address}{path}", headers=self._headers(number, CODE))


def _lists(prober: Prober) -> Iterator[tuple[str, str, Field, str]]:
    """Every list with cursors that a role can reach, with the document around it."""
    for kind in prober.schema.type_map.values():
        if not isinstance(kind, GraphQLObjectType):
            continue
        for name, own in kind.fields.items():
            if "after" not in own.args or not prober.shape.allows(own):
                continue
            container = "%s" if kind is prober.query else prober.container(kind)
            if container is not None:
                yield kind.name, name, own, container


def _under(value: Any, name: str) -> Iterator[Any]:
    """Every value of a name in an answer."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key == name:
                yield item
            else:
                yield from _under(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from _under(item, name)


def shows(body: Any) -> bool:
    """Whether an answer shows anything."""
    data = body.get("data") if isinstance(body, dict) else None
    found = list(pages(data))
    if found:
        return any(page["nodes"] for page in found)
    return any(item not in (None, [], {}) for item in data.values()) if isinstance(data, dict) else bool(data)


def _about(probe: Probe) -> str:
    return f"{probe.number} {probe.where} [{probe.kind}]"


def _plainly(probe: Probe, answer: Answered) -> str:
    """An answer as it is to be the same for whatever the asker must not know."""
    text = f"{answer.status} {json.dumps(answer.body, ensure_ascii=False)}"
    for said in said_by(probe):
        text = text.replace(said, "·")
    return _MASKED.sub("·", text)


def _near(text: str, what: str) -> str:
    place = text.index(what)
    return text[max(0, place - 60) : place + 60]
