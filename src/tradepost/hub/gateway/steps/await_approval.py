"""Asking people: the write is previewed, frozen as a pending action, and answered with `approval_required`.

Nothing waits: people answer whenever they like, and the serving process then carries the frozen arguments out.
"""

from collections.abc import Awaitable

from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.again import whole
from tradepost.foundation.errors import NotFound
from tradepost.hub.actions.burst import require_room
from tradepost.hub.actions.models import Action
from tradepost.hub.actions.places import Draft, Target, find, open_place
from tradepost.hub.actions.recorded import about
from tradepost.hub.actions.views import DRY_RUN, PERSONAL
from tradepost.hub.audit.fact import AuditFact
from tradepost.hub.events.publish import publish
from tradepost.hub.gateway.action_tasks import waiting
from tradepost.hub.gateway.call import Call, Json
from tradepost.hub.gateway.confirming import ask_caller, caller_is_asked, confirmed
from tradepost.hub.gateway.earlier import answer_from_earlier
from tradepost.hub.gateway.foreign_dry_run import said_by_server
from tradepost.hub.gateway.parts import Parts
from tradepost.hub.gateway.said import asked_of, rule_of, way_of
from tradepost.hub.gateway.weighing import previewed
from tradepost.hub.notices.planning import CALLER_FIRST
from tradepost.hub.policy.decide import MONEY_SCOPES, Ask
from tradepost.hub.trust.signal import read_before


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
        tried = await said_by_server(call, parts)
        return {"arguments": call.arguments} if tried is None else {"arguments": call.arguments, DRY_RUN: tried}
    preview = await previewed(call, parts)
    if preview.is_error:
        call.answer = preview.as_dict()
        return None
    shown = preview.structured or {}
    personal = (preview.meta or {}).get(PERSONAL)
    return {**shown, PERSONAL: personal} if personal and any(personal.values()) else shown


def await_approval(call: Call, parts: Parts) -> Awaitable[None] | None:
    """Opens a pending action for a call that policy asks about."""
    decision, key = call.decision, call.key
    if not isinstance(decision, Ask) or key is None:
        return None
    return _ask(call, parts, decision, key) if call.said is None else _take_answer(call, parts, key)


async def _take_answer(call: Call, parts: Parts, key: str) -> None:
    """What the person who calls said to an action that waits, if they may still say it."""
    async with parts.database.transaction(call.caller.workspace_id, write=False) as session:
        action = await find(session, call.caller, call.tool.entry_id, key)
    if action is None:
        raise NotFound("There is no such approval any more.", hint="Make the call again, without the requestState.")
    if caller_is_asked(call):
        await confirmed(call, parts, action)
    else:
        await answer_from_earlier(call, parts, action)


async def _ask(call: Call, parts: Parts, decision: Ask, key: str) -> None:
    preview = await preview_of(call, parts)
    if preview is None:
        return
    parts.checkpoint("previewed")
    await parts.audit.prepare(call.caller.workspace_id)
    if call.taint is not None:
        await parts.signals.settled(call.caller)
    action, made = await whole(lambda: _frozen(call, parts, decision, key, preview))
    parts.checkpoint("asked")
    if not made:
        await answer_from_earlier(call, parts, action)
        return
    call.action, call.recorded = action, True
    if caller_is_asked(call):
        await ask_caller(call, parts, action)
    else:
        call.answer = waiting(call, action)


async def _frozen(call: Call, parts: Parts, decision: Ask, key: str, preview: Json) -> tuple[Action, bool]:
    """One transaction: the pending action with its event and its row in the audit; or the action of an earlier call."""
    async with parts.database.transaction(call.caller.workspace_id, write=True) as session:
        now = await parts.clock.now(session)
        await require_room(session, call.caller, call.quotas, now)
        expires_at = now + decision.expires_in
        draft = Draft(
            caller=call.caller,
            target=target_of(call),
            key=key,
            arguments=call.arguments,
            state="pending",
            decision="ask",
            decision_reason=decision.reason,
            rule_id=decision.rule_id,
            run_id=call.run_id,
            preview=preview,
            approvals_needed=decision.approvals_needed,
            approver_role=decision.approver_role,
            moves_money=call.tool.moves_money or call.tool.scope in MONEY_SCOPES,
            expires_at=expires_at,
            takes_tasks=call.extras.takes_tasks,
            undoes=call.undoes,
            taint=await _read_before(call, parts, session),
        )
        action, made = await open_place(session, draft)
        if made:
            parts.audit.record(session, _requested(call, action, decision), asked_of(call))
            publish(
                session,
                action.workspace_id,
                "action:requested",
                action.id,
                actor=action.principal_id,
                request_id=call.caller.request_id,
                payload={CALLER_FIRST: True} if caller_is_asked(call) else None,
            )
    return action, made


async def _read_before(call: Call, parts: Parts, session: AsyncSession) -> Json | None:
    """What the run has read, with what the detector says of it."""
    if call.taint is None:
        return None
    return read_before(call.taint, await parts.signals.look(session, call.caller, call.run_id))


def _requested(call: Call, action: Action, decision: Ask) -> AuditFact:
    return AuditFact.of(
        call.caller,
        "decision",
        "approval:requested",
        run_id=call.run_id,
        **about(action),
        decision="ask",
        rule_id=rule_of(call),
        outcome="approval_required",
        duration_us=call.duration_us(),
        details={"reason": decision.reason, **way_of(call.caller)},
    )
