"""How much of a SKU a warehouse needs: what is suggested to buy, and what an order is measured by."""

from dataclasses import dataclass

from tradepost.commerce.flows.stock.incoming import Incoming
from tradepost.commerce.inventory.cover import demand_over
from tradepost.commerce.inventory.models import StockLevel
from tradepost.commerce.purchasing.buying import to_terms
from tradepost.commerce.purchasing.models import SupplierItem

HORIZON_DAYS = 7  # beyond the lead time, where nobody says otherwise


@dataclass(frozen=True, slots=True)
class Need:
    """What is missing in units of the SKU, and what to order of it by the supplier's terms."""

    units: int
    quantity: int


def need_of(
    level: StockLevel, coming: list[Incoming], offer: SupplierItem | None, scale: int, horizon: int = HORIZON_DAYS
) -> Need:
    """Demand over the lead time and the horizon, and safety stock, less what is there and what comes."""
    incoming = expected(level, coming)
    demand = demand_over(level.lead_time_days + horizon, level.daily_demand_milli, scale)
    units = demand + level.safety_stock - level.available - incoming
    if level.reorder_point > 0 and level.available + incoming <= level.reorder_point:
        units = max(units, level.reorder_quantity)
    units = max(units, 0)
    return Need(units, to_terms(units, offer.moq, offer.pack_size) if offer and units else units)


def expected(level: StockLevel, coming: list[Incoming]) -> int:
    """Units on their way: what the level counts, or what open orders and transfers say, whichever is more."""
    return max(level.incoming, sum(item.quantity for item in coming if not item.is_draft))
