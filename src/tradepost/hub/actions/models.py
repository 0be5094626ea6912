"""Tables of actions and the decisions of people about them."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import CheckConstraint, Index, Text, false
from sqlalchemy.orm import Mapped, mapped_column

from tradepost.database.base import HubBase, Versioned, scoped_reference
from tradepost.database.types import JsonColumn

ActionState = Literal[
    "pending", "approved", "executing", "succeeded", "failed", "unknown", "rejected", "expired", "canceled"
]


UNREPEATABLE = "once"  # the prefix of keys that the hub made up for calls without one
RESTORED = "restored"  # the error code of an action that was open when the hub's records were restored from a backup
SETTLED = "outcome_settled"  # the error code of an action whose outcome was unknown until a person found it out


class Action(HubBase, Versioned):
    """One write call: the dedupe record, the approval, the lease and the outcome at once.

    Unique by (workspace, principal, tool entry, key). `arguments` is the frozen canonical JSON that will be executed;
    `fingerprint` its digest. `definition_digest`, `server_id`, `server_url` and `credential_version` are what was
    approved with it. `caller` rebuilds the caller at execution. `fence` counts claims: an outcome is only recorded by
    the holder of the current fence, so a process that lost its lease cannot write. `started_at` is set together with
    the intent row, before anything is sent: without it nothing can have reached the server. `round` counts how often
    people were asked: once more when what they saw has changed. `approver_role` is the least role of whoever answers,
    where a rule asks for more than an operator. `rule_id` names the rule that decided, where one did; `totals_taken` is
    what it took of the day (policy.totals). `taint` says what its run had read that outsiders wrote (trust.taint).
    `undo` is the call that takes a write back, as its server told, until `undo_until`; `undoes` is the action that this
    one takes back, `undone_by` the one that takes back this one, or tried to.
    """

    __tablename__ = "actions"
    principal_kind: Mapped[str]
    principal_id: Mapped[str]
    agent_id: Mapped[str | None]
    profile_id: Mapped[str | None]
    user_id: Mapped[str | None]
    caller: Mapped[dict[str, Any]] = mapped_column(JsonColumn)
    tool_entry_id: Mapped[str]
    server_id: Mapped[str]
    server_slug: Mapped[str]
    tool_class: Mapped[str]
    tool_name: Mapped[str]
    exposed_name: Mapped[str]
    key: Mapped[str]
    arguments: Mapped[str] = mapped_column(Text)
    fingerprint: Mapped[str]
    definition_digest: Mapped[str]
    server_url: Mapped[str | None]
    credential_version: Mapped[int] = mapped_column(default=0)
    request_id: Mapped[str]
    run_id: Mapped[str | None]
    state: Mapped[str]
    decision: Mapped[str]
    decision_reason: Mapped[str]
    rule_id: Mapped[str | None]
    taint: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)
    totals_taken: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)
    preview: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)
    approvals_needed: Mapped[int] = mapped_column(default=0)
    approver_role: Mapped[str | None]
    moves_money: Mapped[bool] = mapped_column(default=False, server_default=false())
    round: Mapped[int] = mapped_column(default=1)
    expires_at: Mapped[datetime | None]
    lease_owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    fence: Mapped[int] = mapped_column(default=0)
    result: Mapped[str | None] = mapped_column(Text)
    error_code: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    undo: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)
    undo_until: Mapped[datetime | None]
    undoes: Mapped[str | None]
    undone_by: Mapped[str | None]
    __table_args__ = (
        CheckConstraint(
            "state IN ('pending', 'approved', 'executing', 'succeeded', 'failed', 'unknown', 'rejected', 'expired', "
            "'canceled')",
            name="state",
        ),
        Index("uq_actions_key", "workspace_id", "principal_id", "tool_entry_id", "key", unique=True),
        Index("ix_actions_state", "workspace_id", "state", "created_at"),
        Index("ix_actions_due", "state", "lease_until"),
    )

    @property
    def is_repeatable(self) -> bool:
        """Whether the caller can repeat the call: it named a key."""
        return not self.key.startswith(f"{UNREPEATABLE}_")


class ActionVerdict(HubBase, Versioned):
    """What one person said to one action in one round: approve or reject, with a comment. `way` is how they said it;
    `on_behalf_of` the person whose right they used, where it was not their own."""

    __tablename__ = "action_verdicts"
    action_id: Mapped[str]
    round: Mapped[int]
    user_id: Mapped[str]
    verdict: Mapped[str]
    comment: Mapped[str | None]
    way: Mapped[str] = mapped_column(default="", server_default="")
    on_behalf_of: Mapped[str | None]
    __table_args__ = (
        scoped_reference("action_id", "actions"),
        scoped_reference("user_id", "users"),
        CheckConstraint("verdict IN ('approve', 'reject')", name="verdict"),
        Index("uq_action_verdicts", "workspace_id", "action_id", "round", "user_id", unique=True),
    )


class Delegation(HubBase, Versioned):
    """A person's right to answer, handed to another one from `starts_at` until `ends_at` unless it is revoked."""

    __tablename__ = "delegations"
    from_user_id: Mapped[str]
    to_user_id: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    __table_args__ = (
        scoped_reference("from_user_id", "users"),
        scoped_reference("to_user_id", "users"),
        CheckConstraint("from_user_id <> to_user_id", name="another"),
        Index("ix_delegations_to", "workspace_id", "to_user_id", "ends_at"),
    )
