"""Values that questions are about, computed out of each record, and an index of deadlines.

The database computes them, so that they cannot say anything else than the record; nothing is
written or copied. In PostgreSQL they are stored; in SQLite, which adds only virtual columns to a
table that is there, the index holds them.
"""

from alembic import op

from reverdure.store.migrations import steps

revision = "0006"
down_revision = "0005"

_VALUES = ("due_date", "done_date", "closed_date", "reopened_date", "party_id")
_OF_DEADLINES = "where kind = 'duty' or kind = 'rectification'"
# who was let to the body of a record reads what is computed from it
_LET_READ = """
do $$
declare
  one text;
begin
  for one in select distinct grantee from information_schema.column_privileges
      where table_schema = 'public' and table_name = 'record' and column_name = 'body'
      and privilege_type = 'SELECT' and grantee in (select rolname from pg_roles) loop
    execute format('grant select ({names}) on record to %I', one);
  end loop;
end $$
"""


def upgrade() -> None:
    names = ", ".join(_VALUES)
    if not steps.is_postgres():
        for name in _VALUES:
            value = f"json_extract(body, '$.{name}')"
            op.execute(f"alter table record add column {name} text as ({value}) virtual")
        op.execute(
            f"create index record_deadline on record (kind, id, version, mine_id, {names})"
            f" {_OF_DEADLINES}"
        )
        return
    # what a column is computed from cannot change its order afterwards
    op.execute('alter table record alter column body type text collate "C"')
    op.execute("alter table record " + ", ".join(map(_stored, _VALUES)))
    op.execute(
        "create index record_deadline on record (kind, id, version)"
        f" include (number, mine_id, {names}) {_OF_DEADLINES}"
    )
    op.execute(_LET_READ.format(names=names))


def _stored(name: str) -> str:
    value = f"cast(body as json) ->> '{name}'"
    return f'add column {name} text collate "C" generated always as ({value}) stored'


def downgrade() -> None:
    op.execute("drop index record_deadline")
    for name in _VALUES:
        op.execute(f"alter table record drop column {name}")
