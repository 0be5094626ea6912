"""Reading invoices and quotes with the customers and orders they belong to."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field
from sqlalchemy import and_, or_, select

from tradepost.commerce.billing.models import Invoice, InvoiceLine, InvoiceStatus, Quote, QuoteLine
from tradepost.commerce.billing.views import InvoiceView, QuoteView, invoice_view, outstanding_minor, quote_view
from tradepost.commerce.flows.names import find_customer
from tradepost.commerce.flows.numbers import customer_names, numbers_of
from tradepost.commerce.orders.models import Order
from tradepost.commerce.serving.declare import Answer, read_tool, resource
from tradepost.commerce.store.listing import (
    Cursor,
    Detail,
    Fields,
    Limit,
    Page,
    TimeFilter,
    found_sentence,
    page,
    single_page,
)
from tradepost.commerce.store.periods import days_text, within
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.money import display

SHOWN = 5  # invoices named in the text


@read_tool(title="List invoices", scope="read:billing")
async def list_invoices(
    store: Store,
    number: Annotated[
        str | None,
        Field(max_length=200, description="One invoice, number or id, with its lines.", examples=["INV-1001"]),
    ] = None,
    customer_id: Annotated[
        str | None, Field(max_length=200, description="Account: customer id, number or name.", examples=["CUST-1001"])
    ] = None,
    status: Annotated[
        InvoiceStatus | None,
        Field(description="Open means not yet due; overdue is unpaid past its due date.", examples=["overdue"]),
    ] = None,
    issued_from: TimeFilter = None,
    issued_to: TimeFilter = None,
    limit: Limit = 20,
    cursor: Cursor = None,
    detail: Detail = "standard",
    fields: Fields = None,
) -> Answer[Page[InvoiceView]]:
    """List invoices of an account or of all, the newest first, or show one with its lines (number alone). Use to see
    what a business customer owes and what is overdue. Not for payments of orders (search_payments), and it creates or
    sends nothing. Reads only. Returns per invoice status, total, paid and outstanding money, terms, due date and days
    overdue; detail=full adds the lines."""
    if number is not None:
        if any(value is not None for value in (customer_id, status, issued_from, issued_to, cursor)):
            raise InvalidArgument(
                "number names one invoice and cannot be combined with filters.",
                hint="Give number alone, or leave it out and filter.",
                field="number",
            )
        invoice = await store.find(Invoice, number, field="number")
        one: Page[InvoiceView] = single_page(await invoice_views(store, [invoice], "full"), fields)
        return Answer(one, await _sentence(store, [invoice]))
    statement = select(Invoice)
    if customer_id is not None:
        customer = await find_customer(store, customer_id)
        statement = statement.where(Invoice.customer_id == customer.id)
    past_due = and_(Invoice.status == "open", Invoice.due_at.is_not(None), Invoice.due_at < store.now)
    if status == "overdue":
        statement = statement.where(or_(Invoice.status == "overdue", past_due))
    elif status == "open":
        statement = statement.where(
            Invoice.status == "open", or_(Invoice.due_at.is_(None), Invoice.due_at >= store.now)
        )
    elif status is not None:
        statement = statement.where(Invoice.status == status)
    statement = within(statement, Invoice.issued_at, issued_from, issued_to, "issued")
    shown: list[Invoice] = []

    async def view(rows: Sequence[Invoice]) -> list[InvoiceView]:
        shown.extend(rows)
        return await invoice_views(store, rows, detail)

    found = await page(
        store,
        "invoices",
        statement,
        [Invoice.issued_at, Invoice.id],
        view,
        limit=limit,
        cursor=cursor,
        descending=True,
        fields=fields,
    )
    text = found_sentence(found, "invoices", "No invoices found with these filters.", named=SHOWN)
    return Answer(found, f"{text}{_owed(shown)} {await _sentence(store, shown[:SHOWN])}".strip())


async def invoice_views(store: Store, rows: Sequence[Invoice], detail: Detail) -> list[InvoiceView]:
    """Invoices as callers see them; `full` with their lines."""
    customers = await customer_names(store, (row.customer_id for row in rows))
    orders = await numbers_of(store, Order, (row.order_id for row in rows))
    lines: dict[str, list[InvoiceLine]] = defaultdict(list)
    if detail == "full" and rows:
        of_invoices = select(InvoiceLine).where(InvoiceLine.invoice_id.in_(sorted(row.id for row in rows)))
        for line in await store.all(of_invoices.order_by(InvoiceLine.position, InvoiceLine.id)):
            lines[line.invoice_id].append(line)
    return [
        invoice_view(
            row,
            customers[row.customer_id],
            orders.get(row.order_id),
            lines[row.id] if detail == "full" else None,
            store.now,
            detail,
        )
        for row in rows
    ]


@resource(
    "invoice://{number}",
    title="Invoice",
    description="An invoice by number or id with its lines.",
    scope="read:billing",
)
async def invoice(store: Store, number: str) -> InvoiceView:
    """The invoice as list_invoices shows it for a number."""
    (view,) = await invoice_views(store, [await store.find(Invoice, number)], "full")
    return view


@resource(
    "quote://{id}",
    title="Quote",
    description="A quote by id or number with its lines, total and expiry.",
    scope="read:billing",
)
async def quote(store: Store, id: str) -> QuoteView:
    """The quote with its lines."""
    found = await store.find(Quote, id)
    customers = await customer_names(store, [found.customer_id])
    orders = await numbers_of(store, Order, [found.order_id])
    lines = await store.all(select(QuoteLine).where(QuoteLine.quote_id == found.id).order_by(QuoteLine.position))
    return quote_view(found, customers[found.customer_id], orders.get(found.order_id), lines, store.now)


def _owed(rows: Sequence[Invoice]) -> str:
    owed: dict[str, int] = defaultdict(int)
    for row in rows:
        owed[row.currency] += outstanding_minor(row)
    said = [display(amount, currency) for currency, amount in sorted(owed.items()) if amount]
    return f" Outstanding on this page: {', '.join(said)}." if said else ""


async def _sentence(store: Store, rows: Sequence[Invoice]) -> str:
    said = []
    for view in await invoice_views(store, rows, "standard"):
        late = f", {days_text(view['days_overdue'])} overdue" if view["status"] == "overdue" else ""
        due = f", due {view['due_at'][:10]}" if view["due_at"] else ""
        if view["paid_at"]:
            due = f" on {view['paid_at'][:10]}"
        said.append(
            f"{view['number']} of {view['customer_number']}: {view['total']['display']} {view['status']}{due}{late}."
        )
    return " ".join(said)


TOOLS = (list_invoices,)
RESOURCES = (invoice, quote)
