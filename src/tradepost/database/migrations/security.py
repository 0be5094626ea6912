"""Guards inside the database: every revision ends with `secure_tables()`.

On PostgreSQL row-level security: the application role owns nothing, and a transaction that has not said its workspace
sees no rows. Append-only tables refuse changes on both engines.
"""

from alembic import op
from sqlalchemy import inspect, text

from tradepost.database.engine import APPLICATION_ROLE

_SCOPE = (
    "workspace_id = current_setting('tradepost.workspace', true) OR current_setting('tradepost.workspace', true) = '*'"
)
_UNSECURED = text(
    """SELECT c.relname FROM pg_class c
       JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema()
       JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'workspace_id'
       WHERE c.relkind = 'r' AND NOT c.relrowsecurity ORDER BY c.relname"""
)


def is_postgres() -> bool:
    """Whether the migration runs on PostgreSQL."""
    return bool(op.get_bind().dialect.name == "postgresql")


def make_sequence(table: str) -> None:
    """Let the database number the rows of `table` in its `sequence` column, in the order they are written."""
    if is_postgres():
        op.execute(f"CREATE SEQUENCE {table}_sequence OWNED BY {table}.sequence")
        op.execute(f"ALTER TABLE {table} ALTER COLUMN sequence SET DEFAULT nextval('{table}_sequence')")
    else:
        op.execute(
            f"CREATE TRIGGER {table}_sequence AFTER INSERT ON {table} WHEN NEW.sequence IS NULL "
            f"BEGIN UPDATE {table} SET sequence = NEW.rowid WHERE rowid = NEW.rowid; END"
        )


def secure_tables(append_only: frozenset[str] = frozenset()) -> None:
    """Switch row-level security on for every table that has none yet and grant the application role its rights;
    tables named in `append_only` can be read and added to, never changed."""
    if not is_postgres():
        for table in sorted(append_only):
            _forbid_changes(table)
        return
    op.execute(
        f"""DO $$ BEGIN CREATE ROLE {APPLICATION_ROLE} NOLOGIN;
            EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"""
    )
    op.execute(f"GRANT {APPLICATION_ROLE} TO CURRENT_USER")
    op.execute(
        f"DO $$ BEGIN EXECUTE format('GRANT USAGE ON SCHEMA %I TO {APPLICATION_ROLE}', current_schema()); END $$"
    )
    for (table,) in op.get_bind().execute(_UNSECURED).all():
        rights = "SELECT, INSERT" if table in append_only else "SELECT, INSERT, UPDATE, DELETE"
        op.execute(f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY')
        op.execute(f'CREATE POLICY workspace ON "{table}" USING ({_SCOPE}) WITH CHECK ({_SCOPE})')
        op.execute(f'GRANT {rights} ON "{table}" TO {APPLICATION_ROLE}')
    op.execute(
        f"""DO $$ BEGIN EXECUTE format('GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA %I TO {APPLICATION_ROLE}',
            current_schema()); END $$"""
    )


def _forbid_changes(table: str) -> None:
    """SQLite: only the numbering trigger may touch a row, once, while it has no number."""
    columns = {column["name"] for column in inspect(op.get_bind()).get_columns(table)}
    exempt = "WHEN OLD.sequence IS NOT NULL " if "sequence" in columns else ""
    for verb, condition in (("UPDATE", exempt), ("DELETE", "")):
        op.execute(
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} {condition}"
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )
