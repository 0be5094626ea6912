"""Whose records these are: the customer that the caller is bound to, and look-ups that know nobody else's.

There is no customer argument. The customer is a condition inside each look-up, so a record of another customer and one
that never was are the same to it: the same statement, the same number of them, the same words.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, bindparam, select, union_all

from tradepost.commerce.billing.models import Invoice
from tradepost.commerce.customers.models import Customer
from tradepost.commerce.orders.models import Order
from tradepost.commerce.returns.models import Return
from tradepost.commerce.store.privacy import CUSTOMER
from tradepost.commerce.store.store import Store
from tradepost.database.scoping import BUILT_ONCE
from tradepost.foundation.errors import ForbiddenScope, NotFound

Row = TypeVar("Row", Order, Return, Invoice)

NOBODY = ""  # no record belongs to it

_WHERE_TO_LOOK = {
    Order: ("order", "list_my_orders shows your orders and their numbers."),
    Return: ("return", "get_my_order shows the returns of an order, with their numbers."),
    Invoice: ("invoice", "list_my_invoices without a number shows your invoices."),
}


async def my_customer_id(store: Store) -> str:
    """The id of the customer behind the caller; NOBODY where the shop has no such customer, or cannot tell which of two
    is meant. Raises ForbiddenScope for a caller that is bound to none."""
    bound = store.caller.attributes.get(CUSTOMER, "").strip()
    if not bound:
        raise ForbiddenScope(
            "These tools answer a customer of the shop about their own orders, and this caller is bound to none.",
            hint="Call with a shopper token: the shop's backend mints one for a signed-in customer.",
        )
    found = await store.all(_BOUND_TO, wanted=bound)
    return found[0] if len(found) == 1 else NOBODY


async def find_mine(store: Store, customer_id: str, model: type[Row], reference: str, *, field: str) -> Row:
    """The customer's own record with this id, number (with or without '#') or external id. Raises NotFound, word for
    word the same for a record of somebody else and for one that is not there."""
    wanted = reference.strip()
    statement = _of_customer(model)
    rows: Sequence[Row] = await store.all(statement, wanted=wanted, bare=wanted.removeprefix("#"), customer=customer_id)
    if not rows:
        noun, hint = _WHERE_TO_LOOK[model]
        raise NotFound(f"You have no such {noun}.", hint=hint, field=field)
    return min(rows, key=lambda row: (row.id != wanted, row.number not in (wanted, wanted.removeprefix("#"))))


@cache
def _of_customer(model: Any) -> Select[Any]:
    names = [(model.id, "wanted"), (model.number, "wanted"), (model.number, "bare"), (model.external_id, "wanted")]
    # One indexed look-up per name: an OR over them lets SQLite walk the whole workspace instead.
    ids = (select(model.id).where(column == bindparam(value), *_own(model)) for column, value in names)
    return select(model).where(model.id.in_(union_all(*ids))).execution_options(**{BUILT_ONCE: True})


def _own(model: Any) -> list[ColumnElement[bool]]:
    """That a record is one of the customer's, and one they were given: a draft of an invoice was not."""
    conditions = [model.customer_id == bindparam("customer")]
    return [*conditions, model.status != "draft"] if model is Invoice else conditions


_NAMES = (Customer.id, Customer.external_id, Customer.number)
_BOUND_TO: Select[Any] = (
    select(Customer.id)
    .where(Customer.id.in_(union_all(*(select(Customer.id).where(name == bindparam("wanted")) for name in _NAMES))))
    .execution_options(**{BUILT_ONCE: True})
)
