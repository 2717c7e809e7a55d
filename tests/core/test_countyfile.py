"""What a county has set up is one text: reviewed, compared, applied to another county, and applied again."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from datetime import date
from typing import Any

import pytest

from bangfu import countyfile, payments
from bangfu.access import Rule
from bangfu.access.rules import lay_down
from bangfu.cases import ground as grounds
from bangfu.countyfile import Change, CountyFile, Difference, Section
from bangfu.errors import Code, Problem, Refused
from bangfu.process import Duty
from bangfu.registry.days import set_working_day
from tests.core.test_provisions import CAPPED, kept, release
from tests.county import World

NEIGHBOUR = "990202"
DENY = Rule("village_committee", "import_income", "*", "*", "deny")
TEMPLATE = payments.TemplateStated(
    channel="yikatong", columns=[("account", "账号"), ("amount", "金额")], results={"77": "returned"}
)
WHOLE = """bangfu = 1

[[programmes]]
code = "consolidation"
since = 2021-01-20

[[provisions]]
programme = "consolidation"
title = "测试县2021年实施方案"
number = "测政办〔2021〕1号"
issued = 2021-01-10
parameters.cohort_exit_years = [{ since = 2020-10-01, value = { from = 2016, to = 2019 }, clause = "二(二)1" }]

[[provisions]]
programme = "consolidation"
title = "测试县2021年调整办法"
number = "测政办〔2021〕9号"
issued = 2021-03-01
parameters.household_cap = [{ since = 2021-03-01, value = "2000.00", clause = "二" }]

[[rules]]
duty = "village_committee"
action = "import_income"
programme = "*"
stage = "*"
effect = "deny"
reason = "试点"

[[templates]]
channel = "yikatong"
columns = [["account", "账号"], ["amount", "金额"]]
separator = "bar"
header = true
rows_per_file = 5000
line_end = "crlf"
results = { 77 = "returned" }

