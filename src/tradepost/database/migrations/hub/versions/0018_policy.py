"""rules of policy, running totals, and the rule that decided an action

Revision 0018, after 0017.
"""

import sqlalchemy as sa
from alembic import op

from tradepost.database import types
from tradepost.database.migrations.security import secure_tables

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def _row() -> list[sa.Column[object]]:
    return [
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
    ]


def upgrade() -> None:
    op.create_table(
        "policy_rules",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("profile_id", sa.String(), nullable=True),
        sa.Column("agent_id", sa.String(), nullable=True),
        sa.Column("server", sa.String(), nullable=True),
        sa.Column("tool", sa.String(), nullable=True),
        sa.Column("tool_class", sa.String(), nullable=True),
        sa.Column("condition", sa.Text(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("approvals", sa.BigInteger(), nullable=False),
        sa.Column("expires_seconds", sa.BigInteger(), nullable=True),
        sa.Column("caller_may_confirm", sa.Boolean(), nullable=False),
        sa.Column("approver_role", sa.String(), nullable=True),
        sa.Column("loosens", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("window", types.JsonColumn(none_as_null=True), nullable=True),
        *_row(),
        sa.CheckConstraint("kind IN ('rule', 'freeze')", name=op.f("ck_policy_rules_kind")),
        sa.CheckConstraint("outcome IN ('allow', 'ask', 'deny')", name=op.f("ck_policy_rules_outcome")),
        sa.CheckConstraint("approvals IN (1, 2)", name=op.f("ck_policy_rules_approvals")),
        sa.CheckConstraint("approver_role IN ('operator', 'admin', 'owner')", name=op.f("ck_policy_rules_approver")),
        sa.ForeignKeyConstraint(
            ["workspace_id", "profile_id"],
            ["profiles.workspace_id", "profiles.id"],
            name=op.f("fk_policy_rules_workspace_id_profile_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "agent_id"],
            ["agents.workspace_id", "agents.id"],
            name=op.f("fk_policy_rules_workspace_id_agent_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_policy_rules")),
    )
    op.create_index("uq_policy_rules_name", "policy_rules", ["workspace_id", "name"], unique=True)
    op.create_table(
        "policy_settings",
        sa.Column("time_zone", sa.String(), nullable=False),
        *_row(),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_policy_settings")),
    )
    op.create_table(
        "policy_totals",
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("money", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_policy_totals")),
    )
    op.create_index("ix_policy_totals_day", "policy_totals", ["day"], unique=False)
    with op.batch_alter_table("actions") as actions:
        actions.add_column(sa.Column("rule_id", sa.String(), nullable=True))
        actions.add_column(sa.Column("totals_taken", types.JsonColumn(none_as_null=True), nullable=True))
    secure_tables()
