"""A county's own documents: what each sets, which rule books it moves the county to, what it takes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from bangfu.errors import Code, Problem
from bangfu.policy.values import plain


@dataclass(frozen=True, slots=True)
class ProvisionEntry:
    """One value of a county's own document: which parameter, from when to when, by which of its clauses."""

    parameter: str
    since: date
    until: date | None
    value: Any
    clause: str


@dataclass(frozen=True, slots=True)
class Adoption:
    """The rule book by which a county decides, as its own document says: which (the day from which it is known), from
    when, by which clause."""

    since: date
    book: date
    clause: str


@dataclass(frozen=True, slots=True)
class Adoptable:
    """A rule book that a county may decide by from its first day to its last one (None: until further notice)."""

    book: date
    first: date
    last: date | None

    def on(self, day: date) -> bool:
        """Whether a county may begin to decide by it on a day."""
        return self.first <= day and (self.last is None or day <= self.last)


@dataclass(frozen=True, slots=True)
class Revocation:
    """That a document takes another one back 废止: which (its id), from which day, by which clause."""

    provision: str
    since: date
    clause: str


@dataclass(frozen=True, slots=True)
class Provision:
    """A county's own document that sets parameters: its title, number, day of issue and values, the rule books that it
    moves to, and the document that it takes back.

    ``id`` is whatever the caller knows it by.
    """

    id: str
    title: str
    number: str
    issued_on: date
    entries: tuple[ProvisionEntry, ...]
    adoptions: tuple[Adoption, ...] = ()
    revokes: Revocation | None = None


def in_force(provisions: Sequence[Provision], day: date) -> list[Provision]:
    """The documents, in their order, that none of the others has taken back on a day.

    What was taken back counts again where that which took it back is taken back itself.
    """
    by: dict[str, list[Provision]] = {}
    for one in provisions:
        if one.revokes is not None and one.revokes.since <= day:
            by.setdefault(one.revokes.provision, []).append(one)

    def gone(one: Provision) -> bool:
        # A document takes back what was released before it: this ends.
        return any(not gone(other) for other in by.get(one.id, ()))

    return [one for one in provisions if not gone(one)]


def heading_of(raw: Mapping[str, Any]) -> tuple[tuple[str, str, date], list[Problem]]:
    """The title, the number and the day of issue of a county's own document, and what is wrong with them."""
    wanted: tuple[tuple[str, type], ...] = (("title", str), ("number", str), ("issued", date))
    problems = [
        Code.MISSING_VALUE.problem(key, field=plain(key))
        for key, expected in wanted
        if not isinstance(raw.get(key), expected) or not raw[key]
    ]
    return (raw.get("title", ""), raw.get("number", ""), raw.get("issued", date.min)), problems


def adoptions_of(books: Any, adoptable: Sequence[Adoptable], problems: list[Problem]) -> list[Adoption]:
    """The rule books that a county's own document moves it to; what is wrong with them goes to the problems."""
    adoptions: list[Adoption] = []
    for index, item in enumerate(books if isinstance(books, list) else [books]):
        adopted = read_adoption(item, ("book", index), adoptable)
        if not isinstance(adopted, Adoption):
            problems.append(adopted)
        elif any(one.since == adopted.since for one in adoptions):
            problems.append(_not_adoptable(("book", index), adopted.book, adopted.since, adoptable))
        else:
            adoptions.append(adopted)
    return adoptions


def read_adoption(item: Any, path: tuple[str | int, ...], adoptable: Sequence[Adoptable]) -> Adoption | Problem:
    """What a county's document says of a rule book that it moves to (``adopts``, ``since``, ``clause``), or what is
    wrong with it."""
    if not isinstance(item, Mapping) or set(item) != {"adopts", "since", "clause"}:
        return _not_adoptable(path, item, "-", adoptable)
    book, since, clause = item["adopts"], item["since"], item["clause"]
    said = type(book) is date and type(since) is date and isinstance(clause, str) and clause
    if not said or not any(one.book == book and one.on(since) for one in adoptable):
        return _not_adoptable(path, book, since, adoptable)
    return Adoption(since, book, clause)


def _not_adoptable(path: tuple[str | int, ...], book: object, since: object, adoptable: Sequence[Adoptable]) -> Problem:
    known = ", ".join(one.book.isoformat() for one in adoptable) or "-"
    return Code.BOOK_NOT_ADOPTABLE.problem(*path, book=plain(str(book)), since=plain(str(since)), known=known)
