"""Pairings have needs, agreements, plans and a ledger that both sides keep: what one delivers, the other confirms."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from bangfu.db.walls import INSIDE, Kind, Own, Wall, raise_wall

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

WALLS = {
    "helper": Wall(
        Kind.STAFF,
        own=Own.ORGANIZATION_ID,
        own_insert="verified is null",
        own_update="false",
        update=(
            "verified",
            "reason",
            "verified_by",
            "verified_on",
            "verified_at",
            "revoked_by",
            "revoked_on",
            "revoked_at",
        ),
        while_="verified is distinct from false",
    ),
    "need": Wall(
        Kind.AREA,
        own=Own.OFFERED,
        update=("closed_as", "closed_by", "closed_on", "closed_at", "reason"),
        while_=f"closed_at is null and {INSIDE}",
    ),
    "pairing_agreement": Wall(
        Kind.ORGANIZATION,
        own=Own.ORGANIZATION_ID,
        own_insert="signed_on is null and ended_at is null and exists (select from helper h "
        "where h.tenant_id = pairing_agreement.tenant_id and h.id = pairing_agreement.helper_id and h.verified)",
        own_update=(
            "ended_at is null and (select count(*) from agreement_signature s where s.tenant_id = "
            "pairing_agreement.tenant_id and s.agreement_id = pairing_agreement.id) = 2"
        ),
        update=("signed_on", "ended_as", "ended_on", "ended_by", "ended_at", "end_reason", "end_evidence"),
        while_="ended_at is null",
    ),
    "agreement_signature": Wall(
        Kind.ORGANIZATION,
        own=Own.ORGANIZATION_ID,
        own_insert="side = 'helper'",
    ),
    "plan_line": Wall(
        Kind.ORGANIZATION,
        own=Own.ORGANIZATION_ID,
        own_insert="kind is not null",
        own_update="kind is not null",
        update=("replaced_at",),
        while_="replaced_at is null",
    ),
    "obstacle": Wall(
        Kind.ORGANIZATION,
        own=Own.ORGANIZATION_ID,
        own_insert="owner_id is null",
        own_update="false",
        update=("owner_id", "outcome", "resolved_by", "resolved_on", "resolved_at"),
        while_="resolved_at is null",
    ),
    "delivery": Wall(
        Kind.ORGANIZATION,
        own=Own.ORGANIZATION_ID,
        own_insert="state = 'logged' and stands_fen = 0 and stands_quantity = 0",
        own_update=(
            "(state = 'replaced' and stands_fen = 0 and stands_quantity = 0) or (state = 'contested' and "
            "exists (select from delivery_answer a where a.tenant_id = delivery.tenant_id and a.delivery_id "
            "= delivery.id and a.number = delivery.version - 1 and a.verdict = 'contested' and a.stands_fen "
            "= delivery.stands_fen and a.stands_quantity = delivery.stands_quantity))"
        ),
        update=("state", "stands_fen", "stands_quantity", "version"),
        while_="state <> 'replaced'",
    ),
    "delivery_receipt": Wall(
        Kind.ORGANIZATION,
        own=Own.ORGANIZATION_ID,
        own_update=(
            "exists (select from delivery d where d.tenant_id = delivery_receipt.tenant_id and d.id = "
            "delivery_receipt.delivery_id and d.state = 'replaced')"
        ),
        update=("released_at",),
        while_="released_at is null",
    ),
    "delivery_answer": Wall(
        Kind.ORGANIZATION,
        own=Own.ORGANIZATION_ID,
        own_insert=(
            "verdict = 'contested' and exists (select from delivery d where d.tenant_id = "
            "delivery_answer.tenant_id and d.id = delivery_answer.delivery_id and d.state = 'partly' and "
            "d.version = delivery_answer.number and d.stands_fen = delivery_answer.stands_fen and "
            "d.stands_quantity = delivery_answer.stands_quantity)"
        ),
    ),
    "delivery_person": Wall(
        Kind.AREA,
        update=("taken_back_by", "taken_back_at"),
        while_="taken_back_at is null",
    ),
    "pairing_review": Wall(
        Kind.ORGANIZATION,
        own=Own.ORGANIZATION_ID,
        own_insert="false",
    ),
}


def upgrade() -> None:
    """Who is registered to help, what is needed, and what comes of the agreements."""
    _helper()
    _need()
    _pairing_agreement()
    _agreement_signature()
    _plan_line()
    _obstacle()
    _delivery()
    _delivery_receipt()
    _delivery_answer()
    _delivery_person()
    _pairing_review()
    config = op.get_context().config
    assert config is not None
    app = config.attributes["app_role"]
    for table, wall in WALLS.items():
        for statement in raise_wall(table, wall, app, op.get_bind().scalar(sa.text("select current_user"))):
            op.execute(statement)


def _helper() -> None:
    op.create_table(
        "helper",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("chamber", sa.Text(), nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("verified_by", sa.Uuid(), nullable=True),
        sa.Column("verified_on", sa.Date(), nullable=True),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by", sa.Uuid(), nullable=True),
        sa.Column("revoked_on", sa.Date(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("officer_id", sa.Uuid(), nullable=False),
        sa.Column("duty", sa.Text(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(verified is null) = (verified_at is null)", name="ck_helper_verified"),
        sa.CheckConstraint("verified_by is distinct from recorded_by", name="ck_helper_verifier"),
        sa.CheckConstraint("revoked_at is null or not verified", name="ck_helper_revoked"),
        sa.CheckConstraint("revoked_by is null or revoked_by is distinct from verified_by", name="ck_helper_revoker"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "organization_id"],
            ["organization.tenant_id", "organization.id"],
            name="fk_helper_tenant_id_organization_id",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_helper_tenant_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_helper"),
        sa.UniqueConstraint("tenant_id", "id", "organization_id", name="uq_helper_tenant_id_id_organization_id"),
    )
    op.create_index(
        "uq_helper_standing",
        "helper",
        ["tenant_id", "programme", "organization_id"],
        unique=True,
        postgresql_where=sa.text("verified is distinct from false"),
    )


def _need() -> None:
    op.create_table(
        "need",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("division", sa.BigInteger(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("replaces", sa.Uuid(), nullable=True),
        sa.Column("closed_as", sa.Text(), nullable=True),
        sa.Column("closed_by", sa.Uuid(), nullable=True),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("officer_id", sa.Uuid(), nullable=False),
        sa.Column("duty", sa.Text(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("closed_as in ('changed', 'met', 'withdrawn')", name="ck_need_closed_as"),
        sa.CheckConstraint("(closed_as is null) = (closed_at is null)", name="ck_need_closed"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "replaces"], ["need.tenant_id", "need.id"], name="fk_need_tenant_id_replaces"
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_need_tenant_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_need"),
        sa.UniqueConstraint("tenant_id", "replaces", name="uq_need_tenant_id_replaces"),
    )
    op.create_index("ix_need_division", "need", ["tenant_id", "division", "id"], unique=False)


def _pairing_agreement() -> None:
    op.create_table(
        "pairing_agreement",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("division", sa.BigInteger(), nullable=False),
        sa.Column("helper_id", sa.Uuid(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("takes_over", sa.Uuid(), nullable=True),
        sa.Column("held_to", postgresql.JSONB(), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=True),
        sa.Column("ended_as", sa.Text(), nullable=True),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=False),
        sa.Column("end_evidence", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("officer_id", sa.Uuid(), nullable=False),
        sa.Column("duty", sa.Text(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(ended_as = 'withdrawn') = (signed_on is null)", name="ck_pairing_agreement_withdrawn"),
        sa.CheckConstraint("ended_as in ('withdrawn', 'ended', 'relayed')", name="ck_pairing_agreement_ended_as"),
        sa.CheckConstraint("(ended_as is null) = (ended_at is null)", name="ck_pairing_agreement_ended"),
        sa.CheckConstraint("valid_from < valid_to", name="ck_pairing_agreement_term"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "helper_id", "organization_id"],
            ["helper.tenant_id", "helper.id", "helper.organization_id"],
            name="fk_pairing_agreement_helper",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "organization_id"],
            ["organization.tenant_id", "organization.id"],
            name="fk_pairing_agreement_tenant_id_organization_id",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "takes_over"],
            ["pairing_agreement.tenant_id", "pairing_agreement.id"],
            name="fk_pairing_agreement_tenant_id_takes_over",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_pairing_agreement_tenant_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_pairing_agreement"),
        sa.UniqueConstraint("tenant_id", "programme", "number", name="uq_pairing_agreement_tenant_id_programme_number"),
        sa.UniqueConstraint(
            "tenant_id",
            "id",
            "organization_id",
            "division",
            name="uq_pairing_agreement_tenant_id_id_organization_id_division",
        ),
    )
    op.create_index("ix_pairing_agreement_division", "pairing_agreement", ["tenant_id", "division", "id"], unique=False)
    op.create_index(
        "ix_pairing_agreement_organization", "pairing_agreement", ["tenant_id", "organization_id"], unique=False
    )
    op.create_index(
        "uq_pairing_agreement_takes_over",
        "pairing_agreement",
        ["tenant_id", "takes_over"],
        unique=True,
        postgresql_where=sa.text("ended_as is distinct from 'withdrawn'"),
    )


def _agreement_signature() -> None:
    op.create_table(
        "agreement_signature",
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("agreement_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("division", sa.BigInteger(), nullable=False),
        sa.Column("officer_id", sa.Uuid(), nullable=False),
        sa.Column("duty", sa.Text(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("side in ('helper', 'helped')", name="ck_agreement_signature_side"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "agreement_id", "organization_id", "division"],
            [
                "pairing_agreement.tenant_id",
                "pairing_agreement.id",
                "pairing_agreement.organization_id",
                "pairing_agreement.division",
            ],
            name="fk_agreement_signature_pairing_agreement",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_agreement_signature_tenant_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_agreement_signature"),
        sa.UniqueConstraint(
            "tenant_id", "agreement_id", "side", name="uq_agreement_signature_tenant_id_agreement_id_side"
        ),
    )


def _plan_line() -> None:
    op.create_table(
        "plan_line",
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("path", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("office", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("replaces", sa.Uuid(), nullable=True),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("agreement_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("division", sa.BigInteger(), nullable=False),
        sa.Column("officer_id", sa.Uuid(), nullable=False),
        sa.Column("duty", sa.Text(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(kind is null) = (office <> '')", name="ck_plan_line_side"),
        sa.CheckConstraint("amount_fen >= 0 and quantity >= 0", name="ck_plan_line_promised"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "agreement_id", "organization_id", "division"],
            [
                "pairing_agreement.tenant_id",
                "pairing_agreement.id",
                "pairing_agreement.organization_id",
                "pairing_agreement.division",
            ],
            name="fk_plan_line_pairing_agreement",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "replaces"], ["plan_line.tenant_id", "plan_line.id"], name="fk_plan_line_tenant_id_replaces"
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_plan_line_tenant_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_plan_line"),
        sa.UniqueConstraint("tenant_id", "replaces", name="uq_plan_line_tenant_id_replaces"),
    )
    op.create_index("ix_plan_line_agreement", "plan_line", ["tenant_id", "agreement_id", "year"], unique=False)


def _obstacle() -> None:
    op.create_table(
        "obstacle",
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("resolved_by", sa.Uuid(), nullable=True),
        sa.Column("resolved_on", sa.Date(), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("agreement_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("division", sa.BigInteger(), nullable=False),
        sa.Column("officer_id", sa.Uuid(), nullable=False),
        sa.Column("duty", sa.Text(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "agreement_id", "organization_id", "division"],
            [
                "pairing_agreement.tenant_id",
                "pairing_agreement.id",
                "pairing_agreement.organization_id",
                "pairing_agreement.division",
            ],
            name="fk_obstacle_pairing_agreement",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "owner_id"], ["officer.tenant_id", "officer.id"], name="fk_obstacle_tenant_id_owner_id"
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_obstacle_tenant_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_obstacle"),
    )
    op.create_index("ix_obstacle_agreement", "obstacle", ["tenant_id", "agreement_id"], unique=False)


def _delivery() -> None:
    op.create_table(
        "delivery",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=True),
        sa.Column("valuation", sa.Text(), nullable=False),
        sa.Column("receipt", sa.Text(), nullable=False),
        sa.Column("corrects", sa.Uuid(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("stands_fen", sa.BigInteger(), nullable=False),
        sa.Column("stands_quantity", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("agreement_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("division", sa.BigInteger(), nullable=False),
        sa.Column("officer_id", sa.Uuid(), nullable=False),
        sa.Column("duty", sa.Text(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state in ('logged', 'confirmed', 'partly', 'disputed', 'contested', 'ruled', 'replaced')",
            name="ck_delivery_state",
        ),
        sa.CheckConstraint("amount_fen >= 0 and quantity >= 0", name="ck_delivery_delivered"),
        sa.CheckConstraint("amount_fen is not null or quantity is not null", name="ck_delivery_measured"),
        sa.CheckConstraint(
            "stands_fen between 0 and coalesce(amount_fen, 0) and stands_quantity between 0 and coalesce(quantity, 0)",
            name="ck_delivery_stands",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "agreement_id", "organization_id", "division"],
            [
                "pairing_agreement.tenant_id",
                "pairing_agreement.id",
                "pairing_agreement.organization_id",
                "pairing_agreement.division",
            ],
            name="fk_delivery_pairing_agreement",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "corrects"], ["delivery.tenant_id", "delivery.id"], name="fk_delivery_tenant_id_corrects"
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_delivery_tenant_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_delivery"),
        sa.UniqueConstraint("tenant_id", "corrects", name="uq_delivery_tenant_id_corrects"),
        sa.UniqueConstraint(
            "tenant_id", "id", "organization_id", "division", name="uq_delivery_tenant_id_id_organization_id_division"
        ),
    )
    op.create_index("ix_delivery_agreement", "delivery", ["tenant_id", "agreement_id", "effective_on"], unique=False)
    op.create_index("ix_delivery_division", "delivery", ["tenant_id", "division", "id"], unique=False)
    op.create_index("ix_delivery_organization", "delivery", ["tenant_id", "organization_id"], unique=False)


def _delivery_receipt() -> None:
    op.create_table(
        "delivery_receipt",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("division", sa.BigInteger(), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "delivery_id", "organization_id", "division"],
            ["delivery.tenant_id", "delivery.id", "delivery.organization_id", "delivery.division"],
            name="fk_delivery_receipt_delivery",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_delivery_receipt_tenant_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_delivery_receipt"),
        sa.UniqueConstraint("tenant_id", "delivery_id", name="uq_delivery_receipt_tenant_id_delivery_id"),
    )
    op.create_index(
        "uq_delivery_receipt_key",
        "delivery_receipt",
        ["tenant_id", "key"],
        unique=True,
        postgresql_where=sa.text("released_at is null"),
    )


def _delivery_answer() -> None:
    op.create_table(
        "delivery_answer",
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("division", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("stands_fen", sa.BigInteger(), nullable=False),
        sa.Column("stands_quantity", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("officer_id", sa.Uuid(), nullable=False),
        sa.Column("duty", sa.Text(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "verdict in ('confirmed', 'partly', 'disputed', 'contested', 'ruled')", name="ck_delivery_answer_verdict"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "delivery_id", "organization_id", "division"],
            ["delivery.tenant_id", "delivery.id", "delivery.organization_id", "delivery.division"],
            name="fk_delivery_answer_delivery",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_delivery_answer_tenant_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_delivery_answer"),
        sa.UniqueConstraint(
            "tenant_id", "delivery_id", "number", name="uq_delivery_answer_tenant_id_delivery_id_number"
        ),
    )


def _delivery_person() -> None:
    op.create_table(
        "delivery_person",
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("division", sa.BigInteger(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_back_by", sa.Uuid(), nullable=True),
        sa.Column("taken_back_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("(taken_back_by is null) = (taken_back_at is null)", name="ck_delivery_person_taken_back"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "delivery_id"],
            ["delivery.tenant_id", "delivery.id"],
            name="fk_delivery_person_tenant_id_delivery_id",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "person_id"], ["person.tenant_id", "person.id"], name="fk_delivery_person_tenant_id_person_id"
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_delivery_person_tenant_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_delivery_person"),
    )
    op.create_index(
        "uq_delivery_person_named",
        "delivery_person",
        ["tenant_id", "delivery_id", "person_id"],
        unique=True,
        postgresql_where=sa.text("taken_back_at is null"),
    )
    op.create_index("ix_delivery_person_person", "delivery_person", ["tenant_id", "person_id"], unique=False)


def _pairing_review() -> None:
    op.create_table(
        "pairing_review",
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("finding", sa.Text(), nullable=False),
        sa.Column("nominated", sa.Boolean(), nullable=False),
        sa.Column("exited_households", sa.Integer(), nullable=False),
        sa.Column("figures", postgresql.JSONB(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("agreement_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("division", sa.BigInteger(), nullable=False),
        sa.Column("officer_id", sa.Uuid(), nullable=False),
        sa.Column("duty", sa.Text(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("outcome in ('met', 'partly', 'unmet')", name="ck_pairing_review_outcome"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "agreement_id", "organization_id", "division"],
            [
                "pairing_agreement.tenant_id",
                "pairing_agreement.id",
                "pairing_agreement.organization_id",
                "pairing_agreement.division",
            ],
            name="fk_pairing_review_pairing_agreement",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_pairing_review_tenant_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_pairing_review"),
        sa.UniqueConstraint(
            "tenant_id", "agreement_id", "year", "number", name="uq_pairing_review_tenant_id_agreement_id_year_number"
        ),
    )


def downgrade() -> None:
    """What is on record is not dropped; restore a backup instead."""
    raise NotImplementedError("what is on record is not dropped")
