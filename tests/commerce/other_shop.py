"""A shop made at random that has nothing in common with the demo: other words, ids, numbers, currencies and timezones.

This module makes places, goods, buyers and orders; `other_moves` and `other_books` add what happens to them,
`other_workspaces` writes whole shops. Ids and numbers only count up, so two shops of different seeds have the same ones
and differ in all else: whoever mixes up two workspaces shows or changes the wrong row. Every text holds the shop's
`mark`, by which one recognizes it.
"""

import random
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from tradepost.commerce.catalog.models import Product, Variant, VariantStatus
from tradepost.commerce.customers.models import Customer, CustomerGroup, CustomerKind, CustomerStatus, PaymentMethod
from tradepost.commerce.inventory.models import Location, LocationKind, MovementCause, StockLevel, StockMovement
from tradepost.commerce.logistics.models import Carrier, Driver, DriverStatus, PickupPoint
from tradepost.commerce.orders.models import Order, OrderLine, OrderNote
from tradepost.commerce.orders.policy import rows_for
from tradepost.commerce.purchasing.models import Supplier, SupplierItem
from tradepost.commerce.store.models import StoreSettings
from tradepost.commerce.support.models import PolicyClause, PolicyTopic

NOW = datetime(2031, 7, 9, 22, 40, tzinfo=UTC)
CURRENCIES = ("TND", "CLP", "CHF")  # three decimals, none, two
ZONES = ("Pacific/Auckland", "America/St_Johns", "Asia/Kathmandu", "Africa/Tunis")
SYLLABLES = "vor ka lum bri tes qua nid zo perl ish dra mek oul fen".split()
SEPARATORS = ("/", " ", ".", "_", ":", "~")

# (order status, payment, fulfillment, share of the units shipped, whether they arrived, share of the money back)
STAGES: tuple[tuple[str, str, str, float, bool, float], ...] = (
    ("pending", "pending", "unfulfilled", 0, False, 0),
    ("pending", "authorized", "scheduled", 0, False, 0),
    ("open", "partially_paid", "unfulfilled", 0, False, 0),
    ("open", "paid", "unfulfilled", 0, False, 0),
    ("open", "paid", "in_progress", 0, False, 0),
    ("open", "paid", "partially_fulfilled", 0.5, False, 0),
    ("open", "paid", "fulfilled", 1, False, 0),
    ("open", "paid", "request_declined", 0, False, 0),
    ("on_hold", "paid", "on_hold", 0, False, 0),
    ("completed", "paid", "fulfilled", 1, True, 0),
    ("completed", "partially_refunded", "fulfilled", 1, True, 0.4),
    ("completed", "refunded", "restocked", 1, True, 1),
    ("canceled", "voided", "unfulfilled", 0, False, 0),
    ("canceled", "expired", "unfulfilled", 0, False, 0),
    ("archived", "paid", "fulfilled", 1, True, 0),
)


