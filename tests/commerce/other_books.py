"""The money and the complaints of the random shop: payments, refunds, disputes, payouts, invoices, claims, tickets."""

from tests.commerce.other_shop import OtherShop
from tradepost.commerce.billing.models import (
    Invoice,
    InvoiceLine,
    InvoiceStatus,
    Quote,
    QuoteLine,
    QuoteStatus,
    Subscription,
    SubscriptionStatus,
)
from tradepost.commerce.claims.models import Claim, ClaimEvidence, ClaimSide, ClaimStatus, ClaimType
from tradepost.commerce.orders.models import Order
from tradepost.commerce.payments.models import (
    Dispute,
    DisputeStatus,
    Payment,
    Payout,
    PayoutStatus,
    Refund,
    SettlementLine,
)
from tradepost.commerce.support.models import Ticket, TicketStatus

STATE_OF_PAYMENT = {
    "pending": "requires_action",
    "authorized": "authorized",
    "partially_paid": "partially_captured",
    "voided": "voided",
    "expired": "expired",
}


def add_money(shop: OtherShop) -> None:
    """All of it."""
    for index, (order, _, _) in enumerate(shop.orders):
        payment = _payment(shop, order)
        if order.refunded_minor:
            _refund(shop, order, payment)
        if index % 9 == 0:
            _dispute(shop, order, payment, index)
        if index % 4 == 0:
            _invoice(shop, order, index)
        if index % 5 == 0:
            _claim(shop, order, index)
        if index % 6 == 0:
            _ticket(shop, order, index)
    for index in range(7):
        _payout(shop, index)
    for index in range(6):
        _quote(shop, index)
        _subscription(shop, index)


def _payment(shop: OtherShop, order: Order) -> Payment:
    methods = next(methods for buyer, methods in shop.buyers if buyer.id == order.customer_id)
    return shop.add(  # type: ignore[no-any-return]
        Payment(
            id=shop.id("in"),
            number=shop.number("in"),
            order_id=order.id,
            sequence=1,
            method_id=methods[shop.next("method") % 3].id,
            psp_reference=f"psp.{shop.next('psp')}",
            status=STATE_OF_PAYMENT.get(order.payment_status, "captured"),
            currency=order.currency,
            amount_minor=order.total_minor,
            captured_minor=order.captured_minor,
            refunded_minor=order.refunded_minor,
            authorized_at=order.placed_at,
            captured_at=order.placed_at if order.captured_minor else None,
        )
    )


def _refund(shop: OtherShop, order: Order, payment: Payment) -> None:
    shop.add(
        Refund(
            id=shop.id("out"),
            number=shop.number("out"),
            order_id=order.id,
            payment_id=payment.id,
            sequence=2,
            method_id=payment.method_id,
            psp_reference=f"psp.back.{shop.next('psp back')}",
            reason="goodwill",
            currency=order.currency,
            amount_minor=order.refunded_minor,
            refunded_at=shop.ago(0.5),
        )
    )


