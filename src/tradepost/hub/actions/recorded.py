"""An action in the audit: what every row about it says."""

from typing import Any

from tradepost.hub.actions.models import Action


def about(action: Action) -> dict[str, Any]:
    """Server, tool, action and the digests of what was asked, as AuditFact has them."""
    return {
        "server": action.server_slug,
        "tool": action.tool_name,
        "action_id": action.id,
        "arguments_digest": action.fingerprint,
        "definition_digest": action.definition_digest,
    }
