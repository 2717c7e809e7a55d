"""Isolation that cannot be forgotten: what the walls hide, and a start-up check that finds every fault planted in
them."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, UniqueConstraint, select, text, update
from sqlalchemy.exc import DBAPIError

from bangfu.db import Database, Kind, Own, Scope, Wall, merged
from bangfu.db.walls import raise_wall
from bangfu.errors import Refused
from bangfu.models import MOVES_WITH_HOUSEHOLD, WALLS, Base, Household
from tests.county import BASE, T1, V1, V2, V3, World

COUNTY = (BASE, BASE + 999_999)


# --- what the walls hide ---------------------------------------------------------------------------------------


async def numbers(
    database: Database, scope: Scope, sql: str = "select number from household order by number"
) -> list[Any]:
    async with database.session(scope) as session:
        return [row[0] for row in await session.execute(text(sql))]


def scope(world: World, *areas: tuple[int, int]) -> Scope:
    return Scope(world.tenant.id, areas)


@pytest.mark.parametrize(
    ("areas", "seen"),
    [
        ([COUNTY], ["H1", "H2", "H3", "H4", "H5", "H6", "H7", "H8"]),
        ([(T1, T1 + 999)], ["H1", "H2", "H3", "H4", "H5", "H6"]),
        ([(V2, V2)], ["H5", "H6"]),
        ([(V1, V1), (V3, V3)], ["H1", "H2", "H3", "H4", "H7", "H8"]),
        ([], []),
        ([(1, 2)], []),
    ],
    ids=["county", "township", "village", "two villages", "no area", "elsewhere"],
)
async def test_an_officer_sees_the_areas_of_the_scope(
    world: World, areas: list[tuple[int, int]], seen: list[str]
) -> None:
    assert await numbers(world.database, scope(world, *areas)) == seen
    forgotten = "select number from household where tenant_id = 1 or true order by number"
    assert await numbers(world.database, scope(world, *areas), forgotten) == seen
    counted = "select count(*)::text from person"
    assert await numbers(world.database, scope(world, *areas), counted) == [str(2 * len(seen))]


async def test_another_county_sees_nothing_even_over_the_same_codes(world: World) -> None:
    assert await numbers(world.database, Scope(world.tenant.id + 1, (COUNTY,))) == []


async def test_without_a_scope_nothing_is_seen_and_the_list_of_counties_is_closed(world: World) -> None:
    for table in WALLS:
        async with world.database.app.connect() as connection:
            asked = connection.execute(text(f"select count(*) from {table}"))
            if WALLS[table].kind is Kind.PLATFORM:
                with pytest.raises(DBAPIError, match="permission denied"):
                    await asked
            else:
                assert (await asked).scalar() == 0, table


async def test_a_scope_does_not_outlive_its_transaction_on_a_pooled_connection(world: World) -> None:
    assert len(await numbers(world.database, scope(world, COUNTY))) == 8
    async with world.database.app.connect() as connection:
        left = (
            await connection.execute(
                text("select current_setting('app.tenant', true), current_setting('app.areas', true)")
            )
        ).one()
        assert tuple(left) in {("", ""), (None, None)}
        assert (await connection.execute(text("select count(*) from household"))).scalar() == 0


@pytest.mark.parametrize(
    "sql",
    [
        "update household set division = {outside} where number = 'H1'",
        "insert into household (tenant_id, id, number, division, group_name, created_at)"
        " values ({tenant}, gen_random_uuid(), 'HX', {outside}, '', now())",
        "insert into household (tenant_id, id, number, division, group_name, created_at)"
        " values ({tenant} + 1, gen_random_uuid(), 'HX', {inside}, '', now())",
    ],
    ids=["move out of the area", "insert outside the area", "insert into another county"],
)
async def test_nothing_is_written_outside_the_area(world: World, sql: str) -> None:
    before = await world.snapshot()
    with pytest.raises(DBAPIError, match="row-level security"):
        async with world.database.session(scope(world, (V1, V1))) as session:
            await session.execute(text(sql.format(tenant=world.tenant.id, inside=V1, outside=V3)))
    assert await world.snapshot() == before


async def test_rows_out_of_sight_are_neither_changed_nor_deleted(world: World) -> None:
    async with world.database.session(scope(world, (V1, V1))) as session:
        changed = await session.execute(
            update(Household).where(Household.number == "H7").values(group_name="x").returning(Household.id)
        )
        assert changed.all() == []
        with pytest.raises(DBAPIError, match="permission denied"):
            await session.execute(text("delete from household"))


async def test_what_is_an_officers_own_is_nobody_elses(world: World) -> None:
    mine, other = world.who("C1").scope, world.who("C2").scope
    row = "insert into answered_request (tenant_id, officer_id, key, digest, created_at) values (:t, :o, :k, '', now())"
    async with world.database.session(mine) as session:
        await session.execute(text(row), {"t": mine.tenant, "o": mine.officer, "k": "k1"})
    for scope_, seen in ((mine, 1), (other, 0), (Scope(mine.tenant, mine.areas), 0)):
        async with world.database.session(scope_) as session:
            assert (await session.execute(text("select count(*) from answered_request"))).scalar() == seen
            gone = await session.execute(text("delete from answered_request where key = 'none'"))
            assert gone.rowcount == 0  # type: ignore[attr-defined]
    with pytest.raises(DBAPIError, match="row-level security"):
        async with world.database.session(other) as session:
            await session.execute(text(row), {"t": mine.tenant, "o": mine.officer, "k": "k2"})
    async with world.database.session(other) as session:
        changed = await session.execute(text("update answered_request set answer = '' returning 1"))
        assert changed.all() == []
        assert (await session.execute(text("delete from answered_request returning 1"))).all() == []


PARTICIPANTS = sorted(
    name for name, wall in WALLS.items() if wall.kind is Kind.PARTICIPANT and wall.own is not Own.REACH
)
OWN_HOUSEHOLD = {
    Own.HOUSEHOLD: "id = :home",
    Own.HOUSEHOLD_ID: "household_id = :home",
    Own.CASE_ID: "case_id in (select id from case_file where household_id = :home)",
    Own.ORGANIZATION_OR_CASE: "case_id in (select id from case_file where household_id = :home)",
    Own.MEMBER: "id in (select person_id from membership where household_id = :home)",
}


async def test_who_has_a_household_of_his_own_sees_its_rows_and_no_others(world: World) -> None:
    """In every table of the registers and the cases, worked out with the whole county in sight."""
    await world.until("acceptance")
    (home,) = (await world.rows("select id from household where number = 'H1'"))[0]
    (other,) = (await world.rows("select id from household where number = 'H5'"))[0]
    own = Scope(world.tenant.id, (), world.who("L1").actor.id, reach=((V1, V1),), households=(home,), staff=True)
    nothing = Scope(world.tenant.id, (), world.who("L1").actor.id, reach=((V1, V1),), staff=True)
    filled = set()
    for table in PARTICIPANTS:
        rule = OWN_HOUSEHOLD[WALLS[table].own or Own.REACH]
        of = f"select md5(t::text) from {table} t"
        expected = sorted(row[0] for row in await world.rows(f"{of} where {rule}", home=home))
        theirs = await world.rows(f"{of} where {rule}", home=other)
        async with world.database.session(own) as session:
            assert sorted((await session.execute(text(of))).scalars()) == expected, table
        async with world.database.session(nothing) as session:
            assert (await session.execute(text(of))).all() == [], table
        if expected and theirs:
            filled.add(table)
    # The programme of this county has no participants and nothing attested; those of others are told in
    # test_striving and test_attesting.
    # What is paid, and comes back, is told in test_money.
    money = {"entitlement", "payment_line", "payment_return", "payment_arrival", "payment_wait", "repayment"}
    # What is paid every month, and set off, is told in test_month_payments.
    money |= {"month_decision", "payment_setoff"}
    others = {"objection", "participant", "sample_unit", "attestation", "attestation_answer"}
    assert filled == set(PARTICIPANTS) - others - money


async def test_the_notices_of_a_village_are_seen_by_whoever_works_there(world: World) -> None:
    await world.until("acceptance")
    assert len(await world.rows("select 1 from notice")) == 3
    for reach, seen in (((V1, V1), 1), ((T1, T1 + 999), 2), ((1, 2), 0)):
        scope_ = Scope(world.tenant.id, (), uuid4(), reach=(reach,))
        async with world.database.session(scope_) as session:
            assert (await session.execute(text("select count(*) from notice"))).scalar() == seen
            assert (await session.execute(text("select count(*) from notice_entry"))).scalar() == 0


async def test_what_is_not_linked_is_neither_changed_nor_added(world: World) -> None:
    """A cadre changes the rows of the own households only, though all of them are in his village."""
    (home,) = (await world.rows("select id from household where number = 'H1'"))[0]
    own = Scope(world.tenant.id, (), world.who("L1").actor.id, reach=((V1, V1),), households=(home,), staff=True)
    async with world.database.session(own) as session:
        changed = await session.execute(text("update household set group_name = 'x' returning number"))
        assert list(changed.scalars()) == ["H1"]
    before = await world.snapshot()
    added = (
        "insert into household (tenant_id, id, number, division, group_name, created_at)"
        f" values ({own.tenant}, gen_random_uuid(), 'HX', {V1}, '', now())"
    )
    with pytest.raises(DBAPIError, match="row-level security"):
        async with world.database.session(own) as session:
            await session.execute(text(added))
    assert await world.snapshot() == before


async def test_an_enterprise_sees_its_own_pairings_and_itself(world: World) -> None:
    unit = "insert into organization (tenant_id, id, credit_code, name, kind) values (:t, :id, :code, :code, '企业')"
    pair = (
        "insert into pairing (tenant_id, id, organization_id, division, valid_from, known_from)"
        " values (:t, gen_random_uuid(), :o, :v, '2021-01-01', now())"
    )
    first, second = uuid4(), uuid4()
    async with world.database.session(world.who("C1").scope) as session:
        for id_, code, village in ((first, "甲企", V1), (second, "乙企", V3)):
            await session.execute(text(unit), {"t": world.tenant.id, "id": id_, "code": code})
            await session.execute(text(pair), {"t": world.tenant.id, "o": id_, "v": village})
    agent = Scope(world.tenant.id, (), uuid4(), reach=(COUNTY,), organizations=(first,), staff=False)
    assert await numbers(world.database, agent, "select credit_code from organization") == ["甲企"]
    assert await numbers(world.database, agent, "select division from pairing") == [V1]
    assert await numbers(world.database, scope(world, (V3, V3)), "select division from pairing") == [V3]
    allowed_ = {"division", "calendar_day", "pairing", "organization", "edition", "provision", "programme_switch"}
    for table in sorted(set(WALLS) - allowed_ - {"notice", "claim", "column_match"}):
        if WALLS[table].kind is not Kind.PLATFORM:
            assert await numbers(world.database, agent, f"select count(*) from {table}") == [0], table
    before = await world.snapshot()
    with pytest.raises(DBAPIError, match="row-level security"):
        async with world.database.session(agent) as session:
            await session.execute(text(pair), {"t": world.tenant.id, "o": second, "v": V1})
    assert await world.snapshot() == before


async def test_who_holds_no_office_sees_nobody_in_office_but_himself(world: World) -> None:
    one = world.who("C1").actor.id
    for staff, people in ((True, len(world.officers)), (False, 1)):
        seen = Scope(world.tenant.id, (), one, reach=((V1, V1),), staff=staff)
        assert await numbers(world.database, seen, "select count(*) from officer") == [people]
    stranger = Scope(world.tenant.id, (), uuid4(), reach=((V1, V1),), staff=False)
    for table in ("officer", "assignment", "organization", "policy_rule", "enrolment", "service_token", "audit_link"):
        assert await numbers(world.database, stranger, f"select count(*) from {table}") == [0], table


async def test_what_is_made_without_an_area_is_refused(world: World) -> None:
    """A row of no area would lie within everybody's."""
    nobody = Scope(world.tenant.id, (), world.who("C1").actor.id, staff=True)
    row = (
        "insert into audit_entry (tenant_id, id, at, officer_id, action, object, reason, data, areas)"
        " values (:t, gen_random_uuid(), now(), :o, 'x', 'x', '', '{}', '{}')"
    )
    for scope_ in (nobody, world.who("C1").scope):
        with pytest.raises(DBAPIError, match="row-level security"):
            async with world.database.session(scope_) as session:
                await session.execute(text(row), {"t": world.tenant.id, "o": world.who("C1").actor.id})


