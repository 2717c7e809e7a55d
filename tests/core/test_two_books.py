"""Two rule books of one programme, side by side: each county moves in its own time, and old cases keep to their book."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from bangfu.cases import ground as grounds
from bangfu.cases import overview, provisions, receipts
from bangfu.cases.ground import Rules
from bangfu.errors import Code, Refused
from bangfu.programme import DatedBook, Programme, check, installed
from bangfu.rules import criterion
from bangfu.simulate import keep_preview
from county_default.consolidation.rules import Consolidation
from tests.county import HOMES, SEPTEMBER, World
from tests.two_books import AT_LATEST, FIRST, SECOND, ByLabour, moving, two_books, with_two_books

NEIGHBOUR = "990202"


@pytest.fixture
def own() -> Programme:
    return two_books(installed().programme("consolidation"))


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    plugins = with_two_books()
    monkeypatch.setattr("tests.county.installed", lambda: plugins)


# --- which book holds on a day --------------------------------------------------------------------------------


def test_without_a_word_of_its_own_a_county_moves_at_the_latest_day(own: Programme) -> None:
    for day, book in ((FIRST, FIRST), (SECOND, FIRST), (date(2023, 9, 30), FIRST), (AT_LATEST, SECOND)):
        found = own.book(day)
        assert (found.book.since, found.by, found.move) == (book, None, None)
    never = two_books(own if len(own.books) == 1 else installed().programme("consolidation"), None)
    assert never.book(date(2099, 1, 1)).book.since == FIRST


def test_a_county_moves_by_its_own_word_from_the_day_that_this_says(own: Programme) -> None:
    moved = own.read_provision(moving(date(2021, 6, 1)), "own")
    assert [(one.since, one.book, one.clause) for one in moved.adoptions] == [(date(2021, 6, 1), SECOND, "四")]
    before, after = own.book(date(2021, 5, 31), [moved]), own.book(date(2021, 6, 1), [moved])
    assert (before.book.rules, before.by) == (Consolidation, None)
    assert (after.book.rules, after.by, after.move) == (ByLabour, moved, moved.adoptions[0])
    back = own.read_provision(moving(date(2021, 8, 1), book=FIRST), "back")
    assert own.book(date(2021, 8, 1), [moved, back]).book.rules is Consolidation
    assert own.book(date(2021, 7, 31), [moved, back]).book.rules is ByLabour
    # Whatever it says: from the latest day on, the second book holds.
    assert own.book(AT_LATEST, [moved, back]).book.rules is ByLabour


@pytest.mark.parametrize(
    "move",
    [
        {"adopts": SECOND, "since": date(2021, 2, 28), "clause": "四"},
        {"adopts": date(2021, 3, 2), "since": date(2021, 6, 1), "clause": "四"},
        {"adopts": FIRST, "since": AT_LATEST, "clause": "四"},
        {"adopts": SECOND, "since": date(2021, 6, 1), "clause": ""},
        {"adopts": "2021-03-01", "since": date(2021, 6, 1), "clause": "四"},
        {"adopts": SECOND, "since": date(2021, 6, 1)},
        "2021-03-01",
    ],
)
def test_a_county_cannot_move_to_a_book_before_its_day_or_to_one_that_is_over(own: Programme, move: object) -> None:
    with pytest.raises(Refused) as refused:
        own.read_provision({**moving(SECOND), "book": [move]})
    assert [(one.code, one.path) for one in refused.value.problems] == [(Code.BOOK_NOT_ADOPTABLE, ("book", 0))]
    assert FIRST.isoformat() in refused.value.problems[0].remedy.en


class OtherMeaning(ByLabour):
    """A book in which a name of the first one means something else."""

    @criterion(cites="fenjin-2021#二(二)3")
    def before_cap(self) -> bool:
        """The household earned something by labour.
        该户有务工收入。
        """
        return self.facts.labour > 0


def test_books_that_contradict_each_other_are_not_loaded(own: Programme) -> None:
    channels = set(installed().channels)
    check(own, channels)
    first, second = own.books
    for books, said in (
        ((replace(first, adopted=True), second), "is the first one; it holds everywhere"),
        ((first, replace(second, adopted=False)), "at_latest, which is for an adopted one"),
        ((first, replace(second, at_latest=date(2021, 2, 28))), "at_latest, which is for an adopted one"),
        ((first, DatedBook(date(2020, 10, 1), ByLabour)), "there is one book a day"),
        ((first, replace(second, rules=OtherMeaning)), "before_cap is criterion .*give it another name"),
    ):
        with pytest.raises(Exception, match=said):
            check(replace(own, books=books), channels)


# --- two counties ---------------------------------------------------------------------------------------------


async def move(world: World, since: date = SECOND) -> Rules:
    """Let a county move to the second book and open the next edition."""
    await world.provide(moving(since))
    who = world.who("C1")
    async with world.database.session(who.scope) as session:
        return await grounds.open_period(session, who, world.programme, world.period)


async def account(world: World) -> dict[str, tuple[str, int, str]]:
    """What came of each household: the outcome, the amount, and the first characters of the book's hash."""
    for cadre, homes in (("L1", ("H1", "H2", "H3", "H4")), ("L2", ("H5", "H6")), ("L3", ("H7", "H8"))):
        await world.plan(cadre, *homes)
        world.today = date(2021, 3, 20)
        await world.sign(cadre, "in_place")
    world.today = SEPTEMBER
    assert (await world.account()).state == "done"
    return await decided(world)


