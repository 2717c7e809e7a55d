"""What keeps a document within bounds, and away from fields that its sender may never use.

Limits are checked while a document is validated, so that a document that has been seen before costs nothing; they
count fragments once each, whatever they multiply to. What the sender's duties allow is checked before anything runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NoReturn

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    Node,
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
from graphql.validation.validate import ValidationAbortedError
from strawberry.extensions import SchemaExtension

from bangfu.access import Action, duties_that_may
from bangfu.errors import Code
from bangfu.process import duty_names
from bangfu_graphql.mapping import ACTION
from bangfu_graphql.planning import DEFINITION

MOST_TOKENS = 4_000
MOST_DEPTH = 16
MOST_ALIASES = 30
MOST_SELECTIONS = 1_000
MOST_DIRECTIVES = 50
MOST_NESTED = 50
"""How deep fragments may spread fragments."""
MOST_PAIRS = 20_000
"""How many pairs of fields may meet at one place of the answer: whether they agree is checked pair by pair."""
_INVALID = "GRAPHQL_VALIDATION_FAILED"


def storable(text: str) -> bool:
    """Whether a text has only characters that can be stored: no NUL, no half of a pair."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _refuse(message: str, node: Node | None, code: str = "TOO_LARGE") -> NoReturn:
    """Refuse a document at once, before the work of the other rules grows with it."""
    raise ValidationAbortedError(message, node, extensions={"code": code})


class _Measure:
    """How deep and how large a selection is with its fragments written out; each fragment is measured once."""

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self.fragments = fragments
        self.known: dict[str, tuple[int, int, int]] = {}
        self.inside: set[str] = set()

    def of(self, selections: SelectionSetNode | None) -> tuple[int, int, int]:
        """Its depth, and how many selections (fields and fragments) and aliases it has."""
        depth = size = aliases = 0
        for node in selections.selections if selections else ():
            if isinstance(node, FieldNode):
                inner, own, named = self.of(node.selection_set)
                inner, named = inner + 1, named + (node.alias is not None)
            elif isinstance(node, FragmentSpreadNode):
                inner, own, named = self._fragment(node)
            else:
                inner, own, named = self.of(node.selection_set) if isinstance(node, InlineFragmentNode) else (0, 0, 0)
            depth, size, aliases = max(depth, inner), size + own + 1, aliases + named
        return depth, size, aliases

    def _fragment(self, spread: FragmentSpreadNode) -> tuple[int, int, int]:
        name = spread.name.value
        if name not in self.fragments:
            return 0, 0, 0  # another rule refuses it
        if name in self.inside:
            _refuse(f"The fragment '{name}' spreads itself.", spread, _INVALID)
        if len(self.inside) == MOST_NESTED:
            _refuse(f"Fragments spread fragments at most {MOST_NESTED} deep.", spread)
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

    def enter_document(self, document: DocumentNode, *_: Any) -> None:
        """Measure a document before any other rule reads it."""
        fragments: dict[str, FragmentDefinitionNode] = {}
        for definition in document.definitions:
            if isinstance(definition, FragmentDefinitionNode):
                if definition.name.value in fragments:
                    _refuse(f"There are two fragments named '{definition.name.value}'.", definition, _INVALID)
                fragments[definition.name.value] = definition
        operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
        measure = _Measure(fragments)
        total = 0
        for operation in operations:
            depth, size, aliases = measure.of(operation.selection_set)
            total += size
            for what, found, most in (
                ("levels", depth, MOST_DEPTH),
                ("aliases", aliases, MOST_ALIASES),
                ("selections", total, MOST_SELECTIONS),
            ):
                if found > most:
                    _refuse(f"The document has {found:,} {what}; at most {most:,} are allowed.", operation)
        for name, fragment in fragments.items():
            if name not in measure.known:
                _refuse(f"The fragment '{name}' is never used.", fragment, _INVALID)
        pairs = sum(_pairs(operation, fragments) for operation in operations)
        if pairs > MOST_PAIRS:
            _refuse("The document selects the same fields too often.", document)

    def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
        """Count directives."""
        self.directives += 1
        if self.directives > MOST_DIRECTIVES:
            _refuse(f"At most {MOST_DIRECTIVES} directives are allowed.", node)

    def enter_string_value(self, node: StringValueNode, *_: Any) -> None:
        """Refuse characters that cannot be stored."""
        if not storable(node.value):
            self.report_error(
                GraphQLError("A text holds a character that cannot be stored.", extensions={"code": "BAD_USER_INPUT"})
            )


def _pairs(operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]) -> int:
    """How many pairs of an operation's fields meet, once its fragments are written out: it is known to be small enough.

    Refuses what that shows: a second field of a mutation, and aliases that multiply the schema.
    """
    selected: Counter[tuple[str, ...]] = Counter()
    pending: list[tuple[SelectionSetNode, tuple[str, ...], bool]] = [(operation.selection_set, (), False)]
    while pending:
        selections, path, introspects = pending.pop()
        for node in selections.selections:
            if isinstance(node, FieldNode):
                schema = introspects or node.name.value == "__schema"
                if schema and node.alias is not None:
                    _refuse("The schema is asked for without aliases.", node)
                own = (*path, (node.alias or node.name).value)
                selected[own] += 1
                if node.selection_set is not None:
                    pending.append((node.selection_set, own, schema))
            elif isinstance(node, InlineFragmentNode):
                pending.append((node.selection_set, path, introspects))
            elif isinstance(node, FragmentSpreadNode) and node.name.value in fragments:
                pending.append((fragments[node.name.value].selection_set, path, introspects))
    if operation.operation is OperationType.MUTATION and sum(selected[own] for own in selected if len(own) == 1) != 1:
        _refuse("A mutation carries out exactly one field; send several requests.", operation)
    return sum(count * (count - 1) // 2 for count in selected.values())


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
def permissions_of(schema: GraphQLSchema, query: str, document: Any) -> dict[Action, str]:
    """What a document needs: each permission, with the first field that needs it."""
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
        """Check every field, and that it is said which operation is meant."""
        execution = self.execution_context
        request = execution.context
        assert execution.graphql_document is not None
        operations = [d for d in execution.graphql_document.definitions if isinstance(d, OperationDefinitionNode)]
        if len(operations) > 1 and execution._provided_operation_name is None:
            raise GraphQLError("Name the operation that is meant.", extensions={"code": _INVALID})
        needed = permissions_of(execution.schema._schema, execution.query or "", _Same(execution.graphql_document))
        may = request.who.permissions
        for action, field in needed.items():
            if action not in may:
                own = Code.FORBIDDEN.problem(action=action.title_text, duties=duty_names(duties_that_may(action)))
                raise GraphQLError(
                    request.say(own.message),
                    extensions={"code": "FORBIDDEN", "field": field, "remedy": request.say(own.remedy)},
                )
        yield
