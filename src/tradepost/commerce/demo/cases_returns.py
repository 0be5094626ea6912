"""Cases of returns: within policy, out of it, split in two, and an exchange for another size."""

from datetime import timedelta

from tradepost.commerce.demo.cases_delivery import order_of
from tradepost.commerce.demo.parcels import deliver, ship
from tradepost.commerce.demo.placing import Item
from tradepost.commerce.demo.returning import Wanted, send_back
from tradepost.commerce.demo.shop import Shop
from tradepost.commerce.orders.models import Order
from tradepost.commerce.returns.models import ExchangeLine

OUT_OF_WINDOW_ORDER = "87791"


def add_return_cases(shop: Shop) -> None:
    """All of them."""
    _add_in_window(shop)
    _add_out_of_window(shop)
    _add_split(shop)
    _add_exchange(shop)


def arrived_order(
    shop: Shop, number: str, customer: str, items: list[Item], *, days_ago: float, arrived: float
) -> Order:
    """An order that was delivered on time, `arrived` days ago."""
    promised = shop.ago(days=arrived - 1).replace(hour=17)
    order = order_of(shop, number, customer, items, days_ago=days_ago, promised_to=promised)
    shipped_at = order.placed_at + timedelta(days=1)
    deliver(shop, order, ship(shop, order, "dhl", shipped_at, shop.ago(days=arrived)), shop.ago(days=arrived))
    return order


def _add_in_window(shop: Shop) -> None:
    order = arrived_order(shop, "88201", "CUST-10503", [("TEE-ORG-M", 1), ("FLASK-05", 1)], days_ago=12, arrived=8)
    shirt, flask = shop.lines[order.id]
    send_back(
        shop,
        order,
        [
            Wanted(shirt, "size_too_small", customer_note="Too tight at the shoulders. I would like an L."),
            Wanted(flask, "unwanted", customer_note="Unused."),
        ],
        shop.ago(days=5),
        status="in_transit",
        number="RMA-1042",
        customer_note="Both items are in one parcel.",
    )


def _add_out_of_window(shop: Shop) -> None:
    order = arrived_order(shop, OUT_OF_WINDOW_ORDER, "CUST-10497", [("RAIN-L", 1)], days_ago=52, arrived=47)
    send_back(
        shop,
        order,
        [Wanted(shop.lines[order.id][0], "style")],
        shop.ago(days=1),
        number="RMA-1050",
        customer_note="I did not get round to it earlier.",
    )


def _add_split(shop: Shop) -> None:
    order = arrived_order(
        shop,
        "88199",
        "CUST-10506",
        [("SHOE-ROAD-41", 1), ("HOODIE-L", 1), ("BOTTLE-SILVER", 1)],
        days_ago=18,
        arrived=14,
    )
    shoe, hoodie, _ = shop.lines[order.id]
    send_back(shop, order, [Wanted(shoe, "size_too_large")], shop.ago(days=11), status="closed", number="RMA-1043")
    send_back(shop, order, [Wanted(hoodie, "color")], shop.ago(days=3), status="in_transit", number="RMA-1044")


def _add_exchange(shop: Shop) -> None:
    order = arrived_order(shop, "88216", "CUST-10501", [("HOODIE-M", 1)], days_ago=10, arrived=6)
    line = shop.lines[order.id][0]
    row = send_back(
        shop,
        order,
        [Wanted(line, "size_too_small")],
        shop.ago(days=2),
        status="approved",
        number="RMA-1046",
        resolution="exchange",
        customer_note="Size L instead, please.",
    )
    row.price_difference_minor = 0
    row.payment_method_id = shop.payments[order.id][-1].method_id
    wanted = shop.variants["HOODIE-L"]
    shop.draft.add(
        ExchangeLine,
        return_id=row.id,
        position=1,
        return_line_id=None,
        variant_id=wanted.id,
        sku=wanted.sku,
        quantity=1,
        unit_price_minor=wanted.price_minor,
        created_at=row.requested_at,
    )
