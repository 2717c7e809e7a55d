"""What offices keep lists of, of persons: certificates, the minimum living guarantee and deaths, as lists and by hand,
and what to do where they say otherwise."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import openpyxl
import pytest
from sqlalchemy import select

from bangfu.access import CHINA
from bangfu.errors import Code, Refused
from bangfu.models import Circumstance
from bangfu.registry import circumstances, discrepancies
from bangfu.registry.circumstances import Recorded, Stated
from bangfu.registry.history import holds
from bangfu.registry.holding import CERTIFICATE, CUSTODY, DEATH, MINIMUM_LIVING, MOVED_AWAY, Category
from bangfu.vault import mask_identity
from tests.core.test_registry import contents, differing, fails, people, problems, sheet, tallies
from tests.county import GUESTS, ORGANIZATIONS, T1, V1, V2, V3, Statements, World
from tests.schools import NOBODY, ONE, THREE, TWO, WEST
from tests.stories import remembered

JUNE, JULY, AUGUST = date(2021, 6, 30), date(2021, 7, 31), date(2021, 8, 31)
OCTOBER = date(2021, 10, 8)
ISSUED, EXPIRES = date(2015, 3, 2), date(2025, 3, 2)
NAMES = {ONE: "测1户主", TWO: "测1配偶", THREE: "测2户主", WEST: "测7户主", NOBODY: "外人甲"}
CERTIFIED = {
    "证件号码": ONE, "姓名": "", "残疾人证号": "", "残疾类别": "肢体", "残疾等级": "二级", "证件代次": "第二代",
    "发证日期": "2015-03-02", "有效期至": "2025-03-01", "注销日期": "", "注销原因": "",
}  # fmt: skip
GUARANTEED = {"证件号码": ONE, "姓名": "", "低保类别": "A类", "起始日期": "2020-01-01", "停保日期": ""}
DIED = {"证件号码": ONE, "姓名": "", "死亡日期": "2021-06-20"}
ROWS = {"certificates": CERTIFIED, "minimum_living": GUARANTEED, "deaths": DIED}
SEEN = (
    "select p.number, c.kind, c.level, c.class_name, c.source, c.reported_on, c.valid_from, c.valid_to"
    " from circumstance c join person p on p.id = c.person_id where c.known_to is null"
    " order by p.number, c.kind, c.valid_from"
)
LIMBS_2 = ("H1-01", CERTIFICATE, 2, "", "federation", JUNE, ISSUED, EXPIRES)
"""The row of ``CERTIFIED``, as the federation's list of the end of June says."""


def listed(kind: str, *rows: dict[str, str], **changed: str) -> str:
    """A list: its row with changes, once for each of ``rows``, or once; the name is that of the register unless stated."""
    made = [{**ROWS[kind], **row, **changed} for row in rows or ({},)]
    output = io.StringIO()
    writer = csv.DictWriter(output, list(made[0]))
    writer.writeheader()
    writer.writerows([{**row, "姓名": row["姓名"] or NAMES.get(row["证件号码"], "某人")} for row in made])
    return output.getvalue()


@remembered
async def invited(world: World) -> None:
    """Bring in the line bureaux, and everybody else who is not of the programme."""
    for kind, data in (("organizations", ORGANIZATIONS), ("officers", GUESTS)):
        assert (await world.bring(kind, data, "R1")).state == "done"


@pytest.fixture
async def kept(world: World) -> World:
    """The county with its bureaux, in October."""
    world.today = OCTOBER
    await invited(world)
    return world


BRINGS = {"certificates": "DF", "minimum_living": "CA", "deaths": "CA"}
"""The authority of each list."""


async def brought(
    world: World, kind: str, data: str, number: str = "", day: date = JUNE, **options: Any
) -> dict[str, tuple[int, int, int]]:
    """What a list of a day came to, imported without a problem."""
    status = await world.bring(kind, data, number or BRINGS[kind], as_of=day, **options)
    assert (status.state, problems(status)) == ("done", []), status.result
    return tallies(status)


async def repeats(world: World, kind: str, data: str, number: str = "", day: date = JUNE, **options: Any) -> None:
    """The same list of the same day again finds everything the same and changes nothing."""
    before = await contents(world)
    again = await brought(world, kind, data, number, day, **options)
    assert [(new, changed) for new, changed, _ in again.values()] == [(0, 0)] * len(again)
    assert await contents(world) == before


async def confirmed(world: World) -> list[tuple[Any, ...]]:
    """Of whom a later list of the same source has said again what is known, and the day of the last."""
    rows = await world.rows(
        "select p.number, c.confirmed_on from circumstance c join person p on p.id = c.person_id"
        " where c.known_to is null and c.confirmed_on is not null order by 1"
    )
    return [tuple(row) for row in rows]


async def agrees(world: World, kind: str, data: str, number: str = "", day: date = JUNE) -> None:
    """A later list of the same source says nothing new: of what is known, its day is noted alone; and it repeats."""
    known, before = await seen(world), await contents(world)
    await brought(world, kind, data, number, day)
    assert differing(before, await contents(world)) == {"circumstance"}
    assert await seen(world) == known
    assert {confirmed_on for _, confirmed_on in await confirmed(world)} == {day}
    await repeats(world, kind, data, number, day)


async def seen(world: World) -> list[tuple[Any, ...]]:
    """What is known of everybody's circumstances."""
    return [tuple(row) for row in await world.rows(SEEN)]


async def tasks(world: World) -> list[tuple[Any, ...]]:
    """Every discrepancy: of whom, what kind, by whose list of which day, what is known and reported, how it was
    settled."""
    rows = await world.rows(
        "select p.number, d.kind, d.source, d.reported_on, d.known, d.reported, d.accepted from discrepancy d"
        " join person p on p.id = d.person_id order by d.id"
    )
    return [
        (number, kind, source, day, {name: (value, reported[name]) for name, value in known.items()}, accepted)
        for number, kind, source, day, known, reported, accepted in rows
    ]


async def settle(world: World, number: str, accept: bool, of: str = "") -> None:
    """Let somebody settle the latest discrepancy, or that of a person."""
    query = "select d.id from discrepancy d join person p on p.id = d.person_id where :own in ('', p.number)"
    rows = await world.rows(f"{query} order by d.id", own=of)
    who = world.who(number)
    async with world.database.session(who.scope) as session:
        await discrepancies.settle(session, who, UUID(str(rows[-1][0])), accept, "已核实")


async def record(
    world: World, by: str, number: str, stated: Stated, evidence: str = "证明 1 号", reason: str = "家属告知"
) -> Recorded:
    """Let somebody write a circumstance down."""
    who = world.who(by)
    async with world.database.session(who.scope) as session:
        return await circumstances.record(session, who, number, stated, evidence, reason)


async def end(
    world: World, by: str, number: str, kind: str, on: date, evidence: str = "证明 2 号", reason: str = "家属告知"
) -> Recorded:
    """Let somebody write down that a circumstance has ended."""
    who = world.who(by)
    async with world.database.session(who.scope) as session:
        return await circumstances.end(session, who, number, kind, on, evidence, reason)


def certificate(number: str, category: int, level: int) -> str:
    """The number of a certificate."""
    return f"{number}{category}{level}"


# --- what a list says that is new, the same, or changed -----------------------------------------------------------


