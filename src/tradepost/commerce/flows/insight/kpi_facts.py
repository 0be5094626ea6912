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
    CTE,
    BigInteger,
    ColumnElement,
    Select,
    String,
    Subquery,
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
    """How orders fall into groups. `before`: what earlier parts of the same order there are: none (null), some of the
    same group (0), some of other groups only (1). None where an order is in one group alone."""

    key: ColumnElement[Any]
    before: ColumnElement[Any] | None = None
    joined: tuple[Any, ColumnElement[bool]] | None = None

    def join(self, statement: Select[Any]) -> Select[Any]:
        """The select of orders with what their groups come from."""
        return statement if self.joined is None else statement.outerjoin(*self.joined)

    def rows(self, statement: Select[Any]) -> CTE | Subquery:
        """The rows to sum up. Those with a place are made once: folded into the sums, each of these would look it up
        anew."""
        if self.before is None:
            return statement.subquery()
        return statement.cte("counted").prefix_with("MATERIALIZED")

    def named(self, *others: str) -> list[ColumnElement[Any]]:
        """What to group by: nothing that is the same in every row, for sorting by it costs as much as by anything.
        Names of result columns, which no table has: an expression with parameters is another one to PostgreSQL."""
        labels = [*others] if self.key is _ALL else ["key", "first", *others]
        return [literal_column(label) for label in labels]

    def shown(self, rows: Any) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
        """`key` and `first` of the sums."""
        if self.key is _ALL:
            return literal_column("'all'").label("key"), literal_column("1").label("first")
        return rows.c.key, _flag(rows.c.place == 2).label("first")

    def place(self) -> ColumnElement[Any]:
        """2 for an order's first row, 1 for its first in another group, 0 for any other: in a column of its own, since
        it is asked for often and looked up once."""
        if self.before is None:
            return literal_column("2")
        return func.coalesce(self.before, 2)


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
    statement = select(
        groups.key.label("key"),
        Order.currency.label("of_currency"),
        groups.place().label("place"),
        _flag(Order.id.in_(claimed)).label("claimed"),
        hours_between(Order.placed_at, Order.picked_at).label("hours"),
        Order.total_minor.label("total"),
        (_units(OrderLine, OrderLine.quantity) if by_sku else _units_of_order()).label("units"),
        (OrderLine.total_minor if by_sku else literal_column("0")).label("line_total"),
    ).select_from(Order)
    rows = groups.rows(groups.join(statement).where(scope.counts(), scope.placed()))
    mine = rows.c.place > 0
    return select(
        *groups.shown(rows),
        rows.c.of_currency,
        _sum(_flag(mine)).label("orders"),
        _sum(case((mine, rows.c.claimed), else_=0)).label("claimed"),
        func.sum(case((mine, rows.c.hours))).label("pick_hours"),
        func.count(case((mine, rows.c.hours))).label("picked"),
        _sum(case((mine, rows.c.total), else_=0)).label("total"),
        _sum(rows.c.units if by_sku else case((mine, rows.c.units), else_=0)).label("units"),
        _sum(rows.c.line_total).label("line_total"),
    ).group_by(*groups.named("of_currency"))


def due_figures(scope: Scope) -> Select[Any]:
    """Per key and first, of orders due: how many, delivered on time in full, late."""
    groups = _groups(scope)
    undelivered = aliased(OrderLine)
    short = select(undelivered.id).where(
        _of_order(undelivered), undelivered.status != "removed", undelivered.delivered < undelivered.quantity
    )
    late = or_(Order.delivered_at.is_(None), Order.delivered_at > Order.promised_to)
    statement = select(
        groups.key.label("key"),
        groups.place().label("place"),
        _flag(and_(Order.delivered_at <= Order.promised_to, ~short.exists())).label("kept"),
        _flag(late).label("late"),
    ).select_from(Order)
    rows = groups.rows(groups.join(statement).where(scope.counts(), scope.due()))
    return (
        select(
            *groups.shown(rows),
            func.count().label("due"),
            _sum(rows.c.kept).label("on_time_in_full"),
            _sum(rows.c.late).label("late"),
        )
        .where(rows.c.place > 0)
        .group_by(*groups.named())
    )


def returned_figures(scope: Scope) -> Select[Any]:
    """Per key, reason and first: units returned of orders placed. It begins with the returns of the time since: none
    is asked for before its order is placed, and there are far fewer of them."""
    groups = _groups(scope)
    by_sku = scope.group_by == "sku"  # a line is of one sku; of which carriers it is, its order tells
    statement = (
        select(
            groups.key.label("key"),
            ReturnLine.reason.label("why"),
            (literal_column("2") if by_sku else groups.place()).label("place"),
            _units(OrderLine, ReturnLine.quantity).label("units"),
        )
        .select_from(Return)
        .join(ReturnLine, and_(ReturnLine.workspace_id == Return.workspace_id, ReturnLine.return_id == Return.id))
        .join(
            OrderLine,
            and_(OrderLine.workspace_id == ReturnLine.workspace_id, OrderLine.id == ReturnLine.order_line_id),
        )
        .join(Order, and_(Order.workspace_id == OrderLine.workspace_id, Order.id == OrderLine.order_id))
    )
    placed_at = func.coalesce(Order.placed_at, scope.start)  # no index: the returns lead to their orders
    statement = (statement if by_sku else groups.join(statement)).where(
        Return.requested_at >= scope.start,
        Return.status.not_in(NOT_RETURNS),
        scope.counts(),
        placed_at >= scope.start,
        placed_at < scope.end,
        OrderLine.status != "removed",
    )
    rows = groups.rows(statement)
    return (
        select(*groups.shown(rows), rows.c.why, _sum(rows.c.units).label("units"))
        .where(rows.c.place > 0)
        .group_by(*groups.named("why"))
    )


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
    return statement if scope.group_by == "none" else statement.group_by(literal_column("key"))


def _groups(scope: Scope) -> _Groups:
    if scope.group_by == "carrier":
        twin = aliased(Shipment)
        before = _before(twin, _SHIPMENT, twin.carrier_id == _SHIPMENT.carrier_id)
        on = _of_order(_SHIPMENT)
        return _Groups(_SHIPMENT.carrier_id.expression, before.scalar_subquery(), (_SHIPMENT, on))
    if scope.group_by == "sku":
        other = aliased(OrderLine)
        before = _before(other, OrderLine, other.sku == OrderLine.sku).where(other.status != "removed")
        on = and_(_of_order(OrderLine), OrderLine.status != "removed")
        return _Groups(OrderLine.sku.expression, before.correlate(OrderLine).scalar_subquery(), (OrderLine, on))
    return _Groups(Order.warehouse_id.expression if scope.group_by == "warehouse" else _ALL)


def _of_order(part: Any) -> ColumnElement[bool]:
    return and_(part.workspace_id == Order.workspace_id, part.order_id == Order.id)


def _before(other: Any, own: Any, is_same: ColumnElement[bool]) -> Select[Any]:
    """Of the parts of the same order that were made before: 0 if one is of the same group, 1 if none is."""
    return select(func.min(case((is_same, 0), else_=1))).where(
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


def rate(part: int, whole: int) -> float | None:
    """A share between 0 and 1 with four decimals; None of nothing."""
    return round(part / whole, 4) if whole else None
