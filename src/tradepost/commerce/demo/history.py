"""The everyday orders of the last sixty days: most arrived, some are on their way, waiting, canceled or came back."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from tradepost.commerce.customers.models import Customer
from tradepost.commerce.demo import names
from tradepost.commerce.demo.comebacks import RETURNED_OFTEN, add_returns
from tradepost.commerce.demo.money import method_of, pay
from tradepost.commerce.demo.parcels import deliver, drop, scan, ship
from tradepost.commerce.demo.placing import Item, Wish, place
from tradepost.commerce.demo.policies import CANCEL_REASONS
from tradepost.commerce.demo.returning import cancel
from tradepost.commerce.demo.shop import FLEET, Shop
from tradepost.commerce.demo.tours import MOST_STOPS, send_out, tour_driver
from tradepost.commerce.orders.models import Order

_CARRIERS = ("dhl", "ups", "gls", "fedex")
_SCARCE = ("B-7", "C-205", "D-410")  # these have stories of their own; everyday orders leave them alone
# What sells more than the rest. Enough of what cases send back is sold for one return to be nothing special.
_POPULAR = {
    "SHOE-TRAIL-42": 5,
    "LAMP-DESK-BLACK": 4,
    "A-100": 4,
    "FLASK-05": 5,
    "TEE-ORG-M": 5,
    "SHOE-ROAD-41": 5,
    "HOODIE-L": 6,
    "HOODIE-M": 6,
    "RAIN-L": 3,
}
# Which part of the orders is at which point of its life; the rest has arrived.
_SHARES = (
    ("backlog", 0.11),
    ("fresh", 0.04),
    ("moving", 0.08),
    ("out_today", 0.05),
    ("canceled", 0.04),
    ("pending", 0.006),
)


def add_history(shop: Shop, count: int) -> None:
    """That many everyday orders, their parcels, payments and returns."""
    chance = shop.draft.chance("history")
    arrived: list[Order] = []
    numbers = _numbers(shop, count)
    for kind, age_days in _ages(chance, count):
        customer = _customer(shop, chance, kind)
        business = customer.kind == "business"
        placed_at = shop.ago(days=age_days)
        order = place(
            shop,
            Wish(
                number=next(numbers),
                customer=customer,
                items=_items(shop, chance, business=business),
                placed_at=placed_at,
                promised_to=_promise(shop, chance, kind, age_days),
                discount_minor=500 if kind == "arrived" and chance.random() < 0.1 else 0,
                channel=chance.choice(("web", "web", "app", "phone")),
            ),
        )
        if not business:
            _pay(shop, chance, order, kind)
        _live(shop, chance, order, kind)
        if kind == "arrived" and not business and not order.discount_minor:
            arrived.append(order)
    add_returns(shop, arrived)


def _numbers(shop: Shop, count: int) -> Iterator[str]:
    taken = names.RESERVED if shop.flavor.cases else frozenset({names.LATE_ORDER, "88214"})
    free = (str(number) for number in range(shop.flavor.last_order, 0, -1) if str(number) not in taken)
    return iter(sorted(next(free) for _ in range(count)))


def _ages(chance: Random, count: int) -> list[tuple[str, float]]:
    """What each order's life has come to and how many days ago it was placed, the oldest first."""
    spans = {
        "backlog": (2.2, 5.5),
        "fresh": (0.05, 1.8),
        "moving": (1.5, 4),
        "out_today": (2, 4),
        "canceled": (1, 55),
        "pending": (0.5, 2),
    }
    found = [
        (kind, chance.uniform(*spans[kind]))
        for kind, share in _SHARES
        for _ in range(min(max(round(count * share), 1), MOST_STOPS if kind == "out_today" else count))
    ]
    while len(found) < count:
        found.append(("arrived", chance.uniform(7, 60)))
    return sorted(found, key=lambda item: -item[1])


def _customer(shop: Shop, chance: Random, kind: str) -> Customer:
    """Anyone for an order that arrived; private customers for what turns on a card payment."""
    abroad = (names.JPY_CUSTOMER, names.KWD_CUSTOMER, names.POISONED_COMPANY) if shop.flavor.cases else ()
    return chance.choice(
        [
            customer
            for number, customer in shop.customers.items()
            if number not in abroad
            and (kind == "arrived" or customer.kind != "business")
            and (kind != "out_today" or shop.is_local(customer))
        ]
    )


