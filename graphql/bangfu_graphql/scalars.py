"""The scalars and enumerations of the API: exact, and refused where they cannot be read."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, NewType, TypeVar

import strawberry
from strawberry.types.scalar import ScalarDefinition

from bangfu.access import CHINA, Action
from bangfu.documents.cells import CellProblem
from bangfu.errors import Code
from bangfu.payments import Kind
from bangfu.policy import LARGEST_FEN, MonthDay, Rate, title_of
from bangfu.process import Duty, Tier
from bangfu.registry.divisions import read_code
from bangfu.rules.book import Outcome
from bangfu.text import parse_yuan, scaled, yuan_digits

Money = NewType("Money", int)
"""Integer fen."""
Percentage = NewType("Percentage", int)
"""Integer basis points."""
DivisionCode = NewType("DivisionCode", int)
"""A 12-digit code as a number."""

E = TypeVar("E", bound=enum.Enum)
_SPECIFICATIONS = "https://www.rfc-editor.org/rfc/rfc3339"
_OURS = "urn:bangfu:docs:api"
"""docs/api/README.md, which has a heading for each."""


def _scalar(
    name: str,
    description: str,
    write: Callable[[Any], str],
    read: Callable[[str], Any],
    specified_by: str,
) -> ScalarDefinition:
    """A scalar that is a string on the wire; what cannot be read is named in words of our own."""

    def parse(value: object) -> Any:
        if not isinstance(value, str):
            raise TypeError(f"{name} is a string")
        try:
            return read(value)
        except (ValueError, OverflowError, CellProblem):
            raise ValueError(f"{value[:40]!r} is no {name}") from None

    made: ScalarDefinition = strawberry.scalar(
        name=name, description=description, serialize=write, parse_value=parse, specified_by_url=specified_by
    )
    return made


def _read_money(text: str) -> int:
    fen = parse_yuan(text)
    if abs(fen) > LARGEST_FEN:
        raise ValueError(text)
    return fen


def _read_percentage(text: str) -> Rate:
    points = scaled(text, 2)
    if not 0 <= points <= 10_000:
        raise ValueError(text)
    return Rate(points)


def _read_day(text: str) -> date:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError(text)
    return date.fromisoformat(text)


def _read_instant(text: str) -> datetime:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9:]{8}(\.[0-9]{1,6})?([Zz]|[+-][0-9]{2}:[0-9]{2})", text):
        raise ValueError(text)
    instant = datetime.fromisoformat(text.upper())
    return instant.astimezone(UTC)  # an instant has a place in the time of the world, or overflows


SCALARS: dict[object, ScalarDefinition] = {
    Money: _scalar(
        "Money",
        "An amount in yuan as a decimal string with two places, such as `3000.00`; exact.",
        yuan_digits,
        _read_money,
        f"{_OURS}#money",
    ),
    Percentage: _scalar(
        "Percentage",
        "A share in per cent as a decimal string, such as `20.00`; exact.",
        yuan_digits,
        _read_percentage,
        f"{_OURS}#percentage",
    ),
    DivisionCode: _scalar(
        "DivisionCode",
        "A 12-digit code of an administrative division 行政区划代码; those of a county (6) and a township (9 digits) "
        "may be given without their zeros.",
        str,
        read_code,
        "https://openstd.samr.gov.cn/bzgk/gb/newGbInfo?hcno=C9C488FD717AFDCD52157F41C3302C6D",
    ),
    MonthDay: _scalar(
        "MonthDay",
        "A day of every year as `MM-DD`, or the end of a month as `MM-end`.",
        str,
        MonthDay.parse,
        f"{_OURS}#monthday",
    ),
    date: _scalar("Date", "A day of the county's calendar, `YYYY-MM-DD`.", date.isoformat, _read_day, _SPECIFICATIONS),
    datetime: _scalar(
        "DateTime",
        "An instant as RFC 3339 with its offset; answers are in China Standard Time, `+08:00`, and as exact as they "
        "are kept: what was known at an instant that is shown is known at it.",
        lambda value: value.astimezone(CHINA).isoformat(),
        _read_instant,
        _SPECIFICATIONS,
    ),
}
"""The definition of every scalar that is ours."""


def described(core: type[E], name: str, description: str) -> type[E]:
    """Let an enumeration of the core be one of the API, its values described by their two names."""
    made = strawberry.enum(core, name=name, description=description)
    for value in made.__strawberry_definition__.values:  # type: ignore[attr-defined]
        member: Any = core[value.name]
        title = member.value.message if isinstance(member, Code) else title_of(member)
        value.description = f"{title.en} {title.zh}" if title.en != title.zh else title.en
    return made


def value(code: str, description: str) -> Any:
    """A value of an enumeration of the API: what the database holds, and what it means."""
    return strawberry.enum_value(code, description=description)


described(Duty, "Duty", "What an officer is charged with 职责.")
described(Action, "Permission", "What duties allow beside the stages of a case.")
described(Tier, "Tier", "The level at which a duty is held 层级.")
described(Outcome, "Outcome", "What a determination came to 核算结论.")
described(Kind, "AwardKind", "What is due: an award, or an adjustment of one.")
described(
    Code, "ProblemCode", "Every way a request can be refused; each is explained with its remedy in docs/problems.md."
)


@strawberry.enum(description="The level of a division.")
class DivisionLevel(enum.Enum):
    """The level of a division."""

    COUNTY = value("county", "county 县")
    TOWNSHIP = value("township", "township 乡镇")
    VILLAGE = value("village", "village 村")


@strawberry.enum(description="A household's standing in the register 户类型.")
class RegisterStanding(enum.Enum):
    """A household's standing in the register 户类型."""

    POOR = value("poor", "registered as poor 贫困户")
    EXITED = value("exited", "has left poverty 已脱贫户")
    GENERAL = value("general", "never registered as poor 一般农户")


