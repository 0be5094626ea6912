"""So many calls of one principal at once, and no more: the rest waits in line or is refused."""

from collections.abc import Awaitable

from tradepost.hub.gateway.call import Call
from tradepost.hub.gateway.parts import Parts


def limit(call: Call, parts: Parts) -> Awaitable[None] | None:
    """Takes a slot; the pipeline gives it back when the call is over. Raises Unavailable."""
    principal = call.caller.principal
    slot = f"{call.caller.workspace_id}/{principal.kind}/{principal.id}"
    if not parts.principals.take(slot):
        return _wait(call, parts, slot)
    call.slot = slot
    return None


async def _wait(call: Call, parts: Parts, slot: str) -> None:
    await parts.principals.acquire(slot, call.caller.principal.kind.replace("_", " "))
    call.slot = slot