async def test_the_federations_list_says_who_holds_a_certificate(kept: World) -> None:
    """Who is not in the register is counted, and nothing of him is kept."""
    data = listed(
        "certificates", {"残疾人证号": certificate(ONE, 4, 2)},
        {"证件号码": WEST, "残疾类别": "智力残疾", "残疾等级": "1", "发证日期": "", "有效期至": ""},
        {"证件号码": NOBODY},
    )  # fmt: skip
    before = await contents(kept)
    expected = {CERTIFICATE: (2, 0, 0), "not in the register": (0, 0, 1)}
    assert await brought(kept, "certificates", data, dry_run=True) == expected
    assert await contents(kept) == before
    assert await brought(kept, "certificates", data, name="6月残疾人证名册.csv") == expected
    assert await seen(kept) == [LIMBS_2, ("H7-01", CERTIFICATE, 1, "", "federation", JUNE, JUNE, None)]
    assert differing(before, await contents(kept)) == {"circumstance"}
    ((number, masked, category, generation, evidence, division, known_from),) = await kept.rows(
        "select number, number_masked, category, generation, evidence, division, known_from from circumstance"
        " where number is not null"
    )
    assert kept.vault.reveal(number, circumstances.SEALED_AS, kept.tenant.id) == certificate(ONE, 4, 2)
    assert (masked, category, generation, evidence, division) == (
        mask_identity(certificate(ONE, 4, 2)), "limbs", 2, "6月残疾人证名册.csv", V1,
    )  # fmt: skip
    assert ONE not in masked
    assert known_from == datetime.combine(OCTOBER, time(12), CHINA), "it is a late fact"
    await repeats(kept, "certificates", data)


async def test_a_certificate_that_was_upgraded_is_another_from_its_day_on(kept: World) -> None:
    await brought(kept, "certificates", listed("certificates", 残疾人证号=certificate(ONE, 4, 2)))
    upgraded = listed("certificates", 残疾等级="一级", 发证日期="2021-07-10", 有效期至="2031-07-09")
    assert await brought(kept, "certificates", upgraded, day=JULY) == {CERTIFICATE: (0, 1, 0)}
    expected = [
        (*LIMBS_2[:-1], date(2021, 7, 10)),
        ("H1-01", CERTIFICATE, 1, "", "federation", JULY, date(2021, 7, 10), date(2031, 7, 10)),
    ]
    assert await seen(kept) == expected
    # The number of the old certificate, which holds its level, is not that of the new one.
    numbers = "select number_masked from circumstance where known_to is null order by valid_from"
    assert [row[0] is None for row in await kept.rows(numbers)] == [False, True]
    await repeats(kept, "certificates", upgraded, day=JULY)
    # An older list brought late says nothing of what a newer one knows.
    await repeats(kept, "certificates", listed("certificates"))
    assert await tasks(kept) == []


async def test_an_authority_corrects_its_own_earlier_word_backwards(kept: World) -> None:
    await brought(kept, "certificates", listed("certificates"))
    corrected = listed("certificates", 残疾等级="三级")
    assert await brought(kept, "certificates", corrected, day=JULY) == {CERTIFICATE: (0, 1, 0)}
    assert await seen(kept) == [("H1-01", CERTIFICATE, 3, "", "federation", JULY, ISSUED, EXPIRES)]
    assert await tasks(kept) == []
    # An older list of the federation brought late says nothing.
    await repeats(kept, "certificates", listed("certificates"))
    # An earlier first day is added before what is known, a later one says nothing of the days before it.
    earlier = listed("certificates", 残疾等级="三级", 发证日期="2014-01-01")
    assert await brought(kept, "certificates", earlier, day=AUGUST) == {CERTIFICATE: (0, 1, 0)}
    assert [row[6:] for row in await seen(kept)] == [(date(2014, 1, 1), ISSUED), (ISSUED, EXPIRES)]
    await repeats(kept, "certificates", earlier, day=AUGUST)
    await repeats(kept, "certificates", listed("certificates", 残疾等级="三级", 发证日期="2020-01-01"), day=AUGUST)


async def test_a_certificate_ends_with_its_term_or_when_it_is_cancelled(kept: World) -> None:
    await brought(kept, "certificates", listed("certificates"))
    gone = listed("certificates", 注销日期="2021-07-15", 注销原因="迁出")
    assert await brought(kept, "certificates", gone, day=JULY) == {CERTIFICATE: (0, 1, 0)}
    assert await seen(kept) == [(*LIMBS_2[:5], JULY, ISSUED, date(2021, 7, 15))]
    (evidence,) = await kept.rows("select evidence from circumstance where known_to is null")
    assert evidence[0] == "残疾人证名册.csv:迁出"
    await repeats(kept, "certificates", gone, day=JULY)
    # Without its first day, it says that what was known has ended; of whom nothing is known, nothing.
    again = listed("certificates", {"发证日期": ""}, {"证件号码": TWO, "发证日期": ""}, 注销日期="2021-07-20")
    assert await brought(kept, "certificates", again, day=AUGUST) == {CERTIFICATE: (0, 1, 1)}
    assert await seen(kept) == [(*LIMBS_2[:5], AUGUST, ISSUED, date(2021, 7, 20))]
    # A new one begins a new time, and leaves the old.
    anew = listed("certificates", 发证日期="2021-09-01", 有效期至="")
    assert await brought(kept, "certificates", anew, day=OCTOBER) == {CERTIFICATE: (0, 1, 0)}
    assert [row[6:] for row in await seen(kept)] == [(ISSUED, date(2021, 7, 20)), (date(2021, 9, 1), None)]


async def test_civil_affairs_say_who_is_guaranteed_and_who_has_left(kept: World) -> None:
    await brought(kept, "minimum_living", listed("minimum_living", {}, {"证件号码": TWO, "低保类别": ""}))
    first = ("H1-01", MINIMUM_LIVING, None, "A类", "civil_affairs", JUNE, date(2020, 1, 1), None)
    assert await seen(kept) == [first, ("H1-02", *first[1:3], "", *first[4:])]
    left = listed("minimum_living", {"停保日期": "2021-07-01"}, {"证件号码": TWO, "低保类别": "B类"})
    assert await brought(kept, "minimum_living", left, day=JULY) == {MINIMUM_LIVING: (0, 2, 0)}
    assert await seen(kept) == [
        (*first[:5], JULY, date(2020, 1, 1), date(2021, 7, 1)),
        ("H1-02", MINIMUM_LIVING, None, "B类", "civil_affairs", JULY, date(2020, 1, 1), None),
    ]
    # A blank class leaves it as it is known.
    blank = listed("minimum_living", {"停保日期": "2021-07-01"}, {"证件号码": TWO}, 低保类别="")
    await repeats(kept, "minimum_living", blank, day=JULY)
    # He had not left after all, by the newer list of the same office.
    back = listed("minimum_living")
    assert await brought(kept, "minimum_living", back, day=AUGUST) == {MINIMUM_LIVING: (0, 1, 0)}
    assert (await seen(kept))[0] == (*first[:5], AUGUST, date(2020, 1, 1), None)


