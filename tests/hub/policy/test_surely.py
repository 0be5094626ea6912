"""What is found false without the engine is false to the engine, too."""

import itertools
from typing import Any

import cel

from tradepost.hub.policy.expression import compiled
from tradepost.hub.policy.surely import look_up

PARTS = (
    "call.amount > 500 * call.unit",
    "100 * call.unit >= call.amount",
    "call.amount * 50 <= args.stock",
    "args.stock == 7",
    "args.stock != 7",
    "7 < args.stock",
    "'none' != args.reason",
    'args.reason == "none"',
    "args.deep.er == 'x'",
    "totals.agent.money > args.other",
    "args.missing > 1",
    "args.list.exists(one, one > 1 && args.stock > 7)",
    "(args.stock > 3 || args.reason == 'a')",
    "!(args.stock > 3)",
    "args.stock + 1 > 9223372036854775807",
    "1 / args.stock > 1",
    "(args.stock > 3 ? true : false)",
    "args.stock",
    "args.reason > 'm'",
    "-args.stock > 1",
    "args.stock > 1.5",
    "args.stock in [1, 7]",
    "args.reason in ['none', 'b']",
    "args.reason.startsWith('no')",
    "args.reason.endsWith('e') && args.stock.contains('7')",
    "args.reason.matches('^no.e$')",
    "args.reason.matches('x?a')",
)
STOCK = (0, 7, 8, -3, 2**40, 2**62, 7.0, True, None, "7", [7])
REASONS = ("none", "a", 5, "", None)


def calls() -> list[dict[str, Any]]:
    made = []
    for stock, reason in itertools.product(STOCK, REASONS):
        known = {"amount": 4_000, "unit": 100} if reason != "a" else {}
        args = {"stock": stock, "reason": reason, "deep": {"er": reason}, "list": [2], "other": stock}
        made.append({"call": known, "args": args, "totals": {"agent": {"money": 8}}})
    return made


def test_a_condition_that_is_surely_false_is_false_to_the_engine() -> None:
    found = 0
    for one, other in itertools.product(PARTS, PARTS):
        for source in (
            f"{one} && {other}",
            f"{one} || {other}",
            f"{one} || {other} && {one}",
            f"({one}) && !({other})",
        ):
            expression = compiled(source)
            surely = expression.surely_false
            if surely is None:
                continue
            paths = [(path, tuple(path.split("."))) for path in expression.paths]
            for variables in calls():
                if surely(*look_up(paths, variables)):
                    found += 1
                    assert expression.program.execute(cel.Context(variables)) is False, (source, variables)
    assert found > 10_000


def test_what_is_not_a_plain_comparison_is_left_to_the_engine() -> None:
    for source in ("true", "args.a > 1 ? false : true", "args.s > 'a'", "args.a > 12345678901", "args.s == 'a\\n'"):
        assert compiled(source).surely_false is None
