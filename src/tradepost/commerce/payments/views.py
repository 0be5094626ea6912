"""How payments, refunds, disputes and payouts look to callers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Required

from typing_extensions import TypedDict

from tradepost.commerce.payments.models import Dispute, Payment, Payout, Refund
from tradepost.commerce.store.listing import Detail
from tradepost.commerce.store.periods import days_until
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.money import MoneyView, money, shown


class RefundView(TypedDict, total=False):
    """A refund of a payment. Amounts are in minor units of the payment's currency."""

    id: Required[str]
    number: str
    status: str
    amount: MoneyView
    reason: str
    psp_reference: str | None
    return_id: str | None
    shipping_minor: int
    restocking_fee_minor: int
    display: dict[str, str]
    refunded_at: str | None


class PaymentView(TypedDict, total=False):
    """A payment with its refunds. `refundable` is what may still be paid back."""

    id: Required[str]
    number: str
    order_id: str
    order_number: str
    status: str
    amount: MoneyView
    captured: MoneyView
    refunded: MoneyView
    refundable: MoneyView
    method: str | None
    psp_reference: str | None
    taken_at: str
    auth_expires_at: str | None
    version: int
    refunds: list[RefundView]


class DisputeView(TypedDict, total=False):
    """A dispute. `days_left` counts to the end of the evidence period; negative: missed."""

    id: Required[str]
    number: str
    status: str
    reason_code: str
    amount: MoneyView
    fee: MoneyView
    order_id: str
    order_number: str
    payment_id: str
    payment_number: str
    psp_reference: str | None
    opened_at: str
    evidence_due_by: str | None
    days_left: int | None
    version: int


class PayoutView(TypedDict, total=False):
    """A payout: net = gross - fees."""

    id: Required[str]
    number: str
    status: str
    gross: MoneyView
    fees: MoneyView
    net: MoneyView
    period_from: str
    period_to: str
    arrives_at: str | None
    paid_at: str | None
    version: int


def taken_at(payment: Payment) -> datetime:
    """When the money was captured, else authorized, else the payment recorded."""
    return payment.captured_at or payment.authorized_at or payment.created_at


def refund_view(refund: Refund, detail: Detail = "standard") -> RefundView:
    """A refund as callers see it."""
    view: RefundView = {
        "id": refund.id,
        "number": refund.number,
        "status": refund.status,
        "amount": money(refund.amount_minor, refund.currency),
        "reason": refund.reason,
        "psp_reference": refund.psp_reference,
        "refunded_at": _time(refund.refunded_at),
    }
    if detail == "full":
        view["return_id"] = refund.return_id
        view["shipping_minor"] = refund.shipping_minor
        view["restocking_fee_minor"] = refund.restocking_fee_minor
        view["display"] = shown(refund.currency, view)
    return view


def payment_view(
    payment: Payment,
    refunds: Sequence[Refund],
    order_number: str,
    method: str | None = None,
    detail: Detail = "standard",
) -> PaymentView:
    """A payment as callers see it; `method` says in words what it was paid with."""
    view: PaymentView = {
        "id": payment.id,
        "number": payment.number,
        "order_id": payment.order_id,
        "order_number": order_number,
        "status": payment.status,
        "amount": money(payment.amount_minor, payment.currency),
        "refunded": money(payment.refunded_minor, payment.currency),
        "taken_at": to_rfc3339(taken_at(payment)),
    }
    if detail == "summary":
        return view
    view["captured"] = money(payment.captured_minor, payment.currency)
    view["refundable"] = money(payment.captured_minor - payment.refunded_minor, payment.currency)
    view["method"] = method
    view["psp_reference"] = payment.psp_reference
    view["auth_expires_at"] = _time(payment.auth_expires_at)
    view["version"] = payment.version
    view["refunds"] = [refund_view(refund, detail) for refund in refunds]
    return view


def dispute_view(dispute: Dispute, order_number: str, payment: Payment, now: datetime, detail: Detail) -> DisputeView:
    """A dispute as callers see it."""
    view: DisputeView = {
        "id": dispute.id,
        "number": dispute.number,
        "status": dispute.status,
        "amount": money(dispute.amount_minor, dispute.currency),
        "order_number": order_number,
        "evidence_due_by": _time(dispute.evidence_due_by),
        "days_left": days_until(now, dispute.evidence_due_by) if dispute.status == "needs_response" else None,
    }
    if detail == "summary":
        return view
    view["reason_code"] = dispute.reason_code
    view["fee"] = money(dispute.fee_minor, dispute.currency)
    view["order_id"] = dispute.order_id
    view["payment_id"] = dispute.payment_id
    view["opened_at"] = to_rfc3339(dispute.opened_at)
    view["version"] = dispute.version
    if detail == "full":
        view["payment_number"] = payment.number
        view["psp_reference"] = payment.psp_reference
    return view


def payout_view(payout: Payout, detail: Detail = "standard") -> PayoutView:
    """A payout as callers see it."""
    view: PayoutView = {
        "id": payout.id,
        "number": payout.number,
        "status": payout.status,
        "net": money(payout.net_minor, payout.currency),
        "period_to": to_rfc3339(payout.period_to),
    }
    if detail == "summary":
        return view
    view["gross"] = money(payout.gross_minor, payout.currency)
    view["fees"] = money(payout.fees_minor, payout.currency)
    view["period_from"] = to_rfc3339(payout.period_from)
    view["arrives_at"] = _time(payout.arrives_at)
    view["paid_at"] = _time(payout.paid_at)
    view["version"] = payout.version
    return view


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else to_rfc3339(moment)
