"""Before an approved action runs, possibly days later: does everything that was approved still hold?

The agent, its key and its scopes; the tool, its assignment, definition, server and credential; the people who said yes;
the frozen arguments; and what the preview showed. What no longer holds ends the action with a reason; a record that
moved since sends it back to the people.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from tradepost.foundation.errors import ForbiddenScope, StateConflict
from tradepost.hub.actions.approvers import still_approved
from tradepost.hub.actions.drift import has_moved, what_moved
from tradepost.hub.actions.lease import ask_again as put_back
from tradepost.hub.actions.models import Action
from tradepost.hub.actions.places import fingerprint
from tradepost.hub.actions.recorded import about
from tradepost.hub.audit.fact import AuditFact
from tradepost.hub.events.publish import publish
from tradepost.hub.gateway.answers import approval_required
from tradepost.hub.gateway.call import Call, Json
from tradepost.hub.gateway.claims import LostClaim
from tradepost.hub.gateway.parts import Parts
from tradepost.hub.gateway.said import way_of
from tradepost.hub.gateway.steps.await_approval import preview_of
from tradepost.hub.gateway.steps.find_tool import catalog_of
from tradepost.hub.gateway.steps.limit_entry import require_features
from tradepost.hub.gateway.steps.scope import scope
from tradepost.hub.gateway.telling import facts_of
from tradepost.hub.gateway.trials import require_may_try
from tradepost.hub.gateway.weighing import PreviewFailed, chosen_for, decision_for, denied_outright, settled, why
from tradepost.hub.policy.decide import EXPIRY, Ask, Decision, Deny, higher_role

REASON = "what the approval was based on has changed since:"
HINT = "Nothing was changed. If it is still wanted, the agent asks again with a new idempotency key."


async def reauthorise(call: Call, parts: Parts) -> None:
    """Raises Unauthenticated, ForbiddenScope, StateConflict."""
    action, claim = call.action, call.claim
    if action is None or claim is None:
        raise RuntimeError("Only a claimed action is authorised again.")
    await _caller_stands(call, parts)
    await _tool_stands(call, parts, action)
    require_features(call)
    if claim.may_have_reached and call.tool.server_kind != "builtin":
        raise StateConflict("The process that called the server was cut off, and the server cannot be asked again.")
    scope(call, parts)
    if fingerprint(call.arguments) != action.fingerprint:
        raise StateConflict("The stored arguments are not the ones that were approved.", hint=HINT)
    await _rules_stand(call, parts)
    if action.decision == "ask":
        await _people_stand(action, parts)
        if not claim.started:
            await _records_stand(call, parts, action)
    if not claim.started and call.answer is None:
        await _policy_stands(call, parts, action)
    elif claim.unsent:
        _require_not_denied(denied_outright(call, parts))
    parts.checkpoint("reauthorised")


async def _caller_stands(call: Call, parts: Parts) -> None:
    standing = await parts.standings.confirm(call.caller, fresh=True)
    call.let_in(standing)
    call.caller = replace(call.caller, scopes=standing.scopes)
    if call.caller.trial is not None:
        require_may_try(call.caller, call.caller.trial, standing.role)


async def _tool_stands(call: Call, parts: Parts, action: Action) -> None:
    if call.caller.agent_id is None and call.caller.profile_id is None and call.caller.trial is None:
        raise ForbiddenScope("The action belongs to no agent or profile, so no tool is assigned to it.", hint=HINT)
    catalog = await catalog_of(parts, call.caller, None)
    tool = next((tool for tool in catalog.tools.values() if tool.entry_id == action.tool_entry_id), None)
    if tool is None:
        raise StateConflict(f"{action.exposed_name} is no longer enabled and assigned to whoever asked.", hint=HINT)
    call.entry = tool
    approved = (action.definition_digest, action.server_id, action.server_url, action.credential_version)
    if approved != (tool.digest, tool.server_id, tool.server_url, tool.credential_version):
        raise StateConflict(
            f"The definition, server or credential of {action.exposed_name} changed after this was decided.", hint=HINT
        )


async def _rules_stand(call: Call, parts: Parts) -> None:
    injected = call.tool.injected
    if injected is None or not injected.never_sent:
        return
    if injected.arguments_in(call.arguments, await facts_of(call, parts)) != call.arguments:
        raise StateConflict("What the hub tells the server in the arguments changed after this was decided.", hint=HINT)


async def _people_stand(action: Action, parts: Parts) -> None:
    async with parts.database.transaction(action.workspace_id, write=False) as session:
        if not await still_approved(session, action):
            raise StateConflict("Whoever approved this may not approve any more.", hint=HINT)


async def _records_stand(call: Call, parts: Parts, action: Action) -> None:
    """Preview again; if a version that people saw has moved, they see the new preview and decide once more."""
    before = (action.preview or {}).get("versions")
    if call.tool.server_kind != "builtin" or not before:
        return
    preview = await preview_of(call, parts)
    if preview is None:
        said, call.answer = (call.answer or {}).get("structuredContent"), None
        raise _refused(said)
    if has_moved(action.preview or {}, preview):
        await ask_again(call, parts, preview)


async def _policy_stands(call: Call, parts: Parts, action: Action) -> None:
    """Decide once more: a denial, by a freeze too, ends the action; where more people have to agree than did, or people
    of a higher role, it is asked again."""
    decision = call.decision = await _decided(call, parts)
    _require_not_denied(decision)
    if not isinstance(decision, Ask):
        return
    higher = higher_role(action.approver_role, decision.approver_role) != action.approver_role
    if decision.approvals_needed > action.approvals_needed or (higher and action.decision == "ask"):
        await _put_back(call, parts, action.preview or {}, decision.reason)


def _require_not_denied(decision: Decision | None) -> None:
    if isinstance(decision, Deny):
        raise StateConflict(f"Policy denies this by now: {decision.reason}.", hint=HINT, details=why(decision))


async def _decided(call: Call, parts: Parts) -> Decision:
    try:
        return await decision_for(call, parts, chosen_for(call))
    except PreviewFailed as refusal:
        raise _refused(refusal.result.structured) from None


def _refused(said: Mapping[str, Any] | None) -> StateConflict:
    message = (said or {}).get("message", "no reason given")
    return StateConflict(f"The tool refuses this by now: {message}", hint=HINT)


async def ask_again(call: Call, parts: Parts, preview: Json, *, did_nothing: bool = False) -> None:
    """Put an approved action before people once more, with what it would do now and what moved since they saw it.
    Raises StateConflict for one that undoes another, which is about what that one left and nothing else."""
    action = call.action
    if action is None:
        raise RuntimeError("Only a claimed action is asked about again.")
    said = what_moved(action.preview or {}, preview)
    if action.undoes is not None:
        raise StateConflict(f"It cannot be undone any more. {' '.join(said)}", hint="Nothing was changed.")
    await _put_back(call, parts, {**preview, "moved": said}, " ".join([REASON, *said]), did_nothing=did_nothing)


async def _put_back(call: Call, parts: Parts, preview: Json, reason: str, *, did_nothing: bool = False) -> None:
    action, claim = call.action, call.claim
    if action is None or claim is None:
        raise RuntimeError("Only a claimed action is asked about again.")
    decision = await _decided(call, parts)
    asked = decision if isinstance(decision, Ask) else None
    approvals = max(action.approvals_needed, asked.approvals_needed if asked is not None else 1)
    expires_in = asked.expires_in if asked is not None else EXPIRY
    role = higher_role(action.approver_role, asked.approver_role if asked is not None else None)
    terms: Json = {"approvals_needed": approvals, "approver_role": role, "rule_id": decision.rule_id}
    fact = AuditFact.of(
        call.caller,
        "decision",
        "approval:requested_again",
        run_id=call.run_id,
        **about(action),
        decision="ask",
        outcome="approval_required",
        rule_id=decision.rule_id,
        details={"round": action.round + 1, "reason": reason, **way_of(call.caller)},
    )
    async with parts.database.transaction(action.workspace_id, write=True) as session:
        expires_at = await parts.clock.now(session) + expires_in
        if did_nothing:  # it is counted again when it is carried out
            await settled(call, session, action, "failed", {})
            call.totals_taken, terms["totals_taken"] = None, None
        moved = await put_back(
            session, claim, preview, reason, expires_at, action.round + 1, did_nothing=did_nothing, **terms
        )
        if not moved:
            raise LostClaim(claim.action_id)
        parts.audit.record(session, fact)
        publish(
            session,
            action.workspace_id,
            "action:requested",
            action.id,
            actor=action.principal_id,
            request_id=call.caller.request_id,
        )
        call.action = (await session.scalars(select(Action).where(Action.id == action.id))).one()
    call.recorded = True
    call.answer = approval_required(call.action)
