"""The REST door as the application knows it: its paths, and what it needs. The routes and the framework behind them are
loaded with the first request, in a thread: a start has better things to do, and many hubs never use REST."""

import asyncio
import threading
from importlib import import_module

from starlette.types import ASGIApp, Receive, Scope, Send

from tradepost.api.parts import Parts

PREFIX = "/api/v1"
SHOPPERS = f"{PREFIX}/shopper"  # below it are the doors of the shop's own customers

_one_at_a_time = threading.Lock()  # several hubs in one process share the routes, which no two threads may make


def rest_at(url: str) -> dict[str, str]:
    """Where REST is at a hub at `url`, for the document about its protocols."""
    return {"base": f"{url}{PREFIX}", "openapi": f"{url}{PREFIX}/openapi.json"}


class RestDoor:
    """An ASGI application for `/api/v1` and everything below."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._app: ASGIApp | None = None
        self._loading = asyncio.Lock()

    def owns(self, path: str) -> bool:
        """Whether the path is its own."""
        return path == PREFIX or path.startswith(f"{PREFIX}/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app or await self._load()
        await app(scope, receive, send)

    async def _load(self) -> ASGIApp:
        async with self._loading:
            if self._app is None:
                self._app = await asyncio.to_thread(_build, self._parts)
            return self._app


def _build(parts: Parts) -> ASGIApp:
    with _one_at_a_time:
        app: ASGIApp = import_module("tradepost.api.front").Front(parts)
    return app


def build_api(parts: Parts) -> RestDoor:
    """The door over these services."""
    return RestDoor(parts)
