"""已脱贫户巩固增收计划: the award for households that have left poverty, clause by clause (fenjin-2021 二(二))."""

from __future__ import annotations

from dataclasses import dataclass

from bangfu.calendar import DayUnit
from bangfu.policy import MonthDay, Window
from bangfu.process import Duty, StandIn
from bangfu.rules import (
    Fen,
    Income,
    Rate,
    Registry,
    Rounding,
    RuleBook,
    Sensitivity,
    Stated,
    Year,
    Years,
    among,
    amount,
    criterion,
    fact,
    least,
    overlaps,
    share,
    step,
)
from county_default.vocabulary import HouseholdStanding, Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the book looks at."""

    standing: HouseholdStanding = fact(Registry("standing"), zh="户类型", en="standing")
    exit_year: Year = fact(Registry("exit_year"), zh="脱贫年度", en="year of leaving poverty")
    projects: frozenset[Project] = fact(Stated(), zh="计划项目", en="planned projects", sensitivity=Sensitivity.PUBLIC)
    breeding: Fen = fact(Income("breeding", "income_window"), zh="养殖业总收入", en="gross breeding income")
    planting: Fen = fact(Income("planting", "income_window"), zh="种植业总收入", en="gross planting income")
    labour: Fen = fact(Income("labour", "income_window"), zh="务工总收入", en="gross labour income")
    self_employment: Fen = fact(
        Income("self_employment", "income_window"), zh="自主经营总收入", en="gross self-employment income"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """The numbers of ``policy.toml``, as the book and the stages read them."""

    cohort_exit_years: Years
    target_households: int
    project_kinds: frozenset[Project]
    rate_breeding: Rate
    rate_planting: Rate
    rate_labour_selfemp: Rate
    household_cap: Fen
    income_window: Window
    plan_deadline: MonthDay
    in_place_deadline: MonthDay
    accounting_deadline: MonthDay
    accounting_grace_days: int
    accounting_signers: frozenset[Duty]
    nonpoor_village_substitute: StandIn
    notice_days: int
    notice_unit: DayUnit
    county_sample: Rate


class Consolidation(RuleBook[Facts, Parameters]):
    """The book in force from 1 October 2020."""

    @criterion(cites="fenjin-2021#二(二)1")
    def has_left_poverty(self) -> bool:
        """The household is registered as having left poverty.
        该户登记为已脱贫户。
        """
        return self.facts.standing == HouseholdStanding.EXITED

    @criterion(cites="fenjin-2021#二(二)1")
    def left_in_a_covered_year(self) -> bool:
        """The household left poverty in one of the years that the plan covers.
        该户脱贫年度在方案范围内。
        """
        return among(self.facts.exit_year, self.p.cohort_exit_years)

    @criterion(cites="fenjin-2021#二(二)2")
    def undertakes_a_small_trade(self) -> bool:
        """The household has planned at least one of the five small trades.
        该户计划了至少一项五小产业到户项目。
        """
        return overlaps(self.facts.projects, self.p.project_kinds)

    @criterion(cites="fenjin-2021#二(二)3")
    def earned_in_the_window(self) -> bool:
        """The household earned something within the window of income.
        该户在收入核算期内有收入。
        """
        f = self.facts
        return f.breeding + f.planting + f.labour + f.self_employment > 0

    @step(cites="fenjin-2021#二(二)3")
    def before_cap(self) -> int:
        """Shares of gross income, added up.
        按比例计算合计。
        """
        f, p = self.facts, self.p
        return (
            share(f.breeding, p.rate_breeding)
            + share(f.planting, p.rate_planting)
            + share(f.labour + f.self_employment, p.rate_labour_selfemp)
        )

    @step(cites="fenjin-2021#二(二)3")
    def capped(self) -> bool:
        """The cap applies.
        超过每户上限。
        """
        return self.before_cap > self.p.household_cap

    @amount(cites="fenjin-2021#二(二)3", rounds=Rounding.HALF_UP)
    def award(self) -> int:
        """The award of the household.
        该户奖补金额。
        """
        return least(self.before_cap, self.p.household_cap)
