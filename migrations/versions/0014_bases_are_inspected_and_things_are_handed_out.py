"""Bases are held against a checklist, and what is handed out has a ledger of its own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from bangfu.db.walls import Kind, Own, Wall, raise_wall

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

WALLS = {
    "support_base": Wall(
        Kind.ORGANIZATION,
        own=Own.ORGANIZATION_ID,
        own_insert="false",
        own_update="false",
        update=(
            "confirmed",
            "reason",
            "confirmed_by",
            "confirmed_on",
            "confirmed_at",
            "ended_by",
            "ended_on",
            "ended_at",
        ),
        while_="confirmed is distinct from false and ended_at is null",
    ),
    "base_assessment": Wall(
        Kind.ORGANIZATION,
        own=Own.ORGANIZATION_ID,
        own_insert="false",
        own_update="false",
        update=(
            "agreed",
            "reason",
            "agreed_by",
            "agreed_on",
            "agreed_at",
            "notice",
            "issued_by",
            "issued_on",
            "issued_at",
            "due_on",
            "held_to",
            "closed_on",
        ),
        while_="agreed is distinct from false and closed_on is null",
    ),
    "base_finding": Wall(
        Kind.ORGANIZATION,
        own=Own.ORGANIZATION_ID,
        own_insert="false",
        own_update="closed_at is null and rectified_at is not null",
        update=(
            "rectified",
            "evidence",
            "rectified_by",
            "rectified_on",
            "rectified_at",
            "rectified_recorded_by",
            "note",
            "closed_by",
            "closed_on",
            "closed_at",
        ),
        while_="closed_at is null",
    ),
    "base_subsidy": Wall(
        Kind.ORGANIZATION,
        own=Own.ORGANIZATION_ID,
        own_insert="false",
        own_update="false",
        update=("replaced_at",),
        while_="replaced_at is null",
    ),
    "handout_batch": Wall(
        Kind.STAFF,
        update=("out_quantity", "out_fen", "replaced_at"),
        while_="replaced_at is null",
    ),
    "handout": Wall(
        Kind.AREA,
        update=(
            "state",
            "year",
            "listed_by",
            "listed_on",
            "listed_at",
            "batch_id",
            "receiver",
            "signature",
            "attended",
            "handed_by",
            "handed_on",
            "handed_at",
            "outcome",
            "followed_by",
            "followed_on",
            "followed_at",
            "reason",
            "gone_by",
            "gone_at",
        ),
        while_="state not in ('replaced', 'withdrawn')",
    ),
}


def upgrade() -> None:
    """Bases with their assessments, and what is bought and handed out."""
    _support_base()
    _base_assessment()
    _base_finding()
    _base_subsidy()
    _handout_batch()
    _handout()
    config = op.get_context().config
    assert config is not None
    app = config.attributes["app_role"]
    for table, wall in WALLS.items():
        for statement in raise_wall(table, wall, app, op.get_bind().scalar(sa.text("select current_user"))):
            op.execute(statement)


def _support_base() -> None:
    op.create_table(
        "support_base",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("division", sa.BigInteger(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("rural", sa.Boolean(), nullable=False),
        sa.Column("placed", sa.Integer(), nullable=False),
        sa.Column("led", sa.Integer(), nullable=False),
        sa.Column("poor", sa.Integer(), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("confirmed_on", sa.Date(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("officer_id", sa.Uuid(), nullable=False),
        sa.Column("duty", sa.Text(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(confirmed is null) = (confirmed_at is null)", name=op.f("ck_support_base_confirmed")),
        sa.CheckConstraint("confirmed_by is distinct from recorded_by", name=op.f("ck_support_base_confirmer")),
        sa.CheckConstraint("ended_at is null or confirmed", name=op.f("ck_support_base_ended")),
        sa.CheckConstraint(
            "placed >= 0 and led >= 0 and poor between 0 and placed + led", name=op.f("ck_support_base_persons")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "organization_id"],
            ["organization.tenant_id", "organization.id"],
            name=op.f("fk_support_base_tenant_id_organization_id"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_support_base_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_support_base")),
        sa.UniqueConstraint(
            "tenant_id",
            "id",
            "organization_id",
            "division",
            name=op.f("uq_support_base_tenant_id_id_organization_id_division"),
        ),
    )
    op.create_index("ix_support_base_division", "support_base", ["tenant_id", "division", "id"], unique=False)
    op.create_index(
        "uq_support_base_standing",
        "support_base",
        ["tenant_id", "programme", "organization_id"],
        unique=True,
        postgresql_where=sa.text("confirmed is distinct from false and ended_at is null"),
    )


def _base_assessment() -> None:
    op.create_table(
        "base_assessment",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("items", postgresql.JSONB(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("placed", sa.Integer(), nullable=False),
        sa.Column("led", sa.Integer(), nullable=False),
        sa.Column("poor", sa.Integer(), nullable=False),
        sa.Column("finding_count", sa.Integer(), nullable=False),
        sa.Column("agreed", sa.Boolean(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("agreed_by", sa.Uuid(), nullable=True),
        sa.Column("agreed_on", sa.Date(), nullable=True),
        sa.Column("agreed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("notice", sa.Text(), nullable=True),
        sa.Column("issued_by", sa.Uuid(), nullable=True),
        sa.Column("issued_on", sa.Date(), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("held_to", postgresql.JSONB(), nullable=False),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("base_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("division", sa.BigInteger(), nullable=False),
        sa.Column("officer_id", sa.Uuid(), nullable=False),
        sa.Column("duty", sa.Text(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(agreed is null) = (agreed_at is null)", name=op.f("ck_base_assessment_agreed")),
        sa.CheckConstraint("(notice is null) = (issued_at is null)", name=op.f("ck_base_assessment_issued")),
        sa.CheckConstraint("agreed_by is distinct from recorded_by", name=op.f("ck_base_assessment_second")),
        sa.CheckConstraint("closed_on is null or notice is not null", name=op.f("ck_base_assessment_closed")),
        sa.CheckConstraint(
            "notice is null or (agreed and finding_count > 0 and due_on is not null)",
            name=op.f("ck_base_assessment_notice"),
        ),
        sa.CheckConstraint(
            "placed >= 0 and led >= 0 and poor between 0 and placed + led", name=op.f("ck_base_assessment_persons")
        ),
        sa.CheckConstraint("score between 0 and 100", name=op.f("ck_base_assessment_score")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "base_id", "organization_id", "division"],
            ["support_base.tenant_id", "support_base.id", "support_base.organization_id", "support_base.division"],
            name="fk_base_assessment_support_base",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_base_assessment_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_base_assessment")),
        sa.UniqueConstraint(
            "tenant_id",
            "id",
            "organization_id",
            "division",
            name=op.f("uq_base_assessment_tenant_id_id_organization_id_division"),
        ),
        sa.UniqueConstraint(
            "tenant_id", "programme", "notice", name=op.f("uq_base_assessment_tenant_id_programme_notice")
        ),
    )
    op.create_index(
        "ix_base_assessment_base", "base_assessment", ["tenant_id", "base_id", "effective_on"], unique=False
    )


def _base_finding() -> None:
    op.create_table(
        "base_finding",
        sa.Column("assessment_id", sa.Uuid(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("finding", sa.Text(), nullable=False),
        sa.Column("written_by", sa.Uuid(), nullable=False),
        sa.Column("rectified", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("rectified_by", sa.Uuid(), nullable=True),
        sa.Column("rectified_on", sa.Date(), nullable=True),
        sa.Column("rectified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rectified_recorded_by", sa.Uuid(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("closed_by", sa.Uuid(), nullable=True),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("base_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("division", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("closed_at is null or rectified_at is not null", name=op.f("ck_base_finding_rectified")),
        sa.CheckConstraint("closed_by is distinct from written_by", name=op.f("ck_base_finding_closer")),
        sa.CheckConstraint(
            "closed_by is null or closed_by is distinct from rectified_by", name=op.f("ck_base_finding_rechecker")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "assessment_id", "organization_id", "division"],
            [
                "base_assessment.tenant_id",
                "base_assessment.id",
                "base_assessment.organization_id",
                "base_assessment.division",
            ],
            name="fk_base_finding_base_assessment",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_base_finding_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_base_finding")),
        sa.UniqueConstraint(
            "tenant_id", "assessment_id", "item", name=op.f("uq_base_finding_tenant_id_assessment_id_item")
        ),
    )


def _base_subsidy() -> None:
    op.create_table(
        "base_subsidy",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("assessment_id", sa.Uuid(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("held_to", postgresql.JSONB(), nullable=False),
        sa.Column("replaces", sa.Uuid(), nullable=True),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("base_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("division", sa.BigInteger(), nullable=False),
        sa.Column("officer_id", sa.Uuid(), nullable=False),
        sa.Column("duty", sa.Text(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount_fen >= 0", name=op.f("ck_base_subsidy_amount")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "assessment_id", "organization_id", "division"],
            [
                "base_assessment.tenant_id",
                "base_assessment.id",
                "base_assessment.organization_id",
                "base_assessment.division",
            ],
            name="fk_base_subsidy_base_assessment",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "replaces"],
            ["base_subsidy.tenant_id", "base_subsidy.id"],
            name=op.f("fk_base_subsidy_tenant_id_replaces"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_base_subsidy_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_base_subsidy")),
        sa.UniqueConstraint("tenant_id", "replaces", name=op.f("uq_base_subsidy_tenant_id_replaces")),
    )
    op.create_index(
        "uq_base_subsidy_year",
        "base_subsidy",
        ["tenant_id", "programme", "organization_id", "year"],
        unique=True,
        postgresql_where=sa.text("replaced_at is null"),
    )


def _handout_batch() -> None:
    op.create_table(
        "handout_batch",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("voucher", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=True),
        sa.Column("value_fen", sa.BigInteger(), nullable=True),
        sa.Column("out_quantity", sa.Integer(), nullable=False),
        sa.Column("out_fen", sa.BigInteger(), nullable=False),
        sa.Column("replaces", sa.Uuid(), nullable=True),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("officer_id", sa.Uuid(), nullable=False),
        sa.Column("duty", sa.Text(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("out_fen between 0 and coalesce(value_fen, 0)", name=op.f("ck_handout_batch_value")),
        sa.CheckConstraint("out_quantity between 0 and coalesce(quantity, 0)", name=op.f("ck_handout_batch_quantity")),
        sa.CheckConstraint("quantity > 0 and value_fen >= 0", name=op.f("ck_handout_batch_bought")),
        sa.CheckConstraint(
            "replaced_at is null or (out_quantity = 0 and out_fen = 0)", name=op.f("ck_handout_batch_replaced")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "replaces"],
            ["handout_batch.tenant_id", "handout_batch.id"],
            name=op.f("fk_handout_batch_tenant_id_replaces"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_handout_batch_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_handout_batch")),
        sa.UniqueConstraint("tenant_id", "replaces", name=op.f("uq_handout_batch_tenant_id_replaces")),
    )
    op.create_index(
        "uq_handout_batch_voucher",
        "handout_batch",
        ["tenant_id", "programme", "voucher"],
        unique=True,
        postgresql_where=sa.text("replaced_at is null"),
    )


def _handout() -> None:
    op.create_table(
        "handout",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("division", sa.BigInteger(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=True),
        sa.Column("value_fen", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("listed_by", sa.Uuid(), nullable=True),
        sa.Column("listed_on", sa.Date(), nullable=True),
        sa.Column("listed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("batch_id", sa.Uuid(), nullable=True),
        sa.Column("receiver", sa.Text(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("attended", sa.Boolean(), nullable=True),
        sa.Column("handed_by", sa.Uuid(), nullable=True),
        sa.Column("handed_on", sa.Date(), nullable=True),
        sa.Column("handed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("followed_by", sa.Uuid(), nullable=True),
        sa.Column("followed_on", sa.Date(), nullable=True),
        sa.Column("followed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("corrects", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("gone_by", sa.Uuid(), nullable=True),
        sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("officer_id", sa.Uuid(), nullable=False),
        sa.Column("duty", sa.Text(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state in ('stated', 'listed', 'handed_over', 'followed_up', 'replaced', 'withdrawn')",
            name=op.f("ck_handout_state"),
        ),
        sa.CheckConstraint(
            "state not in ('handed_over', 'followed_up') or handed_at is not null", name=op.f("ck_handout_handed")
        ),
        sa.CheckConstraint(
            "state not in ('listed', 'handed_over', 'followed_up') or year is not null", name=op.f("ck_handout_listed")
        ),
        sa.CheckConstraint("quantity > 0 and value_fen > 0", name=op.f("ck_handout_asked")),
        sa.CheckConstraint("quantity is not null or value_fen is not null", name=op.f("ck_handout_measured")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "batch_id"],
            ["handout_batch.tenant_id", "handout_batch.id"],
            name=op.f("fk_handout_tenant_id_batch_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "corrects"], ["handout.tenant_id", "handout.id"], name=op.f("fk_handout_tenant_id_corrects")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "household_id"],
            ["household.tenant_id", "household.id"],
            name=op.f("fk_handout_tenant_id_household_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "person_id"], ["person.tenant_id", "person.id"], name=op.f("fk_handout_tenant_id_person_id")
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_handout_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_handout")),
        sa.UniqueConstraint("tenant_id", "corrects", name=op.f("uq_handout_tenant_id_corrects")),
    )
    op.create_index("ix_handout_division", "handout", ["tenant_id", "division", "id"], unique=False)
    op.create_index("ix_handout_household", "handout", ["tenant_id", "household_id"], unique=False)
    op.create_index("ix_handout_year", "handout", ["tenant_id", "programme", "kind", "year"], unique=False)
    op.create_index(
        "uq_handout_open",
        "handout",
        ["tenant_id", "programme", "kind", "item", "household_id", "person_id"],
        unique=True,
        postgresql_where=sa.text("state in ('stated', 'listed')"),
        postgresql_nulls_not_distinct=True,
    )


def downgrade() -> None:
    """What is on record is not dropped; restore a backup instead."""
    raise NotImplementedError("what is on record is not dropped")
