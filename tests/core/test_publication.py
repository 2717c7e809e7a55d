"""公示公开页: what the public see of a notice and what they never do, what they hand in, and what officers make of it."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bangfu import notices
from bangfu.cases import acts, hearing
from bangfu.cases.views import Selection, Stated
from bangfu.db import Database
from bangfu.errors import Refused
from bangfu.models import WALLS
from bangfu.notices import NoticeState, evidence
from bangfu.notices.publication import HOURLY, HandedIn, Page, county_in, hand_in, in_village, of_notice, page_of
from tests.county import ACCEPTED, POSTED, V1, V2, V3, World, clean, codes

OPEN, LAST, OVER = date(2021, 10, 13), date(2021, 10, 15), date(2021, 10, 16)
NOON = datetime(2021, 10, 13, 4, tzinfo=UTC)
STANDARD = "养殖业总收入的20%、种植业总收入的15%、务工及自主经营总收入的10%,每户不超过3,000.00 元"


@pytest.fixture
async def posted(world: World) -> World:
    """The county with its notices posted, on the third of their five days."""
    await world.until("acceptance")
    world.today = OPEN
    return world


async def slugs(world: World, column: str = "slug") -> dict[int, str]:
    """The slug of each village's publication."""
    rows = await world.rows(f"select division, {column} from publication order by recorded_at")
    return {row[0]: row[1] for row in rows}


async def visited(world: World, slug: str, day: date = OPEN) -> Page | None:
    """A notice as the public see it."""
    async with world.database.visit(slug, day, reading=True) as session:
        return await page_of(session, slug)


async def handed(world: World, position: int = 1, village: int = V1, now: datetime = NOON, **said: Any) -> str:
    """Hand in an objection on a village's notice, as anybody."""
    slug = (await slugs(world))[village]
    said = {"form": uuid4(), "words": "收入与实际不符", **said}
    day = said.pop("day", OPEN)
    async with world.database.visit(slug, day) as session:
        page = await page_of(session, slug)
        assert page is not None
        return await hand_in(session, world.vault, page, HandedIn(position=position, **said), day, now)


async def refused(work: Any) -> str:
    """The code by which something is refused."""
    with pytest.raises(Refused) as caught:
        await work
    return caught.value.problems[0].code.name


async def heard(world: World, number: str = "A2") -> list[hearing.Heard]:
    """What is pending, as an officer sees it."""
    who = world.who(number)
    async with world.database.session(who.scope) as session:
        return await hearing.pending(session, world.vault, who)


async def confirm(world: World, number: str, id: UUID) -> acts.Report:
    who = world.who(number)
    async with world.database.session(who.scope) as session:
        return await hearing.confirm(session, who, world.plugins, id)


async def dismiss(world: World, number: str, id: UUID, reason: str) -> None:
    who = world.who(number)
    async with world.database.session(who.scope) as session:
        await hearing.dismiss(session, who, id, reason)


# --- what is published ----------------------------------------------------------------------------------------


async def test_a_publication_holds_the_allowed_columns_as_posted_and_nothing_else(posted: World) -> None:
    known = await slugs(posted)
    page = await visited(posted, known[V1])
    assert page is not None
    assert (page.county, page.township, page.village) == ("测试县", "东镇", "甲村")
    assert (page.title.zh, page.title.en) == (
        "东镇甲村2021年度已脱贫户巩固增收计划公示",
        f"Public notice: {posted.programme.title.en}, 2021, 东镇甲村",
    )
    assert (page.first, page.last, page.contact) == (POSTED, LAST, "")
    assert page.columns == ("beneficiary", "project", "standard", "amount")
    shown = [(line.position, dict(line.values or {})) for line in page.lines]
    common = {"project": "小养殖", "standard": STANDARD}
    assert shown == [
        (1, {"beneficiary": "测1户主", "amount": 300_000, **common}),
        (2, {"beneficiary": "测2户主", "amount": 220_000, **common}),
    ]
    assert (page.total, page.common) == (520_000, STANDARD)
    assert page.shown == ("beneficiary", "project", "amount")
    (row,) = (await posted.rows("select p::text from publication p where division = :v", v=V1))[0]
    for sort, number in await posted.rows(
        "select 'person', id::text from person union select 'household', id::text from household"
        " union select 'case', id::text from case_file union select 'name', name from person where name like '%配偶'"
    ):
        assert number not in row, sort


