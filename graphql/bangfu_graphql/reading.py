"""Carries out what a document wants: one statement for each type on each path, whatever the number of rows.

This is the backend that resolvers use today. It reads nothing but the tree of ``planning`` and the declarations of
``mapping``, and puts every value where the resolvers will look for it.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import fields
from typing import Any, TypeAlias, TypeVar

import strawberry
from graphql import GraphQLResolveInfo, get_named_type
from sqlalchemy import ColumnElement, func, literal, select, true, tuple_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from strawberry.utils.str_converters import to_camel_case

from bangfu.cases.ground import Ground, grounds_of
from bangfu.db.bulk import among
from bangfu_graphql.identifiers import bad_input, decode_cursor, decode_id, encode_cursor, encode_id
from bangfu_graphql.mapping import (
    CONDITION,
    DEFAULT_PAGE,
    LARGEST_PAGE,
    NEWEST,
    Attribute,
    Column,
    Derived,
    Entity,
    Gathered,
    Identity,
    Many,
    Mapped,
    One,
    Row,
    Sight,
    definition_of,
    entity_of,
)
from bangfu_graphql.planning import Page, Planner, Selected, Wanted, require_bounded

LARGEST_COUNT = 100_000
"""Up to here things are counted; one more says that there are more."""

Raw: TypeAlias = Mapping[Any, Any]
Rows: TypeAlias = list[Row]
Conditions: TypeAlias = list[ColumnElement[bool]]
T = TypeVar("T")


class Reader:
    """Reads for one request, in its transaction."""

    def __init__(
        self,
        sight: Sight,
        session: Callable[[], AbstractAsyncContextManager[AsyncSession]],
        planner: Callable[[GraphQLResolveInfo[Any]], Planner],
    ) -> None:
        self.sight, self.session, self.planner = sight, session, planner
        self.now: AsyncSession
        """The request's session, while something is being read in it."""
        self._memory: dict[Any, Any] = {}
        self._asked = 0
        """How many objects the request may hold by what has been asked for so far."""

    async def once(self, key: Any, read: Callable[[], Awaitable[T]]) -> T:
        """What several fields of one level need, read for the first of them and kept for the others."""
        if key not in self._memory:
            self._memory[key] = await read()
        found: T = self._memory[key]
        return found

    async def grounds(self) -> dict[tuple[str, str], Ground]:
        """Every opened period of the county, read once a request."""
        return await self.once(
            "grounds", lambda: grounds_of(self.now, self.sight.tenant, self.sight.programmes.values())
        )

    # --- what resolvers ask for ---

    async def list(
        self,
        info: strawberry.Info,
        cls: type,
        arguments: Mapping[str, Any],
        conditions: Sequence[ColumnElement[bool]] = (),
    ) -> dict[str, Any]:
        """A page of a mapped type, with everything that the document wants of it."""
        raw_info = info._raw_info
        page, selected = self.planner(raw_info).page(get_named_type(raw_info.return_type), raw_info.field_nodes)
        window = Window.of(entity_of(cls), arguments)
        self._require_sound(selected, window.size)
        async with self.session() as self.now:
            return await self._page(selected, page, window, [*conditions, *conditions_of(arguments, self.sight)])

    async def one(self, info: strawberry.Info, cls: type, condition: ColumnElement[bool]) -> Row | None:
        """The one object that meets a condition, or None."""
        rows = await self.some(info, cls, [condition])
        return rows[0] if rows else None

    async def some(self, info: strawberry.Info, cls: type, conditions: Sequence[ColumnElement[bool]]) -> Sequence[Row]:
        """All objects that meet the conditions, in the default order."""
        raw_info = info._raw_info
        kind = get_named_type(raw_info.return_type)
        return await self._some(raw_info, definition_of(cls).name if kind.name == "Node" else kind.name, conditions)

    async def node(self, info: strawberry.Info, cls: type, ids: Iterable[str]) -> dict[str, Row]:
        """The objects of a mapped type by their ids; one that is malformed or out of sight is not there."""
        entity = entity_of(cls)
        keys = {key for one in ids if (key := decode_id(entity, one)) is not None}
        if not keys:
            return {}
        conditions = [among(entity.key, keys), *([entity.alone(self.sight)] if entity.alone else [])]
        rows = await self._some(info._raw_info, definition_of(cls).name, conditions, len(keys))
        return {row["id"]: row for row in rows}

    async def _some(
        self, info: GraphQLResolveInfo[Any], name: str, conditions: Sequence[ColumnElement[bool]], most: int = 1
    ) -> Sequence[Row]:
        kind = info.schema.type_map[name]
        selected = self.planner(info).selected(kind, info.field_nodes)
        selected.want(Wanted(Identity(), "id", {"id"}))
        self._require_sound(selected, most)
        async with self.session() as self.now:
            rows, _ = await self._rows(selected, [*selected.entity.conditions(self.sight), *conditions])
        return rows

    def _require_sound(self, selected: Selected, rows: int) -> None:
        """Refuse what cannot be asked for before anything is read: whatever there is to be read, the answer is one."""
        for paged, arguments in _paged(selected):
            Window.of(paged.entity, arguments)
            conditions_of(arguments, self.sight)
        self._asked = require_bounded(selected, rows, self._asked)

    # --- one type ---

    async def _page(
        self, selected: Selected, page: Page, window: Window, conditions: Sequence[ColumnElement[bool]]
    ) -> dict[str, Any]:
        """One page of a list."""
        conditions = [*selected.entity.conditions(self.sight, listed=True), *conditions]
        answer: dict[str, Any] = {}
        if page.rows:
            query = self._query(selected, window.order).where(*conditions, *window.conditions())
            query = query.order_by(*window.ordering()).limit(window.size + 1)
            raws = (await self.now.execute(query)).mappings().all()
            answer = window.answer(raws, await self._filled(selected, window.kept(raws)))
        if page.total:
            few = select(literal(1)).where(*conditions).limit(LARGEST_COUNT + 1).subquery()
            answer["total_count"] = await self.now.scalar(select(func.count()).select_from(few))
        return answer

    async def _rows(
        self, selected: Selected, conditions: Sequence[ColumnElement[bool]], also: Sequence[Attribute] = ()
    ) -> tuple[Rows, Sequence[Raw]]:
        """Every row that meets the conditions, in the default order, with its raw columns.

        They are found by keys and put in order here: asked for an order that an index has, the planner takes the county
        for a handful of rows and walks through all of it.
        """
        window = Window.of(selected.entity, {})
        query = self._query(selected, (*window.order, *also)).where(*conditions)
        raws = window.sorted((await self.now.execute(query)).mappings().all())
        return await self._filled(selected, raws), raws

    def _query(self, selected: Selected, also: Iterable[Attribute]) -> Any:
        """The columns that are needed for everything that is wanted, each once."""
        wanted: dict[str, Attribute] = {}
        for attribute in (selected.entity.key, *selected.entity.tells, *also):
            wanted.setdefault(attribute.key, attribute)
        for field in selected.fields:
            for attribute in _needed(field.mapping):
                wanted.setdefault(attribute.key, attribute)
        return select(*(attribute.label(key) for key, attribute in wanted.items()))

    async def _filled(self, selected: Selected, raws: Sequence[Raw]) -> Rows:
        """The rows with every value that is wanted of them and of what they lead to."""
        entity = selected.entity
        names = [entity.typename(self.sight, raw) if entity.typename else selected.typename for raw in raws]
        rows = [Row(name) for name in names]
        for wanted in selected.fields:
            meant = [i for i, name in enumerate(names) if wanted.only is None or name in wanted.only]
            own = raws if len(meant) == len(raws) else [raws[i] for i in meant]
            if own:
                values = await self._values(entity, wanted, own)
                for i, value in zip(meant, values, strict=True):
                    rows[i].update(dict.fromkeys(wanted.keys, value))
        return rows

    async def _values(self, entity: Entity, wanted: Wanted, raws: Sequence[Raw]) -> Sequence[Any]:
        """The values of one field, one a row."""
        mapping = wanted.mapping
        if isinstance(mapping, Column):
            return [raw[mapping.attribute.key] for raw in raws]
        if isinstance(mapping, Identity):
            return [encode_id(entity.name, raw[entity.key.key]) for raw in raws]
        if isinstance(mapping, Derived):
            return [mapping.value(self.sight, raw) for raw in raws]
        if isinstance(mapping, Gathered):
            return await mapping.values(self, raws, wanted.arguments)
        parents = [raw[mapping.local.key] for raw in raws]
        if isinstance(mapping, One):
            return await self._one_each(mapping, wanted, parents)
        if mapping.paged:
            return await self._page_each(mapping, wanted, parents)
        return await self._many_each(mapping, wanted, parents)

    # --- relations ---

    def _related(self, mapping: One | Many, wanted: Wanted) -> tuple[Selected, Conditions]:
        selected = wanted.selected
        assert selected is not None
        conditions = selected.entity.conditions(self.sight)
        if mapping.where is not None:
            conditions.append(mapping.where(self.sight))
        return selected, conditions

    async def _one_each(self, mapping: One, wanted: Wanted, parents: Sequence[Any]) -> Sequence[Any]:
        selected, conditions = self._related(mapping, wanted)
        keys = {parent for parent in parents if parent is not None}
        if not keys:
            return [None] * len(parents)
        rows, raws = await self._rows(selected, [*conditions, among(mapping.remote, keys)], [mapping.remote])
        found = {raw[mapping.remote.key]: row for raw, row in zip(raws, rows, strict=True)}
        return [found.get(parent) for parent in parents]

    async def _many_each(self, mapping: Many, wanted: Wanted, parents: Sequence[Any]) -> Sequence[Any]:
        selected, conditions = self._related(mapping, wanted)
        rows, raws = await self._rows(selected, [*conditions, among(mapping.remote, set(parents))], [mapping.remote])
        found: dict[Any, Rows] = {}
        for raw, row in zip(raws, rows, strict=True):
            found.setdefault(raw[mapping.remote.key], []).append(row)
        return [found.get(parent, []) for parent in parents]

    async def _page_each(self, mapping: Many, wanted: Wanted, parents: Sequence[Any]) -> Sequence[Any]:
        """One page for each parent, all in one statement that looks each up by itself."""
        selected, conditions = self._related(mapping, wanted)
        conditions += conditions_of(wanted.arguments, self.sight)
        window, page = Window.of(selected.entity, wanted.arguments), wanted.page
        assert page is not None
        keys = sorted(set(parents))
        answers: dict[Any, dict[str, Any]] = {key: {} for key in keys}
        outer = func.unnest(literal(keys, ARRAY(mapping.local.type))).table_valued("key").render_derived(name="parent")
        if page.rows:
            inner = self._query(selected, (*window.order, mapping.remote))
            inner = inner.where(mapping.remote == outer.c.key, *conditions, *window.conditions())
            inner = inner.order_by(*window.ordering()).limit(window.size + 1).lateral("child")
            found = (
                await self.now.execute(select(outer.c.key.label("parent key"), inner).join(inner, true()))
            ).mappings()
            groups: dict[Any, list[Raw]] = {key: [] for key in keys}
            for raw in found:
                groups[raw["parent key"]].append(raw)
            kept = {key: window.kept(group) for key, group in groups.items()}
            rows = iter(await self._filled(selected, [raw for group in kept.values() for raw in group]))
            for key, group in groups.items():
                answers[key] = window.answer(group, [next(rows) for _ in kept[key]])
        if page.total:
            few = select(literal(1)).where(mapping.remote == outer.c.key, *conditions).limit(LARGEST_COUNT + 1)
            counted = select(func.count()).select_from(few.correlate(outer).subquery()).scalar_subquery()
            for key, total in await self.now.execute(select(outer.c.key, counted)):
                answers[key]["total_count"] = total
        return [answers[parent] for parent in parents]


