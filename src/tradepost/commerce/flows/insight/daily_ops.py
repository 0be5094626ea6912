"""The daily operations report: figures of a day and the week before it, and what needs somebody's attention now.

States are those of now, whatever the day; only figures look back. A section is there if the caller may call the tool
that shows the same.
"""

from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from typing import Any

from typing_extensions import TypedDict

from tradepost.commerce.flows.insight import daily_sections as sections
from tradepost.commerce.flows.insight.kpis import KpiView, overall_kpis, scope_of
from tradepost.commerce.flows.local_days import day_bounds, local_day, store_zone
from tradepost.commerce.inventory.models import Location
from tradepost.commerce.serving.declare import resource
from tradepost.commerce.store.store import Store
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.errors import InvalidArgument

WEEK = timedelta(days=7)


class DailyReport(TypedDict):
    """The report. `left_out` names the sections the caller has no scope for."""

    date: str
    timezone: str
    as_of: str
    warehouse: str | None
    kpis_of_the_day: KpiView
    kpis_of_7_days: KpiView
    sections: dict[str, Any]
    left_out: list[str]


@resource(
    "report://daily-ops/{date}",
    title="Daily operations report",
    description="KPIs of a day (YYYY-MM-DD or today) and of the 7 days up to it, and what needs attention now: late "
    "orders with reasons, low stock, troubled parcels, drivers, returns, claims, disputes, payouts, purchase orders.",
    scope="read:analytics",
)
async def daily_ops(store: Store, date: str) -> DailyReport:
    """The report over all warehouses."""
    return await daily_report(store, date, None)


async def daily_report(store: Store, day_text: str, place: Location | None) -> DailyReport:
    """The report of a day in the timezone of the place, or of the store. Raises InvalidArgument for no date."""
    zone = place.timezone if place is not None else await store_zone(store)
    day = parse_day(day_text, local_day(store.now, zone))
    start, end = day_bounds(zone, day)
    place_id = None if place is None else place.id
    shown: dict[str, Any] = {}
    left_out: list[str] = []
    for name, scope, build in _sections(store, start, end, place):
        if store.caller.has_scope(scope):
            shown[name] = await build()
        else:
            left_out.append(name)
    return {
        "date": day.isoformat(),
        "timezone": zone,
        "as_of": to_rfc3339(store.now),
        "warehouse": None if place is None else place.code,
        "kpis_of_the_day": await overall_kpis(store, scope_of(store, start, end, place_id)),
        "kpis_of_7_days": await overall_kpis(store, scope_of(store, end - WEEK, end, place_id)),
        "sections": shown,
        "left_out": left_out,
    }


def parse_day(text: str, today: date) -> date:
    """ "2026-03-01" or "today". Raises InvalidArgument for anything else."""
    if text.strip().lower() == "today":
        return today
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise InvalidArgument(
            f"'{text[:40]}' is not a date.", hint="Write it like 2026-03-01, or today.", field="date"
        ) from None


def _sections(
    store: Store, start: datetime, end: datetime, place: Location | None
) -> list[tuple[str, str, Callable[[], Awaitable[sections.Section]]]]:
    return [
        ("orders", "read:orders", lambda: sections.orders_section(store, start, end, place)),
        ("stock", "read:inventory", lambda: sections.stock_section(store, place)),
        ("shipments", "read:logistics", lambda: sections.shipments_section(store, place)),
        ("deliveries", "read:logistics", lambda: sections.deliveries_section(store, start, end, place)),
        ("purchasing", "read:purchasing", lambda: sections.purchasing_section(store, place)),
        ("returns", "read:returns", lambda: sections.returns_section(store, place)),
        ("claims", "read:claims", lambda: sections.claims_section(store)),
        ("disputes", "read:payments", lambda: sections.disputes_section(store)),
        ("payouts", "read:settlement", lambda: sections.payouts_section(store)),
    ]


RESOURCES = (daily_ops,)