async def test_what_was_known_and_what_held_can_both_be_asked(kept: World) -> None:
    """As known on an instant, and as valid on a day: a correction backwards hides neither."""
    kept.today = JUNE
    await brought(kept, "minimum_living", listed("minimum_living"))
    kept.today = JULY
    await brought(kept, "minimum_living", listed("minimum_living", 停保日期="2021-05-01"), day=JULY)
    noons = [datetime.combine(day, time(13), CHINA) for day in (date(2021, 6, 29), JUNE, JULY)]
    who = kept.who("C1")
    found = []
    async with kept.database.session(who.scope) as session:
        for known_at in noons:
            for day in (date(2021, 4, 30), date(2021, 5, 1)):
                query = select(Circumstance.id).where(
                    Circumstance.tenant_id == kept.tenant.id, holds(Circumstance, day, known_at)
                )
                found.append(len((await session.scalars(query)).all()))
    assert found == [0, 0, 1, 1, 1, 0]


async def test_deaths_are_said_by_two_authorities_and_moved_by_neither_for_the_other(kept: World) -> None:
    await brought(kept, "deaths", listed("deaths"))
    row = ("H1-01", DEATH, None, "", "civil_affairs", JUNE, date(2021, 6, 20), None)
    assert await seen(kept) == [row]
    await repeats(kept, "deaths", listed("deaths"), "R1", JULY)
    # Its own word it corrects; no day stays on which he was dead already.
    moved = listed("deaths", 死亡日期="2021-06-22")
    assert await brought(kept, "deaths", moved, day=JULY) == {DEATH: (0, 1, 0)}
    assert await seen(kept) == [(*row[:5], JULY, date(2021, 6, 22), None)]
    await repeats(kept, "deaths", moved, day=JULY)
    earlier = listed("deaths", 死亡日期="2021-06-19")
    assert await brought(kept, "deaths", earlier, day=AUGUST) == {DEATH: (0, 1, 0)}
    assert await seen(kept) == [(*row[:5], AUGUST, date(2021, 6, 19), None)]
    # The register of deaths says another day, however much later: a task.
    assert await brought(kept, "deaths", listed("deaths"), "R1", OCTOBER) == {"discrepancy": (1, 0, 0)}
    assert await tasks(kept) == [
        ("H1-01", DEATH, "death_register", OCTOBER, {"since": ("2021-06-19", "2021-06-20")}, None)
    ]
    await settle(kept, "R1", True)
    assert await seen(kept) == [("H1-01", DEATH, None, "", "death_register", OCTOBER, date(2021, 6, 20), None)]


async def test_a_late_list_of_deaths_names_who_is_known_dead_on_a_later_day(kept: World) -> None:
    """A death has no end, whatever the day of the list."""
    known = listed("deaths", {"死亡日期": "2021-07-20"}, {"证件号码": TWO, "死亡日期": "2021-06-05"})
    await brought(kept, "deaths", known, day=JULY)
    rows = [
        ("H1-01", DEATH, None, "", "civil_affairs", JULY, date(2021, 7, 20), None),
        ("H1-02", DEATH, None, "", "civil_affairs", JULY, date(2021, 6, 5), None),
    ]
    assert await seen(kept) == rows
    # Of the same office, the newer list knows better; only who is new is new.
    late = listed("deaths", {}, {"证件号码": TWO, "死亡日期": "2021-06-04"}, {"证件号码": WEST})
    assert await brought(kept, "deaths", late) == {DEATH: (1, 0, 2)}
    assert await seen(kept) == [*rows, ("H7-01", DEATH, None, "", "civil_affairs", JUNE, date(2021, 6, 20), None)]
    # The register of deaths says another day: a task each, which moves the day where somebody accepts it.
    assert await brought(kept, "deaths", listed("deaths"), "R1") == {"discrepancy": (1, 0, 0)}
    assert await tasks(kept) == [
        ("H1-01", DEATH, "death_register", JUNE, {"since": ("2021-07-20", "2021-06-20")}, None)
    ]
    await settle(kept, "R1", True)
    assert (await seen(kept))[0] == ("H1-01", DEATH, None, "", "death_register", JUNE, date(2021, 6, 20), None)
    # Its own newer word moves it.
    await brought(kept, "deaths", listed("deaths", {"死亡日期": "2021-06-19"}), "R1", JULY)
    assert (await seen(kept))[0] == ("H1-01", DEATH, None, "", "death_register", JULY, date(2021, 6, 19), None)


async def test_a_list_of_deaths_of_before_the_day_that_an_office_wrote_down_is_a_task(kept: World) -> None:
    await record(kept, "K1", "H1-01", Stated(kind=DEATH, since=date(2021, 7, 5)))
    assert await brought(kept, "deaths", listed("deaths")) == {"discrepancy": (1, 0, 0)}
    assert await seen(kept) == [("H1-01", DEATH, None, "", "office", OCTOBER, date(2021, 7, 5), None)]
    await settle(kept, "CA", True)
    assert await seen(kept) == [("H1-01", DEATH, None, "", "civil_affairs", JUNE, date(2021, 6, 20), None)]


async def test_an_authority_that_says_the_same_answers_for_it(kept: World) -> None:
    paper = listed("minimum_living")
    await brought(kept, "minimum_living", paper, "K1")
    assert (await seen(kept))[0][4:6] == ("office", JUNE)
    assert await brought(kept, "minimum_living", paper) == {MINIMUM_LIVING: (0, 1, 0)}
    assert (await seen(kept))[0][4:6] == ("civil_affairs", JUNE)
    await repeats(kept, "minimum_living", paper)
    await repeats(kept, "minimum_living", paper, "K1")
    await brought(kept, "deaths", listed("deaths"), "K1")
    await brought(kept, "deaths", listed("deaths"))
    assert (await seen(kept))[0][4:6] == ("civil_affairs", JUNE)
    await repeats(kept, "deaths", listed("deaths"))


# --- what is for somebody to settle ---------------------------------------------------------------------------------


async def test_no_paper_of_another_office_overwrites_an_authority(kept: World) -> None:
    """Neither backwards nor, however new, for the days to come: a level is money every month."""
    await brought(kept, "certificates", listed("certificates"))
    before = await contents(kept)
    raised = listed("certificates", 残疾等级="一级", 发证日期="2021-09-01")
    assert await brought(kept, "certificates", raised, "K1", OCTOBER) == {"discrepancy": (1, 0, 0)}
    assert differing(before, await contents(kept)) == {"discrepancy"}
    assert await tasks(kept) == [("H1-01", CERTIFICATE, "office", OCTOBER, {"level": (2, 1)}, None)]
    await repeats(kept, "certificates", raised, "K1", OCTOBER)
    # While it is open, what else is said waits, and the import names the task.
    waiting = await kept.bring("certificates", listed("certificates", 残疾类别="听力"), "K1", as_of=OCTOBER)
    ((task,),) = await kept.rows("select id from discrepancy")
    assert tallies(waiting) == {"discrepancy": (0, 0, 1)}
    assert waiting.result["tallies"]["discrepancy"]["examples"][0]["fields"] == {
        "waits for": ["discrepancy", str(task)], "category": ["limbs", "hearing"],
    }  # fmt: skip
    # Who brought it does not accept it himself; another does, and it holds from its day on.
    with pytest.raises(Refused) as refused:
        await settle(kept, "K1", True)
    assert refused.value.problems[0].code is Code.SAME_PERSON
    assert differing(before, await contents(kept)) == {"discrepancy"}
    await settle(kept, "DF", True)
    assert await seen(kept) == [
        (*LIMBS_2[:-1], date(2021, 9, 1)),
        ("H1-01", CERTIFICATE, 1, "", "office", OCTOBER, date(2021, 9, 1), EXPIRES),
    ]
    # What was settled is not asked again, from neither side; a later list speaks of a later state.
    await repeats(kept, "certificates", raised, "K1", OCTOBER)
    await repeats(kept, "certificates", listed("certificates"), day=OCTOBER)


