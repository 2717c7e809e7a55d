"""The registers: divisions, organizations, officers, households, persons, income."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from sqlalchemy import ColumnElement, false, func, select

from bangfu import models
from bangfu.access import Action
from bangfu.db.bulk import among
from bangfu.documents.cells import CellProblem
from bangfu.process import Duty, Tier
from bangfu.programme import EDUCATION_LEVELS
from bangfu.registry import schooling
from bangfu.registry.discrepancies import seen_by
from bangfu.registry.divisions import area_of, level_of, township_of
from bangfu.registry.history import holds
from bangfu.registry.holding import CERTIFICATE, CUSTODY, DEATH, MINIMUM_LIVING, MOVED_AWAY, Category
from bangfu.registry.identity import read_identity
from bangfu.registry.known import HEAD
from bangfu.registry.reported import Differing
from bangfu.registry.schooling import as_kept
from bangfu.text import Text
from bangfu_graphql.mapping import Sight, column, current, derived, filters, many, mapped, one, pages, where
from bangfu_graphql.nodes import Connection, Node
from bangfu_graphql.scalars import (
    DivisionCode,
    DivisionLevel,
    EducationLevel,
    IncomeCategory,
    Money,
    OrganizationKind,
    RegisterStanding,
    Relation,
    SchoolingSource,
    Sex,
    described,
    value,
)
from bangfu_graphql.years import HouseholdYear, in_year

if TYPE_CHECKING:
    from bangfu_graphql.casework import Case
    from bangfu_graphql.circumstances import Circumstance


def within(attribute: Any, code: int) -> ColumnElement[bool]:
    """The condition that a row lies in a division."""
    condition: ColumnElement[bool] = attribute.between(*area_of(code))
    return condition


# --- places and offices ---------------------------------------------------------------------------------------


def _part_of(sight: Sight, code: int) -> ColumnElement[bool]:
    """The condition that a division lies directly in another."""
    inside = models.Division.code.between(*area_of(code)) & (models.Division.code != code)
    if level_of(code) == "county":
        return inside & (models.Division.level == "township")
    return inside


@filters
class DivisionFilter:
    """Which divisions."""

    level: DivisionLevel | None = where(lambda s, v: models.Division.level == v.value, "Of this level.")
    within: DivisionCode | None = where(lambda s, v: within(models.Division.code, v), "This one and all in it.")
    directly_in: DivisionCode | None = where(_part_of, "Those that lie directly in this one.")
    poor: bool | None = where(lambda s, v: models.Division.poor.is_(v), "Poor villages 贫困村, or others.")


@mapped(
    models.Division,
    key=models.Division.code,
    order=(models.Division.code,),
    where=current(models.Division),
)
class Division(Node):
    """An administrative division 行政区划 (county, township, village) as it is today."""

    code: DivisionCode = column(models.Division.code, "Its code.")
    name: str = column(models.Division.name, "Its name.")
    level: DivisionLevel = column(models.Division.level, "Its level.")
    poor: bool | None = column(models.Division.poor, "Whether it is a poor village 贫困村; null where nobody has said.")
    since: date = column(models.Division.valid_from, "The day since which it is so.")
    township_code: DivisionCode = derived(
        [models.Division.code], lambda sight, row: township_of(row["code"]), "The township of a village; else its own."
    )
    households: Connection[Annotated[Household, strawberry.lazy("bangfu_graphql.people")]] = pages(
        Connection[Annotated["Household", strawberry.lazy("bangfu_graphql.people")]],
        models.Division.code,
        models.Household.division,
        "The households registered in a village; a township and a county have none of their own.",
    )


@filters
class OrganizationFilter:
    """Which organizations."""

    kind: OrganizationKind | None = where(lambda s, v: models.Organization.kind == v.value, "Of this kind.")
    credit_code: str | None = where(lambda s, v: models.Organization.credit_code == v, "With this credit code.")


@mapped(models.Organization, read=Action.READ_OFFICES)
class Organization(Node):
    """An organization 组织: a bureau, a school, an enterprise, a helping unit."""

    credit_code: str = column(models.Organization.credit_code, "Its unified social credit code 统一社会信用代码.")
    name: str = column(models.Organization.name, "Its name.")
    kind: OrganizationKind = column(models.Organization.kind, "What it is.")
    division_code: DivisionCode | None = column(models.Organization.division, "The division that it sits in.")
    division: Division | None = one(models.Organization.division, models.Division.code, "The division that it sits in.")


def _tier(sight: Sight, row: Mapping[str, Any]) -> str:
    return Duty(row["duty"]).tier.value


@mapped(
    models.Assignment,
    order=(models.Assignment.valid_from, models.Assignment.id),
    where=lambda sight: models.Assignment.known_to.is_(None),
    read=Action.READ_OFFICES,
)
class Assignment(Node):
    """A duty that an officer holds for a time 任职: over an area, in an organization, or for a household."""

    duty: Duty = column(models.Assignment.duty, "The duty.")
    tier: Tier = derived([models.Assignment.duty], _tier, "The level at which it is held.")
    area_code: DivisionCode = column(models.Assignment.area_lo, "The division over which it is held.")
    area: Division | None = one(models.Assignment.area_lo, models.Division.code, "The division over which it is held.")
    since: date = column(models.Assignment.valid_from, "The first day.")
    until: date | None = column(models.Assignment.valid_to, "The day before which it ended; null while it is held.")
    officer: Annotated[Officer, strawberry.lazy("bangfu_graphql.people")] | None = one(
        models.Assignment.officer_id, models.Officer.id, "Who holds it."
    )
    organization: Organization | None = one(
        models.Assignment.organization_id,
        models.Organization.id,
        "The enterprise or the school that an agent acts for.",
    )
    household: Annotated[Household, strawberry.lazy("bangfu_graphql.people")] | None = one(
        models.Assignment.household_id, models.Household.id, "The household whose account it is."
    )
    stands_in_for: Annotated[Officer, strawberry.lazy("bangfu_graphql.people")] | None = one(
        models.Assignment.stands_in_for,
        models.Officer.id,
        "In whose stead it is held 代理; it ends by itself. Null where it is held in the officer's own right.",
    )


def _charged(sight: Sight, value: Any) -> ColumnElement[bool]:
    held = select(models.Assignment.officer_id).where(
        models.Assignment.tenant_id == sight.tenant,
        models.Assignment.duty == value.value,
        holds(models.Assignment, sight.today),
    )
    return models.Officer.id.in_(held)


@filters
class OfficerFilter:
    """Which officers."""

    number: list[str] | None = where(lambda s, v: among(models.Officer.number, v), "With one of these staff numbers.")
    duty: Duty | None = where(_charged, "Who hold this duty today.")
    disabled: bool | None = where(
        lambda s, v: models.Officer.disabled_at.is_not(None) if v else models.Officer.disabled_at.is_(None),
        "Whose account is disabled, or is not.",
    )


@mapped(models.Officer, order=(models.Officer.number,), read=Action.READ_OFFICES)
class Officer(Node):
    """A person in office 工作人员, known by a staff number, or an account of an enterprise or of a household."""

    number: str = column(models.Officer.number, "The staff number 工号.")
    name: str = column(models.Officer.name, "The name.")
    organization: Organization | None = one(
        models.Officer.organization_id, models.Organization.id, "The unit that the officer belongs to."
    )
    assignments: list[Assignment] = many(
        models.Assignment.officer_id, "Every duty, past, present and coming.", local=models.Officer.id
    )
    disabled: bool = derived(
        [models.Officer.disabled_at],
        lambda sight, row: row["disabled_at"] is not None,
        "Whether the account is disabled: it gets in no more.",
    )


# --- pairings -------------------------------------------------------------------------------------------------


@filters
class PairingFilter:
    """Which pairings."""

    division: DivisionCode | None = where(lambda s, v: within(models.Pairing.division, v), "Of villages in this one.")
    credit_code: str | None = where(
        lambda s, v: models.Pairing.organization_id.in_(
            select(models.Organization.id).where(
                models.Organization.tenant_id == s.tenant, models.Organization.credit_code == v
            )
        ),
        "Of the organization with this credit code.",
    )
    on: date | None = where(
        lambda s, v: (
            (models.Pairing.valid_from <= v) & (models.Pairing.valid_to.is_(None) | (models.Pairing.valid_to > v))
        ),
        "Those that hold on this day.",
    )


@mapped(
    models.Pairing,
    order=(models.Pairing.division, models.Pairing.id),
    where=lambda sight: models.Pairing.known_to.is_(None),
    read=Action.READ_PAIRINGS,
)
class Pairing(Node):
    """That an organization helps a village for a time 结对帮扶. An enterprise sees its own."""

    organization: Organization | None = one(
        models.Pairing.organization_id, models.Organization.id, "The organization that helps."
    )
    division_code: DivisionCode = column(models.Pairing.division, "The village that is helped.")
    division: Division | None = one(models.Pairing.division, models.Division.code, "The village that is helped.")
    since: date = column(models.Pairing.valid_from, "The first day.")
    until: date | None = column(models.Pairing.valid_to, "The day before which it ended; null while it holds.")


# --- households and persons -----------------------------------------------------------------------------------


def _numbered(sight: Sight, value: str) -> ColumnElement[bool]:
    """By the blind index: the number itself is nowhere in clear. What is no number finds nobody."""
    try:
        number = read_identity(value).number
    except CellProblem:
        return false()
    return models.Person.identity_index == sight.vault.index(number, "identity", sight.tenant)


@filters
class PersonFilter:
    """Which persons."""

    identity_number: str | None = where(_numbered, "With this identity number, stated whole; answers mask it.")
    name: str | None = where(lambda s, v: models.Person.name == v, "With exactly this name.")
    number: list[str] | None = where(lambda s, v: among(models.Person.number, v), "With one of these numbers.")
    division: DivisionCode | None = where(
        lambda s, v: within(models.Person.division, v), "Registered in this division."
    )


def _registered_in(sight: Sight, code: int) -> ColumnElement[bool]:
    """The condition that the person lives in a division, for who may know."""
    return within(models.Schooling.division, code) if sight.who.may(Action.READ_REGISTERS) else false()


@filters
class SchoolingFilter:
    """Which schooling."""

    proved: bool | None = where(
        lambda s, v: models.Schooling.proved.is_(v), "Of which there is a proof 学籍证明, or is none."
    )
    level: EducationLevel | None = where(lambda s, v: models.Schooling.level == v.value, "Of this level.")
    interning: bool | None = where(
        lambda s, v: models.Schooling.interning.is_(v), "Of who is on an internship 顶岗实习, or is known not to be."
    )
    source: SchoolingSource | None = where(lambda s, v: models.Schooling.source == v.value, "Said by this source.")
    student_number: list[str] | None = where(
        lambda s, v: among(models.Schooling.student_number, list(map(as_kept, v))), "With one of these student numbers."
    )
    division: DivisionCode | None = where(
        _registered_in, "Of persons registered in this division; a school does not learn where its students live."
    )
    on: date | None = where(lambda s, v: holds(models.Schooling, v), "What holds on this day.")


@mapped(
    models.Schooling,
    order={
        "PERSON": (models.Schooling.person_id, models.Schooling.valid_from, models.Schooling.id),
        "STUDENT_NUMBER": (models.Schooling.student_number, models.Schooling.valid_from, models.Schooling.id),
    },
    where=lambda sight: models.Schooling.known_to.is_(None),
    read=Action.READ_SCHOOLING,
)
class Schooling(Node):
    """Where a person goes to school 学籍, from a day on. A school sees its own roll."""

    school: str = column(models.Schooling.school, "The name of the school.")
    student_number: str = column(models.Schooling.student_number, "The number on the school's roll 学籍号.")
    name: str = column(models.Schooling.name, "The name on the school's roll.")
    organization: Organization | None = one(
        models.Schooling.organization_id, models.Organization.id, "The school, if it is in the table of organizations."
    )
    in_county: bool = column(models.Schooling.in_county, "Whether it is in the county.")
    level: EducationLevel = column(models.Schooling.level, "The level.")
    grade: int | None = column(models.Schooling.grade, "The grade; null where there are none.")
    months: int | None = column(
        models.Schooling.months, "The length of the course in months; null where it is not known."
    )
    interning: bool | None = column(models.Schooling.interning, "Whether on an internship 顶岗实习; null if not known.")
    proved: bool = column(models.Schooling.proved, "Whether there is a proof of it 学籍证明.")
    source: SchoolingSource = column(models.Schooling.source, "Who says so.")
    reported_on: date = column(models.Schooling.reported_on, "The day of the list or paper that says so.")
    since: date = column(models.Schooling.valid_from, "The first day.")
    until: date | None = column(models.Schooling.valid_to, "The day before which it ended; null while it holds.")


@mapped(models.Person, order=(models.Person.division, models.Person.id), read=Action.READ_REGISTERS)
class Person(Node):
    """A person 人员. Identity number and telephone are masked."""

    number: str = column(models.Person.number, "The number in the register 人编号, which says nothing of who it is.")
    name: str = column(models.Person.name, "The name.")
    sex: Sex | None = column(models.Person.sex, "The sex.")
    birth_year: int | None = derived(
        [models.Person.birth_date],
        lambda sight, row: row["birth_date"].year if row["birth_date"] else None,
        "The year of birth.",
    )
    birth_date: date | None = column(models.Person.birth_date, "The day of birth.", action=Action.READ_BIRTH_DATES)
    identity_number_masked: str | None = column(
        models.Person.identity_masked, "The identity number 证件号码, all but its first three and last two hidden."
    )
    phone_masked: str | None = column(models.Person.phone_masked, "The telephone number, its middle hidden.")
    division_code: DivisionCode = column(models.Person.division, "The village.")
    memberships: list[Annotated[Member, strawberry.lazy("bangfu_graphql.people")]] = many(
        models.Membership.person_id,
        "The person as a member of the household that he belongs to today; empty where there is none.",
        local=models.Person.id,
        where=current(models.Membership),
    )
    schooling: list[Schooling] = many(
        models.Schooling.person_id,
        "Where the person goes to school 学籍, and went before, as known today.",
        local=models.Person.id,
        where=lambda sight: models.Schooling.known_to.is_(None),
    )
    circumstances: list[Annotated[Circumstance, strawberry.lazy("bangfu_graphql.circumstances")]] = many(
        models.Circumstance.person_id,
        "What offices keep lists of, of the person 情形, whatever days it holds for, as known today.",
        local=models.Person.id,
        where=lambda sight: models.Circumstance.known_to.is_(None),
    )


# --- what lists say otherwise -----------------------------------------------------------------------------------

described(Differing, "DiscrepancyField", "In what a list says otherwise than the register.")


@strawberry.enum(description="What a discrepancy is about.")
class DiscrepancyKind(enum.Enum):
    """What a discrepancy is about."""

    SCHOOLING = value(schooling.KIND, "where a person goes to school 学籍")
    CERTIFICATE = value(CERTIFICATE, "a certificate of disability 残疾人证")
    MINIMUM_LIVING = value(MINIMUM_LIVING, "the minimum living guarantee 最低生活保障")
    DEATH = value(DEATH, "a death 死亡")
    CUSTODY = value(CUSTODY, "custody 服刑羁押")
    MOVED_AWAY = value(MOVED_AWAY, "having moved out of the county 迁出本县")


@strawberry.enum(description="Whose list or paper says otherwise than the register.")
class DiscrepancySource(enum.Enum):
    """Whose list or paper says otherwise than the register."""

    BUREAU = value("bureau", "the education bureau's list 教育局学籍库")
    SCHOOL = value("school", "the school 学校")
    FAMILY = value("family", "the family, by a paper 家庭提供")
    FEDERATION = value("federation", "the disabled persons' federation 残联名册")
    CIVIL_AFFAIRS = value("civil_affairs", "the civil affairs bureau 民政名册")
    DEATH_REGISTER = value("death_register", "the register of deaths 死亡登记")
    OFFICE = value("office", "an office of a township or the county, by papers 乡镇或县级单位")


@strawberry.type(description="One thing in which a list says otherwise than the register.")
class DiscrepancyPart:
    """One thing in which a list says otherwise than the register."""

    field: Differing = strawberry.field(description="In what.")
    known: str | None = strawberry.field(description="What is known, in words; null where there is nothing.")
    reported: str | None = strawberry.field(description="What the list says, in words; null where there is nothing.")


def _in_words(sight: Sight, name: str, said: Any) -> str | None:
    if said is None:
        return None
    if name == Differing.LEVEL and isinstance(said, str):  # of a disability it is a number
        return sight.say(EDUCATION_LEVELS[said])
    if name == Differing.CATEGORY:
        return sight.say(Category(said).title_text)
    if name in (Differing.INTERNING, Differing.LISTED):
        return sight.say(Text("是", "yes") if said else Text("否", "no"))
    return str(said)


def _differences(sight: Sight, row: Mapping[str, Any]) -> list[DiscrepancyPart]:
    known, reported = row["known"], row["reported"]
    return [
        DiscrepancyPart(
            field=own,
            known=_in_words(sight, own, known[own.value]),
            reported=_in_words(sight, own, reported[own.value]),
        )
        for own in Differing
        if own.value in known
    ]


_OF_NUMBER = func.coalesce(
    select(models.Person.number)
    .where(
        models.Person.tenant_id == models.Discrepancy.tenant_id, models.Person.id == models.Discrepancy.person_id
    )
    .scalar_subquery(),
    "",
).label("person_number")  # fmt: skip


@filters
class DiscrepancyFilter:
    """Which discrepancies."""

    kind: DiscrepancyKind | None = where(lambda s, v: models.Discrepancy.kind == v.value, "Of this kind.")
    division: DivisionCode | None = where(
        lambda s, v: within(models.Discrepancy.division, v), "Of persons registered in this division."
    )
    open: bool | None = where(
        lambda s, v: models.Discrepancy.settled_at.is_(None) if v else models.Discrepancy.settled_at.is_not(None),
        "Those that are open, or those that are settled.",
    )


@mapped(
    models.Discrepancy,
    order=(models.Discrepancy.division, _OF_NUMBER, models.Discrepancy.id),
    where=lambda sight: seen_by(sight.who),
    read=Action.READ_REGISTERS,
)
class Discrepancy(Node):
    """What a bureau's list, a school or a paper says of a person otherwise than the register 核对事项, for somebody to
    settle. Nothing is overwritten by it. One about a circumstance is seen by who may read circumstances."""

    kind: DiscrepancyKind = column(models.Discrepancy.kind, "What it is about.")
    person: Person | None = one(models.Discrepancy.person_id, models.Person.id, "The person.")
    division_code: DivisionCode = column(models.Discrepancy.division, "The village of the person.")
    source: DiscrepancySource = column(models.Discrepancy.source, "Who says otherwise.")
    reported_on: date = column(models.Discrepancy.reported_on, "The day of the list or paper that says so.")
    differences: list[DiscrepancyPart] = derived(
        [models.Discrepancy.known, models.Discrepancy.reported], _differences, "In what it says otherwise."
    )
    recorded_at: datetime = column(models.Discrepancy.recorded_at, "When it was written down.")
    accepted: bool | None = column(
        models.Discrepancy.accepted, "Whether what was reported holds; null while it is open."
    )
    reason: str = column(models.Discrepancy.reason, "Why; empty while it is open.")
    settled_by: Officer | None = one(models.Discrepancy.settled_by, models.Officer.id, "Who settled it.")
    settled_at: datetime | None = column(models.Discrepancy.settled_at, "When; null while it is open.")


@mapped(
    models.Membership,
    order=(models.Membership.household_id, models.Membership.valid_from, models.Membership.id),
    where=lambda sight: models.Membership.known_to.is_(None),
    read=Action.READ_REGISTERS,
)
class Member(Node):
    """That a person belongs to a household 家庭成员."""

    relation: Relation = column(models.Membership.relation, "The relation to the head.")
    since: date = column(models.Membership.valid_from, "The first day.")
    until: date | None = column(models.Membership.valid_to, "The day before which it ended; null while it holds.")
    person: Person | None = one(models.Membership.person_id, models.Person.id, "The person.")
    household: Annotated[Household, strawberry.lazy("bangfu_graphql.people")] | None = one(
        models.Membership.household_id, models.Household.id, "The household."
    )


@mapped(
    models.Standing,
    order=(models.Standing.household_id, models.Standing.valid_from, models.Standing.id),
    where=lambda sight: models.Standing.known_to.is_(None),
    read=Action.READ_REGISTERS,
)
class Standing(Node):
    """A household's standing in the register 户类型, from a day on."""

    standing: RegisterStanding = column(models.Standing.standing, "The standing.")
    exit_year: int | None = column(models.Standing.exit_year, "The year in which it left poverty 脱贫年度.")
    since: date = column(models.Standing.valid_from, "The first day.")
    until: date | None = column(models.Standing.valid_to, "The day before which it ended; null while it holds.")


