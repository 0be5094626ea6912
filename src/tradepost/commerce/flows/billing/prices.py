"""What a customer pays for a variant: by their price list from a quantity on, else the shop's price."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from tradepost.commerce.catalog.models import PriceList, PriceListEntry, Variant
from tradepost.commerce.customers.models import Customer
from tradepost.commerce.flows.settling.order_units import price_of
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import InvalidArgument


@dataclass(frozen=True, slots=True)
class Priced:
    """So many units of a variant at the customer's price; `agreed` where it comes from their list."""

    variant: Variant
    quantity: int
    unit_price_minor: int
    agreed: bool

    @property
    def total_minor(self) -> int:
        """The price of all units."""
        return price_of(self.unit_price_minor, self.quantity, self.variant.quantity_scale)


async def price_for(
    store: Store, customer: Customer, wanted: Sequence[tuple[Variant, int]]
) -> tuple[PriceList | None, list[Priced], str]:
    """The customer's price list, each line's price, and their currency. Raises InvalidArgument for several."""
    agreement = await store.get(PriceList, customer.price_list_id)
    steps: dict[str, list[PriceListEntry]] = {}
    if agreement is not None:
        entries = select(PriceListEntry).where(
            PriceListEntry.price_list_id == agreement.id,
            PriceListEntry.variant_id.in_(sorted({variant.id for variant, _ in wanted})),
        )
        for entry in await store.all(entries.order_by(PriceListEntry.min_quantity.desc())):
            steps.setdefault(entry.variant_id, []).append(entry)
    priced = []
    for variant, quantity in wanted:
        whole: int = 10**variant.quantity_scale
        step = next((one for one in steps.get(variant.id, []) if one.min_quantity * whole <= quantity), None)
        price = variant.price_minor if step is None else step.price_minor
        priced.append(Priced(variant, quantity, price, step is not None))
    currencies = {
        agreement.currency if one.agreed and agreement is not None else one.variant.currency for one in priced
    }
    if len(currencies) > 1:
        raise InvalidArgument(
            f"The lines are priced in {' and '.join(sorted(currencies))}.", hint="One currency each.", field="lines"
        )
    return agreement, priced, currencies.pop()