async def test_what_is_rejected_leaves_the_register_and_is_not_asked_again(kept: World) -> None:
    await brought(kept, "minimum_living", listed("minimum_living"))
    known = await seen(kept)
    gone = listed("minimum_living", 停保日期="2021-07-01")
    await brought(kept, "minimum_living", gone, "K1", JULY)
    await settle(kept, "K1", False)  # to leave things as they are, the same person may
    assert await seen(kept) == known
    assert await tasks(kept) == [("H1-01", MINIMUM_LIVING, "office", JULY, {"until": (None, "2021-07-01")}, False)]
    await repeats(kept, "minimum_living", gone, "K1", JULY)
    kept.today = date(2021, 11, 1)
    assert await brought(kept, "minimum_living", gone, "K1", kept.today) == {"discrepancy": (1, 0, 0)}


async def test_what_an_office_says_of_the_day_or_later_is_not_overwritten_either(kept: World) -> None:
    await brought(kept, "minimum_living", listed("minimum_living", 低保类别="B类"), "K1", JULY)
    assert await brought(kept, "minimum_living", listed("minimum_living"), day=JULY) == {"discrepancy": (1, 0, 0)}
    assert (await tasks(kept))[0][4] == {"class_name": ("B类", "A类")}
    await settle(kept, "CA", False)
    # A newer list of the authority is above it.
    kept.today = date(2021, 11, 1)
    assert await brought(kept, "minimum_living", listed("minimum_living"), day=kept.today) == {
        MINIMUM_LIVING: (0, 1, 0)
    }


async def test_a_first_day_before_what_another_says_is_a_task(kept: World) -> None:
    await brought(kept, "minimum_living", listed("minimum_living"))
    earlier = listed("minimum_living", 起始日期="2019-01-01")
    assert await brought(kept, "minimum_living", earlier, "K1", OCTOBER) == {"discrepancy": (1, 0, 0)}
    assert (await tasks(kept))[0][4] == {"since": ("2020-01-01", "2019-01-01")}
    await settle(kept, "C1", True)
    assert [row[4:] for row in await seen(kept)] == [
        ("office", OCTOBER, date(2019, 1, 1), date(2020, 1, 1)),
        ("civil_affairs", JUNE, date(2020, 1, 1), None),
    ]
    await repeats(kept, "minimum_living", listed("minimum_living"))


async def test_another_name_is_a_task_and_a_spelling_that_was_accepted_is_no_news(kept: World) -> None:
    other = listed("minimum_living", 姓名="张三")
    before = await contents(kept)
    assert await brought(kept, "minimum_living", other) == {"discrepancy": (1, 0, 0)}
    assert differing(before, await contents(kept)) == {"discrepancy"}
    assert (await tasks(kept))[0][4] == {"name": ("测1户主", "张三")}
    await settle(kept, "CA", True)
    assert len(await seen(kept)) == 1
    kept.today = date(2021, 11, 1)
    await agrees(kept, "minimum_living", other, day=kept.today)
    assert len(await tasks(kept)) == 1


async def test_accepting_what_was_decided_on_something_else_is_refused(kept: World) -> None:
    await brought(kept, "minimum_living", listed("minimum_living"))
    await brought(kept, "minimum_living", listed("minimum_living", 低保类别="C类"), "K1", JULY)
    await brought(kept, "minimum_living", listed("minimum_living", 低保类别="B类"), day=AUGUST)
    before = await contents(kept)
    with pytest.raises(Refused) as refused:
        await settle(kept, "CA", True)
    assert refused.value.problems[0].code is Code.CONFLICT
    assert await contents(kept) == before


async def test_a_page_loses_no_task_of_a_person_of_whom_there_are_several(kept: World) -> None:
    for kind in BRINGS:
        await brought(kept, kind, listed(kind, {}, {"证件号码": TWO}, 姓名="张三"))
    who, after, found = kept.who("C1"), None, []
    async with kept.database.session(who.scope) as session:
        while page := await discrepancies.open_ones(session, who, after=after, first=2):
            found += [(task.number, task.kind) for task in page]
            after = page[-1].place
    kinds = (CERTIFICATE, DEATH, MINIMUM_LIVING)
    assert found == [(number, kind) for number in ("H1-01", "H1-02") for kind in kinds]


@pytest.mark.parametrize(
    ("old", "asked"),
    [
        ({"whole": True}, {"listed": (True, False)}),
        ({"name": "张三"}, {"name": ("测1户主", "张三")}),
    ],
)
async def test_what_a_newer_list_of_the_same_authority_says_is_not_undone_by_an_old_task(
    kept: World, old: dict[str, Any], asked: dict[str, tuple[Any, Any]]
) -> None:
    """June's list leaves him out, or names him otherwise; July's names him, of the first level since May."""
    await brought(kept, "certificates", listed("certificates", {}, {"证件号码": TWO}), day=date(2021, 5, 31))
    if "whole" in old:
        await brought(kept, "certificates", listed("certificates", {"证件号码": TWO}), whole=True)
    else:
        await brought(kept, "certificates", listed("certificates", {"姓名": old["name"]}, {"证件号码": TWO}))
    assert [task[4] for task in await tasks(kept)] == [asked]
    raised = {"残疾等级": "一级", "发证日期": "2021-05-20"}
    newer = listed("certificates", raised, {"证件号码": TWO})
    assert await brought(kept, "certificates", newer, day=JULY, whole=True) == {CERTIFICATE: (0, 1, 1)}
    before = await contents(kept)
    with pytest.raises(Refused) as refused:
        await settle(kept, "DF", True)
    assert refused.value.problems[0].code is Code.CONFLICT
    assert await contents(kept) == before
    assert (await seen(kept))[:2] == [
        (*LIMBS_2[:5], date(2021, 5, 31), ISSUED, date(2021, 5, 20)),
        ("H1-01", CERTIFICATE, 1, "", "federation", JULY, date(2021, 5, 20), EXPIRES),
    ]
    await settle(kept, "DF", False)
    assert [task[5] for task in await tasks(kept)] == [False]


@pytest.mark.parametrize(
    ("kind", "number", "code"),
    [
        ("certificates", "CA", Code.NOT_YOUR_DUTY),
        ("minimum_living", "DF", Code.NOT_YOUR_DUTY),
        ("certificates", "ED", Code.NOT_FOUND),
        ("certificates", "K2", Code.NOT_FOUND),
        ("certificates", "VC1", Code.FORBIDDEN),
        ("certificates", "AU", Code.FORBIDDEN),
    ],
)
async def test_who_may_not_bring_the_list_does_not_settle_what_it_says(
    kept: World, kind: str, number: str, code: Code
) -> None:
    """For the education bureau, which settles what is said of schooling, there is no such task."""
    await brought(kept, kind, listed(kind, 姓名="张三"))
    before = await contents(kept)
    with pytest.raises(Refused) as refused:
        await settle(kept, number, True)
    assert refused.value.problems[0].code is code
    assert await contents(kept) == before


