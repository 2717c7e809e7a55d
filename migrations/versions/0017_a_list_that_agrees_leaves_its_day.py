"""A list that says of somebody what its office has said before leaves its day on what is known."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bangfu.db.walls import Kind, Wall, raise_wall

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The day of the last list of the same source that said the same."""
    op.add_column("circumstance", sa.Column("confirmed_on", sa.Date(), nullable=True))
    _raise(("known_to", "division", "confirmed_on"))


def downgrade() -> None:
    """It is forgotten."""
    _raise(("known_to", "division"))
    op.drop_column("circumstance", "confirmed_on")


def _raise(update: tuple[str, ...]) -> None:
    config = op.get_context().config
    assert config is not None
    owner = op.get_bind().scalar(sa.text("select current_user"))
    wall = Wall(Kind.AREA, sealed=("number",), update=update)
    for statement in raise_wall("circumstance", wall, config.attributes["app_role"], owner):
        op.execute(statement)
