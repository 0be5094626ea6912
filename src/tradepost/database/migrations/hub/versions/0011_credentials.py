"""servers with a secret URL, and OAuth at servers: set-ups, accounts, connections under way

Revision 0011, after 0010.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from tradepost.database import types
from tradepost.database.migrations.security import secure_tables

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=nullable)


def _time(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, types.UtcDateTime(timezone=True), nullable=nullable)


def _json(name: str) -> sa.Column[Any]:
    return sa.Column(name, types.JsonColumn(none_as_null=True), nullable=False)


def _versioned() -> list[sa.Column[Any]]:
    return [sa.Column("version", sa.BigInteger(), nullable=False), _time("created_at"), _time("updated_at")]


def _keys(table: str) -> list[Any]:
    return [
        _text("workspace_id"),
        _text("id"),
        sa.ForeignKeyConstraint(
            ["workspace_id", "server_id"],
            ["servers.workspace_id", "servers.id"],
            name=op.f(f"fk_{table}_workspace_id_server_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f(f"pk_{table}")),
    ]


def upgrade() -> None:
    with op.batch_alter_table("servers") as servers:
        servers.add_column(sa.Column("url_hidden", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "server_oauth",
        _text("server_id"),
        _text("origin"),
        _text("flow"),
        sa.Column("per_user", sa.Boolean(), nullable=False),
        _text("issuer", nullable=True),
        _json("endpoints"),
        _text("client_id", nullable=True),
        _text("client_kind", nullable=True),
        _text("client_redirect", nullable=True),
        _text("client_auth", nullable=True),
        _json("scopes"),
        _text("resource", nullable=True),
        *_versioned(),
        *_keys("server_oauth"),
        sa.CheckConstraint(
            "flow IN ('client_credentials', 'authorization_code')", name=op.f("ck_server_oauth_flow")
        ),
        sa.CheckConstraint(
            "client_kind IN ('given', 'document', 'dynamic')", name=op.f("ck_server_oauth_client_kind")
        ),
    )
    op.create_index("uq_server_oauth_server", "server_oauth", ["workspace_id", "server_id"], unique=True)
    op.create_table(
        "server_accounts",
        _text("server_id"),
        _text("holder"),
        _text("state"),
        _json("asked"),
        _json("scopes"),
        _time("expires_at", nullable=True),
        _time("renew_at", nullable=True),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        _text("lease", nullable=True),
        _time("leased_until", nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        _text("connected_by", nullable=True),
        _time("connected_at", nullable=True),
        *_versioned(),
        *_keys("server_accounts"),
        sa.CheckConstraint("state IN ('connected', 'reconnect')", name=op.f("ck_server_accounts_state")),
    )
    op.create_index("uq_server_accounts_holder", "server_accounts", ["workspace_id", "server_id", "holder"], unique=True)
    op.create_table(
        "server_connects",
        _text("digest"),
        _text("server_id"),
        _text("holder"),
        _text("user_id"),
        _text("session_id"),
        _text("redirect_uri"),
        _json("asked"),
        sa.Column("credential_version", sa.BigInteger(), nullable=False),
        _time("expires_at"),
        *_keys("server_connects"),
    )
    op.create_index("uq_server_connects_digest", "server_connects", ["digest"], unique=True)
    secure_tables()
