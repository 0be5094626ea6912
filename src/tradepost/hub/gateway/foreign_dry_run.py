"""What a foreign server says that a write would do, where an admin said which of its arguments makes a dry run.

It is that server's word, which nobody has checked: text for people, capped, never a record, an amount or a version.
Whatever goes wrong is said, and people are asked all the same.
"""

import asyncio
from typing import Any

import orjson

from tradepost.foundation.errors import TradepostError
from tradepost.foundation.ids import new_id
from tradepost.foundation.untrusted import with_hidden_shown
from tradepost.hub.gateway.call import Call, Json
from tradepost.hub.gateway.parts import Parts
from tradepost.hub.gateway.spans import beside
from tradepost.hub.gateway.telling import tells_of
from tradepost.hub.upstreams.talk import Talk
from tradepost.protocol.builtin import ToolResult

MOST_CHARACTERS = 2_000
MOST_SECONDS = 20.0


async def said_by_server(call: Call, parts: Parts) -> Json | None:
    """`{said, failed}`; None for a tool of which nobody said that it can."""
    argument = call.tool.dry_run
    if argument is None:
        return None
    try:
        result = await _tried(call, parts, argument)
    except TradepostError as error:
        return {"said": _readable(error.message), "failed": True}
    return {"said": _readable(_text(result)), "failed": result.is_error}


async def _tried(call: Call, parts: Parts, argument: str) -> ToolResult:
    tool = call.tool
    ends_at = asyncio.get_running_loop().time() + min(MOST_SECONDS, tool.limits.timeout_seconds)
    if tool.injected is not None:
        call.tells = await tells_of(call, parts)
    arguments = {**call.arguments, argument: True}
    if tool.key_parameter is not None:
        arguments[tool.key_parameter] = new_id("dry")  # never that of the write, which would be answered from this
    async with parts.servers.slot(tool.server_id, tool.server_slug, MOST_SECONDS):
        return await parts.upstreams.call_tool(
            call.caller, tool, arguments, None, talk=Talk(beside=beside(call)), ends_at=ends_at
        )


def _text(result: ToolResult) -> str:
    if result.asks is not None:
        return "It asked a question, which nobody answered."
    texts = [block.get("text") for block in result.content if block.get("type") == "text"]
    said = "\n".join(text for text in texts if isinstance(text, str))
    structured: Any = result.structured
    return said or (orjson.dumps(structured).decode() if structured else "nothing")


def _readable(text: str) -> str:
    """In one line and to its cap, with nothing hidden in it."""
    shown = " ".join(with_hidden_shown(text[: 2 * MOST_CHARACTERS]).split())
    return shown if len(shown) <= MOST_CHARACTERS else shown[:MOST_CHARACTERS] + " … (cut)"
