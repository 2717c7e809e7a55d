"""计划脱贫户奋进计划: the award for households that are to leave poverty this year (fenjin-2021 二(一))."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bangfu.calendar import DayUnit
from bangfu.policy import MonthDay, Window
from bangfu.process import Duty, StandIn
from bangfu.rules import (
    ALL,
    AsOf,
    AtStage,
    Fen,
    Income,
    Measure,
    Registry,
    Rounding,
    RuleBook,
    Sensitivity,
    Shares,
    Stated,
    amount,
    choose,
    criterion,
    fact,
    not_,
    overlaps,
    step,
)
from bangfu.text import Text
from county_default.vocabulary import HouseholdStanding, Project


class Checkpoint(StrEnum):
    """The stages at which a household is judged 核算环节."""

    VERIFICATION = "verification"
    FINAL = "final"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return {
            Checkpoint.VERIFICATION: Text("项目核实", "verification of the project"),
            Checkpoint.FINAL: Text("最终验收", "final acceptance"),
        }[self]


class GateAppliesTo(StrEnum):
    """At which of them the income standard has to be reached 收入标准适用环节."""

    FINAL = "final"
    EVERY = "every"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return {
            GateAppliesTo.FINAL: Text("仅最终验收", "at final acceptance only"),
            GateAppliesTo.EVERY: Text("每次核算", "at every determination"),
        }[self]


class HouseholdSize(StrEnum):
    """By when the members of a household are counted 人口认定."""

    FROZEN_AT_PLAN = "frozen_at_plan"
    COUNTED_AT_ACCEPTANCE = "counted_at_acceptance"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return {
            HouseholdSize.FROZEN_AT_PLAN: Text("按制定计划时人口", "as they were when the plan was made"),
            HouseholdSize.COUNTED_AT_ACCEPTANCE: Text("按核实验收时人口", "as they are when the household is judged"),
        }[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the book looks at."""

    standing: HouseholdStanding = fact(
        Registry("standing", AsOf.PLAN), zh="制定计划时户类型", en="standing when the plan was made"
    )
    projects: frozenset[Project] = fact(Stated(), zh="计划项目", en="planned projects", sensitivity=Sensitivity.PUBLIC)
    members_at_plan: int = fact(
        Registry("members", AsOf.PLAN), zh="制定计划时人口", en="members when the plan was made", largest=99
    )
    members_at_check: int = fact(Registry("members", AsOf.CHECK), zh="核算时人口", en="members when judged", largest=99)
    net_stable: Fen = fact(
        Income(ALL, "income_window", Measure.NET_STABLE), zh="稳定性纯收入", en="stable net income of the household"
    )
    checkpoint: Checkpoint = fact(AtStage(), zh="核算环节", en="stage of the determination")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """The numbers of ``policy.toml``, as the book and the stages read them."""

    target_households: int
    target_persons: int
    project_kinds: frozenset[Project]
    per_capita_award: Fen
    income_gate: Fen
    gate_applies_to: GateAppliesTo
    income_window: Window
    household_size: HouseholdSize
    instalments: Shares
    plan_deadline: MonthDay
    in_place_deadline: MonthDay
    verification_deadline: MonthDay
    continuing_deadline: MonthDay
    final_deadline: MonthDay
    verifiers_stage1: frozenset[Duty]
    verifiers_stage2_3: frozenset[Duty]
    nonpoor_village_substitute: StandIn
    notice_days: int
    notice_unit: DayUnit


class PlannedExit(RuleBook[Facts, Parameters]):
    """The book in force from 1 January 2021."""

    @criterion(cites="fenjin-2021#二(一)1")
    def is_to_leave_poverty(self) -> bool:
        """The household was registered as poor when its plan was made.
        制定计划时该户登记为贫困户。
        """
        return self.facts.standing == HouseholdStanding.POOR

    @criterion(cites="fenjin-2021#二(一)2")
    def undertakes_a_small_trade(self) -> bool:
        """The household has planned at least one of the five small trades.
        该户计划了至少一项五小产业到户项目。
        """
        return overlaps(self.facts.projects, self.p.project_kinds)

    @step(cites="fenjin-2021#二(一)3")
    def size(self) -> int:
        """The members that count.
        计算人口。
        """
        f, frozen = self.facts, self.p.household_size == HouseholdSize.FROZEN_AT_PLAN
        return choose(frozen, f.members_at_plan, f.members_at_check)

    @criterion(cites="fenjin-2021#二(一)3")
    def has_members(self) -> bool:
        """The household has at least one member that counts.
        该户至少有一名计算人口。
        """
        return self.size > 0

    @step(cites="fenjin-2021#二(一)3")
    def gate_is_tested(self) -> bool:
        """The income standard has to be reached at this stage.
        本环节核验收入标准。
        """
        return (self.p.gate_applies_to == GateAppliesTo.EVERY) | (self.facts.checkpoint == Checkpoint.FINAL)

    @criterion(cites="fenjin-2021#二(一)3")
    def income_reaches_the_gate(self) -> bool:
        """The stable net income reaches the standard for every member, where it is tested.
        核验收入标准的环节,人均稳定性纯收入达到标准。
        """
        return not_(self.gate_is_tested) | (self.facts.net_stable >= self.p.income_gate * self.size)

    @amount(cites="fenjin-2021#二(一)3", rounds=Rounding.HALF_UP)
    def award(self) -> int:
        """The award of the household.
        该户奖补金额。
        """
        return self.p.per_capita_award * self.size
