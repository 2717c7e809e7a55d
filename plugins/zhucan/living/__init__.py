"""困难残疾人生活补贴: a monthly subsidy for those with a disability who are in the minimum living guarantee."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from bangfu.calendar import PlanYear
from bangfu.policy import MonthDay, Policy
from bangfu.programme import Beneficiary, DatedBook, Programme, released
from bangfu.text import Text
from zhucan.living.rules import Facts, LivingSubsidy, Parameters
from zhucan.vocabulary import process, stacks_with

HERE = Path(__file__).parent

PROGRAMME = Programme(
    code="disability_living",
    title=Text("困难残疾人生活补贴", "living subsidy for the disabled poor"),
    beneficiary=Beneficiary.PERSON,
    period=PlanYear(reference=MonthDay(1, 1)),
    policy=Policy.load(HERE / "policy.toml", Parameters),
    parameters=Parameters,
    facts=Facts,
    books=(DatedBook(date(2018, 1, 1), LivingSubsidy),),
    released=released(HERE / "released.toml"),
    process=process(Text("每人每月{living_rate}", "{living_rate} a person and month")),
    stacks=stacks_with("disability_care"),
)