@strawberry.enum(description="A category of the income ledger 收入类别.")
class IncomeCategory(enum.Enum):
    """A category of the income ledger 收入类别."""

    BREEDING = value("breeding", "breeding 养殖业")
    PLANTING = value("planting", "planting 种植业")
    LABOUR = value("labour", "labour 务工")
    SELF_EMPLOYMENT = value("self_employment", "self-employment 自主经营")


@strawberry.enum(description="The relation to the head of a household 与户主关系.")
class Relation(enum.Enum):
    """The relation to the head of a household 与户主关系."""

    HEAD = value("head", "head 户主")
    SPOUSE = value("spouse", "spouse 配偶")
    CHILD = value("child", "child 子女")
    CHILD_IN_LAW = value("child_in_law", "child in law 儿媳或女婿")
    PARENT = value("parent", "parent 父母")
    GRANDPARENT = value("grandparent", "grandparent 祖父母")
    GRANDCHILD = value("grandchild", "grandchild 孙子女")
    SIBLING = value("sibling", "brother or sister 兄弟姐妹")
    OTHER = value("other", "other 其他")


@strawberry.enum(description="A level of schooling 学段.")
class EducationLevel(enum.Enum):
    """A level of schooling."""

    PRESCHOOL = value("preschool", "pre-school 学前教育")
    PRIMARY = value("primary", "primary school 小学")
    JUNIOR_SECONDARY = value("junior_secondary", "junior secondary 初中")
    SENIOR_SECONDARY = value("senior_secondary", "senior secondary 普通高中")
    SECONDARY_VOCATIONAL = value("secondary_vocational", "secondary vocational 中等职业教育")
    HIGHER_VOCATIONAL = value("higher_vocational", "higher vocational 高等职业教育")
    SKILLS_TRAINING = value("skills_training", "skills training 技能培训")
    UNDERGRADUATE = value("undergraduate", "university 本科及以上")


