"""Has this very call been made before? Then its one action answers, and nothing is done a second time."""

from collections.abc import Awaitable

from tradepost.foundation.errors import LimitExceeded
from tradepost.hub.actions.models import Action
from tradepost.hub.actions.places import find, fingerprint
from tradepost.hub.actions.states import FINISHED
from tradepost.hub.gateway.call import Call
from tradepost.hub.gateway.earlier import answer_from_earlier
from tradepost.hub.gateway.parts import Parts
from tradepost.hub.gateway.steps.resume import joined
from tradepost.hub.gateway.weighing import denied, forbidden


def replay(call: Call, parts: Parts) -> Awaitable[None] | None:
    """Answers from the action of an earlier call with the same key. Raises IdempotencyConflict, InProgress,
    StateConflict, Elsewhere, LimitExceeded (by now a rule denies it). What the run of a write has read is looked up on
    the way."""
    call.arguments_digest = fingerprint(call.arguments)
    return _look_up(call, parts, call.key) if call.key is not None and call.writes else None


async def _look_up(call: Call, parts: Parts, key: str) -> None:
    async with parts.database.transaction(call.caller.workspace_id, write=False) as session:
        action = await find(session, call.caller, call.tool.entry_id, key)
        call.taint = await parts.taints.look(session, call.caller, call.run_id)
    if action is not None and call.said is not None and action.state == "pending":
        return  # whether whoever calls may still say it themselves is decided anew first
    call.said = None
    if action is not None and not await joined(call, parts, action):
        if action.state in FINISHED and action.fingerprint == call.arguments_digest:
            _require_allowed(call, parts, action)
        await answer_from_earlier(call, parts, action)


def _require_allowed(call: Call, parts: Parts, action: Action) -> None:
    """Whoever may not make a call any more gets no result of it either, but is told that it was made. Raises
    LimitExceeded."""
    decision = forbidden(call, parts)
    if decision is None:
        return
    call.action, call.decision = action, decision
    refusal = denied(call.name, decision)
    raise LimitExceeded(
        f"{refusal.message} This very call was made before and ended: {action.state}.",
        hint="Do not make it again. get_approval with this approval_id says what became of it.",
        details={**refusal.details, "state": action.state, "approval_id": action.id},
    )