async def test_a_slug_is_opaque_and_each_village_keeps_its_own(posted: World) -> None:
    notices_, villages = await slugs(posted), await slugs(posted, "village_slug")
    found = [*notices_.values(), *villages.values()]
    assert len(set(found)) == 6
    for slug in found:
        assert county_in(slug) == "990201"
        assert not re.search(r"\d{11}", slug)
    for wrong in ("", "990201", "990201-", "990201-" + "a" * 25, "099201-" + "a" * 26, "990201-" + "A" * 26, "x" * 33):
        assert county_in(wrong) is None, wrong
    async with posted.database.visit(villages[V1], OPEN, reading=True) as session:
        assert [page.slug for page in await in_village(session, villages[V1])] == [notices_[V1]]
        assert await page_of(session, villages[V1]) is None


@pytest.mark.parametrize(
    ("day", "seen"),
    [(date(2021, 10, 10), False), (POSTED, True), (LAST, True), (OVER, False), (date(2022, 10, 12), False)],
)
async def test_a_page_is_seen_on_the_days_of_its_notice_and_on_no_other(posted: World, day: date, seen: bool) -> None:
    known = (await slugs(posted))[V1]
    assert (await visited(posted, known, day) is not None) is seen
    village = (await slugs(posted, "village_slug"))[V1]
    async with posted.database.visit(village, day, reading=True) as session:
        assert len(await in_village(session, village)) == int(seen)


async def test_what_is_posted_again_is_withdrawn_from_the_old_page(posted: World) -> None:
    old = (await slugs(posted))[V1]
    clean(await posted.act("VC1", _object, home="H1"))
    clean(await posted.act("A2", _settle, home="H1"))
    page = await visited(posted, old)
    assert page is not None
    assert [(line.position, line.values is None) for line in page.lines] == [(1, True), (2, False)]
    assert page.total == 220_000
    # Accounted, signed and posted again, it stands on a page of its own, in the same village.
    await posted.account()
    for number in ("L1", "W1", "VC1", "B1"):
        clean(await posted.sign(number, "accounting", "H1", reason="异议成立后重新核算"))
    clean(await posted.act("VC1", acts.post, Selection(numbers=["H1"])))
    village = (await slugs(posted, "village_slug"))[V1]
    async with posted.database.visit(village, OPEN, reading=True) as session:
        both = await in_village(session, village)
    assert [[line.position for line in own.lines] for own in both] == [[1, 2], [1]]
    again = await visited(posted, old)
    assert again == page, "the old page is as it was"
    assert len(await posted.rows("select 1 from publication_withdrawal")) == 1


# --- the role of the public -----------------------------------------------------------------------------------


async def test_the_public_see_one_page_and_nothing_else(posted: World) -> None:
    slug = (await slugs(posted))[V1]
    own = WALLS["publication"].opening
    assert own is not None
    async with posted.database.visit(slug, OPEN) as session:
        assert (await session.execute(text("select current_user::text"))).scalar() == "bangfu_public"
        seen = await session.execute(
            text(f"select {', '.join(own.select)} from publication where true or tenant_id = 1")
        )
        assert [row.slug for row in seen] == [slug]
    tables = sorted(set(WALLS) - {"publication", "publication_withdrawal"})
    for table in (*tables, "alembic_version", "publication", "publication_withdrawal"):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with posted.database.visit(slug, OPEN) as session:
                await session.execute(text(f"select * from {table}"))
    for column in ("notice_id", "recorded_at"):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with posted.database.visit(slug, OPEN) as session:
                await session.execute(text(f"select {column} from publication"))