class OtherShop:
    """The rows of a shop in the making. `orders` has, per order, its lines and the stage it is in."""

    def __init__(self, seed: int, mark: str, orders: int) -> None:
        self.random = random.Random(seed)
        self.mark = mark
        self.rows: list[Any] = []
        self.places: list[Location] = []
        self.carriers: list[Carrier] = []
        self.drivers: list[Driver] = []
        self.points: list[PickupPoint] = []
        self.variants: list[Variant] = []
        self.suppliers: list[Supplier] = []
        self.buyers: list[tuple[Customer, list[PaymentMethod]]] = []
        self.orders: list[tuple[Order, list[OrderLine], tuple[Any, ...]]] = []
        self._counts: dict[str, int] = {}
        self.currency = CURRENCIES[seed % len(CURRENCIES)]
        self.add(StoreSettings(id="settings", name=f"{mark} trading", currency=self.currency, timezone=ZONES[seed % 4]))
        self._add_ground()
        self._add_catalog()
        self._add_buyers()
        for index in range(orders):
            self._add_order(index)

    def add(self, row: Any) -> Any:
        self.rows.append(row)
        return row

    def next(self, kind: str) -> int:
        self._counts[kind] = self._counts.get(kind, 0) + 1
        return self._counts[kind]

    def id(self, kind: str) -> str:
        """An id as no prefixing of ours would make it."""
        return f"{kind}{SEPARATORS[len(kind) % 6]}{self.next(kind):05x}Z"

    def number(self, kind: str) -> str:
        """ "inv/2031 0007": a number that needs quoting in a URI."""
        return f"{kind}{SEPARATORS[(len(kind) + 1) % 6]}2031 {self.next(kind + ' number'):04d}"

    def word(self) -> str:
        return "".join(self.random.choice(SYLLABLES) for _ in range(self.random.randint(2, 3)))

    def text(self) -> str:
        return f"{self.word()} {self.mark} {self.word()}"

    def ago(self, days: float) -> datetime:
        return NOW - timedelta(days=days)

    def address(self) -> dict[str, Any]:
        return {
            "line1": f"{self.random.randint(1, 999)} {self.word()} {self.mark}",
            "line2": "",
            "city": self.word().title(),
            "region": "",
            "postal_code": f"{self.random.randint(0, 9999):04d}",
            "country": self.random.choice(("TN", "CL", "CH", "NZ")),
        }

    def of(self, literal: Any, index: int) -> str:
        """One of a set of states, all of them in turn."""
        values = get_args(literal)
        return str(values[index % len(values)])

    def _add_ground(self) -> None:
        for index in range(5):
            self.places.append(
                self.add(
                    Location(
                        id=self.id("site"),
                        external_id=f"ext site {index}",
                        code=f"{index}-{self.word()[:3]}",
                        name=self.text(),
                        kind=self.of(LocationKind, index),
                        timezone=ZONES[index % 4],
                        address=self.address(),
                    )
                )
            )
        for index in range(3):
            carrier = Carrier(id=self.id("hauler"), code=f"h{index}.{self.word()}", name=self.text(), services=[])
            self.carriers.append(self.add(carrier))
            supplier = Supplier(id=self.id("maker"), number=self.number("mk"), name=self.text(), currency=self.currency)
            self.suppliers.append(self.add(supplier))
        for index in range(8):
            status = self.of(DriverStatus, index)
            away = status == "unavailable"
            driver = Driver(
                id=self.id("who"),
                number=self.number("rider"),
                name=self.text(),
                location_id=self.places[index % 3].id,
                status=status,
                unavailable_reason="leave" if away else None,
                unavailable_since=self.ago(1) if away else None,
                unavailable_until=self.ago(-2) if away else None,
                shift_starts_minute=0,
                shift_ends_minute=24 * 60,
            )
            self.drivers.append(self.add(driver))
        for index in range(4):
            place = self.places[index % 3].id if index else None
            point = PickupPoint(
                id=self.id("pick"), code=f"pp {index}", name=self.text(), location_id=place, address=self.address()
            )
            self.points.append(self.add(point))

    def _add_catalog(self) -> None:
        for index in range(10):
            product = self.add(
                Product(
                    id=self.id("thing"),
                    number=self.number("th"),
                    external_id=f"thing no. {index}",
                    name=self.text(),
                    category=f"cat {index % 3}",
                    option_names=["kind of it"],
                )
            )
            for turn in range(3):
                self._add_variant(product, index, turn)

    def _add_variant(self, product: Product, index: int, turn: int) -> None:
        by_weight = index == 9
        variant = Variant(
            id=self.id("v"),
            external_id=f"v:{index}/{turn}",
            sku=f"{self.word()} {index}/{turn} (new)",
            product_id=product.id,
            options={"kind of it": f"{turn} & more"},
            price_minor=self.random.randint(100, 90_000),
            currency=self.currency,
            status=self.of(VariantStatus, 0 if turn else index),
            unit="KGM" if by_weight else "C62",
            quantity_scale=3 if by_weight else 0,
        )
        self.variants.append(self.add(variant))
        maker = self.suppliers[index % 3]
        self.add(
            SupplierItem(
                id=self.id("offer"),
                supplier_id=maker.id,
                variant_id=variant.id,
                sku=variant.sku,
                cost_minor=max(1, variant.price_minor // 2),
                currency=self.currency,
                moq=self.random.choice((1, 6)),
                preferred=True,
            )
        )
        for place in self.places[:3]:
            self._add_level(variant, place)

    def _add_level(self, variant: Variant, place: Location) -> None:
        units = 10**variant.quantity_scale
        held = {
            state: self.random.choice((0, 0, self.random.randint(1, 9))) * units
            for state in ("reserved", "damaged", "quality_control", "safety_stock")
        }
        held |= {"available": self.random.choice((0, 3, 80)) * units, "committed": 60 * units}
        self.add(
            StockLevel(
                id=self.id("lv"),
                variant_id=variant.id,
                sku=variant.sku,
                location_id=place.id,
                on_hand=sum(held.values()),
                **held,
                reorder_point=self.random.randint(0, 20) * units,
                reorder_quantity=12 * units,
                daily_demand_milli=self.random.randint(0, 4000),
            )
        )
        count = self.next("movement")
        self.add(
            StockMovement(
                id=self.id("mv"),
                sku=variant.sku,
                location_id=place.id,
                state="available",
                delta=-2 * units,
                on_hand_delta=-2 * units,
                cause=self.of(MovementCause, count),
                reason=self.text(),
                actor="somebody",
                occurred_at=self.ago(self.random.uniform(0, 60)),
            )
        )

    def _add_buyers(self) -> None:
        group = self.add(CustomerGroup(id=self.id("grp"), name=self.text()))
        for index in range(14):
            email = f"{self.word()}.{index}@{self.mark.lower()}.example"
            buyer = self.add(
                Customer(
                    id=self.id("p"),
                    number=self.number("client"),
                    external_id=f"{self.word()} {index}" if index % 2 else None,
                    kind=self.of(CustomerKind, index),
                    status=self.of(CustomerStatus, 0 if index % 5 else index),
                    first_name=self.word().title(),
                    last_name=f"{self.word().title()} {self.mark}",
                    company=self.text() if index % 3 == 2 else None,
                    email=email,
                    email_folded=email,
                    phone="+216 1 234 56",
                    address=self.address(),
                    group_id=group.id,
                    note=self.text(),
                )
            )
            methods = [
                self.add(
                    PaymentMethod(
                        id=self.id("pays"),
                        customer_id=buyer.id,
                        position=turn,
                        type=kind,
                        balance_minor=self.random.randint(0, 10**7) if kind == "gift_card" else None,
                        currency=self.currency,
                    )
                )
                for turn, kind in enumerate(("credit_card", "gift_card", "paypal"))
            ]
            self.buyers.append((buyer, methods))
        for index, name in enumerate(get_args(PolicyTopic)[:6]):
            self.add(
                PolicyClause(
                    id=self.id("cl"), clause=f"{name[:2]} {index}.1", topic=name, title=self.text(), body=self.text()
                )
            )
        for rule in rows_for({"return_window_days": 20, "cancel_reasons": [f"{self.word()} it", "sent in error"]}):
            self.add(rule)

    def _add_order(self, index: int) -> None:
        stage = STAGES[index % len(STAGES)]
        status, paid, fulfilled, share, arrived, back = stage
        buyer, _ = self.random.choice(self.buyers)
        days = self.random.uniform(1, 15)
        order = Order(
            id=self.id("o"),
            number=self.number("so"),
            external_id=f"web {index}" if index % 2 else None,
            customer_id=buyer.id,
            customer_position=index,
            status=status,
            payment_status=paid,
            fulfillment_status=fulfilled,
            currency=self.currency,
            placed_at=self.ago(days),
            promised_to=self.ago(days - self.random.uniform(0, 20)) if index % 7 else None,
            delivered_at=self.ago(days / 2) if arrived else None,
            canceled_at=self.ago(days / 2) if status == "canceled" else None,
            cancel_reason="sent in error" if status == "canceled" else None,
            hold_reason=self.text() if status == "on_hold" else None,
            warehouse_id=self.places[index % 3].id if index % 11 else None,
            po_number=f"their {index}" if index % 4 == 0 else None,
            shipping_address=self.address(),
            shipping_minor=self.random.choice((0, 700)),
        )
        lines = [
            self._line(order, position, variant, share, arrived)
            for position, variant in enumerate(self.random.sample(self.variants, self.random.randint(1, 4)), start=1)
        ]
        order.subtotal_minor = sum(line.total_minor for line in lines)
        order.total_minor = order.subtotal_minor + order.shipping_minor
        order.captured_minor = {"partially_paid": order.total_minor // 3}.get(
            paid, order.total_minor if paid in ("paid", "partially_refunded", "refunded") else 0
        )
        order.refunded_minor = int(order.captured_minor * back)
        self.add(order)
        for line in lines:
            self.add(line)
        for kind in ("customer", "staff"):
            self.add(
                OrderNote(id=self.id("note"), order_id=order.id, author_kind=kind, author="them", body=self.text())
            )
        self.orders.append((order, lines, stage))

    def _line(self, order: Order, position: int, variant: Variant, share: float, arrived: bool) -> OrderLine:
        pieces = self.random.randint(1, 5)
        quantity = pieces * 10**variant.quantity_scale
        left = quantity if share == 1 else int(quantity * share) if position == 1 else 0
        return OrderLine(
            id=self.id("ol"),
            order_id=order.id,
            position=position,
            variant_id=variant.id,
            product_id=variant.product_id,
            sku=variant.sku,
            name=self.text(),
            options=variant.options,
            unit=variant.unit,
            quantity_scale=variant.quantity_scale,
            quantity=quantity,
            fulfilled=left,
            shipped=left,
            delivered=left if arrived else 0,
            unit_price_minor=variant.price_minor,
            total_minor=variant.price_minor * pieces,
        )
