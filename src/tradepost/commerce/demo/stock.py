"""Stock: movements that follow from what happened, transfers, and levels that agree with both.

Levels say what is there now; movements tell the last sixty days. What was there before them is the level minus its
movements, written as one opening movement per state. So the sum of all movements of a state is the state.
"""

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta

from tradepost.commerce.demo.shop import Shop
from tradepost.commerce.demo.supply import RECEIVED_AT_MOST, lead_times
from tradepost.commerce.inventory.models import StockLevel, StockMovement, Transfer, TransferLine
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.purchasing.models import PurchaseOrder, PurchaseOrderLine
from tradepost.commerce.returns.models import Return, ReturnLine

STATES = ("available", "committed", "reserved", "damaged", "quality_control", "safety_stock")
SHRINKAGE = ("MUG-STONE-BLUE", "MXP", 40)
RECALLED_UNITS = 18
PERIOD_DAYS = 60

# sku, location -> available, safety stock, demand in thousandths per day. A reorder point follows from the last two.
_TOLD: dict[tuple[str, str], tuple[int, int, int]] = {
    ("A-100", "RTM"): (9, 5, 4500),
    ("A-100", "LYS"): (140, 5, 900),
    ("A-100", "LEJ"): (62, 5, 700),
    ("A-100", "MXP"): (48, 5, 600),
    ("C-205", "RTM"): (0, 0, 800),
    ("D-410", "LYS"): (0, 0, 600),
    ("C-310", "LEJ"): (6, 4, 1500),
    ("TEE-ORG-M", "RTM"): (7, 4, 900),
    ("TEE-ORG-L", "RTM"): (26, 4, 700),
    ("HOODIE-L", "MXP"): (11, 2, 200),
    ("SHOE-ROAD-42", "LEJ"): (5, 3, 800),
    ("CABLE-USBC-1M", "LYS"): (8, 4, 1100),
}
Key = tuple[str, str]  # sku, location id
Record = Callable[..., None]


def add_stock(shop: Shop) -> None:
    """Transfers, movements and levels. Call it when every order, return and purchase order is there."""
    moved: dict[Key, dict[str, int]] = defaultdict(lambda: dict.fromkeys(STATES, 0))

    def record(
        key: Key,
        state: str,
        delta: int,
        on_hand: int,
        cause: str,
        at: datetime,
        reference: str | None,
        reason: str = "",
    ) -> None:
        moved[key][state] += delta
        shop.draft.add(
            StockMovement,
            sku=key[0],
            location_id=key[1],
            state=state,
            delta=delta,
            on_hand_delta=on_hand,
            cause=cause,
            reference=reference,
            reason=reason or None,
            actor="system:shop" if cause in ("sale", "reservation", "release") else "user:warehouse",
            occurred_at=at,
        )

    _follow_orders(shop, record)
    _follow_returns(shop, record)
    incoming = _follow_purchases(shop, record)
    if shop.flavor.cases:
        _add_transfers(shop, record, incoming)
        _add_incidents(shop, record)
    _add_levels(shop, moved, incoming)


def _follow_orders(shop: Shop, record: Record) -> None:
    """Every order reserves, then ships or releases."""
    for order in shop.orders.values():
        shipped_at = min(
            (row.shipped_at for row in shop.shipments[order.id] if row.shipped_at), default=order.placed_at
        )
        for line in shop.lines[order.id]:
            if line.id not in shop.backordered:
                _follow_line(record, order, line, shipped_at)


def _follow_line(record: Record, order: Order, line: OrderLine, shipped_at: datetime) -> None:
    key = (line.sku, str(order.warehouse_id))
    record(key, "available", -line.quantity, 0, "reservation", order.placed_at, order.number)
    record(key, "committed", line.quantity, 0, "reservation", order.placed_at, order.number)
    if line.shipped:
        record(key, "committed", -line.shipped, -line.shipped, "sale", shipped_at, order.number)
    if order.status == "canceled" and order.canceled_at is not None:
        record(key, "committed", -line.quantity, 0, "release", order.canceled_at, order.number)
        record(key, "available", line.quantity, 0, "release", order.canceled_at, order.number)


def _follow_returns(shop: Shop, record: Record) -> None:
    rows = {row.id: row for row in shop.draft.rows(Return)}
    for line in shop.draft.rows(ReturnLine):
        row = rows[line.return_id]
        if line.received and row.received_at is not None:
            state = {"restock": "available", None: "quality_control"}.get(line.disposition, "damaged")
            key = (line.sku, str(row.location_id))
            record(key, state, line.received, line.received, "return", row.received_at, row.number)


def _follow_purchases(shop: Shop, record: Record) -> dict[Key, int]:
    """Receipts, and what is still to come."""
    incoming: dict[Key, int] = defaultdict(int)
    orders = {order.id: order for order in shop.draft.rows(PurchaseOrder)}
    for line in shop.draft.rows(PurchaseOrderLine):
        order = orders[line.purchase_order_id]
        key = (line.sku, order.location_id)
        if order.received_at is not None:
            record(key, "available", line.received, line.received, "receipt", order.received_at, order.number)
        elif order.status != "draft":
            incoming[key] += line.ordered - line.received - line.rejected
    return incoming


