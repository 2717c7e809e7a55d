"""雨露短期技能培训: the aid for those who have finished a short course of training (yulu-2011 二).

The first book counted the days on the trainee's card alone. The second one, which takes its place in every period that
is opened from now on, asks the schools' rolls as well: a course that a roll calls one of a year and more is aided by
the term, whatever the card says, and no course twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from bangfu.calendar import DayUnit
from bangfu.process import Duty
from bangfu.rules import (
    Age,
    AsOf,
    DaysFrom,
    Fen,
    InPeriod,
    Registry,
    Rounding,
    RuleBook,
    Stated,
    TrainingMonths,
    among,
    amount,
    choose,
    criterion,
    fact,
    not_,
    step,
)
from yulu.vocabulary import HouseholdStanding


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the book looks at."""

    standing: HouseholdStanding = fact(
        Registry("standing", AsOf.PLAN), zh="申请时户类型", en="standing when it was applied for"
    )
    training_from: date = fact(Stated(), zh="培训开始日", en="first day of the training")
    training_to: date = fact(Stated(), zh="培训结束日", en="last day of the training")
    certified_on: date = fact(Stated(), zh="取证日(两证中较晚的)", en="day of the later of the two certificates")
    has_training_certificate: bool = fact(
        Stated(), zh="技能培训合格证书复印件", en="has a copy of the training certificate"
    )
    has_qualification_certificate: bool = fact(
        Stated(), zh="职业资格等级证书复印件", en="has a copy of the certificate of qualification"
    )
    base_sealed: bool = fact(
        Stated(), zh="登记卡经培训基地签字盖章", en="card is signed and sealed by the training base"
    )
    identity_copied: bool = fact(Stated(), zh="身份证复印件", en="has a copy of the identity card")
    age: int = fact(Age("training_from"), zh="培训开始日年龄", en="age on the first day of the training", largest=150)
    began_in_period: bool = fact(InPeriod("training_from"), zh="当年参加培训", en="training began in the year")
    certified_in_period: bool = fact(InPeriod("certified_on"), zh="当年取得证书", en="certificates are of the year")
    days: int = fact(DaysFrom("training_from", "training_to"), zh="培训天数", en="days of the training")
    days_to_certificate: int = fact(
        DaysFrom("training_from", "certified_on"),
        zh="开始培训至取证天数",
        en="days from the first day of the training to the certificates",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FactsWithTheRoll(Facts):
    """What the second book looks at: the card, and what the rolls say of the same days."""

    months_on_the_roll: int = fact(
        TrainingMonths("training_from", "training_to"),
        zh="同期在册技能培训学制(月)",
        en="months of the training that the rolls say he was in on these days",
        largest=999,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """The numbers of ``policy.toml``, as the book and the stages read them."""

    covered_standings: frozenset[HouseholdStanding]
    age_min: int
    age_max: int
    same_year: bool
    longest_days: int
    least_training_months: int
    amount: Fen
    first_reviewers: frozenset[Duty]
    notice_days: int
    notice_unit: DayUnit


class ShortTraining(RuleBook[Facts, Parameters]):
    """The book in force from 1 January 2011."""

    @criterion(cites="yulu-2011#二1")
    def household_is_registered(self) -> bool:
        """The household was on file as poor, or as having left poverty, when it was applied for.
        申请时该户为建档立卡户。
        """
        return among(self.facts.standing, self.p.covered_standings)

    @criterion(cites="yulu-2011#二1")
    def is_of_working_age(self) -> bool:
        """The trainee is of an age that is aided, on the first day of the training.
        培训开始日该人年龄在补助范围之内。
        """
        return (self.facts.age >= self.p.age_min) & (self.facts.age <= self.p.age_max)

    @criterion(cites="yulu-2011#二2")
    def ends_after_it_begins(self) -> bool:
        """The training has a last day that does not come before the first.
        培训结束日不早于开始日。
        """
        return self.facts.days > 0

    @criterion(cites="yulu-2011#二1")
    def is_a_short_course(self) -> bool:
        """The training is shorter than a year.
        培训不满一年。
        """
        return self.facts.days <= self.p.longest_days

    @criterion(cites="yulu-2011#二2")
    def trained_in_the_year(self) -> bool:
        """The training began in the year that is applied for, where this is asked for.
        当年参加培训(要求当年参加时)。
        """
        return not_(self.p.same_year) | self.facts.began_in_period

    @criterion(cites="yulu-2011#二2")
    def certified_in_the_year(self) -> bool:
        """Both certificates had been obtained in the year that is applied for.
        当年取得两证。
        """
        return self.facts.certified_in_period

    @criterion(cites="yulu-2011#二2")
    def certified_by_this_training(self) -> bool:
        """The certificates are no older than the training.
        取证日不早于培训开始日。
        """
        return self.facts.days_to_certificate > 0

    @criterion(cites="yulu-2011#二2")
    def holds_the_training_certificate(self) -> bool:
        """A copy of the training certificate is there.
        附有技能培训合格证书复印件。
        """
        return self.facts.has_training_certificate

    @criterion(cites="yulu-2011#二2")
    def holds_the_qualification_certificate(self) -> bool:
        """A copy of the certificate of qualification is there.
        附有职业资格等级证书复印件。
        """
        return self.facts.has_qualification_certificate

    @criterion(cites="yulu-2011#二2")
    def card_is_sealed(self) -> bool:
        """The registration card is signed and sealed by the training base.
        登记卡经培训基地签字盖章。
        """
        return self.facts.base_sealed

    @criterion(cites="yulu-2011#二2")
    def identity_is_attached(self) -> bool:
        """A copy of the identity card is there.
        附有居民身份证复印件。
        """
        return self.facts.identity_copied

    @step(cites="yulu-2011#二1")
    def is_qualified(self) -> bool:
        """The trainee has both certificates.
        该人取得两证。
        """
        return self.holds_the_training_certificate & self.holds_the_qualification_certificate

    @amount(cites="yulu-2011#二1", rounds=Rounding.HALF_UP)
    def award(self) -> int:
        """The aid of the trainee, once in a lifetime.
        该人一次性补助金额。
        """
        return choose(self.is_qualified, self.p.amount, 0)


class ShortTrainingByTheRoll(ShortTraining, RuleBook[FactsWithTheRoll, Parameters]):
    """The book in force from 1 December 2011, the month of the plan: the first one, and no course that is aided by the
    term."""

    facts: FactsWithTheRoll

    @criterion(cites="yulu-2011#二1")
    def is_aided_by_no_term(self) -> bool:
        """No roll calls the training of these days one of a year and more, which is aided by the term.
        同期学籍名册所载技能培训不满一年(满一年的由学期补助)。
        """
        return self.facts.months_on_the_roll < self.p.least_training_months
