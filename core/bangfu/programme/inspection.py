"""What a plugin declares of a programme in which something is held against a checklist 考核检查: the support bases of
the federation of disabled persons, year after year.

Nothing is decided by a rule book and nothing is paid: one person writes down what stands and what is missing, another
agrees, what is missing is put right, and what the result is worth is entered as due.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bangfu.programme.charges import ChargedProgramme
from bangfu.text import Text


class InspectionAct(StrEnum):
    """What is done in a programme of inspections."""

    REGISTER_BASE = "register_base"
    CONFIRM_BASE = "confirm_base"
    END_BASE = "end_base"
    ASSESS = "assess"
    AGREE = "agree"
    NOTIFY = "notify"
    RECTIFY = "rectify"
    RECHECK = "recheck"
    ENTER_SUBSIDY = "enter_subsidy"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return _ACTS[self]


_ACTS = {
    InspectionAct.REGISTER_BASE: Text("登记基地", "registering a base"),
    InspectionAct.CONFIRM_BASE: Text("确认基地", "confirming a base"),
    InspectionAct.END_BASE: Text("注销基地", "ending a base"),
    InspectionAct.ASSESS: Text("考核", "assessing"),
    InspectionAct.AGREE: Text("复核考核结果", "agreeing on an assessment"),
    InspectionAct.NOTIFY: Text("下发整改通知书", "issuing a rectification notice"),
    InspectionAct.RECTIFY: Text("整改", "putting right what was found"),
    InspectionAct.RECHECK: Text("整改复查", "re-checking what was put right"),
    InspectionAct.ENTER_SUBSIDY: Text("登记应补资金", "entering the subsidy that is due"),
}


@dataclass(frozen=True, slots=True)
class BaseLevel:
    """A level of bases 基地级别; ``subsidy`` names the parameter (yuan a year) of what one is due by its result."""

    code: str
    title: Text
    subsidy: str
    cites: str


@dataclass(frozen=True, slots=True)
class ChecklistItem:
    """Something that is looked at in every inspection 考核项目."""

    code: str
    title: Text
    cites: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InspectionProgramme(ChargedProgramme):
    """A programme of inspections: what may be a base, of which levels, what is looked at, and who does each act.

    ``organizations`` are the kinds that may be a base. ``levels_in_use`` names the list parameter of the levels that a
    county has, ``rectify_days`` that of the days within which a finding is to be put right.
    """

    organizations: frozenset[str]
    levels: tuple[BaseLevel, ...]
    levels_in_use: str
    items: tuple[ChecklistItem, ...]
    rectify_days: str

    def level(self, code: str) -> BaseLevel | None:
        """A level by its code."""
        return next((level for level in self.levels if level.code == code), None)

    def item(self, code: str) -> ChecklistItem | None:
        """An item of the checklist by its code."""
        return next((item for item in self.items if item.code == code), None)
