"""Whether a variant can be sold now: by its state, its stock where stock is counted, and the shop's rules on swaps."""

from collections.abc import Iterable, Mapping

from sqlalchemy import func, select

from tradepost.commerce.catalog.models import Variant
from tradepost.commerce.inventory.models import StockLevel
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.orders.policy import OrderRules
from tradepost.commerce.orders.views import units_text
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import InvalidArgument, StateConflict


async def available_units(store: Store, order: Order, variants: Iterable[Variant]) -> dict[str, int | None]:
    """{variant id: units that can be promised to the order}; None where stock is not counted and the variant is for
    sale. Stock counts at the order's warehouse, or everywhere for an order without one."""
    wanted = list(variants)
    counted = sorted({variant.id for variant in wanted if variant.tracks_stock})
    units: dict[str, int] = {}
    if counted:
        statement = (
            select(StockLevel.variant_id, func.sum(StockLevel.available))
            .where(StockLevel.variant_id.in_(counted))
            .group_by(StockLevel.variant_id)
        )
        if order.warehouse_id is not None:
            statement = statement.where(StockLevel.location_id == order.warehouse_id)
        units = {variant_id: int(total) for variant_id, total in await store.session.execute(statement)}
    found: dict[str, int | None] = {}
    for variant in wanted:
        if variant.status != "active" or (not variant.tracks_stock and not variant.sellable):
            found[variant.id] = 0
        else:
            found[variant.id] = units.get(variant.id, 0) if variant.tracks_stock else None
    return found


def require_sellable(
    order: Order, variant: Variant, quantity: int, available: Mapping[str, int | None], field: str
) -> None:
    """Raise StateConflict unless so many units of the variant can be promised to the order."""
    if variant.currency != order.currency:
        raise InvalidArgument(
            f"The variant {variant.sku} is priced in {variant.currency}, the order is in {order.currency}.", field=field
        )
    if variant.status != "active":
        raise StateConflict(
            f"The variant {variant.sku} is {variant.status} and not for sale.",
            hint="Choose another variant; get_product lists them.",
            field=field,
        )
    units = available[variant.id]
    if units is not None and units < quantity:
        has, wants = (units_text(count, variant.quantity_scale, variant.unit) for count in (units, quantity))
        raise StateConflict(
            f"The variant {variant.sku} is not available: {has} can be promised, {wants} are wanted.",
            hint="Choose another variant; check_inventory shows what there is.",
            field=field,
            details={"sku": variant.sku, "available": units, "wanted": quantity},
        )


def require_swap(line: OrderLine, new: Variant, rules: OrderRules, field: str, *, same_variant: bool = False) -> None:
    """Raise InvalidArgument for a swap that changes nothing, or one that the shop's policy does not allow."""
    if new.id == line.variant_id and not same_variant:
        raise InvalidArgument(
            f"The new variant {new.sku} is the one that line {line.position} already has.",
            hint="Choose a different variant.",
            field=field,
        )
    if (new.unit, new.quantity_scale) != (line.unit, line.quantity_scale):
        raise InvalidArgument(
            f"{new.sku} is sold by {new.unit}, line {line.position} by {line.unit}.",
            hint="Choose a variant with the same unit.",
            field=field,
        )
    if rules.exchange_same_product_only() and new.product_id != line.product_id:
        raise InvalidArgument(
            f"The variant {new.sku} belongs to another product than line {line.position} ({line.sku}); the shop's "
            "policy allows an exchange within the same product only.",
            hint="Choose a variant of the same product; get_product lists them.",
            field=field,
        )