@pytest.mark.parametrize(
    "sql",
    [
        "update publication set place = ''",
        "delete from publication",
        "insert into publication (tenant_id, id, slug) values (1, gen_random_uuid(), 'x')",
        "update public_objection set words = 'x'",
        "delete from public_objection",
        "insert into publication_withdrawal (slug, position) values ('x', 1)",
        "insert into public_objection (tenant_id, id, confirmed) values (1, gen_random_uuid(), true)",
        "truncate publication",
        "select * from who_enters('990201', 'C1', null, null)",
        "create table mine (a integer)",
    ],
)
async def test_the_public_change_nothing(posted: World, sql: str) -> None:
    slug = (await slugs(posted))[V1]
    before = await rows_of(posted)
    with pytest.raises(DBAPIError, match="permission denied"):
        async with posted.database.visit(slug, OPEN) as session:
            await session.execute(text(sql))
    assert await rows_of(posted) == before


async def test_the_public_gain_nothing_by_setting_what_officers_are_bound_to(posted: World) -> None:
    """What the walls of officers read opens no wall for the public: those policies are not theirs."""
    known = await slugs(posted)
    scope = {**posted.who("C1").scope.settings(), "app.areas": "{(,)}"}
    scope.pop("statement_timeout")
    for slug, seen in ((known[V1], [known[V1]]), ("990201-" + "a" * 26, []), ("", [])):
        async with posted.database.visit(slug, OPEN) as session:
            for name, value in scope.items():
                await session.execute(text("select set_config(:n, :v, true)"), {"n": name, "v": value})
            assert list(await session.scalars(text("select slug from publication"))) == seen
            assert list(await session.scalars(text("select slug from publication_withdrawal"))) == []


async def test_nothing_is_left_of_the_public_on_a_pooled_connection(posted: World) -> None:
    for _ in range(12):
        assert await visited(posted, (await slugs(posted))[V2]) is not None
        async with posted.database.app.connect() as connection:
            said = "select current_user::text, current_setting('app.slug', true)"
            assert tuple((await connection.execute(text(said))).one()) in {("bangfu_app", ""), ("bangfu_app", None)}


async def test_the_app_itself_sees_no_page_without_a_scope(posted: World) -> None:
    async with posted.database.unscoped() as connection:
        values = {"s": (await slugs(posted))[V1], "d": OPEN.isoformat()}
        await connection.execute(
            text("select set_config('app.slug', :s, true), set_config('app.day', :d, true)"), values
        )
        assert (await connection.execute(text("select count(*) from publication"))).scalar() == 0


FAULTS = {
    "policy widened": ("alter policy wall_shown on publication using (true)", "wall_shown of publication is missing"),
    "day forgotten": (
        "alter policy wall_shown on publication using (slug = nullif(current_setting('app.slug', true), ''))",
        "wall_shown of publication is missing",
    ),
    "hand in widened": (
        "alter policy wall_handed_in on public_objection with check (true)",
        "wall_handed_in of public_objection is missing",
    ),
    "policy for everybody": (
        "alter policy wall_select on publication to public",
        "the policy wall_select of publication is missing or not as declared",
    ),
    "column opened": (
        "grant select (notice_id) on publication to bangfu_public",
        "bangfu_public may select other columns of publication",
    ),
    "table opened": ("grant select on household to bangfu_public", "bangfu_public may select other columns of household"),
    "objections readable": (
        "grant select (words) on public_objection to bangfu_public",
        "bangfu_public may select other columns of public_objection",
    ),
    "right to change": (
        "grant update on publication to bangfu_public",
        "bangfu_public may update other columns of publication",
    ),
    "right taken away": (
        "revoke insert on public_objection from bangfu_public",
        "bangfu_public may insert other columns of public_objection",
    ),
    "function opened": ("grant execute on function tenant_by_code(text) to bangfu_public", "bangfu_public may call tenant_by_code"),
}  # fmt: skip


