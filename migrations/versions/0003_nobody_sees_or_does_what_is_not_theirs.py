"""People get in by accounts, providers and tokens; roles have organizations, households and stand-ins; what is one's
own has walls; the audit record is chained."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from bangfu.db.walls import Kind, Own, Wall, raise_wall

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

WALLS = {
    "account": Wall(
        Kind.PARTICIPANT, own=Own.HOUSEHOLD_ID, update=("known_to", "division"), sealed=("number", "number_index")
    ),
    "answered_request": Wall(Kind.OFFICER, update=("answer",), delete=True, sealed=("answer",)),
    "assignment": Wall(Kind.STAFF, own=Own.OFFICER_ID, update=("known_to",)),
    "audit_entry": Wall(Kind.SPAN, own=Own.OFFICER_ID),
    "audit_link": Wall(Kind.STAFF),
    "case_event": Wall(Kind.PARTICIPANT, own=Own.CASE_ID, update=("division",)),
    "case_file": Wall(
        Kind.PARTICIPANT,
        own=Own.HOUSEHOLD_ID,
        update=(
            "division",
            "edition_id",
            "stage",
            "version",
            "round",
            "since",
            "opened_on",
            "stated",
            "notice_id",
            "draw_id",
        ),
    ),
    "claim": Wall(Kind.PARTICIPANT, own=Own.REACH, update=("division",)),
    "credential": Wall(
        Kind.OFFICER,
        update=("password", "password_at", "totp", "last_step", "failures", "locked_until"),
        sealed=("totp",),
    ),
    "determination": Wall(Kind.PARTICIPANT, own=Own.CASE_ID, update=("division",)),
    "enrolment": Wall(Kind.STAFF, own=Own.OFFICER_ID, update=("used_at",)),
    "entitlement": Wall(Kind.PARTICIPANT, own=Own.CASE_ID, update=("division", "voided_at")),
    "file": Wall(Kind.SPAN, own=Own.OFFICER_ID, sealed=("content",)),
    "household": Wall(Kind.PARTICIPANT, own=Own.HOUSEHOLD, update=("division", "group_name")),
    "household_cadre": Wall(Kind.PARTICIPANT, own=Own.HOUSEHOLD_ID, update=("known_to", "division")),
    "identity_provider": Wall(Kind.PLATFORM, sealed=("client_secret",)),
    "income_line": Wall(Kind.PARTICIPANT, own=Own.HOUSEHOLD_ID, update=("known_to", "division")),
    "job": Wall(
        Kind.SPAN,
        own=Own.OFFICER_ID,
        update=("state", "done", "total", "result", "result_file_id", "lease_until", "finished_at", "attempts"),
    ),
    "login_session": Wall(Kind.OFFICER, update=("seen_at", "ended_at")),
    "membership": Wall(Kind.PARTICIPANT, own=Own.HOUSEHOLD_ID, update=("known_to", "division")),
    "notice": Wall(Kind.PARTICIPANT, own=Own.REACH),
    "notice_entry": Wall(Kind.PARTICIPANT, own=Own.CASE_ID),
    "objection": Wall(
        Kind.PARTICIPANT,
        own=Own.CASE_ID,
        update=("division", "settled_on", "upheld", "finding", "settled_by", "settled_at"),
    ),
    "officer": Wall(Kind.STAFF, own=Own.OFFICER, update=("name", "organization_id", "disabled_at", "signed_out_at")),
    "organization": Wall(Kind.STAFF, own=Own.ORGANIZATION, update=("name", "kind", "division")),
    "pairing": Wall(Kind.ORGANIZATION, own=Own.ORGANIZATION_ID, update=("known_to",)),
    "payment_batch": Wall(
        Kind.SPAN,
        update=(
            "checked_by",
            "checked_on",
            "checked_at",
            "released_by",
            "released_on",
            "released_at",
            "cancelled_by",
            "cancelled_at",
            "reason",
        ),
        while_="released_at is null and cancelled_at is null",
    ),
    "payment_line": Wall(
        Kind.PARTICIPANT,
        own=Own.HOUSEHOLD_ID,
        update=("voided_at",),
        while_="exists (select from payment_batch b where b.tenant_id = payment_line.tenant_id"
        " and b.id = payment_line.batch_id and b.released_at is null)",
        sealed=("account",),
    ),
    "person": Wall(
        Kind.PARTICIPANT,
        own=Own.MEMBER,
        update=(
            "division",
            "name",
            "sex",
            "birth_date",
            "identity",
            "identity_index",
            "identity_masked",
            "phone",
            "phone_masked",
        ),
        sealed=("identity", "identity_index", "phone"),
    ),
    "policy_rule": Wall(Kind.STAFF, update=("known_to",)),
    "sample_draw": Wall(Kind.SPAN, own=Own.OFFICER_ID),
    "sample_unit": Wall(
        Kind.PARTICIPANT,
        own=Own.CASE_ID,
        update=("division", "passed", "finding", "checked_by", "checked_on", "checked_at"),
    ),
    "service_token": Wall(Kind.STAFF, own=Own.OFFICER_ID, update=("revoked_at",)),
    "signature": Wall(Kind.PARTICIPANT, own=Own.CASE_ID, update=("division",)),
    "standing": Wall(Kind.PARTICIPANT, own=Own.HOUSEHOLD_ID, update=("known_to", "division")),
}


def upgrade() -> None:
    _tables()
    op.create_unique_constraint("uq_identity_provider_issuer_audience", "identity_provider", ["issuer", "audience"])
    config = op.get_context().config
    assert config is not None
    app = config.attributes["app_role"]
    bind = op.get_bind()
    owner = bind.scalar(sa.text("select current_user"))
    for table, wall in WALLS.items():
        for statement in raise_wall(table, wall, app, owner):
            op.execute(statement)
    schema = bind.scalar(sa.text("select quote_ident(current_schema())"))
    for signature, definition in _functions(schema):
        op.execute(definition)
        op.execute(f"revoke all on function {signature} from public")
        op.execute(f"grant execute on function {signature} to {app}")


def _tables() -> None:
    op.create_table(
        "identity_provider",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("algorithms", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("officer_claim", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("client_secret", sa.LargeBinary(), nullable=True),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_identity_provider_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_identity_provider")),
    )
    op.create_table(
        "policy_rule",
        sa.Column("duty", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("effect", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=False),
        sa.Column("known_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("effect in ('allow', 'deny')", name=op.f("ck_policy_rule_effect")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_policy_rule_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_policy_rule")),
    )
    op.create_index(
        "uq_policy_rule_current",
        "policy_rule",
        ["tenant_id", "duty", "action", "programme", "stage"],
        unique=True,
        postgresql_where=sa.text("known_to is null"),
    )
    op.create_table(
        "audit_link",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "entry_id"],
            ["audit_entry.tenant_id", "audit_entry.id"],
            name=op.f("fk_audit_link_tenant_id_entry_id"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_audit_link_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "number", name=op.f("pk_audit_link")),
        sa.UniqueConstraint("tenant_id", "entry_id", name=op.f("uq_audit_link_tenant_id_entry_id")),
    )
    op.create_table(
        "pairing",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("division", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("known_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known_to", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "organization_id"],
            ["organization.tenant_id", "organization.id"],
            name=op.f("fk_pairing_tenant_id_organization_id"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_pairing_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_pairing")),
    )
    op.create_index("ix_pairing_division", "pairing", ["tenant_id", "division", "id"], unique=False)
    op.create_index("ix_pairing_organization", "pairing", ["tenant_id", "organization_id"], unique=False)
    op.create_index(
        "uq_pairing_current",
        "pairing",
        ["tenant_id", "organization_id", "division"],
        unique=True,
        postgresql_where=sa.text("valid_to is null and known_to is null"),
    )
    op.create_table(
        "credential",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("officer_id", sa.Uuid(), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("password_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("totp", sa.LargeBinary(), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "officer_id"],
            ["officer.tenant_id", "officer.id"],
            name=op.f("fk_credential_tenant_id_officer_id"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_credential_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "officer_id", name=op.f("pk_credential")),
    )
    op.create_table(
        "enrolment",
        sa.Column("officer_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "officer_id"],
            ["officer.tenant_id", "officer.id"],
            name=op.f("fk_enrolment_tenant_id_officer_id"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_enrolment_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_enrolment")),
    )
    op.create_index("ix_enrolment_officer", "enrolment", ["tenant_id", "officer_id"], unique=False)
    op.create_table(
        "login_session",
        sa.Column("officer_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "officer_id"],
            ["officer.tenant_id", "officer.id"],
            name=op.f("fk_login_session_tenant_id_officer_id"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_login_session_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_login_session")),
    )
    op.create_index("ix_login_session_officer", "login_session", ["tenant_id", "officer_id"], unique=False)
    op.create_table(
        "service_token",
        sa.Column("officer_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("actions", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "officer_id"],
            ["officer.tenant_id", "officer.id"],
            name=op.f("fk_service_token_tenant_id_officer_id"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_service_token_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_service_token")),
    )
    op.create_index("ix_service_token_officer", "service_token", ["tenant_id", "officer_id"], unique=False)
    op.add_column("assignment", sa.Column("organization_id", sa.Uuid(), nullable=True))
    op.add_column("assignment", sa.Column("household_id", sa.Uuid(), nullable=True))
    op.add_column("assignment", sa.Column("stands_in_for", sa.Uuid(), nullable=True))
    op.drop_index(
        op.f("uq_assignment_current"),
        table_name="assignment",
        postgresql_where="((valid_to IS NULL) AND (known_to IS NULL))",
    )
    op.create_index(
        "uq_assignment_current",
        "assignment",
        ["tenant_id", "officer_id", "duty", "area_lo", "organization_id", "household_id"],
        unique=True,
        postgresql_where=sa.text("valid_to is null and known_to is null"),
        postgresql_nulls_not_distinct=True,
    )
    op.create_check_constraint(
        op.f("ck_assignment_stand_in"), "assignment", "stands_in_for is null or valid_to is not null"
    )
    op.create_foreign_key(
        op.f("fk_assignment_tenant_id_stands_in_for"),
        "assignment",
        "officer",
        ["tenant_id", "stands_in_for"],
        ["tenant_id", "id"],
    )
    op.create_foreign_key(
        op.f("fk_assignment_tenant_id_organization_id"),
        "assignment",
        "organization",
        ["tenant_id", "organization_id"],
        ["tenant_id", "id"],
    )
    op.create_foreign_key(
        op.f("fk_assignment_tenant_id_household_id"),
        "assignment",
        "household",
        ["tenant_id", "household_id"],
        ["tenant_id", "id"],
    )
    op.create_index("ix_audit_entry_officer", "audit_entry", ["tenant_id", "officer_id", "action", "at"], unique=False)
    op.create_index("ix_audit_entry_object", "audit_entry", ["tenant_id", "object", "action"], unique=False)
    op.drop_constraint(op.f("uq_file_tenant_id_sha256_areas_name"), "file", type_="unique")
    op.create_unique_constraint(
        op.f("uq_file_tenant_id_sha256_areas_name_officer_id"),
        "file",
        ["tenant_id", "sha256", "areas", "name", "officer_id"],
    )
    op.add_column("officer", sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("officer", sa.Column("signed_out_at", sa.DateTime(timezone=True), nullable=True))


def _functions(schema: str) -> list[tuple[str, str]]:
    """The functions that answer before it is known who asks. Their owner is behind the walls like everybody, so they
    look at one county at a time, and put the caller's scope back at the end."""
    kept = ("tenant", "areas", "staff", "officer")
    declared = "\n".join(
        f"             its_{name} text := coalesce(current_setting('app.{name}', true), '');" for name in kept
    )
    restored = ", ".join(f"set_config('app.{name}', its_{name}, true)" for name in kept)
    waiting = f"""create or replace function jobs_waiting(at timestamptz)
           returns table (tenant text, officer text, job uuid, created_at timestamptz)
           language plpgsql security definer
           set search_path = {schema}, pg_temp
           as $$
           declare
             county record;
{declared}
           begin
             perform set_config('app.areas', '{{(,)}}', true), set_config('app.staff', 'true', true);
             for county in select t.id, t.code from {schema}.tenant t order by t.id loop
               perform set_config('app.tenant', county.id::text, true);
               return query
                 select county.code, o.number, j.id, j.created_at from {schema}.job j
                   join {schema}.officer o on o.tenant_id = j.tenant_id and o.id = j.officer_id
                  where j.tenant_id = county.id
                    and (j.state = 'queued' or j.state = 'running' and j.lease_until < at);
             end loop;
             perform {restored};
           end $$"""
    entering = f"""create function who_enters(wanted_tenant text, wanted_officer text, wanted_session uuid,
                                     wanted_service uuid)
           returns table (tenant_id integer, tenant_name text, demo_today date, demo_set_at timestamptz,
                          officer_id uuid, name text, disabled_at timestamptz, signed_out_at timestamptz,
                          held jsonb, linked jsonb, rules jsonb,
                          digest bytea, begins_at timestamptz, ends_at timestamptz, actions text[])
           language plpgsql security definer
           set search_path = {schema}, pg_temp
           as $$
           declare
             county record;
             person record;
             its_digest bytea;
             its_begin timestamptz;
             its_end timestamptz;
             its_actions text[];
{declared}
           begin
             select * into county from {schema}.tenant t where t.code = wanted_tenant;
             if county.id is null then
               return;
             end if;
             perform set_config('app.tenant', county.id::text, true), set_config('app.areas', '{{(,)}}', true),
                     set_config('app.staff', 'true', true);
             select * into person from {schema}.officer o where o.tenant_id = county.id and o.number = wanted_officer;
             -- A session is behind the wall of its own officer.
             perform set_config('app.officer', coalesce(person.id::text, ''), true);
             if wanted_session is not null then
               select s.digest, s.created_at,
                      least(s.expires_at, s.ended_at, s.seen_at + interval '30 minutes')
                 into its_digest, its_begin, its_end
                 from {schema}.login_session s
                where s.tenant_id = county.id and s.id = wanted_session and s.officer_id = person.id;
             elsif wanted_service is not null then
               select s.digest, s.made_at, least(s.expires_at, s.revoked_at), s.actions
                 into its_digest, its_begin, its_end, its_actions
                 from {schema}.service_token s
                where s.tenant_id = county.id and s.id = wanted_service and s.officer_id = person.id;
             end if;
             return query
               select county.id, county.name, county.demo_today, county.demo_set_at,
                      person.id, person.name, person.disabled_at, person.signed_out_at,
                      (select coalesce(jsonb_agg(jsonb_build_object(
                                'duty', a.duty, 'lo', a.area_lo, 'hi', a.area_hi,
                                'since', a.valid_from, 'until', a.valid_to,
                                'organization', coalesce(a.organization_id, person.organization_id),
                                'household', a.household_id, 'stands_in_for', a.stands_in_for)
                              order by a.valid_from, a.id), '[]')
                         from {schema}.assignment a
                        where a.tenant_id = county.id and a.officer_id = person.id and a.known_to is null),
                      (select coalesce(jsonb_agg(jsonb_build_object(
                                'household', c.household_id, 'division', c.division,
                                'since', c.valid_from, 'until', c.valid_to)
                              order by c.household_id), '[]')
                         from {schema}.household_cadre c
                        where c.tenant_id = county.id and c.officer_id = person.id and c.known_to is null),
                      (select coalesce(jsonb_agg(jsonb_build_array(r.duty, r.action, r.programme, r.stage, r.effect)
                              order by r.duty, r.action, r.programme, r.stage), '[]')
                         from {schema}.policy_rule r where r.tenant_id = county.id and r.known_to is null),
                      its_digest, its_begin, its_end, its_actions;
             perform {restored};
           end $$"""
    providers = f"""create function identity_providers(wanted_tenant text, wanted_issuer text)
           returns table (tenant text, issuer text, audience text, algorithms text[], officer_claim text,
                          client_id text, client_secret bytea, tenant_id integer)
           language sql stable security definer
           set search_path = {schema}, pg_temp
           as $$ select t.code, p.issuer, p.audience, p.algorithms, p.officer_claim, p.client_id, p.client_secret, t.id
                   from {schema}.identity_provider p join {schema}.tenant t on t.id = p.tenant_id
                  where t.code = wanted_tenant or p.issuer = wanted_issuer $$"""
    unsealed = f"""create function audit_waiting()
           returns table (tenant integer)
           language plpgsql security definer
           set search_path = {schema}, pg_temp
           as $$
           declare
             county record;
             sealed timestamptz;
             lowest uuid;
{declared}
           begin
             perform set_config('app.areas', '{{(,)}}', true), set_config('app.staff', 'true', true);
             for county in select t.id from {schema}.tenant t order by t.id loop
               perform set_config('app.tenant', county.id::text, true);
               -- Ids begin with the millisecond they were made in; no transaction stays open for a day.
               select l.sealed_at into sealed from {schema}.audit_link l
                where l.tenant_id = county.id order by l.number desc limit 1;
               lowest := rpad(lpad(to_hex((extract(epoch from sealed - interval '1 day') * 1000)::bigint), 12, '0'),
                              32, '0')::uuid;
               if exists (select from {schema}.audit_entry e
                           where e.tenant_id = county.id and (lowest is null or e.id >= lowest)
                             and not exists (select from {schema}.audit_link l
                                              where l.tenant_id = county.id and l.entry_id = e.id)) then
                 tenant := county.id;
                 return next;
               end if;
             end loop;
             perform {restored};
           end $$"""
    return [
        ("audit_waiting()", unsealed),
        ("jobs_waiting(timestamptz)", waiting),
        ("who_enters(text, text, uuid, uuid)", entering),
        ("identity_providers(text, text)", providers),
    ]


def downgrade() -> None:
    """What was written under the new walls is not to be seen without them; restore a backup instead."""
    raise NotImplementedError("walls are not taken down again")
