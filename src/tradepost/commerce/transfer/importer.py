"""Taking a store export in: one transaction, all or nothing.

Ids of the file become `external_id` (and the number people type); our own ids are new, so the same file can be
imported into any number of workspaces. The file has no dates: an imported order counts as placed at the import.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select

from tradepost.commerce.catalog.models import Product, Variant
from tradepost.commerce.customers.addresses import address_columns
from tradepost.commerce.customers.models import NAMES, Customer, PaymentMethod
from tradepost.commerce.customers.names import keep_names
from tradepost.commerce.logistics.models import Fulfillment, FulfillmentLine, Shipment
from tradepost.commerce.orders.models import Order, OrderLine, OrderPolicy
from tradepost.commerce.payments.models import Payment, Refund
from tradepost.commerce.returns.models import ExchangeLine, Return, ReturnLine
from tradepost.commerce.store.books import closed_books
from tradepost.commerce.store.copied import copy_anew
from tradepost.commerce.store.models import StoreSettings
from tradepost.commerce.store.order_sums import sum_up_orders
from tradepost.commerce.transfer.format import (
    OrderRecord,
    PaymentRecord,
    StoreFile,
    amount_minor,
)
from tradepost.database.engine import Database
from tradepost.foundation.errors import InvalidArgument, StateConflict
from tradepost.foundation.ids import new_id

Progress = Callable[[int, int], None]
Rows = dict[type[Any], list[dict[str, Any]]]

CHUNK = 1000


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """How many rows of each kind came in."""

    rows: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.rows.values())


async def import_store(
    database: Database,
    workspace_id: str,
    file: StoreFile,
    policies: list[OrderPolicy],
    *,
    now: datetime,
    on_progress: Progress | None = None,
) -> ImportSummary:
    """Write a checked file into an empty store, with the order policy that its shop goes by.

    Raises StateConflict when the workspace already has records or its books are closed now, InvalidArgument for money
    that does not add up.
    """
    rows = _Builder(file, workspace_id, now).build()
    total = sum(len(found) for found in rows.values())
    done = 0
    async with database.transaction(workspace_id, write=True) as session:
        for model in (Customer, Product, Order):
            if (await session.execute(select(func.count()).select_from(model))).scalar_one():
                raise StateConflict(
                    "The workspace's store already has records.",
                    hint="Import into an empty workspace: `tradepost workspace create NAME`. Nothing was written.",
                )
        closed = await closed_books(session)
        if closed is not None and closed.hold(now):
            raise closed.refusal("The orders of the file count as placed at the import and would be dated", now)
        settings = (await session.scalars(select(StoreSettings))).first()
        if settings is None:
            session.add(StoreSettings(id="settings", name="Imported store", currency=file.currency))
        else:
            settings.currency = file.currency
        session.add_all(policies)
        await session.flush()
        for model, found in rows.items():
            for start in range(0, len(found), CHUNK):
                chunk = found[start : start + CHUNK]
                await session.execute(insert(model), chunk)
                done += len(chunk)
                if on_progress is not None:
                    on_progress(done, total)
        names = [customer.get(name) for customer in rows[Customer] for name in NAMES]
        await session.run_sync(keep_names, workspace_id, names)
        await sum_up_orders(session, workspace_id, [row["id"] for row in rows.get(Order, ())])
        written = {model.__tablename__: [row["id"] for row in found] for model, found in rows.items()}
        await copy_anew(session, workspace_id, written)
    await database.analyze()
    return ImportSummary({model.__tablename__: len(found) for model, found in rows.items() if found})


class _Builder:
    """Turns the file's records into rows, parents before children."""

    def __init__(self, file: StoreFile, workspace_id: str, now: datetime) -> None:
        self.file = file
        self.workspace_id = workspace_id
        self.now = now
        self.rows: Rows = {
            model: []
            for model in (
                Customer,
                PaymentMethod,
                Product,
                Variant,
                Order,
                OrderLine,
                Payment,
                Refund,
                Fulfillment,
                FulfillmentLine,
                Shipment,
                Return,
                ReturnLine,
                ExchangeLine,
            )
        }
        self.customers: dict[str, str] = {}
        self.methods: dict[str, str] = {}
        self.products: dict[str, str] = {}
        self.variants: dict[str, str] = {}
        self.prices: dict[str, int] = {}
        self.product_of: dict[str, str] = {}

    def build(self) -> Rows:
        self._people()
        self._catalog()
        payments: dict[str, list[PaymentRecord]] = defaultdict(list)
        for payment in sorted(self.file.payments, key=lambda record: record.seq):
            payments[payment.order_id].append(payment)
        positions = {
            order_id: index for customer in self.file.customers for index, order_id in enumerate(customer.order_ids)
        }
        lines: dict[str, list[dict[str, Any]]] = {}
        orders: dict[str, dict[str, Any]] = {}
        for record in self.file.orders:
            orders[record.id] = self._order(record, positions[record.id], payments[record.id])
            lines[record.id] = self._lines(record, orders[record.id])
            self._back(record, orders[record.id], lines[record.id])
        self._fulfillments(orders, lines)
        return self.rows

    def _add(self, model: type[Any], **values: Any) -> dict[str, Any]:
        row = {"workspace_id": self.workspace_id, "id": new_id(model.prefix), **values}
        self.rows[model].append(row)
        return row

    def _people(self) -> None:
        for record in self.file.customers:
            row = self._add(
                Customer,
                number=record.id,
                external_id=record.id,
                first_name=record.first_name,
                last_name=record.last_name,
                **address_columns(record.email),
                address=record.address.model_dump(),
            )
            self.customers[record.id] = row["id"]
            for position, method in enumerate(record.payment_methods):
                added = self._add(
                    PaymentMethod,
                    external_id=method.id,
                    customer_id=row["id"],
                    position=position,
                    type=method.type,
                    brand=method.brand,
                    last4=method.last4,
                    balance_minor=None if method.balance is None else amount_minor(method.balance),
                    currency=self.file.currency,
                )
                self.methods[method.id] = added["id"]

    def _catalog(self) -> None:
        for product in self.file.products:
            row = self._add(
                Product,
                number=product.id,
                external_id=product.id,
                name=product.name,
                option_names=product.option_names,
            )
            self.products[product.id] = row["id"]
        for variant in self.file.variants:
            row = self._add(
                Variant,
                external_id=variant.id,
                sku=variant.id,
                product_id=self.products[variant.product_id],
                options=variant.options,
                price_minor=amount_minor(variant.price),
                currency=self.file.currency,
                sellable=variant.available,
                tracks_stock=False,
            )
            self.variants[variant.id] = row["id"]
            self.prices[variant.id] = amount_minor(variant.price)
            self.product_of[variant.id] = variant.product_id

    def _order(self, record: OrderRecord, position: int, payments: list[PaymentRecord]) -> dict[str, Any]:
        total = sum(amount_minor(line.unit_price) * line.quantity for line in record.lines)
        captured = sum(amount_minor(payment.amount) for payment in payments if payment.kind == "payment")
        refunded = sum(amount_minor(payment.amount) for payment in payments if payment.kind == "refund")
        left = captured - refunded
        if left < 0:
            raise InvalidArgument(f"order {record.id}, payments: more was refunded than paid. Nothing was written.")
        pending = record.status in ("pending", "pending_item_modified")
        if record.status == "cancelled":
            status, fulfillment = "canceled", "restocked"
        elif pending:
            status, fulfillment = "open", "unfulfilled"
        else:
            status, fulfillment = ("open" if record.status == "processed" else "completed"), "fulfilled"
        if captured == 0:
            payment_status = "pending"
        elif left == 0:
            payment_status = "refunded"
        else:
            payment_status = "paid" if left >= total else "partially_refunded"
        row = self._add(
            Order,
            number=record.id,
            external_id=record.id,
            customer_id=self.customers[record.customer_id],
            customer_position=position,
            status=status,
            payment_status=payment_status,
            fulfillment_status=fulfillment,
            currency=self.file.currency,
            subtotal_minor=total,
            total_minor=total,
            captured_minor=captured,
            refunded_minor=refunded,
            placed_at=self.now,
            shipping_address=record.shipping_address.model_dump(),
            cancel_reason=record.cancel_reason,
            item_edits=1 if record.status == "pending_item_modified" else 0,
        )
        self._money(record, row, payments)
        return row

    def _money(self, record: OrderRecord, order: dict[str, Any], payments: list[PaymentRecord]) -> None:
        paid: list[dict[str, Any]] = []
        for payment in payments:
            amount, method = amount_minor(payment.amount), self.methods[payment.payment_method_id]
            common: dict[str, Any] = {
                "order_id": order["id"],
                "sequence": payment.seq,
                "method_id": method,
                "currency": self.file.currency,
                "amount_minor": amount,
            }
            if payment.kind == "payment":
                paid.append(
                    self._add(
                        Payment,
                        number=f"{record.id}/P{payment.seq}",
                        status="captured",
                        captured_minor=amount,
                        refunded_minor=0,
                        captured_at=self.now,
                        **common,
                    )
                )
                continue
            open_ones = [row for row in paid if row["captured_minor"] - row["refunded_minor"] >= amount]
            open_ones.sort(key=lambda row: (row["method_id"] == method, row["sequence"]))
            if not open_ones:
                raise InvalidArgument(
                    f"order {record.id}, payment {payment.seq}: refunds more than any payment before it holds. "
                    "Nothing was written."
                )
            source = open_ones[-1]
            source["refunded_minor"] += amount
            self._add(
                Refund,
                number=f"{record.id}/R{payment.seq}",
                payment_id=source["id"],
                reason="imported",
                lines_minor=amount,
                refunded_at=self.now,
                **common,
            )

    def _lines(self, record: OrderRecord, order: dict[str, Any]) -> list[dict[str, Any]]:
        shipped = order["fulfillment_status"] == "fulfilled"
        delivered = order["status"] == "completed"
        return [
            self._add(
                OrderLine,
                order_id=order["id"],
                position=line.line,
                variant_id=self.variants[line.variant_id],
                product_id=self.products[line.product_id],
                sku=line.variant_id,
                name=line.name,
                options=line.options,
                quantity=line.quantity,
                fulfilled=line.quantity if shipped else 0,
                shipped=line.quantity if shipped else 0,
                delivered=line.quantity if delivered else 0,
                return_requested=0,
                unit_price_minor=amount_minor(line.unit_price),
                total_minor=amount_minor(line.unit_price) * line.quantity,
                status="fulfilled" if shipped else "processing",
            )
            for line in record.lines
        ]

    def _back(self, record: OrderRecord, order: dict[str, Any], lines: list[dict[str, Any]]) -> None:
        wanted = record.return_ or record.exchange
        if wanted is None:
            return
        exchange = record.exchange
        row = self._add(
            Return,
            number=f"{record.id}/RMA",
            order_id=order["id"],
            customer_id=order["customer_id"],
            resolution="exchange" if exchange else "refund",
            refund_method_id=self.methods[record.return_.refund_payment_method_id] if record.return_ else None,
            payment_method_id=self.methods[exchange.payment_method_id] if exchange else None,
            price_difference_minor=amount_minor(exchange.price_difference) if exchange else None,
            currency=self.file.currency,
            requested_at=self.now,
        )
        waiting = list(exchange.new_variant_ids) if exchange else []
        for position, variant_id in enumerate(wanted.variant_ids, start=1):
            line = next(
                line for line in lines if line["sku"] == variant_id and line["return_requested"] < line["quantity"]
            )
            line["return_requested"] += 1
            back = self._add(
                ReturnLine,
                return_id=row["id"],
                position=position,
                order_line_id=line["id"],
                variant_id=line["variant_id"],
                sku=variant_id,
                quantity=1,
                reason="unknown",
            )
            if exchange is None:
                continue
            new = next(new for new in waiting if self.product_of[new] == self.product_of[variant_id])
            waiting.remove(new)
            self._add(
                ExchangeLine,
                return_id=row["id"],
                position=position,
                return_line_id=back["id"],
                variant_id=self.variants[new],
                sku=new,
                quantity=1,
                unit_price_minor=self.prices[new],
            )

    def _fulfillments(self, orders: dict[str, dict[str, Any]], lines: dict[str, list[dict[str, Any]]]) -> None:
        for record in self.file.fulfilments:
            order = orders[record.order_id]
            canceled = order["status"] == "canceled"
            row = self._add(
                Fulfillment,
                order_id=order["id"],
                sequence=record.seq,
                status="canceled" if canceled else "success",
            )
            by_variant = {line["sku"]: line["id"] for line in lines[record.order_id]}
            for position, variant_id in enumerate(record.variant_ids, start=1):
                self._add(
                    FulfillmentLine,
                    fulfillment_id=row["id"],
                    position=position,
                    order_line_id=by_variant.get(variant_id),
                    variant_id=self.variants[variant_id],
                    quantity=1,
                )
            for position, tracking in enumerate(record.tracking_numbers, start=1):
                self._add(
                    Shipment,
                    number=f"{record.order_id}/{record.seq}.{position}",
                    order_id=order["id"],
                    fulfillment_id=row["id"],
                    position=position,
                    tracking_number=tracking,
                    status="returned" if canceled else "delivered" if order["status"] == "completed" else "in_transit",
                )
