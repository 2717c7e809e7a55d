"""The county's 奋进计划 (Striving Plan): today 已脱贫户巩固增收, the award for households that have left poverty.

``policy.toml`` holds the numbers, ``rules.py`` the clauses, ``cases.toml`` worked examples; this page holds the
stages and puts them together.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from bangfu.calendar import PlanYear
from bangfu.policy import MonthDay, Policy
from bangfu.process import Accept, Duty, Notice, Pay, Plan, Process, Sample, Verify
from bangfu.programme import DatedBook, PaymentChannel, Programme, hookimpl, released
from bangfu.text import Text
from county_default.rules import Consolidation, Facts, Parameters

HERE = Path(__file__).parent
PROCEDURE = "fenjin-2021#二(二)4"
PUBLICITY = "fenjin-2021#四(三)"
RESPONSIBILITIES = "fenjin-2021#四(二)"

CONSOLIDATION = Process(
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
            columns=("beneficiary", "project", "standard", "amount"),
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
        Pay(
            code="payment",
            title=Text("资金拨付", "payment"),
            cites=(PROCEDURE, PUBLICITY, RESPONSIBILITIES),
            maker=Duty.COUNTY_OFFICE,
            checker=Duty.FUND_MANAGER,
            releaser=Duty.FINANCE,
            channel="yikatong",
        ),
    )
)


@hookimpl
def programmes() -> list[Programme]:
    """The programmes of the plan."""
    return [
        Programme(
            code="consolidation",
            title=Text("已脱贫户巩固增收计划", "consolidation award for households that left poverty"),
            period=PlanYear(reference=MonthDay(9, 30)),
            policy=Policy.load(HERE / "policy.toml", Parameters),
            parameters=Parameters,
            facts=Facts,
            books=(DatedBook(date(2020, 10, 1), Consolidation),),
            released=released(HERE / "released.toml"),
            process=CONSOLIDATION,
        )
    ]


@hookimpl
def payment_channels() -> list[PaymentChannel]:
    """The all-in-one card through which aid is paid to the household 一卡通."""
    return [
        PaymentChannel(
            code="yikatong",
            title=Text("惠民惠农一卡通", "all-in-one benefit card"),
            columns=(
                ("position", "序号"),
                ("township", "乡镇"),
                ("village", "村"),
                ("group", "组"),
                ("household_number", "户编号"),
                ("head", "户主姓名"),
                ("identity", "户主身份证号"),
                ("holder", "开户名"),
                ("bank", "开户行"),
                ("account", "一卡通账号"),
                ("programme", "补贴项目"),
                ("amount", "金额(元)"),
                ("period", "年度"),
                ("note", "备注"),
            ),
        )
    ]
