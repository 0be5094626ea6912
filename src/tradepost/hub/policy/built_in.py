"""The limits that ship with Tradepost: what an agent of a guarded profile may do without asking. Rules like any other,
shown as built in; a workspace's own rules come before them, and loosen them only where they say so."""

from datetime import timedelta

from tradepost.hub.policy.rule import ORDER, Outcome, Rule

_MONEY_EXPIRY = timedelta(minutes=15)


def _rule(name: str, tool: str, outcome: Outcome, when: str, reason: str, approvals: int = 1, order: int = 0) -> Rule:
    return Rule(
        id=f"built-in:{name}",
        name=name,
        outcome=outcome,
        reason=reason,
        when=when,
        tool=tool,
        approvals=approvals,
        order=ORDER + order,
        built_in=True,
    )


FLOW = Rule(
    id="built-in:tainted-write",
    name="tainted-write",
    outcome="ask",
    reason="this run has read text that outsiders wrote",
    when="tainted",
    order=0,
    kind="flow",
    built_in=True,
)
# Allowed by these, a write of one who is bound to a customer is proved harmless: it is about that customer alone,
# stays within the limits, and what it gives goes to where the customer has paid from, or to their own account.
HARMLESS_TO_BOUND = frozenset({"built-in:refund-small", "built-in:store-credit-small"})

BUILT_IN: tuple[Rule, ...] = (
    FLOW,
    _rule(
        "refund-by-two",
        "initiate_refund",
        "ask",
        "call.amount > 500 * call.unit || totals.agent.money > 2500 * call.unit",
        "two people approve a refund over 500.00, and any once the agent has refunded more than 2,500.00 today",
        approvals=2,
    ),
    _rule(
        "refund-small",
        "initiate_refund",
        "allow",
        "call.amount <= 50 * call.unit && totals.agent.money <= 250 * call.unit",
        "a refund of at most 50.00, while the agent's refunds of the day stay within 250.00",
    ),
    _rule(
        "store-credit-small",
        "apply_store_credit",
        "allow",
        "call.amount <= 25 * call.unit && totals.agent.money <= 125 * call.unit",
        "store credit of at most 25.00, while the agent's credits of the day stay within 125.00",
    ),
    _rule(
        "reorder-small",
        "create_reorder",
        "allow",
        "call.amount <= 1000 * call.unit && totals.agent.money <= 5000 * call.unit"
        " && effect.suggested.all(one, one.quantity * 100 <= one.suggested * 110)",
        "a reorder of at most 1,000.00 and 110 % of what is suggested, while the day's stay within 5,000.00",
    ),
    _rule(
        "stock-large",
        "adjust_stock",
        "ask",
        "!((call.quantity <= 5 || call.quantity * 50 <= effect.level.on_hand - effect.on_hand_delta)"
        " && totals.agent.quantity <= 50)",
        "a person approves a correction of more than 5 units and 2 % of the stock, or past 50 units in a day",
    ),
    _rule(
        "assign-late",
        "assign_driver",
        "ask",
        "effect.missed_promises > 0 || effect.deliveries.exists(one, one.eta_change_minutes != null"
        " && (one.eta_change_minutes > 30 || one.eta_change_minutes < -30))",
        "a person approves an assignment that moves an ETA by more than 30 minutes or misses a promise",
    ),
    _rule(
        "reroute-late",
        "reroute_delivery",
        "ask",
        "effect.delivery.misses_promise || size(effect.others_newly_late) > 0"
        " || (effect.delivery.eta_change_minutes != null"
        " && (effect.delivery.eta_change_minutes > 30 || effect.delivery.eta_change_minutes < -30))",
        "a person approves a reroute that moves the ETA by more than 30 minutes or misses a promise",
    ),
    _rule(
        "return-large",
        "approve_return",
        "ask",
        "!(effect.within_window && call.amount <= 150 * call.unit)",
        "a person approves a return outside its window or worth more than 150.00",
    ),
)
