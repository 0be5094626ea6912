"""Rows that hang on an imported order: refunds, and units that left together."""

from collections.abc import Sequence
from datetime import datetime

from tradepost.commerce.logistics.models import Fulfillment, FulfillmentLine
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.payments.models import Payment, Refund
from tradepost.commerce.transfer.sheets.draft import Draft
from tradepost.foundation.ids import new_id

REASON = "imported"


def new_refund(order: Order, payment: Payment, sequence: int, amount_minor: int, at: datetime) -> Refund:
    """Money that went back out of a payment. The payment's own sum is the caller's."""
    return Refund(
        id=new_id(Refund.prefix),
        number=f"{order.number}/R{sequence}",
        order_id=order.id,
        payment_id=payment.id,
        sequence=sequence,
        method_id=payment.method_id,
        reason=REASON,
        currency=order.currency,
        amount_minor=amount_minor,
        lines_minor=amount_minor,
        refunded_at=at,
        created_at=at,
    )


def add_fulfillment(order: Order, sequence: int, shipped: Sequence[tuple[OrderLine, int]], draft: Draft) -> None:
    """Units that left together, in whichever parcels: tracking events bring those."""
    packed = Fulfillment(
        id=new_id(Fulfillment.prefix), order_id=order.id, sequence=sequence, location_id=order.warehouse_id
    )
    draft.add(2, packed, final=True)
    for position, (line, quantity) in enumerate(shipped, start=1):
        packed_line = FulfillmentLine(
            id=new_id(FulfillmentLine.prefix),
            fulfillment_id=packed.id,
            position=position,
            order_line_id=line.id,
            variant_id=line.variant_id,
            quantity=quantity,
        )
        draft.add(3, packed_line, final=True)
