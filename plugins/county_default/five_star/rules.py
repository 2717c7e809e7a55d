"""农村人居环境整治奖励计划: the award for households that win a star, clause by clause (fenjin-2021 二(三))."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bangfu.calendar import DayUnit
from bangfu.process import Duty, StandIn
from bangfu.rules import (
    Fen,
    Rate,
    Registry,
    Rounding,
    RuleBook,
    Sensitivity,
    Stated,
    among,
    amount,
    choose,
    criterion,
    fact,
    overlaps,
)
from bangfu.text import Text
from county_default.vocabulary import HouseholdStanding


class Star(StrEnum):
    """What a household is chosen for 星级."""

    CLEAN = "clean"
    PROSPEROUS = "prosperous"
    FILIAL = "filial"
    LAW_ABIDING = "law_abiding"
    HARMONIOUS = "harmonious"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return {
            Star.CLEAN: Text("洁美星", "star of cleanliness"),
            Star.PROSPEROUS: Text("致富星", "star of prosperity"),
            Star.FILIAL: Text("孝爱星", "star of filial love"),
            Star.LAW_ABIDING: Text("守法星", "star of law-abidance"),
            Star.HARMONIOUS: Text("和谐星", "star of harmony"),
        }[self]


class AwardRepeat(StrEnum):
    """How often a household has the award 奖励次数."""

    ONCE_PER_YEAR = "once_per_year"
    EVERY_ROUND = "every_round"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return {
            AwardRepeat.ONCE_PER_YEAR: Text("每户每年一次", "once a household and plan year"),
            AwardRepeat.EVERY_ROUND: Text("每次评选均奖励", "in every round that it wins"),
        }[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the book looks at."""

    standing: HouseholdStanding = fact(Registry("standing"), zh="户类型", en="standing")
    stars: frozenset[Star] = fact(Stated(), zh="所获星级", en="stars that it won", sensitivity=Sensitivity.PUBLIC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """The numbers of ``policy.toml``, as the book and the stages read them."""

    counted_standings: frozenset[HouseholdStanding]
    stars: frozenset[Star]
    quota: Rate
    quota_minimum: int
    award: Fen
    award_repeat: AwardRepeat
    assessors: frozenset[Duty]
    nonpoor_village_substitute: StandIn
    notice_days: int
    notice_unit: DayUnit


class FiveStar(RuleBook[Facts, Parameters]):
    """The book in force from 1 January 2021."""

    @criterion(cites="fenjin-2021#二(三)")
    def is_a_poor_household(self) -> bool:
        """The household is registered as poor, or as having left poverty.
        该户登记为贫困户(含已脱贫户)。
        """
        return among(self.facts.standing, self.p.counted_standings)

    @criterion(cites="fenjin-2021#二(三)")
    def won_a_star(self) -> bool:
        """The household won at least one of the stars of the county.
        该户获得至少一项县定星级。
        """
        return overlaps(self.facts.stars, self.p.stars)

    @amount(cites="fenjin-2021#二(三)", rounds=Rounding.HALF_UP)
    def award(self) -> int:
        """The award of the household, however many stars it won.
        该户奖励金额,不因所获星数增加。
        """
        return choose(self.won_a_star, self.p.award, 0)
