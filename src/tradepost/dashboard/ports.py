"""What the pages need of the program they are part of."""

from collections.abc import AsyncGenerator
from typing import Protocol

from tradepost.foundation.caller import Caller


class Answer(Protocol):
    """What a REST route answered."""

    @property
    def status(self) -> int: ...

    @property
    def body(self) -> bytes: ...

    @property
    def headers(self) -> dict[str, str]: ...

    @property
    def stream(self) -> AsyncGenerator[bytes, None] | None: ...


class Rest(Protocol):
    """The REST routes, for a caller who has been let in already."""

    async def ask(self, caller: Caller, method: str, path: str, query: str = "", body: bytes = b"") -> Answer:
        """The answer of the route at the whole path, with the encoded query."""
        ...


class Counting(Protocol):
    """The limit on how often somebody may ask."""

    async def count(self, caller: Caller) -> None:
        """Count one request. Raises RateLimited."""
        ...
