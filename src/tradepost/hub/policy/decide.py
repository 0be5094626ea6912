"""Allow, deny or ask: the decision about one call, from plain values, with its reason. No I/O, so it reads as a table.

Reads are allowed. A write is decided by the posture of the agent's profile: `propose` and `customer` ask a person for
every write, `guarded` lets writes through except destructive ones and those that move money.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Literal

Posture = Literal["propose", "guarded", "customer"]
ToolClass = Literal["read", "write", "destructive"]

EXPIRY = timedelta(hours=72)
MONEY_EXPIRY = timedelta(minutes=15)

# A foreign tool under one of these scopes can make money leave, whatever else is said of it.
MONEY_SCOPES = frozenset({"write:payments", "write:settlement"})

NO_ARGUMENTS: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class PlainCall:
    """What a decision may look at. `arguments` are the ones after injection; a `posture` of None is an agent without
    a profile, which gets the strictest one."""

    tool: str
    tool_class: ToolClass
    moves_money: bool = False
    scope: str | None = None
    posture: Posture | None = None
    arguments: Mapping[str, Any] = field(default_factory=lambda: NO_ARGUMENTS)


@dataclass(frozen=True, slots=True)
class Allow:
    """The call runs now. `rule_id` names the workspace's own rule that decided, where one did."""

    reason: str
    rule_id: str | None = None


@dataclass(frozen=True, slots=True)
class Deny:
    """The call never runs."""

    reason: str
    rule_id: str | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """People are asked first: `approvals_needed` different ones, within `expires_in`. `caller_may_confirm`: the person
    who is calling may say yes for themselves. `approver_role` is the least role of who answers, if not an operator."""

    reason: str
    expires_in: timedelta = EXPIRY
    approvals_needed: int = 1
    caller_may_confirm: bool = False
    rule_id: str | None = None
    approver_role: str | None = None


Decision = Allow | Deny | Ask


def moves_money(call: PlainCall) -> bool:
    """Whether money may leave through this call."""
    return call.moves_money or call.scope in MONEY_SCOPES


def decide(call: PlainCall) -> Decision:
    """The decision about a call, and why."""
    if call.tool_class == "read":
        return Allow("read tools are allowed")
    expires_in = MONEY_EXPIRY if moves_money(call) else EXPIRY
    if call.posture == "guarded":
        if moves_money(call):
            return Ask("a person approves every write that moves money", expires_in)
        if call.tool_class == "destructive":
            return Ask("a person approves every destructive write", expires_in)
        return Allow("the profile's posture allows writes that neither destroy nor move money")
    if call.posture == "customer":
        return Ask("a person approves every write of a customer-facing agent", expires_in)
    return Ask("a person approves every write of this profile", expires_in)