@pytest.mark.parametrize(("sql", "said"), FAULTS.values(), ids=FAULTS.keys())
async def test_the_start_up_check_finds_what_is_opened_to_the_public(database: Database, sql: str, said: str) -> None:
    await database.check(WALLS)
    async with database.owner() as connection:
        await connection.execute(text(sql))
    assert said in await _unsafe(database)


@pytest.mark.parametrize(
    ("given", "taken", "said"),
    [
        ("alter role bangfu_public login", "alter role bangfu_public nologin", "nobody logs in as"),
        ("grant bangfu_owner to bangfu_public", "revoke bangfu_owner from bangfu_public", "member of another role"),
        (
            "alter table calendar_day owner to bangfu_public",
            "alter table calendar_day owner to bangfu_owner",
            "bangfu_public owns something",
        ),
        ("revoke bangfu_public from bangfu_app", "grant bangfu_public to bangfu_app", "the app cannot become"),
    ],
    ids=["login", "member", "owner", "not entered"],
)
async def test_the_role_of_the_public_is_nobody(database: Database, given: str, taken: str, said: str) -> None:
    async def as_superuser(sql: str) -> None:
        async with database.owner() as connection:
            await connection.execute(text("set role none"))
            await connection.execute(text(sql))

    await as_superuser(given)
    try:
        assert said in await _unsafe(database)
    finally:
        await as_superuser(taken)
    await database.check(WALLS)


async def _unsafe(database: Database) -> str:
    with pytest.raises(Refused) as found:
        await database.check(WALLS)
    (problem,) = found.value.problems
    assert problem.code.name == "UNSAFE_DATABASE"
    return str(problem.values["detail"])


# --- what is handed in ----------------------------------------------------------------------------------------


async def test_what_is_handed_in_is_kept_sealed_and_stops_its_case_alone(posted: World) -> None:
    receipt = await handed(posted, words=" 牛是借来的 ", name="演示村民", phone="139 0000 0000")
    ((kept,),) = await posted.rows("select row(o.*)::text from public_objection o")
    assert "牛是借来的" in kept
    assert "演示村民" not in kept
    assert "0000 0000" not in kept
    (found,) = await heard(posted)
    assert (found.receipt, found.household, found.position, found.words) == (receipt, "H1", 1, "牛是借来的")
    assert (found.name, found.phone, found.handed_in_on) == ("演示村民", "139****0000", OPEN)
    cases = await posted.cases()
    assert {number: case.view.open_objections for number, case in cases.items() if case.notice} == {
        "H1": 1, "H2": 0, "H5": 0, "H7": 0,
    }  # fmt: skip
    who = posted.who("C1")
    async with posted.database.session(who.scope) as session:
        every = [case.id for case in cases.values()]
        assert await notices.pending_objections(session, posted.tenant.id, every) == {cases["H1"].id}
    posted.today = ACCEPTED
    report = await posted.act("A2", acts.accept, Selection(stages=["notice"]))
    assert (report.done, codes(report)) == (["H2", "H5"], {"H1": "OBJECTION_OPEN"})


async def test_the_same_form_counts_once(posted: World) -> None:
    form = uuid4()
    first = await handed(posted, form=form)
    assert await handed(posted, form=form, words="再按一次") == first
    assert re.fullmatch(r"YY-[A-Z2-7]{4}-[A-Z2-7]{4}", first)
    assert [tuple(row) for row in await posted.rows("select words, receipt from public_objection")] == [
        ("收入与实际不符", first)
    ]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"words": " "}, "MISSING_VALUE"),
        ({"words": "长" * 1001}, "BAD_VALUE"),
        ({"position": 3}, "BAD_VALUE"),
        ({"position": 0}, "BAD_VALUE"),
        ({"name": "名" * 51}, "BAD_VALUE"),
        ({"phone": "请来电"}, "BAD_VALUE"),
        ({"phone": "1"}, "BAD_VALUE"),
    ],
)
async def test_what_cannot_be_handed_in_is_refused(posted: World, said: dict[str, Any], code: str) -> None:
    before = await rows_of(posted)
    assert await refused(handed(posted, **said)) == code
    assert await rows_of(posted) == before


