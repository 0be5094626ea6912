"""What happened to an order, oldest first: its own dates, its parcels' scans, its payments and returns, what the outbox
recorded about any of them, and what went out of the shop because of it. Words of outsiders are left out; they stand in
the records themselves."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from typing_extensions import TypedDict

from tradepost.commerce.effects.models import Effect
from tradepost.commerce.logistics.models import Delivery, Shipment, TrackingEvent
from tradepost.commerce.orders.models import Order
from tradepost.commerce.payments.models import Payment, Refund
from tradepost.commerce.returns.models import Return
from tradepost.commerce.serving.declare import resource
from tradepost.commerce.store.models import StoreEvent
from tradepost.commerce.store.rows import label_of
from tradepost.commerce.store.store import Store
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.money import display
from tradepost.foundation.outsiders import clean_name

MAX_ENTRIES = 100

Moment = tuple[datetime, int, str, str, str]  # time, rank within it, source, record, what


class TimelineEntry(TypedDict):
    """One thing that happened. `source`: fact (a date of the record), tracking (a carrier's scan), event (a change),
    effect (a mail, label or payment outside the shop, with its state)."""

    at: str
    source: str
    record: str
    what: str


class Timeline(TypedDict):
    """The last entries, oldest first."""

    order_id: str
    number: str
    entries: list[TimelineEntry]
    truncated: bool


async def timeline_of(store: Store, order: Order) -> Timeline:
    """The order's timeline."""
    related: list[tuple[Any, Sequence[Any]]] = [
        (model, await store.all(select(model).where(model.order_id == order.id)))
        for model in (Shipment, Delivery, Payment, Refund, Return)
    ]
    rows = {row.id: row for _, found in related for row in found}
    moments = [
        *_order_facts(order),
        *(moment for _, found in related for row in found for moment in _facts_of(row)),
        *await _scans(store, {row.id: label_of(row) for row in rows.values() if isinstance(row, Shipment)}),
        *await _changes(store, [order.id, *rows]),
        *await _sent(store, order, {row_id: label_of(row) for row_id, row in rows.items()}),
    ]
    moments.sort()
    kept = moments[-MAX_ENTRIES:]
    return {
        "order_id": order.id,
        "number": order.number,
        "entries": [
            {"at": to_rfc3339(at), "source": source, "record": record, "what": what}
            for at, _, source, record, what in kept
        ],
        "truncated": len(kept) < len(moments),
    }


@resource(
    "order://{number}/timeline",
    title="Order timeline",
    description="What happened to an order, oldest first: dates, carrier scans, payments, returns and changes.",
    scope="read:orders",
)
async def order_timeline(store: Store, number: str) -> Timeline:
    """The timeline of an order by id or number."""
    return await timeline_of(store, await store.find(Order, number, field="number"))


def _order_facts(order: Order) -> Iterator[Moment]:
    yield from _dated(
        order,
        (order.placed_at, f"placed for {display(order.total_minor, order.currency)}"),
        (order.picked_at, "picked"),
        (order.promised_to, "promised delivery ends"),
        (order.delivered_at, "delivered"),
        (order.canceled_at, "canceled"),
    )


def _facts_of(row: Any) -> Iterable[Moment]:
    if isinstance(row, Shipment):
        return _dated(row, (row.shipped_at, "shipped"), (row.delivered_at, "delivered"))
    if isinstance(row, Delivery):
        return _dated(row, (row.window_from, "delivery window begins"), (row.completed_at, "completed"))
    if isinstance(row, Payment):
        amount = display(row.amount_minor, row.currency)
        return _dated(row, (row.authorized_at, f"{amount} authorized"), (row.captured_at, f"{amount} captured"))
    if isinstance(row, Refund):
        return _dated(row, (row.refunded_at, f"{display(row.amount_minor, row.currency)} {row.status}"))
    return _dated(
        row,
        (row.requested_at, f"{row.resolution} requested"),
        (row.approved_at, "approved"),
        (row.received_at, "received"),
        (row.closed_at, "closed"),
    )


def _dated(row: Any, *facts: tuple[datetime | None, str]) -> Iterator[Moment]:
    for rank, (at, what) in enumerate(facts):
        if at is not None:
            yield at, rank, "fact", label_of(row), what


async def _scans(store: Store, shipments: dict[str, str]) -> list[Moment]:
    if not shipments:
        return []
    found = await store.all(
        select(TrackingEvent)
        .where(TrackingEvent.shipment_id.in_(shipments))
        .order_by(TrackingEvent.occurred_at.desc())
        .limit(MAX_ENTRIES)
    )
    return [
        (
            scan.occurred_at,
            10,
            "tracking",
            shipments[scan.shipment_id],
            scan.status.replace("_", " ") + _at(scan.location),
        )
        for scan in found
    ]


async def _changes(store: Store, subjects: list[str]) -> list[Moment]:
    found = await store.all(
        select(StoreEvent)
        .where(StoreEvent.subject.in_(subjects))
        .order_by(StoreEvent.occurred_at.desc(), StoreEvent.sequence.desc())
        .limit(MAX_ENTRIES)
    )
    return [
        (event.occurred_at, 20 + rank, "event", str(event.payload.get("record", event.subject)), event.type)
        for rank, event in enumerate(reversed(found))
    ]


async def _sent(store: Store, order: Order, records: dict[str, str]) -> list[Moment]:
    found = await store.all(
        select(Effect)
        .where(Effect.order_id == order.id)
        .order_by(Effect.created_at.desc(), Effect.id)
        .limit(MAX_ENTRIES)
    )
    return [
        (
            effect.finished_at or effect.created_at,
            60,
            "effect",
            records.get(effect.subject, label_of(order)),
            f"{effect.kind.replace('_', ' ')} {effect.status}",
        )
        for effect in found
    ]


RESOURCES = (order_timeline,)


def _at(location: str | None) -> str:
    return f" at {clean_name(location, 80, 'the place of a scan')}" if location else ""
