"""Moving money of an order and of its customer's methods together: the book, the order's sums, gift card balances.

The order must be locked. A card or a wallet is charged and refunded by the payment provider, which hears of it from
the outbox; a gift card or store credit is ours, so its balance moves in the same transaction.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from tradepost.commerce.customers.models import PaymentMethod
from tradepost.commerce.orders.models import Order
from tradepost.commerce.payments.ledger import Ledger, left_in, load_ledger, payment_status_of
from tradepost.commerce.payments.models import Payment, Refund
from tradepost.commerce.payments.states import PAYMENT_TRANSITIONS
from tradepost.commerce.store.states import step
from tradepost.commerce.store.store import Store
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.errors import InvalidArgument, NotFound, StateConflict
from tradepost.foundation.money import display
from tradepost.foundation.untrusted import clean

WITH_BALANCE = ("gift_card", "store_credit")
RETURNED_CREDIT_LIVES = timedelta(days=90)


def method_words(method: PaymentMethod | None) -> str:
    """ "visa ending 1234", "gift card": a payment method in words."""
    if method is None:
        return "the payment's own method"
    known = " ".join(part for part in (method.brand, method.last4 and f"ending {method.last4}") if part)
    return clean(known, 60) or method.type.replace("_", " ")


async def customer_methods(store: Store, customer_id: str) -> list[PaymentMethod]:
    """The payment methods of a customer, in their order."""
    statement = select(PaymentMethod).where(PaymentMethod.customer_id == customer_id)
    return sorted(await store.all(statement), key=lambda method: (method.position, method.id))


def pick_method(methods: list[PaymentMethod], reference: str, field: str) -> PaymentMethod:
    """The customer's method with this id or external id. Raises NotFound for any other, whoever it belongs to."""
    wanted = reference.strip()
    for method in methods:
        if wanted in (method.id, method.external_id):
            return method
    names = ", ".join(f"{method.external_id or method.id} ({method_words(method)})" for method in methods[:5])
    raise NotFound(
        f"The customer has no payment method '{clean(wanted, 60)}'.",
        hint=f"Their methods: {names or 'none'}.",
        field=field,
    )


def require_balance(method: PaymentMethod, amount_minor: int, field: str, now: datetime) -> None:
    """Raise StateConflict where a gift card or store credit holds less than the amount, or is good no more."""
    if method.type not in WITH_BALANCE or amount_minor <= 0:
        return
    if method.expires_at is not None and method.expires_at <= now:
        raise StateConflict(
            f"The {method_words(method)} expired on {to_rfc3339(method.expires_at)[:10]}.",
            hint="Choose another payment method of the customer.",
            field=field,
            details={"expires_at": to_rfc3339(method.expires_at)},
        )
    if amount_minor <= (method.balance_minor or 0):
        return
    raise StateConflict(
        f"The {method_words(method)} holds {display(method.balance_minor or 0, method.currency)}; "
        f"{display(amount_minor, method.currency)} are needed.",
        hint="Choose another payment method of the customer.",
        field=field,
        details={"balance_minor": method.balance_minor or 0, "needed_minor": amount_minor},
    )


