"""A customer's own invoices."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated, Required

from pydantic import Field
from sqlalchemy import select
from typing_extensions import TypedDict

from tradepost.commerce.billing.models import Invoice, InvoiceLine
from tradepost.commerce.billing.views import is_overdue, outstanding_minor
from tradepost.commerce.flows.numbers import numbers_of
from tradepost.commerce.flows.self_service.mine import find_mine, my_customer_id
from tradepost.commerce.orders.models import Order
from tradepost.commerce.serving.declare import Answer, read_tool
from tradepost.commerce.store.listing import Cursor, Detail, Fields, Limit, Page, found_sentence, page, single_page
from tradepost.commerce.store.store import Store
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.money import MoneyView, display, money
from tradepost.foundation.untrusted import clean

SCOPE = "me:invoices"
SHOWN = 5  # invoices named in the text
UNPAID = ("open", "overdue", "uncollectible")

Number = Annotated[
    str | None,
    Field(min_length=1, max_length=200, description="One of your invoices, with its lines.", examples=["INV-1001"]),
]
Unpaid = Annotated[bool, Field(description="Only what is still to be paid.", examples=[True])]


# A line of an invoice, ready to show.
class MyInvoiceLine(TypedDict):
    description: str
    quantity: int
    total: MoneyView


# An invoice as its customer sees it. The keys that `detail` or `fields` leave out are not there.
class MyInvoice(TypedDict, total=False):
    id: Required[str]
    number: str
    status: str
    total: MoneyView
    outstanding: MoneyView
    due_at: str | None
    order_number: str | None
    issued_at: str
    paid_at: str | None
    lines: list[MyInvoiceLine]


@read_tool(title="List my invoices", scope=SCOPE)
async def list_my_invoices(
    store: Store,
    number: Number = None,
    unpaid: Unpaid = False,
    limit: Limit = 20,
    cursor: Cursor = None,
    detail: Detail = "standard",
    fields: Fields = None,
) -> Answer[Page[MyInvoice]]:
    """List the signed-in customer's own invoices, the newest first, or show one with its lines (number alone). Use when
    they ask for an invoice, what they owe or what was paid. Not for what was ordered (list_my_orders). Reads only and
    sends nothing. Returns per invoice status, total, what is outstanding and when it is due; detail full adds the
    lines."""
    customer_id = await my_customer_id(store)
    if number is not None:
        if unpaid or cursor is not None:
            raise InvalidArgument(
                "number names one invoice and cannot be combined with filters.",
                hint="Give number alone, or leave it out.",
                field="number",
            )
        invoice = await find_mine(store, customer_id, Invoice, number, field="number")
        one: Page[MyInvoice] = single_page(await _views(store, [invoice], "full"), fields)
        return Answer(one, _sentence(store, invoice))
    statement = select(Invoice).where(Invoice.customer_id == customer_id, Invoice.status != "draft")
    if unpaid:
        statement = statement.where(Invoice.status.in_(UNPAID))
    shown: list[str] = []

    async def view(rows: Sequence[Invoice]) -> list[MyInvoice]:
        shown.extend(_sentence(store, row) for row in rows[:SHOWN])
        return await _views(store, rows, detail)

    found = await page(
        store,
        "my invoices",
        statement,
        [Invoice.issued_at, Invoice.id],
        view,
        limit=limit,
        cursor=cursor,
        descending=True,
        fields=fields,
    )
    sentence = found_sentence(found, "invoices", "You have no invoices here.", named=SHOWN)
    return Answer(found, " ".join([sentence, *shown]))


async def _views(store: Store, rows: Sequence[Invoice], detail: Detail) -> list[MyInvoice]:
    orders = await numbers_of(store, Order, (row.order_id for row in rows))
    lines: dict[str, list[MyInvoiceLine]] = defaultdict(list)
    if detail == "full" and rows:
        currency = {row.id: row.currency for row in rows}
        of_invoices = select(InvoiceLine).where(InvoiceLine.invoice_id.in_(sorted(currency)))
        for line in await store.all(of_invoices.order_by(InvoiceLine.position, InvoiceLine.id)):
            lines[line.invoice_id].append(
                {
                    "description": clean(line.description, 200),
                    "quantity": line.quantity,
                    "total": money(line.total_minor, currency[line.invoice_id]),
                }
            )
    return [_view(store, row, orders.get(row.order_id), lines[row.id], detail) for row in rows]


def _view(
    store: Store, row: Invoice, order_number: str | None, lines: list[MyInvoiceLine], detail: Detail
) -> MyInvoice:
    view: MyInvoice = {
        "id": row.id,
        "number": row.number,
        "status": _status(store, row),
        "total": money(row.total_minor, row.currency),
        "outstanding": money(_owed(row), row.currency),
        "due_at": to_rfc3339(row.due_at) if row.due_at else None,
    }
    if detail != "summary":
        view["order_number"] = order_number
        view["issued_at"] = to_rfc3339(row.issued_at)
        view["paid_at"] = to_rfc3339(row.paid_at) if row.paid_at else None
    if detail == "full":
        view["lines"] = lines
    return view


def _status(store: Store, row: Invoice) -> str:
    """That a shop has given an invoice up is its own affair: for the customer it is overdue."""
    return "overdue" if is_overdue(row, store.now) or row.status == "uncollectible" else row.status


def _owed(row: Invoice) -> int:
    given_up = row.status == "uncollectible"
    return max(row.total_minor - row.paid_minor, 0) if given_up else outstanding_minor(row)


def _sentence(store: Store, row: Invoice) -> str:
    due = f", due {row.due_at.date().isoformat()}" if row.due_at and _owed(row) else ""
    return f"{row.number}: {display(row.total_minor, row.currency)} {_status(store, row)}{due}."


TOOLS = (list_my_invoices,)
