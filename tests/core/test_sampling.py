"""抽查: a frozen frame, a recorded seed, a draw that anyone can repeat, and results that decide who goes on."""

from __future__ import annotations

import hashlib
import io
from datetime import date

import openpyxl
import pytest

from bangfu.cases import acts, draws, sampling
from bangfu.cases.sampling import Drawn
from bangfu.cases.views import Selection
from bangfu.errors import Refused
from bangfu.process import Duty
from tests.county import ELIGIBLE, T1, T2, World, clean, codes, only

DRAWN_ON = date(2021, 10, 20)
SEED = "公开号码 21120"


async def draw(world: World, number: str = "C1", seed: str = SEED, source: str = "开奖公告") -> Drawn:
    who = world.who(number)
    ground = await world.ground(who)
    async with world.database.session(who.scope) as session:
        return await sampling.draw_sample(session, who, ground, seed, source)


async def refused(world: World, **options: str) -> str:
    before = await world.snapshot()
    with pytest.raises(Refused) as refusal:
        await draw(world, **options)
    assert await world.snapshot() == before
    return refusal.value.problems[0].code.name


async def test_the_frame_is_everything_accepted_and_the_draw_can_be_repeated_by_anyone(world: World) -> None:
    await world.until("sample")
    world.today = DRAWN_ON
    made = await draw(world)
    assert (made.frame_size, made.size) == (4, 1)
    ids = [(str(case.id), number) for number, case in (await world.cases()).items() if case.draw == made.id]
    # By hand: the township with the larger frame (3 of 4) gets the one place; in it the smallest hash is drawn.
    east = [(hashlib.sha256(f"{SEED}\n{id_}".encode()).hexdigest(), number) for id_, number in ids if number != "H7"]
    assert made.households == (min(east)[1],)
    who = world.who("C2")
    async with world.database.session(who.scope) as session:
        again, same = await sampling.redraw(session, who, made.id)
    assert (same, again.size, sorted(again.allocation.values())) == (True, 1, [0, 1])


async def test_a_tampered_frame_is_found_by_the_redraw(world: World) -> None:
    await world.until("sample")
    world.today = DRAWN_ON
    made = await draw(world)
    who = world.who("C1")
    async with world.database.session(who.scope) as session:
        assert (await sampling.redraw(session, who, made.id))[1] is True
    await _as_superuser(world, "update sample_unit set drawn = not drawn where position <= 2")
    async with world.database.session(who.scope) as session:
        assert (await sampling.redraw(session, who, made.id))[1] is False


async def _as_superuser(world: World, sql: str) -> None:
    """What only somebody beside the product could do."""
    from sqlalchemy import text

    from bangfu.db.embedded import ADMIN  # noqa: F401 - documents who this is

    async with world.database.owner() as connection:
        await connection.execute(text("set role none"))
        await connection.execute(text(sql))


async def test_who_may_draw_and_when(world: World) -> None:
    await world.until("acceptance")
    world.today = DRAWN_ON
    assert await refused(world) == "SAMPLE_EMPTY"
    await _accept_all(world)
    assert await refused(world, number="A2") == "NOT_YOUR_DUTY"
    assert await refused(world, number="FI") == "NOT_YOUR_DUTY"
    assert await refused(world, seed=" ") == "MISSING_VALUE"
    assert await refused(world, source="") == "MISSING_VALUE"


async def _accept_all(world: World) -> None:
    from bangfu.cases import acts

    for number in ("A2", "A3"):
        clean(await world.act(number, acts.accept, Selection(stages=["notice"])))


async def test_a_frame_is_drawn_once(world: World) -> None:
    """Nobody draws again until the seed pleases."""
    await world.until("sample")
    world.today = DRAWN_ON
    await draw(world)
    assert await refused(world, seed="another") == "SAMPLE_EMPTY"


async def test_the_frame_goes_on_when_the_last_result_is_in(world: World) -> None:
    await world.until("sample")
    world.today = DRAWN_ON
    made = await draw(world)
    (drawn,) = made.households
    others = {"H1", "H2", "H5", "H7"} - {drawn}
    assert {number: (await world.stages())[number] for number in others} == dict.fromkeys(others, "sample")
    problem = only(await world.act("C1", sampling.check, Selection(numbers=[min(others)]), passed=True))
    assert problem.code.name == "NOT_IN_SAMPLE"
    clean(await world.act("C1", sampling.check, Selection(numbers=[drawn]), passed=True))
    stages = await world.stages()
    assert {number: stages[number] for number in (drawn, *others)} == dict.fromkeys((drawn, *others), "payment")
    due = await world.rows(
        "select h.number, e.amount_fen from entitlement e join case_file c on c.id = e.case_id "
        "join household h on h.id = c.household_id order by h.number"
    )
    assert [tuple(row) for row in due] == [("H1", 300_000), ("H2", 220_000), ("H5", 150_000), ("H7", 5_000)]