async def test_letting_somebody_in_leaves_the_scope_of_the_transaction_as_it_was(world: World) -> None:
    settings = ", ".join(f"current_setting('app.{name}', true)" for name in ("tenant", "areas", "staff", "officer"))
    async with world.database.session(scope(world, (V1, V1))) as session:
        before = (await session.execute(text(f"select {settings}"))).one()
        entered = text("select officer_id from who_enters('990201', 'C2', null, null)")
        assert (await session.execute(entered)).scalar() == world.who("C2").actor.id
        await session.execute(text("select * from jobs_waiting(now())"))
        assert (await session.execute(text(f"select {settings}"))).one() == before
        assert (await session.execute(text("select count(*) from household"))).scalar() == 4
    async with world.database.unscoped() as connection:
        await connection.execute(entered)
        assert (await connection.execute(text("select count(*) from officer"))).scalar() == 0


async def test_reading_changes_nothing_and_sees_one_state(world: World) -> None:
    async with world.database.session(scope(world, COUNTY), reading=True) as session:
        before = (await session.execute(text("select count(*) from household"))).scalar()
        async with world.database.session(scope(world, COUNTY)) as other:
            await other.execute(
                text("insert into household (tenant_id, id, number, division, group_name, created_at)"
                     " values (:t, gen_random_uuid(), 'HX', :v, '', now())"), {"t": world.tenant.id, "v": V1},
            )  # fmt: skip
        assert (await session.execute(text("select count(*) from household"))).scalar() == before
        with pytest.raises(DBAPIError, match="read-only"):
            await session.execute(text("update household set group_name = 'x'"))
    async with world.database.session(scope(world, COUNTY)) as session:  # the connection is an ordinary one again
        await session.execute(text("update household set group_name = 'x' where number = 'HX'"))
        assert (
            await session.execute(text("select current_setting('transaction_isolation')"))
        ).scalar() == "read committed"


