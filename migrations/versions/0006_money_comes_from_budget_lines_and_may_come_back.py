"""Budget lines, instalments' batches, returned and re-issued payments, adjustments, and the files of banks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from bangfu.db.walls import Kind, Own, Wall, raise_wall

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_RELEASED = (
    "exists (select from payment_line l join payment_batch b on b.tenant_id = l.tenant_id and b.id = l.batch_id"
    " where l.tenant_id = {table}.tenant_id and l.id = {table}.line_id and l.voided_at is null"
    " and b.released_at is not null)"
)
WALLS = {
    "bank_template": Wall(Kind.STAFF),
    "budget_entry": Wall(
        Kind.SPAN, update=("confirmed_by", "confirmed_on", "confirmed_at"), while_="confirmed_at is null"
    ),
    "budget_line": Wall(Kind.SPAN),
    "payment_arrival": Wall(
        Kind.PARTICIPANT, own=Own.HOUSEHOLD_ID, while_=_RELEASED.replace("{table}", "payment_arrival")
    ),
    "payment_file": Wall(Kind.SPAN),
    "payment_line": Wall(
        Kind.PARTICIPANT,
        own=Own.HOUSEHOLD_ID,
        update=("voided_at", "released_on", "released_at"),
        while_="exists (select from payment_batch b where b.tenant_id = payment_line.tenant_id"
        " and b.id = payment_line.batch_id and b.released_at is null)",
        sealed=("account",),
    ),
    "payment_return": Wall(
        Kind.PARTICIPANT, own=Own.HOUSEHOLD_ID, while_=_RELEASED.replace("{table}", "payment_return")
    ),
    "payment_wait": Wall(Kind.PARTICIPANT, own=Own.HOUSEHOLD_ID, update=("ended_at",)),
    "repayment": Wall(Kind.PARTICIPANT, own=Own.HOUSEHOLD_ID),
}

STANDING = """
    create view budget_standing with (security_invoker = true) as
    select own.*, granted_fen - committed_fen - spent_fen as free_fen
      from (
        select l.tenant_id, l.id as budget_line_id,
               coalesce((select sum(e.amount_fen) from budget_entry e
                          where e.tenant_id = l.tenant_id and e.budget_line_id = l.id
                            and e.confirmed_at is not null), 0)::bigint as granted_fen,
               coalesce((select sum(b.total_fen) from payment_batch b
                          where b.tenant_id = l.tenant_id and b.budget_line_id = l.id
                            and b.released_at is null and b.cancelled_at is null), 0)::bigint as committed_fen,
               (coalesce((select sum(b.total_fen) from payment_batch b
                           where b.tenant_id = l.tenant_id and b.budget_line_id = l.id
                             and b.released_at is not null), 0)
                - coalesce((select sum(p.amount_fen) from payment_batch b
                              join payment_line p on p.tenant_id = b.tenant_id and p.batch_id = b.id
                              join payment_return r on r.tenant_id = p.tenant_id and r.line_id = p.id
                             where b.tenant_id = l.tenant_id and b.budget_line_id = l.id), 0))::bigint as spent_fen
          from budget_line l
      ) own
