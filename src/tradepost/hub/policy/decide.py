"""Allow, deny or ask: the decision about one call, from plain values, with its reason. No I/O, so it reads as a table.

Reads are allowed unless a rule names them. A write is decided by the posture of the agent's profile: `propose` and
`customer` ask a person for every write, `guarded` lets writes through except destructive ones and those that move
money, within the limits of the built-in rules. The workspace's own rules make that stricter; one that says so may
loosen it. A run that has read what outsiders wrote is asked about whatever it would be allowed. Freezes come on top,
and nothing loosens them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Literal, get_args

from tradepost.hub.policy.built_in import HARMLESS_TO_BOUND
from tradepost.hub.policy.figures import NOTHING_KNOWN, Figures
from tradepost.hub.policy.rule import Approver, Rule, Target
from tradepost.hub.policy.ruleset import NO_RULES, Chosen, Ready, Ruleset, Totals
from tradepost.hub.policy.size import Size, Unevaluable, size_of
from tradepost.hub.policy.surely import Numbers, Texts, look_up

Posture = Literal["propose", "guarded", "customer"]
ToolClass = Literal["read", "write", "destructive"]

EXPIRY = timedelta(hours=72)
MONEY_EXPIRY = timedelta(minutes=15)

# A foreign tool under one of these scopes can make money leave, whatever else is said of it.
MONEY_SCOPES = frozenset({"write:payments", "write:settlement"})

NO_ARGUMENTS: Mapping[str, Any] = MappingProxyType({})
NO_TOTALS: Totals = MappingProxyType({})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PlainCall:
    """What a decision may look at. `arguments` are the ones after injection; a `posture` of None is an agent without
    a profile, which gets the strictest one. `effect` is the result that a bundled write would have, where it was asked
    for. `tainted`: the run has read text that outsiders wrote; `taint` says which, as the reason for asking. `sends`
    says in words what a read of another server takes there in such a run. `signal` is what the detector says of what it
    has read (none, possible, likely), `signal_kinds` why."""

    tool: str
    tool_class: ToolClass
    moves_money: bool = False
    scope: str | None = None
    posture: Posture | None = None
    arguments: Mapping[str, Any] = field(default_factory=lambda: NO_ARGUMENTS)
    server: str = ""
    bundled: bool = False
    agent_id: str | None = None
    profile_id: str | None = None
    principal_kind: str = "agent_key"
    scopes: frozenset[str] = frozenset()
    attributes: Mapping[str, str] = field(default_factory=lambda: NO_ARGUMENTS)
    role: str | None = None
    tainted: bool = False
    taint: str = ""
    sends: str = ""
    signal: str = "none"
    signal_kinds: tuple[str, ...] = ()
    figures: Figures = NOTHING_KNOWN
    effect: Mapping[str, Any] | None = None
    now: datetime = _EPOCH

    @property
    def target(self) -> Target:
        """What rules are chosen by."""
        return Target(
            self.agent_id, self.profile_id, self.server, self.tool, self.tool_class, self.bundled, bool(self.sends)
        )


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
READING = Allow("read tools are allowed")


def moves_money(call: PlainCall) -> bool:
    """Whether money may leave through this call."""
    return call.moves_money or call.scope in MONEY_SCOPES


def decide(call: PlainCall, rules: Ruleset = NO_RULES, totals: Totals = NO_TOTALS) -> Decision:
    """The decision about a call, and why. `totals` ("agent.money") are today's with this call in them."""
    chosen = rules.chosen(call.target)
    if chosen.is_empty:
        return _flowing(call, by_posture(call), chosen)
    looked = _Look(call, rules, chosen, totals)
    base = by_posture(call)
    if call.posture == "guarded" and chosen.built_in:
        base = looked.first(chosen.built_in) or base
    base = _flowing(call, base, chosen)
    own = looked.first(looked.left(chosen))
    decision = base if own is None else looked.joined(own, base)
    for freeze in chosen.freezes:
        frozen = looked.first((freeze,))
        if frozen is not None:
            decision = stricter(decision, frozen)
    if call.tool_class == "read" and not call.sends and isinstance(decision, Ask):
        return Deny(f"{decision.reason}; nobody can be asked about reading", decision.rule_id)
    return decision


def _flowing(call: PlainCall, decision: Decision, chosen: Chosen) -> Decision:
    """What would be allowed, asked about where the run has read what outsiders wrote."""
    rule = chosen.flow
    if rule is None or not call.tainted or not isinstance(decision, Allow):
        return decision
    if decision.rule_id in HARMLESS_TO_BOUND and "customer" in call.attributes:
        return decision
    reason = call.taint or rule.reason
    if call.sends:
        reason = f"{reason}, and {call.sends}"
    return Ask(reason, usual_expiry(call), rule.approvals, rule_id=rule.id)


def by_posture(call: PlainCall) -> Decision:
    """What the posture of the agent's profile says by itself."""
    if call.tool_class == "read":
        return READING
    expires_in = usual_expiry(call)
    if call.posture == "guarded":
        if moves_money(call):
            return Ask("a person approves every write that moves money", expires_in)
        if call.tool_class == "destructive":
            return Ask("a person approves every destructive write", expires_in)
        return Allow("the profile's posture allows writes that neither destroy nor move money")
    if call.posture == "customer":
        return Ask("a person approves every write of a customer-facing agent", expires_in)
    return Ask("a person approves every write of this profile", expires_in)


def usual_expiry(call: PlainCall) -> timedelta:
    """How long people have to answer where no rule says so."""
    return MONEY_EXPIRY if moves_money(call) else EXPIRY


def strictness(decision: Decision) -> int:
    """How strict a decision is: the greater, the stricter."""
    if isinstance(decision, Deny):
        return 1_000
    return decision.approvals_needed if isinstance(decision, Ask) else 0


