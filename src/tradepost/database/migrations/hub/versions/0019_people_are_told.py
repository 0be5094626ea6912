"""approvals: roles, ways and delegations; links in mails, webhooks, and what is to be sent

Revision 0019, after 0018.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from tradepost.database import types
from tradepost.database.migrations.security import secure_tables

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def _moment(name: str, *, needed: bool = False) -> sa.Column[Any]:
    return sa.Column(name, types.UtcDateTime(timezone=True), nullable=not needed)


def _own(table: str) -> list[Any]:
    """What every table of rows that change has."""
    return [
        sa.Column("version", sa.BigInteger(), nullable=False),
        _moment("created_at", needed=True),
        _moment("updated_at", needed=True),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f(f"pk_{table}")),
    ]


def _leads_to(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["workspace_id", column],
        [f"{target}.workspace_id", f"{target}.id"],
        name=op.f(f"fk_{table}_workspace_id_{column}"),
    )


def upgrade() -> None:
    op.add_column("actions", sa.Column("approver_role", sa.String(), nullable=True))
    op.add_column("actions", sa.Column("moves_money", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("action_verdicts", sa.Column("way", sa.String(), server_default="", nullable=False))
    op.add_column("action_verdicts", sa.Column("on_behalf_of", sa.String(), nullable=True))
    _delegations()
    _links()
    _webhooks()
    _notices()
    op.create_table(
        "notification_choices",
        sa.Column("mail", sa.Boolean(), server_default=sa.true(), nullable=False),
        *_own("notification_choices"),
    )
    # Nobody is told now of what happened before.
    events = sa.table("hub_outbox", sa.column("relayed_at"), sa.column("occurred_at"))
    op.execute(sa.update(events).where(events.c.relayed_at.is_(None)).values(relayed_at=events.c.occurred_at))
    secure_tables()


def _delegations() -> None:
    op.create_table(
        "delegations",
        sa.Column("from_user_id", sa.String(), nullable=False),
        sa.Column("to_user_id", sa.String(), nullable=False),
        _moment("starts_at", needed=True),
        _moment("ends_at", needed=True),
        _moment("revoked_at"),
        *_own("delegations"),
        _leads_to("delegations", "from_user_id", "users"),
        _leads_to("delegations", "to_user_id", "users"),
        sa.CheckConstraint("from_user_id <> to_user_id", name=op.f("ck_delegations_another")),
    )
    op.create_index("ix_delegations_to", "delegations", ["workspace_id", "to_user_id", "ends_at"], unique=False)


def _links() -> None:
    op.create_table(
        "approval_links",
        sa.Column("action_id", sa.String(), nullable=False),
        sa.Column("round", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        _moment("expires_at", needed=True),
        _moment("used_at"),
        *_own("approval_links"),
        _leads_to("approval_links", "action_id", "actions"),
        _leads_to("approval_links", "user_id", "users"),
    )
    op.create_index("uq_approval_links_digest", "approval_links", ["digest"], unique=True)


def _webhooks() -> None:
    op.create_table(
        "webhooks",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("form", sa.String(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("events", types.JsonColumn(none_as_null=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        _moment("last_sent_at"),
        _moment("before_until"),
        *_own("webhooks"),
        sa.CheckConstraint("form IN ('standard', 'slack')", name=op.f("ck_webhooks_form")),
        sa.CheckConstraint("state IN ('active', 'paused', 'disabled')", name=op.f("ck_webhooks_state")),
    )
    op.create_index("uq_webhooks_name", "webhooks", ["workspace_id", "name"], unique=True)


def _notices() -> None:
    op.create_table(
        "notices",
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("event_type", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("target_id", sa.String(), nullable=False),
        sa.Column("action_id", sa.String(), nullable=True),
        sa.Column("round", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        _moment("due_at", needed=True),
        _moment("claimed_until"),
        _moment("finished_at"),
        sa.Column("error", sa.String(), nullable=True),
        *_own("notices"),
        sa.CheckConstraint("kind IN ('mail', 'webhook')", name=op.f("ck_notices_kind")),
        sa.CheckConstraint(
            "state IN ('pending', 'sending', 'sent', 'failed', 'dropped')", name=op.f("ck_notices_state")
        ),
    )
    op.create_index(
        "uq_notices_receiver", "notices", ["workspace_id", "event_id", "kind", "target_id"], unique=True
    )
    op.create_index("ix_notices_due", "notices", ["state", "due_at"], unique=False)
    op.create_index("ix_notices_target", "notices", ["workspace_id", "target_id", "created_at"], unique=False)
