"""The parcels of the history: packed, scanned, delivered by carriers and by the shop's own drivers."""

from tradepost.commerce.demo.parcels import MESSAGES, RAW_CODES
from tradepost.commerce.demo.volume.fates import HOUR
from tradepost.commerce.demo.volume.sheets import DAY, as_json
from tradepost.commerce.demo.volume.telling import Pen, Told

SCANS_DAYS = 120  # as long as carriers keep them
LOCAL_SHARE = 0.5  # of the parcels to towns near enough
FLEET_COST_MINOR, CARRIER_COST_MINOR = 450, 690
_TRACKING = {"fedex": "", "dhl": "JJD0", "ups": "1Z", "gls": "", "fleet": "LOC"}


def tell_parcel(pen: Pen, told: Told) -> str | None:
    """The parcel of an order with all its goods. Returns the shipment's id; None for what never left."""
    fate = told.fate
    if fate.shipped is None:
        return None
    local = told.buyer.is_local and fate.arrived is not None and pen.chance.random() < LOCAL_SHARE
    carrier = pen.ground.fleet if local else pen.chance.choice(pen.ground.carriers)
    told.carrier_ids = carrier.id
    fulfillment_id = _pack(pen, told, fate.shipped)
    number, shipment_id = pen.numbers.next("SHP-"), pen.numbers.id("shp")
    labeled = fate.shipped - 2 * HOUR
    status = "delivered" if fate.arrived is not None else "delayed" if fate.is_delayed else "in_transit"
    last_seen = fate.arrived or max(pen.now - pen.chance.randrange(HOUR, 20 * HOUR), fate.shipped)
    proof = None
    if fate.arrived is not None:
        signed = {"at": _rfc3339(fate.arrived, pen), "location": told.buyer.city, "signed_by": told.buyer.name}
        proof = as_json({"kind": "signature", **signed})
    changed = pen.when(last_seen)
    pen.sheets["shipments"].add(
        *(shipment_id, number, told.id, fulfillment_id, told.warehouse.id, carrier.id, carrier.service),
        f"{_TRACKING.get(carrier.code, '')}90{number[4:]:0>9}",
        *(status, pen.when(fate.shipped), pen.at(fate.eta), pen.when(fate.promised), pen.at(fate.arrived), changed),
        *("Delayed at the sorting centre." if fate.is_delayed else None, proof),
        *(FLEET_COST_MINOR if local else CARRIER_COST_MINOR, pen.ground.currency, pen.when(labeled), changed),
    )
    if fate.shipped > pen.now - SCANS_DAYS * DAY:
        _scan(pen, told, shipment_id, carrier.code, status, last_seen)
    if local and fate.arrived is not None:
        _drop(pen, told, shipment_id, fate.arrived, labeled)
    return shipment_id


def _pack(pen: Pen, told: Told, shipped: int) -> str:
    fulfillment_id, at = pen.numbers.id("ful"), pen.when(shipped)
    pen.sheets["fulfillments"].add(fulfillment_id, told.id, 1, "success", told.warehouse.id, at, at)
    for position, line in enumerate(told.lines, start=1):
        pen.sheets["packed"].add(
            pen.numbers.id("fll"), fulfillment_id, position, line.id, line.goods.variant_id, line.quantity
        )
    return fulfillment_id


def _scan(pen: Pen, told: Told, shipment_id: str, carrier: str, status: str, last_seen: int) -> None:
    """Picked up, on the way, and the last one, in the parcel's present state."""
    shipped = told.fate.shipped or last_seen
    house, city = told.warehouse.name, told.buyer.city
    scans = [("carrier_picked_up", shipped, house), ("in_transit", (shipped + last_seen) // 2, house)]
    scans.append((status, last_seen, city if status == "delivered" else house))
    for name, at, where in scans:
        pen.sheets["scans"].add(
            *(pen.numbers.id("trk"), shipment_id, pen.when(at), name, where, carrier, MESSAGES[name], RAW_CODES[name])
        )


def _drop(pen: Pen, told: Told, shipment_id: str, arrived: int, labeled: int) -> None:
    at = pen.when(arrived)
    pen.sheets["deliveries"].add(
        *(pen.numbers.id("dlv"), pen.numbers.next("D-"), told.id, shipment_id, told.warehouse.id),
        *(pen.chance.choice(told.warehouse.drivers), "completed", pen.when(arrived - 3 * HOUR)),
        *(pen.when(arrived + HOUR), at, at, told.buyer.shipping_address, pen.when(labeled), at),
    )


def _rfc3339(moment: int, pen: Pen) -> str:
    return f"{pen.when(moment)[:19].replace(' ', 'T')}Z"
