"""Tables of policy: the rules of a workspace, its time zone, and how much of the day is used."""

from typing import Any

from sqlalchemy import CheckConstraint, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from tradepost.database.base import HubBase, Scoped, Versioned, scoped_reference
from tradepost.database.types import JsonColumn

SETTINGS_ID = "policy"


class PolicyRule(HubBase, Versioned):
    """One rule or freeze (policy.rule.Rule). `place` is its order, `condition` CEL, `window` JSON of
    policy.window."""

    __tablename__ = "policy_rules"
    name: Mapped[str]
    kind: Mapped[str] = mapped_column(default="rule")
    place: Mapped[int]
    enabled: Mapped[bool]
    profile_id: Mapped[str | None]
    agent_id: Mapped[str | None]
    server: Mapped[str | None]
    tool: Mapped[str | None]
    tool_class: Mapped[str | None]
    condition: Mapped[str | None] = mapped_column(Text)
    outcome: Mapped[str]
    approvals: Mapped[int]
    expires_seconds: Mapped[int | None]
    caller_may_confirm: Mapped[bool]
    approver_role: Mapped[str | None]
    loosens: Mapped[bool]
    reason: Mapped[str] = mapped_column(Text)
    window: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)
    __table_args__ = (
        scoped_reference("profile_id", "profiles", ondelete="CASCADE"),
        scoped_reference("agent_id", "agents", ondelete="CASCADE"),
        CheckConstraint("kind IN ('rule', 'freeze')", name="kind"),
        CheckConstraint("outcome IN ('allow', 'ask', 'deny')", name="outcome"),
        CheckConstraint("approvals IN (1, 2)", name="approvals"),
        CheckConstraint("approver_role IN ('operator', 'admin', 'owner')", name="approver"),
        Index("uq_policy_rules_name", "workspace_id", "name", unique=True),
    )


class PolicySettings(HubBase, Versioned):
    """What holds for all rules of a workspace; the row's id is "policy"."""

    __tablename__ = "policy_settings"
    time_zone: Mapped[str]


class PolicyTotal(HubBase, Scoped):
    """How much was used of one day: `id` says of which day, by whom, of which tool and in which currency
    (policy.totals). `money` is in minor units."""

    __tablename__ = "policy_totals"
    day: Mapped[str]
    money: Mapped[int]
    count: Mapped[int]
    quantity: Mapped[int]
    __table_args__ = (Index("ix_policy_totals_day", "day"),)
