"""A made-up county of the size the plan names, delivered as the kind of workbooks an office has.

911 households of 3,005 persons that plan to leave poverty, and 6,806 that have left it. Nobody in it exists: the
codes belong to no province, the names are stems and branches, the identity numbers are valid in form only. The same
seed gives the same county.
"""

from __future__ import annotations

import io
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import xlsxwriter

from bangfu.process import Duty
from bangfu.registry.identity import check_character, credit_check_character

STEMS = "甲乙丙丁戊己庚辛壬癸"
BRANCHES = "子丑寅卯辰巳午未申酉戌亥"
SURNAMES = "演示例样"
RELATIONS = ("配偶", "之子", "之女", "之父", "之母", "之孙子", "之孙女")
PROJECTS = ("小种植", "小养殖", "小务工", "小买卖", "小刺绣")
ITEMS = {
    "养殖业": ("牛", "羊", "蜂蜜", "土鸡", "生猪"),
    "种植业": ("药材", "竹笋", "玉米", "菌菇"),
    "务工": ("县外务工", "县内务工", "零工"),
    "自主经营": ("小买卖", "小刺绣", "农家乐"),
}
PLANNED_EXIT = (911, 3005)
EXITED = 6806


@dataclass(frozen=True, slots=True)
class Size:
    """How large the county is: townships, villages in each, households that plan to exit (and their persons),
    households exited."""

    townships: int = 20
    villages: int = 10
    planned: int = PLANNED_EXIT[0]
    planned_persons: int = PLANNED_EXIT[1]
    exited: int = EXITED


@dataclass(frozen=True, slots=True)
class Township:
    """A township with the staff numbers of its clerk and acceptors."""

    code: int
    name: str
    clerk: str
    acceptors: tuple[str, str]


@dataclass(slots=True)
class Village:
    """A village with the staff numbers of those who work for it."""

    code: int
    name: str
    township: str
    poor: bool
    committee: str
    team: str | None
    cadre: str
    linked: list[str]


@dataclass(slots=True)
class Member:
    """A person of a household."""

    name: str
    identity: str | None
    relation: str
    phone: str | None


@dataclass(slots=True)
class Household:
    """A household with what the roster, the plan and the ledger say of it."""

    number: str
    village: Village
    group: str
    standing: str
    exit_year: int | None
    cadre: str
    account: str | None
    members: list[Member]
    plan_day: date | None = None
    projects: tuple[str, ...] = ()
    income: list[tuple[date, str, str, int, bool, str]] = field(default_factory=list)


@dataclass(slots=True)
class Staff:
    """One duty of one officer, or of an account: for which enterprise or household, in whose stead, until when."""

    number: str
    name: str
    duty: Duty
    area: int
    since: date = date(2020, 1, 1)
    until: date | None = None
    unit: str = ""
    household: str = ""
    stands_in_for: str = ""


@dataclass(slots=True)
class Enterprise:
    """An enterprise with its credit code, its agent's staff number, and the villages that it helps."""

    code: str
    name: str
    kind: str
    agent: str
    villages: list[int]


@dataclass(slots=True)
class County:
    """The whole county."""

    code: str
    villages: list[Village]
    townships: list[Township]
    staff: list[Staff]
    households: list[Household]
    enterprises: list[Enterprise]
    accounts: list[Staff]
    """Who comes after the households: agents, the account of a household, who reads and audits, and a stand-in."""


