"""A made-up county of the size the plan names, delivered as the kind of workbooks an office has.

911 households of 3,005 persons that plan to leave poverty, 6,806 that have left it, and a few in every village that
never were poor. Of the registered, 446 persons of 401 households have a certificate of disability. Nobody in it exists:
the codes belong to no province, the names are stems and branches, the identity numbers are valid in form only. The same
seed gives the same county.
"""

from __future__ import annotations

import io
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import xlsxwriter

from bangfu.process import Duty
from bangfu.registry.holding import Category
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
STARS = ("洁美星", "致富星", "孝爱星", "守法星", "和谐星")
PLANNED, LEFT, NEVER = "计划脱贫户", "已脱贫户", "一般农户"
"""The standings of households, as a roster calls them."""
PLANNED_EXIT = (911, 3005)
EXITED = 6806
LINE = 450_000
"""The standard of stable net income, in fen a member and year, that the plan asks of who is to leave poverty."""


@dataclass(frozen=True, slots=True)
class Size:
    """How large the county is: townships, villages in each, households that plan to exit (and their persons),
    households exited, and in each village those never registered poor; of the registered, persons with a disability
    and their households, households that get goods, and persons who get a device, two of them a second one."""

    townships: int = 20
    villages: int = 10
    planned: int = PLANNED_EXIT[0]
    planned_persons: int = PLANNED_EXIT[1]
    exited: int = EXITED
    general: int = 3
    disabled: int = 446
    disabled_homes: int = 401
    goods: int = 35
    equipped: int = 28


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
    hard: bool
    """Whether those live here who are to leave poverty."""


@dataclass(slots=True)
class Member:
    """A person of a household."""

    name: str
    identity: str | None
    relation: str
    phone: str | None


@dataclass(frozen=True, slots=True)
class Earning:
    """A line of the ledger, in fen; the cost is None where nobody wrote it down."""

    day: date
    category: str
    item: str
    gross: int
    stable: bool
    evidence: str
    cost: int | None = None


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
    income: list[Earning] = field(default_factory=list)

    @property
    def net_stable(self) -> int:
        """What it earned of stable net income, in fen; what nobody knows the cost of does not count."""
        return sum(one.gross - one.cost for one in self.income if one.stable and one.cost is not None)


@dataclass(slots=True)
class Leading:
    """A household that says that it led others out of poverty, as what it is run, and whom."""

    leader: Household
    entity: str
    led: list[Household]


@dataclass(frozen=True, slots=True)
class School:
    """A school: the credit code and the staff number of its agent are empty where it lies outside the county."""

    name: str
    code: str
    agent: str


@dataclass(frozen=True, slots=True)
class Student:
    """A member of a household who learns a trade: the number in the register, where, at which level and grade, and
    whether the family applies."""

    number: str
    home: Household
    member: Member
    school: School
    level: str
    grade: int
    interning: bool
    applies: bool

    @property
    def roll(self) -> str:
        """The number on the school's roll."""
        return f"X{self.number}"


@dataclass(frozen=True, slots=True)
class Trainee:
    """A member of a household who took a short course, from a day to another."""

    number: str
    home: Household
    first: date
    last: date
    by_base: bool
    """Whether the base seals the card itself; else the township states it from the paper."""


@dataclass(frozen=True, slots=True)
class Disabled:
    """A person with a disability: the number in the register, what the certificate says (issued on a day, for ten
    years), whether he is in the minimum living guarantee, and whether he applies for what he could have."""

    number: str
    home: Household
    member: Member
    category: Category
    level: int
    generation: int
    issued: date
    guaranteed: bool
    applies: bool

    @property
    def certificate(self) -> str:
        """The number of the certificate: the identity number, a digit for the category and one for the level."""
        return f"{self.member.identity}{self.category.digit}{self.level}"


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
    leading: list[Leading]
    """Who leads others: some households, and one that is run as a cooperative."""
    claimed_twice: Leading | None
    """A household that names somebody whom another leads already."""
    schools: list[School]
    base: School
    """The training base, which seals the cards of some trainees itself."""
    students: list[Student]
    trainees: list[Trainee]
    disabled: list[Disabled]

    def standing(self, standing: str) -> list[Household]:
        """The households of a standing."""
        return [home for home in self.households if home.standing == standing]

    def workers(self, village: Village) -> list[str]:
        """The registered persons of a village who are of working age, by their numbers in the register."""
        own = [home for home in self.households if home.village is village]
        ages = date(1966, 1, 1), date(2001, 1, 1)
        return [_person(home, place) for home, place, _, born in _numbered(own) if ages[0] <= born < ages[1]]


