"""Everyday returns: two SKUs come back far too often, the others now and then."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from math import ceil
from random import Random

from tradepost.commerce.demo.returning import Wanted, send_back
from tradepost.commerce.demo.shop import Shop
from tradepost.commerce.orders.models import Order, OrderLine

RETURNED_OFTEN = {"SHOE-TRAIL-42": "size_too_small", "LAMP-DESK-BLACK": "defective"}
_OFTEN = 0.25  # of the units sold
_NOW_AND_THEN = 10  # units sold for one that comes back
_MOST_EVERYDAY = 12
_REASONS = ("unwanted", "color", "style", "arrived_late")
# What has a case's return already, a restocking fee, or no right of return.
_LEFT_ALONE = ("A-", "LAMP", "SPEAKER", "TORCH", "CABLE", "COFFEE", "TEA", "BAR", "HOODIE", "RAIN", "SHOE-ROAD-41")
_LEFT_ALONE_SKUS = ("TEE-ORG-M", "FLASK-05", *RETURNED_OFTEN)
_REPORT_DAYS = 30  # reports look this far back: the rates hold there as well as over all
_QUEUE = ("in_transit", "requested", "received", "inspected", "approved")

Sale = tuple[Order, OrderLine]


def add_returns(shop: Shop, arrived: Iterable[Order]) -> None:
    """Returns of orders that arrived: old ones are closed, those of the last days are somewhere on their way."""
    chance = shop.draft.chance("returns")
    sales: dict[str, list[Sale]] = defaultdict(list)
    for order in arrived:
        for line in shop.lines[order.id]:
            sales[line.sku].append((order, line))
    used: set[str] = set()
    chosen = [
        (*sale, reason) for sku, reason in RETURNED_OFTEN.items() for sale in _often(shop, chance, sku, sales, used)
    ]
    chosen += [(*sale, chance.choice(_REASONS)) for sale in _now_and_then(shop, chance, sales, used)]
    asked = [(_asked_at(shop, chance, order), order, line, reason) for order, line, reason in chosen]
    recent = 0
    for requested_at, order, line, reason in sorted(asked, key=lambda item: (item[0], item[1].number)):
        status = "closed"
        if requested_at > shop.ago(days=9):
            status = _QUEUE[recent % len(_QUEUE)]
            recent += 1
        send_back(shop, order, [Wanted(line, reason)], requested_at, status=status)


def _often(shop: Shop, chance: Random, sku: str, sales: dict[str, list[Sale]], used: set[str]) -> list[Sale]:
    """A quarter of what was sold lately and of what was sold in all, one unit per order."""
    since = shop.ago(days=_REPORT_DAYS)
    lately = [sale for sale in sales[sku] if sale[0].placed_at >= since]
    picked = _pick(chance, lately, ceil(_sold(shop, sku, since) * _OFTEN), used)
    rest = ceil(_sold(shop, sku, None) * _OFTEN) - len(picked)
    return picked + _pick(chance, [sale for sale in sales[sku] if sale[0].placed_at < since], rest, used)


def _now_and_then(shop: Shop, chance: Random, sales: dict[str, list[Sale]], used: set[str]) -> list[Sale]:
    """One unit of each of the best sellers; out of a recent order only where enough of it was sold recently."""
    since = shop.ago(days=_REPORT_DAYS)
    everyday = [sku for sku in sales if sku not in _LEFT_ALONE_SKUS and not sku.startswith(_LEFT_ALONE)]
    picked: list[Sale] = []
    for sku in sorted(everyday, key=lambda name: (-_sold(shop, name, None), name))[:_MOST_EVERYDAY]:
        if _sold(shop, sku, since) >= _NOW_AND_THEN:
            picked += _pick(chance, [sale for sale in sales[sku] if sale[0].placed_at >= since], 1, used)
        elif _sold(shop, sku, None) >= _NOW_AND_THEN:
            picked += _pick(chance, [sale for sale in sales[sku] if sale[0].placed_at < since], 1, used)
    return picked


def _pick(chance: Random, sales: list[Sale], count: int, used: set[str]) -> list[Sale]:
    free = [sale for sale in sales if sale[0].id not in used]
    picked = chance.sample(free, max(min(count, len(free)), 0))
    used.update(order.id for order, _ in picked)
    return picked


def _sold(shop: Shop, sku: str, since: datetime | None) -> int:
    return sum(
        line.quantity
        for order in shop.orders.values()
        if order.status != "canceled" and (since is None or order.placed_at >= since)
        for line in shop.lines[order.id]
        if line.sku == sku
    )


def _asked_at(shop: Shop, chance: Random, order: Order) -> datetime:
    delivered_at = order.delivered_at or order.placed_at
    return min(delivered_at + timedelta(days=chance.uniform(2, 9)), shop.ago(hours=chance.uniform(5, 60)))
