"""A rule of a workspace, as a plain value: whom and what it is about, when it holds, and what becomes of the call."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Any, Literal, NamedTuple

from tradepost.hub.policy.window import Window

Outcome = Literal["allow", "ask", "deny"]
RuleClass = Literal["read", "write", "destructive"]
Kind = Literal["rule", "freeze", "flow"]
Approver = Literal["operator", "admin", "owner"]  # by rank

ORDER = 100  # of a rule of which nobody said anything else
STRICTNESS: Mapping[str, int] = {"deny": 0, "ask": 1, "allow": 2}  # the strictest first
_WILD = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. What is None does not narrow it. `when` is a condition in CEL; without one it always holds. Rules are
    looked at by `order`, then the narrower before the wider, then deny before ask before allow: the first that holds
    decides. A freeze goes before all of them. A flow rule is about runs that have read what outsiders wrote, whosever
    tool is called.

    `loosens`: it may let through what the profile's posture, or a built-in rule, would ask about. Without it a rule
    can only make things stricter. `approver_role` is the least role of who is asked; None is an operator."""

    id: str
    name: str
    outcome: Outcome
    reason: str
    when: str | None = None
    profile_id: str | None = None
    agent_id: str | None = None
    server: str | None = None
    tool: str | None = None
    tool_class: RuleClass | None = None
    order: int = ORDER
    enabled: bool = True
    approvals: int = 1
    expires_in: timedelta | None = None
    caller_may_confirm: bool = False
    approver_role: Approver | None = None
    loosens: bool = False
    kind: Kind = "rule"
    window: Window | None = None
    version: int = 1
    built_in: bool = False

    @property
    def names_one_tool(self) -> bool:
        """Whether it is about one tool by its exact name: then it is about that tool even where it only reads."""
        return self.tool is not None and _WILD.isdisjoint(self.tool)

    @property
    def specificity(self) -> tuple[int, ...]:
        """How narrow it is; the greater, the narrower. Whom it is about counts more than what."""
        exact = 2 if self.names_one_tool else 1 if self.tool is not None else 0
        by_server = 0 if self.server is None else 2 if _WILD.isdisjoint(self.server) else 1
        return (
            2 if self.agent_id is not None else 1 if self.profile_id is not None else 0,
            exact,
            by_server,
            int(self.tool_class is not None),
        )

    @property
    def place(self) -> tuple[Any, ...]:
        """Where it stands among the others."""
        narrower = tuple(-part for part in self.specificity)
        return (self.kind != "freeze", self.order, narrower, STRICTNESS[self.outcome], -self.approvals, self.name)

    def concerns(self, target: "Target") -> bool:
        """Whether it is about such a call at all, whatever its arguments."""
        if self.agent_id is not None and self.agent_id != target.agent_id:
            return False
        if self.profile_id is not None and self.profile_id != target.profile_id:
            return False
        if self.server is not None and not fnmatchcase(target.server, self.server):
            return False
        if self.tool is not None and not fnmatchcase(target.tool, self.tool):
            return False
        if self.built_in and self.kind != "flow" and not target.bundled:
            return False
        if self.tool_class is not None:
            return self.tool_class == target.tool_class
        if target.tool_class != "read" or self.names_one_tool:
            return True
        return target.sends and self.kind == "flow"


class Target(NamedTuple):
    """Who calls what, as far as rules are chosen by it: the server by its short name, the tool by the server's own name
    for it. `bundled`: the server comes with Tradepost; `sends`: a read that takes something out of a run that has read
    what outsiders wrote. A tuple, because every call is looked up by one."""

    agent_id: str | None
    profile_id: str | None
    server: str
    tool: str
    tool_class: RuleClass
    bundled: bool
    sends: bool = False
