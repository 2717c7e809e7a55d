"""What a plugin declares of a programme in which things are handed out by a list 发放台账: production goods, assistive
devices, the conversion of homes, seats in trainings.

Nothing is decided by a rule book and nothing is paid to anybody: what is needed is stated, listed, bought, handed over
against a signature, and looked at afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bangfu.programme.charges import ChargedProgramme
from bangfu.programme.declarations import Beneficiary
from bangfu.text import Text


class HandoutAct(StrEnum):
    """What is done in a programme of handing out."""

    ASK = "ask"
    LIST = "list"
    SUPPLY = "supply"
    HAND_OVER = "hand_over"
    FOLLOW_UP = "follow_up"
    TAKE_BACK = "take_back"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return _ACTS[self]


_ACTS = {
    HandoutAct.ASK: Text("登记需求", "stating what is needed"),
    HandoutAct.LIST: Text("列入发放名单", "listing"),
    HandoutAct.SUPPLY: Text("登记采购入库", "entering what was bought"),
    HandoutAct.HAND_OVER: Text("发放签收", "handing over against a signature"),
    HandoutAct.FOLLOW_UP: Text("回访", "following up"),
    HandoutAct.TAKE_BACK: Text("更正或撤销发放", "correcting or taking back a line"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoutKind:
    """Something that is handed out: to whom, how it is measured, and within which limits.

    Of one in ``money`` a value is stated (fen), of one that is ``counted`` a number in that unit. What is ``stocked``
    comes out of a batch that was bought. ``most_each`` names the parameter of how much one beneficiary has of it in a
    year at most: an amount, or a whole number of what is counted; ``most_a_year`` the whole number of all of it that
    are listed in a year. ``standings`` names the list parameter of how a household has to stand in the register, and
    ``disabled`` asks for a certificate of disability 残疾人证, of the person or of a member of the household. Of one
    with ``attendance`` each line is one seat, and it is said whether somebody came.
    """

    code: str
    title: Text
    cites: str
    beneficiary: Beneficiary
    money: bool = False
    counted: Text | None = None
    stocked: bool = False
    most_each: str | None = None
    most_a_year: str | None = None
    standings: str | None = None
    disabled: bool = False
    attendance: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HandoutProgramme(ChargedProgramme):
    """A programme of handing out: what is handed out, and who does each act."""

    kinds: tuple[HandoutKind, ...]

    def kind(self, code: str) -> HandoutKind | None:
        """A kind by its code."""
        return next((kind for kind in self.kinds if kind.code == code), None)
