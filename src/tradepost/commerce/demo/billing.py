"""Invoices of companies, quotes and subscriptions."""

from datetime import timedelta

from tradepost.commerce.billing.models import Invoice, InvoiceLine, Quote, QuoteLine, Subscription
from tradepost.commerce.demo import names
from tradepost.commerce.demo.money import pay
from tradepost.commerce.demo.shop import Shop
from tradepost.commerce.orders.models import Order

_TERMS_DAYS = 30
_OVERDUE_EVERY = 4  # every fourth invoice past its date is still open; so are all of the companies named here
_NAMED = {"88150": names.CASES["invoice_overdue"]}
_LATE_PAYERS = (names.ACME, names.RENTAL_COMPANY)


def add_billing(shop: Shop) -> None:
    """Every delivered order of a company is invoiced; older invoices are paid, or overdue."""
    companies = {row.id: row for row in shop.customers.values() if row.kind == "business"}
    delivered = [order for order in shop.orders.values() if order.customer_id in companies and order.delivered_at]
    for index, order in enumerate(sorted(delivered, key=lambda row: (row.placed_at, row.number))):
        late_payer = companies[order.customer_id].number in _LATE_PAYERS and order.po_number is not None
        _invoice(shop, order, late=late_payer or index % _OVERDUE_EVERY == 2)
    if shop.flavor.cases:
        _add_quotes(shop)
    _add_subscriptions(shop)


def _invoice(shop: Shop, order: Order, *, late: bool) -> None:
    issued_at = order.delivered_at or order.placed_at
    due_at = issued_at + timedelta(days=_TERMS_DAYS)
    past_due = due_at < shop.now
    status = "open"
    paid_at = None
    if past_due and not late:
        status, paid_at = "paid", due_at - timedelta(days=3)
        pay(shop, order, kind="bank_transfer", at=paid_at)
    elif past_due:
        status = "overdue"
    invoice = shop.draft.add(
        Invoice,
        number=_NAMED.get(order.number) or shop.draft.number("INV-", 3000),
        customer_id=order.customer_id,
        order_id=order.id,
        status=status,
        currency=order.currency,
        total_minor=order.total_minor,
        paid_minor=order.total_minor if paid_at else 0,
        terms_days=_TERMS_DAYS,
        po_number=order.po_number,
        issued_at=issued_at,
        due_at=due_at,
        paid_at=paid_at,
        created_at=issued_at,
    )
    lines = [
        (line.name, line.sku, line.quantity, line.unit_price_minor, line.total_minor) for line in shop.lines[order.id]
    ]
    for name, amount in (
        ("Discount", -order.discount_minor),
        ("Shipping", order.shipping_minor),
        ("Tax", order.tax_minor),
    ):
        if amount:
            lines.append((name, "", 1, amount, amount))
    for position, (description, sku, quantity, price, total) in enumerate(lines, start=1):
        shop.draft.add(
            InvoiceLine,
            invoice_id=invoice.id,
            position=position,
            description=description,
            sku=sku or None,
            quantity=quantity,
            unit_price_minor=price,
            total_minor=total,
            created_at=issued_at,
        )


def _add_quotes(shop: Shop) -> None:
    for customer, status, sku, quantity, price, days in (
        (names.RENTAL_COMPANY, "sent", "TENT-3P", 12, 20900, 6),
        (names.STUDIO_COMPANY, "draft", "MUG-STONE-WHITE", 60, 1290, 1),
        (names.ACME, "expired", "A-200", 30, 3490, 50),
        (names.RENTAL_COMPANY, "declined", "PACK-45L", 20, 7900, 28),
    ):
        row = shop.customers[customer]
        made_at = shop.ago(days=days)
        quote = shop.draft.add(
            Quote,
            number=shop.draft.number("QUO-", 500),
            customer_id=row.id,
            status=status,
            currency=shop.flavor.currency,
            total_minor=quantity * price,
            price_list_id=row.price_list_id,
            expires_at=made_at + timedelta(days=30),
            created_at=made_at,
        )
        shop.draft.add(
            QuoteLine,
            quote_id=quote.id,
            position=1,
            variant_id=shop.variants[sku].id,
            sku=sku,
            quantity=quantity,
            unit_price_minor=price,
            total_minor=quantity * price,
            created_at=made_at,
        )


def _add_subscriptions(shop: Shop) -> None:
    wanted = ("TEA-MINT", "BAR-NUT") if shop.flavor.cases else ("CANDLE-S",)
    people = [row for row in shop.customers.values() if row.kind == "registered" and row.status == "active"]
    for index, customer in enumerate(people[:7]):
        variant = shop.variants[wanted[index % len(wanted)]]
        status = ("active", "active", "paused", "active", "past_due")[index % 5]
        shop.draft.add(
            Subscription,
            number=shop.draft.number("SUB-", 200),
            customer_id=customer.id,
            variant_id=variant.id,
            status=status,
            quantity=1 + index % 2,
            price_minor=variant.price_minor * 9 // 10,
            currency=shop.flavor.currency,
            next_at=shop.ahead(days=3 + index * 4),
            paused_until=shop.ahead(days=3 + index * 4) if status == "paused" else None,
            created_at=shop.ago(days=100 + index * 20),
        )
