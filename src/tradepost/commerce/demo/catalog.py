"""Products and their variants."""

from tradepost.commerce.catalog.models import Product, Variant
from tradepost.commerce.demo.shop import Shop

RECALLED = "B-7"
_GTIN_BASE = 871_234_500_000


def add_catalog(shop: Shop) -> None:
    """Every product of the flavor, with GTINs that check."""
    for goods in shop.flavor.goods:
        options = next(iter(goods.variants.values()))
        product = shop.draft.add(
            Product,
            number=shop.draft.number("PRD-", 100),
            name=goods.name,
            description=goods.description or f"{goods.name} by {goods.brand}.",
            category=goods.category,
            brand=goods.brand,
            option_names=sorted(options),
            created_at=shop.ago(days=400),
        )
        for sku, chosen in goods.variants.items():
            recalled = shop.flavor.cases and sku == RECALLED
            shop.variants[sku] = shop.draft.add(
                Variant,
                sku=sku,
                product_id=product.id,
                options=chosen,
                price_minor=goods.price,
                currency=shop.flavor.currency,
                status="recalled" if recalled else "active",
                sellable=not recalled,
                unit=goods.unit,
                quantity_scale=goods.scale,
                gtin=gtin13(_GTIN_BASE + len(shop.variants)),
                weight_grams=goods.weight,
                attributes={"recall": "Batch 7: the cell may overheat. Do not sell or ship."} if recalled else {},
                created_at=product.created_at,
            )
            shop.product_names[sku] = goods.name


def gtin13(body: int) -> str:
    """Twelve digits and their GS1 check digit."""
    digits = f"{body:012d}"
    weighted = sum(int(digit) * (3 if index % 2 else 1) for index, digit in enumerate(digits))
    return f"{digits}{-weighted % 10}"
