"""Asking people: the write is previewed, frozen as a pending action, and answered with `approval_required`.

Nothing waits: people answer whenever they like, and the serving process then carries the frozen arguments out.
"""

from collections.abc import Awaitable

from tradepost.hub.actions.places import Draft, Target, open_place
from tradepost.hub.audit.fact import NO_DETAILS, AuditFact
from tradepost.hub.events.publish import publish
from tradepost.hub.gateway.action_tasks import waiting
from tradepost.hub.gateway.call import Call, Json
from tradepost.hub.gateway.earlier import answer_from_earlier
from tradepost.hub.gateway.parts import Parts
from tradepost.hub.gateway.said import asked_of, rule_of
from tradepost.hub.policy.decide import Ask


def target_of(call: Call) -> Target:
    """What is frozen of the tool with an action."""
    tool = call.tool
    return Target(
        tool_entry_id=tool.entry_id,
        server_id=tool.server_id,
        server_slug=tool.server_slug,
        tool_class=tool.tool_class,
        tool_name=tool.raw_name,
        exposed_name=tool.exposed_name,
        definition_digest=tool.digest,
        server_url=tool.server_url,
        credential_version=tool.credential_version,
    )


async def preview_of(call: Call, parts: Parts) -> Json | None:
    """What people are shown. None when the preview failed: then `call.answer` is the tool's own error."""
    tool = call.tool
    if tool.server_kind != "builtin":
        return {"arguments": call.arguments}
    call.previewed = True
    async with parts.servers.slot(tool.server_id, tool.server_slug):
        preview = await parts.upstreams.call_tool(call.caller, tool, call.arguments, None, mode="preview")
    if preview.is_error:
        call.answer = preview.as_dict()
        return None
    return preview.structured or {}


def await_approval(call: Call, parts: Parts) -> Awaitable[None] | None:
    """Opens a pending action for a call that policy asks about."""
    decision, key = call.decision, call.key
    return _ask(call, parts, decision, key) if isinstance(decision, Ask) and key is not None else None


async def _ask(call: Call, parts: Parts, decision: Ask, key: str) -> None:
    preview = await preview_of(call, parts)
    if preview is None:
        return
    parts.checkpoint("previewed")
    await parts.audit.prepare(call.caller.workspace_id)
    async with parts.database.transaction(call.caller.workspace_id, write=True) as session:
        expires_at = await parts.clock.now(session) + decision.expires_in
        draft = Draft(
            caller=call.caller,
            target=target_of(call),
            key=key,
            arguments=call.arguments,
            state="pending",
            decision="ask",
            decision_reason=decision.reason,
            run_id=call.run_id,
            preview=preview,
            approvals_needed=decision.approvals_needed,
            expires_at=expires_at,
            takes_tasks=call.extras.takes_tasks,
        )
        action, made = await open_place(session, draft)
        if made:
            parts.audit.record(session, _requested(call, action.id), asked_of(call))
            publish(
                session,
                action.workspace_id,
                "action:requested",
                action.id,
                actor=action.principal_id,
                request_id=call.caller.request_id,
            )
    parts.checkpoint("asked")
    if not made:
        await answer_from_earlier(call, parts, action)
        return
    call.action, call.recorded = action, True
    call.answer = waiting(call, action)


def _requested(call: Call, action_id: str) -> AuditFact:
    tool = call.tool
    return AuditFact.of(
        call.caller,
        "decision",
        "approval:requested",
        run_id=call.run_id,
        server=tool.server_slug,
        tool=tool.raw_name,
        action_id=action_id,
        arguments_digest=call.arguments_digest,
        definition_digest=tool.digest,
        decision="ask",
        rule_id=rule_of(call),
        outcome="approval_required",
        duration_us=call.duration_us(),
        details={"reason": call.decision.reason} if call.decision is not None else NO_DETAILS,
    )
