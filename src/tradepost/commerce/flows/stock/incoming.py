"""What is on its way to a location: purchase orders and transfers, with the units still to come and when."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from typing_extensions import TypedDict

from tradepost.commerce.inventory.cover import amount_text
from tradepost.commerce.inventory.models import Transfer, TransferLine
from tradepost.commerce.inventory.states import OPEN_TRANSFERS
from tradepost.commerce.purchasing.models import PurchaseOrder, PurchaseOrderLine
from tradepost.commerce.purchasing.states import OPEN_ORDERS
from tradepost.commerce.store.store import Store
from tradepost.foundation.clock import to_rfc3339


@dataclass(frozen=True, slots=True)
class Incoming:
    """Units of a sku that a purchase order or a transfer still brings to a location. A draft brings nothing yet."""

    kind: str
    record_id: str
    number: str
    status: str
    sku: str
    location_id: str
    quantity: int
    eta: datetime | None

    @property
    def is_draft(self) -> bool:
        return self.status == "draft"

    def sentence(self, now: datetime, scale: int = 0, unit: str = "C62") -> str:
        """ "PO-1001 (ordered) brings 40, due 2026-03-09"."""
        due = ", no date"
        if self.eta is not None:
            due = f", OVERDUE since {self.eta:%Y-%m-%d}" if self.eta < now else f", due {self.eta:%Y-%m-%d}"
        return f"{self.number} ({self.status}) brings {amount_text(self.quantity, scale, unit)}{due}"


class IncomingView(TypedDict):
    """Units on their way to a warehouse."""

    kind: str
    id: str
    number: str
    status: str
    warehouse: str
    quantity: int
    eta: str | None
    overdue: bool


async def incoming_of(
    store: Store, skus: Collection[str], location_ids: Collection[str] | None = None
) -> list[Incoming]:
    """All that is still to come of these skus, the soonest first, drafts of purchase orders included."""
    if not skus:
        return []
    open_lines = (
        select(PurchaseOrder, PurchaseOrderLine)
        .join(
            PurchaseOrderLine,
            (PurchaseOrderLine.workspace_id == PurchaseOrder.workspace_id)
            & (PurchaseOrderLine.purchase_order_id == PurchaseOrder.id),
        )
        .where(PurchaseOrderLine.sku.in_(sorted(skus)), PurchaseOrder.status.in_(OPEN_ORDERS))
    )
    moving = (
        select(Transfer, TransferLine)
        .join(
            TransferLine,
            (TransferLine.workspace_id == Transfer.workspace_id) & (TransferLine.transfer_id == Transfer.id),
        )
        .where(TransferLine.sku.in_(sorted(skus)), Transfer.status.in_(OPEN_TRANSFERS))
    )
    if location_ids is not None:
        open_lines = open_lines.where(PurchaseOrder.location_id.in_(sorted(location_ids)))
        moving = moving.where(Transfer.to_location_id.in_(sorted(location_ids)))
    found = [
        Incoming(
            *("purchase_order", order.id, order.number, order.status, line.sku, order.location_id),
            line.ordered - line.received - line.rejected,
            order.eta,
        )
        for order, line in await store.session.execute(open_lines)
    ]
    found += [
        Incoming(
            *("transfer", transfer.id, transfer.number, transfer.status, line.sku, transfer.to_location_id),
            line.quantity - line.received,
            transfer.eta,
        )
        for transfer, line in await store.session.execute(moving)
    ]
    return sorted(
        (item for item in found if item.quantity > 0),
        key=lambda item: (item.eta is None, item.eta or store.now, item.number),
    )


def incoming_view(item: Incoming, warehouse: str, now: datetime) -> IncomingView:
    """The view of what is on its way; `warehouse` is the code of its target."""
    return {
        "kind": item.kind,
        "id": item.record_id,
        "number": item.number,
        "status": item.status,
        "warehouse": warehouse,
        "quantity": item.quantity,
        "eta": None if item.eta is None else to_rfc3339(item.eta),
        "overdue": item.eta is not None and item.eta < now and not item.is_draft,
    }


def arriving(items: Iterable[Incoming], sku: str, location_id: str) -> list[Incoming]:
    """Those for one sku at one location."""
    return [item for item in items if item.sku == sku and item.location_id == location_id]
