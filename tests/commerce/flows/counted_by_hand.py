"""What the figures of a period must be, counted row by row in Python."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.commerce.catalog.models import Product
from tradepost.commerce.claims.models import Claim
from tradepost.commerce.customers.models import Customer
from tradepost.commerce.inventory.models import Location
from tradepost.commerce.logistics.models import Carrier, Shipment
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.returns.models import Return, ReturnLine

MODELS = (Order, OrderLine, Shipment, Claim, Return, ReturnLine, Carrier, Location, Product, Customer)
Groups = dict[str, dict[str, Any]]


@dataclass
class Rows:
    """Everything of a shop that the figures come from."""

    of: dict[Any, list[Any]]
    now: datetime

    def orders(self, place: str | None) -> list[Order]:
        return [row for row in self.of[Order] if row.status != "canceled" and place in (None, row.warehouse_id)]

    def lines(self, order: Order) -> list[OrderLine]:
        return [line for line in self.of[OrderLine] if line.order_id == order.id and line.status != "removed"]

    def named(self, model: Any, column: str) -> dict[str, str]:
        return {row.id: getattr(row, column) for row in self.of[model]}


async def read_rows(session: AsyncSession, now: datetime) -> Rows:
    return Rows({model: list(await session.scalars(select(model))) for model in MODELS}, now)


def units(line: OrderLine, quantity: int) -> int:
    return quantity if line.quantity_scale == 0 else 1


def kpis(rows: Rows, group_by: str, start: datetime, end: datetime, place: str | None) -> Groups:
    """Per key, and under "all" over all."""
    found: Groups = defaultdict(lambda: defaultdict(int))
    keys_of, claimed = _kpi_keys(rows, group_by), {claim.order_id for claim in rows.of[Claim]}
    of_order = {line.id: line for line in rows.of[OrderLine]}
    back = defaultdict(list)
    for rma in rows.of[Return]:
        if rma.status not in ("declined", "canceled"):
            back[rma.order_id] += [line for line in rows.of[ReturnLine] if line.return_id == rma.id]
    for order in rows.orders(place):
        lines, keys = rows.lines(order), {"all", *keys_of(order)}
        if start <= order.placed_at < end:
            for key in keys:
                mine = [line for line in lines if group_by != "sku" or key in ("all", line.sku)]
                one = found[key]
                one["orders"] += 1
                one["claimed"] += order.id in claimed
                sold = order.total_minor if key == "all" or group_by != "sku" else sum(it.total_minor for it in mine)
                one["revenue", order.currency] += sold
                one["sold_units"] += sum(units(line, line.quantity) for line in mine)
                if order.picked_at is not None:
                    one["picked"] += 1
                    one["pick_hours"] += (order.picked_at - order.placed_at).total_seconds() / 3600
                for line in back[order.id]:
                    sent = of_order[line.order_line_id]
                    if sent in mine:
                        one["returned_units"] += units(sent, line.quantity)
                        one["reason", line.reason] += units(sent, line.quantity)
        if order.promised_to is not None and start <= order.promised_to < min(end, rows.now):
            arrived = order.delivered_at is not None and order.delivered_at <= order.promised_to
            full = all(line.delivered >= line.quantity for line in lines)
            for key in keys:
                found[key]["due"] += 1
                found[key]["kept"] += arrived and full
                found[key]["late"] += not arrived
    return {key: _kpi_view(one) for key, one in found.items()}


def sales(rows: Rows, group_by: str, start: datetime, end: datetime, place: str | None, currency: str) -> Groups:
    """Per key: orders, sales, refunds, and units where lines are summed up; under "all" the totals."""
    found: Groups = defaultdict(lambda: defaultdict(int))
    category, places = rows.named(Product, "category"), rows.named(Location, "code")
    customers = rows.named(Customer, "number")
    buyers = set()
    for order in rows.orders(place):
        if not start <= order.placed_at < end or order.currency != currency:
            continue
        buyers.add(order.customer_id)
        lines = rows.lines(order)
        whole = found["all"]
        whole["orders"] += 1
        for name in ("subtotal", "discount", "shipping", "tax", "total", "refunded"):
            whole[name] += getattr(order, f"{name}_minor")
        whole["units"] += sum(units(line, line.quantity) for line in lines)
        if group_by in ("sku", "category"):
            for line in lines:
                one = found[line.sku if group_by == "sku" else category[line.product_id] or "none"]
                one["ids"] = {*(one["ids"] or ()), order.id}
                one["orders"] = len(one["ids"])
                one["sales"] += line.total_minor
                one["refunds"] += line.refunded_minor
                one["units"] += units(line, line.quantity)
            continue
        keys = {
            "channel": order.channel,
            "warehouse": places.get(order.warehouse_id or ""),
            "customer": customers[order.customer_id],
        }
        if keys.get(group_by) is not None:
            one = found[str(keys[group_by])]
            one["orders"] += 1
            one["sales"] += order.total_minor
            one["refunds"] += order.refunded_minor
    found["all"]["customers"] = len(buyers)
    for one in found.values():
        one.pop("ids", None)
    return {key: dict(one) for key, one in found.items()}


def _kpi_keys(rows: Rows, group_by: str) -> Callable[[Order], Iterable[str]]:
    if group_by == "warehouse":
        codes = rows.named(Location, "code")
        return lambda order: [codes[order.warehouse_id]] if order.warehouse_id else []
    if group_by == "carrier":
        carriers = rows.named(Carrier, "code")
        return lambda order: {
            carriers[row.carrier_id] for row in rows.of[Shipment] if row.order_id == order.id and row.carrier_id
        }
    return lambda order: [line.sku for line in rows.lines(order)] if group_by == "sku" else []


def _kpi_view(one: Mapping[Any, Any]) -> dict[str, Any]:
    def share(part: int, whole: int) -> float | None:
        return round(part / whole, 4) if whole else None

    reasons = [(why, count) for (kind, why), count in (it for it in one.items() if it[0][0] == "reason")]
    return {
        "orders": one["orders"],
        "revenue": sorted((key[1], value) for key, value in one.items() if key[0] == "revenue"),
        "due_orders": one["due"],
        "otif_rate": share(one["kept"], one["due"]),
        "late_orders": one["late"],
        "late_rate": share(one["late"], one["due"]),
        "average_pick_hours": round(one["pick_hours"] / one["picked"], 2) if one["picked"] else None,
        "sold_units": one["sold_units"],
        "returned_units": one["returned_units"],
        "return_rate": share(one["returned_units"], one["sold_units"]),
        "return_reasons": sorted(reasons, key=lambda it: (-it[1], it[0]))[:3],
        "claim_rate": share(one["claimed"], one["orders"]),
    }
