"""Giving a customer store credit: a balance of the shop's own, good until a day."""

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field
from sqlalchemy import func, select
from typing_extensions import TypedDict

from tradepost.commerce.customers.models import Customer, PaymentMethod
from tradepost.commerce.customers.views import full_name
from tradepost.commerce.flows.names import find_buyer
from tradepost.commerce.flows.told import mail_goes_out
from tradepost.commerce.orders.models import Order
from tradepost.commerce.serving.declare import UNDO_FOR, Answer, write_tool
from tradepost.commerce.store.listing import Moment
from tradepost.commerce.store.store import Store
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.errors import InvalidArgument, NotFound, StateConflict
from tradepost.foundation.ids import new_id
from tradepost.foundation.money import MoneyView, display, exponent, money
from tradepost.foundation.untrusted import clean

USUAL_LIFE = timedelta(days=365)
LONGEST_LIFE = timedelta(days=3 * 366)

CustomerRef = Annotated[
    str | None, Field(max_length=200, description="The customer; left out: the order's.", examples=["CUST-1001"])
]
OrderRef = Annotated[
    str | None, Field(max_length=200, description="The order it is for, if any.", examples=["ORD-1001"])
]
Amount = Annotated[int, Field(ge=1, le=10**9, description="Minor units: 2490 is 24.90.", examples=[1500])]
Reason = Annotated[
    str, Field(min_length=1, max_length=200, description="What for.", examples=["Late delivery of ORD-1001"])
]
Currency = Annotated[
    str | None,
    Field(pattern="^[A-Z]{3}$", description="ISO 4217; left out: the order's, else the shop's.", examples=["EUR"]),
]
ExpiresAt = Annotated[
    Moment | None,
    Field(description="Good until; left out: a year from now.", examples=["2027-03-01T00:00:00Z"]),
]
TakeBack = Annotated[
    str | None, Field(max_length=200, description="Instead: take back this unused credit.", examples=["pm_1"])
]
Notify = Annotated[bool, Field(description="E-mail the customer.", examples=[False])]


class GrantedCredit(TypedDict):
    """The new credit; it pays like any payment method of the customer. `balance`: all their credit in the currency."""

    payment_method_id: str
    version: int
    customer_id: str
    customer_number: str
    order_number: str | None
    amount: MoneyView
    ends_at: str
    reason: str
    balance: MoneyView


@write_tool(title="Apply store credit", scope="write:payments", money=True, undo_for=UNDO_FOR)
async def apply_store_credit(
    store: Store,
    amount_minor: Amount,
    reason: Reason,
    customer_id: CustomerRef = None,
    order_id: OrderRef = None,
    currency: Currency = None,
    expires_at: ExpiresAt = None,
    notify_customer: Notify = False,
    take_back: TakeBack = None,
) -> Answer[GrantedCredit]:
    """Give a customer store credit. Use as an apology or goodwill, or when a return is to be paid in credit. Not to
    give back what was paid (initiate_refund). It is a new payment method of the customer with a balance and an end,
    usable for exchanges and changed orders; take_back empties one that nobody has used. Name the customer or one of
    their orders. No money leaves the shop. Returns the credit, its end and all credit the customer has."""
    order = await store.find(Order, order_id, field="order_id") if order_id is not None else None
    buyer = await find_buyer(store, customer_id, order, nobody="The credit is for nobody.")
    customer = await store.lock(Customer, buyer.id)  # one grant at a time: the total below is right
    if customer.status == "closed":
        raise StateConflict(f"The account of {customer.number} is closed.", hint="Nobody could use the credit.")
    code = currency or (order.currency if order is not None else store.currency)
    exponent(code)  # an unknown code is refused
    if order is not None and code != order.currency:
        raise InvalidArgument(
            f"The order {order.number} is in {order.currency}, not {code}.",
            hint="Leave currency out, or name the customer instead of the order.",
            field="currency",
        )
    why = clean(reason, 200)
    if take_back is not None:
        if notify_customer:
            raise InvalidArgument("notify_customer goes with a new credit.", hint="Leave it out.", field="take_back")
        credit = await _unused(store, customer, take_back, amount_minor, code)
        credit.balance_minor, ends = 0, credit.expires_at or store.now
        await store.session.flush()
    else:
        ends = _end(store, expires_at)
        credit = await _credit(store, customer, amount_minor, code, ends, why)
        back = {"customer_id": customer.id, "amount_minor": amount_minor, "currency": code, "take_back": credit.id}
        words = f"Takes the store credit of {display(amount_minor, code)} back from customer {customer.number}."
        store.reverse("apply_store_credit", {**back, "reason": f"Undone: {why}"[:200]}, words)
    store.emit(
        "credit:granted" if take_back is None else "credit:taken_back",
        credit,
        customer_id=customer.id,
        order_id=order.id if order is not None else None,
        amount_minor=amount_minor,
        reason=why,
        notify_customer=notify_customer,
    )
    if notify_customer:
        await mail_goes_out(store, customer.id, "the credit")
    data: GrantedCredit = {
        "payment_method_id": credit.id,
        "version": credit.version,
        "customer_id": customer.id,
        "customer_number": customer.number,
        "order_number": order.number if order is not None else None,
        "amount": money(amount_minor, code),
        "ends_at": to_rfc3339(ends),
        "reason": why,
        "balance": money(await _balance(store, customer, code), code),
    }
    if take_back is not None:
        store.means(f"Takes {display(amount_minor, code)} of store credit back from customer {customer.number}: {why}.")
        return Answer(data, f"The store credit of {data['amount']['display']} was taken back from {customer.number}.")
    store.means(f"Gives customer {customer.number} {display(amount_minor, code)} of store credit: {why}.")
    text = f"{display(amount_minor, code)} store credit for {full_name(customer)} ({customer.number})"
    return Answer(data, f"{text}, good until {data['ends_at'][:10]}. All their credit: {data['balance']['display']}.")


