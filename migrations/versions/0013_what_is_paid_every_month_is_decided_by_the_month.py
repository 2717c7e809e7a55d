"""Something may be paid every month: months are decided one by one, what is to be paid back is set off, and the
register knows what other offices keep lists of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from bangfu.db.walls import Kind, Own, Wall, raise_wall

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

WALLS = {
    "circumstance": Wall(Kind.AREA, sealed=("number",), update=("known_to", "division")),
    "month_result": Wall(Kind.TENANT),
    "month_decision": Wall(Kind.PARTICIPANT, own=Own.CASE_ID, update=("division",)),
    "month_run": Wall(Kind.SPAN, own=Own.OFFICER_ID),
    "payment_setoff": Wall(
        Kind.PARTICIPANT,
        own=Own.HOUSEHOLD_ID,
        update=("voided_at", "released_on", "released_at"),
        while_="exists (select from payment_batch b where b.tenant_id = payment_setoff.tenant_id"
        " and b.id = payment_setoff.batch_id and b.released_at is null)",
    ),
}


def upgrade() -> None:
    """Circumstances of persons, editions and decisions of months, and what is set off."""
    _circumstance()
    op.add_column("edition", sa.Column("month", sa.Integer(), nullable=True))
    op.create_check_constraint("month", "edition", "month between 1 and 12")
    op.drop_constraint(op.f("uq_edition_tenant_id_programme_period_number"), "edition")
    op.create_unique_constraint(
        op.f("uq_edition_tenant_id_programme_period_number_month"),
        "edition",
        ["tenant_id", "programme", "period", "number", "month"],
        postgresql_nulls_not_distinct=True,
    )
    _month_result()
    _month_decision()
    _month_run()
    op.create_index(
        "ix_case_event_ways",
        "case_event",
        ["tenant_id", "case_id"],
        unique=False,
        postgresql_where=sa.text("act in ('pause', 'resume', 'stop', 'withdraw', 'undo', 'carry')"),
    )
    op.alter_column("entitlement", "determination_id", nullable=True)
    op.add_column("entitlement", sa.Column("month_decision_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_entitlement_tenant_id_month_decision_id"),
        "entitlement",
        "month_decision",
        ["tenant_id", "month_decision_id"],
        ["tenant_id", "id"],
    )
    op.create_check_constraint("rests_on", "entitlement", "(determination_id is null) <> (month_decision_id is null)")
    op.create_index(
        "uq_entitlement_month_decision",
        "entitlement",
        ["tenant_id", "month_decision_id"],
        unique=True,
        postgresql_where=sa.text("voided_at is null and month_decision_id is not null"),
    )
    op.drop_constraint(op.f("ck_payment_line_amount"), "payment_line")
    op.create_check_constraint("amount", "payment_line", "amount_fen >= 0")
    _payment_setoff()
    config = op.get_context().config
    assert config is not None
    app = config.attributes["app_role"]
    for table, wall in WALLS.items():
        for statement in raise_wall(table, wall, app, op.get_bind().scalar(sa.text("select current_user"))):
            op.execute(statement)


def _circumstance() -> None:
    op.create_table(
        "circumstance",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("division", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=True),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("generation", sa.Integer(), nullable=True),
        sa.Column("number", sa.LargeBinary(), nullable=True),
        sa.Column("number_masked", sa.Text(), nullable=True),
        sa.Column("class_name", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("reported_on", sa.Date(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("known_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known_to", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind <> 'death' or valid_to is null", name=op.f("ck_circumstance_death")),
        sa.CheckConstraint(
            "kind = 'certificate' or (level is null and category is null and generation is null and number is null)",
            name=op.f("ck_circumstance_certificate"),
        ),
        sa.CheckConstraint(
            "kind in ('certificate', 'minimum_living', 'death', 'custody', 'moved_away')",
            name=op.f("ck_circumstance_kind"),
        ),
        sa.CheckConstraint(
            "source in ('federation', 'civil_affairs', 'death_register', 'office')", name=op.f("ck_circumstance_source")
        ),
        sa.CheckConstraint("level between 1 and 4", name=op.f("ck_circumstance_level")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "person_id"],
            ["person.tenant_id", "person.id"],
            name=op.f("fk_circumstance_tenant_id_person_id"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_circumstance_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_circumstance")),
    )
    op.create_index("ix_circumstance_person", "circumstance", ["tenant_id", "person_id", "kind"], unique=False)
    op.create_index(
        "uq_circumstance_current",
        "circumstance",
        ["tenant_id", "person_id", "kind"],
        unique=True,
        postgresql_where=sa.text("valid_to is null and known_to is null"),
    )


def _month_result() -> None:
    op.create_table(
        "month_result",
        sa.Column("edition_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("payable_fen", sa.BigInteger(), nullable=False),
        sa.Column("facts", postgresql.JSONB(), nullable=False),
        sa.Column("step_values", postgresql.JSONB(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("payable_fen >= 0", name=op.f("ck_month_result_payable")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "edition_id"],
            ["edition.tenant_id", "edition.id"],
            name=op.f("fk_month_result_tenant_id_edition_id"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_month_result_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_month_result")),
        sa.UniqueConstraint(
            "tenant_id", "edition_id", "digest", name=op.f("uq_month_result_tenant_id_edition_id_digest")
        ),
    )


def _month_decision() -> None:
    op.create_table(
        "month_decision",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("division", sa.BigInteger(), nullable=False),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("result_id", sa.Uuid(), nullable=False),
        sa.Column("withheld", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("known_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("officer_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "amount_fen >= 0 and (withheld = '' or amount_fen = 0)", name=op.f("ck_month_decision_amount")
        ),
        sa.CheckConstraint("month between 1 and 12", name=op.f("ck_month_decision_month")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "case_id"],
            ["case_file.tenant_id", "case_file.id"],
            name=op.f("fk_month_decision_tenant_id_case_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "result_id"],
            ["month_result.tenant_id", "month_result.id"],
            name=op.f("fk_month_decision_tenant_id_result_id"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_month_decision_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_month_decision")),
        sa.UniqueConstraint(
            "tenant_id", "case_id", "month", "number", name=op.f("uq_month_decision_tenant_id_case_id_month_number")
        ),
    )


def _month_run() -> None:
    op.create_table(
        "month_run",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("arrears_fen", sa.BigInteger(), nullable=False),
        sa.Column("recovery_fen", sa.BigInteger(), nullable=False),
        sa.Column("undecided", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("known_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("officer_id", sa.Uuid(), nullable=False),
        sa.Column("ran_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("areas", postgresql.INT8MULTIRANGE(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("month between 1 and 12", name=op.f("ck_month_run_month")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_month_run_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_month_run")),
    )
    op.create_index(
        "ix_month_run_month", "month_run", ["tenant_id", "programme", "period", "month", "known_at"], unique=False
    )


def _payment_setoff() -> None:
    op.create_table(
        "payment_setoff",
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("line_id", sa.Uuid(), nullable=False),
        sa.Column("entitlement_id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("division", sa.BigInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("released_on", sa.Date(), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_payment_setoff_amount")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "batch_id"],
            ["payment_batch.tenant_id", "payment_batch.id"],
            name=op.f("fk_payment_setoff_tenant_id_batch_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "entitlement_id"],
            ["entitlement.tenant_id", "entitlement.id"],
            name=op.f("fk_payment_setoff_tenant_id_entitlement_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "household_id"],
            ["household.tenant_id", "household.id"],
            name=op.f("fk_payment_setoff_tenant_id_household_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "line_id"],
            ["payment_line.tenant_id", "payment_line.id"],
            name=op.f("fk_payment_setoff_tenant_id_line_id"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_payment_setoff_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_payment_setoff")),
    )
    op.create_index("ix_payment_setoff_batch", "payment_setoff", ["tenant_id", "batch_id"], unique=False)
    op.create_index("ix_payment_setoff_entitlement", "payment_setoff", ["tenant_id", "entitlement_id"], unique=False)
    op.create_index("ix_payment_setoff_line", "payment_setoff", ["tenant_id", "line_id"], unique=False)


def downgrade() -> None:
    """What is on record is not dropped; restore a backup instead."""
    raise NotImplementedError("what is on record is not dropped")
