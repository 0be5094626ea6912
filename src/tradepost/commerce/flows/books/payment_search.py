"""Reading payments with their refunds, and disputes, by order, state, provider reference and time."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field
from sqlalchemy import select

from tradepost.commerce.customers.models import PaymentMethod
from tradepost.commerce.flows.books.payment_filters import NEWEST, WantedPayments, matching_payments
from tradepost.commerce.flows.numbers import numbers_of
from tradepost.commerce.orders.models import Order
from tradepost.commerce.payments.models import Dispute, DisputeStatus, Payment, PaymentState, Refund, RefundState
from tradepost.commerce.payments.views import DisputeView, PaymentView, dispute_view, payment_view
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
)
from tradepost.commerce.store.store import Store

SHOWN = 5  # records named in the text


OrderFilter = Annotated[str | None, Field(max_length=200, description="Order id or number.", examples=["ORD-1001"])]
PspReference = Annotated[
    str | None,
    Field(max_length=200, description="Provider's reference of the payment or of a refund.", examples=["psp-1001"]),
]
HasRefund = Annotated[
    RefundState | None, Field(description="Only payments with a refund in this state.", examples=["pending"])
]


@read_tool(title="Search payments", scope="read:payments")
async def search_payments(
    store: Store,
    order_id: OrderFilter = None,
    status: Annotated[PaymentState | None, Field(description="Payment state.", examples=["captured"])] = None,
    refund_status: HasRefund = None,
    psp_ref: PspReference = None,
    taken_from: TimeFilter = None,
    taken_to: TimeFilter = None,
    limit: Limit = 20,
    cursor: Cursor = None,
    detail: Detail = "standard",
    fields: Fields = None,
) -> Answer[Page[PaymentView]]:
    """Find payments with their refunds, the newest first. Use to see what was paid, captured and refunded for an
    order, or to look up a reference of the payment provider. Not to compute what a refund may be (preview_refund), for
    chargebacks (list_disputes) or payouts (list_payouts). Times filter by capture, else authorization. Reads only.
    Returns per payment amount, captured, refunded and still refundable money, method, references and refunds
    (detail=summary leaves them out)."""
    wanted = WantedPayments(
        None if order_id is None else (await store.find(Order, order_id, field="order_id")).id,
        status,
        refund_status,
        psp_ref,
        (taken_from, taken_to),
    )
    span = await matching_payments(store, wanted)

    async def view(rows: Sequence[Payment]) -> list[PaymentView]:
        return await payment_views(store, rows, detail)

    found = await page(
        store,
        "payments",
        span.statement,
        NEWEST,
        view,
        limit=limit,
        cursor=cursor,
        descending=True,
        fields=fields,
        parts=span.parts,
        total=span.total,
    )
    return Answer(found, _payments_text(found))


async def payment_views(store: Store, rows: Sequence[Payment], detail: Detail) -> list[PaymentView]:
    """Payments as callers see them, with all they need loaded in three queries at most."""
    numbers = await numbers_of(store, Order, (row.order_id for row in rows))
    if detail == "summary":
        return [payment_view(row, (), numbers[row.order_id], detail=detail) for row in rows]
    refunds: dict[str, list[Refund]] = defaultdict(list)
    ids = sorted(row.id for row in rows)
    of_payments = select(Refund).where(Refund.payment_id.in_(ids)).order_by(Refund.sequence, Refund.id)
    for refund in await store.all(of_payments) if ids else ():
        refunds[refund.payment_id].append(refund)
    method_ids = sorted({row.method_id for row in rows if row.method_id is not None})
    methods: dict[str | None, str] = {}
    if method_ids:
        for method in await store.all(select(PaymentMethod).where(PaymentMethod.id.in_(method_ids))):
            methods[method.id] = _method_words(method)
    return [
        payment_view(row, refunds[row.id], numbers[row.order_id], methods.get(row.method_id), detail) for row in rows
    ]


@read_tool(title="List disputes", scope="read:payments")
async def list_disputes(
    store: Store,
    due_before: TimeFilter = None,
    status: Annotated[DisputeStatus | None, Field(description="Dispute state.", examples=["needs_response"])] = None,
    order_id: OrderFilter = None,
    limit: Limit = 20,
    cursor: Cursor = None,
    detail: Detail = "standard",
    fields: Fields = None,
) -> Answer[Page[DisputeView]]:
    """List chargebacks and inquiries of customers' banks. Use to find evidence that is due: due_before keeps those
    whose evidence ends before that time, soonest first, and without a status only those that still need a response;
    otherwise the newest come first. Not for refunds (search_payments) or claims on goods (search_claims). Reads only.
    Returns per dispute status, amount, fee, order, evidence_due_by and the days left (negative: missed)."""
    statement = select(Dispute)
    if order_id is not None:
        order = await store.find(Order, order_id, field="order_id")
        statement = statement.where(Dispute.order_id == order.id)
    if due_before is not None:
        statement = statement.where(Dispute.evidence_due_by < due_before)
        status = status or "needs_response"
    if status is not None:
        statement = statement.where(Dispute.status == status)

    async def view(rows: Sequence[Dispute]) -> list[DisputeView]:
        return await dispute_views(store, rows, detail)

    by_deadline = due_before is not None
    found = await page(
        store,
        "disputes due" if by_deadline else "disputes",
        statement,
        [Dispute.evidence_due_by if by_deadline else Dispute.opened_at, Dispute.id],
        view,
        limit=limit,
        cursor=cursor,
        descending=not by_deadline,
        fields=fields,
    )
    return Answer(found, _disputes_text(found))


async def dispute_views(store: Store, rows: Sequence[Dispute], detail: Detail) -> list[DisputeView]:
    """Disputes as callers see them."""
    numbers = await numbers_of(store, Order, (row.order_id for row in rows))
    ids = sorted({row.payment_id for row in rows})
    payments = {row.id: row for row in await store.all(select(Payment).where(Payment.id.in_(ids)))} if ids else {}
    return [dispute_view(row, numbers[row.order_id], payments[row.payment_id], store.now, detail) for row in rows]


@resource(
    "payment://{id}",
    title="Payment",
    description="A payment by id or number with its refunds.",
    scope="read:payments",
)
async def payment(store: Store, id: str) -> PaymentView:
    """The payment as search_payments shows it in full."""
    (view,) = await payment_views(store, [await store.find(Payment, id)], "full")
    return view


def _method_words(method: PaymentMethod) -> str:
    known = " ".join(part for part in (method.brand, method.last4 and f"ending {method.last4}") if part)
    name = method.type.replace("_", " ")
    return f"{name} {known}".strip()


def _payments_text(found: Page[PaymentView]) -> str:
    text = found_sentence(found, "payments", "No payments found with these filters.", named=SHOWN)
    for item in found["items"][:SHOWN]:
        if {"number", "order_number", "amount", "status"} <= item.keys():
            refunded = item.get("refunded", {"amount_minor": 0, "display": ""})
            back = f", {refunded['display']} refunded" if refunded["amount_minor"] else ""
            name = f"{item['number']} of order {item['order_number']}"
            text += f" {name}: {item['amount']['display']} {item['status']}{back}."
    return text


def _disputes_text(found: Page[DisputeView]) -> str:
    text = found_sentence(found, "disputes", "No disputes found with these filters.", named=SHOWN)
    for item in found["items"][:SHOWN]:
        if "order_number" in item and "amount" in item and "status" in item:
            due = f", evidence due {item['evidence_due_by']}" if item.get("evidence_due_by") else ""
            text += f" {item.get('number', item['id'])} on order {item['order_number']}: "
            text += f"{item['amount']['display']}, {item['status']}{due}."
    return text


TOOLS = (search_payments, list_disputes)
RESOURCES = (payment,)
