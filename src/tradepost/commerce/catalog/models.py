"""Tables of products, variants and price lists."""

from typing import Any, Literal

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from tradepost.commerce.store.columns import Numbered, not_negative, numbered, one_of
from tradepost.database.base import StoreBase, Versioned, scoped_reference
from tradepost.database.types import JsonColumn

ProductStatus = Literal["draft", "active", "archived"]
VariantStatus = Literal["active", "recalled", "discontinued"]


class Product(StoreBase, Numbered):
    """What is sold, without its options. `option_names` are the keys that each variant's options have."""

    prefix = "prd"
    noun = "product"
    __tablename__ = "products"
    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    category: Mapped[str | None]
    brand: Mapped[str | None]
    status: Mapped[str] = mapped_column(default="active")
    option_names: Mapped[list[str]] = mapped_column(JsonColumn)
    __table_args__ = (
        *numbered("products"),
        one_of("status", ProductStatus),
        Index("ix_products_name", "workspace_id", "name"),
        Index("ix_products_category", "workspace_id", "category"),
    )


class Variant(StoreBase, Versioned):
    """A sellable unit, called by its `sku`. `sellable` says whether it may be sold now where no stock is counted
    (`tracks_stock` false); with stock counted, availability comes from the stock levels. `unit` is a UN/CEFACT code
    (C62 piece, KGM kilogram); quantities of it count in 10^-`quantity_scale` units, prices are per whole unit."""

    prefix = "var"
    noun = "variant"
    __tablename__ = "variants"
    external_id: Mapped[str | None]
    sku: Mapped[str]
    product_id: Mapped[str]
    options: Mapped[dict[str, str]] = mapped_column(JsonColumn)
    price_minor: Mapped[int]
    currency: Mapped[str]
    status: Mapped[str] = mapped_column(default="active")
    sellable: Mapped[bool] = mapped_column(default=True)
    tracks_stock: Mapped[bool] = mapped_column(default=True)
    unit: Mapped[str] = mapped_column(default="C62")
    quantity_scale: Mapped[int] = mapped_column(default=0)
    gtin: Mapped[str | None]
    weight_grams: Mapped[int | None]
    attributes: Mapped[dict[str, Any]] = mapped_column(JsonColumn, default=dict)
    __table_args__ = (
        scoped_reference("product_id", "products"),
        one_of("status", VariantStatus),
        *not_negative("price_minor", "quantity_scale"),
        Index("uq_variants_sku", "workspace_id", "sku", unique=True),
        Index("uq_variants_external_id", "workspace_id", "external_id", unique=True),
        Index("ix_variants_product", "workspace_id", "product_id"),
    )


class PriceList(StoreBase, Versioned):
    """Agreed prices, for a customer or a group."""

    prefix = "prl"
    noun = "price list"
    __tablename__ = "price_lists"
    name: Mapped[str]
    currency: Mapped[str]


class PriceListEntry(StoreBase, Versioned):
    """The price of one variant on a list, from a quantity on."""

    prefix = "ple"
    noun = "price"
    __tablename__ = "price_list_entries"
    price_list_id: Mapped[str]
    variant_id: Mapped[str]
    min_quantity: Mapped[int] = mapped_column(default=1)
    price_minor: Mapped[int]
    __table_args__ = (
        scoped_reference("price_list_id", "price_lists"),
        scoped_reference("variant_id", "variants"),
        *not_negative("price_minor"),
        Index("uq_price_list_entries", "workspace_id", "price_list_id", "variant_id", "min_quantity", unique=True),
    )
