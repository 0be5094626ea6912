"""What an order and its lines look like to a caller: references, counters, totals. Money and times in the shape of
every other tool; texts that a buyer could have typed are cleaned.

A TypedDict's docstring would go into the published output schema, which has to stay small: comments say it here."""

from collections.abc import Sequence
from typing import Any

from typing_extensions import TypedDict

from tradepost.commerce.orders.models import Order, OrderLine, OrderNote
from tradepost.commerce.store.store import Store
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.money import MoneyView, money, shown
from tradepost.foundation.outsiders import clean_name
from tradepost.foundation.untrusted import clean

NAME_CAP = 120
REASON_CAP = 200


class OrderRef(TypedDict):
    """An order as other records name it."""

    id: str
    number: str
    external_id: str | None
    status: str
    placed_at: str


# Where the units of a line are. All in units of 10^-quantity_scale of the line's unit.
class LineQuantity(TypedDict, total=False):
    ordered: int
    current: int
    fulfilled: int
    shipped: int
    delivered: int
    return_requested: int
    return_received: int
    written_off: int


# A line as it was sold, with its counters. `unit` and `quantity_scale` stand there for measured goods only.
class LineView(TypedDict, total=False):
    id: str
    position: int
    variant_id: str
    product_id: str
    sku: str
    name: str
    options: dict[str, str]
    quantity: LineQuantity
    unit: str
    quantity_scale: int
    unit_price: MoneyView
    total: MoneyView
    status: str


# total = subtotal - discount + shipping + tax; refundable = captured - refunded. In minor units of `currency`;
# `display` has each of them ready to show.
class Totals(TypedDict, total=False):
    currency: str
    subtotal_minor: int
    discount_minor: int
    shipping_minor: int
    tax_minor: int
    captured_minor: int
    refunded_minor: int
    refundable_minor: int
    total: MoneyView
    display: dict[str, str]


def order_ref(order: Order) -> OrderRef:
    """The reference to an order."""
    return {
        "id": order.id,
        "number": order.number,
        "external_id": order.external_id,
        "status": order.status,
        "placed_at": to_rfc3339(order.placed_at),
    }


def current_quantity(line: OrderLine) -> int:
    """Units the line still stands for: none once removed, else those ordered less those written off."""
    return 0 if line.status == "removed" else line.quantity - line.written_off


def outstanding_quantity(line: OrderLine) -> int:
    """Units that still have to be taken from the shelf."""
    return max(0, current_quantity(line) - max(line.fulfilled, line.shipped))


def line_quantity(line: OrderLine) -> LineQuantity:
    """The counters of a line."""
    return {
        "ordered": line.quantity,
        "current": current_quantity(line),
        "fulfilled": line.fulfilled,
        "shipped": line.shipped,
        "delivered": line.delivered,
        "return_requested": line.return_requested,
        "return_received": line.return_received,
        "written_off": line.written_off,
    }


def line_view(line: OrderLine, currency: str) -> LineView:
    """A line in full. `currency` is the order's."""
    view: LineView = {
        "id": line.id,
        "position": line.position,
        "variant_id": line.variant_id,
        "product_id": line.product_id,
        "sku": line.sku,
        "name": clean(line.name, NAME_CAP),
        "options": {
            str(name): clean_name(str(value), NAME_CAP, "an option of a line") for name, value in line.options.items()
        },
        "quantity": line_quantity(line),
        "unit_price": money(line.unit_price_minor, currency),
        "total": money(line.total_minor, currency),
        "status": line.status,
    }
    if line.quantity_scale:
        view["unit"] = line.unit
        view["quantity_scale"] = line.quantity_scale
    return view


def totals_view(order: Order) -> Totals:
    """The order's sums."""
    sums: Totals = {
        "currency": order.currency,
        "subtotal_minor": order.subtotal_minor,
        "discount_minor": order.discount_minor,
        "shipping_minor": order.shipping_minor,
        "tax_minor": order.tax_minor,
        "captured_minor": order.captured_minor,
        "refunded_minor": order.refunded_minor,
        "refundable_minor": order.captured_minor - order.refunded_minor,
        "total": money(order.total_minor, order.currency),
    }
    sums["display"] = shown(order.currency, sums)
    return sums


def units_text(quantity: int, scale: int, unit: str = "") -> str:
    """ "3", or "1.250 KGM" for a measured good."""
    if not scale:
        return str(quantity)
    whole, fraction = divmod(quantity, 10**scale)
    return f"{whole}.{fraction:0{scale}d} {unit}".rstrip()


def lines_text(lines: Sequence[LineView], most: int = 5) -> str:
    """ "2 x SKU-1, 1 x SKU-2 and 3 more lines"; removed lines are left out."""
    kept = [line for line in lines if line["status"] != "removed"]
    amounts = [(line["quantity"]["ordered"], line.get("quantity_scale", 0), line.get("unit", "")) for line in kept]
    shown = ", ".join(
        f"{units_text(*amount)} x {line['sku']}" for amount, line in list(zip(amounts, kept, strict=True))[:most]
    )
    more = len(kept) - most
    return f"{shown} and {more} more lines" if more > 0 else shown or "none"


def reason_text(reason: str | None) -> str | None:
    """A hold or cancel reason, short and clean."""
    return None if reason is None else clean_name(reason, REASON_CAP, "the reason of a hold or cancellation")


def note_view(store: Store, note: OrderNote) -> dict[str, Any]:
    """A note; whoever wrote it, its body may quote an outsider, so it is marked."""
    return {
        "id": note.id,
        "author_kind": note.author_kind,
        "author": clean(note.author, NAME_CAP),
        "at": to_rfc3339(note.created_at),
        "body": store.free_text(note.body, what="an order note"),
    }
