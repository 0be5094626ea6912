"""Orders that the store has already: an import takes over what has happened since, and takes nothing back.

Payments, refunds, shipped units, a cancellation, a delivery and a new address before packing are followed. What the
store knows beyond the file stays: it happened later. Lines and sums are those of the sale and have to agree.
"""

from collections.abc import Sequence
from typing import Any

from tradepost.commerce.inventory.models import StockLevel
from tradepost.commerce.inventory.stock import release_commitment, ship
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.orders.states import ORDER_TRANSITIONS
from tradepost.commerce.payments.ledger import left_in, payment_status_of
from tradepost.commerce.payments.models import Payment
from tradepost.commerce.store.rows import label_of
from tradepost.commerce.store.states import require_step
from tradepost.commerce.store.store import Store
from tradepost.commerce.transfer.sheets.draft import Deed, Draft
from tradepost.commerce.transfer.sheets.kind import Ground, Refused
from tradepost.commerce.transfer.sheets.order_known import KnownOrders
from tradepost.commerce.transfer.sheets.order_lines import Sold, line_status
from tradepost.commerce.transfer.sheets.order_parts import add_fulfillment, new_refund
from tradepost.commerce.transfer.sheets.order_rows import Money, OrderRecord
from tradepost.foundation.ids import new_id
from tradepost.foundation.money import display

_UNPAID = ("pending", "authorized", "voided", "expired")  # in the order in which they may follow each other
_OPEN = ("pending", "open", "on_hold")


def follow(
    ground: Ground,
    known: KnownOrders,
    order: Order,
    record: OrderRecord,
    sold: Sequence[Sold],
    money: Money,
    draft: Draft,
) -> None:
    """Plan what the file knows beyond the store. Raises Refused or StateConflict."""
    lines = sorted(
        (row for row in known.lines.get(order.id, []) if row.status != "removed"), key=lambda row: row.position
    )
    edited = order.item_edits > 0
    if not edited:  # items edited here are later than the file
        _require_same_sale(order, record, lines, sold, money)
        _shipped(known, order, record, lines, sold, draft)
    _money(ground, known, order, record, money, draft)
    _address(order, record, lines, draft)
    _canceled(ground, known, order, record, lines, draft)
    if not edited:
        _delivered(ground, order, record, lines, sold, draft)
    named = {name: record.get(name) for name in ("promised_to", "po_number") if record.get(name) is not None}
    if order.external_id is None:
        named["external_id"] = record.external_id
    draft.change(order, **named)
    if draft.verdict != "unchanged":
        draft.emit("order:updated", order, source="import")


def _require_same_sale(
    order: Order, record: OrderRecord, lines: Sequence[OrderLine], sold: Sequence[Sold], money: Money
) -> None:
    here = [(line.sku, line.quantity, line.unit_price_minor) for line in lines]
    there = [(one.variant.sku, one.quantity, one.unit_price_minor) for one in sold]
    if sorted(here) != sorted(there):
        listed = ", ".join(f"{quantity} x {sku}" for sku, quantity, _ in here[:6])
        why = f"the shop has the order with other lines or prices ({listed}); an import does not change what was sold"
        raise Refused(record.row, "number", why)
    if order.total_minor != money.total:
        raise Refused(
            record.row, "total", f"is not that of the shop's order, {display(order.total_minor, order.currency)}"
        )


def _money(ground: Ground, known: KnownOrders, order: Order, record: OrderRecord, money: Money, draft: Draft) -> None:
    payments = sorted(known.payments.get(order.id, []), key=lambda row: row.sequence)
    taken = [row.sequence for row in payments] + [row.sequence for row in known.refunds.get(order.id, [])]
    sequence = 1 + max(taken, default=0)
    captured, refunded = order.captured_minor, order.refunded_minor
    held = [(payment, left_in(payment)) for payment in payments]
    if money.captured > captured:
        more = money.captured - captured
        held.append((_capture(ground, order, record, payments, sequence, more, draft), more))
        captured, sequence = money.captured, sequence + 1
    elif not captured and money.status in _UNPAID:
        _unpaid(order, payments, money, draft)
    back = money.refunded - refunded
    for payment, left in reversed(held):
        share = min(back, left)
        if share > 0:
            draft.set(payment, refunded_minor=payment.refunded_minor + share)
            at = ground.undated(record.get("paid_at") or record.placed_at)
            draft.add(3, new_refund(order, payment, sequence, share, at), final=True)
            back, sequence, refunded = back - share, sequence + 1, refunded + share
    if back > 0:
        why = f"is {display(back, order.currency)} more than the payments of the shop's order hold"
        raise Refused(record.row, "refunded", why)
    if (captured, refunded) != (order.captured_minor, order.refunded_minor):
        status = payment_status_of(order.total_minor, captured, refunded)
        draft.change(order, captured_minor=captured, refunded_minor=refunded, payment_status=status)


def _capture(
    ground: Ground,
    order: Order,
    record: OrderRecord,
    payments: Sequence[Payment],
    sequence: int,
    amount: int,
    draft: Draft,
) -> Payment:
    """Money that came in: by the payment that was promised, else by a new one. Raises Refused in the closed time."""
    ground.require_open(record.row, "paid_at")
    at = record.get("paid_at") or ground.undated(record.placed_at)
    for payment in payments:
        if payment.status == "authorized" and payment.amount_minor == amount:
            draft.change(payment, status="captured", captured_minor=amount, captured_at=at)
            return payment
    payment = Payment(
        id=new_id(Payment.prefix),
        number=f"{order.number}/P{sequence}",
        order_id=order.id,
        sequence=sequence,
        psp_reference=record.get("payment_reference"),
        status="captured",
        currency=order.currency,
        amount_minor=amount,
        captured_minor=amount,
        refunded_minor=0,
        authorized_at=at,
        captured_at=at,
        created_at=at,
    )
    draft.add(2, payment)
    return payment