def stricter(one: Decision, other: Decision) -> Decision:
    """The stricter of two, the first where they are alike. Of two questions it goes to the higher role of theirs, and
    the caller's own yes counts only where it does for both."""
    found = one if strictness(one) >= strictness(other) else other
    if not (isinstance(one, Ask) and isinstance(other, Ask) and isinstance(found, Ask)):
        return found
    role = higher_role(one.approver_role, other.approver_role)
    return replace(found, approver_role=role, caller_may_confirm=one.caller_may_confirm and other.caller_may_confirm)


def higher_role(one: str | None, other: str | None) -> str | None:
    """The higher of two least roles of who answers, of which None is the usual one."""
    ranks = (None, *get_args(Approver))
    return max(one, other, key=ranks.index)


class _Look:
    """One look of all chosen rules at one call."""

    def __init__(self, call: PlainCall, rules: Ruleset, chosen: Chosen, totals: Totals) -> None:
        self._call = call
        self._context = rules.context
        self._own = chosen.own
        self._variables: dict[str, Any] = {}  # which the engine has not been given yet
        self._size, self._trouble = Size(), None
        self._known: tuple[Numbers, Texts] = ({}, {})  # what is compared without the engine
        if chosen.names:
            try:
                self._find(rules, chosen, totals)
            except Unevaluable as error:
                self._trouble = str(error)[:160]

    def left(self, chosen: Chosen) -> Iterable[Ready]:
        """The workspace's own rules without those that one look at a value rules out."""
        numbers, texts = self._known
        if chosen.screening is None or not numbers:
            return chosen.own
        own = chosen.own
        return [own[place] for place in chosen.screening.left(numbers, texts)]

    def first(self, rules: Iterable[Ready]) -> Decision | None:
        """What the first rule that holds says. One that gives no answer makes it no less than a question."""
        doubt: Decision | None = None
        numbers, texts = self._known
        for one in rules:
            surely = one.surely_false if numbers else None
            if surely is not None and surely(numbers, texts):
                continue
            try:
                if one.expression is not None:
                    self._give()
                if not one.holds(self._context, self._size, self._call.now):
                    continue
            except Unevaluable as why:
                if doubt is None:
                    doubt = self._doubt(one.rule, str(why))
                continue
            said = self._said(one.rule)
            return said if doubt is None or strictness(said) >= strictness(doubt) else doubt
        return doubt

    def joined(self, own: Decision, base: Decision) -> Decision:
        """A rule of the workspace and what holds without it: the stricter, unless the rule may loosen."""
        rule = next((one.rule for one in self._own if one.rule.id == own.rule_id), None)
        if rule is not None and rule.loosens:
            return own
        return stricter(own, base)

    def _said(self, rule: Rule) -> Decision:
        if rule.outcome == "allow":
            return Allow(rule.reason, rule.id)
        if rule.outcome == "deny":
            return Deny(rule.reason, rule.id)
        expires_in = rule.expires_in or usual_expiry(self._call)
        return Ask(rule.reason, expires_in, rule.approvals, rule.caller_may_confirm, rule.id, rule.approver_role)

    def _doubt(self, rule: Rule, why: str) -> Decision:
        reason = f"the rule '{rule.name}' gave no answer ({why}), so a person decides"
        approvals = rule.approvals if rule.outcome == "ask" else 1
        # Not by its id: a rule that may loosen does so where it holds, not where nobody knows.
        expires_in = rule.expires_in or usual_expiry(self._call)
        return Ask(reason, expires_in, approvals, approver_role=rule.approver_role)

    def _give(self) -> None:
        """Give the engine what conditions name, once. Raises Unevaluable."""
        if self._variables:
            try:
                for name, value in self._variables.items():
                    self._context.add_variable(name, value)
            except ValueError as error:
                self._trouble = str(error)[:160]
            self._variables = {}
        if self._trouble is not None:
            raise Unevaluable(self._trouble)

    def _find(self, rules: Ruleset, chosen: Chosen, totals: Totals) -> None:
        call, names = self._call, chosen.names
        variables: dict[str, Any] = {}
        said, wanted = call.arguments, chosen.arguments
        if wanted is not None:
            said = {name: said[name] for name in wanted if name in said}
        for name, value in (("args", said), ("effect", call.effect or {})):
            if name in names:
                self._size = self._size.and_of(size_of(value))
                variables[name] = dict(value)
        if "call" in names:
            variables["call"] = call.figures.known()
        if "totals" in names:
            variables["totals"] = _nested(totals, chosen.totals)
        if "now" in names:
            local = rules.local(call.now)
            date = local.date().isoformat()
            variables["now"] = {"hour": local.hour, "minute": local.minute, "weekday": local.isoweekday(), "date": date}
        if "principal" in names:
            scopes, attributes = sorted(call.scopes), dict(call.attributes)
            kind = {"kind": call.principal_kind, "scopes": scopes, "attributes": attributes, "role": call.role or ""}
            variables["principal"] = kind
        if "tool" in names:
            facts = {"name": call.tool, "class": call.tool_class, "server": call.server}
            variables["tool"] = {**facts, "moves_money": moves_money(call)}
        if "tainted" in names:
            variables["tainted"] = call.tainted
        if "signal" in names:
            variables["signal"] = {"level": call.signal, "kinds": list(call.signal_kinds)}
        self._variables = variables
        if self._size.is_small:
            self._known = look_up(chosen.paths, variables)


def _nested(totals: Totals, wanted: Iterable[str]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for name in wanted:
        who, _, what = name.partition(".")
        if name in totals:
            found.setdefault(who, {})[what] = totals[name]
    return found