async def decided(world: World) -> dict[str, tuple[str, int, str]]:
    rows = await world.rows(
        "select distinct on (h.number) h.number, d.outcome, d.payable_fen, e.book_version from determination d "
        "join edition e on e.tenant_id = d.tenant_id and e.id = d.edition_id "
        "join case_file c on c.tenant_id = d.tenant_id and c.id = d.case_id "
        "join household h on h.tenant_id = c.tenant_id and h.id = c.household_id "
        f"where d.tenant_id = {world.tenant.id} order by h.number, d.recorded_at desc, d.round desc"
    )
    return {row[0]: (row[1], row[2], row[3]) for row in rows}


async def test_two_counties_decide_by_two_books_at_the_same_time(world: World) -> None:
    neighbour = World(world.database, world.vault, number=NEIGHBOUR)
    await neighbour.build()
    moved = await move(neighbour)
    assert (moved.number, moved.book, moved.book_since) == (2, ByLabour, SECOND)
    assert moved.moved_by is not None
    assert (moved.moved_by["clause"], moved.moved_by["since"]) == ("四", "2021-03-01")
    assert moved.moved_by["document"] == "测试县调整办法(测政办〔2021〕20号)"

    here, there = await account(world), await account(neighbour)
    versions = Consolidation.traced().version, ByLabour.traced().version
    assert {own[2] for own in here.values()} == {versions[0]}
    assert {own[2] for own in there.values()} == {versions[1]}
    assert {home: own[1] for home, own in here.items() if own[0] == "eligible"} == {
        home.number: home.award for home in HOMES if home.award
    }
    # By labour alone, at the rate of breeding (20 %), and at most 3,000 yuan; whoever has none is refused.
    labour = {
        home.number: sum(int(yuan) for kind, yuan in home.income if kind == "务工")
        for home in HOMES
        if home.standing == "已脱贫户"
    }
    assert {home: own[1] for home, own in there.items() if own[0] == "eligible"} == {
        home: min(yuan * 20, 300_000) for home, yuan in labour.items() if yuan
    }
    for county, count in ((world, len(here)), (neighbour, len(there))):
        who = county.who("C1")
        async with county.database.session(who.scope) as session:
            found = await receipts.replay(session, who, county.programme, county.period)
        assert (found.same, found.faults) == (count, ())


async def test_a_county_that_moves_keeps_what_its_old_book_decided(world: World) -> None:
    before = await account(world)
    who = world.who("C1")
    draft = await world.draft(moving(SECOND), previewed=False)
    async with world.database.session(who.scope) as session:
        found = await keep_preview(session, who, world.plugins, draft, world.period)
    assert found.books == (FIRST, SECOND)
    assert found.changes == ()
    second = world.who("C2")
    async with world.database.session(second.scope) as session:
        await provisions.release(session, second, world.plugins, draft)
        await grounds.open_period(session, second, world.programme, world.period)
    # Nothing is decided again by itself.
    assert await decided(world) == before
    async with world.database.session(who.scope) as session:
        replayed = await receipts.replay(session, who, world.programme, world.period)
    assert (replayed.same, replayed.faults) == (len(before), ())
    # Accounted again, it comes out as was previewed, and what was refused by either book is counted by its clause.
    assert (await world.account()).state == "done"
    after = await decided(world)
    assert sum(own[1] for own in after.values()) == found.total.fen_after
    assert sum(own[0] == "eligible" for own in after.values()) == found.total.eligible_after
    async with world.database.session(who.scope) as session:
        figures = await overview.overview(session, who, await world.ground(who))
    without_labour = [home for home in HOMES if "务工" not in dict(home.income)]
    assert sum(own.unmet["works"] for own in figures) == len(without_labour) == 6
    assert sum(own.unmet["left_in_a_covered_year"] for own in figures) == 0, "a clause of the other book"
    async with world.database.session(who.scope) as session:
        replayed = await receipts.replay(session, who, world.programme, world.period)
    assert replayed.faults == ()
    assert replayed.same >= len(after)


async def test_moving_can_be_taken_back(world: World) -> None:
    moved = await world.provide(moving(SECOND))
    who, second = world.who("C1"), world.who("C2")
    heading = provisions.Heading("撤销调整办法", "测政办〔2021〕21号", date(2021, 9, 1))
    async with world.database.session(who.scope) as session:
        undone = await provisions.take_back(session, who, world.plugins, moved, heading, date(2021, 9, 1), "一")
        await keep_preview(session, who, world.plugins, undone, world.period)
    async with world.database.session(second.scope) as session:
        await provisions.release(session, second, world.plugins, undone)
        rules = await grounds.open_period(session, second, world.programme, world.period)
    assert (rules.book, rules.moved_by) == (Consolidation, None)
