"""What came of an order once it had arrived: a return with its refund, a claim, a dispute. All of it is settled."""

from tradepost.commerce.demo.policies import RETURN_WINDOW_DAYS
from tradepost.commerce.demo.volume.fates import HOUR
from tradepost.commerce.demo.volume.sheets import DAY, as_json
from tradepost.commerce.demo.volume.stock import Shelf
from tradepost.commerce.demo.volume.telling import Pen, Told

CLAIM_SHARE, DISPUTE_SHARE = 0.002, 0.0005
_REASONS = ("unwanted", "color", "style", "size_too_large", "size_too_small")


def tell_return(pen: Pen, told: Told, shelf: Shelf) -> None:
    """One piece came back, was put on the shelf again and paid back by bank transfer."""
    arrived = told.fate.arrived
    if told.fate.kind != "returned" or arrived is None:
        return
    line = told.sent_back
    price, chance = line.goods.price_minor, pen.chance
    return_id, number = pen.numbers.id("rma"), pen.numbers.next("RMA-")
    reason = chance.choice(_REASONS)
    asked = arrived + chance.randrange(DAY, 4 * DAY)
    approved, received, closed = asked + 10 * HOUR, asked + 3 * DAY, asked + 4 * DAY
    asked_at, closed_at = pen.when(asked), pen.when(closed)
    pen.sheets["returns"].add(
        *(return_id, number, told.id, told.buyer.id, "closed", told.buyer.method_id, pen.ground.currency),
        *(told.warehouse.id, pen.when(arrived + RETURN_WINDOW_DAYS * DAY), asked_at, pen.when(approved)),
        *(pen.when(received), closed_at),
        as_json({"carrier": "dhl", "tracking_number": f"RET90{number[4:]}"}),
        *(asked_at, closed_at),
    )
    pen.sheets["return_lines"].add(
        *(pen.numbers.id("rml"), return_id, 1, line.id, line.goods.variant_id, line.goods.sku, 1, 1, reason),
        *("opened", "restock", asked_at, "closed", "refund", told.warehouse.id, asked_at, closed_at),
    )
    refund_id = pen.numbers.id("ref")
    pen.sheets["refunds"].add(
        *(refund_id, pen.numbers.next("REF-"), told.id, told.payment_id, return_id, 2, told.buyer.method_id),
        *(reason, pen.ground.currency, price, price, closed_at, closed_at, closed_at),
    )
    pen.sheets["refund_lines"].add(
        *(pen.numbers.id("rfl"), refund_id, line.id, 1, price, closed_at, closed_at),
    )
    shelf.restock(line.goods.sku, told.warehouse.id, 1, received, number)


def tell_trouble(pen: Pen, told: Told, shipment_id: str | None) -> None:
    """Now and then a claim that was denied, or a dispute that was won, all long closed."""
    arrived = told.fate.arrived
    if arrived is None or shipment_id is None or arrived > pen.now - 40 * DAY:
        return
    chance, currency = pen.chance, pen.ground.currency
    opened, closed = arrived + DAY, arrived + 30 * DAY
    if chance.random() < CLAIM_SHARE and pen.numbers.has("CLM-"):
        pen.sheets["claims"].add(
            *(pen.numbers.id("clm"), pen.numbers.next("CLM-"), "damage", "customer_claim", "closed", "customer"),
            *(told.id, shipment_id, None, told.buyer.id, currency, told.sent_back.total_minor, pen.when(opened)),
            *(pen.when(opened + 21 * DAY), pen.when(closed), pen.when(opened), pen.when(closed)),
        )
    if told.psp_reference and chance.random() < DISPUTE_SHARE and pen.numbers.has("DSP-"):
        pen.sheets["disputes"].add(
            *(pen.numbers.id("dsp"), pen.numbers.next("DSP-"), told.payment_id, told.id, "won", "fraudulent"),
            *(currency, told.total_minor, pen.when(opened), pen.when(opened + 10 * DAY), pen.when(opened)),
            pen.when(closed),
        )
