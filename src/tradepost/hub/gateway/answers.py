"""The results that the hub itself gives, as CallToolResult objects: errors, `approval_required`, replays, dry runs."""

from copy import deepcopy
from typing import Any

from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.errors import TradepostError
from tradepost.hub.actions.models import Action
from tradepost.hub.actions.views import preview_for_caller

Json = dict[str, Any]

REPLAYED_META = "io.tradepost/replayed"


def error_result(error: TradepostError) -> Json:
    """An error as a model reads it: the sentence, what to do next, and the same as fields."""
    text = f"{error.code}: {error.message}" + (f" {error.hint}" if error.hint else "")
    return {"content": [{"type": "text", "text": text}], "structuredContent": error.as_dict(), "isError": True}


def approval_required(action: Action) -> Json:
    """A write that waits for a person."""
    expires_at = to_rfc3339(action.expires_at) if action.expires_at else None
    preview = preview_for_caller(action.principal_kind, action.preview)
    summary = (preview or {}).get("summary")
    message = (
        f"{action.exposed_name} was not carried out: a person has to approve it first"
        + (f", until {expires_at}" if expires_at else "")
        + ". Nothing has changed yet. Do not send it again as a new call; ask get_approval with this approval_id"
        + (", or repeat the same call with the same idempotency key," if action.is_repeatable else "")
        + " to learn what became of it."
    )
    structured = {
        "status": "approval_required",
        "approval_id": action.id,
        "expires_at": expires_at,
        **({"summary": summary} if summary else {}),
        "preview": preview,
        "message": message,
    }
    text = f"{message} approval_id: {action.id}" + (f" What it would do: {summary}" if summary else "")
    return {"content": [{"type": "text", "text": text}], "structuredContent": structured, "isError": False}


def dry_run(preview: Json | None, content: list[Json], principal_kind: str) -> Json:
    """What a write would do; to a customer of the shop, that it could be done."""
    if principal_kind == "shopper":
        preview, content = {}, [{"type": "text", "text": "This can be done now. Nothing has changed."}]
    return {"content": content, "structuredContent": {"status": "dry_run", "preview": preview or {}}, "isError": False}


def replayed(stored: Json) -> Json:
    """A stored result given again, marked as such: in `_meta`, and where the tool's own result says it."""
    result = deepcopy(stored)
    result["_meta"] = {**result.get("_meta", {}), REPLAYED_META: True}
    structured = result.get("structuredContent")
    if isinstance(structured, dict) and "replayed" in structured:
        structured["replayed"] = True
    return result
