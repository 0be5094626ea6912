"""Finding places, partners and customers by what people call them: the id, number or code, and otherwise the name."""

from typing import Any, TypeVar

from sqlalchemy import func, select, union_all

from tradepost.commerce.customers.models import Customer
from tradepost.commerce.orders.models import Order
from tradepost.commerce.store.rows import noun_of
from tradepost.commerce.store.store import Store
from tradepost.commerce.store.vocabulary import vocabulary
from tradepost.foundation.errors import InvalidArgument, NotFound
from tradepost.foundation.untrusted import clean

Row = TypeVar("Row")

_SHOWN = 8
_SHORTEST_BEGINNING = 3


async def find_called(store: Store, model: type[Row], reference: str, *, field: str) -> Row:
    """A record with a name (location, supplier, carrier, driver) by id, number or code, else by a name that fits it
    alone. Raises NotFound, which names what exists where that is little, and InvalidArgument for an ambiguous name."""
    try:
        return await store.find(model, reference, field=field)
    except NotFound:
        found: list[Row] = await _by_name(store, model, reference.strip())
        if len(found) == 1:
            return found[0]
        noun = noun_of(model)
        if not found:
            raise NotFound(
                f"No {noun} '{clean(reference, 60)}' was found.",
                hint=await _known(store, model),
                field=field,
            ) from None
        options = ", ".join(called(row) for row in found[:_SHOWN])
        raise InvalidArgument(
            f"'{clean(reference, 60)}' fits more than one {noun}: {options}.",
            hint="Use the number or code.",
            field=field,
        ) from None


async def find_customer(store: Store, reference: str, *, field: str = "customer_id") -> Customer:
    """A customer by id or number, else by the whole e-mail address, name or company, else by how the company's name
    begins. Raises NotFound, and InvalidArgument for a name that several have."""
    try:
        return await store.find(Customer, reference, field=field)
    except NotFound as missing:
        wanted = " ".join(reference.split())
        ways = [buyers_called(store, wanted)]
        if len(wanted) >= _SHORTEST_BEGINNING:
            companies = vocabulary(store, Customer.company, "companies").c.value
            begun = select(companies).where(func.lower(companies).startswith(wanted.lower(), autoescape=True))
            ways.append(select(Customer.id).where(Customer.company.in_(begun)))
        for way in ways:
            statement = select(Customer).where(Customer.id.in_(way)).order_by(Customer.number)
            found = await store.all(statement.limit(_SHOWN + 1))
            if len(found) == 1:
                return found[0]
            if found:
                cities = [clean(str(row.address.get("city") or "no city"), 60) for row in found]
                options = ", ".join(f"{row.number} ({city})" for row, city in zip(found, cities, strict=True))
                raise InvalidArgument(
                    f"'{clean(reference, 60)}' fits more than one customer: {options}.",
                    hint="Ask which one is meant and use the number.",
                    field=field,
                ) from None
        raise missing


def buyers_called(store: Store, wanted: str) -> Any:
    """A select of the ids of the customers with exactly this e-mail address, whole name or company, in any case."""
    folded = func.lower(wanted)  # by the engine, like the columns
    first = vocabulary(store, Customer.first_name, "first_names").c.value
    last = vocabulary(store, Customer.last_name, "last_names").c.value
    company = vocabulary(store, Customer.company, "whole_companies").c.value
    begins = select(first).where(func.substr(folded, 1, func.length(first) + 1) == func.lower(first) + " ")
    ends = select(last).where(func.substr(folded, func.length(folded) - func.length(last)) == " " + func.lower(last))
    same_name = func.lower(Customer.first_name + " " + Customer.last_name) == folded
    ids = select(Customer.id)
    return union_all(
        ids.where(Customer.email_folded == wanted.lower()),
        ids.where(Customer.last_name.in_(ends), Customer.first_name.in_(begins), same_name),
        ids.where(Customer.company.in_(select(company).where(func.lower(company) == folded))),
    )


def called(row: Any) -> str:
    """ "RTM (Rotterdam)": number or code, and name."""
    return f"{getattr(row, 'code', None) or row.number} ({clean(row.name, 60)})"


async def _by_name(store: Store, model: Any, wanted: str) -> list[Any]:
    lowered = wanted.lower()
    key = getattr(model, "code", None) or model.number
    exact = await store.all(
        select(model).where((func.lower(model.name) == lowered) | (func.lower(key) == lowered)).limit(_SHOWN + 1)
    )
    if exact:
        return list(exact)
    part = func.lower(model.name).contains(lowered, autoescape=True)
    return list(await store.all(select(model).where(part).order_by(model.id).limit(_SHOWN + 1)))


async def _known(store: Store, model: Any) -> str:
    rows = await store.all(select(model).order_by(model.id).limit(_SHOWN + 1))
    if not rows or len(rows) > _SHOWN:
        return "Check the id, number, code or name."
    return "There are: " + ", ".join(called(row) for row in rows) + "."


async def find_buyer(store: Store, reference: str | None, order: Order | None, *, nobody: str) -> Customer:
    """The customer named, else the order's. `nobody` says what is wrong where neither is given. Raises InvalidArgument,
    also for an order that belongs to another customer than the one named."""
    if reference is None:
        if order is None:
            raise InvalidArgument(nobody, hint="Give customer_id or order_id.", field="customer_id")
        return await store.find(Customer, order.customer_id, field="order_id")
    named = await find_customer(store, reference)
    if order is not None and order.customer_id != named.id:
        raise InvalidArgument(
            f"The order {order.number} belongs to another customer than {named.number}.",
            hint="Leave customer_id out: the order's customer is taken.",
            field="customer_id",
        )
    return named
