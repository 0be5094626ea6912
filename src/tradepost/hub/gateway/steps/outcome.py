"""What became of the call: recorded, and turned into the answer. Runs for every call, whatever happened before.

For a write, the state of its action and the outcome row stand in one transaction, and only if this process still holds
the claim.
"""

import logging
from collections.abc import Awaitable, Mapping
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from tradepost.database.again import whole
from tradepost.foundation.errors import TradepostError
from tradepost.foundation.untrusted import clean
from tradepost.hub.actions.expiry import retired_key
from tradepost.hub.actions.lease import Claim, finish, hand_over
from tradepost.hub.actions.models import Action
from tradepost.hub.actions.recorded import about
from tradepost.hub.audit.fact import NO_DETAILS, AuditFact
from tradepost.hub.audit.models import AuditKind
from tradepost.hub.events.publish import publish
from tradepost.hub.gateway.action_tasks import created
from tradepost.hub.gateway.call import Call, Json
from tradepost.hub.gateway.claims import LostClaim
from tradepost.hub.gateway.earlier import still_running
from tradepost.hub.gateway.ending import Again, Ending, Held, ending_of
from tradepost.hub.gateway.metering import about as whose
from tradepost.hub.gateway.parts import Parts
from tradepost.hub.gateway.said import answered_of, approvers_of, rule_of, said_of, way_of
from tradepost.hub.gateway.weighing import settled
from tradepost.hub.policy.decide import Deny
from tradepost.hub.registry.catalog import CatalogTool

_log = logging.getLogger(__name__)

MAX_NAME = 128
LOOK_AGAIN = timedelta(seconds=60)  # at a task of a server whose client does not ask
_KEPT = ("resultType", "taskId", "status", "statusMessage", "ttlMs", "pollIntervalMs")
_VERBS = {"tool": "call", "resource": "read", "subscription": "open", "prompt": "get", "completion": "complete"}


def outcome(call: Call, parts: Parts) -> Awaitable[None] | None:
    """Records; afterwards `call.answer` or `call.error` or `call.crash` is what goes back."""
    if call.recorded:
        return None
    if call.claim is not None and call.action is not None and not call.replayed:
        return _end_write(call, parts, call.claim, call.action)
    parts.audit.note(_single_row(call), said_of(call))
    if call.goes_on:
        call.answer = call.result
    call.recorded = True
    return parts.audit.room()


async def _end_write(call: Call, parts: Parts, claim: Claim, action: Action) -> None:
    await _end(call, parts, claim, action)
    call.recorded = True


async def _end(call: Call, parts: Parts, claim: Claim, action: Action) -> None:
    if isinstance(call.crash, LostClaim):
        call.crash, call.error = None, still_running(action.id)
        return
    ending = ending_of(call)
    if isinstance(ending, Again):
        if call.crash is not None:
            _log.error(
                "carrying out %s failed; it will be tried again", action.id, exc_info=call.crash, extra=whose(call)
            )
        unsent = not call.sent and not claim.may_have_reached
        await parts.leases.give_back(claim, timedelta(seconds=min(60, 2**claim.fence)), unsent=unsent)
        call.crash, call.error, call.result = None, still_running(action.id), None
        return
    try:
        if isinstance(ending, Held):
            await _hand_over(call, parts, claim, action, ending)
            return
        taken = await whole(lambda: _record(call, parts, claim, action, ending))
        if not taken and not (call.sent or claim.started) and not await _is_there(parts, action):
            # Its intent was not stored, so there is no action: the call was refused, with the reason that stands there.
            call.action = call.claim = None
            parts.audit.note(_single_row(call), said_of(call))
            return
    except (SQLAlchemyError, OSError):
        # Whether the outcome was stored is open; the action is looked at again when its lease ends.
        _log.warning("the outcome of %s could not be recorded", action.id, exc_info=True, extra=whose(call))
        call.crash, call.error, call.result = None, still_running(action.id), None
        return
    if taken:
        parts.checkpoint("recorded")
        call.ended = ending.state
        call.crash, call.error, call.answer = None, None, ending.result
    else:
        _log.warning("the outcome of %s was not taken: another process carries it out", action.id, extra=whose(call))
        call.crash, call.error = None, still_running(action.id)


async def _is_there(parts: Parts, action: Action) -> bool:
    async with parts.database.transaction(action.workspace_id, write=False) as session:
        return await session.scalar(select(Action.id).where(Action.id == action.id)) is not None


