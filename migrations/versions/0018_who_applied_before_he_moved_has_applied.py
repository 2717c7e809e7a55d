"""Who applied in one village and lives in another is not missed there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_FUNCTION = "persons_who_applied(uuid[], text, text, text[])"


def upgrade() -> None:
    """The function that says which of some persons have a case, wherever it is."""
    config = op.get_context().config
    assert config is not None
    app = config.attributes["app_role"]
    schema = op.get_bind().scalar(sa.text("select quote_ident(current_schema())"))
    op.execute(_who_applied(schema))
    op.execute(f"revoke all on function {_FUNCTION} from public")
    op.execute(f"grant execute on function {_FUNCTION} to {app}")


def downgrade() -> None:
    """Whose case is behind a wall has none."""
    op.execute(f"drop function {_FUNCTION}")


def _who_applied(schema: str) -> str:
    """Of persons in the caller's sight: which of them have a case of a programme in a period that is at none of some
    stages; nothing of the case. Its owner is behind the walls like everybody, and puts the caller's scope back."""
    kept = ("areas", "staff")
    declared = "\n".join(
        f"             its_{name} text := coalesce(current_setting('app.{name}', true), '');" for name in kept
    )
    restored = ", ".join(f"set_config('app.{name}', its_{name}, true)" for name in kept)
    return f"""create function persons_who_applied(wanted uuid[], its_programme text, its_period text, but text[])
           returns setof uuid
           language plpgsql security definer cost 10000 rows 1000
           set search_path = {schema}, pg_temp
           as $$
           declare
             county integer := nullif(current_setting('app.tenant', true), '')::integer;
             seen uuid[];
{declared}
           begin
             -- Looked at in the caller's own sight, before anything is opened.
             select array_agg(p.id) into seen from {schema}.person p
              where p.tenant_id = county and p.id = any (wanted);
             perform set_config('app.areas', '{{(,)}}', true), set_config('app.staff', 'true', true);
             return query
               select c.person_id
                 from {schema}.case_file c
                where c.tenant_id = county and c.programme = its_programme and c.period = its_period
                  and c.person_id = any (seen) and c.stage <> all (but);
             perform {restored};
           end $$"""
