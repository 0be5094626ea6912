"""What rows say of a purchase order, and whether it makes sense."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tradepost.commerce.catalog.models import Variant
from tradepost.commerce.inventory.models import Location, StockLevel
from tradepost.commerce.purchasing.models import PurchaseOrder, PurchaseOrderLine, Supplier
from tradepost.commerce.transfer.sheets.kind import Refused, minor, positive, required, units
from tradepost.commerce.transfer.sheets.named import Named
from tradepost.commerce.transfer.sheets.reading import Row

_NOTHING_CAME = ("draft", "ordered", "confirmed", "canceled")


@dataclass(slots=True)
class PurchaseRecord:
    """A purchase order as its rows say."""

    row: Row
    lines: Sequence[Row]
    number: str
    status: str


@dataclass(slots=True)
class Bought:
    """A line, in units of its variant."""

    row: Row
    variant: Variant
    ordered: int
    received: int
    rejected: int
    unit_cost_minor: int

    @property
    def outstanding(self) -> int:
        """Units that are still to come."""
        return self.ordered - self.received - self.rejected


@dataclass(slots=True)
class Purchases:
    """What the store knows of a batch's purchase orders."""

    variants: dict[str, Variant]
    suppliers: Named[Supplier]
    locations: Named[Location]
    orders: dict[str, PurchaseOrder]
    lines: dict[str, list[PurchaseOrderLine]] = field(default_factory=dict)
    levels: dict[tuple[str, str], StockLevel] = field(default_factory=dict)


def bought_line(row: Row, known: Purchases, currency_: str) -> Bought:
    variant = known.variants.get(row.get("sku"))
    if variant is None:
        raise Refused(row, "sku", "is no SKU of the shop: import its product first")
    scale = variant.quantity_scale
    ordered = positive(row, "quantity", scale)
    received = 0 if row.get("received") is None else units(row, "received", scale)
    rejected = 0 if row.get("rejected") is None else units(row, "rejected", scale)
    if received + rejected > ordered:
        why = f"is, with what was rejected, more than was ordered: {received} + {rejected} of {ordered}"
        raise Refused(row, "received", why)
    required(row, "unit_cost")
    return Bought(row, variant, ordered, received, rejected, minor(row, "unit_cost", currency_) or 0)


def require_sense(record: PurchaseRecord, bought: Sequence[Bought]) -> None:
    """Raise Refused where the status says something else than the lines."""
    came = next((one for one in bought if one.received or one.rejected), None)
    open_ = any(one.outstanding for one in bought)
    if came is not None and record.status in _NOTHING_CAME:
        raise Refused(came.row, "received", f"says that units came, and the order is {record.status}")
    if record.status == "partially_received" and (came is None or not open_):
        what = "nothing" if came is None else "everything"
        raise Refused(record.row, "status", f"is partially_received, and by its lines {what} has come")
