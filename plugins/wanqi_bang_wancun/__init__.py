"""万企帮万村: private enterprises help poor villages, by six paths, under agreements that both sides sign.

``policy.toml`` holds the numbers and the clauses; this page who does what, and what can be delivered.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bangfu.calendar import PlanYear
from bangfu.policy import MonthDay, Policy
from bangfu.process import Duty
from bangfu.programme import (
    AnyProgramme,
    Charge,
    DeliveryKind,
    HelpPath,
    PairingAct,
    PairingProgramme,
    hookimpl,
)
from bangfu.text import Text

SIGNING, PLANNING, MODELS = "wanqi-2015#五1", "wanqi-2015#五2", "wanqi-2015#五3"
OBSTACLES, REVIEWING = "wanqi-2015#五4", "wanqi-2015#五5"
FEDERATION, OFFICE = "wanqi-2015#四1", "wanqi-2015#四2"
WILLING = "wanqi-2015#二3"
INDUSTRY, TRADE, JOBS = "wanqi-2015#三1", "wanqi-2015#三2", "wanqi-2015#三3"
DONATION, KNOWLEDGE, OTHER = "wanqi-2015#三4", "wanqi-2015#三5", "wanqi-2015#三6"


@dataclass(frozen=True)
class Parameters:
    """The numbers of the plan, by the names of ``policy.toml``."""

    term_min_years: int
    term_max_years: int
    typical_villages: int
    poor_villages_only: bool


PATHS = (
    HelpPath("industry", Text("产业扶贫", "industry"), INDUSTRY),
    HelpPath("trade", Text("商贸扶贫", "trade"), TRADE),
    HelpPath("jobs", Text("就业扶贫", "jobs"), JOBS),
    HelpPath("donation", Text("捐赠扶贫", "donation"), DONATION),
    HelpPath("knowledge", Text("智力扶贫", "knowledge"), KNOWLEDGE),
    HelpPath("other", Text("其它扶贫", "other ways"), OTHER),
)

KINDS = (
    DeliveryKind(
        code="investment", title=Text("投资", "investment"), cites=INDUSTRY, paths=frozenset({"industry", "other"})
    ),
    DeliveryKind(code="purchase", title=Text("采购", "purchases"), cites=TRADE, paths=frozenset({"trade"})),
    DeliveryKind(
        code="posts",
        title=Text("提供岗位及工资", "posts and their wages"),
        cites=JOBS,
        paths=frozenset({"jobs"}),
        counted=Text("个岗位", "posts"),
        names_persons=True,
    ),
    DeliveryKind(
        code="training",
        title=Text("培训", "training"),
        cites=KNOWLEDGE,
        paths=frozenset({"jobs", "knowledge"}),
        money=False,
        counted=Text("人次", "trainees"),
        names_persons=True,
    ),
    DeliveryKind(code="cash", title=Text("捐款", "cash"), cites=DONATION, paths=frozenset({"donation"})),
    DeliveryKind(code="goods", title=Text("捐物", "goods"), cites=DONATION, paths=frozenset({"donation"}), valued=True),
    DeliveryKind(
        code="fund", title=Text("产业帮扶基金出资", "contributions to a fund"), cites=OTHER, paths=frozenset({"other"})
    ),
    DeliveryKind(
        code="service",
        title=Text("驻村帮扶和志愿服务", "staff in the village and volunteers"),
        cites=OTHER,
        paths=frozenset({"knowledge", "other"}),
        money=False,
        counted=Text("人次", "times somebody served"),
    ),
)

_AGENT = frozenset({Duty.ENTERPRISE_AGENT})
_VILLAGE = frozenset({Duty.VILLAGE_COMMITTEE})
_FEDERATION = frozenset({Duty.INDUSTRY_FEDERATION})
_COUNTY = frozenset({Duty.INDUSTRY_FEDERATION, Duty.COUNTY_OFFICE})

CHARGES = {
    PairingAct.REGISTER: Charge(_AGENT | _FEDERATION, (WILLING, SIGNING)),
    PairingAct.VERIFY: Charge(_FEDERATION, (FEDERATION,)),
    PairingAct.STATE_NEED: Charge(_VILLAGE, ("wanqi-2015#三",)),
    PairingAct.PROPOSE: Charge(_AGENT | _VILLAGE | _FEDERATION, (SIGNING,)),
    PairingAct.SIGN_HELPER: Charge(_AGENT, (SIGNING,)),
    PairingAct.SIGN_HELPED: Charge(_VILLAGE, (SIGNING,)),
    PairingAct.PLAN: Charge(_AGENT | _VILLAGE | _COUNTY, (PLANNING,)),
    PairingAct.RAISE_OBSTACLE: Charge(_AGENT | _VILLAGE | _COUNTY, (OBSTACLES,)),
    PairingAct.CLEAR_OBSTACLE: Charge(_COUNTY | {Duty.TOWNSHIP_CLERK}, (OFFICE, OBSTACLES)),
    PairingAct.END: Charge(_FEDERATION, (FEDERATION,)),
    PairingAct.DELIVER: Charge(_AGENT, (OFFICE,)),
    PairingAct.CONFIRM: Charge(_VILLAGE, (REVIEWING,)),
    PairingAct.ARBITRATE: Charge(_COUNTY, (OFFICE,)),
    PairingAct.REVIEW: Charge(_COUNTY, (MODELS, REVIEWING)),
}

PROGRAMME = PairingProgramme(
    code="wanqi_bang_wancun",
    title=Text("万企帮万村", "enterprises help villages"),
    period=PlanYear(reference=MonthDay(1, 1)),
    policy=Policy.load(Path(__file__).parent / "policy.toml", Parameters),
    parameters=Parameters,
    helpers=frozenset({"enterprise", "cooperative"}),
    paths=PATHS,
    kinds=KINDS,
    term_min="term_min_years",
    term_max="term_max_years",
    typical_villages="typical_villages",
    poor_villages="poor_villages_only",
    charges=CHARGES,
)


@hookimpl
def programmes() -> list[AnyProgramme]:
    """The one programme of the plan."""
    return [PROGRAMME]
