"""非贫困户带动贫困户脱贫奖补: the award for households that lead poor ones of their village out of poverty."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from bangfu.calendar import PlanYear
from bangfu.policy import MonthDay, Policy
from bangfu.process import Accept, Duty, Notice, Plan, Process, Sample, Verify
from bangfu.programme import ClaimOf, ClaimSpec, DatedBook, Programme, Role, Span, released
from bangfu.rules import When
from bangfu.text import Text
from county_default.leading.rules import Facts, Leading, Parameters
from county_default.vocabulary import PUBLICITY, RESPONSIBILITIES, SHOWN, payment

HERE = Path(__file__).parent
PROCEDURE = "fenjin-2021#二(四)4"

PROCESS = Process(
    (
        Plan(
            code="application",
            title=Text("申请", "application"),
            cites=(PROCEDURE,),
            deadline="apply_deadline",
            by=Duty.VILLAGE_COMMITTEE,
        ),
        Verify(
            code="verification",
            title=Text("带动核实", "verification of the leading"),
            cites=(PROCEDURE, RESPONSIBILITIES),
            signers="verifiers",
            substitute="nonpoor_village_substitute",
            accounts=True,
            answers="led",
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
            project="modes",
            standard=Text(
                "一次性奖补,按带动达标贫困户数分档:{tiers}", "once, by how many poor households were led: {tiers}"
            ),
            settled_by=Duty.TOWNSHIP_ACCEPTOR,
            returns_to="verification",
        ),
        Accept(
            code="township_summary",
            title=Text("乡镇汇总", "summary by the township"),
            cites=(PROCEDURE, RESPONSIBILITIES),
            by=Duty.TOWNSHIP_ACCEPTOR,
            never=frozenset({Duty.VILLAGE_CADRE}),
            returns_to="verification",
        ),
        Sample(
            code="sample",
            title=Text("县级抽查", "county sample"),
            cites=(PROCEDURE,),
            by=Duty.COUNTY_OFFICE,
            rate="county_sample",
            returns_to="verification",
        ),
        payment("payment", Text("资金拨付", "payment"), PROCEDURE, returns_to="verification"),
    )
)

PROGRAMME = Programme(
    code="leading",
    title=Text("非贫困户带动贫困户脱贫奖补", "award for households that lead others out of poverty"),
    period=PlanYear(reference=MonthDay(9, 30)),
    policy=Policy.load(HERE / "policy.toml", Parameters),
    parameters=Parameters,
    facts=Facts,
    books=(DatedBook(date(2021, 1, 1), Leading),),
    released=released(HERE / "released.toml"),
    process=PROCESS,
    participants=(
        Role(
            code="led",
            title=Text("被带动贫困户", "led household"),
            cites=PROCEDURE,
            signs=True,
            vouched_by=Duty.LINKED_CADRE,
        ),
    ),
    claims=(
        ClaimSpec(
            kind="leader",
            title=Text("被带动(每户每年一次)", "being led, once a household and plan year"),
            cites="fenjin-2021#二(四)2",
            per=ClaimOf.PARTICIPANT,
            role="led",
            period=Span.YEAR,
            unless=When("one_leader_per_led", False),
        ),
    ),
)
