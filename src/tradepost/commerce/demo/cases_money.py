"""Cases of money: other currencies, goods by weight, disputes, companies on account."""

from datetime import timedelta

from tradepost.commerce.demo import names
from tradepost.commerce.demo.cases_delivery import order_of
from tradepost.commerce.demo.cases_returns import arrived_order
from tradepost.commerce.demo.money import pay
from tradepost.commerce.demo.parcels import deliver, scan, ship
from tradepost.commerce.demo.placing import Item, Wish, place
from tradepost.commerce.demo.shop import Shop
from tradepost.commerce.payments.models import Dispute

_ABROAD: tuple[tuple[str, str, str, list[Item]], ...] = (
    ("88255", names.JPY_CUSTOMER, "JPY", [("A-200", 1), ("TORCH-200", 2)]),
    ("88256", names.KWD_CUSTOMER, "KWD", [("FLASK-10", 1), ("PACK-45L", 1)]),
)
# Orders of companies: number, customer, goods, days since placed, days since arrived, their own order number.
_ON_ACCOUNT: tuple[tuple[str, str, list[Item], float, float, str], ...] = (
    ("88150", names.ACME, [("A-100", 40)], 48, 43, "ACME-4471"),
    ("88190", names.ACME, [("A-100", 24), ("A-200", 10)], 22, 17, "ACME-4502"),
    ("88246", names.POISONED_COMPANY, [("NOTE-A5-LINES", 20)], 20, 16, "4711"),
)


def add_money_cases(shop: Shop) -> None:
    """All of them, except what payouts and invoices add later."""
    for number, customer, currency, items in _ABROAD:
        promised = shop.ahead(days=5).replace(hour=17)
        wish = Wish(
            number=number,
            customer=shop.customers[customer],
            items=items,
            placed_at=shop.ago(days=4),
            promised_to=promised,
            currency=currency,
        )
        order = place(shop, wish)
        pay(shop, order)
        parcel = ship(shop, order, "fedex", shop.ago(days=3), promised - timedelta(days=1))
        scan(shop, parcel, "in_transit", shop.ago(days=1), where="Liège")
    weighed = order_of(
        shop,
        "88257",
        "CUST-10491",
        [("COFFEE-KG", 1500), ("MUG-STONE-WHITE", 1)],
        days_ago=1.5,
        promised_to=shop.ahead(days=3).replace(hour=17),
        paid=False,
    )
    pay(shop, weighed)
    for number, customer, items, placed, arrived, po_number in _ON_ACCOUNT:
        wish = Wish(
            number=number,
            customer=shop.customers[customer],
            items=items,
            placed_at=shop.ago(days=placed),
            promised_to=shop.ago(days=arrived - 1).replace(hour=17),
            channel="account",
            po_number=po_number,
        )
        order = place(shop, wish)
        parcel = ship(shop, order, "gls", order.placed_at + timedelta(days=1), shop.ago(days=arrived))
        deliver(shop, order, parcel, shop.ago(days=arrived))
    _add_disputes(shop)


def _add_disputes(shop: Shop) -> None:
    stolen = arrived_order(shop, "88241", "CUST-10514", [("TENT-3P", 1)], days_ago=30, arrived=26)
    for number, order, reason, opened, due in (
        ("DSP-301", shop.orders["88240"], "product_not_received", 4, 3),
        ("DSP-302", stolen, "fraudulent", 6, 12),
    ):
        payment = shop.payments[order.id][-1]
        shop.draft.add(
            Dispute,
            number=number,
            payment_id=payment.id,
            order_id=order.id,
            reason_code=reason,
            currency=order.currency,
            amount_minor=payment.captured_minor,
            fee_minor=1500,
            opened_at=shop.ago(days=opened),
            evidence_due_by=shop.ahead(days=due),
            created_at=shop.ago(days=opened),
        )
