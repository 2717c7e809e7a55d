"""Lists that are decided as they are read: gone through some at a time, in the order of villages and numbers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

PART = 2_000
"""How many are gone through at a time."""
MOST_SCANNED = 20_000
"""How many are gone through for one page at most; a page may end before it is full."""

Key = tuple[int, str]
"""A place in a list: the village and the number of whom something is of."""


class Placed(Protocol):
    """Something that has a place in a list."""

    @property
    def key(self) -> Key:
        """Its place."""


T = TypeVar("T", bound=Placed)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of a list, in its order.

    ``last`` is the place up to which it was looked, ``more`` whether something may come after it.
    """

    found: tuple[T, ...]
    last: Key | None
    more: bool


async def page_of(parts: AsyncIterator[tuple[int, Key, Sequence[T]]], first: int, after: Key | None) -> Page[T]:
    """The next ``first`` of a list after a place. Of each part: how many were gone through, the place of the last of
    them, and those that are listed.

    A page that went through ``MOST_SCANNED`` ends there, full or not.
    """
    found: list[T] = []
    scanned = 0
    last = after
    async for count, upto, listed in parts:
        found += listed
        scanned += count
        last = upto
        if len(found) > first:
            kept = found[:first]
            return Page(tuple(kept), kept[-1].key if kept else after, True)
        if scanned >= MOST_SCANNED:
            return Page(tuple(found), last, True)
    return Page(tuple(found), last, False)


async def count_of(parts: AsyncIterator[Sequence[Placed]], most: int) -> int:
    """How many a list holds; more than ``most`` are not counted."""
    found = 0
    async for listed in parts:
        found += len(listed)
        if found > most:
            return most + 1
    return found
