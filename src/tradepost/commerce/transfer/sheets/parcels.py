"""What the store knows of the parcels that tracking events name, and what their arrival means."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select

from tradepost.commerce.logistics.models import Carrier, Fulfillment, FulfillmentLine, Shipment, TrackingEvent
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.orders.states import ORDER_TRANSITIONS
from tradepost.commerce.store.states import step
from tradepost.commerce.store.store import Store
from tradepost.commerce.transfer.sheets.draft import Deed, Draft
from tradepost.commerce.transfer.sheets.kind import Planning, Refused
from tradepost.commerce.transfer.sheets.named import Named, load_named
from tradepost.commerce.transfer.sheets.reading import Row
from tradepost.foundation.ids import new_id

NUMBER = "SHP-"
_ARRIVED = ("delivered", "picked_up")


@dataclass(slots=True)
class KnownParcels:
    """Shipments by what they are called by, orders by id, and their parts."""

    carriers: Named[Carrier]
    called: dict[str, list[Shipment]] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    order_names: dict[str, Order] = field(default_factory=dict)
    lines: dict[str, list[OrderLine]] = field(default_factory=dict)
    shipments: dict[str, list[Shipment]] = field(default_factory=dict)
    fulfillments: dict[str, list[Fulfillment]] = field(default_factory=dict)
    packed: dict[str, list[FulfillmentLine]] = field(default_factory=dict)
    events: dict[str, set[tuple[datetime, str, str, str]]] = field(default_factory=dict)

    def parcel(self, row: Row, name: str) -> Shipment | None:
        """The shipment of this tracking number or number. Raises Refused where several have it."""
        found = self.called.get(name, [])
        if len(found) > 1:
            numbers = ", ".join(one.number for one in found[:5])
            raise Refused(row, "tracking_number", f"stands on {len(found)} shipments ({numbers}): name the shipment")
        return found[0] if found else None

    def order(self, name: str) -> Order | None:
        """The order of this number or id."""
        return self.order_names.get(name)

    def add_parcel(
        self, draft: Draft, tracking_number: str, order: Order, carrier: Carrier | None, status: str, at: datetime
    ) -> Shipment:
        """A parcel of an order whose units have shipped."""
        packed = self.fulfillments.get(order.id, [])
        siblings = self.shipments.setdefault(order.id, [])
        shipment = Shipment(
            id=new_id(Shipment.prefix),
            order_id=order.id,
            fulfillment_id=packed[-1].id if packed else None,
            position=1 + max((one.position for one in siblings), default=0),
            location_id=order.warehouse_id,
            carrier_id=None if carrier is None else carrier.id,
            tracking_number=tracking_number,
            status=status,
            promised_to=order.promised_to,
            last_event_at=at,
        )
        siblings.append(shipment)
        self.called[tracking_number] = [shipment]
        made: Shipment = draft.add(1, shipment, number=NUMBER)
        return made


async def look_up_parcels(planning: Planning, parcels: Sequence[str], orders: Sequence[str]) -> KnownParcels:
    """The shipments of these numbers, the orders they and the rows belong to, and all that hangs on those."""
    known = KnownParcels(await load_named(planning, Carrier))
    for column in (Shipment.tracking_number, Shipment.number):
        statement = select(Shipment).where(column.in_(sorted(set(parcels)))).order_by(Shipment.id)
        for shipment in await planning.rows(statement):
            same = known.called.setdefault(str(getattr(shipment, column.key)), [])
            if shipment not in same:
                same.append(shipment)
    ids = {shipment.order_id for found in known.called.values() for shipment in found}
    for order_column in (Order.id, Order.number, Order.external_id):
        wanted = sorted(ids if order_column is Order.id else set(orders))
        for order in await planning.rows(select(Order).where(order_column.in_(wanted)).order_by(Order.id)):
            known.orders[order.id] = order
            if order_column is not Order.id:
                known.order_names[str(getattr(order, order_column.key))] = order
    await _add_parts(planning, known)
    return known


async def _add_parts(planning: Planning, known: KnownParcels) -> None:
    ids = sorted(known.orders)
    for line in await planning.rows(select(OrderLine).where(OrderLine.order_id.in_(ids)).order_by(OrderLine.id)):
        if line.status != "removed":
            known.lines.setdefault(line.order_id, []).append(line)
    shipments = select(Shipment).where(Shipment.order_id.in_(ids)).order_by(Shipment.id)
    for shipment in await planning.rows(shipments):
        known.shipments.setdefault(shipment.order_id, []).append(shipment)
    packed = select(Fulfillment).where(Fulfillment.order_id.in_(ids)).order_by(Fulfillment.sequence, Fulfillment.id)
    for fulfillment in await planning.store.all(packed):
        known.fulfillments.setdefault(fulfillment.order_id, []).append(fulfillment)
    of = sorted(row.id for rows in known.fulfillments.values() for row in rows)
    for unit in await planning.store.all(
        select(FulfillmentLine).where(FulfillmentLine.fulfillment_id.in_(of)).order_by(FulfillmentLine.id)
    ):
        known.packed.setdefault(unit.fulfillment_id, []).append(unit)
    named = sorted(shipment.id for found in known.called.values() for shipment in found)
    events = select(TrackingEvent).where(TrackingEvent.shipment_id.in_(named)).order_by(TrackingEvent.id)
    for event in await planning.store.all(events):
        key = (event.occurred_at, event.status, event.location or "", event.raw_code or "")
        known.events.setdefault(event.shipment_id, set()).add(key)


def arrived(known: KnownParcels, shipment: Shipment, order: Order, at: datetime) -> Deed:
    """The customer has a parcel: with the last one of a fulfillment its units are delivered, with the last units of an
    order it is completed."""

    def deed(store: Store) -> None:
        waiting = [
            one
            for one in known.shipments.get(order.id, [])
            if one.fulfillment_id == shipment.fulfillment_id and one.status not in _ARRIVED
        ]
        lines = {line.id: line for line in known.lines.get(order.id, [])}
        if not waiting:
            for unit in known.packed.get(shipment.fulfillment_id or "", []):
                line = lines.get(unit.order_line_id or "")
                if line is not None:
                    line.delivered = min(line.delivered + unit.quantity, line.shipped)
        if order.status == "open" and lines and all(line.delivered == line.quantity for line in lines.values()):
            step(order, "completed", ORDER_TRANSITIONS)
            order.delivered_at = at
            store.emit("order:completed", order)

    return deed
