"""What a return looks like to a caller, for one and for many at a time: four queries whatever their number."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Required

from sqlalchemy import select
from typing_extensions import TypedDict

from tradepost.commerce.customers.models import Customer, PaymentMethod
from tradepost.commerce.flows.settling.settlement import method_words
from tradepost.commerce.inventory.models import Location
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.returns.models import ExchangeLine, Return, ReturnLine
from tradepost.commerce.returns.states import RETURN_TRANSITIONS
from tradepost.commerce.store.outside import OutsideName
from tradepost.commerce.store.store import Store
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.money import MoneyView, money
from tradepost.foundation.outsiders import clean_name
from tradepost.foundation.untrusted import UntrustedText, clean

Detail = Literal["summary", "standard", "full"]


class ReturnLineView(TypedDict, total=False):
    """A line of a return. `line` is its order line's position; `note` the customer's words (detail=full)."""

    line: int
    order_line_id: str
    sku: str
    name: str
    quantity: int
    received: int
    unit: str
    quantity_scale: int
    reason: str
    condition: str | None
    disposition: str | None
    paid: MoneyView
    note: UntrustedText | None


class ExchangeLineView(TypedDict):
    """What the customer gets instead."""

    sku: str
    quantity: int
    unit_price: MoneyView


class ReturnView(TypedDict, total=False):
    """A return. `within_window` judges when it was asked for; `price_difference` above zero: the customer owes."""

    id: Required[str]
    rma: str
    version: int
    status: str
    resolution: str
    order_id: str
    order_number: str
    customer_id: str
    customer_name: OutsideName
    warehouse: str | None
    requested_at: str
    age_days: int
    approved_at: str | None
    received_at: str | None
    closed_at: str | None
    window_ends: str | None
    within_window: bool
    fee: MoneyView
    refund_to: str | None
    settled_by: str | None
    price_difference: MoneyView | None
    label: str | None
    decline_code: str | None
    decline_clause: str | None
    allowed_next: list[str]
    lines: list[ReturnLineView]
    exchange_for: list[ExchangeLineView]
    customer_note: UntrustedText | None


@dataclass(frozen=True)
class _Facts:
    orders: dict[str, Any]
    lines: dict[str, list[tuple[ReturnLine, OrderLine]]]
    exchanges: dict[str, list[ExchangeLine]]
    methods: dict[str | None, PaymentMethod]


async def return_views(store: Store, rows: Sequence[Return], detail: Detail) -> list[ReturnView]:
    """The returns as callers see them."""
    facts = await _load(store, rows, detail)
    return [_view(store, row, facts, detail) for row in rows]


def within_window(row: Return) -> bool:
    """Whether a return was asked for in time; without a window it always is."""
    return row.window_ends_at is None or row.requested_at <= row.window_ends_at


async def _load(store: Store, rows: Sequence[Return], detail: Detail) -> _Facts:
    ids = sorted(row.id for row in rows)
    found = await store.session.execute(
        select(Return.id, Order.number, Customer.company, Customer.first_name, Customer.last_name, Location.code)
        .join(Order, Order.id == Return.order_id)
        .join(Customer, Customer.id == Return.customer_id)
        .outerjoin(Location, Location.id == Return.location_id)
        .where(Return.id.in_(ids))
    )
    orders = {record.id: record for record in found}
    lines: dict[str, list[tuple[ReturnLine, OrderLine]]] = defaultdict(list)
    exchanges: dict[str, list[ExchangeLine]] = defaultdict(list)
    methods: dict[str | None, PaymentMethod] = {}
    if detail != "summary":
        joined = (
            select(ReturnLine, OrderLine)
            .join(OrderLine, OrderLine.id == ReturnLine.order_line_id)
            .where(ReturnLine.return_id.in_(ids))
            .order_by(ReturnLine.return_id, ReturnLine.position)
        )
        for line, sold in await store.session.execute(joined):
            lines[line.return_id].append((line, sold))
        wanted = sorted(row.id for row in rows if row.resolution == "exchange")
        if wanted:
            statement = select(ExchangeLine).where(ExchangeLine.return_id.in_(wanted)).order_by(ExchangeLine.position)
            for exchange in await store.all(statement):
                exchanges[exchange.return_id].append(exchange)
        method_ids = sorted({name for row in rows for name in (row.refund_method_id, row.payment_method_id) if name})
        if method_ids:
            for method in await store.all(select(PaymentMethod).where(PaymentMethod.id.in_(method_ids))):
                methods[method.id] = method
    return _Facts(orders, lines, exchanges, methods)


def _view(store: Store, row: Return, facts: _Facts, detail: Detail) -> ReturnView:
    known = facts.orders[row.id]
    view: ReturnView = {
        "id": row.id,
        "rma": row.number,
        "version": row.version,
        "status": row.status,
        "resolution": row.resolution,
        "order_number": known.number,
        "customer_name": clean_name(known.company or f"{known.first_name} {known.last_name}", 80, "a customer's name"),
        "warehouse": known.code,
        "requested_at": to_rfc3339(row.requested_at),
        "age_days": max((store.now - row.requested_at).days, 0),
        "within_window": within_window(row),
    }
    if detail == "summary":
        return view
    owed = row.price_difference_minor
    view |= {
        "order_id": row.order_id,
        "customer_id": row.customer_id,
        "approved_at": _time(row.approved_at),
        "received_at": _time(row.received_at),
        "closed_at": _time(row.closed_at),
        "window_ends": _time(row.window_ends_at),
        "fee": money(row.fee_minor, row.currency),
        "refund_to": _method(row.refund_method_id, facts),
        "settled_by": _method(row.payment_method_id, facts),
        "price_difference": None if owed is None else money(owed, row.currency),
        "label": None if row.label is None else clean(str(row.label.get("kind", "prepaid")), 40),
        "decline_code": row.decline_code,
        "decline_clause": row.decline_clause,
        "allowed_next": list(RETURN_TRANSITIONS.get(row.status, ())),
        "lines": [_line_view(store, row, line, sold, detail) for line, sold in facts.lines[row.id]],
        "exchange_for": [
            {"sku": line.sku, "quantity": line.quantity, "unit_price": money(line.unit_price_minor, row.currency)}
            for line in facts.exchanges[row.id]
        ],
    }
    if detail == "full":
        view["customer_note"] = store.free_text(row.customer_note, what="a comment on a return")
    return view


def _line_view(store: Store, row: Return, line: ReturnLine, sold: OrderLine, detail: Detail) -> ReturnLineView:
    paid = sold.total_minor * line.quantity // sold.quantity if sold.quantity else 0
    view: ReturnLineView = {
        "line": sold.position,
        "order_line_id": sold.id,
        "sku": line.sku,
        "name": clean(sold.name, 120),
        "quantity": line.quantity,
        "received": line.received,
        "reason": line.reason,
        "condition": line.condition,
        "disposition": line.disposition,
        "paid": money(paid, row.currency),
    }
    if sold.quantity_scale:
        view["unit"], view["quantity_scale"] = sold.unit, sold.quantity_scale
    if detail == "full":
        view["note"] = store.free_text(line.customer_note, what="a comment on a return")
    return view


def _method(method_id: str | None, facts: _Facts) -> str | None:
    method = facts.methods.get(method_id)
    return None if method is None else f"{method_words(method)} ({method.external_id or method.id})"


def _time(moment: Any) -> str | None:
    return None if moment is None else to_rfc3339(moment)
