"""What the awards of the plan share: how households and their projects are called, what is shown, and who pays."""

from __future__ import annotations

from enum import StrEnum

from bangfu.process import Duty, Pay
from bangfu.text import Text

PUBLICITY = "fenjin-2021#四(三)"
RESPONSIBILITIES = "fenjin-2021#四(二)"
SHOWN = ("beneficiary", "project", "standard", "amount")
"""What a notice of the plan shows (四(三))."""


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


class Project(StrEnum):
    """What a household undertakes 到户项目: one of the five small trades, or something else."""

    SMALL_PLANTING = "small_planting"
    SMALL_BREEDING = "small_breeding"
    SMALL_LABOUR = "small_labour"
    SMALL_TRADE = "small_trade"
    SMALL_EMBROIDERY = "small_embroidery"
    OTHER = "other"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return {
            Project.SMALL_PLANTING: Text("小种植", "small planting"),
            Project.SMALL_BREEDING: Text("小养殖", "small breeding"),
            Project.SMALL_LABOUR: Text("小务工", "small labour"),
            Project.SMALL_TRADE: Text("小买卖", "small trade"),
            Project.SMALL_EMBROIDERY: Text("小刺绣", "small embroidery"),
            Project.OTHER: Text("其他", "other"),
        }[self]


def payment(
    code: str, title: Text, *cites: str, returns_to: str | None = None, instalment: int = 1, shares: str | None = None
) -> Pay:
    """A stage in which an award, or an instalment of it, is paid to the household's card (四(二), 四(三))."""
    return Pay(
        code=code,
        title=title,
        cites=(*cites, PUBLICITY, RESPONSIBILITIES),
        maker=Duty.COUNTY_OFFICE,
        checker=Duty.FUND_MANAGER,
        releaser=Duty.FINANCE,
        channel="yikatong",
        returns_to=returns_to,
        instalment=instalment,
        shares=shares,
    )