@mapped(
    models.Account,
    order=(models.Account.household_id, models.Account.valid_from, models.Account.id),
    where=lambda sight: models.Account.known_to.is_(None),
    read=Action.READ_REGISTERS,
)
class Account(Node):
    """The bank account 一卡通 that a household is paid to."""

    holder: str = column(models.Account.holder, "Whose account it is.")
    bank: str = column(models.Account.bank, "The bank.")
    number_masked: str = column(
        models.Account.number_masked, "The account number, all but its last four digits hidden."
    )
    since: date = column(models.Account.valid_from, "The first day.")


@filters
class IncomeFilter:
    """Which lines of the income ledger."""

    category: IncomeCategory | None = where(lambda s, v: models.IncomeLine.category == v.value, "Of this category.")
    since: date | None = where(lambda s, v: models.IncomeLine.day >= v, "On this day or later.")
    until: date | None = where(lambda s, v: models.IncomeLine.day <= v, "On this day or earlier.")
    division: DivisionCode | None = where(lambda s, v: within(models.IncomeLine.division, v), "Of this division.")


@mapped(
    models.IncomeLine,
    order=(models.IncomeLine.household_id, models.IncomeLine.day, models.IncomeLine.id),
    where=lambda sight: models.IncomeLine.known_to.is_(None),
    read=Action.READ_REGISTERS,
)
class IncomeLine(Node):
    """One line of a household's income ledger 收入台账, as it is known now."""

    day: date = column(models.IncomeLine.day, "The day of the income.")
    category: IncomeCategory = column(models.IncomeLine.category, "Its category.")
    item: str = column(models.IncomeLine.item, "What was sold or done.")
    gross: Money = column(models.IncomeLine.gross_fen, "The gross income 总收入.")
    cost: Money | None = column(models.IncomeLine.cost_fen, "The cost 成本; null where it was not stated.")
    quantity: str | None = derived(
        [models.IncomeLine.quantity],
        lambda sight, row: f"{row['quantity'].normalize():f}" if row["quantity"] is not None else None,
        "The quantity as a decimal string.",
    )
    stable: bool | None = column(models.IncomeLine.stable, "Whether the income is stable 是否稳定.")
    evidence: str = column(models.IncomeLine.evidence, "What shows it 印证资料.")
    known_from: datetime = column(models.IncomeLine.known_from, "Since when it is known.")
    household: Annotated[Household, strawberry.lazy("bangfu_graphql.people")] | None = one(
        models.IncomeLine.household_id, models.Household.id, "The household."
    )


