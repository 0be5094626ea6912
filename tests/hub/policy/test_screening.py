"""Many rules about one tool: ruled out together, they decide as if each had been looked at."""

import random
from dataclasses import replace

import pytest

from tradepost.hub.policy import ruleset
from tradepost.hub.policy.decide import PlainCall, decide
from tradepost.hub.policy.figures import Figures
from tradepost.hub.policy.rule import Rule
from tradepost.hub.policy.ruleset import Ruleset
from tradepost.hub.policy.screening import Screen, screen_of
from tradepost.hub.policy.worded import Worded

SHAPES = (
    "call.amount > {n} * call.unit",
    "{n} * call.unit >= call.amount && args.reason != 'none'",
    "call.amount <= {n} * call.unit && totals.agent.money > {n}",
    "args.quantity < {n}",
    "args.quantity >= {n} && (args.reason == 'gift' || args.reason == 'r{n}')",
    "args.reason == 'r{n}' && args.quantity > 3",
    "'gift' == args.reason && args.note.size() > {n}",
    "(args.quantity > {n}) && !(args.reason in ['gift'])",
    "2 * args.quantity > {n} || args.reason == 'gift'",
    "args.note.matches('^a+$') && args.quantity != {n}",
    "args.reason in ['r{n}', 'gift', 'gift']",
    "args.reason.startsWith('r{n}') && args.quantity > 1",
    "args.reason.endsWith('{n}')",
    "args.reason.contains('{n}') && args.quantity < {n}",
    "args.reason.startsWith('')",
    "args.reason.matches('^r{n}?$')",
    "args.reason.matches(r'^r\\d+')",
    "args.reason.matches('gi[f]t|r{n}')",
)
REASONS = ("gift", "r3", "r40", "none", "", 7, None)
AMOUNTS = (None, 0, 1, 4_000, 3_999, 4_001, 2**31, 2**40)
QUANTITIES = (0, 1, 3, 4, -5, 2**33, 2**62, 3.5, "4", None, True)


def test_rules_that_are_ruled_out_together_decide_the_same(monkeypatch: pytest.MonkeyPatch):
    chance = random.Random(7)
    first = Rule(id="pol", name="pol", outcome="deny", reason="no")
    for _ in range(60):
        rules = []
        for number in range(chance.randint(12, 60)):
            when = chance.choice(SHAPES).format(n=chance.choice((0, 1, 3, 4, 40, 999_999_999)))
            outcome = chance.choice(("deny", "ask", "allow"))
            rule = replace(first, id=f"pol_{number}", name=f"{number}", when=when, outcome=outcome)
            rules.append(replace(rule, order=chance.randint(1, 3), approvals=chance.randint(1, 2)))
        together = Ruleset(rules)
        with monkeypatch.context() as patched:
            patched.setattr(ruleset, "LEAST", 10_000)
            singly = Ruleset(rules)
            for _ in range(12):
                amount = chance.choice(AMOUNTS)
                arguments = {"reason": chance.choice(REASONS), "quantity": chance.choice(QUANTITIES), "note": "aaa"}
                del arguments[chance.choice((*arguments, "note"))]
                call = PlainCall(
                    "refund",
                    "write",
                    posture="guarded",
                    arguments=arguments,
                    figures=Figures(amount, chance.choice(("EUR", "JPY", None)), 1, "cus_1"),
                )
                totals = {"agent.money": chance.choice((0, 4, 5_000))}
                expected = decide(call, singly, totals)
                assert decide(call, together, totals) == expected, (arguments, [rule.when for rule in rules])


@pytest.mark.parametrize(
    ("tokens", "found"),
    [
        ("call . amount > 500 * call . unit", Screen("call.amount", ">", 500, "call.unit")),
        ("500 < args . a", Screen("args.a", ">", 500)),
        ("args . a > 5 && args . b == 'x'", Worded("args.b", "in", ("x",))),
        ("args . a > 5 && args . b . startsWith ( 'x' )", Worded("args.b", "startsWith", ("x",))),
        ("args . b in [ 'x' , \"y\" ]", Worded("args.b", "in", ("x", "y"))),
        ("args . b in [ 'x' , 1 ]", None),
        ("args . b in [ 'x' 'y' ]", None),
        ("args . b in [ ]", None),
        ("'x' in args . b", None),
        ("! args . b . contains ( 'x' )", None),
        ("args . b . contains ( args . c )", None),
        ("1 * args . b . contains ( 'x' )", None),
        ("args . b . matches ( '^A-1+2' )", Worded("args.b", "startsWith", ("A-1",))),
        ("args . b . matches ( '^A-12*' )", Worded("args.b", "startsWith", ("A-1",))),
        ("args . b . matches ( '^a?bc' )", Worded("args.b", "contains", ("bc",))),
        ("args . b . matches ( 'x.long$' )", Worded("args.b", "contains", ("long",))),
        ("args . b . matches ( r'^a\\.b\\d' )", Worded("args.b", "startsWith", ("a.b",))),
        ("args . b . matches ( 'ab(cd)?' )", Worded("args.b", "contains", ("ab",))),
        ("args . b . matches ( '(?i)ab' )", None),
        ("args . b . matches ( 'ab|c' )", None),
        ("args . b . matches ( '[ab]+' )", None),
        ("args . a > 5 || args . b == 'x'", None),
        ("2 * args . a > 5", None),
        ("args . a > 5 ? true : false", None),
        ("! ( args . a > 5 )", None),
    ],
)
def test_what_a_rule_is_kept_by(tokens: str, found: Screen | Worded | None):
    assert screen_of(tokens.split()) == found
