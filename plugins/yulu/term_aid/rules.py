"""雨露计划学期补助: the aid for the terms of vocational education (yulu-2011 一, and what followed it)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bangfu.calendar import DayUnit
from bangfu.policy import MonthDay
from bangfu.process import Duty
from bangfu.rules import (
    AsOf,
    AtStage,
    Fen,
    Registry,
    Rounding,
    RuleBook,
    Schooling,
    among,
    amount,
    choose,
    criterion,
    fact,
    not_,
    step,
)
from bangfu.text import Text
from yulu.vocabulary import EducationLevel, HouseholdStanding


class SchoolTerm(StrEnum):
    """The term for which a student is judged 学期, by the stage at which it is done."""

    AUTUMN = "first_review"
    SPRING = "recheck"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return {
            SchoolTerm.AUTUMN: Text("秋季学期(初审)", "autumn term, at the first review"),
            SchoolTerm.SPRING: Text("春季学期(复核)", "spring term, at the re-check"),
        }[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the books look at."""

    standing: HouseholdStanding = fact(
        Registry("standing", AsOf.PLAN), zh="申请时户类型", en="standing when it was applied for"
    )
    term: SchoolTerm = fact(AtStage(), zh="核算学期", en="term of the determination")
    enrolled: bool = fact(Schooling("enrolled"), zh="在读", en="is on a school's roll")
    level: EducationLevel = fact(Schooling("level"), zh="学段", en="level")
    grade: int = fact(Schooling("grade"), zh="年级", en="grade", largest=99)
    months: int = fact(Schooling("months"), zh="学制(月)", en="length of the course in months", largest=999)
    interning: bool = fact(Schooling("interning"), zh="顶岗实习", en="is on an internship")
    proved: bool = fact(Schooling("proved"), zh="学籍证明", en="has a proof of schooling")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """The numbers of ``policy.toml``, as the books and the stages read them."""

    covered_standings: frozenset[HouseholdStanding]
    levels: frozenset[EducationLevel]
    last_grade_higher: int
    last_grade_secondary: int
    least_training_months: int
    exclude_internship: bool
    amount_autumn: Fen
    amount_spring: Fen
    survey_opens: MonthDay
    survey_closes: MonthDay
    publicity_opens: MonthDay
    publicity_closes: MonthDay
    application_opens: MonthDay
    application_deadline: MonthDay
    review_opens: MonthDay
    review_deadline: MonthDay
    first_reviewers: frozenset[Duty]
    second_reviewers: frozenset[Duty]
    notice_days: int
    notice_unit: DayUnit
    autumn_payment_opens: MonthDay
    autumn_payment_deadline: MonthDay
    spring_opens: MonthDay
    spring_deadline: MonthDay
    summary_opens: MonthDay
    summary_closes: MonthDay
    recheckers: frozenset[Duty]


