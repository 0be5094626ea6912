"""Tables of servers, tool entries, resources, prompts, assignments, and of what became of them in time."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import CheckConstraint, Index, Text, false
from sqlalchemy.orm import Mapped, mapped_column

from tradepost.database.base import HubBase, Scoped, Versioned, scoped_reference
from tradepost.database.types import JsonColumn

ServerKind = Literal["builtin", "remote"]
ToolState = Literal["unapproved", "enabled", "disabled", "removed", "quarantined"]
EntryKind = Literal["tool", "resource", "prompt"]


class Server(HubBase, Versioned):
    """A registered MCP server. `builtin_key` names a bundled one; a remote one has a `url`. `identity` is what the
    last test found: era, transport, name, version, latency_ms; of a bundled one, the release it came with. Where the
    URL is a secret itself (`url_hidden`), `url` is its origin alone and the vault has the whole.
    `credential_version` counts changes of the credential, and of what else all requests carry. `settings` are those of
    limits.settings that somebody set, and what the server is told of callers (registry.injection_rules)."""

    __tablename__ = "servers"
    slug: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str]
    builtin_key: Mapped[str | None]
    url: Mapped[str | None]
    url_hidden: Mapped[bool] = mapped_column(default=False, server_default=false())
    owner_id: Mapped[str | None]
    status: Mapped[str] = mapped_column(default="registered")
    credential_version: Mapped[int] = mapped_column(default=0)
    instructions: Mapped[str] = mapped_column(Text, default="")
    identity: Mapped[dict[str, Any]] = mapped_column(JsonColumn, default=dict)
    tested_at: Mapped[datetime | None]
    last_error: Mapped[str | None]
    settings: Mapped[dict[str, Any]] = mapped_column(JsonColumn, default=dict, server_default="{}")
    __table_args__ = (
        CheckConstraint("kind IN ('builtin', 'remote')", name="kind"),
        CheckConstraint("status IN ('registered', 'ready', 'failing', 'disabled')", name="status"),
        Index("uq_servers_slug", "workspace_id", "slug", unique=True),
    )


class ToolEntry(HubBase, Versioned):
    """One tool of one server. `definition` is the pinned JSON of the whole Tool object, its members in the server's own
    order, and `digest` the SHA-256 of its canonical form; `candidate` is a changed definition that waits for review.
    `tool_class`, `moves_money` and `scope` are set by an admin (or, for bundled servers, by the release), `settings`
    by an admin."""

    __tablename__ = "tool_entries"
    server_id: Mapped[str]
    name: Mapped[str]
    position: Mapped[int] = mapped_column(default=0)
    definition: Mapped[str] = mapped_column(Text)
    digest: Mapped[str]
    candidate: Mapped[str | None] = mapped_column(Text)
    candidate_digest: Mapped[str | None]
    state: Mapped[str] = mapped_column(default="unapproved")
    tool_class: Mapped[str] = mapped_column(default="write")
    moves_money: Mapped[bool] = mapped_column(default=False)
    scope: Mapped[str | None]
    approved_by: Mapped[str | None]
    approved_at: Mapped[datetime | None]
    settings: Mapped[dict[str, Any]] = mapped_column(JsonColumn, default=dict, server_default="{}")
    __table_args__ = (
        scoped_reference("server_id", "servers", ondelete="CASCADE"),
        CheckConstraint("state IN ('unapproved', 'enabled', 'disabled', 'removed', 'quarantined')", name="state"),
        CheckConstraint("tool_class IN ('read', 'write', 'destructive')", name="tool_class"),
        Index("uq_tool_entries_name", "workspace_id", "server_id", "name", unique=True),
    )


class ResourceEntry(HubBase, Versioned):
    """A resource or resource template of a server, pinned like a tool, with states like a tool's. `uri` is the URI or
    the template."""

    __tablename__ = "resource_entries"
    server_id: Mapped[str]
    uri: Mapped[str]
    is_template: Mapped[bool] = mapped_column(default=False)
    position: Mapped[int] = mapped_column(default=0)
    definition: Mapped[str] = mapped_column(Text)
    digest: Mapped[str]
    candidate: Mapped[str | None] = mapped_column(Text)
    candidate_digest: Mapped[str | None]
    state: Mapped[str] = mapped_column(default="unapproved")
    scope: Mapped[str | None]
    approved_by: Mapped[str | None]
    approved_at: Mapped[datetime | None]
    __table_args__ = (
        scoped_reference("server_id", "servers", ondelete="CASCADE"),
        Index("uq_resource_entries_uri", "workspace_id", "server_id", "uri", unique=True),
    )


class PromptEntry(HubBase, Versioned):
    """A prompt of a server, pinned like a tool, with states like a tool's."""

    __tablename__ = "prompt_entries"
    server_id: Mapped[str]
    name: Mapped[str]
    position: Mapped[int] = mapped_column(default=0)
    definition: Mapped[str] = mapped_column(Text)
    digest: Mapped[str]
    candidate: Mapped[str | None] = mapped_column(Text)
    candidate_digest: Mapped[str | None]
    state: Mapped[str] = mapped_column(default="unapproved")
    scope: Mapped[str | None]
    approved_by: Mapped[str | None]
    approved_at: Mapped[datetime | None]
    __table_args__ = (
        scoped_reference("server_id", "servers", ondelete="CASCADE"),
        Index("uq_prompt_entries_name", "workspace_id", "server_id", "name", unique=True),
    )


