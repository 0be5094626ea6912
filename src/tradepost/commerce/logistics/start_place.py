"""The warehouse that a stop starts from, on the stop itself, so that the stops of a warehouse stand together."""

from sqlalchemy import ColumnElement, func
from sqlalchemy.orm import Mapped

from tradepost.commerce.store.copied import Copied, Source, Tables, keep_copied, of_parent


class StartPlace:
    """The column. `start_location_id`: the place of its route, else of its parcel, else of its order."""

    start_location_id: Mapped[str | None]


def _start(tables: Tables) -> dict[str, ColumnElement[str]]:
    start: ColumnElement[str] = func.coalesce(
        of_parent(tables, "deliveries", "route_id", "routes", "location_id"),
        of_parent(tables, "deliveries", "shipment_id", "shipments", "location_id"),
        of_parent(tables, "deliveries", "order_id", "orders", "warehouse_id"),
    )
    return {"start_location_id": start}


keep_copied(
    Copied(
        "deliveries",
        _start,
        {
            "deliveries": Source(("route_id", "shipment_id", "order_id"), when_new=True),
            "routes": Source(("location_id",), key="route_id"),
            "shipments": Source(("location_id",), key="shipment_id"),
            "orders": Source(("warehouse_id",), key="order_id"),
        },
    )
)
