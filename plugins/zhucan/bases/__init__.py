"""残疾人扶贫(就业)基地: the support bases of the federation, what they are held against, and who does each act.

The county's own rule on how bases are assessed and subsidized is not in the source: what is looked at is read from what
the source says that bases are for, the score is that of the county's rule, and the sums are for the county to set.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from bangfu.calendar import PlanYear
from bangfu.policy import Fen, MonthDay, Policy
from bangfu.process import Duty
from bangfu.programme import BaseLevel, Charge, ChecklistItem, InspectionAct, InspectionProgramme
from bangfu.text import Text

BASES, FUNDS = "canlian-2020#一(二)", "canlian-2020#二(一)"


class Level(StrEnum):
    """The levels of bases 省州市三级."""

    PROVINCE = "province"
    PREFECTURE = "prefecture"
    CITY = "city"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return _LEVELS[self]


_LEVELS = {
    Level.PROVINCE: Text("省级", "of the province"),
    Level.PREFECTURE: Text("州级", "of the prefecture"),
    Level.CITY: Text("市级", "of the city or county"),
}


@dataclass(frozen=True)
class Parameters:
    """The numbers of the programme, by the names of ``policy.toml``."""

    levels: frozenset[Level]
    subsidy_province: Fen
    subsidy_prefecture: Fen
    subsidy_city: Fen
    rectify_days: int


ITEMS = (
    ChecklistItem("placing", Text("安置残疾人就业", "disabled persons are employed"), BASES),
    ChecklistItem("leading", Text("辐射带动残疾人", "disabled persons are led to an income"), BASES),
    ChecklistItem("rural_poor", Text("带动农村贫困残疾人", "poor disabled persons of villages are among them"), BASES),
    ChecklistItem("management", Text("基地管理", "the base is run in order"), FUNDS),
    ChecklistItem("funds", Text("扶持资金使用", "support funds are used for what they are for"), FUNDS),
)

_FEDERATION = frozenset({Duty.DISABLED_FEDERATION})
_CHARGED = Charge(_FEDERATION, (BASES,))

PROGRAMME = InspectionProgramme(
    code="disabled_bases",
    title=Text("残疾人扶贫(就业)基地", "support bases of the disabled persons' federation"),
    period=PlanYear(reference=MonthDay(1, 1)),
    policy=Policy.load(Path(__file__).parent / "policy.toml", Parameters),
    parameters=Parameters,
    organizations=frozenset({"enterprise", "cooperative", "institution", "training_base"}),
    levels=tuple(BaseLevel(level.value, level.title_text, f"subsidy_{level.value}", BASES) for level in Level),
    levels_in_use="levels",
    items=ITEMS,
    rectify_days="rectify_days",
    charges={
        **dict.fromkeys(InspectionAct, _CHARGED),
        InspectionAct.RECTIFY: Charge(_FEDERATION | {Duty.ENTERPRISE_AGENT, Duty.SCHOOL_AGENT}, (BASES,)),
        InspectionAct.ENTER_SUBSIDY: Charge(_FEDERATION, (FUNDS,)),
    },
)
