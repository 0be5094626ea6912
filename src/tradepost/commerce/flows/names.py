"""Finding places, partners and customers by what people call them: the id, number or code, and otherwise the name."""

from typing import Any, TypeVar

from sqlalchemy import Select, func, select, union_all

from tradepost.commerce.customers.models import Customer
from tradepost.commerce.customers.names import names_like, names_spelled
from tradepost.commerce.logistics.models import Driver
from tradepost.commerce.orders.models import Order
from tradepost.commerce.store.rows import noun_of
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import InvalidArgument, NotFound
from tradepost.foundation.outsiders import clean_name, delivered_person
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
        for way in (_exactly, _by_beginning):
            statement = select(Customer).where(Customer.id.in_(await way(store, wanted))).order_by(Customer.number)
            found = await store.all(statement.limit(_SHOWN + 1))
            if len(found) == 1:
                return found[0]
            if found:
                cities = [clean_name(str(row.address.get("city") or "no city"), 60, "an address") for row in found]
                options = ", ".join(f"{row.number} ({city})" for row, city in zip(found, cities, strict=True))
                raise InvalidArgument(
                    f"'{clean(reference, 60)}' fits more than one customer: {options}.",
                    hint="Ask which one is meant and use the number.",
                    field=field,
                ) from None
        raise missing


async def _exactly(store: Store, wanted: str) -> Any:
    return union_all(*await buyers_called(store, wanted))


async def _by_beginning(store: Store, wanted: str) -> Any:
    if len(wanted) < _SHORTEST_BEGINNING:
        return []
    return select(Customer.id).where(Customer.company.in_(await names_like(store, wanted, begins=True)))


async def buyers_called(store: Store, wanted: str) -> list[Select[Any]]:
    """Selects of the ids of customers with exactly this e-mail address, whole name or company, in any case: one each,
    for an index each."""
    words = wanted.split(" ")
    cuts = range(1, len(words))
    first = await names_spelled(store, [" ".join(words[:cut]) for cut in cuts])
    last = await names_spelled(store, [" ".join(words[cut:]) for cut in cuts])
    companies = await names_spelled(store, [wanted])
    ids = select(Customer.id)
    same = func.lower(Customer.first_name + " " + Customer.last_name) == func.lower(wanted)  # by the engine
    found = [ids.where(Customer.email_folded == wanted.lower())]
    if first and last:
        found.append(ids.where(Customer.last_name.in_(last), Customer.first_name.in_(first), same))
    if companies:
        found.append(ids.where(Customer.company.in_(companies)))
    return found


def called(row: Any) -> str:
    """ "RTM (Rotterdam)": number or code, and name."""
    name = clean(row.name, 60)
    if isinstance(row, Driver):
        delivered_person(name)
    return f"{getattr(row, 'code', None) or row.number} ({name})"


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