async def test_tasks_about_circumstances_are_seen_by_who_may_know_of_them(kept: World) -> None:
    await brought(kept, "certificates", listed("certificates", 姓名="张三"))

    async def found(number: str) -> tuple[int, dict[int, int]]:
        who = kept.who(number)
        async with kept.database.session(who.scope) as session:
            return len(await discrepancies.open_ones(session, who)), await discrepancies.counts(session, who)

    for number in ("DF", "K1"):
        assert await found(number) == (1, {T1: 1})
    assert await found("ED") == (0, {})
    assert await found("FI") == (0, {})


# --- whole lists ------------------------------------------------------------------------------------------------------


async def test_whom_a_whole_list_does_not_name_is_a_task(kept: World) -> None:
    await brought(kept, "minimum_living", listed("minimum_living", {}, {"证件号码": TWO}, {"证件号码": WEST}))
    rest = listed("minimum_living", {"证件号码": WEST}, {"证件号码": NOBODY})
    before = await contents(kept)
    # Not said to be whole, it says nothing of the others.
    assert await brought(kept, "minimum_living", rest, day=JULY, dry_run=True) == {
        MINIMUM_LIVING: (0, 0, 1), "not in the register": (0, 0, 1),
    }  # fmt: skip
    expected = {MINIMUM_LIVING: (0, 0, 1), "not in the register": (0, 0, 1), "not on the list": (2, 0, 0)}
    assert await brought(kept, "minimum_living", rest, day=JULY, whole=True, dry_run=True) == expected
    assert await contents(kept) == before
    assert await brought(kept, "minimum_living", rest, day=JULY, whole=True) == expected
    assert differing(before, await contents(kept)) == {"discrepancy", "circumstance"}
    assert await confirmed(kept) == [("H7-01", JULY)]
    assert sorted(await tasks(kept), key=lambda own: own[0]) == [
        (number, MINIMUM_LIVING, "civil_affairs", JULY, {"listed": (True, False)}, None)
        for number in ("H1-01", "H1-02")
    ]
    await repeats(kept, "minimum_living", rest, day=JULY, whole=True)
    # Accepted, it ended on the day before the list's; rejected, it goes on and is not asked again.
    await settle(kept, "CA", True, "H1-01")
    await settle(kept, "CA", False, "H1-02")
    assert [row[0:1] + row[5:] for row in await seen(kept)] == [
        ("H1-01", JULY, date(2020, 1, 1), JULY), ("H1-02", JUNE, date(2020, 1, 1), None),
        ("H7-01", JUNE, date(2020, 1, 1), None),
    ]  # fmt: skip
    await repeats(kept, "minimum_living", rest, day=JULY, whole=True)
    # A list of a day before, brought late, asks for nobody who came since.
    blank = listed("minimum_living", {"证件号码": NOBODY, "起始日期": ""})
    late = await brought(kept, "minimum_living", blank, day=date(2019, 12, 31), whole=True, dry_run=True)
    assert late == {"not in the register": (0, 0, 1)}


async def test_a_whole_list_speaks_of_the_area_of_who_brings_it(kept: World) -> None:
    await brought(kept, "certificates", listed("certificates", {}, {"证件号码": WEST}))
    none = listed("certificates", {"证件号码": NOBODY})
    assert (await brought(kept, "certificates", none, "K2", JULY, whole=True, dry_run=True))["not on the list"] == (
        1, 0, 0,
    )  # fmt: skip
    await brought(kept, "certificates", none, "K2", JULY, whole=True)
    assert [row[:3] for row in await tasks(kept)] == [("H7-01", CERTIFICATE, "office")]
    await settle(kept, "DF", True)
    assert [row[0:1] + row[4:] for row in await seen(kept)] == [
        ("H1-01", "federation", JUNE, ISSUED, EXPIRES), ("H7-01", "office", JULY, ISSUED, JULY)
    ]  # fmt: skip


async def test_an_older_whole_list_knows_nothing_of_a_newer_one_of_the_same_office(kept: World) -> None:
    await brought(kept, "minimum_living", listed("minimum_living"), day=JULY)
    none = listed("minimum_living", {"证件号码": NOBODY})
    assert (await brought(kept, "minimum_living", none, day=JUNE, whole=True))["not on the list"] == (0, 0, 1)
    assert await tasks(kept) == []


async def test_what_began_on_the_day_of_a_whole_list_that_does_not_name_it_never_was(kept: World) -> None:
    await brought(kept, "minimum_living", listed("minimum_living", 起始日期="2021-07-31"), "K1", JULY)
    await brought(kept, "minimum_living", listed("minimum_living", {"证件号码": NOBODY}), day=JULY, whole=True)
    await settle(kept, "CA", True)
    assert await seen(kept) == []


@pytest.mark.parametrize(
    ("kind", "options"), [("deaths", {}), ("minimum_living", {"accept_valid": True}), ("households", {})]
)
async def test_a_list_that_leaves_out_rows_or_is_of_deaths_is_never_whole(
    kept: World, kind: str, options: dict[str, Any]
) -> None:
    data = listed(kind) if kind in ROWS else sheet(people())
    before = await contents(kept)
    with pytest.raises(Refused) as refused:
        await kept.bring(kind, data, "R1", whole=True, **options)
    assert [(one.code, list(one.path)) for one in refused.value.problems] == [(Code.BAD_VALUE, ["whole"])]
    assert await contents(kept) == before


async def test_of_whom_a_row_cannot_be_read_nobody_says_that_he_is_not_listed(kept: World) -> None:
    await brought(kept, "minimum_living", listed("minimum_living"))
    bad = listed("minimum_living", {"证件号码": ONE[:17] + ("0" if ONE[17] != "0" else "1")})
    status = await kept.bring("minimum_living", bad, "CA", as_of=JULY, whole=True)
    assert (status.state, problems(status)) == ("refused", [("IDENTITY_CHECKSUM", ["rows", 2, "identity"])])
    assert tallies(status) == {}
    assert await tasks(kept) == []


# --- rows with problems -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "changed", "code", "column"),
    [
        ("certificates", {"证件号码": ONE[:17] + ("0" if ONE[17] != "0" else "1")}, "IDENTITY_CHECKSUM", "identity"),
        ("certificates", {"残疾人证号": certificate(ONE, 4, 2)[:19]}, "BAD_VALUE", "number"),
        ("certificates", {"残疾人证号": certificate(TWO, 4, 2)}, "BAD_VALUE", "number"),
        ("certificates", {"残疾人证号": certificate(ONE, 3, 2)}, "BAD_VALUE", "number"),
        ("certificates", {"残疾人证号": certificate(ONE, 4, 1)}, "BAD_VALUE", "number"),
        ("certificates", {"残疾人证号": certificate(ONE, 8, 2)}, "BAD_VALUE", "number"),
        ("certificates", {"残疾类别": "内脏"}, "BAD_VALUE", "category"),
        ("certificates", {"残疾等级": "五级"}, "BAD_VALUE", "level"),
        ("certificates", {"残疾等级": ""}, "MISSING_VALUE", "level"),
        ("certificates", {"证件代次": "四代"}, "BAD_VALUE", "generation"),
        ("certificates", {"发证日期": "2021-07-01"}, "DAY_IN_FUTURE", "since"),
        ("certificates", {"有效期至": "2015-03-02"}, "BAD_VALUE", "until"),
        ("certificates", {"注销日期": "2021-07-01"}, "DAY_IN_FUTURE", "ended_on"),
        ("certificates", {"注销日期": "2015-03-01"}, "BAD_VALUE", "ended_on"),
        ("minimum_living", {"起始日期": "2021-07-01"}, "DAY_IN_FUTURE", "since"),
        ("minimum_living", {"停保日期": "2019-12-31"}, "BAD_VALUE", "until"),
        ("minimum_living", {"起始日期": "去年"}, "BAD_DATE", "since"),
        ("deaths", {"死亡日期": "2021-07-01"}, "DAY_IN_FUTURE", "since"),
        ("deaths", {"死亡日期": ""}, "MISSING_VALUE", "since"),
        ("deaths", {"死亡日期": "1970-01-01"}, "BAD_VALUE", "since"),
    ],
)
async def test_a_row_with_a_problem_is_named(
    kept: World, kind: str, changed: dict[str, str], code: str, column: str
) -> None:
    before = await contents(kept)
    status = await kept.bring(kind, listed(kind, changed), BRINGS[kind], as_of=JUNE)
    assert (status.state, problems(status)) == ("refused", [(code, ["rows", 2, column])])
    assert await contents(kept) == before
    assert certificate(ONE, 4, 2) not in str(status.result)