async def test_nothing_is_handed_in_against_a_withdrawn_entry(posted: World) -> None:
    clean(await posted.act("VC1", _object, home="H1"))
    clean(await posted.act("A2", _settle, home="H1"))
    before = await rows_of(posted)
    assert await refused(handed(posted, position=1)) == "BAD_VALUE"
    assert await rows_of(posted) == before


@pytest.mark.parametrize(
    "change",
    [
        {"handed_in_on": date(2021, 10, 12)},
        {"position": 3},
        {"division": V3},
        {"publication_id": uuid4()},
        {"tenant_id": 2},
    ],
    ids=["another day", "no such entry", "another village", "another page", "another county"],
)
async def test_the_database_itself_takes_only_what_is_for_the_page(posted: World, change: dict[str, Any]) -> None:
    slug = (await slugs(posted))[V1]
    page = await visited(posted, slug)
    assert page is not None
    row = {
        "tenant_id": page.tenant, "id": uuid4(), "publication_id": page.id, "division": page.division, "position": 1,
        "words": "x", "receipt": "YY", "handed_in_on": OPEN, "handed_in_at": NOON,
    }  # fmt: skip
    put = text(f"insert into public_objection ({', '.join(row)}) values ({', '.join(f':{name}' for name in row)})")
    with pytest.raises(DBAPIError, match="row-level security"):
        async with posted.database.visit(slug, OPEN) as session:
            await session.execute(put, {**row, **change})
    for other, day in (((await slugs(posted))[V3], OPEN), (slug, OVER)):
        with pytest.raises(DBAPIError, match="row-level security"):
            async with posted.database.visit(other, day) as session:
                await session.execute(put, {**row, "handed_in_on": day})
    assert await posted.rows("select 1 from public_objection") == []
    async with posted.database.visit(slug, OPEN) as session:
        await session.execute(put, row)
    assert len(await posted.rows("select 1 from public_objection")) == 1


async def test_a_notice_takes_only_so_many_an_hour_even_at_once(posted: World) -> None:
    slug = (await slugs(posted))[V1]
    for n in range(HOURLY - 1):
        await handed(posted, now=NOON + timedelta(seconds=n))
    both = await asyncio.gather(handed(posted), handed(posted), return_exceptions=True)
    assert sorted(isinstance(one, Refused) for one in both) == [False, True]
    assert await refused(handed(posted)) == "OBJECTIONS_TOO_MANY"
    assert len(await posted.rows("select 1 from public_objection")) == HOURLY
    assert await handed(posted, village=V2), "another notice takes them"
    assert await handed(posted, now=NOON + timedelta(hours=1, seconds=1)), "and so does this one an hour later"
    assert await visited(posted, slug) is not None


# --- what officers make of it ---------------------------------------------------------------------------------


async def test_a_confirmed_one_is_an_objection_of_the_day_it_was_handed_in(posted: World) -> None:
    receipt = await handed(posted, words="牛是借来的")
    (own,) = await heard(posted)
    posted.today = date(2021, 10, 18)
    assert clean(await confirm(posted, "A2", own.id)).done == ["H1"]
    assert [tuple(row) for row in await posted.rows("select words, objector, made_on from objection")] == [
        ("牛是借来的", f"网上异议 {receipt}", OPEN)
    ]
    assert await heard(posted) == []
    assert (await posted.cases())["H1"].view.open_objections == 1
    before = await rows_of(posted)
    assert await refused(confirm(posted, "A2", own.id)) == "CONFLICT"
    assert await refused(dismiss(posted, "A2", own.id, "重复提交")) == "CONFLICT"
    assert await rows_of(posted) == before


