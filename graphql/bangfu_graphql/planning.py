"""A document turned into what is wanted: a tree over the declarations of ``mapping``, for one type and all it leads to.

The tree knows nothing of SQL. Fields without arguments are kept by their own name, once; fields with arguments by the
key they have in the answer, for two of them may differ.
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

from bangfu_graphql.mapping import DEFAULT_PAGE, LARGEST_PAGE, MAPPING, Entity, Many, Mapped

DEFINITION = "strawberry-definition"
LARGEST_TREE = 20_000
"""The most objects that a document may ask for, counted by the sizes of its pages."""


@dataclass
class Wanted:
    """What is wanted of one field of a mapped type."""

    mapping: Mapped
    key: str
    arguments: Mapping[str, Any]
    only: frozenset[str] | None
    """The object types, of an interface, for which it is wanted; None is all."""
    selected: Selected | None = None
    page: Page | None = None


@dataclass
class Page:
    """What is wanted of a connection besides its rows."""

    total: bool = False
    rows: bool = False


@dataclass
class Selected:
    """What is wanted of the objects of one mapped type."""

    entity: Entity
    typename: str
    fields: dict[str, Wanted] = field(default_factory=dict)


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
        origin = _origin(kind)
        selected = Selected(origin.__entity__, kind.name)
        own_type = isinstance(kind, GraphQLObjectType) and selected.entity.typename is not None
        for name, only, node in self._fields(kind, nodes):
            if own_type:
                only = frozenset({kind.name})  # noqa: PLW2901 - the rows may be of other types of the interface too
            definition = self._definition(kind, only, name)
            if definition is None:
                continue  # __typename
            own: StrawberryField = definition.extensions[DEFINITION]
            mapping: Mapped | None = own.metadata.get(MAPPING)
            if mapping is None:
                continue  # it has a resolver of its own
            arguments = self._arguments(definition, own, node)
            key = (node.alias or node.name).value if definition.args else own.python_name
            wanted = selected.fields.get(key)
            if wanted is None:
                wanted = selected.fields[key] = Wanted(mapping, key, arguments, only)
            elif wanted.only is not None:
                wanted.only = wanted.only | only if only is not None else None
            self._follow(wanted, get_named_type(definition.type), node)
        return selected

    def page(self, kind: GraphQLNamedType, nodes: Iterable[FieldNode]) -> tuple[Page, Selected]:
        """What the fields' selections want of a connection, and of the objects in it."""
        page, inner, edges = Page(), [], []
        connection = cast(GraphQLObjectType, kind)
        for name, _, node in self._fields(kind, nodes):
            page.total |= name == "totalCount"
            page.rows |= name in ("nodes", "edges", "pageInfo")
            inner += [node] if name == "nodes" else []
            edges += [node] if name == "edges" else []
        edge = get_named_type(connection.fields["edges"].type)
        inner += [node for name, _, node in self._fields(edge, edges) if name == "node"]
        return page, self.selected(get_named_type(connection.fields["nodes"].type), inner)

    def _follow(self, wanted: Wanted, kind: GraphQLNamedType, node: FieldNode) -> None:
        """Add what a field's selection wants of the objects it leads to."""
        if isinstance(wanted.mapping, Many) and wanted.mapping.paged:
            page, selected = self.page(kind, [node])
            wanted.page = _both_pages(wanted.page, page)
        elif hasattr(_origin(kind), "__entity__"):
            selected = self.selected(kind, [node])
        else:
            return
        wanted.selected = _merged(wanted.selected, selected)

    def _fields(
        self, kind: GraphQLNamedType, nodes: Iterable[FieldNode]
    ) -> Iterable[tuple[str, frozenset[str] | None, FieldNode]]:
        """Every field that is selected of a type, with the object types for which it is."""
        for node in nodes:
            if node.selection_set is not None:
                yield from self._selections(kind, None, node.selection_set.selections)

    def _selections(
        self, kind: GraphQLNamedType, only: frozenset[str] | None, selections: Iterable[SelectionNode]
    ) -> Iterable[tuple[str, frozenset[str] | None, FieldNode]]:
        for selection in selections:
            if not self._included(selection):
                continue
            if isinstance(selection, FieldNode):
                yield selection.name.value, only, selection
                continue
            if isinstance(selection, FragmentSpreadNode):
                fragment = self._fragment(selection.name.value)
                condition = fragment.type_condition
            else:
                fragment = cast(InlineFragmentNode, selection)
                condition = fragment.type_condition
            applies, narrowed = self._narrowed(kind, only, condition.name.value if condition else kind.name)
            if applies:
                yield from self._selections(kind, narrowed, fragment.selection_set.selections)

    def _fragment(self, name: str) -> Any:
        found = self.fragments[name]
        return getattr(found, "definition", found)

    def _narrowed(
        self, kind: GraphQLNamedType, only: frozenset[str] | None, condition: str
    ) -> tuple[bool, frozenset[str] | None]:
        """Whether a fragment on a type can apply, and to which object types it narrows an interface."""
        if condition == kind.name:
            return True, only
        if isinstance(kind, GraphQLObjectType):
            return condition in {interface.name for interface in kind.interfaces}, only
        own = {t.name for t in self.schema.get_possible_types(cast(GraphQLInterfaceType, kind))}
        named = self.schema.get_type(condition)
        if isinstance(named, GraphQLObjectType):
            meant = {named.name}
        else:
            meant = {t.name for t in self.schema.get_possible_types(cast(GraphQLInterfaceType, named))}
        left = frozenset(own & meant & (only if only is not None else own))
        return bool(left), left

    def _definition(self, kind: GraphQLNamedType, only: frozenset[str] | None, name: str) -> GraphQLField | None:
        """A field as the narrowest type that is meant declares it.

        An object's may lead further than its interface's.
        """
        found: GraphQLField | None
        for narrower in sorted(only or ()):
            found = cast(GraphQLObjectType, self.schema.get_type(narrower)).fields.get(name)
            if found is not None:
                return found
        found = cast(GraphQLObjectType, kind).fields.get(name)
        return found

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


