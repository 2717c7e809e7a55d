"""What a document comes to is kept before it is released, and a county moves to a rule book by its own word."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from bangfu.db.walls import Kind, Wall, raise_wall

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

WALLS = {
    "provision": Wall(
        Kind.TENANT, update=("state", "released_by", "released_at"), while_="state in ('draft', 'previewed')"
    ),
    "provision_preview": Wall(Kind.SPAN),
}


def upgrade() -> None:
    """Previews, the state between a draft and what is released, what a document takes back, and who moved an edition to
    its rule book."""
    op.create_table(
        "provision_preview",
        sa.Column("provision_id", sa.Uuid(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("made_on", sa.Date(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("areas", postgresql.INT8MULTIRANGE(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_provision_preview_tenant_id"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "provision_id"],
            ["provision.tenant_id", "provision.id"],
            name="fk_provision_preview_tenant_id_provision_id",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_provision_preview"),
    )
    op.create_index("ix_provision_preview_provision", "provision_preview", ["tenant_id", "provision_id"])
    op.drop_constraint(op.f("ck_provision_state"), "provision")
    op.create_check_constraint(op.f("ck_provision_state"), "provision", "state in ('draft', 'previewed', 'released')")
    op.add_column("provision", sa.Column("takes_back_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        "fk_provision_tenant_id_takes_back_id",
        "provision",
        "provision",
        ["tenant_id", "takes_back_id"],
        ["tenant_id", "id"],
    )
    op.add_column("edition", sa.Column("moved_by", postgresql.JSONB(), nullable=True))
    config = op.get_context().config
    assert config is not None
    app = config.attributes["app_role"]
    owner = op.get_bind().scalar(sa.text("select current_user"))
    for table, wall in WALLS.items():
        for statement in raise_wall(table, wall, app, owner):
            op.execute(statement)


def downgrade() -> None:
    """What was previewed, and by whose word a county decides, is not dropped; restore a backup instead."""
    raise NotImplementedError("what is on record is not dropped")
