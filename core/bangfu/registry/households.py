"""Households and their members, imported from the roster that offices keep: one row a person, the household's own
columns repeated.

A household is known by its number, a person by the identity number (by name within the household where there is none
yet). The registry keeps what was true when: a new standing, account, cadre or relation closes what was known and adds
what is; who has died or moved away leaves on a day. What a sheet leaves out, or a cell leaves blank, stays as it is
known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Action, Entered
from bangfu.db.bulk import among, insert_rows, update_each
from bangfu.documents.cells import Column, Row, one_of, read_day, read_digits, read_key, read_name, read_text, read_year
from bangfu.errors import Code, Problem
from bangfu.models import (
    MOVES_WITH_HOUSEHOLD,
    Account,
    Case,
    Household,
    HouseholdCadre,
    Membership,
    Officer,
    Person,
    Standing,
    new_id,
)
from bangfu.registry.divisions import VILLAGE, Places, level_of, read_code
from bangfu.registry.history import Assertion, assert_from
from bangfu.registry.identity import Identity, read_account, read_identity
from bangfu.registry.importing import Importer, State
from bangfu.registry.known import HEAD, Known, Register
from bangfu.text import Text
from bangfu.vault import Vault, mask_account, mask_phone

RELATIONS = {
    "户主": HEAD,
    "配偶": "spouse",
    "之子": "child",
    "之女": "child",
    "子": "child",
    "女": "child",
    "之儿媳": "child_in_law",
    "之女婿": "child_in_law",
    "之父": "parent",
    "之母": "parent",
    "之祖父": "grandparent",
    "之祖母": "grandparent",
    "之孙子": "grandchild",
    "之孙女": "grandchild",
    "之兄弟姐妹": "sibling",
    "其他": "other",
}
STANDINGS = {
    "贫困户": "poor",
    "未脱贫户": "poor",
    "计划脱贫户": "poor",
    "已脱贫户": "exited",
    "脱贫户": "exited",
    "一般农户": "general",
    "一般户": "general",
}
_SEXES = {"男": "m", "女": "f"}


@dataclass(slots=True)
class _Group:
    """A household as its rows in the file have shown it so far."""

    row: int
    attributes: tuple[Any, ...]
    heads: int = 0
    head_stays: bool = False
    """Whether the household is known with a head of whom the file says nothing."""
    counted: bool = False


@dataclass
class _State(State):
    places: Places = field(default_factory=lambda: Places({}))
    officers: dict[str, UUID] = field(default_factory=dict)
    staff_numbers: dict[UUID, str] = field(default_factory=dict)
    groups: dict[str, _Group] = field(default_factory=dict)
    identities: dict[str, int] = field(default_factory=dict)
    names: dict[tuple[str, str], int] = field(default_factory=dict)
    """The first row of each name in a household."""
    unnumbered: dict[tuple[str, str], int] = field(default_factory=dict)
    """The first row of each name in a household that stands there without an identity number."""


@dataclass
class _Changes:
    """What a chunk of rows adds and changes."""

    households: list[dict[str, Any]] = field(default_factory=list)
    regrouped: list[dict[str, Any]] = field(default_factory=list)
    moved: dict[UUID, int] = field(default_factory=dict)
    standings: list[Assertion] = field(default_factory=list)
    accounts: list[Assertion] = field(default_factory=list)
    cadres: list[Assertion] = field(default_factory=list)
    persons: list[dict[str, Any]] = field(default_factory=list)
    corrected: list[dict[str, Any]] = field(default_factory=list)
    memberships: list[Assertion] = field(default_factory=list)
    resettled: dict[UUID, int] = field(default_factory=dict)
    """The village of each person who comes to a household from another one's."""
    came: dict[UUID, int] = field(default_factory=dict)
    """How many persons who were not known before have come to each household."""


_HOUSEHOLD_FIELDS = (
    ("village", Text("村", "village")),
    ("group", Text("组", "group")),
    ("standing", Text("户类型", "standing")),
    ("exit_year", Text("脱贫年度", "year of leaving poverty")),
    ("cadre", Text("联户干部工号", "linked cadre")),
    ("holder", Text("开户名", "account holder")),
    ("bank", Text("开户行", "bank")),
    ("account", Text("一卡通账号", "bank account")),
)


_CORRECTED = (
    "name", "sex", "birth_date", "identity", "identity_index", "identity_masked", "phone", "phone_masked",
)  # fmt: skip


