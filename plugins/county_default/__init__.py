"""The county's 奋进计划 (Striving Plan): four awards, each in a folder of its own, and the card on which they are paid.

In each folder ``policy.toml`` holds the numbers, ``rules.py`` the clauses, ``cases.toml`` worked examples, and its
page the stages.
"""

from __future__ import annotations

from bangfu.programme import PaymentChannel, Programme, hookimpl
from bangfu.text import Text
from county_default import consolidation, five_star, leading, planned_exit


@hookimpl
def programmes() -> list[Programme]:
    """The four awards of the plan."""
    return [consolidation.PROGRAMME, planned_exit.PROGRAMME, five_star.PROGRAMME, leading.PROGRAMME]


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
