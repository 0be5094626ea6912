"""Reading purchase orders: by state, supplier, warehouse, SKU and date, or one of them with its lines."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field
from sqlalchemy import exists, select

from tradepost.commerce.catalog.models import Variant
from tradepost.commerce.flows.names import find_called
from tradepost.commerce.flows.numbers import numbers_of
from tradepost.commerce.flows.stock.stock_detail import WarehouseFilter
from tradepost.commerce.inventory.models import Location
from tradepost.commerce.purchasing.models import PurchaseOrder, PurchaseOrderLine, PurchaseOrderStatus, Supplier
from tradepost.commerce.purchasing.states import ARRIVING_ORDERS
from tradepost.commerce.purchasing.views import DetailName, PurchaseOrderView, order_view
from tradepost.commerce.serving.declare import Answer, read_tool, resource
from tradepost.commerce.store.listing import (
    Cursor,
    Detail,
    Fields,
    Limit,
    Page,
    TimeFilter,
    found_sentence,
    page,
    single_page,
)
from tradepost.commerce.store.periods import days_text, within
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import InvalidArgument

SHOWN = 6  # orders named in the text

Status = Annotated[PurchaseOrderStatus | None, Field(description="Only orders in this state.", examples=["confirmed"])]
SupplierFilter = Annotated[
    str | None, Field(max_length=200, description="Supplier id, number or name.", examples=["SUP-1"])
]
SkuFilter = Annotated[str | None, Field(max_length=200, description="Only orders with this SKU.", examples=["SKU-1"])]
OnlyOne = Annotated[
    str | None, Field(max_length=200, description="One order by id or number, with its lines.", examples=["PO-1"])
]
OverdueOnly = Annotated[bool, Field(description="Only open orders whose ETA has passed.", examples=[True])]


@read_tool(title="List purchase orders", scope="read:purchasing")
async def list_purchase_orders(
    store: Store,
    po_id: OnlyOne = None,
    status: Status = None,
    supplier: SupplierFilter = None,
    warehouse_id: WarehouseFilter = None,
    sku: SkuFilter = None,
    overdue_only: OverdueOnly = False,
    eta_from: TimeFilter = None,
    eta_to: TimeFilter = None,
    limit: Limit = 20,
    cursor: Cursor = None,
    detail: Detail = "standard",
    fields: Fields = None,
) -> Answer[Page[PurchaseOrderView]]:
    """List orders to suppliers, the newest first, or show one (po_id) with lines ordered, received, rejected,
    outstanding and short. Use to see what is on order, overdue or came short, and before create_reorder. Not for
    customers' orders (search_orders; outstanding_skus tells which SKUs to look for there) or for what to buy
    (suggest_reorders). Reads only. Returns number, supplier, warehouse, ETA, overdue and total; detail=full adds the
    lines."""
    filters = (status, supplier, warehouse_id, sku, eta_from, eta_to, cursor)
    if po_id is not None:
        if overdue_only or any(value is not None for value in filters):
            raise InvalidArgument(
                "po_id names one order, so no other filter can stand beside it.",
                hint="Send po_id alone, or filters without it.",
                field="po_id",
            )
        order = await store.find(PurchaseOrder, po_id, field="po_id")
        shown = await purchase_order_views(store, [order], "full")
        return Answer(single_page(list(shown), fields), _detail_text(shown[0]))
    statement = select(PurchaseOrder)
    if status is not None:
        statement = statement.where(PurchaseOrder.status == status)
    if supplier is not None:
        partner = await find_called(store, Supplier, supplier, field="supplier")
        statement = statement.where(PurchaseOrder.supplier_id == partner.id)
    if warehouse_id is not None:
        place = await find_called(store, Location, warehouse_id, field="warehouse_id")
        statement = statement.where(PurchaseOrder.location_id == place.id)
    if sku is not None:
        variant = await store.find(Variant, sku, field="sku")
        statement = statement.where(
            exists().where(
                PurchaseOrderLine.workspace_id == PurchaseOrder.workspace_id,
                PurchaseOrderLine.purchase_order_id == PurchaseOrder.id,
                PurchaseOrderLine.sku == variant.sku,
            )
        )
    if overdue_only:
        statement = statement.where(PurchaseOrder.status.in_(ARRIVING_ORDERS), PurchaseOrder.eta < store.now)
    statement = within(statement, PurchaseOrder.eta, eta_from, eta_to, "eta")

    async def view(rows: Sequence[PurchaseOrder]) -> list[PurchaseOrderView]:
        return await purchase_order_views(store, rows, detail)

    found = await page(
        store,
        "purchase-orders",
        statement,
        [PurchaseOrder.created_at, PurchaseOrder.id],
        view,
        limit=limit,
        cursor=cursor,
        descending=True,
        fields=fields,
    )
    text = found_sentence(found, "purchase orders", "No purchase orders found with these filters.", named=SHOWN)
    if fields is None:
        text += "".join(" " + _row_text(item) for item in found["items"][:SHOWN])
    return Answer(found, text)


async def purchase_order_views(
    store: Store, rows: Sequence[PurchaseOrder], detail: DetailName
) -> list[PurchaseOrderView]:
    """Purchase orders as callers see them, with all they need loaded in three queries."""
    if not rows:
        return []
    suppliers = {
        row.id: row
        for row in await store.all(select(Supplier).where(Supplier.id.in_(sorted({row.supplier_id for row in rows}))))
    }
    codes = await numbers_of(store, Location, (row.location_id for row in rows), by="code")
    lines: dict[str, list[PurchaseOrderLine]] = defaultdict(list)
    if detail != "summary":
        of_orders = select(PurchaseOrderLine).where(
            PurchaseOrderLine.purchase_order_id.in_(sorted(row.id for row in rows))
        )
        for line in await store.all(of_orders.order_by(PurchaseOrderLine.position)):
            lines[line.purchase_order_id].append(line)
    return [
        order_view(row, suppliers[row.supplier_id], codes[row.location_id], lines[row.id], store.now, detail)
        for row in rows
    ]


@resource(
    "po://{id}",
    title="Purchase order",
    description="A purchase order by id or number, with its lines: the same as list_purchase_orders with po_id.",
    scope="read:purchasing",
)
async def purchase_order(store: Store, id: str) -> PurchaseOrderView:
    """The view of list_purchase_orders for one order."""
    (view,) = await purchase_order_views(store, [await store.find(PurchaseOrder, id, field="po_id")], "full")
    return view


def _row_text(view: PurchaseOrderView) -> str:
    due = f"ETA {view['eta'][:10]}" if view["eta"] else "no ETA"
    late = ""
    if view["overdue"]:
        late = f", overdue by {days_text(view['days_overdue'])}" if view["days_overdue"] else ", overdue since today"
    skus = ", ".join(view.get("outstanding_skus", [])[:5])
    coming = f", to come: {skus}" if skus else ""
    return f"{view['number']} {view['supplier']} to {view['warehouse']}: {view['status']}, {due}{late}{coming}."


def _detail_text(view: PurchaseOrderView) -> str:
    text = f"{_row_text(view)} Total {view['total']['display']}."
    for line in view.get("lines", [])[:8]:
        text += f" {line['sku']}: ordered {line['ordered']}, received {line['received']}, rejected {line['rejected']}"
        text += f", short {line['short']}" if line["short"] else f", outstanding {line['outstanding']}"
        text += "."
    return f"{text} Note: {view['reason']}" if view.get("reason") else text


TOOLS = (list_purchase_orders,)
RESOURCES = (purchase_order,)
