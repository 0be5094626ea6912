"""Deciding one call by 200 rules: spread over 40 tools as rules usually are, and all of them about one tool."""

import time
from collections.abc import Iterator
from dataclasses import replace

from bench.measure import Measure, percentile
from tradepost.hub.policy.decide import PlainCall, decide
from tradepost.hub.policy.figures import Figures
from tradepost.hub.policy.rule import Rule
from tradepost.hub.policy.ruleset import Ruleset

RULES, TOOLS, ROUNDS = 200, 40, 5_000
TARGET = 50.0
_WHEN = "call.amount > {} * call.unit && args.reason != 'none' && totals.agent.money > 0"
_SHAPES = {
    "in": "args.reason in ['a{0}', 'b{0}', 'c{0}']",
    "startsWith": "args.reason.startsWith('a{0}')",
    "contains": "args.reason.contains('a{0}')",
    "matches": "args.reason.matches('^a{0}[0-9]+$')",
    "matches, within": "args.reason.matches('a{0}[0-9]+$')",
}
_CALL = PlainCall(
    "tool_7",
    "write",
    moves_money=True,
    posture="guarded",
    server="shop",
    agent_id="agt_1",
    profile_id="prf_1",
    arguments={"order_id": "ORD-1", "amount_minor": 4_000, "currency": "EUR", "reason": "returned"},
    figures=Figures(4_000, "EUR", 1, "cus_1"),
)


def measures() -> Iterator[Measure]:
    """Microseconds of a decision; the target is 50 for 200 rules, of which some or all are about the tool."""
    first = Rule(id="pol", name="pol", outcome="deny", reason="too much")
    spread = [
        replace(first, id=str(n), name=str(n), tool=f"tool_{n % TOOLS}", when=_WHEN.format(100 + n))
        for n in range(RULES)
    ]
    yield _measured("policy: a write, 200 rules over 40 tools", spread, _CALL)
    yield _measured("policy: a write, 200 rules about its tool", [replace(one, tool="tool_7") for one in spread], _CALL)
    for name, when in _SHAPES.items():
        shaped = [replace(first, id=str(n), name=str(n), tool="tool_7", when=when.format(n)) for n in range(RULES)]
        yield _measured(f"policy: a write, 200 rules about its tool, {name}", shaped, _CALL)
    read = replace(_CALL, tool="get_thing", tool_class="read")
    yield _measured("policy: a read, 200 rules about writes", spread, read)


def _measured(name: str, rules: list[Rule], call: PlainCall) -> Measure:
    ruleset, totals = Ruleset(rules), {"agent.money": 4_000}
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter_ns()
        decide(call, ruleset, totals)
        taken.append((time.perf_counter_ns() - began) / 1_000)
    return Measure(name, percentile(taken, 50), "µs", TARGET, f"99 %: {percentile(taken, 99):.1f} µs")
