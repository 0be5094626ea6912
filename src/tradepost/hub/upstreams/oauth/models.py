"""Tables of how the hub gets in at servers that want OAuth: the set-up, who is connected, connections under way."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from tradepost.database.base import HubBase, Scoped, Versioned, scoped_reference
from tradepost.database.types import JsonColumn

EVERYBODY = ""  # the holder of an account that all agents share


class ServerOAuth(HubBase, Versioned):
    """How tokens for a server are had, at the `origin` that it has: they go nowhere else. `issuer` and `endpoints` are
    what was found out about its authorization server; a client that was given or registered belongs to that one alone.
    The client's secret is in the vault, under this row's id. `client_kind` is how the hub came to its client: `given`
    by an admin, its own `document`, or `dynamic` registration, which named `client_redirect`."""

    __tablename__ = "server_oauth"
    server_id: Mapped[str]
    origin: Mapped[str]
    flow: Mapped[str]
    per_user: Mapped[bool] = mapped_column(default=False)
    issuer: Mapped[str | None]
    endpoints: Mapped[dict[str, Any]] = mapped_column(JsonColumn, default=dict)
    client_id: Mapped[str | None]
    client_kind: Mapped[str | None]
    client_redirect: Mapped[str | None]
    client_auth: Mapped[str | None]
    scopes: Mapped[list[str]] = mapped_column(JsonColumn, default=list)
    resource: Mapped[str | None]
    __table_args__ = (
        scoped_reference("server_id", "servers", ondelete="CASCADE"),
        CheckConstraint("flow IN ('client_credentials', 'authorization_code')", name="flow"),
        CheckConstraint("client_kind IN ('given', 'document', 'dynamic')", name="client_kind"),
        Index("uq_server_oauth_server", "workspace_id", "server_id", unique=True),
    )


class ServerAccount(HubBase, Versioned):
    """An account at a server: everybody's, or that of one person (`holder` is the user's id). Its tokens are in the
    vault, under this row's id. `generation` counts them; whoever renews them has the `lease` until then. `asked` are
    the scopes that were asked for, `scopes` those that were given."""

    __tablename__ = "server_accounts"
    server_id: Mapped[str]
    holder: Mapped[str]
    state: Mapped[str]
    asked: Mapped[list[str]] = mapped_column(JsonColumn, default=list)
    scopes: Mapped[list[str]] = mapped_column(JsonColumn, default=list)
    expires_at: Mapped[datetime | None]
    renew_at: Mapped[datetime | None]
    generation: Mapped[int] = mapped_column(default=0)
    lease: Mapped[str | None]
    leased_until: Mapped[datetime | None]
    problem: Mapped[str | None] = mapped_column(Text)
    connected_by: Mapped[str | None]
    connected_at: Mapped[datetime | None]
    __table_args__ = (
        scoped_reference("server_id", "servers", ondelete="CASCADE"),
        CheckConstraint("state IN ('connected', 'reconnect')", name="state"),
        Index("uq_server_accounts_holder", "workspace_id", "server_id", "holder", unique=True),
    )


class ServerConnect(HubBase, Scoped):
    """A connection under way: a person was sent to an authorization server and is expected back, once, in the same
    browser session. `digest` is the hash of the `state` they bring; `version` that of the server's credential."""

    __tablename__ = "server_connects"
    digest: Mapped[str]
    server_id: Mapped[str]
    holder: Mapped[str]
    user_id: Mapped[str]
    session_id: Mapped[str]
    redirect_uri: Mapped[str]
    asked: Mapped[list[str]] = mapped_column(JsonColumn)
    credential_version: Mapped[int]
    expires_at: Mapped[datetime]
    __table_args__ = (
        scoped_reference("server_id", "servers", ondelete="CASCADE"),
        Index("uq_server_connects_digest", "digest", unique=True),
    )
