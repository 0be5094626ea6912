"""Whether units of an order may be returned, line by line: delivered, not returned before, within the window.

The rules are the shop's order policy; each answer names the clause it rests on, so that a person can be told why.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from tradepost.commerce.catalog.models import Product
from tradepost.commerce.flows.settling.order_units import share_of
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.orders.policy import OrderRules
from tradepost.commerce.orders.views import units_text
from tradepost.commerce.returns.models import Return, ReturnLine
from tradepost.commerce.returns.states import OVER
from tradepost.commerce.store.store import Store
from tradepost.foundation.clock import to_rfc3339


@dataclass(frozen=True, slots=True)
class LineVerdict:
    """What may be returned of a line. `units` is 0 where `why_not` says why."""

    line: OrderLine
    units: int
    why_not: str | None
    window_days: int | None
    window_ends: datetime | None
    fee_bps: int
    fee_clause: str | None
    clause: str | None

    def fee_minor(self, quantity: int) -> int:
        """What the shop keeps for so many units."""
        return (share_of(self.line.total_minor, quantity, self.line.quantity) * self.fee_bps + 5_000) // 10_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an order has anything to return. `open_returns` are its returns that still stand, by number."""

    order: Order
    lines: list[LineVerdict]
    open_returns: list[str]

    def of(self, line: OrderLine) -> LineVerdict:
        """The verdict on one line."""
        return next(verdict for verdict in self.lines if verdict.line.id == line.id)

    @property
    def free(self) -> dict[str, int]:
        """Units that may be returned, per line id."""
        return {verdict.line.id: verdict.units for verdict in self.lines}


async def judge(
    store: Store, order: Order, lines: Sequence[OrderLine], rules: OrderRules, reason: str | None = None
) -> Verdict:
    """Judge every line now. `reason` is the customer's: some cost no fee."""
    categories = await _categories(store, lines)
    returned: Counter[str] = Counter()
    numbers: dict[str, None] = {}
    found = await store.session.execute(
        select(ReturnLine.order_line_id, ReturnLine.quantity, Return.number)
        .join(Return, Return.id == ReturnLine.return_id)
        .where(Return.order_id == order.id, Return.status.not_in(OVER))
        .order_by(Return.requested_at, Return.id)
    )
    for line_id, quantity, number in found:
        returned[line_id] += quantity
        numbers[number] = None
    used_up = f"the order has the return {next(iter(numbers))}, and one is allowed" if numbers else None
    verdicts = [
        _judge_line(
            order,
            line,
            returned[line.id],
            categories.get(line.product_id),
            rules,
            store.now,
            used_up if rules.one_return_or_exchange_per_order() else None,
            reason,
        )
        for line in lines
    ]
    return Verdict(order, verdicts, list(numbers))


def window_end(order: Order, days: int | None) -> datetime | None:
    """When the return window of a delivered order closes. An order without a delivery time counts from its placing."""
    return None if days is None else (order.delivered_at or order.placed_at) + timedelta(days=days)


def _judge_line(
    order: Order,
    line: OrderLine,
    returned: int,
    category: str | None,
    rules: OrderRules,
    now: datetime,
    used_up: str | None,
    reason: str | None,
) -> LineVerdict:
    days = rules.return_window_days(category)
    arrived = line.delivered - line.written_off
    ends = window_end(order, days) if arrived > 0 else None
    left = max(arrived - returned, 0)
    clause = rules.clause("return_window_days", category)
    why_not: str | None = None
    if order.status == "canceled":
        why_not = "the order is canceled"
    elif arrived <= 0:
        why_not = f"it is not delivered yet (order {order.status}, {order.fulfillment_status})"
    elif used_up is not None:
        why_not, clause = used_up, rules.clause("one_return_or_exchange_per_order")
    elif left == 0:
        why_not = f"all {units_text(arrived, line.quantity_scale, line.unit)} delivered units are in returns already"
    elif ends is not None and now > ends:
        why_not = f"the return window of {days} days closed at {to_rfc3339(ends)}"
    return LineVerdict(
        line=line,
        units=0 if why_not else left,
        why_not=why_not,
        window_days=days,
        window_ends=ends,
        fee_bps=0 if rules.fee_waived(reason) else rules.restocking_fee_bps(category),
        fee_clause=rules.clause("restocking_fee_bps", category),
        clause=clause,
    )


async def _categories(store: Store, lines: Sequence[OrderLine]) -> dict[str, str | None]:
    wanted = sorted({line.product_id for line in lines})
    rows = await store.session.execute(select(Product.id, Product.category).where(Product.id.in_(wanted)))
    return {row.id: row.category for row in rows}