def _paged(selected: Selected) -> Iterator[tuple[Selected, Mapping[str, Any]]]:
    """Every page below, with its arguments."""
    for wanted in selected.fields:
        if wanted.selected is not None:
            if wanted.page is not None:
                yield wanted.selected, wanted.arguments
            yield from _paged(wanted.selected)


def _needed(mapping: Mapped) -> tuple[Attribute, ...]:
    if isinstance(mapping, Column):
        return (mapping.attribute,)
    if isinstance(mapping, Derived | Gathered):
        return mapping.needs
    return () if isinstance(mapping, Identity) else (mapping.local,)


def conditions_of(arguments: Mapping[str, Any], sight: Sight) -> Conditions:
    """What a filter asks for. Null is refused: who leaves a value out means something else than who has none."""
    given = arguments.get("filter")
    if given is None or given is strawberry.UNSET:
        return []
    conditions = []
    by_name = {field.python_name: field for field in definition_of(type(given)).fields}
    for field in fields(given):
        value = getattr(given, field.name)
        if value is strawberry.UNSET:
            continue
        if value is None:
            raise bad_input(f"`filter.{to_camel_case(field.name)}` is null; leave it out to filter by something else.")
        conditions.append(by_name[field.name].metadata[CONDITION](sight, value))
    return conditions