class TermAid(RuleBook[Facts, Parameters]):
    """The book of the pilot, in force from 1 September 2011."""

    @criterion(cites="yulu-2011#一(三)1")
    def household_is_registered(self) -> bool:
        """The household was on file as poor, or as having left poverty, when it applied.
        申请时该户为建档立卡户。
        """
        return among(self.facts.standing, self.p.covered_standings)

    @criterion(cites="yulu-2011#一(三)1")
    def is_enrolled(self) -> bool:
        """The student is on a school's roll on the day of the determination.
        核算之日该生在读。
        """
        return self.facts.enrolled

    @criterion(cites="yulu-2011#一(四)3")
    def schooling_is_proved(self) -> bool:
        """There is a proof of schooling, from the school or from the family.
        有学校或家庭提供的学籍证明。
        """
        return self.facts.proved

    @criterion(cites="yulu-2011#一(三)1")
    def learns_a_trade(self) -> bool:
        """The student is in vocational education or in skills training.
        该生接受职业教育或技能培训。
        """
        return among(self.facts.level, self.p.levels)

    @step(cites="yulu-2011#一(三)1")
    def is_in_higher_vocational(self) -> bool:
        """The student is in higher vocational education.
        该生接受高等职业教育。
        """
        return self.facts.level == EducationLevel.HIGHER_VOCATIONAL

    @step(cites="yulu-2011#一(三)1")
    def goes_by_grades(self) -> bool:
        """The student is in a vocational school, where the grade counts.
        该生在职业学校就读,按年级认定。
        """
        return self.is_in_higher_vocational | (self.facts.level == EducationLevel.SECONDARY_VOCATIONAL)

    @step(cites="yulu-2011#一(三)1")
    def last_grade(self) -> int:
        """The last grade that is aided.
        补助的最高年级。
        """
        return choose(self.is_in_higher_vocational, self.p.last_grade_higher, self.p.last_grade_secondary)

    @criterion(cites="yulu-2011#一(三)1")
    def grade_is_covered(self) -> bool:
        """The student of a vocational school is in one of the grades that are aided.
        职业学校学生所在年级在补助年级之内。
        """
        grade = self.facts.grade
        return not_(self.goes_by_grades) | ((grade > 0) & (grade <= self.last_grade))

    @step(cites="yulu-2011#一(三)1")
    def is_in_training(self) -> bool:
        """The student is in skills training.
        该生接受技能培训。
        """
        return self.facts.level == EducationLevel.SKILLS_TRAINING

    @criterion(cites="yulu-2011#一(三)1")
    def training_is_long_enough(self) -> bool:
        """Skills training takes a year at least.
        技能培训为一年以上。
        """
        return not_(self.is_in_training) | (self.facts.months >= self.p.least_training_months)

    @criterion(cites="yulu-2011#一(三)1")
    def is_no_intern(self) -> bool:
        """The student is not on an internship, where interns are excluded.
        该生未进入顶岗实习阶段(排除顶岗实习时)。
        """
        return not_(self.p.exclude_internship & self.facts.interning)

    @step(cites="yulu-2011#一(四)6")
    def is_for_both_terms(self) -> bool:
        """The student has been re-checked in spring, so that both terms count.
        已经春季学期复核,两学期均计。
        """
        return self.facts.term == SchoolTerm.SPRING

    @amount(cites="yulu-2011#一(三)2", rounds=Rounding.HALF_UP)
    def award(self) -> int:
        """The aid of the student for the school year up to this term.
        该生本学年至本学期的补助金额。
        """
        p = self.p
        return choose(self.is_for_both_terms, p.amount_autumn + p.amount_spring, p.amount_autumn)


class LaterGeneration(RuleBook[Facts, Parameters]):
    """The book of the later generation, to which a county moves by a document of its own: every student of a
    vocational school, in any grade and on an internship too."""

    @criterion(cites="yulu-later#一")
    def household_is_registered(self) -> bool:
        """The household was on file as poor, or as having left poverty, when it applied.
        申请时该户为建档立卡户。
        """
        return among(self.facts.standing, self.p.covered_standings)

    @criterion(cites="yulu-later#一")
    def is_enrolled(self) -> bool:
        """The student is on a school's roll on the day of the determination.
        核算之日该生在读。
        """
        return self.facts.enrolled

    @criterion(cites="yulu-later#一")
    def schooling_is_proved(self) -> bool:
        """There is a proof of schooling, from the school or from the family.
        有学校或家庭提供的学籍证明。
        """
        return self.facts.proved

    @criterion(cites="yulu-later#一")
    def is_in_a_vocational_school(self) -> bool:
        """The student is in secondary or higher vocational education, in whatever grade.
        该生接受中等或高等职业教育,不限年级。
        """
        level = self.facts.level
        return (level == EducationLevel.SECONDARY_VOCATIONAL) | (level == EducationLevel.HIGHER_VOCATIONAL)

    @step(cites="yulu-later#二")
    def is_for_both_terms(self) -> bool:
        """The student has been re-checked in spring, so that both terms count.
        已经春季学期复核,两学期均计。
        """
        return self.facts.term == SchoolTerm.SPRING

    @amount(cites="yulu-later#二", rounds=Rounding.HALF_UP)
    def award(self) -> int:
        """The aid of the student for the school year up to this term.
        该生本学年至本学期的补助金额。
        """
        p = self.p
        return choose(self.is_for_both_terms, p.amount_autumn + p.amount_spring, p.amount_autumn)
