"""Import of CSV files, one kind of record per file, with the columns of Shopify's exports or others by a mapping."""

from typing import Any

from tradepost.commerce.transfer.sheets.customers import Customers
from tradepost.commerce.transfer.sheets.kind import Kind
from tradepost.commerce.transfer.sheets.orders import Orders
from tradepost.commerce.transfer.sheets.products import Products
from tradepost.commerce.transfer.sheets.purchase_orders import PurchaseOrders
from tradepost.commerce.transfer.sheets.stock import Stock
from tradepost.commerce.transfer.sheets.tracking import Tracking

# In the order in which a new shop imports them: each rests on those before it.
KINDS: dict[str, Kind[Any, Any]] = {
    kind.name: kind for kind in (Products(), Customers(), Stock(), Orders(), PurchaseOrders(), Tracking())
}

__all__ = ["KINDS", "Kind"]