class Maker:
    """Makes a county from a seed."""

    def __init__(self, code: str, size: Size | None = None, seed: int = 20210101) -> None:
        self.code, self.size = code, size or Size()
        self.random = random.Random(f"{code}/{seed}")  # noqa: S311 - a demo needs repetition, not secrecy
        self.names = self.phones = self.accounts = 0
        self.sequence: dict[date, int] = {}
        self.staff: list[Staff] = []
        self.officers: dict[str, str] = {}

    def make(self) -> County:
        """The county."""
        townships, villages = self._places()
        households = self._households(villages)
        enterprises = self._enterprises(villages)
        accounts = self._accounts(townships, enterprises, households)
        return County(self.code, villages, townships, self.staff, households, enterprises, accounts)

    # --- places and people in office ---

    def _places(self) -> tuple[list[Township], list[Village]]:
        base = int(self.code) * 1_000_000
        self._officer("X002", Duty.COUNTY_OFFICE, base)
        self._officer("X003", Duty.COUNTY_OFFICE, base)
        self._officer("X004", Duty.FUND_MANAGER, base)
        self._officer("X005", Duty.FINANCE, base)
        self.officers["X006"] = self._name()
        townships, villages = [], []
        for t in range(self.size.townships):
            township, name = base + (101 + t) * 1_000, f"{STEMS[t % 10]}{BRANCHES[t % 12]}镇"
            clerk, acceptor, second = (f"T{101 + t}0{n}" for n in (1, 2, 3))
            self._officer(clerk, Duty.TOWNSHIP_CLERK, township)
            self._officer(acceptor, Duty.TOWNSHIP_ACCEPTOR, township)
            self._officer(second, Duty.TOWNSHIP_ACCEPTOR, township)
            townships.append(Township(township, name, clerk, (acceptor, second)))
            for v in range(self.size.villages):
                code = township + 201 + v
                # Townships are short of people: the first acceptor is in charge of a village, and cannot accept there.
                cadre = acceptor if v == self.size.villages - 1 else f"T{101 + t}1{v // 4}"
                self._officer(cadre, Duty.VILLAGE_CADRE, code)
                poor = v % 5 < 2
                village = Village(
                    code,
                    f"{BRANCHES[v % 12]}{STEMS[v % 10]}村",
                    name,
                    poor,
                    f"V{101 + t}{201 + v}1",
                    f"V{101 + t}{201 + v}2" if poor else None,
                    cadre,
                    [f"V{101 + t}{201 + v}{n}" for n in (5, 6)],
                )
                self._officer(village.committee, Duty.VILLAGE_COMMITTEE, code)
                if village.team:
                    self._officer(village.team, Duty.WORK_TEAM, code)
                for linked in village.linked:
                    self._officer(linked, Duty.LINKED_CADRE, code)
                villages.append(village)
        return townships, villages

    def _officer(self, number: str, duty: Duty, area: int) -> None:
        self.staff.append(Staff(number, self._named(number), duty, area))

    def _named(self, number: str) -> str:
        self.officers[number] = self.officers.get(number) or self._name()
        return self.officers[number]

    def _enterprises(self, villages: Sequence[Village]) -> list[Enterprise]:
        """Two enterprises and a cooperative, which share the poor villages."""
        poor = [village.code for village in villages if village.poor]
        made = []
        for index, (kind, agent) in enumerate((("企业", "X006"), ("企业", "X016"), ("合作社", "X026"))):
            first17 = f"91{self.code}{index + 1:09d}"
            code = first17 + credit_check_character(first17)
            made.append(Enterprise(code, f"演示{kind}{index + 1}", kind, agent, poor[index::3]))
        return made

    def _accounts(
        self, townships: Sequence[Township], enterprises: Sequence[Enterprise], households: Sequence[Household]
    ) -> list[Staff]:
        base = int(self.code) * 1_000_000
        bureaux = (
            ("X007", Duty.CIVIL_AFFAIRS), ("X008", Duty.DISABLED_FEDERATION), ("X009", Duty.EDUCATION),
            ("X010", Duty.INDUSTRY_FEDERATION), ("X011", Duty.AUDITOR), ("X012", Duty.SUPERIOR),
        )  # fmt: skip
        accounts = [Staff(number, self._named(number), duty, base) for number, duty in bureaux]
        accounts += [
            Staff(one.agent, self._named(one.agent), Duty.ENTERPRISE_AGENT, base, unit=one.code) for one in enterprises
        ]
        home = households[0]
        accounts.append(
            Staff("H0001", home.members[0].name, Duty.HOUSEHOLDER, home.village.code, household=home.number)
        )
        first = townships[0]
        stand_in = f"{first.clerk[:-1]}9"
        accounts.append(
            Staff(
                stand_in, self._named(stand_in), Duty.TOWNSHIP_CLERK, first.code, date(2021, 2, 1), date(2021, 3, 1),
                stands_in_for=first.clerk,
            )
        )  # fmt: skip
        return accounts

    # --- households ---

    def _households(self, villages: Sequence[Village]) -> list[Household]:
        kinds = ["计划脱贫户"] * self.size.planned + ["已脱贫户"] * self.size.exited
        sizes = self._planned_sizes() + [
            self.random.choice((1, 2, 3, 3, 4, 4, 4, 5, 6)) for _ in range(self.size.exited)
        ]
        order = list(zip(kinds, sizes, strict=True))
        self.random.shuffle(order)
        households = []
        for index, (kind, members) in enumerate(order):
            village = villages[index * len(villages) // len(order)]
            households.append(self._household(index, kind, members, village))
        return households

    def _planned_sizes(self) -> list[int]:
        """Household sizes that add up to the persons of the plan."""
        count, persons = self.size.planned, self.size.planned_persons
        sizes = [persons // count] * count
        for index in range(persons - sum(sizes)):
            sizes[index] += 1
        for _ in range(count // 3):
            giver, taker = self.random.randrange(count), self.random.randrange(count)
            if sizes[giver] > 1:
                sizes[giver] -= 1
                sizes[taker] += 1
        return sizes

    def _household(self, index: int, kind: str, size: int, village: Village) -> Household:
        exited = kind == "已脱贫户"
        year = self.random.choices(range(2014, 2021), (2, 2, 14, 20, 24, 22, 16))[0] if exited else None
        if exited and self.random.random() < 0.003:
            year = None  # the office's register has gaps
        members = [self._member("户主")]
        members += [self._member(self.random.choice(RELATIONS)) for _ in range(size - 1)]
        household = Household(
            f"{self.code}{index + 1:07d}",
            village,
            f"{1 + index % 8}组",
            kind,
            year,
            village.linked[index % 2],
            self._account() if self.random.random() > 0.002 else None,
            members,
        )
        applies = self.random.random() < (0.985 if exited else 0.03)
        if applies:
            self._plan(household)
        if exited:
            self._earn(household)
        return household

    def _member(self, relation: str) -> Member:
        born = date(1938, 1, 1) + timedelta(days=self.random.randrange(29_500))
        newborn = born > date(2018, 6, 1) and self.random.random() < 0.3
        identity = None if newborn else self._identity(born)
        return Member(self._name(), identity, relation, self._phone() if self.random.random() < 0.5 else None)

    def _name(self) -> str:
        self.names += 1
        n = self.names
        name = f"{SURNAMES[n % 4]}{STEMS[n // 4 % 10]}{BRANCHES[n // 40 % 12]}"
        if n % 997 == 0:
            return f"{name}·𠮷"  # names keep every character there is
        return name

    def _identity(self, born: date) -> str:
        self.sequence[born] = self.sequence.get(born, 0) + 1
        first17 = f"{self.code}{born:%Y%m%d}{self.sequence[born]:03d}"
        return first17 + check_character(first17)

    def _phone(self) -> str:
        self.phones += 1
        return f"100{self.phones:08d}"

    def _account(self) -> str:
        self.accounts += 1
        return f"99{self.code}{self.accounts:011d}"

    def _plan(self, household: Household) -> None:
        household.plan_day = date(2021, 1, 28) + timedelta(days=self.random.randrange(18))
        if self.random.random() < 0.004:
            household.plan_day = date(2021, 2, 16) + timedelta(days=self.random.randrange(4))
        household.projects = tuple(
            sorted(self.random.sample(PROJECTS, self.random.choice((1, 1, 2))), key=PROJECTS.index)
        )
        if self.random.random() < 0.002:
            household.projects = ("其他",)

    def _earn(self, household: Household) -> None:
        if self.random.random() < 0.015:
            return
        for _ in range(self.random.choice((1, 2, 3, 4, 4, 5, 6, 7))):
            category = self.random.choices(tuple(ITEMS), (35, 25, 30, 10))[0]
            day = date(2020, 9, 10) + timedelta(days=self.random.randrange(386))
            top = {"养殖业": 900_000, "种植业": 500_000, "务工": 1_600_000, "自主经营": 700_000}[category]
            gross = self.random.randrange(20_000, top)
            gross -= gross % self.random.choice((1, 10, 100, 1_000, 10_000))
            item = self.random.choice(ITEMS[category])
            evidence = f"{self.random.choice(('销售单', '工资条', '收据', '合同'))}{self.random.randrange(10_000):04d}"
            household.income.append((day, category, item, gross, category == "务工", evidence))


# --- the office's workbooks -----------------------------------------------------------------------------------


def divisions_workbook(county: County) -> bytes:
    """The table of divisions."""
    base = int(county.code) * 1_000_000
    rows: list[Sequence[Any]] = [(str(base), "演示县", "")]
    rows += [(str(township.code), township.name, "") for township in county.townships]
    rows += [(str(v.code), v.name, "是" if v.poor else "否") for v in county.villages]
    return _book("行政区划", "演示县行政区划表", ("行政区划代码", "名称", "是否贫困村"), rows)


def organizations_workbook(county: County) -> bytes:
    """The helping units and the enterprises."""
    rows = [(one.code, one.name, one.kind, f"{county.code}000000") for one in county.enterprises]
    for index, village in enumerate(v for v in county.villages if v.poor):
        first17 = f"11{county.code}{index:09d}"
        rows.append((first17 + credit_check_character(first17), f"演示帮扶单位{index + 1}", "机关", str(village.code)))
    return _book("帮扶单位", "驻村帮扶单位名录", ("统一社会信用代码", "单位名称", "单位类型", "所在区划代码"), rows)


def officers_workbook(county: County) -> bytes:
    """The roster of officers."""
    rows = [(s.number, s.name, s.duty.title_text.zh, str(s.area), "2020.1.1") for s in county.staff]
    return _book("人员", "工作人员及职责名册", ("工号", "姓名", "职责", "负责区划代码", "起始日期"), rows)


def pairings_workbook(county: County) -> bytes:
    """The list of pairings."""
    rows = [(one.code, str(village), "2020.10.17", "") for one in county.enterprises for village in one.villages]
    return _book("结对", "村企结对名册", ("企业信用代码", "结对村编码", "签约日期", "到期日期"), rows)


def accounts_workbook(county: County) -> bytes:
    """The roster of those who come after the households."""
    rows = [
        (
            s.number, s.name, s.duty.title_text.zh, str(s.area), s.since, s.until or "", s.unit, s.household,
            s.stands_in_for,
        )
        for s in county.accounts
    ]  # fmt: skip
    headers = (
        "工号", "姓名", "职责", "负责区划代码", "起始日期", "截止日期", "单位信用代码", "户编号", "代理对象工号",
    )  # fmt: skip
    return _book("账号", "部门、企业、农户账号及代理名册", headers, rows)


ROSTER = (
    "户编号", "乡镇", "行政村", "村民小组", "户属性", "脱贫年度", "帮扶责任人工号",
    "姓名", "证件号码", "与户主关系", "联系电话", "开户名", "开户行", "一卡通账号",
)  # fmt: skip


def roster_workbook(county: County, faults: bool) -> bytes:
    """The household roster; with ``faults`` it has the mistakes that such rosters have."""
    rows: list[list[Any]] = [
        [
            household.number,
            household.village.township,
            household.village.name,
            household.group,
            household.standing,
            f"{household.exit_year}年" if household.exit_year else "",
            household.cadre,
            member.name,
            member.identity or "",
            member.relation,
            member.phone or "",
            household.members[0].name if household.account else "",
            "演示农商行" if household.account else "",
            household.account or "",
        ]
        for household in county.households
        for member in household.members
    ]
    if faults:
        _spoil(rows)
    return _book(
        "花名册",
        "演示县建档立卡农户花名册",
        ROSTER,
        rows,
        groups=((0, 6, "农户信息"), (7, 10, "家庭成员"), (11, 13, "一卡通")),
    )


def _spoil(rows: list[list[Any]]) -> None:
    """Ten mistakes: digits lost to Excel, a wrong check character, a repeated person, an unknown village, a second
    head."""
    filled = [row for row in rows if row[8]]
    step = max(1, len(filled) // 12)
    for number, row in enumerate(filled[step // 2 :: step][:10]):
        if number % 5 == 0:
            row[8] = float(row[8].replace("X", "0"))
        elif number % 5 == 1:
            row[8] = row[8][:17] + ("0" if row[8][17] != "0" else "1")
        elif number % 5 == 2:
            row[8] = filled[0][8]
        elif number % 5 == 3:
            row[2] = "不存在村"
        else:
            row[6] = "V000000"


def income_workbook(county: County, corrected: bool) -> bytes:
    """The income ledger as townships keep it: days and amounts as they come; uncorrected, it has two mistakes."""
    rows: list[list[Any]] = []
    for household in county.households:
        for day, category, item, gross, stable, evidence in household.income:
            shown = (day, f"{day:%Y.%m.%d}", f"{day.year}年{day.month}月{day.day}日", f"{day:%Y%m%d}")[len(rows) % 4]
            amount: Any = gross / 100 if len(rows) % 3 else f"{gross // 100:,}.{gross % 100:02d}"
            rows.append([household.number, shown, category, item, amount, "是" if stable else "否", evidence])
    if not corrected and len(rows) > 3:
        rows[1][4] = "约八百"
        rows[2][1] = "2021年13月1日"
    headers = ("家庭编号", "日期", "类别", "品种", "进账(元)", "是否稳定", "凭据")
    return _book("台账", "巩固增收收入台账(2020年10月—2021年9月)", headers, rows, total=4)


def plans_workbook(county: County, township: int) -> bytes:
    """The sheet of plans of one township."""
    rows = []
    for household in county.households:
        if household.village.code // 1_000 * 1_000 == township and household.plan_day:
            late = household.plan_day > date(2021, 2, 15)
            rows.append(
                [
                    household.number,
                    "、".join(household.projects),
                    household.plan_day,
                    household.cadre,
                    f"计划表{household.number[-5:]}",
                    "外出务工返乡后补签" if late else "",
                ]
            )
    return _book(
        "计划",
        "五小产业到户发展项目计划表",
        ("户编号", "计划项目", "制定日期", "联户干部工号", "凭据", "逾期原因"),
        rows,
    )


def _book(
    sheet: str,
    title: str,
    headers: Sequence[str],
    rows: Iterable[Sequence[Any]],
    groups: Sequence[tuple[int, int, str]] = (),
    total: int | None = None,
) -> bytes:
    """A workbook as offices make them: a merged title, a line of who and when, merged headers, a total and a
    signature line."""
    output = io.BytesIO()
    book = xlsxwriter.Workbook(output, {"constant_memory": False, "strings_to_formulas": False})
    page = book.add_worksheet(sheet)
    centre = book.add_format({"align": "center", "bold": True, "border": 1})
    text = book.add_format({"num_format": "@"})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    page.merge_range(0, 0, 0, len(headers) - 1, title, centre)
    page.write_string(1, 0, "填报单位:演示县    单位:户、人、元")
    top = 2
    if groups:
        for first, last, name in groups:
            page.merge_range(2, first, 2, last, name, centre)
        top = 3
    for column, header in enumerate(headers):
        page.write_string(top, column, header, centre)
    row = top
    for values in rows:
        row += 1
        for column, value in enumerate(values):
            if isinstance(value, date):
                page.write_datetime(row, column, value, day)
            elif isinstance(value, float | int):
                page.write_number(row, column, value)
            elif value:
                page.write_string(row, column, value, text)
    if total is not None:
        page.write_string(row + 1, 0, "合计")
        letter = chr(65 + total)
        page.write_formula(row + 1, total, f"=SUM({letter}{top + 2}:{letter}{row + 1})")
    page.write_string(row + 2, 0, "填表人:            审核人:            日期:")
    book.close()
    return output.getvalue()