class Maker:
    """Makes a county from a seed."""

    def __init__(self, code: str, size: Size | None = None, seed: int = 20210101) -> None:
        self.code, self.size = code, size or Size()
        self.random = random.Random(f"{code}/{seed}")  # noqa: S311 - a demo needs repetition, not secrecy
        self.names = self.phones = self.accounts = self.planned = self.exited = self.general = 0
        self.sequence: dict[date, int] = {}
        self.staff: list[Staff] = []
        self.officers: dict[str, str] = {}

    def make(self) -> County:
        """The county."""
        townships, villages = self._places()
        households = self._households(villages)
        enterprises = self._enterprises(villages)
        accounts = self._accounts(townships, enterprises, households)
        leading, twice = self._leading(townships, villages, households)
        schools, training_base = self._schools(), self._base()
        students = self._students(households, schools)
        trainees = self._trainees(households, {student.number for student in students})
        return County(
            self.code, villages, townships, self.staff, households, enterprises,
            [*self._learning([*schools, training_base]), *accounts], leading, twice, schools, training_base, students,
            trainees, self._disabled(households),
        )  # fmt: skip

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
                    poor or (t < 2 and v == self.size.villages - 1),
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
            ("X014", Duty.INDUSTRY_FEDERATION), ("X015", Duty.DISABLED_FEDERATION),
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

    def _schools(self) -> list[School]:
        """Two schools of the county, and two elsewhere."""
        made = []
        for index, name in enumerate(("演示县职业中学", "演示县技工学校")):
            first17 = f"12{self.code}{index + 1:09d}"
            made.append(School(name, first17 + credit_check_character(first17), f"X{36 + 10 * index:03d}"))
        return [*made, School("邻市职业技术学院", "", ""), School("邻市中等专业学校", "", "")]

    def _base(self) -> School:
        """The training base of the county."""
        first17 = f"12{self.code}{9:09d}"
        return School("演示县职业技能培训基地", first17 + credit_check_character(first17), "X056")

    def _learning(self, schools: Sequence[School]) -> list[Staff]:
        """The agents of the county's schools and base, and who reviews at the finance bureau and releases nothing."""
        base = int(self.code) * 1_000_000
        own = [one for one in schools if one.agent]
        agents = [Staff(one.agent, self._named(one.agent), Duty.SCHOOL_AGENT, base, unit=one.code) for one in own]
        return [Staff("X013", self._named("X013"), Duty.FINANCE, base), *agents]

    def _students(self, households: Sequence[Household], schools: Sequence[School]) -> list[Student]:
        """Whoever of a registered household is of the age and no head: fifteen to twenty-one in the autumn of 2021.

        Every fifth goes to school elsewhere, every ninth is on an internship; who is seventeen may be in a grade that
        is not aided any more. Of every twenty-fifth the family does not apply: the roll knows of it.
        """
        found: list[Student] = []
        for home, place, member, born in _numbered(households):
            if not date(2000, 9, 1) <= born < date(2006, 9, 1) or place == 0 or member.relation == "配偶":
                continue
            index, age = len(found), 2021 - born.year - (born.month > 8)
            level, grade = ("高职", min(3, age - 17)) if age >= 18 else ("中职", max(1, age - 14))
            away = index % 5 == 2
            school = schools[(2 if level == "高职" else 3) if away else index % 2]
            interning, applies = index % 9 == 4, index % 25 != 6
            found.append(Student(_person(home, place), home, member, school, level, grade, interning, applies))
        return found

    def _trainees(self, households: Sequence[Household], others: set[str]) -> list[Trainee]:
        """In each village the first of working age, who took a course of three months; one is a year too old for it.
        Of every third the base seals the card itself."""
        found: dict[int, Trainee] = {}
        for home, place, _, born in _numbered(households):
            number, village = _person(home, place), home.village.code
            oldest = date(1974 if not found else 1975, 3, 9)
            if number not in others and village not in found and oldest <= born <= date(2003, 1, 1):
                by_base = len(found) % 3 == 1
                found[village] = Trainee(number, home, date(2021, 3, 8), date(2021, 5, 28), by_base)
        return list(found.values())

    def _disabled(self, households: Sequence[Household]) -> list[Disabled]:
        """In households all over the county the first of their members, and in some the second too.

        Five of eight are of the first two levels, every fifteenth has a certificate of the first generation, two of
        three are in the minimum living guarantee, and every thirteenth does not apply.
        """
        homes: dict[str, list[tuple[Household, int, Member]]] = {}
        for home, place, member, _ in _numbered(households):
            if place < 2:
                homes.setdefault(home.number, []).append((home, place, member))
        count = min(self.size.disabled_homes, len(homes))
        own = list(homes.values())
        chosen = [own[n * len(own) // count] for n in range(count)]
        more = [pair[1] for pair in chosen if len(pair) > 1][: self.size.disabled - count]
        persons = sorted([pair[0] for pair in chosen] + more, key=lambda one: _person(one[0], one[1]))
        return [
            Disabled(
                _person(home, place), home, member, list(Category)[n % 7], (2, 1, 3, 2, 4, 1, 2, 3)[n % 8],
                1 if n % 15 == 7 else 2, date(2019, 1 + n % 12, 1 + n % 28), n % 3 != 2, n % 13 != 5,
            )
            for n, (home, place, member) in enumerate(persons)
        ]  # fmt: skip

    # --- households ---

    def _households(self, villages: Sequence[Village]) -> list[Household]:
        """Who left poverty lives everywhere, who is to leave it where it is hard; the others end the roster."""
        hard = [place for place, village in enumerate(villages) if village.hard]
        order = [(PLANNED, size, hard[n % len(hard)]) for n, size in enumerate(self._planned_sizes())]
        order += [
            (LEFT, self.random.choice((1, 2, 3, 3, 4, 4, 4, 5, 6)), n * len(villages) // self.size.exited)
            for n in range(self.size.exited)
        ]
        self.random.shuffle(order)
        order.sort(key=lambda one: one[2])
        order += [(NEVER, 2 + n % 3, place) for place in range(len(villages)) for n in range(self.size.general)]
        return [self._household(index, kind, size, villages[place]) for index, (kind, size, place) in enumerate(order)]

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
        exited = kind == LEFT
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
            # The first of a village's two cadres has those who are to leave poverty, and half of the others.
            village.linked[index % 2 if exited else int(kind == NEVER)],
            None if exited and self.random.random() < 0.002 else self._account(),
            members,
        )
        if exited:
            self.exited += 1
            if self.random.random() < 0.985 and self.exited != 7:  # somebody there always is who did not apply
                self._plan(household)
            self._earn(household)
        elif kind == PLANNED:
            self._plan_exit(household)
            self._earn_net(household)
        else:
            self.general += 1
            if self.general % 23 == 1:
                self._plan(household)  # by mistake: the award is for those that were poor
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

    def _plan_exit(self, household: Household) -> None:
        household.plan_day = date(2021, 1, 22) + timedelta(days=self.random.randrange(18))
        chosen = self.random.sample(PROJECTS, self.random.choice((1, 1, 2)))
        household.projects = tuple(sorted(chosen, key=PROJECTS.index))

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
            household.income.append(Earning(day, category, item, gross, category == "务工", evidence))

    def _earn_net(self, household: Household) -> None:
        """Stable net income from wages and from breeding: the first household reaches the line exactly, the second
        misses it by one yuan, one in eight by more; and something that is not stable and does not count."""
        self.planned += 1
        line = LINE * len(household.members)
        if self.planned <= 2:
            net = line - 100 * (self.planned - 1)
        elif self.random.random() < 0.125:
            net = line * self.random.randrange(60, 99) // 100
        else:
            net = line + len(household.members) * self.random.randrange(400_000)
        wages = net * self.random.randrange(50, 90) // 100
        for category, item, earned in (("务工", "县外务工", wages), ("养殖业", "生猪", net - wages)):
            cost = earned * self.random.randrange(5, 30) // 100
            household.income.append(
                Earning(self._earned_on(), category, item, earned + cost, True, f"核算单{self.planned:04d}", cost)
            )
        if self.random.random() < 0.3:
            household.income.append(Earning(self._earned_on(), "自主经营", "小买卖", 60_000, False, "收条", 0))

    def _earned_on(self) -> date:
        return date(2020, 10, 5) + timedelta(days=self.random.randrange(350))

    def _leading(
        self, townships: Sequence[Township], villages: Sequence[Village], households: Sequence[Household]
    ) -> tuple[list[Leading], Leading | None]:
        """In the first two townships, who never was poor led three or five of the own village to the line."""
        near = {township.name for township in townships[:2]}
        leading: list[Leading] = []
        twice = None
        for village in villages:
            own = [home for home in households if home.village is village]
            able = [home for home in own if home.standing == NEVER]
            led = [home for home in own if home.standing == PLANNED and home.net_stable >= LINE * len(home.members)]
            if village.township not in near or len(able) < 2 or len(led) < 3:
                continue
            number = len(leading)
            entity = "专业合作社" if number == 1 else "普通农户"
            leading.append(Leading(able[0], entity, led[:5] if number % 2 == 0 and len(led) >= 5 else led[:3]))
            twice = twice or Leading(able[1], "普通农户", led[:1])
        return leading, twice


def _numbered(households: Sequence[Household]) -> Iterator[tuple[Household, int, Member, date]]:
    """The members of registered households with an identity number, each with his place and the day of birth."""
    for home in households:
        if home.standing == NEVER:
            continue
        for place, member in enumerate(home.members):
            if member.identity is not None:
                born = member.identity[6:14]
                yield home, place, member, date(int(born[:4]), int(born[4:6]), int(born[6:]))


def _person(home: Household, place: int) -> str:
    """The number that the register gives a member: by the place on the roster."""
    return f"{home.number}-{place + 1:02d}"


# --- the office's workbooks -----------------------------------------------------------------------------------


def divisions_workbook(county: County) -> bytes:
    """The table of divisions."""
    base = int(county.code) * 1_000_000
    rows: list[Sequence[Any]] = [(str(base), "演示县", "")]
    rows += [(str(township.code), township.name, "") for township in county.townships]
    rows += [(str(v.code), v.name, "是" if v.poor else "否") for v in county.villages]
    return _book("行政区划", "演示县行政区划表", ("行政区划代码", "名称", "是否贫困村"), rows)


def organizations_workbook(county: County) -> bytes:
    """The helping units, the enterprises, the schools and the training base."""
    rows = [(one.code, one.name, one.kind, f"{county.code}000000") for one in county.enterprises]
    rows += [(one.code, one.name, "学校", f"{county.code}000000") for one in county.schools if one.code]
    rows.append((county.base.code, county.base.name, "培训基地", f"{county.code}000000"))
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
    rows = _rows(county.households)
    if faults:
        _spoil(rows)
    return _book(
        "花名册",
        "演示县建档立卡农户花名册",
        ROSTER,
        rows,
        groups=((0, 6, "农户信息"), (7, 10, "家庭成员"), (11, 13, "一卡通")),
    )


def _rows(households: Iterable[Household]) -> list[list[Any]]:
    """One row a member, the household's own columns repeated."""
    return [
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
        for household in households
        for member in household.members
    ]


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


def departure_workbook(household: Household, member: Member, left_on: date) -> bytes:
    """The rows of one household, of which a member left on a day."""
    rows = [
        [*row, left_on if own is member else ""] for row, own in zip(_rows([household]), household.members, strict=True)
    ]
    return _book("人口变动", "演示县农户人口变动表", (*ROSTER, "离户日期"), rows)


def income_workbook(county: County, corrected: bool) -> bytes:
    """The income ledger as townships keep it: days and amounts as they come; uncorrected, it has two mistakes."""
    rows: list[list[Any]] = []
    for household in county.standing(LEFT):
        for one in household.income:
            day = one.day
            shown = (day, f"{day:%Y.%m.%d}", f"{day.year}年{day.month}月{day.day}日", f"{day:%Y%m%d}")[len(rows) % 4]
            gross = one.gross
            amount: Any = gross / 100 if len(rows) % 3 else f"{gross // 100:,}.{gross % 100:02d}"
            stable = "是" if one.stable else "否"
            rows.append([household.number, shown, one.category, one.item, amount, stable, one.evidence])
    if not corrected and len(rows) > 3:
        rows[1][4] = "约八百"
        rows[2][1] = "2021年13月1日"
    headers = ("家庭编号", "日期", "类别", "品种", "进账(元)", "是否稳定", "凭据")
    return _book("台账", "巩固增收收入台账(2020年10月—2021年9月)", headers, rows, total=4)


def net_workbook(county: County) -> bytes:
    """What those who are to leave poverty earned and what it cost them, for the final acceptance."""
    rows = [
        [home.number, one.day, one.category, one.item, one.gross / 100, (one.cost or 0) / 100,
         "是" if one.stable else "否", one.evidence]
        for home in county.standing(PLANNED)
        for one in home.income
    ]  # fmt: skip
    headers = ("户编号", "日期", "收入类别", "项目", "总收入", "成本", "是否稳定", "印证资料")
    return _book("核算", "计划脱贫户稳定性收入核算表", headers, rows)


def plans_workbook(county: County, township: Township, *standings: str) -> bytes:
    """The sheet of plans of one township, of the households of some standings that have one."""
    rows = []
    for home in county.households:
        if home.village.township == township.name and home.standing in standings and home.plan_day:
            late = "外出务工返乡后补签" if home.plan_day > date(2021, 2, 15) else ""
            paper = f"计划表{home.number[-5:]}"
            rows.append([home.number, "、".join(home.projects), home.plan_day, home.cadre, paper, late])
    headers = ("户编号", "计划项目", "制定日期", "联户干部工号", "凭据", "逾期原因")
    return _book("计划", "五小产业到户发展项目计划表", headers, rows)


def nominations_workbook(county: County, township: Township, nominated: Sequence[Household], day: date) -> bytes:
    """Whom the villages of one township nominate for a star."""
    rows = [
        [home.number, STARS[place % len(STARS)], day, home.village.committee, "评星会议记录"]
        for place, home in enumerate(nominated)
        if home.village.township == township.name
    ]
    headers = ("户编号", "所获星级", "制定日期", _COMMITTEE, "凭据")
    return _book("提名", "五星农户提名表", headers, rows)


def leading_workbook(township: Township, leading: Iterable[Leading], day: date) -> bytes:
    """Who of one township says that it led others, and whom."""
    rows = [
        [one.leader.number, one.entity, "带动发展种植养殖项目", "、".join(home.number for home in one.led), day,
         one.leader.village.committee, "申报表"]
        for one in leading
        if one.leader.village.township == township.name
    ]  # fmt: skip
    headers = ("户编号", "经营主体类型", "带动方式", "被带动贫困户", "制定日期", _COMMITTEE, "凭据")
    return _book("申报", "非贫困户带动贫困户申报表", headers, rows)


def roll_workbook(county: County, in_county: bool, township: Township | None = None) -> bytes:
    """The roll of students: the bureau's of the county's own schools, without a proof, or what the families of a
    township say of schools elsewhere, with one."""
    rows = [
        [
            own.member.identity, own.member.name, own.school.name, own.school.code, own.roll, own.level,
            f"{_GRADES[own.grade - 1]}年级", "是" if own.interning else "否", "否" if in_county else "是",
            "县内" if in_county else "县外", date(2021, 9, 1),
        ]
        for own in county.students
        if bool(own.school.code) == in_county and (township is None or own.home.village.township == township.name)
    ]  # fmt: skip
    headers = (
        "证件号码", "姓名", "就读学校", "学校信用代码", "学籍号", "学段", "年级", "顶岗实习", "学籍证明", "县内外",
        "起始日期",
    )  # fmt: skip
    return _book("学籍", "2021年秋季学期学籍名册", headers, rows)


def term_aid_workbook(county: County, township: Township, day: date) -> bytes:
    """Who of one township applies for the aid of the terms."""
    rows = [
        [own.number, day, own.home.village.committee, f"申请表{own.number[-7:]}"]
        for own in county.students
        if own.applies and own.home.village.township == township.name
    ]
    return _book("申请", "雨露计划补助资金申请表汇总", ("人编号", "制定日期", _COMMITTEE, "凭据"), rows)


def training_workbook(county: County, township: Township, day: date) -> bytes:
    """Who of one township applies for a short training."""
    rows = [
        [
            own.number, own.first, own.last, date(2021, 6, 18), "是", "是", "" if own.by_base else "是",
            county.base.code if own.by_base else "", "是", day, township.clerk, "登记卡",
        ]
        for own in county.trainees
        if own.home.village.township == township.name
    ]  # fmt: skip
    headers = (
        "人编号", "培训开始日", "培训结束日", "取证日(两证中较晚的)", "技能培训合格证书复印件",
        "职业资格等级证书复印件", "登记卡经培训基地签字盖章", "培训基地信用代码", "身份证复印件", "制定日期",
        "乡镇经办工号", "凭据",
    )  # fmt: skip
    return _book("申请", "雨露短期技能培训登记汇总", headers, rows)


def certificates_workbook(persons: Iterable[Disabled], faults: bool = False) -> bytes:
    """The federation's list of certificates; with ``faults`` one number says another level than its row, and of one
    person Excel has lost digits."""
    rows: list[list[Any]] = [
        [
            one.member.identity, one.member.name, one.certificate, one.category.title_text.zh,
            f"{_GRADES[one.level - 1]}级", f"第{_GRADES[one.generation - 1]}代", one.issued,
            one.issued.replace(year=one.issued.year + 10),
        ]
        for one in persons
    ]  # fmt: skip
    if faults:
        rows[1][4] = f"{_GRADES[int(rows[1][2][-1]) % 4]}级"
        rows[3][0] = float(rows[3][0].replace("X", "0"))
    headers = ("证件号码", "姓名", "残疾人证号", "残疾类别", "残疾等级", "证件代次", "发证日期", "有效期至")
    return _book("持证", "演示县残疾人证持证名册", headers, rows)


def guarantee_workbook(persons: Iterable[Disabled]) -> bytes:
    """The civil affairs bureau's list of the minimum living guarantee."""
    rows = [
        (one.member.identity, one.member.name, "A类" if one.level <= 2 else "B类", date(2020, 1, 1)) for one in persons
    ]
    return _book("低保", "演示县农村最低生活保障对象名册", ("证件号码", "姓名", "低保类别", "起始日期"), rows)


def deaths_workbook(died: Iterable[tuple[Disabled, date]]) -> bytes:
    """The civil affairs bureau's list of who has died, and when."""
    rows = [(one.member.identity, one.member.name, day) for one, day in died]
    return _book("死亡", "演示县死亡登记名册", ("证件号码", "姓名", "死亡日期"), rows)


def subsidy_workbook(title: str, township: Township, persons: Iterable[Disabled], day: date) -> bytes:
    """Who of one township applies for a subsidy for persons with a disability."""
    rows = [
        [one.number, day, one.home.village.committee, f"申请审批表{one.number[-7:]}"]
        for one in persons
        if one.home.village.township == township.name
    ]
    return _book("申请", f"{title}申请审批汇总表", ("人编号", "制定日期", _COMMITTEE, "凭据"), rows)


def signatures_workbook(rows: Iterable[Sequence[Any]]) -> bytes:
    """Who has signed for what was handed out: number, kind, what, who signed, on which day, out of which batch."""
    headers = ("编号", "种类", "名称", "签收人", "签收日期", "批次凭证")
    return _book("签收", "残疾人帮扶物资发放签收表", headers, rows)


_GRADES = "一二三四五六七八九"
_COMMITTEE = f"{Duty.VILLAGE_COMMITTEE.title_text.zh}工号"


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
