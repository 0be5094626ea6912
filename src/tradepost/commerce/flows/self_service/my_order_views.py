"""An order as its buyer sees it: what was bought, what it cost, where it is. Nothing of how the shop works inside, no
street, no words of others.

A TypedDict's docstring would go into the published output schema, which has to stay small: comments say it here."""

from collections.abc import Sequence
from typing import Required

from typing_extensions import TypedDict

from tradepost.commerce.customers.models import PaymentMethod
from tradepost.commerce.flows.orders.late_facts import ShipmentFact
from tradepost.commerce.flows.settling.settlement import method_words
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.orders.views import NAME_CAP, current_quantity
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.money import MoneyView, money, shown
from tradepost.foundation.untrusted import clean

_SHIP_TO = ("city", "region", "postal_code", "country")


# Something bought, in short.
class MyItem(TypedDict):
    sku: str
    name: str
    quantity: int


# An order in a list; the keys that `detail` or `fields` leave out are not there.
class MyOrderRow(TypedDict, total=False):
    id: Required[str]
    number: str
    status: str
    payment_status: str
    fulfillment_status: str
    placed_at: str
    total: MoneyView
    promised_to: str | None
    delivered_at: str | None
    items: list[MyItem]


# A line: how many were ordered, came, and are asked back. In units of 10^-quantity_scale of `unit` for measured goods.
class MyLine(TypedDict, total=False):
    line: int
    sku: str
    name: str
    options: dict[str, str]
    quantity: int
    delivered: int
    return_requested: int
    unit: str
    quantity_scale: int
    unit_price: MoneyView
    total: MoneyView


# The order's sums in minor units of its currency, and ready to show.
class MyTotals(TypedDict):
    currency: str
    subtotal_minor: int
    discount_minor: int
    shipping_minor: int
    tax_minor: int
    total_minor: int
    refunded_minor: int
    display: dict[str, str]


# A parcel in short.
class MyParcel(TypedDict):
    number: str
    status: str
    carrier: str | None
    tracking_number: str | None
    eta: str | None
    delivered_at: str | None


def my_order_row(order: Order, detail: str, lines: Sequence[OrderLine]) -> MyOrderRow:
    """An order in a list. `lines` are those of the order."""
    row: MyOrderRow = {
        "id": order.id,
        "number": order.number,
        "status": order.status,
        "payment_status": order.payment_status,
        "fulfillment_status": order.fulfillment_status,
        "placed_at": to_rfc3339(order.placed_at),
        "total": money(order.total_minor, order.currency),
    }
    if detail != "summary":
        row["promised_to"] = to_rfc3339(order.promised_to) if order.promised_to else None
        row["delivered_at"] = to_rfc3339(order.delivered_at) if order.delivered_at else None
    if detail == "full":
        row["items"] = [
            {"sku": line.sku, "name": clean(line.name, NAME_CAP), "quantity": current_quantity(line)} for line in lines
        ]
    return row


def my_line(line: OrderLine, currency: str) -> MyLine:
    """A line in full."""
    view: MyLine = {
        "line": line.position,
        "sku": line.sku,
        "name": clean(line.name, NAME_CAP),
        "options": {str(name): clean(str(value), NAME_CAP) for name, value in line.options.items()},
        "quantity": current_quantity(line),
        "delivered": line.delivered,
        "return_requested": line.return_requested,
        "unit_price": money(line.unit_price_minor, currency),
        "total": money(line.total_minor, currency),
    }
    if line.quantity_scale:
        view["unit"], view["quantity_scale"] = line.unit, line.quantity_scale
    return view


def my_totals(order: Order) -> MyTotals:
    """The order's sums."""
    sums: MyTotals = {
        "currency": order.currency,
        "subtotal_minor": order.subtotal_minor,
        "discount_minor": order.discount_minor,
        "shipping_minor": order.shipping_minor,
        "tax_minor": order.tax_minor,
        "total_minor": order.total_minor,
        "refunded_minor": order.refunded_minor,
        "display": {},
    }
    sums["display"] = shown(order.currency, sums)
    return sums


def my_parcel(fact: ShipmentFact) -> MyParcel:
    """A parcel in short."""
    shipment = fact.shipment
    return {
        "number": shipment.number,
        "status": shipment.status,
        "carrier": clean(fact.carrier, NAME_CAP) if fact.carrier else None,
        "tracking_number": clean(shipment.tracking_number, NAME_CAP) if shipment.tracking_number else None,
        "eta": to_rfc3339(shipment.eta) if shipment.eta else None,
        "delivered_at": to_rfc3339(shipment.delivered_at) if shipment.delivered_at else None,
    }


def ship_to(order: Order) -> dict[str, str]:
    """Where the order goes, as far as it says nothing of the door: a token that gets lost gives no address away."""
    return {name: clean(str(order.shipping_address.get(name) or ""), NAME_CAP) for name in _SHIP_TO}


def paid_with(methods: Sequence[PaymentMethod]) -> list[str]:
    """ "visa ending 1234": the methods in words, each once."""
    return list(dict.fromkeys(method_words(method) for method in methods))
