"""The figures behind the KPIs, summed up in SQL: orders placed in a period, orders due in it, what came back. None of
them with canceled orders.

What is asked of an order stands in an index that begins with the period, with the sums of its lines and parcels
(`commerce.store.order_sums`); only figures by sku read the lines themselves (`sku_facts`). Each pass gives one row per
key. An order is in every group of its key: one warehouse, or any number of carriers, which `Scope.groups` tells apart.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    and_,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
)

from tradepost.commerce.analytics.durations import hours_between
from tradepost.commerce.catalog.models import Variant
from tradepost.commerce.claims.models import Claim
from tradepost.commerce.inventory.models import StockLevel
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.returns.models import Return, ReturnLine

GroupBy = Literal["none", "warehouse", "carrier", "sku"]
NOT_RETURNS = ("declined", "canceled")
_ALL: ColumnElement[Any] = literal_column("'all'")


@dataclass(frozen=True, slots=True)
class Scope:
    """What the figures are about. `currency`: the shop's own."""

    workspace_id: str
    currency: str
    start: datetime
    end: datetime
    now: datetime
    warehouse_id: str | None
    group_by: GroupBy

    def placed(self) -> ColumnElement[bool]:
        """Orders placed in the period."""
        return and_(*self.placed_by(Order.placed_at))

    def placed_by(self, moment: Any) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        """The moment is in the period."""
        return moment >= self.start, moment < self.end

    def due(self) -> ColumnElement[bool]:
        """Orders whose promise ended in the period and is past."""
        return and_(Order.promised_to >= self.start, Order.promised_to < min(self.end, self.now))

    def counts(self) -> ColumnElement[bool]:
        """The orders that count at all: ours, not canceled, of the warehouse."""
        ours = and_(Order.workspace_id == self.workspace_id, Order.status != "canceled")
        return ours if self.warehouse_id is None else and_(ours, Order.warehouse_id == self.warehouse_id)

    def groups(self, key: str | None) -> list[str]:
        """The groups in which a row with this key counts; over all it counts once, whatever they are."""
        if not key or self.group_by == "none":
            return []
        return key.split("\n") if self.group_by == "carrier" else [key]


def over_all(scope: Scope) -> Scope:
    """The same without groups."""
    return replace(scope, group_by="none")


def placed_figures(scope: Scope) -> Select[Any]:
    """Per key and currency, of orders placed: how many, hours to pick and of how many, their totals and units sold."""
    key = _key(scope)
    return (
        select(
            key.label("key"),
            Order.currency.label("of_currency"),
            func.count().label("orders"),
            func.sum(hours_to_pick()).label("pick_hours"),
            func.count(Order.picked_at).label("picked"),
            total(Order.total_minor).label("total"),
            total(Order.sold_units).label("units"),
        )
        .where(scope.counts(), scope.placed())
        .group_by(*_grouped(key, Order.currency))
    )


def claimed_figures(scope: Scope) -> Select[Any]:
    """Per key, of orders placed: how many with a claim."""
    key = _key(scope)
    return (
        select(key.label("key"), func.count().label("claimed"))
        .where(scope.counts(), placed_and_claimed(scope))
        .group_by(*_grouped(key))
    )


def due_figures(scope: Scope) -> Select[Any]:
    """Per key, of orders due: how many, delivered on time in full, late."""
    key = _key(scope)
    return (
        select(
            key.label("key"),
            func.count().label("due"),
            total(kept()).label("on_time_in_full"),
            total(late()).label("late"),
        )
        .where(scope.counts(), scope.due())
        .group_by(*_grouped(key))
    )


def returned_figures(scope: Scope) -> Select[Any]:
    """Per key and reason: units returned of orders placed. It begins with the returns of the time since: none is asked
    for before its order is placed, and there are far fewer of them."""
    key = OrderLine.sku.expression if scope.group_by == "sku" else _key(scope)
    return (
        select(
            key.label("key"),
            ReturnLine.reason.label("why"),
            total(units_of(OrderLine, ReturnLine.quantity)).label("units"),
        )
        .select_from(Return)
        .join(ReturnLine, and_(ReturnLine.workspace_id == Return.workspace_id, ReturnLine.return_id == Return.id))
        .join(
            OrderLine,
            and_(OrderLine.workspace_id == ReturnLine.workspace_id, OrderLine.id == ReturnLine.order_line_id),
        )
        .join(Order, and_(Order.workspace_id == OrderLine.workspace_id, Order.id == OrderLine.order_id))
        .where(
            Return.requested_at >= scope.start,
            Return.status.not_in(NOT_RETURNS),
            scope.counts(),
            *scope.placed_by(func.coalesce(Order.placed_at, scope.start)),  # no index: the returns lead to their orders
            OrderLine.status != "removed",
        )
        .group_by(*_grouped(key, ReturnLine.reason))
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
    return statement.group_by(*_grouped(keys[scope.group_by]))


def _key(scope: Scope) -> ColumnElement[Any]:
    """What of an order says in which groups it is."""
    if scope.group_by == "warehouse":
        return Order.warehouse_id.expression
    return Order.carrier_ids.expression if scope.group_by == "carrier" else _ALL


def _grouped(key: ColumnElement[Any], *others: Any) -> list[Any]:
    """What to group by: nothing that is the same in every row, for sorting by it costs as much as by anything."""
    return [*others] if key is _ALL else [key, *others]


def placed_and_claimed(scope: Scope) -> ColumnElement[bool]:
    """Orders placed in the period for which there is a claim. The claims lead to them: there are far fewer of them than
    orders of the period, whose index is kept out of it."""
    claims = select(Claim.order_id).where(Claim.workspace_id == scope.workspace_id, Claim.order_id.is_not(None))
    return and_(Order.id.in_(claims), *scope.placed_by(func.coalesce(Order.placed_at, scope.start)))


def hours_to_pick() -> ColumnElement[Any]:
    """From placed to picked; nothing where it was not."""
    return hours_between(Order.placed_at, Order.picked_at)


def kept() -> ColumnElement[Any]:
    """1 for an order that was delivered on time and in full."""
    return flag(and_(Order.delivered_at <= Order.promised_to, ~Order.undelivered))


def late() -> ColumnElement[Any]:
    """1 for an order that was not delivered by its promise."""
    return flag(or_(Order.delivered_at.is_(None), Order.delivered_at > Order.promised_to))


def units_of(line: Any, quantity: Any) -> ColumnElement[Any]:
    """Units of a quantity of a line: a measured line (by weight, by length) counts as one."""
    return case((line.quantity_scale == 0, quantity), else_=1)


def flag(condition: ColumnElement[bool]) -> ColumnElement[Any]:
    """1 where it holds, else 0."""
    return case((condition, 1), else_=0)


def total(value: Any) -> ColumnElement[Any]:
    """A sum, 0 of nothing, as a whole number."""
    return cast(func.coalesce(func.sum(value), 0), BigInteger)


def rate(part: int, whole: int) -> float | None:
    """A share between 0 and 1 with four decimals; None of nothing."""
    return round(part / whole, 4) if whole else None