@pytest.mark.parametrize(
    "table", sorted(name for name, wall in WALLS.items() if not wall.update and wall.kind is not Kind.PLATFORM)
)
async def test_what_is_append_only_can_be_changed_by_nobody(world: World, table: str) -> None:
    column = "tenant_id"
    with pytest.raises(DBAPIError, match="permission denied"):
        async with world.database.session(scope(world, COUNTY)) as session:
            await session.execute(text(f"update {table} set {column} = {column}"))
    async with world.database.owner() as connection:
        for name, value in scope(world, COUNTY).settings().items():
            await connection.execute(text("select set_config(:n, :v, true)"), {"n": name, "v": value})
        change = connection.execute(text(f"update {table} set {column} = {column} returning 1"))
        if WALLS[table].sealed:  # its owner may seal values anew, and nothing else
            with pytest.raises(DBAPIError, match="permission denied"):
                await change
        else:
            assert (await change).all() == []


async def test_a_temporary_table_of_the_app_does_not_shadow_a_wall(world: World) -> None:
    """The start-up check itself makes temporary tables; none of them survives it."""
    await world.database.check(WALLS)
    async with world.database.app.connect() as connection:
        left = await connection.execute(text("select count(*) from pg_class where relpersistence = 't'"))
        assert left.scalar() == 0