def _of_standing(sight: Sight, value: Any) -> ColumnElement[bool]:
    found = select(models.Standing.household_id).where(
        models.Standing.tenant_id == sight.tenant,
        models.Standing.standing == value.value,
        holds(models.Standing, sight.today),
    )
    return models.Household.id.in_(found)


def _headed_by(sight: Sight, value: str) -> ColumnElement[bool]:
    found = (
        select(models.Membership.household_id)
        .join(
            models.Person,
            (models.Person.tenant_id == models.Membership.tenant_id)
            & (models.Person.id == models.Membership.person_id),
        )
        .where(
            models.Membership.tenant_id == sight.tenant,
            models.Membership.relation == HEAD,
            models.Person.name == value,
            holds(models.Membership, sight.today),
        )
    )
    return models.Household.id.in_(found)


@filters
class HouseholdFilter:
    """Which households."""

    number: list[str] | None = where(lambda s, v: among(models.Household.number, v), "With one of these numbers.")
    division: DivisionCode | None = where(lambda s, v: within(models.Household.division, v), "In this division.")
    standing: RegisterStanding | None = where(_of_standing, "Of this standing today.")
    head: str | None = where(_headed_by, "Whose head has exactly this name.")


@mapped(
    models.Household,
    order={
        "DIVISION": (models.Household.division, models.Household.id),
        "NUMBER": (models.Household.number,),
    },
    read=Action.READ_REGISTERS,
)
class Household(Node):
    """A registered household 建档户, known by its number."""

    number: str = column(models.Household.number, "Its number in the register 户编号.")
    group: str = column(
        models.Household.group_name, "The group 村民小组 within the village; empty where none is known."
    )
    division_code: DivisionCode = column(models.Household.division, "Its village.")
    division: Division | None = one(models.Household.division, models.Division.code, "Its village as it is today.")
    standing: Standing | None = one(
        models.Household.id,
        models.Standing.household_id,
        "Its standing in the register today.",
        where=current(models.Standing),
    )
    standings: list[Standing] = many(
        models.Standing.household_id, "Its standings over time.", local=models.Household.id
    )
    head: Member | None = one(
        models.Household.id,
        models.Membership.household_id,
        "Its head 户主 today.",
        where=lambda sight: (models.Membership.relation == HEAD) & holds(models.Membership, sight.today),
    )
    members: list[Member] = many(
        models.Membership.household_id,
        "Who belongs to it today.",
        local=models.Household.id,
        where=current(models.Membership),
    )
    account: Account | None = one(
        models.Household.id,
        models.Account.household_id,
        "The account that it is paid to today.",
        where=current(models.Account),
    )
    linked_cadre: Annotated[LinkedCadre, strawberry.lazy("bangfu_graphql.people")] | None = one(
        models.Household.id,
        models.HouseholdCadre.household_id,
        "The cadre linked to it today 联户干部.",
        where=current(models.HouseholdCadre),
    )
    income: Connection[IncomeLine] = pages(
        Connection[IncomeLine],
        models.Household.id,
        models.IncomeLine.household_id,
        "Its income ledger, by day.",
        filter=IncomeFilter,
    )
    cases: list[Annotated[Case, strawberry.lazy("bangfu_graphql.casework")]] = many(
        models.Case.household_id, "Its cases in the programmes that the county runs.", local=models.Household.id
    )
    in_year: HouseholdYear = in_year()


@mapped(
    models.HouseholdCadre,
    order=(models.HouseholdCadre.household_id, models.HouseholdCadre.valid_from, models.HouseholdCadre.id),
    where=lambda sight: models.HouseholdCadre.known_to.is_(None),
    read=Action.READ_REGISTERS,
)
class LinkedCadre(Node):
    """That a cadre is linked to a household 联户干部."""

    officer: Officer | None = one(models.HouseholdCadre.officer_id, models.Officer.id, "The cadre.")
    since: date = column(models.HouseholdCadre.valid_from, "The first day.")
    until: date | None = column(models.HouseholdCadre.valid_to, "The day before which it ended; null while it holds.")