async def test_a_dismissed_one_lets_the_case_go_on_and_is_on_record(posted: World) -> None:
    await handed(posted, words="广告")
    (own,) = await heard(posted, "K1")
    before = await rows_of(posted)
    assert await refused(dismiss(posted, "K1", own.id, " ")) == "REASON_NEEDED"
    assert await refused(dismiss(posted, "VC1", own.id, "不实")) == "FORBIDDEN"
    assert await refused(dismiss(posted, "K2", own.id, "不实")) == "NOT_FOUND"
    assert await refused(confirm(posted, "VC1", own.id)) == "FORBIDDEN"
    assert await refused(confirm(posted, "A3", own.id)) == "NOT_FOUND"
    assert await rows_of(posted) == before
    await dismiss(posted, "K1", own.id, "与公示无关")
    assert [tuple(row) for row in await posted.rows("select confirmed, reason from public_objection")] == [
        (False, "与公示无关")
    ]
    ((action, reason, data),) = await posted.rows(
        "select action, reason, data from audit_entry where object like 'public_objection/%'"
    )
    assert (action, reason, data["confirmed"]) == ("hear_objections", "与公示无关", False)
    posted.today = ACCEPTED
    assert clean(await posted.act("A2", acts.accept, Selection(numbers=["H1"]))).done == ["H1"]


async def test_of_two_who_decide_at_once_one_does(posted: World) -> None:
    await handed(posted)
    (own,) = await heard(posted)
    both = await asyncio.gather(
        confirm(posted, "A2", own.id), dismiss(posted, "K1", own.id, "不实"), return_exceptions=True
    )
    refusals = [one.problems[0].code.name for one in both if isinstance(one, Refused)]
    assert refusals == ["CONFLICT"]
    ((confirmed, objections),) = await posted.rows(
        "select confirmed, (select count(*) from objection) from public_objection"
    )
    assert objections == int(confirmed)


async def test_what_can_be_no_objection_any_more_stays_pending(posted: World) -> None:
    """Its case went back meanwhile: nothing of the confirmation is kept, and it is dismissed with the reason."""
    await handed(posted)
    clean(await posted.act("VC1", _object, home="H1"))
    clean(await posted.act("A2", _settle, home="H1"))
    (own,) = await heard(posted)
    before = await rows_of(posted)
    assert await refused(confirm(posted, "A2", own.id)) == "WRONG_STAGE"
    assert await rows_of(posted) == before
    await dismiss(posted, "A2", own.id, "该户已退回重新核算")
    assert await heard(posted) == []


async def test_what_is_decided_is_never_changed(posted: World) -> None:
    await handed(posted)
    (own,) = await heard(posted)
    await dismiss(posted, "K1", own.id, "与公示无关")
    async with posted.database.session(posted.who("C1").scope) as session:
        changed = await session.execute(text("update public_objection set confirmed = true returning 1"))
        assert changed.all() == []
        with pytest.raises(DBAPIError, match="permission denied"):
            await session.execute(text("update public_objection set words = ''"))


# --- evidence, states, and whom to call -------------------------------------------------------------------------

PHOTO = b"\xff\xd8\xff\xe0" + b"photo" * 20


async def test_a_notice_lists_what_shows_that_it_hung(posted: World) -> None:
    who = posted.who("VC1")
    async with posted.database.session(who.scope) as session:
        (own,) = await notices.listing(session, who, "consolidation", "2021", lacking_evidence=True)
        assert own.lacks_evidence
        page = await of_notice(session, who, own.id)
        first = await evidence.attach(session, posted.vault, who, own.id, "照片.jpg", PHOTO, OPEN, "村委会门口", 10_000)
    async with posted.database.session(who.scope) as session:
        again = await evidence.attach(session, posted.vault, who, own.id, "照片.jpg", PHOTO, OPEN, "", 10_000)
        assert again == first
        assert await notices.listing(session, who, "consolidation", "2021", lacking_evidence=True) == []
        (after,) = await notices.listing(session, who, "consolidation", "2021")
    assert (after.lacks_evidence, after.slug, after.state) == (False, page.slug, NoticeState.OPEN)
    assert [tuple(row) for row in await posted.rows("select division, taken_on, place from notice_evidence")] == [
        (V1, OPEN, "村委会门口")
    ]
    ((lower, upper),) = await posted.rows(
        "select lower(f.areas), upper(f.areas) from file f join notice_evidence e on e.file_id = f.id"
    )
    assert (lower, upper) == (V1, V1 + 1), "walled like its notice"


