"""Giving a whole store out as a store export. What the format cannot hold is refused, never dropped silently."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.commerce.catalog.models import Product, Variant
from tradepost.commerce.customers.models import Customer, PaymentMethod
from tradepost.commerce.logistics.models import Fulfillment, FulfillmentLine, Shipment
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.payments.models import Payment, Refund
from tradepost.commerce.returns.models import ExchangeLine, Return, ReturnLine
from tradepost.commerce.store.models import StoreSettings
from tradepost.commerce.transfer.format import FORMAT, VERSION, amount_text
from tradepost.database.engine import Database
from tradepost.foundation.errors import StateConflict

Json = dict[str, Any]

_ADDRESS = ("line1", "line2", "city", "region", "postal_code", "country")
_OVER = ("declined", "canceled")


async def export_store(database: Database, workspace_id: str) -> Json:
    """The store as the JSON value of a store export. Raises StateConflict for what the format cannot hold."""
    async with database.transaction(workspace_id, write=False) as session:
        settings = (await session.scalars(select(StoreSettings))).first()
        if settings is None:
            raise StateConflict("The workspace has no store.", hint="Import one, or load the demo shop.")
        return await _Reader(session, settings.currency).read()


def _name(row: Any) -> str:
    return str(row.external_id or getattr(row, "number", None) or getattr(row, "sku", None) or row.id)


def _address(record: Json) -> Json:
    return {field: str(record.get(field) or "") for field in _ADDRESS}


class _Reader:
    """Reads each table once and puts the records together."""

    def __init__(self, session: AsyncSession, currency: str) -> None:
        self.session = session
        self.currency = currency

    async def _by(self, model: type[Any], key: str, *order: str) -> dict[str, list[Any]]:
        grouped: dict[str, list[Any]] = defaultdict(list)
        columns = [getattr(model, name) for name in (*order, "id")]
        for row in (await self.session.scalars(select(model).order_by(*columns))).all():
            grouped[getattr(row, key)].append(row)
        return grouped

    async def _all(self, model: type[Any]) -> Sequence[Any]:
        return (await self.session.scalars(select(model).order_by(model.id))).all()

    async def read(self) -> Json:
        customers, orders = await self._all(Customer), await self._all(Order)
        products, variants = await self._all(Product), await self._all(Variant)
        methods = await self._by(PaymentMethod, "customer_id", "position")
        self.customer_names = {row.id: _name(row) for row in customers}
        self.product_names = {row.id: _name(row) for row in products}
        self.variant_names = {row.id: _name(row) for row in variants}
        self.method_names = {row.id: _name(row) for rows in methods.values() for row in rows}
        self.lines = await self._by(OrderLine, "order_id", "position")
        self.returns = await self._by(Return, "order_id", "requested_at")
        self.return_lines = await self._by(ReturnLine, "return_id", "position")
        self.exchange_lines = await self._by(ExchangeLine, "return_id", "position")
        for row in [*orders, *variants]:
            if row.currency != self.currency:
                raise StateConflict(
                    f"{_name(row)} is in {row.currency}, the store in {self.currency}: "
                    "a store export holds one currency.",
                    hint="Export a store whose orders and prices are all in its own currency.",
                )
        order_ids: dict[str, list[Any]] = defaultdict(list)
        for order in orders:
            order_ids[order.customer_id].append(order)
        return {
            "format": FORMAT,
            "version": VERSION,
            "currency": self.currency,
            "customers": [self._customer(row, methods[row.id], order_ids[row.id]) for row in customers],
            "products": [
                {"id": _name(row), "name": row.name, "option_names": list(row.option_names)} for row in products
            ],
            "variants": [self._variant(row) for row in variants],
            "orders": [self._order(row) for row in orders],
            "payments": await self._payments(orders),
            "fulfilments": await self._fulfilments(orders),
        }

    def _customer(self, row: Customer, methods: list[PaymentMethod], orders: list[Order]) -> Json:
        return {
            "id": _name(row),
            "first_name": row.first_name,
            "last_name": row.last_name,
            "email": row.email,
            "address": _address(row.address),
            "payment_methods": [self._method(method) for method in methods],
            "order_ids": [_name(order) for order in sorted(orders, key=lambda order: order.customer_position)],
        }

    def _method(self, row: PaymentMethod) -> Json:
        shape: Json = {"id": _name(row), "type": row.type}
        if row.type == "credit_card":
            shape |= {"brand": row.brand, "last4": row.last4}
        elif row.type == "gift_card":
            shape["balance"] = amount_text(row.balance_minor or 0)
        elif row.type != "paypal":
            raise StateConflict(f"The payment method {_name(row)} is a {row.type}, which a store export cannot hold.")
        return shape

    def _variant(self, row: Variant) -> Json:
        return {
            "id": _name(row),
            "product_id": self.product_names[row.product_id],
            "options": row.options,
            "price": amount_text(row.price_minor),
            "available": row.sellable and row.status == "active",
        }

    def _order(self, row: Order) -> Json:
        back = next((found for found in self.returns[row.id] if found.status not in _OVER), None)
        return {
            "id": _name(row),
            "customer_id": self.customer_names[row.customer_id],
            "status": _status(row, back),
            "shipping_address": _address(row.shipping_address),
            "lines": [
                {
                    "line": line.position,
                    "variant_id": self.variant_names[line.variant_id],
                    "product_id": self.product_names[line.product_id],
                    "name": line.name,
                    "options": line.options,
                    "quantity": line.quantity,
                    "unit_price": amount_text(line.unit_price_minor),
                }
                for line in self.lines[row.id]
                if line.status != "removed"
            ],
            "cancel_reason": row.cancel_reason,
            "return": self._return(back) if back is not None and back.resolution != "exchange" else None,
            "exchange": self._exchange(back) if back is not None and back.resolution == "exchange" else None,
        }

    def _units(self, lines: list[Any]) -> list[str]:
        return sorted(name for line in lines for name in [self.variant_names[line.variant_id]] * line.quantity)

    def _return(self, row: Return) -> Json:
        return {
            "variant_ids": self._units(self.return_lines[row.id]),
            "refund_payment_method_id": self.method_names.get(row.refund_method_id or ""),
        }

    def _exchange(self, row: Return) -> Json:
        return {
            "variant_ids": self._units(self.return_lines[row.id]),
            "new_variant_ids": self._units(self.exchange_lines[row.id]),
            "payment_method_id": self.method_names.get(row.payment_method_id or ""),
            "price_difference": amount_text(row.price_difference_minor or 0),
        }

    async def _payments(self, orders: Sequence[Order]) -> list[Json]:
        payments = await self._by(Payment, "order_id", "sequence")
        refunds = await self._by(Refund, "order_id", "sequence")
        found: list[Json] = []
        for order in orders:
            moves = sorted([*payments[order.id], *refunds[order.id]], key=lambda row: row.sequence)
            for row in moves:
                is_payment = isinstance(row, Payment)
                found.append(
                    {
                        "order_id": _name(order),
                        "seq": row.sequence,
                        "kind": "payment" if is_payment else "refund",
                        "amount": amount_text(row.captured_minor if is_payment else row.amount_minor),
                        "payment_method_id": self.method_names.get(row.method_id or ""),
                    }
                )
        return found

    async def _fulfilments(self, orders: Sequence[Order]) -> list[Json]:
        fulfillments = await self._by(Fulfillment, "order_id", "sequence")
        units = await self._by(FulfillmentLine, "fulfillment_id", "position")
        parcels = await self._by(Shipment, "fulfillment_id", "position")
        return [
            {
                "order_id": _name(order),
                "seq": row.sequence,
                "tracking_numbers": [parcel.tracking_number for parcel in parcels[row.id]],
                "variant_ids": [
                    name for unit in units[row.id] for name in [self.variant_names[unit.variant_id]] * unit.quantity
                ],
            }
            for order in orders
            for row in fulfillments[order.id]
        ]


def _status(order: Order, back: Return | None) -> str:
    if order.status == "canceled":
        return "cancelled"
    if back is not None:
        return "exchange_requested" if back.resolution == "exchange" else "return_requested"
    if order.status == "completed":
        return "delivered"
    if order.fulfillment_status == "fulfilled":
        return "processed"
    return "pending_item_modified" if order.item_edits else "pending"
