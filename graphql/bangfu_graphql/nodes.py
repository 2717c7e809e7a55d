"""What every object and every list of the API has in common: ids and connections (Relay)."""

from __future__ import annotations

from typing import Generic, TypeVar

import strawberry

from bangfu_graphql.mapping import as_rows, identity

T = TypeVar("T")


@strawberry.interface(description="Anything that has an id.")
class Node:
    """Anything that has an id."""

    id: strawberry.ID = identity()


as_rows(Node)


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    """Where a page stands in its list."""

    has_next_page: bool = strawberry.field(description="Whether something comes after the page.")
    has_previous_page: bool = strawberry.field(description="Whether something comes before the page.")
    start_cursor: str | None = strawberry.field(description="The cursor of the first object; null on an empty page.")
    end_cursor: str | None = strawberry.field(description="The cursor of the last object; null on an empty page.")


@strawberry.type(description="An object in a list, with its cursor.")
class Edge(Generic[T]):
    """An object in a list, with its cursor."""

    cursor: str = strawberry.field(description="Where the object stands; pages go on from here.")
    node: T = strawberry.field(description="The object.")


@strawberry.type(description="A page of a list.")
class Connection(Generic[T]):
    """A page of a list."""

    nodes: list[T] = strawberry.field(description="The objects of the page.")
    edges: list[Edge[T]] = strawberry.field(description="The objects of the page with their cursors.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")
    total_count: int = strawberry.field(
        description="How many there are in all pages, counted up to 100,000; 100001 says that there are more."
    )
