"""Products and their variants, by the columns of Shopify's product export: one row per variant, grouped by handle."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from tradepost.commerce.catalog.models import Product, ProductStatus, Variant
from tradepost.commerce.transfer.sheets.columns import Column
from tradepost.commerce.transfer.sheets.draft import Draft
from tradepost.commerce.transfer.sheets.kind import Ground, Kind, Planning, Refused, Unique, agree, minor, required
from tradepost.commerce.transfer.sheets.reading import Row, shown
from tradepost.commerce.transfer.sheets.values import amount, code, html, line, one_of, whole, yes_no
from tradepost.foundation.ids import new_id

_OPTIONS = (1, 2, 3)
_OF_PRODUCT = ("title", "description", "brand", "category", "status", "published")
_OF_VARIANT = ("sku", "variant_id", "price", "barcode", "grams", "tracker", *(f"option{n}_value" for n in _OPTIONS))
_DEFAULT_OPTION = "default title"  # how Shopify writes a product without options


def _tracker(cell: str) -> bool:
    """Shopify names who counts the stock ("shopify", "amazon"); empty means nobody."""
    return cell.lower() not in ("no", "false", "none")


@dataclass(slots=True)
class VariantRecord:
    """A variant as its row says; what the row does not say is not in `values`."""

    row: Row
    sku: str
    options: list[str]
    values: dict[str, Any]


@dataclass(slots=True)
class ProductRecord:
    """A product as its rows say."""

    row: Row
    handle: str
    values: dict[str, Any]
    option_names: list[str] | None
    variants: list[VariantRecord] = field(default_factory=list)


@dataclass(slots=True)
class Catalog:
    """The products and variants of the store that a batch names."""

    products: dict[str, Product]  # by handle
    variants: dict[str, Variant]  # by sku
    siblings: dict[str, list[Variant]]  # by product id


class Products(Kind[ProductRecord, Catalog]):
    """Shopify: Products > Export."""

    name = "products"
    key = "handle"
    columns = (
        Column("handle", ("Handle", "URL handle"), code, required=True),
        Column("title", ("Title",), line(200)),
        Column("description", ("Body (HTML)", "Description"), html(50_000)),
        Column("brand", ("Vendor",), line(200)),
        Column("category", ("Type", "Product Category"), line(200)),
        Column("status", ("Status",), one_of(ProductStatus)),
        Column("published", ("Published", "Published on online store"), yes_no),
        *(Column(f"option{n}_name", (f"Option{n} Name",), line(100)) for n in _OPTIONS),
        *(Column(f"option{n}_value", (f"Option{n} Value",), line(200)) for n in _OPTIONS),
        Column("sku", ("Variant SKU", "SKU"), code, required=True),
        Column("variant_id", ("Variant ID",), code),
        Column("price", ("Variant Price", "Price"), amount, required=True),
        Column("barcode", ("Variant Barcode", "Barcode"), code),
        Column("grams", ("Variant Grams", "Weight value (grams)"), whole),
        Column("tracker", ("Variant Inventory Tracker", "Inventory tracker"), _tracker),
    )

    def read(self, rows: Sequence[Row], ground: Ground) -> ProductRecord:
        first = rows[0]
        agree(rows, [*_OF_PRODUCT, *(f"option{n}_name" for n in _OPTIONS)])
        values = {
            ours: first.get(theirs)
            for ours, theirs in (("name", "title"), ("description", "description"), ("brand", "brand"))
            if first.get(theirs) is not None
        }
        if first.get("category") is not None:
            values["category"] = first.get("category")
        if first.get("status") is not None:
            values["status"] = first.get("status")
        elif first.get("published") is not None:
            values["status"] = "active" if first.get("published") else "draft"
        names = _option_names(first)
        record = ProductRecord(first, first.get("handle"), values, names)
        for row in rows:
            if any(row.get(name) is not None for name in _OF_VARIANT):  # else it only brings a picture
                record.variants.append(_variant(row, names, ground))
        return record

    def unique(self, record: ProductRecord) -> Iterator[Unique]:
        for variant in record.variants:
            yield "SKU", variant.sku, variant.row, "sku"
            if "external_id" in variant.values:
                yield "variant id", variant.values["external_id"], variant.row, "variant_id"

    def first_row(self, record: ProductRecord) -> Row:
        return record.row

    async def look_up(self, planning: Planning, records: Sequence[ProductRecord]) -> Catalog:
        handles = [record.handle for record in records]
        skus = [variant.sku for record in records for variant in record.variants]
        products: dict[str, Product] = {}
        for column in (Product.number, Product.external_id):  # the external id counts more
            found = await planning.rows(select(Product).where(column.in_(handles)).order_by(Product.id))
            products |= {str(getattr(row, column.key)): row for row in found}
        mine = sorted({row.id for row in products.values()})
        known = await planning.rows(select(Variant).where(Variant.sku.in_(skus)).order_by(Variant.id))
        around = await planning.store.all(select(Variant).where(Variant.product_id.in_(mine)).order_by(Variant.id))
        siblings: dict[str, list[Variant]] = {}
        for row in around:
            siblings.setdefault(row.product_id, []).append(row)
        return Catalog(products, {row.sku: row for row in known}, siblings)

    def plan(self, planning: Planning, known: Catalog, record: ProductRecord, draft: Draft) -> None:
        product = known.products.get(record.handle)
        if product is None:
            required(record.row, "title")
            names = record.option_names or []
            draft.is_new = True
            product = Product(
                id=new_id(Product.prefix),
                number=record.handle,
                external_id=record.handle,
                option_names=names,
                **record.values,
            )
            draft.add(0, product)
            draft.emit("product:imported", product)
        else:
            names = product.option_names if record.option_names is None else record.option_names
            if draft.change(product, **record.values, option_names=names):
                draft.emit("product:updated", product)
        options = {variant.sku: _options(variant, names) for variant in record.variants}
        _require_distinct(record, known.siblings.get(product.id, []), names, options)
        for variant in record.variants:
            found = known.variants.get(variant.sku)
            if found is not None:
                _require_same(planning, variant, product, found)
                if draft.change(found, options=options[variant.sku], **variant.values):
                    draft.emit("variant:updated", found)
                continue
            required(variant.row, "price")
            made = Variant(
                id=new_id(Variant.prefix),
                sku=variant.sku,
                product_id=product.id,
                options=options[variant.sku],
                currency=planning.ground.currency,
                **variant.values,
            )
            draft.emit("variant:imported", draft.add(1, made))


def _option_names(row: Row) -> list[str] | None:
    """The names of the product's options; None where the file does not say."""
    names = [row.get(f"option{n}_name") for n in _OPTIONS]
    given = [name for name in names if name is not None]
    if not given:
        return None
    if names[: len(given)] != given:
        raise Refused(row, "option1_name", "is empty, and a later option has a name")
    if len(set(given)) != len(given):
        raise Refused(row, "option2_name", "is the name of another option already")
    if given == ["Title"] and (row.get("option1_value") or "").lower() == _DEFAULT_OPTION:
        return []
    return given


