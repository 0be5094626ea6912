"""Conditions come from admins, what they look at from models: neither can hold the hub up (security rows 31, 32)."""

from dataclasses import replace
from typing import Any

import pytest

from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.policy.built_in import BUILT_IN
from tradepost.hub.policy.decide import Ask, Deny, PlainCall, decide
from tradepost.hub.policy.expression import compiled
from tradepost.hub.policy.rule import Rule
from tradepost.hub.policy.ruleset import Ruleset
from tradepost.hub.policy.size import MOST_WORK, Size

RULE = Rule(id="r", name="r", outcome="deny", reason="r")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("args.amount >", "line 1, column 14"),
        ("true &&\n  other == 1", "There is no variable 'other'. (line 2, column 3)"),
        ("totals.agent.mony > 1", "'totals.agent' has no 'mony'"),
        ("totals.agent > 1", "'totals.agent' has no ''"),
        ('principal.knd == "x"', "'principal' has no 'knd'"),
        ("call > 1", "'call' has to be followed"),
        ("args.s.matches(args.p)", "has to be written out"),
        ('args.s.matches("a{1000}")', "cannot count"),
        ('args.s.matches("(")', "The pattern is wrong"),
        ("eval(1) == 1", "There is no function 'eval'"),
        ("args.x.map(x, y)", "There is no variable 'y'"),
        ("args.l.all(a, a.all(b, b.all(c, c.all(d, d))))", "Loops go at most three deep"),
        ("(" * 40 + "true" + ")" * 40, "Brackets go at most 30 deep"),
        ("(" * 990 + "true" + ")" * 990, "not understood"),
        ("true ||" * 400 + "true", "at most 2000 characters"),
        ('"open', "not understood"),
        ("", "not understood"),
    ],
)
def test_a_bad_condition_is_refused_with_its_place(source: str, message: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        compiled(source)
    assert message in refused.value.message
    assert refused.value.field == "when"


def test_the_built_in_ones_and_the_longest_are_fine() -> None:
    for rule in BUILT_IN:
        assert rule.when is not None
        compiled(rule.when)
    for source in ("!" * 1_900 + "true", "1+" * 900 + "1 == 2", "args" + ".a" * 900 + " == 1", "-" * 1_000 + "1 == 1"):
        compiled(source)


def deep(levels: int) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for _ in range(levels):
        made = {"a": made}
    return made


@pytest.mark.parametrize(
    ("when", "arguments"),
    [
        ("size(args) > 0", deep(20_000)),  # the engine itself would not survive it
        ("args.a == 1", {"a": "\ud800"}),
        ("args.l.all(x, args.l.exists(y, y == x))", {"l": list(range(1_000))}),
        ("args.l.filter(x, x > 1).size() > 0", {"l": list(range(1_000))}),
        ('args.l.map(x, args.s + "y").size() > 0', {"l": [1] * 100, "s": "x" * 100_000}),
        ('args.l.exists(x, x.matches("^(a+)+$"))', {"l": ["a" * 40 + "b"] * 300}),
        ("args.l == 1", {"l": [[1] * 100] * 1_000}),
        ("args.a > 1", {"a": "2"}),
        ("args.a > 1", {}),
        ("args.a / args.b > 1", {"a": 1, "b": 0}),
        ("args.a + 1 > 1", {"a": 2**63 - 1}),
        ("args.l[5] == 1", {"l": []}),
    ],
)  # fmt: skip
def test_what_gives_no_answer_asks_a_person(when: str, arguments: dict[str, Any]) -> None:
    call = PlainCall("t", "write", posture="guarded", arguments=arguments)
    decision = decide(call, Ruleset([replace(RULE, when=when)]))
    assert isinstance(decision, Ask)
    assert "gave no answer" in decision.reason


def test_large_arguments_of_an_ordinary_call_are_looked_at() -> None:
    lines = [{"sku": f"A-{n}", "quantity": n} for n in range(100)]
    call = PlainCall("t", "write", posture="guarded", arguments={"lines": lines, "note": "x" * 2_000})
    assert isinstance(decide(call, Ruleset([replace(RULE, when="args.lines.exists(x, x.quantity > 98)")])), Deny)
    flat = compiled("args.amount > 5 && args.currency == 'EUR'")
    assert flat.weight.work(Size(20, 20, 500)) < MOST_WORK / 100


def test_what_one_call_said_is_not_there_for_the_next() -> None:
    rules = Ruleset([replace(RULE, when='args.secret == "x" || call.amount > 1')])
    first = PlainCall("t", "write", posture="guarded", arguments={"secret": "x"})
    assert isinstance(decide(first, rules), Deny)
    assert isinstance(decide(replace(first, arguments={}), rules), Ask)
