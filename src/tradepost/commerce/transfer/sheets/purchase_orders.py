"""Purchase orders, one row per line. Shopify exports none, so these columns are ours.

An import sets what is still on its way to the warehouse (incoming), and moves no stock on hand: what has arrived stands
in the count of the stock levels.
"""

from collections.abc import Sequence

from sqlalchemy import select

from tradepost.commerce.catalog.models import Variant
from tradepost.commerce.inventory.models import Location, StockLevel
from tradepost.commerce.purchasing.buying import line_cost
from tradepost.commerce.purchasing.models import PurchaseOrder, PurchaseOrderLine, PurchaseOrderStatus, Supplier
from tradepost.commerce.purchasing.states import ARRIVING_ORDERS
from tradepost.commerce.transfer.sheets.columns import Column
from tradepost.commerce.transfer.sheets.draft import Draft
from tradepost.commerce.transfer.sheets.kind import (
    Ground,
    Kind,
    Planning,
    Refused,
    agree,
    required,
)
from tradepost.commerce.transfer.sheets.named import load_named
from tradepost.commerce.transfer.sheets.places import new_location
from tradepost.commerce.transfer.sheets.purchase_follow import coming_in, follow
from tradepost.commerce.transfer.sheets.purchase_rows import (
    Bought,
    PurchaseRecord,
    Purchases,
    bought_line,
    require_sense,
)
from tradepost.commerce.transfer.sheets.reading import Row, shown
from tradepost.commerce.transfer.sheets.values import (
    amount,
    code,
    currency,
    day_or_moment,
    email,
    in_future,
    line,
    one_of,
    quantity,
)
from tradepost.foundation.ids import new_id

_ORDER = ("supplier", "supplier_email", "warehouse", "status", "currency", "ordered_at", "eta", "received_at", "reason")


