"""search_products: finding what the shop sells by name, category or sku."""

from collections.abc import Callable, Sequence
from typing import Annotated, Required

from pydantic import Field
from sqlalchemy import ColumnElement, exists, func, not_, or_, select
from typing_extensions import TypedDict

from tradepost.commerce.catalog.models import Product, Variant
from tradepost.commerce.catalog.views import (
    NAME_CAP,
    Availability,
    VariantView,
    as_buyers_see,
    availability_of,
    best_availability,
    variant_view,
)
from tradepost.commerce.catalog.views import Stock as StockOf
from tradepost.commerce.flows.stock.product_stock import can_be_had_now, stock_of, variants_of
from tradepost.commerce.serving.declare import Answer, read_tool
from tradepost.commerce.store.listing import Cursor, Detail, Fields, Limit, Page, found_sentence, page
from tradepost.commerce.store.privacy import is_shopper
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.money import MoneyView, money
from tradepost.foundation.untrusted import clean

MAX_WORDS = 8
MAX_VARIANTS = 50
SHOWN = 6  # products named in the text

Query = Annotated[
    str | None,
    Field(max_length=200, description="Words of the name, brand or category, or a number or SKU.", examples=["shirt"]),
]
Category = Annotated[str | None, Field(max_length=100, description="Exact category.", examples=["apparel"])]
Sku = Annotated[str | None, Field(max_length=200, description="Exact SKU of a variant.", examples=["SKU-1"])]
InStock = Annotated[
    bool | None, Field(description="true: only what can be had now; false: only what cannot.", examples=[True])
]


# A product in a list. summary: up to price_from; standard: up to version; full: with variants.
class ProductRow(TypedDict, total=False):
    id: Required[str]  # the other keys may be left out by `fields`
    number: str
    name: str
    category: str | None
    availability: str
    price_from: MoneyView | None
    external_id: str | None
    price_to: MoneyView | None
    brand: str | None
    option_names: list[str]
    variant_count: int
    recalled: bool
    version: int
    variants: list[VariantView]


@read_tool(title="Search products", scope="read:content")
async def search_products(
    store: Store,
    q: Query = None,
    category: Category = None,
    sku: Sku = None,
    in_stock: InStock = None,
    limit: Limit = 20,
    cursor: Cursor = None,
    detail: Detail = "standard",
    fields: Fields = None,
) -> Answer[Page[ProductRow]]:
    """Find products on sale by name, category or SKU, all filters together. Use to see what the shop sells, what is
    there in a category, or which product a SKU belongs to; without filters it lists everything. Not for one known
    product with all its variants (get_product) or stock by warehouse (check_inventory). Read-only. Returns a page
    ordered by name with price range and availability; detail full adds the variants."""
    statement = select(Product).where(Product.status == "active")
    if q is not None:
        statement = statement.where(*_words(q))
    if category is not None:
        statement = statement.where(func.lower(Product.category) == func.lower(category.strip()))
    if sku is not None:
        wanted = sku.strip().removeprefix("sku:")
        statement = statement.where(_has_variant(or_(Variant.sku == wanted, Variant.external_id == wanted)))
    if in_stock is not None:
        statement = statement.where(can_be_had_now() if in_stock else not_(can_be_had_now()))
    shown: list[str] = []

    async def view(products: Sequence[Product]) -> list[ProductRow]:
        rows = await _rows(store, products, detail)
        shown.extend(_in_short(row) for row in rows[:SHOWN])
        return rows

    found = await page(
        store,
        "products",
        statement,
        [Product.name, Product.id],
        view,
        limit=limit,
        cursor=cursor,
        fields=fields,
    )
    sought = next((value for value in (q, sku, category) if value is not None), None)
    nothing = f"No products found matching '{sought}'." if sought is not None else "No products found."
    return Answer(found, " ".join([found_sentence(found, "products", nothing, named=SHOWN), *shown]))


def _words(q: str) -> list[ColumnElement[bool]]:
    words = q.split()
    if len(words) > MAX_WORDS:
        raise InvalidArgument(f"q has {len(words)} words; at most {MAX_WORDS} are looked for.", field="q")
    return [
        or_(
            Product.name.icontains(word, autoescape=True),
            Product.brand.icontains(word, autoescape=True),
            Product.category.icontains(word, autoescape=True),
            Product.number == word.removeprefix("#"),
            Product.external_id == word,
            _has_variant(or_(Variant.sku == word.removeprefix("sku:"), Variant.external_id == word)),
        )
        for word in words
    ]


def _has_variant(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(Variant.product_id == Product.id, condition)


async def _rows(store: Store, products: Sequence[Product], detail: str) -> list[ProductRow]:
    variants = await variants_of(store, [product.id for product in products])
    stock = await stock_of(store, [variant for found in variants.values() for variant in found])
    rows: list[ProductRow] = []
    for product in products:
        own = variants.get(product.id, [])
        row = _summary(product, own, [availability_of(product, each, stock.get(each.sku, StockOf())) for each in own])
        if detail != "summary":
            row["external_id"] = product.external_id
            row["price_to"] = _price(own, max)
            row["brand"] = clean(product.brand, NAME_CAP) if product.brand else None
            row["option_names"] = product.option_names
            row["variant_count"] = len(own)
            row["recalled"] = any(variant.status == "recalled" for variant in own)
            row["version"] = product.version
        if detail == "full":
            row["variants"] = [variant_view(product, variant, stock) for variant in own[:MAX_VARIANTS]]
            for variant in row["variants"] if is_shopper(store.caller) else ():
                as_buyers_see(variant)
        rows.append(row)
    return rows


def _summary(product: Product, variants: Sequence[Variant], availabilities: Sequence[Availability]) -> ProductRow:
    return {
        "id": product.id,
        "number": product.number,
        "name": clean(product.name, NAME_CAP),
        "category": product.category,
        "availability": best_availability(availabilities),
        "price_from": _price(variants, min),
    }


def _price(variants: Sequence[Variant], pick: Callable[[list[int]], int]) -> MoneyView | None:
    """The lowest or highest price, among the variants in the currency of the first."""
    if not variants:
        return None
    currency = variants[0].currency
    return money(pick([variant.price_minor for variant in variants if variant.currency == currency]), currency)


def _in_short(row: ProductRow) -> str:
    price = f", from {row['price_from']['display']}" if row["price_from"] is not None else ""
    return f"{row['number']} {row['name']}: {row['availability']}{price}."


TOOLS = (search_products,)
