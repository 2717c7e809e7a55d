"""The public see what is on notice, and object to it: a role of their own, publications, withdrawals, objections;
evidence of posting, and whom to call."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from bangfu.db.walls import Kind, Opening, Own, Wall, raise_wall
from bangfu.errors import Code

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SLUG = "nullif(current_setting('app.slug', true), '')"
DAY = "nullif(current_setting('app.day', true), '')::date"
WALLS = {
    "notice_evidence": Wall(Kind.PARTICIPANT, own=Own.REACH),
    "public_objection": Wall(
        Kind.AREA,
        update=("confirmed", "reason", "decided_by", "decided_at"),
        while_="decided_at is null",
        sealed=("name", "phone"),
        opening=Opening(
            f"handed_in_on = {DAY} and exists (select from publication p where p.tenant_id = public_objection.tenant_id"
            " and p.id = public_objection.publication_id and p.division = public_objection.division"
            f" and p.slug = {SLUG} and public_objection.position between 1 and p.count)",
            insert=(
                "tenant_id",
                "id",
                "publication_id",
                "division",
                "position",
                "words",
                "name",
                "phone",
                "phone_masked",
                "receipt",
                "handed_in_on",
                "handed_in_at",
            ),
        ),
    ),
    "publication": Wall(
        Kind.PARTICIPANT,
        own=Own.REACH,
        opening=Opening(
            f"(slug = {SLUG} or village_slug = {SLUG}) and {DAY} between first_day and last_day",
            select=(
                "tenant_id",
                "id",
                "division",
                "slug",
                "village_slug",
                "county",
                "township",
                "village",
                "title",
                "first_day",
                "last_day",
                "place",
                "contact",
                "columns",
                "entries",
                "count",
            ),
        ),
    ),
    "publication_withdrawal": Wall(
        Kind.PARTICIPANT,
        own=Own.REACH,
        opening=Opening(
            f"slug = {SLUG} and exists (select from publication p where p.slug = publication_withdrawal.slug)",
            select=("slug", "position"),
        ),
    ),
    "supervision": Wall(Kind.TENANT, update=("contact", "set_by", "set_at")),
}


def upgrade() -> None:
    """Refuses ``UNSAFE_DATABASE`` where the role of the public has not been made: the owner may make no roles."""
    config = op.get_context().config
    assert config is not None
    app, public = config.attributes["app_role"], config.attributes["public_role"]
    bind = op.get_bind()
    if not bind.scalar(sa.text("select exists (select from pg_roles where rolname = :name)"), {"name": public}):
        raise Code.UNSAFE_DATABASE.refuse(detail=f"the role {public} of the public pages is missing (docs/settings.md)")
    _tables()
    owner = bind.scalar(sa.text("select current_user"))
    for table, wall in WALLS.items():
        for statement in raise_wall(table, wall, app, owner, public):
            op.execute(statement)
    schema = bind.scalar(sa.text("select quote_ident(current_schema())"))
    op.execute(_since(schema))
    op.execute("revoke all on function public_objections_since(integer, uuid, timestamptz) from public")
    op.execute(f"grant execute on function public_objections_since(integer, uuid, timestamptz) to {public}")


def _since(schema: str) -> str:
    """How many objections were handed in on one notice since an instant, for whoever holds its page. Of two at once the
    second counts the first. Its owner is behind the walls like everybody, and puts the caller's scope back."""
    kept = ("tenant", "areas", "staff")
    declared = "\n".join(
        f"             its_{name} text := coalesce(current_setting('app.{name}', true), '');" for name in kept
    )
    restored = ", ".join(f"set_config('app.{name}', its_{name}, true)" for name in kept)
    return f"""create function public_objections_since(county integer, page uuid, since timestamptz) returns bigint
           language plpgsql security definer
           set search_path = {schema}, pg_temp
           as $$
           declare
             found bigint;
{declared}
           begin
             perform pg_advisory_xact_lock(county, hashtext('public_objection/' || page::text));
             perform set_config('app.tenant', county::text, true), set_config('app.areas', '{{(,)}}', true),
                     set_config('app.staff', 'true', true);
             select count(*) into found from {schema}.public_objection o
              where o.tenant_id = county and o.publication_id = page and o.handed_in_at > since;
             perform {restored};
             return found;
           end $$"""


