"""重度残疾人护理补贴: a monthly subsidy for the care of those with a severe disability."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from bangfu.calendar import PlanYear
from bangfu.policy import MonthDay, Policy
from bangfu.programme import Beneficiary, DatedBook, Programme, released
from bangfu.text import Text
from zhucan.care.rules import CareSubsidy, Facts, Parameters
from zhucan.vocabulary import process, stacks_with

HERE = Path(__file__).parent

PROGRAMME = Programme(
    code="disability_care",
    title=Text("重度残疾人护理补贴", "care subsidy for the severely disabled"),
    beneficiary=Beneficiary.PERSON,
    period=PlanYear(reference=MonthDay(1, 1)),
    policy=Policy.load(HERE / "policy.toml", Parameters),
    parameters=Parameters,
    facts=Facts,
    books=(DatedBook(date(2018, 1, 1), CareSubsidy),),
    released=released(HERE / "released.toml"),
    process=process(
        Text(
            "一级每人每月{rate_level1},二级每人每月{rate_level2}",
            "{rate_level1} a month for the first level, {rate_level2} for the second",
        )
    ),
    stacks=stacks_with("disability_living"),
)