class Window:
    """Which part of a list is wanted, in which order: the arguments of a connection, read."""

    def __init__(self, name: str, order: tuple[Attribute, ...], size: int, backwards: bool) -> None:
        self.name, self.order, self.size, self.backwards = name, order, size, backwards
        self.after: list[Any] | None = None
        self.before: list[Any] | None = None

    @classmethod
    def of(cls, entity: Entity, arguments: Mapping[str, Any]) -> Window:
        """Read the arguments; refuses sizes and cursors that cannot be with BAD_USER_INPUT."""
        given = {
            name: value for name, value in arguments.items() if value is not strawberry.UNSET and value is not None
        }
        first, last = given.get("first"), given.get("last")
        if first is not None and last is not None:
            raise bad_input("State either `first` or `last`.")
        size = first if first is not None else last if last is not None else DEFAULT_PAGE
        if not 0 <= size <= LARGEST_PAGE:
            raise bad_input(f"A page holds 0 to {LARGEST_PAGE} objects, not {size}.")
        chosen = given.get("order_by")
        name = chosen.value if isinstance(chosen, enum.Enum) else next(iter(entity.order))
        window = cls(f"{entity.name}.{name}", entity.order[name], size, last is not None)
        for side in ("after", "before"):
            if side in given:
                setattr(window, side, decode_cursor(window.name, window.order, given[side]))
        return window

    @property
    def _newest_first(self) -> bool:
        return self.name.endswith(f".{NEWEST}")

    def conditions(self) -> Conditions:
        """What keeps a row between the cursors."""
        place = tuple_(*self.order)
        low, high = (self.before, self.after) if self._newest_first else (self.after, self.before)
        found: Conditions = []
        if low is not None:
            found.append(place > tuple_(*self._literals(low)))
        if high is not None:
            found.append(place < tuple_(*self._literals(high)))
        return found

    def _literals(self, values: Sequence[Any]) -> list[Any]:
        return [literal(value, attribute.type) for value, attribute in zip(values, self.order, strict=True)]

    def ordering(self) -> list[Any]:
        """How the rows are asked for: from the end, if the end is wanted."""
        down = self.backwards is not self._newest_first
        return [attribute.desc() for attribute in self.order] if down else list(self.order)

    def sorted(self, raws: Iterable[Raw]) -> Sequence[Raw]:
        """Rows in the order of the list."""
        return sorted(raws, key=lambda raw: tuple(raw[a.key] for a in self.order), reverse=self._newest_first)

    def kept(self, raws: Sequence[Raw]) -> Sequence[Raw]:
        """The rows of the page in the order of the list, without the one more that says whether there are others."""
        page = raws[: self.size]
        return page[::-1] if self.backwards else page

    def answer(self, raws: Sequence[Raw], rows: Sequence[Row]) -> dict[str, Any]:
        """The connection of a page."""
        kept = self.kept(raws)
        cursors = [encode_cursor(self.name, [raw[a.key] for a in self.order]) for raw in kept]
        more = len(raws) > self.size
        return {
            "nodes": rows,
            "edges": [{"cursor": cursor, "node": row} for cursor, row in zip(cursors, rows, strict=True)],
            "page_info": {
                "has_next_page": self.before is not None if self.backwards else more,
                "has_previous_page": more if self.backwards else self.after is not None,
                "start_cursor": cursors[0] if cursors else None,
                "end_cursor": cursors[-1] if cursors else None,
            },
        }