def _add_transfers(shop: Shop, record: Record, incoming: dict[Key, int]) -> None:
    for number, source, target, sku, quantity, sent, status in (
        ("TRF-1001", "LEJ", "RTM", "PAN-SET", 12, 20.0, "received"),
        ("TRF-1002", "LYS", "MXP", "HAMMOCK", 8, 1.0, "in_transit"),
        ("TRF-1003", "MXP", "LEJ", "DRYBAG-10L", 10, 0.2, "draft"),
    ):
        sent_at, eta = shop.ago(days=sent), shop.ago(days=sent - 3)
        arrived = status == "received"
        transfer = shop.draft.add(
            Transfer,
            number=number,
            from_location_id=shop.locations[source].id,
            to_location_id=shop.locations[target].id,
            status=status,
            shipped_at=None if status == "draft" else sent_at,
            eta=eta,
            received_at=eta if arrived else None,
            reason="Balance stock between warehouses.",
            created_at=sent_at,
        )
        shop.draft.add(
            TransferLine,
            transfer_id=transfer.id,
            position=1,
            variant_id=shop.variants[sku].id,
            sku=sku,
            quantity=quantity,
            received=quantity if arrived else 0,
            created_at=sent_at,
        )
        if status != "draft":
            record((sku, transfer.from_location_id), "available", -quantity, -quantity, "transfer_out", sent_at, number)
        if arrived:
            record((sku, transfer.to_location_id), "available", quantity, quantity, "transfer_in", eta, number)
        elif status == "in_transit":
            incoming[sku, transfer.to_location_id] += quantity


def _add_incidents(shop: Shop, record: Record) -> None:
    """A loss found by counting, and a recall that locks stock away."""
    sku, code, units = SHRINKAGE
    at = shop.ago(days=9)
    key = (sku, shop.locations[code].id)
    record(
        key, "available", -units, -units, "shrinkage", at, "COUNT-31", "Cycle count: 40 units missing from bin B-14."
    )
    for location in shop.locations.values():
        recalled_at = shop.ago(days=18)
        recalled = ("B-7", location.id)
        record(recalled, "available", -RECALLED_UNITS, 0, "recall", recalled_at, "RECALL-B7", "Recalled: batch 7.")
        record(recalled, "quality_control", RECALLED_UNITS, 0, "recall", recalled_at, "RECALL-B7", "Recalled: batch 7.")
    record(("LAMP-DESK-BLACK", shop.locations["LEJ"].id), "available", -2, 0, "damage", shop.ago(days=4), None, "Fell.")
    record(("LAMP-DESK-BLACK", shop.locations["LEJ"].id), "damaged", 2, 0, "damage", shop.ago(days=4), None, "Fell.")


def _add_levels(shop: Shop, moved: dict[Key, dict[str, int]], incoming: dict[Key, int]) -> None:
    chance = shop.draft.chance("stock")
    days = lead_times(shop)
    sold = _sold(shop)
    opened_at = shop.ago(days=PERIOD_DAYS + 2)
    for sku, variant in shop.variants.items():
        unit = 10**variant.quantity_scale
        for code, location in shop.locations.items():
            key = (sku, location.id)
            told = _TOLD.get((sku, code)) if shop.flavor.cases else None
            # Above any past receipt, so that the opening stock is never negative; recalled goods are locked away.
            least = max(-(-moved[key]["available"] // unit), 0)
            free = max(chance.randint(RECEIVED_AT_MOST * 2 + 2, 150), least)
            free = 0 if sku == "B-7" and shop.flavor.cases else free
            demand = max(sold[key] * 1000 // (PERIOD_DAYS * unit), 20)
            available, safety, demand = told or (free, 3, demand)
            states = {**moved[key], "available": available * unit, "safety_stock": safety * unit}
            point = -(-demand * days[sku] // 1000) + safety
            shop.draft.add(
                StockLevel,
                variant_id=variant.id,
                sku=sku,
                location_id=location.id,
                **states,
                on_hand=sum(states.values()),
                incoming=incoming[key],
                reorder_point=point * unit,
                reorder_quantity=max(-(-demand * 21 // 5000) * 5, 10) * unit,
                lead_time_days=days[sku],
                daily_demand_milli=demand,
                bin=f"{chance.choice('ABCD')}-{chance.randint(1, 40):02d}",
                created_at=opened_at,
                updated_at=shop.ago(hours=2),
            )
            for state in STATES:
                opening = states[state] - moved[key][state]
                if opening:
                    shop.draft.add(
                        StockMovement,
                        sku=sku,
                        location_id=location.id,
                        state=state,
                        delta=opening,
                        on_hand_delta=opening,
                        cause="initial",
                        actor="system:shop",
                        occurred_at=opened_at + timedelta(hours=1),
                    )


def _sold(shop: Shop) -> dict[Key, int]:
    found: dict[Key, int] = defaultdict(int)
    for order in shop.orders.values():
        for line in shop.lines[order.id]:
            found[line.sku, str(order.warehouse_id)] += line.quantity if order.status != "canceled" else 0
    return found
