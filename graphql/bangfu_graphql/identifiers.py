"""Opaque ids and cursors: what they hold is ours, and one that is malformed or from elsewhere is nobody's."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, TypeVar
from uuid import UUID

from graphql import GraphQLError
from sqlalchemy import BigInteger

from bangfu.errors import Code
from bangfu_graphql.mapping import Attribute, Entity

P = TypeVar("P")


def _text(text: str) -> str:
    text.encode()  # half of a pair cannot be stored
    if "\0" in text:
        raise ValueError(text)
    return text


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(text)
    instant.astimezone(UTC)
    return instant


_READERS: dict[type, Callable[[str], Any]] = {
    int: int,
    str: _text,
    UUID: UUID,
    date: date.fromisoformat,
    datetime: _instant,
}


def encode_id(name: str, key: Any) -> str:
    """The id of the object of a type by its key."""
    return _pack(f"{name}:{key}")


def decode_id(entity: Entity, id: str) -> Any:
    """The key in an id of a type, or None if it is not one."""
    name, key = split_id(id)
    return _read(entity.key, key) if name == entity.name else None


def split_id(id: str) -> tuple[str, str]:
    """The name of the type and the key in an id as they stand there; empty if it is malformed."""
    try:
        name, colon, key = _unpack(id).partition(":")
    except ValueError:
        return "", ""
    return (name, key) if colon else ("", "")


def encode_cursor(order: str, values: Sequence[Any]) -> str:
    """The cursor of a row: the order it is listed in, and its values there."""
    return _pack(json.dumps([order, *(v if isinstance(v, int | str) else str(v) for v in values)]))


def decode_cursor(order: str, attributes: Sequence[Attribute], cursor: str) -> list[Any]:
    """The values in a cursor of an order; refuses one that is malformed or of another list with BAD_USER_INPUT."""
    try:
        name, *values = json.loads(_unpack(cursor))
    except (ValueError, TypeError, RecursionError):
        name, values = "", []
    if name == order and len(values) == len(attributes):
        read = [_read(attribute, value) for attribute, value in zip(attributes, values, strict=True)]
        if None not in read:
            return read
    raise bad_input("This is no cursor of this list; take one from its `pageInfo` or `edges`.")


def bad_input(message: str) -> GraphQLError:
    """The error of a request that the schema allows and that makes no sense."""
    return GraphQLError(message, extensions={"code": "BAD_USER_INPUT"})


def known(programmes: Mapping[str, P], code: str) -> P:
    """A programme of one shape for a question; refuses ``PROGRAMME_UNKNOWN``."""
    if code not in programmes:
        raise Code.PROGRAMME_UNKNOWN.refuse("programme", programme=code, known=", ".join(programmes))
    return programmes[code]


def _read(attribute: Attribute, value: Any) -> Any:
    """A key or cursor value of a column, or None if it is none that was written here."""
    kind = attribute.type.python_type
    if not isinstance(value, str) and (kind is not int or type(value) is not int):
        return None
    try:
        read = _READERS[kind](str(value))
    except (ValueError, OverflowError):
        return None
    if isinstance(read, int) and abs(read) >= 2 ** (63 if isinstance(attribute.type, BigInteger) else 31):
        return None
    return read if str(read) == str(value) else None


def _pack(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _unpack(packed: str) -> str:
    try:
        data = base64.b64decode(packed + "=" * (-len(packed) % 4), altchars=b"-_", validate=True)
        return data.decode()
    except (binascii.Error, UnicodeError) as error:
        raise ValueError(packed) from error
