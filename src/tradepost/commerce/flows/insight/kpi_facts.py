"""The figures behind the KPIs, summed up in SQL: one pass over the orders placed in a period, one over those due in it,
one over what came back. All three, and none of them with canceled orders:

Each pass gives one row per group (warehouse, carrier, sku) and `first`: an order that is in several groups is in each
of them, and in exactly one with `first`. So the sums over all rows with `first` are the figures over all, and those of
a key are its group's; nothing is read a second time for the whole. What is asked of an order stands in an index that
begins with the period.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import (
    BigInteger,
    ColumnElement,
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
    true,
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
_ALL: ColumnElement[Any] = literal("all", String)
_SHIPMENT = aliased(Shipment)


@dataclass(frozen=True, slots=True)
class Scope:
    """What the figures are about."""

    workspace_id: str
    start: datetime
    end: datetime
    now: datetime
    warehouse_id: str | None
    group_by: GroupBy

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


@dataclass(frozen=True, slots=True)
class _Groups:
    """How orders fall into groups. `mine`: the row stands for the order in its group, and no other row does."""

    key: ColumnElement[Any]
    first: ColumnElement[bool]
    mine: ColumnElement[bool]
    joined: tuple[Any, ColumnElement[bool]] | None = None

    def join(self, statement: Select[Any]) -> Select[Any]:
        """The select of orders with what their groups come from."""
        return statement if self.joined is None else statement.outerjoin(*self.joined)


def over_all(scope: Scope) -> Scope:
    """The same without groups."""
    return replace(scope, group_by="none")


def placed_figures(scope: Scope) -> Select[Any]:
    """Per key, currency and first, of orders placed: how many, with a claim, hours to pick and of how many, their
    totals; units sold, and with a sku as the group the totals of its lines. A measured line (by weight, by length)
    counts as one unit."""
    groups = _groups(scope)
    claimed = select(Claim.order_id).where(Claim.workspace_id == scope.workspace_id, Claim.order_id.is_not(None))
    by_sku = scope.group_by == "sku"
    units = _units(OrderLine, OrderLine.quantity) if by_sku else _units_of_order()
    statement = select(
        groups.key.label("key"),
        Order.currency.label("of_currency"),
        _flag(groups.first).label("first"),
        _sum(_flag(groups.mine)).label("orders"),
        _sum(_flag(and_(groups.mine, Order.id.in_(claimed)))).label("claimed"),
        func.sum(case((groups.mine, hours_between(Order.placed_at, Order.picked_at)))).label("pick_hours"),
        func.count(case((groups.mine, Order.picked_at))).label("picked"),
        _sum(case((groups.mine, Order.total_minor), else_=0)).label("total"),
        _sum(units if by_sku else case((groups.mine, units), else_=0)).label("units"),
        _sum(OrderLine.total_minor if by_sku else literal(0)).label("line_total"),
    ).select_from(Order)
    return groups.join(statement).where(scope.counts(), scope.placed()).group_by(*_named("key", "of_currency", "first"))


def due_figures(scope: Scope) -> Select[Any]:
    """Per key and first, of orders due: how many, delivered on time in full, late."""
    groups = _groups(scope)
    undelivered = aliased(OrderLine)
    short = select(undelivered.id).where(
        undelivered.workspace_id == Order.workspace_id,
        undelivered.order_id == Order.id,
        undelivered.status != "removed",
        undelivered.delivered < undelivered.quantity,
    )
    late = or_(Order.delivered_at.is_(None), Order.delivered_at > Order.promised_to)
    statement = select(
        groups.key.label("key"),
        _flag(groups.first).label("first"),
        func.count().label("due"),
        _sum(_flag(and_(Order.delivered_at <= Order.promised_to, ~short.exists()))).label("on_time_in_full"),
        _sum(_flag(late)).label("late"),
    ).select_from(Order)
    due = groups.join(statement).where(scope.counts(), scope.due(), groups.mine)
    return due.group_by(*_named("key", "first"))


def returned_figures(scope: Scope) -> Select[Any]:
    """Per key, reason and first: units returned of orders placed. It begins with the returns of the time since: none
    is asked for before its order is placed, and there are far fewer of them."""
    groups = _groups(scope)
    statement = (
        select(
            groups.key.label("key"),
            ReturnLine.reason.label("why"),
            _flag(groups.first).label("first"),
            _sum(_units(OrderLine, ReturnLine.quantity)).label("units"),
        )
        .select_from(Return)
        .join(ReturnLine, and_(ReturnLine.workspace_id == Return.workspace_id, ReturnLine.return_id == Return.id))
        .join(
            OrderLine,
            and_(OrderLine.workspace_id == ReturnLine.workspace_id, OrderLine.id == ReturnLine.order_line_id),
        )
        .join(Order, and_(Order.workspace_id == OrderLine.workspace_id, Order.id == OrderLine.order_id))
    )
    if scope.group_by != "sku":  # a line is of one sku; of which carriers it is, its order tells
        statement = groups.join(statement).where(groups.mine)
    placed_at = func.coalesce(Order.placed_at, scope.start)  # no index: the returns lead to their orders
    statement = statement.where(
        Return.requested_at >= scope.start,
        Return.status.not_in(NOT_RETURNS),
        scope.counts(),
        placed_at >= scope.start,
        placed_at < scope.end,
        OrderLine.status != "removed",
    )
    return statement.group_by(*_named("key", "why", "first"))


def stockouts(scope: Scope) -> Select[Any] | None:
    """Per key: active skus with nothing available at a location, now. None where the group has no stock (carriers)."""
    keys: dict[str, Any] = {"none": _ALL, "warehouse": StockLevel.location_id, "sku": StockLevel.sku}
    if scope.group_by not in keys:
        return None
    statement = (
        select(keys[scope.group_by].label("key"), func.count().label("stockouts"))
        .select_from(StockLevel)
        .join(Variant, and_(Variant.workspace_id == StockLevel.workspace_id, Variant.id == StockLevel.variant_id))
        .where(StockLevel.workspace_id == scope.workspace_id, StockLevel.available <= 0, Variant.status == "active")
    )
    if scope.warehouse_id is not None:
        statement = statement.where(StockLevel.location_id == scope.warehouse_id)
    return statement.group_by(*_named("key"))


def _groups(scope: Scope) -> _Groups:
    if scope.group_by == "carrier":
        twin = aliased(Shipment)
        earlier = _earlier(twin, _SHIPMENT)
        return _Groups(
            _SHIPMENT.carrier_id.expression,
            ~earlier.exists(),
            ~earlier.where(twin.carrier_id == _SHIPMENT.carrier_id).exists(),
            (_SHIPMENT, _of_order(_SHIPMENT)),
        )
    if scope.group_by == "sku":
        other = aliased(OrderLine)
        earlier = _earlier(other, OrderLine).where(other.status != "removed")
        return _Groups(
            OrderLine.sku.expression,
            ~earlier.exists(),
            ~earlier.where(other.sku == OrderLine.sku).exists(),
            (OrderLine, and_(_of_order(OrderLine), OrderLine.status != "removed")),
        )
    key = Order.warehouse_id.expression if scope.group_by == "warehouse" else _ALL
    return _Groups(key, true(), true())


def _of_order(part: Any) -> ColumnElement[bool]:
    return and_(part.workspace_id == Order.workspace_id, part.order_id == Order.id)


def _earlier(other: Any, own: Any) -> Select[Any]:
    """Parts of the same order that were made before."""
    return select(other.id).where(
        other.workspace_id == own.workspace_id, other.order_id == own.order_id, other.id < own.id
    )


def _units_of_order() -> ColumnElement[Any]:
    line = aliased(OrderLine)
    units = select(func.sum(_units(line, line.quantity))).where(_of_order(line), line.status != "removed")
    return func.coalesce(units.correlate(Order).scalar_subquery(), 0)


def _units(line: Any, quantity: Any) -> ColumnElement[Any]:
    return case((line.quantity_scale == 0, quantity), (line.id.is_not(None), 1), else_=0)


def _flag(condition: ColumnElement[bool]) -> ColumnElement[Any]:
    return case((condition, 1), else_=0)


def _sum(value: Any) -> ColumnElement[Any]:
    return cast(func.coalesce(func.sum(value), 0), BigInteger)


def _named(*labels: str) -> list[ColumnElement[Any]]:
    """Grouping by the names of result columns, which no table has. An expression with parameters would be another one
    to PostgreSQL."""
    return [literal_column(label) for label in labels]


def rate(part: int, whole: int) -> float | None:
    """A share between 0 and 1 with four decimals; None of nothing."""
    return round(part / whole, 4) if whole else None
