"""残疾人两项补贴: the two monthly subsidies for persons with a disability, one for the poor and one for the severe.

In each folder ``policy.toml`` holds the numbers, ``rules.py`` the clauses, ``cases.toml`` worked examples, and its
page what goes together with it. ``vocabulary.py`` holds what the two share, the stages among it.
"""

from __future__ import annotations

from bangfu.programme import Programme, hookimpl
from zhucan import care, living


@hookimpl
def programmes() -> list[Programme]:
    """The two subsidies."""
    return [living.PROGRAMME, care.PROGRAMME]
