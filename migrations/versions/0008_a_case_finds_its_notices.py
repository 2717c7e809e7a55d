"""A case finds what notices say of it without going through every notice."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_INDEX, _TABLE = "ix_notice_entry_case", "notice_entry"


def upgrade() -> None:
    """The entries of notices by their case: a hundred thousand payments are held against their notices in seconds."""
    op.create_index(_INDEX, _TABLE, ["tenant_id", "case_id"])


def downgrade() -> None:
    """Every notice is gone through again."""
    op.drop_index(_INDEX, _TABLE)
