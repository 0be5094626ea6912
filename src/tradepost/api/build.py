"""The REST door as the application knows it: its paths, and what it needs. The routes and the framework behind them are
loaded in a thread, after a start, which has better things to do, or with the first request, whichever comes first."""

import asyncio
import threading
from importlib import import_module
from pkgutil import iter_modules
from typing import Protocol

from starlette.types import Receive, Scope, Send

from tradepost.api.answer import Answer
from tradepost.api.parts import Parts
from tradepost.foundation.caller import Caller

PREFIX = "/api/v1"
SHOPPERS = f"{PREFIX}/shopper"  # below it are the doors of the shop's own customers
PAUSE_SECONDS = 0.02  # between two modules that are loaded early

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
        app = self._app or await self._load()
        await app(scope, receive, send)

    async def ask(self, caller: Caller, method: str, path: str, query: str = "", body: bytes = b"") -> Answer:
        """What a request of somebody who has been let in elsewhere is answered: a person who has signed in, for whom
        pages are made of it. `path` is the whole one, not quoted; `query` is encoded as in a URL."""
        return await (self._app or await self._load()).ask(caller, method, path, query, body)

    async def load_early(self) -> None:
        """Load the routes before anybody asks, module by module, with pauses in which others have the processor."""
        for name in ("fastapi", *_modules()):
            if self._app is None:
                await asyncio.to_thread(import_module, name)
                await asyncio.sleep(PAUSE_SECONDS)
        if self._app is None:
            await self._load()

    async def _load(self) -> Front:
        async with self._loading:
            if self._app is None:
                self._app = await asyncio.to_thread(_build, self._parts)
            return self._app


def _modules() -> list[str]:
    """Those of the routes."""
    folder = import_module("tradepost.api").__path__
    return [f"tradepost.api.{one.name}" for one in iter_modules(folder) if not one.ispkg]


def _build(parts: Parts) -> Front:
    with _one_at_a_time:
        app: Front = import_module("tradepost.api.front").Front(parts)
    return app


def build_api(parts: Parts) -> RestDoor:
    """The door over these services."""
    return RestDoor(parts)
