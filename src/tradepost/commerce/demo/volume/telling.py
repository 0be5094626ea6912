"""One order of the history as rows: the order with its lines, its payment, its parcel, and what came back."""

from dataclasses import dataclass, field
from random import Random

from tradepost.commerce.demo.placing import BUSINESS_TAX_PERCENT, FREE_SHIPPING_FROM, SHIPPING_MINOR
from tradepost.commerce.demo.policies import CANCEL_REASONS
from tradepost.commerce.demo.volume.buyers import Buyer
from tradepost.commerce.demo.volume.fates import HOUR, Fate
from tradepost.commerce.demo.volume.ground import Goods, Ground, Warehouse
from tradepost.commerce.demo.volume.numbers import Numbers
from tradepost.commerce.demo.volume.sheets import Sheet, When
from tradepost.commerce.demo.volume.stock import Shelf

_LINES = (1, 1, 1, 2, 2)
_PIECES = (1, 1, 1, 1, 2)
_PIECES_OF_COMPANIES = (4, 6, 10)
_CHANNELS = ("web", "web", "app", "phone")


@dataclass(slots=True)
class Line:
    """A line while its order is told."""

    id: str
    goods: Goods
    quantity: int

    @property
    def total_minor(self) -> int:
        return self.goods.price_minor * self.quantity


@dataclass(slots=True)
class Told:
    """An order of which rows are written, as the tellers of its parts need it."""

    id: str
    number: str
    buyer: Buyer
    warehouse: Warehouse
    fate: Fate
    channel: str = ""
    cancel_reason: str | None = None
    lines: list[Line] = field(default_factory=list)
    carrier_ids: str = ""
    total_minor: int = 0
    payment_id: str = ""
    psp_reference: str | None = None

    @property
    def sent_back(self) -> Line:
        """The line of which one piece comes back from a returned order."""
        return self.lines[0]


@dataclass(frozen=True, slots=True)
class Pen:
    """What telling needs: the shop, the sheets, the counts, the clock's text."""

    ground: Ground
    sheets: dict[str, Sheet]
    numbers: Numbers
    when: When
    now: int
    chance: Random

    def at(self, moment: int | None) -> str | None:
        """The text of a moment, None for none."""
        return None if moment is None else self.when(moment)


def tell_order(pen: Pen, buyer: Buyer, fate: Fate, shelf: Shelf) -> Told:
    """The order's lines and payment, and its claims on the shelf. Its own row is written when its parcel is told."""
    warehouse = pen.ground.warehouses[buyer.warehouse]
    told = Told(pen.numbers.id("ord"), pen.numbers.next(""), buyer, warehouse, fate)
    chance = pen.chance
    pieces = _PIECES_OF_COMPANIES if buyer.is_business else _PIECES
    for _ in range(chance.choice(_LINES)):
        goods = chance.choice(warehouse.goods)
        if any(line.goods is goods for line in told.lines):
            continue
        told.lines.append(Line(pen.numbers.id("oln"), goods, chance.choice(pieces)))
    told.channel = "phone" if buyer.is_business else chance.choice(_CHANNELS)
    told.cancel_reason = chance.choice(CANCEL_REASONS[:2]) if fate.canceled is not None else None
    told.total_minor = sum(_charged(told))
    _write_lines(pen, told)
    _write_payment(pen, told)
    for line in told.lines:
        sku, place_id = line.goods.sku, warehouse.id
        shelf.reserve(sku, place_id, line.quantity, fate.placed, told.number)
        if fate.canceled is not None:
            shelf.release(sku, place_id, line.quantity, fate.canceled, told.number)
        elif fate.shipped is not None:
            shelf.sell(sku, place_id, line.quantity, fate.shipped, told.number)
    return told


def write_order(pen: Pen, told: Told) -> None:
    """The order's row, with the sums of what it consists of."""
    fate, buyer = told.fate, told.buyer
    subtotal, shipping, tax = _charged(told)
    is_canceled = fate.canceled is not None
    captured = 0 if is_canceled else told.total_minor
    placed = pen.when(fate.placed)
    position, buyer.position = buyer.position, buyer.position + 1
    pen.sheets["orders"].add(
        *(told.id, told.number, buyer.id, position, *_states(told)),
        *(pen.ground.currency, subtotal, shipping, tax, told.total_minor, captured, _refunded(told), placed),
        *(pen.when(fate.promised - 8 * HOUR), pen.when(fate.promised)),
        pen.at(fate.picked),
        *(pen.at(fate.arrived), pen.at(fate.canceled), told.warehouse.id, told.channel),
        f"PO-{told.number}" if buyer.is_business else None,
        *(buyer.shipping_address, told.cancel_reason),
        *(sum(line.quantity for line in told.lines), fate.arrived is None, told.carrier_ids, placed),
        pen.when(fate.arrived or fate.canceled or fate.shipped or fate.placed),
    )


def _refunded(told: Told) -> int:
    return told.sent_back.goods.price_minor if told.fate.kind == "returned" else 0


def _states(told: Told) -> tuple[str, str, str]:
    """Of the order, its payment and its fulfillment."""
    fate, refunded = told.fate, _refunded(told)
    fulfilled = "unfulfilled" if fate.shipped is None else "fulfilled"
    if fate.canceled is not None:
        return "canceled", "voided", fulfilled
    paid = "paid" if not refunded else "refunded" if refunded == told.total_minor else "partially_refunded"
    return "open" if fate.arrived is None else "completed", paid, fulfilled


def _charged(told: Told) -> tuple[int, int, int]:
    """Goods, shipping and tax."""
    subtotal = sum(line.total_minor for line in told.lines)
    shipping = SHIPPING_MINOR if subtotal < FREE_SHIPPING_FROM else 0
    tax = ((subtotal + shipping) * BUSINESS_TAX_PERCENT + 50) // 100 if told.buyer.is_business else 0
    return subtotal, shipping, tax


def _write_lines(pen: Pen, told: Told) -> None:
    fate = told.fate
    at, changed = pen.when(fate.placed), pen.when(fate.arrived or fate.shipped or fate.placed)
    of_order = (at, pen.at(fate.picked), pen.when(fate.promised), told.warehouse.id, *_states(told))
    for position, line in enumerate(told.lines, start=1):
        goods, quantity = line.goods, line.quantity
        shipped = 0 if fate.shipped is None else quantity
        back = 1 if fate.kind == "returned" and line is told.sent_back else 0
        pen.sheets["lines"].add(
            *(line.id, told.id, position, goods.variant_id, goods.product_id, goods.sku, goods.name, goods.options),
            *(quantity, shipped, shipped, 0 if fate.arrived is None else quantity, back, back),
            *(goods.price_minor, line.total_minor, goods.price_minor * back),
            *("fulfilled" if shipped else "processing", *of_order, at, changed),
        )


def _write_payment(pen: Pen, told: Told) -> None:
    fate, total = told.fate, told.total_minor
    told.payment_id, number = pen.numbers.id("pay"), pen.numbers.next("PAY-")
    at = pen.when(fate.placed + 60)
    is_canceled = fate.canceled is not None
    if not told.buyer.pays_by_transfer:
        told.psp_reference = f"ch_{pen.numbers.tag}{number[4:]}"
    pen.sheets["payments"].add(
        *(told.payment_id, number, told.id, 1, told.buyer.method_id, told.psp_reference),
        *("voided" if is_canceled else "captured", pen.ground.currency, total),
        *(0 if is_canceled else total, _refunded(told), "succeeded" if _refunded(told) else None),
        *(at, None if is_canceled else at, at, pen.at(fate.canceled) or at),
    )
