"""Billing an order, or what was agreed beside one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal, NotRequired

from pydantic import Field
from sqlalchemy import select
from typing_extensions import TypedDict

from tradepost.commerce.billing.models import Invoice, InvoiceLine
from tradepost.commerce.customers.models import Customer
from tradepost.commerce.flows.names import find_customer
from tradepost.commerce.flows.settling.order_units import order_lines
from tradepost.commerce.flows.told import mail_goes_out
from tradepost.commerce.orders.models import Order
from tradepost.commerce.orders.states import ORDER_TRANSITIONS
from tradepost.commerce.serving.declare import Answer, write_tool
from tradepost.commerce.store.states import not_in_this_state
from tradepost.commerce.store.store import Store
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.errors import InvalidArgument, StateConflict
from tradepost.foundation.ids import new_id
from tradepost.foundation.money import MoneyView, display, money
from tradepost.foundation.untrusted import clean

MAX_LINES = 50
_Minor = Annotated[int, Field(ge=0, le=10**11)]


class BilledLine(TypedDict):
    """Something billed that no order holds."""

    description: Annotated[str, Field(min_length=1, max_length=200, description="What.", examples=["Engraving"])]
    quantity: Annotated[int, Field(ge=1, le=1_000_000, description="How many.", examples=[1])]
    unit_price_minor: Annotated[_Minor, Field(description="Each, in minor units.", examples=[1500])]
    sku: NotRequired[Annotated[str, Field(max_length=200, description="SKU.", examples=["SKU-1"])]]


OrderRef = Annotated[str | None, Field(max_length=200, description="The order to bill.", examples=["ORD-1001"])]
CustomerRef = Annotated[
    str | None, Field(max_length=200, description="With lines: whom to bill.", examples=["CUST-1001"])
]
Lines = Annotated[
    list[BilledLine] | None,
    Field(
        min_length=1,
        max_length=MAX_LINES,
        description="Or what to bill.",
        examples=[[{"description": "Engraving", "quantity": 1, "unit_price_minor": 1500}]],
    ),
]
Currency = Annotated[str | None, Field(pattern="^[A-Z]{3}$", description="With lines: ISO 4217.", examples=["EUR"])]
Terms = Annotated[Literal[0, 15, 30, 60, 90], Field(description="Days to pay; 0: at once.", examples=[30])]
PoNumber = Annotated[str | None, Field(max_length=80, description="The customer's order number.", examples=["4500-1"])]
Notify = Annotated[bool, Field(description="E-mail it to the customer.", examples=[False])]


class CreatedInvoice(TypedDict):
    """A new invoice."""

    id: str
    number: str
    version: int
    invoice_status: str
    customer_number: str
    order_number: str | None
    total: MoneyView
    paid: MoneyView
    outstanding: MoneyView
    due_at: str
    lines: int


@dataclass(frozen=True, slots=True)
class _Bill:
    customer: Customer
    order: Order | None
    currency: str
    lines: list[tuple[str, str | None, int, int, int]]  # description, sku, quantity, unit price, total
    paid_minor: int

    @property
    def total_minor(self) -> int:
        return sum(line[4] for line in self.lines)


@write_tool(title="Create invoice", scope="write:billing", open_world=True)
async def create_invoice(
    store: Store,
    order_id: OrderRef = None,
    customer_id: CustomerRef = None,
    lines: Lines = None,
    currency: Currency = None,
    terms_days: Terms = 30,
    po_number: PoNumber = None,
    notify_customer: Notify = False,
) -> Answer[CreatedInvoice]:
    """Bill a customer: for an order (order_id alone: its lines, discount, shipping and tax, less what was paid) or for
    lines (with customer_id and currency). Use for accounts on terms and for services. Not to take the money
    (capture_payment) and not as an offer (create_quote). An order is billed once. Charges nothing. Returns the number,
    total, what is outstanding and the due date."""
    bill = await _of_order(store, order_id, customer_id, lines, currency)
    if bill.total_minor <= 0:
        raise InvalidArgument("There is nothing to bill: the total is zero.", field="lines")
    paid = min(bill.paid_minor, bill.total_minor)
    due_at = store.now + timedelta(days=terms_days)
    purchase = clean(po_number, 80) if po_number else (bill.order.po_number if bill.order is not None else None)
    invoice = store.add(
        Invoice(
            id=new_id(Invoice.prefix),
            number=await store.next_number("INV-"),
            customer_id=bill.customer.id,
            order_id=bill.order.id if bill.order is not None else None,
            status="paid" if paid == bill.total_minor else "open",
            currency=bill.currency,
            total_minor=bill.total_minor,
            paid_minor=paid,
            terms_days=terms_days,
            po_number=purchase,
            issued_at=store.now,
            due_at=due_at,
            paid_at=store.now if paid == bill.total_minor else None,
        )
    )
    await store.session.flush()
    for position, (description, sku, quantity, price, total) in enumerate(bill.lines, start=1):
        store.add(
            InvoiceLine(
                id=new_id(InvoiceLine.prefix),
                invoice_id=invoice.id,
                position=position,
                description=clean(description, 200),
                sku=sku,
                quantity=quantity,
                unit_price_minor=price,
                total_minor=total,
            )
        )
    await store.session.flush()
    store.emit("invoice:issued", invoice, total_minor=bill.total_minor, notify_customer=notify_customer)
    if notify_customer:
        amount = display(bill.total_minor, bill.currency)
        await mail_goes_out(store, invoice.customer_id, f"the invoice over {amount}")
    view: CreatedInvoice = {
        "id": invoice.id,
        "number": invoice.number,
        "version": invoice.version,
        "invoice_status": invoice.status,
        "customer_number": bill.customer.number,
        "order_number": bill.order.number if bill.order is not None else None,
        "total": money(bill.total_minor, bill.currency),
        "paid": money(paid, bill.currency),
        "outstanding": money(bill.total_minor - paid, bill.currency),
        "due_at": to_rfc3339(due_at),
        "lines": len(bill.lines),
    }
    about = f" for order {view['order_number']}" if view["order_number"] else ""
    return Answer(
        view,
        f"{view['number']}{about} to {view['customer_number']}: {view['total']['display']}, "
        f"{view['outstanding']['display']} outstanding, due {view['due_at'][:10]}.",
    )


async def _of_order(
    store: Store,
    order_id: str | None,
    customer_id: str | None,
    lines: Sequence[BilledLine] | None,
    currency: str | None,
) -> _Bill:
    if (order_id is None) == (lines is None):
        raise InvalidArgument(
            "Give either order_id or lines.", hint="lines go with customer_id and currency.", field="order_id"
        )
    if lines is not None:
        return await _of_lines(store, customer_id, lines, currency)
    if customer_id is not None or currency is not None:
        raise InvalidArgument("The order says who is billed, and in which currency.", hint="Give order_id alone.")
    order = await store.primary(Order, str(order_id), field="order_id")
    if order.status in ("canceled", "archived"):
        raise not_in_this_state(
            order, "and is not billed any more", ORDER_TRANSITIONS, hint="Bill what else is owed by lines."
        )
    billed = select(Invoice).where(Invoice.order_id == order.id, Invoice.status != "void")
    before = await store.one_or_none(billed)
    if before is not None:
        raise StateConflict(
            f"The order {order.number} is billed already: {before.number} ({before.status}).",
            hint="list_invoices with that number shows it.",
            details={"invoice": before.number},
        )
    sold = [
        (line.name, line.sku, line.quantity, line.unit_price_minor, line.total_minor)
        for line in await order_lines(store, order)
    ]
    rest = (("Discount", -order.discount_minor), ("Shipping", order.shipping_minor), ("Tax", order.tax_minor))
    extra = [(name, None, 1, amount, amount) for name, amount in rest if amount]
    kept = order.captured_minor - order.refunded_minor
    customer = await store.find(Customer, order.customer_id)
    return _Bill(customer, order, order.currency, [*sold, *extra], kept)


async def _of_lines(store: Store, customer_id: str | None, lines: Sequence[BilledLine], currency: str | None) -> _Bill:
    if customer_id is None or currency is None:
        missing = "customer_id" if customer_id is None else "currency"
        raise InvalidArgument(f"{missing} is missing.", hint="lines go with customer_id and currency.", field=missing)
    customer = await find_customer(store, customer_id)
    made = [
        (
            line["description"],
            line.get("sku"),
            line["quantity"],
            line["unit_price_minor"],
            line["quantity"] * line["unit_price_minor"],
        )
        for line in lines
    ]
    return _Bill(customer, None, currency, made, 0)


TOOLS = (create_invoice,)
