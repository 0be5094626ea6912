"""Which record a resource is about, for resources that clients can watch."""

from collections.abc import Awaitable, Callable
from typing import Any

from tradepost.commerce.store.store import Store


def the(model: Any) -> Callable[..., Awaitable[str]]:
    """The record of this kind that the template's one variable names, for `record` of a resource."""

    async def record(store: Store, **variables: str) -> str:
        (reference,) = variables.values()
        return str((await store.find(model, reference)).id)

    return record