def _items(shop: Shop, chance: Random, *, business: bool) -> list[Item]:
    left_alone = (*_SCARCE, *RETURNED_OFTEN) if business else _SCARCE
    skus = [sku for sku in shop.variants if not shop.flavor.cases or sku not in left_alone]
    weights = [_POPULAR.get(sku, 1) for sku in skus]
    picked = dict.fromkeys(chance.choices(skus, weights, k=chance.choice((1, 1, 2, 2, 3))))
    items: list[Item] = []
    for sku in picked:
        quantity = chance.choice((4, 6, 10)) if business else chance.choice((1, 1, 1, 1, 2))
        scale = shop.variants[sku].quantity_scale
        items.append((sku, quantity * 10**scale // (2 if scale else 1)))
    return items


def _promise(shop: Shop, chance: Random, kind: str, age_days: float) -> datetime:
    """Five days, or for what has not arrived some day after tomorrow: tomorrow belongs to the cases."""
    if kind in ("arrived", "canceled"):
        moment = shop.ago(days=age_days - 5)
    else:
        moment = shop.ahead(days=chance.uniform(2.1, 5.5))
    return moment.replace(hour=17, minute=0, second=0)


def _pay(shop: Shop, chance: Random, order: Order, kind: str) -> None:
    if kind == "pending":
        order.status = "pending"
        pay(shop, order, captured=False, status="requires_action")
    elif kind == "fresh" and chance.random() < 0.5:
        pay(shop, order, captured=False)
    else:
        gift_card = method_of(shop, order, "gift_card")
        if kind == "arrived" and gift_card.type == "gift_card" and order.discount_minor and order.total_minor > 3000:
            pay(shop, order, kind="gift_card", amount_minor=2000)
        pay(shop, order, kind=chance.choice(("credit_card", "credit_card", "paypal")))


def _live(shop: Shop, chance: Random, order: Order, kind: str) -> None:
    """What has happened to the goods so far."""
    local = shop.is_local(_buyer(shop, order))
    carrier = FLEET if local else chance.choice(_CARRIERS)
    if kind == "arrived":
        _arrive(shop, chance, order, carrier)
    elif kind == "canceled":
        waited = min(timedelta(hours=chance.uniform(1, 20)), (shop.now - order.placed_at) / 2)
        cancel(shop, order, order.placed_at + waited, chance.choice(CANCEL_REASONS[:2]))
    elif kind == "moving":
        carrier = chance.choice(_CARRIERS)
        shipped_at = order.placed_at + (shop.now - order.placed_at) / 3
        eta = (order.promised_to or shop.now) - timedelta(hours=chance.randint(5, 24))
        shipment = ship(shop, order, carrier, shipped_at, eta)
        scan(shop, shipment, "in_transit", shipped_at + (shop.now - shipped_at) * 2 / 3)
    elif kind == "out_today":
        send_out(shop, order)
    elif kind == "fresh" and chance.random() < 0.2:
        dock = shop.ago(hours=0.5)
        ship(shop, order, chance.choice(_CARRIERS), dock, shop.ahead(days=2), status="label_printed")


def _buyer(shop: Shop, order: Order) -> Customer:
    return next(customer for customer in shop.customers.values() if customer.id == order.customer_id)


def _arrive(shop: Shop, chance: Random, order: Order, carrier: str) -> None:
    promised = order.promised_to or shop.now
    days = chance.uniform(2.2, 4.0)
    arrived_at = _by_day(chance, order.placed_at + timedelta(days=days))
    if chance.random() < 0.08 and promised + timedelta(days=3.3) < shop.now:
        arrived_at = _by_day(chance, promised + timedelta(days=chance.uniform(0.3, 2.4)))
    shipped_at = order.placed_at + timedelta(days=days / 3)
    shipment = ship(shop, order, carrier, shipped_at, min(arrived_at, promised))
    deliver(shop, order, shipment, arrived_at)
    if carrier == FLEET:
        window_to = arrived_at + timedelta(hours=1)
        driver = tour_driver(shop, order)
        drop(
            shop,
            order,
            shipment,
            driver=driver,
            window_to=window_to,
            eta=arrived_at,
            status="completed",
            completed_at=arrived_at,
        )


def _by_day(chance: Random, moment: datetime) -> datetime:
    """Some time between morning and evening of that day."""
    return moment.replace(hour=chance.randint(8, 16), second=0, microsecond=0)