# --- the shape of the tables -----------------------------------------------------------------------------------


def test_every_key_unique_and_foreign_key_leads_with_the_tenant() -> None:
    for table in Base.metadata.sorted_tables:
        if table.name == "tenant":
            continue
        outside = {("issuer", "audience")} if table.name == "identity_provider" else set()
        assert next(iter(table.primary_key.columns)).name == "tenant_id", table.name
        uniques = [
            [column.name for column in constraint.columns]
            for constraint in table.constraints
            if isinstance(constraint, UniqueConstraint)
        ]
        uniques += [[column.name for column in index.columns] for index in table.indexes if index.unique]
        assert {tuple(columns) for columns in uniques if columns[0] != "tenant_id"} == outside, table.name
        for key in table.foreign_key_constraints:
            assert key.column_keys[0] == "tenant_id", (table.name, key.column_keys)


def test_every_row_is_of_a_county_that_there_is() -> None:
    """By a key of its own, or by one that is never empty to a row that is; an entitlement by one of two."""
    by_either = {("entitlement", "determination"), ("entitlement", "month_decision")}
    assert "ck_entitlement_rests_on" in {str(one.name) for one in Base.metadata.tables["entitlement"].constraints}
    known, left = {"tenant"}, [table for table in Base.metadata.sorted_tables if table.name != "tenant"]
    while left:
        found = {
            table.name
            for table in left
            for key in table.foreign_key_constraints
            if key.referred_table.name in known
            and (
                not any(column.nullable for column in key.columns) or (table.name, key.referred_table.name) in by_either
            )
        }
        assert found, [table.name for table in left]
        known |= found
        left = [table for table in left if table.name not in found]