@pytest.mark.parametrize(
    ("number", "data", "day", "code"),
    [
        ("VC1", b"MZ\x90", OPEN, "FILE_UNREADABLE"),
        ("VC1", b"", OPEN, "FILE_UNREADABLE"),
        ("VC1", PHOTO * 20, OPEN, "FILE_TOO_LARGE"),
        ("VC1", PHOTO, date(2021, 10, 14), "DAY_IN_FUTURE"),
        ("VC1", PHOTO, date(2021, 10, 10), "BAD_VALUE"),
        ("VC3", PHOTO, OPEN, "NOT_FOUND"),
        ("A2", PHOTO, OPEN, "FORBIDDEN"),
    ],
)
async def test_what_shows_nothing_is_refused(posted: World, number: str, data: bytes, day: date, code: str) -> None:
    ((notice,),) = await posted.rows("select id from notice where division = :v", v=V1)
    who = posted.who(number)
    before = await rows_of(posted)

    async def attach() -> None:
        async with posted.database.session(who.scope) as session:
            await evidence.attach(session, posted.vault, who, notice, "照片.jpg", data, day, "", 1_000)

    assert await refused(attach()) == code
    assert await rows_of(posted) == before


async def test_notices_are_listed_by_how_they_stand(posted: World) -> None:
    await handed(posted, village=V3)
    expected = {
        date(2021, 10, 10): {NoticeState.PLANNED: [V1, V2, V3]},
        LAST: {NoticeState.OPEN: [V1, V2, V3]},
        OVER: {NoticeState.CLOSED: [V1, V2], NoticeState.OBJECTED: [V3]},
    }
    for day, by_state in expected.items():
        who = posted.who("C1", day)
        async with posted.database.session(who.scope) as session:
            every = await notices.listing(session, who, "consolidation", "2021")
            assert {state: [n.division for n in every if n.state is state] for state in by_state} == by_state
            assert sum(map(len, by_state.values())) == len(every)
            for state in NoticeState:
                found = await notices.listing(session, who, "consolidation", "2021", state)
                assert [n.division for n in found] == by_state.get(state, []), (day, state)
    assert notices.next_day(LAST) == OVER


async def test_whom_to_call_stands_on_what_is_posted_from_then_on(world: World) -> None:
    await world.until("notice")
    who = world.who("C1")
    before = await rows_of(world)
    for words, code in (("", "MISSING_VALUE"), ("13900000000", "BAD_VALUE"), ("长" * 101, "BAD_VALUE")):

        async def wrong(said: str = words) -> None:
            async with world.database.session(who.scope) as session:
                await evidence.set_contact(session, who, said)

        assert await refused(wrong()) == code
    assert await rows_of(world) == before
    for words in ("县脱贫办 0916-1230000", "县纪委监委 12388"):
        async with world.database.session(who.scope) as session:
            await evidence.set_contact(session, who, words)
    clean(await world.act("VC3", acts.post, Selection(stages=["notice"])))
    page = await visited(world, (await slugs(world))[V3])
    assert page is not None
    assert page.contact == "县纪委监委 12388"


async def rows_of(world: World) -> dict[str, Any]:
    """What any change would change here."""
    tables = (
        "publication", "publication_withdrawal", "public_objection", "notice_evidence", "supervision", "file",
        "audit_entry",
    )  # fmt: skip
    counts: dict[str, Any] = dict(await world.snapshot())
    for table in tables:
        (counts[table],) = (await world.rows(f"select md5(string_agg(t::text, '|' order by t::text)) from {table} t"))[
            0
        ]
    return counts


async def _object(session, who, ground, selection, home):  # type: ignore[no-untyped-def]
    return await acts.object_to(session, who, ground, home, "收入与实际不符", "演示村民", Stated())


async def _settle(session, who, ground, selection, home):  # type: ignore[no-untyped-def]
    return await acts.settle(session, who, ground, home, upheld=True, finding="牛不是自家的")