def _variant(row: Row, names: Sequence[str] | None, ground: Ground) -> VariantRecord:
    sku = required(row, "sku")
    given = [row.get(f"option{n}_value") for n in _OPTIONS]
    options = [value for value in given if value is not None and not (names == [] and value.lower() == _DEFAULT_OPTION)]
    values: dict[str, Any] = {}
    price = minor(row, "price", ground.currency)
    if price is not None:
        values["price_minor"] = price
    for ours, theirs in (("gtin", "barcode"), ("weight_grams", "grams"), ("external_id", "variant_id")):
        if row.get(theirs) is not None:
            values[ours] = row.get(theirs)
    if "tracker" in row.raw:  # an empty cell says that nobody counts the stock
        values["tracks_stock"] = bool(row.get("tracker"))
    return VariantRecord(row, sku, options, values)


def _options(variant: VariantRecord, names: Sequence[str]) -> dict[str, str]:
    if len(variant.options) != len(names):
        wanted = ", ".join(names) or "none"
        raise Refused(
            variant.row,
            f"option{min(len(variant.options) + 1, 3)}_value",
            f"the product has the options {wanted}; {len(variant.options)} have a value here",
        )
    return dict(zip(names, variant.options, strict=True))


def _require_distinct(
    record: ProductRecord, siblings: Sequence[Variant], names: Sequence[str], options: dict[str, dict[str, str]]
) -> None:
    """Raise Refused unless, after the import, all variants of the product have its options, each another choice."""
    chosen: dict[tuple[str, ...], str] = {}
    for sibling in siblings:
        if sibling.sku in options:
            continue
        if sorted(sibling.options) != sorted(names):
            held = ", ".join(sibling.options) or "none"
            why = f"the shop's variant {shown(sibling.sku)} of this product has the options {held}: import it, too"
            raise Refused(record.row, "option1_name", why)
        chosen[tuple(sibling.options[name] for name in names)] = sibling.sku
    for variant in record.variants:
        choice = tuple(options[variant.sku].values())
        twin = chosen.setdefault(choice, variant.sku)
        if twin != variant.sku:
            what = ", ".join(choice) or "no options"
            raise Refused(variant.row, "option1_value", f"the variant {shown(twin)} of this product has {what} already")


def _require_same(planning: Planning, variant: VariantRecord, product: Product, found: Variant) -> None:
    if found.product_id != product.id:
        raise Refused(variant.row, "sku", "is the SKU of another product of the shop")
    if found.currency != planning.ground.currency and "price_minor" in variant.values:
        raise Refused(
            variant.row, "price", f"is in {planning.ground.currency}; the variant is priced in {found.currency}"
        )
