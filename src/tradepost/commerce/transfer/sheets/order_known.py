"""What the store knows of the orders of a batch."""

from dataclasses import dataclass, field

from tradepost.commerce.catalog.models import Variant
from tradepost.commerce.customers.models import Customer
from tradepost.commerce.inventory.models import Location, StockLevel
from tradepost.commerce.logistics.models import Fulfillment
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.payments.models import Payment, Refund
from tradepost.commerce.transfer.sheets.kind import Refused
from tradepost.commerce.transfer.sheets.named import Named
from tradepost.commerce.transfer.sheets.order_rows import OrderRecord
from tradepost.commerce.transfer.sheets.reading import shown


@dataclass(slots=True)
class KnownOrders:
    """Variants by sku, names of products by id, customers by (what they are called by, name), orders by external id
    and by number, and the parts of those orders by order id."""

    variants: dict[str, Variant]
    product_names: dict[str, str]
    locations: Named[Location]
    customers: dict[tuple[str, str], Customer] = field(default_factory=dict)
    positions: dict[str, int] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    by_number: dict[str, Order] = field(default_factory=dict)
    lines: dict[str, list[OrderLine]] = field(default_factory=dict)
    payments: dict[str, list[Payment]] = field(default_factory=dict)
    refunds: dict[str, list[Refund]] = field(default_factory=dict)
    fulfillments: dict[str, list[Fulfillment]] = field(default_factory=dict)
    levels: dict[tuple[str, str], StockLevel] = field(default_factory=dict)

    def order_of(self, record: OrderRecord) -> Order | None:
        """The order that a record is about, if the store has it. Raises Refused where id and number disagree."""
        found = self.orders.get(record.external_id)
        namesake = self.by_number.get(record.number)
        if found is not None and namesake is not found:
            raise Refused(
                record.row, "number", f"is not the number of the shop's order with this id, {shown(found.number)}"
            )
        if found is None and namesake is not None and namesake.external_id not in (None, namesake.number):
            why = f"is the number of the shop's order with the id {shown(namesake.external_id)}"
            raise Refused(record.row, "number", why)
        return namesake

    def customer_of(self, record: OrderRecord) -> Customer | None:
        """The customer that a record names, by id or number, else by e-mail address."""
        named = record.get("customer")
        if named is not None:
            return self.customers.get(("external_id", named)) or self.customers.get(("number", named))
        return self.customers.get(("email_folded", record.get("email").lower()))
