"""Rule books: what a plan's clauses decide, for one household or a whole county, and why.

A plugin author needs the names below and nothing else of this room.
"""

from bangfu.policy import Fen, Rate, Shares, Tiers, Years
from bangfu.rules.book import (
    Determination,
    Outcome,
    Rounding,
    RuleBook,
    amount,
    criterion,
    step,
)
from bangfu.rules.facts import (
    ALL,
    AsOf,
    AtStage,
    Count,
    Income,
    Measure,
    NetStablePerPerson,
    Registry,
    SameVillage,
    Sensitivity,
    Signed,
    StandingIn,
    Stated,
    Vouched,
    When,
    Year,
    fact,
)
from bangfu.rules.trace import RuleError
from bangfu.rules.words import among, choose, greatest, least, lowest_tier, not_, overlaps, share, tier

__all__ = [
    "ALL",
    "AsOf",
    "AtStage",
    "Count",
    "Determination",
    "Fen",
    "Income",
    "Measure",
    "NetStablePerPerson",
    "Outcome",
    "Rate",
    "Registry",
    "Rounding",
    "RuleBook",
    "RuleError",
    "SameVillage",
    "Sensitivity",
    "Shares",
    "Signed",
    "StandingIn",
    "Stated",
    "Tiers",
    "Vouched",
    "When",
    "Year",
    "Years",
    "among",
    "amount",
    "choose",
    "criterion",
    "fact",
    "greatest",
    "least",
    "lowest_tier",
    "not_",
    "overlaps",
    "share",
    "step",
    "tier",
]
