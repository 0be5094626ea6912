"""Variants of products and their stock over all locations, for many products in two queries."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import ColumnElement, and_, exists, func, or_, select

from tradepost.commerce.catalog.models import Product, Variant
from tradepost.commerce.catalog.views import Stock
from tradepost.commerce.inventory.models import StockLevel
from tradepost.commerce.store.store import Store


async def variants_of(store: Store, product_ids: Iterable[str]) -> dict[str, list[Variant]]:
    """The variants per product id, ordered by sku."""
    statement = select(Variant).where(Variant.product_id.in_(sorted(set(product_ids)))).order_by(Variant.sku)
    found: dict[str, list[Variant]] = defaultdict(list)
    for variant in await store.all(statement):
        found[variant.product_id].append(variant)
    return found


async def stock_of(store: Store, variants: Sequence[Variant]) -> Mapping[str, Stock]:
    """Free and incoming units by sku. Variants without counted stock cost no query."""
    skus = sorted({variant.sku for variant in variants if variant.tracks_stock})
    if not skus:
        return {}
    statement = (
        select(StockLevel.sku, func.sum(StockLevel.available), func.sum(StockLevel.incoming))
        .where(StockLevel.sku.in_(skus))
        .group_by(StockLevel.sku)
    )
    rows = await store.session.execute(statement)
    return {sku: Stock(int(available), int(incoming)) for sku, available, incoming in rows}


def can_be_had_now() -> ColumnElement[bool]:
    """The condition for a product of which some variant is in stock: availability_of in SQL."""
    on_shelf = exists().where(StockLevel.sku == Variant.sku, StockLevel.available > 0)
    return exists().where(
        Variant.product_id == Product.id,
        Variant.status == "active",
        or_(
            and_(Variant.tracks_stock.is_(False), Variant.sellable.is_(True)),
            and_(Variant.tracks_stock.is_(True), on_shelf),
        ),
    )
