"""Payments and refunds of orders."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from tradepost.commerce.customers.models import PaymentMethod
from tradepost.commerce.demo.shop import Shop
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.payments.models import Payment, Refund, RefundLine
from tradepost.commerce.returns.models import Return

PROVIDER_TYPES = ("credit_card", "paypal")  # these run through the payment provider and appear in its payouts
AUTHORIZATION_DAYS = 7


def method_of(shop: Shop, order: Order, kind: str | None = None) -> PaymentMethod:
    """The customer's first method, or their first of a kind."""
    methods = shop.methods[order.customer_id]
    return next((method for method in methods if method.type == kind), methods[0])


def pay(
    shop: Shop,
    order: Order,
    *,
    kind: str | None = None,
    amount_minor: int | None = None,
    captured: bool = True,
    status: str | None = None,
    at: datetime | None = None,
) -> Payment:
    """A payment for the order, for all that is still open unless an amount is given."""
    method = method_of(shop, order, kind)
    amount = amount_minor
    if amount is None:
        amount = order.total_minor - sum(payment.amount_minor for payment in shop.payments[order.id])
    when = at or order.placed_at + timedelta(minutes=1)
    number = shop.draft.number("PAY-", 50_000)
    provider = method.type in PROVIDER_TYPES
    payment = shop.draft.add(
        Payment,
        number=number,
        order_id=order.id,
        sequence=_next_sequence(shop, order),
        method_id=method.id,
        psp_reference=f"ch_{shop.draft.token('psp', int(number[4:]), 16)}" if provider else None,
        status=status or ("captured" if captured else "authorized"),
        currency=order.currency,
        amount_minor=amount,
        captured_minor=amount if captured else 0,
        authorized_at=when if status is None else None,
        auth_expires_at=when + timedelta(days=AUTHORIZATION_DAYS) if not captured and status is None else None,
        captured_at=when if captured else None,
        created_at=when,
    )
    shop.payments[order.id].append(payment)
    return payment


def refund(
    shop: Shop,
    order: Order,
    lines: Sequence[tuple[OrderLine, int]],
    at: datetime,
    reason: str,
    *,
    return_row: Return | None = None,
    shipping_minor: int = 0,
) -> Refund:
    """Pay back these (line, quantity) and, if given, shipping, out of the order's last payment."""
    payment = shop.payments[order.id][-1]
    amounts = [(line, count, line.unit_price_minor * count // 10**line.quantity_scale) for line, count in lines]
    lines_minor = sum(amount for _, _, amount in amounts)
    amount = lines_minor + shipping_minor
    number = shop.draft.number("REF-", 8000)
    row = shop.draft.add(
        Refund,
        number=number,
        order_id=order.id,
        payment_id=payment.id,
        return_id=return_row.id if return_row else None,
        sequence=_next_sequence(shop, order),
        method_id=payment.method_id,
        psp_reference=f"re_{shop.draft.token('refund', int(number[4:]), 16)}" if payment.psp_reference else None,
        reason=reason,
        currency=order.currency,
        amount_minor=amount,
        lines_minor=lines_minor,
        shipping_minor=shipping_minor,
        refunded_at=at,
        created_at=at,
    )
    payment.refunded_minor += amount
    payment.updated_at = at
    for line, count, line_amount in amounts:
        line.refunded_minor += line_amount
        shop.draft.add(
            RefundLine,
            refund_id=row.id,
            order_line_id=line.id,
            quantity=count,
            amount_minor=line_amount,
            created_at=at,
        )
    return row


def _next_sequence(shop: Shop, order: Order) -> int:
    refunds = sum(row.order_id == order.id for row in shop.draft.rows(Refund))
    return 1 + len(shop.payments[order.id]) + refunds