@strawberry.enum(description="Who says where somebody goes to school.")
class SchoolingSource(enum.Enum):
    """Who says where somebody goes to school."""

    BUREAU = value("bureau", "the education bureau's list 教育局学籍库")
    SCHOOL = value("school", "the school 学校")
    FAMILY = value("family", "the family, by a paper 家庭提供")


@strawberry.enum(description="The sex as the register has it 性别.")
class Sex(enum.Enum):
    """The sex as the register has it 性别."""

    FEMALE = value("f", "female 女")
    MALE = value("m", "male 男")


@strawberry.enum(description="What an organization is.")
class OrganizationKind(enum.Enum):
    """What an organization is."""

    BUREAU = value("bureau", "a bureau 机关")
    INSTITUTION = value("institution", "a public institution 事业单位")
    SCHOOL = value("school", "a school 学校")
    TRAINING_BASE = value("training_base", "a training base 培训基地")
    ENTERPRISE = value("enterprise", "an enterprise 企业")
    COOPERATIVE = value("cooperative", "a cooperative 合作社")
    BANK = value("bank", "a bank 银行")
    OTHER = value("other", "another 其他")


@strawberry.enum(description="Where a job stands.")
class JobState(enum.Enum):
    """Where a job stands."""

    QUEUED = value("queued", "waits for a worker 等待")
    RUNNING = value("running", "a worker is at it 进行中")
    DONE = value("done", "done 完成")
    REFUSED = value("refused", "refused; its problems say why 未通过")
    FAILED = value("failed", "failed by a fault of ours 失败")


@strawberry.enum(description="What a rule on who may do what comes to.")
class Effect(enum.Enum):
    """What a rule on who may do what comes to."""

    ALLOW = value("allow", "allowed 可以")
    DENY = value("deny", "denied, whatever else is allowed 不得")


@strawberry.enum(description="Where a batch of payments stands.")
class BatchState(enum.Enum):
    """Where a batch of payments stands."""

    DRAFT = value("draft", "to be checked 待复核")
    CHECKED = value("checked", "to be released 待放行")
    RELEASED = value("released", "released 已放行")
    CANCELLED = value("cancelled", "cancelled 已作废")


@strawberry.enum(description="The level of government that money comes from 资金级次.")
class BudgetLevel(enum.Enum):
    """The level of government that money comes from 资金级次."""

    CENTRAL = value("central", "the centre 中央")
    PROVINCE = value("province", "the province 省级")
    CITY = value("city", "the city 市级")
    COUNTY = value("county", "the county 县级")


@strawberry.enum(description="What stands between the columns of a bank's file.")
class Separator(enum.Enum):
    """What stands between the columns of a bank's file."""

    BAR = value("bar", "a bar, |")
    BAR_MARK = value("bar_mark", "a bar and an exclamation mark, |!")
    TAB = value("tab", "a tab")


@strawberry.enum(description="What ends a row of a bank's file.")
class LineEnd(enum.Enum):
    """What ends a row of a bank's file."""

    CRLF = value("crlf", "carriage return and line feed")
    LF = value("lf", "line feed")


@strawberry.enum(description="What a bank's answer to a payment means.")
class BankAnswer(enum.Enum):
    """What a bank's answer to a payment means."""

    PAID = value("paid", "it arrived 已到账")
    RETURNED = value("returned", "it came back 退票")


@strawberry.enum(description="As what a payment list leaves the house.")
class ListFormat(enum.Enum):
    """As what a payment list leaves the house."""

    WORKBOOK = value("payments", "a workbook to print and sign 发放名册")
    BANK_TEXT = value("bank_text", "the text that the bank takes, by the template of its channel 代发文件")


@strawberry.enum(description="Where a county's own document stands.")
class ProvisionState(enum.Enum):
    """Where a county's own document stands."""

    DRAFT = value("draft", "a draft 草稿")
    PREVIEWED = value("previewed", "previewed, and not released yet 已试算")
    RELEASED = value("released", "released 已发布")
