"""What policy looks at in a call, and counting it: from the call of the pipeline to the plain values of a decision, and
back to the running totals that are kept with its action."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.errors import LimitExceeded
from tradepost.hub.actions.models import Action
from tradepost.hub.gateway.call import Call, Json
from tradepost.hub.gateway.parts import Parts
from tradepost.hub.policy.decide import Decision, Deny, PlainCall, strictness
from tradepost.hub.policy.decide import decide as decided
from tradepost.hub.policy.figures import NOTHING_KNOWN, Figures, figures_of_effect
from tradepost.hub.policy.rule import Target
from tradepost.hub.policy.ruleset import NO_RULES, Chosen, Ruleset, Totals
from tradepost.hub.policy.totals import Usage, look, settle, take
from tradepost.hub.registry.outward import takes_there
from tradepost.protocol.builtin import ToolResult

EFFECT = "effect"  # in the `meta` of a preview: the result that the write would have


class PreviewFailed(Exception):
    """The tool refuses the call: there is nothing to decide about. `result` is its own error."""

    def __init__(self, result: ToolResult) -> None:
        super().__init__()
        self.result = result


def rules_of(call: Call) -> Ruleset:
    """The rules that are in force for a call."""
    return NO_RULES if call.standing is None else call.standing.rules


def chosen_for(call: Call) -> Chosen:
    """The rules that are about a call."""
    tool, caller = call.tool, call.caller
    bundled = tool.server_kind == "builtin"
    sends = call.sends is not None
    target = Target(
        caller.agent_id, caller.profile_id, tool.server_slug, tool.raw_name, tool.tool_class, bundled, sends
    )
    return rules_of(call).chosen(target)


def needs_more(call: Call, chosen: Chosen) -> bool:
    """Whether more has to be looked up before the call can be decided."""
    return bool(chosen.totals or "signal" in chosen.names) or _needs_preview(call, chosen) or _needs_taint(call, chosen)


async def decision_for(call: Call, parts: Parts, chosen: Chosen) -> Decision:
    """What policy says about a call. Raises PreviewFailed."""
    if _needs_preview(call, chosen):
        preview = await previewed(call, parts)
        if preview.is_error:
            raise PreviewFailed(preview)
    if _needs_taint(call, chosen):
        async with parts.database.transaction(call.caller.workspace_id, write=False) as session:
            call.taint = await parts.taints.look(session, call.caller, call.run_id)
    if "signal" in chosen.names:
        await parts.signals.settled(call.caller)
        async with parts.database.transaction(call.caller.workspace_id, write=False) as session:
            call.signal = await parts.signals.look(session, call.caller, call.run_id)
    plain = plain_call(call, parts)
    totals: Totals = {}
    if chosen.totals:
        async with parts.database.transaction(call.caller.workspace_id, write=False) as session:
            totals = await look(session, _usage(call, plain), chosen.totals)
    return decided(plain, rules_of(call), totals)


async def previewed(call: Call, parts: Parts) -> ToolResult:
    """What a bundled write would do, asked for once."""
    if call.preview is None:
        tool = call.tool
        call.previewed = True
        expected: Json = {} if call.expects is None else {"expects": call.expects}
        async with parts.servers.slot(tool.server_id, tool.server_slug):
            call.preview = await parts.upstreams.call_tool(
                call.caller, tool, call.arguments, None, mode="preview", **expected
            )
    return call.preview


def plain_call(call: Call, parts: Parts) -> PlainCall:
    """The plain values of a call."""
    tool, caller = call.tool, call.caller
    return PlainCall(
        tool=tool.raw_name,
        tool_class=tool.tool_class,
        moves_money=tool.moves_money,
        scope=tool.scope,
        posture=call.posture,
        arguments=call.arguments,
        server=tool.server_slug,
        bundled=tool.server_kind == "builtin",
        agent_id=caller.agent_id,
        profile_id=caller.profile_id,
        principal_kind=caller.principal.kind,
        scopes=caller.scopes,
        attributes=caller.attributes,
        role=call.standing.role if call.standing is not None else None,
        tainted=call.taint is not None,
        taint="" if call.taint is None else call.taint.words(parts.now()),
        sends=_sends(call),
        signal="none" if call.signal is None else call.signal.level,
        signal_kinds=() if call.signal is None else call.signal.kinds,
        figures=_figures(call),
        effect=_effect(call),
        now=parts.now(),
    )


def denied_outright(call: Call, parts: Parts) -> Deny | None:
    """The rule that denies a call now, whatever was used of the day: for one that is counted in the totals already."""
    decision = decided(plain_call(call, parts), rules_of(call))
    return decision if isinstance(decision, Deny) else None


def forbidden(call: Call, parts: Parts) -> Deny | None:
    """The rule that denies a call whose answer is asked for again. A freeze is none: it stops writes, and the answer of
    an earlier one is no write."""
    decision = denied_outright(call, parts)
    frozen = decision is not None and decision.rule_id in {one.rule.id for one in chosen_for(call).freezes}
    return None if frozen else decision


async def counted(call: Call, parts: Parts, session: AsyncSession, action: Action) -> Decision | None:
    """Count a call that is about to be carried out, in the transaction that opens it. Returns a stricter decision than
    the one it comes with, where others have used the totals up meanwhile: then nothing may be kept."""
    chosen = chosen_for(call)
    if not chosen.counted:
        return None
    plain = plain_call(call, parts)
    totals, taken = await take(session, _usage(call, plain), chosen.counted)
    if chosen.totals and call.decision is not None:
        now = decided(plain, rules_of(call), totals)
        approved = action.approvals_needed if action.decision == "ask" else 0
        if isinstance(now, Deny) or strictness(now) > max(approved, strictness(call.decision)):
            return now
    call.totals_taken = taken
    await session.execute(
        update(Action)
        .where(Action.id == action.id)
        .values(totals_taken=taken)
        .execution_options(synchronize_session=False)
    )
    return None


async def settled(call: Call, session: AsyncSession, action: Action, state: str, result: Json) -> None:
    """After the end of a write, in the transaction that records it: totals are what it really used."""
    taken: Mapping[str, Any] | None = call.totals_taken or action.totals_taken
    if not taken or state == "unknown":
        return
    money = None
    if call.tool.server_kind == "builtin" and state == "succeeded":
        said = result.get("structuredContent")
        data = said.get("data", said) if isinstance(said, dict) else None
        money = figures_of_effect(call.arguments, data).amount if isinstance(data, dict) else None
    await settle(session, taken, failed=state == "failed", money=money)


def why(decision: Decision) -> dict[str, Any]:
    """A decision in the audit: its reason, and the rule that decided."""
    said = {"reason": decision.reason}
    return said if decision.rule_id is None else {**said, "rule": decision.rule_id}


def denied(name: str, decision: Deny) -> LimitExceeded:
    """The refusal of a call that policy denies."""
    return LimitExceeded(
        f"Policy denies {name}: {decision.reason}.",
        hint="Ask an admin what this agent may do.",
        details={"rule": decision.rule_id} if decision.rule_id is not None else None,
    )


def _needs_preview(call: Call, chosen: Chosen) -> bool:
    if call.tool.server_kind != "builtin" or call.preview is not None or not call.writes:
        return False
    if chosen.by_effect:
        return True
    figures = _figures(call)
    return (chosen.by_money and figures.amount is None) or (chosen.by_customer and figures.customer is None)


def _sends(call: Call) -> str:
    if call.sends is None:
        return ""
    if call.beside is None:  # approved: people were told
        return takes_there(call.sends, "elsewhere")
    return takes_there(call.sends, "the shop" if call.beside.is_the_shops else call.beside.server)


def _needs_taint(call: Call, chosen: Chosen) -> bool:
    """Of a read; a write's run was looked up with its key."""
    return "tainted" in chosen.names and not call.writes


def _usage(call: Call, plain: PlainCall) -> Usage:
    day = rules_of(call).local(plain.now).date().isoformat()
    principal = call.caller.agent_id or call.caller.principal.id
    return Usage(day, plain.tool, principal, plain.figures)


def _effect(call: Call) -> Mapping[str, Any] | None:
    meta = call.preview.meta if call.preview is not None else None
    return None if not meta else meta.get(EFFECT)


def _figures(call: Call) -> Figures:
    tool = call.tool
    if tool.server_kind == "builtin":
        found = figures_of_effect(call.arguments, _effect(call))
    else:
        found = NOTHING_KNOWN if tool.figures is None else tool.figures.figures(call.arguments)
    bound = call.caller.attributes.get("customer")
    return replace(found, customer=bound) if bound is not None else found
