"""Two counties for the attack, and who may see which of their rows.

The first is the small county of ``tests.county`` at the end of its year, with something of everything. The second is
its twin under another code: row for row the same, under other ids, and *dyed*: every Chinese word of it begins with a
character that nothing else of the product holds. An answer to somebody of the first county that shows the dye, the
twin's code or one of its ids has leaked.

Who may see what is said here once more, in plain Python over plain rows that a superuser read: nothing of the
product's walls, scopes or duties is asked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from bangfu.process import Duty
from bangfu.registry.identity import check_character
from bangfu.vault import Vault
from tests.county import BASE, CODE, T1, T2, V1, V2, V3, credit_code

TWIN = "990301"
"""The code of the second county."""
DYE = "龢"
"""The character that every Chinese word of the second county begins with."""
PAIRINGS = "wanqi_bang_wancun"
"""The programme of pairings that both counties run."""
BASES, SERVICES = "disabled_bases", "disabled_services"
"""The programmes of inspections and of handing out that both counties run."""
PERIOD, TWINS_PERIOD = "2021", "2022"
"""The period that both counties have opened, and one that the twin alone has."""
_SHIFT = (int(TWIN) - int(CODE)) * 1_000_000
_MASK = 0xB0B0_B0B0
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_HOUSEHOLD = re.compile(r"(?<![0-9A-Za-z])H([1-9])(?![0-9A-Za-z@])")
_CHINESE = re.compile(r"[\u4e00-\u9fff]+")
UNDYED = frozenset({"edition", "programme_switch"})
"""Tables whose words are the product's own."""
WHOLE = (BASE, BASE + 999_999)
EAST, WEST = (T1, T1 + 999), (T2, T2 + 999)

Row = Mapping[str, Any]
Area = tuple[int, int]


def household(home: str, code: str = CODE) -> str:
    """The number of a household: one that nothing else of an answer can be mistaken for."""
    return f"{home}@{code}"


def staff(number: str, code: str = CODE) -> str:
    """A staff number."""
    return f"{number}@{code}"


