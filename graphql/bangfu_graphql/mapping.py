"""What a type of the API is made of, said once: which columns, which relations, which Python fields and what they need.

A mapped type is an ordinary Strawberry class whose fields say where their values come from::

    @mapped(models.Household, order=(models.Household.division, models.Household.id), read=Action.READ_REGISTERS)
    class Household(Node):
        '''A registered household 建档户.'''

        number: str = column(models.Household.number, "Its number in the register 户编号.")
        members: list[Member] = many(models.Membership.household_id, "Who belongs to it.", where=current(…))
        village: Division | None = one(models.Household.division, models.Division.code, "…", where=current(…))

Nothing here runs a query. ``planning`` turns a document into a tree of what is wanted of these declarations, and
``reading`` carries the tree out; a compiler of whole documents into one statement reads the same two (docs/decisions).
"""

from __future__ import annotations

import enum
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Annotated, Any, TypeAlias, TypeVar, cast, get_args

import strawberry
from graphql import FieldNode
from sqlalchemy import ColumnElement, Label, false, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute
from strawberry.types.base import StrawberryObjectDefinition, get_object_definition

from bangfu.access import Action, Entered
from bangfu.db import Kind, Own, Scope
from bangfu.db.bulk import among
from bangfu.models import Base, Case, Membership
from bangfu.programme import Programme
from bangfu.registry.history import holds
from bangfu.text import Language, Text
from bangfu.vault import Vault

T = TypeVar("T")

Attribute: TypeAlias = InstrumentedAttribute[Any] | Label[Any]
"""A column, or a value that PostgreSQL computes from a row, named like a column of it."""
MAPPING, ACTION, CONDITION = "mapping", "action", "condition"
DEFAULT_PAGE, LARGEST_PAGE = 20, 100
NEWEST = "NEWEST"
"""The name of an order that begins at its end."""


@dataclass(frozen=True, slots=True)
class Sight:
    """For whom something is read, on which day, and which programmes the schema at hand knows."""

    who: Entered
    programmes: Mapping[str, Programme]
    vault: Vault
    language: Language

    @property
    def tenant(self) -> int:
        """The county."""
        return self.who.county.id

    @property
    def today(self) -> date:
        """The county's today."""
        return self.who.at.today

    def say(self, text: Text) -> str:
        """A text in the caller's language."""
        return text.in_(self.language)

    def typename(self, programme: str, kind: str) -> str:
        """The name of a type that is made for a programme: ``ConsolidationCase``."""
        return f"{prefix_of(programme)}{kind}"


def prefix_of(programme: str) -> str:
    """How the names of a programme's types begin."""
    return "".join(part.capitalize() for part in programme.split("_"))


Condition: TypeAlias = Callable[[Sight], ColumnElement[bool]]


class Row(dict[str | int, Any]):
    """An object on its way to the client, with the name of its type: the values of its fields by their names, of those
    with arguments by their places in the document."""

    __slots__ = ("typename",)

    def __init__(self, typename: str) -> None:
        super().__init__()
        self.typename = typename


def place_of(node: FieldNode) -> int:
    """Where in its document a field is selected."""
    assert node.loc is not None
    return node.loc.start


# --- where a field's value comes from -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the type's own table, as it is."""

    attribute: Attribute


@dataclass(frozen=True, slots=True)
class Identity:
    """The opaque id of the object, from the type's key."""