def _tables() -> None:
    op.create_table(
        "supervision",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("set_by", sa.Uuid(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_supervision_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_supervision")),
    )
    op.create_table(
        "notice_evidence",
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("division", sa.BigInteger(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("taken_on", sa.Date(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("officer_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "file_id"], ["file.tenant_id", "file.id"], name=op.f("fk_notice_evidence_tenant_id_file_id")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "notice_id"],
            ["notice.tenant_id", "notice.id"],
            name=op.f("fk_notice_evidence_tenant_id_notice_id"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_notice_evidence_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_notice_evidence")),
        sa.UniqueConstraint(
            "tenant_id", "notice_id", "file_id", name=op.f("uq_notice_evidence_tenant_id_notice_id_file_id")
        ),
    )
    op.create_index("ix_notice_evidence_division", "notice_evidence", ["tenant_id", "division", "id"], unique=False)
    op.create_table(
        "publication",
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("division", sa.BigInteger(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("village_slug", sa.Text(), nullable=False),
        sa.Column("county", sa.Text(), nullable=False),
        sa.Column("township", sa.Text(), nullable=False),
        sa.Column("village", sa.Text(), nullable=False),
        sa.Column("title", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("columns", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("entries", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "notice_id"],
            ["notice.tenant_id", "notice.id"],
            name=op.f("fk_publication_tenant_id_notice_id"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_publication_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_publication")),
        sa.UniqueConstraint("tenant_id", "notice_id", name=op.f("uq_publication_tenant_id_notice_id")),
    )
    op.create_index("ix_publication_division", "publication", ["tenant_id", "division", "id"], unique=False)
    op.create_index("ix_publication_slug", "publication", ["slug"], unique=False)
    op.create_index("ix_publication_village_slug", "publication", ["village_slug"], unique=False)
    op.create_table(
        "public_objection",
        sa.Column("publication_id", sa.Uuid(), nullable=False),
        sa.Column("division", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=True),
        sa.Column("phone", sa.LargeBinary(), nullable=True),
        sa.Column("phone_masked", sa.Text(), nullable=True),
        sa.Column("receipt", sa.Text(), nullable=False),
        sa.Column("handed_in_on", sa.Date(), nullable=False),
        sa.Column("handed_in_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("(confirmed is null) = (decided_at is null)", name=op.f("ck_public_objection_decided")),
        sa.CheckConstraint("length(words) between 1 and 1000", name=op.f("ck_public_objection_words")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "publication_id"],
            ["publication.tenant_id", "publication.id"],
            name=op.f("fk_public_objection_tenant_id_publication_id"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_public_objection_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_public_objection")),
        sa.UniqueConstraint("tenant_id", "receipt", name=op.f("uq_public_objection_tenant_id_receipt")),
    )
    op.create_index(
        "ix_public_objection_pending",
        "public_objection",
        ["tenant_id", "division"],
        unique=False,
        postgresql_where=sa.text("decided_at is null"),
    )
    op.create_index(
        "ix_public_objection_publication",
        "public_objection",
        ["tenant_id", "publication_id", "handed_in_at"],
        unique=False,
    )
    op.create_table(
        "publication_withdrawal",
        sa.Column("publication_id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("division", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("officer_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "publication_id"],
            ["publication.tenant_id", "publication.id"],
            name=op.f("fk_publication_withdrawal_tenant_id_publication_id"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_publication_withdrawal_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_publication_withdrawal")),
        sa.UniqueConstraint(
            "tenant_id",
            "publication_id",
            "position",
            name=op.f("uq_publication_withdrawal_tenant_id_publication_id_position"),
        ),
    )
    op.create_index(
        "ix_publication_withdrawal_division", "publication_withdrawal", ["tenant_id", "division", "id"], unique=False
    )
    op.create_index("ix_publication_withdrawal_slug", "publication_withdrawal", ["slug"], unique=False)


def downgrade() -> None:
    """What the public have handed in is not thrown away; restore a backup instead."""
    raise NotImplementedError("what the public have handed in is not thrown away")
