"""So many calls of one principal in a minute and a day, so many at once, and no more: what is too much at once waits in
line, everything else is refused with the time to wait."""

from collections.abc import Awaitable

from tradepost.hub.gateway.call import Call
from tradepost.hub.gateway.parts import Parts
from tradepost.hub.limits.models import WORKSPACE
from tradepost.hub.limits.pace import key_of


def limit(call: Call, parts: Parts) -> Awaitable[None] | None:
    """Counts the call and takes a slot; the pipeline gives that back when the call is over. Raises RateLimited,
    Unavailable, ForbiddenScope for a workspace that may not call at all."""
    caller, quotas = call.caller, call.quotas
    waiting = parts.pace.calls.take(key_of(caller), quotas.calls_per_minute)
    if waiting is None and quotas.is_plain:
        principal = caller.principal
        slot = f"{caller.workspace_id}/{principal.kind}/{principal.id}"
        if parts.principals.take(slot, quotas.calls_at_once):
            call.slot = slot
            return None
    return _wait(call, parts, waiting)


async def _wait(call: Call, parts: Parts, counted: Awaitable[None] | None) -> None:
    if counted is not None:
        await counted
    caller, quotas = call.caller, call.quotas
    quotas.require("mcp")
    await parts.pace.budgets.require_tokens(caller.workspace_id, caller.agent_id, quotas)
    await _count_day(call, parts, WORKSPACE, quotas.workspace_day.get("calls"))
    if caller.agent_id is not None:
        await _count_day(call, parts, caller.agent_id, quotas.agent_day.get("calls"))
    slot = f"{caller.workspace_id}/{caller.principal.kind}/{caller.principal.id}"
    await parts.principals.acquire(slot, caller.principal.kind.replace("_", " "), running=quotas.calls_at_once)
    call.slot = slot


async def _count_day(call: Call, parts: Parts, whose: str, limit: int | None) -> None:
    if limit is None:
        return
    counted = parts.pace.calls_day.take((call.caller.workspace_id, whose), limit)
    if counted is not None:
        await counted