def _unpaid(order: Order, payments: Sequence[Payment], money: Money, draft: Draft) -> None:
    """Nothing was taken, before and after: a promise may have been made, or given up."""
    if order.payment_status not in _UNPAID or _UNPAID.index(money.status) <= _UNPAID.index(order.payment_status):
        return
    draft.change(order, payment_status=money.status)
    for payment in payments:
        if payment.status == "authorized" and money.status in ("voided", "expired"):
            draft.change(payment, status=money.status)


def _shipped(
    known: KnownOrders,
    order: Order,
    record: OrderRecord,
    lines: Sequence[OrderLine],
    sold: Sequence[Sold],
    draft: Draft,
) -> None:
    """Units that have left since. The goods that were promised to the order leave its warehouse."""
    gone: list[tuple[OrderLine, int]] = []
    for line, one in zip(_ordered(lines), _ordered_sold(sold), strict=True):
        more = one.shipped - line.shipped
        if more > 0:
            gone.append((line, more))
            status = line_status(line.quantity, one.shipped)
            draft.change(line, fulfilled=max(line.fulfilled, one.shipped), shipped=one.shipped, status=status)
    if not gone:
        return
    if order.status not in _OPEN:
        raise Refused(
            record.row, "fulfillment_status", f"says that units have shipped; the shop's order is {order.status}"
        )
    sequences = [row.sequence for row in known.fulfillments.get(order.id, [])]
    add_fulfillment(order, 1 + max(sequences, default=0), gone, draft)
    left = sum(line.quantity - line.shipped for line in lines) - sum(count for _, count in gone)
    draft.change(
        order,
        fulfillment_status="partially_fulfilled" if left else "fulfilled",
        picked_at=order.picked_at or record.get("fulfilled_at") or record.placed_at,
    )
    for line, count in gone:
        level = known.levels.get((line.sku, order.warehouse_id or ""))
        if level is not None and level.committed:
            draft.do(_leaves(level, count, order.number), f"{label_of(level)}: units leave")


def _leaves(level: StockLevel, count: int, number: str) -> Deed:
    def deed(store: Store) -> None:
        if held := min(count, level.committed):
            ship(store, level, held, number)

    return deed


def _stays(level: StockLevel, count: int, number: str) -> Deed:
    def deed(store: Store) -> None:
        if held := min(count, level.committed):
            release_commitment(store, level, held, number, "Order canceled")

    return deed


def _address(order: Order, record: OrderRecord, lines: Sequence[OrderLine], draft: Draft) -> None:
    """A new address, as long as nothing is packed."""
    if record.address is None or order.picked_at is not None or order.status not in _OPEN:
        return
    if not any(max(line.fulfilled, line.shipped) for line in lines):
        draft.change(order, shipping_address={**order.shipping_address, **record.address})


def _canceled(
    ground: Ground,
    known: KnownOrders,
    order: Order,
    record: OrderRecord,
    lines: Sequence[OrderLine],
    draft: Draft,
) -> None:
    at = record.get("canceled_at")
    if at is None or order.status in ("canceled", "archived"):
        return
    require_step(order, "canceled", ORDER_TRANSITIONS)
    if any(line.shipped for line in lines):
        raise Refused(record.row, "canceled_at", "is a time, and units of the shop's order have shipped")
    ground.require_open(record.row, "canceled_at")
    draft.change(
        order,
        status="canceled",
        canceled_at=at,
        cancel_reason=record.get("cancel_reason"),
        fulfillment_status=record.get("fulfillment_status") or order.fulfillment_status,
    )
    for line in lines:
        level = known.levels.get((line.sku, order.warehouse_id or ""))
        if level is not None and level.committed:
            draft.do(_stays(level, line.quantity, order.number), f"{label_of(level)}: units released")


def _delivered(
    ground: Ground,
    order: Order,
    record: OrderRecord,
    lines: Sequence[OrderLine],
    sold: Sequence[Sold],
    draft: Draft,
) -> None:
    at = record.get("delivered_at")
    if at is None or order.delivered_at is not None or order.status not in _OPEN:
        return
    ground.require_open(record.row, "delivered_at")
    values: dict[str, Any] = {}
    for line, one in zip(_ordered(lines), _ordered_sold(sold), strict=True):
        if one.delivered > line.delivered:
            draft.change(line, delivered=one.delivered)
    if all(one.delivered == one.quantity for one in sold):
        require_step(order, "completed", ORDER_TRANSITIONS)
        values = {"status": "completed", "delivered_at": at}
    draft.change(order, **values)


def _ordered(lines: Sequence[OrderLine]) -> list[OrderLine]:
    return sorted(lines, key=lambda line: (line.sku, line.quantity, line.unit_price_minor, line.position))


def _ordered_sold(sold: Sequence[Sold]) -> list[Sold]:
    return sorted(sold, key=lambda one: (one.variant.sku, one.quantity, one.unit_price_minor, one.row.number))
