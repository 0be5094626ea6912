"""Rules as a table: which one decides, and what it says (design §6)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.policy.built_in import BUILT_IN
from tradepost.hub.policy.decide import MONEY_EXPIRY, Allow, Ask, Deny, PlainCall, decide
from tradepost.hub.policy.figures import Declared, Figures, figures_of_effect
from tradepost.hub.policy.rule import Rule
from tradepost.hub.policy.ruleset import Ruleset
from tradepost.hub.policy.totals import Usage
from tradepost.hub.policy.window import window_of

SUNDAY = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
CALL = PlainCall(
    "refund",
    "write",
    posture="guarded",
    server="pay",
    agent_id="a",
    profile_id="p",
    arguments={"amount": 5, "lines": [{"sku": "A"}, {"sku": "B"}]},
    now=SUNDAY,
)


def rule(name: str, outcome: Any, **given: Any) -> Rule:
    return Rule(id=name, name=name, outcome=outcome, reason=name, **given)


def said(decision: Any) -> str:
    approvals = str(decision.approvals_needed) if isinstance(decision, Ask) else ""
    return f"{type(decision).__name__.lower()}{approvals} {decision.rule_id or '-'}"


DENY, ASK, TWO = rule("deny", "deny"), rule("ask", "ask"), rule("two", "ask", approvals=2)
ALLOW, LOOSE = rule("allow", "allow"), rule("loose", "allow", loosens=True)


@pytest.mark.parametrize(
    ("rules", "posture", "expected"),
    [
        ([ALLOW, ASK, DENY], "guarded", "deny deny"),  # equally narrow: the strictest
        ([ALLOW, ASK, TWO], "guarded", "ask2 two"),
        ([DENY, replace(LOOSE, agent_id="a")], "propose", "allow loose"),  # the narrower goes first
        ([replace(DENY, profile_id="p"), replace(LOOSE, agent_id="a")], "guarded", "allow loose"),
        ([replace(DENY, tool="refund"), replace(LOOSE, tool="re*")], "guarded", "deny deny"),
        ([replace(DENY, order=50), replace(LOOSE, agent_id="a")], "guarded", "deny deny"),  # order before all
        ([replace(DENY, agent_id="b")], "guarded", "allow -"),
        ([replace(DENY, server="sh*")], "guarded", "allow -"),
        ([replace(DENY, tool_class="read")], "guarded", "allow -"),
        ([replace(DENY, enabled=False)], "guarded", "allow -"),
        ([ALLOW], "propose", "ask1 -"),  # nothing loosens unless it says so
        ([LOOSE], "propose", "allow loose"),
        ([TWO], "customer", "ask2 two"),
        ([LOOSE, replace(DENY, kind="freeze")], "guarded", "deny deny"),  # nothing loosens a freeze
        ([DENY, replace(ASK, kind="freeze")], "guarded", "deny deny"),
        ([replace(ASK, when="args.nothing > 1"), LOOSE], "guarded", "ask1 -"),  # no answer: a person
        ([replace(ASK, when="args.nothing > 1", order=1), DENY], "guarded", "deny deny"),
        ([replace(LOOSE, when="args.amount == 'x' || args.amount > 'y'")], "propose", "ask1 -"),
        ([replace(DENY, when="args.amount + 1")], "guarded", "ask1 -"),  # no yes or no
    ],
)  # fmt: skip
def test_which_rule_decides(rules: list[Rule], posture: Any, expected: str) -> None:
    assert said(decide(replace(CALL, posture=posture), Ruleset(rules))) == expected


@pytest.mark.parametrize(
    ("when", "given", "holds"),
    [
        ('args.lines.all(x, x.sku in ["A", "B"])', {}, True),
        ('size(args.lines) > 1 && args.lines.exists(x, x.sku.matches("^B$"))', {}, True),
        ("tainted", {}, False),
        ("tainted && tool.moves_money", {"tainted": True, "moves_money": True}, True),
        ('principal.role == "admin" || "write:x" in principal.scopes', {"scopes": frozenset({"write:x"})}, True),
        ('principal.attributes.region == "eu"', {"attributes": {"region": "eu"}}, True),
        ('tool.class == "write" && tool.server == "pay" && tool.name == "refund"', {}, True),
        ("now.weekday == 1 && now.hour == 0 && now.date == '2026-11-23'", {}, True),  # Monday in Rome already
        ("call.amount > 50 * call.unit", {"figures": Figures(5_001, "EUR")}, True),
        ("call.amount > 50 * call.unit", {"figures": Figures(50, "JPY")}, False),
        ("call.amount > 50 * call.unit", {"figures": Figures(50_001, "KWD")}, True),
    ],
)
def test_what_conditions_can_say(when: str, given: dict[str, Any], holds: bool) -> None:
    decision = decide(replace(CALL, **given), Ruleset([replace(DENY, when=when)], "Europe/Rome"))
    assert isinstance(decision, Deny) == holds


def test_reads_are_denied_only_by_rules_that_name_them() -> None:
    read = replace(CALL, tool="get_order", tool_class="read")
    for rules, names_reads, expected in (
        ([DENY], False, "allow -"),
        ([replace(DENY, tool="get_*")], False, "allow -"),
        ([replace(DENY, tool="get_order")], True, "deny deny"),
        ([replace(DENY, tool_class="read")], True, "deny deny"),
        ([replace(ASK, tool="get_order")], True, "deny ask"),  # nobody can be asked
    ):
        ruleset = Ruleset([*rules, *(one for one in BUILT_IN if "*" in (one.tool or "*"))])
        assert (ruleset.names_reads, said(decide(read, ruleset))) == (names_reads, expected)


def test_who_is_asked_and_for_how_long() -> None:
    own = replace(ASK, expires_in=timedelta(minutes=5), caller_may_confirm=True)
    assert decide(CALL, Ruleset([own])) == Ask("ask", timedelta(minutes=5), 1, True, "ask")
    stricter = decide(replace(CALL, posture="propose"), Ruleset([own]))
    assert isinstance(stricter, Ask)
    assert not stricter.caller_may_confirm  # that would loosen
    money = decide(replace(CALL, moves_money=True), Ruleset([ASK]))
    assert isinstance(money, Ask)
    assert money.expires_in == MONEY_EXPIRY


REFUND = PlainCall("initiate_refund", "destructive", True, "write:payments", "guarded", bundled=True, server="payments")


@pytest.mark.parametrize(
    ("amount", "total", "expected"),
    [
        (5_000, 5_000, "allow"),
        (5_001, 5_001, "ask1"),
        (50_001, 50_001, "ask2"),
        (4_900, 25_001, "ask1"),
        (1, 250_001, "ask2"),
        (None, None, "ask2"),  # nobody knows how much: the strictest that it could be
    ],
)
def test_the_limits_that_ship(amount: int | None, total: int | None, expected: str) -> None:
    call = replace(REFUND, figures=Figures(amount, None if amount is None else "EUR"))
    totals = {} if total is None else {"agent.money": total}
    assert said(decide(call, Ruleset(BUILT_IN), totals)).split()[0] == expected
    assert said(decide(replace(call, posture="propose"), Ruleset(BUILT_IN), totals)) == "ask1 -"
    assert isinstance(decide(replace(call, bundled=False), Ruleset(BUILT_IN), totals), Ask)  # not a stranger's tool


@pytest.mark.parametrize(
    ("amount", "effect", "expected"),
    [
        (100_000, {"suggested": [{"quantity": 110, "suggested": 100}]}, "allow"),
        (100_001, {"suggested": [{"quantity": 110, "suggested": 100}]}, "ask1"),
        (5_000, {"suggested": [{"quantity": 1, "suggested": 10}, {"quantity": 111, "suggested": 100}]}, "ask1"),
        (5_000, {"suggested": [{"quantity": 1, "suggested": 0}]}, "ask1"),
        (5_000, {}, "ask1"),  # nobody knows what was suggested
    ],
)
def test_a_reorder_stays_near_what_is_suggested(amount: int, effect: dict[str, Any], expected: str) -> None:
    call = replace(REFUND, tool="create_reorder", server="inventory", figures=Figures(amount, "EUR"), effect=effect)
    assert said(decide(call, Ruleset(BUILT_IN), {"agent.money": amount})).split()[0] == expected


@pytest.mark.parametrize(
    ("window", "moment", "covers"),
    [
        ({"from": "2026-11-22T23:00:00Z"}, "2026-11-22T23:30:00", True),
        ({"from": "2026-11-22T23:00:00Z", "to": "2026-11-22T23:30:00Z"}, "2026-11-22T23:30:00", False),
        ({"days": ["sun"], "start": "18:00", "end": "08:00"}, "2026-11-23T07:59:00", True),
        ({"days": ["sun"], "start": "18:00", "end": "08:00"}, "2026-11-23T08:00:00", False),
        ({"days": "mon", "zone": "Europe/Rome"}, "2026-11-22T23:30:00", True),
        ({"days": "mon"}, "2026-11-22T23:30:00", False),
    ],
)
def test_windows(window: dict[str, Any], moment: str, covers: bool) -> None:
    found = window_of(window)
    assert found is not None
    assert found.covers(datetime.fromisoformat(moment).replace(tzinfo=UTC)) == covers
    assert window_of(found.as_stored()) == found
    freeze = replace(DENY, kind="freeze", window=found)
    now = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    assert isinstance(decide(replace(CALL, now=now), Ruleset([freeze])), Deny if covers else Allow)


@pytest.mark.parametrize(
    "window",
    [
        {"from": "2026-11-27T00:00:00"},  # at midnight where?
        {"to": "2026-11-27"},
        {"from": datetime(2026, 11, 27)},  # noqa: DTZ001
        {"days": ["monthly"]},
        {"days": "mon,sunny"},
        {"days": ["mon"], "zone": "localtime"},  # another one on each machine
        {"days": ["mon"], "zone": "Factory"},
    ],
)
def test_a_window_leaves_no_doubt_when_it_is(window: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument):
        window_of(window)


@pytest.mark.parametrize("days", ["Mon, tues,WEDNESDAY", ["mon", "tue", "wed"]])
def test_days_may_be_cut_short(days: Any) -> None:
    found = window_of({"days": days})
    assert found is not None
    assert found.days == {0, 1, 2}


@pytest.mark.parametrize(
    ("window", "moment", "covers"),
    [
        # On 29 March 2026 there is no 02:30 in Rome, on 25 October there are two.
        ({"start": "02:30", "end": "03:30"}, "2026-03-29T00:59:00", False),
        ({"start": "02:30", "end": "03:30"}, "2026-03-29T01:00:00", True),
        ({"start": "02:30", "end": "03:30"}, "2026-03-29T01:30:00", False),
        ({"start": "02:30", "end": "03:30"}, "2026-10-25T00:30:00", True),
        ({"start": "02:30", "end": "03:30"}, "2026-10-25T01:30:00", True),
        ({"start": "02:30", "end": "03:30"}, "2026-10-25T02:30:00", False),
        ({"start": "22:00", "end": "04:00"}, "2026-03-30T01:59:00", True),
        ({"start": "22:00", "end": "04:00"}, "2026-03-30T02:00:00", False),
        ({"start": "22:00", "end": "00:00"}, "2026-03-29T21:59:00", True),
        ({"start": "22:00", "end": "00:00"}, "2026-03-29T22:00:00", False),
    ],
)
def test_windows_when_clocks_are_changed(window: dict[str, Any], moment: str, covers: bool) -> None:
    found = window_of({**window, "days": ["sun"], "zone": "Europe/Rome"})
    assert found is not None
    assert found.covers(datetime.fromisoformat(moment).replace(tzinfo=UTC)) == covers


@pytest.mark.parametrize("spelt", ["CUS_1", "cus_1 ", "\uff43us_1"])
def test_a_customer_in_another_spelling_is_no_new_customer(spelt: str) -> None:
    """A server may well find one customer under all of them, so a cap of the day is one for all of them."""
    declared = Declared(customer="who")
    rows = {
        Usage("2026-11-22", "pay", "agt_1", declared.figures({"who": who})).row("customer.count")
        for who in ("cus_1", spelt)
    }
    assert len(rows) == 1


def test_figures() -> None:
    declared = Declared("pay.total", "pay.currency", "units", "who.id", "major")
    said = {"pay": {"total": "24.901", "currency": "eur"}, "units": 3, "who": {"id": " C-1 "}}
    assert declared.figures(said) == Figures(2_491, "EUR", 3, "C-1")  # rounded up, never down
    for odd in ({}, {"pay": []}, {"pay": {"total": True, "currency": "EUR"}}, {"pay": {"total": "1", "currency": "?"}}):
        assert declared.figures(odd).amount is None
    effect = {"amount": {"amount_minor": 700, "currency": "EUR"}, "customer_id": "cus_1"}
    arguments = {
        "lines": [{"line": 1, "quantity": 2}, {"line": 2, "quantity": 3}],
        "amount_minor": 1,
        "currency": "EUR",
    }
    assert figures_of_effect(arguments, effect) == Figures(700, "EUR", 5, "cus_1")
    assert figures_of_effect({"delta": -8}, None).quantity == 8
