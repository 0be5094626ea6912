"""Tables of workspaces, users, profiles, agents, keys, shopper sessions and the registry version."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from tradepost.database.base import HubBase, Scoped, Versioned, scoped_reference
from tradepost.database.types import JsonColumn

Role = Literal["owner", "admin", "operator", "viewer"]
Posture = Literal["propose", "guarded", "customer"]
KeyKind = Literal["agent_key", "api_key"]


class Workspace(HubBase, Versioned):
    """The tenant. Its `workspace_id` is its own id. `second_factor` says whether its people need one."""

    __tablename__ = "workspaces"
    slug: Mapped[str]
    name: Mapped[str]
    status: Mapped[str] = mapped_column(default="active")
    second_factor: Mapped[str] = mapped_column(default="optional", server_default="optional")
    __table_args__ = (
        Index("uq_workspaces_slug", "slug", unique=True),
        CheckConstraint("workspace_id = id", name="own_scope"),
    )


class User(HubBase, Versioned):
    """A person in a workspace. Operators and above approve; viewers look. `attributes` (region, warehouse) bind what
    tools show to whoever acts for this person."""

    __tablename__ = "users"
    email: Mapped[str]
    name: Mapped[str]
    role: Mapped[str]
    status: Mapped[str] = mapped_column(default="active")
    password_hash: Mapped[str | None]
    attributes: Mapped[dict[str, str]] = mapped_column(JsonColumn, default=dict, server_default="{}")
    __table_args__ = (
        CheckConstraint("role IN ('owner', 'admin', 'operator', 'viewer')", name="role"),
        Index("uq_users_email", "workspace_id", "email", unique=True),
    )


class Profile(HubBase, Versioned):
    """A group of agents with one audience and one posture: propose (every write asks), guarded, customer. `fields` are
    the rules about personal data in what its agents get (access.field_rules), by kind."""

    __tablename__ = "profiles"
    slug: Mapped[str]
    name: Mapped[str]
    posture: Mapped[str] = mapped_column(default="propose")
    fields: Mapped[dict[str, Any]] = mapped_column(JsonColumn, default=dict, server_default="{}")
    __table_args__ = (
        CheckConstraint("posture IN ('propose', 'guarded', 'customer')", name="posture"),
        Index("uq_profiles_slug", "workspace_id", "slug", unique=True),
    )


class Agent(HubBase, Versioned):
    """One specialist of a profile. `scopes` bound what its keys may do."""

    __tablename__ = "agents"
    profile_id: Mapped[str]
    slug: Mapped[str]
    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    status: Mapped[str] = mapped_column(default="active")
    scopes: Mapped[list[str]] = mapped_column(JsonColumn, default=list)
    __table_args__ = (
        scoped_reference("profile_id", "profiles"),
        CheckConstraint("status IN ('active', 'disabled')", name="status"),
        Index("uq_agents_slug", "workspace_id", "slug", unique=True),
    )


class ApiKey(HubBase, Versioned):
    """A bearer key, kept as a hash only. `prefix` is the public part that finds the row; an agent_key acts as its
    agent, an api_key as the user it belongs to. An api_key with a profile sees what the profile's agents share, and one
    with a customer nothing but that customer's. `allowed_addresses` are networks (CIDR) it may be used from; None is
    any."""

    __tablename__ = "api_keys"
    kind: Mapped[str]
    prefix: Mapped[str]
    digest: Mapped[str]
    label: Mapped[str] = mapped_column(default="")
    agent_id: Mapped[str | None]
    user_id: Mapped[str | None]
    profile_id: Mapped[str | None]
    customer: Mapped[str | None]
    scopes: Mapped[list[str] | None] = mapped_column(JsonColumn)
    allowed_addresses: Mapped[list[str] | None] = mapped_column(JsonColumn)
    created_by: Mapped[str]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    __table_args__ = (
        scoped_reference("agent_id", "agents"),
        scoped_reference("user_id", "users"),
        CheckConstraint("kind IN ('agent_key', 'api_key')", name="kind"),
        Index("uq_api_keys_prefix", "prefix", unique=True),
    )


class ShopperSession(HubBase, Versioned):
    """What lets one customer of the shop in for some minutes, kept as a hash only. `customer` is the shop's own name
    for the customer: the hub knows no customers. `minted_by` is the principal that asked for it."""

    __tablename__ = "shopper_sessions"
    prefix: Mapped[str]
    digest: Mapped[str]
    profile_id: Mapped[str]
    customer: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(JsonColumn, default=list)
    minted_by: Mapped[str]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    __table_args__ = (
        scoped_reference("profile_id", "profiles"),
        Index("uq_shopper_sessions_prefix", "prefix", unique=True),
        Index("ix_shopper_sessions_expires", "workspace_id", "expires_at"),
    )


class RegistryVersion(HubBase, Scoped):
    """Counts up with every change of a workspace's registry, agents or keys; the row's id is "registry"."""

    __tablename__ = "registry_versions"
    version: Mapped[int]