class Assignment(HubBase, Versioned):
    """A tool entry made visible to a profile (all its agents) or to one agent, under an exposed name. `title` and
    `description` are an admin's words that stand in place of the server's own; None leaves those."""

    __tablename__ = "assignments"
    tool_entry_id: Mapped[str]
    profile_id: Mapped[str | None]
    agent_id: Mapped[str | None]
    exposed_name: Mapped[str]
    position: Mapped[int] = mapped_column(default=0)
    title: Mapped[str | None]
    description: Mapped[str | None] = mapped_column(Text)
    __table_args__ = (
        scoped_reference("tool_entry_id", "tool_entries", ondelete="CASCADE"),
        scoped_reference("profile_id", "profiles"),
        scoped_reference("agent_id", "agents"),
        CheckConstraint("(profile_id IS NULL) <> (agent_id IS NULL)", name="one_scope"),
        Index("uq_assignments_profile", "workspace_id", "profile_id", "exposed_name", unique=True),
        Index("uq_assignments_agent", "workspace_id", "agent_id", "exposed_name", unique=True),
    )


class HistoryEntry(HubBase, Scoped):
    """One thing that was seen of a server, or decided about it, in the order of `place`.

    `what` is server (its identity and the digests of all its tools), definition (of a tool, as it was shown), approved,
    removed, or noticed (it did not do in use what its definition says). `tool` is the name of a tool or prompt or the
    URI of a resource: `kind` says of which. `number` counts versions of the server, or of the one tool; a definition
    that was seen before has its number again. `definition` is the text of a definition, once for each digest. `who` saw
    or decided it: a person, or what made the hub look.
    """

    __tablename__ = "registry_history"
    server_id: Mapped[str]
    place: Mapped[int]
    what: Mapped[str]
    kind: Mapped[str] = mapped_column(default="tool", server_default="tool")
    tool: Mapped[str | None]
    number: Mapped[int | None]
    digest: Mapped[str | None]
    definition: Mapped[str | None] = mapped_column(Text)
    details: Mapped[dict[str, Any]] = mapped_column(JsonColumn, default=dict, server_default="{}")
    who: Mapped[str]
    happened_at: Mapped[datetime]
    __table_args__ = (
        scoped_reference("server_id", "servers", ondelete="CASCADE"),
        CheckConstraint("what IN ('server', 'definition', 'approved', 'removed', 'noticed')", name="what"),
        Index("uq_registry_history_place", "workspace_id", "server_id", "place", unique=True),
    )


class ServerLook(HubBase, Scoped):
    """When the hub looks at a server of its own accord. The row's id is the server's; whoever moves `due_at` on is the
    one process that looks. `problem` is why the last look failed."""

    __tablename__ = "server_looks"
    due_at: Mapped[datetime]
    looked_at: Mapped[datetime | None]
    problem: Mapped[str | None]
    __table_args__ = (scoped_reference("id", "servers", ondelete="CASCADE"),)


class RegistryRules(HubBase, Versioned):
    """What a workspace has decided about its registry (registry.rules); the row's id is "rules"."""

    __tablename__ = "registry_rules"
    settings: Mapped[dict[str, Any]] = mapped_column(JsonColumn, default=dict, server_default="{}")
