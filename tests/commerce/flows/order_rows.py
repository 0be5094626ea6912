"""A small shop for the tests of orders that change: one buyer with three ways to pay, two products, counted stock."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from tests.commerce.conftest import NOW, Shop
from tradepost.commerce.catalog.models import Product, Variant
from tradepost.commerce.customers.models import Customer, PaymentMethod
from tradepost.commerce.flows.changes import cancel_order, change_payment, edit_items, update_address
from tradepost.commerce.flows.refunds import initiate_refund, preview_refund
from tradepost.commerce.flows.returns import (
    approve_return,
    check_eligibility,
    create_exchange,
    decline_return,
    receive_return,
    record_disposition,
    return_prompts,
    return_reads,
    submit_return,
)
from tradepost.commerce.inventory.models import Location, StockLevel
from tradepost.commerce.orders import holds, notes
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.orders.policy import rows_for
from tradepost.commerce.payments.models import Payment

ADDRESS = {"line1": "Kade 1", "line2": "", "city": "Delft", "region": "", "postal_code": "2600 AA", "country": "NL"}
MODULES = (
    *(approve_return, cancel_order, change_payment, check_eligibility, create_exchange, decline_return, edit_items),
    *(initiate_refund, preview_refund, receive_return, record_disposition, return_reads, submit_return),
    *(update_address, holds, notes),
)
STRICT: dict[Any, Any] = {
    "cancel_reasons": ["no longer needed"],
    "max_item_edits": 1,
    "locked_after_item_edit": True,
    "item_edit_actions": ["exchange"],
    "exchange_same_product_only": True,
    "exchange_same_variant": False,
    "refund_destinations": ["original", "gift_card"],
    "one_return_or_exchange_per_order": True,
    "return_window_days": None,
}


def people() -> list[Any]:
    """A buyer with a card, a gift card of 20.00 and a wallet; somebody else with a gift card."""
    rows: list[Any] = [
        Customer(
            id=f"cus_{name}",
            number=f"CUST-{name}",
            first_name=name,
            last_name="Buyer",
            email=f"{name}@example.com",
            email_folded=f"{name}@example.com",
            address=ADDRESS,
        )
        for name in ("ann", "bob")
    ]
    methods = [
        ("card", "ann", "credit_card", None),
        ("gift", "ann", "gift_card", 2000),
        ("wallet", "ann", "paypal", None),
        ("other", "bob", "gift_card", 99_000),
    ]
    rows += [
        PaymentMethod(
            id=f"pm_{name}",
            external_id=name,
            customer_id=f"cus_{owner}",
            position=position,
            type=kind,
            brand="visa" if kind == "credit_card" else None,
            last4="4242" if kind == "credit_card" else None,
            balance_minor=balance,
            currency="EUR",
        )
        for position, (name, owner, kind, balance) in enumerate(methods)
    ]
    return rows


def goods() -> list[Any]:
    """Shirts in S, M (dearer), L (sold out) with counted stock; mugs in red and blue without counts; one recalled."""
    rows: list[Any] = [
        Location(id="loc_1", code="WH-1", name="First house", address=ADDRESS),
        Product(id="prd_shirt", number="P-1", name="Shirt", category="clothing", option_names=["size"]),
        Product(id="prd_mug", number="P-2", name="Mug", category="kitchen", option_names=["color"]),
    ]
    variants: list[tuple[str, str, int, dict[str, Any]]] = [
        ("SHIRT-S", "prd_shirt", 1000, {}),
        ("SHIRT-M", "prd_shirt", 1250, {}),
        ("SHIRT-L", "prd_shirt", 1000, {}),
        ("SHIRT-X", "prd_shirt", 1000, {"status": "recalled"}),
        ("MUG-R", "prd_mug", 700, {"tracks_stock": False}),
        ("MUG-B", "prd_mug", 500, {"tracks_stock": False}),
        ("MUG-G", "prd_mug", 700, {"tracks_stock": False, "sellable": False}),
        ("MUG-Y", "prd_mug", 700, {"tracks_stock": False}),
    ]
    rows += [
        Variant(
            id=f"var_{sku}",
            sku=sku,
            external_id=f"x-{sku}",
            product_id=product,
            options={"kind": sku[-1]},
            price_minor=price,
            currency="EUR",
            **more,
        )
        for sku, product, price, more in variants
    ]
    rows += [
        StockLevel(
            id=f"stk_{sku}",
            variant_id=f"var_{sku}",
            sku=sku,
            location_id="loc_1",
            available=available,
            committed=committed,
            on_hand=available + committed,
        )
        for sku, available, committed in (("SHIRT-S", 10, 2), ("SHIRT-M", 3, 0), ("SHIRT-L", 0, 0))
    ]
    return rows


PRICES = {"SHIRT-S": 1000, "SHIRT-M": 1250, "MUG-R": 700, "MUG-B": 500}


def order(number: str, *units: tuple[str, int], method: str | None = "card", **more: Any) -> list[Any]:
    """An open order of ann, paid unless `method` is None, with one line per (sku, quantity)."""
    total = sum(PRICES[sku] * quantity for sku, quantity in units)
    extra = more.pop("shipping_minor", 0) + more.get("tax_minor", 0) - more.get("discount_minor", 0)
    delivered = more.pop("delivered_at", None)
    paid = total + extra if method else 0
    state: dict[str, Any] = {"status": "open", "fulfillment_status": "unfulfilled"}
    if delivered is not None:
        state = {"status": "completed", "fulfillment_status": "fulfilled", "delivered_at": delivered}
    rows: list[Any] = [
        Order(
            id=f"ord_{number}",
            number=number,
            customer_id="cus_ann",
            payment_status="paid" if paid else "pending",
            currency="EUR",
            subtotal_minor=total,
            total_minor=total + extra,
            shipping_minor=extra - more.get("tax_minor", 0) + more.get("discount_minor", 0),
            captured_minor=paid,
            placed_at=NOW - timedelta(days=20),
            warehouse_id="loc_1",
            shipping_address=ADDRESS,
            **{**state, **more},
        )
    ]
    for position, (sku, quantity) in enumerate(units, start=1):
        gone = quantity if delivered is not None else 0
        rows.append(
            OrderLine(
                id=f"oln_{number}_{position}",
                order_id=f"ord_{number}",
                position=position,
                variant_id=f"var_{sku}",
                product_id="prd_shirt" if sku.startswith("SHIRT") else "prd_mug",
                sku=sku,
                name="Shirt" if sku.startswith("SHIRT") else "Mug",
                options={},
                quantity=quantity,
                fulfilled=gone,
                shipped=gone,
                delivered=gone,
                unit_price_minor=PRICES[sku],
                total_minor=PRICES[sku] * quantity,
            )
        )
    if method:
        rows.append(
            Payment(
                id=f"pay_{number}",
                number=f"P-{number}",
                order_id=f"ord_{number}",
                sequence=1,
                method_id=f"pm_{method}",
                status="captured",
                currency="EUR",
                amount_minor=paid,
                captured_minor=paid,
                captured_at=NOW - timedelta(days=20),
            )
        )
    return rows


async def open_shop(shop: Shop, *orders: list[Any], policy: dict[Any, Any] | None = None) -> None:
    """Serve every write on orders and returns over a store with these orders."""
    shop.offer([tool for module in MODULES for tool in module.TOOLS], return_reads.RESOURCES, return_prompts.PROMPTS)
    await shop.add(*people(), *goods(), *rows_for(policy or {}), *(row for rows in orders for row in rows))


async def rows(shop: Shop, model: type[Any], *where: Any) -> list[Any]:
    """Rows as the store holds them now."""
    async with shop.database.transaction("wsp_test", write=False) as session:
        return list((await session.scalars(select(model).where(*where).order_by(model.id))).all())


async def one(shop: Shop, model: type[Any], row_id: str) -> Any:
    """The row of an id."""
    (found,) = await rows(shop, model, model.id == row_id)
    return found


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)