async def test_a_certificate_that_was_issued_again_has_a_longer_number(kept: World) -> None:
    await brought(kept, "certificates", listed("certificates", 残疾人证号=f"{certificate(ONE, 4, 2)}B1"))
    ((number,),) = await kept.rows("select number from circumstance")
    assert kept.vault.reveal(number, circumstances.SEALED_AS, kept.tenant.id).endswith("B1")


async def test_a_number_that_comes_later_is_added_to_what_is_known(kept: World) -> None:
    await brought(kept, "certificates", listed("certificates"))
    numbered = listed("certificates", 残疾人证号=certificate(ONE, 4, 2))
    assert await brought(kept, "certificates", numbered, day=JULY) == {CERTIFICATE: (0, 1, 0)}
    await repeats(kept, "certificates", numbered, day=JULY)
    await agrees(kept, "certificates", listed("certificates"), day=AUGUST)


async def test_a_person_stands_once_in_a_list(kept: World) -> None:
    await fails(kept, "deaths", listed("deaths", {}, {}), [("DUPLICATE_ROW", ["rows", 3, "identity"])], "CA")


async def test_an_identity_number_that_excel_has_made_a_number_is_refused(kept: World) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(list(DIED))
    book.active.append([int(ONE[:17]) * 10, "测1户主", "2021-06-20"])
    output = io.BytesIO()
    book.save(output)
    status = await kept.bring("deaths", output.getvalue(), "CA", name="死亡登记.xlsx")
    assert (status.state, problems(status)) == ("refused", [("DIGITS_LOST", ["rows", 2, "identity"])])
    assert await seen(kept) == []


# --- who may, and what is in sight --------------------------------------------------------------------------------------


MAY = {
    "certificates": {"DF", "R1", "R2", "C1", "K1"},
    "minimum_living": {"CA", "R1", "R2", "C1", "K1"},
    "deaths": {"CA", "R1", "R2", "C1", "K1"},
}
ASKED = ("DF", "CA", "R1", "C1", "K1", "ED", "IF", "FM", "FI", "A1", "B1", "VC1", "W1", "L1", "AU", "SU", "HA", "E1")
SOURCES = {
    ("certificates", "DF"): "federation", ("minimum_living", "CA"): "civil_affairs", ("deaths", "CA"): "civil_affairs",
    ("deaths", "R1"): "death_register",
}  # fmt: skip


@pytest.mark.parametrize("kind", ROWS)
async def test_who_brings_which_list_and_for_whom_he_speaks(kept: World, kind: str) -> None:
    await kept.invite()
    before = await contents(kept)
    for number in ASKED:
        if number in MAY[kind]:
            assert await brought(kept, kind, listed(kind), number, dry_run=True) != {}
            source = circumstances.source_of(kept.who(number), circumstances_of(kind))
            assert source.value == SOURCES.get((kind, number), "office")
        else:
            with pytest.raises(Refused) as refused:
                await kept.bring(kind, listed(kind), number)
            assert refused.value.problems[0].code is Code.FORBIDDEN, number
    assert await contents(kept) == before


def circumstances_of(kind: str) -> str:
    """What a list is of."""
    return {"certificates": CERTIFICATE, "minimum_living": MINIMUM_LIVING, "deaths": DEATH}[kind]


async def test_for_a_township_who_is_out_of_sight_is_as_unknown_as_nobody(kept: World) -> None:
    answers = []
    for other in (ONE, NOBODY):
        data = listed("certificates", {"证件号码": WEST}, {"证件号码": other, "姓名": "某人"})
        answers.append((await kept.bring("certificates", data, "K2", as_of=JUNE, dry_run=True)).result)
    assert answers[0] == answers[1]
    assert await brought(kept, "certificates", data, "K2") == {
        CERTIFICATE: (1, 0, 0), "not in the register": (0, 0, 1),
    }  # fmt: skip


async def test_a_circumstance_goes_with_whoever_moves(kept: World) -> None:
    """So do its discrepancies; who leaves a household for another one's village is found there."""
    await brought(kept, "certificates", listed("certificates", {}, {"证件号码": TWO, "姓名": "李四"}))
    await kept.bring("households", sheet([{**row, "行政村": "乙村"} for row in people("H1")]), "R1")
    assert [tuple(row) for row in await kept.rows("select division from circumstance where known_to is null")] == [
        (V2,)
    ]
    assert [tuple(row) for row in await kept.rows("select division from discrepancy")] == [(V2,)]
    who = kept.who("VC1")
    async with kept.database.session(who.scope) as session:
        assert (await session.scalars(select(Circumstance.id))).all() == []


async def test_who_leaves_a_household_for_another_is_found_in_its_village(kept: World) -> None:
    """A household that is split, or two that become one: what is kept of a person goes where he belongs."""
    await brought(kept, "certificates", listed("certificates", {"证件号码": TWO, "姓名": "李四"}))
    await brought(kept, "minimum_living", listed("minimum_living", {}, {"证件号码": TWO}))
    head, spouse = people("H1")
    left = [head, {**spouse, "离户日期": "2021-08-01"}]
    assert (await kept.bring("households", sheet(left), "R1")).state == "done"
    came = [*people("H7"), {**people("H7")[1], "姓名": "测1配偶", "证件号码": TWO, "与户主关系": "其他"}]
    dry = await kept.bring("households", sheet(came), "R1", dry_run=True)
    assert [one["fields"] for one in dry.result["tallies"]["person"]["examples"]] == [{"village": ["甲村", "丙村"]}]
    assert (await kept.bring("households", sheet(came), "R1")).state == "done"
    for table in ("circumstance", "discrepancy", "person"):
        whose = "id" if table == "person" else "person_id"
        found = await kept.rows(
            f"select p.number, t.division from {table} t join person p on p.id = t.{whose}"
            " where p.number in ('H1-01', 'H1-02') order by 1"
        )
        assert [tuple(row) for row in found] == [("H1-01", V1), ("H1-02", V3)][table == "discrepancy" :], table


