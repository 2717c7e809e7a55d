"""助残: what a county does for persons with disabilities.

In each folder ``policy.toml`` holds the numbers and the clauses, and its page the parts.
"""

from __future__ import annotations

from bangfu.programme import AnyProgramme, hookimpl
from zhucan import bases, services


@hookimpl
def programmes() -> list[AnyProgramme]:
    """The registers of the federation: its support bases, and what it hands out."""
    return [bases.PROGRAMME, services.PROGRAMME]
