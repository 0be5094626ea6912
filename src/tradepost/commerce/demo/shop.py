"""The shop under construction: the draft, and what later parts look up in it by number, sku or code."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tradepost.commerce.catalog.models import Variant
from tradepost.commerce.customers.models import Customer, PaymentMethod
from tradepost.commerce.demo.draft import Draft
from tradepost.commerce.demo.flavors import Flavor, Place
from tradepost.commerce.inventory.models import Location
from tradepost.commerce.logistics.models import Carrier, Driver, PickupPoint, Route, Shipment
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.payments.models import Payment

FLEET = "fleet"  # the code of the carrier that is the shop's own drivers


@dataclass
class Shop:
    """Everything made so far. Keys are what people type: codes, skus, numbers; lists hang on ids."""

    draft: Draft
    flavor: Flavor
    locations: dict[str, Location] = field(default_factory=dict)
    variants: dict[str, Variant] = field(default_factory=dict)
    product_names: dict[str, str] = field(default_factory=dict)  # by sku
    customers: dict[str, Customer] = field(default_factory=dict)
    homes: dict[str, Place] = field(default_factory=dict)  # customer id -> whose warehouse serves them
    methods: dict[str, list[PaymentMethod]] = field(default_factory=lambda: defaultdict(list))
    carriers: dict[str, Carrier] = field(default_factory=dict)
    drivers: dict[str, Driver] = field(default_factory=dict)
    routes: dict[str, Route] = field(default_factory=dict)
    pickup_points: dict[str, PickupPoint] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    lines: dict[str, list[OrderLine]] = field(default_factory=lambda: defaultdict(list))
    payments: dict[str, list[Payment]] = field(default_factory=lambda: defaultdict(list))
    shipments: dict[str, list[Shipment]] = field(default_factory=lambda: defaultdict(list))
    backordered: set[str] = field(default_factory=set)  # order lines that no stock could be committed to

    @property
    def now(self) -> datetime:
        return self.draft.now

    def ago(self, *, days: float = 0, hours: float = 0) -> datetime:
        """That long before now, to the second."""
        return (self.now - timedelta(days=days, hours=hours)).replace(microsecond=0)

    def ahead(self, *, days: float = 0, hours: float = 0) -> datetime:
        """That long after now."""
        return self.ago(days=-days, hours=-hours)

    def tomorrow(self, hour: int) -> datetime:
        """Tomorrow at a full hour UTC."""
        return (self.now + timedelta(days=1)).replace(hour=hour, minute=0, second=0, microsecond=0)

    def is_local(self, customer: Customer) -> bool:
        """Whether the shop's own drivers bring parcels to this customer."""
        towns = [town[0] for town in self.homes[customer.id].towns[:2]]
        return customer.address["city"] in towns

    def location_of(self, location_id: str | None) -> Location:
        """A location by its id."""
        return next(location for location in self.locations.values() if location.id == location_id)