class PurchaseOrders(Kind[PurchaseRecord, Purchases]):
    """Orders to suppliers."""

    name = "purchase-orders"
    key = "number"
    creates = ("supplier", "location")
    columns = (
        Column("number", (), code, required=True),
        Column("supplier", (), line(200), required=True),
        Column("supplier_email", (), email),
        Column("warehouse", (), line(200), required=True),
        Column("status", (), one_of(PurchaseOrderStatus)),
        Column("currency", (), currency),
        Column("ordered_at", (), day_or_moment),
        Column("eta", (), day_or_moment),
        Column("received_at", (), day_or_moment),
        Column("reason", (), line(300)),
        Column("sku", (), code, required=True),
        Column("quantity", (), quantity, required=True),
        Column("received", (), quantity),
        Column("rejected", (), quantity),
        Column("unit_cost", (), amount, required=True),
    )

    def read(self, rows: Sequence[Row], ground: Ground) -> PurchaseRecord:
        first = rows[0]
        agree(rows, _ORDER)
        for name in ("supplier", "warehouse"):
            required(first, name)
        for name in ("ordered_at", "received_at"):
            if first.get(name) is not None and in_future(first.get(name), ground.now):
                raise Refused(first, name, "lies in the future")
        ordered_at, eta = first.get("ordered_at"), first.get("eta")
        if ordered_at is not None and eta is not None and eta < ordered_at:
            raise Refused(first, "eta", "is before the order was placed")
        seen: dict[str, int] = {}
        for row in rows:
            sku = required(row, "sku")
            if sku in seen:
                raise Refused(row, "sku", f"stands in row {seen[sku]} of the same order already: add the lines up")
            seen[sku] = row.number
        return PurchaseRecord(first, rows, first.get("number"), first.get("status") or "ordered")

    def first_row(self, record: PurchaseRecord) -> Row:
        return record.row

    async def look_up(self, planning: Planning, records: Sequence[PurchaseRecord]) -> Purchases:
        numbers = [record.number for record in records]
        skus = sorted({row.get("sku") for record in records for row in record.lines})
        variants = await planning.store.all(select(Variant).where(Variant.sku.in_(skus)).order_by(Variant.id))
        orders: dict[str, PurchaseOrder] = {}
        for column in (PurchaseOrder.number, PurchaseOrder.external_id):  # the external id counts more
            found = await planning.rows(select(PurchaseOrder).where(column.in_(numbers)).order_by(PurchaseOrder.id))
            orders |= {str(getattr(row, column.key)): row for row in found}
        known = Purchases(
            {row.sku: row for row in variants},
            await load_named(planning, Supplier),
            await load_named(planning, Location),
            orders,
        )
        ids = sorted({row.id for row in orders.values()})
        lines = select(PurchaseOrderLine).where(PurchaseOrderLine.purchase_order_id.in_(ids))
        for one in await planning.rows(lines.order_by(PurchaseOrderLine.id)):
            known.lines.setdefault(one.purchase_order_id, []).append(one)
        levels = select(StockLevel).where(StockLevel.sku.in_(skus)).order_by(StockLevel.id)
        known.levels = {(row.sku, row.location_id): row for row in await planning.rows(levels)}
        return known

    def plan(self, planning: Planning, known: Purchases, record: PurchaseRecord, draft: Draft) -> None:
        supplier = known.suppliers.find(record.row, "supplier", planning)
        place = known.locations.find(record.row, "warehouse", planning)
        code_ = record.row.get("currency") or (supplier.currency if supplier else planning.ground.currency)
        if supplier is not None and code_ != supplier.currency:
            why = f"is not the currency of the supplier {shown(supplier.name)}, {supplier.currency}"
            raise Refused(record.row, "currency", why)
        bought = [bought_line(row, known, code_) for row in record.lines]
        require_sense(record, bought)
        order = known.orders.get(record.number)
        if order is not None:
            follow(planning.ground, known, order, record, bought, supplier, place, draft)
            return
        planning.ground.require_open(record.row, "received_at")
        draft.is_new = True
        if supplier is None:
            supplier = known.suppliers.make(draft, _supplier(record, code_), number="SUP-")
        if place is None:
            place = known.locations.make(draft, new_location(record.row.get("warehouse")))
        order = draft.add(1, _order(planning, record, bought, supplier, place, code_))
        for position, one in enumerate(bought, start=1):
            draft.add(2, _line(order, position, one), final=True)
            if record.status in ARRIVING_ORDERS:
                coming_in(known, one.variant, place.id, one.outstanding, draft)
        draft.emit("purchase_order:imported", order, supplier=supplier.name, warehouse=place.code)


def _order(
    planning: Planning,
    record: PurchaseRecord,
    bought: Sequence[Bought],
    supplier: Supplier,
    place: Location,
    currency_: str,
) -> PurchaseOrder:
    row = record.row
    placed = record.status != "draft"
    return PurchaseOrder(
        id=new_id(PurchaseOrder.prefix),
        number=record.number,
        external_id=record.number,
        supplier_id=supplier.id,
        location_id=place.id,
        status=record.status,
        currency=currency_,
        total_minor=sum(line_cost(one.ordered, one.variant.quantity_scale, one.unit_cost_minor) for one in bought),
        ordered_at=row.get("ordered_at") or (planning.ground.now if placed else None),
        eta=row.get("eta"),
        received_at=row.get("received_at")
        or (planning.ground.now if record.status in ("received", "closed") else None),
        reason=row.get("reason"),
    )


def _line(order: PurchaseOrder, position: int, one: Bought) -> PurchaseOrderLine:
    return PurchaseOrderLine(
        id=new_id(PurchaseOrderLine.prefix),
        purchase_order_id=order.id,
        position=position,
        variant_id=one.variant.id,
        sku=one.variant.sku,
        ordered=one.ordered,
        received=one.received,
        rejected=one.rejected,
        unit_cost_minor=one.unit_cost_minor,
    )


def _supplier(record: PurchaseRecord, currency_: str) -> Supplier:
    row = record.row
    return Supplier(
        id=new_id(Supplier.prefix), name=row.get("supplier"), email=row.get("supplier_email"), currency=currency_
    )
