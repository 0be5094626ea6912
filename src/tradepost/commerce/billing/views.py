"""How invoices and quotes look to callers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Required

from typing_extensions import TypedDict

from tradepost.commerce.billing.models import Invoice, InvoiceLine, Quote, QuoteLine
from tradepost.commerce.store.listing import Detail
from tradepost.commerce.store.outside import OutsideName
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.money import MoneyView, display, money
from tradepost.foundation.outsiders import clean_name
from tradepost.foundation.untrusted import clean


class InvoiceLineView(TypedDict):
    """A line of an invoice. Amounts are in minor units of the invoice's currency."""

    position: int
    description: str
    sku: str | None
    quantity: int
    unit_price_minor: int
    total_minor: int
    display: dict[str, str]


class InvoiceView(TypedDict, total=False):
    """An invoice. An open one past its due date is overdue; `days_overdue` says by how much."""

    id: Required[str]
    number: str
    customer_id: str
    customer_number: str
    customer_name: OutsideName
    order_number: str | None
    status: str
    total: MoneyView
    paid: MoneyView
    outstanding: MoneyView
    terms_days: int
    po_number: OutsideName | None
    issued_at: str
    due_at: str | None
    paid_at: str | None
    days_overdue: int
    version: int
    lines: list[InvoiceLineView]


class QuoteLineView(TypedDict):
    """A line of a quote. Amounts are in minor units of the quote's currency."""

    position: int
    sku: str
    quantity: int
    unit_price_minor: int
    total_minor: int
    display: dict[str, str]


class QuoteView(TypedDict):
    """A quote with its lines. A sent one past its date is expired."""

    id: str
    number: str
    customer_id: str
    customer_number: str
    customer_name: OutsideName
    status: str
    total: MoneyView
    expires_at: str | None
    price_list_id: str | None
    order_number: str | None
    version: int
    lines: list[QuoteLineView]


def is_overdue(invoice: Invoice, now: datetime) -> bool:
    """Unpaid and past its due date, whether or not a job has marked it so."""
    return invoice.status == "overdue" or (
        invoice.status == "open" and invoice.due_at is not None and invoice.due_at < now
    )


def outstanding_minor(invoice: Invoice) -> int:
    """What the customer still owes on it."""
    return max(invoice.total_minor - invoice.paid_minor, 0) if invoice.status in ("open", "overdue") else 0


def invoice_view(
    invoice: Invoice,
    customer: tuple[str, str],
    order_number: str | None,
    lines: Sequence[InvoiceLine] | None,
    now: datetime,
    detail: Detail = "standard",
) -> InvoiceView:
    """An invoice as callers see it; `customer` is its number and name, `lines` are left out where None."""
    overdue = is_overdue(invoice, now)
    view: InvoiceView = {
        "id": invoice.id,
        "number": invoice.number,
        "customer_number": customer[0],
        "status": "overdue" if overdue else invoice.status,
        "total": money(invoice.total_minor, invoice.currency),
        "outstanding": money(outstanding_minor(invoice), invoice.currency),
        "due_at": _time(invoice.due_at),
    }
    if detail != "summary":
        view["customer_id"] = invoice.customer_id
        view["customer_name"] = customer[1]
        view["order_number"] = order_number
        view["paid"] = money(invoice.paid_minor, invoice.currency)
        view["terms_days"] = invoice.terms_days
        ordered_by = invoice.po_number
        view["po_number"] = None if ordered_by is None else clean_name(ordered_by, 80, "a purchase order number")
        view["issued_at"] = to_rfc3339(invoice.issued_at)
        view["paid_at"] = _time(invoice.paid_at)
        view["days_overdue"] = (now - invoice.due_at).days if overdue and invoice.due_at is not None else 0
        view["version"] = invoice.version
    if lines is not None:
        view["lines"] = [_invoice_line(line, invoice.currency) for line in lines]
    return view


def quote_view(
    quote: Quote, customer: tuple[str, str], order_number: str | None, lines: Sequence[QuoteLine], now: datetime
) -> QuoteView:
    """A quote as callers see it."""
    expired = quote.status == "sent" and quote.expires_at is not None and quote.expires_at < now
    return {
        "id": quote.id,
        "number": quote.number,
        "customer_id": quote.customer_id,
        "customer_number": customer[0],
        "customer_name": customer[1],
        "status": "expired" if expired else quote.status,
        "total": money(quote.total_minor, quote.currency),
        "expires_at": _time(quote.expires_at),
        "price_list_id": quote.price_list_id,
        "order_number": order_number,
        "version": quote.version,
        "lines": [_quote_line(line, quote.currency) for line in lines],
    }


def _invoice_line(line: InvoiceLine, currency: str) -> InvoiceLineView:
    return {
        "position": line.position,
        "description": clean(line.description, 200),
        "sku": line.sku,
        "quantity": line.quantity,
        "unit_price_minor": line.unit_price_minor,
        "total_minor": line.total_minor,
        "display": {
            "unit_price": display(line.unit_price_minor, currency),
            "total": display(line.total_minor, currency),
        },
    }


def _quote_line(line: QuoteLine, currency: str) -> QuoteLineView:
    return {
        "position": line.position,
        "sku": line.sku,
        "quantity": line.quantity,
        "unit_price_minor": line.unit_price_minor,
        "total_minor": line.total_minor,
        "display": {
            "unit_price": display(line.unit_price_minor, currency),
            "total": display(line.total_minor, currency),
        },
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else to_rfc3339(moment)
