"""The REST door as the application knows it: its paths, and what it needs. The routes and the framework behind them are
loaded in a thread, behind the start or with the first request: a start has better things to do."""

import asyncio
import threading
from importlib import import_module
from typing import Protocol

from starlette.types import Receive, Scope, Send

from tradepost.api.answer import Answer
from tradepost.api.parts import Parts
from tradepost.foundation.caller import Caller

PREFIX = "/api/v1"
SHOPPERS = f"{PREFIX}/shopper"  # below it are the doors of the shop's own customers

_one_at_a_time = threading.Lock()  # several hubs in one process share the routes, which no two threads may make


def rest_at(url: str) -> dict[str, str]:
    """Where REST is at a hub at `url`, for the document about its protocols."""
    return {"base": f"{url}{PREFIX}", "openapi": f"{url}{PREFIX}/openapi.json"}


class Front(Protocol):
    """The routes, and what stands before them."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...

    async def ask(self, caller: Caller, method: str, path: str, query: str = "", body: bytes = b"") -> Answer:
        """See RestDoor."""
        ...


class RestDoor:
    """An ASGI application for `/api/v1` and everything below."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._app: Front | None = None
        self._loading = asyncio.Lock()

    def owns(self, path: str) -> bool:
        """Whether the path is its own."""
        return path == PREFIX or path.startswith(f"{PREFIX}/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app or await self.load()
        await app(scope, receive, send)

    async def ask(self, caller: Caller, method: str, path: str, query: str = "", body: bytes = b"") -> Answer:
        """What a request of somebody who has been let in elsewhere is answered: a person who has signed in, for whom
        pages are made of it. `path` is the whole one, not quoted; `query` is encoded as in a URL."""
        return await (self._app or await self.load()).ask(caller, method, path, query, body)

    async def load(self) -> Front:
        """The routes, made once. What comes while they are made waits for them."""
        async with self._loading:
            if self._app is None:
                self._app = await asyncio.to_thread(_build, self._parts)
            return self._app


def _build(parts: Parts) -> Front:
    with _one_at_a_time:
        app: Front = import_module("tradepost.api.front").Front(parts)
    return app


def build_api(parts: Parts) -> RestDoor:
    """The door over these services."""
    return RestDoor(parts)
