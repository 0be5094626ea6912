"""An action as a task of the Tasks extension: the same row, in the extension's words.

    pending, approved, executing                    working: people are asked, not the client
    succeeded, failed, unknown, rejected, expired   completed, with the result that repeating the call would give
    canceled                                        cancelled

A task lasts as long as its approval may be waited for; once it has ended, as long as its key is kept.
"""

from datetime import datetime, timedelta

import orjson

from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.errors import StateConflict
from tradepost.hub.actions.expiry import KEY_RETENTION
from tradepost.hub.actions.models import Action
from tradepost.hub.actions.states import FINISHED, REFUSED
from tradepost.hub.actions.views import ActionView, preview_for_caller
from tradepost.hub.gateway.answers import approval_required, error_result
from tradepost.hub.gateway.call import Call, Json
from tradepost.protocol.tasks import TASK

APPROVAL_META = "io.tradepost/approval"
PERSON_POLL_MS = 5_000  # a person takes minutes; the rest of the wait is the process that carries it out
WORK_POLL_MS = 1_000
CANCELED = "canceled"  # the error code of a write that its server gave up


def waiting(call: Call, action: Action) -> Json:
    """What the caller of a write is told that waits for people: a task, where its client takes those."""
    return created(action) if call.extras.takes_tasks else approval_required(action)


def created(action: Action) -> Json:
    """The CreateTaskResult of a call that waits for people, or is still being carried out."""
    waits = action.state == "pending"
    message = (
        f"{action.exposed_name} waits for a person's approval. Nothing has changed yet."
        if waits
        else f"{action.exposed_name} is being carried out."
    )
    shown: Json = {"resultType": TASK, **_task(action, "working", message)}
    held = held_task(action)
    if held is not None:
        shown.update({name: held[name] for name in ("statusMessage", "pollIntervalMs") if name in held})
    if waits:
        expires_at = to_rfc3339(action.expires_at) if action.expires_at else None
        preview = preview_for_caller(action.principal_kind, action.preview)
        approval = {"approval_id": action.id, "expires_at": expires_at, "preview": preview}
        shown["_meta"] = {APPROVAL_META: approval}
    return shown


def detailed(action: Action, shown: ActionView) -> Json:
    """The DetailedTask: how the action stands now, with its result when it has one."""
    message = shown.what_happened()
    if action.state == "canceled" or (action.state == "failed" and action.error_code == CANCELED):
        return _task(action, "cancelled", message)
    if action.state in REFUSED:
        return {**_task(action, "completed", message), "result": _complete(error_result(refused(shown)))}
    if action.state in FINISHED and shown.result is not None:
        return {**_task(action, "completed", message), "result": _complete(shown.result)}
    return _task(action, "working", message)


def held_task(action: Action) -> Json | None:
    """What its server said of the task that a write has become there, as long as it has not ended."""
    if action.state != "executing" or action.result is None:
        return None
    held: Json = orjson.loads(action.result)
    return held


def held_until(action: Action) -> datetime:
    """When the hub stops to wait for it."""
    held = held_task(action) or {}
    given = held.get("ttlMs")
    begun = action.started_at or action.created_at
    return begun + (KEY_RETENTION if given is None else min(KEY_RETENTION, timedelta(milliseconds=given)))


def still_held(call: Call, told: Json) -> Json:
    """The DetailedTask of a task that its server told of, under the hub's id and, of a write, with the hub's times."""
    action = call.action
    if action is None:
        shown = {"ttlMs": None, **told, "taskId": call.name}
    else:
        told = {name: value for name, value in told.items() if name not in ("createdAt", "ttlMs")}
        shown = {**_task(action, "working", f"{action.exposed_name} is being carried out."), **told}
    return {name: value for name, value in shown.items() if name not in ("result", "error")}


def ended(call: Call, told: Json, result: Json) -> Json:
    """The DetailedTask of a read that has come to this result."""
    return {**still_held(call, told), "status": "completed", "result": _complete(result)}


def refused(shown: ActionView) -> StateConflict:
    """Why an action was never carried out."""
    return StateConflict(
        shown.what_happened(),
        hint="It was not carried out. If it is still wanted, ask again with a new idempotency key.",
        details={"state": shown.state, "approval_id": shown.id},
    )


def is_over(action: Action, now: datetime) -> bool:
    """Whether the task of an action that has ended is not told any more."""
    return action.state in FINISHED | REFUSED and _lasts_until(action) <= now


def _complete(result: Json) -> Json:
    return {"resultType": "complete", **result}


def _task(action: Action, status: str, message: str) -> Json:
    until = action.expires_at if action.state in ("pending", "approved") else None
    if action.state in FINISHED | REFUSED:
        until = _lasts_until(action)
    return {
        "taskId": action.id,
        "status": status,
        "statusMessage": message,
        "createdAt": to_rfc3339(action.created_at),
        "lastUpdatedAt": to_rfc3339(action.updated_at),
        "ttlMs": (until - action.created_at) // timedelta(milliseconds=1) if until is not None else None,
        "pollIntervalMs": PERSON_POLL_MS if action.state == "pending" else WORK_POLL_MS,
    }


def _lasts_until(action: Action) -> datetime:
    """By the time of its end, as for the key: nothing touches an action later."""
    return (action.finished_at or action.decided_at or action.updated_at) + KEY_RETENTION
