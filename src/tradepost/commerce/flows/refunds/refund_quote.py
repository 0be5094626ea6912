"""What a refund would be: goods, their share of discount and tax, shipping, less the restocking fee; never more than
is left of what was captured, and per line never more than the line (C16)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from tradepost.commerce.flows.settling.order_units import UnitPool, UnitsOf, find_variants, named_variants, share_of
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.orders.policy import OrderRules
from tradepost.commerce.payments.ledger import Ledger
from tradepost.commerce.payments.models import Refund, RefundLine
from tradepost.commerce.returns.models import Return, ReturnLine
from tradepost.commerce.returns.states import AWAITED, OVER, REFUNDABLE, REFUNDABLE_ON_APPROVAL, RETURN_TRANSITIONS
from tradepost.commerce.store.states import not_in_this_state
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import InvalidArgument, LimitExceeded, StateConflict
from tradepost.foundation.money import display

_COUNTED = ("succeeded", "pending")


@dataclass(frozen=True, slots=True)
class QuotedLine:
    """Units of a line and the goods' price they pay back."""

    line: OrderLine
    quantity: int
    amount_minor: int


@dataclass(frozen=True)
class Quote:
    """The parts of a refund. `amount_minor` = goods - discount + tax + shipping - fee; more than is left is refused."""

    lines: list[QuotedLine]
    goods_minor: int
    discount_minor: int
    tax_minor: int
    shipping_minor: int
    fee_minor: int
    amount_minor: int


async def refunded_units(store: Store, order: Order) -> Counter[str]:
    """{order line id: units that refunds paid back already}."""
    rows = await store.session.execute(
        select(RefundLine.order_line_id, RefundLine.quantity)
        .join(Refund, Refund.id == RefundLine.refund_id)
        .where(Refund.order_id == order.id, Refund.status.not_in(("failed", "canceled")))
    )
    units: Counter[str] = Counter()
    for line_id, quantity in rows:
        units[line_id] += quantity
    return units


async def quote_lines(
    store: Store,
    order: Order,
    lines: Sequence[OrderLine],
    wanted: Sequence[UnitsOf] | None,
    ledger: Ledger,
    *,
    include_shipping: bool,
    row: Return | None = None,
) -> Quote:
    """Quote units of an order: those wanted, else those of the return `row`, else all that is left."""
    before = await refunded_units(store, order)
    free = {line.id: max(line.quantity - before[line.id], 0) for line in lines}
    if row is not None:
        back = await _units_of_return(store, row)
        free = {line_id: min(units, back[line_id]) for line_id, units in free.items()}
    if wanted is None:
        picked = [(line, free[line.id]) for line in lines if free[line.id]]
    else:
        variants = await find_variants(store, named_variants(wanted), "lines")
        pool = UnitPool(order, lines, variants, free, "the rest was refunded or is not part of it")
        picked = [(one.line, one.quantity) for index, entry in enumerate(wanted) for one in pool.take(index, entry)]
    quoted: list[QuotedLine] = []
    for line, quantity in picked:
        amount = share_of(line.total_minor, quantity, line.quantity, before[line.id])
        before[line.id] += quantity
        quoted.append(QuotedLine(line, quantity, _within_line(order, line, amount, quoted)))
    return _sum_up(order, quoted, ledger, include_shipping=include_shipping, fee_minor=_fee_left(row, ledger))


def require_refundable_return(row: Return, rules: OrderRules) -> None:
    """Raise StateConflict before the state from which the shop pays a return back."""
    states = REFUNDABLE_ON_APPROVAL if rules.refund_from() == "approved" else REFUNDABLE
    if row.status not in states:
        raise not_in_this_state(
            row,
            f"and this shop refunds from '{rules.refund_from()}' on",
            RETURN_TRANSITIONS,
            hint="Wait until the goods are received."
            if row.status in AWAITED
            else "This return ends without a refund.",
            field="rma",
            details={"status": row.status, **rules.cited("refund_from")},
        )