[[calendar]]
day = 2021-10-09
worked = true
note = "国办通知"
"""


async def export(world: World, number: str = "C1") -> CountyFile:
    who = world.who(number)
    async with world.database.session(who.scope, reading=True) as session:
        return await countyfile.export(session, who, world.plugins)


async def compare(world: World, given: CountyFile, number: str = "C1") -> list[Change]:
    who = world.who(number)
    async with world.database.session(who.scope, reading=True) as session:
        return await countyfile.compare(session, who, world.plugins, given)


async def apply(world: World, given: CountyFile, number: str = "C1", only: Iterable[Section] = ()) -> list[Change]:
    who = world.who(number)
    async with world.database.session(who.scope) as session:
        return await countyfile.apply(session, who, world.plugins, given, only)


async def refused(world: World, attempt: Awaitable[Any]) -> list[Problem]:
    before = await world.snapshot()
    with pytest.raises(Refused) as refusal:
        await attempt
    assert await world.snapshot() == before
    return list(refusal.value.problems)


def told(changes: list[Change]) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(one.section.value, one.kind.value, one.name) for one in changes]


async def set_up(world: World) -> None:
    """Everything that a county can set up."""
    await world.provide(CAPPED)
    await world.draft({**CAPPED, "number": "测政办〔2021〕99号"})
    office, keeper, funds = world.who("C1"), world.who("R1"), world.who("FM")
    async with world.database.session(office.scope) as session:
        await lay_down(session, office, world.plugins.programmes, DENY, "试点")
    async with world.database.session(keeper.scope) as session:
        await set_working_day(session, keeper, date(2021, 10, 9), True, "国办通知")
    async with world.database.session(funds.scope) as session:
        await payments.keep_template(session, funds, TEMPLATE, list(world.plugins.channels))


async def everything(world: World) -> None:
    """Let one officer do all that the file asks for: in small counties one does."""
    for duty in (Duty.REGISTRAR, Duty.FUND_MANAGER):
        await world.charge("C3", duty)


@pytest.fixture
async def neighbour(world: World) -> World:
    """A second county, with its own people and nothing set up beside its year."""
    made = World(world.database, world.vault, number=NEIGHBOUR)
    await made.build()
    return made


async def test_a_county_is_one_text(world: World) -> None:
    await set_up(world)
    assert (await export(world)).dump() == WHOLE
    assert CountyFile.load(WHOLE).dump() == WHOLE
    assert await compare(world, CountyFile.load(WHOLE)) == []


async def test_it_is_applied_to_another_county_and_again_changes_nothing(world: World, neighbour: World) -> None:
    await set_up(world)
    await everything(neighbour)
    given = await export(world)
    before = await neighbour.snapshot()
    wanted = await compare(neighbour, given)
    assert told(wanted) == [
        ("provisions", "added", ("consolidation", "测政办〔2021〕9号")),
        ("rules", "added", ("village_committee", "import_income", "*", "*")),
        ("templates", "added", ("yikatong",)),
        ("calendar", "added", ("2021-10-09",)),
    ]
    assert wanted[3].there == 'day = 2021-10-09\nworked = true\nnote = "国办通知"\n'
    assert await neighbour.snapshot() == before
    neighbour.today = date(2021, 3, 2)
    assert await apply(neighbour, given, "C3") == wanted
    assert await apply(neighbour, given, "C3") == []
    # The document is a draft: somebody previews it and somebody else releases it.
    (row,) = await neighbour.rows("select id from provision where state = 'draft' and number = '测政办〔2021〕9号' "
                                  f"and tenant_id = {neighbour.tenant.id}")  # fmt: skip
    assert (await export(neighbour)).of(Section.PROVISIONS).keys() == {("consolidation", "测政办〔2021〕1号")}
    await kept(neighbour, row[0])
    await release(neighbour, row[0])
    assert (await export(neighbour)).dump().replace("2021-01-20", "") == WHOLE.replace("2021-01-20", "")
    assert (await export(world)).dump() == WHOLE


async def test_what_only_the_county_has_is_left_alone(world: World) -> None:
    await set_up(world)
    before = await world.snapshot()
    nothing = CountyFile.load("bangfu = 1\n")
    found = await compare(world, nothing)
    assert {one.kind for one in found} == {Difference.ONLY_HERE}
    assert [one.section.value for one in found] == [
        "programmes", "provisions", "provisions", "rules", "templates", "calendar",
    ]  # fmt: skip
    assert await apply(world, nothing) == []
    assert await world.snapshot() == before


async def test_what_differs_is_changed_section_by_section(world: World) -> None:
    await set_up(world)
    other = CountyFile.load(
        WHOLE.replace("worked = true", "worked = false").replace('effect = "deny"', 'effect = "allow"')
        .replace("rows_per_file = 5000", "rows_per_file = 100")
    )  # fmt: skip
    problems = await refused(world, apply(world, other))
    assert [(one.code, one.path) for one in problems] == [
        (Code.FORBIDDEN, ("templates",)),
        (Code.FORBIDDEN, ("calendar",)),
    ]
    assert told(await apply(world, other, "R1", [Section.CALENDAR])) == [("calendar", "changed", ("2021-10-09",))]
    await everything(world)
    assert told(await apply(world, other, "C3", [Section.TEMPLATES])) == [("templates", "changed", ("yikatong",))]
    # The platform lets no county allow the village committee that; all else is done.
    (left,) = await compare(world, other)
    assert (left.section, left.here is not None, left.kind) == (Section.RULES, True, Difference.CHANGED)


async def test_whatever_a_step_refuses_is_said_at_its_place_and_nothing_is_kept(world: World) -> None:
    await everything(world)
    wrong = CountyFile.load(
        WHOLE.replace('code = "consolidation"', 'code = "consolation"')
        .replace("测政办〔2021〕9号", "测政办〔2021〕8号")
        .replace('value = "2000.00"', 'value = "20000.00"')
        .replace('channel = "yikatong"', 'channel = "post"')
        .replace('reason = "试点"', 'reason = " "')
        .replace("2019 }", "2018 }")
    )
    world.today = date(2021, 3, 2)
    problems = await refused(world, apply(world, wrong, "C3"))
    assert [(one.code.name, one.path) for one in problems] == [
        ("PROGRAMME_UNKNOWN", ("programmes", 0, "programme")),
        ("COUNTY_FILE_CONFLICT", ("provisions", 0, "number")),
        ("PARAMETER_OUT_OF_RANGE", ("provisions", 1, "parameters", "household_cap", 0)),
        ("REASON_NEEDED", ("rules", 0, "reason")),
        ("BAD_VALUE", ("templates", 0, "channel")),
    ]


@pytest.mark.parametrize("number", ["K1", "VC1", "FI", "L1"])
async def test_others_neither_read_nor_compare_nor_apply(world: World, number: str) -> None:
    given = CountyFile.load(WHOLE)
    for attempt in (export(world, number), compare(world, given, number), apply(world, given, number)):
        assert {problem.code for problem in await refused(world, attempt)} == {Code.FORBIDDEN}


async def test_a_programme_that_has_run_for_longer_and_a_rule_with_another_reason_are_no_difference(
    world: World,
) -> None:
    await set_up(world)
    same = WHOLE.replace("since = 2021-01-20", "since = 2021-02-01").replace('reason = "试点"', 'reason = "全县"')
    assert await compare(world, CountyFile.load(same)) == []
    longer = CountyFile.load(WHOLE.replace("since = 2021-01-20", "since = 2021-01-01"))
    assert await compare(world, longer) == []


async def test_a_programme_is_switched_on(world: World) -> None:
    more = f'{WHOLE}\n[[programmes]]\ncode = "leading"\nsince = 2021-02-01\n'
    await set_up(world)
    world.today = date(2021, 3, 1)
    assert told(await apply(world, CountyFile.load(more))) == [("programmes", "added", ("leading",))]
    who = world.who("C1")
    async with world.database.session(who.scope) as session:
        assert await grounds.switched_on(session, world.tenant.id, world.today) == {
            "consolidation": date(2021, 1, 20),
            "leading": date(2021, 2, 1),
        }


HEAD = '[[provisions]]\nprogramme = "consolidation"\ntitle = "x"\nnumber = "1号"\nissued = 2021-01-01\n'
FAULTS = [
    ("bangfu = 2\n", [("bangfu",)]),
    ("", [("bangfu",)]),
    ("bangfu = 1\npeople = 3\n", [("people",)]),
    ("bangfu = 1\nrules = 3\n", [("rules",)]),
    ("bangfu = 1\nrules = [3]\n", [("rules", 0)]),
    ("bangfu = 1\n[[calendar]]\nday = 2021-10-09\n", [("calendar", 0, "worked"), ("calendar", 0, "note")]),
    (
        'bangfu = 1\n[[calendar]]\nday = "2021-10-09"\nworked = 1\nnote = "x"\nweek = 1\n',
        [("calendar", 0, "week"), ("calendar", 0, "day"), ("calendar", 0, "worked")],
    ),
    (
        'bangfu = 1\n[[templates]]\nchannel = "y"\ncolumns = [["a"]]\nseparator = "bar"\nheader = true\n'
        'rows_per_file = 1\nline_end = "lf"\nresults = { 77 = 1 }\n',
        [("templates", 0, "columns"), ("templates", 0, "results")],
    ),
    (
        'bangfu = 1\n[[calendar]]\nday = 2021-10-09\nworked = true\nnote = "x"\n'
        '[[calendar]]\nday = 2021-10-09\nworked = true\nnote = "x"\n',
        [("calendar", 1)],
    ),
    ('bangfu = 1\n[[calendar]]\nday = 2021-10-09\nworked = true\nnote = "a\\u0000b"\n', [("calendar", 0, "note")]),
    ('bangfu = 1\n[[calendar]]\nday = 2021-10-09T10:00:00\nworked = true\nnote = "b"\n', [("calendar", 0, "day")]),
    (
        f"bangfu = 1\n{HEAD}parameters.x = [{{ value = 07:30:00 }}]\n"
        f"{HEAD.replace('1号', '2号')}parameters.x = 1.5\n"
        f"{HEAD.replace('1号', '3号')}parameters.x = {'[' * 20}{']' * 20}\n"
        f"{HEAD.replace('1号', '4号')}parameters.x = 99999999999999999999\n",
        [("provisions", place, "parameters") for place in range(4)],
    ),
]


@pytest.mark.parametrize(("text", "paths"), FAULTS)
def test_a_text_that_is_no_county_file_is_refused_with_every_fault(text: str, paths: list[tuple[Any, ...]]) -> None:
    with pytest.raises(Refused) as refusal:
        CountyFile.load(text)
    assert [(one.code, one.path) for one in refusal.value.problems] == [(Code.COUNTY_FILE_BAD, path) for path in paths]


AWKWARD = 'a"b\\\\c\\n\\t\x7f〔x〕'


def test_whatever_a_text_holds_is_read_as_it_was_written() -> None:
    day = {"day": date(2021, 10, 9), "worked": True, "note": AWKWARD}
    template = {
        "channel": "y", "columns": [[AWKWARD, ""]], "separator": "bar", "header": False, "rows_per_file": 1,
        "line_end": "lf", "results": {AWKWARD: "paid", "7 7": "returned"},
    }  # fmt: skip
    own = CountyFile({Section.TEMPLATES: {("y",): template}, Section.CALENDAR: {("2021-10-09",): day}})
    read = CountyFile.load(own.dump())
    assert (read.of(Section.CALENDAR), read.of(Section.TEMPLATES)) == (
        own.of(Section.CALENDAR), own.of(Section.TEMPLATES),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("bangfu = ", Code.FILE_UNREADABLE),
        (f"bangfu = {'[' * 50_000}", Code.FILE_UNREADABLE),
        (f"{'a.' * 50_000}a = 1", Code.FILE_UNREADABLE),
        (f"[{'a . ' * 20}a]", Code.FILE_UNREADABLE),
        ("bangfu = 1\nx = { " + "'a'." * 20 + "a = 1 }", Code.FILE_UNREADABLE),
        (f"# {'x' * 200_000}", Code.FILE_TOO_LARGE),
    ],
    ids=["no end", "lists in lists", "a key without end", "a table without end", "quoted", "too long"],
)
def test_what_cannot_be_read_is_refused_at_once(text: str, code: Code) -> None:
    with pytest.raises(Refused) as refusal:
        CountyFile.load(text)
    assert [one.code for one in refusal.value.problems] == [code]


# --- what is written otherwise and means the same -------------------------------------------------------------


async def test_however_a_file_writes_a_value_it_is_the_same(world: World) -> None:
    await set_up(world)
    await everything(world)
    written = (
        WHOLE.replace('value = "2000.00"', 'value = "2000"')
        .replace("[{ since = 2021-03-01", "{ since = 2021-03-01")
        .replace('clause = "二" }]', 'clause = "二" }')
        .replace('["account", "账号"]', '["account", " 账号 "]')
        .replace('programme = "*"\nstage = "*"\n', "")
    )
    assert written.count("2000.00") == 0
    given = CountyFile.load(written)
    assert await compare(world, given) == []
    before = await world.snapshot()
    assert await apply(world, given, "C3") == []
    assert await world.snapshot() == before


async def test_what_was_taken_back_is_not_exported_and_not_drafted_again(world: World) -> None:
    await set_up(world)
    before = await export(world)
    capped = await world.rows("select id from provision where number = '测政办〔2021〕9号'")
    back = {
        **CAPPED,
        "number": "测政办〔2021〕10号",
        "revokes": {"number": "测政办〔2021〕9号", "since": date(2021, 1, 1), "clause": "一"},
    }
    assert capped
    # One that says something itself besides, and one that says nothing but that.
    await world.provide(
        {**back, "parameters": {"household_cap": [{"since": date(2021, 3, 1), "value": "2500.00", "clause": "二"}]}}
    )
    after = await export(world)
    numbers = [name[1] for name in after.of(Section.PROVISIONS)]
    assert numbers == ["测政办〔2021〕1号", "测政办〔2021〕10号"]
    assert "revokes" not in after.of(Section.PROVISIONS)["consolidation", "测政办〔2021〕10号"]
    only = {key: own for key, own in back.items() if key != "parameters"}
    await world.provide(
        {**only, "number": "测政办〔2021〕11号", "revokes": {**back["revokes"], "number": "测政办〔2021〕10号"}}
    )
    assert [name[1] for name in (await export(world)).of(Section.PROVISIONS)] == [
        "测政办〔2021〕1号",
        "测政办〔2021〕9号",
    ]
    # A file from before is not taken for something new.
    assert told(await compare(world, before)) == []
    assert await apply(world, before, only=[Section.PROVISIONS]) == []


async def test_what_takes_back_what_is_not_released_yet_waits_for_it(world: World, neighbour: World) -> None:
    await world.provide(CAPPED)
    later = {"number": CAPPED["number"], "since": date(2030, 1, 1), "clause": "一"}
    heading = {"title": "撤销", "number": "测政办〔2021〕10号", "issued": date(2021, 3, 2)}
    await world.provide({**heading, "revokes": later})
    given = await export(world)
    assert len(given.of(Section.PROVISIONS)) == 3
    assert CountyFile.load(given.dump()) == given
    neighbour.today = date(2021, 3, 2)
    wanted = [
        ("provisions", "added", ("consolidation", "测政办〔2021〕9号")),
        ("provisions", "waits", ("consolidation", "测政办〔2021〕10号")),
    ]
    assert told(await apply(neighbour, given)) == wanted
    assert told(await apply(neighbour, given)) == wanted[1:]
    (row,) = await neighbour.rows(
        f"select id from provision where state = 'draft' and tenant_id = {neighbour.tenant.id}"
    )
    await kept(neighbour, row[0])
    await release(neighbour, row[0])
    assert told(await apply(neighbour, given)) == [("provisions", "added", ("consolidation", "测政办〔2021〕10号"))]
    assert await apply(neighbour, given) == []
    unknown = CountyFile.load(
        given.dump()
        .replace('number = "测政办〔2021〕9号", since', 'number = "没有", since')
        .replace("〕10号", "〕12号")
    )
    (problem,) = await refused(neighbour, apply(neighbour, unknown))
    assert (problem.code, problem.path) == (Code.NOT_FOUND, ("provisions", 2, "revokes", "number"))


async def test_a_programme_that_is_to_be_suspended_or_to_begin_is_left_as_it_is(world: World) -> None:
    await set_up(world)
    who = world.who("C1")
    async with world.database.session(who.scope) as session:
        await grounds.switch_off(session, who, world.programme, date(2021, 12, 1), "年底结束")
        await grounds.switch_on(session, who, world.plugins.programme("leading"), date(2021, 2, 1))
    before = await world.snapshot()
    text = WHOLE.replace("since = 2021-01-20", "since = 2021-01-01")
    given = CountyFile.load(f'{text}\n[[programmes]]\ncode = "leading"\nsince = 2021-01-25\n')
    assert await compare(world, given) == []
    assert await apply(world, given) == []
    assert await world.snapshot() == before
    assert [name for (name,) in (await export(world)).of(Section.PROGRAMMES)] == ["consolidation", "leading"]


async def test_who_may_not_see_a_section_is_told_that_there_is_one(world: World) -> None:
    await set_up(world)
    await world.invite()
    seen = await export(world, "R2")
    assert seen.hidden == (Section.TEMPLATES,)
    assert seen.dump().startswith("# 导出人无权查看 / not shown to who exported this: templates\nbangfu = 1\n")
    assert set(seen.entries) == {Section.PROGRAMMES, Section.PROVISIONS, Section.RULES, Section.CALENDAR}
    assert "账号" not in seen.dump()
    nothing = await compare(world, CountyFile.load("bangfu = 1"), "R2")
    assert {one.section.value for one in nothing} == {"programmes", "provisions", "rules", "calendar"}
