"""Reading orders: the columns of Shopify's order export, and what several rows say of one order and its money."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from tradepost.commerce.orders.models import FulfillmentStatus, PaymentStatus
from tradepost.commerce.transfer.sheets.addresses import address_columns, address_of
from tradepost.commerce.transfer.sheets.columns import Column
from tradepost.commerce.transfer.sheets.kind import Ground, Refused, agree, minor, required
from tradepost.commerce.transfer.sheets.reading import Row
from tradepost.commerce.transfer.sheets.values import (
    amount,
    code,
    currency,
    day_or_moment,
    email,
    in_future,
    line,
    moment,
    one_of,
    phone,
    quantity,
    text,
)
from tradepost.foundation.money import display


def _number(cell: str) -> str:
    """Shopify writes #1001; the number is kept without the decoration."""
    return str(code(cell.strip().removeprefix("#")))


_FULFILLMENT = {"partial": "partially_fulfilled", "pending": "unfulfilled"}
_LineState = Literal["processing", "partial", "fulfilled"]
_LINE = {"pending": "processing", "unfulfilled": "processing"}

_ORDER = (
    Column("number", ("Name",), _number, required=True),
    Column("order_id", ("Id",), code),
    Column("email", ("Email",), email),
    Column("customer", (), code),
    Column("financial_status", ("Financial Status",), one_of(PaymentStatus), required=True),
    Column("paid_at", ("Paid at",), moment),
    Column("fulfillment_status", ("Fulfillment Status",), one_of(FulfillmentStatus, _FULFILLMENT)),
    Column("fulfilled_at", ("Fulfilled at",), moment),
    Column("currency", ("Currency",), currency, required=True),
    Column("subtotal", ("Subtotal",), amount),
    Column("shipping", ("Shipping",), amount),
    Column("taxes", ("Taxes",), amount),
    Column("total", ("Total",), amount, required=True),
    Column("discount", ("Discount Amount",), amount),
    Column("refunded", ("Refunded Amount",), amount),
    Column("outstanding", ("Outstanding Balance",), amount),
    Column("created_at", ("Created at",), moment, required=True),
    Column("canceled_at", ("Cancelled at",), moment),
    Column("cancel_reason", (), line(100)),
    Column("delivered_at", (), moment),
    Column("promised_to", (), day_or_moment),
    Column("payment_reference", ("Payment Reference", "Payment ID"), line(200)),
    Column("channel", ("Source",), line(40)),
    Column("po_number", ("PO Number",), line(60)),
    Column("note", ("Notes",), text(2000)),
    Column("warehouse", (), line(200)),
    Column("recipient", ("Shipping Name", "Billing Name"), line(100)),
    Column("phone", ("Shipping Phone", "Phone"), phone),
    *address_columns("Shipping "),
)
_LINES = (
    Column("line_sku", ("Lineitem sku",), code, required=True),
    Column("line_quantity", ("Lineitem quantity",), quantity, required=True),
    Column("line_price", ("Lineitem price",), amount, required=True),
    Column("line_name", ("Lineitem name",), line(300)),
    Column("line_discount", ("Lineitem discount",), amount),
    Column("line_status", ("Lineitem fulfillment status",), one_of(_LineState, _LINE)),
    Column("line_shipped", (), quantity),
)
COLUMNS = (*_ORDER, *_LINES)
_ONCE = tuple(column.field for column in _ORDER)
_OF_LINE = tuple(column.field for column in _LINES)


@dataclass(slots=True)
class Money:
    """An order's sums in minor units; total = subtotal - discount + shipping + tax."""

    subtotal: int
    discount: int
    shipping: int
    tax: int
    total: int
    captured: int
    refunded: int
    status: str


@dataclass(slots=True)
class OrderRecord:
    """An order as its rows say."""

    row: Row
    lines: Sequence[Row]
    number: str
    external_id: str
    currency: str
    placed_at: datetime
    address: dict[str, str] | None

    def get(self, name: str) -> Any:
        """A value of the order itself."""
        return self.row.get(name)


