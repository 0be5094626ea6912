"""signatures over the chain of the audit, signed checkpoints, rows of an agent or a tool found by an index

Revision 0027, after 0026.
"""

import sqlalchemy as sa
from alembic import op

from tradepost.database import types
from tradepost.database.engine import APPLICATION_ROLE
from tradepost.database.migrations.security import is_postgres, secure_tables

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

# The last one before a checkpoint stays: the next one names it.
_BEHIND = """EXISTS (SELECT 1 FROM audit_checkpoints c
    JOIN audit_links own ON own.workspace_id = c.workspace_id AND own.id = c.id
    WHERE c.workspace_id = OLD.workspace_id AND c.position > OLD.position AND own.position > c.position)"""
_FILTERS = ("agent_id", "tool", "kind")


def upgrade() -> None:
    op.create_table(
        "audit_signatures",
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("chain_hash", sa.String(), nullable=False),
        sa.Column("previous", sa.BigInteger(), nullable=False),
        sa.Column("signed_at", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("signature", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_audit_signatures")),
    )
    op.create_index("uq_audit_signatures_position", "audit_signatures", ["workspace_id", "position"], unique=True)
    op.create_index("uq_audit_signatures_previous", "audit_signatures", ["workspace_id", "previous"], unique=True)
    op.add_column("audit_checkpoints", sa.Column("key", sa.String(), nullable=True))
    op.add_column("audit_checkpoints", sa.Column("signature", sa.String(), nullable=True))
    op.create_index("ix_audit_events_newest", "audit_events", ["workspace_id", "sequence"])
    for name in _FILTERS:
        op.create_index(f"ix_audit_events_{name}", "audit_events", ["workspace_id", name, "sequence"])
    with_user = sa.text("user_id IS NOT NULL")  # most rows have none, and cost nothing then
    op.create_index(
        "ix_audit_events_user_id",
        "audit_events",
        ["workspace_id", "user_id", "sequence"],
        sqlite_where=with_user,
        postgresql_where=with_user,
    )
    secure_tables(append_only=frozenset({"audit_signatures"}))
    _let_delete_behind_checkpoints()


def _let_delete_behind_checkpoints() -> None:
    if not is_postgres():
        op.execute("DROP TRIGGER audit_signatures_no_delete")
        op.execute(
            f"CREATE TRIGGER audit_signatures_no_delete BEFORE DELETE ON audit_signatures WHEN NOT {_BEHIND} "
            "BEGIN SELECT RAISE(ABORT, 'audit_signatures is append-only'); END"
        )
        return
    op.execute(
        f"""CREATE FUNCTION audit_signatures_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF NOT {_BEHIND} THEN RAISE EXCEPTION 'audit_signatures is append-only'; END IF;
            RETURN OLD; END $$"""
    )
    op.execute(
        "CREATE TRIGGER audit_signatures_no_delete BEFORE DELETE ON audit_signatures FOR EACH ROW "
        f"WHEN (current_user = '{APPLICATION_ROLE}') EXECUTE FUNCTION audit_signatures_kept()"
    )
    op.execute(f'GRANT DELETE ON "audit_signatures" TO {APPLICATION_ROLE}')
