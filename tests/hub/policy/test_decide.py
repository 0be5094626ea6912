"""The decision as a table."""

import pytest

from tradepost.hub.policy.decide import EXPIRY, MONEY_EXPIRY, Allow, Ask, PlainCall, Posture, ToolClass, decide


@pytest.mark.parametrize("posture", ["propose", "guarded", "customer", None])
def test_reads_are_always_allowed(posture: Posture | None):
    assert isinstance(decide(PlainCall("get_order", "read", False, "read:orders", posture)), Allow)


@pytest.mark.parametrize("posture", ["propose", "customer", None])
@pytest.mark.parametrize("tool_class", ["write", "destructive"])
def test_other_postures_ask_for_every_write(posture: Posture | None, tool_class: ToolClass):
    decision = decide(PlainCall("change", tool_class, False, "write:orders", posture))
    assert isinstance(decision, Ask)
    assert decision.expires_in == EXPIRY


@pytest.mark.parametrize(
    ("tool_class", "moves_money", "scope", "expected"),
    [
        ("write", False, "write:orders", None),
        ("write", False, None, None),
        ("destructive", False, "write:orders", EXPIRY),
        ("write", True, "write:orders", MONEY_EXPIRY),
        ("write", False, "write:payments", MONEY_EXPIRY),
        ("destructive", True, "write:payments", MONEY_EXPIRY),
    ],
)
def test_guarded_asks_for_what_destroys_or_moves_money(
    tool_class: ToolClass, moves_money: bool, scope: str | None, expected: object
):
    decision = decide(PlainCall("change", tool_class, moves_money, scope, "guarded"))
    assert (decision.expires_in if isinstance(decision, Ask) else None) == expected


def test_every_decision_says_why():
    for posture in ("propose", "guarded", "customer", None):
        for tool_class in ("read", "write", "destructive"):
            assert decide(PlainCall("change", tool_class, False, None, posture)).reason
