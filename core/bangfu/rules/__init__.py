"""Rule books: what a plan's clauses decide, for one household or a whole county, and why.

A plugin author needs the names below and nothing else of this room.
"""

from bangfu.policy import Fen, Rate, Years
from bangfu.rules.book import (
    Determination,
    Outcome,
    Rounding,
    RuleBook,
    amount,
    criterion,
    step,
)
from bangfu.rules.facts import Income, Registry, Sensitivity, Stated, Year, fact
from bangfu.rules.trace import RuleError
from bangfu.rules.words import among, choose, greatest, least, not_, overlaps, share

__all__ = [
    "Determination",
    "Fen",
    "Income",
    "Outcome",
    "Rate",
    "Registry",
    "Rounding",
    "RuleBook",
    "RuleError",
    "Sensitivity",
    "Stated",
    "Year",
    "Years",
    "among",
    "amount",
    "choose",
    "criterion",
    "fact",
    "greatest",
    "least",
    "not_",
    "overlaps",
    "share",
    "step",
]
