"""An organization attests itself what was stated from its paper: it is asked, and answers once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from bangfu.db.walls import Kind, Own, Wall, raise_wall

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

WALLS = {
    "attestation": Wall(Kind.PARTICIPANT, own=Own.ORGANIZATION_OR_CASE, update=("division", "gone_at")),
    "attestation_answer": Wall(Kind.PARTICIPANT, own=Own.ORGANIZATION_OR_CASE, update=("division",)),
}


def upgrade() -> None:
    """What organizations are asked, and what they answered."""
    op.create_table(
        "attestation",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("division", sa.BigInteger(), nullable=False),
        sa.Column("fact", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("card", postgresql.JSONB(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_attestation_tenant_id"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "case_id"], ["case_file.tenant_id", "case_file.id"], name="fk_attestation_tenant_id_case_id"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "organization_id"],
            ["organization.tenant_id", "organization.id"],
            name="fk_attestation_tenant_id_organization_id",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_attestation"),
        sa.UniqueConstraint(
            "tenant_id", "id", "case_id", "organization_id", name="uq_attestation_tenant_id_id_case_id_organization_id"
        ),
    )
    op.create_index("ix_attestation_organization", "attestation", ["tenant_id", "organization_id"])
    op.create_index("ix_attestation_case", "attestation", ["tenant_id", "case_id"])
    op.create_index(
        "uq_attestation_current",
        "attestation",
        ["tenant_id", "case_id", "fact"],
        unique=True,
        postgresql_where=sa.text("gone_at is null"),
    )
    op.create_table(
        "attestation_answer",
        sa.Column("attestation_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("division", sa.BigInteger(), nullable=False),
        sa.Column("attested", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("answered_on", sa.Date(), nullable=False),
        sa.Column("answered_by", sa.Uuid(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("attested or note <> ''", name=op.f("ck_attestation_answer_note")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_attestation_answer_tenant_id"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "attestation_id", "case_id", "organization_id"],
            ["attestation.tenant_id", "attestation.id", "attestation.case_id", "attestation.organization_id"],
            name="fk_attestation_answer_attestation",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_attestation_answer"),
        sa.UniqueConstraint("tenant_id", "attestation_id", name="uq_attestation_answer_tenant_id_attestation_id"),
    )
    op.create_index("ix_attestation_answer_case", "attestation_answer", ["tenant_id", "case_id"])
    config = op.get_context().config
    assert config is not None
    app = config.attributes["app_role"]
    for table, wall in WALLS.items():
        for statement in raise_wall(table, wall, app, op.get_bind().scalar(sa.text("select current_user"))):
            op.execute(statement)


def downgrade() -> None:
    """What is on record is not dropped; restore a backup instead."""
    raise NotImplementedError("what is on record is not dropped")
