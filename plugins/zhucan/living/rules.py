"""困难残疾人生活补贴: the subsidy for those with a disability who are in the minimum living guarantee (shebao-2019
一(三)).

Every month is decided by itself, by what holds on one of its days.
"""

from __future__ import annotations

from dataclasses import dataclass

from bangfu.rules import Circumstance, Fen, Rounding, RuleBook, amount, choose, criterion, fact, not_
from zhucan import vocabulary
from zhucan.vocabulary import Subsidy


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts(vocabulary.Facts):
    """What the book looks at."""

    on_minimum_living: bool = fact(
        Circumstance("minimum_living"), zh="享受最低生活保障", en="is in the minimum living guarantee"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters(vocabulary.Parameters):
    """The numbers of ``policy.toml``, as the book and the stages read them."""

    requires_minimum_living: bool
    living_rate: Fen


class LivingSubsidy(Subsidy, RuleBook[Facts, Parameters]):
    """The book in force from 1 January 2018."""

    facts: Facts
    p: Parameters

    @criterion(cites="shebao-2019#一(三)")
    def is_in_the_minimum_living_guarantee(self) -> bool:
        """The person is in the minimum living guarantee, where this is asked for.
        该人为最低生活保障对象(要求低保时)。
        """
        return not_(self.p.requires_minimum_living) | self.facts.on_minimum_living

    @amount(cites="shebao-2019#一(三)", rounds=Rounding.HALF_UP)
    def award(self) -> int:
        """The living subsidy of the person for the month.
        该人当月生活补贴金额。
        """
        return choose(self.is_in_the_minimum_living_guarantee, self.p.living_rate, 0)
