"""Finding places and partners by what people call them: the id, number or code, and otherwise the name."""

from typing import Any, TypeVar

from sqlalchemy import func, select

from tradepost.commerce.store.rows import noun_of
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import InvalidArgument, NotFound
from tradepost.foundation.untrusted import clean

Row = TypeVar("Row")

_SHOWN = 8


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
