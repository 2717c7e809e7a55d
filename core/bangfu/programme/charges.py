"""Who does which act in a programme by which no case is decided: the duties, and the clauses that say so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bangfu.process import Duty
from bangfu.programme.declarations import AnyProgramme


@dataclass(frozen=True, slots=True)
class Charge:
    """Who does an act, by duty, and the clauses that say so.

    An agent does it for the organization that he works for, an officer over the villages of his area.
    """

    by: frozenset[Duty]
    cites: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChargedProgramme(AnyProgramme):
    """A programme in which everything is an act that somebody is charged with."""

    charges: Mapping[Any, Charge]
