"""Tool results in MCP's shape: a short text and the structured value; errors in the shape of C9."""

from typing import Any

from tradepost.commerce.serving.declare import Answer
from tradepost.commerce.store.texts import MAX_SUMMARY_CHARACTERS, as_many_as_fit
from tradepost.foundation.errors import TradepostError
from tradepost.protocol.builtin import Json, ToolResult


def text_block(text: str) -> Json:
    """A text content block, cut with a visible mark at about 200 tokens."""
    if len(text) > MAX_SUMMARY_CHARACTERS:
        text = text[: MAX_SUMMARY_CHARACTERS - 1] + "…"
    return {"type": "text", "text": text}


def done(answer: Answer[Any]) -> ToolResult:
    """The result of a read."""
    return ToolResult([text_block(answer.text)], answer.data)


def written(answer: Answer[Any], *, replayed: bool, undo: Json | None = None) -> ToolResult:
    """The result of a write that took effect, now or under the same key before."""
    text = f"Already done before with this idempotency_key: {answer.text}" if replayed else answer.text
    return ToolResult([text_block(text)], {"status": "succeeded", "replayed": replayed, **answer.data}, undo=undo)


def previewed(preview: Json, personal: Json, answer: Answer[Any]) -> ToolResult:
    """The result of a preview: what it comes to, then before and after per record. What the tool would have answered
    goes with it for the hub's policy, and to nobody else."""
    changes = preview["changes"]
    lines = [
        f"{one['record']}: {one['field']} {_or_nothing(one['before'])} -> {_or_nothing(one['after'])}"
        for one in changes
    ]
    # What it comes to and what happens outside come first: the text may be cut.
    head = " ".join([f"Would make {len(changes)} changes.", preview["summary"], *preview["side_effects"]])
    text = as_many_as_fit(head, lines, "; ")
    return ToolResult(
        [text_block(text)], preview, meta={"effect": {**answer.data, **answer.known}, "personal": personal}
    )


def _or_nothing(value: object) -> str:
    return "nothing" if value is None else str(value)


def could_be_done() -> ToolResult:
    """The result of a dry run for a customer of the shop, who does not read what changes inside it."""
    said = text_block("This can be done now. Nothing has changed.")
    return ToolResult([said], {"status": "dry_run", "replayed": False, "preview": {}})


# What to do next where the error itself says nothing better.
_HINTS = {
    "invalid_argument": "See the tool's input schema for what is allowed.",
    "not_found": "Search or list the records first: that shows what exists.",
    "state_conflict": "Read the record again and choose what its state allows.",
    "version_conflict": "Read the record again and repeat the call with its present version.",
    "idempotency_conflict": "Use a new idempotency key for another intent.",
    "limit_exceeded": "Ask for less: the message has the numbers.",
}
_LAST_HINT = "Wait a moment and try again; if it stays, tell a person of the shop."


def failed(error: TradepostError) -> ToolResult:
    """The error as the model gets it: code, message, whether a retry helps, and what to do next (C9)."""
    hint = error.hint or _HINTS.get(error.code, _LAST_HINT)
    return ToolResult(
        [text_block(f"{error.code}: {error.message} {hint}")], {**error.as_dict(), "hint": hint}, is_error=True
    )
