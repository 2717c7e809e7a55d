"""Who applies again after an end is found with the other acts by which a case goes its way."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_BEFORE = ("pause", "resume", "stop", "withdraw", "undo", "carry")


def upgrade() -> None:
    """An application that is made again ends a rest and an end."""
    _find(*_BEFORE, "amend")


def downgrade() -> None:
    """It does not."""
    _find(*_BEFORE)


def _find(*acts: str) -> None:
    op.drop_index("ix_case_event_ways", "case_event")
    op.create_index(
        "ix_case_event_ways",
        "case_event",
        ["tenant_id", "case_id"],
        unique=False,
        postgresql_where=sa.text(f"act in ({', '.join(repr(act) for act in acts)})"),
    )