class HouseholdImporter(Importer[_State]):
    """The household roster 建档立卡花名册."""

    kind = "households"
    title = Text("农户花名册", "household roster")
    action = Action.IMPORT_HOUSEHOLDS
    group = "number"
    columns = (
        Column("number", Text("户编号", "household number"), read_key, ("户码", "家庭编号", "农户编号")),
        Column("township", Text("乡镇", "township"), read_text, ("所在乡镇", "乡(镇)"), required=False),
        Column("village_name", Text("行政村", "village"), read_text, ("村", "村名", "所在村"), required=False),
        Column("village_code", Text("村编码", "village code"), read_code, ("村代码", "行政村编码"), required=False),
        Column("group", Text("村民小组", "group"), read_text, ("组", "自然村"), required=False),
        Column("standing", Text("户类型", "standing"), one_of(STANDINGS), ("户属性", "农户属性")),
        Column("exit_year", Text("脱贫年度", "year of leaving poverty"), read_year, ("脱贫年份",), required=False),
        Column("cadre", Text("联户干部工号", "linked cadre"), read_text, ("帮扶责任人工号",), required=False),
        Column("holder", Text("开户名", "account holder"), read_name, ("账户名", "户名"), required=False),
        Column("bank", Text("开户行", "bank"), read_text, ("开户银行",), required=False),
        Column(
            "account", Text("一卡通账号", "bank account"), read_account, ("银行账号", "账号", "卡号"), required=False,
        ),
        Column("name", Text("姓名", "name"), read_name, ("人员姓名", "成员姓名")),
        Column(
            "identity", Text("证件号码", "identity number"), read_identity, ("身份证号", "身份证号码", "公民身份号码"),
            filled=False,
        ),
        Column("relation", Text("与户主关系", "relation to the head"), one_of(RELATIONS), ("关系",)),
        Column("sex", Text("性别", "sex"), one_of(_SEXES), required=False),
        Column("birth_date", Text("出生日期", "birth date"), read_day, ("出生年月日",), required=False),
        Column("phone", Text("联系电话", "telephone"), read_digits, ("电话", "手机号"), required=False),
        Column("left_on", Text("离户日期", "left on"), read_day, ("减少日期", "死亡日期", "迁出日期"), required=False),
    )  # fmt: skip

    async def prepare(self, session: AsyncSession, who: Entered, vault: Vault, as_of: date) -> _State:
        """Read the villages and officers there are."""
        rows = (
            await session.execute(select(Officer.number, Officer.id).where(Officer.tenant_id == who.county.id))
        ).all()
        places = await Places.on(session, max(as_of, who.at.today))
        return _State(
            who,
            vault,
            as_of,
            places=places,
            officers={row.number: row.id for row in rows},
            staff_numbers={row.id: row.number for row in rows},
        )

    # --- a row by itself ---

    def check(self, row: Row, state: _State) -> None:
        """The village and cadre are known, the person agrees with the identity number, the household's rows agree."""
        values, path = row.values, ("rows", row.number)
        values["village"] = self._village(row, state)
        cadre = values.get("cadre")
        if cadre is not None and cadre not in state.officers:
            row.problems.append(Code.OFFICER_UNKNOWN.problem(*path, "cadre", officer=cadre))
        if values.get("exit_year") is not None and values["standing"] not in (None, "exited"):
            expected = Text("仅已脱贫户填写", "filled for households that left poverty only")
            row.problems.append(
                Code.BAD_VALUE.problem(
                    *path, "exit_year", field=Text("脱贫年度", "year"), value=values["exit_year"], expected=expected
                )
            )
        self._check_identity(row, state)
        left_on = values.get("left_on")
        if left_on is not None and left_on > state.as_of:
            row.problems.append(Code.DAY_IN_FUTURE.problem(*path, "left_on", day=left_on, today=state.as_of))
        if values["number"] is not None:
            self._check_group(row, state)

    def _village(self, row: Row, state: _State) -> int | None:
        values, path = row.values, ("rows", row.number)
        code, name = values.get("village_code"), values.get("village_name")
        if code is not None:
            if level_of(code) == VILLAGE and code in state.places.by_code:
                return int(code)
            row.problems.append(Code.DIVISION_UNKNOWN.problem(*path, "village_code", value=code))
            return None
        found = state.places.village(values.get("township"), name) if name else None
        if found is None and not any(problem.path[-1] == "village_name" for problem in row.problems):
            row.problems.append(Code.DIVISION_UNKNOWN.problem(*path, "village_name", value=name or ""))
        return found

    def _check_identity(self, row: Row, state: _State) -> None:
        values, path = row.values, ("rows", row.number)
        identity: Identity | None = values["identity"]
        name = (values["number"], values["name"])
        if identity is None:
            if any(problem.path[-1] == "identity" for problem in row.problems):
                return
            first = state.names.get(name)
            state.unnumbered.setdefault(name, row.number)
        else:
            first = state.identities.get(identity.number, state.unnumbered.get(name))
            state.identities.setdefault(identity.number, row.number)
            for attribute, title, stated in (
                ("birth_date", Text("出生日期", "the birth date"), identity.birth_date),
                ("sex", Text("性别", "the sex"), identity.sex),
            ):
                if values.get(attribute) not in (None, stated):
                    row.problems.append(Code.IDENTITY_DISAGREES.problem(*path, attribute, field=title))
            if identity.birth_date > state.as_of:
                row.problems.append(Code.IDENTITY_BIRTH.problem(*path, "identity", masked=identity.masked))
        state.names.setdefault(name, row.number)
        if first is not None:
            row.problems.append(Code.DUPLICATE_ROW.problem(*path, row=first))

    def _check_group(self, row: Row, state: _State) -> None:
        number = row.values["number"]
        attributes = tuple(row.values.get(name) for name, _ in _HOUSEHOLD_FIELDS)
        group = state.groups.setdefault(number, _Group(row.number, attributes))
        group.heads += row.values["relation"] == HEAD and row.values.get("left_on") is None
        for (name, title), first, own in zip(_HOUSEHOLD_FIELDS, group.attributes, attributes, strict=True):
            if first != own:
                row.problems.append(
                    Code.HOUSEHOLD_DISAGREES.problem(
                        "rows", row.number, name, number=number, field=title, row=group.row
                    )
                )

    def close(self, state: _State) -> Sequence[Problem]:
        """A household has one head when all is done, whether the file names the head or leaves the known one.

        Of a household with other problems only a second head in the file is told: what else is missing may be in the
        rows that could not be read.
        """
        problems = []
        for number, group in state.groups.items():
            heads = group.heads + group.head_stays
            if group.heads > 1 or (heads != 1 and number not in state.blocked):
                problems.append(Code.HEAD_COUNT.problem("rows", group.row, "relation", number=number, count=heads))
                state.blocked.add(number)
        return problems

    # --- against what is known ---

    async def compare(self, session: AsyncSession, rows: Sequence[Row], state: _State) -> _Changes:
        """What is new and what changed, of households, persons and how they belong together."""
        tenant, identities = state.who.county.id, [row.values["identity"] for row in rows]
        known = await Register.read(
            session,
            tenant,
            state.as_of,
            {row.values["number"] for row in rows},
            [state.vault.index(identity.number, "identity", tenant) for identity in identities if identity],
        )
        changes = _Changes()
        ids: dict[str, UUID] = {}
        for row in rows:
            number = row.values["number"]
            if number not in ids:
                ids[number] = self._household(row, known, changes, state)
            self._person(row, ids[number], known, changes, state)
        return changes

    def _household(self, row: Row, known: Register, changes: _Changes, state: _State) -> UUID:
        values, group = row.values, state.groups[row.values["number"]]
        tally = state.tally("household")
        old = known.households.get(values["number"])
        village, group_name = values["village"], values.get("group") or ""
        if old is None:
            household = new_id()
            if not group.counted:
                tally.new += 1
            changes.households.append(
                {
                    "tenant_id": state.who.county.id,
                    "id": household,
                    "number": values["number"],
                    "division": village,
                    "group_name": group_name,
                    "created_at": state.who.at.now,
                }
            )
            was: dict[str, tuple[Any, Any]] = {}
        else:
            household, was = old.id, {}
            if not group.counted:
                group.head_stays = household in known.heads
            if old.division != village:
                was["village"] = (state.places.named(old.division), state.places.named(village))
                changes.moved[household] = village
            if values.get("group") is not None and old.group_name != group_name:
                was["group"] = (old.group_name, group_name)
                changes.regrouped.append({"id": household, "group_name": group_name})
        was.update(self._dated(row, household, known, changes, state))
        if old is not None and not group.counted:
            if was:
                tally.change(values["number"], **was)
            else:
                tally.same += 1
        group.counted = True
        return household

    def _dated(
        self, row: Row, household: UUID, known: Register, changes: _Changes, state: _State
    ) -> dict[str, tuple[Any, Any]]:
        """Standing, account and cadre: asserted from the day of the roster, an exit from the end of its year."""
        values, village = row.values, row.values["village"]
        was: dict[str, tuple[Any, Any]] = {}
        key = {"household_id": household}
        standing = known.standings.get(household)
        year = values.get("exit_year")
        if year is None and standing is not None and standing.standing == values["standing"]:
            year = standing.exit_year
        stated = (values["standing"], year)
        if standing is None or (standing.standing, standing.exit_year) != stated:
            since = date(stated[1], 12, 31) if stated[1] else state.as_of
            was["standing"] = ((standing.standing, standing.exit_year) if standing else None, stated)
            of = {"division": village, "standing": stated[0], "exit_year": stated[1]}
            changes.standings.append(Assertion(key, of, min(since, state.as_of), as_of=state.as_of))
        account, number = known.accounts.get(household), values.get("account")
        if number is not None:
            tenant = state.who.county.id
            index = state.vault.index(number, "account", tenant)
            holder, bank = (
                values.get(name) or (getattr(account, name) if account else "") for name in ("holder", "bank")
            )
            if account is None or (account.number_index, account.holder, account.bank) != (index, holder, bank):
                was["account"] = (account.number_masked if account else None, mask_account(number))
                changes.accounts.append(
                    Assertion(
                        key,
                        {
                            "division": village,
                            "holder": holder,
                            "bank": bank,
                            "number": state.vault.seal(number, "account.number", tenant),
                            "number_index": index,
                            "number_masked": mask_account(number),
                        },
                        state.as_of,
                        as_of=state.as_of,
                    )
                )
        cadre = state.officers.get(values.get("cadre") or "")
        linked = known.cadres.get(household)
        if cadre is not None and (linked is None or linked.officer_id != cadre):
            before = state.staff_numbers.get(linked.officer_id) if linked else None
            was["cadre"] = (before, values["cadre"])
            values_ = {"division": village, "officer_id": cadre}
            changes.cadres.append(Assertion(key, values_, state.as_of, as_of=state.as_of))
        return was

    def _person(self, row: Row, household: UUID, known: Register, changes: _Changes, state: _State) -> None:
        values, tally = row.values, state.tally("person")
        identity: Identity | None = values["identity"]
        index = state.vault.index(identity.number, "identity", state.who.county.id) if identity else None
        meant = known.meant(household, values["name"], index)
        if len(meant) > 1:
            row.problems.append(Code.NAMESAKES.problem("rows", row.number, "identity"))
            return
        person = meant[0] if meant else None
        member = known.members.get(person.id) if person else None
        if person is not None and known.heads.get(household) == person.id:
            state.groups[values["number"]].head_stays = False
        if values.get("left_on") is not None:
            self._leave(row, member if member and member.household_id == household else None, changes, state)
            return
        if person is not None and member is not None and member.household_id != household:
            masked = identity.masked if identity else values["name"]
            row.problems.append(
                Code.PERSON_ELSEWHERE.problem("rows", row.number, "identity", masked=masked, number=member.number)
            )
            return
        if person is None:
            tally.new += 1
            person_id = new_id()
            changes.came[household] = changes.came.get(household, 0) + 1
            # Whoever comes to a household is numbered once and for all, wherever he lives later.
            place = known.ever.get(household, 0) + changes.came[household]
            new = self._new_person(values, person_id, identity, index, state)
            changes.persons.append({**new, "number": f"{values['number']}-{place:02d}"})
        else:
            person_id = person.id
            was = self._correct(person, values, identity, index, changes, state)
            if member is not None and member.relation != values["relation"]:
                was["relation"] = (member.relation, values["relation"])
            if member is None and person.division != values["village"]:
                was["village"] = (state.places.named(person.division), state.places.named(values["village"]))
                changes.resettled[person_id] = values["village"]
            if was or member is None:
                tally.change(values["name"], **was)
            else:
                tally.same += 1
        if member is None or member.relation != values["relation"]:
            of = {"household_id": household, "division": values["village"], "relation": values["relation"]}
            changes.memberships.append(Assertion({"person_id": person_id}, of, state.as_of))

    def _leave(self, row: Row, member: Known | None, changes: _Changes, state: _State) -> None:
        """End a membership on the day stated; who is no member has nothing left to end."""
        tally, left_on = state.tally("person"), row.values["left_on"]
        if member is None:
            tally.same += 1
            return
        if left_on <= member.valid_from:
            row.problems.append(
                Code.BAD_VALUE.problem(
                    "rows", row.number, "left_on", field=Text("离户日期", "the day of leaving"), value=left_on,
                    expected=Text(f"晚于 {member.valid_from} 的日期", f"a day after {member.valid_from}"),
                )
            )  # fmt: skip
            return
        tally.change(row.values["name"], left_on=(None, left_on))
        of = {"household_id": member.household_id, "division": member.division, "relation": member.relation}
        changes.memberships.append(Assertion({"person_id": member.person_id}, of, member.valid_from, left_on))

    def _correct(
        self,
        person: Known,
        values: dict[str, Any],
        identity: Identity | None,
        index: bytes | None,
        changes: _Changes,
        state: _State,
    ) -> dict[str, tuple[Any, Any]]:
        """What the row says differently of a known person; a first identity number settles sex and birth date."""
        tenant, was = state.who.county.id, {}
        sex = identity.sex if identity else values.get("sex")
        birth_date = identity.birth_date if identity else values.get("birth_date")
        stated = {"name": values["name"]}
        if person.identity_index is None:
            stated |= {"sex": sex, "birth_date": birth_date}
        for name, value in stated.items():
            if value is not None and getattr(person, name) != value:
                was[name] = (getattr(person, name), value)
        if identity is not None and person.identity_index is None:
            was["identity"] = (None, identity.masked)
        phone = values.get("phone")
        if phone is not None and (
            person.phone is None or state.vault.reveal(person.phone, "person.phone", tenant) != phone
        ):
            was["phone"] = (person.phone_masked, mask_phone(phone))
        if was:
            new = self._new_person(values, person.id, identity, index, state)
            kept = {name: getattr(person, name) if new[name] is None else new[name] for name in _CORRECTED}
            changes.corrected.append({"id": person.id, **kept})
        return was

    def _new_person(
        self, values: dict[str, Any], id_: UUID, identity: Identity | None, index: bytes | None, state: _State
    ) -> dict[str, Any]:
        tenant, phone = state.who.county.id, values.get("phone")
        return {
            "tenant_id": tenant,
            "id": id_,
            "division": values["village"],
            "name": values["name"],
            "sex": identity.sex if identity else values.get("sex"),
            "birth_date": identity.birth_date if identity else values.get("birth_date"),
            "identity": state.vault.seal(identity.number, "person.identity", tenant) if identity else None,
            "identity_index": index,
            "identity_masked": identity.masked if identity else None,
            "phone": state.vault.seal(phone, "person.phone", tenant) if phone else None,
            "phone_masked": mask_phone(phone) if phone else None,
            "created_at": state.who.at.now,
        }

    async def apply(self, session: AsyncSession, changes: _Changes, state: _State) -> None:
        """Carry out the changes of a chunk, in a number of statements that does not depend on its size."""
        now = state.who.at.now
        await insert_rows(session, Household, changes.households)
        await update_each(session, Household, changes.regrouped)
        await move(session, state.who.county.id, changes.moved)
        await assert_from(session, Standing, changes.standings, now)
        await assert_from(session, Account, changes.accounts, now)
        await assert_from(session, HouseholdCadre, changes.cadres, now)
        await insert_rows(session, Person, changes.persons)
        await update_each(session, Person, changes.corrected)
        await assert_from(session, Membership, changes.memberships, now)
        await _resettle(session, state.who.county.id, changes.resettled)