async def require_within_return(
    store: Store, order: Order, lines: Sequence[OrderLine], row: Return, ledger: Ledger, goods_back_minor: int
) -> None:
    """Raise LimitExceeded where an amount, shipping apart, and what went back for this return before are more than its
    goods are worth."""
    units = await _units_of_return(store, row)
    goods = sum(share_of(line.total_minor, min(units[line.id], line.quantity), line.quantity) for line in lines)
    discount = share_of(order.discount_minor, goods, order.subtotal_minor)
    tax = share_of(order.tax_minor, goods, order.subtotal_minor)
    worth = max(goods - discount + tax - row.fee_minor, 0)
    mine = [refund for refund in ledger.refunds if refund.return_id == row.id and refund.status in _COUNTED]
    before = sum(refund.amount_minor - refund.shipping_minor for refund in mine)
    if before + goods_back_minor > worth:
        left = max(worth - before, 0)
        raise LimitExceeded(
            f"{display(goods_back_minor, order.currency)} are more than is left of the return {row.number}: its goods "
            f"are worth {display(worth, order.currency)}, {display(before, order.currency)} went back already.",
            hint=f"Refund at most {display(left, order.currency)} for it; anything else is a refund without the rma.",
            field="rma",
            details={"worth_minor": worth, "refunded_minor": before, "remaining_minor": left},
        )


async def require_not_awaited(store: Store, order: Order, quote: Quote, rules: OrderRules) -> None:
    """Raise StateConflict where a quoted line is on its way back: its return decides over the refund."""
    ids = sorted({one.line.id for one in quote.lines})
    found = await store.session.scalars(
        select(Return)
        .join(ReturnLine, ReturnLine.return_id == Return.id)
        .where(Return.order_id == order.id, Return.status.not_in(OVER), ReturnLine.order_line_id.in_(ids))
    )
    for row in found.unique():
        require_refundable_return(row, rules)


def require_left(order: Order, ledger: Ledger) -> None:
    """Raise StateConflict where an order has nothing to give back."""
    if ledger.remaining_minor <= 0:
        captured, refunded = (display(sum_, order.currency) for sum_ in (order.captured_minor, order.refunded_minor))
        raise StateConflict(
            f"Order {order.number} has nothing to refund: {captured} captured, {refunded} refunded.",
            hint="An unpaid order is ended with cancel_order.",
            details={"payment_status": order.payment_status},
        )


def _within_line(order: Order, line: OrderLine, amount: int, quoted: list[QuotedLine]) -> int:
    left = line.total_minor - line.refunded_minor - sum(one.amount_minor for one in quoted if one.line is line)
    if amount > left:
        raise LimitExceeded(
            f"Line {line.position} ({line.sku}) cannot be refunded by {display(amount, order.currency)}: "
            f"{display(max(left, 0), order.currency)} of {display(line.total_minor, order.currency)} is left.",
            hint="Refund fewer units, or an amount within what is left.",
            field="lines",
            details={"line": line.position, "remaining_minor": max(left, 0)},
        )
    return amount


def _sum_up(order: Order, lines: list[QuotedLine], ledger: Ledger, *, include_shipping: bool, fee_minor: int) -> Quote:
    goods = sum(one.amount_minor for one in lines)
    discount = share_of(order.discount_minor, goods, order.subtotal_minor)
    tax = share_of(order.tax_minor, goods, order.subtotal_minor)
    shipping = max(order.shipping_minor - ledger.shipping_refunded_minor(), 0) if include_shipping else 0
    fee = min(fee_minor, max(goods - discount + tax, 0))
    return Quote(lines, goods, discount, tax, shipping, fee, max(goods - discount + tax + shipping - fee, 0))


def _fee_left(row: Return | None, ledger: Ledger) -> int:
    if row is None:
        return 0
    taken = sum(refund.restocking_fee_minor for refund in ledger.refunds if refund.return_id == row.id)
    return max(row.fee_minor - taken, 0)


async def _units_of_return(store: Store, row: Return) -> Counter[str]:
    """Units a return may pay back: those that arrived, or all of them while nothing has."""
    units: Counter[str] = Counter()
    for line in await store.all(select(ReturnLine).where(ReturnLine.return_id == row.id)):
        counted = line.received > 0 or line.disposition == "missing"
        partly = row.status == "partially_received" or (row.status in REFUNDABLE and counted)
        units[line.order_line_id] += line.received if partly else line.quantity
    if not units:
        raise InvalidArgument(f"The return {row.number} has no lines.", field="rma")
    return units
