"""What stands in the demo shop that a long history builds on: places, goods with stock to spare, carriers, drivers."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.commerce.catalog.models import Product, Variant
from tradepost.commerce.customers.models import CustomerGroup
from tradepost.commerce.demo.comebacks import RETURNED_OFTEN
from tradepost.commerce.demo.flavors import MAIN, SECOND, Flavor, Place
from tradepost.commerce.demo.shop import FLEET
from tradepost.commerce.demo.volume.sheets import as_json
from tradepost.commerce.inventory.models import Location, StockLevel
from tradepost.commerce.logistics.models import Carrier, Driver
from tradepost.commerce.orders.models import Order
from tradepost.commerce.store.models import StoreSettings
from tradepost.foundation.errors import StateConflict

# A level with fewer units to spare has a story: something runs out there, and nobody else's orders may explain it.
PLENTY = 20


@dataclass(frozen=True, slots=True)
class Goods:
    """What a line is about. `options` is ready JSON."""

    sku: str
    variant_id: str
    product_id: str
    name: str
    options: str
    price_minor: int


@dataclass(frozen=True, slots=True)
class Warehouse:
    """A place with the towns it serves, what it has plenty of, and its drivers' ids."""

    id: str
    name: str
    place: Place
    goods: tuple[Goods, ...]
    drivers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CarrierFact:
    """A carrier and its usual service."""

    id: str
    code: str
    service: str


@dataclass(frozen=True, slots=True)
class Ground:
    """The shop as a history finds it. `orders`: how many it has already."""

    workspace_id: str
    flavor: Flavor
    currency: str
    orders: int
    warehouses: tuple[Warehouse, ...]
    carriers: tuple[CarrierFact, ...]
    fleet: CarrierFact
    business_group_id: str | None


async def survey(session: AsyncSession, workspace_id: str) -> Ground:
    """Read the shop. Raises StateConflict where it is no demo shop."""
    settings = (await session.scalars(select(StoreSettings))).first()
    flavor = {flavor.name: flavor for flavor in (MAIN, SECOND)}.get(settings.name if settings else "")
    places = {row.code: row for row in await session.scalars(select(Location))}
    carriers = [_carrier(row) for row in await session.scalars(select(Carrier).order_by(Carrier.code))]
    fleet = next((carrier for carrier in carriers if carrier.code == FLEET), None)
    if settings is None or flavor is None or fleet is None or any(one.code not in places for one in flavor.places):
        raise StateConflict(
            "There is no demo shop in this workspace to give a history to.",
            hint="Make one with `tradepost demo`, or name its workspace: --workspace demo.",
        )
    drivers: dict[str, list[str]] = defaultdict(list)
    for driver in await session.scalars(select(Driver).order_by(Driver.number)):
        drivers[driver.location_id].append(driver.id)
    goods = await _plentiful(session, settings.currency)
    warehouses = []
    for place in flavor.places:
        row = places[place.code]
        warehouses.append(Warehouse(row.id, row.name, place, tuple(goods[row.id]), tuple(drivers[row.id])))
    if not all(warehouse.goods and warehouse.drivers for warehouse in warehouses):
        raise StateConflict(
            "A warehouse of the demo shop has no goods to spare or no drivers: nothing can be told of it.",
            hint="Load the history into a fresh demo: another folder with --data.",
        )
    group = (await session.scalars(select(CustomerGroup.id).where(CustomerGroup.name == "Business"))).first()
    orders = (await session.execute(select(func.count(Order.id)))).scalar_one()
    others = tuple(carrier for carrier in carriers if carrier is not fleet)
    return Ground(workspace_id, flavor, settings.currency, orders, tuple(warehouses), others, fleet, group)


def _carrier(row: Carrier) -> CarrierFact:
    return CarrierFact(row.id, row.code, str(row.services[0]["code"]) if row.services else "standard")


async def _plentiful(session: AsyncSession, currency: str) -> dict[str, list[Goods]]:
    """Per location what it has plenty of, without what is measured, recalled, or known to come back often."""
    statement = (
        select(StockLevel, Variant, Product)
        .join(Variant, (Variant.workspace_id == StockLevel.workspace_id) & (Variant.id == StockLevel.variant_id))
        .join(Product, (Product.workspace_id == Variant.workspace_id) & (Product.id == Variant.product_id))
        .where(
            StockLevel.available >= StockLevel.reorder_point + PLENTY,
            Variant.status == "active",
            Variant.tracks_stock.is_(True),
            Variant.quantity_scale == 0,
            Variant.currency == currency,
            Variant.sku.not_in(RETURNED_OFTEN),
        )
        .order_by(StockLevel.sku)
    )
    found: dict[str, list[Goods]] = defaultdict(list)
    rows: Any = await session.execute(statement)
    for level, variant, product in rows:
        found[level.location_id].append(
            Goods(
                variant.sku, variant.id, variant.product_id, product.name, as_json(variant.options), variant.price_minor
            )
        )
    return found