def _dispute(shop: OtherShop, order: Order, payment: Payment, index: int) -> None:
    shop.add(
        Dispute(
            id=shop.id("row"),
            number=shop.number("row"),
            payment_id=payment.id,
            order_id=order.id,
            status=shop.of(DisputeStatus, index // 9),
            reason_code="not as shown",
            currency=order.currency,
            amount_minor=max(1, order.total_minor // 2),
            opened_at=shop.ago(3),
            evidence_due_by=shop.ago(-4),
        )
    )


def _invoice(shop: OtherShop, order: Order, index: int) -> None:
    status = shop.of(InvoiceStatus, index // 4)
    paid = status == "paid"
    invoice = shop.add(
        Invoice(
            id=shop.id("bill"),
            number=shop.number("bill"),
            customer_id=order.customer_id,
            order_id=order.id,
            status=status,
            currency=order.currency,
            total_minor=order.total_minor,
            paid_minor=order.total_minor if paid else 0,
            issued_at=order.placed_at,
            due_at=shop.ago(index % 30 - 15),
            paid_at=shop.ago(1) if paid else None,
        )
    )
    shop.add(
        InvoiceLine(
            id=shop.id("il"),
            invoice_id=invoice.id,
            position=1,
            description=shop.text(),
            quantity=1,
            unit_price_minor=order.total_minor,
            total_minor=order.total_minor,
        )
    )


def _claim(shop: OtherShop, order: Order, index: int) -> None:
    turn = index // 5
    claim = shop.add(
        Claim(
            id=shop.id("harm"),
            number=shop.number("harm"),
            type=shop.of(ClaimType, turn),
            side=shop.of(ClaimSide, turn + 1),
            status=shop.of(ClaimStatus, turn),
            order_id=order.id,
            customer_id=order.customer_id,
            carrier_id=shop.carriers[turn % 3].id,
            currency=order.currency,
            claimed_minor=order.total_minor,
            opened_at=shop.ago(5),
            file_by=shop.ago(-3 + turn) if turn % 4 else None,
            description=shop.text(),
            lines=[],
        )
    )
    shop.add(ClaimEvidence(id=shop.id("seen"), claim_id=claim.id, kind="photo", media="a/b.jpg", note=shop.text()))


def _ticket(shop: OtherShop, order: Order, index: int) -> None:
    shop.add(
        Ticket(
            id=shop.id("call"),
            number=shop.number("call"),
            subject=shop.text(),
            status=shop.of(TicketStatus, index // 6),
            customer_id=order.customer_id,
            order_id=order.id,
        )
    )


def _payout(shop: OtherShop, index: int) -> None:
    gross = shop.random.randint(1000, 10**6)
    fees = gross // 40
    payout = shop.add(
        Payout(
            id=shop.id("sum"),
            number=shop.number("sum"),
            status=shop.of(PayoutStatus, index),
            currency=shop.currency,
            gross_minor=gross,
            fees_minor=fees,
            net_minor=gross - fees,
            period_from=shop.ago(20 - index),
            period_to=shop.ago(13 - index),
        )
    )
    kinds = (("charge", f"psp.{index * 7 + 4}"), ("charge", "psp.unheard"), ("fee", None), ("refund", "psp.back.1"))
    for position, (kind, reference) in enumerate(kinds, start=1):
        shop.add(
            SettlementLine(
                id=shop.id("part"),
                payout_id=payout.id,
                position=position,
                type=kind,
                reference=reference,
                currency=shop.currency,
                gross_minor=gross // 4,
                fee_minor=fees // 4,
                net_minor=gross // 4 - fees // 4,
                occurred_at=shop.ago(14 - index),
            )
        )


def _subscription(shop: OtherShop, index: int) -> None:
    status = shop.of(SubscriptionStatus, index)
    shop.add(
        Subscription(
            id=shop.id("again"),
            number=shop.number("again"),
            customer_id=shop.buyers[index][0].id,
            variant_id=shop.variants[index].id,
            status=status,
            price_minor=900,
            currency=shop.currency,
            next_at=None if status == "canceled" else shop.ago(-index - 1),
            paused_until=shop.ago(-index - 1) if status == "paused" else None,
        )
    )


def _quote(shop: OtherShop, index: int) -> None:
    buyer, _ = shop.buyers[index]
    variant = shop.variants[index]
    quote = shop.add(
        Quote(
            id=shop.id("bid"),
            number=shop.number("bid"),
            customer_id=buyer.id,
            status=shop.of(QuoteStatus, index),
            currency=shop.currency,
            total_minor=variant.price_minor * 5,
            expires_at=shop.ago(-10),
        )
    )
    shop.add(
        QuoteLine(
            id=shop.id("bidl"),
            quote_id=quote.id,
            position=1,
            variant_id=variant.id,
            sku=variant.sku,
            quantity=5,
            unit_price_minor=variant.price_minor,
            total_minor=variant.price_minor * 5,
        )
    )
