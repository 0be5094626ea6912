"""Returns from the request to the closing, and canceled orders."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tradepost.commerce.demo.money import refund
from tradepost.commerce.demo.policies import RETURN_WINDOW_DAYS
from tradepost.commerce.demo.shop import Shop
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.returns.models import Return, ReturnLine

# How far a return has come; each stage includes those before it.
STAGES = ("requested", "approved", "in_transit", "received", "inspected", "closed")
_BROKEN = ("defective", "damaged_in_transit")


@dataclass(frozen=True)
class Wanted:
    """One line of a return: how many of which order line, and why."""

    line: OrderLine
    reason: str
    quantity: int = 1
    customer_note: str | None = None


def send_back(
    shop: Shop,
    order: Order,
    wanted: Sequence[Wanted],
    requested_at: datetime,
    *,
    status: str = "requested",
    number: str | None = None,
    resolution: str = "refund",
    customer_note: str | None = None,
) -> Return:
    """A return in a status, with all that must have happened before it: label, receipt, inspection, refund."""
    stage = STAGES.index(status)
    delivered_at = order.delivered_at or order.placed_at
    days = 45 if any(item.line.sku.startswith("SHOE") for item in wanted) else RETURN_WINDOW_DAYS
    step = min(timedelta(days=2), (shop.now - requested_at) / 6)
    received_at = requested_at + 3 * step if stage >= 3 else None
    closed_at = requested_at + 5 * step if stage >= 5 else None
    row = shop.draft.add(
        Return,
        number=number or shop.draft.number("RMA-"),
        order_id=order.id,
        customer_id=order.customer_id,
        status=status,
        resolution=resolution,
        refund_method_id=shop.payments[order.id][-1].method_id if resolution == "refund" else None,
        currency=order.currency,
        location_id=order.warehouse_id,
        window_ends_at=delivered_at + timedelta(days=days),
        requested_at=requested_at,
        approved_at=requested_at + step if stage >= 1 else None,
        received_at=received_at,
        closed_at=closed_at,
        customer_note=customer_note,
        created_at=requested_at,
        updated_at=requested_at + stage * step,
    )
    if stage >= 1:
        token = shop.draft.token("label", int(row.number[4:]), 12)
        row.label = {"carrier": "dhl", "tracking_number": f"RET{token.upper()}"}
    for position, item in enumerate(wanted, start=1):
        _add_line(shop, row, item, position, stage)
    if closed_at is not None and resolution == "refund":
        refund(
            shop, order, [(item.line, item.quantity) for item in wanted], closed_at, wanted[0].reason, return_row=row
        )
    return row


def _add_line(shop: Shop, row: Return, item: Wanted, position: int, stage: int) -> None:
    broken = item.reason in _BROKEN
    line = shop.draft.add(
        ReturnLine,
        return_id=row.id,
        position=position,
        order_line_id=item.line.id,
        variant_id=item.line.variant_id,
        sku=item.line.sku,
        quantity=item.quantity,
        reason=item.reason,
        customer_note=item.customer_note,
        created_at=row.requested_at,
    )
    item.line.return_requested += item.quantity
    if stage >= STAGES.index("received"):
        line.received = item.quantity
        line.condition = "defective" if broken else "opened"
        item.line.return_received += item.quantity
    if stage >= STAGES.index("inspected"):
        line.disposition = "return_to_vendor" if broken else "restock"


def cancel(shop: Shop, order: Order, at: datetime, reason: str) -> None:
    """Cancel an unshipped order: its money goes back, or the authorization is voided."""
    order.status = "canceled"
    order.canceled_at = at
    order.cancel_reason = reason
    payment = shop.payments[order.id][-1]
    payment.updated_at = at
    if payment.status == "captured":
        parts = [(line, line.quantity) for line in shop.lines[order.id]]
        refund(shop, order, parts, at, reason, shipping_minor=order.shipping_minor)
    else:
        payment.status = "voided"
