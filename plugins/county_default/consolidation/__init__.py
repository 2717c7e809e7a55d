"""已脱贫户巩固增收计划: the award for households that have left poverty, by a share of what they earned."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from bangfu.calendar import PlanYear
from bangfu.policy import MonthDay, Policy
from bangfu.process import Accept, Duty, Notice, Plan, Process, Sample, Verify
from bangfu.programme import DatedBook, Exclusion, Programme, Stacks, released
from bangfu.text import Text
from county_default.consolidation.rules import Consolidation, Facts, Parameters
from county_default.vocabulary import PUBLICITY, RESPONSIBILITIES, SHOWN, payment

HERE = Path(__file__).parent
PROCEDURE = "fenjin-2021#二(二)4"

PROCESS = Process(
    (
        Plan(
            code="plan",
            title=Text("制定计划", "planning"),
            cites=(PROCEDURE,),
            deadline="plan_deadline",
            by=Duty.LINKED_CADRE,
        ),
        Verify(
            code="in_place",
            title=Text("落实到位", "putting in place"),
            cites=(PROCEDURE,),
            deadline="in_place_deadline",
            signers=frozenset({Duty.LINKED_CADRE}),
            reports=True,
        ),
        Verify(
            code="accounting",
            title=Text("收入核算", "income accounting"),
            cites=(PROCEDURE, RESPONSIBILITIES),
            deadline="accounting_deadline",
            grace="accounting_grace_days",
            signers="accounting_signers",
            substitute="nonpoor_village_substitute",
            accounts=True,
            run_by=frozenset({Duty.TOWNSHIP_CLERK, Duty.COUNTY_OFFICE}),
        ),
        Notice(
            code="notice",
            title=Text("村级公示", "public notice"),
            cites=(PROCEDURE, PUBLICITY),
            by=Duty.VILLAGE_COMMITTEE,
            days="notice_days",
            unit="notice_unit",
            columns=SHOWN,
            project="projects",
            standard=Text(
                "养殖业总收入的{rate_breeding}、种植业总收入的{rate_planting}、务工及自主经营总收入的{rate_labour_selfemp},"
                "每户不超过{household_cap}",
                "{rate_breeding} of gross breeding income, {rate_planting} of planting, {rate_labour_selfemp} of "
                "labour and self-employment, at most {household_cap} a household",
            ),
            settled_by=Duty.TOWNSHIP_ACCEPTOR,
            returns_to="accounting",
        ),
        Accept(
            code="acceptance",
            title=Text("乡镇验收", "township acceptance"),
            cites=(PROCEDURE, RESPONSIBILITIES),
            by=Duty.TOWNSHIP_ACCEPTOR,
            never=frozenset({Duty.VILLAGE_CADRE}),
            returns_to="accounting",
        ),
        Sample(
            code="sample",
            title=Text("县级抽查", "county sample"),
            cites=(PROCEDURE,),
            by=Duty.COUNTY_OFFICE,
            rate="county_sample",
            returns_to="accounting",
        ),
        payment("payment", Text("资金拨付", "payment"), PROCEDURE),
    )
)

PROGRAMME = Programme(
    code="consolidation",
    title=Text("已脱贫户巩固增收计划", "consolidation award for households that left poverty"),
    period=PlanYear(reference=MonthDay(9, 30)),
    policy=Policy.load(HERE / "policy.toml", Parameters),
    parameters=Parameters,
    facts=Facts,
    books=(DatedBook(date(2020, 10, 1), Consolidation),),
    released=released(HERE / "released.toml"),
    process=PROCESS,
    excludes=(
        Exclusion(
            programme="planned_exit",
            why=Text(
                "计划脱贫户与已脱贫户为两类对象,同一户同一年度只能享受其一",
                "The plan keeps who is to leave poverty apart from who has left it: one of the two awards a year",
            ),
            cites="fenjin-2021#二(二)1",
        ),
    ),
    stacks=(
        Stacks(
            programme="five_star",
            why=Text(
                "星级评选奖励的是人居环境和家风,与增收奖补可以同时享受",
                "The stars reward how a household lives, this award what it earned: both may be had",
            ),
            cites="fenjin-2021#二(二)3",
        ),
    ),
)
