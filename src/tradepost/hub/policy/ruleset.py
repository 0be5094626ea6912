"""All rules of a workspace, compiled once for a registry version, and found by what a call is about."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.policy.engine import cel
from tradepost.hub.policy.expression import Expression, compiled
from tradepost.hub.policy.rule import Rule, Target
from tradepost.hub.policy.screening import LEAST, Screening
from tradepost.hub.policy.size import Size, Unevaluable
from tradepost.hub.policy.surely import Surely
from tradepost.hub.policy.window import zone_of

MOST_KEPT = 4_096
_OF_MONEY = frozenset({"amount", "currency", "unit"})


@dataclass(frozen=True, slots=True)
class Ready:
    """A rule with its condition compiled. `broken` says why it has none: then it never gives an answer."""

    rule: Rule
    expression: Expression | None = None
    broken: str | None = None
    surely_false: Surely | None = None

    def holds(self, context: Any, size: Size, moment: datetime) -> bool:
        """Whether it holds now. Raises Unevaluable."""
        if self.rule.window is not None and not self.rule.window.covers(moment):
            return False
        if self.broken is not None:
            raise Unevaluable(self.broken)
        return self.expression is None or self.expression.holds(context, size)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The rules that are about a call, in the order in which they are looked at. `names` are the variables that they
    need, `totals` the running totals; `counted` are all totals that any rule keeps of such a call, `arguments` those
    that they name (None: any), `paths` what is compared without the engine. `screening` tells of many `own` ones which
    are left. `by_...`: what they look at may stand only in the result that the call would have. `flow` holds for
    tainted runs, and has no part in the rest."""

    freezes: tuple[Ready, ...] = ()
    own: tuple[Ready, ...] = ()
    built_in: tuple[Ready, ...] = ()
    flow: Rule | None = None
    names: frozenset[str] = frozenset()
    totals: frozenset[str] = frozenset()
    counted: frozenset[str] = frozenset()
    arguments: frozenset[str] | None = None
    paths: tuple[tuple[str, tuple[str, ...]], ...] = ()
    screening: Screening | None = None
    by_effect: bool = False
    by_money: bool = False
    by_customer: bool = False

    @property
    def is_empty(self) -> bool:
        return not (self.freezes or self.own or self.built_in)


NOTHING = Chosen()


class Ruleset:
    """The rules that are in force. `zone` is the workspace's time zone."""

    def __init__(self, rules: Iterable[Rule] = (), zone: str = "UTC") -> None:
        self.zone = zone
        self.context = cel.Context({})  # filled anew for each decision, which nothing interrupts
        self._ready = [_ready(rule) for rule in sorted(rules, key=lambda rule: rule.place) if rule.enabled]
        self._kept: dict[Target, Chosen] = {}
        self.names_reads = any(
            one.rule.tool_class == "read" or (one.rule.names_one_tool and one.rule.tool_class is None)
            for one in self._ready
        )
        totals = {total for one in self._ready if one.expression is not None for total in one.expression.totals}
        self._everywhere = frozenset(total for total in totals if total.partition(".")[2].startswith("all_"))

    @property
    def rules(self) -> list[Rule]:
        """The rules, in the order in which they are looked at."""
        return [one.rule for one in self._ready]

    def chosen(self, target: Target) -> Chosen:
        """The rules about such a call."""
        found = self._kept.get(target)
        if found is None:
            found = self._choose(target)
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[target] = found
        return found

    def local(self, moment: datetime) -> datetime:
        """The workspace's own time."""
        return moment.astimezone(UTC if self.zone == "UTC" else zone_of(self.zone))

    def _choose(self, target: Target) -> Chosen:
        about = [one for one in self._ready if one.rule.concerns(target)]
        flow = next((one.rule for one in about if one.rule.kind == "flow"), None)
        about = [one for one in about if one.rule.kind != "flow"]
        counted = set(self._everywhere if target.tool_class != "read" else ())
        for one in self._ready:
            anybodys = replace(one.rule, agent_id=None, profile_id=None)
            if one.expression is not None and one.expression.totals and anybodys.concerns(target):
                counted |= one.expression.totals
        if not about and not counted:
            return NOTHING if flow is None else Chosen(flow=flow)
        expressions = [one.expression for one in about if one.expression is not None]
        totals = frozenset(total for one in expressions for total in one.totals)
        members = frozenset(member for one in expressions for member in one.call_members)
        paths = {path for one in expressions for path in one.paths}
        every = totals | counted
        arguments = [one.arguments for one in expressions if "args" in one.names]
        named = frozenset(name for some in arguments for name in some or ())
        own = tuple(one for one in about if one.rule.kind == "rule" and not one.rule.built_in)
        screens = [None if one.expression is None else one.expression.screen for one in own]
        return Chosen(
            freezes=tuple(one for one in about if one.rule.kind == "freeze"),
            own=own,
            built_in=tuple(one for one in about if one.rule.built_in),
            flow=flow,
            names=frozenset(name for one in expressions for name in one.names),
            totals=totals,
            counted=frozenset(counted),
            arguments=None if None in arguments else named,
            paths=tuple((path, tuple(path.split("."))) for path in sorted(paths)),
            screening=Screening(screens) if len(own) >= LEAST else None,
            by_effect=any("effect" in one.names for one in expressions),
            by_money=bool(members & _OF_MONEY) or any(total.endswith("money") for total in every),
            by_customer="customer" in members or any(total.startswith("customer.") for total in every),
        )


def _ready(rule: Rule) -> Ready:
    if rule.when is None:
        return Ready(rule)
    try:
        expression = compiled(rule.when)
        return Ready(rule, expression, surely_false=expression.surely_false)
    except InvalidArgument as error:  # what an earlier release let in
        return Ready(rule, broken=error.message)


NO_RULES = Ruleset()

Totals = Mapping[str, int]
