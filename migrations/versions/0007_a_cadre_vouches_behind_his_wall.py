"""A cadre vouches for his household that takes part in a case which is out of his sight."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_FUNCTION = "case_taken_part_in(uuid)"


def upgrade() -> None:
    """The function that says of which case somebody's own household is a part, and where that case stands."""
    config = op.get_context().config
    assert config is not None
    app = config.attributes["app_role"]
    schema = op.get_bind().scalar(sa.text("select quote_ident(current_schema())"))
    op.execute(_taken_part_in(schema))
    op.execute(f"revoke all on function {_FUNCTION} from public")
    op.execute(f"grant execute on function {_FUNCTION} to {app}")


def downgrade() -> None:
    """The cadre is behind his wall again."""
    op.execute(f"drop function {_FUNCTION}")


def _taken_part_in(schema: str) -> str:
    """Of whoever takes part in a case and is in the caller's sight: the programme, the period and the stage of the
    case, and the number of the household whose it is; nothing else of it. Its owner is behind the walls like everybody,
    and puts the caller's scope back."""
    kept = ("areas", "staff", "households")
    declared = "\n".join(
        f"             its_{name} text := coalesce(current_setting('app.{name}', true), '');" for name in kept
    )
    restored = ", ".join(f"set_config('app.{name}', its_{name}, true)" for name in kept)
    return f"""create function case_taken_part_in(wanted uuid)
           returns table (programme text, period text, stage text, applicant text)
           language plpgsql security definer cost 10000 rows 1
           set search_path = {schema}, pg_temp
           as $$
           declare
             county integer := nullif(current_setting('app.tenant', true), '')::integer;
             part record;
{declared}
           begin
             -- Looked at in the caller's own sight, before anything is opened.
             select p.case_id into part from {schema}.participant p
              where p.tenant_id = county and p.id = wanted and p.left_at is null;
             if part.case_id is null then
               return;
             end if;
             perform set_config('app.areas', '{{(,)}}', true), set_config('app.staff', 'true', true);
             return query
               select c.programme, c.period, c.stage, h.number
                 from {schema}.case_file c
                 join {schema}.household h on h.tenant_id = c.tenant_id and h.id = c.household_id
                where c.tenant_id = county and c.id = part.case_id;
             perform {restored};
           end $$"""