@dataclass
class Settlement:
    """One order's money within one write."""

    store: Store
    order: Order
    ledger: Ledger
    methods: list[PaymentMethod]

    def method(self, reference: str, field: str = "payment_method_id") -> PaymentMethod:
        """A method of the order's customer, in the order's currency."""
        found = pick_method(self.methods, reference, field)
        if found.currency != self.order.currency and found.type in WITH_BALANCE:
            raise InvalidArgument(
                f"The {method_words(found)} is in {found.currency}, the order in {self.order.currency}.",
                hint="Choose a method in the order's currency.",
                field=field,
            )
        return found

    def known(self, method_id: str | None) -> PaymentMethod | None:
        """The method of this id, if the customer still has it."""
        return next((method for method in self.methods if method.id == method_id), None)

    async def lock_balances(self, *method_ids: str | None) -> None:
        """Lock the gift cards and store credits among these methods, in id order, and read their balances anew."""
        wanted = {method.id for method in self.methods if method.type in WITH_BALANCE} & set(method_ids)
        if wanted:
            statement = select(PaymentMethod).where(PaymentMethod.id.in_(sorted(wanted))).order_by(PaymentMethod.id)
            await self.store.lock_all(statement.execution_options(populate_existing=True))

    async def charge(self, amount_minor: int, method: PaymentMethod, field: str = "payment_method_id") -> Payment:
        """Take an amount from a method; its balance must be locked."""
        require_balance(method, amount_minor, field, self.store.now)
        if method.type in WITH_BALANCE:
            method.balance_minor = (method.balance_minor or 0) - amount_minor
        else:
            self._by_provider(amount_minor, "is charged to", method)
        payment = await self.ledger.add_payment(self.store, amount_minor, method.id)
        self.order.captured_minor += amount_minor
        self.restate()
        return payment

    async def refund(
        self,
        amount_minor: int,
        reason: str,
        *,
        method: PaymentMethod | None = None,
        payments: list[Payment] | None = None,
        return_id: str | None = None,
        lines_minor: int = 0,
        shipping_minor: int = 0,
        restocking_fee_minor: int = 0,
    ) -> list[Refund]:
        """Give an amount back, out of the payments that hold it (the newest first, or only `payments`), to `method` or
        to each payment's own. The breakdown stands on the first refund. A zero amount leaves a zero entry."""
        shares = self.ledger.share_out(amount_minor, payments)
        if not shares and self.ledger.payments:
            shares = [(self.ledger.payments[-1], 0)]
        refunds: list[Refund] = []
        for payment, share in shares:
            target = method or self.known(payment.method_id)
            if target is not None and target.type in WITH_BALANCE:
                target.balance_minor = (target.balance_minor or 0) + share
                self._keep_alive(target)
            elif share:
                self._by_provider(share, "goes back to", target)
            # In the same flush as the refund below, so that the database judges both sums together.
            self.order.refunded_minor += share
            refunds.append(
                await self.ledger.add_refund(
                    self.store,
                    payment,
                    share,
                    target.id if target else payment.method_id,
                    reason,
                    return_id=return_id,
                    lines_minor=0 if refunds else lines_minor,
                    shipping_minor=0 if refunds else shipping_minor,
                    restocking_fee_minor=0 if refunds else restocking_fee_minor,
                )
            )
        self.restate()
        return refunds

    async def refund_everything(self, reason: str) -> list[Refund]:
        """Give back all that is left, each payment to its own method, in the order they came in."""
        await self.lock_balances(*(payment.method_id for payment in self.ledger.holding))
        refunds: list[Refund] = []
        for payment in list(self.ledger.holding):
            refunds += await self.refund(left_in(payment), reason, payments=[payment])
        return refunds

    def void_uncaptured(self) -> int:
        """Give up payments that were promised and not taken; how many."""
        given_up = self.ledger.uncaptured
        for payment in given_up:
            self.void(payment)
        if given_up and not self.order.captured_minor:
            self.order.payment_status = "voided"
        return len(given_up)

    def void(self, payment: Payment) -> None:
        """Give up one payment that was not taken."""
        step(payment, "voided", PAYMENT_TRANSITIONS)
        self.store.emit("payment:voided", payment)

    def restate(self) -> None:
        """Bring the order's payment status in line with its sums."""
        order = self.order
        order.payment_status = payment_status_of(order.total_minor, order.captured_minor, order.refunded_minor)

    def _keep_alive(self, credit: PaymentMethod) -> None:
        """Money that comes back to a credit must be of use: one that is over, or nearly, lives on."""
        soonest = self.store.now + RETURNED_CREDIT_LIVES
        if credit.expires_at is not None and credit.expires_at < soonest:
            credit.expires_at = soonest

    def _by_provider(self, amount_minor: int, verb: str, method: PaymentMethod | None) -> None:
        amount = display(amount_minor, self.order.currency)
        self.store.side_effect(f"{amount} {verb} {method_words(method)} by the payment provider.")


async def open_settlement(store: Store, order: Order) -> Settlement:
    """The money of a locked order."""
    ledger = await load_ledger(store, order.id, order.currency, lock=True)
    return Settlement(store, order, ledger, await customer_methods(store, order.customer_id))
