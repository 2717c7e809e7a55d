"""助残: what a county does for persons with a disability.

In each folder ``policy.toml`` holds the numbers and the clauses, and its page what belongs to it: the two subsidies
that are paid every month (``living``, ``care``, which share ``vocabulary.py``), support bases, and what is handed out.
"""

from __future__ import annotations

from bangfu.programme import AnyProgramme, hookimpl
from zhucan import bases, care, living, services


@hookimpl
def programmes() -> list[AnyProgramme]:
    """The two monthly subsidies, and the federation's registers of support bases and of what it hands out."""
    return [living.PROGRAMME, care.PROGRAMME, bases.PROGRAMME, services.PROGRAMME]
