"""A public notice to print and hang up 公示海报: one PDF for A4 or A3, in a font that it brings along.

``typeset`` sets it; a character that the font lacks is shown as its code point in brackets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import segno

from bangfu.documents.typeset import pdf
from bangfu.text import Text

Paper: TypeAlias = Literal["a4", "a3"]
PAPERS: tuple[Paper, ...] = ("a4", "a3")


@dataclass(frozen=True, slots=True)
class Poster:
    """What a poster says. ``columns`` are (name, title); a row is (running number, values by name), or None for the
    values of one that was withdrawn; amounts are in fen. Without an ``address`` it has no code to scan."""

    title: Text
    township: str
    village: str
    first: Text
    last: Text
    place: str
    contact: str
    common: str | None
    columns: Sequence[tuple[str, Text]]
    lines: Sequence[tuple[int, Mapping[str, Any] | None]]
    unit: Text
    """What its entries are counted in."""
    hears: Text
    """Whom to tell who objects."""
    address: str = ""


def poster(said: Poster, paper: Paper) -> bytes:
    """The PDF; the same poster is the same bytes."""
    names = [name for name, _ in said.columns]
    shown = [values for _, values in said.lines if values is not None]
    data = {
        "paper": paper,
        "title": {"zh": said.title.zh, "en": said.title.en},
        "township": said.township,
        "village": said.village,
        "first": {"zh": said.first.zh, "en": said.first.en},
        "last": {"zh": said.last.zh, "en": said.last.en},
        "place": said.place,
        "contact": said.contact,
        "common": said.common,
        "columns": [{"name": name, "zh": title.zh, "en": title.en} for name, title in said.columns],
        "lines": [
            {
                "position": position,
                "fen": 0 if values is None else values.get("amount", 0),
                "values": None if values is None else [values[name] for name in names],
            }
            for position, values in said.lines
        ],
        "unit": {"zh": said.unit.zh, "en": said.unit.en},
        "hears": {"zh": said.hears.zh, "en": said.hears.en},
        "sums": "amount" in names,
        "count": len(shown),
        "total": sum(values.get("amount", 0) for values in shown),
        "address": said.address,
        "code": _runs(said.address) if said.address else None,
    }
    return pdf("poster", data)


def modules(address: str) -> list[list[bool]]:
    """The QR code of an address with its quiet zone, dark or light."""
    return [[bool(dark) for dark in row] for row in segno.make(address, error="m", micro=False).matrix_iter(border=2)]


def _runs(address: str) -> list[list[list[int]]]:
    """The dark runs (start, length) of each line of the code."""
    found = []
    for row in modules(address):
        runs: list[list[int]] = []
        for x, dark in enumerate(row):
            if dark and runs and sum(runs[-1]) == x:
                runs[-1][1] += 1
            elif dark:
                runs.append([x, 1])
        found.append(runs)
    return found