async def _unused(store: Store, customer: Customer, reference: str, amount_minor: int, code: str) -> PaymentMethod:
    """A credit of the customer that holds all of the amount. Raises NotFound, StateConflict."""
    credit = await store.lock(PaymentMethod, reference, field="take_back")
    if credit.customer_id != customer.id or credit.type != "store_credit":
        raise NotFound(f"Customer {customer.number} has no such store credit.", field="take_back")
    if (credit.balance_minor or 0, credit.currency) != (amount_minor, code):
        raise StateConflict(
            f"The credit holds {display(credit.balance_minor or 0, credit.currency)}, not "
            f"{display(amount_minor, code)}: a part of it was used, or it is another one.",
            hint="What a customer has used is not taken back.",
            field="take_back",
        )
    return credit


def _end(store: Store, wanted: datetime | None) -> datetime:
    ends = wanted or store.now + USUAL_LIFE
    if not store.now + timedelta(days=1) <= ends <= store.now + LONGEST_LIFE:
        raise InvalidArgument(
            f"Credit that ends at {to_rfc3339(ends)} is of no use: it must last a day to three years.",
            hint=f"It is {to_rfc3339(store.now)} now; leave expires_at out for a year.",
            field="expires_at",
        )
    return ends


async def _credit(
    store: Store, customer: Customer, amount_minor: int, currency: str, ends: datetime, why: str
) -> PaymentMethod:
    last = select(func.coalesce(func.max(PaymentMethod.position), 0)).where(PaymentMethod.customer_id == customer.id)
    credit = store.add(
        PaymentMethod(
            id=new_id(PaymentMethod.prefix),
            customer_id=customer.id,
            position=int((await store.session.execute(last)).scalar_one()) + 1,
            type="store_credit",
            balance_minor=amount_minor,
            currency=currency,
            expires_at=ends,
            reason=why,
        )
    )
    await store.session.flush()
    return credit


async def _balance(store: Store, customer: Customer, currency: str) -> int:
    credits = select(func.coalesce(func.sum(PaymentMethod.balance_minor), 0)).where(
        PaymentMethod.customer_id == customer.id,
        PaymentMethod.type == "store_credit",
        PaymentMethod.currency == currency,
        (PaymentMethod.expires_at.is_(None)) | (PaymentMethod.expires_at > store.now),
    )
    return int((await store.session.execute(credits)).scalar_one() or 0)


TOOLS = (apply_store_credit,)
