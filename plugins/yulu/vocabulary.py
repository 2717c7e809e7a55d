"""What the two aids share: how households and levels of schooling are called, and who pays."""

from __future__ import annotations

from enum import StrEnum

from bangfu.process import Duty, Pay
from bangfu.text import Text

RESPONSIBILITIES = "yulu-2011#一(五)3"


class HouseholdStanding(StrEnum):
    """A household's standing in the register 户类型."""

    POOR = "poor"
    EXITED = "exited"
    GENERAL = "general"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return {
            HouseholdStanding.POOR: Text("贫困户", "poor"),
            HouseholdStanding.EXITED: Text("已脱贫户", "left poverty"),
            HouseholdStanding.GENERAL: Text("一般农户", "never registered poor"),
        }[self]


class EducationLevel(StrEnum):
    """A level of schooling 学段."""

    PRESCHOOL = "preschool"
    PRIMARY = "primary"
    JUNIOR_SECONDARY = "junior_secondary"
    SENIOR_SECONDARY = "senior_secondary"
    SECONDARY_VOCATIONAL = "secondary_vocational"
    HIGHER_VOCATIONAL = "higher_vocational"
    SKILLS_TRAINING = "skills_training"
    UNDERGRADUATE = "undergraduate"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return {
            EducationLevel.PRESCHOOL: Text("学前教育", "pre-school"),
            EducationLevel.PRIMARY: Text("小学", "primary school"),
            EducationLevel.JUNIOR_SECONDARY: Text("初中", "junior secondary"),
            EducationLevel.SENIOR_SECONDARY: Text("普通高中", "senior secondary"),
            EducationLevel.SECONDARY_VOCATIONAL: Text("中等职业教育", "secondary vocational"),
            EducationLevel.HIGHER_VOCATIONAL: Text("高等职业教育", "higher vocational"),
            EducationLevel.SKILLS_TRAINING: Text("技能培训", "skills training"),
            EducationLevel.UNDERGRADUATE: Text("本科及以上", "university"),
        }[self]


def payment(
    code: str,
    title: Text,
    *cites: str,
    returns_to: str,
    instalment: int = 1,
    opens: str | None = None,
    deadline: str | None = None,
) -> Pay:
    """A stage in which an aid, or a term's part of it, is paid to the household's card."""
    return Pay(
        code=code,
        title=title,
        cites=cites,
        opens=opens,
        deadline=deadline,
        maker=Duty.COUNTY_OFFICE,
        checker=Duty.FUND_MANAGER,
        releaser=Duty.FINANCE,
        channel="yikatong",
        returns_to=returns_to,
        instalment=instalment,
    )
