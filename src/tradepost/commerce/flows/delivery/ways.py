"""How a parcel travels, and where it starts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tradepost.commerce.flows.names import find_called
from tradepost.commerce.inventory.models import Location
from tradepost.commerce.logistics.models import Carrier
from tradepost.commerce.orders.models import Order
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import InvalidArgument, NotFound
from tradepost.foundation.untrusted import clean

USUAL_TRANSIT = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Way:
    """How the parcel travels."""

    carrier: Carrier
    service: Mapping[str, Any] | None
    eta: datetime


async def way_with(store: Store, carrier: str, service: str | None) -> Way:
    """The carrier with one of its services, and when the parcel arrives if it leaves now. Raises NotFound."""
    found = await find_called(store, Carrier, carrier, field="carrier")
    offers = {str(one.get("code")): one for one in found.services}
    chosen = next(iter(offers.values()), None)
    if service is not None:
        chosen = offers.get(service.strip())
        if chosen is None:
            raise NotFound(
                f"{clean(found.name, 60)} has no service '{clean(service, 40)}'.",
                hint=f"It has: {', '.join(sorted(offers)) or 'none on record'}.",
                field="service",
            )
    days = chosen.get("transit_days") if chosen is not None else None
    transit = timedelta(days=days) if isinstance(days, int | float) else USUAL_TRANSIT
    return Way(found, chosen, store.now + transit)


async def packing_place(store: Store, order: Order, reference: str | None) -> Location:
    """Where it is packed: the warehouse named, else the order's. Raises InvalidArgument where there is neither."""
    if reference is not None:
        return await find_called(store, Location, reference, field="warehouse_id")
    if order.warehouse_id is None:
        raise InvalidArgument(
            f"The order {order.number} names no warehouse.", hint="Say where it is packed.", field="warehouse_id"
        )
    return await store.find(Location, order.warehouse_id)
