"""The question before a return: what of this order may come back, until when, at what cost, by which clause."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from tradepost.commerce.flows.returns.eligibility import LineVerdict, Verdict, judge
from tradepost.commerce.flows.returns.return_policy_clauses import cited_clauses
from tradepost.commerce.flows.settling.order_units import order_lines
from tradepost.commerce.orders.changed import OrderReference
from tradepost.commerce.orders.models import Order
from tradepost.commerce.orders.policy import load_rules
from tradepost.commerce.orders.views import units_text
from tradepost.commerce.returns.models import ReturnReason
from tradepost.commerce.serving.declare import Answer, read_tool
from tradepost.commerce.store.store import Store
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.money import MoneyView, money
from tradepost.foundation.untrusted import clean

Reason = Annotated[
    ReturnReason | None,
    Field(description="The customer's reason; some cost no fee.", examples=["size_too_small"]),
]


class LineEligibility(TypedDict):
    """Whether a line may be returned. `returnable` counts units; the fee is for all of them."""

    line: int
    order_line_id: str
    sku: str
    name: str
    eligible: bool
    returnable: int
    delivered: int
    why_not: str | None
    window_days: int | None
    window_ends: str | None
    fee: MoneyView
    policy_clause: str | None
    fee_clause: str | None


class OrderEligibility(TypedDict):
    """What of an order may be returned."""

    order_id: str
    order_number: str
    eligible: bool
    delivered_at: str | None
    refund_destinations: list[str]
    open_returns: list[str]
    lines: list[LineEligibility]


@read_tool(title="Check return eligibility", scope="read:returns")
async def check_return_eligibility(
    store: Store, order_id: OrderReference, reason: Reason = None
) -> Answer[OrderEligibility]:
    """Tell per line of an order whether it may be returned or exchanged: units, end of the return window, restocking
    fee and the policy clause behind it. Use before submit_return or create_exchange, and to explain a refusal. Not for
    the state of an existing return (get_return) or the amount of a refund (preview_refund). Reads only. Returns the
    verdict for each line, the returns the order already has, and where a refund may go."""
    order = await store.find(Order, order_id, field="order_id")
    rules = await load_rules(store)
    verdict = await judge(store, order, await order_lines(store, order), rules, reason)
    clauses = await cited_clauses(store, (name for line in verdict.lines for name in (line.clause, line.fee_clause)))
    data: OrderEligibility = {
        "order_id": order.id,
        "order_number": order.number,
        "eligible": any(line.units for line in verdict.lines),
        "delivered_at": to_rfc3339(order.delivered_at) if order.delivered_at else None,
        "refund_destinations": [str(name) for name in rules.refund_destinations()],
        "open_returns": verdict.open_returns,
        "lines": [_line_view(line, order.currency, clauses) for line in verdict.lines],
    }
    return Answer(data, _sentence(verdict, data["lines"]))


def _line_view(verdict: LineVerdict, currency: str, clauses: dict[str, str]) -> LineEligibility:
    line = verdict.line
    return {
        "line": line.position,
        "order_line_id": line.id,
        "sku": line.sku,
        "name": clean(line.name, 120),
        "eligible": verdict.units > 0,
        "returnable": verdict.units,
        "delivered": line.delivered,
        "why_not": verdict.why_not,
        "window_days": verdict.window_days,
        "window_ends": to_rfc3339(verdict.window_ends) if verdict.window_ends else None,
        "fee": money(verdict.fee_minor(verdict.units), currency),
        "policy_clause": clauses.get(verdict.clause or ""),
        "fee_clause": clauses.get(verdict.fee_clause or ""),
    }


def _sentence(verdict: Verdict, lines: list[LineEligibility]) -> str:
    parts: list[str] = []
    for judged, view in zip(verdict.lines[:5], lines[:5], strict=True):
        line = judged.line
        if judged.units:
            until = f" until {view['window_ends']}" if view["window_ends"] else ", no time limit"
            fee = f", fee {view['fee']['display']}" if view["fee"]["amount_minor"] else ""
            units = units_text(judged.units, line.quantity_scale, line.unit)
            parts.append(f"{line.sku}: {units} returnable{until}{fee}")
        else:
            parts.append(f"{line.sku}: no, {judged.why_not}")
    more = f" And {len(lines) - 5} more lines." if len(lines) > 5 else ""
    clauses = sorted({view["policy_clause"] for view in lines if view["policy_clause"]})
    cited = f" Clause {'; '.join(clauses[:2])}." if clauses else ""
    head = f"Order {verdict.order.number}: " + ("; ".join(parts) if parts else "it has no lines")
    return f"{head}.{more}{cited}"


TOOLS = (check_return_eligibility,)