@dataclass(frozen=True, slots=True)
class Derived:
    """Plain Python over columns of the same row: what it needs, and its value from them by name."""

    needs: tuple[Attribute, ...]
    value: Callable[[Sight, Mapping[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class Gathered:
    """Python over a whole level at once: what it needs of each row, and one value a row, in their order.

    ``values`` (reader, rows, arguments) may ask the database; it is called once for a field of a document, whatever
    the number of rows.
    """

    needs: tuple[Attribute, ...]
    values: Callable[[Any, Sequence[Mapping[str, Any]], Mapping[str, Any]], Awaitable[Sequence[Any]]]


@dataclass(frozen=True, slots=True)
class One:
    """At most one row of another mapped type: the one whose ``remote`` is this row's ``local``."""

    local: Attribute
    remote: Attribute
    where: Condition | None = None


@dataclass(frozen=True, slots=True)
class Many:
    """The rows of another mapped type whose ``remote`` is this row's ``local``; a page of them if ``paged``."""

    local: Attribute
    remote: Attribute
    where: Condition | None = None
    paged: bool = False


Mapped: TypeAlias = Column | Identity | Derived | Gathered | One | Many


def alike(one: Mapped, other: Mapped) -> bool:
    """Whether two declarations have the same value, as a type's and its interface's that differ in where they lead."""
    return one is other or (type(one) is type(other) and _parts(one) == _parts(other))


def _parts(mapping: Mapped) -> list[int]:
    values = (getattr(mapping, own.name) for own in fields(mapping))
    return [id(part) for value in values for part in (value if isinstance(value, tuple) else (value,))]


# --- a type ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Entity:
    """A mapped type: its table, what identifies a row to the outside, and the orders it can be listed in.

    ``order`` are the named orders, the default first; each ends in something unique, so that a page can go on after
    any row. ``where`` always holds, ``alone`` where a row is found by its id and not through what it is a part of. Of
    an interface, ``typename`` tells the type of a row from the columns ``tells``.
    """

    name: str
    model: type[Base]
    key: Attribute
    order: Mapping[str, tuple[Attribute, ...]]
    read: Action | None = None
    where: Condition | None = None
    alone: Condition | None = None
    tells: tuple[Attribute, ...] = ()
    typename: Callable[[Sight, Mapping[str, Any]], str] | None = None

    def conditions(self, sight: Sight, *, listed: bool = False) -> list[ColumnElement[bool]]:
        """What holds of every row that is read. Of what is ``listed``, the wall's bounds are said once more beside the
        wall, which gives the planner no index; what is found by a key has a better one, and would be led astray."""
        model: Any = self.model
        found: list[ColumnElement[bool]] = [model.tenant_id == sight.tenant]
        if listed and self.model.__wall__.kind in _BOUNDED:
            found.append(bounds_of(model, sight.who.scope))
        if self.where is not None:
            found.append(self.where(sight))
        return found


_BOUNDED = frozenset({Kind.AREA, Kind.PARTICIPANT, Kind.ORGANIZATION})


def bounds_of(model: Any, scope: Scope) -> ColumnElement[bool]:
    """What every row of a list lies within, as far as its wall lets the asker see it: the areas of a scope, or what is
    his own. It may let more through than the wall, and never less: the wall decides."""
    found: list[ColumnElement[bool]] = []
    if scope.areas:
        found.append(model.division.between(min(low for low, _ in scope.areas), max(high for _, high in scope.areas)))
    own = model.__wall__.own
    if own is Own.OFFERED:
        found.append(true())
    elif own is Own.REACH and scope.own:
        found.append(model.division.between(min(low for low, _ in scope.own), max(high for _, high in scope.own)))
    elif own in (Own.ORGANIZATION_ID, Own.ORGANIZATION_OR_CASE) and scope.organizations:
        found.append(among(model.organization_id, scope.organizations))
    elif scope.households and own in _OF_HOUSEHOLDS:
        found.append(_OF_HOUSEHOLDS[own](model, scope))
    return or_(false(), *found)


def _through(own: Any, model: Any, key: Any, scope: Scope) -> ColumnElement[bool]:
    """The condition that a row is of something of the asker's households."""
    ids = select(key).where(model.tenant_id == scope.tenant, among(model.household_id, scope.households))
    return cast(ColumnElement[bool], own.in_(ids))


_OF_HOUSEHOLDS: Mapping[Own, Callable[[Any, Scope], ColumnElement[bool]]] = {
    Own.HOUSEHOLD: lambda model, scope: among(model.id, scope.households),
    Own.HOUSEHOLD_ID: lambda model, scope: among(model.household_id, scope.households),
    Own.CASE_ID: lambda model, scope: _through(model.case_id, Case, Case.id, scope),
    Own.ORGANIZATION_OR_CASE: lambda model, scope: _through(model.case_id, Case, Case.id, scope),
    Own.MEMBER: lambda model, scope: _through(model.id, Membership, Membership.person_id, scope),
}


def mapped(
    model: Any,
    *,
    order: Sequence[Any] | Mapping[str, Sequence[Any]] | None = None,
    key: Any = None,
    read: Action | None = None,
    where: Condition | None = None,
    alone: Condition | None = None,
    tells: Sequence[Any] = (),
    typename: Callable[[Sight, Mapping[str, Any]], str] | None = None,
    interface: bool = False,
) -> Callable[[type[T]], type[T]]:
    """Make a class a mapped type; its docstring is its description. Without ``order`` it is listed as it was made."""
    own_key: Attribute = key if key is not None else model.id
    named = order if isinstance(order, Mapping) else {"DEFAULT": tuple(order or (own_key,))}
    orders = {name: tuple(attributes) for name, attributes in named.items()}

    def decorate(cls: type[T]) -> type[T]:
        entity = Entity(cls.__name__, model, own_key, orders, read, where, alone, tuple(tells), typename)
        cls.__entity__ = entity  # type: ignore[attr-defined]
        make = strawberry.interface if interface else strawberry.type
        return as_rows(make(cls, description=inspect.cleandoc(cls.__doc__ or "")))

    return decorate


def part_of_a_case(model: Any) -> Condition:
    """The condition that a row is of a case of a programme that this schema knows."""

    def condition(sight: Sight) -> ColumnElement[bool]:
        case = select(Case.id).where(
            Case.tenant_id == sight.tenant, Case.id == model.case_id, among(Case.programme, sight.programmes)
        )
        return case.correlate(model).exists()

    return condition


def as_rows(cls: type[T]) -> type[T]:
    """Let the values of a type be rows, which know its name."""
    definition = definition_of(cls)
    if definition.is_interface:
        definition.resolve_type = lambda row, info, abstract: row.typename
    else:
        definition.is_type_of = lambda row, info: getattr(row, "typename", definition.name) == definition.name
    return cls


def definition_of(cls: type) -> StrawberryObjectDefinition:
    """Strawberry's definition of a type."""
    return get_object_definition(cls, strict=True)


def entity_of(cls: type) -> Entity:
    """The entity of a mapped type."""
    entity: Entity = cls.__entity__  # type: ignore[attr-defined]
    return entity


def current(model: Any) -> Condition:
    """The condition that a dated row holds today, as known now."""
    return lambda sight: holds(model, sight.today)


# --- its fields -----------------------------------------------------------------------------------------------


def identity() -> Any:
    """The field ``id`` of everything that has one."""
    return _field(Identity(), "Opaque, and the same for ever; `node` finds the object again by it.")


def _field(mapping: Mapped, description: str, action: Action | None = None, **more: Any) -> Any:
    return strawberry.field(description=description, metadata={MAPPING: mapping, ACTION: action}, **more)


def column(attribute: Any, description: str, *, action: Action | None = None) -> Any:
    """A field that is a column."""
    return _field(Column(attribute), description, action)


def derived(
    needs: Sequence[Any],
    value: Callable[[Sight, Mapping[str, Any]], Any],
    description: str,
    *,
    action: Action | None = None,
) -> Any:
    """A field that is computed from columns of its row."""
    return _field(Derived(tuple(needs), value), description, action)


def one(local: Any, remote: Any, description: str, *, where: Condition | None = None) -> Any:
    """A field that is another object, or null."""
    return _field(One(local, remote, where), description)


def many(remote: Any, description: str, *, local: Any = None, where: Condition | None = None) -> Any:
    """A field that is a list which is short by nature, in the listed type's default order."""
    return _field(Many(local if local is not None else remote.class_.id, remote, where), description)


def pages(returns: Any, local: Any, remote: Any, description: str, *, filter: Any = None) -> Any:
    """A field that is a connection: a page of a list that may be long. ``returns`` is its type."""
    mapping = Many(local, remote, paged=True)
    return _field(mapping, description, resolver=answered(page_arguments(filter), returns))


def gathered(
    needs: Sequence[Any],
    values: Callable[[Any, Sequence[Mapping[str, Any]], Mapping[str, Any]], Awaitable[Sequence[Any]]],
    description: str,
) -> Any:
    """A field that is computed for a whole level at once."""
    return _field(Gathered(tuple(needs), values), description)


def page_arguments(filter: Any = None, order: Any = None) -> dict[str, tuple[Any, str]]:
    """The arguments of every connection, with its filter and its orders where it has them."""
    arguments: dict[str, tuple[Any, str]] = {
        "first": (int | None, f"How many from the beginning, {DEFAULT_PAGE} unless stated, at most {LARGEST_PAGE}."),
        "after": (str | None, "Only what comes after this cursor."),
        "last": (int | None, f"How many from the end, at most {LARGEST_PAGE}."),
        "before": (str | None, "Only what comes before this cursor."),
    }
    if filter is not None:
        arguments["filter"] = (filter | None, "Only what meets all of this; what is left out does not count.")
    if order is not None:
        arguments["order_by"] = (order | None, "The order of the list.")
    return arguments


def answered(arguments: Mapping[str, tuple[Any, str]], returns: Any) -> Callable[..., Any]:
    """A resolver that takes arguments; its value was put under the field's place when its level was read."""

    def resolve(self: Any, info: strawberry.Info, **_: Any) -> Any:
        return self[place_of(info._raw_info.field_nodes[0])]

    return signed(resolve, arguments, returns)


def signed(function: Callable[..., Any], arguments: Mapping[str, tuple[Any, str]], returns: Any) -> Callable[..., Any]:
    """A resolver of ``self``, ``info`` and keywords, with arguments that Strawberry can read.

    Those that may be null may be left out.
    """
    keyword = inspect.Parameter.KEYWORD_ONLY
    types = {name: Annotated[kind, strawberry.argument(description=words)] for name, (kind, words) in arguments.items()}
    either = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [
        inspect.Parameter("self", either),
        inspect.Parameter("info", either, annotation=strawberry.Info),
        *(
            inspect.Parameter(
                name,
                keyword,
                annotation=types[name],
                default=strawberry.UNSET if type(None) in get_args(kind) else inspect.Parameter.empty,
            )
            for name, (kind, _) in arguments.items()
        ),
    ]
    function.__signature__ = inspect.Signature(parameters, return_annotation=returns)  # type: ignore[attr-defined]
    function.__annotations__ = {"info": strawberry.Info, **types, "return": returns}
    return function


def enumeration(name: str, members: Mapping[str, Any], description: str) -> type[enum.Enum]:
    """An enumeration of the API that is made at run time."""
    made = cast(type[enum.Enum], enum.Enum(name, members))
    return strawberry.enum(made, description=description)


# --- filters --------------------------------------------------------------------------------------------------


def where(condition: Callable[[Sight, Any], ColumnElement[bool]], description: str) -> Any:
    """A field of a filter: the condition that a value of it asks for."""
    return strawberry.field(description=description, default=strawberry.UNSET, metadata={CONDITION: condition})


def filters(cls: type[T]) -> type[T]:
    """Make a class a filter; its docstring is its description."""
    made: type[T] = strawberry.input(cls, description=inspect.cleandoc(cls.__doc__ or ""))
    return made


def orders_of(cls: type) -> type[enum.Enum] | None:
    """The enumeration of a mapped type's orders, if it has a choice of them."""
    names = list(entity_of(cls).order)
    if len(names) < 2:
        return None
    listed = definition_of(cls).name
    members = {
        name: strawberry.enum_value(name, description=f"By {name.lower().replace('_', ' ')}, then as they were made.")
        for name in names
    }
    return enumeration(f"{listed}Order", members, f"The orders in which {listed} can be listed.")
