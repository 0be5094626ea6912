"""Packing an order: its units leave the shelf with a parcel, in whole or in part."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from tradepost.commerce.flows.delivery.exchange_parcels import Replacement, replacement_of, send_replacement
from tradepost.commerce.flows.delivery.packing import (
    Goods,
    count_shipped,
    pack,
    take_from_stock,
    units_to_pack,
)
from tradepost.commerce.flows.delivery.ways import Way, packing_place, way_with
from tradepost.commerce.flows.settling.order_stock import variants_of
from tradepost.commerce.flows.settling.order_units import (
    MAX_LINES,
    UnitsOf,
    order_lines,
)
from tradepost.commerce.flows.told import mail_goes_out
from tradepost.commerce.inventory.models import Location
from tradepost.commerce.inventory.reservations import release_order
from tradepost.commerce.logistics.models import Shipment
from tradepost.commerce.orders.changed import OrderReference
from tradepost.commerce.orders.models import Order
from tradepost.commerce.orders.states import ORDER_TRANSITIONS
from tradepost.commerce.orders.views import outstanding_quantity, units_text
from tradepost.commerce.serving.declare import Answer, write_tool
from tradepost.commerce.store.states import not_in_this_state
from tradepost.commerce.store.store import Store
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.errors import InvalidArgument, StateConflict
from tradepost.foundation.money import MoneyView, money
from tradepost.foundation.outsiders import clean_name
from tradepost.foundation.untrusted import clean

PAID_FOR = ("paid", "authorized", "partially_refunded")

CarrierRef = Annotated[
    str, Field(min_length=1, max_length=200, description="Carrier id, code or name.", examples=["fedex"])
]
Service = Annotated[
    str | None, Field(max_length=60, description="Service of the carrier; left out: its first.", examples=["ground"])
]
Lines = Annotated[
    list[UnitsOf] | None,
    Field(
        min_length=1,
        max_length=MAX_LINES,
        description="Units by line or variant; left out: all that is left to ship.",
        examples=[[{"line": 1, "quantity": 1}]],
    ),
]
Where = Annotated[str | None, Field(max_length=200, description="Warehouse; left out: the order's.", examples=["WH-1"])]
TrackingNumber = Annotated[
    str | None, Field(max_length=80, description="If the label was bought elsewhere.", examples=["1Z999"])
]
Rma = Annotated[str | None, Field(max_length=200, description="Send what this exchange is for.", examples=["RMA-1"])]
BuyLabel = Annotated[bool, Field(description="Buy the label from the carrier.", examples=[False])]
Notify = Annotated[bool, Field(description="E-mail the customer.", examples=[False])]


class PackedLine(TypedDict):
    """Units in the parcel, and what the order still waits for."""

    line: int
    sku: str
    quantity: int
    left_to_ship: int


class CreatedShipment(TypedDict):
    """A new parcel."""

    id: str
    number: str
    version: int
    shipment_status: str
    order_number: str
    fulfillment_status: str
    carrier: str
    service: str | None
    tracking_number: str | None
    warehouse: str
    eta: str
    promised_to: str | None
    keeps_promise: bool | None
    cost: MoneyView | None
    lines: list[PackedLine]


@write_tool(title="Create shipment", scope="write:orders", open_world=True)
async def create_shipment(
    store: Store,
    order_id: OrderReference,
    carrier: CarrierRef,
    service: Service = None,
    lines: Lines = None,
    warehouse_id: Where = None,
    tracking_number: TrackingNumber = None,
    rma: Rma = None,
    buy_label: BuyLabel = False,
    notify_customer: Notify = False,
) -> Answer[CreatedShipment]:
    """Pack units of an open, paid order into a parcel and hand it to a carrier. Use when goods are picked; call it
    again for what follows. With rma it sends an approved exchange and settles its difference. Not for stock between
    warehouses (transfer_stock) or the last mile (assign_driver). Takes the units out of stock; more than is left to
    ship, or than the warehouse has, is refused. The label is bought and the customer told only if asked. Returns the
    parcel with ETA, whether the promise is kept, and what is left to ship."""
    order = await store.primary(Order, order_id, field="order_id")
    if tracking_number is not None and buy_label:
        raise InvalidArgument(
            "There is a label already: its tracking number is given.", hint="Leave out one.", field="buy_label"
        )
    way = await way_with(store, carrier, service)
    place = await packing_place(store, order, warehouse_id)
    if rma is None:
        _require_shippable(order)
        shipment, packed = await _pack(store, order, place, way, lines, tracking_number, buy_label=buy_label)
    elif lines is None:
        wanted = await replacement_of(store, order, rma)
        shipment = await send_replacement(store, order, place, way, wanted, tracking_number, buy_label=buy_label)
        packed = _replaced(wanted)
    else:
        raise InvalidArgument("An exchange is sent whole.", hint="Leave lines out.", field="lines")
    await store.session.flush()
    await _tell(store, order, shipment, way, buy_label=buy_label, notify_customer=notify_customer)
    promised = shipment.promised_to
    view: CreatedShipment = {
        "id": shipment.id,
        "number": shipment.number,
        "version": shipment.version,
        "shipment_status": shipment.status,
        "order_number": order.number,
        "fulfillment_status": order.fulfillment_status,
        "carrier": way.carrier.code,
        "service": shipment.service_level,
        "tracking_number": shipment.tracking_number,
        "warehouse": place.code,
        "eta": to_rfc3339(way.eta),
        "promised_to": to_rfc3339(promised) if promised else None,
        "keeps_promise": None if promised is None else way.eta <= promised,
        "cost": money(shipment.cost_minor, shipment.currency or order.currency) if shipment.cost_minor else None,
        "lines": [line for line, _ in packed],
    }
    return Answer(view, _sentence(view, [words for _, words in packed]))


Packed = list[tuple[PackedLine, str]]  # each line, and how much of what in words


async def _pack(
    store: Store,
    order: Order,
    place: Location,
    way: Way,
    lines: Sequence[UnitsOf] | None,
    tracking_number: str | None,
    *,
    buy_label: bool,
) -> tuple[Shipment, Packed]:
    sold = await order_lines(store, order, lock=True)
    units = await units_to_pack(store, order, sold, lines)
    variants = await variants_of(store, [one.line for one in units])
    goods = [Goods(variants[one.line.variant_id], one.quantity, f"lines.{one.index}") for one in units]
    await take_from_stock(store, order, place, goods)
    shipment = await pack(store, order, place, way, units, tracking_number, buy_label=buy_label)
    left = count_shipped(sold, units)
    order.fulfillment_status = "partially_fulfilled" if left else "fulfilled"
    order.picked_at = order.picked_at or store.now
    if not left:
        await release_order(store, order.id, f"order {order.number} has shipped")
    store.emit(f"order:{order.fulfillment_status}", order, shipment=shipment.number)
    packed: Packed = []
    for one in units:
        amount = units_text(one.quantity, one.line.quantity_scale, one.line.unit)
        line: PackedLine = {
            "line": one.line.position,
            "sku": one.line.sku,
            "quantity": one.quantity,
            "left_to_ship": outstanding_quantity(one.line),
        }
        packed.append((line, f"{amount} x {one.line.sku}"))
    return shipment, packed


def _replaced(wanted: Replacement) -> Packed:
    return [
        (
            {"line": line.position, "sku": line.sku, "quantity": quantity, "left_to_ship": 0},
            f"{units_text(quantity, variant.quantity_scale, variant.unit)} x {line.sku}",
        )
        for line, variant, quantity in wanted.lines
    ]


def _require_shippable(order: Order) -> None:
    if order.status != "open":
        held = f"({clean_name(order.hold_reason, 100, 'the reason of a hold')}) " if order.hold_reason else ""
        hint = "A hold is lifted with set_order_hold."
        raise not_in_this_state(order, f"{held}and is not shipped", ORDER_TRANSITIONS, hint=hint)
    if order.payment_status not in PAID_FOR and order.po_number is None:
        raise StateConflict(
            f"The order {order.number} is not paid: its payment is {order.payment_status}.",
            hint="Ship it once it is paid or authorized; an order on account has a purchase order number.",
            details={"payment_status": order.payment_status},
        )


async def _tell(
    store: Store, order: Order, shipment: Shipment, way: Way, *, buy_label: bool, notify_customer: bool
) -> None:
    store.emit("shipment:created", shipment, order_id=order.id, buy_label=buy_label, notify_customer=notify_customer)
    if buy_label:
        service = f", service {clean(shipment.service_level, 40)}" if shipment.service_level else ""
        store.side_effect(
            f"A label for order #{order.number} is bought from {clean(way.carrier.name, 60)}{service}; the carrier "
            "sets its price."
        )
    if notify_customer:
        await mail_goes_out(store, order.customer_id, "the shipment")


def _sentence(view: CreatedShipment, packed: Sequence[str]) -> str:
    promise = {None: "", True: ", promise kept", False: f", AFTER the promise {view['promised_to']}"}
    left = sum(line["left_to_ship"] for line in view["lines"])
    rest = f" {left} units of these lines are left." if left else ""
    return (
        f"{view['number']} of order {view['order_number']}: {', '.join(packed[:6])} with {view['carrier']} from "
        f"{view['warehouse']}, ETA {view['eta']}{promise[view['keeps_promise']]}. The order is "
        f"{view['fulfillment_status']}.{rest}"
    )


TOOLS = (create_shipment,)
