"""A document turned into what is wanted: a tree over the declarations of ``mapping``, for one type and all it leads to.

The tree knows nothing of SQL. A level of it is everything that is wanted of one type on one path, whatever aliases lead
there; a field is wanted once for each set of its arguments. Of an interface, each type has its own declarations.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLIncludeDirective,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    SelectionNode,
    get_argument_values,
    get_directive_values,
    get_named_type,
)
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField

from bangfu_graphql.mapping import DEFAULT_PAGE, LARGEST_PAGE, MAPPING, Entity, Many, Mapped, alike, place_of

DEFINITION = "strawberry-definition"
LARGEST_TREE = 20_000
"""The most objects that a document may ask for, counted by the sizes of its pages."""


@dataclass
class Wanted:
    """What is wanted of one field of a mapped type."""

    mapping: Mapped
    name: str
    keys: set[str | int]
    """Where a row keeps its value: under its name, or, where it has arguments, at every place that selects it so."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    only: frozenset[str] | None = None
    """The object types, of an interface, for which it is wanted; None is all."""
    selected: Selected | None = None
    page: Page | None = None


@dataclass
class Page:
    """What is wanted of a connection besides its rows."""

    total: bool = False
    rows: bool = False

    def merge(self, other: Page) -> Page:
        """What either wants."""
        return Page(self.total or other.total, self.rows or other.rows)


@dataclass
class Selected:
    """What is wanted of the objects of one mapped type."""

    entity: Entity
    typename: str
    fields: list[Wanted] = field(default_factory=list)

    def want(self, new: Wanted) -> None:
        """Add a field; the same one is often selected in several fragments."""
        for known in self.fields:
            same = known.name == new.name and known.arguments == new.arguments
            if not same or not alike(known.mapping, new.mapping):
                continue
            known.keys |= new.keys
            known.only = None if known.only is None or new.only is None else known.only | new.only
            if known.page is not None and new.page is not None:
                known.page = known.page.merge(new.page)
            if known.selected is not None and new.selected is not None:
                known.selected.merge(new.selected)
            return
        self.fields.append(new)

    def merge(self, other: Selected) -> None:
        """Add what another wants of the same objects."""
        for wanted in other.fields:
            self.want(wanted)


