"""Orders with their lines, payments and what has shipped, by the columns of Shopify's order export: one row per line.

An import moves no stock for a new order: what is committed to orders stands in the count of the stock levels.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import func, select

from tradepost.commerce.catalog.models import Product, Variant
from tradepost.commerce.customers.models import Customer
from tradepost.commerce.inventory.models import Location, StockLevel
from tradepost.commerce.logistics.models import Fulfillment
from tradepost.commerce.orders.models import Order, OrderLine, OrderNote
from tradepost.commerce.payments.models import Payment, Refund
from tradepost.commerce.transfer.sheets.addresses import address_of
from tradepost.commerce.transfer.sheets.customers import NUMBER
from tradepost.commerce.transfer.sheets.draft import Draft
from tradepost.commerce.transfer.sheets.kind import Ground, Kind, Planning, Refused, Unique
from tradepost.commerce.transfer.sheets.named import load_named
from tradepost.commerce.transfer.sheets.order_follow import follow
from tradepost.commerce.transfer.sheets.order_known import KnownOrders
from tradepost.commerce.transfer.sheets.order_lines import Sold, fulfillment_status, new_line, sold_lines
from tradepost.commerce.transfer.sheets.order_parts import add_fulfillment, new_refund
from tradepost.commerce.transfer.sheets.order_rows import COLUMNS, Money, OrderRecord, money_of, read_order
from tradepost.commerce.transfer.sheets.reading import Row
from tradepost.foundation.ids import new_id

CUSTOMER_NOTE = "customer"
REMEMBERED = 10_000  # variants


class Orders(Kind[OrderRecord, KnownOrders]):
    """Shopify: Orders > Export."""

    name = "orders"
    key = "number"
    columns = COLUMNS

    def read(self, rows: Sequence[Row], ground: Ground) -> OrderRecord:
        return read_order(rows, ground)

    def unique(self, record: OrderRecord) -> Iterator[Unique]:
        if record.external_id != record.number:
            yield "order id", record.external_id, record.row, "order_id"

    def first_row(self, record: OrderRecord) -> Row:
        return record.row

    async def look_up(self, planning: Planning, records: Sequence[OrderRecord]) -> KnownOrders:
        skus = sorted({row.get("line_sku") for record in records for row in record.lines if row.get("line_sku")})
        variants, names = await _goods(planning, skus)
        known = KnownOrders(variants, names, await load_named(planning, Location))
        await _add_customers(planning, known, records)
        await _add_orders(planning, known, records)
        return known

    def plan(self, planning: Planning, known: KnownOrders, record: OrderRecord, draft: Draft) -> None:
        sold = sold_lines(record, known)
        money = money_of(record, [one.total_minor for one in sold])
        place = None
        if record.get("warehouse") is not None:
            place = known.locations.find(record.row, "warehouse", planning)
        order = known.order_of(record)
        if order is not None:
            follow(planning.ground, known, order, record, sold, money, draft)
            return
        planning.ground.require_open(record.row, "created_at")  # nothing of an order is before that
        if record.get("canceled_at") and any(one.shipped for one in sold):
            raise Refused(record.row, "canceled_at", "is a time, and units of the order have shipped")
        draft.is_new = True
        customer = known.customer_of(record) or _guest(known, record, draft)
        order = _order(known, record, sold, money, customer, place)
        known.orders[record.external_id] = draft.add(1, order, final=True)
        if planning.write:  # looking first needs no more than the order: nothing is refused any more
            _parts(order, record, sold, money, draft)
        draft.emit("order:imported", order)


async def _goods(planning: Planning, skus: Sequence[str]) -> tuple[dict[str, Variant], dict[str, str]]:
    """Variants by sku and names of products by id: an import does not change them, so the pass remembers them."""
    variants: dict[str, Variant] = planning.memory.setdefault("variants", {})
    names: dict[str, str] = planning.memory.setdefault("product names", {})
    if len(variants) > REMEMBERED:
        variants.clear()
        names.clear()
    wanted = [sku for sku in skus if sku not in variants]
    if wanted:
        found = await planning.store.all(select(Variant).where(Variant.sku.in_(wanted)).order_by(Variant.id))
        of_products = sorted({row.product_id for row in found} - names.keys())
        products = await planning.store.all(select(Product).where(Product.id.in_(of_products)).order_by(Product.id))
        variants |= {row.sku: row for row in found}
        names |= {row.id: row.name for row in products}
    return variants, names


async def _add_customers(planning: Planning, known: KnownOrders, records: Sequence[OrderRecord]) -> None:
    emails = sorted({record.get("email").lower() for record in records if record.get("email")})
    named = sorted({record.get("customer") for record in records if record.get("customer")})
    ways: list[tuple[Any, list[str]]] = [
        (Customer.email_folded, emails),
        (Customer.number, named),
        (Customer.external_id, named),
    ]
    for column, wanted in ways:
        found = await planning.store.all(select(Customer).where(column.in_(wanted)).order_by(Customer.id))
        known.customers |= {(column.key, getattr(row, column.key)): row for row in found}
    ids = sorted({row.id for row in known.customers.values()})
    positions = (
        select(Order.customer_id, func.max(Order.customer_position))
        .where(Order.customer_id.in_(ids))
        .group_by(Order.customer_id)
    )
    known.positions |= {customer: int(last) for customer, last in await planning.store.session.execute(positions)}


async def _add_orders(planning: Planning, known: KnownOrders, records: Sequence[OrderRecord]) -> None:
    for column, wanted in (
        (Order.number, [record.number for record in records]),
        (Order.external_id, [record.external_id for record in records]),
    ):
        found = await planning.rows(select(Order).where(column.in_(wanted)).order_by(Order.id))
        target = known.orders if column is Order.external_id else known.by_number
        target.update({str(getattr(row, column.key)): row for row in found})
    there = (*known.orders.values(), *known.by_number.values())
    ids = sorted({row.id for row in there})
    if not ids:
        return
    parts: tuple[tuple[Any, dict[str, list[Any]]], ...] = (
        (OrderLine, known.lines),
        (Payment, known.payments),
        (Refund, known.refunds),
        (Fulfillment, known.fulfillments),
    )
    for model, held in parts:
        for row in await planning.rows(select(model).where(model.order_id.in_(ids)).order_by(model.id)):
            held.setdefault(row.order_id, []).append(row)
    skus = sorted({line.sku for lines in known.lines.values() for line in lines})
    places = sorted({row.warehouse_id for row in there if row.warehouse_id})
    if places:
        levels = select(StockLevel).where(StockLevel.sku.in_(skus), StockLevel.location_id.in_(places))
        for level in await planning.rows(levels.order_by(StockLevel.id)):
            known.levels[level.sku, level.location_id] = level


def _guest(known: KnownOrders, record: OrderRecord, draft: Draft) -> Customer:
    """The customer of an order whose e-mail address the shop does not know yet. Raises Refused for a number."""
    if record.get("customer") is not None:
        raise Refused(record.row, "customer", "is no customer of the shop: import customers first")
    first, _, last = (record.get("recipient") or "").rpartition(" ")
    folded = record.get("email").lower()
    guest = Customer(
        id=new_id(Customer.prefix),
        kind="guest",
        first_name=first,
        last_name=last,
        email=record.get("email"),
        email_folded=folded,
        address=record.address or address_of(None),
    )
    known.customers["email_folded", folded] = guest
    draft.emit("customer:imported", draft.add(0, guest, number=NUMBER, final=True))
    return guest


def _order(
    known: KnownOrders,
    record: OrderRecord,
    sold: Sequence[Sold],
    money: Money,
    customer: Customer,
    place: Location | None,
) -> Order:
    canceled, delivered = record.get("canceled_at"), record.get("delivered_at")
    shipped = all(one.shipped == one.quantity for one in sold)
    position = known.positions[customer.id] = known.positions.get(customer.id, 0) + 1
    return Order(
        id=new_id(Order.prefix),
        number=record.number,
        external_id=record.external_id,
        customer_id=customer.id,
        customer_position=position,
        status="canceled" if canceled else "completed" if delivered and shipped else "open",
        payment_status=money.status,
        fulfillment_status=fulfillment_status(record, sold),
        currency=record.currency,
        subtotal_minor=money.subtotal,
        discount_minor=money.discount,
        shipping_minor=money.shipping,
        tax_minor=money.tax,
        total_minor=money.total,
        captured_minor=money.captured,
        refunded_minor=money.refunded,
        placed_at=record.placed_at,
        promised_to=record.get("promised_to"),
        picked_at=record.get("fulfilled_at") or (record.placed_at if any(one.shipped for one in sold) else None),
        delivered_at=delivered if shipped else None,
        canceled_at=canceled,
        cancel_reason=record.get("cancel_reason") if canceled else None,
        warehouse_id=None if place is None else place.id,
        channel=record.get("channel") or "web",
        po_number=record.get("po_number"),
        shipping_address=record.address or address_of(None),
    )


def _parts(order: Order, record: OrderRecord, sold: Sequence[Sold], money: Money, draft: Draft) -> None:
    """Lines, payment, refund, fulfillment and note of a new order."""
    lines = [draft.add(2, new_line(order, position, one), final=True) for position, one in enumerate(sold, start=1)]
    paid_at = record.get("paid_at") or record.placed_at
    if money.status != "pending":
        states = {"authorized": "authorized", "voided": "voided", "expired": "expired"}
        payment = draft.add(
            2,
            Payment(
                id=new_id(Payment.prefix),
                number=f"{order.number}/P1",
                order_id=order.id,
                sequence=1,
                psp_reference=record.get("payment_reference"),
                status=states.get(money.status, "captured"),
                currency=order.currency,
                amount_minor=money.captured or money.total,
                captured_minor=money.captured,
                refunded_minor=money.refunded,
                authorized_at=paid_at,
                captured_at=paid_at if money.captured else None,
                created_at=paid_at,
            ),
            final=True,
        )
        if money.refunded:
            draft.add(3, new_refund(order, payment, 2, money.refunded, paid_at), final=True)
    shipped = [(line, one.shipped) for line, one in zip(lines, sold, strict=True) if one.shipped]
    if shipped:
        add_fulfillment(order, 1, shipped, draft)
    if record.get("note"):
        note = OrderNote(
            id=new_id(OrderNote.prefix),
            order_id=order.id,
            author_kind=CUSTOMER_NOTE,
            author=CUSTOMER_NOTE,
            body=record.get("note"),
            created_at=record.placed_at,
        )
        draft.add(2, note, final=True)
