"""残疾人帮扶物资和服务: what the federation hands out by a list: production goods to households, assistive devices, the
conversion of homes and seats in trainings; and who does each act."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from bangfu.calendar import PlanYear
from bangfu.policy import Fen, MonthDay, Policy
from bangfu.process import Duty
from bangfu.programme import Beneficiary, Charge, HandoutAct, HandoutKind, HandoutProgramme
from bangfu.text import Text

GOODS, TRAINING, DEVICES = "canlian-2020#一(一)", "canlian-2020#一(五)", "canlian-2020#一(六)"


class Standing(StrEnum):
    """How a household stands in the register."""

    POOR = "poor"
    EXITED = "exited"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return Text("贫困户", "poor") if self is Standing.POOR else Text("已脱贫户", "left poverty")


@dataclass(frozen=True)
class Parameters:
    """The numbers of the programme, by the names of ``policy.toml``."""

    covered_standings: frozenset[Standing]
    household_goods_value: Fen
    device_limit_per_person: int
    conversion_cap: Fen
    training_seats: int


KINDS = (
    HandoutKind(
        code="goods",
        title=Text("种养殖生产资料", "production goods"),
        cites=GOODS,
        beneficiary=Beneficiary.HOUSEHOLD,
        money=True,
        stocked=True,
        most_each="household_goods_value",
        standings="covered_standings",
        disabled=True,
    ),
    HandoutKind(
        code="device",
        title=Text("辅助器具", "assistive devices"),
        cites=DEVICES,
        beneficiary=Beneficiary.PERSON,
        counted=Text("件", "pieces"),
        stocked=True,
        most_each="device_limit_per_person",
        standings="covered_standings",
        disabled=True,
    ),
    HandoutKind(
        code="conversion",
        title=Text("家庭无障碍改造", "barrier-free conversion of the home"),
        cites=DEVICES,
        beneficiary=Beneficiary.HOUSEHOLD,
        money=True,
        stocked=True,
        most_each="conversion_cap",
        standings="covered_standings",
        disabled=True,
    ),
    HandoutKind(
        code="training",
        title=Text("培训", "training"),
        cites=TRAINING,
        beneficiary=Beneficiary.PERSON,
        counted=Text("人", "seats"),
        most_a_year="training_seats",
        attendance=True,
    ),
)

_FEDERATION = frozenset({Duty.DISABLED_FEDERATION})
_LOCAL = _FEDERATION | {Duty.VILLAGE_COMMITTEE, Duty.TOWNSHIP_CLERK}
_ALL = (GOODS, TRAINING, DEVICES)

PROGRAMME = HandoutProgramme(
    code="disabled_services",
    title=Text("残疾人帮扶物资和服务", "goods and services for persons with disabilities"),
    period=PlanYear(reference=MonthDay(1, 1)),
    policy=Policy.load(Path(__file__).parent / "policy.toml", Parameters),
    parameters=Parameters,
    kinds=KINDS,
    charges={
        HandoutAct.ASK: Charge(_LOCAL, _ALL),
        HandoutAct.LIST: Charge(_FEDERATION, _ALL),
        HandoutAct.SUPPLY: Charge(_FEDERATION, (GOODS, DEVICES)),
        HandoutAct.HAND_OVER: Charge(_LOCAL, _ALL),
        HandoutAct.FOLLOW_UP: Charge(_LOCAL, _ALL),
        HandoutAct.TAKE_BACK: Charge(_LOCAL, _ALL),
    },
)
