"""So many calls of one principal at once, and no more: the rest waits in line or is refused."""

from tradepost.hub.gateway.call import Call
from tradepost.hub.gateway.parts import Parts


async def limit(call: Call, parts: Parts) -> None:
    """Takes a slot; the pipeline gives it back when the call is over. Raises Unavailable."""
    principal = call.caller.principal
    slot = f"{call.caller.workspace_id}/{principal.kind}/{principal.id}"
    await parts.principals.acquire(slot, principal.kind.replace("_", " "))
    call.slot = slot
