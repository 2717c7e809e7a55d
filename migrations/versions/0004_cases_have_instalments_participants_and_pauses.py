"""Cases are paid in instalments, have participants, pause, and are asked to correct what is marked; what is undone
stays on record."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from bangfu.db.walls import Kind, Own, Wall, raise_wall

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

WALLS = {
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
            "paused_on",
            "marked",
        ),
    ),
    "claim": Wall(Kind.PARTICIPANT, own=Own.REACH, update=("division",), delete=True),
    "participant": Wall(
        Kind.PARTICIPANT,
        own=Own.HOUSEHOLD_ID,
        update=(
            "division",
            "left_at",
            "agreed",
            "agreed_on",
            "agreed_evidence",
            "agreed_by",
            "agreed_at",
            "vouched",
            "vouched_on",
            "vouched_evidence",
            "vouched_by",
            "vouched_at",
        ),
    ),
    "signature": Wall(Kind.PARTICIPANT, own=Own.CASE_ID, update=("division", "undone_at")),
}


def upgrade() -> None:
    op.add_column("case_file", sa.Column("paused_on", sa.Date(), nullable=True))
    op.add_column("case_file", sa.Column("marked", postgresql.JSONB(), nullable=True))
    # Every determination so far was made at the one stage that accounted.
    op.add_column("determination", sa.Column("stage", sa.Text(), nullable=False, server_default="accounting"))
    op.alter_column("determination", "stage", server_default=None)
    op.add_column("entitlement", sa.Column("instalment", sa.Integer(), nullable=False, server_default="1"))
    op.alter_column("entitlement", "instalment", server_default=None)
    op.drop_index("uq_entitlement_case", table_name="entitlement")
    op.create_index(
        "uq_entitlement_instalment",
        "entitlement",
        ["tenant_id", "case_id", "instalment"],
        unique=True,
        postgresql_where=sa.text("voided_at is null"),
    )
    op.add_column("signature", sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True))
    op.drop_constraint("uq_signature_tenant_id_case_id_stage_round_duty", "signature")
    op.create_index(
        "uq_signature_duty",
        "signature",
        ["tenant_id", "case_id", "stage", "round", "duty"],
        unique=True,
        postgresql_where=sa.text("undone_at is null"),
    )
    _participants()
    config = op.get_context().config
    assert config is not None
    app = config.attributes["app_role"]
    owner = op.get_bind().scalar(sa.text("select current_user"))
    for table, wall in WALLS.items():
        for statement in raise_wall(table, wall, app, owner):
            op.execute(statement)


def _participants() -> None:
    op.create_table(
        "participant",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("division", sa.BigInteger(), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        *(
            sa.Column(f"{answer}{part}", kind, nullable=nullable)
            for answer in ("agreed", "vouched")
            for part, kind, nullable in (
                ("", sa.Boolean(), True),
                ("_on", sa.Date(), True),
                ("_evidence", sa.Text(), False),
                ("_by", sa.Uuid(), True),
                ("_at", sa.DateTime(timezone=True), True),
            )
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_participant_tenant_id"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "case_id"],
            ["case_file.tenant_id", "case_file.id"],
            name="fk_participant_tenant_id_case_id",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "household_id"],
            ["household.tenant_id", "household.id"],
            name="fk_participant_tenant_id_household_id",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_participant"),
    )
    op.create_index("ix_participant_case", "participant", ["tenant_id", "case_id"])
    op.create_index("ix_participant_household", "participant", ["tenant_id", "household_id"])
    op.create_index(
        "uq_participant_current",
        "participant",
        ["tenant_id", "case_id", "role", "household_id"],
        unique=True,
        postgresql_where=sa.text("left_at is null"),
    )


def downgrade() -> None:
    """What was paid in parts, paused or undone cannot be told without these columns; restore a backup instead."""
    raise NotImplementedError("what is on record is not dropped")
