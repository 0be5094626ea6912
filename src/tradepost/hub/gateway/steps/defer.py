"""An undoing that needs no approval is left to the serving process: whoever asks for it, here or on the command line,
only sets it down."""

from collections.abc import Awaitable

from tradepost.hub.actions.models import Action
from tradepost.hub.actions.places import Draft, open_place
from tradepost.hub.actions.recorded import about
from tradepost.hub.audit.fact import AuditFact
from tradepost.hub.gateway.call import Call
from tradepost.hub.gateway.earlier import answer_from_earlier
from tradepost.hub.gateway.parts import Parts
from tradepost.hub.gateway.steps.await_approval import preview_of, target_of


def defer(call: Call, parts: Parts) -> Awaitable[None] | None:
    """Opens an allowed undoing as an approved action, with the preview that it is bound to."""
    return None if call.undoes is None else _set_down(call, parts)


async def _set_down(call: Call, parts: Parts) -> None:
    if call.key is None or call.decision is None:
        raise RuntimeError("An undoing reached its place without key or decision.")
    preview = await preview_of(call, parts)
    if preview is None:
        return
    draft = Draft(
        caller=call.caller,
        target=target_of(call),
        key=call.key,
        arguments=call.arguments,
        state="approved",
        decision="allow",
        decision_reason=call.decision.reason,
        rule_id=call.decision.rule_id,
        run_id=call.run_id,
        preview=preview,
        undoes=call.undoes,
    )
    async with parts.database.transaction(call.caller.workspace_id, write=True) as session:
        action, made = await open_place(session, draft)
        if made:
            parts.audit.record(session, _decided(call, action))
    parts.checkpoint("deferred")
    if not made:
        await answer_from_earlier(call, parts, action)
        return
    call.action, call.recorded = action, True
    call.answer = {"content": [], "structuredContent": {"status": "approved", "approval_id": action.id}}


def _decided(call: Call, action: Action) -> AuditFact:
    return AuditFact.of(
        call.caller,
        "decision",
        "undo:allowed",
        run_id=call.run_id,
        **about(action),
        decision="allow",
        details={"undoes": call.undoes},
        duration_us=call.duration_us(),
    )
