"""A customer accepts a quote: it becomes an order at its prices, and its goods are promised."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field
from sqlalchemy import func, select
from typing_extensions import TypedDict

from tradepost.commerce.billing.models import Quote, QuoteLine
from tradepost.commerce.billing.states import QUOTE
from tradepost.commerce.catalog.models import Product, Variant
from tradepost.commerce.customers.models import Customer
from tradepost.commerce.flows.names import called, find_called
from tradepost.commerce.inventory.cover import amount_text
from tradepost.commerce.inventory.models import Location, StockLevel
from tradepost.commerce.inventory.stock import Place, commit, lock_levels
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.serving.declare import Answer, write_tool
from tradepost.commerce.store.states import require_step, step
from tradepost.commerce.store.store import Store
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.errors import NotFound, StateConflict
from tradepost.foundation.ids import new_id
from tradepost.foundation.money import MoneyView, money
from tradepost.foundation.untrusted import clean

QuoteRef = Annotated[str, Field(min_length=1, max_length=200, description="Quote id or number.", examples=["QUO-501"])]
Where = Annotated[
    str | None,
    Field(max_length=200, description="Warehouse that ships it; left out: one that has it all.", examples=["WH-1"]),
]
PoNumber = Annotated[str | None, Field(max_length=80, description="The customer's order number.", examples=["4500-1"])]


class ConvertedQuote(TypedDict):
    """The order that a quote became."""

    quote_number: str
    quote_status: str
    order_id: str
    order_number: str
    version: int
    warehouse: str | None
    total: MoneyView
    units: int
    payment_status: str


@write_tool(title="Convert quote", scope="write:billing")
async def convert_quote(
    store: Store, quote_id: QuoteRef, warehouse_id: Where = None, po_number: PoNumber = None
) -> Answer[ConvertedQuote]:
    """Turn a quote that the customer accepted into an order at its prices. Use once they said yes, before it expires.
    Not to change prices (create_quote again) and not to bill (create_invoice for the order). Promises the goods at one
    warehouse: refused, with the numbers, if it has too few. Charges nothing: the order waits for payment or invoice.
    Returns the order's number, total and warehouse."""
    quote = await store.primary(Quote, quote_id, field="quote_id")
    _require_acceptable(store, quote)
    customer = await store.find(Customer, quote.customer_id)
    if customer.status != "active":
        raise StateConflict(f"The customer {customer.number} is {customer.status}.", hint="Nothing was ordered.")
    lines = await store.all(select(QuoteLine).where(QuoteLine.quote_id == quote.id).order_by(QuoteLine.position))
    variants = [await store.find(Variant, line.variant_id) for line in lines]
    counted = [(variant, line.quantity) for variant, line in zip(variants, lines, strict=True) if variant.tracks_stock]
    place = await _warehouse(store, warehouse_id, counted)
    levels = {} if place is None else await lock_levels(store, [(variant.sku, place.id) for variant, _ in counted])
    order = await _ordered(store, quote, customer, place, po_number)
    for line, variant in zip(lines, variants, strict=True):
        product = await store.find(Product, variant.product_id)
        store.add(_line(order, line, variant, product))
    await store.session.flush()
    _promise(store, order, place, counted, levels)
    for state in ("sent", "accepted", "converted"):  # the conversion says that the customer accepted
        if quote.status != state and state in QUOTE[quote.status]:
            step(quote, state, QUOTE)
    quote.order_id = order.id
    await store.session.flush()
    store.emit("quote:converted", quote, order_id=order.id)
    store.emit("order:placed", order, total_minor=order.total_minor, quote=quote.number)
    view: ConvertedQuote = {
        "quote_number": quote.number,
        "quote_status": quote.status,
        "order_id": order.id,
        "order_number": order.number,
        "version": order.version,
        "warehouse": place.code if place is not None else None,
        "total": money(order.total_minor, order.currency),
        "units": sum(line.quantity for line in lines),
        "payment_status": order.payment_status,
    }
    return Answer(
        view,
        f"{quote.number} became order {order.number} over {view['total']['display']} for {customer.number}, "
        f"shipped from {view['warehouse'] or 'any warehouse'}. It waits for payment.",
    )


