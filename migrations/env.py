"""Runs the one history of migrations on the connection that ``bangfu.db`` hands over."""

from __future__ import annotations

from alembic import context

from bangfu.models import Base

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True)
with context.begin_transaction():
    context.run_migrations()
