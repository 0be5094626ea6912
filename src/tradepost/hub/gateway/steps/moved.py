"""A record that people saw moved in the very moment in which the write was carried out: the store has noticed, and has
done nothing. They are asked again, as they would have been a moment earlier."""

from collections.abc import Awaitable

from tradepost.foundation.errors import StateConflict
from tradepost.hub.gateway.call import Call
from tradepost.hub.gateway.parts import Parts
from tradepost.hub.gateway.steps.await_approval import preview_of
from tradepost.hub.gateway.steps.reauthorise import ask_again
from tradepost.protocol.builtin import MOVED


def moved(call: Call, parts: Parts) -> Awaitable[None] | None:
    """Asks again about an approved action whose server says that its records are not as they were shown."""
    action, result = call.action, call.result
    if action is None or call.claim is None or not action.preview or action.undoes is not None or result is None:
        return None
    said = result.get("structuredContent") if result.get("isError") else None
    if call.tool.server_kind != "builtin" or not isinstance(said, dict) or MOVED not in (said.get("details") or {}):
        return None
    return _ask(call, parts)


async def _ask(call: Call, parts: Parts) -> None:
    refusal, call.result = call.result, None
    call.preview = None  # what it was decided by has moved
    preview = await preview_of(call, parts)
    if preview is None:  # by now it is refused for another reason: that is the answer
        call.result, call.answer = call.answer, None
        return
    try:
        await ask_again(call, parts, preview, did_nothing=True)
        parts.checkpoint("moved")
    except StateConflict:
        call.result = refusal
        raise
    call.ended = "failed"  # for what it took of the day: nothing was done
