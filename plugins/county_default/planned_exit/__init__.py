"""计划脱贫户奋进计划: the award for households that are to leave poverty this year, by head, in three instalments."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from bangfu.calendar import PlanYear
from bangfu.policy import MonthDay, Policy
from bangfu.process import Duty, Notice, Plan, Process, Verify
from bangfu.programme import DatedBook, Exclusion, Programme, Stacks, released
from bangfu.text import Text
from county_default.planned_exit.rules import Facts, Parameters, PlannedExit
from county_default.vocabulary import PUBLICITY, RESPONSIBILITIES, SHOWN, payment

HERE = Path(__file__).parent
STANDARD = "fenjin-2021#二(一)3"
PROCEDURE = "fenjin-2021#二(一)4"
RUN_BY = frozenset({Duty.TOWNSHIP_CLERK, Duty.COUNTY_OFFICE})

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
            code="verification",
            title=Text("项目核实", "verification of the project"),
            cites=(PROCEDURE, RESPONSIBILITIES),
            deadline="verification_deadline",
            signers="verifiers_stage1",
            substitute="nonpoor_village_substitute",
            accounts=True,
            run_by=RUN_BY,
        ),
        Notice(
            code="notice",
            title=Text("村级公示", "public notice"),
            cites=(STANDARD, PROCEDURE, PUBLICITY),
            by=Duty.VILLAGE_COMMITTEE,
            days="notice_days",
            unit="notice_unit",
            columns=SHOWN,
            project="projects",
            standard=Text(
                "人均{per_capita_award},按{instalments}分期拨付",
                "{per_capita_award} a member, paid in parts of {instalments}",
            ),
            settled_by=Duty.TOWNSHIP_ACCEPTOR,
            returns_to="verification",
        ),
        payment(
            "payment_1",
            Text("第一次拨付", "first instalment"),
            PROCEDURE,
            returns_to="verification",
            instalment=1,
            shares="instalments",
        ),
        Verify(
            code="continuing",
            title=Text("持续发展核实", "verification that the project continues"),
            cites=(PROCEDURE, RESPONSIBILITIES),
            deadline="continuing_deadline",
            signers="verifiers_stage2_3",
            substitute="nonpoor_village_substitute",
        ),
        payment(
            "payment_2",
            Text("第二次拨付", "second instalment"),
            PROCEDURE,
            returns_to="continuing",
            instalment=2,
            shares="instalments",
        ),
        Verify(
            code="final",
            title=Text("最终验收", "final acceptance"),
            cites=(STANDARD, PROCEDURE, RESPONSIBILITIES),
            deadline="final_deadline",
            signers="verifiers_stage2_3",
            substitute="nonpoor_village_substitute",
            accounts=True,
            run_by=RUN_BY,
        ),
        payment(
            "payment_3",
            Text("第三次拨付", "third instalment"),
            PROCEDURE,
            returns_to="final",
            instalment=3,
            shares="instalments",
        ),
    )
)

PROGRAMME = Programme(
    code="planned_exit",
    title=Text("计划脱贫户奋进计划", "award for households that are to leave poverty"),
    period=PlanYear(reference=MonthDay(9, 30)),
    policy=Policy.load(HERE / "policy.toml", Parameters),
    parameters=Parameters,
    facts=Facts,
    books=(DatedBook(date(2021, 1, 1), PlannedExit),),
    released=released(HERE / "released.toml"),
    process=PROCESS,
    excludes=(
        Exclusion(
            programme="consolidation",
            why=Text(
                "计划脱贫户与已脱贫户为两类对象,同一户同一年度只能享受其一",
                "The plan keeps who is to leave poverty apart from who has left it: one of the two awards a year",
            ),
            cites="fenjin-2021#二(一)1",
        ),
    ),
    stacks=(
        Stacks(
            programme="five_star",
            why=Text(
                "星级评选奖励的是人居环境和家风,与增收奖补可以同时享受",
                "The stars reward how a household lives, this award what it earned: both may be had",
            ),
            cites=STANDARD,
        ),
    ),
)
