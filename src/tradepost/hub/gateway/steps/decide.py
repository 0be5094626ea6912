"""May this run now, never, or only after people said yes? The decision itself is pure and lives in policy."""

from collections.abc import Awaitable

from tradepost.hub.gateway.call import Call
from tradepost.hub.gateway.parts import Parts
from tradepost.hub.gateway.weighing import (
    PreviewFailed,
    chosen_for,
    decision_for,
    denied,
    needs_more,
    plain_call,
    rules_of,
)
from tradepost.hub.policy.decide import Allow, Decision, Deny
from tradepost.hub.policy.decide import decide as decided
from tradepost.hub.policy.ruleset import Chosen
from tradepost.hub.registry.catalog import CatalogTool

READING = Allow("reading is allowed")


def decide(call: Call, parts: Parts) -> Awaitable[None] | None:
    """Raises LimitExceeded for a call that policy denies. Reads are looked at only where a rule names some."""
    rules = rules_of(call)
    if not call.writes and not (rules.names_reads and isinstance(call.entry, CatalogTool) and not call.dry_run):
        call.decision = READING
        return None
    chosen = chosen_for(call)
    if chosen.is_empty and not call.writes:
        call.decision = READING
        return None
    if needs_more(call, chosen):
        return _decide(call, parts, chosen)
    _take(call, decided(plain_call(call, parts), rules))
    return None


async def _decide(call: Call, parts: Parts, chosen: Chosen) -> None:
    try:
        _take(call, await decision_for(call, parts, chosen))
    except PreviewFailed as refusal:
        call.answer = refusal.result.as_dict()


def _take(call: Call, decision: Decision) -> None:
    call.decision = decision
    if isinstance(decision, Deny):
        raise denied(call.name, decision)
