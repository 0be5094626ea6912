"""The numbers people call records by, for many ids in one query."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select

from tradepost.commerce.customers.models import Customer
from tradepost.commerce.store.store import Store
from tradepost.foundation.outsiders import clean_name


async def numbers_of(
    store: Store, model: Any, ids: Iterable[str | None], *, by: str = "number"
) -> dict[str | None, str]:
    """{id: number} of the records of a model; `by` names another column ("code")."""
    wanted = {row_id for row_id in ids if row_id is not None}
    if not wanted:
        return {}
    rows = await store.session.execute(select(model.id, getattr(model, by)).where(model.id.in_(sorted(wanted))))
    return {row[0]: row[1] for row in rows}


async def customer_names(store: Store, ids: Iterable[str]) -> dict[str, tuple[str, str]]:
    """{customer id: (number, name or company)}, the name cleaned of what cannot be seen."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    found = await store.session.execute(
        select(Customer.id, Customer.number, Customer.company, Customer.first_name, Customer.last_name).where(
            Customer.id.in_(wanted)
        )
    )
    named = ((row, row.company or f"{row.first_name} {row.last_name}") for row in found)
    return {row.id: (row.number, clean_name(name, 80, "a customer's name")) for row, name in named}