async def _hand_over(call: Call, parts: Parts, claim: Claim, action: Action, held: Held) -> None:
    """Keep the server's task with the action. The answer is the action's own task, where the client takes those."""
    kept = {name: value for name, value in held.task.items() if name in _KEPT}
    async with parts.database.transaction(claim.workspace_id, write=True) as session:
        until = await parts.clock.now(session) + LOOK_AGAIN
        taken = await hand_over(session, claim, until, orjson.dumps(kept).decode())
    if not (taken and call.extras.takes_tasks):
        call.error = still_running(action.id)
        return
    async with parts.database.transaction(claim.workspace_id, write=False) as session:
        call.answer = created((await session.scalars(select(Action).where(Action.id == action.id))).one())


async def _record(call: Call, parts: Parts, claim: Claim, action: Action, ending: Ending) -> bool:
    fact = AuditFact.of(
        call.caller,
        "outcome",
        "tool:call",
        run_id=call.run_id,
        **about(action),
        decision=action.decision,
        outcome=ending.state,
        error_code=ending.error_code,
        duration_us=call.duration_us(),
        upstream_us=call.upstream_us,
        upstream_request_id=call.upstream_id,
    )
    async with parts.database.transaction(claim.workspace_id, write=True) as session:
        undo = call.undo if ending.state == "succeeded" else None
        undo_until = None
        if undo is not None:
            undo_until = await parts.clock.now(session) + timedelta(seconds=undo["seconds"])
        taken = await finish(
            session,
            claim,
            ending.state,
            result=orjson.dumps(ending.result).decode(),
            error_code=ending.error_code,
            retired_key=retired_key(action.key, action.id) if ending.frees_key else None,
            undo=undo,
            undo_until=undo_until,
        )
        if taken:
            await settled(call, session, action, ending.state, ending.result)
            who = await approvers_of(session, action)
            details = {"attempt": claim.fence, **who.get("details", {}), **_beside(call)}
            fact = fact._replace(approver_id=who.get("approver_id"), details=details)
            parts.audit.record(session, fact, answered_of(call))
            publish(
                session,
                claim.workspace_id,
                f"action:{ending.state}",
                action.id,
                actor=action.principal_id,
                request_id=call.caller.request_id,
            )
    return taken


def _single_row(call: Call) -> AuditFact:
    """The one row of a read, a refusal, a replay or a failed preview."""
    entry = call.entry
    asked = call.kind == "task" and call.error is None
    denied = isinstance(call.decision, Deny)
    refused = denied or not (call.sent or call.replayed or call.previewed or call.resumed or asked)
    kind: AuditKind = "refused" if refused else "read"
    verb = _verb(call)
    code = _error_code(call)
    return AuditFact.of_call(
        call.caller,
        kind,
        f"{call.kind}:{verb}",
        call.run_id,
        _server(call),
        _tool(call),
        call.action.id if call.action is not None else None,
        call.arguments_digest,
        call.tool.digest if call.kind == "tool" and entry is not None else None,
        _decision(call),
        None,  # nobody approved it
        "error" if code is not None else "ok",
        code,
        call.duration_us(),
        rule_of(call),
        call.upstream_id,
        call.upstream_us,
        {"reason": call.decision.reason, **way_of(call.caller)}
        if denied and call.decision is not None
        else _beside(call),
    )


def _beside(call: Call) -> Mapping[str, Any]:
    """That it was a test, what was taken out of its result, and which texts of outsiders a bundled server has put into
    it."""
    hidden = call.hidden or call.outside.removed
    if not hidden and not call.outside and call.caller.trial is None:
        return NO_DETAILS
    found = way_of(call.caller)
    if hidden:
        found["removed_characters"] = hidden
    return {**found, "outside_text": call.outside.kinds} if call.outside else found


def _verb(call: Call) -> str:
    if call.replayed:
        return "replay"
    if call.resumed:
        return "resume"
    if call.previewed and not isinstance(call.decision, Deny):
        return "preview"
    return _VERBS[call.kind] if call.task_method is None else call.task_method.removeprefix("tasks/")


def _server(call: Call) -> str | None:
    if call.kind == "task" and call.action is not None:
        return call.action.server_slug
    return call.entry.server_slug if call.entry is not None else None


def _tool(call: Call) -> str | None:
    """The tool; the name that was asked for, where there is no such or it is something else. No task is recorded by
    its id: that is a handle."""
    if isinstance(call.entry, CatalogTool):
        return call.entry.raw_name
    if call.kind == "task":
        return call.action.tool_name if call.action is not None else None
    return clean(call.name, MAX_NAME)


def _decision(call: Call) -> str | None:
    return type(call.decision).__name__.lower() if call.decision is not None else None


def _error_code(call: Call) -> str | None:
    if call.error is not None:
        return call.error.code
    if call.crash is not None:
        return TradepostError.code
    shown: Json | None = call.answer or call.result
    if shown is None or not shown.get("isError"):
        return None
    structured = shown.get("structuredContent") or {}
    return str(structured.get("code", "tool_error"))[:MAX_NAME]
