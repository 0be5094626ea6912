"""The figures behind the KPIs, summed up in SQL per group: warehouse, carrier, sku, or all in one.

Two sets of orders count, both without canceled ones: those placed in the period (orders, revenue, picking, returns,
claims) and those whose promise ended in it and is past (on time in full, late). Each is read once per question,
whatever the number of orders.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Float,
    Select,
    String,
    Subquery,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
)

from tradepost.commerce.analytics.durations import hours_between
from tradepost.commerce.catalog.models import Variant
from tradepost.commerce.claims.models import Claim
from tradepost.commerce.inventory.models import StockLevel
from tradepost.commerce.logistics.models import Shipment
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.returns.models import Return, ReturnLine

GroupBy = Literal["none", "warehouse", "carrier", "sku"]
NOT_RETURNS = ("declined", "canceled")
RATE_SCALE = 10_000
_ALL: ColumnElement[Any] = literal("all", String)


@dataclass(frozen=True, slots=True)
class Scope:
    """What the figures are about. `keys` limits them to these groups; empty: all."""

    workspace_id: str
    start: datetime
    end: datetime
    now: datetime
    warehouse_id: str | None
    group_by: GroupBy
    keys: tuple[str, ...] = ()

    def placed(self) -> ColumnElement[bool]:
        """Orders placed in the period."""
        return and_(Order.placed_at >= self.start, Order.placed_at < self.end)

    def due(self) -> ColumnElement[bool]:
        """Orders whose promise ended in the period and is past."""
        return and_(Order.promised_to >= self.start, Order.promised_to < min(self.end, self.now))

    def counts(self) -> ColumnElement[bool]:
        """The orders that count at all: ours, not canceled, of the warehouse."""
        ours = and_(Order.workspace_id == self.workspace_id, Order.status != "canceled")
        return ours if self.warehouse_id is None else and_(ours, Order.warehouse_id == self.warehouse_id)


def order_figures(scope: Scope) -> Select[Any]:
    """Per key: orders placed, hours to pick, claims; orders due, delivered on time in full, late."""
    placed, due = scope.placed(), scope.due()
    short = select(OrderLine.id).where(
        OrderLine.workspace_id == Order.workspace_id,
        OrderLine.order_id == Order.id,
        OrderLine.status != "removed",
        OrderLine.delivered < OrderLine.quantity,
    )
    claimed = select(Claim.order_id).where(Claim.workspace_id == scope.workspace_id, Claim.order_id.is_not(None))
    on_time = and_(due, Order.delivered_at <= Order.promised_to, ~short.exists())
    late = and_(due, or_(Order.delivered_at.is_(None), Order.delivered_at > Order.promised_to))
    key, groups = _groups_of_orders(scope)
    orders = _count(placed)
    statement = select(
        key.label("key"),
        orders.label("orders"),
        _count(and_(placed, Order.id.in_(claimed))).label("claimed"),
        _count(due).label("due"),
        _count(on_time).label("on_time_in_full"),
        _count(late).label("late"),
        func.avg(case((placed, hours_between(Order.placed_at, Order.picked_at)))).label("pick_hours"),
        func.count().over().label("groups"),
    ).where(scope.counts(), or_(placed, due))
    return _grouped(_joined(statement.select_from(Order), groups), key, scope, orders.desc())


def unit_figures(scope: Scope, min_return_rate: float | None = None) -> Select[Any]:
    """Per key: units sold and returned of orders placed, the highest rate of return first. A measured line (by weight,
    by length) counts as one unit."""
    back = (
        select(ReturnLine.order_line_id, _units(ReturnLine.quantity).label("units"))
        .join(Return, and_(Return.workspace_id == ReturnLine.workspace_id, Return.id == ReturnLine.return_id))
        .join(
            OrderLine,
            and_(OrderLine.workspace_id == ReturnLine.workspace_id, OrderLine.id == ReturnLine.order_line_id),
        )
        .where(ReturnLine.workspace_id == scope.workspace_id, Return.status.not_in(NOT_RETURNS))
        .group_by(ReturnLine.order_line_id)
        .subquery()
    )
    sold = _units(OrderLine.quantity)
    returned = cast(func.coalesce(func.sum(back.c.units), 0), BigInteger)
    share = cast(returned, Float) / func.nullif(sold, 0)
    statement, key = _lines(scope, sold.label("sold"), returned.label("returned"), func.count().over().label("groups"))
    statement = statement.outerjoin(back, back.c.order_line_id == OrderLine.id)
    if min_return_rate is not None:
        enough = returned * RATE_SCALE >= sold * round(min_return_rate * RATE_SCALE)
        statement = statement.having(and_(enough, sold > 0))
    return _grouped(statement, key, scope, share.desc(), sold.desc())


def return_reasons(scope: Scope) -> Select[Any]:
    """Per key and reason: units returned of orders placed."""
    units = _units(ReturnLine.quantity)
    statement, key = _lines(scope, ReturnLine.reason.label("reason"), units.label("units"))
    statement = (
        statement.join(
            ReturnLine,
            and_(ReturnLine.workspace_id == OrderLine.workspace_id, ReturnLine.order_line_id == OrderLine.id),
        )
        .join(Return, and_(Return.workspace_id == ReturnLine.workspace_id, Return.id == ReturnLine.return_id))
        .where(Return.status.not_in(NOT_RETURNS))
        .group_by(ReturnLine.reason)
        .order_by(units.desc(), ReturnLine.reason)
    )
    return _grouped(statement, key, scope)


def revenue(scope: Scope) -> Select[Any]:
    """Per key and currency: totals of orders placed; of their lines where the group is a sku."""
    currency = Order.currency.label("currency")
    if scope.group_by == "sku":
        statement, key = _lines(scope, currency, _sum(OrderLine.total_minor).label("total"))
    else:
        key, groups = _groups_of_orders(scope)
        totals = select(key.label("key"), currency, _sum(Order.total_minor).label("total")).select_from(Order)
        statement = _joined(totals.where(scope.counts(), scope.placed()), groups)
    return _grouped(statement.group_by(Order.currency).order_by(Order.currency), key, scope)


def stockouts(scope: Scope) -> Select[Any] | None:
    """Per key: active skus with nothing available at a location, now. None where the group has no stock (carriers)."""
    keys: dict[str, Any] = {"none": _ALL, "warehouse": StockLevel.location_id, "sku": StockLevel.sku}
    if scope.group_by not in keys:
        return None
    key = keys[scope.group_by]
    statement = (
        select(key.label("key"), func.count().label("stockouts"))
        .select_from(StockLevel)
        .join(Variant, and_(Variant.workspace_id == StockLevel.workspace_id, Variant.id == StockLevel.variant_id))
        .where(StockLevel.workspace_id == scope.workspace_id, StockLevel.available <= 0, Variant.status == "active")
    )
    if scope.warehouse_id is not None:
        statement = statement.where(StockLevel.location_id == scope.warehouse_id)
    return _grouped(statement, key, scope)


def _groups_of_orders(scope: Scope) -> tuple[ColumnElement[Any], Subquery | None]:
    """The key of an order and, where an order can be in several groups, (order_id, key) of each, once."""
    if scope.group_by == "carrier":
        ours = (Shipment.workspace_id == scope.workspace_id, Shipment.carrier_id.is_not(None))
        carriers = select(Shipment.order_id.label("order_id"), Shipment.carrier_id.label("key"))
        several = carriers.where(*ours).distinct().subquery()
        return several.c.key, several
    if scope.group_by == "sku":
        sold = (OrderLine.workspace_id == scope.workspace_id, OrderLine.status != "removed")
        skus = select(OrderLine.order_id.label("order_id"), OrderLine.sku.label("key"))
        wanted = (OrderLine.sku.in_(scope.keys),) if scope.keys else ()
        several = skus.where(*sold, *wanted).distinct().subquery()
        return several.c.key, several
    return (Order.warehouse_id.expression if scope.group_by == "warehouse" else _ALL), None


def _lines(scope: Scope, *columns: Any) -> tuple[Select[Any], ColumnElement[Any]]:
    """Lines of the orders placed, `key` first, and the key; with a sku as the group each line belongs to its own."""
    key, groups = (OrderLine.sku.expression, None) if scope.group_by == "sku" else _groups_of_orders(scope)
    statement = (
        select(key.label("key"), *columns)
        .select_from(OrderLine)
        .join(Order, and_(Order.workspace_id == OrderLine.workspace_id, Order.id == OrderLine.order_id))
        .where(scope.counts(), scope.placed(), OrderLine.status != "removed")
    )
    return _joined(statement, groups), key


def _joined(statement: Select[Any], groups: Subquery | None) -> Select[Any]:
    return statement if groups is None else statement.join(groups, groups.c.order_id == Order.id)


def _grouped(statement: Select[Any], key: Any, scope: Scope, *order: Any) -> Select[Any]:
    """Grouped by the key and limited to the scope's keys; over all there is no key to group by."""
    if scope.group_by == "none":
        return statement
    statement = statement.where(key.is_not(None)).group_by(key)
    if order:
        statement = statement.order_by(*order, key)
    return statement.where(key.in_(scope.keys)) if scope.keys else statement


def _units(quantity: Any) -> ColumnElement[Any]:
    return _sum(case((OrderLine.quantity_scale == 0, quantity), else_=1))


def _count(condition: ColumnElement[bool]) -> ColumnElement[Any]:
    return _sum(case((condition, 1), else_=0))


def _sum(value: Any) -> ColumnElement[Any]:
    return cast(func.coalesce(func.sum(value), 0), BigInteger)


def rate(part: int, whole: int) -> float | None:
    """A share between 0 and 1 with four decimals; None of nothing."""
    return round(part / whole, 4) if whole else None


def by_key(rows: Sequence[Any]) -> dict[str, Any]:
    """Rows by their key."""
    return {row.key: row for row in rows}
