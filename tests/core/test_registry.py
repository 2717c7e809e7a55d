"""The registers through their own imports: differences counted and applied once, history kept, refusals empty-handed."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from sqlalchemy import select

from bangfu import files, jobs
from bangfu.documents.returning import HEADING
from bangfu.errors import Code, Refused
from bangfu.models import WALLS, Household, Standing
from bangfu.registry import importing
from bangfu.registry.history import Assertion, assert_from, holds
from tests import county
from tests.county import (
    BASE,
    DIVISIONS,
    JANUARY,
    OFFICERS,
    SEPTEMBER,
    T1,
    T2,
    V1,
    V2,
    V3,
    World,
    identity,
    ledger,
    roster,
)

UNTOUCHED_BY_IMPORTS = {"tenant", "identity_provider", "job", "file", "audit_entry"}
JUNE = datetime(2021, 6, 1, tzinfo=UTC)
CODE_OF_UNIT = "91350100M000100Y43"

Rows = Sequence[Mapping[str, str]]


async def contents(world: World) -> dict[str, str]:
    """A digest of every table of the county, row by row, but for jobs, files and the audit record."""
    digest = "select '{0}', coalesce(md5(string_agg(t::text, '|' order by t::text)), '') from {0} t"
    found = await world.rows(" union all ".join(digest.format(t) for t in sorted(WALLS.keys() - UNTOUCHED_BY_IMPORTS)))
    return {row[0]: row[1] for row in found}


def differing(before: Mapping[str, str], after: Mapping[str, str]) -> set[str]:
    """The tables that changed."""
    assert before.keys() == after.keys()
    return {table for table in before if before[table] != after[table]}


def people(*homes: str) -> list[dict[str, str]]:
    """The rows of some households in the roster of the county, head first; of all unless named."""
    rows = list(csv.DictReader(io.StringIO(roster())))
    return [row for row in rows if not homes or row["户编号"] in homes]


def new_home(number: str, index: int, **changed: str) -> list[dict[str, str]]:
    """The rows of a household that is not in the county yet."""
    rows = people("H5")
    for row, offset, name in zip(rows, (0, 1), ("新户主", "新配偶"), strict=True):
        row.update({"户编号": number, "姓名": name, "证件号码": identity(index + offset)}, **changed)
        row["一卡通账号"] = f"8800000000{index}"
    return rows


def sheet(rows: Rows, without: Sequence[str] = ()) -> str:
    """Rows as a CSV file, some columns left out."""
    columns = [name for name in dict.fromkeys(key for row in rows for key in row) if name not in without]
    output = io.StringIO()
    writer = csv.DictWriter(output, columns, restval="", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return output.getvalue()


def tallies(status: jobs.Status) -> dict[str, tuple[int, int, int]]:
    """New, changed and same by kind of thing."""
    return {what: (t["new"], t["changed"], t["same"]) for what, t in status.result["tallies"].items()}


def problems(status: jobs.Status) -> list[tuple[str, list[Any]]]:
    """Code and path of every problem of a row."""
    found = status.result.get("row_problems") or status.result.get("problems") or []
    return [(problem["code"], problem["path"]) for problem in found if problem["code"] != "ROWS_REFUSED"]


async def fails(world: World, kind: str, data: str, expected: Sequence[tuple[str, list[Any]]], who: str = "R1") -> None:
    """An import is refused with exactly these problems, and nothing changed."""
    before = await contents(world)
    status = await world.bring(kind, data, who)
    assert (status.state, problems(status)) == ("refused", list(expected))
    assert status.result["problems"][0]["code"] == "ROWS_REFUSED"
    assert status.result_file_id is not None
    assert await contents(world) == before


async def repeats(world: World, kind: str, data: str, who: str = "R1") -> None:
    """The same file again finds everything the same and changes nothing."""
    before = await contents(world)
    again = await world.bring(kind, data, who)
    assert again.state == "done"
    assert [(new, changed) for new, changed, _ in tallies(again).values()] == [(0, 0)] * len(tallies(again))
    assert await contents(world) == before


@pytest.fixture(autouse=True)
def later(request: pytest.FixtureRequest) -> None:
    """Everybody acts in September, months after the registers were first imported."""
    if "world" in request.fixturenames:
        request.getfixturevalue("world").today = SEPTEMBER


# --- history --------------------------------------------------------------------------------------------------

DAYS = [date(2018, 1, 1), date(2019, 1, 1), date(2020, 1, 1), date(2021, 1, 1), date(2022, 1, 1)]


async def test_every_day_is_remembered_as_it_was_known_at_every_instant(world: World) -> None:
    """Random assertions, also ones that begin earlier or end: the last that was said of a day or of one before it holds,
    but for what begins when that has ended."""
    chance = random.Random(2021)
    who = world.who("R1")
    async with world.database.session(who.scope) as session:
        homes = {row.id: row.number for row in await session.scalars(select(Household))}
        first = {row.household_id: row for row in await session.scalars(select(Standing))}
    said: dict[Any, list[tuple[datetime, date, date | None, int | None]]] = {
        home: [(row.known_from, row.valid_from, None, row.exit_year)] for home, row in first.items()
    }
    instants = [datetime(2021, 3, step, tzinfo=UTC) for step in range(1, 8)]
    for now in instants:
        assertions = []
        for home in chance.sample(sorted(homes), 6):
            start = chance.choice(DAYS)
            end = chance.choice([None, None, *(day for day in DAYS if day > start)])
            year = chance.randint(2000, 2099)
            values = {"division": V1, "standing": "exited", "exit_year": year}
            assertions.append(Assertion({"household_id": home}, values, start, end))
            said[home].append((now, start, end, year))
        async with world.database.session(who.scope) as session:
            await assert_from(session, Standing, assertions, now)
            await assert_from(session, Standing, [], now)
    checked = 0
    async with world.database.session(who.scope) as session:
        for instant in (*instants, None):
            for day in DAYS:
                query = select(Standing.household_id, Standing.exit_year).where(holds(Standing, day, instant))
                rows = (await session.execute(query)).all()
                expected: dict[Any, int | None] = {}
                for home, history in said.items():
                    fact: tuple[date, int | None] | None = None
                    for heard, start, end, exit_year in history:
                        too_late = instant is not None and heard > instant
                        if too_late or day < start or (fact is not None and end is not None and fact[0] >= end):
                            continue
                        fact = (start, exit_year) if end is None or day < end else None
                    if fact is not None:
                        expected[home] = fact[1]
                assert len(rows) == len(expected)
                assert {row.household_id: row.exit_year for row in rows} == expected
                checked += len(rows)
    assert checked > 100


async def test_an_older_roster_says_nothing_of_what_came_after_it(world: World) -> None:
    rows = people("H1")
    old = [
        {**row, "户类型": "贫困户", "脱贫年度": "", "联户干部工号": "L2", "一卡通账号": "6600000000000001"}
        for row in rows
    ]
    await world.bring("households", sheet(old), "R1", as_of=date(2016, 6, 1))
    days = {date(2016, 6, 1): "poor", date(2017, 12, 30): "poor", date(2017, 12, 31): "exited", SEPTEMBER: "exited"}
    assert {day: await held(world, ("standing", "standing"), day) for day in days} == days
    cadres = {date(2016, 6, 1): "L2", date(2021, 1, 19): "L2", JANUARY: "L1", SEPTEMBER: "L1"}
    assert {day: await held(world, ("household_cadre", OFFICER), day) for day in cadres} == cadres
    assert await held(world, ("account", "number_masked"), SEPTEMBER) == "***********1000"
    again = await world.bring("households", sheet(old), "R1", as_of=date(2016, 6, 1))
    assert tallies(again) == {"household": (0, 0, 1), "person": (0, 0, 2)}
    await repeats(world, "households", sheet(rows))


async def test_a_duty_that_is_over_does_not_end_a_later_one(world: World) -> None:
    now = f"{OFFICER_HEADER}N1,甲乙,乡镇经办,{T1},2021-01-01,,\n"
    past = f"{OFFICER_HEADER}N1,甲乙,乡镇经办,{T1},2018-01-01,2019-01-01,\n"
    await world.bring("officers", now, "R1")
    await world.bring("officers", past, "R1")
    held_ = "select valid_from, valid_to from assignment a join officer o on o.id = a.officer_id where o.number = 'N1'"
    found = await world.rows(f"{held_} and a.known_to is null order by valid_from")
    assert [tuple(row) for row in found] == [(date(2018, 1, 1), date(2019, 1, 1)), (date(2021, 1, 1), None)]
    before = await contents(world)
    for data in (past, now):
        assert tallies(await world.bring("officers", data, "R1"))["assignment"][:2] in ((0, 0), (0, 1))
    assert differing(before, await contents(world)) <= {"assignment"}
    found = await world.rows(f"{held_} and a.known_to is null order by valid_from")
    assert [tuple(row) for row in found] == [(date(2018, 1, 1), date(2019, 1, 1)), (date(2021, 1, 1), None)]


@pytest.mark.parametrize("duty", ["县数据管理员", "村两委", "乡镇验收"])
async def test_a_duty_is_held_at_its_own_level(world: World, duty: str) -> None:
    area = T1 if duty != "乡镇验收" else BASE
    await fails(world, "officers", f"{OFFICER_HEADER}N1,甲乙,{duty},{area},2021-01-01,,\n", _at("BAD_VALUE", "area", 2))


async def test_namesakes_without_a_number_are_not_guessed(world: World) -> None:
    twins = [
        {**people("H1")[1], "证件号码": identity(3000 + n), "姓名": "测双", "与户主关系": "之子"} for n in range(2)
    ]
    assert (await world.bring("households", sheet([*people("H1"), *twins]), "R1")).state == "done"
    unnumbered = {**twins[0], "证件号码": ""}
    await fails(world, "households", sheet([*people("H1"), unnumbered]), _at("NAMESAKES", "identity", 4))


async def test_no_whole_number_of_a_person_is_quoted(world: World) -> None:
    """Columns shifted by one put identity and account numbers where words belong; the problems are kept in clear."""
    number = identity(3000)
    shifted = {**people("H1")[0], "户类型": number, "联户干部工号": "6228480000000001234", "与户主关系": "13800001234"}
    status = await world.bring("households", sheet([shifted]), "R1")
    told = json.dumps(status.result, ensure_ascii=False)
    assert status.state == "refused"
    assert not any(whole in told for whole in (number, "6228480000000001234", "13800001234"))
    assert f"{number[:3]}*************{number[-2:]}" in told


async def test_a_household_number_that_excel_has_rounded_is_refused(world: World) -> None:
    output = io.BytesIO()
    book = xlsxwriter.Workbook(output, {"in_memory": True})
    page = book.add_worksheet("花名册")
    rows = people("H1")
    page.write_row(0, 0, list(rows[0]))
    for number, row in enumerate(rows, 1):
        page.write_row(number, 0, list(row.values()))
        page.write_number(number, 0, 6107991000010000123.0 if number == 1 else 7001.5)
    book.close()
    status = await world.bring("households", output.getvalue(), "R1", name="花名册.xlsx")
    assert (status.state, problems(status)) == ("refused", _at("DIGITS_LOST", "number", 2, 3))


async def test_an_officer_of_two_villages_that_do_not_touch_can_import_and_is_on_record(world: World) -> None:
    both = f"{OFFICER_HEADER}VX,两委两村,村两委,{V1},2020-01-01,,\nVX,两委两村,村两委,{V3},2020-01-01,,\n"
    assert (await world.bring("officers", both, "R1")).state == "done"
    await world.look()
    assert world.who("VX").scope.areas == ((V1, V1), (V3, V3))
    line = "户编号,日期,收入类别,项目,总收入\n{},2021-03-02,养殖,鸡,100\n"
    assert (await world.bring("income", line.format("H7"), "VX")).state == "done"
    await fails(world, "income", line.format("H5"), _at("HOUSEHOLD_UNKNOWN", "number", 2), who="VX")
    ((seen,),) = await world.rows(
        "select a.areas::text from audit_entry a join officer o on o.id = a.officer_id where o.number = 'VX'"
    )
    assert seen == f"{{[{V1},{V1 + 1}),[{V3},{V3 + 1})}}"


# --- what changes ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Edit:
    """A change of H1 in the roster: cells (of both rows, or of the spouse's), what is told, and what can be read back.

    ``read`` is a column of a table; ``then`` gives what it holds on a day as known now, and ``was`` as known in June.
    """

    cells: Mapping[str, str]
    what: str
    field: str
    shown: list[str] | None
    tables: set[str]
    read: tuple[str, str]
    then: Mapping[date, Any]
    was: Mapping[date, Any] | None = None


OFFICER = "(select o.number from officer o where o.id = x.officer_id)"
SPRING, AUTUMN = date(2021, 3, 1), SEPTEMBER
FOLLOWING = {"household", "person", "membership", "standing", "account", "household_cadre", "income_line"}
EDITS = {
    "name": Edit({"姓名": "测改名"}, "person", "name", ["测1配偶", "测改名"], {"person"}, ("person", "name"),
                 {AUTUMN: "测改名"}),
    "phone": Edit({"联系电话": "13800001234"}, "person", "phone", ["None", "138****1234"], {"person"},
                  ("person", "phone_masked"), {AUTUMN: "138****1234"}),
    "relation": Edit({"与户主关系": "其他"}, "person", "relation", ["spouse", "other"], {"membership"},
                     ("membership", "relation"), {SPRING: "spouse", AUTUMN: "other"}, {AUTUMN: "spouse"}),
    "account": Edit({"一卡通账号": "66660000"}, "household", "account", ["***********1000", "****0000"], {"account"},
                    ("account", "number_masked"), {SPRING: "***********1000", AUTUMN: "****0000"},
                    {AUTUMN: "***********1000"}),
    "holder": Edit({"开户名": "测1配偶"}, "household", "account", None, {"account"}, ("account", "holder"),
                   {SPRING: "测1户主", AUTUMN: "测1配偶"}, {AUTUMN: "测1户主"}),
    "standing": Edit({"户类型": "一般农户", "脱贫年度": ""}, "household", "standing", None, {"standing"},
                     ("standing", "standing"), {SPRING: "exited", AUTUMN: "general"}, {AUTUMN: "exited"}),
    "later-exit": Edit({"脱贫年度": "2018"}, "household", "standing", None, {"standing"}, ("standing", "exit_year"),
                       {date(2018, 6, 1): 2017, date(2018, 12, 31): 2018, AUTUMN: 2018}, {SPRING: 2017, AUTUMN: 2017}),
    "earlier-exit": Edit({"脱贫年度": "2016"}, "household", "standing", None, {"standing"}, ("standing", "exit_year"),
                         {date(2016, 12, 30): None, date(2016, 12, 31): 2016, date(2017, 12, 31): 2016, AUTUMN: 2016},
                         {date(2017, 12, 30): None, AUTUMN: 2017}),
    "cadre": Edit({"联户干部工号": "L2"}, "household", "cadre", None, {"household_cadre"}, ("household_cadre", OFFICER),
                  {SPRING: "L1", AUTUMN: "L2"}, {AUTUMN: "L1"}),
    "group": Edit({"村民小组": "二组"}, "household", "group", ["一组", "二组"], {"household"},
                  ("household", "group_name"), {AUTUMN: "二组"}),
    "village": Edit({"行政村": "乙村"}, "household", "village", ["甲村", "乙村"], FOLLOWING,
                    ("household", "division"), {AUTUMN: V2}),
}  # fmt: skip


async def held(world: World, read: tuple[str, str], day: date, at: datetime | None = None) -> Any:
    """What a column says of H1 (of the spouse, where it is of a person) on a day, as known at an instant."""
    table, column = read
    person = "(select id from person where identity_masked = :masked and division = :village)"
    values: dict[str, Any] = {"masked": "990*************14", "village": V1}
    if table in ("person", "household"):
        where = f"x.id = {person}" if table == "person" else "x.number = 'H1'"
    else:
        where = (
            "x.household_id = (select id from household where number = 'H1')"
            " and x.valid_from <= :day and coalesce(x.valid_to, 'infinity') > :day"
            " and x.known_from <= :at and coalesce(x.known_to, 'infinity') > :at"
        ) + (f" and x.person_id = {person}" if table == "membership" else "")
        values.update(day=day, at=at or datetime(2100, 1, 1, tzinfo=UTC))
    chosen = column if column.startswith("(") else f"x.{column}"
    used = {name: value for name, value in values.items() if f":{name}" in where}
    found = await world.rows(f"select {chosen} from {table} x where {where}", **used)
    assert len(found) <= 1
    return found[0][0] if found else None


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
async def test_a_change_is_told_made_once_and_its_past_is_kept(world: World, edit: Edit) -> None:
    rows = people("H1", "H2")
    for row in rows[1:2] if edit.what == "person" else rows[:2]:
        row.update(edit.cells)
    before, data = await contents(world), sheet(rows)
    dry = await world.bring("households", data, "R1", dry_run=True)
    assert await contents(world) == before
    done = await world.bring("households", data, "R1")
    assert (dry.state, done.state) == ("done", "done")
    assert done.result["tallies"] == dry.result["tallies"]
    expected = {"person": (0, 0, 4), "household": (0, 0, 2)}
    expected[edit.what] = (0, 1, expected[edit.what][2] - 1)
    assert tallies(done) == expected
    (change,) = done.result["tallies"][edit.what]["examples"]
    assert list(change["fields"]) == [edit.field]
    assert edit.shown is None or change["fields"][edit.field] == edit.shown
    assert differing(before, await contents(world)) == edit.tables
    assert {day: await held(world, edit.read, day) for day in edit.then} == edit.then
    if edit.was is not None:
        assert {day: await held(world, edit.read, day, JUNE) for day in edit.was} == edit.was
    await repeats(world, "households", data)


async def test_a_dry_run_tells_everything_and_changes_nothing(world: World) -> None:
    rows = [*people(), *new_home("N1", 3000)]
    rows[1]["姓名"] = "测改名"
    rows[2]["一卡通账号"] = rows[3]["一卡通账号"] = "99000000000007777"
    seen, before = await world.snapshot(), await contents(world)
    dry = await world.bring("households", sheet(rows), "R1", dry_run=True)
    assert (dry.state, dry.result["dry_run"], dry.result["bad_rows"]) == ("done", True, 0)
    assert tallies(dry) == {"person": (2, 1, 15), "household": (1, 1, 7)}
    assert (await world.snapshot(), await contents(world)) == (seen, before)
    shown = json.dumps(dry.result)
    assert not any(row["证件号码"] in shown or row["一卡通账号"] in shown for row in rows)
    assert await world.rows("select 1 from audit_entry where object = :job", job=f"job/{dry.id}") == []
    done = await world.bring("households", sheet(rows), "R1")
    assert tallies(done) == tallies(dry)
    audited = await world.rows("select action, data from audit_entry where object = :job", job=f"job/{done.id}")
    counts = {"person": [2, 1, 15], "household": [1, 1, 7]}
    data = {"file": "农户花名册.csv", "new_changed_same": counts, "bad_rows": 0}
    assert [tuple(row) for row in audited] == [("import_households", data)]


@pytest.mark.parametrize(
    ("kind", "data", "same"),
    [("divisions", DIVISIONS, {"division": 6}), ("officers", OFFICERS, {"officer": 20, "assignment": 21}),
     ("households", roster(), {"household": 8, "person": 16}), ("income", ledger(), {"income line": 11})],
)  # fmt: skip
async def test_the_same_file_again_changes_nothing(world: World, kind: str, data: str, same: dict[str, int]) -> None:
    before = await contents(world)
    status = await world.bring(kind, data, "R1")
    assert status.state == "done"
    assert tallies(status) == {what: (0, 0, count) for what, count in same.items()}
    assert await contents(world) == before


# --- rosters that are refused ---------------------------------------------------------------------------------


def _rows(*homes: str, head: Mapping[str, str] | None = None, spouse: Mapping[str, str] | None = None) -> Rows:
    rows = people(*homes)
    rows[0].update(head or {})
    rows[1].update(spouse or {})
    return rows


def _both(**cells: str) -> Rows:
    return _rows("H1", head=cells, spouse=cells)


def _at(code: str, field: str, *rows: int) -> list[tuple[str, list[Any]]]:
    return [(code, ["rows", row, field]) for row in rows]


REFUSED: dict[str, tuple[Rows, list[tuple[str, list[Any]]]]] = {
    "person-elsewhere": (
        [{**row, "证件号码": identity(1)} if row["与户主关系"] == "配偶" else row for row in new_home("N1", 3000)],
        _at("PERSON_ELSEWHERE", "identity", 3),
    ),
    "person-twice": ([*people("H1"), people("H1")[1]], [("DUPLICATE_ROW", ["rows", 4])]),
    "person-in-two-new-households": ([*new_home("N1", 3000), *new_home("N2", 3001)], [("DUPLICATE_ROW", ["rows", 4])]),
    "two-heads": (_rows("H1", spouse={"与户主关系": "户主"}), _at("HEAD_COUNT", "relation", 2)),
    "no-head": (new_home("N1", 3000)[1:], _at("HEAD_COUNT", "relation", 2)),
    "disagreeing": (_rows("H1", spouse={"村民小组": "二组"}), _at("HOUSEHOLD_DISAGREES", "group", 3)),
    "unknown-village": (_both(行政村="庚村"), _at("DIVISION_UNKNOWN", "village_name", 2, 3)),
    "village-of-another-township": (_both(乡镇="西镇"), _at("DIVISION_UNKNOWN", "village_name", 2, 3)),
    "no-village": (_both(行政村=""), _at("DIVISION_UNKNOWN", "village_name", 2, 3)),
    "unknown-code": (_both(村编码=f"{V1 + 7}"), _at("DIVISION_UNKNOWN", "village_code", 2, 3)),
    "code-of-a-township": (_both(村编码=f"{T1}"), _at("DIVISION_UNKNOWN", "village_code", 2, 3)),
    "unknown-cadre": (_both(联户干部工号="L9"), _at("OFFICER_UNKNOWN", "cadre", 2, 3)),
    "exit-of-a-general-household": (_both(户类型="一般农户"), _at("BAD_VALUE", "exit_year", 2, 3)),
    "birth-date": (_rows("H1", spouse={"出生日期": "1980-01-01"}), _at("IDENTITY_DISAGREES", "birth_date", 3)),
    "sex": (_rows("H1", spouse={"性别": "女"}), _at("IDENTITY_DISAGREES", "sex", 3)),
    "no-name": (_rows("H1", spouse={"姓名": " "}), _at("MISSING_VALUE", "name", 3)),
    "checksum": (_rows("H1", spouse={"证件号码": identity(501)[:17] + "9"}), _at("IDENTITY_CHECKSUM", "identity", 3)),
}


@pytest.mark.parametrize(("rows", "expected"), REFUSED.values(), ids=REFUSED.keys())
async def test_a_roster_with_a_problem_changes_nothing(
    world: World, rows: Rows, expected: list[tuple[str, list[Any]]]
) -> None:
    await fails(world, "households", sheet(rows), expected)
    accepted = await world.bring("households", sheet([*rows, *new_home("N9", 3900)]), "R1", accept_valid=True)
    assert (accepted.state, problems(accepted)) == ("done", expected)
    blocked = {rows[path[1] - 2]["户编号"] for _, path in expected}
    kept = {row.number for row in await world.rows("select number from household where number like 'N%'")}
    assert kept == {row["户编号"] for row in rows if row["户编号"][0] == "N"} - blocked | {"N9"}


async def test_a_village_of_a_doubtful_name_needs_its_township_or_code(world: World) -> None:
    assert (await world.bring("divisions", f"区划代码,名称,是否贫困村\n{T2 + 209},甲村,否\n", "R1")).state == "done"
    await fails(world, "households", sheet(_both(乡镇="")), _at("DIVISION_UNKNOWN", "village_name", 2, 3))
    for cells in ({"乡镇": "东镇", "行政村": "甲村委会"}, {"乡镇": "", "行政村": "", "村编码": f"{V1}"}):
        await repeats(world, "households", sheet(_both(**cells)))
    moved = await world.bring("households", sheet(_both(乡镇="西镇")), "R1")
    assert moved.result["tallies"]["household"]["examples"][0]["fields"]["village"] == ["甲村", "甲村"]
    assert [tuple(row) for row in await world.rows("select division from household where number = 'H1'")] == [
        (T2 + 209,)
    ]


async def test_a_full_name_that_is_unique_is_not_doubtful(world: World) -> None:
    assert (await world.bring("divisions", f"区划代码,名称,是否贫困村\n{T1 + 209},甲社区,否\n", "R1")).state == "done"
    await repeats(world, "households", roster())


async def test_a_number_in_the_identity_column_comes_back_marked(world: World) -> None:
    rows, output = people("H1", "H2"), io.BytesIO()
    book = xlsxwriter.Workbook(output, {"in_memory": True})
    page = book.add_worksheet("花名册")
    page.merge_range(0, 0, 0, 12, "某县花名册")
    page.write_row(1, 0, list(rows[0]))
    for number, row in enumerate(rows, 2):
        page.write_row(number, 0, list(row.values()))
    page.write_number(4, 8, float(rows[2]["证件号码"][:17] + "0"))
    book.close()
    before = await contents(world)
    status = await world.bring("households", output.getvalue(), "R1", name="花名册.xlsx")
    assert (status.state, problems(status)) == ("refused", _at("DIGITS_LOST", "identity", 5))
    assert status.result["problems"][0]["message"]["zh"] == "1 行有问题,未导入任何内容"
    assert await contents(world) == before
    who = world.who("R1")
    assert status.result_file_id is not None
    async with world.database.session(who.scope) as session:
        returned = await files.fetch(session, world.vault, who.county.id, status.result_file_id)
    assert returned.name == "花名册-问题.xlsx"
    read: Any = openpyxl.load_workbook(io.BytesIO(returned.data))["花名册"]
    said = "证件号码被 Excel 存为数字,末几位已丢失。请将该列设为文本格式,并从原件重新录入号码。"
    assert [cell.value for cell in read["N"]] == [None, HEADING, None, None, said, None]


async def test_accepting_the_valid_imports_good_households_whole_and_skips_others_whole(world: World) -> None:
    rows = [*people("H1"), *people("H2"), *new_home("N1", 3000), *new_home("N2", 3100)]
    for row in rows[:4]:
        row["村民小组"] = "九组"
    rows[1]["姓名"] = "测改名"
    rows[3].update({"姓名": "测也改", "联系电话": "坏\x01", "与户主关系": "表亲"})
    rows[7]["证件号码"] = "123"
    before = await contents(world)
    status = await world.bring("households", sheet(rows), "R1", accept_valid=True)
    assert (status.state, status.result["bad_rows"]) == ("done", 2)
    assert problems(status) == [*_at("BAD_VALUE", "relation", 5), *_at("IDENTITY_FORM", "identity", 9)]
    assert tallies(status) == {"household": (1, 1, 0), "person": (2, 1, 1)}
    groups = "select number, group_name from household where number in ('H1', 'H2', 'N1', 'N2') order by number"
    assert [tuple(row) for row in await world.rows(groups)] == [("H1", "九组"), ("H2", "一组"), ("N1", "一组")]
    names = "select name from person where name in ('测改名', '测也改', '新户主', '新配偶') order by name"
    assert [row.name for row in await world.rows(names)] == ["新户主", "新配偶", "测改名"]
    assert status.result_file_id is not None
    new = {"household", "person", "membership", "standing", "account", "household_cadre"}
    assert differing(before, await contents(world)) == new


# --- persons and households over time -------------------------------------------------------------------------


async def test_a_newborn_is_known_by_name_within_the_household(world: World) -> None:
    child = {"姓名": "测新生", "证件号码": "", "与户主关系": "之女", "性别": "女", "出生日期": "2021-08-01"}
    rows = [*people("H1"), {**people("H1")[1], **child}, *people("H2"), {**people("H2")[1], **child}]
    status = await world.bring("households", sheet(rows), "R1")
    assert tallies(status) == {"household": (0, 0, 2), "person": (2, 0, 4)}
    await repeats(world, "households", sheet(rows))
    born = await world.rows("select sex, birth_date, identity, identity_index from person where name = '测新生'")
    assert [tuple(row) for row in born] == [("f", date(2021, 8, 1), None, None)] * 2
    await fails(world, "households", sheet([*rows[:3], rows[2]]), [("DUPLICATE_ROW", ["rows", 5])])


async def test_a_newborn_who_gets_a_number_stays_one_person(world: World) -> None:
    child = {**people("H1")[1], "姓名": "测新生", "证件号码": "", "与户主关系": "之女"}
    await world.bring("households", sheet([*people("H1"), child]), "R1")
    status = await world.bring("households", sheet([*people("H1"), {**child, "证件号码": identity(3000)}]), "R1")
    assert status.result["tallies"]["person"]["new"] == 0


def _swapped() -> Rows:
    """The spouse becomes the head; the row of the new head stands first."""
    rows = _rows("H1", head={"与户主关系": "配偶"}, spouse={"与户主关系": "户主"})
    return [rows[1], rows[0]]


@pytest.mark.parametrize("chunk", [importing.CHUNK, 1])
async def test_the_head_changes(world: World, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(importing, "CHUNK", chunk)
    status = await world.bring("households", sheet(_swapped()), "R1")
    assert tallies(status) == {"household": (0, 0, 1), "person": (0, 2, 0)}
    assert await held(world, ("membership", "relation"), SEPTEMBER) == "head"
    assert await held(world, ("membership", "relation"), JANUARY) == "spouse"
    await repeats(world, "households", sheet(_swapped()))


async def test_a_household_whose_rows_stand_apart_changes_its_head_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK", 1)
    new, old = _swapped()
    rows = [new, *people("H2", "H3"), old, *people("H5")]
    status = await world.bring("households", sheet(rows), "R1")
    assert tallies(status) == {"household": (0, 0, 4), "person": (0, 2, 6)}
    assert await held(world, ("membership", "relation"), SEPTEMBER) == "head"
    await repeats(world, "households", sheet(rows))


async def test_a_known_household_gets_no_second_head(world: World) -> None:
    cells = {"证件号码": identity(3000), "姓名": "测新户主"}
    await fails(world, "households", sheet([{**people("H1")[0], **cells}]), _at("HEAD_COUNT", "relation", 2))


async def test_a_known_household_does_not_lose_its_head(world: World) -> None:
    demoted = {**people("H1")[0], "与户主关系": "其他"}
    await fails(world, "households", sheet([demoted]), _at("HEAD_COUNT", "relation", 2))


@pytest.mark.parametrize("blank", ["证件号码", "脱贫年度", "村民小组", "联户干部工号", "一卡通账号", "开户行"])
async def test_a_cell_left_blank_changes_nothing(world: World, blank: str) -> None:
    await repeats(world, "households", sheet(_both(**{blank: ""})))


async def test_a_name_without_its_number_is_not_a_second_person_of_the_file(world: World) -> None:
    rows = people("H1")
    await fails(world, "households", sheet([*rows, {**rows[1], "证件号码": ""}]), [("DUPLICATE_ROW", ["rows", 4])])
    rows.insert(1, {**rows[1], "证件号码": ""})
    await fails(world, "households", sheet(rows), [("DUPLICATE_ROW", ["rows", 4])])


async def test_a_number_given_later_settles_sex_and_birth_date(world: World) -> None:
    number = identity(3000)
    child = {**people("H1")[1], "姓名": "测新生", "证件号码": "", "与户主关系": "之女", "出生日期": "2000-02-03"}
    await world.bring("households", sheet([*people("H1"), child]), "R1")
    settled = {**child, "证件号码": number, "出生日期": ""}
    status = await world.bring("households", sheet([*people("H1"), settled]), "R1")
    assert tallies(status) == {"household": (0, 0, 1), "person": (0, 1, 2)}
    born, sex = f"{number[6:10]}-{number[10:12]}-{number[12:14]}", "m" if int(number[16]) % 2 else "f"
    assert status.result["tallies"]["person"]["examples"][0]["fields"] == {
        "sex": ["None", sex], "birth_date": ["2000-02-03", born], "identity": ["None", f"{number[:3]}{'*' * 13}{number[16:]}"],
    }  # fmt: skip
    rows = await world.rows("select sex, birth_date::text, identity_masked from person where name = '测新生'")
    assert [tuple(row) for row in rows] == [(sex, born, f"{number[:3]}{'*' * 13}{number[16:]}")]
    await repeats(world, "households", sheet([*people("H1"), settled]))
    await repeats(world, "households", sheet([*people("H1"), child | {"出生日期": ""}]))


MEMBERS = (
    "select p.name, m.relation, m.valid_from, m.valid_to from membership m join person p on p.id = m.person_id"
    " join household h on h.id = m.household_id where h.number = :number and m.known_to is null order by m.valid_from, p.name"
)


async def test_who_dies_leaves_on_the_day_and_another_heads_the_household(world: World) -> None:
    rows = [{**row, "离户日期": ""} for row in people("H1")]
    rows[0]["离户日期"], rows[1]["与户主关系"] = "2021-06-01", "户主"
    since = (await world.rows(MEMBERS, number="H1"))[0].valid_from
    before = await contents(world)
    status = await world.bring("households", sheet(rows), "R1")
    assert tallies(status) == {"household": (0, 0, 1), "person": (0, 2, 0)}
    assert status.result["tallies"]["person"]["examples"][0]["fields"] == {"left_on": ["None", "2021-06-01"]}
    assert differing(before, await contents(world)) == {"membership"}
    assert [tuple(row) for row in await world.rows(MEMBERS, number="H1")] == [
        ("测1户主", "head", since, JUNE.date()),
        ("测1配偶", "spouse", since, SEPTEMBER),
        ("测1配偶", "head", SEPTEMBER, None),
    ]
    await repeats(world, "households", sheet(rows))


async def test_who_has_left_one_household_can_join_another(world: World) -> None:
    gone = {**people("H1")[1], "离户日期": "2021-06-01"}
    joins = {**people("H2")[0], "姓名": "测1配偶", "证件号码": gone["证件号码"], "与户主关系": "其他"}
    await fails(world, "households", sheet([*people("H2"), joins]), _at("PERSON_ELSEWHERE", "identity", 4))
    await world.bring("households", sheet([gone]), "R1")
    status = await world.bring("households", sheet([*people("H2"), joins]), "R1")
    assert tallies(status) == {"household": (0, 0, 1), "person": (0, 1, 2)}
    assert tuple((await world.rows(MEMBERS, number="H2"))[-1]) == ("测1配偶", "other", SEPTEMBER, None)
    await repeats(world, "households", sheet([gone]))


@pytest.mark.parametrize(
    ("left_on", "code"), [("2021-10-01", "DAY_IN_FUTURE"), ("2000-01-01", "BAD_VALUE")], ids=["later", "before"]
)
async def test_nobody_leaves_tomorrow_or_before_they_came(world: World, left_on: str, code: str) -> None:
    await fails(world, "households", sheet([{**people("H1")[1], "离户日期": left_on}]), _at(code, "left_on", 2))


async def test_a_known_household_is_not_told_to_lack_a_head(world: World) -> None:
    spouse = {**people("H1")[1], "证件号码": "123"}
    await fails(world, "households", sheet([spouse]), _at("IDENTITY_FORM", "identity", 2))


@pytest.mark.parametrize(
    ("kind", "data"),
    [("households", sheet(people(), without=["联户干部工号", "村民小组", "乡镇"])),
     ("households", sheet(people(), without=["一卡通账号", "开户名", "开户行"])),
     ("households", sheet(people(), without=["开户名", "开户行"])),
     ("households", sheet(people(), without=["脱贫年度"])),
     ("income", sheet(list(csv.DictReader(io.StringIO(ledger()))), without=["是否稳定"])),
     ("income", sheet(list(csv.DictReader(io.StringIO(ledger()))), without=["印证资料"])),
     ("divisions", sheet(list(csv.DictReader(io.StringIO(DIVISIONS))), without=["是否贫困村"]))],
    ids=["cadre-group-township", "account", "holder-bank", "exit-year", "stable", "evidence", "poor"],
)  # fmt: skip
async def test_a_column_that_is_left_out_changes_nothing(world: World, kind: str, data: str) -> None:
    await repeats(world, kind, data)


async def test_a_change_is_shown_in_the_words_of_the_office(world: World) -> None:
    dry = await world.bring("households", sheet(_both(联户干部工号="L2")), "R1", dry_run=True)
    assert dry.result["tallies"]["household"]["examples"][0]["fields"]["cadre"] == ["L1", "L2"]


async def test_a_nul_in_a_cell_is_a_problem_like_any_other(world: World) -> None:
    await fails(world, "households", sheet(_both(户类型="已脱\x00贫户")), _at("BAD_VALUE", "standing", 2, 3))


async def test_a_household_moves_with_everything_but_what_was_published(world: World) -> None:
    await world.until("acceptance")
    found = await world.rows(
        "select c.table_name, array_agg(c.column_name) as columns from information_schema.columns c"
        " where c.table_schema = 'public' and c.column_name in ('division', 'household_id', 'case_id')"
        " group by c.table_name having 'division' = any(array_agg(c.column_name))"
    )
    case = "(select c.id from case_file c join household h on h.id = c.household_id where h.number = :number)"
    places: dict[str, str] = {"household": "x.number = :number"}
    member = "(select m.person_id from membership m join household h on h.id = m.household_id where h.number = :number)"
    places["person"] = f"x.id in {member}"
    for table, columns in found:
        if "household_id" in columns:
            places[table] = "x.household_id = (select id from household where number = :number)"
        elif "case_id" in columns:
            places[table] = f"x.case_id = {case}"

    async def where(number: str) -> dict[str, set[int]]:
        rows = {t: await world.rows(f"select division from {t} x where {w}", number=number) for t, w in places.items()}
        return {table: {row.division for row in found} for table, found in rows.items() if found}

    following = {"household", "person", "membership", "standing", "account", "household_cadre", "income_line"}
    following |= {"case_file", "case_event", "claim", "signature", "determination"}
    assert await where("H1") == {table: {V1} for table in (*following, "notice_entry")}
    neighbour, notices = await where("H2"), await world.rows("select * from notice order by id")
    before = await contents(world)
    rows = _both(乡镇="西镇", 行政村="丙村")
    status = await world.bring("households", sheet(rows), "R1")
    assert tallies(status) == {"household": (0, 1, 0), "person": (0, 0, 2)}
    assert await where("H1") == {"notice_entry": {V1}} | {table: {V3} for table in following}
    assert await where("H2") == neighbour
    assert await world.rows("select * from notice order by id") == notices
    assert differing(before, await contents(world)) == following
    assert "H1" not in await world.cases("VC1")
    assert "H1" in await world.cases("VC3")
    await repeats(world, "households", sheet(rows))


# --- income ---------------------------------------------------------------------------------------------------

LINE = {"户编号": "H1", "日期": "2021-03-01", "收入类别": "养殖", "项目": "养殖项目", "总收入": "8000"}


def _lines(*changed: Mapping[str, str]) -> str:
    return sheet([{**LINE, "印证资料": "收据", **cells} for cells in changed])


async def test_a_corrected_amount_closes_the_old_line(world: World) -> None:
    before = await contents(world)
    data = _lines({"总收入": "7,999.50元", "日期": "2021年3月1日", "收入类别": "养殖业"})
    status = await world.bring("income", data, "VC1")
    assert tallies(status) == {"income line": (0, 1, 0)}
    assert status.result["tallies"]["income line"]["examples"] == [
        {"what": "H1 2021-03-01 养殖项目", "fields": {"gross_fen": ["800000", "799950"]}}
    ]
    rows = await world.rows(
        "select l.gross_fen, l.stable, l.known_from, l.known_to from income_line l join household h"
        " on h.id = l.household_id where h.number = 'H1' and l.category = 'breeding' order by l.known_to nulls last"
    )
    now = world.who("VC1").at.now
    assert [(row.gross_fen, row.stable, row.known_to) for row in rows] == [(800000, True, now), (799950, True, None)]
    assert rows[1].known_from == now
    assert differing(before, await contents(world)) == {"income_line"}
    await repeats(world, "income", data, "VC1")


async def test_equal_lines_are_numbered_by_their_order(world: World) -> None:
    twice = _lines({"项目": "鸡"}, {"项目": "鸡"}, {"项目": "鸡", "总收入": "9"})
    assert tallies(await world.bring("income", twice, "R1")) == {"income line": (3, 0, 0)}
    await repeats(world, "income", twice)
    changed = _lines({"项目": "鸡"}, {"项目": "鸡", "总收入": "10"}, {"项目": "鸡", "总收入": "9"}, {"项目": "鸡"})
    assert tallies(await world.bring("income", changed, "R1")) == {"income line": (1, 1, 2)}
    rows = await world.rows(
        "select occurrence, gross_fen from income_line where item = '鸡' and known_to is null order by occurrence"
    )
    assert [tuple(row) for row in rows] == [(1, 800000), (2, 1000), (3, 900), (4, 800000)]


async def test_income_of_the_future_is_refused(world: World) -> None:
    await fails(world, "income", _lines({"日期": "2021-10-01"}), _at("DAY_IN_FUTURE", "day", 2))
    with pytest.raises(Refused) as refused:
        await world.bring("income", _lines({}), "R1", as_of=date(2021, 10, 1))
    assert [problem.code for problem in refused.value.problems] == [Code.DAY_IN_FUTURE]
    early = await world.bring("income", _lines({}), "R1", as_of=date(2021, 2, 28))
    assert (early.state, problems(early)) == ("refused", _at("DAY_IN_FUTURE", "day", 2))


async def test_a_village_committee_imports_for_its_own_village_only(world: World) -> None:
    """A household of another village is as unknown as one that does not exist: the answer is no oracle."""
    told = []
    for number in ("H5", "H99"):
        data = _lines({"项目": "鸡"}, {"户编号": number})
        await fails(world, "income", data, _at("HOUSEHOLD_UNKNOWN", "number", 3), who="VC1")
        dry = await world.bring("income", data, "VC1", dry_run=True)
        told.append(json.dumps({**dry.result}).replace(number, "?"))
    assert told[0] == told[1]
    done = await world.bring("income", _lines({"项目": "鸡"}, {"户编号": "H5"}), "VC1", accept_valid=True)
    assert (done.state, problems(done)) == ("done", _at("HOUSEHOLD_UNKNOWN", "number", 3))
    rows = await world.rows(
        "select h.number from income_line l join household h on h.id = l.household_id where l.item = '鸡'"
    )
    assert [row.number for row in rows] == ["H1"]


@pytest.mark.parametrize(
    ("kind", "number"),
    [("income", "L1"), ("income", "C1"), ("income", "FI"), ("households", "C1"), ("households", "K1"),
     ("households", "VC1"), ("divisions", "K1"), ("officers", "C1"), ("organizations", "FM")],
)  # fmt: skip
async def test_the_wrong_duty_is_refused_before_anything_is_kept(world: World, kind: str, number: str) -> None:
    before = await contents(world)
    kept = await world.rows("select (select count(*) from file), (select count(*) from job)")
    with pytest.raises(Refused) as refused:
        await world.bring(kind, "x", number)
    assert [problem.code for problem in refused.value.problems] == [Code.FORBIDDEN]
    assert await contents(world) == before
    assert await world.rows("select (select count(*) from file), (select count(*) from job)") == kept


# --- divisions, officers, organizations -----------------------------------------------------------------------


async def names(world: World, code: int) -> list[tuple[Any, ...]]:
    """What is known now of a division: name, whether poor, from when, to when."""
    sql = "select name, poor, valid_from, valid_to from division where code = :code and known_to is null"
    return [tuple(row) for row in await world.rows(f"{sql} order by valid_from", code=code)]


DIVISION = "区划代码,名称,是否贫困村,启用日期,撤销日期\n"
FOREVER = date(1949, 10, 1)


@pytest.mark.parametrize(
    ("line", "field", "expected"),
    [("甲新村,是,2021-06-01,", "name", [("甲村", True, FOREVER, JUNE.date()), ("甲新村", True, JUNE.date(), None)]),
     ("甲新村,是,,", "name", [("甲村", True, FOREVER, SEPTEMBER), ("甲新村", True, SEPTEMBER, None)]),
     ("甲村,否,2021-06-01,", "poor", [("甲村", True, FOREVER, JUNE.date()), ("甲村", False, JUNE.date(), None)]),
     ("甲村,否,1940-01-01,", "poor", [("甲村", False, FOREVER, None)])],
    ids=["renamed-on-a-day", "renamed-today", "reclassified", "reclassified-from-the-first"],
)  # fmt: skip
async def test_a_division_changes_from_its_day_on(
    world: World, line: str, field: str, expected: list[tuple[Any, ...]]
) -> None:
    before = await contents(world)
    status = await world.bring("divisions", f"{DIVISION}{V1},{line}\n", "R1")
    assert tallies(status) == {"division": (0, 1, 0)}
    assert list(status.result["tallies"]["division"]["examples"][0]["fields"]) == [field]
    assert await names(world, V1) == expected
    assert differing(before, await contents(world)) == {"division"}
    await repeats(world, "divisions", f"{DIVISION}{V1},{line}\n")


async def test_a_new_division_and_an_abolished_one(world: World) -> None:
    data = f"{DIVISION}{T1 + 210},丁村,否,2021-06-01,\n{V2},乙村,否,1949-10-01,2021-06-01\n"
    assert tallies(await world.bring("divisions", data, "R1")) == {"division": (1, 1, 0)}
    assert await names(world, T1 + 210) == [("丁村", False, JUNE.date(), None)]
    assert await names(world, V2) == [("乙村", False, FOREVER, JUNE.date())]
    await fails(world, "households", sheet(people("H5")), _at("DIVISION_UNKNOWN", "village_name", 2, 3))
    world.today = date(2021, 5, 31)
    await repeats(world, "households", sheet(people("H5")))


async def test_a_division_abolished_before_today_without_a_first_day(world: World) -> None:
    await world.bring("divisions", f"区划代码,名称,是否贫困村,撤销日期\n{V2},乙村,否,2021-06-01\n", "R1")
    assert await names(world, V2) == [("乙村", False, FOREVER, JUNE.date())]


async def test_an_abolished_division_again_changes_nothing(world: World) -> None:
    data = f"{DIVISION}{V2},乙村,否,1949-10-01,2021-06-01\n"
    await world.bring("divisions", data, "R1")
    await repeats(world, "divisions", data)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [(f"110101001001,庚村,是,,\n{V1},甲村,是,,\n", _at("DIVISION_OUTSIDE", "code", 2)),
     (f"{V1},甲村,是,,\n{V1},甲村,是,,\n", [("DUPLICATE_ROW", ["rows", 3, "code"])]),
     ("99020110,庚村,是,,\n", _at("BAD_VALUE", "code", 2))],
    ids=["outside", "twice", "eight-digits"],
)  # fmt: skip
async def test_a_table_of_divisions_that_is_refused(world: World, lines: str, expected: list[Any]) -> None:
    await fails(world, "divisions", DIVISION + lines, expected)


OFFICER_HEADER = "工号,姓名,职责,负责区划代码,起始日期,截止日期,单位信用代码\n"


async def test_an_officer_is_renamed_moved_and_ended(world: World) -> None:
    unit = f"统一社会信用代码,单位名称,单位类型,所在区划代码\n{CODE_OF_UNIT},某局,机关,990201\n"
    assert tallies(await world.bring("organizations", unit, "R1")) == {"organization": (1, 0, 0)}
    await repeats(world, "organizations", unit)
    data = (
        f"{OFFICER_HEADER}K1,经办改,乡镇经办,{T1},2020-01-01,2021-06-01,{CODE_OF_UNIT}\n"
        f"K1,经办改,乡镇经办,{T2},2021-06-01,,{CODE_OF_UNIT}\nA3,验收西,乡镇验收,{T2},2021-02-01,,\n"
    )
    before = await contents(world)
    status = await world.bring("officers", data, "R1")
    assert tallies(status) == {"officer": (0, 1, 1), "assignment": (1, 2, 0)}
    assert differing(before, await contents(world)) == {"officer", "assignment"}
    held = await world.rows(
        "select o.number, o.name, a.area_lo, a.valid_from, a.valid_to, u.name as unit from assignment a join officer o"
        " on o.id = a.officer_id left join organization u on u.id = o.organization_id where o.number in ('K1', 'A3')"
        " and a.known_to is null order by o.number, a.valid_from"
    )
    new_year, february = date(2020, 1, 1), date(2021, 2, 1)
    assert [tuple(row) for row in held] == [
        ("A3", "验收西", T2, new_year, february, None),
        ("A3", "验收西", T2, february, None, None),
        ("K1", "经办改", T1, new_year, JUNE.date(), "某局"),
        ("K1", "经办改", T2, JUNE.date(), None, "某局"),
    ]
    await repeats(world, "officers", data)
    await world.look()
    assert world.who("K1", date(2021, 5, 31)).scope.areas == ((T1, T1 + 999),)
    assert world.who("K1", JUNE.date()).scope.areas == ((T2, T2 + 999),)
    renamed = unit.replace("某局", "新局").replace("机关", "事业单位")
    assert tallies(await world.bring("organizations", renamed, "R1")) == {"organization": (0, 1, 0)}
    rows = await world.rows("select credit_code, name, kind, division from organization")
    assert [tuple(row) for row in rows] == [(CODE_OF_UNIT, "新局", "institution", BASE)]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [(f"K1,经办东,乡镇经办,{T1},2020-01-01,,{CODE_OF_UNIT}\n", _at("NOT_FOUND", "unit", 2)),
     (f"N1,甲,乡镇经办,{T1},2020-01-01,,\nN1,乙,乡镇验收,{T1},2020-01-01,,\n", _at("BAD_VALUE", "name", 3)),
     (f"N1,甲,乡镇经办,{T1},2020-01-01,,\nN1,甲,乡镇经办,{T1},2021-01-01,,\n", [("DUPLICATE_ROW", ["rows", 3])]),
     ("N1,甲,乡镇经办,990201109,2020-01-01,,\n", _at("DIVISION_UNKNOWN", "area", 2)),
     (f"N1,甲,县长,{T1},2020-01-01,,\n", _at("BAD_VALUE", "duty", 2)),
     (f"N1,甲,乡镇经办,{T1},,,\n", _at("MISSING_VALUE", "valid_from", 2)),
     (f"K1,经办东,乡镇经办,{T1},2020-01-01,2019-01-01,\n", _at("BAD_VALUE", "valid_to", 2))],
    ids=["unit", "two-names", "twice", "area", "duty", "no-day", "backwards"],
)  # fmt: skip
async def test_a_roster_of_officers_that_is_refused(world: World, lines: str, expected: list[Any]) -> None:
    await fails(world, "officers", OFFICER_HEADER + lines, expected)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [("91350100M000100Y44,某局,机关\n", _at("CREDIT_CODE", "credit_code", 2)),
     (f"{CODE_OF_UNIT},某局,机关\n{CODE_OF_UNIT},某局,机关\n", [("DUPLICATE_ROW", ["rows", 3, "credit_code"])]),
     (f"{CODE_OF_UNIT},某局,俱乐部\n", _at("BAD_VALUE", "kind", 2))],
    ids=["code", "twice", "kind"],
)  # fmt: skip
async def test_a_table_of_organizations_that_is_refused(world: World, lines: str, expected: list[Any]) -> None:
    await fails(world, "organizations", f"统一社会信用代码,单位名称,单位类型\n{lines}", expected)


# --- headers, and the number of statements --------------------------------------------------------------------


async def test_a_header_matched_once_is_remembered(world: World) -> None:
    data = roster().replace("户编号", "家庭 代号(新)")
    before = await contents(world)
    unknown = await world.bring("households", data, "R1")
    assert (unknown.state, [p["code"] for p in unknown.result["problems"]]) == ("refused", ["HEADER_NOT_FOUND"])
    dry = await world.bring("households", data, "R1", matches={"家庭代号": "number"}, dry_run=True)
    assert dry.state == "done"
    wrong = await world.bring("households", data, "R1", matches={"代号": "number"})
    assert (wrong.state, [p["code"] for p in wrong.result["problems"]]) == ("refused", ["HEADER_UNKNOWN"])
    assert (await world.bring("households", data, "R1")).state == "refused"
    assert await contents(world) == before
    assert (await world.bring("households", data, "R1", matches={"家庭代号": "number"})).state == "done"
    assert differing(before, await contents(world)) == {"column_match"}
    await repeats(world, "households", data)
    assert (await world.bring("income", ledger().replace("户编号", "家庭代号"), "R1")).state == "refused"


async def test_the_number_of_statements_does_not_grow_with_the_rows(world: World) -> None:
    """The constant is zero: within a chunk every statement carries its rows as arrays, new ones and changed ones."""
    counts: dict[str, list[int]] = {"new": [], "changed": [], "same": []}
    for size, start in ((10, 4000), (200, 6000)):
        homes = [county.Home(f"N{start + i}", "东镇", "甲村", "L1", "已脱贫户", "2017", (), "", 0) for i in range(size)]
        rows = list(csv.DictReader(io.StringIO(roster(homes))))
        for index, row in enumerate(rows):
            row["证件号码"] = identity(start + index)
        renamed = [{**row, "姓名": "改" + row["姓名"], "村民小组": "二组", "户类型": "贫困户", "脱贫年度": "",
                    "一卡通账号": row["一卡通账号"] + "1", "联户干部工号": "L2", "行政村": "乙村"}
                   for row in rows]  # fmt: skip
        for way, data in (("new", rows), ("changed", renamed), ("same", renamed)):
            with county.Statements(world.database) as statements:
                status = await world.bring("households", sheet(data), "R1")
            assert status.state == "done"
            position = {"new": 0, "changed": 1, "same": 2}[way]
            assert [tally[position] for tally in tallies(status).values()] == [2 * size, size]
            counts[way].append(len(statements))
    assert {way: few - many for way, (few, many) in counts.items()} == {"new": 0, "changed": 0, "same": 0}
