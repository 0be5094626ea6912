"""Who sells a SKU to the shop: the offer to buy from, chosen the same way wherever the shop buys."""

from collections.abc import Collection

from sqlalchemy import and_, select

from tradepost.commerce.purchasing.models import Supplier, SupplierItem
from tradepost.commerce.store.store import Store

Offer = tuple[SupplierItem, Supplier]


async def offers_for(store: Store, skus: Collection[str], supplier_id: str | None = None) -> dict[str, Offer]:
    """The offer of active suppliers per SKU: the preferred one, otherwise the cheapest of those in the store's
    currency, otherwise the first."""
    if not skus:
        return {}
    statement = (
        select(SupplierItem, Supplier)
        .join(
            Supplier, and_(Supplier.workspace_id == SupplierItem.workspace_id, Supplier.id == SupplierItem.supplier_id)
        )
        .where(SupplierItem.sku.in_(sorted(skus)), Supplier.status == "active")
        .order_by(SupplierItem.id)
    )
    if supplier_id is not None:
        statement = statement.where(SupplierItem.supplier_id == supplier_id)
    best: dict[str, Offer] = {}
    for item, supplier in await store.session.execute(statement):
        rival = best.get(item.sku)
        if rival is None or _rank(item, store.currency) < _rank(rival[0], store.currency):
            best[item.sku] = (item, supplier)
    return best


def _rank(item: SupplierItem, currency: str) -> tuple[bool, bool, int]:
    return (not item.preferred, item.currency != currency, item.cost_minor)


def lead_days(item: SupplierItem, supplier: Supplier) -> int:
    """Days from order to arrival."""
    return item.lead_time_days if item.lead_time_days is not None else supplier.lead_time_days
