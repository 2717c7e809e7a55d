"""The batch of many lines is looked up once by their wall, and not once for each line by a key."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bangfu.db.walls import Kind, Own, Wall, raise_wall

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_SEALED = {"payment_line": ("account",), "payment_setoff": ()}


def upgrade() -> None:
    """What stands in a batch is put in and changed while the batch is there and not released, and no batch is ever
    removed: a key from every line to it says nothing more."""
    for table in _SEALED:
        _raise(table, "batch_id in (select b.id from payment_batch b where b.released_at is null)")
    op.drop_constraint(op.f("fk_payment_line_tenant_id_batch_id"), "payment_line")


def downgrade() -> None:
    """The batch is looked up for each line, twice."""
    op.create_foreign_key(
        op.f("fk_payment_line_tenant_id_batch_id"),
        "payment_line",
        "payment_batch",
        ["tenant_id", "batch_id"],
        ["tenant_id", "id"],
    )
    for table in _SEALED:
        _raise(
            table,
            f"exists (select from payment_batch b where b.tenant_id = {table}.tenant_id"
            f" and b.id = {table}.batch_id and b.released_at is null)",
        )


def _raise(table: str, while_: str) -> None:
    config = op.get_context().config
    assert config is not None
    wall = Wall(
        Kind.PARTICIPANT,
        own=Own.HOUSEHOLD_ID,
        update=("voided_at", "released_on", "released_at"),
        sealed=_SEALED[table],
        while_=while_,
    )
    owner = op.get_bind().scalar(sa.text("select current_user"))
    for statement in raise_wall(table, wall, config.attributes["app_role"], owner):
        op.execute(statement)
