"""Asking a server about a task of its own: how it stands, with the answers of the client, or to give it up.

What comes back of a task that has ended is a result like any other: it is checked, labelled and recorded. As long as it
has not, the answer says so, and nothing is recorded of the write but what was before.
"""

from tradepost.foundation.errors import StateConflict, Unavailable
from tradepost.hub.actions.lease import Claim
from tradepost.hub.gateway.action_tasks import held_task, held_until, still_held
from tradepost.hub.gateway.answers import error_result
from tradepost.hub.gateway.call import Call, Json
from tradepost.hub.gateway.parts import Parts
from tradepost.hub.gateway.steps.call_server import in_line
from tradepost.hub.gateway.steps.find_task import unknown_task
from tradepost.hub.gateway.telling import tells_of
from tradepost.hub.upstreams.talk import Talk
from tradepost.protocol.jsonrpc import INVALID_PARAMS
from tradepost.protocol.tasks import CANCEL, GET, TASK, UPDATE
from tradepost.protocol.upstream_errors import UpstreamFailed, UpstreamTimedOut

_OPEN = ("working", "input_required")


async def follow_task(call: Call, parts: Parts) -> None:
    """Sets `call.told` and, of a task that has ended, `call.result`; answers otherwise. Raises UpstreamError,
    UpstreamTimeout, Unavailable, MissingCapability, and NotFound for a read whose server has forgotten it."""
    if call.found.injected is not None:
        call.tells = await tells_of(call, parts)
    if call.task_method == UPDATE:
        given = {"inputResponses": dict(call.extras.input_responses or {})}
        await _ask(call, parts, UPDATE, Talk(call.extras, given, beside=call.tells))
        call.answer = {}
        return
    if call.task_method == CANCEL:
        await _ask(call, parts, CANCEL, Talk(call.extras, beside=call.tells))
    if call.task_method == CANCEL and call.action is None:
        call.answer = {}
        return
    told = await _look(call, parts)
    if told is None:
        _forgotten(call)
    elif told["status"] in _OPEN:
        await _open(call, parts, told)
    else:
        _ended(call, told)


async def _look(call: Call, parts: Parts) -> Json | None:
    """How the task stands; None when its server does not know it. What keeps the hub from looking by itself, or after
    a cancelation, is over some time: then it stands as before."""
    try:
        return await _ask(call, parts, GET, Talk(call.extras, beside=call.tells))
    except (UpstreamFailed, UpstreamTimedOut, Unavailable) as error:
        if isinstance(error, UpstreamFailed) and error.rpc_code == INVALID_PARAMS:
            return None
        held = held_task(call.action) if call.action is not None else None
        if held is None or call.task_method == GET:
            raise
        return held


async def _ask(call: Call, parts: Parts, method: str, talk: Talk) -> Json:
    tool, task_id = call.tool, call.task_id
    told: Json = {}
    if task_id is None:
        raise RuntimeError("No task was found to ask about.")

    async def once(call: Call, parts: Parts, ends_at: float) -> None:
        call.sent = True
        told.update(await parts.upstreams.ask_task(call.caller, tool, method, task_id, talk, ends_at))

    await in_line(call, parts, once, repeatable=method == GET)
    return told


async def _open(call: Call, parts: Parts, told: Json) -> None:
    if call.claim is None:
        if call.task_method == GET:
            Talk(call.extras).require_capabilities(told.get("inputRequests", {}))
        call.answer = still_held(call, told)
        return
    action = call.action
    async with parts.database.transaction(call.caller.workspace_id, write=False) as session:
        if action is None or await parts.clock.now(session) > held_until(action):
            raise StateConflict("Its server has not come to an end with it in the time it gave.")
    call.result = {**told, "resultType": TASK, "taskId": call.task_id}


def _ended(call: Call, told: Json) -> None:
    call.told = told
    if told["status"] == "completed":
        call.result = told["result"]
    elif told["status"] == "failed":
        failed = UpstreamFailed("The server could not come to a result.", dispatched=True, answered=True)
        failed.details.update(told["error"])
        call.result = error_result(failed)
    elif call.action is None:
        call.answer = still_held(call, told)
    else:
        call.result = error_result(StateConflict("The server gave this up before it was done."))
    _claim(call)


def _forgotten(call: Call) -> None:
    """Of a read nothing is lost. Of a write nobody knows any more what became of it."""
    if call.action is None:
        raise unknown_task()
    call.told = {"status": "completed"}
    call.error = UpstreamFailed("Its server does not know the task any more.", dispatched=True)
    _claim(call)


def _claim(call: Call) -> None:
    """The right to record how the write ended, unless another process takes it up first."""
    if call.action is not None and call.claim is None:
        call.claim = Claim(call.action.workspace_id, call.action.id, call.action.fence, started=True)
