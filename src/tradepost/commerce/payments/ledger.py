"""The book of one order's money: what came in, what went back, what is left, and out of which payment.

Payments and refunds share one sequence per order. A refund is paid out of the payments that still hold money, the
newest first. Amounts only; whose method it goes to and what an order shows of it is joined elsewhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import select

from tradepost.commerce.payments.models import Payment, Refund
from tradepost.commerce.payments.states import PAYMENT_TRANSITIONS
from tradepost.commerce.store.states import step
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import LimitExceeded
from tradepost.foundation.ids import new_id
from tradepost.foundation.money import display

_NO_MONEY = ("failed", "canceled")


@dataclass
class Ledger:
    """Payments and refunds of an order whose row is locked, in sequence."""

    order_id: str
    currency: str
    payments: list[Payment] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)

    @property
    def remaining_minor(self) -> int:
        """Captured and not refunded."""
        return sum(left_in(payment) for payment in self.payments)

    @property
    def holding(self) -> list[Payment]:
        """The payments that still hold money, in sequence."""
        return [payment for payment in self.payments if left_in(payment) > 0]

    @property
    def uncaptured(self) -> list[Payment]:
        """Payments that were promised but not taken."""
        return [payment for payment in self.payments if payment.status in ("requires_action", "authorized")]

    def original_method_id(self) -> str | None:
        """The method of the first payment that still holds money, else of the first one: where a refund belongs."""
        first = (self.holding or self.payments)[:1]
        return first[0].method_id if first else None

    def shipping_refunded_minor(self) -> int:
        """Shipping that went back already."""
        return sum(refund.shipping_minor for refund in self.refunds if refund.status not in _NO_MONEY)

    def next_sequence(self) -> int:
        """The next place in the order's book."""
        taken = [row.sequence for row in self.payments] + [row.sequence for row in self.refunds]
        return 1 + max(taken, default=0)

    def share_out(self, amount_minor: int, payments: Sequence[Payment] | None = None) -> list[tuple[Payment, int]]:
        """Which payments an amount goes back from, the newest first. Raises LimitExceeded beyond what is left."""
        pool = [payment for payment in (self.payments if payments is None else payments) if left_in(payment) > 0]
        left = sum(left_in(payment) for payment in pool)
        if amount_minor > left:
            raise LimitExceeded(
                f"{display(amount_minor, self.currency)} cannot be refunded: {display(left, self.currency)} of "
                f"{display(sum(payment.captured_minor for payment in pool), self.currency)} captured is left.",
                hint="Refund at most what is left; preview_refund shows it.",
                details={"remaining_minor": left, "currency": self.currency},
            )
        shares: list[tuple[Payment, int]] = []
        for payment in sorted(pool, key=lambda row: row.sequence, reverse=True):
            share = min(left_in(payment), amount_minor)
            if share > 0:
                shares.append((payment, share))
                amount_minor -= share
        return shares

    async def add_payment(
        self, store: Store, amount_minor: int, method_id: str, *, status: str = "captured"
    ) -> Payment:
        """A payment of this moment. `status` captured or authorized."""
        captured = status == "captured"
        payment = Payment(
            id=new_id(Payment.prefix),
            number=await store.next_number("PAY-"),
            order_id=self.order_id,
            sequence=self.next_sequence(),
            method_id=method_id,
            status=status,
            currency=self.currency,
            amount_minor=amount_minor,
            captured_minor=amount_minor if captured else 0,
            refunded_minor=0,
            captured_at=store.now if captured else None,
            authorized_at=store.now,
        )
        self.payments.append(store.add(payment))
        await store.session.flush()
        store.emit("payment:captured" if captured else "payment:authorized", payment, amount_minor=amount_minor)
        return payment

    async def split_off_rest(self, store: Store, payment: Payment) -> Payment:
        """Make what is authorized and not taken of a partially captured payment a payment of its own, under the same
        authorization. Gives the new one."""
        rest = Payment(
            id=new_id(Payment.prefix),
            number=await store.next_number("PAY-"),
            order_id=self.order_id,
            sequence=self.next_sequence(),
            method_id=payment.method_id,
            psp_reference=payment.psp_reference,
            status="authorized",
            currency=payment.currency,
            amount_minor=payment.amount_minor - payment.captured_minor,
            captured_minor=0,
            refunded_minor=0,
            authorized_at=payment.authorized_at,
            auth_expires_at=payment.auth_expires_at,
        )
        step(payment, "captured", PAYMENT_TRANSITIONS)
        payment.amount_minor = payment.captured_minor
        self.payments.append(store.add(rest))
        await store.session.flush()
        return rest

    async def add_refund(
        self,
        store: Store,
        payment: Payment,
        amount_minor: int,
        method_id: str | None,
        reason: str,
        *,
        return_id: str | None = None,
        lines_minor: int = 0,
        shipping_minor: int = 0,
        restocking_fee_minor: int = 0,
    ) -> Refund:
        """Money back out of one payment. The caller has made sure that the payment holds it; the database checks."""
        payment.refunded_minor += amount_minor
        refund = Refund(
            id=new_id(Refund.prefix),
            number=await store.next_number("REF-"),
            order_id=self.order_id,
            payment_id=payment.id,
            return_id=return_id,
            sequence=self.next_sequence(),
            method_id=method_id,
            status="succeeded",
            reason=reason,
            currency=self.currency,
            amount_minor=amount_minor,
            lines_minor=lines_minor,
            shipping_minor=shipping_minor,
            restocking_fee_minor=restocking_fee_minor,
            refunded_at=store.now,
        )
        self.refunds.append(store.add(refund))
        await store.session.flush()
        store.emit("payment:refunded", payment, refund_id=refund.id, amount_minor=amount_minor)
        return refund


def left_in(payment: Payment) -> int:
    """What a payment still holds."""
    return payment.captured_minor - payment.refunded_minor


def payment_status_of(total_minor: int, captured_minor: int, refunded_minor: int) -> str:
    """An order's payment status once money was captured: it is paid as long as what is kept covers its total."""
    kept = captured_minor - refunded_minor
    if kept <= 0 < captured_minor:
        return "refunded"
    if kept >= total_minor:
        return "paid"
    return "partially_refunded" if refunded_minor and captured_minor >= total_minor else "partially_paid"


async def load_ledger(store: Store, order_id: str, currency: str, *, lock: bool) -> Ledger:
    """The book of an order. `lock` for a write: the order's own row must be locked before."""
    payments = select(Payment).where(Payment.order_id == order_id).order_by(Payment.id)
    refunds = select(Refund).where(Refund.order_id == order_id)
    found = await (store.lock_all(payments.execution_options(populate_existing=True)) if lock else store.all(payments))
    return Ledger(
        order_id,
        currency,
        sorted(found, key=lambda row: row.sequence),
        sorted(await store.all(refunds), key=lambda row: row.sequence),
    )
