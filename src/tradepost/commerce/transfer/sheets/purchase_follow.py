"""Purchase orders that the store has already: an import takes over what has arrived since, and when the rest comes.

What the store knows beyond the file stays: it happened later. Lines and costs are those that were ordered.
"""

from collections.abc import Sequence
from typing import Any

from tradepost.commerce.catalog.models import Variant
from tradepost.commerce.inventory.models import Location, StockLevel
from tradepost.commerce.inventory.stock import empty_level, expect
from tradepost.commerce.purchasing.models import PurchaseOrder, Supplier
from tradepost.commerce.purchasing.states import ARRIVING_ORDERS, PURCHASE_ORDER
from tradepost.commerce.store.rows import label_of
from tradepost.commerce.store.store import Store
from tradepost.commerce.transfer.sheets.draft import Deed, Draft
from tradepost.commerce.transfer.sheets.kind import Ground, Refused
from tradepost.commerce.transfer.sheets.purchase_rows import Bought, PurchaseRecord, Purchases
from tradepost.commerce.transfer.sheets.reaching import reachable, why_not
from tradepost.commerce.transfer.sheets.reading import shown


def coming_in(known: Purchases, variant: Variant, location_id: str, quantity: int, draft: Draft) -> None:
    """Units more (or, negative, fewer) are on their way."""
    if not quantity or not variant.tracks_stock:
        return
    level = known.levels.get((variant.sku, location_id))
    if level is None:
        level = empty_level(variant_id=variant.id, sku=variant.sku, location_id=location_id)
        known.levels[variant.sku, location_id] = draft.add(1, level)
    draft.do(_expecting(level, quantity), f"{label_of(level)}: incoming {quantity:+,}")


def _expecting(level: StockLevel, quantity: int) -> Deed:
    def deed(_store: Store) -> None:
        expect(level, quantity)

    return deed


def follow(
    ground: Ground,
    known: Purchases,
    order: PurchaseOrder,
    record: PurchaseRecord,
    bought: Sequence[Bought],
    supplier: Supplier | None,
    place: Location | None,
    draft: Draft,
) -> None:
    """Take over what has arrived since, and when the rest comes. What the store received beyond the file stays."""
    row = record.row
    for name, there, ours in (("supplier", supplier, order.supplier_id), ("warehouse", place, order.location_id)):
        if there is None or there.id != ours:
            raise Refused(row, name, f"is not that of the shop's purchase order {shown(order.number)}")
    lines = {line.sku: line for line in known.lines.get(order.id, [])}
    here = sorted((line.sku, line.ordered, line.unit_cost_minor) for line in lines.values())
    there_ = sorted((one.variant.sku, one.ordered, one.unit_cost_minor) for one in bought)
    if here != there_:
        listed = ", ".join(f"{ordered} x {sku}" for sku, ordered, _ in here[:6])
        why = f"the shop has the order with other lines or costs ({listed}); an import does not change what was ordered"
        raise Refused(row, "number", why)
    was_coming = order.status in ARRIVING_ORDERS
    status = order.status
    if record.status != status and not _is_later(status, record.status):
        problem = why_not(PURCHASE_ORDER, status, record.status, f"purchase order {shown(order.number)}")
        if problem is not None:
            raise Refused(row, "status", problem)
        status = record.status
    moves: list[tuple[Variant, int]] = []
    for one in bought:
        line = lines[one.variant.sku]
        before = line.ordered - line.received - line.rejected
        received, rejected = max(line.received, one.received), max(line.rejected, one.rejected)
        if received + rejected > line.ordered:
            why = f"is more than was ordered, with the {line.rejected} that the shop rejected"
            raise Refused(one.row, "received", why)
        draft.change(line, received=received, rejected=rejected)
        after = line.ordered - received - rejected
        coming = (after if status in ARRIVING_ORDERS else 0) - (before if was_coming else 0)
        moves.append((one.variant, coming))
    values: dict[str, Any] = {"status": status}
    if status in ("received", "closed") and order.received_at is None and row.get("received_at"):
        ground.require_open(row, "received_at")
        values["received_at"] = row.get("received_at")
    for variant, coming in moves:
        coming_in(known, variant, order.location_id, coming, draft)
    if row.get("eta") is not None:
        values["eta"] = row.get("eta")
    draft.change(order, **values)
    if draft.verdict != "unchanged":
        draft.emit("purchase_order:updated", order, source="import")


def _is_later(here: str, there: str) -> bool:
    """Whether the store is further on than the file."""
    return here in reachable(PURCHASE_ORDER, there)
