"""What a plugin declares of a programme in which somebody helps somebody for a time 结对帮扶: an enterprise a village.

Nothing is decided by a rule book and nothing is paid: one side delivers, the other confirms, and the county settles
what they do not agree on. The core conducts all of it; a programme says by which paths help is given, what can be
delivered and how it is measured, for how long two sides sign, and who does which act.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bangfu.programme.charges import ChargedProgramme
from bangfu.text import Text


class PairingAct(StrEnum):
    """What is done in a programme of pairings."""

    REGISTER = "register"
    VERIFY = "verify"
    STATE_NEED = "state_need"
    PROPOSE = "propose"
    SIGN_HELPER = "sign_helper"
    SIGN_HELPED = "sign_helped"
    PLAN = "plan"
    RAISE_OBSTACLE = "raise_obstacle"
    CLEAR_OBSTACLE = "clear_obstacle"
    END = "end"
    DELIVER = "deliver"
    CONFIRM = "confirm"
    ARBITRATE = "arbitrate"
    REVIEW = "review"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return _ACTS[self]


_ACTS = {
    PairingAct.REGISTER: Text("登记帮扶企业", "registering who helps"),
    PairingAct.VERIFY: Text("核验帮扶企业", "verifying who helps"),
    PairingAct.STATE_NEED: Text("提出帮扶需求", "stating needs"),
    PairingAct.PROPOSE: Text("拟定帮扶协议", "drawing up the agreement"),
    PairingAct.SIGN_HELPER: Text("帮扶方签约", "signing for the side that helps"),
    PairingAct.SIGN_HELPED: Text("受帮扶方签约", "signing for the side that is helped"),
    PairingAct.PLAN: Text("制定帮扶规划", "making the plan"),
    PairingAct.RAISE_OBSTACLE: Text("提出困难问题", "raising obstacles"),
    PairingAct.CLEAR_OBSTACLE: Text("协调解决困难问题", "resolving obstacles"),
    PairingAct.END: Text("解除或接力帮扶协议", "ending the agreement"),
    PairingAct.DELIVER: Text("登记帮扶投入", "logging what is delivered"),
    PairingAct.CONFIRM: Text("确认帮扶投入", "confirming what is delivered"),
    PairingAct.ARBITRATE: Text("裁定帮扶投入", "arbitrating what is disputed"),
    PairingAct.REVIEW: Text("年度检查", "the yearly review"),
}


@dataclass(frozen=True, slots=True)
class HelpPath:
    """A way in which help is given 帮扶途径, such as by trade or by jobs."""

    code: str
    title: Text
    cites: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryKind:
    """Something that can be promised and delivered: on which paths, and how it is measured.

    Of one in ``money`` an amount is stated (fen), of one that is ``counted`` a number in that unit; of some both. One
    that is ``valued`` says how its value was found; one that ``names_persons`` may be matched to persons of the
    register, on the side that is helped alone.
    """

    code: str
    title: Text
    cites: str
    paths: frozenset[str]
    money: bool = True
    counted: Text | None = None
    valued: bool = False
    names_persons: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairingProgramme(ChargedProgramme):
    """A programme of pairings: who helps, by which paths, with what, for how long, and who does each act.

    ``helpers`` are the kinds of organizations that may help. ``term_min`` and ``term_max`` name the parameters (years,
    whole numbers) that an agreement lasts at least and at most, ``typical_villages`` that of how many villages are
    nominated a year at most, ``poor_villages`` that which says whether only poor villages are helped. A signature is
    asked of both sides; who is not verified signs nothing.
    """

    helpers: frozenset[str]
    paths: tuple[HelpPath, ...]
    kinds: tuple[DeliveryKind, ...]
    term_min: str
    term_max: str
    typical_villages: str
    poor_villages: str

    def path(self, code: str) -> HelpPath | None:
        """A path by its code."""
        return next((path for path in self.paths if path.code == code), None)

    def kind(self, code: str) -> DeliveryKind | None:
        """A kind of delivery by its code."""
        return next((kind for kind in self.kinds if kind.code == code), None)
