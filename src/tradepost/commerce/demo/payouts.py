"""Payouts of the payment provider and their statements, one of them with lines that disagree with the shop's books."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from tradepost.commerce.demo.shop import Shop
from tradepost.commerce.payments.models import Payment, Payout, Refund, SettlementLine

_WEEK = timedelta(days=7)
_ARRIVES_AFTER = timedelta(days=3)
# What the provider's statement says differently: the first charge, the last charge, the first refund, by this much.
_VARIANCES = (-500, -1000, -250)
WEEKS = 9
FIRST_NUMBER = 601
WEEK_WITH_VARIANCE = 7  # the eighth, OUT-608: the newest that was paid


@dataclass(frozen=True)
class _Entry:
    """A line of a statement."""

    kind: str
    reference: str
    amount_minor: int
    at: datetime

    @property
    def fee_minor(self) -> int:
        return self.amount_minor * 14 // 1000 + 25 if self.kind == "charge" else 0


def add_payouts(shop: Shop) -> None:
    """One payout per week, and one per other currency."""
    entries = _entries(shop)
    first = (shop.now - _WEEK * WEEKS).replace(hour=0, minute=0, second=0, microsecond=0)
    for week in range(WEEKS):
        period = (first + _WEEK * week, first + _WEEK * (week + 1))
        lines = entries.pop((shop.flavor.currency, week), [])
        if week == WEEK_WITH_VARIANCE and shop.flavor.cases:
            lines = _disagree(lines)
        _add_payout(shop, f"OUT-{FIRST_NUMBER + week}", shop.flavor.currency, lines, period)
    for (currency, week), lines in sorted(entries.items()):
        if week < WEEKS:
            number = shop.draft.number("OUT-", FIRST_NUMBER + WEEKS - 1)
            _add_payout(shop, number, currency, lines, (first + _WEEK * week, first + _WEEK * (week + 1)))


def _entries(shop: Shop) -> dict[tuple[str, int], list[_Entry]]:
    """All captured and refunded money that ran through the provider, by currency and week."""
    first = (shop.now - _WEEK * WEEKS).replace(hour=0, minute=0, second=0, microsecond=0)
    found: dict[tuple[str, int], list[_Entry]] = defaultdict(list)
    for payment in shop.draft.rows(Payment):
        if payment.psp_reference and payment.captured_at:
            week = (payment.captured_at - first) // _WEEK
            entry = _Entry("charge", payment.psp_reference, payment.captured_minor, payment.captured_at)
            found[payment.currency, week].append(entry)
    for refund in shop.draft.rows(Refund):
        if refund.psp_reference and refund.refunded_at:
            week = (refund.refunded_at - first) // _WEEK
            entry = _Entry("refund", refund.psp_reference, -refund.amount_minor, refund.refunded_at)
            found[refund.currency, week].append(entry)
    for entries in found.values():
        entries.sort(key=lambda entry: (entry.at, entry.reference))
    return found


def _disagree(lines: list[_Entry]) -> list[_Entry]:
    charges = [entry for entry in lines if entry.kind == "charge"]
    refunds = [entry for entry in lines if entry.kind == "refund"]
    chosen = (charges[0], charges[-1], refunds[0] if refunds else charges[1])
    changed = {
        entry.reference: _Entry(entry.kind, entry.reference, entry.amount_minor + difference, entry.at)
        for entry, difference in zip(chosen, _VARIANCES, strict=True)
    }
    return [changed.get(entry.reference, entry) for entry in lines]


def _add_payout(shop: Shop, number: str, currency: str, lines: list[_Entry], period: tuple[datetime, datetime]) -> None:
    arrives_at = period[1] + _ARRIVES_AFTER
    paid = arrives_at < shop.now
    gross = sum(entry.amount_minor for entry in lines)
    fees = sum(entry.fee_minor for entry in lines)
    payout = shop.draft.add(
        Payout,
        number=number,
        status="paid" if paid else "in_transit" if period[1] < shop.now else "pending",
        currency=currency,
        gross_minor=gross,
        fees_minor=fees,
        net_minor=gross - fees,
        period_from=period[0],
        period_to=period[1],
        arrives_at=arrives_at,
        paid_at=arrives_at if paid else None,
        created_at=period[1],
    )
    for position, entry in enumerate(lines, start=1):
        shop.draft.add(
            SettlementLine,
            payout_id=payout.id,
            position=position,
            type=entry.kind,
            reference=entry.reference,
            currency=currency,
            gross_minor=entry.amount_minor,
            fee_minor=entry.fee_minor,
            net_minor=entry.amount_minor - entry.fee_minor,
            occurred_at=entry.at,
            created_at=period[1],
        )
