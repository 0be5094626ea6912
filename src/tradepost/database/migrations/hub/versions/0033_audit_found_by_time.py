"""rows of the audit found by their time, and those of a run or a server, whatever else is asked

Revision 0033, after 0030.
"""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0030"
branch_labels = None
depends_on = None

_WORKSPACE = "workspace_id"
_PARTIAL = ("action_id", "run_id")  # most rows have none, and cost nothing then


def upgrade() -> None:
    op.drop_index("ix_audit_events_time", "audit_events")
    op.create_index("ix_audit_events_time", "audit_events", [_WORKSPACE, "occurred_at", "sequence"])
    op.drop_index("ix_audit_events_action", "audit_events")
    for name in _PARTIAL:
        there = sa.text(f"{name} IS NOT NULL")
        op.create_index(
            f"ix_audit_events_{name}",
            "audit_events",
            [_WORKSPACE, name, "sequence"],
            sqlite_where=there,
            postgresql_where=there,
        )
    op.create_index("ix_audit_events_server", "audit_events", [_WORKSPACE, "server", "sequence"])
    # With what an agent called and how: what it hardly does is found in the index alone.
    for name, others in (("agent_id", ["tool", "kind", "server"]), ("kind", ["agent_id"])):
        op.drop_index(f"ix_audit_events_{name}", "audit_events")
        op.create_index(f"ix_audit_events_{name}", "audit_events", [_WORKSPACE, name, "sequence", *others])
