"""What purchase orders and their lines look like to callers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NotRequired

from typing_extensions import TypedDict

from tradepost.commerce.purchasing.models import PurchaseOrder, PurchaseOrderLine, Supplier
from tradepost.commerce.purchasing.states import ARRIVED_ORDERS, ARRIVING_ORDERS
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.money import MoneyView, money
from tradepost.foundation.untrusted import clean

DetailName = Literal["summary", "standard", "full"]
LINES_SHOWN = 50


class PurchaseLineView(TypedDict):
    """A line. ordered = received + rejected + outstanding or short: outstanding while the order is open, short once
    goods of it have come without these units."""

    id: str
    version: int
    sku: str
    ordered: int
    received: int
    rejected: int
    outstanding: int
    short: int
    unit_cost: NotRequired[MoneyView]


class PurchaseOrderView(TypedDict):
    """A purchase order. `overdue`: its ETA has passed and goods are still to come."""

    id: str
    number: str
    version: int
    status: str
    supplier_id: str
    supplier: str
    warehouse_id: str
    warehouse: str
    eta: str | None
    overdue: bool
    days_overdue: int
    total: MoneyView
    outstanding_skus: NotRequired[list[str]]
    ordered_at: NotRequired[str | None]
    confirmed_at: NotRequired[str | None]
    received_at: NotRequired[str | None]
    reason: NotRequired[str | None]
    lines: NotRequired[list[PurchaseLineView]]


def line_view(line: PurchaseOrderLine, order: PurchaseOrder) -> PurchaseLineView:
    """A line with what is still to come and what is missing."""
    left = max(line.ordered - line.received - line.rejected, 0)
    return {
        "id": line.id,
        "version": line.version,
        "sku": line.sku,
        "ordered": line.ordered,
        "received": line.received,
        "rejected": line.rejected,
        "outstanding": left if order.status in ARRIVING_ORDERS else 0,
        "short": left if order.status in ARRIVED_ORDERS else 0,
        "unit_cost": money(line.unit_cost_minor, order.currency),
    }


def order_view(
    order: PurchaseOrder,
    supplier: Supplier,
    warehouse: str,
    lines: Sequence[PurchaseOrderLine],
    now: datetime,
    detail: DetailName,
) -> PurchaseOrderView:
    """A purchase order in the detail asked for; `warehouse` is the code of its target."""
    late = is_overdue(order, now)
    view: PurchaseOrderView = {
        "id": order.id,
        "number": order.number,
        "version": order.version,
        "status": order.status,
        "supplier_id": order.supplier_id,
        "supplier": clean(supplier.name, 80),
        "warehouse_id": order.location_id,
        "warehouse": warehouse,
        "eta": _time(order.eta),
        "overdue": late,
        "days_overdue": (now - order.eta).days if late and order.eta else 0,
        "total": money(order.total_minor, order.currency),
    }
    if detail == "summary":
        return view
    shown = [line_view(line, order) for line in lines[:LINES_SHOWN]]
    view["outstanding_skus"] = [line["sku"] for line in shown if line["outstanding"]]
    view["ordered_at"] = _time(order.ordered_at)
    if detail == "full":
        view["confirmed_at"] = _time(order.confirmed_at)
        view["received_at"] = _time(order.received_at)
        view["reason"] = None if order.reason is None else clean(order.reason, 300)
        view["lines"] = shown
    return view


def is_overdue(order: PurchaseOrder, now: datetime) -> bool:
    """Whether goods should have come and have not."""
    return order.status in ARRIVING_ORDERS and order.eta is not None and order.eta < now


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else to_rfc3339(moment)