"""


def upgrade() -> None:
    _budget()
    _entitlements()
    _batches()
    _released()
    _answers()
    config = op.get_context().config
    assert config is not None
    app = config.attributes["app_role"]
    owner = op.get_bind().scalar(sa.text("select current_user"))
    for table, wall in WALLS.items():
        for statement in raise_wall(table, wall, app, owner):
            op.execute(statement)
    op.execute(STANDING)
    op.execute(f"grant select on budget_standing to {app}")


def _budget() -> None:
    op.create_table(
        "bank_template",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("columns", postgresql.JSONB(), nullable=False),
        sa.Column("separator", sa.Text(), nullable=False),
        sa.Column("header", sa.Boolean(), nullable=False),
        sa.Column("rows_per_file", sa.Integer(), nullable=False),
        sa.Column("line_end", sa.Text(), nullable=False),
        sa.Column("results", postgresql.JSONB(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("line_end in ('crlf', 'lf')", name=op.f("ck_bank_template_line_end")),
        sa.CheckConstraint("separator in ('bar', 'bar_mark', 'tab')", name=op.f("ck_bank_template_separator")),
        sa.CheckConstraint("rows_per_file > 0", name=op.f("ck_bank_template_rows")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_bank_template_tenant_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_bank_template"),
        sa.UniqueConstraint("tenant_id", "channel", "version", name="uq_bank_template_tenant_id_channel_version"),
    )
    op.create_table(
        "budget_line",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("document_on", sa.Date(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("programmes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("binding", sa.Boolean(), nullable=False),
        sa.Column("entered_by", sa.Uuid(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("areas", postgresql.INT8MULTIRANGE(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("level in ('central', 'province', 'city', 'county')", name=op.f("ck_budget_line_level")),
        sa.CheckConstraint("cardinality(programmes) > 0", name=op.f("ck_budget_line_programmes")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_budget_line_tenant_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_budget_line"),
        sa.UniqueConstraint("tenant_id", "code", name="uq_budget_line_tenant_id_code"),
    )
    op.create_table(
        "budget_entry",
        sa.Column("budget_line_id", sa.Uuid(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("document_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("entered_by", sa.Uuid(), nullable=False),
        sa.Column("entered_on", sa.Date(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("confirmed_on", sa.Date(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("areas", postgresql.INT8MULTIRANGE(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("amount_fen <> 0", name=op.f("ck_budget_entry_amount")),
        sa.CheckConstraint("confirmed_by is distinct from entered_by", name=op.f("ck_budget_entry_confirmer")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "budget_line_id"],
            ["budget_line.tenant_id", "budget_line.id"],
            name="fk_budget_entry_tenant_id_budget_line_id",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_budget_entry_tenant_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_budget_entry"),
    )
    op.create_index("ix_budget_entry_line", "budget_entry", ["tenant_id", "budget_line_id"])
    op.create_table(
        "payment_file",
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("template_id", sa.Uuid(), nullable=True),
        sa.Column("export_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("total_fen", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("areas", postgresql.INT8MULTIRANGE(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "batch_id"],
            ["payment_batch.tenant_id", "payment_batch.id"],
            name="fk_payment_file_tenant_id_batch_id",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "template_id"],
            ["bank_template.tenant_id", "bank_template.id"],
            name="fk_payment_file_tenant_id_template_id",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_payment_file_tenant_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_payment_file"),
        sa.UniqueConstraint("tenant_id", "export_id", "part", name="uq_payment_file_tenant_id_export_id_part"),
    )
    op.create_index("ix_payment_file_batch", "payment_file", ["tenant_id", "batch_id"])
    op.create_table(
        "payment_wait",
        sa.Column("budget_line_id", sa.Uuid(), nullable=False),
        sa.Column("line_code", sa.Text(), nullable=False),
        sa.Column("entitlement_id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("division", sa.BigInteger(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("instalment", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "budget_line_id"],
            ["budget_line.tenant_id", "budget_line.id"],
            name="fk_payment_wait_tenant_id_budget_line_id",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "entitlement_id"],
            ["entitlement.tenant_id", "entitlement.id"],
            name="fk_payment_wait_tenant_id_entitlement_id",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "household_id"],
            ["household.tenant_id", "household.id"],
            name="fk_payment_wait_tenant_id_household_id",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_payment_wait_tenant_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_payment_wait"),
    )
    op.create_index("ix_payment_wait_household", "payment_wait", ["tenant_id", "household_id"])
    op.create_index("ix_payment_wait_line", "payment_wait", ["tenant_id", "budget_line_id", "place"])
    op.create_index(
        "uq_payment_wait_current",
        "payment_wait",
        ["tenant_id", "entitlement_id"],
        unique=True,
        postgresql_where=sa.text("ended_at is null"),
    )
    op.create_table(
        "repayment",
        sa.Column("entitlement_id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("division", sa.BigInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("repaid_on", sa.Date(), nullable=False),
        sa.Column("voucher", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_repayment_amount")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "entitlement_id"],
            ["entitlement.tenant_id", "entitlement.id"],
            name="fk_repayment_tenant_id_entitlement_id",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "household_id"],
            ["household.tenant_id", "household.id"],
            name="fk_repayment_tenant_id_household_id",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_repayment_tenant_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_repayment"),
        sa.UniqueConstraint(
            "tenant_id", "entitlement_id", "voucher", name="uq_repayment_tenant_id_entitlement_id_voucher"
        ),
    )
    op.create_index("ix_repayment_household", "repayment", ["tenant_id", "household_id"])


def _entitlements() -> None:
    # Whatever was due so far was an award, since the day on which it was written down.
    op.add_column("entitlement", sa.Column("kind", sa.Text(), nullable=False, server_default="award"))
    op.alter_column("entitlement", "kind", server_default=None)
    op.add_column("entitlement", sa.Column("reason", sa.Text(), nullable=False, server_default=""))
    op.alter_column("entitlement", "reason", server_default=None)
    op.add_column("entitlement", sa.Column("made_by", sa.Uuid(), nullable=True))
    op.execute(
        "alter table entitlement add column due_on date not null"
        " generated always as ((created_at at time zone 'Asia/Shanghai')::date) stored"
    )
    op.execute("alter table entitlement alter column due_on drop expression")
    op.drop_index("uq_entitlement_instalment", table_name="entitlement")
    op.create_index(
        "uq_entitlement_instalment",
        "entitlement",
        ["tenant_id", "case_id", "instalment"],
        unique=True,
        postgresql_where=sa.text("voided_at is null and kind = 'award'"),
    )
    op.create_index(
        "uq_entitlement_adjustment",
        "entitlement",
        ["tenant_id", "case_id", "determination_id"],
        unique=True,
        postgresql_where=sa.text("voided_at is null and kind <> 'award'"),
    )
    op.drop_constraint("ck_entitlement_amount", "entitlement")
    op.create_check_constraint(op.f("ck_entitlement_kind"), "entitlement", "kind in ('award', 'arrears', 'recovery')")
    op.create_check_constraint(
        op.f("ck_entitlement_amount"), "entitlement", "amount_fen <> 0 and (amount_fen < 0) = (kind = 'recovery')"
    )


def _batches() -> None:
    # Every programme so far paid once, at a stage of this name.
    op.add_column("payment_batch", sa.Column("stage", sa.Text(), nullable=False, server_default="payment"))
    op.alter_column("payment_batch", "stage", server_default=None)
    op.add_column("payment_batch", sa.Column("instalment", sa.Integer(), nullable=False, server_default="1"))
    op.alter_column("payment_batch", "instalment", server_default=None)
    op.add_column("payment_batch", sa.Column("budget_line_id", sa.Uuid(), nullable=True))
    op.create_index("ix_payment_batch_line", "payment_batch", ["tenant_id", "budget_line_id"])
    op.create_foreign_key(
        "fk_payment_batch_tenant_id_budget_line_id",
        "payment_batch",
        "budget_line",
        ["tenant_id", "budget_line_id"],
        ["tenant_id", "id"],
    )
    # Not asked of what was released before there were budget lines.
    budget = "alter table payment_batch add constraint ck_payment_batch_budget"
    asked = "check (released_at is null or budget_line_id is not null)"
    op.execute(f"do $$ begin {budget} {asked}; exception when check_violation then {budget} {asked} not valid; end $$")
    op.add_column("payment_line", sa.Column("reissues", sa.Uuid(), nullable=True))
    op.drop_index("uq_payment_line_instalment", table_name="payment_line")
    op.create_index(
        "uq_payment_line_entitlement",
        "payment_line",
        ["tenant_id", "entitlement_id", "reissues"],
        unique=True,
        postgresql_where=sa.text("voided_at is null"),
        postgresql_nulls_not_distinct=True,
    )
    op.create_unique_constraint(
        "uq_payment_line_tenant_id_id_entitlement_id", "payment_line", ["tenant_id", "id", "entitlement_id"]
    )


def _released() -> None:
    """Lines say when they were released: their owner writes it down once, walls aside, and raises them again after."""
    op.add_column("payment_line", sa.Column("released_on", sa.Date(), nullable=True))
    op.add_column("payment_line", sa.Column("released_at", sa.DateTime(timezone=True), nullable=True))
    owner = op.get_bind().scalar(sa.text("select quote_ident(current_user)"))
    for table in ("payment_line", "payment_batch"):
        op.execute(f"alter table {table} no force row level security")
    op.execute(f"grant update on payment_line to {owner}")
    op.execute(
        "update payment_line l set released_on = b.released_on, released_at = b.released_at from payment_batch b"
        " where b.tenant_id = l.tenant_id and b.id = l.batch_id and b.released_at is not null and l.voided_at is null"
    )
    op.execute("alter table payment_batch force row level security")


def _answers() -> None:
    op.create_table(
        "payment_arrival",
        sa.Column("line_id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("division", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("arrived_on", sa.Date(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=True),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "file_id"], ["file.tenant_id", "file.id"], name="fk_payment_arrival_tenant_id_file_id"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "household_id"],
            ["household.tenant_id", "household.id"],
            name="fk_payment_arrival_tenant_id_household_id",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "line_id"],
            ["payment_line.tenant_id", "payment_line.id"],
            name="fk_payment_arrival_tenant_id_line_id",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_payment_arrival_tenant_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_payment_arrival"),
        sa.UniqueConstraint("tenant_id", "line_id", name="uq_payment_arrival_tenant_id_line_id"),
    )
    op.create_index("ix_payment_arrival_household", "payment_arrival", ["tenant_id", "household_id"])
    op.create_table(
        "payment_return",
        sa.Column("line_id", sa.Uuid(), nullable=False),
        sa.Column("entitlement_id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("division", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("returned_on", sa.Date(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "file_id"], ["file.tenant_id", "file.id"], name="fk_payment_return_tenant_id_file_id"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "household_id"],
            ["household.tenant_id", "household.id"],
            name="fk_payment_return_tenant_id_household_id",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "line_id", "entitlement_id"],
            ["payment_line.tenant_id", "payment_line.id", "payment_line.entitlement_id"],
            name="fk_payment_return_tenant_id_line_id_entitlement_id",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_payment_return_tenant_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_payment_return"),
        sa.UniqueConstraint("tenant_id", "id", "entitlement_id", name="uq_payment_return_tenant_id_id_entitlement_id"),
        sa.UniqueConstraint("tenant_id", "line_id", name="uq_payment_return_tenant_id_line_id"),
    )
    op.create_index("ix_payment_return_entitlement", "payment_return", ["tenant_id", "entitlement_id"])
    op.create_index("ix_payment_return_household", "payment_return", ["tenant_id", "household_id"])
    op.create_foreign_key(
        "fk_payment_line_tenant_id_reissues_entitlement_id",
        "payment_line",
        "payment_return",
        ["tenant_id", "reissues", "entitlement_id"],
        ["tenant_id", "id", "entitlement_id"],
    )


def downgrade() -> None:
    """What was paid, returned and paid again cannot be told without these tables; restore a backup instead."""
    raise NotImplementedError("what is on record is not dropped")
