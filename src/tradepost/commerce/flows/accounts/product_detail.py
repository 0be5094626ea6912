"""One product with all its variants: get_product and the resource product://{sku}."""

from typing import Annotated, NotRequired

from pydantic import Field
from sqlalchemy import or_, select
from typing_extensions import TypedDict

from tradepost.commerce.catalog.models import Product, Variant
from tradepost.commerce.catalog.views import (
    DESCRIPTION_CAP,
    NAME_CAP,
    VariantView,
    as_buyers_see,
    options_text,
    variant_in_full,
    variant_view,
)
from tradepost.commerce.flows.stock.product_stock import stock_of, variants_of
from tradepost.commerce.serving.declare import Answer, read_tool, resource
from tradepost.commerce.store.privacy import is_shopper
from tradepost.commerce.store.store import MAX_REFERENCE_CHARACTERS, Store
from tradepost.foundation.errors import InvalidArgument, NotFound
from tradepost.foundation.untrusted import clean

MAX_VARIANTS = 200
SHOWN = 12  # variants named in the text

ProductId = Annotated[
    str | None,
    Field(max_length=200, description="Product id, number or external id; exactly one of both.", examples=["P-1"]),
]
Sku = Annotated[
    str | None,
    Field(max_length=200, description="SKU, id or external id of one of its variants.", examples=["SKU-1"]),
]


# A product and what it is sold as. `matched_variant_id`: the variant that was asked for, first in the list.
class ProductView(TypedDict):
    id: str
    number: str
    external_id: str | None
    version: int
    name: str
    description: str
    category: str | None
    brand: str | None
    status: str
    option_names: list[str]
    variants: list[VariantView]
    variant_count: int
    matched_variant_id: NotRequired[str]


@read_tool(title="Get product", scope="read:content", quick=True)
async def get_product(store: Store, product_id: ProductId = None, sku: Sku = None) -> Answer[ProductView]:
    """Read one product with all its variants: options, price, availability and recalls. Use to compare variants, to
    find the one with certain options, or to look up a SKU; give product_id or sku, not both. Not for finding products
    by name (search_products) or for stock by warehouse (check_inventory). Read-only. Returns the product and its
    variants; asked by sku, that variant comes first. Availability: in_stock, backorder, preorder, out_of_stock,
    discontinued."""
    if (product_id is None) == (sku is None):
        raise InvalidArgument(
            "Give either product_id or sku, exactly one of the two.",
            field="product_id" if product_id is None else "sku",
        )
    view = await product_view(store, product_id=product_id, sku=sku)
    return Answer(view, product_text(view))


@resource(
    "product://{sku}",
    title="Product",
    description="The product of a SKU with all its variants: options, price, availability.",
    scope="read:content",
)
async def product_record(store: Store, sku: str) -> ProductView:
    """The product as get_product gives it for a sku; a product's number works too."""
    if await _variant(store, sku) is None:
        return await product_view(store, product_id=sku)
    return await product_view(store, sku=sku)


async def product_view(store: Store, *, product_id: str | None = None, sku: str | None = None) -> ProductView:
    """The product by its own reference, or by one of a variant. A reference that fits no product but a variant counts
    as the variant's. Raises NotFound."""
    product, matched = await _found(store, product_id, sku)
    variants = (await variants_of(store, [product.id])).get(product.id, [])
    if matched is not None:
        variants.sort(key=lambda variant: variant.id != matched.id)
    kept = variants[:MAX_VARIANTS]
    stock = await stock_of(store, kept)
    show = variant_view if len(kept) > 1 else variant_in_full
    view: ProductView = {
        "id": product.id,
        "number": product.number,
        "external_id": product.external_id,
        "version": product.version,
        "name": clean(product.name, NAME_CAP),
        "description": clean(product.description, DESCRIPTION_CAP),
        "category": product.category,
        "brand": clean(product.brand, NAME_CAP) if product.brand else None,
        "status": product.status,
        "option_names": product.option_names,
        "variants": [
            variant_in_full(product, variant, stock)
            if matched is not None and variant.id == matched.id
            else show(product, variant, stock)
            for variant in kept
        ],
        "variant_count": len(variants),
    }
    if matched is not None:
        view["matched_variant_id"] = matched.id
    if is_shopper(store.caller):
        for variant in view["variants"]:
            as_buyers_see(variant)
    return view


async def _found(store: Store, product_id: str | None, sku: str | None) -> tuple[Product, Variant | None]:
    """For a customer of the shop a draft and what never was are the same."""
    try:
        product, matched = await _product_and_variant(store, product_id, sku)
    except NotFound:
        if not is_shopper(store.caller):
            raise
        product, matched = None, None
    if product is None or (product.status == "draft" and is_shopper(store.caller)):
        raise NotFound("No such product was found.", hint="search_products shows what is on sale.")
    return product, matched


async def _product_and_variant(store: Store, product_id: str | None, sku: str | None) -> tuple[Product, Variant | None]:
    if product_id is not None:
        try:
            return await store.find(Product, product_id, field="product_id"), None
        except NotFound:
            variant = await _variant(store, product_id)
            if variant is None:
                raise
    else:
        variant = await store.find(Variant, sku or "", field="sku")
    return await store.find(Product, variant.product_id), variant


async def _variant(store: Store, reference: str) -> Variant | None:
    wanted = reference.strip()
    if not wanted or len(wanted) > MAX_REFERENCE_CHARACTERS:
        return None
    statement = select(Variant).where(
        or_(Variant.sku == wanted.removeprefix("sku:"), Variant.id == wanted, Variant.external_id == wanted)
    )
    return await store.one_or_none(statement)


def product_text(view: ProductView) -> str:
    """The product in a few sentences."""
    variants = "; ".join(options_text(variant) for variant in view["variants"][:SHOWN])
    more = view["variant_count"] - min(SHOWN, len(view["variants"]))
    rest = f"; and {more} more" if more > 0 else ""
    head = f"Product {view['number']} {view['name']} ({view['status']}), {view['variant_count']} variants"
    return f"{head}: {variants}{rest}."


TOOLS = (get_product,)
RESOURCES = (product_record,)