async def move(session: AsyncSession, tenant: int, moved: dict[UUID, int]) -> None:
    """Move households to other villages, with everything that follows them; what was published or paid stays."""
    for village in sorted(set(moved.values())):
        ids = [household for household, to in moved.items() if to == village]
        cases = select(Case.id).where(Case.tenant_id == tenant, among(Case.household_id, ids)).scalar_subquery()
        persons = select(Membership.person_id).where(
            Membership.tenant_id == tenant,
            among(Membership.household_id, ids),
            Membership.known_to.is_(None),
            Membership.valid_to.is_(None),
        )
        await _resettle(session, tenant, dict.fromkeys((await session.scalars(persons)).all(), village))
        for model in MOVES_WITH_HOUSEHOLD:
            table: Any = model
            if table is Household:
                which = among(table.id, ids)
            elif hasattr(table, "household_id"):
                which = among(table.household_id, ids)
            elif hasattr(table, "case_id"):
                which = table.case_id.in_(cases)
            else:
                continue
            await session.execute(update(table).where(table.tenant_id == tenant, which).values(division=village))


_OF_PERSONS = tuple(
    model
    for model in MOVES_WITH_HOUSEHOLD
    if model is Person or (hasattr(model, "person_id") and not hasattr(model, "household_id"))
    if not hasattr(model, "case_id")
)
"""What is kept of a person whatever household he belongs to, such as where he goes to school."""


async def _resettle(session: AsyncSession, tenant: int, moved: Mapping[UUID, int]) -> None:
    """Take along to other villages what is kept of persons themselves."""
    for village in sorted(set(moved.values())):
        persons = [person for person, to in moved.items() if to == village]
        for model in _OF_PERSONS:
            table: Any = model
            which = among(table.id if table is Person else table.person_id, persons)
            await session.execute(update(table).where(table.tenant_id == tenant, which).values(division=village))
