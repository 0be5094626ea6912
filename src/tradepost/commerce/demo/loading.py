"""Making a demo shop and writing it in one transaction: all of it or nothing."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import func, select

from tradepost.commerce.customers.models import NAMES, Customer
from tradepost.commerce.customers.names import keep_names
from tradepost.commerce.demo import names
from tradepost.commerce.demo.billing import add_billing
from tradepost.commerce.demo.cases_delivery import add_delivery_cases, order_of
from tradepost.commerce.demo.cases_money import add_money_cases
from tradepost.commerce.demo.cases_returns import add_return_cases, arrived_order
from tradepost.commerce.demo.catalog import add_catalog
from tradepost.commerce.demo.complaints import add_complaints
from tradepost.commerce.demo.draft import Draft
from tradepost.commerce.demo.flavors import MAIN, SECOND
from tradepost.commerce.demo.history import add_history
from tradepost.commerce.demo.parcels import number_stops
from tradepost.commerce.demo.payouts import add_payouts
from tradepost.commerce.demo.people import add_people
from tradepost.commerce.demo.places import add_drivers, add_places
from tradepost.commerce.demo.placing import settle
from tradepost.commerce.demo.policies import add_policies
from tradepost.commerce.demo.shop import Shop
from tradepost.commerce.demo.stock import add_stock
from tradepost.commerce.demo.supply import add_supply
from tradepost.commerce.store.models import StoreSettings
from tradepost.database.engine import Database
from tradepost.foundation.errors import InvalidArgument, StateConflict

Variant = Literal["main", "second"]
FEWEST_ORDERS = 100


@dataclass(frozen=True)
class DemoSummary:
    """What was loaded: rows per table, and the moment the shop's dates are relative to."""

    workspace_id: str
    variant: Variant
    shop_name: str
    currency: str
    now: datetime
    rows: dict[str, int]

    @property
    def total(self) -> int:
        """All rows."""
        return sum(self.rows.values())


async def load(
    database: Database,
    workspace_id: str,
    *,
    now: datetime,
    seed: int = 1,
    orders: int = 500,
    variant: Variant = "main",
    hold_clock: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> DemoSummary:
    """Fill an empty workspace with a demo shop. `now` is the moment that "two days late" refers to; with `hold_clock`
    the shop's clock stands still there. `variant` second is another shop, in dollars, whose order numbers overlap.
    `on_progress` is told rows written and rows in all. Raises StateConflict where the workspace has a shop already."""
    if now.tzinfo is None:
        raise InvalidArgument("The demo shop needs a time with a zone.", field="now")
    if orders < FEWEST_ORDERS:
        raise InvalidArgument(f"The demo shop has at least {FEWEST_ORDERS} orders, not {orders}.", field="orders")
    moment = now.astimezone(UTC).replace(microsecond=0)
    shop = await asyncio.to_thread(build, workspace_id, moment, seed, orders, variant)
    async with database.transaction(workspace_id, write=True) as session:
        present = (await session.execute(select(func.count()).select_from(Customer))).scalar_one()
        if present:
            raise StateConflict(
                f"The workspace {workspace_id} already has a shop with {present} customers.",
                hint="Load the demo shop into an empty workspace.",
            )
        settings = await session.get(StoreSettings, (workspace_id, "settings"))
        if settings is None:
            settings = StoreSettings(id="settings", created_at=moment)
            session.add(settings)
        settings.name = shop.flavor.name
        settings.currency = shop.flavor.currency
        settings.timezone = shop.flavor.places[0].timezone
        settings.fixed_now = moment if hold_clock else None
        settings.updated_at = moment
        await session.flush()
        await shop.draft.write(session, on_progress)
        people = await session.scalars(select(Customer))
        names = [getattr(row, name) for row in people for name in NAMES]
        await session.run_sync(keep_names, workspace_id, names)
    await database.analyze()
    return DemoSummary(workspace_id, variant, shop.flavor.name, shop.flavor.currency, moment, shop.draft.counts())


def build(workspace_id: str, now: datetime, seed: int, orders: int, variant: Variant) -> Shop:
    """The whole shop in memory. The order of the parts matters: later ones tell what follows from earlier ones."""
    flavor = MAIN if variant == "main" else SECOND
    shop = Shop(Draft(workspace_id, seed, now, names.RESERVED, variant), flavor)
    add_places(shop)
    add_catalog(shop)
    add_people(shop)
    add_drivers(shop)
    add_policies(shop)
    add_supply(shop)
    if flavor.cases:
        add_delivery_cases(shop)
        add_return_cases(shop)
        add_money_cases(shop)
    else:
        _add_namesakes(shop)
    add_history(shop, orders - len(shop.orders))
    add_billing(shop)
    settle(shop)
    add_complaints(shop)
    add_payouts(shop)
    number_stops(shop)
    add_stock(shop)
    shop.draft.add_number_ranges()
    return shop


def _add_namesakes(shop: Shop) -> None:
    """Orders that only share their numbers with cases of the main shop: nothing is wrong with them."""
    first, second, *_ = shop.customers
    sku, other_sku, *_ = shop.variants
    arrived_order(shop, names.LATE_ORDER, first, [(other_sku, 1)], days_ago=9, arrived=5)
    promised = shop.ahead(days=4).replace(hour=17)
    order_of(shop, "88214", second, [(sku, 1)], days_ago=1, promised_to=promised)
