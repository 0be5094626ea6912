"""Working out an edit of items: which units leave which lines, what stands there instead, and what that does to price
and stock. Plans first and touches nothing; `apply` then changes the lines."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tradepost.commerce.catalog.models import Variant
from tradepost.commerce.flows.settling.order_units import Swap, UnitPool, UnitsOf, price_of
from tradepost.commerce.flows.settling.sellable import require_swap
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.orders.policy import OrderRules
from tradepost.commerce.store.rows import label_of
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import InvalidArgument, StateConflict
from tradepost.foundation.ids import new_id


@dataclass
class ItemPlan:
    """What becomes of each line: `pool.free` units stay, `swapped` stand in for others, `grown` are more of the same.

    `needed` are the net units to promise per variant; below zero: to give back.
    """

    order: Order
    pool: UnitPool
    names: Mapping[str, str]  # {product id: name} of the variants that may come in
    swapped: dict[str, list[tuple[Variant, int]]] = field(default_factory=lambda: defaultdict(list))
    grown: Counter[str] = field(default_factory=Counter)
    added: list[tuple[Variant, int]] = field(default_factory=list)
    wanted: dict[str, Variant] = field(default_factory=dict)
    needed: Counter[str] = field(default_factory=Counter)

    @property
    def touched(self) -> list[OrderLine]:
        """The lines that change, by position."""
        return [line for line in self.pool.lines if self.pool.free[line.id] != line.quantity or self.grown[line.id]]

    @property
    def units_left(self) -> int:
        """Units that the order has afterwards."""
        kept = sum(self.pool.free.values()) + sum(self.grown.values())
        return kept + sum(
            quantity for _, quantity in [*self.added, *(new for news in self.swapped.values() for new in news)]
        )

    def swap(self, index: int, entry: Swap, rules: OrderRules) -> None:
        """Exchange units for another variant."""
        new = self.pool.variants[entry.new_variant]
        for taken in self.pool.take(index, entry):
            require_swap(taken.line, new, rules, f"exchange.{index}.new_variant")
            self.swapped[taken.line.id].append((new, taken.quantity))
            self.needed[taken.line.variant_id] -= taken.quantity
        self._want(new, entry.quantity)

    def add(self, variant: Variant, quantity: int) -> None:
        """Put a variant in, as a line of its own."""
        self.added.append((variant, quantity))
        self._want(variant, quantity)

    def set_quantity(self, index: int, position: int, quantity: int, variants: Mapping[str, Variant]) -> None:
        """Bring a line to a quantity. Raises InvalidArgument where another entry changes the line too."""
        place = f"set_quantity.{index}"
        line = next((row for row in self.pool.lines if row.position == position), None)
        if line is None:
            raise InvalidArgument(f"The {label_of(self.order)} has no line {position}.", field=place)
        if line in self.touched:
            raise InvalidArgument(f"Line {position} is changed twice in this call.", field=place)
        if quantity == line.quantity:
            raise InvalidArgument(f"Line {position} has {quantity} units already.", field=place)
        if quantity < line.quantity:
            for taken in self.pool.take(index, UnitsOf(line=position, quantity=line.quantity - quantity)):
                self.needed[taken.line.variant_id] -= taken.quantity
        else:
            self.grown[line.id] += quantity - line.quantity
            self._want(variants[line.variant_id], quantity - line.quantity)

    def apply(self, store: Store, first_free_position: int) -> list[OrderLine]:
        """Change the lines; gives all that the order now has, by position."""
        coming: list[tuple[Variant, int]] = []
        for line in self.touched:
            kept = self.pool.free[line.id] + self.grown[line.id]
            news = list(self.swapped[line.id])
            if kept == 0 and news:
                variant, quantity = news.pop(0)
                _become(line, variant, quantity, self.names[variant.product_id])
            else:
                _resize(line, kept)
            coming += news
        fresh = [
            store.add(_fresh_line(self.order, variant, quantity, position, self.names[variant.product_id]))
            for position, (variant, quantity) in enumerate([*coming, *self.added], start=first_free_position)
        ]
        return sorted(
            (line for line in [*self.pool.lines, *fresh] if line.status != "removed"), key=lambda row: row.position
        )

    def _want(self, variant: Variant, quantity: int) -> None:
        self.wanted[variant.id] = variant
        self.needed[variant.id] += quantity


def require_no_refund(lines: Sequence[OrderLine]) -> None:
    """Raise StateConflict where part of a line was paid back: its price must not move any more."""
    for line in lines:
        if line.refunded_minor:
            raise StateConflict(
                f"Line {line.position} ({line.sku}) cannot be edited: part of its price was refunded.",
                hint="Edit the other lines, or cancel the order.",
            )


def reprice(order: Order, subtotal_change_minor: int) -> int:
    """Move the order's sums by a change of its lines; gives the change of the total. Tax moves in proportion, the
    discount stays as it was agreed, at most the subtotal."""
    old = (order.subtotal_minor, order.discount_minor, order.tax_minor)
    subtotal = old[0] + subtotal_change_minor
    discount = min(old[1], subtotal)
    taxable_before = old[0] - old[1]
    tax = old[2]
    if tax and taxable_before > 0:
        tax = (2 * tax * (subtotal - discount) + taxable_before) // (2 * taxable_before)
    change = (subtotal - old[0]) - (discount - old[1]) + (tax - old[2])
    order.subtotal_minor, order.discount_minor, order.tax_minor = subtotal, discount, tax
    order.total_minor += change
    return change


def _become(line: OrderLine, variant: Variant, quantity: int, name: str) -> None:
    """The line now sells another variant, at that variant's present price."""
    if variant.product_id != line.product_id:
        line.name = name
    line.variant_id, line.product_id = variant.id, variant.product_id
    line.sku, line.options = variant.sku, dict(variant.options)
    line.unit_price_minor = variant.price_minor
    _resize(line, quantity)


def _resize(line: OrderLine, quantity: int) -> None:
    line.quantity = quantity
    line.total_minor = price_of(line.unit_price_minor, quantity, line.quantity_scale)
    if quantity == 0:
        line.status = "removed"


def _fresh_line(order: Order, variant: Variant, quantity: int, position: int, name: str) -> OrderLine:
    return OrderLine(
        id=new_id(OrderLine.prefix),
        order_id=order.id,
        placed_at=order.placed_at,
        position=position,
        variant_id=variant.id,
        product_id=variant.product_id,
        sku=variant.sku,
        name=name,
        options=dict(variant.options),
        unit=variant.unit,
        quantity_scale=variant.quantity_scale,
        quantity=quantity,
        unit_price_minor=variant.price_minor,
        total_minor=price_of(variant.price_minor, quantity, variant.quantity_scale),
        status="processing",
        **dict.fromkeys(
            (
                "fulfilled",
                "shipped",
                "delivered",
                "return_requested",
                "return_received",
                "written_off",
                "refunded_minor",
            ),
            0,
        ),
    )