def _require_acceptable(store: Store, quote: Quote) -> None:
    if quote.status not in ("draft", "sent", "accepted"):
        require_step(quote, "converted", QUOTE)
    if quote.expires_at is not None and quote.expires_at < store.now:
        raise StateConflict(
            f"The quote {quote.number} expired on {to_rfc3339(quote.expires_at)}.",
            hint="Make a new one: create_quote.",
            details={"expires_at": to_rfc3339(quote.expires_at)},
        )


async def _warehouse(store: Store, reference: str | None, counted: Sequence[tuple[Variant, int]]) -> Location | None:
    """The place named, or the first that has everything. None where nothing is counted and none is named."""
    if reference is not None:
        return await find_called(store, Location, reference, field="warehouse_id")
    if not counted:
        return None
    wanted = {variant.sku: units for variant, units in counted}
    rows = await store.all(select(StockLevel).where(StockLevel.sku.in_(sorted(wanted))))
    enough: dict[str, set[str]] = {}
    for level in rows:
        if level.available >= wanted[level.sku]:
            enough.setdefault(level.location_id, set()).add(level.sku)
    ids = sorted(place for place, skus in enough.items() if skus == wanted.keys())
    if not ids:
        held = ", ".join(f"{level.sku}: {level.available}" for level in rows[:8])
        needs = ", ".join(
            f"{amount_text(units, one.quantity_scale, one.unit)} x {one.sku}" for one, units in counted[:6]
        )
        raise StateConflict(
            f"No single warehouse has {needs} available ({held or 'none is held'}).",
            hint="Transfer stock first, reorder, or name a warehouse that will have it.",
            field="warehouse_id",
        )
    return (await store.all(select(Location).where(Location.id.in_(ids)).order_by(Location.code)))[0]


def _promise(
    store: Store,
    order: Order,
    place: Location | None,
    counted: Sequence[tuple[Variant, int]],
    levels: dict[Place, StockLevel],
) -> None:
    if place is None:
        return
    for variant, units in counted:
        level = levels.get((variant.sku, place.id))
        if level is None:
            raise NotFound(f"{called(place)} does not hold {variant.sku}.", hint="Name another.", field="warehouse_id")
        commit(store, level, units, order.number)


async def _ordered(
    store: Store, quote: Quote, customer: Customer, place: Location | None, po_number: str | None
) -> Order:
    position = select(func.coalesce(func.max(Order.customer_position), 0)).where(Order.customer_id == customer.id)
    order = store.add(
        Order(
            id=new_id(Order.prefix),
            number=await _free_number(store),
            customer_id=customer.id,
            customer_position=1 + int((await store.session.execute(position)).scalar_one()),
            status="open",
            payment_status="pending",
            fulfillment_status="unfulfilled",
            currency=quote.currency,
            subtotal_minor=quote.total_minor,
            total_minor=quote.total_minor,
            placed_at=store.now,
            warehouse_id=place.id if place is not None else None,
            channel="quote",
            po_number=clean(po_number, 80) if po_number else None,
            shipping_address=dict(customer.address),
        )
    )
    await store.session.flush()
    return order


async def _free_number(store: Store) -> str:
    """The next order number that no imported order has."""
    while True:
        number = await store.next_number("ORD-")
        if await store.one_or_none(select(Order).where(Order.number == number)) is None:
            return number


def _line(order: Order, line: QuoteLine, variant: Variant, product: Product) -> OrderLine:
    return OrderLine(
        id=new_id(OrderLine.prefix),
        order_id=order.id,
        placed_at=order.placed_at,
        position=line.position,
        variant_id=variant.id,
        product_id=product.id,
        sku=variant.sku,
        name=product.name,
        options=dict(variant.options),
        unit=variant.unit,
        quantity_scale=variant.quantity_scale,
        quantity=line.quantity,
        unit_price_minor=line.unit_price_minor,
        total_minor=line.total_minor,
    )


TOOLS = (convert_quote,)
