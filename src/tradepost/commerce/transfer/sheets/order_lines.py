"""The lines of an imported order: what was sold, and how much of it has shipped."""

from collections.abc import Sequence
from dataclasses import dataclass

from tradepost.commerce.catalog.models import Variant
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.transfer.sheets.kind import Refused, minor, positive, required, units
from tradepost.commerce.transfer.sheets.order_known import KnownOrders
from tradepost.commerce.transfer.sheets.order_rows import OrderRecord
from tradepost.commerce.transfer.sheets.reading import Row
from tradepost.foundation.ids import new_id

_ALL = ("fulfilled",)
_NONE = ("unfulfilled", "in_progress", "on_hold", "scheduled", "request_declined", "restocked")


@dataclass(slots=True)
class Sold:
    """A line as its row says, in units of its variant."""

    row: Row
    variant: Variant
    name: str
    quantity: int
    shipped: int
    delivered: int
    unit_price_minor: int

    @property
    def total_minor(self) -> int:
        """Price per whole unit times quantity."""
        return int(self.unit_price_minor * self.quantity // 10**self.variant.quantity_scale)


def sold_lines(record: OrderRecord, known: KnownOrders) -> list[Sold]:
    """The lines of a record. Raises Refused for an unknown SKU, a quantity of zero, or states that contradict."""
    found = []
    state = record.get("fulfillment_status")
    for row in record.lines:
        sku = required(row, "line_sku")
        variant = known.variants.get(sku)
        if variant is None:
            raise Refused(row, "line_sku", "is no SKU of the shop: import its product first")
        if variant.currency != record.currency:
            raise Refused(row, "line_price", f"is in {record.currency}; the variant is priced in {variant.currency}")
        quantity = positive(row, "line_quantity", variant.quantity_scale)
        required(row, "line_price")
        shipped = _shipped(row, state, quantity, variant.quantity_scale)
        delivered = shipped if record.get("delivered_at") else 0
        name = row.get("line_name") or known.product_names.get(variant.product_id) or sku
        price = minor(row, "line_price", record.currency) or 0
        found.append(Sold(row, variant, name, quantity, shipped, delivered, price))
    left = [one.quantity - one.shipped for one in found]
    if state in _ALL and any(left):
        raise Refused(record.row, "fulfillment_status", "is fulfilled, and a line of the order is not")
    if state == "partially_fulfilled" and (not any(left) or not any(one.shipped for one in found)):
        what = "nothing of it has" if any(left) else "all of it has"
        raise Refused(record.row, "fulfillment_status", f"is partial, and by its lines {what} shipped")
    return found


def _shipped(row: Row, state: str | None, quantity: int, scale: int) -> int:
    """Units of a line that have left: as many as it says, else as its status or the order's says."""
    status = row.get("line_status")
    if row.get("line_shipped") is not None:
        shipped = units(row, "line_shipped", scale)
        if shipped > quantity:
            raise Refused(row, "line_shipped", "is more than was ordered")
        if (status == "fulfilled") != (shipped == quantity) and status is not None:
            raise Refused(row, "line_shipped", f"does not fit a line that is {status}")
    elif status == "partial":
        raise Refused(row, "line_status", "is partial: add a column line_shipped that says how many have left")
    elif status is not None:
        shipped = quantity if status == "fulfilled" else 0
    else:
        shipped = quantity if state in _ALL else 0
    if shipped and state in _NONE:
        raise Refused(row, "line_status", f"says that units have shipped, and the order is {state}")
    return shipped


def fulfillment_status(record: OrderRecord, sold: Sequence[Sold]) -> str:
    """The order's fulfillment status: as the file says, else as its lines say."""
    said = record.get("fulfillment_status")
    if said is not None:
        return str(said)
    if all(one.shipped == one.quantity for one in sold):
        return "fulfilled"
    return "partially_fulfilled" if any(one.shipped for one in sold) else "unfulfilled"


def line_status(quantity: int, shipped: int) -> str:
    """A line's status by what has left."""
    return "fulfilled" if shipped == quantity else "partial" if shipped else "processing"


def new_line(order: Order, position: int, sold: Sold) -> OrderLine:
    """A line of a new order."""
    variant = sold.variant
    return OrderLine(
        id=new_id(OrderLine.prefix),
        order_id=order.id,
        placed_at=order.placed_at,
        position=position,
        variant_id=variant.id,
        product_id=variant.product_id,
        sku=variant.sku,
        name=sold.name,
        options=variant.options,
        unit=variant.unit,
        quantity_scale=variant.quantity_scale,
        quantity=sold.quantity,
        fulfilled=sold.shipped,
        shipped=sold.shipped,
        delivered=sold.delivered,
        unit_price_minor=sold.unit_price_minor,
        total_minor=sold.total_minor,
        status=line_status(sold.quantity, sold.shipped),
    )
