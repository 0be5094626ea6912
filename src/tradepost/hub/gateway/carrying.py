"""What takes words out beside calls of tools: addresses of another server's resources, arguments of its prompts, and
what is completed of either. The same holds for them as for a read of a tool (steps/sending), but nobody can be asked
about one: where the flow rule asks, it is refused, and a rule of the workspace that allows it lets it through.
"""

from collections.abc import Awaitable, Mapping
from typing import Any

from tradepost.foundation.errors import LimitExceeded
from tradepost.foundation.untrusted import clean
from tradepost.hub.gateway.call import Call
from tradepost.hub.gateway.parts import Parts
from tradepost.hub.gateway.weighing import rules_of
from tradepost.hub.policy.decide import Allow, Ask, Deny, PlainCall, decide
from tradepost.hub.registry.catalog import CatalogPrompt, CatalogResource, template_values
from tradepost.hub.registry.outward import outward_argument, takes_there
from tradepost.hub.trust.taint import Taint

_KINDS = {"resource": "a resource", "subscription": "a resource", "prompt": "a prompt", "completion": "a completion"}
_MOST_NAMED = 100  # characters


def carrying(call: Call, parts: Parts) -> Awaitable[None] | None:
    """Raises LimitExceeded for a resource, a prompt or a completion that would take there what a run knows from
    elsewhere, once outsiders may have told it what to do."""
    entry = call.entry
    if not isinstance(entry, CatalogResource | CatalogPrompt) or entry.server_kind == "builtin":
        return None
    values = _values(call, entry)
    argument = outward_argument(None, values) if values else None
    return None if argument is None else _look(call, parts, entry, argument, values)


def _values(call: Call, entry: CatalogResource | CatalogPrompt) -> Mapping[str, Any]:
    """What the caller chose of what is about to be sent, by name. An address that stands in the catalog has nothing."""
    if call.kind == "completion":
        return {**call.arguments["known"], call.arguments["name"]: call.arguments["value"]}
    if isinstance(entry, CatalogPrompt):
        return call.arguments
    return template_values(entry.uri, call.name) if entry.is_template else {}


async def _look(
    call: Call,
    parts: Parts,
    entry: CatalogResource | CatalogPrompt,
    argument: str,
    values: Mapping[str, Any],
) -> None:
    async with parts.database.transaction(call.caller.workspace_id, write=False, quick=True) as session:
        beside = await parts.taints.look_beside(session, call.caller, call.run_id, entry.server_id)
        taint = None if beside is None else await parts.taints.look(session, call.caller, call.run_id)
        if beside is None or taint is None:
            return
    plain = await _plain(call, parts, entry, values, taint, beside, argument)
    decision = decide(plain, rules_of(call))
    if isinstance(decision, Allow):
        return
    kind = _KINDS[call.kind]
    if isinstance(decision, Ask):
        decision = Deny(f"{decision.reason}; nobody can be asked about {kind}", decision.rule_id)
    call.decision, call.taint, call.beside = decision, taint, beside
    raise _refused(call, plain, decision)


async def _plain(
    call: Call,
    parts: Parts,
    entry: CatalogResource | CatalogPrompt,
    values: Mapping[str, Any],
    taint: Taint,
    beside: Taint,
    argument: str,
) -> PlainCall:
    """As a rule sees it: its tool is the prompt's name, or the resource's address with its braces."""
    caller, standing = call.caller, call.standing
    await parts.signals.settled(caller)
    async with parts.database.transaction(caller.workspace_id, write=False) as session:
        signal = await parts.signals.look(session, caller, call.run_id)
    return PlainCall(
        tool=entry.name if isinstance(entry, CatalogPrompt) else entry.uri,
        tool_class="read",
        scope=entry.scope,
        posture=call.posture,
        arguments=values,
        server=entry.server_slug,
        agent_id=caller.agent_id,
        profile_id=caller.profile_id,
        principal_kind=caller.principal.kind,
        scopes=caller.scopes,
        attributes=caller.attributes,
        role=None if standing is None else standing.role,
        tainted=True,
        taint=taint.words(parts.now()),
        sends=takes_there(argument, "the shop" if beside.is_the_shops else beside.server),
        signal="none" if signal is None else signal.level,
        signal_kinds=() if signal is None else signal.kinds,
        now=parts.now(),
    )


def _refused(call: Call, plain: PlainCall, decision: Deny) -> LimitExceeded:
    return LimitExceeded(
        f"{clean(call.name, _MOST_NAMED)} was not asked for: {decision.reason}.",
        hint="Ask for it in a run of its own that has read nothing else, or leave that argument out. An admin can "
        f"allow it with a rule: server={plain.server} tool={clean(plain.tool, _MOST_NAMED)} loosens=true.",
        details={"rule": decision.rule_id} if decision.rule_id is not None else None,
    )
