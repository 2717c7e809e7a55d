"""A case may be for one person of a household: persons have numbers, cases the number of whom they are for, and the
register knows where a person goes to school."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from bangfu.db.walls import Kind, Own, Wall, raise_wall

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

WALLS = {
    "schooling": Wall(Kind.ORGANIZATION, own=Own.ORGANIZATION_ID, update=("known_to", "division")),
    "discrepancy": Wall(
        Kind.ORGANIZATION,
        own=Own.ORGANIZATION_ID,
        update=("division", "accepted", "reason", "settled_by", "settled_at"),
        while_="settled_at is null",
    ),
}


def upgrade() -> None:
    """Numbers of persons and cases, whom a case is for, and schooling."""
    owner = op.get_bind().scalar(sa.text("select quote_ident(current_user)"))
    # Their owner numbers them once, walls aside, and raises them again after.
    for table in ("person", "membership", "household", "case_file"):
        op.execute(f"alter table {table} no force row level security")
    op.add_column("person", sa.Column("number", sa.Text(), nullable=True))
    op.add_column("case_file", sa.Column("number", sa.Text(), nullable=True))
    op.add_column("case_file", sa.Column("person_id", sa.Uuid(), nullable=True))
    granted = op.get_bind().execute(sa.text(GRANTED)).scalars().all()
    for table in ("person", "case_file"):
        op.execute(f"grant update (number) on {table} to {owner}")
    op.execute(PERSONS)
    op.execute("update person set number = id::text where number is null")  # of no household, ever
    op.execute(
        "update case_file c set number = h.number from household h"
        " where h.tenant_id = c.tenant_id and h.id = c.household_id"
    )
    for table in ("person", "case_file"):
        if table not in granted:
            op.execute(f"revoke update (number) on {table} from {owner}")
        op.alter_column(table, "number", nullable=False)
    for table in ("person", "membership", "household", "case_file"):
        op.execute(f"alter table {table} force row level security")
    op.create_unique_constraint("uq_person_tenant_id_number", "person", ["tenant_id", "number"])
    op.create_unique_constraint(
        "uq_case_file_tenant_id_programme_period_number", "case_file", ["tenant_id", "programme", "period", "number"]
    )
    op.create_foreign_key(
        "fk_case_file_tenant_id_person_id", "case_file", "person", ["tenant_id", "person_id"], ["tenant_id", "id"]
    )
    _schooling()
    _discrepancies()
    config = op.get_context().config
    assert config is not None
    app = config.attributes["app_role"]
    for table, wall in WALLS.items():
        for statement in raise_wall(table, wall, app, op.get_bind().scalar(sa.text("select current_user"))):
            op.execute(statement)


GRANTED = """
    select table_name from information_schema.role_table_grants
     where grantee = current_user and privilege_type = 'UPDATE' and table_name in ('person', 'case_file')
"""
PERSONS = """
    update person p set number = n.household || '-' || lpad(n.place::text, greatest(2, length(n.place::text)), '0')
      from (select tenant_id, person_id, household,
                   row_number() over (partition by tenant_id, household order by known_from, person_id) as place
              from (select distinct on (m.tenant_id, m.person_id)
                           m.tenant_id, m.person_id, m.known_from, h.number as household
                      from membership m join household h on h.tenant_id = m.tenant_id and h.id = m.household_id
                     order by m.tenant_id, m.person_id, m.known_from, m.valid_from) first) n
     where n.tenant_id = p.tenant_id and n.person_id = p.id
"""
"""Who came first to a household is its first person, whoever lives there now."""


def _schooling() -> None:
    op.create_table(
        "schooling",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("division", sa.BigInteger(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("school", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("student_number", sa.Text(), nullable=False),
        sa.Column("in_county", sa.Boolean(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("grade", sa.Integer(), nullable=True),
        sa.Column("months", sa.Integer(), nullable=True),
        sa.Column("interning", sa.Boolean(), nullable=True),
        sa.Column("proved", sa.Boolean(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("reported_on", sa.Date(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("known_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known_to", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("source in ('bureau', 'school', 'family')", name=op.f("ck_schooling_source")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_schooling_tenant_id"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "person_id"], ["person.tenant_id", "person.id"], name="fk_schooling_tenant_id_person_id"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "organization_id"],
            ["organization.tenant_id", "organization.id"],
            name="fk_schooling_tenant_id_organization_id",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_schooling"),
    )
    op.create_index("ix_schooling_person", "schooling", ["tenant_id", "person_id"])
    op.create_index("ix_schooling_organization", "schooling", ["tenant_id", "organization_id"])
    op.create_index(
        "uq_schooling_current",
        "schooling",
        ["tenant_id", "person_id"],
        unique=True,
        postgresql_where=sa.text("valid_to is null and known_to is null"),
    )


def _discrepancies() -> None:
    op.create_table(
        "discrepancy",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("division", sa.BigInteger(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("reported_on", sa.Date(), nullable=False),
        sa.Column("known", postgresql.JSONB(), nullable=False),
        sa.Column("reported", postgresql.JSONB(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("settled_by", sa.Uuid(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("(accepted is null) = (settled_at is null)", name=op.f("ck_discrepancy_settled")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_discrepancy_tenant_id"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "person_id"], ["person.tenant_id", "person.id"], name="fk_discrepancy_tenant_id_person_id"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "organization_id"],
            ["organization.tenant_id", "organization.id"],
            name="fk_discrepancy_tenant_id_organization_id",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_discrepancy"),
    )
    op.create_index("ix_discrepancy_division", "discrepancy", ["tenant_id", "division", "id"])
    op.create_index(
        "uq_discrepancy_open",
        "discrepancy",
        ["tenant_id", "person_id", "kind"],
        unique=True,
        postgresql_where=sa.text("settled_at is null"),
    )


def downgrade() -> None:
    """What is on record is not dropped; restore a backup instead."""
    raise NotImplementedError("what is on record is not dropped")