def _both_pages(one: Page | None, other: Page) -> Page:
    if one is None:
        return other
    return Page(one.total or other.total, one.rows or other.rows)


def _merged(one: Selected | None, other: Selected) -> Selected:
    """What either wants: the same field is often selected in several fragments."""
    if one is None:
        return other
    for key, wanted in other.fields.items():
        known = one.fields.get(key)
        if known is None:
            one.fields[key] = wanted
            continue
        known.only = None if None in (known.only, wanted.only) else cast(Any, known.only) | wanted.only
        if wanted.page is not None:
            known.page = _both_pages(known.page, wanted.page)
        if wanted.selected is not None:
            known.selected = _merged(known.selected, wanted.selected)
    return one


def page_size(arguments: Mapping[str, Any]) -> int | None:
    """How many rows a connection may hold by its arguments; None where it states none."""
    sizes = [arguments[name] for name in ("first", "last") if isinstance(arguments.get(name), int)]
    return min(sizes) if sizes else None


def require_bounded(selected: Selected, rows: int) -> None:
    """Refuse a tree that may hold more than ``LARGEST_TREE`` objects."""
    if _size(selected, rows) > LARGEST_TREE:
        raise GraphQLError(
            f"The pages of this document multiply to more than {LARGEST_TREE:,} objects; ask for smaller pages.",
            extensions={"code": "TOO_LARGE"},
        )


def _size(selected: Selected, rows: int) -> int:
    size = rows
    for wanted in selected.fields.values():
        if wanted.selected is not None:
            within = rows
            if wanted.page is not None:
                within = rows * min(page_size(wanted.arguments) or DEFAULT_PAGE, LARGEST_PAGE)
            size += _size(wanted.selected, within)
    return size
