"""Rows for tests about money: a customer, orders, payments, refunds and what hangs on them, with short arguments."""

from datetime import datetime, timedelta
from typing import Any

from tests.commerce.conftest import NOW
from tradepost.commerce.catalog.models import Product, Variant
from tradepost.commerce.customers.models import Customer
from tradepost.commerce.inventory.models import Location, StockLevel
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.payments.models import Payment, Payout, Refund, SettlementLine
from tradepost.commerce.returns.models import Return, ReturnLine

DAY = timedelta(days=1)
ADDRESS = {"line1": "1 Road", "line2": "", "city": "Town", "region": "", "postal_code": "0123", "country": "NL"}


def days(count: float) -> datetime:
    """So many days from now."""
    return NOW + timedelta(days=count)


def customer(name: str = "c1", **fields: Any) -> Customer:
    email = f"{name}@example.com"
    given: dict[str, Any] = {
        "first_name": "Jo",
        "last_name": "Smith",
        "email": email,
        "email_folded": email,
        "address": ADDRESS,
    }
    return Customer(id=f"cus_{name}", number=f"CUST-{name}", **{**given, **fields})


def warehouse(code: str = "W1", **fields: Any) -> Location:
    return Location(id=f"loc_{code}", code=code, name=f"Place {code}", address=ADDRESS, **fields)


def product(name: str = "p1", **fields: Any) -> Product:
    return Product(id=f"prd_{name}", number=f"P-{name}", name=name, option_names=[], **fields)


def variant(sku: str, **fields: Any) -> Variant:
    given: dict[str, Any] = {"product_id": "prd_p1", "options": {}, "price_minor": 1000, "currency": "EUR"}
    return Variant(id=f"var_{sku}", sku=sku, **{**given, **fields})


def order(number: str, **fields: Any) -> Order:
    given: dict[str, Any] = {
        "customer_id": "cus_c1",
        "currency": "EUR",
        "total_minor": 1000,
        "placed_at": days(-5),
        "shipping_address": ADDRESS,
    }
    return Order(id=f"ord_{number}", number=number, **{**given, **fields})


def line(of: Order, position: int, sku: str, quantity: int = 1, **fields: Any) -> OrderLine:
    given: dict[str, Any] = {
        "variant_id": f"var_{sku}",
        "product_id": "prd_p1",
        "sku": sku,
        "name": sku,
        "options": {},
        "unit_price_minor": 1000,
        "total_minor": 1000 * quantity,
    }
    return OrderLine(
        id=f"oln_{of.number}_{position}", order_id=of.id, position=position, quantity=quantity, **{**given, **fields}
    )


def payment(of: Order, reference: str | None = None, amount: int = 1000, **fields: Any) -> Payment:
    number = fields.pop("number", f"PAY-{of.number}")
    given: dict[str, Any] = {
        "order_id": of.id,
        "sequence": 1,
        "psp_reference": reference,
        "status": "captured",
        "currency": of.currency,
        "amount_minor": amount,
        "captured_minor": amount,
        "captured_at": days(-4),
        "created_at": days(-4),
    }
    return Payment(id=f"pay_{number}", number=number, **{**given, **fields})


def refund(of: Payment, reference: str | None, amount: int, **fields: Any) -> Refund:
    number = fields.pop("number", f"REF-{of.number}")
    given: dict[str, Any] = {
        "order_id": of.order_id,
        "payment_id": of.id,
        "sequence": 2,
        "psp_reference": reference,
        "reason": "unwanted",
        "currency": of.currency,
        "amount_minor": amount,
        "refunded_at": days(-3),
    }
    return Refund(id=f"ref_{number}", number=number, **{**given, **fields})


def payout(number: str, lines: list[tuple[str, str | None, int, int]], **fields: Any) -> list[Any]:
    """A payout and its lines, each (type, reference, gross, fee); it sums up its lines unless told otherwise."""
    gross, fees = sum(entry[2] for entry in lines), sum(entry[3] for entry in lines)
    given: dict[str, Any] = {
        "status": "paid",
        "currency": "EUR",
        "gross_minor": gross,
        "fees_minor": fees,
        "net_minor": gross - fees,
        "period_from": days(-7),
        "period_to": days(0),
    }
    row = Payout(id=f"out_{number}", number=number, **{**given, **fields})
    rows = [
        SettlementLine(
            id=f"stl_{number}_{position}",
            payout_id=row.id,
            position=position,
            type=kind,
            reference=reference,
            currency=row.currency,
            gross_minor=amount,
            fee_minor=fee,
            net_minor=amount - fee,
            occurred_at=days(-2),
        )
        for position, (kind, reference, amount, fee) in enumerate(lines, start=1)
    ]
    return [row, *rows]


def rma(of: Order, lines: list[tuple[OrderLine, int, str]], **fields: Any) -> list[Any]:
    """A return and its lines, each (order line, quantity, reason)."""
    number = fields.pop("number", f"RMA-{of.number}")
    given: dict[str, Any] = {"customer_id": of.customer_id, "currency": of.currency, "requested_at": days(-1)}
    row = Return(id=f"rma_{number}", number=number, order_id=of.id, **{**given, **fields})
    rows = [
        ReturnLine(
            id=f"rml_{number}_{position}",
            return_id=row.id,
            position=position,
            order_line_id=sold.id,
            variant_id=sold.variant_id,
            sku=sold.sku,
            quantity=quantity,
            reason=reason,
        )
        for position, (sold, quantity, reason) in enumerate(lines, start=1)
    ]
    return [row, *rows]


def stock(sku: str, code: str, available: int, **fields: Any) -> StockLevel:
    return StockLevel(
        id=f"stk_{sku}_{code}",
        variant_id=f"var_{sku}",
        sku=sku,
        location_id=f"loc_{code}",
        available=available,
        on_hand=available,
        **fields,
    )