# --- making them ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Dyer:
    """Turns the rows of the small county into those of one of the two."""

    code: str

    @property
    def is_twin(self) -> bool:
        return self.code == TWIN

    def text(self, text: str, dyed: bool) -> str:
        """A text: household numbers that name their county; of the twin, other ids and codes, and the dye."""
        text = _HOUSEHOLD.sub(lambda found: household(found[0], CODE), text)
        if self.is_twin:
            text = _UUID.sub(lambda found: str(self.uuid(UUID(found[0]))), text).replace(CODE, TWIN)
            if dyed:
                text = _CHINESE.sub(lambda found: f"{DYE}{found[0]}", text)
        return text

    def uuid(self, key: UUID) -> UUID:
        return UUID(int=key.int ^ _MASK) if self.is_twin else key

    def number(self, number: int) -> int:
        return number + _SHIFT if self.is_twin and WHOLE[0] <= number <= WHOLE[1] + 1 else number

    def value(self, value: Any, dyed: bool) -> Any:
        """A value of a column."""
        if isinstance(value, str):
            return self.text(value, dyed)
        if isinstance(value, UUID):
            return self.uuid(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return self.number(value)
        if isinstance(value, list):
            return [self.value(item, dyed) for item in value]
        if isinstance(value, asyncpg.Range):
            low, high = (None if end is None else self.number(end) for end in (value.lower, value.upper))
            return asyncpg.Range(low, high, lower_inc=value.lower_inc, upper_inc=value.upper_inc)
        return value

    def row(self, table: str, row: Row, tenant: int) -> dict[str, Any]:
        """A row of one of the two counties."""
        made = {name: self.value(value, table not in UNDYED) for name, value in row.items()}
        if table == "officer":
            made["number"] = staff(row["number"], self.code)
        return {**made, "tenant_id": tenant}


async def tables(connection: asyncpg.Connection[Any]) -> list[str]:
    """Every table with rows of counties."""
    query = """select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
                where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace order by 1"""
    return [row[0] for row in await connection.fetch(query)]


async def rows_of(connection: asyncpg.Connection[Any]) -> dict[str, list[Row]]:
    """Every row of every table, whoever's it is: the connection is a superuser's."""
    return {table: list(await connection.fetch(f"select * from {table}")) for table in await tables(connection)}


async def put(connection: asyncpg.Connection[Any], table: str, row: Row) -> None:
    """Write a row down as it is."""
    names = ", ".join(row)
    places = ", ".join(f"${place}" for place in range(1, len(row) + 1))
    await connection.execute(f"insert into {table} ({names}) values ({places})", *row.values())


async def make_twin(connection: asyncpg.Connection[Any], vault: Vault) -> None:
    """Turn the small county into the two: with every duty, with households of one village linked to two cadres, with
    pairings, keys of requests that were answered, and a period that the twin alone has opened."""
    await connection.execute("set session_replication_role = replica")
    found = await rows_of(connection)
    (home,) = await connection.fetch("select * from tenant where code = $1", CODE)
    values = [TWIN, f"{DYE}{home['name']}", home["created_at"], home["demo_today"], home["demo_set_at"]]
    insert = "insert into tenant (code, name, created_at, demo_today, demo_set_at) values ($1, $2, $3, $4, $5)"
    twin = await connection.fetchval(f"{insert} returning id", *values)
    _add(found, home["id"])
    for table, rows in found.items():
        await connection.execute(f"delete from {table}")
        for row in rows:
            for dyer, tenant in ((Dyer(CODE), home["id"]), (Dyer(TWIN), twin)):
                made = dyer.row(table, row, tenant)
                if table == "person" and dyer.is_twin:
                    _own_identity(made, vault, twin)
                await put(connection, table, made)
                if table == "edition" and dyer.is_twin:
                    other = UUID(int=made["id"].int ^ 1)
                    await put(connection, table, {**made, "period": TWINS_PERIOD, "id": other})
    await connection.execute("set session_replication_role = origin")


def twins_identity(number: int) -> str:
    """A valid identity number of a person of the twin."""
    first17 = f"{TWIN}19700101{number % 1000:03d}"
    return first17 + check_character(first17)


def identity_of(person: Row) -> str:
    """The identity number of a person of the twin: one for the head and one for the spouse of each household."""
    (home,) = re.findall(r"[0-9]+", person["name"])
    return twins_identity(2 * int(home) + ("户主" in person["name"]))


def _own_identity(person: dict[str, Any], vault: Vault, tenant: int) -> None:
    identity = identity_of(person)
    person["identity_index"] = vault.index(identity, "identity", tenant)
    person["identity"] = vault.seal(identity, "person.identity", tenant)


def _add(found: dict[str, list[Row]], tenant: int) -> None:
    """What the small county lacks, as rows of it."""
    officers = {row["number"]: row for row in found["officer"]}
    homes = {row["number"]: row for row in found["household"]}
    units = sorted(found["organization"], key=lambda row: row["credit_code"])
    assigned = found["assignment"][0]
    taken = {row["officer_id"] for row in found["assignment"]}
    for place, (number, role) in enumerate(ROLES.items()):
        if number in officers:
            assert officers[number]["id"] in taken
            continue
        key = UUID(int=0x0198_0000_0000_7000_8000_0000_0000_0000 + place)
        officers[number] = {**officers["C1"], "id": key, "number": number, "name": f"新设{number}"}
        found["officer"].append(officers[number])
        low, high = role.places[0] if role.places else (V1, V1)
        duty = {**assigned, "id": UUID(int=key.int + 0x1000), "officer_id": key, "duty": role.duty.value}
        duty |= {"area_lo": low, "area_hi": high, "valid_to": None, "known_to": None}
        if role.duty is Duty.HOUSEHOLDER:
            duty["household_id"] = homes[role.households[0]]["id"]
        found["assignment"].append(duty)
    _add_schools(found, officers, homes)
    _add_circumstances(found, officers, homes)
    _add_attestations(found, officers, homes["H1"]["created_at"])
    enterprise = officers["E1"]["organization_id"]
    other = next(unit["id"] for unit in units if unit["id"] != enterprise)
    found["pairing"] += [
        {
            **{name: assigned[name] for name in ("tenant_id", "valid_from", "valid_to", "known_from", "known_to")},
            "id": UUID(int=0x0198_0000_0000_7000_9000_0000_0000_0000 + place),
            "organization_id": unit,
            "division": village,
        }
        for place, (unit, village) in enumerate(((enterprise, V1), (other, V1), (other, V3)))
        if (unit, village) not in {(row["organization_id"], row["division"]) for row in found["pairing"]}
    ]
    _add_pairings(found, officers, (enterprise, other))
    _add_bases(found, officers, (enterprise, other))
    _add_handouts(found, officers)
    second = {homes["H3"]["id"], homes["H4"]["id"]}
    found["household_cadre"] = [
        {**row, "officer_id": officers["L2"]["id"]} if row["household_id"] in second else row
        for row in found["household_cadre"]
    ]
    now = found["household"][0]["created_at"]
    for place, number in enumerate(("C1", "SJ", "K2")):
        key, shown = (
            officers[number]["id"],
            {"tenant_id": tenant, "digest": bytes(32), "expires_at": now + timedelta(days=36_500)},
        )
        found["login_session"].append(
            {
                **shown,
                "id": UUID(int=0x0198_0000_0000_7000_A000_0000_0000_0000 + place),
                "officer_id": key,
                "way": "local",
                "created_at": now,
                "seen_at": datetime.now(UTC),
                "ended_at": None,
            }
        )
        found["service_token"].append(
            {
                **shown,
                "id": UUID(int=0x0198_0000_0000_7000_B000_0000_0000_0000 + place),
                "officer_id": key,
                "name": f"{number}对接",
                "actions": ["read_cases"],
                "made_by": key,
                "made_at": now,
                "revoked_at": None,
            }
        )
    found["answered_request"] += [
        {
            "tenant_id": tenant,
            "officer_id": officers[number]["id"],
            "key": f"key of {number} {CODE}",
            "digest": "f00d" * 16,
            "answer": b"\0",
            "created_at": now,
        }
        for number in ("C1", "K2")
    ]


def _add_pairings(found: dict[str, list[Row]], officers: Mapping[str, Row], units: tuple[UUID, UUID]) -> None:
    """The programme of pairings, with something of everything between the first enterprise and a village of the east,
    and between another and one of the west."""
    office, home = officers["C1"], found["household"][0]
    tenant, now = home["tenant_id"], home["created_at"]
    persons = {row["division"]: row["id"] for row in found["person"]}
    numbers = iter(range(1, 1000))

    def row(**values: Any) -> dict[str, Any]:
        key = UUID(int=0x0198_0000_0000_7000_F000_0000_0000_0000 + next(numbers))
        acted = {
            "officer_id": office["id"], "duty": "county_office", "effective_on": now.date(), "evidence": "纸质",
            "recorded_by": office["id"], "recorded_at": now,
        }  # fmt: skip
        return {"tenant_id": tenant, "id": key, **acted, **values}

    programme = {"programme": PAIRINGS}
    found["programme_switch"].append({"tenant_id": tenant, **programme, "since": now.date(), "until": None})
    for unit, village, word in ((units[0], V1, "东"), (units[1], V3, "西")):
        answer = {"verified": True, "verified_by": officers["C2"]["id"], "verified_on": now.date(), "verified_at": now}
        helper = row(**programme, organization_id=unit, chamber=f"{word}商会", reason="", **answer)
        closed = dict.fromkeys(("closed_as", "closed_by", "closed_on", "closed_at", "replaces"))
        need = row(**programme, division=village, path="donation", what=f"{word}村所需", reason="", **closed)
        open_ = dict.fromkeys(("ended_as", "ended_on", "ended_by", "ended_at", "takes_over"))
        agreement = row(
            **programme, organization_id=unit, division=village, number=f"{word}协议", helper_id=helper["id"],
            valid_from=now.date(), valid_to=now.date() + timedelta(days=1500), held_to="{}", signed_on=now.date(),
            end_reason="", end_evidence="", **open_,
        )  # fmt: skip
        whose = {"agreement_id": agreement["id"], "organization_id": unit, "division": village}
        line = row(
            **whose, year=now.year, path="donation", kind="cash", office="", what=f"{word}措施", amount_fen=100,
            quantity=None, due_on=now.date(), replaces=None, replaced_at=None,
        )  # fmt: skip
        obstacle = row(
            **whose, what=f"{word}困难", owner_id=office["id"], outcome="", resolved_by=None, resolved_on=None,
            resolved_at=None,
        )  # fmt: skip
        delivery = row(
            **whose, **programme, year=now.year, path="donation", kind="cash", what=f"{word}捐款", amount_fen=100,
            quantity=1, valuation="", receipt=f"{word}单据", corrects=None, state="partly", stands_fen=50,
            stands_quantity=1, version=2,
        )  # fmt: skip
        said = {"delivery_id": delivery["id"], "organization_id": unit, "division": village, "number": 1}
        person = row(delivery_id=delivery["id"], person_id=persons[village], division=village)
        for name in ("officer_id", "duty", "effective_on", "evidence"):
            del person[name]
        paper = row(key=f"{word}单据", delivery_id=delivery["id"], organization_id=unit, division=village)
        paper = {name: paper[name] for name in ("tenant_id", "id", "key", "delivery_id", "organization_id", "division")}
        for table, made in (
            ("helper", helper), ("need", need), ("pairing_agreement", agreement),
            ("agreement_signature", row(**whose, side="helped")), ("plan_line", line), ("obstacle", obstacle),
            ("delivery", delivery), ("delivery_receipt", paper),
            ("delivery_answer", row(**said, verdict="partly", stands_fen=50, stands_quantity=1, reason=f"{word}意见")),
            ("delivery_person", person),
            ("pairing_review", row(**whose, year=now.year, number=1, outcome="met", finding=f"{word}检查",
                                   nominated=False, exited_households=1,
                                   figures='{"pledged_fen": 100, "stands_fen": 50}')),
        ):  # fmt: skip
            found[table].append(made)


def _add_schools(found: dict[str, list[Row]], officers: dict[str, Row], homes: Mapping[str, Row]) -> None:
    """Two schools with a student of each village; one has an agent. Of two students, another list says otherwise."""
    tenant, now = homes["H1"]["tenant_id"], homes["H1"]["created_at"]
    heads = {row["household_id"]: row for row in found["membership"] if row["relation"] == "head"}
    persons = {row["id"]: row for row in found["person"]}
    schools = []
    for place, name in enumerate(("东校", "西校")):
        key = UUID(int=0x0198_0000_0000_7000_C000_0000_0000_0000 + place)
        unit = {"tenant_id": tenant, "id": key, "credit_code": credit_code(700 + place), "name": name}
        found["organization"].append({**unit, "kind": "school", "division": BASE})
        schools.append((key, name))
    agent = {**officers["SA"], "organization_id": schools[0][0]}
    found["officer"] = [agent if row["id"] == agent["id"] else row for row in found["officer"]]
    for place, (home, school) in enumerate((("H1", 0), ("H5", 0), ("H7", 1), ("H2", 1))):
        person = persons[heads[homes[home]["id"]]["person_id"]]
        organization, name = schools[school]
        own = {"tenant_id": tenant, "person_id": person["id"], "division": person["division"]}
        says = {"source": "bureau", "reported_on": now.date()}
        found["schooling"].append({
            **own, **says, "id": UUID(int=0x0198_0000_0000_7000_D000_0000_0000_0000 + place),
            "organization_id": organization, "school": name, "name": person["name"], "student_number": f"学籍{home[1:]}号", "in_county": True,
            "level": "secondary_vocational", "grade": 1, "months": None, "interning": False, "proved": place % 2 == 0,
            "valid_from": now.date(), "valid_to": None, "known_from": now, "known_to": None,
        })  # fmt: skip
        if school == 1:
            found["discrepancy"].append({
                **own, **says, "id": UUID(int=0x0198_0000_0000_7000_E000_0000_0000_0000 + place), "kind": "schooling",
                "organization_id": None, "known": json.dumps({"name": person["name"]}, ensure_ascii=False),
                "reported": json.dumps({"name": f"别名{home[1:]}"}, ensure_ascii=False),
                "recorded_by": officers["JY"]["id"], "recorded_at": now, "accepted": None, "reason": "",
                "settled_by": None, "settled_at": None,
            })  # fmt: skip


def _add_circumstances(found: dict[str, list[Row]], officers: dict[str, Row], homes: Mapping[str, Row]) -> None:
    """Of one person of each township, a certificate, and what another list says of it; of another, the guarantee, as it
    was known before and is now."""
    tenant, now = homes["H1"]["tenant_id"], homes["H1"]["created_at"]
    members = {(row["household_id"], row["relation"]): row["person_id"] for row in found["membership"]}
    persons = {row["id"]: row for row in found["person"]}
    for place, (home, kind) in enumerate(
        (("H1", "certificate"), ("H5", "minimum_living"), ("H7", "certificate"), ("H8", "minimum_living"))
    ):
        # The heads of two of them hold one already, by which they are paid every month.
        relation = "spouse" if kind == "certificate" else "head"
        person = persons[members[homes[home]["id"], relation]]
        own = {"tenant_id": tenant, "person_id": person["id"], "division": person["division"], "kind": kind}
        says = {"source": "federation" if kind == "certificate" else "civil_affairs", "reported_on": now.date()}
        certificate = {"level": 2, "category": "limbs", "generation": 2} if kind == "certificate" else {}
        row = {
            **own, **says, **dict.fromkeys(("level", "category", "generation", "number", "number_masked")),
            **certificate, "id": UUID(int=0x0198_0000_0000_7000_D100_0000_0000_0000 + place),
            "class_name": "" if certificate else f"保障{home[1:]}类", "evidence": f"情形{home[1:]}名册",
            "valid_from": now.date(), "valid_to": None, "known_from": now, "known_to": None,
        }  # fmt: skip
        found["circumstance"].append(row)
        if certificate:
            found["discrepancy"].append({
                **own, **says, "id": UUID(int=0x0198_0000_0000_7000_E100_0000_0000_0000 + place),
                "organization_id": None, "known": json.dumps({"name": person["name"]}, ensure_ascii=False),
                "reported": json.dumps({"name": f"残证{home[1:]}名"}, ensure_ascii=False),
                "recorded_by": officers["CL"]["id"], "recorded_at": now, "accepted": None, "reason": "",
                "settled_by": None, "settled_at": None,
            })  # fmt: skip
        else:
            before = {"id": UUID(int=0x0198_0000_0000_7000_D200_0000_0000_0000 + place), "known_to": now}
            found["circumstance"].append({**row, **before, "class_name": f"原保障{home[1:]}类"})


def _add_attestations(found: dict[str, list[Row]], officers: dict[str, Row], now: datetime) -> None:
    """What the two schools are asked of cases of each village; one has answered of one."""
    schools = {row["name"]: row["id"] for row in found["organization"]}
    for place, (home, school) in enumerate((("H1", "东校"), ("H5", "东校"), ("H7", "西校"), ("H2", "西校"))):
        (case,) = (row for row in found["case_file"] if row["number"] == home and row["programme"] == "consolidation")
        own = {name: case[name] for name in ("tenant_id", "division")}
        own |= {"case_id": case["id"], "organization_id": schools[school]}
        key = UUID(int=0x0198_0000_0000_7000_F000_0000_0000_0000 + place)
        found["attestation"].append({
            **own, "id": key, "programme": case["programme"], "period": case["period"], "fact": "sealed",
            "name": f"学员{home[1:]}号", "card": case["stated"], "asked_by": officers["K1"]["id"], "asked_at": now,
            "gone_at": None,
        })  # fmt: skip
        if home in ("H1", "H7"):
            found["attestation_answer"].append({
                **own, "id": UUID(int=key.int + 0x100), "attestation_id": key, "attested": home == "H1",
                "note": f"说明{home[1:]}", "answered_on": now.date(), "answered_by": officers["SA"]["id"],
                "answered_at": now,
            })  # fmt: skip


def _acted(found: dict[str, list[Row]], officers: Mapping[str, Row], places: Iterator[int]) -> Any:
    """Makes rows that somebody of the county's office has put in."""
    office, home = officers["C1"], found["household"][0]
    now = home["created_at"]
    acted = {
        "officer_id": office["id"], "duty": "county_office", "effective_on": now.date(), "evidence": "纸质",
        "recorded_by": office["id"], "recorded_at": now,
    }  # fmt: skip

    def row(**values: Any) -> dict[str, Any]:
        key = UUID(int=0x0198_0000_0000_7000_C000_0000_0000_0000 + next(places))
        return {"tenant_id": home["tenant_id"], "id": key, **acted, **values}

    return row


def _add_bases(found: dict[str, list[Row]], officers: Mapping[str, Row], units: tuple[UUID, UUID]) -> None:
    """A base of the first enterprise in the east and one of another in the west, each assessed and due something."""
    row, now = _acted(found, officers, iter(range(1, 100))), found["household"][0]["created_at"]
    for code in (BASES, SERVICES):
        switch = {
            "tenant_id": found["household"][0]["tenant_id"],
            "programme": code,
            "since": now.date(),
            "until": None,
        }
        found["programme_switch"].append(switch)
    agreed = {"confirmed": True, "confirmed_by": officers["C2"]["id"], "confirmed_on": now.date(), "confirmed_at": now}
    for unit, village, word in ((units[0], V1, "东"), (units[1], V3, "西")):
        counted = {"programme": BASES, "placed": 2, "led": 3, "poor": 1, "reason": ""}
        base = row(**counted, **agreed, organization_id=unit, division=village, level="city", rural=True)
        whose = {"base_id": base["id"], "organization_id": unit, "division": village}
        item = [{"item": "placing", "applies": True, "present": False, "evidence": f"{word}村凭据"}]
        assessment = row(
            **whose, **counted, items=json.dumps(item, ensure_ascii=False), score=80, finding_count=1, held_to="{}",
            notice=f"2021-{word}", agreed=True, agreed_by=officers["C2"]["id"], agreed_on=now.date(), agreed_at=now,
            issued_by=officers["C2"]["id"], issued_on=now.date(), issued_at=now, due_on=now.date(),
        )  # fmt: skip
        finding = row(
            **whose, assessment_id=assessment["id"], item="placing", finding=f"{word}村问题",
            written_by=officers["C1"]["id"], rectified="", note="",
        )  # fmt: skip
        for name in ("officer_id", "duty", "effective_on", "recorded_by", "recorded_at"):
            del finding[name]
        subsidy = row(
            **whose, programme=BASES, assessment_id=assessment["id"], year=now.year, level="city", amount_fen=100,
            held_to="{}",
        )  # fmt: skip
        for table, made in (
            ("support_base", base), ("base_assessment", assessment), ("base_finding", finding),
            ("base_subsidy", subsidy),
        ):  # fmt: skip
            found[table].append(made)


def _add_handouts(found: dict[str, list[Row]], officers: Mapping[str, Row]) -> None:
    """Goods that a household of the east and one of the west have signed for, out of one batch."""
    row, now = _acted(found, officers, iter(range(100, 200))), found["household"][0]["created_at"]
    common = {"programme": SERVICES, "kind": "goods"}
    batch = row(**common, item="一批", voucher="总票", value_fen=400, out_quantity=0, out_fen=200)
    found["handout_batch"].append(batch)
    homes = {home["number"]: home for home in found["household"]}
    for number, word in (("H1", "东"), ("H7", "西")):
        found["handout"].append(row(
            **common, item=f"{word}村鸡苗", division=homes[number]["division"], household_id=homes[number]["id"],
            value_fen=100, state="handed_over", year=now.year, listed_by=officers["C1"]["id"], listed_on=now.date(),
            listed_at=now, batch_id=batch["id"], receiver=f"{word}村签收人", signature=f"{word}村签收表",
            handed_by=officers["C1"]["id"], handed_on=now.date(), handed_at=now, outcome="", reason="",
        ))  # fmt: skip


# --- who may see what -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Role:
    """One who attacks, and what he may see: the places, his own households, whether he holds an office of the county,
    and the area that he belongs to, whether or not he sees it."""

    duty: Duty
    places: tuple[Area, ...] = ()
    households: tuple[str, ...] = ()
    office: bool = True
    belongs: Area = WHOLE


ROLES: Mapping[str, Role] = {
    "L1": Role(Duty.LINKED_CADRE, households=("H1", "H2"), belongs=(V1, V1)),
    "W1": Role(Duty.WORK_TEAM, ((V1, V1),), belongs=(V1, V1)),
    "VC2": Role(Duty.VILLAGE_COMMITTEE, ((V2, V2),), belongs=(V2, V2)),
    "B1": Role(Duty.VILLAGE_CADRE, ((V1, V1),), belongs=(V1, V1)),
    "K1": Role(Duty.TOWNSHIP_CLERK, (EAST,), belongs=EAST),
    "K2": Role(Duty.TOWNSHIP_CLERK, (WEST,), belongs=WEST),
    "A3": Role(Duty.TOWNSHIP_ACCEPTOR, (WEST,), belongs=WEST),
    "C1": Role(Duty.COUNTY_OFFICE, (WHOLE,)),
    "FM": Role(Duty.FUND_MANAGER, (WHOLE,)),
    "FI": Role(Duty.FINANCE, (WHOLE,)),
    "R2": Role(Duty.REGISTRAR, (WHOLE,)),
    "MZ": Role(Duty.CIVIL_AFFAIRS, (WHOLE,)),
    "CL": Role(Duty.DISABLED_FEDERATION, (WHOLE,)),
    "JY": Role(Duty.EDUCATION, (WHOLE,)),
    "GS": Role(Duty.INDUSTRY_FEDERATION, (WHOLE,)),
    "SJ": Role(Duty.AUDITOR, (WHOLE,)),
    "SU": Role(Duty.SUPERIOR, (WHOLE,)),
    "E1": Role(Duty.ENTERPRISE_AGENT, office=False),
    "SA": Role(Duty.SCHOOL_AGENT, office=False),
    "HH": Role(Duty.HOUSEHOLDER, households=("H1",), office=False, belongs=(V1, V1)),
}
"""Everybody who attacks, by staff number: every duty, and a second township beside the first."""

OPEN = frozenset(
    {
        "division",
        "calendar_day",
        "column_match",
        "programme_switch",
        "provision",
        "edition",
        "supervision",
        "month_result",
    }
)
"""What everybody of a county may see; what rules make of facts in a month names nobody."""
OFFICES = frozenset(
    {
        "organization",
        "officer",
        "assignment",
        "policy_rule",
        "enrolment",
        "service_token",
        "audit_link",
        "bank_template",
        "handout_batch",
    }
)
"""What those in office may see; others what is their own."""
OF_TWO_SIDES = frozenset(
    {
        "pairing", "schooling", "discrepancy", "pairing_agreement", "agreement_signature", "plan_line", "obstacle",
        "delivery", "delivery_receipt", "delivery_answer", "pairing_review", "support_base", "base_assessment",
        "base_finding", "base_subsidy",
    }
)  # fmt: skip
"""What who works over the village may see, and who works for the organization."""
TOLD_OF_CIRCUMSTANCES = frozenset(
    {
        Duty.WORK_TEAM, Duty.VILLAGE_COMMITTEE, Duty.VILLAGE_CADRE, Duty.TOWNSHIP_CLERK, Duty.TOWNSHIP_ACCEPTOR,
        Duty.COUNTY_OFFICE, Duty.REGISTRAR, Duty.CIVIL_AFFAIRS, Duty.DISABLED_FEDERATION, Duty.AUDITOR,
    }
)  # fmt: skip
"""Who may see what is sensitive of persons, and what lists say of it otherwise."""
PRIVATE = frozenset({"credential", "login_session", "answered_request"})
"""What is somebody's own and nobody else's."""


def _inside(areas: Iterable[Area], other: Iterable[Area]) -> bool:
    """Whether all of some areas lies in others."""
    return all(any(low <= start and end <= high for low, high in other) for start, end in areas)


def _areas(row: Row) -> list[Area]:
    return [
        (found.lower if found.lower_inc else found.lower + 1, found.upper if found.upper_inc else found.upper - 1)
        for found in row["areas"]
    ]


def _texts(value: Any) -> Iterator[str]:
    """Every text in a value of a column, those inside of JSON among them."""
    if isinstance(value, str):
        if value.startswith(("{", "[")):
            yield from _texts_of_json(json.loads(value))
        else:
            yield value
    elif isinstance(value, UUID):
        yield str(value)


def _texts_of_json(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts_of_json(item)


def _telling(text: str) -> bool:
    """Whether a text says whose it is: an id, a number, a digest, a Chinese word; no word of the code."""
    return len(text) > 1 and ("@" in text or len(text) >= 32 or _CHINESE.search(text) is not None)


@dataclass(repr=False)
class Sight:
    """What one role may see, as the fixture knows it."""

    number: str
    role: Role
    seen: dict[str, list[Row]] = field(default_factory=dict)
    hidden: dict[str, list[Row]] = field(default_factory=dict)
    """Rows of the role's own county that are out of its sight."""
    foreign: dict[str, list[Row]] = field(default_factory=dict)
    """Rows of the other county."""
    secrets: frozenset[str] = frozenset()
    """Texts that show a row which the role must not see, and no row that it may."""
    keys: frozenset[str] = frozenset()
    """Ids of such rows."""


@dataclass(repr=False)
class Counties:
    """Every row of both counties, as a superuser read them once."""

    rows: Mapping[str, list[Row]]
    tenant: int

    def sight(self, number: str) -> Sight:
        """What a role may see."""
        role = ROLES[number]
        made = Sight(number, role)
        own = self._own(number, role)
        for table, rows in self.rows.items():
            made.seen[table], made.hidden[table], made.foreign[table] = [], [], []
            for row in rows:
                if row["tenant_id"] != self.tenant:
                    made.foreign[table].append(row)
                else:
                    (made.seen if self._sees(role, own, table, row) else made.hidden)[table].append(row)
        visible = {text for rows in made.seen.values() for text in _all(rows)} | self._applicants(made)
        others = {text for part in (made.hidden, made.foreign) for rows in part.values() for text in _all(rows)}
        hidden = {text for text in others - visible if _telling(text)}
        made.keys = frozenset(text for text in hidden if _UUID.fullmatch(text))
        made.secrets = frozenset(hidden - made.keys)
        return made

    def _applicants(self, made: Sight) -> set[str]:
        """In whose cases households take part that a role sees: it has to say a word to them."""
        cases = {row["case_id"] for row in made.seen.get("participant", ()) if row["left_at"] is None}
        homes = {row["household_id"] for row in self.rows["case_file"] if row["id"] in cases}
        return {row["number"] for row in self.rows["household"] if row["id"] in homes}

    def _own(self, number: str, role: Role) -> dict[str, set[Any]]:
        """The keys of what is a role's own: itself, its organization, its households, their cases and members."""

        def of(table: str, name: str, values: set[Any], what: str = "id") -> set[Any]:
            rows = self.rows[table]
            return {row[what] for row in rows if row["tenant_id"] == self.tenant and row[name] in values}

        officers = of("officer", "number", {staff(number)})
        homes = of("household", "number", {household(home) for home in role.households})
        return {
            "officer": officers,
            "organization": set() if role.office else of("officer", "id", officers, "organization_id") - {None},
            "household": homes,
            "case": of("case_file", "household_id", homes),
            "person": of("membership", "household_id", homes, "person_id"),
        }

    def _sees(self, role: Role, own: Mapping[str, set[Any]], table: str, row: Row) -> bool:
        """Whether a role may see a row of its own county."""
        if table in OPEN:
            return True
        if table in OFFICES:
            mine = {"officer": row.get("id") in own["officer"], "organization": row.get("id") in own["organization"]}
            return role.office or bool(mine.get(table, row.get("officer_id") in own["officer"]))
        if table == "helper":
            return role.office or row["organization_id"] in own["organization"]
        if table == "need":  # offered to everybody who is verified to help; each organization here is
            return role.office or role.duty is Duty.ENTERPRISE_AGENT
        if table in PRIVATE:
            return row["officer_id"] in own["officer"]
        if "areas" in row:
            areas = _areas(row)
            mine_too = row.get("officer_id") in own["officer"] and _inside(areas, [role.belongs])
            return bool(areas) and (_inside(areas, role.places) or mine_too)
        sensitive = table == "circumstance" or (table == "discrepancy" and row["kind"] != "schooling")
        if sensitive and role.duty not in TOLD_OF_CIRCUMSTANCES:
            return False
        place: int = row["division"]
        if any(low <= place <= high for low, high in role.places):
            return True
        if table == "person":
            return row["id"] in own["person"]
        if table == "household":
            return row["id"] in own["household"]
        if table in OF_TWO_SIDES:
            return row["organization_id"] in own["organization"]
        if table in ("attestation", "attestation_answer"):
            return row["organization_id"] in own["organization"] or row["case_id"] in own["case"]
        if table in ("notice", "claim", "publication", "publication_withdrawal", "notice_evidence"):
            low, high = role.belongs
            return low <= place <= high
        return row.get("household_id") in own["household"] or row.get("case_id") in own["case"]


def _all(rows: Iterable[Row]) -> Iterator[str]:
    """Every text of some rows."""
    for row in rows:
        for value in row.values():
            yield from _texts(value)


__all__ = ["CODE", "DYE", "PERIOD", "ROLES", "TWIN", "Counties", "Role", "Sight", "make_twin", "rows_of"]
