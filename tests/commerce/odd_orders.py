"""Orders of the shop made at random that no day's work would make, but an import can."""

from datetime import timedelta

from sqlalchemy import select

from tests.commerce.other_shop import NOW
from tests.commerce.other_workspaces import ASKED
from tradepost.commerce.logistics.models import Shipment
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.database.engine import Database
from tradepost.foundation.ids import new_id

_COPIED = ("order_id", "variant_id", "product_id", "sku", "name", "options", "unit_price_minor")


async def make_odd_orders(store: Database) -> None:
    """An order with a sku on several lines and parcels of two carriers; one that is due but was placed long ago."""
    async with store.transaction(ASKED, write=True) as session:
        delivered = (Order.status == "completed", Order.delivered_at.is_not(None))
        twice, old = (await session.scalars(select(Order).where(*delivered).order_by(Order.id).limit(2))).all()
        lines = (await session.scalars(select(OrderLine).where(OrderLine.order_id == twice.id))).all()
        for count, line in enumerate(lines, start=1):
            line.sku = lines[0].sku
            again = {name: getattr(line, name) for name in _COPIED}
            session.add(OrderLine(id=new_id("oln"), position=100 + count, quantity=count, total_minor=90, **again))
        carriers = sorted({row.carrier_id for row in await session.scalars(select(Shipment)) if row.carrier_id})
        for number, carrier in enumerate(carriers[:2]):
            session.add(Shipment(id=new_id("shp"), number=f"odd {number}", order_id=twice.id, carrier_id=carrier))
        old.placed_at, old.promised_to = NOW - timedelta(days=400), NOW - timedelta(days=2)
