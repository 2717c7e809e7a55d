"""What keeps a document within bounds, and away from fields that its sender may never use.

Limits are checked while a document is validated, so that a document that has been seen before costs nothing; they
count fragments once each, whatever they multiply to. What the sender's duties allow is checked before anything runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    StringValueNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    visit,
)
from graphql.validation import ValidationContext, ValidationRule
from strawberry.extensions import SchemaExtension

from bangfu.access import Action, allowed, duties_that_may
from bangfu.errors import Code
from bangfu.process import duty_names
from bangfu_graphql.mapping import ACTION
from bangfu_graphql.planning import DEFINITION

MOST_TOKENS = 4_000
MOST_DEPTH = 16
MOST_ALIASES = 30
MOST_FIELDS = 1_000
MOST_DIRECTIVES = 50


def storable(text: str) -> bool:
    """Whether a text has only characters that can be stored: no NUL, no half of a pair."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


class _Measure:
    """How deep and how large a selection is with its fragments written out; each fragment is measured once."""

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self.fragments = fragments
        self.known: dict[str, tuple[int, int, int]] = {}
        self.inside: set[str] = set()

    def of(self, selections: SelectionSetNode | None) -> tuple[int, int, int]:
        """Its depth, and how many fields and aliases it has."""
        depth = fields = aliases = 0
        for node in selections.selections if selections else ():
            if isinstance(node, FieldNode):
                inner, own, named = self.of(node.selection_set)
                inner, own, named = inner + 1, own + 1, named + (node.alias is not None)
            elif isinstance(node, FragmentSpreadNode):
                inner, own, named = self._fragment(node.name.value)
            else:
                inner, own, named = self.of(node.selection_set) if isinstance(node, InlineFragmentNode) else (0, 0, 0)
            depth, fields, aliases = max(depth, inner), fields + own, aliases + named
        return depth, fields, aliases

    def _fragment(self, name: str) -> tuple[int, int, int]:
        if name in self.inside or name not in self.fragments:
            return 0, 0, 0  # another rule refuses both
        if name not in self.known:
            self.inside.add(name)
            self.known[name] = self.of(self.fragments[name].selection_set)
            self.inside.discard(name)
        return self.known[name]


class Limits(ValidationRule):
    """Refuses a document that is too deep or too large, and a mutation of more than one field."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self.directives = 0
        document = context.document
        fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        measure = _Measure(fragments)
        total = 0
        for definition in document.definitions:
            if not isinstance(definition, OperationDefinitionNode):
                continue
            depth, fields, aliases = measure.of(definition.selection_set)
            total += fields
            for what, found, most in (
                ("levels", depth, MOST_DEPTH),
                ("aliases", aliases, MOST_ALIASES),
                ("fields", total, MOST_FIELDS),
            ):
                if found > most:
                    self._refuse(f"The document has {found:,} {what}; at most {most:,} are allowed.", definition)
            if definition.operation is OperationType.MUTATION:
                roots = sum(1 for _ in _roots(definition.selection_set, fragments, set()))
                if roots != 1:
                    self._refuse("A mutation carries out exactly one field; send several requests.", definition)

    def _refuse(self, message: str, node: Any) -> None:
        self.report_error(GraphQLError(message, node, extensions={"code": "TOO_LARGE"}))

    def enter_directive(self, node: Any, *_: Any) -> None:
        """Count directives."""
        self.directives += 1
        if self.directives == MOST_DIRECTIVES + 1:
            self._refuse(f"At most {MOST_DIRECTIVES} directives are allowed.", node)

    def enter_string_value(self, node: StringValueNode, *_: Any) -> None:
        """Refuse characters that cannot be stored."""
        if not storable(node.value):
            self.report_error(
                GraphQLError("A text holds a character that cannot be stored.", extensions={"code": "BAD_USER_INPUT"})
            )


def _roots(
    selections: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode], inside: set[str]
) -> Iterator[FieldNode]:
    for node in selections.selections:
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, InlineFragmentNode):
            yield from _roots(node.selection_set, fragments, inside)
        elif isinstance(node, FragmentSpreadNode) and node.name.value in fragments and node.name.value not in inside:
            inside.add(node.name.value)
            yield from _roots(fragments[node.name.value].selection_set, fragments, inside)


# --- permissions ----------------------------------------------------------------------------------------------


class _Needs(Visitor):
    """Collects what the fields of a document need, and the types that they are selected of."""

    def __init__(self, types: TypeInfo) -> None:
        super().__init__()
        self.types = types
        self.found: dict[Action, str] = {}

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        """Note what a field needs."""
        parent, field = self.types.get_parent_type(), self.types.get_field_def()
        if parent is None or field is None:
            return
        name = f"{parent.name}.{node.name.value}"
        own = field.extensions.get(DEFINITION)
        if own is not None and (action := own.metadata.get(ACTION)) is not None:
            self.found.setdefault(action, name)
        if node.name.value == "__typename":
            return
        origin = getattr(get_named_type(parent).extensions.get(DEFINITION), "origin", None)
        entity = getattr(origin, "__entity__", None)
        if entity is not None and entity.read is not None:
            self.found.setdefault(entity.read, name)


@lru_cache(maxsize=512)
def _needed(schema: GraphQLSchema, query: str, document: Any) -> dict[Action, str]:
    types = TypeInfo(schema)
    needs = _Needs(types)
    visit(document.node, TypeInfoVisitor(types, needs))
    return needs.found


class _Same:
    """A document that is found again by its text alone: comparing trees would cost more than visiting them."""

    def __init__(self, node: DocumentNode) -> None:
        self.node = node

    def __hash__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same)


class Permissions(SchemaExtension):
    """Refuses a document with a field that the caller's duties never allow, before anything of it runs."""

    def on_execute(self) -> Iterator[None]:
        """Check every field."""
        execution = self.execution_context
        request = execution.context
        assert execution.graphql_document is not None
        needed = _needed(execution.schema._schema, execution.query or "", _Same(execution.graphql_document))
        may = allowed(request.who.actor.duties(request.who.at.today))
        for action, field in needed.items():
            if action not in may:
                own = Code.FORBIDDEN.problem(action=action.title_text, duties=duty_names(duties_that_may(action)))
                raise GraphQLError(
                    request.say(own.message),
                    extensions={"code": "FORBIDDEN", "field": field, "remedy": request.say(own.remedy)},
                )
        yield
