"""The figures of a period added up per group and over all, from the rows of the three passes."""

from collections import defaultdict
from dataclasses import dataclass, field

from tradepost.commerce.flows.insight import kpi_facts
from tradepost.commerce.flows.insight.kpi_facts import Scope
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
    """All figures of the scope: three passes over its orders, whatever they are grouped by."""
    found = Grouped(Figures(), defaultdict(Figures))
    await _add_placed(store, scope, found)
    for row in await store.session.execute(kpi_facts.due_figures(scope)):
        for figures in _of_row(found, row.key, row.first):
            figures.due += row.due
            figures.on_time_in_full += row.on_time_in_full
            figures.late += row.late
    for row in await store.session.execute(kpi_facts.returned_figures(scope)):
        for figures in _of_row(found, row.key, row.first or scope.group_by == "sku"):
            figures.returned += row.units
            figures.reasons[row.why] += row.units
    await _add_stockouts(store, scope, found)
    return found


async def _add_placed(store: Store, scope: Scope, found: Grouped) -> None:
    by_sku = scope.group_by == "sku"
    for row in await store.session.execute(kpi_facts.placed_figures(scope)):
        for figures in _of_row(found, row.key, row.first):
            figures.orders += row.orders
            figures.claimed += row.claimed
            figures.pick_hours += float(row.pick_hours or 0)
            figures.picked += row.picked
            whole = figures is found.overall
            figures.revenue[row.of_currency] += row.total if whole or not by_sku else row.line_total
            figures.sold += row.units if not (whole and by_sku) else 0
        if by_sku:  # each line is of one sku: units of all of them, not only of the orders' first
            found.overall.sold += row.units


def _of_row(found: Grouped, key: str | None, first: int | bool) -> list[Figures]:
    """Where the figures of a row count."""
    counted = [found.groups[key]] if key is not None else []
    return [*counted, found.overall] if first else counted


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
