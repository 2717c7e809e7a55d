"""雨露计划: aid to the young people of registered households who learn a trade, in two programmes.

In each folder ``policy.toml`` holds the numbers, ``rules.py`` the clauses, ``cases.toml`` worked examples, and its
page the stages.
"""

from __future__ import annotations

from bangfu.programme import Programme, hookimpl
from yulu import short_training, term_aid


@hookimpl
def programmes() -> list[Programme]:
    """The two aids of the plan."""
    return [term_aid.PROGRAMME, short_training.PROGRAMME]
