"""Two schools and the bureau that lists their students, in the county of ``tests.county``."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import date

from tests.county import BASE, T1, credit_code, identity

SCHOOL, COLLEGE, TRAINER, FIRM = (credit_code(number) for number in (11, 12, 13, 14))
ORGANIZATIONS = f"""统一社会信用代码,单位名称,单位类型,所在区划代码
{SCHOOL},测试职业中学,学校,{BASE}
{COLLEGE},测试职业学院,学校,{BASE}
{TRAINER},测试培训基地,培训基地,{T1}
{FIRM},测试企业,企业,{BASE}
"""
STAFF = f"""工号,姓名,职责,负责区划代码,起始日期,单位信用代码
ED,教育甲,县教育局,{BASE},2020-01-01,
S1,学校甲,学校经办,{BASE},2020-01-01,{SCHOOL}
S2,学校乙,学校经办,{BASE},2020-01-01,{COLLEGE}
AU,审计甲,审计监督,{BASE},2020-01-01,
FIRM,企业甲,企业经办,{BASE},2020-01-01,{FIRM}
"""
ONE, TWO, THREE, WEST = identity(1), identity(501), identity(8), identity(43)
"""The head of H1 and his wife, and the head of H2, in 甲村 of the east; the head of H7, in 丙村 of the west."""
NOBODY = identity(888)
SEPTEMBER, LATER, OCTOBER = date(2021, 9, 1), date(2021, 9, 20), date(2021, 10, 8)
ROW = {
    "证件号码": ONE, "姓名": "测1户主", "就读学校": "测试职业中学", "学校信用代码": SCHOOL, "学籍号": "Z001",
    "学段": "中职", "年级": "一年级", "学制(月)": "", "顶岗实习": "否", "学籍证明": "否", "县内外": "县内",
    "起始日期": "", "离校日期": "",
}  # fmt: skip


def _sheet(rows: Sequence[dict[str, str]]) -> str:
    output = io.StringIO()
    writer = csv.DictWriter(output, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return output.getvalue()


def listed(*rows: dict[str, str], **changed: str) -> str:
    """A list of students: ``ROW`` with changes, once for each of ``rows``, or once."""
    return _sheet([{**ROW, **row, **changed} for row in rows or ({},)])


def confirmed(*rows: tuple[str, ...]) -> str:
    """A school's confirmation."""
    columns = ("学籍号", "姓名", "年级", "顶岗实习", "在读/离校", "日期")
    return _sheet([dict(zip(columns, row, strict=True)) for row in rows])
