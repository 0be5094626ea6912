"""References that exist in a store, by the name of the parameter that takes them: order_id, from_warehouse_id, sku."""

import re
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tests.commerce.contracts.arguments import Known
from tradepost.commerce.demo import CASES
from tradepost.commerce.store.rows import noun_of
from tradepost.database.base import Scoped, StoreBase

EACH, MOST = 3, 400
NAMES = ("number", "sku", "code", "id")
OTHERWISE = {
    "warehouse": "location",
    "rma": "return",
    "po": "purchase_order",
    "sku": "variant",
    "tracking": "tracking_number",
    "clause": "clause_id",
}
WORDS = {
    "query": ("Smith", "a", "%", "@example"),
    "q": ("return", "shirt", "a", "%"),
    "category": ("shoes", "apparel", "home"),
    "currency": ("EUR", "USD"),
    "country": ("NL",),
    "fields": ("id", "status", "number"),
    "field": ("status",),
}


async def known_in(session: AsyncSession) -> Known:
    """The references of the session's shop, those of named cases first."""
    cases = set(CASES.values())
    by_noun: dict[str, list[str]] = {}
    for mapper in StoreBase.registry.mappers:
        model = mapper.class_
        if not issubclass(model, Scoped):
            continue
        for name in (*NAMES, "tracking_number"):
            if not hasattr(model, name):
                continue
            values = [value for value in await session.scalars(select(getattr(model, name)).limit(MOST)) if value]
            noun = name if name == "tracking_number" else noun_of(model).replace(" ", "_")
            found = by_noun.setdefault(noun, [])
            if len(found) < EACH:
                chosen = [value for value in values if value in cases] or values
                found += chosen[:: max(1, len(chosen) // EACH)][: EACH - len(found)]

    def known(parameter: str) -> Sequence[str]:
        if parameter in WORDS:
            return WORDS[parameter]
        bare = re.sub(r"^(from|to|new|old)_|_(id|ids|number|ref|code)$", "", parameter).removesuffix("s")
        return by_noun.get(OTHERWISE.get(bare, bare), by_noun.get(parameter, ()))

    return known
