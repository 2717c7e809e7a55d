"""What is due is of the very case that it was decided of; what is part of a row is of that row's county."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_PARTS = ("case_event", "determination", "month_decision", "entitlement", "payment_line")
_DECIDED = ("determination", "month_decision")


def upgrade() -> None:
    """An entitlement names what it rests on together with its case. A key of the county says nothing more where another
    one leads to it."""
    for table in _PARTS:
        op.drop_constraint(op.f(f"fk_{table}_tenant_id"), table)
    op.drop_constraint(op.f("fk_entitlement_tenant_id_case_id"), "entitlement")
    for table in _DECIDED:
        name = op.f(f"uq_{table}_tenant_id_id_case_id")
        op.create_unique_constraint(name, table, ["tenant_id", "id", "case_id"])
        op.drop_constraint(op.f(f"fk_entitlement_tenant_id_{table}_id"), "entitlement")
        op.create_foreign_key(
            op.f(f"fk_entitlement_tenant_id_{table}_id_case_id"),
            "entitlement",
            table,
            ["tenant_id", f"{table}_id", "case_id"],
            ["tenant_id", "id", "case_id"],
        )


def downgrade() -> None:
    """The case of an entitlement is looked up beside what it rests on, and the county of every row."""
    for table in reversed(_DECIDED):
        op.drop_constraint(op.f(f"fk_entitlement_tenant_id_{table}_id_case_id"), "entitlement")
        op.drop_constraint(op.f(f"uq_{table}_tenant_id_id_case_id"), table)
        op.create_foreign_key(
            op.f(f"fk_entitlement_tenant_id_{table}_id"),
            "entitlement",
            table,
            ["tenant_id", f"{table}_id"],
            ["tenant_id", "id"],
        )
    op.create_foreign_key(
        op.f("fk_entitlement_tenant_id_case_id"),
        "entitlement",
        "case_file",
        ["tenant_id", "case_id"],
        ["tenant_id", "id"],
    )
    for table in _PARTS:
        op.create_foreign_key(op.f(f"fk_{table}_tenant_id"), table, "tenant", ["tenant_id"], ["id"])
