"""Requests are answered once, and a worker finds the jobs that wait."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bangfu.db.walls import Kind, Wall, raise_wall

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "answered_request",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("officer_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_answered_request_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "officer_id", "key", name=op.f("pk_answered_request")),
    )
    config = op.get_context().config
    assert config is not None
    app = config.attributes["app_role"]
    owner = op.get_bind().scalar(sa.text("select current_user"))
    wall = Wall(Kind.OFFICER, update=("answer",), delete=True)
    for statement in raise_wall("answered_request", wall, app, owner):
        op.execute(statement)
    # A worker belongs to no county: it learns which jobs wait and whose they are, and nothing that is in them. The
    # owner is behind the walls too, so it looks at each county in turn, and puts the caller's scope back at the end.
    schema = op.get_bind().scalar(sa.text("select quote_ident(current_schema())"))
    op.execute(
        f"""create function jobs_waiting(at timestamptz)
           returns table (tenant text, officer text, job uuid, created_at timestamptz)
           language plpgsql security definer
           set search_path = {schema}, pg_temp
           as $$
           declare
             county record;
             its_tenant text := coalesce(current_setting('app.tenant', true), '');
             its_areas text := coalesce(current_setting('app.areas', true), '');
           begin
             perform set_config('app.areas', '{{(,)}}', true);
             for county in select t.id, t.code from {schema}.tenant t order by t.id loop
               perform set_config('app.tenant', county.id::text, true);
               return query
                 select county.code, o.number, j.id, j.created_at from {schema}.job j
                   join {schema}.officer o on o.tenant_id = j.tenant_id and o.id = j.officer_id
                  where j.tenant_id = county.id
                    and (j.state = 'queued' or j.state = 'running' and j.lease_until < at);
             end loop;
             perform set_config('app.tenant', its_tenant, true), set_config('app.areas', its_areas, true);
           end $$"""
    )
    op.execute("revoke all on function jobs_waiting(timestamptz) from public")
    op.execute(f"grant execute on function jobs_waiting(timestamptz) to {app}")


def downgrade() -> None:
    op.execute("drop function jobs_waiting(timestamptz)")
    op.drop_table("answered_request")
