"""what was said in a call, for how long rows are kept, checkpoints behind which they may be deleted, sums per day

Revision 0021, after 0020.
"""

import sqlalchemy as sa
from alembic import op

from tradepost.database import types
from tradepost.database.engine import APPLICATION_ROLE
from tradepost.database.migrations.security import is_postgres, secure_tables

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_TEXTS = ("rule_id", "upstream_request_id")
_NUMBERS = ("upstream_us", "arguments_bytes", "result_bytes", "result_tokens")
_COUNTS = ("calls", "reads", "writes", "refused", "errors", "approvals", "tokens", "timed", "total_us", "upstream_us")

# Behind a checkpoint whose own event has its link, further on in the same chain.
_CHECKPOINT = """EXISTS (SELECT 1 FROM audit_checkpoints c
    JOIN audit_links own ON own.workspace_id = c.workspace_id AND own.id = c.id
    WHERE c.workspace_id = OLD.workspace_id AND c.position >= {position} AND own.position > c.position)"""
_POSITIONS = {
    "audit_links": "OLD.position",
    "audit_events": "(SELECT l.position FROM audit_links l WHERE l.workspace_id = OLD.workspace_id AND l.id = OLD.id)",
}


def _key() -> list[sa.Column[str]]:
    return [sa.Column("workspace_id", sa.String(), nullable=False), sa.Column("id", sa.String(), nullable=False)]


def upgrade() -> None:
    for name in _TEXTS:
        op.add_column("audit_events", sa.Column(name, sa.String(), nullable=True))
    for name in _NUMBERS:
        op.add_column("audit_events", sa.Column(name, sa.BigInteger(), nullable=True))
    op.add_column("audit_events", sa.Column("arguments", sa.Text(), nullable=True))
    _checkpoints()
    _settings()
    _days()
    secure_tables(append_only=frozenset({"audit_checkpoints"}))
    for table, position in _POSITIONS.items():
        _let_delete_behind_checkpoints(table, _CHECKPOINT.format(position=position))


def _checkpoints() -> None:
    op.create_table(
        "audit_checkpoints",
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("chain_hash", sa.String(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("first_at", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("last_at", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("made_at", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        *_key(),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_audit_checkpoints")),
    )
    op.create_index("uq_audit_checkpoints_position", "audit_checkpoints", ["workspace_id", "position"], unique=True)


def _settings() -> None:
    op.create_table(
        "audit_settings",
        sa.Column("arguments", sa.String(), nullable=False),
        sa.Column("tools", types.JsonColumn(none_as_null=True), nullable=False),
        sa.Column("personal_fields", types.JsonColumn(none_as_null=True), nullable=False),
        sa.Column("secret_fields", types.JsonColumn(none_as_null=True), nullable=False),
        sa.Column("keep_days", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(timezone=True), nullable=False),
        *_key(),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_audit_settings")),
    )


def _days() -> None:
    op.create_table(
        "audit_days",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("day", "agent_id", "user_id", "server", "tool")),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _COUNTS),
        sa.Column("buckets", types.JsonColumn(none_as_null=True), nullable=False),
        *_key(),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_audit_days")),
    )
    key = ["workspace_id", "day", "agent_id", "user_id", "server", "tool"]
    op.create_index("uq_audit_days_key", "audit_days", key, unique=True)
    op.create_table(
        "audit_marks",
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        *_key(),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_audit_marks")),
    )


def _let_delete_behind_checkpoints(table: str, is_behind: str) -> None:
    if not is_postgres():
        op.execute(f"DROP TRIGGER {table}_no_delete")
        op.execute(
            f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} WHEN NOT {is_behind} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )
        return
    op.execute(
        f"""CREATE FUNCTION {table}_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF NOT {is_behind} THEN RAISE EXCEPTION '{table} is append-only'; END IF;
            RETURN OLD; END $$"""
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} FOR EACH ROW "
        f"WHEN (current_user = '{APPLICATION_ROLE}') EXECUTE FUNCTION {table}_kept()"
    )
    op.execute(f'GRANT DELETE ON "{table}" TO {APPLICATION_ROLE}')
