"""All counters of one process: what the steps of a call, and the doors before them, count with."""

from tradepost.foundation.caller import Caller
from tradepost.hub.limits.addresses import Addresses
from tradepost.hub.limits.budgets import CALLS, DayBudgets
from tradepost.hub.limits.meter import DAY_SECONDS, Key, Meter, Policy
from tradepost.hub.limits.shares import Shares

_CALLS = Policy("calls", "calls of this agent, person or key")
_DAY = Policy(f"{CALLS}-day", "calls today, of this agent or its workspace", seconds=DAY_SECONDS, free=0.0)
_TOOL = Policy("tool", "calls of this tool")
_SERVER = Policy("server", "calls of this server")


class Pace:
    """`calls` counts the calls of each principal in a minute, `calls_day` those of a workspace or an agent in a day,
    `tools` and `servers` those of all principals together, `addresses` what comes before anybody is known; `budgets`
    is what else counts by the day."""

    def __init__(self, shares: Shares, addresses: Addresses | None = None) -> None:
        self.shares = shares
        self.calls = Meter(shares, _CALLS)
        self.calls_day = Meter(shares, _DAY)
        self.tools = Meter(shares, _TOOL)
        self.servers = Meter(shares, _SERVER)
        self.budgets = DayBudgets(shares)
        self.addresses = addresses or Addresses(shares)


def key_of(caller: Caller) -> Key:
    """Who counts as one: an agent with all its keys, a person with all theirs, a person through an agent."""
    if caller.user_id is None:
        return caller.workspace_id, caller.agent_id or caller.principal.id
    return caller.workspace_id, f"{caller.user_id}+{caller.agent_id}" if caller.agent_id else caller.user_id
