"""A schema for each set of programmes: what a county does not run is not in its API."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeAlias

import strawberry
from graphql import (
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    lexicographic_sort_schema,
    print_schema,
)
from strawberry.extensions import AddValidationRules, MaxTokensLimiter, ParserCache, ValidationCache
from strawberry.extensions.validation_cache import _get_validate_cache
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.tools import merge_types
from strawberry.types import ExecutionContext

from bangfu.programme import Programme
from bangfu_graphql.accounts import AccountMutation, AccountQuery
from bangfu_graphql.attesting import AttestationMutation
from bangfu_graphql.circumstances import CircumstanceMutation
from bangfu_graphql.configuring import ConfigurationMutation, ConfigurationQuery
from bangfu_graphql.courses import CourseMutation
from bangfu_graphql.deciding import MonthMutation, MonthQuery
from bangfu_graphql.defences import MOST_TOKENS, Limits, Permissions, permissions_of
from bangfu_graphql.disbursing import MoneyMutation
from bangfu_graphql.handing import HandoutMutation, HandoutQuery
from bangfu_graphql.inspecting import InspectionMutation, InspectionQuery
from bangfu_graphql.listing import ListMutation
from bangfu_graphql.mapping import ACTION
from bangfu_graphql.mutations import Mutation
from bangfu_graphql.noticing import NoticeMutation
from bangfu_graphql.offices import OfficeMutation
from bangfu_graphql.pairing import PairingMutation, PairingQuery
from bangfu_graphql.planning import DEFINITION
from bangfu_graphql.programmes import types_of
from bangfu_graphql.provisioning import ProvisionMutation
from bangfu_graphql.queries import MAPPED, Query, query_of
from bangfu_graphql.reporting import ReportMutation, ReportQuery
from bangfu_graphql.scalars import SCALARS
from bangfu_graphql.schooling import SchoolingMutation, SchoolingQuery
from bangfu_graphql.steps import steps_of
from bangfu_graphql.subscriptions import Subscription
from bangfu_graphql.years import YearQuery

SCHEMAS = 128
"""How many sets of programmes are kept ready; each takes some megabytes (benchmarks/)."""
DOCUMENTS = 512
"""How many different documents are kept parsed and validated."""


def _value(source: Any, name: str) -> Any:
    """A field's value: rows are read by name, everything else by attribute."""
    return source[name] if isinstance(source, dict) else getattr(source, name)


class Execution(StrawberryGraphQLCoreExecutionContext):
    """Lets the planner see the variables as they were coerced."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.context_value.variables = self.variable_values


class Schema(strawberry.Schema):
    """The schema of one set of programmes."""

    def printed(self) -> str:
        """The schema as text, in the order of the alphabet. (Strawberry's own sorting would make its enumerations plain
        ones, whose inputs are no members.)"""
        return f"{print_schema(lexicographic_sort_schema(self._schema))}\n"

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Errors are logged where they are answered, without the document: it may name people."""


def _built(programmes: _Set) -> Schema:
    queries = (
        Query,
        AccountQuery,
        YearQuery,
        ConfigurationQuery,
        SchoolingQuery,
        PairingQuery,
        ReportQuery,
        InspectionQuery,
        HandoutQuery,
        MonthQuery,
        *(query_of(programme) for programme in programmes),
    )
    mutations = (
        Mutation,
        CourseMutation,
        NoticeMutation,
        MoneyMutation,
        MonthMutation,
        AccountMutation,
        OfficeMutation,
        ListMutation,
        SchoolingMutation,
        CircumstanceMutation,
        AttestationMutation,
        PairingMutation,
        ReportMutation,
        InspectionMutation,
        HandoutMutation,
        ProvisionMutation,
        ConfigurationMutation,
        *(steps_of(programme) for programme in programmes),
    )
    made = Schema(
        query=_merged("Query", queries),
        mutation=_merged("Mutation", mutations),
        subscription=Subscription,
        types=[*MAPPED.values(), *(kind for programme in programmes for kind in types_of(programme).types)],
        extensions=[
            lambda: MaxTokensLimiter(MOST_TOKENS),
            lambda: ParserCache(maxsize=DOCUMENTS),
            lambda: AddValidationRules([Limits]),
            lambda: ValidationCache(maxsize=DOCUMENTS),
            Permissions,
        ],
        execution_context_class=Execution,
        config=StrawberryConfig(default_resolver=_value, scalar_map=SCALARS, disable_field_suggestions=True),
    )
    _say_permissions(made._schema)
    return made


def _say_permissions(schema: GraphQLSchema) -> None:
    """Let every type and field say which permission it needs, from the same place that it is checked by."""
    for kind in schema.type_map.values():
        if not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            continue
        entity = getattr(getattr(kind.extensions.get(DEFINITION), "origin", None), "__entity__", None)
        if entity is not None and entity.read is not None:
            kind.description = f"{kind.description} Needs `{entity.read.name}`."
        for field in kind.fields.values():
            own = field.extensions.get(DEFINITION)
            if own is not None and (action := own.metadata.get(ACTION)) is not None:
                field.description = f"{field.description} Needs `{action.name}`."


def _merged(name: str, types: tuple[type, ...]) -> type:
    description: str = types[0].__strawberry_definition__.description  # type: ignore[attr-defined]
    merged: type = merge_types(name, types)
    merged.__strawberry_definition__.description = description  # type: ignore[attr-defined]
    return merged


_Set: TypeAlias = tuple[Programme, ...]


class Schemas:
    """The schemas that are in use, made once each; of more than ``most``, the one that was not asked for longest goes.

    A county that has just switched a programme on waits for its schema; the others do not wait for it.
    """

    def __init__(
        self, make: Callable[[_Set], Schema], most: int = SCHEMAS, forget: Callable[[], None] = lambda: None
    ) -> None:
        self.most = most
        self._make = make
        self._forget = forget
        self._kept: OrderedDict[_Set, Schema] = OrderedDict()
        self._making = threading.Lock()
        # One at a time: what programmes share in the API is made once.
        self._beside = ThreadPoolExecutor(1, thread_name_prefix="schema")

    def __len__(self) -> int:
        return len(self._kept)

    def of(self, programmes: Iterable[Programme]) -> Schema:
        """The schema of a set of programmes."""
        wanted = _in_order(programmes)
        with self._making:
            made = self._kept.get(wanted)
            if made is None:
                made = self._kept[wanted] = self._make(wanted)
            self._kept.move_to_end(wanted)
            if len(self._kept) > self.most:
                self._kept.popitem(last=False)
                self._forget()
        return made

    async def ready(self, programmes: Iterable[Programme]) -> Schema:
        """The same, made beside whatever else is going on."""
        wanted = _in_order(programmes)
        kept = self._kept.get(wanted)
        if kept is None:
            return await asyncio.get_running_loop().run_in_executor(self._beside, self.of, wanted)
        with suppress(KeyError):  # given up in this moment, beside us
            self._kept.move_to_end(wanted)
        return kept


def _in_order(programmes: Iterable[Programme]) -> _Set:
    return tuple(sorted(programmes, key=lambda programme: programme.code))


def _forget() -> None:
    """Let go of what is known of documents: it would keep the schema that is given up, with all its types."""
    _get_validate_cache(DOCUMENTS).cache_clear()  # type: ignore[attr-defined]
    permissions_of.cache_clear()


SHARED = Schemas(_built, forget=_forget)
"""The schemas of this process."""


def schema_of(programmes: Iterable[Programme]) -> Schema:
    """The schema of a set of programmes, made once while it is in use."""
    return SHARED.of(programmes)