class Planner:
    """Reads the selections of one operation."""

    def __init__(self, schema: GraphQLSchema, fragments: Mapping[str, Any], variables: Any, strawberry: Any) -> None:
        self.schema, self.fragments, self.variables, self.strawberry = schema, fragments, variables, strawberry

    @classmethod
    def of(cls, info: GraphQLResolveInfo[Any], variables: Any, strawberry: Any) -> Planner:
        """The planner of the operation that is being executed."""
        return cls(info.schema, info.fragments, variables, strawberry)

    def selected(self, kind: GraphQLNamedType, nodes: Iterable[FieldNode]) -> Selected:
        """What the fields' selections want of objects of a mapped type."""
        selected = Selected(_origin(kind).__entity__, kind.name)
        for node, within, only in self._fields(kind, nodes):
            definition = within.fields.get(node.name.value)
            if definition is None:
                continue  # __typename
            own: StrawberryField = definition.extensions[DEFINITION]
            keys: set[str | int] = {place_of(node)} if definition.args else {own.python_name}
            for mapping, meant in self._declared(kind, selected.entity, only, node.name.value):
                wanted = Wanted(mapping, own.python_name, keys, self._arguments(definition, own, node), meant)
                self._follow(wanted, get_named_type(definition.type), node)
                selected.want(wanted)
        return selected

    def page(self, kind: GraphQLNamedType, nodes: Iterable[FieldNode]) -> tuple[Page, Selected]:
        """What the fields' selections want of a connection, and of the objects in it."""
        page, inner, edges = Page(), [], []
        connection = cast(GraphQLObjectType, kind)
        for node, _, _ in self._fields(kind, nodes):
            name = node.name.value
            page.total |= name == "totalCount"
            page.rows |= name in ("nodes", "edges", "pageInfo")
            inner += [node] if name == "nodes" else []
            edges += [node] if name == "edges" else []
        edge = get_named_type(connection.fields["edges"].type)
        inner += [node for node, _, _ in self._fields(edge, edges) if node.name.value == "node"]
        return page, self.selected(get_named_type(connection.fields["nodes"].type), inner)

    def _follow(self, wanted: Wanted, kind: GraphQLNamedType, node: FieldNode) -> None:
        """Add what a field's selection wants of the objects it leads to."""
        if isinstance(wanted.mapping, Many) and wanted.mapping.paged:
            wanted.page, wanted.selected = self.page(kind, [node])
        elif hasattr(_origin(kind), "__entity__"):
            wanted.selected = self.selected(kind, [node])

    def _declared(
        self, kind: GraphQLNamedType, entity: Entity, only: frozenset[str] | None, name: str
    ) -> list[tuple[Mapped, frozenset[str] | None]]:
        """How a field is declared by the object types that are meant, with those that declare it so; None are all.

        Not by the interface: a type may declare a field of its own, or an inherited one in its own way.
        """
        if isinstance(kind, GraphQLObjectType):
            types = [kind]
        else:
            types = [own for own in self._possible(kind) if only is None or own.name in only]
        ways: list[tuple[Mapped, set[str]]] = []
        for own in types:
            mapping = own.fields[name].extensions[DEFINITION].metadata.get(MAPPING)
            if mapping is None:
                continue  # it has a resolver of its own
            known = next((meant for way, meant in ways if alike(way, mapping)), None)
            if known is None:
                ways.append((mapping, {own.name}))
            else:
                known.add(own.name)
        every = entity.typename is None or (only is None and not isinstance(kind, GraphQLObjectType))
        return [(mapping, None if every and len(ways) == 1 else frozenset(meant)) for mapping, meant in ways]

    def _possible(self, kind: GraphQLNamedType) -> list[GraphQLObjectType]:
        return list(self.schema.get_possible_types(cast(GraphQLInterfaceType, kind)))

    def _fields(
        self, kind: GraphQLNamedType, nodes: Iterable[FieldNode]
    ) -> Iterable[tuple[FieldNode, Any, frozenset[str] | None]]:
        """Every field that is selected of a type, with the type within whose selection it stands, and the object types
        for which it is."""
        for node in nodes:
            if node.selection_set is not None:
                yield from self._selections(kind, kind, None, node.selection_set.selections)

    def _selections(
        self,
        kind: GraphQLNamedType,
        within: GraphQLNamedType,
        only: frozenset[str] | None,
        selections: Iterable[SelectionNode],
    ) -> Iterable[tuple[FieldNode, Any, frozenset[str] | None]]:
        for selection in selections:
            if not self._included(selection):
                continue
            if isinstance(selection, FieldNode):
                yield selection, within, only
                continue
            if isinstance(selection, FragmentSpreadNode):
                fragment = self._fragment(selection.name.value)
            else:
                fragment = cast(InlineFragmentNode, selection)
            condition = fragment.type_condition
            inner = self.schema.type_map[condition.name.value] if condition else within
            applies, narrowed = self._narrowed(kind, only, inner)
            if applies:
                yield from self._selections(kind, inner, narrowed, fragment.selection_set.selections)

    def _fragment(self, name: str) -> Any:
        found = self.fragments[name]
        return getattr(found, "definition", found)

    def _narrowed(
        self, kind: GraphQLNamedType, only: frozenset[str] | None, condition: GraphQLNamedType
    ) -> tuple[bool, frozenset[str] | None]:
        """Whether a fragment on a type can apply, and to which object types it narrows an interface."""
        if isinstance(kind, GraphQLObjectType):
            return condition is kind or condition in kind.interfaces, only
        types = [condition] if isinstance(condition, GraphQLObjectType) else self._possible(condition)
        own = {possible.name for possible in self._possible(kind)} if only is None else only
        left = frozenset(own & {meant.name for meant in types})
        return bool(left), left

    def _included(self, node: SelectionNode) -> bool:
        for directive, name, wanted in ((GraphQLSkipDirective, "if", False), (GraphQLIncludeDirective, "if", True)):
            values = get_directive_values(directive, node, self.variables)
            if values is not None and values[name] is not wanted:
                return False
        return True

    def _arguments(self, definition: GraphQLField, own: StrawberryField, node: FieldNode) -> dict[str, Any]:
        if not definition.args:
            return {}
        raw = get_argument_values(definition, node, self.variables)
        converter = self.strawberry.schema_converter
        return convert_arguments(raw, own.arguments, converter.scalar_registry, self.strawberry.config)


def _origin(kind: GraphQLNamedType) -> Any:
    definition = kind.extensions.get(DEFINITION)
    return getattr(definition, "origin", None)


def page_size(arguments: Mapping[str, Any]) -> int:
    """How many rows a connection may hold by its arguments, which have been looked at."""
    stated = [arguments[name] for name in ("first", "last") if isinstance(arguments.get(name), int)]
    return min([*stated, LARGEST_PAGE]) if stated else DEFAULT_PAGE


def require_bounded(selected: Selected, rows: int, before: int) -> int:
    """How many objects a document may hold with this tree beside what came ``before``; refuses more than
    ``LARGEST_TREE``."""
    whole = before + _size(selected, rows)
    if whole > LARGEST_TREE:
        raise GraphQLError(
            f"The pages of this document multiply to more than {LARGEST_TREE:,} objects; ask for smaller pages.",
            extensions={"code": "TOO_LARGE"},
        )
    return whole


def _size(selected: Selected, rows: int) -> int:
    size = rows
    for wanted in selected.fields:
        if wanted.selected is not None:
            size += _size(wanted.selected, rows * page_size(wanted.arguments) if wanted.page else rows)
    return size
