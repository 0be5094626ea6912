"""May this run now, never, or only after people said yes? The decision itself is pure and lives in policy."""

from tradepost.foundation.errors import LimitExceeded
from tradepost.hub.gateway.call import Call
from tradepost.hub.gateway.parts import Parts
from tradepost.hub.policy.decide import Allow, Decision, Deny, PlainCall
from tradepost.hub.policy.decide import decide as decided


def decision_for(call: Call) -> Decision:
    """What policy says about a call."""
    if not call.writes:
        return Allow("reading is allowed")
    tool = call.tool
    return decided(
        PlainCall(tool.raw_name, tool.tool_class, tool.moves_money, tool.scope, call.posture, call.arguments)
    )


def decide(call: Call, parts: Parts) -> None:
    """Raises LimitExceeded for a call that policy denies."""
    call.decision = decision_for(call)
    if isinstance(call.decision, Deny):
        raise LimitExceeded(
            f"Policy denies {call.name}: {call.decision.reason}.", hint="Ask an admin what this agent may do."
        )
