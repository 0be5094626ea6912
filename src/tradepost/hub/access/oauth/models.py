"""Tables of the authorization server. Secrets are kept as SHA-256 digests of 256 random bits; a `resource` is the path
of the endpoint that a token is for."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from tradepost.database.base import HubBase, Scoped, Versioned, scoped_reference
from tradepost.database.types import JsonColumn


class OAuthClient(HubBase, Versioned):
    """A client that an admin registered. With a secret or keys it is confidential; `agent_id` is the agent it may act
    as on its own, without a person."""

    __tablename__ = "oauth_clients"
    client_id: Mapped[str]
    name: Mapped[str]
    redirect_uris: Mapped[list[str]] = mapped_column(JsonColumn, default=list)
    secret_digest: Mapped[str | None]
    jwks: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)
    agent_id: Mapped[str | None]
    status: Mapped[str] = mapped_column(default="active")
    created_by: Mapped[str]
    __table_args__ = (
        scoped_reference("agent_id", "agents"),
        CheckConstraint("status IN ('active', 'disabled')", name="status"),
        Index("uq_oauth_clients_client", "client_id", unique=True),
    )


class OAuthRequest(HubBase, Scoped):
    """What a client asked for, while a person looks at the consent page: bound to the browser's session, used once.
    `asked` are the scopes it named; with `needs_key` it has to prove itself with a key to get tokens."""

    __tablename__ = "oauth_requests"
    session_id: Mapped[str]
    user_id: Mapped[str]
    client_id: Mapped[str]
    client_name: Mapped[str]
    redirects_digest: Mapped[str]
    redirect_uri: Mapped[str]
    state: Mapped[str | None]
    challenge: Mapped[str]
    resource: Mapped[str]
    asked: Mapped[list[str]] = mapped_column(JsonColumn)
    needs_key: Mapped[bool] = mapped_column(default=False)
    expires_at: Mapped[datetime]
    __table_args__ = (scoped_reference("user_id", "users"), Index("ix_oauth_requests_expiry", "expires_at"))


class OAuthApproval(HubBase, Versioned):
    """That a person said yes to a client, with the redirect URIs it had then: what it asked for and what it got."""

    __tablename__ = "oauth_approvals"
    user_id: Mapped[str]
    client_id: Mapped[str]
    resource: Mapped[str]
    redirects_digest: Mapped[str]
    agent_id: Mapped[str]
    asked: Mapped[list[str]] = mapped_column(JsonColumn)
    scopes: Mapped[list[str]] = mapped_column(JsonColumn)
    __table_args__ = (
        scoped_reference("user_id", "users"),
        scoped_reference("agent_id", "agents"),
        Index("uq_oauth_approvals_client", "workspace_id", "user_id", "client_id", "resource", unique=True),
    )


class OAuthGrant(HubBase, Versioned):
    """What a client may do, and the family of all tokens it has for that. Without a user the client acts on its own;
    with `needs_key` it had keys when it was granted, and nobody without one of them has tokens from it."""

    __tablename__ = "oauth_grants"
    client_id: Mapped[str]
    client_name: Mapped[str]
    user_id: Mapped[str | None]
    agent_id: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(JsonColumn)
    resource: Mapped[str]
    needs_key: Mapped[bool] = mapped_column(default=False)
    revoked_at: Mapped[datetime | None]
    __table_args__ = (
        scoped_reference("user_id", "users"),
        scoped_reference("agent_id", "agents"),
        Index("ix_oauth_grants_client", "workspace_id", "client_id"),
        Index("ix_oauth_grants_of_client", "client_id"),
    )


class OAuthCode(HubBase, Scoped):
    """An authorization code and what it is bound to. Kept for a while after its use, to know one that comes again."""

    __tablename__ = "oauth_codes"
    digest: Mapped[str]
    grant_id: Mapped[str]
    client_id: Mapped[str]
    redirect_uri: Mapped[str]
    challenge: Mapped[str]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    __table_args__ = (
        scoped_reference("grant_id", "oauth_grants"),
        Index("uq_oauth_codes_digest", "digest", unique=True),
        Index("ix_oauth_codes_expiry", "workspace_id", "expires_at"),
    )


class OAuthToken(HubBase, Scoped):
    """An access or refresh token. `parent_id` is the refresh token it was had for; `rotated_at` is when a refresh token
    was exchanged for the next."""

    __tablename__ = "oauth_tokens"
    kind: Mapped[str]
    digest: Mapped[str]
    grant_id: Mapped[str]
    parent_id: Mapped[str | None]
    scopes: Mapped[list[str]] = mapped_column(JsonColumn)
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    rotated_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    __table_args__ = (
        scoped_reference("grant_id", "oauth_grants"),
        CheckConstraint("kind IN ('access', 'refresh')", name="kind"),
        Index("uq_oauth_tokens_digest", "digest", unique=True),
        Index("ix_oauth_tokens_grant", "workspace_id", "grant_id", "expires_at"),
    )


class OAuthAssertion(HubBase, Scoped):
    """A signed assertion that a client has shown; its id is a digest of client and `jti`, so that none counts twice."""

    __tablename__ = "oauth_assertions"
    expires_at: Mapped[datetime]
    __table_args__ = (Index("ix_oauth_assertions_expiry", "workspace_id", "expires_at"),)
