"""The figures of a period added up per group and over all, from the rows of the three passes."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tradepost.commerce.flows.insight import kpi_facts, sku_facts
from tradepost.commerce.flows.insight.kpi_facts import Scope
from tradepost.commerce.store.store import Store
from tradepost.database.summing import prepare_summing


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
    by_sku = scope.group_by == "sku"
    await prepare_summing(store.session)
    await _add_orders(store, kpi_facts.over_all(scope) if by_sku else scope, found)
    if by_sku:
        await _add_skus(store, scope, found.groups)
    for row in await store.session.execute(kpi_facts.returned_figures(scope)):
        for figures in _of_row(found, scope, row.key):
            figures.returned += row.units
            figures.reasons[row.why] += row.units
    await _add_stockouts(store, scope, found)
    return found


async def _add_orders(store: Store, scope: Scope, found: Grouped) -> None:
    for passing in (kpi_facts.placed_figures, kpi_facts.claimed_figures, kpi_facts.due_figures):
        for row in await store.session.execute(passing(scope)):
            for figures in _of_row(found, scope, row.key):
                _count(figures, row._mapping)


async def _add_skus(store: Store, scope: Scope, groups: dict[str, Figures]) -> None:
    counted: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))  # lines per sku and currency
    passing = sku_facts.counted_by_sku
    if scope.warehouse_id is None:
        passing = sku_facts.unlike_by_sku
        for row in await store.session.execute(sku_facts.lines_by_sku(scope)):
            _assume(groups[row.key], row, scope.currency, 1)
            counted[row.key][scope.currency] += row.all_lines
    for row in await store.session.execute(passing(scope)):
        figures = groups[row.key]
        if scope.warehouse_id is None:
            _assume(figures, row, scope.currency, -1)
            counted[row.key][scope.currency] -= row.all_lines
        _count(figures, row._mapping)
        counted[row.key][row.of_currency] += row.lines_that_count
    for key, lines in counted.items():
        groups[key].revenue = {code: total for code, total in groups[key].revenue.items() if lines[code]}
    for others in (sku_facts.only_due_by_sku, sku_facts.claimed_by_sku):
        for row in await store.session.execute(others(scope)):
            _count(groups[row.key], row._mapping)


def _assume(figures: Figures, row: Any, currency: str, sign: int) -> None:
    """Count lines as if their orders were like most, or take them off again: each an order of its own, in the shop's
    currency, that was due and delivered on time in full."""
    figures.orders += sign * row.all_lines
    figures.due += sign * row.all_lines
    figures.on_time_in_full += sign * row.all_lines
    figures.sold += sign * row.all_units
    figures.pick_hours += sign * float(row.all_hours or 0)
    figures.picked += sign * row.all_picked
    figures.revenue[currency] += sign * row.all_total


def _of_row(found: Grouped, scope: Scope, key: str | None) -> list[Figures]:
    """Where the figures of a row count."""
    return [found.overall, *(found.groups[group] for group in scope.groups(key))]


def _count(figures: Figures, row: Mapping[Any, Any]) -> None:
    """Add what a row says."""
    figures.orders += row.get("orders", 0)
    figures.claimed += row.get("claimed", 0)
    figures.pick_hours += float(row.get("pick_hours") or 0)
    figures.picked += row.get("picked", 0)
    figures.sold += row.get("units", 0)
    figures.due += row.get("due", 0)
    figures.on_time_in_full += row.get("on_time_in_full", 0)
    figures.late += row.get("late", 0)
    if "of_currency" in row:
        figures.revenue[row["of_currency"]] += row["total"]


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