async def test_a_list_costs_the_same_statements_whatever_its_length(kept: World) -> None:
    few, many = (
        listed("minimum_living", *({"证件号码": number} for number in numbers))
        for numbers in ((ONE,), (ONE, TWO, THREE, WEST, NOBODY))
    )
    counted = []
    for data in (few, many):
        with Statements(kept.database) as statements:
            await brought(kept, "minimum_living", data, day=JUNE, whole=True, dry_run=True)
        counted.append(len(statements))
    assert counted[0] == counted[1]


# --- one person, by hand ------------------------------------------------------------------------------------------------


async def test_a_township_writes_down_what_it_knows_of_one_person(kept: World) -> None:
    before = await contents(kept)
    made = await record(kept, "K1", "H1-01", Stated(kind=CUSTODY, since=date(2021, 5, 4)))
    assert made.discrepancy is None
    assert differing(before, await contents(kept)) == {"circumstance"}
    row = ("H1-01", CUSTODY, None, "", "office", OCTOBER, date(2021, 5, 4), None)
    assert await seen(kept) == [row]
    ((id_, evidence, division),) = await kept.rows("select id, evidence, division from circumstance")
    assert (made.circumstance, evidence, division) == (id_, "证明 1 号", V1)
    ((object_, data, reason),) = await kept.rows(
        "select object, data, reason from audit_entry where action = 'record_circumstances'"
    )
    ((person,),) = await kept.rows("select id from person where number = 'H1-01'")
    assert (object_, reason) == (f"person/{person}", "家属告知")
    assert data == {"kind": CUSTODY, "source": "office", "verdict": "new"}
    # The same again is no news.
    digest = await contents(kept)
    again = await record(kept, "K1", "H1-01", Stated(kind=CUSTODY, since=date(2021, 5, 4)))
    assert again == Recorded(made.circumstance, changed=False)
    assert await contents(kept) == digest
    # He is released; the day is the first on which it is so no more.
    ended = await end(kept, "C1", "H1-01", CUSTODY, date(2021, 9, 1))
    assert ended.circumstance is not None
    assert await seen(kept) == [(*row[:-1], date(2021, 9, 1))]


async def test_each_kind_is_written_down_by_whoever_may_bring_its_list(kept: World) -> None:
    stated = {
        CERTIFICATE: Stated(
            kind=CERTIFICATE, since=ISSUED, until=EXPIRES, level=2, category=Category.LIMBS, generation=2
        ),
        MINIMUM_LIVING: Stated(kind=MINIMUM_LIVING, since=date(2020, 1, 1), class_name=" A类 "),
        DEATH: Stated(kind=DEATH, since=date(2021, 6, 20)),
        MOVED_AWAY: Stated(kind=MOVED_AWAY, since=OCTOBER),
    }
    await record(kept, "DF", "H1-01", stated[CERTIFICATE])
    await record(kept, "CA", "H1-01", stated[MINIMUM_LIVING])
    await record(kept, "R1", "H1-01", stated[DEATH])
    await record(kept, "K1", "H1-01", stated[MOVED_AWAY], evidence="")  # of today no paper is needed
    assert [row[1:5] for row in await seen(kept)] == [
        (CERTIFICATE, 2, "", "federation"), (DEATH, None, "", "death_register"),
        (MINIMUM_LIVING, None, "A类", "civil_affairs"), (MOVED_AWAY, None, "", "office"),
    ]  # fmt: skip
    before = await contents(kept)
    for number, kind in (("DF", MINIMUM_LIVING), ("DF", DEATH), ("CA", CERTIFICATE)):
        for refused_ in (record(kept, number, "H2-01", stated[kind]), end(kept, number, "H1-01", kind, OCTOBER)):
            with pytest.raises(Refused) as refused:
                await refused_
            assert refused.value.problems[0].code is Code.NOT_YOUR_DUTY
    for number in ("ED", "FI", "FM", "A1", "VC1", "W1", "L1", "AU", "SU", "HA", "E1"):
        for refused_ in (record(kept, number, "H2-01", stated[DEATH]), end(kept, number, "H1-01", DEATH, OCTOBER)):
            with pytest.raises(Refused) as refused:
                await refused_
            assert refused.value.problems[0].code is Code.FORBIDDEN, number
    assert await contents(kept) == before


LIVING = Stated(kind=MINIMUM_LIVING, since=date(2021, 1, 1))
FULL: dict[str, Any] = {"level": 2, "category": Category.LIMBS, "generation": 2}


@pytest.mark.parametrize(
    ("stated", "options", "code", "path"),
    [
        (LIVING, {"number": "H7-01"}, Code.NOT_FOUND, "person"),
        (LIVING, {"number": "H9-01"}, Code.NOT_FOUND, "person"),
        (LIVING, {"reason": " "}, Code.REASON_NEEDED, "reason"),
        (LIVING, {"evidence": " "}, Code.EVIDENCE_NEEDED, "evidence"),
        (Stated(kind=MINIMUM_LIVING, since=date(2021, 10, 9)), {}, Code.DAY_IN_FUTURE, "since"),
        (Stated(kind=CUSTODY, since=JUNE, until=date(2021, 10, 9)), {}, Code.DAY_IN_FUTURE, "until"),
        (Stated(kind=CUSTODY, since=JUNE, until=JUNE), {}, Code.BAD_VALUE, "until"),
        (Stated(kind=DEATH, since=JUNE, until=JULY), {}, Code.BAD_VALUE, "until"),
        (Stated(kind=DEATH, since=JUNE, level=1), {}, Code.BAD_VALUE, "level"),
        (Stated(kind=DEATH, since=JUNE, class_name="A类"), {}, Code.BAD_VALUE, "class_name"),
        (Stated(kind=CERTIFICATE, since=JUNE, level=2, generation=2), {}, Code.MISSING_VALUE, "category"),
        (Stated(kind=CERTIFICATE, since=JUNE, **{**FULL, "level": 5}), {}, Code.BAD_VALUE, "level"),
        (Stated(kind=CERTIFICATE, since=JUNE, **{**FULL, "generation": 0}), {}, Code.BAD_VALUE, "generation"),
    ],
)
async def test_what_cannot_be_written_down_changes_nothing(
    kept: World, stated: Stated, options: dict[str, str], code: Code, path: str
) -> None:
    before = await contents(kept)
    asked = {"number": "H1-01", **options}
    with pytest.raises(Refused) as refused:
        await record(kept, "K1", stated=stated, **asked)
    assert [(one.code, list(one.path)) for one in refused.value.problems] == [(code, [path])]
    assert await contents(kept) == before


@pytest.mark.parametrize(
    ("number", "kind", "on", "options", "code", "path"),
    [
        ("H1-01", MINIMUM_LIVING, date(2021, 10, 9), {}, Code.DAY_IN_FUTURE, "on"),
        ("H1-01", MINIMUM_LIVING, JULY, {"evidence": ""}, Code.EVIDENCE_NEEDED, "evidence"),
        ("H1-01", MINIMUM_LIVING, JULY, {"reason": ""}, Code.REASON_NEEDED, "reason"),
        ("H1-01", MINIMUM_LIVING, date(2019, 6, 1), {}, Code.NOT_FOUND, "kind"),
        ("H1-01", CUSTODY, JULY, {}, Code.NOT_FOUND, "kind"),
        ("H1-02", MINIMUM_LIVING, JULY, {}, Code.NOT_FOUND, "kind"),
        ("H7-01", MINIMUM_LIVING, JULY, {}, Code.NOT_FOUND, "person"),
        ("H1-01", DEATH, JULY, {}, Code.BAD_VALUE, "on"),
    ],
)
async def test_what_cannot_be_ended_stays(
    kept: World, number: str, kind: str, on: date, options: dict[str, str], code: Code, path: str
) -> None:
    await record(kept, "K1", "H1-01", Stated(kind=MINIMUM_LIVING, since=date(2020, 1, 1)))
    await record(kept, "K1", "H1-01", Stated(kind=DEATH, since=JUNE))
    before = await contents(kept)
    with pytest.raises(Refused) as refused:
        await end(kept, "K1", number, kind, on, **options)
    assert [(one.code, list(one.path)) for one in refused.value.problems] == [(code, [path])]
    assert await contents(kept) == before


