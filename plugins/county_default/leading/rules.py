"""非贫困户带动贫困户脱贫奖补: the award for households that lead poor ones out of poverty (fenjin-2021 二(四))."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bangfu.calendar import DayUnit
from bangfu.policy import MonthDay, Window
from bangfu.process import Duty, StandIn
from bangfu.rules import (
    Count,
    Fen,
    NetStablePerPerson,
    Rate,
    Registry,
    Rounding,
    RuleBook,
    SameVillage,
    Sensitivity,
    Signed,
    StandingIn,
    Stated,
    Tiers,
    Vouched,
    When,
    among,
    amount,
    criterion,
    fact,
    lowest_tier,
    not_,
    overlaps,
    tier,
)
from bangfu.text import Text
from county_default.vocabulary import HouseholdStanding


class Mode(StrEnum):
    """How a household leads others 带动方式."""

    PROJECT = "project"
    LAND_TRANSFER = "land_transfer"
    LABOUR = "labour"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return {
            Mode.PROJECT: Text("带动发展种植养殖项目", "planting and breeding projects"),
            Mode.LAND_TRANSFER: Text("流转贫困户土地", "taking over land"),
            Mode.LABOUR: Text("带动外出务工", "taking along to work elsewhere"),
        }[self]


class Entity(StrEnum):
    """Whether the household is run as a business 经营主体."""

    NONE = "none"
    COOPERATIVE = "cooperative"
    LARGE_GROWER = "large_grower"
    LEADING_ENTERPRISE = "leading_enterprise"
    OTHER = "other"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return {
            Entity.NONE: Text("普通农户", "an ordinary household"),
            Entity.COOPERATIVE: Text("专业合作社", "a co-operative"),
            Entity.LARGE_GROWER: Text("种养大户", "a large grower or breeder"),
            Entity.LEADING_ENTERPRISE: Text("龙头企业", "a leading enterprise"),
            Entity.OTHER: Text("其他农业经营主体", "another agricultural business"),
        }[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the book looks at."""

    standing: HouseholdStanding = fact(Registry("standing"), zh="户类型", en="standing")
    entity: Entity = fact(Stated(), zh="经营主体类型", en="kind of business")
    modes: frozenset[Mode] = fact(Stated(), zh="带动方式", en="ways of leading", sensitivity=Sensitivity.PUBLIC)
    led: int = fact(
        Count(
            "led",
            where=(
                SameVillage(unless=When("same_village", False)),
                StandingIn("counted_standings"),
                NetStablePerPerson("income_window", "income_gate"),
                Signed(unless=When("signature_required", False)),
                Vouched(),
            ),
        ),
        zh="带动达标贫困户数",
        en="led households that reach the standard",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """The numbers of ``policy.toml``, as the book and the stages read them."""

    excluded_entities: frozenset[Entity]
    same_village: bool
    counted_standings: frozenset[HouseholdStanding]
    one_leader_per_led: bool
    modes: frozenset[Mode]
    income_gate: Fen
    income_window: Window
    tiers: Tiers
    apply_deadline: MonthDay
    verifiers: frozenset[Duty]
    nonpoor_village_substitute: StandIn
    signature_required: bool
    notice_days: int
    notice_unit: DayUnit
    county_sample: Rate


class Leading(RuleBook[Facts, Parameters]):
    """The book in force from 1 January 2021."""

    @criterion(cites="fenjin-2021#二(四)1")
    def was_never_poor(self) -> bool:
        """The household was never registered as poor.
        该户为非贫困户。
        """
        return self.facts.standing == HouseholdStanding.GENERAL

    @criterion(cites="fenjin-2021#二(四)1")
    def is_no_business(self) -> bool:
        """The household is not an agricultural business that the plan excludes.
        该户不属于方案排除的农业经营主体。
        """
        return not_(among(self.facts.entity, self.p.excluded_entities))

    @criterion(cites="fenjin-2021#二(四)2")
    def leads_in_a_way_of_the_plan(self) -> bool:
        """The household leads in at least one way that the plan names.
        该户以方案规定的至少一种方式带动。
        """
        return overlaps(self.facts.modes, self.p.modes)

    @criterion(cites="fenjin-2021#二(四)3")
    def leads_enough(self) -> bool:
        """The led households that reach the standard are as many as the lowest tier asks for.
        带动达标贫困户数达到最低一档。
        """
        return self.facts.led >= lowest_tier(self.p.tiers)

    @amount(cites="fenjin-2021#二(四)3", rounds=Rounding.HALF_UP)
    def award(self) -> int:
        """The award of the highest tier that is reached.
        按达到的最高一档奖补。
        """
        return tier(self.facts.led, self.p.tiers)
