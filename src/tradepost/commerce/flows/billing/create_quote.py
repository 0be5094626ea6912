"""Offering goods to a customer at their prices, for a while."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field
from sqlalchemy import func, select
from typing_extensions import TypedDict

from tradepost.commerce.billing.models import Quote, QuoteLine
from tradepost.commerce.catalog.models import Variant
from tradepost.commerce.customers.models import Customer
from tradepost.commerce.flows.billing.prices import Priced, price_for
from tradepost.commerce.flows.names import find_customer
from tradepost.commerce.flows.stock.stock_lines import Lines, OneQuantity, OneSku, require_once, wanted_lines
from tradepost.commerce.flows.told import mail_goes_out
from tradepost.commerce.inventory.cover import amount_text
from tradepost.commerce.inventory.models import StockLevel
from tradepost.commerce.serving.declare import Answer, write_tool
from tradepost.commerce.store.store import Store
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.errors import StateConflict
from tradepost.foundation.ids import new_id
from tradepost.foundation.money import MoneyView, display, money
from tradepost.foundation.untrusted import clean

CustomerRef = Annotated[
    str, Field(min_length=1, max_length=200, description="Customer id, number or name.", examples=["CUST-1001"])
]
ValidDays = Annotated[int, Field(ge=1, le=365, description="How long it stands.", examples=[30])]
Notify = Annotated[bool, Field(description="E-mail it to the customer; then it counts as sent.", examples=[False])]


class QuotedLine(TypedDict):
    """A line; `agreed_price`: it comes from the customer's price list. `available`: units that can be sold today."""

    sku: str
    quantity: int
    unit_price: MoneyView
    total: MoneyView
    agreed_price: bool
    available: int | None


class CreatedQuote(TypedDict):
    """A new quote."""

    id: str
    number: str
    version: int
    quote_status: str
    customer_number: str
    price_list: str | None
    total: MoneyView
    valid_until: str
    lines: list[QuotedLine]


@write_tool(title="Create quote", scope="write:billing", open_world=True)
async def create_quote(
    store: Store,
    customer_id: CustomerRef,
    sku: OneSku = None,
    quantity: OneQuantity = None,
    lines: Lines = None,
    valid_days: ValidDays = 30,
    notify_customer: Notify = False,
) -> Answer[CreatedQuote]:
    """Offer goods to a customer at their own prices. Use when a company asks what so many units would cost; prices come
    from its price list, by quantity, else from the shop. Not for an order (convert_quote, once they accept) or a bill
    (create_invoice). Promises no stock. Returns the quote with prices, total, expiry, and what is available today."""
    customer = await find_customer(store, customer_id)
    _require_active(customer)
    wanted = wanted_lines(sku, quantity, lines)
    variants = [(await store.find(Variant, line["sku"], field="lines"), line["quantity"]) for line in wanted]
    require_once(variant.sku for variant, _ in variants)
    for variant, _ in variants:
        if variant.status != "active":
            raise StateConflict(f"{variant.sku} is {variant.status} and not for sale.", hint="Leave it out.")
    agreement, priced, currency = await price_for(store, customer, variants)
    quote = store.add(
        Quote(
            id=new_id(Quote.prefix),
            number=await store.next_number("QUO-"),
            customer_id=customer.id,
            status="sent" if notify_customer else "draft",
            currency=currency,
            total_minor=sum(one.total_minor for one in priced),
            price_list_id=agreement.id if agreement is not None else None,
            expires_at=store.now + timedelta(days=valid_days),
        )
    )
    await store.session.flush()
    for position, one in enumerate(priced, start=1):
        store.add(_line(quote, position, one))
    await store.session.flush()
    store.emit("quote:created", quote, total_minor=quote.total_minor, notify_customer=notify_customer)
    if notify_customer:
        await mail_goes_out(store, quote.customer_id, f"the quote over {display(quote.total_minor, currency)}")
    free = await _available(store, [one.variant for one in priced])
    view: CreatedQuote = {
        "id": quote.id,
        "number": quote.number,
        "version": quote.version,
        "quote_status": quote.status,
        "customer_number": customer.number,
        "price_list": clean(agreement.name, 80) if agreement is not None else None,
        "total": money(quote.total_minor, currency),
        "valid_until": to_rfc3339(store.now + timedelta(days=valid_days)),
        "lines": [
            {
                "sku": one.variant.sku,
                "quantity": one.quantity,
                "unit_price": money(one.unit_price_minor, currency),
                "total": money(one.total_minor, currency),
                "agreed_price": one.agreed,
                "available": free.get(one.variant.sku),
            }
            for one in priced
        ],
    }
    return Answer(view, _sentence(view, priced))


def _require_active(customer: Customer) -> None:
    if customer.status != "active":
        raise StateConflict(
            f"The customer {customer.number} is {customer.status}.", hint="Only active customers get quotes."
        )


def _line(quote: Quote, position: int, one: Priced) -> QuoteLine:
    return QuoteLine(
        id=new_id(QuoteLine.prefix),
        quote_id=quote.id,
        position=position,
        variant_id=one.variant.id,
        sku=one.variant.sku,
        quantity=one.quantity,
        unit_price_minor=one.unit_price_minor,
        total_minor=one.total_minor,
    )


async def _available(store: Store, variants: list[Variant]) -> dict[str, int]:
    """{sku: units that can be sold now}, for those whose stock is counted."""
    counted = sorted(variant.sku for variant in variants if variant.tracks_stock)
    rows = await store.session.execute(
        select(StockLevel.sku, func.sum(StockLevel.available))
        .where(StockLevel.sku.in_(counted))
        .group_by(StockLevel.sku)
    )
    return {**dict.fromkeys(counted, 0), **{sku: int(units) for sku, units in rows}}


def _sentence(view: CreatedQuote, priced: list[Priced]) -> str:
    said = []
    for line, one in zip(view["lines"][:6], priced, strict=False):
        scale, unit = one.variant.quantity_scale, one.variant.unit
        short = line["available"] is not None and line["available"] < one.quantity
        only = f", only {amount_text(line['available'] or 0, scale, unit)} available today" if short else ""
        said.append(
            f"{amount_text(one.quantity, scale, unit)} x {line['sku']} at {line['unit_price']['display']}{only}"
        )
    at = f" at the prices of {view['price_list']}" if view["price_list"] else ""
    return (
        f"{view['number']} for {view['customer_number']}{at}: {'; '.join(said)}. Total {view['total']['display']}, "
        f"{view['quote_status']}, until {view['valid_until'][:10]}."
    )


TOOLS = (create_quote,)
