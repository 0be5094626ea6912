"""Drafts of actions for tests."""

from datetime import datetime
from typing import Any

from tradepost.foundation.caller import Caller, Principal
from tradepost.hub.actions.models import ActionState
from tradepost.hub.actions.places import Draft, Target


def draft(
    *,
    workspace: str = "ws_1",
    principal: str = "key_1",
    tool: str = "tool_1",
    key: str = "k1",
    arguments: dict[str, Any] | None = None,
    state: ActionState = "pending",
    approvals_needed: int = 1,
    expires_at: datetime | None = None,
    lease_owner: str | None = None,
    lease_until: datetime | None = None,
    user_id: str | None = None,
    preview: dict[str, Any] | None = None,
    rule_id: str | None = None,
) -> Draft:
    """A write of agent_1 that people are asked about."""
    return Draft(
        caller=Caller(workspace, Principal("agent_key", principal), "req_1", user_id=user_id, agent_id="agt_1"),
        target=Target(tool, "srv_1", "shop", "write", "add_stock", "add_stock", "sha256:0", None, 0),
        key=key,
        arguments=arguments or {"quantity": 1},
        state=state,
        decision="ask",
        decision_reason="a person approves every write",
        preview=preview or {"changes": []},
        rule_id=rule_id,
        approvals_needed=approvals_needed,
        expires_at=expires_at,
        lease_owner=lease_owner,
        lease_until=lease_until,
    )
