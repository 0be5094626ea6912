"""What a server asks when a client completes an argument."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from tradepost.commerce.store.store import Store


class Suggested(Protocol):
    """Values for an argument; `more`: there are others."""

    @property
    def values(self) -> list[str]: ...
    @property
    def more(self) -> bool: ...


Suggest = Callable[[Store, str, str], Awaitable[Suggested]]


@dataclass(frozen=True)
class _Nothing:
    values: list[str] = field(default_factory=list)
    more: bool = False


async def nothing_to_suggest(_store: Store, _name: str, _typed: str) -> Suggested:
    """For a server whose arguments nobody can guess."""
    return _Nothing()
