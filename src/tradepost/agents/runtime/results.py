"""What a model gets to see of a tool's result, and what a result says about waiting for a person."""

from typing import Any

import orjson

from tradepost.agents.ports import Json

SOURCE = "io.tradepost/source"
MAX_CHARACTERS = 60_000  # the hub's own budget of tokens is usually far below
MAX_WORDS = 2_000
_MARK = "\n… [cut: too long for one result]"


def for_model(result: Json) -> Json:
    """The result as data for a model: what the tool says in words, its structured data, and where it comes from. The
    words `untrusted` and `source` are what the system prompt speaks of."""
    words = "\n".join(part["text"] for part in result.get("content", ()) if part.get("type") == "text")
    shown: Json = {"source": _source(result)}
    if result.get("isError"):
        shown["error"] = True
    structured = result.get("structuredContent")
    if isinstance(structured, dict):
        shown["data"] = structured
        if words and not words.lstrip().startswith("{"):
            shown["text"] = words[:MAX_WORDS]
    else:
        shown["text"] = words
    if len(orjson.dumps(shown)) > MAX_CHARACTERS:
        return {
            "source": shown["source"],
            "text": (words or orjson.dumps(structured).decode())[:MAX_CHARACTERS] + _MARK,
        }
    return shown


def approval_of(result: Json) -> str | None:
    """The approval that a call waits for, if its result says so."""
    structured = result.get("structuredContent")
    if not isinstance(structured, dict) or structured.get("status") != "approval_required":
        return None
    found = structured.get("approval_id")
    return found if isinstance(found, str) else None


def failed(code: str, message: str, hint: str | None = None) -> Json:
    """A result for a call that was refused before any tool was reached."""
    said = message if hint is None else f"{message} {hint}"
    return {
        "isError": True,
        "content": [{"type": "text", "text": said}],
        "structuredContent": {"code": code, "message": message, **({"hint": hint} if hint else {})},
    }


def _source(result: Json) -> Any:
    meta = result.get("_meta")
    found = meta.get(SOURCE) if isinstance(meta, dict) else None
    return found if found is not None else "hub"