def test_every_table_declares_a_wall_and_its_wall_fits_its_columns() -> None:
    assert set(WALLS) == {table.name for table in Base.metadata.sorted_tables}
    for table in Base.metadata.sorted_tables:
        wall = WALLS[table.name]
        needed = {
            Kind.AREA: {"division"},
            Kind.PARTICIPANT: {"division"},
            Kind.ORGANIZATION: {"division"},
            Kind.SPAN: {"areas"},
            Kind.OFFICER: {"officer_id"},
        }.get(wall.kind, set())
        assert needed <= set(table.columns.keys()), table.name
        assert set(wall.update) <= set(table.columns.keys()), table.name
        if "division" in table.columns and table.name not in {"organization"}:
            assert wall.kind in {Kind.AREA, Kind.PARTICIPANT, Kind.ORGANIZATION}, (
                f"{table.name} holds a division and is open to the whole county"
            )
    assert {model.__tablename__ for model in MOVES_WITH_HOUSEHOLD} == {
        name for name, wall in WALLS.items() if "division" in wall.update and wall.kind is Kind.PARTICIPANT
    } | {"organization", "schooling", "discrepancy", "circumstance"}  # of a person, who moves with his household


async def test_the_migrations_make_what_the_models_say(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return list(compare_metadata(context, Base.metadata))

    async with database.owner() as connection:
        assert await connection.run_sync(differences) == []
    await database.check(WALLS)


async def test_migrating_again_changes_nothing(database: Database) -> None:
    await database.migrate()
    await database.check(WALLS)


def test_areas_are_joined() -> None:
    assert merged([(5, 9), (1, 3), (4, 4), (20, 30), (25, 26)]) == ((1, 9), (20, 30))
    assert merged([]) == ()
    with pytest.raises(ValueError, match="lowest"):
        Scope(1, ((5, 4),)).settings()


# --- the start-up check finds every planted fault --------------------------------------------------------------

FAULTS = {
    "policy dropped": ("drop policy wall_select on household", "the policy wall_select of household is missing"),
    "policy widened": (
        "alter policy wall_select on household using (true)",
        "the policy wall_select of household is missing or not as declared",
    ),
    "check widened": (
        "alter policy wall_insert on income_line with check (true)",
        "the policy wall_insert of income_line is missing or not as declared",
    ),
    "extra policy": (
        "create policy open on person for select using (true)",
        "person has a policy open that is not declared",
    ),
    "not forced": (
        "alter table signature no force row level security",
        "row-level security is not forced on signature",
    ),
    "switched off": ("alter table account disable row level security", "row-level security is not forced on account"),
    "right to delete": ("grant delete on case_event to bangfu_app", "the app has the right to delete case_event"),
    "right to rewrite": (
        "grant update on determination to bangfu_app",
        "the app has the right to update determination",
    ),
    "column opened": (
        "grant update (amount_fen) on payment_line to bangfu_app",
        "the app may update other columns of payment_line than declared",
    ),
    "right to truncate": (
        "grant truncate on audit_entry to bangfu_app",
        "the app has the right to truncate audit_entry",
    ),
    "list of counties opened": ("grant select on tenant to bangfu_app", "the app has the right to select tenant"),
    "right taken away": ("revoke select on household from bangfu_app", "the app lacks the right to select household"),
    "table without a wall": ("create table stray (tenant_id integer)", "the table stray has no declared wall"),
    "view of the owner": (
        "create view everyone as select * from person",
        "the view everyone sees with its owner's rights",
    ),
    "materialized view": (
        "create materialized view frozen as select number from household",
        "the view frozen sees with its owner's rights",
    ),
    "function of the owner": (
        "create function all_persons() returns bigint language sql security definer as 'select count(*) from person'",
        "the function all_persons runs with its owner's rights",
    ),
    "table dropped": ("drop table objection", "the table objection is missing"),
    "migration missing": ("update alembic_version set version_num = '0000'", "the code needs"),
}


@pytest.mark.parametrize(("sql", "said"), FAULTS.values(), ids=FAULTS.keys())
async def test_the_start_up_check_refuses_a_planted_fault(database: Database, sql: str, said: str) -> None:
    await database.check(WALLS)
    async with database.owner() as connection:
        await connection.execute(text(sql))
    with pytest.raises(Refused) as refused:
        await database.check(WALLS)
    (problem,) = refused.value.problems
    assert problem.code.name == "UNSAFE_DATABASE"
    assert said in str(problem.values["detail"])


async def test_a_view_with_the_callers_rights_is_fine(database: Database) -> None:
    async with database.owner() as connection:
        await connection.execute(text("create view mine with (security_invoker=true) as select number from household"))
    await database.check(WALLS)


@pytest.mark.parametrize(
    ("given", "taken", "said"),
    [
        ("alter role bangfu_app superuser", "alter role bangfu_app nosuperuser", "is a superuser"),
        ("alter role bangfu_app bypassrls", "alter role bangfu_app nobypassrls", "bypasses row-level security"),
        ("grant bangfu_owner to bangfu_app", "revoke bangfu_owner from bangfu_app", "is the owner of the tables"),
    ],
    ids=["superuser", "bypassrls", "owner"],
)
async def test_the_server_refuses_to_run_as_more_than_an_ordinary_role(
    database: Database, given: str, taken: str, said: str
) -> None:
    async def as_superuser(sql: str) -> None:
        async with database.owner() as connection:
            await connection.execute(text("set role none"))
            await connection.execute(text(sql))

    await as_superuser(given)
    try:
        with pytest.raises(Refused) as refused:
            await database.check(WALLS)
        assert said in str(refused.value.problems[0].values["detail"])
    finally:
        await as_superuser(taken)
    await database.check(WALLS)


def test_a_wall_is_raised_round_plain_names_only() -> None:
    with pytest.raises(ValueError, match="not a plain name"):
        raise_wall("household; drop table tenant", Wall(Kind.TENANT), "bangfu_app", "bangfu_owner")


async def test_a_random_id_and_a_foreign_one_answer_alike(world: World) -> None:
    (foreign,) = await world.rows("select id from household where number = 'H7'")
    async with world.database.session(scope(world, (V1, V1))) as session:
        for id_ in (foreign[0], uuid4()):
            query = select(Household).where(Household.tenant_id == world.tenant.id, Household.id == id_)
            assert await session.scalar(query) is None
