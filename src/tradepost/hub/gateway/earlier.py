"""Answering a call from the action of an earlier one with the same key."""

import asyncio
import time

import orjson
from sqlalchemy import select

from tradepost.foundation.errors import IdempotencyConflict, InProgress
from tradepost.hub.actions.models import Action
from tradepost.hub.actions.states import FINISHED, REFUSED
from tradepost.hub.actions.views import view_for_caller
from tradepost.hub.gateway.action_tasks import held_task, refused, waiting
from tradepost.hub.gateway.answers import replayed
from tradepost.hub.gateway.call import Call
from tradepost.hub.gateway.parts import Parts

POLL_SECONDS = 0.05


async def answer_from_earlier(call: Call, parts: Parts, action: Action) -> None:
    """Gives the same answer again, waits a little for a call that still runs, or says why there is none."""
    call.action = action
    if action.fingerprint != call.arguments_digest:
        raise IdempotencyConflict(
            "This idempotency key was used before with other arguments.",
            hint="Use a new key for a new intent, or repeat the first call unchanged.",
            field="idempotency_key",
            details={"approval_id": action.id},
        )
    action = await _settled(call, parts, action)
    call.action = action
    call.replayed = True
    if action.state == "pending":
        call.answer = waiting(call, action)
    elif action.state in REFUSED:
        async with parts.database.transaction(call.caller.workspace_id, write=False) as session:
            shown = await view_for_caller(session, action.id)
        raise refused(shown)
    elif action.result is not None and held_task(action) is None:
        call.answer = replayed(orjson.loads(action.result))
    else:
        raise still_running(action.id)


def still_running(action_id: str) -> InProgress:
    """What the caller of a write hears that has not come to an end yet."""
    return InProgress(
        "This call is still being carried out.",
        hint="Ask get_approval with this approval_id, or repeat it with its idempotency key if you sent one.",
        retry_after_seconds=2,
        details={"approval_id": action_id},
    )


async def _settled(call: Call, parts: Parts, action: Action) -> Action:
    """The action once nothing moves any more, or as it is when the patience is over."""
    until = time.monotonic() + parts.wait_seconds
    while _moves(action) and time.monotonic() < until:
        await asyncio.sleep(POLL_SECONDS)
        async with parts.database.transaction(call.caller.workspace_id, write=False) as session:
            action = (await session.scalars(select(Action).where(Action.id == action.id))).one()
    return action


def _moves(action: Action) -> bool:
    """Whether waiting a moment may be worth it."""
    return action.state != "pending" and action.state not in FINISHED | REFUSED and held_task(action) is None
