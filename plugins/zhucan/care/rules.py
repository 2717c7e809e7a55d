"""重度残疾人护理补贴: the subsidy for the care of those with a severe disability (shebao-2019 一(三)).

Every month is decided by itself, by what holds on one of its days.
"""

from __future__ import annotations

from dataclasses import dataclass

from bangfu.rules import Circumstance, Fen, Rounding, RuleBook, Sensitivity, amount, choose, criterion, fact, step
from zhucan import vocabulary
from zhucan.vocabulary import Subsidy


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts(vocabulary.Facts):
    """What the book looks at."""

    level: int = fact(
        Circumstance("certificate", "level"),
        zh="残疾等级",
        en="level of the disability",
        sensitivity=Sensitivity.SENSITIVE,
        lowest=1,
        largest=4,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters(vocabulary.Parameters):
    """The numbers of ``policy.toml``, as the book and the stages read them."""

    last_level: int
    rate_level1: Fen
    rate_level2: Fen


class CareSubsidy(Subsidy, RuleBook[Facts, Parameters]):
    """The book in force from 1 January 2018."""

    facts: Facts
    p: Parameters

    @criterion(cites="shebao-2019#一(三)")
    def is_severely_disabled(self) -> bool:
        """The disability is of the first or the second level.
        残疾等级为一级或二级。
        """
        return self.facts.level <= self.p.last_level

    @step(cites="shebao-2019#一(三)")
    def is_of_the_first_level(self) -> bool:
        """The disability is of the first level.
        残疾等级为一级。
        """
        return self.facts.level == 1

    @amount(cites="shebao-2019#一(三)", rounds=Rounding.HALF_UP)
    def award(self) -> int:
        """The care subsidy of the person for the month.
        该人当月护理补贴金额。
        """
        return choose(self.is_of_the_first_level, self.p.rate_level1, self.p.rate_level2)