async def test_a_death_is_taken_back_on_its_own_day_by_whoever_stated_it(kept: World) -> None:
    await record(kept, "K1", "H1-01", Stated(kind=DEATH, since=JUNE))
    assert await end(kept, "C1", "H1-01", DEATH, JUNE, reason="系误报") == Recorded()
    assert await seen(kept) == []
    assert len(await kept.rows("select 1 from circumstance where known_to is not null")) == 1, "it stays on record"
    # What an authority has said, another office does not take back: that is a task.
    await record(kept, "CA", "H1-01", Stated(kind=DEATH, since=JUNE))
    made = await end(kept, "K1", "H1-01", DEATH, JUNE)
    assert (made.circumstance, made.discrepancy is None) == (None, False)
    assert await tasks(kept) == [("H1-01", DEATH, "office", OCTOBER, {"until": (None, str(JUNE))}, None)]
    assert len(await seen(kept)) == 1
    with pytest.raises(Refused) as refused:
        await settle(kept, "K1", True)
    assert refused.value.problems[0].code is Code.SAME_PERSON
    await settle(kept, "CA", True)
    assert await seen(kept) == []


async def test_by_hand_too_what_an_authority_says_is_a_task_and_one_at_a_time(kept: World) -> None:
    await brought(kept, "certificates", listed("certificates"))
    known = await seen(kept)
    raised = Stated(kind=CERTIFICATE, since=date(2021, 9, 1), **{**FULL, "level": 1})
    made = await record(kept, "K1", "H1-01", raised)
    ((task,),) = await kept.rows("select id from discrepancy")
    assert made == Recorded(discrepancy=task)
    assert await seen(kept) == known
    before = await contents(kept)
    with pytest.raises(Refused) as refused:
        await record(kept, "K1", "H1-01", raised)
    assert refused.value.problems[0].code is Code.CONFLICT
    assert await contents(kept) == before
    # The authority itself writes over its own word; accepting the task is then decided on something else.
    await record(kept, "DF", "H1-01", Stated(kind=CERTIFICATE, since=ISSUED, until=EXPIRES, **{**FULL, "level": 3}))
    with pytest.raises(Refused) as refused:
        await settle(kept, "DF", True)
    assert refused.value.problems[0].code is Code.CONFLICT


async def test_one_person_costs_the_same_statements_however_much_is_known(kept: World) -> None:
    counted = []
    for since in (date(2019, 1, 1), date(2020, 1, 1), date(2021, 1, 1)):
        with Statements(kept.database) as statements:
            await record(kept, "K1", "H1-01", Stated(kind=MINIMUM_LIVING, since=since, class_name=str(since.year)))
        counted.append(len(statements))
    assert counted[1] == counted[2]
    assert len(await seen(kept)) == 3


# --- lists that agree, in whatever order they are brought -------------------------------------------------------------


async def test_an_older_list_changes_nothing_that_a_newer_one_has_said_again(kept: World) -> None:
    await brought(kept, "certificates", listed("certificates"))
    await agrees(kept, "certificates", listed("certificates"), day=AUGUST)
    # Another level, of a day before the list that said the same: it is overtaken.
    await repeats(kept, "certificates", listed("certificates", 残疾等级="一级"), day=JULY)
    # An office's papers of a day before it are a task, as if the authority had just said so for the first time.
    assert await brought(kept, "certificates", listed("certificates", 残疾等级="一级"), "K1", JULY) == {
        "discrepancy": (1, 0, 0)
    }
    assert [row[2] for row in await seen(kept)] == [2]


async def test_a_task_is_not_accepted_once_its_office_names_the_person_again(kept: World) -> None:
    both = listed("minimum_living", {}, {"证件号码": TWO})
    await brought(kept, "minimum_living", both)
    await brought(kept, "minimum_living", listed("minimum_living", {"证件号码": TWO}), day=JULY, whole=True)
    assert [task[4] for task in await tasks(kept)] == [{"listed": (True, False)}]
    await brought(kept, "minimum_living", both, day=AUGUST, whole=True)
    before = await contents(kept)
    with pytest.raises(Refused) as refused:
        await settle(kept, "CA", True)
    assert refused.value.problems[0].code is Code.CONFLICT
    assert await contents(kept) == before
    await settle(kept, "CA", False)
    assert [row[0:1] + row[6:] for row in await seen(kept)] == [
        ("H1-01", date(2020, 1, 1), None), ("H1-02", date(2020, 1, 1), None)
    ]  # fmt: skip


async def test_a_whole_list_of_nobody_is_refused(kept: World) -> None:
    """Nobody is asked for because a sheet was filtered before it was saved."""
    await brought(kept, "minimum_living", listed("minimum_living", {}, {"证件号码": TWO}))
    before = await contents(kept)
    empty = listed("minimum_living").splitlines()[0] + "\n"
    status = await kept.bring("minimum_living", empty, "CA", as_of=JULY, whole=True)
    assert (status.state, problems(status)) == ("refused", [("BAD_VALUE", ["file"])])
    assert await contents(kept) == before
    assert (await kept.bring("minimum_living", empty, "CA", as_of=JULY)).state == "done"


async def test_an_older_whole_list_asks_for_nobody_whom_a_newer_one_names(kept: World) -> None:
    both = listed("minimum_living", {}, {"证件号码": TWO})
    await brought(kept, "minimum_living", both)
    await brought(kept, "minimum_living", both, day=AUGUST, whole=True)
    await brought(kept, "minimum_living", listed("minimum_living", {"证件号码": TWO}), day=JULY, whole=True)
    assert await tasks(kept) == []


async def test_a_question_under_a_spelling_that_was_accepted_can_be_accepted(kept: World) -> None:
    await brought(kept, "minimum_living", listed("minimum_living", 姓名="张三"))
    await settle(kept, "CA", True)  # the spelling is his
    await brought(kept, "minimum_living", listed("minimum_living", 姓名="张三", 低保类别="C类"), "K1", JULY)
    assert (await tasks(kept))[-1][4] == {"class_name": ("A类", "C类")}
    await settle(kept, "CA", True)
    assert (await seen(kept))[-1][3] == "C类"


async def test_nothing_is_so_of_anybody_before_he_was_born(kept: World) -> None:
    ((born,),) = await kept.rows("select birth_date from person where number = 'H1-01'")
    before = await contents(kept)
    with pytest.raises(Refused) as refused:
        await record(kept, "CA", "H1-01", Stated(kind="death", since=born - timedelta(days=1)))
    assert [(one.code, one.path) for one in refused.value.problems] == [(Code.BAD_VALUE, ("since",))]
    assert await contents(kept) == before
    assert (await record(kept, "CA", "H1-01", Stated(kind="death", since=born))).changed
