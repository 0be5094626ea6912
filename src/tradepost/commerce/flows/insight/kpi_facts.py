"""The figures behind the KPIs, summed up in SQL per group: warehouse, carrier, sku, or all in one.

Two sets of orders count, both without canceled ones: those placed in the period (orders, revenue, picking, returns,
claims) and those whose promise ended in it and is past (on time in full, late). All that is asked of them stands in an
index that begins with the period, so that a question reads what it sums up and nothing else.
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
    and_,
    case,
    cast,
    func,
    literal,
    literal_column,
    or_,
    select,
)

from sqlalchemy.orm import aliased

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


def placed_figures(scope: Scope) -> Select[Any]:
    """Per key and currency, of orders placed: how many, with a claim, hours to pick and of how many, their totals."""
    claimed = select(Claim.order_id).where(Claim.workspace_id == scope.workspace_id, Claim.order_id.is_not(None))
    hours = hours_between(Order.placed_at, Order.picked_at)
    key = _key_of_orders(scope)
    statement = select(
        key.label("key"),
        Order.currency.label("currency"),
        func.count().label("orders"),
        _count(Order.id.in_(claimed)).label("claimed"),
        func.coalesce(func.sum(hours), 0.0).label("pick_hours"),
        func.count(Order.picked_at).label("picked"),
        _sum(Order.total_minor).label("total"),
    ).select_from(Order)
    statement = _in_groups(statement, scope).where(scope.counts(), scope.placed())
    return _grouped(statement.group_by(Order.currency).order_by(Order.currency), key, scope)


def due_figures(scope: Scope) -> Select[Any]:
    """Per key, of orders due: how many, delivered on time in full, late."""
    short = select(OrderLine.id).where(
        OrderLine.workspace_id == Order.workspace_id,
        OrderLine.order_id == Order.id,
        OrderLine.status != "removed",
        OrderLine.delivered < OrderLine.quantity,
    )
    on_time = and_(Order.delivered_at <= Order.promised_to, ~short.exists())
    late = or_(Order.delivered_at.is_(None), Order.delivered_at > Order.promised_to)
    key = _key_of_orders(scope)
    statement = select(
        key.label("key"),
        func.count().label("due"),
        _count(on_time).label("on_time_in_full"),
        _count(late).label("late"),
    ).select_from(Order)
    statement = _in_groups(statement, scope).where(scope.counts(), scope.due())
    return _grouped(statement, key, scope)


def unit_figures(scope: Scope, min_return_rate: float | None = None) -> Select[Any]:
    """Per key: units sold and returned of orders placed, the highest rate of return first. A measured line (by weight,
    by length) counts as one unit."""
    sold = _lines(scope, _units(OrderLine.quantity).label("units")).subquery()
    back = _returned(scope, _units(ReturnLine.quantity).label("units")).subquery()
    returned = cast(func.coalesce(back.c.units, 0), BigInteger)
    share = cast(returned, Float) / func.nullif(sold.c.units, 0)
    statement = (
        select(
            sold.c.key,
            sold.c.units.label("sold"),
            returned.label("returned"),
            func.count().over().label("groups"),
        )
        .select_from(sold)
        .outerjoin(back, back.c.key == sold.c.key)
        .order_by(share.desc(), sold.c.units.desc(), sold.c.key)
    )
    if min_return_rate is not None:
        enough = returned * RATE_SCALE >= sold.c.units * round(min_return_rate * RATE_SCALE)
        statement = statement.where(enough, sold.c.units > 0)
    return statement


def return_reasons(scope: Scope) -> Select[Any]:
    """Per key and reason: units returned of orders placed."""
    units = _units(ReturnLine.quantity)
    statement = _returned(scope, ReturnLine.reason.label("reason"), units.label("units"))
    return statement.group_by(ReturnLine.reason).order_by(units.desc(), ReturnLine.reason)


def revenue_of_lines(scope: Scope) -> Select[Any]:
    """Per sku and currency: totals of the lines of orders placed."""
    totals = _sum(OrderLine.total_minor).label("total")
    statement = _lines(scope, Order.currency.label("currency"), totals)
    return statement.group_by(Order.currency).order_by(Order.currency)


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


_SHIPMENT, _LINE = aliased(Shipment), aliased(OrderLine)


def _key_of_orders(scope: Scope) -> ColumnElement[Any]:
    """What an order is grouped by; `_in_groups` joins what it comes from."""
    keys: dict[str, Any] = {
        "warehouse": Order.warehouse_id.expression,
        "carrier": _SHIPMENT.carrier_id,
        "sku": _LINE.sku,
    }
    return keys.get(scope.group_by, _ALL)


def _in_groups(statement: Select[Any], scope: Scope) -> Select[Any]:
    """The orders joined with their parcels or lines where those are the groups: each order once in each of its groups,
    by one parcel or line there."""
    if scope.group_by == "carrier":
        twin, own = aliased(Shipment), _SHIPMENT
        earlier = select(twin.id).where(twin.carrier_id == own.carrier_id, twin.id < own.id)
        wanted: tuple[Any, ...] = (own.carrier_id.is_not(None),)
    elif scope.group_by == "sku":
        twin, own = aliased(OrderLine), _LINE  # type: ignore[assignment]
        earlier = select(twin.id).where(twin.sku == own.sku, twin.id < own.id, twin.status != "removed")
        wanted = (own.status != "removed",)
    else:
        return statement
    same = earlier.where(twin.workspace_id == own.workspace_id, twin.order_id == own.order_id)
    on = and_(own.workspace_id == Order.workspace_id, own.order_id == Order.id)
    return statement.join(own, on).where(*wanted, ~same.exists())


def _lines(scope: Scope, *columns: Any) -> Select[Any]:
    """Per key: lines of the orders placed; with a sku as the group each line belongs to its own."""
    statement = select(_key_of_lines(scope).label("key"), *columns).select_from(Order)
    on = and_(OrderLine.workspace_id == Order.workspace_id, OrderLine.order_id == Order.id)
    statement = _lines_in_groups(statement.join(OrderLine, on), scope)
    statement = statement.where(scope.counts(), scope.placed(), OrderLine.status != "removed")
    return _grouped(statement, _key_of_lines(scope), scope)


def _returned(scope: Scope, *columns: Any) -> Select[Any]:
    """Per key: lines of returns of the orders placed. None was asked for before its order was there."""
    statement = (
        select(_key_of_lines(scope).label("key"), *columns)
        .select_from(Return)
        .join(ReturnLine, and_(ReturnLine.workspace_id == Return.workspace_id, ReturnLine.return_id == Return.id))
        .join(
            OrderLine,
            and_(OrderLine.workspace_id == ReturnLine.workspace_id, OrderLine.id == ReturnLine.order_line_id),
        )
        .join(Order, and_(Order.workspace_id == OrderLine.workspace_id, Order.id == OrderLine.order_id))
    )
    statement = _lines_in_groups(statement, scope).where(
        Return.requested_at >= scope.start,
        Return.status.not_in(NOT_RETURNS),
        scope.counts(),
        scope.placed(),
        OrderLine.status != "removed",
    )
    return _grouped(statement, _key_of_lines(scope), scope)


def _key_of_lines(scope: Scope) -> ColumnElement[Any]:
    return OrderLine.sku.expression if scope.group_by == "sku" else _key_of_orders(scope)


def _lines_in_groups(statement: Select[Any], scope: Scope) -> Select[Any]:
    return statement if scope.group_by == "sku" else _in_groups(statement, scope)


def _grouped(statement: Select[Any], key: Any, scope: Scope) -> Select[Any]:
    """Grouped by the key and limited to the scope's keys; over all there is one group, if anything is in it."""
    if scope.group_by == "none":
        return statement.group_by(literal_column("key"))
    statement = statement.where(key.is_not(None)).group_by(key)
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
