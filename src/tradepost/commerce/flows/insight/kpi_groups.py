"""The figures of a period added up per group and over all, from the rows of the three passes."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from tradepost.commerce.flows.insight import kpi_facts
from tradepost.commerce.flows.insight.kpi_facts import Scope
from tradepost.commerce.flows.insight.sku_facts import sku_figures
from tradepost.commerce.store.store import Store


@dataclass
class Figures:
    """What is known of a group, or of everything. Rates are made of these."""

    orders: int = 0
    claimed: int = 0
    pick_hours: float = 0.0
    picked: int = 0
    revenue: dict[str, int] = field(default_factory=lambda: defaultdict(int))  # by currency
    due: int = 0
    on_time_in_full: int = 0
    late: int = 0
    sold: int = 0
    returned: int = 0
    reasons: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    stockouts: int | None = None


@dataclass
class Grouped:
    """The figures over all, and by key."""

    overall: Figures
    groups: dict[str, Figures]


async def figures_of(store: Store, scope: Scope) -> Grouped:
    """All figures of the scope. Those over all are the sums of the groups' rows, but for skus: an order may have many,
    and what it sold counts under each by its lines."""
    found = Grouped(Figures(), defaultdict(Figures))
    orders = kpi_facts.over_all(scope) if scope.group_by == "sku" else scope
    for row in await store.session.execute(kpi_facts.placed_figures(orders)):
        for figures in _of_row(found, orders, row.key):
            _count_placed(figures, row)
    for row in await store.session.execute(kpi_facts.due_figures(orders)):
        for figures in _of_row(found, orders, row.key):
            _count_due(figures, row)
    for row in await store.session.execute(sku_figures(scope)) if scope.group_by == "sku" else ():
        _count_placed(found.groups[row.key], row)
        _count_due(found.groups[row.key], row)
    for row in await store.session.execute(kpi_facts.returned_figures(scope)):
        for figures in _of_row(found, scope, row.key):
            figures.returned += row.units
            figures.reasons[row.why] += row.units
    await _add_stockouts(store, scope, found)
    return found


def _of_row(found: Grouped, scope: Scope, key: str | None) -> list[Figures]:
    """Where the figures of a row count."""
    return [found.overall, *(found.groups[group] for group in scope.groups(key))]


def _count_placed(figures: Figures, row: Any) -> None:
    figures.orders += row.orders
    figures.claimed += row.claimed
    figures.pick_hours += float(row.pick_hours or 0)
    figures.picked += row.picked
    figures.sold += row.units
    if row.orders:
        figures.revenue[row.of_currency] += row.total


def _count_due(figures: Figures, row: Any) -> None:
    figures.due += row.due
    figures.on_time_in_full += row.on_time_in_full
    figures.late += row.late


async def _add_stockouts(store: Store, scope: Scope, found: Grouped) -> None:
    empty = kpi_facts.stockouts(scope)
    if empty is None:
        empty = kpi_facts.stockouts(kpi_facts.over_all(scope))
        keyed: dict[str, Figures] = {}
    else:
        keyed = found.groups
    found.overall.stockouts = 0
    for figures in keyed.values():
        figures.stockouts = 0
    for row in await store.session.execute(empty) if empty is not None else ():
        found.overall.stockouts += row.stockouts
        if row.key in keyed:
            keyed[row.key].stockouts = row.stockouts