async def test_a_failed_case_goes_back_with_its_finding_and_the_others_go_on(world: World) -> None:
    await world.until("sample")
    world.today = DRAWN_ON
    (drawn,) = (await draw(world)).households
    before = await world.snapshot()
    nothing = await world.act("C1", sampling.check, Selection(numbers=[drawn]), passed=False)
    assert codes(nothing) == {drawn: "FINDING_NEEDED"}
    assert codes(await world.act("A2", sampling.check, Selection(numbers=[drawn]), passed=True)) == {drawn: "FORBIDDEN"}
    assert await world.snapshot() == before
    clean(await world.act("C1", sampling.check, Selection(numbers=[drawn]), passed=False, finding="销售单据与台账不符"))
    stages = await world.stages()
    assert stages[drawn] == "accounting"
    assert sorted(n for n, stage in stages.items() if stage == "payment") == sorted({"H1", "H2", "H5", "H7"} - {drawn})
    ((finding,),) = await world.rows("select finding from sample_unit where passed is false")
    assert finding == "销售单据与台账不符"
    assert codes(await world.act("C1", sampling.check, Selection(numbers=[drawn]), passed=True)) == {
        drawn: "WRONG_STAGE"
    }


async def test_what_is_accepted_later_has_a_frame_of_its_own(world: World) -> None:
    from bangfu.cases import acts

    await world.until("acceptance")
    clean(await world.act("A2", acts.accept, Selection(stages=["notice"])))
    world.today = DRAWN_ON
    first = await draw(world)
    clean(await world.act("A3", acts.accept, Selection(stages=["notice"])))
    second = await draw(world, seed="另一号码")
    assert [(d.number, d.frame_size, d.size) for d in (first, second)] == [(1, 3, 1), (2, 1, 1)]
    assert second.households == ("H7",)


async def test_the_list_of_a_draw_names_whom_to_visit_and_is_on_record(world: World) -> None:
    await world.until("sample")
    world.today = DRAWN_ON
    made = await draw(world)
    who = world.who("C1")
    ground = await world.ground(who)
    async with world.database.session(who.scope) as session:
        (kept,) = await draws.kept(session, who, ground)
        assert (kept.id, kept.number, kept.frame_size, kept.size, kept.awaited) == (made.id, 1, 4, 1, 1)
        data = await draws.sheet(session, who, ground, made.id, "入户抽查")
    book = openpyxl.load_workbook(io.BytesIO(data))
    visit = list(book["抽中名单"].iter_rows(min_row=3, values_only=True))
    assert visit[0] == ("序号", "乡镇", "村", "组", "户编号", "户主", "结果", "发现的问题")
    assert [row[4] for row in visit[1:2]] == list(made.households)
    assert visit[1][5] == f"测{made.households[0][1:]}户主"
    frame = list(book["总体"].iter_rows(min_row=5, values_only=True))
    assert [row[0] for row in frame] == [1, 2, 3, 4]
    assert {row[3] for row in frame} == {"H1", "H2", "H5", "H7"}
    assert [row[3] for row in frame if row[4] == "是"] == list(made.households)
    audited = await world.rows("select reason, data from audit_entry where action = 'export_sample'")
    assert [tuple(row) for row in audited] == [("入户抽查", {"frame": 4, "drawn": 1, "rows": 4, "personal": ["head"]})]


@pytest.mark.parametrize(("number", "reason", "code"), [("C1", " ", "REASON_NEEDED"), ("A2", "x", "FORBIDDEN")])
async def test_a_list_without_a_reason_or_a_right_is_refused(world: World, number: str, reason: str, code: str) -> None:
    await world.until("sample")
    world.today = DRAWN_ON
    made = await draw(world)
    who = world.who(number)
    ground = await world.ground(who)
    audits = await world.rows("select count(*) from audit_entry")
    async with world.database.session(who.scope) as session:
        with pytest.raises(Refused, match=code):
            await draws.sheet(session, who, ground, made.id, reason)
    assert await world.rows("select count(*) from audit_entry") == audits


async def test_who_worked_on_a_case_does_not_check_its_sample(world: World) -> None:
    await world.until("acceptance")
    for township in (T1, T2):
        await world.charge("C1", Duty.TOWNSHIP_ACCEPTOR, township)
    clean(await world.act("C1", acts.accept, Selection(numbers=list(ELIGIBLE))))
    world.today = DRAWN_ON
    (drawn,) = (await draw(world)).households
    before = await world.snapshot()
    chosen = Selection(numbers=[drawn])
    assert codes(await world.act("C1", sampling.check, chosen, passed=True)) == {drawn: "SAME_PERSON"}
    assert await world.snapshot() == before
    clean(await world.act("C2", sampling.check, chosen, passed=True))
