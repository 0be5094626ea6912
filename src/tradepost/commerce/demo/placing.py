"""Placing orders: lines, totals and, at the end, the statuses that follow from what happened to them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from tradepost.commerce.customers.models import Customer
from tradepost.commerce.demo.shop import Shop
from tradepost.commerce.orders.models import Order, OrderLine, OrderNote

FREE_SHIPPING_FROM = 5000
SHIPPING_MINOR = 495
BUSINESS_TAX_PERCENT = 21

Item = tuple[str, int]  # sku, quantity in the variant's smallest unit


@dataclass(frozen=True)
class Wish:
    """What a customer asked for, before it is an order."""

    number: str
    customer: Customer
    items: Sequence[Item]
    placed_at: datetime
    promised_to: datetime
    discount_minor: int = 0
    currency: str | None = None
    channel: str = "web"
    po_number: str | None = None
    warehouse: str | None = None


def convert(amount_minor: int, currency: str) -> int:
    """A price of the euro catalog in another currency, rounded to a price one would print."""
    if currency == "JPY":
        return round(amount_minor * 1.65 / 10) * 10
    if currency == "KWD":
        return round(amount_minor * 3.35 / 50) * 50
    return amount_minor


def place(shop: Shop, wish: Wish) -> Order:
    """The order with its lines. Prices include tax for private customers; companies see it apart."""
    customer = wish.customer
    currency = wish.currency or shop.flavor.currency
    place_code = wish.warehouse or shop.homes[customer.id].code
    order = shop.draft.add(
        Order,
        number=wish.number,
        customer_id=customer.id,
        currency=currency,
        placed_at=wish.placed_at,
        promised_from=wish.promised_to.replace(hour=max(wish.promised_to.hour - 8, 0)),
        promised_to=wish.promised_to,
        warehouse_id=shop.locations[place_code].id,
        channel=wish.channel,
        po_number=wish.po_number,
        shipping_address={**customer.address, "name": f"{customer.first_name} {customer.last_name}"},
        created_at=wish.placed_at,
    )
    shop.orders[order.number] = order
    for position, (sku, quantity) in enumerate(wish.items, start=1):
        shop.lines[order.id].append(_line(shop, order, position, sku, quantity))
    order.subtotal_minor = sum(line.total_minor for line in shop.lines[order.id])
    order.discount_minor = min(wish.discount_minor, order.subtotal_minor)
    if order.subtotal_minor < convert(FREE_SHIPPING_FROM, currency):
        order.shipping_minor = convert(SHIPPING_MINOR, currency)
    net = order.subtotal_minor - order.discount_minor + order.shipping_minor
    if customer.kind == "business":
        order.tax_minor = (net * BUSINESS_TAX_PERCENT + 50) // 100
    order.total_minor = net + order.tax_minor
    return order


def _line(shop: Shop, order: Order, position: int, sku: str, quantity: int) -> OrderLine:
    variant = shop.variants[sku]
    price = convert(variant.price_minor, order.currency)
    return shop.draft.add(
        OrderLine,
        order_id=order.id,
        position=position,
        variant_id=variant.id,
        product_id=variant.product_id,
        sku=sku,
        name=shop.product_names[sku],
        options=variant.options,
        unit=variant.unit,
        quantity_scale=variant.quantity_scale,
        quantity=quantity,
        unit_price_minor=price,
        total_minor=price * quantity // 10**variant.quantity_scale,
        created_at=order.placed_at,
    )


def note(shop: Shop, order: Order, body: str, at: datetime, *, author: str = "", kind: str = "staff") -> None:
    """A note at an order; of kind customer it is text from outside."""
    shop.draft.add(
        OrderNote, order_id=order.id, author_kind=kind, author=author or "ops@shop", body=body, created_at=at
    )


def settle(shop: Shop) -> None:
    """Derive every order's statuses, sums and sequence from its lines and payments."""
    orders = list(shop.orders.values())
    for order in orders:
        payments = shop.payments[order.id]
        order.captured_minor = sum(payment.captured_minor for payment in payments)
        order.refunded_minor = sum(payment.refunded_minor for payment in payments)
        order.payment_status = _payment_status(order, {payment.status for payment in payments})
        for line in shop.lines[order.id]:
            if line.fulfilled:
                line.status = "fulfilled" if line.fulfilled == line.quantity else "partial"
        order.fulfillment_status = _fulfillment_status(order, shop.lines[order.id])
        moments = (order.placed_at, order.picked_at, order.delivered_at, order.canceled_at)
        order.updated_at = max(moment for moment in moments if moment is not None)
    by_customer = sorted(orders, key=lambda order: (order.customer_id, order.placed_at, order.number))
    for _, group in groupby(by_customer, key=lambda order: order.customer_id):
        for position, order in enumerate(group):
            order.customer_position = position


def _payment_status(order: Order, states: set[str]) -> str:
    if order.refunded_minor:
        return "refunded" if order.refunded_minor == order.captured_minor else "partially_refunded"
    if order.captured_minor:
        return "paid" if order.captured_minor >= order.total_minor else "partially_paid"
    for state in ("authorized", "voided", "expired"):
        if state in states:
            return state
    return "pending"


def _fulfillment_status(order: Order, lines: Iterable[OrderLine]) -> str:
    left = [line.quantity - line.fulfilled for line in lines]
    if not any(left):
        return "fulfilled"
    if any(line.fulfilled for line in lines):
        return "partially_fulfilled"
    if order.status == "canceled":
        return "restocked" if order.picked_at else "unfulfilled"
    if order.status == "on_hold":
        return "on_hold"
    return "in_progress" if order.picked_at else "unfulfilled"