def read_order(rows: Sequence[Row], ground: Ground) -> OrderRecord:
    """The order that some rows make. Raises Refused."""
    first = rows[0]
    agree(rows, _ONCE)
    lines = [row for row in rows if any(row.get(name) is not None for name in _OF_LINE)]
    if not lines:
        raise Refused(first, "line_sku", "is empty: an order has at least one line")
    for name in ("financial_status", "currency", "total", "created_at"):
        required(first, name)
    if first.get("email") is None and first.get("customer") is None:
        raise Refused(first, "email", "is empty: an order needs its customer")
    if first.get("currency") != ground.currency:
        raise Refused(first, "currency", f"is not the shop's currency, {ground.currency}")
    placed_at: datetime = first.get("created_at")
    if in_future(placed_at, ground.now):
        raise Refused(first, "created_at", "lies in the future")
    for name in ("paid_at", "fulfilled_at", "canceled_at", "delivered_at"):
        when = first.get(name)
        if when is not None and when < placed_at:
            raise Refused(first, name, "is before the order was placed")
    return OrderRecord(
        first,
        lines,
        first.get("number"),
        first.get("order_id") or first.get("number"),
        first.get("currency"),
        placed_at,
        address_of(first, name=first.get("recipient"), phone=first.get("phone")),
    )


def money_of(record: OrderRecord, line_totals: Sequence[int]) -> Money:
    """The sums of an order whose lines cost `line_totals`, discounts not counted. Raises Refused where they contradict
    each other."""
    row, code_ = record.row, record.currency
    subtotal = sum(line_totals)
    off_lines = sum(minor(line_row, "line_discount", code_) or 0 for line_row in record.lines)
    off_order = (minor(row, "discount", code_) or 0) + off_lines
    after = minor(row, "subtotal", code_)
    if after is None:
        after = subtotal - off_order
    if not 0 <= after <= subtotal:
        why = f"the lines cost {display(subtotal, code_)}, {display(off_order, code_)} of it is taken off"
        raise Refused(row, "subtotal", f"does not fit the lines: {why}")
    shipping, taxes = minor(row, "shipping", code_) or 0, minor(row, "taxes", code_) or 0
    total = minor(row, "total", code_) or 0
    # Shopify counts a discount on the shipping among the discounts, and leaves the shipping as it was.
    off_shipping = min(max(off_order - (subtotal - after), 0), shipping)
    for off, tax in ((0, taxes), (0, 0), (off_shipping, taxes), (off_shipping, 0)):  # 0: prices include the tax
        if after + shipping - off + tax == total:
            captured, refunded = _paid(record, total)
            status = row.get("financial_status")
            return Money(subtotal, subtotal - after, shipping - off, tax, total, captured, refunded, status)
    sums = f"{display(after, code_)} + {display(shipping, code_)} shipping, {display(taxes, code_)} taxes"
    raise Refused(row, "total", f"is neither with nor without taxes the sum of {sums}")


def _paid(record: OrderRecord, total: int) -> tuple[int, int]:
    """What was captured and what went back. Raises Refused where the status says something else than the sums."""
    row, code_ = record.row, record.currency
    status = row.get("financial_status")
    back = minor(row, "refunded", code_) or 0
    owed = minor(row, "outstanding", code_)
    if status in ("pending", "authorized", "voided", "expired"):
        if back:
            raise Refused(row, "refunded", f"was refunded of an order that is {status}: nothing was paid")
        return 0, 0
    if status == "partially_paid":
        if owed is None:
            raise Refused(row, "outstanding", "is empty: how much of the partially paid order is still owed?")
        if not 0 < owed < total:
            raise Refused(row, "outstanding", f"must be between zero and the total, {display(total, code_)}")
        if back:
            raise Refused(row, "refunded", "was refunded of an order that is partially paid")
        return total - owed, 0
    if back > total:
        raise Refused(row, "refunded", f"is more than was paid, {display(total, code_)}")
    if status == "refunded":
        back = total if row.get("refunded") is None else back
        if back != total:
            raise Refused(row, "refunded", f"is not all of {display(total, code_)}, though the order is refunded")
    elif status == "paid" and back:
        raise Refused(
            row, "refunded", "was refunded of an order that is paid: then it is partially_refunded or refunded"
        )
    elif status == "partially_refunded" and not 0 < back < total:
        raise Refused(
            row, "refunded", f"is not a part of {display(total, code_)}, though the order is partially refunded"
        )
    return total, back
