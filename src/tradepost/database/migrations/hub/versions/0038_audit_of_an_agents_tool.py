"""rows of the audit of an agent and a tool together, or of a kind and anything else, found in an index

Revision 0038, after 0037.
"""

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

_WORKSPACE = "workspace_id"
# Each with what a search may ask beside it: what there is none of is found in the index alone.
_WIDER = {
    "tool": ["kind"],
    "server": ["kind"],
    "agent_id": ["kind", "server"],
    "kind": ["agent_id", "tool", "server"],
}


def upgrade() -> None:
    op.create_index("ix_audit_events_agent_tool", "audit_events", [_WORKSPACE, "agent_id", "tool", "sequence"])
    for name, others in _WIDER.items():
        op.drop_index(f"ix_audit_events_{name}", "audit_events")
        op.create_index(f"ix_audit_events_{name}", "audit_events", [_WORKSPACE, name, "sequence", *others])
    op.drop_index("ix_audit_events_time", "audit_events")
    op.create_index(
        "ix_audit_events_time", "audit_events", [_WORKSPACE, "occurred_at", "sequence", "agent_id", "tool"]
    )
